'use strict';
/*
 * svg_lib.js - what checks of pictures share: a browser, pictures drawn from folded text by
 * "flametap report", and a tree of the same text that is built without looking at the picture's.
 */
const {execFileSync, spawnSync} = require('child_process');
const fs = require('fs');
const path = require('path');
const {chromium} = require('playwright-core');

const [FLAMETAP, CHROMIUM, WORK] = process.argv.slice(2);

const KNOWN = `app;main;alpha;work_one 40
app;main;alpha;work_two 20
app;main;beta;work_one 30
app;main;beta;other 10
tool;main;work_one;deep;work_one 50
tool;main;Zed::run(int) 50
`; /* 200 in all */

/* Numbers that are the same in every run. */
function randomNumbers(seed) {
	return (n) => {
		seed = seed * 48271 % 2147483647;
		return seed % n;
	};
}

function launch() {
	return chromium.launch({executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu',
		'--disable-quic', '--no-first-run', '--disable-background-networking',
		'--disable-component-update', '--disable-sync', '--disable-dev-shm-usage']});
}

/* Draws folded text. */
function drawAs(picture, name, text, ...options) {
	const source = path.join(WORK, name + '.folded');

	fs.writeFileSync(source, text);
	const done = spawnSync(FLAMETAP, ['report', '-q', source, '-o', picture, ...options]);
	if (done.status !== 0 && done.status !== 3) /* 3: lines without a frame or a weight */
		throw new Error(String(done.stderr));
}

/* The same as a picture, which must be well-formed XML. */
function draw(name, text, ...options) {
	const picture = path.join(WORK, name + '.svg');

	drawAs(picture, name, text, ...options);
	execFileSync('xmllint', ['--huge', '--noout', picture]);
	return picture;
}

/* Letters that a picture shows for bytes of the profiled machine (output/escape.h). */
function shownName(bytes) {
	return new TextDecoder('utf-8', {ignoreBOM: true}).decode(bytes)
		.replace(/[\0-\x1f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
		.replace(/\x7f/g, '\u2421')
		.replace(/[\x80-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef]/g, '\ufffd')
		.replace(/\p{Noncharacter_Code_Point}/gu, '\ufffd');
}

/* Folded text as a list of frames, depth first, siblings by name; fractions of the whole. */
function tree(text) {
	const root = {name: 'all', total: 0, children: new Map()}, list = [];

	for (const line of text.split('\n').filter((l) => l)) {
		const at = line.lastIndexOf(' '), weight = Number(line.slice(at + 1));
		let node = root;

		root.total += weight;
		for (const name of line.slice(0, at).split(';')) {
			if (!node.children.has(name))
				node.children.set(name, {name, total: 0, children: new Map()});
			node = node.children.get(name);
			node.total += weight;
		}
	}
	const visit = (node, depth, left, parent) => {
		const own = list.push({name: node.name, depth, total: node.total, left, parent}) - 1;

		const sorted = Array.from(node.children.values()).sort((a, b) =>
			Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
		for (const child of sorted) {
			visit(child, depth + 1, left, own);
			left += child.total;
		}
	};
	visit(root, 0, 0, -1);
	return list;
}

function equal(got, want, what) {
	const a = JSON.stringify(got), b = JSON.stringify(want);

	if (a !== b)
		throw new Error(`${what}: got ${a}, want ${b}`);
}

function near(got, want, what, slack = 0.02) {
	if (!(Math.abs(got - want) <= slack))
		throw new Error(`${what}: got ${got}, want about ${want}`);
}

function truth(value, what) {
	if (!value)
		throw new Error(what);
}

/* A page with the words for what a user does and sees. */
class Picture {
	constructor(page) {
		this.page = page;
		this.complaints = [];
		/* All but advice about the test's own way of reading pixels. */
		page.on('console', (m) => m.text().startsWith('Canvas2D: Multiple readback') ||
			this.complaints.push('console: ' + m.text()));
		page.on('pageerror', (e) => this.complaints.push('error: ' + e.stack));
		page.on('dialog', (d) => {
			this.complaints.push('dialog: ' + d.message());
			d.dismiss();
		});
	}

	async load(file, fragment = '') {
		await this.page.goto('about:blank');
		await this.page.goto((file.startsWith('http') ? '' : 'file://') + file + fragment);
		await this.ready();
	}

	async ready() {
		await this.page.waitForFunction(() =>
			performance.getEntriesByName('flametap').length > 0, null, {timeout: 60000});
	}

	async view(width, height = 900) {
		await this.page.setViewportSize({width, height});
		await this.page.waitForFunction((w) => {
			const f = document.querySelector('svg.ft').flametap;
			return !f || Math.abs(f.state.width - w) < 40;
		}, width);
	}

	boxes() {
		return this.page.evaluate(() => document.querySelector('svg.ft').flametap.boxes());
	}

	async box(name, nth = 0) {
		const found = (await this.boxes()).filter((b) => b.name === name)
			.sort((a, b) => a.node - b.node)[nth];

		truth(found, `no box of ${name}`);
		return found;
	}

	async at(name, nth) {
		const b = await this.box(name, nth);
		const down = await this.page.evaluate(() => scrollY);

		return [b.x + b.w / 2, b.y + 9 - down];
	}

	async click(name, nth, options) {
		await this.page.mouse.click(...await this.at(name, nth), options);
	}

	async button(name) {
		await this.page.getByRole('button', {name, exact: true}).click();
	}

	async keys(...keys) {
		for (const key of keys)
			await this.page.keyboard.press(key);
	}

	type(text) {
		return this.page.keyboard.type(text);
	}

	text(selector) {
		return this.page.evaluate((s) => document.querySelector(s).textContent, selector);
	}

	details() {
		return this.text('.ft-words');
	}

	result() {
		return this.text('.ft-field output');
	}

	/* The name of the frame that the keyboard is at, as a screen reader is told. */
	current() {
		return this.page.evaluate(async () => {
			await new Promise((done) => { setTimeout(done, 20); });
			const stage = document.querySelector('.ft-stage');
			const id = stage.getAttribute('aria-activedescendant');
			return document.activeElement === stage &&
				document.getElementById(id).textContent.split(', ')[0];
		});
	}

	/* The address follows a little later. */
	async hash() {
		await this.page.waitForTimeout(200);
		return this.page.evaluate(() => location.hash);
	}
}

/* Runs all checks, or the one that is named; each with a page of its own. */
async function runChecks(checks) {
	const browser = await launch(), only = process.argv[5];
	let failed = 0;

	for (const [name, check] of Object.entries(checks)) {
		if (only && only !== name)
			continue;
		const context = await browser.newContext({viewport: {width: 1200, height: 900}});
		const picture = new Picture(await context.newPage());

		try {
			await check(picture, browser, context);
			equal(picture.complaints, [], 'complaints');
			console.log('ok', name);
		} catch (e) {
			failed++;
			console.log(`FAILED ${name}: ${e.stack}\n${picture.complaints.join('\n')}`);
		}
		await context.close();
	}
	await browser.close();
	process.exit(failed ? 1 : 0);
}

module.exports = {FLAMETAP, WORK, KNOWN, randomNumbers, launch, runChecks, draw, drawAs, tree, shownName, equal,
	near, truth, Picture};

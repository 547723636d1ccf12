'use strict';
/* page_browser.js - see page_browser.sh. usage: page_browser.js FLAMETAP CHROMIUM WORK_DIRECTORY */
const {spawnSync} = require('child_process');
const fs = require('fs');
const path = require('path');
const {FLAMETAP, WORK, randomNumbers, runChecks, tree, equal, near, truth} = require('./svg_lib.js');

const checks = {};

function run(...args) {
	const done = spawnSync(path.resolve(FLAMETAP), args, {cwd: WORK});

	if (done.status !== 0)
		throw new Error(`${args.join(' ')}: ${done.stderr}`);
}

function write(name, text) {
	fs.writeFileSync(path.join(WORK, name), text);
	return name;
}

/* Samples {at (ms), stack} as perf script prints them. */
function perfText(samples) {
	return samples.map(({at, stack}) => `prog 7/7 [000] ${(100 + at / 1000).toFixed(6)}: cpu-clock:\n` +
		stack.slice().reverse().map((name) => `\t    4000 ${name}+0x1 (/bin/prog)\n`).join('')).join('\n') + '\n';
}

const folded = (samples) => samples.map(({stack}) => ['prog'].concat(stack).join(';') + ' 1\n').join('');

/* What is shown as a list like tree()'s. */
function shownTree(p, which = 'tree') {
	return p.page.evaluate((key) => {
		const {profile} = document.querySelector('svg.ft').flametap.state;
		const t = key === 'tree' ? profile.tree : key === 'second' ? profile.second : profile.sides[key];

		return Array.from({length: t.count}, (_, i) => ({name: profile.names[t.frame[i]],
			depth: t.depth[i], total: t.total[i], left: t.left[i], parent: t.parent[i]}));
	}, which);
}

async function sameTree(p, text, what, which) {
	const got = await shownTree(p, which), want = tree(text);

	equal(got.length, want.length, what + ': frames');
	want.forEach((w, i) => equal(got[i], w, `${what}: frame ${i}`));
}

async function setField(p, label, value) {
	const field = p.page.getByLabel(label, {exact: true});

	await field.fill(String(value));
	await field.press('Enter');
	await field.blur();
}

/* The x of a time on the timeline, in the window; and a y that lies on it. */
function onTimeline(p, second) {
	return p.page.evaluate((s) => {
		const canvas = document.querySelector('.ft-times canvas'), box = canvas.getBoundingClientRect();
		const all = Number(document.querySelectorAll('.ft-range input')[1].max);

		return [box.left + 170 + s / all * (box.width - 170), box.top + 5];
	}, second);
}

async function drag(p, from, to) {
	await p.page.mouse.move(...await onTimeline(p, from));
	await p.page.mouse.down();
	await p.page.mouse.move(...await onTimeline(p, (from + to) / 2));
	await p.page.mouse.move(...await onTimeline(p, to));
	await p.page.mouse.up();
}

/* Two seconds of one thing, two of another, and a few stacks of their own now and then. */
function phases() {
	const random = randomNumbers(3), samples = [];

	for (let at = 0; at < 4000; at += 10)
		samples.push({at, stack: ['main', at < 2000 ? 'alpha' : 'beta', 'leaf' + random(5)]});
	return samples;
}

const between = (samples, from, to) => samples.filter(({at}) => at >= from * 1000 && at < to * 1000);

checks.timeline = async (p) => {
	const samples = phases();

	write('phases.perf', perfText(samples));
	run('report', '-q', 'phases.perf', '-o', 'phases.html');
	await p.load(path.join(WORK, 'phases.html'));
	await sameTree(p, folded(samples), 'all of the time');
	await setField(p, 'To second', 1.5);
	await sameTree(p, folded(between(samples, 0, 1.5)), 'up to 1.5 s');
	truth((await p.text('.ft-sub')).includes('0 s to 1.5 s'), await p.text('.ft-sub'));
	await drag(p, 1.5, 2.5);
	await sameTree(p, folded(between(samples, 1.5, 2.5)), 'dragged');
	equal(await p.hash(), '#t=1.5-2.5', 'address');
	await p.load(path.join(WORK, 'phases.html'), '#t=1.5-2.5&z=prog;main;beta');
	await sameTree(p, folded(between(samples, 1.5, 2.5)), 'by the address');
	near((await p.box('beta')).w, 1168, 'zoomed by the address');
	await drag(p, 0.5, 1);
	equal((await p.boxes()).map((b) => b.name).includes('beta'), false, 'beta had not begun');
	/* On paper the timeline stays, light, and what is there to be clicked goes. */
	await p.page.emulateMedia({colorScheme: 'dark'});
	await p.page.emulateMedia({media: 'print', colorScheme: 'dark'});
	equal(await p.page.evaluate(() => {
		window.dispatchEvent(new Event('beforeprint'));
		const canvas = document.querySelector('.ft-times canvas'), {width, height} = canvas;
		const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data;
		let light = 0; /* a heat map for dark screens has no such red */

		for (let i = 0; i < pixels.length; i += 4)
			light += pixels[i + 3] === 255 && pixels[i] >= 238 && pixels[i + 1] < 200 ? 1 : 0;
		return [canvas.checkVisibility(), document.querySelector('.ft-range').checkVisibility(), light > 1000].join();
	}), 'true,false,true', 'the timeline on paper');
	await p.page.emulateMedia({media: 'screen', colorScheme: 'light'});
	await p.page.evaluate(() => { window.dispatchEvent(new Event('afterprint')); });
	await p.button('All');
	await sameTree(p, folded(samples), 'all again');
};

checks.random_ranges = async (p) => {
	const random = randomNumbers(17), samples = [];

	for (let i = 0; i < 1500; i++)
		samples.push({at: random(9000), stack: Array.from({length: 1 + random(7)}, (_, d) =>
			'f' + random(d < 2 ? 3 : 6))});
	samples.sort((a, b) => a.at - b.at);
	samples[0].at = 0;
	write('random.perf', perfText(samples));
	run('report', '-q', 'random.perf', '-o', 'random.html');
	for (let round = 0; round < 12; round++) {
		const from = random(80) / 10, to = from + (1 + random(10)) / 10;

		await p.load(path.join(WORK, 'random.html'), `#t=${from.toFixed(1)}-${to.toFixed(1)}`);
		await sameTree(p, folded(between(samples, Number(from.toFixed(1)), Number(to.toFixed(1)))),
			`${from} to ${to}`);
	}
	/* The filters of the program keep the timeline, and an archive keeps both. */
	run('report', '-q', 'random.perf', '--focus', '^f2$', '-o', 'focus.ftap');
	run('report', '-q', 'focus.ftap', '-o', 'focus.html');
	await p.load(path.join(WORK, 'focus.html'), '#t=2.0-4.0');
	await sameTree(p, folded(between(samples, 2, 4).filter(({stack}) => stack.includes('f2'))), 'focus');
};

checks.two_ranges = async (p) => {
	const samples = phases();

	write('two.perf', perfText(samples));
	run('report', '-q', 'two.perf', '-o', 'two.html');
	await p.load(path.join(WORK, 'two.html'));
	await drag(p, 1, 2);
	await p.page.keyboard.down('Shift');
	await drag(p, 2, 3);
	await p.page.keyboard.up('Shift');
	await sameTree(p, folded(between(samples, 1, 2)), 'before', '0');
	await sameTree(p, folded(between(samples, 2, 3)), 'after', '1');
	await p.page.mouse.move(...await p.at('alpha'));
	for (const part of ['before 100.00 %, after 0.00 %', '\u2212100.00', 'vanished'])
		truth((await p.details()).includes(part), `${part} in ${await p.details()}`);
	await p.page.mouse.move(...await p.at('main'));
	truth((await p.details()).includes('within sampling noise'), await p.details());
	truth((await p.text('.ft-legend')).includes('from 100 and 100 samples'), await p.text('.ft-legend'));
	equal(await p.hash(), '#h=change&t=1.0-2.0&u=2.0-3.0', 'address');
	truth((await p.text('.ft-sub')).startsWith('1 s to 2 s (100 samples) changed to 2 s to 3 s (100 samples)'),
		await p.text('.ft-sub'));
	/* In a narrow window all of it is there, too: nothing is cut off at the right or by the frames. */
	await p.view(400);
	equal(await p.page.evaluate(() => {
		const panel = document.querySelector('.ft-views'), box = panel.parentElement;
		const ends = Array.from(document.querySelectorAll('.ft-legend text'), (t) => t.getBoundingClientRect().right);

		return [panel.offsetHeight > Number(box.getAttribute('height')), panel.scrollWidth > box.clientWidth,
			Math.max(...ends) > innerWidth];
	}).then(String), 'false,false,false', 'cut off at 400');
	await p.view(1200);
	await p.keys('/');
	await p.type('beta');
	equal(await p.result(), '0.00 % \u2192 100.00 %', 'search');
	await p.keys('Escape', 't');
	truth((await p.text('.ft-table')).includes('Self before'), 'table of both');
	await p.keys('t');
	await p.button('All');
	await p.button('Compare');
	await drag(p, 3, 4);
	await sameTree(p, folded(between(samples, 3, 4)), 'after', '1');
	await sameTree(p, folded(samples), 'all before', '0');
};

const ONE = 'a;main;x 30\na;main;y 10\nb;run 20\n', TWO = 'a;main;x 5\na;other 45\nb;run;deep 50\n';

checks.several = async (p) => {
	write('one "<b>.folded', ONE);
	write('two.folded', TWO);
	run('report', '-q', 'one "<b>.folded', 'two.folded', '-o', 'several.html');
	await p.load(path.join(WORK, 'several.html'));
	await sameTree(p, ONE, 'the first');
	await p.page.getByLabel('Profile', {exact: true}).selectOption('two.folded');
	await sameTree(p, TWO, 'the second');
	await p.page.getByLabel('Profile', {exact: true}).selectOption('one "<b>.folded');
	await p.page.getByLabel('How profiles are shown').selectOption('beside');
	await sameTree(p, ONE, 'left');
	await sameTree(p, TWO, 'right', 'second');
	truth((await p.text('.ft-captions')).includes('one "<b>.folded'), 'captions');
	const [left, right] = (await p.boxes()).filter((b) => b.name === 'all').sort((a, b) => a.x - b.x);
	near(left.w, 576, 'half of the width');
	near(right.x, 16 + 576 + 16, 'the other half');
	await p.click('a');
	near((await p.boxes()).find((b) => b.pane === 1 && b.name === 'a').w, 576, 'zoomed along');
	await p.keys('/');
	await p.type('main');
	equal(await p.result(), '66.66 % | 5.00 %', 'search');
	await p.keys('Escape', 'Home', 'ArrowRight');
	equal(await p.current(), 'all', 'on the other side');
	await p.keys('ArrowDown', 's');
	equal((await p.boxes()).map((b) => b.name).includes('deep'), false, 'callees of a, on the right');
	equal((await p.boxes()).find((b) => b.name === 'a').pane, 1, 'sandwich');
	await p.keys('Escape');
	equal(await p.hash(), '#z=a&h=beside', 'address');
	const roots = fs.readFileSync(path.join(WORK, 'several.html'), 'utf8').match(/<svg [^>]*data-icicle="1"/);
	truth(roots, 'the plain picture of a page with choices has its root on top');
};

/* A change by another program than draws it: shares of every stack of both. */
function shares(one, two) {
	const all = new Map();

	[one, two].forEach((text, side) => {
		const list = tree(text), key = (n) => (n.parent < 0 ? 'all' : key(list[n.parent]) + ';' + n.name);

		for (const node of list) {
			if (!all.has(key(node)))
				all.set(key(node), [0, 0]);
			all.get(key(node))[side] = node.total / list[0].total;
		}
	});
	return all;
}

checks.change = async (p, browser) => {
	const random = randomNumbers(23), text = () => Array.from({length: 300}, () => Array.from(
		{length: 1 + random(6)}, (_, d) => 'g' + random(d < 2 ? 3 : 5)).join(';') + ' ' + (1 + random(60)))
		.join('\n') + '\n';
	const one = text(), two = text(), want = shares(one, two), picture = path.join(WORK, 'diff.svg');

	write('one.folded', one);
	write('two.folded', two);
	run('diff', '-q', 'one.folded', 'two.folded', '-o', 'diff.svg', '-o', 'diff.html');
	await p.load(picture);
	const got = await p.page.evaluate(() => {
		const {profile} = document.querySelector('svg.ft').flametap.state, t = profile.tree;
		const key = (i) => (i === 0 ? 'all' : key(t.parent[i]) + ';' + profile.names[t.frame[i]]);

		return Array.from({length: t.count}, (_, i) => [key(i), t.before[i], t.after[i]]);
	});
	equal(got.length, want.size, 'frames');
	for (const [key, before, after] of got) {
		near(before, want.get(key)[0], key + ' before', 1e-9);
		near(after, want.get(key)[1], key + ' after', 1e-9);
	}
	await samePlaces(p, browser, picture);
	await p.click('g1');
	near((await p.box('g1')).w, 1168, 'zoom');
	await p.keys('Escape', '/');
	await p.type('g1');
	truth(/^\d+\.\d\d % \u2192 \d+\.\d\d %$/.test(await p.result()), await p.result());
	await p.keys('Escape', 't');
	await p.button('g2');
	truth((await p.boxes()).some((b) => b.pane === 0), 'callers of a change');
	await p.keys('Escape');
	await p.page.getByLabel('How profiles are shown').selectOption('alone');
	await sameTree(p, one, 'before alone');
	await p.load(path.join(WORK, 'diff.html'));
	equal((await p.boxes()).length > 100, true, 'as a page');
};

/* The plain picture and the script's have the same boxes. */
async function samePlaces(p, browser, picture) {
	const context = await browser.newContext({javaScriptEnabled: false, viewport: {width: 1200, height: 900}});
	const page = await context.newPage(), boxes = await p.boxes();

	await page.goto('file://' + picture);
	const plain = await page.locator('.ft-f > g').evaluateAll((list) => list.map((g) => {
		const n = (k) => Number(g.querySelector('rect').getAttribute(k));
		return {name: g.firstChild.textContent.split('\n')[0], x: n('x'), y: n('y'), w: n('width'),
			color: getComputedStyle(g.querySelector('rect')).fill};
	}));
	await context.close();
	truth(plain.length > 50, 'plain boxes');
	const top = boxes.find((b) => b.name === 'all').y - plain[0].y;
	for (const a of plain)
		truth(boxes.some((b) => b.name === a.name && Math.abs(b.x - a.x) < 0.02 && b.y === a.y + top &&
			Math.abs(b.w - 1 - a.w) < 0.03 && b.color === a.color), `drawn: ${JSON.stringify(a)}`);
}

/* One file with both: on the left what was on CPUs, on the right what was not. */
checks.on_and_off = async (p) => {
	const on = 'app;main;work 70\napp;main 10\n', off = 'app;main;[off CPU: sleeping] 15\napp;read;[off CPU: ' +
		'uninterruptible];[began before the recording] 5\n';

	write('wall.folded', on + off);
	run('report', '-q', 'wall.folded', '-o', 'wall.html');
	await p.load(path.join(WORK, 'wall.html'));
	await sameTree(p, on, 'on CPU');
	await sameTree(p, off, 'off CPU', 'second');
	await p.page.getByLabel('How profiles are shown').selectOption('alone');
	await p.page.getByLabel('Profile', {exact: true}).selectOption('off CPU');
	await sameTree(p, off, 'off CPU alone');
};

runChecks(checks);

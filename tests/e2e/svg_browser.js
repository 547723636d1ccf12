'use strict';
/* svg_browser.js - see svg_browser.sh. usage: svg_browser.js FLAMETAP CHROMIUM WORK_DIRECTORY */
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const path = require('path');
const {WORK, KNOWN, randomNumbers, runChecks, draw, drawAs, tree, shownName, equal, near,
	truth} = require('./svg_lib.js');

const checks = {};

function randomFolded(stacks, seed) {
	const random = randomNumbers(seed), lines = [];

	for (let i = 0; i < stacks; i++) {
		const names = [];

		for (let d = random(14); d >= 0; d--)
			names.push('f' + random(d < 3 ? 3 : 9) + (random(5) ? '' : '::\u00e9<' + d + '>'));
		lines.push(names.join(';') + ' ' + (1 + random(random(8) ? 20 : 3000)));
	}
	return lines.join('\n') + '\n';
}

/* Every frame's place in the picture's tree and, where it is drawn, on the canvas. */
checks.geometry = async (p) => {
	const text = randomFolded(3000, 5), want = tree(text);

	await p.load(draw('random', text));
	const got = await p.page.evaluate(() => {
		const {profile} = document.documentElement.flametap, t = profile.tree;
		return Array.from({length: t.count}, (_, i) => ({name: profile.names[t.frame[i]],
			depth: t.depth[i], total: t.total[i], left: t.left[i], parent: t.parent[i]}));
	});
	equal(got.length, want.length, 'frames');
	want.forEach((w, i) => equal(got[i], w, 'frame ' + i));
	for (const width of [1200, 733]) {
		await p.view(width);
		for (const zoomed of [0, 1, 7, Math.floor(want.length / 2)]) {
			await p.page.evaluate((i) => document.documentElement.flametap.zoom(0, i), zoomed);
			await checkBoxes(p, want, zoomed, width);
		}
	}
};

async function checkBoxes(p, want, zoomed, width) {
	const boxes = await p.boxes(), room = width - 32, z = want[zoomed], seen = new Map();
	const {top, rows} = await p.page.evaluate(() => document.documentElement.flametap.state);

	boxes.forEach((b) => seen.set(b.node, b));
	want.forEach((w, i) => {
		const b = seen.get(i), x = 16 + (w.left - z.left) / z.total * room;
		const inside = w.left >= z.left && w.left + w.total <= z.left + z.total && w.depth >= z.depth;

		if (b && b.above) {
			near(b.w, room, 'width of an ancestor');
			return;
		}
		equal(Boolean(b), inside && w.total / z.total * room >= 0.3 && i >= zoomed,
			`frame ${i} is drawn at zoom ${zoomed}`);
		if (b) {
			near(b.x, x, `left edge of ${i}`, 1e-6);
			near(b.w, w.total / z.total * room, `width of ${i}`, 1e-6);
			equal(b.y, top + (rows - 1 - w.depth) * 18, `height of ${i}`);
		}
	});
	await checkPixels(p, boxes);
}

/* What was said to be drawn is on the canvas: the colour in the lower right corner of wide boxes. */
async function checkPixels(p, boxes) {
	const wrong = await p.page.evaluate((list) => {
		const canvas = document.querySelector('.ft-stage canvas'), context = canvas.getContext('2d');
		const from = Number(canvas.closest('foreignObject').getAttribute('y')), probe = document
			.createElementNS('http://www.w3.org/1999/xhtml', 'canvas').getContext('2d');
		const image = context.getImageData(0, 0, canvas.width, canvas.height).data;

		return list.filter((b) => b.w > 6 && !b.above).filter((b) => {
			const x = Math.floor(b.x + b.w - 2.5), y = Math.floor(b.y + 15 - from);
			probe.fillStyle = b.color;
			probe.fillRect(0, 0, 1, 1);
			const want = probe.getImageData(0, 0, 1, 1).data, at = 4 * (y * canvas.width + x);
			return y < 0 || y >= canvas.height ? false :
				[0, 1, 2].some((c) => Math.abs(want[c] - image[at + c]) > 2);
		});
	}, boxes);

	equal(wrong.slice(0, 3), [], 'boxes that are not on the canvas');
}

/* The picture without its script: places, and labels that fit, at any width. */
checks.plain = async (p, browser) => {
	const text = randomFolded(800, 9), want = tree(text), context = await browser.newContext(
		{javaScriptEnabled: false, viewport: {width: 1200, height: 900}});
	const page = await context.newPage();
	const picture = draw('plain', text);

	for (const [file, width] of [[picture, 1200], [draw('bare', text, '--no-script'), 1200],
		[picture, 700], [picture, 1900]]) {
		await page.setViewportSize({width, height: 900});
		await page.goto('file://' + file);
		const boxes = await page.locator('.ft-f > g').evaluateAll((list) => list.map((g) => {
			const r = g.querySelector('rect'), t = g.querySelector('text');
			const n = (k) => Number(r.getAttribute(k));
			return {name: g.firstChild.textContent.split('\n')[0], x: n('x'), y: n('y'),
				w: n('width'), label: t ? t.textContent : '',
				overhang: t ? t.getBoundingClientRect().right - r.getBoundingClientRect().right : 0};
		}));
		const wide = want.filter((w) => w.total / want[0].total * 1168 >= 3.02);
		truth(boxes.length >= wide.length, 'all wide frames are there');
		for (const w of wide) {
			const x = 16 + w.left / want[0].total * 1168;
			const b = boxes.find((c) => c.name === w.name && Math.abs(c.x - x) < 0.02 &&
				Math.abs(c.w + 1 - w.total / want[0].total * 1168) < 0.03 &&
				c.y === boxes[0].y - 18 * w.depth);
			truth(b, `a box for ${JSON.stringify(w)}`);
			truth(b.overhang < 0.5, `label of ${w.name} sticks out by ${b.overhang}`);
			truth(b.label || b.w < 40, `label of ${w.name}`);
		}
	}
	await context.close();
};

checks.details = async (p) => {
	await p.load(draw('known', KNOWN));
	await p.page.mouse.move(...await p.at('alpha'));
	for (const part of ['alpha', '60 samples', '30.00 % of all', '60.00 % of parent', 'user'])
		truth((await p.details()).includes(part), `${part} in ${await p.details()}`);
	await p.page.mouse.move(5, 5);
	truth((await p.details()).includes('Click to zoom'), 'nothing pointed at');
};

checks.zoom = async (p) => {
	await p.load(draw('known', KNOWN));
	await p.click('alpha');
	for (const name of ['alpha', 'app', 'all'])
		near((await p.box(name)).w, 1168, name + ' fills the width');
	near((await p.box('work_one')).w, 1168 * 40 / 60, 'child in proportion');
	equal((await p.boxes()).map((b) => b.name).sort(),
		['all', 'alpha', 'app', 'main', 'work_one', 'work_two'], 'frames in view');
	await p.page.mouse.move(...await p.at('work_two'));
	truth((await p.details()).includes('33.33 % of view'), await p.details());
	await p.click('app');
	near((await p.box('alpha')).w, 1168 * 0.6, 'out again by a click on an ancestor');
	await p.button('Reset');
	near((await p.box('app')).w, 584, 'reset');
	truth(await p.page.getByRole('button', {name: 'Reset', exact: true}).isDisabled(), 'nothing to reset');
};

checks.search = async (p) => {
	await p.load(draw('known', KNOWN));
	await p.keys('/');
	await p.type('work_one');
	equal(await p.result(), '60.00 %', 'nested matches count once');
	const colors = new Set((await p.boxes()).filter((b) => b.name === 'work_one').map((b) => b.color));
	equal(colors.size, 1, 'one colour for matches');
	truth(!colors.has((await p.box('work_two')).color), 'matches stand out');
	await p.keys('Escape', 'Control+f');
	equal(await p.result(), '', 'cleared');
	await p.type('zed');
	equal(await p.result(), '25.00 %', 'lower case finds both cases');
	await p.keys('Control+a');
	await p.type('ZED');
	equal(await p.result(), '0.00 %', 'upper case is taken as it is');
	await p.keys('Control+a');
	await p.type('samples');
	equal(await p.result(), '0.00 %', 'figures are not searched');
	await p.keys('Escape');
	await p.click('beta');
	await p.keys('/');
	await p.type('^(work|oth)');
	equal(await p.result(), '0.00 % \u00b7 0.00 % of view', 'plain text is no expression');
	await p.button('Regular expression');
	equal(await p.result(), '75.00 % \u00b7 100.00 % of view', 'expression, zoomed');
	await p.keys('/', 'Control+a');
	await p.type('([');
	equal(await p.result(), 'not a valid expression', 'broken expression');
};

checks.icicle = async (p) => {
	const order = async () => Math.sign((await p.box('main')).y - (await p.box('all')).y);

	await p.load(draw('known', KNOWN));
	equal(await order(), -1, 'flame: root at the bottom');
	await p.button('Icicle');
	equal(await order(), 1, 'icicle: root on top');
	await p.click('alpha');
	await p.keys('i');
	equal(await order(), -1, 'back by key');
	near((await p.box('alpha')).w, 1168, 'zoom is kept');
	await p.load(draw('known', KNOWN, '--icicle'));
	equal(await order(), 1, 'from the start');
};

checks.keyboard = async (p) => {
	await p.load(draw('known', KNOWN));
	for (let i = 0; i < 9 && !await p.current(); i++)
		await p.keys('Tab');
	equal(await p.current(), 'all', 'Tab reaches the frames');
	await p.keys('Home', 'ArrowUp', 'ArrowUp', 'ArrowUp');
	equal(await p.current(), 'alpha', 'outwards, the widest first');
	truth((await p.details()).includes('30.00 % of all'), await p.details());
	await p.keys('ArrowRight');
	equal(await p.current(), 'beta', 'sibling');
	await p.keys('ArrowLeft', 'ArrowDown');
	equal(await p.current(), 'main', 'parent');
	await p.keys('ArrowUp', 'Enter');
	near((await p.box('alpha')).w, 1168, 'Enter zooms');
	await p.keys('ArrowDown');
	equal(await p.current(), 'main', 'parent while zoomed');
	await p.keys('ArrowUp');
	equal(await p.current(), 'alpha', 'the way back');
	await p.keys('Escape');
	near((await p.box('alpha')).w, 1168 * 0.3, 'Escape resets');
	await p.keys('i', 'Home', 'ArrowDown');
	equal(await p.current(), 'app', 'in an icicle, down is away from the root');
};

checks.screen_reader = async (p) => {
	await p.load(draw('known', KNOWN));
	await p.page.locator('.ft-stage').focus();
	await p.keys('Home', 'ArrowUp', 'ArrowUp', 'ArrowUp');
	equal(await p.current(), 'alpha', 'walk');
	const items = await p.page.locator('[role=treeitem]').evaluateAll((list) => list.map((e) =>
		[e.textContent.split(', ')[0], ...['level', 'posinset', 'setsize'].map((k) =>
			Number(e.getAttribute('aria-' + k)))]));
	equal(items, [['all', 1, 1, 1], ['app', 2, 1, 2], ['main', 3, 1, 1], ['alpha', 4, 1, 2],
		['work_one', 5, 1, 2], ['work_two', 5, 2, 2], ['beta', 4, 2, 2]], 'items');
	equal(await p.page.locator('[role=tree]').getAttribute('aria-label'), 'Frames', 'label');
	truth((await p.text('[aria-selected=true]')).startsWith('alpha, 60 samples, 30.00 % of all'), 'figures');
};

/* The address survives a profile made anew, with other frames before and beside. */
checks.permalink = async (p) => {
	await p.load(draw('known', KNOWN));
	await p.click('beta');
	await p.keys('/');
	await p.type('work');
	const hash = await p.hash();
	equal(hash, '#s=work&z=app;main;beta', 'address');
	await p.page.reload();
	await p.ready();
	equal(await p.result(), '70.00 % \u00b7 75.00 % of view', 'search and zoom after a reload');
	await p.load(draw('anew', 'aaa;main 5\napp;main;aardvark 7\n' + KNOWN), hash);
	near((await p.box('beta')).w, 1168, 'the same frame in another profile');
	await p.load(draw('gone', 'app;main;alpha 4\n'), hash);
	truth((await p.details()).includes('is not in this profile'), await p.details());
	near((await p.box('main')).w, 1168, 'its nearest caller');
	const odd = 'a%b;x=1&y#z;<q> 5\nother 5\n';
	await p.load(draw('odd', odd));
	await p.click('<q>');
	await p.load(draw('odd', odd), await p.hash());
	near((await p.box('<q>')).w, 1168, 'odd letters in a path');
	await p.load(draw('known', KNOWN), '#z=%zz;;&s=%&f=%&c=no&v=no&i=2');
	near((await p.box('app')).w, 584, 'nonsense is no address');
};

/* Callers and callees of a frame, against sums over the text. */
checks.sandwich = async (p) => {
	await p.load(draw('known', KNOWN));
	await p.click('work_one');
	await p.keys('s');
	const boxes = await p.boxes(), of = (name, pane) => boxes.filter((b) => b.name === name && b.pane === pane)
		.map((b) => Math.round(b.w / 1168 * 120)).sort((a, b) => a - b);
	equal(of('work_one', 1), [50, 120], 'all of it: 40 + 30 + 50; and the one that it calls');
	equal(of('deep', 1), [50], 'callee');
	equal(of('alpha', 0), [40], 'caller');
	equal(of('beta', 0), [30], 'caller');
	equal(of('main', 0), [30, 40, 50], 'callers');
	equal(of('app', 0), [30, 40], 'outermost');
	truth((await p.box('alpha')).y < (await p.box('work_one')).y, 'callers above');
	truth((await p.box('deep')).y > (await p.box('work_one')).y, 'callees below');
	equal(await p.hash(), '#f=work_one', 'address');
	await p.page.reload();
	await p.ready();
	equal((await p.boxes()).length, boxes.length, 'after a reload');
	await p.page.locator('.ft-stage').focus();
	await p.keys('Home', 'ArrowUp');
	equal(await p.current(), 'main', 'across to the callers by key');
	await p.keys('ArrowDown', 'ArrowDown');
	equal(await p.current(), 'deep', 'and back');
	await p.keys('Escape');
	near((await p.box('app')).w, 584, 'Escape leaves');
	await p.load(draw('same', 'x;x;y 5\nx;y 5\n'), '#f=x;1');
	truth((await p.details()).includes('user'), 'a function, not the process of that name');
	await p.page.locator('.ft-stage').focus();
	await p.keys('k', 'k', 'k');
	equal(await p.hash(), '#f=x;1', 'its address');
};

/* Totals by path, counted line by line from the text. */
function around(text, wanted) {
	const sums = [{}, {}];
	const add = (pane, names, weight) => names.forEach((_, k) => {
		const key = names.slice(0, k + 1).join(';');
		sums[pane][key] = (sums[pane][key] || 0) + weight;
	});

	for (const line of text.split('\n').filter((l) => l)) {
		const at = line.lastIndexOf(' '), names = line.slice(0, at).split(';');
		const first = names.indexOf(wanted), weight = Number(line.slice(at + 1));

		if (first >= 0) {
			add(0, names.slice(0, first + 1).reverse(), weight);
			add(1, names.slice(first), weight);
		}
	}
	return sums.map((s) => Object.entries(s).sort());
}

checks.sandwich_sums = async (p) => {
	const text = randomFolded(1500, 21).replace(/^/gm, 'process;').replace(/^process;$/m, '');

	for (const name of ['f0', 'f4', 'f7', 'f2::\u00e9<1>']) {
		await p.load(draw('sums', text), '#f=' + encodeURIComponent(name));
		const got = await p.page.evaluate(() => {
			const {profile, state} = document.documentElement.flametap;
			return state.panes.map(({tree: t}) => {
				const paths = [], wrong = [];
				for (let i = 0; i < t.count; i++) {
					const up = i ? paths[t.parent[i]][0] + ';' : '';
					paths.push([up + profile.names[t.frame[i]], t.total[i]]);
					const next = t.end[i];
					if (i && (t.left[i] < t.left[t.parent[i]] || next > t.end[t.parent[i]] ||
						(next < t.end[t.parent[i]] && (t.parent[next] !== t.parent[i] ||
						t.frame[next] <= t.frame[i] || t.left[next] !== t.left[i] + t.total[i]))))
						wrong.push(i);
				}
				return [paths.sort(), wrong];
			});
		});
		const want = around(text, name);
		const sorted = (list) => list.map(([k, n]) => `${k} ${n}`).sort();
		for (const pane of [0, 1]) {
			truth(want[pane].length > 3, 'something to compare');
			equal(sorted(got[pane][0]), sorted(want[pane]), `${pane ? 'callees' : 'callers'} of ${name}`);
			equal(got[pane][1], [], 'order and places');
		}
	}
};

checks.table = async (p) => {
	const rows = () => p.page.locator('.ft-table tbody tr').evaluateAll((list) => list.map((r) =>
		Array.from(r.cells, (c) => c.textContent).slice(0, 3)));

	await p.load(draw('known', KNOWN));
	await p.keys('t');
	equal((await rows()).slice(0, 2), [['60.00 %120 samples', '60.00 %120 samples', 'work_one'],
		['25.00 %50 samples', '25.00 %50 samples', 'Zed::run(int)']], 'hottest by self weight');
	await p.button('Total');
	equal((await rows())[0].slice(1), ['100.00 %200 samples', 'main'], 'by total');
	await p.button('Name');
	equal((await rows()).map((r) => r[2])[0], 'Zed::run(int)', 'by name');
	await p.keys('/');
	await p.type('alph');
	equal((await rows()).map((r) => r[2]), ['alpha'], 'searched');
	await p.keys('Escape');
	await p.page.getByRole('button', {name: 'beta', exact: true}).click();
	equal(await p.hash(), '#f=beta', 'a row leads to callers and callees');
	await p.keys('Escape');
	await p.click('beta');
	await p.keys('t');
	await p.button('Self');
	equal((await rows())[0], ['75.00 %30 samples', '75.00 %30 samples', 'work_one'], 'of the zoomed frame');
};

checks.copy = async (p, browser, context) => {
	const pasted = () => p.page.evaluate(() => navigator.clipboard.readText());

	await context.grantPermissions(['clipboard-read', 'clipboard-write']);
	await p.load(draw('known', KNOWN));
	await p.click('alpha');
	await p.click('work_two');
	await p.keys('c');
	await p.page.waitForFunction(() => document.querySelector('.ft-words').textContent === 'Copied the name');
	equal(await pasted(), 'work_two', 'name');
	await p.keys('Shift+C');
	await p.page.waitForFunction(() => document.querySelector('.ft-words').textContent === 'Copied the stack');
	equal(await pasted(), 'app;main;alpha;work_two 20', 'stack');
	await p.button('Reset');
	await p.page.mouse.move(...await p.at('beta'));
	await p.keys('c');
	await p.page.waitForFunction(() => document.querySelector('.ft-words').textContent === 'Copied the name');
	equal(await pasted(), 'beta', 'what the pointer is at');
};

checks.colors = async (p) => {
	const color = async (name) => (await p.box(name)).color;
	const ground = () => p.page.evaluate(() => getComputedStyle(document.querySelector('.ft-bg')).fill);

	await p.load(draw('known', KNOWN));
	const light = await color('alpha'), white = await ground();
	await p.page.emulateMedia({colorScheme: 'dark'});
	await p.page.waitForFunction((was) => document.documentElement.flametap.boxes().every((b) =>
		b.color !== was), light);
	truth(await ground() !== white, 'dark');
	await p.page.emulateMedia({colorScheme: 'light'});
	await p.page.waitForFunction((was) => document.documentElement.flametap.boxes().some((b) =>
		b.color === was), light);
	await p.keys('k');
	equal(await p.page.evaluate(() => document.querySelector('.ft-ui select').value), 'module', 'by module');
	truth((await p.text('.ft-legend')).includes('no module'), 'legend of modules');
	await p.keys('k');
	truth(await color('main') !== await color('other'), 'shares differ');
	equal(await p.hash(), '#c=share', 'address');
	await p.keys('k');
	equal(await color('alpha'), light, 'by kind again');
};

checks.resize = async (p) => {
	await p.load(draw('known', KNOWN));
	for (const width of [1800, 700, 360, 1200]) {
		await p.view(width);
		near((await p.box('all')).w, width - 32, 'root at ' + width);
		equal(await p.page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, 'fits');
	}
};

/* Paper is light, shows what the screen shows, as text that can be searched. */
checks.paper = async (p) => {
	await p.load(draw('known', KNOWN));
	await p.page.emulateMedia({colorScheme: 'dark'});
	await p.click('alpha');
	const pdf = await p.page.pdf({printBackground: true, landscape: true});
	truth(pdf.length > 5000 && pdf.subarray(0, 4).toString() === '%PDF', 'a PDF');
	fs.writeFileSync(path.join(WORK, 'paper.pdf'), pdf);
	const printed = await p.page.evaluate(() => {
		window.dispatchEvent(new Event('beforeprint'));
		return Array.from(document.querySelectorAll('.ft-f > g'), (g) => g.textContent).sort();
	});
	equal(printed, ['all', 'alpha', 'app', 'main', 'work_one', 'work_two'], 'the zoomed view as text');
	await p.page.emulateMedia({media: 'print', colorScheme: 'dark'});
	equal(await p.page.evaluate(() => [getComputedStyle(document.querySelector('.ft-bg')).fill,
		getComputedStyle(document.querySelector('.ft-f')).visibility,
		getComputedStyle(document.querySelector('.ft-stage').parentNode).display]),
	['rgb(255, 255, 255)', 'visible', 'none'], 'what is on paper');
	await p.page.emulateMedia({media: 'screen', colorScheme: 'light'});
};

checks.image = async (p) => {
	const file = path.join(WORK, 'page.html');

	fs.writeFileSync(file, `<!doctype html><body><img src='file://${draw('known', KNOWN)}'></body>`);
	await p.page.goto('file://' + file);
	equal(await p.page.evaluate(() => {
		const i = document.querySelector('img');
		return [i.complete, i.naturalWidth];
	}), [true, 1200], 'as <img>');
};

/* The hash of script and style is all that a policy need allow. */
checks.policy = async (p) => {
	const picture = fs.readFileSync(draw('known', KNOWN), 'utf8');
	const hash = (tag) => `'sha256-${crypto.createHash('sha256').update(picture.match(
		new RegExp(`<${tag}><!\\[CDATA\\[([^]*?)\\]\\]></${tag}>`))[1]).digest('base64')}'`;
	const policy = `default-src 'none'; script-src ${hash('script')}; style-src ${hash('style')}`;
	const server = http.createServer((request, answer) => {
		const found = request.url.startsWith('/x.svg');
		answer.writeHead(found ? 200 : 204, {'Content-Type': 'image/svg+xml',
			'Content-Security-Policy': policy});
		answer.end(found ? picture : '');
	});

	await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
	try {
		await p.load(`http://127.0.0.1:${server.address().port}/x.svg`);
		await p.click('alpha');
		await p.keys('t', 't', 's', 'k', 'Escape', '/');
		await p.type('work');
		equal(await p.result(), '70.00 % \u00b7 100.00 % of view', 'works');
		equal(p.complaints, [], 'violations');
	} finally {
		server.close();
	}
};

/* The picture in a page with notes: links in them lead to frames, and the page's own policy allows no more. */
checks.page = async (p) => {
	const note = path.join(WORK, 'note.md'), picture = path.join(WORK, 'page.html');

	fs.writeFileSync(note, '# What we saw\n\nMost is in *alpha*, see [the frame](#z=app;main;alpha).\n\n' +
		'- <script>alert(9)</script>\n- [x](javascript:alert(10))\n');
	drawAs(picture, 'known', KNOWN, '--note', note, '--title', '</title><script>alert(11)</script>');
	await p.page.goto('file://' + picture);
	await p.ready();
	equal(await p.page.locator('.notes').evaluate((e) => [e.querySelector('h2').textContent,
		e.querySelectorAll('script').length, e.querySelectorAll('a').length]), ['What we saw', 0, 1], 'notes');
	await p.page.getByRole('link', {name: 'the frame'}).click();
	await p.page.waitForFunction(() => document.querySelector('svg.ft').flametap.state.panes[0].zoomed > 0);
	truth((await p.details()).startsWith('alpha'), 'a link in the notes leads to a frame');
	await p.keys('Escape');
	equal(await p.hash(), '', 'Escape');
	await p.keys('/');
	await p.type('work_one');
	equal(await p.result(), '60.00 %', 'search');
	equal(await p.hash(), '#s=work_one', 'address');
	equal(await p.page.evaluate(() => document.querySelectorAll('script').length), 1, 'scripts');
	await p.page.evaluate(() => {
		const e = document.createElement('script');
		e.textContent = 'window.broken = true';
		document.body.append(e);
	});
	equal(await p.page.evaluate(() => window.broken), undefined, 'the policy holds');
	truth(p.complaints.splice(0).every((c) => c.includes('Content Security Policy')), 'complaints');
};

const HOSTILE = [
	'<script>alert(1)</script>', '</title><script>alert(2)</script>', '" onload="alert(3)', ']]>',
	'<![CDATA[', '&amp;&lt;', "'quoted'", '\x01\x02\x1b[31m\x7f', 'bad\xff\xfe\xc0\x80', '\xed\xa0\x80',
	'\xef\xbf\xbe', 'A'.repeat(4096), 'javascript:alert(4)', '<img\u00a0src=x\u00a0onerror=alert(5)>',
	'__proto__', 'constructor', '</metadata><script>alert(8)</script>', '<!--', '${alert(7)}', '\xef\xbf\xbf',
].map((name) => Buffer.from(name, 'latin1'))
	.concat(['\u202eevil \u05e9\u05dc\u05d5\u05dd', '\ufdfd\ufdfd', '\u6f22\u5b57\u95a2\u6570'.repeat(100),
		('Z' + '\u0351'.repeat(200)).repeat(3)].map((name) => Buffer.from(name)));

function hostileText() {
	const lines = [], semicolon = Buffer.from(';');

	HOSTILE.forEach((name, i) => {
		lines.push(Buffer.concat([Buffer.from('proc<b>;'), name, Buffer.from(' 100\n')]));
		lines.push(Buffer.concat([name, semicolon, HOSTILE[(i + 7) % HOSTILE.length], Buffer.from(' 3000\n')]));
	});
	return Buffer.concat(lines);
}

/* Visits every view with every name; nothing may come to life. */
async function tour(p) {
	await p.keys('t', 't', 'k', 'k', 'k', 'i');
	await p.page.locator('.ft-stage').focus();
	await p.keys('Home', 'ArrowDown', 's', 'Escape', 'ArrowRight', 'Enter', 'Escape');
	await p.page.evaluate(() => window.dispatchEvent(new Event('beforeprint')));
	equal(await p.page.evaluate(() => [document.querySelectorAll('script').length, document.querySelectorAll(
		'img, iframe, b > *, [onload], [onerror], parsererror').length]), [1, 0], 'scripts, live markup');
}

checks.hostile_names = async (p) => {
	await p.load(draw('hostile', hostileText()));
	const names = new Set((await p.boxes()).map((b) => b.name));
	for (const name of HOSTILE.filter((n) => !n.includes(';') && !n.includes(' ')))
		truth(names.has(shownName(name)), 'shown: ' + shownName(name).slice(0, 40));
	await tour(p);
	const fits = await p.page.evaluate(() => {
		const f = document.documentElement.flametap, context = document.querySelector('canvas').getContext('2d');
		return f.boxes().filter((b) => context.measureText(f.label(f.profile.names.indexOf(b.name), b.w)).width >
			b.w).map((b) => b.name);
	});
	equal(fits, [], 'labels that do not fit');
	await p.keys('/');
	await p.type('<script>');
	truth(await p.result() !== '0.00 %', 'found');
};

/* Names of random bytes: always XML, never a script. */
checks.fuzzed_names = async (p) => {
	const random = randomNumbers(11);
	const alphabet = Buffer.from('<>&"\'/;=!-[]()\\%#${}`abcscript \x00\x01\x0a\x0d\x1b\x7f\x80\xc0\xed\xef\xf4\xff',
		'latin1');

	for (let round = 0; round < 12; round++) {
		const lines = [];

		for (let i = 0; i < 120; i++) {
			const bytes = Buffer.from(Array.from({length: 1 + random(40)}, () =>
				(random(3) ? alphabet[random(alphabet.length)] : random(256))));
			lines.push(bytes, Buffer.from(` ${1 + random(900)}\n`));
		}
		await p.load(draw('fuzz', Buffer.concat(lines)));
		await tour(p);
	}
};

checks.deep = async (p) => {
	const deep = Array.from({length: 3000}, (_, i) => 'f' + i % 7).join(';');

	await p.load(draw('deep', `${deep} 5\nf0;x 5\n`));
	const height = await p.page.evaluate(() => [document.querySelector('canvas').height, scrollY > 10000]);
	equal(height, [900, true], 'the canvas is as high as the window; the root is in sight');
	await p.page.mouse.wheel(0, -20000);
	await p.page.waitForTimeout(200);
	truth((await p.boxes()).length > 40, 'drawn where it was scrolled to');
};

runChecks(checks);

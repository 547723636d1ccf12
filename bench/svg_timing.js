'use strict';
/*
 * svg_timing.js - how long a picture takes in Chromium: until its first paint, until it is interactive, for zooms and
 * searches. usage: svg_timing.js CHROMIUM PICTURE ROUNDS; prints one object of JSON, times in ms. Of a picture that is
 * not flametap's, zooms are clicks on its <g> elements.
 *
 * A zoom ends when its script is through and the canvas and the document are brought up to date; "painted" adds the wait
 * for the display's next frame, and the painting itself.
 */
const {chromium} = require('playwright-core');
const [browserPath, picture, rounds] = process.argv.slice(2);

/* In the page. */
async function measure(steps) {
	const engine = document.documentElement.flametap, canvas = document.querySelector('canvas');
	const groups = engine ? null : Array.from(document.querySelectorAll('g')).filter((g) =>
		g.querySelector(':scope > rect'));
	const painted = () => new Promise((done) => {
		requestAnimationFrame(() => {
			const channel = new MessageChannel();
			channel.port1.onmessage = done;
			channel.port2.postMessage(0);
		});
	});
	const settle = () => {
		if (canvas)
			canvas.getContext('2d').getImageData(0, 0, 1, 1);
		document.documentElement.getBoundingClientRect();
	};
	let seed = 1;
	const random = (n) => {
		seed = seed * 48271 % 2147483647;
		return seed % n;
	};
	const step = async (action, times) => {
		await painted();
		const begin = performance.now();
		action();
		settle();
		times.done.push(performance.now() - begin);
		await painted();
		times.painted.push(performance.now() - begin);
	};
	const zooms = {done: [], painted: []}, searches = {done: [], painted: []};

	for (let k = 0; k < steps; k++) {
		if (engine) {
			const boxes = engine.boxes();
			const node = k % 4 === 3 ? 0 : boxes[random(boxes.length)].node;
			await step(() => engine.zoom(0, node), zooms);
		} else {
			const target = groups[k % 4 === 3 ? 0 : random(groups.length)];
			await step(() => target.dispatchEvent(new MouseEvent('click', {bubbles: true})), zooms);
		}
	}
	if (engine) {
		engine.zoom(0, 0);
		const input = document.querySelector('.ft-field input');
		for (let k = 0; k < steps / 2; k++) {
			input.value = ['a', 'alloc', 'zzz', 'lock', 'row_', 'tree', 'db::', 's', 'visit', 'x'][k % 10];
			await step(() => input.dispatchEvent(new Event('input')), searches);
		}
	}
	return {zooms, searches, frames: engine ? engine.profile.tree.count - 1 : groups.length};
}

async function main() {
	const browser = await chromium.launch({executablePath: browserPath, args: ['--no-sandbox', '--disable-gpu',
		'--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync',
		'--disable-dev-shm-usage']});
	const page = await browser.newPage({viewport: {width: 1200, height: 900}});
	const starts = {paint: [], interactive: []};
	let figures = null;

	page.setDefaultTimeout(300000);
	for (let round = 0; round < Number(rounds); round++) {
		await page.goto('about:blank');
		await page.goto('file://' + picture, {timeout: 300000});
		await page.waitForTimeout(200);
		const is = await page.evaluate(() => document.querySelector('metadata.ft-data, .ft.js') !== null);
		if (is)
			await page.waitForFunction(() => performance.getEntriesByName('flametap').length);
		const times = await page.evaluate(() => ['first-paint', 'flametap'].map((name) =>
			(performance.getEntriesByName(name)[0] || {}).startTime));
		starts.paint.push(times[0]);
		if (is)
			starts.interactive.push(times[1]);
	}
	figures = await page.evaluate(measure, starts.interactive.length ? 60 : 4);
	await browser.close();
	console.log(JSON.stringify(Object.assign(figures, starts)));
}

main();

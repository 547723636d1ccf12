'use strict';
/* speedscope.js - opens an export as "speedscope FILE" does, and reads its table of functions. */
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const lib = require('./svg_lib.js');

const RELEASE = process.argv[5];

/* The functions of folded text: total (nested ones once) and self. */
function functionsOf(text) {
	const found = new Map();
	const at = (name) => found.get(name) || found.set(name, {total: 0, self: 0}).get(name);

	for (const line of text.trim().split('\n')) {
		const space = line.lastIndexOf(' '), names = line.slice(0, space).split(';');
		const weight = Number(line.slice(space + 1));

		for (const name of new Set(names))
			at(name).total += weight;
		at(names[names.length - 1]).self += weight;
	}
	return found;
}

(async () => {
	const file = path.join(path.dirname(lib.WORK + '/x'), 'out.speedscope.json');
	const hostile = '</script><b>;"\\' + '\u202e\u00e9';
	const text = lib.KNOWN + `tool;main;${hostile.replace(';', ':')} 30\n`;

	lib.drawAs(file, 'in', text);
	const script = path.join(lib.WORK, 'profile.js');
	const base64 = fs.readFileSync(file).toString('base64');

	fs.writeFileSync(script, `speedscope.loadFileFromBase64("out.json", "${base64}")`);
	const browser = await lib.launch();
	const page = await browser.newPage({viewport: {width: 1200, height: 900}});
	const errors = [];

	page.on('pageerror', (error) => errors.push(error.message));
	await page.goto('file://' + path.join(RELEASE, 'index.html') + '#localProfilePath=' + script);
	await page.getByText('Sandwich').click();
	await page.waitForFunction(() => document.body.innerText.includes('work_two'), null, {timeout: 30000});
	const rows = await page.evaluate(() => [...document.querySelectorAll('table tr')].map((row) =>
		[...row.querySelectorAll('td')].map((cell) => cell.innerText.trim())).filter((row) => row.length === 3));
	const want = functionsOf(text);

	assert.deepStrictEqual(errors, []);
	assert.strictEqual(rows.length, want.size, JSON.stringify(rows));
	for (const [name, weights] of want) {
		const row = rows.find((cells) => cells[2].replace(/[^\x20-\x7e]/g, '') === name.replace(/[^\x20-\x7e]/g, ''));

		assert.ok(row, `speedscope does not show ${name}: ${JSON.stringify(rows)}`);
		assert.strictEqual(parseFloat(row[0].replace(/,/g, '')), weights.total, `total of ${name}`);
		assert.strictEqual(parseFloat(row[1].replace(/,/g, '')), weights.self, `self of ${name}`);
	}
	await browser.close();
	console.log(`speedscope: ${rows.length} functions`);
})().catch((error) => {
	console.error(error);
	process.exit(1);
});

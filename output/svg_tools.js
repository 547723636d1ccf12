/*
 * svg_tools.js - what stands around the frames: toolbar, line of details, legend, foot, and the
 * table of the hottest functions. Laid out anew for every width.
 */
const WIDE_TOOLS = 1000; /* px; from here on the toolbar stands beside the title */
const TABLE_STEP = 100; /* rows shown at first, and by each wish for more */

const head = root.querySelector('.ft-head'), foot = root.querySelector('.ft-foot');
const title = head.querySelector('.ft-title'), titleText = title.firstChild.textContent;
const legend = head.querySelector('.ft-legend');
const bar = svg('rect', {class: 'ft-bar'}), rule = svg('rect', {class: 'ft-rule', height: 1});
const input = html('input', {type: 'search', placeholder: 'Search names  ( / )',
	'aria-label': 'Search names', spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off'});
const button = (text, hint, attributes) =>
	html('button', Object.assign({type: 'button', title: hint}, attributes), text);
const regexButton = button('.*', 'Regular expression', {'aria-pressed': 'false',
	'aria-label': 'Regular expression'});
const result = html('output', {'aria-live': 'polite'});
const field = html('div', {class: 'ft-field', role: 'search'},
	svg('svg', {width: 14, height: 14, viewBox: '0 0 14 14', 'aria-hidden': 'true'},
		svg('circle', {cx: 6, cy: 6, r: 4.2}), svg('path', {d: 'M9.2 9.2 13 13'})),
	input, result, regexButton);
const colorSelect = html('select', {title: 'What colours mean (k)', 'aria-label': 'Colour by'},
	...['kind', 'module', 'share', 'change'].map((by) => html('option', {value: by}, by)));
const tableButton = button('Top', 'Table of the hottest functions (t)', {'aria-pressed': 'false'});
const flipButton = button('Icicle', 'Turn upside down (i)');
const resetButton = button('Reset', 'Show everything (Esc)');
const tools = svg('foreignObject', {class: 'ft-live', height: 36},
	html('div', {class: 'ft-ui ft-tools', role: 'toolbar', 'aria-label': 'Flame graph'},
		field, colorSelect, tableButton, flipButton, resetButton));
const words = html('div', {class: 'ft-words'});
const nameButton = button('Copy name', 'Copy the name (c)');
const stackButton = button('Copy stack', 'Copy the stack as folded text (Shift+C)');
const aroundButton = button('Callers + callees', 'What calls this frame, and what it calls (s)');
const details = html('div', {class: 'ft-ui ft-details'}, words, nameButton, stackButton, aroundButton);
const detailsBox = svg('foreignObject', {class: 'ft-live', height: 28}, details);
const tableBody = html('tbody', {}), moreButton = button('More', 'Show more rows');
const tablePanel = html('div', {class: 'ft-ui ft-table'});
const tableBox = svg('foreignObject', {class: 'ft-live', display: 'none'}, tablePanel);
const order = {by: 'self', rows: TABLE_STEP};

/* ---- Details ---- */

function showDetails(place) {
	const shown = place || (currentPane().zoomed || state.sandwich ?
		{pane: state.pane, node: currentPane().zoomed} : null);
	let parts = ['Click to zoom', '/ search', 's callers + callees', 't table', 'k colours',
		'i flip', 'arrow keys move', 'Esc back'];

	if (shown)
		parts = figures(state.panes[shown.pane], shown.node);
	words.replaceChildren(...parts.map((part) => html('span', {}, part)));
	if (shown)
		words.prepend(html('b', {},
			nameOf(state.panes[shown.pane].tree.frame[shown.node]) || '(no name)'));
	/* The pointer cannot reach them without leaving the frame: they are for the current one. */
	for (const b of [nameButton, stackButton, aroundButton])
		b.hidden = !shown || state.table || place === state.pointed && place !== null;
	aroundButton.hidden ||= nothingAround();
}

/* What keys such as c are about: the frame under the pointer, else the current one. */
function subject() {
	const {pane, node} = state.pointed || {pane: state.pane, node: state.current};

	return {pane: state.panes[pane], node, frame: state.panes[pane].tree.frame[node]};
}

/* The root has no callers, and a sandwich's own frame is shown already. */
function nothingAround() {
	const {frame} = subject();

	return frame === 0 || frame === state.sandwich;
}

function say(text) {
	words.replaceChildren(html('span', {role: 'status'}, text));
}

async function copy(text, what) {
	try {
		await navigator.clipboard.writeText(text);
	} catch (e) {
		const area = html('textarea', {class: 'ft-items'});

		details.append(area);
		area.value = text;
		area.select();
		const done = document.execCommand('copy');
		area.remove();
		stage.focus({preventScroll: true});
		if (!done) {
			say('The browser does not let the picture copy');
			return;
		}
	}
	say('Copied the ' + what);
}

/* ---- Legend and foot ---- */

function legendItems() {
	if (state.color === 'kind') {
		const used = new Set(state.profile.style.map((style) => style >> 3));
		return Array.from(used).filter((cls) => cls > 0).sort((a, b) => a - b)
			.map((cls) => classItem(LETTERS[cls] + (SHADES - 2), WORDS[cls]));
	}
	if (state.color === 'change')
		return changeLegend();
	if (state.color === 'share')
		return [0, 0.05, 0.25, 1].map((share) => legendItem(FIRST +
			Math.round(Math.sqrt(share) * (SHARES - 1)), percent(share) + ' of all'));
	const weights = new Float64Array(state.profile.modules.length);
	const top = topOf(state.profile.tree, 0, state.profile.names.length);
	top.self.forEach((self, f) => { weights[state.profile.module[f]] += self; });
	return Array.from(weights.keys()).filter((m) => weights[m] > 0)
		.sort((a, b) => weights[b] - weights[a]).slice(0, 12)
		.map((m) => legendItem(FIRST + m, state.profile.modules[m] || 'no module'));
}

const classItem = (name, text) => svg('g', {}, svg('rect', {class: name, width: 12, height: 12, rx: 3}),
	svg('text', {x: 18, y: 10}, text));

function legendItem(color, text) {
	return svg('g', {}, svg('rect', {fill: palette.list[color], width: 12, height: 12, rx: 3}),
		svg('text', {x: 18, y: 10}, text.length > 40 ? text.slice(0, 39) + '\u2026' : text));
}

function drawLegend(y) {
	let x = PAD;

	legend.replaceChildren(...legendItems());
	for (const entry of legend.children) {
		const text = entry.lastChild, room = state.width - 2 * PAD - 18;

		if (text.getComputedTextLength() > room) /* a narrow window */
			shortenElement(text, text.textContent, room);
		const w = 18 + text.getComputedTextLength();

		if (x > PAD && x + w > state.width - PAD) {
			x = PAD;
			y += 20;
		}
		entry.setAttribute('transform', `translate(${x} ${y})`);
		x += w + 16;
	}
	return y + 20;
}

/* The place of what svg_views.js shows, and its height. */
const viewsBox = svg('foreignObject', {display: 'none'});

const footTexts = Array.from(foot.querySelectorAll(':scope > text:not(.ft-plain)'),
	(t) => t.textContent);

/* Words of the foot, wrapped at the dots between them. */
function drawFoot(y) {
	foot.replaceChildren();
	for (const whole of footTexts) {
		let line = null;

		for (const part of whole.split(' \u00b7 ')) {
			const before = line ? line.textContent : '';

			if (line)
				line.textContent = before + ' \u00b7 ' + part;
			if (line && line.getComputedTextLength() <= state.width - 2 * PAD)
				continue;
			if (line)
				line.textContent = before;
			y += FOOT_LINE;
			line = svg('text', {x: PAD, y}, part);
			foot.append(line);
		}
	}
	return y + PAD;
}

/* ---- Table ---- */

function tableRows() {
	const pane = state.panes[0], {profile} = state, at = state.sandwich ? 0 : pane.zoomed;
	const {self, all} = topOf(profile.tree, at, profile.names.length);
	const rows = [];

	for (let f = 1; f < all.length; f++) {
		if (all[f] > 0 && (!state.hits || state.hits[f]))
			rows.push(f);
	}
	const compare = {self: (a, b) => self[b] - self[a] || all[b] - all[a] || a - b,
		total: (a, b) => all[b] - all[a] || self[b] - self[a] || a - b,
		name: (a, b) => a - b};
	rows.sort(compare[order.by]);
	return {rows, self, all, whole: profile.tree.total[at]};
}

function tableHead() {
	const cell = (by, text) => html('th', {scope: 'col',
		'aria-sort': order.by === by ? (by === 'name' ? 'ascending' : 'descending') : 'none'},
	button(text, 'Sort by this', {'data-by': by}));

	return html('thead', {}, html('tr', {}, cell('self', 'Self'), cell('total', 'Total'),
		cell('name', 'Name'), html('th', {scope: 'col'}, 'Module')));
}

function fillTable() {
	if (state.profile.sides || state.profile.second)
		return fillTwoTable();
	const {rows, self, all, whole} = tableRows();
	const cells = (n) => html('td', {}, percent(n / whole),
		html('i', {}, weightText(n, state.profile.tree)));

	tableBody.replaceChildren(...rows.slice(0, order.rows).map((f) => html('tr', {'data-frame': f},
		cells(self[f]), cells(all[f]), ...nameCells(f))));
	return finishTable(rows, tableHead());
}

function nameCells(f) {
	return [html('td', {}, button(nameOf(f) || '(no name)', nameOf(f) + '\nCallers and callees')),
		html('td', {}, state.profile.modules[state.profile.module[f]])];
}

function finishTable(rows, headRow) {
	moreButton.textContent = `Showing ${grouped(Math.min(order.rows, rows.length))} of ` +
		`${grouped(rows.length)} functions` + (order.rows < rows.length ? ': show more' : '');
	moreButton.disabled = order.rows >= rows.length;
	tablePanel.replaceChildren(html('table', {}, headRow, tableBody), moreButton);
}

/* ---- All of it ---- */

function nameButtons() {
	flipButton.textContent = state.icicle ? 'Flame' : 'Icicle';
	flipButton.disabled = state.sandwich > 0;
	tableButton.setAttribute('aria-pressed', state.table ? 'true' : 'false');
	colorSelect.lastChild.hidden = colorSelect.lastChild.disabled = !state.profile.sides;
	colorSelect.value = state.color;
	resetButton.disabled = !state.sandwich && !state.table && state.panes.every((pane) => pane.zoomed === 0);
}

function placeBoxes(y) {
	detailsBox.setAttribute('x', PAD);
	detailsBox.setAttribute('y', y);
	detailsBox.setAttribute('width', Math.max(0, state.width - 2 * PAD));
	y += 28 + 7;
	bar.setAttribute('width', state.width);
	bar.setAttribute('height', y);
	rule.setAttribute('width', state.width);
	rule.setAttribute('y', y);
	state.top = placeViews(y + 8);
}

function placeTable() {
	if (!state.table)
		return state.rows * ROW;
	fillTable();
	tableBox.setAttribute('x', PAD);
	tableBox.setAttribute('y', state.top);
	tableBox.setAttribute('width', state.width - 2 * PAD);
	tableBox.setAttribute('height', 100000);
	const height = tablePanel.offsetHeight + 8;
	tableBox.setAttribute('height', height);
	return height;
}

/* Places all parts for the present width. The head stays in sight when a tall graph is scrolled. */
function layOut() {
	const {width} = state, beside = width >= WIDE_TOOLS;
	const toolsWidth = beside ? Math.min(600, width * 0.5) : width - 2 * PAD;

	/* two pixels more on every side: room for focus rings */
	tools.setAttribute('width', toolsWidth + 4);
	tools.setAttribute('x', width - PAD - toolsWidth - 2);
	tools.setAttribute('y', beside ? 14 : 58);
	shortenElement(title, titleText, (beside ? width - toolsWidth - PAD : width) - 2 * PAD);
	if (subtitleText)
		shortenElement(subtitle, subtitleText, (beside ? width - toolsWidth - PAD : width) - 2 * PAD);
	placeBoxes(drawLegend(beside ? 64 : 106) + 4);
	state.rows = Math.max(state.rows, rowsNeeded());
	for (const part of [stageBox, hoverRing, focusRing])
		part.setAttribute('visibility', state.table ? 'hidden' : 'visible');
	stageBox.setAttribute('display', state.table ? 'none' : 'inline');
	tableBox.setAttribute('display', state.table ? 'inline' : 'none');
	state.height = Math.ceil(drawFoot(state.top + placeTable()));
	root.setAttribute('viewBox', `0 0 ${width} ${state.height}`);
	root.setAttribute('height', state.height);
	nameButtons();
	draw();
	followScroll();
}

function followScroll() {
	const room = state.height - Number(bar.getAttribute('height'));
	const down = Math.max(0, Math.min(-root.getBoundingClientRect().top, room));

	head.setAttribute('transform', `translate(0 ${down})`);
	rule.setAttribute('display', down > 0 ? 'inline' : 'none');
}

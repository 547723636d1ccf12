/*
 * svg_view.js - what is to be seen, and where: panes (a tree, the node that fills its width, the
 * way it grows), boxes in them, and the words for figures.
 */
const SVG = 'http://www.w3.org/2000/svg';
const XHTML = 'http://www.w3.org/1999/xhtml';
const PAD = 16, ROW = 18, LABEL_PAD = 4, FOOT_LINE = 17; /* as in svg.c */
const NARROW = 0.3; /* px; narrower boxes are not shown */

const script = document.currentScript;
const root = (script && script.ownerSVGElement) || document.documentElement;
const alone = root === document.documentElement;
/* The address and the keys are ours: alone, or in a page of our own (html.c). */
const owner = alone || root.hasAttribute('data-page');

const state = {
	profile: null,
	icicle: root.getAttribute('data-icicle') === '1',
	panes: [], /* one, or callers and callees */
	sandwich: 0, /* the frame whose callers and callees are shown; 0: none */
	color: 'kind',
	table: false,
	hits: null, /* by frame: 1 where the search matches; null: no search */
	pane: 0, current: 0, /* the node that the keyboard is at */
	pointed: null, /* {pane, node} under the pointer */
	width: 1200, top: 0, rows: 1, height: 0,
};

function make(ns, name, attributes, ...children) {
	const e = document.createElementNS(ns, name);

	for (const key in attributes)
		e.setAttribute(key, attributes[key]);
	e.append(...children);
	return e;
}

const svg = (name, attributes, ...children) => make(SVG, name, attributes, ...children);
const html = (name, attributes, ...children) => make(XHTML, name, attributes, ...children);

/* ---- Figures, as figures.c words them ---- */

/* Down, as everywhere in the file: what is not all never reads as 100 %. */
const percent = (share) => (share > 0 && share < 1e-4 ? '<0.01' :
	(Math.floor(share * 1e4 + 1e-7) / 100).toFixed(2)) + ' %';
const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ',');
const UNITS = [
	{one: 'sample', many: 'samples'}, {one: 'event', many: 'events'},
	{step: 1000, words: ['\u00b5s', 'ms', 's']}, {step: 1000, words: ['ns', '\u00b5s', 'ms', 's']},
	{step: 1024, words: ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']}, {one: 'unit', many: 'units'},
];

function weightText(n) {
	const unit = UNITS[state.profile.unit] || UNITS[5];
	let u = 0, divisor = 1;

	if (!unit.step)
		return grouped(n) + ' ' + (n === 1 ? unit.one : unit.many);
	for (; u + 1 < unit.words.length && n / divisor >= unit.step; u++)
		divisor *= unit.step;
	const rest = Math.floor(n % divisor / divisor * 1000);
	return grouped(Math.floor(n / divisor)) + (u ? '.' + String(rest).padStart(3, '0') : '') +
		' ' + unit.words[u];
}

const WORDS = ['all', 'process', 'thread', 'user', 'C++', 'Rust', 'kernel', 'JIT', 'inlined',
	'no symbol', 'waiting'];
const nameOf = (frame) => state.profile.names[frame];
const wordOf = (frame) => WORDS[state.profile.style[frame] >> 3];

/* What there is to say about a node, in parts. */
function figures(pane, i) {
	const {tree, zoomed} = pane, {total, frame, parent} = tree, f = frame[i];
	const parts = [weightText(total[i])];
	const whole = state.profile.tree.total[0];

	parts.push(percent(total[i] / whole) + ' of all');
	if (zoomed > 0 && i > zoomed && i < tree.end[zoomed])
		parts.push(percent(total[i] / total[zoomed]) + ' of view');
	if (i === 0)
		return state.sandwich ? parts.concat(wordOf(f)) : parts;
	parts.push(percent(total[i] / total[parent[i]]) +
		(state.sandwich ? ' of the frame beside' : ' of parent'));
	parts.push(wordOf(f));
	if (state.profile.module[f])
		parts.push(state.profile.modules[state.profile.module[f]]);
	const place = state.sandwich ? '' : placeOf(state.profile, i);
	return place ? parts.concat(place) : parts;
}

/* A stack as folded text, root first. */
function stackText(pane, i) {
	const nodes = pathTo(pane.tree, i).map((n) => nameOf(pane.tree.frame[n]));

	if (state.sandwich)
		nodes.unshift(nameOf(pane.tree.frame[0]));
	if (pane.callers)
		nodes.reverse();
	return nodes.join(';') + ' ' + pane.tree.total[i];
}

/* ---- Panes ---- */

function setPanes() {
	const tree = state.profile.tree;

	if (state.sandwich) {
		state.panes = [{tree: callersOf(tree, state.sandwich), zoomed: 0, callers: true},
			{tree: calleesOf(tree, state.sandwich), zoomed: 0, callers: false}];
		state.pane = 1;
	} else {
		state.panes = [{tree, zoomed: 0, callers: false}];
		state.pane = 0;
	}
	state.current = 0;
	state.pointed = null;
	state.rows = 1;
}

/* Calls visit(i, x, width, is an ancestor of the zoomed node) for every box of a pane. */
function walk(pane, visit) {
	const {tree, zoomed} = pane, {end, total, left, parent} = tree;
	const room = state.width - 2 * PAD, scale = room / total[zoomed];
	const least = NARROW / scale, base = left[zoomed], stop = end[zoomed];

	for (let i = parent[zoomed]; i >= 0; i = parent[i])
		visit(i, PAD, room, true);
	for (let i = zoomed; i < stop;) {
		if (total[i] < least) {
			i = end[i];
			continue;
		}
		visit(i, PAD + (left[i] - base) * scale, total[i] * scale, false);
		i++;
	}
}

function rowsOf(pane) {
	const {depth} = pane.tree;
	let deepest = 0;

	walk(pane, (i) => {
		if (depth[i] > deepest)
			deepest = depth[i];
	});
	return deepest + 1;
}

/* Rows for all panes. In a sandwich both share the row of the chosen frame. */
function rowsNeeded() {
	state.panes.forEach((pane) => { pane.rows = rowsOf(pane); });
	return state.panes.reduce((sum, pane) => sum + pane.rows, 0) - (state.panes.length - 1);
}

/* Where a pane's root is, and which way it grows. */
function growth(pane) {
	if (state.sandwich) {
		const y = state.top + (state.panes[0].rows - 1) * ROW;
		return {y, step: pane.callers ? -ROW : ROW};
	}
	return state.icicle ? {y: state.top, step: ROW} :
		{y: state.top + (state.rows - 1) * ROW, step: -ROW};
}

/* The box of a node as it is drawn, or null when it is not. */
function boxOf(pane, i) {
	const {tree, zoomed} = pane, {y, step} = growth(pane), room = state.width - 2 * PAD;
	const isAbove = i < zoomed && tree.end[i] > zoomed;

	if (!isAbove && (i < zoomed || i >= tree.end[zoomed]))
		return null;
	const scale = room / tree.total[zoomed];
	const box = {x: isAbove ? PAD : PAD + (tree.left[i] - tree.left[zoomed]) * scale,
		y: y + step * tree.depth[i], w: isAbove ? room : tree.total[i] * scale};
	return box.w < NARROW ? null : box;
}

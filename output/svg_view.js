/*
 * svg_view.js - what is to be seen, and where: panes (a tree, the node that fills its width, the
 * way it grows), boxes in them, and the words for figures.
 */
const SVG = 'http://www.w3.org/2000/svg';
const XHTML = 'http://www.w3.org/1999/xhtml';
const PAD = 16, ROW = 18, LABEL_PAD = 4, FOOT_LINE = 17; /* as in svg.c */
const BETWEEN = 16; /* px, of panes side by side */
const NARROW = 0.3; /* px; narrower boxes are not shown */

const script = document.currentScript;
const root = (script && script.ownerSVGElement) || document.documentElement;
const alone = root === document.documentElement;
/* The address and the keys are ours: alone, or in a page of our own (html.c). */
const owner = alone || root.hasAttribute('data-page');

const state = {
	profile: null,
	icicle: false,
	panes: [], /* one, callers and callees, or two profiles side by side */
	side: 0, /* of two profiles side by side, the one that a sandwich is of */
	sandwich: 0, /* the frame whose callers and callees are shown; 0: none */
	color: 'kind', /* or module, share; change where two are compared */
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

function weightText(n, tree) {
	const unit = UNITS[tree.unit] || UNITS[5];
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

/* part / whole, where there may be nothing. */
const shareOf = (part, whole) => (whole > 0 ? part / whole : 0);

/* What there is to say about a node, in parts. */
function figures(pane, i) {
	const {tree, zoomed} = pane, {total, frame, parent} = tree, f = frame[i];
	const parts = tree.before ? changeFigures(tree, i) :
		[weightText(total[i], pane.of), percent(shareOf(total[i], pane.of.total[0])) + ' of all'];

	if (!tree.before && zoomed > 0 && i > zoomed && i < tree.end[zoomed])
		parts.push(percent(total[i] / total[zoomed]) + ' of view');
	if (i === 0)
		return state.sandwich ? parts.concat(wordOf(f)) : parts;
	if (!tree.before)
		parts.push(percent(total[i] / total[parent[i]]) +
			(state.sandwich ? ' of the frame beside' : ' of parent'));
	parts.push(wordOf(f));
	if (state.profile.module[f])
		parts.push(state.profile.modules[state.profile.module[f]]);
	const place = state.sandwich ? '' : placeOf(tree, i);
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

/* What is shown is one tree, two side by side (second), or the change between two (sides). */
function setPanes() {
	const {tree, second, sides} = state.profile, of = second && state.side ? second : tree;

	if (state.sandwich) {
		const find = (how) => (sides ? mergeTrees(sides.map((t) => how(t, state.sandwich)),
			sides.map((t) => t.total[0])) : how(of, state.sandwich));
		state.panes = [{tree: find(callersOf), of, zoomed: 0, callers: true},
			{tree: find(calleesOf), of, zoomed: 0, callers: false}];
		state.pane = 1;
	} else {
		state.panes = [tree].concat(second || []).map((t) =>
			({tree: t, of: t, zoomed: 0, callers: false}));
		state.pane = 0;
	}
	state.current = 0;
	state.pointed = null;
	state.rows = 1;
}

const isBeside = () => state.panes.length > 1 && !state.sandwich;

/* Left edge and width of a pane. */
function roomOf(pane) {
	const whole = state.width - 2 * PAD, half = (whole - BETWEEN) / 2;

	if (!isBeside())
		return {x: PAD, room: whole};
	return {x: pane === state.panes[0] ? PAD : PAD + half + BETWEEN, room: half};
}

/*
 * Calls visit(i, x, width, is an ancestor of the zoomed node) for every box of a pane, and
 * rest(i, end, x, width) for siblings from i to end that only together are wide enough to be seen.
 */
function walk(pane, visit, rest) {
	const {tree, zoomed} = pane, {end, total, left, parent, depth} = tree;
	const {x, room} = roomOf(pane), scale = room / (total[zoomed] || 1);
	const least = NARROW / scale, base = left[zoomed], stop = end[zoomed];

	for (let i = parent[zoomed]; i >= 0; i = parent[i])
		visit(i, x, room, true);
	for (let i = zoomed; i < stop;) {
		if (total[i] < least) {
			const from = i, d = depth[i];
			let sum = 0;

			for (; i < stop && depth[i] === d && total[i] < least; i = end[i])
				sum += total[i];
			if (rest && sum >= least)
				rest(from, i, x + (left[from] - base) * scale, sum * scale);
			continue;
		}
		visit(i, x + (left[i] - base) * scale, total[i] * scale, false);
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

/* Rows for all panes. In a sandwich both share the row of the chosen frame, side by side all. */
function rowsNeeded() {
	state.panes.forEach((pane) => { pane.rows = rowsOf(pane); });
	return state.sandwich ? state.panes[0].rows + state.panes[1].rows - 1 :
		Math.max(...state.panes.map((pane) => pane.rows));
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
	const {tree, zoomed} = pane, {y, step} = growth(pane), {x, room} = roomOf(pane);
	const isAbove = i < zoomed && tree.end[i] > zoomed;

	if (!isAbove && (i < zoomed || i >= tree.end[zoomed]))
		return null;
	const scale = room / (tree.total[zoomed] || 1);
	const box = {x: isAbove ? x : x + (tree.left[i] - tree.left[zoomed]) * scale,
		y: y + step * tree.depth[i], w: isAbove ? room : tree.total[i] * scale};
	return box.w < NARROW ? null : box;
}

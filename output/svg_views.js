/*
 * svg_views.js - which of the profiles that travel with the picture is shown, or which two: side by
 * side, or the change from one to the other. Each may be narrowed to a time (svg_time.js) and to
 * what was on or off a CPU. Makes `state.profile` of them, the only thing that all others see.
 */
const sources = []; /* {name, counts, profile, rounds, parts} */
const view = {
	how: 'alone', /* or beside, change */
	icicle: false, /* at first; below a timeline and in pairs the root is best on top */
	color: '', /* what colours mean unless another was chosen */
	sides: [{source: 0, part: 'all', from: 0, to: Infinity},
		{source: 0, part: 'all', from: 0, to: Infinity}],
};
const PART_WORDS = {all: '', on: 'on CPU', off: 'off CPU'};
const DEVIATIONS = 1.96; /* as in profile/diff.c */

/* Frames that say that a thread was off its CPU; profile/wait.c. */
const isOffFrame = (profile, f) => WORDS[profile.style[f] >> 3] === 'waiting' &&
	/^\[(off CPU|waits for)/.test(profile.names[f]);

/* By node: whether its stack was off the CPU; null where none was. */
function offNodes(profile) {
	const {tree} = profile, frames = Uint8Array.from(profile.names, (_, f) => isOffFrame(profile, f));
	const off = frames.includes(1) ? new Uint8Array(tree.count) : null;

	for (let i = 1; off && i < tree.count; i++)
		off[i] = off[tree.parent[i]] || frames[tree.frame[i]] ? 1 : 0;
	return off;
}

function addSource(name, counts, profile) {
	const off = offNodes(profile), own = off ? ownWeights(profile.tree) : null;
	const both = off && [0, 1].every((is) => own.some((w, i) => w > 0 && off[i] === is));

	sources.push({name: name || titleText, counts, profile, off, rounds: readRounds(profile),
		parts: both ? ['all', 'on', 'off'] : ['all']});
}

/* ---- One side ---- */

const isWhole = (side) => side.part === 'all' && !isTimed(side);
const isTimed = (side) => sources[side.source].rounds !== null &&
	(side.from > 0 || side.to < sources[side.source].rounds.seconds);

/* Own weights of the rounds whose middle lies in a time. */
function weightsBetween(rounds, count, from, to) {
	const own = new Float64Array(count);

	rounds.until.forEach((until, r) => {
		const middle = (until + (r ? rounds.until[r - 1] : 0)) / 2;

		if (middle < from || middle >= to)
			return;
		for (let n = rounds.first[r]; n < rounds.first[r + 1]; n++)
			own[rounds.node[n]] += rounds.weight[n];
	});
	return own;
}

function treeOf(side) {
	const {profile, rounds, off} = sources[side.source], {tree} = profile;

	if (isWhole(side))
		return tree;
	const own = isTimed(side) ? weightsBetween(rounds, tree.count, side.from, side.to) :
		ownWeights(tree);
	if (side.part !== 'all') {
		for (let i = 0; i < tree.count; i++) {
			if (off[i] !== (side.part === 'off' ? 1 : 0))
				own[i] = 0;
		}
	}
	return keepTree(tree, own);
}

const seconds = (n) => n.toFixed(1).replace(/\.0$/, '') + ' s';

function sideText(side) {
	const {name, rounds} = sources[side.source];
	const only = sources.length === 1 && (PART_WORDS[side.part] || isTimed(side));
	const parts = [only ? '' : name, PART_WORDS[side.part],
		isTimed(side) ? `${seconds(side.from)} to ${seconds(Math.min(side.to, rounds.seconds))}` : ''];

	return parts.filter((part) => part).join(', ');
}

/* ---- What is shown ---- */

const unitOf = (side) => sources[side.source].profile.tree.unit;

/* Shares of samples and of bytes are no change of each other. */
function checkView() {
	const [a, b] = view.sides;

	for (const side of view.sides) {
		if (!sources[side.source].parts.includes(side.part))
			side.part = 'all';
	}
	if (view.how === 'change' && unitOf(a) !== unitOf(b))
		view.how = 'beside';
}

function makeProfile() {
	const [a, b] = view.sides, first = sources[a.source].profile;

	if (view.how === 'alone')
		return Object.assign({}, first, {tree: treeOf(a)});
	let table = first, trees = [treeOf(a), treeOf(b)];
	if (a.source !== b.source) {
		const profiles = [first, sources[b.source].profile];
		table = uniteFrames(profiles);
		trees = trees.map((tree, k) => renamed(tree, table.maps[k]));
	}
	const made = {names: table.names, style: table.style, module: table.module,
		modules: table.modules, tree: trees[0]};
	if (view.how === 'beside')
		return Object.assign(made, {second: trees[1]});
	const wholes = trees.map((tree) => tree.total[0] || 1);
	const counts = trees.map((tree, k) => { const source = sources[view.sides[k].source];
		return source.counts * shareOf(tree.total[0], source.profile.tree.total[0]); });
	if (root.getAttribute('data-normalize') === 'none') {
		counts[1] *= wholes[0] / wholes[1];
		wholes[1] = wholes[0];
	}
	const tree = mergeTrees(trees, wholes);
	return Object.assign(made, {sides: trees, wholes, counts, tree});
}

const defaultColor = () => (view.how === 'change' ? 'change' : 'kind');

/* Shows what `view` says, in the same place if it is there. */
function showView() {
	const before = state.profile, path = pathNames(state.panes[0].of, state.sandwich ? 0 :
		state.panes[0].zoomed), around = state.sandwich ? before.names[state.sandwich] : '';

	takeView();
	state.sandwich = around && frameOf([around]);
	setPanes();
	if (!state.sandwich) {
		state.current = state.panes[0].zoomed = follow(state.profile.tree, state.profile.names,
			path).node;
		if (isBeside())
			zoomAlong(1, path);
	}
	findHits();
	readPalette();
	restart();
}

function takeView() {
	const old = view.color;

	checkView();
	state.profile = makeProfile();
	isEven = [];
	view.color = defaultColor();
	if (state.color === old || state.color === 'change')
		state.color = defaultColor();
	tellView();
}

/* ---- Change ---- */

function isNoise(before, after) {
	const [n, m] = state.profile.counts.map((count) => Math.max(1, count));
	const share = (before * n + after * m) / (n + m);
	const variance = share * (1 / n + 1 / m) * (share < 1 ? 1 - share : 1);

	return Math.abs(after - before) <= DEVIATIONS * Math.sqrt(variance);
}

/* A place in CHANGES; output/change.c. */
function changeLevel(tree, i) {
	const before = tree.before[i], after = tree.after[i];

	if (isNoise(before, after))
		return 0;
	const strength = Math.min(1, 0.15 + 1.5 * Math.abs(after - before) / Math.max(before, after));
	return (after > before ? 7 : 1) + Math.min(5, Math.floor(strength * 6));
}

const points = (share) => (share < 0 ? '\u2212' : '+') + (Math.abs(share) * 100).toFixed(2);
const plainPercent = (share) => (share * 100).toFixed(2) + ' %';

function changeFigures(tree, i) {
	const before = tree.before[i], after = tree.after[i];
	const word = isNoise(before, after) ? 'within sampling noise' : after === 0 ? 'vanished' :
		before === 0 ? 'new' : '';

	return [`before ${plainPercent(before)}, after ${plainPercent(after)}`, points(after - before)]
		.concat(word || []);
}

function changeLegend() {
	return [classItem('l5', 'less after, or vanished'), classItem('m5', 'more after, or new'),
		classItem('z0', 'within sampling noise (95 % confidence, from ' + state.profile.counts.map(
			(n) => grouped(Math.round(n))).join(' and ') + ' samples)')];
}

/* The table of two profiles: own weight in each, the largest change first, or the largest. */
function fillTwoTable() {
	const {sides, second, names, tree, wholes} = state.profile, trees = sides || [tree, second];
	const tops = trees.map((t) => topOf(t, 0, names.length)), rows = [];
	const share = (f, side) => shareOf(tops[side].self[f], (wholes || trees.map((t) => t.total[0]))[side]);
	const change = (f) => Math.abs(share(f, 1) - share(f, 0));
	const head = (text) => html('th', {scope: 'col'}, text);

	for (let f = 1; f < names.length; f++) {
		if ((tops[0].all[f] > 0 || tops[1].all[f] > 0) && (!state.hits || state.hits[f]))
			rows.push(f);
	}
	rows.sort(sides ? (a, b) => change(b) - change(a) || share(b, 0) - share(a, 0) || a - b :
		(a, b) => share(b, 0) - share(a, 0) || share(b, 1) - share(a, 1) || a - b);
	tableBody.replaceChildren(...rows.slice(0, order.rows).map((f) => html('tr', {'data-frame': f},
		...[0, 1].map((side) => html('td', {}, plainPercent(share(f, side)),
			html('i', {}, side && sides ? points(share(f, 1) - share(f, 0)) +
				(isNoise(share(f, 0), share(f, 1)) ? ' (noise)' : '') :
				weightText(tops[side].self[f], trees[side])))),
		...nameCells(f))));
	finishTable(rows, html('thead', {}, html('tr', {},
		...(sides ? ['Self before', 'Self after'] : ['Self, left', 'Self, right'])
			.concat('Name', 'Module').map(head))));
}

/* ---- Choices ---- */

const HOWS = {alone: 'alone', beside: 'beside', change: 'changed to'};
const choose = (label) => html('select', {'aria-label': label});
const choices = [choose('Profile'), choose('Second profile')];
const howSelect = html('select', {'aria-label': 'How profiles are shown'},
	...Object.keys(HOWS).map((how) => html('option', {value: how}, HOWS[how])));
const chooser = html('div', {class: 'ft-choose'}, choices[0], howSelect, choices[1]);
const timeBox = html('div', {class: 'ft-times'});
const viewsPanel = html('div', {class: 'ft-ui ft-views', role: 'group', 'aria-label': 'What is shown'},
	chooser, timeBox);
const captions = svg('g', {class: 'ft-captions'});
let subtitleText = ''; /* '': it stays as it is */
const subtitle = head.querySelector('.ft-sub');

const hasChoices = () => sources.length > 1 || sources[0].parts.length > 1;
const hasViews = () => hasChoices() || sources.some((source) => source.rounds);

/* All that one side can be, as values of options: the source's number and the part. */
function listChoices() {
	return sources.map((source, s) => source.parts.map((part) => html('option', {value: s + part},
		[sources.length > 1 || part === 'all' ? source.name : '', PART_WORDS[part]]
			.filter((text) => text).join(', ')))).flat();
}

function takeChoice(side, value) {
	const found = /^(\d+)(all|on|off)$/.exec(value);

	if (!found || !sources[found[1]])
		return;
	if (side.source !== Number(found[1]))
		Object.assign(side, {from: 0, to: Infinity});
	side.source = Number(found[1]);
	side.part = found[2];
}

/* Another one than the first, where that makes sense. */
function secondChoice() {
	const values = Array.from(choices[1].options, (o) => o.value);
	const [a, b] = view.sides, same = a.source === b.source && a.part === b.part;

	if (same && !isTimed(a) && !isTimed(b) && values.length > 1)
		takeChoice(b, values.find((v) => v !== a.source + a.part && !v.endsWith('all')) ||
			values.find((v) => v !== a.source + a.part));
}

/* Words and controls for what is shown. */
function tellView() {
	const [a, b] = view.sides, {tree, second, sides} = state.profile;

	choices.forEach((select, k) => { select.value = view.sides[k].source + view.sides[k].part; });
	howSelect.value = view.how;
	howSelect.lastChild.disabled = unitOf(a) !== unitOf(b);
	choices[0].hidden = !hasChoices();
	choices[1].hidden = !hasChoices() || view.how === 'alone';
	chooser.hidden = !hasChoices() && view.how === 'alone';
	if (!hasViews())
		return;
	const size = (t) => weightText(t.total[0], t);
	const what = second ? [sideText(a) + ' beside ' + sideText(b)] :
		sides ? [`${sideText(a)} (${size(sides[0])}) changed to ${sideText(b)} (${size(sides[1])})`] :
			[sideText(a) === titleText ? '' : sideText(a), size(tree)].filter((t) => t);
	subtitleText = what.concat(grouped(tree.count - 1) + ' frames',
		'depth ' + grouped(tree.deepest)).join(' \u00b7 ');
}

/* ---- Places ---- */

/* What stands between the head and the frames, from y on; returns where it ends. */
function placeViews(y) {
	viewsBox.setAttribute('display', hasViews() ? 'inline' : 'none');
	captions.replaceChildren();
	if (hasViews()) {
		viewsBox.setAttribute('x', PAD);
		viewsBox.setAttribute('y', y);
		viewsBox.setAttribute('width', Math.max(0, state.width - 2 * PAD));
		drawTimes(state.width - 2 * PAD);
		const height = viewsPanel.offsetHeight; /* its own pixels, whatever the picture is scaled by */
		viewsBox.setAttribute('height', height);
		y += height + (height ? 8 : 0);
	}
	if (!isBeside() || state.table)
		return y;
	state.panes.forEach((pane, k) => {
		const {x, room} = roomOf(pane), text = svg('text', {x, y: y + 12});

		captions.append(text);
		shortenElement(text, sideText(view.sides[k]) + ' \u00b7 ' +
			weightText(pane.of.total[0], pane.of), room);
	});
	return y + 20;
}

function setViews() {
	const pair = sources[0].parts.length > 1 && sources.length === 1 ? ['0on', '0off'] :
		sources.length > 1 && unitOf({source: 0}) !== unitOf({source: 1}) ? ['0all', '1all'] : null;

	view.start = root.getAttribute('data-how') === 'change' ? 'change' :
		pair && root.hasAttribute('data-page') ? 'beside' : 'alone';
	view.startChoices = view.start === 'beside' ? pair : ['0all', sources.length > 1 ? '1all' : '0all'];
	choices.forEach((select) => select.append(...listChoices()));
	viewsBox.append(viewsPanel);
	view.icicle = root.getAttribute('data-icicle') === '1' ||
		root.hasAttribute('data-page') && hasViews();
	startView();
	makeTimes();
	takeView();
	setPanes();
}

function startView() {
	view.how = view.start;
	view.sides.forEach((side, k) => {
		Object.assign(side, {from: 0, to: Infinity});
		takeChoice(side, view.startChoices[k]);
	});
}

function listenToViews() {
	choices.forEach((select, k) => select.addEventListener('change', () => {
		takeChoice(view.sides[k], select.value);
		showView();
	}));
	howSelect.addEventListener('change', () => {
		view.how = howSelect.value;
		if (view.how !== 'alone')
			secondChoice();
		showView();
	});
	listenToTimes();
}

/* ---- In the address: h=beside&a=0on&b=0off&t=1.5-3&u=4-6 ---- */

const timeText = (side) => `${side.from.toFixed(1)}-` +
	(side.to === Infinity ? '' : side.to.toFixed(1));

function viewAddress() {
	const parts = [];

	if (view.how !== view.start)
		parts.push('h=' + view.how);
	view.sides.forEach((side, k) => {
		if (side.source + side.part !== view.startChoices[k])
			parts.push('ab'[k] + '=' + side.source + side.part);
		if (isTimed(side))
			parts.push('tu'[k] + '=' + timeText(side));
	});
	return parts;
}

function recallView(wanted) {
	const before = JSON.stringify(view);

	startView();
	if (HOWS[wanted('h')[0]])
		view.how = wanted('h')[0];
	view.sides.forEach((side, k) => {
		takeChoice(side, wanted('ab'[k])[0]);
		const time = /^([\d.]+)-([\d.]*)$/.exec(wanted('tu'[k])[0]);

		if (time)
			Object.assign(side, {from: Number(time[1]) || 0, to: Number(time[2]) || Infinity});
	});
	if (JSON.stringify(view) !== before)
		takeView();
}

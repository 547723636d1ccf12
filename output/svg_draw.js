/*
 * svg_draw.js - boxes on a canvas as high as the window, drawn anew at every zoom and scroll; and
 * the same as nodes of the document when the picture is printed. Text is drawn as text or set by
 * textContent, never as markup.
 */
const plot = root.querySelector('.ft-f');
const canvas = html('canvas', {'aria-hidden': 'true'});
const items = html('div', {class: 'ft-items'}); /* svg_walk.js */
const stage = html('div', {class: 'ft-stage', role: 'tree', tabindex: 0, 'aria-label': 'Frames'},
	canvas, items);
const stageBox = svg('foreignObject', {class: 'ft-live'}, stage);
const hoverRing = svg('rect', {class: 'ft-hover', height: ROW - 1, display: 'none'});
const focusRing = svg('rect', {class: 'ft-focus', height: ROW - 1, display: 'none'});
const context = canvas.getContext('2d', {alpha: false});
const FONT = '12px ui-monospace, "SF Mono", SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", ' +
	'"Liberation Mono", monospace'; /* as in svg.css */
/* Letters that are as wide as any other in a monospace font; is_one_column() of escape.c. */
const EVEN = new RegExp('^[\\x20-\\u02ff\\u0370-\\u0482\\u048a-\\u058f\\u2010-\\u2027\\u2030-\\u205e' +
	'\\u2190-\\u21ff\\u2400-\\u2421\\u2500-\\u25ff\\ufffd]*$');
const ROUND = 16; /* px; wider boxes have round corners, as in svg.css */
const SHARES = 24; /* colours for shares */
const HIT = 0, OTHER = 1, FIRST = 2; /* colours before those of the mode */
const CHANGES = ['z0'].concat(['l', 'm'].map((c) => [0, 1, 2, 3, 4, 5].map((n) => c + n)).flat());

let advance = 7.25;
let isEven = []; /* by frame, when first asked for */
let palette = {list: [], label: '', hit: '', other: '', ground: '', sliver: ''};
let drawn = {count: 0, node: new Int32Array(1024), pane: new Uint8Array(1024),
	above: new Uint8Array(1024), color: new Uint32Array(1024), x: new Float64Array(1024),
	y: new Float64Array(1024), w: new Float64Array(1024)};
let slivers = []; /* neighbours too narrow to be seen, as one: {x, y, w, hit} */

const isDark = () => window.matchMedia('screen and (prefers-color-scheme:dark)').matches;

/* ---- Colours ---- */

function moduleColor(module, dark) {
	let hash = 2166136261;

	if (!module)
		return dark ? '#4a443e' : '#cfcccb';
	for (const c of state.profile.modules[module])
		hash = Math.imul(hash ^ c.codePointAt(0), 16777619);
	const hue = (hash >>> 8) % 360, step = (hash >>> 20) % 3;
	return dark ? `hsl(${hue} 45% ${26 + 3 * step}%)` : `hsl(${hue} 62% ${74 + 4 * step}%)`;
}

function shareColor(level, dark) {
	const share = level / (SHARES - 1);

	return dark ? `hsl(${46 - 46 * share} ${30 + 45 * share}% ${22 + 10 * share}%)` :
		`hsl(${52 - 44 * share} 88% ${90 - 28 * share}%)`;
}

/* The colours of the style sheet, so that they are said once; those of the mode follow. */
function readPalette() {
	const probe = svg('rect', {display: 'none'}), label = svg('text', {display: 'none'});
	const dark = isDark(), list = [];
	const fill = (element, name) => {
		element.setAttribute('class', name);
		return getComputedStyle(element).fill;
	};

	plot.append(probe, label);
	list.push(fill(probe, 'ft-hit'), fill(probe, 'ft-other'));
	if (state.color === 'kind') {
		for (const letter of LETTERS) {
			for (let shade = 0; shade < SHADES; shade++)
				list.push(fill(probe, letter + shade));
		}
	} else if (state.color === 'change') {
		CHANGES.forEach((name) => list.push(fill(probe, name)));
	} else if (state.color === 'module') {
		state.profile.modules.forEach((_, m) => list.push(moduleColor(m, dark)));
	} else {
		for (let level = 0; level < SHARES; level++)
			list.push(shareColor(level, dark));
	}
	palette = {list, label: fill(label, ''), hit: fill(label, 'ft-hit-label'),
		other: fill(label, 'ft-other-label'), ground: fill(probe, 'ft-bg'),
		sliver: fill(probe, 'ft-sliver')};
	probe.remove();
	label.remove();
}

function colorOf(pane, i) {
	const {profile, hits} = state, f = pane.tree.frame[i];

	if (hits)
		return hits[f] ? HIT : OTHER;
	if (state.color === 'kind')
		return FIRST + (profile.style[f] >> 3) * SHADES + (profile.style[f] & 7);
	if (state.color === 'module')
		return FIRST + profile.module[f];
	if (state.color === 'change')
		return FIRST + changeLevel(pane.tree, i);
	return FIRST + Math.round(Math.sqrt(Math.min(1, shareOf(pane.tree.total[i],
		pane.of.total[0]))) * (SHARES - 1));
}

const labelColor = (color) => (color === HIT ? palette.hit : color === OTHER ? palette.other :
	palette.label);

/* ---- Boxes in sight ---- */

function growDrawn() {
	const size = drawn.node.length * 2;

	for (const key of ['node', 'pane', 'above', 'color', 'x', 'y', 'w']) {
		const bigger = new drawn[key].constructor(size);
		bigger.set(drawn[key]);
		drawn[key] = bigger;
	}
}

function addBox(p, i, x, y, w, above) {
	const n = drawn.count;

	if (n === drawn.node.length)
		growDrawn();
	drawn.node[n] = i;
	drawn.pane[n] = p;
	drawn.above[n] = above ? 1 : 0;
	drawn.color[n] = colorOf(state.panes[p], i);
	drawn.x[n] = x;
	drawn.y[n] = y;
	drawn.w[n] = w;
	drawn.count++;
}

/* Whether the search matches one of the nodes from i to end. */
function hasHit(tree, i, end) {
	for (; state.hits && i < end; i++) {
		if (state.hits[tree.frame[i]])
			return true;
	}
	return false;
}

/* All boxes between two heights. Of two panes, the second draws the row that both share. */
function collect(from, to) {
	drawn.count = 0;
	slivers = [];
	state.panes.forEach((pane, p) => {
		const {y, step} = growth(pane), {depth} = pane.tree;

		walk(pane, (i, x, w, above) => {
			const at = y + step * depth[i];

			if (at + ROW > from && at < to && !(pane.callers && i === 0))
				addBox(p, i, x, at, w, above);
		}, (i, end, x, w) => {
			const at = y + step * depth[i];

			if (at + ROW > from && at < to)
				slivers.push({x, y: at, w, hit: hasHit(pane.tree, i, end)});
		});
	});
}

/* What is drawn of a box: the rest is the gap to the next. */
const inner = (w) => (w > 3 ? w - 1 : w * 3 / 4);

/* ---- Labels ---- */

/* The longest beginning of text for which fits(part) is true, with an ellipsis if it is not all. */
function shorten(text, fits) {
	const letters = Array.from(text);
	let low = 0, high = letters.length;

	if (fits(text))
		return text;
	while (low < high) {
		const mid = (low + high + 1) >> 1;

		if (fits(letters.slice(0, mid).join('') + '\u2026'))
			low = mid;
		else
			high = mid - 1;
	}
	return low ? letters.slice(0, low).join('') + '\u2026' : '';
}

function shortenElement(element, text, room) {
	element.textContent = shorten(text, (part) => {
		element.textContent = part;
		return element.getComputedTextLength() <= room;
	});
}

/* The name of a frame, cut to a width. */
function labelFor(frame, w) {
	const room = w - 2 * LABEL_PAD, columns = Math.floor(room / advance), name = nameOf(frame);

	if (columns < 3)
		return '';
	if (isEven[frame] === undefined)
		isEven[frame] = EVEN.test(name);
	if (isEven[frame])
		return name.length <= columns ? name : name.slice(0, columns - 1) + '\u2026';
	/* More letters than four times the columns cannot fit, unless they add no width at all. */
	return shorten(Array.from(name).slice(0, 4 * columns + 64).join(''), (part) =>
		context.measureText(part).width <= room);
}

function measure() {
	context.font = FONT;
	advance = context.measureText('m'.repeat(100)).width / 100 || advance;
}

/* ---- Canvas ---- */

/* The part of the plot that the window shows. */
function inSight() {
	const box = root.getBoundingClientRect();
	const from = Math.max(0, Math.floor(-box.top)), to = Math.ceil(window.innerHeight - box.top);

	return {from, to: Math.max(from + 1, Math.min(state.height, to))};
}

function fillBoxes() {
	const {count, color, x, y, w, above} = drawn, sizes = new Uint32Array(palette.list.length + 1);
	const order = new Uint32Array(count);

	/* By colour, since a change of colour costs more than a box. */
	for (let n = 0; n < count; n++)
		sizes[color[n] + 1]++;
	for (let c = 1; c < sizes.length; c++)
		sizes[c] += sizes[c - 1];
	for (let n = 0; n < count; n++)
		order[sizes[color[n]]++] = n;
	context.beginPath();
	let last = -1;
	for (let k = 0; k < count; k++) {
		const n = order[k];

		if (color[n] !== last) {
			context.fill();
			context.beginPath();
			context.fillStyle = palette.list[last = color[n]];
		}
		if (above[n] && color[n] !== HIT)
			fillAbove(x[n], y[n], inner(w[n]));
		else if (w[n] < ROUND)
			context.fillRect(x[n], y[n], inner(w[n]), ROW - 1);
		else
			context.roundRect(x[n], y[n], inner(w[n]), ROW - 1, 2);
	}
	context.fill();
}

/* An ancestor of the zoomed frame. The path under construction is left alone. */
function fillAbove(x, y, w) {
	context.globalAlpha = 0.45;
	context.fillRect(x, y, w, ROW - 1);
	context.globalAlpha = 1;
}

function fillLabels() {
	const {count, color, x, y, w, node, pane} = drawn, least = 3 * advance + 2 * LABEL_PAD;
	let last = '';

	for (let n = 0; n < count; n++) {
		if (w[n] < least)
			continue;
		const style = labelColor(color[n]);
		const text = labelFor(state.panes[pane[n]].tree.frame[node[n]], w[n] - 1);

		if (style !== last)
			context.fillStyle = last = style;
		if (text)
			context.fillText(text, x[n] + LABEL_PAD, y[n] + 13);
	}
}

function sizeCanvas(width, height, ratio) {
	const w = Math.round(width * ratio), h = Math.round(height * ratio);

	if (canvas.width !== w || canvas.height !== h) {
		canvas.width = w;
		canvas.height = h;
		canvas.style.width = width + 'px';
		canvas.style.height = height + 'px';
	}
}

function draw() {
	const {from, to} = inSight(), ratio = window.devicePixelRatio || 1;

	if (state.table)
		return;
	stageBox.setAttribute('y', from);
	stageBox.setAttribute('width', state.width);
	stageBox.setAttribute('height', to - from);
	sizeCanvas(state.width, to - from, ratio);
	context.setTransform(ratio, 0, 0, ratio, 0, -from * ratio);
	context.font = FONT;
	context.fillStyle = palette.ground;
	context.fillRect(0, from, state.width, to - from);
	collect(from, to);
	for (const {x, y, w, hit} of slivers) {
		context.fillStyle = hit ? palette.hit : palette.sliver;
		context.fillRect(x, y, w, ROW - 1);
	}
	fillBoxes();
	fillLabels();
	drawRing(focusRing, document.activeElement === stage &&
		stage.matches(':focus-visible') ? {pane: state.pane, node: state.current} : null);
	drawRing(hoverRing, null);
}

function drawRing(ring, place) {
	const box = place && boxOf(state.panes[place.pane], place.node);

	if (!box || state.table) {
		ring.setAttribute('display', 'none');
		return;
	}
	ring.removeAttribute('display');
	ring.setAttribute('x', box.x);
	ring.setAttribute('y', box.y);
	ring.setAttribute('width', Math.max(1, inner(box.w)));
}

/* The box at a point of the picture, or null. */
function boxAt(x, y) {
	for (let n = drawn.count - 1; n >= 0; n--) {
		if (y >= drawn.y[n] && y < drawn.y[n] + ROW && x >= drawn.x[n] &&
		    x < drawn.x[n] + Math.max(drawn.w[n], 1))
			return {pane: drawn.pane[n], node: drawn.node[n]};
	}
	return null;
}

/* ---- Paper ---- */

/* All that is to be seen now as nodes, of which paper shows as much as it has room for. */
function drawNodes() {
	plot.replaceChildren();
	collect(-Infinity, Infinity);
	plot.append(...slivers.map(({x, y, w, hit}) => svg('rect',
		{class: hit ? 'ft-hit' : 'ft-sliver', x, y, width: w, height: ROW - 1})));
	for (let n = 0; n < drawn.count; n++) {
		const frame = state.panes[drawn.pane[n]].tree.frame[drawn.node[n]];
		const style = state.profile.style[frame], color = drawn.color[n], w = inner(drawn.w[n]);
		const text = labelFor(frame, w);
		const group = svg('g', {class: LETTERS[style >> 3] + (style & 7) +
			(drawn.above[n] ? ' up' : '')},
		svg('rect', {x: drawn.x[n], y: drawn.y[n], width: w, height: ROW - 1}));

		if (state.hits)
			group.firstChild.setAttribute('class', color === HIT ? 'ft-hit' : 'ft-other');
		else if (state.color !== 'kind')
			group.firstChild.setAttribute('fill', palette.list[color]);
		if (text)
			group.append(svg('text', {x: drawn.x[n] + LABEL_PAD, y: drawn.y[n] + 13}, text));
		if (text && state.hits)
			group.lastChild.setAttribute('class',
				color === HIT ? 'ft-hit-label' : 'ft-other-label');
		plot.append(group);
	}
}

/*
 * svg.js - makes the flame graph interactive: zoom, search, details, icicle switch, keyboard, fit
 * to the window.
 *
 * The picture is the data. Each frame is <g data-w="weight"><title>name LF
 * figures</title><rect/>[<text/>]</g>, depth first, and its row tells its depth; so parents and
 * exact left edges follow from one pass. Text from the profile is only ever set as text
 * (textContent), never as markup. Frames are hidden rather than removed; what did not change is not
 * written to the document, which keeps ten thousand frames quick.
 */
(() => {
'use strict';

const SVG = 'http://www.w3.org/2000/svg';
const XHTML = 'http://www.w3.org/1999/xhtml';
const PAD = 16, ROW = 18, LABEL_PAD = 4, FOOT_LINE = 17; /* as in svg.c */
const NARROW = 0.3; /* px; narrower boxes are not shown */
const WIDE_TOOLS = 900; /* px; from here on the toolbar stands beside the title */

const script = document.currentScript;
const root = (script && script.ownerSVGElement) || document.documentElement;
const alone = root === document.documentElement;
const plot = root.querySelector('.ft-f');
const groups = Array.from(plot.children);
const count = groups.length;

/* ---- The tree, from the picture ---- */

const weight = new Float64Array(count), left = new Float64Array(count);
const depth = new Int32Array(count), parent = new Int32Array(count);
const end = new Int32Array(count); /* index after the last frame of the subtree */
const names = new Array(count), figures = new Array(count);
const rects = new Array(count), texts = new Array(count);
const odd = new Uint8Array(count); /* holds characters whose width is a guess */
const indexOf = new Map();
/* Letters that are as wide as any other in a monospace font; is_one_column() of escape.c. */
const EVEN = new RegExp('^[\\x20-\\u02ff\\u0370-\\u0482\\u048a-\\u058f\\u2010-\\u2027\\u2030-\\u205e' +
	'\\u2190-\\u21ff\\u2400-\\u2421\\u2500-\\u25ff\\ufffd]*$');

function readFrames() {
	const path = [], edge = new Float64Array(count);
	let base = 0;

	groups.forEach((g, i) => {
		const text = g.firstChild.textContent, cut = text.indexOf('\n');

		names[i] = text.slice(0, cut);
		figures[i] = text.slice(cut + 1);
		odd[i] = EVEN.test(names[i]) ? 0 : 1;
		rects[i] = g.querySelector('rect');
		texts[i] = g.querySelector('text');
		weight[i] = Number(g.getAttribute('data-w'));
		const y = Number(rects[i].getAttribute('y'));
		base = i ? base : y;
		depth[i] = Math.round(Math.abs(y - base) / ROW);
		shown[i] = groups[i].hasAttribute('display') ? 0 : 1;
		while (path.length > depth[i])
			end[path.pop()] = i;
		parent[i] = path.length ? path[path.length - 1] : -1;
		if (i) {
			left[i] = edge[parent[i]];
			edge[parent[i]] += weight[i];
		}
		edge[i] = left[i];
		path.push(i);
		indexOf.set(g, i);
	});
	while (path.length)
		end[path.pop()] = count;
}

/* ---- State ---- */

let icicle = root.getAttribute('data-icicle') === '1';
let zoomed = 0; /* the frame that fills the width */
let current = 0; /* the frame that the keyboard is at */
let hits = null; /* by frame: 1 where the search matches; null: no search */
let width = 1200, height = 0, top = 0, advance = 7.25;
let rows = 1; /* as many as any view so far has needed: the plot may grow, but never jumps */
const shown = new Uint8Array(count), drawn = new Array(count).fill(null);
const drawnX = new Float64Array(count).fill(-1), drawnW = new Float64Array(count).fill(-1);
const drawnY = new Float64Array(count).fill(-1), above = new Uint8Array(count);

/* ---- Small helpers ---- */

function make(ns, name, attributes, ...children) {
	const e = document.createElementNS(ns, name);

	for (const key in attributes)
		e.setAttribute(key, attributes[key]);
	e.append(...children);
	return e;
}

const svg = (name, attributes, ...children) => make(SVG, name, attributes, ...children);
const html = (name, attributes, ...children) => make(XHTML, name, attributes, ...children);
/* Down, as everywhere in the file: what is not all never reads as 100 %. */
const percent = (share) => (share > 0 && share < 1e-4 ? '<0.01' :
	(Math.floor(share * 1e4 + 1e-7) / 100).toFixed(2)) + ' %';

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

/* ---- Drawing ---- */

function setShown(i, on) {
	if (shown[i] === on)
		return;
	shown[i] = on;
	if (on)
		groups[i].removeAttribute('display');
	else
		groups[i].setAttribute('display', 'none');
}

/* Labels of odd characters, which may be any size, are clipped by an <svg> of their own. */
function placeLabel(i, element, x, y, room) {
	if (odd[i]) {
		const clip = element.parentNode;

		clip.setAttribute('x', x);
		clip.setAttribute('y', y);
		clip.setAttribute('width', Math.max(0, room - LABEL_PAD));
		x = y = 0;
	}
	element.setAttribute('x', x + LABEL_PAD);
	element.setAttribute('y', y + 13);
}

function drawLabel(i, x, y, room) {
	const columns = Math.floor((room - 2 * LABEL_PAD) / advance), name = names[i];
	let text = '', element = texts[i];

	if (columns >= 3)
		text = odd[i] || name.length <= columns ? name :
			name.slice(0, columns - 1) + '\u2026';
	if (!element && text) {
		element = texts[i] = svg('text', {});
		groups[i].append(odd[i] ? svg('svg', {height: ROW - 1}, element) : element);
	}
	if (!element)
		return;
	if (text)
		placeLabel(i, element, x, y, room);
	if (odd[i] && text)
		shortenElement(element, name, room - 2 * LABEL_PAD);
	else if (drawn[i] !== text)
		element.textContent = text;
	drawn[i] = text;
}

function drawBox(i, x, w, isAbove) {
	const y = top + (icicle ? depth[i] : rows - 1 - depth[i]) * ROW;
	const inner = w > 3 ? w - 1 : w * 2 / 3;

	setShown(i, 1);
	if (above[i] !== isAbove) {
		above[i] = isAbove;
		groups[i].classList.toggle('up', isAbove === 1);
	}
	if (drawnX[i] === x && drawnW[i] === inner && drawnY[i] === y)
		return;
	if (drawnX[i] !== x)
		rects[i].setAttribute('x', x.toFixed(2));
	if (drawnW[i] !== inner)
		rects[i].setAttribute('width', inner.toFixed(2));
	if (drawnY[i] !== y)
		rects[i].setAttribute('y', y);
	drawnX[i] = x;
	drawnW[i] = inner;
	drawnY[i] = y;
	drawLabel(i, x, y, inner);
}

/* Calls box(i, x, w, above) for every frame in view, and leave(i) for every other one. */
function eachFrame(box, leave) {
	const room = width - 2 * PAD, scale = room / weight[zoomed];

	for (let i = 0; i < count;) {
		if (i < zoomed && end[i] > zoomed) {
			box(i++, PAD, room, 1);
			continue;
		}
		const w = weight[i] * scale;
		if (i >= zoomed && i < end[zoomed] && w >= NARROW) {
			box(i, PAD + (left[i] - left[zoomed]) * scale, w, 0);
			i++;
			continue;
		}
		for (const next = end[i]; i < next; i++)
			leave(i);
	}
}

function rowsNeeded() {
	let deepest = 0;

	eachFrame((i) => { deepest = Math.max(deepest, depth[i]); }, () => {});
	return deepest + 1;
}

function drawFrames() {
	eachFrame(drawBox, (i) => setShown(i, 0));
}

/* ---- Toolbar and details ---- */

const head = root.querySelector('.ft-head'), foot = root.querySelector('.ft-foot');
const title = head.querySelector('.ft-title'), titleText = title.firstChild.textContent;
const legend = Array.from(head.querySelectorAll('.ft-legend > g'));
const footTexts = Array.from(foot.children, (t) => t.textContent);
const bar = svg('rect', {class: 'ft-bar'}), rule = svg('rect', {class: 'ft-rule', height: 1});
const input = html('input', {type: 'search', placeholder: 'Search frames  ( / )',
	'aria-label': 'Search frames', spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off'});
const regexButton = html('button', {type: 'button', 'aria-pressed': 'false',
	title: 'Regular expression', 'aria-label': 'Regular expression'}, '.*');
const result = html('output', {'aria-live': 'polite'});
const field = html('div', {class: 'ft-field', role: 'search'},
	svg('svg', {width: 14, height: 14, viewBox: '0 0 14 14', 'aria-hidden': 'true'},
		svg('circle', {cx: 6, cy: 6, r: 4.2}), svg('path', {d: 'M9.2 9.2 13 13'})),
	input, result, regexButton);
const flipButton = html('button', {type: 'button', title: 'Turn upside down (i)'});
const resetButton = html('button', {type: 'button', title: 'Show everything (Esc)'}, 'Reset zoom');
const tools = svg('foreignObject', {class: 'ft-bar-ui', height: 36},
	html('div', {class: 'ft-ui ft-tools', role: 'toolbar', 'aria-label': 'Flame graph'},
		field, flipButton, resetButton));
const details = html('div', {class: 'ft-ui ft-details'});
const detailsBox = svg('foreignObject', {class: 'ft-bar-ui', height: 26}, details);

function showDetails(i) {
	const about = i === null ? zoomed : i, parts = [];

	if (i === null && zoomed === 0) {
		parts.push('Click to zoom', '/ search', 'i flip', 'arrow keys move', 'Esc reset');
	} else {
		parts.push(...figures[about].split(' \u00b7 '));
		if (zoomed > 0 && about > zoomed && about < end[zoomed])
			parts.splice(2, 0, percent(weight[about] / weight[zoomed]) + ' of view');
	}
	details.replaceChildren(...parts.map((part) => html('span', {}, part)));
	if (i !== null || zoomed > 0)
		details.prepend(html('b', {}, names[about] || '(no name)'));
}

/* Words of the foot, wrapped at the dots between them. */
function drawFoot(y) {
	foot.replaceChildren();
	for (const whole of footTexts) {
		let line = null;

		for (const part of whole.split(' \u00b7 ')) {
			const before = line ? line.textContent : '';

			if (line)
				line.textContent = before + ' \u00b7 ' + part;
			if (line && line.getComputedTextLength() <= width - 2 * PAD)
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

function drawLegend(y) {
	let x = PAD;

	for (const item of legend) {
		const w = 18 + item.lastChild.getComputedTextLength();

		if (x > PAD && x + w > width - PAD) {
			x = PAD;
			y += 20;
		}
		item.setAttribute('transform', `translate(${x} ${y})`);
		x += w + 16;
	}
	return y + 20;
}

/* Places all parts for the present width. The head stays in sight when a tall graph is scrolled. */
function layOut() {
	const beside = width >= WIDE_TOOLS;
	const toolsWidth = beside ? Math.min(620, width * 0.52) : width - 2 * PAD;

	/* two pixels more on every side: room for focus rings */
	tools.setAttribute('width', toolsWidth + 4);
	tools.setAttribute('x', width - PAD - toolsWidth - 3);
	tools.setAttribute('y', beside ? 14 : 58);
	shortenElement(title, titleText, (beside ? width - toolsWidth - PAD : width) - 2 * PAD);
	let y = drawLegend(beside ? 64 : 106) + 4;
	detailsBox.setAttribute('x', PAD);
	detailsBox.setAttribute('y', y);
	detailsBox.setAttribute('width', Math.max(0, width - 2 * PAD - 1));
	y += 26 + 7;
	bar.setAttribute('width', width);
	bar.setAttribute('height', y);
	rule.setAttribute('width', width);
	rule.setAttribute('y', y);
	top = y + 8;
	rows = Math.max(rows, rowsNeeded());
	height = Math.ceil(drawFoot(top + rows * ROW));
	root.setAttribute('viewBox', `0 0 ${width} ${height}`);
	root.setAttribute('height', height);
	drawFrames();
	followScroll();
}

function followScroll() {
	const down = alone ? Math.max(0, window.scrollY) : 0;

	head.setAttribute('transform', `translate(0 ${down})`);
	rule.setAttribute('display', down > 0 ? 'inline' : 'none');
}

function measure() {
	const probe = svg('text', {x: 0, y: -50}, 'm'.repeat(100));

	plot.append(probe);
	advance = probe.getComputedTextLength() / 100 || advance;
	probe.remove();
}

function fit() {
	const now = Math.max(320, Math.round(root.getBoundingClientRect().width) || 1200);

	if (now !== width) {
		width = now;
		layOut();
	}
}

/* ---- Search ---- */

/* As many editors do it: lower case finds both cases, upper case is taken as it is. */
function matcher(term) {
	if (regexButton.getAttribute('aria-pressed') === 'true') {
		const re = new RegExp(term, /[A-Z]/.test(term.replace(/\\./g, '')) ? '' : 'i');
		return (name) => re.test(name);
	}
	if (/[A-Z]/.test(term))
		return (name) => name.includes(term);
	return (name) => name.toLowerCase().includes(term);
}

/* Weight of the stacks through frame i that match in i or further out; nested matches count once. */
function matchedWeight(i) {
	const stop = end[i];
	let sum = 0;

	while (i < stop) {
		if (hits[i]) {
			sum += weight[i];
			i = end[i];
		} else {
			i++;
		}
	}
	return sum;
}

function showResult() {
	if (!hits) {
		result.textContent = '';
		return;
	}
	let text = percent(matchedWeight(0) / weight[0]);
	if (zoomed)
		text += ' \u00b7 ' + percent(matchedWeight(zoomed) / weight[zoomed]) + ' of view';
	result.textContent = text;
}

function search() {
	const term = input.value, old = hits;
	let matches = null;

	field.classList.remove('bad');
	input.removeAttribute('aria-invalid');
	try {
		matches = term === '' ? null : matcher(term);
	} catch (e) {
		field.classList.add('bad');
		input.setAttribute('aria-invalid', 'true');
		result.textContent = 'not a valid expression';
		return;
	}
	hits = null;
	if (matches) {
		hits = new Uint8Array(count);
		for (let i = 1; i < count; i++)
			hits[i] = matches(names[i]) ? 1 : 0;
	}
	for (let i = 0; i < count; i++) {
		const was = old ? old[i] : 0, is = hits ? hits[i] : 0;

		if (was !== is)
			groups[i].classList.toggle('m', is === 1);
	}
	root.classList.toggle('q', hits !== null);
	showResult();
	remember();
}

/* ---- Actions ---- */

function setCurrent(i) {
	groups[current].removeAttribute('tabindex');
	current = i;
	groups[i].setAttribute('tabindex', '0');
}

/* Makes room for more rows; frames stay where they are on the screen. */
function growPlot() {
	const before = height;

	layOut();
	if (alone && !icicle)
		window.scrollBy(0, height - before);
}

function zoom(i) {
	zoomed = i;
	setCurrent(i);
	resetButton.disabled = i === 0;
	if (rowsNeeded() > rows)
		growPlot();
	else
		drawFrames();
	showResult();
	showDetails(null);
	remember();
}

/* Shows the side where the root is. */
function scrollToRoot() {
	if (alone && height > window.innerHeight)
		window.scrollTo(0, icicle ? 0 : height);
}

function flip() {
	icicle = !icicle;
	nameFlip();
	drawFrames();
	scrollToRoot();
	remember();
}

function nameFlip() {
	flipButton.textContent = icicle ? 'Flame' : 'Icicle';
}

/* Brings a frame into sight below the head. */
function reveal(i) {
	const y = drawnY[i], headHeight = Number(bar.getAttribute('height')) + 4;

	if (!alone)
		return;
	if (y < window.scrollY + headHeight)
		window.scrollTo(0, y - headHeight);
	else if (y + ROW > window.scrollY + window.innerHeight)
		window.scrollTo(0, y + 2 * ROW - window.innerHeight);
}

function focusFrame(i) {
	setCurrent(i);
	groups[i].focus({preventScroll: true});
	reveal(i);
	showDetails(i);
}

function widestChild(i) {
	let best = -1;

	if (i < zoomed) { /* the way from the root to the zoomed frame */
		for (best = zoomed; parent[best] !== i;)
			best = parent[best];
		return best;
	}
	for (let c = i + 1; c < end[i]; c = end[c]) {
		if (shown[c] && (best < 0 || weight[c] > weight[best]))
			best = c;
	}
	return best;
}

/*
 * The next frame to the left (-1) or right (1) on the same row: a sibling, or a cousin where those
 * end.
 */
function neighbour(i, step) {
	for (let n = i + step; n >= 0 && n < count; n += step) {
		if (depth[n] === depth[i] && shown[n])
			return n;
	}
	return -1;
}

function openSearch() {
	input.focus();
	input.select();
}

function clearSearch() {
	input.value = '';
	search();
}

function escape(inField) {
	if (inField) {
		if (input.value)
			clearSearch();
		focusFrame(current);
	} else if (zoomed) {
		const was = current;
		zoom(0);
		focusFrame(was);
	} else {
		clearSearch();
		showDetails(null);
	}
}

/* Returns whether the key was one of ours. */
function frameKey(key) {
	const moves = {
		ArrowUp: () => (icicle ? parent[current] : widestChild(current)),
		ArrowDown: () => (icicle ? widestChild(current) : parent[current]),
		ArrowLeft: () => neighbour(current, -1),
		ArrowRight: () => neighbour(current, 1),
		Home: () => 0,
	};

	if (key === 'Enter' || key === ' ') {
		zoom(current);
		focusFrame(current);
		return true;
	}
	if (!Object.hasOwn(moves, key))
		return false;
	const to = shown[current] ? moves[key]() : zoomed;
	focusFrame(to >= 0 ? to : current);
	return true;
}

function onKey(event) {
	const target = event.target, inField = target === input, inTools = tools.contains(target);
	const key = event.key, command = event.ctrlKey || event.metaKey;
	let ours = true;

	if (!alone && !root.contains(target))
		return;
	if (command && key === 'f' && !inField && !event.shiftKey && !event.altKey)
		openSearch();
	else if (command || event.altKey)
		ours = false;
	else if (key === 'Escape')
		escape(inField);
	else if (inField)
		ours = false;
	else if (key === '/')
		openSearch();
	else if (key === 'i')
		flip();
	else
		ours = !inTools && frameKey(key);
	if (ours)
		event.preventDefault();
}

/* ---- The address: #s=term&r=1&z=frame&i=1 ---- */

function remember() {
	const parts = [];

	if (!alone)
		return;
	if (input.value)
		parts.push('s=' + encodeURIComponent(input.value));
	if (regexButton.getAttribute('aria-pressed') === 'true')
		parts.push('r=1');
	if (zoomed)
		parts.push('z=' + zoomed);
	if (icicle !== (root.getAttribute('data-icicle') === '1'))
		parts.push('i=1');
	try {
		history.replaceState(null, '', '#' + parts.join('&'));
	} catch (e) {
		/* some viewers allow no address; the picture works without */
	}
}

function recall() {
	const wanted = new URLSearchParams(alone ? location.hash.slice(1) : '');
	const z = Number(wanted.get('z'));

	icicle = icicle !== (wanted.get('i') === '1');
	zoomed = Number.isInteger(z) && z > 0 && z < count ? z : 0;
	regexButton.setAttribute('aria-pressed', wanted.get('r') === '1' ? 'true' : 'false');
	input.value = wanted.get('s') || '';
}

/* ---- Start ---- */

function listen() {
	const frameAt = (event) => {
		const g = event.target.closest && event.target.closest('.ft-f > g');
		return g ? indexOf.get(g) : undefined;
	};

	plot.addEventListener('pointerover', (event) => {
		const i = frameAt(event);
		if (i !== undefined)
			showDetails(i);
	});
	plot.addEventListener('pointerleave', () => showDetails(null));
	plot.addEventListener('focusin', (event) => {
		const i = frameAt(event);
		if (i !== undefined)
			showDetails(i);
	});
	plot.addEventListener('click', (event) => {
		const i = frameAt(event);
		if (i === undefined)
			return;
		zoom(i);
		groups[i].focus({preventScroll: true});
		showDetails(i);
	});
	input.addEventListener('input', search);
	regexButton.addEventListener('click', () => {
		const on = regexButton.getAttribute('aria-pressed') === 'true';
		regexButton.setAttribute('aria-pressed', on ? 'false' : 'true');
		search();
	});
	flipButton.addEventListener('click', flip);
	resetButton.addEventListener('click', () => zoom(0));
	(alone ? window : root).addEventListener('keydown', onKey);
	window.addEventListener('resize', fit);
	if (window.ResizeObserver)
		new ResizeObserver(fit).observe(root);
	if (alone)
		window.addEventListener('scroll', followScroll, {passive: true});
}

function start() {
	readFrames();
	recall();
	root.classList.add('js');
	root.setAttribute('preserveAspectRatio', 'xMinYMin');
	plot.setAttribute('role', 'tree');
	plot.setAttribute('aria-label', 'Frames');
	groups.forEach((g, i) => {
		g.setAttribute('role', 'treeitem');
		g.setAttribute('aria-level', depth[i] + 1);
	});
	head.prepend(bar, rule);
	head.append(tools, detailsBox);
	setCurrent(zoomed);
	resetButton.disabled = zoomed === 0;
	nameFlip();
	measure();
	width = 0;
	fit();
	if (input.value)
		search();
	showDetails(null);
	scrollToRoot();
	listen();
}

start();
})();

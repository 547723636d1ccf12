/*
 * svg.js - the picture comes to life: what clicks, keys and the address do. The parts before it
 * (svg_*.js) are in the same scope. Until the data are unpacked the plain picture stands, and where
 * a browser cannot do it, it stays.
 */

/* ---- Search ---- */

const isRegex = () => regexButton.getAttribute('aria-pressed') === 'true';

/* As many editors do it: lower case finds both cases, upper case is taken as it is. */
function matcher(term) {
	if (isRegex()) {
		const re = new RegExp(term, /[A-Z]/.test(term.replace(/\\./g, '')) ? '' : 'i');
		return (name) => re.test(name);
	}
	if (/[A-Z]/.test(term))
		return (name) => name.includes(term);
	return (name) => name.toLowerCase().includes(term);
}

function showResult() {
	const {tree} = state.profile, pane = state.panes[0];

	if (!state.hits) {
		result.textContent = '';
		return;
	}
	const {sides, second} = state.profile;
	const part = (t, at) => percent(shareOf(matchedWeight(t, at, state.hits), t.total[at]));
	if (sides || second) {
		result.textContent = (sides || [tree, second]).map((t) => part(t, 0))
			.join(sides ? ' \u2192 ' : ' | ');
		return;
	}
	let text = part(tree, 0);
	if (!state.sandwich && pane.zoomed)
		text += ' \u00b7 ' + part(tree, pane.zoomed) + ' of view';
	result.textContent = text;
}

/* Names are searched, each once, however many frames have it. */
function findHits() {
	const {names} = state.profile, term = input.value;

	field.classList.remove('bad');
	input.removeAttribute('aria-invalid');
	state.hits = null;
	if (term === '')
		return true;
	try {
		const matches = matcher(term);

		state.hits = Uint8Array.from(names, (name, f) => (f && matches(name) ? 1 : 0));
		return true;
	} catch (e) {
		field.classList.add('bad');
		input.setAttribute('aria-invalid', 'true');
		result.textContent = 'not a valid expression';
		return false;
	}
}

function search() {
	if (findHits())
		showResult();
	if (state.table)
		layOut();
	else
		draw();
	remember();
}

/* ---- Actions ---- */

let tellLater = 0;

function setCurrent(pane, node) {
	state.pointed = null;
	state.pane = pane;
	state.current = node;
	clearTimeout(tellLater);
	tellLater = setTimeout(tellItems, 0);
}

/* Makes room for more rows; frames stay where they are on the screen. */
function growPlot() {
	const before = state.height;

	layOut();
	if (owner && !state.icicle && !state.sandwich)
		window.scrollBy(0, state.height - before);
}

function zoom(pane, node) {
	state.panes[pane].zoomed = node;
	if (isBeside())
		zoomAlong(1 - pane, pathNames(state.panes[pane].tree, node));
	setCurrent(pane, node);
	nameButtons();
	if (rowsNeeded() > state.rows || state.sandwich)
		growPlot();
	else
		draw();
	showResult();
	showDetails(null);
	remember();
}

const pathNames = (tree, i) => pathTo(tree, i).map((n) => nameOf(tree.frame[n]));

/* Zooms to the same frame in another pane, if it is there. */
function zoomAlong(other, path) {
	const pane = state.panes[other], found = follow(pane.tree, state.profile.names, path);

	pane.zoomed = found.whole ? found.node : 0;
}

/* Shows the side where the root is. */
function scrollToRoot() {
	if (alone && state.height > window.innerHeight)
		window.scrollTo(0, state.icicle || state.sandwich || state.table ? 0 : state.height);
}

/* Everything anew, after a change of what is shown. */
function restart() {
	showResult();
	showDetails(null);
	layOut();
	scrollToRoot();
	setCurrent(state.pane, state.current);
	remember();
}

function flip() {
	if (state.sandwich)
		return;
	state.icicle = !state.icicle;
	restart();
}

let zoomBefore = 0; /* of the pane that a sandwich is of, for the way back */

function showSandwich(frame) {
	if (!state.sandwich) {
		state.side = isBeside() ? state.pane : 0;
		if (state.profile.second && !outermost(currentPane().tree, frame).length)
			state.side = 1 - state.side;
		zoomBefore = state.panes[state.side].zoomed;
	}
	state.sandwich = frame;
	state.table = false;
	setPanes();
	restart();
}

function leaveSandwich() {
	state.sandwich = 0;
	setPanes();
	if (isBeside())
		state.pane = state.side;
	currentPane().zoomed = state.current = zoomBefore;
	if (isBeside())
		zoomAlong(1 - state.pane, pathNames(currentPane().tree, zoomBefore));
	restart();
}

function setTable(on) {
	state.table = on;
	order.rows = TABLE_STEP;
	restart();
}

function setColor(by) {
	state.color = by;
	readPalette();
	layOut();
	remember();
}

function nextColor() {
	const all = Array.from(colorSelect.options).filter((o) => !o.disabled).map((o) => o.value);

	return all[(all.indexOf(state.color) + 1) % all.length];
}

/* One step back towards the whole. */
function back() {
	if (state.table)
		setTable(false);
	else if (state.panes.some((pane) => pane.zoomed > 0))
		resetZoom();
	else if (state.sandwich)
		leaveSandwich();
	else if (input.value)
		clearSearch();
	else
		showDetails(null);
}

function resetZoom() {
	const {pane, current} = state;

	state.panes.forEach((p) => { p.zoomed = 0; });
	zoom(pane, 0);
	setCurrent(pane, boxOf(state.panes[pane], current) ? current : 0);
	draw();
}

function reset() {
	state.table = false;
	state.sandwich = 0;
	setPanes();
	restart();
}

/* Brings a box into sight below the head. */
function reveal(box) {
	const under = Number(bar.getAttribute('height')) + 4;

	if (!box)
		return;
	const y = root.getBoundingClientRect().top + box.y;
	if (y < under)
		window.scrollBy(0, y - under);
	else if (y + ROW > window.innerHeight)
		window.scrollBy(0, y + 2 * ROW - window.innerHeight);
}

function goTo(pane, node) {
	setCurrent(pane, node);
	stage.focus({preventScroll: true});
	reveal(boxOf(state.panes[pane], node));
	draw();
	showDetails({pane, node});
}

function openSearch() {
	input.focus();
	input.select();
}

function clearSearch() {
	input.value = '';
	search();
}

function copyName() {
	copy(nameOf(subject().frame), 'name');
}

function copyStack() {
	const {pane, node} = subject();

	copy(stackText(pane, node), 'stack');
}

function aroundCurrent() {
	if (!nothingAround())
		showSandwich(subject().frame);
}

/* ---- Keys ---- */

const KEYS = {
	'/': openSearch,
	'i': flip,
	's': aroundCurrent,
	't': () => setTable(!state.table),
	'k': () => setColor(nextColor()),
	'c': copyName,
	'C': copyStack,
};

/* Returns whether the key was one of the frames'. */
function frameKey(key) {
	if (state.table)
		return false;
	if (key === 'Enter' || key === ' ') {
		zoom(state.pane, state.current);
		goTo(state.pane, state.current);
		return true;
	}
	if (!boxOf(currentPane(), state.current))
		state.current = currentPane().zoomed;
	const to = target(key);
	if (to === undefined)
		return false;
	goTo(state.pane, to >= 0 ? to : state.current);
	return true;
}

function escape(inField) {
	if (!inField) {
		back();
		return;
	}
	if (input.value)
		clearSearch();
	stage.focus({preventScroll: true});
}

function onKey(event) {
	const where = event.target instanceof Node ? event.target : root, inField = where === input;
	const inTools = tools.contains(where) || details.contains(where) || tableBox.contains(where) ||
		viewsBox.contains(where);
	const key = event.key, command = event.ctrlKey || event.metaKey;
	let ours = true;

	if (!root.contains(where) && !(owner && [document.body, document.documentElement].includes(where)))
		return;
	if (command && key === 'f' && !inField && !event.shiftKey && !event.altKey)
		openSearch();
	else if (command || event.altKey)
		ours = false;
	else if (key === 'Escape')
		escape(inField);
	else if (inField || ['select', 'input'].includes(where.localName))
		ours = false;
	else if (Object.hasOwn(KEYS, key))
		KEYS[key]();
	else
		ours = !inTools && frameKey(key);
	if (ours)
		event.preventDefault();
}

/* ---- The address: #s=term&r=1&z=name;name;...&f=frame&c=module&v=top&i=1 ---- */

/* A frame by its name; of those with equal names (a process and a function, say), which. */
function packFrame(frame) {
	const {names} = state.profile, name = names[frame], nth = frame - names.indexOf(name, 1);

	return packPath(nth ? [name, String(nth)] : [name]);
}

function frameOf([name, nth]) {
	const {names} = state.profile, first = names.indexOf(name, 1), frame = first + Number(nth || 0);

	return first > 0 && names[frame] === name ? frame : Math.max(0, first);
}

const packPath = (names) => names.map(encodeURIComponent).join(';');

let addressLater = 0;

/* Later: a change of the address takes the browser longer than a zoom. */
function remember() {
	clearTimeout(addressLater);
	if (owner)
		addressLater = setTimeout(writeAddress, 120);
}

function writeAddress() {
	const parts = [], main = state.panes[0];

	addressLater = 0;
	if (input.value)
		parts.push('s=' + encodeURIComponent(input.value));
	if (isRegex())
		parts.push('r=1');
	if (state.sandwich)
		parts.push('f=' + packFrame(state.sandwich));
	else if (main.zoomed)
		parts.push('z=' + packPath(pathNames(main.tree, main.zoomed)));
	parts.push(...viewAddress());
	if (state.color !== defaultColor())
		parts.push('c=' + state.color);
	if (state.table)
		parts.push('v=top');
	if (state.icicle !== view.icicle)
		parts.push('i=1');
	try {
		history.replaceState(null, '', '#' + parts.join('&'));
	} catch (e) {
		/* some viewers allow no address; the picture works without */
	}
}

function readAddress() {
	const wanted = new Map();

	for (const part of (owner ? location.hash.slice(1) : '').split('&')) {
		const at = part.indexOf('=');
		wanted.set(part.slice(0, at), part.slice(at + 1));
	}
	return (key) => {
		try {
			return (wanted.get(key) || '').split(';').map(decodeURIComponent);
		} catch (e) {
			return [''];
		}
	};
}

/* Does what the address says. A path that is not all there any more leads as far as it is. */
function recall() {
	const wanted = readAddress();

	recallView(wanted);
	const {names, tree} = state.profile, path = wanted('z'), color = wanted('c')[0];

	state.icicle = view.icicle !== (wanted('i')[0] === '1');
	state.color = ['kind', 'module', 'share'].includes(color) ? color : defaultColor();
	state.table = wanted('v')[0] === 'top';
	state.sandwich = frameOf(wanted('f'));
	regexButton.setAttribute('aria-pressed', wanted('r')[0] === '1' ? 'true' : 'false');
	input.value = wanted('s').join(';');
	setPanes();
	const found = path[0] === '' && path.length === 1 ? {node: 0, whole: true} :
		follow(tree, names, path);
	zoomBefore = found.node;
	if (!state.sandwich)
		state.panes[0].zoomed = state.current = found.node;
	if (isBeside())
		zoomAlong(1, pathNames(tree, found.node));
	findHits();
	return found.whole;
}

function applyAddress() {
	const whole = recall();

	readPalette();
	restart();
	if (!whole)
		say('The frame of this address is not in this profile: shown is the nearest of its ' +
			'callers that is');
	return whole;
}

/* ---- Start ---- */

function placeOfEvent(event) {
	const box = root.getBoundingClientRect();

	return boxAt(event.clientX - box.left, event.clientY - box.top);
}

function listenToStage() {
	canvas.addEventListener('pointermove', (event) => {
		const place = placeOfEvent(event);

		state.pointed = place;
		drawRing(hoverRing, place);
		canvas.classList.toggle('over', place !== null);
		if (place)
			showDetails(place);
	});
	canvas.addEventListener('pointerleave', () => {
		state.pointed = null;
		drawRing(hoverRing, null);
		showDetails(null);
	});
	canvas.addEventListener('click', (event) => {
		const place = placeOfEvent(event);

		if (!place)
			return;
		if (event.shiftKey) {
			setCurrent(place.pane, place.node);
			aroundCurrent();
		} else {
			zoom(place.pane, place.node);
		}
	});
	stage.addEventListener('focus', draw);
	stage.addEventListener('blur', draw);
}

function listenToTools() {
	input.addEventListener('input', search);
	regexButton.addEventListener('click', () => {
		regexButton.setAttribute('aria-pressed', isRegex() ? 'false' : 'true');
		search();
	});
	flipButton.addEventListener('click', flip);
	resetButton.addEventListener('click', reset);
	tableButton.addEventListener('click', () => setTable(!state.table));
	colorSelect.addEventListener('change', () => setColor(colorSelect.value));
	nameButton.addEventListener('click', copyName);
	stackButton.addEventListener('click', copyStack);
	aroundButton.addEventListener('click', aroundCurrent);
	tablePanel.addEventListener('click', (event) => {
		const by = event.target.getAttribute('data-by'), row = event.target.closest('tr');

		if (by)
			order.by = by;
		else if (event.target === moreButton)
			order.rows += TABLE_STEP;
		else if (row && event.target.matches('button'))
			return showSandwich(Number(row.getAttribute('data-frame')));
		return layOut();
	});
}

function fit() {
	const now = Math.max(320, Math.round(root.getBoundingClientRect().width) || 1200);

	if (now !== state.width) {
		state.width = now;
		layOut();
	}
}

function printPage() {
	head.setAttribute('transform', 'translate(0 0)');
	readPalette();
	drawTimes(state.width - 2 * PAD);
	drawNodes();
}

function listenToWindow() {
	let waiting = 0;

	(owner ? window : root).addEventListener('keydown', onKey);
	window.addEventListener('resize', () => {
		fit();
		draw();
	});
	if (window.ResizeObserver)
		new ResizeObserver(fit).observe(root);
	window.addEventListener('scroll', () => {
		followScroll();
		cancelAnimationFrame(waiting);
		waiting = requestAnimationFrame(draw);
	}, {passive: true, capture: true});
	window.addEventListener('hashchange', () => {
		/* A link in the notes was followed: what it leads to may be out of sight. */
		if (applyAddress() && !alone && !state.table)
			goTo(state.pane, state.current);
	});
	window.addEventListener('pagehide', () => addressLater && writeAddress());
	window.addEventListener('beforeprint', printPage);
	window.addEventListener('afterprint', () => {
		readPalette();
		drawTimes(state.width - 2 * PAD);
		followScroll();
		draw();
	});
	window.matchMedia('(prefers-color-scheme:dark)').addEventListener('change', () => {
		readPalette();
		layOut();
	});
}

/* What a script of somebody else's may ask: the profile, and what is drawn now. */
function answer() {
	root.flametap = {
		profile: state.profile,
		state,
		zoom,
		view,
		boxes: () => Array.from({length: drawn.count}, (_, n) => ({pane: drawn.pane[n],
			node: drawn.node[n], x: drawn.x[n], y: drawn.y[n], w: drawn.w[n],
			above: drawn.above[n] === 1, color: palette.list[drawn.color[n]],
			name: nameOf(state.panes[drawn.pane[n]].tree.frame[drawn.node[n]])})),
		label: (frame, w) => labelFor(frame, w),
	};
}

function build() {
	root.classList.add('js');
	root.setAttribute('preserveAspectRatio', 'xMinYMin');
	head.before(stageBox, hoverRing, focusRing, tableBox, ...(hasViews() ? [viewsBox, captions] : []));
	head.prepend(bar, rule);
	head.append(tools, detailsBox);
	state.width = Math.max(320, Math.round(root.getBoundingClientRect().width) || 1200);
	measure();
	answer();
	applyAddress();
	listenToStage();
	listenToTools();
	listenToViews();
	listenToWindow();
}

async function start() {
	const data = Array.from(root.querySelectorAll('metadata.ft-data'));

	try {
		/* A profile begins at each text that has a name, which may be empty. */
		for (const first of data.filter((e) => e.hasAttribute('data-name'))) {
			const texts = [first];

			for (let i = data.indexOf(first) + 1; data[i] && !data[i].hasAttribute('data-name'); i++)
				texts.push(data[i]);
			addSource(first.getAttribute('data-name'), Number(first.getAttribute('data-counts')),
				readProfile(await unpack(texts.map((e) => e.textContent))));
		}
		data.forEach((e) => e.remove());
		setViews();
		build();
		performance.mark('flametap');
	} catch (e) {
		root.classList.remove('js');
		console.warn('flametap: the picture stays as it is: ' + e.message);
	}
}

start();

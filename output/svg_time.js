/*
 * svg_time.js - the timeline: a heat map of when weights came, for each profile that knows. A row is
 * a part of the tree (a process, a thread, or where the stacks first part), a column a short time.
 * A range that is dragged over it is what the frames show; a second one, dragged with Shift or after
 * "Compare", is what the first is compared with.
 */
const HEAT_ROWS = 8, HEAT_ROW = 15, HEAT_NAMES = 170, HEAT_AXIS = 18, HEAT_LEVELS = 24;
const HEAT_COLUMN = 3; /* px, at least */

const times = []; /* {source, canvas, rows, rowOf, from, to} */
const numberField = (label) => html('input', {type: 'number', step: '0.1', min: '0', 'aria-label': label});
const fields = [numberField('From second'), numberField('To second'),
	numberField('Compared with: from second'), numberField('Compared with: to second')];
const compareButton = button('Compare', 'The next range dragged is compared with the first ' +
	'(or hold Shift)', {'aria-pressed': 'false'});
const allButton = button('All', 'All of the time');
const rangeRow = html('div', {class: 'ft-range'}, 'From ', fields[0], ' to ', fields[1], ' s',
	html('span', {}, html('b', {}), fields[2], ' to ', fields[3], ' s'), compareButton, allButton,
	html('span', {class: 'ft-hint'}, 'Drag over the timeline to choose a time'));

/* ---- Rows ---- */

/* Where the stacks first part: below the root, down to where no child has nearly all. */
function partingNode(tree) {
	let at = 0;

	for (;;) {
		const heavy = childrenOf(tree, at).find((c) => tree.total[c] >= 0.95 * tree.total[at]);

		if (heavy === undefined || tree.end[heavy] === heavy + 1)
			return at;
		at = heavy;
	}
}

function makeRows(profile) {
	const {tree, names} = profile, at = partingNode(tree), rowOf = new Uint8Array(tree.count);
	const kids = childrenOf(tree, at).sort((a, b) => tree.total[b] - tree.total[a]);
	const shown = kids.slice(0, kids.length > HEAT_ROWS ? HEAT_ROWS - 1 : HEAT_ROWS);
	const rows = shown.map((i) => names[tree.frame[i]] || '(no name)');

	rowOf.fill(shown.length);
	shown.forEach((i, row) => rowOf.fill(row, i, tree.end[i]));
	return {rows: rows.concat(shown.length ? 'all else' : 'all'), rowOf};
}

/* By row and column: the weight; a round's is spread over the columns that it lies in. */
function makeCells(time, columns) {
	const {rounds} = sources[time.source], cells = time.rows.map(() => new Float64Array(columns));
	const scale = columns / rounds.seconds;

	rounds.until.forEach((until, r) => {
		const from = (r ? rounds.until[r - 1] : 0) * scale, to = until * scale;

		for (let n = rounds.first[r]; n < rounds.first[r + 1]; n++) {
			const row = cells[time.rowOf[rounds.node[n]]], weight = rounds.weight[n];

			for (let c = Math.floor(from); c < to && c < columns; c++)
				row[c] += weight * (Math.min(c + 1, to) - Math.max(c, from)) / (to - from);
		}
	});
	return cells;
}

function makeTimes() {
	sources.forEach((source, s) => {
		if (!source.rounds)
			return;
		const canvas = html('canvas', {tabindex: 0, role: 'img'});

		times.push(Object.assign({source: s, canvas, columns: 0, drag: null}, makeRows(source.profile)));
	});
	timeBox.append(...times.map((time) => time.canvas), rangeRow);
	timeBox.hidden = times.length === 0;
}

/* ---- Drawing ---- */

/* Rows that never have weight are not drawn. */
function cellsFor(time, width) {
	const {rounds} = sources[time.source];
	const columns = Math.max(1, Math.min(rounds.until.length, Math.floor(width / HEAT_COLUMN)));

	if (time.columns !== columns) {
		const all = makeCells(time, columns);

		time.columns = columns;
		time.shown = all.map((_, row) => row).filter((row) => all[row].some((w) => w > 0));
		time.cells = time.shown.map((row) => all[row]);
		time.most = Math.max(...time.cells.map((row) => Math.max(...row)));
	}
	return time;
}

function heatColor(share, dark) {
	const level = Math.ceil(Math.sqrt(share) * HEAT_LEVELS) / HEAT_LEVELS;

	return dark ? `hsl(${46 - 46 * level} ${30 + 50 * level}% ${14 + 40 * level}%)` :
		`hsl(${52 - 48 * level} 88% ${94 - 44 * level}%)`;
}

function drawAxis(pen, time, width, y) {
	const {seconds: all} = sources[time.source].rounds;
	const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 3600, 36000]
		.find((s) => s / all * width >= 60) || all;

	for (let s = 0; s <= all + 1e-9; s += step) {
		const x = HEAT_NAMES + s / all * width, text = seconds(s);

		pen.fillRect(x, y, 1, 4);
		if (x + 3 + pen.measureText(text).width <= HEAT_NAMES + width)
			pen.fillText(text, x + 3, y + 13);
	}
}

function drawRange(pen, time, side, width, height, color) {
	const {seconds: all} = sources[time.source].rounds;
	const from = HEAT_NAMES + side.from / all * width;
	const to = HEAT_NAMES + Math.min(side.to, all) / all * width;

	pen.strokeStyle = color;
	pen.lineWidth = 2;
	pen.strokeRect(from, 1, Math.max(2, to - from), height - 2);
}

function drawTime(time, whole) {
	const {canvas} = time, ratio = window.devicePixelRatio || 1, width = Math.max(60, whole - HEAT_NAMES);
	const {cells, shown, columns, most} = cellsFor(time, width), dark = isDark();
	const height = cells.length * HEAT_ROW, look = getComputedStyle(viewsPanel);
	const pen = canvas.getContext('2d'), w = width / columns;

	canvas.width = Math.round(whole * ratio);
	canvas.height = Math.round((height + HEAT_AXIS) * ratio);
	canvas.style.width = whole + 'px';
	canvas.style.height = height + HEAT_AXIS + 'px';
	pen.scale(ratio, ratio);
	pen.font = FONT;
	cells.forEach((row, k) => {
		const room = Math.floor((HEAT_NAMES - 12) / advance), name = time.rows[shown[k]];

		pen.fillStyle = look.color;
		pen.fillText(name.length > room ? name.slice(0, room - 1) + '\u2026' : name, 0,
			k * HEAT_ROW + 12, HEAT_NAMES - 8);
		row.forEach((weight, c) => {
			if (weight <= 0)
				return;
			pen.fillStyle = heatColor(weight / most, dark);
			pen.fillRect(HEAT_NAMES + c * w, k * HEAT_ROW, Math.max(1, w > 4 ? w - 1 : w), HEAT_ROW - 1);
		});
	});
	pen.fillStyle = look.getPropertyValue('--muted');
	drawAxis(pen, time, width, height);
	view.sides.forEach((side, k) => {
		if (side.source === time.source && isTimed(side) && (k === 0 || view.how !== 'alone'))
			drawRange(pen, time, side, width, height, k ? '#a8127f' : look.getPropertyValue('--accent'));
	});
	if (time.drag)
		drawRange(pen, time, time.drag, width, height, look.color);
	canvas.setAttribute('aria-label', `Timeline of ${sources[time.source].name}, ` +
		`${seconds(sources[time.source].rounds.seconds)}; choose a time by the fields that follow`);
}

const isShown = (source) => view.sides[0].source === source ||
	view.how !== 'alone' && view.sides[1].source === source;

function drawTimes(whole) {
	for (const time of times) {
		time.canvas.hidden = !isShown(time.source);
		if (isShown(time.source))
			drawTime(time, whole);
	}
	const [a, b] = view.sides, timed = (side) => sources[side.source].rounds;
	rangeRow.hidden = !timed(a) && !(view.how !== 'alone' && timed(b));
	rangeRow.querySelector('span').hidden = view.how === 'alone';
	rangeRow.querySelector('b').textContent = view.how === 'change' ? 'changed to' : 'beside';
	[a, a, b, b].forEach((side, n) => {
		const rounds = timed(side);

		fields[n].disabled = !rounds;
		fields[n].max = rounds ? rounds.seconds : 0;
		if (document.activeElement !== fields[n])
			fields[n].value = !rounds ? '' : (n % 2 ? Math.min(side.to, rounds.seconds) :
				side.from).toFixed(1);
	});
	allButton.disabled = !view.sides.some(isTimed);
}

/* ---- Ranges ---- */

/* Sets the time of a side, at the edges of rounds; a range of nothing is all of it. */
function setTime(k, source, from, to) {
	const side = view.sides[k], {rounds} = sources[source];
	const [low, high] = from < to ? [from, to] : [to, from];

	if (side.source !== source)
		Object.assign(side, {source, part: 'all'});
	side.from = Math.max(0, low);
	side.to = high >= rounds.seconds || high <= low ? Infinity : high;
	if (high <= low)
		side.from = 0;
	if (k === 1 && view.how === 'alone')
		view.how = 'change';
	showView();
}

function secondAt(time, event) {
	const box = time.canvas.getBoundingClientRect(), {seconds: all} = sources[time.source].rounds;
	const share = (event.clientX - box.left - HEAT_NAMES) / Math.max(60, box.width - HEAT_NAMES);

	return Math.max(0, Math.min(1, share)) * all;
}

/* The nearest edge of a round. */
function snap(time, at) {
	const {until} = sources[time.source].rounds;

	return until.reduce((best, edge) => (Math.abs(edge - at) < Math.abs(best - at) ? edge : best), 0);
}

function showCell(time, event) {
	const box = time.canvas.getBoundingClientRect(), {rounds, profile} = sources[time.source];
	const row = Math.floor((event.clientY - box.top) / HEAT_ROW), at = secondAt(time, event);
	const c = Math.min(time.columns - 1, Math.floor(at / rounds.seconds * time.columns));

	if (!time.cells[row])
		return;
	const step = rounds.seconds / time.columns;
	words.replaceChildren(html('b', {}, time.rows[time.shown[row]]),
		html('span', {}, `${(c * step).toFixed(2)} s to ${((c + 1) * step).toFixed(2)} s`),
		html('span', {}, weightText(Math.round(time.cells[row][c]), profile.tree)));
}

function listenToTime(time) {
	const {canvas} = time, redraw = () => drawTime(time, state.width - 2 * PAD);

	canvas.addEventListener('pointerdown', (event) => {
		const at = snap(time, secondAt(time, event));

		canvas.setPointerCapture(event.pointerId);
		time.drag = {from: at, to: at, start: at,
			side: event.shiftKey || compareButton.getAttribute('aria-pressed') === 'true' ? 1 :
				view.how !== 'alone' && view.sides[0].source !== time.source ? 1 : 0};
		event.preventDefault();
	});
	canvas.addEventListener('pointermove', (event) => {
		showCell(time, event);
		if (!time.drag)
			return;
		const at = snap(time, secondAt(time, event));
		time.drag.from = Math.min(at, time.drag.start);
		time.drag.to = Math.max(at, time.drag.start);
		redraw();
	});
	canvas.addEventListener('pointerup', () => {
		const {drag} = time;

		time.drag = null;
		if (!drag)
			return;
		compareButton.setAttribute('aria-pressed', 'false');
		setTime(drag.side, time.source, drag.from, drag.to);
	});
	canvas.addEventListener('pointercancel', () => {
		time.drag = null;
		redraw();
	});
	canvas.addEventListener('pointerleave', () => showDetails(null));
}

function listenToTimes() {
	times.forEach(listenToTime);
	fields.forEach((field, n) => field.addEventListener('change', () => {
		const k = n >> 1, from = Number(fields[2 * k].value), to = Number(fields[2 * k + 1].value);

		if (Number.isFinite(from) && Number.isFinite(to))
			setTime(k, view.sides[k].source, from, to);
	}));
	compareButton.addEventListener('click', () => compareButton.setAttribute('aria-pressed',
		compareButton.getAttribute('aria-pressed') === 'true' ? 'false' : 'true'));
	allButton.addEventListener('click', () => {
		const [a, b] = view.sides;

		view.sides.forEach((side) => Object.assign(side, {from: 0, to: Infinity}));
		if (view.how === 'change' && a.source === b.source && a.part === b.part)
			view.how = view.start === 'change' ? 'change' : 'alone';
		showView();
	});
}

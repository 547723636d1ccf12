/*
 * svg_data.js - the profile that travels with the picture, unpacked: base64, deflate, columns
 * (docs/svg.md). Makes `profile`: names, modules and classes of frames, and the tree as arrays.
 */

/* A letter for each class of frames, as in color.c; with a shade it is the name of a CSS class. */
const LETTERS = 'aptucrkjinw';
const SHADES = 6;
const PARTS = ['names', 'modules', 'files', 'frames', 'followers', 'calls', 'steps', 'leaves',
	'inner', 'places', 'lines', 'rounds', 'weights'];

async function unpack(texts) {
	const parts = texts.map((text) => Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) :
		Uint8Array.from(atob(text), (c) => c.charCodeAt(0)));
	const stream = new Blob(parts).stream().pipeThrough(new DecompressionStream('deflate-raw'));

	return new Uint8Array(await new Response(stream).arrayBuffer());
}

/* Numbers of seven bits a byte, the lowest first. */
class Column {
	constructor(bytes, at, length) {
		this.bytes = bytes;
		this.at = at;
		this.length = length;
	}

	next() {
		const byte = this.bytes[this.at++];

		return byte < 128 ? byte : this.more(byte - 128);
	}

	more(number) {
		for (let factor = 128; ; factor *= 128) {
			const byte = this.bytes[this.at++];

			if (byte < 128)
				return number + byte * factor;
			number += (byte - 128) * factor;
		}
	}

	lines() {
		const text = new TextDecoder().decode(
			this.bytes.subarray(this.at, this.at + this.length));

		return text.split('\n');
	}
}

function readColumns(bytes) {
	const head = new Column(bytes, 0, bytes.length), columns = {};

	if (head.next() !== 2)
		throw new Error('the data are of another version');
	columns.unit = head.next();
	columns.frameCount = head.next();
	columns.nodeCount = head.next();
	const lengths = PARTS.map(() => head.next());
	let at = head.at;
	PARTS.forEach((part, i) => {
		columns[part] = new Column(bytes, at, lengths[i]);
		at += lengths[i];
	});
	return columns;
}

/* Where each frame's followers begin in one list of them all. */
function readFollowers(columns) {
	const first = new Uint32Array(columns.frameCount + 1);
	const list = new Uint32Array(columns.followers.length);
	let count = 0;

	for (let f = 0; f < columns.frameCount; f++) {
		first[f] = count;
		for (let n = columns.followers.next(); n > 0; n--)
			list[count++] = columns.followers.next();
	}
	first[columns.frameCount] = count;
	return {first, list};
}

function newTree(count) {
	return {count, deepest: 0, parent: new Int32Array(count), frame: new Uint32Array(count),
		depth: new Uint32Array(count), end: new Int32Array(count),
		total: new Float64Array(count), left: new Float64Array(count)};
}

/* Left edges, from totals. */
function placeNodes(tree) {
	const {count, depth, total, left} = tree, edge = new Float64Array(tree.deepest + 2);

	for (let i = 0; i < count; i++) {
		const d = depth[i];

		left[i] = edge[d];
		edge[d + 1] = edge[d];
		edge[d] += total[i];
	}
	return tree;
}

/* From each node's own weight in total: totals. */
function sumTotals(tree) {
	const {parent, total} = tree;

	for (let i = tree.count - 1; i > 0; i--)
		total[parent[i]] += total[i];
	return tree;
}

function readTree(columns) {
	const {calls, steps, leaves, inner} = columns, {first, list} = readFollowers(columns);
	const count = columns.nodeCount, tree = newTree(count);
	const {parent, frame, depth, end, total} = tree;
	const open = [0], missing = [1]; /* by depth: node, children to come */
	let d = 0;

	for (let i = 0; i < count; i++) {
		if (i > 0) {
			const up = open[d];

			frame[i] = list[first[frame[up]] + steps.next()];
			parent[i] = up;
			missing[d]--;
			depth[i] = ++d;
		}
		const n = calls.next();
		open[d] = i;
		missing[d] = n;
		if (d > tree.deepest)
			tree.deepest = d;
		total[i] = n ? inner.next() : leaves.next() + 1;
		while (d >= 0 && missing[d] === 0)
			end[open[d--]] = i + 1;
	}
	parent[0] = -1;
	return placeNodes(sumTotals(tree));
}

function readProfile(bytes) {
	const columns = readColumns(bytes), count = columns.frameCount;
	const names = columns.names.lines(), style = new Uint8Array(count);
	const module = new Uint32Array(count);

	names.unshift('all');
	for (let f = 1; f < count; f++) {
		style[f] = columns.frames.next();
		module[f] = columns.frames.next();
	}
	style[0] = 3;
	names.length = count;
	const profile = {columns, names, style, module,
		modules: [''].concat(columns.modules.lines()), tree: readTree(columns), places: null};

	profile.tree.unit = columns.unit;
	profile.tree.linesOf = profile;
	return profile;
}

/* When weights came: rounds, and what each adds to nodes; or null. Times are in seconds. */
function readRounds(profile) {
	const {rounds, weights} = profile.columns, until = [], first = [0];
	const node = new Uint32Array(weights.length / 2), weight = new Float64Array(weights.length / 2);
	const end = rounds.at + rounds.length;
	let time = 0, count = 0;

	if (rounds.length === 0)
		return null;
	while (rounds.at < end) {
		let last = 0;

		until.push(time += rounds.next() / 1e6);
		for (let n = rounds.next(); n > 0; n--, count++) {
			node[count] = last += weights.next();
			const code = weights.next();
			weight[count] = code % 2 ? -(code + 1) / 2 : code / 2;
		}
		first.push(count);
	}
	return {until, first, node, weight, seconds: time};
}

/* The source file and line of a node, or ''. Read when first asked for. */
function placeOf(tree, shown) {
	const profile = tree.linesOf, node = tree.origin ? tree.origin[shown] : shown;
	const {places, lines, files} = profile ? profile.columns : {};

	if (!profile || places.length === 0)
		return '';
	if (!profile.places) {
		const at = new Uint32Array(profile.tree.count), seen = [''];
		const ofFrame = Array.from({length: profile.names.length}, () => []);
		const names = files.lines();

		for (let i = 1; i < at.length; i++) {
			const code = places.next(), own = ofFrame[profile.tree.frame[i]];

			if (code === 1) {
				const file = names[lines.next()];

				own.push(seen.length);
				seen.push(file + ':' + lines.next());
			}
			at[i] = code === 0 ? 0 : own[own.length - (code === 1 ? 1 : code - 1)];
		}
		profile.places = {at, seen};
	}
	return profile.places.seen[profile.places.at[node]];
}

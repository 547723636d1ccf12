/*
 * svg_tree.js - questions to a tree: what matches, hottest frames, callers and callees of a frame,
 * the way to a node and back. Depth first, so a subtree is the nodes from i up to end[i].
 */

/* Weight of the stacks through node i that match in i or further out; nested matches count once. */
function matchedWeight(tree, i, hits) {
	const {frame, end, total} = tree, stop = end[i];
	let sum = 0;

	while (i < stop) {
		if (hits[frame[i]]) {
			sum += total[i];
			i = end[i];
		} else {
			i++;
		}
	}
	return sum;
}

/* Own weight and total of every frame below node `at`; recursion counts once. */
function topOf(tree, at, frameCount) {
	const {frame, end, total, parent} = tree, stop = end[at];
	const self = new Float64Array(frameCount), all = new Float64Array(frameCount);
	const inside = new Int32Array(frameCount); /* the end of the outermost one we are in */

	for (let i = at; i < stop; i++) {
		const f = frame[i];

		self[f] += total[i];
		if (i > at)
			self[frame[parent[i]]] -= total[i];
		if (inside[f] <= i) {
			all[f] += total[i];
			inside[f] = end[i];
		}
	}
	return {self, all};
}

/* ---- Trees made of pieces of another: callees and callers of a frame ---- */

const HIGH = 2 ** 32; /* a key is frame * HIGH + something to find: sorted, it groups by frame */

function addNode(tree, parent, frame, depth, total) {
	const i = tree.count++;

	if (i === tree.frame.length) {
		for (const key of Object.keys(tree).filter((k) => ArrayBuffer.isView(tree[k]))) {
			const bigger = new tree[key].constructor(2 * i);
			bigger.set(tree[key]);
			tree[key] = bigger;
		}
	}
	tree.parent[i] = parent;
	tree.frame[i] = frame;
	tree.depth[i] = depth;
	tree.total[i] = total;
	if (depth > tree.deepest)
		tree.deepest = depth;
	return i;
}

function emptyTree(room) {
	const tree = newTree(Math.max(16, room));

	tree.count = 0;
	return tree;
}

/* Ends of subtrees, from depths; left edges. */
function closeNodes(tree) {
	const {count, depth, end} = tree, open = new Int32Array(tree.deepest + 2);
	let d = -1;

	for (let i = 0; i < count; i++) {
		while (d >= depth[i])
			end[open[d--]] = i;
		open[++d] = i;
	}
	while (d >= 0)
		end[open[d--]] = count;
	return placeNodes(tree);
}

/* Sorts keys, and pushes what they are to be found by, one list for each frame, the first on top. */
function pushGroups(stack, keys, parent, depth) {
	const sorted = Float64Array.from(keys).sort();

	for (let k = sorted.length; k > 0;) {
		const frame = Math.floor(sorted[k - 1] / HIGH), list = [];

		while (k > 0 && sorted[k - 1] >= frame * HIGH)
			list.push(sorted[--k] - frame * HIGH);
		stack.push({list, parent, depth});
	}
}

/* The outermost nodes of a frame. */
function outermost(tree, wanted) {
	const list = [];

	for (let i = 0; i < tree.count;) {
		if (tree.frame[i] === wanted) {
			list.push(i);
			i = tree.end[i];
		} else {
			i++;
		}
	}
	return list;
}

/* Everything below node from, of which `to` is the copy. */
function copyBelow(tree, from, copy, to) {
	const deeper = copy.depth[to] - tree.depth[from], further = to - from;

	for (let i = from + 1; i < tree.end[from]; i++)
		addNode(copy, tree.parent[i] + further, tree.frame[i], tree.depth[i] + deeper, tree.total[i]);
}

/*
 * What a frame calls, from wherever, as one tree with the frame as its root. Nodes that are to
 * become one are a list; a list of one is copied with all below it.
 */
function calleesOf(tree, wanted) {
	const tops = outermost(tree, wanted), {frame, total, end} = tree;
	const made = emptyTree(tops.reduce((sum, i) => sum + end[i] - i, 0));
	const stack = [{list: tops, parent: -1, depth: 0}];

	while (stack.length) {
		const {list, parent, depth} = stack.pop(), keys = [];
		const to = addNode(made, parent, list.length ? frame[list[0]] : wanted, depth,
			list.reduce((sum, i) => sum + total[i], 0));

		if (list.length === 1) {
			copyBelow(tree, list[0], made, to);
			continue;
		}
		for (const i of list) {
			for (let c = i + 1; c < end[i]; c = end[c])
				keys.push(frame[c] * HIGH + c);
		}
		pushGroups(stack, keys, to, depth + 1);
	}
	return closeNodes(made);
}

/* What calls a frame, its callers' callers above those, and so on. Lists are of ways up from tops. */
function callersOf(tree, wanted) {
	const tops = outermost(tree, wanted), at = Int32Array.from(tops), {frame, total, parent} = tree;
	const made = emptyTree(16), stack = [{list: Array.from(tops.keys()), parent: -1, depth: 0}];

	while (stack.length) {
		const group = stack.pop(), {list, depth} = group, keys = [];
		const to = addNode(made, group.parent, list.length ? frame[at[list[0]]] : wanted, depth,
			list.reduce((sum, k) => sum + total[tops[k]], 0));

		for (const k of list) {
			at[k] = parent[at[k]];
			if (at[k] > 0)
				keys.push(frame[at[k]] * HIGH + k);
		}
		pushGroups(stack, keys, to, depth + 1);
	}
	return closeNodes(made);
}

/* ---- Parts of a tree, and two as one ---- */

/* Each node's own weight. */
function ownWeights(tree) {
	const {parent, total} = tree, own = total.slice();

	for (let i = tree.count - 1; i > 0; i--)
		own[parent[i]] -= total[i];
	return own;
}

/* The nodes that have weight when own weights are these. */
function keepTree(tree, own) {
	const {count, parent, frame, depth} = tree, sums = own.map((w) => Math.max(0, w));
	const to = new Int32Array(count);
	let kept = 1;

	for (let i = count - 1; i > 0; i--) {
		sums[parent[i]] += sums[i];
		kept += sums[i] > 0 ? 1 : 0;
	}
	const made = Object.assign(newTree(kept), {unit: tree.unit, linesOf: tree.linesOf,
		origin: new Int32Array(kept)});
	for (let i = 0, n = 0; i < count; i++) {
		if (i > 0 && sums[i] <= 0)
			continue;
		to[i] = n;
		made.parent[n] = i ? to[parent[i]] : -1;
		made.frame[n] = frame[i];
		made.depth[n] = depth[i];
		made.total[n] = sums[i];
		made.origin[n] = i;
		if (depth[i] > made.deepest)
			made.deepest = depth[i];
		n++;
	}
	return closeNodes(made);
}

/* The same tree, its frames named by another table. */
const renamed = (tree, map) => Object.assign({}, tree, {frame: tree.frame.map((f) => map[f])});

/* Frames of two profiles as one table, by name; maps[k][f] is what frame f of the kth became. */
function uniteFrames(profiles) {
	const found = new Map([['', 0]]), modules = [''], moduleOf = new Map([['', 0]]);
	const made = {names: ['all'], style: [3], module: [0], modules};

	found.clear();
	made.maps = profiles.map((profile) => {
		const map = new Uint32Array(profile.names.length);

		for (let f = 1; f < map.length; f++) {
			const name = profile.names[f], text = profile.modules[profile.module[f]];

			if (!found.has(name)) {
				if (!moduleOf.has(text))
					moduleOf.set(text, modules.push(text) - 1);
				found.set(name, made.names.push(name) - 1);
				made.style.push(profile.style[f]);
				made.module.push(moduleOf.get(text));
			}
			map[f] = found.get(name);
		}
		return map;
	});
	return made;
}

/*
 * Two trees of one table of frames as one: what a frame weighs of each (before, after: shares of
 * `wholes`), and as its own width the larger of the two, as profile/diff.c does it. Lists are of
 * nodes * 2, + 1 in the second tree.
 */
function mergeTrees(trees, wholes) {
	const own = trees.map(ownWeights), room = Math.max(trees[0].count, trees[1].count) + 16;
	const made = Object.assign(emptyTree(room), {before: new Float64Array(room),
		after: new Float64Array(room)});
	const stack = [{list: [0, 1], parent: -1, depth: 0}];
	const add = (parent, frame, depth, sums, owns) => {
		const to = addNode(made, parent, frame, depth,
			Math.max(owns[0] / wholes[0], owns[1] / wholes[1]));
		made.before[to] = sums[0] / wholes[0];
		made.after[to] = sums[1] / wholes[1];
		return to;
	};

	while (stack.length) {
		const {list, parent, depth} = stack.pop(), keys = [], sums = [0, 0], owns = [0, 0];
		const frame = trees[list[0] % 2].frame[list[0] >>> 1];

		for (const code of list) {
			const side = code % 2, tree = trees[side], i = code >>> 1;

			sums[side] += tree.total[i];
			owns[side] += own[side][i];
			for (let c = i + 1; c < tree.end[i]; c = tree.end[c])
				keys.push(tree.frame[c] * HIGH + c * 2 + side);
		}
		pushGroups(stack, keys, add(parent, frame, depth, sums, owns), depth + 1);
	}
	return closeNodes(sumTotals(made));
}

/* The nodes from below the root to i. */
function pathTo(tree, i) {
	const path = [];

	for (; i > 0; i = tree.parent[i])
		path.unshift(i);
	return path;
}

/* The node at the end of a path of names, or the last one that is there; of equal ones, the widest. */
function follow(tree, names, path) {
	let at = 0, length = 0;

	for (const name of path) {
		let best = -1;

		for (let c = at + 1; c < tree.end[at]; c = tree.end[c]) {
			if (names[tree.frame[c]] === name &&
			    (best < 0 || tree.total[c] > tree.total[best]))
				best = c;
		}
		if (best < 0)
			break;
		at = best;
		length++;
	}
	return {node: at, whole: length === path.length};
}

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
		for (const key of ['parent', 'frame', 'depth', 'end', 'total', 'left']) {
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
		const to = addNode(made, parent, frame[list[0]], depth,
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
		const to = addNode(made, group.parent, frame[at[list[0]]], depth,
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

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

/* A tree under construction: nodes found by (parent, frame). */
class Trie {
	constructor(frame) {
		this.parent = [-1];
		this.frame = [frame];
		this.self = [0];
		this.slots = new Int32Array(1024);
	}

	slot(parent, frame) {
		const mask = this.slots.length - 1;
		let at = (Math.imul(parent, 0x9E3779B1) ^ Math.imul(frame, 0x85EBCA6B)) >>> 0;

		at = (at ^ at >>> 15) & mask;
		for (let n = this.slots[at]; n; n = this.slots[at]) {
			if (this.parent[n] === parent && this.frame[n] === frame)
				break;
			at = (at + 1) & mask;
		}
		return at;
	}

	child(parent, frame) {
		let at = this.slot(parent, frame);

		if (this.slots[at])
			return this.slots[at];
		const node = this.parent.length;
		this.parent.push(parent);
		this.frame.push(frame);
		this.self.push(0);
		this.slots[at] = node;
		if (node * 2 > this.slots.length) {
			this.slots = new Int32Array(this.slots.length * 2);
			for (let n = 1; n <= node; n++)
				this.slots[this.slot(this.parent[n], this.frame[n])] = n;
		}
		return node;
	}

	/* Depth first, siblings in order of their frames, which is that of names. */
	tree() {
		const count = this.parent.length, children = Array.from({length: count}, () => null);
		const tree = newTree(count), place = new Int32Array(count);
		const order = Float64Array.from(this.frame, (f, n) => f * 2 ** 32 + n).sort();
		const open = [0];
		let i = 0;

		for (let k = count - 1; k >= 0; k--) { /* backwards: the stack turns them round */
			const n = order[k] % 2 ** 32;

			if (n)
				(children[this.parent[n]] ||= []).push(n);
		}
		while (open.length) {
			const n = open.pop(), up = n ? place[this.parent[n]] : -1;

			if (n < 0) {
				tree.end[~n] = i;
				continue;
			}
			place[n] = i;
			tree.parent[i] = up;
			tree.frame[i] = this.frame[n];
			tree.depth[i] = n ? tree.depth[up] + 1 : 0;
			tree.deepest = Math.max(tree.deepest, tree.depth[i]);
			tree.total[i] = this.self[n];
			open.push(~i);
			for (const c of children[n] || [])
				open.push(c);
			i++;
		}
		return finishTree(tree);
	}
}

/* Calls visit for the outermost nodes of a frame. */
function eachOutermost(tree, wanted, visit) {
	for (let i = 0; i < tree.count;) {
		if (tree.frame[i] === wanted) {
			visit(i);
			i = tree.end[i];
		} else {
			i++;
		}
	}
}

/* What a frame calls, from wherever, as one tree with the frame as its root. */
function calleesOf(tree, wanted) {
	const trie = new Trie(wanted), way = [];

	eachOutermost(tree, wanted, (top) => {
		const base = tree.depth[top];

		way[0] = 0;
		trie.self[0] += tree.total[top];
		for (let i = top + 1; i < tree.end[top]; i++) {
			const d = tree.depth[i] - base, up = way[d - 1];
			const node = trie.child(up, tree.frame[i]);

			way[d] = node;
			trie.self[node] += tree.total[i];
			trie.self[up] -= tree.total[i];
		}
	});
	return trie.tree();
}

/* What calls a frame, its callers' callers above those, and so on. */
function callersOf(tree, wanted) {
	const trie = new Trie(wanted);

	eachOutermost(tree, wanted, (top) => {
		let node = 0;

		for (let i = tree.parent[top]; i > 0; i = tree.parent[i])
			node = trie.child(node, tree.frame[i]);
		trie.self[node] += tree.total[top];
	});
	return trie.tree();
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

/*
 * svg_walk.js - the way through the frames by keys, and what a screen reader is told of it: the
 * callers of the current frame, its neighbours and what it calls, as items of a tree.
 */
const ITEMS = 40; /* neighbours and callees that are told at most */

const currentPane = () => state.panes[state.pane];

function childrenOf(tree, i, visible) {
	const list = [];

	for (let c = i + 1; c < tree.end[i]; c = tree.end[c]) {
		if (!visible || visible(c))
			list.push(c);
	}
	return list;
}

/* Children of a node that are in sight: above the zoomed node only the way to it is. */
function shownChildren(pane, i) {
	const {tree, zoomed} = pane;

	if (i < zoomed && tree.end[i] > zoomed) {
		for (let c = zoomed; ; c = tree.parent[c]) {
			if (tree.parent[c] === i)
				return [c];
		}
	}
	const least = NARROW / roomOf(pane).room * tree.total[zoomed];
	return childrenOf(tree, i, (c) => tree.total[c] >= least);
}

function widestChild(pane, i) {
	const {total} = pane.tree;

	return shownChildren(pane, i).reduce((best, c) =>
		(best < 0 || total[c] > total[best] ? c : best), -1);
}

/* The next box to the left (-1) or right (1) on the same row: a sibling, or a cousin. */
function neighbour(pane, i, step) {
	const {depth, count} = pane.tree;

	for (let n = i + step; n > 0 && n < count; n += step) {
		if (depth[n] === depth[i] && boxOf(pane, n))
			return n;
	}
	/* Side by side, the way goes on at the other root. */
	if (isBeside() && state.pane === (step < 0 ? 1 : 0)) {
		state.pane = 1 - state.pane;
		return 0;
	}
	return -1;
}

/* Out of the tree's root, a sandwich goes on in its other pane. */
function step(outward) {
	const pane = currentPane();
	const to = outward ? widestChild(pane, state.current) : pane.tree.parent[state.current];

	if (!outward && to < 0 && state.sandwich) {
		state.pane = 1 - state.pane;
		const there = widestChild(currentPane(), 0);
		return there < 0 ? 0 : there;
	}
	return to;
}

function target(key) {
	const pane = currentPane();
	const upIsOutward = state.sandwich ? pane.callers : !state.icicle;

	switch (key) {
	case 'ArrowUp':
		return step(upIsOutward);
	case 'ArrowDown':
		return step(!upIsOutward);
	case 'ArrowLeft':
		return neighbour(pane, state.current, -1);
	case 'ArrowRight':
		return neighbour(pane, state.current, 1);
	case 'Home':
		return 0;
	case 'End': {
		const kids = shownChildren(pane, Math.max(0, pane.tree.parent[state.current]));
		return kids.length ? kids[kids.length - 1] : -1;
	}
	default:
		return undefined;
	}
}

/* ---- Items ---- */

function item(pane, i, at, of) {
	const {tree} = pane, parts = figures(pane, i);
	const attributes = {role: 'treeitem', id: 'ft-item-' + i, 'aria-level': tree.depth[i] + 1,
		'aria-posinset': at + 1, 'aria-setsize': of,
		'aria-selected': i === state.current ? 'true' : 'false'};

	if (tree.end[i] > i + 1)
		attributes['aria-expanded'] = boxOf(pane, i) && shownChildren(pane, i).length > 0;
	return html('div', attributes, (nameOf(tree.frame[i]) || '(no name)') + ', ' +
		parts.join(', '));
}

/* Of a list, the part around one of its members. */
function around(list, i) {
	const from = Math.max(0, Math.min(list.indexOf(i) - ITEMS / 2, list.length - ITEMS));

	return list.slice(from, from + ITEMS).map((node, k) => [node, from + k, list.length]);
}

function tellItems() {
	const pane = currentPane(), {tree} = pane, i = state.current;
	const above = pathTo(tree, i).slice(0, -1), found = [];

	if (i > 0)
		found.push(item(pane, 0, 0, 1));
	above.forEach((n) => {
		const siblings = childrenOf(tree, tree.parent[n]);
		found.push(item(pane, n, siblings.indexOf(n), siblings.length));
	});
	const siblings = i > 0 ? around(childrenOf(tree, tree.parent[i]), i) : [[0, 0, 1]];
	for (const [n, at, of] of siblings) {
		found.push(item(pane, n, at, of));
		if (n === i) {
			const kids = shownChildren(pane, i);
			kids.slice(0, ITEMS).forEach((c, k) => found.push(item(pane, c, k, kids.length)));
		}
	}
	items.replaceChildren(...found);
	stage.setAttribute('aria-activedescendant', 'ft-item-' + i);
}

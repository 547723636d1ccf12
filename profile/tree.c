/*
 * tree.c - see tree.h.
 *
 * Nodes lie in one array of 16 bytes each. New stacks arrive as chains, so most nodes directly
 * follow their parent in the array: such a child is found by looking there and is kept nowhere
 * else. All other nodes are found through one open-addressing table for the whole tree, keyed by
 * (parent, key) and at most 3/4 full. A slot is 32 bits; above the bits that a node id needs it
 * holds a piece of the hash, so that a probe that misses rarely touches the node array.
 *
 * The table holds nothing that the nodes do not say: it can be thrown away and built again, which
 * is how it grows without ever having two tables in memory.
 */
#include "profile/tree.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"

#define TREE_SLOTS_MIN 256
#define TREE_NODES_MAX INT32_MAX /* leaves one bit of a u32 to those who pack a node with a flag */

struct ft_tree {
	struct ft_tree_node *nodes;
	size_t cap;
	u32 count;
	u32 listed;  /* how many nodes are in the table */
	u32 mask;    /* number of slots - 1 */
	u32 id_mask; /* the bits of a slot that hold a node id; the others are bits of the hash */
	u32 *slots;  /* 0: free (the root is nobody's child). NULL: frozen */
};

static inline u64 child_hash(u32 parent, u32 key)
{
	return ft_hash_mix(parent, key);
}

static void slots_put(struct ft_tree *tree, u32 node)
{
	u64 hash = child_hash(tree->nodes[node].parent, tree->nodes[node].key);
	u32 at = (u32)hash & tree->mask;

	while (tree->slots[at])
		at = (at + 1) & tree->mask;
	tree->slots[at] = ((u32)(hash >> 32) & ~tree->id_mask) | node;
	tree->listed++;
}

static bool is_listed(const struct ft_tree *tree, u32 node)
{
	return tree->nodes[node].parent + 1 != node;
}

/* Makes a new table for the nodes there are, with room for some more. */
static int slots_build(struct ft_tree *tree)
{
	u64 slots = TREE_SLOTS_MIN, ids = TREE_SLOTS_MIN;
	u32 listed = 0;

	for (u32 node = 1; node < tree->count; node++)
		listed += is_listed(tree, node);
	while (slots / 2 <= listed)
		slots *= 2;
	while (ids / 2 <= tree->count)
		ids *= 2;
	free(tree->slots);
	tree->slots = ft_try_alloc(slots, sizeof(*tree->slots));
	if (!tree->slots)
		return -1;
	tree->mask = (u32)(slots - 1);
	tree->id_mask = (u32)(ids - 1);
	tree->listed = 0;
	for (u32 node = 1; node < tree->count; node++) {
		if (is_listed(tree, node))
			slots_put(tree, node);
	}
	return 0;
}

struct ft_tree *ft_tree_new(void)
{
	struct ft_tree *tree = ft_try_alloc(1, sizeof(*tree));

	if (!tree)
		return NULL;
	if (FT_GROW_RAW(&tree->nodes, &tree->cap, 64)) {
		free(tree);
		return NULL;
	}
	tree->nodes[FT_TREE_ROOT] = (struct ft_tree_node){.parent = FT_TREE_NONE};
	tree->count = 1;
	return tree;
}

void ft_tree_free(struct ft_tree *tree)
{
	if (!tree)
		return;
	free(tree->nodes);
	free(tree->slots);
	free(tree);
}

static u32 tree_append(struct ft_tree *tree, u32 parent, u32 key)
{
	u32 node = tree->count;

	if (node >= TREE_NODES_MAX || FT_GROW_RAW(&tree->nodes, &tree->cap, (size_t)node + 1))
		return FT_TREE_NONE;
	if (node > tree->id_mask || tree->listed > tree->mask / 4 * 3) {
		if (slots_build(tree))
			return FT_TREE_NONE;
	}
	tree->nodes[node] = (struct ft_tree_node){.parent = parent, .key = key};
	tree->count++;
	if (is_listed(tree, node))
		slots_put(tree, node);
	return node;
}

u32 ft_tree_child(struct ft_tree *tree, u32 parent, u32 key)
{
	u32 node = parent + 1, at, tag;
	u64 hash;

	if (!tree->slots && slots_build(tree))
		return FT_TREE_NONE;
	if (node == tree->count) /* nothing comes after the newest node, so it has no child yet */
		return tree_append(tree, parent, key);
	if (tree->nodes[node].parent == parent && tree->nodes[node].key == key)
		return node;
	hash = child_hash(parent, key);
	tag = (u32)(hash >> 32) & ~tree->id_mask;
	for (at = (u32)hash & tree->mask; tree->slots[at]; at = (at + 1) & tree->mask) {
		node = tree->slots[at] ^ tag;
		if (node <= tree->id_mask && tree->nodes[node].parent == parent &&
		    tree->nodes[node].key == key)
			return node;
	}
	return tree_append(tree, parent, key);
}

void ft_tree_add(struct ft_tree *tree, u32 node, u64 weight)
{
	u64 *self = &tree->nodes[node].self;

	if (__builtin_add_overflow(*self, weight, self))
		*self = UINT64_MAX;
}

void ft_tree_set(struct ft_tree *tree, u32 node, u64 weight)
{
	tree->nodes[node].self = weight;
}

const struct ft_tree_node *ft_tree_nodes(const struct ft_tree *tree)
{
	return tree->nodes;
}

u32 ft_tree_count(const struct ft_tree *tree)
{
	return tree->count;
}

void ft_tree_freeze(struct ft_tree *tree)
{
	free(tree->slots);
	tree->slots = NULL;
}

u64 ft_tree_total(const struct ft_tree *tree)
{
	u64 total = 0;

	for (u32 i = 0; i < tree->count; i++) {
		if (__builtin_add_overflow(total, tree->nodes[i].self, &total))
			return UINT64_MAX;
	}
	return total;
}

u64 *ft_tree_totals(const struct ft_tree *tree)
{
	u64 *totals = ft_try_alloc(tree->count, sizeof(*totals));

	if (!totals)
		return NULL;
	/* Children come after parents: backwards, a total is complete when it is passed on. */
	for (u32 i = tree->count; i-- > 0;) {
		const struct ft_tree_node *node = &tree->nodes[i];
		u64 *up;

		if (__builtin_add_overflow(totals[i], node->self, &totals[i]))
			totals[i] = UINT64_MAX;
		if (i == FT_TREE_ROOT)
			break;
		up = &totals[node->parent];
		if (__builtin_add_overflow(*up, totals[i], up))
			*up = UINT64_MAX;
	}
	return totals;
}

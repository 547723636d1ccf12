/*
 * tree.h - a weighted prefix tree of stacks.
 *
 * A stack is a path from the root; a node stands for one frame under one chain of callers. What a
 * node's key means is its owner's affair: location ids in a raw profile, frame ids in a resolved
 * one. Nodes are stored in the order of their creation, so a parent always comes before its
 * children; node 0 is the root and carries no frame.
 */
#ifndef FT_PROFILE_TREE_H
#define FT_PROFILE_TREE_H

#include "base/types.h"

struct ft_tree;

#define FT_TREE_ROOT 0
#define FT_TREE_NONE UINT32_MAX

struct ft_tree_node {
	u32 parent; /* FT_TREE_NONE for the root */
	u32 key;
	u64 self; /* weight of the stacks that end here */
};

struct ft_tree *ft_tree_new(void); /* NULL when memory is exhausted */
void ft_tree_free(struct ft_tree *tree);

/* The child of parent with that key, added if it is new. FT_TREE_NONE when memory is exhausted. */
u32 ft_tree_child(struct ft_tree *tree, u32 parent, u32 key);

/* Adds weight to the stack that ends at node. Saturates at UINT64_MAX. */
void ft_tree_add(struct ft_tree *tree, u32 node, u64 weight);

/* Sets the weight of the stack that ends at node. */
void ft_tree_set(struct ft_tree *tree, u32 node, u64 weight);

/* All nodes. Borrowed until the next ft_tree_child. */
const struct ft_tree_node *ft_tree_nodes(const struct ft_tree *tree);
u32 ft_tree_count(const struct ft_tree *tree);

/*
 * Frees what only ft_tree_child needs. The tree can be read on, and is rebuilt by the next
 * ft_tree_child.
 */
void ft_tree_freeze(struct ft_tree *tree);

/* The weight of all stacks together, which is the root's total. Saturates at UINT64_MAX. */
u64 ft_tree_total(const struct ft_tree *tree);

/*
 * Total of every node: its own weight and that of everything below it. Returns an array of
 * ft_tree_count() numbers that the caller frees, or NULL when memory is exhausted. Saturates at
 * UINT64_MAX.
 */
u64 *ft_tree_totals(const struct ft_tree *tree);

#endif

/*
 * order.h - a profile in the order of pictures: frames sorted by name, and for every node of weight
 * its children, sorted likewise. What pictures and columns are made from; made once for both.
 *
 * The order does not depend on how the profile was built.
 */
#ifndef FT_OUTPUT_ORDER_H
#define FT_OUTPUT_ORDER_H

#include "profile/profile.h"

struct ft_order {
	const struct ft_profile *profile; /* borrowed */
	const struct ft_tree_node *nodes; /* borrowed */
	u32 node_count;
	u64 *totals;	 /* by node */
	u32 *first;	 /* by node: where its children begin in children; node_count + 1 of them */
	u32 *children;	 /* nodes of weight, grouped by parent */
	u32 *rank;	 /* by frame: its place in the order of names, from 1; 0 without weight */
	u32 *frames;	 /* by rank: the frame; rank 0 is the root's */
	u32 frame_count; /* frames of weight, and the root's */
};

/* 0 or -ENOMEM. Time is linear in the tree save the sorting of siblings. */
int ft_order_init(struct ft_order *order, const struct ft_profile *profile);
void ft_order_fini(struct ft_order *order);

/* Frees the totals: a layout needs them, columns do not. */
void ft_order_drop_totals(struct ft_order *order);

#endif

/*
 * rounds.h - how the weights of a tree came about in time.
 *
 * A recording takes samples from the kernel in rounds, one a second or ten. Each round says by how
 * much the weights of which nodes grew.
 */
#ifndef FT_PROFILE_ROUNDS_H
#define FT_PROFILE_ROUNDS_H

#include "profile/tree.h"

/* Weights that were added to nodes of the tree between two moments. */
struct ft_round_weight {
	u32 node;
	u32 cpu;    /* its number plus one, or 0: not known; a node may come once for each */
	u64 weight; /* a difference, modulo 2^64 */
};

struct ft_round {
	u64 until_ns;	  /* since the recording began; from the end of the round before */
	u32 first, count; /* in weights */
};

/* A zeroed struct is empty. */
struct ft_rounds {
	struct ft_round *list;
	u32 count;
	size_t cap;
	struct ft_round_weight *weights;
	u32 weight_count;
	size_t weight_cap;
};

void ft_rounds_fini(struct ft_rounds *rounds);

/*
 * Adds a round: what the weights of tree are more than in *before (an array of *cap numbers, grown
 * and updated here). 0 or -ENOMEM.
 */
int ft_rounds_add(struct ft_rounds *rounds, const struct ft_tree *tree, u64 **before, size_t *cap,
		  u64 until_ns);

/*
 * Divides the weights of the last round, of ft_rounds_add, among CPUs: list, which is sorted here,
 * says what came where. What it does not mention stays without a CPU. 0 or -ENOMEM.
 */
int ft_rounds_divide(struct ft_rounds *rounds, struct ft_round_weight *list, u32 count);

/*
 * Adds a weight that came at a time: to the last round, or to a new one of span_ns when that is
 * over. What comes late counts for the last. 0 or -ENOMEM.
 */
int ft_rounds_note(struct ft_rounds *rounds, u64 at_ns, u64 span_ns,
		   const struct ft_round_weight *weight);

/*
 * The weights of a round in the order of nodes and CPUs, each pair of them once, for the
 * caller to free; *count is how many. NULL when memory is exhausted.
 */
struct ft_round_weight *ft_rounds_sorted(const struct ft_rounds *rounds,
					 const struct ft_round *round, u32 *count);

#endif

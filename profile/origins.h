/*
 * origins.h - where in the machine the nodes of a tree come from, for formats that tell it: an
 * address of each node, and the ids of the processes whose weight it has.
 *
 * A node stands for a function under one chain of callers. Several of its addresses may have been
 * seen, and processes of one name share their nodes: neither divides a flame graph.
 */
#ifndef FT_PROFILE_ORIGINS_H
#define FT_PROFILE_ORIGINS_H

#include <stddef.h>

#include "base/types.h"

/* A part of a node's own weight. */
struct ft_owner {
	u64 weight;
	u32 node;
	u32 pid;
};

/* A zeroed struct knows nothing. */
struct ft_origins {
	struct ft_owner *owners; /* after ft_origins_finish: sorted by node and pid, one each */
	size_t owner_cap;
	u32 count;
	u64 *addresses; /* by node; 0: not known */
	size_t address_count;
};

void ft_origins_fini(struct ft_origins *origins);

/* Notes whose weight of a node it is. Nothing is noted without an id or a weight. 0 or -ENOMEM. */
int ft_origins_owner(struct ft_origins *origins, u32 node, u32 pid, u64 weight);

/* Adds the weights of equal owners up. */
void ft_origins_finish(struct ft_origins *origins);

/*
 * Notes an address of a node, unless there is one already: an offset in its module's file, or a
 * run-time address of the kernel or of code without a file. 0 means unknown. 0 or -ENOMEM.
 */
int ft_origins_address(struct ft_origins *origins, u32 node, u64 address);

/* The address of a node, or 0. */
u64 ft_origins_find(const struct ft_origins *origins, u32 node);

#endif

/*
 * places.h - where in source files the nodes of a tree are.
 *
 * A node stands for a function under one chain of callers, and most often several of its lines were
 * seen. Lines do not divide a flame graph: of each node the heaviest place is kept.
 */
#ifndef FT_PROFILE_PLACES_H
#define FT_PROFILE_PLACES_H

#include "base/types.h"

struct ft_place {
	u64 weight;
	u32 node;
	u32 file; /* string id */
	u32 line;
};

/* A zeroed struct is an empty list. */
struct ft_places {
	struct ft_place *list; /* after ft_places_finish: sorted by node, one each */
	size_t cap;
	u32 count;
};

void ft_places_fini(struct ft_places *places);

/* Adds weight to a place of a node. Nothing is added without a file or a line. 0 or -ENOMEM. */
int ft_places_add(struct ft_places *places, u32 node, u32 file, u32 line, u64 weight);

/* Keeps the heaviest place of each node; of equal ones, the first line. Call once, after all. */
void ft_places_finish(struct ft_places *places);

/* The place of a node, or NULL. Borrowed. */
const struct ft_place *ft_places_find(const struct ft_places *places, u32 node);

#endif

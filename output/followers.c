/*
 * followers.c - which frames each frame calls, for columns.c: pairs of a caller and a callee, found
 * by a table, and sorted so that a callee is told by how frequent it is.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "output/columns_private.h"

#define PAIR_SLOTS_MIN 1024

/* Different (frame of the parent, frame), in the order of their discovery. */
struct pairs {
	u64 *list;  /* parent's rank << 32 | rank */
	u32 *nodes; /* how many nodes are such a pair */
	size_t cap, nodes_cap;
	u32 count;
	u32 *slots; /* index + 1; 0: free */
	u32 mask;
};

static u32 slot_of(const struct pairs *pairs, u64 pair)
{
	u32 at = (u32)ft_hash_mix(pair >> 32, pair & UINT32_MAX) & pairs->mask;

	while (pairs->slots[at] && pairs->list[pairs->slots[at] - 1] != pair)
		at = (at + 1) & pairs->mask;
	return at;
}

static int grow_slots(struct pairs *pairs)
{
	size_t slots = pairs->slots ? ((size_t)pairs->mask + 1) * 2 : PAIR_SLOTS_MIN;

	free(pairs->slots);
	pairs->slots = ft_try_alloc(slots, sizeof(u32));
	if (!pairs->slots)
		return -ENOMEM;
	pairs->mask = (u32)(slots - 1);
	for (u32 i = 0; i < pairs->count; i++)
		pairs->slots[slot_of(pairs, pairs->list[i])] = i + 1;
	return 0;
}

static int add_pair(struct pairs *pairs, u64 pair, u32 *index)
{
	u32 at;

	if (!pairs->slots || pairs->count > pairs->mask / 2) {
		if (grow_slots(pairs))
			return -ENOMEM;
	}
	at = slot_of(pairs, pair);
	if (!pairs->slots[at]) {
		if (FT_GROW_RAW(&pairs->list, &pairs->cap, (size_t)pairs->count + 1) ||
		    FT_GROW(&pairs->nodes, &pairs->nodes_cap, (size_t)pairs->count + 1))
			return -ENOMEM;
		pairs->list[pairs->count++] = pair;
		pairs->slots[at] = pairs->count;
	}
	*index = pairs->slots[at] - 1;
	pairs->nodes[*index]++;
	return 0;
}

static int find_pairs(const struct ft_order *o, struct pairs *pairs, u32 *pair)
{
	int code = 0;

	for (u32 i = 1; i < o->node_count && !code; i++) {
		u32 parent = o->nodes[i].parent;
		u64 caller = parent ? o->rank[o->nodes[parent].key] : 0;

		if (o->totals[i])
			code = add_pair(pairs, caller << 32 | o->rank[o->nodes[i].key], &pair[i]);
	}
	return code;
}

/* By caller; then the most frequent first, so that most nodes have a small number. */
static int compare_pairs(const void *a, const void *b, void *arg)
{
	const struct pairs *pairs = arg;
	u32 ia = *(const u32 *)a, ib = *(const u32 *)b;
	u64 pa = pairs->list[ia], pb = pairs->list[ib];

	if (pa >> 32 != pb >> 32)
		return pa < pb ? -1 : 1;
	if (pairs->nodes[ia] != pairs->nodes[ib])
		return pairs->nodes[ia] > pairs->nodes[ib] ? -1 : 1;
	return pa < pb ? -1 : pa > pb;
}

/* Sorts the pairs: gives each its place among its parent frame's, and writes those. */
static int place_pairs(struct ft_followers *f, const struct pairs *pairs, u32 frames,
		       struct ft_column *column)
{
	u32 *order = ft_try_alloc(pairs->count, sizeof(u32)), at = 0;

	f->place = ft_try_alloc(pairs->count, sizeof(u32));
	if (!order || !f->place) {
		free(order);
		return -ENOMEM;
	}
	for (u32 i = 0; i < pairs->count; i++)
		order[i] = i;
	qsort_r(order, pairs->count, sizeof(u32), compare_pairs, (void *)(uintptr_t)pairs);
	for (u32 frame = 0; frame < frames; frame++) {
		u32 begin = at;

		while (at < pairs->count && pairs->list[order[at]] >> 32 == frame)
			at++;
		ft_column_number(column, at - begin);
		for (u32 i = begin; i < at; i++) {
			f->place[order[i]] = i - begin;
			ft_column_number(column, (u32)pairs->list[order[i]]);
		}
	}
	free(order);
	return 0;
}

int ft_followers_init(struct ft_followers *f, const struct ft_order *order,
		      struct ft_column *column)
{
	struct pairs pairs = {0};
	int code = -ENOMEM;

	f->pair = ft_try_alloc(order->node_count, sizeof(u32));
	if (f->pair)
		code = find_pairs(order, &pairs, f->pair);
	if (!code)
		code = place_pairs(f, &pairs, order->frame_count, column);
	free(pairs.list);
	free(pairs.nodes);
	free(pairs.slots);
	return code;
}

void ft_followers_fini(struct ft_followers *followers)
{
	free(followers->pair);
	free(followers->place);
}

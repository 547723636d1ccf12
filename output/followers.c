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
#define AHEAD 16 /* nodes lie apart: the processor is told so many before it reads them */

struct pair {
	u32 caller, frame; /* ranks */
	u32 nodes;	   /* how many nodes are such a pair */
	u32 place;	   /* among those of the caller, the most frequent first */
};

/* Different ones, in the order of their discovery. */
struct pairs {
	struct pair *list;
	size_t cap;
	u32 count;
	u32 *slots; /* index + 1; 0: free */
	u32 mask;
};

static u32 slot_of(const struct pairs *pairs, u32 caller, u32 frame)
{
	u32 at = (u32)ft_hash_mix(caller, frame) & pairs->mask;

	while (pairs->slots[at]) {
		const struct pair *pair = &pairs->list[pairs->slots[at] - 1];

		if (pair->caller == caller && pair->frame == frame)
			break;
		at = (at + 1) & pairs->mask;
	}
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
		pairs->slots[slot_of(pairs, pairs->list[i].caller, pairs->list[i].frame)] = i + 1;
	return 0;
}

static int add_pair(struct pairs *pairs, u32 caller, u32 frame, u32 *index)
{
	u32 at;

	if (!pairs->slots || pairs->count > pairs->mask / 2) {
		if (grow_slots(pairs))
			return -ENOMEM;
	}
	at = slot_of(pairs, caller, frame);
	if (!pairs->slots[at]) {
		if (FT_GROW_RAW(&pairs->list, &pairs->cap, (size_t)pairs->count + 1))
			return -ENOMEM;
		pairs->list[pairs->count++] = (struct pair){.caller = caller, .frame = frame};
		pairs->slots[at] = pairs->count;
	}
	*index = pairs->slots[at] - 1;
	pairs->list[*index].nodes++;
	return 0;
}

static int find_pairs(const struct ft_order *o, struct pairs *pairs, u32 *pair)
{
	u32 count = o->first[o->node_count];
	int code = 0;

	for (u32 i = 0; i < count && !code; i++) {
		u32 node = o->children[i], parent = o->nodes[node].parent;

		if (i + AHEAD < count)
			__builtin_prefetch(&o->nodes[o->children[i + AHEAD]]);
		code = add_pair(pairs, parent ? o->rank[o->nodes[parent].key] : 0,
				o->rank[o->nodes[node].key], &pair[i]);
	}
	return code;
}

/* By caller; then the most frequent first, so that most nodes have a small number. */
static int compare_pairs(const void *a, const void *b, void *arg)
{
	const struct pair *list = arg;
	const struct pair *pa = &list[*(const u32 *)a], *pb = &list[*(const u32 *)b];

	if (pa->caller != pb->caller)
		return pa->caller < pb->caller ? -1 : 1;
	if (pa->nodes != pb->nodes)
		return pa->nodes > pb->nodes ? -1 : 1;
	return pa->frame < pb->frame ? -1 : pa->frame > pb->frame;
}

/* Sorts the pairs: gives each its place among its parent frame's, and writes those. */
static int place_pairs(struct pairs *pairs, u32 frames, struct ft_column *column)
{
	u32 *order = ft_try_alloc(pairs->count, sizeof(u32)), at = 0;

	if (!order)
		return -ENOMEM;
	for (u32 i = 0; i < pairs->count; i++)
		order[i] = i;
	qsort_r(order, pairs->count, sizeof(u32), compare_pairs, pairs->list);
	for (u32 frame = 0; frame < frames; frame++) {
		u32 begin = at;

		while (at < pairs->count && pairs->list[order[at]].caller == frame)
			at++;
		ft_column_number(column, at - begin);
		for (u32 i = begin; i < at; i++) {
			pairs->list[order[i]].place = i - begin;
			ft_column_number(column, pairs->list[order[i]].frame);
		}
	}
	free(order);
	return 0;
}

int ft_followers_init(struct ft_followers *f, const struct ft_order *order,
		      struct ft_column *column)
{
	u32 count = order->first[order->node_count];
	struct pairs pairs = {0};
	int code = -ENOMEM;

	f->steps = ft_try_alloc((size_t)count + 1, sizeof(u32));
	if (f->steps && !FT_GROW_RAW(&pairs.list, &pairs.cap, PAIR_SLOTS_MIN) && pairs.list)
		code = find_pairs(order, &pairs, f->steps);
	if (!code)
		code = place_pairs(&pairs, order->frame_count, column);
	for (u32 i = 0; !code && i < count; i++)
		f->steps[i] = pairs.list[f->steps[i]].place;
	free(pairs.list);
	free(pairs.slots);
	return code;
}

void ft_followers_fini(struct ft_followers *followers)
{
	free(followers->steps);
}

/*
 * columns_rounds.c - when the weights of a profile came, as columns.
 *
 * For each round: how long it lasted, how many nodes got weight, and those in the order of the
 * picture, so that the steps between them are small. A node that had no weight in the end is none
 * of the picture, and left out.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "output/columns_private.h"

struct entry {
	u32 index;
	u64 weight; /* a difference, modulo 2^64 */
};

static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

/* The weights of a round, sorted, one for each node. Returns how many. */
static u32 gather(const struct ft_rounds *rounds, const struct ft_round *round, const u32 *index,
		  struct entry *list)
{
	u32 count = 0, kept = 0;

	for (u32 w = round->first; w < round->first + round->count; w++) {
		const struct ft_round_weight *weight = &rounds->weights[w];

		if (weight->node == FT_TREE_ROOT || index[weight->node])
			list[count++] = (struct entry){index[weight->node], weight->weight};
	}
	if (count)
		qsort(list, count, sizeof(*list), compare);
	for (u32 i = 0; i < count; i++) {
		if (kept && list[kept - 1].index == list[i].index)
			list[kept - 1].weight += list[i].weight;
		else
			list[kept++] = list[i];
	}
	return kept;
}

int ft_columns_rounds(const struct ft_rounds *rounds, const u32 *index, struct ft_column *parts)
{
	u64 before_us = 0;
	u32 most = 1;
	struct entry *list;

	for (u32 r = 0; r < rounds->count; r++)
		if (rounds->list[r].count > most)
			most = rounds->list[r].count;
	list = ft_try_alloc(most, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (u32 r = 0; r < rounds->count; r++) {
		u64 until_us = rounds->list[r].until_ns / 1000;
		u32 count = gather(rounds, &rounds->list[r], index, list), last = 0;

		if (until_us < before_us)
			until_us = before_us;
		ft_column_number(&parts[FT_PART_ROUNDS], until_us - before_us);
		ft_column_number(&parts[FT_PART_ROUNDS], count);
		before_us = until_us;
		for (u32 i = 0; i < count; i++) {
			s64 weight = (s64)list[i].weight;

			ft_column_number(&parts[FT_PART_WEIGHTS], list[i].index - last);
			/* 0, -1, 1, -2 are 0, 1, 2, 3 */
			ft_column_number(&parts[FT_PART_WEIGHTS],
					 (u64)weight << 1 ^ (weight < 0 ? UINT64_MAX : 0));
			last = list[i].index;
		}
	}
	free(list);
	return 0;
}

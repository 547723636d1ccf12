/* rounds.c - see rounds.h. */
#include "profile/rounds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void ft_rounds_fini(struct ft_rounds *rounds)
{
	free(rounds->list);
	free(rounds->weights);
	*rounds = (struct ft_rounds){0};
}

int ft_rounds_add(struct ft_rounds *rounds, const struct ft_tree *tree, u64 **before, size_t *cap,
		  u64 until_ns)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(tree);
	u32 count = ft_tree_count(tree);
	struct ft_round round = {.until_ns = until_ns, .first = rounds->weight_count};

	if (FT_GROW(before, cap, count) ||
	    FT_GROW_RAW(&rounds->list, &rounds->cap, (size_t)rounds->count + 1))
		return -ENOMEM;
	for (u32 node = 1; node < count; node++) {
		if (nodes[node].self == (*before)[node])
			continue;
		if (rounds->weight_count == UINT32_MAX ||
		    FT_GROW_RAW(&rounds->weights, &rounds->weight_cap,
				(size_t)rounds->weight_count + 1))
			return -ENOMEM;
		rounds->weights[rounds->weight_count++] =
			(struct ft_round_weight){node, nodes[node].self - (*before)[node]};
		(*before)[node] = nodes[node].self;
	}
	round.count = rounds->weight_count - round.first;
	rounds->list[rounds->count++] = round;
	return 0;
}

static int round_begin(struct ft_rounds *rounds, u64 until_ns)
{
	if (FT_GROW_RAW(&rounds->list, &rounds->cap, (size_t)rounds->count + 1))
		return -ENOMEM;
	rounds->list[rounds->count++] =
		(struct ft_round){.until_ns = until_ns, .first = rounds->weight_count};
	return 0;
}

int ft_rounds_note(struct ft_rounds *rounds, u64 at_ns, u64 span_ns, u32 node, u64 weight)
{
	u64 over_ns = rounds->count ? rounds->list[rounds->count - 1].until_ns : 0;
	u64 begin_ns = at_ns / span_ns * span_ns;

	/* A round lasts from the end of the one before: a time of nothing is one, too. */
	if (begin_ns > over_ns && round_begin(rounds, begin_ns))
		return -ENOMEM;
	if ((!rounds->count || at_ns >= over_ns) && round_begin(rounds, begin_ns + span_ns))
		return -ENOMEM;
	if (rounds->weight_count == UINT32_MAX ||
	    FT_GROW_RAW(&rounds->weights, &rounds->weight_cap, (size_t)rounds->weight_count + 1))
		return -ENOMEM;
	rounds->weights[rounds->weight_count++] = (struct ft_round_weight){node, weight};
	rounds->list[rounds->count - 1].count++;
	return 0;
}

static int compare_nodes(const void *a, const void *b)
{
	const struct ft_round_weight *x = a, *y = b;

	return x->node < y->node ? -1 : x->node > y->node;
}

struct ft_round_weight *ft_rounds_sorted(const struct ft_rounds *rounds,
					 const struct ft_round *round, u32 *count)
{
	struct ft_round_weight *list = ft_try_alloc((size_t)round->count + 1, sizeof(*list));
	u32 kept = 0;

	if (!list)
		return NULL;
	if (round->count) {
		memcpy(list, rounds->weights + round->first, round->count * sizeof(*list));
		qsort(list, round->count, sizeof(*list), compare_nodes);
	}
	for (u32 i = 0; i < round->count; i++) {
		if (kept && list[kept - 1].node == list[i].node)
			list[kept - 1].weight += list[i].weight;
		else
			list[kept++] = list[i];
	}
	*count = kept;
	return list;
}

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
			(struct ft_round_weight){node, 0, nodes[node].self - (*before)[node]};
		(*before)[node] = nodes[node].self;
	}
	round.count = rounds->weight_count - round.first;
	rounds->list[rounds->count++] = round;
	return 0;
}

static int weight_put(struct ft_rounds *rounds, const struct ft_round_weight *weight)
{
	if (rounds->weight_count == UINT32_MAX ||
	    FT_GROW_RAW(&rounds->weights, &rounds->weight_cap, (size_t)rounds->weight_count + 1))
		return -ENOMEM;
	rounds->weights[rounds->weight_count++] = *weight;
	rounds->list[rounds->count - 1].count++;
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

int ft_rounds_note(struct ft_rounds *rounds, u64 at_ns, u64 span_ns,
		   const struct ft_round_weight *weight)
{
	u64 over_ns = rounds->count ? rounds->list[rounds->count - 1].until_ns : 0;
	u64 begin_ns = at_ns / span_ns * span_ns;

	/* A round lasts from the end of the one before: a time of nothing is one, too. */
	if (begin_ns > over_ns && round_begin(rounds, begin_ns))
		return -ENOMEM;
	if ((!rounds->count || at_ns >= over_ns) && round_begin(rounds, begin_ns + span_ns))
		return -ENOMEM;
	return weight_put(rounds, weight);
}

static int compare_nodes(const void *a, const void *b)
{
	const struct ft_round_weight *x = a, *y = b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return x->cpu < y->cpu ? -1 : x->cpu > y->cpu;
}

/* Sorts the list and adds up what is of the same node and CPU. Returns how many are left. */
static u32 merge(struct ft_round_weight *list, u32 count)
{
	u32 kept = 0;

	if (count)
		qsort(list, count, sizeof(*list), compare_nodes);
	for (u32 i = 0; i < count; i++) {
		if (kept && !compare_nodes(&list[kept - 1], &list[i]))
			list[kept - 1].weight += list[i].weight;
		else
			list[kept++] = list[i];
	}
	return kept;
}

int ft_rounds_divide(struct ft_rounds *rounds, struct ft_round_weight *list, u32 count)
{
	struct ft_round *round = &rounds->list[rounds->count - 1];
	u32 stop = round->first + round->count, at = 0;

	count = merge(list, count);
	for (u32 i = round->first; i < stop; i++) {
		u32 node = rounds->weights[i].node;

		while (at < count && list[at].node < node)
			at++;
		for (; at < count && list[at].node == node; at++) {
			rounds->weights[i].weight -= list[at].weight;
			if (weight_put(rounds, &list[at]))
				return -ENOMEM;
		}
	}
	/* Those of CPUs stand behind the rest of theirs: what nothing is left of goes. */
	at = round->first;
	for (u32 i = round->first; i < rounds->weight_count; i++)
		if (rounds->weights[i].weight)
			rounds->weights[at++] = rounds->weights[i];
	rounds->weight_count = at;
	round->count = at - round->first;
	return 0;
}

struct ft_round_weight *ft_rounds_sorted(const struct ft_rounds *rounds,
					 const struct ft_round *round, u32 *count)
{
	struct ft_round_weight *list = ft_try_alloc((size_t)round->count + 1, sizeof(*list));

	if (!list)
		return NULL;
	if (round->count)
		memcpy(list, rounds->weights + round->first, round->count * sizeof(*list));
	*count = merge(list, round->count);
	return list;
}

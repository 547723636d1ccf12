/* rounds.c - see rounds.h. */
#include "profile/rounds.h"

#include <errno.h>
#include <stdlib.h>

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

/* select.c - see select.h. */
#include "profile/select.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "profile/by_cpu.h"

/* Whose a node is: of its outermost locations of those kinds. */
struct owner {
	u32 pid, tid;
};

static struct owner *owners_find(const struct ft_raw *raw, bool *threads)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(raw->tree);
	u32 count = ft_tree_count(raw->tree);
	struct owner *owners = ft_try_alloc(count, sizeof(*owners));

	*threads = false;
	for (u32 i = 1; owners && i < count; i++) {
		const struct ft_location *l = &raw->locations[nodes[i].key];

		owners[i] = owners[nodes[i].parent];
		if (l->kind == FT_LOCATION_PROCESS && !owners[i].pid)
			owners[i].pid = l->pid;
		if (l->kind == FT_LOCATION_THREAD && !owners[i].tid)
			owners[i].tid = l->pid;
		*threads |= l->kind == FT_LOCATION_THREAD;
	}
	return owners;
}

/* Leaves of the rounds what lies in the time asked for. */
static int rounds_cut(struct ft_rounds *rounds, const struct ft_select *select, struct ft_err *err)
{
	u64 begin_ns = 0;

	if (rounds->count < 2)
		return ft_err_set(err, -EINVAL,
				  "this recording does not hold when its samples came; record with "
				  "--timeline for --from and --to");
	for (u32 i = 0; i < rounds->count; i++) {
		struct ft_round *round = &rounds->list[i];
		bool in = round->until_ns > select->from_ns &&
			  (!select->to_ns || begin_ns < select->to_ns);

		begin_ns = round->until_ns;
		if (!in)
			round->count = 0;
	}
	return 0;
}

/* Makes the weights of the tree those that the rounds still have. owners may be NULL. */
static void weights_again(struct ft_tree *tree, struct ft_rounds *rounds,
			  const struct ft_select *select, const struct owner *owners)
{
	for (u32 i = 0; i < ft_tree_count(tree); i++)
		ft_tree_set(tree, i, 0);
	for (u32 i = 0; i < rounds->count; i++) {
		const struct ft_round *round = &rounds->list[i];

		for (u32 w = round->first; w < round->first + round->count; w++) {
			struct ft_round_weight *weight = &rounds->weights[w];

			if (owners && ((select->pid && owners[weight->node].pid != select->pid) ||
				       (select->tid && owners[weight->node].tid != select->tid)))
				weight->weight = 0;
			ft_tree_set(tree, weight->node,
				    ft_tree_nodes(tree)[weight->node].self + weight->weight);
		}
	}
}

/* Processes become "name/id". */
static int name_processes(struct ft_raw *raw)
{
	for (u32 i = 1; i < raw->location_count; i++) {
		struct ft_location *l = &raw->locations[i];
		char text[300];
		int len;

		if (l->kind != FT_LOCATION_PROCESS)
			continue;
		len = snprintf(text, sizeof(text), "%.250s/%u",
			       ft_strtab_str(raw->strings, l->name), l->pid);
		l->name = ft_strtab_add(raw->strings, text, (size_t)len);
		if (l->name == FT_STR_NONE)
			return -ENOMEM;
	}
	return 0;
}

int ft_select_raw(struct ft_archive *archive, const struct ft_select *select, struct ft_err *err)
{
	bool threads, whole = !select->from_ns && !select->to_ns;
	struct owner *owners;
	int code = 0;

	owners = owners_find(archive->raw, &threads);
	if (!owners)
		return ft_err_set(err, -ENOMEM, "out of memory");
	if (!threads && (select->tid || select->by == FT_BY_THREAD))
		code = ft_err_set(err, -EINVAL,
				  "this recording does not tell threads apart; record with "
				  "--per-thread");
	if (!code && !whole)
		code = rounds_cut(&archive->rounds, select, err);
	if (!code && (!whole || select->pid || select->tid))
		weights_again(archive->raw->tree, &archive->rounds, select, owners);
	if (!code && (select->by == FT_BY_PROCESS || select->by == FT_BY_THREAD) &&
	    name_processes(archive->raw))
		code = ft_err_set(err, -ENOMEM, "out of memory");
	if (!code && select->by == FT_BY_CPU)
		code = ft_by_cpu_raw(archive->raw, &archive->rounds, err);
	free(owners);
	return code;
}

int ft_select_profile(struct ft_profile *profile, const struct ft_select *select,
		      struct ft_err *err)
{
	int code = 0;

	if (select->pid || select->tid || select->by == FT_BY_PROCESS || select->by == FT_BY_THREAD)
		return ft_err_set(err, -EINVAL,
				  "this archive was made from names, and tells neither processes "
				  "nor threads of one name apart");
	if (select->from_ns || select->to_ns) {
		code = rounds_cut(&profile->rounds, select, err);
		if (!code)
			weights_again(profile->tree, &profile->rounds, select, NULL);
		profile->origins.count = 0; /* whose weights were, not when */
	}
	if (!code && select->by == FT_BY_CPU)
		code = ft_by_cpu_profile(profile, err);
	return code;
}

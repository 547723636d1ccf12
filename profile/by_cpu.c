/*
 * by_cpu.c - see by_cpu.h.
 *
 * The rounds know how much of a node's weight came on which CPU. Of each such pair the path from
 * the root is made again below its CPU; what is made already is found by CPU and node.
 */
#include "profile/by_cpu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map64.h"

struct work {
	const struct ft_tree *from;
	struct ft_tree *to;
	struct ft_map64 made; /* CPU and node: the node of to */
	u32 *origins;	      /* by node of to: of from; 0 for a CPU */
	size_t origin_cap;
	u32 *path;
	size_t path_cap;
	/* the key of a CPU; UINT32_MAX without memory */
	u32 (*cpu_key)(void *owner, u32 cpu);
	void *owner;
};

void ft_by_cpu_name(u32 cpu, char name[FT_BY_CPU_NAME])
{
	if (cpu)
		snprintf(name, FT_BY_CPU_NAME, "[CPU %u]", cpu - 1);
	else
		snprintf(name, FT_BY_CPU_NAME, "[CPU unknown]");
}

static u32 child(struct work *w, u32 parent, u32 key, u32 origin)
{
	u32 node = key == UINT32_MAX ? FT_TREE_NONE : ft_tree_child(w->to, parent, key);

	if (node == FT_TREE_NONE || FT_GROW(&w->origins, &w->origin_cap, (size_t)node + 1))
		return FT_TREE_NONE;
	w->origins[node] = origin;
	return node;
}

static u64 pair(u32 cpu, u32 node)
{
	return (u64)cpu << 32 | node;
}

/* Notes what a node of from is on a CPU. Returns it, or FT_TREE_NONE. */
static u32 note(struct work *w, u32 cpu, u32 node, u32 made)
{
	u64 *place = made == FT_TREE_NONE ? NULL : ft_map64_at(&w->made, pair(cpu, node) + 1);

	if (!place)
		return FT_TREE_NONE;
	*place = made;
	return made;
}

static u32 node_on_cpu(struct work *w, u32 cpu, u32 node)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(w->from);
	const u64 *made;
	size_t len = 0;
	u32 at;

	while (!(made = ft_map64_find(&w->made, pair(cpu, node) + 1)) && node != FT_TREE_ROOT) {
		if (FT_GROW_RAW(&w->path, &w->path_cap, len + 1))
			return FT_TREE_NONE;
		w->path[len++] = node;
		node = nodes[node].parent;
	}
	at = made ? (u32)*made
		  : note(w, cpu, FT_TREE_ROOT,
			 child(w, FT_TREE_ROOT, w->cpu_key(w->owner, cpu), 0));
	while (len-- > 0 && at != FT_TREE_NONE)
		at = note(w, cpu, w->path[len],
			  child(w, at, nodes[w->path[len]].key, w->path[len]));
	return at;
}

static int regroup(struct work *w, struct ft_rounds *rounds)
{
	for (u32 r = 0; r < rounds->count; r++) {
		struct ft_round_weight *weights = rounds->weights + rounds->list[r].first;

		for (u32 i = 0; i < rounds->list[r].count; i++) {
			u32 node;

			if (!weights[i].weight) { /* was left out */
				weights[i].node = FT_TREE_ROOT;
				continue;
			}
			node = node_on_cpu(w, weights[i].cpu, weights[i].node);
			if (node == FT_TREE_NONE)
				return -ENOMEM;
			/* Modulo 2^64: what a round takes away was added before. */
			ft_tree_set(w->to, node,
				    ft_tree_nodes(w->to)[node].self + weights[i].weight);
			weights[i].node = node;
		}
	}
	return 0;
}

static int run(struct work *w, struct ft_rounds *rounds, struct ft_err *err)
{
	bool any = false;
	int code;

	for (u32 i = 0; i < rounds->weight_count && !any; i++)
		any = rounds->weights[i].cpu != 0;
	if (!any) {
		ft_err_set(err, -EINVAL,
			   "this recording does not hold on which CPUs samples were taken; record "
			   "with --timeline");
		return -EINVAL;
	}
	w->to = ft_tree_new();
	code = w->to && !FT_GROW(&w->origins, &w->origin_cap, 1) ? regroup(w, rounds) : -ENOMEM;
	if (code)
		ft_err_set(err, code, "out of memory");
	return code;
}

static void work_fini(struct work *w)
{
	ft_tree_free(w->to);
	ft_map64_fini(&w->made);
	free(w->origins);
	free(w->path);
}

static u32 raw_key(void *owner, u32 cpu)
{
	struct ft_location location = {.kind = FT_LOCATION_PROCESS};
	struct ft_raw *raw = owner;
	char name[FT_BY_CPU_NAME];

	ft_by_cpu_name(cpu, name);
	location.name = ft_strtab_add(raw->strings, name, strlen(name));
	return location.name == FT_STR_NONE ? UINT32_MAX : ft_raw_location(raw, &location);
}

int ft_by_cpu_raw(struct ft_raw *raw, struct ft_rounds *rounds, struct ft_err *err)
{
	struct work w = {.from = raw->tree, .cpu_key = raw_key, .owner = raw};
	int code = run(&w, rounds, err);

	if (!code && raw->kept && ft_kept_reserve(raw->kept, raw->location_count))
		code = ft_err_set(err, -ENOMEM, "out of memory");
	if (!code) {
		ft_tree_free(raw->tree);
		raw->tree = w.to;
		w.to = NULL;
	}
	work_fini(&w);
	return code;
}

static u32 profile_key(void *owner, u32 cpu)
{
	struct ft_frame frame = {.kind = FT_FRAME_PROCESS};
	struct ft_profile *profile = owner;
	char name[FT_BY_CPU_NAME];

	ft_by_cpu_name(cpu, name);
	frame.name = ft_strtab_add(profile->strings, name, strlen(name));
	return frame.name == FT_STR_NONE ? UINT32_MAX : ft_profile_frame(profile, &frame);
}

/* Where in files the new nodes are, and their addresses. */
static int origins_move(struct work *w, struct ft_profile *profile)
{
	struct ft_origins origins = {0};
	struct ft_places places = {0};
	int code = 0;

	for (u32 node = 1; node < ft_tree_count(w->to) && !code; node++) {
		const struct ft_place *place = ft_places_find(&profile->places, w->origins[node]);

		if (place)
			code = ft_places_add(&places, node, place->file, place->line,
					     place->weight);
		if (!code)
			code = ft_origins_address(
				&origins, node,
				ft_origins_find(&profile->origins, w->origins[node]));
	}
	ft_places_finish(&places);
	ft_places_fini(&profile->places);
	ft_origins_fini(&profile->origins);
	profile->places = places;
	profile->origins = origins;
	return code;
}

int ft_by_cpu_profile(struct ft_profile *profile, struct ft_err *err)
{
	struct work w = {.from = profile->tree, .cpu_key = profile_key, .owner = profile};
	int code = run(&w, &profile->rounds, err);

	if (!code && origins_move(&w, profile))
		code = ft_err_set(err, -ENOMEM, "out of memory");
	if (!code) {
		ft_tree_free(profile->tree);
		profile->tree = w.to;
		w.to = NULL;
	}
	work_fini(&w);
	return code;
}

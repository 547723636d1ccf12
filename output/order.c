/*
 * order.c - see order.h.
 *
 * New nodes mostly lie beside their parents, so grouping them by a counting sort in the order of
 * their creation stays within the cache; only siblings are sorted by name, by comparing ranks.
 * Nothing recurses, since stacks may be many thousands deep.
 */
#include "output/order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define FEW 24 /* siblings up to here are sorted by insertion */

static int compare_strings(const struct ft_strtab *strings, u32 a, u32 b)
{
	size_t la = ft_strtab_len(strings, a), lb = ft_strtab_len(strings, b);
	int order = memcmp(ft_strtab_str(strings, a), ft_strtab_str(strings, b), la < lb ? la : lb);

	if (order == 0 && la != lb)
		order = la < lb ? -1 : 1;
	return order;
}

/* By name bytes, then kind, inlined, module: frames are unique in these, so ties cannot happen. */
static int compare_frames(const void *a, const void *b, void *arg)
{
	const struct ft_profile *p = arg;
	const struct ft_frame *fa = &p->frames[*(const u32 *)a];
	const struct ft_frame *fb = &p->frames[*(const u32 *)b];
	int order = 0;

	if (fa->name != fb->name)
		order = compare_strings(p->strings, fa->name, fb->name);
	if (!order)
		order = (int)fa->kind - (int)fb->kind;
	if (!order)
		order = (int)fa->inlined - (int)fb->inlined;
	if (!order)
		order = compare_strings(p->strings, fa->module, fb->module);
	return order;
}

static void rank_frames(struct ft_order *o)
{
	const struct ft_profile *p = o->profile;

	for (u32 i = 1; i < o->node_count; i++) {
		if (o->totals[i])
			o->rank[o->nodes[i].key] = 1;
	}
	o->frame_count = 1;
	for (u32 i = 1; i < p->frame_count; i++) {
		if (o->rank[i])
			o->frames[o->frame_count++] = i;
	}
	qsort_r(o->frames + 1, o->frame_count - 1, sizeof(u32), compare_frames,
		(void *)(uintptr_t)p);
	for (u32 i = 1; i < o->frame_count; i++)
		o->rank[o->frames[i]] = i;
}

/* A counting sort; first[n + 1] counts, then tells where the next child of n goes. */
static void group_children(struct ft_order *o)
{
	u32 sum = 0;

	for (u32 i = 1; i < o->node_count; i++)
		o->first[o->nodes[i].parent + 1] += o->totals[i] > 0;
	for (u32 i = 0; i < o->node_count; i++) {
		u32 n = o->first[i + 1];

		o->first[i + 1] = sum;
		sum += n;
	}
	for (u32 i = 1; i < o->node_count; i++) {
		if (o->totals[i])
			o->children[o->first[o->nodes[i].parent + 1]++] = i;
	}
}

static int compare_children(const void *a, const void *b, void *arg)
{
	const struct ft_order *o = arg;
	u32 ra = o->rank[o->nodes[*(const u32 *)a].key],
	    rb = o->rank[o->nodes[*(const u32 *)b].key];

	return ra < rb ? -1 : ra > rb;
}

static void sort_few(struct ft_order *o, u32 *list, u32 n)
{
	for (u32 i = 1; i < n; i++) {
		u32 node = list[i], rank = o->rank[o->nodes[node].key], at = i;

		for (; at && o->rank[o->nodes[list[at - 1]].key] > rank; at--)
			list[at] = list[at - 1];
		list[at] = node;
	}
}

static void sort_children(struct ft_order *o)
{
	for (u32 i = 0; i < o->node_count; i++) {
		u32 n = o->first[i + 1] - o->first[i];

		if (n > FEW)
			qsort_r(o->children + o->first[i], n, sizeof(u32), compare_children, o);
		else if (n > 1)
			sort_few(o, o->children + o->first[i], n);
	}
}

int ft_order_init(struct ft_order *o, const struct ft_profile *profile)
{
	u32 frames = profile->frame_count ? profile->frame_count : 1;

	memset(o, 0, sizeof(*o));
	o->profile = profile;
	o->nodes = ft_tree_nodes(profile->tree);
	o->node_count = ft_tree_count(profile->tree);
	o->totals = ft_tree_totals(profile->tree);
	o->first = ft_try_alloc((size_t)o->node_count + 1, sizeof(u32));
	o->children = ft_try_alloc(o->node_count, sizeof(u32));
	o->rank = ft_try_alloc(frames, sizeof(u32));
	o->frames = ft_try_alloc(frames, sizeof(u32));
	if (!o->totals || !o->first || !o->children || !o->rank || !o->frames) {
		ft_order_fini(o);
		return -ENOMEM;
	}
	rank_frames(o);
	group_children(o);
	sort_children(o);
	return 0;
}

void ft_order_drop_totals(struct ft_order *o)
{
	free(o->totals);
	o->totals = NULL;
}

void ft_order_fini(struct ft_order *o)
{
	free(o->totals);
	free(o->first);
	free(o->children);
	free(o->rank);
	free(o->frames);
	memset(o, 0, sizeof(*o));
}

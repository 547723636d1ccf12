/*
 * layout.c - see layout.h.
 *
 * The one idea: a node is kept if its total reaches a limit, and a parent's total is never below
 * its child's, so the kept nodes form a tree by themselves. All work but two passes over the totals
 * is on that small tree, in arrays indexed by rank (place among the kept nodes, in which parents
 * still come first). That makes every step a loop: ranks downwards give subtree sizes, ranks
 * upwards give places. Nothing recurses, since stacks may be many thousands deep.
 */
#include "output/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Totals below the resolution, counted in steps of 1/8 of a power of two. */
#define STEP_BITS 3
#define STEPS (1 << STEP_BITS)
#define BUCKETS (64 * STEPS)

struct kept {
	u32 node;
	u32 parent; /* rank */
	u32 frame;
	u32 size;  /* boxes in the subtree, this one included */
	u32 place; /* index in the result */
	u64 total;
};

struct work {
	const struct ft_profile *profile;
	struct kept *kept;
	u32 count;
	u32 *first;    /* by rank: where its children begin in children; count + 1 of them */
	u32 *children; /* ranks, grouped by parent */
};

static u32 bucket_of(u64 total)
{
	u32 exponent;

	if (total < STEPS)
		return (u32)total;
	exponent = 63u - (u32)__builtin_clzll(total);
	return (exponent - STEP_BITS + 1) * STEPS +
	       (u32)(total >> (exponent - STEP_BITS) & (STEPS - 1));
}

static u64 bucket_least(u32 bucket)
{
	u32 exponent = bucket / STEPS;

	if (exponent == 0)
		return bucket;
	return (u64)(STEPS + bucket % STEPS) << (exponent - 1);
}

/* The smallest total worth keeping; sets omitted to the number of nodes below it. */
static u64 choose_least(const u64 *totals, u32 nodes, u32 *omitted)
{
	u64 always = totals[0] / FT_LAYOUT_RESOLUTION, least;
	u32 counts[BUCKETS] = {0}, kept = 0, below = 0;

	if (always == 0)
		always = 1;
	for (u32 i = 0; i < nodes; i++) {
		if (totals[i] >= always)
			kept++;
		else if (totals[i] > 0)
			counts[bucket_of(totals[i])]++;
	}
	least = always;
	for (u32 b = bucket_of(always) + 1; b-- > 1;) {
		if (below == 0 && kept + (u64)counts[b] <= FT_LAYOUT_BOXES) {
			kept += counts[b];
			least = bucket_least(b) < always ? bucket_least(b) : always;
		} else {
			below += counts[b];
		}
	}
	*omitted = below;
	return least;
}

/* Ranks are in order of nodes, so the parent's rank is found by halving. */
static u32 rank_of(const struct work *w, u32 count, u32 node)
{
	u32 low = 0, high = count;

	while (high - low > 1) {
		u32 mid = low + (high - low) / 2;

		if (w->kept[mid].node <= node)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static void collect(struct work *w, const u64 *totals, u32 nodes, u64 least)
{
	const struct ft_tree_node *tree = ft_tree_nodes(w->profile->tree);
	u32 count = 0;

	for (u32 i = 0; i < nodes; i++) {
		struct kept *k = &w->kept[count];

		if (totals[i] < least)
			continue;
		k->node = i;
		k->frame = i ? tree[i].key : 0;
		k->parent = i ? rank_of(w, count, tree[i].parent) : 0;
		k->total = totals[i];
		k->size = 1;
		count++;
	}
}

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
	const struct work *w = arg;
	const struct ft_profile *p = w->profile;
	const struct ft_frame *fa = &p->frames[w->kept[*(const u32 *)a].frame];
	const struct ft_frame *fb = &p->frames[w->kept[*(const u32 *)b].frame];
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

/* Groups ranks by parent: a counting sort. Rank 0, the root, is nobody's child. */
static void group_children(struct work *w)
{
	for (u32 r = 1; r < w->count; r++)
		w->first[w->kept[r].parent + 1]++;
	for (u32 r = 0; r < w->count; r++)
		w->first[r + 1] += w->first[r];
	for (u32 r = 1; r < w->count; r++) {
		u32 parent = w->kept[r].parent;

		/*
		 * A parent's place counts its children found so far; places proper are given out
		 * later.
		 */
		w->children[w->first[parent] + w->kept[parent].place++] = r;
	}
	w->kept[0].place = 0;
}

static void sort_children(struct work *w)
{
	for (u32 r = 0; r < w->count; r++) {
		u32 n = w->first[r + 1] - w->first[r];

		if (n > 1)
			qsort_r(w->children + w->first[r], n, sizeof(u32), compare_frames, w);
	}
}

static void place_children(const struct work *w, struct ft_layout *layout, u32 rank)
{
	u32 parent = w->kept[rank].place, place = parent + 1;
	struct ft_box *box = &layout->boxes[parent];
	u64 x = box->x, end = box->x + box->total;

	for (u32 i = w->first[rank]; i < w->first[rank + 1]; i++) {
		struct kept *k = &w->kept[w->children[i]];
		struct ft_box *b = &layout->boxes[place];

		b->frame = k->frame;
		b->node = k->node;
		b->parent = parent;
		b->depth = box->depth + 1;
		b->x = x;
		/* Totals saturate; children of a saturated parent may not stick out. */
		b->total = k->total < end - x ? k->total : end - x;
		if (b->depth + 1 > layout->rows)
			layout->rows = b->depth + 1;
		k->place = place;
		place += k->size;
		x += b->total;
	}
}

/* Everything after the choice of kept nodes. */
static void arrange(struct work *w, struct ft_layout *layout)
{
	group_children(w);
	sort_children(w);
	for (u32 r = w->count - 1; r > 0; r--)
		w->kept[w->kept[r].parent].size += w->kept[r].size;
	layout->boxes[0] = (struct ft_box){.total = w->kept[0].total};
	layout->count = w->count;
	layout->rows = 1;
	for (u32 r = 0; r < w->count; r++)
		place_children(w, layout, r);
}

int ft_layout_init(struct ft_layout *layout, const struct ft_profile *profile)
{
	struct work w = {.profile = profile};
	u32 nodes = ft_tree_count(profile->tree);
	u64 *totals = ft_tree_totals(profile->tree);
	int result = -ENOMEM;

	memset(layout, 0, sizeof(*layout));
	if (!totals)
		return -ENOMEM;
	layout->total = totals[0];
	if (layout->total == 0) {
		result = 0;
		goto out;
	}
	layout->least = choose_least(totals, nodes, &layout->omitted);
	for (u32 i = 0; i < nodes; i++)
		w.count += totals[i] >= layout->least;
	w.kept = ft_try_alloc(w.count, sizeof(*w.kept));
	w.first = ft_try_alloc((size_t)w.count + 1, sizeof(*w.first));
	w.children = ft_try_alloc(w.count, sizeof(*w.children));
	layout->boxes = ft_try_alloc(w.count, sizeof(*layout->boxes));
	if (!w.kept || !w.first || !w.children || !layout->boxes)
		goto out;
	collect(&w, totals, nodes, layout->least);
	arrange(&w, layout);
	result = 0;
out:
	free(totals);
	free(w.kept);
	free(w.first);
	free(w.children);
	if (result)
		ft_layout_fini(layout);
	return result;
}

void ft_layout_fini(struct ft_layout *layout)
{
	free(layout->boxes);
	memset(layout, 0, sizeof(*layout));
}

/*
 * layout.c - see layout.h.
 *
 * Depth first over the nodes that are wide enough, without recursion. A parent is never narrower
 * than its child, so those form a tree by themselves; the others only move what stands to the
 * right of them.
 */
#include "output/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct open_box {
	u32 next, end; /* among the children of the order */
	u32 box;
	u64 x; /* where the next child begins */
};

struct work {
	const struct ft_order *order;
	struct ft_layout *layout;
	struct open_box *open;
	size_t open_cap, boxes_cap;
};

/* Adds a box at a depth; its children are the next to be looked at. */
static int add_box(struct work *w, u32 node, u32 depth, u64 x, u64 total)
{
	struct ft_layout *l = w->layout;
	const struct ft_order *o = w->order;

	if (FT_GROW_RAW(&w->open, &w->open_cap, (size_t)depth + 1) ||
	    FT_GROW_RAW(&l->boxes, &w->boxes_cap, (size_t)l->count + 1))
		return -ENOMEM;
	l->boxes[l->count] = (struct ft_box){
		.frame = node ? o->nodes[node].key : 0,
		.node = node,
		.parent = depth ? w->open[depth - 1].box : 0,
		.depth = depth,
		.x = x,
		.total = total,
	};
	w->open[depth] = (struct open_box){o->first[node], o->first[node + 1], l->count, x};
	l->count++;
	if (depth + 1 > l->rows)
		l->rows = depth + 1;
	return 0;
}

static int add_boxes(struct work *w)
{
	const struct ft_order *o = w->order;
	u32 depth = 0;
	int code = add_box(w, FT_TREE_ROOT, 0, 0, o->totals[0]);

	while (!code) {
		struct open_box *open = &w->open[depth];
		const struct ft_box *box = &w->layout->boxes[open->box];
		u32 node;
		u64 x = open->x, total, room = box->x + box->total - x;

		if (open->next == open->end) {
			if (depth-- == 0)
				break;
			continue;
		}
		node = o->children[open->next++];
		/* Totals saturate; children of a saturated parent may not stick out. */
		total = o->totals[node] < room ? o->totals[node] : room;
		open->x += total;
		if (o->totals[node] >= w->layout->least)
			code = add_box(w, node, ++depth, x, total);
	}
	return code;
}

/* Counts the nodes of weight, and finds the deepest. */
static int look_at_all(struct ft_layout *layout, const struct ft_order *o, u32 *count)
{
	u32 *depths = ft_try_alloc(o->node_count, sizeof(*depths));

	if (!depths)
		return -ENOMEM;
	*count = 1;
	for (u32 i = 1; i < o->node_count; i++) {
		depths[i] = depths[o->nodes[i].parent] + 1;
		if (o->totals[i] == 0)
			continue;
		++*count;
		if (depths[i] > layout->deepest)
			layout->deepest = depths[i];
	}
	free(depths);
	return 0;
}

int ft_layout_init(struct ft_layout *layout, const struct ft_order *order)
{
	struct work w = {.order = order, .layout = layout};
	u32 count;
	int code;

	memset(layout, 0, sizeof(*layout));
	layout->total = order->totals[0];
	if (layout->total == 0)
		return 0;
	layout->least = layout->total / FT_LAYOUT_RESOLUTION;
	if (layout->least == 0)
		layout->least = 1;
	code = look_at_all(layout, order, &count);
	if (!code)
		code = add_boxes(&w);
	free(w.open);
	if (code)
		ft_layout_fini(layout);
	else
		layout->omitted = count - layout->count;
	return code;
}

void ft_layout_fini(struct ft_layout *layout)
{
	free(layout->boxes);
	memset(layout, 0, sizeof(*layout));
}

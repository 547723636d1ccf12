/*
 * layout.h - which frames of a profile a picture shows, and where.
 *
 * In units of weight and rows, not pixels, so that every picture can share it. Children stand side
 * by side from their parent's left edge, in the order that order.h gives; those too narrow to be
 * kept leave their room empty. What a parent has left over on its right is its own time.
 */
#ifndef FT_OUTPUT_LAYOUT_H
#define FT_OUTPUT_LAYOUT_H

#include "output/order.h"

/*
 * Frames of at least 1/FT_LAYOUT_RESOLUTION of the whole are kept (0.3 px of 1200 px): what can be
 * seen in a picture that cannot be zoomed. All others travel as columns (columns.h).
 */
#define FT_LAYOUT_RESOLUTION 4000

struct ft_box {
	u32 frame;  /* index into the profile's frames; 0 for the root */
	u32 node;   /* in the profile's tree */
	u32 parent; /* index of the parent's box; 0 for the root, too */
	u32 depth;  /* rows from the root, whose depth is 0 */
	u64 x;	    /* left edge */
	u64 total;  /* width */
};

struct ft_layout {
	struct ft_box *boxes; /* depth first: a parent is directly followed by its first child */
	u32 count;	      /* 0 when the profile has no weight; else box 0 is the root */
	u32 rows;	      /* largest depth + 1, or 0 */
	u32 deepest;	      /* depth of the deepest frame with weight, kept or not */
	u64 total;
	u64 least;   /* totals below this were not kept */
	u32 omitted; /* frames with weight that were not kept */
};

/*
 * Lays out what an order holds. 0 or -ENOMEM. Time is linear in the tree.
 */
int ft_layout_init(struct ft_layout *layout, const struct ft_order *order);
void ft_layout_fini(struct ft_layout *layout);

#endif

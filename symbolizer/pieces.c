/*
 * pieces.c - see pieces.h.
 *
 * One sweep over the ranges in the order of their starts. Those that cover the current address are
 * on a stack, the one that counts on top; its end uncovers the next.
 */
#include "symbolizer/pieces.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"

#define STACK_MAX 512 /* ranges around one address; real ones nest less than 100 deep */

struct sweep {
	const struct ft_piece *stack[STACK_MAX];
	u32 depth;
	struct ft_segment *segments;
	size_t cap;
	u32 count;
};

static int piece_compare(const void *a, const void *b)
{
	const struct ft_piece *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	if (x->depth != y->depth)
		return x->depth < y->depth ? -1 : 1;
	return x->owner < y->owner ? -1 : x->owner > y->owner;
}

static int emit(struct sweep *sweep, u64 start)
{
	u32 owner = sweep->depth ? sweep->stack[sweep->depth - 1]->owner : FT_PIECE_NONE;
	struct ft_segment *last = sweep->count ? &sweep->segments[sweep->count - 1] : NULL;

	if (last && last->start == start) {
		last->owner = owner;
		return 0;
	}
	if (last && last->owner == owner)
		return 0;
	if (FT_GROW_RAW(&sweep->segments, &sweep->cap, (size_t)sweep->count + 1))
		return -ENOMEM;
	sweep->segments[sweep->count++] = (struct ft_segment){start, owner};
	return 0;
}

/* Ends the ranges on the stack that end at or before limit. */
static int sweep_until(struct sweep *sweep, u64 limit)
{
	while (sweep->depth && sweep->stack[sweep->depth - 1]->high <= limit) {
		u64 end = sweep->stack[sweep->depth - 1]->high;

		while (sweep->depth && sweep->stack[sweep->depth - 1]->high <= end)
			sweep->depth--;
		if (emit(sweep, end))
			return -ENOMEM;
	}
	return 0;
}

static int sweep_add(struct sweep *sweep, const struct ft_piece *piece)
{
	u32 at = sweep->depth;

	if (sweep->depth == STACK_MAX)
		return 0;
	while (at && sweep->stack[at - 1]->depth >= piece->depth) {
		sweep->stack[at] = sweep->stack[at - 1];
		at--;
	}
	sweep->stack[at] = piece;
	sweep->depth++;
	return at + 1 == sweep->depth ? emit(sweep, piece->low) : 0;
}

int ft_pieces_flatten(struct ft_piece *pieces, u32 count, struct ft_segment **segments,
		      u32 *segment_count)
{
	struct sweep sweep = {.depth = 0};
	int code = 0;

	if (count)
		qsort(pieces, count, sizeof(*pieces), piece_compare);
	for (u32 i = 0; !code && i < count; i++) {
		code = sweep_until(&sweep, pieces[i].low);
		if (!code)
			code = sweep_add(&sweep, &pieces[i]);
	}
	if (!code)
		code = sweep_until(&sweep, UINT64_MAX);
	if (code) {
		free(sweep.segments);
		return code;
	}
	*segments = sweep.segments;
	*segment_count = sweep.count;
	return 0;
}

u32 ft_segments_find(const struct ft_segment *segments, u32 count, u64 addr)
{
	const struct ft_segment *base = segments;

	if (!count || addr < segments[0].start)
		return FT_PIECE_NONE;
	while (count > 1) {
		u32 half = count / 2;

		base = base[half].start <= addr ? base + half : base;
		count -= half;
	}
	return base->owner;
}

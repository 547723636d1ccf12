/*
 * pieces.h - nested ranges of addresses flattened into disjoint ones. Private to this folder.
 */
#ifndef FT_SYMBOLIZER_PIECES_H
#define FT_SYMBOLIZER_PIECES_H

#include "base/types.h"

#define FT_PIECE_NONE UINT32_MAX

/* A range [low, high) of an owner; where ranges overlap, the deeper one counts, then the first. */
struct ft_piece {
	u64 low, high;
	u32 depth;
	u32 owner;
};

/* Owner of the addresses from start up to the next segment; FT_PIECE_NONE: nobody's. */
struct ft_segment {
	u64 start;
	u32 owner;
};

/*
 * Sorts the pieces and makes segments of them, sorted by start; the last one is nobody's. The array
 * is the caller's to free. Returns 0 or -ENOMEM.
 */
int ft_pieces_flatten(struct ft_piece *pieces, u32 count, struct ft_segment **segments,
		      u32 *segment_count);

/* The owner of an address, or FT_PIECE_NONE. */
u32 ft_segments_find(const struct ft_segment *segments, u32 count, u64 addr);

#endif

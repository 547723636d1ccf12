/* columns_private.h - what the files that make columns share. Private to them. */
#ifndef FT_OUTPUT_COLUMNS_PRIVATE_H
#define FT_OUTPUT_COLUMNS_PRIVATE_H

#include "output/columns.h"

/* Bytes that grow. Once memory was refused, nothing is added any more. */
struct ft_column {
	u8 *data;
	size_t cap, len;
	bool failed;
};

void ft_column_bytes(struct ft_column *column, const void *data, size_t len);
void ft_column_number_slow(struct ft_column *column, u64 number);

/* A number in groups of seven bits, the lowest first; the high bit says that more follow. */
static inline void ft_column_number(struct ft_column *column, u64 number)
{
	if (number < 0x80 && column->len < column->cap)
		column->data[column->len++] = (u8)number;
	else
		ft_column_number_slow(column, number);
}

/*
 * Text as it will be shown (escape.h), without line feeds of its own, and one that ends it. What is
 * longer than that many bytes is cut, with an ellipsis.
 */
#define FT_COLUMN_LINE_MAX 8192
void ft_column_line(struct ft_column *column, const char *text, size_t len);

enum ft_columns_part {
	FT_PART_NAMES,	   /* of frames, each ended by a line feed */
	FT_PART_MODULES,   /* likewise */
	FT_PART_FILES,	   /* source files, likewise */
	FT_PART_FRAMES,	   /* per frame: class * 8 + shade, module */
	FT_PART_FOLLOWERS, /* per frame: how many frames it calls anywhere, and which */
	FT_PART_CALLS,	   /* per node: how many children */
	FT_PART_STEPS,	   /* per node: which of the parent frame's followers it is */
	FT_PART_LEAVES,	   /* per node without children: its weight - 1 */
	FT_PART_INNER,	   /* per node with children: its own weight */
	FT_PART_PLACES,	   /* per node, if there are any: which place of its frame */
	FT_PART_LINES,	   /* per place seen for the first time: file, line */
	FT_PART_ROUNDS,	   /* per round: microseconds it lasted, weights in it */
	FT_PART_WEIGHTS,   /* per weight of a round: nodes since the one before, weight */
	FT_PART_COUNT
};

/*
 * columns_rounds.c: writes the rounds of a profile. index: by node of the tree its place in the
 * picture's order, or 0. 0 or -ENOMEM.
 */
int ft_columns_rounds(const struct ft_rounds *rounds, const u32 *index, struct ft_column *parts);

/* Which of the frames that its caller's frame ever calls a node is. */
struct ft_followers {
	/* By place among the order's children: its frame's place, the most frequent first. */
	u32 *steps;
};

/* Finds them, and writes for every frame how many there are and which. 0 or -ENOMEM. */
int ft_followers_init(struct ft_followers *followers, const struct ft_order *order,
		      struct ft_column *column);
void ft_followers_fini(struct ft_followers *followers);

#endif

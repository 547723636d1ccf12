/* nearest.h - of many names the few that are most like one that was mistyped. */
#ifndef FT_BASE_NEAREST_H
#define FT_BASE_NEAREST_H

#include "base/types.h"

#define FT_NEAREST_MAX 5
#define FT_NEAREST_BYTES 160 /* of a name that are looked at */

struct ft_nearest {
	const char *wanted; /* borrowed */
	char names[FT_NEAREST_MAX][FT_NEAREST_BYTES];
	u32 distances[FT_NEAREST_MAX]; /* single-character edits */
	u32 count;
};

/* Zeroed but for wanted: nothing offered yet. Keeps a copy of name if it is near enough, once. */
void ft_nearest_offer(struct ft_nearest *nearest, const char *name);

/* The names kept, nearest first: "a, b, c"; "" without any. Cut to fit. */
void ft_nearest_text(const struct ft_nearest *nearest, char *text, size_t size);

#endif

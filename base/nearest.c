/* nearest.c - see nearest.h. */
#include "base/nearest.h"

#include <stdio.h>
#include <string.h>

/* Insertions, deletions and exchanges that turn a into b: Levenshtein's distance, row by row. */
static u32 distance(const char *a, const char *b)
{
	size_t a_len = strnlen(a, FT_NEAREST_BYTES - 1), b_len = strnlen(b, FT_NEAREST_BYTES - 1);
	u32 row[FT_NEAREST_BYTES];

	for (u32 j = 0; j <= b_len; j++)
		row[j] = j;
	for (u32 i = 1; i <= a_len; i++) {
		u32 diagonal = row[0];

		row[0] = i;
		for (u32 j = 1; j <= b_len; j++) {
			u32 best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b_len];
}

void ft_nearest_offer(struct ft_nearest *n, const char *name)
{
	u32 d = distance(n->wanted, name), at = n->count, last;

	for (u32 i = 0; i < n->count; i++)
		if (!strncmp(n->names[i], name, FT_NEAREST_BYTES - 1))
			return;
	while (at > 0 && d < n->distances[at - 1])
		at--;
	if (at == FT_NEAREST_MAX)
		return;
	if (n->count < FT_NEAREST_MAX)
		n->count++;
	last = n->count - 1;
	memmove(&n->names[at + 1], &n->names[at], (last - at) * sizeof(n->names[0]));
	memmove(&n->distances[at + 1], &n->distances[at], (last - at) * sizeof(n->distances[0]));
	n->distances[at] = d;
	snprintf(n->names[at], sizeof(n->names[at]), "%s", name);
}

void ft_nearest_text(const struct ft_nearest *n, char *text, size_t size)
{
	size_t len = 0;

	if (size)
		text[0] = '\0';
	for (u32 i = 0; i < n->count && len < size; i++)
		len += (size_t)snprintf(text + len, size - len, "%s%s", len ? ", " : "",
					n->names[i]);
}

/*
 * map64.h - a map from 64-bit numbers to 64-bit numbers, for keys that are only ever added. Open
 * addressing, at most half full.
 */
#ifndef FT_BASE_MAP64_H
#define FT_BASE_MAP64_H

#include "base/types.h"

struct ft_map64_entry {
	u64 key; /* 0: free */
	u64 value;
};

/* Zeroed: empty. */
struct ft_map64 {
	struct ft_map64_entry *entries;
	u32 slots, count;
};

/*
 * The value of key, which must not be 0; a new key's is 0. Valid until the next call. NULL when
 * memory is exhausted.
 */
u64 *ft_map64_at(struct ft_map64 *map, u64 key);

/* The value of key, or NULL when it is not there. Valid until the next ft_map64_at. */
u64 *ft_map64_find(const struct ft_map64 *map, u64 key);

void ft_map64_fini(struct ft_map64 *map);

#endif

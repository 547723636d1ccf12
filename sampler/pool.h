/*
 * pool.h - the memory that unwind tables and mappings share with the BPF programs: who has which
 * part of it.
 *
 * A place is a word number; 0 is never given out. Layout: wire.h.
 */
#ifndef FT_SAMPLER_POOL_H
#define FT_SAMPLER_POOL_H

#include "sampler/wire.h"

struct ft_pool_extent {
	u32 place, words;
};

/*
 * Makes a map of FT_WIRE_POOL_PART_CHUNKS zeroed chunks and tells the programs that it is part
 * number part. A descriptor to map it by, the caller's, or a negative errno.
 */
typedef int ft_pool_grow(void *context, u32 part);

struct ft_pool {
	/* Mapped: the first base_count chunks, then FT_WIRE_POOL_PART_CHUNKS each. */
	struct ft_wire_pool_chunk *parts[1 + FT_WIRE_POOL_PARTS];
	u32 part_count, base_count;
	ft_pool_grow *grow; /* NULL: the pool stays as it is */
	void *context;
	struct ft_pool_extent *free; /* sorted by place, never touching each other */
	size_t free_count, free_cap;
	u32 used_words;
};

/*
 * Maps the pool's map of chunk_count chunks. grow (may be NULL) gives more when they are full. 0 or
 * a negative errno.
 */
int ft_pool_open(struct ft_pool *pool, int map_fd, u32 chunk_count, ft_pool_grow *grow,
		 void *context);
void ft_pool_close(struct ft_pool *pool);

/* How many words it has, or could have after growing. */
u64 ft_pool_capacity(const struct ft_pool *pool);

/*
 * Reserves words at a multiple of 8; together: all in one chunk. The place, or 0 when there is no
 * room and the pool cannot grow (or there is no memory to remember it). Growing takes some
 * milliseconds: the kernel waits until all programs have seen the map.
 */
u32 ft_pool_alloc(struct ft_pool *pool, u32 words, bool together);

/* Gives them back. The programs must not use them any more. */
void ft_pool_free(struct ft_pool *pool, u32 place, u32 words);

/* Writes words to a place, with their mirror image where they begin a chunk. */
void ft_pool_write(struct ft_pool *pool, u32 place, const void *words, u32 count);

/* Reading: one word, half a word (half: its number), and the address of a place. */
u32 ft_pool_word(const struct ft_pool *pool, u32 place);
u16 ft_pool_half(const struct ft_pool *pool, u32 half);
const void *ft_pool_at(const struct ft_pool *pool, u32 place);

#endif

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

struct ft_pool {
	struct ft_wire_pool_chunk *chunks; /* mapped */
	u32 chunk_count;
	struct ft_pool_extent *free; /* sorted by place, never touching each other */
	size_t free_count, free_cap;
	u32 used_words;
};

/* Maps the pool's map. 0 or a negative errno. */
int ft_pool_open(struct ft_pool *pool, int map_fd, u32 chunk_count);
void ft_pool_close(struct ft_pool *pool);

/*
 * Reserves words; together: all in one chunk, at a multiple of 8. The place, or 0 when there is no
 * room (or no memory to remember it).
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

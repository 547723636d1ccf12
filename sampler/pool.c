/* pool.c - see pool.h. */
#include "sampler/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"

#define CHUNK FT_WIRE_POOL_CHUNK_WORDS
#define ALIGN_WORDS 8

int ft_pool_open(struct ft_pool *pool, int map_fd, u32 chunk_count)
{
	size_t bytes = (size_t)chunk_count * sizeof(*pool->chunks);
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	*pool = (struct ft_pool){.chunks = map, .chunk_count = chunk_count};
	/*
	 * Place 0 stays unused: the row before a table's first one must exist, and 0 means "none".
	 */
	ft_pool_free(pool, ALIGN_WORDS, chunk_count * CHUNK - ALIGN_WORDS);
	pool->used_words = 0;
	return 0;
}

void ft_pool_close(struct ft_pool *pool)
{
	if (pool->chunks)
		munmap(pool->chunks, (size_t)pool->chunk_count * sizeof(*pool->chunks));
	free(pool->free);
	memset(pool, 0, sizeof(*pool));
}

/* Where in an extent the words would begin; 0 if they do not fit. */
static u32 fit(const struct ft_pool_extent *e, u32 words, bool together)
{
	u32 at = (e->place + ALIGN_WORDS - 1) & ~(u32)(ALIGN_WORDS - 1);

	if (together && words > CHUNK)
		return 0;
	if (together && at / CHUNK != (at + words - 1) / CHUNK)
		at = (at / CHUNK + 1) * CHUNK;
	return (u64)at + words <= (u64)e->place + e->words ? at : 0;
}

u32 ft_pool_alloc(struct ft_pool *pool, u32 words, bool together)
{
	if (!words || FT_GROW(&pool->free, &pool->free_cap, pool->free_count + 1))
		return 0;
	for (size_t i = 0; i < pool->free_count; i++) {
		struct ft_pool_extent *e = &pool->free[i], whole = *e;
		u32 at = fit(e, words, together);
		u32 after = at + words, rest = whole.place + whole.words - after;

		if (!at)
			continue;
		memmove(e + 1, e, (pool->free_count - i) * sizeof(*e));
		e[0] = (struct ft_pool_extent){whole.place, at - whole.place};
		e[1] = (struct ft_pool_extent){after, rest};
		pool->free_count++;
		if (!e[1].words) {
			memmove(e + 1, e + 2, (pool->free_count - i - 2) * sizeof(*e));
			pool->free_count--;
		}
		if (!e[0].words) {
			memmove(e, e + 1, (pool->free_count - i - 1) * sizeof(*e));
			pool->free_count--;
		}
		pool->used_words += words;
		return at;
	}
	return 0;
}

void ft_pool_free(struct ft_pool *pool, u32 place, u32 words)
{
	size_t i = 0;
	struct ft_pool_extent *e;

	if (!place || !words || FT_GROW(&pool->free, &pool->free_cap, pool->free_count + 1))
		return; /* without memory to remember it the part is lost, and nothing worse */
	while (i < pool->free_count && pool->free[i].place < place)
		i++;
	e = &pool->free[i];
	memmove(e + 1, e, (pool->free_count - i) * sizeof(*e));
	*e = (struct ft_pool_extent){place, words};
	pool->free_count++;
	pool->used_words -= words;
	if (i + 1 < pool->free_count && e->place + e->words == e[1].place) {
		e->words += e[1].words;
		memmove(e + 1, e + 2, (pool->free_count - i - 2) * sizeof(*e));
		pool->free_count--;
	}
	if (i && e[-1].place + e[-1].words == e->place) {
		e[-1].words += e->words;
		memmove(e, e + 1, (pool->free_count - i - 1) * sizeof(*e));
		pool->free_count--;
	}
}

void ft_pool_write(struct ft_pool *pool, u32 place, const void *words, u32 count)
{
	const u32 *from = words;

	while (count) {
		u32 chunk = place / CHUNK, at = place % CHUNK;
		u32 part = count < CHUNK - at ? count : CHUNK - at;

		memcpy(&pool->chunks[chunk].words[at], from, (size_t)part * 4);
		if (chunk && at < FT_WIRE_POOL_MIRROR_WORDS) {
			u32 mirrored = part < FT_WIRE_POOL_MIRROR_WORDS - at
					       ? part
					       : FT_WIRE_POOL_MIRROR_WORDS - at;

			memcpy(&pool->chunks[chunk - 1].words[CHUNK + at], from,
			       (size_t)mirrored * 4);
		}
		place += part;
		from += part;
		count -= part;
	}
}

const void *ft_pool_at(const struct ft_pool *pool, u32 place)
{
	return &pool->chunks[place / CHUNK].words[place % CHUNK];
}

u16 ft_pool_half(const struct ft_pool *pool, u32 half)
{
	return ((const u16 *)ft_pool_at(pool, half / 2))[half & 1];
}

u32 ft_pool_word(const struct ft_pool *pool, u32 place)
{
	return pool->chunks[place / CHUNK].words[place % CHUNK];
}

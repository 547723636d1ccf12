/* pool.c - see pool.h. */
#include "sampler/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"

#define CHUNK FT_WIRE_POOL_CHUNK_WORDS
#define ALIGN_WORDS 8

static u32 part_chunks(const struct ft_pool *pool, u32 part)
{
	return part ? FT_WIRE_POOL_PART_CHUNKS : pool->base_count;
}

/* How many chunks that many parts have. */
static u32 chunks_of(const struct ft_pool *pool, u32 parts)
{
	return parts ? pool->base_count + (parts - 1) * FT_WIRE_POOL_PART_CHUNKS : 0;
}

static struct ft_wire_pool_chunk *chunk_at(const struct ft_pool *pool, u32 number)
{
	if (number < pool->base_count)
		return pool->parts[0] + number;
	number -= pool->base_count;
	return pool->parts[1 + number / FT_WIRE_POOL_PART_CHUNKS] +
	       number % FT_WIRE_POOL_PART_CHUNKS;
}

/* Maps the chunks of the next part. */
static int add_part(struct ft_pool *pool, int map_fd)
{
	size_t bytes = part_chunks(pool, pool->part_count) * sizeof(struct ft_wire_pool_chunk);
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	pool->parts[pool->part_count++] = map;
	return 0;
}

int ft_pool_open(struct ft_pool *pool, int map_fd, u32 chunk_count, ft_pool_grow *grow,
		 void *context)
{
	int code;

	*pool = (struct ft_pool){.base_count = chunk_count, .grow = grow, .context = context};
	code = add_part(pool, map_fd);
	if (code)
		return code;
	/*
	 * Place 0 stays unused: the row before a table's first one must exist, and 0 means "none".
	 */
	ft_pool_free(pool, ALIGN_WORDS, chunk_count * CHUNK - ALIGN_WORDS);
	pool->used_words = 0;
	return 0;
}

void ft_pool_close(struct ft_pool *pool)
{
	for (u32 i = 0; i < pool->part_count; i++)
		munmap(pool->parts[i], part_chunks(pool, i) * sizeof(struct ft_wire_pool_chunk));
	free(pool->free);
	memset(pool, 0, sizeof(*pool));
}

u64 ft_pool_capacity(const struct ft_pool *pool)
{
	u32 parts = pool->grow ? FT_ARRAY_LEN(pool->parts) : pool->part_count;

	return (u64)chunks_of(pool, parts) * CHUNK;
}

static bool grow(struct ft_pool *pool)
{
	u32 begin = chunks_of(pool, pool->part_count);
	int fd, code;

	if (!pool->grow || pool->part_count == FT_ARRAY_LEN(pool->parts))
		return false;
	fd = pool->grow(pool->context, pool->part_count - 1);
	code = fd < 0 ? fd : add_part(pool, fd);
	if (fd >= 0)
		close(fd);
	if (code) {
		pool->grow = NULL;
		return false;
	}
	pool->used_words += FT_WIRE_POOL_PART_CHUNKS * CHUNK; /* until they are given back: */
	ft_pool_free(pool, begin * CHUNK, FT_WIRE_POOL_PART_CHUNKS * CHUNK);
	return true;
}

/* Where in an extent the words would begin; 0 if they do not fit. */
static u32 fit(const struct ft_pool_extent *e, u32 words, bool together)
{
	u32 at = (e->place + ALIGN_WORDS - 1) & ~(u32)(ALIGN_WORDS - 1);

	if (together && at / CHUNK != (at + words - 1) / CHUNK)
		at = (at / CHUNK + 1) * CHUNK;
	return (u64)at + words <= (u64)e->place + e->words ? at : 0;
}

/* Reserves words in what there is. */
static u32 take(struct ft_pool *pool, u32 words, bool together)
{
	if (FT_GROW(&pool->free, &pool->free_cap, pool->free_count + 1))
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

u32 ft_pool_alloc(struct ft_pool *pool, u32 words, bool together)
{
	u32 place = 0;

	if (!words || words > ft_pool_capacity(pool) || (together && words > CHUNK))
		return 0;
	do {
		place = take(pool, words, together);
	} while (!place && grow(pool));
	return place;
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

		memcpy(&chunk_at(pool, chunk)->words[at], from, (size_t)part * 4);
		if (chunk && at < FT_WIRE_POOL_MIRROR_WORDS) {
			u32 mirrored = part < FT_WIRE_POOL_MIRROR_WORDS - at
					       ? part
					       : FT_WIRE_POOL_MIRROR_WORDS - at;

			memcpy(&chunk_at(pool, chunk - 1)->words[CHUNK + at], from,
			       (size_t)mirrored * 4);
		}
		place += part;
		from += part;
		count -= part;
	}
}

const void *ft_pool_at(const struct ft_pool *pool, u32 place)
{
	return &chunk_at(pool, place / CHUNK)->words[place % CHUNK];
}

u16 ft_pool_half(const struct ft_pool *pool, u32 half)
{
	return ((const u16 *)ft_pool_at(pool, half / 2))[half & 1];
}

u32 ft_pool_word(const struct ft_pool *pool, u32 place)
{
	return chunk_at(pool, place / CHUNK)->words[place % CHUNK];
}

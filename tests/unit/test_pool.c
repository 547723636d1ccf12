/*
 * test_pool.c - the memory shared with the BPF programs: random histories of the allocator against
 * a map of every word, and what is written near the ends of chunks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sampler/pool.h"

#define UNUSED __attribute__((unused))
#define CHUNK FT_WIRE_POOL_CHUNK_WORDS
#define CHUNKS 4u
#define WORDS (CHUNKS * CHUNK)

static void pool_make(struct ft_pool *pool)
{
	int fd = memfd_create("pool", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)(CHUNKS * sizeof(struct ft_wire_pool_chunk))), 0);
	assert_int_equal(ft_pool_open(pool, fd, CHUNKS, NULL, NULL), 0);
	close(fd);
}

struct part {
	u32 place, words;
};

/* The free list is sorted, its extents do not touch, and it is the complement of what is taken. */
static void assert_consistent(const struct ft_pool *pool, const u8 *taken)
{
	u32 at = 8, used = 0;

	for (size_t i = 0; i < pool->free_count; i++) {
		const struct ft_pool_extent *e = &pool->free[i];

		assert_true(e->words > 0);
		assert_true(i == 0 || e->place > at);
		for (; at < e->place; at++, used++)
			assert_true(taken[at]);
		for (; at < e->place + e->words; at++)
			assert_false(taken[at]);
	}
	for (; at < WORDS; at++, used++)
		assert_true(taken[at]);
	assert_int_equal(pool->used_words, used);
}

static void take(const struct ft_pool *pool, u8 *taken, struct part p, bool together)
{
	assert_true(p.place >= 8 && p.place % 8 == 0 && p.place + p.words <= WORDS);
	if (together)
		assert_int_equal(p.place / CHUNK, (p.place + p.words - 1) / CHUNK);
	for (u32 i = p.place; i < p.place + p.words; i++) {
		assert_false(taken[i]);
		taken[i] = 1;
	}
	assert_true(pool->used_words >= p.words);
}

static void test_random_histories(void **state UNUSED)
{
	u8 *taken = calloc(WORDS, 1);
	struct part parts[200];
	struct ft_pool pool;
	u32 count = 0, refused = 0, sizes[] = {1, 7, 8, 900, 30000, CHUNK / 3, CHUNK - 8, CHUNK};

	srandom(7);
	pool_make(&pool);
	for (u32 step = 0; step < 4000; step++) {
		bool together = random() & 1;

		if (count < FT_ARRAY_LEN(parts) && random() % 5 < 3) {
			u32 words = 1 + (u32)random() % sizes[(u32)random() % FT_ARRAY_LEN(sizes)];
			struct part p = {ft_pool_alloc(&pool, words, together), words};

			refused += p.place == 0;
			if (!p.place)
				continue;
			take(&pool, taken, p, together);
			parts[count++] = p;
		} else if (count) {
			u32 i = (u32)random() % count;

			ft_pool_free(&pool, parts[i].place, parts[i].words);
			memset(taken + parts[i].place, 0, parts[i].words);
			parts[i] = parts[--count];
		}
		if (step % 50 == 0)
			assert_consistent(&pool, taken);
	}
	assert_true(refused > 0 && refused < 2000);
	while (count--) {
		ft_pool_free(&pool, parts[count].place, parts[count].words);
		memset(taken + parts[count].place, 0, parts[count].words);
	}
	assert_consistent(&pool, taken);
	assert_int_equal(pool.free_count, 1);
	assert_int_equal(pool.used_words, 0);
	ft_pool_close(&pool);
	free(taken);
}

static void test_edges(void **state UNUSED)
{
	struct ft_pool pool;

	pool_make(&pool);
	assert_int_equal(ft_pool_alloc(&pool, 0, false), 0);
	assert_int_equal(ft_pool_alloc(&pool, CHUNK + 1, true), 0);
	assert_int_equal(ft_pool_alloc(&pool, WORDS, false), 0);
	assert_int_equal(ft_pool_alloc(&pool, UINT32_MAX, false), 0);
	assert_int_equal(ft_pool_alloc(&pool, UINT32_MAX, true), 0);
	assert_int_equal(pool.used_words, 0);
	/* The first chunk lacks place 0: a whole one is the second. */
	assert_int_equal(ft_pool_alloc(&pool, CHUNK, true), CHUNK);
	assert_int_equal(ft_pool_alloc(&pool, CHUNK - 8, true), 8);
	ft_pool_free(&pool, 0, 5);
	ft_pool_free(&pool, 8, 0);
	assert_int_equal(pool.used_words, 2 * CHUNK - 8);
	ft_pool_close(&pool);
}

/* Every word reads back, also in pieces that cross chunks, and the mirror is what it mirrors. */
static void test_mirror(void **state UNUSED)
{
	u32 *model = calloc(WORDS, sizeof(u32)), *words = calloc(CHUNK * 2, sizeof(u32));
	struct ft_pool pool;

	srandom(8);
	pool_make(&pool);
	for (u32 step = 0; step < 300; step++) {
		u32 edge = (1 + (u32)random() % (CHUNKS - 1)) * CHUNK;
		u32 count = 1 + (u32)random() % (step % 10 ? 700 : CHUNK + 700);
		u32 place = edge - 350 + (u32)random() % 700;

		if (place + count > WORDS)
			count = WORDS - place;
		for (u32 i = 0; i < count; i++)
			model[place + i] = words[i] = (u32)random();
		ft_pool_write(&pool, place, words, count);
		for (u32 c = 1; c < CHUNKS; c++)
			assert_memory_equal(&pool.parts[0][c - 1].words[CHUNK], model + c * CHUNK,
					    FT_WIRE_POOL_MIRROR_WORDS * sizeof(u32));
	}
	for (u32 i = 0; i < WORDS; i++)
		assert_true(ft_pool_word(&pool, i) == model[i]);
	for (u32 i = CHUNK - 3; i < CHUNK + 3; i++) {
		assert_int_equal(ft_pool_half(&pool, 2 * i), model[i] & 0xffff);
		assert_int_equal(ft_pool_half(&pool, 2 * i + 1), model[i] >> 16);
		assert_memory_equal(ft_pool_at(&pool, i), model + i, sizeof(u32));
	}
	ft_pool_close(&pool);
	free(model);
	free(words);
}

struct growth {
	u32 parts, limit;
};

static int grow_memory(void *context, u32 part)
{
	struct growth *g = context;
	int fd;

	assert_int_equal(part, g->parts);
	if (g->parts == g->limit)
		return -ENOMEM;
	g->parts++;
	fd = memfd_create("part", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)(FT_WIRE_POOL_PART_CHUNKS *
					       sizeof(struct ft_wire_pool_chunk))),
			 0);
	return fd;
}

/* A full pool gets more chunks, which go on where it ended, until there are no more. */
static void test_growth(void **state UNUSED)
{
	struct growth g = {.limit = 2};
	u32 part = FT_WIRE_POOL_PART_CHUNKS * CHUNK, words[CHUNK / 2], place, first;
	int fd = memfd_create("pool", MFD_CLOEXEC);
	struct ft_pool pool;

	assert_int_equal(ftruncate(fd, sizeof(struct ft_wire_pool_chunk)), 0);
	assert_int_equal(ft_pool_open(&pool, fd, 1, grow_memory, &g), 0);
	close(fd);
	assert_int_equal(ft_pool_capacity(&pool), CHUNK + (u64)FT_WIRE_POOL_PARTS * part);
	first = ft_pool_alloc(&pool, CHUNK / 2, false);
	assert_int_equal(first, 8);
	assert_int_equal(g.parts, 0);
	/* What does not fit any more begins in the old part and ends in the new one. */
	place = ft_pool_alloc(&pool, CHUNK / 2, false);
	assert_int_equal(place, 8 + CHUNK / 2);
	assert_int_equal(g.parts, 1);
	for (u32 i = 0; i < CHUNK / 2; i++)
		words[i] = i * 7 + 1;
	ft_pool_write(&pool, place, words, CHUNK / 2);
	for (u32 i = 0; i < CHUNK / 2; i++)
		assert_int_equal(ft_pool_word(&pool, place + i), i * 7 + 1);
	assert_memory_equal(&pool.parts[0]->words[CHUNK], pool.parts[1]->words, 8 * sizeof(u32));
	assert_int_equal(pool.used_words, CHUNK);
	/* Larger than one part; then more than there is, which is said, and not asked for again. */
	assert_int_not_equal(ft_pool_alloc(&pool, part + CHUNK, false), 0);
	assert_int_equal(g.parts, 2);
	assert_int_equal(ft_pool_alloc(&pool, part, false), 0);
	assert_null(pool.grow);
	assert_int_equal(ft_pool_capacity(&pool), CHUNK + 2 * (u64)part);
	assert_int_not_equal(ft_pool_alloc(&pool, CHUNK, true), 0);
	assert_int_equal(pool.used_words, 3 * CHUNK + part);
	ft_pool_close(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_histories),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_mirror),
		cmocka_unit_test(test_growth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

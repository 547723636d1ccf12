/* test_arena.c - memory that dies together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/arena.h"

#define UNUSED __attribute__((unused))

/* Pieces are zeroed, aligned, and do not overlap; some are larger than a block. */
static void test_pieces(void **state UNUSED)
{
	struct ft_arena *arena = ft_arena_new(64 << 20);
	u8 *pieces[300];

	for (u32 i = 0; i < 300; i++) {
		size_t bytes = i % 50 == 49 ? 100000 : i * 7 + 1;

		pieces[i] = ft_arena_alloc(arena, bytes, 1);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % 16, 0);
		for (size_t at = 0; at < bytes; at++)
			assert_int_equal(pieces[i][at], 0);
		memset(pieces[i], (int)(i % 251) + 1, bytes);
	}
	for (u32 i = 0; i < 300; i++) {
		size_t bytes = i % 50 == 49 ? 100000 : i * 7 + 1;

		for (size_t at = 0; at < bytes; at++)
			assert_int_equal(pieces[i][at], i % 251 + 1);
	}
	assert_false(ft_arena_failed(arena));
	ft_arena_free(arena);
	ft_arena_free(NULL);
}

static void test_limit(void **state UNUSED)
{
	struct ft_arena *arena = ft_arena_new(1000);

	assert_non_null(ft_arena_alloc(arena, 100, 1));
	assert_false(ft_arena_failed(arena));
	assert_null(ft_arena_alloc(arena, 1000, 1));
	assert_true(ft_arena_failed(arena));
	assert_non_null(ft_arena_alloc(arena, 100, 1)); /* what fits is still given */
	assert_null(ft_arena_alloc(arena, SIZE_MAX / 2, 4));
	assert_null(ft_arena_alloc(arena, SIZE_MAX, 1));
	ft_arena_free(arena);
}

static void test_text(void **state UNUSED)
{
	struct ft_arena *arena = ft_arena_new(1 << 20);

	assert_string_equal(ft_arena_copy(arena, "flame", 3), "fla");
	assert_string_equal(ft_arena_copy(arena, NULL, 0), "");
	assert_string_equal(ft_arena_printf(arena, "%s-%d", "a", 7), "a-7");
	ft_arena_free(arena);
}

static void test_push(void **state UNUSED)
{
	struct ft_arena *arena = ft_arena_new(1 << 20);
	u32 *numbers = NULL, count = 0;

	for (u32 i = 0; i < 1000; i++) {
		u32 *slot = FT_ARENA_PUSH(arena, &numbers, &count);

		assert_int_equal(*slot, 0);
		*slot = i;
	}
	assert_int_equal(count, 1000);
	for (u32 i = 0; i < 1000; i++)
		assert_int_equal(numbers[i], i);
	ft_arena_free(arena);
	arena = ft_arena_new(8);
	count = 0;
	assert_null(FT_ARENA_PUSH(arena, &numbers, &count));
	assert_int_equal(count, 0);
	ft_arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_push),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

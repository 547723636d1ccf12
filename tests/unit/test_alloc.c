/* test_alloc.c - memory from the heap, large blocks of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Every byte is there, blocks do not touch each other, and realloc takes them. */
static void test_large(void **state)
{
	static const size_t sizes[] = {0,	  1,	   100,		  (512 << 10) - 1,
				       512 << 10, 2 << 20, (2 << 20) + 1, 5 << 20};
	u8 *blocks[FT_ARRAY_LEN(sizes)];

	(void)state;
	for (size_t i = 0; i < FT_ARRAY_LEN(sizes); i++) {
		blocks[i] = ft_try_alloc_large(sizes[i]);
		assert_non_null(blocks[i]);
		memset(blocks[i], (int)i + 1, sizes[i]);
	}
	for (size_t i = 0; i < FT_ARRAY_LEN(sizes); i++) {
		u8 *grown;

		for (size_t at = 0; at < sizes[i]; at++)
			assert_true(blocks[i][at] == i + 1);
		grown = realloc(blocks[i], sizes[i] + (1 << 20));
		assert_non_null(grown);
		for (size_t at = 0; at < sizes[i]; at++)
			assert_true(grown[at] == i + 1);
		memset(grown + sizes[i], 0, 1 << 20);
		free(grown);
	}
}

static void test_absurd(void **state)
{
	volatile size_t most = SIZE_MAX;

	(void)state;
	assert_null(ft_try_alloc_large(most));
	assert_null(ft_try_alloc_large(most / 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_absurd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

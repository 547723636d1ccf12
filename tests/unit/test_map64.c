/* test_map64.c - the map from numbers to numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/map64.h"

#define UNUSED __attribute__((unused))
#define KEYS 5000

static u64 key_of(u64 i)
{
	return i % 2 ? i << 32 | 1 : i + 7;
}

static void test_many(void **state UNUSED)
{
	struct ft_map64 map = {0};

	assert_null(ft_map64_find(&map, 1));
	for (u64 i = 0; i < KEYS; i++) {
		u64 *value = ft_map64_at(&map, key_of(i));

		assert_non_null(value);
		assert_int_equal(*value, 0);
		*value = i;
	}
	assert_int_equal(map.count, KEYS);
	for (u64 i = 0; i < KEYS; i++) {
		assert_int_equal(*ft_map64_find(&map, key_of(i)), i);
		assert_int_equal(*ft_map64_at(&map, key_of(i)), i);
	}
	assert_int_equal(map.count, KEYS);
	assert_null(ft_map64_find(&map, 3));
	ft_map64_fini(&map);
	assert_null(ft_map64_find(&map, key_of(1)));
	ft_map64_fini(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_many)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

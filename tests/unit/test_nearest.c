/* test_nearest.c - the names that are most like a mistyped one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/nearest.h"

#define UNUSED __attribute__((unused))

static void assert_nearest(const char *wanted, const char *const *names, u32 count,
			   const char *text)
{
	struct ft_nearest n = {.wanted = wanted};
	char got[900];

	for (u32 i = 0; i < count; i++)
		ft_nearest_offer(&n, names[i]);
	ft_nearest_text(&n, got, sizeof(got));
	assert_string_equal(got, text);
}

static void test_order(void **state UNUSED)
{
	static const char *const names[] = {
		"gc__done", "function__entry", "line",	  "gc__start", "import__find",
		"audit",    "gc__strt",	       "gc__sta", "gc__start", "g",
	};

	assert_nearest("gc__strat", names, 10, "gc__strt, gc__start, gc__sta, gc__done, audit");
	assert_nearest("line", names, 3, "line, gc__done, function__entry");
	assert_nearest("x", names, 0, "");
}

static void test_long(void **state UNUSED)
{
	char name[2 * FT_NEAREST_BYTES], text[20];
	struct ft_nearest n = {.wanted = name};

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ft_nearest_offer(&n, name);
	assert_int_equal(n.count, 1);
	assert_int_equal(n.distances[0], 0);
	ft_nearest_text(&n, text, sizeof(text));
	assert_int_equal(strlen(text), sizeof(text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

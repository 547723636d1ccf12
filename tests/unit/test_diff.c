/* test_diff.c - how many deviations chance reaches among many differences. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "profile/diff.h"

/* Against tables of the normal distribution: two-sided quantiles of 0.05 / count. */
static void test_deviations(void **state)
{
	static const struct {
		u32 count;
		double deviations;
	} table[] = {{0, 1.95996}, {1, 1.95996}, {5, 2.57583}, {50, 3.29053}, {500, 3.89059}};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		assert_true(fabs(ft_diff_deviations(table[i].count) - table[i].deviations) < 1e-4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_deviations)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

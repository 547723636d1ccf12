/* test_origins.c - equal owners are added up; of a node's addresses the first is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "profile/origins.h"

static void test_owners(void **state)
{
	struct ft_origins origins = {0};

	(void)state;
	assert_int_equal(ft_origins_owner(&origins, 7, 30, 2), 0);
	assert_int_equal(ft_origins_owner(&origins, 7, 20, 1), 0);
	assert_int_equal(ft_origins_owner(&origins, 3, 30, UINT64_MAX), 0);
	assert_int_equal(ft_origins_owner(&origins, 7, 30, 3), 0);
	assert_int_equal(ft_origins_owner(&origins, 3, 30, 5), 0); /* saturates */
	assert_int_equal(ft_origins_owner(&origins, 7, 0, 5), 0);  /* nobody's */
	assert_int_equal(ft_origins_owner(&origins, 7, 40, 0), 0); /* nothing */
	ft_origins_finish(&origins);
	assert_int_equal(origins.count, 3);
	assert_int_equal(origins.owners[0].node, 3);
	assert_true(origins.owners[0].weight == UINT64_MAX);
	assert_int_equal(origins.owners[1].pid, 20);
	assert_int_equal(origins.owners[1].weight, 1);
	assert_int_equal(origins.owners[2].pid, 30);
	assert_int_equal(origins.owners[2].weight, 5);
	ft_origins_fini(&origins);
	assert_int_equal(origins.count, 0);
}

static void test_addresses(void **state)
{
	struct ft_origins origins = {0};

	(void)state;
	assert_int_equal(ft_origins_find(&origins, 0), 0);
	assert_int_equal(ft_origins_address(&origins, 1000, 0), 0);
	assert_null(origins.addresses);
	assert_int_equal(ft_origins_address(&origins, 1000, 0x40), 0);
	assert_int_equal(ft_origins_address(&origins, 1000, 0x50), 0);
	assert_int_equal(ft_origins_address(&origins, 2, 0x60), 0);
	assert_int_equal(ft_origins_find(&origins, 1000), 0x40);
	assert_int_equal(ft_origins_find(&origins, 2), 0x60);
	assert_int_equal(ft_origins_find(&origins, 3), 0);
	assert_int_equal(ft_origins_find(&origins, UINT32_MAX), 0);
	ft_origins_fini(&origins);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_places.c - of each node the heaviest place is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "profile/places.h"

static void test_heaviest(void **state)
{
	struct ft_places places = {0};
	const struct ft_place *place;

	(void)state;
	assert_int_equal(ft_places_add(&places, 5, 1, 10, 3), 0);
	assert_int_equal(ft_places_add(&places, 2, 1, 7, 1), 0);
	assert_int_equal(ft_places_add(&places, 5, 1, 11, 4), 0);
	assert_int_equal(ft_places_add(&places, 5, 1, 10, 2), 0); /* together 5 */
	assert_int_equal(ft_places_add(&places, 9, 2, 3, UINT64_MAX), 0);
	assert_int_equal(ft_places_add(&places, 9, 2, 3, UINT64_MAX), 0); /* saturates */
	assert_int_equal(ft_places_add(&places, 9, 2, 2, 1), 0);
	ft_places_finish(&places);
	assert_int_equal(places.count, 3);
	place = ft_places_find(&places, 5);
	assert_int_equal(place->line, 10);
	assert_int_equal(place->weight, 5);
	assert_int_equal(ft_places_find(&places, 2)->line, 7);
	assert_int_equal(ft_places_find(&places, 9)->line, 3);
	assert_null(ft_places_find(&places, 3));
	ft_places_fini(&places);
}

static void test_nothing_known(void **state)
{
	struct ft_places places = {0};

	(void)state;
	assert_int_equal(ft_places_add(&places, 1, 0, 10, 3), 0);
	assert_int_equal(ft_places_add(&places, 1, 4, 0, 3), 0);
	ft_places_finish(&places);
	assert_null(ft_places_find(&places, 1));
	ft_places_fini(&places);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heaviest),
		cmocka_unit_test(test_nothing_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

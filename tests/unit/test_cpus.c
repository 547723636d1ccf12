/* test_cpus.c - lists of CPUs as sysfs writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/types.h"
#include "sampler/cpus.h"

#define UNUSED __attribute__((unused))

static void assert_cpus(const char *text, const u32 *want, int count)
{
	u32 *cpus = NULL;

	assert_int_equal(ft_cpus_parse(text, &cpus), count);
	for (int i = 0; i < count; i++)
		assert_int_equal(cpus[i], want[i]);
	free(cpus);
}

static void assert_invalid(const char *text)
{
	u32 untouched, *cpus = &untouched;
	int code = ft_cpus_parse(text, &cpus);

	if (code != -EINVAL)
		fail_msg("'%s' gave %d", text, code);
	assert_ptr_equal(cpus, &untouched);
}

static void test_lists(void **state UNUSED)
{
	assert_cpus("0\n", (const u32[]){0}, 1);
	assert_cpus("7", (const u32[]){7}, 1);
	assert_cpus("0-3\n", (const u32[]){0, 1, 2, 3}, 4);
	assert_cpus("0-3,8\n", (const u32[]){0, 1, 2, 3, 8}, 5);
	assert_cpus("1,3-4,6-6,9-10", (const u32[]){1, 3, 4, 6, 9, 10}, 6);
	assert_cpus("65535", (const u32[]){65535}, 1);
}

static void test_many(void **state UNUSED)
{
	u32 *cpus;

	assert_int_equal(ft_cpus_parse("0-1023,2048-65535\n", &cpus), 1024 + 65536 - 2048);
	assert_int_equal(cpus[1023], 1023);
	assert_int_equal(cpus[1024], 2048);
	assert_int_equal(cpus[1024 + 65536 - 2048 - 1], 65535);
	free(cpus);
}

static void test_damaged(void **state UNUSED)
{
	static const char *const texts[] = {
		"",	"\n", ",",    "x",   "0-", "-",	   "-3", "0--3", "0-3-5", "0,",
		"0,\n", ",0", "0,,1", "0 1", " 0", "0-3x", "+1", "0x10", "1-\n2",
	};

	for (size_t i = 0; i < FT_ARRAY_LEN(texts); i++)
		assert_invalid(texts[i]);
}

static void test_out_of_order(void **state UNUSED)
{
	assert_invalid("3-0");
	assert_invalid("5,3");
	assert_invalid("0-3,3");
	assert_invalid("0-3,2-8");
	assert_invalid("4,4");
}

static void test_huge(void **state UNUSED)
{
	assert_invalid("65536");
	assert_invalid("0-65536");
	assert_invalid("4294967296");
	assert_invalid("0-4294967295");
	assert_invalid("0-18446744073709551615");
	assert_invalid("99999999999999999999999999");
	assert_invalid("0-99999999999999999999999999");
}

static void test_this_machine(void **state UNUSED)
{
	u32 *cpus;
	int count = ft_cpus_online(&cpus);

	assert_int_equal(count, sysconf(_SC_NPROCESSORS_ONLN));
	for (int i = 1; i < count; i++)
		assert_true(cpus[i] > cpus[i - 1]);
	free(cpus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),	cmocka_unit_test(test_many),
		cmocka_unit_test(test_damaged), cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_huge),	cmocka_unit_test(test_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_raw.c - locations and modules of a raw profile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "profile/raw.h"

#define UNUSED __attribute__((unused))

static void test_location_identity(void **state UNUSED)
{
	struct ft_raw *raw = ft_raw_new();
	const struct ft_location locations[] = {
		{.kind = FT_LOCATION_USER, .module = 1, .addr = 0x1000},
		{.kind = FT_LOCATION_USER, .module = 2, .addr = 0x1000},
		{.kind = FT_LOCATION_USER, .module = 1, .addr = 0x1001},
		{.kind = FT_LOCATION_KERNEL, .addr = 0x1000},
		{.kind = FT_LOCATION_UNKNOWN, .addr = 0x1000},
		{.kind = FT_LOCATION_PROCESS, .name = 3, .pid = 7},
		{.kind = FT_LOCATION_PROCESS, .name = 3, .pid = 8},
		{.kind = FT_LOCATION_PROCESS, .name = 4, .pid = 7},
		{.kind = FT_LOCATION_THREAD, .name = 3, .pid = 7},
		{.kind = FT_LOCATION_KERNEL, .addr = 0xffffffff81000000},
	};

	for (int pass = 0; pass < 2; pass++) {
		for (u32 i = 0; i < FT_ARRAY_LEN(locations); i++)
			assert_int_equal(ft_raw_location(raw, &locations[i]), i + 1);
	}
	assert_int_equal(raw->location_count, FT_ARRAY_LEN(locations) + 1);
	assert_int_equal(raw->locations[7].pid, 8);
	ft_raw_free(raw);
	ft_raw_free(NULL);
}

/* So many that all of them meet others in the table, which differ in one field only. */
static void test_locations_many(void **state UNUSED)
{
	enum { COUNT = 100000 };
	struct ft_raw *raw = ft_raw_new();

	for (int pass = 0; pass < 2; pass++) {
		for (u32 i = 1; i <= COUNT; i++) {
			struct ft_location location = {
				.kind = i & 1 ? FT_LOCATION_USER : FT_LOCATION_UNKNOWN,
				.module = i >> 1 & 1,
				.name = i >> 2 & 1,
				.pid = i >> 3 & 1,
				.addr = (u64)(i >> 4) << 20,
			};

			assert_int_equal(ft_raw_location(raw, &location), i);
		}
	}
	assert_int_equal(raw->location_count, COUNT + 1);
	ft_raw_free(raw);
}

static void test_modules_are_owned(void **state UNUSED)
{
	struct ft_raw *raw = ft_raw_new();
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	for (u32 i = 0; i < 100; i++) {
		struct ft_module module = {
			.kind = FT_MODULE_FILE, .path = ft_strdup("/bin/x"), .fd = -1, .pid = i};

		if (i == 42)
			module.fd = fd;
		assert_int_equal(ft_raw_module(raw, &module), i);
	}
	assert_int_equal(raw->module_count, 100);
	assert_int_equal(raw->modules[99].pid, 99);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ft_raw_free(raw);
	assert_int_equal(fcntl(fd, F_GETFD), -1); /* closed with its owner */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_location_identity),
		cmocka_unit_test(test_locations_many),
		cmocka_unit_test(test_modules_are_owned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

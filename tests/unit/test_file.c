/* test_file.c - reading whole files, numbers in them, and the limit on open files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"

#define UNUSED __attribute__((unused))

static char path[] = "/tmp/test-file-XXXXXX";

static int make_path(void **state UNUSED)
{
	int fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state UNUSED)
{
	return unlink(path);
}

static void fill(const void *bytes, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void test_whole_files(void **state UNUSED)
{
	static const size_t lens[] = {0, 1, 4094, 4095, 4096, 4097, 8191, 8192, 100000};
	char *bytes = malloc(100000);

	for (size_t i = 0; i < 100000; i++)
		bytes[i] = (char)(i * 7); /* NUL bytes among them */
	for (size_t i = 0; i < FT_ARRAY_LEN(lens); i++) {
		size_t len = 12345;
		char *data = NULL;

		fill(bytes, lens[i]);
		/* Up to the limit and not beyond. */
		assert_int_equal(ft_file_read(path, lens[i], &data, &len), 0);
		assert_int_equal(len, lens[i]);
		assert_memory_equal(data, bytes, len);
		assert_int_equal(data[len], '\0');
		free(data);
		if (!lens[i])
			continue;
		data = (char *)&len;
		assert_int_equal(ft_file_read(path, lens[i] - 1, &data, &len), -EFBIG);
		assert_ptr_equal(data, &len);
	}
	free(bytes);
}

static void test_endless_file(void **state UNUSED)
{
	size_t len;
	char *data;

	assert_int_equal(ft_file_read("/dev/zero", 1000000, &data, &len), -EFBIG);
}

static void test_file_without_a_size(void **state UNUSED)
{
	size_t len;
	char *data;

	assert_int_equal(ft_file_read("/proc/self/stat", 65536, &data, &len), 0);
	assert_true(len > 20);
	assert_int_equal(strlen(data), len);
	assert_int_equal(atoi(data), getpid());
	free(data);
}

static void test_unreadable(void **state UNUSED)
{
	char *data = path;
	size_t len = 7;

	assert_int_equal(ft_file_read("/no/such/file", 10, &data, &len), -ENOENT);
	assert_int_equal(ft_file_read("/tmp", 10, &data, &len), -EISDIR);
	assert_int_equal(ft_file_read("", 10, &data, &len), -ENOENT);
	assert_ptr_equal(data, path);
	assert_int_equal(len, 7);
}

static void test_numbers(void **state UNUSED)
{
	static const struct {
		const char *text;
		int code;
		s64 number;
	} all[] = {
		{"0\n", 0, 0},
		{"42", 0, 42},
		{"-1\n", 0, -1},
		{" 17 18\n", 0, 17},
		{"9223372036854775807\n", 0, INT64_MAX},
		{"9223372036854775808\n", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"\n", -EINVAL, 0},
		{"max\n", -EINVAL, 0},
	};

	for (size_t i = 0; i < FT_ARRAY_LEN(all); i++) {
		s64 number = 99;

		fill(all[i].text, strlen(all[i].text));
		assert_int_equal(ft_file_read_s64(path, &number), all[i].code);
		assert_int_equal(number, all[i].code ? 99 : all[i].number);
	}
	assert_int_equal(ft_file_read_s64("/no/such/file", &(s64){0}), -ENOENT);
	assert_int_equal(ft_file_read_s64("/dev/zero", &(s64){0}), -EFBIG);
}

static void test_limit_on_open_files(void **state UNUSED)
{
	struct rlimit limit, raised;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ft_file_raise_limit();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &raised), 0);
	assert_int_equal(raised.rlim_cur, limit.rlim_max);
	assert_int_equal(raised.rlim_max, limit.rlim_max);
	ft_file_raise_limit();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_files),
		cmocka_unit_test(test_endless_file),
		cmocka_unit_test(test_file_without_a_size),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_limit_on_open_files),
	};

	return cmocka_run_group_tests(tests, make_path, remove_path);
}

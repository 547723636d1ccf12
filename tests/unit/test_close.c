/* test_close.c - base/close.h: all that are named are closed, and no others. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/close.h"

#define MANY 200

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0 || errno != EBADF;
}

static void closes_all(size_t count)
{
	int fds[MANY], kept = dup(STDOUT_FILENO);

	assert_true(kept >= 0 && count <= MANY);
	for (size_t i = 0; i < count; i++) {
		fds[i] = i % 7 == 3 ? -1 : dup(STDOUT_FILENO);
		assert_true(fds[i] >= 0 || i % 7 == 3);
	}
	ft_close_all(fds, count);
	for (size_t i = 0; i < count; i++)
		assert_false(fds[i] >= 0 && is_open(fds[i]));
	assert_true(is_open(kept));
	close(kept);
}

static void test_counts(void **state)
{
	(void)state;
	closes_all(0);
	closes_all(1);
	closes_all(2);
	closes_all(63);
	closes_all(64);
	closes_all(65);
	closes_all(MANY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_counts)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

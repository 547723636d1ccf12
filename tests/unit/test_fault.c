/*
 * test_fault.c - mapped files that end before their mapping does are read as zeros, where that was
 * asked for; elsewhere SIGBUS stays what it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"

#define PAGES 4

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* A mapping of PAGES pages of letters, of which the file keeps one. */
static volatile char *shortened(void)
{
	int fd = memfd_create("file", MFD_CLOEXEC);
	char *map, *letters = malloc(page());

	assert_true(fd >= 0);
	memset(letters, 'x', page());
	for (int i = 0; i < PAGES; i++)
		assert_int_equal(write(fd, letters, page()), page());
	free(letters);
	map = mmap(NULL, PAGES * page(), PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(map != MAP_FAILED);
	assert_int_equal(map[3 * page()], 'x');
	assert_int_equal(ftruncate(fd, (off_t)page()), 0);
	close(fd);
	return map;
}

static void what_is_missing_is_zero(void **state)
{
	volatile char *map = shortened();

	(void)state;
	ft_fault_enter();
	assert_int_equal(map[0], 'x');
	assert_false(ft_fault_leave());

	ft_fault_enter();
	ft_fault_enter();
	assert_int_equal(map[2 * page() + 7], 0);
	assert_true(ft_fault_leave());
	assert_int_equal(map[3 * page()], 0);
	assert_true(ft_fault_leave());

	/* What was answered once is there now, and the next use is judged on its own. */
	ft_fault_enter();
	assert_int_equal(map[2 * page()], 0);
	assert_false(ft_fault_leave());
	munmap((void *)map, PAGES * page());
}

static void *other_thread(void *arg)
{
	const volatile char *map = arg;
	char letter;

	ft_fault_enter();
	letter = map[page()];
	return ft_fault_leave() && !letter ? arg : NULL;
}

static void other_threads_too(void **state)
{
	volatile char *map = shortened();
	pthread_t thread;
	void *result;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, other_thread, (void *)map), 0);
	pthread_join(thread, &result);
	assert_non_null(result);
	munmap((void *)map, PAGES * page());
}

static void elsewhere_it_ends_us(void **state)
{
	int status;
	pid_t child;

	(void)state;
	child = fork();
	if (!child) {
		const struct rlimit none = {0, 0};
		volatile char *map = shortened();

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGBUS, SIG_DFL); /* cmocka has its own */
		ft_fault_enter();
		ft_fault_leave();
		alarm(10);
		_exit(map[page()] ? 41 : 42);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	/* A sanitizer ends a program with a status. */
	assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGBUS
					: WEXITSTATUS(status) != 41 && WEXITSTATUS(status) != 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_missing_is_zero),
		cmocka_unit_test(other_threads_too),
		cmocka_unit_test(elsewhere_it_ends_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

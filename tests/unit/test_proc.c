/*
 * test_proc.c - lines of /proc/PID/maps, hostile ones among them, and what procfs says about this
 * very process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/proc.h"

#define UNUSED __attribute__((unused))

/* Parses a copy of the line; map points into it, until the next call. */
static int parse(const char *line, struct ft_proc_map *map)
{
	static char copy[8192];

	assert_true(strlen(line) < sizeof(copy));
	strcpy(copy, line);
	memset(map, 0x5a, sizeof(*map));
	return ft_proc_map_parse(copy, map);
}

static void test_usual_lines(void **state UNUSED)
{
	struct ft_proc_map map;

	assert_int_equal(parse("55d0c8a01000-55d0c8a9f000 r-xp 0002e000 fe:01 1835057              "
			       "      /usr/bin/bash",
			       &map),
			 0);
	assert_int_equal(map.start, 0x55d0c8a01000);
	assert_int_equal(map.end, 0x55d0c8a9f000);
	assert_int_equal(map.offset, 0x2e000);
	assert_int_equal(map.dev_major, 0xfe);
	assert_int_equal(map.dev_minor, 1);
	assert_int_equal(map.inode, 1835057);
	assert_true(map.executable);
	assert_string_equal(map.path, "/usr/bin/bash");

	assert_int_equal(parse("7f0000000000-7f0000001000 rw-p 00000000 00:00 0 ", &map), 0);
	assert_false(map.executable);
	assert_int_equal(map.inode, 0);
	assert_string_equal(map.path, "");
	assert_int_equal(parse("7f0000000000-7f0000001000 rwxs 00000000 00:00 0", &map), 0);
	assert_true(map.executable);
	assert_string_equal(map.path, "");
	assert_int_equal(
		parse("7ffd1-7ffd2 r-xp 00000000 00:00 0                          [vdso]", &map),
		0);
	assert_string_equal(map.path, "[vdso]");
	assert_int_equal(parse("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0            "
			       "      [vsyscall]",
			       &map),
			 0);
	assert_int_equal(map.start, 0xffffffffff600000);
	assert_int_equal(
		parse("1-ffffffffffffffff r-xp ffffffffff000 ffffff:fffff 18446744073709551615 /x",
		      &map),
		0);
	assert_int_equal(map.end, UINT64_MAX);
	assert_int_equal(map.offset, 0xffffffffff000);
	assert_int_equal(map.dev_major, 0xffffff);
	assert_int_equal(map.dev_minor, 0xfffff);
	assert_int_equal(map.inode, UINT64_MAX);
}

/* Whoever names files may put anything into a path; it is taken as it is. */
static void test_hostile_paths(void **state UNUSED)
{
	static const char *const paths[] = {
		"/tmp/a b  c ",
		"/tmp/1000-2000 r-xp 00000000 00:00 1 /etc/passwd",
		"/tmp/new\\012line",
		"/tmp/\x1b[31m\xff\xfe\x01",
		"/tmp/%s%n",
		"/tmp/x (deleted)",
		"/tmp/-",
		"/",
	};
	struct ft_proc_map map;
	char line[8192], path[4097];

	for (size_t i = 0; i < FT_ARRAY_LEN(paths); i++) {
		snprintf(line, sizeof(line), "1000-2000 r-xp 00003000 08:01 77       %s", paths[i]);
		assert_int_equal(parse(line, &map), 0);
		assert_string_equal(map.path, paths[i]);
		assert_int_equal(map.start, 0x1000);
		assert_int_equal(map.inode, 77);
	}
	memset(path, 'p', sizeof(path));
	path[0] = '/';
	path[4096] = '\0';
	snprintf(line, sizeof(line), "1000-2000 r-xp 00003000 08:01 77       %s", path);
	assert_int_equal(parse(line, &map), 0);
	assert_string_equal(map.path, path);
}

static void test_damaged_lines(void **state UNUSED)
{
	static const char *const lines[] = {
		"",
		"x",
		"1000",
		"1000-",
		"1000-2000",
		"1000-2000 ",
		"1000-2000 r-x",
		"1000-2000 r-xp",
		"1000-2000 r-xp ",
		"1000 2000 r-xp 00000000 08:01 5 /x",
		"1000-2000-r-xp 00000000 08:01 5 /x",
		"1000-2000 r-xp zzz 08:01 5 /x",
		"1000-2000 r-xp 00000000",
		"1000-2000 r-xp 00000000 08",
		"1000-2000 r-xp 00000000 08:01",
		"1000-2000 r-xp 00000000 08:01 ",
		"1000-2000 r-xp 00000000 08:01 x",
		"1000-2000 r-xp 00000000 08-01 5 /x",
		"-1000-2000 r-xp 00000000 08:01 5 /x",
		"VmFlags: rd ex mr mw me sd",
	};
	struct ft_proc_map map;

	for (size_t i = 0; i < FT_ARRAY_LEN(lines); i++)
		if (parse(lines[i], &map) != -EINVAL)
			fail_msg("'%s' was accepted", lines[i]);
}

/* Every cut of a good line is either refused or parsed without reading past its end. */
static void test_cut_lines(void **state UNUSED)
{
	static const char line[] =
		"55d0c8a01000-55d0c8a9f000 r-xp 0002e000 fe:01 1835057   /usr/bin/bash";
	struct ft_proc_map map;

	for (size_t len = 0; len < sizeof(line); len++) {
		char *copy = strndup(line, len); /* of its exact size, for the sanitizer */

		assert_int_equal(ft_proc_map_parse(copy, &map) == 0,
				 len > strlen("55d0c8a01000-55d0c8a9f000 r-xp 0002e000 fe:01 "));
		free(copy);
	}
}

struct search {
	u64 addr;
	u64 inode;
	u32 calls, hits;
	bool executable;
	char path[256];
	int result;
};

static int search(void *context, const struct ft_proc_map *map)
{
	struct search *s = context;

	s->calls++;
	if (map->start <= s->addr && s->addr < map->end) {
		s->hits++;
		s->executable = map->executable;
		s->inode = map->inode;
		snprintf(s->path, sizeof(s->path), "%s", map->path);
	}
	return s->result;
}

static void test_own_mappings(void **state UNUSED)
{
	struct search code = {.addr = (u64)(uintptr_t)test_own_mappings}, heap = {0};
	void *memory = malloc(10);
	char exe[256] = "";
	struct stat st;

	assert_int_equal(ft_proc_maps((u32)getpid(), search, &code), 0);
	assert_int_equal(code.hits, 1);
	assert_true(code.executable);
	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	assert_string_equal(code.path, exe);
	assert_int_equal(stat(exe, &st), 0);
	heap.addr = (u64)(uintptr_t)memory;
	assert_int_equal(ft_proc_maps((u32)getpid(), search, &heap), 0);
	assert_int_equal(heap.hits, 1);
	assert_false(heap.executable);
	free(memory);
}

static void test_walk_ends_early(void **state UNUSED)
{
	struct search s = {.result = -123};

	assert_int_equal(ft_proc_maps((u32)getpid(), search, &s), -123);
	assert_int_equal(s.calls, 1);
}

/*
 * A line break in a path must not make two lines of one, of which the second says what its author
 * likes.
 */
static void test_line_break_in_a_path(void **state UNUSED)
{
	char folder[] = "/tmp/test-proc-XXXXXX", path[128];
	struct search s = {0}, forged = {.addr = 0x6660000};
	void *map;
	int fd;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a\n6660000-6661000 r-xp 00000000 00:00 1 x", folder);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4096), 0);
	map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(map != MAP_FAILED);
	s.addr = (u64)(uintptr_t)map;
	assert_int_equal(ft_proc_maps((u32)getpid(), search, &s), 0);
	assert_int_equal(ft_proc_maps((u32)getpid(), search, &forged), 0);
	munmap(map, 4096);
	close(fd);
	unlink(path);
	rmdir(folder);
	assert_int_equal(s.hits, 1);
	assert_non_null(strstr(s.path, "/a\\012666"));
	assert_int_equal(forged.hits, 0);
}

static void *thread_tgid(void *tgid)
{
	/* A name that looks like another line of the file. */
	pthread_setname_np(pthread_self(), "x\nTgid:\t1");
	return ft_proc_tgid((u32)syscall(SYS_gettid), tgid) ? tgid : NULL;
}

static void test_tgid(void **state UNUSED)
{
	pthread_t thread;
	void *failed;
	u32 tgid = 0;

	assert_int_equal(ft_proc_tgid((u32)getpid(), &tgid), 0);
	assert_int_equal(tgid, getpid());
	tgid = 0;
	assert_int_equal(pthread_create(&thread, NULL, thread_tgid, &tgid), 0);
	pthread_join(thread, &failed);
	assert_null(failed);
	assert_int_equal(tgid, getpid());
	tgid = 5;
	assert_int_equal(ft_proc_tgid(0x7ffffff0, &tgid), -ENOENT);
	assert_int_equal(tgid, 5);
	assert_int_equal(ft_proc_maps(0x7ffffff0, search, NULL), -ENOENT);
}

static int find_pid(void *context, u32 pid)
{
	u32 *left = context;

	assert_true(pid > 0);
	if (pid == (u32)getpid())
		*left += 1;
	return 0;
}

static int stop(void *context, u32 pid)
{
	*(u32 *)context += 1;
	return pid ? 42 : 0;
}

static void test_pids(void **state UNUSED)
{
	u32 found = 0, calls = 0;

	assert_int_equal(ft_proc_pids(find_pid, &found), 0);
	assert_int_equal(found, 1);
	assert_int_equal(ft_proc_pids(stop, &calls), 42);
	assert_int_equal(calls, 1);
}

static void test_switches(void **state UNUSED)
{
	u64 before = ft_proc_switches();

	assert_true(before > 0);
	assert_true(ft_proc_switches() >= before);
	assert_int_equal(ft_proc_threads((u32)getpid()), 1);
	assert_true(ft_proc_threads(0) >= 1);
	assert_int_equal(ft_proc_threads(INT32_MAX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_usual_lines),
		cmocka_unit_test(test_hostile_paths),
		cmocka_unit_test(test_damaged_lines),
		cmocka_unit_test(test_cut_lines),
		cmocka_unit_test(test_own_mappings),
		cmocka_unit_test(test_walk_ends_early),
		cmocka_unit_test(test_line_break_in_a_path),
		cmocka_unit_test(test_tgid),
		cmocka_unit_test(test_pids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

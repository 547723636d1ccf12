/*
 * test_modules.c - mapped files become modules, each once, opened in time, and nothing but regular
 * files is opened.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler/modules.h"

#define UNUSED __attribute__((unused))
#define NOBODY 0x7ffffff0u /* a process id that no kernel gives */

struct fixture {
	struct ft_raw *raw;
	struct ft_modules *modules;
	char folder[32], path[64];
};

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->raw = ft_raw_new();
	f->modules = ft_modules_new(f->raw);
	assert_non_null(f->modules);
	strcpy(f->folder, "/tmp/test-modules-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/file", f->folder);
}

static void teardown(struct fixture *f)
{
	unlink(f->path);
	rmdir(f->folder);
	ft_modules_free(f->modules);
	ft_modules_free(NULL);
	ft_raw_free(f->raw);
}

/* Writes the file anew and returns how a mapping of it in that process would be described. */
static struct ft_mapped_file make_file(struct fixture *f, const char *text, u32 pid)
{
	FILE *file = fopen(f->path, "w");
	struct stat st;

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(stat(f->path, &st), 0);
	return (struct ft_mapped_file){.pid = pid,
				       .start = 0x1000,
				       .end = 0x2000,
				       .dev = 8ull << 32 | 1,
				       .inode = st.st_ino,
				       .path = f->path};
}

static void assert_content(const struct fixture *f, u32 module, const char *text)
{
	char bytes[64] = "";

	assert_true(f->raw->modules[module].fd >= 0);
	assert_int_equal(pread(f->raw->modules[module].fd, bytes, sizeof(bytes) - 1, 0),
			 strlen(text));
	assert_string_equal(bytes, text);
}

static void test_same_file_is_one_module(void **state UNUSED)
{
	struct fixture f;
	struct ft_mapped_file file;
	u32 module;

	setup(&f);
	file = make_file(&f, "one", (u32)getpid());
	module = ft_modules_get(f.modules, &file);
	assert_int_equal(f.raw->modules[module].kind, FT_MODULE_FILE);
	assert_string_equal(f.raw->modules[module].path, f.path);
	assert_int_equal(f.raw->modules[module].pid, getpid());
	assert_content(&f, module, "one");
	/* Another process, another place, another name: the same file. */
	file.pid = 1;
	file.start = 0x7000;
	file.path = "/other/name";
	assert_int_equal(ft_modules_get(f.modules, &file), module);
	assert_int_equal(f.raw->module_count, 1);
	assert_string_equal(f.raw->modules[module].path, f.path);
	/* Another inode, or the same one on another device: another file, whatever its name. */
	file.path = f.path;
	file.inode++;
	assert_int_equal(ft_modules_get(f.modules, &file), module + 1);
	file.inode--;
	file.dev++;
	assert_int_equal(ft_modules_get(f.modules, &file), module + 2);
	teardown(&f);
}

static void test_another_file_of_that_name(void **state UNUSED)
{
	struct fixture f;
	struct ft_mapped_file file;
	u32 module;

	setup(&f);
	file = make_file(&f, "new", NOBODY);
	file.inode += 1000; /* what was mapped has been replaced */
	module = ft_modules_get(f.modules, &file);
	assert_int_equal(f.raw->modules[module].kind, FT_MODULE_FILE);
	assert_int_equal(f.raw->modules[module].fd, -1);
	teardown(&f);
}

/* By the time we look, another file is mapped where this one was. */
static void test_another_file_in_its_place(void **state UNUSED)
{
	struct fixture f;
	struct ft_mapped_file file;
	int fd = open("/proc/self/exe", O_RDONLY);
	void *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

	setup(&f);
	assert_true(map != MAP_FAILED);
	close(fd);
	file = make_file(&f, "gone", (u32)getpid());
	file.start = (u64)(uintptr_t)map;
	file.end = file.start + 4096;
	assert_content(&f, ft_modules_get(f.modules, &file), "gone");
	munmap(map, 4096);
	teardown(&f);
}

static void test_opening_is_tried_again(void **state UNUSED)
{
	struct fixture f;
	struct ft_mapped_file file;
	u32 module;

	setup(&f);
	file = make_file(&f, "late", NOBODY);
	file.path = "/no/such/file";
	module = ft_modules_get(f.modules, &file);
	assert_int_equal(f.raw->modules[module].fd, -1);
	assert_int_equal(f.raw->modules[module].build_id_len, 0);
	file.path = f.path;
	assert_int_equal(ft_modules_get(f.modules, &file), module);
	assert_content(&f, module, "late");
	/* And no more once it is open. */
	unlink(f.path);
	assert_int_equal(ft_modules_get(f.modules, &file), module);
	assert_content(&f, module, "late");
	teardown(&f);
}

/* The running test's own program: the build-id is found, and is the one in its notes. */
static void test_build_id(void **state UNUSED)
{
	struct fixture f;
	struct ft_mapped_file file = {.pid = (u32)getpid(), .path = "/proc/self/exe"};
	struct stat st;
	u32 module;

	setup(&f);
	assert_int_equal(stat(file.path, &st), 0);
	file.inode = st.st_ino;
	module = ft_modules_get(f.modules, &file);
	assert_true(f.raw->modules[module].fd >= 0);
	assert_true(f.raw->modules[module].build_id_len >= 8);
	teardown(&f);
}

/*
 * Deleted while it is mapped: only the mapping's own link leads there, and that needs privileges.
 */
static void test_deleted_while_mapped(void **state UNUSED)
{
	struct fixture f;
	struct ft_mapped_file file;
	char link[64], path[80];
	void *map;
	int fd;
	u32 module;

	setup(&f);
	file = make_file(&f, "ghost", (u32)getpid());
	fd = open(f.path, O_RDONLY);
	map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(map != MAP_FAILED);
	close(fd);
	unlink(f.path);
	/* Somebody has put another file in its place. */
	fd = open(f.path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "impostor", 8), 8);
	close(fd);
	file.start = (u64)(uintptr_t)map;
	file.end = file.start + 4096;
	snprintf(path, sizeof(path), "%s (deleted)", f.path);
	file.path = path;
	snprintf(link, sizeof(link), "/proc/self/map_files/%llx-%llx",
		 (unsigned long long)file.start, (unsigned long long)file.end);
	module = ft_modules_get(f.modules, &file);
	fd = open(link, O_RDONLY);
	if (fd >= 0)
		assert_content(&f, module, "ghost");
	else
		assert_int_equal(f.raw->modules[module].fd, -1);
	munmap(map, 4096);
	teardown(&f);
	if (fd < 0)
		skip();
	close(fd);
}

/*
 * A path may lead to anything by the time we look. Opening a FIFO would block, and a device may do
 * what it likes.
 */
static void test_only_regular_files(void **state UNUSED)
{
	struct fixture f;
	struct ft_mapped_file file = {.pid = (u32)getpid(), .inode = 1, .dev = 5};
	struct stat st;
	u32 module;

	setup(&f);
	assert_int_equal(mkfifo(f.path, 0600), 0);
	assert_int_equal(stat(f.path, &st), 0);
	file.path = f.path;
	file.inode = st.st_ino;
	alarm(5); /* ends the test if it blocks */
	module = ft_modules_get(f.modules, &file);
	alarm(0);
	assert_int_equal(f.raw->modules[module].fd, -1);
	file.path = f.folder;
	assert_int_equal(stat(f.folder, &st), 0);
	file.inode = st.st_ino;
	module = ft_modules_get(f.modules, &file);
	assert_int_equal(f.raw->modules[module].fd, -1);
	file.path = "/dev/null";
	assert_int_equal(stat("/dev/null", &st), 0);
	file.inode = st.st_ino;
	module = ft_modules_get(f.modules, &file);
	assert_int_equal(f.raw->modules[module].fd, -1);
	teardown(&f);
}

static void test_anonymous_memory(void **state UNUSED)
{
	static const char *const paths[] = {"",		  "//anon",	"[heap]",	 "[stack]",
					    "[anon:jit]", "[vsyscall]", "/without/inode"};
	static const char *const with_inode[] = {"/dev/zero (deleted)", "/SYSV00000000 (deleted)",
						 "/memfd:doublemapper (deleted)",
						 "/anon_hugepage (deleted)", "anon_inode:[x]"};
	struct fixture f;
	struct ft_mapped_file file = {.pid = 100};
	u32 module, other;

	setup(&f);
	file.path = "";
	module = ft_modules_get(f.modules, &file);
	assert_int_equal(f.raw->modules[module].kind, FT_MODULE_ANON);
	assert_string_equal(f.raw->modules[module].path, "//anon");
	assert_int_equal(f.raw->modules[module].pid, 100);
	assert_int_equal(f.raw->modules[module].fd, -1);
	/* All of it in one process is one module: its names come from one perf map. */
	for (size_t i = 0; i < FT_ARRAY_LEN(paths); i++) {
		file.path = paths[i];
		assert_int_equal(ft_modules_get(f.modules, &file), module);
	}
	for (size_t i = 0; i < FT_ARRAY_LEN(with_inode); i++) {
		file.path = with_inode[i];
		file.inode = 1000 + i;
		assert_int_equal(ft_modules_get(f.modules, &file), module);
	}
	file.pid = 101;
	other = ft_modules_get(f.modules, &file);
	assert_int_not_equal(other, module);
	assert_int_equal(f.raw->modules[other].pid, 101);
	teardown(&f);
}

static void test_vdso_is_everybodys(void **state UNUSED)
{
	struct fixture f;
	struct ft_mapped_file file = {.pid = 0, .path = "[vdso]"};
	u32 vdso, anon;

	setup(&f);
	vdso = ft_modules_get(f.modules, &file);
	assert_int_equal(f.raw->modules[vdso].kind, FT_MODULE_VDSO);
	file.pid = 7;
	assert_int_equal(ft_modules_get(f.modules, &file), vdso);
	/*
	 * Process 0 stands for those that have no id in our namespace; its JIT code is not the
	 * vDSO.
	 */
	file = (struct ft_mapped_file){.pid = 0, .path = "//anon"};
	anon = ft_modules_get(f.modules, &file);
	assert_int_not_equal(anon, vdso);
	assert_int_equal(f.raw->modules[anon].kind, FT_MODULE_ANON);
	teardown(&f);
}

/* More than the table begins with, in an order that makes runs. */
static void test_many(void **state UNUSED)
{
	struct fixture f;
	struct ft_mapped_file file = {.pid = NOBODY, .path = "/no/such/file"};

	setup(&f);
	for (u32 pass = 0; pass < 2; pass++) {
		for (u32 i = 0; i < 5000; i++) {
			file.inode = i / 4 + 1;
			file.dev = i % 4;
			assert_int_equal(ft_modules_get(f.modules, &file), i);
		}
	}
	/* And anonymous memory of as many processes. */
	file = (struct ft_mapped_file){.path = ""};
	for (u32 pass = 0; pass < 2; pass++) {
		for (file.pid = 1; file.pid <= 5000; file.pid++)
			assert_int_equal(ft_modules_get(f.modules, &file), 4999 + file.pid);
	}
	assert_int_equal(f.raw->module_count, 10000);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_file_is_one_module),
		cmocka_unit_test(test_another_file_of_that_name),
		cmocka_unit_test(test_another_file_in_its_place),
		cmocka_unit_test(test_opening_is_tried_again),
		cmocka_unit_test(test_build_id),
		cmocka_unit_test(test_deleted_while_mapped),
		cmocka_unit_test(test_only_regular_files),
		cmocka_unit_test(test_anonymous_memory),
		cmocka_unit_test(test_vdso_is_everybodys),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_out.c - output files: whole or not at all; full disks, lost readers, refused places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/out.h"

#define UNUSED __attribute__((unused))

/* Each test works in an empty folder of its own, which is the current one. */
static int folder_enter(void **state)
{
	const char *base = getenv("TMPDIR");
	char *path;

	if (asprintf(&path, "%s/ft-out-XXXXXX", base ? base : "/tmp") < 0 || !mkdtemp(path))
		return -1;
	*state = path;
	return chdir(path);
}

static int folder_leave(void **state)
{
	DIR *dir = opendir(".");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2)
			remove(entry->d_name);
	}
	if (dir)
		closedir(dir);
	if (chdir("/") || rmdir(*state))
		return -1;
	free(*state);
	return 0;
}

/* How many entries the current folder has, hidden ones too. */
static int entries(void)
{
	DIR *dir = opendir(".");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

static void assert_file(const char *path, const char *expected, size_t len)
{
	char *data = malloc(len + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, data, len + 1), len);
	assert_memory_equal(data, expected, len);
	close(fd);
	free(data);
}

static void file_make(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void test_memory(void **state UNUSED)
{
	struct ft_out *out = ft_out_new_memory();
	char *big = malloc(300000), long_text[3000];
	size_t len;

	memset(big, 'b', 300000);
	memset(long_text, 'l', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	ft_out_text(out, "a");
	ft_out_char(out, 'b');
	ft_out_u64(out, 0);
	ft_out_u64(out, UINT64_MAX);
	ft_out_printf(out, "%d-%s", -5, "x");
	assert_memory_equal(ft_out_memory(out, &len), "ab018446744073709551615-5-x", 27);
	assert_int_equal(len, 27);
	ft_out_bytes(out, big, 300000);
	ft_out_printf(out, "%s!", long_text);
	assert_memory_equal(ft_out_memory(out, &len) + 27, big, 300000);
	assert_int_equal(len, 27 + 300000 + 3000);
	assert_memory_equal(ft_out_memory(out, &len) + 300027, long_text, 2999);
	assert_int_equal(ft_out_memory(out, &len)[len - 1], '!');
	assert_int_equal(ft_out_commit(out, NULL), 0);
	ft_out_clear(out);
	ft_out_s64(out, INT64_MIN);
	ft_out_s64(out, 7);
	ft_out_hex(out, 0);
	ft_out_hex(out, UINT64_MAX);
	ft_out_hex(out, 0x1f0);
	assert_memory_equal(ft_out_memory(out, &len),
			    "-922337203685477580870x00xffffffffffffffff0x1f0", 47);
	assert_int_equal(len, 47);
	ft_out_close(out);
	ft_out_close(NULL);
	free(big);
}

/* Nothing can be seen before the commit, and everything after it. */
static void test_appears_whole(void **state UNUSED)
{
	enum { BYTES = 500000 };
	struct ft_out *out;
	struct ft_err err;
	struct stat st;
	char *data = malloc(BYTES);
	mode_t mask = umask(022);

	for (size_t i = 0; i < BYTES; i++)
		data[i] = (char)(i * 31 >> 3);
	assert_int_equal(ft_out_open("x.svg", &out, &err), 0);
	ft_out_bytes(out, data, 1000);
	ft_out_bytes(out, data + 1000, BYTES - 1001);
	ft_out_char(out, data[BYTES - 1]);
	assert_int_equal(access("x.svg", F_OK), -1);
	assert_int_equal(ft_out_commit(out, &err), 0);
	ft_out_close(out);
	assert_file("x.svg", data, BYTES);
	assert_int_equal(entries(), 1);
	assert_int_equal(stat("x.svg", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	umask(mask);
	free(data);
}

static void test_replaces_at_commit(void **state UNUSED)
{
	struct ft_out *out;
	struct ft_err err;

	file_make("x.txt", "old");
	assert_int_equal(ft_out_open("./x.txt", &out, &err), 0);
	ft_out_text(out, "new text");
	assert_file("x.txt", "old", 3);
	assert_int_equal(ft_out_commit(out, &err), 0);
	ft_out_close(out);
	assert_file("x.txt", "new text", 8);
	assert_int_equal(entries(), 1);
}

static void test_close_without_commit(void **state UNUSED)
{
	struct ft_out *out;

	file_make("old.txt", "old");
	for (int pass = 0; pass < 2; pass++) {
		assert_int_equal(ft_out_open(pass ? "new.txt" : "old.txt", &out, NULL), 0);
		ft_out_text(out, "text that nobody wants");
		ft_out_close(out);
	}
	assert_file("old.txt", "old", 3);
	assert_int_equal(entries(), 1);
}

static void test_full_device(void **state UNUSED)
{
	struct ft_out *out;
	struct ft_err err;

	assert_int_equal(ft_out_open("/dev/full", &out, &err), 0);
	ft_out_text(out, "x");
	assert_int_equal(ft_out_commit(out, &err), -ENOSPC);
	assert_non_null(strstr(err.text, strerror(ENOSPC)));
	assert_non_null(strstr(err.text, "-o"));
	assert_int_equal(ft_out_commit(out, &err), -ENOSPC); /* errors stay */
	ft_out_close(out);
}

/* The error of a write in the middle: the file does not appear, the old one stays. */
static void test_error_midway(void **state UNUSED)
{
	struct rlimit old, small = {.rlim_cur = 100000};
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	static char data[90000];
	struct ft_out *out;
	struct ft_err err;

	file_make("x.svg", "old");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(ft_out_open("x.svg", &out, &err), 0);
	for (int i = 0; i < 10; i++)
		ft_out_bytes(out, data, sizeof(data));
	assert_int_equal(ft_out_commit(out, &err), -EFBIG);
	assert_non_null(strstr(err.text, "x.svg"));
	ft_out_close(out);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, handler);
	assert_file("x.svg", "old", 3);
	assert_int_equal(entries(), 1);
}

static void test_refused_places(void **state UNUSED)
{
	static const struct {
		const char *path;
		int code;
	} cases[] = {
		{"missing/x.svg", -ENOENT},
		{"folder", -EISDIR},
		{"file/x.svg", -ENOTDIR},
	};
	struct ft_out *out = NULL;
	struct ft_err err;

	file_make("file", "");
	assert_int_equal(mkdir("folder", 0755), 0);
	for (size_t i = 0; i < FT_ARRAY_LEN(cases); i++) {
		assert_int_equal(ft_out_open(cases[i].path, &out, &err), cases[i].code);
		assert_non_null(strstr(err.text, cases[i].path));
		assert_null(out);
	}
	assert_int_equal(entries(), 2);
}

/* /proc takes no new files, whoever asks; a folder without permission refuses all but root. */
static void test_unwritable_folder(void **state UNUSED)
{
	struct ft_out *out = NULL;
	struct ft_err err = {.code = 0};

	assert_true(ft_out_open("/proc/x.svg", &out, &err) < 0);
	assert_non_null(strstr(err.text, "/proc/x.svg"));
	assert_null(out);
	if (geteuid() == 0)
		return;
	assert_int_equal(mkdir("closed", 0555), 0);
	assert_int_equal(ft_out_open("closed/x.svg", &out, &err), -EACCES);
	assert_null(out);
}

static void test_reader_gone(void **state UNUSED)
{
	void (*handler)(int) = signal(SIGPIPE, SIG_IGN);
	struct ft_out *out;
	struct ft_err err;
	int reader;

	assert_int_equal(mkfifo("pipe", 0600), 0);
	reader = open("pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_int_equal(ft_out_open("pipe", &out, &err), 0);
	ft_out_text(out, "x");
	close(reader);
	assert_int_equal(ft_out_commit(out, &err), -EPIPE);
	ft_out_close(out);
	signal(SIGPIPE, handler);
	assert_int_equal(entries(), 1); /* still the pipe */
}

static void test_pipe_is_written(void **state UNUSED)
{
	struct ft_out *out;
	char got[16];
	int reader;

	assert_int_equal(mkfifo("pipe", 0600), 0);
	reader = open("pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_int_equal(ft_out_open("pipe", &out, NULL), 0);
	ft_out_text(out, "through");
	assert_int_equal(ft_out_commit(out, NULL), 0);
	assert_int_equal(read(reader, got, sizeof(got)), 7);
	assert_memory_equal(got, "through", 7);
	ft_out_close(out);
	close(reader);
}

#define IN_FOLDER(TEST) cmocka_unit_test_setup_teardown(TEST, folder_enter, folder_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),	    IN_FOLDER(test_appears_whole),
		IN_FOLDER(test_replaces_at_commit), IN_FOLDER(test_close_without_commit),
		cmocka_unit_test(test_full_device), IN_FOLDER(test_error_midway),
		IN_FOLDER(test_refused_places),	    IN_FOLDER(test_unwritable_folder),
		IN_FOLDER(test_reader_gone),	    IN_FOLDER(test_pipe_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

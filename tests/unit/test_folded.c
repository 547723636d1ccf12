/* test_folded.c - the reader of folded text: format, kinds, hostile text, refilling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "profile/folded.h"
#include "profile/folded_private.h"

#define UNUSED __attribute__((unused))
#define LINE_MAX_TEST (64 * 1024 * 1024)

struct result {
	struct ft_profile *profile;
	struct ft_folded_stats stats;
	struct ft_err err;
	int code;
};

static int text_fd(const char *text, size_t len)
{
	int fd = memfd_create("folded", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static struct result read_sized(const char *text, size_t len, size_t buffer, size_t line_max)
{
	struct result r = {.profile = ft_profile_new()};
	int fd = text_fd(text, len);

	r.code = ft_folded_read_sized(fd, "input", buffer, line_max, r.profile, &r.stats, &r.err);
	close(fd);
	return r;
}

static struct result read_text(const char *text)
{
	struct result r = {.profile = ft_profile_new()};
	int fd = text_fd(text, strlen(text));

	r.code = ft_folded_read(fd, "input", r.profile, &r.stats, &r.err);
	close(fd);
	return r;
}

/* The node at the end of a stack of names joined by ';' (no suffixes), or FT_TREE_NONE. */
static u32 find(const struct ft_profile *profile, const char *stack)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(profile->tree);
	u32 at = FT_TREE_ROOT, i;

	while (*stack) {
		size_t len = strcspn(stack, ";");

		for (i = at + 1; i < ft_tree_count(profile->tree); i++) {
			u32 name = profile->frames[nodes[i].key].name;

			if (nodes[i].parent == at && ft_strtab_len(profile->strings, name) == len &&
			    !memcmp(ft_strtab_str(profile->strings, name), stack, len))
				break;
		}
		if (i == ft_tree_count(profile->tree))
			return FT_TREE_NONE;
		at = i;
		stack += len + (stack[len] == ';');
	}
	return at;
}

static void assert_stack(const struct ft_profile *profile, const char *stack, u64 weight)
{
	u32 node = find(profile, stack);

	if (node == FT_TREE_NONE)
		fail_msg("no stack %s", stack);
	if (ft_tree_nodes(profile->tree)[node].self != weight)
		fail_msg("%s has %llu", stack,
			 (unsigned long long)ft_tree_nodes(profile->tree)[node].self);
}

static const struct ft_frame *frame_at(const struct ft_profile *profile, const char *stack)
{
	u32 node = find(profile, stack);

	if (node == FT_TREE_NONE)
		fail_msg("no stack %s", stack);
	return &profile->frames[ft_tree_nodes(profile->tree)[node].key];
}

static void test_stacks(void **state UNUSED)
{
	struct result r = read_text("app;main;read 3\n"
				    "app;main 2\n"
				    "app;main;read;copy 4\n"
				    "db;main;read 5\n"
				    "app;main;read 10\n");

	assert_int_equal(r.code, 0);
	assert_int_equal(r.stats.lines, 5);
	assert_int_equal(r.stats.bad_lines, 0);
	assert_int_equal(ft_tree_count(r.profile->tree), 8);
	assert_stack(r.profile, "app", 0);
	assert_stack(r.profile, "app;main", 2);
	assert_stack(r.profile, "app;main;read", 13);
	assert_stack(r.profile, "app;main;read;copy", 4);
	assert_stack(r.profile, "db;main;read", 5);
	assert_ptr_equal(frame_at(r.profile, "app;main;read"), frame_at(r.profile, "db;main;read"));
	ft_profile_free(r.profile);
}

/* Names that begin alike: what is taken over from the line before ends at a whole frame. */
static void test_shared_beginnings(void **state UNUSED)
{
	struct result r = read_text("a;bc;d 1\na;bcd;d 2\na;b 4\na;bc 8\na;bc;dd;e 16\n"
				    "a;bc;d;e 32\nab;bc 64\na 128\na;bc;d;e 1\n");

	assert_int_equal(r.code, 0);
	assert_stack(r.profile, "a", 128);
	assert_stack(r.profile, "a;b", 4);
	assert_stack(r.profile, "a;bc", 8);
	assert_stack(r.profile, "a;bc;d", 1);
	assert_stack(r.profile, "a;bc;d;e", 33);
	assert_stack(r.profile, "a;bc;dd;e", 16);
	assert_stack(r.profile, "a;bcd;d", 2);
	assert_stack(r.profile, "ab;bc", 64);
	assert_int_equal(ft_tree_count(r.profile->tree), 12);
	ft_profile_free(r.profile);
}

static void test_line_forms(void **state UNUSED)
{
	struct result r = read_text("# a comment;x 5\n"
				    "\n"
				    "   \t\n"
				    "a;with space;c 1\r\n"
				    "\r\n"
				    "a;fraction 2.999\n"
				    "a;point 7.\n"
				    "a;tab\t9\n"
				    "a;trailing 4  \n"
				    ";;a;;empty;frames; 6\n"
				    "a;zero 0\n"
				    "a;007 008\n"
				    " a;blank first 3\n"
				    "a;last 5");

	assert_int_equal(r.code, 0);
	assert_int_equal(r.stats.lines, 10);
	assert_int_equal(r.stats.bad_lines, 0);
	assert_stack(r.profile, "a;with space;c", 1);
	assert_stack(r.profile, "a;fraction", 2);
	assert_stack(r.profile, "a;point", 7);
	assert_stack(r.profile, "a;tab", 9);
	assert_stack(r.profile, "a;trailing", 4);
	assert_stack(r.profile, "a;empty;frames", 6);
	assert_stack(r.profile, "a;zero", 0);
	assert_stack(r.profile, "a;007", 8);
	assert_stack(r.profile, " a;blank first", 3);
	assert_stack(r.profile, "a;last", 5);
	ft_profile_free(r.profile);
}

static void test_bad_lines(void **state UNUSED)
{
	struct result r = read_text("# head\n"
				    "good;one 1\n"
				    "no weight\n"
				    "7\n"
				    " 7\n"
				    ";; 7\n"
				    "a;b -3\n"
				    "a;b 1.2.3\n"
				    "a;b .5\n"
				    "a;b 5x\n"
				    "a;b5\n"
				    "a;b 0x10\n"
				    "good;one 2\n");

	assert_int_equal(r.code, 0);
	assert_int_equal(r.stats.lines, 12);
	assert_int_equal(r.stats.bad_lines, 10);
	assert_int_equal(r.stats.first_bad_line, 3);
	assert_int_equal(ft_tree_count(r.profile->tree), 3);
	assert_stack(r.profile, "good;one", 3);
	ft_profile_free(r.profile);
}

static void test_huge_weights(void **state UNUSED)
{
	struct result r = read_text("a;max 18446744073709551615\n"
				    "a;over 18446744073709551616\n"
				    "a;far 99999999999999999999999999999999999999.5\n"
				    "a;sum 18446744073709551000\n"
				    "a;sum 18446744073709551000\n");

	assert_int_equal(r.stats.bad_lines, 0);
	assert_stack(r.profile, "a;max", UINT64_MAX);
	assert_stack(r.profile, "a;over", UINT64_MAX);
	assert_stack(r.profile, "a;far", UINT64_MAX);
	assert_stack(r.profile, "a;sum", UINT64_MAX);
	ft_profile_free(r.profile);
}

static void test_nothing_usable(void **state UNUSED)
{
	static const char *const texts[] = {"", "\n\n# only a comment\n", "hello\nworld\n",
					    "\177ELF\2\1\1"};

	for (size_t i = 0; i < FT_ARRAY_LEN(texts); i++) {
		struct result r = read_text(texts[i]);

		assert_int_equal(r.code, -EINVAL);
		assert_int_equal(r.err.code, -EINVAL);
		assert_non_null(strstr(r.err.text, "input"));
		ft_profile_free(r.profile);
	}
}

static void test_unreadable(void **state UNUSED)
{
	struct ft_profile *profile = ft_profile_new();
	struct ft_folded_stats stats;
	struct ft_err err;
	int fd = open("/", O_RDONLY | O_CLOEXEC);

	assert_int_equal(ft_folded_read(fd, "the folder", profile, &stats, &err), -EISDIR);
	assert_non_null(strstr(err.text, "the folder"));
	close(fd);
	ft_profile_free(profile);
}

struct kind_case {
	const char *text;
	const char *stack;
	enum ft_frame_kind kind;
	bool inlined;
};

static void test_kinds(void **state UNUSED)
{
	static const struct kind_case cases[] = {
		{"app;f 1\n", "app", FT_FRAME_PROCESS, false},
		{"app 1\n", "app", FT_FRAME_PROCESS, false},
		{"app;f 1\n", "app;f", FT_FRAME_USER, false},
		{"app;app 1\n", "app;app", FT_FRAME_USER, false},
		{"main;f 1\n", "main", FT_FRAME_USER, false},
		{"[kworker/0:1];f 1\n", "[kworker/0:1]", FT_FRAME_PROCESS, false},
		{"[unknown];f 1\n", "[unknown]", FT_FRAME_UNKNOWN, false},
		{"app;[unknown] 1\n", "app;[unknown]", FT_FRAME_UNKNOWN, false},
		{"app;[libc.so.6+0x1f] 1\n", "app;[libc.so.6+0x1f]", FT_FRAME_UNKNOWN, false},
		{"app;[libc.so.6] 1\n", "app;[libc.so.6]", FT_FRAME_UNKNOWN, false},
		{"app;0x7fff12 1\n", "app;0x7fff12", FT_FRAME_UNKNOWN, false},
		{"app;0xyz 1\n", "app;0xyz", FT_FRAME_USER, false},
		{"app;read_[k] 1\n", "app;read", FT_FRAME_KERNEL, false},
		{"app;[unknown]_[k] 1\n", "app;[unknown]", FT_FRAME_KERNEL, false},
		{"app;f_[j] 1\n", "app;f", FT_FRAME_JIT, false},
		{"app;f_[i] 1\n", "app;f", FT_FRAME_USER, true},
		{"app;n::f_[i] 1\n", "app;n::f", FT_FRAME_CXX, true},
		{"app;f_[x] 1\n", "app;f_[x]", FT_FRAME_USER, false},
		{"app;f_[k]_[k] 1\n", "app;f_[k]", FT_FRAME_KERNEL, false},
		{"app;_[k] 1\n", "app;_[k]", FT_FRAME_USER, false},
		{"app;std::v<int>::f(int) 1\n", "app;std::v<int>::f(int)", FT_FRAME_CXX, false},
		{"n::f;g 1\n", "n::f", FT_FRAME_CXX, false},
		{"app;<a::B as c::D>::f 1\n", "app;<a::B as c::D>::f", FT_FRAME_RUST, false},
		{"app;a::f::{{closure}} 1\n", "app;a::f::{{closure}}", FT_FRAME_RUST, false},
		{"app;a::f::h0123456789abcdef 1\n", "app;a::f::h0123456789abcdef", FT_FRAME_RUST,
		 false},
		{"app;a::f::h0123456789abcdeg 1\n", "app;a::f::h0123456789abcdeg", FT_FRAME_CXX,
		 false},
		{"read_[k];f 1\n", "read", FT_FRAME_KERNEL, false},
	};

	for (size_t i = 0; i < FT_ARRAY_LEN(cases); i++) {
		struct result r = read_text(cases[i].text);
		const struct ft_frame *frame;

		assert_int_equal(r.code, 0);
		frame = frame_at(r.profile, cases[i].stack);
		if (frame->kind != cases[i].kind || frame->inlined != cases[i].inlined)
			fail_msg("%s: kind %d, inlined %d", cases[i].text, frame->kind,
				 frame->inlined);
		assert_int_equal(frame->module, 0);
		ft_profile_free(r.profile);
	}
}

/* Equal text at the same place is one frame, however many frames follow. */
static void test_one_process(void **state UNUSED)
{
	struct result r = read_text("app 1\napp;f 2\napp;f_[k] 4\napp;f;app 8\n");

	assert_int_equal(ft_tree_count(r.profile->tree), 5);
	assert_stack(r.profile, "app", 1);
	assert_int_equal(r.profile->frame_count, 1 + 4); /* app twice: process and function */
	ft_profile_free(r.profile);
}

static void test_hostile_bytes(void **state UNUSED)
{
	static const char text[] = "a;\xff\xfe\x80;<script> 1\na;nul\0byte;x 2\na;nul\0bytf;x 4\n";
	struct result r = read_sized(text, sizeof(text) - 1, 4096, LINE_MAX_TEST);
	bool found = false;

	assert_int_equal(r.code, 0);
	assert_int_equal(r.stats.bad_lines, 0);
	assert_stack(r.profile, "a;\xff\xfe\x80;<script>", 1);
	for (u32 id = 1; id < ft_strtab_count(r.profile->strings); id++)
		found |= ft_strtab_len(r.profile->strings, id) == 8 &&
			 !memcmp(ft_strtab_str(r.profile->strings, id), "nul\0bytf", 8);
	assert_true(found);
	assert_int_equal(ft_tree_count(r.profile->tree), 1 + 1 + 2 + 2 + 2);
	ft_profile_free(r.profile);
}

/* Words are taken eight bytes at a time: names of all lengths at all places. */
static void test_name_lengths(void **state UNUSED)
{
	char text[4096], name[64], stack[128];

	for (int before = 1; before <= 9; before++) {
		for (int len = 1; len <= 40; len++) {
			struct result r;

			memset(name, 'n', (size_t)len);
			name[len] = '\0';
			name[len - 1] = 'e';
			sprintf(stack, "%.*s;%s;\xbb:;z", before, "pppppppppp", name);
			sprintf(text, "%s 7\n%.*s;%s;y 1\n%s 2\n", stack, before, "pppppppppp",
				name, stack);
			r = read_text(text);
			assert_stack(r.profile, stack, 9);
			assert_int_equal(ft_tree_count(r.profile->tree), 6);
			ft_profile_free(r.profile);
		}
	}
}

static u64 root_total(const struct ft_profile *profile)
{
	u64 *totals = ft_tree_totals(profile->tree), total = totals[FT_TREE_ROOT];

	free(totals);
	return total;
}

/* 10,000 frames of 4 KB in one line, twice, and a short line between. */
static void test_long_lines(void **state UNUSED)
{
	enum { DEPTH = 10000, NAME = 4096 };
	size_t cap = 2 * ((size_t)DEPTH * (NAME + 1) + 16) + 16, len = 0;
	char *text = malloc(cap);
	struct result r;
	u32 deepest = 0, count;

	for (int line = 0; line < 2; line++) {
		for (int i = 0; i < DEPTH; i++) {
			memset(text + len, 'x', NAME);
			sprintf(text + len, "%d", i % 100);
			text[len + strlen(text + len)] = '_';
			len += NAME;
			text[len++] = i == DEPTH - 1 ? ' ' : ';';
		}
		len += (size_t)sprintf(text + len, "%d\nq 1\n", line + 1);
	}
	r = read_sized(text, len, 256 * 1024, LINE_MAX_TEST);
	free(text);
	assert_int_equal(r.code, 0);
	assert_int_equal(r.stats.lines, 4);
	count = ft_tree_count(r.profile->tree);
	assert_int_equal(count, 1 + DEPTH + 1);
	for (u32 at = DEPTH; at != FT_TREE_ROOT; at = ft_tree_nodes(r.profile->tree)[at].parent)
		deepest++;
	assert_int_equal(deepest, DEPTH);
	assert_int_equal(ft_tree_nodes(r.profile->tree)[DEPTH].self, 3);
	assert_int_equal(root_total(r.profile), 5);
	ft_profile_free(r.profile);
}

/* A line above the limit is one bad line, wherever the buffer happens to end. */
static void test_overlong(void **state UNUSED)
{
	static const char text[] = "a;b 1\na;this line is too long to be read 2\na;c 4\n"
				   "a;so;is;the;last;one;which;has;no;newline;at;all 8";

	for (size_t buffer = 1; buffer < 120; buffer++) {
		struct result r = read_sized(text, sizeof(text) - 1, buffer, 20);

		assert_int_equal(r.code, 0);
		assert_int_equal(r.stats.lines, 4);
		assert_int_equal(r.stats.bad_lines, 2);
		assert_int_equal(r.stats.first_bad_line, 2);
		assert_int_equal(ft_tree_count(r.profile->tree), 4);
		assert_int_equal(root_total(r.profile), 5);
		ft_profile_free(r.profile);
	}
}

/* The size of the buffer does not show, nor does whether reads come in one piece. */
static void test_refill(void **state UNUSED)
{
	static const char text[] =
		"app;main;parse;lex 3\napp;main;parse;lex;next 4\n\n# x\n"
		"app;main;run 5\r\napp;main;run;a_quite_long_name_indeed;f 1\nbad\n"
		"z 2\napp;main;parse 6";

	for (size_t buffer = 1; buffer < 200; buffer++) {
		struct result r = read_sized(text, sizeof(text) - 1, buffer, LINE_MAX_TEST);

		assert_int_equal(r.code, 0);
		assert_int_equal(r.stats.lines, 7);
		assert_int_equal(r.stats.bad_lines, 1);
		assert_int_equal(r.stats.first_bad_line, 7);
		assert_int_equal(ft_tree_count(r.profile->tree), 10);
		assert_stack(r.profile, "app;main;parse;lex", 3);
		assert_stack(r.profile, "app;main;parse;lex;next", 4);
		assert_stack(r.profile, "app;main;run", 5);
		assert_stack(r.profile, "app;main;run;a_quite_long_name_indeed;f", 1);
		assert_stack(r.profile, "z", 2);
		assert_stack(r.profile, "app;main;parse", 6);
		ft_profile_free(r.profile);
	}
}

static void test_pipe(void **state UNUSED)
{
	static const char text[] = "app;main;f 1\napp;main;g 2\n";
	struct result r = {.profile = ft_profile_new()};
	int ends[2], status;
	pid_t child;

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	child = fork();
	if (!child) {
		for (size_t i = 0; i < sizeof(text) - 1; i++) {
			usleep(100);
			if (write(ends[1], text + i, 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	close(ends[1]);
	r.code = ft_folded_read(ends[0], "pipe", r.profile, &r.stats, &r.err);
	close(ends[0]);
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(r.code, 0);
	assert_stack(r.profile, "app;main;f", 1);
	assert_stack(r.profile, "app;main;g", 2);
	ft_profile_free(r.profile);
}

/* Two files into one profile. */
static void test_adds(void **state UNUSED)
{
	struct result r = read_text("app;f 1\napp;g 2\n");
	int fd = text_fd("app;g 3\nb 4\n", 12);

	ft_tree_freeze(r.profile->tree);
	assert_int_equal(ft_folded_read(fd, "second", r.profile, &r.stats, &r.err), 0);
	close(fd);
	assert_int_equal(r.stats.lines, 2);
	assert_stack(r.profile, "app;f", 1);
	assert_stack(r.profile, "app;g", 5);
	assert_stack(r.profile, "b", 4);
	assert_int_equal(ft_tree_count(r.profile->tree), 5);
	ft_profile_free(r.profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stacks),	     cmocka_unit_test(test_shared_beginnings),
		cmocka_unit_test(test_line_forms),   cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_huge_weights), cmocka_unit_test(test_nothing_usable),
		cmocka_unit_test(test_unreadable),   cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_one_process),  cmocka_unit_test(test_hostile_bytes),
		cmocka_unit_test(test_name_lengths), cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_overlong),     cmocka_unit_test(test_refill),
		cmocka_unit_test(test_pipe),	     cmocka_unit_test(test_adds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

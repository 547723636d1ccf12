/* test_writers.c - folded and plain text, the hottest functions, the choice of a format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "output/output.h"
#include "profile/folded.h"

#define UNUSED __attribute__((unused))

static struct ft_profile *profile_read(const char *text, size_t len)
{
	struct ft_profile *profile = ft_profile_new();
	struct ft_folded_stats stats;
	int fd = memfd_create("folded", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(ft_folded_read(fd, "input", profile, &stats, NULL), 0);
	close(fd);
	return profile;
}

/* Adds a stack given as frames; returns its node. */
static u32 stack_add(struct ft_profile *profile, const struct ft_frame *frames, size_t len,
		     u64 weight)
{
	u32 node = FT_TREE_ROOT;

	for (size_t i = 0; i < len; i++)
		node = ft_tree_child(profile->tree, node, ft_profile_frame(profile, &frames[i]));
	ft_tree_add(profile->tree, node, weight);
	return node;
}

static struct ft_frame frame_of(struct ft_profile *profile, const char *name,
				enum ft_frame_kind kind)
{
	return (struct ft_frame){.name = ft_strtab_add(profile->strings, name, strlen(name)),
				 .kind = (u8)kind};
}

/* What a format makes of a profile; for the caller to free. */
static char *written(const struct ft_profile *profile, const char *format,
		     const struct ft_write_opts *opts)
{
	const struct ft_writer *writer;
	struct ft_out *out = ft_out_new_memory();
	const char *data;
	size_t len;
	char *text;

	assert_int_equal(ft_writer_find("x", format, &writer, NULL), 0);
	assert_int_equal(writer->write(profile, opts, out), 0);
	data = ft_out_memory(out, &len);
	text = calloc(1, len + 1);
	memcpy(text, data, len);
	ft_out_close(out);
	return text;
}

static void assert_folded(const struct ft_profile *profile, bool annotate, const char *expected)
{
	struct ft_write_opts opts = {.annotate = annotate};
	char *text = written(profile, "folded", &opts);

	assert_string_equal(text, expected);
	free(text);
}

static void test_folded_round_trip(void **state UNUSED)
{
	/* As "LC_ALL=C sort" has the stacks: ';' after blank, '(' and digits. */
	static const char text[] = "app 1\n"
				   "app two 3\n"
				   "app two;f 4\n"
				   "app(x);y 5\n"
				   "app;[libc.so.6+0x12] 6\n"
				   "app;a::b<c d>(e) 7\n"
				   "app;main 8\n"
				   "app;main2;z 12\n"
				   "app;main;go_[j] 9\n"
				   "app;main;in_[i] 10\n"
				   "app;main;sys_read_[k] 18446744073709551615\n"
				   "app;main;sys_read_[k];copy_[k] 11\n"
				   "app;\xc3\xa4\xff 13\n"
				   "appl 14\n";
	struct ft_profile *profile = profile_read(text, sizeof(text) - 1);

	assert_folded(profile, true, text);
	ft_profile_free(profile);
}

static int line_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Whatever the order of insertion, and as a plain sort of the stacks. */
static void test_folded_order(void **state UNUSED)
{
	enum { COUNT = 400 };
	static const char *const parts[] = {"a", "a b", "ab", "a:", "a<", "b", "a.", "a(", "c-"};
	char *lines[COUNT], *expected = calloc(COUNT, 80), *text = calloc(COUNT, 80), *at = text;
	size_t count = 0;
	u32 seed = 7;

	while (count < COUNT) {
		char line[80] = "";
		size_t same;

		for (int depth = 0; !depth || (depth < 5 && seed >> 30); depth++) {
			seed = seed * 1664525 + 1013904223;
			strcat(line, depth ? ";" : "");
			strcat(line, parts[(seed >> 16) % FT_ARRAY_LEN(parts)]);
		}
		seed = seed * 1664525 + 1013904223;
		for (same = 0; same < count && strcmp(lines[same], line); same++)
			;
		if (same == count)
			lines[count++] = ft_strdup(line);
	}
	for (size_t i = 0; i < count; i++)
		at += sprintf(at, "%s 3\n", lines[i]);
	qsort(lines, count, sizeof(*lines), line_compare);
	at = expected;
	for (size_t i = 0; i < count; i++) {
		at += sprintf(at, "%s 3\n", lines[i]);
		free(lines[i]);
	}
	struct ft_profile *profile = profile_read(text, strlen(text));

	assert_folded(profile, true, expected);
	ft_profile_free(profile);
	free(text);
	free(expected);
}

/* Names cannot end a frame, a line, or make a comment of it. */
static void test_folded_escapes(void **state UNUSED)
{
	struct ft_profile *p = ft_profile_new();
	const struct ft_frame frames[] = {
		frame_of(p, "#app", FT_FRAME_PROCESS),
		frame_of(p, "a;b\nc\rd\te\x1b[1m\x7f\xc2\x9b!", FT_FRAME_USER),
		frame_of(p, "", FT_FRAME_USER),
		frame_of(p, "#tag", FT_FRAME_USER),
	};

	stack_add(p, frames, 4, 3);
	assert_folded(p, false, "?app;a:b?c?d?e?[1m\?\?!;?;#tag 3\n");
	ft_profile_free(p);
}

static void test_folded_nul(void **state UNUSED)
{
	struct ft_profile *p = ft_profile_new();
	const struct ft_frame frame = {.name = ft_strtab_add(p->strings, "a\0b", 3)};

	stack_add(p, &frame, 1, 3);
	assert_folded(p, false, "a?b 3\n");
	ft_profile_free(p);
}

/* Frames that read the same are one, though module, kind or what was replaced differ. */
static void test_folded_merges(void **state UNUSED)
{
	struct ft_profile *p = ft_profile_new();
	struct ft_frame app = frame_of(p, "app", FT_FRAME_PROCESS);
	struct ft_frame f = frame_of(p, "f", FT_FRAME_USER), f_lib = f, f_in = f, f_kernel = f;
	struct ft_frame x = frame_of(p, "x:", FT_FRAME_USER), y = frame_of(p, "x;", FT_FRAME_USER);
	struct ft_frame hash = frame_of(p, "#", FT_FRAME_PROCESS);
	struct ft_frame mark = frame_of(p, "?", FT_FRAME_PROCESS);

	f_lib.module = ft_strtab_add(p->strings, "lib.so", 6);
	f_in.inlined = true;
	f_kernel.kind = FT_FRAME_KERNEL;
	stack_add(p, (struct ft_frame[]){app, f_kernel, x}, 3, 1);
	stack_add(p, (struct ft_frame[]){app, f, y}, 3, 2);
	stack_add(p, (struct ft_frame[]){app, f_lib, x}, 3, 4);
	stack_add(p, (struct ft_frame[]){app, f_in}, 2, 8);
	stack_add(p, (struct ft_frame[]){app, f_lib}, 2, 16);
	stack_add(p, &hash, 1, 32);
	stack_add(p, &mark, 1, 64);
	assert_folded(p, false, "? 96\napp;f 24\napp;f;x: 7\n");
	assert_folded(p, true, "? 96\napp;f 16\napp;f;x: 6\napp;f_[i] 8\napp;f_[k];x: 1\n");
	ft_profile_free(p);
}

static void test_folded_empty(void **state UNUSED)
{
	struct ft_profile *p = ft_profile_new();
	struct ft_frame app = frame_of(p, "app", FT_FRAME_PROCESS);

	assert_folded(p, true, "");
	stack_add(p, &app, 1, 0);
	assert_folded(p, true, "");
	ft_profile_free(p);
}

/* A stack of 10,000 frames with a line at each depth below the first 9,990. */
static void test_folded_deep(void **state UNUSED)
{
	enum { DEPTH = 10000 };
	struct ft_profile *p = ft_profile_new(), *again;
	struct ft_write_opts opts = {.annotate = true};
	char *first, *second;
	u32 node = FT_TREE_ROOT;

	for (int i = 0; i < DEPTH; i++) {
		char name[16];
		struct ft_frame frame;

		sprintf(name, "f%d", i % 7);
		frame = frame_of(p, name, i ? FT_FRAME_USER : FT_FRAME_PROCESS);
		node = ft_tree_child(p->tree, node, ft_profile_frame(p, &frame));
		if (i >= 9990)
			ft_tree_add(p->tree, node, 1);
	}
	first = written(p, "folded", &opts);
	assert_true(strlen(first) > 10 * 9990 * 3);
	again = profile_read(first, strlen(first));
	assert_int_equal(ft_tree_count(again->tree), DEPTH + 1);
	second = written(again, "folded", &opts);
	assert_string_equal(first, second);
	free(first);
	free(second);
	ft_profile_free(again);
	ft_profile_free(p);
}

static const struct ft_top_row *row_of(const struct ft_profile *profile,
				       const struct ft_top_row *rows, int count, const char *name)
{
	for (int i = 0; i < count; i++) {
		if (!strcmp(ft_strtab_str(profile->strings, rows[i].name), name))
			return &rows[i];
	}
	fail_msg("no row for %s", name);
	return NULL;
}

static void test_top_totals(void **state UNUSED)
{
	static const char text[] = "app;main;f 1\n"
				   "app;main;f;g;f 2\n"	  /* recursion counts once */
				   "app;main;f;f_[i] 4\n" /* an inlined copy is the same function */
				   "app;main;g 8\n"
				   "app;f 16\n"
				   "app 32\n"
				   "app;zero 0\n";
	struct ft_profile *p = profile_read(text, sizeof(text) - 1);
	const struct ft_top_row *row;
	struct ft_top_row *rows;
	int count = ft_top_functions(p, 100, &rows);

	assert_int_equal(count, 3); /* no process, nothing without weight */
	row = row_of(p, rows, count, "f");
	assert_ptr_equal(row, &rows[0]);
	assert_int_equal(row->self, 1 + 2 + 4 + 16);
	assert_int_equal(row->total, 1 + 2 + 4 + 16);
	row = row_of(p, rows, count, "g");
	assert_int_equal(row->self, 8);
	assert_int_equal(row->total, 2 + 8);
	row = row_of(p, rows, count, "main");
	assert_int_equal(row->self, 0);
	assert_int_equal(row->total, 1 + 2 + 4 + 8);
	free(rows);
	ft_profile_free(p);
}

/* The order: self, total, name; the first few of many are the first of all. */
static void test_top_order(void **state UNUSED)
{
	enum { COUNT = 300 };
	char *text = calloc(COUNT, 40), *at = text;
	struct ft_top_row *all, *few;
	struct ft_profile *p;

	for (int i = 0; i < COUNT; i++)
		at += sprintf(at, "app;caller%d;leaf%d %d\n", i * 7 % 50, i * 11 % COUNT, i % 5);
	p = profile_read(text, strlen(text));
	assert_int_equal(ft_top_functions(p, UINT32_MAX, &all), 40 + COUNT * 4 / 5);
	for (int i = 1; i < 40 + COUNT * 4 / 5; i++) {
		const struct ft_top_row *a = &all[i - 1], *b = &all[i];

		assert_true(a->self >= b->self);
		if (a->self == b->self)
			assert_true(a->total >= b->total);
		if (a->self == b->self && a->total == b->total)
			assert_true(strcmp(ft_strtab_str(p->strings, a->name),
					   ft_strtab_str(p->strings, b->name)) < 0);
	}
	for (u32 count = 1; count < 100; count++) {
		assert_int_equal(ft_top_functions(p, count, &few), count);
		for (u32 i = 0; i < count; i++) {
			assert_int_equal(few[i].name, all[i].name);
			assert_int_equal(few[i].self, all[i].self);
			assert_int_equal(few[i].total, all[i].total);
		}
		free(few);
	}
	assert_int_equal(ft_top_functions(p, 0, &few), 0);
	free(few);
	free(all);
	free(text);
	ft_profile_free(p);
}

static void test_top_saturates(void **state UNUSED)
{
	static const char text[] = "app;f;g 18446744073709551615\napp;f;h 18446744073709551615\n"
				   "app;f;k;h 5\napp;f;m 7\n";
	struct ft_profile *p = profile_read(text, sizeof(text) - 1);
	struct ft_top_row *rows;
	int count = ft_top_functions(p, 10, &rows);

	assert_true(row_of(p, rows, count, "f")->total == UINT64_MAX);
	assert_true(row_of(p, rows, count, "h")->self == UINT64_MAX);
	assert_true(row_of(p, rows, count, "k")->total == 5);
	assert_true(row_of(p, rows, count, "m")->total == 7);
	free(rows);
	ft_profile_free(p);
}

static void test_top_empty(void **state UNUSED)
{
	struct ft_profile *p = ft_profile_new();
	struct ft_top_row *rows;

	assert_int_equal(ft_top_functions(p, 10, &rows), 0);
	free(rows);
	ft_profile_free(p);
}

static void test_text(void **state UNUSED)
{
	static const char text[] = "app;main;work 750\napp;main;sys_read_[k] 249\napp;main 1\n";
	struct ft_profile *p = profile_read(text, sizeof(text) - 1);
	struct ft_write_opts opts = {.annotate = false};
	char *got;

	p->title = ft_strdup("app, 10 s");
	got = written(p, "txt", &opts);
	assert_string_equal(got, "app, 10 s\n"
				 "1000 samples, 3 stacks, 3 functions\n"
				 "\n"
				 " self  self%  total  total%  module    function\n"
				 "  750  75.0%    750   75.0%  -         work\n"
				 "  249  24.9%    249   24.9%  [kernel]  sys_read\n"
				 "    1   0.1%   1000  100.0%  -         main\n");
	free(got);
	opts.title = "other";
	got = written(p, "txt", &opts);
	assert_memory_equal(got, "other\n1000 ", 11);
	free(got);
	ft_profile_free(p);
}

static void test_text_quality(void **state UNUSED)
{
	struct ft_profile *p = profile_read("app;f 2\n", 8);
	struct ft_write_opts opts = {.annotate = false};
	char *got;

	p->unit = FT_UNIT_MICROSECONDS;
	p->has_quality = true;
	p->quality.user_stacks = 3;
	p->quality.ends[FT_END_ROOT] = 2;
	p->quality.frames = 8;
	p->quality.frames_named = 7;
	p->quality.lost_scratch = 5;
	got = written(p, "txt", &opts);
	assert_memory_equal(got, "2 us, 1 stack, 1 function\n", 26);
	assert_non_null(strstr(got, " 66.7% of user stacks reached their root\n"));
	assert_non_null(strstr(got, " 87.5% of frames have a symbol\n"));
	assert_non_null(strstr(got, "\n5 samples or events were lost\n"));
	free(got);
	ft_profile_free(p);
}

/* No name moves the cursor, starts a line or turns the direction of text. */
static void test_text_hostile(void **state UNUSED)
{
	struct ft_profile *p = ft_profile_new();
	struct ft_frame f = frame_of(p,
				     "a\x1b]0;x\x07\nb\xe2\x80\xae"
				     "c\xc2\x85\xff\xc3\xa4",
				     FT_FRAME_USER);
	struct ft_write_opts opts = {.title = "t\n\x1b[2J"};
	char *got;

	f.module = ft_strtab_add(p->strings, "m\r\xc3\xa9", 4);
	stack_add(p, &f, 1, 1);
	got = written(p, "txt", &opts);
	assert_non_null(strstr(got, "  m?\xc3\xa9     a?]0;x\?\?b?c\?\?\xc3\xa4\n"));
	assert_memory_equal(got, "t\?\?[2J\n1 sample", 15);
	free(got);
	ft_profile_free(p);
}

static void test_text_many(void **state UNUSED)
{
	char *text = calloc(1000, 24), *at = text, *got;
	struct ft_write_opts opts = {.annotate = false};
	struct ft_profile *p;
	int lines = 0;

	for (int i = 0; i < 1000; i++)
		at += sprintf(at, "app;f%d %d\n", i, i + 1);
	p = profile_read(text, strlen(text));
	got = written(p, "txt", &opts);
	for (at = got; *at; at++)
		lines += *at == '\n';
	assert_int_equal(lines, 3 + 200 + 1);
	assert_non_null(strstr(got, "\n(800 more functions with less self weight)\n"));
	free(text);
	free(got);
	ft_profile_free(p);
}

static void test_find(void **state UNUSED)
{
	static const struct {
		const char *path, *format, *name;
	} cases[] = {
		{"x.svg", NULL, "svg"},	       {"a.b/x.folded", NULL, "folded"},
		{"x.txt", NULL, "txt"},	       {"-", NULL, "folded"},
		{"-", "txt", "txt"},	       {"x.svg", "folded", "folded"},
		{"noextension", "svg", "svg"}, {"x.folded.svg", NULL, "svg"},
	};
	const struct ft_writer *writer = NULL;
	struct ft_err err;

	for (size_t i = 0; i < FT_ARRAY_LEN(cases); i++) {
		assert_int_equal(ft_writer_find(cases[i].path, cases[i].format, &writer, &err), 0);
		assert_string_equal(writer->name, cases[i].name);
	}
	writer = NULL;
	assert_int_equal(ft_writer_find("x.png", NULL, &writer, &err), -EINVAL);
	assert_non_null(strstr(err.text, "x.png"));
	assert_non_null(strstr(err.text, ".svg, .html, .folded, .txt"));
	assert_int_equal(ft_writer_find("svg", NULL, &writer, &err), -EINVAL);
	assert_int_equal(ft_writer_find("x.svg", "png", &writer, &err), -EINVAL);
	assert_non_null(strstr(err.text, "svg, html, folded, txt"));
	assert_null(writer);
}

static void test_all(void **state UNUSED)
{
	const struct ft_writer *const *all = ft_writer_all();

	assert_non_null(all[0]);
	for (int i = 0; all[i]; i++) {
		assert_int_equal(all[i]->extension[0], '.');
		assert_true(all[i]->summary[0] != '\0');
		assert_non_null(all[i]->write);
		for (int j = 0; j < i; j++) {
			assert_string_not_equal(all[i]->name, all[j]->name);
			assert_string_not_equal(all[i]->extension, all[j]->extension);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folded_round_trip),
		cmocka_unit_test(test_folded_order),
		cmocka_unit_test(test_folded_escapes),
		cmocka_unit_test(test_folded_nul),
		cmocka_unit_test(test_folded_merges),
		cmocka_unit_test(test_folded_empty),
		cmocka_unit_test(test_folded_deep),
		cmocka_unit_test(test_top_totals),
		cmocka_unit_test(test_top_order),
		cmocka_unit_test(test_top_saturates),
		cmocka_unit_test(test_top_empty),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_quality),
		cmocka_unit_test(test_text_hostile),
		cmocka_unit_test(test_text_many),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_event_field.c - reading the format of a tracepoint's record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "sampler/event_field.h"

#define UNUSED __attribute__((unused))

static const char format[] = "name: kmalloc\nID: 500\nformat:\n"
			     "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
			     "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
			     "\n"
			     "\tfield:unsigned long call_site;\toffset:8;\tsize:8;\tsigned:0;\n"
			     "\tfield:const void * ptr;\toffset:16;\tsize:8;\tsigned:0;\n"
			     "\tfield:size_t bytes_alloc;\toffset:32;\tsize:8;\tsigned:0;\n"
			     "\tfield:char comm[16];\toffset:40;\tsize:16;\tsigned:0;\n"
			     "\tfield:__data_loc char[] name;\toffset:56;\tsize:4;\tsigned:0;\n"
			     "\tfield:int node;\toffset:60;\tsize:4;\tsigned:1;\n"
			     "\nprint fmt: \"field:%d\", REC->node\n";

static int parse(const char *text, const char *field, struct ft_event *event, struct ft_err *err)
{
	char *copy = ft_strdup(text);
	int code;

	*event = (struct ft_event){.category = "kmem", .tracepoint = "kmalloc"};
	snprintf(event->field, sizeof(event->field), "%s", field);
	code = ft_event_parse_format(copy, event, err);
	free(copy);
	return code;
}

static void test_numbers(void **state UNUSED)
{
	struct ft_event event;

	assert_int_equal(parse(format, "bytes_alloc", &event, NULL), 0);
	assert_int_equal(event.field_offset, 32);
	assert_int_equal(event.field_bytes, 8);
	assert_false(event.field_signed);
	assert_int_equal(ft_event_unit(&event), FT_UNIT_BYTES);
	assert_int_equal(parse(format, "node", &event, NULL), 0);
	assert_int_equal(event.field_offset, 60);
	assert_int_equal(event.field_bytes, 4);
	assert_true(event.field_signed);
	assert_int_equal(ft_event_unit(&event), FT_UNIT_UNITS);
}

static void test_refused(void **state UNUSED)
{
	static const char *const fields[] = {"nothing", "ptr",	      "comm", "comm[16]",
					     "name",	"common_pid", "",     "size_t"};

	for (size_t i = 0; i < FT_ARRAY_LEN(fields); i++) {
		struct ft_event event;
		struct ft_err err = {0};

		assert_int_equal(parse(format, fields[i], &event, &err), -EINVAL);
		assert_int_equal(event.field_bytes, 0);
		assert_non_null(strstr(err.text, "call_site, bytes_alloc, node"));
	}
}

static void test_damaged(void **state UNUSED)
{
	static const char *const lines[] = {
		"",
		"\tfield:",
		"\tfield:int x",
		"\tfield:int x;\toffset:4;\tsize:4;",
		"\tfield:int x;\toffset:;\tsize:4;\tsigned:1;",
		"\tfield:int x;\toffset:-4;\tsize:4;\tsigned:1;",
		"\tfield:int x;\toffset:99999999999;\tsize:4;\tsigned:1;",
		"\tfield:int x;\toffset:4;\tsize:3;\tsigned:1;",
		"\tfield:x;\toffset:4;\tsize:4;\tsigned:1;",
		"\tfield:int ;\toffset:4;\tsize:4;\tsigned:1;",
		"field:\toffset:4;\tsize:4;\tsigned:1;",
	};

	for (size_t i = 0; i < FT_ARRAY_LEN(lines); i++) {
		struct ft_event event;

		assert_int_equal(parse(lines[i], "x", &event, NULL), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

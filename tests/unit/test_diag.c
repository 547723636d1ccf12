/* test_diag.c - diagnostics of scripts: collected, counted, rendered with a caret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "scriptlang/syntax/diag.h"

#define UNUSED __attribute__((unused))

static const char text[] = "probe begin {\n\tx = }\n\x1b[31m y\n}";
static const struct ft_source source = {
	.name = "demo.stp",
	.text = text,
	.len = sizeof(text) - 1,
};

static void expect(const struct ft_diag *diag, const char *expected)
{
	struct ft_out *out = ft_out_new_memory();
	size_t len;

	ft_diag_render(diag, out);
	assert_string_equal(ft_out_memory(out, &len), expected);
	ft_out_close(out);
}

static void test_render(void **state UNUSED)
{
	struct ft_arena *arena = ft_arena_new(1 << 20);
	struct ft_diags diags = {.arena = arena};
	struct ft_span brace = {.source = &source, .at = 19, .len = 1};
	struct ft_span name = {.source = &source, .at = 15, .len = 1};
	struct ft_origin macro = {"@m", name};
	struct ft_diag *diag =
		ft_diag_add(&diags, FT_DIAG_PARSE, "expected", brace, "expected %s", "statement");

	diag->word = "operator";
	expect(diag, "parse error: expected statement\n"
		     "        saw: operator '}' at demo.stp:2:6\n"
		     "     source: \tx = }\n"
		     "             \t    ^\n");
	brace.via = &macro;
	diag = ft_diag_add(&diags, FT_DIAG_SEMANTIC, "type", brace, "type mismatch");
	diag->cause = ft_diag_add(&diags, FT_DIAG_NOTE, "note", (struct ft_span){0}, "because");
	expect(diag, "semantic error: type mismatch: demo.stp:2:6\n"
		     "        source: \tx = }\n"
		     "                \t    ^\n"
		     "        in expansion of '@m' at demo.stp:2:2\n"
		     "note: because\n");
	assert_int_equal(diags.errors, 2);
	assert_int_equal(diags.count, 3);
	ft_arena_free(arena);
}

/* Bytes that a terminal would obey are shown as '?'; places at and beyond the end are fine. */
static void test_hostile(void **state UNUSED)
{
	struct ft_arena *arena = ft_arena_new(1 << 20);
	struct ft_diags diags = {.arena = arena};
	struct ft_span escape = {.source = &source, .at = 21, .len = 5};
	struct ft_span end = {.source = &source, .at = sizeof(text) + 100, .len = 7};
	struct ft_diag *diag = ft_diag_add(&diags, FT_DIAG_WARNING, "w", escape, "bad \x1b[1m");

	diag->word = "junk";
	expect(diag, "WARNING: bad ?[1m: junk '?[31m' at demo.stp:3:1\n"
		     " source: ?[31m y\n"
		     "         ^\n");
	diag = ft_diag_add(&diags, FT_DIAG_PARSE, "end", end, "x");
	diag->word = "end of file";
	expect(diag, "parse error: x\n"
		     "        saw: end of file at demo.stp:4:2\n"
		     "     source: }\n"
		     "              ^\n");
	ft_arena_free(arena);
}

static void test_counting(void **state UNUSED)
{
	struct ft_arena *arena = ft_arena_new(1 << 20);
	struct ft_diags diags = {.arena = arena, .no_warnings = true};
	struct ft_span span = {.source = &source};

	ft_diag_add(&diags, FT_DIAG_WARNING, "w", span, "unseen");
	assert_int_equal(diags.count, 0);
	assert_int_equal(diags.warnings, 1);
	assert_int_equal(diags.errors, 0);
	ft_diag_add(&diags, FT_DIAG_PARSE, "e", span, "same");
	ft_diag_add(&diags, FT_DIAG_PARSE, "e", span, "same"); /* counts once */
	assert_int_equal(diags.errors, 1);
	for (u32 i = 0; i < 2 * FT_DIAGS_MAX; i++) {
		span.at = i;
		ft_diag_add(&diags, FT_DIAG_SEMANTIC, "e", span, "many");
	}
	assert_int_equal(diags.errors, 1 + 2 * FT_DIAGS_MAX);
	assert_int_equal(diags.count, FT_DIAGS_MAX);
	ft_arena_free(arena);

	arena = ft_arena_new(16); /* no room for records */
	diags = (struct ft_diags){.arena = arena, .fatal_warnings = true};
	ft_diag_add(&diags, FT_DIAG_WARNING, "w", span, "lost")->word = "string";
	assert_int_equal(diags.errors, 1);
	ft_arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_render),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_counting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_svg.c - the picture as bytes: well-formed for any names, the same for any order of building,
 * and saying what it should. How it behaves in a browser is tests/e2e/svg_browser.sh's affair.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "output/writers.h"

static void add_frames(struct ft_profile *p, const struct ft_frame *frames,
		       const char *const *names, u32 count, u64 weight)
{
	u32 node = FT_TREE_ROOT;

	for (u32 i = 0; i < count; i++) {
		struct ft_frame frame = frames[i];

		frame.name = ft_strtab_add(p->strings, names[i], strlen(names[i]));
		node = ft_tree_child(p->tree, node, ft_profile_frame(p, &frame));
	}
	ft_tree_add(p->tree, node, weight);
}

/* process;user */
static void add(struct ft_profile *p, const char *process, const char *user, u64 weight)
{
	static const struct ft_frame frames[] = {{.kind = FT_FRAME_PROCESS},
						 {.kind = FT_FRAME_USER}};
	const char *const names[] = {process, user};

	add_frames(p, frames, names, 2, weight);
}

/* The picture as a string; the caller frees it. */
static char *draw(const struct ft_profile *p, const struct ft_write_opts *opts)
{
	static const struct ft_write_opts plain;
	struct ft_out *out = ft_out_new_memory();
	const char *bytes;
	char *copy;
	size_t len;

	assert_int_equal(ft_writer_svg.write(p, opts ? opts : &plain, out), 0);
	bytes = ft_out_memory(out, &len);
	assert_null(memchr(bytes, 0, len));
	copy = calloc(1, len + 1);
	memcpy(copy, bytes, len);
	ft_out_close(out);
	return copy;
}

static u32 count_of(const char *text, const char *part)
{
	u32 n = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		n++;
	return n;
}

/*
 * Enough of XML to notice markup that was not meant: tags balance, attributes are quoted, text
 * holds no bare '&'.
 */
static void check_well_formed(const char *text)
{
	u32 depth = 0;

	while (*text) {
		if (!strncmp(text, "<![CDATA[", 9)) {
			text = strstr(text, "]]>");
			assert_non_null(text);
			text += 3;
		} else if (!strncmp(text, "<?", 2)) {
			text = strstr(text, "?>") + 2;
		} else if (*text == '<') {
			bool closing = text[1] == '/', quoted = false;

			for (text++; *text != '>' || quoted; text++) {
				assert_true(*text && *text != '<');
				quoted ^= *text == '"';
			}
			depth += closing ? -1u : text[-1] == '/' ? 0 : 1;
			assert_true(depth < 1000);
			text++;
		} else {
			assert_true(*text != '&' || strchr("agl#q", text[1]));
			assert_true((u8)*text >= 0x20 || *text == '\n');
			text++;
		}
	}
	assert_int_equal(depth, 0);
}

static void test_says_figures(void **state)
{
	struct ft_profile *p = ft_profile_new();
	char *svg;

	(void)state;
	add(p, "app", "work", 3000);
	add(p, "app", "rest", 1000);
	add(p, "tool", "work", 4000);
	svg = draw(p, NULL);
	check_well_formed(svg);
	assert_non_null(strstr(svg, ">8,000 samples \xC2\xB7 5 frames \xC2\xB7 depth 2</text>"));
	assert_non_null(strstr(svg, "<title>work\n3,000 samples \xC2\xB7 37.50 % of all \xC2\xB7 "
				    "75.00 % of parent \xC2\xB7 user</title>"));
	assert_non_null(strstr(svg, "<title>all\n8,000 samples \xC2\xB7 100.00 % of all</title>"));
	assert_non_null(strstr(svg, ">process</text>"));
	assert_non_null(strstr(svg, ">user</text>"));
	assert_null(strstr(svg, ">kernel</text>"));
	assert_int_equal(count_of(svg, "</title><rect x="), 6);
	assert_int_equal(count_of(svg, "</text></g>\n"),
			 6 + 2); /* all labels fit; two in the legend */
	free(svg);
	ft_profile_free(p);
}

static void test_same_bytes_in_any_order(void **state)
{
	struct ft_profile *a = ft_profile_new(), *b = ft_profile_new();
	char *one, *two;

	(void)state;
	add(a, "app", "work", 3);
	add(a, "app", "rest", 5);
	add(a, "tool", "work", 4);
	add(b, "tool", "work", 1);
	add(b, "app", "rest", 5);
	add(b, "tool", "work", 3);
	add(b, "app", "work", 3);
	one = draw(a, NULL);
	two = draw(b, NULL);
	assert_string_equal(one, two);
	free(one);
	free(two);
	ft_profile_free(a);
	ft_profile_free(b);
}

static void test_hostile_names(void **state)
{
	static const char *const names[] = {
		"<script>alert(1)</script>",
		"</title></g></svg>",
		"]]>",
		"\" onload=\"alert(1)",
		"'",
		"&amp;",
		"<!--",
		"\x01\x02\n\r\t",
		"\xFF\xFE\xED\xA0\x80",
		"\xEF\xBF\xBF",
		"\xE2\x80\xAE",
		"",
		"   ",
		"<![CDATA[",
	};
	struct ft_profile *p = ft_profile_new();
	char *big = malloc(20001), *svg;

	(void)state;
	memset(big, '<', 20000);
	big[20000] = '\0';
	for (u32 i = 0; i < FT_ARRAY_LEN(names); i++) {
		add(p, names[i], names[(i + 5) % FT_ARRAY_LEN(names)], 10);
		add(p, "wide", names[i], 1000);
	}
	add(p, big, big, 10000);
	p->title = strdup("<b>\x01title\"</b>");
	svg = draw(p, NULL);
	check_well_formed(svg);
	assert_int_equal(count_of(svg, "<script>"), 1);
	assert_int_equal(count_of(svg, "</script>"), 1);
	assert_int_equal(count_of(svg, "]]>"), 2);
	assert_int_equal(count_of(svg, "</svg>\n"), 1);
	assert_null(strstr(svg, "alert(1)<"));
	assert_non_null(strstr(svg, "&lt;script&gt;alert(1)&lt;/script&gt;"));
	free(svg);
	free(big);
	ft_profile_free(p);
}

/*
 * A frame's <title> is read by the script up to its line feed: a name must not bring one of its
 * own.
 */
static void test_one_line_feed_in_a_title(void **state)
{
	struct ft_profile *p = ft_profile_new();
	char *svg;

	(void)state;
	add(p, "p", "two\nlines", 1);
	svg = draw(p, NULL);
	assert_non_null(strstr(svg, "<title>two\xE2\x90\x8Alines\n1 sample \xC2\xB7 "));
	free(svg);
	ft_profile_free(p);
}

static void test_empty_profile(void **state)
{
	struct ft_profile *p = ft_profile_new();
	char *svg;

	(void)state;
	svg = draw(p, NULL);
	check_well_formed(svg);
	assert_non_null(strstr(svg, "No samples"));
	assert_null(strstr(svg, "<script>"));
	free(svg);
	add(p, "a", "b", 0);
	svg = draw(p, NULL);
	check_well_formed(svg);
	assert_non_null(strstr(svg, "No samples"));
	free(svg);
	ft_profile_free(p);
}

/* The y of the box whose title begins with name. */
static long row_of(const char *svg, const char *name)
{
	char key[64] = "<title>";
	const char *at = strstr(svg, strcat(strcat(key, name), "\n"));

	assert_non_null(at);
	at = strstr(at, " y=\"");
	return strtol(at + 4, NULL, 10);
}

static void test_icicle(void **state)
{
	struct ft_write_opts opts = {.icicle = true, .title = "my title"};
	struct ft_profile *p = ft_profile_new();
	char *flame, *icicle;

	(void)state;
	add(p, "app", "work", 1);
	flame = draw(p, NULL);
	icicle = draw(p, &opts);
	assert_true(row_of(flame, "all") > row_of(flame, "app"));
	assert_true(row_of(flame, "app") > row_of(flame, "work"));
	assert_true(row_of(icicle, "all") < row_of(icicle, "app"));
	assert_true(row_of(icicle, "app") < row_of(icicle, "work"));
	assert_non_null(strstr(icicle, "data-icicle=\"1\""));
	assert_non_null(strstr(icicle, "my title</text>"));
	free(flame);
	free(icicle);
	ft_profile_free(p);
}

static void test_units(void **state)
{
	struct ft_profile *p = ft_profile_new();
	char *svg;

	(void)state;
	add(p, "app", "work", 12345678);
	p->unit = FT_UNIT_MICROSECONDS;
	svg = draw(p, NULL);
	assert_non_null(strstr(svg, ">12.345 s \xC2\xB7 "));
	free(svg);
	p->unit = FT_UNIT_NANOSECONDS;
	svg = draw(p, NULL);
	assert_non_null(strstr(svg, ">12.345 ms \xC2\xB7 "));
	free(svg);
	p->unit = FT_UNIT_BYTES;
	svg = draw(p, NULL);
	assert_non_null(strstr(svg, ">11.773 MiB \xC2\xB7 "));
	free(svg);
	ft_profile_free(p);
}

static void test_no_script(void **state)
{
	struct ft_write_opts opts = {.no_script = true};
	struct ft_profile *p = ft_profile_new();
	char *svg;

	(void)state;
	add(p, "app", "work", 9000000);
	add(p, "app", "tiny", 100);
	svg = draw(p, &opts);
	check_well_formed(svg);
	assert_null(strstr(svg, "<script"));
	assert_null(strstr(svg, "<metadata"));
	assert_non_null(strstr(svg, ">1 frame is too narrow to be seen here</text>"));
	free(svg);
	ft_profile_free(p);
}

/* What a policy allows by its hash must not hang on the profile. */
static void test_same_script_and_style(void **state)
{
	struct ft_profile *a = ft_profile_new(), *b = ft_profile_new();
	static const char *const tags[][2] = {{"<style>", "</style>"}, {"<script>", "</script>"}};
	char *one, *two;

	(void)state;
	add(a, "app", "work", 3);
	add(b, "another", "std::x()", 12345);
	b->unit = FT_UNIT_BYTES;
	one = draw(a, NULL);
	two = draw(b, NULL);
	for (u32 i = 0; i < FT_ARRAY_LEN(tags); i++) {
		const char *x = strstr(one, tags[i][0]), *y = strstr(two, tags[i][0]);
		size_t len = (size_t)(strstr(x, tags[i][1]) - x);

		assert_true(len > 1000);
		assert_memory_equal(x, y, len);
	}
	free(one);
	free(two);
	ft_profile_free(a);
	ft_profile_free(b);
}

/* Frames of less than 3 px have no name of their own in the plain picture, but are in it. */
static void test_narrow_boxes(void **state)
{
	struct ft_profile *p = ft_profile_new();
	char *svg;

	(void)state;
	add(p, "app", "work", 1000);
	add(p, "app", "slim", 1);
	svg = draw(p, NULL);
	check_well_formed(svg);
	assert_null(strstr(svg, "slim"));
	assert_int_equal(count_of(svg, "<path class=\"u"), 1);
	assert_int_equal(count_of(svg, "v17h-"), 1);
	free(svg);
	ft_profile_free(p);
}

static void test_foot(void **state)
{
	struct ft_profile *p = ft_profile_new();
	char *svg, name[] = "n00000";

	(void)state;
	add(p, "app", "work", 9000000);
	add(p, "app", "tiny", 100);
	svg = draw(p, NULL);
	assert_non_null(strstr(svg, ">1 frame is too narrow to be seen here; a browser"));
	assert_null(strstr(svg, "tiny"));
	free(svg);
	for (u32 i = 0; i < 20000; i++) {
		for (u32 d = 0, rest = i; d < 5; d++, rest /= 10)
			name[5 - d] = (char)('0' + rest % 10);
		add(p, "app", name, 1);
	}
	p->has_quality = true;
	p->quality = (struct ft_quality){.user_stacks = 200,
					 .ends[FT_END_ROOT] = 199,
					 .frames = 1000,
					 .frames_named = 900,
					 .lost_user = 2};
	svg = draw(p, NULL);
	check_well_formed(svg);
	assert_non_null(strstr(svg, ">20,001 frames are too narrow to be seen here; "));
	assert_non_null(strstr(svg, ">99.50 % of 200 user stacks reached a root \xC2\xB7 10.00 % "
				    "of frames have no symbol "
				    "\xC2\xB7 2 samples or events lost</text>"));
	free(svg);
	ft_profile_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_says_figures),
		cmocka_unit_test(test_same_bytes_in_any_order),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_one_line_feed_in_a_title),
		cmocka_unit_test(test_empty_profile),
		cmocka_unit_test(test_icicle),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_no_script),
		cmocka_unit_test(test_same_script_and_style),
		cmocka_unit_test(test_narrow_boxes),
		cmocka_unit_test(test_foot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_escape.c - any bytes become UTF-8 that XML 1.0 allows, markup becomes references, labels are
 * cut between characters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "output/escape.h"

/* A string and its length, which may count NUL bytes. */
#define S(TEXT) (TEXT), sizeof(TEXT) - 1

static void expect(const char *in, size_t in_len, const char *want)
{
	struct ft_out *out = ft_out_new_memory();
	const char *got;
	size_t len;

	ft_escape_xml(out, in, in_len);
	got = ft_out_memory(out, &len);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(got, want, len);
	ft_out_close(out);
}

static void test_markup(void **state)
{
	(void)state;
	expect(S(""), "");
	expect(S("plain text;"), "plain text;");
	expect(S("<script>alert(1)</script>"), "&lt;script&gt;alert(1)&lt;/script&gt;");
	expect(S("\"a\" 'b' & ]]>"), "&quot;a&quot; &#39;b&#39; &amp; ]]&gt;");
	expect(S("&amp;"), "&amp;amp;");
}

static void test_control_bytes(void **state)
{
	(void)state;
	expect(S("a\0b"), "a\xE2\x90\x80"
			  "b");
	expect(S("\t\n\r"), "\xE2\x90\x89\xE2\x90\x8A\xE2\x90\x8D");
	expect(S("\x1b[31m\x7f"), "\xE2\x90\x9B[31m\xE2\x90\xA1");
	expect(S("\xC2\x85"), "\xEF\xBF\xBD"); /* a C1 control */
}

static void test_valid_utf8(void **state)
{
	(void)state;
	expect(S("\xC3\xA9\xE6\xBC\xA2\xF0\x9F\x94\xA5"), "\xC3\xA9\xE6\xBC\xA2\xF0\x9F\x94\xA5");
	expect(S("\xF4\x8F\xBF\xBD"), "\xF4\x8F\xBF\xBD"); /* U+10FFFD */
}

static void test_invalid_utf8(void **state)
{
	(void)state;
	expect(S("a\xFFz"), "a\xEF\xBF\xBDz");
	expect(S("\xC0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD");
	expect(S("\xE2\x82"), "\xEF\xBF\xBD"); /* cut: one for the whole part */
	expect(S("\xE2\x82<"), "\xEF\xBF\xBD&lt;");
	expect(S("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"); /* a surrogate */
	expect(S("\xF4\x90\x80\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
	expect(S("\xEF\xBF\xBE\xEF\xBF\xBF"), "\xEF\xBF\xBD\xEF\xBF\xBD"); /* U+FFFE, U+FFFF */
	expect(S("\xE2\x80\xAE"), "\xEF\xBF\xBD"); /* right-to-left override */
}

/*
 * The reverse of the encoder, written apart from it: strict UTF-8 of XML characters other than
 * markup.
 */
static void check_xml_chars(const char *text, size_t len)
{
	const u8 *p = (const u8 *)text, *end = p + len;

	while (p < end) {
		u32 c = *p++, more = c < 0x80 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
		static const u32 least[] = {0x20, 0x80, 0x800, 0x10000};

		assert_true(c < 0x80 || (c >= 0xC2 && c <= 0xF4));
		assert_true((size_t)(end - p) >= more);
		if (more)
			c &= 0x3Fu >> more;
		for (u32 i = 0; i < more; i++) {
			assert_int_equal(*p & 0xC0, 0x80);
			c = c << 6 | (*p++ & 0x3Fu);
		}
		assert_true(c >= least[more] && c <= 0x10FFFF);
		assert_false(c >= 0xD800 && c <= 0xDFFF);
		assert_false(c == 0xFFFE || c == 0xFFFF || (c >= 0x7F && c < 0xA0));
		assert_false(c == '<' || c == '>' || c == '"' || c == '\'');
	}
}

/* Every start byte with every second byte, and tails that complete, cut or break the sequence. */
static void test_every_pair_of_bytes(void **state)
{
	static const char *const tails[] = {"",	     "\x80", "\xBF\xBF",
					    "A\x80", "\xFF", "\x80\x80\x80"};

	(void)state;
	for (u32 n = 0; n < 65536u * FT_ARRAY_LEN(tails); n++) {
		const char *tail = tails[n >> 16], *got;
		char in[8] = {(char)(n >> 8 & 0xFF), (char)(n & 0xFF)};
		struct ft_out *out;
		size_t len;

		if (n % 7 && (n >> 8 & 0xFF) < 0x80) /* ASCII first: a sample will do */
			continue;
		for (size_t i = 0; tail[i]; i++)
			in[2 + i] = tail[i];
		out = ft_out_new_memory();
		ft_escape_xml(out, in, 2 + strlen(tail));
		got = ft_out_memory(out, &len);
		check_xml_chars(got, len);
		ft_out_close(out);
	}
}

static void test_fit(void **state)
{
	bool odd = false;

	(void)state;
	assert_int_equal(ft_escape_fit(S("hello"), 5, &odd), 5);
	assert_int_equal(ft_escape_fit(S("hello"), 3, &odd), 3);
	assert_int_equal(ft_escape_fit(S("hello"), 0, &odd), 0);
	assert_int_equal(ft_escape_fit(S("a\xFF\xE2\x82z"), 3, &odd),
			 4); /* two broken parts, a column each */
	assert_int_equal(ft_escape_fit(S("\xC3\xA9\xC3\xA9"), 1, &odd), 2);
	assert_false(odd);
	assert_int_equal(ft_escape_fit(S("\xE6\xBC\xA2\xE5\xAD\x97"), 3, &odd),
			 3); /* wide letters */
	assert_true(odd);
	odd = false;
	ft_escape_fit(S("abc\xE6\xBC\xA2"), 3, &odd);
	assert_false(odd); /* the wide letter was cut off */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_markup),
		cmocka_unit_test(test_control_bytes),
		cmocka_unit_test(test_valid_utf8),
		cmocka_unit_test(test_invalid_utf8),
		cmocka_unit_test(test_every_pair_of_bytes),
		cmocka_unit_test(test_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

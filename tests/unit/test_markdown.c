/* test_markdown.c - notes become HTML; markup and odd links in them stay text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "output/markdown.h"
#include "output/sha256.h"

static void check(const char *markdown, const char *html)
{
	struct ft_out *out = ft_out_new_memory();
	char *copy = malloc(strlen(markdown) ? strlen(markdown) : 1), *got;
	const char *bytes;
	size_t len;

	/* not NUL-terminated: reading beyond the end is found by AddressSanitizer */
	memcpy(copy, markdown, strlen(markdown));
	ft_markdown_html(out, copy, strlen(markdown));
	bytes = ft_out_memory(out, &len);
	got = calloc(1, len + 1);
	memcpy(got, bytes, len);
	assert_string_equal(got, html);
	free(copy);
	free(got);
	ft_out_close(out);
}

static void test_blocks(void **state)
{
	(void)state;
	check("# One\ntext\nmore\n\n## Two", "<h2>One</h2>\n<p>text\nmore</p>\n<h3>Two</h3>\n");
	check("- a\n- b\n\n1. c\n2. d\n",
	      "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n<ol>\n<li>c</li>\n<li>d</li>\n</ol>\n");
	check("> q\n> r\n", "<blockquote><p>q\nr</p></blockquote>\n");
	check("```c\na < *b*;\n```\n", "<pre><code>a &lt; *b*;\n</code></pre>\n");
	check("```\nopen", "<pre><code>open\n</code></pre>\n");
	check("a\n---\nb\r\n", "<p>a</p>\n<hr>\n<p>b</p>\n");
	check("#no heading\n####### neither", "<p>#no heading\n####### neither</p>\n");
	check("---", "<hr>\n");
	check("", "");
}

static void test_spans(void **state)
{
	(void)state;
	check("a `b*c*` *d* **e *f***",
	      "<p>a <code>b*c*</code> <em>d</em> <strong>e *f</strong>*</p>\n");
	check("[w](https://x/?a=1&b=\"2\")",
	      "<p><a rel=\"noreferrer\" href=\"https://x/?a=1&amp;b=&quot;2&quot;\">w</a></p>\n");
	check("[w](#z=a;b)", "<p><a rel=\"noreferrer\" href=\"#z=a;b\">w</a></p>\n");
	check("\\*a\\* 2 * 3 * 4 `", "<p>*a* 2 * 3 * 4 `</p>\n");
}

static void test_hostile(void **state)
{
	(void)state;
	check("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n");
	check("[w](javascript:alert(1))", "<p>[w](javascript:alert(1))</p>\n");
	check("[w](data:text/html,x)", "<p>[w](data:text/html,x)</p>\n");
	check("[](https://x)\n[a]( https://x)", "<p>[](https://x)\n[a]( https://x)</p>\n");
	check("\x01\xFF\\", "<p>\xE2\x90\x81\xEF\xBF\xBD\\</p>\n");
}

/* Each open mark would look for its end through all of the text. */
static void test_long_line(void **state)
{
	size_t len = 1 << 20;
	char *text = malloc(len);
	struct ft_out *out = ft_out_new_memory();

	(void)state;
	for (size_t i = 0; i < len; i++)
		text[i] = "[*`"[i % 3];
	ft_markdown_html(out, text, len);
	ft_out_close(out);
	free(text);
}

static void test_sha256(void **state)
{
	static const struct {
		const char *text;
		u8 begin[4];
	} cases[] = {
		{"", {0xe3, 0xb0, 0xc4, 0x42}},
		{"abc", {0xba, 0x78, 0x16, 0xbf}},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		 {0x24, 0x8d, 0x6a, 0x61}},
	};
	u8 digest[FT_SHA256_BYTES];

	(void)state;
	for (u32 i = 0; i < FT_ARRAY_LEN(cases); i++) {
		ft_sha256(cases[i].text, strlen(cases[i].text), digest);
		assert_memory_equal(digest, cases[i].begin, 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),	cmocka_unit_test(test_spans),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_sha256),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

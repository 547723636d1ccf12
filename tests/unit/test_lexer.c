/* test_lexer.c - from the text of a script to tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scriptlang/syntax/token.h"

#define UNUSED __attribute__((unused))

struct lexed {
	struct ft_arena *arena;
	struct ft_source source;
	struct ft_tokens tokens;
};

static void lex_args(struct lexed *l, const char *text, size_t len,
		     const struct ft_script_args *args)
{
	l->arena = ft_arena_new(64 << 20);
	l->source = (struct ft_source){.name = "test.stp", .text = text, .len = (u32)len};
	l->tokens = (struct ft_tokens){0};
	assert_int_equal(ft_lexer_run(&l->source, args, l->arena, &l->tokens), 0);
	if (!l->tokens.count || !l->tokens.items)
		abort();
	assert_int_equal(l->tokens.items[l->tokens.count - 1].kind, FT_TOKEN_END);
}

static void lex(struct lexed *l, const char *text)
{
	lex_args(l, text, strlen(text), NULL);
}

static void done(struct lexed *l)
{
	ft_arena_free(l->arena);
}

/* The tokens joined by '|', texts as they are; junk in <>, strings in "". */
static void expect_args(const char *text, const struct ft_script_args *args, const char *expected)
{
	char got[2000] = "";
	struct lexed l;

	lex_args(&l, text, strlen(text), args);
	for (u32 i = 0; i + 1 < l.tokens.count; i++) {
		const struct ft_token *t = &l.tokens.items[i];
		const char *open = "", *close = "";
		size_t at = strlen(got);

		assert_int_equal(strlen(t->text), t->len);
		if (t->kind == FT_TOKEN_STRING)
			open = close = "\"";
		if (t->kind == FT_TOKEN_JUNK) {
			open = "<";
			close = ">";
		}
		snprintf(got + at, sizeof(got) - at, "%s%s%s%s", i ? "|" : "", open, t->text,
			 close);
	}
	assert_string_equal(got, expected);
	done(&l);
}

static void expect(const char *text, const char *expected)
{
	expect_args(text, NULL, expected);
}

static void test_words(void **state UNUSED)
{
	struct lexed l;

	expect("", "");
	expect("probe begin{exit()}", "probe|begin|{|exit|(|)|}");
	expect("_a1 $x $x$$ a$b @count @define", "_a1|$x|$x$$|a$b|@count|@define");
	expect("foreachx iff", "foreachx|iff");
	lex(&l, "foreach @avg x 7 \"s\" += $v");
	assert_int_equal(l.tokens.items[0].kind, FT_TOKEN_FOREACH);
	assert_int_equal(l.tokens.items[1].kind, FT_TOKEN_AT_WORD);
	assert_int_equal(l.tokens.items[2].kind, FT_TOKEN_IDENTIFIER);
	assert_int_equal(l.tokens.items[3].kind, FT_TOKEN_NUMBER);
	assert_int_equal(l.tokens.items[4].kind, FT_TOKEN_STRING);
	assert_int_equal(l.tokens.items[5].kind, FT_TOKEN_ADD_ASSIGN);
	assert_int_equal(l.tokens.items[6].kind, FT_TOKEN_IDENTIFIER);
	assert_string_equal(ft_token_word(&l.tokens.items[0]), "keyword");
	assert_string_equal(ft_token_word(&l.tokens.items[1]), "operator");
	assert_string_equal(ft_token_word(&l.tokens.items[2]), "identifier");
	assert_string_equal(ft_token_word(&l.tokens.items[3]), "number");
	assert_string_equal(ft_token_word(&l.tokens.items[4]), "string");
	assert_string_equal(ft_token_word(&l.tokens.items[5]), "operator");
	assert_string_equal(ft_token_word(&l.tokens.items[7]), "end of file");
	assert_string_equal(ft_token_spelling(FT_TOKEN_FEED), "<<<");
	done(&l);
}

/* The longest operator wins, wherever one begins another. */
static void test_operators(void **state UNUSED)
{
	expect("a<<<b<<c<d<<=e<=f", "a|<<<|b|<<|c|<|d|<<=|e|<=|f");
	expect("a>>>b>>c>d>>=e>=f", "a|>>>|b|>>|c|>|d|>>=|e|>=|f");
	expect("+++=+ ---=->- ", "++|+=|+|--|-=|->|-");
	expect("*=*/=/ %= .=.", "*=|*|/=|/|%=|.=|.");
	expect("&&&=& |||=| ^=^", "&&|&=|&|||||=|||^=|^");
	expect("===!=!=~!~~!", "==|=|!=|!=|~|!~|~|!");
	expect("%(%?%:%)%", "%(|%?|%:|%)|%");
	expect("()[]{},;:?@", "(|)|[|]|{|}|,|;|:|?|@");
}

static void test_comments(void **state UNUSED)
{
	struct lexed l;

	expect("a # b\nc // d\ne /* f\n * / g */ h", "a|c|e|h");
	expect("a/**/b/***/c", "a|b|c");
	expect("#!/usr/bin/stap\nx", "x");
	expect("a / b", "a|/|b");
	expect("\"#//\" /*\"*/ x", "\"#//\"|x");
	expect("a /* b", "a|<could not find the end of the comment>");
	lex(&l, "a.b c/**/d\te");
	assert_false(l.tokens.items[0].after_space);
	assert_false(l.tokens.items[1].after_space);
	assert_false(l.tokens.items[2].after_space);
	assert_true(l.tokens.items[3].after_space);
	assert_true(l.tokens.items[4].after_space);
	assert_true(l.tokens.items[5].after_space);
	done(&l);
}

static void test_numbers(void **state UNUSED)
{
	static const struct {
		const char *text;
		s64 value;
	} good[] = {
		{"0", 0},
		{"42", 42},
		{"017", 15},
		{"0x1F", 31},
		{"0XfF", 255},
		{"00", 0},
		{"9223372036854775807", INT64_MAX},
		{"9223372036854775808", INT64_MIN},
		{"18446744073709551615", -1},
		{"0xffffffffffffffff", -1},
		{"01777777777777777777777", -1},
	};
	static const char *const bad[] = {
		"18446744073709551616",
		"0x10000000000000000",
		"02000000000000000000000",
		"08",
		"0x",
		"12ab",
		"0b11",
		"1_000",
		"99999999999999999999999999999999",
	};

	for (size_t i = 0; i < FT_ARRAY_LEN(good); i++) {
		struct lexed l;

		lex(&l, good[i].text);
		assert_int_equal(l.tokens.items[0].kind, FT_TOKEN_NUMBER);
		assert_true(l.tokens.items[0].number == good[i].value);
		assert_string_equal(l.tokens.items[0].text, good[i].text);
		done(&l);
	}
	for (size_t i = 0; i < FT_ARRAY_LEN(bad); i++)
		expect(bad[i], "<number invalid>");
	expect("1.5", "1|.|5");
	expect("-1", "-|1");
}

static void test_strings(void **state UNUSED)
{
	struct lexed l;

	expect("\"\" \"a b\"", "\"\"|\"a b\"");
	expect("\"\\n\\t\\a\\b\\v\\f\\r\"", "\"\n\t\a\b\v\f\r\"");
	expect("\"\\\"\\\\\\q\\'\"", "\"\"\\q'\"");
	expect("\"\\101\\60\\1011\\7\"", "\"A0A1\a\"");
	expect("\"\\x41\\x4a\\xZ\"", "\"AJxZ\"");
	expect("\"\\x00041\"", "\"A\""); /* as in C, all digits belong to it */
	expect("\"open", "<could not find matching closing quote>");
	expect("\"open\nx", "<could not find matching closing quote>|x");
	expect("\"open\\", "<could not find matching closing quote>");
	expect("\"a\\\nb\"", "\"a\nb\""); /* a newline after a backslash is a character */
	lex(&l, "\"a\\0b\\400\"");
	assert_int_equal(l.tokens.items[0].len, 4);
	assert_memory_equal(l.tokens.items[0].text, "a\0b\0", 5);
	done(&l);
}

static void test_join(void **state UNUSED)
{
	struct lexed l;

	lex(&l, "x \"a\" \"b\\0\" /* */ \"c\" , \"d\" \"\" y \"e\" \"f\"");
	assert_int_equal(ft_tokens_join(l.arena, &l.tokens), 0);
	assert_int_equal(l.tokens.count, 7);
	assert_int_equal(l.tokens.items[1].len, 4);
	assert_memory_equal(l.tokens.items[1].text, "ab\0c", 5);
	assert_int_equal(l.tokens.items[1].at.at, 2);
	assert_int_equal(l.tokens.items[2].kind, FT_TOKEN_COMMA);
	assert_string_equal(l.tokens.items[3].text, "d");
	assert_string_equal(l.tokens.items[4].text, "y");
	assert_string_equal(l.tokens.items[5].text, "ef");
	assert_int_equal(l.tokens.items[6].kind, FT_TOKEN_END);
	done(&l);
}

static void test_embedded(void **state UNUSED)
{
	expect("%{ printk(\"}\\n\"); } %} x", " printk(\"}\\n\"); } |x");
	expect("%{ never", "<could not find matching '%}' to close embedded function block>");
	expect("%{%}", "");
}

static void test_arguments(void **state UNUSED)
{
	static const char *const items[] = {"foo bar", "say \"hi\"\\n", "12", "", "$1 @1"};
	struct ft_script_args args = {items, FT_ARRAY_LEN(items)}, none = {NULL, 0};

	expect_args("$1 x", &args, "foo|bar|x");
	expect_args("@1 @2", &args, "\"foo bar\"|\"say \"hi\"\\n\"");
	expect_args("$#+@#", &args, "5|+|\"5\"");
	/* Raw text: it may be the first part of a word or of a literal. */
	expect_args("$3$3 $3_x $1b a$3", &args, "12|12|<number invalid>|foo|barb|a$3");
	expect_args("a $4 b @4", &args, "a|b|\"\"");
	expect_args("$5", &args, /* not searched again */
		    "<invalid nested substitution of command line arguments>|"
		    "<invalid nested substitution of command line arguments>");
	expect_args("\"$1\" /* $9 */ # $9", &args, "\"$1\"");
	expect_args("$6", &args, "<command line argument $6 out of range: there are 5>");
	expect_args("$0 x", &args, "<command line argument $0 out of range: there are 5>|x");
	expect_args("@99999999999999999999", &args,
		    "<command line argument @99999999999999999999 out of range: there are 5>");
	expect_args("$# $x$ $1", &none,
		    "0|$x$|<command line argument $1 out of range: there are 0>");
	/* Where arguments mean nothing, they are names; and # begins a comment. */
	expect("$1 @1", "$1|@1");
	expect("$# x", "$");
}

static void test_argument_places(void **state UNUSED)
{
	static const char *const items[] = {"a b"};
	struct ft_script_args args = {items, 1};
	const struct ft_token *t;
	struct lexed l;

	lex_args(&l, "x $1 y", 6, &args);
	t = l.tokens.items;
	assert_int_equal(l.tokens.count, 5);
	for (u32 i = 1; i <= 2; i++) {
		assert_int_equal(t[i].at.at, 2);
		assert_int_equal(t[i].at.len, 2);
		assert_non_null(t[i].at.via);
		assert_string_equal(t[i].at.via->what, "$1");
	}
	assert_null(t[0].at.via);
	assert_null(t[3].at.via);
	assert_int_equal(t[3].at.at, 5);
	done(&l);
}

static void test_places(void **state UNUSED)
{
	struct lexed l;
	u32 line, column;

	lex(&l, "probe\n\tbegin { \"a\\n\" }");
	assert_int_equal(l.tokens.items[1].at.at, 7);
	assert_int_equal(l.tokens.items[1].at.len, 5);
	ft_source_place(&l.source, l.tokens.items[1].at.at, &line, &column);
	assert_int_equal(line, 2);
	assert_int_equal(column, 2);
	assert_int_equal(l.tokens.items[3].at.at, 15);
	assert_int_equal(l.tokens.items[3].at.len, 5); /* as written, with its quotes */
	assert_int_equal(l.tokens.items[5].at.at, l.source.len);
	done(&l);
}

static void test_junk(void **state UNUSED)
{
	struct lexed l;

	expect("a ` b", "a|<unexpected junk token '`'>|b");
	expect("\x80 \x01", "<unexpected byte 0x80>|<unexpected byte 0x01>");
	lex_args(&l, "a\0b", 3, NULL);
	assert_int_equal(l.tokens.count, 4);
	assert_string_equal(l.tokens.items[1].text, "unexpected byte 0x00");
	done(&l);
}

/* Beyond the limit there is one more token, which says so. */
static void test_too_many(void **state UNUSED)
{
	size_t len = FT_TOKENS_MAX + 10;
	char *text = malloc(len + 1);
	struct lexed l;

	memset(text, ';', len);
	text[len] = '\0';
	l.arena = ft_arena_new((size_t)1 << 30);
	l.source = (struct ft_source){.name = "test.stp", .text = text, .len = (u32)len};
	assert_int_equal(ft_lexer_run(&l.source, NULL, l.arena, &l.tokens), 0);
	assert_int_equal(l.tokens.count, FT_TOKENS_MAX + 1);
	assert_int_equal(l.tokens.items[FT_TOKENS_MAX - 1].kind, FT_TOKEN_JUNK);
	assert_int_equal(l.tokens.items[FT_TOKENS_MAX].kind, FT_TOKEN_END);
	done(&l);
	l.arena = ft_arena_new(10000); /* no room for so many */
	assert_int_equal(ft_lexer_run(&l.source, NULL, l.arena, &l.tokens), -ENOMEM);
	done(&l);
	free(text);
}

static void test_dump(void **state UNUSED)
{
	static const char *const items[] = {"y"};
	struct ft_script_args args = {items, 1};
	struct ft_out *out = ft_out_new_memory();
	struct lexed l;
	size_t len;

	lex_args(&l, "x +=\n\"\\n\\\"\" 0x10 $1", 19, &args);
	ft_tokens_dump(&l.tokens, out);
	assert_string_equal(ft_out_memory(out, &len), "1:1 identifier x\n"
						      "1:3 operator +=\n"
						      "2:1 string \"\\012\\\"\"\n"
						      "2:8 number 0x10 = 16\n"
						      "2:13 identifier y via $1\n"
						      "2:15 end of file\n");
	ft_out_close(out);
	done(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_operators),
		cmocka_unit_test(test_comments),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_embedded),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_argument_places),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_junk),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_dump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_symbolize_name.c - from linker symbols to names: demangling, versions, cuts, and names made
 * to explode.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "profile/profile.h"
#include "symbolizer/name.h"

static void check(const char *symbol, const char *expect, u8 kind)
{
	struct ft_name name;

	ft_name_make(&name, symbol, strlen(symbol), NULL, FT_NAME_SHORT);
	assert_string_equal(name.text, expect);
	assert_int_equal(name.len, strlen(expect));
	assert_int_equal(name.kind, kind);
}

static void demangles(void **state)
{
	(void)state;
	check("main", "main", FT_FRAME_USER);
	check("main.cold", "main.cold", FT_FRAME_USER);
	check("_ZNSt6vectorIiSaIiEE9push_backERKi",
	      "std::vector<int, std::allocator<int> >::push_back", FT_FRAME_CXX);
	check("_ZNK3app3BoxIdE3getEi.isra.0", "app::Box<double>::get [clone .isra.0]",
	      FT_FRAME_CXX);
	check("_ZN3app4workEv.part.0.cold", "app::work [clone .part.0] [clone .cold]",
	      FT_FRAME_CXX);
	check("_ZZ4mainENKUliE_clEi", "main::{lambda(int)#1}::operator()", FT_FRAME_CXX);
	check("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad",
	      FT_FRAME_RUST);
	check("_RNvCskwGfYPst2Cb_3foo16example_function", "foo::example_function", FT_FRAME_RUST);
	check("_D3std5stdio4File5closeMFNeZv", "std.stdio.File.close()", FT_FRAME_USER);
	check("_Z", "_Z", FT_FRAME_CXX);
	check("_Znot_mangled", "_Znot_mangled", FT_FRAME_CXX);
	check("_Reboot", "_Reboot", FT_FRAME_USER);
	check("_Dmain", "D main", FT_FRAME_USER);
	check("", "", FT_FRAME_USER);
}

static void drops_versions(void **state)
{
	struct ft_name name;

	(void)state;
	check("memcpy@@GLIBC_2.14", "memcpy", FT_FRAME_USER);
	check("memcpy@GLIBC_2.2.5", "memcpy", FT_FRAME_USER);
	check("_ZNSt8ios_baseC2Ev@@GLIBCXX_3.4", "std::ios_base::ios_base", FT_FRAME_CXX);
	check("@odd", "@odd", FT_FRAME_USER);
	check("puts@plt", "puts@plt", FT_FRAME_USER);
	ft_name_make(&name, "puts@GLIBC_2.2.5", 16, "@plt", FT_NAME_SHORT);
	assert_string_equal(name.text, "puts@plt");
	ft_name_make(&name, "_ZN1a1bEv@V", 11, NULL, FT_NAME_LINKED);
	assert_string_equal(name.text, "_ZN1a1bEv");
	assert_int_equal(name.kind, FT_FRAME_CXX);
}

static void cuts_long_names(void **state)
{
	static const u8 flame[] = {0xf0, 0x9f, 0x94, 0xa5};
	struct ft_name name;
	char text[5000];

	(void)state;
	memset(text, 'x', sizeof(text));
	ft_name_make(&name, text, sizeof(text), "@plt", FT_NAME_SHORT);
	assert_int_equal(name.len, FT_NAME_MAX + 3 + 4);
	assert_string_equal(name.text + FT_NAME_MAX, "...@plt");
	ft_name_plain(&name, text, FT_NAME_MAX);
	assert_int_equal(name.len, FT_NAME_MAX);

	/* Never inside a character. */
	for (size_t shift = 0; shift < 4; shift++) {
		for (size_t i = shift; i + 4 <= sizeof(text); i += 4)
			memcpy(text + i, flame, sizeof(flame));
		ft_name_plain(&name, text, sizeof(text));
		assert_int_equal((name.len - 3 - shift) % 4, 0);
		assert_true(name.len - 3 <= FT_NAME_MAX && name.len - 3 > FT_NAME_MAX - 4);
	}
	/* No UTF-8 at all. */
	memset(text, 0x80, sizeof(text));
	ft_name_plain(&name, text, sizeof(text));
	assert_int_equal(name.len, FT_NAME_MAX + 3);
}

static double seconds_of(const char *symbol)
{
	struct timespec start, end;
	struct ft_name name;

	clock_gettime(CLOCK_MONOTONIC, &start);
	ft_name_make(&name, symbol, strlen(symbol), NULL, FT_NAME_SHORT);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true(name.len <= FT_NAME_MAX + 3);
	return (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
}

/* f<A<int>, A<that, that>, A<that, that>, ...>: each argument names the one before twice. */
static void cxx_bomb(char *text, u32 levels)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	text += sprintf(text, "_Z1fI1AIiE");
	for (u32 i = 1; i <= levels; i++)
		text += sprintf(text, "S0_IS%c_S%c_E", digits[i], digits[i]);
	strcpy(text, "Evv");
}

/* a::<((), ()), (that, that), ...>, by back references to places in the text behind "_R". */
static void rust_bomb(char *text, u32 levels)
{
	static const char digits[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t at = (size_t)sprintf(text, "_RINvC1a1f"), last = at;

	at += (size_t)sprintf(text + at, "TuuE");
	for (u32 i = 0; i < levels; i++) {
		size_t number = last - 2 - 1;
		char place[8];

		if (number < 62)
			snprintf(place, sizeof(place), "%c_", digits[number]);
		else
			snprintf(place, sizeof(place), "%c%c_", digits[number / 62],
				 digits[number % 62]);
		last = at;
		at += (size_t)sprintf(text + at, "TB%sB%sE", place, place);
	}
	strcpy(text + at, "E");
}

/* a.f(int[int], that[that], that[that], ...), by distances back to the parameter before. */
static void dlang_bomb(char *text, u32 levels)
{
	text += sprintf(text, "_D1a1fFHii");
	for (u32 i = 0; i < levels; i++)
		text += sprintf(text, i ? "HQgQi" : "HQeQg");
	strcpy(text, "Zv");
}

static void exploding_names_end(void **state)
{
	char text[2000];

	(void)state;
	/* Small ones are sound names. */
	cxx_bomb(text, 2);
	check(text, "f<A<int>, A<A<int>, A<int> >, A<A<A<int>, A<int> >, A<A<int>, A<int> > > >",
	      FT_FRAME_CXX);
	rust_bomb(text, 2);
	check(text,
	      "a::f::<((), ()), (((), ()), ((), ())), ((((), ()), ((), ())), (((), ()), ((), "
	      "())))>",
	      FT_FRAME_RUST);
	/* Large ones would have 2^34 and 2^100 parts. */
	cxx_bomb(text, 34);
	assert_true(seconds_of(text) < 0.5);
	rust_bomb(text, 100);
	assert_true(seconds_of(text) < 0.5);
	/* Deep nesting: pointers to pointers. */
	memset(text, 'P', sizeof(text));
	memcpy(text, "_Z1fI", 5);
	strcpy(text + 1000, "iEvv");
	assert_true(seconds_of(text) < 0.5);
	dlang_bomb(text, 2);
	check(text, "a.f(int[int], int[int][int[int]], int[int][int[int]][int[int][int[int]]])",
	      FT_FRAME_USER);
	dlang_bomb(text, 60);
	assert_true(seconds_of(text) < 0.5);
	memset(text, 'Q', sizeof(text));
	memcpy(text, "_D1aQ", 5);
	text[1000] = '\0';
	assert_true(seconds_of(text) < 0.5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(demangles),
		cmocka_unit_test(drops_versions),
		cmocka_unit_test(cuts_long_names),
		cmocka_unit_test(exploding_names_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_strtab.c - interned strings, and the hash under them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/strtab.h"

#define UNUSED __attribute__((unused))

static void test_empty_string(void **state UNUSED)
{
	struct ft_strtab *tab = ft_strtab_new();

	assert_int_equal(ft_strtab_count(tab), 1);
	assert_int_equal(ft_strtab_add(tab, "x", 0), 0);
	assert_int_equal(ft_strtab_count(tab), 1);
	assert_string_equal(ft_strtab_str(tab, 0), "");
	assert_int_equal(ft_strtab_len(tab, 0), 0);
	ft_strtab_free(tab);
	ft_strtab_free(NULL);
}

static void test_each_once(void **state UNUSED)
{
	struct ft_strtab *tab = ft_strtab_new();

	assert_int_equal(ft_strtab_add(tab, "main", 4), 1);
	assert_int_equal(ft_strtab_add(tab, "mainly", 6), 2);
	assert_int_equal(ft_strtab_add(tab, "mainly", 4), 1);
	assert_int_equal(ft_strtab_add(tab, "mainly", 6), 2);
	assert_string_equal(ft_strtab_str(tab, 1), "main");
	assert_string_equal(ft_strtab_str(tab, 2), "mainly");
	ft_strtab_free(tab);
}

static void test_nul_bytes(void **state UNUSED)
{
	struct ft_strtab *tab = ft_strtab_new();
	u32 one = ft_strtab_add(tab, "\0", 1), two = ft_strtab_add(tab, "\0\0", 2);
	u32 ab = ft_strtab_add(tab, "a\0b", 3), a = ft_strtab_add(tab, "a", 1);

	assert_int_equal(ft_strtab_count(tab), 5);
	assert_true(one && one != two && ab != a);
	assert_int_equal(ft_strtab_len(tab, ab), 3);
	assert_memory_equal(ft_strtab_str(tab, ab), "a\0b", 4);
	assert_int_equal(ft_strtab_add(tab, "\0\0", 2), two);
	ft_strtab_free(tab);
}

/* Ids stay valid while everything grows; some texts are long. */
static void test_many(void **state UNUSED)
{
	enum { COUNT = 60000 };
	struct ft_strtab *tab = ft_strtab_new();
	char *text = malloc(70000);

	for (int pass = 0; pass < 2; pass++) {
		for (u32 i = 1; i <= COUNT; i++) {
			int len = sprintf(text, "%u", i);

			if (i % 10000 == 0) {
				memset(text + len, 'x', 65000);
				len += 65000;
			}
			assert_int_equal(ft_strtab_add(tab, text, (size_t)len), i);
			assert_int_equal(ft_strtab_len(tab, i), len);
			assert_memory_equal(ft_strtab_str(tab, i), text, (size_t)len);
		}
	}
	assert_int_equal(ft_strtab_count(tab), COUNT + 1);
	free(text);
	ft_strtab_free(tab);
}

static void test_hash_by_words(void **state UNUSED)
{
	u8 data[64];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (u8)(i * 37 + 11);
	for (size_t len = 0; len <= sizeof(data); len++) {
		u64 hash = 0, word = 0;
		size_t at = 0;

		for (; at + 8 <= len; at += 8) {
			memcpy(&word, data + at, 8);
			hash = ft_hash_mix(hash, word);
		}
		word = 0;
		for (size_t i = at; i < len; i++)
			word |= (u64)data[i] << (i - at) * 8;
		assert_true(ft_hash_end(hash, word, len) == ft_hash_bytes(data, len));
	}
}

/* Every byte and the length count, and the low bits (which choose a slot) spread. */
static void test_hash_spreads(void **state UNUSED)
{
	u8 data[40] = {0}, used[4096] = {0};
	int places = 0;

	for (size_t len = 1; len <= sizeof(data); len++) {
		u64 before = ft_hash_bytes(data, len);

		assert_true(before != ft_hash_bytes(data, len - 1));
		for (size_t i = 0; i < len; i++) {
			data[i] ^= 1;
			assert_true(before != ft_hash_bytes(data, len));
			data[i] ^= 1;
		}
	}
	for (int i = 0; i < 4096; i++) {
		char name[32];
		u64 hash = ft_hash_bytes(name, (size_t)sprintf(name, "function_%d", i));

		places += !used[hash % 4096];
		used[hash % 4096] = 1;
	}
	assert_true(places > 2300); /* random places: 2589 on average */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_string),  cmocka_unit_test(test_each_once),
		cmocka_unit_test(test_nul_bytes),     cmocka_unit_test(test_many),
		cmocka_unit_test(test_hash_by_words), cmocka_unit_test(test_hash_spreads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_uprobe.c - where a function is in its file: our own program's are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sampler/uprobe.h"

#define UNUSED __attribute__((unused))
#define SELF "/proc/self/exe"

int probed_function(int number);

__attribute__((noinline)) int probed_function(int number)
{
	return number * 7 + 3;
}

/* Whether the file has at that offset what memory has at that address. */
static void assert_same_code(u64 offset, const void *code)
{
	FILE *file = fopen(SELF, "r");
	u8 bytes[8];

	assert_non_null(file);
	assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
	assert_int_equal(fread(bytes, 1, sizeof(bytes), file), sizeof(bytes));
	assert_memory_equal(bytes, code, sizeof(bytes));
	fclose(file);
}

static void test_function(void **state UNUSED)
{
	const u8 *code = (const u8 *)(uintptr_t)probed_function;
	char place[40];
	u64 offset = 0, other = 0;

	assert_int_equal(ft_uprobe_find(SELF, "probed_function", &offset, NULL), 0);
	assert_same_code(offset, code);
	assert_int_equal(ft_uprobe_find(SELF, "probed_function+4", &other, NULL), 0);
	assert_int_equal(other, offset + 4);
	assert_int_equal(ft_uprobe_find(SELF, "probed_function+0x5", &other, NULL), 0);
	assert_int_equal(other, offset + 5);
	snprintf(place, sizeof(place), "0x%llx", (unsigned long long)offset);
	assert_int_equal(ft_uprobe_find(SELF, place, &other, NULL), 0);
	assert_int_equal(other, offset);
}

static void test_many(void **state UNUSED)
{
	static const char *const names[] = {"no_such_function", "probed_function", "main"};
	FILE *file = fopen(SELF, "r");
	struct ft_elf *elf;
	u64 offsets[3];

	assert_non_null(file);
	assert_int_equal(ft_elf_open(fileno(file), &elf), 0);
	ft_uprobe_find_all(elf, false, names, 3, offsets);
	assert_int_equal(offsets[0], 0);
	assert_same_code(offsets[1], (const void *)(uintptr_t)probed_function);
	assert_int_not_equal(offsets[2], 0);
	ft_elf_close(elf);
	fclose(file);
}

static void test_no_sdt(void **state UNUSED)
{
	struct ft_uprobe_site *sites = NULL;
	struct ft_err err = {0};
	u32 count = 0;

	assert_int_equal(ft_uprobe_find_sdt("/etc/passwd", "a", "b", &sites, &count, &err),
			 -ENOEXEC);
	assert_int_equal(ft_uprobe_find_sdt("/no/such/file", "a", "b", &sites, &count, &err),
			 -ENOENT);
	assert_null(sites);
}

static void test_refused(void **state UNUSED)
{
	static const struct {
		const char *path, *place;
		int code;
		const char *says;
	} cases[] = {
		{SELF, "probed_functiom", -ENOENT, "probed_function"},
		{SELF, "", -EINVAL, "is no place"},
		{SELF, "+4", -EINVAL, "is no place"},
		{SELF, "probed_function+", -EINVAL, "is no place"},
		{SELF, "probed_function+4x", -EINVAL, "is no place"},
		{SELF, "probed_function+0x7fffffffffff", -ENOENT, "is not in the code"},
		{SELF, "0x", -EINVAL, "is no offset"},
		{SELF, "0x10g", -EINVAL, "is no offset"},
		{SELF, "0xffffffffff", -EINVAL, "is no offset"},
		{"/no/such/file", "f", -ENOENT, "cannot open"},
		{"/etc/passwd", "f", -ENOEXEC, "not an ELF file"},
	};

	for (size_t i = 0; i < FT_ARRAY_LEN(cases); i++) {
		struct ft_err err = {0};
		u64 offset = 99;

		assert_int_equal(ft_uprobe_find(cases[i].path, cases[i].place, &offset, &err),
				 cases[i].code);
		assert_int_equal(offset, 99);
		assert_non_null(strstr(err.text, cases[i].says));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_function),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_no_sdt),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

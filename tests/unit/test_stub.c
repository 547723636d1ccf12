/*
 * test_stub.c - stubs of the linker: single ones as linkers write them, and, where clang and lld
 * are there, those of an aarch64 library that they make, found by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/stub.h"
#include "scriptlang/user/user_places.h"

#define UNUSED __attribute__((unused))

static void test_x86_64(void **state UNUSED)
{
	static const u8 plain[] = {0xff, 0x25, 0xfa, 0x2f, 0x00, 0x00, 0x68, 0, 0, 0, 0};
	static const u8 ibt[] = {0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25, 0xf5, 0xff, 0xff, 0xff};

	assert_int_equal(ft_stub_slot_x86_64(plain, sizeof(plain), 0x1000), 0x4000);
	assert_int_equal(ft_stub_slot_x86_64(ibt, sizeof(ibt), 0x1000), 0x1000);
	assert_int_equal(ft_stub_slot_x86_64(ibt, sizeof(ibt) - 1, 0x1000), 0);
	assert_int_equal(ft_stub_slot_x86_64(plain + 1, sizeof(plain) - 1, 0x1000), 0);
}

static void test_aarch64(void **state UNUSED)
{
	/* bti c; adrp x16, 0x30000; ldr x17, [x16, #1608]; add x16, x16, #1608; br x17 */
	static const u32 words[] = {0xd503245f, 0x90000110, 0xf9432611, 0x91192210, 0xd61f0220};
	/* one page back */
	static const u32 back[] = {0xf0fffff0, 0xf9400211, 0x91000210, 0xd61f0220};
	/* the first one of a section: its words are not the same ones */
	static const u32 first[] = {0xa9bf7bf0, 0x90000110, 0xf9432211, 0x91190210, 0xd61f0220};
	const u8 *code = (const u8 *)words;

	assert_int_equal(ft_stub_slot_aarch64(code, 20, 0x10510), 0x30648);
	assert_int_equal(ft_stub_slot_aarch64(code + 4, 16, 0x10510), 0x30648);
	assert_int_equal(ft_stub_slot_aarch64((const u8 *)back, 16, 0x5004), 0x4000);
	assert_int_equal(ft_stub_slot_aarch64((const u8 *)first, 20, 0x104f0), 0);
	for (size_t bytes = 0; bytes < 16; bytes++)
		assert_int_equal(ft_stub_slot_aarch64(code + 4, bytes, 0), 0);
}

static const char source[] =
	"extern int puts(const char *); extern int other(int);\n"
	"int f(int x) { return puts(\"a\") + other(x); }\n"
	"int g(void) { int (*volatile q)(const char *) = puts; return q(\"z\") + other(1); }\n";

/* The stubs of a library that is linked with some options. False: nobody can link it here. */
static bool link_library(const char *folder, const char *options, char path[200])
{
	char command[1000];
	FILE *file;

	snprintf(path, 200, "%s/stubs.c", folder);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(source, 1, sizeof(source) - 1, file), sizeof(source) - 1);
	fclose(file);
	snprintf(path, 200, "%s/stubs.so", folder);
	snprintf(command, sizeof(command),
		 "clang --target=aarch64-linux-gnu -O1 -fPIC -nostdlib -shared -fuse-ld=lld %s -o "
		 "%s "
		 "%s/stubs.c 2>/dev/null",
		 options, path, folder);
	return !system(command); /* NOLINT(cert-env33-c): a test */
}

static void check_library(const char *path)
{
	struct ft_compile compile = {.arena = ft_arena_new(1 << 20)};
	struct ft_user_file file = {.path = path, .shown = path, .fd = open(path, O_RDONLY)};
	struct ft_user_site *sites = NULL;
	u32 count = 0;

	assert_int_equal(ft_elf_open(file.fd, &file.elf), 0);
	assert_int_equal(ft_user_plt_find(&compile, &file, "*", &sites, &count), 0);
	assert_int_equal(count, 2);
	assert_string_equal(sites[0].name, "puts");
	assert_string_equal(sites[1].name, "other");
	assert_true(sites[1].addr == sites[0].addr + 16 || sites[1].addr == sites[0].addr + 24);
	count = 0;
	sites = NULL;
	assert_int_equal(ft_user_plt_find(&compile, &file, "oth*", &sites, &count), 0);
	assert_int_equal(count, 1);
	ft_elf_close(file.elf);
	close(file.fd);
	ft_arena_free(compile.arena);
}

static void test_library(void **state UNUSED)
{
	static const char *const options[] = {"", "-mbranch-protection=standard", "-Wl,-z,now"};
	char folder[] = "/tmp/ft-stub-XXXXXX", path[200], command[300];
	bool any = false;

	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < FT_ARRAY_LEN(options); i++)
		if (link_library(folder, options[i], path)) {
			any = true;
			check_library(path);
		}
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a test */
	if (!any) {
		printf("SKIP: needs clang for aarch64 and lld\n");
		skip();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_x86_64),
		cmocka_unit_test(test_aarch64),
		cmocka_unit_test(test_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

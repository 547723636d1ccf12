/*
 * test_symbolize_elf.c - names from ELF symbol tables, PLT stubs and unwind tables, on images built
 * in memory.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/elf_image.h"
#include "tests/unit/look.h"

#define PATH "/opt/x/libfoo.so"

struct expect {
	u64 offset; /* in the file */
	const char *name;
};

static void check(u16 machine, const struct image_symbol *symbols, size_t count,
		  const struct expect *expect, size_t expects)
{
	u8 image[IMAGE_BYTES];
	struct look look;
	u32 module;

	image_build(image, machine, symbols, count);
	look_init(&look);
	module = look_image(&look, PATH, image, sizeof(image));
	for (size_t i = 0; i < expects; i++)
		look_add(&look, FT_LOCATION_USER, module, expect[i].offset);
	look_run(&look, false);
	for (size_t i = 0; i < expects; i++) {
		const struct ft_frame *frame = look_frame(&look, (u32)i);

		if (strcmp(look_name(&look, (u32)i), expect[i].name))
			fail_msg("0x%lx: %s, not %s", (unsigned long)expect[i].offset,
				 look_name(&look, (u32)i), expect[i].name);
		assert_string_equal(look_module_name(&look, (u32)i), "libfoo.so");
		assert_int_equal(frame->kind == FT_FRAME_UNKNOWN, expect[i].name[0] == '[');
	}
	look_fini(&look);
}

#define CHECK(MACHINE, SYMBOLS, EXPECT) \
	check(MACHINE, SYMBOLS, FT_ARRAY_LEN(SYMBOLS), EXPECT, FT_ARRAY_LEN(EXPECT))

static void sizes_bound_symbols(void **state)
{
	static const struct image_symbol symbols[] = {
		{"b", 0x11020, 0x10, STT_FUNC, STB_GLOBAL, false},
		{"a", 0x11000, 0x10, STT_FUNC, STB_GLOBAL, false}, /* tables need not be sorted */
		{"ifunc", 0x11040, 0x8, STT_GNU_IFUNC, STB_GLOBAL, false},
		{"data", 0x11050, 0x8, STT_OBJECT, STB_GLOBAL, false},
		{"huge", 0x11100, UINT64_MAX, STT_FUNC, STB_GLOBAL,
		 false}, /* wraps around: no symbol */
	};
	static const struct expect expect[] = {
		{0x1000, "a"},
		{0x100f, "a"},
		{0x1010, "[libfoo.so+0x11010]"},
		{0x1020, "b"},
		{0x102f, "b"},
		{0x1030, "[libfoo.so+0x11030]"},
		{0x1047, "ifunc"},
		{0x1050, "[libfoo.so+0x11050]"},
		{0x1100, "[libfoo.so+0x11100]"},
		{0x1200, "[libfoo.so+0x11200]"},
		{0x9999, "[libfoo.so+0x9999]"}, /* in no segment: the file offset */
	};

	(void)state;
	CHECK(EM_X86_64, symbols, expect);
}

static void innermost_wins(void **state)
{
	static const struct image_symbol symbols[] = {
		{"outer", 0x11000, 0x100, STT_FUNC, STB_GLOBAL, false},
		{"inner", 0x11020, 0x20, STT_FUNC, STB_LOCAL, false},
		{"short", 0x11020, 0x8, STT_FUNC, STB_LOCAL, false},
		{"late", 0x110f0, 0x20, STT_NOTYPE, STB_LOCAL, false},
		{"label", 0x11080, 0, STT_NOTYPE, STB_GLOBAL,
		 false}, /* inside outer, which has a size */
	};
	static const struct expect expect[] = {
		{0x101f, "outer"},
		{0x1020, "short"},
		{0x1027, "short"},
		{0x1028, "inner"},
		{0x103f, "inner"},
		{0x1040, "outer"},
		{0x1080, "outer"},
		{0x10ef, "outer"},
		{0x10f0, "late"},
		{0x110f, "late"},
		{0x1110, "[libfoo.so+0x11110]"},
	};

	(void)state;
	CHECK(EM_X86_64, symbols, expect);
}

static void labels_reach_up_to_the_next(void **state)
{
	static const struct image_symbol symbols[] = {
		{"first", 0x11000, 0, STT_NOTYPE, STB_LOCAL, false},
		{"second", 0x11080, 0, STT_FUNC, STB_GLOBAL, false},
		{"sized", 0x11100, 0x10, STT_FUNC, STB_GLOBAL, false},
		{"within", 0x11108, 0, STT_NOTYPE, STB_LOCAL, false},
		{"last", 0x117f0, 0, STT_NOTYPE, STB_LOCAL, false},
		{"$x", 0x11090, 0, STT_NOTYPE, STB_LOCAL, false},
		{".annobin_x", 0x110a0, 0, STT_NOTYPE, STB_LOCAL, false},
		{"_init", 0x11904, 0, STT_FUNC, STB_GLOBAL, false},
	};
	static const struct expect expect[] = {
		{0x1000, "first"},
		{0x107f, "first"},
		{0x1080, "second"},
		{0x10ff, "second"},
		{0x110f, "sized"},
		{0x1110, "[libfoo.so+0x11110]"}, /* not "within": it ends with its function */
		{0x17f0, "last"},
		{0x17ff, "last"},
		{0x1800, "[libfoo.so+0x11800]"}, /* the next section */
		{0x1900, "[libfoo.so+0x11900]"},
		{0x1904, "_init"},
		{0x191f, "_init"},
	};

	(void)state;
	CHECK(EM_X86_64, symbols, expect);
}

static void aliases_are_chosen_for_readers(void **state)
{
	static const struct image_symbol symbols[] = {
		{"__libc_malloc", 0x11000, 0x10, STT_FUNC, STB_GLOBAL, false},
		{"malloc", 0x11000, 0x10, STT_FUNC, STB_WEAK, false},
		{"__GI_malloc", 0x11000, 0x10, STT_FUNC, STB_LOCAL, false},
		{"zlocal", 0x11010, 0x10, STT_FUNC, STB_LOCAL, false},
		{"zglobal", 0x11010, 0x10, STT_FUNC, STB_GLOBAL, false},
		{"zweak", 0x11010, 0x10, STT_FUNC, STB_WEAK, false},
		{"bbb", 0x11020, 0x10, STT_FUNC, STB_GLOBAL, false},
		{"aaa", 0x11020, 0x10, STT_FUNC, STB_GLOBAL, false},
		{"open@@GLIBC_2.2", 0x11030, 0x10, STT_FUNC, STB_GLOBAL, false},
		{"_ZN1a1bEv", 0x11040, 0x10, STT_FUNC, STB_GLOBAL, false},
		{"__aaaa", 0x11040, 0x10, STT_FUNC, STB_GLOBAL, false},
	};
	static const struct expect expect[] = {
		{0x1000, "malloc"}, {0x1004, "malloc"}, {0x100f, "malloc"}, {0x1018, "zglobal"},
		{0x1020, "aaa"},    {0x1035, "open"},	{0x1040, "a::b"},
	};
	struct image_symbol reversed[FT_ARRAY_LEN(symbols)];

	(void)state;
	CHECK(EM_X86_64, symbols, expect);
	for (size_t i = 0; i < FT_ARRAY_LEN(symbols); i++)
		reversed[i] = symbols[FT_ARRAY_LEN(symbols) - 1 - i];
	CHECK(EM_X86_64, reversed, expect);
}

static void both_tables_count(void **state)
{
	static const struct image_symbol symbols[] = {
		{"puts", 0, 0, STT_FUNC, STB_GLOBAL, true},
		{"_ZNSt6vectorIiSaIiEE9push_backERKi", 0, 0, STT_FUNC, STB_GLOBAL, true},
		{"free@GLIBC_2.2.5", 0, 0, STT_FUNC, STB_GLOBAL, true},
		{"dynamic", 0x11100, 0x10, STT_FUNC, STB_GLOBAL, true},
		{"both", 0x11200, 0x10, STT_FUNC, STB_GLOBAL, true},
		{"both", 0x11200, 0x10, STT_FUNC, STB_GLOBAL, false},
		{"local", 0x11300, 0x10, STT_FUNC, STB_LOCAL, false},
	};
	static const struct expect expect[] = {
		{0x1100, "dynamic"},
		{0x1200, "both"},
		{0x1300, "local"},
		{0x1808, "[libfoo.so+0x11808]"},
		{0x1810, "puts@plt"},
		{0x1816, "puts@plt"},
		{0x181f, "puts@plt"},
		{0x1820, "std::vector<int, std::allocator<int> >::push_back@plt"},
		{0x1830, "free@plt"},
	};

	(void)state;
	CHECK(EM_X86_64, symbols, expect);
	CHECK(EM_AARCH64, symbols, expect);
}

/* With -z ibtplt the stubs in .plt only push their number; and stubs that are none give no name. */
static void lazy_stubs_count_relocations(void **state)
{
	static const struct image_symbol symbols[] = {
		{"puts", 0, 0, STT_FUNC, STB_GLOBAL, true},
		{"free", 0, 0, STT_FUNC, STB_GLOBAL, true},
		{"exit", 0, 0, STT_FUNC, STB_GLOBAL, true},
	};
	static const u8 lazy[] = {0xf3, 0x0f, 0x1e, 0xfa, 0x68, 2, 0, 0,
				  0,	0xf2, 0xe9, 0,	  0,	0, 0, 0x90};
	static const u8 no_such_number[] = {0xf3, 0x0f, 0x1e, 0xfa, 0x68, 3, 0, 0, 0, 0xe9};
	u8 image[IMAGE_BYTES];
	struct look look;
	u32 module;

	(void)state;
	image_build(image, EM_X86_64, symbols, FT_ARRAY_LEN(symbols));
	image_put(image, 0x1810, lazy, sizeof(lazy));
	image_put(image, 0x1820, no_such_number, sizeof(no_such_number));
	/* endbr64; bnd jmp *slot(%rip) */
	image_put(image, 0x1830, "\xf3\x0f\x1e\xfa\xf2\xff\x25", 7);
	image_put32(image, 0x1837, IMAGE_SLOTS + 8 - (0x11830 + 11));
	look_init(&look);
	module = look_image(&look, PATH, image, sizeof(image));
	look_add(&look, FT_LOCATION_USER, module, 0x1814);
	look_add(&look, FT_LOCATION_USER, module, 0x1824);
	look_add(&look, FT_LOCATION_USER, module, 0x1834);
	look_run(&look, false);
	assert_string_equal(look_name(&look, 0), "exit@plt");
	assert_string_equal(look_name(&look, 1), "[libfoo.so+0x11824]");
	assert_string_equal(look_name(&look, 2), "free@plt");
	look_fini(&look);
}

/* Without a symbol, one frame a function by its unwind information; the entry point is _start. */
static void stripped_functions_fold(void **state)
{
	static const struct image_symbol symbols[] = {
		{"puts", 0, 0, STT_FUNC, STB_GLOBAL, true},
		/* The next symbol is far, but functions begin between. */
		{"label", 0x11500, 0, STT_FUNC, STB_GLOBAL, true},
	};
	static const struct expect expect[] = {
		{0x1500, "label"},
		{0x15ff, "label"},
		{0x1600, "[libfoo.so+0x11600]"},
		{0x163f, "[libfoo.so+0x11600]"},
		{0x1640, "[libfoo.so+0x11640]"},
		{0x167f, "[libfoo.so+0x11640]"},
		{0x1700, "_start"},
		{0x171f, "_start"},
	};

	(void)state;
	CHECK(EM_X86_64, symbols, expect);
}

/* A corrupt table, each way, costs only names. */
static void lies_cost_names_only(void **state)
{
	static const struct image_symbol symbols[] = {
		{"ok", 0x11000, 0x10, STT_FUNC, STB_GLOBAL, false},
		{"puts", 0, 0, STT_FUNC, STB_GLOBAL, true},
	};
	u8 image[IMAGE_BYTES];

	(void)state;
	for (size_t at = 0; at < sizeof(image); at += at < 0x500 || at >= 0x3800 ? 1 : 16) {
		struct look look;
		u32 module;

		image_build(image, EM_X86_64, symbols, FT_ARRAY_LEN(symbols));
		image[at] ^= (u8)(0xff - at % 3);
		look_init(&look);
		module = look_image(&look, PATH, image, sizeof(image));
		for (u64 offset = 0x1000; offset < 0x1900; offset += 0x55)
			look_add(&look, FT_LOCATION_USER, module, offset);
		look_run(&look, false);
		assert_true(look.profile->quality.frames == look.count);
		look_fini(&look);
	}
}

/* Every symbol covers every address: the work is cut off. */
static void nested_bomb_is_bounded(void **state)
{
	const u32 count = 600 * 1000;
	size_t bytes = 0x4000 + (size_t)count * sizeof(Elf64_Sym);
	struct timespec start, end;
	u8 *image = calloc(1, bytes);
	struct look look;
	u32 module;

	(void)state;
	image_build(image, EM_X86_64, NULL, 0);
	for (u32 i = 0; i < count; i++) {
		Elf64_Sym s = {.st_name = 1,
			       .st_value = 0x11000 + i % 8,
			       .st_size = 0x7f0 - i % 8,
			       .st_shndx = IMAGE_TEXT,
			       .st_info = STT_FUNC};

		image_put(image, 0x4000 + i * sizeof(s), &s, sizeof(s));
	}
	memcpy(image + 0x2601, "bomb", 5);
	image_section(image, IMAGE_STRTAB, ".strtab", SHT_STRTAB, 0x2600, 6, 0);
	image_section(image, IMAGE_SYMTAB, ".symtab", SHT_SYMTAB, 0x4000, count * sizeof(Elf64_Sym),
		      IMAGE_STRTAB);
	look_init(&look);
	module = look_image(&look, PATH, image, bytes);
	for (u64 offset = 0x1000; offset < 0x17f0; offset++)
		look_add(&look, FT_LOCATION_USER, module, offset);
	clock_gettime(CLOCK_MONOTONIC, &start);
	look_run(&look, false);
	clock_gettime(CLOCK_MONOTONIC, &end);
	/* 600,000 x 2,000 steps would take seconds. */
	assert_true((double)(end.tv_sec - start.tv_sec) +
			    (double)(end.tv_nsec - start.tv_nsec) / 1e9 <
		    1.0);
	assert_string_equal(look_name(&look, 100), "bomb");
	look_fini(&look);
	free(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_bound_symbols),
		cmocka_unit_test(innermost_wins),
		cmocka_unit_test(labels_reach_up_to_the_next),
		cmocka_unit_test(aliases_are_chosen_for_readers),
		cmocka_unit_test(both_tables_count),
		cmocka_unit_test(lazy_stubs_count_relocations),
		cmocka_unit_test(stripped_functions_fold),
		cmocka_unit_test(lies_cost_names_only),
		cmocka_unit_test(nested_bomb_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

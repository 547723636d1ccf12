/*
 * test_elf.c - base/elf: headers, build-ids, tables and strings, of sound, cut and lying files.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/elf.h"
#include "tests/unit/elf_image.h"

static const struct image_symbol symbols[] = {
	{"alpha", 0x11000, 0x10, STT_FUNC, STB_GLOBAL, false},
	{"beta", 0x11010, 0x10, STT_FUNC, STB_LOCAL, false},
	{"puts", 0, 0, STT_FUNC, STB_GLOBAL, true},
};

static int memory_file(const void *data, size_t len)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	return fd;
}

static void build(u8 *image)
{
	image_build(image, EM_X86_64, symbols, FT_ARRAY_LEN(symbols));
}

static void reads_headers(void **state)
{
	u8 image[IMAGE_BYTES];
	struct ft_elf *elf;
	u64 at;
	int fd;

	(void)state;
	build(image);
	fd = memory_file(image, sizeof(image));
	for (int memory = 0; memory < 2; memory++) {
		assert_int_equal(memory ? ft_elf_open_memory(image, sizeof(image), &elf)
					: ft_elf_open(fd, &elf),
				 0);
		assert_int_equal(elf->type, ET_EXEC);
		assert_int_equal(elf->machine, EM_X86_64);
		assert_int_equal(elf->entry, 0x11700);
		assert_int_equal(elf->segment_count, 4);
		assert_int_equal(elf->section_count, IMAGE_SECTIONS);
		assert_ptr_equal(ft_elf_section(elf, SHT_PROGBITS, ".plt"),
				 &elf->sections[IMAGE_PLT]);
		assert_null(ft_elf_section(elf, SHT_PROGBITS, ".pl"));
		assert_null(ft_elf_section(elf, SHT_NOTE, ".plt"));
		assert_ptr_equal(ft_elf_linked(elf, &elf->sections[IMAGE_SYMTAB], SHT_STRTAB),
				 &elf->sections[IMAGE_STRTAB]);
		assert_null(ft_elf_linked(elf, &elf->sections[IMAGE_SYMTAB], SHT_DYNSYM));
		assert_ptr_equal(ft_elf_code_section(elf, 0x117ff), &elf->sections[IMAGE_TEXT]);
		assert_null(ft_elf_code_section(elf, 0x11850));
		assert_true(ft_elf_addr_of_offset(elf, 0x1234, &at));
		assert_int_equal(at, 0x11234);
		assert_false(ft_elf_addr_of_offset(elf, 0x2000, &at));
		assert_true(ft_elf_addr_of_mapping(elf, 0x1000, &at));
		assert_int_equal(at, 0x11000);
		assert_true(ft_elf_offset_of_addr(elf, 0x10300, &at));
		assert_int_equal(at, 0x300);
		assert_false(ft_elf_offset_of_addr(elf, 0x300, &at));
		ft_elf_close(elf);
	}
	close(fd);
}

static void reads_symbols_and_strings(void **state)
{
	struct ft_elf_symbol symbol;
	struct ft_elf_table table;
	u8 image[IMAGE_BYTES];
	const void *entry;
	struct ft_elf *elf;
	char name[16];
	u32 n = 0;
	int fd;

	(void)state;
	build(image);
	fd = memory_file(image, sizeof(image));
	assert_int_equal(ft_elf_open(fd, &elf), 0);
	ft_elf_table_init(&table, elf, elf->sections[IMAGE_SYMTAB].offset,
			  elf->sections[IMAGE_SYMTAB].bytes, ft_elf_symbol_bytes(elf), 100);
	while ((entry = ft_elf_table_next(&table))) {
		ft_elf_symbol_decode(elf, entry, &symbol);
		ft_elf_string(elf, &elf->sections[IMAGE_STRTAB], symbol.name, name, sizeof(name));
		assert_string_equal(name, n == 0 ? "" : symbols[n - 1].name);
		assert_int_equal(symbol.value, n == 0 ? 0 : symbols[n - 1].value);
		n++;
	}
	assert_int_equal(n, 3);
	assert_int_equal(ft_elf_string(elf, &elf->sections[IMAGE_STRTAB], 1, name, 4), 3);
	assert_string_equal(name, "alp");
	assert_int_equal(ft_elf_string(elf, &elf->sections[IMAGE_STRTAB], 1000, name, sizeof(name)),
			 0);
	assert_int_equal(
		ft_elf_string(elf, &elf->sections[IMAGE_STRTAB], UINT64_MAX, name, sizeof(name)),
		0);
	ft_elf_close(elf);
	close(fd);
}

static void strings_end_with_their_table(void **state)
{
	struct ft_elf_section strings = {.type = SHT_STRTAB};
	u8 image[IMAGE_BYTES];
	struct ft_elf *elf;
	char name[8192];
	int fd;

	(void)state;
	build(image);
	/* A name across the border of two cached blocks, that no NUL ends. */
	memset(image + 0x0f00, 'n', 0x200);
	fd = memory_file(image, sizeof(image));
	assert_int_equal(ft_elf_open(fd, &elf), 0);
	strings.offset = 0x0f00;
	strings.bytes = 0x150;
	assert_int_equal(ft_elf_string(elf, &strings, 0x20, name, sizeof(name)), 0x130);
	strings.offset = IMAGE_BYTES - 3;
	strings.bytes = UINT64_MAX;
	assert_true(ft_elf_string(elf, &strings, 0, name, sizeof(name)) <= 3);
	strings.offset = UINT64_MAX - 5;
	assert_int_equal(ft_elf_string(elf, &strings, 10, name, sizeof(name)), 0);
	ft_elf_close(elf);
	close(fd);
}

static void finds_build_ids(void **state)
{
	u8 image[IMAGE_BYTES], id[FT_ELF_BUILD_ID_MAX];
	struct ft_elf *elf;
	int fd;

	(void)state;
	build(image);
	fd = memory_file(image, sizeof(image));
	assert_int_equal(ft_elf_build_id(fd, id), 20);
	assert_memory_equal(id, IMAGE_BUILD_ID, 20);
	close(fd);

	/* A longer one is cut, one of 8 bytes is whole. */
	image_put32(image, 0x204, 32);
	image_segment(image, 2, PT_NOTE, PF_R, 0x200, 64);
	assert_int_equal(ft_elf_open_memory(image, sizeof(image), &elf), 0);
	assert_int_equal(ft_elf_build_id_of(elf, id), 20);
	image_put32(image, 0x204, 8);
	assert_int_equal(ft_elf_build_id_of(elf, id), 8);

	/* Another note in front; the wrong owner; a length that leads outside. */
	image_put32(image, 0x208, 77);
	assert_int_equal(ft_elf_build_id_of(elf, id), 0);
	image_put32(image, 0x208, NT_GNU_BUILD_ID);
	image[0x20c] = 'X';
	assert_int_equal(ft_elf_build_id_of(elf, id), 0);
	image[0x20c] = 'G';
	image_put32(image, 0x200, UINT32_MAX);
	assert_int_equal(ft_elf_build_id_of(elf, id), 0);
	ft_elf_close(elf);
}

static void build_id_behind_the_first_page(void **state)
{
	u8 image[IMAGE_BYTES], id[FT_ELF_BUILD_ID_MAX];
	int fd;

	(void)state;
	build(image);
	memcpy(image + 0x1a00, image + 0x200, 36);
	memset(image + 0x200, 0, 36);
	image_segment(image, 2, PT_NOTE, PF_R, 0x1a00, 36);
	fd = memory_file(image, sizeof(image));
	assert_int_equal(ft_elf_build_id(fd, id), 20);
	assert_memory_equal(id, IMAGE_BUILD_ID, 20);
	close(fd);
}

static void refuses_what_is_no_elf(void **state)
{
	u8 image[IMAGE_BYTES], id[FT_ELF_BUILD_ID_MAX];
	struct ft_elf *elf;
	int fd, pipes[2];

	(void)state;
	build(image);
	fd = memory_file("#!/bin/sh\n", 10);
	assert_int_equal(ft_elf_open(fd, &elf), -ENOEXEC);
	assert_int_equal(ft_elf_build_id(fd, id), -ENOEXEC);
	close(fd);
	fd = memory_file("", 0);
	assert_int_equal(ft_elf_open(fd, &elf), -ENOEXEC);
	assert_int_equal(ft_elf_build_id(fd, id), -ENOEXEC);
	close(fd);
	fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(ft_elf_open(fd, &elf), -ENOEXEC);
	assert_int_equal(ft_elf_build_id(fd, id), -EISDIR);
	close(fd);
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(ft_elf_open(pipes[0], &elf), -ENOEXEC);
	assert_int_equal(ft_elf_build_id(pipes[0], id), -ESPIPE);
	close(pipes[0]);
	close(pipes[1]);
	assert_int_equal(ft_elf_build_id(-1, id), -EBADF);
	image[EI_DATA] = image[EI_DATA] == ELFDATA2LSB ? ELFDATA2MSB : ELFDATA2LSB;
	assert_int_equal(ft_elf_open_memory(image, sizeof(image), &elf), -ENOEXEC);
	build(image);
	image[EI_CLASS] = 7;
	assert_int_equal(ft_elf_open_memory(image, sizeof(image), &elf), -ENOEXEC);
}

/*
 * Whatever the length, opening ends, and only what is there is read. Each copy is a heap block of
 * its exact size.
 */
static void survives_any_cut(void **state)
{
	u8 image[IMAGE_BYTES], id[FT_ELF_BUILD_ID_MAX];
	struct ft_elf *elf;

	(void)state;
	build(image);
	for (size_t len = 0; len < sizeof(image); len += len < 0x500 || len > 0x3700 ? 1 : 37) {
		u8 *part = malloc(len ? len : 1);

		memcpy(part, image, len);
		if (!ft_elf_open_memory(part, len, &elf)) {
			assert_true(len >= sizeof(Elf64_Ehdr));
			assert_true(elf->section_count <= IMAGE_SECTIONS);
			ft_elf_build_id_of(elf, id);
			ft_elf_section(elf, SHT_STRTAB, ".shstrtab");
			ft_elf_close(elf);
		}
		free(part);
	}
}

static void survives_lying_counts(void **state)
{
	struct ft_elf_table table;
	u8 image[IMAGE_BYTES];
	struct ft_elf *elf;
	Elf64_Ehdr e;
	u64 n = 0;

	(void)state;
	build(image);
	memcpy(&e, image, sizeof(e));
	e.e_shnum = 0xfeff;
	e.e_phnum = 0xffff;
	image_put(image, 0, &e, sizeof(e));
	assert_int_equal(ft_elf_open_memory(image, sizeof(image), &elf), 0);
	assert_int_equal(elf->section_count, 0);
	assert_true(elf->segment_count <= IMAGE_BYTES / sizeof(Elf64_Phdr));
	ft_elf_table_init(&table, elf, 0x100, UINT64_MAX, 24, UINT64_MAX);
	while (ft_elf_table_next(&table))
		n++;
	assert_int_equal(n, (IMAGE_BYTES - 0x100) / 24);
	ft_elf_table_init(&table, elf, UINT64_MAX - 7, UINT64_MAX, 24, UINT64_MAX);
	assert_null(ft_elf_table_next(&table));
	ft_elf_close(elf);
}

/* The file shrinks after it was opened: reads fail, nothing is killed by SIGBUS. */
static void survives_truncation(void **state)
{
	struct ft_elf_table table;
	u8 image[IMAGE_BYTES];
	struct ft_elf *elf;
	char name[16];
	int fd;

	(void)state;
	build(image);
	fd = memory_file(image, sizeof(image));
	assert_int_equal(ft_elf_open(fd, &elf), 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	ft_elf_table_init(&table, elf, 0x2000, 0x100, 24, 100);
	assert_null(ft_elf_table_next(&table));
	assert_int_equal(ft_elf_string(elf, &elf->sections[IMAGE_STRTAB], 1, name, sizeof(name)),
			 0);
	ft_elf_close(elf);
	close(fd);
}

static void reads_itself(void **state)
{
	u8 id[FT_ELF_BUILD_ID_MAX], again[FT_ELF_BUILD_ID_MAX];
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), len;
	struct ft_elf *elf;

	(void)state;
	assert_true(fd >= 0);
	len = ft_elf_build_id(fd, id);
	assert_true(len >= 0);
	assert_int_equal(ft_elf_open(fd, &elf), 0);
	assert_int_equal(ft_elf_build_id_of(elf, again), len);
	assert_memory_equal(id, again, (size_t)len);
	assert_non_null(ft_elf_section(elf, SHT_PROGBITS, ".text"));
	ft_elf_close(elf);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_headers),
		cmocka_unit_test(reads_symbols_and_strings),
		cmocka_unit_test(strings_end_with_their_table),
		cmocka_unit_test(finds_build_ids),
		cmocka_unit_test(build_id_behind_the_first_page),
		cmocka_unit_test(refuses_what_is_no_elf),
		cmocka_unit_test(survives_any_cut),
		cmocka_unit_test(survives_lying_counts),
		cmocka_unit_test(survives_truncation),
		cmocka_unit_test(reads_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

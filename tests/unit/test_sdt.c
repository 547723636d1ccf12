/* test_sdt.c - probe notes: sound, moved, damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "base/sdt.h"
#include "tests/unit/sdt_image.h"

#define UNUSED __attribute__((unused))
#define STRINGS "app\0start\0-4@%edi"
#define PC (SDT_IMAGE_CODE + 0x10)

static u8 notes[SDT_IMAGE_NOTES_MAX], image[SDT_IMAGE_BYTES];

struct found {
	u32 count, stop_after;
	struct ft_sdt_probe last;
};

static int note_probe(void *context, const struct ft_sdt_probe *probe)
{
	struct found *found = context;

	found->last = *probe;
	return ++found->count == found->stop_after ? -ECANCELED : 0;
}

/* Walks the first len bytes of notes, in a file that ends where bytes says. */
static struct found walk(size_t len, size_t bytes)
{
	struct found found = {0};
	struct ft_elf *elf;

	sdt_image_build(image, notes, len);
	assert_int_equal(ft_elf_open_memory(image, bytes, &elf), 0);
	assert_int_equal(ft_sdt_walk(elf, note_probe, &found), 0);
	ft_elf_close(elf);
	return found;
}

static size_t add(size_t len, u64 pc, u64 base, u64 semaphore)
{
	return sdt_image_note(notes, len, pc, base, semaphore, STRINGS, sizeof(STRINGS));
}

static void test_sound(void **state UNUSED)
{
	struct found f = walk(add(0, PC, SDT_IMAGE_BASE, SDT_IMAGE_DATA + 6), SDT_IMAGE_BYTES);

	assert_int_equal(f.count, 1);
	assert_string_equal(f.last.provider, "app");
	assert_string_equal(f.last.name, "start");
	assert_string_equal(f.last.arguments, "-4@%edi");
	assert_int_equal(f.last.addr, PC);
	assert_int_equal(f.last.offset, 0x210);
	assert_int_equal(f.last.semaphore_addr, SDT_IMAGE_DATA + 6);
	assert_int_equal(f.last.semaphore_offset, 0x306);
}

/* The file was moved after its notes were written: both addresses go with it, but not "none". */
static void test_moved(void **state UNUSED)
{
	u64 by = 0x7000;
	size_t len = add(0, PC - by, SDT_IMAGE_BASE - by, SDT_IMAGE_DATA + 6 - by);
	struct found f = walk(len, SDT_IMAGE_BYTES);

	assert_int_equal(f.count, 1);
	assert_int_equal(f.last.addr, PC);
	assert_int_equal(f.last.semaphore_offset, 0x306);
	f = walk(add(0, PC + by, SDT_IMAGE_BASE + by, 0), SDT_IMAGE_BYTES);
	assert_int_equal(f.count, 1);
	assert_int_equal(f.last.offset, 0x210);
	assert_int_equal(f.last.semaphore_addr, 0);
	assert_int_equal(f.last.semaphore_offset, 0);
	/* A note that tells of no base is as it is. */
	f = walk(add(0, PC, 0, 0), SDT_IMAGE_BYTES);
	assert_int_equal(f.last.addr, PC);
}

static void test_many(void **state UNUSED)
{
	struct found f = {.stop_after = 2};
	size_t len = 0;
	struct ft_elf *elf;

	for (u32 i = 0; i < 5; i++)
		len = add(len, PC + i, SDT_IMAGE_BASE, 0);
	assert_int_equal(walk(len, SDT_IMAGE_BYTES).count, 5);
	assert_int_equal(ft_elf_open_memory(image, sizeof(image), &elf), 0);
	assert_int_equal(ft_sdt_walk(elf, note_probe, &f), -ECANCELED);
	assert_int_equal(f.last.addr, PC + 1);
	ft_elf_close(elf);
}

/* What is wrong with a note costs that note. */
static void test_damaged(void **state UNUSED)
{
	size_t len = add(0, 0xdead0000, SDT_IMAGE_BASE, 0), good; /* no such place */

	len = add(len, PC, SDT_IMAGE_BASE, 0xdead0000); /* no such semaphore */
	good = len;
	len = sdt_image_note(notes, len, PC, 0, 0, "app\0start\0-4@", 13); /* does not end */
	len = sdt_image_note(notes, len, PC, 0, 0, "app\0start", 9);
	len = sdt_image_note(notes, len, PC, 0, 0, "app", 3);
	len = sdt_image_note(notes, len, PC, 0, 0, "", 0);
	len = sdt_image_note(notes, len, PC, 0, 0, "\0start\0", 8); /* no provider */
	len = sdt_image_note(notes, len, PC, 0, 0, "app\0\0", 6);   /* no name */
	assert_int_equal(walk(len, SDT_IMAGE_BYTES).count, 0);
	len = add(len, PC, SDT_IMAGE_BASE, 0);
	assert_int_equal(walk(len, SDT_IMAGE_BYTES).count, 1);
	notes[good + 12] = 'S'; /* a note of somebody else's */
	assert_int_equal(walk(len, SDT_IMAGE_BYTES).count, 1);
	notes[good + 8] = 4; /* of another type */
	assert_int_equal(walk(len, SDT_IMAGE_BYTES).count, 1);
	memset(notes + good + 4, 0xff, 4); /* longer than the file: nothing can be found after it */
	assert_int_equal(walk(len, SDT_IMAGE_BYTES).count, 0);
	memset(notes + good, 0xff, 4);
	assert_int_equal(walk(len, SDT_IMAGE_BYTES).count, 0);
}

/* Cut anywhere, a section gives the notes that are whole but for what fills them up. */
static void test_cut(void **state UNUSED)
{
	size_t first = add(0, PC, 0, 0), len = add(first, PC + 1, 0, 0);
	size_t filling = -sizeof(STRINGS) % 4;

	for (size_t cut = 0; cut <= len; cut++)
		assert_int_equal(walk(cut, SDT_IMAGE_BYTES).count,
				 (cut >= first - filling) + (cut >= len - filling));
}

/* A file of 32 bits: addresses of 4 bytes. */
static void build_narrow(u64 pc, u64 base, u64 semaphore)
{
	static const char names[] = "\0.note.stapsdt\0.stapsdt.base\0.shstrtab";
	const struct {
		Elf32_Nhdr header;
		char owner[8];
		u32 addrs[3];
		char strings[sizeof(STRINGS)];
	} __attribute__((packed)) note = {
		.header = {.n_namesz = 8, .n_descsz = 12 + sizeof(STRINGS), .n_type = 3},
		.owner = "stapsdt",
		.addrs = {(u32)pc, (u32)base, (u32)semaphore},
		.strings = STRINGS,
	};
	const Elf32_Phdr segments[] = {
		{.p_type = PT_LOAD,
		 .p_offset = 0x200,
		 .p_vaddr = SDT_IMAGE_CODE,
		 .p_filesz = 0x100},
		{.p_type = PT_LOAD,
		 .p_offset = 0x300,
		 .p_vaddr = SDT_IMAGE_DATA,
		 .p_filesz = 0x100},
	};
	const Elf32_Shdr sections[] = {
		{.sh_type = SHT_NULL},
		{.sh_type = SHT_NOTE, .sh_name = 1, .sh_offset = 0x400, .sh_size = sizeof(note)},
		{.sh_type = SHT_PROGBITS, .sh_name = 15, .sh_addr = SDT_IMAGE_BASE, .sh_size = 1},
		{.sh_type = SHT_STRTAB,
		 .sh_name = 29,
		 .sh_offset = 0xd00,
		 .sh_size = sizeof(names)},
	};
	const Elf32_Ehdr header = {.e_ident = ELFMAG "\x01\x01\x01",
				   .e_type = ET_EXEC,
				   .e_machine = EM_386,
				   .e_version = EV_CURRENT,
				   .e_phoff = sizeof(header),
				   .e_shoff = 0xe00,
				   .e_ehsize = sizeof(header),
				   .e_phentsize = sizeof(*segments),
				   .e_phnum = 2,
				   .e_shentsize = sizeof(*sections),
				   .e_shnum = 4,
				   .e_shstrndx = 3};

	memset(image, 0, sizeof(image));
	memcpy(image, &header, sizeof(header));
	memcpy(image + sizeof(header), segments, sizeof(segments));
	memcpy(image + 0x400, &note, sizeof(note));
	memcpy(image + 0xd00, names, sizeof(names));
	memcpy(image + 0xe00, sections, sizeof(sections));
}

static void test_narrow(void **state UNUSED)
{
	struct found found = {0};
	struct ft_elf *elf;

	/* Moved down: the difference is negative, and wraps at 32 bits. */
	build_narrow(PC + 0x5000, SDT_IMAGE_BASE + 0x5000, SDT_IMAGE_DATA + 0x5002);
	assert_int_equal(ft_elf_open_memory(image, sizeof(image), &elf), 0);
	assert_int_equal(ft_sdt_walk(elf, note_probe, &found), 0);
	assert_int_equal(found.count, 1);
	assert_string_equal(found.last.name, "start");
	assert_int_equal(found.last.addr, PC);
	assert_int_equal(found.last.offset, 0x210);
	assert_int_equal(found.last.semaphore_offset, 0x302);
	ft_elf_close(elf);
}

static void test_long_names(void **state UNUSED)
{
	char strings[2 * FT_SDT_NAME_MAX] = {0};
	size_t len;

	memset(strings, 'p', FT_SDT_NAME_MAX - 1);
	memcpy(strings + FT_SDT_NAME_MAX, "n\0", 3);
	len = sdt_image_note(notes, 0, PC, 0, 0, strings, FT_SDT_NAME_MAX + 3);
	assert_int_equal(walk(len, SDT_IMAGE_BYTES).count, 1);
	strings[FT_SDT_NAME_MAX - 1] = 'p';
	len = sdt_image_note(notes, 0, PC, 0, 0, strings, sizeof(strings));
	assert_int_equal(walk(len, SDT_IMAGE_BYTES).count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),  cmocka_unit_test(test_moved),
		cmocka_unit_test(test_many),   cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_cut),    cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_narrow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

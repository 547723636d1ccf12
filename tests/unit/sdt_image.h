/*
 * sdt_image.h - a small 64-bit ELF file with probe notes in memory, for tests and the fuzzer.
 *
 *   in the file  as linked
 *   0x000        -         headers
 *   0x200        0x10200   code, 0x100 bytes
 *   0x300        0x20300   data, 0x100 bytes: semaphores
 *   0x400        -         notes
 *   0xd00        -         names of sections, section headers
 */
#ifndef FT_TESTS_SDT_IMAGE_H
#define FT_TESTS_SDT_IMAGE_H

#include <elf.h>
#include <string.h>

#include "base/types.h"

#define SDT_IMAGE_BYTES 0x1000
#define SDT_IMAGE_CODE 0x10200
#define SDT_IMAGE_DATA 0x20300
#define SDT_IMAGE_NOTES 0x400
#define SDT_IMAGE_NOTES_MAX 0x900
#define SDT_IMAGE_BASE 0x10280 /* address of .stapsdt.base */

/* Appends a note to the len bytes there are; returns the new length. strings are text_len bytes. */
static inline size_t sdt_image_note(u8 *notes, size_t len, u64 pc, u64 base, u64 semaphore,
				    const char *strings, size_t text_len)
{
	Elf64_Nhdr note = {.n_namesz = 8, .n_descsz = (u32)(24 + text_len), .n_type = 3};
	u64 addrs[3] = {pc, base, semaphore};

	memcpy(notes + len, &note, sizeof(note));
	memcpy(notes + len + 12, "stapsdt", 8);
	memcpy(notes + len + 20, addrs, sizeof(addrs));
	memcpy(notes + len + 44, strings, text_len);
	return len + 44 + ((text_len + 3) & ~(size_t)3);
}

static inline void sdt_image_segment(u8 *image, u32 index, u32 flags, u64 offset, u64 addr)
{
	Elf64_Phdr p = {.p_type = PT_LOAD,
			.p_flags = flags,
			.p_offset = offset,
			.p_vaddr = addr,
			.p_filesz = 0x100,
			.p_memsz = 0x100,
			.p_align = 4};

	memcpy(image + sizeof(Elf64_Ehdr) + index * sizeof(p), &p, sizeof(p));
}

/* Fills SDT_IMAGE_BYTES of image. */
static inline void sdt_image_build(u8 *image, const u8 *notes, size_t len)
{
	static const char names[] = "\0.note.stapsdt\0.stapsdt.base\0.shstrtab";
	Elf64_Ehdr e = {.e_ident = ELFMAG "\x02\x01\x01",
			.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_phoff = sizeof(e),
			.e_shoff = 0xe00,
			.e_ehsize = sizeof(e),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 2,
			.e_shentsize = sizeof(Elf64_Shdr),
			.e_shnum = 4,
			.e_shstrndx = 3};
	Elf64_Shdr s[4] = {
		{.sh_type = SHT_NULL},
		{.sh_type = SHT_NOTE, .sh_name = 1, .sh_offset = SDT_IMAGE_NOTES, .sh_size = len},
		{.sh_type = SHT_PROGBITS, .sh_name = 15, .sh_addr = SDT_IMAGE_BASE, .sh_size = 1},
		{.sh_type = SHT_STRTAB,
		 .sh_name = 29,
		 .sh_offset = 0xd00,
		 .sh_size = sizeof(names)},
	};

	memset(image, 0, SDT_IMAGE_BYTES);
	memcpy(image, &e, sizeof(e));
	sdt_image_segment(image, 0, PF_R | PF_X, 0x200, SDT_IMAGE_CODE);
	sdt_image_segment(image, 1, PF_R | PF_W, 0x300, SDT_IMAGE_DATA);
	memcpy(image + SDT_IMAGE_NOTES, notes, len);
	memcpy(image + 0xd00, names, sizeof(names));
	memcpy(image + 0xe00, s, sizeof(s));
}

#endif

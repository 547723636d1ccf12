/*
 * elf_image.h - builds a small x86-64 or aarch64 ELF file in memory, for tests and the fuzzer.
 *
 * Everything is at a fixed place, so that tests can name addresses. In the file, and as linked:
 *   0x0000  0x10000  headers, build-id note (0x200), .eh_frame_hdr (0x300), .eh_frame (0x400)
 *   0x1000  0x11000  .text, 0x800 bytes
 *   0x1800  0x11800  .plt, four stubs of 16 bytes; the first is the linker's own
 *   0x1900  0x11900  .init, 0x20 bytes
 *   0x2000           symbol tables, strings, relocations, section headers; not loaded
 * Unwind information covers [0x11600, 0x11640), [0x11640, 0x11680) and the entry point's
 * [0x11700, 0x11720).
 */
#ifndef FT_TESTS_ELF_IMAGE_H
#define FT_TESTS_ELF_IMAGE_H

#include <elf.h>
#include <string.h>

#include "base/types.h"

#define IMAGE_BYTES 0x4000
#define IMAGE_LOAD 0x10000
#define IMAGE_CODE_BYTES 0x920
#define IMAGE_SLOTS 0x20000 /* addresses of the PLT's slots */
#define IMAGE_BUILD_ID "0123456789abcdefghij"

struct image_symbol {
	const char *name;
	u64 value, size;
	u8 type, bind;
	bool dynamic; /* in .dynsym; else in .symtab */
};

enum {
	IMAGE_NULL,
	IMAGE_TEXT,
	IMAGE_PLT,
	IMAGE_INIT,
	IMAGE_SYMTAB,
	IMAGE_STRTAB,
	IMAGE_DYNSYM,
	IMAGE_DYNSTR,
	IMAGE_RELA,
	IMAGE_SHSTRTAB,
	IMAGE_SECTIONS
};

static inline void image_put(u8 *image, size_t at, const void *data, size_t len)
{
	memcpy(image + at, data, len);
}

static inline void image_put32(u8 *image, size_t at, u32 value)
{
	memcpy(image + at, &value, sizeof(value));
}

static inline void image_segment(u8 *image, int index, u32 type, u32 flags, u64 offset, u64 bytes)
{
	Elf64_Phdr p = {.p_type = type,
			.p_flags = flags,
			.p_offset = offset,
			.p_vaddr = offset + IMAGE_LOAD,
			.p_filesz = bytes,
			.p_memsz = bytes,
			.p_align = 4};

	image_put(image, sizeof(Elf64_Ehdr) + (size_t)index * sizeof(p), &p, sizeof(p));
}

static inline void image_section(u8 *image, int index, const char *name, u32 type, u64 offset,
				 u64 bytes, u32 link)
{
	static const char names[] =
		"\0.text\0.plt\0.init\0.symtab\0.strtab\0.dynsym\0.dynstr\0.rela.plt\0.shstrtab";
	bool code = index == IMAGE_TEXT || index == IMAGE_PLT || index == IMAGE_INIT;
	Elf64_Shdr s = {.sh_type = type, .sh_offset = offset, .sh_size = bytes, .sh_link = link};

	for (size_t i = 0; i < sizeof(names); i += strlen(names + i) + 1) {
		if (!strcmp(names + i, name))
			s.sh_name = (u32)i;
	}
	if (code) {
		s.sh_flags = SHF_ALLOC | SHF_EXECINSTR;
		s.sh_addr = offset + IMAGE_LOAD;
	}
	if (index == IMAGE_SHSTRTAB) {
		image_put(image, offset, names, sizeof(names));
		s.sh_size = sizeof(names);
	}
	image_put(image, 0x3800 + (size_t)index * sizeof(s), &s, sizeof(s));
}

/* Section numbers by address, as the assembler would put them. */
static inline u16 image_section_of(u64 value)
{
	return value < IMAGE_LOAD + 0x1800   ? IMAGE_TEXT
	       : value < IMAGE_LOAD + 0x1900 ? IMAGE_PLT
					     : IMAGE_INIT;
}

/* Writes the symbols of one table and their strings. */
static inline void image_symbols(u8 *image, const struct image_symbol *symbols, size_t count,
				 bool dynamic)
{
	size_t table = dynamic ? 0x2a00 : 0x2000, strings = dynamic ? 0x2e00 : 0x2600, n = 1,
	       at = 1;

	for (size_t i = 0; i < count; i++) {
		Elf64_Sym s = {.st_name = (u32)at,
			       .st_value = symbols[i].value,
			       .st_size = symbols[i].size,
			       .st_info = (u8)(symbols[i].bind << 4 | symbols[i].type),
			       .st_shndx = symbols[i].value ? image_section_of(symbols[i].value)
							    : SHN_UNDEF};

		if (symbols[i].dynamic != dynamic)
			continue;
		image_put(image, table + n++ * sizeof(s), &s, sizeof(s));
		image_put(image, strings + at, symbols[i].name, strlen(symbols[i].name) + 1);
		at += strlen(symbols[i].name) + 1;
	}
	image_section(image, dynamic ? IMAGE_DYNSYM : IMAGE_SYMTAB, dynamic ? ".dynsym" : ".symtab",
		      n == 1	? SHT_NULL
		      : dynamic ? SHT_DYNSYM
				: SHT_SYMTAB,
		      table, n * sizeof(Elf64_Sym), dynamic ? IMAGE_DYNSTR : IMAGE_STRTAB);
	image_section(image, dynamic ? IMAGE_DYNSTR : IMAGE_STRTAB, dynamic ? ".dynstr" : ".strtab",
		      SHT_STRTAB, strings, at, 0);
}

/* Stubs 1 to 3 jump through slots 0 to 2, which belong to dynamic symbols 1 to 3. */
static inline void image_plt(u8 *image, u16 machine)
{
	for (u32 i = 0; i < 3; i++) {
		size_t at = 0x1800 + 16 * (i + 1);
		u64 slot = IMAGE_SLOTS + 8 * i;
		Elf64_Rela rela = {.r_offset = slot,
				   .r_info = ELF64_R_INFO(i + 1, machine == EM_X86_64
									 ? R_X86_64_JUMP_SLOT
									 : R_AARCH64_JUMP_SLOT)};

		image_put(image, 0x3200 + i * sizeof(rela), &rela, sizeof(rela));
		if (machine == EM_X86_64) {
			image_put(image, at, "\xff\x25", 2); /* jmp *slot(%rip) */
			image_put32(image, at + 2, (u32)(slot - (at + IMAGE_LOAD + 6)));
			image_put(image, at + 6, "\x68\0\0\0\0\xe9", 6);
		} else {
			u32 page = (IMAGE_SLOTS - IMAGE_LOAD - 0x1000) >>
				   12; /* pages from the stub's page */

			image_put32(image, at,
				    0x90000010 | (page & 3) << 29 | page >> 2 << 5); /* adrp x16 */
			image_put32(image, at + 4,
				    0xf9400211 | i << 10);	 /* ldr x17, [x16, 8 * i] */
			image_put32(image, at + 8, 0x91000210);	 /* add */
			image_put32(image, at + 12, 0xd61f0220); /* br x17 */
		}
	}
	image_section(image, IMAGE_RELA, ".rela.plt", SHT_RELA, 0x3200, 3 * sizeof(Elf64_Rela),
		      IMAGE_DYNSYM);
}

static inline void image_unwind(u8 *image)
{
	static const u32 ranges[][2] = {{0x11600, 0x40}, {0x11640, 0x40}, {0x11700, 0x20}};
	static const u8 cie[] = {0x14, 0,    0,	   0, 0,    0, 0, 0, 1, 'z', 'R', 0,
				 1,    0x78, 0x10, 1, 0x1b, 0, 0, 0, 0, 0,   0,	  0};

	image_put(image, 0x400, cie, sizeof(cie));
	image_put(image, 0x300, "\x01\x1b\x03\x3b", 4);
	image_put32(image, 0x304, 0x400 - 0x304);
	image_put32(image, 0x308, 3);
	for (u32 i = 0; i < 3; i++) {
		u32 at = 0x418 + 0x14 * i;

		image_put32(image, 0x30c + 8 * i, ranges[i][0] - (IMAGE_LOAD + 0x300));
		image_put32(image, 0x310 + 8 * i, at - 0x300);
		image_put32(image, at, 0x10);
		image_put32(image, at + 4, at + 4 - 0x400);
		image_put32(image, at + 8, ranges[i][0] - (IMAGE_LOAD + at + 8));
		image_put32(image, at + 12, ranges[i][1]);
	}
}

/* Fills IMAGE_BYTES of image. At most 60 short-named symbols a table. */
static inline void image_build(u8 *image, u16 machine, const struct image_symbol *symbols,
			       size_t count)
{
	Elf64_Ehdr e = {.e_ident = ELFMAG "\x02\x01\x01",
			.e_type = ET_EXEC,
			.e_machine = machine,
			.e_version = EV_CURRENT,
			.e_entry = IMAGE_LOAD + 0x1700,
			.e_phoff = sizeof(e),
			.e_shoff = 0x3800,
			.e_ehsize = sizeof(e),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 4,
			.e_shentsize = sizeof(Elf64_Shdr),
			.e_shnum = IMAGE_SECTIONS,
			.e_shstrndx = IMAGE_SHSTRTAB};
	Elf64_Nhdr note = {.n_namesz = 4, .n_descsz = 20, .n_type = NT_GNU_BUILD_ID};

	memset(image, 0, IMAGE_BYTES);
	image_put(image, 0, &e, sizeof(e));
	image_segment(image, 0, PT_LOAD, PF_R, 0, 0x1000);
	image_segment(image, 1, PT_LOAD, PF_R | PF_X, 0x1000, IMAGE_CODE_BYTES);
	image_segment(image, 2, PT_NOTE, PF_R, 0x200, 36);
	image_segment(image, 3, PT_GNU_EH_FRAME, PF_R, 0x300, 12 + 3 * 8);
	image_put(image, 0x200, &note, sizeof(note));
	image_put(image, 0x200 + sizeof(note), "GNU", 4);
	image_put(image, 0x204 + sizeof(note), IMAGE_BUILD_ID, 20);
	image_section(image, IMAGE_TEXT, ".text", SHT_PROGBITS, 0x1000, 0x800, 0);
	image_section(image, IMAGE_PLT, ".plt", SHT_PROGBITS, 0x1800, 0x40, 0);
	image_section(image, IMAGE_INIT, ".init", SHT_PROGBITS, 0x1900, 0x20, 0);
	image_symbols(image, symbols, count, false);
	image_symbols(image, symbols, count, true);
	image_plt(image, machine);
	image_unwind(image);
	image_section(image, IMAGE_SHSTRTAB, ".shstrtab", SHT_STRTAB, 0x3400, 0, 0);
}

#endif

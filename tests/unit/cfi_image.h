/*
 * cfi_image.h - builds an ELF file in memory around hand-made call frame information, for tests and
 * the fuzzer.
 *
 * In the file, and as linked CFI_LOAD higher: headers; CFI_TEXT zero bytes of code at CFI_TEXT_AT;
 * then .eh_frame_hdr, .eh_frame, .debug_frame (not loaded), names and section headers.
 */
#ifndef FT_TESTS_CFI_IMAGE_H
#define FT_TESTS_CFI_IMAGE_H

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/types.h"

#define CFI_LOAD 0x400000
#define CFI_TEXT_AT 0x1000
#define CFI_TEXT 0x100000
#define CFI_CODE (CFI_LOAD + CFI_TEXT_AT) /* address of the first byte of code */
#define CFI_INIT (CFI_CODE + 0x800)
#define CFI_CRT (CFI_CODE + 0x900)
#define CFI_FINI_ARRAY (CFI_CODE + 0xff000)
#define CFI_HDR_AT (CFI_TEXT_AT + CFI_TEXT)
#define CFI_EH_AT (CFI_HDR_AT + 0x100)
#define CFI_EH (CFI_LOAD + CFI_EH_AT) /* address of .eh_frame */

struct cfi_image {
	u8 *data;
	size_t bytes;
};

struct cfi_image_opts {
	u16 machine;		/* 0: x86-64 */
	const void *eh, *debug; /* contents of the sections; NULL: none */
	size_t eh_bytes, debug_bytes;
	bool no_sections;	/* only PT_GNU_EH_FRAME leads to .eh_frame */
	u64 debug_flags;	/* SHF_COMPRESSED */
	const char *debug_name; /* NULL: .debug_frame */
	u32 eh_type;		/* 0: SHT_PROGBITS */
	const void *init;	/* code of .init, at CFI_INIT; NULL: none */
	size_t init_bytes;
	const void *crt; /* code of crtbegin.o, at CFI_CRT; NULL: none */
	size_t crt_bytes;
	size_t crt_aux; /* where in it the function is that .fini_array names */
};

static inline size_t cfi_image_name(u8 *names, size_t *len, const char *name)
{
	size_t at = *len;

	memcpy(names + at, name, strlen(name) + 1);
	*len += strlen(name) + 1;
	return at;
}

/* The caller frees image.data. */
static inline struct cfi_image cfi_image_make(const struct cfi_image_opts *o)
{
	size_t debug_at = CFI_EH_AT + o->eh_bytes, names_at = debug_at + o->debug_bytes;
	size_t headers_at = (names_at + 64 + 7) / 8 * 8, names_len = 1, count = 1;
	struct cfi_image image = {.bytes = headers_at + 6 * sizeof(Elf64_Shdr)};
	Elf64_Shdr sections[6] = {{.sh_type = SHT_NULL}};
	Elf64_Phdr segments[4] = {
		/* As lld lays files out: it ends within the page where the code begins. */
		{.p_type = PT_LOAD,
		 .p_flags = PF_R,
		 .p_offset = 0,
		 .p_vaddr = CFI_LOAD - 0x100000,
		 .p_filesz = CFI_TEXT_AT + 0x40,
		 .p_memsz = CFI_TEXT_AT + 0x40,
		 .p_align = 4096},
		{.p_type = PT_LOAD,
		 .p_flags = PF_R | PF_X,
		 .p_offset = CFI_TEXT_AT,
		 .p_vaddr = CFI_CODE,
		 .p_filesz = CFI_TEXT,
		 .p_memsz = CFI_TEXT,
		 .p_align = 4096},
		{.p_type = PT_LOAD,
		 .p_flags = PF_R,
		 .p_offset = CFI_HDR_AT,
		 .p_vaddr = CFI_LOAD + CFI_HDR_AT,
		 .p_filesz = 0x100 + o->eh_bytes,
		 .p_memsz = 0x100 + o->eh_bytes,
		 .p_align = 4096},
		{.p_type = o->eh ? PT_GNU_EH_FRAME : PT_NULL,
		 .p_flags = PF_R,
		 .p_offset = CFI_HDR_AT,
		 .p_vaddr = CFI_LOAD + CFI_HDR_AT,
		 .p_filesz = 0x100,
		 .p_memsz = 0x100,
		 .p_align = 4},
	};
	Elf64_Ehdr header = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_DYN,
		.e_machine = o->machine ? o->machine : EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(header),
		.e_ehsize = sizeof(header),
		.e_phentsize = sizeof(*segments),
		.e_phnum = FT_ARRAY_LEN(segments),
		.e_shentsize = sizeof(*sections),
	};
	/* Version 1; pointer relative to itself in 4 bytes; no count, no table. */
	u8 eh_frame_hdr[8] = {1, 0x1b, 0xff, 0xff, 0xfc, 0, 0, 0};

	image.data = calloc(1, image.bytes);
	if (!image.data)
		abort();
	if (o->eh && !o->no_sections)
		sections[count++] =
			(Elf64_Shdr){.sh_name = (u32)cfi_image_name(image.data + names_at,
								    &names_len, ".eh_frame"),
				     .sh_type = o->eh_type ? o->eh_type : SHT_PROGBITS,
				     .sh_flags = SHF_ALLOC,
				     .sh_addr = CFI_EH,
				     .sh_offset = CFI_EH_AT,
				     .sh_size = o->eh_bytes};
	if (o->debug && !o->no_sections)
		sections[count++] =
			(Elf64_Shdr){.sh_name = (u32)cfi_image_name(
					     image.data + names_at, &names_len,
					     o->debug_name ? o->debug_name : ".debug_frame"),
				     .sh_type = SHT_PROGBITS,
				     .sh_flags = o->debug_flags,
				     .sh_offset = debug_at,
				     .sh_size = o->debug_bytes};
	if (o->init)
		sections[count++] = (Elf64_Shdr){
			.sh_name = (u32)cfi_image_name(image.data + names_at, &names_len, ".init"),
			.sh_type = SHT_PROGBITS,
			.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
			.sh_addr = CFI_INIT,
			.sh_offset = CFI_INIT - CFI_LOAD,
			.sh_size = o->init_bytes};
	if (o->init)
		memcpy(image.data + CFI_INIT - CFI_LOAD, o->init, o->init_bytes);
	if (o->crt) {
		u64 aux = CFI_CRT + o->crt_aux;

		sections[count++] = (Elf64_Shdr){.sh_type = SHT_FINI_ARRAY,
						 .sh_flags = SHF_ALLOC | SHF_WRITE,
						 .sh_addr = CFI_FINI_ARRAY,
						 .sh_offset = CFI_FINI_ARRAY - CFI_LOAD,
						 .sh_size = sizeof(aux)};
		memcpy(image.data + CFI_FINI_ARRAY - CFI_LOAD, &aux, sizeof(aux));
		memcpy(image.data + CFI_CRT - CFI_LOAD, o->crt, o->crt_bytes);
	}
	sections[count++] = (Elf64_Shdr){
		.sh_name = (u32)cfi_image_name(image.data + names_at, &names_len, ".shstrtab"),
		.sh_type = SHT_STRTAB,
		.sh_offset = names_at,
		.sh_size = 64};
	if (!o->no_sections) {
		header.e_shoff = headers_at;
		header.e_shnum = (u16)count;
		header.e_shstrndx = (u16)(count - 1);
	}
	memcpy(image.data, &header, sizeof(header));
	memcpy(image.data + sizeof(header), segments, sizeof(segments));
	memcpy(image.data + CFI_HDR_AT, eh_frame_hdr, sizeof(eh_frame_hdr));
	if (o->eh_bytes)
		memcpy(image.data + CFI_EH_AT, o->eh, o->eh_bytes);
	if (o->debug_bytes)
		memcpy(image.data + debug_at, o->debug, o->debug_bytes);
	memcpy(image.data + headers_at, sections, sizeof(sections));
	return image;
}

#endif

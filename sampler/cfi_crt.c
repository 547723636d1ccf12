/*
 * cfi_crt.c - unwind information for _init and _fini, which come without.
 *
 * They are put together by the linker: the first instructions are in crti.o, the last in crtn.o,
 * and between them stand calls from other files (crtbegin.o, OpenSSL). Nothing says how to unwind
 * there, though samples fall there: _init is the first code of a library that runs, so the page
 * faults of its text are in it, and all that is called from there has it as a caller.
 *
 * Both ends are known, and what is between cannot leave the stack pointer elsewhere. So this writes
 * the call frame information that should be there, in the form of .debug_frame. A section that
 * begins or ends in another way gets none.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "sampler/cfi_frames.h"

#define CRT_BYTES_MAX 256 /* more than a few calls is something else */
#define CRT_SECTION_BYTES 128

/* How it begins and ends on x86-64. All push 8 bytes, which aligns the stack for calls. */
struct form {
	u8 first_len, last_len;
	u8 first[8], last[4];
};
static const struct form forms[] = {
	/* endbr64; sub $8,%rsp ... add $8,%rsp; ret: glibc's with control flow protection */
	{8, 4, {0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x83, 0xec, 8}, {0x48, 0x83, 0xc4, 8}},
	/* the same without */
	{4, 4, {0x48, 0x83, 0xec, 8}, {0x48, 0x83, 0xc4, 8}},
	/* push %rax ... pop %rax; ret: musl's */
	{1, 1, {0x50}, {0x58}},
};

static const struct form *form_find(const u8 *code, u64 bytes)
{
	for (size_t i = 0; i < FT_ARRAY_LEN(forms); i++) {
		const struct form *f = &forms[i];

		if (bytes > (u64)f->first_len + f->last_len &&
		    !memcmp(code, f->first, f->first_len) && code[bytes - 1] == 0xc3 &&
		    !memcmp(code + bytes - 1 - f->last_len, f->last, f->last_len))
			return f;
	}
	return NULL;
}

static void put(struct cfi_section *section, const void *data, size_t bytes)
{
	memcpy(section->data + section->bytes, data, bytes);
	section->bytes += (u32)bytes;
}

/* An entry with its length before it. */
static void put_entry(struct cfi_section *section, const void *data, u32 bytes)
{
	put(section, &bytes, sizeof(bytes));
	put(section, data, bytes);
}

static void put_function(struct cfi_section *section, const struct ft_elf_section *code,
			 const struct form *form)
{
	u8 between = (u8)(code->bytes - 1 - form->first_len);
	/* DW_CFA_advance_loc1, DW_CFA_def_cfa_offset, and both again. */
	u8 program[] = {0x02, form->first_len, 0x0e, 16, 0x02, between, 0x0e, 8};
	u8 entry[sizeof(u32) + 2 * sizeof(u64) + sizeof(program)] = {0}; /* of the CIE at 0 */

	memcpy(entry + 4, &code->addr, sizeof(code->addr));
	memcpy(entry + 12, &code->bytes, sizeof(code->bytes));
	memcpy(entry + 20, program, sizeof(program));
	put_entry(section, entry, sizeof(entry));
}

int cfi_section_crt(struct ft_elf *elf, struct cfi_section *section)
{
	static const char *const names[] = {".init", ".fini"};
	/* Version 1, units 1 and -8, return address 16; DW_CFA_def_cfa 7 8, DW_CFA_offset 16 1 */
	static const u8 cie[] = {0xff, 0xff, 0xff, 0xff, 1, 0, 1, 0x78, 16, 0x0c, 7, 8, 0x90, 1};
	u8 code[CRT_BYTES_MAX];

	if (elf->machine != EM_X86_64)
		return 0;
	section->data = malloc(CRT_SECTION_BYTES);
	if (!section->data)
		return -ENOMEM;
	put_entry(section, cie, sizeof(cie));
	for (size_t i = 0; i < FT_ARRAY_LEN(names); i++) {
		const struct ft_elf_section *s = ft_elf_section(elf, SHT_PROGBITS, names[i]);
		const struct form *form;

		/* A file that cannot be read has lost its other sections, too. */
		if (!s || s->bytes > sizeof(code) ||
		    ft_elf_read(elf, s->offset, code, (size_t)s->bytes))
			continue;
		form = form_find(code, s->bytes);
		if (form)
			put_function(section, s, form);
	}
	return 0;
}

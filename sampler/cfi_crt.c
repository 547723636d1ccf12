/*
 * cfi_crt.c - unwind information for the code of crti.o and crtbegin.o, which comes without.
 *
 * _init and _fini are put together by the linker: the first instructions are in crti.o, the last in
 * crtn.o, and between them stand calls from other files (crtbegin.o, OpenSSL). Nothing says how to
 * unwind there, though samples fall there: _init is the first code of a library that runs, so the
 * page faults of its text are in it, and all that is called from there has it as a caller.
 *
 * Both ends are known, and what is between cannot leave the stack pointer elsewhere. So this writes
 * the call frame information that should be there, in the form of .debug_frame. A section that
 * begins or ends in another way gets none.
 *
 * crtbegin.o is gcc's, four functions one after the other: deregister_tm_clones,
 * register_tm_clones, __do_global_dtors_aux, frame_dummy. They run where a file is loaded and
 * unloaded, and are the first and last to touch its data: each process has page faults there. The
 * first word of .fini_array leads to the third, whose code has one form since gcc 4.7
 * (libgcc/crtstuff.c); it calls the first. The others are leaves.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "sampler/cfi_frames.h"

#define CRT_BYTES_MAX 256 /* more than a few calls is something else */
#define CRT_SECTION_BYTES 256 /* more than all entries that are made here */
#define CRT_AUX_BYTES 96      /* __do_global_dtors_aux and frame_dummy */
#define CRT_CLONES_MAX 160    /* both functions before them */
#define CRT_ALIGN 16	      /* of each of them */

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

/* A function with its call frame instructions, which are made by the CIE at 0. */
static void put_function(struct cfi_section *section, u64 start, u64 bytes, const u8 *program,
			 size_t program_bytes)
{
	u8 entry[sizeof(u32) + 2 * sizeof(u64) + 16] = {0};

	memcpy(entry + 4, &start, sizeof(start));
	memcpy(entry + 12, &bytes, sizeof(bytes));
	if (program_bytes)
		memcpy(entry + 20, program, program_bytes);
	put_entry(section, entry, (u32)(20 + program_bytes));
}

/* _init or _fini. */
static void put_start_code(struct ft_elf *elf, struct cfi_section *section, const char *name)
{
	const struct ft_elf_section *s = ft_elf_section(elf, SHT_PROGBITS, name);
	u8 code[CRT_BYTES_MAX];
	const struct form *form;

	/* A file that cannot be read has lost its other sections, too. */
	if (!s || s->bytes > sizeof(code) || ft_elf_read(elf, s->offset, code, (size_t)s->bytes))
		return;
	form = form_find(code, s->bytes);
	if (form) {
		u8 between = (u8)(s->bytes - 1 - form->first_len);
		/* DW_CFA_advance_loc1, DW_CFA_def_cfa_offset, and both again. */
		u8 program[] = {0x02, form->first_len, 0x0e, 16, 0x02, between, 0x0e, 8};

		put_function(section, s->addr, s->bytes, program, sizeof(program));
	}
}

static s32 read_s32(const u8 *at)
{
	s32 value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* Bytes of an endbr64 at code, which may be there. */
static size_t endbr(const u8 *code)
{
	static const u8 endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};

	return memcmp(code, endbr64, sizeof(endbr64)) ? 0 : sizeof(endbr64);
}

/* Where the instructions of __do_global_dtors_aux are, in bytes from its start. */
struct aux {
	size_t pushed; /* after push %rbp */
	size_t popped; /* after pop %rbp */
	size_t end;    /* after the last ret */
	s64 clones;    /* deregister_tm_clones */
};

/*
 * cmpb $0,completed; jne ret; push %rbp; ... call deregister_tm_clones; movb $1,completed;
 * pop %rbp; ret; padding; ret. False: something else.
 */
static bool aux_read(const u8 code[CRT_AUX_BYTES], struct aux *aux)
{
	static const u8 pop_ret[] = {0x5d, 0xc3};
	size_t at = endbr(code), last;
	u8 jump = code[at + 8];

	if (code[at] != 0x80 || code[at + 1] != 0x3d || code[at + 6] || code[at + 7] != 0x75 ||
	    code[at + 9] != 0x55)
		return false;
	aux->pushed = at + 10;
	last = at + 9 + jump; /* the ret that jne goes to */
	/* Room for the instructions from the call on; and for frame_dummy behind it. */
	if (jump < 16 || last + CRT_ALIGN + 10 > CRT_AUX_BYTES || code[last] != 0xc3)
		return false;
	for (size_t pop = last - 2; pop >= aux->pushed + 12 && pop + 8 > last; pop--) {
		if (memcmp(code + pop, pop_ret, sizeof(pop_ret)) || code[pop - 1] != 1 ||
		    code[pop - 7] != 0xc6 || code[pop - 6] != 0x05 || code[pop - 12] != 0xe8)
			continue;
		aux->popped = pop + 1;
		aux->end = last + 1;
		aux->clones = (s64)pop - 7 + read_s32(code + pop - 11);
		return true;
	}
	return false;
}

/* Bytes of frame_dummy: a jump to register_tm_clones. 0: something else. */
static u64 dummy_bytes(const u8 *code)
{
	size_t at = endbr(code);

	return code[at] == 0xe9 ? at + 5 : code[at] == 0xeb ? at + 2 : 0;
}

/* The functions of crtbegin.o. */
static void put_crtbegin(struct ft_elf *elf, struct cfi_section *section)
{
	const struct ft_elf_section *s = ft_elf_section(elf, SHT_FINI_ARRAY, NULL);
	u8 code[CRT_AUX_BYTES];
	u64 start, offset, dummy;
	struct aux aux;

	if (!s || s->bytes < sizeof(start) || ft_elf_read(elf, s->offset, &start, sizeof(start)) ||
	    !ft_elf_offset_of_addr(elf, start, &offset) ||
	    ft_elf_read(elf, offset, code, sizeof(code)) || !aux_read(code, &aux))
		return;
	if (aux.clones < 0 && aux.clones >= -CRT_CLONES_MAX)
		put_function(section, start + (u64)aux.clones, (u64)-aux.clones, NULL, 0);
	/* advance_loc1, def_cfa_offset, offset of rbp; advance_loc1, def_cfa_offset, restore. */
	put_function(section, start, aux.end,
		     (const u8[]){0x02, (u8)aux.pushed, 0x0e, 16, 0x86, 2, 0x02,
				  (u8)(aux.popped - aux.pushed), 0x0e, 8, 0xc6},
		     11);
	aux.end = (aux.end + CRT_ALIGN - 1) & ~(size_t)(CRT_ALIGN - 1);
	dummy = dummy_bytes(code + aux.end);
	if (dummy)
		put_function(section, start + aux.end, dummy, NULL, 0);
}

int cfi_section_crt(struct ft_elf *elf, struct cfi_section *section)
{
	/* Version 1, units 1 and -8, return address 16; DW_CFA_def_cfa 7 8, DW_CFA_offset 16 1 */
	static const u8 cie[] = {0xff, 0xff, 0xff, 0xff, 1, 0, 1, 0x78, 16, 0x0c, 7, 8, 0x90, 1};

	if (elf->machine != EM_X86_64)
		return 0;
	section->data = malloc(CRT_SECTION_BYTES);
	if (!section->data)
		return -ENOMEM;
	put_entry(section, cie, sizeof(cie));
	put_start_code(elf, section, ".init");
	put_start_code(elf, section, ".fini");
	put_crtbegin(elf, section);
	return 0;
}

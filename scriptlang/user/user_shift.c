/*
 * user_shift.c - where in its first instructions a function is probed; see user_places.h.
 *
 * The kernel emulates some instructions below a probe (arch/x86/kernel/uprobes.c): whole registers
 * that are pushed, jumps, calls, nop. Others run elsewhere, one by one, which takes two more
 * entries into the kernel: 25 us instead of 1 where this was written. So a function that begins
 * with others is probed behind them, at the first one that is emulated, if that is the same:
 *
 * - Up to there nothing branches, nothing is written but registers and flags, and nothing is read
 *   that may not be there. Who gets there was at the beginning, and the other way round.
 * - The stack pointer is untouched, so that the return address is where it was; unless nobody asks,
 *   registers of arguments are.
 * - Nothing jumps to between the beginning and the place. A prologue's push is no target of jumps.
 *   For others the whole function is looked through; one that jumps to where the code does not
 *   tell, or out of itself (to its cold part, which may come back), stays as it is.
 */
#include <elf.h>
#include <string.h>

#include "base/x86.h"
#include "scriptlang/user/user_places.h"

#define SHIFT_MAX 64	   /* bytes that are looked at for a place */
#define FUNCTION_MAX 16384 /* bytes of a function that is looked through */
#define ARGUMENTS (FT_X86_RDI | FT_X86_RSI | FT_X86_RDX | FT_X86_RCX | FT_X86_R8 | FT_X86_R9)

static const u8 endbr64[4] = {0xf3, 0x0f, 0x1e, 0xfa};

static bool is_emulated(const u8 *at, const struct ft_x86 *insn)
{
	switch (insn->kind) {
	case FT_X86_PUSH: /* the only prefix that the kernel takes */
		return insn->len == 1 || (insn->len == 2 && at[0] == 0x41);
	case FT_X86_NOP:
		return insn->len == 1;
	case FT_X86_CALL:
	case FT_X86_JUMP:
		return at[0] == 0xe8 || at[0] == 0xe9 || at[0] == 0xeb;
	case FT_X86_JUMP_IF: /* loop and jrcxz are not */
		return (at[0] & 0xf0) == 0x70 || (at[0] == 0x0f && (at[1] & 0xf0) == 0x80);
	default:
		return false;
	}
}

/* The first instruction that is emulated, as far as what is before it does no harm; or -1. */
static s64 find_place(const u8 *code, size_t len, bool has_arguments, struct ft_x86 *insn)
{
	size_t at = 0;

	while (at < len && ft_x86_decode(code + at, len - at, insn)) {
		if (is_emulated(code + at, insn))
			return (s64)at;
		if ((insn->kind != FT_X86_PLAIN && insn->kind != FT_X86_NOP) || insn->faults ||
		    insn->writes & FT_X86_RSP || (has_arguments && insn->writes & ARGUMENTS))
			return -1;
		at += insn->len;
	}
	return -1;
}

/* Whether a function has no way to what is behind its beginning, up to a place, but from it. */
static bool only_begins(const u8 *code, size_t size, s64 place)
{
	struct ft_x86 insn;

	for (size_t at = 0; at < size; at += insn.len) {
		bool jumps, leaves;
		s64 to;

		if (!ft_x86_decode(code + at, size - at, &insn) || insn.kind == FT_X86_INDIRECT)
			return false;
		jumps = insn.kind == FT_X86_JUMP || insn.kind == FT_X86_JUMP_IF;
		to = (s64)at + insn.target;
		/* What is gone through in one line to its last jump goes on elsewhere. */
		leaves = (to < 0 || to >= (s64)size) &&
			 !(insn.kind == FT_X86_JUMP && (s64)at == place);
		if (jumps && ((to > 0 && to <= place) || leaves))
			return false;
	}
	return true;
}

u64 ft_user_probe_place(const struct ft_user_file *file, u64 addr, u64 size, bool has_arguments)
{
	u8 code[SHIFT_MAX], whole[FUNCTION_MAX];
	size_t len = size && size < sizeof(code) ? (size_t)size : sizeof(code), mark;
	struct ft_x86 insn;
	u64 offset;
	s64 place;

	/* What the kernel emulates there, and how, is its own concern. */
	if (file->in_kernel || file->elf->machine != EM_X86_64 ||
	    !ft_elf_offset_of_addr(file->elf, addr, &offset) ||
	    ft_elf_read(file->elf, offset, code, len))
		return addr;
	mark = len > sizeof(endbr64) && !memcmp(code, endbr64, sizeof(endbr64)) ? sizeof(endbr64)
										: 0;
	place = find_place(code, len, has_arguments, &insn);
	if (place <= (s64)mark)
		return place < 0 ? addr : addr + (u64)place;
	if (!size)
		return addr;
	if (insn.kind == FT_X86_PUSH)
		return addr + (u64)place;
	if (size > sizeof(whole) || ft_elf_read(file->elf, offset, whole, size) ||
	    !only_begins(whole, size, place))
		return addr;
	return addr + (u64)place;
}

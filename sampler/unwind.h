/*
 * unwind.h - one step of the stack walk: from the registers of a frame to those of its caller.
 *
 * Compiled twice: into the BPF programs (bpf/ustack.bpf.h), and for user space (late.c, and the
 * tests), so that both walk alike and the logic can be checked without a kernel. Whoever includes
 * it defines before
 *
 *     static bool unwind_read(struct ft_unwind *u, u64 addr, u64 *word)
 *
 * which reads a word of the walked stack. x86-64 registers have their DWARF numbers (abi.h).
 */
#ifndef FT_SAMPLER_UNWIND_H
#define FT_SAMPLER_UNWIND_H

#include "sampler/unwind_state.h"

#define UNWIND_LOWEST_CODE 4096 /* the first page is never mapped */

enum ft_unwind_result {
	FT_UNWIND_MORE, /* the registers are the caller's now */
	FT_UNWIND_ROOT,
	FT_UNWIND_BAD,	 /* the rule cannot be followed */
	FT_UNWIND_FAULT, /* stack memory cannot be read */
};

/* Sets *u to a stack's first frame, from all registers by DWARF number and the pc. */
static inline void unwind_begin(struct ft_unwind *u, u64 pc, const u64 regs[16])
{
	for (u32 i = 0; i < 16; i++)
		u->leaf[i] = regs[i];
	u->pc = pc;
	u->sp = regs[FT_CFI_X86_SP];
	u->fp = regs[FT_CFI_X86_FP];
	u->bx = regs[FT_CFI_X86_BX];
	u->fp_at = u->bx_at = 0;
	u->is_leaf = u->exact = 1;
}

/* This frame's fp; 0 when it was saved where nothing can be read. */
static __attribute__((always_inline)) inline u64 unwind_fp_now(struct ft_unwind *u)
{
	if (u->fp_at) {
		if (!unwind_read(u, u->fp_at, &u->fp))
			u->fp = 0;
		u->fp_at = 0;
	}
	return u->fp;
}

/* This frame's bx, likewise. */
static __attribute__((always_inline)) inline u64 unwind_bx_now(struct ft_unwind *u)
{
	if (u->bx_at) {
		if (!unwind_read(u, u->bx_at, &u->bx))
			u->bx = 0;
		u->bx_at = 0;
	}
	return u->bx;
}

static __attribute__((always_inline)) inline bool unwind_reg(struct ft_unwind *u, u32 reg,
							     u64 *value)
{
	if (reg == FT_CFI_X86_SP)
		*value = u->sp;
	else if (reg == FT_CFI_X86_FP)
		*value = unwind_fp_now(u);
	else if (reg == FT_CFI_X86_BX)
		*value = unwind_bx_now(u);
	else if (u->is_leaf)
		*value = u->leaf[reg & 15];
	else
		return false; /* only these three are followed through frames */
	return true;
}

/*
 * The kernel's signal frame: struct ucontext begins at sp, its sigcontext is 40 bytes on
 * (asm/sigcontext.h).
 */
static __attribute__((always_inline)) inline enum ft_unwind_result unwind_signal(
	struct ft_unwind *u, u64 frame)
{
	u64 sp, pc;

	if (!unwind_read(u, frame + 160, &sp) || !unwind_read(u, frame + 168, &pc))
		return FT_UNWIND_FAULT;
	if (!unwind_read(u, frame + 120, &u->fp))
		u->fp = 0;
	if (!unwind_read(u, frame + 128, &u->bx))
		u->bx = 0;
	u->fp_at = 0;
	u->bx_at = 0;
	u->sp = sp;
	u->pc = pc;
	u->is_leaf = 0;
	u->exact = 1;
	return pc ? FT_UNWIND_MORE : FT_UNWIND_ROOT;
}

static __attribute__((always_inline)) inline enum ft_unwind_result unwind_cfa(
	struct ft_unwind *u, const struct ft_cfi_rule *rule, u64 *cfa)
{
	u64 base, index = 0;

	if (!unwind_reg(u, rule->cfa_reg, &base))
		return FT_UNWIND_BAD;
	base += (u64)(s64)rule->cfa_offset;
	if (rule->cfa_kind == FT_CFI_CFA_REG) {
		*cfa = base;
		return FT_UNWIND_MORE;
	}
	if (rule->cfa_kind == FT_CFI_CFA_PLT) {
		*cfa = base + ((u->pc & 15) >= (u64)(s64)rule->cfa_add ? 8 : 0);
		return FT_UNWIND_MORE;
	}
	if (rule->cfa_kind == FT_CFI_CFA_INDEXED && !unwind_reg(u, rule->cfa_index, &index))
		return FT_UNWIND_BAD;
	if (!unwind_read(u, base + index * 8, cfa))
		return FT_UNWIND_FAULT;
	*cfa += (u64)(s64)rule->cfa_add;
	return FT_UNWIND_MORE;
}

/* A register of the caller: its value, or (at is not 0) where it was saved. */
struct unwind_saved {
	u64 value, at;
};

/*
 * A register that was saved at that place. An epilogue that has restored it leaves the place below
 * the stack pointer, where captured stacks do not reach: it has its value of now then.
 */
static __attribute__((always_inline)) inline struct unwind_saved unwind_saved_at(
	struct ft_unwind *u, u64 at, struct unwind_saved now)
{
	struct unwind_saved saved = {.at = at};

	if (at >= u->sp)
		return saved;
	saved.at = 0;
	return unwind_read(u, at, &saved.value) ? saved : now;
}

/*
 * The caller's frame pointer, from this frame's. One that is lost is 0 and does not end the walk.
 */
static __attribute__((always_inline)) inline struct unwind_saved unwind_fp(
	struct ft_unwind *u, const struct ft_cfi_rule *rule, u64 cfa)
{
	struct unwind_saved now = {u->fp, u->fp_at}, none = {0, 0};
	u64 words = (u64)(s64)rule->fp_words * 8, value = 0;

	switch (rule->fp_kind) {
	case FT_CFI_SAME:
		return now;
	case FT_CFI_AT_CFA:
		return unwind_saved_at(u, cfa + words, now);
	case FT_CFI_IS_CFA:
		return (struct unwind_saved){cfa + words, 0};
	case FT_CFI_IN_REG:
		return unwind_reg(u, rule->fp_reg, &value) ? (struct unwind_saved){value, 0} : none;
	case FT_CFI_AT_REG:
		return unwind_reg(u, rule->fp_reg, &value) ? (struct unwind_saved){0, value + words}
							   : none;
	default:
		return none;
	}
}

static __attribute__((always_inline)) inline struct unwind_saved unwind_bx(
	struct ft_unwind *u, const struct ft_cfi_rule *rule, u64 cfa)
{
	struct unwind_saved now = {u->bx, u->bx_at}, none = {0, 0};
	u64 at;

	if (rule->bx_kind == FT_CFI_SAME)
		return now;
	if (rule->bx_kind == FT_CFI_LOST)
		return none;
	at = rule->bx_kind == FT_CFI_AT_CFA ? cfa : unwind_fp_now(u);
	return unwind_saved_at(u, at + (u64)(s64)rule->bx_words * 8, now);
}

/*
 * Follows a rule that is neither NONE nor BAD. On anything but MORE the registers are no longer of
 * use.
 */
static __attribute__((always_inline)) inline enum ft_unwind_result unwind_rule(
	struct ft_unwind *u, const struct ft_cfi_rule *rule)
{
	struct unwind_saved fp, bx;
	enum ft_unwind_result result;
	u64 cfa, pc, at;

	if (rule->ra_kind == FT_CFI_ROOT)
		return FT_UNWIND_ROOT;
	if (rule->cfa_kind == FT_CFI_CFA_SIGFRAME)
		return unwind_reg(u, rule->cfa_reg, &at) ? unwind_signal(u, at) : FT_UNWIND_BAD;
	result = unwind_cfa(u, rule, &cfa);
	if (result != FT_UNWIND_MORE)
		return result;
	if (rule->ra_kind == FT_CFI_AT_CFA) {
		if (!unwind_read(u, cfa + (u64)(s64)rule->ra_words * 8, &pc))
			return FT_UNWIND_FAULT;
	} else {
		if (!unwind_reg(u, rule->ra_reg, &pc))
			return FT_UNWIND_BAD;
		if (rule->ra_kind == FT_CFI_AT_REG &&
		    !unwind_read(u, pc + (u64)(s64)rule->ra_words * 8, &pc))
			return FT_UNWIND_FAULT;
	}
	/*
	 * The dynamic linker's _start has no rule that says so, but the word that would be its
	 * return address is 0 or, at its first instruction, the number of arguments.
	 */
	if (pc < UNWIND_LOWEST_CODE)
		return FT_UNWIND_ROOT;
	/*
	 * Stacks grow, or the walk would go round for ever. vfork holds its return address in a
	 * register.
	 */
	if (cfa < u->sp || (cfa == u->sp && rule->ra_kind != FT_CFI_IN_REG))
		return FT_UNWIND_BAD;
	fp = unwind_fp(u, rule, cfa);
	bx = unwind_bx(u, rule, cfa);
	u->fp = fp.value;
	u->fp_at = fp.at;
	u->bx = bx.value;
	u->bx_at = bx.at;
	u->sp = cfa;
	u->pc = pc;
	u->is_leaf = 0;
	u->exact = rule->signal;
	return FT_UNWIND_MORE;
}

/* One step by the frame pointer. The end of the chain is a frame pointer of 0. */
static __attribute__((always_inline)) inline enum ft_unwind_result unwind_frame_pointer(
	struct ft_unwind *u)
{
	u64 fp = unwind_fp_now(u), pc;

	if (!fp)
		return FT_UNWIND_ROOT;
	if (fp & 7 || fp < u->sp)
		return FT_UNWIND_BAD;
	if (!unwind_read(u, fp + 8, &pc))
		return FT_UNWIND_FAULT;
	if (!unwind_read(u, fp, &u->fp))
		return FT_UNWIND_FAULT;
	u->sp = fp + 16;
	u->pc = pc;
	u->is_leaf = 0;
	u->exact = 0;
	return pc ? FT_UNWIND_MORE : FT_UNWIND_ROOT;
}

#endif

/*
 * abi.h - unwind tables as user space writes them and the BPF unwinder reads them.
 *
 * A rule says how to get from the registers of one frame to those of its caller. A row says from
 * which address on a rule holds. cfi.h makes both from an ELF file; docs/unwind-tables.md explains
 * them with examples. Fixed-width fields, no holes: rules are compared as bytes.
 *
 * Register numbers are DWARF's: x86-64 rax 0, rdx 1, rcx 2, rbx 3, rsi 4, rdi 5, rbp 6, rsp 7,
 * r8..r15; aarch64 x0..x30, sp 31. In what follows fp is rbp or x29, bx is rbx (aarch64 has none),
 * and CFA is the caller's stack pointer.
 */
#ifndef FT_SAMPLER_ABI_H
#define FT_SAMPLER_ABI_H

#include "base/types.h"

#define FT_CFI_X86_AX 0
#define FT_CFI_X86_FP 6
#define FT_CFI_X86_BX 3
#define FT_CFI_X86_SP 7
#define FT_CFI_ARM_FP 29
#define FT_CFI_ARM_LR 30
#define FT_CFI_ARM_SP 31

/* How to get the CFA. reg is the value of cfa_reg in this frame. */
enum ft_cfi_cfa {
	FT_CFI_CFA_NONE,    /* nobody says how to unwind here */
	FT_CFI_CFA_REG,	    /* reg + cfa_offset */
	FT_CFI_CFA_DEREF,   /* *(reg + cfa_offset) + cfa_add */
	FT_CFI_CFA_INDEXED, /* *(reg + 8 * (value of register cfa_index) + cfa_offset) + cfa_add */
	FT_CFI_CFA_PLT,	    /* reg + cfa_offset + ((pc & 15) >= cfa_add ? 8 : 0) */
	/* as DEREF; and all registers are in the x86-64 struct sigcontext at reg + 40, r8 first */
	FT_CFI_CFA_SIGFRAME,
	FT_CFI_CFA_BAD, /* said, but damaged or beyond what a rule can say */
};

/* How to get a register of the caller. Offsets are in words of 8 bytes. */
enum ft_cfi_kind {
	FT_CFI_SAME,   /* unchanged */
	FT_CFI_AT_CFA, /* in memory at CFA + 8 * words */
	/* in memory at register + 8 * words; bx: at fp + 8 * words, fp being this frame's */
	FT_CFI_AT_REG,
	/* no longer anywhere, or where a rule cannot say. Never of ra: the rule is BAD then */
	FT_CFI_LOST,
	FT_CFI_IN_REG, /* in another register. Not of bx */
	FT_CFI_IS_CFA, /* equal to CFA + 8 * words. Only of fp */
	FT_CFI_ROOT,   /* there is no caller. Only of ra */
};

struct ft_cfi_rule {
	s32 cfa_offset; /* bytes */
	s16 cfa_add; /* bytes; PLT: the first offset within a 16-byte stub that has pushed a word */
	s16 fp_words, ra_words, bx_words;
	u8 cfa_kind : 3, cfa_reg : 5; /* enum ft_cfi_cfa */
	u8 fp_kind : 3, fp_reg : 5;   /* enum ft_cfi_kind */
	u8 ra_kind : 3, ra_reg : 5;   /* enum ft_cfi_kind */
	u8 bx_kind : 2;		      /* enum ft_cfi_kind, up to LOST */
	/*
	 * The caller's pc is exact, not after a call: a signal interrupted it, or it is the landing
	 * pad of an exception.
	 */
	u8 signal : 1;
	u8 ra_signed : 1; /* aarch64: the return address holds a pointer authentication code */
	u8 cfa_index : 4; /* INDEXED: the register; else 0 */
};
_Static_assert(sizeof(struct ft_cfi_rule) == 16,
	       "rules are compared as bytes and indexed by the kernel side");

/*
 * Rules that every table starts with. The others follow, the frequent ones first where it matters.
 */
#define FT_CFI_RULE_NONE 0
#define FT_CFI_RULE_BAD 1

/*
 * Packed rows: two bytes each, for rules are few and a few of them are in nearly all rows. Text is
 * cut into granules of 256 bytes. index[g] is the number of the first row at or after the start of
 * granule g; one more entry ends the last.
 *
 * The rule for a pc is in the last row of its granule whose FT_CFI_ROW_PC is not beyond the pc's
 * lower byte, or if there is none in the row before the granule's first; the first row of a table
 * is at pc 0, so that one always exists. The row's code is the number of the rule. From
 * FT_CFI_CODE_WIDE on it is the upper part of it, and the lower part is the code of the row before,
 * which is there for nothing else and has the same pc: FT_CFI_CODE_JOIN. A granule has up to 512
 * rows, so that 10 steps find one; 128 are rare.
 */
#define FT_CFI_GRANULE_SHIFT 8
#define FT_CFI_GRANULE (1u << FT_CFI_GRANULE_SHIFT)
#define FT_CFI_CODE_WIDE 224u
#define FT_CFI_CODE_JOIN(CODE, BEFORE) \
	(FT_CFI_CODE_WIDE + ((CODE)-FT_CFI_CODE_WIDE) * 256 + (BEFORE))
#define FT_CFI_RULES_MAX (FT_CFI_CODE_WIDE + (256 - FT_CFI_CODE_WIDE) * 256)
#define FT_CFI_ROW(PC, CODE) ((u16)(((PC)&0xff) << 8 | ((CODE)&0xff)))
#define FT_CFI_ROW_PC(ROW) ((u32)(ROW) >> 8) /* within its granule */
#define FT_CFI_ROW_CODE(ROW) ((u32)(ROW)&0xff)

#endif

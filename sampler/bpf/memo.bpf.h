/*
 * memo.bpf.h - the fast way from frame to frame: rules that walks on this CPU have followed before.
 *
 * The return addresses of a program's hot stacks are few. A table by address, which every walk
 * leaves to the next one in the same scratch memory, saves the three look-ups (lookup.bpf.h) and
 * most of what they touch; the stack itself is read anew each time, so nothing is assumed but that
 * the code at an address is still the same, for which the version of the mappings stands.
 */
#ifndef FT_SAMPLER_MEMO_BPF_H
#define FT_SAMPLER_MEMO_BPF_H

#include "sampler/bpf/scratch.bpf.h"
#include "sampler/bpf/window.bpf.h"

#include "profile/quality.h"

enum memo_result {
	MEMO_MORE,
	MEMO_END,  /* walk->end says why */
	MEMO_MISS, /* look the frame up; nothing has changed */
};

static __always_inline struct memo *memo_at(struct walk *walk, u64 addr)
{
	return &walk->memo[(addr * 0x9E3779B97F4A7C15ull) >> 56 & (MEMO_RULES - 1)];
}

/* Keeps the rule of addr, if it is of the usual form. */
static __always_inline void memo_keep(struct walk *walk, u64 addr, const struct ft_cfi_rule *rule)
{
	struct memo *m = memo_at(walk, addr);
	s32 cfa = rule->cfa_offset >> 2; /* words, times 2 */

	if (rule->ra_kind == FT_CFI_ROOT) {
		*m = (struct memo){.addr = addr, .version = walk->memo_version};
		return;
	}
	if (rule->cfa_kind != FT_CFI_CFA_REG || rule->signal || !rule->cfa_offset ||
	    rule->cfa_offset & 7 || (s16)cfa != cfa || rule->ra_kind != FT_CFI_AT_CFA ||
	    rule->ra_words != -1)
		return;
	if (rule->cfa_reg == FT_CFI_X86_FP)
		cfa |= 1;
	else if (rule->cfa_reg != FT_CFI_X86_SP)
		return;
	if (rule->fp_kind == FT_CFI_AT_CFA ? !rule->fp_words || (s8)rule->fp_words != rule->fp_words
					   : rule->fp_kind != FT_CFI_SAME)
		return;
	if (rule->bx_kind == FT_CFI_AT_CFA ? !rule->bx_words || (s8)rule->bx_words != rule->bx_words
					   : rule->bx_kind != FT_CFI_SAME)
		return;
	*m = (struct memo){
		.addr = addr,
		.version = walk->memo_version,
		.cfa = (s16)cfa,
		.fp_words = rule->fp_kind == FT_CFI_SAME ? 0 : (s8)rule->fp_words,
		.bx_words = rule->bx_kind == FT_CFI_SAME ? 0 : (s8)rule->bx_words,
	};
}

/* One frame, as unwind_rule does it. Notes it, and goes to its caller. */
static __always_inline int memo_frame(struct walk *walk, struct ft_wire_record *record)
{
	struct ft_unwind *u = &walk->u;
	u64 addr = u->exact ? u->pc : u->pc - 1, cfa, fp_at, bx_at, pc;
	const struct memo *m = memo_at(walk, addr);
	s64 how;

	if (m->addr != addr || m->version != walk->memo_version ||
	    walk->count >= FT_WIRE_MAX_FRAMES)
		return MEMO_MISS;
	how = m->cfa;
	cfa = (how & 1 ? unwind_fp_now(u) : u->sp) + (u64)(how >> 1) * 8;
	fp_at = cfa + (u64)(s64)m->fp_words * 8;
	bx_at = cfa + (u64)(s64)m->bx_words * 8;
	if (fp_at < u->sp || bx_at < u->sp)
		return MEMO_MISS; /* an epilogue */
	record->frames[(walk->base + walk->count) & (FT_WIRE_FRAMES - 1)] = addr;
	walk->count++;
	if (!how) {
		walk->end = FT_END_ROOT;
		return MEMO_END;
	}
	if (!window_word(walk, cfa - 8, &pc)) {
		walk->end = FT_END_FAULT;
		return MEMO_END;
	}
	if (pc < UNWIND_LOWEST_CODE) {
		walk->null_return = 1;
		walk->end = FT_END_ROOT;
		return MEMO_END;
	}
	if (cfa <= u->sp) {
		walk->end = FT_END_BAD_RULE;
		return MEMO_END;
	}
	if (m->fp_words)
		u->fp_at = fp_at;
	if (m->bx_words)
		u->bx_at = bx_at;
	u->sp = cfa;
	u->pc = pc;
	u->is_leaf = 0;
	u->exact = 0;
	walk->suspect = FT_END_BAD_RULE;
	return MEMO_MORE;
}

#endif

/*
 * walk.h - the walk of a stack with everything outside the step function (sampler/unwind.h) given
 * by the test: where memory comes from, and which rule holds for an address. Mirrors the loops in
 * sampler/late.c and sampler/bpf/ustack.bpf.h for the mode "auto".
 */
#ifndef FT_TESTS_UNWIND_WALK_H
#define FT_TESTS_UNWIND_WALK_H

#include "profile/quality.h"
#include "sampler/unwind_state.h"

#define WALK_FRAMES_MAX 1000

enum walk_found {
	WALK_RULE,    /* *rule holds */
	WALK_NONE,    /* a file without unwind information for this place */
	WALK_JIT,     /* code without a file */
	WALK_UNKNOWN, /* no code at all */
};

/* A walk; u comes first, since unwind_read gets its address. */
struct walk {
	struct ft_unwind u;
	bool (*read)(void *context, u64 addr, u64 *word);
	enum walk_found (*find)(void *context, u64 addr, struct ft_cfi_rule *rule);
	void *context;
	u64 frames[WALK_FRAMES_MAX]; /* addresses to look up, as in struct ft_wire_record */
	u32 count;
	enum ft_end end;
};

static bool unwind_read(struct ft_unwind *u, u64 addr, u64 *word)
{
	struct walk *walk = (struct walk *)u;

	return walk->read(walk->context, addr, word);
}

#include "sampler/unwind.h"

/* Walks from the registers of the first frame; read, find and context are set. */
static inline void walk_stack(struct walk *walk, u64 pc, const u64 regs[16])
{
	enum ft_end suspect = FT_END_BAD_RULE;
	struct ft_unwind *u = &walk->u;

	unwind_begin(u, pc, regs);
	walk->end = FT_END_DEPTH;
	for (walk->count = 0; walk->count < WALK_FRAMES_MAX;) {
		u64 addr = u->exact ? u->pc : u->pc - 1;
		enum ft_unwind_result result = FT_UNWIND_BAD;
		struct ft_cfi_rule rule = {0};
		enum walk_found found = walk->find(walk->context, addr, &rule);

		if (found == WALK_UNKNOWN && walk->count) {
			walk->end = suspect;
			return;
		}
		walk->frames[walk->count++] = addr;
		if (found == WALK_UNKNOWN) {
			walk->end = FT_END_NOT_READY;
			return;
		}
		if (found == WALK_RULE) {
			suspect = FT_END_BAD_RULE;
			if (rule.cfa_kind != FT_CFI_CFA_BAD)
				result = unwind_rule(u, &rule);
		} else {
			suspect = found == WALK_JIT ? FT_END_JIT : FT_END_NO_TABLE;
			result = unwind_frame_pointer(u);
		}
		if (result == FT_UNWIND_MORE)
			continue;
		if (result == FT_UNWIND_ROOT)
			walk->end = FT_END_ROOT;
		else if (result == FT_UNWIND_FAULT && found == WALK_RULE)
			walk->end = FT_END_FAULT;
		else
			walk->end = suspect;
		return;
	}
}

#endif

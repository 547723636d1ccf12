/*
 * ustack.bpf.h - the user stack of the current task: the one place that decides how user stacks are
 * walked.
 *
 * Every mode calls ustack_walk. A frame goes the fast way (memo.bpf.h) if a walk before has met its
 * address, else through the tables (lookup.bpf.h). The loop over frames is bpf_loop's, which
 * verifies its body once. The stack is read in windows of 1 KiB. Functions are few and large:
 * returns are dear where the kernel guards them against speculation.
 *
 * A process or table that is not known yet is no reason to lose the stack: see capture.bpf.h.
 */
#ifndef FT_SAMPLER_USTACK_BPF_H
#define FT_SAMPLER_USTACK_BPF_H

#include "sampler/bpf/capture.bpf.h"
#include "sampler/bpf/instance.bpf.h"
#include "sampler/bpf/kernel.bpf.h"
#include "sampler/bpf/lookup.bpf.h"
#include "sampler/bpf/memo.bpf.h"
#include "sampler/bpf/registers.bpf.h"
#include "sampler/bpf/scratch.bpf.h"

#include "profile/quality.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u32); /* process id */
	__type(value, struct ft_wire_space);
} spaces SEC(".maps");

#define MEMO_RUN 2 /* frames of the fast way in one call of bpf_loop's callback */

/* bpf_loop gives its callback one pointer. */
struct walk_loop {
	struct walk *walk;
	struct ft_wire_record *record;
};

/* One step by the frame pointer, where that is allowed and leads somewhere. */
static __always_inline int step_frame_pointer(struct walk *walk, u32 end)
{
	enum ft_unwind_result result;

	walk->suspect = end;
	if (config.unwind == FT_WIRE_UNWIND_TABLES) {
		walk->end = end;
		return 1;
	}
	result = unwind_frame_pointer(&walk->u);
	if (result == FT_UNWIND_MORE)
		return 0;
	walk->end = result == FT_UNWIND_ROOT ? FT_END_ROOT : end;
	return 1;
}

/*
 * Code made at run time that a call returns to, and that does nothing but return: "add $N, %rsp;
 * ret". Its rule is in its bytes; rbp is as it was. So are the trampolines through which Python
 * calls its functions (-X perf): without this their callers are lost where Python itself keeps no
 * frame pointers. False: it is other code.
 */
static __always_inline bool step_trampoline(struct walk *walk)
{
#ifdef __TARGET_ARCH_x86
	u64 code, pc, sp;

	if (walk->u.exact || config.unwind == FT_WIRE_UNWIND_TABLES ||
	    bpf_probe_read_user(&code, sizeof(code), (void *)walk->u.pc) ||
	    (code & 0x80FFFFFF) != 0xC48348 || (code >> 32 & 0xFF) != 0xC3)
		return false;
	sp = walk->u.sp + (code >> 24 & 0x7F);
	if (!unwind_read(&walk->u, sp, &pc) || !pc)
		return false;
	walk->u.sp = sp + 8;
	walk->u.pc = pc;
	walk->u.is_leaf = 0;
	return true;
#else
	return false;
#endif
}

static __always_inline int step_rule(struct walk *walk, u64 addr)
{
	walk->suspect = FT_END_BAD_RULE;
	memo_keep(walk, addr, &walk->rule);
	if (walk->u.is_leaf)
		ft_take_leaf(walk);
	switch (unwind_rule(&walk->u, &walk->rule)) {
	case FT_UNWIND_MORE:
		return 0;
	case FT_UNWIND_ROOT:
		walk->null_return = walk->rule.ra_kind != FT_CFI_ROOT;
		walk->end = FT_END_ROOT;
		return 1;
	case FT_UNWIND_FAULT:
		walk->end = FT_END_FAULT;
		return 1;
	default:
		walk->end = FT_END_BAD_RULE;
		return 1;
	}
}

/*
 * The frame at addr, looked up in the tables: notes it and goes to its caller. 1 ends the walk.
 */
__noinline int ft_walk_frame(struct walk *walk, struct ft_wire_record *record)
{
	u64 addr;
	u32 i;
	int found = WALK_RULE;

	if (!walk || !record)
		return 1;
	addr = walk->u.exact ? walk->u.pc : walk->u.pc - 1;
	i = walk->count;
	if (i >= FT_WIRE_MAX_FRAMES) {
		walk->end = FT_END_DEPTH;
		return 1;
	}
	if (config.unwind == FT_WIRE_UNWIND_AUTO || config.unwind == FT_WIRE_UNWIND_TABLES)
		found = ft_walk_find(walk, addr);
	/* A return probe has been there: the frame is looked up again, by the real address. */
	if (config.task_utask && found != WALK_RULE && !walk->u.exact) {
		u64 real = instance_return(walk->u.sp - 8);

		if (real && real != walk->u.pc) {
			walk->u.pc = real;
			return 0;
		}
	}
	if (found == WALK_PENDING || found == WALK_UNKNOWN) {
		/*
		 * A guess that led nowhere is not worth another look; a rule that did is: the
		 * mapping may be new.
		 */
		if (found == WALK_PENDING)
			walk->later = FT_WIRE_LATER_PENDING;
		else if (walk->suspect == FT_END_BAD_RULE)
			walk->later = FT_WIRE_LATER_UNKNOWN;
		walk->end = i ? walk->suspect : FT_END_NOT_READY;
		if (!i)
			record->frames[walk->base & (FT_WIRE_FRAMES - 1)] = addr;
		walk->count = i ? i : 1;
		return 1;
	}
	record->frames[(walk->base + i) & (FT_WIRE_FRAMES - 1)] = addr;
	walk->count = i + 1;
	if (config.unwind == FT_WIRE_UNWIND_NONE) {
		walk->end = FT_END_LEAF_ONLY;
		return 1;
	}
	if (config.unwind == FT_WIRE_UNWIND_FP)
		return step_frame_pointer(walk, FT_END_BROKEN_FP);
	if (found == WALK_RULE && walk->rule.cfa_kind != FT_CFI_CFA_BAD)
		return step_rule(walk, addr);
	if (found == WALK_RULE) {
		walk->end = FT_END_BAD_RULE;
		return 1;
	}
	if (found == WALK_JIT && step_trampoline(walk)) {
		walk->suspect = FT_END_JIT;
		return 0;
	}
	return step_frame_pointer(walk, found == WALK_JIT	? FT_END_JIT
					: found == WALK_NO_ROOM ? FT_END_NO_ROOM
								: FT_END_NO_TABLE);
}

/* Callback of bpf_loop: some frames. 1 ends the walk. */
static long walk_frames(u32 i __attribute__((unused)), struct walk_loop *loop)
{
	struct walk *walk = loop->walk;

	for (u32 k = 0; k < MEMO_RUN; k++) {
		int result = MEMO_MISS;

		if (config.unwind < FT_WIRE_UNWIND_FP)
			result = memo_frame(walk, loop->record);
		if (result == MEMO_END)
			return 1;
		if (result == MEMO_MISS)
			return ft_walk_frame(walk, loop->record) != 0;
	}
	return 0;
}

/*
 * Where the mappings of the process are; mostly known from the walk before. False: user space has
 * not said yet.
 */
static __always_inline bool find_space(struct walk *walk, const struct ft_wire_record *record,
				       u32 *tgid)
{
	struct ft_wire_cpu *cpu = this_cpu();
	struct ft_wire_space *space;

	walk->mapping.pages = 0;
	if (!cpu)
		return false;
	if (walk->space_tgid == *tgid && walk->space_exec_id == record->exec_id &&
	    walk->space_epoch == cpu->spaces_epoch)
		return true;
	walk->space_tgid = 0;
	walk->space_epoch = *(volatile u64 *)&cpu->spaces_epoch; /* before the look-up */
	space = bpf_map_lookup_elem(&spaces, tgid);
	if (!space)
		return false;
	/* User space cannot see exec ids: the first sample after the mappings were read tells. */
	if (space->exec_id == FT_WIRE_EXEC_ANY)
		__sync_val_compare_and_swap(&space->exec_id, FT_WIRE_EXEC_ANY, record->exec_id);
	if (space->exec_id != record->exec_id)
		return false;
	walk->mappings = space->mappings;
	walk->mapping_count = space->count;
	walk->memo_version = space->version;
	walk->layout = space->layout;
	walk->dated = space->dated;
	walk->space_exec_id = record->exec_id;
	walk->space_tgid = *tgid;
	return true;
}

/*
 * Whether a stack that makes no sense may be sent to user space once more: an address that no
 * mapping holds, or an end that should not be, which comes of the rules of other code where a
 * library was unmapped and another is there now.
 */
static __always_inline bool patient(u32 *tgid)
{
	struct ft_wire_space *space = bpf_map_lookup_elem(&spaces, tgid);

	return space && space->patience > 0 && __sync_fetch_and_add(&space->patience, -1) > 0;
}

/* Whether the end may come from mappings that are not those of now. */
static __always_inline bool doubtful(const struct walk *walk)
{
	return walk->null_return || walk->end == FT_END_NO_TABLE || walk->end == FT_END_BAD_RULE ||
	       walk->end == FT_END_FAULT;
}

enum ustack {
	USTACK_DONE,	 /* the record has the user frames, maybe none */
	USTACK_CAPTURED, /* user space will complete the record and count it */
};

/*
 * Adds the user frames to the record in s, whose identity and kernel frames are set: user_frames
 * and end. Registers come from the entry to the kernel, also when the sample hit user mode: there
 * they are the same.
 */
static __always_inline int ustack_walk(struct scratch *s)
{
	struct walk *walk = &s->walk;
	struct walk_loop loop = {.walk = walk, .record = &s->record};
	u32 tgid = s->record.tgid;

	s->record.user_frames = 0;
	s->record.end = 0;
	if (!read_registers(walk))
		return USTACK_DONE;
	walk->window_at = ~0ull;
	walk->base = s->record.kernel_frames;
	walk->count = 0;
	walk->later = 0;
	walk->end = FT_END_DEPTH;
	walk->suspect = FT_END_BAD_RULE;
	walk->null_return = 0;
	if (config.unwind < FT_WIRE_UNWIND_FP && !find_space(walk, &s->record, &tgid))
		walk->later = FT_WIRE_LATER_PENDING;
	if (walk->later) {
		s->record.frames[walk->base & (FT_WIRE_FRAMES - 1)] = walk->leaf_pc;
		walk->count = 1;
		walk->end = FT_END_NOT_READY;
	} else {
		if (config.unwind < FT_WIRE_UNWIND_FP) {
			s->record.layout = walk->layout;
			if (walk->dated)
				s->record.moment =
					(u32)(bpf_ktime_get_ns() >> FT_WIRE_MOMENT_SHIFT);
		}
		bpf_loop(FT_WIRE_MAX_FRAMES + 1, walk_frames, &loop, 0);
		walk->reach = walk->u.sp - walk->leaf_sp;
		if (!walk->later && doubtful(walk))
			walk->later = FT_WIRE_LATER_UNKNOWN;
	}
	if (walk->later == FT_WIRE_LATER_PENDING || (walk->later && patient(&tgid))) {
		s->record.later = (u8)walk->later;
		s->record.user_frames = (u8)walk->count;
		s->record.end = (u8)walk->end;
		if (ft_capture(s))
			return USTACK_CAPTURED;
		s->record.later = 0;
		if (walk->end != FT_END_ROOT)
			walk->end = FT_END_NOT_READY;
	}
	/*
	 * From a point within execve on, the old stack is gone and the new program has not begun.
	 */
	if (walk->end == FT_END_FAULT && in_execve())
		return USTACK_DONE;
	s->record.user_frames = (u8)walk->count;
	s->record.end = (u8)walk->end;
	return USTACK_DONE;
}

#endif

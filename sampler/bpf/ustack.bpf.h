/*
 * ustack.bpf.h - the user stack of the current task: the one place that decides how user stacks are
 * walked.
 *
 * Every mode calls ustack_walk. A frame costs three look-ups: the mapping of the pc (usually the
 * one of the frame before), the granule's rows, the rule. Searches are branchless over a bounded
 * number of steps, so that the verifier sees one path; the loop over frames is bpf_loop's, which
 * verifies its body once. The stack is read in windows of 512 bytes.
 *
 * A process or table that is not known yet is no reason to lose the stack: registers and the upper
 * stack go to user space, which walks them with the same code (unwind.h) once it has caught up.
 */
#ifndef FT_SAMPLER_USTACK_BPF_H
#define FT_SAMPLER_USTACK_BPF_H

#include "sampler/bpf/kernel.bpf.h"
#include "sampler/bpf/scratch.bpf.h"

#include "profile/quality.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u32); /* process id */
	__type(value, struct ft_wire_space);
} spaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ft_wire_pool_chunk);
} pool SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} captures SEC(".maps");

struct capture_buffer {
	u64 busy;
	struct ft_wire_capture capture;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct capture_buffer);
} capture_buffers SEC(".maps");

/*
 * Keeps the compiler from turning arithmetic into branches, each of which the verifier would follow
 * both ways.
 */
#define OPAQUE(X) asm volatile("" : "+r"(X))

/*
 * Bounds an index for verifiers that lose track of sums (Linux 6.1); the compiler must not see that
 * it has no effect.
 */
#define SEARCH_MASK 1023

/* Reads a word of the user stack into walk->value. 1 on success. */
__noinline int ft_walk_read(struct walk *walk, u64 addr)
{
	u64 within;

	if (!walk)
		return 0;
	within = addr - walk->window_at;
	if (within > WALK_WINDOW_BYTES - 8) {
		/*
		 * The saved frame pointer is read after the return address above it: begin a little
		 * below.
		 */
		u64 at = addr - 16;

		if (addr & 7 ||
		    bpf_probe_read_user(walk->window, sizeof(walk->window), (const void *)at)) {
			walk->window_at = ~0ull;
			return bpf_probe_read_user(&walk->value, 8, (const void *)addr) == 0;
		}
		walk->window_at = at;
		within = 16;
	}
	if (within & 7)
		return bpf_probe_read_user(&walk->value, 8, (const void *)addr) == 0;
	walk->value = walk->window[within / 8 & (WALK_WINDOW_BYTES / 8 - 1)];
	return 1;
}

static __always_inline bool unwind_read(struct ft_unwind *u, u64 addr, u64 *word)
{
	struct walk *walk = (struct walk *)u;

	if (!ft_walk_read(walk, addr))
		return false;
	*word = walk->value;
	return true;
}

#include "sampler/unwind.h"

static __always_inline u32 *pool_at(u32 at)
{
	u32 chunk = at / FT_WIRE_POOL_CHUNK_WORDS;
	struct ft_wire_pool_chunk *c = bpf_map_lookup_elem(&pool, &chunk);

	return c ? &c->words[at & (FT_WIRE_POOL_CHUNK_WORDS - 1)] : 0;
}

/* Sets walk->mapping to the one that holds addr. */
__noinline int ft_walk_mapping(struct walk *walk, u64 addr)
{
	const struct ft_wire_mapping *list;
	u64 count, at = 0;

	if (!walk)
		return 0;
	list = (const struct ft_wire_mapping *)pool_at(walk->mappings);
	if (!list)
		return 0;
	count = walk->mapping_count;
	/*
	 * at: how many mappings start at or below addr. Only the first count of them are looked at.
	 */
#pragma unroll
	for (u64 step = 512; step; step /= 2) {
		u64 last = at + step - 1, inside, below;

		OPAQUE(last);
		last &= SEARCH_MASK;
		inside = last - count;
		OPAQUE(inside);
		inside = (u64)((s64)inside >> 63);
		below = (u64)((s64)(list[last].start - addr - 1) >> 63);
		OPAQUE(below);
		at += step & inside & below;
	}
	if (!at)
		return 0;
	at--;
	OPAQUE(at);
	walk->mapping = list[at & SEARCH_MASK];
	return addr - walk->mapping.start < (u64)walk->mapping.pages * 4096;
}

enum walk_find {
	WALK_RULE,    /* walk->rule says how to go on */
	WALK_NONE,    /* a file without unwind information for this place */
	WALK_JIT,     /* code without a file */
	WALK_PENDING, /* a table that is not built yet */
	WALK_UNKNOWN, /* no mapping holds the address */
};

/*
 * How many of the count rows from rows[2] on begin at or below key. first_step is a constant, a
 * power of two that is more than a third of count.
 */
static __always_inline u64 search_rows(const u16 *rows, u64 count, u64 key, u64 first_step)
{
	u64 at = 0;

#pragma unroll
	for (u64 step = first_step; step; step /= 2) {
		u64 next = at + step, inside, below;

		OPAQUE(next);
		next &= SEARCH_MASK;
		inside = next - count - 1;
		OPAQUE(inside);
		inside = (u64)((s64)inside >> 63);
		below = (u64)((s64)((u64)FT_CFI_ROW_PC(rows[next + 1]) - key - 1) >> 63);
		OPAQUE(below);
		at += step & inside & below;
	}
	OPAQUE(at);
	return at & 511;
}

/* Code of the rule for a place in a table that is READY; negative when the pool is damaged. */
static __always_inline s64 find_code(u32 index_place, u64 offset)
{
	u32 *index = pool_at(index_place + (u32)(offset >> FT_CFI_GRANULE_SHIFT));
	u64 count, at, key = offset & (FT_CFI_GRANULE - 1), code;
	u32 first, *words;
	u16 *rows;

	if (!index)
		return -1;
	first = index[0] - 2;
	count = index[1] - index[0];
	words = pool_at(first / 2);
	if (!words)
		return -1;
	/* The granule's rows begin at rows[2]; the two before them belong to the granule before. */
	rows = (u16 *)words + (first & 1);
	/* Few granules have more rows than that. */
	at = count < 32 ? search_rows(rows, count, key, 16) : search_rows(rows, count, key, 256);
	code = FT_CFI_ROW_CODE(rows[at + 1]);
	if (code >= FT_CFI_CODE_WIDE)
		code = FT_CFI_CODE_JOIN(code, FT_CFI_ROW_CODE(rows[at]));
	return (s64)code;
}

/* Looks up the rule for addr. */
__noinline int ft_walk_find(struct walk *walk, u64 addr)
{
	const struct ft_cfi_rule *rule;
	u64 offset;
	s64 code;

	if (!walk)
		return WALK_UNKNOWN;
	if (addr - walk->mapping.start >= (u64)walk->mapping.pages * 4096 &&
	    !ft_walk_mapping(walk, addr))
		return WALK_UNKNOWN;
	if (walk->mapping.table == FT_WIRE_TABLE_JIT)
		return WALK_JIT;
	if (walk->mapping.table == FT_WIRE_TABLE_NONE)
		return WALK_NONE;
	if (walk->mapping.table == FT_WIRE_TABLE_PENDING)
		return WALK_PENDING;
	offset = addr - walk->mapping.base;
	if (offset >= walk->mapping.span)
		return WALK_NONE;
	code = find_code(walk->mapping.index, offset);
	if (code < 0)
		return WALK_NONE;
	rule = (const struct ft_cfi_rule *)pool_at(walk->mapping.rules +
						   (u32)code * FT_WIRE_RULE_WORDS);
	if (!rule || rule->cfa_kind == FT_CFI_CFA_NONE)
		return WALK_NONE;
	walk->rule = *rule;
	return WALK_RULE;
}

/* bpf_loop gives its callback one pointer. */
struct walk_loop {
	struct walk *walk;
	struct ft_wire_record *record;
};

/* One step by the frame pointer, where that is allowed and leads somewhere. */
static __always_inline long step_frame_pointer(struct walk *walk, u32 end)
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

static __always_inline long step_rule(struct walk *walk)
{
	walk->suspect = FT_END_BAD_RULE;
	switch (unwind_rule(&walk->u, &walk->rule)) {
	case FT_UNWIND_MORE:
		return 0;
	case FT_UNWIND_ROOT:
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

/* Callback of bpf_loop: notes the frame and goes to its caller. 1 ends the walk. */
static long walk_step(u32 i, struct walk_loop *loop)
{
	struct walk *walk = loop->walk;
	u64 addr = walk->u.exact ? walk->u.pc : walk->u.pc - 1;
	int found = WALK_RULE;

	if (i >= FT_WIRE_MAX_FRAMES) {
		walk->end = FT_END_DEPTH;
		return 1;
	}
	if (config.unwind == FT_WIRE_UNWIND_AUTO || config.unwind == FT_WIRE_UNWIND_TABLES)
		found = ft_walk_find(walk, addr);
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
			loop->record->frames[walk->base & (FT_WIRE_FRAMES - 1)] = addr;
		walk->count = i ? i : 1;
		return 1;
	}
	loop->record->frames[(walk->base + i) & (FT_WIRE_FRAMES - 1)] = addr;
	walk->count = i + 1;
	if (config.unwind == FT_WIRE_UNWIND_NONE) {
		walk->end = FT_END_LEAF_ONLY;
		return 1;
	}
	if (config.unwind == FT_WIRE_UNWIND_FP)
		return step_frame_pointer(walk, FT_END_BROKEN_FP);
	if (found == WALK_RULE && walk->rule.cfa_kind != FT_CFI_CFA_BAD)
		return step_rule(walk);
	if (found == WALK_RULE) {
		walk->end = FT_END_BAD_RULE;
		return 1;
	}
	return step_frame_pointer(walk, found == WALK_JIT ? FT_END_JIT : FT_END_NO_TABLE);
}

#ifdef __TARGET_ARCH_x86
/*
 * Words of struct pt_regs: r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig rip cs
 * flags rsp ss
 */
#define PT_REGS_WORDS 21

static __always_inline void take_registers(struct walk *walk, const u64 *regs)
{
	static const u8 by_dwarf_number[16] = {10, 12, 11, 5, 13, 14, 4, 19,
					       9,  8,  7,  6, 3,  2,  1, 0};

#pragma unroll
	for (u32 i = 0; i < 16; i++)
		walk->u.leaf[i] = regs[by_dwarf_number[i]];
	walk->u.pc = regs[16];
	walk->u.sp = regs[19];
	walk->u.fp = regs[4];
	walk->u.bx = regs[5];
}
#else
#define PT_REGS_WORDS 33 /* aarch64: x0..x30 sp pc */

/* Walked by frame records alone (programs.c sees to that), which look like x86-64's frames. */
static __always_inline void take_registers(struct walk *walk, const u64 *regs)
{
	walk->u.fp = regs[29];
	walk->u.sp = regs[31];
	walk->u.pc = regs[32];
}
#endif

/* Registers at the entry to the kernel. False: the task has no user side. */
static __always_inline bool read_registers(struct walk *walk)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 regs[PT_REGS_WORDS];

	if (!FT_KREAD(u64, task, config.task_mm) ||
	    FT_KREAD(u32, task, config.task_flags) & TASK_NO_USER_SIDE)
		return false;
	if (bpf_probe_read_kernel(regs, sizeof(regs), (const void *)bpf_task_pt_regs(task))) {
		count(&counters.lost_user);
		return false;
	}
	take_registers(walk, regs);
	walk->leaf_pc = walk->u.pc;
	walk->u.is_leaf = 1;
	walk->u.exact = 1;
	return true;
}

/* Where the mappings of the process are. False: user space has not said yet. */
static __always_inline bool find_space(struct walk *walk, const struct ft_wire_record *record,
				       u32 *tgid)
{
	struct ft_wire_space *space = bpf_map_lookup_elem(&spaces, tgid);

	walk->mapping.pages = 0;
	if (!space)
		return false;
	/* User space cannot see exec ids: the first sample after the mappings were read tells. */
	if (space->exec_id == FT_WIRE_EXEC_ANY)
		__sync_val_compare_and_swap(&space->exec_id, FT_WIRE_EXEC_ANY, record->exec_id);
	if (space->exec_id != record->exec_id)
		return false;
	walk->mappings = space->mappings;
	walk->mapping_count = space->count;
	return true;
}

/* Whether an address that no mapping holds may be sent to user space once more. */
static __always_inline bool patient(u32 *tgid)
{
	struct ft_wire_space *space = bpf_map_lookup_elem(&spaces, tgid);

	return space && space->patience > 0 && __sync_fetch_and_add(&space->patience, -1) > 0;
}

static __always_inline bool in_execve(void)
{
	u8 bits = FT_KREAD(u8, bpf_get_current_task(), config.task_in_execve);

	return bits >> (config.task_in_execve_bit & 7) & 1;
}

/* Sends registers and stack to user space. False when that could not be done. */
__noinline int ft_capture(struct scratch *s)
{
	u32 zero = 0;
	u64 bytes = 0, sp, rest, flags;
	struct capture_buffer *b;
	long code = -1;

	if (!s)
		return 0;
	b = bpf_map_lookup_elem(&capture_buffers, &zero);
	if (!b || __sync_val_compare_and_swap(&b->busy, 0, 1))
		return 0;
	bpf_probe_read_kernel(&b->capture.record, sizeof(b->capture.record), &s->record);
	bpf_probe_read_kernel(b->capture.regs, sizeof(b->capture.regs), s->walk.u.leaf);
	sp = b->capture.regs[FT_CFI_X86_SP];
	b->capture.pc = s->walk.leaf_pc;
	for (u32 i = 0; i < FT_WIRE_CAPTURE_BYTES / FT_WIRE_CAPTURE_PIECE; i++) {
		if (bpf_probe_read_user(&b->capture.stack[i * FT_WIRE_CAPTURE_PIECE],
					FT_WIRE_CAPTURE_PIECE,
					(const void *)(sp + i * FT_WIRE_CAPTURE_PIECE)))
			break;
		bytes = (i + 1) * FT_WIRE_CAPTURE_PIECE;
	}
	/* A stack ends with a page. */
	rest = -(sp + bytes) & (FT_WIRE_CAPTURE_PIECE - 1);
	if (bytes <= FT_WIRE_CAPTURE_BYTES - FT_WIRE_CAPTURE_PIECE && rest &&
	    !bpf_probe_read_user(&b->capture.stack[bytes], rest, (const void *)(sp + bytes)))
		bytes += rest;
	b->capture.stack_bytes = bytes;
	b->capture.in_execve = in_execve();
	/*
	 * Waking up costs more than the rest: once for all that come before user space has looked.
	 */
	flags = bpf_ringbuf_query(&captures, BPF_RB_AVAIL_DATA) ? BPF_RB_NO_WAKEUP
								: BPF_RB_FORCE_WAKEUP;
	if (bytes <= FT_WIRE_CAPTURE_BYTES)
		code = bpf_ringbuf_output(&captures, &b->capture,
					  __builtin_offsetof(struct ft_wire_capture, stack) + bytes,
					  flags);
	__sync_lock_test_and_set(&b->busy, 0);
	return code == 0;
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
	walk->mapping_count = 0;
	if (config.unwind < FT_WIRE_UNWIND_FP && !find_space(walk, &s->record, &tgid))
		walk->later = FT_WIRE_LATER_PENDING;
	if (walk->later) {
		s->record.frames[walk->base & (FT_WIRE_FRAMES - 1)] = walk->leaf_pc;
		walk->count = 1;
		walk->end = FT_END_NOT_READY;
	} else {
		bpf_loop(FT_WIRE_MAX_FRAMES + 1, walk_step, &loop, 0);
	}
	if (walk->later == FT_WIRE_LATER_PENDING || (walk->later && patient(&tgid))) {
		s->record.later = (u8)walk->later;
		if (ft_capture(s))
			return USTACK_CAPTURED;
		s->record.later = 0;
		count(&counters.lost_captures);
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

/*
 * scratch.bpf.h - memory to build a stack in; the BPF stack of 512 bytes is too small for that.
 *
 * A few pieces a CPU. A program claims one by swapping its flag: programs can be interrupted by
 * others (NMI over timer over tracepoint) and, in tracepoints, be preempted, so claims are not
 * released in the order they were taken. When all are in use the sample is skipped and counted.
 */
#ifndef FT_SAMPLER_SCRATCH_BPF_H
#define FT_SAMPLER_SCRATCH_BPF_H

#include "sampler/bpf/kernel.bpf.h"
#include "sampler/unwind_state.h"

#define SCRATCH_PIECES 4
#define WALK_WINDOW_BYTES 1024
#define WALK_WINDOW_STEP 64

/*
 * A rule that was followed before, in short (memo.bpf.h). Of the usual form: the CFA is sp or fp
 * plus a number, the return address right below it, fp and bx unchanged or saved relative to the
 * CFA.
 */
struct memo {
	u64 addr;
	u32 version; /* of the process's mappings; 0: nothing */
	/* offset of the CFA in words, times 2, plus 1 where it is fp's; 0: an outermost frame */
	s16 cfa;
	s8 fp_words, bx_words; /* saved at CFA + 8 * words; 0: unchanged */
};
_Static_assert(sizeof(struct memo) == 16, "four to a cache line");

#define MEMO_RULES 256

/*
 * A walk through the user stack; see ustack.bpf.h. What every frame touches stands in front: a
 * timer finds cold caches.
 */
struct walk {
	struct ft_unwind u; /* first: unwind_read gets its address */
	u64 leaf_pc, leaf_sp;
	u64 reach; /* from leaf_sp to the outermost frame, of the walk before this one */
	/* user address of what window holds, all ones for nothing; and its last word's offset */
	u64 window_at, window_last;
	u64 value;	  /* result of ft_walk_read */
	u32 base;	  /* index of the first user frame in the record */
	u32 count;	  /* user frames so far */
	u32 end;	  /* enum ft_end */
	u32 later;	  /* enum ft_wire_later */
	u32 suspect;	  /* enum ft_end: the reason if the last step led to no code */
	u32 null_return;  /* the end is a return address of 0, not a rule that says so */
	u32 space_tgid;	  /* whose mappings the next four are, 0: nobody's; they outlive the walk */
	u32 memo_version, layout;    /* of the mappings */
	u32 mappings, mapping_count; /* in the pool */
	u32 rows, row_count;	     /* of the granule looked at, in half words of the pool */
	u32 space_exec_id;
	u32 dated;			/* as in struct ft_wire_space */
	u64 space_epoch;		/* as long as the CPU's is the same, so are they */
	struct ft_wire_mapping mapping; /* of the last pc looked up; no pages: none yet */
	struct ft_cfi_rule rule;	/* of the last pc looked up */
	u64 window[WALK_WINDOW_BYTES / 8];
	struct memo memo[MEMO_RULES]; /* outlives the walk */
};

struct scratch {
	u64 busy;
	struct ft_wire_record record;
	struct walk walk;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCH_PIECES);
	__type(key, u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

static __always_inline struct scratch *scratch_claim(void)
{
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < SCRATCH_PIECES; i++) {
		u32 index = i;
		struct scratch *s = bpf_map_lookup_elem(&scratches, &index);

		if (s && !__sync_val_compare_and_swap(&s->busy, 0, 1))
			return s;
	}
	count(&counters.lost_scratch);
	return 0;
}

static __always_inline void scratch_release(struct scratch *s)
{
	__sync_lock_test_and_set(&s->busy, 0);
}

#endif

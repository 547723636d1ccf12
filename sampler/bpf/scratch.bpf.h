/*
 * scratch.bpf.h - a record to build a stack in; the BPF stack of 512 bytes is too small for one.
 *
 * A few records a CPU. A program claims one by swapping its flag: programs can be interrupted by others (NMI over timer
 * over tracepoint) and, in tracepoints, be preempted, so claims are not released in the order they were taken. When all
 * are in use the sample is skipped and counted.
 */
#ifndef FT_SAMPLER_SCRATCH_BPF_H
#define FT_SAMPLER_SCRATCH_BPF_H

#include "sampler/bpf/kernel.bpf.h"

#define SCRATCH_RECORDS 4

struct scratch {
	u64 busy;
	struct ft_wire_record record;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCH_RECORDS);
	__type(key, u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

static __always_inline struct scratch *scratch_claim(void)
{
	for (u32 i = 0; i < SCRATCH_RECORDS; i++) {
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

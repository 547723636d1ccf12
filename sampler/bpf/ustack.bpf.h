/*
 * ustack.bpf.h - the user stack of the current task: the one place that decides how user stacks are walked.
 *
 * Every mode calls ustack_walk and nothing else. Here: frame pointers, by the kernel's own walker.
 */
#ifndef FT_SAMPLER_USTACK_BPF_H
#define FT_SAMPLER_USTACK_BPF_H

#include "sampler/bpf/kernel.bpf.h"

/*
 * Writes up to FT_WIRE_MAX_FRAMES addresses, leaf first. Returns how many; 0 when the task has no user side (a kernel
 * thread); -1 when its stack could not be read.
 */
static __always_inline int ustack_walk(void *ctx, u64 *frames)
{
	long bytes;

	if (config.user_leaf_only)
		bytes = bpf_get_stack(ctx, frames, 8, BPF_F_USER_STACK);
	else
		bytes = bpf_get_stack(ctx, frames, FT_WIRE_MAX_FRAMES * 8, BPF_F_USER_STACK);
	return bytes < 0 ? -1 : (int)((u64)bytes / 8);
}

#endif

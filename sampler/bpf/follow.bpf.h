/*
 * follow.bpf.h - processes that fork and exit while we record.
 *
 * In the kernel, so that a child is known from its first instruction on: as a target (with
 * --children), and with its parent's mappings, which are its own until it calls exec.
 */
#ifndef FT_SAMPLER_FOLLOW_BPF_H
#define FT_SAMPLER_FOLLOW_BPF_H

#include "sampler/bpf/filter.bpf.h"
#include "sampler/bpf/waker.bpf.h"
#include "sampler/bpf/ustack.bpf.h"

/* The tracepoint's arguments: the parent (the current task) and the child. */
SEC("raw_tp/sched_process_fork")
int ft_follow_fork(struct bpf_raw_tracepoint_args *ctx)
{
	u64 child = ctx->args[1];
	u32 parent_tgid, parent_tid, tgid;
	struct ft_wire_space *space;
	u8 one = 1;

	if (FT_KREAD(u32, child, config.task_pid) != FT_KREAD(u32, child, config.task_tgid))
		return 0; /* a thread: its process is known already */
	if (!task_ids(&parent_tgid, &parent_tid))
		return 0;
	tgid = task_tgid_of(child);
	if (!tgid)
		return 0;
	if (config.follow_targets && bpf_map_lookup_elem(&targets, &parent_tgid) &&
	    bpf_map_update_elem(&targets, &tgid, &one, BPF_ANY))
		count(&counters.lost_targets);
	space = bpf_map_lookup_elem(&spaces, &parent_tgid);
	if (space) {
		struct ft_wire_space copy = *space;

		/* Should the map be full, the child's first stacks are walked in user space. */
		bpf_map_update_elem(&spaces, &tgid, &copy, BPF_ANY);
	}
	return 0;
}

/* Forgets a thread, and a process when its last one has gone, before its id can be used again. */
SEC("raw_tp/sched_process_exit")
int ft_follow_exit(struct bpf_raw_tracepoint_args *ctx)
{
	u64 signal = FT_KREAD(u64, ctx->args[0], config.task_signal);
	u32 tgid, tid;

	chain_drop();
	if (FT_KREAD(u32, signal, config.signal_live) || !task_ids(&tgid, &tid))
		return 0;
	bpf_map_delete_elem(&targets, &tgid);
	bpf_map_delete_elem(&spaces, &tgid);
	return 0;
}

#endif

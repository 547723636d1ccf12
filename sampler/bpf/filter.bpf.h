/*
 * filter.bpf.h - which tasks are profiled.
 *
 * One filter for every mode. With --children the fork and exit programs below keep the set of process ids up to date
 * in the kernel, so that a child is a target from its first instruction on.
 */
#ifndef FT_SAMPLER_FILTER_BPF_H
#define FT_SAMPLER_FILTER_BPF_H

#include "sampler/bpf/kernel.bpf.h"

/* Process or thread ids; the value is unused. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, u8);
} targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} cgroups SEC(".maps");

/* True when the current task is a target; sets its ids (0 where it has none in our PID namespace). */
static __always_inline bool filter_pass(u32 *tgid, u32 *tid)
{
	bool known = task_ids(tgid, tid);

	switch (config.filter) {
	case FT_WIRE_FILTER_TGID:
		return known && bpf_map_lookup_elem(&targets, tgid);
	case FT_WIRE_FILTER_TID:
		return known && bpf_map_lookup_elem(&targets, tid);
	case FT_WIRE_FILTER_CGROUP:
		return (u32)bpf_get_current_pid_tgid() && bpf_current_task_under_cgroup(&cgroups, 0) == 1;
	default:
		return (u32)bpf_get_current_pid_tgid() != 0;
	}
}

/* The tracepoint's arguments: the parent (the current task) and the child. */
SEC("raw_tp/sched_process_fork")
int ft_filter_fork(struct bpf_raw_tracepoint_args *ctx)
{
	u64 child = ctx->args[1];
	u32 parent_tgid, parent_tid, tgid;
	u8 one = 1;

	if (FT_KREAD(u32, child, config.task_pid) != FT_KREAD(u32, child, config.task_tgid))
		return 0; /* a thread: its process is known already */
	if (!task_ids(&parent_tgid, &parent_tid) || !bpf_map_lookup_elem(&targets, &parent_tgid))
		return 0;
	tgid = task_tgid_of(child);
	if (tgid && bpf_map_update_elem(&targets, &tgid, &one, BPF_ANY))
		count(&counters.lost_targets);
	return 0;
}

/* Forgets a process when its last thread has gone, before its id can be used again. */
SEC("raw_tp/sched_process_exit")
int ft_filter_exit(struct bpf_raw_tracepoint_args *ctx)
{
	u64 signal = FT_KREAD(u64, ctx->args[0], config.task_signal);
	u32 tgid, tid;

	if (FT_KREAD(u32, signal, config.signal_live) == 0 && task_ids(&tgid, &tid))
		bpf_map_delete_elem(&targets, &tgid);
	return 0;
}

#endif

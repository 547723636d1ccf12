/*
 * filter.bpf.h - which tasks are profiled.
 *
 * One filter for every mode. With --children the programs in follow.bpf.h keep the set of process
 * ids up to date.
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

/*
 * True when the current task is a target; sets its ids (0 where it has none in our PID namespace).
 */
static __always_inline bool filter_pass(u32 *tgid, u32 *tid)
{
	bool known = task_ids(tgid, tid);

	switch (config.filter) {
	case FT_WIRE_FILTER_TGID:
		if (config.only)
			return known && *tgid == config.only;
		return known && bpf_map_lookup_elem(&targets, tgid);
	case FT_WIRE_FILTER_TID:
		if (config.only)
			return known && *tid == config.only;
		return known && bpf_map_lookup_elem(&targets, tid);
	case FT_WIRE_FILTER_CGROUP:
		return (u32)bpf_get_current_pid_tgid() &&
		       bpf_current_task_under_cgroup(&cgroups, 0) == 1;
	default:
		return (u32)bpf_get_current_pid_tgid() != 0;
	}
}

#endif

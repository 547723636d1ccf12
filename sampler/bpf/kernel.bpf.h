/*
 * kernel.bpf.h - the configuration, the counters and what every BPF program needs to know about the
 * current task.
 *
 * No CO-RE relocations: libbpf would parse the whole kernel BTF for them (20 ms). User space looks
 * up the few offsets that are needed and puts them into the read-only configuration.
 */
#ifndef FT_SAMPLER_KERNEL_BPF_H
#define FT_SAMPLER_KERNEL_BPF_H

#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <bpf/bpf_helpers.h>

#include "sampler/wire.h"

const volatile struct ft_wire_config config;
struct ft_wire_counters counters;

/* The size is set before loading: one for each possible CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ft_wire_cpu);
} cpus SEC(".maps");

/*
 * PF_IO_WORKER, PF_USER_WORKER, PF_KTHREAD (linux/sched.h): there are no user registers to walk
 * from.
 */
#define TASK_NO_USER_SIDE (0x10u | 0x4000u | 0x200000u)

/*
 * Keeps the compiler from turning arithmetic into branches, each of which the verifier would follow
 * both ways.
 */
#define OPAQUE(X) asm volatile("" : "+r"(X))

static __always_inline void count(u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

/* This CPU's; programs stay on the CPU where they began. */
static __always_inline struct ft_wire_cpu *this_cpu(void)
{
	u32 number = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&cpus, &number);
}

/* Reads a field of a kernel structure; 0 when the address is bad. */
#define FT_KREAD(TYPE, BASE, OFFSET)                                           \
	({                                                                     \
		TYPE field_ = 0;                                               \
		bpf_probe_read_kernel(&field_, sizeof(field_),                 \
				      (const void *)((u64)(BASE) + (OFFSET))); \
		field_;                                                        \
	})

/*
 * A field of a task that the kernel vouches for (bpf_get_current_task_btf). The offset is a
 * constant to the verifier, so this is one load. Not for pointers: the verifier searches the whole
 * BTF of the kernel for whether it may trust what they point to, a millisecond each.
 */
#define FT_TASK(TYPE, TASK, OFFSET) (*(const volatile TYPE *)((const char *)(TASK) + (OFFSET)))

/* Ids of the current task, as our PID namespace sees them. False when it has none there. */
static __always_inline bool task_ids(u32 *tgid, u32 *tid)
{
	u64 both;

	if (config.pidns_ino) {
		struct bpf_pidns_info ns = {};

		if (bpf_get_ns_current_pid_tgid(config.pidns_dev, config.pidns_ino, &ns,
						sizeof(ns)))
			return false;
		*tgid = ns.tgid;
		*tid = ns.pid;
		return true;
	}
	both = bpf_get_current_pid_tgid();
	*tgid = both >> 32;
	*tid = (u32)both;
	return true;
}

/*
 * Process id of another task (a group leader) as our PID namespace sees it; 0 when it has none
 * there.
 */
static __always_inline u32 task_tgid_of(u64 task)
{
	u64 pid;
	u32 level;

	if (!config.pidns_ino)
		return FT_KREAD(u32, task, config.task_tgid);
	pid = FT_KREAD(u64, task, config.task_thread_pid);
	level = FT_KREAD(u32, pid, config.pid_level);
	for (u32 i = 0; i < 32; i++) { /* MAX_PID_NS_LEVEL */
		u64 upid = pid + config.pid_numbers + (u64)i * config.upid_size;
		u64 ns;

		if (i > level)
			break;
		ns = FT_KREAD(u64, upid, config.upid_ns);
		if (FT_KREAD(u32, ns, config.ns_inum) == (u32)config.pidns_ino)
			return FT_KREAD(u32, upid, config.upid_nr);
	}
	return 0;
}

/* Whether the event came while the CPU was in user mode: there is no kernel stack then. */
static __always_inline bool in_user_mode(const struct bpf_perf_event_data *ctx)
{
#ifdef __TARGET_ARCH_x86
	return ctx->regs.cs & 3; /* the requested privilege level */
#else
	return !(ctx->regs.pstate & 0xf); /* PSR_MODE_EL0t */
#endif
}

#endif

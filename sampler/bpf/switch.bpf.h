/*
 * switch.bpf.h - waits: from leaving a CPU to returning to one.
 *
 * A thread's stack can be taken only when it leaves, as the current task; how long it waits is
 * known only when it returns. In between the record stays with the thread, in the map "waits",
 * which has all threads of the target: user space enters those that exist at the start, as waiting
 * since then; a thread that runs overwrites that when it leaves. Time on CPUs is added up in the
 * same place.
 *
 * libbpf parses the kernel's BTF for the BTF tracepoint, which costs 20 ms at the start.
 */
#ifndef FT_SAMPLER_SWITCH_BPF_H
#define FT_SAMPLER_SWITCH_BPF_H

#include "sampler/bpf/filter.bpf.h"
#include "sampler/bpf/stack.bpf.h"
#include "sampler/bpf/store.bpf.h"
#include "sampler/bpf/waker.bpf.h"

/*
 * Sizes are set before loading. Preallocated: the kernel's allocator for programs keeps one or two
 * pieces of such a size ready on each CPU, and threads are born in bursts.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ft_wire_wait);
} waits SEC(".maps");

/* Stays zero: what a new entry begins as. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ft_wire_wait);
} blank_wait SEC(".maps");

/* include/linux/sched.h; these bits are the same since Linux 4.14. */
#define TASK_INTERRUPTIBLE 0x1u
#define TASK_UNINTERRUPTIBLE 0x2u
#define TASK_STOPPED 0x4u
#define TASK_TRACED 0x8u
#define TASK_EXIT 0x30u /* dead, zombie */
#define TASK_PARKED 0x40u
#define TASK_DEAD 0x80u
#define TASK_NOLOAD 0x400u

#define SWITCHES_TIMED_EVERY 16 /* of those of targets; each counts for as many */

#define STATE_GONE FT_WIRE_STATE_COUNT

/* Of the task that leaves: preempted, or the state it had put itself into. */
static __always_inline u32 wait_state(bool preempted, u32 state)
{
	if (state & (TASK_DEAD | TASK_EXIT))
		return STATE_GONE;
	if (preempted || !state)
		return FT_WIRE_STATE_RUNNABLE;
	if (state & TASK_INTERRUPTIBLE)
		return FT_WIRE_STATE_SLEEP;
	if (state & TASK_PARKED)
		return FT_WIRE_STATE_PARKED;
	if (state & TASK_STOPPED)
		return FT_WIRE_STATE_STOPPED;
	if (state & TASK_TRACED)
		return FT_WIRE_STATE_TRACED;
	if (state & TASK_NOLOAD)
		return FT_WIRE_STATE_IDLE;
	return FT_WIRE_STATE_DISK; /* uninterruptible; a sleeping lock of PREEMPT_RT; frozen */
}

static __always_inline u8 wait_bucket(u64 ns)
{
	u8 bucket = 0;

#pragma unroll
	for (u32 shift = 32; shift; shift /= 2) {
		if (ns >> shift) {
			ns >>= shift;
			bucket = (u8)(bucket + shift);
		}
	}
	return (u8)(bucket + (ns != 0));
}

/* Counts a wait that is over. */
static __noinline int wait_end(struct ft_wire_wait *wait, u64 now_ns)
{
	struct ft_wire_cpu *cpu = this_cpu();
	struct ft_wire_record *record;
	u64 from_ns, ns;

	if (!wait || !cpu)
		return 0;
	record = &wait->record;
	from_ns = wait->start_ns;
	if (config.runqueue) {
		if (record->state != FT_WIRE_STATE_RUNNABLE)
			from_ns = wait->woken_ns;
		if (!from_ns)
			return 0;
	}
	ns = now_ns > from_ns ? now_ns - from_ns : 0;
	if (ns < config.min_ns || ns > config.max_ns)
		return 0;
	record->weight = ns;
	record->bucket = config.histogram ? wait_bucket(ns) : 0;
	if (!ft_store_add(record))
		return 0;
	count(&cpu->samples);
	if (record->user_frames)
		count(&cpu->user_stacks);
	return 0;
}

/*
 * Whether a task can be a thread of the target, as far as its ids tell. Nearly all that are none
 * are told by this.
 */
static __always_inline bool may_be_target(u64 ids)
{
	if (config.filter == FT_WIRE_FILTER_TGID && config.only && !config.pidns_ino)
		return ids >> 32 == config.only;
	return (u32)ids != 0; /* the idle task */
}

static __always_inline void arrive(u32 tid)
{
	struct ft_wire_wait *wait;
	u64 now_ns;

	wait = bpf_map_lookup_elem(&waits, &tid);
	if (!wait)
		return;
	now_ns = bpf_ktime_get_ns();
	if (wait->start_ns)
		wait_end(wait, now_ns);
	wait->start_ns = 0;
	wait->on_since_ns = now_ns;
}

/* Names a record that has no stack. */
static __always_inline void name_only(struct ft_wire_record *record, u32 tgid, u32 tid, u8 state)
{
	fill_identity(record, tgid, tid);
	record->kernel_frames = 0;
	record->user_frames = 0;
	record->end = 0;
	record->later = 0;
	record->state = state;
	record->words = FT_WIRE_FIXED_WORDS;
}

/* The thread ends: what it was on CPUs for goes into the store. */
static __always_inline void leave_for_good(struct ft_wire_wait *wait, u32 tgid, u32 tid, u32 key)
{
	if (config.on_cpu && wait->on_ns) {
		name_only(&wait->record, tgid, tid, FT_WIRE_STATE_ON_CPU);
		wait->record.weight = wait->on_ns;
		ft_store_add(&wait->record);
	}
	bpf_map_delete_elem(&waits, &key);
}

/* The current task's stack into the record of its wait. False when there is no memory for it. */
static __noinline int wait_begin(void *ctx, struct ft_wire_wait *wait, u64 ids, u32 state)
{
	struct ft_wire_cpu *cpu = this_cpu();
	struct scratch *s;
	u64 words;

	if (!wait || !cpu)
		return 0;
	s = scratch_claim();
	if (!s)
		return 0;
	fill_identity(&s->record, (u32)(ids >> 32), (u32)ids);
	s->record.state = (u8)state;
	/* A number for the capture, should there be one: unique, since a CPU's turns are. */
	s->record.count = (u64)bpf_get_smp_processor_id() << 40 | ++cpu->turns;
	/* At a system call's entry the kernel's frames are the same for all. */
	if (fill_stacks(ctx, state == FT_WIRE_STATE_USER_LOCK, s) == CAPTURED) {
		s->record.wait = FT_WIRE_WAIT_LATE;
		s->record.kernel_frames = 0;
		s->record.user_frames = 0;
		s->record.end = 0;
		s->record.later = 0;
		s->record.frames[0] = s->record.count;
		s->record.words = FT_WIRE_FIXED_WORDS + 1;
	}
	words = s->record.words;
	if (words <= FT_WIRE_RECORD_WORDS)
		bpf_probe_read_kernel(&wait->record, (u32)(words * 8), &s->record);
	scratch_release(s);
	return 1;
}

static __always_inline struct ft_wire_wait *wait_new(u32 key)
{
	u32 zero = 0;
	struct ft_wire_wait *blank = bpf_map_lookup_elem(&blank_wait, &zero), *wait = 0;

	if (blank && !bpf_map_update_elem(&waits, &key, blank, BPF_NOEXIST))
		wait = bpf_map_lookup_elem(&waits, &key);
	if (!wait)
		count(&counters.lost_waits);
	return wait;
}

/*
 * Whoever has an entry is or was a target. A process is none any more from the beginning of its
 * exit on (ft_follow_exit), which is before its last thread leaves its CPU for good; and a task can
 * leave its cgroup. Their time still ends here, and with it their entry.
 */
static __always_inline void leave(void *ctx, u32 state)
{
	u32 key = (u32)bpf_get_current_pid_tgid(), tgid, tid;
	bool passes = filter_pass(&tgid, &tid);
	struct ft_wire_wait *wait = bpf_map_lookup_elem(&waits, &key);
	u64 now_ns;

	if (!wait && passes && state != STATE_GONE)
		wait = wait_new(key);
	if (!wait)
		return;
	if (!passes) {
		tgid = wait->record.tgid;
		tid = wait->record.tid;
	}
	now_ns = bpf_ktime_get_ns();
	/* One that was entered at the start as waiting has been on its CPU since then. */
	if (wait->on_since_ns || wait->start_ns)
		wait->on_ns += now_ns - (wait->on_since_ns ? wait->on_since_ns : wait->start_ns);
	wait->on_since_ns = 0;
	wait->start_ns = 0;
	wait->woken_ns = 0;
	if (state == STATE_GONE)
		leave_for_good(wait, tgid, tid, key);
	else if (passes && config.states >> state & 1 &&
		 wait_begin(ctx, wait, (u64)tgid << 32 | tid, state))
		wait->start_ns = now_ns;
}

/* Apart from its caller, which is short where no target is involved. */
static __noinline int follow_switch(void *ctx, bool leaves, u32 arriving, u32 state)
{
	struct ft_wire_cpu *cpu = this_cpu();
	u64 start_ns = 0;

	if (cpu && cpu->turns++ % SWITCHES_TIMED_EVERY == 0)
		start_ns = bpf_ktime_get_ns();
	if (arriving)
		arrive(arriving);
	if (leaves)
		leave(ctx, state);
	if (start_ns)
		__sync_fetch_and_add(&cpu->bpf_ns,
				     (bpf_ktime_get_ns() - start_ns) * SWITCHES_TIMED_EVERY);
	return 0;
}

static __always_inline u64 task_global_ids(const struct task_struct *task)
{
	return (u64)FT_TASK(u32, task, config.task_tgid) << 32 |
	       FT_TASK(u32, task, config.task_pid);
}

/*
 * Arguments: whether the task that leaves was preempted, it, the one that arrives, its state. A BTF
 * tracepoint, for its tasks can be read without the help of a function: this runs at every switch
 * of the machine.
 */
SEC("tp_btf/sched_switch")
int ft_wait_switch(u64 *ctx)
{
	const struct task_struct *prev = (const struct task_struct *)ctx[1],
				 *next = (const struct task_struct *)ctx[2];
	u64 arriving = task_global_ids(next);
	bool leaves = may_be_target(task_global_ids(prev)), arrives = may_be_target(arriving);

	if (!leaves && !arrives)
		return 0;
	return follow_switch(ctx, leaves, arrives ? (u32)arriving : 0,
			     wait_state(ctx[0], (u32)ctx[3]));
}

/* Argument: the task that is about to be woken. */
SEC("raw_tp/sched_waking")
int ft_wait_waking(struct bpf_raw_tracepoint_args *ctx)
{
	u64 task = ctx->args[0];
	u32 tid = FT_KREAD(u32, task, config.task_pid);
	u64 ids = (u64)FT_KREAD(u32, task, config.task_tgid) << 32 | tid;
	struct ft_wire_wait *wait;

	/* Whoever is woken may be the next to wake. */
	if (config.wakers <= 1 && !may_be_target(ids))
		return 0;
	wait = bpf_map_lookup_elem(&waits, &tid);
	if (wait && !wait->start_ns)
		wait = 0;
	if (wait)
		wait->woken_ns = bpf_ktime_get_ns();
	/*
	 * The waiter's record is whole since start_ns is set. It goes nowhere before it has been
	 * woken, which comes after this.
	 */
	if (config.wakers > 1 || (config.wakers && wait))
		note_waker(ctx, wait ? &wait->record : 0, tid);
	return 0;
}

/*
 * Arguments: the parent (the current task) and the child. A new thread waits for its first CPU; it
 * has its parent's name until then.
 */
SEC("raw_tp/sched_process_fork")
int ft_wait_fork(struct bpf_raw_tracepoint_args *ctx)
{
	u64 child = ctx->args[1];
	u32 key = FT_KREAD(u32, child, config.task_pid), tgid, tid, child_tgid;
	struct ft_wire_wait *wait;

	if (!(config.states >> FT_WIRE_STATE_RUNNABLE & 1) || !filter_pass(&tgid, &tid))
		return 0;
	child_tgid = FT_KREAD(u32, child, config.task_tgid);
	if (child_tgid == key && !config.follow_targets && config.filter == FT_WIRE_FILTER_TGID)
		return 0; /* a process that is no target */
	if (config.filter == FT_WIRE_FILTER_TID)
		return 0;
	wait = wait_new(key);
	if (!wait)
		return 0;
	child_tgid = child_tgid == key ? task_tgid_of(child) : tgid;
	name_only(&wait->record, child_tgid, key, FT_WIRE_STATE_RUNNABLE);
	wait->start_ns = bpf_ktime_get_ns();
	return 0;
}

#endif

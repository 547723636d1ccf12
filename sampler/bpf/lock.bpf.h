/*
 * lock.bpf.h - waits for locks: futexes of user space, from entering the system call to leaving it,
 * and contended locks of the kernel, where it has tracepoints for them (Linux 5.19).
 *
 * The same records as other waits (switch.bpf.h); a thread that spins or waits for a lock of the
 * kernel has an entry of its own for that, since it may do so within a futex call.
 */
#ifndef FT_SAMPLER_LOCK_BPF_H
#define FT_SAMPLER_LOCK_BPF_H

#include "sampler/bpf/switch.bpf.h"

/* include/uapi/linux/futex.h: the operations that wait. */
#define FUTEX_CMD_MASK 0x7fu
#define FUTEX_WAIT 0
#define FUTEX_LOCK_PI 6
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAIT_REQUEUE_PI 11
#define FUTEX_LOCK_PI2 13
#define FUTEX_WAITING                                                       \
	(1u << FUTEX_WAIT | 1u << FUTEX_LOCK_PI | 1u << FUTEX_WAIT_BITSET | \
	 1u << FUTEX_WAIT_REQUEUE_PI | 1u << FUTEX_LOCK_PI2)

#ifdef __TARGET_ARCH_x86
#define SECOND_ARGUMENT 13 /* word of struct pt_regs: rsi */
#else
#define SECOND_ARGUMENT 1 /* x1 */
#endif

#define KERNEL_LOCK_KEY 0x80000000u /* thread ids are below */

/* The entry of the current thread, made if there is none. NULL: no target, or no room. */
static __always_inline struct ft_wire_wait *lock_entry(u32 mark, u64 *ids)
{
	u32 key = (u32)bpf_get_current_pid_tgid() | mark, tgid, tid;
	struct ft_wire_wait *wait;

	if (!filter_pass(&tgid, &tid))
		return 0;
	*ids = (u64)tgid << 32 | tid;
	wait = bpf_map_lookup_elem(&waits, &key);
	return wait ? wait : wait_new(key);
}

static __always_inline void lock_over(u32 mark, u64 lock)
{
	u32 key = (u32)bpf_get_current_pid_tgid() | mark;
	struct ft_wire_wait *wait = bpf_map_lookup_elem(&waits, &key);

	if (!wait || !wait->start_ns || wait->lock != lock)
		return;
	wait_end(wait, bpf_ktime_get_ns());
	wait->start_ns = 0;
}

/* Arguments: registers, number of the system call. */
SEC("raw_tp/sys_enter")
int ft_lock_enter(struct bpf_raw_tracepoint_args *ctx)
{
	u64 op = FT_KREAD(u64, ctx->args[0], SECOND_ARGUMENT * 8) & FUTEX_CMD_MASK;
	struct ft_wire_wait *wait;
	u64 ids, now_ns;

	if (ctx->args[1] == config.futex_nr) {
		if (op > 31 || !(FUTEX_WAITING >> op & 1))
			return 0;
	} else if (ctx->args[1] != config.futex_waitv_nr) {
		return 0;
	}
	wait = lock_entry(0, &ids);
	if (!wait)
		return 0;
	now_ns = bpf_ktime_get_ns();
	wait->start_ns = 0;
	wait->lock = 0;
	/* In the kernel there is nothing yet but the way here. */
	if (wait_begin(ctx, wait, ids, FT_WIRE_STATE_USER_LOCK))
		wait->start_ns = now_ns;
	return 0;
}

SEC("raw_tp/sys_exit")
int ft_lock_exit(void *ctx __attribute__((unused)))
{
	lock_over(0, 0);
	return 0;
}

/* Arguments: address of the lock, flags. */
SEC("raw_tp/contention_begin")
int ft_lock_contended(struct bpf_raw_tracepoint_args *ctx)
{
	struct ft_wire_wait *wait;
	u64 ids, now_ns;

	wait = lock_entry(KERNEL_LOCK_KEY, &ids);
	if (!wait || wait->start_ns)
		return 0; /* an interrupt that spins while the thread does */
	now_ns = bpf_ktime_get_ns();
	wait->lock = ctx->args[0];
	if (wait_begin(ctx, wait, ids, FT_WIRE_STATE_KERNEL_LOCK))
		wait->start_ns = now_ns;
	return 0;
}

/* Arguments: address of the lock, result. */
SEC("raw_tp/contention_end")
int ft_lock_acquired(struct bpf_raw_tracepoint_args *ctx)
{
	lock_over(KERNEL_LOCK_KEY, ctx->args[0]);
	return 0;
}

/* A thread that ends within a futex call leaves no system call. */
SEC("raw_tp/sched_process_exit")
int ft_lock_thread_ends(void *ctx __attribute__((unused)))
{
	u32 key = (u32)bpf_get_current_pid_tgid();

	lock_over(0, 0);
	bpf_map_delete_elem(&waits, &key);
	key |= KERNEL_LOCK_KEY;
	bpf_map_delete_elem(&waits, &key);
	return 0;
}

#endif

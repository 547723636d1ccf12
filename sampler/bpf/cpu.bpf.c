/*
 * cpu.bpf.c - samples stacks at perf events (timer, PMU, software events) and at tracepoints, and
 * counts them.
 *
 * Three ways in, by what the kernel demands for each kind of event, and one body.
 */
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>

#include "sampler/bpf/alloc.bpf.h"
#include "sampler/bpf/filter.bpf.h"
#include "sampler/bpf/follow.bpf.h"
#include "sampler/bpf/kernel.bpf.h"
#include "sampler/bpf/lock.bpf.h"
#include "sampler/bpf/scratch.bpf.h"
#include "sampler/bpf/script.bpf.h"
#include "sampler/bpf/stack.bpf.h"
#include "sampler/bpf/store.bpf.h"
#include "sampler/bpf/switch.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * Clocks are slow where there is a hypervisor: only every so many-th sample is timed, and counts
 * for all.
 */
#define TIMED_EVERY 16

/* Apart from its callers, so that they are short where nothing is to be sampled. */
static __noinline int take_sample(void *ctx, bool user_mode, u64 weight, u32 tgid, u32 tid)
{
	u64 start_ns = 0;
	struct ft_wire_cpu *cpu;
	struct scratch *s;
	int filled;

	s = scratch_claim();
	if (!s)
		return 0;
	cpu = this_cpu();
	if (!cpu) { /* cannot be: the map has one for each possible CPU */
		count(&counters.lost_scratch);
		goto out;
	}
	if (cpu->turns++ % TIMED_EVERY == 0)
		start_ns = bpf_ktime_get_ns();
	fill_identity(&s->record, tgid, tid);
	s->record.weight = weight;
	filled = fill_stacks(ctx, user_mode, s);
	if (filled == CAPTURED) {
		count(&counters.captures);
	} else if (filled == FILLED && ft_store_add(&s->record)) {
		count(&cpu->samples);
		if (s->record.user_frames)
			count(&cpu->user_stacks);
	}
	if (start_ns)
		__sync_fetch_and_add(&cpu->bpf_ns, (bpf_ktime_get_ns() - start_ns) * TIMED_EVERY);
out:
	scratch_release(s);
	return 0;
}

static __always_inline int sample(void *ctx, bool user_mode, u64 weight)
{
	u32 tgid, tid;

	return filter_pass(&tgid, &tid) ? take_sample(ctx, user_mode, weight, tgid, tid) : 0;
}

SEC("perf_event")
int ft_cpu_perf_event(struct bpf_perf_event_data *ctx)
{
	return sample(ctx, in_user_mode(ctx), 0);
}

/* Occurrences of the tracepoint in targets, for --period. */
u64 occurrences;

static __always_inline int sample_period(void *ctx, bool user_mode, u64 weight)
{
	u32 tgid, tid;

	if (config.event_period > 1) {
		if (!filter_pass(&tgid, &tid) ||
		    (__sync_fetch_and_add(&occurrences, 1) + 1) % config.event_period)
			return 0;
	}
	return sample(ctx, user_mode, weight);
}

SEC("raw_tp")
int ft_cpu_raw_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	if (config.syscall != UINT32_MAX) {
		/* sys_enter: registers, number. The kernel's frames are the same for all. */
		return ctx->args[1] == config.syscall ? sample_period(ctx, true, 0) : 0;
	}
	return sample_period(ctx, false, 0);
}

/* The number in a field of the tracepoint's record; negative ones weigh nothing. */
static __always_inline u64 field_weight(void *ctx)
{
	u32 bytes = config.field_bytes, unused_bits = 64 - 8 * bytes;
	u64 value = 0;

	if (!bytes || bytes > sizeof(value))
		return 0;
	/* Into the lower bytes: these machines are little-endian. */
	bpf_probe_read_kernel(&value, bytes, (const char *)ctx + config.field_offset);
	if (config.field_signed && (s64)(value << unused_bits) < 0)
		return 0;
	return value;
}

/* The probed instruction is user code: there is nothing in the kernel but the way here. */
SEC("uprobe")
int ft_cpu_uprobe(void *ctx)
{
	return sample_period(ctx, true, 0);
}

/*
 * Tracepoints that are not raw ones: syscalls:*, and those whose records are looked at. A result of
 * 0 keeps the kernel from making a perf record of it.
 */
SEC("tp")
int ft_cpu_tracepoint(void *ctx)
{
	return sample_period(ctx, false, config.field_bytes ? field_weight(ctx) : 0);
}

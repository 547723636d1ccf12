/*
 * cpu.bpf.c - samples stacks at perf events (timer, PMU, software events) and at tracepoints, and
 * counts them.
 *
 * Three ways in, by what the kernel demands for each kind of event, and one body.
 */
#include "sampler/bpf/filter.bpf.h"
#include "sampler/bpf/follow.bpf.h"
#include "sampler/bpf/kernel.bpf.h"
#include "sampler/bpf/scratch.bpf.h"
#include "sampler/bpf/store.bpf.h"
#include "sampler/bpf/ustack.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Name, exec id: what tells apart processes of the same id. */
static __always_inline void fill_identity(struct ft_wire_record *record, u32 tgid, u32 tid)
{
	u64 task = bpf_get_current_task();

	record->tgid = tgid;
	record->tid = config.per_thread ? tid : 0;
	record->exec_id = FT_KREAD(u32, task, config.task_exec_id);
	if (config.per_thread)
		bpf_get_current_comm(record->thread, sizeof(record->thread));
	else
		__builtin_memset(record->thread, 0, sizeof(record->thread));
	if (tgid == tid) {
		bpf_get_current_comm(record->process, sizeof(record->process));
	} else {
		u64 leader = FT_KREAD(u64, task, config.task_group_leader);

		if (bpf_probe_read_kernel(record->process, sizeof(record->process),
					  (const void *)(leader + config.task_comm)))
			__builtin_memset(record->process, 0, sizeof(record->process));
	}
}

/* What became of a sample. */
enum filled {
	FILLED,	  /* the record is whole */
	NOT_OURS, /* it does not count */
	CAPTURED, /* user space completes it */
};

/* Kernel and user frames into the record. */
static __always_inline int fill_stacks(void *ctx, struct scratch *s)
{
	struct ft_wire_record *record = &s->record;
	u32 kernel = 0;

	if (config.kernel_frames) {
		long bytes = bpf_get_stack(ctx, record->frames, FT_WIRE_MAX_FRAMES * 8, 0);

		if (bytes < 0)
			count(&counters.lost_kernel);
		else
			kernel = (u32)((u64)bytes / 8);
		if (config.kernel_mode_only && !kernel)
			return NOT_OURS;
	}
	if (kernel > FT_WIRE_MAX_FRAMES)
		kernel = FT_WIRE_MAX_FRAMES;
	record->kernel_frames = (u8)kernel;
	record->user_frames = 0;
	record->end = 0;
	record->later = 0;
	if (config.user_frames && ustack_walk(s) == USTACK_CAPTURED)
		return CAPTURED;
	record->words = FT_WIRE_FIXED_WORDS + kernel + record->user_frames;
	return FILLED;
}

static __always_inline int sample(void *ctx)
{
	u64 start_ns = bpf_ktime_get_ns();
	struct scratch *s;
	u32 tgid, tid;
	int filled;

	if (!filter_pass(&tgid, &tid))
		return 0;
	s = scratch_claim();
	if (!s)
		return 0;
	fill_identity(&s->record, tgid, tid);
	s->record.first_ns = start_ns;
	filled = fill_stacks(ctx, s);
	if (filled == CAPTURED) {
		count(&counters.captures);
	} else if (filled == FILLED && store_add(&s->record)) {
		count(&counters.samples);
		if (s->record.user_frames)
			count(&counters.user_stacks);
	}
	scratch_release(s);
	__sync_fetch_and_add(&counters.bpf_ns, bpf_ktime_get_ns() - start_ns);
	return 0;
}

SEC("perf_event")
int ft_cpu_perf_event(struct bpf_perf_event_data *ctx)
{
	return sample(ctx);
}

/* Occurrences of the tracepoint in targets, for --period. */
u64 occurrences;

static __always_inline int sample_period(void *ctx)
{
	u32 tgid, tid;

	if (config.event_period > 1) {
		if (!filter_pass(&tgid, &tid) ||
		    (__sync_fetch_and_add(&occurrences, 1) + 1) % config.event_period)
			return 0;
	}
	return sample(ctx);
}

SEC("raw_tp")
int ft_cpu_raw_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	return sample_period(ctx);
}

/*
 * Tracepoints that are not raw ones: syscalls:*. A result of 0 keeps the kernel from making a perf
 * record of it.
 */
SEC("tp")
int ft_cpu_tracepoint(void *ctx)
{
	return sample_period(ctx);
}

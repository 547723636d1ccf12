/*
 * script.bpf.h - stacks for programs that are made at run time (scriptlang/).
 *
 * Such a program leaves a request and calls one of these by a tail call; this takes the stack, puts
 * it into the stack store under a number, and goes on by another tail call to the program that the
 * request names. So the walker is verified once, here, and the other side needs no BTF.
 *
 * Requests lie in levels: a program that interrupts another one has a level of its own. Which one
 * is at hand stands in "current", which whoever interrupts puts back.
 */
#ifndef FT_SAMPLER_SCRIPT_BPF_H
#define FT_SAMPLER_SCRIPT_BPF_H

#include "profile/stack_call.h"
#include "sampler/bpf/filter.bpf.h"
#include "sampler/bpf/stack.bpf.h"
#include "sampler/bpf/store.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ft_stack_calls);
} requests SEC(".maps");

/* Programs to go on at. An array holds programs of one type. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, FT_STACK_CALLS_MAX);
	__type(key, u32);
	__type(value, u32);
} perf_calls SEC(".maps"), tracepoint_calls SEC(".maps"), uprobe_calls SEC(".maps");

/* Takes the stack that a request asks for; its number, or 0 when it is lost. */
static __noinline u64 script_stack(void *ctx, u64 kinds, u64 user_mode)
{
	struct ft_wire_cpu *cpu = this_cpu();
	u64 number = 0, turn;
	struct scratch *s;
	u32 tgid, tid;
	int filled;

	if (!cpu || !task_ids(&tgid, &tid))
		return 0;
	s = scratch_claim();
	if (!s)
		return 0;
	turn = __sync_fetch_and_add(&cpu->turns, 1);
	fill_identity(&s->record, tgid, tid);
	s->record.state = FT_WIRE_STATE_NUMBERED;
	s->record.weight = 0;
	s->record.count = (u64)bpf_get_smp_processor_id() << 40 | (turn + 1);
	filled = fill_frames(ctx, kinds & FT_STACK_KERNEL && !user_mode, kinds & FT_STACK_USER, s);
	if (filled == CAPTURED) {
		number = s->record.count;
		count(&counters.captures);
		count(&cpu->samples);
	} else if (s->record.kernel_frames || s->record.user_frames) {
		if (ft_store_add(&s->record)) {
			count(&cpu->samples);
			if (s->record.user_frames)
				count(&cpu->user_stacks);
			number = s->record.weight;
		}
	}
	scratch_release(s);
	return number;
}

static __always_inline struct ft_stack_call *request_at_hand(void)
{
	u32 zero = 0;
	struct ft_stack_calls *r = bpf_map_lookup_elem(&requests, &zero);

	return r ? &r->levels[r->current & (FT_STACK_CALL_LEVELS - 1)] : 0;
}

SEC("perf_event")
int ft_script_perf(struct bpf_perf_event_data *ctx)
{
	struct ft_stack_call *request = request_at_hand();

	if (!request)
		return 0;
	request->number = script_stack(ctx, request->kinds, in_user_mode(ctx));
	bpf_tail_call(ctx, &perf_calls, (u32)request->next);
	return 0;
}

/*
 * At places in user space programs may be preempted, and others run in between that are no
 * interrupts: the request is told by its thread, which has one at a time.
 */
SEC("kprobe")
int ft_script_uprobe(void *ctx)
{
	u64 owner = bpf_get_current_pid_tgid();
	u32 zero = 0;
	struct ft_stack_calls *r = bpf_map_lookup_elem(&requests, &zero);
	struct ft_stack_call *request = 0;

	if (!r)
		return 0;
	for (u32 i = 0; i < FT_STACK_CALL_LEVELS; i++)
		if (r->levels[i].owner == owner)
			request = &r->levels[i];
	if (!request)
		return 0;
	request->number = script_stack(ctx, request->kinds, 0);
	bpf_tail_call(ctx, &uprobe_calls, (u32)request->next);
	return 0;
}

/* Functions of the kernel: as a tracepoint, by a program of the other type. */
SEC("kprobe")
int ft_script_kprobe(void *ctx)
{
	struct ft_stack_call *request = request_at_hand();

	if (!request)
		return 0;
	request->number = script_stack(ctx, request->kinds, 0);
	bpf_tail_call(ctx, &uprobe_calls, (u32)request->next);
	return 0;
}

SEC("raw_tp")
int ft_script_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	struct ft_stack_call *request = request_at_hand();

	if (!request)
		return 0;
	request->number = script_stack(ctx, request->kinds, 0);
	bpf_tail_call(ctx, &tracepoint_calls, (u32)request->next);
	return 0;
}

#endif

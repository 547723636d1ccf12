/* stack.bpf.h - the current task's stack as a record: who it is, kernel frames, user frames. */
#ifndef FT_SAMPLER_STACK_BPF_H
#define FT_SAMPLER_STACK_BPF_H

#include "sampler/bpf/ustack.bpf.h"

/* Name, exec id: what tells apart processes of the same id. */
static __always_inline void fill_identity(struct ft_wire_record *record, u32 tgid, u32 tid)
{
	struct task_struct *task = bpf_get_current_task_btf();

	record->tgid = tgid;
	record->tid = config.per_thread ? tid : 0;
	record->exec_id = FT_TASK(u32, task, config.task_exec_id);
	__builtin_memset(&record->state, 0, 16); /* and what follows it */
	if (config.cpus)
		record->cpu = bpf_get_smp_processor_id() + 1;
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

/* Kernel and user frames into the record, as far as they are wanted. */
static __always_inline int fill_frames(void *ctx, bool kernel_frames, bool user_frames,
				       struct scratch *s)
{
	struct ft_wire_record *record = &s->record;
	u32 kernel = 0;

	if (kernel_frames) {
		long bytes = bpf_get_stack(ctx, record->frames, FT_WIRE_MAX_FRAMES * 8, 0);

		if (bytes < 0)
			count(&counters.lost_kernel);
		else
			kernel = (u32)((u64)bytes / 8);
	}
	if (config.kernel_mode_only && !kernel)
		return NOT_OURS;
	if (kernel > FT_WIRE_MAX_FRAMES)
		kernel = FT_WIRE_MAX_FRAMES;
	record->kernel_frames = (u8)kernel;
	record->user_frames = 0;
	record->end = 0;
	record->later = 0;
	if (user_frames && ustack_walk(s) == USTACK_CAPTURED)
		return CAPTURED;
	record->words = FT_WIRE_FIXED_WORDS + kernel + record->user_frames;
	return FILLED;
}

/* The frames that this recording is of. */
static __always_inline int fill_stacks(void *ctx, bool user_mode, struct scratch *s)
{
	return fill_frames(ctx, config.kernel_frames && !user_mode, config.user_frames, s);
}

#endif

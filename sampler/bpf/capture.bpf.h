/*
 * capture.bpf.h - stacks that the kernel side cannot walk yet: registers and the upper stack go to
 * user space, which walks them with the same code (unwind.h) once it has caught up.
 */
#ifndef FT_SAMPLER_CAPTURE_BPF_H
#define FT_SAMPLER_CAPTURE_BPF_H

#include "sampler/bpf/registers.bpf.h"
#include "sampler/bpf/scratch.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} captures SEC(".maps");

struct capture_buffer {
	u64 busy;
	struct ft_wire_capture capture;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct capture_buffer);
} capture_buffers SEC(".maps");

static __always_inline bool in_execve(void)
{
	u8 bits = FT_KREAD(u8, bpf_get_current_task(), config.task_in_execve);

	return bits >> (config.task_in_execve_bit & 7) & 1;
}

struct capture_loop {
	struct capture_buffer *buffer;
	u64 sp, bytes; /* read so far */
};

/* Callback of bpf_loop: one piece of the stack. 1 ends it. */
static long capture_piece(u32 i, struct capture_loop *loop)
{
	u64 at = (u64)i * FT_WIRE_CAPTURE_PIECE;

	OPAQUE(at);
	if (at > FT_WIRE_CAPTURE_BYTES - FT_WIRE_CAPTURE_PIECE ||
	    bpf_probe_read_user(loop->buffer->capture.stack + at, FT_WIRE_CAPTURE_PIECE,
				(const void *)(loop->sp + at)))
		return 1;
	loop->bytes = at + FT_WIRE_CAPTURE_PIECE;
	return 0;
}

/* Sends registers and stack to user space. False when that could not be done. */
__noinline int ft_capture(struct scratch *s)
{
	u32 zero = 0;
	u64 bytes, sp, rest, flags;
	struct capture_loop loop = {0};
	struct capture_buffer *b;
	long code = -1;

	if (!s)
		return 0;
	b = bpf_map_lookup_elem(&capture_buffers, &zero);
	if (!b || __sync_val_compare_and_swap(&b->busy, 0, 1))
		return 0;
	ft_take_leaf(&s->walk);
	bpf_probe_read_kernel(&b->capture.record, sizeof(b->capture.record), &s->record);
	bpf_probe_read_kernel(b->capture.regs, sizeof(b->capture.regs), s->walk.u.leaf);
	b->capture.record.first_ns = bpf_ktime_get_ns();
	sp = b->capture.regs[FT_CFI_X86_SP];
	b->capture.pc = s->walk.leaf_pc;
	loop.buffer = b;
	loop.sp = sp;
	bpf_loop(FT_WIRE_CAPTURE_BYTES / FT_WIRE_CAPTURE_PIECE, capture_piece, &loop, 0);
	bytes = loop.bytes;
	/* A stack ends with a page. */
	rest = -(sp + bytes) & (FT_WIRE_CAPTURE_PIECE - 1);
	if (bytes <= FT_WIRE_CAPTURE_BYTES - FT_WIRE_CAPTURE_PIECE && rest &&
	    !bpf_probe_read_user(&b->capture.stack[bytes], rest, (const void *)(sp + bytes)))
		bytes += rest;
	b->capture.stack_bytes = bytes;
	b->capture.in_execve = in_execve();
	/*
	 * Waking up costs more than the rest: once for all that come before user space has looked.
	 */
	flags = bpf_ringbuf_query(&captures, BPF_RB_AVAIL_DATA) ? BPF_RB_NO_WAKEUP
								: BPF_RB_FORCE_WAKEUP;
	if (bytes <= FT_WIRE_CAPTURE_BYTES)
		code = bpf_ringbuf_output(&captures, &b->capture,
					  __builtin_offsetof(struct ft_wire_capture, stack) + bytes,
					  flags);
	__sync_lock_test_and_set(&b->busy, 0);
	return code == 0;
}

#endif

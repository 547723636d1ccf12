/*
 * capture.bpf.h - stacks that the kernel side cannot walk yet: registers and the upper stack go to
 * user space, which walks them with the same code (unwind.h) once it has caught up.
 */
#ifndef FT_SAMPLER_CAPTURE_BPF_H
#define FT_SAMPLER_CAPTURE_BPF_H

#include "sampler/bpf/instance.bpf.h"
#include "sampler/bpf/registers.bpf.h"
#include "sampler/bpf/scratch.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} captures SEC(".maps");

#define CAPTURE_HEADER __builtin_offsetof(struct ft_wire_capture, stack)
#define CAPTURE_USUAL (CAPTURE_HEADER + FT_WIRE_CAPTURE_USUAL)

struct capture_buffer {
	u64 busy;
	u64 words[CAPTURE_USUAL / 8]; /* of a struct ft_wire_capture */
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

/* How many pieces in a row may be missing before the stack is taken to have ended. */
#define CAPTURE_HOLE 16

/* A stack that is read piece by piece. */
struct capture_loop {
	u8 *stack;   /* where it goes, FT_WIRE_CAPTURE_x bytes */
	u64 from;    /* user address */
	u64 pieces;  /* up to the last one that was there */
	u64 missing; /* as in struct ft_wire_capture */
};

/* Reads piece i, where bytes of them have room. 1 ends bpf_loop. */
static __always_inline long capture_piece(u32 i, struct capture_loop *loop, u64 bytes)
{
	u64 at = (u64)i * FT_WIRE_CAPTURE_PIECE;

	OPAQUE(at);
	if (at > bytes - FT_WIRE_CAPTURE_PIECE)
		return 1;
	if (bpf_probe_read_user(loop->stack + at, FT_WIRE_CAPTURE_PIECE,
				(const void *)(loop->from + at))) {
		loop->missing |= 1ull << (i & 63);
		return i >= loop->pieces + CAPTURE_HOLE;
	}
	loop->pieces = i + 1;
	return 0;
}

static long capture_usual(u32 i, struct capture_loop *loop)
{
	return capture_piece(i, loop, FT_WIRE_CAPTURE_USUAL);
}

static long capture_large(u32 i, struct capture_loop *loop)
{
	return capture_piece(i, loop, FT_WIRE_CAPTURE_BYTES);
}

/* Whether there is something of the stack behind the usual part. */
static long capture_probe(u32 i, struct capture_loop *loop)
{
	u64 word, at = FT_WIRE_CAPTURE_USUAL / FT_WIRE_CAPTURE_PIECE + i;

	if (at >= loop->pieces + CAPTURE_HOLE)
		return 1;
	if (bpf_probe_read_user(&word, sizeof(word),
				(const void *)(loop->from + at * FT_WIRE_CAPTURE_PIECE)))
		return 0;
	loop->pieces = at + 1;
	return 1;
}

/*
 * Waking up costs more than the rest: once for all that come before user space has looked.
 */
static __always_inline u64 capture_flags(void)
{
	return bpf_ringbuf_query(&captures, BPF_RB_AVAIL_DATA) ? BPF_RB_NO_WAKEUP
							       : BPF_RB_FORCE_WAKEUP;
}

/* A copy of a stack gets its return addresses back. */
struct restore_loop {
	u64 at; /* the instance at hand */
	u8 *stack;
	u64 from; /* user address */
};

static __always_inline long restore(struct restore_loop *loop, u64 bytes)
{
	u64 place, real;

	if (!loop->at)
		return 1;
	place = FT_KREAD(u64, loop->at, config.instance_stack) - loop->from;
	real = FT_KREAD(u64, loop->at, config.instance_return);
	OPAQUE(place);
	if (place <= bytes - 8)
		*(u64 *)(loop->stack + (place & ~7ull)) = real;
	loop->at = FT_KREAD(u64, loop->at, config.instance_next);
	return 0;
}

static long restore_usual(u32 i __attribute__((unused)), struct restore_loop *loop)
{
	return restore(loop, FT_WIRE_CAPTURE_USUAL);
}

static long restore_large(u32 i __attribute__((unused)), struct restore_loop *loop)
{
	return restore(loop, FT_WIRE_CAPTURE_BYTES);
}

/* Sends a stack of which the usual part is in usual, and more of it. False: no room. */
static __noinline int send_large(struct ft_wire_capture *usual)
{
	struct capture_loop loop;
	struct ft_wire_capture *c;

	if (!usual)
		return 0;
	c = bpf_ringbuf_reserve(&captures, sizeof(*c), 0);
	if (!c)
		return 0;
	bpf_probe_read_kernel(c, CAPTURE_HEADER, usual);
	loop = (struct capture_loop){.stack = c->stack,
				     .from = FT_WIRE_CAPTURE_FROM(usual->regs[FT_CFI_X86_SP])};
	bpf_loop(FT_WIRE_CAPTURE_BYTES / FT_WIRE_CAPTURE_PIECE, capture_large, &loop, 0);
	if (config.task_utask) {
		struct restore_loop restored = {
			.at = first_instance(), .stack = c->stack, .from = loop.from};

		bpf_loop(INSTANCES_MAX, restore_large, &restored, 0);
	}
	c->missing = loop.missing;
	c->stack_bytes = loop.pieces * FT_WIRE_CAPTURE_PIECE;
	c->cut = c->stack_bytes == FT_WIRE_CAPTURE_BYTES;
	bpf_ringbuf_submit(c, capture_flags());
	return 1;
}

/* Sends registers and stack to user space. False when that could not be done. */
__noinline int ft_capture(struct scratch *s)
{
	struct ft_wire_capture *c;
	struct capture_loop loop;
	struct capture_buffer *b;
	u32 zero = 0;
	int sent = 0;
	u64 bytes;

	if (!s)
		return 0;
	b = bpf_map_lookup_elem(&capture_buffers, &zero);
	if (!b || __sync_val_compare_and_swap(&b->busy, 0, 1))
		return 0;
	c = (struct ft_wire_capture *)b->words;
	ft_take_leaf(&s->walk);
	bpf_probe_read_kernel(&c->record, sizeof(c->record), &s->record);
	bpf_probe_read_kernel(c->regs, sizeof(c->regs), s->walk.u.leaf);
	c->record.first_ns = bpf_ktime_get_ns();
	c->pc = s->walk.leaf_pc;
	c->in_execve = in_execve();
	loop = (struct capture_loop){.stack = c->stack,
				     .from = FT_WIRE_CAPTURE_FROM(c->regs[FT_CFI_X86_SP])};
	bpf_loop(FT_WIRE_CAPTURE_USUAL / FT_WIRE_CAPTURE_PIECE, capture_usual, &loop, 0);
	if (config.task_utask) {
		struct restore_loop restored = {
			.at = first_instance(), .stack = c->stack, .from = loop.from};

		bpf_loop(INSTANCES_MAX, restore_usual, &restored, 0);
	}
	bytes = loop.pieces * FT_WIRE_CAPTURE_PIECE;
	c->missing = loop.missing;
	c->stack_bytes = bytes;
	bpf_loop((FT_WIRE_CAPTURE_BYTES - FT_WIRE_CAPTURE_USUAL) / FT_WIRE_CAPTURE_PIECE,
		 capture_probe, &loop, 0);
	c->cut = loop.pieces > FT_WIRE_CAPTURE_USUAL / FT_WIRE_CAPTURE_PIECE;
	/* The usual part does for most: while user space is busy it is better than nothing. */
	if (c->cut && bpf_ringbuf_query(&captures, BPF_RB_AVAIL_DATA) <
			      bpf_ringbuf_query(&captures, BPF_RB_RING_SIZE) / 2)
		sent = send_large(c);
	if (!sent && bytes <= FT_WIRE_CAPTURE_USUAL)
		sent = !bpf_ringbuf_output(&captures, c, CAPTURE_HEADER + bytes, capture_flags());
	__sync_lock_test_and_set(&b->busy, 0);
	return sent;
}

#endif

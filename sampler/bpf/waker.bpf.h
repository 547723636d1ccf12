/*
 * waker.bpf.h - who ended a wait, and who woke that one: chains of wakers.
 *
 * A chain is a run of sections, each a struct ft_wire_waker and its frames: the task that woke, the
 * one that had woken it last, and so on. With --depth above 1 the map "chains" has the last chain
 * of every thread, for any thread may become a waker; a waker's own chain then goes behind its
 * section. Chains end at whole sections. (Linux 6.1 hangs where a map that evicts is written to at
 * sched_waking; so threads are taken out of the map when they end.)
 */
#ifndef FT_SAMPLER_WAKER_BPF_H
#define FT_SAMPLER_WAKER_BPF_H

#include "sampler/bpf/kernel.bpf.h"
#include "sampler/bpf/stack.bpf.h"

/* Who woke a thread last. */
struct chain {
	u32 tid;   /* in the initial PID namespace; entries may be reused while they are read */
	u32 words; /* of body */
	u64 turn;  /* odd while it is written */
	u64 body[FT_WIRE_FRAMES];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* set before loading */
	__type(key, u32);
	__type(value, struct chain);
} chains SEC(".maps");

/*
 * Where a chain is put together: sched_waking comes with interrupts off, so that one for each CPU
 * will do. A copy may begin at the end of what fits.
 */
struct chain_room {
	struct chain chain;
	u64 slack[FT_WIRE_FRAMES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct chain_room);
} chain_rooms SEC(".maps");

/* How many words of the whole sections that begin at word from and end by word end. */
__noinline int ft_chain_whole(struct chain_room *room, u32 from, u32 end)
{
	u32 at = from;

	if (!room || end > FT_WIRE_FRAMES)
		return 0;
	for (u32 i = 0; i < FT_WIRE_WAKERS_MAX && i < config.wakers; i++) {
		const struct ft_wire_waker *waker;
		u32 next;

		if (at + FT_WIRE_WAKER_WORDS > end || at >= FT_WIRE_FRAMES)
			break;
		waker = (const struct ft_wire_waker *)&room->chain.body[at];
		next = at + FT_WIRE_WAKER_WORDS + waker->kernel_frames + waker->user_frames;
		if (next > end)
			break;
		at = next;
	}
	return (int)(at - from);
}

/* The current task and its stack as the first section. */
static __always_inline u32 chain_begin(void *ctx, struct chain_room *room)
{
	struct ft_wire_waker *waker = (struct ft_wire_waker *)room->chain.body;
	u32 frames, tgid = 0, tid = 0; /* a waker may have no ids in our PID namespace */
	struct ft_wire_cpu *cpu = this_cpu();
	struct scratch *s = cpu ? scratch_claim() : 0;

	if (!s || !cpu)
		return 0;
	task_ids(&tgid, &tid);
	fill_identity(&s->record, tgid, tid);
	s->record.state = FT_WIRE_STATE_ON_CPU; /* not a sample of its own */
	s->record.count = (u64)bpf_get_smp_processor_id() << 40 | ++cpu->turns;
	waker->late = fill_stacks(ctx, false, s) == CAPTURED;
	if (waker->late) {
		s->record.frames[0] = s->record.count;
		s->record.kernel_frames = 1;
		s->record.user_frames = 0;
	}
	__builtin_memcpy(waker->process, s->record.process, sizeof(waker->process));
	waker->tgid = tgid;
	waker->end = s->record.end;
	frames = (u32)s->record.kernel_frames + s->record.user_frames;
	if (frames > FT_WIRE_FRAMES - FT_WIRE_WAKER_WORDS) {
		frames = FT_WIRE_FRAMES - FT_WIRE_WAKER_WORDS;
		waker->end = FT_END_DEPTH;
	}
	waker->kernel_frames = s->record.kernel_frames;
	waker->user_frames = (u8)(frames - s->record.kernel_frames);
	OPAQUE(frames);
	if (frames <= FT_WIRE_FRAMES - FT_WIRE_WAKER_WORDS)
		bpf_probe_read_kernel(room->chain.body + FT_WIRE_WAKER_WORDS, frames * 8,
				      s->record.frames);
	scratch_release(s);
	return FT_WIRE_WAKER_WORDS + frames;
}

/* Adds who woke the current task, if that fits. The words of all. */
static __always_inline u32 chain_extend(struct chain_room *room, u32 words)
{
	u32 tid = (u32)bpf_get_current_pid_tgid(), more;
	const struct chain *own = bpf_map_lookup_elem(&chains, &tid);
	u64 turn;

	if (!own || words > FT_WIRE_FRAMES)
		return words;
	turn = *(volatile u64 *)&own->turn;
	more = *(volatile u32 *)&own->words;
	if (turn & 1 || more > FT_WIRE_FRAMES)
		return words;
	bpf_probe_read_kernel(&room->chain.body[words], more * 8, own->body);
	if (*(volatile u64 *)&own->turn != turn || own->tid != tid)
		return words;
	more += words;
	if (more > FT_WIRE_FRAMES)
		more = FT_WIRE_FRAMES;
	return (u32)ft_chain_whole(room, 0, more);
}

/* Keeps the chain as that of the thread that is woken, which the kernel does one at a time. */
static __always_inline void chain_keep(struct chain_room *room, u32 words, u32 tid)
{
	struct chain *kept = bpf_map_lookup_elem(&chains, &tid);

	room->chain.words = words;
	if (!kept) {
		room->chain.tid = tid;
		room->chain.turn = 0;
		if (bpf_map_update_elem(&chains, &tid, &room->chain, BPF_ANY))
			count(&counters.lost_chains);
		return;
	}
	__sync_fetch_and_add(&kept->turn, 1);
	kept->tid = tid;
	kept->words = words;
	if (words <= FT_WIRE_FRAMES)
		bpf_probe_read_kernel(kept->body, words * 8, room->chain.body);
	__sync_fetch_and_add(&kept->turn, 1);
}

/* Cuts the first section to as many words. What is nearest to the wait stays. */
static __always_inline u32 chain_cut(struct chain_room *room, u32 words)
{
	struct ft_wire_waker *waker = (struct ft_wire_waker *)room->chain.body;
	u32 frames = words - FT_WIRE_WAKER_WORDS;

	if (words < FT_WIRE_WAKER_WORDS)
		return 0;
	waker->end = FT_END_DEPTH;
	if (waker->kernel_frames > frames)
		waker->kernel_frames = (u8)frames;
	waker->user_frames = (u8)(frames - waker->kernel_frames);
	return words;
}

/* Appends the chain to the record of the wait that it has ended. */
static __always_inline void chain_append(struct ft_wire_record *record, struct chain_room *room,
					 u32 words)
{
	u32 own = record->wait & FT_WIRE_WAIT_LATE
			  ? 1
			  : (u32)record->kernel_frames + record->user_frames;
	u32 left, whole;

	own &= FT_WIRE_FRAMES - 1;
	left = FT_WIRE_FRAMES - own;
	whole = words <= left ? words : (u32)ft_chain_whole(room, 0, left);
	if (!whole)
		whole = chain_cut(room, left);
	OPAQUE(whole);
	if (!whole || whole > FT_WIRE_FRAMES)
		return;
	bpf_probe_read_kernel(&record->frames[own], whole * 8, room->chain.body);
	record->words = FT_WIRE_FIXED_WORDS + own + whole;
	record->wait |= FT_WIRE_WAIT_WAKER;
}

/* The current thread ends. */
static __always_inline void chain_drop(void)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();

	if (config.wakers > 1)
		bpf_map_delete_elem(&chains, &tid);
}

/* The current task wakes thread tid; record: of the wait that ends, or NULL. */
__attribute__((unused)) static __noinline int note_waker(void *ctx, struct ft_wire_record *record,
							 u32 tid)
{
	u32 zero = 0, words;
	struct chain_room *room = bpf_map_lookup_elem(&chain_rooms, &zero);

	if (!room)
		return 0;
	words = chain_begin(ctx, room);
	if (!words)
		return 0;
	if (config.wakers > 1) {
		words = chain_extend(room, words);
		chain_keep(room, words, tid);
	}
	if (record)
		chain_append(record, room, words);
	return 0;
}

#endif

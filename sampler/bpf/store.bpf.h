/*
 * store.bpf.h - the stack store: counts stacks in the kernel, each identified by its whole content.
 *
 * Lock-free, usable from any context including NMI. A record is appended to the active bank and
 * then published by a compare-and-swap on its slot; whoever finds a slot with an equal hash
 * compares the whole key before counting, so two stacks are never merged. A stack is lost only when
 * a bank or its table is full, and that is counted.
 *
 * User space switches banks, on one CPU after the other. A program announces itself in its CPU's
 * count of users and then looks at the CPU's active bank again: after a switch, user space waits
 * until it has seen each CPU's count at 0, and owns the old bank from there on.
 */
#ifndef FT_SAMPLER_STORE_BPF_H
#define FT_SAMPLER_STORE_BPF_H

#include "sampler/bpf/kernel.bpf.h"

/* Sizes are set before loading. Bank b has its part of each map at index b * (elements / 2). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, u64);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct ft_wire_chunk);
} chunks SEC(".maps");

struct ft_wire_bank banks[FT_WIRE_BANKS];

/* Global functions are verified once, each on its own, however often they are called. */

/*
 * The key is looked at in blocks, from its beginning as far as they go, and one at its end, which
 * may overlap. bpf_loop has the verifier look at one block instead of each.
 */
#define STORE_BLOCK 7
_Static_assert(FT_WIRE_FIXED_WORDS - FT_WIRE_HEADER_WORDS >= STORE_BLOCK, "a block fits in a key");

struct store_loop {
	const u64 *key, *stored;
	u64 result;
};

static __always_inline u64 hash_block(u64 hash, const u64 *words)
{
#pragma unroll
	for (u32 i = 0; i < STORE_BLOCK; i++) {
		hash = (hash ^ words[i]) * 0x9E3779B97F4A7C15ull;
		hash ^= hash >> 29;
	}
	return hash;
}

static __always_inline bool block_differs(const u64 *a, const u64 *b)
{
	u64 differs = 0;

#pragma unroll
	for (u32 i = 0; i < STORE_BLOCK; i++)
		differs |= a[i] ^ b[i];
	return differs;
}

/* Word of the record at which block i begins. */
static __always_inline u64 block_at(u32 i)
{
	u64 at = FT_WIRE_HEADER_WORDS + (u64)i * STORE_BLOCK;

	OPAQUE(at); /* the check must be of the sum that is used */
	return at <= FT_WIRE_RECORD_WORDS - STORE_BLOCK ? at : 0;
}

/* The number of words, 0 when it is none. */
static __always_inline u32 store_words(const struct ft_wire_record *record)
{
	u32 words = *(const volatile u32 *)&record->words;

	return words < FT_WIRE_FIXED_WORDS || words > FT_WIRE_RECORD_WORDS ? 0 : words;
}

static long hash_next(u32 i, struct store_loop *loop)
{
	loop->result = hash_block(loop->result, loop->key + block_at(i));
	return 0;
}

__noinline u64 ft_store_hash(struct ft_wire_record *record)
{
	struct store_loop loop = {.key = (const u64 *)record};
	u32 words;

	if (!record)
		return 0;
	words = store_words(record);
	if (!words)
		return 0;
	bpf_loop((words - FT_WIRE_HEADER_WORDS) / STORE_BLOCK, hash_next, &loop, 0);
	return hash_block(loop.result, loop.key + words - STORE_BLOCK) * 0xD6E8FEB86659FD93ull;
}

static __always_inline u64 *store_at(u32 bank, u64 at)
{
	u32 chunk = bank * config.chunks + (u32)(at / FT_WIRE_CHUNK_WORDS);
	struct ft_wire_chunk *c = bpf_map_lookup_elem(&chunks, &chunk);

	return c ? &c->words[at & (FT_WIRE_CHUNK_WORDS - 1)] : 0;
}

static long compare_next(u32 i, struct store_loop *loop)
{
	u64 at = block_at(i);

	loop->result = block_differs(loop->stored + at, loop->key + at);
	return loop->result != 0;
}

/* Whether the record at that place has the same key. */
__noinline int ft_store_equal(struct ft_wire_record *record, u32 bank, u32 at)
{
	struct store_loop loop = {.key = (const u64 *)record, .stored = store_at(bank, at)};
	u32 words;

	if (!record || !loop.stored)
		return 0;
	words = store_words(record);
	if (!words || ((const struct ft_wire_record *)loop.stored)->words != words)
		return 0;
	bpf_loop((words - FT_WIRE_HEADER_WORDS) / STORE_BLOCK, compare_next, &loop, 0);
	if (loop.result)
		return 0;
	words -= STORE_BLOCK;
	return !block_differs(loop.stored + words, loop.key + words);
}

/*
 * Copies the record, with the time of now, to the end of the bank. Its place, or -1 when the bank
 * is full.
 */
__noinline s64 ft_store_append(struct ft_wire_record *record, u32 bank)
{
	u64 at, words, *to;

	if (!record || bank >= FT_WIRE_BANKS)
		return -1;
	words = record->words;
	if (words > FT_WIRE_RECORD_WORDS)
		return -1;
	at = __sync_fetch_and_add(&banks[bank].used_words, words);
	if (at >= (u64)config.chunks * FT_WIRE_CHUNK_WORDS)
		return -1;
	to = store_at(bank, at);
	if (!to)
		return -1;
	if (at + words > (u64)config.chunks * FT_WIRE_CHUNK_WORDS) {
		((struct ft_wire_record *)to)->words = 0;
		return -1;
	}
	record->first_ns = bpf_ktime_get_ns();
	if (bpf_probe_read_kernel(to, words * 8, record)) {
		((struct ft_wire_record *)to)->count = 0; /* keeps its place, is not counted */
		((struct ft_wire_record *)to)->words = (u32)words;
		return -1;
	}
	return (s64)at;
}

static __always_inline void store_count(u32 bank, u64 at, u64 weight)
{
	struct ft_wire_record *stored = (struct ft_wire_record *)store_at(bank, at);

	if (!stored)
		return;
	__sync_fetch_and_add(&stored->count, 1);
	if (config.weighted)
		__sync_fetch_and_add(&stored->weight, weight);
}

/* The record of a lost race must not be counted when the bank is read. */
static __always_inline void store_orphan(u32 bank, u64 at)
{
	u64 *stored = store_at(bank, at);

	if (stored)
		((struct ft_wire_record *)stored)->count = 0;
}

/*
 * Changes the number of programs in a bank, in order with all reads and writes around it. Only
 * atomic operations whose result is used order memory (Linux,
 * Documentation/bpf/standardization/instruction-set.rst, BPF_FETCH).
 */
static __always_inline void store_users(struct ft_wire_cpu *cpu, u32 bank, s64 change)
{
	u64 before = __sync_fetch_and_add(&cpu->users[bank & 1], change);

	asm volatile("" : : "r"(before));
}

/* The bank to write to, until store_leave. -1 if user space switched banks whenever we looked. */
static __always_inline int store_enter(struct ft_wire_cpu *cpu)
{
	for (int i = 0; i < 4; i++) {
		u32 bank = *(volatile u64 *)&cpu->active & 1;

		store_users(cpu, bank, 1);
		if ((*(volatile u64 *)&cpu->active & 1) == bank)
			return (int)bank;
		/*
		 * Switched in between. User space switches at most a few times a second: this ends.
		 */
		store_users(cpu, bank, -1);
	}
	return -1;
}

static __always_inline u64 *store_slot(u32 bank, u32 slot)
{
	u32 index = bank * (config.slot_mask + 1) + slot;

	return bpf_map_lookup_elem(&slots, &index);
}

/*
 * One look at the table: 1 counted, 0 try the next slot, -1 the bank is full. *place: our appended
 * copy, or -1.
 */
__noinline int ft_store_try(struct ft_wire_record *record, u32 bank, u32 slot_at, u64 hash)
{
	u64 *slot = store_slot(bank, slot_at), ref;
	s64 at;

	if (!slot || !record)
		return -1;
	ref = *(volatile u64 *)slot;
	if (!ref) {
		record->slot = slot_at;
		at = ft_store_append(record, bank);
		if (at < 0)
			return -1;
		ref = __sync_val_compare_and_swap(slot, 0, FT_WIRE_REF(hash, at));
		if (!ref)
			return 1;
		store_orphan(bank, at);
	}
	if ((ref ^ hash) >> 32 || !ft_store_equal(record, bank, FT_WIRE_REF_AT(ref)))
		return 0;
	store_count(bank, FT_WIRE_REF_AT(ref), record->weight);
	return 1;
}

/*
 * Counts the stack in record (words, identity and, if weighted, weight are set). 0 when it was
 * lost, which is counted.
 */
__noinline int ft_store_add(struct ft_wire_record *record)
{
	struct ft_wire_cpu *cpu = this_cpu();
	u64 hash = ft_store_hash(record);
	/*
	 * A step of its own for each stack: in runs of neighbours a half-full table would look
	 * full.
	 */
	u32 slot = (u32)hash, step = (u32)(hash >> 32) | 1;
	int bank, done = 0;

	if (!cpu || !record)
		return 0;
	bank = store_enter(cpu);
	if (bank < 0) {
		count(&counters.lost_store_full);
		return 0;
	}
	record->count = 1;
	if (config.numbered)
		record->weight = hash | FT_WIRE_NUMBER_STORED;
	for (u32 i = 0; i < FT_WIRE_PROBES && !done; i++, slot += step)
		done = ft_store_try(record, bank, slot & config.slot_mask, hash);
	store_users(cpu, bank, -1);
	if (done < 0)
		count(&counters.lost_store_full);
	else if (!done)
		count(&counters.lost_table_full);
	return done > 0;
}

#endif

/*
 * alloc.bpf.h - memory that is allocated and not yet released, by the stack that asked for it.
 *
 * Probes on the allocator's functions, at entry and at return: how much is asked for is known at
 * the one, the address at the other. What a thread is in between stands in "alloc_calls". Functions
 * of an allocator call each other (malloc maps memory, calloc may call malloc): only the outermost
 * counts, and it is told by the stack pointer. So a call that never returns (longjmp) does no harm:
 * the next one is not below it.
 *
 * Stacks go into the stack store, where equal ones are one record; what is outstanding stands in
 * "allocs" with a number for its stack. User space adds that up at the end.
 */
#ifndef FT_SAMPLER_ALLOC_BPF_H
#define FT_SAMPLER_ALLOC_BPF_H

#include "sampler/bpf/filter.bpf.h"
#include "sampler/bpf/stack.bpf.h"
#include "sampler/bpf/store.bpf.h"

/* Not preallocated: how much is outstanding, nobody knows. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 20);
	__type(key, struct ft_wire_alloc_key);
	__type(value, struct ft_wire_alloc);
} allocs SEC(".maps");

struct alloc_call {
	u64 sp; /* at entry; 0: the thread is in no call */
	u64 kind;
	u64 asked; /* bytes */
	u64 out;   /* POSIX: where the address goes */
	u64 old_addr;
	struct ft_wire_alloc old; /* REALLOC, MREMAP: what was at old_addr; weight 0: not known */
	struct ft_wire_alloc new; /* weight 0: it does not count */
};

/* By thread id. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, u32);
	__type(value, struct alloc_call);
} alloc_calls SEC(".maps");

/* Words of the registers that a probe gets. */
#ifdef __TARGET_ARCH_x86
#define ARGUMENT_0 14
#define ARGUMENT_1 13
#define ARGUMENT_2 12
#define ARGUMENT_3 11
#define RESULT 10
#define STACK_POINTER 19
#define POPPED_AT_RETURN 8
#else
#define ARGUMENT_0 0
#define ARGUMENT_1 1
#define ARGUMENT_2 2
#define ARGUMENT_3 3
#define RESULT 0
#define STACK_POINTER 31
#define POPPED_AT_RETURN 0
#endif

#define PAGES(BYTES) (((BYTES) + 4095) >> 12)
#define MMAP_ANONYMOUS 0x20u
#define MMAP_ACCESS 7u /* PROT_READ, PROT_WRITE, PROT_EXEC */

/* Not a divisor of anything usual: calls come in patterns. */
#define HITS_TIMED_EVERY 17

/* Every hit of a probe is counted, and some are timed. */
static __always_inline u64 hit_begin(struct ft_wire_cpu *cpu, u64 *turn)
{
	*turn = __sync_fetch_and_add(&cpu->turns, 1);
	return *turn % HITS_TIMED_EVERY ? 0 : bpf_ktime_get_ns();
}

static __always_inline void hit_end(struct ft_wire_cpu *cpu, u64 start_ns)
{
	if (start_ns)
		__sync_fetch_and_add(&cpu->bpf_ns,
				     (bpf_ktime_get_ns() - start_ns) * HITS_TIMED_EVERY);
}

static __always_inline void alloc_key(struct ft_wire_alloc_key *key, u64 addr)
{
	key->addr = addr;
	key->tgid = bpf_get_current_pid_tgid() >> 32;
	key->exec_id = FT_TASK(u32, bpf_get_current_task_btf(), config.task_exec_id);
}

static __always_inline void alloc_keep(u64 addr, const struct ft_wire_alloc *alloc)
{
	struct ft_wire_alloc_key key;

	alloc_key(&key, addr);
	if (bpf_map_update_elem(&allocs, &key, alloc, BPF_ANY))
		count(&counters.lost_allocs);
}

/* Bytes that a call asks for; 0 where it does not count. */
static __always_inline u64 alloc_asked(const u64 *ctx, u64 kind)
{
	switch (kind) {
	case FT_WIRE_ALLOC_MALLOC:
		return ctx[ARGUMENT_0];
	case FT_WIRE_ALLOC_CALLOC:
		return ctx[ARGUMENT_0] * ctx[ARGUMENT_1]; /* beyond 64 bits it fails */
	case FT_WIRE_ALLOC_REALLOC:
	case FT_WIRE_ALLOC_ALIGNED:
		return ctx[ARGUMENT_1];
	case FT_WIRE_ALLOC_POSIX:
	case FT_WIRE_ALLOC_MREMAP:
		return ctx[ARGUMENT_2];
	case FT_WIRE_ALLOC_MMAP:
		/* Files are not memory, and what cannot be accessed takes none. */
		return ctx[ARGUMENT_3] & MMAP_ANONYMOUS && ctx[ARGUMENT_2] & MMAP_ACCESS
			       ? ctx[ARGUMENT_1]
			       : 0;
	default:
		return 0;
	}
}

/*
 * The bytes that an allocation stands for; 0 when it is left out. One of s bytes is taken with
 * probability s / alloc_sample, so that its expected weight is s.
 */
static __always_inline u64 alloc_weight(u64 bytes)
{
	u64 sample = config.alloc_sample;

	if (bytes >= sample)
		return bytes;
	return (u64)bpf_get_prandom_u32() * sample >> 32 < bytes ? sample : 0;
}

/* Takes the stack; returns its number, or 0 when it is lost. */
static __noinline u64 alloc_stack(void *ctx, u64 ids, u64 turn)
{
	struct ft_wire_cpu *cpu = this_cpu();
	u64 number = 0;
	struct scratch *s;

	if (!cpu)
		return 0;
	s = scratch_claim();
	if (!s)
		return 0;
	fill_identity(&s->record, (u32)(ids >> 32), (u32)ids);
	s->record.state = FT_WIRE_STATE_NUMBERED;
	s->record.weight = 0;
	s->record.count = (u64)bpf_get_smp_processor_id() << 40 | (turn + 1);
	if (fill_stacks(ctx, true, s) == CAPTURED) {
		number = s->record.count;
		count(&counters.captures);
		count(&cpu->samples);
	} else {
		if (ft_store_add(&s->record)) {
			count(&cpu->samples);
			if (s->record.user_frames)
				count(&cpu->user_stacks);
		}
		number = s->record.weight;
	}
	scratch_release(s);
	return number;
}

/* The thread's entry, made if there is none; NULL when there is no room. */
static __always_inline struct alloc_call *alloc_call_new(u32 tid)
{
	struct alloc_call blank = {}, *call = 0;

	if (!bpf_map_update_elem(&alloc_calls, &tid, &blank, BPF_ANY))
		call = bpf_map_lookup_elem(&alloc_calls, &tid);
	if (!call)
		count(&counters.lost_allocs);
	return call;
}

/*
 * Memory that is about to move is not outstanding any more: once the function has released it,
 * another thread may get its address.
 */
static __always_inline void alloc_take_old(struct alloc_call *call, u64 addr)
{
	struct ft_wire_alloc_key key;
	struct ft_wire_alloc *old;

	call->old_addr = addr;
	alloc_key(&key, addr);
	old = addr ? bpf_map_lookup_elem(&allocs, &key) : 0;
	if (!old)
		return;
	call->old = *old;
	bpf_map_delete_elem(&allocs, &key);
}

static __always_inline void alloc_enter(u64 *ctx, u64 turn)
{
	u64 sp = ctx[STACK_POINTER], kind = bpf_get_attach_cookie(ctx);
	bool moves = kind == FT_WIRE_ALLOC_REALLOC || kind == FT_WIRE_ALLOC_MREMAP;
	u32 key = (u32)bpf_get_current_pid_tgid(), tgid, tid;
	bool target = filter_pass(&tgid, &tid);
	struct alloc_call *call;

	/* Any thread may move the memory of one that is a target. */
	if (!target && (config.filter != FT_WIRE_FILTER_TID || !moves))
		return;
	call = bpf_map_lookup_elem(&alloc_calls, &key);
	/* Within another one, or where that goes on: realloc of nothing jumps to malloc. */
	if (call && call->sp && (sp < call->sp || (sp == call->sp && kind != call->kind)))
		return;
	if (!call)
		call = alloc_call_new(key);
	if (!call)
		return;
	call->sp = sp;
	call->kind = kind;
	call->asked = alloc_asked(ctx, kind);
	call->out = ctx[ARGUMENT_0];
	call->old.weight = 0;
	call->new.weight = 0;
	if (moves)
		alloc_take_old(call, ctx[ARGUMENT_0]);
	if (kind == FT_WIRE_ALLOC_MREMAP && !call->old.weight)
		return; /* a file, or something that did not count when it was mapped */
	if (!target || !call->asked)
		return;
	call->new.weight = alloc_weight(call->asked);
	if (!call->new.weight)
		return;
	call->new.bytes = call->asked;
	call->new.number = alloc_stack(ctx, (u64)tgid << 32 | tid, turn);
}

SEC("uprobe")
int ft_alloc_enter(u64 *ctx)
{
	struct ft_wire_cpu *cpu = this_cpu();
	u64 turn, start_ns;

	if (!cpu)
		return 0;
	start_ns = hit_begin(cpu, &turn);
	alloc_enter(ctx, turn);
	hit_end(cpu, start_ns);
	return 0;
}

static __always_inline void alloc_return(u64 *ctx)
{
	u32 key = (u32)bpf_get_current_pid_tgid();
	struct alloc_call *call = bpf_map_lookup_elem(&alloc_calls, &key);
	u64 addr = ctx[RESULT];

	if (!call || !call->sp || call->sp + POPPED_AT_RETURN != ctx[STACK_POINTER])
		return;
	call->sp = 0;
	if (call->kind == FT_WIRE_ALLOC_POSIX) {
		u64 error = (u32)addr;

		addr = 0;
		if (!error)
			bpf_probe_read_user(&addr, sizeof(addr), (const void *)call->out);
	} else if (addr == ~0ull && call->kind >= FT_WIRE_ALLOC_MMAP) {
		addr = 0; /* MAP_FAILED */
	}
	if (addr && call->new.weight)
		alloc_keep(addr, &call->new);
	/* It failed, and what was there stays; but realloc to nothing has released it. */
	if (!addr && call->old.weight && call->asked)
		alloc_keep(call->old_addr, &call->old);
}

SEC("uprobe")
int ft_alloc_return(u64 *ctx)
{
	struct ft_wire_cpu *cpu = this_cpu();
	u64 turn, start_ns;

	if (!cpu)
		return 0;
	start_ns = hit_begin(cpu, &turn);
	alloc_return(ctx);
	hit_end(cpu, start_ns);
	return 0;
}

/*
 * Memory is unmapped from its beginning on, as far as can be seen here: where its end or its middle
 * goes, it stays as it was.
 */
static __always_inline void alloc_unmap(const struct ft_wire_alloc_key *key, u64 bytes)
{
	struct ft_wire_alloc *found = bpf_map_lookup_elem(&allocs, key), rest;
	u64 gone = PAGES(bytes) << 12;

	if (!found)
		return;
	rest = *found;
	bpf_map_delete_elem(&allocs, key);
	if (gone >= rest.bytes || !gone)
		return;
	rest.weight = rest.weight == rest.bytes ? rest.bytes - gone
						: rest.weight / rest.bytes * (rest.bytes - gone);
	rest.bytes -= gone;
	alloc_keep(key->addr + gone, &rest);
}

static __always_inline void alloc_release(u64 *ctx)
{
	u64 addr = ctx[ARGUMENT_0];
	struct ft_wire_alloc_key key;
	u32 tgid, tid;

	if (!addr || (!filter_pass(&tgid, &tid) && config.filter != FT_WIRE_FILTER_TID))
		return;
	alloc_key(&key, addr);
	if (bpf_get_attach_cookie(ctx) == FT_WIRE_ALLOC_FREE)
		bpf_map_delete_elem(&allocs, &key);
	else
		alloc_unmap(&key, ctx[ARGUMENT_1]);
}

SEC("uprobe")
int ft_alloc_release(u64 *ctx)
{
	struct ft_wire_cpu *cpu = this_cpu();
	u64 turn, start_ns;

	if (!cpu)
		return 0;
	start_ns = hit_begin(cpu, &turn);
	alloc_release(ctx);
	hit_end(cpu, start_ns);
	return 0;
}

/* Another thread may get the id of one that ended in a call. */
SEC("raw_tp/sched_process_exit")
int ft_alloc_thread_ends(void *ctx __attribute__((unused)))
{
	u32 key = (u32)bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&alloc_calls, &key);
	return 0;
}

#endif

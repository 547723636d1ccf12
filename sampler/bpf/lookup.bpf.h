/*
 * lookup.bpf.h - from an address of user code to its unwind rule, in the tables of the pool.
 *
 * Three look-ups: the mapping (usually the one of the frame before), the granule's rows, the rule.
 * Searches are branchless over a bounded number of steps, so that the verifier sees one path.
 * Layout of the tables: abi.h, wire.h.
 */
#ifndef FT_SAMPLER_LOOKUP_BPF_H
#define FT_SAMPLER_LOOKUP_BPF_H

#include "sampler/bpf/kernel.bpf.h"
#include "sampler/bpf/scratch.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ft_wire_pool_chunk);
} pool SEC(".maps");

/*
 * Bounds an index for verifiers that lose track of sums (Linux 6.1); the compiler must not see that
 * it has no effect.
 */
#define SEARCH_MASK 1023

static __always_inline u32 *pool_at(u32 at)
{
	u32 chunk = at / FT_WIRE_POOL_CHUNK_WORDS;
	struct ft_wire_pool_chunk *c = bpf_map_lookup_elem(&pool, &chunk);

	return c ? &c->words[at & (FT_WIRE_POOL_CHUNK_WORDS - 1)] : 0;
}

/* Sets walk->mapping to the one that holds addr. */
__noinline int ft_walk_mapping(struct walk *walk, u64 addr)
{
	const struct ft_wire_mapping *list;
	u64 count, at = 0;

	if (!walk)
		return 0;
	list = (const struct ft_wire_mapping *)pool_at(walk->mappings);
	if (!list)
		return 0;
	count = walk->mapping_count;
	/*
	 * at: how many mappings start at or below addr. Only the first count of them are looked at.
	 */
#pragma unroll
	for (u64 step = 512; step; step /= 2) {
		u64 last = at + step - 1, inside, below;

		OPAQUE(last);
		last &= SEARCH_MASK;
		inside = last - count;
		OPAQUE(inside);
		inside = (u64)((s64)inside >> 63);
		below = (u64)((s64)(list[last].start - addr - 1) >> 63);
		OPAQUE(below);
		at += step & inside & below;
	}
	if (!at)
		return 0;
	at--;
	OPAQUE(at);
	walk->mapping = list[at & SEARCH_MASK];
	return addr - walk->mapping.start < (u64)walk->mapping.pages * 4096;
}

enum walk_find {
	WALK_RULE,    /* walk->rule says how to go on */
	WALK_NONE,    /* a file without unwind information for this place */
	WALK_JIT,     /* code without a file */
	WALK_NO_ROOM, /* a table that did not fit into the pool */
	WALK_PENDING, /* a table that is not built yet */
	WALK_UNKNOWN, /* no mapping holds the address */
};

/*
 * How many of the count rows from rows[2] on begin at or below key. first_step is a constant, a
 * power of two that is more than a third of count.
 */
static __always_inline u64 search_rows(const u16 *rows, u64 count, u64 key, u64 first_step)
{
	u64 at = 0;

#pragma unroll
	for (u64 step = first_step; step; step /= 2) {
		u64 next = at + step, inside, below;

		OPAQUE(next);
		next &= SEARCH_MASK;
		inside = next - count - 1;
		OPAQUE(inside);
		inside = (u64)((s64)inside >> 63);
		below = (u64)((s64)((u64)FT_CFI_ROW_PC(rows[next + 1]) - key - 1) >> 63);
		OPAQUE(below);
		at += step & inside & below;
	}
	OPAQUE(at);
	return at & 511;
}

/* Code of the rule for a place in a table that is READY; negative when the pool is damaged. */
static __always_inline s64 find_code(u32 index_place, u64 offset)
{
	u32 *index = pool_at(index_place + (u32)(offset >> FT_CFI_GRANULE_SHIFT));
	u64 count, at, key = offset & (FT_CFI_GRANULE - 1), code;
	u32 first, *words;
	u16 *rows;

	if (!index)
		return -1;
	first = index[0] - 2;
	count = index[1] - index[0];
	words = pool_at(first / 2);
	if (!words)
		return -1;
	/* The granule's rows begin at rows[2]; the two before them belong to the granule before. */
	rows = (u16 *)words + (first & 1);
	/* Few granules have more rows than that. */
	at = count < 32 ? search_rows(rows, count, key, 16) : search_rows(rows, count, key, 256);
	code = FT_CFI_ROW_CODE(rows[at + 1]);
	if (code >= FT_CFI_CODE_WIDE)
		code = FT_CFI_CODE_JOIN(code, FT_CFI_ROW_CODE(rows[at]));
	return (s64)code;
}

/* Looks up the rule for addr. */
__noinline int ft_walk_find(struct walk *walk, u64 addr)
{
	const struct ft_cfi_rule *rule;
	u64 offset;
	s64 code;

	if (!walk)
		return WALK_UNKNOWN;
	if (addr - walk->mapping.start >= (u64)walk->mapping.pages * 4096 &&
	    !ft_walk_mapping(walk, addr))
		return WALK_UNKNOWN;
	if (walk->mapping.table == FT_WIRE_TABLE_JIT)
		return WALK_JIT;
	if (walk->mapping.table == FT_WIRE_TABLE_NONE)
		return WALK_NONE;
	if (walk->mapping.table == FT_WIRE_TABLE_NO_ROOM)
		return WALK_NO_ROOM;
	if (walk->mapping.table == FT_WIRE_TABLE_PENDING)
		return WALK_PENDING;
	offset = addr - walk->mapping.base;
	if (offset >= walk->mapping.span)
		return WALK_NONE;
	code = find_code(walk->mapping.index, offset);
	if (code < 0)
		return WALK_NONE;
	rule = (const struct ft_cfi_rule *)pool_at(walk->mapping.rules +
						   (u32)code * FT_WIRE_RULE_WORDS);
	if (!rule || rule->cfa_kind == FT_CFI_CFA_NONE)
		return WALK_NONE;
	walk->rule = *rule;
	return WALK_RULE;
}

#endif

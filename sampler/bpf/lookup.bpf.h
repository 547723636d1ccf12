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
 * The parts are made by user space, without types: a map with types would be another kind of map to
 * Linux 6.1. With BPF_F_INNER_MAP their number of chunks does not matter.
 */
struct pool_part {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(struct ft_wire_pool_chunk));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, FT_WIRE_POOL_PARTS);
	__type(key, u32);
	__array(values, struct pool_part);
} pool_parts SEC(".maps");

/*
 * Bounds an index for verifiers that lose track of sums (Linux 6.1); the compiler must not see that
 * it has no effect.
 */
#define SEARCH_MASK 1023

/*
 * The chunk that a place is in. The verifier follows the rest of a function for each kind of map:
 * let functions that call it be short.
 */
static __always_inline u32 *pool_chunk(u32 at)
{
	u32 number = at / FT_WIRE_POOL_CHUNK_WORDS, part;
	struct ft_wire_pool_chunk *chunk;
	void *map;

	if (number < config.pool_chunks) {
		chunk = bpf_map_lookup_elem(&pool, &number);
		return chunk ? chunk->words : 0;
	}
	number -= config.pool_chunks;
	part = number / FT_WIRE_POOL_PART_CHUNKS;
	number %= FT_WIRE_POOL_PART_CHUNKS;
	map = bpf_map_lookup_elem(&pool_parts, &part);
	chunk = map ? bpf_map_lookup_elem(map, &number) : 0;
	return chunk ? chunk->words : 0;
}

static __always_inline u32 *pool_at(u32 at)
{
	u32 *chunk = pool_chunk(at);

	return chunk ? chunk + (at & (FT_WIRE_POOL_CHUNK_WORDS - 1)) : 0;
}

/* A mapping of a list that begins at a place in its chunk. */
static __always_inline const struct ft_wire_mapping *mapping_at(const u32 *chunk, u64 list,
								u64 index)
{
	/* Lists lie within a chunk, at multiples of a mapping. */
	u64 at = (list + index * FT_WIRE_MAPPING_WORDS) &
		 (FT_WIRE_POOL_CHUNK_WORDS - FT_WIRE_MAPPING_WORDS);

	return (const struct ft_wire_mapping *)(chunk + at);
}

/* Sets walk->mapping to the one that holds addr. */
__noinline int ft_walk_mapping(struct walk *walk, u64 addr)
{
	const u32 *chunk;
	u64 count, list, at = 0;

	if (!walk)
		return 0;
	list = walk->mappings;
	chunk = pool_chunk((u32)list);
	if (!chunk)
		return 0;
	count = walk->mapping_count;
	/*
	 * at: how many mappings start at or below addr. Only the first count of them are looked at.
	 */
#pragma unroll
	for (u64 step = 512; step; step /= 2) {
		u64 last = at + step - 1, inside, below;

		OPAQUE(last);
		inside = last - count;
		OPAQUE(inside);
		inside = (u64)((s64)inside >> 63);
		below = (u64)((s64)(mapping_at(chunk, list, last)->start - addr - 1) >> 63);
		OPAQUE(below);
		at += step & inside & below;
	}
	if (!at)
		return 0;
	walk->mapping = *mapping_at(chunk, list, at - 1);
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

/* Which rows a granule has: *first and *count, as half words of the pool. */
__noinline int ft_walk_granule(struct walk *walk, u32 place)
{
	const u32 *index = pool_at(place);

	if (!walk || !index)
		return 0;
	walk->rows = index[0] - 2;
	walk->row_count = index[1] - index[0];
	return 1;
}

/* Code of the rule for an offset in the granule; negative when the pool is damaged. */
__noinline s64 ft_walk_code(struct walk *walk, u64 key)
{
	u64 count, at, code;
	u32 *words;
	u16 *rows;

	if (!walk)
		return -1;
	words = pool_at(walk->rows / 2);
	if (!words)
		return -1;
	/* The granule's rows begin at rows[2]; the two before them belong to the granule before. */
	rows = (u16 *)words + (walk->rows & 1);
	count = walk->row_count;
	/* Few granules have more rows than that. */
	at = count < 32 ? search_rows(rows, count, key, 16) : search_rows(rows, count, key, 256);
	code = FT_CFI_ROW_CODE(rows[at + 1]);
	if (code >= FT_CFI_CODE_WIDE)
		code = FT_CFI_CODE_JOIN(code, FT_CFI_ROW_CODE(rows[at]));
	return (s64)code;
}

/* Takes over the rule at a place. */
__noinline int ft_walk_rule(struct walk *walk, u32 place)
{
	const struct ft_cfi_rule *rule = (const struct ft_cfi_rule *)pool_at(place);

	if (!walk || !rule)
		return 0;
	walk->rule = *rule;
	return 1;
}

/* Looks up the rule for addr. */
__noinline int ft_walk_find(struct walk *walk, u64 addr)
{
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
	if (!ft_walk_granule(walk, walk->mapping.index + (u32)(offset >> FT_CFI_GRANULE_SHIFT)))
		return WALK_NONE;
	code = ft_walk_code(walk, offset & (FT_CFI_GRANULE - 1));
	if (code < 0 || !ft_walk_rule(walk, walk->mapping.rules + (u32)code * FT_WIRE_RULE_WORDS) ||
	    walk->rule.cfa_kind == FT_CFI_CFA_NONE)
		return WALK_NONE;
	return WALK_RULE;
}

#endif

/*
 * tables.h - unwind tables of the profiled files, in the pool that the BPF programs read.
 *
 * A file's table is made (table_maker.h) when a stack needs it first, and shared by all
 * processes that map the file. When the pool gets full, tables of files that no process maps any
 * more are evicted, then those that were built first. The programs may still be reading an evicted
 * table: its room is given back only when nobody can know it any more (spaces.h).
 */
#ifndef FT_SAMPLER_TABLES_H
#define FT_SAMPLER_TABLES_H

#include "profile/raw.h"
#include "profile/space.h"
#include "sampler/abi.h"
#include "sampler/pool.h"
#include "sampler/table_maker.h"

struct ft_tables;

/*
 * raw holds the modules and must outlive the tables, and so must pool, which may be opened later.
 * Takes over maker.
 */
struct ft_tables *ft_tables_new(const struct ft_raw *raw, struct ft_pool *pool,
				struct ft_table_maker *maker);
void ft_tables_free(struct ft_tables *tables);

/*
 * Builds the table of a module if that has not been tried. Returns what there is now: READY, NONE
 * or JIT; PENDING when the pool has no room for it now.
 */
enum ft_wire_table ft_tables_build(struct ft_tables *tables, u32 module);

/* Describes a mapping for the programs; its table is PENDING where nobody has asked to build it. */
void ft_tables_describe(struct ft_tables *tables, const struct ft_mapping *mapping,
			struct ft_wire_mapping *wire);

/*
 * The rule for a run-time address in a mapping that ft_tables_describe has made READY. Borrowed
 * from the pool.
 */
const struct ft_cfi_rule *ft_tables_find(const struct ft_tables *tables,
					 const struct ft_wire_mapping *wire, u64 addr);

/* Whether room in the pool is short, and evicting may help. */
bool ft_tables_short(const struct ft_tables *tables);

/* Whether some table finds no room. */
bool ft_tables_starving(const struct ft_tables *tables);

/* Takes a part of the pool that the programs may still be reading. */
typedef void ft_tables_retire(void *context, u32 place, u32 words);

/*
 * Evicts tables, whose parts go to retire: mapped says for each module of raw whether a living
 * process maps it. now_ns is CLOCK_MONOTONIC. Returns how many; then all processes must be told
 * anew, before ft_tables_room_again.
 */
u32 ft_tables_evict(struct ft_tables *tables, const u8 *mapped, u64 now_ns,
		    ft_tables_retire *retire, void *context);

/* What was evicted has been given back to the pool: tables that found no room may try again. */
void ft_tables_room_again(struct ft_tables *tables);

/* Grows with every table that is built or evicted. */
u32 ft_tables_version(const struct ft_tables *tables);

/* How many tables were given up because the pool is full. */
u32 ft_tables_refused(const struct ft_tables *tables);

#endif

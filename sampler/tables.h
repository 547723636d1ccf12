/*
 * tables.h - unwind tables of the profiled files, in the pool that the BPF programs read.
 *
 * A file's table is built when a stack needs it first, and shared by all processes that map the
 * file.
 */
#ifndef FT_SAMPLER_TABLES_H
#define FT_SAMPLER_TABLES_H

#include "profile/raw.h"
#include "profile/space.h"
#include "sampler/abi.h"
#include "sampler/pool.h"

struct ft_tables;

/* raw holds the modules and must outlive the tables, and so must pool. */
struct ft_tables *ft_tables_new(const struct ft_raw *raw, struct ft_pool *pool);
void ft_tables_free(struct ft_tables *tables);

/*
 * Builds the table of a module if that has not been tried. Returns what there is now: READY, NONE
 * or JIT; never PENDING.
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

/* Grows with every table that is built. */
u32 ft_tables_version(const struct ft_tables *tables);

/* How many tables could not be built because the pool is full. */
u32 ft_tables_refused(const struct ft_tables *tables);

#endif

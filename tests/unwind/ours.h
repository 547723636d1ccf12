/*
 * ours.h - our unwinder over a stopped process: its mappings, the tables of its files, its memory.
 */
#ifndef FT_TESTS_UNWIND_OURS_H
#define FT_TESTS_UNWIND_OURS_H

#include <sys/mman.h>

#include "sampler/pool.h"
#include "sampler/procs.h"
#include "sampler/tables.h"
#include "tests/unwind/target.h"
#include "tests/unwind/walk.h"

#define OURS_CHUNKS 512

struct ours {
	struct ft_raw *raw;
	struct ft_procs *procs;
	struct ft_tables *tables;
	struct ft_pool pool;
	int memory;
	pid_t tid; /* the stopped thread */
	u64 when_ns;
	const struct ft_space *space;
};

static inline bool ours_init(struct ours *o)
{
	memset(o, 0, sizeof(*o));
	o->memory = memfd_create("pool", MFD_CLOEXEC);
	if (o->memory < 0 ||
	    ftruncate(o->memory, (off_t)(OURS_CHUNKS * sizeof(struct ft_wire_pool_chunk))) ||
	    ft_pool_open(&o->pool, o->memory, OURS_CHUNKS, NULL, NULL))
		return false;
	o->raw = ft_raw_new();
	o->procs = ft_procs_new(o->raw, FT_FOLLOW_NONE, NULL);
	o->tables = ft_tables_new(o->raw, &o->pool, ft_table_maker_new(o->raw, NULL));
	return o->raw && o->procs && o->tables;
}

static inline void ours_fini(struct ours *o)
{
	ft_tables_free(o->tables);
	ft_procs_free(o->procs);
	ft_raw_free(o->raw);
	ft_pool_close(&o->pool);
	close(o->memory);
}

/* Reads the mappings of the process as they are now. */
static inline bool ours_look(struct ours *o, const struct target *t, pid_t tid)
{
	struct ft_proc *proc;

	o->tid = tid;
	o->when_ns = target_now_ns();
	if (ft_procs_add(o->procs, (u32)t->pid, o->when_ns))
		return false;
	proc = ft_procs_find(o->procs, (u32)t->pid, o->when_ns);
	o->space = proc ? &proc->space : NULL;
	return proc != NULL;
}

static inline bool ours_read(void *context, u64 addr, u64 *word)
{
	const struct ours *o = context;

	return target_read(o->tid, addr, word, sizeof(*word));
}

static inline enum walk_found ours_find(void *context, u64 addr, struct ft_cfi_rule *rule)
{
	const struct ours *o = context;
	const struct ft_mapping *m = ft_space_find(o->space, addr, UINT64_MAX - 1);
	struct ft_wire_mapping wire;
	enum ft_wire_table table;

	if (!m)
		return WALK_UNKNOWN;
	table = ft_tables_build(o->tables, m->module);
	if (table == FT_WIRE_TABLE_READY) {
		ft_tables_describe(o->tables, m, &wire);
		table = wire.table;
	}
	if (table == FT_WIRE_TABLE_JIT)
		return WALK_JIT;
	if (table != FT_WIRE_TABLE_READY)
		return WALK_NONE;
	*rule = *ft_tables_find(o->tables, &wire, addr);
	return rule->cfa_kind == FT_CFI_CFA_NONE ? WALK_NONE : WALK_RULE;
}

#endif

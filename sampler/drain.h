/*
 * drain.h - from a record of the stack store to the raw profile: run-time addresses become places
 * in files.
 */
#ifndef FT_SAMPLER_DRAIN_H
#define FT_SAMPLER_DRAIN_H

#include "base/map64.h"
#include "profile/raw.h"
#include "sampler/procs.h"
#include "sampler/sampler.h"
#include "sampler/wire.h"

struct ft_drain {
	struct ft_raw *raw;
	struct ft_procs *procs;
	bool per_thread;
	bool lazy_procs; /* a process that is not known yet is read from /proc when it shows up */
	u64 now_ns;	 /* of this round; set by the caller before each */
	bool weighted;	 /* a stack weighs its nanoseconds, not its count */
	bool states;	 /* waits end in a note that says why */
	bool histogram;	 /* and in their duration's power of two */
	u64 sample_ns;	 /* weighted: what a sample weighs; 0: what its record says */
	/*
	 * captured waits, and stacks of allocations: number to node of the tree, and to when it was
	 * taken in the upper half, where that matters (ft_numbered_node, ft_numbered_when)
	 */
	struct ft_map64 late;
	struct ft_map64 on_cpu; /* node of a process (thread, if told apart) to its ns on CPUs */
	u64 user_stacks;	/* with user frames, that the programs have not counted */
	/* takes stacks that have numbers; NULL: nobody does */
	int (*on_stack)(void *context, const struct ft_numbered_stack *stack);
	void *on_stack_context;
};

static inline u32 ft_numbered_node(u64 value)
{
	return (u32)value;
}

/* The end of the millisecond it was taken in, before_ns at the latest; 0: does not matter. */
u64 ft_numbered_when(u64 value, u64 before_ns);

void ft_drain_fini(struct ft_drain *drain);

/*
 * The process of a record, read from /proc if it was not known; NULL if it cannot be known any
 * more.
 */
struct ft_proc *ft_drain_proc(struct ft_drain *drain, const struct ft_wire_record *record);

/*
 * Keeps the stack of a captured wait, which the record of its end names by that number. 0 or
 * -ENOMEM.
 */
int ft_drain_late(struct ft_drain *drain, const struct ft_wire_record *record, u64 number);

/* The node for what has no known stack. FT_TREE_NONE when memory is exhausted. */
u32 ft_drain_unknown(struct ft_drain *drain);

/*
 * Makes the samples of each process (or thread) weigh together what it was on CPUs for; for those
 * without a sample a note does. Waits stay as they are. 0 or -ENOMEM.
 */
int ft_drain_scale(struct ft_drain *drain);

/*
 * An ft_store_fn: adds one stack; of an allocation only where it is, for its number. context is a
 * struct ft_drain. 0 or -ENOMEM.
 */
int ft_drain_record(void *context, const struct ft_wire_record *record);

#endif

/*
 * drain.h - from a record of the stack store to the raw profile: run-time addresses become places
 * in files.
 */
#ifndef FT_SAMPLER_DRAIN_H
#define FT_SAMPLER_DRAIN_H

#include "profile/raw.h"
#include "sampler/procs.h"
#include "sampler/wire.h"

struct ft_drain {
	struct ft_raw *raw;
	struct ft_procs *procs;
	bool per_thread;
	bool lazy_procs; /* a process that is not known yet is read from /proc when it shows up */
	u64 now_ns;	 /* of this round; set by the caller before each */
};

/*
 * The process of a record, read from /proc if it was not known; NULL if it cannot be known any
 * more.
 */
struct ft_proc *ft_drain_proc(struct ft_drain *drain, const struct ft_wire_record *record);

/* An ft_store_fn: adds one stack. context is a struct ft_drain. 0 or -ENOMEM. */
int ft_drain_record(void *context, const struct ft_wire_record *record);

#endif

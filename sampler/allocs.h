/*
 * allocs.h - a recording of allocations: probes on the allocators of the targets, and at the end
 * what is outstanding. What is in between happens in bpf/alloc.bpf.h.
 */
#ifndef FT_SAMPLER_ALLOCS_H
#define FT_SAMPLER_ALLOCS_H

#include "base/err.h"
#include "sampler/drain.h"
#include "sampler/programs.h"
#include "sampler/sampler.h"
#include "sampler/uprobe.h"

/* Zeroed: nothing is attached. */
struct ft_allocs {
	const struct ft_programs *programs; /* borrowed, as what follows */
	struct ft_drain *drain;
	u32 only;	  /* the one process to probe in, 0: all */
	u32 modules_seen; /* of the profile */
	u32 files;	  /* with an allocator */
	struct ft_uprobes enter, leave, release;
	int thread_ends_fd; /* 0: none */
};

/*
 * Attaches the programs to the files with the functions that allocate memory, among those that the
 * targets are known to map. Before that, nothing is recorded. 0 or a negative errno; -ENOENT when
 * there is no such file.
 */
int ft_allocs_begin(struct ft_allocs *allocs, const struct ft_programs *programs,
		    const struct ft_record_opts *opts, struct ft_drain *drain, struct ft_err *err);

/* The same for files that have been mapped since. */
int ft_allocs_follow(struct ft_allocs *allocs, struct ft_err *err);

/* Detaches the programs. Accepts a zeroed struct, and may be called twice. */
void ft_allocs_detach(struct ft_allocs *allocs);

/*
 * Adds what is outstanding to the profile. The programs are detached, and the store is drained. 0
 * or -ENOMEM.
 */
int ft_allocs_end(struct ft_allocs *allocs);

#endif

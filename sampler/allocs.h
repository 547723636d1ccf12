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
	int map_fd; /* borrowed, as what follows */
	struct ft_drain *drain;
	struct ft_uprobes enter, leave, release;
	int thread_ends_fd; /* 0: none */
};

/*
 * Finds the files with the functions that allocate memory in the mappings of the targets, and
 * attaches the programs to them. Before that, nothing is recorded. 0 or a negative errno; -ENOENT
 * when no target has such a file.
 */
int ft_allocs_begin(struct ft_allocs *allocs, const struct ft_programs *programs,
		    const struct ft_record_opts *opts, struct ft_drain *drain, struct ft_err *err);

/* Detaches the programs. Accepts a zeroed struct, and may be called twice. */
void ft_allocs_detach(struct ft_allocs *allocs);

/*
 * Adds what is outstanding to the profile. The programs are detached, and the store is drained. 0
 * or -ENOMEM.
 */
int ft_allocs_end(struct ft_allocs *allocs);

#endif

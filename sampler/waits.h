/*
 * waits.h - the two ends of a recording of waits: threads that wait already when it begins, and
 * those that still wait when it ends. What is in between happens in bpf/switch.bpf.h.
 */
#ifndef FT_SAMPLER_WAITS_H
#define FT_SAMPLER_WAITS_H

#include "base/err.h"
#include "sampler/drain.h"
#include "sampler/sampler.h"
#include "sampler/tables.h"

struct ft_waits {
	int map_fd; /* the map "waits"; borrowed, as all that follow */
	struct ft_drain *drain;
	struct ft_tables *tables;
	enum ft_wire_unwind how;
	bool user_frames; /* take stacks of threads that wait already */
	u32 states;	  /* bits of enum ft_wire_state */
	u64 min_ns, max_ns;
	bool runqueue, on_cpu;
	bool locks; /* of threads that wait already, those in a futex call */
	u64 armed_ns;
	u64 samples, user_stacks; /* waits counted here */
};

/*
 * Enters the threads of the target as waiting since armed_ns, with the user stack they wait at
 * where that can be found from outside. Of the target its kind, ids and id_count are looked at;
 * cgroup_fd is the folder of its cgroup. The programs are attached. 0 or a negative errno.
 */
int ft_waits_begin(struct ft_waits *waits, const struct ft_record_opts *target, int cgroup_fd);

/* Counts what is not over at end_ns. The programs are detached. 0 or a negative errno. */
int ft_waits_end(struct ft_waits *waits, u64 end_ns);

#endif

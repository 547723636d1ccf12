/*
 * quality.h - what a recording knows about its own losses.
 *
 * Loss is data: every event that could not be counted in full has a counter here. They are kept
 * with the profile and printed as the quality line.
 */
#ifndef FT_PROFILE_QUALITY_H
#define FT_PROFILE_QUALITY_H

#include "base/types.h"

/* Why a user stack ended where it ended. */
enum ft_end {
	FT_END_ROOT,  /* an outermost frame: _start, a thread's start, undefined return address */
	FT_END_DEPTH, /* more frames than the limit; the leaf side was kept */
	FT_END_NO_TABLE, /* a file without unwind information, and frame pointers led nowhere */
	/* the unwind information could not be followed, or led to a place that holds no code */
	FT_END_BAD_RULE,
	FT_END_FAULT,	  /* stack memory that was not resident */
	FT_END_JIT,	  /* code made at run time, and frame pointers led nowhere */
	FT_END_NO_ROOM,	  /* as NO_TABLE, since the file's table did not fit into the pool */
	FT_END_NOT_READY, /* mappings or tables of the process were not known in time */
	/* --unwind fp: the chain led to a place that holds no code, or stopped early */
	FT_END_BROKEN_FP,
	FT_END_LEAF_ONLY, /* not walked, as asked (--unwind none) */
	FT_END_COUNT
};

#define FT_QUALITY_BLAMED 3

/* A file at whose code user stacks ended that should not have. */
struct ft_blame {
	char module[64]; /* base name, cut to fit; "" if there are no more */
	u64 stacks;
};

struct ft_quality {
	u64 samples;		/* stacks counted, weight not considered */
	u64 user_stacks;	/* of them, with user frames */
	u64 ends[FT_END_COUNT]; /* of user_stacks, by reason */
	struct ft_blame blamed
		/* for ends other than ROOT, DEPTH and LEAF_ONLY; worst first */
		[FT_QUALITY_BLAMED];
	u64 frames,
		/* frames in the resolved tree's stacks, and those with a symbol (by sample) */
		frames_named;

	/* Losses. Any that is not zero makes exit status 3. */
	u64 lost_table_full; /* samples: no free place in the kernel-side stack table */
	u64 lost_store_full; /* samples: no room for a new stack's content */
	u64 lost_scratch;    /* samples: all scratch buffers of that CPU were in use */
	u64 lost_kernel;     /* samples whose kernel stack could not be read */
	u64 lost_user;	     /* samples whose user stack could not be read at all */
	u64 lost_targets;    /* forked processes that did not fit into the target table */
	u64 lost_waits;	     /* waits of threads that did not fit into the table of threads */
	u64 lost_chains;     /* wakeups whose wakers of wakers did not fit into their table */
	u64 lost_allocs;     /* allocations that did not fit into the table of outstanding ones */
	u64 lost_events;     /* mapping, fork and exec events that the ring buffer dropped */
	u64 throttled; /* times the kernel paused the sampling event because it came too often */

	u64 switches;	 /* context switches of the machine while waits were recorded, else 0 */
	u64 probe_hits;	 /* where functions are probed: how often, targets or not; else 0 */
	bool kernel_locks; /* waits for locks of the kernel were recorded */
	u64 bpf_ns;	 /* CPU time spent in our BPF programs */
	u64 user_ns;	 /* CPU time of this process while recording */
	u64 duration_ns; /* wall time from armed to stopped */
};

/* The sum of all losses. */
u64 ft_quality_lost(const struct ft_quality *q);

#endif

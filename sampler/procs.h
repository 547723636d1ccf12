/*
 * procs.h - the profiled processes and their address spaces over time.
 *
 * Fed by /proc at the start and by perf's mapping, fork, exec and exit records from then on. A
 * process id that is used again is another process: each entry has the time it began.
 */
#ifndef FT_SAMPLER_PROCS_H
#define FT_SAMPLER_PROCS_H

#include <linux/perf_event.h>

#include "base/types.h"
#include "profile/raw.h"
#include "profile/space.h"
#include "sampler/spaces.h"

struct ft_proc {
	u32 pid;
	u64 begin_ns;	  /* CLOCK_MONOTONIC; 0: was there before us */
	u64 end_ns;	  /* UINT64_MAX while it lives */
	u64 refreshed_ns; /* when its mappings were last read from /proc; 0: never */
	struct ft_space space;
	struct ft_published published; /* what the BPF programs know of it */
	struct ft_proc *next; /* in its hash bucket; of equal ids the youngest comes first */
};

struct ft_procs;

/* Which processes beyond those added by ft_procs_add are followed. */
enum ft_procs_follow {
	FT_FOLLOW_NONE,
	FT_FOLLOW_CHILDREN, /* of followed processes */
	FT_FOLLOW_ALL,
};

/*
 * Mapped files become modules of raw, which must outlive the table. Children of published processes
 * are published to spaces (NULL: nothing is published). NULL when memory is exhausted.
 */
struct ft_procs *ft_procs_new(struct ft_raw *raw, enum ft_procs_follow follow,
			      struct ft_spaces *spaces);
void ft_procs_free(struct ft_procs *procs);

/* Starts to follow a process and reads its mappings. 0, -ENOMEM, or the error of reading /proc. */
int ft_procs_add(struct ft_procs *procs, u32 pid, u64 now_ns);

/*
 * Starts to follow every process there is; single ones that cannot be read are left out. 0 or a
 * negative errno.
 */
int ft_procs_add_all(struct ft_procs *procs, u64 now_ns);

/* What the kernel says it left out. */
struct ft_procs_losses {
	u64 records;   /* dropped by a full ring */
	u64 throttled; /* pauses of the sampling event, which came too often */
};

/*
 * Takes one record of a ring whose events have the identity of ft_procs_identify; adds to *losses.
 * 0 or -ENOMEM.
 */
int ft_procs_record(struct ft_procs *procs, const struct perf_event_header *record,
		    struct ft_procs_losses *losses);

/* Time of such a record, CLOCK_MONOTONIC. */
u64 ft_procs_record_ns(const struct perf_event_header *record);

/* The event that delivers these records for all tasks of a CPU. */
void ft_procs_attr(struct perf_event_attr *attr);

/*
 * Makes the records of any event end as ft_procs_record expects. Set on events that share the ring.
 */
void ft_procs_identify(struct perf_event_attr *attr);

/* The process that had that id at when_ns. NULL if none is known. */
struct ft_proc *ft_procs_find(struct ft_procs *procs, u32 pid, u64 when_ns);

/* Reads the mappings of a living process anew, at most once per now_ns. 0 or a negative errno. */
int ft_procs_refresh(struct ft_procs *procs, struct ft_proc *proc, u64 now_ns);

/* The same for all living processes, after records were dropped. 0 or -ENOMEM. */
int ft_procs_refresh_all(struct ft_procs *procs, u64 now_ns);

/*
 * Tells the BPF programs of all mappings that changed since the last call. now_ns is the time now.
 */
void ft_procs_publish(struct ft_procs *procs, u64 now_ns);

/*
 * Evicts unwind tables if the pool is short of room, and tells the programs of all processes anew
 * then. To be called after ft_spaces_round: two rounds later the room is there.
 */
void ft_procs_make_room(struct ft_procs *procs, u64 now_ns);

/* Forgets processes and mappings that no sample from when_ns on can need. */
void ft_procs_prune(struct ft_procs *procs, u64 when_ns);

#endif

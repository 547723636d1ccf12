/*
 * programs.h - the BPF programs of a recording: configured, loaded, attached where they attach by
 * themselves.
 */
#ifndef FT_SAMPLER_PROGRAMS_H
#define FT_SAMPLER_PROGRAMS_H

#include "base/err.h"
#include "sampler/event.h"
#include "sampler/sampler.h"
#include "sampler/store.h"
#include "sampler/uprobe.h"

struct ft_programs {
	struct cpu_bpf *skeleton;
	char *log;     /* what the verifier says; owned */
	int sample_fd; /* the program for perf events; -1 with a tracepoint event */
	int slots_fd, chunks_fd, cpus_fd;    /* maps of the stack store */
	int spaces_fd, pool_fd, captures_fd; /* maps of the unwinder */
	u32 pool_chunks;
	int fork_fd, exit_fd; /* attached programs that follow children, or -1 */
	int cgroup_fd;	      /* the target's folder, or -1 */
	int waits_fd;	      /* the map of threads, or -1 where waits are not recorded */
	int wait_fds[5];      /* attached programs that record waits, or -1 */
	struct {
		int map, enter, leave, release, thread_ends;
	} allocs; /* map and programs of allocations; borrowed, -1 where they are not recorded */
	struct ft_recording_calls calls; /* borrowed, -1 where they are not recorded */
	int tracepoint_fd;		 /* attached program that samples, or -1 */
	struct ft_uprobes uprobes;
	u32 *tgids; /* process of each target id, if they are ids; owned */
};

/*
 * The first call: checks the targets and finds their processes. Errors name the cause and the
 * remedy.
 */
int ft_programs_init(struct ft_programs *programs, const struct ft_record_opts *opts,
		     struct ft_err *err);

/*
 * Loads what opts and event need; store gives the sizes. frame_bytes: of the unwind information
 * that there is for the targets now. What was loaded before an error is unloaded by
 * ft_programs_unload all the same.
 */
int ft_programs_load(struct ft_programs *programs, const struct ft_record_opts *opts,
		     const struct ft_event *event, const struct ft_store *store, u64 frame_bytes,
		     struct ft_err *err);

/* More room in the map "pool_parts": a ft_pool_grow, whose context is the programs. */
int ft_programs_grow_pool(void *programs, u32 part);

/* The one process that can hold targets; 0 where there may be others. */
u32 ft_programs_only_process(const struct ft_programs *programs, const struct ft_record_opts *opts);

/* Attaches the sampling program to a tracepoint or to probes. 0 or a negative errno. */
int ft_programs_attach_probe(struct ft_programs *programs, const struct ft_record_opts *opts,
			     const struct ft_event *event, struct ft_err *err);

void ft_programs_detach_probe(struct ft_programs *programs);

/* Begins to record waits: attaches the programs at context switches. 0 or a negative errno. */
int ft_programs_attach_waits(struct ft_programs *programs, const struct ft_record_opts *opts,
			     struct ft_err *err);

/* Whether contended locks of the kernel are recorded: not every kernel tells of them. */
bool ft_programs_kernel_locks(const struct ft_programs *programs);

void ft_programs_detach_waits(struct ft_programs *programs);

/* The programs' shared data; valid until unloaded. */
struct ft_wire_bank *ft_programs_banks(const struct ft_programs *programs);
const struct ft_wire_counters *ft_programs_counters(const struct ft_programs *programs);
const struct ft_wire_config *ft_programs_config(const struct ft_programs *programs);

/* Detaches and unloads. A zeroed struct is accepted. */
void ft_programs_unload(struct ft_programs *programs);

#endif

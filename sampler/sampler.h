/*
 * sampler.h - records stacks of running programs into a raw profile.
 *
 * Life of a recording: open (checks everything, loads the programs), arm, service whenever the
 * descriptor is readable, stop, take the raw profile, close. One thread.
 */
#ifndef FT_SAMPLER_SAMPLER_H
#define FT_SAMPLER_SAMPLER_H

#include "base/err.h"
#include "profile/raw.h"

enum ft_target_kind {
	FT_TARGET_ALL,
	FT_TARGET_PIDS,
	FT_TARGET_TIDS,
	FT_TARGET_CGROUP,
};

/* How user stacks are walked. */
enum ft_unwind {
	FT_UNWIND_AUTO,	 /* unwind tables, and frame pointers for code without (JIT, Go) */
	FT_UNWIND_DWARF, /* unwind tables only */
	FT_UNWIND_FP,	 /* frame pointers only */
	FT_UNWIND_NONE,	 /* not at all: the innermost frame only */
};

/* What is recorded. */
enum ft_record_mode {
	FT_RECORD_CPU,	  /* samples, by an event */
	FT_RECORD_OFFCPU, /* waits: from leaving a CPU to returning to one, in nanoseconds */
	FT_RECORD_WAKEUP, /* waits, with the stack of who ended each */
	FT_RECORD_LOCK,	  /* waits for locks: futexes, and contended locks of the kernel */
	/* on-CPU samples and waits, in nanoseconds: they add up to the time that threads existed */
	FT_RECORD_WALL,
	FT_RECORD_ALLOC, /* memory that is allocated while recording and not released, in bytes */
	/* stacks that programs made elsewhere ask for: ft_recording_calls */
	FT_RECORD_CALLS,
};

/* Whether waits are recorded (among other things). */
static inline bool ft_record_has_waits(enum ft_record_mode mode)
{
	return mode != FT_RECORD_CPU && mode != FT_RECORD_ALLOC && mode != FT_RECORD_CALLS;
}

/* CALLS: a stack. Frames are run-time addresses to look up, the kernel's first, innermost first. */
struct ft_numbered_stack {
	u64 number; /* as the program got it */
	u32 pid;
	u32 kernel_frames, user_frames;
	const u64 *frames;
	u32 node; /* of the raw profile's tree, where the stack weighs nothing */
};

/* Why a thread is not on a CPU; bits of ft_wait_opts.states. */
#define FT_WAIT_RUNNABLE 1u /* R: preempted, or gave its CPU up */
#define FT_WAIT_SLEEP 2u    /* S: interruptible */
#define FT_WAIT_DISK 4u	    /* D: uninterruptible */
#define FT_WAIT_IDLE 8u	    /* I: kernel threads with nothing to do */
#define FT_WAIT_STOPPED 16u /* T: by a signal, or traced */
#define FT_WAIT_PARKED 32u  /* P: kernel threads */
#define FT_WAIT_BLOCKED (FT_WAIT_SLEEP | FT_WAIT_DISK | FT_WAIT_STOPPED | FT_WAIT_PARKED)

/* OFFCPU: which waits count. */
#define FT_WAKERS_MAX 8

struct ft_wait_opts {
	u32 states;	    /* 0: FT_WAIT_BLOCKED */
	u64 min_ns, max_ns; /* shorter and longer ones do not count; max 0: no limit */
	bool runqueue;	    /* only the part between being woken (or preempted) and running */
	bool histogram;	    /* tell durations apart: ft_location_kind DURATION */
	u32 depth;	    /* WAKEUP: wakers of wakers, 1 to FT_WAKERS_MAX; 0: 1 */
};

struct ft_record_opts {
	enum ft_record_mode mode;
	struct ft_wait_opts wait;
	/* ALLOC: of smaller allocations one in so many bytes is recorded, and stands for them */
	u32 alloc_sample; /* 0: all */
	enum ft_target_kind target;
	const u32 *ids; /* process or thread ids */
	u32 id_count;
	const char *cgroup; /* path of a cgroup v2 folder, also relative to the mount of cgroup2 */
	bool children;	    /* PIDS: also processes they fork later, and theirs */
	const char *
		/* perf's name; NULL: cycles, or cpu-clock where the machine does not count them */
		event;
	u64 freq_hz; /* samples a second of CPU time; 0: by period */
	u64 period;  /* every so many-th event; 0: by frequency; both 0: the event's default */
	enum ft_unwind unwind;
	bool user_only;	  /* no kernel frames; time in the kernel counts for its user caller */
	bool kernel_only; /* kernel frames only, and only samples taken in the kernel */
	bool per_thread;  /* tell threads apart */
	/* CALLS: takes each stack once, when it arrives. 0 or -ENOMEM. */
	int (*on_stack)(void *context, const struct ft_numbered_stack *stack);
	void *on_stack_context;
	bool uprobe_calls; /* CALLS: also from programs at places in user space */
	bool kprobe_calls; /* and at functions of the kernel */
	bool timeline;	  /* take samples from the kernel ten times a second instead of once */
};

struct ft_recording;

/*
 * Checks the options and this machine, loads and attaches everything. Nothing is counted before
 * ft_recording_arm. opts is borrowed for the call. Errors name the cause and the remedy.
 */
int ft_recording_open(const struct ft_record_opts *opts, struct ft_recording **recording,
		      struct ft_err *err);

/* Starts counting. */
int ft_recording_arm(struct ft_recording *recording, struct ft_err *err);

/* A descriptor that is readable whenever ft_recording_service has something to do. */
int ft_recording_fd(const struct ft_recording *recording);

/* Takes what the kernel has delivered. Never blocks. */
int ft_recording_service(struct ft_recording *recording, struct ft_err *err);

/*
 * Stops counting, takes the rest, and unloads the programs. From then on only ft_recording_raw,
 * ft_recording_event and ft_recording_close may be called.
 */
int ft_recording_stop(struct ft_recording *recording, struct ft_err *err);

/*
 * CALLS: descriptors of maps, for programs of bpf(2); borrowed. A program writes what it wants into
 * requests (struct ft_stack_calls of wire.h) and calls, by a tail call, program 0 of the array
 * for its type, which goes on at the program that the request names.
 */
struct ft_recording_calls {
	/* uprobe: -1 without uprobe_calls and kprobe_calls; kprobes call its last program */
	int requests, perf, tracepoint, uprobe;
};

void ft_recording_calls(const struct ft_recording *recording, struct ft_recording_calls *calls);

/* Takes all that there is at this moment, not only what has to be taken. */
int ft_recording_flush(struct ft_recording *recording, struct ft_err *err);

/*
 * What was mapped at an address of a process (the last one of that id), as far as is known by now:
 * also of one that has just ended. The location's address is the offset in the file. False:
 * nothing.
 */
bool ft_recording_find(struct ft_recording *recording, u32 pid, u64 addr,
		       struct ft_location *location);

/* Counters as of now, for a live display; not after ft_recording_stop. */
void ft_recording_quality(const struct ft_recording *recording, struct ft_quality *quality);

/* How often samples were added to the profile so far: at least once a second. */
u64 ft_recording_rounds(const struct ft_recording *recording);

/* When counting began: CLOCK_MONOTONIC nanoseconds. */
u64 ft_recording_armed_ns(const struct ft_recording *recording);

/* The profile so far. Borrowed until ft_recording_close; whole after ft_recording_stop. */
struct ft_raw *ft_recording_raw(const struct ft_recording *recording);

/* Forgets what on_cpus of the profile holds: the caller has seen it. */
void ft_recording_seen(struct ft_recording *recording);

/* The event that is sampled, as perf names it, and how often: "cpu-clock at 99 Hz". Borrowed. */
const char *ft_recording_event(const struct ft_recording *recording);

/* Unloads everything. Accepts NULL. */
void ft_recording_close(struct ft_recording *recording);

/* ---- programs of bpf(2) at places in user-space files: uprobe.h ---- */

/* What a program of the type "kprobe" is loaded for; kernels that do not know it ignore it. */
#define FT_UPROBE_ATTACH_TYPE 48 /* BPF_TRACE_UPROBE_MULTI, Linux 6.6 */

/* A place in a file, by offset. */
struct ft_uprobe_site {
	u64 offset;
	u64 semaphore; /* of a counter that the kernel raises while the probe is there; 0: none */
	u64 cookie;    /* what the program gets from bpf_get_attach_cookie */
};

/* Attached probes. Zeroed: none. */
struct ft_uprobes {
	int *fds; /* closing one detaches */
	size_t cap;
	u32 count;
};

struct ft_uprobe_opts {
	bool at_return; /* where the functions return */
	u32 pid; /* only in this process, where the kernel can; 0: in all that map the file */
	/*
	 * Where it goes one by one: called after each. False ends it (-ECANCELED). NULL: nobody
	 * wants to know.
	 */
	bool (*going)(void *context, u32 done, u32 count);
	void *context;
};

/*
 * Attaches a program to places of a file, in one go where the kernel can (6.6): one after the other
 * takes some ms each, and 100 ms to detach. The program must have been loaded for that, with
 * FT_UPROBE_ATTACH_TYPE as expected_attach_type; one that was not is attached one by one. It fires
 * from now on. 0 or a negative errno; what was attached by then stays in probes.
 */
int ft_uprobe_attach(struct ft_uprobes *probes, int prog_fd, const char *path,
		     const struct ft_uprobe_site *sites, u32 count,
		     const struct ft_uprobe_opts *opts, struct ft_err *err);

/* Detaches all. */
void ft_uprobe_detach(struct ft_uprobes *probes);

/* ---- a process as it is now ---- */

/*
 * Has a Java process write the names of its compiled code to its /tmp/perf-PID.map, through its
 * attach socket and without an agent. 0, -ENOEXEC (no Java process: nothing was done, err is not
 * set), or the error. Takes up to some seconds.
 */
int ft_jvm_perfmap(u32 pid, struct ft_err *err);

/* An executable mapping. */
struct ft_process_map {
	u64 start, end, offset; /* run-time addresses; in the file, of start */
	u32 module;		/* index into the raw profile's modules */
};

/* The executable mappings of a living process; its files are open. */
struct ft_process {
	u32 pid;
	struct ft_raw *raw;	     /* holds the modules, and nothing else */
	struct ft_process_map *maps; /* sorted by start */
	size_t map_cap;
	u32 map_count;
	struct ft_modules *modules; /* private */
};

/* Reads the mappings of a process and opens its files. Errors: no such process, not permitted. */
int ft_process_open(u32 pid, struct ft_process *process, struct ft_err *err);
/*
 * Reads the mappings anew; files that are known keep their modules. On failure the mappings are as
 * they were.
 */
int ft_process_refresh(struct ft_process *process, struct ft_err *err);
void ft_process_close(struct ft_process *process); /* a zeroed one, too */

/* The mapping that holds a run-time address, or NULL. Borrowed until the next refresh. */
const struct ft_process_map *ft_process_find(const struct ft_process *process, u64 addr);

/* ---- the stacks of all its threads ---- */

#define FT_BACKTRACE_REGS 33 /* by DWARF number; x86-64 has 17, aarch64 32 and the pc */

#define FT_BACKTRACE_VECTORS 16 /* x86-64: xmm0 to xmm15, DWARF's numbers 17 to 32 */

/* A frame that a thread has, innermost first; calls that were inlined are no frames here. */
struct ft_backtrace_frame {
	u64 pc;	   /* of the instruction, or the return address */
	u64 addr;  /* to look up: in the instruction, or in the call */
	u64 known; /* bit n: regs[n] is the register number n (DWARF) in this frame */
	u64 regs[FT_BACKTRACE_REGS];
	u64 cfa; /* canonical frame address; 0: not known */
};

struct ft_backtrace_thread {
	u32 tid;
	char name[32]; /* may hold any bytes but NUL */
	char state;    /* as in /proc/TID/stat when it was looked at: R, S, D, T, t, Z; 0: a core */
	/* It did not stop (D, or another traces it), so only its pc and sp were known. */
	bool untouched;
	u64 stopped_ns; /* from its stop, as we heard of it, to letting it go; 0: not stopped */
	char *kernel;	/* /proc/TID/stack, a function a line, where readable; or NULL; owned */
	struct ft_backtrace_frame *frames;
	size_t frame_cap;
	u32 frame_count;
	/*
	 * Vector registers in the innermost frame, low half first: functions do not keep them for
	 * their callers. Where it was stopped, or a core file has them.
	 */
	u64 vectors[FT_BACKTRACE_VECTORS][2];
	bool has_vectors;
	char cut[160]; /* why the stack does not reach its root; "" if it does */

	u64 stack_at; /* copy of its stack, from its stack pointer on; private */
	u8 *stack;
	size_t stack_bytes;
};

struct ft_backtrace {
	struct ft_process process;
	struct ft_backtrace_thread *threads;
	size_t thread_cap;
	u32 thread_count;
	char command[64]; /* the name of the process */
	u32 signal;	  /* of a core: what ended it; or 0 */
	struct ft_core *core; /* private; NULL: it lives */
};

/*
 * Takes a backtrace of every thread of a process. Each thread is stopped on its own for as long as
 * it takes to copy its registers and its stack, which is walked when the thread runs again; a
 * stopped one stays stopped, a blocked one is not waited for. Errors name the cause and the remedy.
 */
int ft_backtrace_take(u32 pid, struct ft_backtrace *backtrace, struct ft_err *err);

/*
 * The same from a core file, which a process left when it ended (core(5)). root: the folder where
 * the files that it mapped are looked for first, or NULL; they are used only if their build-ids are
 * those in the core. Errors: no core file, or of another kind of machine.
 */
int ft_backtrace_core(const char *path, const char *root, struct ft_backtrace *backtrace,
		      struct ft_err *err);

/*
 * Reads bytes of the process's memory: what was copied of the thread's stack, else as it is now;
 * of a core, what was in it.
 * False: not there.
 */
bool ft_backtrace_read(const struct ft_backtrace *backtrace,
		       const struct ft_backtrace_thread *thread, u64 addr, void *out, size_t bytes);

void ft_backtrace_free(struct ft_backtrace *backtrace); /* a zeroed one, too */

/* One thing that this machine and user may or may not do. */
struct ft_cap {
	const char *name; /* "BPF programs" */
	enum { FT_CAP_OK, FT_CAP_LIMITED, FT_CAP_MISSING } state;
	bool required;	  /* nothing works without it */
	char detail[200]; /* what was found */
	char remedy[200]; /* the command or action that mends it; "" if there is nothing to do */
};

#define FT_CAPS_MAX 24

/* Fills caps with at most FT_CAPS_MAX checks of this machine; returns how many. Changes nothing. */
u32 ft_caps_check(struct ft_cap *caps);

#endif

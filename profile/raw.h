/*
 * raw.h - the raw profile: what the kernel side delivered, as places in files instead of names.
 *
 * Made by the sampler while recording: every user address has already become (module, file offset),
 * so nothing here depends on the profiled process still being alive. The symbolizer turns it into a
 * resolved profile.
 */
#ifndef FT_PROFILE_RAW_H
#define FT_PROFILE_RAW_H

#include "base/elf.h"
#include "base/err.h"
#include "base/strtab.h"
#include "profile/kept.h"
#include "profile/profile.h"

enum ft_module_kind {
	FT_MODULE_FILE, /* a mapped file: path, perhaps an open descriptor and a build-id */
	FT_MODULE_VDSO, /* the kernel's user-space page; its image is in our own process, too */
	FT_MODULE_ANON, /* executable memory without a file: JIT code, trampolines */
};

#define FT_MODULE_SHIFTS 4

/* One mapped file (or other executable region). Two mappings of the same file share it. */
struct ft_module {
	enum ft_module_kind kind;
	/* as the process saw it, "[vdso]", "//anon"; owned; may hold any bytes but NUL */
	char *path;
	/*
	 * FILE: open for reading, if it could be opened in time. ANON: the folder /tmp of the
	 * process (O_PATH), where files about its code are. Else -1; owned.
	 */
	int fd;
	/* a process that mapped it, for /proc/PID/root and perf-PID.map; for ANON the only one */
	u32 pid;
	u8 build_id[FT_BUILD_ID_MAX];
	u8 build_id_len; /* 0: none */
	u32 pid_inside;	 /* ANON: pid in the process's own PID namespace; 0: not known */
	u32 owner;	 /* ANON: the user that it ran as, while fd is open */
	/*
	 * ANON: the code of another module (its index plus one) as it was at a time,
	 * CLOCK_MONOTONIC; 0: as it was at the end
	 */
	u32 twin;
	u64 when_ns;
	/* FILE: from offsets in its code to addresses as linked; 0: not known */
	struct ft_elf_shift shifts[FT_MODULE_SHIFTS];
	u8 shift_count;
	u64 stacks_cut;	 /* user stacks that ended in this file's code and should not have */
};

enum ft_location_kind {
	FT_LOCATION_PROCESS, /* name: process name; pid */
	FT_LOCATION_THREAD,  /* name: thread name; pid is the thread's id */
	/* module; addr: offset in the file, or run-time address when the module is ANON */
	FT_LOCATION_USER,
	FT_LOCATION_KERNEL, /* addr: kernel address */
	FT_LOCATION_NOTE,   /* name: what wait.h says beside a stack, innermost */
	/* a user address outside every known mapping; addr: run-time address */
	FT_LOCATION_UNKNOWN,
};

/*
 * One place in a stack. addr is the address to look up: callers have already been moved back by one
 * byte, from the return address into the call.
 */
struct ft_location {
	enum ft_location_kind kind;
	u32 module; /* index into modules; 0 where unused */
	u32 name;   /* string id; 0 where unused */
	u32 pid;    /* for PROCESS, THREAD; else 0 */
	u64 addr;
};

enum ft_mapped_kind {
	FT_MAPPED_FILE, /* start to end of a process became module, from offset on */
	FT_MAPPED_FORK, /* a process began with the mappings of its parent */
	FT_MAPPED_EXEC, /* a process gave up all its mappings */
};

/* A change of the executable mappings of a process. */
struct ft_mapped {
	enum ft_mapped_kind kind;
	u32 pid;
	u32 module; /* FILE: index into modules; FORK: the parent's process id */
	u64 start, end, offset;
	u64 when_ns; /* CLOCK_MONOTONIC */
};

/* Changes beyond so many are not kept, only counted. */
#define FT_MAPPED_MAX 1000000

/*
 * When a part of a node's weight came: of stacks with code made at run time, where a file says what
 * was at an address when.
 */
struct ft_dated {
	u64 when_ns; /* CLOCK_MONOTONIC */
	u64 weight;
	u32 node;
	u32 cpu;   /* its number plus one, or 0 */
	u32 round; /* how often ft_raw_seen was called before */
	u32 unused;
};

/* Weights beyond so many have no time: 32 MB. */
#define FT_DATED_MAX 1000000

struct ft_raw {
	struct ft_strtab *strings;
	struct ft_module *modules;
	u32 module_count;
	size_t module_cap;
	struct ft_location
		*locations; /* a tree key is an index into this; index 0 is the root's, unused */
	u32 location_count;
	size_t location_cap;
	struct ft_tree *tree; /* outermost first: process, [thread], user frames, kernel frames */
	enum ft_unit unit;
	bool at_tracepoint; /* kernel stacks end in the tracing machinery that took them */
	bool at_switch;	    /* and before that in the scheduler */
	struct ft_quality quality;
	struct ft_mapped *mapped; /* in the order they happened */
	u32 mapped_count;
	size_t mapped_cap;
	u64 mapped_more;      /* changes that were not kept */
	/*
	 * Whose CPU the weights came on that were added since ft_raw_seen, where that is recorded
	 * (with when they came).
	 */
	struct ft_round_weight *on_cpus;
	u32 on_cpu_count;
	u32 rounds_seen; /* calls of ft_raw_seen */
	size_t on_cpu_cap;
	struct ft_dated *dated; /* in the order they came */
	u32 dated_count;
	size_t dated_cap;
	struct ft_kept *kept; /* names that were found where this was recorded, or NULL; owned */
	/* recorded by another machine, or before its last start: kernel addresses mean nothing */
	bool elsewhere;

	/* Index over locations for ft_raw_location. Private to raw.c. */
	u32 *location_slots;
	u32 location_mask;
};

struct ft_raw *ft_raw_new(void); /* NULL when memory is exhausted */
void ft_raw_free(struct ft_raw *raw);

/* The id of an equal location, added if it is new. UINT32_MAX when memory is exhausted. */
u32 ft_raw_location(struct ft_raw *raw, const struct ft_location *location);

/*
 * Adds a module and takes over its path and fd. Its index, or UINT32_MAX when memory is exhausted.
 */
u32 ft_raw_module(struct ft_raw *raw, const struct ft_module *module);

/* Notes that a weight of a node came on a CPU: its number plus one; of 0 nothing. 0 or -ENOMEM. */
int ft_raw_on_cpu(struct ft_raw *raw, u32 node, u32 cpu, u64 weight);

/* Notes when a weight of a node came. What is beyond FT_DATED_MAX is not kept. 0 or -ENOMEM. */
int ft_raw_dated(struct ft_raw *raw, const struct ft_dated *dated);

/* Whether a module is a file that tells of code made at run time, by its name "jit-NUMBER.dump". */
bool ft_module_is_jitdump(const struct ft_module *module);

/* Forgets on_cpus; what comes now is of the next round. */
void ft_raw_seen(struct ft_raw *raw);

/* Notes a change of mappings. 0 or -ENOMEM. */
int ft_raw_mapped(struct ft_raw *raw, const struct ft_mapped *mapped);

#endif

/*
 * wire.h - what crosses between the BPF programs and user space.
 *
 * Compiled on both sides. Fixed-width fields, no holes.
 *
 * The stack store (sampler/bpf/store.bpf.h writes it, store.c reads it) is a pair of banks;
 * programs write to the active one while user space reads and clears the other. A bank is an
 * append-only run of records plus a hash table of references to them. Both live in mmapable array
 * maps, so draining needs no system call.
 */
#ifndef FT_SAMPLER_WIRE_H
#define FT_SAMPLER_WIRE_H

#include "base/types.h"

#define FT_WIRE_COMM_BYTES 16  /* TASK_COMM_LEN */
#define FT_WIRE_MAX_FRAMES 127 /* for each of kernel and user; the kernel's default limit as well */
#define FT_WIRE_FRAMES \
	256 /* room for both; a power of two, so that an index is bounded by a mask */
#define FT_WIRE_BANKS 2

/*
 * One stack and how often it was seen. Frames are run-time addresses, kernel frames first, leaf
 * first in each part. Kernel frames are as the kernel's walker gives them: the instruction, then
 * return addresses. User frames are addresses to look up: callers have been moved back by one byte,
 * into the call.
 */
struct ft_wire_record {
	u64 count;    /* atomic; 0 in a record that lost the race for its slot */
	u64 first_ns; /* CLOCK_MONOTONIC of the first sample */
	u64 weight;   /* atomic; sum, where config.weighted: nanoseconds */
	u32 slot;     /* index of the reference to this record, within its bank */
	/* length of the record from its start, in 8-byte words; 0 marks the end of a full bank */
	u32 words;
	/* From here on: the identity, hashed and compared as a whole. */
	u32 tgid, tid;			  /* tid is 0 unless threads are told apart */
	char process[FT_WIRE_COMM_BYTES]; /* name of the thread group leader */
	char thread
		[FT_WIRE_COMM_BYTES]; /* name of the thread; zeros unless threads are told apart */
	u32 exec_id;		      /* changes when the process calls exec */
	u8 kernel_frames, user_frames;
	u8 end;	  /* enum ft_end: why the user stack ends where it does; 0 without one */
	u8 later; /* enum ft_wire_later in a capture, else 0 */
	u8 state; /* enum ft_wire_state */
	u8 wait;  /* FT_WIRE_WAIT_*: what is special about the wait */
	/* with config.histogram: the lowest power of two above the wait's nanoseconds, 0 to 64 */
	u8 bucket;
	u8 unused;
	/*
	 * ft_wire_space.layout at the time of a walk by tables, else 0: the same addresses in
	 * other mappings are another stack
	 */
	u32 layout;
	u32 cpu; /* config.cpus: the CPU's number plus one; else, and where not known, 0 */
	/*
	 * with ft_wire_space.dated: when the stack was walked, CLOCK_MONOTONIC >>
	 * FT_WIRE_MOMENT_SHIFT; else 0
	 */
	u32 moment;
	u64 frames[FT_WIRE_FRAMES];
};

#define FT_WIRE_MOMENT_SHIFT 20 /* about a millisecond */
#define FT_WIRE_HEADER_WORDS 4 /* not part of the identity */
#define FT_WIRE_FIXED_WORDS (FT_WIRE_HEADER_WORDS + 1 + 2 + 2 + 1 + 1 + 1) /* up to frames[] */
#define FT_WIRE_RECORD_WORDS (FT_WIRE_FIXED_WORDS + FT_WIRE_FRAMES)
_Static_assert(sizeof(struct ft_wire_record) == 8 * FT_WIRE_RECORD_WORDS, "record has holes");

/* What a stack is of. */
enum ft_wire_state {
	FT_WIRE_STATE_SAMPLE,	/* a sample, no wait */
	FT_WIRE_STATE_RUNNABLE, /* waits for a CPU: preempted, or gave it up */
	FT_WIRE_STATE_SLEEP,	/* interruptible */
	FT_WIRE_STATE_DISK,	/* uninterruptible */
	FT_WIRE_STATE_IDLE,	/* uninterruptible, not part of the load: kernel threads */
	FT_WIRE_STATE_STOPPED,
	FT_WIRE_STATE_TRACED,
	FT_WIRE_STATE_PARKED,
	FT_WIRE_STATE_USER_LOCK,   /* in a futex call that waits */
	FT_WIRE_STATE_KERNEL_LOCK, /* for a lock of the kernel */
	FT_WIRE_STATE_NUMBERED,	   /* no sample: weight is the number that stands for the stack */
	FT_WIRE_STATE_ON_CPU,	   /* no stack: how long a thread that has ended was on a CPU */
	FT_WIRE_STATE_COUNT
};

#define FT_WIRE_WAIT_BEFORE 1 /* it had begun before the recording */
#define FT_WIRE_WAIT_AFTER 2  /* it was not over at the end */
/* user space walks the stack (a capture); frames[0] is the capture's number */
#define FT_WIRE_WAIT_LATE 4
#define FT_WIRE_WAIT_WAKER 8 /* sections of wakers follow the frames of the wait */

/*
 * Who ended a wait. Its frames follow, in the order of a record's; then, maybe, who woke that one,
 * up to the end of the record.
 */
struct ft_wire_waker {
	char process[FT_WIRE_COMM_BYTES];
	u32 tgid;
	u8 kernel_frames, user_frames;
	u8 end;	 /* enum ft_end */
	u8 late; /* 1: user space walks the stack; the one frame is the capture's number */
};

#define FT_WIRE_WAKER_WORDS 3
#define FT_WIRE_WAKERS_MAX 8 /* of one wait */
_Static_assert(sizeof(struct ft_wire_waker) == 8 * FT_WIRE_WAKER_WORDS, "waker has holes");

/*
 * A thread of the target, where waits are recorded: value of the map "waits", by thread id in the
 * initial PID namespace.
 */
struct ft_wire_wait {
	u64 start_ns;	 /* when it left its CPU; 0: it is on one, or the wait does not count */
	u64 woken_ns;	 /* when it was last woken; 0: not yet */
	u64 on_since_ns; /* when it came to its CPU; 0: it is not on one */
	u64 on_ns;	 /* time on CPUs before that */
	u64 lock;	 /* KERNEL_LOCK: its address */
	struct ft_wire_record record; /* of the wait */
	/* A waker may be copied to the end of the record whole, though it counts up to there. */
	u64 slack[FT_WIRE_FRAMES + FT_WIRE_WAKER_WORDS];
};

/* The functions that allocate and release memory: cookie of the probe. */
enum ft_wire_alloc_call {
	FT_WIRE_ALLOC_MALLOC,  /* (bytes) */
	FT_WIRE_ALLOC_CALLOC,  /* (count, bytes) */
	FT_WIRE_ALLOC_REALLOC, /* (address, bytes) */
	FT_WIRE_ALLOC_ALIGNED, /* (alignment, bytes) */
	FT_WIRE_ALLOC_POSIX,   /* (where the address goes, alignment, bytes) */
	FT_WIRE_ALLOC_MMAP,    /* (address, bytes, protection, flags, ...) */
	FT_WIRE_ALLOC_MREMAP,  /* (address, old bytes, bytes, ...) */
	FT_WIRE_ALLOC_FREE,    /* (address) */
	FT_WIRE_ALLOC_MUNMAP,  /* (address, bytes) */
};

/* Memory that is allocated and not yet released: key and value of the map "allocs". */
struct ft_wire_alloc_key {
	u64 addr;
	u32 tgid; /* in the initial PID namespace */
	u32 exec_id;
};

struct ft_wire_alloc {
	u64 weight; /* bytes that it stands for: more than its own where allocations are sampled */
	u64 bytes;
	u64 number; /* of its stack: the weight of its record, or the number of its capture */
};

/* In a number: it is that of a record, by the hash of its identity; else that of a capture. */
#define FT_WIRE_NUMBER_STORED (1ull << 63)

/*
 * Records lie end to end in a bank of chunks. A record may start on the last word of a chunk: it
 * then runs on into that chunk's slack, never into the next chunk, where the following record
 * starts as if it had.
 */
#define FT_WIRE_CHUNK_WORDS (32 * 1024)
#define FT_WIRE_SLACK_WORDS 512
_Static_assert(FT_WIRE_SLACK_WORDS >= FT_WIRE_RECORD_WORDS, "a record must fit into the slack");

struct ft_wire_chunk {
	u64 words[FT_WIRE_CHUNK_WORDS + FT_WIRE_SLACK_WORDS];
};

/*
 * A reference: the upper half of the key's hash, and the record's place (in words) plus one. 0 is
 * free.
 */
#define FT_WIRE_REF(HASH, AT) (((HASH) & ~UINT64_C(0xffffffff)) | (u32)((AT) + 1))
#define FT_WIRE_REF_AT(REF) ((u32)(REF)-1)
#define FT_WIRE_PROBES \
	16 /* slots tried before the table counts as full; their distance is part of the hash */

struct ft_wire_bank {
	u64 used_words; /* reserved so far; may exceed the capacity when the bank is full */
};

/*
 * What programs write at every sample, for each CPU in a cache line of its own: the map "cpus", by
 * CPU number.
 */
struct ft_wire_cpu {
	u64 users[FT_WIRE_BANKS]; /* programs that write to a bank now */
	u64 active;		  /* the bank to write to */
	u64 samples;		  /* counted in the store */
	u64 user_stacks;	  /* of them, with user frames */
	u64 bpf_ns;		  /* time spent in the programs */
	u64 turns;		  /* samples of targets, whatever became of them */
	u64 spaces_epoch;	  /* another one after each change of the map "spaces" */
};
_Static_assert(sizeof(struct ft_wire_cpu) == 64, "a cache line");

/*
 * Unwind tables. The pool is an array of 32-bit words in chunks, filled by user space: packed rows
 * and their indexes (abi.h), and the mappings of processes. A place in it is a word number. What is
 * read at once (the rows of a granule, the mappings of a process) never has to leave its chunk:
 * mappings are placed so, and of rows the beginning of the next chunk stands again in the slack.
 *
 * The first config.pool_chunks chunks are the map "pool"; what the pool grows by later are maps of
 * FT_WIRE_POOL_PART_CHUNKS chunks each, in the map "pool_parts".
 */
#define FT_WIRE_POOL_CHUNK_WORDS (16u * 1024)
#define FT_WIRE_POOL_SLACK_WORDS 544u /* a search reads up to 513 words from a place */
#define FT_WIRE_POOL_MIRROR_WORDS \
	264u /* of the next chunk, at the start of the slack: a granule's rows and two before */
#define FT_WIRE_POOL_PART_CHUNKS 16u
#define FT_WIRE_POOL_PARTS 32u
#define FT_WIRE_RULE_WORDS 4u

struct ft_wire_pool_chunk {
	u32 words[FT_WIRE_POOL_CHUNK_WORDS + FT_WIRE_POOL_SLACK_WORDS];
};

enum ft_wire_table {
	FT_WIRE_TABLE_READY,   /* there are rows for this mapping */
	FT_WIRE_TABLE_NONE,    /* the file has no unwind information: frame pointers, if anything */
	FT_WIRE_TABLE_JIT,     /* no file: frame pointers, if anything */
	FT_WIRE_TABLE_PENDING, /* not built yet: the sample is resolved later */
	FT_WIRE_TABLE_NO_ROOM, /* the pool has no room for it: frame pointers, if anything */
};

/* An executable mapping of a process. */
struct ft_wire_mapping {
	u64 start;
	u64 base;  /* run-time address of the table's pc 0 */
	u32 pages; /* of 4096 bytes, from start */
	/*
	 * place of the table's index in the pool; it counts rows in half words from the pool's
	 * beginning
	 */
	u32 index;
	u32 rules;		  /* place of the table's rules */
	u32 span : 29, table : 3; /* bytes the table covers; enum ft_wire_table */
};
_Static_assert(sizeof(struct ft_wire_mapping) == 32, "mapping has holes");

#define FT_WIRE_MAPPING_WORDS 8
#define FT_WIRE_MAPPINGS_MAX 1023 /* of one process; what is beyond has no table */

#define FT_WIRE_EXEC_ANY UINT32_MAX

/* Value of the map "spaces": where the mappings of a process are. Sorted by start, disjoint. */
struct ft_wire_space {
	u32 mappings; /* place in the pool, a multiple of 8 */
	u32 count;
	/* of the program the mappings belong to, or FT_WIRE_EXEC_ANY until a sample shows it */
	u32 exec_id;
	s32 patience; /* how often such a stack may still be sent to user space: LATER_UNKNOWN */
	u32 version;  /* never 0 or that of other mappings; a forked child has its parent's */
	u32 layout;   /* another one after each change of the mappings themselves */
	/*
	 * 1: what was at an address when matters (code made at run time, of which a file says so)
	 */
	u32 dated;
	u32 unused;
};

enum ft_wire_unwind {
	FT_WIRE_UNWIND_AUTO,   /* tables, and frame pointers where there are none */
	FT_WIRE_UNWIND_TABLES, /* tables only */
	FT_WIRE_UNWIND_FP,     /* frame pointers only */
	FT_WIRE_UNWIND_NONE,   /* the innermost frame only */
};

/* Why user space has to walk a stack. */
enum ft_wire_later {
	FT_WIRE_LATER_NOT,
	FT_WIRE_LATER_PENDING, /* the process or a table is not known in the kernel */
	FT_WIRE_LATER_UNKNOWN, /* a stack that makes no sense: a mapping may be new */
};

/*
 * A user stack that could not be walked yet, because the kernel side did not know the process or a
 * table: registers and the upper part of the stack, for user space to walk. Sent through the ring
 * buffer "captures".
 */
#define FT_WIRE_CAPTURE_PIECE 2048 /* lies within a page: it is there or it is not */
/* Where the captured stack begins. */
#define FT_WIRE_CAPTURE_FROM(sp) ((sp) & ~(u64)(FT_WIRE_CAPTURE_PIECE - 1))
#define FT_WIRE_CAPTURE_USUAL \
	(14 * FT_WIRE_CAPTURE_PIECE) /* with the rest below 32 KiB, the most of a per-CPU map */
#define FT_WIRE_CAPTURE_BYTES (52 * FT_WIRE_CAPTURE_PIECE) /* of stacks that are larger */

struct ft_wire_capture {
	/* with its kernel frames; with FT_WIRE_LATER_UNKNOWN also what the programs have walked */
	struct ft_wire_record record; /* count is 1 */
	u64 regs[16];		      /* by DWARF number */
	u64 pc;
	u64 in_execve;	 /* the program is being replaced: there may be no stack */
	u64 cut;	 /* there may be more of the stack than was sent */
	u64 missing;	 /* a bit for each piece of stack that was not resident */
	u64 stack_bytes; /* of stack, from FT_WIRE_CAPTURE_FROM(sp) upwards */
	u8 stack[FT_WIRE_CAPTURE_BYTES];
};

enum ft_wire_filter {
	FT_WIRE_FILTER_ALL,    /* everything but the idle task */
	FT_WIRE_FILTER_TGID,   /* process ids in the map "targets" */
	FT_WIRE_FILTER_TID,    /* thread ids in the map "targets" */
	FT_WIRE_FILTER_CGROUP, /* tasks in or below the cgroup in the map "cgroups" */
};

/* Read-only for the programs; set before they are loaded, so that dead branches are removed. */
struct ft_wire_config {
	/* What a sample looks at, in one cache line. */
	u64 pidns_ino; /* our PID namespace; 0 when it is the initial one */
	u32 filter;    /* enum ft_wire_filter */
	u32 only;      /* TGID, TID: the one id, where there is just one; else 0 */
	u32 per_thread;
	u32 cpus;			/* tell CPUs apart */
	u32 user_frames, kernel_frames; /* which stacks to take; 0 or 1 */
	u32 kernel_mode_only;		/* leave out samples taken in user mode */
	u32 unwind;			/* enum ft_wire_unwind */
	u32 slot_mask;			/* slots of a bank - 1 */
	u32 chunks;			/* chunks of a bank */
	u32 pool_chunks;		/* of the map "pool" */
	/* Offsets in kernel structures, found in the running kernel's BTF (btf.c). Bytes. */
	u32 task_mm, task_flags, task_exec_id;

	/* Waits. */
	u32 weighted;  /* records have weights */
	u32 states;    /* which to record: a bit for each enum ft_wire_state */
	u32 runqueue;  /* only the time from waking up to running */
	u32 histogram; /* tell durations apart by powers of two */
	u32 on_cpu;    /* add up the time on CPUs */
	u32 wakers;    /* note who ends a wait, with its stack; this many in a chain */
	u32 futex_nr, futex_waitv_nr; /* system calls */
	u32 numbered;		      /* a record's weight is the number of its stack */
	u32 alloc_sample;   /* allocations below so many bytes: one in so many bytes; 0: all */
	u64 min_ns, max_ns; /* shorter and longer ones do not count */
	u32 task_comm, task_group_leader, task_in_execve, task_in_execve_bit;
	u32 task_pid, task_tgid, task_signal, task_thread_pid;
	u64 pidns_dev;
	u32 syscall; /* tracepoint sys_enter: the only number that counts; UINT32_MAX: every one */
	/* Tracepoints: the field of the record that is an occurrence's weight; bytes 0: none. */
	u32 field_offset, field_bytes, field_signed;
	u64 event_period;   /* tracepoints: count every so many-th one, 1 for all */
	u32 follow_targets; /* children of targets become targets */
	u32 signal_live;
	/* Return probes under way, where programs are at user functions; 0: not looked at. */
	u32 task_utask, utask_instances, instance_stack, instance_return, instance_next;
	u32 pid_level, pid_numbers, upid_size, upid_nr, upid_ns;
	u32 ns_inum;
};

/* Counters, in samples unless said otherwise. Only ever added to. */
struct ft_wire_counters {
	u64 lost_table_full, lost_store_full, lost_scratch, lost_kernel, lost_user;
	u64 captures;	  /* stacks sent to user space to be walked there */
	u64 lost_targets; /* processes */
	u64 lost_waits;	  /* waits of threads that did not fit into the map */
	u64 lost_chains;  /* wakers of wakers of threads that did not fit into the map */
	u64 lost_allocs;  /* allocations that did not fit into the map */
};

#endif

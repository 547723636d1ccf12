/*
 * wire.h - what crosses between the BPF programs and user space.
 *
 * Compiled on both sides. Fixed-width fields, no holes.
 *
 * The stack store (sampler/bpf/store.bpf.h writes it, store.c reads it) is a pair of banks; programs write to the active
 * one while user space reads and clears the other. A bank is an append-only run of records plus a hash table of
 * references to them. Both live in mmapable array maps, so draining needs no system call.
 */
#ifndef FT_SAMPLER_WIRE_H
#define FT_SAMPLER_WIRE_H

#include "base/types.h"

#define FT_WIRE_COMM_BYTES 16 /* TASK_COMM_LEN */
#define FT_WIRE_MAX_FRAMES 127 /* for each of kernel and user; the kernel's default limit as well */
#define FT_WIRE_BANKS 2

/*
 * One stack and how often it was seen. Frames are run-time addresses as the stack walker gives them (leaf: the
 * instruction, callers: return addresses), kernel frames first, leaf first in each part.
 */
struct ft_wire_record {
	u64 count;    /* atomic; 0 in a record that lost the race for its slot */
	u64 first_ns; /* CLOCK_MONOTONIC of the first sample */
	u32 slot;     /* index of the reference to this record, within its bank */
	u32 words;    /* length of the record from its start, in 8-byte words; 0 marks the end of a full bank */
	/* From here on: the identity, hashed and compared as a whole. */
	u32 tgid, tid; /* tid is 0 unless threads are told apart */
	char process[FT_WIRE_COMM_BYTES]; /* name of the thread group leader */
	char thread[FT_WIRE_COMM_BYTES];  /* name of the thread; zeros unless threads are told apart */
	u32 exec_id; /* changes when the process calls exec */
	u16 kernel_frames, user_frames;
	u64 frames[2 * FT_WIRE_MAX_FRAMES];
};

#define FT_WIRE_HEADER_WORDS 3				      /* not part of the identity */
#define FT_WIRE_FIXED_WORDS (FT_WIRE_HEADER_WORDS + 1 + 2 + 2 + 1) /* up to frames[] */
#define FT_WIRE_RECORD_WORDS (FT_WIRE_FIXED_WORDS + 2 * FT_WIRE_MAX_FRAMES)
_Static_assert(sizeof(struct ft_wire_record) == 8 * FT_WIRE_RECORD_WORDS, "record has holes");

/*
 * Records lie end to end in a bank of chunks. A record may start on the last word of a chunk: it then runs on into that
 * chunk's slack, never into the next chunk, where the following record starts as if it had.
 */
#define FT_WIRE_CHUNK_WORDS (32 * 1024)
#define FT_WIRE_SLACK_WORDS 512
_Static_assert(FT_WIRE_SLACK_WORDS >= FT_WIRE_RECORD_WORDS, "a record must fit into the slack");

struct ft_wire_chunk {
	u64 words[FT_WIRE_CHUNK_WORDS + FT_WIRE_SLACK_WORDS];
};

/* A reference: the upper half of the key's hash, and the record's place (in words) plus one. 0 is free. */
#define FT_WIRE_REF(HASH, AT) (((HASH) & ~UINT64_C(0xffffffff)) | (u32)((AT) + 1))
#define FT_WIRE_REF_AT(REF) ((u32)(REF) - 1)
#define FT_WIRE_PROBES 16 /* slots tried before the table counts as full; their distance is part of the hash */

struct ft_wire_bank {
	u64 users;	/* programs that write to this bank now */
	u64 used_words; /* reserved so far; may exceed the capacity when the bank is full */
};

enum ft_wire_filter {
	FT_WIRE_FILTER_ALL,    /* everything but the idle task */
	FT_WIRE_FILTER_TGID,   /* process ids in the map "targets" */
	FT_WIRE_FILTER_TID,    /* thread ids in the map "targets" */
	FT_WIRE_FILTER_CGROUP, /* tasks in or below the cgroup in the map "cgroups" */
};

/* Read-only for the programs; set before they are loaded, so that dead branches are removed. */
struct ft_wire_config {
	u32 filter; /* enum ft_wire_filter */
	u32 per_thread;
	u32 user_frames, kernel_frames; /* which stacks to take; 0 or 1 */
	u32 kernel_mode_only;		/* leave out samples taken in user mode */
	u32 user_leaf_only;		/* take the innermost user frame only */
	u32 slot_mask;			/* slots of a bank - 1 */
	u32 chunks;			/* chunks of a bank */
	u64 event_period;		/* tracepoints: count every so many-th one, 1 for all */
	u64 pidns_dev, pidns_ino;	/* our PID namespace, ino 0 when it is the initial one */
	/* Offsets in kernel structures, found in the running kernel's BTF (btf.c). Bytes. */
	u32 task_pid, task_tgid, task_comm, task_group_leader, task_exec_id, task_signal, task_thread_pid;
	u32 signal_live;
	u32 pid_level, pid_numbers, upid_size, upid_nr, upid_ns;
	u32 ns_inum;
};

/* Counters, in samples unless said otherwise. Only ever added to. */
struct ft_wire_counters {
	u64 samples;	 /* counted in the store */
	u64 user_stacks; /* of them, with user frames */
	u64 lost_table_full, lost_store_full, lost_scratch, lost_kernel, lost_user;
	u64 lost_targets; /* processes */
	u64 bpf_ns;	  /* time spent in the programs */
};

#endif

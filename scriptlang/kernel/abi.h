/*
 * abi.h - what crosses between the programs that a script becomes and user space.
 *
 * Records go through one ring. A record is a head and the values of its site (ir.h), each a
 * multiple of 8 bytes: a number, or a string padded with zeros.
 */
#ifndef FT_SCRIPTLANG_ABI_H
#define FT_SCRIPTLANG_ABI_H

#include "base/types.h"

struct ft_record_head {
	u32 site;
	u32 failed; /* number of the operation that failed before, if the site asks for that */
};
_Static_assert(sizeof(struct ft_record_head) == 8, "head has holes");

enum ft_session_phase {
	FT_PHASE_READY, /* nothing runs yet */
	FT_PHASE_RUNNING,
	FT_PHASE_EXITING, /* the script has asked for its end */
	FT_PHASE_FAILED,  /* too many errors */
};

/* The beginning of the map of globals, which is mapped into user space. */
struct ft_session {
	u64 phase;   /* enum ft_session_phase */
	u64 errors;  /* handlers that ended by one, in the kernel */
	u64 order;   /* elements that began to exist: their order */
	u64 lost;    /* records that found the ring full */
	u64 skipped; /* runs that found no scratch memory */
	u64 wall_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC */
	u64 zero;    /* always 0, which the verifier does not know */
	u64 behind;  /* records that touch fenced variables, which user space has to do */
};
_Static_assert(sizeof(struct ft_session) == 64, "a cache line");

/* Value of an array's element: this, then the value. The same before statistics. */
struct ft_element_head {
	u64 order;
};

/* The first numbers whose bucket of a logarithmic histogram is in a table, a byte each. */
#define FT_LOG_TABLE 256

/* Statistics; then buckets, logarithmic ones before linear ones. */
struct ft_stats_wire {
	u64 order;
	u64 count;
	s64 sum, min, max;
	s64 mean, deviations; /* stats.h */
};
_Static_assert(sizeof(struct ft_stats_wire) == 56, "statistics have holes");

/*
 * In front of an array: an element that a CPU used lately, and what came to it since (bpf_front.c);
 * then the key, then a number or struct ft_stats_wire.
 */
struct ft_front_head {
	u64 busy;  /* somebody is at it: who interrupts him goes to the map */
	u64 order; /* of an element that begins to exist by it; 0: there is no key */
};
_Static_assert(sizeof(struct ft_front_head) == 16, "head has holes");

/* Scratch memory: FT_SLOTS a CPU. */
#define FT_SLOTS 4
struct ft_slot_head {
	u64 busy;
	u64 index;    /* of the slot */
	u64 previous; /* level of requests that was at hand (wire.h of the sampler) */
	u64 actions;  /* statements so far, while another program takes a stack */
	/* between the rounds of a loop, where each is a call (bpf_rounds.c) */
	u64 next;   /* the block that it begins with, from 1; 0: the handler does */
	u64 failed; /* the operation that failed last */
};

#endif

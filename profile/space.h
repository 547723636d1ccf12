/*
 * space.h - the executable mappings of one process over time.
 *
 * Mappings come and go (exec, dlopen, JIT); samples are looked up with the time they were taken at.
 * What ended is kept until ft_space_prune says that no older sample can come any more. Times are
 * CLOCK_MONOTONIC nanoseconds.
 */
#ifndef FT_PROFILE_SPACE_H
#define FT_PROFILE_SPACE_H

#include "base/types.h"

struct ft_mapping {
	u64 start, end;		/* run-time addresses, end is exclusive */
	u64 offset;		/* in the file, of start */
	u64 since_ns, until_ns; /* valid from, and before; until is UINT64_MAX while it lasts */
	u32 module;		/* the owner's number for the file */
};

struct ft_space {
	struct ft_mapping *live; /* sorted by start, disjoint */
	size_t live_count, live_cap;
	struct ft_mapping *past; /* in the order they ended */
	size_t past_count, past_cap;
	u64 version; /* grows with every change of the live mappings */
	/* The owner's note: a file that tells of code made at run time, with times, is mapped. */
	bool dated;
};

/* Frees the contents; a zeroed struct ft_space is an empty space. */
void ft_space_fini(struct ft_space *space);

/*
 * Adds a mapping from now_ns on; what it covers of others ends now, the rest of them stays. 0 or
 * -ENOMEM.
 */
int ft_space_map(struct ft_space *space, u64 start, u64 end, u64 offset, u32 module, u64 now_ns);

/* All mappings end (exec). 0 or -ENOMEM. */
int ft_space_clear(struct ft_space *space, u64 now_ns);

/* Copies the live mappings of a parent into an empty space (fork). 0 or -ENOMEM. */
int ft_space_copy(struct ft_space *space, const struct ft_space *parent, u64 now_ns);

/*
 * The mapping that held addr at when_ns. Where none did, one that held it at another time: events
 * and samples come on different ways and their times are taken microseconds apart. NULL if there
 * was none at all. Borrowed until the next change of the space.
 */
const struct ft_mapping *ft_space_find(const struct ft_space *space, u64 addr, u64 when_ns);

/* Forgets mappings that ended before when_ns. */
void ft_space_prune(struct ft_space *space, u64 when_ns);

#endif

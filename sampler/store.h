/*
 * store.h - the user side of the stack store: switches banks and reads the one at rest. Layout:
 * wire.h.
 */
#ifndef FT_SAMPLER_STORE_H
#define FT_SAMPLER_STORE_H

#include "base/err.h"
#include "sampler/wire.h"

struct ft_store {
	struct ft_wire_bank *banks; /* in the programs' data, FT_WIRE_BANKS of them */
	struct ft_wire_cpu *cpus;   /* mapped, one for each possible CPU */
	u32 cpu_count;
	u32 active;		    /* the bank that programs write to */
	u64 *slots;		    /* mapped, both banks */
	struct ft_wire_chunk *chunks;
	u32 slot_count, chunk_count; /* of one bank */
};

/*
 * Chooses sizes for a rate of stacks a second that is expected in all (0: unknown). Each bank then
 * holds at least a second of them.
 */
void ft_store_size(struct ft_store *store, u64 stacks_per_second);

/*
 * Maps the maps; sizes, cpu_count and banks are set. 0 or a negative errno, explained in
 * err.
 */
int ft_store_open(struct ft_store *store, int slots_fd, int chunks_fd, int cpus_fd,
		  struct ft_err *err);
void ft_store_close(struct ft_store *store);

/* How full the active bank is, in percent. */
u32 ft_store_fill(const struct ft_store *store);

/*
 * Makes the other bank the active one and waits until no program writes to the old one any more
 * (microseconds). The old one, whose number is returned, stays at rest until ft_store_drain has
 * emptied it; do not switch again before.
 */
u32 ft_store_switch(struct ft_store *store);

/*
 * Called with each stack; record is borrowed for the call. Anything but 0 ends the drain and is its
 * result.
 */
typedef int (*ft_store_fn)(void *context, const struct ft_wire_record *record);

/*
 * Hands out all stacks of a bank at rest and empties it. 0 or what fn returned (the bank is emptied
 * all the same).
 */
int ft_store_drain(struct ft_store *store, u32 bank, ft_store_fn fn, void *context);

#endif

/*
 * spaces.h - tells the BPF programs which mappings a process has, with their unwind tables.
 */
#ifndef FT_SAMPLER_SPACES_H
#define FT_SAMPLER_SPACES_H

#include "profile/space.h"
#include "sampler/pool.h"
#include "sampler/tables.h"

/* What the programs were told about a process. Zeroed: nothing. */
struct ft_published {
	u32 place, words; /* in the pool */
	u32 exec_id;
	u64 space_version; /* of the mappings, at that time */
	u32 table_version; /* of the tables, at that time */
	u64 when_ns;	   /* that time */
};

struct ft_retired {
	u32 place, words;
};

struct ft_spaces {
	int map_fd; /* the map "spaces"; borrowed; -1: there is none (tests) */
	struct ft_wire_cpu
		*cpus; /* cpu_count of them, mapped, borrowed: told when the map changes */
	u32 cpu_count;
	struct ft_pool *pool;
	struct ft_tables *tables;
	/*
	 * Parts of the pool that programs may still be reading, or that a child has inherited: [0]
	 * since the last round.
	 */
	struct ft_retired *retired[2];
	size_t retired_count[2], retired_cap[2];
	bool evicted[2]; /* tables are among them */
	u32 version;	 /* of the last publication */
};

void ft_spaces_fini(struct ft_spaces *spaces);

/*
 * Tells the programs the mappings of process pid, if they changed since *published or the exec id
 * is another one. now_ns is the time now. 0, or a negative errno: the process's stacks are walked
 * in user space then.
 */
int ft_spaces_publish(struct ft_spaces *spaces, u32 pid, const struct ft_space *space, u32 exec_id,
		      u64 now_ns, struct ft_published *published);

/* Forgets a process that has ended; reused: its id is another process's now. */
void ft_spaces_forget(struct ft_spaces *spaces, u32 pid, bool reused,
		      struct ft_published *published);

/*
 * Makes the programs forget a process that lives, also one that was never published but may have
 * inherited what its parent had.
 */
void ft_spaces_drop(struct ft_spaces *spaces, u32 pid, struct ft_published *published);

/*
 * Evicts tables; mapped as for ft_tables_evict. True: some were, and until the next
 * ft_spaces_round every process must be published again, or dropped.
 */
bool ft_spaces_evict(struct ft_spaces *spaces, const u8 *mapped, u64 now_ns);

/*
 * Frees what was replaced before the last call. To be called when all forks up to now are known: a
 * child that has inherited a replaced part was told its own by then.
 */
void ft_spaces_round(struct ft_spaces *spaces);

#endif

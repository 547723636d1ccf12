/*
 * captures.h - takes captured stacks from the ring, walks them, and tells the kernel side what it
 * lacked.
 */
#ifndef FT_SAMPLER_CAPTURES_H
#define FT_SAMPLER_CAPTURES_H

#include "base/err.h"
#include "sampler/drain.h"
#include "sampler/spaces.h"
#include "sampler/tables.h"

struct ft_captures {
	struct ft_drain *drain; /* borrowed, as all that follow */
	struct ft_procs *procs;
	struct ft_tables *tables;
	struct ft_spaces *spaces;
	enum ft_wire_unwind how;
	/*
	 * Reads the mapping records that have come meanwhile: a stack may be younger than those
	 * read last.
	 */
	int (*catch_up)(void *context);
	void *context;
	u64 samples, user_stacks; /* taken so far */
	/* Private. */
	struct ring_buffer *ring;
	struct ft_wire_capture *copy;
	u64 read_ns; /* mapping records up to this time have been read */
};

/* Opens the ring of the map; the fields before samples are set. 0 or a negative errno. */
int ft_captures_open(struct ft_captures *captures, int map_fd);
void ft_captures_close(struct ft_captures *captures);

/* A descriptor that is readable when a stack has come and nobody has looked since. */
int ft_captures_fd(const struct ft_captures *captures);

/* Takes all that is there; mapping records up to read_ns have been read. 0 or -ENOMEM. */
int ft_captures_read(struct ft_captures *captures, u64 read_ns);

#endif

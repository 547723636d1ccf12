/*
 * ring.h - reads records from a perf event's ring buffer.
 *
 * Format and memory ordering: linux/perf_event.h, struct perf_event_mmap_page.
 */
#ifndef FT_SAMPLER_RING_H
#define FT_SAMPLER_RING_H

#include <linux/perf_event.h>

#include "base/types.h"

struct ft_ring {
	struct perf_event_mmap_page *page; /* NULL while closed */
	size_t data_bytes;
	u64 tail;      /* consumed up to here */
	u64 head;      /* read up to here by the last ft_ring_refill */
	char *wrapped; /* a record that crosses the end of the buffer is put together here */
};

/*
 * Maps the ring of an event; data_bytes is a power of two, at least a page. 0 or a negative errno.
 */
int ft_ring_open(struct ft_ring *ring, int event_fd, size_t data_bytes);
void ft_ring_close(struct ft_ring *ring);

/* Looks how far the kernel has written. */
void ft_ring_refill(struct ft_ring *ring);

/* The next record up to there without consuming it, or NULL. Borrowed until ft_ring_next. */
const struct perf_event_header *ft_ring_peek(struct ft_ring *ring);

/* Consumes the record that ft_ring_peek showed. */
void ft_ring_next(struct ft_ring *ring);

#endif

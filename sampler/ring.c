/* ring.c - see ring.h. */
#include "sampler/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"

#define RECORD_MAX 65536 /* perf_event_header.size is 16 bits wide */

int ft_ring_open(struct ft_ring *ring, int event_fd, size_t data_bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *map = mmap(NULL, page + data_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, event_fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	memset(ring, 0, sizeof(*ring));
	ring->page = map;
	ring->data_bytes = data_bytes;
	return 0;
}

void ft_ring_close(struct ft_ring *ring)
{
	if (ring->page)
		munmap(ring->page, (size_t)sysconf(_SC_PAGESIZE) + ring->data_bytes);
	free(ring->wrapped);
	memset(ring, 0, sizeof(*ring));
}

void ft_ring_refill(struct ft_ring *ring)
{
	if (ring->page)
		ring->head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
}

/* Gives the bytes up to tail back to the kernel. */
static void consume(struct ft_ring *ring, u64 tail)
{
	ring->tail = tail;
	__atomic_store_n(&ring->page->data_tail, tail, __ATOMIC_RELEASE);
}

const struct perf_event_header *ft_ring_peek(struct ft_ring *ring)
{
	const struct perf_event_header *header;
	size_t at, first;
	char *data;

	if (!ring->page || ring->tail >= ring->head)
		return NULL;
	data = (char *)ring->page + sysconf(_SC_PAGESIZE);
	at = ring->tail & (ring->data_bytes - 1);
	header = (const void *)(data + at); /* 8-byte aligned, so the header itself never wraps */
	/*
	 * Other sizes cannot come from the kernel; with one of them there is no telling where the
	 * next record begins.
	 */
	if (header->size < sizeof(*header) || header->size % 8 ||
	    header->size > ring->head - ring->tail) {
		consume(ring, ring->head);
		return NULL;
	}
	if (at + header->size <= ring->data_bytes)
		return header;
	if (!ring->wrapped)
		ring->wrapped = ft_alloc(RECORD_MAX);
	first = ring->data_bytes - at;
	memcpy(ring->wrapped + first, data, header->size - first);
	memcpy(ring->wrapped, data + at, first);
	return (const void *)ring->wrapped;
}

void ft_ring_next(struct ft_ring *ring)
{
	const struct perf_event_header *header = ft_ring_peek(ring);

	if (!header)
		return;
	consume(ring, ring->tail + header->size);
}

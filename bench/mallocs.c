/*
 * mallocs.c - a target for benchmarks: allocates and releases memory as fast as it can, some 25
 * calls deep, in one thread. How many pairs were made stands in a file that others may map: a
 * counter of 64 bits.
 *
 *   mallocs FILE BYTES
 *
 * Ends with whoever has started it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define DEPTH 25

static void *volatile block;
static volatile uint64_t sink;
static volatile int ended; /* never: but the compiler must not know */

static __attribute__((noinline)) void work(volatile uint64_t *count, size_t bytes)
{
	while (!ended) {
		block = malloc(bytes);
		free(block);
		++*count;
	}
}

static __attribute__((noinline)) uint64_t descend(int depth, volatile uint64_t *count, size_t bytes)
{
	/* Not a tail call: every level keeps its frame. */
	if (depth > 0)
		return descend(depth - 1, count, bytes) + sink;
	work(count, bytes);
	return sink;
}

int main(int argc, char **argv)
{
	int fd = argc == 3 ? open(argv[1], O_RDWR | O_CREAT, 0600) : -1;
	uint64_t *count;

	if (fd < 0 || ftruncate(fd, sizeof(*count))) {
		fprintf(stderr, "usage: mallocs FILE BYTES\n");
		return 2;
	}
	count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (count == MAP_FAILED)
		return 1;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return (int)descend(DEPTH, count, (size_t)atoi(argv[2]));
}

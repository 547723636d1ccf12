/*
 * pingpong.c - a target for benchmarks: two threads that wake each other through pipes as fast as
 * they can, both some 25 calls deep, so nearly all that happens is context switches. How many round
 * trips were made stands in a file that others may map: a counter of 64 bits.
 *
 *   pingpong FILE
 *
 * Ends with whoever has started it.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define DEPTH 25

struct side {
	int in, out;
	volatile uint64_t *count;
	int first;
};

static volatile uint64_t sink;

static __attribute__((noinline)) int serve(const struct side *side)
{
	char byte = 0;

	if (side->first && write(side->out, &byte, 1) != 1)
		return 1;
	while (read(side->in, &byte, 1) == 1) {
		++*side->count;
		if (write(side->out, &byte, 1) != 1)
			return 1;
	}
	return 0;
}

static __attribute__((noinline)) int descend(int depth, const struct side *side)
{
	int result = depth > 0 ? descend(depth - 1, side) : serve(side);

	sink++; /* not a tail call: every level keeps its frame */
	return result;
}

static void *run(void *side)
{
	return (void *)(intptr_t)descend(DEPTH, side);
}

int main(int argc, char **argv)
{
	volatile uint64_t *counts;
	int there[2], back[2], fd;
	struct side first, second;
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc != 2) {
		fprintf(stderr, "usage: pingpong FILE\n");
		return 2;
	}
	fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, 128) || pipe(there) || pipe(back))
		return 1;
	counts = mmap(NULL, 128, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counts == MAP_FAILED)
		return 1;
	first = (struct side){back[0], there[1], counts, 1};
	second = (struct side){there[0], back[1], counts + 8, 0};
	if (pthread_create(&thread, NULL, run, &second))
		return 1;
	return descend(DEPTH, &first);
}

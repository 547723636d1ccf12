/*
 * depth.c - a target for benchmarks: does nothing but arithmetic at the bottom of a recursion of a
 * given depth, on every CPU.
 *
 *   depth FRAMES
 *
 * FRAMES counts main (or what the thread begins with), the recursion and the function that works;
 * the C library adds two or three. To be built with and without frame pointers: the stacks are of
 * the same depth then. Ends with whoever has started it.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#define FRAMES_BESIDE 3 /* main, descend with 0, spin */

static volatile uint64_t sink;
static volatile int ended; /* never: but the compiler must not know */

static __attribute__((noinline)) void spin(void)
{
	volatile uint64_t work = 1; /* on the stack, or this function would have no frame pointer */

	for (int i = 0; i < 100000; i++)
		work = work * 3 + (uint64_t)i;
	sink = work;
}

static __attribute__((noinline)) uint64_t descend(int depth)
{
	/* Not a tail call: every level keeps its frame. */
	if (depth > 0)
		return descend(depth - 1) + sink;
	while (!ended)
		spin();
	return sink;
}

static void *work(void *frames)
{
	return (void *)(uintptr_t)descend(*(int *)frames - FRAMES_BESIDE);
}

int main(int argc, char **argv)
{
	int frames = argc == 2 ? atoi(argv[1]) : 0;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t thread;

	if (frames < FRAMES_BESIDE) {
		fprintf(stderr, "usage: depth FRAMES\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (long i = 1; i < cpus; i++) {
		if (pthread_create(&thread, NULL, work, &frames))
			return 1;
	}
	return (int)descend(frames - FRAMES_BESIDE);
}

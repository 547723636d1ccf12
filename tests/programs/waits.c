/*
 * waits.c - a program whose waits are known: each round it sleeps 4 ms in long_wait and 1 ms in
 * short_wait, and computes a little. With an argument it also has a thread that waits all the time.
 * Ends with SIGTERM.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static volatile uint64_t sink;

static void nap(long ns)
{
	struct timespec time = {.tv_nsec = ns};

	nanosleep(&time, NULL);
	sink++; /* not a tail call */
}

__attribute__((noinline)) void long_wait(void)
{
	nap(4000000);
	sink++;
}

__attribute__((noinline)) void short_wait(void)
{
	nap(1000000);
	sink++;
}

__attribute__((noinline)) void compute(void)
{
	for (int i = 0; i < 300000; i++)
		sink += (uint64_t)i;
}

__attribute__((noinline)) void wait_for_ever(void)
{
	for (;;)
		pause();
}

static void *idle(void *unused)
{
	(void)unused;
	wait_for_ever();
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	(void)argv;
	if (argc > 1)
		pthread_create(&thread, NULL, idle, NULL);
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		long_wait();
		short_wait();
		compute();
	}
}

/*
 * called.c - functions for benchmarks to stop at: calls each a number of times, some of them by
 * way of the linker's table, and prints nanoseconds a call of each, in the best of many batches: so
 * others that use the machine at the same time count little.
 *
 *   called COUNT
 *
 * pushes() begins as most functions do, tests() and leaf() with what the kernel has to step, unless
 * a tracer goes elsewhere; strtol() is a function of a library.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define KEPT __attribute__((noinline, noipa))

volatile long sink;

KEPT static long other(long number)
{
	return number + sink;
}

KEPT long pushes(long number)
{
	long first = other(number), second = other(first);

	return other(first + second) + first + second;
}

KEPT long tests(long number)
{
	if (!number)
		return sink;
	return number * 3;
}

KEPT long leaf(long number)
{
	return number + 7;
}

KEPT long library(long number)
{
	return number + strtol("12", NULL, 10);
}

#define BATCHES 20

static double batch_ns(long (*function)(long), long calls)
{
	struct timespec begin, end;
	long sum = 0;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (long k = 1; k <= calls; k++)
		sum += function(k);
	clock_gettime(CLOCK_MONOTONIC, &end);
	sink = sum & 1;
	return ((double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec)) /
	       (double)calls;
}

int main(int count, char **args)
{
	static const struct {
		const char *name;
		long (*function)(long);
	} all[] = {{"pushes", pushes}, {"tests", tests}, {"leaf", leaf}, {"library", library}};
	long calls = count > 1 ? atol(args[1]) : 1000;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		double best = 0;

		for (int batch = 0; batch < BATCHES; batch++) {
			double took = batch_ns(all[i].function, calls / BATCHES);

			if (!batch || took < best)
				best = took;
		}
		printf("%s %.1f\n", all[i].name, best);
	}
	return 0;
}

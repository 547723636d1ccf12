/*
 * work.c - a target for benchmarks: the same small piece of work over and over, some twenty calls
 * deep, with frame pointers. How many pieces are done stands in a file that others may map: a
 * counter of 64 bits.
 *
 *   work FILE
 *
 * Ends by a signal, or by itself after ten minutes should nobody send one.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEPTH 20
#define PIECE_ROUNDS 4000 /* some 10 us */
#define LIFE_SECONDS 600

static volatile sig_atomic_t ended;

static void end(int number)
{
	(void)number;
	ended = 1;
}

static __attribute__((noinline)) uint64_t spin(uint64_t work)
{
	for (int i = 0; i < PIECE_ROUNDS; i++)
		work = (work ^ (work >> 7)) * 0x9e3779b97f4a7c15u + 1;
	return work;
}

static __attribute__((noinline)) uint64_t descend(int depth, volatile uint64_t *count)
{
	uint64_t work = (uint64_t)depth;

	/* Not a tail call: every level keeps its frame. */
	if (depth > 0)
		return descend(depth - 1, count) + 1;
	while (!ended) {
		work = spin(work);
		++*count;
	}
	return work;
}

int main(int argc, char **argv)
{
	volatile uint64_t *count;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: work FILE\n");
		return 2;
	}
	fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*count)))
		return 1;
	count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (count == MAP_FAILED)
		return 1;
	signal(SIGALRM, end);
	alarm(LIFE_SECONDS);
	return descend(DEPTH, count) ? 0 : 1;
}

/*
 * syscalls.c - a target for benchmarks: makes the cheapest system call as fast as it can, some 25
 * calls deep. How many it has made stands in a file that others may map: a counter of 64 bits.
 *
 *   syscalls FILE
 *
 * Ends with whoever has started it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEPTH 25

static volatile uint64_t *count;

static __attribute__((noinline)) uint64_t call(int depth)
{
	uint64_t made = 0;

	if (depth)
		return call(depth - 1) + 1;
	for (; made < UINT64_MAX; made++) {
		syscall(SYS_getppid);
		++*count;
	}
	return made;
}

int main(int argc, char **argv)
{
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc != 2)
		return 2;
	fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*count)))
		return 1;
	count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return count == MAP_FAILED ? 1 : (int)call(DEPTH);
}

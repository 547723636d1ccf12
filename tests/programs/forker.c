/*
 * forker.c - starts COUNT (default 20) short-lived children one after another; each uses 20 ms of
 * CPU time.
 *
 * forker [COUNT [PROGRAM]] - with PROGRAM the children execute it instead of spinning themselves.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile uint64_t sink;

__attribute__((noinline)) void child_spin(void)
{
	struct timespec used;

	do {
		for (int i = 0; i < 100000; i++)
			sink++;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	} while (used.tv_sec == 0 && used.tv_nsec < 20000000);
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 20;

	for (int i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			if (argc > 2) {
				execv(argv[2], argv + 2);
				_exit(127);
			}
			child_spin();
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	return 0;
}

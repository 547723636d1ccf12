/*
 * peak.c - runs a command and writes "SECONDS KBYTES STATUS" to a file: wall time, peak of its
 * resident memory, exit status.
 *
 *   peak FILE COMMAND [ARG...]
 *
 * The kernel lets a program inherit the peak of whoever started it (its old memory counts until
 * exec replaces it), so the starter must be as small as this one. SIGINT is passed on.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile pid_t child;

static void pass_on(int number)
{
	if (child > 0)
		kill(child, number);
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	double begin_s = now_s();
	struct rusage used;
	int status;
	FILE *file;

	if (argc < 3) {
		fprintf(stderr, "usage: peak FILE COMMAND [ARG...]\n");
		return 2;
	}
	child = fork();
	if (child == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (child < 0)
		return 1;
	signal(SIGINT, pass_on);
	while (wait4(child, &status, 0, &used) < 0)
		if (errno != EINTR)
			return 1;
	file = fopen(argv[1], "w");
	if (!file)
		return 1;
	fprintf(file, "%.6f %ld %d\n", now_s() - begin_s, used.ru_maxrss,
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return fclose(file) ? 1 : 0;
}

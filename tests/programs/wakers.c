/*
 * wakers.c - a process that waits for a byte from a pipe in wait_for_byte, and its child, named
 * "sender", that sends one every other millisecond in send_byte. Ends by a signal, or with its
 * parent.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static volatile uint64_t sink;

__attribute__((noinline)) int wait_for_byte(int fd)
{
	char byte;
	int got = read(fd, &byte, 1) == 1;

	sink++;
	return got;
}

__attribute__((noinline)) int send_byte(int fd)
{
	int sent = write(fd, "", 1) == 1;

	sink++;
	return sent;
}

int main(void)
{
	struct timespec pause = {.tv_nsec = 2000000};
	int pipes[2];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pipe(pipes))
		return 1;
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "sender");
		while (send_byte(pipes[1]))
			nanosleep(&pause, NULL);
		return 0;
	}
	printf("ready\n");
	fflush(stdout);
	while (wait_for_byte(pipes[0]))
		;
	return 0;
}

/*
 * wakers.c - a process that waits for a byte from a pipe in wait_for_byte, and its child, named
 * "sender", that sends one every other millisecond in send_byte. With the argument "relay" another
 * child, named "relay", stands between them and passes each byte on. Ends by a signal, or with its
 * parent.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
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

/* A child with a name. True in the child. */
static int child(const char *name)
{
	if (fork())
		return 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, name);
	return 1;
}

static int relay(int from, int to)
{
	while (wait_for_byte(from) && send_byte(to))
		;
	return 0;
}

int main(int argc, char **argv)
{
	struct timespec pause = {.tv_nsec = 2000000};
	int first[2], second[2], between = argc > 1 && !strcmp(argv[1], "relay");

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pipe(first) || pipe(second))
		return 1;
	if (child("sender")) {
		while (send_byte(first[1]))
			nanosleep(&pause, NULL);
		return 0;
	}
	if (between && child("relay"))
		return relay(first[0], second[1]);
	printf("ready\n");
	fflush(stdout);
	while (wait_for_byte(between ? second[0] : first[0]))
		;
	return 0;
}

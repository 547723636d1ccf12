/*
 * threads.c - one thread from the start and one that is born at SIGUSR1; both use CPU time until a
 * signal ends the program. Prints its two thread ids, one a line, each when the thread runs.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile uint64_t sink;

__attribute__((noinline)) void work_early(void)
{
	for (int i = 0; i < 100000; i++)
		sink++;
}

__attribute__((noinline)) void work_late(void)
{
	for (int i = 0; i < 100000; i++)
		sink++;
}

static void announce(const char *name)
{
	pthread_setname_np(pthread_self(), name);
	printf("%ld\n", syscall(SYS_gettid));
	fflush(stdout);
}

static void *early(void *unused)
{
	(void)unused;
	announce("early");
	for (;;)
		work_early();
	return NULL;
}

static void *late(void *unused)
{
	(void)unused;
	announce("late");
	for (;;)
		work_late();
	return NULL;
}

int main(void)
{
	pthread_t thread;
	sigset_t usr1;
	int signal;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	pthread_create(&thread, NULL, early, NULL);
	sigwait(&usr1, &signal);
	pthread_create(&thread, NULL, late, NULL);
	pthread_join(thread, NULL);
	return 0;
}

/*
 * stacks.c - threads whose stacks are known, for flametap stack. Says "ready" on standard output.
 *
 * stacks          threads that run, sleep, wait for a lock, are in a signal handler, in a callback
 * stacks blocked  in uninterruptible sleep, until the child that it started ends
 * stacks traced   a child that is stopped for its parent, whose id is printed
 * stacks signals  receives 20000 queued signals, prints how many came
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIGNALS 20000

static volatile unsigned long counter;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t arrived;

static void arrive(const char *name)
{
	prctl(PR_SET_NAME, name);
	pthread_barrier_wait(&arrived);
}

static inline __attribute__((always_inline)) void turn(unsigned long by)
{
	for (;;)
		counter += by;
}

static __attribute__((noinline)) void spin(unsigned long by)
{
	turn(by);
}

static void *spinner(void *arg)
{
	arrive("spinner");
	spin((unsigned long)(size_t)arg);
	return NULL;
}

static __attribute__((noinline)) int deep(int more)
{
	volatile char room[64];

	room[0] = (char)more;
	if (more)
		return deep(more - 1) + room[0];
	return pause();
}

static void *deeper(void *arg)
{
	arrive("deep\033[31m");
	deep(20);
	return arg;
}

static void *locker(void *arg)
{
	arrive("locker (one)");
	pthread_mutex_lock(&lock);
	return arg;
}

static void on_signal(int number)
{
	(void)number;
	pause();
	counter++; /* no tail call */
}

static void *signalled(void *arg)
{
	arrive("signalled");
	pthread_kill(pthread_self(), SIGUSR2);
	return arg;
}

static int compare(const void *a, const void *b)
{
	pause();
	return a < b;
}

static void *sorter(void *arg)
{
	int numbers[] = {2, 1};

	arrive("sorter");
	qsort(numbers, 2, sizeof(numbers[0]), compare);
	return arg;
}

static int threads(void)
{
	void *(*const bodies[])(void *) = {spinner, deeper, locker, signalled, sorter};
	const unsigned int count = sizeof(bodies) / sizeof(bodies[0]);
	struct sigaction action = {.sa_handler = on_signal};
	pthread_t thread;

	sigaction(SIGUSR2, &action, NULL);
	pthread_barrier_init(&arrived, NULL, count + 1);
	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < count; i++)
		pthread_create(&thread, NULL, bodies[i], NULL);
	pthread_barrier_wait(&arrived);
	puts("ready");
	fflush(stdout);
	pthread_join(thread, NULL);
	return 0;
}

static __attribute__((noinline)) int wait_for_child(void)
{
	/* As fork, but the parent sleeps until the child ends or runs another program. */
	long pid = syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(STDOUT_FILENO, "ready\n", 6) == 6)
			pause();
		_exit(0);
	}
	return pid < 0;
}

static __attribute__((noinline)) void stop_here(void)
{
	raise(SIGSTOP);
	counter++;
}

static int traced(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		stop_here();
		return 0;
	}
	waitpid(pid, &status, 0);
	printf("%d\n", (int)pid);
	fflush(stdout);
	pause();
	return 0;
}

static volatile sig_atomic_t received;

static void on_queued(int number)
{
	(void)number;
	received = received + 1;
}

static int signals(void)
{
	struct sigaction action = {.sa_handler = on_queued};
	const struct timespec nap = {.tv_nsec = 100000};
	pid_t parent = getpid(), pid;
	int status;

	sigaction(SIGRTMIN, &action, NULL);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < SIGNALS;) {
			union sigval value = {0};

			if (sigqueue(parent, SIGRTMIN, value) == 0)
				i++;
			else if (errno != EAGAIN)
				return 1;
			if (i % 16 == 0)
				nanosleep(&nap, NULL);
		}
		return 0;
	}
	puts("ready");
	fflush(stdout);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		counter++;
	printf("%d\n", (int)received);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "blocked"))
		return wait_for_child();
	if (!strcmp(what, "traced"))
		return traced();
	if (!strcmp(what, "signals"))
		return signals();
	return threads();
}

/*
 * manystacks.c - many different stacks, each seen a known number of times.
 *
 * manystacks call|together|fault DEPTH PREFIX THREADS PROCESSES [TIMES]: every thread of every
 * process walks a binary tree of calls of left() and right() that is DEPTH deep, below PREFIX calls
 * of prefix(), TIMES times, and causes one event at each of its 2^DEPTH leaves: the system call
 * getppid, which nothing else here makes, or a page fault in leaf_fault(). Together: the threads of
 * a process wait for each other before each call, so that all meet the same stack at the same time.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS_MAX 64
#define PAGES 256

static int depth, prefix_calls, threads, times = 1;
static enum { CALL, TOGETHER, FAULT } event;
static volatile unsigned long arrived; /* threads at a leaf, in all */

struct walk {
	volatile char *pages; /* fresh ones, used one after another */
	size_t page_bytes;
	int used;
};

__attribute__((noinline)) void leaf_fault(struct walk *w)
{
	w->pages[w->used++ * w->page_bytes] = 1;
}

static void meet(void)
{
	unsigned long target = (__sync_fetch_and_add(&arrived, 1) / threads + 1) * threads;

	for (int spins = 1; arrived < target; spins++)
		if (spins % 1000 == 0)
			sched_yield();
}

static void leaf(struct walk *w)
{
	if (event == TOGETHER)
		meet();
	if (event != FAULT) {
		syscall(SYS_getppid);
		return;
	}
	if (w->used == PAGES) {
		madvise((void *)w->pages, PAGES * w->page_bytes, MADV_DONTNEED);
		w->used = 0;
	}
	leaf_fault(w);
}

void left(struct walk *w, int level);
void right(struct walk *w, int level);

__attribute__((noinline)) void left(struct walk *w, int level)
{
	if (level == depth) {
		leaf(w);
		return;
	}
	left(w, level + 1);
	right(w, level + 1);
}

__attribute__((noinline)) void right(struct walk *w, int level)
{
	if (level == depth) {
		leaf(w);
		return;
	}
	left(w, level + 1);
	right(w, level + 1);
}

__attribute__((noinline)) void prefix(struct walk *w, int calls)
{
	if (calls)
		prefix(w, calls - 1);
	else {
		left(w, 1);
		right(w, 1);
	}
}

static void *thread_main(void *unused)
{
	struct walk w = {.page_bytes = (size_t)sysconf(_SC_PAGESIZE)};

	w.pages = mmap(NULL, PAGES * w.page_bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (w.pages == MAP_FAILED)
		abort();
	madvise((void *)w.pages, PAGES * w.page_bytes, MADV_NOHUGEPAGE);
	for (int i = 0; i < times; i++)
		prefix(&w, prefix_calls);
	return unused;
}

static void process_main(void)
{
	pthread_t ids[THREADS_MAX];

	for (int i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, thread_main, NULL))
			abort();
	for (int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	exit(0);
}

int main(int argc, char **argv)
{
	int processes, failed = 0, status;

	if (argc != 6 && argc != 7)
		return 2;
	event = !strcmp(argv[1], "fault") ? FAULT : !strcmp(argv[1], "together") ? TOGETHER : CALL;
	depth = atoi(argv[2]);
	prefix_calls = atoi(argv[3]);
	threads = atoi(argv[4]);
	processes = atoi(argv[5]);
	if (argc == 7)
		times = atoi(argv[6]);
	if (depth < 1 || threads < 1 || threads > THREADS_MAX)
		return 2;
	for (int i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			abort();
		if (pid == 0)
			process_main();
	}
	while (wait(&status) > 0)
		failed |= status;
	return failed != 0;
}

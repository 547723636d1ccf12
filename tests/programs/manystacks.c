/*
 * manystacks.c - many different stacks, each seen a known number of times.
 *
 * manystacks call|fault DEPTH PREFIX THREADS PROCESSES: every thread of every process walks a
 * binary tree of calls of left() and right() that is DEPTH deep, below PREFIX calls of prefix(),
 * and causes one event at each of its 2^DEPTH leaves: the system call getppid, which nothing else
 * here makes, or a page fault in leaf_fault().
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS_MAX 64
#define PAGES 256

static int depth, prefix_calls;
static int faults; /* else system calls */

struct walk {
	volatile char *pages; /* fresh ones, used one after another */
	size_t page_bytes;
	int used;
};

__attribute__((noinline)) void leaf_fault(struct walk *w)
{
	w->pages[w->used++ * w->page_bytes] = 1;
}

static void leaf(struct walk *w)
{
	if (!faults) {
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
	prefix(&w, prefix_calls);
	return unused;
}

static void process_main(int threads)
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
	int threads, processes, failed = 0, status;

	if (argc != 6)
		return 2;
	faults = !strcmp(argv[1], "fault");
	depth = atoi(argv[2]);
	prefix_calls = atoi(argv[3]);
	threads = atoi(argv[4]);
	processes = atoi(argv[5]);
	if (depth < 1 || threads < 1 || threads > THREADS_MAX)
		return 2;
	for (int i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			abort();
		if (pid == 0)
			process_main(threads);
	}
	while (wait(&status) > 0)
		failed |= status;
	return failed != 0;
}

/*
 * ways.cc - targets for the walk of user stacks: one program for each way to make a stack that is
 * not plain.
 *
 *   ways threads|signal|altstack|qsort|context
 *
 * threads: four of them, with deep recursion through frames that have destructors, left by
 * exceptions. signal: a handler that works while main works. altstack: the same on a stack of its
 * own. qsort: work in a callback of the C library. context: work on stacks of makecontext. Runs
 * until it is ended, or with whoever has started it.
 */
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/prctl.h>
#include <sys/time.h>
#include <thread>
#include <ucontext.h>
#include <vector>

#define NOINLINE __attribute__((noinline))

static volatile uint64_t sink;

static NOINLINE void spin(long rounds)
{
	uint64_t work = 1;

	for (long i = 0; i < rounds; i++)
		work = (work ^ (work >> 7)) * 0x9e3779b97f4a7c15u + 1;
	sink = work;
}

struct Guard {
	std::string text;
	explicit Guard(int depth) : text(20 + depth % 7, 'x')
	{
	}
	~Guard()
	{
		sink = text.size();
	}
};

static NOINLINE int recurse(int depth)
{
	Guard guard(depth);

	if (!depth) {
		spin(20000);
		throw depth;
	}
	return recurse(depth - 1) + static_cast<int>(guard.text.size());
}

static NOINLINE void throw_for_ever(int depth)
{
	for (;;) {
		try {
			sink = static_cast<uint64_t>(recurse(depth));
		} catch (int number) {
			sink = static_cast<uint64_t>(number);
		}
	}
}

static void run_threads()
{
	std::vector<std::thread> threads;

	for (int i = 0; i < 4; i++)
		threads.emplace_back(throw_for_ever, 20 + 20 * i);
	for (auto &thread : threads)
		thread.join();
}

static void handle(int)
{
	spin(1000000);
}

static void run_signal(int flags)
{
	struct itimerval every = {{0, 5000}, {0, 5000}};
	struct sigaction action = {};

	action.sa_handler = handle;
	action.sa_flags = SA_RESTART | flags;
	sigaction(SIGALRM, &action, nullptr);
	setitimer(ITIMER_REAL, &every, nullptr);
	for (;;)
		spin(10000);
}

static void run_altstack()
{
	stack_t stack = {};

	stack.ss_size = 256 * 1024;
	stack.ss_sp = malloc(stack.ss_size);
	if (!stack.ss_sp || sigaltstack(&stack, nullptr))
		exit(1);
	run_signal(SA_ONSTACK);
}

static int compare(const void *a, const void *b)
{
	spin(50);
	return *static_cast<const int *>(a) - *static_cast<const int *>(b);
}

static void run_qsort()
{
	static int numbers[20000];

	for (;;) {
		for (int i = 0; i < 20000; i++)
			numbers[i] = rand() % 100000;
		qsort(numbers, 20000, sizeof(*numbers), compare);
	}
}

static ucontext_t contexts[3];

static void fiber(int self)
{
	for (;;) {
		spin(20000);
		swapcontext(&contexts[self], &contexts[self % 2 + 1]);
	}
}

static void make_fiber(int self)
{
	ucontext_t *context = &contexts[self];

	getcontext(context);
	context->uc_stack.ss_size = 256 * 1024;
	context->uc_stack.ss_sp = malloc(context->uc_stack.ss_size);
	if (!context->uc_stack.ss_sp)
		exit(1);
	makecontext(context, reinterpret_cast<void (*)()>(fiber), 1, self);
}

static void run_context()
{
	make_fiber(1);
	make_fiber(2);
	swapcontext(&contexts[0], &contexts[1]);
}

int main(int argc, char **argv)
{
	const char *way = argc == 2 ? argv[1] : "";

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!strcmp(way, "threads"))
		run_threads();
	else if (!strcmp(way, "signal"))
		run_signal(0);
	else if (!strcmp(way, "altstack"))
		run_altstack();
	else if (!strcmp(way, "qsort"))
		run_qsort();
	else if (!strcmp(way, "context"))
		run_context();
	fprintf(stderr, "usage: ways threads|signal|altstack|qsort|context\n");
	return 2;
}

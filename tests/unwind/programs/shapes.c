/*
 * shapes.c - stacks that are hard to walk, one for each name given as argument. Compiled with
 * optimization and without frame pointers. Runs until it is ended.
 */
#include <alloca.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))

volatile uint64_t sink;

NOINLINE uint64_t burn(uint64_t rounds)
{
	for (uint64_t i = 0; i < rounds; i++)
		sink += i * sink + 1;
	return sink;
}

NOINLINE uint64_t deeper(unsigned depth, uint64_t rounds)
{
	uint64_t kept = sink, result = depth ? deeper(depth - 1, rounds) : burn(rounds);

	return result + sink + kept;
}

static void handler(int number)
{
	(void)number;
	deeper(3, 3000);
}

/* A timer that strikes wherever the program is, also within library functions. */
static void arm(int on_other_stack)
{
	struct sigaction action = {.sa_handler = handler};
	struct itimerval often = {{0, 300}, {0, 300}};

	if (on_other_stack) {
		stack_t stack = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};

		sigaltstack(&stack, NULL);
		action.sa_flags = SA_ONSTACK;
	}
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void run_signal(void)
{
	arm(0);
	for (;;)
		deeper(5, 20000);
}

static void run_altstack(void)
{
	arm(1);
	for (;;)
		deeper(5, 20000);
}

static void run_vdso(void)
{
	struct timespec now;

	for (;;)
		for (int i = 0; i < 1000; i++) {
			clock_gettime(CLOCK_MONOTONIC, &now);
			sink += (uint64_t)now.tv_nsec;
		}
}

/* The size of the frame is known only when it runs. */
NOINLINE uint64_t with_alloca(unsigned depth, uint64_t bytes)
{
	/* cppcheck-suppress allocaCalled ; that is what this program is for */
	char *room = alloca(bytes);
	uint64_t result;

	memset(room, (int)depth, bytes);
	result = depth ? with_alloca(depth - 1, bytes + 40) : burn(2000);
	return result + (uint64_t)room[bytes / 2];
}

static void run_alloca(void)
{
	for (;;)
		with_alloca(8, 64 + sink % 512);
}

/*
 * Aligned more strictly than the ABI does, with arguments on the stack: gcc keeps the CFA in
 * memory.
 */
__attribute__((target("avx2"))) NOINLINE double realigned(unsigned depth, long a, long b, long c,
							  long d, long e, long f, long g,
							  double *out)
{
	double lanes[8] __attribute__((aligned(64)));
	/* cppcheck-suppress allocaCalled ; that is what this program is for */
	char *room = alloca((size_t)(a + 16));

	for (int i = 0; i < 8; i++)
		lanes[i] = (double)(sink + (uint64_t)(a + b + c + d + e + f + g + i));
	room[a] = (char)depth;
	if (depth)
		lanes[0] += realigned(depth - 1, b, a, c, d, e, f, g, lanes + 1);
	else
		burn(1500);
	*out = lanes[3];
	return lanes[0] + room[a];
}

static void run_realign(void)
{
	double out = 0;

	for (;;)
		realigned(6, 1, 2, 3, 4, 5, 6, 7, &out);
}

static int by_value(const void *a, const void *b)
{
	const int *x = a, *y = b;

	burn(3);
	return (*x > *y) - (*x < *y);
}

static void run_qsort(void)
{
	static int list[4000];

	for (;;) {
		for (int i = 0; i < 4000; i++)
			list[i] = rand();
		qsort(list, 4000, sizeof(*list), by_value);
	}
}

/* Calls that go through the PLT, some of them for the first time. */
static void run_plt(void)
{
	for (;;)
		sink += (uint64_t)abs(rand()) + strlen(getenv("PATH") ? getenv("PATH") : "");
}

/* vfork keeps its return address in a register. */
static void run_vfork(void)
{
	for (;;) {
		pid_t pid = vfork();

		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
}

static void *thread(void *unused)
{
	(void)unused;
	for (int i = 0; i < 300; i++)
		deeper(10, 3000);
	return NULL;
}

static void run_thread(void)
{
	for (;;) {
		pthread_t both[2];

		for (int i = 0; i < 2; i++)
			pthread_create(&both[i], NULL, thread, NULL);
		for (int i = 0; i < 2; i++)
			pthread_join(both[i], NULL);
	}
}

static void run_deep(void)
{
	for (;;)
		deeper(400, 2000);
}

static const struct {
	const char *name;
	void (*run)(void);
} shapes[] = {
	{"signal", run_signal}, {"altstack", run_altstack}, {"vdso", run_vdso},
	{"alloca", run_alloca}, {"realign", run_realign},   {"qsort", run_qsort},
	{"plt", run_plt},	{"vfork", run_vfork},	    {"thread", run_thread},
	{"deep", run_deep},
};

int main(int argc, char **argv)
{
	for (unsigned i = 0; argc > 1 && i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (!strcmp(argv[1], shapes[i].name))
			shapes[i].run();
	fprintf(stderr, "usage: shapes NAME\n");
	return 2;
}

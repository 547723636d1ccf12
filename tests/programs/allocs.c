/*
 * allocs.c - says "ready", waits for SIGUSR1, allocates known sums by several paths, releases parts
 * of them, and ends without releasing the rest. Left at the end, in bytes, by function:
 *
 *   keep 100000  half 30000  grow 200000  zeroed 10000  aligned 96256  mapped 2031616
 *   moved 262144  big 1048576  failed 100  in_thread 140000  from_nothing 1000
 *   nothing of dropped, given, unused
 */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define THREADS 4
#define GIVEN 40
#define MIB (1024 * 1024)
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

static void *volatile sink; /* nothing is optimized away, and nothing is kept on purpose */
static void *given_blocks[THREADS][GIVEN];

__attribute__((noinline)) static void keep(void)
{
	for (int i = 0; i < 100; i++)
		sink = malloc(1000);
}

__attribute__((noinline)) static void dropped(void)
{
	for (int i = 0; i < 100; i++) {
		sink = malloc(500);
		free(sink);
	}
}

__attribute__((noinline)) static void half(void)
{
	for (int i = 0; i < 200; i++) {
		sink = malloc(300);
		if (i % 2)
			free(sink);
	}
}

__attribute__((noinline)) static void grow(void)
{
	for (int i = 0; i < 50; i++) {
		void *block = malloc(100);

		sink = realloc(block, 4000);
	}
}

__attribute__((noinline)) static void from_nothing(void)
{
	void *volatile nothing = NULL; /* or the compiler makes malloc of it */

	for (int i = 0; i < 10; i++)
		sink = realloc(nothing, 100);
}

__attribute__((noinline)) static void zeroed(void)
{
	for (int i = 0; i < 10; i++)
		sink = calloc(20, 50);
}

__attribute__((noinline)) static void aligned(void)
{
	void *block;

	for (int i = 0; i < 10; i++)
		if (!posix_memalign(&block, 64, 4096))
			sink = block;
	for (int i = 0; i < 5; i++)
		sink = aligned_alloc(4096, 8192);
	for (int i = 0; i < 7; i++)
		sink = memalign(128, 2048);
}

__attribute__((noinline)) static void mapped(void)
{
	char *maps[3];

	for (int i = 0; i < 3; i++)
		maps[i] = mmap(NULL, MIB, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0);
	munmap(maps[0], MIB);
	munmap(maps[1], 65536);
	sink = maps[2];
}

__attribute__((noinline)) static void unused(void)
{
	sink = mmap(NULL, MIB, PROT_NONE, ANONYMOUS, -1, 0);
}

__attribute__((noinline)) static void moved(void)
{
	void *map = mmap(NULL, 65536, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0);

	sink = mremap(map, 65536, 262144, MREMAP_MAYMOVE);
}

/* The allocator maps memory for this; that is not counted twice. */
__attribute__((noinline)) static void big(void)
{
	sink = malloc(MIB);
}

__attribute__((noinline)) static void failed(void)
{
	volatile size_t huge = PTRDIFF_MAX;
	void *block = malloc(100);

	sink = realloc(block, huge);
	/* NOLINTNEXTLINE(clang-analyzer-optin.portability.UnixAPI): what glibc does is the case */
	sink = realloc(malloc(200), 0); /* releases it */
	if (sink)
		free(sink);
}

__attribute__((noinline)) static void in_thread(void)
{
	for (int i = 0; i < 50; i++)
		sink = malloc(700);
}

__attribute__((noinline)) static void given(void **blocks)
{
	for (int i = 0; i < GIVEN; i++)
		blocks[i] = malloc(600);
}

static void *thread_main(void *blocks)
{
	in_thread();
	given(blocks);
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	sigset_t usr1;
	int number;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	printf("ready\n");
	fflush(stdout);
	sigwait(&usr1, &number);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, thread_main, given_blocks[i]);
	keep();
	dropped();
	half();
	grow();
	zeroed();
	from_nothing();
	aligned();
	mapped();
	unused();
	moved();
	big();
	failed();
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		for (int k = 0; k < GIVEN; k++)
			free(given_blocks[i][k]);
	}
	return 0;
}

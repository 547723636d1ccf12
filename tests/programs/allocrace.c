/*
 * allocrace.c - says "ready", waits for SIGUSR1, and lets eight threads allocate, resize, exchange
 * and release blocks at random; at the end all are released but the 12345 bytes that main keeps.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 8
#define ROUNDS 10000
#define BLOCKS 64
#define SHARED 256

static void *shared[SHARED];
static void *volatile kept;

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33);
}

/* Does one of the things to one block. */
static void act(void **block, uint64_t *seed)
{
	size_t bytes = 1 + next_random(seed) % 3000;
	void *moved;

	if (next_random(seed) % 64 == 0)
		bytes *= 100; /* the allocator maps memory for these */
	switch (next_random(seed) % 5) {
	case 0:
		free(*block);
		*block = malloc(bytes);
		break;
	case 1:
		moved = realloc(*block, bytes);
		if (moved)
			*block = moved;
		break;
	case 2:
		free(*block);
		*block = calloc(1, bytes);
		break;
	case 3: /* another thread will release it */
		*block = __atomic_exchange_n(&shared[next_random(seed) % SHARED], *block,
					     __ATOMIC_SEQ_CST);
		break;
	default:
		free(*block);
		*block = posix_memalign(&moved, 64, bytes) ? NULL : moved;
	}
}

static void *thread_main(void *number)
{
	uint64_t seed = (uintptr_t)number;
	void *blocks[BLOCKS] = {NULL};

	for (int i = 0; i < ROUNDS; i++)
		act(&blocks[next_random(&seed) % BLOCKS], &seed);
	for (int i = 0; i < BLOCKS; i++)
		free(blocks[i]);
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
	kept = malloc(12345);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, thread_main, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < SHARED; i++)
		free(shared[i]);
	return 0;
}

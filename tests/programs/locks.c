/*
 * locks.c - four threads that take one mutex in turn and sleep for 2 ms while they have it: at any
 * time three wait for it in convoy, by a ticket so that none is passed over. Ends by a signal.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define THREADS 4

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static int whose;
static volatile uint64_t sink;

__attribute__((noinline)) static void await_turn(int self)
{
	pthread_mutex_lock(&mutex);
	while (whose != self)
		pthread_cond_wait(&turn, &mutex);
	pthread_mutex_unlock(&mutex);
	sink++;
}

__attribute__((noinline)) static void *convoy(void *arg)
{
	struct timespec hold = {.tv_nsec = 2000000};
	int self = (int)(intptr_t)arg;

	for (;;) {
		await_turn(self);
		nanosleep(&hold, NULL);
		pthread_mutex_lock(&mutex);
		whose = (self + 1) % THREADS;
		pthread_cond_broadcast(&turn);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

int main(void)
{
	pthread_t thread;

	for (int i = 1; i < THREADS; i++)
		if (pthread_create(&thread, NULL, convoy, (void *)(intptr_t)i))
			return 1;
	printf("ready\n");
	fflush(stdout);
	convoy((void *)0);
	return 0;
}

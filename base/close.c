/* close.c - see close.h. */
#include "base/close.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#define THREADS_MAX 64
#define STACK_BYTES (64 * 1024)

/* Every so many-th descriptor, from one on. */
struct share {
	const int *fds;
	size_t count, first, step;
	pthread_t thread;
};

static void *close_share(void *context)
{
	const struct share *share = context;

	for (size_t i = share->first; i < share->count; i += share->step)
		if (share->fds[i] >= 0)
			close(share->fds[i]);
	return NULL;
}

void ft_close_all(const int *fds, size_t count)
{
	struct share shares[THREADS_MAX];
	size_t threads = count < THREADS_MAX ? count : THREADS_MAX, started = 0;
	sigset_t all, before;
	pthread_attr_t attr;

	sigfillset(&all); /* signals are for the other threads */
	if (threads > 1 && !pthread_attr_init(&attr)) {
		pthread_attr_setstacksize(&attr, STACK_BYTES);
		pthread_sigmask(SIG_BLOCK, &all, &before);
		for (; started < threads - 1; started++) {
			struct share *share = &shares[started];

			*share = (struct share){fds, count, started, threads, 0};
			if (pthread_create(&share->thread, &attr, close_share, share))
				break;
		}
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		pthread_attr_destroy(&attr);
	}
	for (size_t first = started; first < threads; first++) {
		struct share own = {fds, count, first, threads, 0};

		close_share(&own);
	}
	for (size_t i = 0; i < started; i++)
		pthread_join(shares[i].thread, NULL);
}

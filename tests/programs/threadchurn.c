/* threadchurn.c - makes 200 threads, one after the other, that sleep for 2 ms each and end. */
#include <pthread.h>
#include <time.h>

__attribute__((noinline)) static void *churned(void *unused)
{
	struct timespec time = {.tv_nsec = 2000000};

	nanosleep(&time, NULL);
	return unused;
}

int main(void)
{
	for (int i = 0; i < 200; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, churned, NULL))
			return 1;
		pthread_join(thread, NULL);
	}
	return 0;
}

/* brief.c - uses 20 ms of CPU time in brief_spin() and ends. */
#include <stdint.h>
#include <time.h>

static volatile uint64_t sink;

__attribute__((noinline)) void brief_spin(void)
{
	struct timespec used;

	do {
		for (int i = 0; i < 100000; i++)
			sink++;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	} while (used.tv_sec == 0 && used.tv_nsec < 20000000);
}

int main(void)
{
	brief_spin();
	return 0;
}

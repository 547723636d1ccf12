/*
 * shares.c - spends 60, 30 and 10 percent of its CPU time in three call paths, until a signal ends
 * it.
 */
#include <stdint.h>

static volatile uint64_t sink;

static __attribute__((noinline)) void spin(long rounds)
{
	/*
	 * On the stack: gcc leaves the frame pointer out of leaf functions that have nothing there.
	 */
	volatile uint64_t work = 0;

	for (long i = 0; i < rounds; i++)
		work = work * 3 + (uint64_t)i;
	sink = work;
}

__attribute__((noinline)) void path_sixty(void)
{
	spin(6000);
	sink++;
}

__attribute__((noinline)) void path_thirty(void)
{
	spin(3000);
	sink++;
}

__attribute__((noinline)) void path_ten(void)
{
	spin(1000);
	sink++;
}

int main(void)
{
	for (;;) {
		path_sixty();
		path_thirty();
		path_ten();
	}
}

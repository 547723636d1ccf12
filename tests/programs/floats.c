/*
 * floats.c - values that live in vector registers while they are looked at, for flametap stack
 * --locals. Says "ready" and runs until it is ended; with the argument "crash" it ends by SIGSEGV.
 */
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#define IN "x"
#else
#define IN "w"
#endif

/* The values are needed behind the loop, which leaves every register alone. */
__attribute__((noinline)) static double turn(double weight, float ratio, double other, int crash)
{
	double sum = weight + other;

	__asm__ volatile("" : "+" IN(sum), "+" IN(weight), "+" IN(ratio));
	if (crash)
		__asm__ volatile("" : : "r"(*(volatile int *)16));
	for (;;)
		__asm__ volatile("" : "+" IN(sum), "+" IN(weight), "+" IN(ratio));
	return sum + weight + (double)ratio;
}

int main(int argc, char **argv)
{
	puts("ready");
	fflush(stdout);
	return turn(2.5, 0.75F, (double)argc, argc > 1 && !strcmp(argv[1], "crash")) > 0;
}

/*
 * userfuncs.c - calls functions in known numbers and with known arguments, for probes on them:
 * userfuncs N calls outer(i) for i from 0 to N - 1, which calls inner(i, 2 * i) twice.
 */
#include <stdio.h>
#include <stdlib.h>

__attribute__((noinline)) int inner(int a, int b)
{
	return a + b;
}

__attribute__((noinline)) static long outer(long i)
{
	return inner((int)i, (int)(2 * i)) + inner((int)i, (int)(2 * i));
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? strtol(argv[1], NULL, 10) : 1, sum = 0;

	for (long i = 0; i < count; i++)
		sum += outer(i);
	printf("%ld\n", sum);
	return 0;
}

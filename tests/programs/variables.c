/*
 * variables.c - a stack whose variables are known, for flametap stack --locals. Says "ready" and
 * waits for a signal; with the argument "crash" it ends by SIGSEGV instead.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum color { RED, GREEN = 5, BLUE };

struct point {
	int x, y;
};

struct all {
	struct point at;
	const char *name;
	unsigned int low : 3, high : 7;
	int negative : 4;
	enum color color;
	double weight;
	short list[4];
	union {
		int i;
		float f;
	} u;
	struct all *next;
};

static int counter = 7;
static volatile int sink;

static inline __attribute__((always_inline)) int step(int by, const char *why)
{
	volatile int twice = by * 2;

	if (!strcmp(why, "crash"))
		sink = *(volatile int *)(size_t)twice;
	else
		pause();
	return twice + (int)strlen(why);
}

static __attribute__((noinline)) int inner(struct all *all, long number, unsigned char letter,
					   bool yes, float real, const char *why)
{
	char text[16] = "hello\tworld";
	int grid[2][3] = {{1, 2, 3}, {4, 5, 6}};
	static int calls = 3;
	struct all copy = *all;

	calls += grid[1][2];
	{
		int block = 99;

		block += counter;
		calls += step(block, why);
	}
	return calls + (int)number + letter + yes + (int)real + copy.at.x + text[1];
}

static __attribute__((noinline)) int outer(int count, char **words)
{
	struct all all = {.at = {1, -2},
			  .name = "a \"name\"",
			  .low = 5,
			  .high = 100,
			  .negative = -3,
			  .color = BLUE,
			  .weight = 2.5,
			  .list = {1, 2, 3, 4},
			  .u.i = 77};

	all.next = &all;
	return inner(&all, 123456789012L, 'q', true, 1.25f, words[count - 1]) + all.at.x;
}

int main(int argc, char **argv)
{
	puts("ready");
	fflush(stdout);
	return outer(argc, argv);
}

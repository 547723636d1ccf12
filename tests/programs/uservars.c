/*
 * uservars.c - variables of known values, for scripts that read them: structures, bit fields,
 * arrays, enumerations, a union, globals, an inlined call, recursion; a forked child, and a thread.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum color { RED, GREEN = 5 };

struct inner {
	short narrow;
	unsigned int three : 3;
	int five : 5;
};

struct point {
	int x, y;
	const char *name;
	struct inner inner;
	enum color color;
	struct point *next;
	int array[4];
	union {
		int whole;
		unsigned char bytes[4];
	} either;
	struct {
		long hidden;
	};
};

int counter = 7;
static long secret = -9;

__attribute__((noinline)) static long look(struct point *p, int n, const char *text, char c)
{
	long sum = (long)strlen(text) + c;

	for (int i = 0; i < n; i++)
		sum += p->array[i] + p->x;
	return sum + secret;
}

static inline __attribute__((always_inline)) int tiny(int q)
{
	counter += q;
	return counter;
}

__attribute__((noinline)) static unsigned long factorial(unsigned int n)
{
	return n < 2 ? 1 : n * factorial(n - 1);
}

__attribute__((noinline)) static struct inner make(short narrow)
{
	struct inner made = {.narrow = narrow, .three = 6, .five = -1};

	return made;
}

static void *thread_run(void *arg)
{
	return arg;
}

int main(void)
{
	struct point p = {.x = 3,
			  .y = -4,
			  .name = "origin",
			  .inner = {.narrow = -2, .three = 5, .five = -7},
			  .color = GREEN,
			  .array = {10, 20, 30, 40},
			  .either = {.whole = 0x01020304},
			  {.hidden = 99}};
	pthread_t thread;

	p.next = &p;
	printf("%ld\n", look(&p, 4, "text", 'q'));
	printf("%d\n", tiny(4));
	printf("%lu\n", factorial(5));
	printf("%d\n", make(11).narrow);
	pthread_create(&thread, NULL, thread_run, NULL);
	pthread_join(thread, NULL);
	fflush(stdout);
	if (!fork())
		_exit(0);
	wait(NULL);
	return 0;
}

/*
 * latecomer.c - works; once a file appears, loads a library and works in there.
 *
 * latecomer LIBRARY FILE: calls the library's "late", again and again, until it is killed.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

static volatile unsigned long sink;

__attribute__((noinline)) static void early(void)
{
	for (unsigned long i = 0; i < 1000000; i++)
		sink += i;
}

int main(int argc, char **argv)
{
	void (*late)(void);
	void *library;

	if (argc != 3)
		return 2;
	while (access(argv[2], F_OK))
		early();
	library = dlopen(argv[1], RTLD_NOW);
	late = library ? (void (*)(void))dlsym(library, "late") : NULL;
	if (!late) {
		fprintf(stderr, "latecomer: %s\n", dlerror());
		return 1;
	}
	for (;;)
		late();
}

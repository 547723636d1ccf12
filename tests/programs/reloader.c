/*
 * reloader.c - loads libraries, works in them, and unloads them.
 *
 * reloader ROUNDS LIBRARY...: in each round, for each library: loads it, calls its "work", unloads
 * it.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	for (int round = atoi(argv[1]); round > 0; round--) {
		for (int i = 2; i < argc; i++) {
			void *library = dlopen(argv[i], RTLD_NOW);
			void (*work)(void) =
				library ? (void (*)(void))dlsym(library, "work") : NULL;

			if (!work) {
				fprintf(stderr, "reloader: %s\n", dlerror());
				return 1;
			}
			work();
			dlclose(library);
		}
	}
	return 0;
}

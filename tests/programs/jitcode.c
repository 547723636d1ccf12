/*
 * jitcode.c - runs code that it made at run time for some milliseconds of CPU time, and names it in
 * /tmp/perf-PID.map, where PID is what it knows itself by.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* push fp; count down from 2^20; pop fp; return. */
#if defined(__x86_64__)
static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0xb9, 0x00, 0x00, 0x10,
				     0x00, 0xff, 0xc9, 0x75, 0xfc, 0x5d, 0xc3};
#elif defined(__aarch64__)
static const unsigned int code[] = {0xa9bf7bfd, 0x910003fd, 0x52a00200, 0x71000400,
				    0x54ffffe1, 0xa8c17bfd, 0xd65f03c0};
#endif

int main(int argc, char **argv)
{
	long milliseconds = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct timespec begin, now;
	void (*run)(void);
	char path[64];
	FILE *map;

	if (memory == MAP_FAILED)
		return 1;
	memcpy(memory, code, sizeof(code));
	if (mprotect(memory, 4096, PROT_READ | PROT_EXEC))
		return 1;
	__builtin___clear_cache((char *)memory, (char *)memory + sizeof(code));
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	map = fopen(path, "we");
	if (!map)
		return 1;
	fprintf(map, "%lx 1000 stale name\n", (unsigned long)memory);
	fprintf(map, "%lx %zx made at run time\n", (unsigned long)memory, sizeof(code));
	fclose(map);
	puts("ready");
	fflush(stdout);
	memcpy(&run, &memory, sizeof(run));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	do {
		for (int i = 0; i < 10; i++)
			run();
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	} while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 <
		 milliseconds);
	if (argc > 2)
		remove(path);
	return 0;
}

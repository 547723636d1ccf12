/*
 * jitmoves.c - makes code at run time, uses its memory again and moves it, and tells so in
 * jit-PID.dump (written to the current folder, and only at the end, as compilers with large buffers
 * do).
 *
 * jitmoves MILLISECONDS CYCLES: in each cycle, for so much CPU time each, "alpha" runs in the first
 * place; then it is moved to the second and runs there, after "beta" has come to the first; then
 * "beta" runs. So a third of the time is beta's, and at the end the first place is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* push fp; count down from 2^16; pop fp; return. */
#if defined(__x86_64__)
static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0xb9, 0x00, 0x00, 0x01,
				     0x00, 0xff, 0xc9, 0x75, 0xfc, 0x5d, 0xc3};
#elif defined(__aarch64__)
static const unsigned int code[] = {0xa9bf7bfd, 0x910003fd, 0x52a00020, 0x71000400,
				    0x54ffffe1, 0xa8c17bfd, 0xd65f03c0};
#endif

#define PLACE_BYTES 256

static FILE *dump;
static unsigned long long next_index;

static unsigned long long now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (unsigned long long)now.tv_sec * 1000000000 + (unsigned long long)now.tv_nsec;
}

static void put32(unsigned int number)
{
	fwrite(&number, sizeof(number), 1, dump);
}

static void put64(unsigned long long number)
{
	fwrite(&number, sizeof(number), 1, dump);
}

static void put_prefix(unsigned int id, size_t bytes)
{
	put32(id);
	put32((unsigned int)(16 + bytes));
	put64(now_ns(CLOCK_MONOTONIC));
	put32((unsigned int)getpid());
	put32((unsigned int)getpid());
}

static unsigned long long load(const char *name, const unsigned char *place)
{
	put_prefix(0, 40 + strlen(name) + 1 + sizeof(code));
	put64((unsigned long long)place);
	put64((unsigned long long)place);
	put64(sizeof(code));
	put64(next_index);
	fwrite(name, strlen(name) + 1, 1, dump);
	fwrite(code, sizeof(code), 1, dump);
	return next_index++;
}

static void move(unsigned long long index, const unsigned char *from, const unsigned char *to)
{
	put_prefix(1, 48);
	put64((unsigned long long)to);
	put64((unsigned long long)from);
	put64((unsigned long long)to);
	put64(sizeof(code));
	put64(index);
}

static void run_at(unsigned char *place, long milliseconds)
{
	unsigned long long end =
		now_ns(CLOCK_PROCESS_CPUTIME_ID) + (unsigned long long)milliseconds * 1000000;
	void (*run)(void);

	memcpy(&run, &place, sizeof(run));
	do {
		for (int i = 0; i < 10; i++)
			run();
	} while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < end);
}

static int dump_begin(void)
{
	char path[64];

	snprintf(path, sizeof(path), "jit-%d.dump", (int)getpid());
	dump = fopen(path, "w+e");
	if (!dump)
		return -1;
	setvbuf(dump, NULL, _IOFBF, 16 << 20);
	put32(0x4A695444);
	put32(1);
	put32(40);
	put32(62);
	put32(0);
	put32((unsigned int)getpid());
	put64(now_ns(CLOCK_MONOTONIC));
	put64(0);
	/* The mark by which profilers find it. */
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(dump), 0) == MAP_FAILED;
}

int main(int argc, char **argv)
{
	long milliseconds = argc > 1 ? strtol(argv[1], NULL, 10) : 100;
	long cycles = argc > 2 ? strtol(argv[2], NULL, 10) : 1;
	unsigned char *first = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *second = first + PLACE_BYTES;

	if (first == MAP_FAILED || dump_begin())
		return 1;
	memcpy(first, code, sizeof(code));
	memcpy(second, code, sizeof(code));
	__builtin___clear_cache((char *)first, (char *)second + sizeof(code));
	for (long i = 0; i < cycles; i++) {
		unsigned long long alpha = load("alpha", first);

		run_at(first, milliseconds);
		move(alpha, first, second);
		load("beta", first);
		run_at(second, milliseconds);
		run_at(first, milliseconds);
	}
	return fclose(dump) != 0;
}

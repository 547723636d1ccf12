/*
 * calls.c - says "ready", waits for SIGUSR1, makes system calls in known numbers, and ends: getppid
 * 800 times in often and 200 times in seldom; write to /dev/null of 100 bytes 40 times in
 * large_writes, of 10 bytes 100 times in small_writes, and tick after each write.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile uint64_t sink;

__attribute__((noinline)) static void often(void)
{
	for (int i = 0; i < 800; i++)
		sink += (uint64_t)syscall(SYS_getppid);
}

__attribute__((noinline)) static void seldom(void)
{
	for (int i = 0; i < 200; i++)
		sink += (uint64_t)syscall(SYS_getppid);
}

__attribute__((noinline)) static void tick(void)
{
	sink++;
}

__attribute__((noinline)) static void large_writes(int fd, const char *bytes)
{
	for (int i = 0; i < 40; i++) {
		sink += (uint64_t)write(fd, bytes, 100);
		tick();
	}
}

__attribute__((noinline)) static void small_writes(int fd, const char *bytes)
{
	for (int i = 0; i < 100; i++) {
		sink += (uint64_t)write(fd, bytes, 10);
		tick();
	}
}

int main(void)
{
	static const char bytes[100];
	int fd = open("/dev/null", O_WRONLY), number;
	sigset_t usr1;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	printf("ready\n");
	fflush(stdout);
	sigwait(&usr1, &number);
	often();
	seldom();
	large_writes(fd, bytes);
	small_writes(fd, bytes);
	return fd < 0;
}

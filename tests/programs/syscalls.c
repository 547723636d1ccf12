/* syscalls.c - makes known system calls, one after the other, for the tests of scripts. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Written to before, so that the kernel can read them at the entry of a call. */
static char folder[] = "made here", missing[] = "/no/such\tfile\x01",
	    text[] = "two\nlines \"quoted\"";
static char sink[] = "/dev/null";
static char longer[] = "0123456789012345678901234567890123456789012345678901234567890123456789";

static void sockets(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/no/socket"};
	int fd;

	in.sin_addr.s_addr = htonl(0x7f000001);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP);
	if (connect(fd, (const struct sockaddr *)&in, sizeof(in)))
		perror("connect");
	close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (!connect(fd, (const struct sockaddr *)&un, sizeof(un)))
		puts("connected");
	close(fd);
}

int main(int argc, char **argv)
{
	struct timespec wait = {.tv_nsec = 1000000};
	struct rlimit none = {.rlim_cur = 0, .rlim_max = RLIM_INFINITY};
	int ends[2] = {0, 0};
	sigset_t set;
	int fd, rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 10;

	for (int i = 0; i < rounds; i++)
		syscall(SYS_getppid);
	umask(0);
	syscall(SYS_mkdirat, AT_FDCWD, folder, 0750);
	syscall(SYS_unlinkat, AT_FDCWD, folder, AT_REMOVEDIR);
	fd = (int)syscall(SYS_openat, AT_FDCWD, missing, O_RDWR | O_CREAT | O_EXCL, 0640);
	if (fd >= 0)
		return 1;
	fd = open(sink, O_WRONLY);
	if (write(fd, text, strlen(text)) < 0 || write(fd, longer, strlen(longer)) < 0 ||
	    write(fd, text, 0) < 0)
		return 1;
	lseek(fd, -5, SEEK_CUR);
	close(fd);
	sockets();
	syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &wait, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 8L);
	kill(getpid(), 0);
	syscall(SYS_prlimit64, 0, RLIMIT_CORE, &none, NULL);
	madvise(NULL, 0, MADV_DONTNEED);
	syscall(SYS_futex, NULL, FUTEX_CMP_REQUEUE, 1, 2L, NULL, -1);
	syscall(SYS_pipe2, ends, O_CLOEXEC);
	return 0;
}

/*
 * jvm.c - asks a Java machine for the names of its compiled code (sampler.h).
 *
 * HotSpot's attach protocol, as jcmd speaks it: a file .attach_pidN in /tmp and SIGQUIT make the
 * machine listen on the socket .java_pidN beside it; a request is "1", the command, and three
 * arguments, each ended by NUL; the answer is a number (0: done), a newline, and text. Source:
 * sun.tools.attach.VirtualMachineImpl (Linux) of OpenJDK. Compiler.perfmap exists since JDK 17. N
 * is the process's id inside its namespace, and /tmp the one that it sees.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/proc.h"
#include "sampler/sampler.h"

#define TRIES 100 /* of 50 ms, for the machine to listen */
#define ANSWER_MS 10000

static int find_machine(void *context, const struct ft_proc_map *map)
{
	const char *slash = strrchr(map->path, '/');

	if (!map->executable || !slash || strncmp(slash, "/libjvm.so", 10) != 0)
		return 0;
	*(bool *)context = true;
	return 1;
}

/* The process's /tmp: a descriptor, or a negative errno. */
static int open_tmp(u32 pid)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	char path[40];
	int root, tmp;

	snprintf(path, sizeof(path), "/proc/%u/root", pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	tmp = (int)syscall(SYS_openat2, root, "tmp", &how, sizeof(how));
	if (tmp < 0)
		tmp = -errno;
	close(root);
	return tmp;
}

static bool is_socket(int tmp, const char *name)
{
	struct stat st;

	return !fstatat(tmp, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISSOCK(st.st_mode);
}

/* Makes the machine listen. owner: whom the file has to belong to. 0 or a negative errno. */
static int make_listen(u32 pid, u32 inside, int tmp, const char *socket_name, uid_t owner)
{
	const struct timespec nap = {.tv_nsec = 50000000};
	char name[40];
	int fd, code = -ETIME;

	snprintf(name, sizeof(name), ".attach_pid%u", inside);
	fd = openat(tmp, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (fchown(fd, owner, (gid_t)-1) && owner != geteuid())
		code = -errno;
	close(fd);
	if (code == -ETIME && kill((pid_t)pid, SIGQUIT))
		code = -errno;
	for (int i = 0; code == -ETIME && i < TRIES; i++) {
		if (is_socket(tmp, socket_name))
			code = 0;
		else
			nanosleep(&nap, NULL);
	}
	unlinkat(tmp, name, 0);
	return code;
}

static int ask(int tmp, const char *socket_name, char *answer, size_t cap)
{
	static const char request[] =
		"1\0jcmd\0Compiler.perfmap\0\0"; /* and the literal's own NUL */
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct pollfd wait = {.events = POLLIN};
	size_t have = 0;
	ssize_t n = 0;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), code = 0;

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", tmp,
		 socket_name);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    send(fd, request, sizeof(request), MSG_NOSIGNAL) != sizeof(request))
		code = -errno;
	wait.fd = fd;
	while (!code && have < cap - 1) {
		if (poll(&wait, 1, ANSWER_MS) != 1)
			code = -ETIME;
		else
			n = read(fd, answer + have, cap - 1 - have);
		if (code || n <= 0)
			break;
		have += (size_t)n;
	}
	answer[have] = '\0';
	close(fd);
	return code;
}

int ft_jvm_perfmap(u32 pid, struct ft_err *err)
{
	u32 inside = ft_proc_pid_inside(pid);
	char name[40], path[40], answer[400];
	bool machine = false;
	struct stat st;
	int tmp, code;

	ft_proc_maps(pid, find_machine, &machine);
	snprintf(path, sizeof(path), "/proc/%u", pid);
	if (!machine || stat(path, &st))
		return -ENOEXEC;
	tmp = open_tmp(pid);
	if (tmp < 0)
		return ft_err_set(err, tmp, "cannot ask Java process %u: %s", pid, strerror(-tmp));
	snprintf(name, sizeof(name), ".java_pid%u", inside);
	code = is_socket(tmp, name) ? 0 : make_listen(pid, inside, tmp, name, st.st_uid);
	if (!code)
		code = ask(tmp, name, answer, sizeof(answer));
	close(tmp);
	if (code == -ETIME)
		return ft_err_set(err, code,
				  "Java process %u does not answer (it may run with "
				  "-XX:+DisableAttachMechanism)",
				  pid);
	if (code)
		return ft_err_set(err, code, "cannot ask Java process %u: %s", pid,
				  strerror(-code));
	if (strncmp(answer, "0\n", 2) != 0) {
		answer[strcspn(answer, "\n")] = ' ';
		return ft_err_set(err, -ENOTSUP,
				  "Java process %u does not write a map of its code (JDK 17 or "
				  "later does): %s",
				  pid, answer);
	}
	return 0;
}

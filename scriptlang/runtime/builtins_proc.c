/*
 * builtins_proc.c - functions of the tapset that ask the system: processes by /proc, the time zone,
 * commands. What the process at hand is, the kernel part of a handler has found out before.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "scriptlang/kernel/kernel_names.h"
#include "scriptlang/runtime/builtins.h"

#define ENVIRON_BYTES_MAX (4u << 20)

NUMBER(stp_pid, getpid())
NUMBER(stp_uid, getuid())
NUMBER(remote_id, 0)
NUMBER(cpu_clock_ns, ft_clock_ns(CLOCK_MONOTONIC))
NUMBER(cpu_clock_us, ft_clock_ns(CLOCK_MONOTONIC) / 1000)
NUMBER(cpu_clock_ms, ft_clock_ns(CLOCK_MONOTONIC) / 1000000)
NUMBER(cpu_clock_s, ft_clock_ns(CLOCK_MONOTONIC) / 1000000000)

BUILTIN(remote_uri)
{
	return text_of(x, "");
}

BUILTIN(module_name)
{
	return text_of(x, x->module_name ? x->module_name : "flametap");
}

/* A file of a process. NULL: it has none, or is gone. The caller's. */
static char *proc_file(s64 pid, const char *name, size_t *len)
{
	char path[64], *data = NULL;

	snprintf(path, sizeof(path), "/proc/%lld/%s", (long long)pid, name);
	return ft_file_read(path, ENVIRON_BYTES_MAX, &data, len) ? NULL : data;
}

/* The name of a process; handlers of user space are run by this one. */
static struct ft_value name_of(struct ft_interp *x, s64 pid)
{
	size_t len = 0;
	char *data = proc_file(pid, "comm", &len);
	struct ft_value value = ft_interp_string(x, data ? data : "", data && len ? len - 1 : 0);

	free(data);
	return value;
}

BUILTIN(execname)
{
	return name_of(x, getpid());
}

BUILTIN(pexecname)
{
	return name_of(x, getppid());
}

BUILTIN(pid2execname)
{
	return name_of(x, a[0].number);
}

NUMBER(cpu, sched_getcpu())
/* Handlers of user space have no event: nothing was interrupted. */
NUMBER(user_mode, 0)
NUMBER(addr, 0)

BUILTIN(backtrace)
{
	return text_of(x, "");
}

/* A number of /proc/PID/statm, by its place. */
BUILTIN(proc_statm)
{
	size_t len;
	char *data = proc_file(a[0].number, "statm", &len), *at = data;
	s64 number = 0;

	for (s64 i = 0; at && i <= a[1].number; i++)
		number = strtoll(at, &at, 10);
	free(data);
	return ft_interp_number(number);
}

/* Child n of a process, whichever of its threads began it; 0: it has fewer. */
BUILTIN(child_pid)
{
	char path[64];
	const struct dirent *thread;
	s64 number = 0, left = a[1].number;
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%lld/task", (long long)a[0].number);
	threads = opendir(path);
	while (threads && !number && (thread = readdir(threads))) {
		char name[48], *data, *at, *end;
		size_t len;

		snprintf(name, sizeof(name), "task/%.20s/children", thread->d_name);
		data = *thread->d_name == '.' ? NULL : proc_file(a[0].number, name, &len);
		for (at = data; at && !number; at = end) {
			s64 child = strtoll(at, &end, 10);

			if (end == at)
				break;
			if (!left--)
				number = child;
		}
		free(data);
	}
	if (threads)
		closedir(threads);
	return ft_interp_number(number);
}

/* A variable of a process's environment, as it was when its program began. */
BUILTIN(env_var)
{
	size_t len = 0;
	char *data = proc_file(a[0].number, "environ", &len);
	struct ft_value value = text_of(x, "");

	for (size_t at = 0; data && at < len; at += strnlen(data + at, len - at) + 1) {
		const char *one = data + at;
		size_t rest = strnlen(one, len - at);

		if (rest > a[1].len && !memcmp(one, a[1].text, a[1].len) && one[a[1].len] == '=')
			value = ft_interp_string(x, one + a[1].len + 1, rest - a[1].len - 1);
	}
	free(data);
	return value;
}

BUILTIN(tz_gmtoff)
{
	time_t now = time(NULL);
	struct tm parts;

	/* Seconds west of Greenwich. */
	return ft_interp_number(localtime_r(&now, &parts) ? -parts.tm_gmtoff : 0);
}

BUILTIN(tz_name)
{
	time_t now = time(NULL);
	struct tm parts;

	return text_of(x, localtime_r(&now, &parts) && parts.tm_zone ? parts.tm_zone : "");
}

BUILTIN(probe_type)
{
	return text_of(x, x->handler->point->parts[0].name);
}

BUILTIN(is_return)
{
	const struct ft_point *point = x->handler->point;

	for (u32 i = 0; i < point->part_count; i++)
		if (!strcmp(point->parts[i].name, "return") ||
		    (point->parts[i].arg && point->parts[i].arg->kind == FT_EXPR_STRING &&
		     !strcmp(point->parts[i].arg->text, "sys_exit")))
			return ft_interp_number(1);
	return ft_interp_number(0);
}

/* Addresses of the old internet; those of the new one are in the kernel (bpf_syscalls.c). */
BUILTIN(format_ipaddr)
{
	const struct in_addr addr = {.s_addr = (u32)a[0].number};
	char text[INET_ADDRSTRLEN] = "";

	if (a[1].number == AF_INET)
		inet_ntop(AF_INET, &addr, text, sizeof(text));
	return text_of(x, text);
}

/* Starts a command of the shell's, and goes on. Nobody waits for the second child. */
BUILTIN(system)
{
	pid_t child = fork();

	if (child < 0) {
		ft_interp_fail(x, call, "system(): %s", strerror(errno));
	} else if (!child) {
		if (!fork())
			execl("/bin/sh", "sh", "-c", a[0].text, (char *)NULL);
		_exit(0);
	} else {
		waitpid(child, NULL, 0);
	}
	return ft_interp_number(0);
}

/* The words of a command line, with blanks between them. */
BUILTIN(cmdline_str)
{
	size_t len = 0;
	char *data = proc_file(getpid(), "cmdline", &len);
	struct ft_value value;

	for (size_t i = 0; i + 1 < len; i++)
		data[i] = data[i] ? data[i] : ' ';
	value = ft_interp_string(x, data ? data : "", data && len ? len - 1 : 0);
	free(data);
	return value;
}

/* Where the kernel has not sent a signal by itself. */
BUILTIN(raise)
{
	if (kill((pid_t)a[1].number, (int)a[0].number))
		ft_interp_fail(x, call, "raise(): %s", strerror(errno));
	return ft_interp_number(0);
}

/* A line of the kernel's log: level, text. */
BUILTIN(printk)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || dprintf(fd, "<%d>%s", (int)a[0].number & 7, a[1].text) < 0)
		ft_interp_fail(x, call, "printk(): cannot write to /dev/kmsg: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return ft_interp_number(0);
}

/* "kernel", or the module whose memory holds an address: lines "NAME BYTES ... 0xADDRESS". */
BUILTIN(modname)
{
	u64 addr = (u64)a[0].number;
	char *data = NULL, *name = NULL;
	size_t len;
	struct ft_value value;

	if (ft_file_read("/proc/modules", 1u << 20, &data, &len))
		data = NULL;
	for (char *line = data; line && *line && !name; line = strchr(line, '\n')) {
		u64 start, bytes;
		char *at;

		line += *line == '\n';
		at = line + strcspn(line, " \n");
		bytes = strtoull(at, NULL, 10);
		at += strcspn(at, "\n");
		while (at > line && strncmp(at, " 0x", 3) != 0)
			at--;
		start = strtoull(at, NULL, 16);
		if (start && addr >= start && addr - start < bytes)
			name = line;
	}
	if (!name && (!x->kernel_names && !(x->kernel_names = ft_kernel_names_new())))
		ft_interp_fail(x, call, "out of memory");
	else if (!name && !ft_kernel_names_find(x->kernel_names, addr))
		ft_interp_fail(x, call, "modname(): no module of the kernel is at 0x%llx",
			       (unsigned long long)addr);
	value = name ? ft_interp_string(x, name, strcspn(name, " ")) : text_of(x, "kernel");
	free(data);
	return value;
}

BUILTIN(switch_file)
{
	x->switching = true;
	return ft_interp_number(0);
}

/* The only node, if there is one: the kernel's tables of more are not to be found from here. */
BUILTIN(addr_to_node)
{
	char *data = NULL;
	size_t len;
	bool is_one = a[0].number >= 0 ||
		      ft_file_read("/sys/devices/system/node/online", 4096, &data, &len) ||
		      !data[strcspn(data, ",-")];

	free(data);
	if (a[0].number >= 0)
		ft_interp_fail(x, call, "invalid kernel virtual address 0x%llx",
			       (unsigned long long)a[0].number);
	else if (!is_one)
		ft_interp_fail(x, call,
			       "addr_to_node(): this machine has several nodes, and only a module "
			       "finds out which one has an address");
	return ft_interp_number(0);
}

/* ---- $value of a script's file ---- */

static void add_to_file(struct ft_interp *x, const struct ft_value *text)
{
	size_t len, room;

	if (!x->file)
		return;
	ft_out_memory(x->file, &len);
	room = len < x->file_bytes ? x->file_bytes - len : 0;
	ft_out_bytes(x->file, text->text, text->len < room ? text->len : room);
}

BUILTIN(file_set)
{
	if (x->file) {
		ft_out_close(x->file);
		x->file = ft_out_new_memory();
	}
	add_to_file(x, &a[0]);
	return ft_interp_number(0);
}

BUILTIN(file_add)
{
	add_to_file(x, &a[0]);
	return ft_interp_number(0);
}

BUILTIN(file_text)
{
	size_t len = 0;
	const char *text = x->file ? ft_out_memory(x->file, &len) : "";

	return ft_interp_string(x, text, len);
}

static const struct {
	const char *name;
	ft_builtin_run *run;
} rows[] = {
	{"__raise", run_raise},
	{"printk", run_printk},
	{"addr_to_node", run_addr_to_node},
	{"modname", run_modname},
	{"switch_file", run_switch_file},
	{"__file_set", run_file_set},
	{"__file_add", run_file_add},
	{"__file_text", run_file_text},
	{"cmdline_str", run_cmdline_str},
	{"execname", run_execname},
	{"pexecname", run_pexecname},
	{"cpu", run_cpu},
	{"user_mode", run_user_mode},
	{"addr", run_addr},
	{"uaddr", run_addr},
	{"backtrace", run_backtrace},
	{"ubacktrace", run_backtrace},
	{"get_cycles", run_cpu_clock_ns},
	{"ktime_get_ns", run_cpu_clock_ns},
	{"stp_pid", run_stp_pid},
	{"stp_uid", run_stp_uid},
	{"remote_id", run_remote_id},
	{"remote_uri", run_remote_uri},
	{"module_name", run_module_name},
	{"cpu_clock_ns", run_cpu_clock_ns},
	{"cpu_clock_us", run_cpu_clock_us},
	{"cpu_clock_ms", run_cpu_clock_ms},
	{"cpu_clock_s", run_cpu_clock_s},
	{"__proc_statm", run_proc_statm},
	{"__child_pid", run_child_pid},
	{"__env_var", run_env_var},
	{"pid2execname", run_pid2execname},
	{"tz_gmtoff", run_tz_gmtoff},
	{"tz_name", run_tz_name},
	{"probe_type", run_probe_type},
	{"is_return", run_is_return},
	{"format_ipaddr", run_format_ipaddr},
	{"system", run_system},
};

ft_builtin_run *ft_builtin_proc_find(const char *name)
{
	for (size_t i = 0; i < FT_ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].run;
	return NULL;
}

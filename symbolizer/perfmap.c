/*
 * perfmap.c - names of code made at run time, from the files that JIT compilers write:
 * /tmp/perf-PID.map.
 *
 * A line is "START SIZE name" in hexadecimal; later lines win, since code is moved and memory used
 * again. The process writes the file and anybody may put one into /tmp, so it counts only if it is
 * a regular file that belongs to root, to us, or to the process's user. In a container the file
 * bears the PID that the process has inside, and lies in its /tmp, which is reachable also when the
 * process has ended (modules.c of the sampler holds it open). Format:
 * tools/perf/Documentation/jit-interface.txt of Linux.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/proc.h"
#include "symbolizer/lines.h"
#include "symbolizer/name.h"
#include "symbolizer/source.h"

#define FILE_BYTES_MAX (256u << 20)
#define STEPS_BASE (1u << 22) /* work beyond one step a line: wants that lines cover */
#define STEPS_PER_WANT 64

struct scan {
	const struct ft_want *wants;
	u32 count;
	u32 *names; /* string ids in text, one a want; 0: none */
	struct ft_strtab *text;
	u64 steps;
};

static int scan_line(void *arg, const char *p, const char *end)
{
	struct scan *scan = arg;
	u64 start, size;
	u32 i, name = 0;

	p = ft_lines_hex(p, end, &start);
	p = p ? ft_lines_hex(p, end, &size) : NULL;
	if (!p || p == end || !size)
		return 0;
	i = ft_want_lower(scan->wants, scan->count, start);
	for (; i < scan->count && scan->wants[i].addr - start < size && scan->steps;
	     i++, scan->steps--) {
		size_t len = (size_t)(end - p);

		if (!name)
			name = ft_strtab_add(scan->text, p,
					     len < FT_NAME_MAX + 1 ? len : FT_NAME_MAX + 1);
		if (name == FT_STR_NONE)
			return -ENOMEM;
		scan->names[i] = name;
	}
	return 0;
}

int ft_perfmap_resolve_fd(struct ft_sym *sym, struct ft_group *group, int fd)
{
	struct scan scan = {.wants = group->wants, .count = group->count};
	struct ft_name name;
	int code = -ENOMEM;

	scan.steps = STEPS_BASE + (u64)STEPS_PER_WANT * group->count;
	scan.names = ft_try_alloc(group->count, sizeof(*scan.names));
	scan.text = ft_strtab_new();
	if (scan.names && scan.text)
		code = ft_lines_read(fd, FILE_BYTES_MAX, scan_line, &scan);
	for (u32 i = 0; !code && i < group->count; i++) {
		struct ft_want *want = &group->wants[i];

		if (!scan.names[i] || want->named)
			continue;
		ft_name_plain(&name, ft_strtab_str(scan.text, scan.names[i]),
			      ft_strtab_len(scan.text, scan.names[i]));
		want->name = ft_strtab_add(sym->profile->strings, name.text, name.len);
		if (want->name == FT_STR_NONE)
			code = -ENOMEM;
		want->kind = FT_FRAME_JIT;
		want->named = true;
	}
	free(scan.names);
	ft_strtab_free(scan.text);
	return code;
}

/*
 * Opens a map in a folder if it may be trusted. owner: the process's user, or ours if that is not
 * known.
 */
static int map_open(const char *inside, const char *folder, u32 pid, uid_t owner)
{
	char path[40];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/perf-%u.map", folder, pid);
	fd = ft_file_open(inside, path, false); /* a link would make us read files of others */
	if (fd < 0)
		return fd;
	if (!fstat(fd, &st) && (st.st_uid == 0 || st.st_uid == geteuid() || st.st_uid == owner))
		return fd;
	close(fd);
	return -EPERM;
}

static int perfmap_resolve(struct ft_sym *sym, struct ft_group *group)
{
	const struct ft_module *module = group->module;
	u32 pid = module->pid;
	uid_t owner = module->fd >= 0 ? module->owner : geteuid();
	struct stat st;
	char path[40];
	int fd = -1, code;

	if (!pid)
		return 0;
	snprintf(path, sizeof(path), "/proc/%u", pid);
	if (!stat(path, &st)) {
		owner = st.st_uid;
		snprintf(path, sizeof(path), "/proc/%u/root", pid);
		fd = map_open(path, "/tmp", ft_proc_pid_inside(pid), owner);
	}
	/* It may have ended: its /tmp as it was then, which may be a container's. */
	if (fd < 0 && module->fd >= 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", module->fd);
		fd = map_open(path, "", module->pid_inside ? module->pid_inside : pid, owner);
	}
	if (fd < 0)
		fd = map_open(NULL, "/tmp", pid, owner);
	if (fd < 0)
		return 0;
	code = ft_perfmap_resolve_fd(sym, group, fd);
	close(fd);
	return code;
}

const struct ft_source ft_source_perfmap = {
	.name = "perfmap",
	.kinds = 1 << FT_GROUP_ANON,
	.resolve = perfmap_resolve,
};

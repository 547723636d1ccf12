/*
 * uprobe_attach.c - BPF programs attached to places in user-space files. See uprobe.h.
 *
 * From Linux 6.6 on a link takes any number of places. Its part of bpf(2) is newer than the libbpf
 * of Debian 12, so the system call is made here. Before, perf has an event for each place.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/alloc.h"
#include "base/close.h"
#include "base/file.h"
#include "sampler/event.h"
#include "sampler/uprobe.h"

/* include/uapi/linux/bpf.h of Linux 6.6. */
#define MULTI_RETURN 1u	     /* BPF_F_UPROBE_MULTI_RETURN */

struct link_create_multi {
	u32 prog_fd, target_fd, attach_type, flags;
	u64 path, offsets, semaphores, cookies;
	u32 count, multi_flags, pid;
	u32 unused;
};
_Static_assert(sizeof(struct link_create_multi) == 64, "bpf_attr.link_create.uprobe_multi");

#define SEMAPHORE_SHIFT 32 /* perf_event_attr.config of a uprobe */

void ft_uprobe_prepare(struct bpf_program *program)
{
	/* Kernels that do not know this kind of link ignore it. */
	bpf_program__set_expected_attach_type(program, FT_UPROBE_ATTACH_TYPE);
}

/*
 * Before 6.10 a link for one process looked at its first thread only (fixed by 46ba0e49b642, "bpf:
 * fix multi-uprobe PID filtering logic").
 */
bool ft_uprobe_knows_processes(void)
{
	struct utsname name;
	unsigned int major = 0, minor = 0;

	if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		return false;
	return major > 6 || (major == 6 && minor >= 10);
}

static int keep(struct ft_uprobes *probes, int fd)
{
	if (FT_GROW(&probes->fds, &probes->cap, probes->count + 1)) {
		close(fd);
		return -ENOMEM;
	}
	probes->fds[probes->count++] = fd;
	return 0;
}

/* All places by one link. A descriptor or a negative errno. */
static int link_all(int prog_fd, const char *path, const struct ft_uprobe_site *sites, u32 count,
		    const struct ft_uprobe_opts *opts)
{
	u64 *words = ft_try_alloc(count, 3 * sizeof(*words));
	u64 *offsets, *semaphores, *cookies;
	bool any_semaphore = false;
	struct link_create_multi attr = {
		.prog_fd = (u32)prog_fd,
		.attach_type = FT_UPROBE_ATTACH_TYPE,
		.path = (u64)(uintptr_t)path,
		.count = count,
		.multi_flags = opts->at_return ? MULTI_RETURN : 0,
		.pid = ft_uprobe_knows_processes() ? opts->pid : 0,
	};
	int fd;

	if (!words)
		return -ENOMEM;
	offsets = words;
	semaphores = words + count;
	cookies = words + 2 * (size_t)count;
	for (u32 i = 0; i < count; i++) {
		offsets[i] = sites[i].offset;
		semaphores[i] = sites[i].semaphore;
		cookies[i] = sites[i].cookie;
		any_semaphore |= semaphores[i] != 0;
	}
	attr.offsets = (u64)(uintptr_t)offsets;
	attr.cookies = (u64)(uintptr_t)cookies;
	attr.semaphores = any_semaphore ? (u64)(uintptr_t)semaphores : 0;
	fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	if (fd < 0)
		fd = -errno;
	free(words);
	return fd;
}

/* Perf's event for a place. It fires on every CPU once a program is attached. */
static int open_event(const char *path, const struct ft_uprobe_site *site, bool at_return,
		      struct ft_err *err)
{
	struct perf_event_attr attr = {
		.sample_period = 1,
		.config = site->semaphore << SEMAPHORE_SHIFT | at_return,
		.uprobe_path = (u64)(uintptr_t)path,
		.probe_offset = site->offset,
	};
	s64 type;
	int fd;

	if (ft_file_read_s64("/sys/bus/event_source/devices/uprobe/type", &type))
		return ft_err_set(err, -ENOENT,
				  "this kernel has no probes on user functions "
				  "(CONFIG_UPROBE_EVENTS)");
	if (site->semaphore >> SEMAPHORE_SHIFT)
		return ft_err_set(err, -EFBIG,
				  "cannot probe %s: its semaphore is beyond the first 4 GiB", path);
	attr.type = (u32)type;
	fd = ft_event_syscall(&attr, -1, 0, -1, 0);
	if (fd == -EACCES || fd == -EPERM)
		return ft_event_explain("a probe on a user function", fd, err);
	if (fd < 0)
		return ft_err_set(err, fd, "cannot probe %s at offset 0x%llx: %s", path,
				  (unsigned long long)site->offset, strerror(-fd));
	return fd;
}

static int attach_one(struct ft_uprobes *probes, int prog_fd, const char *path,
		      const struct ft_uprobe_site *site, bool at_return, struct ft_err *err)
{
	struct bpf_link_create_opts opts = {.sz = sizeof(opts),
					    .perf_event.bpf_cookie = site->cookie};
	int event_fd = open_event(path, site, at_return, err), fd;

	if (event_fd < 0)
		return event_fd;
	fd = bpf_link_create(prog_fd, event_fd, BPF_PERF_EVENT, &opts);
	close(event_fd); /* the link holds it */
	if (fd < 0)
		return ft_err_set(err, fd, "cannot attach to %s at offset 0x%llx: %s", path,
				  (unsigned long long)site->offset, strerror(-fd));
	return keep(probes, fd) ? ft_err_set(err, -ENOMEM, "out of memory") : 0;
}

int ft_uprobe_attach(struct ft_uprobes *probes, int prog_fd, const char *path,
		     const struct ft_uprobe_site *sites, u32 count,
		     const struct ft_uprobe_opts *opts, struct ft_err *err)
{
	int fd = link_all(prog_fd, path, sites, count, opts), code = 0;

	if (fd >= 0)
		return keep(probes, fd) ? ft_err_set(err, -ENOMEM, "out of memory") : 0;
	/* Whatever was wrong: if it is not the kernel's age, perf meets it again, and says more. */
	for (u32 i = 0; i < count && !code; i++) {
		code = attach_one(probes, prog_fd, path, &sites[i], opts->at_return, err);
		if (!code && opts->going && !opts->going(opts->context, i + 1, count))
			code = ft_err_set(err, -ECANCELED,
					  "ended after %u of %u probes were attached: before Linux "
					  "6.6 each takes some ms",
					  i + 1, count);
	}
	return code;
}

void ft_uprobe_detach(struct ft_uprobes *probes)
{
	ft_close_all(probes->fds, probes->count);
	free(probes->fds);
	*probes = (struct ft_uprobes){0};
}

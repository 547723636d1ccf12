/*
 * file.c - finds the file of a module again, and makes sure that it is the one that ran.
 *
 * Tried in this order: the path in the folder that the user named (--symfs), the descriptor
 * that was opened while the process lived, the path inside the process's root folder, the path
 * in ours. Paths come from the profiled machine: symbolic links are resolved inside the root
 * they belong to, nothing but regular files is opened, and a file with another build-id is
 * refused, for wrong names are worse than none.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "symbolizer/source.h"

#define DELETED " (deleted)" /* what the kernel puts behind the path of an unlinked file */

static size_t path_without_deleted(const char *path)
{
	size_t len = strlen(path), mark = strlen(DELETED);

	return len > mark && !strcmp(path + len - mark, DELETED) ? len - mark : len;
}

const char *ft_module_base(const struct ft_module *module, size_t *len)
{
	const char *path = module->path ? module->path : "";
	size_t end = path_without_deleted(path), start = end;

	while (start && path[start - 1] != '/')
		start--;
	if (start == end)
		start = 0;
	*len = end - start;
	return path + start;
}

/* O_PATH: a descriptor that names the file and cannot do anything to it. */
static int open_path(const char *inside, const char *path, int nofollow)
{
	struct open_how how = {.flags = (u64)(O_PATH | O_CLOEXEC | nofollow),
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	char *joined;
	int root, fd;

	if (!inside) {
		fd = open(path, O_PATH | O_CLOEXEC | nofollow);
		return fd < 0 ? -errno : fd;
	}
	root = open(inside, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	if (fd < 0)
		fd = -errno;
	close(root);
	if (fd != -ENOSYS)
		return fd;
	/* Before Linux 5.6. Absolute links then lead to our root; the build-id still guards. */
	if (asprintf(&joined, "%s/%s", inside, path) < 0)
		return -ENOMEM;
	fd = open(joined, O_PATH | O_CLOEXEC | nofollow);
	if (fd < 0)
		fd = -errno;
	free(joined);
	return fd;
}

int ft_file_open(const char *inside, const char *path, bool may_be_link)
{
	int fd, named = open_path(inside, path, may_be_link ? 0 : O_NOFOLLOW);
	char self[40];
	struct stat st;

	if (named < 0)
		return named;
	if (fstat(named, &st)) {
		fd = -errno;
	} else if (!S_ISREG(st.st_mode)) {
		fd = -EINVAL;
	} else {
		snprintf(self, sizeof(self), "/proc/self/fd/%d", named);
		fd = open(self, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd < 0)
			fd = -errno;
	}
	close(named);
	return fd;
}

/* Opens the image in fd if it is the module's. -ESTALE: it is another file. fd is the caller's. */
static int open_image(const struct ft_module *module, int fd, struct ft_elf **elf)
{
	u8 build_id[FT_ELF_BUILD_ID_MAX];
	int code = ft_elf_open(fd, elf), len;

	if (code || !module->build_id_len)
		return code;
	len = ft_elf_build_id_of(*elf, build_id);
	if (len == module->build_id_len && !memcmp(build_id, module->build_id, (size_t)len))
		return 0;
	ft_elf_close(*elf);
	*elf = NULL;
	return -ESTALE;
}

static int open_named(struct ft_group *group, const char *inside, const char *path)
{
	int fd = ft_file_open(inside, path, true), code;

	if (fd < 0)
		return fd;
	code = open_image(group->module, fd, &group->elf);
	if (code)
		close(fd);
	else
		group->fd = fd;
	return code;
}

/*
 * One spelling of the path, in both roots. Keeps the more telling error: another file, rather than
 * none.
 */
static int open_in_roots(struct ft_group *group, const char *path, int code)
{
	char root[40];
	int next;

	snprintf(root, sizeof(root), "/proc/%u/root", group->module->pid);
	next = group->module->pid ? open_named(group, root, path) : -ENOENT;
	if (next && next != -ENOMEM) {
		code = code == -ESTALE ? code : next;
		next = open_named(group, NULL, path);
	}
	if (!next || next == -ENOMEM)
		return next;
	return code == -ESTALE || (code == -ENOEXEC && next != -ESTALE) ? code : next;
}

static void note_failure(struct ft_symbolize_notes *notes, const struct ft_module *module, int code)
{
	const char *path = module->path ? module->path : "";

	if (code == -ENOEXEC)
		return; /* read well, but no ELF file: a Java class archive, say */
	if (code == -ESTALE) {
		if (!notes->files_replaced++)
			snprintf(notes->first_replaced, sizeof(notes->first_replaced), "%s", path);
	} else if (!notes->files_missing++) {
		snprintf(notes->first_missing, sizeof(notes->first_missing), "%s", path);
	}
}

static int file_open(struct ft_sym *sym, struct ft_group *group)
{
	const struct ft_module *module = group->module;
	const char *path = module->path ? module->path : "";
	size_t len = path_without_deleted(path);
	int code = -ENOENT;

	if (sym->opts && sym->opts->symfs && *path == '/')
		code = open_named(group, sym->opts->symfs, path);
	if (code && code != -ENOMEM && module->fd >= 0)
		code = open_image(module, module->fd, &group->elf);
	if (code && code != -ENOMEM && *path == '/')
		code = open_in_roots(group, path, code);
	if (code && code != -ENOMEM && *path == '/' && path[len]) {
		/*
		 * An unlinked file: what has its name now is most likely its successor; only a
		 * build-id tells.
		 */
		char *stripped = module->build_id_len ? strndup(path, len) : NULL;

		if (stripped)
			code = open_in_roots(group, stripped, code);
		free(stripped);
	}
	if (code == -ENOMEM)
		return code;
	if (code)
		note_failure(sym->notes, module, code);
	return 0;
}

const struct ft_source ft_source_file = {
	.name = "file",
	.kinds = 1 << FT_GROUP_FILE,
	.open = file_open,
};

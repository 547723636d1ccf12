/* modules.c - see modules.h. */
#include "sampler/modules.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/elf.h"
#include "base/hash.h"
#include "base/proc.h"

/* What makes two mappings the same module. */
struct key {
	u64 dev, inode;
	u32 pid;    /* anonymous memory belongs to one process; 0 for files */
	u32 module; /* index in raw */
};

struct ft_modules {
	struct ft_raw *raw;
	struct key *keys;
	size_t key_count, key_cap;
	u32 *slots; /* index into keys + 1, or 0; linear probing, at most half full */
	u32 slot_mask;
};

struct ft_modules *ft_modules_new(struct ft_raw *raw)
{
	struct ft_modules *modules = ft_alloc(sizeof(*modules));

	modules->raw = raw;
	modules->slot_mask = 255;
	modules->slots = ft_alloc(sizeof(u32) * (modules->slot_mask + 1));
	return modules;
}

void ft_modules_free(struct ft_modules *modules)
{
	if (!modules)
		return;
	free(modules->keys);
	free(modules->slots);
	free(modules);
}

static u32 slot_of(const struct ft_modules *modules, const struct key *key)
{
	u64 hash = ft_hash_mix(ft_hash_mix(key->dev, key->inode), key->pid);
	u32 at = (u32)hash & modules->slot_mask;

	for (; modules->slots[at]; at = (at + 1) & modules->slot_mask) {
		const struct key *k = &modules->keys[modules->slots[at] - 1];

		if (k->dev == key->dev && k->inode == key->inode && k->pid == key->pid)
			break;
	}
	return at;
}

static int table_grow(struct ft_modules *modules)
{
	u32 *old = modules->slots, slots = (modules->slot_mask + 1) * 2;
	u32 *fresh = ft_try_alloc(slots, sizeof(*fresh));

	if (!fresh)
		return -1;
	modules->slots = fresh;
	modules->slot_mask = slots - 1;
	for (u32 i = 0; i < modules->key_count; i++)
		fresh[slot_of(modules, &modules->keys[i])] = i + 1;
	free(old);
	return 0;
}

int ft_modules_open_regular(const char *path)
{
	int probe = open(path, O_PATH | O_CLOEXEC), fd = -1;
	char self[32];
	struct stat st;

	if (probe < 0)
		return -1;
	if (fstat(probe, &st) == 0 && S_ISREG(st.st_mode)) {
		snprintf(self, sizeof(self), "/proc/self/fd/%d", probe);
		fd = open(self, O_RDONLY | O_CLOEXEC);
	}
	close(probe);
	return fd;
}

/* Whether an open file has the name of the mapped one, in whatever folder. */
static bool same_name(int fd, const char *path)
{
	static const char deleted[] = " (deleted)";
	char self[32], target[PATH_MAX];
	const char *name = strrchr(path, '/'), *slash;
	ssize_t len;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	len = readlink(self, target, sizeof(target) - 1);
	if (len < 0 || !name)
		return false;
	target[len] = '\0';
	slash = strrchr(target, '/');
	len = (ssize_t)strlen(name);
	return slash && !strncmp(slash, name, (size_t)len) &&
	       (!slash[len] || !strcmp(slash + len, deleted));
}

/*
 * Whether an open file is the mapped one: another may have taken its place in the process's memory,
 * or its name. On overlayfs the numbers differ, so the name has to do.
 */
static bool same_file(int fd, const struct ft_mapped_file *file)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st))
		return false;
	return st.st_ino == file->inode ||
	       (fstatfs(fd, &fs) == 0 && fs.f_type == OVERLAYFS_SUPER_MAGIC &&
		same_name(fd, file->path));
}

/* Opens a path if it is the mapped file, else -1. */
static int open_same(const char *path, const struct ft_mapped_file *file)
{
	int fd = ft_modules_open_regular(path);

	if (fd < 0 || same_file(fd, file))
		return fd;
	close(fd);
	return -1;
}

static int open_mapped(const struct ft_mapped_file *file)
{
	char path[PATH_MAX + 64];
	int fd;

	/*
	 * The mapping's own link works in any namespace and for deleted files, but needs
	 * privileges.
	 */
	snprintf(path, sizeof(path), "/proc/%u/map_files/%llx-%llx", file->pid,
		 (unsigned long long)file->start, (unsigned long long)file->end);
	fd = open_same(path, file);
	if (fd >= 0)
		return fd;
	snprintf(path, sizeof(path), "/proc/%u/root%s", file->pid, file->path);
	fd = open_same(path, file);
	return fd >= 0 ? fd : open_same(file->path, file);
}

static enum ft_module_kind kind_of(const struct ft_mapped_file *file)
{
	if (!strcmp(file->path, "[vdso]"))
		return FT_MODULE_VDSO;
	if (file->inode == 0 || file->path[0] != '/' || !strncmp(file->path, "//anon", 6) ||
	    !strncmp(file->path, "/dev/zero", 9) || !strncmp(file->path, "/anon_hugepage", 14) ||
	    !strncmp(file->path, "/SYSV", 5) || !strncmp(file->path, "/memfd:", 7))
		return FT_MODULE_ANON;
	return FT_MODULE_FILE;
}

/*
 * Holds the folder in which a compiler writes about the code that it makes: /tmp as the process
 * sees it, which may go with the last process of its mount namespace.
 */
static void open_tmp(struct ft_module *module)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	int root;

	char path[40];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u", module->pid);
	if (stat(path, &st))
		return;
	module->owner = st.st_uid;
	module->pid_inside = ft_proc_pid_inside(module->pid);
	snprintf(path, sizeof(path), "/proc/%u/root", module->pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return;
	module->fd = (int)syscall(SYS_openat2, root, "tmp", &how, sizeof(how));
	close(root);
}

/* Opens the file of a module that has none open yet, and notes its build-id. */
static void open_module(struct ft_module *module, const struct ft_mapped_file *file)
{
	int n;

	if (module->kind == FT_MODULE_ANON && module->fd < 0)
		open_tmp(module);
	if (module->kind != FT_MODULE_FILE || module->fd >= 0)
		return;
	module->fd = open_mapped(file);
	n = module->fd < 0 ? 0 : ft_elf_build_id(module->fd, module->build_id);
	module->build_id_len = n > 0 ? (u8)n : 0;
	if (module->fd >= 0)
		module->shift_count =
			(u8)ft_elf_code_shifts(module->fd, module->shifts, FT_MODULE_SHIFTS);
}

u32 ft_modules_get(struct ft_modules *modules, const struct ft_mapped_file *file)
{
	struct ft_module module = {.kind = kind_of(file), .fd = -1, .pid = file->pid};
	struct key key = {.dev = file->dev, .inode = file->inode};
	u32 slot, index;

	if (module.kind == FT_MODULE_VDSO)
		key = (struct key){.dev = UINT64_MAX, .inode = 1};
	else if (module.kind == FT_MODULE_ANON)
		key = (struct key){.dev = UINT64_MAX, .pid = file->pid};
	slot = slot_of(modules, &key);
	if (modules->slots[slot]) {
		index = modules->keys[modules->slots[slot] - 1].module;
		/* The process that mapped it first may have been gone too soon. */
		open_module(&modules->raw->modules[index], file);
		return index;
	}
	if (modules->key_count * 2 > modules->slot_mask && table_grow(modules))
		return UINT32_MAX;
	if (FT_GROW(&modules->keys, &modules->key_cap, modules->key_count + 1))
		return UINT32_MAX;
	open_module(&module, file);
	module.path = ft_strdup(module.kind == FT_MODULE_ANON ? "//anon" : file->path);
	index = ft_raw_module(modules->raw, &module);
	if (index == UINT32_MAX) {
		free(module.path);
		if (module.fd >= 0)
			close(module.fd);
		return UINT32_MAX;
	}
	key.module = index;
	modules->keys[modules->key_count++] = key;
	modules->slots[slot_of(modules, &key)] = (u32)modules->key_count;
	return index;
}

/*
 * debugfile.c - finds the file that holds the symbols and debug information of a stripped one.
 *
 * By build-id (DIR/.build-id/ab/cdef.debug), then by the name in .gnu_debuglink: beside the
 * file, in .debug beside it, and below DIR. DIR is what --debug-dir names, and /usr/lib/debug.
 * Each is looked for in --symfs, in the root of the process, and in ours. A file is taken only
 * if it has the same build-id; where one of the two has none, if it has the checksum that
 * .gnu_debuglink asks for. Where there is none, servers are asked if the user named some
 * (debuginfod.c), and last the file itself may carry symbols (minidebug.c).
 *
 * dwz's supplementary file is what .gnu_debugaltlink names, in each of the roots; it must have the
 * build-id that stands there.
 *
 * A package of split units is FILE.dwp, or what debuglink names with ".dwp" behind it. Each unit in
 * it is checked by its id.
 */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/alloc.h"
#include "symbolizer/source.h"

#define DEBUG_DIR "/usr/lib/debug"
#define LINK_BYTES_MAX 512

struct search {
	struct ft_sym *sym;
	struct ft_group *group;
	u8 build_id[FT_ELF_BUILD_ID_MAX];
	int build_id_len;
	char name[LINK_BYTES_MAX]; /* of .gnu_debuglink; "" if there is none */
	u32 crc;
	char root[40]; /* of the process, or "" */
};

static void link_read(struct search *search)
{
	struct ft_elf *elf = search->group->elf;
	const struct ft_elf_section *section = ft_elf_section(elf, SHT_PROGBITS, ".gnu_debuglink");
	size_t len, crc_at;

	if (!section || section->bytes > sizeof(search->name) || section->bytes < 8 ||
	    ft_elf_read(elf, section->offset, search->name, section->bytes)) {
		search->name[0] = '\0';
		return;
	}
	len = strnlen(search->name, section->bytes);
	crc_at = (len + 4) & ~(size_t)3;
	if (!len || crc_at + sizeof(search->crc) > section->bytes ||
	    memchr(search->name, '/', len)) {
		search->name[0] = '\0';
		return;
	}
	memcpy(&search->crc, search->name + crc_at, sizeof(search->crc));
}

/* The checksum of a whole file. False: it could not be read. */
static bool file_crc(int fd, u32 *crc)
{
	static const size_t bytes = 256 * 1024;
	u8 *buffer = ft_try_alloc(1, bytes);
	uLong sum = crc32(0, NULL, 0);
	off_t at = 0;
	ssize_t n = -1;

	while (buffer && (n = pread(fd, buffer, bytes, at)) > 0) {
		sum = crc32(sum, buffer, (uInt)n);
		at += n;
	}
	free(buffer);
	*crc = (u32)sum;
	return n == 0;
}

static bool is_same(const struct search *search, const struct ft_elf *elf, int fd)
{
	u8 build_id[FT_ELF_BUILD_ID_MAX];
	int len = ft_elf_build_id_of(elf, build_id);
	u32 crc;

	if (len > 0 && search->build_id_len > 0)
		return len == search->build_id_len &&
		       !memcmp(build_id, search->build_id, (size_t)len);
	return search->name[0] && file_crc(fd, &crc) && crc == search->crc;
}

static bool has_symbols(struct ft_elf *elf)
{
	return ft_elf_section(elf, SHT_SYMTAB, NULL) ||
	       ft_elf_section(elf, SHT_PROGBITS, ".debug_info");
}

void ft_note_damaged(struct ft_sym *sym, const char *path)
{
	struct ft_symbolize_notes *notes = sym->notes;

	if (notes && !notes->files_damaged++)
		snprintf(notes->first_senseless, sizeof(notes->first_senseless), "%s", path);
}

/* Takes a file, which is closed if it is not to be used. 0, -ENOENT or -ENOMEM. */
static int take(struct search *search, int fd, const char *path)
{
	struct ft_symbolize_notes *notes = search->sym->notes;
	struct ft_elf *elf;
	int code = ft_elf_open(fd, &elf);

	if (code == -ENOEXEC || (!code && elf->is_damaged))
		ft_note_damaged(search->sym, path);
	if (!code && is_same(search, elf, fd)) {
		if (has_symbols(elf)) {
			search->group->debug_elf = elf;
			search->group->debug_fd = fd;
			search->group->debug_path = strdup(path);
			return 0;
		}
	} else if (!code && notes && !notes->debug_refused++) {
		snprintf(notes->first_refused, sizeof(notes->first_refused), "%s", path);
	}
	if (!code)
		ft_elf_close(elf);
	close(fd);
	return code == -ENOMEM ? code : -ENOENT;
}

/* 0: opened. -ENOENT: not there, or not to be used. -ENOMEM. */
static int try_open(struct search *search, const char *inside, const char *path)
{
	int fd = ft_file_open(inside, path, true);

	return fd < 0 ? -ENOENT : take(search, fd, path);
}

static int try_roots(struct search *search, const char *path)
{
	const struct ft_symbolize_opts *opts = search->sym->opts;
	int code = -ENOENT;

	if (opts && opts->symfs)
		code = try_open(search, opts->symfs, path);
	if (code == -ENOENT && search->root[0])
		code = try_open(search, search->root, path);
	if (code == -ENOENT)
		code = try_open(search, NULL, path);
	return code;
}

/* Below --debug-dir, which is a folder of ours, then below the usual place. */
static int try_dirs(struct search *search, const char *path)
{
	const struct ft_symbolize_opts *opts = search->sym->opts;
	char *joined = NULL;
	int code = -ENOENT;

	if (opts && opts->debug_dir)
		code = try_open(search, opts->debug_dir, path);
	if (code != -ENOENT)
		return code;
	if (asprintf(&joined, DEBUG_DIR "%s", path) < 0)
		return -ENOMEM;
	code = try_roots(search, joined);
	free(joined);
	return code;
}

static int by_build_id(struct search *search)
{
	char path[32 + 2 * FT_ELF_BUILD_ID_MAX];
	int at;

	if (search->build_id_len < 2)
		return -ENOENT;
	at = snprintf(path, sizeof(path), "/.build-id/%02x/", search->build_id[0]);
	for (int i = 1; i < search->build_id_len; i++)
		at += snprintf(path + at, sizeof(path) - (size_t)at, "%02x", search->build_id[i]);
	snprintf(path + at, sizeof(path) - (size_t)at, ".debug");
	return try_dirs(search, path);
}

static int by_link(struct search *search)
{
	const struct ft_module *module = search->group->module;
	const char *path = module->path ? module->path : "", *slash = strrchr(path, '/');
	int folder_len = slash ? (int)(slash - path) : 0, code = -ENOENT;
	static const char *const between[] = {"/", "/.debug/"};
	char *joined = NULL;

	if (!search->name[0] || !slash)
		return -ENOENT;
	for (size_t i = 0; code == -ENOENT && i <= FT_ARRAY_LEN(between); i++) {
		bool beside = i < FT_ARRAY_LEN(between);

		if (asprintf(&joined, "%.*s%s%s", folder_len, path, between[beside ? i : 0],
			     search->name) < 0)
			return -ENOMEM;
		code = beside ? try_roots(search, joined) : try_dirs(search, joined);
		free(joined);
	}
	return code;
}

static int by_server(struct search *search)
{
	int fd = ft_debuginfod_find(search->sym, search->build_id, search->build_id_len);

	return fd < 0 ? -ENOENT : take(search, fd, "what debuginfod delivered");
}

int ft_debugfile_seek(struct ft_sym *sym, struct ft_group *group)
{
	struct search search = {.sym = sym, .group = group};
	int code;

	if (group->debug_sought || !group->elf || group->kind != FT_GROUP_FILE)
		return 0;
	group->debug_sought = true;
	if (ft_elf_section(group->elf, SHT_PROGBITS, ".debug_info"))
		return 0;
	search.build_id_len = ft_elf_build_id_of(group->elf, search.build_id);
	link_read(&search);
	if (group->module->pid)
		snprintf(search.root, sizeof(search.root), "/proc/%u/root", group->module->pid);
	code = by_build_id(&search);
	if (code == -ENOENT)
		code = by_link(&search);
	if (code == -ENOENT)
		code = by_server(&search);
	if (code == -ENOENT && !ft_elf_section(group->elf, SHT_SYMTAB, NULL))
		code = ft_minidebug_open(group);
	if (code == -ENODATA) {
		ft_note_damaged(sym, group->module->path ? group->module->path : "");
		code = 0;
	}
	return code == -ENOENT ? 0 : code;
}

/* Notes a file that cannot be a whole ELF file. */
static void check_whole(struct ft_sym *sym, int fd, const char *path)
{
	struct ft_elf *elf;
	int code = ft_elf_open(fd, &elf);

	if (code == -ENOEXEC || (!code && elf->is_damaged))
		ft_note_damaged(sym, path);
	if (!code)
		ft_elf_close(elf);
}

/* Opens a package in one of the roots, or below the folders of debug files. 0, -ENOENT, -ENOMEM. */
static int package_open(struct search *search, const char *folder, int folder_len, const char *name)
{
	const struct ft_symbolize_opts *opts = search->sym->opts;
	const char *const roots[] = {opts ? opts->symfs : NULL, opts ? opts->debug_dir : NULL,
				     search->root[0] ? search->root : NULL, NULL};
	char *path = NULL;
	int fd = -ENOENT;

	if (asprintf(&path, "%.*s/%s.dwp", folder_len, folder, name) < 0)
		return -ENOMEM;
	for (size_t i = 0; fd < 0 && i < FT_ARRAY_LEN(roots); i++)
		if (roots[i] || i == FT_ARRAY_LEN(roots) - 1)
			fd = ft_file_open(roots[i], path, true);
	if (fd >= 0)
		check_whole(search->sym, fd, path);
	free(path);
	if (fd < 0)
		return -ENOENT;
	search->group->package_fd = fd;
	return 0;
}

int ft_debugfile_package(struct ft_sym *sym, struct ft_group *group)
{
	struct search search = {.sym = sym, .group = group};
	const char *path = group->module->path ? group->module->path : "";
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	int folder_len = slash ? (int)(slash - path) : 1, code;

	if (group->package_fd >= 0 || group->kind != FT_GROUP_FILE || !*name)
		return -ENOENT;
	if (group->module->pid)
		snprintf(search.root, sizeof(search.root), "/proc/%u/root", group->module->pid);
	link_read(&search);
	code = package_open(&search, slash ? path : ".", folder_len, name);
	if (code == -ENOENT && search.name[0])
		code = package_open(&search, slash ? path : ".", folder_len, search.name);
	return code;
}

/* ---- dwz's supplementary file ---- */

/* What .gnu_debugaltlink says: a path, and the build-id. False: there is none. */
static bool alt_read(struct ft_elf *elf, struct search *search)
{
	const struct ft_elf_section *section =
		ft_elf_section(elf, SHT_PROGBITS, ".gnu_debugaltlink");
	size_t len;

	if (!section || section->bytes >= sizeof(search->name) ||
	    ft_elf_read(elf, section->offset, search->name, section->bytes))
		return false;
	len = strnlen(search->name, section->bytes);
	if (!len || len + 2 >= section->bytes ||
	    section->bytes - len - 1 > sizeof(search->build_id))
		return false;
	search->build_id_len = (int)(section->bytes - len - 1);
	memcpy(search->build_id, search->name + len + 1, (size_t)search->build_id_len);
	return true;
}

static bool alt_is_same(const struct search *search, int fd)
{
	u8 build_id[FT_ELF_BUILD_ID_MAX];
	struct ft_elf *elf;
	int len;

	if (ft_elf_open(fd, &elf))
		return false;
	len = ft_elf_build_id_of(elf, build_id);
	ft_elf_close(elf);
	return len == search->build_id_len &&
	       !memcmp(build_id, search->build_id, (size_t)search->build_id_len);
}

/* A path in one of the roots, if the file there has the build-id. 0 or -ENOENT. */
static int alt_try(struct search *search, const char *path)
{
	const struct ft_symbolize_opts *opts = search->sym->opts;
	const char *const roots[] = {opts ? opts->symfs : NULL, opts ? opts->debug_dir : NULL,
				     search->root[0] ? search->root : NULL, NULL};

	for (size_t i = 0; i < FT_ARRAY_LEN(roots); i++) {
		bool is_ours = i == FT_ARRAY_LEN(roots) - 1;
		int fd = roots[i] || is_ours ? ft_file_open(roots[i], path, true) : -ENOENT;

		if (fd < 0)
			continue;
		if (alt_is_same(search, fd)) {
			check_whole(search->sym, fd, path);
			search->group->alt_fd = fd;
			return 0;
		}
		close(fd);
	}
	return -ENOENT;
}

int ft_debugfile_alt(struct ft_sym *sym, struct ft_group *group, struct ft_elf *elf, int fd)
{
	struct search search = {.sym = sym, .group = group};
	char link[40], own[LINK_BYTES_MAX * 2], *path = NULL, *slash;
	ssize_t len;
	int code;

	if (group->alt_fd >= 0 || !alt_read(elf, &search))
		return -ENOENT;
	if (group->module->pid)
		snprintf(search.root, sizeof(search.root), "/proc/%u/root", group->module->pid);
	if (search.name[0] == '/')
		return alt_try(&search, search.name);
	/* Relative to the file that names it, by the path that this has in its own root. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, own, sizeof(own) - 1);
	own[len > 0 ? len : 0] = '\0';
	slash = strrchr(own, '/');
	if (!slash)
		return -ENOENT;
	if (asprintf(&path, "%.*s/%s", (int)(slash - own), own, search.name) < 0)
		return -ENOMEM;
	code = alt_try(&search, path);
	free(path);
	return code;
}

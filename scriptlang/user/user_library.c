/*
 * user_library.c - process("p").library("x"): which files that means. See user_places.h.
 *
 * Of a process that runs, its mappings say it. Of a program that may run later, what it and its
 * libraries ask for by name (DT_NEEDED), looked for where the dynamic linker does (ld.so(8)): its
 * own folders (RUNPATH), LD_LIBRARY_PATH, those of /etc/ld.so.conf, and those of the system.
 */
#include <elf.h>
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scriptlang/user/user_places.h"

#define PATH_BYTES 4096
#define NEEDED_MAX 500	 /* libraries that are looked at */
#define DYNAMIC_MAX 4096 /* entries of a file's dynamic section */

struct look {
	struct ft_compile *compile;
	const char *name; /* what the script says */
	struct ft_user_libraries *found;
	char *why;
	const char **needed; /* names that were met */
	u32 needed_count;
	const char **folders; /* of the machine */
	u32 folder_count;
};

static bool matches(const struct look *l, const char *name)
{
	return !strcmp(l->name, name) || !fnmatch(l->name, name, 0);
}

static void take(struct look *l, struct ft_user_file *file)
{
	struct ft_user_file **slot;

	for (u32 i = 0; i < l->found->count; i++)
		if (l->found->items[i] == file)
			return;
	slot = FT_ARENA_PUSH(l->compile->arena, &l->found->items, &l->found->count);
	if (slot)
		*slot = file;
}

static struct ft_user_file *open_real(struct look *l, const char *path)
{
	char *real = realpath(path, NULL), why[200];
	struct ft_user_file *file = real ? ft_user_file_open(l->compile, real, NULL, why) : NULL;

	free(real);
	return file;
}

/* ---- of a process ---- */

static int find_mapped(struct look *l, u32 pid)
{
	char maps[64], line[PATH_BYTES + 128], path[PATH_BYTES + 64], why[200];
	FILE *file;

	snprintf(maps, sizeof(maps), "/proc/%u/maps", pid);
	file = fopen(maps, "re");
	if (!file)
		return snprintf(l->why, 300, "cannot read %s: %s", maps, strerror(errno)), -ENOENT;
	while (fgets(line, sizeof(line), file)) {
		char *at = strchr(line, '/'), *base;
		struct ft_user_file *one;

		line[strcspn(line, "\n")] = '\0';
		if (!at || strstr(at, " (deleted)"))
			continue;
		base = strrchr(at, '/') + 1;
		if (!matches(l, base) && !matches(l, at))
			continue;
		snprintf(path, sizeof(path), "/proc/%u/root%s", pid, at);
		one = ft_user_file_open(l->compile, path, at, why);
		if (one)
			take(l, one);
	}
	fclose(file);
	return 0;
}

/* ---- of a program ---- */

static void add_text(struct look *l, const char ***list, u32 *count, const char *text, size_t len)
{
	const char **slot = FT_ARENA_PUSH(l->compile->arena, list, count);

	if (slot)
		*slot = ft_arena_copy(l->compile->arena, text, len);
	if (slot && !*slot)
		(*count)--;
}

static void read_conf(struct look *l, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[PATH_BYTES];

	while (file && fgets(line, sizeof(line), file))
		if (line[0] == '/')
			add_text(l, &l->folders, &l->folder_count, line, strcspn(line, " \t#\n"));
	if (file)
		fclose(file);
}

static void read_folders(struct look *l)
{
	static const char *const usual[] = {"/lib/x86_64-linux-gnu",
					    "/usr/lib/x86_64-linux-gnu",
					    "/lib/aarch64-linux-gnu",
					    "/usr/lib/aarch64-linux-gnu",
					    "/lib64",
					    "/usr/lib64",
					    "/lib",
					    "/usr/lib"};
	const char *at = getenv("LD_LIBRARY_PATH");
	glob_t files;

	for (; at && *at; at += strspn(at, ":")) {
		size_t len = strcspn(at, ":");

		add_text(l, &l->folders, &l->folder_count, at, len);
		at += len;
	}
	read_conf(l, "/etc/ld.so.conf");
	if (!glob("/etc/ld.so.conf.d/*.conf", 0, NULL, &files)) {
		for (size_t i = 0; i < files.gl_pathc; i++)
			read_conf(l, files.gl_pathv[i]);
		globfree(&files);
	}
	for (size_t i = 0; i < FT_ARRAY_LEN(usual); i++)
		add_text(l, &l->folders, &l->folder_count, usual[i], strlen(usual[i]));
}

static struct ft_user_file *open_in(struct look *l, const char *folder, size_t len,
				    const char *origin, const char *name)
{
	static const char *const words[] = {"$ORIGIN", "${ORIGIN}"};
	char path[3 * PATH_BYTES];

	for (size_t i = 0; i < FT_ARRAY_LEN(words); i++) {
		size_t word = strlen(words[i]);

		if (len >= word && !strncmp(folder, words[i], word)) {
			const char *slash = strrchr(origin, '/');

			snprintf(path, sizeof(path), "%.*s%.*s/%s",
				 slash ? (int)(slash - origin) : 0, origin, (int)(len - word),
				 folder + word, name);
			return open_real(l, path);
		}
	}
	snprintf(path, sizeof(path), "%.*s/%s", (int)len, folder, name);
	return open_real(l, path);
}

/* A library by its name, for a file whose own folders are these. */
static struct ft_user_file *open_needed(struct look *l, const struct ft_user_file *from,
					const char *own, const char *name)
{
	struct ft_user_file *file = NULL;

	if (strchr(name, '/')) /* as it is, from where the program is begun */
		return open_real(l, name);
	for (const char *at = own; *at && !file; at += strspn(at, ":")) {
		size_t len = strcspn(at, ":");

		file = open_in(l, at, len, from->shown, name);
		at += len;
	}
	for (u32 i = 0; i < l->folder_count && !file; i++)
		file = open_in(l, l->folders[i], strlen(l->folders[i]), from->shown, name);
	return file;
}

struct dynamic {
	struct ft_elf *elf;
	const struct ft_elf_section *section, *strings;
	u64 entries;
};

static bool open_dynamic(struct dynamic *d, struct ft_elf *elf)
{
	d->elf = elf;
	d->section = ft_elf_section(elf, SHT_DYNAMIC, NULL);
	d->strings = d->section ? ft_elf_linked(elf, d->section, SHT_STRTAB) : NULL;
	d->entries = d->strings ? d->section->bytes / sizeof(Elf64_Dyn) : 0;
	if (d->entries > DYNAMIC_MAX)
		d->entries = DYNAMIC_MAX;
	return d->strings && elf->is64;
}

/* The text of an entry with one of two tags, from *at on; false when there is no more. */
static bool next_text(const struct dynamic *d, u64 *at, s64 tag, s64 other, char text[PATH_BYTES])
{
	for (; *at < d->entries; (*at)++) {
		Elf64_Dyn entry;

		if (ft_elf_read_small(d->elf, d->section->offset + *at * sizeof(entry), &entry,
				      sizeof(entry)) ||
		    entry.d_tag == DT_NULL)
			return false;
		if (entry.d_tag != tag && entry.d_tag != other)
			continue;
		(*at)++;
		return ft_elf_string(d->elf, d->strings, entry.d_un.d_val, text, PATH_BYTES) > 0;
	}
	return false;
}

static bool is_new(struct look *l, const char *name)
{
	for (u32 i = 0; i < l->needed_count; i++)
		if (!strcmp(l->needed[i], name))
			return false;
	if (l->needed_count == NEEDED_MAX)
		return false;
	add_text(l, &l->needed, &l->needed_count, name, strlen(name));
	return true;
}

static void follow(struct look *l, struct ft_user_file *file, u32 depth)
{
	struct dynamic d;
	char own[PATH_BYTES] = "", name[PATH_BYTES];
	const char *base;
	u64 at = 0;

	if (depth > 20 || !open_dynamic(&d, file->elf))
		return;
	if (!next_text(&d, &at, DT_RUNPATH, DT_RPATH, own))
		own[0] = '\0';
	at = 0;
	while (next_text(&d, &at, DT_NEEDED, DT_NEEDED, name)) {
		struct ft_user_file *library =
			is_new(l, name) ? open_needed(l, file, own, name) : NULL;

		if (!library)
			continue;
		base = strrchr(name, '/');
		if (matches(l, base ? base + 1 : name) || matches(l, library->path))
			take(l, library);
		follow(l, library, depth + 1);
	}
}

/* A path, or a pattern of paths. */
static void find_paths(struct look *l)
{
	glob_t files;

	if (glob(l->name, 0, NULL, &files))
		return;
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct ft_user_file *file = open_real(l, files.gl_pathv[i]);

		if (file)
			take(l, file);
	}
	globfree(&files);
}

/* By the folders of the machine alone: no program asks for it. */
bool ft_user_library_path(struct ft_compile *compile, const char *name, char path[4096])
{
	struct look l = {.compile = compile, .name = name};
	bool found = false;
	glob_t files;

	read_folders(&l);
	for (u32 i = 0; i < l.folder_count && !found; i++) {
		if (snprintf(path, PATH_BYTES, "%s/%s", l.folders[i], name) >= PATH_BYTES ||
		    glob(path, 0, NULL, &files))
			continue;
		found = snprintf(path, PATH_BYTES, "%s", files.gl_pathv[0]) < PATH_BYTES;
		globfree(&files);
	}
	return found;
}

int ft_user_libraries_find(struct ft_compile *compile, struct ft_user_file *program, u32 pid,
			   const char *name, struct ft_user_libraries *libraries, char why[300])
{
	struct look l = {.compile = compile, .name = name, .found = libraries, .why = why};
	struct ft_user_file *file;
	int code = 0;

	*libraries = (struct ft_user_libraries){0};
	/* The process of -c does not run its program yet. */
	if (pid && !(pid == compile->target_pid && compile->target_path))
		code = find_mapped(&l, pid);
	if (!code && !libraries->count && strchr(name, '/'))
		find_paths(&l);
	if (!code && !libraries->count) {
		read_folders(&l);
		follow(&l, program, 0);
		/* One that the program opens while it runs. */
		if (!libraries->count && !strpbrk(name, "*?[/")) {
			file = open_needed(&l, program, "", name);
			if (file)
				take(&l, file);
		}
	}
	if (ft_arena_failed(compile->arena))
		return -ENOMEM;
	if (!code && !libraries->count) {
		snprintf(why, 300,
			 "%.120s has no library '%.100s', and it is in no folder of "
			 "the dynamic linker",
			 program->shown, name);
		code = -ENOENT;
	}
	return code;
}

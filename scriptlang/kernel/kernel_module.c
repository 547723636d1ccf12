/*
 * kernel_module.c - see kernel_module.h.
 *
 * A module is linked when it is loaded: each section of its file lies somewhere else then, as
 * /sys/module/NAME/sections says, by which libdwfl relocates its debug information.
 */
#include "scriptlang/kernel/kernel_module.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/elf.h"

#define FOLDERS_MAX 16 /* within each other */
#define NOTE_BYTES 64

bool ft_kernel_module_range(const char *module, u64 *start, u64 *bytes)
{
	FILE *from = fopen("/proc/modules", "re");
	char line[4096], name[100];
	unsigned long long size, at;
	bool found = false;

	while (from && !found && fgets(line, sizeof(line), from))
		found = sscanf(line, "%99s %llu %*s %*s %*s %llx", name, &size, &at) == 3 && at &&
			!strcmp(name, module);
	if (from)
		fclose(from);
	if (found) {
		*start = at;
		*bytes = size;
	}
	return found;
}

/* ---- its file ---- */

struct search {
	const char *module;
	u8 note[NOTE_BYTES]; /* with the build-id, as the kernel has it */
	size_t note_bytes;
	char *path; /* of what was found */
	size_t size;
	bool any; /* of that name, of whatever build */
};

/* "nf-tables.ko", "nf_tables.ko.debug" */
static bool is_named(const char *name, const char *module)
{
	for (; *module; name++, module++)
		if (*name != *module && !(*name == '-' && *module == '_'))
			return false;
	return !strcmp(name, ".ko") || !strcmp(name, ".ko.debug");
}

static void try_file(struct search *s, const char *path)
{
	const struct ft_elf_section *note;
	struct ft_elf *elf = NULL;
	u8 own[NOTE_BYTES];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || ft_elf_open(fd, &elf)) {
		if (fd >= 0)
			close(fd);
		return;
	}
	note = ft_elf_section(elf, SHT_NOTE, ".note.gnu.build-id");
	if (ft_elf_section(elf, SHT_PROGBITS, ".debug_info")) {
		s->any = true;
		if (note && note->bytes == s->note_bytes &&
		    !ft_elf_read(elf, note->offset, own, s->note_bytes) &&
		    !memcmp(own, s->note, s->note_bytes) && strlen(path) < s->size)
			memcpy(s->path, path, strlen(path) + 1);
	}
	ft_elf_close(elf);
	close(fd);
}

static void search_folder(struct search *s, const char *folder, u32 depth)
{
	DIR *dir = depth < FOLDERS_MAX ? opendir(folder) : NULL;
	const struct dirent *entry;
	char path[PATH_MAX];

	while (dir && !*s->path && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || snprintf(path, sizeof(path), "%s/%s", folder,
							entry->d_name) >= (int)sizeof(path))
			continue;
		if (entry->d_type == DT_DIR)
			search_folder(s, path, depth + 1);
		else if (is_named(entry->d_name, s->module))
			try_file(s, path);
	}
	if (dir)
		closedir(dir);
}

static bool read_note(struct search *s)
{
	char path[200];
	FILE *from;

	snprintf(path, sizeof(path), "/sys/module/%.100s/notes/.note.gnu.build-id", s->module);
	from = fopen(path, "re");
	s->note_bytes = from ? fread(s->note, 1, sizeof(s->note), from) : 0;
	if (from)
		fclose(from);
	return s->note_bytes && s->note_bytes < sizeof(s->note);
}

int ft_kernel_module_path(const char *module, char *path, size_t size, struct ft_err *err)
{
	static const char *const roots[] = {"/usr/lib/debug/lib/modules", "/lib/modules"};
	struct search s = {.module = module, .path = path, .size = size};
	struct utsname system;
	char folder[200];

	path[0] = '\0';
	if (strchr(module, '/') || !read_note(&s) || uname(&system) || strchr(system.release, '/'))
		return ft_err_set(err, -ENOENT, "no module %.60s is loaded that tells its build-id",
				  module);
	for (size_t i = 0; !*path && i < FT_ARRAY_LEN(roots); i++) {
		snprintf(folder, sizeof(folder), "%s/%s", roots[i], system.release);
		search_folder(&s, folder, 0);
	}
	if (*path)
		return 0;
	return ft_err_set(
		err, -ENOENT,
		s.any ? "that of %.60s is of another build than the module that is loaded"
		      : "there is none of %.60s here; Debian has it in linux-image-%s-dbg",
		module, system.release);
}

/* ---- for libdw ---- */

static int find_elf(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
		    char **file_name, Elf **elf)
{
	(void)module;
	(void)name;
	(void)base;
	(void)elf;
	*file_name = strdup(*data);
	return *file_name ? open(*file_name, O_RDONLY | O_CLOEXEC) : -1;
}

/*
 * Where a section is; -1: nowhere any more (libdwfl's own function stops at sections that it does
 * not expect to be gone).
 */
static int find_section(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
			const char *section, GElf_Word number, const GElf_Shdr *header,
			Dwarf_Addr *addr)
{
	char path[400];
	unsigned long long at;
	FILE *from;

	(void)module;
	(void)data;
	(void)base;
	(void)number;
	(void)header;
	snprintf(path, sizeof(path), "/sys/module/%.100s/sections/%.200s", name, section);
	from = strchr(section, '/') ? NULL : fopen(path, "re");
	*addr = from && fscanf(from, "%llx", &at) == 1 && at ? at : (Dwarf_Addr)-1;
	if (from)
		fclose(from);
	return DWARF_CB_OK;
}

static const Dwfl_Callbacks callbacks = {
	.find_elf = find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.section_address = find_section,
};

Dwfl *ft_kernel_module_open(const char *module, const char *path, u64 start, u64 bytes,
			    Dwfl_Module **found)
{
	Dwfl *dwfl = dwfl_begin(&callbacks);
	void **data = NULL;

	if (!dwfl)
		return NULL;
	dwfl_report_begin(dwfl);
	*found = dwfl_report_module(dwfl, module, start, start + bytes);
	if (*found && dwfl_module_info(*found, &data, NULL, NULL, NULL, NULL, NULL, NULL) && data)
		*data = (void *)(uintptr_t)path;
	dwfl_report_end(dwfl, NULL, NULL);
	return dwfl;
}

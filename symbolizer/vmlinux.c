/*
 * vmlinux.c - calls that were inlined in the kernel, and its lines, from the debug information of
 * the kernel that runs, where a package or a build has left it.
 *
 * The file must have the build-id that the kernel says it has (/sys/kernel/notes). Where the kernel
 * runs is not where it was linked: a symbol at the beginning of its image tells the difference.
 * Functions keep their names from /proc/kallsyms; modules are not looked at.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "symbolizer/source.h"

#define NOTES_BYTES_MAX 4096
#define PATH_BYTES 160

/* The build-id of the kernel that runs; its length, or 0. */
static size_t running_build_id(u8 out[FT_ELF_BUILD_ID_MAX])
{
	u8 notes[NOTES_BYTES_MAX];
	int fd = open("/sys/kernel/notes", O_RDONLY | O_CLOEXEC);
	ssize_t bytes = fd < 0 ? -1 : read(fd, notes, sizeof(notes));
	size_t at = 0, end = bytes > 0 ? (size_t)bytes : 0;

	if (fd >= 0)
		close(fd);
	while (end - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		size_t name, content;

		memcpy(&note, notes + at, sizeof(note));
		at += sizeof(note);
		name = ((size_t)note.n_namesz + 3) & ~(size_t)3;
		content = ((size_t)note.n_descsz + 3) & ~(size_t)3;
		if (name > end - at || content > end - at - name)
			return 0;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    !memcmp(notes + at, "GNU", 4) && note.n_descsz <= FT_ELF_BUILD_ID_MAX) {
			memcpy(out, notes + at + name, note.n_descsz);
			return note.n_descsz;
		}
		at += name + content;
	}
	return 0;
}

/* Takes a file if it is the kernel's and has debug information. 0, -ENOENT or -ENOMEM. */
static int take(struct ft_sym *sym, struct ft_group *group, int fd, const char *path)
{
	u8 wanted[FT_ELF_BUILD_ID_MAX], own[FT_ELF_BUILD_ID_MAX];
	size_t len = running_build_id(wanted);
	struct ft_elf *elf;
	int code = ft_elf_open(fd, &elf);

	if (code)
		return code == -ENOMEM ? code : -ENOENT;
	if (!len || ft_elf_build_id_of(elf, own) != (int)len || memcmp(own, wanted, len)) {
		if (sym->notes && !sym->notes->debug_refused++)
			snprintf(sym->notes->first_refused, sizeof(sym->notes->first_refused), "%s",
				 path);
		code = -ENOENT;
	} else if (!ft_elf_section(elf, SHT_PROGBITS, ".debug_info")) {
		code = -ENOENT;
	}
	if (code) {
		ft_elf_close(elf);
		return code;
	}
	group->debug_elf = elf;
	group->debug_fd = fd;
	return 0;
}

static int try_path(struct ft_sym *sym, struct ft_group *group, const char *path)
{
	const char *const roots[] = {sym->opts ? sym->opts->symfs : NULL, NULL};
	int code = -ENOENT;

	for (size_t i = 0; code == -ENOENT && i < FT_ARRAY_LEN(roots); i++) {
		int fd = roots[i] || i ? ft_file_open(roots[i], path, true) : -ENOENT;

		if (fd < 0)
			continue;
		code = take(sym, group, fd, path);
		if (code)
			close(fd);
	}
	return code;
}

/* Where distributions, and builds, put it. */
static const char *const places[] = {
	"/usr/lib/debug/boot/vmlinux-",
	"",
	"/usr/lib/debug/lib/modules/",
	"/vmlinux",
	"/boot/vmlinux-",
	"",
	"/lib/modules/",
	"/build/vmlinux",
	"/lib/modules/",
	"/vmlinux",
};

static int find_file(struct ft_sym *sym, struct ft_group *group)
{
	char path[PATH_BYTES];
	struct utsname system;
	int code = -ENOENT;

	if (uname(&system) || strchr(system.release, '/'))
		return -ENOENT;
	for (size_t i = 0; code == -ENOENT && i < FT_ARRAY_LEN(places); i += 2) {
		snprintf(path, sizeof(path), "%s%s%s", places[i], system.release, places[i + 1]);
		code = try_path(sym, group, path);
	}
	return code;
}

/* Where a symbol is as linked. False: it is not in the file. */
static bool symbol_find(struct ft_elf *elf, const char *name, u64 *addr)
{
	const struct ft_elf_section *table = ft_elf_section(elf, SHT_SYMTAB, NULL);
	const struct ft_elf_section *strings = table ? ft_elf_linked(elf, table, SHT_STRTAB) : NULL;
	struct ft_elf_table *entries;
	const void *entry;
	bool found = false;

	entries = strings ? ft_try_alloc(1, sizeof(*entries)) : NULL;
	if (!entries)
		return false;
	ft_elf_table_init(entries, elf, table->offset, table->bytes, ft_elf_symbol_bytes(elf),
			  FT_ELF_SYMBOLS_MAX);
	while (!found && (entry = ft_elf_table_next(entries))) {
		struct ft_elf_symbol symbol;
		char text[16];

		ft_elf_symbol_decode(elf, entry, &symbol);
		if (symbol.section == SHN_UNDEF)
			continue;
		ft_elf_string(elf, strings, symbol.name, text, sizeof(text));
		found = !strcmp(text, name);
		*addr = symbol.value;
	}
	free(entries);
	return found;
}

static int vmlinux_seek(struct ft_sym *sym, struct ft_group *group)
{
	struct ft_dwarf_files files = {.package_fd = -1, .alt_fd = -1};
	u64 linked;
	int code;

	group->debug_sought = true;
	if (!group->image_symbol)
		return 0;
	code = find_file(sym, group);
	if (code)
		return code == -ENOMEM ? code : 0;
	if (!symbol_find(group->debug_elf, group->image_symbol, &linked))
		return 0;
	group->slide = group->image_addr - linked;
	files.fd = group->debug_fd;
	files.elf = group->debug_elf;
	code = ft_dwarf_open(&files, group->debug_elf, &group->dwarf);
	return code == -ENOMEM ? code : 0;
}

static int vmlinux_resolve(struct ft_sym *sym, struct ft_group *group)
{
	int code = group->debug_sought ? 0 : vmlinux_seek(sym, group);

	if (code || !group->dwarf)
		return code;
	ft_fault_enter(); /* names and files are read where they are mapped */
	for (u32 i = 0; !code && i < group->count; i++) {
		struct ft_want *want = &group->wants[i];

		if (want->named && want->image)
			code = ft_dwarf_complete(sym, group->dwarf, want->addr - group->slide,
						 want);
	}
	ft_fault_leave();
	return code;
}

/* What debuginfod has delivered lies in a folder of its own. */
static int deliver(struct ft_sym *sym, struct ft_group *group, char *path, size_t size)
{
	u8 id[FT_ELF_BUILD_ID_MAX];
	size_t len = running_build_id(id);
	int fd = len ? ft_debuginfod_find(sym, id, (int)len) : -ENOENT;
	char link[64];
	ssize_t bytes;

	if (fd < 0)
		return -ENOENT;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	bytes = readlink(link, path, size - 1);
	if (bytes <= 0 || take(sym, group, fd, link)) {
		close(fd);
		return -ENOENT;
	}
	path[bytes] = '\0';
	return 0;
}

int ft_symbols_vmlinux(bool fetch, char *path, size_t size, struct ft_err *err)
{
	struct ft_symbolize_notes notes = {0};
	struct ft_sym sym = {.notes = &notes};
	struct ft_group group = {.debug_fd = -1};
	struct utsname system;
	int code = -ENOENT;

	if (uname(&system) || strchr(system.release, '/'))
		return ft_err_set(err, -ENOENT, "the kernel tells no release");
	for (size_t i = 0; code == -ENOENT && i < FT_ARRAY_LEN(places); i += 2) {
		snprintf(path, size, "%s%s%s", places[i], system.release, places[i + 1]);
		code = try_path(&sym, &group, path);
	}
	if (code == -ENOENT && fetch)
		code = deliver(&sym, &group, path, size);
	if (!code) {
		ft_elf_close(group.debug_elf);
		close(group.debug_fd);
		return 0;
	}
	if (notes.debug_refused)
		return ft_err_set(err, code,
				  "%s is of another kernel than the one that runs (build-id)",
				  notes.first_refused);
	return ft_err_set(err, code,
			  "there is none of this kernel here; Debian has it in linux-image-%s-dbg, "
			  "servers of DEBUGINFOD_URLS may",
			  system.release);
}

const struct ft_source ft_source_vmlinux = {
	.name = "vmlinux",
	.kinds = 1 << FT_GROUP_KERNEL,
	.resolve = vmlinux_resolve,
};

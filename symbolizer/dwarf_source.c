/*
 * dwarf_source.c - names, inlined calls and lines from debug information (dwarf.h).
 *
 * Comes before the ELF symbols: it knows what was inlined, and code that the compiler moved away
 * (".cold", ".part.0") has the name of the function that it is a part of. Where it has a plain name
 * only (gcc, in anonymous namespaces), a mangled ELF symbol says more and may replace it.
 */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "symbolizer/name.h"
#include "symbolizer/source.h"

/* A memo is the function's readable name and what kind of name it is. */
#define KIND_BITS 4
_Static_assert(FT_FRAME_KIND_COUNT <= 1 << KIND_BITS, "a memo holds a string id and a kind");

struct files {
	const char *text; /* the last one: neighbours most often share it */
	u32 id;
};

static u32 file_id(struct ft_sym *sym, struct files *files, const char *text)
{
	if (!text)
		return 0;
	if (text != files->text) {
		files->id = ft_strtab_add(sym->profile->strings, text, strnlen(text, 4096));
		files->text = text;
	}
	return files->id;
}

/* The readable name and kind of a frame, from its memo if it was met before. */
static int frame_name(struct ft_sym *sym, const struct ft_dwarf_frame *frame, u32 *id, u8 *kind)
{
	struct ft_name name;

	if (!*frame->memo) {
		const char *symbol = frame->symbol ? frame->symbol : "[inlined]";

		ft_name_make(&name, symbol, strnlen(symbol, FT_ELF_NAME_MAX), NULL,
			     ft_sym_style(sym));
		*id = ft_strtab_add(sym->profile->strings, name.text, name.len);
		if (*id >= UINT32_MAX >> KIND_BITS)
			return -ENOMEM;
		*frame->memo = *id << KIND_BITS | name.kind;
	}
	*id = *frame->memo >> KIND_BITS;
	*kind = *frame->memo & ((1 << KIND_BITS) - 1);
	return 0;
}

static int calls_add(struct ft_sym *sym, struct files *files, struct ft_want *want,
		     const struct ft_dwarf_frame *frames, u32 count)
{
	want->first = sym->call_count;
	if (FT_GROW_RAW(&sym->calls, &sym->call_cap, (size_t)sym->call_count + count))
		return -ENOMEM;
	for (u32 i = count; i-- > 0;) {
		struct ft_call *call = &sym->calls[sym->call_count];

		if (frame_name(sym, &frames[i], &call->name, &call->kind))
			return -ENOMEM;
		call->file = file_id(sym, files, frames[i].file);
		call->line = frames[i].line;
		call->column = frames[i].column;
		if (call->file == FT_STR_NONE)
			return -ENOMEM;
		sym->call_count++;
		want->inlined++;
	}
	return 0;
}

static int want_resolve(struct ft_sym *sym, struct ft_dwarf *dwarf, struct files *files,
			struct ft_want *want)
{
	struct ft_dwarf_frame frames[FT_DWARF_FRAMES_MAX];
	int count = ft_dwarf_find(dwarf, want->addr, frames), code;
	const struct ft_dwarf_frame *function = &frames[count > 0 ? count - 1 : 0];

	if (count <= 0)
		return count;
	want->file = file_id(sym, files, function->file);
	want->line = function->line;
	want->column = function->column;
	if (want->file == FT_STR_NONE)
		return -ENOMEM;
	if (!function->symbol)
		return 0; /* the ELF symbols may know */
	code = frame_name(sym, function, &want->name, &want->kind);
	if (!code && !(sym->opts && sym->opts->no_inline))
		code = calls_add(sym, files, want, frames, (u32)count - 1);
	want->named = !code;
	want->plain = function->plain && !(sym->opts && sym->opts->as_addr2line);
	return code;
}

int ft_dwarf_complete(struct ft_sym *sym, struct ft_dwarf *dwarf, u64 addr, struct ft_want *want)
{
	struct ft_dwarf_frame frames[FT_DWARF_FRAMES_MAX];
	struct files files = {.text = NULL};
	int count = ft_dwarf_find(dwarf, addr, frames), code = 0;

	if (count <= 0)
		return count;
	want->file = file_id(sym, &files, frames[count - 1].file);
	want->line = frames[count - 1].line;
	want->column = frames[count - 1].column;
	if (want->file == FT_STR_NONE)
		return -ENOMEM;
	if (frames[count - 1].symbol && !(sym->opts && sym->opts->no_inline))
		code = calls_add(sym, &files, want, frames, (u32)count - 1);
	for (u32 i = 0; !code && i < want->inlined; i++)
		sym->calls[want->first + i].kind = want->kind;
	return code;
}

/* The file of a split unit below --symfs, or in the root of the process. */
static int open_unit(void *context, const char *path)
{
	const struct ft_group *group = context;
	const char *symfs = group->sym->opts ? group->sym->opts->symfs : NULL;
	char root[40];
	int fd = symfs ? ft_file_open(symfs, path, true) : -1;

	if (fd < 0 && group->module->pid) {
		snprintf(root, sizeof(root), "/proc/%u/root", group->module->pid);
		fd = ft_file_open(root, path, true);
	}
	return fd;
}

/* Of the debug file or, where there is none, the file itself; unless that was said already. */
static void note_senseless(struct ft_sym *sym, struct ft_group *group)
{
	struct ft_elf *elf = group->debug_elf ? group->debug_elf : group->elf;
	const char *path = group->debug_path ? group->debug_path : group->module->path;

	if (!elf->is_damaged && !group->senseless_noted)
		ft_note_damaged(sym, path ? path : "");
	group->senseless_noted = true;
}

static int dwarf_seek(struct ft_sym *sym, struct ft_group *group)
{
	struct ft_dwarf_files files = {
		.fd = group->fd >= 0 ? group->fd : group->module->fd,
		.elf = group->elf,
	};
	int code;

	if (group->dwarf_sought)
		return 0;
	group->dwarf_sought = true;
	code = ft_debugfile_seek(sym, group);
	if (code)
		return code;
	if (group->debug_elf) {
		files.elf = group->debug_elf;
		files.fd = group->debug_fd;
	}
	if (!ft_elf_section(files.elf, SHT_PROGBITS, ".debug_info") || files.fd < 0)
		return 0;
	code = ft_debugfile_package(sym, group);
	if (code != -ENOMEM)
		code = ft_debugfile_alt(sym, group, files.elf, files.fd);
	if (code == -ENOMEM)
		return code;
	files.package_fd = group->package_fd;
	files.alt_fd = group->alt_fd;
	files.open_unit = open_unit;
	files.context = group;
	group->sym = sym;
	code = ft_dwarf_open(&files, group->elf, &group->dwarf);
	if (code == -ENOEXEC)
		note_senseless(sym, group);
	return code == -ENOMEM ? code : 0;
}

static void note_damage(struct ft_sym *sym, struct ft_group *group)
{
	const char *path = group->module->path ? group->module->path : "";

	if (group->damage_noted)
		return;
	group->damage_noted = true;
	if (sym->notes && !sym->notes->debug_damaged++)
		snprintf(sym->notes->first_damaged, sizeof(sym->notes->first_damaged), "%s", path);
}

static int dwarf_resolve(struct ft_sym *sym, struct ft_group *group)
{
	struct files files = {.text = NULL};
	int code;

	if (!group->elf)
		return 0;
	code = dwarf_seek(sym, group);
	ft_fault_enter(); /* names and files are read where they are mapped */
	for (u32 i = 0; !code && group->dwarf && i < group->count; i++) {
		struct ft_want *want = &group->wants[i];

		if (want->mapped && !want->named)
			code = want_resolve(sym, group->dwarf, &files, want);
	}
	ft_fault_leave();
	if (group->dwarf && ft_dwarf_damaged(group->dwarf))
		note_damage(sym, group);
	else if (group->dwarf && ft_dwarf_senseless(group->dwarf))
		note_senseless(sym, group);
	return code;
}

const struct ft_source ft_source_dwarf = {
	.name = "dwarf",
	.kinds = 1 << FT_GROUP_FILE,
	.resolve = dwarf_resolve,
};

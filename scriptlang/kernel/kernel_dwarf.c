/*
 * kernel_dwarf.c - see kernel_dwarf.h.
 *
 * The kernel does not run where it was linked (KASLR): the address of a symbol at its beginning, in
 * /proc/kallsyms and in the file, tells the difference, which is the same for all of it.
 */
#include "scriptlang/kernel/kernel_dwarf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scriptlang/kernel/kernel_image.h"
#include "scriptlang/kernel/kernel_module.h"
#include "scriptlang/sema/functions.h"
#include "scriptlang/user/user_finder.h"

#define BEGINNING "_stext"
#define PATH_BYTES 4096

/* Parts that only debug information tells. */
static bool is_within(const struct ft_point *point)
{
	static const char *const parts[] = {"inline", "label", "callee", "callees"};

	for (u32 i = 2; i < point->part_count; i++)
		for (size_t k = 0; k < FT_ARRAY_LEN(parts); k++)
			if (!strcmp(point->parts[i].name, parts[k]))
				return true;
	return false;
}

/* The module that a point names; NULL: none, or by a pattern. */
static const char *module_of(const struct ft_point *point)
{
	const struct ft_point_part *first = &point->parts[0];

	return !strcmp(first->name, "module") && ft_user_has_text(first) &&
			       !strpbrk(first->arg->text, "*?[")
		       ? first->arg->text
		       : NULL;
}

static const char *text_of(const struct ft_point *point, const char *part)
{
	bool of_kernel = !strcmp(point->parts[0].name, "kernel") && !point->parts[0].arg;
	bool is = point->part_count > 1 && (of_kernel || module_of(point)) &&
		  !strcmp(point->parts[1].name, part) && ft_user_has_text(&point->parts[1]);

	return is ? point->parts[1].arg->text : NULL;
}

bool ft_kernel_dwarf_wants(const struct ft_point *point)
{
	const char *function = text_of(point, "function"), *line = text_of(point, "statement");

	if (line)
		return strncmp(line, "0x", 2) != 0;
	return function && (strchr(function, '@') || is_within(point));
}

bool ft_kernel_dwarf_may_know(const struct ft_point *point)
{
	const char *function = text_of(point, "function");

	return function && !strpbrk(function, "*?[");
}

bool ft_kernel_dwarf_is_place(const struct ft_point *point)
{
	return point->user && point->user->in_kernel;
}

static struct ft_user_file *open_kernel(struct ft_compile *compile, bool fetch, char why[300])
{
	struct ft_err err = {0};
	char path[PATH_BYTES], reason[200];
	struct ft_user_file *file;
	u64 linked, running;

	if (ft_kernel_image_path(fetch, path, sizeof(path), &err)) {
		snprintf(why, 300, "%.299s", err.text);
		return NULL;
	}
	file = ft_user_file_open(compile, path, "kernel", reason);
	if (!file || !ft_user_file_dwarf(file) ||
	    !ft_user_file_variable(file, BEGINNING, &linked)) {
		snprintf(why, 300, "%.200s cannot be read", file ? path : reason);
		return NULL;
	}
	if (!ft_kernel_image_address(BEGINNING, &running)) {
		snprintf(why, 300,
			 "/proc/kallsyms hides where the kernel runs: as root, set "
			 "kernel.kptr_restrict to 1 or 0");
		return NULL;
	}
	file->in_kernel = true;
	file->slide = running - linked;
	return file;
}

static struct ft_user_file *open_module(struct ft_compile *compile, const char *module,
					char why[300])
{
	struct ft_err err = {0};
	char path[PATH_BYTES], reason[200];
	struct ft_user_file *file;
	u64 start, bytes;

	if (ft_kernel_module_path(module, path, sizeof(path), &err)) {
		snprintf(why, 300, "%.299s", err.text);
		return NULL;
	}
	if (!ft_kernel_module_range(module, &start, &bytes)) {
		snprintf(why, 300, "/proc/modules hides where %.60s is", module);
		return NULL;
	}
	file = ft_user_file_open(compile, path, module, reason);
	if (file && !file->kernel_module) {
		file->in_kernel = true;
		file->kernel_module = file->shown;
		file->module_start = start;
		file->module_bytes = bytes;
	}
	if (!file || !ft_user_file_dwarf(file)) {
		snprintf(why, 300, "%.200s cannot be read", file ? path : reason);
		return NULL;
	}
	return file;
}

/* To find out that there is none takes long, and is done once for each module. */
static struct ft_user_file *open_module_once(struct ft_compile *compile, const char *module,
					     char why[300])
{
	struct ft_user_file *file;

	for (u32 i = 0; i + 1 < compile->module_why_count; i += 2)
		if (!strcmp(compile->module_whys[i], module)) {
			snprintf(why, 300, "%s", compile->module_whys[i + 1]);
			return NULL;
		}
	file = open_module(compile, module, why);
	for (u32 i = 0; i < 2 && !file; i++) {
		const char *text = i ? why : module, **slot;

		text = ft_arena_copy(compile->arena, text, strlen(text));
		slot = text ? FT_ARENA_PUSH(compile->arena, &compile->module_whys,
					    &compile->module_why_count)
			    : NULL;
		if (!slot)
			break;
		*slot = text;
	}
	return file;
}

struct ft_user_file *ft_kernel_dwarf_file(struct ft_compile *compile, const char *module,
					  bool fetch, char why[300])
{
	if (module)
		return open_module_once(compile, module, why);
	if (compile->kernel_file)
		return compile->kernel_file;
	if (!compile->kernel_why[fetch])
		compile->kernel_file = open_kernel(compile, fetch, why);
	if (compile->kernel_file)
		return compile->kernel_file;
	if (!compile->kernel_why[fetch])
		compile->kernel_why[fetch] = ft_arena_copy(compile->arena, why, strlen(why));
	if (compile->kernel_why[fetch])
		snprintf(why, 300, "%s", compile->kernel_why[fetch]);
	return NULL;
}

int ft_kernel_dwarf_find(struct ft_compile *compile, const struct ft_point *point, bool *has_file,
			 ft_user_point_fn found, void *context, char why[300])
{
	struct ft_user_finder f = {.compile = compile,
				   .point = point,
				   .apart = true,
				   .has_arguments = true,
				   .found = found,
				   .context = context,
				   .why = why,
				   .at = 1};
	struct ft_user_file *file =
		ft_kernel_dwarf_file(compile, module_of(point), ft_kernel_dwarf_wants(point), why);

	*has_file = file != NULL;
	return file ? ft_user_find_in_file(&f, file) : -ENOENT;
}

/* ---- what cannot be probed ---- */

/* Code that kprobes are kept from lies between such symbols (include/asm-generic/vmlinux.lds.h). */
static const char *const kept[][2] = {
	{"__noinstr_text_start", "__noinstr_text_end"},
	{"__entry_text_start", "__entry_text_end"},
	{"__kprobes_text_start", "__kprobes_text_end"},
	{"__irqentry_text_start", "__irqentry_text_end"},
	{"_sinittext", "_einittext"},
};

bool ft_kernel_dwarf_is_kept(struct ft_user_file *file, u64 addr)
{
	static const char *const gone[] = {".init.text", ".exit.text", ".altinstr_replacement",
					   ".altinstr_aux"};

	if (file->kernel_module)
		return addr < file->module_start || addr - file->module_start >= file->module_bytes;
	for (size_t i = 0; i < FT_ARRAY_LEN(gone); i++) {
		const struct ft_elf_section *section =
			ft_elf_section(file->elf, SHT_PROGBITS, gone[i]);

		if (section && addr >= section->addr && addr - section->addr < section->bytes)
			return true;
	}
	if (!file->kept) {
		file->kept = ft_arena_alloc(file->arena, 2 * FT_ARRAY_LEN(kept), sizeof(u64));
		for (size_t i = 0; file->kept && i < 2 * FT_ARRAY_LEN(kept); i++)
			ft_user_file_variable(file, kept[i / 2][i % 2], &file->kept[i]);
	}
	for (size_t i = 0; file->kept && i < FT_ARRAY_LEN(kept); i++)
		if (addr >= file->kept[2 * i] && addr < file->kept[2 * i + 1])
			return true;
	return false;
}

/* ---- attaching ---- */

int ft_kernel_dwarf_attach(const struct ft_point *point, int program, struct ft_err *err)
{
	const struct ft_user_site *site = &point->user->sites[0];

	return ft_function_attach_address(point, site->addr + site->file->slide,
					  point->user->at_return, program, err);
}

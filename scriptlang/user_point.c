/* user_point.c - see user_point.h. */
#include "scriptlang/user_point.h"

#include <elf.h>
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "base/sdt.h"
#include "scriptlang/parse.h"
#include "scriptlang/user_dwarf.h"
#include "scriptlang/user_places.h"

#define PATH_BYTES 4096

struct finder {
	struct ft_compile *compile;
	const struct ft_point *point;
	bool apart;
	ft_user_point_fn found;
	void *context;
	char *why; /* 300 bytes */
	/* of the file at hand */
	u32 pid;
	struct ft_user_file *program;
	u32 at;			    /* of the part behind process() and library() */
	struct ft_user_site *sites; /* found so far */
	u32 count;
};

static int FT_PRINTF(3, 4) refuse(struct finder *f, int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(f->why, 300, fmt, args);
	va_end(args);
	return code;
}

static const struct ft_point_part *part_at(const struct ft_point *point, u32 at)
{
	static const struct ft_point_part none = {.name = ""};

	return at < point->part_count ? &point->parts[at] : &none;
}

static bool has_text(const struct ft_point_part *part)
{
	return part->arg && part->arg->kind == FT_EXPR_STRING;
}

static bool has_number(const struct ft_point_part *part)
{
	return part->arg && part->arg->kind == FT_EXPR_NUMBER;
}

/* ---- which file ---- */

/* A name without '/' is looked for as a shell does. False: it is nowhere. */
static bool search_path(const char *name, char path[PATH_BYTES])
{
	path[0] = '\0';
	const char *at = getenv("PATH");

	if (strchr(name, '/')) {
		snprintf(path, PATH_BYTES, "%s", name);
		return true;
	}
	for (at = at ? at : "/usr/bin:/bin"; *at; at += strspn(at, ":")) {
		size_t len = strcspn(at, ":");

		if (snprintf(path, PATH_BYTES, "%.*s/%s", (int)len, at, name) < PATH_BYTES &&
		    !access(path, X_OK))
			return true;
		at += len;
	}
	return false;
}

/* The file of a process, which shown names. */
static int open_process(struct finder *f, u32 pid, struct ft_user_file **file)
{
	char link[64], path[PATH_BYTES];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/%u/exe", pid);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return refuse(f, -ENOENT, "there is no process %u whose program can be read: %s",
			      pid, strerror(errno));
	path[len] = '\0';
	*file = ft_user_file_open(f->compile, link, path, f->why);
	return *file ? 0 : -ENOENT;
}

static int open_path(struct finder *f, const char *path, struct ft_user_file **file)
{
	char *real = realpath(path, NULL);

	if (!real)
		return refuse(f, -ENOENT, "cannot open %.200s: %s", path, strerror(errno));
	*file = ft_user_file_open(f->compile, real, NULL, f->why);
	free(real);
	return *file ? 0 : -ENOENT;
}

static int find_in_file(struct finder *f, struct ft_user_file *file);
static int find_in_program(struct finder *f, struct ft_user_file *file);

/* Each file that a pattern names; those that are none of this machine's are passed over. */
static int find_in_glob(struct finder *f, const char *pattern)
{
	glob_t files;
	bool any = false;
	int code = 0;

	if (glob(pattern, 0, NULL, &files))
		return refuse(f, -ENOENT, "no file matches %.200s", pattern);
	for (size_t i = 0; i < files.gl_pathc && code != -ENOMEM && code != -EINVAL; i++) {
		struct ft_user_file *file;

		if (open_path(f, files.gl_pathv[i], &file))
			continue;
		code = find_in_program(f, file);
		any |= !code;
	}
	globfree(&files);
	return code == -ENOMEM || code == -EINVAL ? code : any ? 0 : -ENOENT;
}

/* process("path"), process(PID), or process: the one of -c or -x. */
static int find_in_process(struct finder *f)
{
	const struct ft_point_part *part = &f->point->parts[0];
	struct ft_user_file *file = NULL;
	char path[PATH_BYTES];
	int code;

	f->at = 1;
	if (has_number(part)) {
		f->pid = (u32)part->arg->number;
		code = open_process(f, f->pid, &file);
	} else if (has_text(part)) {
		if (strpbrk(part->arg->text, "*?["))
			return find_in_glob(f, part->arg->text);
		if (!search_path(part->arg->text, path))
			return refuse(f, -ENOENT, "there is no program %.200s in $PATH",
				      part->arg->text);
		code = open_path(f, path, &file);
	} else if (f->compile->target_path) {
		f->pid = f->compile->target_pid;
		if (!search_path(f->compile->target_path, path))
			return refuse(f, -ENOENT, "there is no program %.200s in $PATH",
				      f->compile->target_path);
		code = open_path(f, path, &file);
	} else if (f->compile->target_pid) {
		f->pid = f->compile->target_pid;
		code = open_process(f, f->pid, &file);
	} else {
		return refuse(f, -EINVAL,
			      "'process' without a path is the process of -c or -x, and neither "
			      "was given");
	}
	return code || !file ? code : find_in_program(f, file);
}

/* library("x") of the program, or the program itself. */
static int find_in_program(struct finder *f, struct ft_user_file *file)
{
	const struct ft_point_part *part = part_at(f->point, f->at);
	struct ft_user_libraries libraries = {0};
	bool any = false;
	int code;

	if (strcmp(part->name, "library") != 0)
		return find_in_file(f, file);
	if (!has_text(part))
		return refuse(f, -EINVAL, "library() takes the name of a file");
	code = ft_user_libraries_find(f->compile, file, f->pid, part->arg->text, &libraries,
				      f->why);
	if (code)
		return code;
	f->at++;
	f->program = f->pid ? NULL : file;
	for (u32 i = 0; i < libraries.count && code != -ENOMEM && code != -EINVAL; i++) {
		code = find_in_file(f, libraries.items[i]);
		any |= !code;
	}
	f->at--;
	f->program = NULL;
	return code == -ENOMEM || code == -EINVAL ? code : any ? 0 : -ENOENT;
}

/* ---- what is found ---- */

static struct ft_point_part text_part(struct finder *f, const struct ft_point_part *from,
				      const char *text)
{
	struct ft_point_part part = *from;
	struct ft_expr *arg = FT_ARENA_NEW(f->compile->arena, struct ft_expr);

	if (!arg)
		return part;
	if (from->arg)
		*arg = *from->arg;
	arg->kind = FT_EXPR_STRING;
	arg->text = text;
	arg->len = (u32)strlen(text);
	part.arg = arg;
	return part;
}

/* "function@file:line" where debug information tells that. */
static const char *place_text(struct ft_compile *compile, const struct ft_user_site *site)
{
	const char *file;
	Dwarf_Die function;
	int line;

	if (site->text)
		return site->text;
	if (!site->function || !ft_user_function_at(site->file, site->function, &function))
		return site->name;
	file = ft_user_declared(&function, &line);
	return file && line ? ft_arena_printf(compile->arena, "%s@%s:%d", site->name, file, line)
			    : site->name;
}

/* The point of one place, spelled out: with the file's path and the function's name. */
static struct ft_point *spell_out(struct finder *f, const struct ft_user_site *site)
{
	struct ft_arena *arena = f->compile->arena;
	struct ft_point *point = FT_ARENA_NEW(arena, struct ft_point);

	if (!point)
		return NULL;
	*point = *f->point;
	point->parts = ft_arena_alloc(arena, point->part_count, sizeof(*point->parts));
	if (!point->parts)
		return NULL;
	memcpy(point->parts, f->point->parts, point->part_count * sizeof(*point->parts));
	if (!has_number(&point->parts[0]))
		point->parts[0] = text_part(f, &point->parts[0],
					    f->program ? f->program->shown : site->file->shown);
	if (f->at > 1)
		point->parts[f->at - 1] = text_part(f, &point->parts[f->at - 1], site->file->shown);
	for (u32 i = f->at; i < point->part_count; i++) {
		const struct ft_point_part *part = &point->parts[i];

		if (!strcmp(part->name, "function") || !strcmp(part->name, "plt") ||
		    !strcmp(part->name, "mark") ||
		    (!strcmp(part->name, "statement") && has_text(part)))
			point->parts[i] = text_part(f, part, place_text(f->compile, site));
		if (!strcmp(part->name, "provider") && site->provider)
			point->parts[i] = text_part(f, part, site->provider);
	}
	return point;
}

const char *ft_user_site_text(struct ft_compile *compile, const struct ft_point *point,
			      const struct ft_user_site *site)
{
	struct finder f = {.compile = compile, .point = point, .program = point->user->program};
	struct ft_point *own;

	f.at = !strcmp(part_at(point, 1)->name, "library") ? 2 : 1;
	own = spell_out(&f, site);
	return own ? ft_point_text(compile->arena, own) : "";
}

bool ft_user_text_of(const char *function, enum ft_user_text *which)
{
	bool is_name = !strcmp(function, "ppfunc") || !strcmp(function, "probefunc");

	*which = is_name ? FT_USER_TEXT_NAME : FT_USER_TEXT_POINT;
	return is_name || !strcmp(function, "pp");
}

const char *ft_user_text(struct ft_compile *compile, const struct ft_point *point,
			 const struct ft_user_site *site, enum ft_user_text which)
{
	return which == FT_USER_TEXT_NAME ? site->name : ft_user_site_text(compile, point, site);
}

u32 ft_user_text_bytes(struct ft_compile *compile, const struct ft_point *point,
		       enum ft_user_text which)
{
	u32 most = 0;

	for (u32 i = 0; i < point->user->site_count; i++) {
		size_t len = strlen(ft_user_text(compile, point, &point->user->sites[i], which));

		if (len > most)
			most = (u32)len;
	}
	return most + 1;
}

/* Variables of functions that were not optimized are in their places behind the prologue only. */
static void pass_prologue(struct ft_user_site *site)
{
	u64 end = ft_user_prologue_end(site->file, site->function), offset;

	if (end != site->function && ft_elf_offset_of_addr(site->file->elf, end, &offset)) {
		site->addr = end;
		site->offset = offset;
	}
}

const struct ft_user_probe *ft_user_entry(struct ft_compile *compile,
					  const struct ft_user_probe *probe)
{
	struct ft_user_probe *entry = FT_ARENA_NEW(compile->arena, struct ft_user_probe);

	if (!entry)
		return NULL;
	*entry = *probe;
	entry->at_return = false;
	entry->sites = ft_arena_alloc(compile->arena, probe->site_count, sizeof(*entry->sites));
	if (!entry->sites)
		return NULL;
	memcpy(entry->sites, probe->sites, probe->site_count * sizeof(*entry->sites));
	if (entry->site_count == 1 && entry->kind == FT_USER_FUNCTION && entry->is_apart)
		pass_prologue(entry->sites);
	return entry;
}

/* Hands over a point with some of the places. */
static int deliver(struct finder *f, const struct ft_user_probe *like, struct ft_user_site *sites,
		   u32 count)
{
	struct ft_user_probe *probe = FT_ARENA_NEW(f->compile->arena, struct ft_user_probe);
	struct ft_point *point = FT_ARENA_NEW(f->compile->arena, struct ft_point);

	if (!probe || !point)
		return -ENOMEM;
	*probe = *like;
	probe->pid = f->pid;
	probe->program = f->program;
	probe->sites = sites;
	probe->site_count = count;
	probe->is_apart = f->apart;
	if (f->apart && count == 1 && like->kind == FT_USER_FUNCTION && !like->at_return)
		pass_prologue(sites);
	if (count > 1) {
		probe->first = f->compile->user_places;
		f->compile->user_places += count;
	}
	if (count == 1) {
		point = spell_out(f, sites);
		if (!point)
			return -ENOMEM;
	} else {
		*point = *f->point;
	}
	point->user = probe;
	f->found(f->context, point);
	return 0;
}

static int deliver_all(struct finder *f, const struct ft_user_probe *like)
{
	struct ft_user_site *sites = f->sites;
	u32 count = f->count, end;
	int code = 0;

	f->sites = NULL;
	f->count = 0;
	if (!count)
		return -ENOENT;
	for (u32 i = 0; i < count && !code; i = end) {
		end = f->apart ? i + 1 : count;
		code = deliver(f, like, sites + i, end - i);
	}
	return code;
}

/* ---- functions ---- */

/*
 * Whether the kernel can emulate an instruction instead of running it elsewhere step by step, which
 * takes two more entries into the kernel (arch/x86/kernel/uprobes.c): push, nop, jumps and calls.
 */
static bool is_emulated(const u8 *at)
{
	if (at[0] == 0x41 || at[0] == 0x40)
		at++;
	return (at[0] & 0xf8) == 0x50 || at[0] == 0x90 || at[0] == 0xeb || at[0] == 0xe9 ||
	       at[0] == 0xe8 || (at[0] & 0xf0) == 0x70;
}

/*
 * Where a function is probed: behind the landing mark of indirect branches (endbr64), which would
 * have to be stepped, if what follows need not be. Registers and stack are the same there.
 */
u64 ft_user_probe_place(const struct ft_user_file *file, u64 addr)
{
	static const u8 endbr64[4] = {0xf3, 0x0f, 0x1e, 0xfa};
	u8 bytes[8];
	u64 offset;

	if (file->elf->machine != EM_X86_64 || !ft_elf_offset_of_addr(file->elf, addr, &offset) ||
	    ft_elf_read(file->elf, offset, bytes, sizeof(bytes)) ||
	    memcmp(bytes, endbr64, sizeof(endbr64)) != 0 || !is_emulated(bytes + 4))
		return addr;
	return addr + sizeof(endbr64);
}

int ft_user_site_add(struct ft_compile *compile, struct ft_user_file *file, u64 addr,
		     struct ft_user_site **sites, u32 *count)
{
	struct ft_user_site *site;
	u64 offset;

	if (!ft_elf_offset_of_addr(file->elf, addr, &offset))
		return 0;
	site = FT_ARENA_PUSH(compile->arena, sites, count);
	if (!site)
		return -ENOMEM;
	site->file = file;
	site->addr = addr;
	site->offset = offset;
	return 1;
}

static int add_function(struct finder *f, struct ft_user_file *file, u64 addr, const char *name)
{
	int code = ft_user_site_add(f->compile, file, ft_user_probe_place(file, addr), &f->sites,
				    &f->count);

	if (code > 0) {
		f->sites[f->count - 1].function = addr;
		f->sites[f->count - 1].name = name;
	}
	return code < 0 ? code : 0;
}

static int no_function(struct finder *f, struct ft_user_file *file, const char *name)
{
	const struct ft_user_wanted all = {.pattern = NULL};
	char text[FT_NEAREST_MAX * (FT_NEAREST_BYTES + 2)];
	struct ft_nearest nearest = {.wanted = name};
	struct ft_user_symbol *symbols;
	u32 count;

	if (ft_user_file_symbols(f->compile, file, &all, &symbols, &count))
		return -ENOMEM;
	for (u32 i = 0; i < count; i++)
		ft_nearest_offer(&nearest, symbols[i].name);
	ft_nearest_text(&nearest, text, sizeof(text));
	return refuse(f, -ENOENT, "%.120s has no function '%.60s'%s%.100s", file->shown, name,
		      *text   ? "; it has "
		      : count ? ""
			      : " (it has no symbols at all)",
		      text);
}

/* What compilers put behind the names of functions that they have changed. */
static size_t stem_of(const char *name)
{
	static const char *const ends[] = {".constprop.", ".isra.", ".lto_priv.", ".llvm."};

	for (size_t i = 0; i < FT_ARRAY_LEN(ends); i++) {
		const char *at = strstr(name, ends[i]);

		if (at)
			return (size_t)(at - name);
	}
	return strlen(name);
}

/* The functions of a name or pattern that symbol tables know. */
static int find_symbols(struct finder *f, struct ft_user_file *file,
			const struct ft_user_name *name, bool exported, bool at_return)
{
	const struct ft_user_wanted wanted = {.pattern = name->function, .exported = exported};
	struct ft_user_symbol *symbols;
	u32 count;
	int code = ft_user_file_symbols(f->compile, file, &wanted, &symbols, &count);

	for (u32 i = 0; i < count && !code; i++) {
		size_t len = stem_of(symbols[i].name);
		const char *own = symbols[i].name;
		Dwarf_Die function;

		/* Names of one function are one place. What begins a program has no caller. */
		if ((i && symbols[i].addr == symbols[i - 1].addr) ||
		    (at_return && symbols[i].addr == file->elf->entry))
			continue;
		if (name->file && (!ft_user_function_at(file, symbols[i].addr, &function) ||
				   !ft_user_name_fits(name, &function)))
			continue;
		if (own[len])
			own = ft_arena_copy(f->compile->arena, own, len);
		code = own ? add_function(f, file, symbols[i].addr, own) : -ENOMEM;
	}
	return code;
}

struct behind {
	bool at_return, exported, inlined, whole;
};

/* What stands behind function("f"). */
static int read_behind(struct finder *f, struct behind *behind)
{
	*behind = (struct behind){.inlined = true, .whole = true};
	for (u32 i = f->at + 1; i < f->point->part_count; i++) {
		const struct ft_point_part *more = part_at(f->point, i);

		if (!strcmp(more->name, "return") && !more->arg) {
			behind->at_return = true;
			behind->inlined = false;
		} else if (!strcmp(more->name, "exported") && !more->arg) {
			behind->exported = true;
			behind->inlined = false;
		} else if (!strcmp(more->name, "call") && !more->arg) {
			behind->inlined = false;
		} else if (!strcmp(more->name, "inline") && !more->arg) {
			behind->whole = false;
		} else if (!(!strcmp(more->name, "maxactive") && behind->at_return &&
			     has_number(more))) {
			return refuse(f, -EINVAL, "probe point mismatch: no '%s' behind function()",
				      more->name);
		}
	}
	return 0;
}

/*
 * Symbol tables first, which are quick. Debug information is asked for inlined calls, and where
 * they know nothing; but not for inlined calls of a pattern, which would be half of the program.
 */
static int find_function(struct finder *f, struct ft_user_file *file)
{
	const struct ft_point_part *part = part_at(f->point, f->at);
	struct ft_user_probe like = {.kind = FT_USER_FUNCTION};
	struct ft_user_name name;
	struct behind behind;
	bool is_pattern;
	int code;

	if (!has_text(part))
		return refuse(f, -EINVAL, "function() takes a name or pattern");
	code = read_behind(f, &behind);
	if (code)
		return code;
	like.at_return = behind.at_return;
	ft_user_name_parse(f->compile, part->arg->text, &name);
	is_pattern = strpbrk(name.function, "*?[") != NULL;
	if (behind.whole)
		code = find_symbols(f, file, &name, behind.exported, behind.at_return);
	if (!code && !behind.exported &&
	    (!f->count || !behind.whole || (behind.inlined && !is_pattern)))
		code = ft_user_functions_scan(f->compile, file, &name, behind.whole && !f->count,
					      behind.inlined && (!is_pattern || !behind.whole),
					      &f->sites, &f->count);
	if (code)
		return code;
	if (f->count)
		return deliver_all(f, &like);
	return name.file && !ft_user_file_dwarf(file)
		       ? refuse(f, -ENOENT, "%.150s has no debug information, which tells files",
				file->shown)
		       : no_function(f, file, name.function);
}

/* ---- statements ---- */

/* A run-time address of a process as it is linked. */
static bool as_linked(struct finder *f, struct ft_user_file *file, u64 *addr)
{
	char maps[64], line[PATH_BYTES + 128];
	unsigned long long start, end, offset;
	bool found = false;
	FILE *from;

	snprintf(maps, sizeof(maps), "/proc/%u/maps", f->pid);
	from = fopen(maps, "re");
	while (from && !found && fgets(line, sizeof(line), from))
		if (sscanf(line, "%llx-%llx %*s %llx", &start, &end, &offset) == 3 &&
		    *addr >= start && *addr < end)
			found = ft_elf_addr_of_offset(file->elf, offset + (*addr - start), addr);
	if (from)
		fclose(from);
	return found;
}

static int find_address(struct finder *f, struct ft_user_file *file, s64 number)
{
	const struct ft_user_probe like = {.kind = FT_USER_STATEMENT};
	bool absolute = !strcmp(part_at(f->point, f->at + 1)->name, "absolute");
	u64 addr = (u64)number;
	Dwarf_Die function;
	Dwarf_Addr entry = 0;
	int code;

	if (absolute && f->pid && file->elf->type == ET_DYN && !as_linked(f, file, &addr))
		return refuse(f, -ENOENT, "process %u has mapped no file at %#llx", f->pid,
			      (unsigned long long)number);
	if (!ft_elf_code_section(file->elf, addr))
		return refuse(f, -ENOENT, "%#llx is not in the code of %.120s",
			      (unsigned long long)addr, file->shown);
	code = ft_user_site_add(f->compile, file, addr, &f->sites, &f->count);
	if (code < 0)
		return code;
	if (f->count && ft_user_function_at(file, addr, &function)) {
		f->sites[f->count - 1].name = dwarf_diename(&function);
		if (!dwarf_entrypc(&function, &entry))
			f->sites[f->count - 1].function = ft_user_from_dwarf(file, entry);
	}
	if (f->count && !f->sites[f->count - 1].name)
		f->sites[f->count - 1].name = "";
	return deliver_all(f, &like);
}

static int find_statement(struct finder *f, struct ft_user_file *file)
{
	const struct ft_user_probe like = {.kind = FT_USER_STATEMENT};
	const struct ft_point_part *part = part_at(f->point, f->at),
				   *behind = part_at(f->point, f->at + 1);
	struct ft_user_name name;
	int code, below, above;

	if (*behind->name && strcmp(behind->name, "nearest") != 0 &&
	    strcmp(behind->name, "absolute") != 0)
		return refuse(f, -EINVAL, "probe point mismatch: no '%s' behind statement()",
			      behind->name);
	if (has_number(part))
		return find_address(f, file, part->arg->number);
	if (!has_text(part))
		return refuse(f, -EINVAL,
			      "statement() takes an address, or \"function@file:line\"");
	ft_user_name_parse(f->compile, part->arg->text, &name);
	if (!name.file || name.line < 0)
		return find_function(f, file);
	if (!ft_user_file_dwarf(file))
		return refuse(f, -ENOENT, "%.150s has no debug information, which tells lines",
			      file->shown);
	code = ft_user_lines_find(f->compile, file, &name, &f->sites, &f->count, &below, &above);
	if (!code && !f->count && !strcmp(behind->name, "nearest") && (below || above)) {
		name.line = name.last_line =
			!above || (below && name.line - below <= above - name.line) ? below : above;
		code = ft_user_lines_find(f->compile, file, &name, &f->sites, &f->count, &below,
					  &above);
	}
	if (code || f->count)
		return code ? code : deliver_all(f, &like);
	if (!below && !above)
		return refuse(f, -ENOENT, "%.100s has no code of %.60s in %.60s", file->shown,
			      name.file, name.function);
	return refuse(f, -ENOENT,
		      "no code begins at line %d of %.60s; the nearest lines that "
		      "have some: %d, %d",
		      name.line, name.file, below, above);
}

/* ---- statically defined probes ---- */

struct mark_search {
	struct finder *f;
	struct ft_user_file *file;
	const char *provider;
	char *name;
	struct ft_nearest nearest;
};

static int see_mark(void *context, const struct ft_sdt_probe *probe)
{
	struct mark_search *s = context;
	struct ft_arena *arena = s->f->compile->arena;
	struct ft_user_site *site;
	int code;

	if (fnmatch(s->provider, probe->provider, 0) != 0 ||
	    fnmatch(s->name, probe->name, 0) != 0) {
		ft_nearest_offer(&s->nearest, probe->name);
		return 0;
	}
	code = ft_user_site_add(s->f->compile, s->file, probe->addr, &s->f->sites, &s->f->count);
	if (code <= 0)
		return code;
	site = &s->f->sites[s->f->count - 1];
	site->semaphore = probe->semaphore_offset;
	site->name = "";
	site->text = ft_arena_copy(arena, probe->name, strlen(probe->name));
	site->provider = ft_arena_copy(arena, probe->provider, strlen(probe->provider));
	site->arguments = ft_arena_copy(arena, probe->arguments, strlen(probe->arguments));
	return site->text && site->provider && site->arguments ? 0 : -ENOMEM;
}

/* mark("name"): '-' stands for "__", as in the macros that make them. */
static int find_marks(struct finder *f, struct ft_user_file *file, const char *provider,
		      const struct ft_point_part *part)
{
	const struct ft_user_probe like = {.kind = FT_USER_MARK};
	struct mark_search s = {.f = f, .file = file, .provider = provider};
	char nearest[FT_NEAREST_MAX * (FT_NEAREST_BYTES + 2)];
	size_t at = 0;
	int code;

	if (strcmp(part->name, "mark") != 0 || !has_text(part) ||
	    part != &f->point->parts[f->point->part_count - 1])
		return refuse(f, -EINVAL, "probe point mismatch: provider(\"p\").mark(\"name\")");
	s.nearest.wanted = part->arg->text;
	s.name = ft_arena_alloc(f->compile->arena, 2 * strlen(part->arg->text) + 1, 1);
	if (!s.name)
		return -ENOMEM;
	for (const char *from = part->arg->text; *from; from++) {
		s.name[at++] = *from == '-' ? '_' : *from;
		if (*from == '-')
			s.name[at++] = '_';
	}
	code = ft_sdt_walk(file->elf, see_mark, &s);
	if (code || f->count)
		return code ? code : deliver_all(f, &like);
	ft_nearest_text(&s.nearest, nearest, sizeof(nearest));
	return refuse(f, -ENOENT, "%.120s has no mark '%.60s'%s%.100s", file->shown,
		      part->arg->text,
		      *nearest		? "; it has "
		      : s.nearest.count ? ""
					: " (it may have none at all)",
		      nearest);
}

static int find_in_file(struct finder *f, struct ft_user_file *file)
{
	const struct ft_point_part *part = part_at(f->point, f->at);

	if (!strcmp(part->name, "function"))
		return find_function(f, file);
	if (!strcmp(part->name, "statement"))
		return find_statement(f, file);
	if (!strcmp(part->name, "mark"))
		return find_marks(f, file, "*", part);
	if (!strcmp(part->name, "provider"))
		return find_marks(f, file, has_text(part) ? part->arg->text : "",
				  part_at(f->point, f->at + 1));
	return refuse(f, -EINVAL, "probe point mismatch: no '%s' behind process()", part->name);
}

int ft_user_points_find(struct ft_compile *compile, const struct ft_point *point, bool apart,
			ft_user_point_fn found, void *context, char why[300])
{
	struct finder f = {.compile = compile,
			   .point = point,
			   .apart = apart,
			   .found = found,
			   .context = context,
			   .why = why};

	return find_in_process(&f);
}

/*
 * user_find.c - what a point means in one file: functions, statements, marks; and the beginning and
 * end of processes. See user_finder.h.
 */
#include <elf.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/sdt.h"
#include "scriptlang/kernel/kernel_dwarf.h"
#include "scriptlang/user/user_dwarf.h"
#include "scriptlang/user/user_finder.h"

#define LINE_BYTES 4352 /* of /proc/PID/maps */

/* ---- functions ---- */

int ft_user_site_add(struct ft_compile *compile, struct ft_user_file *file, u64 addr,
		     struct ft_user_site **sites, u32 *count)
{
	struct ft_user_site *site;
	u64 offset = 0;

	if (file->in_kernel ? ft_kernel_dwarf_is_kept(file, addr)
			    : !ft_elf_offset_of_addr(file->elf, addr, &offset))
		return 0;
	site = FT_ARENA_PUSH(compile->arena, sites, count);
	if (!site)
		return -ENOMEM;
	site->file = file;
	site->addr = addr;
	site->offset = offset;
	return 1;
}

/* Its size is 0 if nobody knows. Variables are those of the beginning, wherever they lie later. */
static int add_function(struct ft_user_finder *f, struct ft_user_file *file, u64 addr, u64 size,
			const char *name)
{
	u64 place = ft_user_probe_place(file, addr, f->apart ? 0 : size, f->has_arguments);
	int code = ft_user_site_add(f->compile, file, place, &f->sites, &f->count);

	if (code > 0) {
		f->sites[f->count - 1].as_at_beginning = true;
		f->sites[f->count - 1].function = addr;
		f->sites[f->count - 1].name = name;
	}
	return code < 0 ? code : 0;
}

static int no_function(struct ft_user_finder *f, struct ft_user_file *file, const char *name)
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
	return ft_user_refuse(f, -ENOENT, "%.120s has no function '%.60s'%s%.100s", file->shown,
			      name,
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

/* Bytes of a function, up to where the next one begins. */
static u64 size_of(const struct ft_user_symbol *symbols, u32 at, u32 count)
{
	u64 size = symbols[at].size;

	for (u32 i = at + 1; i < count; i++) {
		u64 behind = symbols[i].addr - symbols[at].addr;

		if (behind)
			return behind < size ? behind : size;
	}
	return size;
}

/* Where functions of a source file begin, by debug information. */
struct declared {
	struct ft_user_finder *f;
	struct ft_user_file *file;
	u64 *addrs;
	u32 count;
};

static int see_declared(void *context, Dwarf_Die *function)
{
	struct declared *d = context;
	Dwarf_Addr entry;
	u64 *slot;

	if (!ft_user_entry_pc(function, &entry))
		return 0;
	slot = FT_ARENA_PUSH(d->f->compile->arena, &d->addrs, &d->count);
	if (!slot)
		return -ENOMEM;
	*slot = ft_user_from_dwarf(d->file, entry);
	return 0;
}

static int by_number(const void *left, const void *right)
{
	const u64 *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

/* Many symbols are compared with all functions of a file, rather than looked up one by one. */
static int list_declared(struct declared *d, const struct ft_user_name *name)
{
	struct ft_user_name all = *name;
	int code;

	all.function = "*"; /* symbols may have other names */
	code = ft_user_functions_visit(d->f->compile, d->file, &all, false, see_declared, d);
	if (d->count)
		qsort(d->addrs, d->count, sizeof(*d->addrs), by_number);
	return code;
}

static bool is_declared(const struct declared *d, const struct ft_user_name *name, u64 addr)
{
	Dwarf_Die function;

	if (!strpbrk(name->function, "*?["))
		return ft_user_function_at(d->file, addr, &function) &&
		       ft_user_name_fits(name, &function);
	return d->count && bsearch(&addr, d->addrs, d->count, sizeof(addr), by_number);
}

/* The functions of a name or pattern that symbol tables know. */
static int find_symbols(struct ft_user_finder *f, struct ft_user_file *file,
			const struct ft_user_name *name, bool exported, bool at_return)
{
	const struct ft_user_wanted wanted = {.pattern = name->function, .exported = exported};
	struct declared declared = {.f = f, .file = file};
	struct ft_user_symbol *symbols;
	u32 count;
	int code = ft_user_file_symbols(f->compile, file, &wanted, &symbols, &count);

	if (!code && name->file && strpbrk(name->function, "*?["))
		code = list_declared(&declared, name);
	for (u32 i = 0; i < count && !code; i++) {
		size_t len = stem_of(symbols[i].name);
		const char *own = symbols[i].name;

		/* Names of one function are one place. What begins a program has no caller. */
		if ((i && symbols[i].addr == symbols[i - 1].addr) ||
		    (at_return && symbols[i].addr == file->elf->entry))
			continue;
		if (name->file && !is_declared(&declared, name, symbols[i].addr))
			continue;
		if (own[len])
			own = ft_arena_copy(f->compile->arena, own, len);
		code = own ? add_function(f, file, symbols[i].addr, size_of(symbols, i, count), own)
			   : -ENOMEM;
	}
	return code;
}

/* A function that is chosen as programs start. 0: it is none, or was added. */
static int find_chosen(struct ft_user_finder *f, struct ft_user_file *file, const char *name)
{
	u64 addr;
	int code = ft_user_chosen_find(file, name, &addr);

	/* An older version of it may be a function like any other. */
	if (code == -ENOTSUP && !f->count)
		return ft_user_refuse(f, code,
				      "which '%.60s' of %.120s it is, programs choose as they "
				      "start (IFUNC): probe the variants by pattern, \"*%.60s*\"",
				      name, file->shown, name);
	return code ? 0 : add_function(f, file, addr, 0, name);
}

struct behind {
	bool at_return, exported, inlined, whole;
	const struct ft_point_part *within; /* .label(), .callee(), .callees; NULL: none */
};

static bool is_within(const struct ft_point_part *part)
{
	return (ft_user_has_text(part) &&
		(!strcmp(part->name, "label") || !strcmp(part->name, "callee"))) ||
	       (!strcmp(part->name, "callees") && (!part->arg || ft_user_has_number(part)));
}

/* What stands behind function("f"). */
static int read_behind(struct ft_user_finder *f, struct behind *behind)
{
	*behind = (struct behind){.inlined = true, .whole = true};
	for (u32 i = f->at + 1; i < f->point->part_count; i++) {
		const struct ft_point_part *more = ft_user_part(f->point, i);

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
		} else if (i == f->at + 1 && is_within(more)) {
			behind->within = more;
		} else if (!(!strcmp(more->name, "maxactive") && behind->at_return &&
			     ft_user_has_number(more))) {
			return ft_user_refuse(f, -EINVAL,
					      "probe point mismatch: no '%s' behind function()",
					      more->name);
		}
	}
	return 0;
}

static bool is_before(const struct ft_user_finder *f, unsigned int major, unsigned int minor)
{
	unsigned int own_major = 0, own_minor = 0;

	sscanf(f->compile->machine.release, "%u.%u", &own_major, &own_minor);
	return own_major < major || (own_major == major && own_minor < minor);
}

/* function("f").label("x"), function("f").callee("g"), .callees */
static int find_within(struct ft_user_finder *f, struct ft_user_file *file,
		       const struct ft_user_name *name, const struct behind *behind)
{
	const struct ft_point_part *part = behind->within;
	bool is_label = !strcmp(part->name, "label");
	const char *pattern = ft_user_has_text(part) ? part->arg->text : "*";
	const struct ft_user_probe like = {.kind = is_label ? FT_USER_STATEMENT : FT_USER_FUNCTION,
					   .at_return = behind->at_return};
	const struct ft_user_within wanted = {.label = is_label ? pattern : NULL,
					      .callee = is_label ? NULL : pattern,
					      .inlined = behind->inlined,
					      .inlined_only = !behind->whole};
	int code;

	if (is_label && f->at + 2 != f->point->part_count)
		return ft_user_refuse(f, -EINVAL,
				      "probe point mismatch: nothing goes behind label()");
	if (ft_user_has_number(part) && part->arg->number != 1)
		return ft_user_refuse(
			f, -EINVAL,
			"this version looks at the caller only: callees(1), or callees");
	if (!ft_user_file_dwarf(file))
		return ft_user_refuse(f, -ENOENT,
				      "%.150s has no debug information, which tells what is within "
				      "functions",
				      file->shown);
	if (behind->at_return && f->at > 1 && is_before(f, 6, 6))
		return ft_user_refuse(f, -ENOTSUP,
				      "before Linux 6.6 the return of a library's function does "
				      "not tell where the library is, by which callers are told");
	code = ft_user_within_find(f->compile, file, name, &wanted, &f->sites, &f->count);
	if (code || f->count)
		return code ? code : ft_user_deliver(f, &like);
	return is_label ? ft_user_refuse(f, -ENOENT, "no label '%.60s' in %.60s of %.100s", pattern,
					 name->function, file->shown)
			: ft_user_refuse(
				  f, -ENOENT,
				  "%.60s calls no '%.60s' in %.80s that the debug "
				  "information tells: it notes calls of code that was compiled "
				  "with optimization, and none by pointer",
				  name->function, pattern, file->shown);
}

/*
 * Symbol tables first, which are quick. Debug information is asked for inlined calls, and where
 * they know nothing; but not for inlined calls of a pattern, which would be half of the program.
 */
static int find_function(struct ft_user_finder *f, struct ft_user_file *file)
{
	const struct ft_point_part *part = ft_user_part(f->point, f->at);
	struct ft_user_probe like = {.kind = FT_USER_FUNCTION};
	struct ft_user_name name;
	struct behind behind;
	bool is_pattern;
	int code;

	if (!ft_user_has_text(part))
		return ft_user_refuse(f, -EINVAL, "function() takes a name or pattern");
	code = read_behind(f, &behind);
	if (code)
		return code;
	like.at_return = behind.at_return;
	ft_user_name_parse(f->compile, part->arg->text, &name);
	if (behind.within)
		return find_within(f, file, &name, &behind);
	is_pattern = strpbrk(name.function, "*?[") != NULL;
	if (behind.whole)
		code = find_symbols(f, file, &name, behind.exported, behind.at_return);
	if (!code && behind.whole && !is_pattern && !name.file)
		code = find_chosen(f, file, name.function);
	if (!code && !behind.exported &&
	    (!f->count || !behind.whole || (behind.inlined && !is_pattern)))
		code = ft_user_functions_scan(f->compile, file, &name, behind.whole && !f->count,
					      behind.inlined && (!is_pattern || !behind.whole),
					      &f->sites, &f->count);
	if (code)
		return code;
	if (f->count)
		return ft_user_deliver(f, &like);
	return name.file && !ft_user_file_dwarf(file)
		       ? ft_user_refuse(f, -ENOENT,
					"%.150s has no debug information, which tells files",
					file->shown)
		       : no_function(f, file, name.function);
}

/* ---- statements ---- */

/* A run-time address of a process as it is linked. */
static bool as_linked(struct ft_user_finder *f, struct ft_user_file *file, u64 *addr)
{
	char maps[64], line[LINE_BYTES];
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

static int find_address(struct ft_user_finder *f, struct ft_user_file *file, s64 number)
{
	const struct ft_user_probe like = {.kind = FT_USER_STATEMENT};
	bool absolute = !strcmp(ft_user_part(f->point, f->at + 1)->name, "absolute");
	u64 addr = (u64)number;
	Dwarf_Die function;
	Dwarf_Addr entry = 0;
	int code;

	if (absolute && f->pid && file->elf->type == ET_DYN && !as_linked(f, file, &addr))
		return ft_user_refuse(f, -ENOENT, "process %u has mapped no file at %#llx", f->pid,
				      (unsigned long long)number);
	if (!ft_elf_code_section(file->elf, addr))
		return ft_user_refuse(f, -ENOENT, "%#llx is not in the code of %.120s",
				      (unsigned long long)addr, file->shown);
	code = ft_user_site_add(f->compile, file, addr, &f->sites, &f->count);
	if (code < 0)
		return code;
	if (f->count && ft_user_function_at(file, addr, &function)) {
		f->sites[f->count - 1].name = dwarf_diename(&function);
		if (ft_user_entry_pc(&function, &entry))
			f->sites[f->count - 1].function = ft_user_from_dwarf(file, entry);
	}
	if (f->count && !f->sites[f->count - 1].name)
		f->sites[f->count - 1].name = "";
	return ft_user_deliver(f, &like);
}

static int find_statement(struct ft_user_finder *f, struct ft_user_file *file)
{
	const struct ft_user_probe like = {.kind = FT_USER_STATEMENT};
	const struct ft_point_part *part = ft_user_part(f->point, f->at),
				   *behind = ft_user_part(f->point, f->at + 1);
	struct ft_user_name name;
	int code, below, above;

	if (*behind->name && strcmp(behind->name, "nearest") != 0 &&
	    strcmp(behind->name, "absolute") != 0)
		return ft_user_refuse(f, -EINVAL,
				      "probe point mismatch: no '%s' behind statement()",
				      behind->name);
	if (ft_user_has_number(part))
		return find_address(f, file, part->arg->number);
	if (!ft_user_has_text(part))
		return ft_user_refuse(f, -EINVAL,
				      "statement() takes an address, or \"function@file:line\"");
	ft_user_name_parse(f->compile, part->arg->text, &name);
	if (!name.file || name.line < 0)
		return find_function(f, file);
	if (!ft_user_file_dwarf(file))
		return ft_user_refuse(f, -ENOENT,
				      "%.150s has no debug information, which tells lines",
				      file->shown);
	code = ft_user_lines_find(f->compile, file, &name, &f->sites, &f->count, &below, &above);
	if (!code && !f->count && !strcmp(behind->name, "nearest") && (below || above)) {
		name.line = name.last_line =
			!above || (below && name.line - below <= above - name.line) ? below : above;
		code = ft_user_lines_find(f->compile, file, &name, &f->sites, &f->count, &below,
					  &above);
	}
	if (code || f->count)
		return code ? code : ft_user_deliver(f, &like);
	if (!below && !above)
		return ft_user_refuse(f, -ENOENT, "%.100s has no code of %.60s in %.60s",
				      file->shown, name.file, name.function);
	if (!below || !above)
		return ft_user_refuse(f, -ENOENT,
				      "no code begins at line %d of %.60s; the nearest line that "
				      "has some: %d",
				      name.line, name.file, below ? below : above);
	return ft_user_refuse(f, -ENOENT,
			      "no code begins at line %d of %.60s; the nearest lines that "
			      "have some: %d, %d",
			      name.line, name.file, below, above);
}

/* ---- calls of functions in libraries ---- */

static int find_plt(struct ft_user_finder *f, struct ft_user_file *file)
{
	const struct ft_point_part *part = ft_user_part(f->point, f->at),
				   *behind = ft_user_part(f->point, f->at + 1);
	struct ft_user_probe like = {.kind = FT_USER_PLT,
				     .at_return = !strcmp(behind->name, "return")};
	int code;

	if ((part->arg && !ft_user_has_text(part)) || (*behind->name && !like.at_return))
		return ft_user_refuse(f, -EINVAL,
				      "probe point mismatch: plt, plt(\"name\"), .return");
	code = ft_user_plt_find(f->compile, file, part->arg ? part->arg->text : "*", &f->sites,
				&f->count);
	if (code == -ENOTSUP)
		return ft_user_refuse(f, code,
				      "this version knows the stubs of x86-64 and aarch64 only");
	if (code || f->count)
		return code ? code : ft_user_deliver(f, &like);
	return ft_user_refuse(f, -ENOENT, "%.120s calls no '%.80s' through a stub", file->shown,
			      part->arg ? part->arg->text : "*");
}

/* ---- statically defined probes ---- */

struct mark_search {
	struct ft_user_finder *f;
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
static int find_marks(struct ft_user_finder *f, struct ft_user_file *file, const char *provider,
		      const struct ft_point_part *part)
{
	const struct ft_user_probe like = {.kind = FT_USER_MARK};
	struct mark_search s = {.f = f, .file = file, .provider = provider};
	char nearest[FT_NEAREST_MAX * (FT_NEAREST_BYTES + 2)];
	size_t at = 0;
	int code;

	if (strcmp(part->name, "mark") != 0 || !ft_user_has_text(part) ||
	    part != &f->point->parts[f->point->part_count - 1])
		return ft_user_refuse(f, -EINVAL,
				      "probe point mismatch: provider(\"p\").mark(\"name\")");
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
		return code ? code : ft_user_deliver(f, &like);
	ft_nearest_text(&s.nearest, nearest, sizeof(nearest));
	return ft_user_refuse(f, -ENOENT, "%.120s has no mark '%.60s'%s%.100s", file->shown,
			      part->arg->text,
			      *nearest		? "; it has "
			      : s.nearest.count ? ""
						: " (it may have none at all)",
			      nearest);
}

/* ---- beginning and end of processes and threads ---- */

static int deliver_life(struct ft_user_finder *f, struct ft_user_file *file,
			const struct ft_user_life *like)
{
	const struct ft_user_site nowhere = {.file = file};
	struct ft_user_life *life = FT_ARENA_NEW(f->compile->arena, struct ft_user_life);
	struct ft_point *point = FT_ARENA_NEW(f->compile->arena, struct ft_point);

	if (point)
		*point = *f->point;
	if (ft_user_has_text(&f->point->parts[0]))
		point = ft_user_spell_out(f, &nowhere);

	if (!life || !point)
		return -ENOMEM;
	*life = *like;
	point->life = life;
	f->found(f->context, point);
	return 0;
}

/* Which processes a point is about. */
static int choose_processes(struct ft_user_finder *f, struct ft_user_file *file,
			    struct ft_user_life *life)
{
	if (f->and_children)
		life->set = ft_user_set(f->compile, NULL);
	else if (f->pid)
		life->pid = f->pid;
	else
		life->program = file;
	return f->and_children && !life->set ? -ENOMEM : 0;
}

/* process.syscall, .syscall.return. Which calls, points.c finds out: by what the handler wants. */
static int find_calls(struct ft_user_finder *f, struct ft_user_file *file,
		      struct ft_user_life *life)
{
	const struct ft_point_part *behind = ft_user_part(f->point, f->at + 1);
	bool returns = !strcmp(behind->name, "return");

	if (ft_user_part(f->point, f->at)->arg || behind->arg ||
	    f->at + 1 + returns != f->point->part_count)
		return ft_user_refuse(f, -EINVAL,
				      "probe point mismatch: process.syscall, .syscall.return");
	life->event = returns ? "sys_exit" : "sys_enter";
	life->calls = "*";
	return deliver_life(f, file, life);
}

/*
 * A process begins when it is forked and when it runs another program. When the kernel tells of the
 * end of a thread, that has no program any more (before Linux 6.16): what it was is noted before.
 */
int ft_user_find_life(struct ft_user_finder *f, struct ft_user_file *file)
{
	bool of_thread = !strcmp(ft_user_part(f->point, f->at)->name, "thread");
	const struct ft_point_part *part = ft_user_part(f->point, f->at + of_thread);
	struct ft_user_life life = {.of_thread = of_thread};
	int code = choose_processes(f, file, &life);

	if (code)
		return code;
	if (!strcmp(part->name, "syscall") && !of_thread)
		return find_calls(f, file, &life);
	if (f->at + of_thread + 1 != f->point->part_count || part->arg)
		return ft_user_refuse(f, -EINVAL,
				      "probe point mismatch: process.begin, .end, "
				      ".thread.begin, .thread.end");
	if (!strcmp(part->name, "end")) {
		life.event = "sched_process_exit";
		if (life.program) {
			life.set = ft_user_set(f->compile, file);
			life.program = NULL;
		}
		return life.set || life.pid || !file ? deliver_life(f, file, &life) : -ENOMEM;
	}
	if (strcmp(part->name, "begin") != 0)
		return ft_user_refuse(f, -EINVAL, "probe point mismatch: no '%s' behind process()",
				      part->name);
	life.event = "sched_process_fork";
	life.of_child = true;
	code = deliver_life(f, file, &life);
	life.event = "sched_process_exec";
	life.of_child = false;
	return code || of_thread ? code : deliver_life(f, file, &life);
}

bool ft_user_is_life(const char *name)
{
	return !strcmp(name, "begin") || !strcmp(name, "end") || !strcmp(name, "thread") ||
	       !strcmp(name, "syscall");
}

int ft_user_find_in_file(struct ft_user_finder *f, struct ft_user_file *file)
{
	const struct ft_point_part *part = ft_user_part(f->point, f->at);

	if (ft_user_is_life(part->name))
		return ft_user_find_life(f, file);
	if (!strcmp(part->name, "function"))
		return find_function(f, file);
	if (!strcmp(part->name, "plt"))
		return find_plt(f, file);
	if (!strcmp(part->name, "statement"))
		return find_statement(f, file);
	if (!strcmp(part->name, "mark"))
		return find_marks(f, file, "*", part);
	if (!strcmp(part->name, "provider"))
		return find_marks(f, file, ft_user_has_text(part) ? part->arg->text : "",
				  ft_user_part(f->point, f->at + 1));
	return ft_user_refuse(f, -EINVAL, "probe point mismatch: no '%s' behind process()",
			      part->name);
}

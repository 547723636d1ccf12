/* user_point.c - see user_point.h. */
#include "scriptlang/user/user_point.h"

#include <elf.h>
#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scriptlang/syntax/parse.h"
#include "scriptlang/user/user_dwarf.h"
#include "scriptlang/user/user_finder.h"

#define PATH_BYTES 4096
#define INTERPRETERS_MAX 4 /* in a row, as the kernel follows them */

int ft_user_refuse(struct ft_user_finder *f, int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(f->why, 300, fmt, args);
	va_end(args);
	return code;
}

const struct ft_point_part *ft_user_part(const struct ft_point *point, u32 at)
{
	static const struct ft_point_part none = {.name = ""};

	return at < point->part_count ? &point->parts[at] : &none;
}

bool ft_user_has_text(const struct ft_point_part *part)
{
	return part->arg && part->arg->kind == FT_EXPR_STRING;
}

bool ft_user_has_number(const struct ft_point_part *part)
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

static bool is_there(u32 pid)
{
	return !kill((pid_t)pid, 0) || errno == EPERM;
}

/* The file of a process, which shown names. */
static int open_process(struct ft_user_finder *f, u32 pid, struct ft_user_file **file)
{
	char link[64], path[PATH_BYTES];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/%u/exe", pid);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return ft_user_refuse(f, -ENOENT,
				      "there is no process %u whose program can be read: %s", pid,
				      strerror(errno));
	path[len] = '\0';
	*file = ft_user_file_open(f->compile, link, path, f->why);
	return *file ? 0 : -ENOENT;
}

/* What is in no folder of $PATH may be in the one at hand. */
static bool in_folder(const char *name, char path[PATH_BYTES])
{
	return !access(name, R_OK) && snprintf(path, PATH_BYTES, "%s", name) < PATH_BYTES;
}

/* What runs a script: the program behind "#!", into path. */
static bool read_interpreter(const char *path, char program[PATH_BYTES])
{
	FILE *file = fopen(path, "re");
	bool is_script = file && fgetc(file) == '#' && fgetc(file) == '!';
	size_t start = 0, len = 0;

	if (is_script && fgets(program, PATH_BYTES, file)) {
		start = strspn(program, " \t");
		len = strcspn(program + start, " \t\n");
	}
	if (file)
		fclose(file);
	memmove(program, program + start, len);
	program[len] = '\0';
	return len > 0;
}

static int open_path(struct ft_user_finder *f, const char *path, struct ft_user_file **file)
{
	char *real = realpath(path, NULL), program[PATH_BYTES] = "";

	/* A script's process runs its interpreter, which may be a script itself. */
	for (u32 i = 0; i < INTERPRETERS_MAX && real && read_interpreter(real, program); i++) {
		free(real);
		path = program;
		real = realpath(program, NULL);
	}
	if (!real)
		return ft_user_refuse(f, -ENOENT, "cannot open %.200s: %s", path, strerror(errno));
	*file = ft_user_file_open(f->compile, real, NULL, f->why);
	free(real);
	return *file ? 0 : -ENOENT;
}

/*
 * A program by its name: in a folder of $PATH, in the one at hand, or, of a library, where the
 * dynamic linker looks.
 */
static int open_name(struct ft_user_finder *f, const char *name, struct ft_user_file **file)
{
	char path[PATH_BYTES], likely[PATH_BYTES];

	if (search_path(name, path) || in_folder(name, path) ||
	    (!strchr(name, '/') && strstr(name, ".so") &&
	     ft_user_library_path(f->compile, name, path)))
		return open_path(f, path, file);
	if (strchr(name, '/'))
		return ft_user_refuse(f, -ENOENT, "cannot open %.200s: %s", name, strerror(errno));
	/* Without a version there may only be a text for the linker. */
	snprintf(likely, sizeof(likely), "%s%s.*", name, strstr(name, ".so") ? "" : ".so");
	if (ft_user_library_path(f->compile, likely, path))
		return ft_user_refuse(f, -ENOENT,
				      "there is no program %.100s in $PATH; the library is "
				      "process(\"%.120s\")",
				      name, path);
	return ft_user_refuse(
		f, -ENOENT, "there is no program %.200s in $PATH%s", name,
		strstr(name, ".so") ? ", and no library of this name where the dynamic linker looks"
				    : "");
}

static int find_in_program(struct ft_user_finder *f, struct ft_user_file *file);

/* Each file that a pattern names; those that are none of this machine's are passed over. */
static int find_in_glob(struct ft_user_finder *f, const char *pattern)
{
	glob_t files;
	bool any = false;
	int code = 0;

	if (glob(pattern, 0, NULL, &files))
		return ft_user_refuse(f, -ENOENT, "no file matches %.200s", pattern);
	for (size_t i = 0; i < files.gl_pathc && code != -ENOMEM && code != -EINVAL; i++) {
		struct ft_user_file *file = NULL;

		if (open_path(f, files.gl_pathv[i], &file))
			continue;
		code = find_in_program(f, file);
		any |= !code;
	}
	globfree(&files);
	return code == -ENOMEM || code == -EINVAL ? code : any ? 0 : -ENOENT;
}

/* process("path"), process(PID), or process: the one of -c or -x. */
static int find_in_process(struct ft_user_finder *f)
{
	const struct ft_point_part *part = &f->point->parts[0];
	struct ft_user_file *file = NULL;
	int code;

	f->at = 1;
	if (ft_user_has_number(part)) {
		f->pid = (u32)part->arg->number;
		/* Not all that may be listened to may be looked into. */
		if (ft_user_is_life(ft_user_part(f->point, 1)->name) && is_there(f->pid))
			return ft_user_find_life(f, NULL);
		code = open_process(f, f->pid, &file);
	} else if (ft_user_has_text(part)) {
		if (strpbrk(part->arg->text, "*?["))
			return find_in_glob(f, part->arg->text);
		code = open_name(f, part->arg->text, &file);
	} else if (ft_user_is_life(ft_user_part(f->point, 1)->name)) {
		f->and_children = f->compile->target_pid != 0;
		return ft_user_find_life(f, NULL);
	} else if (f->compile->target_path) {
		f->pid = f->compile->target_pid;
		f->and_children = true;
		code = open_name(f, f->compile->target_path, &file);
	} else if (f->compile->target_pid) {
		f->pid = f->compile->target_pid;
		f->and_children = true;
		code = open_process(f, f->pid, &file);
	} else {
		return ft_user_refuse(
			f, -EINVAL,
			"'process' without a path is the process of -c or -x, and neither "
			"was given");
	}
	return code || !file ? code : find_in_program(f, file);
}

/* library("x") of the program, or the program itself. */
static int find_in_program(struct ft_user_finder *f, struct ft_user_file *file)
{
	const struct ft_point_part *part = ft_user_part(f->point, f->at);
	struct ft_user_libraries libraries = {0};
	bool any = false;
	int code;

	if (strcmp(part->name, "library") != 0)
		return ft_user_find_in_file(f, file);
	if (!ft_user_has_text(part))
		return ft_user_refuse(f, -EINVAL, "library() takes the name of a file");
	code = ft_user_libraries_find(f->compile, file, f->pid, part->arg->text, &libraries,
				      f->why);
	if (code)
		return code;
	f->at++;
	f->program = f->pid ? NULL : file;
	for (u32 i = 0; i < libraries.count && code != -ENOMEM && code != -EINVAL; i++) {
		code = ft_user_find_in_file(f, libraries.items[i]);
		any |= !code;
	}
	f->at--;
	f->program = NULL;
	return code == -ENOMEM || code == -EINVAL ? code : any ? 0 : -ENOENT;
}

u64 ft_user_first_code(const struct ft_user_file *file)
{
	u64 first = UINT64_MAX;

	for (u32 i = 0; i < file->elf->segment_count; i++) {
		const struct ft_elf_segment *s = &file->elf->segments[i];

		if (s->type == PT_LOAD && s->flags & PF_X && s->addr < first)
			first = s->addr;
	}
	return first;
}

struct ft_user_set *ft_user_set(struct ft_compile *compile, struct ft_user_file *program)
{
	struct ft_user_set **slot, *set;

	for (u32 i = 0; i < compile->user_set_count; i++)
		if (compile->user_sets[i]->program == program)
			return compile->user_sets[i];
	set = FT_ARENA_NEW(compile->arena, struct ft_user_set);
	slot = set ? FT_ARENA_PUSH(compile->arena, &compile->user_sets, &compile->user_set_count)
		   : NULL;
	if (!slot)
		return NULL;
	*set = (struct ft_user_set){.program = program, .map = -1};
	*slot = set;
	return set;
}

/* ---- what is found ---- */

static struct ft_point_part text_part(struct ft_user_finder *f, const struct ft_point_part *from,
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
	if (site->declared ? !dwarf_offdie(site->file->dwarf, site->declared, &function)
			   : !site->function ||
				     !ft_user_function_at(site->file, site->function, &function))
		return site->name;
	file = ft_user_declared(&function, &line);
	return file && line ? ft_arena_printf(compile->arena, "%s@%s:%d", site->name, file, line)
			    : site->name;
}

struct ft_point *ft_user_spell_out(struct ft_user_finder *f, const struct ft_user_site *site)
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
	if (!ft_user_has_number(&point->parts[0]) && !site->file->in_kernel)
		point->parts[0] = text_part(f, &point->parts[0],
					    f->program ? f->program->shown : site->file->shown);
	if (f->at > 1)
		point->parts[f->at - 1] = text_part(f, &point->parts[f->at - 1], site->file->shown);
	for (u32 i = f->at; i < point->part_count; i++) {
		const struct ft_point_part *part = &point->parts[i];

		if (!strcmp(part->name, "function") || !strcmp(part->name, "plt") ||
		    !strcmp(part->name, "mark") ||
		    (!strcmp(part->name, "statement") && ft_user_has_text(part)))
			point->parts[i] = text_part(f, part, place_text(f->compile, site));
		if (site->inner &&
		    (!strcmp(part->name, "label") || !strncmp(part->name, "callee", 6))) {
			point->parts[i] = text_part(f, part, site->inner);
			if (!strcmp(part->name, "callees"))
				point->parts[i].name = "callee";
		}
		if (!strcmp(part->name, "provider") && site->provider)
			point->parts[i] = text_part(f, part, site->provider);
	}
	return point;
}

const char *ft_user_site_text(struct ft_compile *compile, const struct ft_point *point,
			      const struct ft_user_site *site)
{
	struct ft_user_finder f = {
		.compile = compile, .point = point, .program = point->user->program};
	struct ft_point *own;

	f.at = !strcmp(ft_user_part(point, 1)->name, "library") ? 2 : 1;
	own = ft_user_spell_out(&f, site);
	return own ? ft_point_text(compile->arena, own) : "";
}

bool ft_user_text_of(const char *function, enum ft_user_text *which)
{
	bool is_name = !strcmp(function, "ppfunc");

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
	u64 end = site->caller_count ? site->function
				     : ft_user_prologue_end(site->file, site->function),
	    offset;

	if (end != site->function && ft_elf_offset_of_addr(site->file->elf, end, &offset)) {
		site->addr = end;
		site->offset = offset;
		site->as_at_beginning = false;
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

const struct ft_user_probe *ft_user_beginning(struct ft_compile *compile,
					      const struct ft_user_probe *probe)
{
	struct ft_user_probe *entry = FT_ARENA_NEW(compile->arena, struct ft_user_probe);
	struct ft_user_file *file = probe->sites[0].file;
	Dwarf_Die function;
	Dwarf_Addr addr;
	u32 count = 0;

	if (!entry || !ft_user_function_at(file, probe->sites[0].addr, &function) ||
	    !ft_user_entry_pc(&function, &addr))
		return NULL;
	addr = ft_user_from_dwarf(file, addr);
	*entry = *probe;
	entry->kind = FT_USER_FUNCTION;
	entry->at_return = false;
	entry->sites = NULL;
	if (ft_user_site_add(compile, file, ft_user_probe_place(file, addr, 0, true), &entry->sites,
			     &count) != 1)
		return NULL;
	entry->site_count = 1;
	entry->sites[0].function = addr;
	entry->sites[0].as_at_beginning = true;
	entry->sites[0].name = dwarf_diename(&function);
	if (!entry->sites[0].name)
		entry->sites[0].name = "";
	entry->sites[0].text = entry->sites[0].name;
	return entry;
}

/* Hands over a point with some of the places. */
static int deliver(struct ft_user_finder *f, const struct ft_user_probe *like,
		   struct ft_user_site *sites, u32 count)
{
	struct ft_user_probe *probe = FT_ARENA_NEW(f->compile->arena, struct ft_user_probe);
	struct ft_point *point = FT_ARENA_NEW(f->compile->arena, struct ft_point);

	if (!probe || !point)
		return -ENOMEM;
	*probe = *like;
	probe->pid = f->and_children ? 0 : f->pid;
	if (f->and_children) {
		probe->set = ft_user_set(f->compile, NULL);
		if (!probe->set)
			return -ENOMEM;
	}
	probe->program = f->program;
	probe->sites = sites;
	probe->site_count = count;
	probe->is_apart = f->apart;
	probe->is_library = f->at > 1;
	probe->in_kernel = sites[0].file->in_kernel;
	probe->has_others = f->has_others;
	if (f->apart && count == 1 && like->kind == FT_USER_FUNCTION && !like->at_return)
		pass_prologue(sites);
	if (count > 1) {
		probe->first = f->compile->user_places;
		f->compile->user_places += count;
	}
	if (count == 1) {
		point = ft_user_spell_out(f, sites);
		if (!point)
			return -ENOMEM;
	} else {
		*point = *f->point;
	}
	point->user = probe;
	f->found(f->context, point);
	return 0;
}

int ft_user_deliver(struct ft_user_finder *f, const struct ft_user_probe *like)
{
	struct ft_user_site *sites = f->sites;
	u32 count = f->count, end;
	bool apart = f->apart;
	int code = 0;

	f->sites = NULL;
	f->count = 0;
	if (!count)
		return -ENOENT;
	for (u32 i = 0; i < count; i++)
		apart |= sites[i].caller_count > 0; /* each has its own to look for */
	f->has_others = apart && count > 1;
	for (u32 i = 0; i < count && !code; i = end) {
		end = apart ? i + 1 : count;
		code = deliver(f, like, sites + i, end - i);
	}
	return code;
}

int ft_user_points_find(struct ft_compile *compile, const struct ft_point *point, bool apart,
			bool has_arguments, ft_user_point_fn found, void *context, char why[300])
{
	struct ft_user_finder f = {.compile = compile,
				   .point = point,
				   .apart = apart,
				   .has_arguments = has_arguments,
				   .found = found,
				   .context = context,
				   .why = why};

	return find_in_process(&f);
}

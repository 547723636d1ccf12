/*
 * user_functions.c - functions and lines by debug information: where symbol tables do not know them
 * (inlined calls, functions of classes), or where a file or a line is named. See user_places.h.
 */
#include <dwarf.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "scriptlang/user_dwarf.h"
#include "scriptlang/user_places.h"

#define NAMESPACES_MAX 16 /* within each other */

struct scan {
	struct ft_compile *compile;
	struct ft_user_file *file;
	const struct ft_user_name *wanted;
	const char *last; /* of the name: behind the last "::" */
	bool inlined, whole;
	ft_user_function_fn visit; /* instead of a place for each */
	void *context;
	struct ft_user_site **sites;
	u32 *count;
	int code;
};

void ft_user_name_parse(struct ft_compile *compile, const char *text, struct ft_user_name *name)
{
	const char *at = strchr(text, '@'), *colon;

	*name = (struct ft_user_name){.line = -1, .last_line = -1};
	name->function =
		ft_arena_copy(compile->arena, text, at ? (size_t)(at - text) : strlen(text));
	if (!name->function)
		name->function = "";
	if (!at)
		return;
	colon = strrchr(at, ':');
	name->file = ft_arena_copy(compile->arena, at + 1,
				   colon ? (size_t)(colon - at - 1) : strlen(at + 1));
	if (!colon)
		return;
	name->is_relative = colon[1] == '+';
	if (colon[1] == '*') {
		name->line = 0;
		name->last_line = INT32_MAX;
		return;
	}
	name->line = name->last_line = (int)strtol(colon + 1 + name->is_relative, (char **)&at, 10);
	if (*at == '-')
		name->last_line = (int)strtol(at + 1, NULL, 10);
}

/* "t.c" and "src/t.c" mean a path that ends so. */
static bool is_file(const char *wanted, const char *file)
{
	size_t len = file ? strlen(file) : 0, end = strlen(wanted);

	if (!file)
		return false;
	if (!fnmatch(wanted, file, 0))
		return true;
	if (strpbrk(wanted, "*?[")) {
		const char *slash = strrchr(file, '/');

		return slash && !fnmatch(wanted, slash + 1, 0);
	}
	while (!strncmp(wanted, "./", 2)) {
		wanted += 2;
		end -= 2;
	}
	return len > end && file[len - end - 1] == '/' && !strcmp(file + len - end, wanted);
}

bool ft_user_name_fits(const struct ft_user_name *name, const Dwarf_Die *function)
{
	int line;
	const char *file = ft_user_declared(function, &line);

	if (name->file && !is_file(name->file, file))
		return false;
	return name->line < 0 || name->line == line;
}

/* "A::f": the names of what is around its declaration. */
static bool is_qualified(const struct scan *s, Dwarf_Die *die)
{
	const char *end = s->last;
	Dwarf_Attribute attr;
	Dwarf_Die declared = *die, *scopes;
	bool fits = true;
	int count;

	if (s->last == s->wanted->function)
		return true;
	while (dwarf_formref_die(dwarf_attr(&declared, DW_AT_abstract_origin, &attr), &declared) ||
	       dwarf_formref_die(dwarf_attr(&declared, DW_AT_specification, &attr), &declared))
		;
	count = dwarf_getscopes_die(&declared, &scopes);
	for (int i = 1; i < count && end > s->wanted->function && fits; i++) {
		const char *name = dwarf_diename(&scopes[i]);
		size_t len = name ? strlen(name) : 0;
		const char *begin = end - 2 - len;

		if (!name)
			continue;
		fits = begin >= s->wanted->function && !strncmp(begin, name, len) &&
		       (begin == s->wanted->function || begin[-1] == ':');
		end = begin;
	}
	if (count > 0)
		free(scopes);
	return fits && end == s->wanted->function;
}

/* The name of a function with the scopes that it was asked for by: "A::f". */
static const char *asked_name(const struct scan *s, Dwarf_Die *die)
{
	const char *asked = s->wanted->function, *name = dwarf_diename(die);
	size_t len = (size_t)(s->last - asked);

	if (strcspn(asked, "*?[") < len)
		len = 0;
	return ft_arena_printf(s->compile->arena, "%.*s%s", (int)len, asked, name);
}

static int add(struct scan *s, u64 addr, u64 function, Dwarf_Die *die)
{
	const char *name = asked_name(s, die), *file;
	struct ft_user_site *site;
	int line, code;

	if (!name)
		return -ENOMEM;
	for (u32 i = 0; i < *s->count; i++)
		if ((*s->sites)[i].addr == addr ||
		    (function && (*s->sites)[i].function == function))
			return 0;
	code = ft_user_site_add(s->compile, s->file, addr, s->sites, s->count);
	if (code <= 0)
		return code;
	site = &(*s->sites)[*s->count - 1];
	site->function = function;
	site->name = name;
	file = ft_user_declared(die, &line);
	if (!function && file)
		site->text = ft_arena_printf(s->compile->arena, "%s@%s:%d", name, file, line);
	return 0;
}

static int see_instance(Dwarf_Die *instance, void *context)
{
	struct scan *s = context;
	Dwarf_Addr entry;

	if (s->visit)
		s->code = s->visit(s->context, instance);
	else if (!dwarf_entrypc(instance, &entry) && entry)
		s->code = add(s, ft_user_from_dwarf(s->file, entry), 0, instance);
	return s->code ? DWARF_CB_ABORT : DWARF_CB_OK;
}

static void see_function(struct scan *s, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);
	Dwarf_Addr entry;
	u64 addr;

	if (!name || fnmatch(s->last, name, 0) != 0 || !is_qualified(s, die) ||
	    !ft_user_name_fits(s->wanted, die))
		return;
	if (s->inlined && dwarf_func_inline(die))
		dwarf_func_inline_instances(die, see_instance, s);
	if (!s->whole || dwarf_func_inline(die) || dwarf_entrypc(die, &entry) || !entry)
		return;
	if (s->visit) {
		s->code = s->visit(s->context, die);
		return;
	}
	addr = ft_user_from_dwarf(s->file, entry);
	s->code = add(s, ft_user_probe_place(s->file, addr, 0, true), addr, die);
}

static void scan_children(struct scan *s, Dwarf_Die *parent, u32 depth)
{
	Dwarf_Die child;

	if (dwarf_child(parent, &child))
		return;
	do {
		int tag = dwarf_tag(&child);

		if (tag == DW_TAG_subprogram)
			see_function(s, &child);
		else if (tag == DW_TAG_namespace && depth < NAMESPACES_MAX)
			scan_children(s, &child, depth + 1);
	} while (!s->code && dwarf_siblingof(&child, &child) == 0);
}

static int scan_units(struct scan *s)
{
	Dwarf *dwarf = ft_user_file_dwarf(s->file);
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit;

	s->last = s->wanted->function;
	for (const char *at = s->wanted->function; (at = strstr(at, "::")); at += 2)
		s->last = at + 2;
	while (dwarf && !s->code && !dwarf_get_units(dwarf, cu, &cu, NULL, NULL, &unit, NULL))
		scan_children(s, &unit, 0);
	return s->code;
}

int ft_user_functions_scan(struct ft_compile *compile, struct ft_user_file *file,
			   const struct ft_user_name *wanted, bool whole, bool inlined,
			   struct ft_user_site **sites, u32 *count)
{
	struct scan s = {.compile = compile,
			 .file = file,
			 .wanted = wanted,
			 .whole = whole,
			 .inlined = inlined,
			 .sites = sites,
			 .count = count};

	return scan_units(&s);
}

int ft_user_functions_visit(struct ft_compile *compile, struct ft_user_file *file,
			    const struct ft_user_name *wanted, ft_user_function_fn visit,
			    void *context)
{
	struct scan s = {.compile = compile,
			 .file = file,
			 .wanted = wanted,
			 .whole = true,
			 .inlined = true,
			 .visit = visit,
			 .context = context};

	return scan_units(&s);
}

/* ---- lines ---- */

struct line_search {
	struct scan *scan;
	int first, last;  /* lines; is_relative ones are made absolute for each function */
	int below, above; /* the nearest that there are */
};

/* The first address of each line in a function: the table is sorted by addresses. */
static int take_line(struct line_search *l, u64 addr, int line, Dwarf_Die *function)
{
	struct scan *s = l->scan;
	const char *name = dwarf_diename(function), *file;
	struct ft_user_site *site;
	Dwarf_Addr entry;
	int code, declared;

	entry = 0;
	dwarf_entrypc(function, &entry);
	entry = ft_user_from_dwarf(s->file, entry);
	for (u32 i = 0; i < *s->count; i++)
		if ((*s->sites)[i].function == entry && (*s->sites)[i].line == line)
			return 0;
	code = ft_user_site_add(s->compile, s->file, addr, s->sites, s->count);
	if (code <= 0)
		return code;
	site = &(*s->sites)[*s->count - 1];
	site->function = entry;
	site->line = line;
	site->name = ft_arena_copy(s->compile->arena, name ? name : "", strlen(name ? name : ""));
	file = ft_user_declared(function, &declared);
	site->text = ft_arena_printf(s->compile->arena, "%s@%s:%d", site->name,
				     file ? file : s->wanted->file, line);
	return site->name && site->text ? 0 : -ENOMEM;
}

static int search_lines(struct line_search *l, Dwarf_Die *unit)
{
	struct scan *s = l->scan;
	Dwarf_Lines *lines;
	size_t count;

	if (dwarf_getsrclines(unit, &lines, &count))
		return 0;
	for (size_t i = 0; i < count; i++) {
		Dwarf_Line *line = dwarf_onesrcline(lines, i);
		int number, first = l->first, last = l->last, declared, code;
		Dwarf_Die function;
		Dwarf_Addr addr;
		const char *name;
		bool begins;

		if (!line || dwarf_lineno(line, &number) || dwarf_lineaddr(line, &addr) ||
		    dwarf_linebeginstatement(line, &begins) || !begins || !number)
			continue;
		if (!s->wanted->is_relative && (number < first || number > last)) {
			if (s->wanted->file &&
			    is_file(s->wanted->file, dwarf_linesrc(line, NULL, NULL))) {
				if (number < first && number > l->below)
					l->below = number;
				if (number > last && (!l->above || number < l->above))
					l->above = number;
			}
			continue;
		}
		if (s->wanted->file && !is_file(s->wanted->file, dwarf_linesrc(line, NULL, NULL)))
			continue;
		addr = ft_user_from_dwarf(s->file, addr);
		if (!ft_user_function_at(s->file, addr, &function))
			continue;
		name = dwarf_diename(&function);
		if (!name || fnmatch(s->last, name, 0) != 0 || !is_qualified(s, &function))
			continue;
		if (s->wanted->is_relative) {
			ft_user_declared(&function, &declared);
			if (number < first + declared || number > last + declared)
				continue;
		}
		code = take_line(l, addr, number, &function);
		if (code)
			return code;
	}
	return 0;
}

/* Units that have the file; with a function's name, those that have the function. */
int ft_user_lines_find(struct ft_compile *compile, struct ft_user_file *file,
		       const struct ft_user_name *wanted, struct ft_user_site **sites, u32 *count,
		       int *below, int *above)
{
	struct scan s = {.compile = compile,
			 .file = file,
			 .wanted = wanted,
			 .sites = sites,
			 .count = count,
			 .last = wanted->function};
	struct line_search l = {.scan = &s, .first = wanted->line, .last = wanted->last_line};
	Dwarf *dwarf = ft_user_file_dwarf(file);
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit;
	int code = 0;

	for (const char *at = wanted->function; (at = strstr(at, "::")); at += 2)
		s.last = at + 2;
	while (dwarf && !code && !dwarf_get_units(dwarf, cu, &cu, NULL, NULL, &unit, NULL)) {
		Dwarf_Files *files;
		size_t file_count;
		bool has = false;

		if (dwarf_getsrcfiles(&unit, &files, &file_count))
			continue;
		for (size_t i = 0; i < file_count && !has; i++)
			has = is_file(wanted->file, dwarf_filesrc(files, i, NULL, NULL));
		if (has)
			code = search_lines(&l, &unit);
	}
	*below = l.below;
	*above = l.above;
	return code;
}

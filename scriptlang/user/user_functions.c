/*
 * user_functions.c - functions and lines by debug information: where symbol tables do not know them
 * (inlined calls, functions of classes), or where a file or a line is named. See user_places.h.
 */
#include <dwarf.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map64.h"
#include "scriptlang/user/user_dwarf.h"
#include "scriptlang/user/user_places.h"
#include "scriptlang/user/user_units.h"

#define NAMESPACES_MAX 16 /* within each other */
#define SCOPES_MAX 64	  /* the same, with types */
#define BLOCKS_MAX 400	  /* the same, with blocks and calls in functions */

/*
 * A namespace, type or function: what is within has offsets from begin to end. They are noted unit
 * by unit, outer ones first, since to ask libdw what is around a function takes a walk from the
 * unit's beginning each time.
 */
struct scope {
	const char *name; /* NULL: it has none */
	Dwarf_Off begin, end;
	u32 around;	  /* its number, and 1; 0: the unit */
	bool is_function; /* what is within is not noted */
};

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
	struct ft_map64 addrs, functions; /* of the places */
	Dwarf_Die unit;			  /* at hand */
	/* Functions whose inlined calls are asked for; units that have some. */
	struct ft_map64 abstract, with_abstract;
	bool has_scopes;      /* they were asked for */
	struct scope *scopes; /* owned */
	u32 scope_count;
	size_t scope_cap;
	Dwarf_Off unit_begin, unit_end;
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
	const char *file;

	if (!name->file && name->line < 0)
		return true;
	file = ft_user_declared(function, &line); /* which takes reading the unit's lines */
	if (name->file && !is_file(name->file, file))
		return false;
	return name->line < 0 || name->line == line;
}

static int note_scopes(struct scan *s, Dwarf_Die *parent, u32 around, Dwarf_Off parent_end,
		       u32 depth);

/* One that is within another, or the unit; its end is not known before what follows it. */
static int note_scope(struct scan *s, Dwarf_Die *die, u32 around, Dwarf_Off end, u32 depth)
{
	bool is_function = dwarf_tag(die) == DW_TAG_subprogram;
	u32 number = s->scope_count + 1;

	if (FT_GROW_RAW(&s->scopes, &s->scope_cap, number))
		return -ENOMEM;
	s->scopes[s->scope_count++] = (struct scope){.name = dwarf_diename(die),
						     .begin = dwarf_dieoffset(die),
						     .end = end,
						     .around = around,
						     .is_function = is_function};
	return is_function ? 0 : note_scopes(s, die, number, end, depth + 1);
}

static bool is_scope(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_structure_type ||
	       tag == DW_TAG_class_type || tag == DW_TAG_union_type ||
	       tag == DW_TAG_interface_type || tag == DW_TAG_module || tag == DW_TAG_subprogram;
}

static int note_scopes(struct scan *s, Dwarf_Die *parent, u32 around, Dwarf_Off parent_end,
		       u32 depth)
{
	Dwarf_Die child, next;
	bool more;
	int code = 0;

	if (depth > SCOPES_MAX || dwarf_child(parent, &child))
		return 0;
	do {
		next = child;
		more = ft_user_next(&next);
		if (is_scope(dwarf_tag(&child)))
			code = note_scope(s, &child, around,
					  more ? dwarf_dieoffset(&next) : parent_end, depth);
		child = next;
	} while (more && !code);
	return code;
}

/* The innermost scope around a place in the unit at hand, and 1; 0: the unit. */
static u32 scope_at(const struct scan *s, Dwarf_Off offset)
{
	u32 low = 0, high = s->scope_count, at;

	while (low < high) { /* those that begin before it */
		u32 middle = (low + high) / 2;

		if (s->scopes[middle].begin < offset)
			low = middle + 1;
		else
			high = middle;
	}
	for (at = low; at && s->scopes[at - 1].end <= offset;)
		at = s->scopes[at - 1].around;
	return at;
}

/* Takes a name off the end of what is left of "A::B::". False: it is another one. */
static bool take_scope(const struct scan *s, const char *name, const char **end)
{
	const char *wanted = s->wanted->function, *begin;
	size_t len = strlen(name);

	if (len + 2 > (size_t)(*end - wanted))
		return false;
	begin = *end - 2 - len;
	*end = begin;
	return !strncmp(begin, name, len) && (begin == wanted || begin[-1] == ':');
}

/*
 * Takes off the names of what is between a function and a place in it: only what is on the way is
 * looked into. False: it is another one.
 */
static bool take_within(const struct scan *s, Dwarf_Die *around, Dwarf_Off to, const char **end,
			u32 depth)
{
	Dwarf_Die child, next;
	const char *name;

	if (depth > SCOPES_MAX || dwarf_child(around, &child))
		return false;
	next = child;
	while (ft_user_next(&next) && dwarf_dieoffset(&next) <= to)
		child = next;
	if (dwarf_dieoffset(&child) == to)
		return true;
	if (!take_within(s, &child, to, end, depth + 1))
		return false;
	name = dwarf_diename(&child);
	return !name || *end == s->wanted->function || take_scope(s, name, end);
}

/* What libdw says is around a declaration of another unit. */
static bool is_qualified_there(const struct scan *s, Dwarf_Die *declared)
{
	const char *end = s->last;
	bool fits = true;
	Dwarf_Die *scopes;
	int count = ft_user_around(declared, &scopes);

	for (int i = 1; i < count && end > s->wanted->function && fits; i++) {
		const char *name = dwarf_diename(&scopes[i]);

		fits = !name || take_scope(s, name, &end);
	}
	if (count > 0)
		free(scopes);
	return fits && end == s->wanted->function;
}

/* Notes what is in the unit, once it matters. */
static int find_scopes(struct scan *s)
{
	Dwarf_Off after;
	u8 address_bytes, offset_bytes;
	size_t head;

	if (s->has_scopes)
		return 0;
	s->has_scopes = true;
	s->scope_count = 0;
	s->unit_end = 0;
	s->unit_begin = dwarf_dieoffset(&s->unit) - dwarf_cuoffset(&s->unit);
	if (dwarf_nextcu(dwarf_cu_getdwarf(s->unit.cu), s->unit_begin, &after, &head, NULL,
			 &address_bytes, &offset_bytes)) {
		s->unit_begin = 0;
		return 0;
	}
	s->unit_end = after;
	return note_scopes(s, &s->unit, 0, after, 0);
}

/* "A::f": the names of what is around its declaration. */
static bool is_qualified(struct scan *s, Dwarf_Die *die)
{
	const char *end = s->last;
	Dwarf_Attribute attr;
	Dwarf_Die declared = *die, function;
	Dwarf_Off offset;
	u32 at;

	if (s->last == s->wanted->function)
		return true;
	s->code = find_scopes(s);
	if (s->code)
		return false;
	while (dwarf_formref_die(dwarf_attr(&declared, DW_AT_abstract_origin, &attr), &declared) ||
	       dwarf_formref_die(dwarf_attr(&declared, DW_AT_specification, &attr), &declared))
		;
	offset = dwarf_dieoffset(&declared);
	at = scope_at(s, offset);
	if (offset < s->unit_begin || offset >= s->unit_end)
		return is_qualified_there(s, &declared);
	if (at && s->scopes[at - 1].is_function &&
	    (!dwarf_offdie(dwarf_cu_getdwarf(declared.cu), s->scopes[at - 1].begin, &function) ||
	     !take_within(s, &function, offset, &end, 0)))
		return false;
	for (; at && end > s->wanted->function; at = s->scopes[at - 1].around)
		if (s->scopes[at - 1].name && !take_scope(s, s->scopes[at - 1].name, &end))
			return false;
	return end == s->wanted->function;
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

/* Notes that there is a place. 1; 0: it was there; -ENOMEM. */
static int note_place(struct scan *s, u64 addr, u64 function)
{
	u64 *known = ft_map64_at(&s->addrs, addr), *same;
	bool is_new = known && !*known;

	if (!known)
		return -ENOMEM;
	*known = 1;
	if (!function)
		return is_new;
	same = ft_map64_at(&s->functions, function);
	if (!same)
		return -ENOMEM;
	is_new &= !*same;
	*same = 1;
	return is_new;
}

/* Those that were found elsewhere. */
static int note_places(struct scan *s)
{
	int code = 0;

	for (u32 i = 0; s->count && i < *s->count && code >= 0; i++)
		code = note_place(s, (*s->sites)[i].addr, (*s->sites)[i].function);
	return code < 0 ? code : 0;
}

static void end_scan(struct scan *s)
{
	free(s->scopes);
	s->scopes = NULL;
	ft_map64_fini(&s->addrs);
	ft_map64_fini(&s->functions);
	ft_map64_fini(&s->abstract);
	ft_map64_fini(&s->with_abstract);
}

static int add(struct scan *s, u64 addr, u64 function, Dwarf_Die *die)
{
	const char *name;
	struct ft_user_site *site;
	int code = note_place(s, addr, function);

	if (code <= 0)
		return code;
	name = asked_name(s, die);
	if (!name)
		return -ENOMEM;
	code = ft_user_site_add(s->compile, s->file, addr, s->sites, s->count);
	if (code <= 0)
		return code;
	site = &(*s->sites)[*s->count - 1];
	site->function = function;
	site->name = name;
	if (!function)
		site->declared = dwarf_dieoffset(die);
	return 0;
}

static void see_instance(struct scan *s, Dwarf_Die *instance)
{
	Dwarf_Addr entry;

	if (s->visit)
		s->code = s->visit(s->context, instance);
	else if (!dwarf_entrypc(instance, &entry) && entry)
		s->code = add(s, ft_user_from_dwarf(s->file, entry), 0, instance);
}

/* The calls in a unit of what was found in it, all in one walk: code is most of the unit. */
static void see_calls(struct scan *s, Dwarf_Die *parent, u32 depth)
{
	Dwarf_Die child, origin;
	Dwarf_Attribute attr;

	if (depth > BLOCKS_MAX || dwarf_child(parent, &child))
		return;
	do {
		switch (dwarf_tag(&child)) {
		case DW_TAG_inlined_subroutine:
			if (dwarf_formref_die(dwarf_attr(&child, DW_AT_abstract_origin, &attr),
					      &origin) &&
			    ft_map64_find(&s->abstract, (u64)(uintptr_t)origin.addr))
				see_instance(s, &child);
			see_calls(s, &child, depth + 1);
			break;
		case DW_TAG_subprogram:
		case DW_TAG_lexical_block:
		case DW_TAG_try_block:
		case DW_TAG_catch_block:
		case DW_TAG_with_stmt:
		case DW_TAG_namespace:
		case DW_TAG_module:
		case DW_TAG_structure_type:
		case DW_TAG_class_type:
		case DW_TAG_union_type:
			see_calls(s, &child, depth + 1);
			break;
		default:
			break;
		}
	} while (!s->code && ft_user_next(&child));
}

static void see_function(struct scan *s, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);
	Dwarf_Addr entry;
	u64 addr;

	if (!name || !ft_user_is_like(s->last, name) || !is_qualified(s, die) ||
	    !ft_user_name_fits(s->wanted, die))
		return;
	if (s->inlined && dwarf_func_inline(die) &&
	    (!ft_map64_at(&s->abstract, (u64)(uintptr_t)die->addr) ||
	     !ft_map64_at(&s->with_abstract, (u64)(uintptr_t)s->unit.addr)))
		s->code = -ENOMEM;
	if (!s->whole || dwarf_func_inline(die) || !ft_user_entry_pc(die, &entry) || !entry)
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
	} while (!s->code && ft_user_next(&child));
}

static int scan_units(struct scan *s)
{
	struct ft_user_units units;
	Dwarf_Die unit;

	s->last = s->wanted->function;
	for (const char *at = s->wanted->function; (at = strstr(at, "::")); at += 2)
		s->last = at + 2;
	s->code = s->visit ? 0 : note_places(s);
	ft_user_units_begin(&units, s->file, s->wanted->function, s->wanted->file);
	while (!s->code && ft_user_units_next(&units, &unit)) {
		s->unit = unit;
		s->has_scopes = false;
		scan_children(s, &unit, 0);
	}
	/* Calls of what another unit describes (link-time optimization, dwz) are elsewhere. */
	if (s->abstract.count)
		ft_user_units_begin(&units, s->file, s->wanted->function, s->wanted->file);
	while (!s->code && s->abstract.count && ft_user_units_next(&units, &unit))
		if (ft_map64_find(&s->with_abstract, (u64)(uintptr_t)unit.addr) ||
		    ft_user_units_refers(&units))
			see_calls(s, &unit, 0);
	end_scan(s);
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
			    const struct ft_user_name *wanted, bool inlined,
			    ft_user_function_fn visit, void *context)
{
	struct scan s = {.compile = compile,
			 .file = file,
			 .wanted = wanted,
			 .whole = true,
			 .inlined = inlined,
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
	ft_user_entry_pc(function, &entry);
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
		if (!name || !ft_user_is_like(s->last, name) || !is_qualified(s, &function))
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
	return s->code;
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
	struct ft_user_units units;
	Dwarf_Die unit;
	int code = 0;

	for (const char *at = wanted->function; (at = strstr(at, "::")); at += 2)
		s.last = at + 2;
	ft_user_units_begin(&units, file, wanted->function, wanted->file);
	while (!code && ft_user_units_next(&units, &unit)) {
		s.unit = unit;
		s.has_scopes = false;
		code = search_lines(&l, &unit);
	}
	free(s.scopes);
	*below = l.below;
	*above = l.above;
	return code;
}

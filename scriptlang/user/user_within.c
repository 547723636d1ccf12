/*
 * user_within.c - what lies within functions, by debug information: process("p").function("f")
 * .label("x"), and .callee("g"), which is g where f calls it. See user_places.h.
 *
 * Compilers that optimize note each call (DWARF 5, 3.4.1): where it returns to, and what is called
 * if that is known. A handler at the callee looks at its return address, which has to be one of
 * these. Calls that were inlined need no such check; what follows a jump at the end of a function
 * (a tail call) has no return address of that function, and is left out.
 */
#include <dwarf.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "scriptlang/user/user_dwarf.h"
#include "scriptlang/user/user_places.h"

#define NESTING_MAX 64 /* of blocks */

struct within {
	struct ft_compile *compile;
	struct ft_user_file *file;
	const struct ft_user_within *wanted;
	struct ft_user_name callee;
	const char *around; /* the function at hand, as probe points show it */
	const char *name;
	struct ft_user_site **sites;
	u32 *count;
};

/* "f@/path/file.c:12", with another line if that is not 0. */
static const char *shown(struct within *w, const Dwarf_Die *function, int line)
{
	Dwarf_Die copy = *function;
	const char *name = dwarf_diename(&copy), *path;
	int declared;

	path = ft_user_declared(function, &declared);
	if (!name)
		name = "";
	return path && declared ? ft_arena_printf(w->compile->arena, "%s@%s:%d", name, path,
						  line ? line : declared)
				: ft_arena_copy(w->compile->arena, name, strlen(name));
}

/* The place of an address; one that is there already with the same text, or a new one. */
static int take(struct within *w, u64 addr, const char *around, const char *inner,
		struct ft_user_site **site)
{
	int code;

	for (u32 i = 0; i < *w->count; i++) {
		*site = &(*w->sites)[i];
		if ((*site)->addr == addr && !strcmp((*site)->text, around) &&
		    !strcmp((*site)->inner, inner))
			return 0;
	}
	code = ft_user_site_add(w->compile, w->file, addr, w->sites, w->count);
	if (code <= 0)
		return code ? code : -ENOENT;
	*site = &(*w->sites)[*w->count - 1];
	(*site)->text = around;
	(*site)->inner = inner;
	return 0;
}

static int see_label(struct within *w, Dwarf_Die *function, Dwarf_Die *label)
{
	const char *name = dwarf_diename(label), *around;
	Dwarf_Die whole;
	Dwarf_Addr pc, entry = 0;
	struct ft_user_site *site;
	int line = 0, code;
	u64 addr;

	if (!name || fnmatch(w->wanted->label, name, 0) != 0 || dwarf_lowpc(label, &pc))
		return 0;
	if (dwarf_decl_line(label, &line))
		line = 0;
	around = shown(w, function, line);
	name = ft_arena_copy(w->compile->arena, name, strlen(name));
	if (!around || !name)
		return -ENOMEM;
	addr = ft_user_from_dwarf(w->file, pc);
	code = take(w, addr, around, name, &site);
	if (code)
		return code == -ENOENT ? 0 : code;
	site->name = w->name;
	if (ft_user_function_at(w->file, addr, &whole) && !dwarf_entrypc(&whole, &entry))
		site->function = ft_user_from_dwarf(w->file, entry);
	return 0;
}

/* ---- what a function calls ---- */

/* A function of the symbol tables that has a name. 0: there is none, or there are several. */
static u64 symbol_addr(struct within *w, const char *name)
{
	const struct ft_user_wanted wanted = {.pattern = name};
	struct ft_user_symbol *symbols;
	u64 addr = 0;
	u32 count;

	if (strpbrk(name, "*?[") ||
	    ft_user_file_symbols(w->compile, w->file, &wanted, &symbols, &count))
		return 0;
	for (u32 i = 0; i < count; i++) {
		if (addr && symbols[i].addr != addr)
			return 0;
		addr = symbols[i].addr;
	}
	return addr;
}

/* The entry that has the code of a function which the one at hand only describes. */
static bool find_copy(Dwarf_Die *unit, const Dwarf_Die *described, Dwarf_Die *found)
{
	Dwarf_Die origin;
	Dwarf_Attribute attr;

	if (dwarf_child(unit, found))
		return false;
	do {
		if (dwarf_tag(found) == DW_TAG_subprogram &&
		    dwarf_formref_die(dwarf_attr(found, DW_AT_abstract_origin, &attr), &origin) &&
		    origin.addr == described->addr && dwarf_hasattr(found, DW_AT_low_pc))
			return true;
	} while (dwarf_siblingof(found, found) == 0);
	return false;
}

/* Where a function that is called begins, as linked; 0: in another file, or nobody knows. */
static u64 callee_addr(struct within *w, Dwarf_Die *callee)
{
	const char *linked;
	Dwarf_Attribute attr;
	Dwarf_Die unit, copy;
	Dwarf_Addr entry;

	if (!dwarf_entrypc(callee, &entry) && entry)
		return ft_user_from_dwarf(w->file, entry);
	if (dwarf_diecu(callee, &unit, NULL, NULL) && find_copy(&unit, callee, &copy) &&
	    !dwarf_entrypc(&copy, &entry))
		return ft_user_from_dwarf(w->file, entry);
	linked = dwarf_formstring(dwarf_attr_integrate(callee, DW_AT_linkage_name, &attr));
	if (!linked)
		linked = dwarf_diename(callee);
	return linked ? symbol_addr(w, linked) : 0;
}

/* Whether a function is one that .callee() names; its name and text. */
static bool is_wanted(struct within *w, Dwarf_Die *callee, const char **name, const char **text)
{
	*name = dwarf_diename(callee);
	if (!*name || fnmatch(w->callee.function, *name, 0) != 0 ||
	    !ft_user_name_fits(&w->callee, callee))
		return false;
	*name = ft_arena_copy(w->compile->arena, *name, strlen(*name));
	*text = shown(w, callee, 0);
	return *name && *text;
}

/* A call, and where it returns to. */
static int see_call(struct within *w, Dwarf_Die *call)
{
	bool is_gnu = dwarf_tag(call) == DW_TAG_GNU_call_site;
	const char *name, *text;
	struct ft_user_site *site;
	Dwarf_Attribute attr;
	Dwarf_Die callee;
	Dwarf_Addr pc;
	u64 addr, *slot;
	int code;

	if (dwarf_hasattr(call, DW_AT_call_tail_call) || dwarf_hasattr(call, DW_AT_GNU_tail_call) ||
	    !dwarf_formref_die(
		    dwarf_attr(call, is_gnu ? DW_AT_abstract_origin : DW_AT_call_origin, &attr),
		    &callee) ||
	    dwarf_formaddr(dwarf_attr(call, is_gnu ? DW_AT_low_pc : DW_AT_call_return_pc, &attr),
			   &pc) ||
	    !is_wanted(w, &callee, &name, &text))
		return 0;
	addr = callee_addr(w, &callee);
	if (!addr)
		return 0;
	code = take(w, ft_user_probe_place(w->file, addr, 0, true), w->around, text, &site);
	if (code)
		return code == -ENOENT ? 0 : code;
	site->name = name;
	site->function = addr;
	slot = FT_ARENA_PUSH(w->compile->arena, &site->callers, &site->caller_count);
	if (!slot)
		return -ENOMEM;
	*slot = ft_user_from_dwarf(w->file, pc);
	return 0;
}

/* A call that was inlined: no caller is to be checked, it is in the function. */
static int see_inlined(struct within *w, Dwarf_Die *call)
{
	const char *name, *text;
	struct ft_user_site *site;
	Dwarf_Addr entry;
	int code;

	if (!is_wanted(w, call, &name, &text) || dwarf_entrypc(call, &entry) || !entry)
		return 0;
	code = take(w, ft_user_from_dwarf(w->file, entry), w->around, text, &site);
	if (!code)
		site->name = name;
	return code == -ENOENT ? 0 : code;
}

/* All that is in a function, but in what was inlined there. */
static int walk(struct within *w, Dwarf_Die *function, Dwarf_Die *block, u32 depth)
{
	Dwarf_Die child;
	int code = 0;

	if (depth == NESTING_MAX || dwarf_child(block, &child))
		return 0;
	do {
		int tag = dwarf_tag(&child);

		if (tag == DW_TAG_label && w->wanted->label)
			code = see_label(w, function, &child);
		else if ((tag == DW_TAG_call_site || tag == DW_TAG_GNU_call_site) &&
			 w->wanted->callee && !w->wanted->inlined_only)
			code = see_call(w, &child);
		else if (tag == DW_TAG_inlined_subroutine && w->wanted->callee &&
			 w->wanted->inlined)
			code = see_inlined(w, &child);
		else if (tag == DW_TAG_lexical_block)
			code = walk(w, function, &child, depth + 1);
	} while (!code && dwarf_siblingof(&child, &child) == 0);
	return code;
}

static int see_function(void *context, Dwarf_Die *function)
{
	struct within *w = context;
	const char *name = dwarf_diename(function);

	w->around = shown(w, function, 0);
	w->name = name ? ft_arena_copy(w->compile->arena, name, strlen(name)) : "";
	return w->around && w->name ? walk(w, function, function, 0) : -ENOMEM;
}

int ft_user_within_find(struct ft_compile *compile, struct ft_user_file *file,
			const struct ft_user_name *function, const struct ft_user_within *wanted,
			struct ft_user_site **sites, u32 *count)
{
	struct within w = {
		.compile = compile, .file = file, .wanted = wanted, .sites = sites, .count = count};

	if (wanted->callee)
		ft_user_name_parse(compile, wanted->callee, &w.callee);
	return ft_user_functions_visit(compile, file, function, true, see_function, &w);
}

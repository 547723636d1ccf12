/*
 * user_places.h - what the files that find places in user space share; private to
 * scriptlang/user_*.c.
 */
#ifndef FT_SCRIPTLANG_USER_PLACES_H
#define FT_SCRIPTLANG_USER_PLACES_H

#include "scriptlang/user/user_point.h"

struct ft_user_libraries {
	struct ft_user_file **items;
	u32 count;
};

/*
 * The libraries of a program that a name or pattern means: a path; else the files that the process
 * has mapped (pid is not 0), or that the program and its libraries ask for. 0, -ENOENT or -ENOMEM.
 */
int ft_user_libraries_find(struct ft_compile *compile, struct ft_user_file *program, u32 pid,
			   const char *name, struct ft_user_libraries *libraries, char why[300]);

/* Where a library lies that the dynamic linker would find by its name or pattern ("libc.so.6"). */
bool ft_user_library_path(struct ft_compile *compile, const char *name, char path[4096]);

/* Adds a place, zeroed but for file, addr and offset. 1; 0: it is not in the file; -ENOMEM. */
int ft_user_site_add(struct ft_compile *compile, struct ft_user_file *file, u64 addr,
		     struct ft_user_site **sites, u32 *count);

/*
 * Where a function is probed: at its beginning, or behind what would have to be stepped there,
 * where it is still as at the beginning. size: its bytes; 0: not known, then only a mark for
 * indirect branches is left behind. has_arguments: registers of arguments have to be as they were,
 * too.
 */
u64 ft_user_probe_place(const struct ft_user_file *file, u64 addr, u64 size, bool has_arguments);

/*
 * Adds the stubs by which functions of other files are called, whose names match a pattern. 0,
 * -ENOTSUP (not of this machine's kind) or -ENOMEM.
 */
int ft_user_plt_find(struct ft_compile *compile, struct ft_user_file *file, const char *pattern,
		     struct ft_user_site **sites, u32 *count);

/*
 * Where the variant of a function is that this machine's programs choose as they start (IFUNC). 0;
 * -ENOENT: it is none of these; -ENOTSUP: it is, and which one nobody here can tell.
 */
int ft_user_chosen_find(const struct ft_user_file *file, const char *name, u64 *addr);

/* ---- user_functions.c ---- */

/* "function@file:line" */
struct ft_user_name {
	const char *function, *file; /* patterns; file may be NULL */
	int line, last_line;	     /* -1: none; ":*" are all, ":1-9" a range */
	bool is_relative;	     /* ":+3": from where the function is declared */
};

void ft_user_name_parse(struct ft_compile *compile, const char *text, struct ft_user_name *name);

/* Whether a function is declared in the file and line that are named. */
bool ft_user_name_fits(const struct ft_user_name *name, const Dwarf_Die *function);

/*
 * Adds the functions of a name that are not among the places yet: whole ones, and calls of it that
 * were inlined. 0 or -ENOMEM.
 */
int ft_user_functions_scan(struct ft_compile *compile, struct ft_user_file *file,
			   const struct ft_user_name *wanted, bool whole, bool inlined,
			   struct ft_user_site **sites, u32 *count);

/*
 * Visits each function of a name that has code, and if asked for each call of it that was inlined.
 */
typedef int (*ft_user_function_fn)(void *context, Dwarf_Die *function);
int ft_user_functions_visit(struct ft_compile *compile, struct ft_user_file *file,
			    const struct ft_user_name *wanted, bool inlined,
			    ft_user_function_fn visit, void *context);

/*
 * Adds the beginnings of lines; *below and *above are the nearest ones that the file has besides. 0
 * or -ENOMEM.
 */
int ft_user_lines_find(struct ft_compile *compile, struct ft_user_file *file,
		       const struct ft_user_name *wanted, struct ft_user_site **sites, u32 *count,
		       int *below, int *above);

/* ---- user_within.c ---- */

/* What is looked for in functions: labels, or functions that they call. */
struct ft_user_within {
	const char *label;	    /* pattern; or NULL */
	const char *callee;	    /* pattern, "g@file:line"; or NULL */
	bool inlined, inlined_only; /* calls that were inlined */
};

/* Adds the places of it in the functions of a name. 0 or -ENOMEM. */
int ft_user_within_find(struct ft_compile *compile, struct ft_user_file *file,
			const struct ft_user_name *function, const struct ft_user_within *wanted,
			struct ft_user_site **sites, u32 *count);

#endif

/*
 * user_dwarf.h - where an address is, by a file's debug information: unit, functions around it,
 * lines. Addresses are as linked.
 */
#ifndef FT_SCRIPTLANG_USER_DWARF_H
#define FT_SCRIPTLANG_USER_DWARF_H

#include "scriptlang/user/user_point.h"

/* From an address as linked to one of the debug information's, and back. */
u64 ft_user_to_dwarf(const struct ft_user_file *file, u64 addr);
u64 ft_user_from_dwarf(const struct ft_user_file *file, u64 addr);

/* On to the next entry of those within the same one. False: there is none, or it is damaged. */
bool ft_user_next(Dwarf_Die *entry);

/* The unit of an address. False: there is no debug information about it. */
bool ft_user_unit_at(struct ft_user_file *file, u64 addr, Dwarf_Die *unit);

/*
 * The entries around an address, innermost first, the unit last; how many, or 0. The caller frees
 * *scopes.
 */
int ft_user_scopes(struct ft_user_file *file, u64 addr, Dwarf_Die **scopes);

/*
 * An entry and those around it, innermost first, the unit last; how many, or 0. The caller frees
 * *scopes. Only what is on the way is looked at, which dwarf_getscopes_die does not know.
 */
int ft_user_around(const Dwarf_Die *die, Dwarf_Die **scopes);

/* The function (no inlined one) around an address. */
bool ft_user_function_at(struct ft_user_file *file, u64 addr, Dwarf_Die *function);

/* Where a function is declared: "/path/file.c", line. NULL: not known. */
const char *ft_user_declared(const Dwarf_Die *function, int *line);

/* Where a function begins, which may be in pieces: then its first one. False: nobody says. */
bool ft_user_entry_pc(Dwarf_Die *function, Dwarf_Addr *entry);

/*
 * Where the arguments of a function that was compiled without optimization are in their places, or
 * its beginning, if they are everywhere.
 */
u64 ft_user_prologue_end(struct ft_user_file *file, u64 function);

#endif

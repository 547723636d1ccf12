/*
 * user_units.h - the units of a file's debug information, without those that cannot know what is
 * looked for. Private to scriptlang/user_*.c.
 */
#ifndef FT_SCRIPTLANG_USER_UNITS_H
#define FT_SCRIPTLANG_USER_UNITS_H

#include "scriptlang/user/user_file.h"

#define FT_USER_UNITS_NAMES 8

struct ft_user_units {
	Dwarf *dwarf;
	Dwarf_CU *cu;
	const struct ft_user_mentions *names[FT_USER_UNITS_NAMES];
	u32 count;
	const char *path; /* a file that they have to know; or NULL */
	/* The abbreviations looked at last, and what attributes there are (user_units.c). */
	Dwarf_Off abbreviations;
	u32 forms;
	Dwarf_Off table; /* of abbreviations, of the unit at hand */
};

/*
 * Begins to go through the units of a file that can know a name: "A::f" is a name in others, and of
 * a pattern it is looked for what it begins with; and that can know a source file. Nothing is
 * looked for by NULL.
 */
void ft_user_units_begin(struct ft_user_units *units, struct ft_user_file *file, const char *name,
			 const char *path);

/* The next one. False: there are no more. */
bool ft_user_units_next(struct ft_user_units *units, Dwarf_Die *unit);

/* Whether the last one may say things that are said in others: it refers to them. */
bool ft_user_units_refers(struct ft_user_units *units);

/* What fnmatch says of a name, with less ado: most patterns have none of its characters. */
bool ft_user_is_like(const char *pattern, const char *name);

#endif

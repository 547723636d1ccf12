/*
 * user_anchor.h - where a library is, as seen from a file that calls it: a word into which the
 * loader has written the address of one of its functions. Private to scriptlang/user_*.c.
 */
#ifndef FT_SCRIPTLANG_USER_ANCHOR_H
#define FT_SCRIPTLANG_USER_ANCHOR_H

#include "scriptlang/user/user_file.h"

struct ft_user_anchor {
	u64 slot;     /* of the calling file, as linked: the word */
	u64 function; /* what it is the address of, as linked in the library */
	u64 check;    /* of the library, as linked: eight bytes of its build-id */
	u64 expected; /* these bytes: another library may have a function of that name */
};

/* The name of a symbol that a file needs from others; false: it is none of these. */
bool ft_user_needed_name(struct ft_elf *elf, u32 number, char name[FT_ELF_NAME_MAX]);

/* Whether a file is a program, and not a library. */
bool ft_user_is_program(const struct ft_user_file *file);

/* False: the file calls no function of the library, or that cannot be checked. */
bool ft_user_anchor_find(const struct ft_user_file *from, const struct ft_user_file *library,
			 struct ft_user_anchor *anchor);

#endif

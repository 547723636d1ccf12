/*
 * user_names.h - names of functions of living processes, by address.
 */
#ifndef FT_SCRIPTLANG_USER_NAMES_H
#define FT_SCRIPTLANG_USER_NAMES_H

#include "base/types.h"

struct ft_symbols;
struct ft_user_names;

/* What is known of an address; texts live until the next look-up. */
struct ft_user_name {
	const char *name;   /* of the function; NULL: not known */
	const char *module; /* path of the file; NULL: not known */
	u64 offset, size;   /* in the function, or in the file without a name */
	const char *file;   /* of the source; NULL: not known */
	u32 line;	    /* 0: not known */
};

/* NULL without memory. To be closed. */
struct ft_user_names *ft_user_names_new(void);
void ft_user_names_close(struct ft_user_names *names);

/* Names what is at an offset of a file, which *found has. As it is when nothing is known. */
void ft_user_name_in(struct ft_symbols *symbols, struct ft_user_name *found);

/* Looks an address of a process up that lives: see ft_stacks_name for others. */
struct ft_user_name ft_user_names_find(struct ft_user_names *names, u32 pid, u64 addr);

#endif

/*
 * user_places.h - what the files that find places in user space share; private to
 * scriptlang/user_*.c.
 */
#ifndef FT_SCRIPTLANG_USER_PLACES_H
#define FT_SCRIPTLANG_USER_PLACES_H

#include "scriptlang/user_point.h"

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

/* Adds a place, zeroed but for file, addr and offset. 1; 0: it is not in the file; -ENOMEM. */
int ft_user_site_add(struct ft_compile *compile, struct ft_user_file *file, u64 addr,
		     struct ft_user_site **sites, u32 *count);

#endif

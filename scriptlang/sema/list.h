/*
 * list.h - probe points as a list.
 */
#ifndef FT_SCRIPTLANG_LIST_H
#define FT_SCRIPTLANG_LIST_H

#include "scriptlang/sema/sema.h"

/* Prints each point of a program once, with its variables if asked for; returns how many. */
u32 ft_list_points(struct ft_compile *compile, const struct ft_program *program, bool variables,
		   struct ft_out *out);

#endif

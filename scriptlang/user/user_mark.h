/*
 * user_mark.h - arguments of statically defined probes: $arg1 of process("p").mark("m").
 */
#ifndef FT_SCRIPTLANG_USER_MARK_H
#define FT_SCRIPTLANG_USER_MARK_H

#include "scriptlang/user/user_location.h"

/* How many arguments a note's text tells of. */
u32 ft_user_mark_args(const char *arguments);

/* Begins with an argument, counted from 1: MEMORY or VALUE, with size and sign in the target. */
int ft_user_mark_arg(struct ft_user_resolver *r, u32 number);

#endif

/*
 * user_target.h - target variables at places in user space ($x->f, @var, @cast, $return), by the
 * program's debug information. See target.h for what it gives.
 */
#ifndef FT_SCRIPTLANG_USER_TARGET_H
#define FT_SCRIPTLANG_USER_TARGET_H

#include "scriptlang/sema/target.h"
#include "scriptlang/user/user_point.h"

/*
 * As ft_target_resolve, for expressions with expr->user, or with a type of a program
 * (expr->cast_id). around: the probe whose handler comes to the expression, in a function, or NULL:
 * of globals of the same name @var takes that of its unit. Says what is wrong in error, which may
 * be NULL.
 */
int ft_user_target_resolve(struct ft_compile *compile, const struct ft_user_probe *around,
			   const struct ft_expr *expr, struct ft_target *target, char error[200]);

enum ft_user_vars {
	FT_USER_PARMS = 1,
	FT_USER_LOCALS = 2,
	FT_USER_RETURN = 4,
};

/* Names and types of the variables that a place can see. Texts live in the arena. 0 or -ENOMEM. */
int ft_user_target_args(struct ft_compile *compile, const struct ft_user_probe *probe,
			const struct ft_user_site *site, u32 which, struct ft_target_arg **args,
			u32 *count);

#endif

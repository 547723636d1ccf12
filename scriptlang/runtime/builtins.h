/* builtins.h - how functions of the tapset are written that user space runs. */
#ifndef FT_SCRIPTLANG_BUILTINS_H
#define FT_SCRIPTLANG_BUILTINS_H

#include <string.h>

#include "scriptlang/runtime/interp.h"

/* The head of a function: x runs the script, a are the arguments of call. */
#define BUILTIN(NAME)                                                                         \
	static struct ft_value run_##NAME(struct ft_interp *x __attribute__((unused)),        \
					  const struct ft_expr *call __attribute__((unused)), \
					  const struct ft_value *a __attribute__((unused)))

/* A function without arguments, whose value is a number. */
#define NUMBER(NAME, VALUE)                            \
	BUILTIN(NAME)                                  \
	{                                              \
		return ft_interp_number((s64)(VALUE)); \
	}

static inline struct ft_value text_of(struct ft_interp *x, const char *text)
{
	return ft_interp_string(x, text, strlen(text));
}

#endif

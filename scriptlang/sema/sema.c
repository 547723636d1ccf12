/* sema.c - pass 2: its steps in order. See sema.h. */
#include "scriptlang/sema/sema.h"
#include "scriptlang/sema/target.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void ft_sema_fail(struct ft_compile *compile, struct ft_span at, const char *word, const char *fmt,
		  ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	ft_diag_add(&compile->diags, FT_DIAG_SEMANTIC, "semantic", at, "%s", text)->word = word;
}

int ft_sema(struct ft_compile *compile, struct ft_file *file, struct ft_program **program)
{
	u32 errors = compile->diags.errors;
	int code;

	*program = FT_ARENA_NEW(compile->arena, struct ft_program);
	if (!*program)
		return -ENOMEM;
	(*program)->file = file;
	code = ft_sema_points(compile, *program);
	/* The later steps would only say the same in other words. */
	if (!code && compile->diags.errors == errors)
		code = ft_sema_targets(compile, *program);
	if (!code && compile->diags.errors == errors)
		code = ft_sema_entries(compile, *program);
	if (!code && compile->diags.errors == errors)
		code = ft_sema_symbols(compile, *program);
	if (!code && compile->diags.errors == errors)
		code = ft_sema_walked(compile, *program);
	if (!code && compile->diags.errors == errors)
		code = ft_sema_autocasts(compile, *program);
	if (!code && compile->diags.errors == errors)
		ft_sema_settle(compile, *program);
	if (!code && compile->diags.errors == errors)
		code = ft_sema_elide(compile, *program);
	if (!code && compile->diags.errors == errors)
		ft_sema_unused(compile, *program);
	if (!code && compile->diags.errors == errors)
		code = ft_sema_types(compile, *program);
	if (ft_arena_failed(compile->arena))
		return -ENOMEM;
	return code == -ENOMEM ? code : compile->diags.errors > errors ? -EINVAL : 0;
}

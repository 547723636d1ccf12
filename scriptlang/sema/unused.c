/*
 * unused.c - warns of names that a script mistyped, or does not need: variables that are read and
 * never set, globals that nobody uses, functions that another one of their name keeps from being
 * called. Of the script itself: files of the tapset have much that a script does not use.
 */
#include <string.h>

#include "scriptlang/sema/sema.h"

static void add_warning(struct ft_compile *compile, struct ft_span at, const char *what,
			const char *name)
{
	if (at.source && !at.source->is_tapset)
		ft_diag_add(&compile->diags, FT_DIAG_WARNING, "unused", at, "%s '%s'", what, name)
			->word = "identifier";
}

static bool is_unset(const struct ft_var *v)
{
	return v->read && !v->written && !(v->global && v->global->init);
}

static void check_locals(struct ft_compile *compile, struct ft_var *const *vars, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (is_unset(vars[i]))
			add_warning(compile, vars[i]->at, "never-assigned local variable",
				    vars[i]->name);
}

static bool goes_on(const struct ft_stmt *s)
{
	if (s->kind == FT_STMT_NEXT)
		return true;
	for (u32 i = 0; i < s->body_count; i++)
		if (goes_on(s->body[i]))
			return true;
	return false;
}

static void check_overloads(struct ft_compile *compile, const struct ft_function *f)
{
	const struct ft_function *other = f->next_overload;

	if (other && f->body && !goes_on(f->body))
		add_warning(compile, other->at, "no next leads to this function", other->name);
}

void ft_sema_unused(struct ft_compile *compile, const struct ft_program *program)
{
	const struct ft_file *file = program->file;

	for (u32 i = 0; i < program->global_count; i++) {
		const struct ft_var *v = program->globals[i];

		if (is_unset(v))
			add_warning(compile, v->at, "never-assigned global variable", v->name);
		if (!v->read && !v->written)
			add_warning(compile, v->at, "Eliding unused variable", v->name);
	}
	for (u32 i = 0; i < program->handler_count; i++)
		check_locals(compile, program->handlers[i]->vars, program->handlers[i]->var_count);
	for (u32 i = 0; i < file->function_count; i++) {
		const struct ft_function *f = file->functions[i];

		if (!f->is_reached)
			continue;
		check_overloads(compile, f);
		check_locals(compile, f->vars + f->param_count, f->var_count - f->param_count);
	}
}

/*
 * effects.c - whether a script does anything. A handler that only computes locals has no effect,
 * and SystemTap leaves it out; a script with no other is none.
 */
#include <errno.h>
#include <string.h>

#include "scriptlang/sema.h"

static bool stmt_acts(const struct ft_stmt *s);

/* Functions of the tapset without a result are there for what they do; few others do something. */
static bool builtin_acts(const struct ft_tapset_function *f)
{
	static const char *const names[] = {
		"tokenize",    "randint", "thread_indent", "indent", "thread_indent_depth",
		"indent_depth"};

	for (size_t i = 0; i < FT_ARRAY_LEN(names); i++)
		if (!strcmp(f->name, names[i]))
			return true;
	return f->result == FT_TYPE_UNKNOWN;
}

static bool function_acts(struct ft_function *f)
{
	bool acts;

	if (f->is_visited) /* it is being looked at already */
		return false;
	f->is_visited = true;
	acts = f->body && stmt_acts(f->body);
	f->is_visited = false;
	return acts || (f->next_overload && function_acts(f->next_overload));
}

static bool writes(const struct ft_expr *e)
{
	const struct ft_expr *left = e->left;

	if (e->kind != FT_EXPR_ASSIGN && e->kind != FT_EXPR_PRE && e->kind != FT_EXPR_POST)
		return false;
	return left->kind == FT_EXPR_TARGET || !left->var || left->var->scope == FT_VAR_GLOBAL;
}

static bool expr_acts(const struct ft_expr *e)
{
	if (!e)
		return false;
	if (writes(e) || (e->kind == FT_EXPR_PRINT && !e->print->to_string) ||
	    (e->kind == FT_EXPR_CALL && e->builtin && builtin_acts(e->builtin)) ||
	    (e->kind == FT_EXPR_CALL && e->function && function_acts(e->function)))
		return true;
	for (u32 i = 0; i < e->arg_count; i++)
		if (expr_acts(e->args[i]))
			return true;
	return expr_acts(e->left) || expr_acts(e->right) || expr_acts(e->third);
}

static bool stmt_acts(const struct ft_stmt *s)
{
	if (s->kind == FT_STMT_DELETE || s->kind == FT_STMT_NEXT || expr_acts(s->expr) ||
	    expr_acts(s->init) || expr_acts(s->step))
		return true;
	for (u32 i = 0; i < s->body_count; i++)
		if (stmt_acts(s->body[i]))
			return true;
	return false;
}

int ft_sema_effects(struct ft_compile *compile, const struct ft_program *program)
{
	struct ft_span nowhere = {.source = program->file->source};

	for (u32 i = 0; i < program->handler_count; i++)
		for (u32 k = 0; k < program->handlers[i]->body_count; k++)
			if (stmt_acts(program->handlers[i]->bodies[k]))
				return 0;
	ft_sema_fail(compile, nowhere, NULL, "no probes found: none of them does anything");
	return -EINVAL;
}

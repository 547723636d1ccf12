/*
 * walked.c - foreach loops: while one walks over an array, no element of it may come or go, neither
 * in its body nor in a function that the body calls.
 */
#include <errno.h>

#include "scriptlang/sema/sema.h"

#define WALKED_MAX 100 /* foreach loops in each other that are seen to */

struct watcher {
	struct ft_compile *compile;
	const struct ft_var *walked[WALKED_MAX]; /* by the loops around the statement at hand */
	u32 count;
};

static bool stmt_changes(const struct ft_stmt *s, const struct ft_var *array);

static bool function_changes(struct ft_function *f, const struct ft_var *array)
{
	bool changes;

	if (f->is_visited) /* it is being looked at already */
		return false;
	f->is_visited = true;
	changes = f->body && stmt_changes(f->body, array);
	f->is_visited = false;
	return changes || (f->next_overload && function_changes(f->next_overload, array));
}

static bool writes(const struct ft_expr *e, const struct ft_var *array)
{
	return (e->kind == FT_EXPR_ASSIGN || e->kind == FT_EXPR_PRE || e->kind == FT_EXPR_POST) &&
	       e->left->var == array;
}

static bool expr_changes(const struct ft_expr *e, const struct ft_var *array)
{
	if (!e)
		return false;
	if (writes(e, array) ||
	    (e->kind == FT_EXPR_CALL && e->function && function_changes(e->function, array)))
		return true;
	for (u32 i = 0; i < e->arg_count; i++)
		if (expr_changes(e->args[i], array))
			return true;
	return expr_changes(e->left, array) || expr_changes(e->right, array) ||
	       expr_changes(e->third, array);
}

static bool stmt_changes(const struct ft_stmt *s, const struct ft_var *array)
{
	if ((s->kind == FT_STMT_DELETE && s->expr->var == array) || expr_changes(s->expr, array) ||
	    expr_changes(s->init, array) || expr_changes(s->step, array))
		return true;
	for (u32 i = 0; i < s->body_count; i++)
		if (stmt_changes(s->body[i], array))
			return true;
	return false;
}

static void complain(const struct watcher *w, const struct ft_expr *e, const struct ft_var *array,
		     bool by_call)
{
	ft_sema_fail(w->compile, e->at, "identifier", "%s '%s'%s during 'foreach' iteration",
		     by_call ? "function call modifies var" : "variable", array->name,
		     by_call ? "" : " modified");
}

static void watch_expr(const struct watcher *w, const struct ft_expr *e)
{
	if (!e)
		return;
	for (u32 i = 0; i < w->count; i++) {
		if (writes(e, w->walked[i]))
			complain(w, e->left, w->walked[i], false);
		if (e->kind == FT_EXPR_CALL && e->function &&
		    function_changes(e->function, w->walked[i]))
			complain(w, e, w->walked[i], true);
	}
	for (u32 i = 0; i < e->arg_count; i++)
		watch_expr(w, e->args[i]);
	watch_expr(w, e->left);
	watch_expr(w, e->right);
	watch_expr(w, e->third);
}

static void watch_stmt(struct watcher *w, const struct ft_stmt *s)
{
	const struct ft_var *array = s->foreach ? s->foreach->base->var : NULL;
	bool walks = array && w->count < WALKED_MAX;

	if (w->count) {
		watch_expr(w, s->init);
		watch_expr(w, s->expr);
		watch_expr(w, s->step);
	}
	for (u32 i = 0; s->kind == FT_STMT_DELETE && i < w->count; i++)
		if (s->expr->var == w->walked[i])
			complain(w, s->expr, w->walked[i], false);
	if (walks)
		w->walked[w->count++] = array;
	for (u32 i = 0; i < s->body_count; i++)
		watch_stmt(w, s->body[i]);
	w->count -= walks;
}

int ft_sema_walked(struct ft_compile *compile, const struct ft_program *program)
{
	struct watcher w = {.compile = compile};
	u32 errors = compile->diags.errors;

	for (u32 i = 0; i < program->handler_count; i++)
		for (u32 k = 0; k < program->handlers[i]->body_count; k++)
			watch_stmt(&w, program->handlers[i]->bodies[k]);
	for (u32 i = 0; i < program->file->function_count; i++)
		watch_stmt(&w, program->file->functions[i]->body);
	return compile->diags.errors > errors ? -EINVAL : 0;
}

/*
 * fired.c - handlers of begin, end and timers that call what only the kernel can run, like
 * jiffies(): they run there, when user space says so, as the process that says it. What user space
 * can read itself (interp_peek.c) needs no such run.
 */
#include "scriptlang/codegen/bpf.h"
#include "scriptlang/ir/lower.h"
#include "scriptlang/runtime/interp.h"

static bool stmt_asks(const struct ft_stmt *s);

static bool function_asks(struct ft_function *f)
{
	bool asks = false;

	for (; f && !f->is_visited && !asks; f = f->next_overload) {
		f->is_visited = true;
		asks = f->body && stmt_asks(f->body);
		f->is_visited = false;
	}
	return asks;
}

static bool expr_asks(const struct ft_expr *e)
{
	if (!e)
		return false;
	if (e->kind == FT_EXPR_CALL && e->builtin && !ft_builtin_find(e->builtin->name) &&
	    ft_bpf_builtin_find(e->builtin->name, e->builtin->arg_count))
		return true;
	if (e->kind == FT_EXPR_CALL && e->function && function_asks(e->function))
		return true;
	for (u32 i = 0; i < e->arg_count; i++)
		if (expr_asks(e->args[i]))
			return true;
	for (u32 i = 0; i < e->access_count; i++)
		if (expr_asks(e->accesses[i].index))
			return true;
	return expr_asks(e->left) || expr_asks(e->right) || expr_asks(e->third);
}

static bool stmt_asks(const struct ft_stmt *s)
{
	if (expr_asks(s->init) || expr_asks(s->expr) || expr_asks(s->step))
		return true;
	for (u32 i = 0; i < s->body_count; i++)
		if (stmt_asks(s->body[i]))
			return true;
	return false;
}

bool ft_handler_asks_kernel(const struct ft_handler *handler)
{
	for (u32 i = 0; i < handler->body_count; i++)
		if (stmt_asks(handler->bodies[i]))
			return true;
	return false;
}

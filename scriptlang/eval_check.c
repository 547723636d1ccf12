/*
 * eval_check.c - what user space cannot run, said before anything runs; and the globals that are
 * printed at the end.
 */
#include <errno.h>
#include <string.h>

#include "scriptlang/eval.h"

/* Kinds of points whose handlers run in user space. */
static bool is_user_point(const struct ft_point *point)
{
	static const char *const names[] = {"begin", "end", "error", "never"};
	const char *first = point->parts[0].name;

	for (size_t i = 0; i < FT_ARRAY_LEN(names); i++)
		if (!strcmp(first, names[i]))
			return true;
	return !strcmp(first, "timer") && strcmp(point->parts[1].name, "profile") != 0;
}

static void check_expr(struct ft_compile *compile, struct ft_expr *e)
{
	switch (e->kind) {
	case FT_EXPR_MATCH:
		ft_sema_fail(compile, e->at, "operator",
			     "this version does not match regular expressions");
		return;
	case FT_EXPR_TARGET:
	case FT_EXPR_ENTRY:
	case FT_EXPR_DEFINED:
	case FT_EXPR_CHOOSE:
	case FT_EXPR_PERF:
		ft_sema_fail(
			compile, e->at, e->kind == FT_EXPR_TARGET ? "identifier" : "operator",
			"target variables belong to probes of the kernel and of programs, which "
			"this version does not run");
		return;
	case FT_EXPR_CALL:
		if (!e->builtin)
			break;
		e->builtin->run = ft_builtin_find(e->name);
		if (!e->builtin->run)
			ft_sema_fail(compile, e->at, "identifier", "this version cannot run %s()",
				     e->name);
		break;
	default:
		break;
	}
	for (u32 i = 0; i < e->arg_count; i++)
		if (e->args[i])
			check_expr(compile, e->args[i]);
	if (e->left)
		check_expr(compile, e->left);
	if (e->right)
		check_expr(compile, e->right);
	if (e->third)
		check_expr(compile, e->third);
}

static void check_stmt(struct ft_compile *compile, const struct ft_stmt *s, u32 loops)
{
	struct ft_expr *const parts[] = {s->expr, s->init, s->step};

	for (size_t i = 0; i < FT_ARRAY_LEN(parts); i++)
		if (parts[i])
			check_expr(compile, parts[i]);
	if (s->foreach) {
		if (s->foreach->limit)
			check_expr(compile, s->foreach->limit);
		for (u32 i = 0; s->foreach->slice && i < s->foreach->key_count; i++)
			if (s->foreach->slice[i])
				check_expr(compile, s->foreach->slice[i]);
	}
	if ((s->kind == FT_STMT_BREAK || s->kind == FT_STMT_CONTINUE) && !loops)
		ft_sema_fail(compile, s->at, "keyword", "cannot '%s' outside loop",
			     s->kind == FT_STMT_BREAK ? "break" : "continue");
	loops += s->kind == FT_STMT_WHILE || s->kind == FT_STMT_FOR || s->kind == FT_STMT_FOREACH;
	for (u32 i = 0; i < s->body_count; i++)
		check_stmt(compile, s->body[i], loops);
}

int ft_eval_check(struct ft_compile *compile, const struct ft_program *program)
{
	u32 errors = compile->diags.errors;

	for (u32 i = 0; i < program->handler_count; i++) {
		const struct ft_handler *h = program->handlers[i];

		if (!is_user_point(h->point)) {
			ft_sema_fail(compile, h->at, "identifier",
				     "this version runs begin, end, error, never and timer probes; "
				     "those of the kernel only pass -p2");
			continue;
		}
		if (h->condition)
			check_expr(compile, h->condition);
		for (u32 k = 0; k < h->body_count; k++)
			check_stmt(compile, h->bodies[k], 0);
	}
	for (u32 i = 0; i < program->file->function_count; i++)
		if (program->file->functions[i]->used)
			check_stmt(compile, program->file->functions[i]->body, 0);
	return compile->diags.errors > errors ? -EINVAL : 0;
}

/* ---- the report ---- */

static void print_text(const struct ft_value *value, struct ft_out *out)
{
	if (!value->text) {
		ft_out_printf(out, "%lld", (long long)value->number);
		return;
	}
	ft_out_char(out, '"');
	for (u32 i = 0; i < value->len; i++) {
		if (value->text[i] == '"' || value->text[i] == '\\')
			ft_out_char(out, '\\');
		if (value->text[i] == '\n')
			ft_out_text(out, "\\n");
		else
			ft_out_char(out, value->text[i]);
	}
	ft_out_char(out, '"');
}

static void print_element(const struct ft_array *array, const struct ft_var *var,
			  const struct ft_element *e, struct ft_out *out)
{
	ft_out_text(out, var->name);
	for (u32 i = 0; i < array->key_count; i++) {
		ft_out_char(out, i ? ',' : '[');
		print_text(&e->keys[i], out);
	}
	ft_out_text(out, array->key_count ? "]" : "");
	if (var->type == FT_TYPE_STATS) {
		const struct ft_stats *s = &e->stats;

		if (!s->count)
			ft_out_text(out, " @count=0");
		else
			ft_out_printf(out, " @count=%llu @min=%lld @max=%lld @sum=%lld @avg=%lld",
				      (unsigned long long)s->count, (long long)s->min,
				      (long long)s->max, (long long)s->sum,
				      (long long)(s->sum / (s64)s->count));
	} else {
		ft_out_char(out, '=');
		print_text(&e->value, out);
	}
	ft_out_char(out, '\n');
}

/* By falling value; statistics by falling count. */
static int compare(const struct ft_element *a, const struct ft_element *b, void *context)
{
	const struct ft_var *var = context;

	if (var->type == FT_TYPE_STRING)
		return strcmp(b->value.text ? b->value.text : "",
			      a->value.text ? a->value.text : "");
	if (var->type == FT_TYPE_STATS)
		return (a->stats.count < b->stats.count) - (a->stats.count > b->stats.count);
	return (a->value.number < b->value.number) - (a->value.number > b->value.number);
}

void ft_eval_report(struct ft_eval *x)
{
	static const struct ft_element nothing;

	for (u32 i = 0; i < x->program->global_count; i++) {
		struct ft_var *var = x->program->globals[i];
		struct ft_array *array = &x->globals[i];

		if (var->read || !var->written || var->type == FT_TYPE_UNKNOWN)
			continue;
		ft_array_sort(array, compare, var);
		for (size_t k = 0; k < array->count; k++)
			print_element(array, var, array->items[k], x->out);
		if (!array->key_count && !array->count)
			print_element(array, var, &nothing, x->out);
	}
}

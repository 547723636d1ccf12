/* eval.c - statements and handlers; see eval.h. */
#include "scriptlang/eval.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "scriptlang/eval_parts.h"

#define HANDLER_BYTES_MAX (64u << 20) /* of strings that one run may make */

static void run_delete(struct ft_eval *x, const struct ft_expr *e)
{
	struct ft_value keys[FT_KEYS_MAX];
	struct ft_array *array;
	struct ft_element *element;

	if (e->var->scope != FT_VAR_GLOBAL) {
		x->locals[e->var->number] = ft_eval_empty(e->var->type);
		return;
	}
	array = ft_eval_global(x, e->var);
	if (e->kind == FT_EXPR_NAME) {
		ft_array_clear(array);
	} else if (ft_eval_keys(x, e, keys)) {
		element = ft_is_slice(e) ? NULL : ft_array_find(array, keys);
		if (element)
			ft_array_delete(array, element);
		for (size_t i = 0; ft_is_slice(e) && i < array->count; i++)
			if (ft_eval_in_slice(array->items[i], keys, e->args, e->any, e->arg_count))
				ft_array_delete(array, array->items[i]);
	}
	if (!array->walks)
		ft_array_sweep(array);
}

static enum ft_flow run_loop(struct ft_eval *x, const struct ft_stmt *s)
{
	if (s->init)
		ft_eval_expr(x, s->init);
	while (!x->failed && (!s->expr || ft_eval_expr(x, s->expr).number) && !x->failed) {
		enum ft_flow flow = ft_eval_stmt(x, s->body[0]);

		if (flow == FT_FLOW_BREAK)
			break;
		if (flow != FT_FLOW_ON && flow != FT_FLOW_CONTINUE)
			return flow;
		if (s->step)
			ft_eval_expr(x, s->step);
		if (++x->actions > x->actions_max)
			ft_eval_fail(x, s->expr, "MAXACTION exceeded");
	}
	return x->failed ? FT_FLOW_FAIL : FT_FLOW_ON;
}

/* How foreach sorts. */
struct order {
	const struct ft_foreach *foreach;
	enum ft_type type; /* of the array's values */
};

static int compare_values(const struct ft_value *a, const struct ft_value *b)
{
	if (a->text && b->text)
		return strcmp(a->text, b->text);
	return (a->number > b->number) - (a->number < b->number);
}

static int compare_elements(const struct ft_element *a, const struct ft_element *b, void *context)
{
	const struct order *o = context;
	const struct ft_foreach *f = o->foreach;
	s64 x, y;

	if (a->is_dead || b->is_dead)
		return a->is_dead - b->is_dead;
	if (f->sort_by && !f->sort_stat_given)
		return f->sort * compare_values(&a->keys[f->sort_by - 1], &b->keys[f->sort_by - 1]);
	if (o->type != FT_TYPE_STATS)
		return f->sort * compare_values(&a->value, &b->value);
	x = a->stats.count ? ft_eval_extract(&a->stats, f->sort_stat) : 0;
	y = b->stats.count ? ft_eval_extract(&b->stats, f->sort_stat) : 0;
	return f->sort * ((x > y) - (x < y));
}

/* One round of a foreach over an array. */
static enum ft_flow visit(struct ft_eval *x, const struct ft_stmt *s, const struct ft_element *e)
{
	const struct ft_foreach *f = s->foreach;

	for (u32 i = 0; i < f->key_count; i++) {
		struct ft_value key = e->keys[i];

		if (key.text)
			key = ft_eval_string(x, key.text, key.len);
		ft_eval_write(x, f->keys[i], &key);
	}
	if (f->value && f->base->var->type != FT_TYPE_STATS) {
		struct ft_value value = e->value;

		if (value.text)
			value = ft_eval_string(x, value.text, value.len);
		ft_eval_write(x, f->value, &value);
	}
	if (++x->actions > x->actions_max)
		ft_eval_fail(x, f->base, "MAXACTION exceeded");
	return x->failed ? FT_FLOW_FAIL : ft_eval_stmt(x, s->body[0]);
}

static enum ft_flow run_foreach_hist(struct ft_eval *x, const struct ft_stmt *s, s64 limit)
{
	const struct ft_foreach *f = s->foreach;
	const struct ft_stats *stats = ft_eval_stats(x, f->base->left);
	const u64 *counts = !stats ? NULL : f->base->hist_linear ? stats->linear : stats->log;

	for (u32 i = 0; counts && i < ft_eval_buckets(f->base) && limit-- > 0; i++) {
		struct ft_value bucket = ft_eval_number(i);
		struct ft_value count = ft_eval_number((s64)counts[i]);
		enum ft_flow flow;

		ft_eval_write(x, f->keys[0], &bucket);
		if (f->value)
			ft_eval_write(x, f->value, &count);
		flow = x->failed ? FT_FLOW_FAIL : ft_eval_stmt(x, s->body[0]);
		if (flow == FT_FLOW_BREAK)
			break;
		if (flow != FT_FLOW_ON && flow != FT_FLOW_CONTINUE)
			return flow;
	}
	return FT_FLOW_ON;
}

static enum ft_flow run_foreach(struct ft_eval *x, const struct ft_stmt *s)
{
	const struct ft_foreach *f = s->foreach;
	s64 limit = f->limit ? ft_eval_expr(x, f->limit).number : INT64_MAX;
	struct ft_value keys[FT_KEYS_MAX] = {{0}};
	struct ft_array *array;
	enum ft_flow flow = FT_FLOW_ON;

	if (f->base->kind == FT_EXPR_HIST)
		return run_foreach_hist(x, s, limit);
	array = ft_eval_global(x, f->base->var);
	if (f->sort && array->walks) {
		ft_eval_fail(x, f->base, "foreach sorts '%s' while another loop walks it",
			     f->base->name);
	} else if (f->sort) {
		struct order order = {f, f->base->var->type};

		if (!ft_array_sort(array, compare_elements, &order))
			ft_eval_fail(x, f->base, "out of memory");
	}
	for (u32 i = 0; f->slice && i < f->key_count; i++)
		if (f->slice[i])
			keys[i] = ft_eval_expr(x, f->slice[i]);
	array->walks++;
	for (size_t i = 0, end = array->count; i < end && limit > 0 && !x->failed; i++) {
		const struct ft_element *e = array->items[i];

		if (e->is_dead ||
		    (f->slice && !ft_eval_in_slice(e, keys, f->slice, NULL, f->key_count)))
			continue;
		limit--;
		flow = visit(x, s, e);
		if (flow != FT_FLOW_ON && flow != FT_FLOW_CONTINUE)
			break;
	}
	if (!--array->walks)
		ft_array_sweep(array);
	if (x->failed)
		return FT_FLOW_FAIL;
	return flow == FT_FLOW_BREAK || flow == FT_FLOW_CONTINUE ? FT_FLOW_ON : flow;
}

static enum ft_flow run_try(struct ft_eval *x, const struct ft_stmt *s)
{
	u32 depth = x->depth;
	struct ft_value *locals = x->locals, message;
	enum ft_flow flow = ft_eval_stmt(x, s->body[0]);

	if (flow != FT_FLOW_FAIL)
		return flow;
	/* Running out of statements cannot be caught: the rest would, too. */
	if (x->actions > x->actions_max)
		return flow;
	x->failed = false;
	x->depth = depth;
	x->locals = locals;
	if (s->caught) {
		message = ft_eval_string(x, x->error, strlen(x->error));
		ft_eval_write(x, s->caught, &message);
	}
	return x->failed ? FT_FLOW_FAIL : ft_eval_stmt(x, s->body[1]);
}

static enum ft_flow run_block(struct ft_eval *x, const struct ft_stmt *s)
{
	enum ft_flow flow = FT_FLOW_ON;

	for (u32 i = 0; i < s->body_count && flow == FT_FLOW_ON; i++)
		flow = ft_eval_stmt(x, s->body[i]);
	return flow;
}

static enum ft_flow run_if(struct ft_eval *x, const struct ft_stmt *s)
{
	bool yes = ft_eval_expr(x, s->expr).number != 0;

	if (x->failed)
		return FT_FLOW_FAIL;
	if (yes)
		return ft_eval_stmt(x, s->body[0]);
	return s->body_count > 1 ? ft_eval_stmt(x, s->body[1]) : FT_FLOW_ON;
}

/* What is no block counts as an action. */
static bool count_action(struct ft_eval *x, const struct ft_stmt *s)
{
	struct ft_expr at = {.kind = FT_EXPR_BINARY, .at = s->at};

	if (s->kind != FT_STMT_BLOCK && s->kind != FT_STMT_EMPTY && ++x->actions > x->actions_max)
		ft_eval_fail(x, s->expr ? s->expr : &at, "MAXACTION exceeded");
	return !x->failed;
}

enum ft_flow ft_eval_stmt(struct ft_eval *x, const struct ft_stmt *s)
{
	if (!count_action(x, s))
		return FT_FLOW_FAIL;
	switch (s->kind) {
	case FT_STMT_BLOCK:
		return run_block(x, s);
	case FT_STMT_EXPR:
		ft_eval_expr(x, s->expr);
		break;
	case FT_STMT_IF:
		return run_if(x, s);
	case FT_STMT_WHILE:
	case FT_STMT_FOR:
		return run_loop(x, s);
	case FT_STMT_FOREACH:
		return run_foreach(x, s);
	case FT_STMT_BREAK:
		return FT_FLOW_BREAK;
	case FT_STMT_CONTINUE:
		return FT_FLOW_CONTINUE;
	case FT_STMT_RETURN:
		if (s->expr)
			x->result = ft_eval_expr(x, s->expr);
		return x->failed ? FT_FLOW_FAIL : FT_FLOW_RETURN;
	case FT_STMT_NEXT:
		return FT_FLOW_NEXT;
	case FT_STMT_DELETE:
		run_delete(x, s->expr);
		break;
	case FT_STMT_TRY:
		return run_try(x, s);
	default:
		break;
	}
	return x->failed ? FT_FLOW_FAIL : FT_FLOW_ON;
}

/* ---- handlers ---- */

bool ft_eval_run(struct ft_eval *x, const struct ft_handler *h, u32 actions)
{
	enum ft_flow flow = FT_FLOW_ON;

	x->arena = ft_arena_new(HANDLER_BYTES_MAX);
	x->handler = h;
	x->actions = 0;
	x->actions_max = actions;
	x->depth = 0;
	x->failed = false;
	x->locals = ft_arena_alloc(x->arena, h->var_count + 1, sizeof(*x->locals));
	if (!x->locals)
		ft_eval_fail(x, NULL, "out of memory");
	for (u32 i = 0; !x->failed && i < h->var_count; i++)
		x->locals[i] = ft_eval_empty(h->vars[i]->type);
	if (!x->failed && h->condition && !ft_eval_expr(x, h->condition).number)
		flow = FT_FLOW_NEXT;
	for (u32 i = 0; i < h->body_count && flow == FT_FLOW_ON && !x->failed; i++)
		flow = ft_eval_stmt(x, h->bodies[i]);
	for (u32 i = 0; i < x->program->global_count; i++)
		ft_array_sweep(&x->globals[i]);
	ft_arena_free(x->arena);
	x->arena = NULL;
	x->locals = NULL;
	return !x->failed;
}

/* Sets a global to what its declaration says. */
static bool begin_global(struct ft_array *array, const struct ft_var *var)
{
	struct ft_value value = ft_eval_number(var->global->init->number);
	struct ft_element *element;

	if (var->global->init->kind == FT_EXPR_STRING)
		value = (struct ft_value){.text = var->global->init->text,
					  .len = var->global->init->len};
	return ft_array_at(array, NULL, &element) == FT_ARRAY_OK && ft_element_set(element, &value);
}

int ft_eval_init(struct ft_eval *x, struct ft_compile *compile, const struct ft_program *program,
		 const struct ft_limits *limits)
{
	*x = (struct ft_eval){.compile = compile, .program = program, .limits = *limits};
	x->globals = ft_try_alloc(program->global_count + 1, sizeof(*x->globals));
	if (!x->globals)
		return -ENOMEM;
	for (u32 i = 0; i < program->global_count; i++) {
		const struct ft_var *var = program->globals[i];
		u32 keys = var->key_count > 0 ? (u32)var->key_count : 0;
		u32 limit = !keys		 ? 1
			    : var->global->limit ? (u32)var->global->limit
						 : x->limits.map_entries;

		ft_array_init(&x->globals[i], keys, limit, var->global->wrap);
		if (var->global->init && !begin_global(&x->globals[i], var))
			return -ENOMEM;
	}
	return 0;
}

void ft_eval_fini(struct ft_eval *x)
{
	for (u32 i = 0; x->globals && i < x->program->global_count; i++)
		ft_array_fini(&x->globals[i]);
	free(x->globals);
	x->globals = NULL;
}

/*
 * elide.c - leaves out what has no effect, as SystemTap does: assignments to locals that nothing
 * reads, expressions that only compute, loops and branches around nothing, functions that nobody
 * calls, probes without a body. A script with no other probe is none.
 *
 * What is wrong with a target variable is said only of those that are left: aliases set variables
 * from arguments that not every kernel has, and most scripts use few of them.
 *
 * -u leaves everything in its place.
 */
#include <errno.h>
#include <string.h>

#include "scriptlang/sema/sema.h"

struct elider {
	struct ft_compile *compile;
	struct ft_program *program;
	bool changed;
	bool of_alias; /* at hand: what it sets is for whoever needs it */
};

/* ---- what has an effect ---- */

/* outside: what a caller notices of it; the locals of a function are none of that. */
static bool stmt_acts(const struct ft_stmt *s, bool outside);

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
	acts = f->body && stmt_acts(f->body, true);
	f->is_visited = false;
	return acts || (f->next_overload && function_acts(f->next_overload));
}

static bool writes(const struct ft_expr *e, bool outside)
{
	const struct ft_expr *left = e->left;

	if (e->kind != FT_EXPR_ASSIGN && e->kind != FT_EXPR_PRE && e->kind != FT_EXPR_POST)
		return false;
	return left->kind == FT_EXPR_TARGET || !left->var || left->var->scope == FT_VAR_GLOBAL ||
	       (left->var->wanted && !outside);
}

static bool expr_acts(const struct ft_expr *e, bool outside)
{
	if (!e)
		return false;
	if (writes(e, outside) || (e->kind == FT_EXPR_PRINT && !e->print->to_string) ||
	    e->kind == FT_EXPR_EMBEDDED ||
	    (e->kind == FT_EXPR_CALL && e->builtin && builtin_acts(e->builtin)) ||
	    (e->kind == FT_EXPR_CALL && e->function && function_acts(e->function)))
		return true;
	for (u32 i = 0; i < e->arg_count; i++)
		if (expr_acts(e->args[i], outside))
			return true;
	for (u32 i = 0; i < e->access_count; i++)
		if (expr_acts(e->accesses[i].index, outside))
			return true;
	return expr_acts(e->left, outside) || expr_acts(e->right, outside) ||
	       expr_acts(e->third, outside);
}

static bool stmt_acts(const struct ft_stmt *s, bool outside)
{
	if (s->kind == FT_STMT_DELETE || s->kind == FT_STMT_NEXT || s->kind == FT_STMT_EMBEDDED ||
	    expr_acts(s->expr, outside) || expr_acts(s->init, outside) ||
	    expr_acts(s->step, outside))
		return true;
	/* A sorted loop leaves its array in that order. */
	if (s->foreach && s->foreach->sort)
		return true;
	for (u32 i = 0; i < s->body_count; i++)
		if (stmt_acts(s->body[i], outside))
			return true;
	return false;
}

/* ---- what is wanted: by anything, anywhere ---- */

static void want_stmt(struct elider *x, const struct ft_stmt *s);

static void want_function(struct elider *x, struct ft_function *f)
{
	for (; f; f = f->next_overload) {
		if (f->is_reached)
			continue;
		f->is_reached = true;
		want_stmt(x, f->body);
	}
}

static void want_expr(struct elider *x, const struct ft_expr *e);

/* The left side of "=" and "<<<" is not read. */
static void want_sides(struct elider *x, const struct ft_expr *e)
{
	bool overwrites = e->kind == FT_EXPR_ASSIGN &&
			  (e->op == FT_TOKEN_ASSIGN || e->op == FT_TOKEN_FEED) && e->left->var;

	if (overwrites)
		for (u32 i = 0; i < e->left->arg_count; i++)
			want_expr(x, e->left->args[i]);
	else
		want_expr(x, e->left);
	want_expr(x, e->right);
	want_expr(x, e->third);
}

static void want_expr(struct elider *x, const struct ft_expr *e)
{
	if (!e)
		return;
	if (e->var)
		e->var->wanted = true;
	if (e->kind == FT_EXPR_CALL && e->function)
		want_function(x, e->function);
	for (u32 i = 0; i < e->arg_count; i++)
		want_expr(x, e->args[i]);
	for (u32 i = 0; i < e->access_count; i++)
		want_expr(x, e->accesses[i].index);
	want_sides(x, e);
}

static void want_stmt(struct elider *x, const struct ft_stmt *s)
{
	const struct ft_foreach *f = s->foreach;

	want_expr(x, s->init);
	want_expr(x, s->expr);
	want_expr(x, s->step);
	if (f) {
		want_expr(x, f->base);
		want_expr(x, f->limit);
		for (u32 i = 0; f->slice && i < f->slice_count; i++)
			want_expr(x, f->slice[i]);
	}
	for (u32 i = 0; i < s->body_count; i++)
		want_stmt(x, s->body[i]);
}

static void find_wanted(struct elider *x)
{
	struct ft_program *program = x->program;

	for (u32 i = 0; i < program->global_count; i++)
		program->globals[i]->wanted = false;
	for (u32 i = 0; i < program->file->function_count; i++) {
		struct ft_function *f = program->file->functions[i];

		f->is_reached = false;
		for (u32 k = 0; k < f->var_count; k++)
			f->vars[k]->wanted = false;
	}
	for (u32 i = 0; i < program->handler_count; i++) {
		struct ft_handler *h = program->handlers[i];

		for (u32 k = 0; k < h->var_count; k++)
			h->vars[k]->wanted = false;
		want_expr(x, h->condition);
		for (u32 k = 0; k < h->body_count; k++)
			want_stmt(x, h->bodies[k]);
	}
}

/* ---- leaving out ---- */

/* "local = value", "local <<< value" where nobody reads the local: the value alone. */
static void elide_expr(struct elider *x, struct ft_expr *e)
{
	const struct ft_var *var;

	if (!e)
		return;
	elide_expr(x, e->right);
	elide_expr(x, e->third);
	for (u32 i = 0; i < e->arg_count; i++)
		elide_expr(x, e->args[i]);
	var = e->left ? e->left->var : NULL;
	if (e->kind != FT_EXPR_ASSIGN || !var || e->left->kind != FT_EXPR_NAME ||
	    (e->op != FT_TOKEN_ASSIGN && e->op != FT_TOKEN_FEED)) {
		elide_expr(x, e->left);
		return;
	}
	if (var->scope == FT_VAR_GLOBAL || var->wanted)
		return;
	if (e->at.source && !e->at.source->is_tapset && !x->of_alias)
		ft_diag_add(&x->compile->diags, FT_DIAG_WARNING, "unused", e->at,
			    "Eliding assignment to '%s'", var->name)
			->word = "operator";
	*e = *e->right;
	x->changed = true;
}

static void become(struct elider *x, struct ft_stmt *s, struct ft_expr *expr)
{
	*s = (struct ft_stmt){
		.kind = expr ? FT_STMT_EXPR : FT_STMT_EMPTY, .at = s->at, .expr = expr};
	x->changed = true;
}

/* "$x->f[g()]" alone: nothing is read, and g() is called. */
static void keep_indexes(struct elider *x, struct ft_stmt *s)
{
	const struct ft_expr *e = s->expr;
	struct ft_stmt block = {.kind = FT_STMT_BLOCK, .at = s->at};

	for (u32 i = 0; i <= e->access_count; i++) {
		struct ft_expr *part = i ? e->accesses[i - 1].index : e->left;
		struct ft_stmt *kept, **slot;

		if (!expr_acts(part, false))
			continue;
		kept = FT_ARENA_NEW(x->compile->arena, struct ft_stmt);
		slot = FT_ARENA_PUSH(x->compile->arena, &block.body, &block.body_count);
		if (!kept || !slot)
			return;
		*kept = (struct ft_stmt){.kind = FT_STMT_EXPR, .at = s->at, .expr = part};
		*slot = kept;
	}
	*s = block;
	x->changed = true;
}

static bool loop_sets(const struct ft_foreach *f)
{
	for (u32 i = 0; i < f->key_count; i++)
		if (f->keys[i]->var && f->keys[i]->var->wanted)
			return true;
	return f->sort || (f->value && f->value->var && f->value->var->wanted) ||
	       expr_acts(f->limit, false);
}

/* A statement whose parts are all empty. */
static void elide_around_nothing(struct elider *x, struct ft_stmt *s)
{
	switch (s->kind) {
	case FT_STMT_BLOCK:
	case FT_STMT_TRY:
		become(x, s, NULL);
		break;
	case FT_STMT_IF:
		become(x, s, s->expr);
		break;
	case FT_STMT_WHILE:
		if (!expr_acts(s->expr, false))
			become(x, s, NULL);
		break;
	case FT_STMT_FOR:
		if (!expr_acts(s->expr, false) && !expr_acts(s->step, false))
			become(x, s, s->init);
		break;
	case FT_STMT_FOREACH:
		if (!loop_sets(s->foreach))
			become(x, s, NULL);
		break;
	default:
		break;
	}
}

static void elide_stmt(struct elider *x, struct ft_stmt *s)
{
	u32 left = 0;

	elide_expr(x, s->init);
	elide_expr(x, s->expr);
	elide_expr(x, s->step);
	for (u32 i = 0; i < s->body_count; i++) {
		elide_stmt(x, s->body[i]);
		left += s->body[i]->kind != FT_STMT_EMPTY;
	}
	if (s->kind == FT_STMT_EXPR && !expr_acts(s->expr, false))
		become(x, s, NULL);
	else if (s->kind == FT_STMT_EXPR && s->expr->kind == FT_EXPR_TARGET && !s->expr->is_text)
		keep_indexes(x, s);
	else if (!left)
		elide_around_nothing(x, s);
}

static bool is_empty(const struct ft_handler *h)
{
	for (u32 i = 0; i < h->body_count; i++)
		if (h->bodies[i]->kind != FT_STMT_EMPTY)
			return false;
	return true;
}

/* Functions are not probes: what an alias does without effect goes with it. */
static void drop_empty(struct ft_program *program)
{
	u32 left = 0;

	for (u32 i = 0; i < program->handler_count; i++)
		if (!is_empty(program->handlers[i]))
			program->handlers[left++] = program->handlers[i];
	program->handler_count = left;
}

static void elide(struct elider *x)
{
	struct ft_program *program = x->program;

	do {
		x->changed = false;
		find_wanted(x);
		for (u32 i = 0; i < program->handler_count; i++) {
			const struct ft_handler *h = program->handlers[i];

			for (u32 k = 0; k < h->body_count; k++) {
				x->of_alias = h->bodies[k] != h->own;
				elide_stmt(x, h->bodies[k]);
			}
		}
		x->of_alias = false;
		for (u32 i = 0; i < program->file->function_count; i++)
			if (program->file->functions[i]->is_reached)
				elide_stmt(x, program->file->functions[i]->body);
	} while (x->changed);
	drop_empty(program);
}

/* ---- what is wrong with the rest ---- */

static void say_problem(const struct elider *x, const struct ft_expr *e)
{
	if (e->kind != FT_EXPR_TARGET || !e->target_type || e->left || e->target_module ||
	    e->user) {
		ft_sema_fail(x->compile, e->at, "identifier", "%s", e->problem);
		return;
	}
	ft_sema_fail(x->compile, e->at, "operator", "unresolved @var() expression");
	ft_diag_add(&x->compile->diags, FT_DIAG_NOTE, "unresolved-var", e->at,
		    "%s; one of a program is @var(\"name@file.c\", \"/path/program\")", e->problem);
}

static void check_expr(const struct elider *x, const struct ft_expr *e)
{
	if (!e)
		return;
	if (e->is_written && !x->compile->guru)
		ft_sema_fail(x->compile, e->at, "identifier", "write not permitted; need stap -g");
	else if (e->problem)
		say_problem(x, e);
	if (e->kind == FT_EXPR_EMBEDDED)
		ft_sema_fail(x->compile, e->at, "embedded-code", "embedded code " FT_EMBEDDED_WHY);
	check_expr(x, e->left);
	check_expr(x, e->right);
	check_expr(x, e->third);
	for (u32 i = 0; i < e->arg_count; i++)
		check_expr(x, e->args[i]);
	for (u32 i = 0; i < e->access_count; i++)
		check_expr(x, e->accesses[i].index);
}

static void check_stmt(const struct elider *x, const struct ft_stmt *s)
{
	if (s->kind == FT_STMT_EMBEDDED)
		ft_sema_fail(x->compile, s->at, "embedded-code", "embedded code " FT_EMBEDDED_WHY);
	check_expr(x, s->init);
	check_expr(x, s->expr);
	check_expr(x, s->step);
	if (s->foreach) {
		check_expr(x, s->foreach->limit);
		for (u32 i = 0; s->foreach->slice && i < s->foreach->slice_count; i++)
			check_expr(x, s->foreach->slice[i]);
	}
	for (u32 i = 0; i < s->body_count; i++)
		check_stmt(x, s->body[i]);
}

static bool calls_function(const struct ft_expr *e)
{
	if (!e)
		return false;
	if (e->kind == FT_EXPR_CALL && e->function && !e->function->at.source->is_tapset)
		return true;
	for (u32 i = 0; i < e->arg_count; i++)
		if (calls_function(e->args[i]))
			return true;
	return calls_function(e->left) || calls_function(e->right) || calls_function(e->third);
}

/* "probe point if (condition)": asked whenever a variable in it changes, so it changes none. */
static void check_condition(const struct elider *x, const struct ft_expr *condition)
{
	if (!condition)
		return;
	check_expr(x, condition);
	if (calls_function(condition))
		ft_sema_fail(x->compile, condition->at, NULL,
			     "probe condition must not call functions of the script");
	else if (expr_acts(condition, true))
		ft_sema_fail(x->compile, condition->at, NULL,
			     "probe condition must not modify any variables");
}

static void check_rest(const struct elider *x)
{
	const struct ft_program *program = x->program;

	for (u32 i = 0; i < program->handler_count; i++) {
		check_condition(x, program->handlers[i]->condition);
		for (u32 k = 0; k < program->handlers[i]->body_count; k++)
			check_stmt(x, program->handlers[i]->bodies[k]);
	}
	for (u32 i = 0; i < program->file->function_count; i++)
		if (program->file->functions[i]->is_reached)
			check_stmt(x, program->file->functions[i]->body);
}

int ft_sema_elide(struct ft_compile *compile, struct ft_program *program)
{
	struct elider x = {.compile = compile, .program = program};
	struct ft_span nowhere = {.source = program->file->source};
	u32 errors = compile->diags.errors;

	if (compile->unoptimized)
		find_wanted(&x);
	else
		elide(&x);
	check_rest(&x);
	if (!program->handler_count)
		ft_sema_fail(compile, nowhere, NULL, "no probes found: none of them does anything");
	return compile->diags.errors > errors ? -EINVAL : 0;
}

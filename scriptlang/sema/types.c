/*
 * types.c - a type for everything, by going round until nothing changes.
 *
 * What is used where a number belongs is a number; both sides of an assignment or a comparison are
 * alike; and so on. Where two uses contradict each other, that is said at the second one. Functions
 * that nobody calls are left out, as SystemTap does.
 */
#include <errno.h>
#include <regex.h>
#include <string.h>

#include "scriptlang/sema/sema.h"

#define HIST_BUCKETS_MAX 100000
#define ROUNDS_MAX 1000 /* each settles something, or is the last */

struct typer {
	struct ft_compile *compile;
	struct ft_program *program;
	struct ft_function *function; /* whose body it is, or NULL */
	bool changed;
	bool last; /* what is unknown now stays so, and is said */
};

static const char *name_of(enum ft_type type)
{
	static const char *const names[] = {"unknown", "long", "string", "stats"};

	return names[type];
}

/* Makes a type what it has to be. at: who says so. */
static void unify(struct typer *t, enum ft_type *type, enum ft_type wanted,
		  const struct ft_expr *at)
{
	if (wanted == FT_TYPE_UNKNOWN || *type == wanted)
		return;
	if (*type == FT_TYPE_UNKNOWN) {
		*type = wanted;
		t->changed = true;
		return;
	}
	ft_sema_fail(t->compile, at->at, at->kind == FT_EXPR_NAME ? "identifier" : NULL,
		     "type mismatch (%s vs. %s)", name_of(wanted), name_of(*type));
}

static enum ft_type infer(struct typer *t, struct ft_expr *e, enum ft_type wanted);

static void unresolved(struct typer *t, const struct ft_expr *e)
{
	if (t->last && e->type == FT_TYPE_UNKNOWN)
		ft_sema_fail(t->compile, e->at, e->kind == FT_EXPR_NAME ? "identifier" : NULL,
			     "unresolved type");
}

/* A value that is printed, compared or stored: it must have some type in the end. */
static enum ft_type infer_value(struct typer *t, struct ft_expr *e, enum ft_type wanted)
{
	enum ft_type type = infer(t, e, wanted);

	if (type == FT_TYPE_STATS)
		ft_sema_fail(t->compile, e->at, "identifier",
			     "a statistics value is read by @count, @sum and their kin");
	unresolved(t, e);
	return type;
}

static void infer_keys(struct typer *t, struct ft_var *var, struct ft_expr *const *keys,
		       const bool *any, u32 count)
{
	for (u32 i = 0; var && i < count && i < FT_KEYS_MAX; i++) {
		if (!keys[i] || (any && any[i]))
			continue;
		unify(t, &var->keys[i], infer_value(t, keys[i], var->keys[i]), keys[i]);
	}
}

/* A name as a scalar. */
static void infer_name(struct typer *t, struct ft_expr *e)
{
	if (!e->var)
		return;
	if (e->var->key_count > 0)
		ft_sema_fail(t->compile, e->at, "identifier",
			     "inconsistent arity (0 vs %d): '%s' is an array", e->var->key_count,
			     e->name);
	else if (e->var->key_count < 0)
		e->var->key_count = 0;
}

/* Both sides alike; the result is that type. */
static enum ft_type infer_both(struct typer *t, struct ft_expr *a, struct ft_expr *b,
			       enum ft_type wanted)
{
	enum ft_type type = infer_value(t, a, wanted);

	type = infer_value(t, b, type);
	return infer_value(t, a, type);
}

/* What is fed, or looked at by an extractor: a variable or an element. */
static void infer_stats(struct typer *t, struct ft_expr *e)
{
	if (e->kind != FT_EXPR_NAME && e->kind != FT_EXPR_INDEX) {
		ft_sema_fail(t->compile, e->at, NULL, "expected a statistics variable or element");
		return;
	}
	infer(t, e, FT_TYPE_STATS);
	if (e->var && e->var->scope != FT_VAR_GLOBAL)
		ft_sema_fail(t->compile, e->at, "identifier",
			     "statistics are global variables: declare '%s'", e->name);
}

/* Notes which histogram a variable must keep. */
static void note_hist(struct typer *t, const struct ft_expr *hist)
{
	struct ft_var *var = hist->left->var;

	if (!var)
		return;
	if (hist->hist_linear ? var->stats.log : var->stats.linear)
		ft_sema_fail(t->compile, hist->at, "operator",
			     "multiple histogram types declared on '%s'", var->name);
	if (!hist->hist_linear) {
		var->stats.log = true;
		return;
	}
	if (hist->hist_step <= 0 || hist->hist_lo > hist->hist_hi ||
	    (u64)(hist->hist_hi - hist->hist_lo) / (u64)hist->hist_step > HIST_BUCKETS_MAX) {
		ft_sema_fail(t->compile, hist->at, "operator",
			     "the bounds or the step of the histogram are out of range");
		return;
	}
	if (var->stats.linear &&
	    (var->stats.lo != hist->hist_lo || var->stats.hi != hist->hist_hi ||
	     var->stats.step != hist->hist_step))
		ft_sema_fail(t->compile, hist->at, "operator",
			     "conflicting histograms of '%s': another one has other bounds",
			     var->name);
	var->stats.linear = true;
	var->stats.lo = hist->hist_lo;
	var->stats.hi = hist->hist_hi;
	var->stats.step = hist->hist_step;
}

/* @variance(x, shift): all of one variable alike; without a shift any will do. */
static void note_shift(struct typer *t, const struct ft_expr *e)
{
	struct ft_var *var = e->left->var;

	if (!var || !e->number || e->stat != FT_STAT_VARIANCE)
		return;
	if (var->stats.shift && var->stats.shift != e->number)
		ft_sema_fail(t->compile, e->at, "operator",
			     "conflicting bit shifts of '%s' (%u and %lld)", var->name,
			     var->stats.shift, (long long)e->number);
	var->stats.shift = (u8)e->number;
}

/* A histogram: of a variable or an element. */
static void infer_hist(struct typer *t, struct ft_expr *hist)
{
	infer_stats(t, hist->left);
	note_hist(t, hist);
}

static enum ft_type infer_assign(struct typer *t, struct ft_expr *e, enum ft_type wanted)
{
	if (e->left->kind == FT_EXPR_TARGET)
		wanted = e->left->is_text ? FT_TYPE_STRING : FT_TYPE_LONG;
	switch (e->op) {
	case FT_TOKEN_FEED:
		infer_stats(t, e->left);
		return infer_value(t, e->right, FT_TYPE_LONG);
	case FT_TOKEN_ASSIGN:
		return infer_both(t, e->left, e->right, wanted);
	case FT_TOKEN_CAT_ASSIGN:
		infer_value(t, e->left, FT_TYPE_STRING);
		return infer_value(t, e->right, FT_TYPE_STRING);
	default:
		infer_value(t, e->left, FT_TYPE_LONG);
		return infer_value(t, e->right, FT_TYPE_LONG);
	}
}

static enum ft_type infer_call(struct typer *t, struct ft_expr *e)
{
	struct ft_function *f = e->function;

	if (e->builtin) {
		for (u32 i = 0; i < e->arg_count; i++)
			infer_value(t, e->args[i], e->builtin->args[i]);
		return e->builtin->result;
	}
	if (!f)
		return FT_TYPE_UNKNOWN;
	for (; f; f = f->next_overload) {
		if (f->param_count != e->arg_count)
			continue;
		f->used = true;
		for (u32 i = 0; i < e->arg_count; i++) {
			struct ft_var *param = f->params[i].var;

			if (param)
				unify(t, &param->type, infer_value(t, e->args[i], param->type),
				      e->args[i]);
		}
		if (e->function->type != f->type) {
			unify(t, &f->type, e->function->type, e);
			unify(t, &e->function->type, f->type, e);
		}
	}
	return e->function->type;
}

static enum ft_type type_of_directive(char conv)
{
	return conv == 's' ? FT_TYPE_STRING : FT_TYPE_LONG;
}

/* How many arguments the directives take. */
static u32 args_wanted(const struct ft_print *print)
{
	u32 wanted = 0;

	for (u32 i = 0; i < print->directive_count; i++) {
		const struct ft_directive *d = &print->directives[i];

		wanted += (u32)d->width_arg + d->precision_arg + (d->conv != 0);
	}
	return wanted;
}

static enum ft_type infer_print(struct typer *t, struct ft_expr *e)
{
	const struct ft_print *p = e->print;
	u32 arg = 0;

	if (p->has_format && e->arg_count != args_wanted(p)) {
		ft_sema_fail(t->compile, e->at, "identifier",
			     "wrong number of arguments to formatted print operator: %u, not %u",
			     e->arg_count, args_wanted(p));
		return p->to_string ? FT_TYPE_STRING : FT_TYPE_LONG;
	}
	for (u32 i = 0; i < p->directive_count; i++) {
		const struct ft_directive *d = &p->directives[i];

		if (d->width_arg)
			infer_value(t, e->args[arg++], FT_TYPE_LONG);
		if (d->precision_arg)
			infer_value(t, e->args[arg++], FT_TYPE_LONG);
		if (d->conv)
			infer_value(t, e->args[arg++], type_of_directive(d->conv));
	}
	if (p->hist)
		infer_hist(t, p->hist);
	for (u32 i = 0; !p->has_format && !p->hist && i < e->arg_count; i++)
		infer_value(t, e->args[i], FT_TYPE_UNKNOWN);
	return p->to_string ? FT_TYPE_STRING : FT_TYPE_LONG;
}

static enum ft_type infer_target(struct typer *t, struct ft_expr *e)
{
	for (u32 i = 0; i < e->access_count; i++)
		if (e->accesses[i].index)
			infer_value(t, e->accesses[i].index, FT_TYPE_LONG);
	for (u32 i = 0; i < e->arg_count; i++)
		infer_value(t, e->args[i], FT_TYPE_LONG);
	if (e->left)
		infer_value(t, e->left, FT_TYPE_LONG);
	/* $$vars, $$parms and what is pretty-printed are text. */
	return e->pretty || e->is_text || !strncmp(e->name, "$$", 2) ? FT_TYPE_STRING
								     : FT_TYPE_LONG;
}

/* The pattern is an extended regular expression of POSIX. */
static void check_regex(struct typer *t, const struct ft_expr *e)
{
	regex_t regex;
	char text[160];
	int code;

	if (!t->last)
		return;
	code = regcomp(&regex, e->right->text, REG_EXTENDED | REG_NOSUB);
	if (!code) {
		regfree(&regex);
		return;
	}
	regerror(code, &regex, text, sizeof(text));
	ft_sema_fail(t->compile, e->right->at, "string", "regex compilation error: %s", text);
}

static enum ft_type infer_kind(struct typer *t, struct ft_expr *e, enum ft_type wanted)
{
	switch (e->kind) {
	case FT_EXPR_NUMBER:
	case FT_EXPR_PERF:
		return FT_TYPE_LONG;
	case FT_EXPR_STRING:
		return FT_TYPE_STRING;
	case FT_EXPR_NAME:
		infer_name(t, e);
		return e->var ? e->var->type : FT_TYPE_UNKNOWN;
	case FT_EXPR_INDEX:
		infer_keys(t, e->var, e->args, e->any, e->arg_count);
		return e->var ? e->var->type : FT_TYPE_UNKNOWN;
	case FT_EXPR_IN:
		infer_keys(t, e->var, e->args, e->any, e->arg_count);
		return FT_TYPE_LONG;
	case FT_EXPR_UNARY:
	case FT_EXPR_PRE:
	case FT_EXPR_POST:
		return infer_value(t, e->left, FT_TYPE_LONG);
	case FT_EXPR_BINARY:
		wanted = e->op == FT_TOKEN_DOT ? FT_TYPE_STRING : FT_TYPE_LONG;
		infer_value(t, e->left, wanted);
		return infer_value(t, e->right, wanted);
	case FT_EXPR_LOGICAL:
		infer_value(t, e->left, FT_TYPE_LONG);
		return infer_value(t, e->right, FT_TYPE_LONG);
	case FT_EXPR_COMPARE:
		infer_both(t, e->left, e->right, FT_TYPE_UNKNOWN);
		return FT_TYPE_LONG;
	case FT_EXPR_MATCH:
		check_regex(t, e);
		infer_value(t, e->left, FT_TYPE_STRING);
		return FT_TYPE_LONG;
	case FT_EXPR_TERNARY:
		infer_value(t, e->left, FT_TYPE_LONG);
		return infer_both(t, e->right, e->third, wanted);
	case FT_EXPR_ASSIGN:
		return infer_assign(t, e, wanted);
	case FT_EXPR_CALL:
		return infer_call(t, e);
	case FT_EXPR_STAT:
		if (e->number < 0 || e->number > 62)
			ft_sema_fail(t->compile, e->at, "operator",
				     "bit shift (%lld) out of range <0..62>", (long long)e->number);
		infer_stats(t, e->left);
		note_shift(t, e);
		return FT_TYPE_LONG;
	case FT_EXPR_HIST:
		ft_sema_fail(t->compile, e->at, "operator",
			     "a histogram can be printed, indexed and walked, and no more");
		return FT_TYPE_LONG;
	case FT_EXPR_HIST_AT:
		infer_hist(t, e->left);
		infer_value(t, e->args[0], FT_TYPE_LONG);
		return FT_TYPE_LONG;
	case FT_EXPR_PRINT:
		return infer_print(t, e);
	case FT_EXPR_TARGET:
		return infer_target(t, e);
	case FT_EXPR_ENTRY:
		return infer_value(t, e->left, wanted);
	case FT_EXPR_DEFINED:
		return FT_TYPE_LONG;
	case FT_EXPR_CHOOSE:
		return infer_both(t, e->left, e->right, wanted);
	case FT_EXPR_EMBEDDED: /* refused before */
		return FT_TYPE_LONG;
	}
	return FT_TYPE_UNKNOWN;
}

/* The type of an expression, which is to be wanted (UNKNOWN: whatever it is). */
static enum ft_type infer(struct typer *t, struct ft_expr *e, enum ft_type wanted)
{
	unify(t, &e->type, infer_kind(t, e, wanted), e);
	if (wanted == FT_TYPE_UNKNOWN)
		return e->type;
	if ((e->kind == FT_EXPR_NAME || e->kind == FT_EXPR_INDEX) && e->var)
		unify(t, &e->var->type, wanted, e);
	else if (e->kind == FT_EXPR_CALL && e->function)
		unify(t, &e->function->type, wanted, e);
	unify(t, &e->type, wanted, e);
	return e->type;
}

/* A variable of foreach takes over a type, and gives one. */
static void infer_loop_var(struct typer *t, struct ft_expr *name, enum ft_type *type)
{
	infer(t, name, *type);
	if (*type == FT_TYPE_UNKNOWN)
		unify(t, type, name->type, name);
	unresolved(t, name);
}

static void infer_foreach(struct typer *t, struct ft_foreach *f)
{
	struct ft_var *array = f->base->var;
	enum ft_type number = FT_TYPE_LONG;

	if (f->limit)
		infer_value(t, f->limit, FT_TYPE_LONG);
	if (f->base->kind == FT_EXPR_HIST) {
		infer_hist(t, f->base);
		infer_loop_var(t, f->keys[0], &number);
		if (f->value)
			infer_loop_var(t, f->value, &number);
		return;
	}
	for (u32 i = 0; array && i < f->key_count && i < FT_KEYS_MAX; i++)
		infer_loop_var(t, f->keys[i], &array->keys[i]);
	if (f->slice)
		infer_keys(t, array, f->slice, NULL, f->key_count);
	if (f->sort_stat_given && array)
		unify(t, &array->type, FT_TYPE_STATS, f->base);
	if (!f->value || !array)
		return;
	if (array->type == FT_TYPE_STATS)
		infer(t, f->value, FT_TYPE_STATS);
	else
		infer_loop_var(t, f->value, &array->type);
}

static void infer_return(struct typer *t, const struct ft_stmt *s)
{
	if (!s->expr || !t->function)
		return;
	unify(t, &t->function->type, infer_value(t, s->expr, t->function->type), s->expr);
}

static void infer_stmt(struct typer *t, struct ft_stmt *s)
{
	switch (s->kind) {
	case FT_STMT_EXPR:
		infer(t, s->expr, FT_TYPE_UNKNOWN);
		break;
	case FT_STMT_IF:
	case FT_STMT_WHILE:
		infer_value(t, s->expr, FT_TYPE_LONG);
		break;
	case FT_STMT_FOR:
		if (s->init)
			infer(t, s->init, FT_TYPE_UNKNOWN);
		if (s->expr)
			infer_value(t, s->expr, FT_TYPE_LONG);
		if (s->step)
			infer(t, s->step, FT_TYPE_UNKNOWN);
		break;
	case FT_STMT_FOREACH:
		infer_foreach(t, s->foreach);
		break;
	case FT_STMT_RETURN:
		infer_return(t, s);
		break;
	case FT_STMT_DELETE:
		if (s->expr->kind == FT_EXPR_INDEX)
			infer_keys(t, s->expr->var, s->expr->args, s->expr->any,
				   s->expr->arg_count);
		break;
	case FT_STMT_TRY:
		if (s->caught)
			infer(t, s->caught, FT_TYPE_STRING);
		break;
	default:
		break;
	}
	for (u32 i = 0; i < s->body_count; i++)
		infer_stmt(t, s->body[i]);
}

static void infer_all(struct typer *t)
{
	struct ft_program *program = t->program;

	for (u32 i = 0; i < program->handler_count; i++) {
		struct ft_handler *h = program->handlers[i];

		t->function = NULL;
		if (h->condition)
			infer_value(t, h->condition, FT_TYPE_LONG);
		for (u32 k = 0; k < h->body_count; k++)
			infer_stmt(t, h->bodies[k]);
	}
	for (u32 i = 0; i < program->file->function_count; i++) {
		struct ft_function *f = program->file->functions[i];

		t->function = f;
		if (f->used)
			infer_stmt(t, f->body);
	}
}

/* What declarations say. */
static void begin_types(const struct ft_program *program)
{
	for (u32 i = 0; i < program->global_count; i++) {
		struct ft_var *var = program->globals[i];

		if (var->global->init)
			var->type = var->global->init->kind == FT_EXPR_STRING ? FT_TYPE_STRING
									      : FT_TYPE_LONG;
	}
}

/* A size belongs to arrays. */
static void check_globals(struct typer *t)
{
	for (u32 i = 0; i < t->program->global_count; i++) {
		const struct ft_var *var = t->program->globals[i];
		bool is_used = var->read || var->written;

		if (!is_used || var->key_count > 0)
			continue;
		if (var->global->wrap)
			ft_sema_fail(t->compile, var->at, "identifier",
				     "wrapping not supported for scalars");
		else if (var->global->limit)
			ft_sema_fail(t->compile, var->at, "identifier",
				     "inconsistent arity: '%s' has a size, and is used as a scalar",
				     var->name);
	}
}

int ft_sema_types(struct ft_compile *compile, struct ft_program *program)
{
	struct typer t = {.compile = compile, .program = program};
	u32 errors = compile->diags.errors;

	begin_types(program);
	for (u32 round = 0; round < ROUNDS_MAX; round++) {
		t.changed = false;
		infer_all(&t);
		if (compile->diags.errors > errors || t.last)
			break;
		t.last = !t.changed;
	}
	check_globals(&t);
	return ft_arena_failed(compile->arena)	? -ENOMEM
	       : compile->diags.errors > errors ? -EINVAL
						: 0;
}

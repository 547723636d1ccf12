/* eval_expr.c - expressions; see eval.h and eval_parts.h. */
#include "scriptlang/eval_parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "scriptlang/format.h"

void ft_eval_fail(struct ft_eval *x, const struct ft_expr *at, const char *fmt, ...)
{
	va_list args;

	if (x->failed)
		return;
	x->failed = true;
	va_start(args, fmt);
	vsnprintf(x->error, sizeof(x->error), fmt, args);
	va_end(args);
	if (!at)
		return;
	x->error_at = at->at;
	x->error_word = at->kind == FT_EXPR_NAME || at->kind == FT_EXPR_INDEX ||
					at->kind == FT_EXPR_CALL || at->kind == FT_EXPR_PRINT
				? "identifier"
				: "operator";
}

struct ft_value ft_eval_string(struct ft_eval *x, const char *text, size_t len)
{
	size_t most = x->limits.string_bytes - 1;
	struct ft_value value;

	len = strnlen(text, len < most ? len : most); /* a NUL ends a string */
	value = (struct ft_value){.text = ft_arena_copy(x->arena, text, len), .len = (u32)len};
	if (!value.text) {
		ft_eval_fail(x, NULL, "out of memory");
		value = (struct ft_value){.text = ""};
	}
	return value;
}

struct ft_value ft_eval_empty(enum ft_type type)
{
	return type == FT_TYPE_STRING ? (struct ft_value){.text = ""} : ft_eval_number(0);
}

/* ---- variables ---- */

struct ft_array *ft_eval_global(const struct ft_eval *x, const struct ft_var *var)
{
	return &x->globals[var->number];
}

/* Values of a key. False: an error. */
bool ft_eval_keys(struct ft_eval *x, const struct ft_expr *e, struct ft_value *keys)
{
	for (u32 i = 0; i < e->arg_count; i++)
		keys[i] = e->args[i] && !(e->any && e->any[i]) ? ft_eval_expr(x, e->args[i])
							       : ft_eval_number(0);
	return !x->failed;
}

/* The element that an lvalue of a global names; made if asked for. NULL: absent, or an error. */
static struct ft_element *element_of(struct ft_eval *x, const struct ft_expr *e, bool make)
{
	struct ft_value keys[FT_KEYS_MAX];
	struct ft_array *array = ft_eval_global(x, e->var);
	struct ft_element *element = NULL;

	if (e->kind == FT_EXPR_INDEX && !ft_eval_keys(x, e, keys))
		return NULL;
	if (!make)
		return ft_array_find(array, keys);
	switch (ft_array_at(array, keys, &element)) {
	case FT_ARRAY_OK:
		break;
	case FT_ARRAY_FULL:
		if (e->var->global->limit)
			ft_eval_fail(x, e, "Array overflow, check size limit (%lld)",
				     (long long)e->var->global->limit);
		else
			ft_eval_fail(x, e, "Array overflow, check MAXMAPENTRIES");
		break;
	case FT_ARRAY_NO_MEMORY:
		ft_eval_fail(x, e, "out of memory");
		break;
	}
	return element;
}

static struct ft_value read_var(struct ft_eval *x, const struct ft_expr *e)
{
	const struct ft_element *element;

	if (e->var->scope != FT_VAR_GLOBAL)
		return x->locals[e->var->number];
	element = element_of(x, e, false);
	/* The element may go while its value is used. */
	if (element && element->value.text)
		return ft_eval_string(x, element->value.text, element->value.len);
	return element ? element->value : ft_eval_empty(e->var->type);
}

void ft_eval_write(struct ft_eval *x, const struct ft_expr *e, const struct ft_value *value)
{
	struct ft_element *element;

	if (e->kind != FT_EXPR_NAME && e->kind != FT_EXPR_INDEX) {
		ft_eval_fail(x, e, "target variables cannot be written to here");
		return;
	}
	if (e->var->scope != FT_VAR_GLOBAL) {
		x->locals[e->var->number] = *value;
		return;
	}
	element = element_of(x, e, true);
	if (element && !x->failed && !ft_element_set(element, value))
		ft_eval_fail(x, e, "out of memory");
}

/* ---- operators ---- */

static s64 calculate(struct ft_eval *x, const struct ft_expr *e, enum ft_token_kind op, s64 a,
		     s64 b)
{
	switch (op) {
	case FT_TOKEN_ADD:
		return (s64)((u64)a + (u64)b);
	case FT_TOKEN_SUB:
		return (s64)((u64)a - (u64)b);
	case FT_TOKEN_MUL:
		return (s64)((u64)a * (u64)b);
	case FT_TOKEN_DIV:
	case FT_TOKEN_MOD:
		if (!b) {
			ft_eval_fail(x, e, "division by 0");
			return 0;
		}
		if (b == -1) /* the lowest number has no opposite */
			return op == FT_TOKEN_DIV ? (s64)(0 - (u64)a) : 0;
		return op == FT_TOKEN_DIV ? a / b : a % b;
	case FT_TOKEN_SHL:
		return (s64)((u64)a << (b & 63));
	case FT_TOKEN_SHR:
		return a >> (b & 63);
	case FT_TOKEN_SHR_LOGICAL:
		return (s64)((u64)a >> (b & 63));
	case FT_TOKEN_AND:
		return a & b;
	case FT_TOKEN_OR:
		return a | b;
	case FT_TOKEN_XOR:
		return a ^ b;
	default:
		ft_eval_fail(x, e, "unknown operator");
		return 0;
	}
}

static enum ft_token_kind operator_of_assignment(enum ft_token_kind op)
{
	switch (op) {
	case FT_TOKEN_ADD_ASSIGN:
		return FT_TOKEN_ADD;
	case FT_TOKEN_SUB_ASSIGN:
		return FT_TOKEN_SUB;
	case FT_TOKEN_MUL_ASSIGN:
		return FT_TOKEN_MUL;
	case FT_TOKEN_DIV_ASSIGN:
		return FT_TOKEN_DIV;
	case FT_TOKEN_MOD_ASSIGN:
		return FT_TOKEN_MOD;
	case FT_TOKEN_SHL_ASSIGN:
		return FT_TOKEN_SHL;
	case FT_TOKEN_SHR_ASSIGN:
		return FT_TOKEN_SHR;
	case FT_TOKEN_AND_ASSIGN:
		return FT_TOKEN_AND;
	case FT_TOKEN_OR_ASSIGN:
		return FT_TOKEN_OR;
	default:
		return FT_TOKEN_XOR;
	}
}

static struct ft_value concatenate(struct ft_eval *x, const struct ft_value *a,
				   const struct ft_value *b)
{
	char *both = ft_arena_alloc(x->arena, (size_t)a->len + b->len + 1, 1);

	if (!both) {
		ft_eval_fail(x, NULL, "out of memory");
		return ft_eval_empty(FT_TYPE_STRING);
	}
	if (a->len)
		memcpy(both, a->text, a->len);
	if (b->len)
		memcpy(both + a->len, b->text, b->len);
	return ft_eval_string(x, both, (size_t)a->len + b->len);
}

static struct ft_value eval_binary(struct ft_eval *x, const struct ft_expr *e)
{
	struct ft_value a = ft_eval_expr(x, e->left), b = ft_eval_expr(x, e->right);

	if (x->failed)
		return ft_eval_empty(e->type);
	if (e->op == FT_TOKEN_DOT)
		return concatenate(x, &a, &b);
	return ft_eval_number(calculate(x, e, e->op, a.number, b.number));
}

static struct ft_value eval_compare(struct ft_eval *x, const struct ft_expr *e)
{
	struct ft_value a = ft_eval_expr(x, e->left), b = ft_eval_expr(x, e->right);
	int order;

	if (x->failed)
		return ft_eval_number(0);
	order = a.text && b.text ? strcmp(a.text, b.text)
				 : (a.number > b.number) - (a.number < b.number);
	switch (e->op) {
	case FT_TOKEN_EQ:
		return ft_eval_number(order == 0);
	case FT_TOKEN_NE:
		return ft_eval_number(order != 0);
	case FT_TOKEN_LT:
		return ft_eval_number(order < 0);
	case FT_TOKEN_GT:
		return ft_eval_number(order > 0);
	case FT_TOKEN_LE:
		return ft_eval_number(order <= 0);
	default:
		return ft_eval_number(order >= 0);
	}
}

static struct ft_value eval_logical(struct ft_eval *x, const struct ft_expr *e)
{
	bool left = ft_eval_expr(x, e->left).number != 0;

	if (x->failed || left == (e->op == FT_TOKEN_LOGICAL_OR))
		return ft_eval_number(left);
	return ft_eval_number(ft_eval_expr(x, e->right).number != 0);
}

static struct ft_value eval_unary(struct ft_eval *x, const struct ft_expr *e)
{
	s64 a = ft_eval_expr(x, e->left).number;

	switch (e->op) {
	case FT_TOKEN_SUB:
		return ft_eval_number((s64)(0 - (u64)a));
	case FT_TOKEN_NOT:
		return ft_eval_number(!a);
	case FT_TOKEN_TILDE:
		return ft_eval_number(~a);
	default:
		return ft_eval_number(a);
	}
}

static struct ft_value eval_crement(struct ft_eval *x, const struct ft_expr *e)
{
	struct ft_value before = ft_eval_expr(x, e->left), after;

	after = ft_eval_number((s64)((u64)before.number + (e->op == FT_TOKEN_INC ? 1 : ~0ull)));
	if (!x->failed)
		ft_eval_write(x, e->left, &after);
	return e->kind == FT_EXPR_PRE ? after : before;
}

static void feed(struct ft_eval *x, const struct ft_expr *e, s64 value)
{
	struct ft_element *element = element_of(x, e->left, true);

	if (element && !x->failed && !ft_stats_add(&element->stats, &e->left->var->stats, value))
		ft_eval_fail(x, e, "out of memory");
}

static struct ft_value eval_assign(struct ft_eval *x, const struct ft_expr *e)
{
	struct ft_value value = ft_eval_expr(x, e->right), before;

	if (x->failed)
		return value;
	if (e->op == FT_TOKEN_FEED) {
		feed(x, e, value.number);
		return value;
	}
	if (e->op != FT_TOKEN_ASSIGN) {
		before = ft_eval_expr(x, e->left);
		if (x->failed)
			return value;
		value = e->op == FT_TOKEN_CAT_ASSIGN
				? concatenate(x, &before, &value)
				: ft_eval_number(calculate(x, e, operator_of_assignment(e->op),
							   before.number, value.number));
	}
	if (!x->failed)
		ft_eval_write(x, e->left, &value);
	return value;
}

/* ---- arrays ---- */

/* Whether an element lies in a slice. */
bool ft_eval_in_slice(const struct ft_element *e, const struct ft_value *keys,
		      struct ft_expr *const *given, const bool *any, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		const struct ft_value *key = &e->keys[i];

		if (!given[i] || (any && any[i]))
			continue;
		if (key->text ? strcmp(key->text, keys[i].text) != 0
			      : key->number != keys[i].number)
			return false;
	}
	return true;
}

static struct ft_value eval_in(struct ft_eval *x, const struct ft_expr *e)
{
	const struct ft_array *array = ft_eval_global(x, e->var);
	struct ft_value keys[FT_KEYS_MAX];

	if (!ft_eval_keys(x, e, keys))
		return ft_eval_number(0);
	if (!ft_is_slice(e))
		return ft_eval_number(ft_array_find(array, keys) != NULL);
	for (size_t i = 0; i < array->count; i++)
		if (!array->items[i]->is_dead &&
		    ft_eval_in_slice(array->items[i], keys, e->args, e->any, e->arg_count))
			return ft_eval_number(1);
	return ft_eval_number(0);
}

/* ---- statistics ---- */

/* The statistics that an expression names; NULL: nothing was ever fed. */
const struct ft_stats *ft_eval_stats(struct ft_eval *x, const struct ft_expr *e)
{
	const struct ft_element *element = element_of(x, e, false);

	return element && element->stats.count ? &element->stats : NULL;
}

s64 ft_eval_extract(const struct ft_stats *stats, enum ft_stat_op op)
{
	switch (op) {
	case FT_STAT_COUNT:
		return (s64)stats->count;
	case FT_STAT_SUM:
		return stats->sum;
	case FT_STAT_MIN:
		return stats->min;
	case FT_STAT_MAX:
		return stats->max;
	case FT_STAT_AVG:
		return stats->sum / (s64)stats->count;
	default:
		return ft_stats_variance(stats);
	}
}

static struct ft_value eval_stat(struct ft_eval *x, const struct ft_expr *e)
{
	const struct ft_stats *stats = ft_eval_stats(x, e->left);

	if (x->failed)
		return ft_eval_number(0);
	if (stats)
		return ft_eval_number(ft_eval_extract(stats, e->stat));
	if (e->stat != FT_STAT_COUNT && e->stat != FT_STAT_SUM)
		ft_eval_fail(x, e, "empty aggregate");
	return ft_eval_number(0);
}

/* How many buckets a histogram has, and what is in one of them. */
u32 ft_eval_buckets(const struct ft_expr *hist)
{
	return hist->hist_linear ? ft_stats_linear_buckets(&hist->left->var->stats) + 2
				 : FT_STATS_LOG_BUCKETS;
}

static struct ft_value eval_hist_at(struct ft_eval *x, const struct ft_expr *e)
{
	const struct ft_expr *hist = e->left;
	s64 bucket = ft_eval_expr(x, e->args[0]).number;
	const struct ft_stats *stats = ft_eval_stats(x, hist->left);
	const u64 *counts = !stats ? NULL : hist->hist_linear ? stats->linear : stats->log;

	if (x->failed)
		return ft_eval_number(0);
	if (!counts) {
		ft_eval_fail(x, hist, "empty aggregate");
		return ft_eval_number(0);
	}
	if (bucket < 0 || bucket >= ft_eval_buckets(hist)) {
		ft_eval_fail(x, e, "histogram index out of range");
		return ft_eval_number(0);
	}
	return ft_eval_number((s64)counts[bucket]);
}

/* ---- printing ---- */

/* A number of a format that an argument gives. */
static s32 size_of(const struct ft_value *value)
{
	return value->number < 0 ? -1 : value->number > 4096 ? 4096 : (s32)value->number;
}

static void print_format(struct ft_eval *x, const struct ft_expr *e, const struct ft_value *args,
			 struct ft_out *out)
{
	u32 arg = 0;

	for (u32 i = 0; i < e->print->directive_count; i++) {
		struct ft_directive d = e->print->directives[i];

		if (!d.conv) {
			ft_out_bytes(out, d.text, d.len);
			continue;
		}
		if (d.width_arg)
			d.width = size_of(&args[arg++]);
		if (d.precision_arg)
			d.precision = size_of(&args[arg++]);
		if (d.conv == 'm' || d.conv == 'M')
			ft_eval_fail(x, e, "%%%c needs kernel memory, which user space cannot read",
				     d.conv);
		else
			ft_format_value(out, &d, &args[arg]);
		arg++;
	}
}

static void print_plain(const struct ft_expr *e, const struct ft_value *args, struct ft_out *out)
{
	for (u32 i = 0; i < e->arg_count; i++) {
		if (i && e->print->delimiter)
			ft_out_bytes(out, e->print->delimiter, e->print->delimiter_len);
		if (args[i].text)
			ft_out_bytes(out, args[i].text, args[i].len);
		else
			ft_out_printf(out, "%lld", (long long)args[i].number);
	}
}

static void print_hist(struct ft_eval *x, const struct ft_expr *e, struct ft_out *out)
{
	const struct ft_expr *hist = e->print->hist;
	const struct ft_stats *stats = ft_eval_stats(x, hist->left);

	if (!stats)
		ft_eval_fail(x, hist, "empty aggregate");
	else
		ft_stats_print(stats, &hist->left->var->stats, hist->hist_linear, out);
}

static void print_args(struct ft_eval *x, const struct ft_expr *e, struct ft_out *out)
{
	struct ft_value *args = ft_arena_alloc(x->arena, e->arg_count + 1, sizeof(*args));

	if (!args) {
		ft_eval_fail(x, e, "out of memory");
		return;
	}
	for (u32 i = 0; i < e->arg_count; i++)
		args[i] = ft_eval_expr(x, e->args[i]);
	if (x->failed)
		return;
	if (e->print->has_format)
		print_format(x, e, args, out);
	else
		print_plain(e, args, out);
	if (e->print->newline)
		ft_out_char(out, '\n');
}

static struct ft_value eval_print(struct ft_eval *x, const struct ft_expr *e)
{
	struct ft_out *out = e->print->to_string ? ft_out_new_memory() : x->out;
	struct ft_value value = ft_eval_empty(e->type);
	const char *text;
	size_t len;

	if (e->print->hist)
		print_hist(x, e, out);
	else
		print_args(x, e, out);
	if (e->print->to_string) {
		text = ft_out_memory(out, &len);
		value = ft_eval_string(x, text, len);
		ft_out_close(out);
	}
	return value;
}

/* ---- calls ---- */

/* One overload. *next: its body asked for the next one. */
static struct ft_value call_one(struct ft_eval *x, const struct ft_function *f,
				const struct ft_value *args, bool *next)
{
	struct ft_value *outer = x->locals;
	enum ft_flow flow;

	x->locals = ft_arena_alloc(x->arena, f->var_count + 1, sizeof(*x->locals));
	if (!x->locals) {
		x->locals = outer;
		ft_eval_fail(x, NULL, "out of memory");
		return ft_eval_empty(f->type);
	}
	for (u32 i = 0; i < f->var_count; i++)
		x->locals[i] = i < f->param_count ? args[i] : ft_eval_empty(f->vars[i]->type);
	x->result = ft_eval_empty(f->type);
	flow = ft_eval_stmt(x, f->body);
	x->locals = outer;
	*next = flow == FT_FLOW_NEXT;
	return x->result;
}

static struct ft_value call_function(struct ft_eval *x, const struct ft_expr *e,
				     const struct ft_value *args)
{
	struct ft_value value = ft_eval_empty(e->function->type);
	bool next = true;

	if (x->depth >= x->limits.nesting) {
		ft_eval_fail(x, e, "MAXNESTING exceeded");
		return value;
	}
	x->depth++;
	for (const struct ft_function *f = e->function; next && f && !x->failed;
	     f = f->next_overload)
		if (f->param_count == e->arg_count)
			value = call_one(x, f, args, &next);
	x->depth--;
	if (next && !x->failed)
		ft_eval_fail(x, e, "all functions exhausted");
	return value;
}

static struct ft_value eval_call(struct ft_eval *x, const struct ft_expr *e)
{
	struct ft_value *args = ft_arena_alloc(x->arena, e->arg_count + 1, sizeof(*args));

	if (!args) {
		ft_eval_fail(x, e, "out of memory");
		return ft_eval_empty(e->type);
	}
	for (u32 i = 0; i < e->arg_count; i++)
		args[i] = ft_eval_expr(x, e->args[i]);
	if (x->failed)
		return ft_eval_empty(e->type);
	return e->function ? call_function(x, e, args) : e->builtin->run(x, e, args);
}

struct ft_value ft_eval_expr(struct ft_eval *x, const struct ft_expr *e)
{
	if (x->failed)
		return ft_eval_empty(e->type);
	switch (e->kind) {
	case FT_EXPR_NUMBER:
		return ft_eval_number(e->number);
	case FT_EXPR_STRING:
		return ft_eval_string(x, e->text, e->len);
	case FT_EXPR_NAME:
	case FT_EXPR_INDEX:
		return read_var(x, e);
	case FT_EXPR_UNARY:
		return eval_unary(x, e);
	case FT_EXPR_PRE:
	case FT_EXPR_POST:
		return eval_crement(x, e);
	case FT_EXPR_BINARY:
		return eval_binary(x, e);
	case FT_EXPR_COMPARE:
		return eval_compare(x, e);
	case FT_EXPR_LOGICAL:
		return eval_logical(x, e);
	case FT_EXPR_TERNARY:
		return ft_eval_expr(x, ft_eval_expr(x, e->left).number ? e->right : e->third);
	case FT_EXPR_ASSIGN:
		return eval_assign(x, e);
	case FT_EXPR_IN:
		return eval_in(x, e);
	case FT_EXPR_CALL:
		return eval_call(x, e);
	case FT_EXPR_STAT:
		return eval_stat(x, e);
	case FT_EXPR_HIST_AT:
		return eval_hist_at(x, e);
	case FT_EXPR_PRINT:
		return eval_print(x, e);
	default: /* ft_eval_init has refused it */
		ft_eval_fail(x, e, "this cannot be computed in user space");
		return ft_eval_empty(e->type);
	}
}

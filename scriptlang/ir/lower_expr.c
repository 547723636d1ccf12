/* lower_expr.c - expressions become operations; see lower.h. */
#include <string.h>

#include "scriptlang/codegen/bpf.h"
#include "scriptlang/ir/lower.h"
#include "scriptlang/runtime/interp.h"
#include "scriptlang/user/user_point.h"

/* Whether computing an expression may change a variable. */
static bool has_effects(const struct ft_expr *e)
{
	if (!e)
		return false;
	if (e->kind == FT_EXPR_ASSIGN || e->kind == FT_EXPR_PRE || e->kind == FT_EXPR_POST ||
	    (e->kind == FT_EXPR_CALL && e->function))
		return true;
	for (u32 i = 0; i < e->arg_count; i++)
		if (e->args[i] && has_effects(e->args[i]))
			return true;
	return has_effects(e->left) || has_effects(e->right) || has_effects(e->third);
}

/* A value that stays what it is while "behind" is computed. */
static u32 lower_before(struct ft_lower *l, const struct ft_expr *e, bool changes)
{
	u32 reg = ft_lower_expr(l, e), copy;

	if (!changes || e->kind != FT_EXPR_NAME || !e->var || e->var->scope == FT_VAR_GLOBAL)
		return reg;
	copy = ft_lower_reg(l, e->type);
	ft_lower_move(l, copy, reg);
	return copy;
}

u32 *ft_lower_list(struct ft_lower *l, struct ft_expr *const *list, const bool *any, u32 count)
{
	u32 *regs = ft_arena_alloc(l->compile->arena, count + 1, sizeof(*regs));
	bool changes = false;

	for (u32 i = 1; i < count; i++)
		changes |= list[i] && has_effects(list[i]);
	for (u32 i = 0; regs && i < count; i++)
		regs[i] = !list[i] || (any && any[i]) ? FT_IR_NONE
						      : lower_before(l, list[i], changes);
	return regs;
}

u32 ft_lower_number(struct ft_lower *l, s64 value)
{
	u32 dst = ft_lower_reg(l, FT_TYPE_LONG);
	struct ft_ir_op *op = ft_lower_op(l, FT_IR_NUMBER, NULL);

	op->dst = dst;
	op->number = value;
	return dst;
}

static u32 text(struct ft_lower *l, const struct ft_expr *e)
{
	return ft_lower_value(l, FT_IR_TEXT, FT_TYPE_STRING, FT_IR_NONE, FT_IR_NONE, e);
}

/* An operation on a variable: of a global, with its key. */
static struct ft_ir_op *var_op(struct ft_lower *l, enum ft_ir_kind kind, const struct ft_expr *e,
			       const u32 *keys)
{
	struct ft_ir_op *op = ft_lower_op(l, kind, e);

	op->var = e->var;
	op->args = (u32 *)(uintptr_t)keys;
	op->arg_count = e->kind == FT_EXPR_NAME ? 0 : e->arg_count;
	return op;
}

/* The key of an element; NULL for a scalar. */
static u32 *keys_of(struct ft_lower *l, const struct ft_expr *e)
{
	return e->kind == FT_EXPR_INDEX || e->kind == FT_EXPR_IN
		       ? ft_lower_list(l, e->args, e->any, e->arg_count)
		       : NULL;
}

static u32 read_keyed(struct ft_lower *l, const struct ft_expr *e, const u32 *keys)
{
	u32 dst;

	if (e->kind == FT_EXPR_NAME && e->var->scope != FT_VAR_GLOBAL)
		return l->frame->regs[e->var->number];
	dst = ft_lower_reg(l, e->var->type);
	var_op(l, FT_IR_GET, e, keys)->dst = dst;
	return dst;
}

void ft_lower_assign(struct ft_lower *l, const struct ft_expr *left, const u32 *keys, u32 value)
{
	if (left->kind != FT_EXPR_NAME && left->kind != FT_EXPR_INDEX) {
		ft_sema_fail(l->compile, left->at, "operator",
			     "this is nothing that a value can be put into");
		return;
	}
	if (left->var->scope != FT_VAR_GLOBAL)
		ft_lower_move(l, l->frame->regs[left->var->number], value);
	else
		var_op(l, FT_IR_SET, left, keys)->a = value;
}

/* ---- operators ---- */

static enum ft_ir_kind kind_of(enum ft_token_kind op)
{
	static const struct {
		enum ft_token_kind op;
		enum ft_ir_kind kind;
	} table[] = {
		{FT_TOKEN_ADD, FT_IR_ADD},
		{FT_TOKEN_SUB, FT_IR_SUB},
		{FT_TOKEN_MUL, FT_IR_MUL},
		{FT_TOKEN_DIV, FT_IR_DIV},
		{FT_TOKEN_MOD, FT_IR_MOD},
		{FT_TOKEN_SHL, FT_IR_SHL},
		{FT_TOKEN_SHR, FT_IR_SHR},
		{FT_TOKEN_SHR_LOGICAL, FT_IR_SHR_LOGICAL},
		{FT_TOKEN_AND, FT_IR_AND},
		{FT_TOKEN_OR, FT_IR_OR},
		{FT_TOKEN_XOR, FT_IR_XOR},
		{FT_TOKEN_DOT, FT_IR_CONCAT},
		{FT_TOKEN_ADD_ASSIGN, FT_IR_ADD},
		{FT_TOKEN_SUB_ASSIGN, FT_IR_SUB},
		{FT_TOKEN_MUL_ASSIGN, FT_IR_MUL},
		{FT_TOKEN_DIV_ASSIGN, FT_IR_DIV},
		{FT_TOKEN_MOD_ASSIGN, FT_IR_MOD},
		{FT_TOKEN_SHL_ASSIGN, FT_IR_SHL},
		{FT_TOKEN_SHR_ASSIGN, FT_IR_SHR},
		{FT_TOKEN_AND_ASSIGN, FT_IR_AND},
		{FT_TOKEN_OR_ASSIGN, FT_IR_OR},
		{FT_TOKEN_XOR_ASSIGN, FT_IR_XOR},
		{FT_TOKEN_CAT_ASSIGN, FT_IR_CONCAT},
		{FT_TOKEN_EQ, FT_IR_EQ},
		{FT_TOKEN_NE, FT_IR_NE},
		{FT_TOKEN_LT, FT_IR_LT},
		{FT_TOKEN_GT, FT_IR_GT},
		{FT_TOKEN_LE, FT_IR_LE},
		{FT_TOKEN_GE, FT_IR_GE},
	};

	for (size_t i = 0; i < FT_ARRAY_LEN(table); i++)
		if (table[i].op == op)
			return table[i].kind;
	return FT_IR_ADD;
}

static u32 lower_binary(struct ft_lower *l, const struct ft_expr *e)
{
	u32 a = lower_before(l, e->left, has_effects(e->right)), b = ft_lower_expr(l, e->right);

	return ft_lower_value(l, kind_of(e->op), e->type, a, b, e);
}

/* The operation of the block at hand that a register has its value from; NULL: another block's. */
static const struct ft_ir_op *op_of(const struct ft_lower *l, u32 reg)
{
	const struct ft_ir_block *b = &l->ir->blocks[l->block];

	for (u32 i = b->count; i-- > 0;)
		if (b->ops[i].dst == reg)
			return &b->ops[i];
	return NULL;
}

/* The text of a register that is known beforehand; NULL: it is not. */
static const char *known_text(const struct ft_lower *l, u32 reg)
{
	const struct ft_ir_op *op = op_of(l, reg);

	return op && op->kind == FT_IR_TEXT && op->expr ? op->expr->text : NULL;
}

static u32 lower_compare(struct ft_lower *l, const struct ft_expr *e)
{
	u32 a = lower_before(l, e->left, has_effects(e->right)), b = ft_lower_expr(l, e->right);
	u32 order;

	if (e->left->type != FT_TYPE_STRING)
		return ft_lower_value(l, kind_of(e->op), FT_TYPE_LONG, a, b, e);
	if (e->op == FT_TOKEN_EQ || e->op == FT_TOKEN_NE) {
		const char *x = known_text(l, a), *y = known_text(l, b);
		u32 same;

		if (x && y)
			return ft_lower_number(l, !strcmp(x, y) == (e->op == FT_TOKEN_EQ));
		same = ft_lower_value(l, FT_IR_SAME, FT_TYPE_LONG, a, b, e);

		return e->op == FT_TOKEN_EQ
			       ? same
			       : ft_lower_value(l, FT_IR_NOT, FT_TYPE_LONG, same, FT_IR_NONE, e);
	}
	order = ft_lower_value(l, FT_IR_ORDER, FT_TYPE_LONG, a, b, e);
	return ft_lower_value(l, kind_of(e->op), FT_TYPE_LONG, order, ft_lower_number(l, 0), e);
}

/* A value that depends on the way there: 1 or 0. */
static u32 lower_truth(struct ft_lower *l, const struct ft_expr *e)
{
	u32 dst = ft_lower_reg(l, FT_TYPE_LONG), yes = ft_lower_block(l), no = ft_lower_block(l),
	    done = ft_lower_block(l);

	ft_lower_condition(l, e, yes, no);
	ft_lower_start(l, yes);
	ft_lower_move(l, dst, ft_lower_number(l, 1));
	ft_lower_jump(l, done);
	ft_lower_start(l, no);
	ft_lower_move(l, dst, ft_lower_number(l, 0));
	ft_lower_jump(l, done);
	ft_lower_start(l, done);
	return dst;
}

void ft_lower_condition(struct ft_lower *l, const struct ft_expr *e, u32 then, u32 other)
{
	u32 middle;

	if (e->kind == FT_EXPR_LOGICAL) {
		middle = ft_lower_block(l);
		if (e->op == FT_TOKEN_LOGICAL_AND)
			ft_lower_condition(l, e->left, middle, other);
		else
			ft_lower_condition(l, e->left, then, middle);
		ft_lower_start(l, middle);
		ft_lower_condition(l, e->right, then, other);
	} else if (e->kind == FT_EXPR_UNARY && e->op == FT_TOKEN_NOT) {
		ft_lower_condition(l, e->left, other, then);
	} else {
		u32 value = ft_lower_expr(l, e);
		const struct ft_ir_op *op = e->kind == FT_EXPR_COMPARE ? op_of(l, value) : NULL;

		/* pp() and its kin are known where they are inlined: no way leads to the rest. */
		if (op && op->kind == FT_IR_NUMBER)
			ft_lower_jump(l, op->number ? then : other);
		else
			ft_lower_branch(l, value, then, other);
	}
}

static u32 lower_ternary(struct ft_lower *l, const struct ft_expr *e)
{
	u32 dst = ft_lower_reg(l, e->type), yes = ft_lower_block(l), no = ft_lower_block(l),
	    done = ft_lower_block(l);

	ft_lower_condition(l, e->left, yes, no);
	ft_lower_start(l, yes);
	ft_lower_move(l, dst, ft_lower_expr(l, e->right));
	ft_lower_jump(l, done);
	ft_lower_start(l, no);
	ft_lower_move(l, dst, ft_lower_expr(l, e->third));
	ft_lower_jump(l, done);
	ft_lower_start(l, done);
	return dst;
}

static u32 lower_unary(struct ft_lower *l, const struct ft_expr *e)
{
	u32 a = ft_lower_expr(l, e->left);

	switch (e->op) {
	case FT_TOKEN_SUB:
		return ft_lower_value(l, FT_IR_NEG, FT_TYPE_LONG, a, FT_IR_NONE, e);
	case FT_TOKEN_NOT:
		return ft_lower_value(l, FT_IR_NOT, FT_TYPE_LONG, a, FT_IR_NONE, e);
	case FT_TOKEN_TILDE:
		return ft_lower_value(l, FT_IR_COMPLEMENT, FT_TYPE_LONG, a, FT_IR_NONE, e);
	default:
		return a;
	}
}

/* ---- assignments ---- */

static bool is_global_number(const struct ft_expr *e)
{
	return (e->kind == FT_EXPR_NAME || e->kind == FT_EXPR_INDEX) &&
	       e->var->scope == FT_VAR_GLOBAL && e->var->type == FT_TYPE_LONG;
}

/* var[keys] += value, as one operation; the value after it. */
static u32 increase(struct ft_lower *l, const struct ft_expr *left, const u32 *keys, u32 value)
{
	u32 dst = ft_lower_reg(l, FT_TYPE_LONG);
	struct ft_ir_op *op = var_op(l, FT_IR_INCREASE, left, keys);

	op->dst = dst;
	op->a = value;
	return dst;
}

static u32 lower_crement(struct ft_lower *l, const struct ft_expr *e)
{
	s64 by = e->op == FT_TOKEN_INC ? 1 : -1;
	u32 *keys, before, after, copy;

	if (e->left->kind == FT_EXPR_TARGET)
		return ft_lower_poke(l, e, by > 0 ? FT_IR_ADD : FT_IR_SUB);
	keys = keys_of(l, e->left);
	if (is_global_number(e->left)) {
		after = increase(l, e->left, keys, ft_lower_number(l, by));
		return e->kind == FT_EXPR_PRE ? after
					      : ft_lower_value(l, FT_IR_SUB, FT_TYPE_LONG, after,
							       ft_lower_number(l, by), e);
	}
	before = read_keyed(l, e->left, keys);
	after = ft_lower_value(l, FT_IR_ADD, FT_TYPE_LONG, before, ft_lower_number(l, by), e);
	copy = e->kind == FT_EXPR_PRE ? after : ft_lower_reg(l, FT_TYPE_LONG);
	if (e->kind != FT_EXPR_PRE)
		ft_lower_move(l, copy, before);
	ft_lower_assign(l, e->left, keys, after);
	return copy;
}

static u32 lower_assignment(struct ft_lower *l, const struct ft_expr *e)
{
	u32 *keys, value, before;

	if (e->left->kind == FT_EXPR_TARGET && e->left->is_text)
		return ft_lower_file(l, e, e->op == FT_TOKEN_ASSIGN ? "__file_set" : "__file_add",
				     ft_lower_expr(l, e->right));
	if (e->left->kind == FT_EXPR_TARGET)
		return ft_lower_poke(l, e, e->op == FT_TOKEN_ASSIGN ? FT_IR_ADD : kind_of(e->op));
	keys = keys_of(l, e->left);
	value = lower_before(l, e->right, false);
	if (e->op == FT_TOKEN_FEED) {
		var_op(l, FT_IR_FEED, e->left, keys)->a = value;
		return value;
	}
	if (e->op == FT_TOKEN_ASSIGN) {
		ft_lower_assign(l, e->left, keys, value);
		return value;
	}
	if (is_global_number(e->left) &&
	    (e->op == FT_TOKEN_ADD_ASSIGN || e->op == FT_TOKEN_SUB_ASSIGN)) {
		if (e->op == FT_TOKEN_SUB_ASSIGN)
			value = ft_lower_value(l, FT_IR_NEG, FT_TYPE_LONG, value, FT_IR_NONE, e);
		return increase(l, e->left, keys, value);
	}
	before = read_keyed(l, e->left, keys);
	value = ft_lower_value(l, kind_of(e->op), e->type, before, value, e);
	ft_lower_assign(l, e->left, keys, value);
	return value;
}

/* ---- arrays and statistics ---- */

static u32 lower_in(struct ft_lower *l, const struct ft_expr *e)
{
	bool slice = e->any && memchr(e->any, true, e->arg_count);
	u32 *keys = keys_of(l, e), dst = ft_lower_reg(l, FT_TYPE_LONG);

	var_op(l, slice ? FT_IR_HAS_SLICE : FT_IR_HAS, e, keys)->dst = dst;
	return dst;
}

static u32 lower_stat(struct ft_lower *l, const struct ft_expr *e)
{
	u32 *keys = keys_of(l, e->left), dst = ft_lower_reg(l, FT_TYPE_LONG);
	struct ft_ir_op *op = var_op(l, FT_IR_STAT, e->left, keys);

	op->dst = dst;
	op->number = e->stat;
	op->expr = e;
	return dst;
}

static u32 lower_bucket(struct ft_lower *l, const struct ft_expr *e)
{
	u32 *keys = keys_of(l, e->left->left), bucket = ft_lower_expr(l, e->args[0]),
	    dst = ft_lower_reg(l, FT_TYPE_LONG);
	struct ft_ir_op *op = var_op(l, FT_IR_BUCKET, e->left->left, keys);

	op->dst = dst;
	op->a = bucket;
	op->expr = e;
	return dst;
}

/* ---- output and calls ---- */

#define PRINT_ARGS_MAX 32 /* SystemTap's */

static u32 lower_print(struct ft_lower *l, const struct ft_expr *e)
{
	const struct ft_expr *hist = e->print->hist;
	bool to_text = e->print->to_string;
	u32 dst = to_text ? ft_lower_reg(l, FT_TYPE_STRING) : FT_IR_NONE, *args, count;
	struct ft_ir_op *op;

	if (hist) {
		args = keys_of(l, hist->left);
		op = var_op(l, to_text ? FT_IR_SPRINT_HIST : FT_IR_PRINT_HIST, hist->left, args);
	} else {
		count = e->arg_count;
		if (count > PRINT_ARGS_MAX)
			ft_sema_fail(l->compile, e->at, "identifier",
				     "too many arguments to print (%u)", count);
		args = ft_lower_list(l, e->args, NULL, count);
		op = ft_lower_op(l, to_text ? FT_IR_SPRINT : FT_IR_PRINT, e);
		op->args = args;
		op->arg_count = count;
	}
	op->expr = e;
	op->dst = dst;
	return to_text ? dst : ft_lower_number(l, 0);
}

/* As SystemTap does with $x$: what cannot be read is no error. */
static u32 lower_pretty(struct ft_lower *l, const struct ft_expr *e)
{
	u32 body = ft_lower_block(l), catch = ft_lower_block(l), done = ft_lower_block(l),
	    outer = l->catch, dst = ft_lower_reg(l, FT_TYPE_STRING), text;
	struct ft_expr *said = FT_ARENA_NEW(l->compile->arena, struct ft_expr);

	ft_lower_jump(l, body);
	l->catch = catch;
	ft_lower_start(l, body);
	text = lower_print(l, e);
	ft_lower_move(l, dst, text);
	l->catch = outer;
	ft_lower_jump(l, done);
	ft_lower_start(l, catch);
	/* User space goes on from here: else all that follows would be done twice in the kernel. */
	ft_lower_op(l, FT_IR_CAUGHT, e)->dst = ft_lower_reg(l, FT_TYPE_STRING);
	if (said) {
		*said = (struct ft_expr){
			.kind = FT_EXPR_STRING, .at = e->at, .text = "ERROR", .len = 5};
		said->type = FT_TYPE_STRING;
		ft_lower_move(l, dst, ft_lower_expr(l, said));
	}
	ft_lower_jump(l, done);
	ft_lower_start(l, done);
	return dst;
}

/* Functions that only output. */
static bool only_outputs(const struct ft_tapset_function *f)
{
	return f->result == FT_TYPE_UNKNOWN && strcmp(f->name, "error") != 0 &&
	       strcmp(f->name, "__raise") != 0 && strcmp(f->name, "exit") != 0 &&
	       strcmp(f->name, "abort") != 0 && strcmp(f->name, "assert") != 0;
}

void ft_lower_bind(struct ft_lower *l, struct ft_tapset_function *f, struct ft_span at)
{
	const struct ft_bpf_builtin *kernel = ft_bpf_builtin_find(f->name, f->arg_count);

	f->run = ft_builtin_find(f->name);
	f->side = f->run ? FT_SIDE_USER : 0;
	if (l->ir->side == FT_SIDE_KERNEL && kernel) {
		f->kernel = kernel;
		f->of_event = kernel->of_event;
		f->bytes = ft_bpf_builtin_bytes(kernel, l->ir->handler);
		f->looks_into = !strcmp(f->name, "strlen") || !strcmp(f->name, "substr") ||
				!strcmp(f->name, "isinstr");
		f->side = kernel->of_event ? FT_SIDE_KERNEL : f->side | FT_SIDE_KERNEL;
	}
	f->posts = f->run && only_outputs(f);
	if (!f->side && kernel)
		ft_sema_fail(l->compile, at, "identifier",
			     "%s() is of probes of the kernel: it looks at the task that an event "
			     "is about",
			     f->name);
	else if (!f->side)
		ft_sema_fail(l->compile, at, "identifier", "this version cannot run %s()", f->name);
}

/* The script's error(), where the lowering needs it. */
static void fail(struct ft_lower *l, const struct ft_expr *at, const char *message)
{
	struct ft_expr *e = FT_ARENA_NEW(l->compile->arena, struct ft_expr);
	struct ft_tapset_function *f = ft_tapset_find(l->compile->arena, "error", 1);
	u32 *args = ft_arena_alloc(l->compile->arena, 1, sizeof(*args));
	struct ft_ir_op *op;

	if (!e || !f || !args)
		return;
	ft_lower_bind(l, f, at->at);
	e->kind = FT_EXPR_STRING;
	e->text = message;
	e->len = (u32)strlen(message);
	args[0] = text(l, e);
	op = ft_lower_op(l, FT_IR_BUILTIN, at);
	op->builtin = f;
	op->args = args;
	op->arg_count = 1;
}

static bool is_being_inlined(const struct ft_lower *l, const struct ft_function *f)
{
	for (const struct ft_lower_frame *frame = l->frame; frame; frame = frame->outer)
		if (frame->function == f)
			return true;
	return false;
}

#define INLINED_OPS_MAX 20000 /* of a handler; beyond, functions are called */

/* The body of a function in place of its call. */
static void inline_one(struct ft_lower *l, const struct ft_function *f, const u32 *args, u32 result,
		       u32 done, u32 next)
{
	struct ft_lower_frame frame = {.function = f,
				       .result = result,
				       .done = done,
				       .next = next,
				       .levels = l->levels,
				       .outer = l->frame};
	u32 outer_break = l->break_to, outer_continue = l->continue_to;

	frame.regs = ft_arena_alloc(l->compile->arena, f->var_count + 1, sizeof(*frame.regs));
	if (!frame.regs)
		return;
	for (u32 i = 0; i < f->var_count; i++) {
		u32 reg = frame.regs[i] = ft_lower_reg(l, f->vars[i]->type), zero;

		if (i < f->param_count)
			zero = args[i];
		else if (f->vars[i]->type == FT_TYPE_STRING)
			zero = ft_lower_value(l, FT_IR_TEXT, FT_TYPE_STRING, FT_IR_NONE, FT_IR_NONE,
					      NULL);
		else
			zero = ft_lower_number(l, 0);
		ft_lower_move(l, reg, zero);
	}
	l->frame = &frame;
	l->break_to = l->continue_to = FT_IR_NONE;
	ft_lower_stmt(l, f->body);
	ft_lower_jump(l, done);
	l->break_to = outer_break;
	l->continue_to = outer_continue;
	l->frame = frame.outer;
}

static u32 inline_call(struct ft_lower *l, const struct ft_expr *e, const u32 *args)
{
	const struct ft_function *f = e->function;
	bool is_text = f->type == FT_TYPE_STRING;
	u32 result = ft_lower_reg(l, f->type), done = ft_lower_block(l);

	/* In a loop it begins anew each time. */
	ft_lower_move(l, result,
		      is_text ? ft_lower_value(l, FT_IR_TEXT, FT_TYPE_STRING, FT_IR_NONE,
					       FT_IR_NONE, NULL)
			      : ft_lower_number(l, 0));
	for (; f; f = f->next_overload) {
		u32 next = ft_lower_block(l);

		if (f->param_count != e->arg_count)
			continue;
		inline_one(l, f, args, result, done, next);
		ft_lower_start(l, next);
	}
	fail(l, e, "all functions exhausted");
	ft_lower_jump(l, done);
	ft_lower_start(l, done);
	return result;
}

/* The function whose stack a function without arguments prints; NULL: it prints none. */
static const char *stack_of(const struct ft_tapset_function *f)
{
	static const char *const table[][2] = {
		{"print_ubacktrace", "ubacktrace"},
		{"print_ubacktrace_brief", "ubacktrace"},
		{"print_ubacktrace_fileline", "ubacktrace"},
		{"sprint_ubacktrace", "ubacktrace"},
		{"print_backtrace", "backtrace"},
		{"sprint_backtrace", "backtrace"},
	};

	for (size_t i = 0; i < FT_ARRAY_LEN(table); i++)
		if (f && !strcmp(table[i][0], f->name))
			return table[i][1];
	return NULL;
}

/* A stack of the event, as the argument of what prints it. */
static u32 *lower_stack(struct ft_lower *l, const struct ft_expr *e, const char *name)
{
	struct ft_tapset_function *f = ft_tapset_find(l->compile->arena, name, 0);
	u32 *args = ft_arena_alloc(l->compile->arena, 1, sizeof(*args));
	struct ft_ir_op *op;

	if (!f || !args)
		return NULL;
	ft_lower_bind(l, f, e->at);
	args[0] = ft_lower_reg(l, FT_TYPE_STRING);
	op = ft_lower_op(l, FT_IR_BUILTIN, e);
	op->builtin = f;
	op->dst = args[0];
	return args;
}

/*
 * pp() and ppfunc() in handlers of the kernel are known beforehand, but where a program has several
 * places: there it looks into a table. NONE: e is another function.
 */
static u32 lower_point_text(struct ft_lower *l, const struct ft_expr *e)
{
	const struct ft_handler *h = l->ir->handler;
	struct ft_expr *literal;
	enum ft_user_text which = FT_USER_TEXTS; /* of pn() */

	if (!e->builtin || !h || l->ir->side != FT_SIDE_KERNEL)
		return FT_IR_NONE;
	if (!strcmp(e->name, "pn")) {
		;
	} else if (!ft_user_text_of(e->name, &which) ||
		   (h->point->user && h->point->user->site_count > 1)) {
		return FT_IR_NONE;
	}
	literal = FT_ARENA_NEW(l->compile->arena, struct ft_expr);
	if (!literal)
		return 0;
	*literal = (struct ft_expr){.kind = FT_EXPR_STRING, .at = e->at, .type = FT_TYPE_STRING};
	if (!strcmp(e->name, "pn"))
		literal->text = ft_point_text(l->compile->arena, h->written);
	else if (which == FT_USER_TEXT_NAME)
		literal->text = ft_point_function(l->compile->arena, h->point);
	else
		literal->text = ft_point_text(l->compile->arena, h->point);
	literal->len = (u32)strlen(literal->text);
	return text(l, literal);
}

/* How long the text of a place may be. */
static void size_point_text(const struct ft_lower *l, const struct ft_expr *e,
			    struct ft_tapset_function *f)
{
	enum ft_user_text which;

	if (ft_user_text_of(e->name, &which) && l->ir->handler && l->ir->handler->point->user)
		f->bytes = (ft_user_text_bytes(l->compile, l->ir->handler->point, which) + 7) & ~7u;
}

/* Arguments that decide about the code are no operands of it. False: they are not known. */
static bool has_literals(struct ft_lower *l, const struct ft_expr *e,
			 const struct ft_tapset_function *f)
{
	if (!f || !f->kernel || !ft_bpf_takes_literals(f->kernel))
		return false;
	for (u32 i = 0; i < e->arg_count; i++)
		if (e->args[i]->kind != FT_EXPR_NUMBER && e->args[i]->kind != FT_EXPR_STRING) {
			ft_sema_fail(l->compile, e->args[i]->at, "operator",
				     "the argument of %s() must be a literal", e->name);
			return false;
		}
	return true;
}

static u32 lower_call(struct ft_lower *l, const struct ft_expr *e)
{
	const char *stack = stack_of(e->builtin);
	u32 *args = stack ? lower_stack(l, e, stack)
			  : ft_lower_list(l, e->args, NULL, e->arg_count),
	    dst;
	struct ft_tapset_function *f;
	struct ft_ir_op *op;

	if (e->function && l->ir->side == FT_SIDE_KERNEL && !is_being_inlined(l, e->function) &&
	    l->op_count < INLINED_OPS_MAX)
		return inline_call(l, e, args);
	if (!e->function && !e->builtin)
		return 0; /* refused before */
	dst = lower_point_text(l, e);
	if (dst != FT_IR_NONE)
		return dst;
	/* A body may become operations several times, on either side. */
	f = e->builtin ? FT_ARENA_NEW(l->compile->arena, struct ft_tapset_function) : NULL;
	if (f) {
		*f = *e->builtin;
		ft_lower_bind(l, f, e->at);
		size_point_text(l, e, f);
	} else if (e->builtin) {
		return 0;
	}
	dst = ft_lower_reg(l, e->function ? e->function->type : e->builtin->result);
	op = ft_lower_op(l, e->function ? FT_IR_CALL : FT_IR_BUILTIN, e);
	op->dst = dst;
	op->args = args;
	op->arg_count = stack && args ? 1 : has_literals(l, e, f) ? 0 : e->arg_count;
	op->function = e->function;
	op->builtin = f;
	if (e->function)
		ft_lower_need(l, e->function);
	return dst;
}

static u32 unsupported(struct ft_lower *l, const struct ft_expr *e, const char *what)
{
	ft_sema_fail(l->compile, e->at, "operator", "this version cannot run %s", what);
	return 0;
}

u32 ft_lower_expr(struct ft_lower *l, const struct ft_expr *e)
{
	switch (e->kind) {
	case FT_EXPR_NUMBER:
		return ft_lower_number(l, e->number);
	case FT_EXPR_STRING:
		return text(l, e);
	case FT_EXPR_NAME:
	case FT_EXPR_INDEX:
		return read_keyed(l, e, keys_of(l, e));
	case FT_EXPR_UNARY:
		return lower_unary(l, e);
	case FT_EXPR_PRE:
	case FT_EXPR_POST:
		return lower_crement(l, e);
	case FT_EXPR_BINARY:
		return lower_binary(l, e);
	case FT_EXPR_COMPARE:
		return lower_compare(l, e);
	case FT_EXPR_MATCH:
		return ft_lower_value(l, FT_IR_MATCH, FT_TYPE_LONG, ft_lower_expr(l, e->left),
				      FT_IR_NONE, e);
	case FT_EXPR_LOGICAL:
		return lower_truth(l, e);
	case FT_EXPR_TERNARY:
		return lower_ternary(l, e);
	case FT_EXPR_ASSIGN:
		return lower_assignment(l, e);
	case FT_EXPR_IN:
		return lower_in(l, e);
	case FT_EXPR_CALL:
		return lower_call(l, e);
	case FT_EXPR_STAT:
		return lower_stat(l, e);
	case FT_EXPR_HIST_AT:
		return lower_bucket(l, e);
	case FT_EXPR_PRINT:
		return e->print->is_pretty ? lower_pretty(l, e) : lower_print(l, e);
	case FT_EXPR_TARGET:
		return ft_lower_target(l, e);
	case FT_EXPR_ENTRY:
		return unsupported(l, e, "@entry");
	case FT_EXPR_DEFINED:
		return unsupported(l, e, "@defined here");
	case FT_EXPR_CHOOSE:
		return unsupported(l, e, "@choose_defined here");
	case FT_EXPR_PERF:
		return unsupported(l, e, "@perf");
	default:
		return unsupported(l, e, "a histogram on its own");
	}
}

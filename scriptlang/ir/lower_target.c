/* lower_target.c - target variables become operations; see lower.h. */
#include "scriptlang/ir/lower.h"
#include "scriptlang/runtime/interp.h"
#include "scriptlang/sema/target.h"

/* An address that follows from another one: nothing is read. NONE: something is. */
static u32 lower_address(struct ft_lower *l, const struct ft_expr *e)
{
	struct ft_target t;
	u32 at;

	if (!e->left || ft_target_resolve(l->compile, NULL, e, &t, NULL) || t.loads)
		return FT_IR_NONE;
	for (u32 i = 0; i < t.step_count; i++)
		if (t.steps[i].kind == FT_STEP_LOAD)
			return FT_IR_NONE;
	at = ft_lower_expr(l, e->left);
	for (u32 i = 0; i < t.step_count; i++) {
		u32 more = ft_lower_number(l, (s32)t.steps[i].bytes);

		if (t.steps[i].kind == FT_STEP_INDEX)
			more = ft_lower_value(
				l, FT_IR_MUL, FT_TYPE_LONG,
				ft_lower_expr(l, e->accesses[t.steps[i].access].index), more, e);
		at = ft_lower_value(l, FT_IR_ADD, FT_TYPE_LONG, at, more, e);
	}
	return at;
}

/* How user space reads what a computed address leads to; NULL: it cannot. */
static const struct ft_target *peek_of(struct ft_lower *l, const struct ft_expr *e)
{
	struct ft_target *t = e->left ? FT_ARENA_NEW(l->compile->arena, struct ft_target) : NULL;
	const struct ft_point *point = l->ir->handler ? l->ir->handler->point : NULL;

	return t && !ft_target_resolve(l->compile, point, e, t, NULL) && ft_interp_can_peek(t)
		       ? t
		       : NULL;
}

/* Whether an index is computed: numbers that are known may be in the place already. */
static bool needs_index(struct ft_lower *l, const struct ft_expr *e, u32 which)
{
	const struct ft_point *point = l->ir->handler ? l->ir->handler->point : NULL;
	struct ft_target t;

	if (!e->accesses[which].index)
		return false;
	if (e->accesses[which].index->kind != FT_EXPR_NUMBER ||
	    ft_target_resolve(l->compile, point, e, &t, NULL))
		return true;
	for (u32 i = 0; i < t.step_count; i++)
		if (t.steps[i].kind == FT_STEP_INDEX && t.steps[i].access == which)
			return true;
	return false;
}

static u32 args_of(const struct ft_expr *e)
{
	return e->access_count + e->arg_count / 2 + (e->left != NULL);
}

/*
 * Indexes, and behind them values at the entry of the function (entries.c), or the value that it
 * follows from. NULL without memory.
 */
static u32 *lower_args(struct ft_lower *l, const struct ft_expr *e)
{
	u32 count = e->access_count,
	    *args = ft_arena_alloc(l->compile->arena, args_of(e) + 1, sizeof(*args));

	for (u32 i = 0; args && i + 1 < e->arg_count; i += 2) {
		u32 known = ft_lower_expr(l, e->args[i + 1]);

		ft_lower_op(l, FT_IR_KNOWN, e)->a = known;
		args[count + i / 2] = ft_lower_expr(l, e->args[i]);
	}
	if (args && e->left)
		args[count] = ft_lower_expr(l, e->left);
	for (u32 i = 0; args && i < count; i++)
		args[i] =
			needs_index(l, e, i) ? ft_lower_expr(l, e->accesses[i].index) : FT_IR_NONE;
	return args;
}

static u32 read_target(struct ft_lower *l, const struct ft_expr *e, u32 *args)
{
	u32 dst = ft_lower_reg(l, e->type);
	struct ft_ir_op *op = ft_lower_op(l, FT_IR_TARGET, e);

	op->dst = dst;
	op->peek = peek_of(l, e);
	op->args = args;
	op->arg_count = args_of(e);
	return dst;
}

u32 ft_lower_target(struct ft_lower *l, const struct ft_expr *e)
{
	u32 *args, dst;

	if (e->is_text)
		return ft_lower_file(l, e, "__file_text", FT_IR_NONE);
	dst = lower_address(l, e);
	if (dst != FT_IR_NONE)
		return dst;
	args = lower_args(l, e);
	return args ? read_target(l, e, args) : 0;
}

/* $x = 1, $x += 1, $x++: indexes are computed once. */
u32 ft_lower_poke(struct ft_lower *l, const struct ft_expr *e, enum ft_ir_kind kind)
{
	bool is_crement = e->kind != FT_EXPR_ASSIGN;
	u32 *args = lower_args(l, e->left), value, before;
	struct ft_ir_op *op;

	if (!args)
		return 0;
	value = is_crement ? ft_lower_number(l, 1) : ft_lower_expr(l, e->right);
	before = value;
	if (is_crement || e->op != FT_TOKEN_ASSIGN) {
		before = read_target(l, e->left, args);
		value = ft_lower_value(l, kind, FT_TYPE_LONG, before, value, e);
	}
	op = ft_lower_op(l, FT_IR_POKE, e->left);
	op->a = value;
	op->args = args;
	op->arg_count = args_of(e->left);
	return e->kind == FT_EXPR_POST ? before : value;
}

u32 ft_lower_file(struct ft_lower *l, const struct ft_expr *e, const char *name, u32 arg)
{
	struct ft_tapset_function *f = ft_tapset_find(l->compile->arena, name, arg != FT_IR_NONE);
	u32 *args = ft_arena_alloc(l->compile->arena, 1, sizeof(*args)), dst;
	struct ft_ir_op *op;

	if (!f || !args)
		return 0;
	ft_lower_bind(l, f, e->at);
	args[0] = arg;
	dst = ft_lower_reg(l, FT_TYPE_STRING);
	op = ft_lower_op(l, FT_IR_BUILTIN, e);
	op->dst = dst;
	op->args = args;
	op->arg_count = arg != FT_IR_NONE;
	op->builtin = f;
	return arg == FT_IR_NONE ? dst : arg;
}

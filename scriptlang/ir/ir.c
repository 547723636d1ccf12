/* ir.c - facts about operations, and their text; see ir.h. */
#include "scriptlang/ir/ir.h"

#define BOTH FT_SIDE_BOTH
#define USER FT_SIDE_USER
#define KERNEL FT_SIDE_KERNEL
#define FAILS 1
#define ENDS 2

static const struct {
	const char *name;
	enum ft_side side;
	u32 flags;
} ops[] = {
#define FT_IR_OP(NAME, TEXT, SIDES, FLAGS) {TEXT, SIDES, FLAGS},
#include "scriptlang/ir/ir_ops.def"
#undef FT_IR_OP
};

const char *ft_ir_name(enum ft_ir_kind kind)
{
	return ops[kind].name;
}

enum ft_side ft_ir_side(const struct ft_ir_op *op)
{
	if (op->kind == FT_IR_BUILTIN)
		return op->builtin->side;
	/* Arrays that drop their oldest element are kept by user space alone. */
	if (op->var && op->var->global && op->var->global->wrap)
		return USER;
	if (op->kind == FT_IR_CLEAR && op->var &&
	    (op->var->key_count > 0 || op->var->type == FT_TYPE_STATS))
		return USER;
	if (op->kind == FT_IR_TARGET && op->peek)
		return FT_SIDE_BOTH;
	return ops[op->kind].side;
}

bool ft_ir_pure(const struct ft_ir_op *op)
{
	return op->dst != FT_IR_NONE &&
	       (op->kind <= FT_IR_SAME || op->kind == FT_IR_GET || op->kind == FT_IR_HAS) &&
	       !ft_ir_fails(op);
}

bool ft_ir_posts(const struct ft_ir_op *op)
{
	return op->kind == FT_IR_PRINT || (op->kind == FT_IR_BUILTIN && op->builtin->posts);
}

bool ft_ir_fails(const struct ft_ir_op *op)
{
	return ops[op->kind].flags & FAILS;
}

bool ft_ir_ends(const struct ft_ir_op *op)
{
	return ops[op->kind].flags & ENDS;
}

/* ---- text ---- */

static void dump_reg(u32 reg, struct ft_out *out)
{
	if (reg == FT_IR_NONE)
		ft_out_char(out, '*');
	else
		ft_out_printf(out, "r%u", reg);
}

static void dump_op(const struct ft_ir_op *op, struct ft_out *out)
{
	ft_out_text(out, "\t");
	if (op->dst != FT_IR_NONE)
		ft_out_printf(out, "r%u = ", op->dst);
	ft_out_text(out, ft_ir_name(op->kind));
	if (op->var)
		ft_out_printf(out, " %s", op->var->name);
	if (op->builtin)
		ft_out_printf(out, " %s", op->builtin->name);
	if (op->function)
		ft_out_printf(out, " %s", op->function->name);
	for (u32 i = 0; op->args && i < op->arg_count; i++) {
		ft_out_text(out, i ? ", " : " [");
		dump_reg(op->args[i], out);
	}
	if (op->args && op->arg_count)
		ft_out_char(out, ']');
	if (op->a != FT_IR_NONE)
		ft_out_printf(out, " r%u", op->a);
	if (op->b != FT_IR_NONE)
		ft_out_printf(out, " r%u", op->b);
	if (op->kind == FT_IR_NUMBER)
		ft_out_printf(out, " %lld", (long long)op->number);
	if ((op->kind == FT_IR_TEXT || op->kind == FT_IR_PRINT || op->kind == FT_IR_SPRINT ||
	     op->kind == FT_IR_TARGET) &&
	    op->expr) {
		ft_out_char(out, ' ');
		ft_expr_dump(op->expr, out);
	}
	if (op->then != FT_IR_NONE)
		ft_out_printf(out, " b%u", op->then);
	if (op->other != FT_IR_NONE)
		ft_out_printf(out, " else b%u", op->other);
	if (op->site)
		ft_out_printf(out, " (record %u)", op->site);
	ft_out_char(out, '\n');
}

static void dump_ir(const struct ft_ir *ir, struct ft_out *out)
{
	ft_out_text(out, ir->side == FT_SIDE_KERNEL ? "kernel " : "user ");
	if (ir->function) {
		ft_out_printf(out, "function %s", ir->function->name);
	} else {
		ft_out_text(out, "probe ");
		ft_point_dump(ir->handler->point, out);
	}
	ft_out_printf(out, " (%u registers)\n", ir->reg_count);
	for (u32 b = 0; b < ir->block_count; b++) {
		if (!ir->blocks[b].count)
			continue;
		ft_out_printf(out, "b%u:", b);
		if (ir->blocks[b].catch != FT_IR_NONE)
			ft_out_printf(out, " catch b%u", ir->blocks[b].catch);
		ft_out_char(out, '\n');
		for (u32 i = 0; i < ir->blocks[b].count; i++)
			dump_op(&ir->blocks[b].ops[i], out);
	}
}

void ft_ir_dump(const struct ft_ir_program *program, struct ft_out *out)
{
	for (u32 i = 0; i < program->program->handler_count; i++)
		dump_ir(program->handlers[i], out);
	for (u32 i = 0; i < program->function_count; i++)
		dump_ir(program->functions[i], out);
}

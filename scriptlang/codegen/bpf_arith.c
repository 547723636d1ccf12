/* bpf_arith.c - arithmetic and shifts in the kernel; see bpf_gen.h. */
#include "scriptlang/codegen/bpf_gen.h"

static u8 alu_of(enum ft_ir_kind kind)
{
	switch (kind) {
	case FT_IR_ADD:
		return BPF_ADD;
	case FT_IR_SUB:
		return BPF_SUB;
	case FT_IR_MUL:
		return BPF_MUL;
	case FT_IR_SHL:
		return BPF_LSH;
	case FT_IR_SHR:
		return BPF_ARSH;
	case FT_IR_SHR_LOGICAL:
		return BPF_RSH;
	case FT_IR_AND:
		return BPF_AND;
	case FT_IR_OR:
		return BPF_OR;
	default:
		return BPF_XOR;
	}
}

static bool is_shift(enum ft_ir_kind kind)
{
	return kind == FT_IR_SHL || kind == FT_IR_SHR || kind == FT_IR_SHR_LOGICAL;
}

void ft_gen_binary(struct ft_gen *g, const struct ft_ir_op *op)
{
	u8 alu = alu_of(op->kind), a = ft_gen_get(g, op->a, BPF_REG_0), b;
	s32 number;

	ft_bpf_mov(&g->code, BPF_REG_0, a);
	if (ft_gen_fixed(g, op->b, &number)) {
		ft_bpf_alu_imm(&g->code, alu, BPF_REG_0, is_shift(op->kind) ? number & 63 : number);
	} else {
		b = ft_gen_get(g, op->b, BPF_REG_1);
		if (is_shift(op->kind)) {
			ft_bpf_mov(&g->code, BPF_REG_1, b);
			ft_bpf_alu_imm(&g->code, BPF_AND, BPF_REG_1, 63);
			b = BPF_REG_1;
		}
		ft_bpf_alu(&g->code, alu, BPF_REG_0, b);
	}
	ft_gen_set(g, op->dst, BPF_REG_0);
}

/*
 * reg = its size, and sign = -1 where it was negative, else 0. No branch: each would be a path more
 * to verify.
 */
static void gen_absolute(struct ft_gen *g, u8 reg, u8 sign)
{
	ft_bpf_mov(&g->code, sign, reg);
	ft_bpf_alu_imm(&g->code, BPF_ARSH, sign, 63);
	ft_bpf_alu(&g->code, BPF_XOR, reg, sign);
	ft_bpf_alu(&g->code, BPF_SUB, reg, sign);
}

/*
 * The machine divides without signs (before Linux 6.6): sizes are divided, and the sign is put
 * back.
 */
void ft_gen_division(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	bool divides = op->kind == FT_IR_DIV;

	ft_bpf_mov(c, BPF_REG_0, ft_gen_get(g, op->a, BPF_REG_0));
	ft_bpf_mov(c, BPF_REG_1, ft_gen_get(g, op->b, BPF_REG_1));
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_1, 0, ft_gen_failure(g, op));
	gen_absolute(g, BPF_REG_0, BPF_REG_2);
	gen_absolute(g, BPF_REG_1, BPF_REG_3);
	if (divides)
		ft_bpf_alu(c, BPF_XOR, BPF_REG_2, BPF_REG_3);
	ft_bpf_alu(c, divides ? BPF_DIV : BPF_MOD, BPF_REG_0, BPF_REG_1);
	ft_bpf_alu(c, BPF_XOR, BPF_REG_0, BPF_REG_2);
	ft_bpf_alu(c, BPF_SUB, BPF_REG_0, BPF_REG_2);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

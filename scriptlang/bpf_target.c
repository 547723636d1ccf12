/* bpf_target.c - target variables are read; see bpf_gen.h and target.h. */
#include "scriptlang/bpf_gen.h"
#include "scriptlang/target.h"

/* r0 = what r3 points to, or the failure. */
static void gen_read(struct ft_gen *g, const struct ft_ir_op *op, u32 size)
{
	struct ft_bpf_code *c = &g->code;
	u32 read = ft_bpf_label(c), done = ft_bpf_label(c);
	struct ft_memory m;

	ft_gen_address(g, BPF_REG_1, ft_gen_temp(g, 0, BPF_REG_1));
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, (s32)size);
	ft_bpf_call(c, BPF_FUNC_probe_read_kernel);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, read);
	if (op->is_quiet) {
		ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_0, 0);
		ft_bpf_jump(c, done);
	} else {
		ft_bpf_jump(c, ft_gen_failure(g, op));
	}
	ft_bpf_bind(c, read);
	m = ft_gen_temp(g, 0, BPF_REG_1);
	ft_bpf_load(c,
		    size == 8	? FT_BPF_8
		    : size == 4 ? FT_BPF_4
		    : size == 2 ? FT_BPF_2
				: FT_BPF_1,
		    BPF_REG_0, m.base, m.off);
	ft_bpf_bind(c, done);
}

/* r0 is of so many bits, from an offset on. */
static void gen_extend(struct ft_gen *g, u32 offset, u32 bits, bool is_signed)
{
	if (bits >= 64 && !offset)
		return;
	ft_bpf_alu_imm(&g->code, BPF_LSH, BPF_REG_0, (s32)(64 - bits - offset));
	ft_bpf_alu_imm(&g->code, is_signed ? BPF_ARSH : BPF_RSH, BPF_REG_0, (s32)(64 - bits));
}

void ft_gen_target(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_handler *h = g->ir->handler;
	struct ft_target t;
	char error[200];

	if (ft_target_resolve(g->compile, h->point, op->expr, &t, error)) {
		ft_sema_fail(g->compile, op->expr->at, "identifier", "%s", error);
		return;
	}
	if (t.word == UINT32_MAX) {
		ft_bpf_mov(c, BPF_REG_3, ft_gen_get(g, op->args[op->arg_count - 1], BPF_REG_3));
	} else {
		ft_gen_context(g, BPF_REG_3);
		ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_3, (s32)t.word * 8);
	}
	for (u32 i = 0; i < t.step_count; i++) {
		const struct ft_target_step *s = &t.steps[i];

		if (s->kind == FT_STEP_ADD) {
			ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_3, (s32)s->bytes);
		} else if (s->kind == FT_STEP_INDEX) {
			ft_bpf_mov(c, BPF_REG_0, ft_gen_get(g, op->args[s->access], BPF_REG_0));
			ft_bpf_alu_imm(c, BPF_MUL, BPF_REG_0, (s32)s->bytes);
			ft_bpf_alu(c, BPF_ADD, BPF_REG_3, BPF_REG_0);
		} else {
			gen_read(g, op, 8);
			ft_bpf_mov(c, BPF_REG_3, BPF_REG_0);
		}
	}
	if (t.loads)
		gen_read(g, op, t.size);
	else
		ft_bpf_mov(c, BPF_REG_0, BPF_REG_3);
	if (t.bit_size)
		gen_extend(g, t.bit_offset, t.bit_size, t.is_signed);
	else
		gen_extend(g, 0, t.size * 8, t.is_signed);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

/* bpf_record.c - records for user space; see bpf_gen.h and abi.h. */
#include <stddef.h>

#include "scriptlang/codegen/bpf_gen.h"

void ft_gen_count(struct ft_gen *g, u32 session_off)
{
	ft_bpf_map_value(&g->code, BPF_REG_1, g->maps->globals, 0);
	ft_bpf_alu_imm(&g->code, BPF_MOV, BPF_REG_2, 1);
	ft_bpf_atomic_add(&g->code, BPF_REG_1, (s32)session_off, BPF_REG_2, false);
}

/* r0 = room in the ring; without any it is counted, and the label is next. */
static void reserve(struct ft_gen *g, u32 bytes, u32 full)
{
	struct ft_bpf_code *c = &g->code;

	ft_bpf_map(c, BPF_REG_1, g->maps->ring);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, (s32)bytes);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_3, 0);
	ft_bpf_call(c, BPF_FUNC_ringbuf_reserve);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, full);
}

static void submit(struct ft_gen *g, bool wakes)
{
	ft_bpf_alu_imm(&g->code, BPF_MOV, BPF_REG_2,
		       wakes ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
	ft_bpf_call(&g->code, BPF_FUNC_ringbuf_submit);
}

static u32 store_value(struct ft_gen *g, u32 reg, u32 at)
{
	struct ft_memory to = {.base = BPF_REG_1, .off = (s32)at};
	u32 bytes = ft_gen_bytes(g, reg);

	if (g->ir->regs[reg].type == FT_TYPE_STRING)
		ft_gen_text_to(g, reg, to, bytes);
	else
		ft_bpf_store(&g->code, FT_BPF_8, to.base, to.off, ft_gen_get(g, reg, BPF_REG_0));
	return at + bytes;
}

static void store_head(struct ft_gen *g, u32 site, bool tells_failed)
{
	struct ft_bpf_code *c = &g->code;

	ft_bpf_store_imm(c, FT_BPF_4, BPF_REG_1, offsetof(struct ft_record_head, site), (s32)site);
	if (!tells_failed) {
		ft_bpf_store_imm(c, FT_BPF_4, BPF_REG_1, offsetof(struct ft_record_head, failed),
				 0);
		return;
	}
	ft_gen_failed(g, BPF_REG_0);
	ft_bpf_store(c, FT_BPF_4, BPF_REG_1, offsetof(struct ft_record_head, failed), BPF_REG_0);
}

void ft_gen_record(struct ft_gen *g, const struct ft_ir_site *site)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_ir_op *op = &site->ir->blocks[site->block].ops[site->at];
	u32 full = ft_bpf_label(c), done = ft_bpf_label(c), at = sizeof(struct ft_record_head);

	reserve(g, site->bytes, full);
	if (site->fences)
		ft_gen_count(g, offsetof(struct ft_session, behind));
	ft_bpf_mov(c, BPF_REG_1, BPF_REG_0);
	store_head(g, op->site, true);
	for (u32 i = 0; i < site->reg_count; i++)
		at = store_value(g, site->regs[i], at);
	for (u32 i = 0; i < site->hoist_count; i++)
		at = store_value(g, site->hoists[i].reg, at);
	submit(g, false);
	ft_bpf_jump(c, done);
	ft_bpf_bind(c, full);
	ft_gen_count(g, offsetof(struct ft_session, lost));
	ft_bpf_bind(c, done);
}

void ft_gen_wake(struct ft_gen *g)
{
	u32 full = ft_bpf_label(&g->code);

	reserve(g, sizeof(struct ft_record_head), full);
	ft_bpf_mov(&g->code, BPF_REG_1, BPF_REG_0);
	store_head(g, 0, false);
	submit(g, true);
	ft_bpf_bind(&g->code, full);
}

void ft_gen_error(struct ft_gen *g)
{
	struct ft_bpf_code *c = &g->code;
	u32 full = ft_bpf_label(c), few = ft_bpf_label(c);

	ft_bpf_map_value(c, BPF_REG_1, g->maps->globals, 0);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, 1);
	ft_bpf_atomic_add(c, BPF_REG_1, offsetof(struct ft_session, errors), BPF_REG_2, true);
	ft_bpf_number(c, BPF_REG_3, g->maps->max_errors);
	ft_bpf_jump_if(c, BPF_JLT, BPF_REG_2, BPF_REG_3, few);
	ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_1, offsetof(struct ft_session, phase),
			 FT_PHASE_FAILED);
	ft_bpf_bind(c, few);
	reserve(g, sizeof(struct ft_record_head), full);
	ft_bpf_mov(c, BPF_REG_1, BPF_REG_0);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_0, BPF_REG_10, g->failed_off);
	ft_bpf_store(c, FT_BPF_8, BPF_REG_1, 0, BPF_REG_0);
	submit(g, true);
	ft_bpf_bind(c, full);
}

/*
 * bpf_frame.c - how a program begins and ends, and what is done where an operation fails; see
 * bpf_gen.h.
 */
#include <stddef.h>

#include "scriptlang/codegen/bpf_gen.h"
#include "scriptlang/kernel/netfilter.h"

/* Locals begin as 0 or "". */
static void gen_locals(struct ft_gen *g)
{
	for (u32 r = 0; r < g->ir->reg_count; r++) {
		const struct ft_home *home = &g->homes[r];

		if (!(g->live.in[0][r / 64] >> r % 64 & 1) || home->kind == FT_HOME_NONE)
			continue;
		if (g->ir->regs[r].type == FT_TYPE_STRING) {
			ft_gen_zero(g, ft_gen_memory(g, home, BPF_REG_2), g->ir->regs[r].bytes);
		} else {
			ft_gen_number(g, r, 0);
		}
	}
}

/* Claims the first slot of this CPU that is free; without one the run is skipped, and counted. */
static void gen_claim(struct ft_gen *g)
{
	struct ft_bpf_code *c = &g->code;
	u32 claimed = ft_bpf_label(c);

	for (s32 i = 0; i < FT_SLOTS; i++) {
		ft_bpf_store_imm(c, FT_BPF_4, BPF_REG_10, g->slot_off, i);
		ft_bpf_map(c, BPF_REG_1, g->maps->slots);
		ft_bpf_mov(c, BPF_REG_2, BPF_REG_10);
		ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_2, g->slot_off);
		ft_bpf_call(c, BPF_FUNC_map_lookup_elem);
		ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, g->out);
		ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_1, 1);
		ft_bpf_exchange(c, BPF_REG_0, offsetof(struct ft_slot_head, busy), BPF_REG_1);
		ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, i);
		ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_1, 0, claimed);
	}
	ft_bpf_jump(c, g->skip);
	g->claims = true;
	ft_bpf_bind(c, claimed);
	ft_bpf_store(c, FT_BPF_8, BPF_REG_0, offsetof(struct ft_slot_head, index), BPF_REG_2);
	ft_bpf_store(c, FT_BPF_8, BPF_REG_10, g->slot_off, BPF_REG_0);
}

void ft_gen_begin(struct ft_gen *g)
{
	struct ft_bpf_code *c = &g->code;

	g->context_stored = c->count;
	ft_bpf_store(c, FT_BPF_8, BPF_REG_10, g->context_off, BPF_REG_1);
	ft_bpf_map_value(c, BPF_REG_0, g->maps->globals, 0);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_0, BPF_REG_0, offsetof(struct ft_session, phase));
	/* What is kept at entries is kept before the script runs, for returns that come then. */
	ft_bpf_jump_imm(c, g->ir->handler->keeps ? BPF_JGT : BPF_JNE, BPF_REG_0, FT_PHASE_RUNNING,
			g->out);
	if (g->ir->handler->point->user && !g->ir->is_fired)
		ft_gen_user_guard(g);
	if (g->ir->handler->point->life)
		ft_gen_life_guard(g);
	ft_gen_call_guard(g);
	if (g->needs_slot)
		gen_claim(g);
	if (g->by_calls) {
		ft_gen_rounds_begin(g, false);
		gen_locals(g);
		return;
	}
	if (g->ir->loops) {
		ft_bpf_number(c, BPF_REG_0, 0);
		ft_gen_forget(g, BPF_REG_0);
		ft_bpf_store(c, FT_BPF_8, BPF_REG_10, g->actions_off, BPF_REG_0);
	}
	g->failed_stored = c->count;
	ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_10, g->failed_off, 0);
	gen_locals(g);
}

/* What the beginning keeps is left out where nobody needed it. */
void ft_gen_trim_begin(struct ft_gen *g)
{
	if (!g->reads_context)
		ft_bpf_leave_out(&g->code, g->context_stored);
	if (!g->reads_failed)
		ft_bpf_leave_out(&g->code, g->failed_stored);
}

/* What operations do that fail. */
void ft_gen_stubs(struct ft_gen *g)
{
	bool any = false;

	for (u32 i = 0; i < g->stub_count; i++) {
		const struct ft_gen_stub *stub = &g->stubs[i];

		ft_bpf_bind(&g->code, stub->label);
		if (stub->catch != FT_IR_NONE && stub->op->kind != FT_IR_ACTION) {
			ft_bpf_store_imm(&g->code, FT_BPF_8, BPF_REG_10, g->failed_off,
					 (s32)stub->op->number_in_code);
			ft_bpf_jump(&g->code, g->labels[stub->catch]);
			continue;
		}
		/* The record's head. */
		ft_bpf_number(&g->code, BPF_REG_0,
			      (s64)((u64)stub->op->number_in_code << 32 | stub->op->site));
		ft_bpf_jump(&g->code, g->fails);
		any = true;
	}
	if (!any)
		return;
	ft_bpf_bind(&g->code, g->fails);
	ft_bpf_store(&g->code, FT_BPF_8, BPF_REG_10, g->failed_off, BPF_REG_0);
	ft_gen_error(g);
	ft_bpf_jump(&g->code, g->end);
}

void ft_gen_end(struct ft_gen *g)
{
	struct ft_bpf_code *c = &g->code;

	if (g->by_calls) {
		ft_gen_rounds_end(g);
		return;
	}
	ft_bpf_bind(c, g->end);
	if (g->needs_slot) {
		ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_10, g->slot_off);
		ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_1, offsetof(struct ft_slot_head, busy), 0);
	}
	ft_bpf_jump(c, g->out);
	ft_bpf_bind(c, g->skip);
	if (g->claims)
		ft_gen_count(g, offsetof(struct ft_session, skipped));
	ft_bpf_bind(c, g->out);
	/* A packet may go on. */
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_0,
		       !g->ir->is_fired && ft_netfilter_is_point(g->ir->handler->point));
	ft_bpf_exit(c);
}

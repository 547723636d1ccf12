/*
 * bpf_stack.c - how a program asks for a stack: it leaves a request, calls the sampler's program by
 * a tail call, and another program of ours goes on with the answer (sampler/bpf/script.bpf.h).
 *
 * What is needed on both sides of that lies in the slot. The next program finds it by the level of
 * the request; whoever interrupts puts that back.
 */
#include <stddef.h>

#include "profile/stack_call.h"
#include "scriptlang/codegen/bpf_gen.h"

#define LEVEL_BYTES ((s32)sizeof(struct ft_stack_call))
#define OWNER_OFF (LEVELS_OFF + (s32)offsetof(struct ft_stack_call, owner))
#define LEVELS_OFF ((s32)offsetof(struct ft_stack_calls, levels))

bool ft_gen_is_split(const struct ft_ir_op *op)
{
	return op->in_kernel && op->kind == FT_IR_BUILTIN && op->builtin->kernel &&
	       op->builtin->kernel->stack;
}

u32 ft_bpf_parts(const struct ft_ir *ir)
{
	u32 parts = 1;

	for (u32 b = 0; b < ir->block_count; b++)
		for (u32 i = 0; i < ir->blocks[b].count; i++)
			parts += ft_gen_is_split(&ir->blocks[b].ops[i]);
	return parts;
}

/* Number of the part that goes on behind op. */
static u32 part_of(const struct ft_ir *ir, const struct ft_ir_op *op)
{
	u32 part = 0;

	for (u32 b = 0; b < ir->block_count; b++)
		for (u32 i = 0; i < ir->blocks[b].count; i++) {
			part += ft_gen_is_split(&ir->blocks[b].ops[i]);
			if (&ir->blocks[b].ops[i] == op)
				return part;
		}
	return part;
}

/* r6 = the requests of this CPU */
static void find_requests(struct ft_gen *g, u32 none)
{
	struct ft_bpf_code *c = &g->code;

	ft_bpf_store_imm(c, FT_BPF_4, BPF_REG_10, g->failed_off, 0);
	ft_bpf_map(c, BPF_REG_1, g->maps->calls.requests);
	ft_bpf_mov(c, BPF_REG_2, BPF_REG_10);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_2, g->failed_off);
	ft_bpf_call(c, BPF_FUNC_map_lookup_elem);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, none);
	ft_bpf_mov(c, BPF_REG_6, BPF_REG_0);
}

/* r2 = the request at the level in r1, which becomes one that exists */
static void find_level(struct ft_gen *g)
{
	ft_bpf_alu_imm(&g->code, BPF_AND, BPF_REG_1, FT_STACK_CALL_LEVELS - 1);
	ft_bpf_mov(&g->code, BPF_REG_2, BPF_REG_1);
	ft_bpf_alu_imm(&g->code, BPF_MUL, BPF_REG_2, LEVEL_BYTES);
	ft_bpf_alu(&g->code, BPF_ADD, BPF_REG_2, BPF_REG_6);
}

/*
 * r1 = the level whose request is this thread's: at places in user space others may run in between
 * that do not put the level at hand back before this one goes on.
 */
static void find_own(struct ft_gen *g)
{
	struct ft_bpf_code *c = &g->code;
	u32 found = ft_bpf_label(c);

	ft_bpf_call(c, BPF_FUNC_get_current_pid_tgid);
	for (s32 i = 0; i < FT_STACK_CALL_LEVELS; i++) {
		ft_bpf_load(c, FT_BPF_8, BPF_REG_2, BPF_REG_6, i * LEVEL_BYTES + OWNER_OFF);
		ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_1, i);
		ft_bpf_jump_if(c, BPF_JEQ, BPF_REG_2, BPF_REG_0, found);
	}
	ft_bpf_jump(c, g->out);
	ft_bpf_bind(c, found);
}

void ft_gen_stack(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	u32 kinds = op->builtin->kernel->stack;
	s32 level = offsetof(struct ft_stack_calls, current),
	    previous = offsetof(struct ft_slot_head, previous);

	if (g->in_body) {
		ft_gen_round_split(g, part_of(g->ir, op));
		return;
	}
	find_requests(g, g->end);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_7, BPF_REG_10, g->slot_off);
	if (g->kind != FT_BPF_UPROBE) {
		ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_6, level);
		ft_bpf_store(c, FT_BPF_8, BPF_REG_7, previous, BPF_REG_1);
	}
	ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_7, offsetof(struct ft_slot_head, index));
	if (g->kind != FT_BPF_UPROBE)
		ft_bpf_store(c, FT_BPF_8, BPF_REG_6, level, BPF_REG_1);
	find_level(g);
	ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_2,
			 LEVELS_OFF + (s32)offsetof(struct ft_stack_call, kinds), (s32)kinds);
	ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_2,
			 LEVELS_OFF + (s32)offsetof(struct ft_stack_call, next),
			 (s32)(g->maps->next_call + part_of(g->ir, op) - 1));
	ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_2,
			 LEVELS_OFF + (s32)offsetof(struct ft_stack_call, number), 0);
	if (g->kind == FT_BPF_UPROBE) {
		ft_bpf_mov(c, BPF_REG_8, BPF_REG_2);
		ft_bpf_call(c, BPF_FUNC_get_current_pid_tgid);
		ft_bpf_store(c, FT_BPF_8, BPF_REG_8, OWNER_OFF, BPF_REG_0);
	}
	if (g->ir->loops && !g->by_calls) {
		ft_bpf_load(c, FT_BPF_8, BPF_REG_0, BPF_REG_10, g->actions_off);
		ft_bpf_store(c, FT_BPF_8, BPF_REG_7, offsetof(struct ft_slot_head, actions),
			     BPF_REG_0);
	}
	ft_gen_context(g, BPF_REG_1);
	ft_bpf_map(c, BPF_REG_2,
		   g->kind == FT_BPF_PERF	  ? g->maps->calls.perf
		   : g->kind == FT_BPF_TRACEPOINT ? g->maps->calls.tracepoint
						  : g->maps->calls.uprobe);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_3,
		       g->kind == FT_BPF_KPROBE ? FT_STACK_CALLS_MAX - 1 : 0);
	ft_bpf_call(c, BPF_FUNC_tail_call);
	/* Only after too many calls in a row: the handler ends here. */
	if (g->kind == FT_BPF_UPROBE)
		ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_8, OWNER_OFF, 0);
	if (g->kind != FT_BPF_UPROBE) {
		ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_7, previous);
		ft_bpf_store(c, FT_BPF_8, BPF_REG_6, level, BPF_REG_1);
	}
	ft_gen_count(g, offsetof(struct ft_session, skipped));
	ft_bpf_jump(c, g->end);
}

void ft_gen_resume(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_home *home = &g->homes[op->dst];
	u32 none = ft_bpf_label(c);
	struct ft_stack_ref ref = {.mark = FT_STACK_REF_MARK,
				   .kinds = (u8)op->builtin->kernel->stack};
	s64 first;
	struct ft_memory m;

	__builtin_memcpy(&first, &ref, sizeof(first));
	find_requests(g, g->out);
	if (g->kind == FT_BPF_UPROBE)
		find_own(g);
	else
		ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_6,
			    offsetof(struct ft_stack_calls, current));
	find_level(g);
	if (g->kind == FT_BPF_UPROBE)
		ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_2, OWNER_OFF, 0);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_7, BPF_REG_2,
		    LEVELS_OFF + (s32)offsetof(struct ft_stack_call, number));
	ft_bpf_store(c, FT_BPF_4, BPF_REG_10, g->slot_off, BPF_REG_1);
	ft_bpf_map(c, BPF_REG_1, g->maps->slots);
	ft_bpf_mov(c, BPF_REG_2, BPF_REG_10);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_2, g->slot_off);
	ft_bpf_call(c, BPF_FUNC_map_lookup_elem);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, g->out);
	ft_bpf_store(c, FT_BPF_8, BPF_REG_10, g->slot_off, BPF_REG_0);
	if (g->kind != FT_BPF_UPROBE) {
		ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_0,
			    offsetof(struct ft_slot_head, previous));
		ft_bpf_store(c, FT_BPF_8, BPF_REG_6, offsetof(struct ft_stack_calls, current),
			     BPF_REG_1);
	}
	if (g->ir->loops) {
		ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_0,
			    offsetof(struct ft_slot_head, actions));
		ft_bpf_store(c, FT_BPF_8, BPF_REG_10, g->actions_off, BPF_REG_1);
	}
	ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_10, g->failed_off, 0);
	if (home->kind != FT_HOME_STACK && home->kind != FT_HOME_SLOT)
		return;
	m = ft_gen_memory(g, home, BPF_REG_2);
	ft_gen_zero(g, m, ft_gen_bytes(g, op->dst));
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_7, 0, none);
	ft_bpf_number(c, BPF_REG_0, first);
	ft_bpf_store(c, FT_BPF_8, m.base, m.off, BPF_REG_0);
	ft_bpf_store(c, FT_BPF_8, m.base, m.off + 8, BPF_REG_7);
	ft_bpf_bind(c, none);
}

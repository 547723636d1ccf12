/*
 * bpf_rounds.c - loops on kernels before 6.9, which have no may_goto; see bpf_gen.h.
 *
 * The verifier of these follows each round of a loop by itself, unless the rounds are calls of a
 * function (bpf_loop, Linux 5.17). So the handler's body becomes such a function: a way back is its
 * return, which notes where to go on, and the next call goes there. What is alive where loops begin
 * lies in the slot (bpf_homes.c), since nothing else outlasts the call. The program itself only
 * finds out whether the event is meant, claims the slot, and lets it run; and where the function
 * comes to a stack, it returns for good, since only a program can go on in another one.
 */
#include <errno.h>
#include <stddef.h>

#include "scriptlang/codegen/bpf_gen.h"

#define CALLS_MAX (1 << 23) /* BPF_MAX_LOOPS */
#define HELPER_LOOP 181	    /* BPF_FUNC_loop */
#define SPLITS (1 << 24)    /* where the program goes on behind a stack, and its number */

#define SLOT(FIELD) ((s32)offsetof(struct ft_slot_head, FIELD))

struct walk {
	struct ft_gen *g;
	u8 *seen;
};

static void note_way(struct walk *w, u32 from, u32 to);

static void walk(struct walk *w, u32 block)
{
	const struct ft_ir_block *b = &w->g->ir->blocks[block];

	w->seen[block] = FT_GEN_OPEN;
	for (u32 i = 0; i < b->count; i++) {
		note_way(w, block, b->ops[i].then);
		note_way(w, block, b->ops[i].other);
	}
	w->seen[block] = FT_GEN_DONE;
}

static void note_way(struct walk *w, u32 from, u32 to)
{
	if (to == FT_IR_NONE)
		return;
	if (to <= from || w->seen[to] == FT_GEN_OPEN)
		w->g->heads[to] = true;
	if (!w->seen[to])
		walk(w, to);
}

int ft_gen_find_heads(struct ft_gen *g)
{
	struct ft_arena *arena = g->compile->arena;
	struct walk w = {.g = g};

	w.seen = ft_arena_alloc(arena, g->ir->block_count, sizeof(*w.seen));
	g->heads = ft_arena_alloc(arena, g->ir->block_count, sizeof(*g->heads));
	if (!w.seen || !g->heads)
		return -ENOMEM;
	/* Operations that fail go on elsewhere: each block may be where one begins. */
	for (u32 b = 0; b < g->ir->block_count; b++)
		if (!w.seen[b])
			walk(&w, b);
	return 0;
}

bool ft_gen_outlasts(const struct ft_gen *g, u32 reg)
{
	for (u32 b = 0; g->by_calls && b < g->ir->block_count; b++)
		if (g->heads[b] && g->live.in[b][reg / 64] >> reg % 64 & 1)
			return true;
	return false;
}

static const struct ft_ir_op *first_action(const struct ft_ir *ir)
{
	for (u32 b = 0; b < ir->block_count; b++)
		for (u32 i = 0; i < ir->blocks[b].count; i++)
			if (ir->blocks[b].ops[i].kind == FT_IR_ACTION)
				return &ir->blocks[b].ops[i];
	return NULL;
}

/* Asks for the stack that the function came to, if any: only the program itself can go on. */
static void gen_splits(struct ft_gen *g)
{
	const struct ft_ir *ir = g->ir;
	struct ft_bpf_code *c = &g->code;
	u32 part = 0;

	for (u32 b = 0; b < ir->block_count; b++)
		for (u32 i = 0; i < ir->blocks[b].count; i++) {
			u32 other;

			if (!ft_gen_is_split(&ir->blocks[b].ops[i]))
				continue;
			other = ft_bpf_label(c);
			ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_10, g->slot_off);
			ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_1, SLOT(next));
			ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_1, (s32)(SPLITS + ++part), other);
			ft_gen_stack(g, &ir->blocks[b].ops[i]);
			ft_bpf_bind(c, other);
		}
}

/* The rest of the program itself. resumes: a part that is not the first. */
static void gen_caller(struct ft_gen *g, u32 body, bool resumes)
{
	struct ft_bpf_code *c = &g->code;

	ft_bpf_load(c, FT_BPF_8, BPF_REG_0, BPF_REG_10, g->slot_off);
	ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_0, SLOT(next), 0);
	if (!resumes)
		ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_0, SLOT(actions), 0);
	ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_0, SLOT(failed), 0);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_1, CALLS_MAX);
	ft_bpf_function(c, BPF_REG_2, body);
	ft_bpf_mov(c, BPF_REG_3, BPF_REG_10);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_3, g->slot_off);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_4, 0);
	ft_bpf_call(c, HELPER_LOOP);
	gen_splits(g);
	ft_bpf_bind(c, g->end);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_10, g->slot_off);
	ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_1, SLOT(busy), 0);
	ft_bpf_jump(c, g->out);
	ft_bpf_bind(c, g->skip);
	ft_gen_count(g, offsetof(struct ft_session, skipped));
	ft_bpf_bind(c, g->out);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_0, 0);
	ft_bpf_exit(c);
}

void ft_gen_rounds_begin(struct ft_gen *g, bool resumes)
{
	const struct ft_ir_op *action = first_action(g->ir);
	struct ft_bpf_code *c = &g->code;
	u32 body = ft_bpf_label(c);

	gen_caller(g, body, resumes);
	g->in_body = true;
	g->end = ft_bpf_label(c);
	g->skip = ft_bpf_label(c);
	g->out = ft_bpf_label(c);
	g->dispatch = ft_bpf_label(c);
	ft_bpf_bind(c, body);
	/* The number of the call, and where the program keeps slot and context. */
	ft_bpf_load(c, FT_BPF_8, BPF_REG_0, BPF_REG_2, g->context_off - g->slot_off);
	ft_bpf_store(c, FT_BPF_8, BPF_REG_10, g->context_off, BPF_REG_0);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_2, 0);
	ft_bpf_store(c, FT_BPF_8, BPF_REG_10, g->slot_off, BPF_REG_3);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_0, BPF_REG_3, SLOT(actions));
	ft_bpf_store(c, FT_BPF_8, BPF_REG_10, g->actions_off, BPF_REG_0);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_0, BPF_REG_3, SLOT(failed));
	ft_bpf_store(c, FT_BPF_8, BPF_REG_10, g->failed_off, BPF_REG_0);
	if (action)
		ft_bpf_jump_imm(c, BPF_JGE, BPF_REG_1, CALLS_MAX - 1, ft_gen_failure(g, action));
	ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_3, SLOT(next));
	ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_3, 0, g->dispatch);
}

/* Ends a call: more: another one goes on. */
static void gen_leave(struct ft_gen *g, u32 next, bool more)
{
	struct ft_bpf_code *c = &g->code;

	ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_10, g->slot_off);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_0, BPF_REG_10, g->actions_off);
	ft_bpf_store(c, FT_BPF_8, BPF_REG_1, SLOT(actions), BPF_REG_0);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_0, BPF_REG_10, g->failed_off);
	ft_bpf_store(c, FT_BPF_8, BPF_REG_1, SLOT(failed), BPF_REG_0);
	ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_1, SLOT(next), (s32)next);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_0, !more);
	ft_bpf_exit(c);
}

void ft_gen_round_split(struct ft_gen *g, u32 part)
{
	gen_leave(g, SPLITS + part, false);
}

void ft_gen_round_back(struct ft_gen *g, u32 block)
{
	u32 *slot;

	for (u32 i = 0; i < g->head_count; i++)
		if (g->head_list[i] == block)
			goto known;
	slot = FT_ARENA_PUSH(g->compile->arena, &g->head_list, &g->head_count);
	if (slot)
		*slot = block;
known:
	gen_leave(g, block + 1, true);
}

void ft_gen_rounds_end(struct ft_gen *g)
{
	struct ft_bpf_code *c = &g->code;

	ft_bpf_bind(c, g->end);
	ft_bpf_bind(c, g->skip);
	ft_bpf_bind(c, g->out);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_0, 1); /* no more calls */
	ft_bpf_exit(c);
	ft_bpf_bind(c, g->dispatch);
	for (u32 i = 0; i < g->head_count; i++)
		ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_3, (s32)g->head_list[i] + 1,
				g->labels[g->head_list[i]]);
	ft_bpf_jump(c, g->out);
}

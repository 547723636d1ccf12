/* liveness.c - which registers are alive where; see ir.h. */
#include <errno.h>
#include <string.h>

#include "scriptlang/ir/ir.h"

static void set(u64 *bits, u32 reg)
{
	if (reg != FT_IR_NONE)
		bits[reg / 64] |= 1ull << reg % 64;
}

static void clear(u64 *bits, u32 reg)
{
	if (reg != FT_IR_NONE)
		bits[reg / 64] &= ~(1ull << reg % 64);
}

void ft_live_step(const struct ft_ir_op *op, u64 *live)
{
	if (ft_ir_pure(op) && !(live[op->dst / 64] >> op->dst % 64 & 1))
		return;
	clear(live, op->dst);
	for (u32 i = 0; op->args && i < op->arg_count; i++) {
		if (op->kind == FT_IR_STEP)
			clear(live, op->args[i]);
		else
			set(live, op->args[i]);
	}
	set(live, op->a);
	set(live, op->b);
}

static bool merge(u64 *into, const u64 *from, u32 words)
{
	bool changed = false;

	for (u32 i = 0; i < words; i++) {
		changed |= (into[i] | from[i]) != into[i];
		into[i] |= from[i];
	}
	return changed;
}

/* One block. True: something changed. */
static bool flow(const struct ft_ir *ir, u32 block, struct ft_liveness *live, u64 *bits)
{
	const struct ft_ir_block *b = &ir->blocks[block];
	const struct ft_ir_op *last = b->count ? &b->ops[b->count - 1] : NULL;

	if (last && last->then != FT_IR_NONE)
		merge(live->out[block], live->in[last->then], live->words);
	if (last && last->other != FT_IR_NONE)
		merge(live->out[block], live->in[last->other], live->words);
	/* Any operation may go on at the catch. */
	if (b->catch != FT_IR_NONE)
		merge(live->out[block], live->in[b->catch], live->words);
	memcpy(bits, live->out[block], live->words * sizeof(*bits));
	for (u32 i = b->ops ? b->count : 0; i-- > 0;) {
		ft_live_step(&b->ops[i], bits);
		if (b->catch != FT_IR_NONE)
			merge(bits, live->in[b->catch], live->words);
	}
	return merge(live->in[block], bits, live->words);
}

int ft_liveness(struct ft_arena *arena, const struct ft_ir *ir, struct ft_liveness *live)
{
	u64 *bits;
	bool changed = true;

	live->words = ir->reg_count / 64 + 1;
	live->in = ft_arena_alloc(arena, ir->block_count, sizeof(*live->in));
	live->out = ft_arena_alloc(arena, ir->block_count, sizeof(*live->out));
	bits = ft_arena_alloc(arena, live->words, sizeof(*bits));
	if (!live->in || !live->out || !bits)
		return -ENOMEM;
	for (u32 i = 0; i < ir->block_count; i++) {
		live->in[i] = ft_arena_alloc(arena, live->words, sizeof(*bits));
		live->out[i] = ft_arena_alloc(arena, live->words, sizeof(*bits));
		if (!live->in[i] || !live->out[i])
			return -ENOMEM;
	}
	while (changed) {
		changed = false;
		for (u32 i = ir->block_count; i-- > 0;)
			changed |= flow(ir, i, live, bits);
	}
	return 0;
}

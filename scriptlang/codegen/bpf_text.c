/*
 * bpf_text.c - strings in the kernel: copied and compared a word at a time; see bpf_gen.h.
 *
 * A string is padded with zeros to its size, so that equal strings are equal memory.
 */
#include <string.h>

#include "scriptlang/codegen/bpf_gen.h"

u32 ft_gen_bytes(const struct ft_gen *g, u32 reg)
{
	return g->ir->regs[reg].type == FT_TYPE_STRING ? g->ir->regs[reg].bytes : 8;
}

void ft_gen_zero(struct ft_gen *g, struct ft_memory m, u32 bytes)
{
	for (u32 i = 0; i < bytes; i += 8)
		ft_bpf_store_imm(&g->code, FT_BPF_8, m.base, m.off + (s32)i, 0);
}

u64 ft_gen_word(const struct ft_ir_op *op, u32 off)
{
	u32 len = op->expr ? (u32)strnlen(op->expr->text, op->expr->len) : 0;
	u64 word = 0;

	if (off < len)
		memcpy(&word, op->expr->text + off, len - off < 8 ? len - off : 8);
	return word;
}

void ft_gen_text(struct ft_gen *g, const struct ft_ir_op *op, struct ft_memory to, u32 bytes)
{
	for (u32 i = 0; i < bytes; i += 8) {
		u64 word = ft_gen_word(op, i);

		if (i + 8 == bytes)
			word &= ~(0xffull << 56); /* the end of what was cut */
		if ((s64)word == (s32)word) {
			ft_bpf_store_imm(&g->code, FT_BPF_8, to.base, to.off + (s32)i, (s32)word);
			continue;
		}
		ft_bpf_number(&g->code, BPF_REG_0, (s64)word);
		ft_bpf_store(&g->code, FT_BPF_8, to.base, to.off + (s32)i, BPF_REG_0);
	}
}

static void copy(struct ft_gen *g, struct ft_memory to, struct ft_memory from, u32 bytes)
{
	for (u32 i = 0; i < bytes; i += 8) {
		ft_bpf_load(&g->code, FT_BPF_8, BPF_REG_0, from.base, from.off + (s32)i);
		ft_bpf_store(&g->code, FT_BPF_8, to.base, to.off + (s32)i, BPF_REG_0);
	}
}

/* Copies what there is, and pads or cuts it. */
static void fit(struct ft_gen *g, struct ft_memory to, u32 to_bytes, struct ft_memory from,
		u32 from_bytes)
{
	u32 both = from_bytes < to_bytes ? from_bytes : to_bytes;

	copy(g, to, from, both);
	if (from_bytes > to_bytes)
		ft_bpf_store_imm(&g->code, FT_BPF_1, to.base, to.off + (s32)to_bytes - 1, 0);
	to.off += (s32)both;
	ft_gen_zero(g, to, to_bytes - both);
}

static u8 other_base(u8 base)
{
	return base == BPF_REG_3 ? BPF_REG_4 : BPF_REG_3;
}

void ft_gen_text_to(struct ft_gen *g, u32 reg, struct ft_memory to, u32 bytes)
{
	const struct ft_home *home = &g->homes[reg];

	if (home->kind == FT_HOME_FIXED)
		ft_gen_text(g, home->op, to, bytes);
	else if (home->kind == FT_HOME_NONE)
		ft_gen_zero(g, to, bytes);
	else
		fit(g, to, bytes, ft_gen_memory(g, home, other_base(to.base)),
		    ft_gen_bytes(g, reg));
}

void ft_gen_text_from(struct ft_gen *g, u32 reg, struct ft_memory from, u32 bytes)
{
	const struct ft_home *home = &g->homes[reg];

	if (home->kind == FT_HOME_STACK || home->kind == FT_HOME_SLOT)
		fit(g, ft_gen_memory(g, home, other_base(from.base)), ft_gen_bytes(g, reg), from,
		    bytes);
}

void ft_gen_longer(struct ft_gen *g, u32 reg, u32 bytes, u32 label)
{
	const struct ft_home *home = &g->homes[reg];
	struct ft_memory m;

	if (home->kind == FT_HOME_FIXED) {
		if (home->op->expr && strnlen(home->op->expr->text, home->op->expr->len) >= bytes)
			ft_bpf_jump(&g->code, label);
		return;
	}
	if (home->kind == FT_HOME_NONE)
		return;
	m = ft_gen_memory(g, home, BPF_REG_3);
	/* Its last byte must be 0, and with it all behind. */
	ft_bpf_load(&g->code, FT_BPF_1, BPF_REG_0, m.base, m.off + (s32)bytes - 1);
	ft_bpf_jump_imm(&g->code, BPF_JNE, BPF_REG_0, 0, label);
}

/* Compares two strings, one of which may be fixed. */
void ft_gen_same(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_home *a = &g->homes[op->a], *b = &g->homes[op->b];
	u32 no = ft_bpf_label(c), done = ft_bpf_label(c), a_bytes, b_bytes;
	u32 a_reg = op->a, b_reg = op->b;
	struct ft_memory am, bm = {0};

	if (a->kind == FT_HOME_FIXED || a->kind == FT_HOME_NONE) {
		const struct ft_home *swap = a;

		a = b;
		b = swap;
		a_reg = op->b;
		b_reg = op->a;
	}
	a_bytes = ft_gen_bytes(g, a_reg);
	b_bytes = ft_gen_bytes(g, b_reg);
	if (a->kind == FT_HOME_FIXED || a->kind == FT_HOME_NONE) {
		/* Both are known. */
		bool same = true;

		for (u32 i = 0; i < a_bytes || i < b_bytes; i += 8)
			same &= (a->kind == FT_HOME_FIXED ? ft_gen_word(a->op, i) : 0) ==
				(b->kind == FT_HOME_FIXED ? ft_gen_word(b->op, i) : 0);
		ft_bpf_number(c, BPF_REG_0, same);
		ft_gen_set(g, op->dst, BPF_REG_0);
		return;
	}
	am = ft_gen_memory(g, a, BPF_REG_3);
	if (b->kind == FT_HOME_STACK || b->kind == FT_HOME_SLOT)
		bm = ft_gen_memory(g, b, BPF_REG_4);
	for (u32 i = 0; i < a_bytes || i < b_bytes; i += 8) {
		if (i < a_bytes)
			ft_bpf_load(c, FT_BPF_8, BPF_REG_0, am.base, am.off + (s32)i);
		else
			ft_bpf_number(c, BPF_REG_0, 0);
		if (bm.base && i < b_bytes)
			ft_bpf_load(c, FT_BPF_8, BPF_REG_1, bm.base, bm.off + (s32)i);
		else
			ft_bpf_number(c, BPF_REG_1,
				      b->kind == FT_HOME_FIXED ? (s64)ft_gen_word(b->op, i) : 0);
		ft_bpf_jump_if(c, BPF_JNE, BPF_REG_0, BPF_REG_1, no);
	}
	ft_bpf_number(c, BPF_REG_0, 1);
	ft_bpf_jump(c, done);
	ft_bpf_bind(c, no);
	ft_bpf_number(c, BPF_REG_0, 0);
	ft_bpf_bind(c, done);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

/*
 * bpf_strings.c - strings in the kernel that are made of others, and looked into; see bpf_gen.h.
 *
 * Words of a string end with zeros, so what is before its end can be told from a word alone.
 */
#include <string.h>

#include "scriptlang/codegen/bpf_gen.h"

static bool in_memory(const struct ft_home *home)
{
	return home->kind == FT_HOME_STACK || home->kind == FT_HOME_SLOT;
}

static u32 fixed_len(const struct ft_home *home)
{
	return home->op->expr ? (u32)strnlen(home->op->expr->text, home->op->expr->len) : 0;
}

void ft_gen_len(struct ft_bpf_code *c)
{
	u32 positive = ft_bpf_label(c);

	ft_bpf_jump_imm(c, BPF_JSGE, BPF_REG_0, 1, positive);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_0, 1);
	ft_bpf_bind(c, positive);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_0, -1);
}

void ft_gen_cut(struct ft_gen *g, u32 reg)
{
	u32 bytes = ft_gen_bytes(g, reg);
	struct ft_memory m;

	if (g->ir->regs[reg].room <= bytes)
		return;
	m = ft_gen_memory(g, &g->homes[reg], BPF_REG_1);
	ft_bpf_store_imm(&g->code, FT_BPF_1, m.base, m.off + (s32)bytes - 1, 0);
}

void ft_gen_copy(struct ft_gen *g, u32 reg)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_home *home = &g->homes[reg];

	if (home->kind == FT_HOME_FIXED) {
		ft_gen_text(g, home->op, (struct ft_memory){.base = BPF_REG_1},
			    ft_gen_bytes(g, reg));
		ft_bpf_number(c, BPF_REG_0, fixed_len(home));
		return;
	}
	if (!in_memory(home)) {
		ft_bpf_number(c, BPF_REG_0, 0);
		return;
	}
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, (s32)ft_gen_bytes(g, reg));
	ft_gen_address(g, BPF_REG_3, ft_gen_memory(g, home, BPF_REG_3));
	ft_bpf_call(c, BPF_FUNC_probe_read_kernel_str);
	ft_gen_len(c);
}

/* dst = a . b: its home has room for both, and is cut to its size. */
void ft_gen_concat(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_home *home = &g->homes[op->dst];
	u32 room = g->ir->regs[op->dst].room;

	if (!in_memory(home))
		return;
	ft_gen_zero(g, ft_gen_memory(g, home, BPF_REG_1), room);
	ft_gen_address(g, BPF_REG_1, ft_gen_memory(g, home, BPF_REG_1));
	ft_gen_copy(g, op->a);
	ft_gen_address(g, BPF_REG_1, ft_gen_memory(g, home, BPF_REG_1));
	ft_bpf_alu(c, BPF_ADD, BPF_REG_1, BPF_REG_0);
	ft_gen_copy(g, op->b);
	ft_gen_cut(g, op->dst);
}

/* reg = a word of a string. */
static void gen_word(struct ft_gen *g, u32 text, u32 off, u8 reg)
{
	const struct ft_home *home = &g->homes[text];
	struct ft_memory m;

	if (home->kind == FT_HOME_FIXED) {
		ft_bpf_number(&g->code, reg, (s64)ft_gen_word(home->op, off));
	} else if (in_memory(home) && off < ft_gen_bytes(g, text)) {
		m = ft_gen_memory(g, home, reg);
		ft_bpf_load(&g->code, FT_BPF_8, reg, m.base, m.off + (s32)off);
	} else {
		ft_bpf_number(&g->code, reg, 0);
	}
}

/* dst = -1, 0 or 1: the first word that differs decides, its first byte being the highest. */
void ft_gen_order(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	u32 differ = ft_bpf_label(c), less = ft_bpf_label(c), done = ft_bpf_label(c),
	    a_bytes = ft_gen_bytes(g, op->a), b_bytes = ft_gen_bytes(g, op->b);

	for (u32 off = 0; off < a_bytes || off < b_bytes; off += 8) {
		gen_word(g, op->a, off, BPF_REG_0);
		gen_word(g, op->b, off, BPF_REG_1);
		ft_bpf_jump_if(c, BPF_JNE, BPF_REG_0, BPF_REG_1, differ);
	}
	ft_bpf_number(c, BPF_REG_0, 0);
	ft_bpf_jump(c, done);
	ft_bpf_bind(c, differ);
	ft_bpf_emit(c, BPF_ALU | BPF_END | BPF_TO_BE, BPF_REG_0, 0, 0, 64);
	ft_bpf_emit(c, BPF_ALU | BPF_END | BPF_TO_BE, BPF_REG_1, 0, 0, 64);
	ft_bpf_jump_if(c, BPF_JLT, BPF_REG_0, BPF_REG_1, less);
	ft_bpf_number(c, BPF_REG_0, 1);
	ft_bpf_jump(c, done);
	ft_bpf_bind(c, less);
	ft_bpf_number(c, BPF_REG_0, -1);
	ft_bpf_bind(c, done);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

/* strlen(): the first word whose last byte is 0 has the end. */
void ft_gen_strlen(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	u32 text = op->args[0], bytes = ft_gen_bytes(g, text), tail = ft_bpf_label(c),
	    done = ft_bpf_label(c);

	for (u32 off = 0; off < bytes; off += 8) {
		gen_word(g, text, off, BPF_REG_0);
		ft_bpf_number(c, BPF_REG_1, off);
		ft_bpf_mov(c, BPF_REG_2, BPF_REG_0);
		ft_bpf_alu_imm(c, BPF_RSH, BPF_REG_2, 56);
		ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_2, 0, tail);
	}
	ft_bpf_number(c, BPF_REG_1, bytes - 1);
	ft_bpf_jump(c, done);
	ft_bpf_bind(c, tail);
	for (u32 i = 0; i < 7; i++) {
		ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, done);
		ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_1, 1);
		ft_bpf_alu_imm(c, BPF_RSH, BPF_REG_0, 8);
	}
	ft_bpf_bind(c, done);
	ft_gen_set(g, op->dst, BPF_REG_1);
}

void ft_gen_limit(struct ft_gen *g, u32 reg, u32 room, u32 nothing)
{
	struct ft_bpf_code *c = &g->code;
	u32 fits = ft_bpf_label(c);

	ft_bpf_mov(c, BPF_REG_2, ft_gen_get(g, reg, BPF_REG_2));
	ft_bpf_jump_imm(c, BPF_JSLE, BPF_REG_2, 0, nothing);
	ft_bpf_jump_imm(c, BPF_JLT, BPF_REG_2, (s32)room, fits);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, (s32)room - 1);
	ft_bpf_bind(c, fits);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_2, 1);
}

/* substr(): a start or a length beyond the text makes it "". */
void ft_gen_substr(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_home *home = &g->homes[op->dst], *from = &g->homes[op->args[0]];
	u32 bytes = ft_gen_bytes(g, op->args[0]), room = ft_gen_bytes(g, op->dst),
	    nothing = ft_bpf_label(c);

	if (!in_memory(home))
		return;
	ft_gen_zero(g, ft_gen_memory(g, home, BPF_REG_1), room);
	if (!in_memory(from))
		return;
	ft_bpf_mov(c, BPF_REG_4, ft_gen_get(g, op->args[1], BPF_REG_4));
	ft_bpf_jump_imm(c, BPF_JGE, BPF_REG_4, (s32)bytes, nothing);
	ft_gen_limit(g, op->args[2], room, nothing);
	ft_gen_address(g, BPF_REG_1, ft_gen_memory(g, home, BPF_REG_1));
	ft_gen_address(g, BPF_REG_3, ft_gen_memory(g, from, BPF_REG_3));
	ft_bpf_alu(c, BPF_ADD, BPF_REG_3, BPF_REG_4);
	ft_bpf_call(c, BPF_FUNC_probe_read_kernel_str);
	ft_bpf_bind(c, nothing);
}

/* isinstr() of a literal of up to 8 bytes: each place is a word that the mask cuts. */
void ft_gen_isinstr(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_expr *sought = op->expr->args[1];
	u32 text = op->args[0], yes = ft_bpf_label(c), no = ft_bpf_label(c), done = ft_bpf_label(c),
	    bytes = ft_gen_bytes(g, text);
	u64 word = 0;

	memcpy(&word, sought->text, sought->len);
	ft_bpf_number(c, BPF_REG_3, (s64)word);
	ft_bpf_number(c, BPF_REG_4, (s64)(UINT64_MAX >> (64 - 8 * sought->len)));
	for (u32 off = 0; off < bytes; off += 8) {
		gen_word(g, text, off, BPF_REG_0);
		gen_word(g, text, off + 8, BPF_REG_5);
		ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, no);
		for (s32 shift = 0; shift < 64; shift += 8) {
			ft_bpf_mov(c, BPF_REG_1, BPF_REG_0);
			if (shift) {
				ft_bpf_alu_imm(c, BPF_RSH, BPF_REG_1, shift);
				ft_bpf_mov(c, BPF_REG_2, BPF_REG_5);
				ft_bpf_alu_imm(c, BPF_LSH, BPF_REG_2, 64 - shift);
				ft_bpf_alu(c, BPF_OR, BPF_REG_1, BPF_REG_2);
			}
			ft_bpf_alu(c, BPF_AND, BPF_REG_1, BPF_REG_4);
			ft_bpf_jump_if(c, BPF_JEQ, BPF_REG_1, BPF_REG_3, yes);
		}
	}
	ft_bpf_bind(c, no);
	ft_bpf_number(c, BPF_REG_0, 0);
	ft_bpf_jump(c, done);
	ft_bpf_bind(c, yes);
	ft_bpf_number(c, BPF_REG_0, 1);
	ft_bpf_bind(c, done);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

/*
 * bpf_shared.c - what a handler does to an array at many places, as subprograms; see bpf_gen.h.
 *
 * An operation on an array has several ways through it. For each, the kernel's verifier goes over
 * all of the program again (since Linux 6.18, bpf_update_live_stack()), and for each look-up that
 * it puts in line it moves all that comes behind: what 20,000 instructions cost grows with their
 * square. In a subprogram both happen once, and a call is a single way. It takes some nanoseconds,
 * so what is done at few places stays in line.
 *
 * A subprogram gets the key, then a number, then where its result goes, from r1 on. The key is an
 * address, or up to three numbers: then the program writes no memory, which verifies faster still.
 */
#include <errno.h>

#include "scriptlang/codegen/bpf_gen.h"

#define USES_MIN 16
#define NUMBERS_MAX 3 /* parts of a key in registers */

struct ft_gen_shared {
	const struct ft_var *var;
	enum ft_ir_kind kind;
	bool fetch; /* INCREASE: the result is wanted */
	u32 uses;
	bool is_called;
	u32 label;
};

static bool fetches(const struct ft_gen *g, const struct ft_ir_op *op)
{
	return op->kind == FT_IR_INCREASE && op->dst != FT_IR_NONE &&
	       g->homes[op->dst].kind != FT_HOME_NONE;
}

static bool can_share(const struct ft_ir_op *op)
{
	const struct ft_var *v = op->var;

	if (!op->in_kernel || !v || v->key_count <= 0)
		return false;
	switch (op->kind) {
	case FT_IR_HAS:
		return v->type != FT_TYPE_STATS;
	case FT_IR_GET:
	case FT_IR_SET:
	case FT_IR_INCREASE:
		return v->type == FT_TYPE_LONG;
	default:
		return op->kind == FT_IR_FEED;
	}
}

/* Registers that a key takes: its parts, or its address. */
static u8 key_regs(const struct ft_var *v)
{
	for (int i = 0; i < v->key_count; i++)
		if (v->keys[i] == FT_TYPE_STRING || i == NUMBERS_MAX)
			return 0;
	return (u8)v->key_count;
}

static struct ft_gen_shared *find_shared(const struct ft_gen *g, const struct ft_ir_op *op)
{
	bool fetch = fetches(g, op);

	for (u32 i = 0; i < g->shared_count; i++) {
		struct ft_gen_shared *s = &g->shared[i];

		if (s->var == op->var && s->kind == op->kind && (s->fetch || !fetch))
			return s;
	}
	return NULL;
}

static void count_use(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_gen_shared *s = find_shared(g, op);

	if (!s) {
		s = FT_ARENA_PUSH(g->compile->arena, &g->shared, &g->shared_count);
		if (!s)
			return;
		*s = (struct ft_gen_shared){.var = op->var,
					    .kind = op->kind,
					    .fetch = fetches(g, op),
					    .label = ft_bpf_label(&g->code)};
	}
	s->uses++;
}

void ft_gen_choose_shared(struct ft_gen *g)
{
	for (u32 b = 0; b < g->ir->block_count; b++)
		for (u32 i = 0; i < g->ir->blocks[b].count; i++)
			if (can_share(&g->ir->blocks[b].ops[i]))
				count_use(g, &g->ir->blocks[b].ops[i]);
}

/* The key into registers from r1 on; the register behind it. */
static u8 pass_key(struct ft_gen *g, const struct ft_ir_op *op, u32 absent)
{
	u8 regs = key_regs(op->var);

	for (u8 i = 0; i < regs; i++)
		ft_bpf_mov(&g->code, BPF_REG_1 + i, ft_gen_get(g, op->args[i], BPF_REG_1 + i));
	if (regs)
		return BPF_REG_1 + regs;
	ft_gen_key(g, op, absent);
	ft_gen_address(g, BPF_REG_1, ft_gen_key_memory(g, op, BPF_REG_1));
	return BPF_REG_2;
}

bool ft_gen_call_shared(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_gen_shared *s = can_share(op) ? find_shared(g, op) : NULL;
	struct ft_bpf_code *c = &g->code;
	u8 next;

	if (!s || s->uses < USES_MIN)
		return false;
	s->is_called = true;
	if (op->kind == FT_IR_GET || op->kind == FT_IR_HAS) {
		u32 absent = ft_bpf_label(c), done = ft_bpf_label(c);

		pass_key(g, op, absent);
		ft_bpf_call_label(c, s->label);
		/* The kernel refuses instructions that nothing leads to. */
		if (ft_bpf_is_target(c, absent)) {
			ft_bpf_jump(c, done);
			ft_bpf_bind(c, absent);
			ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_0, 0);
			ft_bpf_bind(c, done);
		}
		ft_gen_set(g, op->dst, BPF_REG_0);
		return true;
	}
	next = pass_key(g, op, UINT32_MAX);
	ft_bpf_mov(c, next, ft_gen_get(g, op->a, next));
	if (s->fetch) {
		next++;
		ft_gen_address(g, next, ft_gen_temp(g, ft_gen_key_bytes(op->var), next));
	}
	ft_bpf_call_label(c, s->label);
	ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_0, 0, ft_gen_failure(g, op));
	if (fetches(g, op)) {
		struct ft_memory result = ft_gen_temp(g, ft_gen_key_bytes(op->var), BPF_REG_1);

		ft_bpf_load(c, FT_BPF_8, BPF_REG_0, result.base, result.off);
		ft_gen_set(g, op->dst, BPF_REG_0);
	}
	return true;
}

/* ---- subprograms ---- */

/* Of the stack. */
#define VALUE_OFF (-16)
#define KEY_OFF (VALUE_OFF - 8 * NUMBERS_MAX)

static void leave(struct ft_bpf_code *c, s32 result)
{
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_0, result);
	ft_bpf_exit(c);
}

/* r6 = the key's address, r7 = the number, r8 = where the result goes */
static void take(struct ft_bpf_code *c, const struct ft_gen_shared *s)
{
	u8 regs = key_regs(s->var), next = regs ? BPF_REG_1 + regs : BPF_REG_2;

	for (u8 i = 0; i < regs; i++)
		ft_bpf_store(c, FT_BPF_8, BPF_REG_10, KEY_OFF + 8 * i, BPF_REG_1 + i);
	ft_bpf_mov(c, BPF_REG_6, regs ? BPF_REG_10 : BPF_REG_1);
	if (regs)
		ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_6, KEY_OFF);
	if (s->kind == FT_IR_GET || s->kind == FT_IR_HAS)
		return;
	ft_bpf_mov(c, BPF_REG_7, next);
	if (s->fetch)
		ft_bpf_mov(c, BPF_REG_8, next + 1);
}

/* r0 = the element whose key r6 points to, or 0 */
static void find(struct ft_bpf_code *c, const struct ft_var *v)
{
	ft_bpf_mov(c, BPF_REG_2, BPF_REG_6);
	ft_bpf_map(c, BPF_REG_1, v->map_fd);
	ft_bpf_call(c, BPF_FUNC_map_lookup_elem);
}

/* r0 = what the kernel says to a new element; r3 points to its value */
static void insert(struct ft_bpf_code *c, const struct ft_var *v)
{
	ft_bpf_mov(c, BPF_REG_2, BPF_REG_6);
	ft_bpf_map(c, BPF_REG_1, v->map_fd);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_4, BPF_NOEXIST);
	ft_bpf_call(c, BPF_FUNC_map_update_elem);
}

/* r0 = its value, or 1 for HAS; 0 without one */
static void make_read(struct ft_bpf_code *c, const struct ft_gen_shared *s)
{
	u32 absent = ft_bpf_label(c);

	take(c, s);
	find(c, s->var);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, absent);
	if (s->kind == FT_IR_HAS) {
		leave(c, 1);
	} else {
		ft_bpf_load(c, FT_BPF_8, BPF_REG_0, BPF_REG_0, FT_GEN_VALUE_OFF);
		ft_bpf_exit(c);
	}
	ft_bpf_bind(c, absent);
	leave(c, 0);
}

/* The element at r0 takes the number in r7. */
static void change(struct ft_bpf_code *c, const struct ft_gen_shared *s)
{
	if (s->kind == FT_IR_SET) {
		ft_bpf_store(c, FT_BPF_8, BPF_REG_0, FT_GEN_VALUE_OFF, BPF_REG_7);
		return;
	}
	ft_bpf_mov(c, BPF_REG_1, BPF_REG_7);
	ft_bpf_atomic_add(c, BPF_REG_0, FT_GEN_VALUE_OFF, BPF_REG_1, s->fetch);
	if (s->fetch) {
		ft_bpf_alu(c, BPF_ADD, BPF_REG_1, BPF_REG_7);
		ft_bpf_store(c, FT_BPF_8, BPF_REG_8, 0, BPF_REG_1);
	}
}

/* SET, INCREASE: r0 = 0, or 1 where there is no room. As gen_write() of bpf_vars.c. */
static void make_write(struct ft_gen *g, const struct ft_gen_shared *s)
{
	const struct ft_memory value = {.base = BPF_REG_10, .off = VALUE_OFF};
	struct ft_bpf_code *c = &g->code;
	u32 there = ft_bpf_label(c), there_now = ft_bpf_label(c), fails = ft_bpf_label(c);

	take(c, s);
	find(c, s->var);
	ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_0, 0, there);
	ft_gen_order_of(g, value);
	ft_bpf_store(c, FT_BPF_8, value.base, value.off + FT_GEN_VALUE_OFF, BPF_REG_7);
	ft_gen_address(g, BPF_REG_3, value);
	insert(c, s->var);
	ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_0, 0, there_now);
	if (s->fetch)
		ft_bpf_store(c, FT_BPF_8, BPF_REG_8, 0, BPF_REG_7);
	leave(c, 0);
	ft_bpf_bind(c, there_now);
	ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_0, -EEXIST, fails);
	find(c, s->var);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, fails);
	ft_bpf_bind(c, there);
	change(c, s);
	leave(c, 0);
	ft_bpf_bind(c, fails);
	leave(c, 1);
}

/* FEED: r0 = 0, or 1 where there is no room. As gen_feed() of bpf_vars.c. */
static void make_feed(struct ft_gen *g, const struct ft_gen_shared *s)
{
	struct ft_bpf_code *c = &g->code;
	u32 there = ft_bpf_label(c), ordered = ft_bpf_label(c), fails = ft_bpf_label(c);

	take(c, s);
	find(c, s->var);
	ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_0, 0, there);
	ft_bpf_map_value(c, BPF_REG_3, g->maps->zeros, 0);
	insert(c, s->var);
	find(c, s->var);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, fails);
	ft_bpf_bind(c, there);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_0, 0);
	ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_1, 0, ordered);
	ft_bpf_mov(c, BPF_REG_6, BPF_REG_0);
	ft_gen_order_of(g, (struct ft_memory){.base = BPF_REG_6});
	ft_bpf_mov(c, BPF_REG_0, BPF_REG_6);
	ft_bpf_bind(c, ordered);
	ft_bpf_mov(c, BPF_REG_4, BPF_REG_7);
	ft_gen_feed_value(g, s->var);
	leave(c, 0);
	ft_bpf_bind(c, fails);
	leave(c, 1);
}

void ft_gen_shared(struct ft_gen *g)
{
	for (u32 i = 0; i < g->shared_count; i++) {
		const struct ft_gen_shared *s = &g->shared[i];

		if (!s->is_called)
			continue;
		ft_bpf_bind(&g->code, s->label);
		if (s->kind == FT_IR_FEED)
			make_feed(g, s);
		else if (s->kind == FT_IR_SET || s->kind == FT_IR_INCREASE)
			make_write(g, s);
		else
			make_read(&g->code, s);
	}
}

/*
 * bpf_vars.c - globals, arrays and statistics in the kernel; see bpf_gen.h and abi.h.
 *
 * Scalars lie in the map of globals. An array is a hash map: its key is the parts one after the
 * other, its value an order number and the value. Statistics are per-CPU maps, which user space
 * adds up.
 */
#include <errno.h>
#include <stddef.h>

#include "scriptlang/codegen/bpf_gen.h"

u32 ft_gen_key_bytes(const struct ft_var *v)
{
	u32 bytes = 0;

	for (int i = 0; i < v->key_count; i++)
		bytes += v->key_bytes[i];
	return bytes;
}

u32 ft_gen_var_temp(const struct ft_ir_op *op)
{
	const struct ft_var *v = op->var;
	u32 bytes = v->key_count > 0 ? ft_gen_key_bytes(v) : 8;

	if (v->type != FT_TYPE_STATS && v->key_count > 0)
		bytes += (u32)FT_GEN_VALUE_OFF + v->value_bytes;
	return bytes;
}

static bool is_scalar(const struct ft_var *v)
{
	return v->key_count <= 0;
}

/* ---- scalars ---- */

static void gen_scalar(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_var *v = op->var;
	bool fetch = op->dst != FT_IR_NONE && g->homes[op->dst].kind != FT_HOME_NONE;
	struct ft_memory at = {.base = BPF_REG_2};
	u8 value;

	ft_bpf_map_value(c, BPF_REG_2, g->maps->globals, v->offset);
	if (v->type == FT_TYPE_STRING) {
		if (op->kind == FT_IR_GET)
			ft_gen_text_from(g, op->dst, at, v->value_bytes);
		else if (op->kind == FT_IR_SET)
			ft_gen_text_to(g, op->a, at, v->value_bytes);
		else
			ft_gen_zero(g, at, v->value_bytes);
		return;
	}
	switch (op->kind) {
	case FT_IR_GET:
		ft_bpf_load(c, FT_BPF_8, BPF_REG_0, BPF_REG_2, 0);
		ft_gen_set(g, op->dst, BPF_REG_0);
		break;
	case FT_IR_SET:
		ft_bpf_store(c, FT_BPF_8, BPF_REG_2, 0, ft_gen_get(g, op->a, BPF_REG_0));
		break;
	case FT_IR_INCREASE:
		value = ft_gen_get(g, op->a, BPF_REG_0);
		ft_bpf_mov(c, BPF_REG_0, value);
		ft_bpf_atomic_add(c, BPF_REG_2, 0, BPF_REG_0, fetch);
		if (fetch) {
			ft_bpf_alu(c, BPF_ADD, BPF_REG_0, ft_gen_get(g, op->a, BPF_REG_1));
			ft_gen_set(g, op->dst, BPF_REG_0);
		}
		break;
	default: /* CLEAR */
		ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_2, 0, 0);
	}
}

/* ---- elements ---- */

/* Whether a key is one string that lies on the stack as it has to be. */
static bool is_at_home(const struct ft_gen *g, const struct ft_ir_op *op)
{
	const struct ft_var *v = op->var;

	return v->key_count == 1 && v->keys[0] == FT_TYPE_STRING &&
	       g->homes[op->args[0]].kind == FT_HOME_STACK &&
	       ft_gen_bytes(g, op->args[0]) == v->key_bytes[0];
}

struct ft_memory ft_gen_key_memory(struct ft_gen *g, const struct ft_ir_op *op, u8 base)
{
	return is_at_home(g, op) ? ft_gen_memory(g, &g->homes[op->args[0]], base)
				 : ft_gen_temp(g, 0, base);
}

void ft_gen_key(struct ft_gen *g, const struct ft_ir_op *op, u32 absent)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_var *v = op->var;
	struct ft_memory m;

	if (is_at_home(g, op))
		return;
	m = ft_gen_temp(g, 0, BPF_REG_2);
	if (is_scalar(v)) {
		ft_bpf_store_imm(c, FT_BPF_8, m.base, m.off, 0);
		return;
	}
	for (int i = 0; i < v->key_count; i++) {
		if (v->keys[i] == FT_TYPE_STRING) {
			if (ft_gen_bytes(g, op->args[i]) > v->key_bytes[i] && absent != UINT32_MAX)
				ft_gen_longer(g, op->args[i], v->key_bytes[i], absent);
			ft_gen_text_to(g, op->args[i], m, v->key_bytes[i]);
		} else {
			ft_bpf_store(c, FT_BPF_8, m.base, m.off,
				     ft_gen_get(g, op->args[i], BPF_REG_0));
		}
		m.off += (s32)v->key_bytes[i];
	}
}

/* r1 = map, r2 = key */
static void gen_key_args(struct ft_gen *g, const struct ft_ir_op *op)
{
	ft_gen_address(g, BPF_REG_2, ft_gen_key_memory(g, op, BPF_REG_2));
	ft_bpf_map(&g->code, BPF_REG_1, op->var->map_fd);
}

/* r0 = the element with the key in temporary memory, or 0 */
static void gen_find(struct ft_gen *g, const struct ft_ir_op *op)
{
	gen_key_args(g, op);
	ft_bpf_call(&g->code, BPF_FUNC_map_lookup_elem);
}

void ft_gen_order_of(struct ft_gen *g, struct ft_memory m)
{
	struct ft_bpf_code *c = &g->code;

	ft_bpf_map_value(c, BPF_REG_1, g->maps->globals, 0);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_0, 1);
	ft_bpf_atomic_add(c, BPF_REG_1, offsetof(struct ft_session, order), BPF_REG_0, true);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_0, 1); /* 0 says that there is none */
	ft_bpf_store(c, FT_BPF_8, m.base, m.off, BPF_REG_0);
}

/* A new element with the value of a; r0 = what the kernel says. */
static void gen_insert(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_var *v = op->var;
	u32 value_at = ft_gen_key_bytes(v);
	struct ft_memory m = ft_gen_temp(g, value_at, BPF_REG_2);

	ft_gen_order_of(g, m);
	m.off += FT_GEN_VALUE_OFF;
	if (v->type == FT_TYPE_STRING)
		ft_gen_text_to(g, op->a, m, v->value_bytes);
	else
		ft_bpf_store(c, FT_BPF_8, m.base, m.off, ft_gen_get(g, op->a, BPF_REG_0));
	ft_gen_address(g, BPF_REG_3, ft_gen_temp(g, value_at, BPF_REG_3));
	gen_key_args(g, op);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_4, BPF_NOEXIST);
	ft_bpf_call(c, BPF_FUNC_map_update_elem);
}

/* An element that is there takes the value of a; r0 is where it is. */
static void gen_change(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_var *v = op->var;
	struct ft_memory m = {.base = BPF_REG_2, .off = FT_GEN_VALUE_OFF};
	bool fetch = op->dst != FT_IR_NONE && g->homes[op->dst].kind != FT_HOME_NONE;

	ft_bpf_mov(c, BPF_REG_2, BPF_REG_0);
	if (v->type == FT_TYPE_STRING) {
		ft_gen_text_to(g, op->a, m, v->value_bytes);
		return;
	}
	ft_bpf_mov(c, BPF_REG_0, ft_gen_get(g, op->a, BPF_REG_0));
	if (op->kind == FT_IR_SET) {
		ft_bpf_store(c, FT_BPF_8, m.base, m.off, BPF_REG_0);
		return;
	}
	ft_bpf_atomic_add(c, m.base, m.off, BPF_REG_0, fetch);
	if (fetch) {
		ft_bpf_alu(c, BPF_ADD, BPF_REG_0, ft_gen_get(g, op->a, BPF_REG_1));
		ft_gen_set(g, op->dst, BPF_REG_0);
	}
}

/*
 * SET and INCREASE: the element is looked up, made if there is none, and looked up again if
 * somebody was faster.
 */
static void gen_write(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	u32 there = ft_bpf_label(c), done = ft_bpf_label(c), fails = ft_gen_failure(g, op);

	ft_gen_key(g, op, UINT32_MAX);
	ft_gen_front(g, op, done);
	gen_find(g, op);
	ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_0, 0, there);
	gen_insert(g, op);
	if (op->dst != FT_IR_NONE && g->homes[op->dst].kind != FT_HOME_NONE) {
		u32 not_made = ft_bpf_label(c);

		ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_0, 0, not_made);
		ft_gen_set(g, op->dst, ft_gen_get(g, op->a, BPF_REG_0));
		ft_bpf_jump(c, done);
		ft_bpf_bind(c, not_made);
	} else {
		ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, done);
	}
	ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_0, -EEXIST, fails);
	gen_find(g, op);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, fails);
	ft_bpf_bind(c, there);
	gen_change(g, op);
	ft_bpf_bind(c, done);
}

static void gen_read(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	u32 absent = ft_bpf_label(c), done = ft_bpf_label(c);
	const struct ft_home *home = &g->homes[op->dst];
	struct ft_memory m = {.base = BPF_REG_2, .off = FT_GEN_VALUE_OFF};

	if (home->kind == FT_HOME_NONE)
		return;
	ft_gen_key(g, op, absent);
	gen_find(g, op);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, absent);
	if (op->kind == FT_IR_HAS) {
		ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_0, 1);
		ft_gen_set(g, op->dst, BPF_REG_0);
	} else if (op->var->type == FT_TYPE_STRING) {
		ft_bpf_mov(c, BPF_REG_2, BPF_REG_0);
		ft_gen_text_from(g, op->dst, m, op->var->value_bytes);
	} else {
		ft_bpf_load(c, FT_BPF_8, BPF_REG_0, BPF_REG_0, FT_GEN_VALUE_OFF);
		ft_gen_set(g, op->dst, BPF_REG_0);
	}
	ft_bpf_jump(c, done);
	ft_bpf_bind(c, absent);
	if (op->kind == FT_IR_GET && op->var->type == FT_TYPE_STRING) {
		ft_gen_zero(g, ft_gen_memory(g, home, BPF_REG_2), ft_gen_bytes(g, op->dst));
	} else {
		ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_0, 0);
		ft_gen_set(g, op->dst, BPF_REG_0);
	}
	ft_bpf_bind(c, done);
}

static void gen_delete(struct ft_gen *g, const struct ft_ir_op *op)
{
	u32 absent = ft_bpf_label(&g->code);

	ft_gen_key(g, op, absent);
	gen_key_args(g, op);
	ft_bpf_call(&g->code, BPF_FUNC_map_delete_elem);
	ft_bpf_bind(&g->code, absent);
}

/* ---- statistics ---- */

/*
 * r2 = the number of binary digits of r1, which is changed. No branches: each is a path more to
 * verify. r3 becomes 1 where a part is not 0, and that times its bits. The digits of the last four
 * bits are in a number, three bits each.
 */
static void gen_digits(struct ft_bpf_code *c)
{
	u64 digits = 0;

	for (u32 n = 1; n < 16; n++)
		digits |= (u64)(32 - __builtin_clz(n)) << (3 * n);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, 0);
	for (int shift = 5; shift >= 2; shift--) {
		ft_bpf_mov(c, BPF_REG_3, BPF_REG_1);
		ft_bpf_alu_imm(c, BPF_RSH, BPF_REG_3, 1 << shift);
		ft_bpf_mov(c, BPF_REG_5, BPF_REG_3);
		ft_bpf_alu_imm(c, BPF_NEG, BPF_REG_5, 0);
		ft_bpf_alu(c, BPF_OR, BPF_REG_3, BPF_REG_5);
		ft_bpf_alu_imm(c, BPF_RSH, BPF_REG_3, 63);
		ft_bpf_alu_imm(c, BPF_LSH, BPF_REG_3, shift);
		ft_bpf_alu(c, BPF_RSH, BPF_REG_1, BPF_REG_3);
		ft_bpf_alu(c, BPF_ADD, BPF_REG_2, BPF_REG_3);
	}
	ft_bpf_number(c, BPF_REG_3, (s64)digits);
	ft_bpf_alu_imm(c, BPF_MUL, BPF_REG_1, 3);
	ft_bpf_alu(c, BPF_RSH, BPF_REG_3, BPF_REG_1);
	ft_bpf_alu_imm(c, BPF_AND, BPF_REG_3, 7);
	ft_bpf_alu(c, BPF_ADD, BPF_REG_2, BPF_REG_3);
}

/* Counts in the bucket r2, which is in a table of so many at r0 + off. */
static void gen_bucket(struct ft_bpf_code *c, u32 off, u32 count)
{
	u32 outside = ft_bpf_label(c);

	ft_bpf_jump_imm(c, BPF_JGE, BPF_REG_2, (s32)count, outside);
	ft_bpf_alu_imm(c, BPF_LSH, BPF_REG_2, 3);
	ft_bpf_mov(c, BPF_REG_3, BPF_REG_0);
	ft_bpf_alu(c, BPF_ADD, BPF_REG_3, BPF_REG_2);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_1, 1);
	ft_bpf_atomic_add(c, BPF_REG_3, (s32)off, BPF_REG_1, false);
	ft_bpf_bind(c, outside);
}

/*
 * As ft_stats_log_bucket: 64 is 0, above it powers of two, below it their opposites. r4 is the
 * value. The buckets of small ones are in a table: most of what is counted is small.
 */
static void gen_log(struct ft_bpf_code *c, const struct ft_bpf_maps *maps, u32 off)
{
	u32 other = ft_bpf_label(c), known = ft_bpf_label(c);

	ft_bpf_jump_imm(c, BPF_JGE, BPF_REG_4, FT_LOG_TABLE, other);
	ft_bpf_map_value(c, BPF_REG_1, maps->globals, maps->log_table);
	ft_bpf_alu(c, BPF_ADD, BPF_REG_1, BPF_REG_4);
	ft_bpf_load(c, FT_BPF_1, BPF_REG_2, BPF_REG_1, 0);
	ft_bpf_jump(c, known);
	ft_bpf_bind(c, other);
	ft_bpf_mov(c, BPF_REG_1, BPF_REG_4);
	ft_bpf_mov(c, BPF_REG_2, BPF_REG_4);
	ft_bpf_alu_imm(c, BPF_ARSH, BPF_REG_2, 63);
	ft_bpf_alu(c, BPF_XOR, BPF_REG_1, BPF_REG_2);
	ft_bpf_alu(c, BPF_SUB, BPF_REG_1, BPF_REG_2);
	gen_digits(c);
	ft_bpf_mov(c, BPF_REG_3, BPF_REG_4);
	ft_bpf_alu_imm(c, BPF_ARSH, BPF_REG_3, 63);
	ft_bpf_alu(c, BPF_XOR, BPF_REG_2, BPF_REG_3);
	ft_bpf_alu(c, BPF_SUB, BPF_REG_2, BPF_REG_3);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_2, 64);
	ft_bpf_bind(c, known);
	gen_bucket(c, off, FT_STATS_LOG_BUCKETS);
}

/* Bucket 0 is what is below, the last what is above. */
static void gen_linear(struct ft_bpf_code *c, const struct ft_stats_shape *shape, u32 off)
{
	u32 below = ft_bpf_label(c), above = ft_bpf_label(c), done = ft_bpf_label(c),
	    buckets = ft_stats_linear_buckets(shape);

	ft_bpf_number(c, BPF_REG_1, shape->lo);
	ft_bpf_jump_if(c, BPF_JSLT, BPF_REG_4, BPF_REG_1, below);
	ft_bpf_number(c, BPF_REG_3, ft_stats_linear_last(shape));
	ft_bpf_jump_if(c, BPF_JSGT, BPF_REG_4, BPF_REG_3, above);
	ft_bpf_mov(c, BPF_REG_2, BPF_REG_4);
	ft_bpf_alu(c, BPF_SUB, BPF_REG_2, BPF_REG_1);
	ft_bpf_number(c, BPF_REG_3, shape->step);
	ft_bpf_alu(c, BPF_DIV, BPF_REG_2, BPF_REG_3);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_2, 1);
	ft_bpf_jump(c, done);
	ft_bpf_bind(c, below);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, 0);
	ft_bpf_jump(c, done);
	ft_bpf_bind(c, above);
	ft_bpf_number(c, BPF_REG_2, buckets + 1);
	ft_bpf_bind(c, done);
	gen_bucket(c, off, buckets + 2);
}

/* r5 = r2 - r3, of which 32 bits count. */
static void gen_delta(struct ft_bpf_code *c)
{
	ft_bpf_mov(c, BPF_REG_5, BPF_REG_2);
	ft_bpf_alu(c, BPF_SUB, BPF_REG_5, BPF_REG_3);
	ft_bpf_alu_imm(c, BPF_LSH, BPF_REG_5, 32);
	ft_bpf_alu_imm(c, BPF_ARSH, BPF_REG_5, 32);
}

/* As add_deviation of stats.c, for the statistics at r0 and the value r4. */
static void gen_deviation(struct ft_bpf_code *c, u8 shift)
{
	s32 mean = offsetof(struct ft_stats_wire, mean),
	    deviations = offsetof(struct ft_stats_wire, deviations),
	    count = offsetof(struct ft_stats_wire, count);
	u32 first = ft_bpf_label(c), negative = ft_bpf_label(c), moved = ft_bpf_label(c),
	    done = ft_bpf_label(c);

	ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_0, count);
	ft_bpf_mov(c, BPF_REG_2, BPF_REG_4);
	ft_bpf_alu_imm(c, BPF_LSH, BPF_REG_2, shift);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_1, 1, first);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_0, mean);
	gen_delta(c);
	ft_bpf_jump_imm(c, BPF_JSLT, BPF_REG_5, 0, negative);
	ft_bpf_alu(c, BPF_DIV, BPF_REG_5, BPF_REG_1);
	ft_bpf_alu(c, BPF_ADD, BPF_REG_3, BPF_REG_5);
	ft_bpf_jump(c, moved);
	ft_bpf_bind(c, negative);
	ft_bpf_alu_imm(c, BPF_XOR, BPF_REG_5, -1);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_5, 1);
	ft_bpf_alu(c, BPF_DIV, BPF_REG_5, BPF_REG_1);
	ft_bpf_alu(c, BPF_SUB, BPF_REG_3, BPF_REG_5);
	ft_bpf_bind(c, moved);
	ft_bpf_mov(c, BPF_REG_1, BPF_REG_3);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_0, mean);
	gen_delta(c);
	ft_bpf_store(c, FT_BPF_8, BPF_REG_0, mean, BPF_REG_1);
	ft_bpf_alu(c, BPF_SUB, BPF_REG_2, BPF_REG_1);
	ft_bpf_alu(c, BPF_MUL, BPF_REG_5, BPF_REG_2);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_0, deviations);
	ft_bpf_alu(c, BPF_ADD, BPF_REG_1, BPF_REG_5);
	ft_bpf_store(c, FT_BPF_8, BPF_REG_0, deviations, BPF_REG_1);
	ft_bpf_jump(c, done);
	ft_bpf_bind(c, first);
	ft_bpf_store(c, FT_BPF_8, BPF_REG_0, mean, BPF_REG_2);
	ft_bpf_bind(c, done);
}

bool ft_gen_is_asked(const struct ft_var *v, enum ft_stat_op stat)
{
	return v->asked >> stat & 1;
}

void ft_gen_extremes(struct ft_bpf_code *c, const struct ft_var *v, struct ft_memory stats, u8 low,
		     u8 high, u8 count)
{
	s32 min = stats.off + (s32)offsetof(struct ft_stats_wire, min),
	    max = stats.off + (s32)offsetof(struct ft_stats_wire, max);
	u32 first = ft_bpf_label(c), not_less = ft_bpf_label(c), done = ft_bpf_label(c);
	bool wants_min = ft_gen_is_asked(v, FT_STAT_MIN),
	     wants_max = ft_gen_is_asked(v, FT_STAT_MAX);

	if (!wants_min && !wants_max)
		return;
	ft_bpf_jump_imm(c, BPF_JEQ, count, 0, first);
	if (wants_min) {
		ft_bpf_load(c, FT_BPF_8, count, stats.base, min);
		ft_bpf_jump_if(c, BPF_JSGE, low, count, not_less);
		ft_bpf_store(c, FT_BPF_8, stats.base, min, low);
		ft_bpf_bind(c, not_less);
	}
	if (wants_max) {
		ft_bpf_load(c, FT_BPF_8, count, stats.base, max);
		ft_bpf_jump_if(c, BPF_JSLE, high, count, done);
		ft_bpf_store(c, FT_BPF_8, stats.base, max, high);
	}
	ft_bpf_jump(c, done);
	ft_bpf_bind(c, first);
	if (wants_min)
		ft_bpf_store(c, FT_BPF_8, stats.base, min, low);
	if (wants_max)
		ft_bpf_store(c, FT_BPF_8, stats.base, max, high);
	ft_bpf_bind(c, done);
}

void ft_gen_feed_value(struct ft_gen *g, const struct ft_var *v)
{
	struct ft_bpf_code *c = &g->code;
	u32 off = sizeof(struct ft_stats_wire);

	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_1, 1);
	ft_bpf_atomic_add(c, BPF_REG_0, offsetof(struct ft_stats_wire, count), BPF_REG_1, true);
	if (ft_gen_is_asked(v, FT_STAT_SUM))
		ft_bpf_atomic_add(c, BPF_REG_0, offsetof(struct ft_stats_wire, sum), BPF_REG_4,
				  false);
	ft_gen_extremes(c, v, (struct ft_memory){.base = BPF_REG_0}, BPF_REG_4, BPF_REG_4,
			BPF_REG_1);
	if (ft_gen_is_asked(v, FT_STAT_VARIANCE))
		gen_deviation(c, v->stats.shift);
	if (v->stats.log) {
		gen_log(c, g->maps, off);
		off += FT_STATS_LOG_BUCKETS * 8;
	}
	if (v->stats.linear)
		gen_linear(c, &v->stats, off);
}

static void gen_feed(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_var *v = op->var;
	u32 there = ft_bpf_label(c), ordered = ft_bpf_label(c), done = ft_bpf_label(c),
	    fails = ft_gen_failure(g, op);

	ft_gen_key(g, op, UINT32_MAX);
	ft_gen_front(g, op, done);
	gen_find(g, op);
	if (!is_scalar(v)) {
		ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_0, 0, there);
		gen_key_args(g, op);
		ft_bpf_map_value(c, BPF_REG_3, g->maps->zeros, 0);
		ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_4, BPF_NOEXIST);
		ft_bpf_call(c, BPF_FUNC_map_update_elem);
		gen_find(g, op);
	}
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, fails);
	ft_bpf_bind(c, there);
	if (!is_scalar(v)) {
		ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_0, 0);
		ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_1, 0, ordered);
		ft_bpf_mov(c, BPF_REG_4, BPF_REG_0);
		ft_gen_order_of(g, (struct ft_memory){.base = BPF_REG_4});
		ft_bpf_mov(c, BPF_REG_0, BPF_REG_4);
		ft_bpf_bind(c, ordered);
	}
	ft_bpf_mov(c, BPF_REG_4, ft_gen_get(g, op->a, BPF_REG_4));
	ft_gen_feed_value(g, v);
	ft_bpf_bind(c, done);
}

void ft_gen_var(struct ft_gen *g, const struct ft_ir_op *op)
{
	if (ft_gen_call_shared(g, op))
		return;
	if (op->kind == FT_IR_FEED)
		gen_feed(g, op);
	else if (is_scalar(op->var))
		gen_scalar(g, op);
	else if (op->kind == FT_IR_SET || op->kind == FT_IR_INCREASE)
		gen_write(g, op);
	else if (op->kind == FT_IR_DELETE)
		gen_delete(g, op);
	else
		gen_read(g, op);
}

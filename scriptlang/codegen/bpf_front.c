/*
 * bpf_front.c - in front of arrays: each CPU adds up by itself what comes to the keys that it used
 * lately.
 *
 * Events come in runs: the same processes, the same few calls. A look-up in a hash costs more than
 * all else that c[pid()]++ does; so each CPU keeps some keys, in places by a hash of theirs, and
 * adds up in its own memory what comes to them. Another key of the same place sends the sum into
 * the map and takes over. That takes a look-up, but only if one was saved before, so it never costs
 * more of them.
 *
 * User space runs a program on each CPU that empties its places before it reads the map.
 *
 * A handler that interrupts another one on its CPU may find the place busy, and goes to the map.
 * That holds for tracepoints and perf events, whose handlers are never put off their CPU.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "scriptlang/codegen/bpf_gen.h"

#define KEY_MAX 64 /* bytes: longer ones are compared for too long */
#define KEY_OFF ((s32)sizeof(struct ft_front_head))
#define PLACES 64	     /* of a CPU; fewer where there are many CPUs */
#define SPREAD (-0x61c8864f) /* of hashes: 2^32 / golden ratio (Knuth, 6.4) */

/* A subprogram that takes over another key. */
struct ft_gen_front {
	const struct ft_var *var;
	u32 label;
};

static s32 value_off(const struct ft_var *v)
{
	return KEY_OFF + (s32)ft_gen_key_bytes(v);
}

/* ---- which arrays ---- */

static bool mark(u8 *used, u32 reg)
{
	if (reg == FT_IR_NONE || used[reg])
		return false;
	used[reg] = 1;
	return true;
}

/* Marks registers whose values matter. */
static void find_used(const struct ft_ir *ir, u8 *used)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (u32 b = ir->block_count; b-- > 0;)
			for (u32 i = ir->blocks[b].count; i-- > 0;) {
				const struct ft_ir_op *op = &ir->blocks[b].ops[i];

				if (ft_ir_pure(op) && !used[op->dst])
					continue;
				changed |= mark(used, op->a);
				changed |= mark(used, op->b);
				for (u32 k = 0; op->args && k < op->arg_count; k++)
					changed |= mark(used, op->args[k]);
			}
	}
}

static bool only_adds(const struct ft_ir_op *op, const u8 *used)
{
	const struct ft_var *v = op->var;

	if (op->kind == FT_IR_INCREASE)
		return v->type == FT_TYPE_LONG && (op->dst == FT_IR_NONE || !used[op->dst]);
	return op->kind == FT_IR_FEED && !ft_gen_is_asked(v, FT_STAT_VARIANCE) && !v->stats.log &&
	       !v->stats.linear;
}

static bool stays_on_cpu(const struct ft_ir *ir)
{
	const char *first = ir->handler->point->parts[0].name;

	return ir->is_fired || !strcmp(first, "kernel") || !strcmp(first, "perf") ||
	       !strcmp(first, "timer");
}

/* What a handler does that a front does not allow. */
static int rule_out(struct ft_arena *arena, const struct ft_ir *ir)
{
	u8 *used = ft_arena_alloc(arena, (size_t)ir->reg_count + 1, 1);

	if (!used)
		return -ENOMEM;
	find_used(ir, used);
	for (u32 b = 0; b < ir->block_count; b++)
		for (u32 i = 0; i < ir->blocks[b].count; i++) {
			const struct ft_ir_op *op = &ir->blocks[b].ops[i];

			if (op->in_kernel && op->var && (!only_adds(op, used) || !stays_on_cpu(ir)))
				op->var->front_bytes = 0;
		}
	return 0;
}

int ft_bpf_choose_fronts(struct ft_arena *arena, const struct ft_ir_program *program)
{
	int code = 0;

	for (u32 i = 0; i < program->program->global_count; i++) {
		struct ft_var *v = program->program->globals[i];
		u32 bytes = v->key_count > 0 ? ft_gen_key_bytes(v) : 0;

		v->front_bytes = 0;
		if (!v->in_kernel || !bytes || bytes > KEY_MAX || v->type == FT_TYPE_STRING)
			continue;
		bytes = (u32)value_off(v) +
			(v->type == FT_TYPE_STATS ? (u32)sizeof(struct ft_stats_wire) : 8);
		v->front_bytes = (bytes + 63) & ~63u; /* cache lines */
		v->front_count = PLACES;
	}
	for (u32 i = 0; i < program->program->handler_count && !code; i++)
		if (program->handlers[i]->side == FT_SIDE_KERNEL)
			code = rule_out(arena, program->handlers[i]);
	return code;
}

/* ---- the way through the front ---- */

/* dst = this CPU's places; r0 is lost. Goes to none where it has none. */
static void gen_places(struct ft_bpf_code *c, const struct ft_var *v,
		       const struct ft_bpf_maps *maps, u8 dst, u32 none)
{
	ft_bpf_call(c, BPF_FUNC_get_smp_processor_id);
	ft_bpf_jump_imm(c, BPF_JGE, BPF_REG_0, (s32)maps->cpu_count, none);
	ft_bpf_alu_imm(c, BPF_MUL, BPF_REG_0, (s32)(v->front_bytes * v->front_count));
	ft_bpf_map_value(c, dst, v->front_fd, 0);
	ft_bpf_alu(c, BPF_ADD, dst, BPF_REG_0);
}

/* A word of the key: the register that it is in, or scratch. */
static u8 gen_word(struct ft_gen *g, const struct ft_ir_op *op, struct ft_memory key, s32 at,
		   u8 scratch)
{
	s32 part_at = 0;

	for (int i = 0; i < op->var->key_count && part_at <= at; i++) {
		if (part_at == at && op->var->keys[i] == FT_TYPE_LONG &&
		    g->homes[op->args[i]].kind == FT_HOME_REG)
			return g->homes[op->args[i]].reg;
		part_at += (s32)op->var->key_bytes[i];
	}
	ft_bpf_load(&g->code, FT_BPF_8, scratch, key.base, key.off + at);
	return scratch;
}

/* r1, which is this CPU's places, becomes that of the key there. Uses r2 and r3. */
static void gen_place(struct ft_gen *g, const struct ft_ir_op *op, struct ft_memory key)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_var *v = op->var;
	s32 bits = 0;

	while (1u << bits < v->front_count)
		bits++;
	if (!bits)
		return;
	ft_bpf_mov(c, BPF_REG_2, gen_word(g, op, key, 0, BPF_REG_2));
	for (s32 at = 8; at < (s32)ft_gen_key_bytes(v); at += 8)
		ft_bpf_alu(c, BPF_ADD, BPF_REG_2, gen_word(g, op, key, at, BPF_REG_3));
	ft_bpf_alu_imm(c, BPF_MUL, BPF_REG_2, SPREAD);
	ft_bpf_alu_imm(c, BPF_RSH, BPF_REG_2, 64 - bits);
	ft_bpf_alu_imm(c, BPF_MUL, BPF_REG_2, (s32)v->front_bytes);
	ft_bpf_alu(c, BPF_ADD, BPF_REG_1, BPF_REG_2);
}

/* r1's sum takes the number in r2. */
static void gen_add(struct ft_bpf_code *c, const struct ft_var *v)
{
	s32 at = value_off(v);
	s32 count = at + (s32)offsetof(struct ft_stats_wire, count),
	    sum = at + (s32)offsetof(struct ft_stats_wire, sum);

	if (v->type != FT_TYPE_STATS) {
		ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_1, at);
		ft_bpf_alu(c, BPF_ADD, BPF_REG_3, BPF_REG_2);
		ft_bpf_store(c, FT_BPF_8, BPF_REG_1, at, BPF_REG_3);
		return;
	}
	if (ft_gen_is_asked(v, FT_STAT_SUM)) {
		ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_1, sum);
		ft_bpf_alu(c, BPF_ADD, BPF_REG_3, BPF_REG_2);
		ft_bpf_store(c, FT_BPF_8, BPF_REG_1, sum, BPF_REG_3);
	}
	ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_1, count);
	ft_bpf_mov(c, BPF_REG_4, BPF_REG_3);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_4, 1);
	ft_bpf_store(c, FT_BPF_8, BPF_REG_1, count, BPF_REG_4);
	ft_gen_extremes(c, v, (struct ft_memory){.base = BPF_REG_1, .off = at}, BPF_REG_2,
			BPF_REG_2, BPF_REG_3);
}

static u32 label_of(struct ft_gen *g, const struct ft_var *v)
{
	struct ft_gen_front *f;

	for (u32 i = 0; i < g->front_count; i++)
		if (g->fronts[i].var == v)
			return g->fronts[i].label;
	f = FT_ARENA_PUSH(g->compile->arena, &g->fronts, &g->front_count);
	if (!f)
		return g->end;
	*f = (struct ft_gen_front){.var = v, .label = ft_bpf_label(&g->code)};
	return f->label;
}

void ft_gen_front(struct ft_gen *g, const struct ft_ir_op *op, u32 done)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_var *v = op->var;
	u32 other = ft_bpf_label(c), map = ft_bpf_label(c);
	struct ft_memory key;

	if (!v->front_bytes)
		return;
	gen_places(c, v, g->maps, BPF_REG_1, map);
	key = ft_gen_key_memory(g, op, BPF_REG_4);
	gen_place(g, op, key);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_2, BPF_REG_1, offsetof(struct ft_front_head, busy));
	ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_2, 0, map);
	ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_1, offsetof(struct ft_front_head, busy), 1);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_2, BPF_REG_1, offsetof(struct ft_front_head, order));
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_2, 0, other);
	for (s32 at = 0; at < (s32)ft_gen_key_bytes(v); at += 8) {
		ft_bpf_load(c, FT_BPF_8, BPF_REG_2, BPF_REG_1, KEY_OFF + at);
		ft_bpf_jump_if(c, BPF_JNE, BPF_REG_2, gen_word(g, op, key, at, BPF_REG_3), other);
	}
	ft_bpf_mov(c, BPF_REG_2, ft_gen_get(g, op->a, BPF_REG_2));
	gen_add(c, v);
	ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_1, offsetof(struct ft_front_head, busy), 0);
	ft_bpf_jump(c, done);
	ft_bpf_bind(c, other);
	ft_gen_address(g, BPF_REG_2, ft_gen_key_memory(g, op, BPF_REG_2));
	ft_bpf_call_label(c, label_of(g, v));
	ft_bpf_bind(c, map);
}

/* ---- out of the front ---- */

/* Where the order of a key in front goes, which is at r6. */
static void gen_order(struct ft_bpf_code *c, struct ft_memory to)
{
	ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_6, offsetof(struct ft_front_head, order));
	ft_bpf_store(c, FT_BPF_8, to.base, to.off, BPF_REG_1);
}

/* r0 = the element of the key in front, made if there is none, or 0; r6 is its place. */
static void gen_element(struct ft_gen *g, const struct ft_var *v)
{
	const struct ft_memory zero = {.base = BPF_REG_10, .off = -16};
	struct ft_bpf_code *c = &g->code;
	u32 there = ft_bpf_label(c);
	bool stats = v->type == FT_TYPE_STATS;

	for (int round = 0; round < 2; round++) {
		ft_bpf_map(c, BPF_REG_1, v->map_fd);
		ft_bpf_mov(c, BPF_REG_2, BPF_REG_6);
		ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_2, KEY_OFF);
		ft_bpf_call(c, BPF_FUNC_map_lookup_elem);
		if (round)
			break;
		ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_0, 0, there);
		if (stats) {
			ft_bpf_map_value(c, BPF_REG_3, g->maps->zeros, 0);
		} else {
			gen_order(c, zero);
			ft_bpf_store_imm(c, FT_BPF_8, zero.base, zero.off + FT_GEN_VALUE_OFF, 0);
			ft_gen_address(g, BPF_REG_3, zero);
		}
		ft_bpf_map(c, BPF_REG_1, v->map_fd);
		ft_bpf_mov(c, BPF_REG_2, BPF_REG_6);
		ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_2, KEY_OFF);
		ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_4, BPF_NOEXIST);
		ft_bpf_call(c, BPF_FUNC_map_update_elem);
	}
	ft_bpf_bind(c, there);
}

/* The statistics at r0 take those in front, at r6. */
static void gen_merge(struct ft_gen *g, const struct ft_var *v)
{
	struct ft_bpf_code *c = &g->code;
	s32 at = value_off(v);
	s32 count = offsetof(struct ft_stats_wire, count),
	    sum = offsetof(struct ft_stats_wire, sum), min = offsetof(struct ft_stats_wire, min),
	    max = offsetof(struct ft_stats_wire, max);
	u32 ordered = ft_bpf_label(c);

	ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_0, 0);
	ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_1, 0, ordered);
	gen_order(c, (struct ft_memory){.base = BPF_REG_0});
	ft_bpf_bind(c, ordered);
	if (ft_gen_is_asked(v, FT_STAT_SUM)) {
		ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_6, at + sum);
		ft_bpf_atomic_add(c, BPF_REG_0, sum, BPF_REG_1, false);
	}
	ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_6, at + count);
	ft_bpf_atomic_add(c, BPF_REG_0, count, BPF_REG_1, true);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_2, BPF_REG_6, at + min);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_6, at + max);
	ft_gen_extremes(c, v, (struct ft_memory){.base = BPF_REG_0}, BPF_REG_2, BPF_REG_3,
			BPF_REG_1);
}

/*
 * What is in front, at r6, goes into the map. An element that was deleted meanwhile is made again;
 * what finds no room is counted as lost.
 */
static void gen_flush(struct ft_gen *g, const struct ft_var *v)
{
	struct ft_bpf_code *c = &g->code;
	s32 at = value_off(v), sum = at;
	u32 nothing = ft_bpf_label(c), lost = ft_bpf_label(c), empty = ft_bpf_label(c);

	if (v->type == FT_TYPE_STATS)
		sum += (s32)offsetof(struct ft_stats_wire, count);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_6, sum);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_1, 0, nothing);
	gen_element(g, v);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, lost);
	if (v->type == FT_TYPE_STATS) {
		gen_merge(g, v);
	} else {
		ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_6, at);
		ft_bpf_atomic_add(c, BPF_REG_0, FT_GEN_VALUE_OFF, BPF_REG_1, false);
	}
	ft_bpf_jump(c, empty);
	ft_bpf_bind(c, lost);
	ft_gen_count(g, offsetof(struct ft_session, lost));
	ft_bpf_bind(c, empty);
	ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_6, sum, 0);
	if (v->type == FT_TYPE_STATS)
		ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_6,
				 at + (s32)offsetof(struct ft_stats_wire, sum), 0);
	ft_bpf_bind(c, nothing);
}

/* r1 = a place, which is ours; r2 = the key that it gets. */
void ft_gen_fronts(struct ft_gen *g)
{
	struct ft_bpf_code *c = &g->code;

	for (u32 i = 0; i < g->front_count; i++) {
		const struct ft_var *v = g->fronts[i].var;

		ft_bpf_bind(c, g->fronts[i].label);
		ft_bpf_mov(c, BPF_REG_6, BPF_REG_1);
		ft_bpf_mov(c, BPF_REG_8, BPF_REG_2);
		gen_flush(g, v);
		for (s32 at = 0; at < (s32)ft_gen_key_bytes(v); at += 8) {
			ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_8, at);
			ft_bpf_store(c, FT_BPF_8, BPF_REG_6, KEY_OFF + at, BPF_REG_1);
		}
		ft_gen_order_of(g,
				(struct ft_memory){.base = BPF_REG_6,
						   .off = offsetof(struct ft_front_head, order)});
		ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_6, offsetof(struct ft_front_head, busy), 0);
		ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_0, 0);
		ft_bpf_exit(c);
	}
}

int ft_bpf_generate_flush(struct ft_compile *compile, const struct ft_var *v,
			  const struct ft_bpf_maps *maps, struct ft_bpf_program *out)
{
	struct ft_gen g = {.compile = compile, .maps = maps, .code = {.arena = compile->arena}};
	struct ft_bpf_code *c = &g.code;
	u32 none = ft_bpf_label(c), busy = ft_bpf_label(c);

	ft_bpf_load(c, FT_BPF_8, BPF_REG_7, BPF_REG_1, 0);
	ft_bpf_jump_imm(c, BPF_JGE, BPF_REG_7, (s32)v->front_count, none);
	ft_bpf_alu_imm(c, BPF_MUL, BPF_REG_7, (s32)v->front_bytes);
	gen_places(c, v, maps, BPF_REG_6, none);
	ft_bpf_alu(c, BPF_ADD, BPF_REG_6, BPF_REG_7);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_6, offsetof(struct ft_front_head, busy));
	ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_1, 0, busy);
	ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_6, offsetof(struct ft_front_head, busy), 1);
	gen_flush(&g, v);
	ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_6, offsetof(struct ft_front_head, order), 0);
	ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_6, offsetof(struct ft_front_head, busy), 0);
	ft_bpf_bind(c, none);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_0, 0);
	ft_bpf_exit(c);
	ft_bpf_bind(c, busy);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_0, 1);
	ft_bpf_exit(c);
	if (ft_bpf_finish(c))
		return -ENOMEM;
	*out = (struct ft_bpf_program){
		.kind = FT_BPF_TRACEPOINT, .insns = c->insns, .count = c->count};
	return 0;
}

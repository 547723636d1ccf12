/*
 * bpf_homes.c - where registers of the IR live: linear scan over live intervals.
 *
 * (Poletto and Sarkar, "Linear Scan Register Allocation", 1999.) Numbers get r6 to r9, those that
 * are needed longest go to the stack; strings live in memory at once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scriptlang/codegen/bpf_gen.h"
#include "scriptlang/sema/target.h"
#include "scriptlang/syscalls/syscalls.h"

#define MACHINE_REGS 4
#define FIRST_REG BPF_REG_6
#define STACK_BYTES 440	       /* of 512: subprograms and may_goto want some */
#define STACK_BYTES_CALLED 376 /* the caller's own, too */
#define STACK_TEXT_MAX 64      /* longer strings live in the slot */
#define STACK_TEMP_MAX 256     /* larger keys and values, too */
#define STACK_SPILLS_KEPT 64   /* bytes that strings leave for numbers */

struct interval {
	u32 reg;
	u32 begin, end; /* positions of operations; begin > end: never alive */
	u32 writes;
	u32 first_write, last_write; /* also those whose value nobody reads */
	const struct ft_ir_op *writer;
};

/* Room in the slot that a string has, or had: others that come later may live there. */
struct room {
	s32 off;
	u32 bytes;
	u32 end; /* position up to which it is taken */
};

struct scan {
	struct ft_gen *g;
	struct room *rooms;
	u32 room_count;
	u32 *splits; /* positions where the program ends and another one goes on */
	u32 split_count;
	struct interval *intervals;
	struct ft_liveness live;
	u64 *bits;
};

static bool is_alive(const struct interval *i)
{
	return i->begin != UINT32_MAX;
}

static void extend(struct interval *i, u32 position)
{
	if (position < i->begin)
		i->begin = position;
	if (position > i->end || i->end == UINT32_MAX)
		i->end = position;
}

static void extend_all(struct scan *s, const u64 *bits, u32 position)
{
	for (u32 w = 0; w < s->live.words; w++)
		for (u64 rest = bits[w]; rest; rest &= rest - 1)
			extend(&s->intervals[w * 64 + (u32)__builtin_ctzll(rest)], position);
}

/* What a record takes along is alive up to it. */
static void extend_hoists(struct scan *s, const struct ft_ir_op *op, u32 position)
{
	const struct ft_ir_site *site = op->site ? s->g->program->sites[op->site] : NULL;

	for (u32 i = 0; site && i < site->hoist_count; i++)
		extend(&s->intervals[site->hoists[i].reg], position);
}

static void note_split(struct scan *s, const struct ft_ir_op *op, u32 position)
{
	u32 *slot = ft_gen_is_split(op)
			    ? FT_ARENA_PUSH(s->g->compile->arena, &s->splits, &s->split_count)
			    : NULL;

	if (slot)
		*slot = position;
}

/* Whether a register is needed before and after such a place. */
static bool spans_split(const struct scan *s, const struct interval *i)
{
	for (u32 k = 0; k < s->split_count; k++)
		if (i->begin < s->splits[k] + s->g->by_calls && i->end > s->splits[k])
			return true;
	return false;
}

static void note_write(struct interval *i, u32 position)
{
	if (!i->writes || position < i->first_write)
		i->first_write = position;
	if (!i->writes || position > i->last_write)
		i->last_write = position;
	i->writes++;
}

static u32 find_intervals(struct scan *s)
{
	const struct ft_ir *ir = s->g->ir;
	u32 position = 0;

	for (u32 b = 0; b < ir->block_count; b++) {
		const struct ft_ir_block *block = &ir->blocks[b];
		u32 last = position + block->count;

		memcpy(s->bits, s->live.out[b], s->live.words * sizeof(*s->bits));
		if (block->count && block->ops[0].in_kernel)
			extend_all(s, s->bits, last);
		for (u32 i = block->count; i-- > 0;) {
			const struct ft_ir_op *op = &block->ops[i];

			if (op->in_kernel && op->dst != FT_IR_NONE) {
				note_write(&s->intervals[op->dst], position + i);
				s->intervals[op->dst].writer = op;
				if (s->bits[op->dst / 64] >> op->dst % 64 & 1 || op->is_quiet)
					extend(&s->intervals[op->dst], position + i);
			}
			if (op->in_kernel && op->fault) {
				note_write(&s->intervals[op->fault - 1], position + i);
				s->intervals[op->fault - 1].writer = op;
				extend(&s->intervals[op->fault - 1], position + i);
			}
			extend_hoists(s, op, position + i);
			note_split(s, op, position + i);
			ft_live_step(op, s->bits);
			if (block->catch != FT_IR_NONE)
				for (u32 w = 0; w < s->live.words; w++)
					s->bits[w] |= s->live.in[block->catch][w];
			if (op->in_kernel)
				extend_all(s, s->bits, position + i);
		}
		position = last + 1;
	}
	/* A write that nobody reads still changes the register. */
	for (u32 r = 0; r < ir->reg_count; r++) {
		struct interval *i = &s->intervals[r];

		if (!is_alive(i) || !i->writes)
			continue;
		extend(i, i->first_write);
		extend(i, i->last_write);
	}
	return position;
}

/* What has one value need not be kept. */
static bool is_fixed(const struct scan *s, const struct interval *i)
{
	const u64 *at_start = s->live.in[0];

	return i->writes == 1 &&
	       (i->writer->kind == FT_IR_NUMBER || i->writer->kind == FT_IR_TEXT) &&
	       !(at_start[i->reg / 64] >> i->reg % 64 & 1);
}

static s32 take_stack(struct ft_gen *g, u32 bytes)
{
	g->stack_bytes += (bytes + 7) & ~7u;
	return -(s32)g->stack_bytes;
}

/* kept: bytes of the stack that are left to others. */
static void take_memory(struct ft_gen *g, struct ft_home *home, u32 bytes, u32 on_stack_max,
			u32 kept)
{
	if (bytes <= on_stack_max &&
	    g->stack_bytes + bytes + kept <= (g->by_calls ? STACK_BYTES_CALLED : STACK_BYTES)) {
		home->kind = FT_HOME_STACK;
		home->off = take_stack(g, bytes);
		return;
	}
	home->kind = FT_HOME_SLOT;
	if (!g->slot_bytes)
		g->slot_bytes = sizeof(struct ft_slot_head);
	home->off = (s32)g->slot_bytes;
	g->slot_bytes += bytes;
	g->needs_slot = true;
}

static int by_begin(const void *a, const void *b)
{
	const struct interval *x = a, *y = b;

	return x->begin != y->begin ? (x->begin < y->begin ? -1 : 1)
				    : (x->reg > y->reg) - (x->reg < y->reg);
}

/* Gives numbers registers, in the order in which they begin. */
static void give_registers(struct scan *s)
{
	const struct interval *holders[MACHINE_REGS] = {NULL};
	struct ft_gen *g = s->g;

	for (u32 i = 0; i < g->ir->reg_count; i++) {
		const struct interval *now = &s->intervals[i];
		struct ft_home *home = &g->homes[now->reg];
		int free_at = -1, longest = -1;

		if (!is_alive(now) || home->kind != FT_HOME_NONE)
			continue;
		for (int r = 0; r < MACHINE_REGS; r++) {
			if (holders[r] && holders[r]->end >= now->begin) {
				if (longest < 0 || holders[r]->end > holders[longest]->end)
					longest = r;
				continue;
			}
			free_at = r;
		}
		if (free_at < 0 && holders[longest]->end > now->end) {
			struct ft_home *other = &g->homes[holders[longest]->reg];

			take_memory(g, other, 8, 8, 0);
			free_at = longest;
		}
		if (free_at < 0) {
			take_memory(g, home, 8, 8, 0);
			continue;
		}
		home->kind = FT_HOME_REG;
		home->reg = (u8)(FIRST_REG + free_at);
		holders[free_at] = now;
	}
}

static u32 temp_of(const struct ft_ir_op *op)
{
	if (!op->in_kernel)
		return 0;
	if (op->kind == FT_IR_BUILTIN && op->builtin->kernel)
		return ft_bpf_builtin_temp(op->builtin->kernel);
	if (op->kind == FT_IR_BUILTIN || op->kind == FT_IR_TARGET || op->kind == FT_IR_SPRINT)
		return FT_GEN_TEMP_SMALL;
	return op->var && (ft_ir_side(op) & FT_SIDE_KERNEL) ? ft_gen_var_temp(op) : 0;
}

static void take_temp(struct ft_gen *g)
{
	for (u32 b = 0; b < g->ir->block_count; b++)
		for (u32 i = 0; i < g->ir->blocks[b].count; i++) {
			const struct ft_ir_op *op = &g->ir->blocks[b].ops[i];
			u32 bytes = temp_of(op);

			/* what programs' debug information computes with */
			if ((op->kind == FT_IR_TARGET || op->kind == FT_IR_POKE) && op->in_kernel &&
			    (g->ir->handler->point->user || op->expr->target_module ||
			     (op->expr->target_type && !op->expr->left)))
				bytes = 8 + FT_STEPS_DEPTH_MAX * 8;
			if (bytes > g->temp_bytes)
				g->temp_bytes = bytes;
		}
	if (g->temp_bytes)
		take_memory(g, &g->temp, g->temp_bytes, STACK_TEMP_MAX, STACK_SPILLS_KEPT);
}

/* Bytes of a string, or those that it needs while it is made: then it lives in the slot. */
static u32 room_of(const struct ft_ir *ir, u32 reg)
{
	return ir->regs[reg].room > ir->regs[reg].bytes ? ir->regs[reg].room : ir->regs[reg].bytes;
}

/* The smallest room that has become free; NULL: there is none. */
static struct room *free_room(const struct scan *s, u32 bytes, u32 begin)
{
	struct room *best = NULL;

	for (u32 i = 0; i < s->room_count; i++) {
		struct room *room = &s->rooms[i];

		if (room->end < begin && room->bytes >= bytes &&
		    (!best || room->bytes < best->bytes))
			best = room;
	}
	return best;
}

/* A string, in the order in which they begin. */
static void take_text_memory(struct scan *s, const struct interval *at, u32 on_stack_max, u32 kept)
{
	struct ft_home *home = &s->g->homes[at->reg];
	u32 bytes = room_of(s->g->ir, at->reg);
	struct room *room;

	if (bytes > on_stack_max) {
		room = free_room(s, bytes, at->begin);
		if (room) {
			*home = (struct ft_home){.kind = FT_HOME_SLOT, .off = room->off};
			room->end = at->end;
			return;
		}
	}
	take_memory(s->g, home, bytes, on_stack_max, kept);
	if (home->kind != FT_HOME_SLOT)
		return;
	room = FT_ARENA_PUSH(s->g->compile->arena, &s->rooms, &s->room_count);
	if (room)
		*room = (struct room){.off = home->off, .bytes = bytes, .end = at->end};
}

/* What needs no register: constants, strings, and what is kept while other programs run. */
static void give_memory(struct scan *s, const struct interval *at)
{
	struct ft_gen *g = s->g;
	struct ft_home *home = &g->homes[at->reg];
	bool is_text = g->ir->regs[at->reg].type == FT_TYPE_STRING;

	if (at->writes && is_fixed(s, at)) {
		*home = (struct ft_home){.kind = FT_HOME_FIXED, .op = at->writer};
	} else if (is_alive(at) && (spans_split(s, at) || ft_gen_outlasts(g, at->reg))) {
		if (is_text)
			take_text_memory(s, at, 0, 0);
		else
			take_memory(g, home, 8, 0, 0);
	} else if (is_alive(at) && is_text) {
		take_text_memory(s, at, g->ir->regs[at->reg].room ? 0 : STACK_TEXT_MAX,
				 STACK_SPILLS_KEPT);
	}
}

int ft_gen_homes(struct ft_gen *g)
{
	const struct ft_ir *ir = g->ir;
	struct scan s = {.g = g};
	int code = ft_liveness(g->compile->arena, ir, &s.live);

	if (code)
		return code;
	s.intervals = ft_arena_alloc(g->compile->arena, ir->reg_count + 1, sizeof(*s.intervals));
	s.bits = ft_arena_alloc(g->compile->arena, s.live.words, sizeof(*s.bits));
	g->homes = ft_arena_alloc(g->compile->arena, ir->reg_count + 1, sizeof(*g->homes));
	if (!s.intervals || !s.bits || !g->homes)
		return -ENOMEM;
	for (u32 i = 0; i < ir->reg_count; i++)
		s.intervals[i] =
			(struct interval){.reg = i, .begin = UINT32_MAX, .end = UINT32_MAX};
	g->live = s.live;
	find_intervals(&s);
	if (s.split_count || g->by_calls) {
		g->needs_slot = true;
		g->slot_bytes = sizeof(struct ft_slot_head);
	}
	g->context_off = take_stack(g, 8);
	g->slot_off = take_stack(g, 8);
	g->actions_off = take_stack(g, 8);
	g->failed_off = take_stack(g, 8);
	if (ft_syscall_for_all(ir->handler->point))
		g->who_off = take_stack(g, 8);
	if (g->sleeps)
		g->fault_off = take_stack(g, 4 * 8);
	take_temp(g);
	qsort(s.intervals, ir->reg_count, sizeof(*s.intervals), by_begin);
	for (u32 i = 0; i < ir->reg_count; i++)
		give_memory(&s, &s.intervals[i]);
	give_registers(&s);
	return 0;
}

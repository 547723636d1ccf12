/*
 * place.c - what is done in the kernel, and what in user space; see ir.h.
 *
 * A handler of the kernel is followed from its beginning. What only outputs becomes a record, and
 * the kernel goes on. Where it comes to an operation of user space, it sends the registers that are
 * alive, and user space goes on from there. What only the kernel can find out, and is needed after
 * that point, is found out before it and sent along.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "scriptlang/codegen/bpf.h"
#include "scriptlang/ir/place.h"
#include "scriptlang/kernel/abi.h"
#include "scriptlang/runtime/interp.h"
#include "scriptlang/sema/target.h"

#define EARLY_DEPTH_MAX 30 /* operations that lead to an address */

struct placer {
	struct ft_compile *compile;
	struct ft_ir_program *program;
	struct ft_ir *ir;
	struct ft_liveness live;
	u32 reg_count;		 /* before any were added */
	bool *seen;		 /* blocks */
	bool *reached;		 /* those that user space enters behind the record at hand */
	bool *entered;		 /* functions that it may call, by number */
	struct ft_ir_op *before; /* what has to be found out before the record at hand */
	u32 before_count;
	bool changed;	    /* registers or variables turned out to hold references */
	const char **names; /* of functions that are hoisted, with their numbers */
	u32 *numbers;
	u32 name_count, number_count;
};

static struct ft_ir_site *new_site(struct placer *p, enum ft_site_kind kind, u32 block, u32 at)
{
	struct ft_ir_site *site = FT_ARENA_NEW(p->compile->arena, struct ft_ir_site), **slot;

	slot = site ? FT_ARENA_PUSH(p->compile->arena, &p->program->sites, &p->program->site_count)
		    : NULL;
	if (!slot)
		return NULL;
	*slot = site;
	*site = (struct ft_ir_site){.kind = kind, .ir = p->ir, .block = block, .at = at};
	p->ir->blocks[block].ops[at].site = p->program->site_count - 1;
	return site;
}

static void send_reg(struct placer *p, struct ft_ir_site *site, u32 reg)
{
	u32 *slot;

	for (u32 i = 0; i < site->reg_count; i++)
		if (site->regs[i] == reg)
			return;
	slot = FT_ARENA_PUSH(p->compile->arena, &site->regs, &site->reg_count);
	if (slot)
		*slot = reg;
}

/* The number of a function among what is hoisted; it has one however often it is called. */
static u32 number_of(struct placer *p, const char *name)
{
	const char **slot;
	u32 *number;

	for (u32 i = 0; i < p->name_count && i < p->number_count; i++)
		if (!strcmp(p->names[i], name))
			return p->numbers[i];
	slot = FT_ARENA_PUSH(p->compile->arena, &p->names, &p->name_count);
	number = FT_ARENA_PUSH(p->compile->arena, &p->numbers, &p->number_count);
	if (!slot || !number)
		return 0;
	*slot = name;
	*number = ++p->program->hoist_count;
	return *number;
}

static bool has_inputs(const struct ft_ir_op *op)
{
	for (u32 i = 0; i < op->arg_count; i++)
		if (op->args[i] != FT_IR_NONE)
			return true;
	return false;
}

/* Whether calls of one function differ by what stands in them. */
static bool has_literals(const struct ft_ir_op *op)
{
	return op->builtin->kernel && ft_bpf_takes_literals(op->builtin->kernel);
}

/* Adds a copy of an operation to what is done before the record; its register, or NONE. */
static u32 add_before(struct placer *p, const struct ft_ir_op *op, enum ft_type type)
{
	struct ft_ir_op *copy = FT_ARENA_PUSH(p->compile->arena, &p->before, &p->before_count);
	struct ft_ir_reg *reg = FT_ARENA_PUSH(p->compile->arena, &p->ir->regs, &p->ir->reg_count);

	if (!copy || !reg)
		return FT_IR_NONE;
	*copy = *op;
	copy->dst = p->ir->reg_count - 1;
	copy->in_kernel = copy->is_quiet = true;
	copy->hoist = copy->site = copy->hoist_fault = copy->fault = 0;
	reg->type = type;
	return copy->dst;
}

/* Whether reading a variable may fail. What an address at hand leads to is read once more. */
static bool may_fault(const struct placer *p, const struct ft_ir_op *op)
{
	struct ft_target t;

	if (op->kind != FT_IR_TARGET || op->peek ||
	    ft_target_resolve(p->compile, p->ir->handler->point, op->expr, &t, NULL))
		return false;
	for (u32 i = 0; i < t.step_count; i++)
		if (t.steps[i].kind == FT_STEP_LOAD)
			return true;
	return t.loads;
}

/* Its value is 0 then, and another one says that it is none: reading it is an error later. */
static void note_fault(struct placer *p, struct ft_ir_site *site, struct ft_ir_op *op)
{
	struct ft_ir_hoist *slot;
	struct ft_ir_reg *reg;

	if (!may_fault(p, op))
		return;
	if (!op->hoist_fault)
		op->hoist_fault = ++p->program->hoist_count;
	slot = FT_ARENA_PUSH(p->compile->arena, &site->hoists, &site->hoist_count);
	reg = FT_ARENA_PUSH(p->compile->arena, &p->ir->regs, &p->ir->reg_count);
	if (!slot || !reg)
		return;
	reg->type = FT_TYPE_LONG;
	*slot = (struct ft_ir_hoist){.number = op->hoist_fault, .reg = p->ir->reg_count - 1};
	p->before[p->before_count - 1].fault = p->ir->reg_count;
}

/* Something that only the kernel can find out is needed later. args: registers that it has then. */
static u32 hoist_with(struct placer *p, struct ft_ir_site *site, const struct ft_ir *ir,
		      struct ft_ir_op *op, u32 *args)
{
	struct ft_ir_hoist *slot;
	struct ft_ir_op copy;
	u32 reg;

	if (!op->hoist)
		op->hoist = op->kind == FT_IR_BUILTIN && !has_literals(op) && !has_inputs(op)
				    ? number_of(p, op->builtin->name)
				    : ++p->program->hoist_count;
	for (u32 i = 0; i < site->hoist_count; i++)
		if (site->hoists[i].number == op->hoist)
			return site->hoists[i].reg;
	slot = FT_ARENA_PUSH(p->compile->arena, &site->hoists, &site->hoist_count);
	copy = *op;
	copy.args = args;
	reg = add_before(p, &copy, ir->regs[op->dst].type);
	if (!slot || reg == FT_IR_NONE)
		return FT_IR_NONE;
	p->ir->regs[reg].is_ref = op->kind == FT_IR_GET
					  ? op->var->holds_refs
					  : op->kind == FT_IR_BUILTIN && op->builtin->kernel &&
						    ft_bpf_is_ref(op->builtin->kernel);
	*slot = (struct ft_ir_hoist){.number = op->hoist, .reg = reg};
	note_fault(p, site, op);
	return reg;
}

/* ---- what the kernel reads before the record, because its address is known by then ---- */

/* All that user space may come to from an operation on: marks blocks that it enters. */
static void reach(const struct placer *p, u32 block, bool *seen)
{
	const struct ft_ir_block *b = &p->ir->blocks[block];

	if (seen[block])
		return;
	seen[block] = true;
	for (u32 i = 0; i < b->count; i++) {
		if (b->ops[i].then != FT_IR_NONE)
			reach(p, b->ops[i].then, seen);
		if (b->ops[i].other != FT_IR_NONE)
			reach(p, b->ops[i].other, seen);
	}
	if (b->catch != FT_IR_NONE)
		reach(p, b->catch, seen);
}

static bool writes(const struct ft_ir_op *op, u32 reg)
{
	for (u32 i = 0; op->kind == FT_IR_STEP && i < op->arg_count; i++)
		if (op->args[i] == reg)
			return true;
	return op->dst == reg;
}

/* How often a register is written behind the record; *op is the last place. */
static u32 find_writes(struct placer *p, const struct ft_ir_site *site, u32 reg,
		       struct ft_ir_op **op)
{
	u32 count = 0;

	for (u32 b = 0; b < p->ir->block_count; b++) {
		struct ft_ir_block *block = &p->ir->blocks[b];
		u32 from = p->reached[b] ? 0 : b == site->block ? site->at : block->count;

		for (u32 i = from; i < block->count; i++)
			if (writes(&block->ops[i], reg)) {
				count++;
				*op = &block->ops[i];
			}
	}
	return count;
}

static bool is_sent(const struct ft_ir_site *site, u32 reg)
{
	for (u32 i = 0; i < site->reg_count; i++)
		if (site->regs[i] == reg)
			return true;
	return false;
}

/* Whether both sides can read it: members of what an address leads to, and functions like them. */
static bool is_peek(const struct ft_ir_op *op)
{
	return (op->kind == FT_IR_TARGET && op->peek) ||
	       (op->kind == FT_IR_BUILTIN && op->builtin->kernel && !op->builtin->of_event &&
		ft_builtin_peek_find(op->builtin->name));
}

static u32 hoist_early(struct placer *p, struct ft_ir_site *site, struct ft_ir_op *op, u32 depth);

/* What the kernel can find out at any time. */
static bool is_of_event(const struct ft_ir_op *op)
{
	return !has_inputs(op) && ((op->kind == FT_IR_BUILTIN && op->builtin->of_event) ||
				   (op->kind == FT_IR_TARGET && !op->peek));
}

/*
 * A register that has now what reg will have all the time behind the record; NONE: that is not
 * known yet, or it changes.
 */
static u32 early(struct placer *p, struct ft_ir_site *site, u32 reg, u32 depth)
{
	struct ft_ir_op *op = NULL, copy;
	u32 count = find_writes(p, site, reg, &op);

	if (is_sent(site, reg))
		return count ? FT_IR_NONE : reg;
	if (count != 1 || depth > EARLY_DEPTH_MAX)
		return FT_IR_NONE;
	if (op->kind == FT_IR_MOVE)
		return early(p, site, op->a, depth + 1);
	if (is_of_event(op))
		return hoist_with(p, site, p->ir, op, op->args);
	if (p->ir->regs[reg].type == FT_TYPE_STRING)
		return FT_IR_NONE;
	if (is_peek(op) || op->kind == FT_IR_TARGET)
		return hoist_early(p, site, op, depth + 1);
	if (op->kind > FT_IR_GE || ft_ir_fails(op) || op->kind == FT_IR_TEXT)
		return FT_IR_NONE;
	copy = *op;
	if (op->a != FT_IR_NONE)
		copy.a = early(p, site, op->a, depth + 1);
	if (op->b != FT_IR_NONE)
		copy.b = early(p, site, op->b, depth + 1);
	if ((op->a != FT_IR_NONE && copy.a == FT_IR_NONE) ||
	    (op->b != FT_IR_NONE && copy.b == FT_IR_NONE))
		return FT_IR_NONE;
	return add_before(p, &copy, FT_TYPE_LONG);
}

/* The kernel reads it now, if it can: later it may be gone. Its register, or NONE. */
static u32 hoist_early(struct placer *p, struct ft_ir_site *site, struct ft_ir_op *op, u32 depth)
{
	u32 *args = ft_arena_alloc(p->compile->arena, op->arg_count + 1, sizeof(*args));

	if (!args)
		return FT_IR_NONE;
	for (u32 i = 0; i < op->arg_count; i++) {
		args[i] =
			op->args[i] == FT_IR_NONE ? FT_IR_NONE : early(p, site, op->args[i], depth);
		if (op->args[i] != FT_IR_NONE && args[i] == FT_IR_NONE)
			return FT_IR_NONE;
	}
	return hoist_with(p, site, p->ir, op, args);
}

/* What only the kernel can find out; what it depends on has to be known by then. */
static void hoist(struct placer *p, struct ft_ir_site *site, const struct ft_ir *ir,
		  struct ft_ir_op *op)
{
	if (!has_inputs(op))
		hoist_with(p, site, ir, op, op->args);
	else if (ir != p->ir || hoist_early(p, site, op, 0) == FT_IR_NONE)
		ft_sema_fail(p->compile, op->expr->at, "identifier",
			     "this is read in the kernel, but what it depends on is computed in "
			     "user space; read it into a variable before");
}

/* What functions that are called in user space need from the kernel. */
static void hoist_of_function(struct placer *p, struct ft_ir_site *site,
			      const struct ft_function *f)
{
	for (; f; f = f->next_overload) {
		const struct ft_ir *ir = p->program->functions[f->number];

		if (p->entered[f->number])
			continue;
		p->entered[f->number] = true;
		for (u32 b = 0; b < ir->block_count; b++)
			for (u32 i = 0; i < ir->blocks[b].count; i++) {
				struct ft_ir_op *op = &ir->blocks[b].ops[i];

				if (op->kind == FT_IR_CALL)
					hoist_of_function(p, site, op->function);
				if (op->kind == FT_IR_BUILTIN && op->builtin->of_event)
					hoist(p, site, ir, op);
			}
	}
}

/* All that user space may come to from an operation on. */
static void look_ahead(struct placer *p, struct ft_ir_site *site, u32 block, u32 at, bool *seen)
{
	struct ft_ir_block *b = &p->ir->blocks[block];

	if (!at && seen[block])
		return;
	if (!at)
		seen[block] = true;
	for (u32 i = at; i < b->count; i++) {
		struct ft_ir_op *op = &b->ops[i];

		if (op->kind == FT_IR_POKE)
			ft_sema_fail(p->compile, op->expr->at, "identifier",
				     "memory of processes is written where the event is: write "
				     "before what only user space can do");
		if ((op->kind == FT_IR_TARGET && !op->peek) ||
		    (op->kind == FT_IR_BUILTIN && op->builtin->of_event))
			hoist(p, site, p->ir, op);
		else if (is_peek(op) ||
			 (op->var && op->var->read_early && ft_place_reads_early(p->ir, op)))
			hoist_early(p, site, op, 0);
		if (op->kind == FT_IR_CALL)
			hoist_of_function(p, site, op->function);
		if (ft_ir_side(op) == FT_SIDE_KERNEL && op->kind == FT_IR_BUILTIN &&
		    !op->builtin->of_event)
			hoist(p, site, p->ir, op);
		if (op->then != FT_IR_NONE)
			look_ahead(p, site, op->then, 0, seen);
		if (op->other != FT_IR_NONE)
			look_ahead(p, site, op->other, 0, seen);
	}
	if (b->catch != FT_IR_NONE)
		look_ahead(p, site, b->catch, 0, seen);
}

/* Puts what has to be found out before the site's operation. */
static void insert(struct placer *p, struct ft_ir_site *site)
{
	struct ft_ir_block *b = &p->ir->blocks[site->block];
	u32 count = b->count + p->before_count;
	struct ft_ir_op *ops = ft_arena_alloc(p->compile->arena, count, sizeof(*ops));

	if (!ops || !p->before_count)
		return;
	memcpy(ops, b->ops, site->at * sizeof(*ops));
	memcpy(ops + site->at, p->before, p->before_count * sizeof(*ops));
	memcpy(ops + site->at + p->before_count, b->ops + site->at,
	       (b->count - site->at) * sizeof(*ops));
	b->ops = ops;
	b->count = count;
	site->at += p->before_count;
}

/* Whether user space may come to a fenced variable from an operation on. */
static bool touches_fenced(const struct placer *p, u32 block, u32 at, const bool *reached)
{
	for (u32 b = 0; b < p->ir->block_count; b++)
		for (u32 i = reached[b]	  ? 0
			     : b == block ? at
					  : UINT32_MAX;
		     i < p->ir->blocks[b].count; i++)
			if (ft_place_touches_fenced(p->program, &p->ir->blocks[b].ops[i]))
				return true;
	return false;
}

/* The handler goes on in user space. */
static void ship(struct placer *p, u32 block, u32 at)
{
	struct ft_ir_site *site = new_site(p, FT_SITE_SHIP, block, at);
	struct ft_ir_block *b = &p->ir->blocks[block];
	bool *seen = ft_arena_alloc(p->compile->arena, p->ir->block_count, sizeof(*seen));
	bool *reached = ft_arena_alloc(p->compile->arena, p->ir->block_count, sizeof(*reached));
	u64 *bits = ft_arena_alloc(p->compile->arena, p->live.words, sizeof(*bits));

	p->entered = ft_arena_alloc(p->compile->arena, p->program->function_count + 1,
				    sizeof(*p->entered));
	if (!site || !seen || !reached || !bits || !p->entered)
		return;
	memcpy(bits, p->live.out[block], p->live.words * sizeof(*bits));
	for (u32 i = b->count; i-- > at;)
		ft_live_step(&b->ops[i], bits);
	for (u32 r = 0; r < p->reg_count; r++)
		if (bits[r / 64] >> r % 64 & 1)
			send_reg(p, site, r);
	p->before = NULL;
	p->before_count = 0;
	p->reached = reached;
	for (u32 i = at; i < b->count; i++) {
		if (b->ops[i].then != FT_IR_NONE)
			reach(p, b->ops[i].then, reached);
		if (b->ops[i].other != FT_IR_NONE)
			reach(p, b->ops[i].other, reached);
	}
	if (b->catch != FT_IR_NONE)
		reach(p, b->catch, reached);
	look_ahead(p, site, block, at, seen);
	site->fences = touches_fenced(p, block, at, reached);
	insert(p, site);
}

static void post(struct placer *p, u32 block, u32 at)
{
	struct ft_ir_site *site = new_site(p, FT_SITE_POST, block, at);
	const struct ft_ir_op *op = &p->ir->blocks[block].ops[at];

	for (u32 i = 0; site && i < op->arg_count; i++)
		send_reg(p, site, op->args[i]);
}

/* ---- references: what is no text in the kernel ---- */

static void note_ref(struct placer *p, bool *is_ref)
{
	p->changed |= !*is_ref;
	*is_ref = true;
}

static void spread_refs_of(struct placer *p, struct ft_ir *ir, const struct ft_ir_op *op)
{
	struct ft_var *v = op->var;
	bool is_ref = false;

	if (op->kind == FT_IR_MOVE)
		is_ref = ir->regs[op->a].is_ref;
	else if (op->kind == FT_IR_GET)
		is_ref = v->holds_refs;
	else if (op->kind == FT_IR_BUILTIN && op->builtin->kernel)
		is_ref = ft_bpf_is_ref(op->builtin->kernel);
	else if (op->kind == FT_IR_SET && ir->regs[op->a].is_ref)
		note_ref(p, &v->holds_refs);
	if (is_ref && op->dst != FT_IR_NONE && ir->regs[op->dst].type == FT_TYPE_STRING)
		note_ref(p, &ir->regs[op->dst].is_ref);
	for (u32 i = 0; v && i < op->arg_count && i < FT_KEYS_MAX; i++)
		if (op->args[i] != FT_IR_NONE && ir->regs[op->args[i]].is_ref)
			note_ref(p, &v->key_refs[i]);
}

/* Finds out which registers and variables may hold references. */
static void spread_refs(struct placer *p)
{
	do {
		p->changed = false;
		for (u32 h = 0; h < p->program->program->handler_count; h++) {
			struct ft_ir *ir = p->program->handlers[h];

			for (u32 b = 0; ir->side == FT_SIDE_KERNEL && b < ir->block_count; b++)
				for (u32 i = 0; i < ir->blocks[b].count; i++)
					spread_refs_of(p, ir, &ir->blocks[b].ops[i]);
		}
	} while (p->changed);
}

static bool is_ref(const struct ft_ir *ir, u32 reg)
{
	return reg != FT_IR_NONE && ir->regs[reg].is_ref;
}

/* The operation that gives a register its only value, or NULL. */
static const struct ft_ir_op *only_write(const struct ft_ir *ir, u32 reg)
{
	const struct ft_ir_op *found = NULL;

	for (u32 b = 0; b < ir->block_count; b++)
		for (u32 i = 0; i < ir->blocks[b].count; i++) {
			if (!writes(&ir->blocks[b].ops[i], reg))
				continue;
			if (found)
				return NULL;
			found = &ir->blocks[b].ops[i];
		}
	return found;
}

/* Whether early() finds a register wherever its handler is handed over. */
static bool is_known(const struct ft_ir *ir, u32 reg, u32 depth)
{
	const struct ft_ir_op *op = only_write(ir, reg);

	if (!op || depth > EARLY_DEPTH_MAX)
		return false;
	if (op->kind == FT_IR_MOVE)
		return is_known(ir, op->a, depth + 1);
	if (is_of_event(op))
		return true;
	return op->kind <= FT_IR_GE && op->kind != FT_IR_TEXT && !ft_ir_fails(op) &&
	       (op->a == FT_IR_NONE || is_known(ir, op->a, depth + 1)) &&
	       (op->b == FT_IR_NONE || is_known(ir, op->b, depth + 1));
}

bool ft_place_reads_early(const struct ft_ir *ir, const struct ft_ir_op *op)
{
	if ((op->kind != FT_IR_GET && op->kind != FT_IR_HAS) || !ft_place_in_kernel(ir, op))
		return false;
	for (u32 i = 0; i < op->arg_count; i++)
		if (op->args[i] == FT_IR_NONE || !is_known(ir, op->args[i], 0))
			return false;
	return true;
}

/* What looks into strings needs their text. */
bool ft_place_in_kernel(const struct ft_ir *ir, const struct ft_ir_op *op)
{
	const struct ft_expr *e = op->expr;

	if (!(ft_ir_side(op) & FT_SIDE_KERNEL))
		return false;
	if (op->kind == FT_IR_CONCAT || op->kind == FT_IR_ORDER)
		return !is_ref(ir, op->a) && !is_ref(ir, op->b);
	if (op->kind == FT_IR_SAME)
		return is_ref(ir, op->a) == is_ref(ir, op->b);
	if (op->kind == FT_IR_SPRINT) {
		for (u32 i = 0; i < op->arg_count; i++)
			if (is_ref(ir, op->args[i]))
				return false;
		return ft_bpf_format_fits(e);
	}
	if (op->kind != FT_IR_BUILTIN || !op->builtin->looks_into)
		return true;
	if (!strcmp(op->builtin->name, "isinstr") &&
	    (e->args[1]->kind != FT_EXPR_STRING || !e->args[1]->len || e->args[1]->len > 8 ||
	     memchr(e->args[1]->text, 0, e->args[1]->len)))
		return false;
	return !is_ref(ir, op->args[0]) && e->args[0]->kind != FT_EXPR_STRING;
}

static void follow(struct placer *p, u32 block)
{
	struct ft_ir_block *b = &p->ir->blocks[block];

	if (block == FT_IR_NONE || p->seen[block])
		return;
	p->seen[block] = true;
	for (u32 i = 0; i < b->count; i++) {
		struct ft_ir_op *op = &b->ops[i];

		op->in_kernel = true;
		if (ft_ir_posts(op)) {
			post(p, block, i);
		} else if (!ft_place_in_kernel(p->ir, op)) {
			ship(p, block, i);
			return;
		} else if (ft_ir_fails(op)) {
			new_site(p, FT_SITE_ERROR, block, i);
		}
		if (op->var)
			op->var->in_kernel = true;
		/* Running out of statements cannot be caught. */
		if (ft_ir_fails(op) && op->kind != FT_IR_ACTION && b->catch != FT_IR_NONE)
			follow(p, b->catch);
		if (op->then != FT_IR_NONE)
			follow(p, op->then);
		if (op->other != FT_IR_NONE)
			follow(p, op->other);
	}
}

static int place_handler(struct placer *p, struct ft_ir *ir)
{
	int code = ft_liveness(p->compile->arena, ir, &p->live);

	p->ir = ir;
	p->reg_count = ir->reg_count;
	p->seen = ft_arena_alloc(p->compile->arena, ir->block_count + 1, sizeof(*p->seen));
	if (code || !p->seen)
		return -ENOMEM;
	follow(p, 0);
	return 0;
}

static void note_stat(struct ft_var *v, enum ft_stat_op stat)
{
	v->asked |= 1u << stat;
	if (stat == FT_STAT_AVG || stat == FT_STAT_VARIANCE)
		v->asked |= 1u << FT_STAT_SUM;
}

/* What is read of statistics: a program keeps no more. */
static void note_stats(const struct ft_ir *ir)
{
	for (u32 b = 0; b < ir->block_count; b++)
		for (u32 i = 0; i < ir->blocks[b].count; i++) {
			const struct ft_ir_op *op = &ir->blocks[b].ops[i];

			if (op->kind == FT_IR_STAT)
				note_stat(op->var, (enum ft_stat_op)op->number);
			if (op->kind == FT_IR_WALK)
				note_stat(op->var, op->foreach->sort_stat);
		}
}

/* Who asks for what: handlers, the flame graph, the report of what nobody has read (report.c). */
static void note_all_stats(const struct ft_ir_program *program)
{
	const struct ft_program *p = program->program;

	for (u32 i = 0; i < p->handler_count; i++)
		note_stats(program->handlers[i]);
	for (u32 i = 0; i < program->function_count; i++)
		note_stats(program->functions[i]);
	if (p->flame)
		note_stat(p->flame, p->flame_stat);
	for (u32 i = 0; i < p->global_count; i++)
		for (int stat = FT_STAT_COUNT; !p->globals[i]->read && stat <= FT_STAT_AVG; stat++)
			note_stat(p->globals[i], (enum ft_stat_op)stat);
}

int ft_place(struct ft_compile *compile, struct ft_ir_program *program, u32 string_bytes)
{
	struct placer p = {.compile = compile, .program = program};
	u32 errors = compile->diags.errors;
	int code = 0;

	if (!FT_ARENA_PUSH(compile->arena, &program->sites, &program->site_count))
		return -ENOMEM;
	spread_refs(&p);
	code = ft_place_fences(compile->arena, program);
	note_all_stats(program);
	for (u32 i = 0; i < program->program->handler_count && !code; i++)
		if (program->handlers[i]->side == FT_SIDE_KERNEL)
			code = place_handler(&p, program->handlers[i]);
	if (code)
		return code;
	ft_place_sizes(program, string_bytes);
	return ft_arena_failed(compile->arena)	? -ENOMEM
	       : compile->diags.errors > errors ? -EINVAL
						: 0;
}

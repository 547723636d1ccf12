/* bpf_gen.c - operations become instructions; see bpf_gen.h. */
#include "scriptlang/codegen/bpf_gen.h"
#include "scriptlang/kernel/netfilter.h"
#include "scriptlang/sema/functions.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define INSNS_MAX 30000 /* jumps reach 32,767 */

/* ---- registers ---- */

bool ft_gen_fixed(const struct ft_gen *g, u32 reg, s32 *number)
{
	const struct ft_home *home = &g->homes[reg];

	if (home->kind != FT_HOME_FIXED || home->op->kind != FT_IR_NUMBER ||
	    home->op->number != (s32)home->op->number)
		return false;
	*number = (s32)home->op->number;
	return true;
}

struct ft_memory ft_gen_memory(struct ft_gen *g, const struct ft_home *home, u8 base)
{
	if (home->kind != FT_HOME_SLOT)
		return (struct ft_memory){.base = BPF_REG_10, .off = home->off};
	ft_bpf_load(&g->code, FT_BPF_8, base, BPF_REG_10, g->slot_off);
	return (struct ft_memory){.base = base, .off = home->off};
}

struct ft_memory ft_gen_temp(struct ft_gen *g, u32 off, u8 base)
{
	struct ft_memory m = ft_gen_memory(g, &g->temp, base);

	m.off += (s32)off;
	return m;
}

void ft_gen_address(struct ft_gen *g, u8 dst, struct ft_memory m)
{
	ft_bpf_mov(&g->code, dst, m.base);
	if (m.off)
		ft_bpf_alu_imm(&g->code, BPF_ADD, dst, m.off);
}

u8 ft_gen_get(struct ft_gen *g, u32 reg, u8 scratch)
{
	const struct ft_home *home = &g->homes[reg];
	struct ft_memory m;

	switch (home->kind) {
	case FT_HOME_REG:
		return home->reg;
	case FT_HOME_FIXED:
		ft_bpf_number(&g->code, scratch, home->op->number);
		return scratch;
	case FT_HOME_STACK:
	case FT_HOME_SLOT:
		m = ft_gen_memory(g, home, scratch);
		ft_bpf_load(&g->code, FT_BPF_8, scratch, m.base, m.off);
		return scratch;
	default:
		ft_bpf_number(&g->code, scratch, 0);
		return scratch;
	}
}

void ft_gen_set(struct ft_gen *g, u32 reg, u8 from)
{
	const struct ft_home *home = reg == FT_IR_NONE ? NULL : &g->homes[reg];
	struct ft_memory m;

	if (!home || home->kind == FT_HOME_NONE || home->kind == FT_HOME_FIXED)
		return;
	if (home->kind == FT_HOME_REG) {
		ft_bpf_mov(&g->code, home->reg, from);
		return;
	}
	m = ft_gen_memory(g, home, from == BPF_REG_5 ? BPF_REG_4 : BPF_REG_5);
	ft_bpf_store(&g->code, FT_BPF_8, m.base, m.off, from);
}

u32 ft_gen_failure(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_gen_stub *stub = FT_ARENA_PUSH(g->compile->arena, &g->stubs, &g->stub_count);

	if (!stub)
		return g->end;
	*stub = (struct ft_gen_stub){
		.op = op, .label = ft_bpf_label(&g->code), .catch = g->ir->blocks[g->block].catch};
	return stub->label;
}

void ft_gen_context(struct ft_gen *g, u8 dst)
{
	g->reads_context = true;
	ft_bpf_load(&g->code, FT_BPF_8, dst, BPF_REG_10, g->context_off);
}

void ft_gen_failed(struct ft_gen *g, u8 dst)
{
	g->reads_failed = true;
	ft_bpf_load(&g->code, FT_BPF_8, dst, BPF_REG_10, g->failed_off);
}

/* ---- comparisons and control ---- */

static u8 jump_of(enum ft_ir_kind kind)
{
	switch (kind) {
	case FT_IR_EQ:
		return BPF_JEQ;
	case FT_IR_NE:
		return BPF_JNE;
	case FT_IR_LT:
		return BPF_JSLT;
	case FT_IR_GT:
		return BPF_JSGT;
	case FT_IR_LE:
		return BPF_JSLE;
	default:
		return BPF_JSGE;
	}
}

/*
 * r1 = a number to branch on. From "x == 3" the verifier learns that x is 3 and follows all that
 * comes behind for that x alone: a hundred such branches take a hundred walks. What it learns about
 * r1 says nothing about x, since "|= 0" makes r1 a value of its own.
 */
static u8 load_apart(struct ft_gen *g, u32 reg)
{
	ft_bpf_mov(&g->code, BPF_REG_1, ft_gen_get(g, reg, BPF_REG_1));
	ft_bpf_alu_imm(&g->code, BPF_OR, BPF_REG_1, 0);
	return BPF_REG_1;
}

static void jump_on(struct ft_gen *g, const struct ft_ir_op *op, u32 label)
{
	u8 a = load_apart(g, op->a);
	s32 number;

	if (ft_gen_fixed(g, op->b, &number))
		ft_bpf_jump_imm(&g->code, jump_of(op->kind), a, number, label);
	else
		ft_bpf_jump_if(&g->code, jump_of(op->kind), a, ft_gen_get(g, op->b, BPF_REG_2),
			       label);
}

/* Whether the next operation branches on the result, and nobody else wants it. */
static bool feeds_branch(const struct ft_gen *g, const struct ft_ir_op *op)
{
	const struct ft_home *home = &g->homes[op->dst];

	return g->next && g->next->kind == FT_IR_BRANCH && g->next->a == op->dst &&
	       home->kind == FT_HOME_REG;
}

static void gen_jump(struct ft_gen *g, u32 block);

/* r0 = whether r0 is not 0: a number or its opposite has the sign bit then. */
static void gen_not_zero(struct ft_bpf_code *c)
{
	ft_bpf_mov(c, BPF_REG_1, BPF_REG_0);
	ft_bpf_alu_imm(c, BPF_NEG, BPF_REG_1, 0);
	ft_bpf_alu(c, BPF_OR, BPF_REG_0, BPF_REG_1);
	ft_bpf_alu_imm(c, BPF_RSH, BPF_REG_0, 63);
}

/*
 * A comparison as a number, without a branch. a < b is the sign of a - b, unless that overflows:
 * then it is the sign of a. (Warren, "Hacker's Delight", 2-12.)
 */
static void gen_truth(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	bool equality = op->kind == FT_IR_EQ || op->kind == FT_IR_NE,
	     swaps = op->kind == FT_IR_GT || op->kind == FT_IR_LE;

	ft_bpf_mov(c, BPF_REG_0, ft_gen_get(g, swaps ? op->b : op->a, BPF_REG_0));
	ft_bpf_mov(c, BPF_REG_2, ft_gen_get(g, swaps ? op->a : op->b, BPF_REG_2));
	if (equality) {
		ft_bpf_alu(c, BPF_XOR, BPF_REG_0, BPF_REG_2);
		gen_not_zero(c);
	} else {
		ft_bpf_mov(c, BPF_REG_1, BPF_REG_0);
		ft_bpf_alu(c, BPF_SUB, BPF_REG_1, BPF_REG_2); /* a - b */
		ft_bpf_alu(c, BPF_XOR, BPF_REG_2, BPF_REG_0); /* a ^ b */
		ft_bpf_mov(c, BPF_REG_3, BPF_REG_1);
		ft_bpf_alu(c, BPF_XOR, BPF_REG_3, BPF_REG_0); /* (a - b) ^ a */
		ft_bpf_alu(c, BPF_AND, BPF_REG_2, BPF_REG_3);
		ft_bpf_mov(c, BPF_REG_0, BPF_REG_1);
		ft_bpf_alu(c, BPF_XOR, BPF_REG_0, BPF_REG_2);
		ft_bpf_alu_imm(c, BPF_RSH, BPF_REG_0, 63);
	}
	if (op->kind == FT_IR_EQ || op->kind == FT_IR_LE || op->kind == FT_IR_GE)
		ft_bpf_alu_imm(c, BPF_XOR, BPF_REG_0, 1);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

static void gen_compare(struct ft_gen *g, const struct ft_ir_op *op)
{
	u32 yes = ft_bpf_label(&g->code);

	if (feeds_branch(g, op) && g->skip_next) {
		jump_on(g, op, yes);
		gen_jump(g, g->next->other);
		ft_bpf_bind(&g->code, yes);
		gen_jump(g, g->next->then);
		return;
	}
	gen_truth(g, op);
}

static void gen_unary(struct ft_gen *g, const struct ft_ir_op *op)
{
	ft_bpf_mov(&g->code, BPF_REG_0, ft_gen_get(g, op->a, BPF_REG_0));
	if (op->kind == FT_IR_NEG) {
		ft_bpf_alu_imm(&g->code, BPF_NEG, BPF_REG_0, 0);
	} else if (op->kind == FT_IR_COMPLEMENT) {
		ft_bpf_alu_imm(&g->code, BPF_XOR, BPF_REG_0, -1);
	} else {
		gen_not_zero(&g->code);
		ft_bpf_alu_imm(&g->code, BPF_XOR, BPF_REG_0, 1);
	}
	ft_gen_set(g, op->dst, BPF_REG_0);
}

/* r1 = 0, which the verifier does not know. */
static void load_zero(struct ft_gen *g)
{
	ft_bpf_map_value(&g->code, BPF_REG_1, g->maps->globals, 0);
	ft_bpf_load(&g->code, FT_BPF_8, BPF_REG_1, BPF_REG_1, offsetof(struct ft_session, zero));
}

/*
 * In a handler with loops the verifier must not know what a variable begins with: it would follow
 * each round by itself instead of seeing that one is like the next.
 */
void ft_gen_forget(struct ft_gen *g, u8 reg)
{
	if (!g->ir->loops || g->maps->counts_rounds)
		return;
	load_zero(g);
	ft_bpf_alu(&g->code, BPF_ADD, reg, BPF_REG_1);
}

void ft_gen_number(struct ft_gen *g, u32 reg, s64 number)
{
	ft_bpf_number(&g->code, BPF_REG_0, number);
	ft_gen_forget(g, BPF_REG_0);
	ft_gen_set(g, reg, BPF_REG_0);
}

static void gen_move(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_memory m;

	if (g->ir->regs[op->dst].type != FT_TYPE_STRING) {
		if (g->homes[op->a].kind == FT_HOME_FIXED)
			ft_gen_number(g, op->dst, g->homes[op->a].op->number);
		else
			ft_gen_set(g, op->dst, ft_gen_get(g, op->a, BPF_REG_0));
		return;
	}
	m = ft_gen_memory(g, &g->homes[op->dst], BPF_REG_2);
	ft_gen_text_to(g, op->a, m, g->ir->regs[op->dst].bytes);
}

/* ---- control ---- */

/*
 * What one round has found out of numbers must not make the next one look different: comparisons
 * narrow them down, at the worst to a constant.
 */
static void forget_live(struct ft_gen *g, u32 block)
{
	const u64 *live = g->live.in[block];
	bool loaded = false;

	for (u32 r = 0; r < g->ir->reg_count; r++) {
		const struct ft_home *home = &g->homes[r];

		if (!(live[r / 64] >> r % 64 & 1) || g->ir->regs[r].type == FT_TYPE_STRING ||
		    home->kind == FT_HOME_NONE || home->kind == FT_HOME_FIXED)
			continue;
		if (!loaded) {
			load_zero(g);
			loaded = true;
		}
		if (home->kind == FT_HOME_REG) {
			ft_bpf_alu(&g->code, BPF_ADD, home->reg, BPF_REG_1);
			continue;
		}
		ft_gen_get(g, r, BPF_REG_0);
		ft_bpf_alu(&g->code, BPF_ADD, BPF_REG_0, BPF_REG_1);
		ft_gen_set(g, r, BPF_REG_0);
	}
}

/* Whether the way from the block at hand to another one closes a loop. */
static bool is_way_back(const struct ft_gen *g, u32 to)
{
	for (u32 i = 0; i < g->back_count; i++)
		if (g->backs[i].from == g->block && g->backs[i].to == to)
			return true;
	return false;
}

/* A way back: the kernel has to see that the loop ends. */
static void gen_jump(struct ft_gen *g, u32 block)
{
	/* Where rounds are calls, that is every way to where a loop may begin. */
	if (g->by_calls && g->heads[block]) {
		g->goes_back = true;
		ft_gen_round_back(g, block);
		return;
	}
	if (g->ir->loops && is_way_back(g, block)) {
		g->goes_back = true;
		if (!g->maps->counts_rounds) {
			forget_live(g, block);
			ft_bpf_may_goto(&g->code, ft_gen_failure(g, g->action));
		}
	}
	ft_bpf_jump(&g->code, g->labels[block]);
}

static void gen_action(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;

	g->action = op;
	if (!g->ir->loops)
		return;
	ft_bpf_load(c, FT_BPF_8, BPF_REG_0, BPF_REG_10, g->actions_off);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_0, 1);
	ft_bpf_store(c, FT_BPF_8, BPF_REG_10, g->actions_off, BPF_REG_0);
	ft_bpf_jump_imm(c, BPF_JGT, BPF_REG_0,
			(s32)(g->maps->max_actions * ft_actions_factor(g->ir->handler->point)),
			ft_gen_failure(g, op));
}

static void gen_branch(struct ft_gen *g, const struct ft_ir_op *op)
{
	u32 no = ft_bpf_label(&g->code);

	ft_bpf_jump_imm(&g->code, BPF_JEQ, load_apart(g, op->a), 0, no);
	gen_jump(g, op->then);
	ft_bpf_bind(&g->code, no);
	gen_jump(g, op->other);
}

static void gen_site(struct ft_gen *g, const struct ft_ir_op *op)
{
	const struct ft_ir_site *site = g->program->sites[op->site];

	ft_gen_record(g, site);
	if (site->kind == FT_SITE_SHIP)
		ft_bpf_jump(&g->code, g->end);
}

static void gen_op(struct ft_gen *g, const struct ft_ir_op *op)
{
	if (op->site && g->program->sites[op->site]->kind != FT_SITE_ERROR) {
		gen_site(g, op);
		return;
	}
	if (ft_ir_pure(op) && g->homes[op->dst].kind == FT_HOME_NONE)
		return;
	switch (op->kind) {
	case FT_IR_NUMBER:
		if (g->homes[op->dst].kind != FT_HOME_FIXED)
			ft_gen_number(g, op->dst, op->number);
		break;
	case FT_IR_TEXT:
		if (g->homes[op->dst].kind == FT_HOME_STACK ||
		    g->homes[op->dst].kind == FT_HOME_SLOT)
			ft_gen_text(g, op, ft_gen_memory(g, &g->homes[op->dst], BPF_REG_2),
				    g->ir->regs[op->dst].bytes);
		break;
	case FT_IR_MOVE:
		gen_move(g, op);
		break;
	case FT_IR_ADD:
	case FT_IR_SUB:
	case FT_IR_MUL:
	case FT_IR_SHL:
	case FT_IR_SHR:
	case FT_IR_SHR_LOGICAL:
	case FT_IR_AND:
	case FT_IR_OR:
	case FT_IR_XOR:
		ft_gen_binary(g, op);
		break;
	case FT_IR_DIV:
	case FT_IR_MOD:
		ft_gen_division(g, op);
		break;
	case FT_IR_EQ:
	case FT_IR_NE:
	case FT_IR_LT:
	case FT_IR_GT:
	case FT_IR_LE:
	case FT_IR_GE:
		gen_compare(g, op);
		break;
	case FT_IR_NEG:
	case FT_IR_NOT:
	case FT_IR_COMPLEMENT:
		gen_unary(g, op);
		break;
	case FT_IR_CONCAT:
		ft_gen_concat(g, op);
		break;
	case FT_IR_SPRINT:
		ft_gen_format(g, op);
		break;
	case FT_IR_ORDER:
		ft_gen_order(g, op);
		break;
	case FT_IR_SAME:
		ft_gen_same(g, op);
		break;
	case FT_IR_BUILTIN:
		ft_gen_builtin(g, op);
		break;
	case FT_IR_TARGET:
		ft_gen_target(g, op);
		break;
	case FT_IR_POKE:
		ft_gen_poke(g, op);
		break;
	case FT_IR_KNOWN:
		ft_bpf_jump_imm(&g->code, BPF_JEQ, ft_gen_get(g, op->a, BPF_REG_0), 0,
				ft_gen_failure(g, op));
		break;
	case FT_IR_ACTION:
		gen_action(g, op);
		break;
	case FT_IR_FENCE:
		ft_bpf_map_value(&g->code, BPF_REG_1, g->maps->globals, 0);
		ft_bpf_load(&g->code, FT_BPF_8, BPF_REG_0, BPF_REG_1,
			    offsetof(struct ft_session, behind));
		ft_gen_set(g, op->dst, BPF_REG_0);
		break;
	case FT_IR_JUMP:
		gen_jump(g, op->then);
		break;
	case FT_IR_BRANCH:
		gen_branch(g, op);
		break;
	case FT_IR_RETURN:
		ft_bpf_jump(&g->code, g->end);
		break;
	default:
		ft_gen_var(g, op);
	}
}

static void count_read(struct ft_gen *g, u32 reg)
{
	if (reg != FT_IR_NONE)
		g->reads[reg]++;
}

static void count_reads(struct ft_gen *g)
{
	for (u32 b = 0; b < g->ir->block_count; b++)
		for (u32 i = 0; i < g->ir->blocks[b].count; i++) {
			const struct ft_ir_op *op = &g->ir->blocks[b].ops[i];

			count_read(g, op->a);
			count_read(g, op->b);
			for (u32 k = 0; op->args && k < op->arg_count; k++)
				count_read(g, op->args[k]);
		}
}

static bool is_compare(const struct ft_ir_op *op)
{
	return op->kind >= FT_IR_EQ && op->kind <= FT_IR_GE;
}

static void mark(struct ft_gen *g, u32 block, u32 at);

static void mark_way(struct ft_gen *g, u32 from, u32 to)
{
	struct ft_gen_way *back;

	if (to == FT_IR_NONE)
		return;
	/* What an earlier round has seen may be the head of a loop that is closed here. */
	if (g->seen[to] != FT_GEN_OPEN && !(g->seen[to] == FT_GEN_MADE && to <= from)) {
		mark(g, to, 0);
		return;
	}
	back = FT_ARENA_PUSH(g->compile->arena, &g->backs, &g->back_count);
	if (back)
		*back = (struct ft_gen_way){.from = from, .to = to};
}

/*
 * Notes the blocks that a program comes to from an operation on, depth first: a way to a block that
 * is not done yet closes a loop.
 */
static void mark(struct ft_gen *g, u32 block, u32 at)
{
	const struct ft_ir_block *b = &g->ir->blocks[block];

	if (!at && g->seen[block])
		return;
	if (!at)
		g->seen[block] = FT_GEN_OPEN;
	for (u32 i = at; i < b->count && b->ops[i].in_kernel; i++) {
		const struct ft_ir_op *op = &b->ops[i];

		if (ft_gen_is_split(op) ||
		    (op->site && g->program->sites[op->site]->kind == FT_SITE_SHIP))
			break;
		if (op->kind == FT_IR_ACTION && !g->action)
			g->action = op;
		mark_way(g, block, op->then);
		mark_way(g, block, op->other);
	}
	if (!at)
		g->seen[block] = FT_GEN_DONE;
}

static void gen_block(struct ft_gen *g, u32 number, u32 at)
{
	const struct ft_ir_block *block = &g->ir->blocks[number];

	g->block = number;
	for (u32 i = at; i < block->count && block->ops[i].in_kernel; i++) {
		g->next = i + 1 < block->count ? &block->ops[i + 1] : NULL;
		g->skip_next = g->next && is_compare(&block->ops[i]) &&
			       feeds_branch(g, &block->ops[i]) && g->reads[block->ops[i].dst] == 1;
		gen_op(g, &block->ops[i]);
		if (ft_gen_is_split(&block->ops[i]))
			return;
		i += g->skip_next;
	}
}

/* The blocks that are marked and not made yet. */
static void gen_marked(struct ft_gen *g)
{
	for (u32 b = 0; b < g->ir->block_count; b++) {
		if (g->seen[b] != FT_GEN_DONE)
			continue;
		g->seen[b] = FT_GEN_MADE;
		ft_bpf_bind(&g->code, g->labels[b]);
		gen_block(g, b, 0);
	}
}

/*
 * All blocks that follow from an operation: first what is left of its own. Where operations go that
 * fail shows when they are made: not all that could fail do in the kernel.
 */
static void gen_blocks(struct ft_gen *g, u32 block, u32 at)
{
	mark(g, block, at);
	if (at)
		gen_block(g, block, at);
	gen_marked(g);
	for (u32 i = 0; i < g->stub_count; i++) {
		u32 catch = g->stubs[i].op->kind == FT_IR_ACTION ? FT_IR_NONE : g->stubs[i].catch;

		if (catch == FT_IR_NONE || g->seen[catch])
			continue;
		mark(g, catch, 0);
		gen_marked(g);
	}
}

/* ---- the program ---- */

static int too_large(struct ft_gen *g, const char *why)
{
	ft_sema_fail(
		g->compile, g->ir->handler->at, "identifier",
		"this handler is too large for a program of the kernel: %s; do more of it in a "
		"timer or end probe",
		why);
	return -EINVAL;
}

/* The program's own beginning, up to where it is in the handler. */
static void gen_part(struct ft_gen *g, u32 part)
{
	if (!part) {
		ft_gen_begin(g);
		gen_blocks(g, 0, 0);
		return;
	}
	for (u32 b = 0; b < g->ir->block_count; b++)
		for (u32 i = 0; i < g->ir->blocks[b].count; i++) {
			const struct ft_ir_op *op = &g->ir->blocks[b].ops[i];

			if (!ft_gen_is_split(op) || --part)
				continue;
			ft_bpf_store(&g->code, FT_BPF_8, BPF_REG_10, g->context_off, BPF_REG_1);
			ft_gen_resume(g, op);
			if (g->by_calls)
				ft_gen_rounds_begin(g, true);
			gen_blocks(g, b, i + 1);
			return;
		}
}

static enum ft_bpf_kind kind_of(struct ft_compile *compile, const struct ft_ir *ir,
				const struct ft_bpf_maps *maps)
{
	const char *first = ir->handler->point->parts[0].name;

	if (ir->handler->point->user)
		return ir->handler->point->user->in_kernel ? FT_BPF_KPROBE : FT_BPF_UPROBE;
	/* A walk of the stack is no program of the kind that knows types. */
	if (!ir->is_fired && ft_function_is_point(ir->handler->point))
		return maps->no_fentry || ft_bpf_parts(ir) > 1 ||
				       !ft_function_has_types(compile, ir->handler->point)
			       ? FT_BPF_KPROBE
			       : FT_BPF_TRACEPOINT;
	return !ir->is_fired && (!strcmp(first, "timer") || !strcmp(first, "perf"))
		       ? FT_BPF_PERF
		       : FT_BPF_TRACEPOINT;
}

int ft_bpf_generate(struct ft_compile *compile, const struct ft_ir_program *program,
		    const struct ft_ir *ir, u32 part, const struct ft_bpf_maps *maps,
		    struct ft_bpf_program *out)
{
	struct ft_gen g = {
		.compile = compile,
		.program = program,
		.ir = ir,
		.maps = maps,
		.code = {.arena = compile->arena},
		.kind = kind_of(compile, ir, maps),
	};
	u32 errors = compile->diags.errors;
	int code;

	g.sleeps = ft_gen_may_sleep(&g);
	g.by_calls = maps->rounds_by_calls && ir->loops;
	code = g.by_calls ? ft_gen_find_heads(&g) : 0;
	code = code ? code : ft_gen_homes(&g);
	g.labels = ft_arena_alloc(compile->arena, ir->block_count, sizeof(*g.labels));
	g.seen = ft_arena_alloc(compile->arena, ir->block_count, sizeof(*g.seen));
	g.reads = ft_arena_alloc(compile->arena, ir->reg_count + 1, sizeof(*g.reads));
	if (code || !g.labels || !g.seen || !g.reads)
		return -ENOMEM;
	count_reads(&g);
	ft_gen_choose_shared(&g);
	for (u32 i = 0; i < ir->block_count; i++)
		g.labels[i] = ft_bpf_label(&g.code);
	g.end = ft_bpf_label(&g.code);
	g.skip = ft_bpf_label(&g.code);
	g.fails = ft_bpf_label(&g.code);
	g.out = ft_bpf_label(&g.code);
	gen_part(&g, part);
	ft_gen_stubs(&g);
	ft_gen_end(&g);
	ft_gen_shared(&g);
	ft_gen_fronts(&g);
	if (!part && !g.by_calls)
		ft_gen_trim_begin(&g);
	code = ft_bpf_finish(&g.code);
	if (code == -ENOMEM)
		return code;
	if (compile->diags.errors > errors)
		return -EINVAL;
	if (code || g.code.count > INSNS_MAX)
		return too_large(&g, "it has more than 30,000 instructions");
	*out = (struct ft_bpf_program){.kind = g.kind,
				       .insns = g.code.insns,
				       .count = g.code.count,
				       .slot_bytes = g.slot_bytes,
				       .loops = g.goes_back,
				       .by_calls = g.by_calls,
				       .writes = g.writes,
				       .sleeps = g.sleeps};
	return 0;
}

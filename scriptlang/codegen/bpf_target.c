/* bpf_target.c - target variables are read; see bpf_gen.h and target.h. */
#include "scriptlang/codegen/bpf_gen.h"
#include "scriptlang/codegen/bpf_registers.h"
#include "scriptlang/kernel/netfilter.h"
#include "scriptlang/sema/functions.h"
#include "scriptlang/sema/target.h"
#include "scriptlang/user/user_point.h"

/* r0 = what r3 points to, or the failure. */
static void gen_read(struct ft_gen *g, const struct ft_ir_op *op, u32 size, bool in_user)
{
	struct ft_bpf_code *c = &g->code;
	u32 read = ft_bpf_label(c), done = ft_bpf_label(c);
	struct ft_memory m;

	ft_gen_address(g, BPF_REG_1, ft_gen_temp(g, 0, BPF_REG_1));
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, (s32)size);
	if (in_user)
		ft_gen_read_user(g, BPF_FUNC_probe_read_user);
	else
		ft_bpf_call(c, BPF_FUNC_probe_read_kernel);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, read);
	if (op->fault) {
		ft_bpf_jump(c, g->fault);
	} else if (op->is_quiet) {
		ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_0, 0);
		ft_bpf_jump(c, done);
	} else {
		ft_bpf_jump(c, ft_gen_failure(g, op));
	}
	ft_bpf_bind(c, read);
	m = ft_gen_temp(g, 0, BPF_REG_1);
	ft_bpf_load(c,
		    size == 8	? FT_BPF_8
		    : size == 4 ? FT_BPF_4
		    : size == 2 ? FT_BPF_2
				: FT_BPF_1,
		    BPF_REG_0, m.base, m.off);
	ft_bpf_bind(c, done);
}

/* r0 is of so many bits, from an offset on. */
static void gen_extend(struct ft_gen *g, u32 offset, u32 bits, bool is_signed)
{
	if (bits >= 64 && !offset)
		return;
	ft_bpf_alu_imm(&g->code, BPF_LSH, BPF_REG_0, (s32)(64 - bits - offset));
	ft_bpf_alu_imm(&g->code, is_signed ? BPF_ARSH : BPF_RSH, BPF_REG_0, (s32)(64 - bits));
}

/* ---- the stack of steps: its top is r3, what is below lies in the temporary memory ---- */

static struct ft_memory below(struct ft_gen *g, u32 depth, u8 base)
{
	return ft_gen_temp(g, 8 + 8 * depth, base);
}

/* Makes room for a new top. */
static void push_top(struct ft_gen *g, u32 *depth, bool *has_top)
{
	struct ft_memory m;

	if (*has_top) {
		m = below(g, *depth, BPF_REG_1);
		ft_bpf_store(&g->code, FT_BPF_8, m.base, m.off, BPF_REG_3);
		(*depth)++;
	}
	*has_top = true;
}

static void load_below(struct ft_gen *g, u8 dst, u32 depth)
{
	struct ft_memory m = below(g, depth, BPF_REG_1);

	ft_bpf_load(&g->code, FT_BPF_8, dst, m.base, m.off);
}

/* r3 += run-time address minus address as linked, which the event's own address tells. */
static void gen_bias(struct ft_gen *g, u32 depth, s64 linked)
{
	const struct ft_user_probe *user = g->ir->handler->point->user;
	struct ft_bpf_code *c = &g->code;
	struct ft_memory m;

	if (user && user->at_return) {
		m = below(g, depth, BPF_REG_1);
		ft_bpf_store(c, FT_BPF_8, m.base, m.off, BPF_REG_3);
		ft_gen_context(g, BPF_REG_1);
		ft_bpf_call(c, BPF_FUNC_get_func_ip);
		load_below(g, BPF_REG_3, depth);
	} else {
		ft_gen_context(g, BPF_REG_0);
		ft_bpf_load(c, FT_BPF_8, BPF_REG_0, BPF_REG_0, (s32)ft_register_pc() * 8);
	}
	ft_bpf_alu(c, BPF_ADD, BPF_REG_3, BPF_REG_0);
	ft_bpf_number(c, BPF_REG_0, linked);
	ft_bpf_alu(c, BPF_SUB, BPF_REG_3, BPF_REG_0);
}

/* Behind what cannot be had: fails, or 0. */
static void gen_none(struct ft_gen *g, const struct ft_ir_op *op, u32 none, u32 done)
{
	ft_bpf_jump(&g->code, done);
	ft_bpf_bind(&g->code, none);
	if (op->fault)
		ft_bpf_jump(&g->code, g->fault);
	else if (op->is_quiet)
		ft_bpf_number(&g->code, BPF_REG_3, 0);
	else
		ft_bpf_jump(&g->code, ft_gen_failure(g, op));
	ft_bpf_bind(&g->code, done);
}

/* The same where the event is elsewhere: by where the program of the task at hand begins. */
static void gen_program(struct ft_gen *g, const struct ft_ir_op *op, const struct ft_target_step *s,
			u32 depth)
{
	struct ft_bpf_code *c = &g->code;
	u32 none = ft_bpf_label(c), done = ft_bpf_label(c);
	struct ft_memory m = below(g, depth, BPF_REG_1);

	ft_bpf_store(c, FT_BPF_8, m.base, m.off, BPF_REG_3);
	ft_gen_program(g, (u64)s->access << 32 | s->bytes, s->number, none);
	load_below(g, BPF_REG_0, depth);
	ft_bpf_alu(c, BPF_ADD, BPF_REG_3, BPF_REG_0);
	gen_none(g, op, none, done);
}

/* Stores the thread pointer of the task at hand: what the kernel has set for it (x86-64). */
static void store_thread_pointer(struct ft_gen *g, const struct ft_ir_op *op, u32 depth)
{
	int thread = ft_target_offset(g->compile, "task_struct", "thread"),
	    base = ft_target_offset(g->compile, "thread_struct", "fsbase");
	struct ft_bpf_code *c = &g->code;
	struct ft_memory m;

	if (thread < 0 || base < 0) {
		ft_sema_fail(g->compile, op->expr->at, "identifier",
			     "this kernel's types do not tell where threads have their variables");
		return;
	}
	ft_bpf_call(c, BPF_FUNC_get_current_task);
	ft_bpf_mov(c, BPF_REG_3, BPF_REG_0);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_3, thread + base);
	gen_read(g, op, 8, false);
	m = below(g, depth, BPF_REG_1);
	ft_bpf_store(c, FT_BPF_8, m.base, m.off, BPF_REG_0);
}

/*
 * r3 = the block of the module whose number r0 is, of the thread whose pointer lies at depth. The
 * DTV says how long it is in the entry before its first.
 */
static void gen_module(struct ft_gen *g, const struct ft_ir_op *op, u32 depth, u32 none)
{
	struct ft_memory m = below(g, depth + 1, BPF_REG_1);
	struct ft_bpf_code *c = &g->code;

	ft_bpf_store(c, FT_BPF_8, m.base, m.off, BPF_REG_0);
	load_below(g, BPF_REG_3, depth);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_3, 8);
	gen_read(g, op, 8, true);
	m = below(g, depth, BPF_REG_1);
	ft_bpf_store(c, FT_BPF_8, m.base, m.off, BPF_REG_0);
	ft_bpf_mov(c, BPF_REG_3, BPF_REG_0);
	ft_bpf_alu_imm(c, BPF_SUB, BPF_REG_3, 16);
	gen_read(g, op, 8, true);
	load_below(g, BPF_REG_2, depth + 1);
	ft_bpf_jump_if(c, BPF_JGT, BPF_REG_2, BPF_REG_0, none);
	ft_bpf_alu_imm(c, BPF_LSH, BPF_REG_2, 4);
	load_below(g, BPF_REG_3, depth);
	ft_bpf_alu(c, BPF_ADD, BPF_REG_3, BPF_REG_2);
	gen_read(g, op, 8, true);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, -1, none); /* not made yet */
	ft_bpf_mov(c, BPF_REG_3, BPF_REG_0);
}

/*
 * Where a descriptor's word, r0, is the address of module and offset: r0 = module, and the offset
 * is added to that at hand.
 */
static void gen_descriptor(struct ft_gen *g, const struct ft_ir_op *op, u32 depth)
{
	struct ft_memory m = below(g, depth + 2, BPF_REG_1);
	struct ft_bpf_code *c = &g->code;

	ft_bpf_store(c, FT_BPF_8, m.base, m.off, BPF_REG_0);
	ft_bpf_mov(c, BPF_REG_3, BPF_REG_0);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_3, 8);
	gen_read(g, op, 8, true);
	load_below(g, BPF_REG_3, depth);
	ft_bpf_alu(c, BPF_ADD, BPF_REG_3, BPF_REG_0);
	m = below(g, depth, BPF_REG_1);
	ft_bpf_store(c, FT_BPF_8, m.base, m.off, BPF_REG_3);
	load_below(g, BPF_REG_3, depth + 2);
	gen_read(g, op, 8, true);
}

/* From the address of the word that tells: reads it, and goes on with the offset below. */
static void take_thread_word(struct ft_gen *g, const struct ft_ir_op *op, u32 *depth)
{
	struct ft_memory m;

	gen_read(g, op, 8, true);
	--*depth;
	m = below(g, *depth + 2, BPF_REG_1);
	ft_bpf_store(&g->code, FT_BPF_8, m.base, m.off, BPF_REG_0);
	load_below(g, BPF_REG_3, *depth);
}

/* Fails unless the top is 0, and goes on with what is below. */
static void gen_zero(struct ft_gen *g, const struct ft_ir_op *op, u32 depth)
{
	u32 none = ft_bpf_label(&g->code), done = ft_bpf_label(&g->code);

	ft_bpf_jump_imm(&g->code, BPF_JNE, BPF_REG_3, 0, none);
	load_below(g, BPF_REG_3, depth);
	gen_none(g, op, none, done);
}

/* r3, an offset, becomes an address. */
static void gen_thread(struct ft_gen *g, const struct ft_ir_op *op, const struct ft_target_step *s,
		       u32 depth)
{
	u32 none = ft_bpf_label(&g->code), done = ft_bpf_label(&g->code),
	    fixed = ft_bpf_label(&g->code), found = ft_bpf_label(&g->code);
	struct ft_memory m = below(g, depth, BPF_REG_1);
	struct ft_bpf_code *c = &g->code;

	ft_bpf_store(c, FT_BPF_8, m.base, m.off, BPF_REG_3);
	store_thread_pointer(g, op, depth + 1);
	ft_bpf_number(c, BPF_REG_0, 0);
	if (s->bytes) {
		load_below(g, BPF_REG_0, depth + 2);
	} else if (s->op != FT_USER_TLS_PROGRAM) {
		ft_bpf_number(c, BPF_REG_3, 0);
		gen_bias(g, depth + 2, -s->number);
		gen_read(g, op, 8, true);
	}
	if (s->op == FT_USER_TLS_DESCRIPTOR) {
		ft_bpf_jump_imm(c, BPF_JSLT, BPF_REG_0, 0, fixed);
		gen_descriptor(g, op, depth);
	}
	if (s->op == FT_USER_TLS_MODULE || s->op == FT_USER_TLS_DESCRIPTOR) {
		gen_module(g, op, depth + 1, none);
		ft_bpf_jump(c, found);
	}
	if (s->op != FT_USER_TLS_MODULE) {
		ft_bpf_bind(c, fixed);
		load_below(g, BPF_REG_3, depth + 1);
		ft_bpf_alu(c, BPF_ADD, BPF_REG_3, BPF_REG_0);
	}
	ft_bpf_bind(c, found);
	load_below(g, BPF_REG_0, depth);
	ft_bpf_alu(c, BPF_ADD, BPF_REG_3, BPF_REG_0);
	gen_none(g, op, none, done);
}

static void gen_swap(struct ft_gen *g, u32 depth)
{
	struct ft_memory m = below(g, depth - 1, BPF_REG_1);

	ft_bpf_load(&g->code, FT_BPF_8, BPF_REG_0, m.base, m.off);
	ft_bpf_store(&g->code, FT_BPF_8, m.base, m.off, BPF_REG_3);
	ft_bpf_mov(&g->code, BPF_REG_3, BPF_REG_0);
}

static void gen_binary(struct ft_gen *g, u8 op, u32 depth)
{
	load_below(g, BPF_REG_0, depth);
	ft_bpf_alu(&g->code, op, BPF_REG_0, BPF_REG_3);
	ft_bpf_mov(&g->code, BPF_REG_3, BPF_REG_0);
}

static void gen_pick(struct ft_gen *g, u32 which, u32 *depth, bool *has_top)
{
	push_top(g, depth, has_top);
	if (which)
		load_below(g, BPF_REG_3, *depth - 1 - which);
}

static void gen_step(struct ft_gen *g, const struct ft_ir_op *op, const struct ft_target *t,
		     const struct ft_target_step *s, u32 *depth, bool *has_top)
{
	struct ft_bpf_code *c = &g->code;

	switch (s->kind) {
	case FT_STEP_ADD:
		ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_3, (s32)s->bytes);
		break;
	case FT_STEP_INDEX:
		ft_bpf_mov(c, BPF_REG_0, ft_gen_get(g, op->args[s->access], BPF_REG_0));
		ft_bpf_alu_imm(c, BPF_MUL, BPF_REG_0, (s32)s->bytes);
		ft_bpf_alu(c, BPF_ADD, BPF_REG_3, BPF_REG_0);
		break;
	case FT_STEP_LOAD:
		gen_read(g, op, s->bytes ? s->bytes : 8, t->in_user);
		ft_bpf_mov(c, BPF_REG_3, BPF_REG_0);
		break;
	case FT_STEP_WORD:
		push_top(g, depth, has_top);
		ft_gen_context(g, BPF_REG_3);
		ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_3, (s32)s->bytes * 8);
		break;
	case FT_STEP_NUMBER:
		push_top(g, depth, has_top);
		ft_bpf_number(c, BPF_REG_3, s->number);
		break;
	case FT_STEP_BIAS:
		gen_bias(g, *depth, s->number);
		break;
	case FT_STEP_PROGRAM:
		gen_program(g, op, s, *depth);
		break;
	case FT_STEP_THREAD:
		if (s->bytes)
			take_thread_word(g, op, depth);
		gen_thread(g, op, s, *depth);
		break;
	case FT_STEP_ZERO:
		gen_zero(g, op, --*depth);
		break;
	case FT_STEP_PICK:
		gen_pick(g, s->access, depth, has_top);
		break;
	case FT_STEP_DROP:
		if (*depth)
			load_below(g, BPF_REG_3, --*depth);
		else
			*has_top = false;
		break;
	case FT_STEP_SWAP:
		gen_swap(g, *depth);
		break;
	case FT_STEP_BINARY:
		gen_binary(g, s->op, --*depth);
		break;
	case FT_STEP_NEG:
		ft_bpf_alu_imm(c, BPF_NEG, BPF_REG_3, 0);
		break;
	case FT_STEP_NOT:
		ft_bpf_alu_imm(c, BPF_XOR, BPF_REG_3, -1);
		break;
	case FT_STEP_COOKIE:
		push_top(g, depth, has_top);
		ft_gen_context(g, BPF_REG_1);
		ft_bpf_call(c, BPF_FUNC_get_attach_cookie);
		ft_bpf_mov(c, BPF_REG_3, BPF_REG_0);
		break;
	case FT_STEP_KEPT:
		push_top(g, depth, has_top);
		ft_bpf_mov(c, BPF_REG_3,
			   ft_gen_get(g, op->args[op->expr->access_count + s->access], BPF_REG_3));
		break;
	case FT_STEP_EXTEND:
		ft_bpf_mov(c, BPF_REG_0, BPF_REG_3);
		gen_extend(g, 0, s->bytes * 8, s->access);
		ft_bpf_mov(c, BPF_REG_3, BPF_REG_0);
		break;
	}
}

/* r3 = the 8 bytes of the kernel's that it is the address of. */
static void read_word(struct ft_gen *g)
{
	struct ft_bpf_code *c = &g->code;
	struct ft_memory m;

	ft_gen_address(g, BPF_REG_1, ft_gen_temp(g, 0, BPF_REG_1));
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, 8);
	ft_bpf_call(c, BPF_FUNC_probe_read_kernel);
	m = ft_gen_temp(g, 0, BPF_REG_1);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_3, m.base, m.off);
}

/*
 * r3 = an argument of a function of the kernel, or what it returns, which is behind these. r3: the
 * registers. What finds no register lies on the stack, behind the address to return to.
 */
static void kprobe_word(struct ft_gen *g, u32 word)
{
	const struct ft_point *point = g->ir->handler->point;
	bool returns = ft_function_returns(point);
	u32 reg;
	int found = returns ? -1 : ft_register_argument(word);

	if (returns && word < ft_function_arg_count(g->compile, point)) {
		ft_sema_fail(g->compile, g->ir->handler->at, "identifier",
			     "where stacks are taken at the return of a function of the kernel, "
			     "and in modules, its arguments are gone: use @entry($argument)");
		return;
	}
	if (returns || found >= 0) {
		reg = returns ? ft_register_returned() : (u32)found;
		ft_bpf_load(&g->code, FT_BPF_8, BPF_REG_3, BPF_REG_3, (s32)reg * 8);
		return;
	}
	ft_bpf_load(&g->code, FT_BPF_8, BPF_REG_3, BPF_REG_3, (s32)ft_register_stack() * 8);
	ft_bpf_alu_imm(&g->code, BPF_ADD, BPF_REG_3, ft_register_stack_argument(word));
	read_word(g);
}

/*
 * r3 = a word of the context. At functions of the kernel, and at system calls, the verifier knows
 * types of arguments, and permits little with those that are addresses; of what is copied it only
 * knows the bits.
 */
void ft_gen_context_word(struct ft_gen *g, u32 word)
{
	struct ft_bpf_code *c = &g->code;

	ft_gen_context(g, BPF_REG_3);
	if (g->kind == FT_BPF_KPROBE) {
		kprobe_word(g, word);
		return;
	}
	if (!ft_function_is_point(g->ir->handler->point) &&
	    !ft_netfilter_is_point(g->ir->handler->point) && (word || !ft_gen_is_typed(g))) {
		ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_3, (s32)word * 8);
		return;
	}
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_3, (s32)word * 8);
	read_word(g);
}

/* r3 = the value, or its address if it is in memory (t->loads). False: that is said. */
static bool gen_place(struct ft_gen *g, const struct ft_ir_op *op, struct ft_target *t)
{
	struct ft_bpf_code *c = &g->code;
	bool has_top = true;
	u32 depth = 0;
	char error[200];

	if (ft_target_resolve(g->compile, g->ir->handler->point, op->expr, t, error)) {
		ft_sema_fail(g->compile, op->expr->at, "identifier", "%s", error);
		return false;
	}
	if (t->word == UINT32_MAX) {
		ft_bpf_mov(c, BPF_REG_3, ft_gen_get(g, op->args[op->arg_count - 1], BPF_REG_3));
	} else if (t->word == FT_TARGET_STEPS) {
		has_top = false;
	} else {
		ft_gen_context_word(g, t->word);
	}
	for (u32 i = 0; i < t->step_count; i++)
		gen_step(g, op, t, &t->steps[i], &depth, &has_top);
	if (!has_top)
		ft_bpf_number(c, BPF_REG_3, 0);
	return true;
}

/* r0 = r0 with the bits of a bit field as they are in r2, the new value. */
static void gen_put_bits(struct ft_gen *g, const struct ft_target *t)
{
	struct ft_bpf_code *c = &g->code;
	u64 mask = (t->bit_size == 64 ? 0 : 1ull << t->bit_size) - 1;

	ft_bpf_number(c, BPF_REG_1, (s64)mask);
	ft_bpf_alu(c, BPF_AND, BPF_REG_2, BPF_REG_1);
	ft_bpf_alu_imm(c, BPF_LSH, BPF_REG_2, (s32)t->bit_offset);
	ft_bpf_number(c, BPF_REG_1, (s64) ~(mask << t->bit_offset));
	ft_bpf_alu(c, BPF_AND, BPF_REG_0, BPF_REG_1);
	ft_bpf_alu(c, BPF_OR, BPF_REG_0, BPF_REG_2);
}

void ft_gen_poke(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	struct ft_memory m;
	struct ft_target t;

	if (!gen_place(g, op, &t))
		return;
	m = below(g, 0, BPF_REG_1);
	ft_bpf_store(c, FT_BPF_8, m.base, m.off, BPF_REG_3);
	if (t.bit_size) {
		gen_read(g, op, t.size, true);
		ft_bpf_mov(c, BPF_REG_2, ft_gen_get(g, op->a, BPF_REG_2));
		gen_put_bits(g, &t);
	} else {
		ft_bpf_mov(c, BPF_REG_0, ft_gen_get(g, op->a, BPF_REG_0));
	}
	m = ft_gen_temp(g, 0, BPF_REG_2);
	ft_bpf_store(c, FT_BPF_8, m.base, m.off, BPF_REG_0); /* the lower bytes come first */
	ft_gen_address(g, BPF_REG_2, m);
	load_below(g, BPF_REG_1, 0);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_3, (s32)t.size);
	ft_bpf_call(c, BPF_FUNC_probe_write_user);
	ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_0, 0, ft_gen_failure(g, op));
	g->writes = true;
}

/* The value at hand, and that it is one; or 0, and that it is none. */
static void gen_fault(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	u32 done = ft_bpf_label(c);

	ft_gen_set(g, op->dst, BPF_REG_0);
	ft_bpf_number(c, BPF_REG_0, 0);
	ft_gen_set(g, op->fault - 1, BPF_REG_0);
	ft_bpf_jump(c, done);
	ft_bpf_bind(c, g->fault);
	ft_bpf_number(c, BPF_REG_0, 0);
	ft_gen_set(g, op->dst, BPF_REG_0);
	ft_bpf_number(c, BPF_REG_0, 1);
	ft_gen_set(g, op->fault - 1, BPF_REG_0);
	ft_bpf_bind(c, done);
}

void ft_gen_target(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	struct ft_target t;

	g->fault = op->fault ? ft_bpf_label(c) : 0;
	if (!gen_place(g, op, &t))
		return;
	if (t.loads)
		gen_read(g, op, t.size, t.in_user);
	else
		ft_bpf_mov(c, BPF_REG_0, BPF_REG_3);
	if (t.bit_size)
		gen_extend(g, t.bit_offset, t.bit_size, t.is_signed);
	else
		gen_extend(g, 0, t.size * 8, t.is_signed);
	if (op->fault)
		gen_fault(g, op);
	else
		ft_gen_set(g, op->dst, BPF_REG_0);
}

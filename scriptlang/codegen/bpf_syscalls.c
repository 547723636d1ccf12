/*
 * bpf_syscalls.c - what handlers of system calls ask the kernel for; see bpf_gen.h and syscalls.h.
 *
 * The tracepoints sys_enter and sys_exit give the saved registers (the arguments are in them, also
 * at the exit) and the number of the call, or what it returns.
 */
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "scriptlang/codegen/bpf_gen.h"
#include "scriptlang/runtime/stacks.h"
#include "scriptlang/syscalls/number_text.h"
#include "scriptlang/syscalls/syscalls.h"

/* Of struct pt_regs: words that are read at once, where arguments are among them; the number. */
#ifdef __x86_64__
#define REGS_OFF (7 * 8) /* r10 r9 r8 rax rcx rdx rsi rdi */
#define REGS_BYTES 64
#define NUMBER_OFF (15 * 8)
#define NUMBER_SIZE FT_BPF_8
#define SEGMENT_OFF (17 * 8) /* of code */
#define SEGMENT_32 0x23	     /* that of 32-bit programs */
static const u32 arg_word[FT_SYSCALL_ARGS_MAX] = {7, 6, 5, 0, 2, 1};
#else
#define REGS_OFF 0
#define REGS_BYTES 48
#define NUMBER_OFF (35 * 8)
#define NUMBER_SIZE FT_BPF_4
#define FIRST_ARG_OFF (34 * 8) /* x0 as it was; it holds the result at the exit */
static const u32 arg_word[FT_SYSCALL_ARGS_MAX] = {0, 1, 2, 3, 4, 5};
#endif

#define EMIT(NAME) \
	static void emit_##NAME(struct ft_gen *g, const struct ft_ir_op *op __attribute__((unused)))

static bool is_exit(const struct ft_gen *g)
{
	const struct ft_point *point = g->ir->handler->point;

	return ft_syscall_returns(point);
}

/* Which argument "__syscall_int0" is about. */
static u32 arg_of(const struct ft_ir_op *op)
{
	const char *name = op->builtin->name;

	return (u32)(name[strlen(name) - 1] - '0');
}

static bool in_memory(const struct ft_home *home)
{
	return home->kind == FT_HOME_STACK || home->kind == FT_HOME_SLOT;
}

/* Temporary memory + off = bytes at an offset of the saved registers. */
static void read_regs(struct ft_gen *g, u32 off, s32 from, s32 bytes)
{
	struct ft_bpf_code *c = &g->code;

	ft_gen_context(g, BPF_REG_3);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_3, 0);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_3, from);
	ft_gen_address(g, BPF_REG_1, ft_gen_temp(g, off, BPF_REG_1));
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, bytes);
	ft_bpf_call(c, BPF_FUNC_probe_read_kernel);
}

bool ft_gen_is_typed(const struct ft_gen *g)
{
	return ft_syscall_pattern(g->ir->handler->point) && g->maps->call_types[is_exit(g)];
}

/* dst = a word of the saved registers; r0 to r5 are lost. */
static void load_saved(struct ft_gen *g, u8 dst, u8 size, s32 from)
{
	struct ft_memory m;

	if (ft_gen_is_typed(g)) {
		ft_gen_context(g, dst);
		ft_bpf_load(&g->code, FT_BPF_8, dst, dst, 0);
		ft_bpf_load(&g->code, size, dst, dst, from);
		return;
	}
	read_regs(g, 0, from, 8);
	m = ft_gen_temp(g, 0, BPF_REG_1);
	ft_bpf_load(&g->code, size, dst, m.base, m.off);
}

/* r0 = a number of 32 bits, with its sign or without */
static void narrow(struct ft_gen *g, u8 reg, bool is_signed)
{
	ft_bpf_alu_imm(&g->code, BPF_LSH, reg, 32);
	ft_bpf_alu_imm(&g->code, is_signed ? BPF_ARSH : BPF_RSH, reg, 32);
}

void ft_gen_syscall_arg(struct ft_gen *g, u32 arg)
{
	load_saved(g, BPF_REG_0, FT_BPF_8, (s32)ft_syscall_arg_offset(arg, is_exit(g)));
}

EMIT(int)
{
	ft_gen_syscall_arg(g, arg_of(op));
	narrow(g, BPF_REG_0, true);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

EMIT(uint)
{
	ft_gen_syscall_arg(g, arg_of(op));
	narrow(g, BPF_REG_0, false);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

EMIT(long)
{
	ft_gen_syscall_arg(g, arg_of(op));
	ft_gen_set(g, op->dst, BPF_REG_0);
}

/* r0 = the number of the call */
static void load_number(struct ft_gen *g)
{
	if (!is_exit(g)) {
		ft_gen_context(g, BPF_REG_1);
		ft_bpf_load(&g->code, FT_BPF_8, BPF_REG_0, BPF_REG_1, 8);
		return;
	}
	load_saved(g, BPF_REG_0, NUMBER_SIZE, NUMBER_OFF);
}

#ifdef SEGMENT_32
/* Goes out for a program of 32 bits, whose calls have other numbers. */
static void guard_segment(struct ft_gen *g)
{
	struct ft_bpf_code *c = &g->code;

	if (ft_gen_is_typed(g)) {
		load_saved(g, BPF_REG_1, FT_BPF_2, SEGMENT_OFF);
	} else {
		ft_gen_context(g, BPF_REG_3);
		ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_3, 0);
		ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_3, SEGMENT_OFF);
		ft_bpf_mov(c, BPF_REG_1, BPF_REG_10);
		ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_1, g->failed_off);
		ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, 8);
		ft_bpf_call(c, BPF_FUNC_probe_read_kernel);
		ft_bpf_load(c, FT_BPF_2, BPF_REG_1, BPF_REG_10, g->failed_off);
	}
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_1, SEGMENT_32, g->out);
}
#endif

/*
 * A handler of all calls is attached to the tracepoint itself, while others are gone on to by their
 * call's number (kernel_calls.c): that takes half as long again as all that a simple handler does.
 */
void ft_gen_call_guard(struct ft_gen *g)
{
	struct ft_bpf_code *c = &g->code;

	if (!ft_syscall_for_all(g->ir->handler->point))
		return;
	if (ft_gen_is_typed(g) && g->maps->own_regs) {
		ft_gen_context(g, BPF_REG_1);
		ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_1, 0);
		ft_bpf_number(c, BPF_REG_2, (s64)g->maps->own_regs);
		ft_bpf_jump_if(c, BPF_JEQ, BPF_REG_1, BPF_REG_2, g->out);
	} else {
		ft_bpf_call(c, BPF_FUNC_get_current_pid_tgid);
		ft_bpf_store(c, FT_BPF_8, BPF_REG_10, g->who_off, BPF_REG_0);
		g->has_who = true;
		ft_bpf_alu_imm(c, BPF_RSH, BPF_REG_0, 32);
		ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, (s32)g->maps->own_pid, g->out);
	}
#ifdef SEGMENT_32
	guard_segment(g);
#endif
}

EMIT(nr)
{
	load_number(g);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

/* The name out of a table; "" for a number that is beyond it. */
EMIT(name)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_home *home = &g->homes[op->dst];
	u32 none = ft_bpf_label(c);
	struct ft_memory to, m;

	if (!in_memory(home))
		return;
	ft_gen_zero(g, ft_gen_memory(g, home, BPF_REG_1), FT_SYSCALL_NAME_BYTES);
	load_number(g);
	m = ft_gen_temp(g, 0, BPF_REG_2);
	ft_bpf_store(c, FT_BPF_4, m.base, m.off, BPF_REG_0);
	ft_gen_address(g, BPF_REG_2, m);
	ft_bpf_map(c, BPF_REG_1, g->maps->names);
	ft_bpf_call(c, BPF_FUNC_map_lookup_elem);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, none);
	to = ft_gen_memory(g, home, BPF_REG_2);
	for (s32 off = 0; off < FT_SYSCALL_NAME_BYTES; off += 8) {
		ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_0, off);
		ft_bpf_store(c, FT_BPF_8, to.base, to.off + off, BPF_REG_1);
	}
	ft_bpf_bind(c, none);
}

EMIT(ret)
{
	ft_gen_context(g, BPF_REG_1);
	ft_bpf_load(&g->code, FT_BPF_8, BPF_REG_0, BPF_REG_1, 8);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

/* ---- references ---- */

static void store_head(struct ft_gen *g, const struct ft_home *home, struct ft_syscall_ref ref)
{
	struct ft_memory m;
	s64 word;

	ref.mark = FT_STACK_REF_MARK;
	memcpy(&word, &ref, sizeof(word));
	ft_bpf_number(&g->code, BPF_REG_0, word);
	m = ft_gen_memory(g, home, BPF_REG_1);
	ft_bpf_store(&g->code, FT_BPF_8, m.base, m.off, BPF_REG_0);
}

/* Stores r0 into a string. */
static void store_word(struct ft_gen *g, const struct ft_home *home, u32 off)
{
	struct ft_memory m = ft_gen_memory(g, home, BPF_REG_1);

	ft_bpf_store(&g->code, FT_BPF_8, m.base, m.off + (s32)off, BPF_REG_0);
}

static void load_word(struct ft_gen *g, const struct ft_home *home, u32 off, u8 reg)
{
	struct ft_memory m = ft_gen_memory(g, home, reg);

	ft_bpf_load(&g->code, FT_BPF_8, reg, m.base, m.off + (s32)off);
}

EMIT(retstr)
{
	const struct ft_home *home = &g->homes[op->dst];
	struct ft_memory m;

	if (!in_memory(home))
		return;
	store_head(g, home, (struct ft_syscall_ref){.kind = FT_SYSCALL_REF_RET});
	load_number(g);
	m = ft_gen_memory(g, home, BPF_REG_1);
	ft_bpf_store(&g->code, FT_BPF_4, m.base,
		     m.off + (s32)offsetof(struct ft_syscall_ref, index), BPF_REG_0);
	ft_gen_context(g, BPF_REG_1);
	ft_bpf_load(&g->code, FT_BPF_8, BPF_REG_0, BPF_REG_1, 8);
	store_word(g, home, sizeof(struct ft_syscall_ref));
}

/* A value of an argument, as wide as it is, from the registers that were read. */
static void store_value(struct ft_gen *g, const struct ft_home *home,
			const struct ft_syscall_arg *arg, u32 number, u32 off)
{
	struct ft_memory m;

	if (ft_gen_is_typed(g)) {
		ft_gen_syscall_arg(g, number);
	} else {
		m = ft_gen_temp(g, arg_word[number] * 8, BPF_REG_1);
		ft_bpf_load(&g->code, FT_BPF_8, BPF_REG_0, m.base, m.off);
	}
	if (strchr("idfruhom", arg->kind))
		narrow(g, BPF_REG_0, strchr("idfr", arg->kind) != NULL);
	store_word(g, home, off);
}

/* What an array of strings has at r3: pointers, up to a NULL. */
static void copy_list(struct ft_gen *g, const struct ft_home *home,
		      const struct ft_syscall_arg *arg, u32 value_off, u32 off)
{
	struct ft_bpf_code *c = &g->code;
	u32 stride = ft_syscall_list_stride(arg), done = ft_bpf_label(c);

	for (u32 i = 0; i <= FT_SYSCALL_LIST_MAX; i++) {
		u32 at = off + i * stride;
		struct ft_memory m;

		load_word(g, home, value_off, BPF_REG_3);
		ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_3, (s32)i * 8);
		ft_gen_address(g, BPF_REG_1, ft_gen_temp(g, 0, BPF_REG_1));
		ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, 8);
		ft_bpf_call(c, BPF_FUNC_probe_read_user);
		store_word(g, home, at);
		ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_0, 0, done);
		m = ft_gen_temp(g, 0, BPF_REG_3);
		ft_bpf_load(c, FT_BPF_8, BPF_REG_3, m.base, m.off);
		if (i == FT_SYSCALL_LIST_MAX) { /* whether there are more */
			ft_bpf_mov(c, BPF_REG_0, BPF_REG_3);
			store_word(g, home, at);
			break;
		}
		ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_3, 0, done);
		m = ft_gen_memory(g, home, BPF_REG_1);
		m.off += (s32)at + 8;
		ft_bpf_store(c, FT_BPF_8, m.base, m.off, BPF_REG_3); /* shown if it fails */
		ft_gen_address(g, BPF_REG_1, m);
		ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, (s32)stride - 8);
		ft_bpf_call(c, BPF_FUNC_probe_read_user_str);
		store_word(g, home, at);
	}
	ft_bpf_bind(c, done);
}

/* Copies what an argument points to. */
static void copy_memory(struct ft_gen *g, const struct ft_home *home,
			const struct ft_syscall_arg *arg, u32 value_off, u32 off)
{
	struct ft_bpf_code *c = &g->code;
	bool is_string = arg->kind == 's' || arg->kind == 'S';
	u32 fits = ft_bpf_label(c);
	struct ft_memory m;

	if (arg->kind == 'a') {
		copy_list(g, home, arg, value_off, off);
		return;
	}
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, (s32)arg->capture);
	if (strchr("bBk", arg->kind)) {
		load_word(g, home, value_off + 8, BPF_REG_2);
		ft_bpf_jump_imm(c, BPF_JLE, BPF_REG_2, (s32)arg->capture, fits);
		ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, (s32)arg->capture);
		ft_bpf_bind(c, fits);
	}
	load_word(g, home, value_off, BPF_REG_3);
	m = ft_gen_memory(g, home, BPF_REG_1);
	m.off += (s32)off + 8;
	ft_gen_address(g, BPF_REG_1, m);
	ft_bpf_call(c, is_string ? BPF_FUNC_probe_read_user_str : BPF_FUNC_probe_read_user);
	store_word(g, home, off);
}

static void emit_args(struct ft_gen *g, const struct ft_ir_op *op, u32 which)
{
	const struct ft_syscall *s = ft_syscall_of_point(g->ir->handler->point);
	const struct ft_home *home = &g->homes[op->dst];
	u32 first = which == FT_SYSCALL_ALL ? 0 : which, last, at;
	struct ft_syscall_arg args[FT_SYSCALL_ARGS_MAX];
	u32 count = s ? ft_syscall_args(s, args) : 0;

	if (!s || !in_memory(home))
		return;
	last = which == FT_SYSCALL_ALL || which + 2 > count ? count : which + 2;
	ft_gen_zero(g, ft_gen_memory(g, home, BPF_REG_1), ft_syscall_ref_bytes(s, which));
	store_head(g, home,
		   (struct ft_syscall_ref){.kind = FT_SYSCALL_REF_ARGS,
					   .which = (u8)which,
					   .index = ft_syscall_index(s)});
	if (!count)
		return;
	if (!ft_gen_is_typed(g))
		read_regs(g, 0, REGS_OFF, REGS_BYTES);
#ifdef FIRST_ARG_OFF
	if (is_exit(g) && !ft_gen_is_typed(g))
		read_regs(g, 0, FIRST_ARG_OFF, 8);
#endif
	for (u32 i = first; i < last; i++)
		if (i == first || which == FT_SYSCALL_ALL || strchr("bBk", args[first].kind))
			store_value(g, home, &args[i], i,
				    sizeof(struct ft_syscall_ref) + (i - first) * 8);
	at = (u32)sizeof(struct ft_syscall_ref) + ft_syscall_values_bytes(which);
	for (u32 i = first; i < last; i++) {
		if (!args[i].capture || (which == FT_SYSCALL_ALL ? args[i].hidden : which != i))
			continue;
		copy_memory(g, home, &args[i], (u32)sizeof(struct ft_syscall_ref) + (i - first) * 8,
			    at);
		at += 8 + args[i].capture;
	}
}

EMIT(text)
{
	emit_args(g, op, arg_of(op));
}

EMIT(all)
{
	emit_args(g, op, FT_SYSCALL_ALL);
}

/* user_string_quoted() */
EMIT(quoted)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_home *home = &g->homes[op->dst];
	u32 bytes = ft_gen_bytes(g, op->dst), head = sizeof(struct ft_syscall_ref) + 16;
	struct ft_memory m;

	if (!in_memory(home))
		return;
	ft_gen_zero(g, ft_gen_memory(g, home, BPF_REG_1), bytes);
	store_head(g, home, (struct ft_syscall_ref){.kind = FT_SYSCALL_REF_QUOTED});
	ft_bpf_mov(c, BPF_REG_0, ft_gen_get(g, op->args[0], BPF_REG_0));
	store_word(g, home, sizeof(struct ft_syscall_ref));
	ft_bpf_mov(c, BPF_REG_3, ft_gen_get(g, op->args[0], BPF_REG_3));
	m = ft_gen_memory(g, home, BPF_REG_1);
	m.off += (s32)head;
	ft_gen_address(g, BPF_REG_1, m);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, (s32)(bytes - head));
	ft_gen_read_user(g, BPF_FUNC_probe_read_user_str);
	store_word(g, home, sizeof(struct ft_syscall_ref) + 8);
}

/*
 * Characters of two or four bytes: as many as there is room for, or up to the end of the page, if
 * nothing is behind it. How they are to be shown goes along.
 */
static void emit_wide(struct ft_gen *g, const struct ft_ir_op *op, u8 which)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_home *home = &g->homes[op->dst];
	u32 head = sizeof(struct ft_syscall_ref) + 16, read = ft_bpf_label(c);
	u32 bytes = in_memory(home) ? (ft_gen_bytes(g, op->dst) - head) & ~3u : 0;
	u32 value = sizeof(struct ft_syscall_ref);
	struct ft_memory m;

	if (!bytes)
		return;
	ft_gen_zero(g, ft_gen_memory(g, home, BPF_REG_1), ft_gen_bytes(g, op->dst));
	store_head(g, home, (struct ft_syscall_ref){.kind = FT_SYSCALL_REF_QUOTED, .which = which});
	ft_bpf_mov(c, BPF_REG_0, ft_gen_get(g, op->args[0], BPF_REG_0));
	store_word(g, home, value);
	ft_bpf_number(c, BPF_REG_0, (s32)bytes);
	store_word(g, home, value + 8);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, (s32)bytes);
	load_word(g, home, value, BPF_REG_3);
	m = ft_gen_memory(g, home, BPF_REG_1);
	m.off += (s32)head;
	ft_gen_address(g, BPF_REG_1, m);
	ft_gen_read_user(g, BPF_FUNC_probe_read_user);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, read);
	store_word(g, home, value + 8);
	load_word(g, home, value, BPF_REG_3);
	ft_bpf_mov(c, BPF_REG_2, BPF_REG_3);
	ft_bpf_alu_imm(c, BPF_AND, BPF_REG_2, 4095);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_0, 4096);
	ft_bpf_alu(c, BPF_SUB, BPF_REG_0, BPF_REG_2);
	ft_bpf_jump_imm(c, BPF_JGE, BPF_REG_0, (s32)bytes, read);
	store_word(g, home, value + 8);
	ft_bpf_mov(c, BPF_REG_2, BPF_REG_0);
	m = ft_gen_memory(g, home, BPF_REG_1);
	m.off += (s32)head;
	ft_gen_address(g, BPF_REG_1, m);
	ft_bpf_call(c, BPF_FUNC_probe_read_user);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, read);
	store_word(g, home, value + 8);
	ft_bpf_bind(c, read);
}

EMIT(quoted_utf16)
{
	emit_wide(g, op, 2);
}

EMIT(quoted_utf32)
{
	emit_wide(g, op, 4);
}

EMIT(utf16)
{
	emit_wide(g, op, 2 | FT_SYSCALL_PLAIN);
}

EMIT(utf32)
{
	emit_wide(g, op, 4 | FT_SYSCALL_PLAIN);
}

/* format_ipaddr(): of the old internet, the address is the number; else it is there. */
EMIT(ipaddr)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_home *home = &g->homes[op->dst];
	u32 old = ft_bpf_label(c);
	struct ft_memory m;

	if (!in_memory(home))
		return;
	ft_gen_zero(g, ft_gen_memory(g, home, BPF_REG_1), 32);
	store_head(g, home, (struct ft_syscall_ref){.kind = FT_SYSCALL_REF_ADDRESS});
	ft_bpf_mov(c, BPF_REG_0, ft_gen_get(g, op->args[1], BPF_REG_0));
	store_word(g, home, sizeof(struct ft_syscall_ref));
	ft_bpf_mov(c, BPF_REG_0, ft_gen_get(g, op->args[0], BPF_REG_0));
	m = ft_gen_memory(g, home, BPF_REG_1);
	ft_bpf_store(c, FT_BPF_4, m.base, m.off + 16, BPF_REG_0);
	load_word(g, home, sizeof(struct ft_syscall_ref), BPF_REG_2);
	ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_2, 10 /* AF_INET6 */, old);
	ft_bpf_mov(c, BPF_REG_3, ft_gen_get(g, op->args[0], BPF_REG_3));
	m = ft_gen_memory(g, home, BPF_REG_1);
	m.off += 16;
	ft_gen_address(g, BPF_REG_1, m);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, 16);
	ft_bpf_call(c, BPF_FUNC_probe_read_kernel);
	ft_bpf_bind(c, old);
}

/* user_string_nofault(): "" where nothing can be read */
EMIT(nofault)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_home *home = &g->homes[op->dst];
	u32 bytes = ft_gen_bytes(g, op->dst);

	if (!in_memory(home))
		return;
	ft_gen_zero(g, ft_gen_memory(g, home, BPF_REG_1), bytes);
	ft_bpf_mov(c, BPF_REG_3, ft_gen_get(g, op->args[0], BPF_REG_3));
	ft_gen_address(g, BPF_REG_1, ft_gen_memory(g, home, BPF_REG_1));
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, (s32)bytes);
	ft_gen_read_user(g, BPF_FUNC_probe_read_user_str);
}

EMIT(page_size)
{
	ft_bpf_number(&g->code, BPF_REG_0, sysconf(_SC_PAGESIZE));
	ft_gen_set(g, op->dst, BPF_REG_0);
}

EMIT(cpus)
{
	ft_bpf_number(&g->code, BPF_REG_0, sysconf(_SC_NPROCESSORS_ONLN));
	ft_gen_set(g, op->dst, BPF_REG_0);
}

/* errno_str() and its kin: which function, and the number */
EMIT(number_text)
{
	const struct ft_home *home = &g->homes[op->dst];

	if (!in_memory(home))
		return;
	store_head(g, home,
		   (struct ft_syscall_ref){
			   .kind = FT_SYSCALL_REF_NUMBER,
			   .index = (u32)ft_number_text_find(op->builtin->name),
		   });
	ft_bpf_mov(&g->code, BPF_REG_0, ft_gen_get(g, op->args[0], BPF_REG_0));
	store_word(g, home, sizeof(struct ft_syscall_ref));
}

static const struct row {
	struct ft_bpf_builtin builtin;
	bool is_ref;
} rows[] = {
#define NUMBERED(NAME, EMITTER, IS_REF)                                  \
	{{"__syscall_" #NAME "0", EMITTER, true, 0, 0}, IS_REF},         \
		{{"__syscall_" #NAME "1", EMITTER, true, 0, 0}, IS_REF}, \
		{{"__syscall_" #NAME "2", EMITTER, true, 0, 0}, IS_REF}, \
		{{"__syscall_" #NAME "3", EMITTER, true, 0, 0}, IS_REF}, \
		{{"__syscall_" #NAME "4", EMITTER, true, 0, 0}, IS_REF}, \
		{{"__syscall_" #NAME "5", EMITTER, true, 0, 0}, IS_REF},
	NUMBERED(int, emit_int, false) NUMBERED(uint, emit_uint, false) NUMBERED(long, emit_long,
										 false)
		NUMBERED(text, emit_text, true){{"__syscall_all", emit_all, true, 0, 0}, true},
	{{"__syscall_nr", emit_nr, true, 0, 0}, false},
	{{"_stp_syscall_nr", emit_nr, true, 0, 0}, false},
	{{"__syscall_name", emit_name, true, FT_SYSCALL_NAME_BYTES, 0}, false},
	{{"__syscall_ret", emit_ret, true, 0, 0}, false},
	{{"__syscall_retstr", emit_retstr, true, 16, 0}, true},
	{{"user_string_quoted", emit_quoted, false, 0, 0}, true},
	{{"user_string_quoted_utf16", emit_quoted_utf16, false, 0, 0}, true},
	{{"user_string_quoted_utf32", emit_quoted_utf32, false, 0, 0}, true},
	{{"__user_string_utf16", emit_utf16, false, 0, 0}, true},
	{{"__user_string_utf32", emit_utf32, false, 0, 0}, true},
	{{"mem_page_size", emit_page_size, false, 0, 0}, false},
	{{"num_online_cpus", emit_cpus, false, 0, 0}, false},
	{{"format_ipaddr", emit_ipaddr, false, 32, 0}, true},
	{{"user_string_nofault", emit_nofault, false, 0, 0}, false},
};

static const struct ft_bpf_builtin number_text = {"", emit_number_text, false, 16, 0};

const struct ft_bpf_builtin *ft_bpf_syscall_find(const char *name)
{
	if (ft_number_text_find(name) >= 0)
		return &number_text;
	for (size_t i = 0; i < FT_ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].builtin.name, name))
			return &rows[i].builtin;
	return NULL;
}

static const struct row *row_of(const struct ft_bpf_builtin *b)
{
	for (size_t i = 0; i < FT_ARRAY_LEN(rows); i++)
		if (&rows[i].builtin == b)
			return &rows[i];
	return NULL;
}

bool ft_bpf_is_ref(const struct ft_bpf_builtin *b)
{
	const struct row *row = row_of(b);

	return b->stack || b == &number_text || !strcmp(b->name, "cmdline_str") ||
	       (row && row->is_ref);
}

u32 ft_bpf_builtin_bytes(const struct ft_bpf_builtin *b, const struct ft_handler *handler)
{
	const struct ft_syscall *s;

	if (b->emit != emit_text && b->emit != emit_all)
		return b->bytes;
	s = handler ? ft_syscall_of_point(handler->point) : NULL;
	return s ? ft_syscall_ref_bytes(s, b->emit == emit_all
						   ? FT_SYSCALL_ALL
						   : (u32)(b->name[strlen(b->name) - 1] - '0'))
		 : 8;
}

u32 ft_bpf_builtin_temp(const struct ft_bpf_builtin *b)
{
	return b->emit == emit_text || b->emit == emit_all ? REGS_BYTES : FT_GEN_TEMP_SMALL;
}

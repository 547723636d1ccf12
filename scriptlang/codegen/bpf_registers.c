/*
 * bpf_registers.c - registers, and arguments by the calling convention, as probes without debug
 * information see them: register("rdi"), int_arg(2), returnval(). See bpf.h.
 *
 * Arguments: System V ABI for x86-64, 3.2.3; Procedure Call Standard for the Arm 64-bit
 * Architecture, 6.8.2. Which of the two the machine is is known when this is compiled.
 */
#include <stddef.h>
#include <string.h>

#include "scriptlang/codegen/bpf_gen.h"
#include "scriptlang/codegen/bpf_registers.h"
#include "scriptlang/sema/functions.h"
#include "scriptlang/syscalls/syscalls.h"
#include "scriptlang/user/user_point.h"

#define EMIT(NAME) static void emit_##NAME(struct ft_gen *g, const struct ft_ir_op *op)

#ifdef __x86_64__
/* Words of struct pt_regs, by DWARF number; the last one is the return address. */
static const u8 words[] = {10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0, 16};
static const u8 arguments[] = {14, 13, 12, 11, 9, 8}; /* rdi rsi rdx rcx r8 r9 */
#define RETURN_WORD 10
#define STACK_WORD 19
#define PC_WORD 16
#define STACK_SKIP 8 /* the return address */

static const struct {
	const char *names[4]; /* of 64, 32, 16 and 8 bits */
	u8 word;
} registers[] = {
	{{"rax", "eax", "ax", "al"}, 10},     {{"rbx", "ebx", "bx", "bl"}, 5},
	{{"rcx", "ecx", "cx", "cl"}, 11},     {{"rdx", "edx", "dx", "dl"}, 12},
	{{"rsi", "esi", "si", "sil"}, 13},    {{"rdi", "edi", "di", "dil"}, 14},
	{{"rbp", "ebp", "bp", "bpl"}, 4},     {{"rsp", "esp", "sp", "spl"}, 19},
	{{"r8", "r8d", "r8w", "r8b"}, 9},     {{"r9", "r9d", "r9w", "r9b"}, 8},
	{{"r10", "r10d", "r10w", "r10b"}, 7}, {{"r11", "r11d", "r11w", "r11b"}, 6},
	{{"r12", "r12d", "r12w", "r12b"}, 3}, {{"r13", "r13d", "r13w", "r13b"}, 2},
	{{"r14", "r14d", "r14w", "r14b"}, 1}, {{"r15", "r15d", "r15w", "r15b"}, 0},
	{{"rip", "eip", "ip", NULL}, 16},     {{"orig_rax", "orig_eax", NULL, NULL}, 15},
	{{"cs", "xcs", NULL, NULL}, 17},      {{"eflags", "flags", "rflags", NULL}, 18},
	{{"ss", "xss", NULL, NULL}, 20},
};

bool ft_register_find(const char *name, struct ft_register *found)
{
	static const u8 sizes[] = {8, 4, 2, 1};

	if (*name == '%')
		name++;
	for (size_t i = 0; i < FT_ARRAY_LEN(registers); i++)
		for (size_t k = 0; k < FT_ARRAY_LEN(sizes); k++) {
			const char *one = registers[i].names[k];

			if (!one || strcmp(one, name) != 0)
				continue;
			*found = (struct ft_register){.word = registers[i].word, .size = sizes[k]};
			if (i >= 16) /* names, not parts */
				found->size = 8;
			return true;
		}
	/* The second byte of the first four. */
	if (strlen(name) == 2 && name[1] == 'h' && strchr("abcd", name[0])) {
		static const u8 high[] = {10, 5, 11, 12};

		*found = (struct ft_register){.word = high[name[0] - 'a'], .size = 1, .shift = 8};
		return true;
	}
	return false;
}
#else
static const u8 words[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
			   17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32};
static const u8 arguments[] = {0, 1, 2, 3, 4, 5, 6, 7};
#define RETURN_WORD 0
#define STACK_WORD 31
#define PC_WORD 32
#define STACK_SKIP 0

bool ft_register_find(const char *name, struct ft_register *found)
{
	char *end;
	unsigned long number;

	if (!strcmp(name, "sp") || !strcmp(name, "pc") || !strcmp(name, "lr")) {
		*found = (struct ft_register){.word = *name == 's'   ? 31
						      : *name == 'p' ? 32
								     : 30,
					      .size = 8};
		return true;
	}
	if (*name != 'x' && *name != 'w')
		return false;
	number = strtoul(name + 1, &end, 10);
	if (end == name + 1 || *end || number > 30)
		return false;
	*found = (struct ft_register){.word = (u8)number, .size = *name == 'x' ? 8 : 4};
	return true;
}
#endif

int ft_register_word(u32 dwarf_number)
{
	return dwarf_number < FT_ARRAY_LEN(words) ? words[dwarf_number] : -1;
}

u32 ft_register_stack(void)
{
	return STACK_WORD;
}

int ft_register_argument(u32 number)
{
	return number < FT_ARRAY_LEN(arguments) ? arguments[number] : -1;
}

s32 ft_register_stack_argument(u32 number)
{
	return STACK_SKIP + ((s32)number - (s32)FT_ARRAY_LEN(arguments)) * 8;
}

u32 ft_register_returned(void)
{
	return RETURN_WORD;
}

bool ft_register_link(u32 *word)
{
	*word = 30;
	return STACK_SKIP == 0;
}

u32 ft_register_pc(void)
{
	return PC_WORD;
}

/* Whether there are registers; says so if not. */
static bool has_registers(struct ft_gen *g, const struct ft_ir_op *op)
{
	if (g->kind != FT_BPF_TRACEPOINT)
		return true;
	ft_sema_fail(g->compile, op->expr->at, "identifier",
		     "%s() is of probes on functions and of timer.profile: at this point there are "
		     "no registers",
		     op->builtin->name);
	return false;
}

/* r0 = the lower bytes of r0 */
static void extend(struct ft_gen *g, u32 size, u32 shift, bool is_signed)
{
	if (size == 8)
		return;
	ft_bpf_alu_imm(&g->code, BPF_LSH, BPF_REG_0, (s32)(64 - shift - 8 * size));
	ft_bpf_alu_imm(&g->code, is_signed ? BPF_ARSH : BPF_RSH, BPF_REG_0, (s32)(64 - 8 * size));
}

static void load_word(struct ft_gen *g, u8 dst, u32 word)
{
	ft_gen_context(g, dst);
	ft_bpf_load(&g->code, FT_BPF_8, dst, dst, (s32)word * 8);
}

static void by_name(struct ft_gen *g, const struct ft_ir_op *op, bool is_signed)
{
	const char *name = op->expr->args[0]->text;
	struct ft_register found;

	if (!has_registers(g, op))
		return;
	if (!ft_register_find(name, &found)) {
		ft_sema_fail(g->compile, op->expr->args[0]->at, "string",
			     "this machine has no register '%s'", name);
		return;
	}
	load_word(g, BPF_REG_0, found.word);
	extend(g, found.size, found.shift, is_signed);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

EMIT(register)
{
	by_name(g, op, true);
}

EMIT(u_register)
{
	by_name(g, op, false);
}

/* r0 = an argument of a system call, or of a function of the kernel. False: it is of neither. */
static bool kernel_argument(struct ft_gen *g, s64 number)
{
	const struct ft_point *point = g->ir->handler->point;

	if (number < 0 || number > 11)
		return false;
	if (ft_syscall_pattern(point) && number < FT_SYSCALL_ARGS_MAX) {
		ft_gen_syscall_arg(g, (u32)number);
		return true;
	}
	if (!ft_function_is_point(point))
		return false;
	ft_gen_context_word(g, (u32)number);
	ft_bpf_mov(&g->code, BPF_REG_0, BPF_REG_3);
	return true;
}

static void by_number(struct ft_gen *g, const struct ft_ir_op *op, u32 size, bool is_signed)
{
	const struct ft_user_probe *user = g->ir->handler->point->user;
	s64 number = op->expr->args[0]->number - 1;
	struct ft_bpf_code *c = &g->code;
	struct ft_memory m;

	if (kernel_argument(g, number)) {
		extend(g, size, 0, is_signed);
		ft_gen_set(g, op->dst, BPF_REG_0);
		return;
	}
	if (!has_registers(g, op))
		return;
	if (user && user->at_return) {
		ft_sema_fail(
			g->compile, op->expr->at, "identifier",
			"a function's arguments are gone when it returns: use @entry(%s(%lld))",
			op->builtin->name, (long long)number + 1);
		return;
	}
	if (number < 0 || number > 31) {
		ft_sema_fail(g->compile, op->expr->args[0]->at, "number",
			     "there is no argument %lld: they are counted from 1 to 32",
			     (long long)number + 1);
		return;
	}
	if ((size_t)number < FT_ARRAY_LEN(arguments)) {
		load_word(g, BPF_REG_0, arguments[number]);
	} else {
		u32 read = ft_bpf_label(c);

		load_word(g, BPF_REG_3, STACK_WORD);
		ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_3, ft_register_stack_argument((u32)number));
		ft_gen_address(g, BPF_REG_1, ft_gen_temp(g, 0, BPF_REG_1));
		ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, 8);
		ft_bpf_call(c, g->kind == FT_BPF_KPROBE ? BPF_FUNC_probe_read_kernel
							: BPF_FUNC_probe_read_user);
		ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, read);
		if (!op->is_quiet)
			ft_bpf_jump(c, ft_gen_failure(g, op));
		m = ft_gen_temp(g, 0, BPF_REG_1);
		ft_bpf_store_imm(c, FT_BPF_8, m.base, m.off, 0);
		ft_bpf_bind(c, read);
		m = ft_gen_temp(g, 0, BPF_REG_1);
		ft_bpf_load(c, FT_BPF_8, BPF_REG_0, m.base, m.off);
	}
	extend(g, size, 0, is_signed);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

EMIT(s32_arg)
{
	by_number(g, op, 4, true);
}

EMIT(u32_arg)
{
	by_number(g, op, 4, false);
}

EMIT(u64_arg)
{
	by_number(g, op, 8, false);
}

EMIT(returnval)
{
	const struct ft_user_probe *user = g->ir->handler->point->user;

	if (ft_syscall_pattern(g->ir->handler->point) &&
	    ft_syscall_returns(g->ir->handler->point)) {
		load_word(g, BPF_REG_0, 1);
		ft_gen_set(g, op->dst, BPF_REG_0);
		return;
	}
	if (!has_registers(g, op))
		return;
	if (user && !user->at_return) {
		ft_sema_fail(g->compile, op->expr->at, "identifier",
			     "returnval() is of return probes: write .return behind the function");
		return;
	}
	load_word(g, BPF_REG_0, RETURN_WORD);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

/* How other machines pass arguments; there is one way here. */
EMIT(nothing)
{
	(void)g;
	(void)op;
}

static const struct {
	struct ft_bpf_builtin builtin;
	bool literals;
} rows[] = {
	{{"register", emit_register, true, 0, 0}, true},
	{{"u_register", emit_u_register, true, 0, 0}, true},
	{{"int_arg", emit_s32_arg, true, 0, 0}, true},
	{{"s32_arg", emit_s32_arg, true, 0, 0}, true},
	{{"uint_arg", emit_u32_arg, true, 0, 0}, true},
	{{"u32_arg", emit_u32_arg, true, 0, 0}, true},
	{{"long_arg", emit_u64_arg, true, 0, 0}, true},
	{{"ulong_arg", emit_u64_arg, true, 0, 0}, true},
	{{"longlong_arg", emit_u64_arg, true, 0, 0}, true},
	{{"ulonglong_arg", emit_u64_arg, true, 0, 0}, true},
	{{"pointer_arg", emit_u64_arg, true, 0, 0}, true},
	{{"u64_arg", emit_u64_arg, true, 0, 0}, true},
	{{"s64_arg", emit_u64_arg, true, 0, 0}, true},
	{{"returnval", emit_returnval, true, 0, 0}, false},
	{{"asmlinkage", emit_nothing, true, 0, 0}, false},
	{{"fastcall", emit_nothing, true, 0, 0}, false},
	{{"regparm", emit_nothing, true, 0, 0}, true},
};

const struct ft_bpf_builtin *ft_bpf_register_builtin_find(const char *name)
{
	for (size_t i = 0; i < FT_ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].builtin.name, name))
			return &rows[i].builtin;
	return NULL;
}

bool ft_bpf_takes_literals(const struct ft_bpf_builtin *builtin)
{
	for (size_t i = 0; i < FT_ARRAY_LEN(rows); i++)
		if (builtin == &rows[i].builtin)
			return rows[i].literals;
	return false;
}

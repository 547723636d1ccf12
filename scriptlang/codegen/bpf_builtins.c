/*
 * bpf_builtins.c - functions of the tapset, as programs of the kernel run them. To add one: a
 * function here and a row in the table at the end; its types stand in tapset.c.
 */
#include <stddef.h>
#include <string.h>

#include "scriptlang/codegen/bpf_gen.h"
#include "scriptlang/codegen/bpf_registers.h"
#include "scriptlang/runtime/stacks.h"
#include "scriptlang/sema/target.h"
#include "scriptlang/syscalls/syscalls.h"
#include "scriptlang/user/user_point.h"

#define EMIT(NAME) \
	static void emit_##NAME(struct ft_gen *g, const struct ft_ir_op *op __attribute__((unused)))

/* A number that a helper gives, maybe shifted. */
static void from_helper(struct ft_gen *g, const struct ft_ir_op *op, s32 helper)
{
	ft_bpf_call(&g->code, helper);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

/* The same; process and thread may be there already. */
static void call_who(struct ft_gen *g, s32 helper)
{
	if (g->has_who && helper == BPF_FUNC_get_current_pid_tgid)
		ft_bpf_load(&g->code, FT_BPF_8, BPF_REG_0, BPF_REG_10, g->who_off);
	else
		ft_bpf_call(&g->code, helper);
}

static void upper_half(struct ft_gen *g, const struct ft_ir_op *op, s32 helper)
{
	call_who(g, helper);
	ft_bpf_alu_imm(&g->code, BPF_RSH, BPF_REG_0, 32);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

static void lower_half(struct ft_gen *g, const struct ft_ir_op *op, s32 helper)
{
	call_who(g, helper);
	ft_bpf_alu_imm(&g->code, BPF_LSH, BPF_REG_0, 32);
	ft_bpf_alu_imm(&g->code, BPF_RSH, BPF_REG_0, 32);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

/* ---- who ---- */

static void task_member(struct ft_gen *g, const struct ft_ir_op *op, const char *member, s32 size);
static void cred_member(struct ft_gen *g, const struct ft_ir_op *op, const char *member);
static void load_task(struct ft_gen *g, const struct ft_ir_op *op);
static void read_comm(struct ft_gen *g, const struct ft_ir_op *op);

/* Whether the event is about another task than the current one. */
static bool is_incoming(const struct ft_gen *g)
{
	const struct ft_point *point = g->ir->handler->point;

	return ft_point_is_incoming(point) || (point->life && point->life->of_child);
}

EMIT(pid)
{
	if (is_incoming(g))
		task_member(g, op, "tgid", 4);
	else
		upper_half(g, op, BPF_FUNC_get_current_pid_tgid);
}

EMIT(tid)
{
	if (is_incoming(g))
		task_member(g, op, "pid", 4);
	else
		lower_half(g, op, BPF_FUNC_get_current_pid_tgid);
}

EMIT(uid)
{
	if (is_incoming(g))
		cred_member(g, op, "uid");
	else
		lower_half(g, op, BPF_FUNC_get_current_uid_gid);
}

EMIT(gid)
{
	if (is_incoming(g))
		cred_member(g, op, "gid");
	else
		upper_half(g, op, BPF_FUNC_get_current_uid_gid);
}

EMIT(cpu)
{
	from_helper(g, op, BPF_FUNC_get_smp_processor_id);
}

EMIT(task_current)
{
	load_task(g, op);
	ft_gen_set(g, op->dst, BPF_REG_3);
}

EMIT(execname)
{
	const struct ft_home *home = &g->homes[op->dst];
	int off;

	if (home->kind != FT_HOME_STACK && home->kind != FT_HOME_SLOT)
		return;
	if (is_incoming(g)) {
		load_task(g, op);
		read_comm(g, op);
		return;
	}
	off = ft_target_offset(g->compile, "task_struct", "comm");
	if (off >= 0) { /* two loads, where the helper takes 50 ns */
		struct ft_memory m;

		ft_bpf_call(&g->code, BPF_FUNC_get_current_task_btf);
		m = ft_gen_memory(g, home, BPF_REG_1);
		for (int at = 0; at < 16; at += 8) {
			ft_bpf_load(&g->code, FT_BPF_8, BPF_REG_2, BPF_REG_0, (s16)(off + at));
			ft_bpf_store(&g->code, FT_BPF_8, m.base, (s16)(m.off + at), BPF_REG_2);
		}
		return;
	}
	ft_gen_address(g, BPF_REG_1, ft_gen_memory(g, home, BPF_REG_1));
	ft_bpf_alu_imm(&g->code, BPF_MOV, BPF_REG_2, 16);
	ft_bpf_call(&g->code, BPF_FUNC_get_current_comm);
}

/* r0 = size bytes at r3 + a member; 0 if they cannot be read */
static void read_member(struct ft_gen *g, const struct ft_ir_op *op, const char *type,
			const char *member, s32 size)
{
	struct ft_bpf_code *c = &g->code;
	int off = ft_target_offset(g->compile, type, member);
	struct ft_memory m;

	if (off < 0) {
		ft_sema_fail(g->compile, op->expr->at, "identifier",
			     "this kernel tells nothing of %s.%s, which %s() needs", type, member,
			     op->builtin->name);
		return;
	}
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_3, off);
	m = ft_gen_temp(g, 0, BPF_REG_1);
	ft_bpf_store_imm(c, FT_BPF_8, m.base, m.off, 0);
	ft_gen_address(g, BPF_REG_1, m);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, size);
	ft_bpf_call(c, BPF_FUNC_probe_read_kernel);
	m = ft_gen_temp(g, 0, BPF_REG_1);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_0, m.base, m.off);
}

/* r3 = the argument, or the current task */
static void load_task(struct ft_gen *g, const struct ft_ir_op *op)
{
	if (op->arg_count) {
		ft_bpf_mov(&g->code, BPF_REG_3, ft_gen_get(g, op->args[0], BPF_REG_3));
		return;
	}
	if (is_incoming(g)) { /* the third argument of sched_switch, or the second of a fork */
		ft_gen_context(g, BPF_REG_3);
		ft_bpf_load(&g->code, FT_BPF_8, BPF_REG_3, BPF_REG_3,
			    g->ir->handler->point->life ? 8 : 2 * 8);
		return;
	}
	ft_bpf_call(&g->code, BPF_FUNC_get_current_task);
	ft_bpf_mov(&g->code, BPF_REG_3, BPF_REG_0);
}

static void task_member(struct ft_gen *g, const struct ft_ir_op *op, const char *member, s32 size)
{
	load_task(g, op);
	read_member(g, op, "task_struct", member, size);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

/* r0 = where the words of the process's command line begin, or end. */
static void read_words(struct ft_gen *g, const struct ft_ir_op *op, const char *member)
{
	load_task(g, op);
	read_member(g, op, "task_struct", "mm", 8);
	ft_bpf_mov(&g->code, BPF_REG_3, BPF_REG_0);
	read_member(g, op, "mm_struct", member, 8);
}

/* Copied as they are: user space makes a text of them (syscalls.h). */
EMIT(cmdline_str)
{
	const struct ft_home *home = &g->homes[op->dst];
	u32 room = ft_gen_bytes(g, op->dst) - 16, fits = ft_bpf_label(&g->code);
	struct ft_syscall_ref ref = {.mark = FT_STACK_REF_MARK, .kind = FT_SYSCALL_REF_WORDS};
	struct ft_bpf_code *c = &g->code;
	struct ft_memory m;
	s64 word;

	if (home->kind != FT_HOME_STACK && home->kind != FT_HOME_SLOT)
		return;
	ft_gen_zero(g, ft_gen_memory(g, home, BPF_REG_1), room + 16);
	memcpy(&word, &ref, sizeof(word));
	ft_bpf_number(c, BPF_REG_0, word);
	m = ft_gen_memory(g, home, BPF_REG_1);
	ft_bpf_store(c, FT_BPF_8, m.base, m.off, BPF_REG_0);
	read_words(g, op, "arg_end");
	m = ft_gen_memory(g, home, BPF_REG_1);
	ft_bpf_store(c, FT_BPF_8, m.base, m.off + 8, BPF_REG_0);
	read_words(g, op, "arg_start");
	ft_bpf_mov(c, BPF_REG_3, BPF_REG_0);
	m = ft_gen_memory(g, home, BPF_REG_1);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_2, m.base, m.off + 8);
	ft_bpf_alu(c, BPF_SUB, BPF_REG_2, BPF_REG_3);
	ft_bpf_jump_imm(c, BPF_JLE, BPF_REG_2, (s32)room, fits);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, (s32)room);
	ft_bpf_bind(c, fits);
	m = ft_gen_memory(g, home, BPF_REG_1);
	ft_bpf_store(c, FT_BPF_8, m.base, m.off + 8, BPF_REG_2);
	m.off += 16;
	ft_gen_address(g, BPF_REG_1, m);
	ft_bpf_call(c, BPF_FUNC_probe_read_user);
}

EMIT(task_pid)
{
	task_member(g, op, "tgid", 4);
}

EMIT(task_tid)
{
	task_member(g, op, "pid", 4);
}

EMIT(task_parent)
{
	task_member(g, op, "real_parent", 8);
}

EMIT(task_cpu)
{
	/* In thread_info, which is the beginning of a task on these machines. */
	load_task(g, op);
	read_member(g, op, "thread_info", "cpu", 4);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

EMIT(task_prio)
{
	task_member(g, op, "prio", 4);
}

EMIT(task_state)
{
	task_member(g, op, "__state", 4);
}

EMIT(ppid)
{
	load_task(g, op);
	read_member(g, op, "task_struct", "real_parent", 8);
	ft_bpf_mov(&g->code, BPF_REG_3, BPF_REG_0);
	read_member(g, op, "task_struct", "tgid", 4);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

static void cred_member(struct ft_gen *g, const struct ft_ir_op *op, const char *member)
{
	load_task(g, op);
	read_member(g, op, "task_struct", "cred", 8);
	ft_bpf_mov(&g->code, BPF_REG_3, BPF_REG_0);
	read_member(g, op, "cred", member, 4);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

EMIT(euid)
{
	cred_member(g, op, "euid");
}

EMIT(egid)
{
	cred_member(g, op, "egid");
}

EMIT(task_uid)
{
	cred_member(g, op, "uid");
}

EMIT(task_gid)
{
	cred_member(g, op, "gid");
}

static void read_comm(struct ft_gen *g, const struct ft_ir_op *op)
{
	const struct ft_home *home = &g->homes[op->dst];
	int off = ft_target_offset(g->compile, "task_struct", "comm");

	if (home->kind != FT_HOME_STACK && home->kind != FT_HOME_SLOT)
		return;
	if (off < 0) {
		ft_sema_fail(g->compile, op->expr->at, "identifier",
			     "this kernel tells nothing of task_struct.comm, which %s() needs",
			     op->builtin->name);
		return;
	}
	ft_bpf_alu_imm(&g->code, BPF_ADD, BPF_REG_3, off);
	ft_gen_zero(g, ft_gen_memory(g, home, BPF_REG_1), 16);
	ft_gen_address(g, BPF_REG_1, ft_gen_memory(g, home, BPF_REG_1));
	ft_bpf_alu_imm(&g->code, BPF_MOV, BPF_REG_2, 16);
	ft_bpf_call(&g->code, BPF_FUNC_probe_read_kernel_str);
}

EMIT(task_execname)
{
	load_task(g, op);
	read_comm(g, op);
}

EMIT(pexecname)
{
	load_task(g, op);
	read_member(g, op, "task_struct", "real_parent", 8);
	ft_bpf_mov(&g->code, BPF_REG_3, BPF_REG_0);
	read_comm(g, op);
}

/* Whether the event came in user mode: the requested privilege level of cs. */
EMIT(user_mode)
{
	if (g->kind != FT_BPF_TRACEPOINT) {
		ft_gen_context(g, BPF_REG_1);
#ifdef __x86_64__
		ft_bpf_load(&g->code, FT_BPF_8, BPF_REG_0, BPF_REG_1, 17 * 8);
		ft_bpf_alu_imm(&g->code, BPF_AND, BPF_REG_0, 3);
		ft_bpf_alu_imm(&g->code, BPF_RSH, BPF_REG_0, 1);
#else
		ft_bpf_load(&g->code, FT_BPF_8, BPF_REG_0, BPF_REG_1, 33 * 8);
		ft_bpf_alu_imm(&g->code, BPF_AND, BPF_REG_0, 0xf);
		ft_bpf_alu_imm(&g->code, BPF_SUB, BPF_REG_0, 1);
		ft_bpf_alu_imm(&g->code, BPF_RSH, BPF_REG_0, 63);
#endif
	} else {
		ft_bpf_alu_imm(&g->code, BPF_MOV, BPF_REG_0, 0);
	}
	ft_gen_set(g, op->dst, BPF_REG_0);
}

/*
 * Where a function is probed behind its beginning, scripts are told that: r0 less the distance,
 * which the place's cookie has.
 */
static void go_back(struct ft_gen *g)
{
	const struct ft_user_probe *probe = g->ir->handler->point->user;
	struct ft_bpf_code *c = &g->code;
	struct ft_memory m;
	bool any = false;

	for (u32 i = 0; g->kind == FT_BPF_UPROBE && i < probe->site_count; i++)
		any |= probe->sites[i].as_at_beginning &&
		       probe->sites[i].addr != probe->sites[i].function;
	if (!any || probe->at_return)
		return;
	m = ft_gen_temp(g, 0, BPF_REG_1);
	ft_bpf_store(c, FT_BPF_8, m.base, m.off, BPF_REG_0);
	ft_gen_context(g, BPF_REG_1);
	ft_bpf_call(c, BPF_FUNC_get_attach_cookie);
	ft_bpf_alu_imm(c, BPF_RSH, BPF_REG_0, 32);
	m = ft_gen_temp(g, 0, BPF_REG_1);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_1, m.base, m.off);
	ft_bpf_alu(c, BPF_SUB, BPF_REG_1, BPF_REG_0);
	ft_bpf_mov(c, BPF_REG_0, BPF_REG_1);
}

/* Where the thread is in user space: the first frame of its stack. */
EMIT(uaddr)
{
	struct ft_bpf_code *c = &g->code;
	struct ft_memory m = ft_gen_temp(g, 0, BPF_REG_2);

	ft_bpf_store_imm(c, FT_BPF_8, m.base, m.off, 0);
	ft_gen_address(g, BPF_REG_2, m);
	ft_gen_context(g, BPF_REG_1);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_3, 8);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_4, BPF_F_USER_STACK);
	ft_bpf_call(c, BPF_FUNC_get_stack);
	m = ft_gen_temp(g, 0, BPF_REG_1);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_0, m.base, m.off);
	go_back(g);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

/* Where the event was: what a timer or a perf event has interrupted. */
EMIT(addr)
{
	if (g->kind == FT_BPF_TRACEPOINT) { /* a tracepoint has no address of its own */
		ft_bpf_number(&g->code, BPF_REG_0, 0);
		ft_gen_set(g, op->dst, BPF_REG_0);
		return;
	}
	ft_gen_context(g, BPF_REG_1);
#ifdef __x86_64__
	ft_bpf_load(&g->code, FT_BPF_8, BPF_REG_0, BPF_REG_1, 16 * 8);
#else
	ft_bpf_load(&g->code, FT_BPF_8, BPF_REG_0, BPF_REG_1, 32 * 8);
#endif
	go_back(g);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

EMIT(target)
{
	ft_bpf_number(&g->code, BPF_REG_0, g->maps->target_pid);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

/* ---- when ---- */

static void clock_in(struct ft_gen *g, const struct ft_ir_op *op, bool wall, s32 unit)
{
	struct ft_bpf_code *c = &g->code;

	ft_bpf_call(c, BPF_FUNC_ktime_get_ns);
	if (wall) {
		ft_bpf_map_value(c, BPF_REG_1, g->maps->globals, 0);
		ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_1,
			    offsetof(struct ft_session, wall_ns));
		ft_bpf_alu(c, BPF_ADD, BPF_REG_0, BPF_REG_1);
	}
	if (unit > 1)
		ft_bpf_alu_imm(c, BPF_DIV, BPF_REG_0, unit);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

#define CLOCK(NAME, WALL, UNIT)                  \
	EMIT(NAME)                               \
	{                                        \
		clock_in(g, op, (WALL), (UNIT)); \
	}

CLOCK(gettimeofday_ns, true, 1)
CLOCK(gettimeofday_us, true, 1000)
CLOCK(gettimeofday_ms, true, 1000000)
CLOCK(gettimeofday_s, true, 1000000000)
CLOCK(local_clock_ns, false, 1)
CLOCK(local_clock_us, false, 1000)
CLOCK(local_clock_ms, false, 1000000)
CLOCK(local_clock_s, false, 1000000000)

EMIT(jiffies)
{
	from_helper(g, op, BPF_FUNC_jiffies64);
}

EMIT(HZ)
{
	ft_bpf_number(&g->code, BPF_REG_0, ft_machine_hz(g->compile));
	ft_gen_set(g, op->dst, BPF_REG_0);
}

/* ---- order of bytes ---- */

static void swap_bytes(struct ft_gen *g, const struct ft_ir_op *op, u8 order, s32 bits)
{
	ft_bpf_mov(&g->code, BPF_REG_0, ft_gen_get(g, op->args[0], BPF_REG_0));
	ft_bpf_emit(&g->code, BPF_ALU | BPF_END | order, BPF_REG_0, 0, 0, bits);
	ft_gen_set(g, op->dst, BPF_REG_0);
}

#define SWAP(NAME, ORDER, BITS)                     \
	EMIT(NAME)                                  \
	{                                           \
		swap_bytes(g, op, (ORDER), (BITS)); \
	}

SWAP(big_endian2, BPF_TO_BE, 16)
SWAP(big_endian4, BPF_TO_BE, 32)
SWAP(big_endian8, BPF_TO_BE, 64)
SWAP(little_endian2, BPF_TO_LE, 16)
SWAP(little_endian4, BPF_TO_LE, 32)
SWAP(little_endian8, BPF_TO_LE, 64)

/* ---- signals ---- */

/* Sends one to the process of the event. */
EMIT(__raise)
{
	ft_bpf_mov(&g->code, BPF_REG_1, ft_gen_get(g, op->args[0], BPF_REG_1));
	ft_bpf_call(&g->code, BPF_FUNC_send_signal);
	ft_bpf_jump_imm(&g->code, BPF_JSLT, BPF_REG_0, 0, ft_gen_failure(g, op));
}

/* ---- memory ---- */

static void call_reader(struct ft_gen *g, s32 helper)
{
	if (helper == BPF_FUNC_probe_read_user || helper == BPF_FUNC_probe_read_user_str)
		ft_gen_read_user(g, helper);
	else
		ft_bpf_call(&g->code, helper);
}

/* A string at an address, up to so many bytes as a second argument says. */
static void read_text(struct ft_gen *g, const struct ft_ir_op *op, s32 helper)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_home *home = &g->homes[op->dst];
	u32 bytes = ft_gen_bytes(g, op->dst), nothing = ft_bpf_label(c);

	if (home->kind != FT_HOME_STACK && home->kind != FT_HOME_SLOT)
		return;
	ft_gen_zero(g, ft_gen_memory(g, home, BPF_REG_1), bytes);
	if (op->arg_count > 1)
		ft_gen_limit(g, op->args[1], bytes, nothing);
	else
		ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, (s32)bytes);
	ft_gen_address(g, BPF_REG_1, ft_gen_memory(g, home, BPF_REG_1));
	ft_bpf_mov(c, BPF_REG_3, ft_gen_get(g, op->args[0], BPF_REG_3));
	call_reader(g, helper);
	if (!op->is_quiet)
		ft_bpf_jump_imm(c, BPF_JSLT, BPF_REG_0, 0, ft_gen_failure(g, op));
	ft_bpf_bind(c, nothing);
}

EMIT(kernel_string)
{
	read_text(g, op, BPF_FUNC_probe_read_kernel_str);
}

EMIT(user_string)
{
	read_text(g, op, BPF_FUNC_probe_read_user_str);
}

static void read_number(struct ft_gen *g, const struct ft_ir_op *op, s32 helper, s32 size,
			bool is_signed)
{
	struct ft_bpf_code *c = &g->code;
	struct ft_memory m = ft_gen_temp(g, 0, BPF_REG_1);

	ft_bpf_store_imm(c, FT_BPF_8, m.base, m.off, 0);
	ft_gen_address(g, BPF_REG_1, m);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, size);
	ft_bpf_mov(c, BPF_REG_3, ft_gen_get(g, op->args[0], BPF_REG_3));
	call_reader(g, helper);
	if (!op->is_quiet)
		ft_bpf_jump_imm(c, BPF_JSLT, BPF_REG_0, 0, ft_gen_failure(g, op));
	m = ft_gen_temp(g, 0, BPF_REG_1);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_0, m.base, m.off);
	if (is_signed && size < 8) {
		ft_bpf_alu_imm(c, BPF_LSH, BPF_REG_0, 64 - 8 * size);
		ft_bpf_alu_imm(c, BPF_ARSH, BPF_REG_0, 64 - 8 * size);
	}
	ft_gen_set(g, op->dst, BPF_REG_0);
}

#define READ(NAME, WHERE, SIZE, SIGNED)                                            \
	EMIT(NAME)                                                                 \
	{                                                                          \
		read_number(g, op, BPF_FUNC_probe_read_##WHERE, (SIZE), (SIGNED)); \
	}

READ(kernel_char, kernel, 1, true)
READ(kernel_short, kernel, 2, true)
READ(kernel_int, kernel, 4, true)
READ(kernel_long, kernel, 8, true)
READ(__kernel_uint8, kernel, 1, false)
READ(__kernel_uint16, kernel, 2, false)
READ(__kernel_uint32, kernel, 4, false)
READ(user_char, user, 1, true)
READ(user_uint8, user, 1, false)
READ(user_short, user, 2, true)
READ(user_ushort, user, 2, false)
READ(user_int, user, 4, true)
READ(user_uint, user, 4, false)
READ(user_long, user, 8, true)

/* ---- stacks ---- */

EMIT(ubacktrace)
{
	ft_gen_stack(g, op);
}

/* ---- the end ---- */

EMIT(exit)
{
	ft_bpf_map_value(&g->code, BPF_REG_1, g->maps->globals, 0);
	ft_bpf_store_imm(&g->code, FT_BPF_8, BPF_REG_1, offsetof(struct ft_session, phase),
			 FT_PHASE_EXITING);
	ft_gen_wake(g);
}

static const struct ft_bpf_builtin rows[] = {
#define ROW(NAME, OF_EVENT, BYTES)                         \
	{                                                  \
#NAME, emit_##NAME, (OF_EVENT), (BYTES), 0 \
	}
	ROW(pid, true, 0),
	ROW(tid, true, 0),
	ROW(ppid, true, 0),
	ROW(uid, true, 0),
	ROW(euid, true, 0),
	ROW(gid, true, 0),
	ROW(egid, true, 0),
	ROW(cpu, true, 0),
	ROW(execname, true, 16),
	ROW(pexecname, true, 16),
	ROW(cmdline_str, true, 512),
	ROW(task_current, true, 0),
	ROW(task_pid, false, 0),
	ROW(task_tid, false, 0),
	ROW(task_parent, false, 0),
	ROW(task_cpu, false, 0),
	ROW(task_prio, false, 0),
	ROW(task_state, false, 0),
	ROW(task_uid, false, 0),
	ROW(task_gid, false, 0),
	ROW(task_execname, false, 16),
	ROW(user_mode, true, 0),
	ROW(addr, true, 0),
	ROW(uaddr, true, 0),
	ROW(target, false, 0),
	ROW(gettimeofday_ns, true, 0),
	ROW(gettimeofday_us, true, 0),
	ROW(gettimeofday_ms, true, 0),
	ROW(gettimeofday_s, true, 0),
	ROW(local_clock_ns, true, 0),
	ROW(local_clock_us, true, 0),
	ROW(local_clock_ms, true, 0),
	ROW(local_clock_s, true, 0),
	{"ktime_get_ns", emit_local_clock_ns, true, 0, 0},
	{"get_cycles", emit_local_clock_ns, true, 0, 0}, /* a program cannot ask for cycles */
	ROW(jiffies, true, 0),
	ROW(HZ, false, 0),
	ROW(big_endian2, false, 0),
	ROW(big_endian4, false, 0),
	ROW(big_endian8, false, 0),
	ROW(little_endian2, false, 0),
	ROW(little_endian4, false, 0),
	ROW(little_endian8, false, 0),
	{"htons", emit_big_endian2, false, 0, 0},
	{"htonl", emit_big_endian4, false, 0, 0},
	{"htonll", emit_big_endian8, false, 0, 0},
	{"ntohs", emit_big_endian2, false, 0, 0},
	{"ntohl", emit_big_endian4, false, 0, 0},
	{"ntohll", emit_big_endian8, false, 0, 0},
	ROW(__raise, false, 0),
	ROW(kernel_string, false, 0),
	ROW(user_string, false, 0),
	{"kernel_string_n", emit_kernel_string, false, 0, 0},
	{"user_string_n", emit_user_string, false, 0, 0},
	ROW(kernel_char, false, 0),
	ROW(kernel_short, false, 0),
	ROW(kernel_int, false, 0),
	ROW(kernel_long, false, 0),
	ROW(__kernel_uint8, false, 0),
	ROW(__kernel_uint16, false, 0),
	ROW(__kernel_uint32, false, 0),
	{"kernel_pointer", emit_kernel_long, false, 0, 0},
	ROW(user_char, false, 0),
	{"user_int8", emit_user_char, false, 0, 0},
	ROW(user_uint8, false, 0),
	ROW(user_short, false, 0),
	{"user_int16", emit_user_short, false, 0, 0},
	ROW(user_ushort, false, 0),
	{"user_uint16", emit_user_ushort, false, 0, 0},
	ROW(user_int, false, 0),
	{"user_int32", emit_user_int, false, 0, 0},
	ROW(user_uint, false, 0),
	{"user_uint32", emit_user_uint, false, 0, 0},
	ROW(user_long, false, 0),
	{"user_ulong", emit_user_long, false, 0, 0},
	{"user_int64", emit_user_long, false, 0, 0},
	{"user_uint64", emit_user_long, false, 0, 0},
	{"ubacktrace", emit_ubacktrace, true, sizeof(struct ft_stack_ref), FT_STACK_USER},
	{"backtrace", emit_ubacktrace, true, sizeof(struct ft_stack_ref), FT_STACK_KERNEL},
	{"strlen", ft_gen_strlen, false, 0, 0},
	{"substr", ft_gen_substr, false, 0, 0},
	{"isinstr", ft_gen_isinstr, false, 0, 0},
	{"pp", ft_gen_place_text, true, 8, 0},
	{"ppfunc", ft_gen_place_text, true, 8, 0},
	ROW(exit, false, 0),
};

/* Of those with several arguments: the others of their names take another form here. */
static bool takes_more(const char *name, u32 arg_count)
{
	return !strcmp(name, "substr") || !strcmp(name, "__raise") || !strcmp(name, "isinstr") ||
	       (arg_count == 2 &&
		(!strcmp(name, "kernel_string_n") || !strcmp(name, "user_string_n")));
}

const struct ft_bpf_builtin *ft_bpf_builtin_find(const char *name, u32 arg_count)
{
	const struct ft_bpf_builtin *found;

	for (size_t i = 0; i < FT_ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].name, name))
			return arg_count > 1 && !takes_more(name, arg_count) ? NULL : &rows[i];
	found = ft_bpf_syscall_find(name);
	return found ? found : ft_bpf_register_builtin_find(name);
}

void ft_gen_builtin(struct ft_gen *g, const struct ft_ir_op *op)
{
	op->builtin->kernel->emit(g, op);
}

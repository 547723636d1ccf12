/*
 * interp_peek.c - what user space reads from the kernel's memory: members of what a cast points to,
 * and functions about tasks and addresses; see peek.h.
 *
 * What an address pointed to when an event fired may be gone by now: the kernel reads while it
 * fires, and this later. So the kernel does what it can before it hands over (place.c).
 */
#include <errno.h>
#include <string.h>

#include "base/proc.h"
#include "scriptlang/runtime/builtins.h"
#include "scriptlang/runtime/interp_parts.h"
#include "scriptlang/sema/target.h"

/* NULL: the handler has failed. */
static struct ft_peek *open_peek(struct ft_interp *x, const struct ft_expr *at)
{
	int error = x->peek ? 0 : ft_peek_new(&x->peek);

	if (error)
		ft_interp_fail(x, at,
			       "the kernel does not let its memory be read from user space: %s",
			       strerror(-error));
	return x->peek;
}

static bool read_bytes(struct ft_interp *x, const struct ft_expr *at, u64 addr, void *to,
		       size_t bytes)
{
	struct ft_peek *peek = open_peek(x, at);

	if (peek && ft_peek_read(peek, addr, to, bytes)) {
		ft_interp_fail(x, at, "kernel read fault at 0x%llx", (unsigned long long)addr);
		return false;
	}
	return peek != NULL;
}

/* So many bits of a number, from an offset on. */
static u64 cut(u64 value, u32 offset, u32 bits, bool is_signed)
{
	if (!bits || bits + offset > 64 || (bits == 64 && !offset))
		return value;
	value <<= 64 - bits - offset;
	return is_signed ? (u64)((s64)value >> (64 - bits)) : value >> (64 - bits);
}

static u64 read_number(struct ft_interp *x, const struct ft_expr *at, u64 addr, u32 bytes,
		       bool is_signed)
{
	u64 value = 0;

	read_bytes(x, at, addr, &value, bytes && bytes < 8 ? bytes : 8);
	return cut(value, 0, 8 * bytes, is_signed);
}

bool ft_interp_can_peek(const struct ft_target *t)
{
	if (t->word != UINT32_MAX || t->in_user || t->size > 8)
		return false;
	for (u32 i = 0; i < t->step_count; i++)
		if (t->steps[i].kind != FT_STEP_ADD && t->steps[i].kind != FT_STEP_INDEX &&
		    t->steps[i].kind != FT_STEP_LOAD)
			return false;
	return true;
}

void ft_interp_target(struct ft_interp *x, struct ft_activation *a, const struct ft_ir_op *op)
{
	const struct ft_target *t = op->peek;
	u64 value = t ? (u64)a->regs[op->args[op->arg_count - 1]].number : 0;

	if (!t)
		ft_interp_fail(x, op->expr,
			       "only handlers that fire in the kernel read its memory");
	for (u32 i = 0; t && i < t->step_count && !x->failed; i++) {
		const struct ft_target_step *s = &t->steps[i];

		if (s->kind == FT_STEP_ADD)
			value += (u64)(s32)s->bytes;
		else if (s->kind == FT_STEP_INDEX)
			value += (u64)a->regs[op->args[s->access]].number * s->bytes;
		else
			value = read_number(x, op->expr, value, s->bytes, false);
	}
	if (t && t->loads && !x->failed)
		value = read_number(x, op->expr, value, t->size, false);
	if (t)
		value = t->bit_size ? cut(value, t->bit_offset, t->bit_size, t->is_signed)
				    : cut(value, 0, t->size * 8, t->is_signed);
	a->regs[op->dst] = ft_interp_number(x->failed ? 0 : (s64)value);
}

/* ---- functions ---- */

static struct ft_value read_text(struct ft_interp *x, const struct ft_expr *call, u64 addr,
				 size_t bytes)
{
	struct ft_peek *peek = open_peek(x, call);
	char text[FT_PEEK_MAX];

	if (bytes > sizeof(text))
		bytes = sizeof(text);
	if (!peek || bytes < 2)
		return text_of(x, "");
	if (ft_peek_string(peek, addr, text, bytes)) {
		ft_interp_fail(x, call, "kernel string copy fault at 0x%llx",
			       (unsigned long long)addr);
		return text_of(x, "");
	}
	return text_of(x, text);
}

BUILTIN(kernel_string)
{
	return read_text(x, call, (u64)a[0].number, x->limits.string_bytes);
}

BUILTIN(kernel_string_n)
{
	return read_text(x, call, (u64)a[0].number,
			 a[1].number < 0	     ? 0
			 : a[1].number < FT_PEEK_MAX ? (size_t)a[1].number + 1
						     : FT_PEEK_MAX);
}

#define READ(NAME, BYTES, SIGNED)                                                        \
	BUILTIN(NAME)                                                                    \
	{                                                                                \
		return ft_interp_number(                                                 \
			(s64)read_number(x, call, (u64)a[0].number, (BYTES), (SIGNED))); \
	}

READ(kernel_char, 1, true)
READ(kernel_short, 2, true)
READ(kernel_int, 4, true)
READ(kernel_long, 8, true)
READ(kernel_uint8, 1, false)
READ(kernel_uint16, 2, false)
READ(kernel_uint32, 4, false)

BUILTIN(task_current)
{
	struct ft_peek *peek = open_peek(x, call);

	return ft_interp_number(peek ? (s64)ft_peek_task(peek) : 0);
}

/* A number that a structure of the kernel has as a member. */
static u64 member(struct ft_interp *x, const struct ft_expr *call, u64 addr, const char *type,
		  const char *name, u32 bytes)
{
	int off = ft_target_offset(x->compile, type, name);

	if (off < 0) {
		ft_interp_fail(x, call, "this kernel tells nothing of %s.%s, which %s() needs",
			       type, name, call->name);
		return 0;
	}
	return read_number(x, call, addr + (u64)off, bytes, true);
}

#define TASK_MEMBER(NAME, MEMBER, BYTES)                                                           \
	BUILTIN(NAME)                                                                              \
	{                                                                                          \
		return ft_interp_number(                                                           \
			(s64)member(x, call, (u64)a[0].number, "task_struct", (MEMBER), (BYTES))); \
	}

TASK_MEMBER(task_pid, "tgid", 4)
TASK_MEMBER(task_tid, "pid", 4)
TASK_MEMBER(task_parent, "real_parent", 8)
TASK_MEMBER(task_prio, "prio", 4)
TASK_MEMBER(task_state, "__state", 4)

/* In thread_info, which is the beginning of a task on these machines. */
BUILTIN(task_cpu)
{
	int off = ft_target_offset(x->compile, "thread_info", "cpu");

	if (off < 0)
		return ft_interp_number(0);
	return ft_interp_number((s64)read_number(x, call, (u64)a[0].number + (u64)off, 4, true));
}

static struct ft_value of_cred(struct ft_interp *x, const struct ft_expr *call, u64 task,
			       const char *name)
{
	u64 cred = member(x, call, task, "task_struct", "cred", 8);

	return ft_interp_number(x->failed ? 0 : (s64)(u32)member(x, call, cred, "cred", name, 4));
}

BUILTIN(task_uid)
{
	return of_cred(x, call, (u64)a[0].number, "uid");
}

BUILTIN(task_gid)
{
	return of_cred(x, call, (u64)a[0].number, "gid");
}

BUILTIN(task_execname)
{
	int off = ft_target_offset(x->compile, "task_struct", "comm");

	if (off < 0) {
		ft_interp_fail(x, call, "this kernel tells nothing of task_struct.comm");
		return text_of(x, "");
	}
	return read_text(x, call, (u64)a[0].number + (u64)off, 16);
}

#define TASKS_MAX (1u << 22) /* the kernel's own limit of process numbers */

/*
 * The task with that number (member "tgid" or "pid") in a circle of them, each linked to the next
 * by a list_head that is a member. from: a list_head of the circle. 0: it is not there.
 */
static u64 find_in_list(struct ft_interp *x, const struct ft_expr *call, u64 from, const char *link,
			const char *number, s64 wanted)
{
	int off = ft_target_offset(x->compile, "task_struct", link);
	u64 at = from;

	for (u32 i = 0; off >= 0 && i < TASKS_MAX && !x->failed; i++) {
		at = read_number(x, call, at, 8, false);
		if (at == from || x->failed)
			break;
		if ((s64)member(x, call, at - (u64)off, "task_struct", number, 4) == wanted)
			return at - (u64)off;
	}
	return 0;
}

/* Processes are linked to each other, threads to their process. */
BUILTIN(pid2task)
{
	struct ft_peek *peek = open_peek(x, call);
	int tasks = ft_target_offset(x->compile, "task_struct", "tasks");
	int threads = ft_target_offset(x->compile, "signal_struct", "thread_head");
	u64 task, found, signal;
	u32 process = 0;

	if (!peek || tasks < 0 || threads < 0 || a[0].number <= 0 || a[0].number > INT32_MAX ||
	    ft_proc_tgid((u32)a[0].number, &process))
		return ft_interp_number(0);
	task = member(x, call, ft_peek_task(peek), "task_struct", "group_leader", 8);
	if ((s64)member(x, call, task, "task_struct", "tgid", 4) == process)
		found = task;
	else
		found = find_in_list(x, call, task + (u64)tasks, "tasks", "tgid", process);
	if (found && process != a[0].number) {
		signal = member(x, call, found, "task_struct", "signal", 8);
		found = find_in_list(x, call, signal + (u64)threads, "thread_node", "pid",
				     a[0].number);
	}
	return ft_interp_number(x->failed ? 0 : (s64)found);
}

static const struct {
	const char *name;
	ft_builtin_run *run;
} rows[] = {
	{"pid2task", run_pid2task},
	{"kernel_string", run_kernel_string},
	{"kernel_string_n", run_kernel_string_n},
	{"kernel_char", run_kernel_char},
	{"kernel_short", run_kernel_short},
	{"kernel_int", run_kernel_int},
	{"kernel_long", run_kernel_long},
	{"kernel_pointer", run_kernel_long},
	{"__kernel_uint8", run_kernel_uint8},
	{"__kernel_uint16", run_kernel_uint16},
	{"__kernel_uint32", run_kernel_uint32},
	{"task_current", run_task_current},
	{"task_pid", run_task_pid},
	{"task_tid", run_task_tid},
	{"task_parent", run_task_parent},
	{"task_prio", run_task_prio},
	{"task_state", run_task_state},
	{"task_cpu", run_task_cpu},
	{"task_uid", run_task_uid},
	{"task_gid", run_task_gid},
	{"task_execname", run_task_execname},
};

ft_builtin_run *ft_builtin_peek_find(const char *name)
{
	for (size_t i = 0; i < FT_ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].run;
	return NULL;
}

/*
 * kernel_sets.c - sets of processes that probes in user space are for: the process of -c or -x with
 * all that it and its children began, or those that run a file; see user_point.h.
 *
 * Where a process comes from cannot be asked for later: children whose parent has ended belong to
 * init, and a process that ends has no program any more. So there is a map for each set, by
 * process, and three small programs that keep it: a child belongs where its parent does, who runs
 * another program belongs where that does, and who has ended nowhere. What was there before is
 * found in /proc, after the programs are at work, and again until nothing new turns up.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/proc.h"
#include "scriptlang/codegen/bpf_asm.h"
#include "scriptlang/kernel/kernel_parts.h"
#include "scriptlang/sema/target.h"

#define PROCESSES_MAX 65536 /* of a set, at a time */

/* Where the small programs have what they need, on their stacks. */
#define KEY_OFF (-8)
#define VALUE_OFF (-16)
#define PARENT_OFF (-24)

struct maker {
	struct ft_kernel *kernel;
	const struct ft_user_set *set;
	struct ft_bpf_code code;
	u32 out;
	bool failed; /* the kernel does not tell where a member is */
};

/* r3 = a member of so many bytes of what r3 points to, which lies at an offset of the stack, too */
static void follow(struct maker *m, const char *type, const char *member, s32 bytes, s32 to)
{
	struct ft_bpf_code *c = &m->code;
	int off = ft_target_offset(m->kernel->compile, type, member);

	m->failed |= off < 0;
	ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_10, to, 0);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_3, off);
	ft_bpf_mov(c, BPF_REG_1, BPF_REG_10);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_1, to);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, bytes);
	ft_bpf_call(c, BPF_FUNC_probe_read_kernel);
	ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_0, 0, m->out);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_10, to);
}

/* The process at hand, as a key. */
static void store_current(struct maker *m, s32 to)
{
	ft_bpf_call(&m->code, BPF_FUNC_get_current_pid_tgid);
	ft_bpf_alu_imm(&m->code, BPF_RSH, BPF_REG_0, 32);
	ft_bpf_store(&m->code, FT_BPF_8, BPF_REG_10, to, BPF_REG_0);
}

/* A map's function for a key; with the value for updates. */
static void call_map(struct maker *m, s32 helper, s32 key)
{
	struct ft_bpf_code *c = &m->code;

	ft_bpf_map(c, BPF_REG_1, m->set->map);
	ft_bpf_mov(c, BPF_REG_2, BPF_REG_10);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_2, key);
	if (helper == BPF_FUNC_map_update_elem) {
		ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_10, VALUE_OFF, 1);
		ft_bpf_mov(c, BPF_REG_3, BPF_REG_10);
		ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_3, VALUE_OFF);
		ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_4, BPF_ANY);
	}
	ft_bpf_call(c, helper);
}

/* sched_process_fork: parent, child. The number of one that ended may be in use again. */
static void make_fork(struct maker *m)
{
	struct ft_bpf_code *c = &m->code;
	u32 belongs = ft_bpf_label(c);

	ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_6, 8);
	follow(m, "task_struct", "pid", 4, PARENT_OFF);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_6, 8);
	follow(m, "task_struct", "tgid", 4, KEY_OFF);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_10, PARENT_OFF);
	ft_bpf_jump_if(c, BPF_JNE, BPF_REG_1, BPF_REG_3, m->out); /* a thread */
	store_current(m, PARENT_OFF);
	call_map(m, BPF_FUNC_map_lookup_elem, PARENT_OFF);
	ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_0, 0, belongs);
	call_map(m, BPF_FUNC_map_delete_elem, KEY_OFF);
	ft_bpf_jump(c, m->out);
	ft_bpf_bind(c, belongs);
	call_map(m, BPF_FUNC_map_update_elem, KEY_OFF);
}

/* sched_process_exec: the process at hand runs another file now. */
static void make_exec(struct maker *m)
{
	struct ft_bpf_code *c = &m->code;
	u32 other = ft_bpf_label(c);

	ft_bpf_call(c, BPF_FUNC_get_current_task);
	ft_bpf_mov(c, BPF_REG_3, BPF_REG_0);
	follow(m, "task_struct", "mm", 8, VALUE_OFF);
	follow(m, "mm_struct", "exe_file", 8, VALUE_OFF);
	follow(m, "file", "f_inode", 8, VALUE_OFF);
	follow(m, "inode", "i_ino", 8, VALUE_OFF);
	store_current(m, KEY_OFF);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_10, VALUE_OFF);
	ft_bpf_number(c, BPF_REG_1, (s64)m->set->program->inode);
	ft_bpf_jump_if(c, BPF_JNE, BPF_REG_3, BPF_REG_1, other);
	call_map(m, BPF_FUNC_map_update_elem, KEY_OFF);
	ft_bpf_jump(c, m->out);
	ft_bpf_bind(c, other);
	call_map(m, BPF_FUNC_map_delete_elem, KEY_OFF);
}

/* sched_process_exit: of the last thread of a process. */
static void make_exit(struct maker *m)
{
	struct ft_bpf_code *c = &m->code;

	ft_bpf_call(c, BPF_FUNC_get_current_task);
	ft_bpf_mov(c, BPF_REG_3, BPF_REG_0);
	follow(m, "task_struct", "signal", 8, VALUE_OFF);
	follow(m, "signal_struct", "live", 4, VALUE_OFF);
	ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_3, 0, m->out);
	store_current(m, KEY_OFF);
	call_map(m, BPF_FUNC_map_delete_elem, KEY_OFF);
}

/* Makes one of the programs, and lets it run at its tracepoint. */
static int attach(struct ft_kernel *k, const struct ft_user_set *set, const char *tracepoint,
		  void (*make)(struct maker *m), struct ft_err *err)
{
	struct maker m = {.kernel = k, .set = set, .code = {.arena = k->compile->arena}};
	int program, link, code;

	m.out = ft_bpf_label(&m.code);
	ft_bpf_mov(&m.code, BPF_REG_6, BPF_REG_1);
	make(&m);
	ft_bpf_bind(&m.code, m.out);
	ft_bpf_alu_imm(&m.code, BPF_MOV, BPF_REG_0, 0);
	ft_bpf_exit(&m.code);
	if (ft_bpf_finish(&m.code))
		return ft_err_set(err, -ENOMEM, "out of memory");
	if (m.failed)
		return ft_err_set(err, -ENOENT,
				  "this kernel's types do not tell which processes belong together "
				  "(/sys/kernel/btf/vmlinux): name a process by its number");
	program = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "ft_sets", "GPL", m.code.insns,
				m.code.count, NULL);
	if (program < 0)
		return ft_err_set(err, -errno,
				  "the kernel refused the program that notes processes: %s",
				  strerror(errno));
	link = bpf_raw_tracepoint_open(tracepoint, program);
	code = link < 0 ? ft_err_set(err, -errno, "cannot attach to the tracepoint '%s': %s",
				     tracepoint, strerror(errno))
			: ft_kernel_keep(k, link, err);
	close(program);
	return code;
}

/* ---- what is there already ---- */

struct scan {
	const struct ft_user_set *set;
	struct stat file; /* of the program */
	bool found;	  /* somebody new */
};

static bool has(const struct ft_user_set *set, u64 pid)
{
	u64 value;

	return !bpf_map_lookup_elem(set->map, &pid, &value);
}

static u32 parent_of(u32 pid)
{
	char path[64], text[512];
	const char *behind;
	FILE *from;
	u32 parent = 0;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	from = fopen(path, "re");
	if (!from)
		return 0;
	len = fread(text, 1, sizeof(text) - 1, from);
	text[len] = '\0';
	behind = strrchr(text, ')'); /* the name may hold anything */
	if (!behind || sscanf(behind, ") %*c %u", &parent) != 1)
		parent = 0;
	fclose(from);
	return parent;
}

static int see_process(void *context, u32 pid)
{
	struct scan *s = context;
	u64 key = pid, value = 1;
	char path[64];
	struct stat exe;

	if (has(s->set, pid))
		return 0;
	if (s->set->program) {
		snprintf(path, sizeof(path), "/proc/%u/exe", pid);
		if (stat(path, &exe) || exe.st_ino != s->file.st_ino ||
		    exe.st_dev != s->file.st_dev)
			return 0;
	} else if (!has(s->set, parent_of(pid))) {
		return 0;
	}
	s->found = true;
	return bpf_map_update_elem(s->set->map, &key, &value, BPF_ANY) ? -errno : 0;
}

static int fill(const struct ft_kernel *k, const struct ft_user_set *set)
{
	struct scan s = {.set = set};
	u64 key = k->opts.target_pid, value = 1;
	int code = 0;

	if (set->program && stat(set->program->path, &s.file))
		return -errno;
	if (!set->program && bpf_map_update_elem(set->map, &key, &value, BPF_ANY))
		return -errno;
	do {
		s.found = false;
		code = ft_proc_pids(see_process, &s);
	} while (!code && s.found);
	return code;
}

static int open_set(struct ft_kernel *k, struct ft_user_set *set, struct ft_err *err)
{
	const struct bpf_map_create_opts sparse = {.sz = sizeof(sparse),
						   .map_flags = BPF_F_NO_PREALLOC};
	int code;

	set->map = bpf_map_create(BPF_MAP_TYPE_HASH, "ft_processes", 8, 8, PROCESSES_MAX, &sparse);
	if (set->map < 0)
		return ft_err_set(err, -errno, "cannot make the map of processes: %s",
				  strerror(errno));
	code = attach(k, set, "sched_process_fork", make_fork, err);
	if (!code && set->program)
		code = attach(k, set, "sched_process_exec", make_exec, err);
	if (code)
		return code;
	code = fill(k, set);
	return code ? ft_err_set(err, code, "cannot note the processes that run: %s",
				 strerror(-code))
		    : 0;
}

/* Whether a handler that becomes a program is about the set. */
static bool is_used(const struct ft_kernel *k, const struct ft_user_set *set)
{
	for (u32 i = 0; i < k->program->program->handler_count; i++) {
		const struct ft_point *point = k->program->handlers[i]->handler->point;

		if (k->program->handlers[i]->side == FT_SIDE_KERNEL &&
		    ((point->user && point->user->set == set) ||
		     (point->life && point->life->set == set)))
			return true;
	}
	return false;
}

int ft_kernel_sets_open(struct ft_kernel *k, struct ft_err *err)
{
	int code = 0;

	for (u32 i = 0; i < k->compile->user_set_count && !code; i++)
		if (is_used(k, k->compile->user_sets[i]))
			code = open_set(k, k->compile->user_sets[i], err);
	return code;
}

int ft_kernel_sets_watch(struct ft_kernel *k, struct ft_err *err)
{
	int code = 0;

	for (u32 i = 0; i < k->compile->user_set_count && !code; i++)
		if (k->compile->user_sets[i]->map >= 0)
			code = attach(k, k->compile->user_sets[i], "sched_process_exit", make_exit,
				      err);
	return code;
}

void ft_kernel_sets_close(struct ft_kernel *k)
{
	for (u32 i = 0; i < k->compile->user_set_count; i++)
		if (k->compile->user_sets[i]->map >= 0) {
			close(k->compile->user_sets[i]->map);
			k->compile->user_sets[i]->map = -1;
		}
}

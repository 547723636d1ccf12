/*
 * bpf_user.c - what programs at places in user space have of their own: which processes they are
 * for, and which of their places an event is of. See bpf_gen.h and user_point.h.
 */
#include <string.h>

#include "scriptlang/codegen/bpf_gen.h"
#include "scriptlang/codegen/bpf_registers.h"
#include "scriptlang/sema/target.h"
#include "scriptlang/user/user_point.h"

/* r3 = a member of what r3 points to, of so many bytes; on to none where that is not there. */
static void follow_member(struct ft_gen *g, const char *type, const char *member, s32 bytes,
			  u32 none)
{
	struct ft_bpf_code *c = &g->code;
	int off = ft_target_offset(g->compile, type, member);

	if (off < 0) {
		ft_sema_fail(g->compile, g->ir->handler->at, "identifier",
			     "this kernel tells nothing of %s.%s, which is needed to tell "
			     "processes apart: name a process by its number instead",
			     type, member);
		return;
	}
	ft_bpf_store_imm(c, FT_BPF_8, BPF_REG_10, g->failed_off, 0);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_3, off);
	ft_bpf_mov(c, BPF_REG_1, BPF_REG_10);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_1, g->failed_off);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, bytes);
	ft_bpf_call(c, BPF_FUNC_probe_read_kernel);
	ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_0, 0, none);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_10, g->failed_off);
}

/*
 * r3: a task; on to none where it runs another file. A library is probed in the file, so whoever
 * maps it comes here: those count that run the program. Files are told by their inode's number; who
 * maps the library and runs a file of the same number on another file system would count, too.
 */
static void guard_program(struct ft_gen *g, u64 inode, u32 none)
{
	struct ft_bpf_code *c = &g->code;

	follow_member(g, "task_struct", "mm", 8, none);
	follow_member(g, "mm_struct", "exe_file", 8, none);
	follow_member(g, "file", "f_inode", 8, none);
	follow_member(g, "inode", "i_ino", 8, none);
	ft_bpf_number(c, BPF_REG_1, (s64)inode);
	ft_bpf_jump_if(c, BPF_JNE, BPF_REG_3, BPF_REG_1, none);
}

/* The process at hand is in the set. actions_off: nothing is there yet. */
static void guard_set(struct ft_gen *g, const struct ft_user_set *set)
{
	struct ft_bpf_code *c = &g->code;

	ft_bpf_call(c, BPF_FUNC_get_current_pid_tgid);
	ft_bpf_alu_imm(c, BPF_RSH, BPF_REG_0, 32);
	ft_bpf_store(c, FT_BPF_8, BPF_REG_10, g->actions_off, BPF_REG_0);
	ft_bpf_mov(c, BPF_REG_2, BPF_REG_10);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_2, g->actions_off);
	ft_bpf_map(c, BPF_REG_1, set->map);
	ft_bpf_call(c, BPF_FUNC_map_lookup_elem);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, g->out);
}

static void guard_pid(struct ft_gen *g, u32 pid)
{
	struct ft_bpf_code *c = &g->code;

	ft_bpf_call(c, BPF_FUNC_get_current_pid_tgid);
	ft_bpf_alu_imm(c, BPF_RSH, BPF_REG_0, 32);
	ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_0, (s32)pid, g->out);
}

/*
 * r3 = run-time address minus address as linked of the file: at a return the event's own address is
 * where it returns to.
 */
static void load_bias(struct ft_gen *g, const struct ft_user_probe *probe)
{
	const struct ft_user_site *site = &probe->sites[0];
	struct ft_bpf_code *c = &g->code;

	if (probe->in_kernel) {
		ft_bpf_number(c, BPF_REG_3, (s64)site->file->slide);
		return;
	}
	if (probe->at_return && !probe->is_library) {
		ft_bpf_call(c, BPF_FUNC_get_current_task);
		ft_bpf_mov(c, BPF_REG_3, BPF_REG_0);
		follow_member(g, "task_struct", "mm", 8, g->out);
		follow_member(g, "mm_struct", "start_code", 8, g->out);
		ft_bpf_number(c, BPF_REG_1, (s64)ft_user_first_code(site->file));
	} else {
		ft_gen_context(g, BPF_REG_1);
		if (probe->at_return)
			ft_bpf_call(c, BPF_FUNC_get_func_ip);
		else
			ft_bpf_load(c, FT_BPF_8, BPF_REG_0, BPF_REG_1, (s32)ft_register_pc() * 8);
		ft_bpf_mov(c, BPF_REG_3, BPF_REG_0);
		ft_bpf_number(c, BPF_REG_1, (s64)site->addr);
	}
	ft_bpf_alu(c, BPF_SUB, BPF_REG_3, BPF_REG_1);
}

/* r0 = where the function at hand returns to */
static void load_return_address(struct ft_gen *g, const struct ft_user_probe *probe)
{
	struct ft_bpf_code *c = &g->code;
	u32 link;

	ft_gen_context(g, BPF_REG_3);
	if (probe->at_return || ft_register_link(&link)) {
		ft_bpf_load(c, FT_BPF_8, BPF_REG_0, BPF_REG_3,
			    (s32)(probe->at_return ? ft_register_pc() : link) * 8);
		return;
	}
	ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_3, (s32)ft_register_stack() * 8);
	ft_bpf_mov(c, BPF_REG_1, BPF_REG_10);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_1, g->failed_off);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, 8);
	ft_bpf_call(c, probe->in_kernel ? BPF_FUNC_probe_read_kernel : BPF_FUNC_probe_read_user);
	ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_0, 0, g->out);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_0, BPF_REG_10, g->failed_off);
}

/* Only calls that return to where they have to. */
static void guard_callers(struct ft_gen *g, const struct ft_user_probe *probe)
{
	const struct ft_user_site *site = &probe->sites[0];
	struct ft_bpf_code *c = &g->code;
	u32 found = ft_bpf_label(c);

	load_bias(g, probe);
	ft_bpf_store(c, FT_BPF_8, BPF_REG_10, g->actions_off, BPF_REG_3);
	load_return_address(g, probe);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_10, g->actions_off);
	ft_bpf_alu(c, BPF_SUB, BPF_REG_0, BPF_REG_3);
	for (u32 i = 0; i < site->caller_count; i++) {
		ft_bpf_number(c, BPF_REG_1, (s64)site->callers[i]);
		ft_bpf_jump_if(c, BPF_JEQ, BPF_REG_0, BPF_REG_1, found);
	}
	ft_bpf_jump(c, g->out);
	ft_bpf_bind(c, found);
}

void ft_gen_user_guard(struct ft_gen *g)
{
	const struct ft_user_probe *probe = g->ir->handler->point->user;
	struct ft_bpf_code *c = &g->code;

	if (probe->pid)
		guard_pid(g, probe->pid);
	if (probe->set)
		guard_set(g, probe->set);
	if (probe->program) {
		ft_bpf_call(c, BPF_FUNC_get_current_task);
		ft_bpf_mov(c, BPF_REG_3, BPF_REG_0);
		guard_program(g, probe->program->inode, g->out);
	}
	if (probe->site_count == 1 && probe->sites[0].caller_count)
		guard_callers(g, probe);
}

/* failed_off is in use here, what it holds is put back: it tells the error that was caught. */
void ft_gen_program(struct ft_gen *g, u64 inode, s64 first_code, u32 none)
{
	struct ft_bpf_code *c = &g->code;
	struct ft_memory m = ft_gen_temp(g, 0, BPF_REG_1);

	ft_gen_failed(g, BPF_REG_0);
	ft_bpf_store(c, FT_BPF_8, m.base, m.off, BPF_REG_0);
	ft_bpf_call(c, BPF_FUNC_get_current_task);
	ft_bpf_mov(c, BPF_REG_3, BPF_REG_0);
	guard_program(g, inode, none);
	ft_bpf_call(c, BPF_FUNC_get_current_task);
	ft_bpf_mov(c, BPF_REG_3, BPF_REG_0);
	follow_member(g, "task_struct", "mm", 8, none);
	follow_member(g, "mm_struct", "start_code", 8, none);
	m = ft_gen_temp(g, 0, BPF_REG_1);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_0, m.base, m.off);
	ft_bpf_store(c, FT_BPF_8, BPF_REG_10, g->failed_off, BPF_REG_0);
	ft_bpf_number(c, BPF_REG_1, first_code);
	ft_bpf_alu(c, BPF_SUB, BPF_REG_3, BPF_REG_1);
}

/* r3 = the task that the event is about */
static void load_life_task(struct ft_gen *g, const struct ft_user_life *life)
{
	struct ft_bpf_code *c = &g->code;

	if (life->of_child) {
		ft_gen_context(g, BPF_REG_3);
		ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_3, 8);
		return;
	}
	ft_bpf_call(c, BPF_FUNC_get_current_task);
	ft_bpf_mov(c, BPF_REG_3, BPF_REG_0);
}

/* Of what life: the first thread of a process, or another one. */
static void guard_thread(struct ft_gen *g, const struct ft_user_life *life)
{
	struct ft_bpf_code *c = &g->code;
	/* Where the process's number waits for the thread's: nothing else is there yet. */
	s32 kept = g->actions_off;

	load_life_task(g, life);
	follow_member(g, "task_struct", "tgid", 4, g->out);
	if (life->pid)
		ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_3, (s32)life->pid, g->out);
	ft_bpf_store(c, FT_BPF_8, BPF_REG_10, kept, BPF_REG_3);
	load_life_task(g, life);
	follow_member(g, "task_struct", "pid", 4, g->out);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_10, kept);
	ft_bpf_jump_if(c, life->of_thread ? BPF_JEQ : BPF_JNE, BPF_REG_1, BPF_REG_3, g->out);
}

void ft_gen_life_guard(struct ft_gen *g)
{
	const struct ft_user_life *life = g->ir->handler->point->life;

	if (!life->calls)
		guard_thread(g, life);
	else if (life->pid)
		guard_pid(g, life->pid);
	/* A child belongs where its parent does, which is at hand. */
	if (life->set)
		guard_set(g, life->set);
	if (life->program) {
		load_life_task(g, life);
		guard_program(g, life->program->inode, g->out);
	}
}

/* The cookie of a place is its number, by which its texts lie in a map. */
void ft_gen_place_text(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_home *home = &g->homes[op->dst];
	u32 bytes = ft_gen_bytes(g, op->dst), none = ft_bpf_label(c);
	enum ft_user_text which;
	struct ft_memory m;

	if (!ft_user_text_of(op->builtin->name, &which) ||
	    (home->kind != FT_HOME_STACK && home->kind != FT_HOME_SLOT))
		return;
	m = ft_gen_memory(g, home, BPF_REG_1);
	ft_gen_zero(g, m, bytes);
	ft_gen_context(g, BPF_REG_1);
	ft_bpf_call(c, BPF_FUNC_get_attach_cookie);
	m = ft_gen_temp(g, 0, BPF_REG_1);
	ft_bpf_store(c, FT_BPF_4, m.base, m.off, BPF_REG_0);
	ft_gen_address(g, BPF_REG_2, m);
	ft_bpf_map(c, BPF_REG_1, g->maps->places[which]);
	ft_bpf_call(c, BPF_FUNC_map_lookup_elem);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, none);
	m = ft_gen_memory(g, home, BPF_REG_2);
	for (u32 i = 0; i < bytes && i < g->maps->place_bytes[which]; i += 8) {
		ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_0, (s32)i);
		ft_bpf_store(c, FT_BPF_8, m.base, m.off + (s32)i, BPF_REG_1);
	}
	ft_bpf_bind(c, none);
}

/* ---- memory that is not resident ---- */

static bool reads_user(const struct ft_ir_op *op)
{
	return op->in_kernel &&
	       (op->kind == FT_IR_TARGET || op->kind == FT_IR_POKE ||
		(op->kind == FT_IR_BUILTIN && !strncmp(op->builtin->name, "user_", 5)));
}

/* One that goes on in other programs must not: those are no sleepers. */
bool ft_gen_may_sleep(const struct ft_gen *g)
{
	const struct ft_ir *ir = g->ir;

	if (g->kind != FT_BPF_UPROBE || g->maps->no_sleep || ft_bpf_parts(ir) > 1)
		return false;
	for (u32 b = 0; b < ir->block_count; b++)
		for (u32 i = 0; i < ir->blocks[b].count; i++)
			if (reads_user(&ir->blocks[b].ops[i]))
				return true;
	return false;
}

/* Once more, after a byte at r3 was read by a helper that waits for it. */
static void retry(struct ft_gen *g, s32 helper)
{
	struct ft_bpf_code *c = &g->code;

	ft_bpf_mov(c, BPF_REG_1, BPF_REG_10);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_1, g->fault_off + 24);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, 1);
	ft_bpf_call(c, BPF_FUNC_copy_from_user);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_1, BPF_REG_10, g->fault_off);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_2, BPF_REG_10, g->fault_off + 8);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_10, g->fault_off + 16);
	ft_bpf_call(c, helper);
}

void ft_gen_read_user(struct ft_gen *g, s32 helper)
{
	struct ft_bpf_code *c = &g->code;
	u32 done = ft_bpf_label(c);

	if (!g->sleeps) {
		ft_bpf_call(c, helper);
		return;
	}
	ft_bpf_store(c, FT_BPF_8, BPF_REG_10, g->fault_off, BPF_REG_1);
	ft_bpf_store(c, FT_BPF_8, BPF_REG_10, g->fault_off + 8, BPF_REG_2);
	ft_bpf_store(c, FT_BPF_8, BPF_REG_10, g->fault_off + 16, BPF_REG_3);
	ft_bpf_call(c, helper);
	ft_bpf_jump_imm(c, BPF_JSGE, BPF_REG_0, 0, done);
	ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_10, g->fault_off + 16);
	retry(g, helper);
	ft_bpf_jump_imm(c, BPF_JSGE, BPF_REG_0, 0, done);
	/* It may go on in the next page. */
	ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_10, g->fault_off + 16);
	ft_bpf_alu_imm(c, BPF_OR, BPF_REG_3, 4095);
	ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_3, 1);
	retry(g, helper);
	ft_bpf_bind(c, done);
}

/*
 * kernel_calls.c - handlers of system calls: each of the two tracepoints has one program, which
 * goes on in the handler of the call at hand, by its number; see kernel_parts.h. A handler of all
 * calls is attached to the tracepoint itself.
 *
 * A call with several handlers has one in each of several such levels. Calls of 32-bit programs
 * have other numbers, and are left out: the code segment in the saved registers tells them. Calls
 * of this process are left out as well: to tell of one takes others, and there would be no end.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/btf.h"
#include "scriptlang/codegen/bpf_asm.h"
#include "scriptlang/kernel/kernel_parts.h"
#include "scriptlang/syscalls/syscalls.h"

#define LEVELS_MAX 64 /* handlers of one call */

struct level {
	int programs; /* by number of the call */
	bool taken[FT_SYSCALL_NUMBERS];
};

struct ft_kernel_calls {
	struct level levels[2][LEVELS_MAX]; /* of entries and exits */
	u32 counts[2];
};

/* Of struct pt_regs. */
#ifdef __x86_64__
#define NUMBER_OFF (15 * 8)
#define NUMBER_SIZE FT_BPF_8
#define SEGMENT_OFF (17 * 8) /* of code */
#define SEGMENT_SIZE FT_BPF_2
#define SEGMENT_32 0x23 /* that of 32-bit programs */
#define NUMBER_BYTES 24
#else
#define NUMBER_OFF (35 * 8)
#define NUMBER_SIZE FT_BPF_4
#define NUMBER_BYTES 8
#endif

/* How a program finds the saved registers, best first. */
enum way {
	BY_TYPE,   /* the argument is a pointer whose type is known (Linux 5.5) */
	BY_HELPER, /* the kernel tells where they are (Linux 5.15); costs a third of a copy */
	BY_COPY,
};

/* r3 = the number of the call; goes to out for one of a 32-bit program. */
static void find_number(struct ft_bpf_code *c, bool exits, enum way way, u32 out)
{
	u8 regs = BPF_REG_10;
	s32 base = -24 - NUMBER_OFF;

	if (way == BY_TYPE) {
		ft_bpf_load(c, FT_BPF_8, BPF_REG_0, BPF_REG_6, 0);
		regs = BPF_REG_0;
		base = 0;
	} else if (way == BY_HELPER) {
		ft_bpf_call(c, BPF_FUNC_get_current_task_btf);
		ft_bpf_mov(c, BPF_REG_1, BPF_REG_0);
		ft_bpf_call(c, BPF_FUNC_task_pt_regs);
		regs = BPF_REG_0;
		base = 0;
	} else { /* number, address, segment: one behind the other */
		ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_6, 0);
		ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_3, (s32)NUMBER_OFF);
		ft_bpf_mov(c, BPF_REG_1, BPF_REG_10);
		ft_bpf_alu_imm(c, BPF_ADD, BPF_REG_1, -24);
		ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, NUMBER_BYTES);
		ft_bpf_call(c, BPF_FUNC_probe_read_kernel);
		ft_bpf_jump_imm(c, BPF_JNE, BPF_REG_0, 0, out);
	}
#ifdef __x86_64__
	ft_bpf_load(c, SEGMENT_SIZE, BPF_REG_1, regs, base + SEGMENT_OFF);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_1, SEGMENT_32, out);
#endif
	if (exits)
		ft_bpf_load(c, NUMBER_SIZE, BPF_REG_3, regs, base + NUMBER_OFF);
	else
		ft_bpf_load(c, FT_BPF_8, BPF_REG_3, BPF_REG_6, 8);
}

enum bpf_prog_type ft_kernel_call_opts(const struct ft_kernel *k, bool exits,
				       struct bpf_prog_load_opts *opts)
{
	if (!k->maps.call_types[exits])
		return BPF_PROG_TYPE_RAW_TRACEPOINT;
	opts->expected_attach_type = BPF_TRACE_RAW_TP;
	opts->attach_btf_id = k->maps.call_types[exits];
	return BPF_PROG_TYPE_TRACING;
}

/* The program of a level: on to the call's handler. programs -1: to nothing. */
static int make_dispatcher(struct ft_kernel *k, int programs, bool exits, enum way way,
			   struct ft_err *err)
{
	struct ft_bpf_code c = {.arena = k->compile->arena};
	struct bpf_prog_load_opts opts = {.sz = sizeof(opts)};
	enum bpf_prog_type type = ft_kernel_call_opts(k, exits, &opts);
	u32 out = ft_bpf_label(&c);
	int fd;

	ft_bpf_mov(&c, BPF_REG_6, BPF_REG_1);
	ft_bpf_call(&c, BPF_FUNC_get_current_pid_tgid);
	ft_bpf_alu_imm(&c, BPF_RSH, BPF_REG_0, 32);
	ft_bpf_jump_imm(&c, BPF_JEQ, BPF_REG_0, (s32)getpid(), out);
	find_number(&c, exits, way, out);
	if (programs >= 0) {
		ft_bpf_mov(&c, BPF_REG_1, BPF_REG_6);
		ft_bpf_map(&c, BPF_REG_2, programs);
		ft_bpf_call(&c, BPF_FUNC_tail_call);
	}
	ft_bpf_bind(&c, out);
	ft_bpf_alu_imm(&c, BPF_MOV, BPF_REG_0, 0);
	ft_bpf_exit(&c);
	if (ft_bpf_finish(&c))
		return ft_err_set(err, -ENOMEM, "out of memory");
	fd = bpf_prog_load(type, "ft_calls", "GPL", c.insns, c.count, &opts);
	if (fd < 0 && way == BY_HELPER)
		return make_dispatcher(k, programs, exits, BY_COPY, err);
	return fd >= 0 ? fd
		       : ft_err_set(err, -errno,
				    "the kernel refused the program of system calls: %s",
				    strerror(errno));
}

/*
 * Whether there are system calls to trace, and none of their handlers asks for stacks: walkers are
 * programs of the raw kind. alone: nor does any other one, so that no threads are made.
 */
static bool wants_types(const struct ft_kernel *k, bool *alone)
{
	bool any = false, walked = false;

	*alone = true;
	for (u32 i = 0; i < k->program->program->handler_count; i++) {
		const struct ft_ir *ir = k->program->handlers[i];
		bool splits = ir->side == FT_SIDE_KERNEL && ft_bpf_parts(ir) > 1;

		*alone &= !splits;
		if (ir->side == FT_SIDE_KERNEL && ft_syscall_pattern(ir->handler->point)) {
			walked |= splits;
			any = true;
		}
	}
	return any && !walked;
}

/*
 * Where the kernel saves the registers of this thread, which tells it from all others without a
 * call; 0: it does not say.
 */
static u64 own_regs(struct ft_kernel *k)
{
	struct ft_bpf_code c = {.arena = k->compile->arena};
	struct bpf_test_run_opts run = {.sz = sizeof(run)};
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ft_own", 4, 8, 1, NULL), program;
	u64 regs = 0;
	u32 zero = 0;

	if (map < 0)
		return 0;
	ft_bpf_call(&c, BPF_FUNC_get_current_task_btf);
	ft_bpf_mov(&c, BPF_REG_1, BPF_REG_0);
	ft_bpf_call(&c, BPF_FUNC_task_pt_regs);
	ft_bpf_map_value(&c, BPF_REG_1, map, 0);
	ft_bpf_store(&c, FT_BPF_8, BPF_REG_1, 0, BPF_REG_0);
	ft_bpf_alu_imm(&c, BPF_MOV, BPF_REG_0, 0);
	ft_bpf_exit(&c);
	program = ft_bpf_finish(&c) ? -1
				    : bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "ft_own", "GPL",
						    c.insns, c.count, NULL);
	if (program >= 0 && !bpf_prog_test_run_opts(program, &run))
		bpf_map_lookup_elem(map, &zero, &regs);
	if (program >= 0)
		close(program);
	close(map);
	return regs;
}

void ft_kernel_call_types(struct ft_kernel *k)
{
	static const char *const names[] = {"btf_trace_sys_enter", "btf_trace_sys_exit"};
	struct ft_err ignored = {0}; /* raw programs do as well */
	bool alone;
	int fd = 0;

	k->maps.own_pid = (u32)getpid();
	if (!wants_types(k, &alone) ||
	    ft_btf_typedefs(FT_BTF_KERNEL, names, k->maps.call_types, 2, &ignored))
		return;
	for (u32 exits = 0; exits < 2 && fd >= 0; exits++) {
		fd = make_dispatcher(k, -1, exits, BY_TYPE, &ignored);
		if (fd >= 0)
			close(fd);
	}
	if (fd < 0)
		memset(k->maps.call_types, 0, sizeof(k->maps.call_types));
	else if (alone)
		k->maps.own_regs = own_regs(k);
}

static int attach(struct ft_kernel *k, bool exits, int program, struct ft_err *err)
{
	const char *name = exits ? "sys_exit" : "sys_enter";
	int link = bpf_raw_tracepoint_open(k->maps.call_types[exits] ? NULL : name, program);

	return link < 0 ? ft_err_set(err, -errno, "cannot attach to system calls: %s",
				     strerror(errno))
			: ft_kernel_keep(k, link, err);
}

static int add_level(struct ft_kernel *k, bool exits, struct ft_err *err)
{
	struct ft_kernel_calls *calls = k->calls;
	struct level *level = &calls->levels[exits][calls->counts[exits]];
	int program, code;

	if (calls->counts[exits] == LEVELS_MAX)
		return ft_err_set(err, -E2BIG, "the script has more than %d handlers of one call",
				  LEVELS_MAX);
	level->programs =
		bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "ft_calls", 4, 4, FT_SYSCALL_NUMBERS, NULL);
	if (level->programs < 0)
		return ft_err_set(err, -errno, "cannot make a map of programs: %s",
				  strerror(errno));
	calls->counts[exits]++;
	program = make_dispatcher(k, level->programs, exits,
				  k->maps.call_types[exits] ? BY_TYPE : BY_HELPER, err);
	if (program < 0)
		return program;
	code = attach(k, exits, program, err);
	close(program);
	return code;
}

/* Puts a program at a call, on the first level where nothing is. */
static int put(struct ft_kernel *k, bool exits, u32 number, int program, struct ft_err *err)
{
	struct ft_kernel_calls *calls = k->calls;
	u32 at = 0;
	int code;

	while (at < calls->counts[exits] && calls->levels[exits][at].taken[number])
		at++;
	code = at == calls->counts[exits] ? add_level(k, exits, err) : 0;
	if (code)
		return code;
	calls->levels[exits][at].taken[number] = true;
	if (bpf_map_update_elem(calls->levels[exits][at].programs, &number, &program, BPF_ANY))
		return ft_err_set(err, -errno, "cannot make a program callable: %s",
				  strerror(errno));
	return 0;
}

int ft_kernel_call_add(struct ft_kernel *k, const struct ft_handler *handler, int program,
		       struct ft_err *err)
{
	const char *pattern = ft_syscall_pattern(handler->point);
	const struct ft_syscall *one = ft_syscall_of_point(handler->point);
	bool exits = ft_syscall_returns(handler->point);
	int code = 0;

	if (ft_syscall_for_all(handler->point))
		return attach(k, exits, program, err);
	if (!k->calls)
		k->calls = ft_alloc(sizeof(*k->calls));
	for (u32 number = 0; number < FT_SYSCALL_NUMBERS && !code; number++) {
		const struct ft_syscall *s = ft_syscall_of_number(number);

		if ((s && s == one) || (s && !one && ft_syscall_fits(s, pattern)))
			code = put(k, exits, number, program, err);
	}
	return code;
}

void ft_kernel_calls_close(struct ft_kernel *k)
{
	for (u32 exits = 0; k->calls && exits < 2; exits++)
		for (u32 i = 0; i < k->calls->counts[exits]; i++)
			close(k->calls->levels[exits][i].programs);
	free(k->calls);
	k->calls = NULL;
	free(k->texts);
	k->texts = NULL;
	ft_out_close(k->text);
	k->text = NULL;
	ft_array_fini(&k->refs);
}

/* ---- texts ---- */

#define TEXTS 512 /* more than one handler has at once */

bool ft_kernel_call_text(struct ft_kernel *k, const char *at, u32 bytes, struct ft_value *text)
{
	u32 room = k->opts.limits.string_bytes;
	const char *made;
	bool is_text;
	size_t len;
	char *to;

	if (!k->texts)
		k->texts = ft_alloc((size_t)TEXTS * room);
	if (!k->text)
		k->text = ft_out_new_memory();
	ft_out_clear(k->text);
	is_text = ft_syscall_text(at, bytes, k->text);
	made = ft_out_memory(k->text, &len);
	if (is_text) {
		to = k->texts + (size_t)(k->text_at++ % TEXTS) * room;
		if (len >= room)
			len = room - 1;
		memcpy(to, made, len);
		to[len] = '\0';
		*text = (struct ft_value){.text = to, .len = (u32)len};
	}
	return is_text;
}

/* ---- names ---- */

static bool asks_for_names(const struct ft_ir *ir)
{
	for (u32 b = 0; b < ir->block_count; b++)
		for (u32 i = 0; i < ir->blocks[b].count; i++) {
			const struct ft_ir_op *op = &ir->blocks[b].ops[i];

			if (op->kind == FT_IR_BUILTIN && op->in_kernel &&
			    !strcmp(op->builtin->name, "__syscall_name"))
				return true;
		}
	return false;
}

int ft_kernel_names_open_map(struct ft_kernel *k, struct ft_err *err)
{
	char name[FT_SYSCALL_NAME_BYTES];
	bool wanted = false;

	for (u32 i = 0; i < k->program->program->handler_count; i++)
		wanted |= asks_for_names(k->program->handlers[i]);
	if (!wanted)
		return 0;
	k->maps.names = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ft_names", 4, sizeof(name),
				       FT_SYSCALL_NUMBERS, NULL);
	if (k->maps.names < 0)
		return ft_err_set(err, -errno, "cannot make a map of names: %s", strerror(errno));
	for (u32 number = 0; number < FT_SYSCALL_NUMBERS; number++) {
		const struct ft_syscall *s = ft_syscall_of_number(number);

		memset(name, 0, sizeof(name));
		if (s)
			snprintf(name, sizeof(name), "%s", s->title);
		else
			snprintf(name, sizeof(name), "%u", number);
		if (bpf_map_update_elem(k->maps.names, &number, name, BPF_ANY))
			return ft_err_set(err, -errno, "cannot fill the map of names: %s",
					  strerror(errno));
	}
	return 0;
}

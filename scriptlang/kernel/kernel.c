/* kernel.c - see kernel.h. */
#include "scriptlang/kernel/kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/close.h"
#include "profile/stack_call.h"
#include "scriptlang/kernel/kernel_dwarf.h"
#include "scriptlang/kernel/kernel_parts.h"
#include "scriptlang/kernel/netfilter.h"
#include "scriptlang/sema/functions.h"
#include "scriptlang/syscalls/syscalls.h"

#define RING_BYTES (2u << 20)
#define RING_BYTES_LARGE (16u << 20) /* with records of more than RECORD_LARGE */
#define RECORD_LARGE 256
#define TAKEN_BETWEEN_LOOKS 16 /* records, at the clock */
#define LOG_BYTES (1u << 20)

static void close_all(int *fds, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static int refused(struct ft_err *err, int code, const char *what)
{
	if (code == -EPERM || code == -EACCES)
		return ft_err_set(
			err, code,
			"not permitted to use BPF: run as root, or give the program CAP_BPF "
			"and CAP_PERFMON (inside a container: start it privileged)");
	if (code == -ENOSYS)
		return ft_err_set(err, code, "this kernel has no BPF (CONFIG_BPF_SYSCALL)");
	return ft_err_set(err, code, "cannot make %s: %s", what, strerror(-code));
}

/* Helpers take formats out of memory that nobody can write to any more. */
static int open_texts(struct ft_bpf_maps *m)
{
	const struct bpf_map_create_opts fixed = {.sz = sizeof(fixed),
						  .map_flags = BPF_F_RDONLY_PROG};
	u32 zero = 0;

	m->texts = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ft_texts", 4, sizeof(m->formats->text), 1,
				  &fixed);
	return m->texts < 0 || bpf_map_update_elem(m->texts, &zero, m->formats->text, 0) ||
	       bpf_map_freeze(m->texts);
}

/*
 * User space looks 50 times a second. What tells a system call with its arguments may have 900
 * bytes, and a busy process makes 200,000 calls a second.
 */
static u32 ring_bytes(const struct ft_ir_program *program)
{
	for (u32 i = 1; i < program->site_count; i++)
		if (program->sites[i]->bytes > RECORD_LARGE)
			return RING_BYTES_LARGE;
	return RING_BYTES;
}

static int open_maps(struct ft_kernel *k, struct ft_err *err)
{
	const struct bpf_map_create_opts mapped = {.sz = sizeof(mapped),
						   .map_flags = BPF_F_MMAPABLE};
	struct ft_bpf_maps *m = &k->maps;
	u32 page = (u32)sysconf(_SC_PAGESIZE);
	void *memory;

	m->globals_bytes = (m->globals_bytes + page - 1) / page * page;
	m->globals =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "ft_globals", 4, m->globals_bytes, 1, &mapped);
	if (m->globals < 0)
		return refused(err, -errno, "a map");
	memory = mmap(NULL, m->globals_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m->globals, 0);
	if (memory == MAP_FAILED)
		return ft_err_set(err, -errno, "cannot map the script's globals: %s",
				  strerror(errno));
	k->session = memory;
	for (s64 i = 0; m->log_table && i < FT_LOG_TABLE; i++)
		((u8 *)memory)[m->log_table + i] = (u8)ft_stats_log_bucket(i);
	m->ring =
		bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ft_ring", 0, 0, ring_bytes(k->program), NULL);
	if (m->ring < 0)
		return refused(err, -errno, "a ring");
	if (m->slot_bytes) {
		m->slots = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "ft_slots", 4, m->slot_bytes,
					  FT_SLOTS, NULL);
		if (m->slots < 0)
			return refused(err, -errno,
				       "scratch memory for strings (a smaller -D MAXSTRINGLEN may "
				       "help)");
	}
	if (m->formats->bytes && open_texts(m))
		return refused(err, -errno, "the map of formats");
	if (ft_kernel_names_open_map(k, err))
		return err->code;
	if (m->zero_bytes) {
		m->zeros =
			bpf_map_create(BPF_MAP_TYPE_ARRAY, "ft_zeros", 4, m->zero_bytes, 1, NULL);
		if (m->zeros < 0)
			return refused(err, -errno, "a map");
	}
	return 0;
}

/* ---- programs ---- */

/* What handlers need beside their variables. */
static int measure(struct ft_kernel *k)
{
	struct ft_bpf_program program;
	int code = 0;

	ft_kernel_choose_rounds(k);
	for (u32 i = 0; i < k->program->program->handler_count; i++) {
		const struct ft_ir *ir = k->program->handlers[i];

		if (ir->side != FT_SIDE_KERNEL)
			continue;
		code = ft_bpf_generate(k->compile, k->program, ir, 0, &k->maps, &program);
		if (code)
			return code;
		if (program.slot_bytes > k->maps.slot_bytes)
			k->maps.slot_bytes = program.slot_bytes;
		k->program_count += ft_bpf_parts(ir);
		k->calls_made += ft_bpf_parts(ir) - 1;
	}
	for (u32 i = 0; i < k->program->program->global_count; i++) {
		const struct ft_var *v = k->program->program->globals[i];

		if (v->in_kernel && v->type == FT_TYPE_STATS &&
		    ft_kernel_stats_bytes(v) > k->maps.zero_bytes)
			k->maps.zero_bytes = ft_kernel_stats_bytes(v);
	}
	return 0;
}

static const char *point_text(const struct ft_kernel *k, const struct ft_handler *h)
{
	struct ft_out *out = ft_out_new_memory();
	const char *text;
	size_t len;

	ft_point_dump(h->point, out);
	text = ft_out_memory(out, &len);
	text = ft_arena_copy(k->compile->arena, text, len);
	ft_out_close(out);
	return text ? text : "";
}

/* What the verifier says, for those who ask for it. */
static void say_why(const struct ft_kernel *k, const struct ft_bpf_program *program,
		    enum bpf_prog_type type, const struct bpf_prog_load_opts *loaded)
{
	char *log = k->opts.log ? ft_try_alloc(LOG_BYTES, 1) : NULL;
	struct bpf_prog_load_opts opts = *loaded;
	int fd;

	if (!log)
		return;
	opts.log_buf = log;
	opts.log_size = LOG_BYTES;
	opts.log_level = 1;
	fd = bpf_prog_load(type, "ft_script", "GPL", program->insns, program->count, &opts);
	if (fd >= 0)
		close(fd);
	ft_out_text(k->opts.log, log);
	free(log);
}

static int explain_load(const struct ft_kernel *k, const struct ft_ir *ir, int code,
			const struct ft_bpf_program *program, struct ft_err *err)
{
	if (code == -EPERM)
		return refused(err, code, "a program");
	/* What the verifier says after a million instructions, or when it runs out of room. */
	if (code == -E2BIG || code == -EFAULT)
		return ft_err_set(
			err, code,
			"the handler of %s is too complex for the kernel to verify (%u "
			"instructions%s): do less in loops, or more in a timer or end probe%s",
			point_text(k, ir->handler), program->count,
			program->loops ? ", with loops" : "",
			k->maps.counts_rounds
				? "; Linux 6.9 and later need not go through each round"
				: "");
	return ft_err_set(err, code,
			  "the kernel refused the program of %s (%u instructions%s): %s; -vv shows "
			  "why",
			  point_text(k, ir->handler), program->count,
			  program->loops ? ", with loops" : "", strerror(-code));
}

/* One program of a handler; its descriptor. */
static int load(struct ft_kernel *k, const struct ft_ir *ir, u32 part, struct ft_err *err)
{
	struct ft_bpf_program program;
	bool is_function, is_packet;
	struct bpf_prog_load_opts opts = {.sz = sizeof(opts)};
	enum bpf_prog_type type;
	int code = ft_bpf_generate(k->compile, k->program, ir, part, &k->maps, &program), fd;

	if (code)
		return code;
	is_function = !ir->is_fired && program.kind == FT_BPF_TRACEPOINT &&
		      ft_function_is_point(ir->handler->point);
	is_packet = !ir->is_fired && ft_netfilter_is_point(ir->handler->point);
	type = is_function		     ? BPF_PROG_TYPE_TRACING
	       : is_packet		     ? (enum bpf_prog_type)FT_NETFILTER_PROGRAM_TYPE
	       : program.kind == FT_BPF_PERF ? BPF_PROG_TYPE_PERF_EVENT
	       : program.kind == FT_BPF_UPROBE || program.kind == FT_BPF_KPROBE
		       ? BPF_PROG_TYPE_KPROBE
		       : BPF_PROG_TYPE_RAW_TRACEPOINT;
	if (is_packet)
		opts.expected_attach_type = (enum bpf_attach_type)FT_NETFILTER_ATTACH_TYPE;
	if (program.kind == FT_BPF_UPROBE)
		opts.expected_attach_type = FT_UPROBE_ATTACH_TYPE;
	if (!ir->is_fired && ft_syscall_pattern(ir->handler->point))
		type = ft_kernel_call_opts(k, ft_syscall_returns(ir->handler->point), &opts);
	if (is_function && ft_function_opts(k->compile, ir->handler->point, &opts, err))
		return err->code;
	if (program.sleeps)
		opts.prog_flags = BPF_F_SLEEPABLE;
	if (program.by_calls && ft_kernel_describe(k, &program, &opts))
		return ft_err_set(err, -EINVAL, "the kernel refused the types of a program");
	fd = bpf_prog_load(type, "ft_script", "GPL", program.insns, program.count, &opts);
	if (fd >= 0)
		return fd;
	code = -errno;
	if (code == -EINVAL && program.by_calls && k->maps.rounds_by_calls && !program.sleeps) {
		k->maps.rounds_by_calls = false; /* Linux before 5.17 */
		return load(k, ir, part, err);
	}
	if (code == -EINVAL && program.sleeps) {
		k->maps.no_sleep = true; /* Linux before 6.0 */
		return load(k, ir, part, err);
	}
	if (is_function && !k->maps.no_fentry && ft_function_has_kprobes()) {
		k->maps.no_fentry = true; /* not on this machine, or not of this function */
		return load(k, ir, part, err);
	}
	if (program.writes && !ft_kernel_can_write())
		return ft_err_set(
			err, code,
			"this kernel lets no program write memory of processes "
			"(bpf_probe_write_user): it is locked down (/sys/kernel/security/lockdown, "
			"which UEFI secure boot or the option lockdown= sets), or CAP_SYS_ADMIN is "
			"missing");
	say_why(k, &program, type, &opts);
	if (is_function && (code == -EPERM || !ft_function_can_be_probed()))
		return ft_function_explain(ir->handler->point, code, err);
	return explain_load(k, ir, code, &program, err);
}

/* All programs of a handler: its beginning, and those that go on after a stack was taken. */
static int load_handler(struct ft_kernel *k, const struct ft_ir *ir, int *programs,
			struct ft_err *err)
{
	u32 parts = ft_bpf_parts(ir);
	bool perf = !ir->is_fired && !ir->handler->point->life &&
		    strcmp(ir->handler->point->parts[0].name, "kernel") != 0;

	if (k->maps.next_call + parts - 1 > FT_STACK_CALLS_MAX - 1)
		return ft_err_set(err, -E2BIG, "the script asks for stacks at more than %u places",
				  FT_STACK_CALLS_MAX - 2);
	for (u32 part = 0; part < parts; part++) {
		u32 call = k->maps.next_call + part - 1;

		programs[part] = load(k, ir, part, err);
		if (programs[part] < 0)
			return programs[part];
		if (part &&
		    bpf_map_update_elem(ir->handler->point->user ||
							ft_function_is_point(ir->handler->point)
						? k->maps.calls.uprobe
					: perf ? k->maps.calls.perf
					       : k->maps.calls.tracepoint,
					&call, &programs[part], BPF_ANY))
			return ft_err_set(err, -errno, "cannot make a program callable: %s",
					  strerror(errno));
	}
	k->maps.next_call += parts - 1;
	return 0;
}

static int load_all(struct ft_kernel *k, struct ft_err *err)
{
	u32 count = k->program->program->handler_count, at = 0;
	int code = 0;

	k->programs = ft_try_alloc((size_t)k->program_count + 1, sizeof(*k->programs));
	if (!k->programs)
		return ft_err_set(err, -ENOMEM, "out of memory");
	for (u32 i = 0; i < k->program_count; i++)
		k->programs[i] = -1;
	for (u32 i = 0; i < count && !code; i++) {
		const struct ft_ir *ir = k->program->handlers[i];

		if (ir->side != FT_SIDE_KERNEL)
			continue;
		code = load_handler(k, ir, k->programs + at, err);
		at += ft_bpf_parts(ir);
	}
	return code;
}

/* The program that a handler begins with. */
static int program_of(const struct ft_kernel *k, const struct ft_ir *ir)
{
	u32 at = 0;

	for (u32 i = 0; k->program->handlers[i] != ir; i++)
		if (k->program->handlers[i]->side == FT_SIDE_KERNEL)
			at += ft_bpf_parts(k->program->handlers[i]);
	return k->programs[at];
}

/* Whether a place is one of several, and one that the kernel keeps from being probed. */
static bool may_be_left_out(const struct ft_handler *handler, int code)
{
	return ft_kernel_dwarf_is_place(handler->point) && handler->point->user->has_others &&
	       ft_function_has_kprobes() &&
	       (code == -EINVAL || code == -EILSEQ || code == -ENOENT || code == -EOPNOTSUPP);
}

struct attaching {
	u32 attached, left_out;
};

/* One handler, by its program. */
static int attach_one(struct ft_kernel *k, const struct ft_handler *handler, int program,
		      struct attaching *a, struct ft_err *err)
{
	int code = ft_kernel_attach(k, handler, program, err);

	if (!code || !may_be_left_out(handler, code)) {
		a->attached++;
		return code;
	}
	if (!a->left_out++)
		ft_out_printf(k->opts.messages,
			      "WARNING: left out, since the kernel permits no probe there: %s\n",
			      point_text(k, handler));
	return 0;
}

/* What keeps at entries comes first: no return may find that nothing was kept. */
static int attach_all(struct ft_kernel *k, struct ft_err *err)
{
	u32 count = k->program->program->handler_count;
	struct attaching a = {0};
	int code = 0;

	for (int round = 0; round < 2; round++) {
		u32 at = 0;

		for (u32 i = 0; i < count && !code; i++) {
			const struct ft_ir *ir = k->program->handlers[i];

			if (ir->side != FT_SIDE_KERNEL)
				continue;
			if (!ir->is_fired && ir->handler->keeps == !round)
				code = attach_one(k, ir->handler, k->programs[at], &a, err);
			at += ft_bpf_parts(ir);
		}
	}
	if (a.left_out > 1)
		ft_out_printf(k->opts.messages, "WARNING: so were %u more places\n",
			      a.left_out - 1);
	return !code && a.left_out && !a.attached ? err->code : code;
}

int ft_kernel_fire(struct ft_kernel *k, const struct ft_ir *ir)
{
	struct bpf_test_run_opts opts = {.sz = sizeof(opts)};

	return bpf_prog_test_run_opts(program_of(k, ir), &opts);
}

/* ---- stacks ---- */

/* Whether a handler at a place in user space takes one, or one at a function of the kernel. */
static bool takes(const struct ft_kernel *k, bool in_user)
{
	for (u32 i = 0; i < k->program->program->handler_count; i++) {
		const struct ft_ir *ir = k->program->handlers[i];

		if (ir->side == FT_SIDE_KERNEL && ft_bpf_parts(ir) > 1 &&
		    (in_user ? ir->handler->point->user != NULL &&
				       !ft_kernel_dwarf_is_place(ir->handler->point)
			     : ft_function_is_point(ir->handler->point) ||
				       ft_kernel_dwarf_is_place(ir->handler->point)))
			return true;
	}
	return false;
}

/*
 * Whether a handler names addresses of processes. Those that end soon have names only if somebody
 * has listened to what they map.
 */
static bool names_addresses(const struct ft_kernel *k)
{
	for (u32 i = 0; i < k->program->program->handler_count; i++) {
		const struct ft_ir *ir = k->program->handlers[i];

		for (u32 b = 0; ir->side == FT_SIDE_KERNEL && b < ir->block_count; b++)
			for (u32 o = 0; o < ir->blocks[b].count; o++) {
				const struct ft_ir_op *op = &ir->blocks[b].ops[o];

				if (op->kind == FT_IR_BUILTIN &&
				    ft_builtin_names_addresses(op->builtin->name))
					return true;
			}
	}
	return false;
}

static int open_stacks(struct ft_kernel *k, struct ft_err *err)
{
	int code;

	if (!k->calls_made && !names_addresses(k))
		return 0;
	code = ft_stacks_open(k->opts.target_pid, takes(k, true), takes(k, false), &k->stacks, err);
	if (code)
		return code;
	ft_stacks_calls(k->stacks, &k->maps.calls);
	k->maps.next_call = 1;
	return 0;
}

struct ft_value ft_kernel_text(struct ft_kernel *k, const char *at, u32 bytes)
{
	struct ft_stack_ref ref;
	struct ft_value value = {.text = at, .len = (u32)strnlen(at, bytes - 1)};

	if (*at == FT_STACK_REF_MARK && ft_kernel_call_text(k, at, bytes, &value))
		return value;
	if (bytes < sizeof(ref) || *at != FT_STACK_REF_MARK || !k->stacks)
		return value;
	memcpy(&ref, at, sizeof(ref));
	value.text = ft_stacks_text(k->stacks, ref.number, &value.len);
	return value;
}

struct ft_stacks *ft_kernel_stacks(const struct ft_kernel *k)
{
	return k->stacks;
}

/* ---- records ---- */

static const char *load_value(struct ft_kernel *k, struct ft_value *value,
			      const struct ft_ir_reg *reg, const char *at)
{
	*value = (struct ft_value){0};
	if (reg->type != FT_TYPE_STRING) {
		memcpy(&value->number, at, sizeof(value->number));
		return at + sizeof(value->number);
	}
	*value = ft_kernel_text(k, at, reg->bytes);
	return at + reg->bytes;
}

/* What is not sent is 0. Handlers have hundreds of registers, and output has few arguments. */
static void clear_regs(struct ft_kernel *k, const struct ft_ir_site *site)
{
	const struct ft_ir_op *op = &site->ir->blocks[site->block].ops[site->at];

	if (site->kind != FT_SITE_POST)
		memset(k->regs, 0, site->ir->reg_count * sizeof(*k->regs));
	else
		for (u32 i = 0; i < op->arg_count; i++)
			k->regs[op->args[i]] = (struct ft_value){0};
}

static int take_record(void *context, void *data, size_t size)
{
	struct ft_kernel *k = context;
	const struct ft_record_head *head = data;
	const char *at = (const char *)data + sizeof(*head);
	const struct ft_ir_site *site;
	struct ft_record record;

	if (!head->site || head->site >= k->program->site_count)
		return 0;
	site = k->program->sites[head->site];
	if (site->kind != FT_SITE_ERROR) {
		if (size < site->bytes)
			return 0;
		clear_regs(k, site);
		for (u32 i = 0; i < site->reg_count; i++)
			at = load_value(k, &k->regs[site->regs[i]], &site->ir->regs[site->regs[i]],
					at);
		for (u32 i = 0; i < site->hoist_count; i++)
			at = load_value(k, &k->hoisted[site->hoists[i].number],
					&site->ir->regs[site->hoists[i].reg], at);
	}
	record = (struct ft_record){
		.site = site, .regs = k->regs, .hoisted = k->hoisted, .failed = head->failed};
	k->take(k->context, &record);
	if (site->fences)
		__atomic_fetch_sub(&k->session->behind, 1, __ATOMIC_RELEASE);
	if (k->stop_ns && ++k->taken % TAKEN_BETWEEN_LOOKS == 0 &&
	    ft_clock_ns(CLOCK_MONOTONIC) >= k->stop_ns)
		return -EAGAIN; /* the ring goes on behind this one next time */
	return 0;
}

static int open_ring(struct ft_kernel *k, struct ft_err *err)
{
	u32 most = 0;

	for (u32 i = 0; i < k->program->program->handler_count; i++)
		if (k->program->handlers[i]->reg_count > most)
			most = k->program->handlers[i]->reg_count;
	k->regs = ft_try_alloc(most + 1, sizeof(*k->regs));
	k->hoisted = ft_try_alloc(k->program->hoist_count + 1, sizeof(*k->hoisted));
	k->ring = ring_buffer__new(k->maps.ring, take_record, k, NULL);
	return k->ring && k->regs && k->hoisted
		       ? 0
		       : ft_err_set(err, -ENOMEM, "cannot map the ring of records");
}

int ft_kernel_consume(struct ft_kernel *k, u64 budget_ns,
		      void (*take)(void *context, const struct ft_record *record), void *context)
{
	int code;

	k->session->wall_ns = ft_clock_ns(CLOCK_REALTIME) - ft_clock_ns(CLOCK_MONOTONIC);
	k->take = take;
	k->context = context;
	k->stop_ns = budget_ns ? ft_clock_ns(CLOCK_MONOTONIC) + budget_ns : 0;
	k->taken = 0;
	if (k->stacks && !k->detached && ft_stacks_service(k->stacks, NULL))
		return -ENOMEM;
	code = ring_buffer__consume(k->ring);
	return code == -ENOMEM ? code : 0;
}

int ft_kernel_fd(const struct ft_kernel *k)
{
	return ring_buffer__epoll_fd(k->ring);
}

/* ---- life ---- */

static bool has_handlers(const struct ft_ir_program *program)
{
	for (u32 i = 0; i < program->program->handler_count; i++)
		if (program->handlers[i]->side == FT_SIDE_KERNEL)
			return true;
	return false;
}

static int open_parts(struct ft_kernel *k, struct ft_interp *x, struct ft_err *err)
{
	int code;

	ft_kernel_call_types(k);
	code = measure(k);
	if (!code)
		code = open_stacks(k, err);
	if (!code)
		code = open_maps(k, err);
	if (!code)
		code = ft_kernel_places_open(k, err);
	if (!code)
		code = ft_kernel_sets_open(k, err);
	if (!code)
		code = ft_kernel_vars_open(k, x, err);
	if (!code)
		ft_kernel_fronts_open(k);
	if (!code)
		code = open_ring(k, err);
	if (!code)
		code = load_all(k, err);
	if (code)
		return code;
	k->session->wall_ns = ft_clock_ns(CLOCK_REALTIME) - ft_clock_ns(CLOCK_MONOTONIC);
	code = attach_all(k, err);
	return code ? code : ft_kernel_sets_watch(k, err);
}

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

int ft_kernel_open(struct ft_compile *compile, const struct ft_ir_program *program,
		   struct ft_interp *x, const struct ft_kernel_opts *opts,
		   struct ft_kernel **kernel, struct ft_err *err)
{
	int code, cpus = libbpf_num_possible_cpus();
	struct ft_kernel *k;

	*kernel = NULL;
	if (!has_handlers(program))
		return 0;
	if (cpus < 0)
		return ft_err_set(err, cpus, "cannot read /sys/devices/system/cpu/possible: %s",
				  strerror(-cpus));
	libbpf_set_print(silent);
	k = ft_alloc(sizeof(*k));
	k->compile = compile;
	k->program = program;
	k->opts = *opts;
	k->cpu_count = (u32)cpus;
	k->maps = (struct ft_bpf_maps){
		.globals = -1,
		.ring = -1,
		.slots = -1,
		.zeros = -1,
		.names = -1,
		.texts = -1,
		.places = {-1, -1},
		.formats = &k->formats,
		.cpu_count = (u32)cpus,
		.max_errors = opts->limits.errors,
		.max_actions = opts->limits.actions,
		.target_pid = opts->target_pid,
		.calls = {-1, -1, -1, -1},
	};
	k->types = -1;
	ft_array_init(&k->refs, 1, UINT32_MAX, false);
	ft_kernel_layout(k);
	code = open_parts(k, x, err);
	if (code) {
		ft_kernel_close(k);
		return code;
	}
	*kernel = k;
	return 0;
}

void ft_kernel_set_phase(struct ft_kernel *k, enum ft_session_phase phase)
{
	__atomic_store_n(&k->session->phase, phase, __ATOMIC_SEQ_CST);
}

enum ft_session_phase ft_kernel_phase(const struct ft_kernel *k)
{
	return (enum ft_session_phase)__atomic_load_n(&k->session->phase, __ATOMIC_SEQ_CST);
}

u64 ft_kernel_skipped(const struct ft_kernel *k)
{
	return __atomic_load_n(&k->session->skipped, __ATOMIC_RELAXED);
}

u64 ft_kernel_lost(const struct ft_kernel *k)
{
	return __atomic_load_n(&k->session->lost, __ATOMIC_RELAXED);
}

void ft_kernel_detach(struct ft_kernel *k)
{
	struct ft_err ignored = {0}; /* what came before it is there */

	ft_close_all(k->links, k->link_count);
	k->link_count = 0;
	ft_uprobe_detach(&k->uprobes);
	if (k->stacks && !k->detached)
		ft_stacks_stop(k->stacks, &ignored);
	k->detached = true;
}

void ft_kernel_close(struct ft_kernel *k)
{
	const int maps[] = {k ? k->maps.globals : -1,	k ? k->maps.ring : -1,
			    k ? k->maps.slots : -1,	k ? k->maps.zeros : -1,
			    k ? k->maps.texts : -1,	k ? k->maps.names : -1,
			    k ? k->maps.places[0] : -1, k ? k->maps.places[1] : -1};

	if (!k)
		return;
	ft_kernel_detach(k);
	if (k->programs)
		close_all(k->programs, k->program_count);
	ring_buffer__free(k->ring);
	ft_kernel_calls_close(k);
	ft_kernel_sets_close(k);
	if (k->types >= 0)
		close(k->types);
	ft_kernel_vars_close(k);
	if (k->session)
		munmap(k->session, k->maps.globals_bytes);
	close_all((int *)(uintptr_t)maps, FT_ARRAY_LEN(maps));
	ft_stacks_close(k->stacks);
	free(k->programs);
	free(k->links);
	free(k->regs);
	free(k->hoisted);
	free(k);
}

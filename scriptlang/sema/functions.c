/* functions.c - see functions.h. */
#include "scriptlang/sema/functions.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <fnmatch.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "scriptlang/kernel/kernel_function.h"
#include "scriptlang/sema/module_types.h"
#include "scriptlang/sema/target.h"

#define ADDRESS "0x"	  /* what begins so is one, not a name */
#define FUNCTIONS_MAX 500 /* of one point */
#define TRACED_BYTES_MAX (64u << 20)
#define TRACED "/sys/kernel/tracing/available_filter_functions"
#define KPROBES "/sys/bus/event_source/devices/kprobe"

bool ft_function_is_address(const struct ft_point *point)
{
	return point->part_count == 3 && !strcmp(point->parts[0].name, "kernel") &&
	       !point->parts[0].arg && !strcmp(point->parts[1].name, "statement") &&
	       point->parts[1].arg && point->parts[1].arg->kind == FT_EXPR_NUMBER &&
	       !strcmp(point->parts[2].name, "absolute") && !point->parts[2].arg;
}

bool ft_function_is_point(const struct ft_point *point)
{
	const char *first = point->parts[0].name;

	const struct ft_expr *module = point->parts[0].arg;
	bool is_module = !strcmp(first, "module") && module && module->kind == FT_EXPR_STRING;

	bool is_kernel = (!strcmp(first, "kernel") || !strcmp(first, "kprobe")) && !module;

	return !point->user && (is_module || is_kernel) && point->part_count > 1 &&
	       point->parts[1].arg && point->parts[1].arg->kind == FT_EXPR_STRING &&
	       (!strcmp(point->parts[1].name, "function") ||
		(!strcmp(point->parts[1].name, "statement") &&
		 !strncmp(point->parts[1].arg->text, ADDRESS, strlen(ADDRESS))));
}

bool ft_function_returns(const struct ft_point *point)
{
	return point->part_count > 2 && !strcmp(point->parts[2].name, "return");
}

/* What may stand behind the function. */
static bool has_known_end(const struct ft_point *point)
{
	static const char *const ends[] = {"call", "exported", "return"};

	if (point->part_count == 2)
		return true;
	for (size_t i = 0; i < FT_ARRAY_LEN(ends); i++)
		if (!strcmp(point->parts[2].name, ends[i]) && !point->parts[2].arg)
			return point->part_count == 3 ||
			       (point->part_count == 4 && i == 2 &&
				!strcmp(point->parts[3].name, "maxactive"));
	return false;
}

static int push_name(struct ft_compile *compile, const char ***names, u32 *count, const char *name)
{
	const char **slot;

	for (u32 i = 0; i < *count; i++)
		if (!strcmp((*names)[i], name))
			return 0;
	slot = FT_ARENA_PUSH(compile->arena, names, count);
	if (!slot)
		return -ENOMEM;
	*slot = name;
	return 0;
}

/* The module of a point; NULL: the kernel itself. */
static const char *module_of(const struct ft_point *point)
{
	return strcmp(point->parts[0].name, "module") ? NULL : point->parts[0].arg->text;
}

/*
 * The text that names the functions which the kernel permits to be traced, a line each: "name" or
 * "name [module]". The kernel makes it anew for each reader, which takes long; so it is kept.
 */
static const char *traced_text(struct ft_compile *compile)
{
	char *data = NULL;
	size_t len;

	if (compile->traced)
		return compile->traced;
	if (!ft_file_read(TRACED, TRACED_BYTES_MAX, &data, &len))
		compile->traced = ft_arena_copy(compile->arena, data, len);
	free(data);
	if (!compile->traced)
		compile->traced = "";
	return compile->traced;
}

static bool is_loaded(const char *module)
{
	char path[120];

	return strpbrk(module, "*?[/") ||
	       snprintf(path, sizeof(path), "/sys/module/%s", module) >= (int)sizeof(path) ||
	       !access(path, F_OK);
}

/* Those of the kernel itself or a module. They are more than those with types. */
static int list_traced(struct ft_compile *compile, const char *module, const char *pattern,
		       const char ***names, u32 *count)
{
	size_t fixed = strcspn(pattern, "*?[\\");
	int code = 0;

	if (module && !is_loaded(module))
		return 0;
	for (const char *line = traced_text(compile), *next; *line && !code; line = next) {
		size_t len = strcspn(line, "\n");
		char text[512], name[400], of[100];
		const char *copy;
		int parts;

		next = line + len + (line[len] == '\n');
		if (*count == FUNCTIONS_MAX || len >= sizeof(text) ||
		    strncmp(line, pattern, fixed) != 0)
			continue;
		memcpy(text, line, len);
		text[len] = '\0';
		parts = sscanf(text, "%399s [%99[^]]]", name, of);
		if (parts < 1 || (parts == 2) != (module != NULL) ||
		    (module && fnmatch(module, of, 0) != 0) || fnmatch(pattern, name, 0) != 0)
			continue;
		copy = ft_arena_copy(compile->arena, name, strlen(name));
		code = copy ? push_name(compile, names, count, copy) : -ENOMEM;
	}
	return code;
}

/* Those that the kernel's types have: all it takes to ask them for arguments by name. */
static int list_typed(struct ft_compile *compile, const struct btf *btf, const char *pattern,
		      const char ***names, u32 *count)
{
	bool is_pattern = strpbrk(pattern, "*?[");
	int code = 0;

	if (!is_pattern)
		return ft_types_find(compile, pattern, BTF_KIND_FUNC) > 0
			       ? push_name(compile, names, count, pattern)
			       : 0;
	for (u32 id = 1; id < btf__type_cnt(btf) && *count < FUNCTIONS_MAX && !code; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *name = btf_is_func(t) ? btf__name_by_offset(btf, t->name_off) : NULL;

		if (name && !fnmatch(pattern, name, 0))
			code = push_name(compile, names, count, name);
	}
	return code;
}

int ft_function_names(struct ft_compile *compile, const struct ft_point *point, const char ***names,
		      bool *returns)
{
	const char *text = point->parts[1].arg->text, *module = module_of(point);
	char *pattern = text ? ft_arena_copy(compile->arena, text, strcspn(text, "@"))
			     : ft_arena_copy(compile->arena, "", 0);
	const struct btf *btf = ft_target_btf(compile);
	u32 count = 0;
	int code = 0;

	*names = NULL;
	*returns = ft_function_returns(point);
	if (!pattern)
		return -ENOMEM;
	if (ft_function_is_address(point)) {
		pattern = ft_arena_printf(compile->arena, ADDRESS "%llx",
					  (unsigned long long)point->parts[1].arg->number);
		code = pattern ? push_name(compile, names, &count, pattern) : -ENOMEM;
		return code || FT_ARENA_PUSH(compile->arena, names, &count) ? code : -ENOMEM;
	}
	if (!has_known_end(point))
		return -ENOENT;
	if (module)
		ft_target_add_module(compile, module);
	else if (btf)
		code = list_typed(compile, btf, pattern, names, &count);
	if (!code && !count)
		code = list_traced(compile, module, pattern, names, &count);
	if (code)
		return code;
	if (!count)
		return -ENOENT;
	return FT_ARENA_PUSH(compile->arena, names, &count) ? 0 : -ENOMEM; /* the end */
}

static const struct btf_type *proto_of(struct ft_compile *compile, const struct ft_point *point)
{
	const struct btf *btf = ft_target_btf(compile);
	s32 id = btf ? ft_types_find(compile, point->parts[1].arg->text, BTF_KIND_FUNC) : -1;
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (u32)id) : NULL;

	return t ? btf__type_by_id(btf, t->type) : NULL;
}

bool ft_function_has_types(struct ft_compile *compile, const struct ft_point *point)
{
	return !module_of(point) && proto_of(compile, point);
}

u32 ft_function_arg_count(struct ft_compile *compile, const struct ft_point *point)
{
	const struct btf_type *proto = proto_of(compile, point);

	return proto ? btf_vlen(proto) : 0;
}

/* ---- kprobes ---- */

/* The number in a file of the kernel's: "6", "config:0"; -1: there is none. */
static int read_number(const char *path)
{
	FILE *from = fopen(path, "re");
	char text[64];
	size_t len = from ? fread(text, 1, sizeof(text) - 1, from) : 0;
	const char *colon, *end;
	long number;

	if (from)
		fclose(from);
	text[len] = '\0';
	colon = strchr(text, ':');
	number = strtol(colon ? colon + 1 : text, (char **)&end, 10);
	return len && end != (colon ? colon + 1 : text) ? (int)number : -1;
}

bool ft_function_has_kprobes(void)
{
	return read_number(KPROBES "/type") >= 0;
}

/* By its name, or if that is NULL by its address. */
static int attach_kprobe(const struct ft_point *point, const char *name, u64 addr, bool at_return,
			 int program, struct ft_err *err)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr), .sample_period = 1, .wakeup_events = 1};
	int type = read_number(KPROBES "/type"), bit = read_number(KPROBES "/format/retprobe"), fd,
	    code;

	if (type < 0 || bit < 0)
		return ft_function_explain(point, -EOPNOTSUPP, err);
	attr.type = (u32)type;
	attr.config = at_return ? 1ull << bit : 0;
	attr.kprobe_func = (u64)(uintptr_t)name;
	if (!name)
		attr.kprobe_addr = addr;
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return ft_function_explain(point, -errno, err);
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, program) || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0)) {
		code = -errno;
		close(fd);
		return ft_function_explain(point, code, err);
	}
	return fd;
}

int ft_function_attach_kprobe(const struct ft_point *point, int program, struct ft_err *err)
{
	const char *text = point->parts[1].arg->text;
	bool is_address = !strcmp(point->parts[1].name, "statement");

	return attach_kprobe(point, is_address ? NULL : text,
			     is_address ? strtoull(text, NULL, 0) : 0, ft_function_returns(point),
			     program, err);
}

int ft_function_attach_address(const struct ft_point *point, u64 addr, bool at_return, int program,
			       struct ft_err *err)
{
	return attach_kprobe(point, NULL, addr, at_return, program, err);
}

int ft_function_opts(struct ft_compile *compile, const struct ft_point *point,
		     struct bpf_prog_load_opts *opts, struct ft_err *err)
{
	const struct btf *btf = ft_target_btf(compile);
	const char *name = point->parts[1].arg->text;
	s32 id = btf ? ft_types_find(compile, name, BTF_KIND_FUNC) : -ENOENT;

	if (id <= 0)
		return ft_err_set(err, -ENOENT, "the kernel's types have no function '%s'", name);
	opts->expected_attach_type =
		ft_function_returns(point) ? BPF_TRACE_FEXIT : BPF_TRACE_FENTRY;
	opts->attach_btf_id = (u32)id;
	return 0;
}

/* ---- what cannot be had ---- */

bool ft_function_is_permitted(struct ft_compile *compile, const struct ft_point *point)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	struct bpf_prog_load_opts opts = {.sz = sizeof(opts)};
	struct ft_err ignored = {0};
	int program, link = -1;

	if (ft_function_has_kprobes() || ft_function_opts(compile, point, &opts, &ignored))
		return true;
	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "ft_asks", "GPL", nothing,
				FT_ARRAY_LEN(nothing), &opts);
	if (program < 0)
		return false;
	link = bpf_raw_tracepoint_open(NULL, program);
	close(program);
	if (link < 0)
		return false;
	close(link);
	return true;
}

bool ft_function_can_be_probed(void)
{
	return access("/sys/kernel/tracing/trace", F_OK) || !access(TRACED, F_OK);
}

int ft_function_explain(const struct ft_point *point, int code, struct ft_err *err)
{
	const char *name = point->parts[1].arg->text, *reason = NULL,
		   *end = ft_function_returns(point) ? ".return" : "";
	char near[300];

	ft_kernel_function_near(point, near, sizeof(near));
	if (!ft_function_can_be_probed())
		reason = "this kernel was built without CONFIG_FUNCTION_TRACER, so that nothing "
			 "can be attached to its functions";
	else if (code == -EOPNOTSUPP && !ft_function_has_kprobes())
		reason = "this kernel has no kprobes (CONFIG_KPROBES, CONFIG_KPROBE_EVENTS), which "
			 "it "
			 "takes where stacks are taken, in modules, and at functions without types";
	else if (code == -EPERM)
		reason = "this kernel permits no programs at its functions, or not to this user "
			 "(CAP_BPF and CAP_PERFMON; a security policy may forbid it to everybody)";
	if (reason)
		return ft_err_set(err, code, "cannot probe kernel.function(\"%s\")%s: %s%s", name,
				  end, reason, near);
	return ft_err_set(
		err, code,
		"cannot probe kernel.function(\"%s\")%s: %s (the kernel keeps some functions from "
		"being probed, and takes at most 12 arguments, none of them a structure)%s",
		name, end, strerror(-code), near);
}

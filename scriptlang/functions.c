/* functions.c - see functions.h. */
#include "scriptlang/functions.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

#include "scriptlang/kernel_function.h"
#include "scriptlang/target.h"

#define FUNCTIONS_MAX 500 /* of one point */

bool ft_function_is_point(const struct ft_point *point)
{
	const char *first = point->parts[0].name;

	return (!strcmp(first, "kernel") || !strcmp(first, "kprobe")) && point->part_count > 1 &&
	       !point->parts[0].arg && !strcmp(point->parts[1].name, "function") &&
	       point->parts[1].arg && point->parts[1].arg->kind == FT_EXPR_STRING;
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

int ft_function_names(struct ft_compile *compile, const struct ft_point *point, const char ***names,
		      bool *returns)
{
	const struct btf *btf = ft_target_btf(compile);
	const char *text = point->parts[1].arg->text;
	char *pattern = ft_arena_copy(compile->arena, text, strcspn(text, "@"));
	bool is_pattern = pattern && strpbrk(pattern, "*?[");
	u32 count = 0;

	*names = NULL;
	*returns = ft_function_returns(point);
	if (!pattern)
		return -ENOMEM;
	if (!btf || !has_known_end(point))
		return -ENOENT;
	if (!is_pattern && btf__find_by_name_kind(btf, pattern, BTF_KIND_FUNC) > 0 &&
	    push_name(compile, names, &count, pattern))
		return -ENOMEM;
	for (u32 id = 1; is_pattern && id < btf__type_cnt(btf) && count < FUNCTIONS_MAX; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *name = btf_is_func(t) ? btf__name_by_offset(btf, t->name_off) : NULL;

		if (name && !fnmatch(pattern, name, 0) && push_name(compile, names, &count, name))
			return -ENOMEM;
	}
	if (!count)
		return -ENOENT;
	return FT_ARENA_PUSH(compile->arena, names, &count) ? 0 : -ENOMEM; /* the end */
}

int ft_function_opts(struct ft_compile *compile, const struct ft_point *point,
		     struct bpf_prog_load_opts *opts, struct ft_err *err)
{
	const struct btf *btf = ft_target_btf(compile);
	const char *name = point->parts[1].arg->text;
	s32 id = btf ? btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) : -ENOENT;

	if (id <= 0)
		return ft_err_set(err, -ENOENT, "the kernel's types have no function '%s'", name);
	opts->expected_attach_type =
		ft_function_returns(point) ? BPF_TRACE_FEXIT : BPF_TRACE_FENTRY;
	opts->attach_btf_id = (u32)id;
	return 0;
}

/* ---- what cannot be had ---- */

bool ft_function_can_be_probed(void)
{
	return access("/sys/kernel/tracing/trace", F_OK) ||
	       !access("/sys/kernel/tracing/available_filter_functions", F_OK);
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

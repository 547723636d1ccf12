/* target.c - see target.h. */
#include "scriptlang/sema/target.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "scriptlang/user/user_point.h"
#include "scriptlang/user/user_target.h"
#include "scriptlang/user/user_type.h"

#include "base/btf.h"

#include "scriptlang/kernel/netfilter.h"
#include "scriptlang/sema/functions.h"
#include "scriptlang/sema/module_types.h"
#include "scriptlang/syscalls/syscalls.h"

#define ARGS_MAX 12 /* words of a raw tracepoint */

struct resolver {
	struct ft_compile *compile;
	const struct btf *btf;
	struct ft_target *target;
	char *error;
	s32 type;     /* of what is at hand, by number */
	bool is_here; /* in memory, where the steps have come to; else it is the value */
	u32 bit_offset, bit_size;
};

static const struct btf *open_btf(struct ft_compile *compile)
{
	if (!compile->btf && !compile->btf_failed) {
		compile->btf = btf__load_vmlinux_btf();
		compile->btf_failed = !compile->btf;
	}
	return compile->btf;
}

const struct btf *ft_target_btf(struct ft_compile *compile)
{
	return open_btf(compile);
}

void ft_target_add_module(struct ft_compile *compile, const char *module)
{
	if (open_btf(compile))
		ft_module_add_types(compile, module);
}

void ft_target_close(struct ft_compile *compile)
{
	ft_module_types_free(compile);
	btf__free(compile->btf);
	btf__free(compile->btf_base);
	compile->btf = compile->btf_base = NULL;
}

static int FT_PRINTF(2, 3) say(struct resolver *r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (r->error)
		vsnprintf(r->error, 200, fmt, args);
	va_end(args);
	return -ENOENT;
}

static const struct btf_type *strip(const struct resolver *r, s32 *id)
{
	const struct btf_type *t = btf__type_by_id(r->btf, (u32)*id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t) || btf_is_type_tag(t))) {
		*id = (s32)t->type;
		t = btf__type_by_id(r->btf, t->type);
	}
	return t;
}

static int add_step(struct resolver *r, enum ft_target_step_kind kind, u32 bytes, u32 access)
{
	struct ft_target_step *step;

	if (kind == FT_STEP_ADD && !bytes)
		return 0;
	step = FT_ARENA_PUSH(r->compile->arena, &r->target->steps, &r->target->step_count);
	if (!step)
		return -ENOMEM;
	*step = (struct ft_target_step){.kind = kind, .bytes = bytes, .access = access};
	return 0;
}

/* Makes a pointer in memory the value at hand. */
static int load_pointer(struct resolver *r)
{
	int code = r->is_here ? add_step(r, FT_STEP_LOAD, 8, 0) : 0;

	r->is_here = false;
	return code;
}

/* The member of a structure, also within anonymous ones. Adds to bits where it is. */
static const struct btf_member *find_member(const struct resolver *r, s32 id, const char *name,
					    u32 *bits, u32 *bit_size, int depth)
{
	const struct btf_type *t = strip(r, &id);
	const struct btf_member *m = t && btf_is_composite(t) ? btf_members(t) : NULL;

	for (u32 i = 0; m && i < btf_vlen(t); i++, m++) {
		const char *member = btf__name_by_offset(r->btf, m->name_off);
		u32 at = btf_member_bit_offset(t, i), inner = *bits + at;
		const struct btf_member *found;

		if (member && *member && !strcmp(member, name)) {
			*bits += at;
			*bit_size = btf_member_bitfield_size(t, i);
			return m;
		}
		if ((member && *member) || !depth)
			continue;
		found = find_member(r, (s32)m->type, name, &inner, bit_size, depth - 1);
		if (found) {
			*bits = inner;
			return found;
		}
	}
	return NULL;
}

static int step_member(struct resolver *r, const char *name)
{
	const struct btf_type *t = strip(r, &r->type);
	const struct btf_member *m;
	u32 bits = 0, bit_size = 0;
	int code;

	if (t && btf_is_ptr(t)) {
		code = load_pointer(r);
		if (code)
			return code;
		r->type = (s32)t->type;
		t = strip(r, &r->type);
		r->is_here = true;
	}
	if (!t || !btf_is_composite(t) || !r->is_here)
		return say(r, "unable to find member '%s': it is no structure", name);
	m = find_member(r, r->type, name, &bits, &bit_size, 8);
	if (!m)
		return say(r, "unable to find member '%s'", name);
	r->type = (s32)m->type;
	r->bit_size = bit_size;
	r->bit_offset = 0;
	if (!bit_size)
		return add_step(r, FT_STEP_ADD, bits / 8, 0);
	/* What is read begins at a multiple of its type's size. */
	t = strip(r, &r->type);
	r->bit_offset = bits % (t->size * 8);
	return add_step(r, FT_STEP_ADD, bits / (t->size * 8) * t->size, 0);
}

/* first: of a cast, which is a pointer to what it names. */
static int step_index(struct resolver *r, u32 access, const struct ft_expr *index, bool first)
{
	const struct btf_type *t = strip(r, &r->type);
	s64 size;
	int code;

	if (first && t && !btf_is_ptr(t) && !btf_is_array(t)) {
		;
	} else if (t && btf_is_ptr(t)) {
		code = load_pointer(r);
		if (code)
			return code;
		r->type = (s32)t->type;
		r->is_here = true;
	} else if (t && btf_is_array(t) && r->is_here) {
		r->type = (s32)btf_array(t)->type;
	} else {
		return say(r, "cannot index: it is neither an array nor a pointer");
	}
	size = btf__resolve_size(r->btf, (u32)r->type);
	if (size <= 0)
		return say(r, "cannot index: its elements have no size");
	if (index->kind == FT_EXPR_NUMBER)
		return add_step(r, FT_STEP_ADD, (u32)(index->number * size), 0);
	return add_step(r, FT_STEP_INDEX, (u32)size, access);
}

static const char *type_name(const struct resolver *r, s32 id)
{
	const struct btf_type *t = btf__type_by_id(r->btf, (u32)id);
	const char *name = t ? btf__name_by_offset(r->btf, t->name_off) : NULL;
	const char *word = "";

	if (!id || !t)
		return "void";
	if (btf_is_ptr(t))
		return ft_arena_printf(r->compile->arena, "%s*", type_name(r, (s32)t->type));
	if (btf_is_const(t) || btf_is_volatile(t) || btf_is_type_tag(t) || btf_is_restrict(t))
		return type_name(r, (s32)t->type);
	if (btf_is_array(t))
		return ft_arena_printf(r->compile->arena, "%s[%u]",
				       type_name(r, (s32)btf_array(t)->type), btf_array(t)->nelems);
	if (btf_is_struct(t))
		word = "struct ";
	else if (btf_is_union(t))
		word = "union ";
	else if (btf_is_any_enum(t))
		word = "enum ";
	return ft_arena_printf(r->compile->arena, "%s%s", word,
			       name && *name ? name : "<anonymous>");
}

/* What the whole is: a number that is read, a word, or an address. */
static int finish(struct resolver *r, bool address_of)
{
	struct ft_target *target = r->target;
	const struct btf_type *t;

	target->type = type_name(r, r->type);
	target->type_id = r->type;
	t = strip(r, &r->type);
	target->size = 8;
	if (address_of && !r->is_here)
		return say(r, "this has no address");
	if (address_of) {
		target->points_to = r->type;
		return 0;
	}
	target->points_to = t && btf_is_ptr(t)				 ? (s32)t->type
			    : t && (btf_is_int(t) || btf_is_any_enum(t)) ? 0
									 : r->type;
	if (t && (btf_is_int(t) || btf_is_any_enum(t))) {
		target->size = t->size;
		target->is_signed =
			btf_is_int(t) ? btf_int_encoding(t) & BTF_INT_SIGNED : btf_kflag(t);
	} else if (!t || !btf_is_ptr(t)) {
		return 0; /* a structure or an array: its address */
	}
	if (target->size > 8)
		return say(r, "%s is wider than 64 bits", target->type);
	target->loads = r->is_here;
	target->bit_size = r->bit_size;
	target->bit_offset = r->bit_offset;
	return 0;
}

static const char *event_of(const struct ft_point *point)
{
	const char *name, *colon;

	if (!point || point->part_count < 2 || strcmp(point->parts[1].name, "trace") != 0)
		return NULL;
	name = point->parts[1].arg->text;
	colon = strchr(name, ':');
	return colon ? colon + 1 : name;
}

static const struct btf_type *function_proto(const struct resolver *r, const char *name)
{
	s32 id = ft_types_find(r->compile, name, BTF_KIND_FUNC);
	const struct btf_type *t = id > 0 ? btf__type_by_id(r->btf, (u32)id) : NULL;

	t = t ? btf__type_by_id(r->btf, t->type) : NULL;
	return t && btf_is_func_proto(t) ? t : NULL;
}

/*
 * The prototype of a tracepoint's probes; their first argument is none of its own. The type that is
 * there for this purpose (btf_trace_NAME) does not name the arguments; functions that the kernel
 * makes for each tracepoint do (__probestub_NAME since Linux 6.5).
 */
static const struct btf_type *known_proto_of(const struct resolver *r, const char *event)
{
	static const char *const prefixes[] = {"__probestub_", "__traceiter_", "__bpf_trace_"};
	char name[128];

	for (size_t i = 0; i < FT_ARRAY_LEN(prefixes); i++) {
		const struct btf_type *t;
		s32 id;

		snprintf(name, sizeof(name), "%s%s", prefixes[i], event);
		id = ft_types_find(r->compile, name, BTF_KIND_FUNC);
		t = id > 0 ? btf__type_by_id(r->btf, (u32)id) : NULL;
		t = t ? btf__type_by_id(r->btf, t->type) : NULL;
		if (t && btf_is_func_proto(t))
			return t;
	}
	return NULL;
}

/* The same, of modules, too. */
static const struct btf_type *proto_of(struct resolver *r, const char *event)
{
	const struct btf_type *proto = known_proto_of(r, event);

	if (proto || !ft_module_add_types_of_event(r->compile, event))
		return proto;
	r->btf = r->compile->btf;
	return known_proto_of(r, event);
}

/*
 * The name of a tracepoint's argument. One that is called "name" has the tracepoint's own instead
 * before Linux 6.5: the kernel's macros replace it.
 */
static const char *param_name(const struct resolver *r, const char *event,
			      const struct btf_param *param)
{
	const char *name = btf__name_by_offset(r->btf, param->name_off);

	return name && !strcmp(name, event) ? "name" : name;
}

/* An argument of a function, or at its return what it returned, which is behind the arguments. */
static int begin_function_arg(struct resolver *r, const struct ft_point *point,
			      const char *variable)
{
	const struct btf_type *proto = function_proto(r, point->parts[1].arg->text);
	const struct btf_param *p = proto ? btf_params(proto) : NULL;

	for (u32 i = 0; proto && i < btf_vlen(proto); i++) {
		const char *name = btf__name_by_offset(r->btf, p[i].name_off);

		if (!name || strcmp(name, variable + 1) != 0)
			continue;
		r->target->word = i;
		r->type = (s32)p[i].type;
		return 0;
	}
	if (!proto || strcmp(variable, "$return") != 0 || !ft_function_returns(point))
		return say(r, "unable to find local '%s' of %s()", variable,
			   point->parts[1].arg->text);
	if (!proto->type)
		return say(r, "%s() returns nothing", point->parts[1].arg->text);
	r->target->word = btf_vlen(proto);
	r->type = (s32)proto->type;
	return 0;
}

/* $state and $skb: the members of what programs at hooks of netfilter are given. */
static int begin_packet_arg(struct resolver *r, const char *name)
{
	s32 id = ft_types_find(r->compile, "bpf_nf_ctx", BTF_KIND_STRUCT);
	u32 bits = 0, bit_size = 0;
	const struct btf_member *m =
		id > 0 ? find_member(r, id, name + 1, &bits, &bit_size, 8) : NULL;

	if (id <= 0)
		return say(r, "this kernel has no programs at hooks of netfilter (Linux 6.4)");
	if (!strcmp(name, "$verdict"))
		return say(r, "what becomes of a packet is not for scripts to say: they watch");
	if (!m)
		return say(r, "unable to find '%s': there are $state and $skb", name);
	r->target->word = bits / 64;
	r->type = (s32)m->type;
	return 0;
}

static int begin_arg(struct resolver *r, const struct ft_point *point, const struct ft_expr *expr)
{
	const char *event = event_of(point);
	const struct btf_type *proto = event ? proto_of(r, event) : NULL;
	const struct btf_param *p = proto ? btf_params(proto) : NULL;

	if (point && ft_function_is_point(point))
		return begin_function_arg(r, point, expr->name);
	if (point && ft_netfilter_is_point(point))
		return begin_packet_arg(r, expr->name);
	if (!event)
		return say(r, "unable to find local '%s': this probe point has no variables",
			   expr->name);
	if (!proto)
		return say(r, "the kernel tells no types of the tracepoint '%s'", event);
	for (u32 i = 1; i < btf_vlen(proto) && i <= ARGS_MAX; i++) {
		const char *name = param_name(r, event, &p[i]);

		if (!name || (strcmp(name, expr->name + 1) != 0 &&
			      /* what a system call returns */
			      !(!strcmp(expr->name, "$return") && !strcmp(event, "sys_exit") &&
				!strcmp(name, "ret"))))
			continue;
		r->target->word = i - 1;
		r->type = (s32)p[i].type;
		return 0;
	}
	return say(r, "unable to find tracepoint variable '%s'", expr->name);
}

/* "struct task_struct *", "task_struct": the type that a cast names. */
static int begin_cast(struct resolver *r, const struct ft_expr *expr)
{
	static const u32 kinds[] = {BTF_KIND_STRUCT, BTF_KIND_UNION, BTF_KIND_TYPEDEF, BTF_KIND_INT,
				    BTF_KIND_ENUM};
	static const char *const words[] = {"struct ", "union ", "enum ", "const "};
	const char *name = expr->target_type;
	char copy[128];
	size_t len;

	for (size_t i = 0; i < FT_ARRAY_LEN(words); i++)
		if (!strncmp(name, words[i], strlen(words[i])))
			name += strlen(words[i]);
	len = strcspn(name, " *");
	if (!len || len >= sizeof(copy))
		return say(r, "cannot understand the type '%s'", expr->target_type);
	memcpy(copy, name, len);
	copy[len] = '\0';
	for (size_t i = 0; i < FT_ARRAY_LEN(kinds); i++) {
		s32 id = ft_types_find(r->compile, copy, kinds[i]);

		if (id <= 0)
			continue;
		r->type = id;
		r->target->word = UINT32_MAX;
		r->is_here = true; /* the value is its address */
		return 0;
	}
	return say(r, "type '%s' not found in the kernel", expr->target_type);
}

/* Whether a program's debug information tells it, not the kernel's. */
static bool is_of_user(const struct ft_expr *expr)
{
	if (expr->left && !expr->target_type)
		return expr->cast_id >= FT_USER_TYPE;
	/* @var: no type of the kernel's tells where a variable is */
	if (expr->target_type && !expr->left)
		return true;
	if (expr->target_module && (!strncmp(expr->target_module, "kernel", 6) ||
				    ft_module_has_types(expr->target_module)))
		return false;
	/* @cast: those are quicker to read than the kernel's debug information */
	if (expr->left && !expr->target_module && expr->user && expr->user->in_kernel)
		return false;
	return expr->user || expr->target_module;
}

/* $syscall, $arg1, $return of process.syscall. False: it is none of these. */
static bool resolve_any_call(struct ft_compile *compile, const struct ft_point *point,
			     const char *name, struct ft_target *target)
{
	bool exits = ft_syscall_returns(point);
	struct ft_target_step step = {.kind = FT_STEP_ADD}, *slot;

	*target = (struct ft_target){.word = 1, .size = 8, .type = "long"};
	if (!strcmp(name, exits ? "$return" : "$syscall"))
		return true;
	if (!strcmp(name, "$syscall"))
		step.bytes = ft_syscall_number_offset(&target->size);
	else if (!strncmp(name, "$arg", 4) && name[4] >= '1' && name[4] <= '6' && !name[5])
		step.bytes = ft_syscall_arg_offset((u32)(name[4] - '1'), exits);
	else
		return false;
	target->word = 0;
	target->loads = true;
	slot = FT_ARENA_PUSH(compile->arena, &target->steps, &target->step_count);
	if (slot)
		*slot = step;
	return slot != NULL;
}

/* An argument of a system call: a number in the registers that the first word points to. */
static bool resolve_call_arg(struct ft_compile *compile, const struct ft_point *point,
			     const struct ft_expr *expr, struct ft_target *target)
{
	struct ft_syscall_arg arg;
	bool plain = point && ft_syscall_pattern(point) && !expr->left && expr->name &&
		     expr->name[0] == '$' && !expr->access_count && !expr->address_of;
	int at = plain ? ft_syscall_arg_named(point, expr->name + 1, &arg) : -1;
	struct ft_target_step *step;

	if (plain && point->life && resolve_any_call(compile, point, expr->name, target))
		return true;
	if (at < 0)
		return false;
	*target = (struct ft_target){.word = 0, .loads = true, .size = 8, .type = "long"};
	if (strchr("idfruhom", arg.kind)) {
		target->size = 4;
		target->is_signed = strchr("idfr", arg.kind) != NULL;
		target->type = target->is_signed ? "int" : "unsigned int";
	}
	step = FT_ARENA_PUSH(compile->arena, &target->steps, &target->step_count);
	if (step)
		*step = (struct ft_target_step){
			.kind = FT_STEP_ADD,
			.bytes = ft_syscall_arg_offset((u32)at, ft_syscall_returns(point))};
	return step != NULL;
}

static int resolve_in(struct ft_compile *compile, const struct ft_point *point,
		      const struct ft_expr *expr, struct ft_target *target, char error[200])
{
	struct resolver r = {.compile = compile, .target = target, .error = error};
	int code;

	if (resolve_call_arg(compile, point, expr, target))
		return 0;

	if (is_of_user(expr))
		return ft_user_target_resolve(compile, point ? point->user : NULL, expr, target,
					      error);
	if (expr->target_module)
		ft_target_add_module(compile, expr->target_module);
	r.btf = open_btf(compile);
	*target = (struct ft_target){.word = UINT32_MAX};
	if (!r.btf)
		return say(&r, "cannot read /sys/kernel/btf/vmlinux: target variables need a "
			       "kernel with CONFIG_DEBUG_INFO_BTF=y");
	if (expr->left && expr->target_type)
		code = begin_cast(&r, expr);
	else if (expr->left && expr->cast_id) {
		r.type = expr->cast_id;
		r.is_here = true;
		code = 0;
	} else if (expr->left || expr->name[0] != '$')
		return say(&r, "'%s' needs debug information of the kernel or a program",
			   expr->name ? expr->name : "->");
	else
		code = begin_arg(&r, point, expr);
	for (u32 i = 0; i < expr->access_count && !code; i++)
		code = expr->accesses[i].member
			       ? step_member(&r, expr->accesses[i].member)
			       : step_index(&r, i, expr->accesses[i].index, !i && expr->left);
	return code ? code : finish(&r, expr->address_of);
}

int ft_target_resolve(struct ft_compile *compile, const struct ft_point *point,
		      const struct ft_expr *expr, struct ft_target *target, char error[200])
{
	struct ft_expr in = *expr;
	int code = -ENOENT;

	if (!expr->target_module || !strchr(expr->target_module, ':'))
		return resolve_in(compile, point, expr, target, error);
	/* "foo:kernel": the first module that has it */
	for (const char *at = expr->target_module; *at && code; at += *at == ':') {
		size_t len = strcspn(at, ":");

		in.target_module = ft_arena_copy(compile->arena, at, len);
		if (!in.target_module)
			return -ENOMEM;
		code = resolve_in(compile, point, &in, target, error);
		at += len;
	}
	return code;
}

/* The offset without all of the kernel's BTF, which takes longer to read than all else. */
static int find_offset(const char *type, const char *member)
{
	u32 offset = 0;
	const struct ft_btf_field field = {.type = type, .field = member, .offset = &offset};

	return ft_btf_find(FT_BTF_KERNEL, &field, 1, NULL) ? -ENOENT : (int)offset;
}

int ft_target_offset(struct ft_compile *compile, const char *type, const char *member)
{
	struct resolver r = {.compile = compile, .btf = compile->btf};
	u32 bits = 0, bit_size = 0;
	s32 id;

	if (!r.btf)
		return find_offset(type, member);
	id = ft_types_find(compile, type, BTF_KIND_STRUCT);
	return id > 0 && find_member(&r, id, member, &bits, &bit_size, 8) ? (int)(bits / 8)
									  : -ENOENT;
}

/* Of a place in user space; several places have those of the first. */
static int user_args(struct ft_compile *compile, const struct ft_point *point, const char *which,
		     struct ft_target_arg **args, u32 *count)
{
	static const struct {
		const char *name;
		u32 which;
	} table[] = {{"$$parms", FT_USER_PARMS},
		     {"$$locals", FT_USER_LOCALS},
		     {"$$return", FT_USER_RETURN}};
	u32 wanted = FT_USER_PARMS | FT_USER_LOCALS;

	for (size_t i = 0; i < FT_ARRAY_LEN(table); i++)
		if (!strcmp(which, table[i].name))
			wanted = table[i].which;
	return ft_user_target_args(compile, point->user, &point->user->sites[0], wanted, args,
				   count);
}

/* Those of process.syscall. */
static int call_args(struct ft_compile *compile, const struct ft_point *point,
		     struct ft_target_arg **args, u32 *count)
{
	static const char *const entry[] = {"syscall", "arg1", "arg2", "arg3",
					    "arg4",    "arg5", "arg6", NULL};
	static const char *const exits[] = {"syscall", "return", NULL};

	for (const char *const *name = ft_syscall_returns(point) ? exits : entry; *name; name++) {
		struct ft_target_arg *arg = FT_ARENA_PUSH(compile->arena, args, count);

		if (!arg)
			return -ENOMEM;
		*arg = (struct ft_target_arg){.name = *name, .type = "long"};
	}
	return 0;
}

/* "return", if there is any. */
static int push_return(struct resolver *r, const struct ft_point *point,
		       const struct btf_type *proto, struct ft_target_arg **args, u32 *count)
{
	struct ft_target_arg *arg;

	if (!ft_function_returns(point) || !proto->type)
		return 0;
	arg = FT_ARENA_PUSH(r->compile->arena, args, count);
	if (!arg)
		return -ENOMEM;
	*arg = (struct ft_target_arg){.name = "return", .type = type_name(r, (s32)proto->type)};
	return 0;
}

int ft_target_args(struct ft_compile *compile, const struct ft_point *point, const char *which,
		   struct ft_target_arg **args, u32 *count)
{
	struct resolver r = {.compile = compile};
	const char *event = event_of(point);
	const struct btf_type *proto;
	const struct btf_param *p;
	bool is_function;

	*args = NULL;
	*count = 0;
	if (point && point->life && point->life->calls)
		return call_args(compile, point, args, count);
	if (point && point->user)
		return user_args(compile, point, which, args, count);
	is_function = point && ft_function_is_point(point);
	r.btf = event || is_function ? open_btf(compile) : NULL;
	proto = !r.btf	      ? NULL
		: is_function ? function_proto(&r, point->parts[1].arg->text)
			      : proto_of(&r, event);
	if (!proto)
		return -ENOENT;
	if (is_function && !strcmp(which, "$$return"))
		return push_return(&r, point, proto, args, count);
	p = btf_params(proto);
	for (u32 i = !is_function; i < btf_vlen(proto) && i <= ARGS_MAX; i++) {
		struct ft_target_arg *arg = FT_ARENA_PUSH(compile->arena, args, count);

		if (!arg)
			return -ENOMEM;
		arg->name = is_function ? btf__name_by_offset(r.btf, p[i].name_off)
					: param_name(&r, event, &p[i]);
		arg->type = type_name(&r, (s32)p[i].type);
	}
	return 0;
}

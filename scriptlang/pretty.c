/*
 * pretty.c - $x$ and $x$$: a target variable with all its members as text.
 *
 * It becomes a sprintf() of what it has: {.pid=%i, .comm="%s", .se={...}}; "$$" goes into
 * structures and arrays within it, too. Pointers are printed as such; those to characters that are
 * printed themselves, and arrays of characters, are strings. The form is SystemTap's (stap(1),
 * PRETTY-PRINTING); bytes that are no "char" are numbers here.
 */
#include <bpf/btf.h>
#include <string.h>

#include "scriptlang/target.h"

#define ARGS_MAX 32 /* as many as SystemTap prints */
#define PATH_MAX_LEN 16
#define ELEMENTS_MAX 32

struct printer {
	struct ft_compile *compile;
	struct ft_expr from; /* the target variable, as it was */
	struct ft_expr *into;
	struct ft_access path[PATH_MAX_LEN]; /* behind its own accesses */
	u32 depth;
	bool deep;
	bool cut; /* there is more than can be printed */
};

static const struct btf_type *strip(const struct printer *p, s32 id)
{
	const struct btf_type *t = btf__type_by_id(p->compile->btf, (u32)id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t) || btf_is_type_tag(t)))
		t = btf__type_by_id(p->compile->btf, t->type);
	return t;
}

static bool is_char(const struct printer *p, const struct btf_type *t)
{
	const char *name = t ? btf__name_by_offset(p->compile->btf, t->name_off) : NULL;

	return t && btf_is_int(t) && name && !strcmp(name, "char");
}

static struct ft_directive *push(struct printer *p)
{
	struct ft_print *print = p->into->print;
	struct ft_directive *d =
		FT_ARENA_PUSH(p->compile->arena, &print->directives, &print->directive_count);

	if (d)
		*d = (struct ft_directive){.width = -1, .precision = -1};
	return d;
}

static void text(struct printer *p, const char *piece)
{
	struct ft_directive *d = push(p);

	if (!d)
		return;
	d->text = piece;
	d->len = (u32)strlen(piece);
}

/* The variable with the path behind it. */
static struct ft_expr *member_of(const struct printer *p)
{
	struct ft_expr *e = FT_ARENA_NEW(p->compile->arena, struct ft_expr);

	if (!e)
		return NULL;
	*e = p->from;
	e->pretty = FT_PRETTY_NO;
	e->accesses = NULL;
	e->access_count = 0;
	for (u32 i = 0; i < p->from.access_count + p->depth; i++) {
		struct ft_access *a =
			FT_ARENA_PUSH(p->compile->arena, &e->accesses, &e->access_count);

		if (!a)
			return NULL;
		*a = i < p->from.access_count ? p->from.accesses[i]
					      : p->path[i - p->from.access_count];
	}
	return e;
}

static void value(struct printer *p, char conv, bool alternate)
{
	struct ft_directive *d = push(p);
	struct ft_expr **slot =
		FT_ARENA_PUSH(p->compile->arena, &p->into->args, &p->into->arg_count);

	if (!d || !slot)
		return;
	d->conv = conv;
	d->alternate = alternate;
	*slot = member_of(p);
}

/* The characters at the value: kernel_string(value). */
static void string(struct printer *p)
{
	struct ft_expr *call = FT_ARENA_NEW(p->compile->arena, struct ft_expr), **arg, **slot;
	struct ft_directive *d;

	text(p, "\"");
	d = push(p);
	slot = FT_ARENA_PUSH(p->compile->arena, &p->into->args, &p->into->arg_count);
	if (!call || !d || !slot)
		return;
	*call = (struct ft_expr){.kind = FT_EXPR_CALL, .at = p->from.at, .name = "kernel_string"};
	call->builtin = ft_tapset_find(p->compile->arena, call->name, 1);
	arg = FT_ARENA_PUSH(p->compile->arena, &call->args, &call->arg_count);
	if (!arg)
		return;
	*arg = member_of(p);
	d->conv = 's';
	*slot = call;
	text(p, "\"");
}

static void print(struct printer *p, s32 id);

static bool enter(struct printer *p, struct ft_access access)
{
	if (p->depth == PATH_MAX_LEN)
		return false;
	access.at = p->from.at;
	p->path[p->depth++] = access;
	return true;
}

static void print_members(struct printer *p, const struct btf_type *t)
{
	const struct btf_member *m = btf_members(t);

	text(p, "{");
	for (u32 i = 0; i < btf_vlen(t) && !p->cut; i++, m++) {
		const char *name = btf__name_by_offset(p->compile->btf, m->name_off);
		const struct btf_type *inner = strip(p, (s32)m->type);

		if (i)
			text(p, ", ");
		if (!name || !*name) { /* its members are ours */
			if (inner && btf_is_composite(inner))
				print_members(p, inner);
			continue;
		}
		if (!enter(p, (struct ft_access){.member = name}))
			continue;
		text(p, ft_arena_printf(p->compile->arena, ".%s=", name));
		print(p, (s32)m->type);
		p->depth--;
	}
	text(p, "}");
}

static void print_elements(struct printer *p, const struct btf_array *a)
{
	text(p, "[");
	for (u32 i = 0; i < a->nelems && !p->cut; i++) {
		struct ft_expr *index = FT_ARENA_NEW(p->compile->arena, struct ft_expr);

		if (i)
			text(p, ", ");
		if (!index || i == ELEMENTS_MAX) {
			text(p, "...");
			break;
		}
		*index = (struct ft_expr){.kind = FT_EXPR_NUMBER, .at = p->from.at, .number = i};
		if (!enter(p, (struct ft_access){.index = index}))
			break;
		print(p, (s32)a->type);
		p->depth--;
	}
	text(p, "]");
}

static void print_int(struct printer *p, const struct btf_type *t)
{
	if (!is_char(p, t)) {
		value(p, btf_int_encoding(t) & BTF_INT_SIGNED ? 'd' : 'u', false);
		return;
	}
	text(p, "'");
	value(p, 'c', true);
	text(p, "'");
}

static void print(struct printer *p, s32 id)
{
	const struct btf_type *t = strip(p, id), *to;
	bool opens = !p->depth || p->deep;

	if (p->into->arg_count == ARGS_MAX) {
		text(p, "...");
		p->cut = true;
		return;
	}
	if (t && btf_is_ptr(t)) {
		to = strip(p, (s32)t->type);
		if (!p->depth && is_char(p, to))
			string(p);
		else if (!p->depth && to && btf_is_composite(to))
			print_members(p, to);
		else
			value(p, 'p', false);
	} else if (t && btf_is_composite(t)) {
		if (opens)
			print_members(p, t);
		else
			text(p, "{...}");
	} else if (t && btf_is_array(t)) {
		if (is_char(p, strip(p, (s32)btf_array(t)->type)))
			string(p);
		else if (opens)
			print_elements(p, btf_array(t));
		else
			text(p, "[...]");
	} else if (t && btf_is_int(t) && t->size <= 8) {
		print_int(p, t);
	} else if (t && btf_is_any_enum(t)) {
		value(p, 'd', false);
	} else {
		text(p, "?");
	}
}

void ft_pretty(struct ft_compile *compile, struct ft_expr *e, s32 type)
{
	struct printer p = {
		.compile = compile, .from = *e, .into = e, .deep = e->pretty == FT_PRETTY_DEEP};
	struct ft_print *form = FT_ARENA_NEW(compile->arena, struct ft_print);

	if (!form)
		return;
	*form = (struct ft_print){.name = "sprintf", .to_string = true, .has_format = true};
	*e = (struct ft_expr){
		.kind = FT_EXPR_PRINT, .at = e->at, .name = form->name, .print = form};
	print(&p, type);
}

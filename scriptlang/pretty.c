/*
 * pretty.c - $x$ and $x$$: a target variable with all its members as text.
 *
 * It becomes a sprintf() of what it has: {.pid=%i, .comm="%s", .se={...}}; "$$" goes into
 * structures and arrays within it, too. Pointers are printed as such; those to characters that are
 * printed themselves, and arrays of characters, are strings. The form is SystemTap's (stap(1),
 * PRETTY-PRINTING); bytes that are no "char" are numbers here.
 */
#include <string.h>

#include "scriptlang/shape.h"
#include "scriptlang/target.h"
#include "scriptlang/user_type.h"

#define ARGS_MAX 32 /* as many as SystemTap prints */
#define PATH_MAX_LEN 16
#define ELEMENTS_MAX 32
#define NAMES_MAX 64

struct printer {
	struct ft_compile *compile;
	struct ft_expr from; /* the target variable, as it was */
	struct ft_expr *into;
	struct ft_access path[PATH_MAX_LEN]; /* behind its own accesses */
	u32 depth;
	bool deep, in_user;
	const char *names[NAMES_MAX]; /* of members that were printed: those of bases are masked */
	u32 name_count;
	bool cut; /* there is more than can be printed */
};

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

/* The characters at the value: kernel_string(value), user_string(value). */
static void string(struct printer *p)
{
	struct ft_expr *call = FT_ARENA_NEW(p->compile->arena, struct ft_expr), **arg, **slot;
	struct ft_directive *d;

	text(p, "\"");
	d = push(p);
	slot = FT_ARENA_PUSH(p->compile->arena, &p->into->args, &p->into->arg_count);
	if (!call || !d || !slot)
		return;
	*call = (struct ft_expr){.kind = FT_EXPR_CALL,
				 .at = p->from.at,
				 .name = p->in_user ? "user_string" : "kernel_string"};
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
static void print_members(struct printer *p, s32 id);

static bool enter(struct printer *p, struct ft_access access)
{
	if (p->depth == PATH_MAX_LEN)
		return false;
	access.at = p->from.at;
	p->path[p->depth++] = access;
	return true;
}

static bool is_masked(const struct printer *p, u32 from, const char *name)
{
	for (u32 i = from; i < p->name_count; i++)
		if (!strcmp(p->names[i], name))
			return true;
	return false;
}

/* from: the first of the names that belong to this structure. */
static void print_list(struct printer *p, s32 id, u32 from, bool *any)
{
	struct ft_shape_member m;
	struct ft_shape inner;

	for (u32 i = 0; ft_shape_member(p->compile, id, i, &m) && !p->cut; i++) {
		ft_shape_of(p->compile, m.type, &inner);
		if (m.is_base && inner.kind == FT_SHAPE_STRUCTURE && p->depth < PATH_MAX_LEN) {
			print_list(p, m.type, from, any);
			continue;
		}
		if (m.name && is_masked(p, from, m.name))
			continue;
		if (*any)
			text(p, ", ");
		*any = true;
		if (!m.name) { /* its members are ours */
			if (inner.kind == FT_SHAPE_STRUCTURE)
				print_members(p, m.type);
			continue;
		}
		if (p->name_count < NAMES_MAX)
			p->names[p->name_count++] = m.name;
		if (!enter(p, (struct ft_access){.member = m.name}))
			continue;
		text(p, ft_arena_printf(p->compile->arena, ".%s=", m.name));
		print(p, m.type);
		p->depth--;
	}
}

static void print_members(struct printer *p, s32 id)
{
	u32 from = p->name_count;
	bool any = false;

	text(p, "{");
	print_list(p, id, from, &any);
	p->name_count = from;
	text(p, "}");
}

static void print_elements(struct printer *p, const struct ft_shape *array)
{
	text(p, "[");
	for (u32 i = 0; i < array->count && !p->cut; i++) {
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
		print(p, array->inner);
		p->depth--;
	}
	text(p, "]");
}

static void print_number(struct printer *p, const struct ft_shape *shape)
{
	if (!shape->is_char) {
		value(p, shape->is_signed ? 'd' : 'u', false);
		return;
	}
	text(p, "'");
	value(p, 'c', true);
	text(p, "'");
}

static void print_pointer(struct printer *p, s32 to)
{
	struct ft_shape shape;

	ft_shape_of(p->compile, to, &shape);
	if (!p->depth && shape.is_char)
		string(p);
	else if (!p->depth && shape.kind == FT_SHAPE_STRUCTURE)
		print_members(p, to);
	else
		value(p, 'p', false);
}

static void print_array(struct printer *p, const struct ft_shape *array)
{
	struct ft_shape element;

	ft_shape_of(p->compile, array->inner, &element);
	if (element.is_char)
		string(p);
	else if (!p->depth || p->deep)
		print_elements(p, array);
	else
		text(p, "[...]");
}

static void print(struct printer *p, s32 id)
{
	struct ft_shape shape;

	if (p->into->arg_count == ARGS_MAX) {
		text(p, "...");
		p->cut = true;
		return;
	}
	ft_shape_of(p->compile, id, &shape);
	switch (shape.kind) {
	case FT_SHAPE_POINTER:
		print_pointer(p, shape.inner);
		break;
	case FT_SHAPE_STRUCTURE:
		if (!p->depth || p->deep)
			print_members(p, id);
		else
			text(p, "{...}");
		break;
	case FT_SHAPE_ARRAY:
		print_array(p, &shape);
		break;
	case FT_SHAPE_NUMBER:
		print_number(p, &shape);
		break;
	case FT_SHAPE_ENUM:
		value(p, 'd', false);
		break;
	default:
		text(p, "?");
	}
}

void ft_pretty(struct ft_compile *compile, struct ft_expr *e, s32 type)
{
	const struct ft_user_type *of = ft_user_type(compile, type);
	struct printer p = {.compile = compile,
			    .from = *e,
			    .into = e,
			    .deep = e->pretty == FT_PRETTY_DEEP,
			    .in_user = of && !of->file->in_kernel};
	struct ft_print *form = FT_ARENA_NEW(compile->arena, struct ft_print);

	if (!form)
		return;
	*form = (struct ft_print){.name = "sprintf", .to_string = true, .has_format = true};
	*e = (struct ft_expr){
		.kind = FT_EXPR_PRINT, .at = e->at, .name = form->name, .print = form};
	print(&p, type);
}

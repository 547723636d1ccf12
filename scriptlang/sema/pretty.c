/*
 * pretty.c - $x$ and $x$$: a target variable with all its members as text.
 *
 * It becomes a sprintf() of what it has: {.pid=%i, .comm="%s", .se={...}}; "$$" goes into
 * structures and arrays within it, too. A pointer that is printed itself is followed, those within
 * are printed as such; pointers to characters, and arrays of them, are strings. The form is
 * SystemTap's (stap(1), PRETTY-PRINTING), but that arrays have up to 32 elements, not only the
 * first.
 */
#include <string.h>

#include "scriptlang/sema/shape.h"
#include "scriptlang/sema/target.h"
#include "scriptlang/user/user_type.h"

#define ARGS_MAX 32 /* as many as SystemTap prints */
#define PATH_MAX_LEN 16
#define BASES_MAX 32
#define DIRECTIVES_MAX 2000
#define ELEMENTS_MAX 32
#define NAMES_MAX 64

struct printer {
	struct ft_compile *compile;
	const struct ft_point *point;
	struct ft_expr from; /* the target variable, as it was */
	struct ft_expr *into;
	struct ft_access path[PATH_MAX_LEN]; /* behind its own accesses */
	u32 depth;
	u32 nesting;   /* in structures and arrays */
	u32 dimension; /* of the array that is printed itself: the first */
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

/* The same, if it can be read: some of a structure may be in registers, and some nowhere. */
static struct ft_expr *readable_member(struct printer *p)
{
	struct ft_expr *e = member_of(p);
	struct ft_target target;

	if (!e || !ft_target_resolve(p->compile, p->point, e, &target, NULL))
		return e;
	text(p, "?");
	return NULL;
}

static void value(struct printer *p, char conv, bool alternate)
{
	struct ft_expr *e = readable_member(p), **slot;
	struct ft_directive *d = e ? push(p) : NULL;

	slot = d ? FT_ARENA_PUSH(p->compile->arena, &p->into->args, &p->into->arg_count) : NULL;
	if (!slot)
		return;
	d->conv = conv;
	d->alternate = alternate;
	*slot = e;
}

static struct ft_expr *new_call(struct printer *p, const char *name, struct ft_expr *first,
				struct ft_expr *second)
{
	struct ft_expr *call = FT_ARENA_NEW(p->compile->arena, struct ft_expr), **arg;

	if (!call)
		return NULL;
	*call = (struct ft_expr){.kind = FT_EXPR_CALL, .at = p->from.at, .name = name};
	for (u32 i = 0; i < 1 + (second != NULL); i++) {
		arg = FT_ARENA_PUSH(p->compile->arena, &call->args, &call->arg_count);
		if (!arg)
			return NULL;
		*arg = i ? second : first;
	}
	call->builtin = ft_tapset_find(p->compile->arena, name, call->arg_count);
	return call;
}

/* The text that a call gives. */
static void text_of_call(struct printer *p, struct ft_expr *call)
{
	struct ft_directive *d = call ? push(p) : NULL;
	struct ft_expr **slot =
		d ? FT_ARENA_PUSH(p->compile->arena, &p->into->args, &p->into->arg_count) : NULL;

	if (!slot)
		return;
	d->conv = 's';
	*slot = call;
}

static struct ft_expr *new_number(struct printer *p, u32 number)
{
	struct ft_expr *e = FT_ARENA_NEW(p->compile->arena, struct ft_expr);

	if (e)
		*e = (struct ft_expr){.kind = FT_EXPR_NUMBER, .at = p->from.at, .number = number};
	return e;
}

/*
 * The characters at the value, quoted; of a process, also what cannot be read. count: of an array;
 * 0: up to their NUL.
 */
static void string(struct printer *p, const struct ft_shape *of, u32 count)
{
	struct ft_expr *member = readable_member(p);

	if (!member)
		return;
	if (!p->in_user) {
		text(p, "\"");
		text_of_call(p, new_call(p, "kernel_string", member, NULL));
		text(p, "\"");
	} else if (of->char_bytes == 1 && count) {
		member = new_call(p, "user_string_n", member, new_number(p, count));
		text_of_call(p, new_call(p, "string_quoted", member, NULL));
	} else {
		text_of_call(p, new_call(p,
					 of->char_bytes == 4   ? "user_string_quoted_utf32"
					 : of->char_bytes == 2 ? "user_string_quoted_utf16"
							       : "user_string_quoted",
					 member, NULL));
	}
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

/* What the compiler has put there: the table of virtual functions. */
static bool is_hidden(const char *name)
{
	return !strncmp(name, "_vptr", 5) && (name[5] == '.' || name[5] == '$');
}

static void print_member(struct printer *p, const struct ft_shape_member *m, bool *any)
{
	struct ft_shape inner;

	ft_shape_of(p->compile, m->type, &inner);
	if (!m->name && inner.kind != FT_SHAPE_STRUCTURE)
		return;
	if (m->name && (is_hidden(m->name) || !enter(p, (struct ft_access){.member = m->name})))
		return;
	text(p, ft_arena_printf(p->compile->arena, "%s%s%s=", *any ? ", " : "", m->name ? "." : "",
				m->name		 ? m->name
				: inner.is_union ? "<union>"
						 : "<class>"));
	*any = true;
	p->nesting++;
	print(p, m->type);
	p->nesting--;
	p->depth -= m->name != NULL; /* those of anonymous ones are the structure's own */
}

/*
 * Its own members, then those of its base classes, the nearest first; each base once. from: the
 * first of the names that belong to this structure.
 */
static void print_list(struct printer *p, s32 id, u32 from)
{
	s32 types[BASES_MAX] = {id};
	struct ft_shape_member m;
	bool any = false;
	u32 count = 1;

	for (u32 at = 0; at < count; at++)
		for (u32 i = 0; ft_shape_member(p->compile, types[at], i, &m) && !p->cut; i++) {
			u32 known = 0;

			while (m.is_base && known < count && types[known] != m.type)
				known++;
			if (m.is_base && known == count && count < BASES_MAX)
				types[count++] = m.type;
			if (m.is_base || (m.name && is_masked(p, from, m.name)))
				continue;
			if (m.name && p->name_count < NAMES_MAX)
				p->names[p->name_count++] = m.name;
			print_member(p, &m, &any);
		}
}

static void print_members(struct printer *p, s32 id)
{
	u32 from = p->name_count;

	text(p, "{");
	print_list(p, id, from);
	p->name_count = from;
	text(p, "}");
}

static void print_elements(struct printer *p, const struct ft_shape *array, u32 dimension)
{
	struct ft_shape element;
	bool is_last = dimension + 1 >= array->dimensions;

	ft_shape_of(p->compile, array->inner, &element);
	if (is_last && element.is_char) {
		string(p, &element, array->counts[dimension]);
		return;
	}
	text(p, "[");
	p->nesting++;
	for (u32 i = 0; i < array->counts[dimension] && !p->cut; i++) {
		struct ft_expr *index = i < ELEMENTS_MAX ? new_number(p, i) : NULL;

		if (i)
			text(p, ", ");
		if (!index) {
			text(p, "...");
			break;
		}
		if (!enter(p, (struct ft_access){.index = index}))
			break;
		if (is_last)
			print(p, array->inner);
		else
			print_elements(p, array, dimension + 1);
		p->depth--;
	}
	p->nesting--;
	text(p, "]");
}

static void print_number(struct printer *p, const struct ft_shape *shape)
{
	struct ft_expr *wide;

	if (!shape->is_char) {
		value(p, shape->is_signed ? 'd' : 'u', false);
		return;
	}
	if (shape->char_bytes == 1) {
		text(p, "'");
		value(p, 'c', true);
		text(p, "'");
		return;
	}
	wide = readable_member(p);
	if (wide)
		text_of_call(p, new_call(p, "__character", wide, NULL));
}

/* One that is printed itself is followed; within structures and arrays they are numbers. */
static void print_pointer(struct printer *p, s32 to)
{
	struct ft_shape shape;
	struct ft_expr *first;

	ft_shape_of(p->compile, to, &shape);
	if (shape.is_char) {
		string(p, &shape, 0);
		return;
	}
	if (shape.is_function && !p->nesting)
		text(p, "<function>:");
	first = p->nesting || shape.kind == FT_SHAPE_OTHER ? NULL : new_number(p, 0);
	if (!p->nesting && shape.kind == FT_SHAPE_STRUCTURE) {
		print_members(p, to);
	} else if (first && enter(p, (struct ft_access){.index = first})) {
		print(p, to);
		p->depth--;
	} else {
		value(p, 'p', false);
	}
}

static void print_array(struct printer *p, const struct ft_shape *array)
{
	u32 dimension = p->nesting ? 0 : p->dimension;

	if (p->nesting && !p->deep)
		text(p, "[...]");
	else if (dimension < array->dimensions)
		print_elements(p, array, dimension);
	else
		text(p, "?");
}

static void print(struct printer *p, s32 id)
{
	struct ft_shape shape;

	/* Types of a damaged file may be in themselves. */
	if (p->into->arg_count == ARGS_MAX || p->nesting > PATH_MAX_LEN ||
	    p->into->print->directive_count > DIRECTIVES_MAX) {
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
		if (!p->nesting || p->deep)
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

void ft_pretty(struct ft_compile *compile, const struct ft_point *point, struct ft_expr *e,
	       const struct ft_target *target)
{
	const struct ft_user_type *of = ft_user_type(compile, target->type_id);
	struct printer p = {.compile = compile,
			    .point = point,
			    .from = *e,
			    .into = e,
			    .deep = e->pretty == FT_PRETTY_DEEP,
			    .in_user = of && !of->file->in_kernel,
			    .dimension = target->dimension};
	struct ft_print *form = FT_ARENA_NEW(compile->arena, struct ft_print);

	if (!form)
		return;
	*form = (struct ft_print){
		.name = "sprintf", .to_string = true, .has_format = true, .is_pretty = true};
	*e = (struct ft_expr){
		.kind = FT_EXPR_PRINT, .at = e->at, .name = form->name, .print = form};
	print(&p, target->type_id);
}

/*
 * autocast.c - (value)->member: the types that values have from target variables and casts, which
 * are followed through assignments, functions and ?: until nothing new is found.
 *
 * A variable that gets pointers to different types, or out of casts by different modules, points to
 * nothing that is known.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

#include "scriptlang/sema/target.h"

#define ROUNDS_MAX 50
#define CONFLICT (-1)

struct caster {
	struct ft_compile *compile;
	const struct ft_point *point; /* NULL: a function */
	struct ft_function *function;
	bool changed;
	bool follows; /* some value is followed: what functions of the tapset return matters */
};

static struct ft_pointee points_to(struct caster *c, struct ft_expr *e);

static bool is_same(const struct ft_pointee *a, const struct ft_pointee *b)
{
	return a->id == b->id && !strcmp(a->module ? a->module : "", b->module ? b->module : "");
}

static void note(struct caster *c, struct ft_pointee *known, struct ft_pointee found)
{
	struct ft_pointee merged = *known;

	if (!found.id || is_same(known, &found))
		return;
	if (!known->id)
		merged = found;
	else
		merged.id = CONFLICT;
	if (merged.id == known->id)
		return;
	*known = merged;
	c->changed = true;
}

static struct ft_pointee target_points_to(struct caster *c, struct ft_expr *e)
{
	struct ft_pointee none = {0}, base = {.module = e->target_module};
	struct ft_target target;
	char error[200];

	for (u32 i = 0; i < e->access_count; i++)
		if (e->accesses[i].index)
			points_to(c, e->accesses[i].index);
	if (e->left && e->target_type)
		points_to(c, e->left);
	else if (e->left)
		base = points_to(c, e->left);
	if (e->left && !e->target_type && !c->follows)
		c->follows = c->changed = true;
	if (!e->target_type && base.id != e->cast_id) {
		e->cast_id = base.id > 0 ? base.id : 0;
		e->problem = e->cast_id ? NULL : "unknown type in dereference";
		c->changed = true;
	}
	if (e->problem && !e->cast_id)
		return none;
	if (ft_target_resolve(c->compile, c->point, e, &target, error)) {
		if (e->cast_id)
			e->problem = ft_arena_printf(c->compile->arena, "%s", error);
		return none;
	}
	if (e->pretty) {
		ft_pretty(c->compile, c->point, e, &target);
		c->changed = true;
		return none;
	}
	base.id = target.points_to;
	return base;
}

/* Functions of the tapset that return tasks. */
static struct ft_pointee builtin_points_to(struct caster *c, const char *name)
{
	static const char *const tasks[] = {"task_current", "task_parent", "pid2task"};
	const struct btf *btf = NULL;

	for (size_t i = 0; i < FT_ARRAY_LEN(tasks) && c->follows && !btf; i++)
		if (!strcmp(name, tasks[i]))
			btf = ft_target_btf(c->compile);
	return (struct ft_pointee){
		.id = btf ? btf__find_by_name_kind(btf, "task_struct", BTF_KIND_STRUCT) : 0};
}

/* What an expression points to. Looks at all its parts. */
static struct ft_pointee points_to(struct caster *c, struct ft_expr *e)
{
	struct ft_pointee none = {0}, left, right, third;

	if (!e)
		return none;
	if (e->kind == FT_EXPR_TARGET)
		return target_points_to(c, e);
	for (u32 i = 0; i < e->arg_count; i++)
		points_to(c, e->args[i]);
	left = points_to(c, e->left);
	right = points_to(c, e->right);
	third = points_to(c, e->third);
	switch (e->kind) {
	case FT_EXPR_NAME:
	case FT_EXPR_INDEX:
		return e->var ? e->var->points_to : none;
	case FT_EXPR_CALL:
		if (e->builtin)
			return builtin_points_to(c, e->builtin->name);
		return e->function ? e->function->points_to : none;
	case FT_EXPR_TERNARY:
		if (right.id && third.id && !is_same(&right, &third))
			right.id = CONFLICT;
		return right.id ? right : third;
	case FT_EXPR_CHOOSE:
		return left.id ? left : right;
	case FT_EXPR_ASSIGN:
		if (e->op == FT_TOKEN_ASSIGN && e->left->var)
			note(c, &e->left->var->points_to, right);
		return e->op == FT_TOKEN_ASSIGN ? right : none;
	default:
		return none;
	}
}

static void walk(struct caster *c, const struct ft_stmt *s)
{
	struct ft_pointee pointee;

	points_to(c, s->init);
	pointee = points_to(c, s->expr);
	points_to(c, s->step);
	if (s->kind == FT_STMT_RETURN && c->function)
		note(c, &c->function->points_to, pointee);
	if (s->foreach)
		points_to(c, s->foreach->limit);
	for (u32 i = 0; i < s->body_count; i++)
		walk(c, s->body[i]);
}

int ft_sema_autocasts(struct ft_compile *compile, struct ft_program *program)
{
	struct caster c = {.compile = compile};
	u32 rounds = 0;

	do {
		c.changed = false;
		c.function = NULL;
		for (u32 i = 0; i < program->handler_count; i++) {
			c.point = program->handlers[i]->point;
			for (u32 k = 0; k < program->handlers[i]->body_count; k++)
				walk(&c, program->handlers[i]->bodies[k]);
		}
		c.point = NULL;
		for (u32 i = 0; i < program->file->function_count; i++) {
			c.function = program->file->functions[i];
			walk(&c, c.function->body);
		}
	} while (c.changed && ++rounds < ROUNDS_MAX);
	return ft_arena_failed(compile->arena) ? -ENOMEM : 0;
}

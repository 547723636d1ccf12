/*
 * ast_copy.c - copies of statements: a body that several points run has variables and types of its
 * own for each.
 */
#include <string.h>

#include "scriptlang/sema/sema.h"

static struct ft_expr *copy_expr(struct ft_arena *arena, const struct ft_expr *e);

/* A list whose entries may be NULL. */
static struct ft_expr **copy_list(struct ft_arena *arena, struct ft_expr *const *list, u32 count)
{
	struct ft_expr **copy =
		list ? ft_arena_alloc(arena, count, sizeof(struct ft_expr *)) : NULL;

	for (u32 i = 0; copy && i < count; i++)
		copy[i] = copy_expr(arena, list[i]);
	return copy;
}

static struct ft_expr *copy_expr(struct ft_arena *arena, const struct ft_expr *e)
{
	struct ft_expr *copy = e ? FT_ARENA_NEW(arena, struct ft_expr) : NULL;

	if (!copy)
		return NULL;
	*copy = *e;
	copy->left = copy_expr(arena, e->left);
	copy->right = copy_expr(arena, e->right);
	copy->third = copy_expr(arena, e->third);
	copy->args = copy_list(arena, e->args, e->arg_count);
	if (e->print && e->print->hist) { /* points to the argument */
		copy->print = FT_ARENA_NEW(arena, struct ft_print);
		if (!copy->print || !copy->args)
			return NULL;
		*copy->print = *e->print;
		copy->print->hist = copy->args[0];
	}
	if (e->access_count) {
		copy->accesses = ft_arena_alloc(arena, e->access_count, sizeof(*e->accesses));
		if (!copy->accesses)
			return NULL;
		memcpy(copy->accesses, e->accesses, e->access_count * sizeof(*e->accesses));
		for (u32 i = 0; i < e->access_count; i++)
			copy->accesses[i].index = copy_expr(arena, e->accesses[i].index);
	}
	return copy;
}

static struct ft_foreach *copy_foreach(struct ft_arena *arena, const struct ft_foreach *f)
{
	struct ft_foreach *copy = f ? FT_ARENA_NEW(arena, struct ft_foreach) : NULL;

	if (!copy)
		return NULL;
	*copy = *f;
	copy->value = copy_expr(arena, f->value);
	copy->keys = copy_list(arena, f->keys, f->key_count);
	copy->base = copy_expr(arena, f->base);
	copy->slice = copy_list(arena, f->slice, f->slice_count);
	copy->limit = copy_expr(arena, f->limit);
	return copy;
}

struct ft_expr *ft_expr_copy(struct ft_arena *arena, const struct ft_expr *e)
{
	return copy_expr(arena, e);
}

struct ft_stmt *ft_stmt_copy(struct ft_arena *arena, const struct ft_stmt *s)
{
	struct ft_stmt *copy = s ? FT_ARENA_NEW(arena, struct ft_stmt) : NULL;

	if (!copy)
		return NULL;
	*copy = *s;
	copy->expr = copy_expr(arena, s->expr);
	copy->init = copy_expr(arena, s->init);
	copy->step = copy_expr(arena, s->step);
	copy->caught = copy_expr(arena, s->caught);
	copy->foreach = copy_foreach(arena, s->foreach);
	copy->body = s->body_count ? ft_arena_alloc(arena, s->body_count, sizeof(struct ft_stmt *))
				   : NULL;
	copy->body_count = copy->body ? s->body_count : 0;
	for (u32 i = 0; i < copy->body_count; i++) {
		copy->body[i] = ft_stmt_copy(arena, s->body[i]);
		if (!copy->body[i])
			return NULL;
	}
	return copy;
}

static bool expr_has_targets(const struct ft_expr *e, const char *but)
{
	if (!e)
		return false;
	if (e->kind == FT_EXPR_TARGET && (!e->left || e->target_type) &&
	    !(but && !e->left && e->name && !strcmp(e->name, but)))
		return true;
	if (expr_has_targets(e->left, but) || expr_has_targets(e->right, but) ||
	    expr_has_targets(e->third, but))
		return true;
	for (u32 i = 0; i < e->arg_count; i++)
		if (expr_has_targets(e->args[i], but))
			return true;
	for (u32 i = 0; i < e->access_count; i++)
		if (expr_has_targets(e->accesses[i].index, but))
			return true;
	return e->print && expr_has_targets(e->print->hist, but);
}

bool ft_stmt_has_targets(const struct ft_stmt *s, const char *but)
{
	if (!s)
		return false;
	if (expr_has_targets(s->expr, but) || expr_has_targets(s->init, but) ||
	    expr_has_targets(s->step, but))
		return true;
	if (s->foreach && expr_has_targets(s->foreach->limit, but))
		return true;
	for (u32 i = 0; i < s->body_count; i++)
		if (ft_stmt_has_targets(s->body[i], but))
			return true;
	return false;
}

static bool expr_calls_only(const struct ft_expr *e, const char *const *names)
{
	u32 at = 0;

	if (!e)
		return true;
	while (e->kind == FT_EXPR_CALL && names[at] && strcmp(names[at], e->name) != 0)
		at++;
	if ((e->kind == FT_EXPR_CALL && !names[at]) || !expr_calls_only(e->left, names) ||
	    !expr_calls_only(e->right, names) || !expr_calls_only(e->third, names))
		return false;
	for (u32 i = 0; i < e->arg_count; i++)
		if (!expr_calls_only(e->args[i], names))
			return false;
	for (u32 i = 0; i < e->access_count; i++)
		if (!expr_calls_only(e->accesses[i].index, names))
			return false;
	return !e->print || expr_calls_only(e->print->hist, names);
}

static bool foreach_calls_only(const struct ft_foreach *f, const char *const *names)
{
	for (u32 i = 0; f->slice && i < f->slice_count; i++)
		if (!expr_calls_only(f->slice[i], names))
			return false;
	return expr_calls_only(f->base, names) && expr_calls_only(f->limit, names);
}

bool ft_stmt_calls_only(const struct ft_stmt *s, const char *const *names)
{
	if (!s)
		return true;
	if (!expr_calls_only(s->expr, names) || !expr_calls_only(s->init, names) ||
	    !expr_calls_only(s->step, names) ||
	    (s->foreach && !foreach_calls_only(s->foreach, names)))
		return false;
	for (u32 i = 0; i < s->body_count; i++)
		if (!ft_stmt_calls_only(s->body[i], names))
			return false;
	return true;
}

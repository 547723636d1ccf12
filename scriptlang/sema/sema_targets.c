/*
 * sema_targets.c - target variables in pass 2: @defined and @choose_defined become what they are,
 * $$vars becomes a text of all variables, and what does not exist is an error. Branches that a
 * @defined rules out may name what does not exist.
 */
#include <errno.h>
#include <string.h>

#include "scriptlang/sema/functions.h"
#include "scriptlang/sema/module_types.h"
#include "scriptlang/sema/target.h"
#include "scriptlang/syscalls/syscalls.h"
#include "scriptlang/user/user_point.h"

#define FOLDED_BYTES_MAX 60 /* no longer than the shortest MAXSTRINGLEN in use */

struct walker {
	struct ft_compile *compile;
	const struct ft_point *point;  /* NULL: a function */
	const struct ft_expr *written; /* the left side of the assignment at hand */
	bool is_traced_return;	       /* a tracepoint, which an alias "....return" stands for */
	bool settles; /* the second time, when types of values are known (autocast.c) */
};

static void walk_expr(struct walker *w, struct ft_expr *e);

/* Notes where in user space a target variable is, if it is there. */
static void place(const struct walker *w, struct ft_expr *e)
{
	e->user = w->point ? w->point->user : NULL;
}

/* @const("NAME"): its value. */
static bool find_constant(const struct walker *w, const struct ft_expr *e, s64 *value)
{
	return ft_target_btf(w->compile) && ft_types_enumerator(w->compile, e->constant, value);
}

static bool is_defined(const struct walker *w, struct ft_expr *e)
{
	struct ft_target target;
	s64 value;

	if (e->kind == FT_EXPR_TARGET && e->constant)
		return find_constant(w, e, &value);

	if (e->kind == FT_EXPR_CHOOSE)
		return is_defined(w, e->left) || is_defined(w, e->right);
	if (e->kind == FT_EXPR_ENTRY)
		return is_defined(w, e->left);
	if (e->kind == FT_EXPR_TARGET)
		place(w, e);
	return e->kind != FT_EXPR_TARGET ||
	       !ft_target_resolve(w->compile, w->point, e, &target, NULL);
}

/* A member of what a value points to: whether it is there turns out later. */
static bool is_autocast(const struct ft_expr *e)
{
	return e->kind == FT_EXPR_TARGET && e->left && !e->target_type;
}

static void become_number(struct ft_expr *e, s64 number)
{
	e->kind = FT_EXPR_NUMBER;
	e->number = number;
	e->left = e->right = e->third = NULL;
	e->arg_count = 0;
}

static struct ft_expr *new_target(struct walker *w, const struct ft_expr *from, const char *name)
{
	struct ft_expr *e = FT_ARENA_NEW(w->compile->arena, struct ft_expr);

	if (!e)
		return NULL;
	e->kind = FT_EXPR_TARGET;
	e->at = from->at;
	e->user = from->user;
	e->name = ft_arena_printf(w->compile->arena, "$%s", name);
	return e->name ? e : NULL;
}

/* $$vars and $$parms: sprintf("prev=%#x next=%#x", $prev, $next). */
static void spell_out(struct walker *w, struct ft_expr *e)
{
	struct ft_print *print = FT_ARENA_NEW(w->compile->arena, struct ft_print);
	bool is_mark = e->user && e->user->kind == FT_USER_MARK;
	struct ft_target_arg *args;
	u32 count;

	if (!print || ft_target_args(w->compile, w->point, e->name, &args, &count))
		return;
	print->name = "sprintf";
	print->to_string = print->has_format = true;
	e->arg_count = 0;
	for (u32 i = 0; i < count; i++) {
		struct ft_directive *text, *number;
		struct ft_expr **arg;

		text = FT_ARENA_PUSH(w->compile->arena, &print->directives,
				     &print->directive_count);
		if (!text)
			return;
		text->text = ft_arena_printf(w->compile->arena, "%s%s%s=", i ? " " : "",
					     is_mark ? "$" : "", args[i].name);
		if (args[i].shown)
			text->text = ft_arena_printf(w->compile->arena, "%s%s", text->text,
						     args[i].shown);
		text->len = text->text ? (u32)strlen(text->text) : 0;
		if (args[i].shown)
			continue;
		number = FT_ARENA_PUSH(w->compile->arena, &print->directives,
				       &print->directive_count);
		arg = FT_ARENA_PUSH(w->compile->arena, &e->args, &e->arg_count);
		if (!number || !arg)
			return;
		*number = (struct ft_directive){
			.conv = 'x', .alternate = true, .width = -1, .precision = -1};
		*arg = new_target(w, e, args[i].name);
		if (!*arg)
			return;
	}
	e->kind = FT_EXPR_PRINT;
	e->print = print;
}

/* $value of a file under /proc: text, set by "read" and read by "write". False: it is none. */
static bool check_procfs(const struct walker *w, struct ft_expr *e)
{
	bool reads = false;

	if (!w->point || strcmp(w->point->parts[0].name, "procfs") != 0)
		return false;
	for (u32 i = 1; i < w->point->part_count; i++)
		reads |= !strcmp(w->point->parts[i].name, "read");
	if (!e->name || strcmp(e->name, "$value") != 0)
		e->problem = "unable to find variable: there is $value";
	else if (e->access_count)
		e->problem = "invalid target-variable access: $value is text";
	else if (reads != (e == w->written))
		e->problem = reads ? "$value of a procfs read probe is only written"
				   : "$value of a procfs write probe is only read";
	e->is_text = true;
	return true;
}

/* $$name and $$provider of a mark, $$name of a stub. False: it is none of them. */
static bool name_mark(struct ft_expr *e)
{
	const struct ft_user_site *site;

	if (!e->user || (e->user->kind != FT_USER_MARK && e->user->kind != FT_USER_PLT) ||
	    e->left || !e->name)
		return false;
	if (e->user->kind == FT_USER_PLT && e->user->site_count > 1 && !strcmp(e->name, "$$name")) {
		e->kind = FT_EXPR_CALL;
		e->name = "ppfunc";
		return true;
	}
	site = &e->user->sites[0];
	if (strcmp(e->name, "$$name") != 0 &&
	    (strcmp(e->name, "$$provider") != 0 || !site->provider))
		return false;
	e->text = !strcmp(e->name, "$$name") ? site->text : site->provider;
	e->len = (u32)strlen(e->text);
	e->kind = FT_EXPR_STRING;
	return true;
}

/* What is in the way of writing to a variable; NULL: nothing is. */
static const char *why_not_written(const struct walker *w, const struct ft_target *target)
{
	if (!target->in_user)
		return "only memory of processes can be written: programs of the kernel cannot "
		       "write "
		       "its own";
	if (w->point && w->point->user && w->point->user->at_return)
		return "what a function has cannot be written when it returns";
	if (!target->loads)
		return "it is in a register, or no number: programs of the kernel cannot write "
		       "registers";
	return NULL;
}

static void check_target(struct walker *w, struct ft_expr *e)
{
	struct ft_target target;
	char error[200] = "";
	s64 value;

	if (e->constant && find_constant(w, e, &value)) {
		become_number(e, value);
		return;
	}
	if (e->constant) {
		e->problem = "the kernel's types have no such constant: they know enumerators, and "
			     "no macros";
		return;
	}
	place(w, e);
	if (name_mark(e))
		return;
	if (!strncmp(e->name ? e->name : "", "$$", 2)) {
		if (!strcmp(e->name, "$$vars") || !strcmp(e->name, "$$parms") ||
		    (e->user && !strcmp(e->name, "$$locals")) ||
		    ((e->user || (w->point && ft_function_is_point(w->point))) &&
		     !strcmp(e->name, "$$return")))
			spell_out(w, e);
		else
			e->problem = ft_arena_printf(
				w->compile->arena, "this version does not know '%s' here", e->name);
		return;
	}
	if (check_procfs(w, e))
		return;
	if (e->left && !e->target_type) {
		e->problem = "unknown type in dereference";
		return;
	}
	if (!ft_target_resolve(w->compile, w->point, e, &target, error)) {
		if (e->is_written)
			e->problem = why_not_written(w, &target);
		return;
	}
	if (w->compile->skip_badvars && e->name && e->name[0] == '$') {
		ft_diag_add(&w->compile->diags, FT_DIAG_WARNING, "badvar", e->at, "'%s' is 0: %s",
			    e->name, error);
		become_number(e, 0);
		return;
	}
	e->problem = ft_arena_copy(w->compile->arena, error, strlen(error));
}

/* @entry(x): x as it was when the function was entered. */
static void check_entry(const struct walker *w, struct ft_expr *e)
{
	const struct ft_point *point = w->point;
	u32 last = point ? point->part_count - 1 : 0;

	if (point && ft_syscall_pattern(point) && ft_syscall_returns(point))
		return;
	if (!point || (strcmp(point->parts[last].name, "return") != 0 &&
		       strcmp(point->parts[last].name, "maxactive") != 0))
		e->problem = "@entry is only valid in .return probes";
}

/* What is known of a condition by now. */
static void fold(struct ft_expr *e)
{
	const struct ft_expr *l = e->left, *r = e->right;
	bool is_and = e->op == FT_TOKEN_LOGICAL_AND;

	if (e->kind == FT_EXPR_UNARY && e->op == FT_TOKEN_NOT && l->kind == FT_EXPR_NUMBER) {
		become_number(e, !l->number);
	} else if (e->kind == FT_EXPR_LOGICAL && l->kind == FT_EXPR_NUMBER) {
		if ((l->number != 0) != is_and)
			become_number(e, !is_and);
		else if (r->kind == FT_EXPR_NUMBER)
			become_number(e, r->number != 0);
	}
}

/* The branch that is taken, where that is known. */
static bool choose(struct walker *w, struct ft_expr *e)
{
	struct ft_expr *taken;

	if (e->kind == FT_EXPR_CHOOSE && is_autocast(e->left)) {
		walk_expr(w, e->left);
		walk_expr(w, e->right);
		if (!w->settles)
			return true;
		taken = e->left->problem ? e->right : e->left;
	} else if (e->kind == FT_EXPR_CHOOSE) {
		taken = is_defined(w, e->left) ? e->left : e->right;
	} else if (e->kind == FT_EXPR_TERNARY) {
		walk_expr(w, e->left);
		if (e->left->kind != FT_EXPR_NUMBER)
			return false;
		taken = e->left->number ? e->right : e->third;
	} else {
		return false;
	}
	walk_expr(w, taken);
	*e = *taken;
	return true;
}

static bool writes_target(const struct ft_expr *e)
{
	return (e->kind == FT_EXPR_ASSIGN || e->kind == FT_EXPR_PRE || e->kind == FT_EXPR_POST) &&
	       e->left->kind == FT_EXPR_TARGET;
}

/* Literals that are put together. What could fail, or be cut, is left for the run. */
static void fold_literals(struct walker *w, struct ft_expr *e)
{
	const struct ft_expr *l = e->left, *r = e->right;

	if (e->op == FT_TOKEN_DOT && l->kind == FT_EXPR_STRING && r->kind == FT_EXPR_STRING &&
	    l->len + r->len < FOLDED_BYTES_MAX) {
		char *text = ft_arena_printf(w->compile->arena, "%s%s", l->text, r->text);

		if (!text || strlen(text) != l->len + r->len)
			return;
		e->kind = FT_EXPR_STRING;
		e->text = text;
		e->len = l->len + r->len;
		e->left = e->right = NULL;
	}
}

static void walk_expr(struct walker *w, struct ft_expr *e)
{
	if (!e)
		return;
	if (e->kind == FT_EXPR_ENTRY && w->is_traced_return)
		*e = *e->left; /* it has but one event, with all that there is to know */
	if (e->kind == FT_EXPR_DEFINED && is_autocast(e->left)) {
		walk_expr(w, e->left);
		if (w->settles)
			become_number(e, !e->left->problem);
		return;
	}
	if (e->kind == FT_EXPR_DEFINED) {
		become_number(e, is_defined(w, e->left));
		return;
	}
	if (choose(w, e))
		return;
	if (writes_target(e) && !w->settles) {
		w->written = e->kind == FT_EXPR_ASSIGN && (e->op == FT_TOKEN_ASSIGN ||
							   e->op == FT_TOKEN_CAT_ASSIGN)
				     ? e->left
				     : NULL;
		e->left->is_written = true;
		walk_expr(w, e->left);
		w->written = NULL;
		e->left->is_written &= !e->left->is_text;
	} else {
		walk_expr(w, e->left);
	}
	if (e->kind == FT_EXPR_LOGICAL && e->left->kind == FT_EXPR_NUMBER &&
	    (e->left->number != 0) != (e->op == FT_TOKEN_LOGICAL_AND)) {
		fold(e); /* the right side is never computed */
		return;
	}
	walk_expr(w, e->right);
	walk_expr(w, e->third);
	for (u32 i = 0; i < e->arg_count; i++)
		walk_expr(w, e->args[i]);
	for (u32 i = 0; i < e->access_count; i++)
		walk_expr(w, e->accesses[i].index);
	if (e->kind == FT_EXPR_TARGET && !w->settles)
		check_target(w, e);
	if (e->kind == FT_EXPR_ENTRY && !w->settles)
		check_entry(w, e);
	fold(e);
	if (e->kind == FT_EXPR_BINARY)
		fold_literals(w, e);
}

static void walk_foreach(struct walker *w, const struct ft_foreach *f)
{
	walk_expr(w, f->limit);
	for (u32 i = 0; f->slice && i < f->slice_count; i++)
		walk_expr(w, f->slice[i]);
}

static void walk_stmt(struct walker *w, struct ft_stmt *s)
{
	if (!s)
		return;
	walk_expr(w, s->init);
	walk_expr(w, s->expr);
	walk_expr(w, s->step);
	if (s->foreach)
		walk_foreach(w, s->foreach);
	if (s->kind == FT_STMT_IF && s->expr->kind == FT_EXPR_NUMBER) {
		u32 taken = s->expr->number ? 0 : 1;

		s->kind = FT_STMT_BLOCK;
		s->expr = NULL;
		if (taken < s->body_count)
			s->body[0] = s->body[taken];
		s->body_count = taken < s->body_count;
	}
	for (u32 i = 0; i < s->body_count; i++)
		walk_stmt(w, s->body[i]);
}

/* "tcp.recvmsg.return" where it is a tracepoint rather than a function's return. */
static bool is_traced_return(const struct ft_handler *h)
{
	const struct ft_point *alias = h->alias;

	return alias && !strcmp(alias->parts[alias->part_count - 1].name, "return") &&
	       !strcmp(h->point->parts[0].name, "kernel") &&
	       !strcmp(h->point->parts[h->point->part_count - 1].name, "trace");
}

static void walk_program(struct walker *w, const struct ft_program *program)
{
	for (u32 i = 0; i < program->handler_count; i++) {
		w->point = program->handlers[i]->point;
		w->is_traced_return = is_traced_return(program->handlers[i]);
		for (u32 k = 0; k < program->handlers[i]->body_count; k++)
			walk_stmt(w, program->handlers[i]->bodies[k]);
	}
	w->point = NULL;
	w->is_traced_return = false;
	for (u32 i = 0; i < program->file->function_count; i++)
		walk_stmt(w, program->file->functions[i]->body);
}

int ft_sema_targets(struct ft_compile *compile, struct ft_program *program)
{
	struct walker w = {.compile = compile};
	u32 errors = compile->diags.errors;

	walk_program(&w, program);
	return ft_arena_failed(compile->arena)	? -ENOMEM
	       : compile->diags.errors > errors ? -EINVAL
						: 0;
}

void ft_sema_settle(struct ft_compile *compile, struct ft_program *program)
{
	struct walker w = {.compile = compile, .settles = true};

	walk_program(&w, program);
}

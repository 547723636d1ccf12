/*
 * symbols.c - names: each becomes a variable, a function of the script, or one of the tapset.
 */
#include <errno.h>
#include <string.h>

#include "scriptlang/sema/sema.h"

struct scope {
	struct ft_compile *compile;
	struct ft_program *program;
	/* Variables of the handler or function at hand. */
	struct ft_var ***vars;
	u32 *var_count;
	bool in_function;
	bool incoming;		     /* the handler runs as the thread that comes to the CPU */
	const struct ft_expr *alone; /* an expression whose value nobody uses */
};

static struct ft_var *find(struct ft_var *const *vars, u32 count, const char *name)
{
	for (u32 i = 0; i < count; i++)
		if (!strcmp(vars[i]->name, name))
			return vars[i];
	return NULL;
}

static struct ft_var *new_var(struct ft_compile *compile, struct ft_var ***vars, u32 *count,
			      const char *name, enum ft_var_scope scope, struct ft_span at)
{
	struct ft_var *var = FT_ARENA_NEW(compile->arena, struct ft_var), **slot;

	slot = var ? FT_ARENA_PUSH(compile->arena, vars, count) : NULL;
	if (!slot)
		return NULL;
	*slot = var;
	*var = (struct ft_var){
		.name = name, .scope = scope, .at = at, .key_count = -1, .number = *count - 1};
	return var;
}

/* The variable of that name, a new local if there is none. */
static struct ft_var *variable(struct scope *s, const char *name, struct ft_span at)
{
	struct ft_var *var = find(*s->vars, *s->var_count, name);

	if (!var)
		var = find(s->program->globals, s->program->global_count, name);
	if (!var)
		var = new_var(s->compile, s->vars, s->var_count, name, FT_VAR_LOCAL, at);
	return var;
}

/* The variable as an array with so many parts of a key. */
static struct ft_var *array(struct scope *s, const char *name, u32 keys, struct ft_span at)
{
	struct ft_var *var = variable(s, name, at);

	if (!var)
		return NULL;
	if (var->scope != FT_VAR_GLOBAL)
		ft_sema_fail(s->compile, at, "identifier",
			     "array locals not supported: missing global declaration for '%s'?",
			     name);
	else if (keys > FT_KEYS_MAX)
		ft_sema_fail(s->compile, at, "identifier", "more than %d parts of a key",
			     FT_KEYS_MAX);
	else if (var->key_count < 0)
		var->key_count = (int)keys;
	else if (var->key_count != (int)keys)
		ft_sema_fail(s->compile, at, "identifier",
			     "inconsistent arity (%u vs %d) for array '%s'", keys, var->key_count,
			     name);
	return var;
}

static void resolve_expr(struct scope *s, struct ft_expr *e);

static void resolve_list(struct scope *s, struct ft_expr *const *list, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (list[i])
			resolve_expr(s, list[i]);
}

static struct ft_function *find_function(const struct ft_program *program, const char *name)
{
	for (u32 i = 0; i < program->file->function_count; i++)
		if (!strcmp(program->file->functions[i]->name, name))
			return program->file->functions[i];
	return NULL;
}

/* The first of the overloads with that number of parameters. */
static struct ft_function *with_params(struct ft_function *f, u32 count)
{
	while (f && f->param_count != count)
		f = f->next_overload;
	return f;
}

/* flamegraph(ARRAY) says which array --flame is to write; it does nothing else. */
static void resolve_flame(struct scope *s, struct ft_expr *e)
{
	struct ft_expr *arg = e->arg_count == 1 ? e->args[0] : NULL;
	enum ft_stat_op stat = FT_STAT_COUNT;
	struct ft_var *var;

	if (arg && arg->kind == FT_EXPR_STAT) {
		stat = arg->stat;
		arg = arg->left;
	}
	var = arg && arg->kind == FT_EXPR_NAME
		      ? find(s->program->globals, s->program->global_count, arg->name)
		      : NULL;
	if (!var) {
		ft_sema_fail(s->compile, e->at, "identifier",
			     "flamegraph() takes the name of a global array, or @sum and its kin "
			     "of one");
		return;
	}
	var->read = true;
	s->program->flame = var;
	s->program->flame_stat = stat;
	e->kind = FT_EXPR_NUMBER;
	e->number = 0;
	e->arg_count = 0;
}

/*
 * The thread that comes is not the current one yet: its stack is the one it left its CPU with
 * (tapset/scheduler_*_stacks.stp).
 */
static const char *function_name(const struct scope *s, const char *name)
{
	static const char *const table[][2] = {{"ubacktrace", "__incoming_ubacktrace"},
					       {"backtrace", "__incoming_backtrace"}};

	for (size_t i = 0; s->incoming && i < FT_ARRAY_LEN(table); i++)
		if (!strcmp(name, table[i][0]))
			return table[i][1];
	return name;
}

/* What changes the system is for -g; the tapset may name it, since it need not be called. */
static void want_guru(struct scope *s, const struct ft_expr *e, bool is_for_gurus)
{
	if (is_for_gurus && !s->compile->guru && !(e->at.source && e->at.source->is_tapset))
		ft_sema_fail(s->compile, e->at, "identifier",
			     "function may not be used unless -g is specified");
}

/* Registers by their numbers in DWARF: the psABIs of x86-64 and AArch64. */
static const char *register_name(struct scope *s, s64 number)
{
#ifdef __x86_64__
	static const char *const names[] = {"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp"};

	if (number >= 0 && number < (s64)FT_ARRAY_LEN(names))
		return names[number];
	if (number == 16)
		return "rip";
	return number < 0 || number > 16 ? NULL
					 : ft_arena_printf(s->compile->arena, "r%d", (int)number);
#else
	if (number == 31)
		return "sp";
	return number < 0 || number > 31 ? NULL
					 : ft_arena_printf(s->compile->arena, "x%d", (int)number);
#endif
}

/* @kderef(bytes, address), @uregister(number) and their like are functions of the tapset. */
static void name_raw(struct scope *s, struct ft_expr *e)
{
	static const char *const readers[][2] = {{"__kernel_uint8", "user_uint8"},
						 {"__kernel_uint16", "user_uint16"},
						 {"__kernel_uint32", "user_uint32"},
						 {"kernel_long", "user_uint64"}};
	bool in_user = e->name[1] == 'u', is_register = e->name[2] == 'r';
	const struct ft_expr *first = e->arg_count ? e->args[0] : NULL;
	s64 number = first && first->kind == FT_EXPR_NUMBER ? first->number : -1;
	const char *name = is_register ? register_name(s, number) : NULL;

	if (is_register && e->arg_count == 1 && name) {
		e->name = in_user ? "u_register" : "register";
		e->args[0]->kind = FT_EXPR_STRING;
		e->args[0]->text = name;
		e->args[0]->len = (u32)strlen(name);
	} else if (!is_register && e->arg_count == 2 && number > 0 && number <= 8 &&
		   !(number & (number - 1))) {
		e->name = readers[__builtin_ctzll((u64)number)][in_user];
		e->args[0] = e->args[1];
		e->arg_count = 1;
	}
}

static void resolve_call(struct scope *s, struct ft_expr *e)
{
	struct ft_function *f;

	if (e->name[0] == '@')
		name_raw(s, e);
	f = find_function(s->program, function_name(s, e->name));
	if (!f && !strcmp(e->name, "flamegraph")) {
		resolve_flame(s, e);
		return;
	}
	resolve_list(s, e->args, e->arg_count);
	want_guru(s, e, f && f->at.source && f->at.source->is_tapset && !strcmp(f->name, "raise"));
	/* One of that name may be built in, for another number of arguments. */
	e->builtin = ft_tapset_find(s->compile->arena, e->name, e->arg_count);
	if (f) {
		e->function = with_params(f, e->arg_count);
		if (e->builtin && (e->function || e->builtin->arg_count != e->arg_count))
			e->builtin = NULL;
		if (!e->function && !e->builtin)
			ft_sema_fail(
				s->compile, e->at, "identifier",
				"unresolved function %s: arity mismatch, it takes %u arguments",
				e->name, f->param_count);
		if (!e->builtin)
			return;
	}
	want_guru(s, e, e->builtin && e->builtin->guru);
	if (!e->builtin)
		ft_sema_fail(s->compile, e->at, "identifier", "unresolved function '%s'", e->name);
	else if (e->builtin->arg_count != e->arg_count)
		ft_sema_fail(s->compile, e->at, "identifier",
			     "unresolved function %s: arity mismatch, it takes %u arguments",
			     e->name, e->builtin->arg_count);
}

static bool is_lvalue(const struct ft_expr *e)
{
	return e->kind == FT_EXPR_NAME || e->kind == FT_EXPR_TARGET ||
	       (e->kind == FT_EXPR_INDEX && !memchr(e->any, true, e->arg_count));
}

/*
 * What is written to, by how. Adding to a variable is not reading it, as long as nobody uses the
 * result: what is only counted is printed at the end.
 */
static void resolve_written(struct scope *s, struct ft_expr *e, const struct ft_expr *how)
{
	if (!is_lvalue(e)) {
		ft_sema_fail(s->compile, e->at, NULL, "this cannot be assigned to");
		resolve_expr(s, e);
		return;
	}
	if (e->kind == FT_EXPR_TARGET) {
		resolve_expr(s, e);
		return;
	}
	resolve_list(s, e->args, e->arg_count);
	e->var = e->kind == FT_EXPR_INDEX ? array(s, e->name, e->arg_count, e->at)
					  : variable(s, e->name, e->at);
	if (!e->var)
		return;
	e->var->written = true;
	if (how != s->alone && (how->kind != FT_EXPR_ASSIGN || how->op != FT_TOKEN_ASSIGN))
		e->var->read = true;
}

/* NULL is 0, unless the script has a variable of that name. */
static bool is_null(const struct scope *s, const struct ft_expr *e)
{
	return !strcmp(e->name, "NULL") && !find(*s->vars, *s->var_count, e->name) &&
	       !find(s->program->globals, s->program->global_count, e->name);
}

static void resolve_expr(struct scope *s, struct ft_expr *e)
{
	if (e->address_of && e->kind != FT_EXPR_TARGET)
		ft_sema_fail(s->compile, e->at, "operator",
			     "only target variables have an address that '&' gives");
	switch (e->kind) {
	case FT_EXPR_NAME:
		if (is_null(s, e)) {
			e->kind = FT_EXPR_NUMBER;
			return;
		}
		e->var = variable(s, e->name, e->at);
		break;
	case FT_EXPR_INDEX:
	case FT_EXPR_IN:
		resolve_list(s, e->args, e->arg_count);
		e->var = array(s, e->name, e->arg_count, e->at);
		break;
	case FT_EXPR_CALL:
		resolve_call(s, e);
		return;
	case FT_EXPR_TARGET:
		for (u32 i = 0; i < e->access_count; i++)
			if (e->accesses[i].index)
				resolve_expr(s, e->accesses[i].index);
		resolve_list(s, e->args, e->arg_count);
		break;
	case FT_EXPR_PRINT:
	case FT_EXPR_HIST_AT:
		resolve_list(s, e->args, e->arg_count);
		break;
	default:
		break;
	}
	if (e->left &&
	    (e->kind == FT_EXPR_ASSIGN || e->kind == FT_EXPR_PRE || e->kind == FT_EXPR_POST))
		resolve_written(s, e->left, e);
	else if (e->left)
		resolve_expr(s, e->left);
	if (e->right)
		resolve_expr(s, e->right);
	if (e->third)
		resolve_expr(s, e->third);
	if (e->var)
		e->var->read = true;
}

static void resolve_foreach(struct scope *s, struct ft_foreach *f)
{
	for (u32 i = 0; i < f->key_count; i++) {
		resolve_expr(s, f->keys[i]);
		if (f->keys[i]->var)
			f->keys[i]->var->written = true;
	}
	if (f->value)
		resolve_expr(s, f->value);
	if (f->value && f->value->var)
		f->value->var->written = true;
	if (f->slice)
		resolve_list(s, f->slice, f->slice_count);
	if (f->slice && f->slice_count != f->key_count)
		ft_sema_fail(s->compile, f->base->at, "identifier",
			     "inconsistent arity (%u vs %u) of the slice of '%s'", f->slice_count,
			     f->key_count, f->base->name);
	if (f->limit)
		resolve_expr(s, f->limit);
	if (f->base->kind == FT_EXPR_HIST) {
		resolve_expr(s, f->base);
		if (f->key_count != 1)
			ft_sema_fail(s->compile, f->base->at, "operator",
				     "a histogram has buckets of one number");
		return;
	}
	f->base->var = array(s, f->base->name, f->key_count, f->base->at);
	if (f->base->var)
		f->base->var->read = true;
}

static void resolve_delete(struct scope *s, struct ft_expr *e)
{
	if (e->kind != FT_EXPR_NAME && e->kind != FT_EXPR_INDEX) {
		ft_sema_fail(s->compile, e->at, NULL, "this cannot be deleted");
		return;
	}
	resolve_list(s, e->args, e->arg_count);
	e->var = e->kind == FT_EXPR_INDEX ? array(s, e->name, e->arg_count, e->at)
					  : variable(s, e->name, e->at);
	if (e->var && e->var->scope != FT_VAR_GLOBAL)
		ft_sema_fail(s->compile, e->at, "identifier",
			     "unresolved array in delete statement: '%s' is no global", e->name);
	else if (e->var)
		e->var->written = true;
}

static void resolve_stmt(struct scope *s, struct ft_stmt *stmt)
{
	if (stmt->init) {
		s->alone = stmt->init;
		resolve_expr(s, stmt->init);
	}
	s->alone = stmt->kind == FT_STMT_EXPR ? stmt->expr : NULL;
	if (stmt->kind == FT_STMT_DELETE)
		resolve_delete(s, stmt->expr);
	else if (stmt->expr)
		resolve_expr(s, stmt->expr);
	if (stmt->step) {
		s->alone = stmt->step;
		resolve_expr(s, stmt->step);
	}
	s->alone = NULL;
	if (stmt->caught) {
		resolve_expr(s, stmt->caught);
		if (stmt->caught->var)
			stmt->caught->var->written = true;
	}
	if (stmt->foreach)
		resolve_foreach(s, stmt->foreach);
	for (u32 i = 0; i < stmt->body_count; i++)
		resolve_stmt(s, stmt->body[i]);
}

static void declare_globals(struct ft_compile *compile, struct ft_program *program)
{
	for (u32 i = 0; i < program->file->global_count; i++) {
		const struct ft_global *g = program->file->globals[i];
		struct ft_var *var = new_var(compile, &program->globals, &program->global_count,
					     g->name, FT_VAR_GLOBAL, g->at);

		if (!var)
			return;
		var->global = g;
		if (g->init)
			var->key_count = 0;
	}
}

/* Overloads of a name, in the order of the script. */
static void link_overloads(const struct ft_file *file)
{
	for (u32 i = 0; i < file->function_count; i++) {
		struct ft_function *f = file->functions[i];

		for (u32 k = i + 1; k < file->function_count; k++) {
			if (strcmp(file->functions[k]->name, f->name) != 0)
				continue;
			f->next_overload = file->functions[k];
			break;
		}
	}
}

static void resolve_function(struct ft_compile *compile, struct ft_program *program,
			     struct ft_function *f)
{
	struct scope s = {.compile = compile,
			  .program = program,
			  .vars = &f->vars,
			  .var_count = &f->var_count,
			  .in_function = true};

	for (u32 i = 0; i < f->param_count; i++) {
		struct ft_param *p = &f->params[i];

		p->var = new_var(compile, &f->vars, &f->var_count, p->name, FT_VAR_PARAM, p->at);
		if (!p->var)
			return;
		p->var->type = p->declared;
		p->var->key_count = 0;
		p->var->written = true;
	}
	f->type = f->declared;
	resolve_stmt(&s, f->body);
}

int ft_sema_symbols(struct ft_compile *compile, struct ft_program *program)
{
	u32 errors = compile->diags.errors;

	declare_globals(compile, program);
	link_overloads(program->file);
	for (u32 i = 0; i < program->file->function_count; i++)
		resolve_function(compile, program, program->file->functions[i]);
	for (u32 i = 0; i < program->handler_count; i++) {
		struct ft_handler *h = program->handlers[i];
		struct scope s = {.compile = compile,
				  .program = program,
				  .vars = &h->vars,
				  .var_count = &h->var_count,
				  .incoming = ft_point_is_incoming(h->point)};

		if (h->condition) {
			resolve_expr(&s, h->condition);
			for (u32 k = 0; k < h->var_count; k++)
				ft_sema_fail(
					compile, h->condition->at, "identifier",
					"the condition of a probe point is of global variables; "
					"'%s' is none",
					h->vars[k]->name);
		}
		for (u32 k = 0; k < h->body_count; k++)
			resolve_stmt(&s, h->bodies[k]);
	}
	return ft_arena_failed(compile->arena)	? -ENOMEM
	       : compile->diags.errors > errors ? -EINVAL
						: 0;
}

/*
 * entries.c - @entry(x), and variables of a function in its return probe: what they were when the
 * function was entered.
 *
 * A hidden handler at the entry keeps the value in a hidden array, by thread and frame; the return
 * probe takes it out before anything else. A frame is told by its address, which no two calls that
 * are under way in a thread share but by a jump into another function at the end of one; therefore
 * the number of the handler and of its place are in it. A value that is never fetched, after
 * longjmp(), is overwritten by the next call at that depth. Those of threads that died on the way
 * stay, and make room when the array is full (BPF_MAP_TYPE_LRU_HASH).
 *
 * The same is done for what debug information only knows as "what the register had at the
 * function's entry" (DW_OP_entry_value) at a place further on: the entry's handler keeps registers,
 * one for all handlers of that function, and calls that began before the script did are told from
 * others.
 *
 * System calls do not nest, and functions of the kernel hardly do: for them the thread and the
 * handler are the key. Their arguments are there at the end, too, and need not be kept.
 */
#include <errno.h>
#include <string.h>

#include "scriptlang/sema/functions.h"
#include "scriptlang/sema/target.h"
#include "scriptlang/syscalls/syscalls.h"
#include "scriptlang/user/user_point.h"

#define CALLS_MAX 16384 /* under way at a time */

struct entries {
	struct ft_compile *compile;
	struct ft_program *program;
	struct ft_handler *handler;   /* at the return */
	u32 number;		      /* of the handler */
	struct ft_stmt *save, *fetch; /* blocks; NULL: nothing is asked for */
	u32 count;		      /* values */
	struct ft_point *entry;
};

static struct ft_expr *new_expr(struct entries *w, enum ft_expr_kind kind, struct ft_span at)
{
	struct ft_expr *e = FT_ARENA_NEW(w->compile->arena, struct ft_expr);

	if (e) {
		e->kind = kind;
		e->at = at;
	}
	return e;
}

static struct ft_expr *push_arg(struct entries *w, struct ft_expr *e, struct ft_expr *arg)
{
	struct ft_expr **slot =
		arg ? FT_ARENA_PUSH(w->compile->arena, &e->args, &e->arg_count) : NULL;

	if (slot)
		*slot = arg;
	return arg;
}

/* array[tid(), frame], as a point sees it */
static struct ft_expr *element(struct entries *w, const char *array, const struct ft_point *point,
			       struct ft_span at)
{
	struct ft_expr *e = new_expr(w, FT_EXPR_INDEX, at), *tid, *frame;
	/* A trampoline is where the stack pointer of the kernel points to then. */
	bool has_frame = point->user && !point->user->in_kernel;
	enum ft_expr_kind kind = has_frame ? FT_EXPR_TARGET : FT_EXPR_NUMBER;

	tid = new_expr(w, FT_EXPR_CALL, at);
	frame = new_expr(w, kind, at);
	if (!e || !push_arg(w, e, tid) || !push_arg(w, e, frame))
		return NULL;
	e->any = ft_arena_alloc(w->compile->arena, 2, sizeof(*e->any));
	if (!e->any)
		return NULL;
	e->name = array;
	tid->name = "tid";
	frame->name = has_frame ? FT_USER_FRAME : NULL;
	frame->number = w->number;
	frame->user = has_frame ? point->user : NULL;
	return e;
}

static struct ft_stmt *new_stmt(struct entries *w, enum ft_stmt_kind kind, struct ft_expr *e,
				struct ft_span at)
{
	struct ft_stmt *s = e ? FT_ARENA_NEW(w->compile->arena, struct ft_stmt) : NULL;

	if (s) {
		s->kind = kind;
		s->expr = e;
		s->at = at;
	}
	return s;
}

static void push_stmt(struct entries *w, struct ft_stmt *block, struct ft_stmt *s)
{
	struct ft_stmt **slot =
		s ? FT_ARENA_PUSH(w->compile->arena, &block->body, &block->body_count) : NULL;

	if (slot)
		*slot = s;
}

static struct ft_expr *assignment(struct entries *w, struct ft_expr *left, struct ft_expr *right)
{
	struct ft_expr *e = left && right ? new_expr(w, FT_EXPR_ASSIGN, right->at) : NULL;

	if (e) {
		e->op = FT_TOKEN_ASSIGN;
		e->left = left;
		e->right = right;
	}
	return e;
}

/* The same point without its return. */
static struct ft_point *entry_of(struct entries *w, const struct ft_point *point)
{
	struct ft_point *entry = FT_ARENA_NEW(w->compile->arena, struct ft_point);

	if (!entry)
		return NULL;
	*entry = *point;
	if (point->life) {
		struct ft_user_life *life = FT_ARENA_NEW(w->compile->arena, struct ft_user_life);

		if (!life)
			return NULL;
		*life = *point->life;
		life->event = "sys_enter";
		entry->life = life;
	} else if (ft_syscall_pattern(point)) {
		return ft_point_of_event(w->compile, point, "sys_enter");
	}
	if (point->user)
		entry->user = ft_user_entry(w->compile, point->user);
	for (u32 i = 0; i < point->part_count; i++)
		if (!strcmp(point->parts[i].name, "return"))
			entry->part_count = i;
	return entry->user || !point->user ? entry : NULL;
}

static bool begin(struct entries *w, struct ft_span at)
{
	if (w->save)
		return true;
	w->entry = entry_of(w, w->handler->point);
	w->save = FT_ARENA_NEW(w->compile->arena, struct ft_stmt);
	w->fetch = FT_ARENA_NEW(w->compile->arena, struct ft_stmt);
	if (!w->entry || !w->save || !w->fetch)
		return false;
	w->save->kind = w->fetch->kind = FT_STMT_BLOCK;
	w->save->at = w->fetch->at = at;
	return true;
}

static bool is_same_expr(const struct ft_expr *a, const struct ft_expr *b);

/* Target variables of the value are those of the entry. */
static void move_to_entry(struct entries *w, struct ft_expr *e)
{
	char error[200];
	struct ft_target target;

	if (!e)
		return;
	move_to_entry(w, e->left);
	move_to_entry(w, e->right);
	move_to_entry(w, e->third);
	for (u32 i = 0; i < e->arg_count; i++)
		move_to_entry(w, e->args[i]);
	for (u32 i = 0; i < e->access_count; i++)
		move_to_entry(w, e->accesses[i].index);
	if (e->kind != FT_EXPR_TARGET || (e->left && !e->target_type))
		return;
	e->user = w->entry->user;
	e->problem = NULL;
	if (ft_target_resolve(w->compile, w->entry, e, &target, error))
		e->problem = ft_arena_copy(w->compile->arena, error, strlen(error));
}

static struct ft_expr *local(struct entries *w, const char *name, struct ft_span at)
{
	struct ft_expr *e = new_expr(w, FT_EXPR_NAME, at);

	if (e)
		e->name = name;
	return e;
}

static const char *add_array(struct entries *w, const char *name, struct ft_span at)
{
	struct ft_global *global = FT_ARENA_NEW(w->compile->arena, struct ft_global), **slot;

	slot = global && name ? FT_ARENA_PUSH(w->compile->arena, &w->program->file->globals,
					      &w->program->file->global_count)
			      : NULL;
	if (!slot)
		return NULL;
	*global = (struct ft_global){.name = name, .limit = CALLS_MAX, .forgets = true, .at = at};
	*slot = global;
	return name;
}

/* The value as a local of the return probe. An expression that was met before is its local. */
static void keep(struct entries *w, struct ft_expr *e, const struct ft_expr *value)
{
	struct ft_arena *arena = w->compile->arena;
	struct ft_expr *copy = ft_expr_copy(arena, value);
	const char *array, *name;

	if (!copy || !begin(w, e->at))
		return;
	for (u32 i = 0; i < w->save->body_count; i++)
		if (is_same_expr(w->save->body[i]->expr->right, value)) {
			*e = *local(w, w->fetch->body[2 * i]->expr->left->name, e->at);
			return;
		}
	array = add_array(w, ft_arena_printf(arena, "__entry_%u_%u", w->number, w->count), e->at);
	name = ft_arena_printf(arena, "__at_entry_%u", w->count++);
	if (!array || !name)
		return;
	move_to_entry(w, copy);
	push_stmt(w, w->save,
		  new_stmt(w, FT_STMT_EXPR, assignment(w, element(w, array, w->entry, e->at), copy),
			   e->at));
	push_stmt(w, w->fetch,
		  new_stmt(w, FT_STMT_EXPR,
			   assignment(w, local(w, name, e->at),
				      element(w, array, w->handler->point, e->at)),
			   e->at));
	push_stmt(w, w->fetch,
		  new_stmt(w, FT_STMT_DELETE, element(w, array, w->handler->point, e->at), e->at));
	if (!ft_arena_failed(arena))
		*e = *local(w, name, e->at);
}

static bool is_same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

/* Whether two expressions are the same target variable. */
static bool is_same_expr(const struct ft_expr *a, const struct ft_expr *b)
{
	if (a->kind != FT_EXPR_TARGET || b->kind != FT_EXPR_TARGET || a->left || b->left ||
	    a->access_count != b->access_count || a->pretty != b->pretty ||
	    a->address_of != b->address_of || !is_same_text(a->name, b->name) ||
	    !is_same_text(a->target_type, b->target_type))
		return false;
	for (u32 i = 0; i < a->access_count; i++) {
		const struct ft_expr *left = a->accesses[i].index, *right = b->accesses[i].index;

		if (!is_same_text(a->accesses[i].member, b->accesses[i].member) || !left != !right)
			return false;
		if (left && (left->kind != FT_EXPR_NUMBER || right->kind != FT_EXPR_NUMBER ||
			     left->number != right->number))
			return false;
	}
	return true;
}

/*
 * @var in a return probe: a variable of the function is as it was at the entry, a global as it is
 * now. Before SystemTap 4.1 these were kept, too.
 */
static bool is_kept_var(struct entries *w, const struct ft_expr *e)
{
	struct ft_target target;

	if (!w->handler->point->user || e->kind != FT_EXPR_TARGET || e->left || !e->target_type ||
	    e->problem || e->address_of ||
	    ft_target_resolve(w->compile, w->handler->point, e, &target, NULL))
		return false;
	if (target.is_local || !ft_compatible_before(w->compile, "4.1"))
		return target.is_local;
	ft_diag_add(&w->compile->diags, FT_DIAG_WARNING, "kept-var", e->at,
		    "confusing usage, consider @entry(@var(\"%s\", \"%s\")) in .return probe",
		    e->target_type,
		    e->target_module ? e->target_module
				     : w->handler->point->user->sites[0].file->shown)
		->word = "operator";
	return true;
}

static void walk_expr(struct entries *w, struct ft_expr *e)
{
	if (!e)
		return;
	if (e->kind == FT_EXPR_ENTRY) {
		keep(w, e, e->left);
		return;
	}
	walk_expr(w, e->left);
	walk_expr(w, e->right);
	walk_expr(w, e->third);
	for (u32 i = 0; i < e->arg_count; i++)
		walk_expr(w, e->args[i]);
	if (is_kept_var(w, e)) {
		keep(w, e, e);
		return;
	}
	/* A variable that lives until the return; with its own indexes, which are the entry's. */
	if (w->handler->point->user && e->kind == FT_EXPR_TARGET && !e->left && !e->target_type &&
	    !e->problem && e->name[0] == '$' && strcmp(e->name, "$return") != 0) {
		keep(w, e, e);
		return;
	}
	for (u32 i = 0; i < e->access_count; i++)
		walk_expr(w, e->accesses[i].index);
}

static void walk_stmt(struct entries *w, struct ft_stmt *s)
{
	if (!s)
		return;
	walk_expr(w, s->init);
	walk_expr(w, s->expr);
	walk_expr(w, s->step);
	if (s->foreach)
		walk_expr(w, s->foreach->limit);
	for (u32 i = 0; i < s->body_count; i++)
		walk_stmt(w, s->body[i]);
}

/* ---- registers as they were at the entry, for places further on ---- */

/* A function whose entry keeps some. */
struct call {
	const struct ft_user_probe *user; /* at the entry */
	u32 number;			  /* of the handler that asked first */
	struct ft_handler *handler;	  /* at the entry */
	u32 words[FT_TARGET_KEPT_MAX];
	const char *arrays[FT_TARGET_KEPT_MAX];
	u32 count;
};

/* What a handler at such a place has fetched. */
struct keeper {
	struct entries w;
	struct call **calls; /* of all handlers */
	u32 *call_count;
	struct call *call; /* this handler's; NULL: nothing is asked for yet */
	const char *values[FT_TARGET_KEPT_MAX], *known[FT_TARGET_KEPT_MAX]; /* locals, by word */
};

static struct ft_handler *add_handler(struct entries *w, const struct ft_point *point,
				      struct ft_stmt *body)
{
	struct ft_handler *h = FT_ARENA_NEW(w->compile->arena, struct ft_handler), **slot;

	slot = h ? FT_ARENA_PUSH(w->compile->arena, &w->program->handlers,
				 &w->program->handler_count)
		 : NULL;
	if (!slot)
		return NULL;
	*slot = h;
	h->point = point;
	h->written = w->handler->written;
	h->at = w->handler->at;
	h->bodies = ft_arena_alloc(w->compile->arena, 1, sizeof(struct ft_stmt *));
	if (h->bodies) {
		h->bodies[0] = body;
		h->body_count = 1;
	}
	return h->bodies ? h : NULL;
}

static bool is_same_call(const struct ft_user_probe *a, const struct ft_user_probe *b)
{
	return a->sites[0].file->inode == b->sites[0].file->inode &&
	       a->sites[0].function == b->sites[0].function && a->pid == b->pid &&
	       a->program == b->program && a->set == b->set;
}

/* The call that a handler's place is in; its entry's handler is made when it is new. */
static struct call *call_of(struct keeper *k)
{
	struct entries *w = &k->w;
	const struct ft_user_probe *user = ft_user_beginning(w->compile, w->handler->point->user);
	struct ft_point *point = FT_ARENA_NEW(w->compile->arena, struct ft_point);
	struct ft_stmt *body = FT_ARENA_NEW(w->compile->arena, struct ft_stmt);
	struct call *call;

	if (!user || !point || !body)
		return NULL;
	for (u32 i = 0; i < *k->call_count; i++)
		if (is_same_call((*k->calls)[i].user, user))
			return &(*k->calls)[i];
	call = FT_ARENA_PUSH(w->compile->arena, k->calls, k->call_count);
	if (!call)
		return NULL;
	*point = *w->handler->point;
	point->user = user;
	body->kind = FT_STMT_BLOCK;
	body->at = w->handler->at;
	*call = (struct call){.user = user, .number = w->number};
	call->handler = add_handler(w, point, body);
	if (!call->handler)
		return NULL;
	call->handler->keeps = true;
	return call;
}

/* The array that has a register of calls, which the entry's handler fills; NULL without memory. */
static const char *array_of(struct keeper *k, u32 word, struct ft_span at)
{
	struct entries *w = &k->w;
	struct call *call = k->call;
	struct ft_expr *value = new_expr(w, FT_EXPR_TARGET, at);
	const char *array;

	for (u32 i = 0; i < call->count; i++)
		if (call->words[i] == word)
			return call->arrays[i];
	array = add_array(
		w, ft_arena_printf(w->compile->arena, "__begun_%u_%u", call->number, word), at);
	if (!array || !value || call->count == FT_TARGET_KEPT_MAX)
		return NULL;
	value->name = FT_USER_WORD;
	value->number = word;
	value->user = call->user;
	push_stmt(w, call->handler->bodies[0],
		  new_stmt(w, FT_STMT_EXPR,
			   assignment(w, element(w, array, call->handler->point, at), value), at));
	call->words[call->count] = word;
	call->arrays[call->count++] = array;
	return array;
}

/* A local that is set before all else in the handler. */
static const char *fetch(struct entries *w, const char *name, struct ft_expr *value)
{
	if (name && value)
		push_stmt(w, w->fetch,
			  new_stmt(w, FT_STMT_EXPR, assignment(w, local(w, name, value->at), value),
				   value->at));
	return name;
}

/* The locals that have a register at the entry, and whether it is known. */
static bool fetch_word(struct keeper *k, u32 word, struct ft_span at, const char **value,
		       const char **known)
{
	const struct ft_point *point = k->w.handler->point;
	const char *array;
	struct ft_expr *has;
	u32 number = 0;

	k->w.number = k->call->number;
	array = array_of(k, word, at);
	if (!array)
		return false;
	while (k->call->words[number] != word)
		number++;
	if (!k->values[number]) {
		has = element(&k->w, array, point, at);
		if (!has)
			return false;
		has->kind = FT_EXPR_IN;
		k->known[number] = fetch(
			&k->w, ft_arena_printf(k->w.compile->arena, "__is_begun_%u", word), has);
		k->values[number] =
			fetch(&k->w, ft_arena_printf(k->w.compile->arena, "__begun_%u", word),
			      element(&k->w, array, point, at));
	}
	*value = k->values[number];
	*known = k->known[number];
	return *value && *known;
}

static void keep_words(struct keeper *k, struct ft_expr *e)
{
	struct entries *w = &k->w;
	struct ft_target target;

	if (e->problem || ft_target_resolve(w->compile, w->handler->point, e, &target, NULL) ||
	    !target.kept_count)
		return;
	if (!w->fetch) {
		w->fetch = FT_ARENA_NEW(w->compile->arena, struct ft_stmt);
		k->call = w->fetch ? call_of(k) : NULL;
		if (!w->fetch)
			return;
		w->fetch->kind = FT_STMT_BLOCK;
		w->fetch->at = e->at;
	}
	if (!k->call) {
		e->problem = "it is optimized out here: only its value at the entry of the "
			     "function is known, and nothing tells where that is";
		return;
	}
	for (u32 i = 0; i < target.kept_count; i++) {
		const char *value, *known;

		if (!fetch_word(k, target.kept[i], e->at, &value, &known) ||
		    !push_arg(w, e, local(w, value, e->at)) ||
		    !push_arg(w, e, local(w, known, e->at)))
			return;
	}
}

static void keep_in_expr(struct keeper *k, struct ft_expr *e)
{
	if (!e)
		return;
	keep_in_expr(k, e->left);
	keep_in_expr(k, e->right);
	keep_in_expr(k, e->third);
	for (u32 i = 0; i < e->arg_count; i++)
		keep_in_expr(k, e->args[i]);
	for (u32 i = 0; i < e->access_count; i++)
		keep_in_expr(k, e->accesses[i].index);
	if (e->kind == FT_EXPR_TARGET && (!e->left || e->target_type) && !e->arg_count)
		keep_words(k, e);
}

static void keep_in_stmt(struct keeper *k, struct ft_stmt *s)
{
	if (!s)
		return;
	keep_in_expr(k, s->init);
	keep_in_expr(k, s->expr);
	keep_in_expr(k, s->step);
	if (s->foreach)
		keep_in_expr(k, s->foreach->limit);
	for (u32 i = 0; i < s->body_count; i++)
		keep_in_stmt(k, s->body[i]);
}

static bool prepend(struct entries *w, struct ft_stmt *block)
{
	struct ft_handler *h = w->handler;
	struct ft_stmt **bodies = ft_arena_alloc(w->compile->arena, (size_t)h->body_count + 1,
						 sizeof(struct ft_stmt *));

	if (!bodies)
		return false;
	bodies[0] = block;
	memcpy(bodies + 1, h->bodies, h->body_count * sizeof(struct ft_stmt *));
	h->bodies = bodies;
	h->body_count++;
	return true;
}

static void keep_for_place(const struct entries *w, struct call **calls, u32 *call_count)
{
	struct keeper k = {.w = *w, .calls = calls, .call_count = call_count};

	for (u32 i = 0; i < w->handler->body_count; i++)
		keep_in_stmt(&k, w->handler->bodies[i]);
	if (k.w.fetch)
		prepend(&k.w, k.w.fetch);
}

/* Puts the blocks where they belong. */
static void finish(struct entries *w)
{
	struct ft_handler *h =
		w->save && prepend(w, w->fetch) ? add_handler(w, w->entry, w->save) : NULL;

	if (h)
		h->keeps = true;
}

/* Whether a point is where something returns. */
static bool is_at_end(const struct ft_point *point)
{
	if (point->user)
		return point->user->at_return;
	return (ft_syscall_pattern(point) && ft_syscall_returns(point)) ||
	       (ft_function_is_point(point) && ft_function_returns(point));
}

int ft_sema_entries(struct ft_compile *compile, struct ft_program *program)
{
	u32 count = program->handler_count, call_count = 0;
	struct call *calls = NULL;

	for (u32 i = 0; i < count; i++) {
		struct entries w = {.compile = compile,
				    .program = program,
				    .handler = program->handlers[i],
				    .number = i};

		if (!is_at_end(w.handler->point)) {
			if (w.handler->point->user && w.handler->point->user->site_count == 1)
				keep_for_place(&w, &calls, &call_count);
			continue;
		}
		for (u32 k = 0; k < w.handler->body_count; k++)
			walk_stmt(&w, w.handler->bodies[k]);
		finish(&w);
	}
	return ft_arena_failed(compile->arena) ? -ENOMEM : 0;
}

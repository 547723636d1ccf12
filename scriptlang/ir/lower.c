/* lower.c - handlers, functions and statements become operations; see ir.h. */
#include "scriptlang/ir/lower.h"

#include <errno.h>
#include <string.h>

#define ACTIONS_FACTOR 10 /* begin, end and error handlers may do so many times more */

/* Points of the script's own life. */
static bool is_of_life(const struct ft_point *point)
{
	static const char *const names[] = {"begin", "end", "error", "never"};

	for (size_t i = 0; i < FT_ARRAY_LEN(names); i++)
		if (!strcmp(point->parts[0].name, names[i]))
			return true;
	return false;
}

u32 ft_actions_factor(const struct ft_point *point)
{
	return is_of_life(point) ? ACTIONS_FACTOR : 1;
}

bool ft_point_is_incoming(const struct ft_point *point)
{
	return !strcmp(point->parts[point->part_count - 1].name, "incoming");
}

bool ft_point_is_served(const struct ft_point *point)
{
	return !strcmp(point->parts[0].name, "procfs") || !strcmp(point->parts[0].name, "input");
}

bool ft_point_is_kernel(const struct ft_point *point)
{
	if (is_of_life(point))
		return false;
	if (ft_point_is_served(point))
		return false;
	return strcmp(point->parts[0].name, "timer") != 0 ||
	       !strcmp(point->parts[1].name, "profile");
}

/* ---- building ---- */

u32 ft_lower_block(struct ft_lower *l)
{
	struct ft_ir_block *b =
		FT_ARENA_PUSH(l->compile->arena, &l->ir->blocks, &l->ir->block_count);

	if (!b)
		return 0;
	b->catch = FT_IR_NONE;
	return l->ir->block_count - 1;
}

void ft_lower_start(struct ft_lower *l, u32 block)
{
	l->block = block;
	if (block >= l->ir->block_count)
		return;
	l->ir->blocks[block].catch = l->catch;
	l->ir->blocks[block].levels = l->levels;
}

u32 ft_lower_reg(struct ft_lower *l, enum ft_type type)
{
	struct ft_ir_reg *reg = FT_ARENA_PUSH(l->compile->arena, &l->ir->regs, &l->ir->reg_count);

	if (!reg)
		return 0;
	reg->type = type == FT_TYPE_STRING ? FT_TYPE_STRING : FT_TYPE_LONG;
	return l->ir->reg_count - 1;
}

struct ft_ir_op *ft_lower_op(struct ft_lower *l, enum ft_ir_kind kind, const struct ft_expr *expr)
{
	static const struct ft_ir_op blank = {
		.dst = FT_IR_NONE,
		.a = FT_IR_NONE,
		.b = FT_IR_NONE,
		.then = FT_IR_NONE,
		.other = FT_IR_NONE,
	};
	static struct ft_ir_op spare; /* written to and never read: memory is exhausted */
	struct ft_ir_block *b = l->ir->blocks ? &l->ir->blocks[l->block] : NULL;
	struct ft_ir_op *op = b ? FT_ARENA_PUSH(l->compile->arena, &b->ops, &b->count) : NULL;

	if (!op)
		op = &spare;
	*op = blank;
	op->kind = kind;
	op->expr = expr;
	op->number_in_code = l->op_count++;
	return op;
}

u32 ft_lower_value(struct ft_lower *l, enum ft_ir_kind kind, enum ft_type type, u32 a, u32 b,
		   const struct ft_expr *expr)
{
	u32 dst = ft_lower_reg(l, type);
	struct ft_ir_op *op = ft_lower_op(l, kind, expr);

	op->dst = dst;
	op->a = a;
	op->b = b;
	return dst;
}

void ft_lower_move(struct ft_lower *l, u32 dst, u32 a)
{
	struct ft_ir_op *op = ft_lower_op(l, FT_IR_MOVE, NULL);

	op->dst = dst;
	op->a = a;
}

void ft_lower_jump(struct ft_lower *l, u32 block)
{
	ft_lower_op(l, FT_IR_JUMP, NULL)->then = block;
}

void ft_lower_branch(struct ft_lower *l, u32 a, u32 then, u32 other)
{
	struct ft_ir_op *op = ft_lower_op(l, FT_IR_BRANCH, NULL);

	op->a = a;
	op->then = then;
	op->other = other;
}

void ft_lower_action(struct ft_lower *l, const struct ft_expr *at)
{
	ft_lower_op(l, FT_IR_ACTION, at);
}

/* ---- statements ---- */

static void lower_delete(struct ft_lower *l, const struct ft_expr *e)
{
	bool slice = e->kind == FT_EXPR_INDEX && e->any && memchr(e->any, true, e->arg_count);
	struct ft_ir_op *op;
	u32 *keys;

	if (e->kind == FT_EXPR_NAME) {
		ft_lower_op(l, FT_IR_CLEAR, e)->var = e->var;
		return;
	}
	keys = ft_lower_list(l, e->args, e->any, e->arg_count);
	op = ft_lower_op(l, slice ? FT_IR_DELETE_SLICE : FT_IR_DELETE, e);
	op->var = e->var;
	op->args = keys;
	op->arg_count = e->arg_count;
}

/* The body of a loop, with where "break" and "continue" go. */
static void lower_body(struct ft_lower *l, const struct ft_stmt *body, u32 break_to,
		       u32 continue_to)
{
	u32 outer_break = l->break_to, outer_continue = l->continue_to;

	l->break_to = break_to;
	l->continue_to = continue_to;
	ft_lower_stmt(l, body);
	l->break_to = outer_break;
	l->continue_to = outer_continue;
}

static void lower_loop(struct ft_lower *l, const struct ft_stmt *s)
{
	u32 head = ft_lower_block(l), body = ft_lower_block(l), step = ft_lower_block(l),
	    done = ft_lower_block(l);

	if (s->init)
		ft_lower_expr(l, s->init);
	ft_lower_jump(l, head);
	ft_lower_start(l, head);
	if (s->expr)
		ft_lower_condition(l, s->expr, body, done);
	else
		ft_lower_jump(l, body);
	ft_lower_start(l, body);
	lower_body(l, s->body[0], done, step);
	ft_lower_jump(l, step);
	ft_lower_start(l, step);
	if (s->step)
		ft_lower_expr(l, s->step);
	ft_lower_action(l, s->expr);
	ft_lower_jump(l, head);
	ft_lower_start(l, done);
	l->ir->loops = true;
}

static void lower_foreach(struct ft_lower *l, const struct ft_stmt *s)
{
	const struct ft_foreach *f = s->foreach;
	bool is_hist = f->base->kind == FT_EXPR_HIST;
	const struct ft_expr *base = is_hist ? f->base->left : f->base;
	bool has_value = f->value && (is_hist || base->var->type != FT_TYPE_STATS);
	u32 limit = f->limit ? ft_lower_expr(l, f->limit) : FT_IR_NONE, count = f->key_count;
	u32 *slice = is_hist	? ft_lower_list(l, base->args, NULL, base->arg_count)
		     : f->slice ? ft_lower_list(l, f->slice, NULL, f->key_count)
				: NULL;
	u32 step = ft_lower_block(l), body = ft_lower_block(l), leave = ft_lower_block(l);
	u32 *into = ft_arena_alloc(l->compile->arena, count + 1, sizeof(*into));
	struct ft_ir_op *op;

	if (!into)
		return;
	for (u32 i = 0; i < count; i++)
		into[i] = ft_lower_reg(l, f->keys[i]->type);
	into[count] = has_value ? ft_lower_reg(l, f->value->type) : FT_IR_NONE;
	op = ft_lower_op(l, FT_IR_WALK, f->base);
	op->foreach = f;
	op->var = base->var;
	op->a = limit;
	op->args = slice;
	op->arg_count = is_hist ? base->arg_count : slice ? count : 0;
	op->level = l->levels++;
	if (l->levels > l->ir->levels)
		l->ir->levels = l->levels;
	ft_lower_jump(l, step);
	ft_lower_start(l, step);
	op = ft_lower_op(l, FT_IR_STEP, f->base);
	op->level = l->levels - 1;
	op->args = into;
	op->arg_count = count + 1;
	op->then = body;
	op->other = leave;
	ft_lower_start(l, body);
	for (u32 i = 0; i < count; i++)
		ft_lower_assign(l, f->keys[i], NULL, into[i]);
	if (has_value)
		ft_lower_assign(l, f->value, NULL, into[count]);
	if (!is_hist)
		ft_lower_action(l, f->base);
	lower_body(l, s->body[0], leave, step);
	ft_lower_jump(l, step);
	ft_lower_start(l, leave);
	l->levels--;
	ft_lower_op(l, FT_IR_LEAVE, NULL)->level = l->levels;
	l->ir->loops = true;
}

static void lower_if(struct ft_lower *l, const struct ft_stmt *s)
{
	u32 then = ft_lower_block(l), done = ft_lower_block(l),
	    other = s->body_count > 1 ? ft_lower_block(l) : done;

	ft_lower_condition(l, s->expr, then, other);
	ft_lower_start(l, then);
	ft_lower_stmt(l, s->body[0]);
	ft_lower_jump(l, done);
	if (other != done) {
		ft_lower_start(l, other);
		ft_lower_stmt(l, s->body[1]);
		ft_lower_jump(l, done);
	}
	ft_lower_start(l, done);
}

static void lower_try(struct ft_lower *l, const struct ft_stmt *s)
{
	u32 body = ft_lower_block(l), catch = ft_lower_block(l), done = ft_lower_block(l),
	    outer = l->catch;

	ft_lower_jump(l, body);
	l->catch = catch;
	ft_lower_start(l, body);
	ft_lower_stmt(l, s->body[0]);
	l->catch = outer;
	ft_lower_jump(l, done);
	ft_lower_start(l, catch);
	if (s->caught) {
		u32 message = ft_lower_reg(l, FT_TYPE_STRING);

		ft_lower_op(l, FT_IR_CAUGHT, s->caught)->dst = message;
		ft_lower_assign(l, s->caught, NULL, message);
	}
	ft_lower_stmt(l, s->body[1]);
	ft_lower_jump(l, done);
	ft_lower_start(l, done);
}

/* Out of the function, past the loops of foreach within it. What follows cannot be reached. */
static void lower_exit(struct ft_lower *l, u32 to)
{
	for (u32 level = l->levels; level > l->frame->levels; level--)
		ft_lower_op(l, FT_IR_LEAVE, NULL)->level = level - 1;
	ft_lower_jump(l, to);
	ft_lower_start(l, ft_lower_block(l));
}

static void lower_return(struct ft_lower *l, const struct ft_stmt *s)
{
	u32 value = s->expr ? ft_lower_expr(l, s->expr) : FT_IR_NONE;

	if (l->frame->done == FT_IR_NONE) {
		ft_lower_op(l, FT_IR_RETURN, s->expr)->a = value;
		ft_lower_start(l, ft_lower_block(l));
		return;
	}
	if (value != FT_IR_NONE && l->frame->result != FT_IR_NONE)
		ft_lower_move(l, l->frame->result, value);
	lower_exit(l, l->frame->done);
}

static void lower_next(struct ft_lower *l)
{
	if (l->frame->next != FT_IR_NONE) {
		lower_exit(l, l->frame->next);
		return;
	}
	ft_lower_op(l, l->frame->function ? FT_IR_NEXT : FT_IR_RETURN, NULL);
	ft_lower_start(l, ft_lower_block(l));
}

static void lower_break(struct ft_lower *l, const struct ft_stmt *s)
{
	bool breaks = s->kind == FT_STMT_BREAK;

	if (l->break_to == FT_IR_NONE) {
		ft_sema_fail(l->compile, s->at, "keyword", "cannot '%s' outside loop",
			     breaks ? "break" : "continue");
		return;
	}
	ft_lower_jump(l, breaks ? l->break_to : l->continue_to);
	ft_lower_start(l, ft_lower_block(l));
}

/* What is no block counts as an action. */
static void begin_stmt(struct ft_lower *l, const struct ft_stmt *s)
{
	struct ft_expr *at;

	if (s->kind == FT_STMT_BLOCK || s->kind == FT_STMT_EMPTY)
		return;
	if (s->expr) {
		ft_lower_action(l, s->expr);
		return;
	}
	at = FT_ARENA_NEW(l->compile->arena, struct ft_expr);
	if (!at)
		return;
	at->kind = FT_EXPR_BINARY;
	at->at = s->at;
	ft_lower_action(l, at);
}

void ft_lower_stmt(struct ft_lower *l, const struct ft_stmt *s)
{
	begin_stmt(l, s);
	switch (s->kind) {
	case FT_STMT_BLOCK:
		for (u32 i = 0; i < s->body_count; i++)
			ft_lower_stmt(l, s->body[i]);
		break;
	case FT_STMT_EXPR:
		ft_lower_expr(l, s->expr);
		break;
	case FT_STMT_IF:
		lower_if(l, s);
		break;
	case FT_STMT_WHILE:
	case FT_STMT_FOR:
		lower_loop(l, s);
		break;
	case FT_STMT_FOREACH:
		lower_foreach(l, s);
		break;
	case FT_STMT_BREAK:
	case FT_STMT_CONTINUE:
		lower_break(l, s);
		break;
	case FT_STMT_RETURN:
		lower_return(l, s);
		break;
	case FT_STMT_NEXT:
		lower_next(l);
		break;
	case FT_STMT_DELETE:
		lower_delete(l, s->expr);
		break;
	case FT_STMT_TRY:
		lower_try(l, s);
		break;
	default:
		break;
	}
}

/* ---- handlers and functions ---- */

static struct ft_ir *begin(struct ft_lower *l, struct ft_lower_frame *frame, enum ft_side side,
			   struct ft_var *const *vars, u32 var_count)
{
	struct ft_ir *ir = FT_ARENA_NEW(l->compile->arena, struct ft_ir);

	*frame = (struct ft_lower_frame){
		.result = FT_IR_NONE, .done = FT_IR_NONE, .next = FT_IR_NONE};
	frame->regs = ft_arena_alloc(l->compile->arena, var_count + 1, sizeof(*frame->regs));
	if (!ir || !frame->regs)
		return NULL;
	ir->side = side;
	l->ir = ir;
	l->frame = frame;
	l->catch = l->break_to = l->continue_to = FT_IR_NONE;
	l->levels = 0;
	for (u32 i = 0; i < var_count; i++)
		frame->regs[i] = ft_lower_reg(l, vars[i]->type);
	ft_lower_start(l, ft_lower_block(l));
	return ir;
}

static struct ft_ir *lower_handler(struct ft_lower *l, const struct ft_handler *h)
{
	bool is_kernel = ft_point_is_kernel(h->point);
	bool is_fired = !ft_point_is_served(h->point) &&
			(l->compile->all_in_kernel || ft_handler_asks_kernel(h));
	enum ft_side side = is_kernel || is_fired ? FT_SIDE_KERNEL : FT_SIDE_USER;
	struct ft_lower_frame frame;
	struct ft_ir *ir = begin(l, &frame, side, h->vars, h->var_count);

	if (!ir) {
		l->frame = NULL;
		return NULL;
	}
	ir->handler = h;
	ir->is_fired = is_fired && !is_kernel;
	if (h->condition) {
		u32 go = ft_lower_block(l), no = ft_lower_block(l);

		ft_lower_condition(l, h->condition, go, no);
		ft_lower_start(l, no);
		ft_lower_op(l, FT_IR_RETURN, NULL);
		ft_lower_start(l, go);
	}
	for (u32 i = 0; i < h->body_count; i++)
		ft_lower_stmt(l, h->bodies[i]);
	ft_lower_op(l, FT_IR_RETURN, NULL);
	l->frame = NULL;
	return ir;
}

static struct ft_ir *lower_function(struct ft_lower *l, const struct ft_function *f)
{
	struct ft_lower_frame frame;
	struct ft_ir *ir = begin(l, &frame, FT_SIDE_USER, f->vars, f->var_count);

	if (!ir) {
		l->frame = NULL;
		return NULL;
	}
	frame.function = f;
	ir->function = f;
	ft_lower_stmt(l, f->body);
	ft_lower_op(l, FT_IR_RETURN, NULL);
	l->frame = NULL;
	return ir;
}

void ft_lower_need(struct ft_lower *l, struct ft_function *f)
{
	for (; f; f = f->next_overload) {
		struct ft_ir **slot;

		if (f->is_needed)
			continue;
		slot = FT_ARENA_PUSH(l->compile->arena, &l->program->functions,
				     &l->program->function_count);
		if (!slot)
			return;
		f->is_needed = true;
		f->number = l->program->function_count - 1;
	}
}

/* Functions that are called; lowering one may call others. */
static void lower_needed(struct ft_lower *l, const struct ft_file *file)
{
	bool more = true;

	while (more) {
		more = false;
		for (u32 i = 0; i < file->function_count; i++) {
			struct ft_function *f = file->functions[i];
			struct ft_ir *ir;

			if (!f->is_needed || f->is_visited)
				continue;
			f->is_visited = more = true;
			ir = lower_function(l, f);
			if (f->number < l->program->function_count)
				l->program->functions[f->number] = ir;
		}
	}
}

int ft_lower(struct ft_compile *compile, struct ft_program *program, struct ft_ir_program **ir)
{
	struct ft_lower l = {.compile = compile, .op_count = 1};
	u32 errors = compile->diags.errors;

	l.program = FT_ARENA_NEW(compile->arena, struct ft_ir_program);
	if (!l.program)
		return -ENOMEM;
	l.program->program = program;
	l.program->handlers =
		ft_arena_alloc(compile->arena, program->handler_count + 1, sizeof(struct ft_ir *));
	if (!l.program->handlers)
		return -ENOMEM;
	for (u32 i = 0; i < program->handler_count; i++)
		l.program->handlers[i] = lower_handler(&l, program->handlers[i]);
	lower_needed(&l, program->file);
	*ir = l.program;
	return ft_arena_failed(compile->arena)	? -ENOMEM
	       : compile->diags.errors > errors ? -EINVAL
						: 0;
}

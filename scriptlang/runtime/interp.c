/* interp.c - operations one after the other; see interp.h. */
#include "scriptlang/runtime/interp.h"

#include <errno.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "scriptlang/kernel/kernel_names.h"
#include "scriptlang/runtime/interp_parts.h"
#include "scriptlang/user/user_names.h"

#define HANDLER_BYTES_MAX (64u << 20) /* of strings that one run may make */

void ft_interp_fail(struct ft_interp *x, const struct ft_expr *at, const char *fmt, ...)
{
	va_list args;

	if (x->failed)
		return;
	x->failed = true;
	va_start(args, fmt);
	vsnprintf(x->error, sizeof(x->error), fmt, args);
	va_end(args);
	if (!at)
		return;
	x->error_at = at->at;
	x->error_word = at->kind == FT_EXPR_NAME || at->kind == FT_EXPR_INDEX ||
					at->kind == FT_EXPR_CALL || at->kind == FT_EXPR_PRINT
				? "identifier"
				: "operator";
}

struct ft_value ft_interp_string(struct ft_interp *x, const char *text, size_t len)
{
	size_t most = x->limits.string_bytes - 1;
	struct ft_value value;

	len = strnlen(text, len < most ? len : most); /* a NUL ends a string */
	value = (struct ft_value){.text = ft_arena_copy(x->arena, text, len), .len = (u32)len};
	if (!value.text) {
		ft_interp_fail(x, NULL, "out of memory");
		value = (struct ft_value){.text = ""};
	}
	return value;
}

/* ---- numbers and strings ---- */

static s64 divide(struct ft_interp *x, const struct ft_ir_op *op, s64 a, s64 b)
{
	if (!b) {
		ft_interp_fail(x, op->expr, "division by 0");
		return 0;
	}
	if (b == -1) /* the lowest number has no opposite */
		return op->kind == FT_IR_DIV ? (s64)(0 - (u64)a) : 0;
	return op->kind == FT_IR_DIV ? a / b : a % b;
}

static s64 calculate(struct ft_interp *x, const struct ft_ir_op *op, s64 a, s64 b)
{
	switch (op->kind) {
	case FT_IR_ADD:
		return (s64)((u64)a + (u64)b);
	case FT_IR_SUB:
		return (s64)((u64)a - (u64)b);
	case FT_IR_MUL:
		return (s64)((u64)a * (u64)b);
	case FT_IR_DIV:
	case FT_IR_MOD:
		return divide(x, op, a, b);
	case FT_IR_SHL:
		return (s64)((u64)a << (b & 63));
	case FT_IR_SHR:
		return a >> (b & 63);
	case FT_IR_SHR_LOGICAL:
		return (s64)((u64)a >> (b & 63));
	case FT_IR_AND:
		return a & b;
	case FT_IR_OR:
		return a | b;
	case FT_IR_XOR:
		return a ^ b;
	case FT_IR_EQ:
		return a == b;
	case FT_IR_NE:
		return a != b;
	case FT_IR_LT:
		return a < b;
	case FT_IR_GT:
		return a > b;
	case FT_IR_LE:
		return a <= b;
	case FT_IR_GE:
		return a >= b;
	case FT_IR_NEG:
		return (s64)(0 - (u64)a);
	case FT_IR_NOT:
		return !a;
	default:
		return ~a;
	}
}

static struct ft_value concatenate(struct ft_interp *x, const struct ft_value *a,
				   const struct ft_value *b)
{
	char *both = ft_arena_alloc(x->arena, (size_t)a->len + b->len + 1, 1);

	if (!both) {
		ft_interp_fail(x, NULL, "out of memory");
		return ft_interp_empty(FT_TYPE_STRING);
	}
	if (a->len)
		memcpy(both, a->text, a->len);
	if (b->len)
		memcpy(both + a->len, b->text, b->len);
	return ft_interp_string(x, both, (size_t)a->len + b->len);
}

static bool is_same(const struct ft_value *a, const struct ft_value *b)
{
	return a->len == b->len && !memcmp(a->text, b->text, a->len);
}

/* =~ and !~ with extended regular expressions; notes the groups for matched(). */
static s64 match(struct ft_interp *x, const struct ft_ir_op *op, const struct ft_value *a)
{
	regmatch_t groups[FT_ARRAY_LEN(x->groups)];
	bool wanted = op->expr->op == FT_TOKEN_MATCH, found;
	regex_t regex;
	char *copy;

	if (regcomp(&regex, op->expr->right->text, REG_EXTENDED)) {
		ft_interp_fail(x, op->expr, "cannot understand the regular expression '%s'",
			       op->expr->right->text);
		return 0;
	}
	found = !regexec(&regex, a->text, FT_ARRAY_LEN(groups), groups, 0);
	regfree(&regex);
	copy = found ? malloc((size_t)a->len + 1) : NULL;
	if (copy) {
		memcpy(copy, a->text, (size_t)a->len + 1);
		free(x->matched);
		x->matched = copy;
		x->matched_len = a->len;
		for (size_t i = 0; i < FT_ARRAY_LEN(groups); i++) {
			x->groups[i][0] = groups[i].rm_so;
			x->groups[i][1] = groups[i].rm_eo;
		}
	}
	return found == wanted;
}

/* ---- calls ---- */

enum ending {
	ENDED,
	FAILED,
	NEXT, /* the function asks for its next overload */
};

static enum ending run(struct ft_interp *x, struct ft_activation *a, u32 block, u32 at,
		       struct ft_value *result);

static bool begin(struct ft_interp *x, struct ft_activation *a, const struct ft_ir *ir)
{
	*a = (struct ft_activation){.ir = ir};
	a->regs = ft_arena_alloc(x->arena, ir->reg_count + 1, sizeof(*a->regs));
	a->walks = ft_arena_alloc(x->arena, ir->levels + 1, sizeof(*a->walks));
	if (!a->regs || !a->walks) {
		ft_interp_fail(x, NULL, "out of memory");
		return false;
	}
	for (u32 i = 0; i < ir->reg_count; i++)
		a->regs[i] = ft_interp_empty(ir->regs[i].type);
	return true;
}

/* One overload. */
static enum ending call_one(struct ft_interp *x, const struct ft_ir *ir,
			    const struct ft_value *args, u32 count, struct ft_value *result)
{
	struct ft_activation a;
	enum ending ending;

	if (!begin(x, &a, ir))
		return FAILED;
	for (u32 i = 0; i < count; i++)
		a.regs[i] = args[i];
	*result = ft_interp_empty(ir->function->type);
	ending = run(x, &a, 0, 0, result);
	ft_interp_leave(&a, 0);
	return ending;
}

static void call(struct ft_interp *x, struct ft_activation *a, const struct ft_ir_op *op)
{
	struct ft_value args[FT_KEYS_MAX * 2], result = ft_interp_empty(op->function->type);
	enum ending ending = NEXT;

	if (x->depth >= x->limits.nesting) {
		ft_interp_fail(x, op->expr, "MAXNESTING exceeded");
		return;
	}
	if (op->arg_count > FT_ARRAY_LEN(args)) {
		ft_interp_fail(x, op->expr, "more than %zu arguments", FT_ARRAY_LEN(args));
		return;
	}
	for (u32 i = 0; i < op->arg_count; i++)
		args[i] = a->regs[op->args[i]];
	x->depth++;
	for (const struct ft_function *f = op->function; ending == NEXT && f; f = f->next_overload)
		if (f->param_count == op->arg_count)
			ending = call_one(x, x->program->functions[f->number], args, op->arg_count,
					  &result);
	x->depth--;
	if (ending == NEXT)
		ft_interp_fail(x, op->expr, "all functions exhausted");
	else if (op->dst != FT_IR_NONE)
		a->regs[op->dst] = result;
}

static void call_builtin(struct ft_interp *x, struct ft_activation *a, const struct ft_ir_op *op)
{
	struct ft_value args[FT_TAPSET_ARGS_MAX], value;

	for (u32 i = 0; i < op->arg_count && i < FT_TAPSET_ARGS_MAX; i++)
		args[i] = a->regs[op->args[i]];
	value = op->builtin->run(x, op->expr, args);
	if (op->dst != FT_IR_NONE)
		a->regs[op->dst] = value;
}

/* ---- the loop ---- */

static void count_action(struct ft_interp *x, const struct ft_ir_op *op)
{
	if (++x->actions > x->actions_max)
		ft_interp_fail(x, op->expr, "MAXACTION exceeded");
}

void ft_interp_explain(struct ft_interp *x, const struct ft_ir_op *op)
{
	switch (op->kind) {
	case FT_IR_DIV:
	case FT_IR_MOD:
		ft_interp_fail(x, op->expr, "division by 0");
		break;
	case FT_IR_ACTION:
		ft_interp_fail(x, op->expr, "MAXACTION exceeded");
		break;
	case FT_IR_POKE:
		ft_interp_fail(x, op->expr, "user write fault");
		break;
	case FT_IR_TARGET:
		ft_interp_fail(x, op->expr,
			       op->expr->user ? "user read fault" : "kernel read fault");
		break;
	case FT_IR_KNOWN:
		ft_interp_fail(x, op->expr,
			       "only its value at the entry of the function is known here, and "
			       "this call began before the script did");
		break;
	case FT_IR_BUILTIN:
		ft_interp_fail(x, op->expr, "%s(): the memory cannot be read", op->builtin->name);
		break;
	default:
		if (op->var && op->var->global->limit)
			ft_interp_fail(x, op->expr, "Array overflow, check size limit (%lld)",
				       (long long)op->var->global->limit);
		else
			ft_interp_fail(x, op->expr, "Array overflow, check MAXMAPENTRIES");
	}
}

/* The message of an error that the kernel has caught. */
static void explain_caught(struct ft_interp *x, const struct ft_ir *ir)
{
	u32 number = x->caught;

	x->caught = 0;
	for (u32 b = 0; number && b < ir->block_count; b++)
		for (u32 i = 0; i < ir->blocks[b].count; i++)
			if (ir->blocks[b].ops[i].number_in_code == number) {
				ft_interp_explain(x, &ir->blocks[b].ops[i]);
				x->failed = false;
				return;
			}
}

/* Whether the kernel has found it out for the record at hand. */
static bool is_hoisted(const struct ft_interp *x, u32 number)
{
	for (u32 i = 0; i < x->site->hoist_count; i++)
		if (x->site->hoists[i].number == number)
			return true;
	return false;
}

/* What could not be read is 0 there: reading it once more tells. */
static void take_hoisted(struct ft_interp *x, struct ft_activation *a, const struct ft_ir_op *op)
{
	const struct ft_value *value = &x->hoisted[op->hoist];

	if (op->hoist_fault && is_hoisted(x, op->hoist_fault) && x->hoisted[op->hoist_fault].number)
		ft_interp_explain(x, op);
	if (!value->number && !value->len && op->peek)
		ft_interp_target(x, a, op);
	else if (!value->number && !value->len && op->kind == FT_IR_BUILTIN &&
		 !op->builtin->of_event && op->arg_count && op->builtin->run)
		call_builtin(x, a, op);
	if (!x->failed)
		a->regs[op->dst] = *value;
}

/* One operation that does not end its block. */
static void run_op(struct ft_interp *x, struct ft_activation *a, const struct ft_ir_op *op)
{
	struct ft_value *r = a->regs;

	if (op->is_quiet) /* the kernel's, before it hands over: a loop comes by here again */
		return;
	if (op->hoist && x->hoisted && is_hoisted(x, op->hoist)) {
		take_hoisted(x, a, op);
		return;
	}
	switch (op->kind) {
	case FT_IR_NUMBER:
		r[op->dst] = ft_interp_number(op->number);
		break;
	case FT_IR_TEXT:
		r[op->dst] = op->expr ? ft_interp_string(x, op->expr->text, op->expr->len)
				      : ft_interp_empty(FT_TYPE_STRING);
		break;
	case FT_IR_MOVE:
		r[op->dst] = r[op->a];
		break;
	case FT_IR_SAME:
		r[op->dst] = ft_interp_number(is_same(&r[op->a], &r[op->b]));
		break;
	case FT_IR_ORDER:
		r[op->dst] = ft_interp_number(strcmp(r[op->a].text, r[op->b].text));
		break;
	case FT_IR_CONCAT:
		r[op->dst] = concatenate(x, &r[op->a], &r[op->b]);
		break;
	case FT_IR_MATCH:
		r[op->dst] = ft_interp_number(match(x, op, &r[op->a]));
		break;
	case FT_IR_WALK:
		ft_interp_walk(x, a, op);
		break;
	case FT_IR_FENCE:
		r[op->dst] = ft_interp_number(0);
		break;
	case FT_IR_HAND_OVER:
		break;
	case FT_IR_LEAVE:
		ft_interp_leave(a, op->level);
		break;
	case FT_IR_PRINT:
	case FT_IR_SPRINT:
	case FT_IR_PRINT_HIST:
	case FT_IR_SPRINT_HIST:
		ft_interp_print(x, a, op);
		break;
	case FT_IR_BUILTIN:
		call_builtin(x, a, op);
		break;
	case FT_IR_CALL:
		call(x, a, op);
		break;
	case FT_IR_ACTION:
		count_action(x, op);
		break;
	case FT_IR_CAUGHT:
		explain_caught(x, a->ir);
		r[op->dst] = ft_interp_string(x, x->error, strlen(x->error));
		break;
	case FT_IR_TARGET:
		ft_interp_target(x, a, op);
		break;
	case FT_IR_KNOWN:
		if (!r[op->a].number)
			ft_interp_explain(x, op);
		break;
	default:
		if (op->var)
			ft_interp_var(x, a, op);
		else
			r[op->dst] = ft_interp_number(calculate(
				x, op, r[op->a].number, op->b == FT_IR_NONE ? 0 : r[op->b].number));
	}
}

/* Where a block's last operation leads; NONE: to the end, as *ending says. */
static u32 follow(struct ft_interp *x, struct ft_activation *a, const struct ft_ir_op *op,
		  enum ending *ending, struct ft_value *result)
{
	*ending = op->kind == FT_IR_NEXT ? NEXT : ENDED;
	switch (op->kind) {
	case FT_IR_JUMP:
		return op->then;
	case FT_IR_BRANCH:
		return a->regs[op->a].number ? op->then : op->other;
	case FT_IR_STEP:
		return ft_interp_step(x, a, op) ? op->then : op->other;
	case FT_IR_RETURN:
		if (op->a != FT_IR_NONE && result)
			*result = a->regs[op->a];
		return FT_IR_NONE;
	default:
		return FT_IR_NONE;
	}
}

/* Goes on at the block's catch. NONE: there is none, or the error cannot be caught. */
static u32 catch (struct ft_interp *x, struct ft_activation *a, u32 block)
{
	u32 to = a->ir->blocks[block].catch;

	/* Running out of statements cannot be caught: the rest would, too. */
	if (to == FT_IR_NONE || x->actions > x->actions_max)
		return FT_IR_NONE;
	x->failed = false;
	ft_interp_leave(a, a->ir->blocks[to].levels);
	return to;
}

static enum ending run(struct ft_interp *x, struct ft_activation *a, u32 block, u32 at,
		       struct ft_value *result)
{
	u32 depth = x->depth;
	enum ending ending = ENDED;

	for (;;) {
		const struct ft_ir_block *b = &a->ir->blocks[block];
		u32 next = FT_IR_NONE;

		for (; at < b->count && !x->failed; at++) {
			if (ft_ir_ends(&b->ops[at])) {
				next = follow(x, a, &b->ops[at], &ending, result);
				break;
			}
			run_op(x, a, &b->ops[at]);
		}
		if (x->failed) {
			next = catch (x, a, block);
			if (next == FT_IR_NONE)
				return FAILED;
			x->depth = depth;
		} else if (next == FT_IR_NONE) {
			return ending;
		}
		block = next;
		at = 0;
	}
}

/* ---- handlers ---- */

static void prepare(struct ft_interp *x, const struct ft_ir *ir, u32 actions)
{
	x->arena = ft_arena_new(HANDLER_BYTES_MAX);
	x->handler = ir->handler;
	x->actions = 0;
	x->actions_max = actions;
	x->depth = 0;
	x->failed = false;
}

static bool start(struct ft_interp *x, struct ft_activation *a, const struct ft_ir *ir, u32 actions)
{
	prepare(x, ir, actions);
	return begin(x, a, ir);
}

static bool finish(struct ft_interp *x, struct ft_activation *a)
{
	ft_interp_leave(a, 0);
	ft_interp_settle(x);
	ft_arena_free(x->arena);
	x->arena = NULL;
	return !x->failed;
}

bool ft_interp_run(struct ft_interp *x, const struct ft_ir *ir, u32 actions)
{
	struct ft_activation a;

	if (start(x, &a, ir, actions))
		run(x, &a, 0, 0, NULL);
	return finish(x, &a);
}

bool ft_interp_resume(struct ft_interp *x, const struct ft_ir *ir, const struct ft_value *regs,
		      u32 block, u32 at, u32 actions)
{
	struct ft_activation a;

	if (start(x, &a, ir, actions)) {
		for (u32 i = 0; i < ir->reg_count; i++)
			if (regs[i].text || regs[i].number)
				a.regs[i] = regs[i];
		run(x, &a, block, at, NULL);
	}
	return finish(x, &a);
}

bool ft_interp_post(struct ft_interp *x, const struct ft_ir *ir, const struct ft_ir_op *op,
		    struct ft_value *regs)
{
	struct ft_activation a = {.ir = ir, .regs = regs};

	prepare(x, ir, UINT32_MAX);
	for (u32 i = 0; i < op->arg_count; i++)
		if (!regs[op->args[i]].text && !regs[op->args[i]].number)
			regs[op->args[i]] = ft_interp_empty(ir->regs[op->args[i]].type);
	run_op(x, &a, op);
	return finish(x, &a);
}

/* Sets a global to what its declaration says. */
static bool begin_global(struct ft_variable *v)
{
	const struct ft_expr *init = v->var->global->init;
	struct ft_value value = ft_interp_number(init->number);
	struct ft_element *element;

	if (init->kind == FT_EXPR_STRING)
		value = (struct ft_value){.text = init->text, .len = init->len};
	return ft_array_at(&v->array, NULL, &element) == FT_ARRAY_OK &&
	       ft_element_set(element, &value);
}

int ft_interp_init(struct ft_interp *x, struct ft_compile *compile,
		   const struct ft_ir_program *program, const struct ft_limits *limits)
{
	const struct ft_program *p = program->program;

	*x = (struct ft_interp){.compile = compile, .program = program, .limits = *limits};
	x->globals = ft_try_alloc(p->global_count + 1, sizeof(*x->globals));
	if (!x->globals)
		return -ENOMEM;
	for (u32 i = 0; i < p->global_count; i++) {
		const struct ft_var *var = p->globals[i];
		struct ft_variable *v = &x->globals[i];
		u32 keys = var->key_count > 0 ? (u32)var->key_count : 0;
		u32 limit = !keys		 ? 1
			    : var->global->limit ? (u32)var->global->limit
						 : x->limits.map_entries;

		v->var = var;
		ft_array_init(&v->array, keys, limit, var->global->wrap);
		if (var->global->init && !begin_global(v))
			return -ENOMEM;
	}
	return 0;
}

void ft_interp_fini(struct ft_interp *x)
{
	ft_kernel_names_close(x->kernel_names);
	ft_user_names_close(x->user_names);
	ft_peek_free(x->peek);
	ft_out_close(x->file);
	for (u32 i = 0; x->globals && i < x->program->program->global_count; i++)
		ft_array_fini(&x->globals[i].array);
	free(x->globals);
	free(x->matched);
	x->globals = NULL;
	x->matched = NULL;
}

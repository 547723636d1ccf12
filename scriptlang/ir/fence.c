/*
 * fence.c - the kernel does not run ahead of user space where that would show; see ir.h.
 *
 * What a handler of the kernel leaves to user space is done a little later than its event, while
 * handlers go on in the kernel. A variable that both of them touch could be read too early, or
 * changed out of order: the entry of a call notes a text that only user space can make, and the
 * return of that very call finds nothing. So such variables are fenced: before it touches one, a
 * handler of the kernel looks whether user space has records to do that touch some, too. If it has,
 * the rest of the handler goes to user space as well, behind them. Mostly it has none, and all
 * stays in the kernel. (Handlers that user space fires find nothing to do: run.c.)
 *
 * What user space only reads, by a key that is known when the kernel hands over, the kernel reads
 * then, and sends it along (place.c). Adding up can be done in any order, and a report (foreach,
 * statistics) is of the moment that it is made: these fence nothing.
 */
#include <errno.h>

#include "scriptlang/ir/place.h"

/* What is done with a variable. */
enum {
	USE_READ = 1,
	USE_WRITE = 2,	    /* the order matters */
	USE_ADD = 4,	    /* it does not */
	USE_READ_EARLY = 8, /* the kernel can read it when it hands over */
};

/* What handlers do with a variable in the kernel, and what user space does of them. */
struct uses {
	u8 kernel, late;
};

/* How far a handler comes in the kernel, and what of it may be done in user space: by block. */
struct split {
	const struct ft_ir_program *program;
	const struct ft_ir *ir;
	const struct uses *uses; /* by variable */
	bool *noted;		 /* functions that user space calls, whose uses are known */
	u8 *reads;		 /* registers that somebody reads */
	bool *seen;
	u32 *kernel; /* so many operations in the kernel */
	u32 *late;   /* from this one on in user space */
};

static u8 use_of(const struct ft_ir_op *op, const u8 *reads)
{
	switch (op->kind) {
	case FT_IR_GET:
	case FT_IR_HAS:
		return USE_READ;
	case FT_IR_SET:
	case FT_IR_DELETE:
	case FT_IR_DELETE_SLICE:
	case FT_IR_CLEAR:
		return USE_WRITE;
	case FT_IR_INCREASE:
		return USE_ADD |
		       (op->dst != FT_IR_NONE && (!reads || reads[op->dst]) ? USE_READ : 0);
	case FT_IR_FEED:
		return USE_ADD;
	default:
		return 0;
	}
}

/* Whether what the kernel does shows that user space is late. */
static bool shows(u8 kernel, u8 late)
{
	return (late & USE_WRITE && kernel) ||
	       (late & USE_ADD && kernel & (USE_READ | USE_WRITE)) ||
	       (late & USE_READ && kernel & USE_WRITE) ||
	       (late & USE_READ_EARLY && late & USE_ADD && kernel & USE_WRITE);
}

static bool needs_fence(const struct split *s, const struct ft_ir_op *op)
{
	return op->var && op->var->fenced &&
	       shows(use_of(op, s->reads), s->uses[op->var->number].late);
}

/* ---- how handlers are split ---- */

static void mark_late(struct split *s, u32 block, u32 at)
{
	const struct ft_ir_block *b;
	u32 end;

	if (block == FT_IR_NONE || at >= s->late[block])
		return;
	b = &s->ir->blocks[block];
	end = s->late[block] < b->count ? s->late[block] : b->count;
	s->late[block] = at;
	for (u32 i = at; i < end; i++) {
		mark_late(s, b->ops[i].then, 0);
		mark_late(s, b->ops[i].other, 0);
	}
	mark_late(s, b->catch, 0);
}

static void mark_kernel(struct split *s, u32 block)
{
	const struct ft_ir_block *b;

	if (block == FT_IR_NONE || s->seen[block])
		return;
	s->seen[block] = true;
	b = &s->ir->blocks[block];
	for (u32 i = 0; i < b->count; i++) {
		const struct ft_ir_op *op = &b->ops[i];

		if (!ft_ir_posts(op) && !ft_place_in_kernel(s->ir, op)) {
			mark_late(s, block, i);
			break;
		}
		if (needs_fence(s, op))
			mark_late(s, block, i);
		s->kernel[block] = i + 1;
		mark_kernel(s, op->then);
		mark_kernel(s, op->other);
	}
	mark_kernel(s, b->catch);
}

/* Which registers somebody reads. */
static u8 *find_reads(struct ft_arena *arena, const struct ft_ir *ir)
{
	u8 *reads = ft_arena_alloc(arena, (size_t)ir->reg_count + 1, 1);

	for (u32 b = 0; reads && b < ir->block_count; b++)
		for (u32 i = 0; i < ir->blocks[b].count; i++) {
			const struct ft_ir_op *op = &ir->blocks[b].ops[i];

			if (op->a != FT_IR_NONE)
				reads[op->a] = 1;
			if (op->b != FT_IR_NONE)
				reads[op->b] = 1;
			for (u32 k = 0; op->args && k < op->arg_count; k++)
				if (op->args[k] != FT_IR_NONE)
					reads[op->args[k]] = 1;
		}
	return reads;
}

static int find_split(struct split *s, struct ft_arena *arena, const struct ft_ir *ir)
{
	u32 count = ir->block_count;

	s->ir = ir;
	s->reads = find_reads(arena, ir);
	s->seen = ft_arena_alloc(arena, count + 1, sizeof(*s->seen));
	s->kernel = ft_arena_alloc(arena, count + 1, sizeof(*s->kernel));
	s->late = ft_arena_alloc(arena, count + 1, sizeof(*s->late));
	if (!s->reads || !s->seen || !s->kernel || !s->late)
		return -ENOMEM;
	for (u32 b = 0; b < count; b++)
		s->late[b] = UINT32_MAX;
	mark_kernel(s, 0);
	return 0;
}

/* ---- who does what with each variable ---- */

static void note_function(const struct split *s, const struct ft_function *f, struct uses *uses);

/* reads: NULL in functions, which do not know what the kernel knows when it hands over. */
static void note_late(const struct split *s, const struct ft_ir_op *op, const u8 *reads,
		      struct uses *uses)
{
	/* In functions: who is followed, mostly; a newer answer does no harm. */
	if (op->var && (reads || op->kind != FT_IR_HAS))
		uses[op->var->number].late |= reads && ft_place_reads_early(s->ir, op)
						      ? USE_READ_EARLY
						      : use_of(op, reads);
	if (op->kind == FT_IR_CALL)
		note_function(s, op->function, uses);
}

/* A function that is called in user space, once: it does the same for whoever calls it. */
static void note_function(const struct split *s, const struct ft_function *f, struct uses *uses)
{
	for (; f; f = f->next_overload) {
		const struct ft_ir *ir = s->program->functions[f->number];

		if (s->noted[f->number])
			continue;
		s->noted[f->number] = true;
		for (u32 b = 0; b < ir->block_count; b++)
			for (u32 i = 0; i < ir->blocks[b].count; i++)
				note_late(s, &ir->blocks[b].ops[i], NULL, uses);
	}
}

static void note_uses(const struct split *s, struct uses *uses)
{
	for (u32 b = 0; b < s->ir->block_count; b++) {
		const struct ft_ir_block *block = &s->ir->blocks[b];

		for (u32 i = 0; i < s->kernel[b]; i++)
			if (block->ops[i].var)
				uses[block->ops[i].var->number].kernel |=
					use_of(&block->ops[i], s->reads);
		for (u32 i = s->late[b]; i < block->count; i++)
			note_late(s, &block->ops[i], s->reads, uses);
	}
}

/* One round: a fence hands over more, which may touch others. */
static int find_fenced(struct ft_arena *arena, const struct ft_ir_program *program,
		       struct uses *uses, bool *changed)
{
	const struct ft_program *p = program->program;
	struct split split = {.program = program, .uses = uses};

	split.noted = ft_arena_alloc(arena, program->function_count + 1, sizeof(*split.noted));
	if (!split.noted)
		return -ENOMEM;
	for (u32 h = 0; h < p->handler_count; h++) {
		if (program->handlers[h]->side != FT_SIDE_KERNEL)
			continue;
		if (find_split(&split, arena, program->handlers[h]))
			return -ENOMEM;
		note_uses(&split, uses);
	}
	*changed = false;
	for (u32 i = 0; i < p->global_count; i++)
		if (!p->globals[i]->fenced && shows(uses[i].kernel, uses[i].late))
			p->globals[i]->fenced = *changed = true;
	return 0;
}

static void note_early(const struct ft_program *p, const struct uses *uses)
{
	const u8 changes = USE_WRITE | USE_ADD;

	for (u32 i = 0; i < p->global_count; i++)
		p->globals[i]->read_early = uses[i].kernel & changes && !(uses[i].late & changes);
}

/* ---- who comes to fenced variables in user space ---- */

bool ft_place_touches_fenced(const struct ft_ir_program *program, const struct ft_ir_op *op)
{
	if (op->var && op->var->fenced)
		return true;
	for (const struct ft_function *f = op->kind == FT_IR_CALL ? op->function : NULL; f;
	     f = f->next_overload)
		if (program->functions[f->number]->touches_fenced)
			return true;
	return false;
}

static bool finds_fenced(const struct ft_ir_program *program, const struct ft_ir *ir)
{
	for (u32 b = 0; b < ir->block_count; b++)
		for (u32 i = 0; i < ir->blocks[b].count; i++)
			if (ft_place_touches_fenced(program, &ir->blocks[b].ops[i]))
				return true;
	return false;
}

/* Functions that do themselves, then those that call such ones, and so on. */
static void note_touching(struct ft_ir_program *program)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (u32 i = 0; i < program->function_count; i++) {
			struct ft_ir *ir = program->functions[i];

			if (!ir->touches_fenced && finds_fenced(program, ir))
				ir->touches_fenced = changed = true;
		}
	}
}

/* ---- the fences ---- */

struct builder {
	struct ft_arena *arena;
	struct ft_ir *ir;
	struct ft_ir_block *blocks;
	u32 count;
	u32 *fast; /* blocks behind fences, in order */
	u32 fast_count;
};

static struct ft_ir_op plain(enum ft_ir_kind kind)
{
	return (struct ft_ir_op){.kind = kind,
				 .dst = FT_IR_NONE,
				 .a = FT_IR_NONE,
				 .b = FT_IR_NONE,
				 .then = FT_IR_NONE,
				 .other = FT_IR_NONE};
}

/* A block with these operations, and room for two more. */
static struct ft_ir_block *add_block(struct builder *w, const struct ft_ir_block *like,
				     const struct ft_ir_op *from, u32 count)
{
	struct ft_ir_op *ops = ft_arena_alloc(w->arena, count + 2, sizeof(*ops));
	struct ft_ir_block *b = FT_ARENA_PUSH(w->arena, &w->blocks, &w->count);

	if (!ops || !b)
		return NULL;
	for (u32 i = 0; i < count; i++)
		ops[i] = from[i];
	*b = (struct ft_ir_block){
		.ops = ops, .count = count, .catch = like->catch, .levels = like->levels};
	return b;
}

static bool add_fence(struct builder *w, struct ft_ir_block *b)
{
	struct ft_ir_reg *reg = FT_ARENA_PUSH(w->arena, &w->ir->regs, &w->ir->reg_count);
	u32 *fast = FT_ARENA_PUSH(w->arena, &w->fast, &w->fast_count);

	if (!reg || !fast)
		return false;
	*reg = (struct ft_ir_reg){.type = FT_TYPE_LONG};
	*fast = w->count;
	b->ops[b->count] = plain(FT_IR_FENCE);
	b->ops[b->count++].dst = w->ir->reg_count - 1;
	b->ops[b->count] = plain(FT_IR_BRANCH);
	b->ops[b->count].a = w->ir->reg_count - 1;
	b->ops[b->count++].other = w->count; /* "then" is known when all of them are there */
	return true;
}

/* The first operation of a block that needs a fence; block->count: none does. */
static u32 first_fenced(const struct split *s, u32 block)
{
	for (u32 i = 0; i < s->kernel[block]; i++)
		if (needs_fence(s, &s->ir->blocks[block].ops[i]))
			return i;
	return s->ir->blocks[block].count;
}

static bool uncover(bool *covered, u32 block, bool from)
{
	if (block == FT_IR_NONE || from || !covered[block])
		return false;
	covered[block] = false;
	return true;
}

/*
 * The blocks that are behind a fence already, whatever way leads there: who was not behind when
 * the handler came by one has nothing to do that is older than its event.
 */
static bool *find_covered(struct ft_arena *arena, const struct split *s)
{
	bool *covered = ft_arena_alloc(arena, s->ir->block_count + 1, sizeof(*covered));
	bool changed = covered != NULL;

	for (u32 b = 1; covered && b < s->ir->block_count; b++)
		covered[b] = true;
	while (changed) {
		changed = false;
		for (u32 b = 0; b < s->ir->block_count; b++) {
			const struct ft_ir_block *block = &s->ir->blocks[b];
			bool behind = covered[b] || first_fenced(s, b) < block->count;

			for (u32 i = 0; i < s->kernel[b]; i++) {
				changed |= uncover(covered, block->ops[i].then, behind);
				changed |= uncover(covered, block->ops[i].other, behind);
			}
			changed |= s->kernel[b] && uncover(covered, block->catch, covered[b]);
		}
	}
	return covered;
}

/* Splits a block where its fence is. */
static bool split_block(struct builder *w, const struct split *s, u32 block, bool is_covered)
{
	const struct ft_ir_block *b = &s->ir->blocks[block];
	u32 at = is_covered ? b->count : first_fenced(s, block);
	struct ft_ir_block *part;

	if (at == b->count)
		return add_block(w, b, b->ops, b->count);
	part = add_block(w, b, b->ops, at);
	return part && add_fence(w, part) && add_block(w, b, b->ops + at, b->count - at);
}

static void renumber(u32 *block, const u32 *now)
{
	if (*block != FT_IR_NONE)
		*block = now[*block];
}

/* Where user space takes over: it goes on behind the fence. */
static bool add_slow(struct builder *w, u32 fast)
{
	struct ft_ir_block *b = add_block(w, &w->blocks[fast], NULL, 0);
	const struct ft_ir_block *before = &w->blocks[fast - 1];

	if (!b)
		return false;
	b->ops[b->count++] = plain(FT_IR_HAND_OVER);
	b->ops[b->count] = plain(FT_IR_JUMP);
	b->ops[b->count++].then = fast;
	before->ops[before->count - 1].then = w->count - 1;
	return true;
}

static int build(struct ft_arena *arena, const struct uses *uses, struct ft_ir *ir)
{
	struct split s = {.uses = uses};
	struct builder w = {.arena = arena, .ir = ir};
	u32 *now = ft_arena_alloc(arena, ir->block_count + 1, sizeof(*now)), whole = 0;
	bool *covered;

	if (!now || find_split(&s, arena, ir))
		return -ENOMEM;
	covered = find_covered(arena, &s);
	if (!covered)
		return -ENOMEM;
	for (u32 b = 0; b < ir->block_count; b++) {
		now[b] = w.count;
		if (!split_block(&w, &s, b, covered[b]))
			return -ENOMEM;
	}
	if (!w.fast_count)
		return 0;
	whole = w.count;
	for (u32 b = 0; b < whole; b++) {
		struct ft_ir_block *block = &w.blocks[b];

		renumber(&block->catch, now);
		for (u32 i = 0; i < block->count; i++) {
			renumber(&block->ops[i].then, now);
			if (i + 1 < block->count || block->ops[i].kind != FT_IR_BRANCH || !i ||
			    block->ops[i - 1].kind != FT_IR_FENCE)
				renumber(&block->ops[i].other, now);
		}
	}
	for (u32 i = 0; i < w.fast_count; i++)
		if (!add_slow(&w, w.fast[i]))
			return -ENOMEM;
	ir->blocks = w.blocks;
	ir->block_count = w.count;
	return 0;
}

int ft_place_fences(struct ft_arena *arena, struct ft_ir_program *program)
{
	const struct ft_program *p = program->program;
	struct uses *uses = ft_arena_alloc(arena, p->global_count + 1, sizeof(*uses));
	bool changed = true;
	int code = uses ? 0 : -ENOMEM;

	while (changed && !code)
		code = find_fenced(arena, program, uses, &changed);
	if (!code) {
		note_early(p, uses);
		note_touching(program);
	}
	for (u32 h = 0; h < p->handler_count && !code; h++)
		if (program->handlers[h]->side == FT_SIDE_KERNEL && !program->handlers[h]->is_fired)
			code = build(arena, uses, program->handlers[h]);
	return code;
}

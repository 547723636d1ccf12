/*
 * place_sizes.c - how large strings can get: registers, variables, and the records that carry them;
 * see ir.h.
 *
 * Sizes grow from what strings are made of, until nothing grows any more.
 */
#include <string.h>

#include "scriptlang/codegen/bpf.h"
#include "scriptlang/ir/place.h"
#include "scriptlang/kernel/abi.h"

struct sizer {
	u32 most; /* MAXSTRINGLEN */
	bool changed;
};

static u32 round_up(u32 bytes)
{
	return (bytes + 7) & ~7u;
}

/* References may be larger than strings: what they stand for is cut instead. */
static void grow(struct sizer *s, u32 *bytes, u32 wanted, bool is_ref)
{
	if (wanted > s->most && !is_ref)
		wanted = s->most;
	if (*bytes >= wanted)
		return;
	*bytes = wanted;
	s->changed = true;
}

static u32 size_of(const struct sizer *s, const struct ft_ir *ir, const struct ft_ir_op *op)
{
	switch (op->kind) {
	case FT_IR_TEXT:
		return op->expr ? round_up((u32)strnlen(op->expr->text, op->expr->len) + 1) : 8;
	case FT_IR_MOVE:
		return ir->regs[op->a].bytes;
	case FT_IR_GET:
		return op->var->value_bytes;
	case FT_IR_SPRINT:
		return op->in_kernel ? ft_bpf_format_room(op->expr, ir, op->args) : s->most;
	case FT_IR_CONCAT:
		return ir->regs[op->a].bytes + ir->regs[op->b].bytes;
	case FT_IR_BUILTIN:
		if (!strcmp(op->builtin->name, "substr"))
			return ir->regs[op->args[0]].bytes;
		return op->builtin->bytes ? op->builtin->bytes : s->most;
	default:
		return s->most;
	}
}

static void size_op(struct sizer *s, struct ft_ir *ir, const struct ft_ir_op *op)
{
	struct ft_var *v = op->var;

	if (op->kind == FT_IR_CONCAT)
		ir->regs[op->dst].room = ir->regs[op->a].bytes + ir->regs[op->b].bytes;
	if (op->kind == FT_IR_SPRINT && op->in_kernel)
		ir->regs[op->dst].room = ft_bpf_format_room(op->expr, ir, op->args);

	if (op->kind == FT_IR_STEP) {
		for (u32 i = 0; i < op->arg_count; i++)
			if (op->args[i] != FT_IR_NONE &&
			    ir->regs[op->args[i]].type == FT_TYPE_STRING)
				grow(s, &ir->regs[op->args[i]].bytes, s->most, false);
		return;
	}
	if (op->dst != FT_IR_NONE && ir->regs[op->dst].type == FT_TYPE_STRING)
		grow(s, &ir->regs[op->dst].bytes, size_of(s, ir, op), ir->regs[op->dst].is_ref);
	if (!v)
		return;
	if (op->kind == FT_IR_SET && v->type == FT_TYPE_STRING)
		grow(s, &v->value_bytes, ir->regs[op->a].bytes, v->holds_refs);
	if (op->kind != FT_IR_SET && op->kind != FT_IR_INCREASE && op->kind != FT_IR_FEED)
		return;
	for (u32 i = 0; i < op->arg_count; i++)
		if (op->args[i] != FT_IR_NONE && v->keys[i] == FT_TYPE_STRING)
			grow(s, &v->key_bytes[i], ir->regs[op->args[i]].bytes, v->key_refs[i]);
}

static void size_ir(struct sizer *s, struct ft_ir *ir)
{
	for (u32 b = 0; b < ir->block_count; b++)
		for (u32 i = 0; i < ir->blocks[b].count; i++)
			size_op(s, ir, &ir->blocks[b].ops[i]);
}

static void size_globals(struct sizer *s, const struct ft_program *program)
{
	for (u32 i = 0; i < program->global_count; i++) {
		struct ft_var *v = program->globals[i];

		v->value_bytes = 8;
		if (v->global->init && v->global->init->kind == FT_EXPR_STRING)
			grow(s, &v->value_bytes, round_up(v->global->init->len + 1), false);
		for (int k = 0; k < v->key_count; k++)
			v->key_bytes[k] = 8;
	}
}

static u32 bytes_of(const struct ft_ir *ir, u32 reg)
{
	return ir->regs[reg].type == FT_TYPE_STRING ? ir->regs[reg].bytes : 8;
}

static void size_records(struct ft_ir_program *program)
{
	for (u32 i = 1; i < program->site_count; i++) {
		struct ft_ir_site *site = program->sites[i];

		site->bytes = sizeof(struct ft_record_head);
		for (u32 k = 0; k < site->reg_count; k++)
			site->bytes += bytes_of(site->ir, site->regs[k]);
		for (u32 k = 0; k < site->hoist_count; k++)
			site->bytes += bytes_of(site->ir, site->hoists[k].reg);
	}
}

void ft_place_sizes(struct ft_ir_program *program, u32 string_bytes)
{
	struct sizer s = {.most = round_up(string_bytes)};
	const struct ft_program *p = program->program;

	size_globals(&s, p);
	for (u32 i = 0; i < program->function_count; i++)
		for (u32 r = 0; r < program->functions[i]->reg_count; r++)
			program->functions[i]->regs[r].bytes = s.most;
	for (u32 i = 0; i < p->handler_count; i++)
		for (u32 r = 0; r < program->handlers[i]->reg_count; r++)
			program->handlers[i]->regs[r].bytes = 8;
	do {
		s.changed = false;
		for (u32 i = 0; i < p->handler_count; i++)
			size_ir(&s, program->handlers[i]);
		for (u32 i = 0; i < program->function_count; i++)
			size_ir(&s, program->functions[i]);
	} while (s.changed);
	size_records(program);
}

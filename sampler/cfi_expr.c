/*
 * cfi_expr.c - understands the DWARF expressions that occur in unwind information.
 *
 * The BPF unwinder cannot run expressions, but compilers and assembler authors use few forms of
 * them: a word in memory at a register plus an offset (stack realignment, signal frames, perlasm),
 * the same with a scaled index (multi-word multiplication in libcrypto), and the linker's
 * description of PLT stubs. So an expression is run over symbolic values; one that leaves these
 * forms is reported as such. There are no loops: branches are not followed. Formats: DWARF 5,
 * section 2.5 and 7.7.1.
 */
#include "sampler/cfi_frames.h"

#define STACK_MAX 8

enum {
	OP_DEREF = 0x06,
	OP_CONST1U = 0x08,
	OP_CONST1S = 0x09,
	OP_CONST2U = 0x0a,
	OP_CONST2S = 0x0b,
	OP_CONST4U = 0x0c,
	OP_CONST4S = 0x0d,
	OP_CONST8U = 0x0e,
	OP_CONST8S = 0x0f,
	OP_CONSTU = 0x10,
	OP_CONSTS = 0x11,
	OP_AND = 0x1a,
	OP_MINUS = 0x1c,
	OP_MUL = 0x1e,
	OP_PLUS = 0x22,
	OP_PLUS_UCONST = 0x23,
	OP_SHL = 0x24,
	OP_GE = 0x2a,
	OP_LIT0 = 0x30,
	OP_LIT31 = 0x4f,
	OP_BREG0 = 0x70,
	OP_BREG31 = 0x8f,
	OP_BREGX = 0x92,
	OP_NOP = 0x96,
};

/* A number, or a term with numbers added. */
enum term { TERM_CONST, TERM_REG, TERM_CFA, TERM_INDEX, TERM_REG_INDEX, TERM_MEM, TERM_MEM_INDEX };

struct value {
	enum term term;
	u8 reg, index;
	s64 offset; /* added to the address in TERM_MEM*, else to the value */
	s64 add;    /* TERM_MEM*: added to what is in memory */
};

struct stack {
	struct value values[STACK_MAX];
	unsigned int count;
	bool bad;
};

static void push(struct stack *s, struct value value)
{
	if (s->count < STACK_MAX)
		s->values[s->count++] = value;
	else
		s->bad = true;
}

static void push_const(struct stack *s, s64 number)
{
	push(s, (struct value){.term = TERM_CONST, .offset = number});
}

static void push_reg(struct stack *s, u64 reg, s64 offset)
{
	if (reg >= 32)
		s->bad = true;
	else
		push(s, (struct value){.term = TERM_REG, .reg = (u8)reg, .offset = offset});
}

static struct value pop(struct stack *s)
{
	if (s->count)
		return s->values[--s->count];
	s->bad = true;
	return (struct value){.term = TERM_CONST};
}

static void add_const(struct stack *s, struct value *value, s64 number)
{
	bool in_memory = value->term == TERM_MEM || value->term == TERM_MEM_INDEX;

	if (__builtin_add_overflow(in_memory ? value->add : value->offset, number,
				   in_memory ? &value->add : &value->offset))
		s->bad = true;
}

static void op_plus(struct stack *s)
{
	struct value b = pop(s), a = pop(s);

	if (a.term == TERM_CONST || (a.term == TERM_INDEX && b.term == TERM_REG)) {
		struct value swap = a;

		a = b;
		b = swap;
	}
	if (b.term == TERM_CONST) {
		add_const(s, &a, b.offset);
	} else if (a.term == TERM_REG && b.term == TERM_INDEX) {
		a.term = TERM_REG_INDEX;
		a.index = b.index;
		add_const(s, &a, b.offset);
	} else {
		s->bad = true;
	}
	push(s, a);
}

static void op_minus(struct stack *s)
{
	struct value b = pop(s), a = pop(s);

	if (b.term != TERM_CONST || b.offset == INT64_MIN)
		s->bad = true;
	else
		add_const(s, &a, -b.offset);
	push(s, a);
}

/* Multiplication: only register * 8, the index of a word. */
static void op_scale(struct stack *s, s64 eight)
{
	struct value b = pop(s), a = pop(s);

	if (a.term != TERM_REG || a.offset || b.term != TERM_CONST || b.offset != eight)
		s->bad = true;
	push(s, (struct value){.term = TERM_INDEX, .index = a.reg});
}

static void op_deref(struct stack *s)
{
	struct value a = pop(s);

	if (a.term == TERM_REG)
		a.term = TERM_MEM;
	else if (a.term == TERM_REG_INDEX)
		a.term = TERM_MEM_INDEX;
	else
		s->bad = true;
	push(s, a);
}

static void run_op(struct stack *s, struct cfi_bytes *b, u8 op)
{
	struct value *top = s->count ? &s->values[s->count - 1] : NULL;
	u64 number;

	switch (op) {
	case OP_DEREF:
		op_deref(s);
		break;
	case OP_CONST1U:
		push_const(s, cfi_u8(b));
		break;
	case OP_CONST1S:
		push_const(s, (int8_t)cfi_u8(b));
		break;
	case OP_CONST2U:
		push_const(s, cfi_u16(b));
		break;
	case OP_CONST2S:
		push_const(s, (int16_t)cfi_u16(b));
		break;
	case OP_CONST4U:
		push_const(s, cfi_u32(b));
		break;
	case OP_CONST4S:
		push_const(s, (s32)cfi_u32(b));
		break;
	case OP_CONST8U:
	case OP_CONST8S:
		push_const(s, (s64)cfi_u64(b));
		break;
	case OP_CONSTU:
		push_const(s, (s64)cfi_uleb(b));
		break;
	case OP_CONSTS:
		push_const(s, cfi_sleb(b));
		break;
	case OP_PLUS:
		op_plus(s);
		break;
	case OP_MINUS:
		op_minus(s);
		break;
	case OP_MUL:
		op_scale(s, 8);
		break;
	case OP_SHL:
		op_scale(s, 3);
		break;
	case OP_BREGX:
		number = cfi_uleb(b);
		push_reg(s, number, cfi_sleb(b));
		break;
	case OP_PLUS_UCONST:
		number = cfi_uleb(b);
		if (top)
			add_const(s, top, (s64)number);
		s->bad |= !top || number > INT64_MAX;
		break;
	case OP_NOP:
		break;
	default:
		s->bad = true;
	}
}

/*
 * The PLT stub that all x86-64 linkers describe so: it pushes one word, from some offset in the
 * stub on. breg7 8; breg16 0; lit15; and; litN; ge; lit3; shl; plus
 */
static bool is_plt(const u8 *data, size_t len, struct cfi_expr *expr)
{
	static const u8 form[] = {OP_BREG0 + FT_CFI_X86_SP,
				  8,
				  OP_BREG0 + 16,
				  0,
				  OP_LIT0 + 15,
				  OP_AND,
				  0,
				  OP_GE,
				  OP_LIT0 + 3,
				  OP_SHL,
				  OP_PLUS};

	if (len != sizeof(form) || memcmp(data, form, 6) || memcmp(data + 7, form + 7, 4) ||
	    data[6] < OP_LIT0 || data[6] > OP_LIT0 + 15)
		return false;
	*expr = (struct cfi_expr){
		.kind = CFI_EXPR_PLT, .reg = FT_CFI_X86_SP, .offset = 8, .add = data[6] - OP_LIT0};
	return true;
}

struct cfi_expr cfi_expr_parse(const u8 *data, size_t len, bool cfa_first)
{
	static const u8 kinds[] = {[TERM_REG] = CFI_EXPR_REG,
				   [TERM_CFA] = CFI_EXPR_CFA,
				   [TERM_MEM] = CFI_EXPR_MEM,
				   [TERM_MEM_INDEX] = CFI_EXPR_INDEXED};
	struct cfi_expr expr = {.kind = CFI_EXPR_OTHER};
	struct cfi_bytes b = {.at = data, .end = data + len};
	struct stack s = {.count = 0};
	struct value top;

	if (!cfa_first && is_plt(data, len, &expr))
		return expr;
	if (cfa_first)
		push(&s, (struct value){.term = TERM_CFA});
	while (b.at < b.end && !s.bad) {
		u8 op = cfi_u8(&b);

		if (op >= OP_LIT0 && op <= OP_LIT31)
			push_const(&s, op - OP_LIT0);
		else if (op >= OP_BREG0 && op <= OP_BREG31)
			push_reg(&s, op - OP_BREG0, cfi_sleb(&b));
		else
			run_op(&s, &b, op);
	}
	top = pop(&s);
	if (b.bad || s.bad || top.term >= FT_ARRAY_LEN(kinds))
		return expr;
	expr.kind = kinds[top.term];
	expr.reg = top.reg;
	expr.index = top.index;
	expr.offset = top.offset;
	expr.add = top.add;
	return expr;
}

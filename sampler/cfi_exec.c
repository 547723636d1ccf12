/*
 * cfi_exec.c - runs the instructions of call frame information.
 *
 * The instructions of a function are run once, in order, over a rule that they change; a row is
 * made when the address advances after a change. Only the CFA, fp, bx, sp and the return address
 * are followed. Values that a rule cannot hold become LOST or BAD, never something near. Time is
 * linear in the number of bytes: nothing is read twice. Format: DWARF 5 section 6.4.2; vendor
 * instructions in LSB "DWARF Extensions" and "DWARF for the Arm 64-bit Architecture".
 */
#include <elf.h>

#include "sampler/cfi_frames.h"

#define REMEMBER_MAX 64 /* nested DW_CFA_remember_state */

enum {
	/* In the two highest bits, with an operand in the others. */
	CFA_ADVANCE_LOC = 1,
	CFA_OFFSET = 2,
	CFA_RESTORE = 3,

	CFA_NOP = 0x00,
	CFA_SET_LOC = 0x01,
	CFA_ADVANCE_LOC1 = 0x02,
	CFA_ADVANCE_LOC2 = 0x03,
	CFA_ADVANCE_LOC4 = 0x04,
	CFA_OFFSET_EXTENDED = 0x05,
	CFA_RESTORE_EXTENDED = 0x06,
	CFA_UNDEFINED = 0x07,
	CFA_SAME_VALUE = 0x08,
	CFA_REGISTER = 0x09,
	CFA_REMEMBER_STATE = 0x0a,
	CFA_RESTORE_STATE = 0x0b,
	CFA_DEF_CFA = 0x0c,
	CFA_DEF_CFA_REGISTER = 0x0d,
	CFA_DEF_CFA_OFFSET = 0x0e,
	CFA_DEF_CFA_EXPRESSION = 0x0f,
	CFA_EXPRESSION = 0x10,
	CFA_OFFSET_EXTENDED_SF = 0x11,
	CFA_DEF_CFA_SF = 0x12,
	CFA_DEF_CFA_OFFSET_SF = 0x13,
	CFA_VAL_OFFSET = 0x14,
	CFA_VAL_OFFSET_SF = 0x15,
	CFA_VAL_EXPRESSION = 0x16,
	CFA_MIPS_ADVANCE_LOC8 = 0x1d,
	CFA_AARCH64_NEGATE_RA_STATE_WITH_PC = 0x2c,
	CFA_AARCH64_NEGATE_RA_STATE = 0x2d,
	CFA_GNU_ARGS_SIZE = 0x2e,
	CFA_GNU_NEGATIVE_OFFSET_EXTENDED = 0x2f,
};

struct exec {
	const struct cfi_machine *machine;
	const struct cfi_cie *cie;
	struct cfi_rows *rows; /* NULL: the initial instructions of a CIE */
	u64 here; /* address of the first byte of the section, less its place in memory */
	u64 base; /* address of pc 0 */
	u64 pc, end;
	bool is_changed; /* since the last row */
	bool is_done;	 /* the function's end is reached */
	bool bad;
	unsigned int remembered;
	struct cfi_state state;
	struct cfi_state stack[REMEMBER_MAX];
};

/* ---- rules ---- */

static void cfa_set(struct exec *x, enum ft_cfi_cfa kind, u64 reg, u8 index, s64 offset, s64 add)
{
	struct ft_cfi_rule *r = &x->state.rule;

	x->is_changed = true;
	if (reg > x->machine->reg_max || offset != (s32)offset || add != (int16_t)add ||
	    index > 15 || index > x->machine->reg_max)
		kind = FT_CFI_CFA_BAD;
	r->cfa_kind = kind & 7;
	r->cfa_reg = reg & 31;
	r->cfa_index = index & 15u;
	r->cfa_offset = (s32)offset;
	r->cfa_add = (int16_t)add;
}

static void cfa_set_reg(struct exec *x, u64 reg, s64 offset)
{
	x->state.cfa_is_expr = false;
	x->state.cfa_reg = reg;
	x->state.cfa_offset = offset;
	cfa_set(x, FT_CFI_CFA_REG, reg, 0, offset, 0);
}

/*
 * Register or offset alone. After an expression DWARF allows neither, but libgcrypt's code has it,
 * and libgcc (the unwinder of C++ exceptions) lets the register end the expression and the offset
 * wait for a register.
 */
static void cfa_change_reg(struct exec *x, u64 reg)
{
	cfa_set_reg(x, reg, x->state.cfa_offset);
}

static void cfa_change_offset(struct exec *x, s64 offset)
{
	struct ft_cfi_rule *r = &x->state.rule;

	if (!x->state.cfa_is_expr && (r->cfa_kind != FT_CFI_CFA_REG || offset != (s32)offset)) {
		cfa_set_reg(x, x->state.cfa_reg, offset);
		return;
	}
	x->state.cfa_offset = offset;
	if (x->state.cfa_is_expr)
		return;
	r->cfa_offset = (s32)offset;
	x->is_changed = true;
}

static void cfa_set_expr(struct exec *x, const struct cfi_expr *expr)
{
	static const u8 kinds[] = {
		[CFI_EXPR_OTHER] = FT_CFI_CFA_BAD,	 [CFI_EXPR_REG] = FT_CFI_CFA_REG,
		[CFI_EXPR_CFA] = FT_CFI_CFA_BAD,	 [CFI_EXPR_MEM] = FT_CFI_CFA_DEREF,
		[CFI_EXPR_INDEXED] = FT_CFI_CFA_INDEXED, [CFI_EXPR_PLT] = FT_CFI_CFA_PLT};

	x->state.cfa_is_expr = true;
	cfa_set(x, kinds[expr->kind], expr->reg, expr->index, expr->offset, expr->add);
}

/* Says where a register of the caller is. base: register of AT_REG and IN_REG; offset in bytes. */
static void reg_set(struct exec *x, u64 reg, u8 kind, u64 base, s64 offset)
{
	struct ft_cfi_rule *r = &x->state.rule;
	cfi_words words = (cfi_words)(offset / 8);

	if (reg > 31 || !(x->cie->tracked >> reg & 1)) {
		x->state.saves_eh_data |= reg == x->machine->eh_data;
		return;
	}
	x->is_changed = true;
	if (words * 8 != offset || base > x->machine->reg_max ||
	    (kind == FT_CFI_IS_CFA && reg == x->cie->ra)) {
		kind = FT_CFI_LOST;
		words = 0;
		base = 0;
	}
	if (reg == x->cie->ra) {
		r->ra_kind = kind & 7u;
		r->ra_reg = base & 31;
		r->ra_words = words;
	} else if (reg == x->machine->fp) {
		r->fp_kind = kind & 7u;
		r->fp_reg = base & 31;
		r->fp_words = words;
	} else if (reg == x->machine->sp) {
		x->state.sp_kind = kind;
		x->state.sp_reg = (u8)base;
		x->state.sp_words = words;
	} else {
		/* A rule has less room for bx: DRAP frames have it relative to fp. */
		bool fits =
			kind <= FT_CFI_LOST && (kind != FT_CFI_AT_REG || base == x->machine->fp);

		r->bx_kind = fits ? kind & 3u : FT_CFI_LOST;
		r->bx_words = fits ? words : 0;
	}
}

/*
 * In another register, or unchanged. The return address and sp have no "unchanged": they are in
 * their own register.
 */
static void reg_set_in(struct exec *x, u64 reg, u64 other)
{
	if (reg == other && (reg == x->machine->fp || reg == x->machine->bx))
		reg_set(x, reg, FT_CFI_SAME, 0, 0);
	else
		reg_set(x, reg, FT_CFI_IN_REG, other, 0);
}

static void reg_set_offset(struct exec *x, u64 reg, u8 kind, s64 factored)
{
	s64 offset;

	if (__builtin_mul_overflow(factored, x->cie->data_align, &offset))
		offset = INT64_MAX; /* nothing that a rule can hold */
	reg_set(x, reg, kind, 0, offset);
}

static void reg_set_expr(struct exec *x, u64 reg, const struct cfi_expr *expr)
{
	if (expr->kind == CFI_EXPR_REG)
		reg_set(x, reg, FT_CFI_AT_REG, expr->reg, expr->offset);
	else if (expr->kind == CFI_EXPR_CFA)
		reg_set(x, reg, FT_CFI_AT_CFA, 0, expr->offset);
	else
		reg_set(x, reg, FT_CFI_LOST, 0, 0);
}

/* The value itself as an expression: of sp (GHC's code has such), nothing of the others. */
static void reg_set_value(struct exec *x, u64 reg, const struct cfi_expr *expr)
{
	if (reg == x->machine->sp && expr->kind == CFI_EXPR_REG)
		reg_set(x, reg, CFI_IS_REG, expr->reg, expr->offset);
	else if (reg == x->machine->sp && expr->kind == CFI_EXPR_MEM && !expr->add)
		reg_set(x, reg, FT_CFI_AT_REG, expr->reg, expr->offset);
	else
		reg_set(x, reg, FT_CFI_LOST, 0, 0);
}

/*
 * What the CIE said. A function that has saved the registers which hand an exception to its
 * handler, and then takes the frame pointer back, is one of an unwinder that jumps to a landing
 * pad (__builtin_eh_return). Nothing was called there: the instruction before may be of other code.
 */
static void reg_restore(struct exec *x, u64 reg)
{
	const struct cfi_state *initial = &x->cie->initial;
	struct ft_cfi_rule *r = &x->state.rule;

	x->bad |= !x->rows;
	if (reg > 31 || !(x->cie->tracked >> reg & 1))
		return;
	x->is_changed = true;
	if (reg == x->cie->ra) {
		r->ra_kind = initial->rule.ra_kind;
		r->ra_reg = initial->rule.ra_reg;
		r->ra_words = initial->rule.ra_words;
	} else if (reg == x->machine->fp) {
		r->fp_kind = initial->rule.fp_kind;
		r->fp_reg = initial->rule.fp_reg;
		r->fp_words = initial->rule.fp_words;
		r->signal |= x->state.saves_eh_data;
	} else if (reg == x->machine->sp) {
		x->state.sp_kind = initial->sp_kind;
		x->state.sp_reg = initial->sp_reg;
		x->state.sp_words = initial->sp_words;
	} else {
		r->bx_kind = initial->rule.bx_kind;
		r->bx_words = initial->rule.bx_words;
	}
}

/* ---- instructions ---- */

/* The next instructions are about another address: what was changed so far becomes a row. */
static void advance(struct exec *x, u64 steps)
{
	u64 bytes;

	if (!x->rows) {
		x->bad = true; /* in a CIE */
		return;
	}
	if (x->is_changed)
		cfi_rows_add(x->rows, (u32)x->pc, &x->state);
	x->is_changed = false;
	x->rows->table->stats.source_rows++;
	if (__builtin_mul_overflow(steps, x->cie->code_align, &bytes) || bytes >= x->end - x->pc)
		x->is_done = true;
	else
		x->pc += bytes;
}

static void set_loc(struct exec *x, struct cfi_bytes *b)
{
	u64 pc = cfi_pointer(b, x->cie->fde_encoding, x->here + (u64)(uintptr_t)b->at, 0) - x->base;

	if (b->bad || pc < x->pc || !x->cie->code_align || !x->rows) {
		x->bad = true;
		return;
	}
	advance(x, 0);
	if (pc >= x->end)
		x->is_done = true;
	else
		x->pc = pc;
}

static void remember(struct exec *x)
{
	if (x->remembered < REMEMBER_MAX)
		x->stack[x->remembered++] = x->state;
	else
		x->bad = true;
}

static void restore_state(struct exec *x)
{
	if (x->remembered)
		x->state = x->stack[--x->remembered];
	else
		x->bad = true;
	x->is_changed = true;
}

static struct cfi_expr read_expr(struct cfi_bytes *b, bool cfa_first)
{
	u64 len = cfi_uleb(b);
	const u8 *data = b->at;

	cfi_skip(b, len);
	if (b->bad)
		len = 0; /* an empty expression is none */
	return cfi_expr_parse(data, len, cfa_first);
}

static void negate_ra_state(struct exec *x)
{
	x->bad |= !x->machine->has_ra_state;
	x->state.rule.ra_signed ^= 1;
	x->is_changed = true;
}

static s64 read_factored(struct exec *x, struct cfi_bytes *b)
{
	s64 offset;

	return __builtin_mul_overflow(cfi_sleb(b), x->cie->data_align, &offset) ? INT64_MAX
										: offset;
}

/* Instructions about the CFA. */
static bool exec_cfa(struct exec *x, struct cfi_bytes *b, u8 op)
{
	struct cfi_expr expr;
	u64 reg;

	switch (op) {
	case CFA_DEF_CFA:
		reg = cfi_uleb(b);
		cfa_set_reg(x, reg, (s64)cfi_uleb(b));
		return true;
	case CFA_DEF_CFA_REGISTER:
		cfa_change_reg(x, cfi_uleb(b));
		return true;
	case CFA_DEF_CFA_SF:
		reg = cfi_uleb(b);
		cfa_set_reg(x, reg, read_factored(x, b));
		return true;
	case CFA_DEF_CFA_OFFSET_SF:
		cfa_change_offset(x, read_factored(x, b));
		return true;
	case CFA_DEF_CFA_EXPRESSION:
		expr = read_expr(b, false);
		cfa_set_expr(x, &expr);
		return true;
	default:
		return false;
	}
}

/* Instructions about a register: all have its number first. */
static bool exec_reg(struct exec *x, struct cfi_bytes *b, u8 op)
{
	u64 reg = cfi_uleb(b);
	struct cfi_expr expr;

	switch (op) {
	case CFA_OFFSET_EXTENDED:
		reg_set_offset(x, reg, FT_CFI_AT_CFA, (s64)cfi_uleb(b));
		return true;
	case CFA_OFFSET_EXTENDED_SF:
		reg_set_offset(x, reg, FT_CFI_AT_CFA, cfi_sleb(b));
		return true;
	case CFA_GNU_NEGATIVE_OFFSET_EXTENDED:
		reg_set_offset(x, reg, FT_CFI_AT_CFA, (s64)-cfi_uleb(b));
		return true;
	case CFA_VAL_OFFSET:
		reg_set_offset(x, reg, FT_CFI_IS_CFA, (s64)cfi_uleb(b));
		return true;
	case CFA_VAL_OFFSET_SF:
		reg_set_offset(x, reg, FT_CFI_IS_CFA, cfi_sleb(b));
		return true;
	case CFA_RESTORE_EXTENDED:
		reg_restore(x, reg);
		return true;
	case CFA_UNDEFINED:
		reg_set(x, reg, reg == x->cie->ra ? FT_CFI_ROOT : FT_CFI_LOST, 0, 0);
		return true;
	case CFA_SAME_VALUE:
		reg_set_in(x, reg, reg);
		return true;
	case CFA_REGISTER:
		reg_set_in(x, reg, cfi_uleb(b));
		return true;
	case CFA_EXPRESSION:
		expr = read_expr(b, true);
		reg_set_expr(x, reg, &expr);
		return true;
	case CFA_VAL_EXPRESSION:
		expr = read_expr(b, true);
		reg_set_value(x, reg, &expr);
		return true;
	default:
		return false;
	}
}

/* Instructions that are rare. */
static void exec_rare(struct exec *x, struct cfi_bytes *b, u8 op)
{
	switch (op) {
	case CFA_SET_LOC:
		set_loc(x, b);
		break;
	case CFA_MIPS_ADVANCE_LOC8:
		advance(x, cfi_u64(b));
		break;
	case CFA_GNU_ARGS_SIZE: /* pushed arguments: the CFA has them already */
		cfi_uleb(b);
		break;
	case CFA_AARCH64_NEGATE_RA_STATE:
	case CFA_AARCH64_NEGATE_RA_STATE_WITH_PC:
		negate_ra_state(x);
		break;
	default:
		if (!exec_cfa(x, b, op) && !exec_reg(x, b, op))
			x->bad = true;
	}
}

/*
 * Runs to the end of the instructions or of the function. False: damaged; what is before x->pc is
 * still good. Nearly all instructions are of few kinds: one jump leads to each.
 */
static bool exec_run(struct exec *x, struct cfi_bytes *b)
{
	while (b->at < b->end && !x->is_done) {
		u8 op = *b->at++;

		switch (op) {
		case CFA_ADVANCE_LOC << 6 ... CFA_ADVANCE_LOC << 6 | 0x3f:
			advance(x, op & 0x3f);
			break;
		case CFA_OFFSET << 6 ... CFA_OFFSET << 6 | 0x3f:
			reg_set_offset(x, op & 0x3f, FT_CFI_AT_CFA, (s64)cfi_uleb(b));
			break;
		case CFA_RESTORE << 6 ... CFA_RESTORE << 6 | 0x3f:
			reg_restore(x, op & 0x3f);
			break;
		case CFA_DEF_CFA_OFFSET:
			cfa_change_offset(x, (s64)cfi_uleb(b));
			break;
		case CFA_ADVANCE_LOC1:
			advance(x, cfi_u8(b));
			break;
		case CFA_ADVANCE_LOC2:
			advance(x, cfi_u16(b));
			break;
		case CFA_ADVANCE_LOC4:
			advance(x, cfi_u32(b));
			break;
		case CFA_REMEMBER_STATE:
			remember(x);
			break;
		case CFA_RESTORE_STATE:
			restore_state(x);
			break;
		case CFA_NOP:
			break;
		default:
			exec_rare(x, b, op);
		}
		if (x->bad || b->bad)
			return false;
	}
	return true;
}

/* ---- public ---- */

bool cfi_exec_cie(const struct cfi_machine *machine, struct cfi_cie *cie, struct cfi_bytes *code)
{
	struct exec x;

	memset(&x, 0, offsetof(struct exec, stack));
	x.machine = machine;
	x.cie = cie;
	x.state.rule.cfa_kind = FT_CFI_CFA_BAD; /* until it is said */
	x.state.cfa_is_expr = true;
	x.state.rule.signal = cie->is_signal;
	/*
	 * Without a word about it the return address is where the call left it: on aarch64 in the
	 * register that stands for it (most often lr; glibc's rawmemchr has it in x15), on x86-64
	 * nowhere.
	 */
	x.state.rule.ra_kind = machine->ra_in_reg ? FT_CFI_IN_REG : FT_CFI_ROOT;
	x.state.rule.ra_reg = machine->ra_in_reg ? cie->ra & 31u : 0;
	if (!exec_run(&x, code))
		return false;
	cie->initial = x.state;
	return true;
}

void cfi_exec_fde(const struct cfi_frames *frames, const struct cfi_fde *fde, struct cfi_rows *rows)
{
	const struct cfi_section *section = &frames->sections[fde->section];
	struct cfi_bytes b = {.at = section->data + fde->code_at};
	struct exec x;

	b.end = b.at + fde->code_bytes;
	memset(&x, 0,
	       offsetof(struct exec, stack)); /* the stack is 64 rules, and most often unused */
	x.machine = frames->machine;
	x.cie = &frames->cies[fde->cie];
	x.rows = rows;
	x.here = section->addr - (u64)(uintptr_t)section->data;
	x.base = rows->table->base;
	x.pc = fde->start - x.base;
	x.end = x.pc + fde->bytes;
	x.state = x.cie->initial;
	x.is_changed = true;
	rows->table->stats.source_rows++;
	if (!exec_run(&x, &b))
		cfi_rows_add_fixed(rows, x.pc < rows->from ? rows->from : (u32)x.pc,
				   FT_CFI_RULE_BAD);
	else if (x.is_changed)
		cfi_rows_add(rows, (u32)x.pc, &x.state);
}

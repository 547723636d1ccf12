/*
 * bpf_format.c - sprintf(), sprint() and their kin in the kernel; see bpf_gen.h.
 *
 * A text is made piece after piece, at an offset that is kept in temporary memory: literals and
 * strings are copied, each number is a call of bpf_snprintf() with a format of its own. What that
 * helper cannot do (a precision, '#', a width of strings and characters) is done in user space.
 */
#include <stdio.h>
#include <string.h>

#include "scriptlang/codegen/bpf_gen.h"

#define NUMBER_BYTES 24 /* the longest one, with NUL, as a multiple of 8 */
#define WIDTH_MAX 64
#define PIECES_MAX 200
#define TEMP_OFFSET 0
#define TEMP_NUMBER 8

struct piece {
	const char *text; /* a literal; NULL: arg */
	u32 len;
	const struct ft_directive *d; /* of arg; NULL: as it is */
	u32 arg;		      /* its place among the arguments */
	bool is_number;
};

struct pieces {
	struct piece items[PIECES_MAX];
	u32 count;
	bool fits; /* all of it can be done here */
};

static struct piece *push(struct pieces *p)
{
	if (p->count == PIECES_MAX) {
		p->fits = false;
		return &p->items[0];
	}
	return &p->items[p->count++];
}

static void push_text(struct pieces *p, const char *text, u32 len)
{
	if (len)
		*push(p) = (struct piece){.text = text, .len = (u32)strnlen(text, len)};
}

static void push_arg(struct pieces *p, const struct ft_expr *e, u32 arg,
		     const struct ft_directive *d)
{
	bool is_number = e->args[arg]->type == FT_TYPE_LONG;

	if (d && d->conv == 'p')
		push_text(p, "0x", 2);
	*push(p) = (struct piece){.arg = arg, .d = d, .is_number = is_number};
	if (!d)
		return;
	if (d->conv == 'c') {
		p->fits &= is_number && !d->width_arg && d->width <= 1 && !d->alternate;
		return;
	}
	p->fits &=
		!d->width_arg && !d->precision_arg && d->precision < 0 && d->width <= WIDTH_MAX &&
		(!d->alternate || (strchr("xX", d->conv) && d->width <= 0)) &&
		(d->conv != 'p' || d->width <= 0) &&
		(is_number ? strchr("diuxXp", d->conv) != NULL : d->conv == 's' && d->width <= 0);
}

static void cut(const struct ft_expr *e, struct pieces *p)
{
	const struct ft_print *print = e->print;
	u32 arg = 0;

	*p = (struct pieces){.fits = true};
	for (u32 i = 0; i < print->directive_count; i++) {
		const struct ft_directive *d = &print->directives[i];

		if (d->conv && arg < e->arg_count)
			push_arg(p, e, arg++, d);
		else
			push_text(p, d->text, d->len);
	}
	for (u32 i = 0; !print->has_format && i < e->arg_count; i++) {
		if (i && print->delimiter)
			push_text(p, print->delimiter, print->delimiter_len);
		push_arg(p, e, i, NULL);
	}
	if (print->newline)
		push_text(p, "\n", 1);
}

bool ft_bpf_format_fits(const struct ft_expr *e)
{
	struct pieces p;

	cut(e, &p);
	return p.fits;
}

/* Bytes that a piece may have, with what is written behind it. */
static u32 room_of(const struct piece *p, const struct ft_ir *ir, const u32 *args)
{
	u32 width = p->d && p->d->width > 0 ? (u32)p->d->width : 0;

	if (p->text)
		return (p->len + 8) & ~7u;
	if (!p->is_number)
		return ir->regs[args[p->arg]].bytes;
	if (p->d && p->d->conv == 'c')
		return 8;
	return width + NUMBER_BYTES;
}

u32 ft_bpf_format_room(const struct ft_expr *e, const struct ft_ir *ir, const u32 *args)
{
	struct pieces p;
	u32 room = 8;

	cut(e, &p);
	for (u32 i = 0; i < p.count; i++)
		room += room_of(&p.items[i], ir, args);
	return (room + 7) & ~7u;
}

/* Where a format stands among those of the script. */
static u32 place_format(struct ft_gen *g, const char *format)
{
	struct ft_bpf_formats *f = g->maps->formats;
	u32 len = (u32)strlen(format) + 1, at = 0;

	while (at < f->bytes && strcmp(f->text + at, format) != 0)
		at += (u32)strlen(f->text + at) + 1;
	if (at + len > sizeof(f->text)) {
		ft_sema_fail(g->compile, g->ir->handler->at, "identifier",
			     "too many formats in handlers of the kernel");
		return 0;
	}
	if (at == f->bytes) {
		memcpy(f->text + at, format, len);
		f->bytes += len;
	}
	return at;
}

/* r3 = the format of a number; "%#x" puts 0x before it. */
static void gen_format_address(struct ft_gen *g, bool alternate, const char *format)
{
	char prefixed[40];

	snprintf(prefixed, sizeof(prefixed), "0%c%s", format[strlen(format) - 1], format);
	ft_bpf_map_value(&g->code, BPF_REG_3, g->maps->texts,
			 place_format(g, alternate ? prefixed : format));
}

/* r0 = bytes of a number that is written to r1. */
static void gen_number(struct ft_gen *g, const struct piece *p, u32 reg)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_directive *d = p->d;
	u32 room = NUMBER_BYTES + (d && d->width > 0 ? (u32)d->width : 0);
	struct ft_memory m;
	char format[32], width[16] = "";

	if (d && d->width > 0)
		snprintf(width, sizeof(width), "%d", d->width);
	snprintf(format, sizeof(format), "%%%s%s%s%s%sll%c", d && d->left ? "-" : "",
		 d && d->plus ? "+" : "", d && d->space ? " " : "", d && d->zero ? "0" : "", width,
		 !d || d->conv == 'i' ? 'd'
		 : d->conv == 'p'     ? 'x'
				      : d->conv);
	ft_bpf_mov(c, BPF_REG_3, ft_gen_get(g, reg, BPF_REG_3));
	m = ft_gen_temp(g, TEMP_NUMBER, BPF_REG_4);
	ft_bpf_store(c, FT_BPF_8, m.base, m.off, BPF_REG_3);
	ft_gen_address(g, BPF_REG_4, ft_gen_temp(g, TEMP_NUMBER, BPF_REG_4));
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_2, (s32)room);
	gen_format_address(g, d && d->alternate, format);
	ft_bpf_alu_imm(c, BPF_MOV, BPF_REG_5, 8);
	ft_bpf_call(c, BPF_FUNC_snprintf);
	ft_gen_len(c);
}

/* The same of a character; the one with the code 0 ends the text. */
static void gen_char(struct ft_gen *g, u32 reg, u32 end)
{
	struct ft_bpf_code *c = &g->code;

	ft_bpf_mov(c, BPF_REG_0, ft_gen_get(g, reg, BPF_REG_0));
	ft_bpf_alu_imm(c, BPF_AND, BPF_REG_0, 255);
	ft_bpf_jump_imm(c, BPF_JEQ, BPF_REG_0, 0, end);
	ft_bpf_store(c, FT_BPF_1, BPF_REG_1, 0, BPF_REG_0);
	ft_bpf_number(c, BPF_REG_0, 1);
}

/* The same of a literal. */
static void gen_literal(struct ft_gen *g, const struct piece *p)
{
	struct ft_bpf_code *c = &g->code;

	for (u32 at = 0; at < p->len; at += 8) {
		u64 word = 0;

		memcpy(&word, p->text + at, p->len - at < 8 ? p->len - at : 8);
		ft_bpf_number(c, BPF_REG_0, (s64)word);
		ft_bpf_store(c, FT_BPF_8, BPF_REG_1, (s32)at, BPF_REG_0);
	}
	ft_bpf_number(c, BPF_REG_0, p->len);
}

void ft_gen_format(struct ft_gen *g, const struct ft_ir_op *op)
{
	struct ft_bpf_code *c = &g->code;
	const struct ft_home *home = &g->homes[op->dst];
	u32 room = g->ir->regs[op->dst].room, before = 0, end = ft_bpf_label(c);
	struct pieces p;
	struct ft_memory m;

	if (home->kind != FT_HOME_SLOT)
		return;
	cut(op->expr, &p);
	ft_gen_zero(g, ft_gen_memory(g, home, BPF_REG_1), room);
	m = ft_gen_temp(g, TEMP_OFFSET, BPF_REG_1);
	ft_bpf_store_imm(c, FT_BPF_8, m.base, m.off, 0);
	for (u32 i = 0; i < p.count; i++) {
		const struct piece *piece = &p.items[i];

		m = ft_gen_temp(g, TEMP_OFFSET, BPF_REG_0);
		ft_bpf_load(c, FT_BPF_8, BPF_REG_0, m.base, m.off);
		/* It never is; the verifier does not know. */
		ft_bpf_jump_imm(c, BPF_JGT, BPF_REG_0, (s32)before, end);
		ft_gen_address(g, BPF_REG_1, ft_gen_memory(g, home, BPF_REG_1));
		ft_bpf_alu(c, BPF_ADD, BPF_REG_1, BPF_REG_0);
		if (piece->text)
			gen_literal(g, piece);
		else if (piece->is_number && piece->d && piece->d->conv == 'c')
			gen_char(g, op->args[piece->arg], end);
		else if (piece->is_number)
			gen_number(g, piece, op->args[piece->arg]);
		else
			ft_gen_copy(g, op->args[piece->arg]);
		m = ft_gen_temp(g, TEMP_OFFSET, BPF_REG_2);
		ft_bpf_load(c, FT_BPF_8, BPF_REG_1, m.base, m.off);
		ft_bpf_alu(c, BPF_ADD, BPF_REG_1, BPF_REG_0);
		m = ft_gen_temp(g, TEMP_OFFSET, BPF_REG_2);
		ft_bpf_store(c, FT_BPF_8, m.base, m.off, BPF_REG_1);
		before += room_of(piece, g->ir, op->args);
	}
	ft_bpf_bind(c, end);
	ft_gen_cut(g, op->dst);
}

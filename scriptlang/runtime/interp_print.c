/* interp_print.c - print and its kin; see interp_parts.h. */
#include <string.h>

#include "scriptlang/runtime/format.h"
#include "scriptlang/runtime/interp_parts.h"

/* A number of a format that an argument gives. */
static s32 size_of(const struct ft_value *value)
{
	return value->number < 0 ? -1 : value->number > 4096 ? 4096 : (s32)value->number;
}

static void print_format(struct ft_interp *x, const struct ft_activation *a,
			 const struct ft_ir_op *op, struct ft_out *out)
{
	const struct ft_print *p = op->expr->print;
	u32 arg = 0;

	for (u32 i = 0; i < p->directive_count; i++) {
		struct ft_directive d = p->directives[i];

		if (!d.conv) {
			ft_out_bytes(out, d.text, d.len);
			continue;
		}
		if (d.width_arg)
			d.width = size_of(&a->regs[op->args[arg++]]);
		if (d.precision_arg)
			d.precision = size_of(&a->regs[op->args[arg++]]);
		if (d.conv == 'm' || d.conv == 'M')
			ft_interp_fail(x, op->expr,
				       "%%%c needs kernel memory, which user space cannot read",
				       d.conv);
		else
			ft_format_value(out, &d, &a->regs[op->args[arg]]);
		arg++;
	}
}

static void print_plain(const struct ft_activation *a, const struct ft_ir_op *op,
			struct ft_out *out)
{
	const struct ft_print *p = op->expr->print;

	for (u32 i = 0; i < op->arg_count; i++) {
		const struct ft_value *value = &a->regs[op->args[i]];

		if (i && p->delimiter)
			ft_out_bytes(out, p->delimiter, p->delimiter_len);
		if (value->text)
			ft_out_bytes(out, value->text, value->len);
		else
			ft_out_s64(out, value->number);
	}
}

static void print_hist(struct ft_interp *x, const struct ft_activation *a,
		       const struct ft_ir_op *op, struct ft_out *out)
{
	const struct ft_expr *hist = op->expr->print->hist;
	const struct ft_stats *stats = ft_interp_stats(x, a, op);

	if (!stats)
		ft_interp_fail(x, hist, "empty aggregate");
	else
		ft_stats_print(stats, &hist->left->var->stats, hist->hist_linear,
			       x->limits.hist_elision, out);
}

void ft_interp_print(struct ft_interp *x, const struct ft_activation *a, const struct ft_ir_op *op)
{
	const struct ft_print *p = op->expr->print;
	struct ft_out *out = p->to_string ? ft_out_new_memory() : x->out;
	const char *text;
	size_t len;

	if (p->hist)
		print_hist(x, a, op, out);
	else if (p->has_format)
		print_format(x, a, op, out);
	else
		print_plain(a, op, out);
	if (p->newline && !p->hist)
		ft_out_char(out, '\n');
	if (!p->to_string)
		return;
	text = ft_out_memory(out, &len);
	a->regs[op->dst] = ft_interp_string(x, text, len);
	ft_out_close(out);
}

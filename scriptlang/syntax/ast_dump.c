/*
 * ast_dump.c - the tree as a script again: what -p1 prints, and expressions in messages.
 *
 * Every operand stands in parentheses, so that the text says how the script was understood; what is
 * printed can be parsed again.
 */
#include <stdio.h>
#include <string.h>

#include "scriptlang/syntax/parse.h"

static void dump_string(const char *text, u32 len, struct ft_out *out)
{
	ft_out_char(out, '"');
	for (u32 i = 0; i < len; i++) {
		u8 c = (u8)text[i];

		if (c == '"' || c == '\\')
			ft_out_printf(out, "\\%c", c);
		else if (c == '\n')
			ft_out_text(out, "\\n");
		else if (c < ' ' || c >= 0x7f)
			ft_out_printf(out, "\\%03o", c);
		else
			ft_out_char(out, (char)c);
	}
	ft_out_char(out, '"');
}

static void dump_list(struct ft_expr *const *list, const bool *any, u32 count, struct ft_out *out)
{
	for (u32 i = 0; i < count; i++) {
		ft_out_text(out, i ? ", " : "");
		if (!list[i] || (any && any[i]))
			ft_out_char(out, '*');
		else
			ft_expr_dump(list[i], out);
	}
}

static void dump_in_parens(const struct ft_expr *e, struct ft_out *out)
{
	ft_out_char(out, '(');
	ft_expr_dump(e, out);
	ft_out_char(out, ')');
}

static void dump_accesses(const struct ft_expr *e, struct ft_out *out)
{
	for (u32 i = 0; i < e->access_count; i++) {
		if (e->accesses[i].member) {
			ft_out_printf(out, "->%s", e->accesses[i].member);
			continue;
		}
		ft_out_char(out, '[');
		ft_expr_dump(e->accesses[i].index, out);
		ft_out_char(out, ']');
	}
	ft_out_text(out, e->pretty == FT_PRETTY_ONE ? "$" : e->pretty ? "$$" : "");
}

static void dump_target(const struct ft_expr *e, struct ft_out *out)
{
	ft_out_text(out, e->address_of ? "&" : "");
	ft_out_text(out, e->name);
	if (e->left && !e->target_type)
		dump_in_parens(e->left, out);
	if (e->target_type) {
		ft_out_char(out, '(');
		if (e->left) {
			ft_expr_dump(e->left, out);
			ft_out_text(out, ", ");
		}
		dump_string(e->target_type, (u32)strlen(e->target_type), out);
		if (e->target_module) {
			ft_out_text(out, ", ");
			dump_string(e->target_module, (u32)strlen(e->target_module), out);
		}
		ft_out_char(out, ')');
	}
	dump_accesses(e, out);
}

static void dump_size(const char *before, bool by_arg, s32 size, struct ft_out *out)
{
	if (by_arg)
		ft_out_printf(out, "%s*", before);
	else if (size >= 0)
		ft_out_printf(out, "%s%d", before, size);
}

/* A format is written anew from its directives. */
static void dump_format(const struct ft_print *print, struct ft_out *out)
{
	struct ft_out *format = ft_out_new_memory();
	const char *text;
	size_t len;

	for (u32 i = 0; i < print->directive_count; i++) {
		const struct ft_directive *d = &print->directives[i];

		if (!d->conv) {
			if (d->len == 1 && d->text[0] == '%')
				ft_out_char(format, '%');
			ft_out_bytes(format, d->text, d->len);
			continue;
		}
		ft_out_printf(format, "%%%s",
			      d->left	     ? "-"
			      : d->plus	     ? "+"
			      : d->space     ? " "
			      : d->zero	     ? "0"
			      : d->alternate ? "#"
					     : "");
		dump_size("", d->width_arg, d->width, format);
		dump_size(".", d->precision_arg, d->precision, format);
		ft_out_char(format, d->conv);
	}
	text = ft_out_memory(format, &len);
	dump_string(text, (u32)len, out);
	ft_out_close(format);
}

static void dump_print(const struct ft_expr *e, struct ft_out *out)
{
	ft_out_printf(out, "%s(", e->print->name);
	if (e->print->has_format)
		dump_format(e->print, out);
	else if (e->print->delimiter)
		dump_string(e->print->delimiter, e->print->delimiter_len, out);
	if ((e->print->has_format || e->print->delimiter) && e->arg_count)
		ft_out_text(out, ", ");
	dump_list(e->args, NULL, e->arg_count, out);
	ft_out_char(out, ')');
}

static const char *stat_word(enum ft_stat_op op)
{
	static const char *const words[] = {
		[FT_STAT_COUNT] = "@count", [FT_STAT_SUM] = "@sum",
		[FT_STAT_MIN] = "@min",	    [FT_STAT_MAX] = "@max",
		[FT_STAT_AVG] = "@avg",	    [FT_STAT_VARIANCE] = "@variance",
	};

	return words[op];
}

static void dump_hist(const struct ft_expr *e, struct ft_out *out)
{
	ft_out_text(out, e->hist_linear ? "@hist_linear(" : "@hist_log(");
	ft_expr_dump(e->left, out);
	if (e->hist_linear)
		ft_out_printf(out, ", %lld, %lld, %lld", (long long)e->hist_lo,
			      (long long)e->hist_hi, (long long)e->hist_step);
	ft_out_char(out, ')');
}

/* C between "%{" and "%}", as it is written. */
static void dump_embedded(struct ft_span at, struct ft_out *out)
{
	if (at.source && at.len >= 4 && at.at + at.len <= at.source->len)
		ft_out_bytes(out, at.source->text + at.at, at.len);
	else
		ft_out_text(out, "%{ %}");
}

static void dump_call(const char *name, const struct ft_expr *a, const struct ft_expr *b,
		      struct ft_out *out)
{
	ft_out_printf(out, "%s(", name);
	ft_expr_dump(a, out);
	if (b) {
		ft_out_text(out, ", ");
		ft_expr_dump(b, out);
	}
	ft_out_char(out, ')');
}

static void dump_operator(const struct ft_expr *e, struct ft_out *out)
{
	const char *op = ft_token_spelling(e->op);

	if (e->kind == FT_EXPR_UNARY || e->kind == FT_EXPR_PRE)
		ft_out_text(out, op);
	dump_in_parens(e->left, out);
	if (e->kind == FT_EXPR_POST)
		ft_out_text(out, op);
	if (e->right) {
		ft_out_printf(out, " %s ", op);
		if (e->kind == FT_EXPR_MATCH) /* a literal, and nothing else */
			ft_expr_dump(e->right, out);
		else
			dump_in_parens(e->right, out);
	}
}

void ft_expr_dump(const struct ft_expr *e, struct ft_out *out)
{
	switch (e->kind) {
	case FT_EXPR_NUMBER:
		ft_out_printf(out, "%lld", (long long)e->number);
		break;
	case FT_EXPR_STRING:
		dump_string(e->text, e->len, out);
		break;
	case FT_EXPR_NAME:
		ft_out_text(out, e->name);
		break;
	case FT_EXPR_INDEX:
		ft_out_printf(out, "%s[", e->name);
		dump_list(e->args, e->any, e->arg_count, out);
		ft_out_char(out, ']');
		break;
	case FT_EXPR_IN:
		ft_out_char(out, '[');
		dump_list(e->args, e->any, e->arg_count, out);
		ft_out_printf(out, "] in %s", e->name);
		break;
	case FT_EXPR_CALL:
		ft_out_printf(out, "%s(", e->name);
		dump_list(e->args, NULL, e->arg_count, out);
		ft_out_char(out, ')');
		break;
	case FT_EXPR_TERNARY:
		dump_in_parens(e->left, out);
		ft_out_text(out, " ? ");
		dump_in_parens(e->right, out);
		ft_out_text(out, " : ");
		dump_in_parens(e->third, out);
		break;
	case FT_EXPR_STAT:
		ft_out_printf(out, "%s(", stat_word(e->stat));
		ft_expr_dump(e->left, out);
		if (e->stat == FT_STAT_VARIANCE && e->number)
			ft_out_printf(out, ", %lld", (long long)e->number);
		ft_out_char(out, ')');
		break;
	case FT_EXPR_HIST:
		dump_hist(e, out);
		break;
	case FT_EXPR_HIST_AT:
		if (e->hist_member) {
			ft_out_char(out, '[');
			dump_list(e->args, NULL, e->arg_count, out);
			ft_out_text(out, "] in ");
			dump_hist(e->left, out);
			break;
		}
		dump_hist(e->left, out);
		ft_out_char(out, '[');
		dump_list(e->args, NULL, e->arg_count, out);
		ft_out_char(out, ']');
		break;
	case FT_EXPR_PRINT:
		dump_print(e, out);
		break;
	case FT_EXPR_TARGET:
		dump_target(e, out);
		break;
	case FT_EXPR_ENTRY:
		dump_call("@entry", e->left, NULL, out);
		break;
	case FT_EXPR_DEFINED:
		dump_call("@defined", e->left, NULL, out);
		break;
	case FT_EXPR_CHOOSE:
		dump_call("@choose_defined", e->left, e->right, out);
		break;
	case FT_EXPR_EMBEDDED:
		dump_embedded(e->at, out);
		break;
	case FT_EXPR_PERF:
		ft_out_text(out, "@perf(");
		dump_string(e->text, e->len, out);
		ft_out_char(out, ')');
		break;
	default:
		dump_operator(e, out);
	}
}

/* ---- statements ---- */

static void dump_stmt(const struct ft_stmt *s, struct ft_out *out);

static void dump_sort(const struct ft_foreach *f, u32 by, struct ft_out *out)
{
	if (f->sort && f->sort_by == by && !f->sort_stat_given)
		ft_out_char(out, f->sort > 0 ? '+' : '-');
}

static void dump_foreach(const struct ft_stmt *s, struct ft_out *out)
{
	const struct ft_foreach *f = s->foreach;

	ft_out_text(out, "foreach (");
	if (f->value)
		ft_out_printf(out, "%s = ", f->value->name);
	ft_out_char(out, '[');
	for (u32 i = 0; i < f->key_count; i++) {
		ft_out_printf(out, "%s%s", i ? ", " : "", f->keys[i]->name);
		dump_sort(f, i + 1, out);
	}
	ft_out_text(out, "] in ");
	ft_expr_dump(f->base, out);
	if (f->slice) {
		ft_out_char(out, '[');
		dump_list(f->slice, NULL, f->slice_count, out);
		ft_out_char(out, ']');
	}
	if (f->sort_stat_given)
		ft_out_printf(out, " %s %c", stat_word(f->sort_stat), f->sort > 0 ? '+' : '-');
	dump_sort(f, 0, out);
	if (f->limit) {
		ft_out_text(out, " limit ");
		ft_expr_dump(f->limit, out);
	}
	ft_out_text(out, ") ");
	dump_stmt(s->body[0], out);
}

static void dump_optional(const struct ft_expr *e, const char *after, struct ft_out *out)
{
	if (e)
		ft_expr_dump(e, out);
	ft_out_text(out, after);
}

static void dump_block(const struct ft_stmt *s, struct ft_out *out)
{
	ft_out_text(out, "{\n");
	for (u32 i = 0; i < s->body_count; i++) {
		if (s->body[i]->kind == FT_STMT_EMPTY)
			continue;
		dump_stmt(s->body[i], out);
		ft_out_text(out, ";\n");
	}
	ft_out_char(out, '}');
}

static void dump_headed(const char *word, const struct ft_stmt *s, struct ft_out *out)
{
	ft_out_printf(out, "%s (", word);
	ft_expr_dump(s->expr, out);
	ft_out_text(out, ") ");
	dump_stmt(s->body[0], out);
	if (s->kind == FT_STMT_IF && s->body_count > 1) {
		ft_out_text(out, "; else ");
		dump_stmt(s->body[1], out);
	}
}

static void dump_word(const char *word, const struct ft_expr *e, struct ft_out *out)
{
	ft_out_text(out, word);
	if (e) {
		ft_out_char(out, ' ');
		ft_expr_dump(e, out);
	}
}

static void dump_stmt(const struct ft_stmt *s, struct ft_out *out)
{
	switch (s->kind) {
	case FT_STMT_EMPTY:
		break;
	case FT_STMT_EMBEDDED:
		dump_embedded(s->at, out);
		break;
	case FT_STMT_BLOCK:
		dump_block(s, out);
		break;
	case FT_STMT_EXPR:
		ft_expr_dump(s->expr, out);
		break;
	case FT_STMT_IF:
		dump_headed("if", s, out);
		break;
	case FT_STMT_WHILE:
		dump_headed("while", s, out);
		break;
	case FT_STMT_FOR:
		ft_out_text(out, "for (");
		dump_optional(s->init, "; ", out);
		dump_optional(s->expr, "; ", out);
		dump_optional(s->step, ") ", out);
		dump_stmt(s->body[0], out);
		break;
	case FT_STMT_FOREACH:
		dump_foreach(s, out);
		break;
	case FT_STMT_BREAK:
		dump_word("break", NULL, out);
		break;
	case FT_STMT_CONTINUE:
		dump_word("continue", NULL, out);
		break;
	case FT_STMT_NEXT:
		dump_word("next", NULL, out);
		break;
	case FT_STMT_RETURN:
		dump_word("return", s->expr, out);
		break;
	case FT_STMT_DELETE:
		dump_word("delete", s->expr, out);
		break;
	case FT_STMT_TRY:
		ft_out_text(out, "try ");
		dump_block(s->body[0], out);
		ft_out_text(out, " catch ");
		if (s->caught)
			ft_out_printf(out, "(%s) ", s->caught->name);
		dump_block(s->body[1], out);
		break;
	}
}

/* ---- declarations ---- */

void ft_point_dump(const struct ft_point *point, struct ft_out *out)
{
	for (u32 i = 0; i < point->part_count; i++) {
		const struct ft_point_part *part = &point->parts[i];

		ft_out_printf(out, "%s%s", i ? "." : "", part->name);
		if (part->arg)
			dump_in_parens(part->arg, out);
	}
	ft_out_text(out, point->sufficient ? "!" : point->optional ? "?" : "");
	if (point->condition) {
		ft_out_text(out, " if (");
		ft_expr_dump(point->condition, out);
		ft_out_char(out, ')');
	}
}

static void dump_points(const struct ft_point *points, u32 count, struct ft_out *out)
{
	for (u32 i = 0; i < count; i++) {
		ft_out_text(out, i ? ", " : "");
		ft_point_dump(&points[i], out);
	}
}

static const char *type_suffix(enum ft_type type)
{
	return type == FT_TYPE_LONG ? ":long" : type == FT_TYPE_STRING ? ":string" : "";
}

static void dump_global(const struct ft_global *g, struct ft_out *out)
{
	ft_out_printf(out, "%sglobal %s", g->is_private ? "private " : "", g->name);
	ft_out_text(out, g->wrap ? "%" : "");
	if (g->limit)
		ft_out_printf(out, "[%lld]", (long long)g->limit);
	if (g->init) {
		ft_out_text(out, " = ");
		ft_expr_dump(g->init, out);
	}
	ft_out_char(out, '\n');
}

static void dump_function(const struct ft_function *f, struct ft_out *out)
{
	ft_out_printf(out, "%sfunction %s%s (", f->is_private ? "private " : "", f->name,
		      type_suffix(f->declared));
	for (u32 i = 0; i < f->param_count; i++)
		ft_out_printf(out, "%s%s%s", i ? ", " : "", f->params[i].name,
			      type_suffix(f->params[i].declared));
	ft_out_char(out, ')');
	if (f->priority != 1)
		ft_out_printf(out, ":%lld", (long long)f->priority);
	ft_out_char(out, '\n');
	if (f->body)
		dump_stmt(f->body, out);
	ft_out_char(out, '\n');
}

static void dump_probe(const struct ft_probe *probe, struct ft_out *out)
{
	ft_out_printf(out, "%sprobe ", probe->is_private ? "private " : "");
	if (probe->form != FT_PROBE_PLAIN) {
		dump_points(probe->names, probe->name_count, out);
		ft_out_text(out, probe->form == FT_PROBE_ALIAS_PROLOGUE ? " = " : " += ");
	}
	dump_points(probe->points, probe->point_count, out);
	ft_out_char(out, ' ');
	if (probe->body)
		dump_stmt(probe->body, out);
	ft_out_char(out, '\n');
}

void ft_ast_dump(const struct ft_file *file, struct ft_out *out)
{
	ft_out_printf(out, "# file %s\n", file->source->name);
	for (u32 i = 0; i < file->global_count; i++)
		dump_global(file->globals[i], out);
	for (u32 i = 0; i < file->function_count; i++)
		dump_function(file->functions[i], out);
	for (u32 i = 0; i < file->probe_count; i++)
		dump_probe(file->probes[i], out);
}

const char *ft_point_text(struct ft_arena *arena, const struct ft_point *point)
{
	struct ft_out *out = ft_out_new_memory();
	struct ft_point plain = *point;
	const char *text;
	size_t len;

	plain.optional = plain.sufficient = false;
	plain.condition = NULL;
	ft_point_dump(&plain, out);
	text = ft_out_memory(out, &len);
	text = ft_arena_copy(arena, text, len);
	ft_out_close(out);
	return text ? text : "";
}

const char *ft_point_function(struct ft_arena *arena, const struct ft_point *point)
{
	for (u32 i = 0; i < point->part_count; i++) {
		const struct ft_point_part *part = &point->parts[i];
		const char *colon, *text = NULL;

		if (!part->arg || part->arg->kind != FT_EXPR_STRING)
			continue;
		colon = strchr(part->arg->text, ':');
		if (!strcmp(part->name, "trace"))
			return colon ? colon + 1 : part->arg->text;
		if (!strcmp(part->name, "function") || !strcmp(part->name, "statement") ||
		    !strcmp(part->name, "plt"))
			text = ft_arena_copy(arena, part->arg->text, strcspn(part->arg->text, "@"));
		if (text)
			return text;
	}
	return "";
}

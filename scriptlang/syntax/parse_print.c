/*
 * parse_print.c - the print family with its formats, and the words with '@'.
 */
#include <errno.h>
#include <string.h>

#include "scriptlang/syntax/parser.h"

/* ---- formats ---- */

struct format {
	struct ft_compile *compile;
	const char *text;
	u32 at, len;
	struct ft_span span;
	struct ft_directive *directives;
	u32 count;
};

static bool format_fail(const struct format *f, const char *text)
{
	struct ft_diag *diag =
		ft_diag_add(&f->compile->diags, FT_DIAG_PARSE, "format", f->span, "%s", text);

	diag->word = "string";
	return false;
}

static struct ft_directive *push_directive(struct format *f)
{
	struct ft_directive *d = FT_ARENA_PUSH(f->compile->arena, &f->directives, &f->count);

	if (d)
		d->width = d->precision = -1;
	return d;
}

static char peek(const struct format *f)
{
	return f->at < f->len ? f->text[f->at] : '\0';
}

/* A number, or '*'. False: too large. */
static bool parse_size(struct format *f, bool *by_arg, s32 *size)
{
	s64 value = 0;
	u32 begin = f->at;

	if (peek(f) == '*') {
		f->at++;
		*by_arg = true;
		return true;
	}
	for (; peek(f) >= '0' && peek(f) <= '9'; f->at++) {
		value = value * 10 + (peek(f) - '0');
		if (value > INT32_MAX)
			return format_fail(f, "invalid width or precision in format");
	}
	if (f->at > begin)
		*size = (s32)value;
	return true;
}

/* SystemTap takes one flag. */
static void parse_flag(struct format *f, struct ft_directive *d)
{
	switch (peek(f)) {
	case '-':
		d->left = true;
		break;
	case '+':
		d->plus = true;
		break;
	case ' ':
		d->space = true;
		break;
	case '0':
		d->zero = true;
		break;
	case '#':
		d->alternate = true;
		break;
	default:
		return;
	}
	f->at++;
}

/* What follows a '%'. */
static bool parse_directive(struct format *f)
{
	struct ft_directive *d = push_directive(f);

	if (!d)
		return false;
	parse_flag(f, d);
	if (!parse_size(f, &d->width_arg, &d->width))
		return false;
	if (peek(f) == '.') {
		f->at++;
		d->precision = 0;
		if (!parse_size(f, &d->precision_arg, &d->precision))
			return false;
	}
	while (peek(f) == 'l')
		f->at++;
	d->conv = peek(f);
	if (d->conv == '\0' && f->at >= f->len)
		return format_fail(f, "invalid or missing conversion specifier");
	if (!strchr("bcdimMopsuxX", d->conv))
		return format_fail(f, "invalid or missing conversion specifier");
	if (d->conv == 'i')
		d->conv = 'd';
	f->at++;
	return true;
}

int ft_parse_format(struct ft_compile *compile, const char *format, u32 len, struct ft_span at,
		    struct ft_directive **directives, u32 *count)
{
	struct format f = {.compile = compile, .text = format, .len = len, .span = at};
	u32 errors = compile->diags.errors;

	while (f.at < len) {
		const char *percent = memchr(format + f.at, '%', len - f.at);
		u32 plain = percent ? (u32)(percent - format) - f.at : len - f.at;
		struct ft_directive *d;

		/* "%%" is plain text: its first '%'. */
		if (!plain && f.at + 1 < len && format[f.at + 1] == '%')
			plain = 1;
		if (plain) {
			d = push_directive(&f);
			if (!d)
				break;
			d->text = format + f.at;
			d->len = plain;
			f.at += plain + (*d->text == '%' && plain == 1 && d->text == percent);
			continue;
		}
		f.at++;
		if (!parse_directive(&f))
			break;
	}
	*directives = f.directives;
	*count = f.count;
	if (ft_arena_failed(compile->arena))
		return -ENOMEM;
	return compile->diags.errors > errors ? -EINVAL : 0;
}

/* ---- the print family ---- */

static const struct family {
	const char *name;
	bool to_string, has_format, has_delimiter, newline;
} families[] = {
	{"print", false, false, false, false},	{"sprint", true, false, false, false},
	{"println", false, false, false, true}, {"sprintln", true, false, false, true},
	{"printd", false, false, true, false},	{"sprintd", true, false, true, false},
	{"printdln", false, false, true, true}, {"sprintdln", true, false, true, true},
	{"printf", false, true, false, false},	{"sprintf", true, true, false, false},
};

static const struct family *family_of(const char *name)
{
	for (size_t i = 0; i < FT_ARRAY_LEN(families); i++)
		if (!strcmp(families[i].name, name))
			return &families[i];
	return NULL;
}

bool ft_is_print(const char *name)
{
	return family_of(name) != NULL;
}

/* The literal at the beginning: a format or a delimiter. */
static bool parse_head(struct ft_parser *p, const struct family *family, struct ft_print *print)
{
	const struct ft_token *literal = ft_parser_peek(p);

	if (literal->kind != FT_TOKEN_STRING)
		return ft_parser_fail(p, family->has_format ? "expected format string"
							    : "expected delimiter string");
	ft_parser_next(p);
	if (family->has_format)
		return !ft_parse_format(p->compile, literal->text, literal->len, literal->at,
					&print->directives, &print->directive_count);
	print->delimiter = literal->text;
	print->delimiter_len = literal->len;
	return true;
}

static bool push_arg(struct ft_parser *p, struct ft_expr *e, struct ft_expr *arg)
{
	struct ft_expr **slot =
		arg ? FT_ARENA_PUSH(p->compile->arena, &e->args, &e->arg_count) : NULL;

	if (slot)
		*slot = arg;
	return slot != NULL;
}

/* The arguments; a comma is due before the first of them where there was a head. */
static bool parse_print_args(struct ft_parser *p, const struct family *family, struct ft_expr *e)
{
	bool comma_due = family->has_format || family->has_delimiter;

	while (!ft_parser_is(p, FT_TOKEN_PAREN_CLOSE)) {
		if (comma_due && !ft_parser_accept(p, FT_TOKEN_COMMA))
			return ft_parser_fail(p, "expected ',' or ')'");
		comma_due = true;
		if (!push_arg(p, e, ft_parse_expr(p)))
			return false;
	}
	return true;
}

static bool check_print(struct ft_parser *p, const struct family *family, const struct ft_expr *e,
			const struct ft_token *name)
{
	u32 hists = 0;

	for (u32 i = 0; i < e->arg_count; i++)
		hists += e->args[i]->kind == FT_EXPR_HIST;
	if (hists && (e->arg_count > 1 || family->has_format || family->has_delimiter))
		return ft_parser_fail_at(
			p, name, "a histogram is printed by print(), sprint() and their ln, alone");
	if (family->has_delimiter && e->arg_count < 2)
		return ft_parser_fail(p,
				      "expected expression: there is nothing to put '%s' between",
				      e->print->delimiter);
	/* println() ends a line. */
	if (!family->has_format && !family->newline && !e->arg_count)
		return ft_parser_fail(p, "expected expression");
	return true;
}

struct ft_expr *ft_parse_print(struct ft_parser *p, const struct ft_token *name)
{
	const struct family *family = family_of(name->text);
	struct ft_expr *e = ft_parser_expr(p, FT_EXPR_PRINT, name);

	if (!e)
		return NULL;
	e->print = FT_ARENA_NEW(p->compile->arena, struct ft_print);
	if (!e->print)
		return NULL;
	*e->print = (struct ft_print){.name = family->name,
				      .to_string = family->to_string,
				      .newline = family->newline,
				      .has_format = family->has_format};
	e->name = family->name;
	ft_parser_next(p); /* '(' */
	if ((family->has_format || family->has_delimiter) && !parse_head(p, family, e->print))
		return NULL;
	if (!parse_print_args(p, family, e) || !check_print(p, family, e, name))
		return NULL;
	ft_parser_next(p); /* ')' */
	if (e->arg_count == 1 && e->args[0]->kind == FT_EXPR_HIST)
		e->print->hist = e->args[0];
	return e;
}

/* ---- words with '@' ---- */

/* ", [-]number". */
static bool parse_number_arg(struct ft_parser *p, s64 *value)
{
	struct ft_expr *literal;

	if (!ft_parser_expect(p, FT_TOKEN_COMMA))
		return false;
	literal = ft_parse_literal(p);
	if (!literal)
		return false;
	if (literal->kind != FT_EXPR_NUMBER)
		return ft_parser_fail(p, "expected literal number");
	*value = literal->number;
	return true;
}

/* "(x, lo, hi, step)" of @hist_linear. */
static bool parse_linear(struct ft_parser *p, struct ft_expr *e)
{
	e->hist_linear = true;
	if (!parse_number_arg(p, &e->hist_lo) || !parse_number_arg(p, &e->hist_hi) ||
	    !parse_number_arg(p, &e->hist_step))
		return false;
	return true;
}

static struct ft_expr *parse_stat(struct ft_parser *p, enum ft_stat_op op)
{
	const struct ft_token *word = ft_parser_next(p);
	struct ft_expr *e = ft_parser_expr(p, FT_EXPR_STAT, word);

	if (!e || !ft_parser_expect(p, FT_TOKEN_PAREN_OPEN))
		return NULL;
	e->stat = op;
	e->left = ft_parse_expr(p);
	if (!e->left)
		return NULL;
	if (op == FT_STAT_VARIANCE && ft_parser_is(p, FT_TOKEN_COMMA)) {
		s64 shift;

		if (!parse_number_arg(p, &shift))
			return NULL;
		e->number = shift;
	}
	return ft_parser_expect(p, FT_TOKEN_PAREN_CLOSE) ? e : NULL;
}

static struct ft_expr *parse_hist(struct ft_parser *p, bool linear)
{
	const struct ft_token *word = ft_parser_next(p);
	struct ft_expr *e = ft_parser_expr(p, FT_EXPR_HIST, word), *at;

	if (!e || !ft_parser_expect(p, FT_TOKEN_PAREN_OPEN))
		return NULL;
	e->left = ft_parse_expr(p);
	if (!e->left || (linear && !parse_linear(p, e)) ||
	    !ft_parser_expect(p, FT_TOKEN_PAREN_CLOSE))
		return NULL;
	if (!ft_parser_is(p, FT_TOKEN_BRACKET_OPEN))
		return e;
	at = ft_parser_expr(p, FT_EXPR_HIST_AT, ft_parser_next(p));
	if (!at || !ft_parse_indexes(p, at))
		return NULL;
	if (at->arg_count != 1 || at->any[0])
		return ft_parser_fail(p, "expected one bucket");
	at->left = e;
	return at;
}

/* "(value, type[, module])" of @cast, "(variable[, module])" of @var, and what follows. */
static struct ft_expr *parse_typed(struct ft_parser *p, bool is_cast)
{
	const struct ft_token *word = ft_parser_next(p);
	struct ft_expr *e = ft_parser_expr(p, FT_EXPR_TARGET, word);

	if (!e || !ft_parser_expect(p, FT_TOKEN_PAREN_OPEN))
		return NULL;
	e->name = word->text;
	if (is_cast) {
		e->left = ft_parse_expr(p);
		if (!e->left || !ft_parser_expect(p, FT_TOKEN_COMMA))
			return NULL;
	}
	if (!ft_parser_is(p, FT_TOKEN_STRING))
		return ft_parser_fail(p, "expected string literal");
	e->target_type = ft_parser_next(p)->text;
	if (ft_parser_accept(p, FT_TOKEN_COMMA)) {
		if (!ft_parser_is(p, FT_TOKEN_STRING))
			return ft_parser_fail(p, "expected string literal");
		e->target_module = ft_parser_next(p)->text;
	}
	if (!ft_parser_expect(p, FT_TOKEN_PAREN_CLOSE))
		return NULL;
	return ft_parse_accesses(p, e) ? e : NULL;
}

/* "(a)" or "(a, b)". */
static struct ft_expr *parse_wrapped(struct ft_parser *p, enum ft_expr_kind kind, bool two)
{
	struct ft_expr *e = ft_parser_expr(p, kind, ft_parser_next(p));

	if (!e || !ft_parser_expect(p, FT_TOKEN_PAREN_OPEN))
		return NULL;
	e->left = ft_parse_expr(p);
	if (!e->left)
		return NULL;
	if (two) {
		if (!ft_parser_expect(p, FT_TOKEN_COMMA))
			return NULL;
		e->right = ft_parse_expr(p);
		if (!e->right)
			return NULL;
	}
	return ft_parser_expect(p, FT_TOKEN_PAREN_CLOSE) ? e : NULL;
}

static struct ft_expr *parse_perf(struct ft_parser *p)
{
	struct ft_expr *e = ft_parser_expr(p, FT_EXPR_PERF, ft_parser_next(p));

	if (!e || !ft_parser_expect(p, FT_TOKEN_PAREN_OPEN))
		return NULL;
	if (!ft_parser_is(p, FT_TOKEN_STRING))
		return ft_parser_fail(p, "expected string literal");
	if (!ft_parser_peek(p)->len)
		return ft_parser_fail(p, "expected non-empty string");
	e->text = ft_parser_peek(p)->text;
	e->len = ft_parser_next(p)->len;
	return ft_parser_expect(p, FT_TOKEN_PAREN_CLOSE) ? e : NULL;
}

/* @kderef(bytes, address), @kregister(number) and those of user space: functions, to pass 2. */
static struct ft_expr *parse_raw(struct ft_parser *p)
{
	struct ft_expr *e = ft_parser_expr(p, FT_EXPR_CALL, ft_parser_peek(p));

	if (!e)
		return NULL;
	/* What a process may read of itself, its probes may. */
	if (!p->compile->guru && ft_parser_peek(p)->text[1] == 'k')
		return ft_parser_fail(p, "using %s not permitted; need stap -g",
				      ft_parser_peek(p)->text);
	e->name = ft_parser_next(p)->text;
	if (!ft_parser_expect(p, FT_TOKEN_PAREN_OPEN))
		return NULL;
	do {
		if (!push_arg(p, e, ft_parse_expr(p)))
			return NULL;
	} while (ft_parser_accept(p, FT_TOKEN_COMMA));
	return ft_parser_expect(p, FT_TOKEN_PAREN_CLOSE) ? e : NULL;
}

/* @const("NAME"): an enumerator of the kernel's types. */
static struct ft_expr *parse_const(struct ft_parser *p)
{
	struct ft_expr *e = ft_parser_expr(p, FT_EXPR_TARGET, ft_parser_next(p));

	if (!e || !ft_parser_expect(p, FT_TOKEN_PAREN_OPEN))
		return NULL;
	if (!ft_parser_is(p, FT_TOKEN_STRING))
		return ft_parser_fail(p, "expected string literal");
	e->constant = ft_parser_next(p)->text;
	e->name = ft_arena_printf(p->compile->arena, "@const(\"%s\")", e->constant);
	return e->name && ft_parser_expect(p, FT_TOKEN_PAREN_CLOSE) ? e : NULL;
}

struct ft_expr *ft_parse_at_word(struct ft_parser *p)
{
	static const char *const stats[] = {
		[FT_STAT_COUNT] = "@count", [FT_STAT_SUM] = "@sum",
		[FT_STAT_MIN] = "@min",	    [FT_STAT_MAX] = "@max",
		[FT_STAT_AVG] = "@avg",	    [FT_STAT_VARIANCE] = "@variance",
	};
	const char *word = ft_parser_peek(p)->text;

	for (u32 i = 0; i < FT_ARRAY_LEN(stats); i++)
		if (!strcmp(word, stats[i]))
			return parse_stat(p, (enum ft_stat_op)i);
	if (!strcmp(word, "@hist_log") || !strcmp(word, "@hist_linear"))
		return parse_hist(p, !strcmp(word, "@hist_linear"));
	if (!strcmp(word, "@cast") || !strcmp(word, "@var"))
		return parse_typed(p, !strcmp(word, "@cast"));
	if (!strcmp(word, "@defined"))
		return parse_wrapped(p, FT_EXPR_DEFINED, false);
	if (!strcmp(word, "@entry"))
		return parse_wrapped(p, FT_EXPR_ENTRY, false);
	if (!strcmp(word, "@choose_defined"))
		return parse_wrapped(p, FT_EXPR_CHOOSE, true);
	if (!strcmp(word, "@perf"))
		return parse_perf(p);
	if (!strcmp(word, "@const"))
		return parse_const(p);
	if (!strcmp(word, "@kderef") || !strcmp(word, "@uderef") || !strcmp(word, "@kregister") ||
	    !strcmp(word, "@uregister"))
		return parse_raw(p);
	return ft_parser_fail(p, "unknown operator or macro '%s'", word);
}

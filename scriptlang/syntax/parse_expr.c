/*
 * parse_expr.c - expressions, by precedence climbing.
 *
 * Loosest first: assignment (right), ?:, ||, &&, |, ^, &, in, comparison, shift, '.', + -, * / %,
 * unary, ++ --, values.
 */
#include <stdlib.h>
#include <string.h>

#include "scriptlang/syntax/parser.h"

struct ft_expr *ft_parser_expr(struct ft_parser *p, enum ft_expr_kind kind,
			       const struct ft_token *token)
{
	struct ft_expr *e = FT_ARENA_NEW(p->compile->arena, struct ft_expr);

	if (e)
		*e = (struct ft_expr){.kind = kind, .at = token->at, .op = token->kind};
	return e;
}

struct ft_expr *ft_parse_literal(struct ft_parser *p)
{
	const struct ft_token *first = ft_parser_peek(p), *token;
	bool minus = ft_parser_accept(p, FT_TOKEN_SUB);
	struct ft_expr *e;

	token = ft_parser_peek(p);
	if (token->kind == FT_TOKEN_STRING && !minus) {
		ft_parser_next(p);
		e = ft_parser_expr(p, FT_EXPR_STRING, token);
		if (e) {
			e->text = token->text;
			e->len = token->len;
		}
		return e;
	}
	if (token->kind != FT_TOKEN_NUMBER)
		return ft_parser_fail(p, minus ? "expected literal number"
					       : "expected literal string or number");
	ft_parser_next(p);
	e = ft_parser_expr(p, FT_EXPR_NUMBER, first);
	if (e)
		e->number = minus ? (s64)(0 - (u64)token->number) : token->number;
	return e;
}

static struct ft_expr *parse_unary(struct ft_parser *p);

/* Operators of two sides, with how tightly they bind. */
static int binding(enum ft_token_kind op)
{
	switch (op) {
	case FT_TOKEN_LOGICAL_OR:
		return 1;
	case FT_TOKEN_LOGICAL_AND:
		return 2;
	case FT_TOKEN_OR:
		return 3;
	case FT_TOKEN_XOR:
		return 4;
	case FT_TOKEN_AND:
		return 5;
	case FT_TOKEN_IN:
		return 6;
	case FT_TOKEN_EQ:
	case FT_TOKEN_NE:
	case FT_TOKEN_LT:
	case FT_TOKEN_GT:
	case FT_TOKEN_LE:
	case FT_TOKEN_GE:
	case FT_TOKEN_MATCH:
	case FT_TOKEN_NO_MATCH:
		return 7;
	case FT_TOKEN_SHL:
	case FT_TOKEN_SHR:
	case FT_TOKEN_SHR_LOGICAL:
		return 8;
	case FT_TOKEN_DOT:
		return 9;
	case FT_TOKEN_ADD:
	case FT_TOKEN_SUB:
		return 10;
	case FT_TOKEN_MUL:
	case FT_TOKEN_DIV:
	case FT_TOKEN_MOD:
		return 11;
	default:
		return 0;
	}
}

static enum ft_expr_kind kind_of(enum ft_token_kind op)
{
	if (op == FT_TOKEN_MATCH || op == FT_TOKEN_NO_MATCH)
		return FT_EXPR_MATCH;
	if (op == FT_TOKEN_LOGICAL_AND || op == FT_TOKEN_LOGICAL_OR)
		return FT_EXPR_LOGICAL;
	return binding(op) == 7 ? FT_EXPR_COMPARE : FT_EXPR_BINARY;
}

/* "in @hist_log(x)": whether there is a bucket of that number. */
static struct ft_expr *parse_in_hist(struct ft_parser *p, struct ft_expr *element)
{
	struct ft_expr *hist = ft_parse_at_word(p);

	if (!hist)
		return NULL;
	if (hist->kind != FT_EXPR_HIST || element->arg_count != 1 ||
	    (element->any && element->any[0]))
		return ft_parser_fail(p, "expected one bucket, and a histogram");
	element->kind = FT_EXPR_HIST_AT;
	element->left = hist;
	element->hist_member = true;
	return element;
}

/* The name (of an array) behind "in"; element has the parts on its left. */
static struct ft_expr *parse_in(struct ft_parser *p, struct ft_expr *element)
{
	const struct ft_token *name = ft_parser_peek(p);

	if (name->kind == FT_TOKEN_AT_WORD &&
	    (!strcmp(name->text, "@hist_log") || !strcmp(name->text, "@hist_linear")))
		return parse_in_hist(p, element);
	if (name->kind != FT_TOKEN_IDENTIFIER)
		return ft_parser_fail(p, "expected identifier");
	ft_parser_next(p);
	element->name = name->text;
	return element;
}

/* "left in array": left becomes the element's only part. */
static struct ft_expr *parse_in_scalar(struct ft_parser *p, struct ft_expr *left,
				       const struct ft_token *op)
{
	struct ft_expr *e = ft_parser_expr(p, FT_EXPR_IN, op), **slot;

	slot = e ? FT_ARENA_PUSH(p->compile->arena, &e->args, &e->arg_count) : NULL;
	if (!slot)
		return NULL;
	*slot = left;
	return parse_in(p, e);
}

/* "[a, *] in array". */
static struct ft_expr *parse_in_tuple(struct ft_parser *p)
{
	struct ft_expr *e = ft_parser_expr(p, FT_EXPR_IN, ft_parser_next(p));

	if (!e || !ft_parse_indexes(p, e))
		return NULL;
	return ft_parser_expect(p, FT_TOKEN_IN) ? parse_in(p, e) : NULL;
}

static struct ft_expr *parse_binary(struct ft_parser *p, int lowest)
{
	struct ft_expr *left =
		ft_parser_is(p, FT_TOKEN_BRACKET_OPEN) ? parse_in_tuple(p) : parse_unary(p);

	while (left) {
		const struct ft_token *op = ft_parser_peek(p);
		int level = binding(op->kind);
		struct ft_expr *e;

		if (level < lowest || !level)
			return left;
		ft_parser_next(p);
		if (op->kind == FT_TOKEN_IN) {
			left = parse_in_scalar(p, left, op);
			continue;
		}
		e = ft_parser_expr(p, kind_of(op->kind), op);
		if (!e)
			return NULL;
		e->left = left;
		if (e->kind == FT_EXPR_MATCH && !ft_parser_is(p, FT_TOKEN_STRING))
			return ft_parser_fail(p, "expected string literal");
		e->right = parse_binary(p, level + 1);
		left = e->right ? e : NULL;
	}
	return NULL;
}

static struct ft_expr *parse_ternary(struct ft_parser *p)
{
	struct ft_expr *condition = parse_binary(p, 1), *e;
	const struct ft_token *op = ft_parser_peek(p);

	if (!condition || op->kind != FT_TOKEN_QUESTION)
		return condition;
	ft_parser_next(p);
	e = ft_parser_expr(p, FT_EXPR_TERNARY, op);
	if (!e || !ft_parser_enter(p))
		return NULL;
	e->left = condition;
	e->right = parse_ternary(p);
	if (e->right && ft_parser_expect(p, FT_TOKEN_COLON))
		e->third = parse_ternary(p);
	ft_parser_leave(p);
	return e->third ? e : NULL;
}

static bool is_assignment(enum ft_token_kind op)
{
	switch (op) {
	case FT_TOKEN_ASSIGN:
	case FT_TOKEN_FEED:
	case FT_TOKEN_ADD_ASSIGN:
	case FT_TOKEN_SUB_ASSIGN:
	case FT_TOKEN_MUL_ASSIGN:
	case FT_TOKEN_DIV_ASSIGN:
	case FT_TOKEN_MOD_ASSIGN:
	case FT_TOKEN_SHL_ASSIGN:
	case FT_TOKEN_SHR_ASSIGN:
	case FT_TOKEN_AND_ASSIGN:
	case FT_TOKEN_XOR_ASSIGN:
	case FT_TOKEN_OR_ASSIGN:
	case FT_TOKEN_CAT_ASSIGN:
		return true;
	default:
		return false;
	}
}

struct ft_expr *ft_parse_expr(struct ft_parser *p)
{
	const struct ft_token *op;
	struct ft_expr *left, *e;

	if (!ft_parser_enter(p))
		return NULL;
	left = parse_ternary(p);
	op = ft_parser_peek(p);
	if (left && is_assignment(op->kind)) {
		ft_parser_next(p);
		e = ft_parser_expr(p, FT_EXPR_ASSIGN, op);
		if (e) {
			e->left = left;
			e->right = ft_parse_expr(p);
		}
		left = e && e->right ? e : NULL;
	}
	ft_parser_leave(p);
	return left;
}

/* ---- values ---- */

bool ft_parse_indexes(struct ft_parser *p, struct ft_expr *array)
{
	do {
		bool any = ft_parser_is(p, FT_TOKEN_MUL) &&
			   (ft_parser_peek2(p)->kind == FT_TOKEN_COMMA ||
			    ft_parser_peek2(p)->kind == FT_TOKEN_BRACKET_CLOSE);
		u32 anys = array->arg_count;
		struct ft_expr *index = NULL, **slot;
		bool *flag;

		if (any)
			ft_parser_next(p);
		else
			index = ft_parse_expr(p);
		if (!any && !index)
			return false;
		slot = FT_ARENA_PUSH(p->compile->arena, &array->args, &array->arg_count);
		flag = FT_ARENA_PUSH(p->compile->arena, &array->any, &anys);
		if (!slot || !flag)
			return false;
		*slot = index;
		*flag = any;
	} while (ft_parser_accept(p, FT_TOKEN_COMMA));
	return ft_parser_expect(p, FT_TOKEN_BRACKET_CLOSE);
}

/* "(a, b)" of a call: the '(' is next. */
static bool parse_args(struct ft_parser *p, struct ft_expr *call)
{
	ft_parser_next(p);
	if (ft_parser_accept(p, FT_TOKEN_PAREN_CLOSE))
		return true;
	do {
		struct ft_expr *arg = ft_parse_expr(p), **slot;

		slot = arg ? FT_ARENA_PUSH(p->compile->arena, &call->args, &call->arg_count) : NULL;
		if (!slot)
			return false;
		*slot = arg;
	} while (ft_parser_accept(p, FT_TOKEN_COMMA));
	return ft_parser_expect(p, FT_TOKEN_PAREN_CLOSE);
}

/* Cuts "$" or "$$" off the end of a name. */
static enum ft_pretty cut_pretty(struct ft_parser *p, const char **name, bool may_be_all)
{
	size_t len = strlen(*name), dollars = 0;

	while (dollars < len && (*name)[len - 1 - dollars] == '$')
		dollars++;
	if (!dollars || (dollars == len && may_be_all))
		return FT_PRETTY_NO;
	*name = ft_arena_copy(p->compile->arena, *name, len - dollars);
	if (!*name)
		*name = "";
	return dollars == 1 ? FT_PRETTY_ONE : FT_PRETTY_DEEP;
}

static struct ft_access *push_access(struct ft_parser *p, struct ft_expr *target,
				     const struct ft_token *token)
{
	struct ft_access *access =
		FT_ARENA_PUSH(p->compile->arena, &target->accesses, &target->access_count);

	if (access)
		access->at = token->at;
	return access;
}

/* "$" or "$$" on its own. */
static bool is_pretty(const struct ft_token *token)
{
	return token->kind == FT_TOKEN_IDENTIFIER && token->text[0] == '$' && token->len <= 2 &&
	       strspn(token->text, "$") == token->len;
}

bool ft_parse_accesses(struct ft_parser *p, struct ft_expr *target)
{
	while (target->pretty == FT_PRETTY_NO) {
		const struct ft_token *token = ft_parser_peek(p);
		struct ft_access *access;

		if (is_pretty(token)) {
			ft_parser_next(p);
			target->pretty = token->len == 1 ? FT_PRETTY_ONE : FT_PRETTY_DEEP;
			return true;
		}
		if (token->kind == FT_TOKEN_BRACKET_OPEN) {
			ft_parser_next(p);
			access = push_access(p, target, token);
			if (!access)
				return false;
			access->index = ft_parse_expr(p);
			if (!access->index || !ft_parser_expect(p, FT_TOKEN_BRACKET_CLOSE))
				return false;
			continue;
		}
		if (token->kind != FT_TOKEN_ARROW)
			return true;
		ft_parser_next(p);
		token = ft_parser_peek(p);
		/* Members may be called like words of the language. */
		if (token->kind != FT_TOKEN_IDENTIFIER && token->kind < FT_TOKEN_PROBE)
			return ft_parser_fail(p, "expected identifier");
		ft_parser_next(p);
		access = push_access(p, target, token);
		if (!access)
			return false;
		access->member = token->text;
		target->pretty = cut_pretty(p, &access->member, false);
	}
	return true;
}

static struct ft_expr *parse_target(struct ft_parser *p)
{
	const struct ft_token *token = ft_parser_next(p);
	struct ft_expr *e = ft_parser_expr(p, FT_EXPR_TARGET, token);

	if (!e)
		return NULL;
	if (strspn(token->text, "$") == token->len)
		return ft_parser_fail_at(p, token, "expected the name of a target variable");
	e->name = token->text;
	e->pretty = cut_pretty(p, &e->name, true);
	return ft_parse_accesses(p, e) ? e : NULL;
}

/* A name, and what is behind it. */
static struct ft_expr *parse_named(struct ft_parser *p)
{
	const struct ft_token *token = ft_parser_peek(p);
	struct ft_expr *e;

	if (token->text[0] == '$')
		return parse_target(p);
	ft_parser_next(p);
	if (ft_is_print(token->text) && ft_parser_is(p, FT_TOKEN_PAREN_OPEN))
		return ft_parse_print(p, token);
	e = ft_parser_expr(p, FT_EXPR_NAME, token);
	if (!e)
		return NULL;
	e->name = token->text;
	if (ft_parser_is(p, FT_TOKEN_PAREN_OPEN)) {
		e->kind = FT_EXPR_CALL;
		return parse_args(p, e) ? e : NULL;
	}
	if (ft_parser_accept(p, FT_TOKEN_BRACKET_OPEN)) {
		e->kind = FT_EXPR_INDEX;
		return ft_parse_indexes(p, e) ? e : NULL;
	}
	return e;
}

static struct ft_expr *parse_pointed(struct ft_parser *p, struct ft_expr *value);

static struct ft_expr *parse_value(struct ft_parser *p)
{
	const struct ft_token *token = ft_parser_peek(p);
	struct ft_expr *e;

	switch (token->kind) {
	case FT_TOKEN_NUMBER:
	case FT_TOKEN_STRING:
		return ft_parse_literal(p);
	case FT_TOKEN_IDENTIFIER:
		return parse_named(p);
	case FT_TOKEN_AT_WORD:
		return ft_parse_at_word(p);
	case FT_TOKEN_PAREN_OPEN:
		ft_parser_next(p);
		e = ft_parse_expr(p);
		return e && ft_parser_expect(p, FT_TOKEN_PAREN_CLOSE) ? e : NULL;
	case FT_TOKEN_EMBEDDED:
		ft_parser_embedded(p, token);
		return ft_parser_expr(p, FT_EXPR_EMBEDDED, ft_parser_next(p));
	case FT_TOKEN_AND:
		ft_parser_next(p);
		e = parse_pointed(p, parse_value(p));
		if (e && e->kind != FT_EXPR_TARGET && ft_compatible_before(p->compile, "2.6"))
			return ft_parser_fail(p, "expected @cast, @var or $var");
		if (e)
			e->address_of = true;
		return e;
	default:
		return ft_parser_fail(p, "expected expression");
	}
}

/*
 * "->member", "[index]" or "$" behind a value that is no target variable: its type tells what it
 * points to. SystemTap has that since 2.6.
 */
static struct ft_expr *parse_pointed(struct ft_parser *p, struct ft_expr *value)
{
	const struct ft_token *token = ft_parser_peek(p);
	struct ft_expr *e;

	if (!value || ft_compatible_before(p->compile, "2.6") ||
	    (token->kind != FT_TOKEN_ARROW && token->kind != FT_TOKEN_BRACKET_OPEN &&
	     !is_pretty(token)))
		return value;
	e = ft_parser_expr(p, FT_EXPR_TARGET, ft_parser_peek(p));
	if (!e)
		return NULL;
	e->name = "";
	e->left = value;
	return ft_parse_accesses(p, e) ? e : NULL;
}

static struct ft_expr *parse_crement(struct ft_parser *p)
{
	const struct ft_token *op = ft_parser_peek(p);
	struct ft_expr *value, *e;

	if (op->kind == FT_TOKEN_INC || op->kind == FT_TOKEN_DEC) {
		ft_parser_next(p);
		e = ft_parser_expr(p, FT_EXPR_PRE, op);
		if (e)
			e->left = parse_value(p);
		return e && e->left ? e : NULL;
	}
	value = parse_pointed(p, parse_value(p));
	op = ft_parser_peek(p);
	if (!value || (op->kind != FT_TOKEN_INC && op->kind != FT_TOKEN_DEC))
		return value;
	ft_parser_next(p);
	e = ft_parser_expr(p, FT_EXPR_POST, op);
	if (e)
		e->left = value;
	return e;
}

static struct ft_expr *parse_unary(struct ft_parser *p)
{
	const struct ft_token *op = ft_parser_peek(p);
	struct ft_expr *e;

	if (op->kind != FT_TOKEN_ADD && op->kind != FT_TOKEN_SUB && op->kind != FT_TOKEN_NOT &&
	    op->kind != FT_TOKEN_TILDE)
		return parse_crement(p);
	ft_parser_next(p);
	e = ft_parser_expr(p, FT_EXPR_UNARY, op);
	if (!e || !ft_parser_enter(p))
		return NULL;
	e->left = parse_unary(p);
	ft_parser_leave(p);
	return e->left ? e : NULL;
}

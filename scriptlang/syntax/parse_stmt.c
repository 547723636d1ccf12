/* parse_stmt.c - statements. */
#include <string.h>

#include "scriptlang/syntax/parser.h"

static struct ft_stmt *new_stmt(struct ft_parser *p, enum ft_stmt_kind kind,
				const struct ft_token *token)
{
	struct ft_stmt *s = FT_ARENA_NEW(p->compile->arena, struct ft_stmt);

	if (s)
		*s = (struct ft_stmt){.kind = kind, .at = token->at};
	return s;
}

static bool add(struct ft_parser *p, struct ft_stmt *parent, struct ft_stmt *child)
{
	struct ft_stmt **slot =
		child ? FT_ARENA_PUSH(p->compile->arena, &parent->body, &parent->body_count) : NULL;

	if (slot)
		*slot = child;
	return slot != NULL;
}

/* After a mistake: behind the ';', or before the '}' or the declaration that is next. */
static void skip_to_statement(struct ft_parser *p)
{
	u32 depth = 0;

	while (!ft_parser_is(p, FT_TOKEN_END)) {
		enum ft_token_kind kind = ft_parser_peek(p)->kind;

		if (kind == FT_TOKEN_PROBE || kind == FT_TOKEN_FUNCTION ||
		    kind == FT_TOKEN_GLOBAL || (kind == FT_TOKEN_BRACE_CLOSE && !depth))
			return;
		ft_parser_next(p);
		if (kind == FT_TOKEN_SEMICOLON && !depth)
			return;
		if (kind == FT_TOKEN_BRACE_OPEN)
			depth++;
		else if (kind == FT_TOKEN_BRACE_CLOSE && !--depth)
			return;
	}
}

struct ft_stmt *ft_parse_block(struct ft_parser *p)
{
	struct ft_stmt *block = new_stmt(p, FT_STMT_BLOCK, ft_parser_peek(p));

	if (!block || !ft_parser_expect(p, FT_TOKEN_BRACE_OPEN) || !ft_parser_enter(p))
		return NULL;
	while (!ft_parser_is(p, FT_TOKEN_BRACE_CLOSE) && !p->too_deep) {
		u32 before = p->at;

		if (ft_parser_is(p, FT_TOKEN_END) || ft_parser_is(p, FT_TOKEN_PROBE) ||
		    ft_parser_is(p, FT_TOKEN_FUNCTION) || ft_parser_is(p, FT_TOKEN_GLOBAL)) {
			ft_parser_leave(p);
			return ft_parser_fail(p, "expected statement");
		}
		if (add(p, block, ft_parse_stmt(p)))
			continue;
		if (p->at == before && !ft_parser_is(p, FT_TOKEN_BRACE_CLOSE))
			ft_parser_next(p);
		skip_to_statement(p);
	}
	ft_parser_leave(p);
	return ft_parser_accept(p, FT_TOKEN_BRACE_CLOSE) ? block : NULL;
}

static struct ft_stmt *parse_expr_stmt(struct ft_parser *p, enum ft_stmt_kind kind)
{
	struct ft_stmt *s = new_stmt(p, kind, ft_parser_peek(p));

	if (!s)
		return NULL;
	s->expr = ft_parse_expr(p);
	return s->expr ? s : NULL;
}

/* "(condition)". */
static struct ft_expr *parse_condition(struct ft_parser *p)
{
	struct ft_expr *e;

	if (!ft_parser_expect(p, FT_TOKEN_PAREN_OPEN))
		return NULL;
	e = ft_parse_expr(p);
	return e && ft_parser_expect(p, FT_TOKEN_PAREN_CLOSE) ? e : NULL;
}

static struct ft_stmt *parse_if(struct ft_parser *p)
{
	struct ft_stmt *s = new_stmt(p, FT_STMT_IF, ft_parser_next(p));

	if (!s)
		return NULL;
	s->expr = parse_condition(p);
	if (!s->expr || !add(p, s, ft_parse_stmt(p)))
		return NULL;
	/* A ';' before the else belongs to what is before it. */
	if (ft_parser_is(p, FT_TOKEN_SEMICOLON) && ft_parser_peek2(p)->kind == FT_TOKEN_ELSE)
		ft_parser_next(p);
	if (ft_parser_accept(p, FT_TOKEN_ELSE) && !add(p, s, ft_parse_stmt(p)))
		return NULL;
	return s;
}

static struct ft_stmt *parse_while(struct ft_parser *p)
{
	struct ft_stmt *s = new_stmt(p, FT_STMT_WHILE, ft_parser_next(p));

	if (!s)
		return NULL;
	s->expr = parse_condition(p);
	return s->expr && add(p, s, ft_parse_stmt(p)) ? s : NULL;
}

/* An expression that may be missing before a token, which is taken. False: wrong, and said. */
static bool parse_optional(struct ft_parser *p, enum ft_token_kind end, struct ft_expr **expr)
{
	if (ft_parser_accept(p, end))
		return true;
	*expr = ft_parse_expr(p);
	return *expr && ft_parser_expect(p, end);
}

static struct ft_stmt *parse_for(struct ft_parser *p)
{
	struct ft_stmt *s = new_stmt(p, FT_STMT_FOR, ft_parser_next(p));

	if (!s || !ft_parser_expect(p, FT_TOKEN_PAREN_OPEN) ||
	    !parse_optional(p, FT_TOKEN_SEMICOLON, &s->init) ||
	    !parse_optional(p, FT_TOKEN_SEMICOLON, &s->expr) ||
	    !parse_optional(p, FT_TOKEN_PAREN_CLOSE, &s->step))
		return NULL;
	return add(p, s, ft_parse_stmt(p)) ? s : NULL;
}

/* '+' or '-' behind a name of foreach. by: 0 the value, else the number of the key. */
static bool parse_sort_mark(struct ft_parser *p, struct ft_foreach *f, u32 by)
{
	bool up = ft_parser_is(p, FT_TOKEN_ADD);

	if (!up && !ft_parser_is(p, FT_TOKEN_SUB))
		return true;
	if (f->sort)
		return ft_parser_fail(p, "multiple sort directives");
	ft_parser_next(p);
	f->sort = up ? 1 : -1;
	f->sort_by = by;
	return true;
}

static struct ft_expr *parse_name(struct ft_parser *p)
{
	const struct ft_token *token = ft_parser_peek(p);
	struct ft_expr *e;

	if (token->kind != FT_TOKEN_IDENTIFIER || token->text[0] == '$')
		return ft_parser_fail(p, "expected identifier");
	ft_parser_next(p);
	e = ft_parser_expr(p, FT_EXPR_NAME, token);
	if (e)
		e->name = token->text;
	return e;
}

static bool push_expr(struct ft_parser *p, struct ft_expr ***list, u32 *count, struct ft_expr *e)
{
	struct ft_expr **slot = FT_ARENA_PUSH(p->compile->arena, list, count);

	if (slot)
		*slot = e;
	return slot != NULL;
}

/* "k", "[a, b]": what stands before "in". */
static bool parse_foreach_keys(struct ft_parser *p, struct ft_foreach *f)
{
	struct ft_expr *key;

	if (!ft_parser_accept(p, FT_TOKEN_BRACKET_OPEN)) {
		key = parse_name(p);
		return key && push_expr(p, &f->keys, &f->key_count, key) &&
		       parse_sort_mark(p, f, 1);
	}
	do {
		key = parse_name(p);
		if (!key || !push_expr(p, &f->keys, &f->key_count, key) ||
		    !parse_sort_mark(p, f, f->key_count))
			return false;
	} while (ft_parser_accept(p, FT_TOKEN_COMMA));
	return ft_parser_expect(p, FT_TOKEN_BRACKET_CLOSE);
}

/* "value = keys" or "keys". */
static bool parse_foreach_names(struct ft_parser *p, struct ft_foreach *f)
{
	u32 before = p->at;

	if (ft_parser_is(p, FT_TOKEN_IDENTIFIER)) {
		f->value = parse_name(p);
		if (!f->value || !parse_sort_mark(p, f, 0))
			return false;
		if (ft_parser_accept(p, FT_TOKEN_ASSIGN))
			return parse_foreach_keys(p, f);
		p->at = before;
		*f = (struct ft_foreach){0};
	}
	return parse_foreach_keys(p, f);
}

/* "[1, *]" behind the array. */
static bool parse_slice(struct ft_parser *p, struct ft_foreach *f)
{
	struct ft_expr *array = ft_parser_expr(p, FT_EXPR_INDEX, ft_parser_peek(p));

	if (!ft_parser_accept(p, FT_TOKEN_BRACKET_OPEN))
		return true;
	if (!array || !ft_parse_indexes(p, array))
		return false;
	f->slice = array->args;
	f->slice_count = array->arg_count;
	for (u32 i = 0; array->any && i < array->arg_count; i++)
		if (array->any[i])
			f->slice[i] = NULL;
	return true;
}

static bool parse_sort_stat(struct ft_parser *p, struct ft_foreach *f)
{
	static const struct {
		const char *word;
		enum ft_stat_op op;
	} table[] = {{"@count", FT_STAT_COUNT},
		     {"@sum", FT_STAT_SUM},
		     {"@min", FT_STAT_MIN},
		     {"@max", FT_STAT_MAX},
		     {"@avg", FT_STAT_AVG}};
	const struct ft_token *word = ft_parser_peek(p);

	if (word->kind != FT_TOKEN_AT_WORD)
		return true;
	for (size_t i = 0; i < FT_ARRAY_LEN(table); i++) {
		if (strcmp(word->text, table[i].word) != 0)
			continue;
		if (f->sort)
			return ft_parser_fail(p, "multiple sort directives");
		ft_parser_next(p);
		f->sort_stat = table[i].op;
		f->sort_stat_given = true;
		if (!ft_parser_is(p, FT_TOKEN_ADD) && !ft_parser_is(p, FT_TOKEN_SUB))
			return ft_parser_fail(p, "expected sorting operator + or -");
		return true;
	}
	return ft_parser_fail(p, "expected statistical operation");
}

/* The array (or histogram) behind "in", up to the ')'. */
static bool parse_foreach_base(struct ft_parser *p, struct ft_foreach *f)
{
	if (ft_parser_is(p, FT_TOKEN_AT_WORD)) {
		f->base = ft_parse_at_word(p);
		if (!f->base)
			return false;
		if (f->base->kind != FT_EXPR_HIST)
			return ft_parser_fail(p, "expected an array or a histogram");
	} else {
		f->base = parse_name(p);
		if (!f->base || !parse_slice(p, f) || !parse_sort_stat(p, f) ||
		    !parse_sort_mark(p, f, 0))
			return false;
	}
	if (ft_parser_accept(p, FT_TOKEN_LIMIT)) {
		f->limit = ft_parse_expr(p);
		if (!f->limit)
			return false;
	}
	return ft_parser_expect(p, FT_TOKEN_PAREN_CLOSE);
}

static struct ft_stmt *parse_foreach(struct ft_parser *p)
{
	struct ft_stmt *s = new_stmt(p, FT_STMT_FOREACH, ft_parser_next(p));
	struct ft_foreach *f = FT_ARENA_NEW(p->compile->arena, struct ft_foreach);

	if (!s || !f || !ft_parser_expect(p, FT_TOKEN_PAREN_OPEN) || !parse_foreach_names(p, f) ||
	    !ft_parser_expect(p, FT_TOKEN_IN) || !parse_foreach_base(p, f))
		return NULL;
	s->foreach = f;
	return add(p, s, ft_parse_stmt(p)) ? s : NULL;
}

static struct ft_stmt *parse_try(struct ft_parser *p)
{
	struct ft_stmt *s = new_stmt(p, FT_STMT_TRY, ft_parser_next(p));

	if (!s || !add(p, s, ft_parse_block(p)) || !ft_parser_expect(p, FT_TOKEN_CATCH))
		return NULL;
	if (ft_parser_accept(p, FT_TOKEN_PAREN_OPEN)) {
		s->caught = parse_name(p);
		if (!s->caught || !ft_parser_expect(p, FT_TOKEN_PAREN_CLOSE))
			return NULL;
	}
	return add(p, s, ft_parse_block(p)) ? s : NULL;
}

/* "return" with or without a value. */
static struct ft_stmt *parse_return(struct ft_parser *p)
{
	const struct ft_token *word = ft_parser_peek(p);
	struct ft_stmt *s = new_stmt(p, FT_STMT_RETURN, word);

	if (!s)
		return NULL;
	if (p->context != FT_CONTEXT_FUNCTION)
		return ft_parser_fail(p, "found 'return' not in function context");
	ft_parser_next(p);
	if (ft_parser_is(p, FT_TOKEN_SEMICOLON) || ft_parser_is(p, FT_TOKEN_BRACE_CLOSE))
		return s;
	s->expr = ft_parse_expr(p);
	return s->expr ? s : NULL;
}

static struct ft_stmt *parse_delete(struct ft_parser *p)
{
	ft_parser_next(p);
	return parse_expr_stmt(p, FT_STMT_DELETE);
}

static struct ft_stmt *parse_inner(struct ft_parser *p)
{
	const struct ft_token *token = ft_parser_peek(p);

	switch (token->kind) {
	case FT_TOKEN_SEMICOLON:
		return new_stmt(p, FT_STMT_EMPTY, ft_parser_next(p));
	case FT_TOKEN_BRACE_OPEN:
		return ft_parse_block(p);
	case FT_TOKEN_IF:
		return parse_if(p);
	case FT_TOKEN_WHILE:
		return parse_while(p);
	case FT_TOKEN_FOR:
		return parse_for(p);
	case FT_TOKEN_FOREACH:
		return parse_foreach(p);
	case FT_TOKEN_TRY:
		return parse_try(p);
	case FT_TOKEN_RETURN:
		return parse_return(p);
	case FT_TOKEN_DELETE:
		return parse_delete(p);
	case FT_TOKEN_BREAK:
		return new_stmt(p, FT_STMT_BREAK, ft_parser_next(p));
	case FT_TOKEN_CONTINUE:
		return new_stmt(p, FT_STMT_CONTINUE, ft_parser_next(p));
	case FT_TOKEN_NEXT:
		return new_stmt(p, FT_STMT_NEXT, ft_parser_next(p));
	case FT_TOKEN_EMBEDDED:
		return ft_parser_fail_at(p, ft_parser_next(p),
					 "embedded code is C for a kernel module, and this program "
					 "loads none: use the functions of the tapset");
	case FT_TOKEN_IDENTIFIER:
	case FT_TOKEN_AT_WORD:
	case FT_TOKEN_STRING:
	case FT_TOKEN_NUMBER:
	case FT_TOKEN_INC:
	case FT_TOKEN_DEC:
	case FT_TOKEN_ADD:
	case FT_TOKEN_SUB:
	case FT_TOKEN_NOT:
	case FT_TOKEN_TILDE:
	case FT_TOKEN_AND:
	case FT_TOKEN_PAREN_OPEN:
	case FT_TOKEN_BRACKET_OPEN:
		return parse_expr_stmt(p, FT_STMT_EXPR);
	default:
		return ft_parser_fail(p, "expected statement");
	}
}

struct ft_stmt *ft_parse_stmt(struct ft_parser *p)
{
	struct ft_stmt *s;

	if (!ft_parser_enter(p))
		return NULL;
	s = parse_inner(p);
	ft_parser_leave(p);
	return s;
}

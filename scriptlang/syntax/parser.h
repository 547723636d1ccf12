/*
 * parser.h - what the files of the parser share; private to scriptlang/parse*.c.
 *
 * Recursive descent over an array of tokens. A function that meets what it did not expect says so
 * once and returns NULL; whoever parses statements or declarations then goes on at the next one.
 */
#ifndef FT_SCRIPTLANG_PARSER_H
#define FT_SCRIPTLANG_PARSER_H

#include "scriptlang/syntax/parse.h"

#define FT_PARSER_NESTING_MAX 400 /* of expressions and statements in each other */

enum ft_parser_context {
	FT_CONTEXT_NONE,
	FT_CONTEXT_PROBE,
	FT_CONTEXT_FUNCTION,
};

struct ft_parser {
	struct ft_compile *compile;
	const struct ft_token *items; /* ends with END */
	u32 at;
	u32 nesting;
	bool too_deep; /* said already */
	enum ft_parser_context context;
	struct ft_file *file;
};

/* ---- tokens ---- */

const struct ft_token *ft_parser_peek(const struct ft_parser *p);
/* The one after it. */
const struct ft_token *ft_parser_peek2(const struct ft_parser *p);
const struct ft_token *ft_parser_next(struct ft_parser *p);
bool ft_parser_is(const struct ft_parser *p, enum ft_token_kind kind);
/* Takes a token of that kind, if it is next. */
bool ft_parser_accept(struct ft_parser *p, enum ft_token_kind kind);
/* Takes it, or says that it was expected. */
bool ft_parser_expect(struct ft_parser *p, enum ft_token_kind kind);
/* "expected WHAT", at the next token. Returns NULL, for callers to return. */
void *ft_parser_fail(struct ft_parser *p, const char *fmt, ...) FT_PRINTF(2, 3);
/* An error about a place rather than about what was expected. */
void *ft_parser_fail_at(struct ft_parser *p, const struct ft_token *token, const char *fmt, ...)
	FT_PRINTF(3, 4);
/* What is said of a piece of C, unless a guru asks: then pass 2 says it. */
void ft_parser_embedded(struct ft_parser *p, const struct ft_token *token);
/* One level deeper; false when that is too deep, which was said. */
bool ft_parser_enter(struct ft_parser *p);
void ft_parser_leave(struct ft_parser *p);

/* ---- pieces ---- */

struct ft_expr *ft_parse_expr(struct ft_parser *p);
/* "-" NUMBER, NUMBER or STRING; NULL and an error otherwise. */
struct ft_expr *ft_parse_literal(struct ft_parser *p);
struct ft_expr *ft_parser_expr(struct ft_parser *p, enum ft_expr_kind kind,
			       const struct ft_token *token);
/*
 * "a, b, *" up to the ']', which is taken. any: where to note '*'; NULL: none is allowed. False:
 * wrong, which was said.
 */
bool ft_parse_indexes(struct ft_parser *p, struct ft_expr *array);
/* print and its kin: the name is taken, the token is given. */
struct ft_expr *ft_parse_print(struct ft_parser *p, const struct ft_token *name);
/* Whether it is the name of one of them. */
bool ft_is_print(const char *name);
/* @count(x), @hist_log(x), @cast(...)->f: the word is next. */
struct ft_expr *ft_parse_at_word(struct ft_parser *p);
/* "->name", "[index]", "$": behind a target variable or a @cast. */
bool ft_parse_accesses(struct ft_parser *p, struct ft_expr *target);

struct ft_stmt *ft_parse_stmt(struct ft_parser *p);
/* "{ ... }". */
struct ft_stmt *ft_parse_block(struct ft_parser *p);

/* One point, with '?', '!' and "if (...)"; braces make it several. Appended to the list. */
bool ft_parse_point(struct ft_parser *p, struct ft_point **list, u32 *count);

#endif

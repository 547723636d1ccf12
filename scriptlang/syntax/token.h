/*
 * token.h - the words of a script, and the lexer that makes them.
 *
 *     text --lexer.c--> tokens --preprocessor--> tokens --ft_tokens_join--> tokens --> parser
 *
 * All of a source becomes one array before anything looks at it: sources are small, and macros and
 * conditions then work on arrays. What is no word becomes a JUNK token with a message, so that
 * damage in a branch that is not taken does no harm.
 */
#ifndef FT_SCRIPTLANG_TOKEN_H
#define FT_SCRIPTLANG_TOKEN_H

#include "scriptlang/syntax/diag.h"

enum ft_token_kind {
	FT_TOKEN_END, /* of the source; every array ends with one */
	FT_TOKEN_JUNK,
	FT_TOKEN_IDENTIFIER, /* may begin with or hold '$' */
	FT_TOKEN_AT_WORD,    /* "@count", "@define", "@mymacro": with its '@' */
	FT_TOKEN_STRING,
	FT_TOKEN_NUMBER,
	FT_TOKEN_EMBEDDED, /* %{ ... %}; text is what is between */
#define FT_OPERATOR(NAME, TEXT) FT_TOKEN_##NAME,
#define FT_KEYWORD(NAME, TEXT) FT_TOKEN_##NAME,
#include "scriptlang/syntax/tokens.def"
	FT_TOKEN_KINDS
};

struct ft_token {
	enum ft_token_kind kind;
	bool after_space; /* blank, newline or comment before it: matters in probe points */
	u32 len;	  /* of text */
	/*
	 * NUL-terminated, lives as long as the arena. STRING: the value, escapes resolved; it may
	 * hold NUL, where its value ends. NUMBER, and all others: as written. JUNK: the message.
	 */
	const char *text;
	s64 number; /* NUMBER: the value, wrapped */
	struct ft_span at;
};

struct ft_tokens {
	struct ft_token *items; /* ends with END */
	u32 count;		/* with END */
};

#define FT_TOKENS_MAX (1u << 18) /* of a source; more is an error */

/* What the lexer and the preprocessor are given. */
struct ft_script_args {
	const char *const *items; /* $1 is items[0] */
	u32 count;
};

/*
 * Cuts a source into words. args: the script's arguments, NULL to leave $1 and @1 as they are (the
 * tapset). The array lives in arena. 0 or -ENOMEM; what is wrong with the text is in JUNK tokens.
 */
int ft_lexer_run(const struct ft_source *source, const struct ft_script_args *args,
		 struct ft_arena *arena, struct ft_tokens *tokens);

/*
 * Joins adjacent string literals in place; to be called after the preprocessor. 0 or -ENOMEM.
 */
int ft_tokens_join(struct ft_arena *arena, struct ft_tokens *tokens);

/* What SystemTap calls a token in "saw: operator '}'": "operator", "keyword", "identifier"... */
const char *ft_token_word(const struct ft_token *token);

/* The spelling of an operator or a keyword: "+=", "foreach"; a describing word for the others. */
const char *ft_token_spelling(enum ft_token_kind kind);

/* One line a token: kind, place, text with escapes (--dump tokens). */
void ft_tokens_dump(const struct ft_tokens *tokens, struct ft_out *out);

#endif

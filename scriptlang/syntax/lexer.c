/*
 * lexer.c - from the text of a script to tokens; see token.h.
 *
 * The one hard idea: an argument ($1) is pasted as raw characters where a token may begin, so that
 * one argument can hold several tokens, or the first half of one. Characters therefore come through
 * a cursor over two texts, the argument being pasted and then the source. What is pasted is not
 * searched for arguments again, or "$1" as the first argument would never end.
 */
#include "scriptlang/syntax/token.h"

#include <errno.h>
#include <string.h>

#define NO_CHAR (-1)

struct lexer {
	const struct ft_source *source;
	const struct ft_script_args *args;
	struct ft_arena *arena;
	u32 at; /* next byte of the source */
	const char *pasted, *pasted_end;
	struct ft_span pasted_span; /* of the "$1" that is being pasted */
	const char *pasted_name;
	char *buffer; /* the text of the token at hand, NUL-terminated when done */
	size_t buffer_len, buffer_cap;
	struct ft_tokens *tokens;
	u32 token_room;
};

struct spelling {
	enum ft_token_kind kind;
	u8 len;
	const char *text;
};

static const struct spelling operators[] = {
#define FT_OPERATOR(NAME, TEXT) {FT_TOKEN_##NAME, sizeof(TEXT) - 1, TEXT},
#define FT_KEYWORD(NAME, TEXT)
#include "scriptlang/syntax/tokens.def"
};

static const struct spelling keywords[] = {
#define FT_OPERATOR(NAME, TEXT)
#define FT_KEYWORD(NAME, TEXT) {FT_TOKEN_##NAME, sizeof(TEXT) - 1, TEXT},
#include "scriptlang/syntax/tokens.def"
};

/* The character that is ahead by so many; ahead is 0 to 3. */
static int peek(const struct lexer *l, u32 ahead)
{
	size_t pasted = (size_t)(l->pasted_end - l->pasted);

	if (ahead < pasted)
		return (u8)l->pasted[ahead];
	ahead -= (u32)pasted;
	return ahead < l->source->len - l->at ? (u8)l->source->text[l->at + ahead] : NO_CHAR;
}

static void skip(struct lexer *l, u32 count)
{
	for (; count; count--) {
		if (l->pasted < l->pasted_end)
			l->pasted++;
		else if (l->at < l->source->len)
			l->at++;
	}
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_start(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

static bool is_name(int c)
{
	return is_name_start(c) || is_digit(c);
}

/* Locale-independent, and NUL is none: a NUL in a script is junk. */
static bool is_space(int c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int hex_digit(int c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Where the next character is: within a pasted argument, all is at the place of its "$1". */
static struct ft_span here(const struct lexer *l)
{
	struct ft_span span = {.source = l->source, .at = l->at};

	return l->pasted < l->pasted_end ? l->pasted_span : span;
}

/* Adds a byte to the text at hand. What the arena cannot give shows in ft_arena_failed. */
static void keep(struct lexer *l, int c)
{
	if (l->buffer_len + 1 >= l->buffer_cap) {
		size_t cap = l->buffer_cap ? l->buffer_cap * 2 : 64;
		char *bigger = ft_arena_alloc(l->arena, cap, 1);

		if (!bigger)
			return;
		if (l->buffer_len)
			memcpy(bigger, l->buffer, l->buffer_len);
		l->buffer = bigger;
		l->buffer_cap = cap;
	}
	l->buffer[l->buffer_len++] = (char)c;
}

static void keep_next(struct lexer *l)
{
	keep(l, peek(l, 0));
	skip(l, 1);
}

static void junk(struct ft_token *token, const char *message)
{
	token->kind = FT_TOKEN_JUNK;
	token->text = message;
	token->len = (u32)strlen(message);
}

/* Gives the token the text collected in the buffer. */
static void take_text(struct lexer *l, struct ft_token *token)
{
	const char *text = ft_arena_copy(l->arena, l->buffer, l->buffer_len);

	token->text = text ? text : "";
	token->len = text ? (u32)l->buffer_len : 0;
}

/*
 * Skips a comment, if there is one. False: it has no end. $# and @# are no comments: they are
 * looked for before.
 */
static bool skip_comment(struct lexer *l, bool *found)
{
	int c = peek(l, 0), next = peek(l, 1);

	*found = true;
	if (c == '#' || (c == '/' && next == '/')) {
		while (peek(l, 0) != '\n' && peek(l, 0) != NO_CHAR)
			skip(l, 1);
		return true;
	}
	if (c == '/' && next == '*') {
		skip(l, 2);
		while (peek(l, 0) != NO_CHAR && (peek(l, 0) != '*' || peek(l, 1) != '/'))
			skip(l, 1);
		if (peek(l, 0) == NO_CHAR)
			return false;
		skip(l, 2);
		return true;
	}
	*found = false;
	return true;
}

/* The byte an octal escape stands for: up to three digits, as in C. */
static int lex_octal(struct lexer *l)
{
	int value = 0;

	for (u32 i = 0; i < 3 && peek(l, 0) >= '0' && peek(l, 0) <= '7'; i++) {
		value = value * 8 + peek(l, 0) - '0';
		skip(l, 1);
	}
	return value & 0xff;
}

/* After "\x": all digits belong to it, as in C; the last two count. */
static int lex_hex(struct lexer *l)
{
	int value = 0;

	for (; hex_digit(peek(l, 0)) >= 0; skip(l, 1))
		value = (value * 16 + hex_digit(peek(l, 0))) & 0xff;
	return value;
}

/* After a backslash in a string. An unknown escape is the character itself. */
static void lex_escape(struct lexer *l)
{
	static const char names[] = "abtnvfr", values[] = "\a\b\t\n\v\f\r";
	int c = peek(l, 0);
	const char *known = c > 0 ? strchr(names, c) : NULL;

	if (c >= '0' && c <= '7') {
		keep(l, lex_octal(l));
		return;
	}
	skip(l, 1);
	if (c == 'x' && hex_digit(peek(l, 0)) >= 0)
		keep(l, lex_hex(l));
	else
		keep(l, known ? values[known - names] : c);
}

static void lex_string(struct lexer *l, struct ft_token *token)
{
	skip(l, 1);
	token->kind = FT_TOKEN_STRING;
	for (;;) {
		int c = peek(l, 0);

		if (c == NO_CHAR || c == '\n') {
			junk(token, "could not find matching closing quote");
			return;
		}
		if (c == '"')
			break;
		if (c == '\\' && peek(l, 1) != NO_CHAR) {
			skip(l, 1);
			lex_escape(l);
		} else {
			keep_next(l);
		}
	}
	skip(l, 1);
	take_text(l, token);
}

/* Decimal, octal or hexadecimal, up to 2^64-1. False: it is none. */
static bool number_value(const char *text, size_t len, u64 *value)
{
	u64 base = 10;
	size_t i = 0;

	*value = 0;
	if (len > 1 && text[0] == '0') {
		base = (text[1] | 0x20) == 'x' ? 16 : 8;
		i = base == 16 ? 2 : 1;
	}
	if (i == len)
		return false;
	for (; i < len; i++) {
		int digit = hex_digit(text[i]);

		if (digit < 0 || (u64)digit >= base ||
		    __builtin_mul_overflow(*value, base, value) ||
		    __builtin_add_overflow(*value, (u64)digit, value))
			return false;
	}
	return true;
}

static void lex_number(struct lexer *l, struct ft_token *token)
{
	u64 value;

	token->kind = FT_TOKEN_NUMBER;
	while (is_name(peek(l, 0)) && peek(l, 0) != '$')
		keep_next(l);
	if (!number_value(l->buffer, l->buffer_len, &value)) {
		junk(token, "number invalid");
		return;
	}
	token->number = (s64)value;
	take_text(l, token);
}

/* Identifiers, keywords, and words that begin with '@'. */
static void lex_name(struct lexer *l, struct ft_token *token)
{
	token->kind = peek(l, 0) == '@' ? FT_TOKEN_AT_WORD : FT_TOKEN_IDENTIFIER;
	do
		keep_next(l);
	while (is_name(peek(l, 0)));
	for (size_t i = 0; i < FT_ARRAY_LEN(keywords); i++)
		if (keywords[i].len == l->buffer_len &&
		    !memcmp(keywords[i].text, l->buffer, l->buffer_len))
			token->kind = keywords[i].kind;
	take_text(l, token);
}

static void lex_embedded(struct lexer *l, struct ft_token *token)
{
	token->kind = FT_TOKEN_EMBEDDED;
	skip(l, 2);
	while (peek(l, 0) != '%' || peek(l, 1) != '}') {
		if (peek(l, 0) == NO_CHAR) {
			junk(token,
			     "could not find matching '%}' to close embedded function block");
			return;
		}
		keep_next(l);
	}
	skip(l, 2);
	take_text(l, token);
}

static bool lex_operator(struct lexer *l, struct ft_token *token)
{
	for (size_t i = 0; i < FT_ARRAY_LEN(operators); i++) {
		const struct spelling *o = &operators[i];
		u32 same = 0;

		while (same < o->len && peek(l, same) == o->text[same])
			same++;
		if (same < o->len)
			continue;
		skip(l, o->len);
		token->kind = o->kind;
		token->text = o->text;
		token->len = o->len;
		return true;
	}
	return false;
}

static void lex_junk(struct lexer *l, struct ft_token *token)
{
	int c = peek(l, 0);
	const char *message;

	skip(l, 1);
	message = c > ' ' && c < 0x7f ? ft_arena_printf(l->arena, "unexpected junk token '%c'", c)
				      : ft_arena_printf(l->arena, "unexpected byte 0x%02x", (u32)c);
	junk(token, message ? message : "unexpected byte");
}

/* $N, @N, $#, @#: an argument. digits is set to the characters after the first. */
static bool at_argument(const struct lexer *l, u32 *digits)
{
	u32 n = 1;

	if (!l->args || l->pasted < l->pasted_end || (peek(l, 0) != '$' && peek(l, 0) != '@'))
		return false;
	*digits = 1;
	if (peek(l, 1) == '#')
		return true;
	while (is_digit(peek(l, n)))
		n++;
	*digits = n - 1;
	return n > 1;
}

/* The number N of an argument, of so many digits; 0: out of range. */
static u32 argument_number(const struct lexer *l, u32 digits)
{
	u64 number = 0;

	for (u32 i = 1; i <= digits; i++) {
		number = number * 10 + (u64)(peek(l, i) - '0');
		if (number > l->args->count)
			return 0;
	}
	return (u32)number;
}

/*
 * Pastes $N, so that the next token begins with it, or makes a string of @N. True: token is set.
 */
static bool lex_argument(struct lexer *l, u32 digits, struct ft_token *token)
{
	bool is_count = peek(l, 1) == '#', is_string = peek(l, 0) == '@';
	u32 number = is_count ? 0 : argument_number(l, digits);
	struct ft_span span = here(l);
	const char *text, *name;

	span.len = digits + 1;
	token->at = span;
	name = ft_arena_copy(l->arena, l->source->text + l->at, span.len);
	if (!is_count && !number) {
		text = ft_arena_printf(l->arena,
				       "command line argument %s out of range: there are %u", name,
				       l->args->count);
		skip(l, digits + 1);
		junk(token, text ? text : "command line argument out of range");
		return true;
	}
	text = is_count ? ft_arena_printf(l->arena, "%u", l->args->count)
			: l->args->items[number - 1];
	skip(l, digits + 1);
	if (!text || !name)
		text = name = "";
	if (is_string) {
		token->kind = FT_TOKEN_STRING;
		token->text = text;
		token->len = (u32)strlen(text);
		return true;
	}
	l->pasted = text;
	l->pasted_end = text + strlen(text);
	l->pasted_span = span;
	l->pasted_name = name;
	return false;
}

/* Where a token began, and how far it reaches; out of an argument, what it came through. */
static struct ft_span finish_span(struct lexer *l, struct ft_span start, bool was_pasted)
{
	struct ft_origin *origin;

	if (!was_pasted) {
		start.len = l->at - start.at;
		return start;
	}
	origin = FT_ARENA_NEW(l->arena, struct ft_origin);
	if (origin) {
		origin->what = l->pasted_name;
		origin->at = start;
		start.via = origin;
	}
	return start;
}

/* The next token, without its place. */
static void lex_one(struct lexer *l, struct ft_token *token)
{
	int c = peek(l, 0);

	l->buffer_len = 0;
	if (l->pasted < l->pasted_end && (c == '$' || c == '@') &&
	    (is_digit(peek(l, 1)) || peek(l, 1) == '#')) {
		skip(l, 2);
		while (is_digit(peek(l, 0)))
			skip(l, 1);
		junk(token, "invalid nested substitution of command line arguments");
	} else if (c == NO_CHAR) {
		token->kind = FT_TOKEN_END;
		token->text = "";
	} else if (c == '"') {
		lex_string(l, token);
	} else if (c == '%' && peek(l, 1) == '{') {
		lex_embedded(l, token);
	} else if (is_digit(c)) {
		lex_number(l, token);
	} else if (is_name_start(c) || (c == '@' && is_name(peek(l, 1)))) {
		lex_name(l, token);
	} else if (!lex_operator(l, token)) {
		lex_junk(l, token);
	}
}

/* Skips blanks and comments, pastes arguments, makes a token. */
static void lex_next(struct lexer *l, struct ft_token *token)
{
	struct ft_span start;
	u32 digits;
	bool found, was_pasted;

	for (;;) {
		start = here(l);
		if (is_space(peek(l, 0))) {
			skip(l, 1);
			token->after_space = true;
		} else if (at_argument(l, &digits)) {
			if (lex_argument(l, digits, token))
				return;
		} else if (!skip_comment(l, &found)) {
			token->at = finish_span(l, start, false);
			junk(token, "could not find the end of the comment");
			return;
		} else if (!found) {
			break;
		} else {
			token->after_space = true;
		}
	}
	was_pasted = l->pasted < l->pasted_end;
	lex_one(l, token);
	token->at = finish_span(l, start, was_pasted);
}

int ft_lexer_run(const struct ft_source *source, const struct ft_script_args *args,
		 struct ft_arena *arena, struct ft_tokens *tokens)
{
	struct lexer l = {.source = source, .args = args, .arena = arena, .tokens = tokens};
	struct ft_token *token;

	l.pasted = l.pasted_end = "";
	*tokens = (struct ft_tokens){0};
	do {
		token = FT_ARENA_PUSH(arena, &tokens->items, &tokens->count);
		if (!token)
			return -ENOMEM;
		if (tokens->count == FT_TOKENS_MAX) {
			token->at = here(&l);
			junk(token, "too many tokens");
			token = FT_ARENA_PUSH(arena, &tokens->items, &tokens->count);
			if (!token)
				return -ENOMEM;
			token->kind = FT_TOKEN_END;
			token->text = "";
			token->at = here(&l);
			break;
		}
		lex_next(&l, token);
	} while (token->kind != FT_TOKEN_END);
	return ft_arena_failed(arena) ? -ENOMEM : 0;
}

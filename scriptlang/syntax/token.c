/* token.c - what can be done with tokens besides making them; see token.h. */
#include "scriptlang/syntax/token.h"

#include <errno.h>
#include <string.h>

static const char *const spellings[FT_TOKEN_KINDS] = {
	[FT_TOKEN_END] = "end of file",	       [FT_TOKEN_JUNK] = "junk",
	[FT_TOKEN_IDENTIFIER] = "identifier",  [FT_TOKEN_AT_WORD] = "macro",
	[FT_TOKEN_STRING] = "string",	       [FT_TOKEN_NUMBER] = "number",
	[FT_TOKEN_EMBEDDED] = "embedded-code",
#define FT_OPERATOR(NAME, TEXT) [FT_TOKEN_##NAME] = (TEXT),
#define FT_KEYWORD(NAME, TEXT) [FT_TOKEN_##NAME] = (TEXT),
#include "scriptlang/syntax/tokens.def"
};

const char *ft_token_spelling(enum ft_token_kind kind)
{
	return spellings[kind];
}

const char *ft_token_word(const struct ft_token *token)
{
	if (token->kind == FT_TOKEN_AT_WORD)
		return "operator";
	if (token->kind <= FT_TOKEN_EMBEDDED)
		return spellings[token->kind];
	return token->kind >= FT_TOKEN_PROBE ? "keyword" : "operator";
}

int ft_tokens_join(struct ft_arena *arena, struct ft_tokens *tokens)
{
	u32 kept = 0;

	for (u32 i = 0; i < tokens->count; i++) {
		struct ft_token first = tokens->items[i];
		u32 last = i, at = 0;
		u64 len = first.len;
		char *text;

		while (first.kind == FT_TOKEN_STRING &&
		       tokens->items[last + 1].kind == FT_TOKEN_STRING)
			len += tokens->items[++last].len;
		if (last > i) {
			text = len <= FT_SOURCE_BYTES_MAX ? ft_arena_alloc(arena, len + 1, 1)
							  : NULL;
			if (!text)
				return -ENOMEM;
			for (; i <= last; i++) {
				memcpy(text + at, tokens->items[i].text, tokens->items[i].len);
				at += tokens->items[i].len;
			}
			i = last;
			first.text = text;
			first.len = at;
		}
		tokens->items[kept++] = first;
	}
	tokens->count = kept;
	return 0;
}

/* A text with all but printable ASCII as octal escapes. */
static void dump_text(const char *text, u32 len, struct ft_out *out)
{
	for (u32 i = 0; i < len; i++) {
		u8 c = (u8)text[i];

		if (c == '"' || c == '\\')
			ft_out_char(out, '\\');
		if (c >= ' ' && c < 0x7f)
			ft_out_char(out, (char)c);
		else
			ft_out_printf(out, "\\%03o", c);
	}
}

void ft_tokens_dump(const struct ft_tokens *tokens, struct ft_out *out)
{
	for (u32 i = 0; i < tokens->count; i++) {
		const struct ft_token *token = &tokens->items[i];
		u32 line = 0, column = 0;

		if (token->at.source)
			ft_source_place(token->at.source, token->at.at, &line, &column);
		ft_out_printf(out, "%u:%u %s", line, column, ft_token_word(token));
		if (token->kind != FT_TOKEN_END) {
			ft_out_text(out, token->kind == FT_TOKEN_STRING ? " \"" : " ");
			dump_text(token->text, token->len, out);
			ft_out_text(out, token->kind == FT_TOKEN_STRING ? "\"" : "");
		}
		if (token->kind == FT_TOKEN_NUMBER)
			ft_out_printf(out, " = %lld", (long long)token->number);
		if (token->at.via)
			ft_out_printf(out, " via %s", token->at.via->what);
		ft_out_char(out, '\n');
	}
}

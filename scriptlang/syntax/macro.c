/*
 * macro.c - @define and its uses.
 *
 *     @define name %( body %)          @name
 *     @define name(a, b) %( body %)    @name(x, y)      in the body: @a, @b
 *
 * A macro stands for tokens. Its arguments are expanded where they are written, its body where it
 * is used; a macro that comes back to itself is an error, and so is a script that grows without
 * end.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "scriptlang/syntax/parse.h"

#include "embed/json.stpm.h"
#include "embed/macros.stpm.h"
#include "embed/prometheus.stpm.h"

#define MACRO_NESTING_MAX 100
#define MACRO_PARAMS_MAX 64

struct ft_macro {
	const char *name; /* with its '@' */
	const char **params;
	u32 param_count;
	bool has_parens;
	const struct ft_token *body;
	u32 body_count;
	bool active; /* being expanded */
};

/* A run of tokens that stands for a parameter. */
struct argument {
	const char *name; /* with '@' */
	const struct ft_token *tokens;
	u32 count;
};

struct expander {
	struct ft_compile *compile;
	struct ft_macro **macros;
	u32 macro_count;
	struct ft_tokens out;
	bool overflowed;
};

/* Where tokens are read: the source, or a body with the arguments of its use. */
struct reader {
	const struct ft_token *items;
	u32 at, count;
	const struct argument *args;
	u32 arg_count;
	const struct ft_origin *via; /* of what comes out of a body */
	u32 depth;
};

/* Words with '@' that belong to the language. */
static bool is_operator_word(const char *text)
{
	static const char *const words[] = {
		"@count",	   "@sum",	 "@min",	 "@max",    "@avg",
		"@variance",	   "@hist_log",	 "@hist_linear", "@cast",   "@var",
		"@entry",	   "@defined",	 "@perf",	 "@const",  "@probewrite",
		"@choose_defined", "@kregister", "@uregister",	 "@kderef", "@uderef"};

	for (size_t i = 0; i < FT_ARRAY_LEN(words); i++)
		if (!strcmp(text, words[i]))
			return true;
	return false;
}

static void complain(struct expander *x, const struct ft_token *token, const char *fmt, ...)
	FT_PRINTF(3, 4);

static void complain(struct expander *x, const struct ft_token *token, const char *fmt, ...)
{
	struct ft_diag *diag;
	char text[300];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	diag = ft_diag_add(&x->compile->diags, FT_DIAG_PARSE, "macro", token->at, "%s", text);
	diag->word = ft_token_word(token);
}

static struct ft_macro *find_in(struct ft_macro *const *macros, u32 count, const char *name)
{
	for (u32 i = 0; i < count; i++)
		if (!strcmp(macros[i]->name, name))
			return macros[i];
	return NULL;
}

static struct ft_macro *find(const struct expander *x, const char *name)
{
	return find_in(x->macros, x->macro_count, name);
}

/* One of the library. Those of the tapset are read when the first unknown word comes. */
static struct ft_macro *find_in_library(const struct expander *x, const char *name)
{
#define MACROS(NAME, TEXT)                                                                  \
	{                                                                                   \
		.name = (NAME), .text = (TEXT), .len = sizeof(TEXT) - 1, .is_tapset = true, \
		.is_private = true                                                          \
	}
	static const struct ft_source tapset[] = {
		MACROS("macros.stpm", ft_embed_macros_stpm),
		MACROS("json.stpm", ft_embed_json_stpm),
		MACROS("prometheus.stpm", ft_embed_prometheus_stpm),
	};
#undef MACROS
	struct ft_compile *compile = x->compile;
	struct ft_macro *m = find_in(compile->macros, compile->macro_count, name);

	if (m || compile->tapset_macros_read)
		return m;
	compile->tapset_macros_read = true;
	for (size_t i = 0; i < FT_ARRAY_LEN(tapset); i++)
		if (ft_macros_read(compile, &tapset[i]))
			return NULL;
	return find_in(compile->macros, compile->macro_count, name);
}

const struct ft_token *ft_macro_body(const struct ft_compile *compile, const char *name, u32 *count)
{
	const struct ft_macro *m = find_in(compile->macros, compile->macro_count, name);

	*count = m ? m->body_count : 0;
	return m ? m->body : NULL;
}

static const struct argument *find_argument(const struct reader *r, const char *name)
{
	for (u32 i = 0; i < r->arg_count; i++)
		if (!strcmp(r->args[i].name, name))
			return &r->args[i];
	return NULL;
}

static void emit(struct expander *x, const struct reader *r, const struct ft_token *token)
{
	struct ft_token *slot;

	if (x->out.count >= FT_TOKENS_MAX) {
		if (!x->overflowed)
			complain(x, token, "macros make more tokens than a script may have");
		x->overflowed = true;
		return;
	}
	slot = FT_ARENA_PUSH(x->compile->arena, &x->out.items, &x->out.count);
	if (!slot)
		return;
	*slot = *token;
	if (r->via && !slot->at.via)
		slot->at.via = r->via;
}

static bool at_kind(const struct reader *r, enum ft_token_kind kind)
{
	return r->at < r->count && r->items[r->at].kind == kind;
}

/*
 * The tokens of "%( ... %)", from behind its beginning; nested ones belong to it. False: it does
 * not end.
 */
static bool take_body(struct reader *r, const struct ft_token **body, u32 *count)
{
	u32 depth = 1, begin = r->at;

	for (; r->at < r->count && r->items[r->at].kind != FT_TOKEN_END; r->at++) {
		if (r->items[r->at].kind == FT_TOKEN_IF_OPEN)
			depth++;
		if (r->items[r->at].kind != FT_TOKEN_IF_CLOSE || --depth)
			continue;
		*body = r->items + begin;
		*count = r->at++ - begin;
		return true;
	}
	return false;
}

/* "(a, b)" of a definition. False: it is wrong, which was said. */
static bool take_params(struct expander *x, struct reader *r, struct ft_macro *m)
{
	const struct ft_token *open = &r->items[r->at++];

	m->has_parens = true;
	while (!at_kind(r, FT_TOKEN_PAREN_CLOSE)) {
		const struct ft_token *token = &r->items[r->at];
		const char **slot;

		if (token->kind != FT_TOKEN_IDENTIFIER || m->param_count == MACRO_PARAMS_MAX) {
			complain(x, token, "expected a parameter name in the macro %s", m->name);
			return false;
		}
		slot = FT_ARENA_PUSH(x->compile->arena, &m->params, &m->param_count);
		if (slot)
			*slot = ft_arena_printf(x->compile->arena, "@%s", token->text);
		if (!slot || !*slot)
			return false;
		r->at++;
		if (at_kind(r, FT_TOKEN_COMMA))
			r->at++;
		else if (!at_kind(r, FT_TOKEN_PAREN_CLOSE)) {
			complain(x, open, "expected ',' or ')' in the macro %s", m->name);
			return false;
		}
	}
	r->at++;
	return true;
}

/* What follows "@define". */
static void define(struct expander *x, struct reader *r)
{
	const struct ft_token *name = &r->items[r->at];
	struct ft_macro *m = FT_ARENA_NEW(x->compile->arena, struct ft_macro), **slot;

	if (!m)
		return;
	if (name->kind != FT_TOKEN_IDENTIFIER) {
		complain(x, name, "expected the name of a macro");
		return;
	}
	m->name = ft_arena_printf(x->compile->arena, "@%s", name->text);
	if (!m->name)
		return;
	r->at++;
	if (!strcmp(m->name, "@define"))
		complain(x, name, "attempt to redefine '@define'");
	else if (find(x, m->name))
		complain(x, name, "attempt to redefine macro '%s'", m->name);
	if (at_kind(r, FT_TOKEN_PAREN_OPEN) && !take_params(x, r, m))
		return;
	if (!at_kind(r, FT_TOKEN_IF_OPEN)) {
		complain(x, &r->items[r->at], "expected '%%(' and the body of the macro %s",
			 m->name);
		return;
	}
	r->at++;
	if (!take_body(r, &m->body, &m->body_count)) {
		complain(x, name, "could not find the end of the macro %s, '%%)'", m->name);
		return;
	}
	slot = FT_ARENA_PUSH(x->compile->arena, &x->macros, &x->macro_count);
	if (slot)
		*slot = m;
}

static void expand(struct expander *x, struct reader *r);

/* Expands tokens into a run of their own. */
static struct ft_tokens expand_apart(struct expander *x, struct reader *r)
{
	struct ft_tokens kept = x->out, result;

	x->out = (struct ft_tokens){0};
	expand(x, r);
	result = x->out;
	x->out = kept;
	return result;
}

/*
 * "(x, y)" of a use: what stands between commas outside of parentheses. False: it does not end,
 * which was said.
 */
static bool take_args(struct expander *x, struct reader *r, const struct ft_macro *m,
		      struct argument *args, u32 *count)
{
	u32 depth = 0, begin;

	*count = 0;
	r->at++;
	if (at_kind(r, FT_TOKEN_PAREN_CLOSE) && !m->param_count) {
		r->at++;
		return true;
	}
	begin = r->at;
	for (; r->at < r->count && r->items[r->at].kind != FT_TOKEN_END; r->at++) {
		enum ft_token_kind kind = r->items[r->at].kind;
		bool ends = kind == FT_TOKEN_PAREN_CLOSE && !depth;

		if (kind == FT_TOKEN_PAREN_OPEN || kind == FT_TOKEN_BRACKET_OPEN)
			depth++;
		else if ((kind == FT_TOKEN_PAREN_CLOSE || kind == FT_TOKEN_BRACKET_CLOSE) && depth)
			depth--;
		if (!ends && (kind != FT_TOKEN_COMMA || depth))
			continue;
		if (*count < MACRO_PARAMS_MAX) {
			struct reader part = *r;
			struct ft_tokens tokens;

			part.at = begin;
			part.count = r->at;
			tokens = expand_apart(x, &part);
			args[*count].tokens = tokens.items;
			args[*count].count = tokens.count;
		}
		++*count;
		begin = r->at + 1;
		if (ends) {
			r->at++;
			return true;
		}
	}
	return false;
}

/* A use of a macro; r stands behind its name. */
static void use(struct expander *x, struct reader *r, struct ft_macro *m,
		const struct ft_token *name)
{
	struct argument args[MACRO_PARAMS_MAX] = {{0}};
	struct ft_origin *origin = FT_ARENA_NEW(x->compile->arena, struct ft_origin);
	struct reader body = {.items = m->body, .count = m->body_count, .depth = r->depth + 1};
	u32 count = 0;

	if (m->active || r->depth == MACRO_NESTING_MAX) {
		complain(x, name, "recursive invocation of macro '%s'", m->name);
		return;
	}
	if (m->has_parens && !at_kind(r, FT_TOKEN_PAREN_OPEN)) {
		complain(x, name, "expected '(' in invocation of macro '%s'", m->name);
		return;
	}
	if (m->has_parens && !take_args(x, r, m, args, &count)) {
		complain(x, name, "could not find the end of the invocation of macro '%s'",
			 m->name);
		return;
	}
	if (count != m->param_count) {
		complain(x, name, "wrong number of arguments for macro '%s'", m->name);
		return;
	}
	for (u32 i = 0; i < count; i++)
		args[i].name = m->params[i];
	if (origin) {
		origin->what = m->name;
		origin->at = name->at;
		if (!origin->at.via)
			origin->at.via = r->via;
	}
	body.args = args;
	body.arg_count = count;
	body.via = origin;
	m->active = true;
	expand(x, &body);
	m->active = false;
}

static void expand(struct expander *x, struct reader *r)
{
	while (r->at < r->count && !x->overflowed && !ft_arena_failed(x->compile->arena)) {
		const struct ft_token *token = &r->items[r->at++];
		const struct argument *arg = NULL;
		struct ft_macro *m = NULL;

		if (token->kind == FT_TOKEN_AT_WORD) {
			if (!strcmp(token->text, "@define")) {
				define(x, r);
				continue;
			}
			arg = find_argument(r, token->text);
			m = arg ? NULL : find(x, token->text);
			if (!arg && !m && !is_operator_word(token->text))
				m = find_in_library(x, token->text);
		}
		if (arg) {
			for (u32 i = 0; i < arg->count; i++)
				emit(x, r, &arg->tokens[i]);
		} else if (m) {
			use(x, r, m, token);
		} else {
			if (token->kind == FT_TOKEN_AT_WORD && !is_operator_word(token->text))
				complain(x, token, "undefined macro or operator '%s'", token->text);
			emit(x, r, token);
		}
	}
}

int ft_expand_macros(struct ft_compile *compile, struct ft_tokens *tokens)
{
	struct expander x = {.compile = compile};
	struct reader r = {.items = tokens->items, .count = tokens->count};
	u32 errors = compile->diags.errors;

	expand(&x, &r);
	/* Whatever was wrong, an array of tokens ends with END. */
	if (!x.out.count || x.out.items[x.out.count - 1].kind != FT_TOKEN_END) {
		struct reader end = {0};

		x.overflowed = false;
		x.out.count = x.out.count < FT_TOKENS_MAX ? x.out.count : FT_TOKENS_MAX - 1;
		emit(&x, &end, &tokens->items[tokens->count - 1]);
	}
	if (ft_arena_failed(compile->arena))
		return -ENOMEM;
	*tokens = x.out;
	return compile->diags.errors > errors ? -EINVAL : 0;
}

int ft_macros_read(struct ft_compile *compile, const struct ft_source *source)
{
	struct expander x = {.compile = compile};
	struct reader r = {0};
	struct ft_tokens tokens;
	u32 errors = compile->diags.errors;
	int code = ft_lexer_run(source, NULL, compile->arena, &tokens);

	if (!code)
		code = ft_decide_conditions(compile, &tokens, true);
	if (code == -ENOMEM)
		return code;
	r.items = tokens.items;
	r.count = tokens.count;
	expand(&x, &r);
	if (x.out.count > 1)
		complain(&x, &x.out.items[0],
			 "expected a macro definition: files *.stpm hold no more");
	for (u32 i = 0; i < x.macro_count; i++) {
		struct ft_macro **slot =
			FT_ARENA_PUSH(compile->arena, &compile->macros, &compile->macro_count);

		if (!slot)
			return -ENOMEM;
		*slot = x.macros[i];
	}
	return compile->diags.errors > errors ? -EINVAL : 0;
}

int ft_preprocess(struct ft_compile *compile, struct ft_tokens *tokens)
{
	int early = ft_decide_conditions(compile, tokens, true);
	int macros = early == -ENOMEM ? early : ft_expand_macros(compile, tokens);
	int late = macros == -ENOMEM ? macros : ft_decide_conditions(compile, tokens, false);

	if (late == -ENOMEM)
		return late;
	return early ? early : macros ? macros : late;
}

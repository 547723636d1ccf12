/* parse.c - declarations: probes, aliases, globals, functions. See parse.h and parser.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "scriptlang/syntax/parser.h"

/* ---- tokens ---- */

const struct ft_token *ft_parser_peek(const struct ft_parser *p)
{
	return &p->items[p->at];
}

const struct ft_token *ft_parser_peek2(const struct ft_parser *p)
{
	return &p->items[p->items[p->at].kind == FT_TOKEN_END ? p->at : p->at + 1];
}

const struct ft_token *ft_parser_next(struct ft_parser *p)
{
	const struct ft_token *token = &p->items[p->at];

	if (token->kind != FT_TOKEN_END)
		p->at++;
	return token;
}

bool ft_parser_is(const struct ft_parser *p, enum ft_token_kind kind)
{
	return p->items[p->at].kind == kind;
}

bool ft_parser_accept(struct ft_parser *p, enum ft_token_kind kind)
{
	if (!ft_parser_is(p, kind))
		return false;
	ft_parser_next(p);
	return true;
}

bool ft_parser_expect(struct ft_parser *p, enum ft_token_kind kind)
{
	if (ft_parser_accept(p, kind))
		return true;
	ft_parser_fail(p, "expected '%s'", ft_token_spelling(kind));
	return false;
}

static void add_error(struct ft_parser *p, const struct ft_token *token, const char *text)
{
	/* Junk has a message of its own, which tells more than what was expected. */
	bool junk = token->kind == FT_TOKEN_JUNK;
	struct ft_diag *diag =
		ft_diag_add(&p->compile->diags, FT_DIAG_PARSE, junk ? "junk" : "syntax", token->at,
			    "%s", junk ? token->text : text);

	diag->word = ft_token_word(token);
}

void *ft_parser_fail(struct ft_parser *p, const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	add_error(p, ft_parser_peek(p), text);
	return NULL;
}

void *ft_parser_fail_at(struct ft_parser *p, const struct ft_token *token, const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	add_error(p, token, text);
	return NULL;
}

void ft_parser_embedded(struct ft_parser *p, const struct ft_token *token)
{
	if (!p->compile->guru)
		ft_parser_fail_at(p, token, "embedded code " FT_EMBEDDED_WHY);
}

bool ft_parser_enter(struct ft_parser *p)
{
	if (p->nesting < FT_PARSER_NESTING_MAX) {
		p->nesting++;
		return true;
	}
	if (!p->too_deep)
		ft_parser_fail(p, "nested more than %d levels deep", FT_PARSER_NESTING_MAX);
	p->too_deep = true;
	return false;
}

void ft_parser_leave(struct ft_parser *p)
{
	p->nesting--;
}

/* ---- declarations ---- */

/* ":long", ":string" behind a name; none is fine. False: something else, which was said. */
static bool parse_type(struct ft_parser *p, enum ft_type *type)
{
	if (!ft_parser_accept(p, FT_TOKEN_COLON))
		return true;
	if (ft_parser_accept(p, FT_TOKEN_LONG_TYPE))
		*type = FT_TYPE_LONG;
	else if (ft_parser_accept(p, FT_TOKEN_STRING_TYPE))
		*type = FT_TYPE_STRING;
	else
		return ft_parser_fail(p, "expected 'string' or 'long'");
	return true;
}

/* "name", "name[limit]", with '%' for wrapping and "= literal". */
static bool parse_global(struct ft_parser *p, bool is_private)
{
	const struct ft_token *name = ft_parser_peek(p);
	struct ft_global *g, **slot;

	if (name->kind != FT_TOKEN_IDENTIFIER)
		return ft_parser_fail(p, "expected identifier");
	for (u32 i = 0; i < p->file->global_count; i++)
		if (!strcmp(p->file->globals[i]->name, name->text))
			return ft_parser_fail(p, "duplicate global name");
	ft_parser_next(p);
	g = FT_ARENA_NEW(p->compile->arena, struct ft_global);
	slot = g ? FT_ARENA_PUSH(p->compile->arena, &p->file->globals, &p->file->global_count)
		 : NULL;
	if (!slot)
		return false;
	*slot = g;
	*g = (struct ft_global){.name = name->text, .is_private = is_private, .at = name->at};
	g->wrap = ft_parser_accept(p, FT_TOKEN_MOD);
	if (ft_parser_accept(p, FT_TOKEN_BRACKET_OPEN)) {
		const struct ft_token *limit = ft_parser_peek(p);

		if (limit->kind != FT_TOKEN_NUMBER)
			return ft_parser_fail(p, "expected literal number");
		if (limit->number <= 0 || limit->number > INT32_MAX)
			return ft_parser_fail(p, "array size out of range");
		g->limit = ft_parser_next(p)->number;
		if (!ft_parser_expect(p, FT_TOKEN_BRACKET_CLOSE))
			return false;
	}
	if (ft_parser_accept(p, FT_TOKEN_ASSIGN)) {
		if (g->limit || g->wrap)
			return ft_parser_fail(p, "only scalar globals can be initialized");
		g->init = ft_parse_literal(p);
		return g->init != NULL;
	}
	return true;
}

/* "global a, b"; behind "private" the word may be missing. */
static bool parse_globals(struct ft_parser *p, bool is_private)
{
	ft_parser_accept(p, FT_TOKEN_GLOBAL);
	do {
		if (!parse_global(p, is_private))
			return false;
	} while (ft_parser_accept(p, FT_TOKEN_COMMA));
	ft_parser_accept(p, FT_TOKEN_SEMICOLON);
	return true;
}

static bool parse_param(struct ft_parser *p, struct ft_function *f)
{
	const struct ft_token *name = ft_parser_peek(p);
	struct ft_param *param;

	if (name->kind != FT_TOKEN_IDENTIFIER)
		return ft_parser_fail(p, "expected identifier");
	for (u32 i = 0; i < f->param_count; i++)
		if (!strcmp(f->params[i].name, name->text))
			return ft_parser_fail(p, "duplicate parameter name");
	ft_parser_next(p);
	param = FT_ARENA_PUSH(p->compile->arena, &f->params, &f->param_count);
	if (!param)
		return false;
	param->name = name->text;
	param->at = name->at;
	return parse_type(p, &param->declared);
}

static struct ft_stmt *parse_embedded(struct ft_parser *p)
{
	const struct ft_token *token = ft_parser_next(p);
	struct ft_stmt *s = FT_ARENA_NEW(p->compile->arena, struct ft_stmt);

	ft_parser_embedded(p, token);
	if (s)
		*s = (struct ft_stmt){.kind = FT_STMT_EMBEDDED, .at = token->at};
	return s;
}

static bool parse_function(struct ft_parser *p, bool is_private)
{
	const struct ft_token *name;
	struct ft_function *f = FT_ARENA_NEW(p->compile->arena, struct ft_function), **slot;

	ft_parser_next(p);
	name = ft_parser_peek(p);
	if (name->kind != FT_TOKEN_IDENTIFIER || name->text[0] == '$')
		return ft_parser_fail(p, "expected identifier");
	ft_parser_next(p);
	if (!f)
		return false;
	*f = (struct ft_function){
		.name = name->text, .priority = 1, .is_private = is_private, .at = name->at};
	if (!parse_type(p, &f->declared) || !ft_parser_expect(p, FT_TOKEN_PAREN_OPEN))
		return false;
	if (!ft_parser_is(p, FT_TOKEN_PAREN_CLOSE)) {
		do {
			if (!parse_param(p, f))
				return false;
		} while (ft_parser_accept(p, FT_TOKEN_COMMA));
	}
	if (!ft_parser_expect(p, FT_TOKEN_PAREN_CLOSE))
		return false;
	if (ft_parser_accept(p, FT_TOKEN_COLON)) {
		if (!ft_parser_is(p, FT_TOKEN_NUMBER))
			return ft_parser_fail(p, "expected literal number");
		if (ft_parser_peek(p)->number < 0 || ft_parser_peek(p)->number > INT32_MAX)
			return ft_parser_fail(p, "function priority out of range");
		f->priority = ft_parser_next(p)->number;
	}
	p->context = FT_CONTEXT_FUNCTION;
	f->body = ft_parser_is(p, FT_TOKEN_EMBEDDED) ? parse_embedded(p) : ft_parse_block(p);
	slot = FT_ARENA_PUSH(p->compile->arena, &p->file->functions, &p->file->function_count);
	if (slot)
		*slot = f;
	return f->body != NULL;
}

/* Makes the points read so far the names of an alias. */
static bool take_alias(struct ft_parser *p, struct ft_probe *probe, enum ft_probe_form form)
{
	if (probe->point_count != 1)
		return ft_parser_fail(p, "expected probe point specifier: an alias has one name");
	ft_parser_next(p);
	for (u32 i = 0; i < probe->point_count; i++)
		if (probe->points[i].optional || probe->points[i].sufficient ||
		    probe->points[i].condition)
			return ft_parser_fail(p, "probe alias name with '?', '!' or a condition");
	probe->form = form;
	probe->names = probe->points;
	probe->name_count = probe->point_count;
	probe->points = NULL;
	probe->point_count = 0;
	return true;
}

static bool parse_points(struct ft_parser *p, struct ft_probe *probe)
{
	do {
		/* A comma may end the list. */
		if (probe->point_count && ft_parser_is(p, FT_TOKEN_BRACE_OPEN))
			break;
		if (!ft_parse_point(p, &probe->points, &probe->point_count))
			return false;
	} while (ft_parser_accept(p, FT_TOKEN_COMMA));
	return true;
}

static bool parse_probe(struct ft_parser *p, bool is_private)
{
	const struct ft_token *word = ft_parser_next(p);
	struct ft_probe *probe = FT_ARENA_NEW(p->compile->arena, struct ft_probe), **slot;

	if (!probe)
		return false;
	*probe = (struct ft_probe){.at = word->at, .is_private = is_private};
	if (!parse_points(p, probe))
		return false;
	if (ft_parser_is(p, FT_TOKEN_ASSIGN) || ft_parser_is(p, FT_TOKEN_ADD_ASSIGN)) {
		if (!take_alias(p, probe,
				ft_parser_is(p, FT_TOKEN_ASSIGN) ? FT_PROBE_ALIAS_PROLOGUE
								 : FT_PROBE_ALIAS_EPILOGUE) ||
		    !parse_points(p, probe))
			return false;
	}
	p->context = FT_CONTEXT_PROBE;
	probe->body = ft_parse_block(p);
	slot = FT_ARENA_PUSH(p->compile->arena, &p->file->probes, &p->file->probe_count);
	if (slot)
		*slot = probe;
	return probe->body != NULL;
}

/* After a mistake: where a declaration begins that is not inside of braces opened since. */
static void skip_to_declaration(struct ft_parser *p)
{
	while (!ft_parser_is(p, FT_TOKEN_END)) {
		enum ft_token_kind kind = ft_parser_peek(p)->kind;

		if (kind == FT_TOKEN_PROBE || kind == FT_TOKEN_GLOBAL ||
		    kind == FT_TOKEN_FUNCTION || kind == FT_TOKEN_PRIVATE)
			return;
		ft_parser_next(p);
	}
}

static bool parse_declaration(struct ft_parser *p)
{
	bool is_private = ft_parser_accept(p, FT_TOKEN_PRIVATE);

	p->context = FT_CONTEXT_NONE;
	p->nesting = 0;
	switch (ft_parser_peek(p)->kind) {
	case FT_TOKEN_PROBE:
		return parse_probe(p, is_private);
	case FT_TOKEN_GLOBAL:
		return parse_globals(p, is_private);
	case FT_TOKEN_FUNCTION:
		return parse_function(p, is_private);
	case FT_TOKEN_IDENTIFIER:
		if (is_private)
			return parse_globals(p, true);
		break;
	case FT_TOKEN_EMBEDDED:
		parse_embedded(p);
		return true;
	case FT_TOKEN_SEMICOLON:
		if (!is_private) {
			ft_parser_next(p);
			return true;
		}
		break;
	default:
		break;
	}
	return ft_parser_fail(p, is_private ? "expected 'probe', 'global' or 'function'"
					    : "expected 'probe', 'global', 'private', 'function', "
					      "or '%%{'");
}

int ft_parse(struct ft_compile *compile, const struct ft_source *source, struct ft_file **file)
{
	struct ft_parser p = {.compile = compile};
	u32 errors = compile->diags.errors;
	struct ft_tokens tokens;
	/* Files of -I have no arguments; the tapset tells what those of the script are. */
	bool has_args = !source->is_tapset || source->is_private;
	int code = ft_lexer_run(source, has_args ? &compile->args : NULL, compile->arena, &tokens);

	if (!code && ft_preprocess(compile, &tokens) == -ENOMEM)
		code = -ENOMEM;
	if (!code)
		code = ft_tokens_join(compile->arena, &tokens);
	if (code)
		return code;
	p.items = tokens.items;
	p.file = FT_ARENA_NEW(compile->arena, struct ft_file);
	if (!p.file)
		return -ENOMEM;
	p.file->source = source;
	while (!ft_parser_is(&p, FT_TOKEN_END) && !p.too_deep && !ft_arena_failed(compile->arena)) {
		u32 before = p.at;

		if (parse_declaration(&p))
			continue;
		if (p.at == before)
			ft_parser_next(&p);
		skip_to_declaration(&p);
	}
	if (tokens.count == 1 && compile->diags.errors == errors)
		ft_parser_fail(&p, "expected a script, and there is nothing in this one");
	*file = p.file;
	if (ft_arena_failed(compile->arena))
		return -ENOMEM;
	return compile->diags.errors > errors ? -EINVAL : 0;
}

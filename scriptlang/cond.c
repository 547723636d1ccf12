/*
 * cond.c - %( condition %? tokens %: tokens %): parts of a script for some machines only.
 *
 * Conditions are comparisons joined by && and ||. What is not taken is skipped as tokens, so that
 * damage in there does no harm; conditions within it only have to be balanced.
 */
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "scriptlang/parse.h"

#define NESTING_MAX 200

/* What this language is compatible with: %( systemtap_v >= "4.0" %? ... %). */
#define SYSTEMTAP_VERSION "4.8"

struct decider {
	struct ft_compile *compile;
	const struct ft_token *items; /* ends with END */
	u32 at;
	struct ft_tokens out;
};

static const struct ft_token *peek(const struct decider *d)
{
	return &d->items[d->at];
}

static const struct ft_token *next(struct decider *d)
{
	const struct ft_token *token = &d->items[d->at];

	if (token->kind != FT_TOKEN_END)
		d->at++;
	return token;
}

static void complain(const struct decider *d, const struct ft_token *token, const char *text)
{
	struct ft_diag *diag =
		ft_diag_add(&d->compile->diags, FT_DIAG_PARSE, "condition", token->at, "%s", text);

	diag->word = ft_token_word(token);
}

static bool is_comparison(enum ft_token_kind kind)
{
	return kind == FT_TOKEN_EQ || kind == FT_TOKEN_NE || kind == FT_TOKEN_LT ||
	       kind == FT_TOKEN_LE || kind == FT_TOKEN_GT || kind == FT_TOKEN_GE;
}

static bool holds(enum ft_token_kind op, int order)
{
	switch (op) {
	case FT_TOKEN_EQ:
		return order == 0;
	case FT_TOKEN_NE:
		return order != 0;
	case FT_TOKEN_LT:
		return order < 0;
	case FT_TOKEN_LE:
		return order <= 0;
	case FT_TOKEN_GT:
		return order > 0;
	default:
		return order >= 0;
	}
}

/* Versions are equal by pattern, and in order by their numbers. */
static bool compare_version(enum ft_token_kind op, const char *left, const char *right)
{
	if (op == FT_TOKEN_EQ || op == FT_TOKEN_NE)
		return !fnmatch(right, left, 0) == (op == FT_TOKEN_EQ);
	return holds(op, strverscmp(left, right));
}

static bool compare_word(struct decider *d, const struct ft_token *op, const char *left,
			 const struct ft_token *right)
{
	if (op->kind != FT_TOKEN_EQ && op->kind != FT_TOKEN_NE)
		complain(d, op, "expected '==' or '!='");
	return !fnmatch(right->text, left, 0) == (op->kind == FT_TOKEN_EQ);
}

static bool compare_config(struct decider *d, const struct ft_token *left,
			   const struct ft_token *op, const struct ft_token *right)
{
	const char *value = ft_machine_config(d->compile, left->text);

	return compare_word(d, op, value ? value : "undefined", right);
}

/* What a name on the left stands for, as text; NULL: nothing. */
static const char *word_value(const struct decider *d, const char *name)
{
	if (!strcmp(name, "arch"))
		return d->compile->machine.arch;
	if (!strcmp(name, "runtime"))
		return "bpf";
	if (!strcmp(name, "systemtap_privilege"))
		return "stapdev";
	return NULL;
}

static const char *version_value(const struct decider *d, const char *name)
{
	if (!strcmp(name, "kernel_v"))
		return d->compile->machine.version;
	if (!strcmp(name, "kernel_vr"))
		return d->compile->machine.release;
	if (!strcmp(name, "systemtap_v"))
		return SYSTEMTAP_VERSION;
	return NULL;
}

static bool compare_name(struct decider *d, const struct ft_token *left, const struct ft_token *op,
			 const struct ft_token *right)
{
	const char *version = version_value(d, left->text), *word = word_value(d, left->text);

	if (!strcmp(left->text, "guru_mode")) {
		if (right->kind != FT_TOKEN_NUMBER)
			complain(d, right, "expected number literal");
		return holds(op->kind, (d->compile->guru > right->number) -
					       (d->compile->guru < right->number));
	}
	if (!version && !word && strncmp(left->text, "CONFIG_", 7) != 0) {
		complain(d, left,
			 "expected 'arch', 'kernel_v', 'kernel_vr', 'systemtap_v', 'runtime', "
			 "'guru_mode', 'systemtap_privilege', 'CONFIG_...' or a literal");
		return false;
	}
	if (right->kind != FT_TOKEN_STRING) {
		complain(d, right, "expected string literal");
		return false;
	}
	if (version)
		return compare_version(op->kind, version, right->text);
	return word ? compare_word(d, op, word, right) : compare_config(d, left, op, right);
}

/* left op right. */
static bool comparison(struct decider *d)
{
	const struct ft_token *left = next(d), *op = next(d), *right = next(d);

	if (!is_comparison(op->kind)) {
		complain(d, op, "expected a comparison operator");
		return false;
	}
	if (left->kind == FT_TOKEN_IDENTIFIER)
		return compare_name(d, left, op, right);
	if (left->kind == FT_TOKEN_STRING && right->kind == FT_TOKEN_STRING)
		return holds(op->kind, strcmp(left->text, right->text));
	if (left->kind == FT_TOKEN_NUMBER && right->kind == FT_TOKEN_NUMBER)
		return holds(op->kind,
			     (left->number > right->number) - (left->number < right->number));
	complain(d, right,
		 left->kind == FT_TOKEN_STRING	 ? "expected string literal"
		 : left->kind == FT_TOKEN_NUMBER ? "expected number literal"
						 : "expected a name or a literal");
	return false;
}

static bool conjunction(struct decider *d)
{
	bool result = comparison(d);

	while (peek(d)->kind == FT_TOKEN_LOGICAL_AND) {
		next(d);
		result = comparison(d) && result; /* both must be right */
	}
	return result;
}

static bool condition(struct decider *d)
{
	bool result = conjunction(d);

	while (peek(d)->kind == FT_TOKEN_LOGICAL_OR) {
		next(d);
		result = conjunction(d) || result;
	}
	return result;
}

/* Goes to the %: or %) that belongs to the condition at hand. */
static void skip_part(struct decider *d)
{
	u32 depth = 0;

	while (peek(d)->kind != FT_TOKEN_END) {
		enum ft_token_kind kind = peek(d)->kind;

		if (!depth && (kind == FT_TOKEN_IF_ELSE || kind == FT_TOKEN_IF_CLOSE))
			return;
		if (kind == FT_TOKEN_IF_OPEN)
			depth++;
		else if (kind == FT_TOKEN_IF_CLOSE)
			depth--;
		next(d);
	}
}

static void take_part(struct decider *d, u32 depth);

/* What follows "%(". */
static void decide(struct decider *d, const struct ft_token *open, u32 depth)
{
	bool taken;

	if (depth > NESTING_MAX) {
		complain(d, open, "conditions are nested too deeply");
		while (peek(d)->kind != FT_TOKEN_END)
			next(d);
		return;
	}
	taken = condition(d);
	if (peek(d)->kind != FT_TOKEN_IF_THEN) {
		complain(d, peek(d), "expected '%?' marker for conditional");
		while (peek(d)->kind != FT_TOKEN_END && peek(d)->kind != FT_TOKEN_IF_THEN &&
		       peek(d)->kind != FT_TOKEN_IF_CLOSE)
			next(d);
	}
	if (peek(d)->kind == FT_TOKEN_IF_THEN)
		next(d);
	if (taken)
		take_part(d, depth);
	else
		skip_part(d);
	if (peek(d)->kind == FT_TOKEN_IF_ELSE) {
		next(d);
		if (taken)
			skip_part(d);
		else
			take_part(d, depth);
	}
	if (peek(d)->kind == FT_TOKEN_IF_CLOSE)
		next(d);
	else if (peek(d)->kind == FT_TOKEN_END)
		complain(d, open, "incomplete conditional at end of file");
	else
		complain(d, next(d), "invalid conditional, '%:' again");
}

/* Copies tokens up to the %: or %) that belongs to the condition around them. */
static void take_part(struct decider *d, u32 depth)
{
	for (;;) {
		const struct ft_token *token = peek(d);
		struct ft_token *slot;

		if (token->kind == FT_TOKEN_END)
			return;
		if (token->kind == FT_TOKEN_IF_ELSE || token->kind == FT_TOKEN_IF_CLOSE) {
			if (depth)
				return;
			complain(d, next(d), "unexpected conditional marker");
			continue;
		}
		next(d);
		if (token->kind == FT_TOKEN_IF_OPEN) {
			decide(d, token, depth + 1);
			continue;
		}
		if (token->kind == FT_TOKEN_IF_THEN) {
			complain(d, token, "unexpected conditional marker");
			continue;
		}
		slot = FT_ARENA_PUSH(d->compile->arena, &d->out.items, &d->out.count);
		if (!slot)
			return;
		*slot = *token;
	}
}

int ft_decide_conditions(struct ft_compile *compile, struct ft_tokens *tokens)
{
	struct decider d = {.compile = compile, .items = tokens->items};
	u32 errors = compile->diags.errors;
	struct ft_token *end;

	take_part(&d, 0);
	end = FT_ARENA_PUSH(compile->arena, &d.out.items, &d.out.count);
	if (!end || ft_arena_failed(compile->arena))
		return -ENOMEM;
	*end = tokens->items[tokens->count - 1];
	*tokens = d.out;
	return compile->diags.errors > errors ? -EINVAL : 0;
}

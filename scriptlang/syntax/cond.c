/*
 * cond.c - %( condition %? tokens %: tokens %): parts of a script for some machines only.
 *
 * Conditions are comparisons joined by && and ||. What is not taken is skipped as tokens, so that
 * damage in there does no harm; conditions within it only have to be balanced.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "scriptlang/syntax/parse.h"

#define NESTING_MAX 200

struct decider {
	struct ft_compile *compile;
	const struct ft_token *items; /* ends with END */
	u32 at;
	bool early;
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

/* A whole text as a number. False: it is none. An option that is not set counts as 0. */
static bool number_of(const char *text, s64 *number)
{
	char *end;

	errno = 0;
	*number = strtoll(text, &end, 0);
	return !errno && !*end;
}

static bool is_config(const struct ft_token *token)
{
	return token->kind == FT_TOKEN_IDENTIFIER && !strncmp(token->text, "CONFIG_", 7);
}

/* With a pattern, a number, or another option; by number where both are numbers. */
static bool compare_config(struct decider *d, const struct ft_token *left,
			   const struct ft_token *op, const struct ft_token *right)
{
	const char *value = ft_machine_config(d->compile, left->text), *other;
	s64 number = 0, against = right->number;

	if (right->kind == FT_TOKEN_STRING)
		return compare_word(d, op, value, right);
	if (right->kind == FT_TOKEN_NUMBER) {
		if (!number_of(value, &number)) {
			complain(d, left, "the value of this option is not a number");
			return false;
		}
		return holds(op->kind, (number > against) - (number < against));
	}
	if (!is_config(right)) {
		complain(d, right,
			 "expected string, number literal or other CONFIG_... to compare");
		return false;
	}
	other = ft_machine_config(d->compile, right->text);
	if (number_of(value, &number) && number_of(other, &against))
		return holds(op->kind, (number > against) - (number < against));
	return holds(op->kind, strcmp(value, other));
}

/* What a name on the left stands for, as text; NULL: nothing. */
static const char *word_value(const struct decider *d, const char *name)
{
	if (!strcmp(name, "arch"))
		return d->compile->machine.arch;
	if (!strcmp(name, "runtime"))
		return "kernel"; /* whose language it is: that of "bpf" has less */
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
		return d->compile->compatible ? d->compile->compatible : FT_SYSTEMTAP_VERSION;
	return NULL;
}

static bool compare_name(struct decider *d, const struct ft_token *left, const struct ft_token *op,
			 const struct ft_token *right)
{
	const char *version = version_value(d, left->text), *word = word_value(d, left->text);

	if (!strcmp(left->text, "guru_mode")) {
		if (op->kind != FT_TOKEN_EQ && op->kind != FT_TOKEN_NE)
			complain(d, op, "expected '==' or '!='");
		if (right->kind != FT_TOKEN_NUMBER)
			complain(d, right, "expected number literal");
		return holds(op->kind, (d->compile->guru > right->number) -
					       (d->compile->guru < right->number));
	}
	if (is_config(left))
		return compare_config(d, left, op, right);
	if (!version && !word) {
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
	return compare_word(d, op, word, right);
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
		if (!depth && kind == FT_TOKEN_IF_THEN)
			complain(d, peek(d), "incomplete conditional - missing '%('");
		if (kind == FT_TOKEN_IF_OPEN)
			depth++;
		else if (kind == FT_TOKEN_IF_CLOSE)
			depth--;
		next(d);
	}
}

static void copy(struct decider *d)
{
	struct ft_token *slot = FT_ARENA_PUSH(d->compile->arena, &d->out.items, &d->out.count);

	if (slot)
		*slot = *peek(d);
	next(d);
}

/* Whether the condition ahead asks for macros. */
static bool asks_for_macros(const struct decider *d)
{
	for (u32 i = d->at; d->items[i].kind != FT_TOKEN_END; i++) {
		if (d->items[i].kind == FT_TOKEN_IF_THEN || d->items[i].kind == FT_TOKEN_IF_CLOSE)
			return false;
		if (d->items[i].kind == FT_TOKEN_AT_WORD)
			return true;
	}
	return false;
}

/* Copies up to the %) that belongs to a %( that was copied. */
static void copy_whole(struct decider *d)
{
	u32 depth = 1;

	while (depth && peek(d)->kind != FT_TOKEN_END) {
		depth += peek(d)->kind == FT_TOKEN_IF_OPEN;
		depth -= peek(d)->kind == FT_TOKEN_IF_CLOSE;
		copy(d);
	}
}

/* "@define name(a, b) %( ... %)": its body is looked at where it is used. */
static void copy_definition(struct decider *d)
{
	do
		copy(d);
	while (peek(d)->kind == FT_TOKEN_IDENTIFIER || peek(d)->kind == FT_TOKEN_COMMA ||
	       peek(d)->kind == FT_TOKEN_PAREN_OPEN || peek(d)->kind == FT_TOKEN_PAREN_CLOSE);
	if (peek(d)->kind != FT_TOKEN_IF_OPEN)
		return; /* ft_expand_macros says it */
	copy(d);
	copy_whole(d);
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

		if (token->kind == FT_TOKEN_END)
			return;
		if (d->early && token->kind == FT_TOKEN_AT_WORD &&
		    !strcmp(token->text, "@define")) {
			copy_definition(d);
			continue;
		}
		if (token->kind == FT_TOKEN_IF_ELSE || token->kind == FT_TOKEN_IF_CLOSE) {
			if (depth)
				return;
			complain(d, next(d), "unexpected conditional marker");
			continue;
		}
		if (token->kind == FT_TOKEN_IF_OPEN && d->early) {
			next(d);
			if (!asks_for_macros(d)) {
				decide(d, token, depth + 1);
				continue;
			}
			d->at--;
			copy(d);
			copy_whole(d);
			continue;
		}
		if (token->kind == FT_TOKEN_IF_OPEN) {
			next(d);
			decide(d, token, depth + 1);
			continue;
		}
		if (token->kind == FT_TOKEN_IF_THEN) {
			complain(d, next(d), "incomplete conditional - missing '%('");
			continue;
		}
		copy(d);
		if (ft_arena_failed(d->compile->arena))
			return;
	}
}

int ft_decide_conditions(struct ft_compile *compile, struct ft_tokens *tokens, bool early)
{
	struct decider d = {.compile = compile, .items = tokens->items, .early = early};
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

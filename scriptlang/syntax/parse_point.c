/*
 * parse_point.c - probe points: process("p").{function("f*").call, plt} ? if (x).
 *
 * A part's name may hold '*', whose pieces are tokens without blanks between them; words of the
 * language are names here, too ("return"). Braces stand for several points: what is before and
 * behind them belongs to each.
 */
#include <string.h>

#include "scriptlang/syntax/parser.h"

#define POINTS_MAX 10000 /* that braces may make of one */

struct points {
	struct ft_point *items;
	u32 count;
};

/* Whether a token can be a piece of a part's name. */
static bool is_name_piece(const struct ft_token *token)
{
	return token->kind == FT_TOKEN_IDENTIFIER || token->kind == FT_TOKEN_MUL ||
	       token->kind >= FT_TOKEN_PROBE; /* keywords */
}

/* The name of a part, put together; NULL: there is none, which was said. */
static const char *parse_name(struct ft_parser *p)
{
	u32 begin = p->at, len = 0;
	char *name;

	while (is_name_piece(ft_parser_peek(p)) &&
	       (p->at == begin || !ft_parser_peek(p)->after_space))
		len += ft_parser_next(p)->len;
	if (p->at == begin)
		return ft_parser_fail(p, "expected identifier or '*'");
	name = ft_arena_alloc(p->compile->arena, (size_t)len + 1, 1);
	if (!name)
		return NULL;
	len = 0;
	for (u32 i = begin; i < p->at; i++) {
		memcpy(name + len, p->items[i].text, p->items[i].len);
		len += p->items[i].len;
	}
	return name;
}

static bool parse_part(struct ft_parser *p, struct ft_point_part *part)
{
	part->at = ft_parser_peek(p)->at;
	part->name = parse_name(p);
	if (!part->name)
		return false;
	if (!ft_parser_accept(p, FT_TOKEN_PAREN_OPEN))
		return true;
	part->arg = ft_parse_literal(p);
	return part->arg && ft_parser_expect(p, FT_TOKEN_PAREN_CLOSE);
}

/* Adds a part to each point. */
static bool append_part(struct ft_parser *p, struct points *points,
			const struct ft_point_part *part)
{
	for (u32 i = 0; i < points->count; i++) {
		struct ft_point_part *slot = FT_ARENA_PUSH(
			p->compile->arena, &points->items[i].parts, &points->items[i].part_count);

		if (!slot)
			return false;
		*slot = *part;
	}
	return true;
}

/* Each point of the one list followed by each of the other, into points. */
static bool multiply(struct ft_parser *p, struct points *points, const struct points *tails)
{
	struct points product = {0};

	if ((u64)points->count * tails->count > POINTS_MAX)
		return ft_parser_fail(p, "too many probe points in braces");
	for (u32 i = 0; i < points->count * tails->count; i++) {
		const struct ft_point *head = &points->items[i / tails->count];
		const struct ft_point *tail = &tails->items[i % tails->count];
		struct ft_point *point =
			FT_ARENA_PUSH(p->compile->arena, &product.items, &product.count);

		if (!point)
			return false;
		*point = (struct ft_point){.at = head->part_count ? head->at : tail->at,
					   .optional = head->optional || tail->optional,
					   .sufficient = head->sufficient || tail->sufficient};
		for (u32 k = 0; k < head->part_count + tail->part_count; k++) {
			/* More may follow, so they are pushed one by one. */
			struct ft_point_part *slot =
				FT_ARENA_PUSH(p->compile->arena, &point->parts, &point->part_count);

			if (!slot)
				return false;
			*slot = k < head->part_count ? head->parts[k]
						     : tail->parts[k - head->part_count];
		}
	}
	*points = product;
	return true;
}

static bool parse_parts(struct ft_parser *p, struct points *points);

/* '?' and '!'. */
static void parse_flags(struct ft_parser *p, struct ft_point *flags)
{
	if (ft_parser_accept(p, FT_TOKEN_QUESTION))
		flags->optional = true;
	else if (ft_parser_accept(p, FT_TOKEN_NOT))
		flags->optional = flags->sufficient = true;
}

/* "{a, b.c}": alternatives, which are added to the list. */
static bool parse_braces(struct ft_parser *p, struct points *all)
{
	ft_parser_next(p);
	do {
		struct points some = {0};
		struct ft_point flags = {0};

		if (!parse_parts(p, &some))
			return false;
		parse_flags(p, &flags);
		for (u32 i = 0; i < some.count; i++) {
			struct ft_point *slot =
				FT_ARENA_PUSH(p->compile->arena, &all->items, &all->count);

			if (!slot)
				return false;
			*slot = some.items[i];
			slot->optional |= flags.optional;
			slot->sufficient |= flags.sufficient;
		}
		if (all->count > POINTS_MAX)
			return ft_parser_fail(p, "too many probe points in braces");
	} while (ft_parser_accept(p, FT_TOKEN_COMMA));
	return ft_parser_expect(p, FT_TOKEN_BRACE_CLOSE);
}

/* "a.b(1).{c,d}.e": the points that it stands for. */
static bool parse_parts(struct ft_parser *p, struct points *points)
{
	struct ft_point *first = FT_ARENA_PUSH(p->compile->arena, &points->items, &points->count);

	if (!first || !ft_parser_enter(p))
		return false;
	first->at = ft_parser_peek(p)->at;
	do {
		struct ft_point_part part = {0};
		struct points tails = {0};

		if (ft_parser_is(p, FT_TOKEN_BRACE_OPEN)) {
			if (!parse_braces(p, &tails) || !multiply(p, points, &tails))
				return false;
		} else if (!parse_part(p, &part) || !append_part(p, points, &part)) {
			return false;
		}
	} while (ft_parser_accept(p, FT_TOKEN_DOT));
	ft_parser_leave(p);
	return true;
}

bool ft_parse_point(struct ft_parser *p, struct ft_point **list, u32 *count)
{
	struct ft_point flags = {0};
	struct points points = {0};

	if (!parse_parts(p, &points))
		return false;
	parse_flags(p, &flags);
	if (ft_parser_accept(p, FT_TOKEN_IF)) {
		if (!ft_parser_expect(p, FT_TOKEN_PAREN_OPEN))
			return false;
		flags.condition = ft_parse_expr(p);
		if (!flags.condition || !ft_parser_expect(p, FT_TOKEN_PAREN_CLOSE))
			return false;
	}
	for (u32 i = 0; i < points.count; i++) {
		struct ft_point *slot = FT_ARENA_PUSH(p->compile->arena, list, count);

		if (!slot)
			return false;
		*slot = points.items[i];
		slot->optional |= flags.optional;
		slot->sufficient |= flags.sufficient;
		slot->condition = flags.condition;
	}
	return true;
}

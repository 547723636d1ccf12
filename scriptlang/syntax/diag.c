/* diag.c - see diag.h. */
#include "scriptlang/syntax/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_BYTES 1000

static const char *const kind_words[] = {
	[FT_DIAG_PARSE] = "parse error",
	[FT_DIAG_SEMANTIC] = "semantic error",
	[FT_DIAG_WARNING] = "WARNING",
	[FT_DIAG_NOTE] = "note",
};

static bool same_place(const struct ft_span *a, const struct ft_span *b)
{
	return a->source == b->source && a->at == b->at;
}

static struct ft_diag *find(const struct ft_diags *diags, enum ft_diag_kind kind,
			    const struct ft_span *at, const char *text)
{
	for (u32 i = 0; i < diags->count; i++) {
		struct ft_diag *d = diags->items[i];

		if (d->kind == kind && same_place(&d->at, at) && !strcmp(d->text, text))
			return d;
	}
	return NULL;
}

/* Keeps a record that is complete but for its text's copy. False: no room. */
static bool record(struct ft_diags *diags, struct ft_diag *diag, const char *text)
{
	struct ft_diag **slot;

	diag->text = ft_arena_copy(diags->arena, text, strlen(text));
	slot = diag->text ? FT_ARENA_PUSH(diags->arena, &diags->items, &diags->count) : NULL;
	if (!slot)
		return false;
	*slot = diag;
	return true;
}

struct ft_diag *ft_diag_add(struct ft_diags *diags, enum ft_diag_kind kind, const char *code,
			    struct ft_span at, const char *fmt, ...)
{
	char text[TEXT_BYTES];
	struct ft_diag *diag;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	diag = find(diags, kind, &at, text);
	if (diag)
		return diag;
	if (kind == FT_DIAG_WARNING)
		diags->warnings++;
	if (kind == FT_DIAG_PARSE || kind == FT_DIAG_SEMANTIC ||
	    (kind == FT_DIAG_WARNING && diags->fatal_warnings && !diags->no_warnings))
		diags->errors++;
	diag = FT_ARENA_NEW(diags->arena, struct ft_diag);
	if (!diag)
		return &diags->spare;
	*diag = (struct ft_diag){.kind = kind, .code = code, .text = "", .at = at};
	if (diags->count < FT_DIAGS_MAX && !(kind == FT_DIAG_WARNING && diags->no_warnings))
		record(diags, diag, text);
	return diag;
}

void ft_source_place(const struct ft_source *source, u32 at, u32 *line, u32 *column)
{
	u32 end = at < source->len ? at : source->len, start = 0;

	*line = 1;
	for (u32 i = 0; i < end; i++) {
		if (source->text[i] == '\n') {
			++*line;
			start = i + 1;
		}
	}
	*column = end - start + 1;
}

/* Hostile bytes do not reach a terminal. */
static void put_printable(struct ft_out *out, const char *text, u32 len)
{
	for (u32 i = 0; i < len; i++) {
		u8 c = (u8)text[i];

		ft_out_char(out, (c < ' ' && c != '\t') || c == 0x7f ? '?' : (char)c);
	}
}

/* "operator '}' at demo.stp:3:9" */
static void put_place(struct ft_out *out, const struct ft_diag *diag)
{
	const struct ft_source *source = diag->at.source;
	u32 line, column;

	ft_source_place(source, diag->at.at, &line, &column);
	if (diag->word) {
		ft_out_text(out, diag->word);
		if (diag->at.at < source->len) {
			u32 rest = source->len - diag->at.at;

			ft_out_text(out, " '");
			put_printable(out, source->text + diag->at.at,
				      diag->at.len < rest ? diag->at.len : rest);
			ft_out_char(out, '\'');
		}
		ft_out_text(out, " at ");
	}
	put_printable(out, source->name, (u32)strlen(source->name));
	ft_out_printf(out, ":%u:%u\n", line, column);
}

/* The line of the source, and a caret below. Tabs stay tabs, so that the caret stands right. */
static void put_line(struct ft_out *out, const char *label, const struct ft_span *at)
{
	const struct ft_source *source = at->source;
	u32 place = at->at < source->len ? at->at : source->len, start = place, end = place;

	while (start > 0 && source->text[start - 1] != '\n')
		start--;
	while (end < source->len && source->text[end] != '\n')
		end++;
	ft_out_text(out, label);
	put_printable(out, source->text + start, end - start);
	ft_out_char(out, '\n');
	for (u32 i = 0; label[i]; i++)
		ft_out_char(out, ' ');
	for (u32 i = start; i < place; i++)
		ft_out_char(out, source->text[i] == '\t' ? '\t' : ' ');
	ft_out_text(out, "^\n");
}

/* Through which macros and arguments the place came. */
static void put_origins(struct ft_out *out, const struct ft_origin *origin)
{
	for (u32 depth = 0; origin && depth < 16; depth++, origin = origin->at.via) {
		u32 line = 0, column = 0;

		if (!origin->at.source)
			return;
		ft_source_place(origin->at.source, origin->at.at, &line, &column);
		ft_out_printf(out, "        in expansion of '%s' at %s:%u:%u\n", origin->what,
			      origin->at.source->name, line, column);
	}
}

void ft_diag_render(const struct ft_diag *diag, struct ft_out *out)
{
	for (const struct ft_diag *d = diag; d; d = d->cause) {
		bool parse = d->kind == FT_DIAG_PARSE;

		ft_out_text(out, kind_words[d->kind]);
		ft_out_text(out, ": ");
		put_printable(out, d->text, (u32)strlen(d->text));
		if (!d->at.source) {
			ft_out_char(out, '\n');
			continue;
		}
		ft_out_text(out, parse ? (d->word ? "\n        saw: " : "\n         at: ") : ": ");
		put_place(out, d);
		put_line(out,
			 parse			      ? "     source: "
			 : d->kind == FT_DIAG_WARNING ? " source: "
						      : "        source: ",
			 &d->at);
		put_origins(out, d->at.via);
	}
}

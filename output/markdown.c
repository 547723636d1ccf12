/*
 * markdown.c - see markdown.h.
 *
 * Lines are looked at one at a time; the only state between them is the block that is open. What
 * closes a span within a line is looked for no further than SPAN bytes, and spans nest no deeper
 * than DEPTH: hostile text costs no more than its length.
 */
#include "output/markdown.h"

#include <string.h>

#include "output/escape.h"

#define SPAN 1000
#define DEPTH 3

enum block { NONE, PARAGRAPH, BULLETS, NUMBERS, QUOTE, CODE };

struct line {
	const char *text;
	size_t len;
};

static const char *const begins[] = {
	"", "<p>", "<ul>\n<li>", "<ol>\n<li>", "<blockquote><p>", "<pre><code>"};
static const char *const ends[] = {
	"", "</p>\n", "</li>\n</ul>\n", "</li>\n</ol>\n", "</p></blockquote>\n", "</code></pre>\n"};

static bool starts(const char *text, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && !memcmp(text, with, n);
}

/* Where a mark begins in text, or 0: a span is never empty. */
static size_t find(const char *text, size_t len, const char *mark)
{
	size_t n = strlen(mark), end = len < SPAN ? len : SPAN;

	for (size_t at = 1; at + n <= end; at++) {
		if (!memcmp(text + at, mark, n))
			return at;
	}
	return 0;
}

static void put_inline(struct ft_out *out, const char *text, size_t len, u32 depth);

/* A span between two equal marks. Returns its length, or 0 if there is none. */
static size_t put_span(struct ft_out *out, const char *text, size_t len, const char *mark,
		       const char *tag, u32 depth)
{
	size_t n = strlen(mark), inner;

	if (!starts(text, len, mark))
		return 0;
	inner = find(text + n, len - n, mark);
	if (!inner || (*mark == '*' && text[n] == ' '))
		return 0;
	ft_out_printf(out, "<%s>", tag);
	if (*mark == '`')
		ft_escape_xml(out, text + n, inner);
	else
		put_inline(out, text + n, inner, depth + 1);
	ft_out_printf(out, "</%s>", tag);
	return inner + 2 * n;
}

static size_t put_link(struct ft_out *out, const char *text, size_t len, u32 depth)
{
	size_t words, place, at;

	if (*text != '[')
		return 0;
	words = find(text + 1, len - 1, "](");
	if (!words)
		return 0;
	at = 1 + words + 2;
	place = find(text + at, len - at, ")");
	if (!place || (!starts(text + at, place, "http://") &&
		       !starts(text + at, place, "https://") && text[at] != '#'))
		return 0;
	ft_out_text(out, "<a rel=\"noreferrer\" href=\"");
	ft_escape_xml(out, text + at, place);
	ft_out_text(out, "\">");
	put_inline(out, text + 1, words, depth + 1);
	ft_out_text(out, "</a>");
	return at + place + 1;
}

static void put_inline(struct ft_out *out, const char *text, size_t len, u32 depth)
{
	size_t plain = 0, at = 0, span;

	while (at < len && depth < DEPTH) {
		span = 0;
		if (strchr("`*[\\", text[at]) && text[at]) {
			ft_escape_xml(out, text + plain, at - plain);
			plain = at;
		}
		if (text[at] == '\\' && at + 1 < len) {
			plain = at + 1;
			at += 2;
			continue;
		}
		if (text[at] == '`')
			span = put_span(out, text + at, len - at, "`", "code", depth);
		else if (text[at] == '[')
			span = put_link(out, text + at, len - at, depth);
		else if (text[at] == '*')
			span = put_span(out, text + at, len - at, "**", "strong", depth);
		if (!span && text[at] == '*')
			span = put_span(out, text + at, len - at, "*", "em", depth);
		at += span ? span : 1;
		if (span)
			plain = at;
	}
	ft_escape_xml(out, text + plain, len - plain);
}

static void close_block(struct ft_out *out, enum block *open)
{
	ft_out_text(out, ends[*open]);
	*open = NONE;
}

/* How many bytes "1. " and the like take at the start, or 0. */
static size_t number_mark(const struct line *line)
{
	size_t n = 0;

	while (n < line->len && n < 9 && line->text[n] >= '0' && line->text[n] <= '9')
		n++;
	return n && n + 1 < line->len && line->text[n] == '.' && line->text[n + 1] == ' ' ? n + 2
											  : 0;
}

/* A heading or a rule: whole in one line. */
static bool put_single(struct ft_out *out, const struct line *line, enum block *open)
{
	size_t level = 0, dashes = 0;

	while (dashes < line->len && line->text[dashes] == '-')
		dashes++;
	if (dashes >= 3 && dashes == line->len) {
		close_block(out, open);
		ft_out_text(out, "<hr>\n");
		return true;
	}
	while (level < line->len && line->text[level] == '#')
		level++;
	if (level == 0 || level > 5 || level == line->len || line->text[level] != ' ')
		return false;
	close_block(out, open);
	ft_out_printf(out, "<h%zu>", level + 1);
	put_inline(out, line->text + level + 1, line->len - level - 1, 0);
	ft_out_printf(out, "</h%zu>\n", level + 1);
	return true;
}

/* A line of a paragraph, an item, a quote. */
static void put_text(struct ft_out *out, const struct line *line, enum block *open)
{
	enum block kind = *open == NONE ? PARAGRAPH : *open;
	size_t mark = 0;

	if (starts(line->text, line->len, "- ") || starts(line->text, line->len, "* ")) {
		kind = BULLETS;
		mark = 2;
	} else if (number_mark(line)) {
		kind = NUMBERS;
		mark = number_mark(line);
	} else if (starts(line->text, line->len, ">")) {
		kind = QUOTE;
		mark = starts(line->text, line->len, "> ") ? 2 : 1;
	}
	if (kind != *open) {
		close_block(out, open);
		*open = kind;
		ft_out_text(out, begins[kind]);
	} else {
		ft_out_text(out, mark && kind != QUOTE ? "</li>\n<li>" : "\n");
	}
	put_inline(out, line->text + mark, line->len - mark, 0);
}

static void put_line(struct ft_out *out, const struct line *line, enum block *open)
{
	bool fence = starts(line->text, line->len, "```");

	if (*open == CODE && !fence) {
		ft_escape_xml(out, line->text, line->len);
		ft_out_char(out, '\n');
	} else if (*open == CODE || line->len == 0) {
		close_block(out, open);
	} else if (fence) {
		close_block(out, open);
		*open = CODE;
		ft_out_text(out, begins[CODE]);
	} else if (!put_single(out, line, open)) {
		put_text(out, line, open);
	}
}

void ft_markdown_html(struct ft_out *out, const char *text, size_t len)
{
	enum block open = NONE;

	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t whole = end ? (size_t)(end - text) : len;
		struct line line = {text, whole};

		while (line.len &&
		       (line.text[line.len - 1] == ' ' || line.text[line.len - 1] == '\r'))
			line.len--;
		put_line(out, &line, &open);
		text += whole;
		len -= whole;
		if (end) {
			text++;
			len--;
		}
	}
	close_block(out, &open);
}

/*
 * markdown.h - notes in a small Markdown as HTML.
 *
 * Headings (#), paragraphs, lists of one level (-, *, 1.), quotes (>), fenced code, rules (---);
 * within a line code, *emphasis*, **strong**, [links](https://...), and \ before a letter that
 * stands for itself. All else is text. Markup is never taken over; a link leads to http, https or a
 * place on the page, or stays text.
 */
#ifndef FT_OUTPUT_MARKDOWN_H
#define FT_OUTPUT_MARKDOWN_H

#include "base/out.h"

/* Writes text as HTML. Headings begin at <h2>. Time is linear in len. */
void ft_markdown_html(struct ft_out *out, const char *text, size_t len);

#endif

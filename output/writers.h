/* writers.h - the formats, one file each; writers.c lists them. Private to this folder. */
#ifndef FT_OUTPUT_WRITERS_H
#define FT_OUTPUT_WRITERS_H

#include "output/output.h"

extern const struct ft_writer ft_writer_svg, ft_writer_html, ft_writer_folded, ft_writer_text,
	ft_writer_ftap,
	ft_writer_pprof, ft_writer_speedscope, ft_writer_firefox, ft_writer_chrome, ft_writer_perf;

/*
 * text.c: writes what can be shown of a text, then blanks up to so many columns. out may be NULL.
 * Returns the columns used, of one character each.
 */
size_t ft_put_name(struct ft_out *out, const char *text, size_t len, size_t columns);

#endif

/* writers.h - the formats, one file each; writers.c lists them. Private to this folder. */
#ifndef FT_OUTPUT_WRITERS_H
#define FT_OUTPUT_WRITERS_H

#include "output/output.h"

extern const struct ft_writer ft_writer_svg, ft_writer_html, ft_writer_folded, ft_writer_text;

#endif

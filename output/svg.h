/*
 * svg.h - the flame graph as a part of a page, and what is the same in every one. Private to this
 * folder.
 */
#ifndef FT_OUTPUT_SVG_H
#define FT_OUTPUT_SVG_H

#include "output/output.h"

/* What a picture shows. All borrowed. */
struct ft_svg {
	const struct ft_part *parts; /* all that travel in it; the plain picture is of the first */
	u32 count;
	const struct ft_diff *diff; /* of the first two: the plain picture is of this; or NULL */
	bool in_page;		    /* of HTML: it shares the page's address and keys */
};

/* Writes the <svg>. 0 or -ENOMEM. */
int ft_svg_put(const struct ft_svg *what, const struct ft_write_opts *opts, struct ft_out *out);

/*
 * The inside of its <style> and <script>: the same bytes in every picture, so that a policy may
 * allow them by their hash. Neither holds "]]>" or "</".
 */
void ft_svg_style(struct ft_out *out);
void ft_svg_script(struct ft_out *out);

/* html.c: the same as a page. 0 or -ENOMEM. */
int ft_html_put(const struct ft_svg *what, const struct ft_write_opts *opts, struct ft_out *out);

#endif

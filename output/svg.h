/*
 * svg.h - the flame graph as a part of a page, and what is the same in every one. Private to this
 * folder.
 */
#ifndef FT_OUTPUT_SVG_H
#define FT_OUTPUT_SVG_H

#include "output/output.h"

/*
 * Writes the <svg> of a profile; in a page of HTML it shares the page's address and keys. 0 or
 * -ENOMEM.
 */
int ft_svg_put(const struct ft_profile *profile, const struct ft_write_opts *opts, bool in_page,
	       struct ft_out *out);

/*
 * The inside of its <style> and <script>: the same bytes in every picture, so that a policy may
 * allow them by their hash. Neither holds "]]>" or "</".
 */
void ft_svg_style(struct ft_out *out);
void ft_svg_script(struct ft_out *out);

#endif

/*
 * change.h - how the picture of a diff shows what changed: colours, words, legend. Private to this
 * folder. svg_views.js does the same with the same names of classes.
 */
#ifndef FT_OUTPUT_CHANGE_H
#define FT_OUTPUT_CHANGE_H

#include "base/out.h"
#include "profile/diff.h"

/* Names of classes: 'z' and '0' within noise; 'l' less after, 'm' more, from '0' to '5'. */
struct ft_change_class {
	char letter, digit;
};

struct ft_change_class ft_change_class(const struct ft_diff *diff, u32 node);

/* The rules for them in a style sheet. */
void ft_change_style(struct ft_out *out, bool dark);

/* "before 1.00 %, after 2.50 %: +1.50 (new)". */
void ft_change_details(struct ft_out *out, const struct ft_diff *diff, u32 node);

/* "1,000 samples before, 2,000 after" */
void ft_change_totals(struct ft_out *out, const struct ft_diff *diff);

struct ft_change_key {
	const char *name; /* of a class */
	const char *text;
};

#define FT_CHANGE_KEYS 3

/* The entries of the legend. Static. */
const struct ft_change_key *ft_change_keys(void);

#endif

/*
 * filter.h - a profile made of another: stacks that count, frames that show, stacks turned around.
 */
#ifndef FT_PROFILE_FILTER_H
#define FT_PROFILE_FILTER_H

#include <regex.h>

#include "profile/profile.h"

/* Applied in this order. All borrowed; zeroed: everything stays as it is. */
struct ft_filter {
	const char *comm;		/* stacks of processes of this name */
	const char *module;		/* stacks with a frame of this file (base name) */
	const regex_t *focus;		/* stacks with a frame whose name matches */
	const regex_t *hide;		/* frames whose name matches are left out */
	bool no_threads;		/* frames of threads are left out */
	const regex_t *collapse_module; /* frames of one such file in a row become one */
	bool collapse_recursion;	/* equal frames in a row become one */
	/* only the part outside the innermost match, innermost first: who calls it */
	const regex_t *callers;
	const regex_t *callees; /* only the part from the outermost match on: what it calls */
	bool reverse;		/* innermost frame first */
	double min_percent;	/* smaller frames count for their callers */
};

bool ft_filter_is_empty(const struct ft_filter *filter);

/*
 * The filtered profile, for the caller to free. A stack all whose frames are left out counts for
 * the root. Source places do not survive. 0 or -ENOMEM.
 */
int ft_filter_apply(const struct ft_profile *profile, const struct ft_filter *filter,
		    struct ft_profile **result);

#endif

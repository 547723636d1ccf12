/* filters.h - options of flametap report and diff: what of a profile counts, and what shows. */
#ifndef FT_CLI_FILTERS_H
#define FT_CLI_FILTERS_H

#include "cli/input.h"
#include "profile/filter.h"

enum {
	FT_REGEX_FOCUS,
	FT_REGEX_HIDE,
	FT_REGEX_COLLAPSE,
	FT_REGEX_CALLERS,
	FT_REGEX_CALLEES,
	FT_REGEX_COUNT
};

/* Zeroed: everything counts and shows. */
struct ft_filters {
	struct ft_select select;
	struct ft_filter filter;
	regex_t regexes[FT_REGEX_COUNT];
	bool regex_used[FT_REGEX_COUNT];
};

extern const struct argp ft_filters_argp; /* its input is a struct ft_filters */

/* Reads a file and applies the filters to it. As ft_input_read. */
int ft_filters_read(const struct ft_filters *filters, const char *path,
		    const struct ft_symbolize_opts *opts, struct ft_input *input,
		    struct ft_err *err);
void ft_filters_fini(struct ft_filters *filters);

/* Values of options; argp_error() where they make no sense. */
const regex_t *ft_filters_regex(struct argp_state *state, struct ft_filters *filters,
				const char *option, const char *text, int which);
double ft_cli_real(struct argp_state *state, const char *option, const char *text, double max);

#endif

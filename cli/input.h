/* input.h - the profiles that flametap report and diff read, whatever their format. */
#ifndef FT_CLI_INPUT_H
#define FT_CLI_INPUT_H

#include "cli/cli.h"
#include "profile/select.h"

struct ft_input {
	struct ft_profile *profile; /* owned */
	struct ft_archive archive;  /* of a .ftap file */
	bool from_archive;
	bool partial; /* something was left out or missing; it has been said */
};

/*
 * Reads a file ("-": standard input) and says what is missing in it. opts is how addresses are
 * named. Errors are for the user.
 */
int ft_input_read(const char *path, const struct ft_select *select,
		  const struct ft_symbolize_opts *opts, struct ft_input *input, struct ft_err *err);
void ft_input_fini(struct ft_input *input);

#endif

/* list.c - flametap list: what scripts can use. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "scriptlang/scriptlang.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	const char **pattern = state->input;

	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	if (*pattern)
		argp_error(state, "one PATTERN, please; quote it for the shell");
	*pattern = arg;
	return 0;
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "[PATTERN]",
	.doc = "Lists what scripts (flametap run) can use, one a line: kinds of probe points, "
	       "aliases with "
	       "the variables that they give, system calls and tracepoints with their arguments, "
	       "functions "
	       "with what they do, and scripts that come with the program.\v"
	       "PATTERN is a part of the name, or one for all of it with * ? [ ]:\n"
	       "  flametap list openat\n"
	       "  flametap list 'kernel.trace(\"sched:*'\n"
	       "flametap run -L POINT lists one point of a program with its variables.",
};

static int run(int argc, char **argv)
{
	const char *pattern = NULL;
	struct ft_out *out = NULL;
	struct ft_err err = {0};
	int count, code;

	argp_parse(&argp, argc, argv, 0, NULL, &pattern);
	code = ft_out_open("-", &out, &err);
	if (code)
		return ft_cli_fail(FT_EXIT_FAILED, &err);
	count = ft_script_catalog(pattern, out);
	code = count < 0 ? ft_err_set(&err, count, "out of memory") : ft_out_commit(out, &err);
	ft_out_close(out);
	if (code)
		return ft_cli_fail(FT_EXIT_FAILED, &err);
	if (!count)
		ft_cli_say("nothing has '%s' in its name", pattern);
	return count ? FT_EXIT_OK : FT_EXIT_FAILED;
}

const struct ft_mode ft_mode_list = {"list", "what scripts can use: probe points, functions", run};

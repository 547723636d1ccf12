/* report.c - flametap report: from a file with stacks to pictures and text. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "profile/folded.h"

struct report {
	struct ft_outputs outputs;
	const char *input;
	bool quiet;
};

static const struct argp_option options[] = {
	{"quiet", 'q', NULL, 0, "No summary on standard error", 40},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct report *report = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &report->outputs;
		return 0;
	case 'q':
		report->quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		if (report->input)
			argp_error(state, "one input at a time; what is '%s'?", arg);
		report->input = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which file? Folded stacks, or - for standard input");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {{&ft_outputs_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "FILE",
	.doc = "Reads folded stacks (one a line: frame;frame;frame weight) from FILE, or - for "
	       "standard input, and writes "
	       "them in other formats.\v"
	       "Without -o the picture goes to flametap-report.svg.",
	.children = children,
};

static int read_input(const char *path, struct ft_profile *profile, struct ft_folded_stats *stats,
		      struct ft_err *err)
{
	bool standard = !strcmp(path, "-");
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	int code;

	if (fd < 0)
		return ft_err_set(err, -errno, "cannot read %s: %s", path, strerror(errno));
	code = ft_folded_read(fd, standard ? "standard input" : path, profile, stats, err);
	if (!standard)
		close(fd);
	return code;
}

static int finish(struct report *report, struct ft_profile *profile)
{
	struct ft_folded_stats stats = {0};
	struct ft_err err = {0};
	int code = read_input(report->input, profile, &stats, &err);

	if (code)
		return ft_cli_fail(FT_EXIT_FAILED, &err);
	ft_tree_freeze(profile->tree);
	code = ft_outputs_write(&report->outputs, profile, &err);
	if (code)
		return ft_cli_fail(FT_EXIT_FAILED, &err);
	if (!report->quiet)
		ft_summary_print(profile);
	if (!stats.bad_lines)
		return FT_EXIT_OK;
	ft_cli_say("%llu of %llu lines were left out, the first is line %llu: no weight at its "
		   "end, or no frame",
		   (unsigned long long)stats.bad_lines, (unsigned long long)stats.lines,
		   (unsigned long long)stats.first_bad_line);
	return FT_EXIT_PARTIAL;
}

static int run(int argc, char **argv)
{
	struct report report = {0};
	struct ft_profile *profile;
	struct ft_err err = {0};
	int code, status;

	argp_parse(&argp, argc, argv, 0, NULL, &report);
	code = ft_outputs_prepare(&report.outputs, "flametap-report.svg", &err);
	if (code)
		return ft_cli_fail(ft_cli_status(code), &err);
	profile = ft_profile_new();
	if (!profile) {
		ft_err_set(&err, -ENOMEM, "out of memory");
		return ft_cli_fail(FT_EXIT_FAILED, &err);
	}
	status = finish(&report, profile);
	ft_profile_free(profile);
	return status;
}

const struct ft_mode ft_mode_report = {"report", "turn folded stacks into pictures and text", run};

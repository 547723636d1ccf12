/* diff.c - flametap diff: what changed between two profiles. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/filters.h"

enum { KEY_NORMALIZE = 0x480, KEY_FAIL_OVER, KEY_TOP, KEY_TITLE, KEY_NO_SCRIPT };

#define ROWS_DEFAULT 20

struct compare {
	struct ft_filters filters;
	const char *paths[2];
	u32 path_count;
	const char *outputs[FT_OUTPUTS_MAX];
	u32 output_count;
	enum ft_normalize normalize;
	double fail_over; /* percent; below 0: not asked for */
	struct ft_write_opts opts;
	u32 rows;
	bool quiet;
};

static const struct argp_option options[] = {
	{"output", 'o', "FILE", 0,
	 "Write the picture (.svg, .html) or the table of all functions (.txt) to FILE; may be "
	 "given several times",
	 10},
	{"normalize", KEY_NORMALIZE, "HOW", 0,
	 "total: compare shares (default); none: compare weights", 20},
	{"fail-over", KEY_FAIL_OVER, "PERCENT", 0,
	 "Exit with status 4 when a function grew by more than so many percent of the whole, "
	 "beyond what chance does to any of them",
	 20},
	{"top", KEY_TOP, "N", 0, "Print so many functions; default 20", 20},
	{"title", KEY_TITLE, "TEXT", 0, "The line at the picture's head", 20},
	{"no-script", KEY_NO_SCRIPT, NULL, 0,
	 "Picture: without the script and the data that it draws from", 20},
	{"quiet", 'q', NULL, 0, "No table on standard output", 20},
	{0},
};

static bool ends_in(const char *path, const char *end)
{
	size_t len = strlen(path), end_len = strlen(end);

	return len > end_len && !strcmp(path + len - end_len, end);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct compare *c = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &c->filters;
		return 0;
	case KEY_NO_SCRIPT:
		c->opts.no_script = true;
		return 0;
	case 'o':
		if (!ends_in(arg, ".svg") && !ends_in(arg, ".html") && !ends_in(arg, ".txt"))
			argp_error(state, "the name %s must end in .svg, .html or .txt", arg);
		if (c->output_count == FT_OUTPUTS_MAX)
			argp_error(state, "at most %d outputs", FT_OUTPUTS_MAX);
		c->outputs[c->output_count++] = arg;
		return 0;
	case KEY_NORMALIZE:
		if (strcmp(arg, "total") && strcmp(arg, "none"))
			argp_error(state, "--normalize is total or none, not '%s'", arg);
		c->normalize = *arg == 't' ? FT_NORMALIZE_TOTAL : FT_NORMALIZE_NONE;
		return 0;
	case KEY_FAIL_OVER:
		c->fail_over = ft_cli_real(state, "--fail-over", arg, 1000000);
		return 0;
	case KEY_TOP:
		c->rows = (u32)ft_cli_real(state, "--top", arg, 1000000);
		return 0;
	case KEY_TITLE:
		c->opts.title = arg;
		return 0;
	case 'q':
		c->quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		if (c->path_count == 2)
			argp_error(state, "two profiles are compared; what is '%s'?", arg);
		c->paths[c->path_count++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (c->path_count < 2)
			argp_error(state, "which profiles? The one before, then the one after");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {{&ft_filters_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "BEFORE AFTER",
	.doc = "Compares two profiles of any format that flametap report reads: prints the "
	       "functions "
	       "that changed most, and writes a flame graph of both in which colours are changes.\v"
	       "Without -o the picture goes to flametap-diff.svg. Exit status: 0 ok; 1 failed; 2 "
	       "usage; 3 an input was incomplete; 4 a function grew beyond --fail-over.",
	.children = children,
};

static int write_one(const struct compare *c, const char *path, const struct ft_input *inputs,
		     const struct ft_diff *diff, const struct ft_diff_row *rows, u32 count,
		     struct ft_err *err)
{
	const struct ft_part parts[] = {{inputs[0].profile, c->paths[0]},
					{inputs[1].profile, c->paths[1]}};
	struct ft_write_opts opts = c->opts;
	struct ft_out *out;
	char title[600];
	int code = ft_out_open(path, &out, err);

	if (code)
		return code;
	snprintf(title, sizeof(title), "%.250s to %.250s", c->paths[0], c->paths[1]);
	if (!opts.title)
		opts.title = title;
	if (ends_in(path, ".svg") || ends_in(path, ".html"))
		code = ft_diff_picture(diff, parts, ends_in(path, ".html"), &opts, out);
	else
		ft_diff_table(diff, rows, count, out);
	if (code)
		ft_err_set(err, code, "not enough memory to write %s", path);
	else
		code = ft_out_commit(out, err);
	ft_out_close(out);
	if (!code && strcmp(path, "-"))
		ft_cli_say("wrote %s", path);
	return code;
}

/*
 * Says which function grew most; true if one did beyond the limit, and beyond what chance does to
 * any of them: with hundreds of functions, some are always beyond the noise of a single one.
 */
static bool grew(const struct compare *c, const struct ft_diff *diff,
		 const struct ft_diff_row *rows, u32 count)
{
	const struct ft_diff_row *worst = NULL;
	double most = c->fail_over, deviations = ft_diff_deviations(count);

	for (u32 i = 0; c->fail_over >= 0 && i < count; i++) {
		const double *pairs[] = {rows[i].self, rows[i].total};

		for (size_t k = 0; k < FT_ARRAY_LEN(pairs); k++) {
			double change = (pairs[k][1] - pairs[k][0]) * 100;

			if (change <= most ||
			    ft_diff_is_within(diff, pairs[k][0], pairs[k][1], deviations))
				continue;
			most = change;
			worst = &rows[i];
		}
	}
	if (worst)
		ft_cli_say("%.100s grew by %.2f %% of the whole; --fail-over is %g %%",
			   ft_strtab_str(diff->profile->strings, worst->name), most, c->fail_over);
	return worst != NULL;
}

static int finish(const struct compare *c, const struct ft_input *inputs)
{
	struct ft_diff_row *rows = NULL;
	struct ft_err err = {0};
	struct ft_diff diff;
	int status = inputs[0].partial || inputs[1].partial ? FT_EXIT_PARTIAL : FT_EXIT_OK;
	int count, code = ft_diff_init(&diff, inputs[0].profile, inputs[1].profile, c->normalize,
				       &err);

	if (code)
		goto out;
	count = ft_diff_functions(&diff, inputs[0].profile, inputs[1].profile, &rows);
	if (count < 0) {
		code = ft_err_set(&err, count, "not enough memory to compare the profiles");
		goto out;
	}
	for (u32 i = 0; !code && i < c->output_count; i++)
		code = write_one(c, c->outputs[i], inputs, &diff, rows, (u32)count, &err);
	if (!code && !c->quiet)
		code = write_one(c, "-", inputs, &diff, rows,
				 c->rows < (u32)count ? c->rows : (u32)count, &err);
	if (!code && grew(c, &diff, rows, (u32)count))
		status = FT_EXIT_GREW;
out:
	free(rows);
	ft_diff_fini(&diff);
	return code ? ft_cli_fail(FT_EXIT_FAILED, &err) : status;
}

static int run(int argc, char **argv)
{
	struct compare c = {.fail_over = -1, .rows = ROWS_DEFAULT, .opts.icicle = true};
	struct ft_symbolize_opts symbols = {0};
	struct ft_input inputs[2] = {0};
	struct ft_err err = {0};
	int code = 0, status;

	argp_parse(&argp, argc, argv, 0, NULL, &c);
	if (!c.output_count)
		c.outputs[c.output_count++] = "flametap-diff.svg";
	for (int i = 0; !code && i < 2; i++)
		code = ft_filters_read(&c.filters, c.paths[i], &symbols, &inputs[i], &err);
	status = code ? ft_cli_fail(FT_EXIT_FAILED, &err) : finish(&c, inputs);
	ft_input_fini(&inputs[0]);
	ft_input_fini(&inputs[1]);
	ft_filters_fini(&c.filters);
	return status;
}

const struct ft_mode ft_mode_diff = {"diff", "what changed between two profiles", run};

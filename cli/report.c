/* report.c - flametap report: from a file with stacks to pictures and text. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/filters.h"

enum { KEY_TOP = 0x440, KEY_TREE, KEY_CALLERS, KEY_CALLEES };

#define INPUTS_MAX 16

struct report {
	struct ft_outputs outputs;
	struct ft_filters filters;
	const char *paths[INPUTS_MAX];
	u32 path_count;
	bool quiet;
	bool top, tree; /* text on standard output */
};

static const struct argp_option options[] = {
	{NULL, 0, NULL, 0, "Text on standard output:", 25},
	{"top", KEY_TOP, NULL, 0, "The table of hottest functions", 25},
	{"tree", KEY_TREE, NULL, 0, "All stacks as a tree", 25},
	{"callers", KEY_CALLERS, "RE", 0, "Who calls functions that match, as a tree", 25},
	{"callees", KEY_CALLEES, "RE", 0, "What functions call that match, as a tree", 25},
	{NULL, 0, NULL, 0, "Other:", 40},
	{"quiet", 'q', NULL, 0, "No summary on standard error", 40},
	{0},
};

static bool wants_text(const struct report *report)
{
	return report->top || report->tree || report->filters.filter.callers ||
	       report->filters.filter.callees;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct report *report = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &report->outputs;
		state->child_inputs[1] = &report->filters;
		return 0;
	case 'q':
		report->quiet = true;
		return 0;
	case KEY_TOP:
		report->top = true;
		return 0;
	case KEY_TREE:
		report->tree = true;
		return 0;
	case KEY_CALLERS:
		report->filters.filter.callers = ft_filters_regex(
			state, &report->filters, "--callers", arg, FT_REGEX_CALLERS);
		return 0;
	case KEY_CALLEES:
		report->filters.filter.callees = ft_filters_regex(
			state, &report->filters, "--callees", arg, FT_REGEX_CALLEES);
		return 0;
	case ARGP_KEY_ARG:
		if (report->path_count == INPUTS_MAX)
			argp_error(state, "at most %d profiles in a page", INPUTS_MAX);
		report->paths[report->path_count++] = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which file? Folded stacks, or - for standard input");
		return 0;
	case ARGP_KEY_END:
		if (report->filters.filter.callers && report->filters.filter.callees)
			argp_error(state, "--callers and --callees exclude each other");
		if (report->path_count > 1 && wants_text(report))
			argp_error(state, "text is of one profile; what is '%s'?",
				   report->paths[1]);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{&ft_outputs_argp, 0, NULL, 0}, {&ft_filters_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "FILE [FILE...]",
	.doc = "Reads a profile from FILE, or - for standard input, and writes it in other "
	       "formats: "
	       "an archive (.ftap), folded stacks (one a line: frame;frame;frame weight), the text "
	       "of perf script, perf.data (if perf is installed), or a pprof profile. Several "
	       "profiles go into one page (-o NAME.html).\v"
	       "Without -o the picture goes to flametap-report.svg, unless text on standard output "
	       "was asked for.",
	.children = children,
};

static int write_text(const struct report *report, const struct ft_profile *profile,
		      struct ft_err *err)
{
	const struct ft_writer *table;
	struct ft_out *out;
	int code = ft_writer_find("-", "txt", &table, err);

	if (!code)
		code = ft_out_open("-", &out, err);
	if (code)
		return code;
	if (report->top)
		code = table->write(profile, &report->outputs.opts, out);
	if (!code &&
	    (report->tree || report->filters.filter.callers || report->filters.filter.callees))
		code = ft_tree_view(profile, out);
	if (code)
		ft_err_set(err, code, "out of memory");
	else
		code = ft_out_commit(out, err);
	ft_out_close(out);
	return code;
}

/* Several profiles have room in a page only. */
static int check_parts(const struct report *report, struct ft_err *err)
{
	for (u32 i = 0; report->path_count > 1 && i < report->outputs.count; i++)
		if (strcmp(report->outputs.writers[i]->name, "html"))
			return ft_err_set(err, -EINVAL,
					  "several profiles go into a page only, and %s is none: "
					  "use -o NAME.html",
					  report->outputs.paths[i]);
	return 0;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static int write_files(const struct report *report, const struct ft_input *inputs,
		       struct ft_err *err)
{
	struct ft_archive_content content = {.facts = &inputs->archive.facts,
					     .raw = inputs->archive.raw};
	struct ft_outputs outputs = report->outputs;
	struct ft_part parts[INPUTS_MAX];

	if (!outputs.count)
		return 0;
	for (u32 i = 0; i < report->path_count; i++)
		parts[i] = (struct ft_part){inputs[i].profile, name_of(report->paths[i])};
	outputs.opts.parts = parts;
	outputs.opts.part_count = report->path_count;
	/* What was not filtered keeps its addresses. */
	if (content.raw && ft_filter_is_empty(&report->filters.filter) &&
	    ft_select_is_empty(&report->filters.select)) {
		content.kept = outputs.no_symbols ? NULL : content.raw->kept;
		content.rounds = inputs->archive.rounds.count > 1 ? &inputs->archive.rounds : NULL;
		outputs.archive = &content;
	}
	return ft_outputs_write(&outputs, inputs->profile, err);
}

static int finish(struct report *report, struct ft_input *inputs)
{
	struct ft_err err = {0};
	bool partial = false;
	int code = 0;

	for (u32 i = 0; i < report->path_count; i++) {
		code = ft_filters_read(&report->filters, report->paths[i], &report->outputs.symbols,
				       &inputs[i], &err);
		if (code)
			return ft_cli_fail(ft_cli_status(code) == FT_EXIT_USAGE &&
							   inputs[i].from_archive
						   ? FT_EXIT_USAGE
						   : FT_EXIT_FAILED,
					   &err);
		ft_tree_freeze(inputs[i].profile->tree);
		partial |= inputs[i].partial;
	}
	code = write_files(report, inputs, &err);
	if (!code && wants_text(report))
		code = write_text(report, inputs->profile, &err);
	if (code)
		return ft_cli_fail(FT_EXIT_FAILED, &err);
	if (!report->quiet && !wants_text(report) && report->path_count == 1)
		ft_summary_print(inputs->profile);
	return partial ? FT_EXIT_PARTIAL : FT_EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct report report = {0};
	struct ft_input inputs[INPUTS_MAX] = {0};
	struct ft_err err = {0};
	int code = 0, status;

	argp_parse(&argp, argc, argv, 0, NULL, &report);
	if (report.outputs.count || !wants_text(&report))
		code = ft_outputs_prepare(&report.outputs,
					  report.path_count > 1 ? "flametap-report.html"
								: "flametap-report.svg",
					  &err);
	if (!code)
		code = check_parts(&report, &err);
	if (code) {
		status = ft_cli_fail(ft_cli_status(code), &err);
	} else {
		status = finish(&report, inputs);
		for (u32 i = 0; i < report.path_count; i++)
			ft_input_fini(&inputs[i]);
	}
	ft_filters_fini(&report.filters);
	return status;
}

const struct ft_mode ft_mode_report = {"report", "turn profiles into pictures and text", run};

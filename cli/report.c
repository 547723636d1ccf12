/* report.c - flametap report: from a file with stacks to pictures and text. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/input.h"
#include "profile/filter.h"

enum {
	KEY_COMM = 0x400,
	KEY_PID,
	KEY_TID,
	KEY_MODULE,
	KEY_FOCUS,
	KEY_HIDE,
	KEY_COLLAPSE_RECURSION,
	KEY_COLLAPSE_MODULE,
	KEY_MIN_PERCENT,
	KEY_REVERSE,
	KEY_FROM,
	KEY_TO,
	KEY_BY,
	KEY_TOP,
	KEY_TREE,
	KEY_CALLERS,
	KEY_CALLEES,
};

enum { REGEX_FOCUS, REGEX_HIDE, REGEX_COLLAPSE, REGEX_CALLERS, REGEX_CALLEES, REGEX_COUNT };

struct report {
	struct ft_outputs outputs;
	struct ft_select select;
	struct ft_filter filter;
	regex_t regexes[REGEX_COUNT];
	bool regex_used[REGEX_COUNT];
	const char *input;
	bool quiet;
	bool top, tree; /* text on standard output */
};

static const struct argp_option options[] = {
	{NULL, 0, NULL, 0, "What counts:", 10},
	{"comm", KEY_COMM, "NAME", 0, "Stacks of processes of this name", 10},
	{"pid", KEY_PID, "PID", 0, "Stacks of this process", 10},
	{"tid", KEY_TID, "TID", 0, "Stacks of this thread", 10},
	{"module", KEY_MODULE, "FILE", 0, "Stacks that pass through this file (base name)", 10},
	{"focus", KEY_FOCUS, "RE", 0, "Stacks with a function that matches", 10},
	{"from", KEY_FROM, "SECONDS", 0, "From this time of the recording on", 10},
	{"to", KEY_TO, "SECONDS", 0, "Up to this time of the recording", 10},
	{NULL, 0, NULL, 0, "What shows:", 15},
	{"hide", KEY_HIDE, "RE", 0, "Leave functions out that match", 15},
	{"collapse-recursion", KEY_COLLAPSE_RECURSION, NULL, 0,
	 "A function that calls itself becomes one frame", 15},
	{"collapse-module", KEY_COLLAPSE_MODULE, "RE", 0,
	 "Neighbouring frames of a file that matches become one, named after the file", 15},
	{"min-percent", KEY_MIN_PERCENT, "P", 0, "Smaller frames count for their callers", 15},
	{"reverse", KEY_REVERSE, NULL, 0, "Innermost function first", 15},
	{"by", KEY_BY, "WHAT", 0, "Stacks begin with: process, thread or cpu", 15},
	{NULL, 0, NULL, 0, "Text on standard output:", 25},
	{"top", KEY_TOP, NULL, 0, "The table of hottest functions", 25},
	{"tree", KEY_TREE, NULL, 0, "All stacks as a tree", 25},
	{"callers", KEY_CALLERS, "RE", 0, "Who calls functions that match, as a tree", 25},
	{"callees", KEY_CALLEES, "RE", 0, "What functions call that match, as a tree", 25},
	{NULL, 0, NULL, 0, "Other:", 40},
	{"quiet", 'q', NULL, 0, "No summary on standard error", 40},
	{0},
};

static const regex_t *parse_regex(struct argp_state *state, const char *option, const char *text,
				  int which)
{
	struct report *report = state->input;
	char why[200];
	int code;

	if (report->regex_used[which])
		argp_error(state, "%s is given twice; join the expressions by |", option);
	code = regcomp(&report->regexes[which], text, REG_EXTENDED | REG_NOSUB);
	if (code) {
		regerror(code, &report->regexes[which], why, sizeof(why));
		argp_error(state, "%s '%s' is no regular expression: %s", option, text, why);
	}
	report->regex_used[which] = true;
	return &report->regexes[which];
}

static u32 parse_id(struct argp_state *state, const char *option, const char *text)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (end == text || *end || *text == '-' || !number || number > INT32_MAX)
		argp_error(state, "%s is a number from 1 to %d, not '%s'", option, INT32_MAX, text);
	return (u32)number;
}

static double parse_real(struct argp_state *state, const char *option, const char *text, double max)
{
	char *end;
	double number = strtod(text, &end);

	if (end == text || *end || !isfinite(number) || number < 0 || number > max)
		argp_error(state, "%s is a number from 0 to %.0f, not '%s'", option, max, text);
	return number;
}

static enum ft_by parse_by(struct argp_state *state, const char *text)
{
	if (!strcmp(text, "process"))
		return FT_BY_PROCESS;
	if (!strcmp(text, "thread"))
		return FT_BY_THREAD;
	if (strcmp(text, "cpu"))
		argp_error(state, "--by is process, thread or cpu, not '%s'", text);
	return FT_BY_CPU;
}

/* The options that say what counts and what shows. */
static error_t parse_filter(int key, char *arg, struct argp_state *state)
{
	struct report *r = state->input;
	struct ft_filter *f = &r->filter;

	switch (key) {
	case KEY_COMM:
		f->comm = arg;
		return 0;
	case KEY_PID:
		r->select.pid = parse_id(state, "--pid", arg);
		return 0;
	case KEY_TID:
		r->select.tid = parse_id(state, "--tid", arg);
		return 0;
	case KEY_MODULE:
		f->module = arg;
		return 0;
	case KEY_FOCUS:
		f->focus = parse_regex(state, "--focus", arg, REGEX_FOCUS);
		return 0;
	case KEY_HIDE:
		f->hide = parse_regex(state, "--hide", arg, REGEX_HIDE);
		return 0;
	case KEY_COLLAPSE_MODULE:
		f->collapse_module = parse_regex(state, "--collapse-module", arg, REGEX_COLLAPSE);
		return 0;
	case KEY_COLLAPSE_RECURSION:
		f->collapse_recursion = true;
		return 0;
	case KEY_MIN_PERCENT:
		f->min_percent = parse_real(state, "--min-percent", arg, 100);
		return 0;
	case KEY_REVERSE:
		f->reverse = true;
		return 0;
	case KEY_FROM:
		r->select.from_ns = (u64)(parse_real(state, "--from", arg, 1e9) * 1e9);
		return 0;
	case KEY_TO:
		r->select.to_ns = (u64)(parse_real(state, "--to", arg, 1e9) * 1e9);
		return 0;
	case KEY_BY:
		r->select.by = parse_by(state, arg);
		f->no_threads = r->select.by == FT_BY_PROCESS;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

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
	case KEY_TOP:
		report->top = true;
		return 0;
	case KEY_TREE:
		report->tree = true;
		return 0;
	case KEY_CALLERS:
		report->filter.callers = parse_regex(state, "--callers", arg, REGEX_CALLERS);
		return 0;
	case KEY_CALLEES:
		report->filter.callees = parse_regex(state, "--callees", arg, REGEX_CALLEES);
		return 0;
	case ARGP_KEY_ARG:
		if (report->input)
			argp_error(state, "one input at a time; what is '%s'?", arg);
		report->input = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which file? Folded stacks, or - for standard input");
		return 0;
	case ARGP_KEY_END:
		if (report->filter.callers && report->filter.callees)
			argp_error(state, "--callers and --callees exclude each other");
		if (report->select.to_ns && report->select.to_ns <= report->select.from_ns)
			argp_error(state, "--to must be later than --from");
		return 0;
	default:
		return parse_filter(key, arg, state);
	}
}

static const struct argp_child children[] = {{&ft_outputs_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "FILE",
	.doc = "Reads a profile from FILE, or - for standard input, and writes it in other "
	       "formats: "
	       "an archive (.ftap), folded stacks (one a line: frame;frame;frame weight), the text "
	       "of perf script, perf.data (if perf is installed), or a pprof profile.\v"
	       "Without -o the picture goes to flametap-report.svg, unless text on standard output "
	       "was asked for.",
	.children = children,
};

static bool wants_text(const struct report *report)
{
	return report->top || report->tree || report->filter.callers || report->filter.callees;
}

/* Applies the filters to what was read. */
static int filter(struct report *report, struct ft_input *input, struct ft_err *err)
{
	struct ft_profile *filtered;
	int code;

	if (ft_filter_is_empty(&report->filter))
		return 0;
	code = ft_filter_apply(input->profile, &report->filter, &filtered);
	if (code)
		return ft_err_set(err, code, "not enough memory to filter %s", report->input);
	ft_profile_free(input->profile);
	input->profile = filtered;
	return 0;
}

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
	if (!code && (report->tree || report->filter.callers || report->filter.callees))
		code = ft_tree_view(profile, out);
	if (code)
		ft_err_set(err, code, "out of memory");
	else
		code = ft_out_commit(out, err);
	ft_out_close(out);
	return code;
}

static int write_files(const struct report *report, const struct ft_input *input,
		       struct ft_err *err)
{
	struct ft_archive_content content = {.facts = &input->archive.facts,
					     .raw = input->archive.raw};
	struct ft_outputs outputs = report->outputs;

	if (!outputs.count)
		return 0;
	/* What was not filtered keeps its addresses. */
	if (content.raw && ft_filter_is_empty(&report->filter) &&
	    ft_select_is_empty(&report->select)) {
		content.kept = outputs.no_symbols ? NULL : content.raw->kept;
		content.rounds = input->archive.rounds.count > 1 ? &input->archive.rounds : NULL;
		outputs.archive = &content;
	}
	return ft_outputs_write(&outputs, input->profile, err);
}

static int finish(struct report *report, struct ft_input *input)
{
	struct ft_err err = {0};
	int code = ft_input_read(report->input, &report->select, &report->outputs.symbols, input,
				 &err);

	if (!code)
		code = filter(report, input, &err);
	if (code)
		return ft_cli_fail(ft_cli_status(code) == FT_EXIT_USAGE && input->from_archive
					   ? FT_EXIT_USAGE
					   : FT_EXIT_FAILED,
				   &err);
	ft_tree_freeze(input->profile->tree);
	if (!ft_tree_total(input->profile->tree) && !ft_filter_is_empty(&report->filter)) {
		ft_err_set(&err, -ENODATA, "the filters leave nothing of %s", report->input);
		return ft_cli_fail(FT_EXIT_FAILED, &err);
	}
	code = write_files(report, input, &err);
	if (!code && wants_text(report))
		code = write_text(report, input->profile, &err);
	if (code)
		return ft_cli_fail(FT_EXIT_FAILED, &err);
	if (!report->quiet && !wants_text(report))
		ft_summary_print(input->profile);
	return input->partial ? FT_EXIT_PARTIAL : FT_EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct report report = {0};
	struct ft_input input = {0};
	struct ft_err err = {0};
	int code, status;

	argp_parse(&argp, argc, argv, 0, NULL, &report);
	code = report.outputs.count || !wants_text(&report)
		       ? ft_outputs_prepare(&report.outputs, "flametap-report.svg", &err)
		       : 0;
	if (code) {
		status = ft_cli_fail(ft_cli_status(code), &err);
	} else {
		status = finish(&report, &input);
		ft_input_fini(&input);
	}
	for (int i = 0; i < REGEX_COUNT; i++)
		if (report.regex_used[i])
			regfree(&report.regexes[i]);
	return status;
}

const struct ft_mode ft_mode_report = {"report", "turn profiles into pictures and text", run};

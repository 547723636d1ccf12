/* filters.c - see filters.h. */
#include "cli/filters.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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
	{0},
};

const regex_t *ft_filters_regex(struct argp_state *state, struct ft_filters *filters,
				const char *option, const char *text, int which)
{
	char why[200];
	int code;

	if (filters->regex_used[which])
		argp_error(state, "%s is given twice; join the expressions by |", option);
	code = regcomp(&filters->regexes[which], text, REG_EXTENDED | REG_NOSUB);
	if (code) {
		regerror(code, &filters->regexes[which], why, sizeof(why));
		argp_error(state, "%s '%s' is no regular expression: %s", option, text, why);
	}
	filters->regex_used[which] = true;
	return &filters->regexes[which];
}

static u32 parse_id(struct argp_state *state, const char *option, const char *text)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (end == text || *end || *text == '-' || !number || number > INT32_MAX)
		argp_error(state, "%s is a number from 1 to %d, not '%s'", option, INT32_MAX, text);
	return (u32)number;
}

double ft_cli_real(struct argp_state *state, const char *option, const char *text, double max)
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

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct ft_filters *r = state->input;
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
		f->focus = ft_filters_regex(state, r, "--focus", arg, FT_REGEX_FOCUS);
		return 0;
	case KEY_HIDE:
		f->hide = ft_filters_regex(state, r, "--hide", arg, FT_REGEX_HIDE);
		return 0;
	case KEY_COLLAPSE_MODULE:
		f->collapse_module =
			ft_filters_regex(state, r, "--collapse-module", arg, FT_REGEX_COLLAPSE);
		return 0;
	case KEY_COLLAPSE_RECURSION:
		f->collapse_recursion = true;
		return 0;
	case KEY_MIN_PERCENT:
		f->min_percent = ft_cli_real(state, "--min-percent", arg, 100);
		return 0;
	case KEY_REVERSE:
		f->reverse = true;
		return 0;
	case KEY_FROM:
		r->select.from_ns = (u64)(ft_cli_real(state, "--from", arg, 1e9) * 1e9);
		return 0;
	case KEY_TO:
		r->select.to_ns = (u64)(ft_cli_real(state, "--to", arg, 1e9) * 1e9);
		return 0;
	case KEY_BY:
		r->select.by = parse_by(state, arg);
		f->no_threads = r->select.by == FT_BY_PROCESS;
		return 0;
	case ARGP_KEY_END:
		if (r->select.to_ns && r->select.to_ns <= r->select.from_ns)
			argp_error(state, "--to must be later than --from");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp ft_filters_argp = {.options = options, .parser = parse};

/* Applies the filters to what was read. */
static int apply(const struct ft_filters *filters, const char *path, struct ft_input *input,
		 struct ft_err *err)
{
	struct ft_profile *filtered;
	int code;

	if (ft_filter_is_empty(&filters->filter))
		return 0;
	code = ft_filter_apply(input->profile, &filters->filter, &filtered);
	if (code)
		return ft_err_set(err, code, "not enough memory to filter %s", path);
	ft_profile_free(input->profile);
	input->profile = filtered;
	if (!ft_tree_total(filtered->tree))
		return ft_err_set(err, -ENODATA, "the filters leave nothing of %s", path);
	return 0;
}

int ft_filters_read(const struct ft_filters *filters, const char *path,
		    const struct ft_symbolize_opts *opts, struct ft_input *input,
		    struct ft_err *err)
{
	int code = ft_input_read(path, &filters->select, opts, input, err);

	return code ? code : apply(filters, path, input, err);
}

void ft_filters_fini(struct ft_filters *filters)
{
	for (int i = 0; i < FT_REGEX_COUNT; i++)
		if (filters->regex_used[i])
			regfree(&filters->regexes[i]);
}

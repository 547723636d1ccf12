/* run.c - flametap run: scripts, as far as this version reads them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/cli.h"
#include "scriptlang/scriptlang.h"

#define SCRIPT_BYTES_MAX (16u << 20)

enum { KEY_DUMP = 0x100 };

struct run_opts {
	const char *text; /* -e */
	char **args;	  /* the script's file, unless there is a text, and its arguments */
	u32 arg_count;
	bool guru, dumps;
	enum ft_script_dump dump;
};

static const struct argp_option options[] = {
	{NULL, 'e', "TEXT", 0, "The script itself", 0},
	{NULL, 'p', "PASS", 0,
	 "Stop after this pass: 1 parses and prints the script as it was understood; 2 finds out "
	 "what its names mean and prints its probes, functions and variables with their types",
	 0},
	{NULL, 'g', NULL, 0, "Guru mode, for scripts that ask for it", 0},
	{"dump", KEY_DUMP, "WHAT", 0, "Print the script's tokens, or its tree (ast) as -p1 does",
	 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run_opts *opts = state->input;

	switch (key) {
	case 'e':
		opts->text = arg;
		return 0;
	case 'g':
		opts->guru = true;
		return 0;
	case 'p':
		if (strcmp(arg, "1") != 0 && strcmp(arg, "2") != 0)
			argp_error(state, "this version of flametap has passes 1 and 2, not '%s'",
				   arg);
		opts->dumps = true;
		opts->dump = arg[0] == '1' ? FT_SCRIPT_DUMP_TREE : FT_SCRIPT_DUMP_PROGRAM;
		return 0;
	case KEY_DUMP:
		if (strcmp(arg, "tokens") != 0 && strcmp(arg, "ast") != 0)
			argp_error(state, "--dump is of tokens or ast, not '%s'", arg);
		opts->dumps = true;
		opts->dump = strcmp(arg, "ast") ? FT_SCRIPT_DUMP_TOKENS : FT_SCRIPT_DUMP_TREE;
		return 0;
	case ARGP_KEY_ARGS:
		opts->args = state->argv + state->next;
		opts->arg_count = (u32)(state->argc - state->next);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "-e TEXT [ARG...]\nFILE [ARG...]\n- [ARG...]",
	.doc = "Reads a script in the language of SystemTap. This version does not run scripts "
	       "yet: "
	       "it says whether one is correct, with -p1 and -p2.\v"
	       "Exit status: 0 ok; 1 the script has errors, or could not be read; 2 usage.",
};

static int dump(const struct ft_script_text *script, enum ft_script_dump what)
{
	struct ft_out *complaints = ft_out_new_memory(), *out = NULL;
	struct ft_err err = {0};
	struct ft_script_errors errors = {0};
	size_t len;
	int code = ft_out_open("-", &out, &err);

	if (!code)
		code = ft_script_dump(script, what, out, complaints, &errors, &err);
	if (!code)
		code = ft_out_commit(out, &err);
	if (!code) {
		const char *text = ft_out_memory(complaints, &len);

		fwrite(text, 1, len, stderr);
	}
	ft_out_close(out);
	ft_out_close(complaints);
	if (code)
		return ft_cli_fail(FT_EXIT_FAILED, &err);
	if (errors.count)
		fprintf(stderr, "Pass %u: %s failed.  %u error%s.\n", errors.pass,
			errors.pass == 1 ? "parse" : "analysis", errors.count,
			errors.count == 1 ? "" : "s");
	return errors.count ? FT_EXIT_FAILED : FT_EXIT_OK;
}

static int dump_file(struct ft_script_text *script, const char *path, enum ft_script_dump what)
{
	char *data = NULL;
	int code;

	if (strcmp(path, "-") != 0)
		script->name = path;
	code = ft_file_read(strcmp(path, "-") ? path : "/dev/stdin", SCRIPT_BYTES_MAX, &data,
			    &script->len);
	if (code) {
		ft_cli_say("cannot read the script %s: %s", script->name, strerror(-code));
		return FT_EXIT_FAILED;
	}
	script->text = data;
	code = dump(script, what);
	free(data);
	return code;
}

static int run(int argc, char **argv)
{
	struct ft_script_text script = {.name = "<input>"};
	struct run_opts opts = {0};
	const char *path = NULL;

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &opts);
	if (!opts.text && opts.arg_count) {
		path = *opts.args++;
		opts.arg_count--;
	}
	if (!opts.text && !path) {
		ft_cli_say("no script: give -e TEXT, a FILE, or - for standard input");
		return FT_EXIT_USAGE;
	}
	if (!opts.dumps) {
		ft_cli_say(
			"this version does not run scripts yet; -p2 says whether one is correct");
		return FT_EXIT_FAILED;
	}
	script.args = (const char *const *)opts.args;
	script.arg_count = opts.arg_count;
	script.guru = opts.guru;
	if (!opts.text)
		return dump_file(&script, path, opts.dump);
	script.text = opts.text;
	script.len = strlen(opts.text);
	return dump(&script, opts.dump);
}

const struct ft_mode ft_mode_run = {"run", "checks a script (it does not run them yet)", run};

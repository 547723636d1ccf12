/* run.c - flametap run: scripts in the language of SystemTap. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"
#include "scriptlang/scriptlang.h"

#define SCRIPT_BYTES_MAX (16u << 20)

enum { KEY_DUMP = 0x100, KEY_BACKEND };

struct run_opts {
	const char *text; /* -e */
	char **args;	  /* the script's file, unless there is a text, and its arguments */
	u32 arg_count;
	bool guru, dumps, all_in_kernel;
	enum ft_script_dump dump;
	struct ft_script_run run;
};

static const struct argp_option options[] = {
	{NULL, 'e', "TEXT", 0, "The script itself", 0},
	{NULL, 'p', "PASS", 0,
	 "Stop after this pass: 1 parses and prints the script as it was understood; 2 finds out "
	 "what its names mean and prints its probes, functions and variables with their types; 3 "
	 "prints its operations, 4 the programs of the kernel",
	 0},
	{NULL, 'g', NULL, 0, "Guru mode, for scripts that ask for it", 0},
	{NULL, 'x', "PID", 0, "What target() says", 0},
	{NULL, 'T', "SECONDS", 0, "End the script after so long", 0},
	{NULL, 'D', "NAME=VALUE", 0,
	 "Set a limit: MAXSTRINGLEN, MAXMAPENTRIES, MAXACTION, MAXNESTING, MAXERRORS", 0},
	{NULL, 'v', NULL, 0, "Say more; twice: also why the kernel refuses a program", 0},
	{"backend", KEY_BACKEND, "WHERE", OPTION_HIDDEN, NULL, 0}, /* kernel: for tests */
	{"dump", KEY_DUMP, "WHAT", 0,
	 "Print the script's tokens, its tree (ast) as -p1 does, its operations (ir), or the "
	 "programs of the kernel (bpf)",
	 0},
	{0},
};

/* NAME=VALUE of -D. */
static void parse_limit(struct argp_state *state, struct ft_limits *limits, const char *arg)
{
	const struct {
		const char *name;
		u32 *value;
		u32 least, most;
	} table[] = {{"MAXSTRINGLEN", &limits->string_bytes, 8, 1u << 20},
		     {"MAXMAPENTRIES", &limits->map_entries, 1, 100000000},
		     {"MAXACTION", &limits->actions, 1, 100000000},
		     {"MAXNESTING", &limits->nesting, 1, 200},
		     {"MAXERRORS", &limits->errors, 0, 1u << 30}};
	const char *equals = strchr(arg, '=');

	for (size_t i = 0; equals && i < FT_ARRAY_LEN(table); i++) {
		size_t len = strlen(table[i].name);
		unsigned long value;
		char *end;

		if ((size_t)(equals - arg) != len || strncmp(arg, table[i].name, len) != 0)
			continue;
		value = strtoul(equals + 1, &end, 10);
		if (end == equals + 1 || *end || value < table[i].least || value > table[i].most)
			argp_error(state, "%s is from %u to %u, not '%s'", table[i].name,
				   table[i].least, table[i].most, equals + 1);
		*table[i].value = (u32)value;
		return;
	}
	argp_error(state, "-D knows no limit '%s'", arg);
}

static double parse_seconds(struct argp_state *state, const char *arg)
{
	char *end;
	double seconds = strtod(arg, &end);

	if (end == arg || *end || !(seconds > 0) || seconds > 1e9)
		argp_error(state, "-T is a number of seconds, not '%s'", arg);
	return seconds;
}

static u32 parse_pid(struct argp_state *state, const char *arg)
{
	char *end;
	unsigned long pid = strtoul(arg, &end, 10);

	if (end == arg || *end || !pid || pid > INT32_MAX)
		argp_error(state, "-x is a process id, not '%s'", arg);
	return (u32)pid;
}

/* -p: the script is taken so far, and what it has become is printed. */
static void parse_pass(struct argp_state *state, struct run_opts *opts, const char *arg)
{
	static const enum ft_script_dump dumps[] = {FT_SCRIPT_DUMP_TREE, FT_SCRIPT_DUMP_PROGRAM,
						    FT_SCRIPT_DUMP_IR, FT_SCRIPT_DUMP_BPF};

	if (arg[0] == '5' && !arg[1])
		return;
	if (arg[0] < '1' || arg[0] > '4' || arg[1])
		argp_error(state, "passes are 1 to 5, not '%s'", arg);
	opts->dumps = true;
	opts->dump = dumps[arg[0] - '1'];
}

static void parse_dump(struct argp_state *state, struct run_opts *opts, const char *arg)
{
	static const struct {
		const char *name;
		enum ft_script_dump dump;
	} table[] = {{"tokens", FT_SCRIPT_DUMP_TOKENS},
		     {"ast", FT_SCRIPT_DUMP_TREE},
		     {"ir", FT_SCRIPT_DUMP_IR},
		     {"bpf", FT_SCRIPT_DUMP_BPF}};

	for (size_t i = 0; i < FT_ARRAY_LEN(table); i++) {
		if (strcmp(table[i].name, arg) != 0)
			continue;
		opts->dumps = true;
		opts->dump = table[i].dump;
		return;
	}
	argp_error(state, "--dump is of tokens, ast, ir or bpf, not '%s'", arg);
}

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
		parse_pass(state, opts, arg);
		return 0;
	case 'v':
		opts->run.verbose++;
		return 0;
	case 'x':
		opts->run.target_pid = parse_pid(state, arg);
		return 0;
	case 'T':
		opts->run.seconds = parse_seconds(state, arg);
		return 0;
	case 'D':
		parse_limit(state, &opts->run.limits, arg);
		return 0;
	case KEY_BACKEND:
		if (strcmp(arg, "kernel") != 0)
			argp_error(state, "--backend is of kernel, not '%s'", arg);
		opts->all_in_kernel = true;
		return 0;
	case KEY_DUMP:
		parse_dump(state, opts, arg);
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
	.doc = "Runs a script in the language of SystemTap: begin, end, error and timers in user "
	       "space; timer.profile, perf events and kernel.trace in the kernel.\v"
	       "Ctrl-C ends a script, its end probes run. Exit status: 0 ok; 1 the script has "
	       "errors, could not be read, or ended by an error; 2 usage.",
};

static void say_errors(const struct ft_script_errors *errors)
{
	if (errors->count)
		fprintf(stderr, "Pass %u: %s failed.  %u error%s.\n", errors->pass,
			errors->pass == 1   ? "parse"
			: errors->pass == 2 ? "analysis"
					    : "translation",
			errors->count, errors->count == 1 ? "" : "s");
}

static void print_complaints(const struct ft_out *complaints)
{
	size_t len;
	const char *text = ft_out_memory(complaints, &len);

	fwrite(text, 1, len, stderr);
}

static int dump(const struct ft_script_text *script, enum ft_script_dump what)
{
	struct ft_out *complaints = ft_out_new_memory(), *out = NULL;
	struct ft_script_errors errors = {0};
	struct ft_err err = {0};
	int code = ft_out_open("-", &out, &err);

	if (!code)
		code = ft_script_dump(script, what, out, complaints, &errors, &err);
	if (!code)
		code = ft_out_commit(out, &err);
	if (!code) {
		print_complaints(complaints);
		say_errors(&errors);
	}
	ft_out_close(out);
	ft_out_close(complaints);
	if (code)
		return ft_cli_fail(FT_EXIT_FAILED, &err);
	return errors.count ? FT_EXIT_FAILED : FT_EXIT_OK;
}

/* Output of the script as it comes. */
static void write_text(void *context, const char *text, size_t len, bool is_message)
{
	FILE *file = is_message ? stderr : stdout;

	(void)context;
	fwrite(text, 1, len, file);
	fflush(file);
}

/* Runs it until it ends, or until a signal that asks for that. */
static int execute(const struct ft_script_text *script, struct ft_script_run *opts)
{
	struct ft_out *complaints = ft_out_new_memory();
	struct ft_script_errors errors = {0};
	struct ft_err err = {0};
	bool failed = false;
	sigset_t signals;
	int code;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	opts->stop_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	opts->write = write_text;
	code = opts->stop_fd < 0
		       ? ft_err_set(&err, -errno, "cannot receive signals: %s", strerror(errno))
		       : ft_script_run(script, opts, complaints, &errors, &failed, &err);
	if (opts->stop_fd >= 0)
		close(opts->stop_fd);
	if (!code) {
		print_complaints(complaints);
		say_errors(&errors);
	}
	ft_out_close(complaints);
	if (code)
		return ft_cli_fail(FT_EXIT_FAILED, &err);
	return errors.count || failed || ferror(stdout) ? FT_EXIT_FAILED : FT_EXIT_OK;
}

static int run_file(struct ft_script_text *script, const char *path, struct run_opts *opts)
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
	code = opts->dumps ? dump(script, opts->dump) : execute(script, &opts->run);
	free(data);
	return code;
}

static int run(int argc, char **argv)
{
	struct ft_script_text script = {.name = "<input>"};
	struct run_opts opts = {.run.limits = FT_LIMITS_DEFAULT};
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
	script.args = (const char *const *)opts.args;
	script.arg_count = opts.arg_count;
	script.guru = opts.guru;
	script.all_in_kernel = opts.all_in_kernel;
	if (!opts.text)
		return run_file(&script, path, &opts);
	script.text = opts.text;
	script.len = strlen(opts.text);
	return opts.dumps ? dump(&script, opts.dump) : execute(&script, &opts.run);
}

const struct ft_mode ft_mode_run = {"run", "runs a script in the language of SystemTap", run};

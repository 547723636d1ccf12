/*
 * run_opts.c - see run.h. Options that only make sense where a module is built are taken and
 * ignored.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/run.h"

enum {
	KEY_DUMP = 0x100,
	KEY_BACKEND,
	KEY_FLAME,
	KEY_LIBRARY,
	KEY_COMPATIBLE,
	KEY_PROLOGUE,
	KEY_BADVARS,
	KEY_IGNORED,
	KEY_IGNORED_WITH_ARG,
};

#define IGNORED(NAME)                                           \
	{                                                       \
		NAME, KEY_IGNORED, NULL, OPTION_HIDDEN, NULL, 0 \
	}
#define IGNORED_ARG(NAME)                                              \
	{                                                              \
		NAME, KEY_IGNORED_WITH_ARG, "", OPTION_HIDDEN, NULL, 0 \
	}

static const struct argp_option options[] = {
	{NULL, 'e', "TEXT", 0, "The script itself", 0},
	{NULL, 'x', "PID", 0, "What target() says; stacks of this process and its children", 0},
	{NULL, 'c', "COMMAND", 0,
	 "Run COMMAND once the probes are armed, and end with it; target() is its process", 0},
	{NULL, 'T', "SECONDS", 0, "End the script after so long", 0},
	{NULL, 'o', "FILE", 0, "Write what the script prints into FILE, named as strftime does", 0},
	{"flame", KEY_FLAME, "FILE", 0,
	 "Write the array that is keyed by stacks as a flame graph, or in the format of the "
	 "extension; several times for several files",
	 0},
	{"library", KEY_LIBRARY, NULL, 0,
	 "List the scripts that come with the program: each runs by its name in place of FILE", 0},
	{NULL, 'G', "NAME=VALUE", 0, "Set a global of the script", 0},
	{NULL, 'D', "NAME=VALUE", 0,
	 "Set a limit: MAXSTRINGLEN, MAXMAPENTRIES, MAXACTION, MAXNESTING, MAXERRORS; others are "
	 "ignored",
	 0},
	{NULL, 'I', "FOLDER", 0, "Look there, too, for functions and aliases, in files *.stp", 0},
	{NULL, 'l', "POINT", 0, "List the probe points that match", 0},
	{NULL, 'L', "POINT", 0, "The same, with the variables of each", 0},
	{NULL, 'g', NULL, 0, "Guru mode, for scripts that ask for it", 0},
	{NULL, 'p', "PASS", 0,
	 "Stop after this pass: 1 parses and prints the script as it was understood; 2 finds out "
	 "what its names mean and prints its probes, functions and variables with their types; 3 "
	 "prints its operations, 4 the programs of the kernel",
	 0},
	{NULL, 'v', NULL, 0, "Say more; twice: also why the kernel refuses a program", 0},
	{"dump", KEY_DUMP, "WHAT", 0,
	 "Print the script's tokens, its tree (ast) as -p1 does, its operations (ir), or the "
	 "programs of the kernel (bpf)",
	 0},
	{"version", 'V', NULL, 0, "Print the version", 0},
	{"backend", KEY_BACKEND, "WHERE", OPTION_HIDDEN, NULL,
	 0}, /* kernel, kernel-by-calls: for tests */
	{NULL, 'w', NULL, 0, "Do not warn of what is odd in the script", 0},
	{NULL, 'W', NULL, 0, "Take such a warning for an error", 0},
	{NULL, 'u', NULL, 0, "Keep statements and probes that have no effect", 0},
	{"compatible", KEY_COMPATIBLE, "VERSION", 0,
	 "Read the script as that version of SystemTap did, where the language changed", 0},
	{NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0},
	{NULL, 't', NULL, OPTION_HIDDEN, NULL, 0},
	{NULL, 'k', NULL, OPTION_HIDDEN, NULL, 0},
	{NULL, 'b', NULL, OPTION_HIDDEN, NULL, 0},
	{NULL, 'P', NULL, OPTION_HIDDEN, NULL, 0},
	{NULL, 'q', NULL, OPTION_HIDDEN, NULL, 0},
	{NULL, 'd', "", OPTION_HIDDEN, NULL, 0},
	{NULL, 'm', "", OPTION_HIDDEN, NULL, 0},
	{NULL, 's', "", OPTION_HIDDEN, NULL, 0},
	{NULL, 'r', "", OPTION_HIDDEN, NULL, 0},
	{NULL, 'R', "", OPTION_HIDDEN, NULL, 0},
	{NULL, 'B', "", OPTION_HIDDEN, NULL, 0},
	{NULL, 'S', "", OPTION_HIDDEN, NULL, 0},
	IGNORED("all-modules"),
	IGNORED("ldd"),
	{"skip-badvars", KEY_BADVARS, NULL, OPTION_HIDDEN, NULL, 0},
	{"prologue-searching", KEY_PROLOGUE, "", OPTION_HIDDEN | OPTION_ARG_OPTIONAL, NULL, 0},
	IGNORED("poison-cache"),
	IGNORED("disable-cache"),
	IGNORED("clean-cache"),
	IGNORED("suppress-handler-errors"),
	IGNORED("suppress-time-limits"),
	IGNORED("unprivileged"),
	IGNORED("check-version"),
	IGNORED("rlimit-as"),
	IGNORED_ARG("runtime"),
	IGNORED_ARG("vp"),
	IGNORED_ARG("use-server"),
	IGNORED_ARG("privilege"),
	IGNORED_ARG("tmpdir"),
	IGNORED_ARG("sysroot"),
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

	if (!strncmp(arg, "HIST_ELISION=", 13)) {
		limits->hist_elision = (s32)strtol(equals + 1, NULL, 10);
		return;
	}
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
	/* SystemTap hands any macro to its compiler: what is none of these means nothing here. */
	if (!(*arg == '_' || (*arg >= 'A' && *arg <= 'Z') || (*arg >= 'a' && *arg <= 'z')))
		argp_error(state, "-D takes NAME=VALUE, not '%s'", arg);
}

/* Options for building modules mean nothing here; a wrong one is wrong all the same. */
static void check_module_name(struct argp_state *state, const char *arg)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

	if (!*arg || arg[strspn(arg, letters)])
		argp_error(state, "-m takes the name of a module, of a-z, 0-9 and _, not '%s'",
			   arg);
}

static void check_buffer_size(struct argp_state *state, const char *arg)
{
	char *end;
	unsigned long size = strtoul(arg, &end, 10);

	if (end == arg || *end || !size || size > 4095)
		argp_error(state, "-s is from 1 to 4095, not '%s'", arg);
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
static void parse_pass(struct argp_state *state, struct ft_run_opts *opts, const char *arg)
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

static void parse_dump(struct argp_state *state, struct ft_run_opts *opts, const char *arg)
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

static void push(struct argp_state *state, const char **list, u32 *count, char *arg)
{
	if (*count == FT_RUN_LIST_MAX)
		argp_error(state, "at most %d of these", FT_RUN_LIST_MAX);
	list[(*count)++] = arg;
}

static void parse_flame(struct argp_state *state, struct ft_run_opts *opts, char *arg)
{
	if (opts->flame.count == FT_OUTPUTS_MAX)
		argp_error(state, "at most %d outputs", FT_OUTPUTS_MAX);
	opts->flame.paths[opts->flame.count++] = arg;
}

/* How the script is read. Others are taken and ignored. */
static error_t parse_how(int key, char *arg, struct argp_state *state)
{
	struct ft_run_opts *opts = state->input;

	switch (key) {
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return 0;
	case 'w':
		opts->no_warnings = true;
		return 0;
	case 'W':
		opts->fatal_warnings = true;
		return 0;
	case 'u':
		opts->unoptimized = true;
		return 0;
	case 'm':
		check_module_name(state, arg);
		opts->run.module_name = arg;
		return 0;
	case 's':
		check_buffer_size(state, arg);
		return 0;
	case KEY_COMPATIBLE:
		opts->compatible = arg;
		return 0;
	case KEY_BADVARS:
		opts->skip_badvars = true;
		return 0;
	case KEY_PROLOGUE:
		if (arg && strcmp(arg, "never") != 0 && strcmp(arg, "always") != 0 &&
		    strcmp(arg, "auto") != 0)
			argp_error(state, "--prologue-searching is never, always or auto, not '%s'",
				   arg);
		return 0;
	default:
		return 0;
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct ft_run_opts *opts = state->input;

	switch (key) {
	case 'e':
		if (opts->text)
			argp_error(state, "-e is given twice: there is one script");
		opts->text = arg;
		return 0;
	case 'x':
		opts->run.target_pid = parse_pid(state, arg);
		return 0;
	case 'c':
		opts->command = arg;
		return 0;
	case 'T':
		opts->run.seconds = parse_seconds(state, arg);
		return 0;
	case 'o':
		opts->output = arg;
		return 0;
	case KEY_FLAME:
		parse_flame(state, opts, arg);
		return 0;
	case KEY_LIBRARY:
		opts->wants_library = true;
		return 0;
	case 'G':
		if (!strchr(arg, '='))
			argp_error(state, "-G takes NAME=VALUE, not '%s'", arg);
		push(state, opts->globals, &opts->global_count, arg);
		return 0;
	case 'D':
		parse_limit(state, &opts->run.limits, arg);
		return 0;
	case 'I':
		push(state, opts->folders, &opts->folder_count, arg);
		return 0;
	case 'l':
	case 'L':
		opts->list = arg;
		opts->list_variables = key == 'L';
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
	case KEY_DUMP:
		parse_dump(state, opts, arg);
		return 0;
	case KEY_BACKEND:
		opts->rounds_by_calls = !strcmp(arg, "kernel-by-calls");
		if (strcmp(arg, "kernel") != 0 && !opts->rounds_by_calls)
			argp_error(state, "--backend is of kernel, kernel-by-calls, not '%s'", arg);
		opts->all_in_kernel = true;
		return 0;
	case 'V':
		opts->wants_version = true;
		return 0;
	case ARGP_KEY_ARGS:
		opts->args = state->argv + state->next;
		opts->arg_count = (u32)(state->argc - state->next);
		return 0;
	case ARGP_KEY_INIT:
	case ARGP_KEY_ARG:
	case ARGP_KEY_NO_ARGS:
	case ARGP_KEY_END:
	case ARGP_KEY_SUCCESS:
	case ARGP_KEY_ERROR:
	case ARGP_KEY_FINI:
		return ARGP_ERR_UNKNOWN;
	default:
		return parse_how(key, arg, state);
	}
}

const struct argp ft_run_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "-e TEXT [ARG...]\nFILE [ARG...]\n- [ARG...]",
	.doc = "Runs a script in the language of SystemTap: begin, end, error and timers in user "
	       "space; timer.profile, perf events, kernel.trace and scheduler probes in the "
	       "kernel. Through a link named stap it takes the same options. Those that "
	       "SystemTap has for building modules are taken and ignored.\v"
	       "Ctrl-C ends a script, its end probes run. Exit status: 0 ok; 1 the script has "
	       "errors, could not be read, or ended by an error; 2 usage.",
};

/* run.c - flametap run, and stap: scripts in the language of SystemTap. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/run.h"

#define SCRIPT_BYTES_MAX (16u << 20)
#define COMMAND_WORDS_MAX 256
#define ATTACHED_QUICKLY 20 /* probes that nobody waits for, one by one */
#define ATTACHED_STEP 10    /* of the line that tells how far it is */
#define OUTPUT_NAME_BYTES 4096

/* What a running script is given. */
struct session {
	struct ft_run_opts *opts;
	FILE *out; /* -o, or standard output */
	struct ft_command command;
	char *words[COMMAND_WORDS_MAX + 1]; /* of the command */
	char *copy;			    /* what they point into; owned */
	bool failed_command;
	char output[OUTPUT_NAME_BYTES]; /* the name of the file at hand, but for its number */
	u32 output_number;		/* 0: none */
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

/* ---- the command of -c ---- */

/* Cuts it into words; what a shell has to understand is left to one. */
static int split_command(struct session *s, struct ft_err *err)
{
	static char shell[] = "/bin/sh", option[] = "-c";
	const char *command = s->opts->command;
	u32 count = 0;

	s->copy = strdup(command);
	if (!s->copy)
		return ft_err_set(err, -ENOMEM, "out of memory");
	if (strpbrk(command, "|&;<>()$`\\\"'*?[#~%{}\n")) {
		s->words[0] = shell;
		s->words[1] = option;
		s->words[2] = s->copy;
		return 0;
	}
	for (char *word = strtok(s->copy, " \t"); word; word = strtok(NULL, " \t")) {
		if (count == COMMAND_WORDS_MAX)
			return ft_err_set(err, -E2BIG, "the command of -c has more than %d words",
					  COMMAND_WORDS_MAX);
		s->words[count++] = word;
	}
	return count ? 0 : ft_err_set(err, -EINVAL, "the command of -c is empty");
}

/* ---- without running ---- */

static int dump(const struct ft_script_text *script, struct ft_run_opts *opts)
{
	struct ft_out *complaints = ft_out_new_memory(), *out = NULL;
	struct ft_script_errors errors = {0};
	struct ft_script_text targeted = *script;
	struct session s = {.opts = opts};
	struct ft_err err = {0};
	int code = ft_out_open("-", &out, &err);

	if (!code && opts->command)
		code = split_command(&s, &err);
	targeted.target_pid = opts->run.target_pid;
	targeted.target_path = opts->command ? s.words[0] : NULL;
	if (!code && opts->list)
		code = ft_script_list(&targeted, opts->list, opts->list_variables, out, complaints,
				      &errors, &err);
	else if (!code)
		code = ft_script_dump(&targeted, opts->dump, out, complaints, &errors, &err);
	if (!code)
		code = ft_out_commit(out, &err);
	if (!code) {
		print_complaints(complaints);
		say_errors(&errors);
	}
	ft_out_close(out);
	ft_out_close(complaints);
	free(s.copy);
	if (code)
		return ft_cli_fail(FT_EXIT_FAILED, &err);
	return errors.count ? FT_EXIT_FAILED : FT_EXIT_OK;
}

static int start_command(struct session *s, struct ft_err *err)
{
	int code;

	if (!s->opts->command)
		return 0;
	code = split_command(s, err);
	if (!code)
		code = ft_command_start(s->words, &s->command, err);
	if (code)
		return code;
	s->opts->run.target_pid = (u32)s->command.pid;
	s->opts->run.ended_fd = s->command.pidfd;
	return 0;
}

static int release_command(void *context, struct ft_err *err)
{
	struct session *s = context;

	return s->command.pid ? ft_command_release(&s->command, s->words[0], err) : 0;
}

/* Says how the command did. */
static void finish_command(struct session *s)
{
	int status;

	if (!s->command.pid)
		return;
	ft_command_reap(&s->command);
	status = s->command.wait_status;
	if (!s->command.reaped || !status)
		return;
	s->failed_command = true;
	if (WIFSIGNALED(status))
		fprintf(stderr, "WARNING: Child process exited with signal %d (%s)\n",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		fprintf(stderr, "WARNING: Child process exited with status %d\n",
			WEXITSTATUS(status));
}

/* ---- running ---- */

/* Output of the script as it comes. */
static void write_text(void *context, const char *text, size_t len, bool is_message)
{
	const struct session *s = context;
	FILE *file = is_message ? stderr : s->out;

	fwrite(text, 1, len, file);
	fflush(file);
}

/* A line on the terminal that goes with the next one; elsewhere one that stays. */
static void say_attaching(void *context, u32 done, u32 count)
{
	bool live = isatty(STDERR_FILENO);

	(void)context;
	if (count < ATTACHED_QUICKLY)
		return;
	if (!live && done == 1)
		fprintf(stderr, "attaching %u probes one by one (before Linux 6.6)\n", count);
	if (live && done == count)
		fprintf(stderr, "\r\033[K");
	else if (live && done % ATTACHED_STEP == 1)
		fprintf(stderr, "\r\033[K%u of %u probes attached   (Ctrl-C ends)", done, count);
	fflush(stderr);
}

static int open_output(struct session *s, struct ft_err *err)
{
	/* The format is the user's: whatever it holds, strftime does no harm. */
	size_t (*const name_by_time)(char *, size_t, const char *, const struct tm *) = strftime;
	time_t now = time(NULL);
	char name[OUTPUT_NAME_BYTES], numbered[OUTPUT_NAME_BYTES + 16];
	struct tm parts;

	s->out = stdout;
	if (!s->opts->output)
		return 0;
	if (!localtime_r(&now, &parts) ||
	    !name_by_time(name, sizeof(name), s->opts->output, &parts))
		return ft_err_set(err, -EINVAL, "-o: no name of a file: '%s'", s->opts->output);
	/* Those that the script switches to differ by their time, else by a number. */
	s->output_number = strcmp(s->output, name) ? 0 : s->output_number + 1;
	snprintf(s->output, sizeof(s->output), "%s", name);
	if (s->output_number)
		snprintf(numbered, sizeof(numbered), "%s.%u", name, s->output_number);
	else
		snprintf(numbered, sizeof(numbered), "%s", name);
	s->out = fopen(numbered, "we");
	return s->out ? 0 : ft_err_set(err, -errno, "cannot write %s: %s", name, strerror(errno));
}

static void switch_output(void *context)
{
	struct session *s = context;
	struct ft_err err = {0};
	FILE *before = s->out;

	if (!s->opts->output)
		return;
	if (open_output(s, &err)) {
		fprintf(stderr, "WARNING: %s\n", err.text);
		s->out = before;
		return;
	}
	fclose(before);
}

static int close_output(struct session *s)
{
	bool bad = s->out && ferror(s->out);

	if (s->out && s->out != stdout && fclose(s->out))
		bad = true;
	return bad ? FT_EXIT_FAILED : FT_EXIT_OK;
}

static int take_profile(void *context, const struct ft_profile *profile, struct ft_err *err)
{
	const struct session *s = context;

	return ft_outputs_write(&s->opts->flame, profile, err);
}

/* Signals that end a script become readable. */
static int open_signals(struct ft_err *err)
{
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	fd = signalfd(-1, &signals, SFD_CLOEXEC);
	return fd >= 0 ? fd
		       : ft_err_set(err, -errno, "cannot receive signals: %s", strerror(errno));
}

static int prepare(struct session *s, struct ft_err *err)
{
	int code = open_output(s, err);

	if (!code && s->opts->flame.count)
		code = ft_outputs_prepare(&s->opts->flame, NULL, err);
	/* The command is started first: it must not inherit blocked signals. */
	if (!code)
		code = start_command(s, err);
	if (code)
		return code;
	s->opts->run.stop_fd = open_signals(err);
	return s->opts->run.stop_fd < 0 ? s->opts->run.stop_fd : 0;
}

/* Runs it until it ends, or until a signal that asks for that. */
static int execute(const struct ft_script_text *script, struct ft_run_opts *opts)
{
	struct ft_out *complaints = ft_out_new_memory();
	struct ft_script_text targeted = *script;
	struct session s = {.opts = opts};
	struct ft_script_errors errors = {0};
	struct ft_err err = {0};
	bool failed = false;
	int code, status;

	opts->run.stop_fd = opts->run.ended_fd = -1;
	opts->run.write = write_text;
	opts->run.attaching = say_attaching;
	opts->run.switch_output = switch_output;
	opts->run.armed = release_command;
	opts->run.take_profile = opts->flame.count ? take_profile : NULL;
	opts->run.context = &s;
	code = prepare(&s, &err);
	targeted.target_pid = opts->run.target_pid;
	targeted.target_path = opts->command ? s.words[0] : NULL;
	if (!code)
		code = ft_script_run(&targeted, &opts->run, complaints, &errors, &failed, &err);
	finish_command(&s);
	ft_command_fini(&s.command);
	free(s.copy);
	if (opts->run.stop_fd >= 0)
		close(opts->run.stop_fd);
	print_complaints(complaints);
	say_errors(&errors);
	ft_out_close(complaints);
	status = close_output(&s);
	if (code)
		return ft_cli_fail(FT_EXIT_FAILED, &err);
	return errors.count || failed || s.failed_command ? FT_EXIT_FAILED : status;
}

/* The scripts that come with the program, each with its question. */
static int list_library(void)
{
	const struct ft_ready_script *ready, *before = NULL;

	for (u32 i = 0; (ready = ft_ready_script_at(i)); before = ready, i++) {
		const char *doc;
		size_t len = ft_ready_script_doc(ready, &doc);

		if (!before || strcmp(before->group, ready->group) != 0)
			printf("%s%s:\n", before ? "\n" : "", ready->group);
		printf("  %-18s %.*s\n", ready->name, (int)len, doc);
	}
	return FT_EXIT_OK;
}

static int run_ready(const struct ft_ready_script *ready, struct ft_script_text *script,
		     struct ft_run_opts *opts)
{
	const char *usage;
	size_t len = ft_ready_script_usage(ready, &usage);

	if (!ft_ready_script_suits(ready, opts->arg_count, opts->command || opts->run.target_pid)) {
		ft_cli_say("usage: flametap run %s %.*s", ready->name, (int)len, usage);
		return FT_EXIT_USAGE;
	}
	script->name = ready->name;
	script->text = ready->text;
	script->len = strlen(ready->text);
	return opts->dumps ? dump(script, opts) : execute(script, opts);
}

static int run_file(struct ft_script_text *script, const char *path, struct ft_run_opts *opts)
{
	const struct ft_ready_script *ready =
		strchr(path, '/') || !access(path, F_OK) ? NULL : ft_ready_script_find(path);
	char *data = NULL;
	int code;

	if (ready)
		return run_ready(ready, script, opts);
	if (strcmp(path, "-") != 0)
		script->name = path;
	code = ft_file_read(strcmp(path, "-") ? path : "/dev/stdin", SCRIPT_BYTES_MAX, &data,
			    &script->len);
	if (code) {
		fprintf(stderr, "Pass 1: parse failed.\n");
		ft_cli_say("cannot read the script %s: %s", script->name, strerror(-code));
		return FT_EXIT_FAILED;
	}
	script->text = data;
	code = opts->dumps ? dump(script, opts) : execute(script, opts);
	free(data);
	return code;
}

static int run(int argc, char **argv)
{
	struct ft_script_text script = {.name = "<input>"};
	struct ft_run_opts opts = {.run.limits = FT_LIMITS_DEFAULT};
	const char *path = NULL;

	argp_parse(&ft_run_argp, argc, argv, 0, NULL, &opts);
	if (opts.command && opts.run.target_pid) {
		ft_cli_say("-c starts the process that -x would name: give one of them");
		return FT_EXIT_USAGE;
	}
	if (opts.wants_version) {
		/* Tools look for the number: the language is that of SystemTap 4.8. */
		printf("flametap %s, as Systemtap translator/driver (version 4.8/0.188)\n",
		       FT_VERSION);
		return FT_EXIT_OK;
	}
	if (opts.wants_library)
		return list_library();
	if (!opts.text && !opts.list && opts.arg_count) {
		path = *opts.args++;
		opts.arg_count--;
	}
	if (!opts.text && !path && !opts.list) {
		ft_cli_say("no script: give -e TEXT, a FILE, or - for standard input");
		return FT_EXIT_USAGE;
	}
	script.args = (const char *const *)opts.args;
	script.arg_count = opts.arg_count;
	if (getenv("SYSTEMTAP_TAPSET") && opts.folder_count < FT_RUN_LIST_MAX)
		opts.folders[opts.folder_count++] = getenv("SYSTEMTAP_TAPSET");
	script.guru = opts.guru;
	script.compatible = opts.compatible;
	script.unoptimized = opts.unoptimized;
	script.skip_badvars = opts.skip_badvars;
	script.no_warnings = opts.no_warnings;
	script.fatal_warnings = opts.fatal_warnings;
	script.all_in_kernel = opts.all_in_kernel;
	script.rounds_by_calls = opts.rounds_by_calls;
	script.globals = opts.globals;
	script.global_count = opts.global_count;
	script.folders = opts.folders;
	script.folder_count = opts.folder_count;
	if (path)
		return run_file(&script, path, &opts);
	script.text = opts.text ? opts.text : "";
	script.len = strlen(script.text);
	return opts.dumps || opts.list ? dump(&script, &opts) : execute(&script, &opts);
}

const struct ft_mode ft_mode_run = {"run", "runs a script in the language of SystemTap", run};

/* cpu.c - flametap cpu: where the CPU time goes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "cli/cli.h"
#include "symbolizer/symbolizer.h"

struct cpu {
	struct ft_target target;
	struct ft_outputs outputs;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct cpu *cpu = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &cpu->target;
		state->child_inputs[1] = &cpu->outputs;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state,
			   "what is '%s'? Processes are given by -p, and a command to be profiled "
			   "follows --",
			   arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{&ft_target_argp, 0, NULL, 0},
	{&ft_outputs_argp, 0, NULL, 0},
	{0},
};

static const struct argp argp = {
	.parser = parse,
	.args_doc = "[-- COMMAND [ARG...]]",
	.doc = "Samples the stacks of running programs and writes a flame graph.\v"
	       "Without -o the picture goes to flametap-cpu.svg. Exit status: 0 ok; 1 failed; 2 "
	       "usage; 3 written, but "
	       "data was lost.",
	.children = children,
};

static void describe_target(const struct ft_target *target, char *text, size_t size)
{
	const struct ft_record_opts *o = &target->record;

	if (target->command)
		snprintf(text, size, "%s", target->command[0]);
	else if (o->target == FT_TARGET_ALL)
		snprintf(text, size, "all processes");
	else if (o->target == FT_TARGET_CGROUP)
		snprintf(text, size, "cgroup %s", o->cgroup);
	else if (o->id_count == 1)
		snprintf(text, size, "%s %u", o->target == FT_TARGET_TIDS ? "thread" : "process",
			 o->ids[0]);
	else
		snprintf(text, size, "%u %s", o->id_count,
			 o->target == FT_TARGET_TIDS ? "threads" : "processes");
}

static void say_command(const struct ft_command *command, const char *name)
{
	if (!command->pid)
		return;
	if (!command->reaped)
		ft_cli_say("%s (process %d) is still running", name, command->pid);
	else if (WIFSIGNALED(command->wait_status))
		ft_cli_say("%s was ended by signal %d", name, WTERMSIG(command->wait_status));
	else if (WEXITSTATUS(command->wait_status))
		ft_cli_say("%s ended with exit status %d", name, WEXITSTATUS(command->wait_status));
}

static void say_notes(const struct ft_symbolize_notes *notes)
{
	if (notes->kernel_hidden)
		ft_cli_say("kernel functions have no names: the kernel hides its symbols; as root, "
			   "sysctl kernel.kptr_restrict=0");
	if (notes->files_missing)
		ft_cli_say("%u files could not be read for symbols, the first: %s",
			   notes->files_missing, notes->first_missing);
	if (notes->files_replaced)
		ft_cli_say("%u files are not the ones that ran (another build-id), so their "
			   "symbols were not used; "
			   "the first: %s",
			   notes->files_replaced, notes->first_replaced);
}

/* Why there is nothing to draw. */
static int fail_empty(enum ft_unit unit, const struct ft_quality *q)
{
	struct ft_err err = {0};

	if (ft_quality_lost(q))
		ft_err_set(&err, -ENODATA, "every sample was lost; try a lower frequency with -F");
	else if (unit == FT_UNIT_EVENTS)
		ft_err_set(&err, -ENODATA,
			   "no samples: the event did not occur in the target in %.1f s; nothing "
			   "was written",
			   (double)q->duration_ns / 1e9);
	else
		ft_err_set(&err, -ENODATA,
			   "no samples: the target used no CPU time in %.1f s; let it work, record "
			   "longer (-d), or "
			   "sample faster (-F 999); nothing was written",
			   (double)q->duration_ns / 1e9);
	return ft_cli_fail(FT_EXIT_FAILED, &err);
}

/* Names everything, writes the files and the summary. Returns the exit status. */
static int finish(struct cpu *cpu, struct ft_recording *recording)
{
	struct ft_symbolize_opts opts = {.no_demangle = cpu->outputs.no_demangle};
	const struct ft_raw *raw = ft_recording_raw(recording);
	struct ft_symbolize_notes notes = {0};
	struct ft_profile *profile;
	struct ft_err err = {0};
	char target[200];
	int code, status = FT_EXIT_OK;

	if (!raw->quality.samples)
		return fail_empty(raw->unit, &raw->quality);
	code = ft_symbolize(raw, &opts, &notes, &profile, &err);
	if (code)
		return ft_cli_fail(FT_EXIT_FAILED, &err);
	describe_target(&cpu->target, target, sizeof(target));
	if (asprintf(&profile->title, "On-CPU, %s: %s, %.1f s", target,
		     ft_recording_event(recording), (double)raw->quality.duration_ns / 1e9) < 0)
		profile->title = NULL;
	code = ft_outputs_write(&cpu->outputs, profile, &err);
	if (code)
		status = ft_cli_fail(FT_EXIT_FAILED, &err);
	else if (ft_quality_lost(&profile->quality))
		status = FT_EXIT_PARTIAL;
	say_notes(&notes);
	ft_summary_print(profile);
	ft_profile_free(profile);
	return status;
}

static int run(int argc, char **argv)
{
	struct cpu cpu = {0};
	struct ft_command command = {0};
	struct ft_recording *recording;
	struct ft_err err = {0};
	int status, code;

	argc = ft_target_split_command(argc, argv, &cpu.target);
	argp_parse(&argp, argc, argv, 0, NULL, &cpu);
	code = ft_target_check(&cpu.target, &err);
	if (!code)
		code = ft_outputs_prepare(&cpu.outputs, "flametap-cpu.svg", &err);
	if (!code)
		code = ft_record_run(&cpu.target, &command, &recording, &err);
	if (code) {
		status = ft_cli_fail(ft_cli_status(code), &err);
	} else {
		say_command(&command, cpu.target.command ? cpu.target.command[0] : "");
		status = finish(&cpu, recording);
		ft_recording_close(recording);
	}
	ft_command_fini(&command);
	ft_target_fini(&cpu.target);
	return status;
}

const struct ft_mode ft_mode_cpu = {"cpu", "where the CPU time of a program goes", run};

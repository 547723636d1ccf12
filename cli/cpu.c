/* cpu.c - flametap cpu: where the CPU time goes. */
#include "cli/cli.h"

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
		ft_finish_command(&command, cpu.target.command);
		status = ft_finish(&cpu.target, &cpu.outputs, "On-CPU", recording);
		ft_recording_close(recording);
	}
	ft_command_fini(&command);
	ft_target_fini(&cpu.target);
	return status;
}

const struct ft_mode ft_mode_cpu = {"cpu", "where the CPU time of a program goes", run};

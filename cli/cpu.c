/* cpu.c - flametap cpu: where the CPU time goes. */
#include "cli/cli.h"

static const struct argp argp = {
	.parser = ft_recorder_parse,
	.args_doc = "[-- COMMAND [ARG...]]",
	.doc = "Samples the stacks of running programs and writes a flame graph.\v"
	       "Without -o the picture goes to flametap-cpu.svg. Exit status: 0 ok; 1 failed; 2 "
	       "usage; 3 written, but "
	       "data was lost.",
	.children = ft_recorder_children,
};

static int run(int argc, char **argv)
{
	struct ft_recorder recorder = {.target.record.mode = FT_RECORD_CPU};

	return ft_recorder_run(&recorder, argc, argv, &argp, NULL, "flametap-cpu.svg", "On-CPU");
}

const struct ft_mode ft_mode_cpu = {"cpu", "where the CPU time of a program goes", run};

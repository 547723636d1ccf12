/*
 * recorder.c - a mode that records, from its command line to its files. See cli.h.
 */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"

const struct argp_child ft_recorder_children[] = {
	{&ft_target_argp, 0, NULL, 0},
	{&ft_outputs_argp, 0, NULL, 0},
	{0},
};

error_t ft_recorder_parse(int key, char *arg, struct argp_state *state)
{
	struct ft_recorder *r = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &r->target;
		state->child_inputs[1] = &r->outputs;
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

int ft_recorder_run(struct ft_recorder *r, int argc, char **argv, const struct argp *argp,
		    ft_recorder_check *check, const char *path, const char *what)
{
	struct ft_command command = {0};
	struct ft_recording *recording;
	struct ft_err err = {0};
	int status, code;

	argc = ft_target_split_command(argc, argv, &r->target);
	argp_parse(argp, argc, argv, 0, NULL, r);
	code = ft_target_check(&r->target, &err);
	if (!code && r->target.keeper.timeline &&
	    (r->target.record.mode == FT_RECORD_WALL || r->target.record.mode == FT_RECORD_ALLOC))
		code = ft_err_set(&err, -EINVAL,
				  "--timeline goes with modes whose weights come while recording; "
				  "those of wall and alloc are known at its end");
	if (!code && check)
		code = check(r, &err);
	if (!code && !r->hist)
		code = ft_outputs_prepare(&r->outputs, path, &err);
	for (u32 i = 0; !code && !r->hist && i < r->outputs.count && !r->target.keeper.path; i++)
		if (ft_outputs_is_archive(&r->outputs, i))
			r->target.keeper.path = r->outputs.paths[i];
	ft_keeper_init(&r->target.keeper, strrchr(argv[0], ' ') + 1, r->target.command);
	if (!code)
		code = ft_record_run(&r->target, &command, &recording, &err);
	if (code) {
		status = ft_cli_fail(ft_cli_status(code), &err);
	} else {
		if (r->target.java_perfmap)
			ft_finish_java(recording);
		ft_finish_command(&command, r->target.command);
		status = r->hist ? ft_finish_histogram(&r->target, r->hist, recording)
				 : ft_finish(&r->target, &r->outputs, what, recording);
		ft_recording_close(recording);
	}
	ft_command_fini(&command);
	ft_target_fini(&r->target);
	return status;
}

/*
 * offcpu.c - flametap offcpu, wakeup, lock and wall: where the time goes that is not spent on a
 * CPU.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

enum { KEY_MIN = 0x300, KEY_MAX, KEY_STATE, KEY_RUNQUEUE, KEY_HIST, KEY_DEPTH };

static const struct argp_option wait_options[] = {
	{NULL, 0, NULL, 0, "Waits:", 15},
	{"min", KEY_MIN, "US", 0, "Leave out waits shorter than this, in microseconds", 15},
	{"max", KEY_MAX, "US", 0, "Leave out waits longer than this, in microseconds", 15},
	{"state", KEY_STATE, "LETTERS", 0,
	 "Waits in these states, by the letters of ps: S sleeping, D uninterruptible, R preempted, "
	 "T stopped, I idle, P parked; default: SDTP",
	 15},
	{0}};

static const struct argp_option hist_options[] = {
	{"hist", KEY_HIST, "BY", OPTION_ARG_OPTIONAL,
	 "Print histograms of durations instead, by: process (default), state, frame (the function "
	 "that waits)",
	 15},
	{0}};

static const struct argp_option offcpu_options[] = {
	{"runqueue", KEY_RUNQUEUE, NULL, 0,
	 "Only the time between being woken (or preempted) and running, by the stack that goes on",
	 15},
	{"hist", KEY_HIST, "BY", OPTION_ARG_OPTIONAL,
	 "Print histograms of durations instead, by: process (default), state, frame (the function "
	 "that waits)",
	 15},
	{0}};

static const struct argp_option wakeup_options[] = {
	{"depth", KEY_DEPTH, "N", 0,
	 "Follow who woke the waker, up to N wakers (default 1, at most 8); above 1 the stack of "
	 "every wakeup of the machine is taken",
	 15},
	{0}};

static u32 parse_depth(struct argp_state *state, const char *arg)
{
	char *end;
	unsigned long depth = strtoul(arg, &end, 10);

	if (end == arg || *end || depth < 1 || depth > FT_WAKERS_MAX)
		argp_error(state, "--depth is a number from 1 to %d, not '%s'", FT_WAKERS_MAX, arg);
	return (u32)depth;
}

static u64 parse_us(struct argp_state *state, const char *arg)
{
	char *end;
	unsigned long long us;

	errno = 0;
	us = strtoull(arg, &end, 10);
	if (errno || end == arg || *end || strchr(arg, '-') || us > UINT64_MAX / 1000)
		argp_error(state, "a duration is a whole number of microseconds, not '%s'", arg);
	return us * 1000;
}

static u32 parse_states(struct argp_state *state, const char *arg)
{
	static const struct {
		char letter;
		u32 bit;
	} table[] = {{'R', FT_WAIT_RUNNABLE}, {'S', FT_WAIT_SLEEP},   {'D', FT_WAIT_DISK},
		     {'T', FT_WAIT_STOPPED},  {'t', FT_WAIT_STOPPED}, {'I', FT_WAIT_IDLE},
		     {'P', FT_WAIT_PARKED}};
	u32 states = 0;

	for (const char *c = arg; *c; c++) {
		u32 bit = 0;

		for (size_t i = 0; i < FT_ARRAY_LEN(table); i++)
			if (table[i].letter == *c)
				bit = table[i].bit;
		if (!bit)
			argp_error(state, "a state is one of R, S, D, T, I, P, not '%c'", *c);
		states |= bit;
	}
	if (!states)
		argp_error(state, "--state names no state");
	return states;
}

/* The options that offcpu and wakeup share; the input is a struct ft_wait_opts. */
static error_t parse_wait(int key, char *arg, struct argp_state *state)
{
	struct ft_wait_opts *wait = state->input;

	switch (key) {
	case KEY_MIN:
		wait->min_ns = parse_us(state, arg);
		return 0;
	case KEY_MAX:
		wait->max_ns = parse_us(state, arg);
		if (!wait->max_ns)
			argp_error(state, "--max must be above 0");
		return 0;
	case KEY_STATE:
		wait->states = parse_states(state, arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp wait_argp = {.options = wait_options, .parser = parse_wait};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct ft_recorder *r = state->input;
	struct ft_wait_opts *wait = &r->target.record.wait;

	switch (key) {
	case ARGP_KEY_INIT:
		ft_recorder_parse(key, arg, state);
		state->child_inputs[2] = wait;
		return 0;
	case KEY_RUNQUEUE:
		wait->runqueue = true;
		return 0;
	case KEY_DEPTH:
		wait->depth = parse_depth(state, arg);
		return 0;
	case KEY_HIST:
		r->hist = arg ? arg : "process";
		if (strcmp(r->hist, "process") && strcmp(r->hist, "state") &&
		    strcmp(r->hist, "frame"))
			argp_error(state, "--hist is by process, state or frame, not '%s'", arg);
		wait->histogram = true;
		return 0;
	default:
		return ft_recorder_parse(key, arg, state);
	}
}

static const struct argp_child wait_children[] = {
	{&ft_target_argp, 0, NULL, 0},
	{&ft_outputs_argp, 0, NULL, 0},
	{&wait_argp, 0, NULL, 0},
	{0},
};

static const struct argp offcpu_argp = {
	.options = offcpu_options,
	.parser = parse,
	.args_doc = "[-- COMMAND [ARG...]]",
	.doc = "Records the time that threads spend off their CPU, by the stack that waits, and "
	       "writes a flame graph.\v"
	       "Without -o the picture goes to flametap-offcpu.svg. Exit status: 0 ok; 1 failed; 2 "
	       "usage; 3 written, but data was lost.",
	.children = wait_children,
};

static const struct argp wakeup_argp = {
	.options = wakeup_options,
	.parser = parse,
	.args_doc = "[-- COMMAND [ARG...]]",
	.doc = "Records who ended the waits of threads: on top of the stack that waits, after a "
	       "separator, stands the stack of the waker, upside down.\v"
	       "Without -o the picture goes to flametap-wakeup.svg. Exit status: 0 ok; 1 failed; 2 "
	       "usage; 3 written, but data was lost.",
	.children = wait_children,
};

static const struct argp lock_argp = {
	.options = hist_options,
	.parser = parse,
	.args_doc = "[-- COMMAND [ARG...]]",
	.doc = "Records waits for locks, by the stack that waits: futexes (the locks and condition "
	       "variables of user space), and contended locks of the kernel.\v"
	       "Without -o the picture goes to flametap-lock.svg. Exit status: 0 ok; 1 failed; 2 "
	       "usage; 3 written, but data was lost.",
	.children = wait_children,
};

static const struct argp wall_argp = {
	.parser = ft_recorder_parse,
	.args_doc = "[-- COMMAND [ARG...]]",
	.doc = "Records the time of threads on and off their CPU in one flame graph: a thread's "
	       "bars add up to the time that it existed.\v"
	       "Without -o the picture goes to flametap-wall.svg. Exit status: 0 ok; 1 failed; 2 "
	       "usage; 3 written, but data was lost.",
	.children = ft_recorder_children,
};

/* Options of the sampling that mean nothing here. */
static int check(const struct ft_recorder *recorder, struct ft_err *err)
{
	const struct ft_record_opts *r = &recorder->target.record;

	if (r->mode != FT_RECORD_WALL && (r->event || r->freq_hz || r->period))
		return ft_err_set(err, -EINVAL,
				  "every wait is recorded: -e, -F and -c are for the modes that "
				  "sample");
	if (r->event && strcmp(r->event, "cpu-clock") && strcmp(r->event, "task-clock"))
		return ft_err_set(err, -EINVAL,
				  "time on CPUs is sampled by a clock: -e cpu-clock or task-clock");
	if (r->period)
		return ft_err_set(err, -EINVAL, "time on CPUs is sampled by frequency: use -F");
	if (r->kernel_only)
		return ft_err_set(
			err, -EINVAL,
			"--kernel-only would leave out most time; it is for flametap cpu");
	if (r->mode == FT_RECORD_LOCK && r->wait.states)
		return ft_err_set(err, -EINVAL, "--state is for flametap offcpu and wakeup");
	if (r->wait.max_ns && r->wait.max_ns < r->wait.min_ns)
		return ft_err_set(err, -EINVAL, "--max is below --min");
	if (recorder->hist && recorder->outputs.count)
		return ft_err_set(err, -EINVAL,
				  "histograms go to standard output: --hist and -o exclude each "
				  "other");
	return 0;
}

static int run(int argc, char **argv, const struct argp *argp, enum ft_record_mode mode,
	       const char *path, const char *what)
{
	struct ft_recorder recorder = {.target.record.mode = mode};

	return ft_recorder_run(&recorder, argc, argv, argp, check, path, what);
}

static int run_offcpu(int argc, char **argv)
{
	return run(argc, argv, &offcpu_argp, FT_RECORD_OFFCPU, "flametap-offcpu.svg", "Off-CPU");
}

static int run_wakeup(int argc, char **argv)
{
	return run(argc, argv, &wakeup_argp, FT_RECORD_WAKEUP, "flametap-wakeup.svg", "Wakeups");
}

static int run_lock(int argc, char **argv)
{
	return run(argc, argv, &lock_argp, FT_RECORD_LOCK, "flametap-lock.svg", "Locks");
}

static int run_wall(int argc, char **argv)
{
	return run(argc, argv, &wall_argp, FT_RECORD_WALL, "flametap-wall.svg", "Wall clock");
}

const struct ft_mode ft_mode_offcpu = {"offcpu", "where a program waits, and for how long",
				       run_offcpu};
const struct ft_mode ft_mode_wakeup = {"wakeup", "who ended those waits", run_wakeup};
const struct ft_mode ft_mode_lock = {"lock", "which locks it waits for", run_lock};
const struct ft_mode ft_mode_wall = {"wall", "both in one picture: time on and off CPUs", run_wall};

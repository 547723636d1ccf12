/* target.c - the options that say whom to profile, how, and for how long. See cli.h. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/cli.h"

enum {
	KEY_CGROUP = 0x200,
	KEY_CHILDREN,
	KEY_USER_ONLY,
	KEY_KERNEL_ONLY,
	KEY_UNWIND,
	KEY_PER_THREAD,
	KEY_TIMELINE,
	KEY_JAVA_PERFMAP
};

static const struct argp_option options[] = {
	{NULL, 0, NULL, 0, "Target (one of them, or -- COMMAND [ARG...]):", 10},
	{"pid", 'p', "PID[,PID...]", 0, "Processes, with all their threads", 10},
	{"tid", 't', "TID[,TID...]", 0, "Single threads", 10},
	{"cgroup", KEY_CGROUP, "PATH", 0, "Everything in or below a cgroup (v2)", 10},
	{"all", 'a', NULL, 0, "Everything on this machine", 10},
	{"children", KEY_CHILDREN, NULL, 0, "With -p: also processes that they start from now on",
	 10},
	{"duration", 'd', "SECONDS", 0,
	 "Stop after this time; default: on Ctrl-C, or when the target has ended", 10},
	{"verbose", 'v', NULL, 0, "Say when counting begins", 10},
	{NULL, 0, NULL, 0, "Sampling:", 20},
	{"frequency", 'F', "HZ", 0, "Samples per second of CPU time; default 99", 20},
	{"count", 'c', "PERIOD", 0, "Sample every PERIOD-th event instead (clocks: nanoseconds)",
	 20},
	{"event", 'e', "EVENT", 0,
	 "What to sample by, as perf names it; default: cycles where the machine counts them, else "
	 "cpu-clock",
	 20},
	{"user-only", KEY_USER_ONLY, NULL, 0,
	 "No kernel frames; time in the kernel counts for its user caller", 20},
	{"kernel-only", KEY_KERNEL_ONLY, NULL, 0,
	 "Kernel frames and samples taken in the kernel only", 20},
	{"unwind", KEY_UNWIND, "HOW", 0,
	 "User stacks by: auto, dwarf (unwind information only), fp (frame pointers only), none "
	 "(innermost "
	 "frame)",
	 20},
	{"per-thread", KEY_PER_THREAD, NULL, 0, "Tell threads apart", 20},
	{"timeline", KEY_TIMELINE, NULL, 0,
	 "Keep when samples came, to a tenth of a second, and on which CPU (.ftap, .trace.json)",
	 20},
	{"java-perfmap", KEY_JAVA_PERFMAP, NULL, 0,
	 "At the end, have Java processes write the names of their compiled code (JDK 17)", 20},
	{0}};

static u64 parse_number(struct argp_state *state, const char *what, const char *text, u64 max)
{
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || end == text || *end || strchr(text, '-') || number == 0 || number > max)
		argp_error(state, "%s must be a whole number from 1 to %llu, not '%s'", what,
			   (unsigned long long)max, text);
	return number;
}

static void parse_ids(struct argp_state *state, struct ft_target *target, const char *text)
{
	size_t cap = target->record.id_count;
	char *copy = ft_strdup(text), *rest = copy, *word;

	while ((word = strsep(&rest, ","))) {
		u32 id = (u32)parse_number(state, "a process or thread id", word, INT32_MAX);

		if (FT_GROW(&target->ids, &cap, (size_t)target->record.id_count + 1))
			argp_failure(state, FT_EXIT_FAILED, ENOMEM, "too many ids");
		target->ids[target->record.id_count++] = id;
	}
	free(copy);
	target->record.ids = target->ids;
}

static void choose(struct argp_state *state, struct ft_target *target, enum ft_target_kind kind)
{
	if (target->chosen && target->record.target != kind)
		argp_error(state, "-p, -t, --cgroup and -a exclude each other");
	target->chosen = true;
	target->record.target = kind;
}

static void parse_duration(struct argp_state *state, struct ft_target *target, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !isfinite(seconds) || seconds <= 0 || seconds > 1e9)
		argp_error(state, "a duration is a number of seconds above 0, not '%s'", text);
	target->duration_s = seconds;
}

static void parse_unwind(struct argp_state *state, struct ft_target *target, const char *text)
{
	if (!strcmp(text, "auto"))
		target->record.unwind = FT_UNWIND_AUTO;
	else if (!strcmp(text, "fp"))
		target->record.unwind = FT_UNWIND_FP;
	else if (!strcmp(text, "none"))
		target->record.unwind = FT_UNWIND_NONE;
	else if (!strcmp(text, "dwarf"))
		target->record.unwind = FT_UNWIND_DWARF;
	else
		argp_error(state, "--unwind is auto, dwarf, fp or none, not '%s'", text);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct ft_target *target = state->input;

	switch (key) {
	case 'p':
		choose(state, target, FT_TARGET_PIDS);
		parse_ids(state, target, arg);
		return 0;
	case 't':
		choose(state, target, FT_TARGET_TIDS);
		parse_ids(state, target, arg);
		return 0;
	case 'a':
		choose(state, target, FT_TARGET_ALL);
		return 0;
	case KEY_CGROUP:
		choose(state, target, FT_TARGET_CGROUP);
		target->record.cgroup = arg;
		return 0;
	case KEY_CHILDREN:
		target->record.children = true;
		return 0;
	case KEY_JAVA_PERFMAP:
		target->java_perfmap = true;
		return 0;
	case 'd':
		parse_duration(state, target, arg);
		return 0;
	case 'v':
		target->verbose = true;
		return 0;
	case 'F':
		target->record.freq_hz = parse_number(state, "a frequency (-F)", arg, 1000000000);
		return 0;
	case 'c':
		target->record.period = parse_number(state, "a period (-c)", arg, INT64_MAX);
		return 0;
	case 'e':
		target->record.event = arg;
		return 0;
	case KEY_USER_ONLY:
		target->record.user_only = true;
		return 0;
	case KEY_KERNEL_ONLY:
		target->record.kernel_only = true;
		return 0;
	case KEY_UNWIND:
		parse_unwind(state, target, arg);
		return 0;
	case KEY_PER_THREAD:
		target->record.per_thread = true;
		return 0;
	case KEY_TIMELINE:
		target->record.timeline = true;
		target->keeper.timeline = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp ft_target_argp = {.options = options, .parser = parse};

int ft_target_split_command(int argc, char **argv, struct ft_target *target)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--"))
			continue;
		target->command = argv + i + 1;
		argv[i] = NULL;
		return i;
	}
	return argc;
}

int ft_target_check(const struct ft_target *target, struct ft_err *err)
{
	if (target->command && !target->command[0])
		return ft_err_set(err, -EINVAL, "no command follows --");
	if (target->command && target->chosen)
		return ft_err_set(err, -EINVAL,
				  "-p, -t, --cgroup, -a and -- COMMAND exclude each other");
	if (!target->command && !target->chosen)
		return ft_err_set(
			err, -EINVAL,
			"say what to profile: -p PID, -t TID, --cgroup PATH, -a, or -- COMMAND");
	if (target->record.freq_hz && target->record.period)
		return ft_err_set(err, -EINVAL, "-F and -c exclude each other");
	if (target->record.user_only && target->record.kernel_only)
		return ft_err_set(err, -EINVAL, "--user-only and --kernel-only exclude each other");
	if (target->record.children && target->chosen && target->record.target != FT_TARGET_PIDS)
		return ft_err_set(err, -EINVAL, "--children goes with -p only");
	return 0;
}

void ft_target_fini(struct ft_target *target)
{
	ft_keeper_fini(&target->keeper);
	free(target->ids);
	target->ids = NULL;
}

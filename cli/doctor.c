/*
 * doctor.c - flametap doctor: what this machine and user may do, what is missing, and what mends
 * it.
 */
#include <stdio.h>

#include "cli/cli.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	argp_error(state, "what is '%s'? This mode takes no arguments", arg);
	return 0;
}

static const struct argp argp = {
	.parser = parse,
	.doc = "Looks what this machine and this user may do, and names what would mend the rest. "
	       "Changes nothing. Exit "
	       "status: 0 when profiling works, 1 when something it needs is missing.",
};

static int run(int argc, char **argv)
{
	static const char *const marks[] = {
		[FT_CAP_OK] = "ok", [FT_CAP_LIMITED] = "limited", [FT_CAP_MISSING] = "missing"};
	struct ft_cap caps[FT_CAPS_MAX];
	bool works = true;
	u32 count;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	count = ft_caps_check(caps);
	for (u32 i = 0; i < count; i++) {
		printf("%-8s %-22s %s\n", marks[caps[i].state], caps[i].name,
		       ft_cli_printable(caps[i].detail));
		if (caps[i].state != FT_CAP_OK && caps[i].remedy[0])
			printf("%-8s %-22s -> %s\n", "", "", ft_cli_printable(caps[i].remedy));
		if (caps[i].required && caps[i].state == FT_CAP_MISSING)
			works = false;
	}
	printf("%s\n", works ? "flametap cpu works here."
			     : "flametap cpu does not work here: see what is missing.");
	return works ? FT_EXIT_OK : FT_EXIT_FAILED;
}

const struct ft_mode ft_mode_doctor = {"doctor",
				       "what works on this machine, and what mends the rest", run};

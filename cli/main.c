/* main.c - picks the mode. */
#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const struct ft_mode *const modes[] = {
	&ft_mode_cpu,	&ft_mode_offcpu, &ft_mode_wakeup, &ft_mode_lock,  &ft_mode_wall,
	&ft_mode_alloc, &ft_mode_report, &ft_mode_diff,	  &ft_mode_stack, &ft_mode_symbolize,
	&ft_mode_run,	&ft_mode_list,	 &ft_mode_doctor, NULL,
};

const char *ft_cli_printable(char *text)
{
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return text;
}

int ft_cli_fail(int status, const struct ft_err *err)
{
	struct ft_err copy = *err;

	fprintf(stderr, "flametap: %s\n", ft_cli_printable(copy.text));
	return status;
}

void ft_cli_say(const char *fmt, ...)
{
	char text[2000];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(stderr, "flametap: %s\n", ft_cli_printable(text));
}

int ft_cli_status(int code)
{
	return code == -EINVAL ? FT_EXIT_USAGE : FT_EXIT_FAILED;
}

static void print_usage(FILE *to)
{
	fprintf(to, "Usage: flametap MODE [OPTION...]\n"
		    "Profiles running programs and draws flame graphs.\n\n");
	for (u32 i = 0; modes[i]; i++)
		fprintf(to, "  flametap %-9s %s\n", modes[i]->name, modes[i]->summary);
	fprintf(to, "\nflametap MODE --help lists the options of a mode; flametap --version prints "
		    "the version.\n"
		    "First try: flametap cpu -p PID -d 5 -o flame.svg\n");
}

static int run_mode(const struct ft_mode *mode, int argc, char **argv)
{
	char name[32];

	/*
	 * What argp calls the program in its messages, so that what they tell to type can be typed.
	 */
	snprintf(name, sizeof(name), "flametap %s", mode->name);
	argv[0] = name;
	return mode->run(argc, argv);
}

int main(int argc, char **argv)
{
	const char *slash = argc ? strrchr(argv[0], '/') : NULL;

	argp_err_exit_status = FT_EXIT_USAGE;
	setlocale(LC_CTYPE, "");
	/* Through a link of that name it is SystemTap's command. */
	if (argc && !strcmp(slash ? slash + 1 : argv[0], "stap"))
		return ft_mode_run.run(argc, argv);
	if (argc < 2) {
		print_usage(stderr);
		return FT_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_usage(stdout);
		return FT_EXIT_OK;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("flametap %s\n", FT_VERSION);
		return FT_EXIT_OK;
	}
	for (u32 i = 0; modes[i]; i++)
		if (!strcmp(argv[1], modes[i]->name))
			return run_mode(modes[i], argc - 1, argv + 1);
	ft_cli_say("there is no mode '%s'; flametap --help lists them", argv[1]);
	return FT_EXIT_USAGE;
}

/*
 * run.h - the command line of "flametap run", which is SystemTap's as well; private to cli/run*.c.
 */
#ifndef FT_CLI_RUN_H
#define FT_CLI_RUN_H

#include "cli/cli.h"
#include "scriptlang/scriptlang.h"

#define FT_RUN_LIST_MAX 64 /* -G, -I */

struct ft_run_opts {
	const char *text; /* -e */
	char **args;	  /* the script's file, unless there is a text, and its arguments */
	u32 arg_count;
	const char *compatible; /* --compatible; NULL: the newest */
	bool guru, all_in_kernel, rounds_by_calls;
	bool unoptimized;		  /* -u */
	bool skip_badvars;		  /* --skip-badvars */
	bool no_warnings, fatal_warnings; /* -w, -W */
	bool dumps;
	enum ft_script_dump dump;
	const char *globals[FT_RUN_LIST_MAX]; /* -G NAME=VALUE */
	u32 global_count;
	const char *folders[FT_RUN_LIST_MAX]; /* -I */
	u32 folder_count;
	const char *command;	 /* -c */
	const char *output;	 /* -o, as strftime takes it; NULL: standard output */
	const char *list;	 /* -l, -L */
	bool list_variables;	 /* -L */
	bool wants_version;	 /* -V */
	bool wants_library;	 /* --library */
	struct ft_outputs flame; /* --flame */
	struct ft_script_run run;
};

/* The options; their input is a struct ft_run_opts. */
extern const struct argp ft_run_argp;

#endif

/*
 * scriptlang.h - the script language: reads scripts and runs them.
 */
#ifndef FT_SCRIPTLANG_SCRIPTLANG_H
#define FT_SCRIPTLANG_SCRIPTLANG_H

#include "base/err.h"
#include "base/out.h"
#include "profile/profile.h"
#include "scriptlang/runtime/value.h"

/* A script as the command line gives it. All is borrowed. */
struct ft_script_text {
	const char *name; /* as messages show it: "<input>", "/path/demo.stp" */
	const char *text; /* any bytes; NUL-terminated */
	size_t len;
	const char *const *args; /* $1 is args[0] */
	u32 arg_count;
	const char *const *globals; /* -G NAME=VALUE */
	u32 global_count;
	const char *const *folders; /* -I: files *.stp with functions and aliases */
	u32 folder_count;
	const char *
		compatible; /* --compatible: the version of SystemTap it was written for; or NULL */
	bool guru;	    /* -g, as conditions see it */
	bool skip_badvars;  /* target variables that cannot be are 0, with a warning */
	bool unoptimized;   /* -u: what has no effect is kept */
	bool fatal_warnings; /* -W */
	bool no_warnings;    /* -w */
	/* process without a path: the process of -x or -c, and the program of -c; 0, NULL */
	u32 target_pid;
	const char *target_path;
	bool rounds_by_calls; /* loops as on Linux before 6.9: for tests */
	bool all_in_kernel; /* also what belongs into user space runs there: for tests */
};

enum ft_script_dump {
	FT_SCRIPT_DUMP_TOKENS,	/* a line for each word, before macros are expanded */
	FT_SCRIPT_DUMP_TREE,	/* pass 1: the script as it was understood */
	FT_SCRIPT_DUMP_PROGRAM, /* pass 2: where it fires, and the types of all there is */
	FT_SCRIPT_DUMP_IR,	/* pass 3: its operations, and where they are done */
	FT_SCRIPT_DUMP_BPF,	/* pass 3: programs of the kernel */
};

/* What is wrong with a script. */
struct ft_script_errors {
	u32 count;
	u32 pass; /* that found them */
};

/*
 * Reads the script and prints what it was understood as to out, and what is wrong with it to
 * complaints; *errors counts them. 0, -EFBIG when the script is too large, or -ENOMEM.
 */
int ft_script_dump(const struct ft_script_text *script, enum ft_script_dump what,
		   struct ft_out *out, struct ft_out *complaints, struct ft_script_errors *errors,
		   struct ft_err *err);

/*
 * Lists the probe points that match a pattern, one a line, with their variables if asked for.
 * *errors counts it as one if there are none. Else as ft_script_dump.
 */
int ft_script_list(const struct ft_script_text *script, const char *pattern, bool variables,
		   struct ft_out *out, struct ft_out *complaints, struct ft_script_errors *errors,
		   struct ft_err *err);

/* How a script is to run. */
struct ft_script_run {
	struct ft_limits limits;
	u32 target_pid; /* target(); 0: none */
	double seconds; /* ends it after so long; 0: not */
	int stop_fd;	/* ends it when it becomes readable */
	int ended_fd;	/* ends it, too: a pidfd, or -1 */
	u32 verbose;	/* -v: how often */
	const char
		*module_name; /* -m: what the folder of procfs probes is called; NULL: any name */
	/*
	 * Called while probes in programs are attached one by one, which takes long (before Linux
	 * 6.6): so many of so many; at last with both the same. May be NULL.
	 */
	void (*attaching)(void *context, u32 done, u32 count);
	/* Called once when everything is attached and the begin handlers have run; may be NULL. */
	int (*armed)(void *context, struct ft_err *err);
	/* Takes the profile of an array of stacks at the end (--flame); NULL: nobody wants one. */
	int (*take_profile)(void *context, const struct ft_profile *profile, struct ft_err *err);
	/* Goes on with another file of output; may be NULL. */
	void (*switch_output)(void *context);
	/* Takes what the script prints, or what is said of it. */
	void (*write)(void *context, const char *text, size_t len, bool is_message);
	void *context;
};

/*
 * Reads a script and runs it. complaints gets what is wrong with it before it runs; *errors counts
 * that. *failed: it ended by errors of its own. 0, or what err says: what this machine or user may
 * not do, -EFBIG, -ENOMEM.
 */
int ft_script_run(const struct ft_script_text *script, const struct ft_script_run *opts,
		  struct ft_out *complaints, struct ft_script_errors *errors, bool *failed,
		  struct ft_err *err);

/* A script that comes with the program. */
struct ft_ready_script {
	const char *name; /* without ".stp" */
	const char *
		group; /* what kinds of questions it is among; those of a group follow each other */
	const char *text;
};

/* The scripts by group; NULL behind the last one. */
const struct ft_ready_script *ft_ready_script_at(u32 index);
/* That of a name, with or without ".stp"; or NULL. */
const struct ft_ready_script *ft_ready_script_find(const char *name);
/* The question that it answers: a place in its text, and how many bytes. */
size_t ft_ready_script_doc(const struct ft_ready_script *script, const char **doc);
/* How it is run, behind its name: a place in its text, and how many bytes. */
size_t ft_ready_script_usage(const struct ft_ready_script *script, const char **usage);
/* Whether so many arguments, and a process of -c or -x or none, are what its usage asks for. */
bool ft_ready_script_suits(const struct ft_ready_script *script, u32 arg_count, bool has_target);

/*
 * Lists what scripts can use: kinds of probes, aliases with their variables, system calls and
 * tracepoints with their arguments, functions, scripts; of those whose name matches a pattern (of
 * shell's kind, or a part of the name; NULL: all). How many there were, or -ENOMEM.
 */
int ft_script_catalog(const char *pattern, struct ft_out *out);

#endif

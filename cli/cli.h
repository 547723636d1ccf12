/*
 * cli.h - what the modes of the program share: exit statuses, options, outputs, the recording loop,
 * the summary.
 *
 * cli/ is the only place that prints to the terminal and picks an exit status.
 */
#ifndef FT_CLI_CLI_H
#define FT_CLI_CLI_H

#include <argp.h>

#include "base/err.h"
#include "output/output.h"
#include "profile/archive.h"
#include "profile/profile.h"
#include "sampler/sampler.h"
#include "symbolizer/symbolizer.h"

enum {
	FT_EXIT_OK = 0,
	FT_EXIT_FAILED = 1,
	FT_EXIT_USAGE = 2,
	FT_EXIT_PARTIAL = 3, /* written, but data was lost */
	FT_EXIT_GREW = 4,    /* flametap diff: something grew beyond --fail-over */
};

/* A mode is a word after the program's name. Listed once, in main.c. */
struct ft_mode {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv); /* argv[0] is "flametap MODE"; returns the exit status */
};

extern const struct ft_mode ft_mode_cpu, ft_mode_offcpu, ft_mode_wakeup, ft_mode_lock, ft_mode_wall,
	ft_mode_alloc, ft_mode_report, ft_mode_diff, ft_mode_stack, ft_mode_symbolize, ft_mode_run,
	ft_mode_list, ft_mode_doctor;

/* "flametap: TEXT" on standard error. Returns status. */
int ft_cli_fail(int status, const struct ft_err *err);
void ft_cli_say(const char *fmt, ...) FT_PRINTF(1, 2);

/*
 * Removes control characters from text that comes from outside, in place, before it reaches a
 * terminal.
 */
const char *ft_cli_printable(char *text);

/* Status for a failed call: a wrong use of the program (-EINVAL) is 2, everything else 1. */
int ft_cli_status(int code);

#define FT_OUTPUTS_MAX 16

/* The files to write: -o, -f, and how. */
struct ft_outputs {
	const char *paths[FT_OUTPUTS_MAX];
	const struct ft_writer *writers[FT_OUTPUTS_MAX];
	u32 count;
	const char *format; /* -f, or NULL */
	const char *note;   /* file with notes for a page, or NULL */
	struct ft_write_opts opts;
	struct ft_symbolize_opts symbols;
	bool no_symbols; /* archives go without names */
	/* what archives are written from, with its addresses; NULL: the profile */
	const struct ft_archive_content *archive;
};

extern const struct argp ft_outputs_argp; /* its input is a struct ft_outputs */

/*
 * Chooses the writers (default_path where no -o was given) and makes sure that every file can be
 * written, so that a long recording does not end in an error. 0 or a negative errno.
 */
int ft_outputs_prepare(struct ft_outputs *outputs, const char *default_path, struct ft_err *err);

/* Whether the output of that number is an archive. */
bool ft_outputs_is_archive(const struct ft_outputs *outputs, u32 i);

/*
 * Writes all files and says so on standard error. 0 or the first error; the other files are written
 * all the same.
 */
int ft_outputs_write(const struct ft_outputs *outputs, const struct ft_profile *profile,
		     struct ft_err *err);

/*
 * What is kept of a recording while it goes on: an archive on disk that grows every second, and
 * with --timeline when its weights came. A zeroed struct keeps nothing.
 */
struct ft_keeper {
	const char *path; /* of the archive, or NULL; borrowed */
	bool timeline;
	struct ft_facts facts;
	struct ft_journal *journal;
	struct ft_rounds rounds; /* with timeline all, else the last */
	u64 *before;
	size_t before_cap;
	u64 seen; /* rounds of the recording */
};

/* The facts of this machine and this moment. */
void ft_keeper_init(struct ft_keeper *keeper, const char *mode, char **command);
/* Begins the archive, now that nothing can fail any more. 0 or a negative errno. */
int ft_keeper_begin(struct ft_keeper *keeper, const struct ft_recording *recording,
		    struct ft_err *err);
/* Takes what is new. Trouble with the disk is said, and ends the archive, not the recording. */
void ft_keeper_follow(struct ft_keeper *keeper, struct ft_recording *recording, bool last);
/* The recording came to nothing: the begun archive goes. */
void ft_keeper_drop(struct ft_keeper *keeper);
void ft_keeper_fini(struct ft_keeper *keeper);

/* Whom to profile, and when. */
struct ft_target {
	struct ft_keeper keeper;
	struct ft_record_opts record;
	u32 *ids;	   /* owned */
	double duration_s; /* 0: until interrupted, or until the target has ended */
	char **command;	   /* NULL, or what followed "--", NULL-terminated; borrowed */
	bool chosen;	   /* one of -p, -t, --cgroup, -a was given */
	bool verbose;	   /* say when counting begins */
	bool java_perfmap; /* have Java processes write the names of their code at the end */
};

extern const struct argp ft_target_argp; /* its input is a struct ft_target */

/* Cuts "-- COMMAND..." off the arguments. Returns the new argc. */
int ft_target_split_command(int argc, char **argv, struct ft_target *target);
int ft_target_check(const struct ft_target *target, struct ft_err *err);
void ft_target_fini(struct ft_target *target);

/* A program started by us, held before its first instruction. */
struct ft_command {
	int pid; /* 0: none */
	int pidfd;
	int release_fd, exec_fd;
	bool reaped;
	int wait_status; /* of waitpid, valid once reaped */
};

int ft_command_start(char **argv, struct ft_command *command, struct ft_err *err);
/* Lets it run; fails when it cannot be executed. */
int ft_command_release(struct ft_command *command, const char *name, struct ft_err *err);
/* Collects it if it has ended, without waiting. */
void ft_command_reap(struct ft_command *command);
/* Kills it if it was never released; leaves it alone otherwise. */
void ft_command_fini(struct ft_command *command);

/*
 * Records from arming to the end: duration over, interrupted, or all targets gone. Starts target's
 * command if it has one. On success *recording is stopped and for the caller to close, and *command
 * says how the command did.
 */
int ft_record_run(struct ft_target *target, struct ft_command *command,
		  struct ft_recording **recording, struct ft_err *err);

/* Has the Java processes among those recorded write the names of their code (--java-perfmap). */
void ft_finish_java(const struct ft_recording *recording);

/* Says how the command did, if there was one: argv is the target's. */
void ft_finish_command(const struct ft_command *command, char **argv);

/*
 * Names everything, writes the files and the summary; what begins the picture's title. Returns the
 * exit status.
 */
int ft_finish(struct ft_target *target, const struct ft_outputs *outputs, const char *what,
	      struct ft_recording *recording);

/* Says why there is nothing to write; returns the exit status. */
int ft_finish_empty(enum ft_record_mode mode, const struct ft_raw *raw);

/*
 * The same, with histograms of durations on standard output instead of files. by: "process",
 * "state" or "frame".
 */
int ft_finish_histogram(const struct ft_target *target, const char *by,
			struct ft_recording *recording);

/* What the command line of a mode that records is read into. */
struct ft_recorder {
	struct ft_target target;
	struct ft_outputs outputs;
	const char *hist; /* how histograms are grouped, or NULL: files are written */
};

/* The options of all such modes, and the parser for them; its input is a struct ft_recorder. */
extern const struct argp_child ft_recorder_children[];
error_t ft_recorder_parse(int key, char *arg, struct argp_state *state);

/* Refuses what a mode cannot do. 0 or a negative errno. */
typedef int ft_recorder_check(const struct ft_recorder *recorder, struct ft_err *err);

/*
 * Reads the command line, records, and finishes; target.record.mode is set. check may be NULL; path
 * is the file without -o; what begins the picture's title. Returns the exit status.
 */
int ft_recorder_run(struct ft_recorder *recorder, int argc, char **argv, const struct argp *argp,
		    ft_recorder_check *check, const char *path, const char *what);

/* Prints the hottest functions and, if the profile has it, the quality line. */
void ft_summary_print(const struct ft_profile *profile);

/* Prints the quality line alone. */
void ft_summary_quality(const struct ft_profile *profile);

#endif

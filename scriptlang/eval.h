/*
 * eval.h - runs handlers in user space: begin, end, error, never and timers.
 *
 * It walks the typed tree. Strings that a handler makes live until it ends; what stays is copied
 * into variables.
 */
#ifndef FT_SCRIPTLANG_EVAL_H
#define FT_SCRIPTLANG_EVAL_H

#include "scriptlang/array.h"
#include "scriptlang/sema.h"

#define FT_EVAL_ERROR_BYTES 1024

struct ft_eval {
	struct ft_compile *compile;
	const struct ft_program *program;
	struct ft_limits limits;
	struct ft_array *globals; /* by number; owned */
	struct ft_out *out;	  /* of print and its kin; borrowed */
	struct ft_out *messages;  /* warnings and errors; borrowed */
	u32 target_pid;		  /* target() */
	bool exiting;		  /* the script has asked for its end */

	/* Of the handler that runs. */
	struct ft_arena *arena; /* its strings */
	const struct ft_handler *handler;
	struct ft_value *locals; /* by number: of the handler or function at hand */
	struct ft_value result;	 /* of "return" */
	u32 actions, actions_max;
	u32 depth;			     /* of calls */
	bool failed;			     /* an error is under way */
	char error[FT_EVAL_ERROR_BYTES];     /* its message */
	char tokenized[FT_EVAL_ERROR_BYTES]; /* what tokenize() goes on with */
	size_t token_at;
	struct ft_span error_at;
	const char *error_word;
};

/*
 * Makes the globals, with what they begin as. 0 or -ENOMEM. The program must have passed
 * ft_eval_check.
 */
int ft_eval_init(struct ft_eval *x, struct ft_compile *compile, const struct ft_program *program,
		 const struct ft_limits *limits);
void ft_eval_fini(struct ft_eval *x);

/*
 * Runs a handler. actions: how many statements it may have. False: it ended by an error, which
 * error, error_at and error_word tell.
 */
bool ft_eval_run(struct ft_eval *x, const struct ft_handler *handler, u32 actions);

/* Ends the handler by an error; the first one counts. at: NULL keeps the place of the call. */
void ft_eval_fail(struct ft_eval *x, const struct ft_expr *at, const char *fmt, ...)
	FT_PRINTF(3, 4);

/* A string of the handler, cut to MAXSTRINGLEN. */
struct ft_value ft_eval_string(struct ft_eval *x, const char *text, size_t len);

static inline struct ft_value ft_eval_number(s64 number)
{
	return (struct ft_value){.number = number};
}

/*
 * Looks for what user space cannot run, each a semantic error: probes of the kernel, target
 * variables, functions that look at a task. Notes in calls what runs them. 0 or -EINVAL.
 */
int ft_eval_check(struct ft_compile *compile, const struct ft_program *program);

/* Prints globals that were written and never read, as SystemTap does at the end. */
void ft_eval_report(struct ft_eval *x);

/* ---- functions of the tapset: builtins.c ---- */

/* Calls one. args are as many as its row says. */
typedef struct ft_value ft_builtin_run(struct ft_eval *x, const struct ft_expr *call,
				       const struct ft_value *args);

/* What runs a function in user space; NULL: nothing does in this version. */
ft_builtin_run *ft_builtin_find(const char *name);

#endif

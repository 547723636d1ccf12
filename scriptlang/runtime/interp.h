/*
 * interp.h - runs operations in user space: handlers of begin, end, error and timers, and what is
 * left of kernel handlers once the kernel has done its part.
 *
 * Strings that a handler makes live until it ends; what stays is copied into variables.
 */
#ifndef FT_SCRIPTLANG_INTERP_H
#define FT_SCRIPTLANG_INTERP_H

#include "scriptlang/ir/ir.h"
#include "scriptlang/runtime/array.h"
#include "scriptlang/runtime/peek.h"

#define FT_INTERP_ERROR_BYTES 1024

struct ft_interp;
struct ft_variable;

/* What keeps a variable that programs of the kernel use, too. */
struct ft_variable_store {
	/*
	 * Brings into variable->array what the kernel has: the element of a key, or all (keys
	 * NULL). 0 or a negative errno.
	 */
	int (*pull)(struct ft_variable *variable, const struct ft_value *keys);
	/* Takes over what was just done to an element: it was set, or grew by value. */
	int (*set)(struct ft_variable *variable, const struct ft_element *element);
	int (*increase)(struct ft_variable *variable, const struct ft_element *element, s64 value);
	int (*feed)(struct ft_variable *variable, const struct ft_element *element, s64 value);
	/* Removes an element, or all (element NULL). */
	int (*remove)(struct ft_variable *variable, const struct ft_element *element);
};

/* A global. Its array is the truth, or with a store a copy for as long as one handler runs. */
struct ft_variable {
	const struct ft_var *var;
	struct ft_array array;
	const struct ft_variable_store *store; /* NULL: none */
	void *state;			       /* the store's; borrowed */
	bool whole;			       /* the copy is of all there is */
};

struct ft_interp {
	struct ft_compile *compile;
	const struct ft_ir_program *program;
	struct ft_limits limits;
	struct ft_variable *globals;	      /* by number; owned */
	struct ft_out *out;		      /* of print and its kin; borrowed */
	struct ft_out *messages;	      /* warnings and errors; borrowed */
	struct ft_stacks *stacks;	      /* of the script, or NULL; borrowed */
	struct ft_user_names *user_names;     /* the same */
	struct ft_kernel_names *kernel_names; /* NULL: nobody asked yet; owned */
	struct ft_peek *peek;		      /* NULL: nothing was read yet; owned */
	u32 target_pid;			      /* target() */
	const char *module_name;	      /* -m; NULL: none; borrowed */
	struct ft_out *file; /* $value of the script's file at hand; NULL: none; owned */
	size_t file_bytes;   /* the most it may have */
	bool switching;	     /* it wants to go on with another file of output */
	bool exiting;	     /* the script has asked for its end */

	/* Of the handler that runs. */
	struct ft_arena *arena; /* its strings */
	const struct ft_handler *handler;
	const struct ft_value *hoisted; /* what the kernel has found out; NULL: nothing */
	const struct ft_ir_site *site;	/* of the record that it came with */
	u32 caught;			/* number of the operation that failed in the kernel */
	u32 actions, actions_max;
	u32 depth;			       /* of calls */
	bool failed;			       /* an error is under way */
	char error[FT_INTERP_ERROR_BYTES];     /* its message */
	char tokenized[FT_INTERP_ERROR_BYTES]; /* what tokenize() goes on with */
	size_t token_at;
	struct ft_span error_at;
	const char *error_word;
	char *matched; /* of the last =~: for matched(); owned */
	size_t matched_len;
	s64 groups[10][2]; /* begin and end of its groups */
};

/* Makes the globals, with what they begin as. 0 or -ENOMEM. */
int ft_interp_init(struct ft_interp *x, struct ft_compile *compile,
		   const struct ft_ir_program *program, const struct ft_limits *limits);
void ft_interp_fini(struct ft_interp *x);

/*
 * Runs a handler. actions: how many statements it may have. False: it ended by an error, which
 * error, error_at and error_word tell.
 */
bool ft_interp_run(struct ft_interp *x, const struct ft_ir *ir, u32 actions);

/* The same from an operation on, with registers as the kernel left them. */
bool ft_interp_resume(struct ft_interp *x, const struct ft_ir *ir, const struct ft_value *regs,
		      u32 block, u32 at, u32 actions);

/* Does one operation (of output) with the registers that the kernel sent, which it may change. */
bool ft_interp_post(struct ft_interp *x, const struct ft_ir *ir, const struct ft_ir_op *op,
		    struct ft_value *regs);

/* The error of an operation that failed in the kernel. */
void ft_interp_explain(struct ft_interp *x, const struct ft_ir_op *op);

/* Ends the handler by an error; the first one counts. at: NULL keeps the place of the call. */
void ft_interp_fail(struct ft_interp *x, const struct ft_expr *at, const char *fmt, ...)
	FT_PRINTF(3, 4);

/* A string of the handler, cut to MAXSTRINGLEN. */
struct ft_value ft_interp_string(struct ft_interp *x, const char *text, size_t len);

static inline struct ft_value ft_interp_number(s64 number)
{
	return (struct ft_value){.number = number};
}

/* 0 or "". */
static inline struct ft_value ft_interp_empty(enum ft_type type)
{
	return type == FT_TYPE_STRING ? (struct ft_value){.text = ""} : ft_interp_number(0);
}

/* Prints globals that were written and never read, as SystemTap does at the end. */
void ft_interp_report(struct ft_interp *x);

/* ---- functions of the tapset: builtins.c ---- */

/* Calls one. args are as many as its row says. */
typedef struct ft_value ft_builtin_run(struct ft_interp *x, const struct ft_expr *call,
				       const struct ft_value *args);

/* What runs a function in user space; NULL: nothing does in this version. */
ft_builtin_run *ft_builtin_find(const char *name);
/* Whether it tells what is at an address of a process. */
bool ft_builtin_names_addresses(const char *name);
/* Of builtins_float.c alone. */
ft_builtin_run *ft_builtin_float_find(const char *name);
ft_builtin_run *ft_builtin_proc_find(const char *name);
ft_builtin_run *ft_builtin_peek_find(const char *name);

/* Whether user space can read a target variable: it follows from a value, in kernel memory. */
bool ft_interp_can_peek(const struct ft_target *target);

#endif

/*
 * tapset.h - the functions that every script has.
 */
#ifndef FT_SCRIPTLANG_TAPSET_H
#define FT_SCRIPTLANG_TAPSET_H

#include "base/arena.h"
#include "scriptlang/syntax/ast.h"

#define FT_TAPSET_ARGS_MAX 5

struct ft_interp;
struct ft_value;
struct ft_bpf_builtin;

/* Where something can be done. */
enum ft_side {
	FT_SIDE_USER = 1,
	FT_SIDE_KERNEL = 2,
	FT_SIDE_BOTH = FT_SIDE_USER | FT_SIDE_KERNEL,
};

struct ft_tapset_function {
	const char *name;
	/* What runs it in user space, and where it can run; set by ft_lower. */
	struct ft_value (*run)(struct ft_interp *x, const struct ft_expr *call,
			       const struct ft_value *args);
	enum ft_side side;
	const struct ft_bpf_builtin *kernel; /* what makes its code; NULL: nothing does */
	bool of_event;	     /* its value depends on the event: user space cannot make up for it */
	bool posts;	     /* it only outputs */
	bool looks_into;     /* a string: a stack must be a text for it */
	bool guru;	     /* for -g only */
	u32 bytes;	     /* of its text, with NUL; 0: any */
	enum ft_type result; /* UNKNOWN: nothing */
	u32 arg_count;
	enum ft_type args[FT_TAPSET_ARGS_MAX];
};

/*
 * The function of that name and number of arguments; if there is none, one of that name; else NULL.
 * Lives in the arena.
 */
struct ft_tapset_function *ft_tapset_find(struct ft_arena *arena, const char *name, u32 arg_count);

/* A row of the table: its name and types (result first: l s v); NULL behind the last one. */
const char *ft_tapset_row(u32 index, const char **types);
/* What a function of that name does, in a line; NULL: it cannot be run. */
const char *ft_tapset_doc(const char *name);

#endif

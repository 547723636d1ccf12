/*
 * sema.h - what the names of a script mean (pass 2).
 *
 * Input is the parsed script; output a program: the points at which handlers fire, the functions
 * and globals they use, and a type for every variable. Aliases and patterns are gone.
 */
#ifndef FT_SCRIPTLANG_SEMA_H
#define FT_SCRIPTLANG_SEMA_H

#include "scriptlang/runtime/stats.h"
#include "scriptlang/sema/tapset.h"
#include "scriptlang/syntax/parse.h"

#define FT_KEYS_MAX 32 /* parts of a key */

enum ft_var_scope {
	FT_VAR_GLOBAL,
	FT_VAR_LOCAL, /* of a handler or function */
	FT_VAR_PARAM,
};

struct ft_var {
	const char *name;
	enum ft_var_scope scope;
	enum ft_type type; /* of the value */
	struct ft_span at; /* declaration, or first use of a local */
	int key_count;	   /* parts of an array's key; 0: a scalar; -1 while nothing says */
	enum ft_type keys[FT_KEYS_MAX];
	u32 number; /* among those of its handler, function or program */
	struct ft_stats_shape stats;
	const struct ft_global *global; /* its declaration, or NULL */
	bool read, written;
	struct ft_pointee points_to; /* autocast.c */
	bool wanted;		     /* elide.c: something depends on its value */

	/* place.c: a global that handlers of the kernel use lives in a map */
	bool in_kernel;
	bool fenced;	 /* fence.c: the kernel must not run ahead of user space */
	bool read_early; /* fence.c: what user space reads later, the kernel reads before */
	u32 asked;	 /* statistics: 1 << enum ft_stat_op of what somebody reads */
	bool holds_refs; /* some value may be a reference */
	bool key_refs[FT_KEYS_MAX]; /* some part of a key */
	u32 value_bytes;	    /* multiples of 8 */
	u32 key_bytes[FT_KEYS_MAX]; /* of each part */
	u32 offset;		    /* scalars: in the map of globals */
	int map_fd;		    /* arrays and statistics */
	u32 front_bytes;	    /* of an element in front of the array; 0: none */
	u32 front_count;	    /* elements there that each CPU has, a power of two */
	int front_fd;		    /* the map of them, CPU by CPU */
};

/* One point that fires, with what it runs. */
struct ft_handler {
	const struct ft_point *point;	/* resolved: no pattern, no alias */
	const struct ft_point *written; /* as the script has it */
	const struct ft_point *alias;	/* the one that led to it first, with its suffix; or NULL */
	struct ft_expr *condition;
	/* Bodies, run one after the other: those of aliases before it, its own, those behind. */
	struct ft_stmt **bodies;
	u32 body_count;
	const struct ft_stmt *own; /* among them */
	bool keeps;		   /* entries.c: it keeps at an entry what a return needs */
	struct ft_var **vars;
	u32 var_count;
	struct ft_span at;
};

struct ft_program {
	struct ft_file *file;
	struct ft_handler **handlers;
	u32 handler_count;
	struct ft_var **globals;
	u32 global_count;
	/* flamegraph(x), flamegraph(@sum(x)): which array is the profile, and what of it */
	struct ft_var *flame;
	enum ft_stat_op flame_stat;
};

/* Whether handlers of a point run as the thread that comes to the CPU, not the current one. */
bool ft_point_is_incoming(const struct ft_point *point);

/* A point with another name of a tracepoint or function. NULL: no memory. */
struct ft_point *ft_point_of_event(struct ft_compile *compile, const struct ft_point *point,
				   const char *event);

/* Resolves everything. *program is whole but for what was wrong. 0, -EINVAL or -ENOMEM. */
int ft_sema(struct ft_compile *compile, struct ft_file *file, struct ft_program **program);

/* The steps of it. Each works on what the one before left. */
int ft_sema_points(struct ft_compile *compile, struct ft_program *program);
int ft_sema_symbols(struct ft_compile *compile, struct ft_program *program);
int ft_sema_types(struct ft_compile *compile, struct ft_program *program);
int ft_sema_walked(struct ft_compile *compile, const struct ft_program *program);
int ft_sema_elide(struct ft_compile *compile, struct ft_program *program);
/* Warnings; after elision, which finds the functions that are called. */
void ft_sema_unused(struct ft_compile *compile, const struct ft_program *program);

/* "semantic error: TEXT" at a place, whose word ("identifier") goes along. */
void ft_sema_fail(struct ft_compile *compile, struct ft_span at, const char *word, const char *fmt,
		  ...) FT_PRINTF(4, 5);

/*
 * Whether a statement has target variables that depend on the place of an event: $x, @var; not
 * @cast alone. but: the name of one that does not count, or NULL.
 */
bool ft_stmt_has_targets(const struct ft_stmt *stmt, const char *but);
/* Whether a statement calls no functions but those of a list, which ends with NULL. */
bool ft_stmt_calls_only(const struct ft_stmt *stmt, const char *const *names);

/* Copies, to the last node; names and texts are shared. NULL for NULL, and without memory. */
struct ft_stmt *ft_stmt_copy(struct ft_arena *arena, const struct ft_stmt *stmt);
struct ft_expr *ft_expr_copy(struct ft_arena *arena, const struct ft_expr *expr);

/* -p2: globals, functions and probes with their types. */
void ft_program_dump(const struct ft_program *program, struct ft_out *out);

#endif

/*
 * ast.h - the tree of a script.
 *
 * The parser makes it; pass 2 fills in the fields marked "sema". Nodes live in the compilation's
 * arena and point to each other freely; lists are arrays.
 */
#ifndef FT_SCRIPTLANG_AST_H
#define FT_SCRIPTLANG_AST_H

#include "scriptlang/syntax/token.h"

/* The type of a value. */
enum ft_type {
	FT_TYPE_UNKNOWN, /* not known yet, or none */
	FT_TYPE_LONG,
	FT_TYPE_STRING,
	FT_TYPE_STATS,
};

/* What a value is the address of. */
struct ft_pointee {
	s32 id;		    /* BTF type; 0: nothing known, or none; negative: contradictions */
	const char *module; /* of the cast that it came from, or NULL */
};

struct ft_stmt;
struct ft_expr;
struct ft_function;
struct ft_var;		   /* sema.h */
struct ft_tapset_function; /* tapset.h */

enum ft_expr_kind {
	FT_EXPR_NUMBER,
	FT_EXPR_STRING,
	FT_EXPR_NAME,	 /* a variable, or a function without arguments */
	FT_EXPR_INDEX,	 /* name[args] */
	FT_EXPR_UNARY,	 /* op: + - ! ~ */
	FT_EXPR_PRE,	 /* op: ++ -- */
	FT_EXPR_POST,	 /* op: ++ -- */
	FT_EXPR_BINARY,	 /* op: arithmetic, shifts, bits, '.' */
	FT_EXPR_COMPARE, /* op: == != < > <= >= */
	FT_EXPR_MATCH,	 /* op: =~ !~; right is a literal */
	FT_EXPR_LOGICAL, /* op: && || */
	FT_EXPR_TERNARY, /* left ? right : third */
	FT_EXPR_ASSIGN,	 /* op: = += ... <<< */
	FT_EXPR_IN,	 /* [args] in name */
	FT_EXPR_CALL,	 /* name(args) */
	FT_EXPR_STAT,	 /* @count(left) ... ; args are the parameters */
	FT_EXPR_HIST,	 /* @hist_log(left), @hist_linear(left, args); printed, indexed or walked */
	FT_EXPR_HIST_AT, /* @hist_log(x)[bucket]; left is the HIST, args[0] the bucket */
	FT_EXPR_PRINT,	 /* the printf family; see print */
	FT_EXPR_TARGET,	 /* $x->f[i], @var("v@f","m")->f, @cast(p,"t","m")->f, (left)->f */
	FT_EXPR_ENTRY,	 /* @entry(left) */
	FT_EXPR_DEFINED, /* @defined(left) */
	FT_EXPR_CHOOSE,	 /* @choose_defined(left, right) */
	FT_EXPR_PERF,	 /* @perf("name") */
	FT_EXPR_EMBEDDED, /* %{ %}: always an error, in pass 2 for gurus */
};

enum ft_stat_op {
	FT_STAT_COUNT,
	FT_STAT_SUM,
	FT_STAT_MIN,
	FT_STAT_MAX,
	FT_STAT_AVG,
	FT_STAT_VARIANCE,
};

/* One step of a target variable: "->name", "[index]". */
struct ft_access {
	const char *member; /* or NULL: an index */
	struct ft_expr *index;
	struct ft_span at;
};

enum ft_pretty {
	FT_PRETTY_NO,
	FT_PRETTY_ONE,	/* $x$ */
	FT_PRETTY_DEEP, /* $x$$ */
};

/* One directive, or a run of plain text, of a format. */
struct ft_directive {
	char conv;				 /* b c d i m M o p s u x X; 0: plain text */
	bool left, plus, space, zero, alternate; /* - + ' ' 0 # */
	bool width_arg, precision_arg;		 /* '*' */
	s32 width, precision;			 /* -1: none */
	const char *text;			 /* plain */
	u32 len;
};

/* print println printd printdln sprint sprintln sprintf printf log warn error as one shape. */
struct ft_print {
	const char *name;
	bool to_string;	       /* sprint...: the value is the text */
	bool newline;	       /* ...ln */
	bool has_format;       /* printf, sprintf */
	const char *delimiter; /* printd, printdln: put between; else NULL */
	u32 delimiter_len;
	struct ft_directive *directives; /* of the format */
	u32 directive_count;
	struct ft_expr *hist; /* print(@hist_log(x)): the only argument */
	bool is_pretty;	      /* $x$: "ERROR" where memory cannot be read */
};

struct ft_expr {
	struct ft_span at; /* of the token that messages point to */
	struct ft_expr *left, *right, *third;
	struct ft_expr **args;
	bool *any; /* INDEX and IN: args[i] is '*'; NULL: none is */
	const char *name;
	s64 number;
	const char *text;		 /* STRING; len bytes, NUL-terminated */
	s64 hist_lo, hist_hi, hist_step; /* HIST, linear */
	struct ft_print *print;		 /* PRINT */
	struct ft_access *accesses;	 /* TARGET */
	const char *constant; /* TARGET: @const("NAME"), which has no value at run time; or NULL */
	const char *target_type, *target_module; /* @cast, @var: the second and third argument */
	enum ft_expr_kind kind;
	enum ft_token_kind op;
	u32 arg_count, access_count, len;
	enum ft_stat_op stat;  /* STAT */
	enum ft_pretty pretty; /* TARGET */
	bool hist_linear;      /* HIST */
	bool hist_member;      /* HIST_AT: whether there is the bucket: args[0] in left */
	bool address_of;       /* TARGET: &$x->f */

	/* sema */
	bool is_text;	 /* TARGET: its value is a string */
	bool is_written; /* TARGET: an assignment is to change it */
	enum ft_type type;
	s32 cast_id; /* TARGET, (left)->f: id of the type that left points to; autocast.c */
	const struct ft_user_probe *user; /* TARGET: the place in user space; NULL: the kernel */
	const char *problem; /* why it cannot be; said if it still has an effect: elide.c */
	struct ft_var *var;  /* NAME, INDEX, IN */
	struct ft_function *function;	    /* CALL: the first overload */
	struct ft_tapset_function *builtin; /* CALL */
};

enum ft_stmt_kind {
	FT_STMT_EMPTY,
	FT_STMT_BLOCK,
	FT_STMT_EXPR,
	FT_STMT_IF,
	FT_STMT_WHILE,
	FT_STMT_FOR,
	FT_STMT_FOREACH,
	FT_STMT_BREAK,
	FT_STMT_CONTINUE,
	FT_STMT_RETURN,
	FT_STMT_NEXT,
	FT_STMT_DELETE,
	FT_STMT_TRY,
	FT_STMT_EMBEDDED, /* %{ %}: always an error, said with what to use instead */
};

/* foreach (value = [keys] in base[slice] @sort+ limit n) */
struct ft_foreach {
	struct ft_expr *value; /* NAME, or NULL */
	struct ft_expr **keys;
	u32 key_count;
	struct ft_expr *base;	   /* NAME or HIST */
	struct ft_expr **slice;	   /* NULL entries are '*'; NULL: no slice */
	u32 slice_count;	   /* pass 2 sees to it that it is key_count */
	int sort;		   /* 0: insertion order; 1 ascending; -1 descending */
	u32 sort_by;		   /* 0: value; 1..: that key */
	enum ft_stat_op sort_stat; /* of a statistics array by value */
	bool sort_stat_given;
	struct ft_expr *limit;
};

struct ft_stmt {
	enum ft_stmt_kind kind;
	struct ft_span at;
	struct ft_stmt **body; /* BLOCK: all; IF: then, else; loops and TRY: body, (TRY: catch) */
	u32 body_count;
	struct ft_expr *expr;	     /* EXPR, RETURN, DELETE; condition; FOR: condition or NULL */
	struct ft_expr *init, *step; /* FOR */
	struct ft_expr *caught;	     /* TRY: the variable that gets the message, or NULL */
	struct ft_foreach *foreach;
};

/* "process("p").function("f")": one part of a probe point. */
struct ft_point_part {
	const char *name;    /* may hold '*' */
	struct ft_expr *arg; /* NUMBER or STRING, or NULL */
	struct ft_span at;
};

struct ft_point {
	struct ft_point_part *parts;
	u32 part_count;
	bool optional, sufficient; /* ? ! */
	struct ft_expr *condition; /* if (...) */
	struct ft_span at;

	/* sema: where it is in files of user space (user_point.h); NULL: it is no such point */
	const struct ft_user_probe *user;
	const struct ft_user_life *life; /* process.begin and its kin: a tracepoint is meant */
};

enum ft_probe_form {
	FT_PROBE_PLAIN,
	FT_PROBE_ALIAS_PROLOGUE, /* probe name = point { } */
	FT_PROBE_ALIAS_EPILOGUE, /* probe name += point { } */
};

struct ft_probe {
	enum ft_probe_form form;
	struct ft_point *names; /* of an alias: what it is called */
	u32 name_count;
	struct ft_point *points;
	u32 point_count;
	struct ft_stmt *body;
	bool is_private;
	struct ft_span at;
};

struct ft_param {
	const char *name;
	enum ft_type declared;
	struct ft_span at;
	struct ft_var *var; /* sema */
};

/* Several of one name and number of parameters are overloads, in this order. */
struct ft_function {
	const char *name;
	struct ft_param *params;
	u32 param_count;
	enum ft_type declared;
	s64 priority; /* name(params):type priority; SystemTap's function overloading */
	struct ft_stmt *body;
	bool is_private;
	struct ft_span at;

	/* sema */
	enum ft_type type;	     /* of what it returns */
	struct ft_pointee points_to; /* autocast.c */
	struct ft_var **vars;	     /* parameters first */
	u32 var_count;
	struct ft_function *next_overload;
	bool used, is_visited;
	bool is_reached; /* elide.c */
	bool is_needed;	 /* called by operations: lower.c */
	u32 number;	 /* then: of its operations */
};

/* global name[limit]% = value */
struct ft_global {
	const char *name;
	struct ft_expr *init; /* literal, maybe with a sign, or NULL */
	s64 limit;	      /* 0: MAXMAPENTRIES */
	bool wrap, is_private;
	bool forgets; /* when full, what was not used for longest: entries.c */
	struct ft_span at;
};

/* One source, parsed. */
struct ft_file {
	const struct ft_source *source;
	struct ft_probe **probes;
	u32 probe_count;
	struct ft_function **functions;
	u32 function_count;
	struct ft_global **globals;
	u32 global_count;
};

#endif

/*
 * eval_parts.h - what the files of the evaluator share; private to scriptlang/eval*.c.
 */
#ifndef FT_SCRIPTLANG_EVAL_PARTS_H
#define FT_SCRIPTLANG_EVAL_PARTS_H

#include "scriptlang/eval.h"

/* How a statement ended. */
enum ft_flow {
	FT_FLOW_ON,
	FT_FLOW_BREAK,
	FT_FLOW_CONTINUE,
	FT_FLOW_RETURN, /* of a function */
	FT_FLOW_NEXT,	/* the handler, or to the next overload */
	FT_FLOW_FAIL,
};

enum ft_flow ft_eval_stmt(struct ft_eval *x, const struct ft_stmt *s);

/* The value of an expression; something of its type after an error. */
struct ft_value ft_eval_expr(struct ft_eval *x, const struct ft_expr *e);

/* 0 or "". */
struct ft_value ft_eval_empty(enum ft_type type);

struct ft_array *ft_eval_global(const struct ft_eval *x, const struct ft_var *var);

/* Values of a key, by the parts of an INDEX or IN. False: an error. */
bool ft_eval_keys(struct ft_eval *x, const struct ft_expr *e, struct ft_value *keys);

/* Assigns to a variable or an element. */
void ft_eval_write(struct ft_eval *x, const struct ft_expr *e, const struct ft_value *value);

/* Whether an element lies in a slice: parts that are NULL or any match everything. */
bool ft_eval_in_slice(const struct ft_element *e, const struct ft_value *keys,
		      struct ft_expr *const *given, const bool *any, u32 count);

static inline bool ft_is_slice(const struct ft_expr *e)
{
	for (u32 i = 0; e->any && i < e->arg_count; i++)
		if (e->any[i])
			return true;
	return false;
}

/* The statistics that an expression names; NULL: nothing was ever fed. */
const struct ft_stats *ft_eval_stats(struct ft_eval *x, const struct ft_expr *e);

/* What an extractor gives, of statistics that were fed. */
s64 ft_eval_extract(const struct ft_stats *stats, enum ft_stat_op op);

/* How many buckets a histogram has. */
u32 ft_eval_buckets(const struct ft_expr *hist);

#endif

/*
 * interp_parts.h - what the files of the interpreter share; private to scriptlang/interp*.c.
 */
#ifndef FT_SCRIPTLANG_INTERP_PARTS_H
#define FT_SCRIPTLANG_INTERP_PARTS_H

#include "scriptlang/runtime/interp.h"

/* A foreach under way. */
struct ft_walk {
	struct ft_array *array; /* NULL: a histogram, or none */
	const u64 *buckets;	/* NULL: an array, or nothing was fed */
	size_t at, end;
	s64 left; /* rounds */
	const struct ft_foreach *foreach;
	struct ft_value keys[FT_KEYS_MAX]; /* of the slice */
	const u32 *slice;		   /* its registers; NULL: no slice */
	u32 slice_count;
};

/* One run of a handler or function. */
struct ft_activation {
	const struct ft_ir *ir;
	struct ft_value *regs;
	struct ft_walk *walks; /* by level */
	u32 walk_count;	       /* open ones */
};

/* Operations on variables and walks. What fails has told so by ft_interp_fail. */
void ft_interp_var(struct ft_interp *x, struct ft_activation *a, const struct ft_ir_op *op);
void ft_interp_walk(struct ft_interp *x, struct ft_activation *a, const struct ft_ir_op *op);
/* Whether there is one more round. */
bool ft_interp_step(struct ft_interp *x, struct ft_activation *a, const struct ft_ir_op *op);
/* Closes the walks at a level and above. */
void ft_interp_leave(struct ft_activation *a, u32 level);
/* The statistics var[args] for an operation that needs some; NULL: nothing was ever fed. */
const struct ft_stats *ft_interp_stats(struct ft_interp *x, const struct ft_activation *a,
				       const struct ft_ir_op *op);

/* A target variable that user space reads (op->peek). */
void ft_interp_target(struct ft_interp *x, struct ft_activation *a, const struct ft_ir_op *op);

/* print and its kin. */
void ft_interp_print(struct ft_interp *x, const struct ft_activation *a, const struct ft_ir_op *op);

/* What an extractor gives, of statistics that were fed. */
s64 ft_stats_extract(const struct ft_stats *stats, const struct ft_var *var, enum ft_stat_op op);

/* After a handler: copies of what the kernel keeps are forgotten. */
void ft_interp_settle(struct ft_interp *x);

#endif

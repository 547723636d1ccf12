/*
 * stats.h - statistics values: what "<<<" feeds and @count, @sum, @hist_log and their kin read.
 */
#ifndef FT_SCRIPTLANG_STATS_H
#define FT_SCRIPTLANG_STATS_H

#include "base/out.h"
#include "base/types.h"

#define FT_STATS_LOG_BUCKETS 128 /* -2^63 .. 0 .. 2^62, bucket 64 is 0 */

/* What a variable's statistics keep beside the sums, from how it is read anywhere. */
struct ft_stats_shape {
	bool log, linear;
	s64 lo, hi, step; /* linear: buckets lo, lo + step, ... up to hi */
	u8 shift;	  /* @variance(x, shift): bits that its sums have more */
};

struct ft_stats {
	u64 count;
	s64 sum, min, max;
	/* scaled by 2^shift: the mean so far, the sum of squared deviations, and the variance */
	s64 mean, deviations, variance;
	u64 *log;    /* owned; NULL: none */
	u64 *linear; /* owned: what is below lo, the buckets, what is above hi */
};

/* Buckets of a linear histogram, without the two for what is outside. */
u32 ft_stats_linear_buckets(const struct ft_stats_shape *shape);

/* The highest value that is not beyond all of them. */
s64 ft_stats_linear_last(const struct ft_stats_shape *shape);

/* Adds a value. False when memory is exhausted. */
bool ft_stats_add(struct ft_stats *stats, const struct ft_stats_shape *shape, s64 value);

/*
 * Adds the values of another one; their variances by the formula for the whole (Kamat, Nandi: A
 * Closer Look at Variance Implementations, SIGMOD Record 2015). False when memory is exhausted.
 */
bool ft_stats_merge(struct ft_stats *into, const struct ft_stats *part,
		    const struct ft_stats_shape *shape);

/* Of values; with fewer than two it is 0. In whole numbers, and off by rounding as SystemTap's. */
s64 ft_stats_variance(const struct ft_stats *stats, const struct ft_stats_shape *shape,
		      bool is_scalar);

void ft_stats_fini(struct ft_stats *stats);

/* The lower bound of a bucket of the logarithmic histogram. */
s64 ft_stats_log_value(u32 bucket);
/* The bucket that a value falls into. */
u32 ft_stats_log_bucket(s64 value);

/*
 * Prints a histogram as SystemTap does, with a blank line at its end. Rows are left out that have
 * only 0 within elision rows around them; negative: none is.
 */
void ft_stats_print(const struct ft_stats *stats, const struct ft_stats_shape *shape, bool linear,
		    s32 elision, struct ft_out *out);

#endif

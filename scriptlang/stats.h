/*
 * stats.h - statistics values: what "<<<" feeds and @count, @sum, @hist_log and their kin read.
 */
#ifndef FT_SCRIPTLANG_STATS_H
#define FT_SCRIPTLANG_STATS_H

#include "base/out.h"
#include "base/types.h"

#define FT_STATS_LOG_BUCKETS 128 /* -2^62 .. 0 .. 2^62, bucket 64 is 0 */

/* What a variable's statistics keep beside the sums, from how it is read anywhere. */
struct ft_stats_shape {
	bool log, linear;
	s64 lo, hi, step; /* linear: buckets lo, lo + step, ... up to hi */
};

struct ft_stats {
	u64 count;
	s64 sum, min, max;
	__int128 squares; /* sum of them */
	u64 *log;	  /* owned; NULL: none */
	u64 *linear;	  /* owned: what is below lo, the buckets, what is above hi */
};

/* Buckets of a linear histogram, without the two for what is outside. */
u32 ft_stats_linear_buckets(const struct ft_stats_shape *shape);

/* Adds a value. False when memory is exhausted. */
bool ft_stats_add(struct ft_stats *stats, const struct ft_stats_shape *shape, s64 value);

/* Of values; with fewer than two it is 0. */
s64 ft_stats_variance(const struct ft_stats *stats);

void ft_stats_fini(struct ft_stats *stats);

/* The lower bound of a bucket of the logarithmic histogram. */
s64 ft_stats_log_value(u32 bucket);
/* The bucket that a value falls into. */
u32 ft_stats_log_bucket(s64 value);

/* Prints a histogram as SystemTap does, with a blank line at its end. */
void ft_stats_print(const struct ft_stats *stats, const struct ft_stats_shape *shape, bool linear,
		    struct ft_out *out);

#endif

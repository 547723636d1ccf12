/*
 * diff.h - two profiles as one: what each frame weighs before and after, and whether the difference
 * is more than chance.
 *
 * Samples are counts. If a share p were the same in profiles of n and m samples, the difference of
 * the two would vary by chance with a variance of p (1 - p) (1/n + 1/m). A difference within 1.96
 * such deviations (a confidence of 95 %) is called noise. Where weights are times or bytes, n is
 * the number of stacks that were counted.
 */
#ifndef FT_PROFILE_DIFF_H
#define FT_PROFILE_DIFF_H

#include "profile/profile.h"

enum ft_normalize {
	FT_NORMALIZE_TOTAL, /* both profiles are as large: shares are compared */
	FT_NORMALIZE_NONE,  /* weights are compared, in shares of the profile before */
};

/* One of the two. */
struct ft_diff_side {
	u64 total;
	double whole;	/* the weight that is a share of 1 */
	double samples; /* how many counts that was */
	double *shares; /* by node: of it and what is below it; beyond 1 is possible without
			   normalization */
};

struct ft_diff {
	struct ft_profile *profile; /* stacks of both; a weight is the larger of the two, in ppb */
	enum ft_unit unit;	    /* of both */
	enum ft_normalize how;
	struct ft_diff_side before, after;
};

/*
 * Compares two profiles; frames are the same when their names are. Errors: -EINVAL when the units
 * differ or one of them is empty; -ENOMEM.
 */
int ft_diff_init(struct ft_diff *diff, const struct ft_profile *before,
		 const struct ft_profile *after, enum ft_normalize how, struct ft_err *err);
void ft_diff_fini(struct ft_diff *diff);

/* How many counts make up a profile of that weight. */
double ft_diff_counts(const struct ft_profile *profile, u64 total);

/*
 * How many deviations hold with a confidence of 95 % for all of count differences together (by
 * Bonferroni's bound): of many that are looked at, one in twenty is beyond 1.96 by chance alone.
 */
double ft_diff_deviations(u32 count);

/* Whether shares of before and after differ by no more than so many deviations. */
bool ft_diff_is_within(const struct ft_diff *diff, double before, double after, double deviations);

/* Whether shares of before and after differ by no more than chance does. */
bool ft_diff_is_noise(const struct ft_diff *diff, double before, double after);

#endif

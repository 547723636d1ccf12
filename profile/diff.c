/* diff.c - see diff.h. */
#include "profile/diff.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define PARTS 1e9 /* a share of 1 as a weight */
#define CONFIDENCE 0.95
#define DEVIATIONS 1.96 /* what that is for one comparison */

struct merge {
	struct ft_diff *diff;
	u32 *by_name; /* by string id of the result: its frame, or 0 */
	size_t by_name_cap;
	double *selves[2]; /* by node of the result */
	size_t selves_cap[2];
};

/* The frame of the result that has the name of a frame. */
static u32 frame_of(struct merge *m, const struct ft_profile *from, u32 frame)
{
	struct ft_profile *to = m->diff->profile;
	struct ft_frame copy = from->frames[frame];

	copy.name = ft_strtab_add(to->strings, ft_strtab_str(from->strings, copy.name),
				  ft_strtab_len(from->strings, copy.name));
	copy.module = ft_strtab_add(to->strings, ft_strtab_str(from->strings, copy.module),
				    ft_strtab_len(from->strings, copy.module));
	if (copy.name == FT_STR_NONE || copy.module == FT_STR_NONE ||
	    FT_GROW(&m->by_name, &m->by_name_cap, ft_strtab_count(to->strings)))
		return UINT32_MAX;
	if (!m->by_name[copy.name])
		m->by_name[copy.name] = ft_profile_frame(to, &copy);
	return m->by_name[copy.name];
}

/* Adds the stacks of one side to the tree. */
static int add_side(struct merge *m, const struct ft_profile *from, int side)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(from->tree);
	u32 count = ft_tree_count(from->tree);
	u32 *frames = ft_try_alloc(from->frame_count, sizeof(*frames));
	u32 *node_of = ft_try_alloc(count, sizeof(*node_of));
	int code = frames && node_of ? 0 : -ENOMEM;

	for (u32 i = 1; !code && i < from->frame_count; i++) {
		frames[i] = frame_of(m, from, i);
		if (frames[i] == UINT32_MAX)
			code = -ENOMEM;
	}
	for (u32 i = 0; !code && i < count; i++) {
		if (i)
			node_of[i] = ft_tree_child(m->diff->profile->tree, node_of[nodes[i].parent],
						   frames[nodes[i].key]);
		if (node_of[i] == FT_TREE_NONE ||
		    FT_GROW(&m->selves[side], &m->selves_cap[side], (size_t)node_of[i] + 1))
			code = -ENOMEM;
		else
			m->selves[side][node_of[i]] += (double)nodes[i].self;
	}
	free(frames);
	free(node_of);
	return code;
}

/* From own weights to shares of all that is below. */
static int side_sum(struct merge *m, struct ft_diff_side *side, int which)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(m->diff->profile->tree);
	u32 count = ft_tree_count(m->diff->profile->tree);

	side->shares = ft_try_alloc(count, sizeof(*side->shares));
	if (!side->shares || FT_GROW(&m->selves[which], &m->selves_cap[which], count))
		return -ENOMEM;
	for (u32 i = count; i-- > 0;) {
		side->shares[i] += m->selves[which][i] / side->whole;
		if (i)
			side->shares[nodes[i].parent] += side->shares[i];
	}
	return 0;
}

double ft_diff_counts(const struct ft_profile *profile, u64 total)
{
	bool counted = profile->unit == FT_UNIT_SAMPLES || profile->unit == FT_UNIT_EVENTS;

	return !counted && profile->has_quality && profile->quality.samples
		       ? (double)profile->quality.samples
		       : (double)total;
}

int ft_diff_init(struct ft_diff *diff, const struct ft_profile *before,
		 const struct ft_profile *after, enum ft_normalize how, struct ft_err *err)
{
	struct merge m = {.diff = diff};
	double after_share;
	int code;

	*diff = (struct ft_diff){.unit = before->unit,
				 .how = how,
				 .before.total = ft_tree_total(before->tree),
				 .after.total = ft_tree_total(after->tree)};
	if (before->unit != after->unit)
		return ft_err_set(err, -EINVAL,
				  "one profile is in %s, the other in %s: they cannot be compared",
				  ft_unit_name(before->unit, 2), ft_unit_name(after->unit, 2));
	if (!diff->before.total || !diff->after.total)
		return ft_err_set(err, -EINVAL, "the profile %s is empty",
				  diff->before.total ? "after" : "before");
	diff->before.whole = (double)diff->before.total;
	diff->after.whole =
		(double)(how == FT_NORMALIZE_TOTAL ? diff->after.total : diff->before.total);
	after_share = diff->after.whole / (double)diff->after.total;
	diff->before.samples = ft_diff_counts(before, diff->before.total);
	diff->after.samples = ft_diff_counts(after, diff->after.total) * after_share;
	diff->profile = ft_profile_new();
	code = diff->profile ? add_side(&m, before, 0) : -ENOMEM;
	if (!code)
		code = add_side(&m, after, 1);
	if (!code)
		code = side_sum(&m, &diff->before, 0);
	if (!code)
		code = side_sum(&m, &diff->after, 1);
	for (u32 i = 0; !code && i < ft_tree_count(diff->profile->tree); i++)
		ft_tree_set(diff->profile->tree, i,
			    (u64)(PARTS * fmax(m.selves[0][i] / diff->before.whole,
					       m.selves[1][i] / diff->after.whole)));
	free(m.by_name);
	free(m.selves[0]);
	free(m.selves[1]);
	return code ? ft_err_set(err, code, "not enough memory to compare the profiles") : 0;
}

void ft_diff_fini(struct ft_diff *diff)
{
	ft_profile_free(diff->profile);
	free(diff->before.shares);
	free(diff->after.shares);
	*diff = (struct ft_diff){0};
}

double ft_diff_deviations(u32 count)
{
	double wanted = (1 - CONFIDENCE) / (count ? count : 1), low = 0, high = 40;

	while (high - low > 1e-6) {
		double middle = (low + high) / 2;

		if (erfc(middle / M_SQRT2) > wanted)
			low = middle;
		else
			high = middle;
	}
	return high;
}

bool ft_diff_is_within(const struct ft_diff *diff, double before, double after, double deviations)
{
	double n = fmax(diff->before.samples, 1), m = fmax(diff->after.samples, 1);
	/* If they were the same, this would be it; and it tells more of a share of 0 than that. */
	double share = (before * n + after * m) / (n + m);
	double variance = share * (1 / n + 1 / m) * (share < 1 ? 1 - share : 1);

	return fabs(after - before) <= deviations * sqrt(variance);
}

bool ft_diff_is_noise(const struct ft_diff *diff, double before, double after)
{
	return ft_diff_is_within(diff, before, after, DEVIATIONS);
}

/* stats.c - see stats.h. The form of histograms is SystemTap's (runtime/stat-common.c). */
#include "scriptlang/runtime/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stdint.h>

#include "base/alloc.h"

#define LOG_ZERO 64
#define BAR_MAX 50 /* characters of the longest bar */
#define MARGIN 2   /* empty rows that are shown at both ends */

u32 ft_stats_linear_buckets(const struct ft_stats_shape *shape)
{
	return (u32)((u64)(shape->hi - shape->lo) / (u64)shape->step) + 1;
}

s64 ft_stats_linear_last(const struct ft_stats_shape *shape)
{
	__int128 end = shape->lo + (__int128)ft_stats_linear_buckets(shape) * shape->step;

	return end > INT64_MAX ? INT64_MAX : (s64)(end - 1);
}

s64 ft_stats_log_value(u32 bucket)
{
	if (bucket == LOG_ZERO)
		return 0;
	return bucket > LOG_ZERO ? (s64)1 << (bucket - LOG_ZERO - 1)
				 : (s64)(0 - ((u64)1 << (LOG_ZERO - bucket - 1)));
}

u32 ft_stats_log_bucket(s64 value)
{
	u64 size = value < 0 ? 0 - (u64)value : (u64)value;
	u32 power = size ? 64 - (u32)__builtin_clzll(size) : 0;

	return value < 0 ? LOG_ZERO - power : LOG_ZERO + power;
}

/* The place of a value among linear buckets, with those for what is outside. */
static u32 linear_place(const struct ft_stats_shape *shape, s64 value)
{
	if (value < shape->lo)
		return 0;
	if (value > ft_stats_linear_last(shape))
		return ft_stats_linear_buckets(shape) + 1;
	return (u32)((u64)(value - shape->lo) / (u64)shape->step) + 1;
}

/* a * b, as the processor does it. */
static s64 times(s64 a, s64 b)
{
	return (s64)((u64)a * (u64)b);
}

static s64 minus(s64 a, s64 b)
{
	return (s64)((u64)a - (u64)b);
}

static s64 plus(s64 a, s64 b)
{
	return (s64)((u64)a + (u64)b);
}

static s64 divided(s64 a, s64 b)
{
	return b ? b == -1 ? minus(0, a) : a / b : 0;
}

/*
 * Welford's algorithm in whole numbers, with SystemTap's 32 bits of a difference: what scripts
 * print is the same. bpf_vars.c does that in the kernel.
 */
static void add_deviation(struct ft_stats *stats, s64 value)
{
	s32 delta;

	if (stats->count == 1) {
		stats->mean = value;
		stats->deviations = 0;
		return;
	}
	delta = (s32)minus(value, stats->mean);
	stats->mean = plus(stats->mean, divided(delta, (s64)stats->count));
	stats->deviations = plus(stats->deviations, times(delta, minus(value, stats->mean)));
	stats->variance = divided(stats->deviations, (s64)stats->count - 1);
}

/* Of the part's values around a mean of more. */
static s64 scatter(u64 count, s64 mean, s64 variance, s64 around)
{
	s64 away = minus(mean, around);

	return plus(times(times((s64)count, away), away), times((s64)count - 1, variance));
}

bool ft_stats_merge(struct ft_stats *into, const struct ft_stats *part,
		    const struct ft_stats_shape *shape)
{
	u32 linear = part->linear ? ft_stats_linear_buckets(shape) + 2 : 0;
	struct ft_stats whole = *into;

	if (!part->count)
		return true;
	if (part->log && !into->log)
		into->log = ft_try_alloc(FT_STATS_LOG_BUCKETS, sizeof(*into->log));
	if (linear && !into->linear)
		into->linear = ft_try_alloc(linear, sizeof(*into->linear));
	if ((part->log && !into->log) || (linear && !into->linear))
		return false;
	for (u32 i = 0; part->log && i < FT_STATS_LOG_BUCKETS; i++)
		into->log[i] += part->log[i];
	for (u32 i = 0; i < linear; i++)
		into->linear[i] += part->linear[i];
	whole.count += part->count;
	whole.sum = plus(whole.sum, part->sum);
	whole.min = !into->count || part->min < into->min ? part->min : into->min;
	whole.max = !into->count || part->max > into->max ? part->max : into->max;
	whole.mean = part->mean;
	whole.variance = part->variance;
	if (into->count) {
		whole.mean = divided((s64)((u64)whole.sum << shape->shift), (s64)whole.count);
		whole.variance =
			divided(plus(scatter(into->count, into->mean, into->variance, whole.mean),
				     scatter(part->count, part->mean, part->variance, whole.mean)),
				(s64)whole.count - 1);
	}
	whole.deviations = times(whole.variance, (s64)whole.count - 1);
	whole.log = into->log;
	whole.linear = into->linear;
	*into = whole;
	return true;
}

bool ft_stats_add(struct ft_stats *stats, const struct ft_stats_shape *shape, s64 value)
{
	if (shape->log && !stats->log)
		stats->log = ft_try_alloc(FT_STATS_LOG_BUCKETS, sizeof(*stats->log));
	if (shape->linear && !stats->linear)
		stats->linear =
			ft_try_alloc(ft_stats_linear_buckets(shape) + 2, sizeof(*stats->linear));
	if ((shape->log && !stats->log) || (shape->linear && !stats->linear))
		return false;
	if (!stats->count || value < stats->min)
		stats->min = value;
	if (!stats->count || value > stats->max)
		stats->max = value;
	stats->count++;
	stats->sum = (s64)((u64)stats->sum + (u64)value);
	add_deviation(stats, (s64)((u64)value << shape->shift));
	if (stats->log)
		stats->log[ft_stats_log_bucket(value)]++;
	if (stats->linear)
		stats->linear[linear_place(shape, value)]++;
	return true;
}

s64 ft_stats_variance(const struct ft_stats *stats, const struct ft_stats_shape *shape,
		      bool is_scalar)
{
	s64 mean = divided((s64)((u64)stats->sum << shape->shift), (s64)stats->count);
	s64 variance = stats->variance;

	if (is_scalar) /* SystemTap looks at all CPUs at once there */
		variance = divided(scatter(stats->count, stats->mean, stats->variance, mean),
				   (s64)stats->count - 1);
	return variance >> (2 * shape->shift);
}

void ft_stats_fini(struct ft_stats *stats)
{
	free(stats->log);
	free(stats->linear);
	memset(stats, 0, sizeof(*stats));
}

/* A histogram as rows. */
struct rows {
	const u64 *counts;
	u32 count;
	const struct ft_stats_shape *shape; /* NULL: logarithmic */
	u32 low, high;			    /* the rows that are shown */
	int width;			    /* of the first column */
	int count_width;
	u64 scale; /* of one character */
};

static void label(const struct rows *r, u32 row, char text[32])
{
	const char *mark = "";
	s64 value;

	if (!r->shape) {
		value = ft_stats_log_value(row);
	} else if (row == 0) {
		mark = "<";
		value = r->shape->lo;
	} else {
		mark = row + 1 == r->count ? ">" : "";
		value = r->shape->lo + (s64)(row - 1 - (*mark != 0)) * r->shape->step;
	}
	snprintf(text, 32, "%s%lld", mark, (long long)value);
}

static int label_width(const struct rows *r, u32 row)
{
	char text[32];

	label(r, row, text);
	return (int)strlen(text);
}

/* Whether there are counts so near that a row is shown. */
static bool is_near(const struct rows *r, u32 row, s64 elision)
{
	s64 begin = elision < row - (s64)r->low ? row - elision : r->low;
	s64 end = elision < (s64)r->high - row ? row + elision : r->high;

	for (s64 i = begin; i <= end; i++)
		if (r->counts[i])
			return true;
	return elision < 0;
}

static void print_row(const struct rows *r, u32 row, struct ft_out *out)
{
	u64 bar = r->counts[row] / r->scale;
	char text[32];

	label(r, row, text);
	ft_out_printf(out, "%*s |", r->width, text);
	for (u64 i = 0; i < bar; i++)
		ft_out_char(out, '@');
	ft_out_printf(out, "%*s%*llu\n", (int)(BAR_MAX - bar), "", r->count_width,
		      (unsigned long long)r->counts[row]);
}

static void measure(struct rows *r)
{
	u64 most = 0;
	char text[32];

	for (u32 i = r->low; i <= r->high; i++)
		if (r->counts[i] > most)
			most = r->counts[i];
	r->width = 5;
	for (u32 i = r->low; i <= r->high; i += r->high > r->low ? r->high - r->low : 1)
		if (label_width(r, i) > r->width)
			r->width = label_width(r, i);
	r->scale = most > BAR_MAX ? (most + BAR_MAX - 1) / BAR_MAX : 1;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)most);
	r->count_width = (int)strlen(text) + 1;
}

/*
 * The rows that are shown: those with counts, and a margin beside them. Those for what is outside
 * are shown only when something is. Without negative values a logarithmic histogram begins at 0.
 */
static void find_range(struct rows *r)
{
	u32 last = r->count - 1;

	r->low = 0;
	r->high = last;
	while (r->low < last && !r->counts[r->low])
		r->low++;
	while (r->high > r->low && !r->counts[r->high])
		r->high--;
	for (u32 i = 0; i < MARGIN; i++) {
		r->low -= r->low > 0 && (r->shape || r->low != LOG_ZERO);
		r->high += r->high < last;
	}
	if (r->shape && r->low == 0 && !r->counts[0])
		r->low = 1;
	if (r->shape && r->high == last && !r->counts[last])
		r->high = last - 1;
}

void ft_stats_print(const struct ft_stats *stats, const struct ft_stats_shape *shape, bool linear,
		    s32 elision, struct ft_out *out)
{
	struct rows r = {.counts = linear ? stats->linear : stats->log,
			 .count =
				 linear ? ft_stats_linear_buckets(shape) + 2 : FT_STATS_LOG_BUCKETS,
			 .shape = linear ? shape : NULL};
	bool gap = false;

	if (!r.counts)
		return;
	find_range(&r);
	measure(&r);
	ft_out_printf(out, "%*s |", r.width, "value");
	for (int i = 0; i < BAR_MAX; i++)
		ft_out_char(out, '-');
	ft_out_text(out, " count\n");
	for (u32 i = r.low; i <= r.high; i++) {
		if (!is_near(&r, i, elision)) {
			gap = true;
			continue;
		}
		if (gap)
			ft_out_printf(out, "%*s ~\n", r.width, "");
		gap = false;
		print_row(&r, i, out);
	}
	ft_out_char(out, '\n');
}

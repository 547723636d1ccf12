/* stats.c - see stats.h. The form of histograms is SystemTap's (runtime/stat-common.c). */
#include "scriptlang/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define LOG_ZERO 64
#define BAR_MAX 50 /* characters of the longest bar */
#define MARGIN 2   /* empty rows that are shown beside others */

u32 ft_stats_linear_buckets(const struct ft_stats_shape *shape)
{
	return (u32)((u64)(shape->hi - shape->lo) / (u64)shape->step) + 1;
}

s64 ft_stats_log_value(u32 bucket)
{
	if (bucket == LOG_ZERO)
		return 0;
	return bucket > LOG_ZERO ? (s64)1 << (bucket - LOG_ZERO - 1)
				 : -((s64)1 << (LOG_ZERO - bucket - 1));
}

u32 ft_stats_log_bucket(s64 value)
{
	u64 size = value < 0 ? 0 - (u64)value : (u64)value;
	u32 power = size ? 64 - (u32)__builtin_clzll(size) : 0;

	/* The lowest and highest buckets take what is beyond them. */
	if (value < 0)
		return power > LOG_ZERO - 1 ? 1 : LOG_ZERO - power;
	return power > LOG_ZERO - 1 ? FT_STATS_LOG_BUCKETS - 1 : LOG_ZERO + power;
}

/* The place of a value among linear buckets, with those for what is outside. */
static u32 linear_place(const struct ft_stats_shape *shape, s64 value)
{
	if (value < shape->lo)
		return 0;
	if (value > shape->hi)
		return ft_stats_linear_buckets(shape) + 1;
	return (u32)((u64)(value - shape->lo) / (u64)shape->step) + 1;
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
	stats->squares += (__int128)value * value;
	if (stats->log)
		stats->log[ft_stats_log_bucket(value)]++;
	if (stats->linear)
		stats->linear[linear_place(shape, value)]++;
	return true;
}

s64 ft_stats_variance(const struct ft_stats *stats)
{
	__int128 n = (__int128)stats->count;

	if (stats->count < 2)
		return 0;
	return (s64)((stats->squares - (__int128)stats->sum * stats->sum / n) / (n - 1));
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
	} else if (row + 1 == r->count) {
		mark = ">";
		value = r->shape->hi;
	} else {
		value = r->shape->lo + (s64)(row - 1) * r->shape->step;
	}
	snprintf(text, 32, "%s%lld", mark, (long long)value);
}

/* Whether a row of a linear histogram is for what is outside. */
static bool is_outside(const struct rows *r, u32 row)
{
	return r->shape && (row == 0 || row + 1 == r->count);
}

static bool is_near(const struct rows *r, u32 low, u32 high, u32 row)
{
	u32 begin = row > low + MARGIN ? row - MARGIN : low;
	u32 end = row + MARGIN < high ? row + MARGIN : high;

	for (u32 i = begin; i <= end; i++)
		if (r->counts[i])
			return true;
	return false;
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

static void measure(struct rows *r, u32 low, u32 high)
{
	u64 most = 0;
	char text[32];

	r->width = 5;
	for (u32 i = low; i <= high; i++) {
		int len;

		label(r, i, text);
		len = (int)strlen(text);
		if (r->counts[i] > most)
			most = r->counts[i];
		if ((!is_outside(r, i) || r->counts[i]) && len > r->width)
			r->width = len;
	}
	r->scale = most > BAR_MAX ? (most + BAR_MAX - 1) / BAR_MAX : 1;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)most);
	r->count_width = (int)strlen(text) + 1;
}

/* The rows that are shown: those with counts, and a margin beside them. */
static void find_range(const struct rows *r, u32 *low, u32 *high)
{
	u32 first = r->shape ? 1 : 0, last = r->shape ? r->count - 2 : r->count - 1;

	*low = first;
	*high = last;
	while (*low < last && !r->counts[*low])
		++*low;
	while (*high > *low && !r->counts[*high])
		--*high;
	*low = *low > first + MARGIN ? *low - MARGIN : first;
	*high = *high + MARGIN < last ? *high + MARGIN : last;
	/* Without negative values a logarithmic histogram begins at 0. */
	if (!r->shape && *low < LOG_ZERO) {
		bool negative = false;

		for (u32 i = 0; i < LOG_ZERO; i++)
			negative |= r->counts[i] > 0;
		*low = negative ? *low : LOG_ZERO;
	}
}

void ft_stats_print(const struct ft_stats *stats, const struct ft_stats_shape *shape, bool linear,
		    struct ft_out *out)
{
	struct rows r = {.counts = linear ? stats->linear : stats->log,
			 .count =
				 linear ? ft_stats_linear_buckets(shape) + 2 : FT_STATS_LOG_BUCKETS,
			 .shape = linear ? shape : NULL};
	bool gap = false;
	u32 low, high;

	if (!r.counts)
		return;
	find_range(&r, &low, &high);
	measure(&r, r.shape && r.counts[0] ? 0 : low,
		r.shape && r.counts[r.count - 1] ? r.count - 1 : high);
	ft_out_printf(out, "%*s |", r.width, "value");
	for (int i = 0; i < BAR_MAX; i++)
		ft_out_char(out, '-');
	ft_out_text(out, " count\n");
	if (r.shape && r.counts[0])
		print_row(&r, 0, out);
	for (u32 i = low; i <= high; i++) {
		if (!is_near(&r, low, high, i)) {
			if (!gap)
				ft_out_printf(out, "%*s ~\n", r.width, "");
			gap = true;
			continue;
		}
		gap = false;
		print_row(&r, i, out);
	}
	if (r.shape && r.counts[r.count - 1])
		print_row(&r, r.count - 1, out);
	ft_out_char(out, '\n');
}

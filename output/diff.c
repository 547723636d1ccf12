/*
 * diff.c - what changed between two profiles: a picture and a table.
 *
 * The picture has the stacks of both. A frame is as wide as the larger of its two weights, so what
 * vanished is still drawn. The root is on top, where the differences that matter begin. Red grew,
 * blue shrank, the stronger the more; grey is within what chance does (change.h). Both profiles
 * travel in it, so that the script can zoom, search, and show either (svg_views.js).
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "output/svg.h"
#include "output/writers.h"

int ft_diff_picture(const struct ft_diff *diff, const struct ft_part parts[2], bool page,
		    const struct ft_write_opts *opts, struct ft_out *out)
{
	const struct ft_svg what = {.parts = parts, .count = 2, .diff = diff, .in_page = page};

	return page ? ft_html_put(&what, opts, out) : ft_svg_put(&what, opts, out);
}

/* ---- functions ---- */

static int collect(const struct ft_diff *diff, const struct ft_profile *profile, bool is_after,
		   struct ft_diff_row *rows, u32 *row_of, u32 *row_count)
{
	double whole = is_after ? diff->after.whole : diff->before.whole;
	struct ft_top_row *top;
	int count = ft_top_functions(profile, UINT32_MAX, &top);

	if (count < 0)
		return count;
	for (int i = 0; i < count; i++) {
		/* Known already: the diff has all frames of both. */
		u32 name = ft_strtab_add(diff->profile->strings,
					 ft_strtab_str(profile->strings, top[i].name),
					 ft_strtab_len(profile->strings, top[i].name));
		struct ft_diff_row *row;

		if (!row_of[name])
			row_of[name] = ++*row_count;
		row = &rows[row_of[name] - 1];
		row->name = name;
		row->self[is_after] += (double)top[i].self / whole;
		row->total[is_after] += (double)top[i].total / whole;
	}
	free(top);
	return 0;
}

/* The larger change first; of equal ones by name, so that the order is always the same. */
static int row_compare(const void *left, const void *right, void *strings)
{
	const struct ft_diff_row *a = left, *b = right;
	double x = fabs(a->self[1] - a->self[0]), y = fabs(b->self[1] - b->self[0]);

	if (a->noise != b->noise)
		return a->noise ? 1 : -1;
	if (x != y)
		return x > y ? -1 : 1;
	x = fabs(a->total[1] - a->total[0]);
	y = fabs(b->total[1] - b->total[0]);
	if (x != y)
		return x > y ? -1 : 1;
	return strcmp(ft_strtab_str(strings, a->name), ft_strtab_str(strings, b->name));
}

int ft_diff_functions(const struct ft_diff *diff, const struct ft_profile *before,
		      const struct ft_profile *after, struct ft_diff_row **result)
{
	u32 strings = ft_strtab_count(diff->profile->strings);
	struct ft_diff_row *rows = ft_try_alloc(strings, sizeof(*rows));
	u32 *row_of = ft_try_alloc(strings, sizeof(*row_of)), count = 0;
	int code = rows && row_of ? 0 : -ENOMEM;

	if (!code)
		code = collect(diff, before, false, rows, row_of, &count);
	if (!code)
		code = collect(diff, after, true, rows, row_of, &count);
	free(row_of);
	if (code) {
		free(rows);
		return code;
	}
	for (u32 i = 0; i < count; i++)
		rows[i].noise = ft_diff_is_noise(diff, rows[i].self[0], rows[i].self[1]);
	qsort_r(rows, count, sizeof(*rows), row_compare, diff->profile->strings);
	*result = rows;
	return (int)count;
}

void ft_diff_table(const struct ft_diff *diff, const struct ft_diff_row *rows, u32 count,
		   struct ft_out *out)
{
	ft_out_text(out, "  change    self: before   after   total: before   after  function\n");
	for (u32 i = 0; i < count; i++) {
		const struct ft_diff_row *r = &rows[i];

		ft_out_printf(out, "%+7.2f%% %12.2f%% %6.2f%% %14.2f%% %6.2f%%  ",
			      (r->self[1] - r->self[0]) * 100, r->self[0] * 100, r->self[1] * 100,
			      r->total[0] * 100, r->total[1] * 100);
		ft_put_name(out, ft_strtab_str(diff->profile->strings, r->name),
			    ft_strtab_len(diff->profile->strings, r->name), 0);
		ft_out_text(out, r->noise ? "  (within noise)\n" : "\n");
	}
}

/*
 * diff.c - what changed between two profiles: a picture and a table.
 *
 * The picture has the stacks of both. A frame is as wide as the larger of its two weights, so what
 * vanished is still drawn. The root is on top, where the differences that matter begin. Red grew,
 * blue shrank, the stronger the more; grey is within what chance does. It is a plain picture
 * without scripts, with the numbers of a frame as its title.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "output/escape.h"
#include "output/layout.h"
#include "output/output.h"
#include "output/writers.h"

#define WIDTH 1200
#define MARGIN 10
#define ROW 17
#define HEAD 64
#define FOOT 12
#define CHAR_PX 7.2 /* of the monospace font at 12 px */

/* ---- the picture ---- */

/* 0xRRGGBB: from nearly white to the full colour at a change by half. */
static u32 color_of(const struct ft_diff *diff, double before, double after)
{
	double change = after - before, strength;
	u32 pale;

	if (ft_diff_is_noise(diff, before, after))
		return 0xdddddd;
	strength = fmin(1, 0.15 + 1.5 * fabs(change) / fmax(before, after));
	pale = (u32)(225 - 135 * strength);
	return change > 0 ? 0xf0u << 16 | pale << 8 | pale : pale << 16 | (pale + 20) << 8 | 0xf0;
}

static void put_title(struct ft_out *out, const struct ft_diff *diff, const struct ft_box *box,
		      const char *name, size_t len)
{
	double before = diff->before.shares[box->node], after = diff->after.shares[box->node];

	ft_out_text(out, "<title>");
	ft_escape_xml(out, name, len);
	ft_out_printf(out, "\nbefore %.2f %%, after %.2f %%: %+.2f", before * 100, after * 100,
		      (after - before) * 100);
	if (ft_diff_is_noise(diff, before, after))
		ft_out_text(out, " (within sampling noise)");
	else if (after == 0)
		ft_out_text(out, " (vanished)");
	else if (before == 0)
		ft_out_text(out, " (new)");
	ft_out_text(out, "</title>");
}

static void put_box(struct ft_out *out, const struct ft_diff *diff, const struct ft_layout *layout,
		    const struct ft_box *box)
{
	const struct ft_profile *profile = diff->profile;
	double scale = (double)(WIDTH - 2 * MARGIN) / (double)layout->total;
	double x = MARGIN + (double)box->x * scale, width = (double)box->total * scale;
	double y = HEAD + ROW * (double)box->depth;
	const char *name =
		box->frame ? ft_strtab_str(profile->strings, profile->frames[box->frame].name)
			   : "all";
	size_t len = box->frame ? ft_strtab_len(profile->strings, profile->frames[box->frame].name)
				: 3,
	       fit;
	bool odd = false;

	if (width < 0.3)
		return;
	ft_out_text(out, "<g>");
	put_title(out, diff, box, name, len);
	ft_out_printf(
		out, "<rect x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"%d\" fill=\"#%06x\"/>", x,
		y, fmax(width - 0.3, 0.2), ROW - 1,
		color_of(diff, diff->before.shares[box->node], diff->after.shares[box->node]));
	fit = width > 6 + 3 * CHAR_PX ? ft_escape_fit(name, len, (u32)((width - 6) / CHAR_PX), &odd)
				      : 0;
	if (fit && (fit == len || fit > 2)) {
		ft_out_printf(out, "<text x=\"%.1f\" y=\"%.0f\">", x + 3, y + 12);
		if (fit < len)
			fit = ft_escape_fit(name, fit, (u32)((width - 6) / CHAR_PX) - 2, &odd);
		ft_escape_xml(out, name, fit);
		ft_out_text(out, fit == len ? "</text>" : "..</text>");
	}
	ft_out_text(out, "</g>\n");
}

static void put_head(struct ft_out *out, const struct ft_diff *diff, const char *title, u32 height)
{
	ft_out_printf(out,
		      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" "
		      "viewBox=\"0 0 %d %u\" font-family=\"monospace\" font-size=\"12\">\n"
		      "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
		      "<text x=\"%d\" y=\"20\" font-size=\"16\">",
		      WIDTH, height, WIDTH, height, MARGIN);
	ft_escape_xml(out, title, strlen(title));
	ft_out_printf(
		out,
		"</text>\n<text x=\"%d\" y=\"38\">red: more after, blue: less or vanished, "
		"grey: within sampling noise (95 %% confidence, from %.0f and %.0f samples)"
		"</text>\n<text x=\"%d\" y=\"54\">width: the larger of before and after</text>\n",
		MARGIN, diff->before.samples, diff->after.samples, MARGIN);
}

int ft_diff_picture(const struct ft_diff *diff, const char *title, struct ft_out *out)
{
	struct ft_layout layout;
	struct ft_order order;
	int code = ft_order_init(&order, diff->profile);

	if (code)
		return code;
	code = ft_layout_init(&layout, &order);
	ft_order_fini(&order);
	if (code)
		return code;
	put_head(out, diff, title, HEAD + FOOT + ROW * layout.rows);
	for (u32 i = 0; i < layout.count; i++)
		put_box(out, diff, &layout, &layout.boxes[i]);
	ft_out_text(out, "</svg>\n");
	ft_layout_fini(&layout);
	return 0;
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

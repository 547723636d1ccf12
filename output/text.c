/*
 * text.c - the writer of plain text: title, totals, and a table of the hottest functions.
 *
 * For reading in a terminal or a mail. Names come from the profiled machine: control characters,
 * marks that change the direction of text, and bytes that are not UTF-8 are shown as '?', so that
 * nothing in a name can move the cursor or fake a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/escape.h"
#include "output/output.h"
#include "output/writers.h"

#define ROWS_MAX 200
#define MODULE_COLUMNS_MAX 24

/* ---- names ---- */

size_t ft_put_name(struct ft_out *out, const char *text, size_t len, size_t columns)
{
	size_t used = 0, bytes;

	for (; len; text += bytes, len -= bytes, used++) {
		u32 shown = ft_escape_decode(text, len, &bytes);

		if (!out)
			continue;
		if (shown == 0xfffd ||
		    (shown >= 0x2400 && shown <= 0x2421)) /* stands for another */
			ft_out_char(out, '?');
		else
			ft_out_bytes(out, text, bytes);
	}
	for (; out && used < columns; used++)
		ft_out_char(out, ' ');
	return used;
}

/* ---- numbers ---- */

/* Writes part as a percentage of whole with one decimal, "  0.0%" to "100.0%". */
static void put_percent(struct ft_out *out, u64 part, u64 whole)
{
	u32 tenths = whole ? (u32)(((__uint128_t)part * 1000 + whole / 2) / whole) : 0;

	ft_out_printf(out, "%3u.%u%%", tenths / 10, tenths % 10);
}

static size_t digits(u64 number)
{
	size_t count = 1;

	for (; number > 9; number /= 10)
		count++;
	return count;
}

/* ---- parts ---- */

static void put_head(struct ft_out *out, const struct ft_profile *profile, const char *title,
		     u64 total, u32 functions)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(profile->tree);
	u32 stacks = 0;

	for (u32 i = 0; i < ft_tree_count(profile->tree); i++)
		stacks += nodes[i].self > 0;
	if (!title)
		title = profile->title;
	if (title) {
		ft_put_name(out, title, strlen(title), 0);
		ft_out_char(out, '\n');
	}
	ft_out_u64(out, total);
	ft_out_printf(out, " %s, %u %s, %u %s\n", ft_unit_name(profile->unit, total), stacks,
		      stacks == 1 ? "stack" : "stacks", functions,
		      functions == 1 ? "function" : "functions");
}

static void put_quality(struct ft_out *out, const struct ft_quality *q)
{
	u64 lost = ft_quality_lost(q);

	if (q->user_stacks) {
		put_percent(out, q->ends[FT_END_ROOT], q->user_stacks);
		ft_out_text(out, " of user stacks reached their root\n");
	}
	if (q->frames) {
		put_percent(out, q->frames_named, q->frames);
		ft_out_text(out, " of frames have a symbol\n");
	}
	ft_out_u64(out, lost);
	ft_out_text(out,
		    lost == 1 ? " sample or event was lost\n" : " samples or events were lost\n");
}

static void row_module(const struct ft_profile *profile, const struct ft_top_row *row,
		       const char **text, size_t *len)
{
	*text = ft_strtab_str(profile->strings, row->module);
	*len = ft_strtab_len(profile->strings, row->module);
	if (*len)
		return;
	*text = row->kind == FT_FRAME_KERNEL ? "[kernel]" : "-";
	*len = strlen(*text);
}

/* Columns for the modules: the widest, unless that is very wide. */
static size_t module_columns(const struct ft_profile *profile, const struct ft_top_row *rows,
			     int count)
{
	size_t columns = strlen("module"), used, len;
	const char *text;

	for (int i = 0; i < count; i++) {
		row_module(profile, &rows[i], &text, &len);
		used = ft_put_name(NULL, text, len, 0);
		if (used > columns && used <= MODULE_COLUMNS_MAX)
			columns = used;
	}
	return columns;
}

static void put_table(struct ft_out *out, const struct ft_profile *profile,
		      const struct ft_top_row *rows, int count, u64 total)
{
	int width = (int)digits(total);
	size_t columns = module_columns(profile, rows, count), len;
	const char *text;

	if (width < (int)strlen("total"))
		width = (int)strlen("total");
	ft_out_printf(out, "\n%*s  self%%  %*s  total%%  %-*s  function\n", width, "self", width,
		      "total", (int)columns, "module");
	for (int i = 0; i < count; i++) {
		const struct ft_top_row *row = &rows[i];

		ft_out_printf(out, "%*llu ", width, (unsigned long long)row->self);
		put_percent(out, row->self, total);
		ft_out_printf(out, "  %*llu  ", width, (unsigned long long)row->total);
		put_percent(out, row->total, total);
		ft_out_text(out, "  ");
		row_module(profile, row, &text, &len);
		ft_put_name(out, text, len, columns);
		ft_out_text(out, "  ");
		ft_put_name(out, ft_strtab_str(profile->strings, row->name),
			    ft_strtab_len(profile->strings, row->name), 0);
		ft_out_char(out, '\n');
	}
}

static int text_write(const struct ft_profile *profile, const struct ft_write_opts *opts,
		      struct ft_out *out)
{
	struct ft_top_row *rows;
	u64 total = ft_tree_total(profile->tree);
	int count = ft_top_functions(profile, UINT32_MAX, &rows);
	int shown = count < ROWS_MAX ? count : ROWS_MAX;

	if (count < 0)
		return count;
	put_head(out, profile, opts->title, total, (u32)count);
	if (profile->has_quality)
		put_quality(out, &profile->quality);
	if (shown)
		put_table(out, profile, rows, shown, total);
	if (count > shown)
		ft_out_printf(out, "(%d more functions with less self weight)\n", count - shown);
	free(rows);
	return 0;
}

const struct ft_writer ft_writer_text = {
	.name = "txt",
	.extension = ".txt",
	.summary = "totals and the table of hottest functions, for reading",
	.write = text_write,
};

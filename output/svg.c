/*
 * svg.c - the flame graph as one SVG file.
 *
 * The file is a finished picture by itself: rectangles in place, labels cut to fit, native
 * tooltips. Beside it travels the whole profile as compressed columns (columns.h), of which the
 * picture shows what is wide enough; browsers that run its script draw from those instead. Names
 * never enter the script, which is the same in every file. Same profile, same bytes: no time, no
 * address, and an order that layout.h fixes. docs/svg.md describes all of it.
 */
#include "output/writers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "output/change.h"
#include "output/color.h"
#include "output/columns.h"
#include "output/escape.h"
#include "output/figures.h"
#include "output/layout.h"
#include "output/svg.h"

/* Pixels. PAD and ROW are the same in svg_view.js. */
#define WIDTH 1200
#define PAD 16
#define PLOT (WIDTH - 2 * PAD)
#define ROW 18
#define HEAD 92 /* title, subtitle, legend */
#define FOOT_LINE 17
#define LABEL_PAD 4

/* Widest advance of a 12 px monospace letter among the fonts that svg.css names, in 1/100 px. */
#define COLUMN 740
#define NARROW 30     /* 1/100 px; narrower boxes are not shown; the same in svg_draw.js */
#define UNNAMED 300   /* 1/100 px; narrower boxes have no tooltip without the script */
#define COLUMNS_MIN 3 /* a shorter label says nothing */

#define NAME_BYTES_MAX 8192 /* of a name in a tooltip */

#define DOT " \xC2\xB7 "
#define ELLIPSIS "\xE2\x80\xA6"

struct page {
	const struct ft_svg *what;
	const struct ft_profile *profile; /* of the plain picture */
	const struct ft_layout *layout;
	struct ft_out *out;
	bool icicle;
	const char *title;
	bool script;
	const struct ft_columns *columns; /* of the profile; NULL without a script, or of a diff */
	u32 rows;			  /* of boxes wide enough to be seen */
	u32 hidden;			  /* frames that are not */
	u32 plot_height;
	u32 height;
};

/* Left edge and width in 1/100 px. */
struct place {
	u64 x, width;
};

static const char *name_of(const struct page *pg, const struct ft_box *box, size_t *len)
{
	u32 id;

	if (box->frame == 0) {
		*len = 3;
		return "all";
	}
	id = pg->profile->frames[box->frame].name;
	*len = ft_strtab_len(pg->profile->strings, id);
	return ft_strtab_str(pg->profile->strings, id);
}

static enum ft_color_class class_of(const struct page *pg, const struct ft_box *box)
{
	return box->frame ? ft_color_class(&pg->profile->frames[box->frame]) : FT_COLOR_ROOT;
}

/* A number of hundredths with no more decimals than it has. */
static void put_hundredths(struct ft_out *out, u64 n)
{
	ft_out_u64(out, n / 100);
	if (n % 100 == 0)
		return;
	ft_out_char(out, '.');
	ft_out_char(out, (char)('0' + n / 10 % 10));
	if (n % 10)
		ft_out_char(out, (char)('0' + n % 10));
}

/* The class of a box: what it is, or how it changed. */
static void put_class(const struct page *pg, const struct ft_box *box, const char *name, size_t len)
{
	struct ft_change_class change;

	if (pg->what->diff) {
		change = ft_change_class(pg->what->diff, box->node);
		ft_out_char(pg->out, change.letter);
		ft_out_char(pg->out, change.digit);
		return;
	}
	ft_out_char(pg->out, ft_color_letter(class_of(pg, box)));
	ft_out_char(pg->out, (char)('0' + ft_color_shade(name, len)));
}

/* A whole profile, in texts of limited length, of which the first says how many counts it is of. */
static int put_part(const struct page *pg, const struct ft_part *part,
		    const struct ft_columns *columns)
{
	double counts = ft_diff_counts(part->profile, ft_tree_total(part->profile->tree));
	const char *name = part->name ? part->name : "";
	struct ft_pack *pack;
	int code;

	ft_out_printf(pg->out, "<metadata class=\"ft-data\" data-counts=\"%.0f\" data-name=\"",
		      counts);
	ft_escape_xml(pg->out, name, strlen(name));
	ft_out_text(pg->out, "\">");
	pack = ft_pack_new(pg->out, "</metadata>\n<metadata class=\"ft-data\">");
	if (!pack)
		return -ENOMEM;
	ft_columns_put(columns, pack);
	code = ft_pack_finish(pack);
	ft_out_text(pg->out, "</metadata>\n");
	return code;
}

static int put_data(const struct page *pg)
{
	int code = 0;

	for (u32 i = 0; !code && i < pg->what->count; i++) {
		const struct ft_part *part = &pg->what->parts[i];
		struct ft_columns *columns = NULL;
		struct ft_order order;

		if (i == 0 && pg->columns) {
			code = put_part(pg, part, pg->columns);
			continue;
		}
		code = ft_order_init(&order, part->profile);
		if (code)
			break;
		code = ft_columns_new(&order, pg->what->in_page, &columns);
		ft_order_fini(&order);
		if (!code)
			code = put_part(pg, part, columns);
		ft_columns_free(columns);
	}
	return code;
}

static void put_subtitle(const struct page *pg)
{
	const struct ft_layout *l = pg->layout;

	if (l->count == 0) {
		ft_out_text(pg->out, "no samples");
		return;
	}
	if (pg->what->diff)
		ft_change_totals(pg->out, pg->what->diff);
	else
		ft_figures_weight(pg->out, pg->profile->unit, l->total);
	ft_out_text(pg->out, DOT);
	ft_figures_grouped(pg->out, (u64)l->count - 1 + l->omitted);
	ft_out_text(pg->out, l->count + (u64)l->omitted == 2 ? " frame" : " frames");
	ft_out_text(pg->out, DOT "depth ");
	ft_figures_grouped(pg->out, l->deepest);
}

/* About how wide a short word is in a 12 px sans-serif font. */
static u32 text_width(const char *word)
{
	u32 tenths = 0;

	for (; *word; word++)
		tenths += strchr("ijltrf .I", *word) ? 42 : strchr("mw+", *word) ? 102 : 74;
	return tenths / 10;
}

/* Returns where the next one goes. */
static u32 put_legend_entry(const struct page *pg, u32 x, const char *name, const char *word)
{
	ft_out_printf(pg->out,
		      "<g transform=\"translate(%u 64)\"><rect class=\"%s\" width=\"12\" "
		      "height=\"12\" rx=\"3\"/><text x=\"18\" y=\"10\">%s</text></g>\n",
		      x, name, word);
	return x + 34 + text_width(word);
}

static void put_legend(const struct page *pg, const u8 *used)
{
	const struct ft_change_key *keys = ft_change_keys();
	u32 x = PAD;

	ft_out_text(pg->out, "<g class=\"ft-legend\">\n");
	for (u32 i = 0; pg->what->diff && i < FT_CHANGE_KEYS; i++)
		x = put_legend_entry(pg, x, keys[i].name, keys[i].text);
	for (u32 cls = FT_COLOR_ROOT + 1; !pg->what->diff && cls < FT_COLOR_COUNT; cls++) {
		const char name[] = {ft_color_letter((enum ft_color_class)cls),
				     '0' + FT_COLOR_SHADES - 2, '\0'};

		if (used[cls])
			x = put_legend_entry(pg, x, name, ft_color_word((enum ft_color_class)cls));
	}
	ft_out_text(pg->out, "</g>\n");
}

static void put_head(const struct page *pg, const u8 *used)
{
	struct ft_out *out = pg->out;
	size_t len = strlen(pg->title);
	bool odd = false;
	size_t cut = ft_escape_fit(pg->title, len, 110, &odd);

	ft_out_text(out,
		    "<g class=\"ft-head\">\n<text class=\"ft-title\" x=\"16\" y=\"30\"><title>");
	ft_escape_xml(out, pg->title, len);
	ft_out_text(out, "</title>");
	ft_escape_xml(out, pg->title, cut);
	ft_out_text(out, cut < len ? ELLIPSIS "</text>\n" : "</text>\n");
	ft_out_text(out, "<text class=\"ft-sub\" x=\"16\" y=\"49\">");
	put_subtitle(pg);
	ft_out_text(out, "</text>\n");
	put_legend(pg, used);
	ft_out_text(out, "</g>\n");
}

static void put_open(const struct page *pg)
{
	struct ft_out *out = pg->out;

	if (!pg->what->in_page)
		ft_out_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	ft_out_printf(out,
		      "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"ft\" width=\"100%%\" "
		      "height=\"%u\" "
		      "viewBox=\"0 0 %d %u\" preserveAspectRatio=\"xMidYMin\" "
		      "role=\"graphics-document document\" aria-roledescription=\"flame graph\" "
		      "data-icicle=\"%d\"%s%s aria-label=\"",
		      pg->height, WIDTH, pg->height, pg->icicle,
		      pg->what->in_page ? " data-page=\"1\"" : "",
		      !pg->what->diff ? ""
		      : pg->what->diff->how == FT_NORMALIZE_NONE
			      ? " data-how=\"change\" data-normalize=\"none\""
			      : " data-how=\"change\"");
	ft_escape_xml(out, pg->title, strlen(pg->title));
	ft_out_text(out, ": ");
	put_subtitle(pg);
	ft_out_text(out, "\">\n<title>");
	ft_escape_xml(out, pg->title, strlen(pg->title));
	ft_out_text(out, "</title>\n");
}

/* The inside of a frame's <title>. */
static void put_details(const struct page *pg, const struct ft_box *box, const char *name,
			size_t len)
{
	const struct ft_layout *l = pg->layout;
	const struct ft_strtab *strings = pg->profile->strings;
	const struct ft_frame *frame = &pg->profile->frames[box->frame];
	const struct ft_place *place;
	struct ft_out *out = pg->out;

	if (len > NAME_BYTES_MAX) {
		ft_escape_xml(out, name, NAME_BYTES_MAX);
		ft_out_text(out, ELLIPSIS);
	} else {
		ft_escape_xml(out, name, len);
	}
	ft_out_char(out, '\n');
	if (pg->what->diff) {
		ft_change_details(out, pg->what->diff, box->node);
		return;
	}
	ft_figures_weight(out, pg->profile->unit, box->total);
	ft_out_text(out, DOT);
	ft_figures_percent(out, box->total, l->total);
	ft_out_text(out, " of all");
	if (box->frame == 0)
		return;
	ft_out_text(out, DOT);
	ft_figures_percent(out, box->total, l->boxes[box->parent].total);
	ft_out_text(out, " of parent" DOT);
	ft_out_text(out, ft_color_word(class_of(pg, box)));
	if (frame->module) {
		ft_out_text(out, DOT);
		ft_escape_xml(out, ft_strtab_str(strings, frame->module),
			      ft_strtab_len(strings, frame->module));
	}
	place = ft_places_find(&pg->profile->places, box->node);
	if (place) {
		ft_out_text(out, DOT);
		ft_escape_xml(out, ft_strtab_str(strings, place->file),
			      ft_strtab_len(strings, place->file));
		ft_out_char(out, ':');
		ft_out_u64(out, place->line);
	}
}

/*
 * The visible name, cut to width (1/100 px). What may be drawn wider than guessed is clipped by a
 * frame of its own.
 */
static void put_label(const struct page *pg, const char *name, size_t len, u64 x, u32 y, u64 width)
{
	struct ft_out *out = pg->out;
	u32 columns = (u32)((width - 2 * 100 * LABEL_PAD) / COLUMN);
	bool odd = false;
	size_t fit = ft_escape_fit(name, len, columns, &odd);

	if (fit < len)
		fit = ft_escape_fit(name, len, columns - 1, &odd);
	if (odd) {
		ft_out_text(out, "<svg x=\"");
		put_hundredths(out, x);
		ft_out_printf(out, "\" y=\"%u\" height=\"%d\" width=\"", y, ROW - 1);
		put_hundredths(out, width - 100 * LABEL_PAD);
		ft_out_text(out, "\">");
		x = 0;
		y = 0;
	}
	ft_out_text(out, "<text x=\"");
	put_hundredths(out, x + 100 * LABEL_PAD);
	ft_out_text(out, "\" y=\"");
	ft_out_u64(out, y + 13);
	ft_out_text(out, "\">");
	ft_escape_xml(out, name, fit);
	ft_out_text(out, fit < len ? ELLIPSIS "</text>" : "</text>");
	if (odd)
		ft_out_text(out, "</svg>");
}

static struct place place_of(const struct page *pg, const struct ft_box *box)
{
	u64 left = ft_figures_share(box->x, pg->layout->total, 100 * PLOT);
	u64 right = ft_figures_share(box->x + box->total, pg->layout->total, 100 * PLOT);

	return (struct place){100 * PAD + left, right - left};
}

static bool is_hidden(const struct page *pg, const struct ft_box *box)
{
	return ft_figures_share(box->total, pg->layout->total, 100 * PLOT) < NARROW;
}

static bool is_narrow(const struct page *pg, const struct ft_box *box)
{
	return place_of(pg, box).width < UNNAMED;
}

static u32 y_of(const struct page *pg, const struct ft_box *box)
{
	return HEAD + (pg->icicle ? box->depth : pg->rows - 1 - box->depth) * ROW;
}

static void put_box(const struct page *pg, const struct ft_box *box)
{
	struct ft_out *out = pg->out;
	struct place place = place_of(pg, box);
	u64 width = place.width - 100; /* the gap */
	u32 y = y_of(pg, box);
	size_t len;
	const char *name = name_of(pg, box, &len);

	ft_out_text(out, "<g class=\"");
	put_class(pg, box, name, len);
	ft_out_text(out, "\"><title>");
	put_details(pg, box, name, len);
	ft_out_text(out, "</title><rect x=\"");
	put_hundredths(out, place.x);
	ft_out_text(out, "\" y=\"");
	ft_out_u64(out, y);
	ft_out_text(out, "\" width=\"");
	put_hundredths(out, width);
	ft_out_text(out, "\" height=\"17\"/>");
	if (width >= 2 * 100 * LABEL_PAD + COLUMNS_MIN * COLUMN && len)
		put_label(pg, name, len, place.x, y, width);
	ft_out_text(out, "</g>\n");
}

/* A box too narrow for a name, as a part of a path. */
static void put_narrow(const struct page *pg, const struct ft_box *box)
{
	struct ft_out *out = pg->out;
	struct place place = place_of(pg, box);

	ft_out_char(out, 'M');
	put_hundredths(out, place.x);
	ft_out_char(out, ' ');
	ft_out_u64(out, y_of(pg, box));
	ft_out_char(out, 'h');
	put_hundredths(out, place.width * 3 / 4);
	ft_out_text(out, "v17h-");
	put_hundredths(out, place.width * 3 / 4);
	ft_out_char(out, 'z');
}

/* What boxes of one colour have in common. */
static u16 narrow_key(const struct page *pg, const struct ft_box *box)
{
	struct ft_change_class change;
	size_t len;
	const char *name = name_of(pg, box, &len);

	if (pg->what->diff) {
		change = ft_change_class(pg->what->diff, box->node);
		return (u16)((u8)change.letter << 8 | (u8)change.digit);
	}
	return (u16)((u8)ft_color_letter(class_of(pg, box)) << 8 |
		     ('0' + ft_color_shade(name, len)));
}

struct narrow {
	u16 key;
	u32 box;
};

static int compare_narrow(const void *a, const void *b)
{
	const struct narrow *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->box < y->box ? -1 : x->box > y->box;
}

/* One path for all of a colour. */
static int put_all_narrow(const struct page *pg)
{
	const struct ft_layout *l = pg->layout;
	struct narrow *list = ft_try_alloc((size_t)l->count + 1, sizeof(*list));
	u32 count = 0;

	if (!list)
		return -ENOMEM;
	for (u32 i = 0; i < l->count; i++) {
		const struct ft_box *box = &l->boxes[i];

		if (!is_hidden(pg, box) && is_narrow(pg, box))
			list[count++] = (struct narrow){narrow_key(pg, box), i};
	}
	qsort(list, count, sizeof(*list), compare_narrow);
	for (u32 i = 0; i < count; i++) {
		if (!i || list[i].key != list[i - 1].key)
			ft_out_printf(pg->out, "<path class=\"%c%c\" d=\"", list[i].key >> 8,
				      list[i].key & 0xFF);
		put_narrow(pg, &l->boxes[list[i].box]);
		if (i + 1 == count || list[i].key != list[i + 1].key)
			ft_out_text(pg->out, "\"/>\n");
	}
	free(list);
	return 0;
}

static int put_boxes(const struct page *pg)
{
	int code;

	ft_out_printf(pg->out, "<g class=\"ft-f\" data-top=\"%d\">\n", HEAD);
	code = put_all_narrow(pg);
	for (u32 i = 0; i < pg->layout->count; i++) {
		const struct ft_box *box = &pg->layout->boxes[i];

		if (!is_hidden(pg, box) && !is_narrow(pg, box))
			put_box(pg, box);
	}
	ft_out_text(pg->out, "</g>\n");
	if (pg->layout->count == 0)
		ft_out_printf(pg->out,
			      "<text class=\"ft-empty\" x=\"%d\" y=\"%d\">No samples: "
			      "nothing ran, or nothing was recorded.</text>\n",
			      PAD, HEAD + 24);
	return code;
}

static u32 foot_lines(const struct page *pg)
{
	return (pg->profile->has_quality ? 1 : 0) + (pg->hidden ? 1 : 0);
}

/* The script takes the second line away: with it, nothing is left out. */
static void put_foot(const struct page *pg)
{
	u32 y = HEAD + pg->plot_height + FOOT_LINE;

	ft_out_text(pg->out, "<g class=\"ft-foot\">\n");
	if (pg->profile->has_quality) {
		ft_out_printf(pg->out, "<text x=\"%d\" y=\"%u\">", PAD, y);
		ft_figures_quality(pg->out, &pg->profile->quality);
		ft_out_text(pg->out, "</text>\n");
		y += FOOT_LINE;
	}
	if (pg->hidden) {
		ft_out_printf(pg->out, "<text class=\"ft-plain\" x=\"%d\" y=\"%u\">", PAD, y);
		ft_figures_grouped(pg->out, pg->hidden);
		ft_out_text(pg->out, pg->hidden == 1 ? " frame is" : " frames are");
		ft_out_text(pg->out, " too narrow to be seen here");
		ft_out_text(pg->out, pg->script ? "; a browser that runs the picture's script "
						  "shows all by zooming in</text>\n"
						: "</text>\n");
	}
	ft_out_text(pg->out, "</g>\n");
}

static void measure(struct page *pg, u8 *used)
{
	pg->hidden = pg->layout->omitted;
	for (u32 i = 0; i < pg->layout->count; i++) {
		const struct ft_box *box = &pg->layout->boxes[i];

		used[class_of(pg, box)] = 1;
		if (is_hidden(pg, box))
			pg->hidden++;
		else if (box->depth + 1 > pg->rows)
			pg->rows = box->depth + 1;
	}
	pg->plot_height = pg->layout->count ? pg->rows * ROW : 2 * ROW;
	pg->height = HEAD + pg->plot_height + foot_lines(pg) * FOOT_LINE + PAD;
}

static int put_page(struct page *pg)
{
	u8 used[FT_COLOR_COUNT] = {[FT_COLOR_ROOT] = 1};
	int code;

	measure(pg, used);
	put_open(pg);
	ft_out_text(pg->out, "<style><![CDATA[");
	ft_svg_style(pg->out);
	ft_out_text(pg->out, "]]></style>\n");
	ft_out_text(pg->out, "<rect class=\"ft-bg\" width=\"100%\" height=\"100%\"/>\n");
	code = put_boxes(pg);
	put_head(pg, used);
	put_foot(pg);
	if (!code && pg->script) {
		code = put_data(pg);
		ft_out_text(pg->out, "<script><![CDATA[");
		ft_svg_script(pg->out);
		ft_out_text(pg->out, "]]></script>\n");
	}
	ft_out_text(pg->out, "</svg>\n");
	return code;
}

/* Whether the script will begin with the root on top, as below a timeline: so does the picture. */
static bool has_views(const struct ft_svg *what)
{
	if (!what->in_page || what->diff)
		return false;
	return what->count > 1 || what->parts->profile->rounds.count > 1;
}

int ft_svg_put(const struct ft_svg *what, const struct ft_write_opts *opts, struct ft_out *out)
{
	const struct ft_profile *profile = what->diff ? what->diff->profile : what->parts->profile;
	struct ft_columns *columns = NULL;
	struct ft_layout layout = {0};
	struct ft_order order;
	struct page pg = {
		.what = what,
		.profile = profile,
		.layout = &layout,
		.out = out,
		.icicle = opts->icicle || has_views(what),
		.title = opts->title ? opts->title : profile->title,
	};
	int code = ft_order_init(&order, profile);

	if (!code)
		code = ft_layout_init(&layout, &order);
	ft_order_drop_totals(&order);
	pg.script = !opts->no_script && (layout.count || what->count > 1);
	if (!code && pg.script && !what->diff)
		code = ft_columns_new(&order, what->in_page, &columns);
	ft_order_fini(&order);
	pg.columns = columns;
	if (!pg.title)
		pg.title = "Flame graph";
	if (!code)
		code = put_page(&pg);
	ft_columns_free(columns);
	ft_layout_fini(&layout);
	return code;
}

static int svg_write(const struct ft_profile *profile, const struct ft_write_opts *opts,
		     struct ft_out *out)
{
	const struct ft_part alone = {.profile = profile};
	const struct ft_svg what = {.parts = &alone, .count = 1};

	return ft_svg_put(&what, opts, out);
}

const struct ft_writer ft_writer_svg = {
	.name = "svg",
	.extension = ".svg",
	.summary = "interactive flame graph for browsers; also a plain picture",
	.write = svg_write,
};

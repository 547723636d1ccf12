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
	const struct ft_profile *profile;
	const struct ft_layout *layout;
	struct ft_out *out;
	bool icicle;
	bool in_page; /* of HTML */
	const char *title;
	bool script;
	const struct ft_columns *columns; /* NULL without a script */
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

/* The whole profile. */
static int put_data(const struct page *pg)
{
	struct ft_pack *pack;
	int code;

	ft_out_text(pg->out, "<metadata class=\"ft-data\">");
	pack = ft_pack_new(pg->out, "</metadata>\n<metadata class=\"ft-data\">");
	if (!pack)
		return -ENOMEM;
	ft_columns_put(pg->columns, pack);
	code = ft_pack_finish(pack);
	ft_out_text(pg->out, "</metadata>\n");
	return code;
}

static void put_subtitle(const struct page *pg)
{
	const struct ft_layout *l = pg->layout;

	if (l->count == 0) {
		ft_out_text(pg->out, "no samples");
		return;
	}
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

static void put_legend(const struct page *pg, const u8 *used)
{
	u32 x = PAD;

	ft_out_text(pg->out, "<g class=\"ft-legend\">\n");
	for (u32 cls = FT_COLOR_ROOT + 1; cls < FT_COLOR_COUNT; cls++) {
		const char *word = ft_color_word((enum ft_color_class)cls);

		if (!used[cls])
			continue;
		ft_out_printf(pg->out,
			      "<g transform=\"translate(%u 64)\"><rect class=\"%c%d\" width=\"12\" "
			      "height=\"12\" rx=\"3\"/><text x=\"18\" y=\"10\">%s</text></g>\n",
			      x, ft_color_letter((enum ft_color_class)cls), FT_COLOR_SHADES - 2,
			      word);
		x += 34 + text_width(word);
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

	if (!pg->in_page)
		ft_out_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	ft_out_printf(out,
		      "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"ft\" width=\"100%%\" "
		      "height=\"%u\" "
		      "viewBox=\"0 0 %d %u\" preserveAspectRatio=\"xMidYMin\" "
		      "role=\"graphics-document document\" aria-roledescription=\"flame graph\" "
		      "data-icicle=\"%d\"%s aria-label=\"",
		      pg->height, WIDTH, pg->height, pg->icicle,
		      pg->in_page ? " data-page=\"1\"" : "");
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
	ft_out_char(out, ft_color_letter(class_of(pg, box)));
	ft_out_char(out, (char)('0' + ft_color_shade(name, len)));
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

/* Boxes too narrow for a name: one path for all of a colour. */
static void put_narrow(const struct page *pg, const u32 *list, const u8 *keys, u32 count, u32 key)
{
	struct ft_out *out = pg->out;
	bool begun = false;

	for (u32 i = 0; i < count; i++) {
		struct place place;

		if (keys[i] != key)
			continue;
		if (!begun)
			ft_out_printf(out, "<path class=\"%c%u\" d=\"",
				      ft_color_letter((enum ft_color_class)(key / FT_COLOR_SHADES)),
				      key % FT_COLOR_SHADES);
		begun = true;
		place = place_of(pg, &pg->layout->boxes[list[i]]);
		ft_out_char(out, 'M');
		put_hundredths(out, place.x);
		ft_out_char(out, ' ');
		ft_out_u64(out, y_of(pg, &pg->layout->boxes[list[i]]));
		ft_out_char(out, 'h');
		put_hundredths(out, place.width * 3 / 4);
		ft_out_text(out, "v17h-");
		put_hundredths(out, place.width * 3 / 4);
		ft_out_char(out, 'z');
	}
	if (begun)
		ft_out_text(out, "\"/>\n");
}

static int put_all_narrow(const struct page *pg)
{
	const struct ft_layout *l = pg->layout;
	u32 *list = ft_try_alloc((size_t)l->count + 1, sizeof(*list)), count = 0;
	u8 *keys = ft_try_alloc((size_t)l->count + 1, sizeof(*keys));

	if (!list || !keys) {
		free(list);
		free(keys);
		return -ENOMEM;
	}
	for (u32 i = 0; i < l->count; i++) {
		const struct ft_box *box = &l->boxes[i];
		size_t len;
		const char *name;

		if (is_hidden(pg, box) || !is_narrow(pg, box))
			continue;
		name = name_of(pg, box, &len);
		keys[count] = (u8)(class_of(pg, box) * FT_COLOR_SHADES + ft_color_shade(name, len));
		list[count++] = i;
	}
	for (u32 key = 0; key < FT_COLOR_COUNT * FT_COLOR_SHADES; key++)
		put_narrow(pg, list, keys, count, key);
	free(list);
	free(keys);
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

int ft_svg_put(const struct ft_profile *profile, const struct ft_write_opts *opts, bool in_page,
	       struct ft_out *out)
{
	struct ft_columns *columns = NULL;
	struct ft_layout layout = {0};
	struct ft_order order;
	struct page pg = {
		.profile = profile,
		.layout = &layout,
		.out = out,
		.icicle = opts->icicle,
		.in_page = in_page,
		.title = opts->title ? opts->title : profile->title,
	};
	int code = ft_order_init(&order, profile);

	if (!code)
		code = ft_layout_init(&layout, &order);
	ft_order_drop_totals(&order);
	pg.script = !opts->no_script && layout.count;
	if (!code && pg.script)
		code = ft_columns_new(&order, &columns);
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
	return ft_svg_put(profile, opts, false, out);
}

const struct ft_writer ft_writer_svg = {
	.name = "svg",
	.extension = ".svg",
	.summary = "interactive flame graph for browsers; also a plain picture",
	.write = svg_write,
};

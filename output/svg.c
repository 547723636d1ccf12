/*
 * svg.c - the flame graph as one SVG file.
 *
 * The file is a finished picture by itself: rectangles in place, labels cut to fit, native
 * tooltips. Browsers that run its script make it interactive; the script takes all it knows from
 * the picture (widths from data-w, depth from the order and the rows, names and figures from
 * <title>), so nothing is said twice and names never enter a script. A frame's <title> is its name,
 * a line feed, and its figures; names cannot hold a line feed (escape.h). Same profile, same bytes:
 * no time, no address, and an order that layout.h fixes.
 */
#include "output/writers.h"

#include <string.h>

#include "embed/svg.css.h"
#include "embed/svg.js.h"
#include "output/color.h"
#include "output/escape.h"
#include "output/layout.h"

/* Pixels. PAD and ROW are known to svg.js, too. */
#define WIDTH 1200
#define PAD 16
#define PLOT (WIDTH - 2 * PAD)
#define ROW 18
#define HEAD 92 /* title, subtitle, legend */
#define FOOT_LINE 17
#define LABEL_PAD 4

/* Widest advance of a 12 px monospace letter among the fonts that svg.css names, in 1/100 px. */
#define COLUMN 740
#define NARROW 30 /* 1/100 px; narrower boxes are hidden until zoomed into; known to svg.js, too */
#define COLUMNS_MIN 3 /* a shorter label says nothing */

#define NAME_BYTES_MAX 8192 /* of a name in a tooltip */

#define DOT " \xC2\xB7 "
#define ELLIPSIS "\xE2\x80\xA6"

struct page {
	const struct ft_profile *profile;
	const struct ft_layout *layout;
	struct ft_out *out;
	bool icicle;
	const char *title;
	u32 rows;   /* of boxes wide enough to be seen before zooming */
	u32 hidden; /* boxes that are not */
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

/* part * scale / whole, rounded down. */
static u64 share(u64 part, u64 whole, u64 scale)
{
	return (u64)((__uint128_t)part * scale / whole);
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

static void put_percent(struct ft_out *out, u64 part, u64 whole)
{
	u64 n = share(part, whole, 10000);

	if (n == 0 && part) {
		ft_out_text(out, "&lt;0.01 %");
		return;
	}
	ft_out_u64(out, n / 100);
	ft_out_char(out, '.');
	ft_out_char(out, (char)('0' + n / 10 % 10));
	ft_out_char(out, (char)('0' + n % 10));
	ft_out_text(out, " %");
}

/* 1,234,567 */
static void put_grouped(struct ft_out *out, u64 n)
{
	char text[27];
	size_t at = sizeof(text);
	u32 digits = 0;

	do {
		if (digits && digits % 3 == 0)
			text[--at] = ',';
		text[--at] = (char)('0' + n % 10);
		n /= 10;
		digits++;
	} while (n);
	ft_out_bytes(out, text + at, sizeof(text) - at);
}

/*
 * n of the small unit as a number of the largest of the units that it fills, with 3 decimals:
 * 12.345 ms.
 */
static void put_scaled(struct ft_out *out, u64 n, u64 step, const char *const *units, u32 count)
{
	u64 divisor = 1;
	u32 u = 0;

	while (u + 1 < count && n / divisor >= step) {
		divisor *= step;
		u++;
	}
	put_grouped(out, n / divisor);
	if (u > 0) {
		u64 rest = share(n % divisor, divisor, 1000);

		ft_out_char(out, '.');
		ft_out_char(out, (char)('0' + rest / 100));
		ft_out_char(out, (char)('0' + rest / 10 % 10));
		ft_out_char(out, (char)('0' + rest % 10));
	}
	ft_out_char(out, ' ');
	ft_out_text(out, units[u]);
}

static void put_weight(struct ft_out *out, enum ft_unit unit, u64 n)
{
	static const char *const times[] = {"ns", "\xC2\xB5s", "ms", "s"};
	static const char *const sizes[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};

	switch (unit) {
	case FT_UNIT_NANOSECONDS:
		put_scaled(out, n, 1000, times, 4);
		break;
	case FT_UNIT_MICROSECONDS:
		put_scaled(out, n, 1000, times + 1, 3);
		break;
	case FT_UNIT_BYTES:
		put_scaled(out, n, 1024, sizes, 5);
		break;
	case FT_UNIT_SAMPLES:
	case FT_UNIT_EVENTS:
	default:
		put_grouped(out, n);
		ft_out_char(out, ' ');
		ft_out_text(out, ft_unit_name(unit, n));
	}
}

static void put_fill_rules(const struct page *pg, const u8 *used, bool dark)
{
	for (u32 cls = 0; cls < FT_COLOR_COUNT; cls++) {
		for (u32 shade = 0; used[cls] && shade < FT_COLOR_SHADES; shade++)
			ft_out_printf(pg->out, ".ft .%c%u{fill:#%06x}\n",
				      ft_color_letter((enum ft_color_class)cls), shade,
				      ft_color_fill((enum ft_color_class)cls, shade, dark));
	}
	ft_out_printf(pg->out, ".ft .ft-f text{fill:#%06x}\n", ft_color_label(dark));
}

static void put_style(const struct page *pg, const u8 *used)
{
	ft_out_text(pg->out, "<style><![CDATA[\n");
	put_fill_rules(pg, used, false);
	ft_out_text(pg->out, "@media screen and (prefers-color-scheme:dark){\n");
	put_fill_rules(pg, used, true);
	ft_out_text(pg->out, "}\n");
	ft_out_bytes(pg->out, ft_embed_svg_css, sizeof(ft_embed_svg_css) - 1);
	ft_out_text(pg->out, "]]></style>\n");
}

static void put_script(const struct page *pg)
{
	ft_out_text(pg->out, "<script><![CDATA[\n");
	ft_out_bytes(pg->out, ft_embed_svg_js, sizeof(ft_embed_svg_js) - 1);
	ft_out_text(pg->out, "]]></script>\n");
}

static void put_subtitle(const struct page *pg)
{
	const struct ft_layout *l = pg->layout;

	if (l->count == 0) {
		ft_out_text(pg->out, "no samples");
		return;
	}
	put_weight(pg->out, pg->profile->unit, l->total);
	ft_out_text(pg->out, DOT);
	put_grouped(pg->out, (u64)l->count - 1 + l->omitted);
	ft_out_text(pg->out, l->count + (u64)l->omitted == 2 ? " frame" : " frames");
	ft_out_text(pg->out, DOT "depth ");
	put_grouped(pg->out, l->rows - 1);
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

	ft_out_printf(out,
		      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		      "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"ft\" width=\"100%%\" "
		      "height=\"%u\" "
		      "viewBox=\"0 0 %d %u\" preserveAspectRatio=\"xMidYMin\" "
		      "role=\"graphics-document document\" aria-roledescription=\"flame graph\" "
		      "data-icicle=\"%d\" aria-label=\"",
		      pg->height, WIDTH, pg->height, pg->icicle);
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
	put_weight(out, pg->profile->unit, box->total);
	ft_out_text(out, DOT);
	put_percent(out, box->total, l->total);
	ft_out_text(out, " of all");
	if (box->frame == 0)
		return;
	ft_out_text(out, DOT);
	put_percent(out, box->total, l->boxes[box->parent].total);
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
	u64 left = share(box->x, pg->layout->total, 100 * PLOT);
	u64 right = share(box->x + box->total, pg->layout->total, 100 * PLOT);

	return (struct place){100 * PAD + left, right - left};
}

static bool is_hidden(const struct page *pg, const struct ft_box *box)
{
	return share(box->total, pg->layout->total, 100 * PLOT) < NARROW;
}

static void put_box(const struct page *pg, const struct ft_box *box)
{
	struct ft_out *out = pg->out;
	struct place place = place_of(pg, box);
	u64 width = place.width > 300 ? place.width - 100 : place.width * 2 / 3; /* the gap */
	/* Hidden boxes may be above the picture: the script wants to know their rows. */
	int row = (int)(pg->icicle ? box->depth : pg->rows - 1 - box->depth);
	int y = HEAD + row * ROW;
	size_t len;
	const char *name = name_of(pg, box, &len);

	ft_out_text(out, is_hidden(pg, box) ? "<g display=\"none\" class=\"" : "<g class=\"");
	ft_out_char(out, ft_color_letter(class_of(pg, box)));
	ft_out_char(out, (char)('0' + ft_color_shade(name, len)));
	ft_out_text(out, "\" data-w=\"");
	ft_out_u64(out, box->total);
	ft_out_text(out, "\"><title>");
	put_details(pg, box, name, len);
	ft_out_text(out, "</title><rect x=\"");
	put_hundredths(out, place.x);
	ft_out_text(out, "\" y=\"");
	if (y < 0)
		ft_out_char(out, '-');
	ft_out_u64(out, (u64)(y < 0 ? -y : y));
	ft_out_text(out, "\" width=\"");
	put_hundredths(out, width);
	ft_out_text(out, "\" height=\"17\" rx=\"2\"/>");
	if (width >= 2 * 100 * LABEL_PAD + COLUMNS_MIN * COLUMN && len)
		put_label(pg, name, len, place.x, (u32)y, width);
	ft_out_text(out, "</g>\n");
}

static void put_boxes(const struct page *pg)
{
	ft_out_text(pg->out, "<g class=\"ft-f\">\n");
	for (u32 i = 0; i < pg->layout->count; i++)
		put_box(pg, &pg->layout->boxes[i]);
	ft_out_text(pg->out, "</g>\n");
	if (pg->layout->count == 0)
		ft_out_printf(pg->out,
			      "<text class=\"ft-empty\" x=\"%d\" y=\"%d\">No samples: "
			      "nothing ran, or nothing was recorded.</text>\n",
			      PAD, HEAD + 24);
}

static void put_quality(const struct page *pg)
{
	const struct ft_quality *q = &pg->profile->quality;
	struct ft_out *out = pg->out;
	u64 lost = ft_quality_lost(q);

	if (q->ends[FT_END_LEAF_ONLY]) {
		ft_out_text(out, "user stacks not walked, as asked" DOT);
	} else if (q->user_stacks) {
		put_percent(out, q->ends[FT_END_ROOT], q->user_stacks);
		ft_out_text(out, " of ");
		put_grouped(out, q->user_stacks);
		ft_out_text(out, " user stacks reached a root" DOT);
	}
	if (q->frames) {
		u64 named = q->frames_named < q->frames ? q->frames_named : q->frames;

		put_percent(out, q->frames - named, q->frames);
		ft_out_text(out, " of frames have no symbol" DOT);
	}
	put_grouped(out, lost);
	ft_out_text(out, lost == 1 ? " sample or event lost" : " samples or events lost");
}

static u32 foot_lines(const struct page *pg)
{
	return (pg->profile->has_quality ? 1 : 0) + (pg->layout->omitted || pg->hidden ? 1 : 0);
}

static void put_left_out(const struct page *pg)
{
	const struct ft_layout *l = pg->layout;
	struct ft_out *out = pg->out;

	if (pg->hidden) {
		put_grouped(out, pg->hidden);
		ft_out_text(out, pg->hidden == 1 ? " frame is" : " frames are");
		ft_out_text(out, " too narrow to be seen before zooming in");
	}
	if (pg->hidden && l->omitted)
		ft_out_text(out, DOT);
	if (l->omitted) {
		put_grouped(out, l->omitted);
		ft_out_text(out, l->omitted == 1 ? " frame" : " frames");
		ft_out_text(out, " of less than ");
		put_weight(out, pg->profile->unit, l->least);
		ft_out_text(out, " (");
		put_percent(out, l->least, l->total);
		ft_out_text(out, ") left out of the picture and of its search");
	}
}

static void put_foot(const struct page *pg)
{
	const struct ft_layout *l = pg->layout;
	u32 y = HEAD + pg->plot_height + FOOT_LINE;

	ft_out_text(pg->out, "<g class=\"ft-foot\">\n");
	if (pg->profile->has_quality) {
		ft_out_printf(pg->out, "<text x=\"%d\" y=\"%u\">", PAD, y);
		put_quality(pg);
		ft_out_text(pg->out, "</text>\n");
		y += FOOT_LINE;
	}
	if (l->omitted || pg->hidden) {
		ft_out_printf(pg->out, "<text x=\"%d\" y=\"%u\">", PAD, y);
		put_left_out(pg);
		ft_out_text(pg->out, "</text>\n");
	}
	ft_out_text(pg->out, "</g>\n");
}

static void put_page(struct page *pg)
{
	u8 used[FT_COLOR_COUNT] = {[FT_COLOR_ROOT] = 1};

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
	put_open(pg);
	put_style(pg, used);
	ft_out_text(pg->out, "<rect class=\"ft-bg\" width=\"100%\" height=\"100%\"/>\n");
	put_boxes(pg);
	put_head(pg, used);
	put_foot(pg);
	if (pg->layout->count)
		put_script(pg);
	ft_out_text(pg->out, "</svg>\n");
}

static int svg_write(const struct ft_profile *profile, const struct ft_write_opts *opts,
		     struct ft_out *out)
{
	struct ft_layout layout;
	struct page pg = {
		.profile = profile,
		.layout = &layout,
		.out = out,
		.icicle = opts->icicle,
		.title = opts->title ? opts->title : profile->title,
	};
	int code = ft_layout_init(&layout, profile);

	if (code)
		return code;
	if (!pg.title)
		pg.title = "Flame graph";
	put_page(&pg);
	ft_layout_fini(&layout);
	return 0;
}

const struct ft_writer ft_writer_svg = {
	.name = "svg",
	.extension = ".svg",
	.summary = "interactive flame graph for browsers; also a plain picture",
	.write = svg_write,
};

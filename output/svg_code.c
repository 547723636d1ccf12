/* svg_code.c - style and script of the flame graph. See svg.h. */
#include "embed/svg.css.h"
#include "embed/svg.js.h"
#include "embed/svg_data.js.h"
#include "embed/svg_draw.js.h"
#include "embed/svg_time.js.h"
#include "embed/svg_tools.js.h"
#include "embed/svg_tree.js.h"
#include "embed/svg_view.js.h"
#include "embed/svg_views.js.h"
#include "embed/svg_walk.js.h"
#include "output/change.h"
#include "output/color.h"
#include "output/svg.h"

static void put_fill_rules(struct ft_out *out, bool dark)
{
	for (u32 cls = 0; cls < FT_COLOR_COUNT; cls++) {
		for (u32 shade = 0; shade < FT_COLOR_SHADES; shade++)
			ft_out_printf(out, ".ft .%c%u{fill:#%06x}\n",
				      ft_color_letter((enum ft_color_class)cls), shade,
				      ft_color_fill((enum ft_color_class)cls, shade, dark));
	}
	ft_change_style(out, dark);
	ft_out_printf(out, ".ft .ft-f text{fill:#%06x}\n", ft_color_label(dark));
}

static const char *const scripts[] = {
	ft_embed_svg_data_js, ft_embed_svg_tree_js,  ft_embed_svg_view_js,
	ft_embed_svg_draw_js, ft_embed_svg_tools_js, ft_embed_svg_views_js,
	ft_embed_svg_time_js, ft_embed_svg_walk_js,  ft_embed_svg_js,
};

void ft_svg_style(struct ft_out *out)
{
	ft_out_char(out, '\n');
	put_fill_rules(out, false);
	ft_out_text(out, "@media screen and (prefers-color-scheme:dark){\n");
	put_fill_rules(out, true);
	ft_out_text(out, "}\n");
	ft_out_bytes(out, ft_embed_svg_css, sizeof(ft_embed_svg_css) - 1);
}

void ft_svg_script(struct ft_out *out)
{
	ft_out_text(out, "\n(() => {\n'use strict';\n");
	for (u32 i = 0; i < FT_ARRAY_LEN(scripts); i++)
		ft_out_text(out, scripts[i]);
	ft_out_text(out, "})();\n");
}

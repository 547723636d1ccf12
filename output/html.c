/*
 * html.c - the flame graph as a page, with notes above it.
 *
 * One file that needs nothing else, and says so: its policy allows the script and the two styles
 * that it was written with, by their hashes, and nothing that comes over a network.
 */
#include <errno.h>
#include <string.h>

#include "embed/html.css.h"
#include "output/escape.h"
#include "output/markdown.h"
#include "output/pack.h"
#include "output/sha256.h"
#include "output/svg.h"
#include "output/writers.h"

static void put_hash(struct ft_out *out, const void *data, size_t len)
{
	u8 digest[FT_SHA256_BYTES];
	char text[(FT_SHA256_BYTES + 2) / 3 * 4];

	ft_sha256(data, len, digest);
	ft_out_text(out, " 'sha256-");
	ft_out_bytes(out, text, ft_pack_base64(digest, sizeof(digest), text));
	ft_out_char(out, '\'');
}

static void put_hash_of(struct ft_out *out, void (*put)(struct ft_out *out))
{
	struct ft_out *memory = ft_out_new_memory();
	const char *data;
	size_t len;

	put(memory);
	data = ft_out_memory(memory, &len);
	put_hash(out, data, len);
	ft_out_close(memory);
}

static void put_policy(struct ft_out *out, bool script)
{
	ft_out_text(out, "<meta http-equiv=\"Content-Security-Policy\" "
			 "content=\"default-src 'none'; base-uri 'none'; form-action 'none'");
	if (script) {
		ft_out_text(out, "; script-src");
		put_hash_of(out, ft_svg_script);
	}
	ft_out_text(out, "; style-src");
	put_hash(out, ft_embed_html_css, sizeof(ft_embed_html_css) - 1);
	put_hash_of(out, ft_svg_style);
	ft_out_text(out, "\">\n");
}

static void put_head(const struct ft_write_opts *opts, const char *title, struct ft_out *out)
{
	ft_out_text(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
	put_policy(out, !opts->no_script);
	ft_out_text(out, "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
	ft_escape_xml(out, title, strlen(title));
	ft_out_text(out, "</title>\n<style>");
	ft_out_bytes(out, ft_embed_html_css, sizeof(ft_embed_html_css) - 1);
	ft_out_text(out, "</style>\n</head>\n<body>\n");
}

int ft_html_put(const struct ft_svg *what, const struct ft_write_opts *opts, struct ft_out *out)
{
	const char *title = opts->title ? opts->title : what->parts->profile->title;
	int code;

	put_head(opts, title ? title : "Flame graph", out);
	if (opts->notes) {
		ft_out_text(out, "<article class=\"notes\">\n");
		ft_markdown_html(out, opts->notes, opts->notes_len);
		ft_out_text(out, "</article>\n");
	}
	ft_out_text(out, "<main>\n");
	code = ft_svg_put(what, opts, out);
	ft_out_text(out, "</main>\n</body>\n</html>\n");
	return code;
}

static int html_write(const struct ft_profile *profile, const struct ft_write_opts *opts,
		      struct ft_out *out)
{
	const struct ft_part alone = {.profile = profile};
	const struct ft_svg what = {.parts = opts->parts ? opts->parts : &alone,
				    .count = opts->parts ? opts->part_count : 1,
				    .in_page = true};

	return ft_html_put(&what, opts, out);
}

const struct ft_writer ft_writer_html = {
	.name = "html",
	.extension = ".html",
	.summary = "the flame graph as a page, with notes (--note)",
	.write = html_write,
};

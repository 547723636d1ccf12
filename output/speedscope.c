/*
 * speedscope.c - the writer of speedscope's JSON: one sampled profile, a stack an entry.
 *
 * The format: https://www.speedscope.app/file-format-schema.json
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "output/json.h"
#include "output/writers.h"

static const char *unit_word(enum ft_unit unit)
{
	return unit == FT_UNIT_NANOSECONDS    ? "nanoseconds"
	       : unit == FT_UNIT_MICROSECONDS ? "microseconds"
	       : unit == FT_UNIT_BYTES	      ? "bytes"
					      : "none";
}

static void put_frames(struct ft_out *out, const struct ft_profile *profile)
{
	for (u32 i = 1; i < profile->frame_count; i++) {
		const struct ft_frame *frame = &profile->frames[i];

		ft_out_text(out, i > 1 ? ",\n{\"name\":" : "{\"name\":");
		ft_json_string(out, profile, frame->name);
		if (frame->module) {
			ft_out_text(out, ",\"file\":");
			ft_json_string(out, profile, frame->module);
		}
		ft_out_char(out, '}');
	}
}

/* The stacks that end in nodes with weight, outermost frame first. */
static int put_samples(struct ft_out *out, const struct ft_profile *profile)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(profile->tree);
	u32 count = ft_tree_count(profile->tree), *path = NULL;
	bool first = true;
	size_t cap = 0;

	for (u32 i = 1; i < count; i++) {
		size_t len = 0;

		if (!nodes[i].self)
			continue;
		for (u32 at = i; at != FT_TREE_ROOT; at = nodes[at].parent) {
			if (FT_GROW_RAW(&path, &cap, len + 1)) {
				free(path);
				return -ENOMEM;
			}
			path[len++] = nodes[at].key - 1;
		}
		ft_out_text(out, first ? "[" : ",\n[");
		first = false;
		while (len-- > 0) {
			ft_out_u64(out, path[len]);
			if (len)
				ft_out_char(out, ',');
		}
		ft_out_char(out, ']');
	}
	free(path);
	return 0;
}

static void put_weights(struct ft_out *out, const struct ft_profile *profile)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(profile->tree);
	bool first = true;

	for (u32 i = 1; i < ft_tree_count(profile->tree); i++) {
		if (!nodes[i].self)
			continue;
		if (!first)
			ft_out_char(out, ',');
		first = false;
		ft_out_u64(out, nodes[i].self);
	}
}

static int speedscope_write(const struct ft_profile *profile, const struct ft_write_opts *opts,
			    struct ft_out *out)
{
	const char *title = opts->title ? opts->title : profile->title ? profile->title : "profile";
	int code;

	ft_out_text(out, "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n"
			 "\"exporter\":\"flametap " FT_VERSION "\",\n\"name\":");
	ft_json_text(out, title, strlen(title));
	ft_out_text(out, ",\n\"activeProfileIndex\":0,\n\"shared\":{\"frames\":[\n");
	put_frames(out, profile);
	ft_out_text(out, "\n]},\n\"profiles\":[{\"type\":\"sampled\",\"name\":");
	ft_json_text(out, title, strlen(title));
	ft_out_printf(out,
		      ",\"unit\":\"%s\",\"startValue\":0,\"endValue\":", unit_word(profile->unit));
	ft_out_u64(out, ft_tree_total(profile->tree));
	ft_out_text(out, ",\n\"samples\":[\n");
	code = put_samples(out, profile);
	ft_out_text(out, "\n],\n\"weights\":[");
	put_weights(out, profile);
	ft_out_text(out, "]}]}\n");
	return code;
}

const struct ft_writer ft_writer_speedscope = {
	.name = "speedscope",
	.extension = ".speedscope.json",
	.summary = "for speedscope.app",
	.write = speedscope_write,
};

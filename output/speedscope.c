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

/* In the order of their time if that is known, else so that equal callers are neighbours. */
struct samples {
	struct ft_round_weight *list;
	u32 count;
	size_t cap;
};

static int sample_add(struct samples *s, u32 node, u64 weight)
{
	if (!weight)
		return 0;
	if (FT_GROW_RAW(&s->list, &s->cap, (size_t)s->count + 1))
		return -ENOMEM;
	s->list[s->count++] = (struct ft_round_weight){.node = node, .weight = weight};
	return 0;
}

/* All nodes depth first. */
static int samples_by_stack(struct samples *s, const struct ft_tree *tree)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(tree);
	u32 count = ft_tree_count(tree), node = FT_TREE_ROOT;
	u32 *first = ft_try_alloc(count, sizeof(*first)),
	    *next = ft_try_alloc(count, sizeof(*next));
	int code = first && next ? 0 : -ENOMEM;

	for (u32 i = code ? 0 : count - 1; i > FT_TREE_ROOT; i--) {
		next[i] = first[nodes[i].parent];
		first[nodes[i].parent] = i;
	}
	while (!code) {
		if (node)
			code = sample_add(s, node, nodes[node].self);
		if (first[node]) {
			node = first[node];
			continue;
		}
		while (node && !next[node])
			node = nodes[node].parent;
		if (!node)
			break;
		node = next[node];
	}
	free(first);
	free(next);
	return code;
}

static int samples_collect(struct samples *s, const struct ft_profile *profile)
{
	const struct ft_rounds *rounds = &profile->rounds;
	int code = 0;

	if (!rounds->count)
		return samples_by_stack(s, profile->tree);
	for (u32 r = 0; r < rounds->count; r++)
		for (u32 i = 0; !code && i < rounds->list[r].count; i++) {
			const struct ft_round_weight *w =
				&rounds->weights[rounds->list[r].first + i];

			code = sample_add(s, w->node, w->weight);
		}
	return code;
}

/* Each stack, outermost frame first. */
static int put_stacks(struct ft_out *out, const struct ft_profile *profile, const struct samples *s)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(profile->tree);
	u32 *path = NULL;
	size_t cap = 0;

	for (u32 i = 0; i < s->count; i++) {
		size_t len = 0;

		for (u32 at = s->list[i].node; at != FT_TREE_ROOT; at = nodes[at].parent) {
			if (FT_GROW_RAW(&path, &cap, len + 1)) {
				free(path);
				return -ENOMEM;
			}
			path[len++] = nodes[at].key - 1;
		}
		ft_out_text(out, i ? ",\n[" : "[");
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

static int speedscope_write(const struct ft_profile *profile, const struct ft_write_opts *opts,
			    struct ft_out *out)
{
	const char *title = opts->title ? opts->title : profile->title ? profile->title : "profile";
	struct samples samples = {0};
	int code = samples_collect(&samples, profile);

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
	if (!code)
		code = put_stacks(out, profile, &samples);
	ft_out_text(out, "\n],\n\"weights\":[");
	for (u32 i = 0; i < samples.count; i++) {
		if (i)
			ft_out_char(out, ',');
		ft_out_u64(out, samples.list[i].weight);
	}
	ft_out_text(out, "]}]}\n");
	free(samples.list);
	return code;
}

const struct ft_writer ft_writer_speedscope = {
	.name = "speedscope",
	.extension = ".speedscope.json",
	.summary = "for speedscope.app",
	.write = speedscope_write,
};

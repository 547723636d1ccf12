/*
 * chrome.c - the writer of Chrome's trace JSON: stacks over time, for Perfetto and chrome://tracing.
 *
 * What a timeline knows is how often each stack was seen in a short time. Each such time becomes a
 * small flame graph of its width, in which every frame is a complete event ("X"); every process is
 * a track. Without a timeline there is one, as wide as the weights of all.
 *
 * The format: "Trace Event Format", JSON object form.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "output/json.h"
#include "output/writers.h"

#define EVENT_BYTES 160 /* three numbers of 20 digits and the words between them */

struct chrome {
	const struct ft_profile *profile;
	const struct ft_tree_node *nodes;
	struct ft_out *out;
	u32 count;
	u64 *totals;  /* of the round at hand */
	u64 *end_us;  /* of each node's event */
	double *left; /* where the next child of a node begins */
	u32 *track;   /* the outermost node above each */
	bool comma;
};

static void begin_event(struct chrome *c)
{
	if (c->comma)
		ft_out_text(c->out, ",\n");
	c->comma = true;
}

static void put_tracks(struct chrome *c)
{
	for (u32 i = 1; i < c->count; i++) {
		c->track[i] = c->nodes[i].parent == FT_TREE_ROOT ? i : c->track[c->nodes[i].parent];
		if (c->track[i] != i)
			continue;
		begin_event(c);
		ft_out_printf(
			c->out,
			"{\"ph\":\"M\",\"pid\":1,\"tid\":%u,\"name\":\"thread_name\",\"args\":"
			"{\"name\":",
			i);
		ft_json_string(c->out, c->profile, c->profile->frames[c->nodes[i].key].name);
		ft_out_text(c->out, "}}");
	}
}

/* Returns the end of what it wrote. */
static inline char *put_digits(char *at, u64 number)
{
	char digits[20];
	size_t first = sizeof(digits);

	do {
		digits[--first] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	memcpy(at, digits + first, sizeof(digits) - first);
	return at + sizeof(digits) - first;
}

/*
 * Edges are whole microseconds, and cut at the parent's end: children stay within their parents
 * even where a reader adds times up in floating point.
 */
static void put_event(struct chrome *c, u32 node, double at_us, double width_us)
{
	u64 start_us = (u64)at_us, end_us = (u64)(at_us + width_us);
	u32 parent = c->nodes[node].parent;
	char text[EVENT_BYTES], *at;

	if (parent != FT_TREE_ROOT && end_us > c->end_us[parent])
		end_us = c->end_us[parent];
	c->end_us[node] = end_us;
	if (start_us >= end_us)
		return;
	begin_event(c);
	/* Events are most of the file: their parts go out together. */
	at = stpcpy(text, "{\"ph\":\"X\",\"pid\":1,\"tid\":");
	at = put_digits(at, c->track[node]);
	at = stpcpy(at, ",\"ts\":");
	at = put_digits(at, start_us);
	at = stpcpy(at, ",\"dur\":");
	at = put_digits(at, end_us - start_us);
	at = stpcpy(at, ",\"name\":");
	ft_out_bytes(c->out, text, (size_t)(at - text));
	ft_json_string(c->out, c->profile, c->profile->frames[c->nodes[node].key].name);
	at = stpcpy(text, ",\"args\":{\"weight\":");
	at = put_digits(at, c->totals[node]);
	at = stpcpy(at, "}}");
	ft_out_bytes(c->out, text, (size_t)(at - text));
}

/* Draws what totals hold at the beginning, as weights of single nodes, from begin_us on. */
static void put_round(struct chrome *c, double begin_us, double width_us)
{
	double scale;
	u64 most = 0;

	for (u32 i = c->count; i-- > 1;)
		if (c->nodes[i].parent != FT_TREE_ROOT)
			c->totals[c->nodes[i].parent] += c->totals[i];
		else if (c->totals[i] > most)
			most = c->totals[i];
	if (!most)
		return;
	scale = width_us / (double)most; /* the busiest track fills its time */
	for (u32 i = 1; i < c->count; i++) {
		u32 parent = c->nodes[i].parent;
		double at = parent == FT_TREE_ROOT ? begin_us : c->left[parent];
		double width = (double)c->totals[i] * scale;

		if (!c->totals[i])
			continue;
		if (parent != FT_TREE_ROOT)
			c->left[parent] += width;
		c->left[i] = at;
		put_event(c, i, at, width);
	}
}

static void put_rounds(struct chrome *c)
{
	const struct ft_rounds *rounds = &c->profile->rounds;
	double begin_us = 0;

	for (u32 r = 0; r < rounds->count; r++) {
		const struct ft_round *round = &rounds->list[r];
		double end_us = (double)round->until_ns / 1e3;

		memset(c->totals, 0, c->count * sizeof(*c->totals));
		for (u32 w = round->first; w < round->first + round->count; w++)
			c->totals[rounds->weights[w].node] += rounds->weights[w].weight;
		put_round(c, begin_us, end_us - begin_us);
		begin_us = end_us;
	}
	if (rounds->count)
		return;
	for (u32 i = 0; i < c->count; i++)
		c->totals[i] = c->nodes[i].self;
	put_round(c, 0, (double)ft_tree_total(c->profile->tree));
}

static int chrome_write(const struct ft_profile *profile, const struct ft_write_opts *opts,
			struct ft_out *out)
{
	const char *title = opts->title ? opts->title : profile->title;
	u32 count = ft_tree_count(profile->tree);
	struct chrome c = {
		.profile = profile,
		.nodes = ft_tree_nodes(profile->tree),
		.out = out,
		.count = count,
		.totals = ft_try_alloc(count, sizeof(*c.totals)),
		.end_us = ft_try_alloc(count, sizeof(*c.end_us)),
		.left = ft_try_alloc(count, sizeof(*c.left)),
		.track = ft_try_alloc(count, sizeof(*c.track)),
	};
	int code = c.totals && c.end_us && c.left && c.track ? 0 : -ENOMEM;

	if (!code) {
		ft_out_text(out, "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"title\":");
		ft_json_text(out, title ? title : "", title ? strlen(title) : 0);
		ft_out_text(out, "},\n\"traceEvents\":[\n");
		put_tracks(&c);
		put_rounds(&c);
		ft_out_text(out, "\n]}\n");
	}
	free(c.totals);
	free(c.end_us);
	free(c.left);
	free(c.track);
	return code;
}

const struct ft_writer ft_writer_chrome = {
	.name = "chrome",
	.extension = ".trace.json",
	.summary = "Chrome's trace format, for Perfetto (with --timeline)",
	.write = chrome_write,
};

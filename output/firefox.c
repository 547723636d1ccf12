/*
 * firefox.c - the writer of the Firefox Profiler's processed format: opens in profiler.firefox.com.
 *
 * Version 47 of the format (docs-developer/CHANGELOG-formats.md there), which later ones upgrade.
 * Every process is a thread of the file and has tables of its own: strings, functions, frames and
 * stacks are numbered anew. Without a timeline, samples are a millisecond apart.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "output/json.h"
#include "output/writers.h"

/* What the legend calls the kinds. */
static const char categories[] =
	"[{\"name\":\"Other\",\"color\":\"grey\",\"subcategories\":[\"Other\"]},"
	"{\"name\":\"User\",\"color\":\"yellow\",\"subcategories\":[\"Other\"]},"
	"{\"name\":\"Kernel\",\"color\":\"orange\",\"subcategories\":[\"Other\"]},"
	"{\"name\":\"JIT\",\"color\":\"green\",\"subcategories\":[\"Other\"]}]";

struct firefox {
	const struct ft_profile *profile;
	const struct ft_tree_node *nodes;
	struct ft_out *out;
	u32 count;
	u32 *track;    /* the outermost node above each */
	u32 *number;   /* of a node in its thread's stacks, and one; 0: not in it */
	u32 *frame_of; /* of a frame in the thread's functions, and one */
	u32 *frames;   /* those frames */
	u32 frame_count;
	u32 *stacks; /* nodes of the thread */
	u32 stack_count;
};

static u32 category(const struct ft_frame *frame)
{
	return frame->kind == FT_FRAME_KERNEL ? 2
	       : frame->kind == FT_FRAME_JIT  ? 3
	       : frame->kind == FT_FRAME_NOTE ? 0
					      : 1;
}

/* "NAME":[0,0,...] of so many. */
static void put_same(struct ft_out *out, const char *name, u32 count, const char *value)
{
	ft_out_printf(out, ",\"%s\":[", name);
	for (u32 i = 0; i < count; i++) {
		if (i)
			ft_out_char(out, ',');
		ft_out_text(out, value);
	}
	ft_out_char(out, ']');
}

static void begin_list(struct ft_out *out, const char *name)
{
	ft_out_printf(out, ",\"%s\":[", name);
}

static void put_item(struct ft_out *out, u32 i, u64 value)
{
	if (i)
		ft_out_char(out, ',');
	ft_out_u64(out, value);
}

/* Collects the nodes below an outermost one, and their frames. */
static void collect(struct firefox *f, u32 track)
{
	f->stack_count = 0;
	for (u32 i = 0; i < f->frame_count; i++)
		f->frame_of[f->frames[i]] = 0;
	f->frame_count = 0;
	for (u32 i = track; i < f->count; i++) {
		if (f->track[i] != track)
			continue;
		f->stacks[f->stack_count++] = i;
		f->number[i] = f->stack_count;
		if (!f->frame_of[f->nodes[i].key]) {
			f->frames[f->frame_count++] = f->nodes[i].key;
			f->frame_of[f->nodes[i].key] = f->frame_count;
		}
	}
}

static void put_stack_table(struct firefox *f)
{
	struct ft_out *out = f->out;

	ft_out_printf(out, ",\n\"stackTable\":{\"length\":%u", f->stack_count);
	begin_list(out, "prefix");
	for (u32 i = 0; i < f->stack_count; i++) {
		u32 parent = f->nodes[f->stacks[i]].parent;

		if (parent == FT_TREE_ROOT)
			ft_out_text(out, i ? ",null" : "null");
		else
			put_item(out, i, f->number[parent] - 1);
	}
	ft_out_char(out, ']');
	begin_list(out, "frame");
	for (u32 i = 0; i < f->stack_count; i++)
		put_item(out, i, f->frame_of[f->nodes[f->stacks[i]].key] - 1);
	ft_out_char(out, ']');
	begin_list(out, "category");
	for (u32 i = 0; i < f->stack_count; i++)
		put_item(out, i, category(&f->profile->frames[f->nodes[f->stacks[i]].key]));
	ft_out_char(out, ']');
	put_same(out, "subcategory", f->stack_count, "0");
	ft_out_char(out, '}');
}

static void put_frame_tables(struct firefox *f)
{
	struct ft_out *out = f->out;
	u32 n = f->frame_count;

	ft_out_printf(out, ",\n\"frameTable\":{\"length\":%u", n);
	put_same(out, "address", n, "-1");
	begin_list(out, "inlineDepth");
	for (u32 i = 0; i < n; i++)
		put_item(out, i, f->profile->frames[f->frames[i]].inlined);
	ft_out_char(out, ']');
	begin_list(out, "category");
	for (u32 i = 0; i < n; i++)
		put_item(out, i, category(&f->profile->frames[f->frames[i]]));
	ft_out_char(out, ']');
	put_same(out, "subcategory", n, "0");
	begin_list(out, "func");
	for (u32 i = 0; i < n; i++)
		put_item(out, i, i);
	ft_out_char(out, ']');
	put_same(out, "nativeSymbol", n, "null");
	put_same(out, "innerWindowID", n, "0");
	put_same(out, "implementation", n, "null");
	put_same(out, "line", n, "null");
	put_same(out, "column", n, "null");
	/* Strings: 2 for each function, its name and its file. */
	ft_out_printf(out, "},\n\"funcTable\":{\"length\":%u", n);
	put_same(out, "isJS", n, "false");
	put_same(out, "relevantForJS", n, "false");
	begin_list(out, "name");
	for (u32 i = 0; i < n; i++)
		put_item(out, i, (u64)i * 2);
	ft_out_char(out, ']');
	put_same(out, "resource", n, "-1");
	begin_list(out, "fileName");
	for (u32 i = 0; i < n; i++)
		put_item(out, i, (u64)i * 2 + 1);
	ft_out_char(out, ']');
	put_same(out, "lineNumber", n, "null");
	put_same(out, "columnNumber", n, "null");
	ft_out_text(out, "},\n\"stringArray\":[");
	for (u32 i = 0; i < n; i++) {
		const struct ft_frame *frame = &f->profile->frames[f->frames[i]];

		if (i)
			ft_out_char(out, ',');
		ft_json_string(out, f->profile, frame->name);
		ft_out_char(out, ',');
		ft_json_string(out, f->profile, frame->module);
	}
	ft_out_text(out, "],\n\"resourceTable\":{\"length\":0,\"lib\":[],\"name\":[],\"host\":[],"
			 "\"type\":[]},\"nativeSymbols\":{\"length\":0,\"libIndex\":[],\"address\":"
			 "[],\"name\":[],\"functionSize\":[]}");
}

/* One column of a thread's samples, and their number. What: 0 stacks, 1 times, 2 weights. */
static u32 put_samples_column(struct firefox *f, u32 track, int what)
{
	const struct ft_rounds *rounds = &f->profile->rounds;
	u32 n = 0;

	for (u32 i = 0; !rounds->count && i < f->stack_count; i++) {
		u64 self = f->nodes[f->stacks[i]].self;

		if (!self)
			continue;
		put_item(f->out, n, what == 0 ? i : what == 1 ? n : self);
		n++;
	}
	for (u32 r = 0; r < rounds->count; r++) {
		const struct ft_round *round = &rounds->list[r];

		for (u32 w = round->first; w < round->first + round->count; w++) {
			const struct ft_round_weight *weight = &rounds->weights[w];

			if (f->track[weight->node] != track || !weight->weight)
				continue;
			put_item(f->out, n,
				 what == 0   ? f->number[weight->node] - 1
				 : what == 1 ? round->until_ns / 1000000
					     : weight->weight);
			n++;
		}
	}
	return n;
}

static void put_thread(struct firefox *f, u32 track, bool first)
{
	struct ft_out *out = f->out;
	u32 samples;

	collect(f, track);
	ft_out_text(out, first ? "\n" : ",\n");
	ft_out_printf(out,
		      "{\"processType\":\"default\",\"processStartupTime\":0,"
		      "\"processShutdownTime\":null,\"registerTime\":0,\"unregisterTime\":null,"
		      "\"pausedRanges\":[],\"isMainThread\":true,\"pid\":\"%u\",\"tid\":%u,"
		      "\"processName\":",
		      track, track);
	ft_json_string(out, f->profile, f->profile->frames[f->nodes[track].key].name);
	ft_out_text(out, ",\"name\":");
	ft_json_string(out, f->profile, f->profile->frames[f->nodes[track].key].name);
	ft_out_text(out, ",\n\"markers\":{\"length\":0,\"data\":[],\"name\":[],\"startTime\":[],"
			 "\"endTime\":[],\"phase\":[],\"category\":[]},\n\"samples\":{"
			 "\"weightType\":\"samples\",\"stack\":[");
	samples = put_samples_column(f, track, 0);
	ft_out_text(out, "],\"time\":[");
	put_samples_column(f, track, 1);
	ft_out_text(out, "],\"weight\":[");
	put_samples_column(f, track, 2);
	ft_out_printf(out, "],\"length\":%u}", samples);
	put_stack_table(f);
	put_frame_tables(f);
	ft_out_char(out, '}');
}

static void put_meta(struct firefox *f, const char *title)
{
	ft_out_text(f->out, "{\"meta\":{\"version\":27,\"preprocessedProfileVersion\":47,"
			    "\"interval\":1,\"startTime\":0,\"processType\":0,\"stackwalk\":1,"
			    "\"debug\":false,\"symbolicated\":true,\"markerSchema\":[],"
			    "\"importedFrom\":\"flametap\",\"product\":");
	ft_json_text(f->out, title, strlen(title));
	ft_out_text(f->out, ",\"categories\":");
	ft_out_text(f->out, categories);
	ft_out_text(f->out, "},\n\"libs\":[],\"pages\":[],\"threads\":[");
}

static int firefox_write(const struct ft_profile *profile, const struct ft_write_opts *opts,
			 struct ft_out *out)
{
	const char *title = opts->title ? opts->title : profile->title ? profile->title : "profile";
	u32 count = ft_tree_count(profile->tree);
	struct firefox f = {
		.profile = profile,
		.nodes = ft_tree_nodes(profile->tree),
		.out = out,
		.count = count,
		.track = ft_try_alloc(count, sizeof(*f.track)),
		.number = ft_try_alloc(count, sizeof(*f.number)),
		.stacks = ft_try_alloc(count, sizeof(*f.stacks)),
		.frame_of = ft_try_alloc(profile->frame_count, sizeof(*f.frame_of)),
		.frames = ft_try_alloc(profile->frame_count, sizeof(*f.frames)),
	};
	int code = f.track && f.number && f.stacks && f.frame_of && f.frames ? 0 : -ENOMEM;
	bool first = true;

	if (!code)
		put_meta(&f, title);
	for (u32 i = 1; !code && i < count; i++)
		f.track[i] = f.nodes[i].parent == FT_TREE_ROOT ? i : f.track[f.nodes[i].parent];
	for (u32 i = 1; !code && i < count; i++) {
		if (f.track[i] != i)
			continue;
		put_thread(&f, i, first);
		first = false;
	}
	if (!code)
		ft_out_text(out, "]}\n");
	free(f.track);
	free(f.number);
	free(f.stacks);
	free(f.frame_of);
	free(f.frames);
	return code;
}

const struct ft_writer ft_writer_firefox = {
	.name = "firefox",
	.extension = ".firefox.json",
	.summary = "for profiler.firefox.com",
	.write = firefox_write,
};

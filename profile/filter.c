/*
 * filter.c - see filter.h.
 *
 * What a filter thinks of a frame depends on the frame alone and is found out once for each. Then
 * every stack with weight is taken as a list of frames, and what is left of it goes into a new
 * tree.
 */
#include "profile/filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum {
	IS_COMM = 1,
	IS_MODULE = 2,
	IS_FOCUS = 4,
	IS_HIDDEN = 8,
	IS_COLLAPSED = 16,
	IS_CALLEE = 32, /* callers are asked for */
	IS_CALLER = 64, /* callees are asked for */
};

struct work {
	const struct ft_profile *from;
	const struct ft_filter *filter;
	struct ft_profile *to;
	u8 *marks;     /* by frame */
	u32 *frame_of; /* by frame: the one in the result */
	u32 *path;     /* nodes of the stack at hand, outermost first */
	size_t path_cap;
	u32 *node_of; /* by node with weight: in the result; FT_TREE_NONE: left out */
};

bool ft_filter_is_empty(const struct ft_filter *f)
{
	return !f->comm && !f->module && !f->focus && !f->hide && !f->no_threads &&
	       !f->collapse_module && !f->collapse_recursion && !f->callers && !f->callees &&
	       !f->reverse && f->min_percent <= 0;
}

static bool matches(const regex_t *regex, const char *text)
{
	return regex && !regexec(regex, text, 0, NULL, 0);
}

static u8 frame_marks(const struct work *w, const struct ft_frame *frame)
{
	const struct ft_filter *f = w->filter;
	const char *name = ft_strtab_str(w->from->strings, frame->name);
	const char *module = ft_strtab_str(w->from->strings, frame->module);
	bool code = frame->kind != FT_FRAME_PROCESS && frame->kind != FT_FRAME_THREAD;
	u8 marks = 0;

	if (f->comm && frame->kind == FT_FRAME_PROCESS && !strcmp(name, f->comm))
		marks |= IS_COMM;
	if (f->module && !strcmp(module, f->module))
		marks |= IS_MODULE;
	if (matches(f->focus, name))
		marks |= IS_FOCUS;
	if (matches(f->hide, name) || (f->no_threads && frame->kind == FT_FRAME_THREAD))
		marks |= IS_HIDDEN;
	if (*module && matches(f->collapse_module, module))
		marks |= IS_COLLAPSED;
	if (code && matches(f->callers, name))
		marks |= IS_CALLEE;
	if (code && matches(f->callees, name))
		marks |= IS_CALLER;
	return marks;
}

static u32 copy_string(const struct work *w, u32 id)
{
	return ft_strtab_add(w->to->strings, ft_strtab_str(w->from->strings, id),
			     ft_strtab_len(w->from->strings, id));
}

static int frames_prepare(struct work *w)
{
	w->marks = ft_try_alloc(w->from->frame_count, sizeof(*w->marks));
	w->frame_of = ft_try_alloc(w->from->frame_count, sizeof(*w->frame_of));
	if (!w->marks || !w->frame_of)
		return -ENOMEM;
	for (u32 i = 1; i < w->from->frame_count; i++) {
		struct ft_frame frame = w->from->frames[i];

		w->marks[i] = frame_marks(w, &frame);
		frame.name = copy_string(w, frame.name);
		frame.module = copy_string(w, frame.module);
		if (w->marks[i] & IS_COLLAPSED) {
			frame.name = frame.module;
			frame.inlined = false;
		}
		if (frame.name == FT_STR_NONE || frame.module == FT_STR_NONE)
			return -ENOMEM;
		w->frame_of[i] = ft_profile_frame(w->to, &frame);
		if (w->frame_of[i] == UINT32_MAX)
			return -ENOMEM;
	}
	return 0;
}

/* The nodes from the root to a node; their number, or -1 without memory. */
static s64 path_of(struct work *w, u32 node)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(w->from->tree);
	size_t len = 0;

	for (u32 at = node; at != FT_TREE_ROOT; at = nodes[at].parent)
		len++;
	if (FT_GROW_RAW(&w->path, &w->path_cap, len))
		return -1;
	for (size_t i = len; node != FT_TREE_ROOT; node = nodes[node].parent)
		w->path[--i] = node;
	return (s64)len;
}

static u32 frame_at(const struct work *w, size_t i)
{
	return ft_tree_nodes(w->from->tree)[w->path[i]].key;
}

/* Whether a stack counts, by what is in it. */
static bool is_wanted(const struct work *w, size_t len)
{
	const struct ft_filter *f = w->filter;
	u8 seen = 0;

	for (size_t i = 0; i < len; i++)
		seen |= w->marks[frame_at(w, i)];
	return (!f->comm || seen & IS_COMM) && (!f->module || seen & IS_MODULE) &&
	       (!f->focus || seen & IS_FOCUS) && (!f->callers || seen & IS_CALLEE) &&
	       (!f->callees || seen & IS_CALLER);
}

static void reverse(u32 *path, size_t len)
{
	for (size_t i = 0; i < len / 2; i++) {
		u32 other = path[len - 1 - i];

		path[len - 1 - i] = path[i];
		path[i] = other;
	}
}

/* Cuts and turns the path as asked. Its new length. */
static size_t path_cut(struct work *w, size_t len)
{
	const struct ft_filter *f = w->filter;
	size_t from = 0;

	if (f->callees) {
		while (!(w->marks[frame_at(w, from)] & IS_CALLER))
			from++;
		len -= from;
		memmove(w->path, w->path + from, len * sizeof(*w->path));
	}
	if (f->callers) {
		while (len && !(w->marks[frame_at(w, len - 1)] & IS_CALLEE))
			len--;
		reverse(w->path, len);
	}
	if (f->reverse)
		reverse(w->path, len);
	return len;
}

/* What is known of where a node is goes with it. 0 or -ENOMEM. */
static int origin_copy(const struct work *w, u32 from, u32 to, u64 weight)
{
	const struct ft_place *place = ft_places_find(&w->from->places, from);
	u32 file = place ? copy_string(w, place->file) : 0;

	if (file == FT_STR_NONE)
		return -ENOMEM;
	if (place && ft_places_add(&w->to->places, to, file, place->line, weight))
		return -ENOMEM;
	return ft_origins_address(&w->to->origins, to, ft_origins_find(&w->from->origins, from));
}

/*
 * Adds the frames of the path, of a stack of that weight, to the result. The node of the last, or
 * FT_TREE_NONE.
 */
static u32 path_add(const struct work *w, size_t len, u64 weight)
{
	const struct ft_filter *f = w->filter;
	u32 node = FT_TREE_ROOT, last = 0;

	for (size_t i = 0; i < len && node != FT_TREE_NONE; i++) {
		u8 marks = w->marks[frame_at(w, i)];
		u32 frame = w->frame_of[frame_at(w, i)];

		if (marks & IS_HIDDEN ||
		    (frame == last && (f->collapse_recursion || marks & IS_COLLAPSED)))
			continue;
		node = ft_tree_child(w->to->tree, node, frame);
		last = frame;
		if (node != FT_TREE_NONE && !(marks & IS_COLLAPSED) &&
		    origin_copy(w, w->path[i], node, weight))
			return FT_TREE_NONE;
	}
	return node;
}

static int modules_copy(const struct work *w)
{
	for (u32 i = 0; i < w->from->module_count; i++) {
		struct ft_profile_module module = w->from->modules[i];

		module.name = copy_string(w, module.name);
		module.path = copy_string(w, module.path);
		if (module.name == FT_STR_NONE || module.path == FT_STR_NONE ||
		    ft_profile_module(w->to, &module))
			return -ENOMEM;
	}
	return 0;
}

static int stacks_filter(struct work *w)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(w->from->tree);
	u32 count = ft_tree_count(w->from->tree);

	w->node_of = ft_try_alloc(count, sizeof(*w->node_of));
	if (!w->node_of)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		s64 len;

		w->node_of[i] = FT_TREE_NONE;
		if (!nodes[i].self && !w->from->rounds.count)
			continue;
		len = path_of(w, i);
		if (len < 0)
			return -ENOMEM;
		if (!is_wanted(w, (size_t)len))
			continue;
		w->node_of[i] = path_add(w, path_cut(w, (size_t)len), nodes[i].self);
		if (w->node_of[i] == FT_TREE_NONE)
			return -ENOMEM;
		ft_tree_add(w->to->tree, w->node_of[i], nodes[i].self);
	}
	return 0;
}

/* Nodes that are kept have new numbers; those that are not lie in their callers. */
static int origins_prune(struct work *w, const u64 *totals, const u32 *node_of, u32 count)
{
	struct ft_places places = w->to->places;
	struct ft_origins origins = w->to->origins;
	const struct ft_tree_node *nodes = ft_tree_nodes(w->to->tree);
	int code = 0;

	w->to->places = (struct ft_places){0};
	w->to->origins = (struct ft_origins){0};
	for (u32 i = 1; !code && i < count; i++) {
		const struct ft_place *place = ft_places_find(&places, i);

		if (node_of[i] == node_of[nodes[i].parent])
			continue;
		if (place)
			code = ft_places_add(&w->to->places, node_of[i], place->file, place->line,
					     totals[i]);
		if (!code)
			code = ft_origins_address(&w->to->origins, node_of[i],
						  ft_origins_find(&origins, i));
	}
	ft_places_finish(&w->to->places);
	ft_places_fini(&places);
	ft_origins_fini(&origins);
	return code;
}

/* Nodes of less than the share give their weight to their callers. */
static int tree_prune(struct work *w)
{
	struct ft_tree *tree = w->to->tree, *kept = ft_tree_new();
	u64 *totals = ft_tree_totals(tree);
	u32 count = ft_tree_count(tree), *node_of = ft_try_alloc(count, sizeof(*node_of));
	int code = kept && totals && node_of ? 0 : -ENOMEM;

	for (u32 i = 0; !code && i < count; i++) {
		const struct ft_tree_node *node = &ft_tree_nodes(tree)[i];

		if (i != FT_TREE_ROOT) {
			node_of[i] = node_of[node->parent];
			if ((double)totals[i] * 100 >=
			    w->filter->min_percent * (double)totals[FT_TREE_ROOT])
				node_of[i] = ft_tree_child(kept, node_of[node->parent], node->key);
		}
		if (node_of[i] == FT_TREE_NONE)
			code = -ENOMEM;
		else
			ft_tree_add(kept, node_of[i], node->self);
	}
	for (u32 i = 0; !code && i < ft_tree_count(w->from->tree); i++)
		if (w->node_of[i] != FT_TREE_NONE)
			w->node_of[i] = node_of[w->node_of[i]];
	if (!code)
		code = origins_prune(w, totals, node_of, ft_tree_count(tree));
	if (!code) {
		w->to->tree = kept;
		kept = tree;
	}
	ft_tree_free(kept);
	free(totals);
	free(node_of);
	return code;
}

static int owners_filter(struct work *w)
{
	const struct ft_origins *from = &w->from->origins;

	for (u32 i = 0; i < from->count; i++) {
		const struct ft_owner *owner = &from->owners[i];
		u32 node = w->node_of[owner->node];

		if (node != FT_TREE_NONE &&
		    ft_origins_owner(&w->to->origins, node, owner->pid, owner->weight))
			return -ENOMEM;
	}
	ft_origins_finish(&w->to->origins);
	return 0;
}

static int rounds_filter(struct work *w)
{
	const struct ft_rounds *from = &w->from->rounds;
	struct ft_rounds *to = &w->to->rounds;

	if (!from->count)
		return 0;
	if (FT_GROW_RAW(&to->list, &to->cap, from->count) ||
	    FT_GROW_RAW(&to->weights, &to->weight_cap, from->weight_count))
		return -ENOMEM;
	for (u32 i = 0; i < from->count; i++) {
		struct ft_round round = from->list[i];

		round.first = to->weight_count;
		for (u32 n = 0; n < from->list[i].count; n++) {
			struct ft_round_weight weight = from->weights[from->list[i].first + n];

			weight.node = w->node_of[weight.node];
			if (weight.node != FT_TREE_NONE)
				to->weights[to->weight_count++] = weight;
		}
		round.count = to->weight_count - round.first;
		to->list[to->count++] = round;
	}
	return 0;
}

int ft_filter_apply(const struct ft_profile *profile, const struct ft_filter *filter,
		    struct ft_profile **result)
{
	struct work w = {.from = profile, .filter = filter, .to = ft_profile_new()};
	int code = w.to ? frames_prepare(&w) : -ENOMEM;

	if (!code)
		code = modules_copy(&w);
	if (!code)
		code = stacks_filter(&w);
	ft_places_finish(&w.to->places);
	if (!code && filter->min_percent > 0)
		code = tree_prune(&w);
	if (!code)
		code = rounds_filter(&w);
	if (!code)
		code = owners_filter(&w);
	if (!code) {
		w.to->unit = profile->unit;
		w.to->has_quality = profile->has_quality;
		w.to->quality = profile->quality;
		w.to->title = profile->title ? ft_strdup(profile->title) : NULL;
		*result = w.to;
		w.to = NULL;
	}
	ft_profile_free(w.to);
	free(w.marks);
	free(w.frame_of);
	free(w.path);
	free(w.node_of);
	return code;
}

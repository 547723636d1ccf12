/*
 * tree_view.c - a profile as an indented tree of text, for terminals and tickets.
 *
 * Heaviest children first; a frame that is the only child of its caller and has all of its weight
 * is not indented, so that long chains of calls stay readable.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "output/output.h"
#include "output/writers.h"

#define INDENT_MAX 60

struct view {
	const struct ft_profile *profile;
	const struct ft_tree_node *nodes;
	u64 *totals;
	u32 *order; /* all nodes, by parent, heaviest first */
	u32 *start; /* of every node: its first child in order; one more for the end */
};

struct level {
	u32 at, end, indent;
};

static int node_compare(const void *left, const void *right, void *arg)
{
	const struct view *v = arg;
	u32 a = *(const u32 *)left, b = *(const u32 *)right;
	const struct ft_strtab *strings = v->profile->strings;
	int order;

	if (v->nodes[a].parent != v->nodes[b].parent)
		return v->nodes[a].parent < v->nodes[b].parent ? -1 : 1;
	if (v->totals[a] != v->totals[b])
		return v->totals[a] > v->totals[b] ? -1 : 1;
	order = strcmp(ft_strtab_str(strings, v->profile->frames[v->nodes[a].key].name),
		       ft_strtab_str(strings, v->profile->frames[v->nodes[b].key].name));
	return order ? order : (a > b) - (a < b);
}

static int view_init(struct view *v, const struct ft_profile *profile)
{
	u32 count = ft_tree_count(profile->tree), at = 0;

	*v = (struct view){.profile = profile, .nodes = ft_tree_nodes(profile->tree)};
	v->totals = ft_tree_totals(profile->tree);
	v->order = ft_try_alloc(count, sizeof(*v->order));
	v->start = ft_try_alloc((size_t)count + 1, sizeof(*v->start));
	if (!v->totals || !v->order || !v->start)
		return -ENOMEM;
	for (u32 i = 1; i < count; i++)
		v->order[i - 1] = i;
	qsort_r(v->order, count - 1, sizeof(*v->order), node_compare, v);
	for (u32 i = 0; i <= count; i++) {
		while (at < count - 1 && v->nodes[v->order[at]].parent < i)
			at++;
		v->start[i] = at;
	}
	return 0;
}

static void view_fini(struct view *v)
{
	free(v->totals);
	free(v->order);
	free(v->start);
}

static void put_node(const struct view *v, u32 node, u32 indent, struct ft_out *out)
{
	const struct ft_frame *frame = &v->profile->frames[v->nodes[node].key];
	double all = (double)v->totals[FT_TREE_ROOT];

	ft_out_printf(out, "%6.2f%%  %6.2f%%  ", 100 * (double)v->totals[node] / all,
		      100 * (double)v->nodes[node].self / all);
	for (u32 i = 0; i < indent && i < INDENT_MAX; i++)
		ft_out_text(out, "  ");
	ft_put_name(out, ft_strtab_str(v->profile->strings, frame->name),
		    ft_strtab_len(v->profile->strings, frame->name), 0);
	if (frame->inlined)
		ft_out_text(out, " (inlined)");
	ft_out_char(out, '\n');
}

int ft_tree_view(const struct ft_profile *profile, struct ft_out *out)
{
	struct level *levels = NULL;
	size_t depth = 1, cap = 0;
	struct view v;
	int code = view_init(&v, profile);

	if (!code && FT_GROW_RAW(&levels, &cap, 64))
		code = -ENOMEM;
	if (code)
		goto out;
	levels[0] = (struct level){v.start[0], v.start[1], 0};
	ft_out_text(out, "  total     self   function\n");
	while (depth) {
		struct level *level = &levels[depth - 1];
		u32 node, indent = level->indent;

		if (level->at == level->end) {
			depth--;
			continue;
		}
		node = v.order[level->at++];
		if (!v.totals[node])
			continue;
		put_node(&v, node, indent, out);
		if (v.start[node + 1] - v.start[node] != 1 || v.nodes[node].self)
			indent++;
		if (FT_GROW_RAW(&levels, &cap, depth + 1)) {
			code = -ENOMEM;
			goto out;
		}
		levels[depth++] = (struct level){v.start[node], v.start[node + 1], indent};
	}
out:
	free(levels);
	view_fini(&v);
	return code;
}

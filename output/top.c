/*
 * top.c - the hottest functions of a profile, for the text table and the summary on the terminal.
 *
 * One walk over the tree, depth first and without recursion. Self weights add up per function. A
 * function's total is the weight met between entering its outermost frame on a path and leaving it
 * again, so recursion counts once; how often a function is on the path is all that has to be known
 * about the callers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "output/output.h"

struct function {
	__uint128_t entered; /* the weight met before its outermost frame on the path */
	__uint128_t total;
	u64 self;
	u32 on_path; /* how many of its frames are on the path */
};

struct walk {
	const struct ft_profile *profile;
	const struct ft_tree_node *nodes;
	u32 count;
	u32 *first;	  /* of every node: its first child, or 0 */
	u32 *next;	  /* of every node: the next child of its parent, or 0 */
	u32 *function_of; /* frame id to index of functions; 0: processes, threads, notes */
	struct function *functions;
	struct ft_profile *names; /* its frames are the functions: name, module, kind */
	__uint128_t met;	  /* the weight of all nodes entered so far */
};

static void walk_fini(struct walk *w)
{
	free(w->first);
	free(w->next);
	free(w->function_of);
	free(w->functions);
	ft_profile_free(w->names);
}

/* A function may have frames that differ in being inlined: gives both the same number. */
static int functions_number(struct walk *w, const struct ft_profile *profile)
{
	w->names = ft_profile_new();
	w->function_of = ft_try_alloc(profile->frame_count, sizeof(*w->function_of));
	if (!w->names || !w->function_of)
		return -ENOMEM;
	for (u32 id = 1; id < profile->frame_count; id++) {
		struct ft_frame frame = profile->frames[id];

		if (frame.kind == FT_FRAME_PROCESS || frame.kind == FT_FRAME_THREAD ||
		    frame.kind == FT_FRAME_NOTE)
			continue;
		frame.inlined = false;
		w->function_of[id] = ft_profile_frame(w->names, &frame);
		if (w->function_of[id] == UINT32_MAX)
			return -ENOMEM;
	}
	w->functions = ft_try_alloc(w->names->frame_count, sizeof(*w->functions));
	return w->functions ? 0 : -ENOMEM;
}

static int walk_init(struct walk *w, const struct ft_profile *profile)
{
	w->profile = profile;
	w->nodes = ft_tree_nodes(profile->tree);
	w->count = ft_tree_count(profile->tree);
	w->first = ft_try_alloc(w->count, sizeof(*w->first));
	w->next = ft_try_alloc(w->count, sizeof(*w->next));
	if (!w->first || !w->next)
		return -ENOMEM;
	for (u32 i = w->count - 1; i > FT_TREE_ROOT; i--) {
		w->next[i] = w->first[w->nodes[i].parent];
		w->first[w->nodes[i].parent] = i;
	}
	return functions_number(w, profile);
}

/* The function that a node's own weight is of; 0: none. Of a note, the one it is about. */
static u32 function_at(const struct walk *w, u32 node)
{
	while (w->profile->frames[w->nodes[node].key].kind == FT_FRAME_NOTE)
		node = w->nodes[node].parent;
	return w->function_of[w->nodes[node].key];
}

static void node_enter(struct walk *w, u32 node)
{
	u32 id = w->function_of[w->nodes[node].key];
	u64 self = w->nodes[node].self;

	if (id && !w->functions[id].on_path++)
		w->functions[id].entered = w->met;
	id = function_at(w, node);
	if (id && __builtin_add_overflow(w->functions[id].self, self, &w->functions[id].self))
		w->functions[id].self = UINT64_MAX;
	w->met += self;
}

static void node_leave(struct walk *w, u32 node)
{
	u32 id = w->function_of[w->nodes[node].key];
	struct function *f = &w->functions[id];

	if (id && !--f->on_path)
		f->total += w->met - f->entered;
}

static void walk_run(struct walk *w)
{
	u32 node = w->first[FT_TREE_ROOT];

	while (node) {
		node_enter(w, node);
		if (w->first[node]) {
			node = w->first[node];
			continue;
		}
		node_leave(w, node);
		while (node && !w->next[node]) {
			node = w->nodes[node].parent;
			if (node)
				node_leave(w, node);
		}
		node = w->next[node];
	}
}

static int text_compare(const struct ft_strtab *strings, u32 a, u32 b)
{
	size_t a_len = ft_strtab_len(strings, a), b_len = ft_strtab_len(strings, b);
	int order = memcmp(ft_strtab_str(strings, a), ft_strtab_str(strings, b),
			   a_len < b_len ? a_len : b_len);

	return order ? order : (a_len > b_len) - (a_len < b_len);
}

/* Hotter first. A total order by content, so that the order of insertion does not show. */
static int row_compare(const void *left, const void *right, void *arg)
{
	const struct ft_top_row *a = left, *b = right;
	int order;

	if (a->self != b->self)
		return a->self < b->self ? 1 : -1;
	if (a->total != b->total)
		return a->total < b->total ? 1 : -1;
	order = text_compare(arg, a->name, b->name);
	if (!order)
		order = text_compare(arg, a->module, b->module);
	return order ? order : a->kind - b->kind;
}

static int row_compare_reverse(const void *left, const void *right, void *arg)
{
	return row_compare(right, left, arg);
}

/* Restores the heap whose top is the coldest row, after the top was replaced. */
static void heap_sink(struct ft_top_row *rows, u32 len, void *strings)
{
	u32 at = 0, child;

	while ((child = at * 2 + 1) < len) {
		struct ft_top_row row = rows[at];

		if (child + 1 < len && row_compare(&rows[child + 1], &rows[child], strings) > 0)
			child++;
		if (row_compare(&rows[child], &row, strings) <= 0)
			break;
		rows[at] = rows[child];
		rows[child] = row;
		at = child;
	}
}

/* Fills rows with the hottest max functions in order. Returns their number. */
static u32 rows_collect(const struct walk *w, struct ft_top_row *rows, u32 max, void *strings)
{
	u32 len = 0;

	for (u32 id = 1; max && id < w->names->frame_count; id++) {
		const struct function *f = &w->functions[id];
		struct ft_top_row row = {
			.name = w->names->frames[id].name,
			.module = w->names->frames[id].module,
			.kind = w->names->frames[id].kind,
			.self = f->self,
			.total = f->total > UINT64_MAX ? UINT64_MAX : (u64)f->total,
		};

		if (!row.total)
			continue;
		if (len < max) {
			rows[len++] = row;
			if (len == max) /* rows from the coldest to the hottest are a heap */
				qsort_r(rows, len, sizeof(*rows), row_compare_reverse, strings);
		} else if (row_compare(&row, &rows[0], strings) < 0) {
			rows[0] = row;
			heap_sink(rows, len, strings);
		}
	}
	qsort_r(rows, len, sizeof(*rows), row_compare, strings);
	return len;
}

int ft_top_functions(const struct ft_profile *profile, u32 count, struct ft_top_row **result)
{
	struct walk w = {.met = 0};
	struct ft_top_row *rows = NULL;
	int code = walk_init(&w, profile);

	if (code)
		goto out;
	if (count > w.names->frame_count - 1)
		count = w.names->frame_count - 1;
	rows = ft_try_alloc(count, sizeof(*rows));
	if (!rows) {
		code = -ENOMEM;
		goto out;
	}
	walk_run(&w);
	code = (int)rows_collect(&w, rows, count, profile->strings);
	*result = rows;
out:
	walk_fini(&w);
	return code;
}

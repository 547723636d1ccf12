/*
 * folded.c - the writer of folded text: "frame;frame;...;frame weight", one stack a line, root
 * first.
 *
 * The same profile gives the same bytes, in whatever order it was filled: stacks are sorted as text
 * (as "LC_ALL=C sort" would sort the part before the weight), and stacks that read the same are one
 * line. With opts->annotate, kernel, JIT and inlined frames end in _[k], _[j], _[i]; then
 * folded.h's reader makes the same profile of the text.
 *
 * Weights in nanoseconds become microseconds, rounded.
 *
 * What would break the format is replaced in names: ';' by ':', control characters (newline among
 * them) by '?', a '#' at the start of a line by '?', for it would make the line a comment. A name
 * without text becomes "?". Bytes that are not UTF-8 stay as they are.
 *
 * The one hard idea: a node's own line and the lines below it are not neighbours in sorted text,
 * because ';' sorts after some characters of names: "a", "a b", "a;b". So each node is up to two
 * items, "text" (its line) and "text;" (its subtree). All texts are sorted once in both forms;
 * items are then brought into order by two counting sorts, by rank of the text and by parent, and
 * the walk only follows them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "output/output.h"
#include "output/writers.h"

/* An item is a node or a text in one of its two forms. */
#define ITEM_LINE(ID) ((ID) << 1)
#define ITEM_BELOW(ID) ((ID) << 1 | 1)

struct level {
	u32 at, end;	 /* items still to do */
	size_t path_len; /* of the text above it */
};

struct folded {
	struct ft_strtab *texts; /* what frames look like, each once */
	u32 *text_of;		 /* frame id to text id; NULL when the tree's keys are text ids */
	struct ft_tree *
		merged; /* the profile's tree with text ids as keys, or NULL when its own will do */
	const struct ft_tree_node *nodes;
	u32 count;
	u64 unit;   /* a line's weight is the node's divided by this, rounded */
	u32 *rank;  /* of every text item: its place among the sorted ones */
	u32 *items; /* node items, by parent and rank */
	u32 *start; /* of every node: its first in items; one more for the end */
	char *path; /* text of the stack at hand */
	size_t path_cap;
	struct level *levels;
	size_t levels_cap;
};

static void folded_fini(struct folded *f)
{
	ft_strtab_free(f->texts);
	free(f->text_of);
	ft_tree_free(f->merged);
	free(f->rank);
	free(f->items);
	free(f->start);
	free(f->path);
	free(f->levels);
}

/* ---- what frames look like ---- */

/* Copies a name to text, with what would break a line replaced. Returns its new length. */
static size_t name_copy(const char *name, size_t len, char *text)
{
	size_t to = 0;

	for (size_t i = 0; i < len; i++) {
		u8 c = (u8)name[i];

		if (c == ';') {
			text[to++] = ':';
		} else if (c < 0x20 || c == 0x7f) {
			text[to++] = '?';
		} else if (c == 0xc2 && i + 1 < len && (u8)name[i + 1] >= 0x80 &&
			   (u8)name[i + 1] < 0xa0) {
			text[to++] = '?'; /* U+0080 to U+009F: control characters, too */
			i++;
		} else {
			text[to++] = (char)c;
		}
	}
	if (!to)
		text[to++] = '?';
	return to;
}

static const char *frame_suffix(const struct ft_frame *frame)
{
	if (frame->kind == FT_FRAME_KERNEL)
		return "_[k]";
	if (frame->kind == FT_FRAME_JIT)
		return "_[j]";
	return frame->inlined ? "_[i]" : "";
}

/* Fills texts and text_of. *distinct: no two frames look the same, nor starts any with a '#'. */
static int texts_make(struct folded *f, const struct ft_profile *profile, bool annotate,
		      bool *distinct)
{
	char *text = NULL;
	size_t cap = 0;
	int code = -ENOMEM;

	f->texts = ft_strtab_new();
	f->text_of = ft_try_alloc(profile->frame_count, sizeof(*f->text_of));
	if (!f->texts || !f->text_of)
		goto out;
	*distinct = true;
	for (u32 id = 1; id < profile->frame_count; id++) {
		const struct ft_frame *frame = &profile->frames[id];
		size_t len = ft_strtab_len(profile->strings, frame->name);
		u32 known = ft_strtab_count(f->texts);

		if (FT_GROW_RAW(&text, &cap, len + 8))
			goto out;
		len = name_copy(ft_strtab_str(profile->strings, frame->name), len, text);
		if (annotate) {
			const char *suffix = frame_suffix(frame);

			memcpy(text + len, suffix, strlen(suffix) + 1);
			len += strlen(suffix);
		}
		f->text_of[id] = ft_strtab_add(f->texts, text, len);
		if (f->text_of[id] == FT_STR_NONE)
			goto out;
		if (f->text_of[id] < known || text[0] == '#')
			*distinct = false;
	}
	code = 0;
out:
	free(text);
	return code;
}

/* The text as it reads at the start of a line, or FT_STR_NONE. */
static u32 text_at_start(struct folded *f, u32 text)
{
	size_t len = ft_strtab_len(f->texts, text);
	char *copy;

	if (ft_strtab_str(f->texts, text)[0] != '#')
		return text;
	copy = ft_try_alloc(len, 1);
	if (!copy)
		return FT_STR_NONE;
	memcpy(copy, ft_strtab_str(f->texts, text), len);
	copy[0] = '?';
	text = ft_strtab_add(f->texts, copy, len);
	free(copy);
	return text;
}

/* Makes one node of those that read the same under callers that read the same. */
static int tree_merge(struct folded *f)
{
	u32 *node_of = ft_try_alloc(f->count, sizeof(*node_of));
	int code = -ENOMEM;

	f->merged = ft_tree_new();
	if (!f->merged || !node_of)
		goto out;
	for (u32 i = 1; i < f->count; i++) {
		u32 text = f->text_of[f->nodes[i].key];

		if (f->nodes[i].parent == FT_TREE_ROOT)
			text = text_at_start(f, text);
		if (text == FT_STR_NONE)
			goto out;
		node_of[i] = ft_tree_child(f->merged, node_of[f->nodes[i].parent], text);
		if (node_of[i] == FT_TREE_NONE)
			goto out;
		ft_tree_add(f->merged, node_of[i], f->nodes[i].self);
	}
	ft_tree_freeze(f->merged);
	f->nodes = ft_tree_nodes(f->merged);
	f->count = ft_tree_count(f->merged);
	free(f->text_of);
	f->text_of = NULL;
	code = 0;
out:
	free(node_of);
	return code;
}

static inline u32 node_text(const struct folded *f, u32 node)
{
	u32 key = f->nodes[node].key;

	return f->text_of ? f->text_of[key] : key;
}

/* ---- order ---- */

static int item_compare(const void *left, const void *right, void *arg)
{
	u32 a = *(const u32 *)left, b = *(const u32 *)right;
	size_t a_len = ft_strtab_len(arg, a >> 1), b_len = ft_strtab_len(arg, b >> 1);
	const char *a_text = ft_strtab_str(arg, a >> 1), *b_text = ft_strtab_str(arg, b >> 1);
	int order = memcmp(a_text, b_text, a_len < b_len ? a_len : b_len);

	if (order)
		return order;
	if (a_len == b_len) /* the same text, for each is stored once */
		return (int)(a & 1) - (int)(b & 1);
	if (a_len < b_len)
		return (a & 1) && ';' > (u8)b_text[a_len] ? 1 : -1;
	return (b & 1) && ';' > (u8)a_text[b_len] ? -1 : 1;
}

/* Sorts the texts in both their forms; fills rank. */
static int texts_rank(struct folded *f)
{
	u32 count = ft_strtab_count(f->texts) * 2, *sorted = ft_try_alloc(count, sizeof(*sorted));

	f->rank = ft_try_alloc(count, sizeof(*f->rank));
	if (!sorted || !f->rank) {
		free(sorted);
		return -ENOMEM;
	}
	for (u32 i = 0; i < count; i++)
		sorted[i] = i;
	qsort_r(sorted, count, sizeof(*sorted), item_compare, f->texts);
	for (u32 i = 0; i < count; i++)
		f->rank[sorted[i]] = i;
	free(sorted);
	return 0;
}

/* counts[k + 1] is how many items have the key k; becomes the place of the first of them. */
static void counts_to_places(u32 *counts, size_t len)
{
	for (size_t i = 1; i < len; i++)
		counts[i] += counts[i - 1];
}

/*
 * First sort: all node items by the rank of their text. parents[n + 1] becomes the number of items
 * under node n. Returns the items for the caller to free, or NULL.
 */
static u32 *items_by_rank(const struct folded *f, const bool *has_child, u32 *parents, u32 *len)
{
	size_t ranks = (size_t)ft_strtab_count(f->texts) * 2;
	u32 *places = ft_try_alloc(ranks + 1, sizeof(*places)), *items = NULL;

	if (!places)
		return NULL;
	for (u32 i = 1; i < f->count; i++) {
		u32 text = node_text(f, i), forms = (f->nodes[i].self > 0) + has_child[i];

		places[f->rank[ITEM_LINE(text)] + 1] += f->nodes[i].self > 0;
		places[f->rank[ITEM_BELOW(text)] + 1] += has_child[i];
		parents[f->nodes[i].parent + 1] += forms;
	}
	counts_to_places(places, ranks + 1);
	*len = places[ranks];
	items = ft_try_alloc(*len, sizeof(*items));
	for (u32 i = 1; items && i < f->count; i++) {
		u32 text = node_text(f, i);

		if (f->nodes[i].self)
			items[places[f->rank[ITEM_LINE(text)]]++] = ITEM_LINE(i);
		if (has_child[i])
			items[places[f->rank[ITEM_BELOW(text)]]++] = ITEM_BELOW(i);
	}
	free(places);
	return items;
}

/* Second sort: by parent, keeping the order by rank. Fills items and start. */
static int items_sort(struct folded *f)
{
	bool *has_child = ft_try_alloc(f->count, sizeof(*has_child));
	u32 *ranked = NULL, len = 0, node;
	int code = -ENOMEM;

	f->start = ft_try_alloc((size_t)f->count + 1, sizeof(*f->start));
	if (!has_child || !f->start)
		goto out;
	for (u32 i = 1; i < f->count; i++)
		has_child[f->nodes[i].parent] = true;
	ranked = items_by_rank(f, has_child, f->start, &len);
	f->items = ft_try_alloc(len, sizeof(*f->items));
	if (!ranked || !f->items)
		goto out;
	counts_to_places(f->start, (size_t)f->count + 1);
	for (u32 i = 0; i < len; i++) {
		node = f->nodes[ranked[i] >> 1].parent;
		f->items[f->start[node]++] = ranked[i];
	}
	/* Every start has moved on to the next node's. */
	memmove(f->start + 1, f->start, f->count * sizeof(*f->start));
	f->start[0] = 0;
	code = 0;
out:
	free(has_child);
	free(ranked);
	return code;
}

/* ---- text ---- */

/* Puts the node's text at the end of path, and writes the line if the item is one. */
static int item_write(struct folded *f, u32 item, size_t *path_len, struct ft_out *out)
{
	u32 text = node_text(f, item >> 1);
	size_t len = ft_strtab_len(f->texts, text);
	u64 weight;

	if (FT_GROW_RAW(&f->path, &f->path_cap, *path_len + len + 1))
		return -ENOMEM;
	memcpy(f->path + *path_len, ft_strtab_str(f->texts, text), len);
	*path_len += len;
	f->path[(*path_len)++] = item & 1 ? ';' : ' ';
	if (item & 1)
		return 0;
	weight = f->nodes[item >> 1].self;
	weight = weight / f->unit + (weight % f->unit >= f->unit - f->unit / 2);
	if (!weight)
		return 0; /* less than half of what can be written */
	ft_out_bytes(out, f->path, *path_len);
	ft_out_u64(out, weight);
	ft_out_char(out, '\n');
	return 0;
}

static int stacks_write(struct folded *f, struct ft_out *out)
{
	size_t depth = 1;

	if (FT_GROW_RAW(&f->levels, &f->levels_cap, 64))
		return -ENOMEM;
	f->levels[0] = (struct level){.at = f->start[0], .end = f->start[1]};
	while (depth) {
		struct level *level = &f->levels[depth - 1];
		size_t path_len = level->path_len;
		u32 item;

		if (level->at == level->end) {
			depth--;
			continue;
		}
		item = f->items[level->at++];
		if (item_write(f, item, &path_len, out) ||
		    FT_GROW_RAW(&f->levels, &f->levels_cap, depth + 1))
			return -ENOMEM;
		if (item & 1)
			f->levels[depth++] = (struct level){
				.at = f->start[item >> 1],
				.end = f->start[(item >> 1) + 1],
				.path_len = path_len,
			};
	}
	return 0;
}

static int folded_write(const struct ft_profile *profile, const struct ft_write_opts *opts,
			struct ft_out *out)
{
	struct folded f = {
		.nodes = ft_tree_nodes(profile->tree),
		.count = ft_tree_count(profile->tree),
		/* Tools expect times in microseconds. */
		.unit = profile->unit == FT_UNIT_NANOSECONDS ? 1000 : 1,
	};
	bool distinct;
	int code = texts_make(&f, profile, opts->annotate, &distinct);

	if (!code && !distinct)
		code = tree_merge(&f);
	if (!code)
		code = texts_rank(&f);
	if (!code)
		code = items_sort(&f);
	if (!code)
		code = stacks_write(&f, out);
	folded_fini(&f);
	return code;
}

const struct ft_writer ft_writer_folded = {
	.name = "folded",
	.extension = ".folded",
	.summary = "folded stacks, one a line, for other tools and for diffing",
	.write = folded_write,
};

/*
 * columns.c - see columns.h.
 *
 * A node's frame is not told by name, but by which of the frames that its caller ever calls it is,
 * the most frequent first: most are the first or second, and take two bits or so once they are
 * compressed. The shape is one number a node: how many children. Depth first, all else follows from
 * that: parents, depths, totals, places.
 */
#include "output/columns.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "output/color.h"
#include "output/columns_private.h"

#define VERSION 2
#define PLACES_SEARCHED 32 /* a frame's places; one beyond them is told again */

struct ft_columns {
	struct ft_column head;
	struct ft_column parts[FT_PART_COUNT];
	u32 count; /* nodes of weight, the root included */
};

struct open_node {
	u32 next, end; /* among the children */
};

struct place_seen {
	u32 file, line;
	u32 older; /* the frame's place before; index + 1, 0 for none */
};

struct maker {
	const struct ft_profile *profile;
	const struct ft_order *order;
	struct ft_followers followers;
	struct ft_columns *columns;
	struct open_node *open;
	size_t open_cap;
	u32 *file_ids; /* by string id: index + 1 among the files */
	u32 files;
	u32 *place_at; /* by node: its place; index + 1 */
	u32 *newest; /* by rank: the frame's newest place; index + 1 */
	struct place_seen *seen;
	size_t seen_cap;
	u32 seen_count;
	u32 *index; /* by node: its place in the order that is written; NULL without rounds */
};

static void put_frames(const struct ft_order *o, struct ft_column *parts)
{
	const struct ft_profile *p = o->profile;
	u32 *modules = ft_try_alloc(ft_strtab_count(p->strings), sizeof(u32)), count = 0;

	if (!modules) {
		parts[FT_PART_FRAMES].failed = true;
		return;
	}
	for (u32 i = 1; i < o->frame_count; i++) {
		const struct ft_frame *frame = &p->frames[o->frames[i]];
		const char *name = ft_strtab_str(p->strings, frame->name);
		size_t len = ft_strtab_len(p->strings, frame->name);
		u32 module = frame->module;

		ft_column_line(&parts[FT_PART_NAMES], name, len);
		if (module && !modules[module]) {
			modules[module] = ++count;
			ft_column_line(&parts[FT_PART_MODULES], ft_strtab_str(p->strings, module),
				       ft_strtab_len(p->strings, module));
		}
		ft_column_number(&parts[FT_PART_FRAMES],
				 ft_color_class(frame) * 8u + ft_color_shade(name, len));
		ft_column_number(&parts[FT_PART_FRAMES], module ? modules[module] : 0);
	}
	free(modules);
}

/* 0: no place; 1: one told in FT_PART_LINES; from 2: the frame's places, the newest first. */
static u32 place_code(struct maker *m, u32 rank, const struct ft_place *place)
{
	u32 code = 2;

	for (u32 at = m->newest[rank]; at && code < 2 + PLACES_SEARCHED; code++) {
		const struct place_seen *seen = &m->seen[at - 1];

		if (seen->file == place->file && seen->line == place->line)
			return code;
		at = seen->older;
	}
	return 1;
}

static int add_place(struct maker *m, u32 rank, const struct ft_place *place)
{
	struct ft_column *parts = m->columns->parts;

	if (FT_GROW(&m->seen, &m->seen_cap, (size_t)m->seen_count + 1))
		return -ENOMEM;
	m->seen[m->seen_count++] = (struct place_seen){place->file, place->line, m->newest[rank]};
	m->newest[rank] = m->seen_count;
	if (!m->file_ids[place->file]) {
		m->file_ids[place->file] = ++m->files;
		ft_column_line(&parts[FT_PART_FILES],
			       ft_strtab_str(m->profile->strings, place->file),
			       ft_strtab_len(m->profile->strings, place->file));
	}
	ft_column_number(&parts[FT_PART_LINES], m->file_ids[place->file] - 1);
	ft_column_number(&parts[FT_PART_LINES], place->line);
	return 0;
}

static int put_place(struct maker *m, u32 node)
{
	u32 at = m->place_at[node];
	const struct ft_place *place = at ? &m->profile->places.list[at - 1] : NULL;
	u32 rank = m->order->rank[m->order->nodes[node].key];
	u32 code = place ? place_code(m, rank, place) : 0;

	ft_column_number(&m->columns->parts[FT_PART_PLACES], code);
	return code == 1 ? add_place(m, rank, place) : 0;
}

static int put_node(struct maker *m, u32 node)
{
	struct ft_column *parts = m->columns->parts;
	u32 calls = m->order->first[node + 1] - m->order->first[node];
	u64 self = m->order->nodes[node].self;

	ft_column_number(&parts[FT_PART_CALLS], calls);
	if (calls)
		ft_column_number(&parts[FT_PART_INNER], self);
	else
		ft_column_number(&parts[FT_PART_LEAVES], self - 1);
	return m->profile->places.count && node ? put_place(m, node) : 0;
}

static int open_node(struct maker *m, u32 depth, u32 node)
{
	if (FT_GROW_RAW(&m->open, &m->open_cap, (size_t)depth + 1))
		return -ENOMEM;
	m->open[depth] = (struct open_node){m->order->first[node], m->order->first[node + 1]};
	return put_node(m, node);
}

/* Depth first, without recursion: stacks may be many thousands deep. */
static int put_nodes(struct maker *m)
{
	struct ft_column *steps = &m->columns->parts[FT_PART_STEPS];
	u32 depth = 0;
	int code = open_node(m, 0, FT_TREE_ROOT);

	m->columns->count = 1;
	while (!code) {
		struct open_node *open = &m->open[depth];
		u32 node;

		if (open->next == open->end) {
			if (depth-- == 0)
				break;
			continue;
		}
		ft_column_number(steps, m->followers.steps[open->next]);
		node = m->order->children[open->next++];
		if (open->next < open->end) { /* that one lies elsewhere */
			u32 sibling = m->order->children[open->next];

			__builtin_prefetch(&m->order->nodes[sibling]);
			__builtin_prefetch(&m->order->first[sibling]);
		}
		if (m->index)
			m->index[node] = m->columns->count;
		m->columns->count++;
		code = open_node(m, ++depth, node);
	}
	return code;
}

static void put_header(struct maker *m)
{
	struct ft_columns *c = m->columns;

	ft_column_number(&c->head, VERSION);
	ft_column_number(&c->head, m->profile->unit);
	ft_column_number(&c->head, m->order->frame_count);
	ft_column_number(&c->head, c->count);
	for (u32 i = 0; i < FT_PART_COUNT; i++)
		ft_column_number(&c->head, c->parts[i].len);
}

static int make(struct maker *m)
{
	const struct ft_profile *p = m->profile;
	int code =
		ft_followers_init(&m->followers, m->order, &m->columns->parts[FT_PART_FOLLOWERS]);

	if (code)
		return code;
	put_frames(m->order, m->columns->parts);
	if (p->places.count) {
		m->file_ids = ft_try_alloc(ft_strtab_count(p->strings), sizeof(u32));
		m->newest = ft_try_alloc(m->order->frame_count, sizeof(u32));
		m->place_at = ft_try_alloc(m->order->node_count, sizeof(u32));
		if (!m->file_ids || !m->newest || !m->place_at)
			return -ENOMEM;
		for (u32 i = 0; i < p->places.count; i++)
			m->place_at[p->places.list[i].node] = i + 1;
	}
	code = put_nodes(m);
	if (!code && m->index)
		code = ft_columns_rounds(&p->rounds, m->index, m->columns->parts);
	if (!code)
		put_header(m);
	return code;
}

int ft_columns_new(const struct ft_order *order, bool with_rounds, struct ft_columns **result)
{
	struct maker m = {.profile = order->profile, .order = order};
	bool rounds = with_rounds && order->profile->rounds.count > 1;
	int code = -ENOMEM;

	m.columns = ft_try_alloc(1, sizeof(*m.columns));
	if (!m.columns)
		return -ENOMEM;
	m.index = rounds ? ft_try_alloc(order->node_count, sizeof(u32)) : NULL;
	if (!rounds || m.index)
		code = make(&m);
	free(m.index);
	ft_followers_fini(&m.followers);
	free(m.open);
	free(m.file_ids);
	free(m.newest);
	free(m.place_at);
	free(m.seen);
	for (u32 i = 0; i < FT_PART_COUNT; i++) {
		if (m.columns->parts[i].failed)
			code = -ENOMEM;
	}
	if (m.columns->head.failed)
		code = -ENOMEM;
	if (code)
		ft_columns_free(m.columns);
	else
		*result = m.columns;
	return code;
}

void ft_columns_free(struct ft_columns *columns)
{
	if (!columns)
		return;
	for (u32 i = 0; i < FT_PART_COUNT; i++)
		free(columns->parts[i].data);
	free(columns->head.data);
	free(columns);
}

u32 ft_columns_count(const struct ft_columns *columns)
{
	return columns->count ? columns->count - 1 : 0;
}

void ft_columns_put(const struct ft_columns *columns, struct ft_pack *pack)
{
	ft_pack_bytes(pack, columns->head.data, columns->head.len);
	for (u32 i = 0; i < FT_PART_COUNT; i++)
		ft_pack_column(pack, columns->parts[i].data, columns->parts[i].len);
}

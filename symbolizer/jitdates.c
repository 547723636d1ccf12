/*
 * jitdates.c - tells stacks apart whose addresses were other code when they were taken.
 *
 * Stacks are added up by their addresses. Where a compiler uses memory again or moves functions,
 * one address stands for several of them, one after the other; its jitdump file says until when.
 * The recording keeps when such stacks came (raw->dated). Here each address of theirs gets the list
 * of what was there; where that is not the same function all the time, a stack that came before the
 * last one gets a path of its own in the tree, through a twin of the module: the code as it was
 * then.
 *
 * Functions are told apart by a hash of their names, since most addresses need none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/map64.h"
#include "symbolizer/jitdump_file.h"
#include "symbolizer/source.h"

#define VERSIONS_MAX (1u << 20) /* of one module */
#define STEPS_BASE (1u << 26)	/* through the places of a module, for all records */
#define TWINS_MAX 65536		/* beyond, code is what it was at the end */
#define DEPTH_MAX 4096		/* nodes of one path; more than stacks have */
#define NONE UINT32_MAX

/* What was at an address from a time on. */
struct version {
	u64 since_ns;
	u64 function; /* hash of its name; 0: it has been moved away */
	u32 next;     /* in versions, while a module is read */
	u32 location; /* that stands for it; 0: none yet */
};

/* An address where code is made. */
struct place {
	u64 addr;
	u32 location;
	u32 first, last; /* in versions; NONE: nothing is known */
	bool changed;	 /* not the same function all the time */
};

/* A module's code as it was at a time is a module of its own. */
struct twin {
	u64 when_ns;
	u32 of, module;
};

/* What is added to a round. */
struct change {
	struct ft_round_weight weight;
	u32 round;
};

struct dates {
	struct ft_raw *raw;
	u32 module;	      /* looked at now */
	struct place *places; /* of it, by addr */
	u32 count;
	size_t place_cap;
	struct ft_map64 moved; /* index + 1 of functions that moved to places: hash of the name */
	bool naming;	       /* the second time */
	struct version *versions;
	u32 version_count;
	size_t version_cap;
	u64 steps; /* that may still be taken through places */
	/* Of all modules. */
	struct version *history; /* those of one location side by side */
	u32 history_count;
	size_t history_cap;
	/* of locations that were not always the same: first version, in the upper half how many */
	struct ft_map64 changed;
	struct twin *twins; /* by module and time */
	u32 twin_count;
	size_t twin_cap;
	struct change *changes;
	u32 change_count;
	size_t change_cap;
};

/* ---- what was where ---- */

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* The addresses of a module. */
static int places_collect(struct dates *d)
{
	const struct ft_raw *raw = d->raw;

	d->count = 0;
	for (u32 i = 1; i < raw->location_count; i++) {
		const struct ft_location *l = &raw->locations[i];

		if (l->kind != FT_LOCATION_USER || l->module != d->module)
			continue;
		if (FT_GROW_RAW(&d->places, &d->place_cap, (size_t)d->count + 1))
			return -ENOMEM;
		d->places[d->count++] = (struct place){l->addr, i, NONE, NONE, false};
	}
	if (d->count)
		qsort(d->places, d->count, sizeof(*d->places), compare_places);
	return 0;
}

/* Index of the first place at or after addr. */
static u32 place_lower(const struct dates *d, u64 addr)
{
	u32 low = 0, high = d->count;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (d->places[mid].addr < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool range_has_places(const struct dates *d, u64 addr, u64 bytes)
{
	u32 i = place_lower(d, addr);

	return i < d->count && d->places[i].addr - addr < bytes;
}

static int version_add(struct dates *d, struct place *place, u64 since_ns, u64 function)
{
	struct version *last = place->last == NONE ? NULL : &d->versions[place->last];

	if (last && last->function == function)
		return 0;
	if (d->version_count == VERSIONS_MAX)
		return 0;
	if (FT_GROW_RAW(&d->versions, &d->version_cap, (size_t)d->version_count + 1))
		return -ENOMEM;
	d->versions[d->version_count] = (struct version){since_ns, function, NONE, 0};
	if (place->last == NONE) {
		place->first = d->version_count;
	} else {
		/* Records of several threads may come a little out of order. */
		if (since_ns < d->versions[place->last].since_ns)
			d->versions[d->version_count].since_ns = d->versions[place->last].since_ns;
		d->versions[place->last].next = d->version_count;
		place->changed = true;
	}
	place->last = d->version_count++;
	return 0;
}

static int range_becomes(struct dates *d, u64 addr, u64 bytes, u64 since_ns, u64 function)
{
	for (u32 i = place_lower(d, addr);
	     i < d->count && d->places[i].addr - addr < bytes && d->steps; i++, d->steps--)
		if ((function || d->places[i].last != NONE) &&
		    version_add(d, &d->places[i], since_ns, function))
			return -ENOMEM;
	return 0;
}

static int take_load(struct dates *d, const struct ft_jitdump *dump,
		     const struct ft_jit_record *load)
{
	u64 *moved = ft_map64_find(&d->moved, load->index + 1), function, next;
	char text[FT_JIT_TEXT_MAX + 1];
	size_t len;

	if (!moved && !range_has_places(d, load->addr, load->bytes))
		return 0;
	len = ft_jitdump_text(dump, load->at, load->end, text, &next);
	function = ft_hash_bytes(text, len) | 1;
	if (moved)
		*moved = function;
	return range_becomes(d, load->addr, load->bytes, load->when_ns, function);
}

static int take_move(struct dates *d, const struct ft_jit_record *move)
{
	const u64 *function;

	if (move->index == UINT64_MAX)
		return 0;
	if (!d->naming)
		return range_has_places(d, move->addr, move->bytes) &&
				       !ft_map64_at(&d->moved, move->index + 1)
			       ? -ENOMEM
			       : 0;
	if (range_becomes(d, move->from, move->bytes, move->when_ns, 0))
		return -ENOMEM;
	function = ft_map64_find(&d->moved, move->index + 1);
	return function && *function
		       ? range_becomes(d, move->addr, move->bytes, move->when_ns, *function)
		       : 0;
}

static int take(void *context, const struct ft_jitdump *dump, const struct ft_jit_record *record)
{
	struct dates *d = context;

	if (record->kind == FT_JIT_MOVE)
		return take_move(d, record);
	return record->kind == FT_JIT_LOAD && d->naming ? take_load(d, dump, record) : 0;
}

static int file_read(struct dates *d, int fd)
{
	struct ft_jitdump dump;
	int code = 0;

	if (!ft_jitdump_begin(&dump, fd) || !dump.dated)
		return 0;
	for (u32 pass = 0; pass < 2 && !code; pass++) {
		d->naming = pass;
		code = ft_jitdump_each(&dump, take, d);
	}
	ft_map64_fini(&d->moved);
	return code;
}

/* Keeps what was at the places of the module that were not the same function all the time. */
static int history_keep(struct dates *d)
{
	for (u32 i = 0; i < d->count; i++) {
		u32 first = d->history_count;
		u64 *value;

		if (!d->places[i].changed)
			continue;
		for (u32 v = d->places[i].first; v != NONE; v = d->versions[v].next) {
			if (FT_GROW_RAW(&d->history, &d->history_cap, (size_t)d->history_count + 1))
				return -ENOMEM;
			d->history[d->history_count++] = d->versions[v];
		}
		value = ft_map64_at(&d->changed, d->places[i].location);
		if (!value)
			return -ENOMEM;
		*value = (u64)(d->history_count - first) << 32 | first;
	}
	return 0;
}

static int module_read(struct dates *d, u32 module)
{
	const struct ft_raw *raw = d->raw;
	int code;

	d->module = module;
	d->version_count = 0;
	d->steps = STEPS_BASE;
	code = places_collect(d);
	for (u32 i = 0; !code && d->count && i < raw->module_count; i++) {
		bool owned;
		int fd;

		if (raw->modules[i].pid != raw->modules[module].pid ||
		    !ft_module_is_jitdump(&raw->modules[i]))
			continue;
		fd = ft_jitdump_open(&raw->modules[i], &owned);
		if (fd >= 0)
			code = file_read(d, fd);
		if (fd >= 0 && owned)
			close(fd);
	}
	return code ? code : history_keep(d);
}

/* ---- stacks ---- */

/* The first twin of a module at or after a time. */
static u32 twin_lower(const struct dates *d, u32 module, u64 when_ns)
{
	u32 low = 0, high = d->twin_count;

	while (low < high) {
		u32 mid = low + (high - low) / 2;
		const struct twin *t = &d->twins[mid];

		if (t->of < module || (t->of == module && t->when_ns < when_ns))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/*
 * The twin that stands for a module's code at some time in [since_ns, until_ns), made if there is
 * none: few do for many versions. NONE when memory is exhausted.
 */
static u32 twin_get(struct dates *d, u32 module, u64 since_ns, u64 until_ns)
{
	struct ft_raw *raw = d->raw;
	u32 at = twin_lower(d, module, since_ns), index = NONE;
	struct ft_module twin = {.kind = FT_MODULE_ANON,
				 .fd = -1,
				 .pid = raw->modules[module].pid,
				 .twin = module + 1,
				 .when_ns = since_ns};

	if (at < d->twin_count && d->twins[at].of == module && d->twins[at].when_ns < until_ns)
		return d->twins[at].module;
	if (d->twin_count == TWINS_MAX)
		return module;
	if (FT_GROW_RAW(&d->twins, &d->twin_cap, (size_t)d->twin_count + 1))
		return NONE;
	twin.path = strdup(raw->modules[module].path);
	if (twin.path)
		index = ft_raw_module(raw, &twin);
	if (index == NONE) {
		free(twin.path);
		return NONE;
	}
	memmove(&d->twins[at + 1], &d->twins[at], (d->twin_count - at) * sizeof(*d->twins));
	d->twins[at] = (struct twin){since_ns, module, index};
	d->twin_count++;
	return index;
}

/* The location that stands for one as it was at a time; itself where it is the same at the end. */
static u32 location_at(struct dates *d, u32 location, u64 when_ns)
{
	const u64 *found = ft_map64_find(&d->changed, location);
	struct ft_location l = d->raw->locations[location];
	struct version *v;
	u32 count, at = 0, high;

	if (!found)
		return location;
	v = &d->history[(u32)*found];
	count = (u32)(*found >> 32);
	/* The last one that had begun; before all of them it was the first: it did run. */
	for (high = count; high - at > 1;) {
		u32 mid = at + (high - at) / 2;

		if (v[mid].since_ns <= when_ns)
			at = mid;
		else
			high = mid;
	}
	if (v[at].function == v[count - 1].function)
		return location;
	if (!v[at].location) {
		u64 since_ns = v[at].since_ns ? v[at].since_ns : 1;

		l.module = twin_get(d, l.module, since_ns, v[at + 1].since_ns);
		v[at].location = l.module == NONE ? NONE : ft_raw_location(d->raw, &l);
	}
	return v[at].location;
}

/* Which nodes have an address on their way to the root that was not the same all the time. */
static bool *nodes_mark(const struct dates *d)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(d->raw->tree);
	u32 count = ft_tree_count(d->raw->tree);
	bool *marks = ft_try_alloc(count, sizeof(*marks));

	for (u32 i = 1; marks && i < count; i++)
		marks[i] = marks[nodes[i].parent] || ft_map64_find(&d->changed, nodes[i].key);
	return marks;
}

/* The node of the same stack as it was at a time. NONE when memory is exhausted. */
static u32 node_at(struct dates *d, u32 node, u64 when_ns)
{
	u32 path[DEPTH_MAX], depth = 0, to = FT_TREE_ROOT;
	bool differs = false;

	for (u32 at = node; at != FT_TREE_ROOT; at = ft_tree_nodes(d->raw->tree)[at].parent) {
		u32 key = ft_tree_nodes(d->raw->tree)[at].key, then = location_at(d, key, when_ns);

		if (then == NONE)
			return NONE;
		if (depth == DEPTH_MAX)
			return node;
		differs |= then != key;
		path[depth++] = then;
	}
	while (differs && depth && to != FT_TREE_NONE)
		to = ft_tree_child(d->raw->tree, to, path[--depth]);
	return !differs ? node : to == FT_TREE_NONE ? NONE : to;
}

static int note_change(struct dates *d, u32 round, u32 node, u32 cpu, u64 weight)
{
	if (FT_GROW_RAW(&d->changes, &d->change_cap, (size_t)d->change_count + 1))
		return -ENOMEM;
	d->changes[d->change_count++] = (struct change){{node, cpu, weight}, round};
	return 0;
}

static int weight_move(struct dates *d, const struct ft_dated *dated, bool rounds)
{
	struct ft_tree *tree = d->raw->tree;
	u64 self = ft_tree_nodes(tree)[dated->node].self;
	u64 weight = dated->weight < self ? dated->weight : self;
	u32 node = node_at(d, dated->node, dated->when_ns);

	if (node == NONE)
		return -ENOMEM;
	if (node == dated->node)
		return 0;
	ft_tree_set(tree, dated->node, self - weight);
	ft_tree_add(tree, node, weight);
	if (rounds && (note_change(d, dated->round, dated->node, dated->cpu, -weight) ||
		       note_change(d, dated->round, node, dated->cpu, weight)))
		return -ENOMEM;
	return 0;
}

/* Puts the changes into the rounds that they are of. Both are in the order of time. */
static int rounds_change(const struct dates *d, struct ft_rounds *rounds)
{
	struct ft_round_weight *weights;
	u64 total = (u64)rounds->weight_count + d->change_count;
	u32 at = 0, count = 0;

	if (!d->change_count || !rounds->count)
		return 0;
	weights = total < UINT32_MAX ? ft_try_alloc(total, sizeof(*weights)) : NULL;
	if (!weights)
		return -ENOMEM;
	for (u32 i = 0; i < rounds->count; i++) {
		struct ft_round *round = &rounds->list[i];
		u32 first = count;

		for (u32 k = 0; k < round->count; k++)
			weights[count++] = rounds->weights[round->first + k];
		while (at < d->change_count &&
		       (d->changes[at].round <= i || i + 1 == rounds->count))
			weights[count++] = d->changes[at++].weight;
		round->first = first;
		round->count = count - first;
	}
	free(rounds->weights);
	rounds->weights = weights;
	rounds->weight_count = count;
	rounds->weight_cap = total;
	return 0;
}

static int stacks_date(struct dates *d, struct ft_rounds *rounds)
{
	const struct ft_raw *raw = d->raw;
	bool *marks;
	int code = 0;

	if (!d->changed.count)
		return 0;
	marks = nodes_mark(d);
	for (u32 i = 0; marks && !code && i < raw->dated_count; i++)
		if (marks[raw->dated[i].node])
			code = weight_move(d, &raw->dated[i], rounds != NULL);
	if (!marks)
		code = -ENOMEM;
	free(marks);
	return !code && rounds ? rounds_change(d, rounds) : code;
}

int ft_symbols_date(struct ft_raw *raw, struct ft_rounds *rounds, struct ft_err *err)
{
	struct dates d = {.raw = raw};
	u32 modules = raw->module_count;
	int code = 0;

	for (u32 i = 0; raw->dated_count && !code && i < modules; i++)
		if (raw->modules[i].kind == FT_MODULE_ANON && !raw->modules[i].twin)
			code = module_read(&d, i);
	if (!code)
		code = stacks_date(&d, rounds);
	raw->dated_count = 0;
	free(d.places);
	free(d.versions);
	free(d.history);
	free(d.twins);
	free(d.changes);
	ft_map64_fini(&d.changed);
	ft_map64_fini(&d.moved);
	return code ? ft_err_set(err, code, "not enough memory to tell apart what code was where")
		    : 0;
}

/* tables.c - see tables.h. */
#include "sampler/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "sampler/table_image.h"

#define PAGE_MASK 4095ull
#define SHORT_PART 8		  /* less than this part of the pool is free: it is short */
#define ROOM_PART 4		  /* then, this part is freed if that costs nothing */
#define SETTLED_NS 10000000000ull /* a table in use stays for this long */
#define SPAN_MAX ((1u << 29) - 1) /* of text that a mapping's table can cover */
#define TRIES_MAX 8		  /* to find room for a table */

struct table {
	enum ft_wire_table state;
	bool starved; /* PENDING for want of room */
	u8 tries;
	u32 epoch;		/* of the last try */
	u32 index, rows, rules; /* places in the pool, when READY */
	u32 index_words, row_words, rule_words;
	u64 base; /* address as linked of pc 0 */
	u32 span;
	struct ft_table_segment *segments;
	u32 segment_count;
	u64 when_ns; /* built, or found no room */
};

struct ft_tables {
	const struct ft_raw *raw;
	struct ft_pool *pool;
	struct ft_table_maker *maker;
	struct table *list; /* by module */
	size_t cap;
	u32 refused, version;
	u32 epoch;	   /* grows when room is given back */
	u64 starved_words; /* of all tables that found no room */
	bool evicting;	   /* evicted tables have not given back their room yet */
};

/* For places that no table speaks of. */
static const struct ft_cfi_rule no_rule = {.cfa_kind = FT_CFI_CFA_NONE};

struct ft_tables *ft_tables_new(const struct ft_raw *raw, struct ft_pool *pool,
				struct ft_table_maker *maker)
{
	struct ft_tables *tables = ft_alloc(sizeof(*tables));

	tables->raw = raw;
	tables->pool = pool;
	tables->maker = maker;
	return tables;
}

void ft_tables_free(struct ft_tables *tables)
{
	if (!tables)
		return;
	for (size_t i = 0; i < tables->cap; i++)
		free(tables->list[i].segments);
	free(tables->list);
	ft_table_maker_free(tables->maker);
	free(tables);
}

static u32 table_words(const struct table *t)
{
	return t->index_words + t->row_words + t->rule_words;
}

/* Copies rows, an odd one at the end padded by another that is never looked at. */
static void write_rows(struct ft_pool *pool, const struct table *t, const u16 *rows, u32 count)
{
	u32 last[1];

	ft_pool_write(pool, t->rows, rows, count / 2);
	if (count & 1) {
		last[0] = rows[count - 1];
		ft_pool_write(pool, t->rows + count / 2, last, 1);
	}
}

/* Puts a table into the pool: index, rows, and rules. The image is of no use afterwards. */
static int place_table(struct ft_tables *tables, struct ft_table_image *image, struct table *t)
{
	const struct ft_table_header *h = image->header;

	t->index_words = h->index_count;
	t->row_words = (h->row_count + 1) / 2;
	t->rule_words = h->rule_count * FT_WIRE_RULE_WORDS;
	t->index = ft_pool_alloc(tables->pool, t->index_words, false);
	t->rows = ft_pool_alloc(tables->pool, t->row_words, false);
	t->rules = ft_pool_alloc(tables->pool, t->rule_words, false);
	if (!t->index || !t->rows || !t->rules) {
		ft_pool_free(tables->pool, t->index, t->index_words);
		ft_pool_free(tables->pool, t->rows, t->row_words);
		ft_pool_free(tables->pool, t->rules, t->rule_words);
		return -ENOSPC;
	}
	for (u32 i = 0; i < h->index_count; i++)
		image->index[i] += t->rows * 2;
	ft_pool_write(tables->pool, t->index, image->index, t->index_words);
	write_rows(tables->pool, t, image->rows, h->row_count);
	ft_pool_write(tables->pool, t->rules, image->rules, t->rule_words);
	t->base = h->base;
	t->span = h->span;
	t->when_ns = ft_clock_ns(CLOCK_MONOTONIC);
	return 0;
}

/* Notes the loaded parts of a file, for describing mappings. */
static int copy_segments(const struct ft_table_image *image, struct table *t)
{
	u32 count = image->header->segment_count;

	free(t->segments);
	t->segment_count = 0;
	t->segments = ft_try_alloc(count, sizeof(*t->segments));
	if (!t->segments)
		return -ENOMEM;
	memcpy(t->segments, image->segments, count * sizeof(*t->segments));
	t->segment_count = count;
	return 0;
}

/* Counts a table that found no room, so that others can be evicted for it. */
static void starve(struct ft_tables *tables, struct table *t)
{
	if (++t->tries >= TRIES_MAX || table_words(t) >= ft_pool_capacity(tables->pool)) {
		t->state = FT_WIRE_TABLE_NO_ROOM;
		tables->refused++;
		return;
	}
	t->state = FT_WIRE_TABLE_PENDING;
	t->starved = true;
	t->epoch = tables->epoch;
	t->when_ns = t->tries > 1 ? t->when_ns : ft_clock_ns(CLOCK_MONOTONIC);
	tables->starved_words += table_words(t);
}

enum ft_wire_table ft_tables_build(struct ft_tables *tables, u32 module)
{
	const struct ft_module *m = &tables->raw->modules[module];
	struct ft_table_image image;
	struct table *t;
	int code;

	if (m->kind == FT_MODULE_ANON)
		return FT_WIRE_TABLE_JIT;
	if (module >= tables->cap) {
		size_t old = tables->cap;

		if (FT_GROW(&tables->list, &tables->cap, (size_t)module + 1))
			return FT_WIRE_TABLE_NONE;
		for (size_t i = old; i < tables->cap; i++)
			tables->list[i].state = FT_WIRE_TABLE_PENDING;
	}
	t = &tables->list[module];
	if (t->state != FT_WIRE_TABLE_PENDING || (t->starved && t->epoch == tables->epoch))
		return t->state;
	if (t->starved)
		tables->starved_words -= table_words(t);
	t->starved = false;
	t->state = FT_WIRE_TABLE_NONE;
	tables->version++;
	if (ft_table_maker_get(tables->maker, module, &image))
		return t->state;
	code = copy_segments(&image, t);
	if (!code)
		code = place_table(tables, &image, t);
	if (!code)
		t->state = FT_WIRE_TABLE_READY;
	else if (code == -ENOSPC)
		starve(tables, t);
	ft_table_image_fini(&image);
	return t->state;
}

bool ft_tables_short(const struct ft_tables *tables)
{
	u64 words = ft_pool_capacity(tables->pool);

	return !tables->evicting &&
	       (tables->starved_words || words - tables->pool->used_words < words / SHORT_PART);
}

bool ft_tables_starving(const struct ft_tables *tables)
{
	return tables->starved_words > 0;
}

void ft_tables_room_again(struct ft_tables *tables)
{
	tables->evicting = false;
	tables->epoch++;
}

/* Forgets a table; its parts go to retire. */
static void evict(struct ft_tables *tables, struct table *t, ft_tables_retire *retire,
		  void *context)
{
	retire(context, t->index, t->index_words);
	retire(context, t->rows, t->row_words);
	retire(context, t->rules, t->rule_words);
	t->state = FT_WIRE_TABLE_PENDING;
	t->tries = 0;
	tables->version++;
}

/*
 * Of the tables that no process maps, or of all that have settled, the one that was built first.
 */
static struct table *oldest(struct ft_tables *tables, const u8 *mapped, bool of_all, u64 now_ns)
{
	struct table *found = NULL;

	for (size_t i = 0; i < tables->cap; i++) {
		struct table *t = &tables->list[i];

		if (t->state != FT_WIRE_TABLE_READY || (found && t->when_ns >= found->when_ns))
			continue;
		if (of_all ? t->when_ns + SETTLED_NS <= now_ns : !mapped[i])
			found = t;
	}
	return found;
}

/* Tables that have waited for room for too long are given up. */
static void give_up(struct ft_tables *tables, u64 now_ns)
{
	for (size_t i = 0; i < tables->cap; i++) {
		struct table *t = &tables->list[i];

		if (!t->starved || now_ns < t->when_ns + 2 * SETTLED_NS)
			continue;
		tables->starved_words -= table_words(t);
		t->starved = false;
		t->state = FT_WIRE_TABLE_NO_ROOM;
		tables->refused++;
		tables->version++;
	}
}

u32 ft_tables_evict(struct ft_tables *tables, const u8 *mapped, u64 now_ns,
		    ft_tables_retire *retire, void *context)
{
	u32 evicted = 0;
	u64 words = ft_pool_capacity(tables->pool);
	u64 starved = tables->starved_words, freed = 0;
	u64 free_words = words - tables->pool->used_words;
	u64 wanted = words / ROOM_PART + starved;
	struct table *t;

	while (free_words + freed < wanted || (starved && !evicted)) {
		t = oldest(tables, mapped, false, now_ns);
		if (!t)
			break;
		freed += table_words(t);
		evicted++;
		evict(tables, t, retire, context);
	}
	/* Room that is free already was of no use to those that starve: it is in pieces. */
	while (freed < starved) {
		t = oldest(tables, mapped, true, now_ns);
		if (!t)
			break;
		freed += table_words(t);
		evicted++;
		evict(tables, t, retire, context);
	}
	tables->evicting = evicted > 0;
	if (!evicted)
		give_up(tables, now_ns);
	return evicted;
}

/*
 * Address as linked of a mapping's file offset; false when no loaded part holds it.
 *
 * Mappings begin on pages, also before the part's first byte; the page may be the last one of the
 * part before, which lies elsewhere (lld lays files out so). So it is the last part that it can be.
 */
static bool linked_address(const struct table *t, u64 offset, u64 *addr)
{
	const struct ft_table_segment *best = NULL;

	for (u32 i = 0; i < t->segment_count; i++) {
		const struct ft_table_segment *s = &t->segments[i];

		if (offset >= (s->offset & ~PAGE_MASK) && offset < s->offset + s->bytes &&
		    (!best || s->offset > best->offset))
			best = s;
	}
	if (!best)
		return false;
	*addr = offset - best->offset + best->addr;
	return true;
}

void ft_tables_describe(struct ft_tables *tables, const struct ft_mapping *mapping,
			struct ft_wire_mapping *wire)
{
	const struct ft_module *m = &tables->raw->modules[mapping->module];
	const struct table *t;
	u64 linked;

	*wire = (struct ft_wire_mapping){
		.start = mapping->start,
		.pages = (u32)((mapping->end - mapping->start) / 4096),
	};
	wire->table = FT_WIRE_TABLE_PENDING;
	if (m->kind == FT_MODULE_ANON)
		wire->table = FT_WIRE_TABLE_JIT;
	if (m->kind == FT_MODULE_ANON || mapping->module >= tables->cap)
		return;
	t = &tables->list[mapping->module];
	wire->table = t->state & 7;
	if (t->state != FT_WIRE_TABLE_READY)
		return;
	if (m->kind == FT_MODULE_VDSO)
		linked = t->segment_count ? t->segments[0].addr : 0;
	else if (!linked_address(t, mapping->offset, &linked)) {
		wire->table = FT_WIRE_TABLE_NONE;
		return;
	}
	wire->base = mapping->start - linked + t->base;
	wire->index = t->index;
	wire->rules = t->rules;
	wire->span = (t->span < SPAN_MAX ? t->span : SPAN_MAX) & SPAN_MAX;
}

const struct ft_cfi_rule *ft_tables_find(const struct ft_tables *tables,
					 const struct ft_wire_mapping *wire, u64 addr)
{
	u64 offset = addr - wire->base;
	u32 place = wire->index + (u32)(offset >> FT_CFI_GRANULE_SHIFT), low, high, code;

	if (offset >= wire->span)
		return &no_rule;
	low = ft_pool_word(tables->pool, place);
	high = ft_pool_word(tables->pool, place + 1);
	/*
	 * Finds the first row of the granule that is beyond the address; the one before it holds.
	 */
	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (FT_CFI_ROW_PC(ft_pool_half(tables->pool, middle)) <=
		    (offset & (FT_CFI_GRANULE - 1)))
			low = middle + 1;
		else
			high = middle;
	}
	code = FT_CFI_ROW_CODE(ft_pool_half(tables->pool, low - 1));
	if (code >= FT_CFI_CODE_WIDE)
		code = FT_CFI_CODE_JOIN(code, FT_CFI_ROW_CODE(ft_pool_half(tables->pool, low - 2)));
	return ft_pool_at(tables->pool, wire->rules + code * FT_WIRE_RULE_WORDS);
}

u32 ft_tables_version(const struct ft_tables *tables)
{
	return tables->version;
}

u32 ft_tables_refused(const struct ft_tables *tables)
{
	return tables->refused;
}

/*
 * archive_read.c - the reader of .ftap files (docs/archive.md).
 *
 * A file may come from anywhere and be cut anywhere. Sections are taken one by one while their
 * checksums hold; the first that does not ends the reading, and the profile is what came before. A
 * section whose checksum holds but whose content makes no sense ends it, too.
 *
 * Ids in the file count as its writer counted. The profile's own are looked up, since a forged file
 * may say things twice.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/alloc.h"
#include "profile/archive_private.h"

/* From an id in the file to one of ours. */
struct ids {
	u32 *list;
	u32 count;
	size_t cap;
};

struct reader {
	struct ft_archive *archive;
	struct ids strings, keys, nodes; /* keys: locations or frames */
	u64 last_addr;
	u32 last_module, last_name, last_key;
	u64 owner, addressed; /* nodes that were told of last */
	bool has_head;
	u32 sections;
	u32 weights; /* of the section before this one, if it was one of weights */
	int code; /* -ENOMEM; else damage only */
};

static bool ids_add(struct reader *r, struct ids *ids, u32 id)
{
	if (id == UINT32_MAX || FT_GROW_RAW(&ids->list, &ids->cap, (size_t)ids->count + 1)) {
		r->code = -ENOMEM;
		return false;
	}
	ids->list[ids->count++] = id;
	return true;
}

/* Our id for one in the file; 0 and bad where there is none. */
static u32 id_of(struct ft_cursor *c, const struct ids *ids, u64 id)
{
	if (id < ids->count)
		return ids->list[id];
	c->bad = true;
	return 0;
}

/* A number of items that each take at least so many bytes. */
static u32 item_count(struct ft_cursor *c, size_t bytes_each)
{
	size_t max = (size_t)(c->end - c->at) / bytes_each + 1;

	return (u32)ft_cursor_below(c, max);
}

/* Where each of so many columns of numbers is, one after the other; c moves behind them. */
static void columns_split(struct ft_cursor *c, u32 count, struct ft_cursor *columns, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		columns[i] = *c;
		for (u32 left = count; left && c->at < c->end; c->at++)
			left -= *c->at < 0x80;
		columns[i].end = c->at;
	}
}

/* ---- sections ---- */

static void read_facts(struct reader *r, struct ft_cursor *c)
{
	u32 count = (u32)ft_cursor_below(c, FT_FACTS_MAX);

	for (u32 i = 0; i < count && !c->bad; i++) {
		char text[2][512];

		for (int t = 0; t < 2; t++) {
			size_t len;
			const char *from = ft_cursor_text(c, &len);

			if (len >= sizeof(text[t]))
				len = sizeof(text[t]) - 1;
			memcpy(text[t], from, len);
			text[t][len] = '\0';
		}
		if (!c->bad)
			ft_facts_set(&r->archive->facts, text[0], text[1]);
	}
}

static void read_head(struct reader *r, struct ft_cursor *c)
{
	u64 form = ft_cursor_below(c, FT_HEAD_RESOLVED);
	enum ft_unit unit = (enum ft_unit)ft_cursor_below(c, FT_UNIT_UNITS);
	u64 flags = ft_cursor_number(c);
	struct ft_archive *a = r->archive;

	if (c->bad || r->has_head) {
		c->bad = true;
		return;
	}
	if (form == FT_HEAD_RAW) {
		a->raw = ft_raw_new();
		if (!a->raw) {
			r->code = -ENOMEM;
			return;
		}
		a->raw->unit = unit;
		a->raw->at_tracepoint = flags & FT_HEAD_AT_TRACEPOINT;
		a->raw->at_switch = flags & FT_HEAD_AT_SWITCH;
	} else {
		a->profile = ft_profile_new();
		if (!a->profile) {
			r->code = -ENOMEM;
			return;
		}
		a->profile->unit = unit;
		a->profile->has_quality = flags & FT_HEAD_QUALITY;
	}
	/* What all lists hold at first. */
	r->has_head = ids_add(r, &r->strings, 0) && ids_add(r, &r->keys, 0) &&
		      ids_add(r, &r->nodes, FT_TREE_ROOT);
}

static bool read_strings_into(struct reader *r, struct ft_cursor *c, struct ft_strtab *strings,
			      struct ids *ids)
{
	u32 count = item_count(c, 1);
	struct ft_cursor lengths = *c;

	for (u32 i = 0; i < count; i++)
		ft_cursor_number(c);
	for (u32 i = 0; i < count && !c->bad; i++) {
		u64 len = ft_cursor_below(&lengths, (u64)(c->end - c->at));
		const u8 *text = ft_cursor_take(c, (size_t)len);

		if (lengths.bad || !text)
			c->bad = true;
		else if (!ids_add(r, ids, ft_strtab_add(strings, (const char *)text, (size_t)len)))
			return false;
	}
	return !c->bad;
}

static void read_strings(struct reader *r, struct ft_cursor *c)
{
	struct ft_archive *a = r->archive;

	read_strings_into(r, c, a->raw ? a->raw->strings : a->profile->strings, &r->strings);
}

static void read_modules(struct reader *r, struct ft_cursor *c)
{
	u32 count = item_count(c, 4);

	for (u32 i = 0; i < count && !c->bad; i++) {
		struct ft_module m = {.fd = -1};
		size_t len, id_len;
		const char *path, *id;

		m.kind = (enum ft_module_kind)ft_cursor_below(c, FT_MODULE_ANON);
		m.pid = (u32)ft_cursor_below(c, UINT32_MAX);
		path = ft_cursor_text(c, &len);
		id = ft_cursor_text(c, &id_len);
		if (c->bad || id_len > FT_BUILD_ID_MAX || memchr(path, '\0', len)) {
			c->bad = true;
			return;
		}
		memcpy(m.build_id, id, id_len);
		m.build_id_len = (u8)id_len;
		m.path = ft_try_alloc(len + 1, 1);
		if (m.path)
			memcpy(m.path, path, len);
		if (!m.path || ft_raw_module(r->archive->raw, &m) == UINT32_MAX) {
			free(m.path);
			r->code = -ENOMEM;
			return;
		}
	}
}

static void read_locations(struct reader *r, struct ft_cursor *c)
{
	struct ft_raw *raw = r->archive->raw;
	struct ft_cursor col[5];
	u32 count = item_count(c, 5);

	columns_split(c, count, col, 5);
	for (u32 i = 0; i < count && !c->bad && !r->code; i++) {
		struct ft_location l = {0};

		l.kind = (enum ft_location_kind)ft_cursor_below(&col[0], FT_LOCATION_UNKNOWN);
		r->last_module += (u32)ft_unzigzag(ft_cursor_number(&col[1]));
		l.module = r->last_module;
		l.name = id_of(c, &r->strings, ft_cursor_number(&col[2]));
		l.pid = (u32)ft_cursor_below(&col[3], UINT32_MAX);
		r->last_addr += ft_unzigzag(ft_cursor_number(&col[4]));
		l.addr = r->last_addr;
		if (l.kind == FT_LOCATION_USER && l.module >= raw->module_count)
			c->bad = true;
		for (u32 k = 0; k < 5; k++)
			c->bad |= col[k].bad;
		if (!c->bad)
			ids_add(r, &r->keys, ft_raw_location(raw, &l));
	}
}

static void read_frames(struct reader *r, struct ft_cursor *c)
{
	struct ft_profile *profile = r->archive->profile;
	struct ft_cursor col[3];
	u32 count = item_count(c, 3);

	columns_split(c, count, col, 3);
	for (u32 i = 0; i < count && !c->bad && !r->code; i++) {
		struct ft_frame f = {0};
		u64 kind;

		r->last_name += (u32)ft_unzigzag(ft_cursor_number(&col[0])) + 1;
		f.name = id_of(c, &r->strings, r->last_name);
		f.module = id_of(c, &r->strings, ft_cursor_number(&col[1]));
		kind = ft_cursor_below(&col[2], FT_FRAME_KIND_COUNT * 2 - 1);
		f.kind = (u8)(kind / 2);
		f.inlined = kind & 1;
		for (u32 k = 0; k < 3; k++)
			c->bad |= col[k].bad;
		if (!c->bad)
			ids_add(r, &r->keys, ft_profile_frame(profile, &f));
	}
}

static struct ft_tree *tree_of(const struct reader *r)
{
	return r->archive->raw ? r->archive->raw->tree : r->archive->profile->tree;
}

static void read_nodes(struct reader *r, struct ft_cursor *c)
{
	struct ft_tree *tree = tree_of(r);
	struct ft_cursor col[2];
	u32 count = item_count(c, 2);

	columns_split(c, count, col, 2);
	for (u32 i = 0; i < count && !c->bad && !r->code; i++) {
		u64 back = ft_cursor_number(&col[0]);
		u32 key = r->last_key + 1 - (u32)ft_unzigzag(ft_cursor_number(&col[1])), node;

		if (back >= r->nodes.count || key >= r->keys.count || !key || col[0].bad ||
		    col[1].bad) {
			c->bad = true;
			return;
		}
		if (key > r->last_key)
			r->last_key = key;
		node = ft_tree_child(tree, r->nodes.list[r->nodes.count - 1 - back],
				     r->keys.list[key]);
		if (!ids_add(r, &r->nodes, node))
			return;
	}
}

static void round_begin(struct reader *r, u64 until_ns)
{
	struct ft_rounds *rounds = &r->archive->rounds;

	/* A round may take more than one section. */
	if (rounds->count && rounds->list[rounds->count - 1].until_ns == until_ns)
		return;
	if (FT_GROW_RAW(&rounds->list, &rounds->cap, (size_t)rounds->count + 1)) {
		r->code = -ENOMEM;
		return;
	}
	rounds->list[rounds->count++] =
		(struct ft_round){.until_ns = until_ns, .first = rounds->weight_count};
}

static void read_weights(struct reader *r, struct ft_cursor *c)
{
	struct ft_rounds *rounds = &r->archive->rounds;
	u64 until_ns = ft_cursor_number(c), node = 0;
	u32 count = item_count(c, 2);
	struct ft_cursor col[2];

	columns_split(c, count, col, 2);
	round_begin(r, until_ns);
	if (r->code || FT_GROW_RAW(&rounds->weights, &rounds->weight_cap,
				   (size_t)rounds->weight_count + count)) {
		r->code = -ENOMEM;
		return;
	}
	for (u32 i = 0; i < count && !c->bad; i++) {
		u64 weight;
		u32 id;

		node += ft_cursor_number(&col[0]);
		id = id_of(c, &r->nodes, node);
		weight = ft_unzigzag(ft_cursor_number(&col[1]));
		c->bad |= col[0].bad || col[1].bad || rounds->weight_count == UINT32_MAX;
		if (c->bad)
			return;
		ft_tree_set(tree_of(r), id, ft_tree_nodes(tree_of(r))[id].self + weight);
		rounds->weights[rounds->weight_count++] = (struct ft_round_weight){id, 0, weight};
		rounds->list[rounds->count - 1].count++;
	}
}

static void read_shifts_of(struct ft_module *module, struct ft_cursor *c)
{
	module->shift_count = (u8)ft_cursor_below(c, FT_MODULE_SHIFTS);
	for (u32 n = 0; n < module->shift_count; n++) {
		module->shifts[n].offset = ft_cursor_number(c);
		module->shifts[n].shift = ft_unzigzag(ft_cursor_number(c));
	}
}

/* Of the modules that were read last. */
static void read_shifts(struct reader *r, struct ft_cursor *c)
{
	struct ft_raw *raw = r->archive->raw;
	u32 count = item_count(c, 1);

	c->bad |= count > raw->module_count;
	for (u32 i = raw->module_count - count; !c->bad && i < raw->module_count; i++)
		read_shifts_of(&raw->modules[i], c);
}

/* Of the modules that were read last: a twin stands before its copies, and is none itself. */
static void read_twins(struct reader *r, struct ft_cursor *c)
{
	struct ft_raw *raw = r->archive->raw;
	u32 count = item_count(c, 1);

	c->bad |= count > raw->module_count;
	for (u32 i = raw->module_count - count; !c->bad && i < raw->module_count; i++) {
		struct ft_module *m = &raw->modules[i];
		u32 twin = (u32)ft_cursor_below(c, i);

		if (!twin || c->bad)
			continue;
		m->when_ns = ft_cursor_number(c);
		c->bad |= m->kind != FT_MODULE_ANON ||
			  raw->modules[twin - 1].kind != FT_MODULE_ANON ||
			  raw->modules[twin - 1].twin;
		m->twin = c->bad ? 0 : twin;
	}
}

/* On which CPUs the weights came that were read last. */
static void read_cpus(struct reader *r, struct ft_cursor *c)
{
	struct ft_rounds *rounds = &r->archive->rounds;
	u32 count = item_count(c, 1);

	c->bad |= count != r->weights;
	for (u32 i = rounds->weight_count - r->weights; i < rounds->weight_count && !c->bad; i++)
		rounds->weights[i].cpu = (u32)ft_cursor_below(c, UINT32_MAX);
}

static void read_mapped(struct reader *r, struct ft_cursor *c)
{
	u32 count = item_count(c, 4);
	u64 when_ns = 0, last = 0;

	r->archive->raw->mapped_more = ft_cursor_number(c);
	for (u32 i = 0; i < count && !c->bad; i++) {
		struct ft_mapped m = {0};

		m.kind = (enum ft_mapped_kind)ft_cursor_below(c, FT_MAPPED_EXEC);
		m.pid = (u32)ft_cursor_below(c, UINT32_MAX);
		m.module = (u32)ft_cursor_below(c, UINT32_MAX);
		when_ns += ft_unzigzag(ft_cursor_number(c));
		m.when_ns = when_ns;
		if (m.kind == FT_MAPPED_FILE) {
			last += ft_unzigzag(ft_cursor_number(c));
			m.start = last;
			m.end = last + ft_cursor_number(c);
			m.offset = ft_cursor_number(c);
			c->bad |= m.module >= r->archive->raw->module_count || m.end < m.start;
		}
		if (!c->bad && ft_raw_mapped(r->archive->raw, &m)) {
			r->code = -ENOMEM;
			return;
		}
	}
}

static void read_counters(struct reader *r, struct ft_cursor *c)
{
	struct ft_quality *q =
		r->archive->raw ? &r->archive->raw->quality : &r->archive->profile->quality;
	u64 count = ft_cursor_below(c, 1000), *value;
	struct ft_quality fresh = {0};

	for (u64 i = 0; i < count && !c->bad; i++) {
		size_t len;
		const char *name, *text = ft_cursor_text(c, &len);
		u64 number = ft_cursor_number(c);

		if (len == strlen("kernel-locks") && !memcmp(text, "kernel-locks", len))
			fresh.kernel_locks = number;
		for (u32 n = 0; (value = ft_archive_counter(&fresh, n, &name)); n++)
			if (strlen(name) == len && !memcmp(name, text, len))
				*value = number;
	}
	count = ft_cursor_below(c, FT_QUALITY_BLAMED);
	for (u64 i = 0; i < count && !c->bad; i++) {
		size_t len;
		const char *text = ft_cursor_text(c, &len);

		if (len >= sizeof(fresh.blamed[i].module))
			len = sizeof(fresh.blamed[i].module) - 1;
		memcpy(fresh.blamed[i].module, text, len);
		fresh.blamed[i].stacks = ft_cursor_number(c);
	}
	if (!c->bad)
		*q = fresh;
}

static struct ft_kept_frame read_kept_frame(struct ft_cursor *c, const struct ids *strings,
					    u32 *last_file)
{
	struct ft_kept_frame f;

	f.name = id_of(c, strings, ft_cursor_number(c));
	f.kind = (u8)ft_cursor_below(c, FT_FRAME_KIND_COUNT - 1);
	*last_file += (u32)ft_unzigzag(ft_cursor_number(c));
	f.file = id_of(c, strings, *last_file);
	f.line = (u32)ft_cursor_below(c, UINT32_MAX);
	return f;
}

static void read_places_of_kept(struct reader *r, struct ft_cursor *c, struct ft_kept *kept,
				const struct ids *strings)
{
	u32 count = item_count(c, 1), last_file = 0;
	struct ft_cursor flags;

	if (count > r->archive->raw->location_count || !count) {
		c->bad = true;
		return;
	}
	columns_split(c, count - 1, &flags, 1);
	if (ft_kept_reserve(kept, r->archive->raw->location_count)) {
		r->code = -ENOMEM;
		return;
	}
	for (u32 i = 1; i < count && !c->bad && !r->code; i++) {
		struct ft_kept_place p = {.first = kept->call_count};
		u64 flag = ft_cursor_below(&flags, UINT16_MAX * 4u + 3);

		p.known = flag & 1;
		p.named = flag & 2;
		p.calls = (u16)(flag >> 2);
		c->bad |= flags.bad;
		if (!p.known || c->bad)
			continue;
		p.module = id_of(c, strings, ft_cursor_number(c));
		p.function = read_kept_frame(c, strings, &last_file);
		for (u32 k = 0; k < p.calls && !c->bad; k++) {
			if (FT_GROW_RAW(&kept->calls, &kept->call_cap,
					(size_t)kept->call_count + 1)) {
				r->code = -ENOMEM;
				return;
			}
			kept->calls[kept->call_count++] = read_kept_frame(c, strings, &last_file);
		}
		if (!c->bad)
			kept->places[id_of(c, &r->keys, i)] = p;
	}
}

static void read_symbols(struct reader *r, struct ft_cursor *c)
{
	struct ft_kept *kept = ft_kept_new();
	struct ids strings = {0};

	if (!kept) {
		r->code = -ENOMEM;
		return;
	}
	if (ids_add(r, &strings, 0) && read_strings_into(r, c, kept->strings, &strings))
		read_places_of_kept(r, c, kept, &strings);
	free(strings.list);
	if (c->bad || r->code) {
		ft_kept_free(kept);
		return;
	}
	ft_kept_free(r->archive->raw->kept);
	r->archive->raw->kept = kept;
}

static void read_places(struct reader *r, struct ft_cursor *c)
{
	struct ft_places *places = &r->archive->profile->places;
	u32 count = item_count(c, 3);
	u64 node = places->count ? places->list[places->count - 1].node : 0;

	for (u32 i = 0; i < count && !c->bad; i++) {
		u32 id, file, line;

		node += ft_cursor_number(c);
		id = id_of(c, &r->nodes, node);
		file = id_of(c, &r->strings, ft_cursor_number(c));
		line = (u32)ft_cursor_below(c, UINT32_MAX);
		if (!c->bad && ft_places_add(places, id, file, line, 1)) {
			r->code = -ENOMEM;
			return;
		}
	}
}

static void read_files(struct reader *r, struct ft_cursor *c)
{
	u32 count = item_count(c, 6);

	for (u32 i = 0; i < count && !c->bad && !r->code; i++) {
		struct ft_profile_module m = {0};
		const u8 *id;
		size_t len;

		m.name = id_of(c, &r->strings, ft_cursor_number(c));
		m.path = id_of(c, &r->strings, ft_cursor_number(c));
		len = (size_t)ft_cursor_below(c, FT_BUILD_ID_MAX);
		id = ft_cursor_take(c, len);
		if (id)
			memcpy(m.build_id, id, len);
		m.build_id_len = (u8)len;
		m.start = ft_cursor_number(c);
		m.limit = m.start + ft_cursor_number(c);
		m.offset = ft_cursor_number(c);
		c->bad |= m.limit < m.start;
		if (!c->bad && ft_profile_module(r->archive->profile, &m))
			r->code = -ENOMEM;
	}
}

static void read_owners(struct reader *r, struct ft_cursor *c)
{
	u32 count = item_count(c, 3);
	struct ft_cursor col[3];

	columns_split(c, count, col, 3);
	for (u32 i = 0; i < count && !c->bad; i++) {
		u32 id, pid = 0;
		u64 weight;

		r->owner += ft_cursor_number(&col[0]);
		id = id_of(c, &r->nodes, r->owner);
		pid = (u32)ft_cursor_below(&col[1], UINT32_MAX);
		weight = ft_cursor_number(&col[2]);
		c->bad |= col[0].bad || col[1].bad || col[2].bad;
		if (!c->bad && ft_origins_owner(&r->archive->profile->origins, id, pid, weight)) {
			r->code = -ENOMEM;
			return;
		}
	}
}

static void read_addresses(struct reader *r, struct ft_cursor *c)
{
	u32 count = item_count(c, 2);
	struct ft_cursor col[2];
	u64 address = 0;

	columns_split(c, count, col, 2);
	for (u32 i = 0; i < count && !c->bad; i++) {
		u32 id;

		r->addressed += ft_cursor_number(&col[0]);
		id = id_of(c, &r->nodes, r->addressed);
		address += ft_unzigzag(ft_cursor_number(&col[1]));
		c->bad |= col[0].bad || col[1].bad;
		if (!c->bad && ft_origins_address(&r->archive->profile->origins, id, address)) {
			r->code = -ENOMEM;
			return;
		}
	}
}

/* ---- the file ---- */

/* Which sections mean something in which form; bit 0 raw, bit 1 resolved, bit 2 before the head. */
static const struct {
	void (*read)(struct reader *r, struct ft_cursor *c);
	u8 type, forms;
} sections[] = {
	{read_facts, FT_SECTION_FACTS, 7},	   {read_head, FT_SECTION_HEAD, 7},
	{read_strings, FT_SECTION_STRINGS, 3},	   {read_modules, FT_SECTION_MODULES, 1},
	{read_locations, FT_SECTION_LOCATIONS, 1}, {read_nodes, FT_SECTION_NODES, 3},
	{read_weights, FT_SECTION_WEIGHTS, 3},	   {read_mapped, FT_SECTION_MAPPED, 1},
	{read_counters, FT_SECTION_COUNTERS, 3},   {read_symbols, FT_SECTION_SYMBOLS, 1},
	{read_frames, FT_SECTION_FRAMES, 2},	   {read_places, FT_SECTION_PLACES, 2},
	{read_cpus, FT_SECTION_CPUS, 3},	   {read_shifts, FT_SECTION_SHIFTS, 1},
	{read_files, FT_SECTION_FILES, 2},	   {read_owners, FT_SECTION_OWNERS, 2},
	{read_addresses, FT_SECTION_ADDRESSES, 2}, {read_twins, FT_SECTION_TWINS, 1},
};

/* Reads the content of a section. False: it makes no sense. */
static bool section_read(struct reader *r, u32 type, const u8 *data, size_t len)
{
	struct ft_cursor c = {.at = data, .end = data + len};
	u8 form = !r->has_head ? 4 : r->archive->raw ? 1 : 2;
	u32 weights;

	for (size_t i = 0; i < FT_ARRAY_LEN(sections); i++) {
		if (sections[i].type != type)
			continue;
		if (!(sections[i].forms & form))
			return false;
		weights = r->archive->rounds.weight_count;
		sections[i].read(r, &c);
		r->weights = r->archive->rounds.weight_count - weights;
		return !c.bad && !r->code;
	}
	if (type == FT_SECTION_END)
		r->archive->whole = ft_cursor_number(&c) == r->sections;
	else
		r->archive->skipped++;
	return true;
}

/* Takes one section from the file. False: there is none, or it is damaged. */
static bool section_next(struct reader *r, struct ft_cursor *file)
{
	struct ft_section_head head;
	const u8 *from = ft_cursor_take(file, sizeof(head)), *stored;
	u8 *plain = NULL;
	bool good;

	if (!from)
		return false;
	memcpy(&head, from, sizeof(head));
	if (head.magic != FT_SECTION_MAGIC || head.bytes > FT_SECTION_BYTES_MAX ||
	    head.head_crc != (u32)crc32(0, from, offsetof(struct ft_section_head, head_crc)))
		return false;
	stored = ft_cursor_take(file, head.stored_bytes);
	if (!stored || head.crc != (u32)crc32(0, stored, head.stored_bytes))
		return false;
	if (!(head.flags & FT_SECTION_ZSTD)) {
		good = section_read(r, head.type, stored, head.stored_bytes);
	} else {
		/* The frame says its own size, too: what differs is not worth the memory. */
		if (ZSTD_getFrameContentSize(stored, head.stored_bytes) != head.bytes)
			return false;
		plain = malloc(head.bytes + 1);
		if (!plain) {
			r->code = -ENOMEM;
			return false;
		}
		good = ZSTD_decompress(plain, head.bytes, stored, head.stored_bytes) ==
			       head.bytes &&
		       section_read(r, head.type, plain, head.bytes);
		free(plain);
	}
	r->sections += good;
	return good;
}

bool ft_archive_is(const void *data, size_t len)
{
	return len >= FT_ARCHIVE_MAGIC_BYTES &&
	       !memcmp(data, FT_ARCHIVE_MAGIC, FT_ARCHIVE_MAGIC_BYTES);
}

static int finish(struct reader *r, const char *name, struct ft_err *err)
{
	struct ft_archive *a = r->archive;
	const char *title = ft_facts_get(&a->facts, "title");

	if (r->code)
		return ft_err_set(err, r->code, "not enough memory to read %s", name);
	if (!r->has_head)
		return ft_err_set(err, -EINVAL,
				  "%s is damaged at its very beginning: nothing in it can be read",
				  name);
	if (a->raw && a->raw->kept && ft_kept_reserve(a->raw->kept, a->raw->location_count))
		return ft_err_set(err, -ENOMEM, "not enough memory to read %s", name);
	if (a->profile) {
		ft_places_finish(&a->profile->places);
		ft_origins_finish(&a->profile->origins);
		if (title)
			a->profile->title = ft_strdup(title);
	}
	return 0;
}

int ft_archive_read(const void *data, size_t len, const char *name, struct ft_archive *archive,
		    struct ft_err *err)
{
	struct ft_cursor file = {.at = data, .end = (const u8 *)data + len};
	struct reader r = {.archive = archive};
	u32 version;
	int code;

	*archive = (struct ft_archive){.bytes = len};
	if (!ft_archive_is(data, len) || len < FT_ARCHIVE_HEAD_BYTES)
		return ft_err_set(err, -EINVAL, "%s is not a .ftap archive, or cut at its start",
				  name);
	memcpy(&version, (const u8 *)data + FT_ARCHIVE_MAGIC_BYTES, sizeof(version));
	if (version != FT_ARCHIVE_VERSION)
		return ft_err_set(err, -EINVAL,
				  "%s was written by a later flametap (format %u, this one reads "
				  "%u): use that one",
				  name, version, FT_ARCHIVE_VERSION);
	ft_cursor_take(&file, FT_ARCHIVE_HEAD_BYTES);
	do
		archive->bytes_read = (u64)(file.at - (const u8 *)data);
	while (!archive->whole && section_next(&r, &file));
	code = finish(&r, name, err);
	free(r.strings.list);
	free(r.keys.list);
	free(r.nodes.list);
	return code;
}

void ft_archive_fini(struct ft_archive *archive)
{
	ft_facts_fini(&archive->facts);
	ft_rounds_fini(&archive->rounds);
	ft_raw_free(archive->raw);
	ft_profile_free(archive->profile);
	archive->raw = NULL;
	archive->profile = NULL;
}

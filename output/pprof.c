/*
 * pprof.c - the writer of pprof's profile.proto, compressed by gzip: opens in go tool pprof.
 *
 * The format: github.com/google/pprof, proto/profile.proto. A location is a function with what was
 * inlined into it; equal ones are found through a small tree of (function, line) pairs. Every
 * sample has its process as the labels "comm" and "pid", its thread as "thread" and "tid".
 * Addresses, of a function's line the one seen first, are as linked, in mappings to match: go tool
 * pprof of Go 1.19 takes them for that, and later ones subtract 0. Where that is not known they are
 * offsets in the file, in a mapping that begins at 0; of the kernel and of code without a file they
 * are what they were.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/map64.h"
#include "output/output.h"
#include "output/writers.h"
#include "profile/bytes.h"
#include "profile/segments.h"

#define CHUNK_BYTES 65536
#define PAGE_BYTES 4096

struct pprof {
	const struct ft_profile *profile;
	const struct ft_tree_node *nodes;
	struct ft_out *out;
	z_stream z;
	bool z_open;
	u8 buffer[CHUNK_BYTES];
	struct ft_bytes message; /* what waits for compression */
	struct ft_bytes part;	 /* a message within it */
	struct ft_bytes inner;	 /* and within that */
	u32 *string_of;		 /* by string id: number in the file and one; 0: not there yet */
	u32 string_count;
	struct ft_map64 pairs; /* frame and line: number */
	struct ft_tree *trie;  /* of pairs; a node is a location's number */
	u32 *place_of;	       /* by node of the profile: its node in trie, or 0 */
	u32 mapping_count;
	u32 *first_part;   /* by module string id: index and one in the profile's modules, or 0 */
	u32 *next_part;	   /* by index in the profile's modules: of the same name, likewise */
	u32 *part_mapping; /* by the same: number of its mapping */
	u32 *mapping_of; /* by module string id: number of the mapping of what has no part, or 0 */
	u64 *limit_of;	 /* by the same: beyond its addresses */
	u32 owner;	 /* index of the next in the profile's owners */
	u8 *is_written;
};

/* ---- the wire format ---- */

static void flush(struct pprof *p, int how)
{
	p->z.next_in = p->message.data;
	p->z.avail_in = (uInt)p->message.len;
	do {
		p->z.next_out = p->buffer;
		p->z.avail_out = CHUNK_BYTES;
		deflate(&p->z, how);
		ft_out_bytes(p->out, p->buffer, CHUNK_BYTES - p->z.avail_out);
	} while (p->z.avail_in || !p->z.avail_out);
	p->message.len = 0;
}

static void put_number(struct ft_bytes *b, u32 field, u64 number)
{
	if (!number)
		return;
	ft_bytes_number(b, field << 3);
	ft_bytes_number(b, number);
}

static void put_bytes(struct ft_bytes *b, u32 field, const void *data, size_t len)
{
	ft_bytes_number(b, field << 3 | 2);
	ft_bytes_number(b, len);
	ft_bytes_put(b, data, len);
}

/* Ends the message within: it becomes a field. */
static void end_part(struct pprof *p, u32 field)
{
	put_bytes(&p->message, field, p->part.data, p->part.len);
	p->part.len = 0;
	if (p->message.len > CHUNK_BYTES)
		flush(p, Z_NO_FLUSH);
}

static void end_inner(struct pprof *p, u32 field)
{
	put_bytes(&p->part, field, p->inner.data, p->inner.len);
	p->inner.len = 0;
}

/* The file's number of a new string. */
static u32 add_text(struct pprof *p, const char *text, size_t len)
{
	put_bytes(&p->message, 6, text, len);
	return p->string_count++;
}

static u32 string_of(struct pprof *p, u32 id)
{
	if (!id)
		return 0;
	if (!p->string_of[id])
		p->string_of[id] = add_text(p, ft_strtab_str(p->profile->strings, id),
					    ft_strtab_len(p->profile->strings, id)) +
				   1;
	return p->string_of[id] - 1;
}

/* ---- tables ---- */

static void put_mapping(struct pprof *p, u32 number, const struct ft_profile_module *m, u32 file)
{
	char hex[2 * FT_BUILD_ID_MAX + 1];
	u32 id = 0;

	for (u32 i = 0; i < m->build_id_len; i++)
		snprintf(hex + (size_t)i * 2, 3, "%02x", m->build_id[i]);
	if (m->build_id_len)
		id = add_text(p, hex, (size_t)m->build_id_len * 2);
	put_number(&p->part, 1, number);
	put_number(&p->part, 2, m->start);
	put_number(&p->part, 3, m->limit);
	put_number(&p->part, 4, m->offset);
	put_number(&p->part, 5, file);
	put_number(&p->part, 6, id);
	put_number(&p->part, 7, 1); /* has functions, files, lines, inlined frames */
	put_number(&p->part, 8, 1);
	put_number(&p->part, 9, 1);
	put_number(&p->part, 10, 1);
	end_part(p, 3);
}

/* The part of a file that an offset lies in: index and one in the profile's modules; 0: none. */
static u32 part_of(const struct pprof *p, u32 module, u64 offset)
{
	u32 part = p->first_part[module];

	while (part && !ft_segment_has(&p->profile->modules[part - 1], offset))
		part = p->next_part[part - 1];
	return part;
}

static void find_parts(struct pprof *p)
{
	for (u32 i = p->profile->module_count; i-- > 0;) {
		p->next_part[i] = p->first_part[p->profile->modules[i].name];
		p->first_part[p->profile->modules[i].name] = i + 1;
	}
}

/* How far addresses go that lie in no known part of their module. */
static void find_limits(struct pprof *p)
{
	for (u32 i = 1; i < ft_tree_count(p->profile->tree); i++) {
		u64 address = ft_origins_find(&p->profile->origins, i);
		u32 module = p->profile->frames[p->nodes[i].key].module;

		if (module && address && address <= UINT64_MAX - PAGE_BYTES &&
		    address >= p->limit_of[module] && !part_of(p, module, address))
			p->limit_of[module] = (address | (PAGE_BYTES - 1)) + 1;
	}
}

/* The file that most weight is in or below, libraries and the kernel aside; 0: there is none. */
static u32 main_program(const struct pprof *p)
{
	const struct ft_strtab *strings = p->profile->strings;
	u64 *weights = ft_try_alloc(ft_strtab_count(strings), sizeof(*weights));
	u32 best = 0;

	for (u32 i = 1; weights && i < ft_tree_count(p->profile->tree); i++) {
		u32 module = 0, at = i;

		for (; p->nodes[i].self && at != FT_TREE_ROOT; at = p->nodes[at].parent) {
			const char *name;

			module = p->profile->frames[p->nodes[at].key].module;
			name = ft_strtab_str(strings, module);
			if (*name && *name != '[' && !strstr(name, ".so"))
				break;
		}
		if (at == FT_TREE_ROOT || !p->nodes[i].self)
			continue;
		weights[module] += p->nodes[i].self;
		if (!best || weights[module] > weights[best])
			best = module;
	}
	free(weights);
	return best;
}

/* A mapping for each part of a module, and one for what lies in none. */
static void put_module(struct pprof *p, u32 module)
{
	const struct ft_profile *profile = p->profile;
	u32 first = p->first_part[module], file = module;
	struct ft_profile_module whole = {0};

	if (first) {
		whole = profile->modules[first - 1];
		file = whole.path;
	}
	for (u32 part = first; part; part = p->next_part[part - 1]) {
		struct ft_profile_module m = profile->modules[part - 1];

		if (m.limit <= m.start)
			continue;
		memcpy(m.build_id, whole.build_id, sizeof(m.build_id));
		m.build_id_len = whole.build_id_len;
		p->part_mapping[part - 1] = ++p->mapping_count;
		put_mapping(p, p->mapping_count, &m, string_of(p, file));
	}
	if (first && p->part_mapping[first - 1] && !p->limit_of[module]) {
		p->mapping_of[module] = p->part_mapping[first - 1];
		return;
	}
	whole.start = whole.offset = 0;
	whole.limit = p->limit_of[module];
	p->mapping_of[module] = ++p->mapping_count;
	put_mapping(p, p->mapping_count, &whole, string_of(p, file));
}

/*
 * A mapping for each module that has frames: the program first, for the first is taken for it, then
 * files, then what is none ("[kernel]").
 */
static void put_mappings(struct pprof *p)
{
	const struct ft_profile *profile = p->profile;
	u32 program = main_program(p);

	if (program)
		put_module(p, program);
	for (int files = 1; files >= 0; files--) {
		for (u32 i = 1; i < profile->frame_count; i++) {
			u32 module = profile->frames[i].module;

			if (module && !p->mapping_of[module] &&
			    files == (*ft_strtab_str(profile->strings, module) != '['))
				put_module(p, module);
		}
	}
}

static void put_functions(struct pprof *p)
{
	const struct ft_places *places = &p->profile->places;
	u32 *file_of = ft_try_alloc(p->profile->frame_count, sizeof(*file_of));

	if (!file_of) {
		p->message.failed = true;
		return;
	}
	for (u32 i = 0; i < places->count; i++)
		file_of[p->nodes[places->list[i].node].key] = places->list[i].file;
	for (u32 i = 1; i < p->profile->frame_count; i++) {
		u32 name = string_of(p, p->profile->frames[i].name);

		put_number(&p->part, 1, i);
		put_number(&p->part, 2, name);
		put_number(&p->part, 3, name);
		put_number(&p->part, 4, string_of(p, file_of[i]));
		end_part(p, 5);
	}
	free(file_of);
}

/* ---- locations ---- */

static bool is_owner(const struct pprof *p, u32 node)
{
	u8 kind = p->profile->frames[p->nodes[node].key].kind;

	return kind == FT_FRAME_PROCESS || kind == FT_FRAME_THREAD;
}

static int find_places(struct pprof *p)
{
	const struct ft_places *places = &p->profile->places;
	u32 count = ft_tree_count(p->profile->tree), at = 0;

	p->place_of = ft_try_alloc(count, sizeof(*p->place_of));
	p->trie = ft_tree_new();
	if (!p->place_of || !p->trie)
		return -ENOMEM;
	for (u32 i = 1; i < count; i++) {
		const struct ft_frame *frame = &p->profile->frames[p->nodes[i].key];
		u32 line = 0, up = FT_TREE_ROOT;
		u64 *pair;

		while (at < places->count && places->list[at].node < i)
			at++;
		if (at < places->count && places->list[at].node == i)
			line = places->list[at].line;
		if (is_owner(p, i))
			continue;
		pair = ft_map64_at(&p->pairs, (u64)p->nodes[i].key << 32 | line);
		if (!pair)
			return -ENOMEM;
		if (!*pair)
			*pair = p->pairs.count;
		if (frame->inlined)
			up = p->place_of[p->nodes[i].parent];
		p->place_of[i] = ft_tree_child(p->trie, up, (u32)*pair);
		if (p->place_of[i] == FT_TREE_NONE)
			return -ENOMEM;
	}
	p->is_written = ft_try_alloc(ft_tree_count(p->trie), 1);
	return p->is_written ? 0 : -ENOMEM;
}

static u32 line_of(const struct pprof *p, u32 node)
{
	const struct ft_place *place = ft_places_find(&p->profile->places, node);

	return place ? place->line : 0;
}

/* Where a location is, given the offset in its file, and in which mapping. */
static void put_address(struct pprof *p, u32 module, u64 address)
{
	u32 part = module ? part_of(p, module, address) : 0;

	if (part) {
		const struct ft_profile_module *m = &p->profile->modules[part - 1];

		put_number(&p->part, 2, p->part_mapping[part - 1]);
		put_number(&p->part, 3, m->start + (address - m->offset));
		return;
	}
	put_number(&p->part, 2, module ? p->mapping_of[module] : 0);
	put_number(&p->part, 3, address);
}

/* The location whose innermost frame is a node's, written once. *node becomes its outermost. */
static u32 put_location(struct pprof *p, u32 *node)
{
	u32 number = p->place_of[*node], module = p->profile->frames[p->nodes[*node].key].module;
	bool new = !p->is_written[number];

	p->is_written[number] = 1;
	if (new) {
		put_number(&p->part, 1, number);
		put_address(p, module, ft_origins_find(&p->profile->origins, *node));
	}
	for (;; *node = p->nodes[*node].parent) {
		u32 parent = p->nodes[*node].parent;

		if (new) {
			put_number(&p->inner, 1, p->nodes[*node].key);
			put_number(&p->inner, 2, line_of(p, *node));
			end_inner(p, 4);
		}
		if (!p->profile->frames[p->nodes[*node].key].inlined || parent == FT_TREE_ROOT ||
		    is_owner(p, parent))
			break;
	}
	if (new)
		end_part(p, 4);
	return number;
}

/* ---- samples ---- */

static void put_label(struct pprof *p, u32 key, u32 name)
{
	put_number(&p->inner, 1, key);
	put_number(&p->inner, 2, string_of(p, name));
	end_inner(p, 3);
}

static void put_id(struct pprof *p, u32 key, u64 id)
{
	put_number(&p->inner, 1, key);
	put_number(&p->inner, 3, id);
	end_inner(p, 3);
}

/* A thread's name ends in its id: "name/7". */
static u64 tid_of(const struct pprof *p, u32 name)
{
	const char *slash = strrchr(ft_strtab_str(p->profile->strings, name), '/');

	return slash ? strtoull(slash + 1, NULL, 10) : 0;
}

static void put_thread(struct pprof *p, const u32 *words, u32 name)
{
	u64 tid = tid_of(p, name);

	put_label(p, words[3], name);
	if (!tid)
		return;
	put_id(p, words[4], tid);
}

/* One sample; path: its locations, innermost first; owner: names of its process and thread. */
static void put_sample(struct pprof *p, const u32 *words, const u32 *path, size_t len,
		       const u32 owner[2], u32 pid, u64 weight)
{
	for (size_t n = 0; n < len; n++)
		put_number(&p->part, 1, path[n]);
	put_number(&p->part, 2, weight);
	if (owner[0])
		put_label(p, words[2], owner[0]);
	if (pid)
		put_id(p, words[5], pid);
	if (owner[1])
		put_thread(p, words, owner[1]);
	end_part(p, 2);
}

/* The weight of a node: a sample for each process that it is of, and one for what is nobody's. */
static void put_shares(struct pprof *p, const u32 *words, const u32 *path, size_t len,
		       const u32 owner[2], u32 node)
{
	const struct ft_origins *origins = &p->profile->origins;
	u64 left = p->nodes[node].self;

	while (p->owner < origins->count && origins->owners[p->owner].node < node)
		p->owner++;
	for (; p->owner < origins->count && origins->owners[p->owner].node == node; p->owner++) {
		const struct ft_owner *share = &origins->owners[p->owner];
		u64 weight = share->weight < left ? share->weight : left;

		left -= weight;
		if (weight)
			put_sample(p, words, path, len, owner, share->pid, weight);
	}
	if (left)
		put_sample(p, words, path, len, owner, 0, left);
}

/* words: the numbers of the strings that labels need. */
static int put_samples(struct pprof *p, const u32 *words)
{
	u32 count = ft_tree_count(p->profile->tree);
	u32 *path = NULL;
	size_t cap = 0;

	for (u32 i = 1; i < count; i++) {
		u32 owner[2] = {0};
		size_t len = 0;

		if (!p->nodes[i].self)
			continue;
		for (u32 at = i; at != FT_TREE_ROOT; at = p->nodes[at].parent) {
			const struct ft_frame *frame = &p->profile->frames[p->nodes[at].key];

			if (is_owner(p, at)) {
				owner[frame->kind == FT_FRAME_THREAD] = frame->name;
				continue;
			}
			if (FT_GROW_RAW(&path, &cap, len + 1)) {
				free(path);
				return -ENOMEM;
			}
			path[len++] = put_location(p, &at);
		}
		put_shares(p, words, path, len, owner, i);
	}
	free(path);
	return 0;
}

static const char *unit_word(enum ft_unit unit)
{
	return unit == FT_UNIT_NANOSECONDS    ? "nanoseconds"
	       : unit == FT_UNIT_MICROSECONDS ? "microseconds"
	       : unit == FT_UNIT_BYTES	      ? "bytes"
					      : "count";
}

static const char *type_word(enum ft_unit unit)
{
	return unit == FT_UNIT_NANOSECONDS || unit == FT_UNIT_MICROSECONDS ? "time"
	       : unit == FT_UNIT_BYTES					   ? "space"
									   : "samples";
}

static void put_head(struct pprof *p, u32 type, u32 unit)
{
	put_number(&p->part, 1, type);
	put_number(&p->part, 2, unit);
	end_part(p, 1);
	put_number(&p->message, 10, p->profile->quality.duration_ns);
	put_number(&p->part, 1, type);
	put_number(&p->part, 2, unit);
	end_part(p, 11);
	put_number(&p->message, 12, 1);
}

static int message_write(struct pprof *p)
{
	const char *type = type_word(p->profile->unit), *unit = unit_word(p->profile->unit);
	u32 strings = ft_strtab_count(p->profile->strings), words[6];
	int code;

	p->string_of = ft_try_alloc(strings, sizeof(*p->string_of));
	p->mapping_of = ft_try_alloc(strings, sizeof(*p->mapping_of));
	p->limit_of = ft_try_alloc(strings, sizeof(*p->limit_of));
	p->first_part = ft_try_alloc(strings, sizeof(*p->first_part));
	p->next_part = ft_try_alloc((size_t)p->profile->module_count + 1, sizeof(*p->next_part));
	p->part_mapping =
		ft_try_alloc((size_t)p->profile->module_count + 1, sizeof(*p->part_mapping));
	if (!p->string_of || !p->mapping_of || !p->limit_of || !p->first_part || !p->next_part ||
	    !p->part_mapping ||
	    deflateInit2(&p->z, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	p->z_open = true;
	add_text(p, "", 0);
	words[0] = add_text(p, type, strlen(type));
	words[1] = add_text(p, unit, strlen(unit));
	words[2] = add_text(p, "comm", 4);
	words[3] = add_text(p, "thread", 6);
	words[4] = add_text(p, "tid", 3);
	words[5] = add_text(p, "pid", 3);
	put_head(p, words[0], words[1]);
	find_parts(p);
	find_limits(p);
	put_mappings(p);
	put_functions(p);
	code = find_places(p);
	if (!code)
		code = put_samples(p, words);
	if (code || p->message.failed || p->part.failed || p->inner.failed)
		return -ENOMEM;
	flush(p, Z_FINISH);
	return 0;
}

static int pprof_write(const struct ft_profile *profile, const struct ft_write_opts *opts,
		       struct ft_out *out)
{
	struct pprof *p = ft_alloc(sizeof(*p));
	int code;

	(void)opts;
	p->profile = profile;
	p->nodes = ft_tree_nodes(profile->tree);
	p->out = out;
	code = message_write(p);
	if (p->z_open)
		deflateEnd(&p->z);
	ft_bytes_fini(&p->message);
	ft_bytes_fini(&p->part);
	ft_bytes_fini(&p->inner);
	ft_map64_fini(&p->pairs);
	ft_tree_free(p->trie);
	free(p->string_of);
	free(p->place_of);
	free(p->mapping_of);
	free(p->limit_of);
	free(p->first_part);
	free(p->next_part);
	free(p->part_mapping);
	free(p->is_written);
	free(p);
	return code;
}

const struct ft_writer ft_writer_pprof = {
	.name = "pprof",
	.extension = ".pb.gz",
	.summary = "for go tool pprof",
	.write = pprof_write,
};

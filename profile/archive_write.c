/*
 * archive_write.c - the writer of .ftap files (docs/archive.md).
 *
 * All lists of a raw profile only grow, and so do the sections: each holds what came to a list
 * since the last section of its kind. A whole archive is written by the same functions as what a
 * recording writes every second, with nothing written before.
 *
 * Lists go column by column, and numbers as differences to what was to be expected, so that nearly
 * all of them are zero; zstd does the rest.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/alloc.h"
#include "profile/archive_private.h"

#define LEVEL 9 /* of zstd */

static void put_section(struct ft_bytes *file, enum ft_section type, struct ft_bytes *bytes,
			struct ft_archive_marks *marks)
{
	size_t bound = ZSTD_compressBound(bytes->len), at = file->len, stored;
	struct ft_section_head head = {.magic = FT_SECTION_MAGIC, .type = (u16)type};
	u8 *to;

	if (bytes->failed || bytes->len > FT_SECTION_BYTES_MAX)
		file->failed = true;
	to = file->failed ? NULL : ft_bytes_room(file, sizeof(head) + bound);
	if (!to)
		goto out;
	stored = ZSTD_compress(to + sizeof(head), bound, bytes->data, bytes->len, LEVEL);
	if (ZSTD_isError(stored)) {
		file->failed = true;
		goto out;
	}
	head.flags = FT_SECTION_ZSTD;
	if (stored >= bytes->len) {
		head.flags = 0;
		stored = bytes->len;
		if (stored)
			memcpy(to + sizeof(head), bytes->data, stored);
	}
	head.stored_bytes = (u32)stored;
	head.bytes = (u32)bytes->len;
	head.crc = (u32)crc32(0, to + sizeof(head), (uInt)stored);
	head.head_crc =
		(u32)crc32(0, (const u8 *)&head, offsetof(struct ft_section_head, head_crc));
	memcpy(to, &head, sizeof(head));
	file->len = at + sizeof(head) + stored;
	marks->sections++;
	if (marks->out) {
		ft_out_bytes(marks->out, file->data, file->len);
		file->len = 0;
	}
out:
	ft_bytes_fini(bytes);
}

/* ---- sections ---- */

void ft_archive_put_start(struct ft_bytes *file, const struct ft_facts *facts,
			  struct ft_archive_marks *marks)
{
	u32 version[2] = {FT_ARCHIVE_VERSION, 0};
	struct ft_bytes b = {0};

	*marks = (struct ft_archive_marks){
		.strings = 1, .locations = 1, .nodes = 1, .out = marks->out};
	ft_bytes_put(file, FT_ARCHIVE_MAGIC, FT_ARCHIVE_MAGIC_BYTES);
	ft_bytes_put(file, version, sizeof(version));
	ft_bytes_number(&b, facts->count);
	for (u32 i = 0; i < facts->count; i++) {
		ft_bytes_text(&b, facts->list[i].name, strlen(facts->list[i].name));
		ft_bytes_text(&b, facts->list[i].text, strlen(facts->list[i].text));
	}
	put_section(file, FT_SECTION_FACTS, &b, marks);
}

static void put_head(struct ft_bytes *file, u32 form, enum ft_unit unit, u32 flags,
		     struct ft_archive_marks *marks)
{
	struct ft_bytes b = {0};

	ft_bytes_number(&b, form);
	ft_bytes_number(&b, unit);
	ft_bytes_number(&b, flags);
	put_section(file, FT_SECTION_HEAD, &b, marks);
}

/* The end of a section that begins at first, of a list of so many. */
static u32 section_end(u32 first, u32 count)
{
	return count - first > FT_SECTION_ITEMS ? first + FT_SECTION_ITEMS : count;
}

static void put_strings_of(struct ft_bytes *b, const struct ft_strtab *strings, u32 from, u32 end)
{
	ft_bytes_number(b, end - from);
	for (u32 id = from; id < end; id++)
		ft_bytes_number(b, ft_strtab_len(strings, id));
	for (u32 id = from; id < end; id++)
		ft_bytes_put(b, ft_strtab_str(strings, id), ft_strtab_len(strings, id));
}

static void put_strings(struct ft_bytes *file, const struct ft_strtab *strings,
			struct ft_archive_marks *marks)
{
	u32 count = ft_strtab_count(strings);

	while (marks->strings < count) {
		u32 end = section_end(marks->strings, count);
		struct ft_bytes b = {0};

		put_strings_of(&b, strings, marks->strings, end);
		put_section(file, FT_SECTION_STRINGS, &b, marks);
		marks->strings = end;
	}
}

/* From offsets in the new modules to addresses as linked. */
static void put_shifts(struct ft_bytes *file, const struct ft_raw *raw,
		       struct ft_archive_marks *marks)
{
	struct ft_bytes b = {0};
	bool any = false;

	for (u32 i = marks->modules; i < raw->module_count; i++)
		any |= raw->modules[i].shift_count != 0;
	if (!any)
		return;
	ft_bytes_number(&b, raw->module_count - marks->modules);
	for (u32 i = marks->modules; i < raw->module_count; i++) {
		const struct ft_module *m = &raw->modules[i];

		ft_bytes_number(&b, m->shift_count);
		for (u32 n = 0; n < m->shift_count; n++) {
			ft_bytes_number(&b, m->shifts[n].offset);
			ft_bytes_number(&b, ft_zigzag(m->shifts[n].shift));
		}
	}
	put_section(file, FT_SECTION_SHIFTS, &b, marks);
}

/* Of the new modules: which are another one's code as it was at a time. */
static void put_twins(struct ft_bytes *file, const struct ft_raw *raw,
		      struct ft_archive_marks *marks)
{
	struct ft_bytes b = {0};
	bool any = false;

	for (u32 i = marks->modules; i < raw->module_count; i++)
		any |= raw->modules[i].twin != 0;
	if (!any)
		return;
	ft_bytes_number(&b, raw->module_count - marks->modules);
	for (u32 i = marks->modules; i < raw->module_count; i++) {
		ft_bytes_number(&b, raw->modules[i].twin);
		if (raw->modules[i].twin)
			ft_bytes_number(&b, raw->modules[i].when_ns);
	}
	put_section(file, FT_SECTION_TWINS, &b, marks);
}

static void put_modules(struct ft_bytes *file, const struct ft_raw *raw,
			struct ft_archive_marks *marks)
{
	struct ft_bytes b = {0};

	if (marks->modules == raw->module_count)
		return;
	ft_bytes_number(&b, raw->module_count - marks->modules);
	for (u32 i = marks->modules; i < raw->module_count; i++) {
		const struct ft_module *m = &raw->modules[i];

		ft_bytes_number(&b, m->kind);
		ft_bytes_number(&b, m->pid);
		ft_bytes_text(&b, m->path, strlen(m->path));
		ft_bytes_text(&b, (const char *)m->build_id, m->build_id_len);
	}
	put_section(file, FT_SECTION_MODULES, &b, marks);
	put_shifts(file, raw, marks);
	put_twins(file, raw, marks);
	marks->modules = raw->module_count;
}

static void put_locations(struct ft_bytes *file, const struct ft_raw *raw,
			  struct ft_archive_marks *marks)
{
	while (marks->locations < raw->location_count) {
		u32 from = marks->locations, end = section_end(from, raw->location_count);
		const struct ft_location *l = raw->locations;
		struct ft_bytes b = {0};

		ft_bytes_number(&b, end - from);
		for (u32 i = from; i < end; i++)
			ft_bytes_number(&b, l[i].kind);
		for (u32 i = from; i < end; i++)
			ft_bytes_number(&b, ft_zigzag((u64)l[i].module - l[i - 1].module));
		for (u32 i = from; i < end; i++)
			ft_bytes_number(&b, l[i].name);
		for (u32 i = from; i < end; i++)
			ft_bytes_number(&b, l[i].pid);
		for (u32 i = from; i < end; i++) {
			ft_bytes_number(&b, ft_zigzag(l[i].addr - marks->last_addr));
			marks->last_addr = l[i].addr;
		}
		put_section(file, FT_SECTION_LOCATIONS, &b, marks);
		marks->locations = end;
	}
}

/* Most nodes follow their parent, and most keys are new ones. */
static void put_nodes(struct ft_bytes *file, const struct ft_tree *tree, u32 *last_key,
		      struct ft_archive_marks *marks)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(tree);
	u32 count = ft_tree_count(tree);

	while (marks->nodes < count) {
		u32 from = marks->nodes, end = section_end(from, count);
		struct ft_bytes b = {0};

		ft_bytes_number(&b, end - from);
		for (u32 i = from; i < end; i++)
			ft_bytes_number(&b, i - 1 - nodes[i].parent);
		for (u32 i = from; i < end; i++) {
			ft_bytes_number(&b, ft_zigzag((u64)*last_key + 1 - nodes[i].key));
			if (nodes[i].key > *last_key)
				*last_key = nodes[i].key;
		}
		put_section(file, FT_SECTION_NODES, &b, marks);
		marks->nodes = end;
	}
}

/* On which CPUs the weights of the section before came, where any is known. */
static void put_cpus(struct ft_bytes *file, const struct ft_round_weight *w, u32 count,
		     struct ft_archive_marks *marks)
{
	struct ft_bytes b = {0};
	bool any = false;

	for (u32 i = 0; i < count; i++)
		any |= w[i].cpu != 0;
	if (!any)
		return;
	ft_bytes_number(&b, count);
	for (u32 i = 0; i < count; i++)
		ft_bytes_number(&b, w[i].cpu);
	put_section(file, FT_SECTION_CPUS, &b, marks);
}

static void put_round(struct ft_bytes *file, const struct ft_rounds *rounds,
		      const struct ft_round *round, struct ft_archive_marks *marks)
{
	u32 at = 0, stop = 0;
	struct ft_round_weight *w = ft_rounds_sorted(rounds, round, &stop);

	if (!w) {
		file->failed = true;
		return;
	}
	do {
		u32 end = section_end(at, stop), last = 0;
		struct ft_bytes b = {0};

		ft_bytes_number(&b, round->until_ns);
		ft_bytes_number(&b, end - at);
		for (u32 i = at; i < end; i++) {
			ft_bytes_number(&b, w[i].node - last);
			last = w[i].node;
		}
		for (u32 i = at; i < end; i++)
			ft_bytes_number(&b, ft_zigzag(w[i].weight));
		put_section(file, FT_SECTION_WEIGHTS, &b, marks);
		put_cpus(file, w + at, end - at, marks);
		at = end;
	} while (at < stop);
	free(w);
}

static void put_rounds(struct ft_bytes *file, const struct ft_rounds *rounds,
		       struct ft_archive_marks *marks)
{
	for (; marks->rounds < rounds->count; marks->rounds++)
		put_round(file, rounds, &rounds->list[marks->rounds], marks);
}

static void put_mapped(struct ft_bytes *file, const struct ft_raw *raw,
		       struct ft_archive_marks *marks)
{
	u32 from = marks->mapped, end = raw->mapped_count;
	const struct ft_mapped *m = raw->mapped;
	struct ft_bytes b = {0};
	u64 when_ns = 0, last = 0;

	if (from == end)
		return;
	ft_bytes_number(&b, end - from);
	ft_bytes_number(&b, raw->mapped_more);
	for (u32 i = from; i < end; i++) {
		ft_bytes_number(&b, m[i].kind);
		ft_bytes_number(&b, m[i].pid);
		ft_bytes_number(&b, m[i].module);
		ft_bytes_number(&b, ft_zigzag(m[i].when_ns - when_ns));
		when_ns = m[i].when_ns;
		if (m[i].kind != FT_MAPPED_FILE)
			continue;
		ft_bytes_number(&b, ft_zigzag(m[i].start - last));
		ft_bytes_number(&b, m[i].end - m[i].start);
		ft_bytes_number(&b, m[i].offset);
		last = m[i].start;
	}
	marks->mapped = end;
	put_section(file, FT_SECTION_MAPPED, &b, marks);
}

static void put_counters(struct ft_bytes *file, const struct ft_quality *quality,
			 struct ft_archive_marks *marks)
{
	struct ft_quality q = *quality;
	struct ft_bytes b = {0};
	const char *name;
	u32 count = 0, blamed = 0;
	u64 *value;

	for (u32 i = 0; (value = ft_archive_counter(&q, i, &name)); i++)
		count += *value != 0;
	ft_bytes_number(&b, count + q.kernel_locks);
	for (u32 i = 0; (value = ft_archive_counter(&q, i, &name)); i++) {
		if (!*value)
			continue;
		ft_bytes_text(&b, name, strlen(name));
		ft_bytes_number(&b, *value);
	}
	if (q.kernel_locks) {
		ft_bytes_text(&b, "kernel-locks", strlen("kernel-locks"));
		ft_bytes_number(&b, 1);
	}
	while (blamed < FT_QUALITY_BLAMED && q.blamed[blamed].stacks)
		blamed++;
	ft_bytes_number(&b, blamed);
	for (u32 i = 0; i < blamed; i++) {
		ft_bytes_text(&b, q.blamed[i].module,
			      strnlen(q.blamed[i].module, sizeof(q.blamed[i].module)));
		ft_bytes_number(&b, q.blamed[i].stacks);
	}
	put_section(file, FT_SECTION_COUNTERS, &b, marks);
}

void ft_archive_put_raw(struct ft_bytes *file, const struct ft_raw *raw,
			const struct ft_quality *quality, const struct ft_rounds *rounds,
			struct ft_archive_marks *marks)
{
	u32 last_key = 0;

	if (marks->sections == 1) /* the facts: this is the first time */
		put_head(file, FT_HEAD_RAW, raw->unit,
			 FT_HEAD_QUALITY | (raw->at_tracepoint ? FT_HEAD_AT_TRACEPOINT : 0) |
				 (raw->at_switch ? FT_HEAD_AT_SWITCH : 0),
			 marks);
	put_strings(file, raw->strings, marks);
	put_modules(file, raw, marks);
	put_locations(file, raw, marks);
	for (u32 i = 1; i < marks->nodes; i++) {
		u32 key = ft_tree_nodes(raw->tree)[i].key;

		last_key = key > last_key ? key : last_key;
	}
	put_nodes(file, raw->tree, &last_key, marks);
	put_rounds(file, rounds, marks);
	put_mapped(file, raw, marks);
	put_counters(file, quality, marks);
}

static void put_kept_frames(struct ft_bytes *b, const struct ft_kept_frame *frame, u32 *last_file)
{
	ft_bytes_number(b, frame->name);
	ft_bytes_number(b, frame->kind);
	ft_bytes_number(b, ft_zigzag((u64)frame->file - *last_file));
	ft_bytes_number(b, frame->line);
	*last_file = frame->file;
}

static void put_symbols(struct ft_bytes *file, const struct ft_kept *kept,
			struct ft_archive_marks *marks)
{
	struct ft_bytes b = {0};
	u32 file_before = 0;

	put_strings_of(&b, kept->strings, 1, ft_strtab_count(kept->strings));
	ft_bytes_number(&b, kept->count);
	for (u32 i = 1; i < kept->count; i++)
		ft_bytes_number(&b, kept->places[i].known | (u32)kept->places[i].named << 1 |
					    (u32)kept->places[i].calls << 2);
	for (u32 i = 1; i < kept->count; i++) {
		const struct ft_kept_place *p = &kept->places[i];

		if (!p->known)
			continue;
		ft_bytes_number(&b, p->module);
		put_kept_frames(&b, &p->function, &file_before);
		for (u32 c = 0; c < p->calls; c++)
			put_kept_frames(&b, &kept->calls[p->first + c], &file_before);
	}
	put_section(file, FT_SECTION_SYMBOLS, &b, marks);
}

static void put_frames(struct ft_bytes *file, const struct ft_profile *profile,
		       struct ft_archive_marks *marks)
{
	while (marks->locations < profile->frame_count) {
		u32 from = marks->locations, end = section_end(from, profile->frame_count);
		const struct ft_frame *f = profile->frames;
		struct ft_bytes b = {0};

		ft_bytes_number(&b, end - from);
		for (u32 i = from; i < end; i++)
			ft_bytes_number(&b, ft_zigzag((u64)f[i].name - f[i - 1].name - 1));
		for (u32 i = from; i < end; i++)
			ft_bytes_number(&b, f[i].module);
		for (u32 i = from; i < end; i++)
			ft_bytes_number(&b, f[i].kind * 2u + f[i].inlined);
		put_section(file, FT_SECTION_FRAMES, &b, marks);
		marks->locations = end;
	}
}

static void put_places(struct ft_bytes *file, const struct ft_places *places,
		       struct ft_archive_marks *marks)
{
	u32 last = 0;

	for (u32 at = 0; at < places->count;) {
		u32 end = section_end(at, places->count);
		struct ft_bytes b = {0};

		ft_bytes_number(&b, end - at);
		for (; at < end; at++) {
			ft_bytes_number(&b, places->list[at].node - last);
			ft_bytes_number(&b, places->list[at].file);
			ft_bytes_number(&b, places->list[at].line);
			last = places->list[at].node;
		}
		put_section(file, FT_SECTION_PLACES, &b, marks);
	}
}

static void put_files(struct ft_bytes *file, const struct ft_profile *profile,
		      struct ft_archive_marks *marks)
{
	struct ft_bytes b = {0};

	if (!profile->module_count)
		return;
	ft_bytes_number(&b, profile->module_count);
	for (u32 i = 0; i < profile->module_count; i++) {
		const struct ft_profile_module *m = &profile->modules[i];

		ft_bytes_number(&b, m->name);
		ft_bytes_number(&b, m->path);
		ft_bytes_text(&b, (const char *)m->build_id, m->build_id_len);
		ft_bytes_number(&b, m->start);
		ft_bytes_number(&b, m->limit - m->start);
		ft_bytes_number(&b, m->offset);
	}
	put_section(file, FT_SECTION_FILES, &b, marks);
}

static void put_owners(struct ft_bytes *file, const struct ft_origins *origins,
		       struct ft_archive_marks *marks)
{
	u32 last = 0;

	for (u32 at = 0; at < origins->count;) {
		u32 from = at, end = section_end(at, origins->count);
		const struct ft_owner *o = origins->owners;
		struct ft_bytes b = {0};

		ft_bytes_number(&b, end - at);
		for (; at < end; at++) {
			ft_bytes_number(&b, o[at].node - last);
			last = o[at].node;
		}
		for (u32 i = from; i < end; i++)
			ft_bytes_number(&b, o[i].pid);
		for (u32 i = from; i < end; i++)
			ft_bytes_number(&b, o[i].weight);
		put_section(file, FT_SECTION_OWNERS, &b, marks);
	}
}

static void put_addresses(struct ft_bytes *file, const struct ft_profile *profile,
			  struct ft_archive_marks *marks)
{
	u32 last = 0, count = ft_tree_count(profile->tree), node = 1;

	while (node < count) {
		struct ft_bytes nodes = {0}, addresses = {0}, b = {0};
		u64 before = 0;
		u32 n = 0;

		for (; node < count && n < FT_SECTION_ITEMS; node++) {
			u64 address = ft_origins_find(&profile->origins, node);

			if (!address)
				continue;
			ft_bytes_number(&nodes, node - last);
			ft_bytes_number(&addresses, ft_zigzag(address - before));
			last = node;
			before = address;
			n++;
		}
		ft_bytes_number(&b, n);
		ft_bytes_put(&b, nodes.data, nodes.len);
		ft_bytes_put(&b, addresses.data, addresses.len);
		b.failed |= nodes.failed || addresses.failed;
		ft_bytes_fini(&nodes);
		ft_bytes_fini(&addresses);
		if (n)
			put_section(file, FT_SECTION_ADDRESSES, &b, marks);
		else
			ft_bytes_fini(&b);
	}
}

static void put_profile(struct ft_bytes *file, const struct ft_profile *profile,
			const struct ft_rounds *rounds, struct ft_archive_marks *marks)
{
	u32 last_key = 0;

	put_head(file, FT_HEAD_RESOLVED, profile->unit, profile->has_quality ? FT_HEAD_QUALITY : 0,
		 marks);
	put_strings(file, profile->strings, marks);
	put_frames(file, profile, marks);
	put_nodes(file, profile->tree, &last_key, marks);
	put_rounds(file, rounds, marks);
	put_places(file, &profile->places, marks);
	put_files(file, profile, marks);
	put_owners(file, &profile->origins, marks);
	put_addresses(file, profile, marks);
	if (profile->has_quality)
		put_counters(file, &profile->quality, marks);
}

static void put_end(struct ft_bytes *file, struct ft_archive_marks *marks)
{
	struct ft_bytes b = {0};

	ft_bytes_number(&b, marks->sections);
	put_section(file, FT_SECTION_END, &b, marks);
}

int ft_archive_write(const struct ft_archive_content *content, struct ft_out *out)
{
	const struct ft_raw *raw = content->raw;
	const struct ft_tree *tree = raw ? raw->tree : content->profile->tree;
	const struct ft_rounds *rounds = content->rounds;
	struct ft_archive_marks marks = {.out = out};
	struct ft_rounds whole = {0};
	struct ft_bytes file = {0};
	u64 *before = NULL;
	size_t cap = 0;
	int code = 0;

	if (!rounds) {
		code = ft_rounds_add(&whole, tree, &before, &cap,
				     raw ? raw->quality.duration_ns
					 : content->profile->quality.duration_ns);
		rounds = &whole;
	}
	if (!code) {
		ft_archive_put_start(&file, content->facts, &marks);
		if (raw)
			ft_archive_put_raw(&file, raw, &raw->quality, rounds, &marks);
		else
			put_profile(&file, content->profile, rounds, &marks);
		if (raw && content->kept)
			put_symbols(&file, content->kept, &marks);
		put_end(&file, &marks);
		code = file.failed ? -ENOMEM : 0;
	}
	ft_bytes_fini(&file);
	ft_rounds_fini(&whole);
	free(before);
	return code;
}

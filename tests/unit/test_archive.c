/*
 * test_archive.c - archives come back as they were written; cut anywhere, a part comes back; what a
 * later version adds is skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <zlib.h>

#include "base/out.h"
#include "profile/archive_private.h"

static u32 location(struct ft_raw *raw, enum ft_location_kind kind, u32 module, u64 addr)
{
	struct ft_location l = {.kind = kind, .module = module, .addr = addr};

	return ft_raw_location(raw, &l);
}

static u32 grow(struct ft_raw *raw, u32 seed)
{
	struct ft_location process = {.kind = FT_LOCATION_PROCESS, .pid = 7};
	u32 node;

	process.name = ft_strtab_add(raw->strings, "prog", 4);
	node = ft_tree_child(raw->tree, FT_TREE_ROOT, ft_raw_location(raw, &process));
	for (u32 i = 0; i < 20; i++) {
		u32 key = location(raw, FT_LOCATION_USER, 0, 0x1000 + (seed * 37 + i * i) % 97);

		node = ft_tree_child(raw->tree, node, key);
		ft_tree_add(raw->tree, node, seed + i);
	}
	node = ft_tree_child(raw->tree, node,
			     location(raw, FT_LOCATION_KERNEL, 0, 0xffffffff81000000 + seed));
	ft_tree_add(raw->tree, node, 1000);
	return node;
}

static struct ft_raw *raw_make(void)
{
	struct ft_raw *raw = ft_raw_new();
	struct ft_module module = {
		.path = strdup("/usr/bin/prog"), .fd = -1, .pid = 7, .build_id_len = 4};

	memcpy(module.build_id, "\x01\x00\xff\x7f", 4);
	assert_int_equal(ft_raw_module(raw, &module), 0);
	module = (struct ft_module){
		.kind = FT_MODULE_ANON, .path = strdup("//anon"), .fd = -1, .pid = 7};
	assert_int_equal(ft_raw_module(raw, &module), 1);
	module.path = strdup("//anon");
	module.twin = 2;
	module.when_ns = 123456789;
	assert_int_equal(ft_raw_module(raw, &module), 2);
	raw->unit = FT_UNIT_NANOSECONDS;
	raw->at_switch = true;
	for (u32 i = 0; i < 30; i++)
		grow(raw, i);
	assert_int_equal(ft_raw_mapped(raw, &(struct ft_mapped){FT_MAPPED_FILE, 7, 0, 0x400000,
								0x500000, 0x1000, 5}),
			 0);
	assert_int_equal(ft_raw_mapped(raw, &(struct ft_mapped){.kind = FT_MAPPED_EXEC, .pid = 7}),
			 0);
	raw->quality.samples = 12345;
	raw->quality.lost_events = 3;
	raw->quality.kernel_locks = true;
	raw->quality.duration_ns = 2000000000;
	strcpy(raw->quality.blamed[0].module, "bad.so");
	raw->quality.blamed[0].stacks = 9;
	return raw;
}

static struct ft_kept *kept_make(u32 locations)
{
	struct ft_kept *kept = ft_kept_new();

	assert_int_equal(ft_kept_reserve(kept, locations), 0);
	for (u32 i = 2; i < locations; i++) {
		struct ft_kept_place *p = &kept->places[i];
		char name[20];
		int len = snprintf(name, sizeof(name), "function_%u", i);

		p->known = true;
		p->named = i % 3;
		p->module = ft_strtab_add(kept->strings, "prog", 4);
		p->function.name = ft_strtab_add(kept->strings, name, (size_t)len);
		p->function.line = i;
		p->function.kind = FT_FRAME_USER;
	}
	kept->calls = calloc(1, sizeof(*kept->calls));
	kept->calls[0] = (struct ft_kept_frame){.name = 1, .file = 1, .line = 3, .kind = 2};
	kept->call_count = 1;
	kept->call_cap = 1;
	kept->places[2].calls = 1;
	return kept;
}

static void check_same_tree(const struct ft_tree *a, const struct ft_tree *b)
{
	assert_int_equal(ft_tree_count(a), ft_tree_count(b));
	assert_memory_equal(ft_tree_nodes(a), ft_tree_nodes(b),
			    ft_tree_count(a) * sizeof(struct ft_tree_node));
}

static void check_same_raw(const struct ft_raw *a, const struct ft_raw *b)
{
	check_same_tree(a->tree, b->tree);
	assert_int_equal(a->location_count, b->location_count);
	for (u32 i = 1; i < a->location_count; i++) {
		assert_int_equal(a->locations[i].kind, b->locations[i].kind);
		assert_int_equal(a->locations[i].addr, b->locations[i].addr);
		assert_int_equal(a->locations[i].pid, b->locations[i].pid);
		assert_string_equal(ft_strtab_str(a->strings, a->locations[i].name),
				    ft_strtab_str(b->strings, b->locations[i].name));
	}
	assert_int_equal(a->module_count, b->module_count);
	for (u32 i = 0; i < a->module_count; i++) {
		assert_int_equal(a->modules[i].twin, b->modules[i].twin);
		assert_int_equal(a->modules[i].when_ns, b->modules[i].when_ns);
	}
	assert_string_equal(a->modules[0].path, b->modules[0].path);
	assert_int_equal(a->modules[0].build_id_len, b->modules[0].build_id_len);
	assert_memory_equal(a->modules[0].build_id, b->modules[0].build_id, 4);
	assert_int_equal(a->mapped_count, b->mapped_count);
	for (u32 i = 0; i < a->mapped_count; i++) {
		assert_int_equal(a->mapped[i].kind, b->mapped[i].kind);
		assert_int_equal(a->mapped[i].start, b->mapped[i].start);
		assert_int_equal(a->mapped[i].end, b->mapped[i].end);
		assert_int_equal(a->mapped[i].offset, b->mapped[i].offset);
		assert_int_equal(a->mapped[i].when_ns, b->mapped[i].when_ns);
	}
	assert_memory_equal(&a->quality, &b->quality, sizeof(a->quality));
	assert_int_equal(a->unit, b->unit);
	assert_int_equal(a->at_switch, b->at_switch);
}

/* An archive of it all, for the caller to close. */
static struct ft_out *write_raw(const struct ft_raw *raw, const struct ft_kept *kept)
{
	struct ft_out *out = ft_out_new_memory();
	struct ft_facts facts = {0};
	struct ft_archive_content content = {.facts = &facts, .raw = raw, .kept = kept};

	ft_facts_set(&facts, "host", "h");
	ft_facts_set(&facts, "host", "here");
	assert_int_equal(ft_archive_write(&content, out), 0);
	ft_facts_fini(&facts);
	return out;
}

static void test_raw_comes_back(void **state)
{
	struct ft_raw *raw = raw_make();
	struct ft_kept *kept = kept_make(raw->location_count);
	struct ft_out *out = write_raw(raw, kept);
	struct ft_archive a;
	struct ft_err err = {0};
	const char *data;
	size_t len;

	(void)state;
	data = ft_out_memory(out, &len);
	assert_int_equal(ft_archive_read(data, len, "x", &a, &err), 0);
	assert_true(a.whole);
	assert_int_equal(a.bytes_read, len);
	assert_int_equal(a.skipped, 0);
	assert_string_equal(ft_facts_get(&a.facts, "host"), "here");
	assert_null(ft_facts_get(&a.facts, "title"));
	check_same_raw(raw, a.raw);
	assert_int_equal(a.rounds.count, 1);
	assert_int_equal(a.rounds.list[0].until_ns, 2000000000);
	for (u32 i = 2; i < raw->location_count; i++) {
		const struct ft_kept_place *p = &a.raw->kept->places[i], *q = &kept->places[i];

		assert_true(p->known);
		assert_int_equal(p->named, q->named);
		assert_int_equal(p->function.line, i);
		assert_string_equal(ft_strtab_str(a.raw->kept->strings, p->function.name),
				    ft_strtab_str(kept->strings, q->function.name));
	}
	assert_int_equal(a.raw->kept->places[2].calls, 1);
	assert_false(a.raw->kept->places[1].known);
	ft_archive_fini(&a);
	ft_out_close(out);
	ft_kept_free(kept);
	ft_raw_free(raw);
}

static void test_cut_and_damaged(void **state)
{
	struct ft_raw *raw = raw_make();
	struct ft_out *out = write_raw(raw, NULL);
	u32 before = 0;
	struct ft_archive a;
	const char *data;
	char *copy;
	size_t len;

	(void)state;
	data = ft_out_memory(out, &len);
	copy = malloc(len);
	for (size_t cut = 0; cut < len; cut++) {
		struct ft_err err = {0};
		u32 count = 0;

		memcpy(copy, data, cut); /* a copy of that size: the sanitizer sees its end */
		if (ft_archive_read(copy, cut, "x", &a, &err) == 0) {
			assert_false(a.whole);
			assert_true(a.bytes_read <= cut);
			count = ft_tree_count(a.raw->tree);
		} else {
			assert_true(err.text[0]);
		}
		assert_true(count >= before); /* more bytes, not less profile */
		before = count;
		ft_archive_fini(&a);
	}
	for (size_t at = 0; at < len; at++) { /* any flipped bit is noticed */
		struct ft_err err = {0};

		memcpy(copy, data, len);
		copy[at] ^= 0x10;
		if (ft_archive_read(copy, len, "x", &a, &err) == 0 && at >= FT_ARCHIVE_HEAD_BYTES)
			assert_false(a.whole);
		ft_archive_fini(&a);
	}
	free(copy);
	ft_out_close(out);
	ft_raw_free(raw);
}

static void test_unknown_sections_are_skipped(void **state)
{
	struct ft_section_head head = {
		.magic = FT_SECTION_MAGIC, .type = 77, .stored_bytes = 5, .bytes = 5};
	struct ft_raw *raw = raw_make();
	struct ft_out *out = write_raw(raw, NULL);
	struct ft_archive a;
	struct ft_err err = {0};
	const char *data;
	char *longer;
	size_t len, at = FT_ARCHIVE_HEAD_BYTES;

	(void)state;
	data = ft_out_memory(out, &len);
	longer = malloc(len + sizeof(head) + 5);
	head.crc = (u32)crc32(0, (const Bytef *)"later", 5);
	head.head_crc = (u32)crc32(0, (const Bytef *)&head, 20);
	memcpy(longer, data, at);
	memcpy(longer + at, &head, sizeof(head));
	memcpy(longer + at + sizeof(head), "later", 5);
	memcpy(longer + at + sizeof(head) + 5, data + at, len - at);
	assert_int_equal(ft_archive_read(longer, len + sizeof(head) + 5, "x", &a, &err), 0);
	assert_int_equal(a.skipped, 1);
	assert_int_equal(a.bytes_read, len + sizeof(head) + 5);
	check_same_raw(raw, a.raw);
	ft_archive_fini(&a);
	free(longer);
	ft_out_close(out);
	ft_raw_free(raw);
}

/* What a recording writes while it goes on, and what of it there is at each moment. */
static void test_journal_grows(void **state)
{
	char path[] = "/tmp/ft-journal-XXXXXX", *data = malloc(1 << 20);
	int fd = mkstemp(path);
	struct ft_raw *raw = raw_make();
	struct ft_facts facts = {0};
	struct ft_rounds rounds = {0};
	struct ft_journal *journal;
	struct ft_err err = {0};
	u64 *before = NULL;
	size_t cap = 0;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ft_journal_open(path, &facts, &journal, &err), 0);
	for (u32 second = 1; second < 6; second++) {
		struct ft_archive a;
		ssize_t len;

		grow(raw, second * 100);
		raw->quality.samples++;
		rounds.count = rounds.weight_count = 0;
		assert_int_equal(ft_rounds_add(&rounds, raw->tree, &before, &cap, second), 0);
		assert_int_equal(ft_journal_write(journal, raw, &raw->quality, &rounds, &err), 0);
		len = pread(fd, data, 1 << 20, 0);
		assert_int_equal(ft_archive_read(data, (size_t)len, "x", &a, &err), 0);
		assert_false(a.whole);
		assert_int_equal(a.bytes_read, len);
		assert_int_equal(a.rounds.count, second);
		check_same_raw(raw, a.raw);
		ft_archive_fini(&a);
	}
	ft_journal_close(journal);
	ft_rounds_fini(&rounds);
	free(before);
	free(data);
	ft_raw_free(raw);
	close(fd);
	unlink(path);
}

static void test_resolved_comes_back(void **state)
{
	struct ft_profile *p = ft_profile_new();
	struct ft_facts facts = {0};
	struct ft_archive_content content = {.facts = &facts, .profile = p};
	struct ft_out *out = ft_out_new_memory();
	struct ft_archive a;
	struct ft_err err = {0};
	u32 node = FT_TREE_ROOT;
	const char *data;
	size_t len;
	struct ft_profile_module file = {.build_id = {1, 0, 255},
					 .build_id_len = 3,
					 .start = 0x401000,
					 .limit = 0x480000,
					 .offset = 0x1000};

	(void)state;
	for (u32 i = 0; i < 300; i++) {
		char name[8];
		struct ft_frame frame = {.kind = (u8)(i % FT_FRAME_KIND_COUNT), .inlined = i & 1};

		snprintf(name, sizeof(name), "f%u", i / 3);
		frame.name = ft_strtab_add(p->strings, name, strlen(name));
		frame.module = i % 5 ? 0 : ft_strtab_add(p->strings, "lib.so", 6);
		node = ft_tree_child(p->tree, i % 7 ? node : FT_TREE_ROOT,
				     ft_profile_frame(p, &frame));
		ft_tree_add(p->tree, node, UINT64_C(1) << i % 60);
		assert_int_equal(ft_places_add(&p->places, node, frame.name, i + 1, 1), 0);
	}
	ft_places_finish(&p->places);
	for (u32 i = 1; i < ft_tree_count(p->tree); i += 1 + i % 3) {
		assert_int_equal(
			ft_origins_address(&p->origins, i, UINT64_C(0xffffffff81000000) - i), 0);
		assert_int_equal(ft_origins_owner(&p->origins, i, 70 + i % 2, i + 1), 0);
		assert_int_equal(ft_origins_owner(&p->origins, i, UINT32_MAX, 1), 0);
	}
	ft_origins_finish(&p->origins);
	file.name = p->frames[5].module;
	file.path = ft_strtab_add(p->strings, "/usr/lib/lib.so", 15);
	assert_int_equal(ft_profile_module(p, &file), 0);
	p->unit = FT_UNIT_BYTES;
	assert_int_equal(ft_archive_write(&content, out), 0);
	data = ft_out_memory(out, &len);
	assert_int_equal(ft_archive_read(data, len, "x", &a, &err), 0);
	assert_true(a.whole);
	check_same_tree(p->tree, a.profile->tree);
	assert_int_equal(p->frame_count, a.profile->frame_count);
	assert_memory_equal(p->frames + 1, a.profile->frames + 1,
			    (p->frame_count - 1) * sizeof(*p->frames));
	assert_int_equal(p->places.count, a.profile->places.count);
	assert_int_equal(a.profile->unit, FT_UNIT_BYTES);
	assert_int_equal(p->origins.count, a.profile->origins.count);
	assert_memory_equal(p->origins.owners, a.profile->origins.owners,
			    p->origins.count * sizeof(*p->origins.owners));
	for (u32 i = 0; i < ft_tree_count(p->tree); i++)
		assert_int_equal(ft_origins_find(&p->origins, i),
				 ft_origins_find(&a.profile->origins, i));
	assert_int_equal(a.profile->module_count, 1);
	assert_memory_equal(&p->modules[0], &a.profile->modules[0], sizeof(file));
	assert_false(a.profile->has_quality);
	ft_archive_fini(&a);
	ft_out_close(out);
	ft_profile_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raw_comes_back),
		cmocka_unit_test(test_cut_and_damaged),
		cmocka_unit_test(test_unknown_sections_are_skipped),
		cmocka_unit_test(test_journal_grows),
		cmocka_unit_test(test_resolved_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

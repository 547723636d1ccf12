/* test_tables.c - tables in the pool: shared, found, evicted when it is full, and built again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <time.h>

#include "tests/unit/table_files.h"

#define UNUSED __attribute__((unused))
#define SECOND 1000000000ull
#define BASE 0x7f0000000000ull

/* Words of a table of table_files_add: an index entry for 256 bytes and a few rows and rules. */
#define TABLE_WORDS (FILES_TEXT / 256 + 1 + 1 + 3 * FT_WIRE_RULE_WORDS)

struct retired {
	u32 place[32], words[32], count, total;
};

static void retire(void *context, u32 place, u32 words)
{
	struct retired *r = context;

	assert_true(r->count < 32 && place);
	r->place[r->count] = place;
	r->words[r->count++] = words;
	r->total += words;
}

static void give_back(struct table_files *f, struct retired *r)
{
	for (u32 i = 0; i < r->count; i++)
		ft_pool_free(&f->pool, r->place[i], r->words[i]);
	memset(r, 0, sizeof(*r));
	ft_tables_room_again(f->tables);
}

static u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * SECOND + (u64)now.tv_nsec;
}

static struct ft_wire_mapping describe(struct table_files *f, u32 module)
{
	struct ft_mapping mapping = table_files_map(module, BASE);
	struct ft_wire_mapping wire;

	ft_tables_describe(f->tables, &mapping, &wire);
	assert_int_equal(wire.start, BASE);
	assert_int_equal(wire.pages, FILES_TEXT / 4096);
	return wire;
}

static void assert_depth(struct table_files *f, u32 module, s32 depth)
{
	struct ft_wire_mapping wire = describe(f, module);

	assert_int_equal(wire.table, FT_WIRE_TABLE_READY);
	for (u32 at = 0; at < FILES_TEXT; at += 251)
		assert_int_equal(ft_tables_find(f->tables, &wire, BASE + at)->cfa_offset, depth);
	assert_int_equal(ft_tables_find(f->tables, &wire, BASE + FILES_TEXT)->cfa_kind,
			 FT_CFI_CFA_NONE);
}

static void test_build_and_find(UNUSED void **state)
{
	struct table_files f;
	u32 a, b, none, version, used;
	struct ft_module anon = {.kind = FT_MODULE_ANON, .fd = -1, .path = ft_strdup("//anon")};
	struct ft_module lost = {.kind = FT_MODULE_FILE, .fd = -1, .path = ft_strdup("/lost")};

	table_files_init(&f);
	a = table_files_add(&f, 32);
	b = table_files_add(&f, 48);
	assert_int_equal(describe(&f, a).table, FT_WIRE_TABLE_PENDING);
	assert_int_equal(ft_tables_build(f.tables, a), FT_WIRE_TABLE_READY);
	version = ft_tables_version(f.tables);
	used = f.pool.used_words;
	assert_int_equal(used, TABLE_WORDS);
	assert_int_equal(ft_tables_build(f.tables, a), FT_WIRE_TABLE_READY);
	assert_int_equal(ft_tables_version(f.tables), version);
	assert_int_equal(f.pool.used_words, used);
	assert_int_equal(describe(&f, b).table, FT_WIRE_TABLE_PENDING);
	assert_int_equal(ft_tables_build(f.tables, b), FT_WIRE_TABLE_READY);
	assert_true(ft_tables_version(f.tables) > version);
	assert_depth(&f, a, 32);
	assert_depth(&f, b, 48);
	none = ft_raw_module(f.raw, &lost);
	assert_int_equal(ft_tables_build(f.tables, none), FT_WIRE_TABLE_NONE);
	assert_int_equal(describe(&f, none).table, FT_WIRE_TABLE_NONE);
	none = ft_raw_module(f.raw, &anon);
	assert_int_equal(ft_tables_build(f.tables, none), FT_WIRE_TABLE_JIT);
	assert_int_equal(describe(&f, none).table, FT_WIRE_TABLE_JIT);
	assert_int_equal(ft_tables_refused(f.tables), 0);
	table_files_fini(&f);
}

/* What nobody maps goes first, and nothing that is in use goes for it. */
static void test_evicts_unmapped(UNUSED void **state)
{
	struct table_files f;
	struct retired r = {.count = 0};
	u32 used, unused, fresh, filler_words, index;
	u8 mapped[3] = {1, 0, 1};
	u32 before;

	table_files_init(&f);
	used = table_files_add(&f, 16);
	unused = table_files_add(&f, 24);
	fresh = table_files_add(&f, 32);
	assert_int_equal(ft_tables_build(f.tables, used), FT_WIRE_TABLE_READY);
	assert_int_equal(ft_tables_build(f.tables, unused), FT_WIRE_TABLE_READY);
	assert_false(ft_tables_short(f.tables));
	assert_true(table_files_fill(&f, TABLE_WORDS / 2, &filler_words));
	assert_true(ft_tables_short(f.tables));
	assert_int_equal(ft_tables_build(f.tables, fresh), FT_WIRE_TABLE_PENDING);
	assert_true(ft_tables_starving(f.tables));
	before = ft_tables_version(f.tables);
	/* Not tried again before there is room. */
	assert_int_equal(ft_tables_build(f.tables, fresh), FT_WIRE_TABLE_PENDING);
	assert_int_equal(ft_tables_version(f.tables), before);
	index = describe(&f, unused).index;
	assert_int_equal(ft_tables_evict(f.tables, mapped, now_ns(), retire, &r), 1);
	assert_int_equal(r.count, 3);
	assert_int_equal(r.total, TABLE_WORDS);
	assert_int_equal(r.place[0], index);
	assert_true(ft_tables_version(f.tables) > before);
	assert_false(ft_tables_short(f.tables)); /* not twice for the same want */
	assert_int_equal(describe(&f, unused).table, FT_WIRE_TABLE_PENDING);
	assert_depth(&f, used, 16);
	assert_int_equal(ft_tables_build(f.tables, fresh), FT_WIRE_TABLE_PENDING);
	give_back(&f, &r);
	assert_int_equal(ft_tables_build(f.tables, fresh), FT_WIRE_TABLE_READY);
	assert_false(ft_tables_starving(f.tables));
	assert_depth(&f, fresh, 32);
	assert_depth(&f, used, 16);
	assert_int_equal(ft_tables_refused(f.tables), 0);
	table_files_fini(&f);
}

/* When all are in use, the one that was built first goes, but not at once. */
static void test_evicts_first_built(UNUSED void **state)
{
	struct table_files f;
	struct retired r = {.count = 0};
	u32 first, second, third, filler_words;
	u8 mapped[3] = {1, 1, 1};

	table_files_init(&f);
	first = table_files_add(&f, 16);
	second = table_files_add(&f, 24);
	third = table_files_add(&f, 32);
	assert_int_equal(ft_tables_build(f.tables, second), FT_WIRE_TABLE_READY);
	assert_int_equal(ft_tables_build(f.tables, first), FT_WIRE_TABLE_READY);
	assert_true(table_files_fill(&f, TABLE_WORDS / 2, &filler_words));
	/* Short of room, but nobody is in want: what is in use stays. */
	assert_int_equal(ft_tables_evict(f.tables, mapped, now_ns() + 60 * SECOND, retire, &r), 0);
	assert_int_equal(ft_tables_build(f.tables, third), FT_WIRE_TABLE_PENDING);
	assert_int_equal(ft_tables_evict(f.tables, mapped, now_ns(), retire, &r), 0);
	assert_int_equal(ft_tables_evict(f.tables, mapped, now_ns() + 11 * SECOND, retire, &r), 1);
	assert_int_equal(describe(&f, second).table, FT_WIRE_TABLE_PENDING);
	assert_depth(&f, first, 16);
	give_back(&f, &r);
	assert_int_equal(ft_tables_build(f.tables, third), FT_WIRE_TABLE_READY);
	assert_depth(&f, third, 32);
	table_files_fini(&f);
}

/* A table that finds no room in the end is refused, and asked for no more. */
static void test_gives_up(UNUSED void **state)
{
	struct table_files f;
	struct retired r = {.count = 0};
	u32 module, filler_words;
	u8 mapped[1] = {1};

	table_files_init(&f);
	module = table_files_add(&f, 16);
	assert_true(table_files_fill(&f, TABLE_WORDS / 2, &filler_words));
	assert_int_equal(ft_tables_build(f.tables, module), FT_WIRE_TABLE_PENDING);
	assert_int_equal(ft_tables_evict(f.tables, mapped, now_ns() + SECOND, retire, &r), 0);
	assert_int_equal(ft_tables_build(f.tables, module), FT_WIRE_TABLE_PENDING);
	assert_int_equal(ft_tables_evict(f.tables, mapped, now_ns() + 21 * SECOND, retire, &r), 0);
	assert_int_equal(ft_tables_build(f.tables, module), FT_WIRE_TABLE_NO_ROOM);
	assert_int_equal(ft_tables_refused(f.tables), 1);
	assert_false(ft_tables_starving(f.tables));
	table_files_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_build_and_find),
		cmocka_unit_test(test_evicts_unmapped),
		cmocka_unit_test(test_evicts_first_built),
		cmocka_unit_test(test_gives_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

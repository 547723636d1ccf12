/*
 * test_spaces.c - what the kernel side is told about processes: in the pool, without the map that
 * leads to it. What was replaced or evicted must stay readable for two rounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <time.h>

#include "sampler/procs.h"
#include "sampler/spaces.h"
#include "tests/unit/table_files.h"

#define UNUSED __attribute__((unused))
#define SECOND 1000000000ull
#define BASE 0x7f0000000000ull
#define PID 0x7fff0001u

struct fixture {
	struct table_files files;
	struct ft_spaces spaces;
	struct ft_space space;
	struct ft_published published;
	u32 module;
};

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	table_files_init(&f->files);
	f->spaces =
		(struct ft_spaces){.map_fd = -1, .pool = &f->files.pool, .tables = f->files.tables};
	f->module = table_files_add(&f->files, 16);
	assert_int_equal(
		ft_space_map(&f->space, BASE, BASE + FILES_TEXT, CFI_TEXT_AT, f->module, 1), 0);
}

static void teardown(struct fixture *f)
{
	ft_spaces_fini(&f->spaces);
	ft_space_fini(&f->space);
	table_files_fini(&f->files);
}

static int publish(struct fixture *f)
{
	return ft_spaces_publish(&f->spaces, PID, &f->space, 7, 100, &f->published);
}

static const struct ft_wire_mapping *told(const struct fixture *f)
{
	return ft_pool_at(&f->files.pool, f->published.place);
}

static void test_publish(UNUSED void **state)
{
	struct fixture f;
	u32 place;

	setup(&f);
	assert_int_equal(publish(&f), 0);
	place = f.published.place;
	assert_int_equal(f.published.words, FT_WIRE_MAPPING_WORDS);
	assert_int_equal(told(&f)->start, BASE);
	assert_int_equal(told(&f)->table, FT_WIRE_TABLE_PENDING);
	assert_int_equal(publish(&f), 0); /* nothing new */
	assert_int_equal(f.published.place, place);
	assert_int_equal(ft_tables_build(f.files.tables, f.module), FT_WIRE_TABLE_READY);
	assert_int_equal(publish(&f), 0);
	assert_int_not_equal(f.published.place, place);
	assert_int_equal(told(&f)->table, FT_WIRE_TABLE_READY);
	ft_space_clear(&f.space, 2);
	assert_int_equal(publish(&f), -ENODATA);
	teardown(&f);
}

/* A replaced part is given back by the second round after, not before. */
static void test_rounds(UNUSED void **state)
{
	struct fixture f;
	struct ft_wire_mapping before;
	u32 used, place;

	setup(&f);
	assert_int_equal(publish(&f), 0);
	used = f.files.pool.used_words;
	place = f.published.place;
	before = *told(&f);
	assert_int_equal(ft_spaces_publish(&f.spaces, PID, &f.space, 8, 100, &f.published), 0);
	assert_int_equal(f.files.pool.used_words, used + FT_WIRE_MAPPING_WORDS);
	ft_spaces_round(&f.spaces);
	assert_int_equal(f.files.pool.used_words, used + FT_WIRE_MAPPING_WORDS);
	assert_memory_equal(ft_pool_at(&f.files.pool, place), &before, sizeof(before));
	ft_spaces_round(&f.spaces);
	assert_int_equal(f.files.pool.used_words, used);
	ft_spaces_forget(&f.spaces, PID, false, &f.published);
	assert_int_equal(f.published.words, 0);
	ft_spaces_drop(&f.spaces, PID, &f.published); /* nothing is known of it: no harm */
	ft_spaces_round(&f.spaces);
	ft_spaces_round(&f.spaces);
	assert_int_equal(f.files.pool.used_words, 0);
	teardown(&f);
}

/* An evicted table stays as it was until nobody who was told of it can be reading. */
static void test_evicted_stays_readable(UNUSED void **state)
{
	struct fixture f;
	struct ft_wire_mapping before;
	const u8 mapped[1] = {0};
	u32 filler, words, used;

	setup(&f);
	assert_int_equal(ft_tables_build(f.files.tables, f.module), FT_WIRE_TABLE_READY);
	assert_int_equal(publish(&f), 0);
	before = *told(&f);
	filler = table_files_fill(&f.files, 200, &words);
	assert_true(filler);
	used = f.files.pool.used_words;
	assert_true(ft_spaces_evict(&f.spaces, mapped, 1));
	assert_int_equal(publish(&f), 0);
	assert_int_equal(told(&f)->table, FT_WIRE_TABLE_PENDING);
	ft_spaces_round(&f.spaces);
	assert_int_equal(f.files.pool.used_words, used + FT_WIRE_MAPPING_WORDS);
	assert_int_equal(ft_tables_find(f.files.tables, &before, BASE)->cfa_offset, 16);
	assert_int_equal(ft_tables_build(f.files.tables, f.module), FT_WIRE_TABLE_PENDING);
	ft_spaces_round(&f.spaces);
	assert_int_equal(f.files.pool.used_words, words + FT_WIRE_MAPPING_WORDS);
	assert_int_equal(ft_tables_build(f.files.tables, f.module), FT_WIRE_TABLE_READY);
	assert_int_equal(publish(&f), 0);
	assert_int_equal(told(&f)->table, FT_WIRE_TABLE_READY);
	teardown(&f);
}

/*
 * A living process, this one: when room is made, it is told anew; when the pool has no room for
 * that either, it is dropped rather than left with tables that are gone.
 */
static void evict_of_process(bool room_for_mappings)
{
	struct table_files files;
	struct ft_spaces spaces;
	struct ft_procs *procs;
	struct ft_proc *proc;
	struct timespec now;
	u32 wanted, filler_words;
	u64 now_ns;

	table_files_init(&files);
	spaces = (struct ft_spaces){.map_fd = -1, .pool = &files.pool, .tables = files.tables};
	procs = ft_procs_new(files.raw, FT_FOLLOW_NONE, &spaces);
	clock_gettime(CLOCK_MONOTONIC, &now);
	now_ns = (u64)now.tv_sec * SECOND + (u64)now.tv_nsec;
	assert_int_equal(ft_procs_add(procs, (u32)getpid(), now_ns), 0);
	proc = ft_procs_find(procs, (u32)getpid(), now_ns);
	assert_non_null(proc);
	assert_true(proc->space.live_count > 0);
	assert_int_equal(ft_tables_build(files.tables, proc->space.live[0].module),
			 FT_WIRE_TABLE_READY);
	ft_procs_publish(procs, now_ns);
	assert_true(proc->published.words > 0);
	wanted = table_files_add(&files, 64);
	assert_true(table_files_fill(&files, room_for_mappings ? 2 * proc->published.words : 0,
				     &filler_words));
	assert_int_equal(ft_tables_build(files.tables, wanted), FT_WIRE_TABLE_PENDING);
	ft_procs_make_room(procs, now_ns); /* built just now, and in use */
	assert_int_equal(ft_tables_build(files.tables, proc->space.live[0].module),
			 FT_WIRE_TABLE_READY);
	ft_procs_make_room(procs, now_ns + 11 * SECOND);
	if (room_for_mappings) {
		const struct ft_wire_mapping *list = ft_pool_at(&files.pool, proc->published.place);

		assert_int_equal(proc->published.table_version, ft_tables_version(files.tables));
		assert_int_equal(list[0].start, proc->space.live[0].start);
		assert_int_equal(list[0].table, FT_WIRE_TABLE_PENDING);
	} else {
		assert_int_equal(proc->published.words, 0);
	}
	ft_procs_free(procs);
	ft_spaces_fini(&spaces);
	table_files_fini(&files);
}

static void test_room_of_living_process(UNUSED void **state)
{
	evict_of_process(true);
	evict_of_process(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_publish),
		cmocka_unit_test(test_rounds),
		cmocka_unit_test(test_evicted_stays_readable),
		cmocka_unit_test(test_room_of_living_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_table_maker.c - tables made by a thread and without one are the same, are given once, and
 * the thread ends whenever nobody wants it any more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "base/clock.h"
#include "tests/unit/table_files.h"

#define UNUSED __attribute__((unused))
#define FILES 5u
#define LONG_NS 60000000000ull

/* Files, one of them not there, and a mapping without a file. */
static void make_files(struct table_files *f)
{
	struct ft_module lost = {.kind = FT_MODULE_FILE, .fd = -1, .path = ft_strdup("/lost")};

	table_files_init(f);
	for (u32 i = 0; i < FILES; i++)
		assert_int_equal(table_files_add(f, (u8)(16 + 8 * i)), i);
	assert_int_equal(ft_raw_module(f->raw, &lost), FILES);
}

/* The CFA's offset in the middle of a file's code tells whose table it is. */
static void assert_table_of(const struct ft_table_image *image, u32 file)
{
	bool found = false;

	assert_non_null(image->header);
	for (u32 i = 0; i < image->header->rule_count; i++)
		found |= image->rules[i].cfa_kind == FT_CFI_CFA_REG &&
			 image->rules[i].cfa_offset == (s32)(16 + 8 * file);
	assert_true(found);
}

static void get_all(struct ft_table_maker *maker)
{
	struct ft_table_image image = {0};

	for (u32 i = FILES; i-- > 0;) {
		assert_int_equal(ft_table_maker_get(maker, i, &image), 0);
		assert_table_of(&image, i);
		ft_table_image_fini(&image);
	}
	assert_int_equal(ft_table_maker_get(maker, FILES, &image), -ENODATA);
}

static void test_without_thread(void **state UNUSED)
{
	struct table_files f;
	struct ft_table_maker *maker;

	make_files(&f);
	maker = ft_table_maker_new(f.raw, NULL);
	assert_false(ft_table_maker_has(maker, 0));
	ft_table_maker_wait(maker, 0);
	get_all(maker);
	ft_table_maker_free(maker);
	table_files_fini(&f);
}

static void test_thread(void **state UNUSED)
{
	struct ft_table_maker *maker;
	struct table_files f;
	u32 later;

	make_files(&f);
	maker = ft_table_maker_new(f.raw, NULL);
	ft_table_maker_start(maker);
	assert_true(ft_table_maker_frame_bytes(maker) >= FILES * 16);
	ft_table_maker_wait(maker, ft_clock_ns(CLOCK_MONOTONIC) + LONG_NS);
	for (u32 i = 0; i <= FILES; i++)
		assert_true(ft_table_maker_has(maker, i));
	get_all(maker);
	for (u32 i = 0; i < FILES; i++)
		assert_false(ft_table_maker_has(maker, i));
	get_all(maker);					   /* evicted: made again */
	later = table_files_add(&f, 16 + 8 * (FILES + 1)); /* mapped after the start */
	assert_false(ft_table_maker_has(maker, later));
	get_all(maker);
	ft_table_maker_free(maker);
	table_files_fini(&f);
}

/* Whoever asks at once waits; whoever gives up does not. */
static void test_races(void **state UNUSED)
{
	for (u32 round = 0; round < 200; round++) {
		struct ft_table_maker *maker;
		struct table_files f;

		make_files(&f);
		maker = ft_table_maker_new(f.raw, NULL);
		ft_table_maker_start(maker);
		if (round % 3 == 0)
			get_all(maker);
		else if (round % 3 == 1)
			ft_table_maker_wait(maker, ft_clock_ns(CLOCK_MONOTONIC) + round * 1000);
		ft_table_maker_free(maker);
		table_files_fini(&f);
	}
}

static void test_nothing(void **state UNUSED)
{
	struct ft_raw *raw = ft_raw_new();
	struct ft_table_maker *maker = ft_table_maker_new(raw, NULL);

	ft_table_maker_start(maker);
	ft_table_maker_wait(maker, ft_clock_ns(CLOCK_MONOTONIC) + LONG_NS);
	assert_int_equal(ft_table_maker_frame_bytes(maker), 0);
	ft_table_maker_free(maker);
	ft_table_maker_free(NULL);
	ft_raw_free(raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_thread),
		cmocka_unit_test(test_thread),
		cmocka_unit_test(test_races),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

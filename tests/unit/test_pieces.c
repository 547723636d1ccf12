/* test_pieces.c - nested, touching and overlapping ranges become disjoint segments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/types.h"
#include "symbolizer/pieces.h"

/* What the sweep must give, found the slow way. */
static u32 owner_of(const struct ft_piece *pieces, u32 count, u64 addr)
{
	const struct ft_piece *best = NULL;

	for (u32 i = 0; i < count; i++) {
		const struct ft_piece *p = &pieces[i];

		if (addr < p->low || addr >= p->high)
			continue;
		if (!best || p->depth > best->depth ||
		    (p->depth == best->depth && p->low == best->low && p->owner < best->owner) ||
		    (p->depth == best->depth && p->low < best->low))
			best = p;
	}
	return best ? best->owner : FT_PIECE_NONE;
}

static void check(struct ft_piece *pieces, u32 count, u64 limit)
{
	struct ft_segment *segments = NULL;
	u32 segment_count = 0;

	assert_int_equal(ft_pieces_flatten(pieces, count, &segments, &segment_count), 0);
	for (u64 addr = 0; addr < limit; addr++)
		assert_int_equal(ft_segments_find(segments, segment_count, addr),
				 owner_of(pieces, count, addr));
	for (u32 i = 1; i < segment_count; i++)
		assert_true(segments[i - 1].start < segments[i].start);
	if (segment_count)
		assert_int_equal(segments[segment_count - 1].owner, FT_PIECE_NONE);
	free(segments);
}

static void test_nested(void **state)
{
	struct ft_piece pieces[] = {
		{10, 50, 0, 0}, {10, 20, 1, 1}, {15, 20, 2, 2},
		{30, 50, 1, 3}, {60, 61, 0, 4}, {61, 70, 0, 5},
	};

	(void)state;
	check(pieces, FT_ARRAY_LEN(pieces), 80);
}

static void test_none(void **state)
{
	(void)state;
	check(NULL, 0, 10);
}

static void test_random(void **state)
{
	(void)state;
	srand(7);
	for (int round = 0; round < 300; round++) {
		struct ft_piece pieces[40];
		u32 count = 1 + (u32)rand() % 40;

		for (u32 i = 0; i < count; i++) {
			u64 low = (u64)rand() % 90;

			pieces[i] = (struct ft_piece){low, low + 1 + (u64)rand() % 20,
						      (u32)rand() % 5, i};
		}
		check(pieces, count, 120);
	}
}

/* More ranges around one address than anything real has: bounded, and no crash. */
static void test_deep(void **state)
{
	static struct ft_piece pieces[2000];
	struct ft_segment *segments;
	u32 count;

	(void)state;
	for (u32 i = 0; i < FT_ARRAY_LEN(pieces); i++)
		pieces[i] = (struct ft_piece){i, 10000 - i, i, i};
	assert_int_equal(ft_pieces_flatten(pieces, FT_ARRAY_LEN(pieces), &segments, &count), 0);
	assert_int_equal(ft_segments_find(segments, count, 100), 100);
	assert_int_equal(ft_segments_find(segments, count, 10000), FT_PIECE_NONE);
	free(segments);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_space.c - mappings over time: every way a new mapping can lie over old ones, look-ups by
 * time, and random histories compared with a map of every byte at every moment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "profile/space.h"

#define UNUSED __attribute__((unused))

static void map(struct ft_space *space, u64 start, u64 end, u64 offset, u32 module, u64 now_ns)
{
	assert_int_equal(ft_space_map(space, start, end, offset, module, now_ns), 0);
}

/* The address is at that offset of that module at that time, and the answer was in force then. */
static void assert_at(const struct ft_space *space, u64 addr, u64 when_ns, u32 module, u64 offset)
{
	const struct ft_mapping *m = ft_space_find(space, addr, when_ns);

	assert_non_null(m);
	assert_true(m->start <= addr && addr < m->end);
	assert_true(m->since_ns <= when_ns && when_ns < m->until_ns);
	assert_int_equal(m->module, module);
	assert_int_equal(addr - m->start + m->offset, offset);
}

static void assert_live(const struct ft_space *space, size_t i, u64 start, u64 end, u64 offset,
			u32 module)
{
	assert_true(i < space->live_count);
	assert_int_equal(space->live[i].start, start);
	assert_int_equal(space->live[i].end, end);
	assert_int_equal(space->live[i].offset, offset);
	assert_int_equal(space->live[i].module, module);
	assert_int_equal(space->live[i].until_ns, UINT64_MAX);
}

static void test_edges_of_a_mapping(void **state UNUSED)
{
	struct ft_space space = {0};

	assert_null(ft_space_find(&space, 0x1000, 5));
	map(&space, 0x1000, 0x2000, 0x40, 1, 10);
	assert_null(ft_space_find(&space, 0xfff, 20));
	assert_null(ft_space_find(&space, 0x2000, 20));
	assert_at(&space, 0x1000, 10, 1, 0x40);
	assert_at(&space, 0x1fff, UINT64_MAX - 1, 1, 0x103f);
	/* An empty one and one that ends before it begins change nothing. */
	map(&space, 0x1800, 0x1800, 0, 2, 20);
	map(&space, 0x1800, 0x1000, 0, 2, 20);
	assert_int_equal(space.live_count, 1);
	assert_int_equal(space.past_count, 0);
	ft_space_fini(&space);
	assert_null(ft_space_find(&space, 0x1000, 20));
}

static void test_inside_an_old_one(void **state UNUSED)
{
	struct ft_space space = {0};

	map(&space, 0x1000, 0x9000, 0x100, 1, 10);
	map(&space, 0xa000, 0xb000, 0, 3, 10);
	map(&space, 0x3000, 0x5000, 0x700, 2, 20);
	assert_int_equal(space.live_count, 4);
	assert_live(&space, 0, 0x1000, 0x3000, 0x100, 1);
	assert_live(&space, 1, 0x3000, 0x5000, 0x700, 2);
	assert_live(&space, 2, 0x5000, 0x9000, 0x4100, 1);
	assert_live(&space, 3, 0xa000, 0xb000, 0, 3);
	/* What stayed was there before, what went is found in its time only. */
	assert_at(&space, 0x5000, 10, 1, 0x4100);
	assert_at(&space, 0x2fff, 15, 1, 0x20ff);
	assert_at(&space, 0x3000, 19, 1, 0x2100);
	assert_at(&space, 0x4fff, 19, 1, 0x40ff);
	assert_at(&space, 0x3000, 20, 2, 0x700);
	assert_at(&space, 0x4fff, 20, 2, 0x26ff);
	ft_space_fini(&space);
}

static void test_over_an_edge(void **state UNUSED)
{
	struct ft_space space = {0};

	map(&space, 0x4000, 0x8000, 0x100, 1, 10);
	map(&space, 0x2000, 0x5000, 0, 2, 20); /* the left one */
	assert_int_equal(space.live_count, 2);
	assert_live(&space, 0, 0x2000, 0x5000, 0, 2);
	assert_live(&space, 1, 0x5000, 0x8000, 0x1100, 1);
	map(&space, 0x7000, 0x9000, 0, 3, 30); /* the right one */
	assert_int_equal(space.live_count, 3);
	assert_live(&space, 1, 0x5000, 0x7000, 0x1100, 1);
	assert_live(&space, 2, 0x7000, 0x9000, 0, 3);
	assert_at(&space, 0x4fff, 19, 1, 0x10ff);
	assert_at(&space, 0x7fff, 29, 1, 0x40ff);
	/* The same start and a smaller end; the same end and a later start. */
	map(&space, 0x5000, 0x5800, 0, 4, 40);
	map(&space, 0x6800, 0x7000, 0, 5, 40);
	assert_int_equal(space.live_count, 5);
	assert_live(&space, 1, 0x5000, 0x5800, 0, 4);
	assert_live(&space, 2, 0x5800, 0x6800, 0x1900, 1);
	assert_live(&space, 3, 0x6800, 0x7000, 0, 5);
	ft_space_fini(&space);
}

static void test_over_several(void **state UNUSED)
{
	struct ft_space space = {0};

	for (u32 i = 0; i < 5; i++)
		map(&space, 0x1000 + 0x1000 * i, 0x1800 + 0x1000 * i, 0, i, 10);
	map(&space, 0x1400, 0x5400, 0x50, 9, 20);
	assert_int_equal(space.live_count, 3);
	assert_live(&space, 0, 0x1000, 0x1400, 0, 0);
	assert_live(&space, 1, 0x1400, 0x5400, 0x50, 9);
	assert_live(&space, 2, 0x5400, 0x5800, 0x400, 4);
	assert_int_equal(space.past_count, 5);
	assert_at(&space, 0x3000, 19, 2, 0);
	assert_at(&space, 0x5000, 19, 4, 0);
	/* Between two of them there was nothing: the answer is what came later. */
	assert_int_equal(ft_space_find(&space, 0x3900, 19)->module, 9);
	/* All of them, exactly. */
	map(&space, 0x1000, 0x5800, 0, 7, 30);
	assert_int_equal(space.live_count, 1);
	assert_live(&space, 0, 0x1000, 0x5800, 0, 7);
	ft_space_fini(&space);
}

static void test_neighbours_stay(void **state UNUSED)
{
	struct ft_space space = {0};

	map(&space, 0x1000, 0x2000, 0, 1, 10);
	map(&space, 0x3000, 0x4000, 0, 3, 10);
	map(&space, 0x2000, 0x3000, 0, 2, 20);
	assert_int_equal(space.live_count, 3);
	assert_int_equal(space.past_count, 0);
	assert_live(&space, 0, 0x1000, 0x2000, 0, 1);
	assert_live(&space, 1, 0x2000, 0x3000, 0, 2);
	assert_live(&space, 2, 0x3000, 0x4000, 0, 3);
	ft_space_fini(&space);
}

static void test_exact_repeat(void **state UNUSED)
{
	struct ft_space space = {0};

	map(&space, 0x1000, 0x2000, 0x10, 1, 10);
	map(&space, 0x1000, 0x2000, 0x10, 1, 20);
	assert_int_equal(space.live_count, 1);
	assert_int_equal(space.live[0].since_ns, 10);
	assert_int_equal(space.past_count, 0);
	/* Anything that differs is another mapping. */
	map(&space, 0x1000, 0x2000, 0x20, 1, 30);
	assert_int_equal(space.past_count, 1);
	map(&space, 0x1000, 0x2000, 0x20, 2, 40);
	assert_int_equal(space.past_count, 2);
	map(&space, 0x1000, 0x1800, 0x20, 2, 50);
	assert_int_equal(space.past_count, 3);
	assert_at(&space, 0x1000, 19, 1, 0x10);
	assert_at(&space, 0x1000, 39, 1, 0x20);
	assert_at(&space, 0x1000, 40, 2, 0x20);
	/* One that was there before the last exec is not "said twice". */
	assert_int_equal(ft_space_clear(&space, 60), 0);
	map(&space, 0x1000, 0x1800, 0x20, 2, 60);
	assert_int_equal(space.live_count, 1);
	assert_int_equal(space.live[0].since_ns, 60);
	ft_space_fini(&space);
}

static void test_exec_clears(void **state UNUSED)
{
	struct ft_space space = {0};

	assert_int_equal(ft_space_clear(&space, 5), 0);
	map(&space, 0x1000, 0x2000, 0, 1, 10);
	map(&space, 0x3000, 0x4000, 0x60, 2, 11);
	assert_int_equal(ft_space_clear(&space, 20), 0);
	assert_int_equal(space.live_count, 0);
	assert_at(&space, 0x1000, 19, 1, 0);
	assert_at(&space, 0x3fff, 12, 2, 0x105f);
	/* Nothing was there at 20: what was last is the best there is. */
	assert_int_equal(ft_space_find(&space, 0x1000, 20)->module, 1);
	map(&space, 0x1000, 0x2000, 0, 3, 21);
	assert_at(&space, 0x1000, 19, 1, 0);
	assert_at(&space, 0x1000, 21, 3, 0);
	assert_int_equal(ft_space_clear(&space, 30), 0);
	/* Both are past now. Each in its time, not just the younger one. */
	assert_at(&space, 0x1000, 10, 1, 0);
	assert_at(&space, 0x1000, 19, 1, 0);
	assert_at(&space, 0x1000, 21, 3, 0);
	assert_at(&space, 0x1000, 29, 3, 0);
	ft_space_fini(&space);
}

static void test_fork_copies(void **state UNUSED)
{
	struct ft_space parent = {0}, child = {0}, none = {0}, orphan = {0};

	map(&parent, 0x1000, 0x2000, 0, 1, 10);
	map(&parent, 0x1000, 0x2000, 0, 2, 20);
	map(&parent, 0x3000, 0x4000, 0x60, 3, 20);
	assert_int_equal(ft_space_copy(&child, &parent, 30), 0);
	assert_int_equal(child.live_count, 2);
	assert_int_equal(child.past_count, 0);
	assert_int_equal(child.live[0].since_ns, 30);
	assert_at(&child, 0x1000, 30, 2, 0);
	assert_at(&child, 0x3000, 30, 3, 0x60);
	/* From here on they go their own ways. */
	map(&child, 0x1000, 0x4000, 0, 4, 40);
	assert_at(&parent, 0x1000, 40, 2, 0);
	assert_int_equal(ft_space_clear(&parent, 50), 0);
	assert_at(&child, 0x1000, 50, 4, 0);
	assert_int_equal(ft_space_copy(&orphan, &none, 30), 0);
	assert_int_equal(orphan.live_count, 0);
	ft_space_fini(&parent);
	ft_space_fini(&child);
	ft_space_fini(&orphan);
}

static void test_found_at_another_time(void **state UNUSED)
{
	struct ft_space space = {0};

	/* A sample from just before its mapping was reported. */
	map(&space, 0x1000, 0x2000, 0, 1, 10);
	assert_int_equal(ft_space_find(&space, 0x1000, 9)->module, 1);
	/* What was there at the time goes before what came later, and before what is there now. */
	map(&space, 0x1000, 0x2000, 0, 2, 20);
	map(&space, 0x1000, 0x2000, 0, 3, 30);
	assert_at(&space, 0x1000, 10, 1, 0);
	assert_at(&space, 0x1000, 20, 2, 0);
	assert_at(&space, 0x1000, 29, 2, 0);
	assert_at(&space, 0x1000, 30, 3, 0);
	ft_space_fini(&space);
}

static void test_prune(void **state UNUSED)
{
	struct ft_space space = {0};

	ft_space_prune(&space, UINT64_MAX);
	map(&space, 0x1000, 0x2000, 0, 1, 10);
	map(&space, 0x1000, 0x2000, 0, 2, 20);
	map(&space, 0x1000, 0x2000, 0, 3, 30);
	ft_space_prune(&space, 20);
	assert_int_equal(space.past_count, 2); /* ended at 20, which is not before 20 */
	ft_space_prune(&space, 21);
	assert_int_equal(space.past_count, 1);
	assert_at(&space, 0x1000, 21, 2, 0);
	ft_space_prune(&space, UINT64_MAX);
	assert_int_equal(space.past_count, 0);
	assert_at(&space, 0x1000, 30, 3, 0);
	ft_space_fini(&space);
}

/* The naive model: what every byte was at every moment. */
#define SPAN 48	   /* addresses */
#define MOMENTS 60 /* times, counted from 1 */

struct cell {
	u32 module; /* 0: nothing */
	u64 offset;
};

struct model {
	struct cell now[SPAN];
	struct cell then[MOMENTS + 1][SPAN];
	u64 pruned_ns;
};

static void check_moment(const struct ft_space *space, const struct model *model, u64 when_ns)
{
	for (u64 addr = 0; addr < SPAN; addr++) {
		const struct cell *cell = &model->then[when_ns][addr];
		const struct ft_mapping *m = ft_space_find(space, addr, when_ns);

		if (cell->module)
			assert_at(space, addr, when_ns, cell->module, cell->offset);
		else if (m)
			assert_true(m->start <= addr && addr < m->end &&
				    (when_ns < m->since_ns || when_ns >= m->until_ns));
	}
}

static void check_shape(const struct ft_space *space)
{
	for (size_t i = 0; i < space->live_count; i++) {
		assert_true(space->live[i].start < space->live[i].end);
		assert_true(i == 0 || space->live[i - 1].end <= space->live[i].start);
	}
	for (size_t i = 0; i < space->past_count; i++) {
		assert_true(space->past[i].start < space->past[i].end);
		assert_true(i == 0 || space->past[i - 1].until_ns <= space->past[i].until_ns);
	}
}

static void step(struct ft_space *space, struct model *model, u64 now_ns, unsigned *seed)
{
	u64 start = (u64)rand_r(seed) % SPAN, len = (u64)rand_r(seed) % (SPAN - start) + 1;
	u64 offset = (u64)rand_r(seed) % 3 * 100;
	u32 module = (u32)rand_r(seed) % 4 + 1, what = (u32)rand_r(seed) % 20;

	if (what == 0) {
		assert_int_equal(ft_space_clear(space, now_ns), 0);
		memset(model->now, 0, sizeof(model->now));
	} else if (what == 1) {
		u64 when_ns = (u64)rand_r(seed) % now_ns;

		ft_space_prune(space, when_ns);
		if (when_ns > model->pruned_ns)
			model->pruned_ns = when_ns;
	} else if (what == 2 && space->live_count) { /* said again */
		const struct ft_mapping m = space->live[(u32)rand_r(seed) % space->live_count];

		map(space, m.start, m.end, m.offset, m.module, now_ns);
	} else {
		map(space, start, start + len, offset, module, now_ns);
		for (u64 i = 0; i < len; i++)
			model->now[start + i] = (struct cell){module, offset + i};
	}
}

static void test_random_histories(void **state UNUSED)
{
	struct model *model = malloc(sizeof(*model));

	assert_non_null(model);
	for (unsigned round = 1; round <= 150; round++) {
		struct ft_space space = {0};
		unsigned seed = round;

		memset(model, 0, sizeof(*model));
		for (u64 now_ns = 1; now_ns <= MOMENTS; now_ns++) {
			/* Several things may happen in the same moment; the last one stands. */
			do
				step(&space, model, now_ns, &seed);
			while (rand_r(&seed) % 4 == 0);
			memcpy(model->then[now_ns], model->now, sizeof(model->now));
			check_shape(&space);
			if (now_ns % 10)
				continue;
			for (u64 when_ns = model->pruned_ns ? model->pruned_ns : 1;
			     when_ns <= now_ns; when_ns++)
				check_moment(&space, model, when_ns);
		}
		ft_space_fini(&space);
	}
	free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edges_of_a_mapping),
		cmocka_unit_test(test_inside_an_old_one),
		cmocka_unit_test(test_over_an_edge),
		cmocka_unit_test(test_over_several),
		cmocka_unit_test(test_neighbours_stay),
		cmocka_unit_test(test_exact_repeat),
		cmocka_unit_test(test_exec_clears),
		cmocka_unit_test(test_fork_copies),
		cmocka_unit_test(test_found_at_another_time),
		cmocka_unit_test(test_prune),
		cmocka_unit_test(test_random_histories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

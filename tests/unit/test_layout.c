/*
 * test_layout.c - places are exact and nested, the order is the names', narrow frames are counted,
 * depth has no limit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "output/layout.h"

static u32 frame_of(struct ft_profile *p, const char *name, enum ft_frame_kind kind)
{
	struct ft_frame frame = {.name = ft_strtab_add(p->strings, name, strlen(name)),
				 .kind = (u8)kind};

	return ft_profile_frame(p, &frame);
}

/* Adds "a;b;c". */
static void add(struct ft_profile *p, const char *stack, u64 weight)
{
	u32 node = FT_TREE_ROOT;
	char name[64];

	while (*stack) {
		size_t len = strcspn(stack, ";");

		snprintf(name, sizeof(name), "%.*s", (int)len, stack);
		node = ft_tree_child(p->tree, node, frame_of(p, name, FT_FRAME_USER));
		stack += len + (stack[len] == ';');
	}
	ft_tree_add(p->tree, node, weight);
}

static const char *name_of(const struct ft_profile *p, const struct ft_box *box)
{
	return ft_strtab_str(p->strings, p->frames[box->frame].name);
}

static int lay_out(struct ft_layout *l, const struct ft_profile *p)
{
	struct ft_order order;

	assert_int_equal(ft_order_init(&order, p), 0);
	assert_int_equal(ft_layout_init(l, &order), 0);
	ft_order_fini(&order);
	return 0;
}

/*
 * What every layout must keep: depth first, children inside their parent, side by side from its
 * left edge.
 */
static void check_nesting(const struct ft_layout *l)
{
	for (u32 i = 1; i < l->count; i++) {
		const struct ft_box *box = &l->boxes[i], *up = &l->boxes[box->parent];

		assert_true(box->parent < i);
		assert_int_equal(box->depth, up->depth + 1);
		assert_true(box->x >= up->x && box->x + box->total <= up->x + up->total);
		assert_true(box->depth < l->rows);
		/* An earlier sibling's subtree lies between, and perhaps what was left out. */
		for (u32 s = i - 1; s > box->parent; s--) {
			if (l->boxes[s].parent == box->parent) {
				assert_true(l->boxes[s].x + l->boxes[s].total <= box->x);
				break;
			}
		}
	}
}

static void test_places(void **state)
{
	static const struct {
		const char *name;
		u32 parent, depth;
		u64 x, total;
	} want[] = {
		{"", 0, 0, 0, 100},	{"app", 0, 1, 0, 90},  {"beta", 1, 2, 0, 30},
		{"zeta", 1, 2, 30, 50}, {"leaf", 3, 3, 30, 7}, {"bin", 0, 1, 90, 10},
	};
	struct ft_profile *p = ft_profile_new();
	struct ft_layout l;

	(void)state;
	add(p, "bin", 10);
	add(p, "app;zeta;leaf", 7);
	add(p, "app;zeta", 43);
	add(p, "app", 10);
	add(p, "app;beta", 30);
	assert_int_equal(lay_out(&l, p), 0);
	assert_int_equal(l.count, FT_ARRAY_LEN(want));
	assert_int_equal(l.rows, 4);
	assert_int_equal(l.total, 100);
	assert_int_equal(l.omitted, 0);
	for (u32 i = 0; i < l.count; i++) {
		assert_int_equal(l.boxes[i].parent, want[i].parent);
		assert_int_equal(l.boxes[i].depth, want[i].depth);
		assert_int_equal(l.boxes[i].x, want[i].x);
		assert_int_equal(l.boxes[i].total, want[i].total);
		if (i)
			assert_string_equal(name_of(p, &l.boxes[i]), want[i].name);
	}
	ft_layout_fini(&l);
	ft_profile_free(p);
}

static void test_equal_names_by_kind(void **state)
{
	struct ft_profile *p = ft_profile_new();
	struct ft_layout l;

	(void)state;
	ft_tree_add(p->tree, ft_tree_child(p->tree, 0, frame_of(p, "same", FT_FRAME_KERNEL)), 1);
	ft_tree_add(p->tree, ft_tree_child(p->tree, 0, frame_of(p, "samea", FT_FRAME_USER)), 1);
	ft_tree_add(p->tree, ft_tree_child(p->tree, 0, frame_of(p, "same", FT_FRAME_USER)), 1);
	assert_int_equal(lay_out(&l, p), 0);
	assert_int_equal(l.count, 4);
	assert_int_equal(p->frames[l.boxes[1].frame].kind, FT_FRAME_USER);
	assert_int_equal(p->frames[l.boxes[2].frame].kind, FT_FRAME_KERNEL);
	assert_string_equal(name_of(p, &l.boxes[3]), "samea");
	ft_layout_fini(&l);
	ft_profile_free(p);
}

static void test_empty(void **state)
{
	struct ft_profile *p = ft_profile_new();
	struct ft_layout l;

	(void)state;
	assert_int_equal(lay_out(&l, p), 0);
	assert_int_equal(l.count, 0);
	ft_layout_fini(&l);
	add(p, "a;b", 0);
	assert_int_equal(lay_out(&l, p), 0);
	assert_int_equal(l.count, 0);
	assert_int_equal(l.rows, 0);
	ft_layout_fini(&l);
	ft_profile_free(p);
}

/* 1/4000 of the whole is kept, less is not; the deepest frame is known all the same. */
static void test_narrow_frames(void **state)
{
	struct ft_profile *p = ft_profile_new();
	struct ft_layout l;
	char name[32];

	(void)state;
	add(p, "wide;in;in", 967000);
	add(p, "wide;in;low;low;low", 1);
	for (u32 i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		add(p, name, i % 3 == 0 ? 250 : 10);
	}
	add(p, "rest", 1000000 - 967001 - 100 * 250 - 200 * 10);
	assert_int_equal(lay_out(&l, p), 0);
	assert_int_equal(l.count, 1 + 3 + 1 + 100);
	assert_int_equal(l.omitted, 3 + 200);
	assert_int_equal(l.least, 250);
	assert_int_equal(l.deepest, 5);
	assert_int_equal(l.rows, 4);
	/* n0 (250), n1 (10, left out), n10 (10, left out), n100, ... then n102 (250) */
	assert_string_equal(name_of(p, &l.boxes[2]), "n102");
	assert_int_equal(l.boxes[2].x, 250 + 4 * 10);
	assert_int_equal(l.total, 1000000);
	check_nesting(&l);
	ft_layout_fini(&l);
	ft_profile_free(p);
}

/* Frames wide enough to be seen are kept no matter how many they are. */
static void test_deep_stack(void **state)
{
	struct ft_profile *p = ft_profile_new();
	struct ft_layout l;
	u32 node = FT_TREE_ROOT;

	(void)state;
	for (u32 i = 0; i < 100000; i++)
		node = ft_tree_child(p->tree, node, frame_of(p, i % 2 ? "f" : "g", FT_FRAME_USER));
	ft_tree_add(p->tree, node, 3);
	assert_int_equal(lay_out(&l, p), 0);
	assert_int_equal(l.count, 100001);
	assert_int_equal(l.rows, 100001);
	check_nesting(&l);
	ft_layout_fini(&l);
	ft_profile_free(p);
}

static void test_saturated_weights(void **state)
{
	struct ft_profile *p = ft_profile_new();
	struct ft_layout l;

	(void)state;
	add(p, "a;x", UINT64_MAX);
	add(p, "a;y", UINT64_MAX);
	add(p, "b", UINT64_MAX);
	assert_int_equal(lay_out(&l, p), 0);
	assert_true(l.total == UINT64_MAX);
	assert_int_equal(l.count, 5);
	check_nesting(&l);
	ft_layout_fini(&l);
	ft_profile_free(p);
}

/* A pseudo-random tree, so that nesting is checked on shapes nobody thought of. */
static void test_random_trees(void **state)
{
	static const char *const names[] = {"a", "b", "ab", "c", "", "zz", "B"};
	u64 seed = 42;

	(void)state;
	for (u32 round = 0; round < 50; round++) {
		struct ft_profile *p = ft_profile_new();
		struct ft_layout l;
		u64 sum = 0;

		for (u32 i = 0; i < 300; i++) {
			u32 node = FT_TREE_ROOT;
			u64 weight =
				(seed = seed * 6364136223846793005u + 1442695040888963407u) >> 44;

			for (u32 d = (u32)(seed >> 33) % 9; d-- > 0;) {
				seed = seed * 6364136223846793005u + 1442695040888963407u;
				node = ft_tree_child(
					p->tree, node,
					frame_of(p, names[(seed >> 40) % FT_ARRAY_LEN(names)],
						 FT_FRAME_USER));
			}
			ft_tree_add(p->tree, node, weight);
			sum += weight;
		}
		ft_tree_freeze(p->tree);
		assert_int_equal(lay_out(&l, p), 0);
		assert_true(l.total == sum);
		check_nesting(&l);
		ft_layout_fini(&l);
		ft_profile_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),	     cmocka_unit_test(test_equal_names_by_kind),
		cmocka_unit_test(test_empty),	     cmocka_unit_test(test_narrow_frames),
		cmocka_unit_test(test_deep_stack),   cmocka_unit_test(test_saturated_weights),
		cmocka_unit_test(test_random_trees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

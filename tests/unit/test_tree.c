/* test_tree.c - the prefix tree: identity of nodes, order, totals, freezing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/hash.h"
#include "profile/tree.h"

#define UNUSED __attribute__((unused))

static void test_empty(void **state UNUSED)
{
	struct ft_tree *tree = ft_tree_new();
	u64 *totals;

	assert_int_equal(ft_tree_count(tree), 1);
	assert_int_equal(ft_tree_nodes(tree)[FT_TREE_ROOT].parent, FT_TREE_NONE);
	totals = ft_tree_totals(tree);
	assert_int_equal(totals[FT_TREE_ROOT], 0);
	assert_int_equal(ft_tree_total(tree), 0);
	free(totals);
	ft_tree_free(tree);
	ft_tree_free(NULL);
}

static void test_same_path_same_node(void **state UNUSED)
{
	struct ft_tree *tree = ft_tree_new();
	u32 a = ft_tree_child(tree, FT_TREE_ROOT, 7), ab, b, ba;

	ab = ft_tree_child(tree, a, 8);
	b = ft_tree_child(tree, FT_TREE_ROOT, 8);
	ba = ft_tree_child(tree, b, 7);
	assert_int_equal(ft_tree_count(tree), 5);
	assert_true(ab != b && a != ba && ab != ba);
	assert_int_equal(ft_tree_child(tree, FT_TREE_ROOT, 7), a);
	assert_int_equal(ft_tree_child(tree, a, 8), ab);
	assert_int_equal(ft_tree_child(tree, FT_TREE_ROOT, 8), b);
	assert_int_equal(ft_tree_child(tree, b, 7), ba);
	assert_int_equal(ft_tree_count(tree), 5);
	assert_int_equal(ft_tree_nodes(tree)[ba].parent, b);
	assert_int_equal(ft_tree_nodes(tree)[ba].key, 7);
	ft_tree_free(tree);
}

/* A key may be any number, 0 and the largest included. */
static void test_any_key(void **state UNUSED)
{
	static const u32 keys[] = {0, 1, UINT32_MAX, UINT32_MAX - 1, 1u << 31};
	struct ft_tree *tree = ft_tree_new();
	u32 nodes[FT_ARRAY_LEN(keys)];

	for (size_t i = 0; i < FT_ARRAY_LEN(keys); i++)
		nodes[i] = ft_tree_child(tree, FT_TREE_ROOT, keys[i]);
	assert_int_equal(ft_tree_count(tree), FT_ARRAY_LEN(keys) + 1);
	for (size_t i = 0; i < FT_ARRAY_LEN(keys); i++)
		assert_int_equal(ft_tree_child(tree, FT_TREE_ROOT, keys[i]), nodes[i]);
	ft_tree_free(tree);
}

/* A reproducible number below max. */
static u32 pick(u64 *seed, u32 max)
{
	*seed = ft_hash_word(*seed + 1);
	return (u32)(*seed >> 20) % max;
}

/* Random children, also of old nodes, against a plain list; frozen now and then. */
static void test_against_list(void **state UNUSED)
{
	enum { COUNT = 3000 };
	static struct {
		u32 parent, key, node;
	} known[COUNT];
	struct ft_tree *tree = ft_tree_new();
	u64 seed = 1;
	u32 len = 0;

	for (u32 round = 0; round < COUNT; round++) {
		u32 parent =
			pick(&seed, 3) ? pick(&seed, ft_tree_count(tree)) : ft_tree_count(tree) - 1;
		u32 key = pick(&seed, 5), expected = ft_tree_count(tree), node, at;

		for (at = 0; at < len; at++) {
			if (known[at].parent == parent && known[at].key == key) {
				expected = known[at].node;
				break;
			}
		}
		if (round % 400 == 399)
			ft_tree_freeze(tree);
		node = ft_tree_child(tree, parent, key);
		assert_int_equal(node, expected);
		if (at == len) {
			known[len].parent = parent;
			known[len].key = key;
			known[len++].node = node;
		}
	}
	assert_int_equal(ft_tree_count(tree), len + 1);
	assert_true(len > 500 && len < COUNT); /* both new and old ones were asked for */
	ft_tree_free(tree);
}

/* Enough nodes for many growths of every table: wide, and as long chains that fork. */
static void test_many(void **state UNUSED)
{
	enum { WIDE = 100000, CHAIN = 50000 };
	struct ft_tree *tree = ft_tree_new();
	u32 *nodes = calloc(WIDE, sizeof(*nodes)), at = FT_TREE_ROOT;

	for (u32 i = 0; i < WIDE; i++)
		nodes[i] = ft_tree_child(tree, FT_TREE_ROOT, i * 3);
	for (u32 i = 0; i < CHAIN; i++) {
		u32 fork = ft_tree_child(tree, at, 1);

		at = ft_tree_child(tree, at, 2);
		assert_true(fork != at);
	}
	assert_int_equal(ft_tree_count(tree), 1 + WIDE + 2 * CHAIN);
	for (u32 i = 0; i < WIDE; i++)
		assert_int_equal(ft_tree_child(tree, FT_TREE_ROOT, i * 3), nodes[i]);
	at = FT_TREE_ROOT;
	for (u32 i = 0; i < CHAIN; i++)
		at = ft_tree_child(tree, at, 2);
	assert_int_equal(ft_tree_count(tree), 1 + WIDE + 2 * CHAIN);
	for (u32 i = 1; i < ft_tree_count(tree); i++)
		assert_true(ft_tree_nodes(tree)[i].parent < i);
	free(nodes);
	ft_tree_free(tree);
}

static void test_totals(void **state UNUSED)
{
	struct ft_tree *tree = ft_tree_new();
	u64 seed = 5, *totals, expected[500] = {0};

	while (ft_tree_count(tree) < 500) {
		u32 node = ft_tree_child(tree, pick(&seed, ft_tree_count(tree)), pick(&seed, 50));

		ft_tree_add(tree, node, pick(&seed, 10));
	}
	for (u32 i = 0; i < 500; i++) {
		for (u32 up = i; up != FT_TREE_NONE; up = ft_tree_nodes(tree)[up].parent)
			expected[up] += ft_tree_nodes(tree)[i].self;
	}
	totals = ft_tree_totals(tree);
	assert_memory_equal(totals, expected, sizeof(expected));
	assert_int_equal(ft_tree_total(tree), expected[FT_TREE_ROOT]);
	free(totals);
	ft_tree_free(tree);
}

static void test_saturation(void **state UNUSED)
{
	struct ft_tree *tree = ft_tree_new();
	u32 a = ft_tree_child(tree, FT_TREE_ROOT, 1), b = ft_tree_child(tree, a, 2);
	u64 *totals;

	ft_tree_add(tree, b, UINT64_MAX - 1);
	ft_tree_add(tree, b, 1);
	assert_true(ft_tree_nodes(tree)[b].self == UINT64_MAX);
	ft_tree_add(tree, b, 1);
	assert_true(ft_tree_nodes(tree)[b].self == UINT64_MAX);
	ft_tree_add(tree, a, 5);
	ft_tree_add(tree, ft_tree_child(tree, FT_TREE_ROOT, 3), 9);
	totals = ft_tree_totals(tree);
	assert_true(totals[FT_TREE_ROOT] == UINT64_MAX);
	assert_true(ft_tree_total(tree) == UINT64_MAX);
	assert_true(totals[a] == UINT64_MAX);
	assert_true(totals[3] == 9);
	free(totals);
	ft_tree_free(tree);
}

static void test_freeze(void **state UNUSED)
{
	struct ft_tree *tree = ft_tree_new();
	u32 a = ft_tree_child(tree, FT_TREE_ROOT, 1), b = ft_tree_child(tree, FT_TREE_ROOT, 2);
	u64 *totals;

	ft_tree_add(tree, b, 4);
	ft_tree_freeze(tree);
	ft_tree_freeze(tree);
	totals = ft_tree_totals(tree);
	assert_int_equal(totals[FT_TREE_ROOT], 4);
	free(totals);
	ft_tree_add(tree, a, 1);
	assert_int_equal(ft_tree_child(tree, FT_TREE_ROOT, 2), b);
	assert_int_equal(ft_tree_child(tree, FT_TREE_ROOT, 1), a);
	assert_int_equal(ft_tree_nodes(tree)[a].self, 1);
	assert_int_equal(ft_tree_count(tree), 3);
	ft_tree_free(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),	   cmocka_unit_test(test_same_path_same_node),
		cmocka_unit_test(test_any_key),	   cmocka_unit_test(test_against_list),
		cmocka_unit_test(test_many),	   cmocka_unit_test(test_totals),
		cmocka_unit_test(test_saturation), cmocka_unit_test(test_freeze),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_by_cpu.c - which weight came on which CPU, from the recording through an archive to stacks
 * that begin with a CPU. Nothing may come out more or less than it was, whatever is not known.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/out.h"
#include "profile/archive.h"
#include "profile/by_cpu.h"
#include "profile/select.h"

struct fixture {
	struct ft_raw *raw;
	struct ft_rounds rounds;
	u64 *before;
	size_t before_cap;
	u32 outer, inner;
	char text[2000];
};

static u32 below(struct ft_raw *raw, u32 parent, u64 addr)
{
	struct ft_location l = {.kind = FT_LOCATION_KERNEL, .addr = addr};

	return ft_tree_child(raw->tree, parent, ft_raw_location(raw, &l));
}

/* So much came to a node, of that on CPU 0 and on CPU 70000; the rest where nobody knows. */
static void add(struct fixture *f, u32 node, u64 weight, u64 on_0, u64 on_70000)
{
	ft_tree_add(f->raw->tree, node, weight);
	if (on_70000)
		assert_int_equal(ft_raw_on_cpu(f->raw, node, 70001, on_70000), 0);
	if (on_0)
		assert_int_equal(ft_raw_on_cpu(f->raw, node, 1, on_0), 0);
	assert_int_equal(ft_raw_on_cpu(f->raw, node, 0, weight - on_0 - on_70000), 0);
}

static void round_end(struct fixture *f, u64 until_ns)
{
	assert_int_equal(
		ft_rounds_add(&f->rounds, f->raw->tree, &f->before, &f->before_cap, until_ns), 0);
	assert_int_equal(ft_rounds_divide(&f->rounds, f->raw->on_cpus, f->raw->on_cpu_count), 0);
	ft_raw_seen(f->raw);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct ft_location process = {.kind = FT_LOCATION_PROCESS, .pid = 7};
	u32 node;

	f->raw = ft_raw_new();
	process.name = ft_strtab_add(f->raw->strings, "prog", 4);
	node = ft_tree_child(f->raw->tree, FT_TREE_ROOT, ft_raw_location(f->raw, &process));
	f->outer = below(f->raw, node, 0x10);
	f->inner = below(f->raw, f->outer, 0x20);
	add(f, f->inner, 100, 60, 40);
	add(f, f->outer, 5, 0, 0);
	round_end(f, 100000000);
	add(f, f->inner, 9, 0, 2);
	add(f, f->inner, 7, 7, 0);
	add(f, f->outer, 3, 3, 0);
	round_end(f, 200000000);
	round_end(f, 300000000);
	add(f, f->outer, 1, 0, 1);
	round_end(f, 400000000);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ft_raw_free(f->raw);
	ft_rounds_fini(&f->rounds);
	free(f->before);
	free(f);
	return 0;
}

/* "until:cpu/node=weight" of all rounds. Nodes by their depth. */
static void assert_rounds(struct fixture *f, const struct ft_rounds *rounds, const char *want)
{
	size_t at = 0;

	f->text[0] = '\0';
	for (u32 r = 0; r < rounds->count; r++)
		for (u32 i = 0; i < rounds->list[r].count; i++) {
			const struct ft_round_weight *w =
				&rounds->weights[rounds->list[r].first + i];

			at += (size_t)snprintf(
				f->text + at, sizeof(f->text) - at, "%llu:%u/%s=%lld ",
				(unsigned long long)rounds->list[r].until_ns / 100000000, w->cpu,
				w->node == f->inner ? "in" : "out", (long long)w->weight);
		}
	assert_string_equal(f->text, want);
}

static void test_divided(void **state)
{
	struct fixture *f = *state;

	assert_rounds(f, &f->rounds,
		      "1:0/out=5 1:1/in=60 1:70001/in=40 2:0/in=7 2:1/out=3 2:1/in=7 2:70001/in=2 "
		      "4:70001/out=1 ");
}

static void read_back(struct fixture *f, struct ft_archive *a)
{
	struct ft_facts facts = {0};
	struct ft_archive_content content = {.facts = &facts, .raw = f->raw, .rounds = &f->rounds};
	struct ft_out *out = ft_out_new_memory();
	struct ft_err err = {0};
	const char *data;
	size_t len;

	assert_int_equal(ft_archive_write(&content, out), 0);
	data = ft_out_memory(out, &len);
	assert_int_equal(ft_archive_read(data, len, "x", a, &err), 0);
	assert_true(a->whole);
	assert_int_equal(a->skipped, 0);
	ft_out_close(out);
}

static void test_archive(void **state)
{
	struct fixture *f = *state;
	struct ft_archive a;

	read_back(f, &a);
	/* In the order of nodes. */
	assert_rounds(f, &a.rounds,
		      "1:0/out=5 1:1/in=60 1:70001/in=40 2:1/out=3 2:0/in=7 2:1/in=7 2:70001/in=2 "
		      "4:70001/out=1 ");
	ft_archive_fini(&a);
}

/* "cpu: process depth=weight" of what has weight. */
static void assert_stacks(struct fixture *f, const struct ft_raw *raw, const char *want)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(raw->tree);
	size_t at = 0;

	f->text[0] = '\0';
	for (u32 i = 1; i < ft_tree_count(raw->tree); i++) {
		u32 depth = 0, top = i;

		if (!nodes[i].self)
			continue;
		for (; nodes[top].parent != FT_TREE_ROOT; top = nodes[top].parent)
			depth++;
		at += (size_t)snprintf(
			f->text + at, sizeof(f->text) - at, "%s %u=%llu, ",
			ft_strtab_str(raw->strings, raw->locations[nodes[top].key].name), depth,
			(unsigned long long)nodes[i].self);
	}
	assert_string_equal(f->text, want);
}

static void test_by_cpu(void **state)
{
	struct fixture *f = *state;
	struct ft_select select = {.by = FT_BY_CPU};
	struct ft_err err = {0};
	struct ft_archive a;

	read_back(f, &a);
	assert_int_equal(ft_select_raw(&a, &select, &err), 0);
	assert_stacks(f, a.raw,
		      "[CPU unknown] 2=5, [CPU 0] 2=3, [CPU 0] 3=67, [CPU 70000] 2=1, "
		      "[CPU 70000] 3=42, [CPU unknown] 3=7, ");
	ft_archive_fini(&a);

	read_back(f, &a);
	select.from_ns = 100000000;
	select.to_ns = 200000000;
	select.pid = 7;
	assert_int_equal(ft_select_raw(&a, &select, &err), 0);
	assert_stacks(f, a.raw, "[CPU 0] 2=3, [CPU unknown] 3=7, [CPU 0] 3=7, [CPU 70000] 3=2, ");
	ft_archive_fini(&a);
}

static void test_no_cpus(void **state)
{
	struct fixture *f = *state;
	struct ft_select select = {.by = FT_BY_CPU};
	struct ft_err err = {0};
	struct ft_archive a;

	for (u32 i = 0; i < f->rounds.weight_count; i++)
		f->rounds.weights[i].cpu = 0;
	read_back(f, &a);
	assert_int_equal(ft_select_raw(&a, &select, &err), -EINVAL);
	assert_non_null(strstr(err.text, "--timeline"));
	ft_archive_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_divided, setup, teardown),
		cmocka_unit_test_setup_teardown(test_archive, setup, teardown),
		cmocka_unit_test_setup_teardown(test_by_cpu, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_cpus, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_jitdates.c - stacks with code made at run time get a place of their own where their
 * addresses were other functions when they came than they are at the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "profile/rounds.h"
#include "symbolizer/symbolizer.h"
#include "tests/unit/jit_file.h"

#define PID 7

static u32 node_of(struct ft_raw *raw, u64 caller, u64 addr)
{
	const struct ft_location process = {.kind = FT_LOCATION_PROCESS,
					    .name = ft_strtab_add(raw->strings, "p", 1),
					    .pid = PID};
	const struct ft_location outer = {.kind = FT_LOCATION_USER, .module = 1, .addr = caller};
	const struct ft_location inner = {.kind = FT_LOCATION_USER, .module = 1, .addr = addr};
	u32 node = ft_tree_child(raw->tree, FT_TREE_ROOT, ft_raw_location(raw, &process));

	node = ft_tree_child(raw->tree, node, ft_raw_location(raw, &outer));
	return ft_tree_child(raw->tree, node, ft_raw_location(raw, &inner));
}

/* The dump's file is module 0, what is made module 1. */
static struct ft_raw *raw_with(const struct dump *d)
{
	struct ft_raw *raw = ft_raw_new();
	struct ft_module file = {.kind = FT_MODULE_FILE,
				 .path = strdup("/somewhere/jit-7.dump (deleted)"),
				 .fd = memfd_create("jit", MFD_CLOEXEC),
				 .pid = PID};
	struct ft_module code = {
		.kind = FT_MODULE_ANON, .path = strdup("//anon"), .fd = -1, .pid = PID};

	assert_int_equal(write(file.fd, d->bytes, d->len), d->len);
	assert_int_equal(ft_raw_module(raw, &file), 0);
	assert_int_equal(ft_raw_module(raw, &code), 1);
	raw->unit = FT_UNIT_SAMPLES;
	return raw;
}

/* A stack that came at a time, in a round. */
static void came(struct ft_raw *raw, u32 node, u64 when_ns, u64 weight)
{
	ft_tree_add(raw->tree, node, weight);
	assert_int_equal(ft_raw_dated(raw, &(struct ft_dated){.when_ns = when_ns,
							      .weight = weight,
							      .node = node}),
			 0);
}

/* What the path has in the resolved profile; its functions outermost first. */
static u64 weight_at(const struct ft_profile *profile, const char *outer, const char *inner)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(profile->tree);
	u64 sum = 0;

	for (u32 i = 1; i < ft_tree_count(profile->tree); i++) {
		const struct ft_frame *f = &profile->frames[nodes[i].key];
		const struct ft_frame *parent = &profile->frames[nodes[nodes[i].parent].key];

		if (nodes[i].self && !strcmp(ft_strtab_str(profile->strings, f->name), inner) &&
		    !strcmp(ft_strtab_str(profile->strings, parent->name), outer))
			sum += nodes[i].self;
	}
	return sum;
}

static struct ft_profile *resolve(struct ft_raw *raw, struct ft_rounds *rounds)
{
	const struct ft_symbolize_opts opts = {.rounds = rounds};
	struct ft_profile *profile;
	struct ft_err err = {0};

	assert_int_equal(ft_symbols_date(raw, rounds, &err), 0);
	assert_int_equal(ft_symbolize(raw, &opts, NULL, &profile, &err), 0);
	return profile;
}

/* A dump in which [0x1000, 0x1100) is a, then b; [0x2000, 0x2100) c, then a. */
static void two_places(struct dump *d)
{
	header(d);
	d->now = 100;
	load(d, 0x1000, 0x100, 1, "a");
	load(d, 0x2000, 0x100, 2, "c");
	load(d, 0x3000, 0x100, 3, "same");
	d->now = 200;
	move(d, 0x1000, 0x2000, 0x100, 1);
	load(d, 0x1000, 0x100, 4, "b");
	load(d, 0x3000, 0x100, 5, "same");
}

static void stacks_are_told_apart(void **state)
{
	struct ft_profile *profile;
	struct ft_raw *raw;
	struct dump d;
	u32 node, same;

	(void)state;
	two_places(&d);
	raw = raw_with(&d);
	node = node_of(raw, 0x1010, 0x2010);
	same = node_of(raw, 0x3010, 0x3020);
	came(raw, node, 50, 1);
	came(raw, node, 150, 2);
	came(raw, node, 199, 4);
	came(raw, node, 200, 8);
	came(raw, node, 900, 16);
	ft_tree_add(raw->tree, node, 32); /* nobody knows when */
	came(raw, same, 150, 64);
	came(raw, same, 250, 128);
	profile = resolve(raw, NULL);
	assert_int_equal(weight_at(profile, "a", "c"), 7);
	assert_int_equal(weight_at(profile, "b", "a"), 56);
	assert_int_equal(weight_at(profile, "same", "same"), 192);
	assert_int_equal(ft_tree_total(profile->tree), 255);
	assert_int_equal(raw->module_count, 3); /* one moment stands for both addresses */
	ft_profile_free(profile);
	ft_raw_free(raw);
}

static void rounds_follow(void **state)
{
	struct ft_profile *profile;
	struct ft_rounds rounds = {0};
	struct ft_raw *raw;
	u64 *before = NULL;
	size_t cap = 0;
	struct dump d;
	u32 node;

	(void)state;
	two_places(&d);
	raw = raw_with(&d);
	node = node_of(raw, 0x1010, 0x2010);
	came(raw, node, 150, 3);
	assert_int_equal(ft_rounds_add(&rounds, raw->tree, &before, &cap, 1000), 0);
	ft_raw_seen(raw);
	came(raw, node, 180, 5);
	came(raw, node, 250, 7);
	assert_int_equal(ft_rounds_add(&rounds, raw->tree, &before, &cap, 2000), 0);
	ft_raw_seen(raw);
	profile = resolve(raw, &rounds);
	assert_int_equal(profile->rounds.count, 2);
	for (u32 i = 0; i < 2; i++) {
		u64 early = 0, late = 0;
		u32 count;
		struct ft_round_weight *list =
			ft_rounds_sorted(&profile->rounds, &profile->rounds.list[i], &count);

		for (u32 k = 0; k < count; k++) {
			u32 key = ft_tree_nodes(profile->tree)[list[k].node].key;
			const char *name =
				ft_strtab_str(profile->strings, profile->frames[key].name);

			early += strcmp(name, "c") ? 0 : list[k].weight;
			late += strcmp(name, "a") ? 0 : list[k].weight;
		}
		assert_int_equal(early, i ? 5 : 3);
		assert_int_equal(late, i ? 7 : 0);
		free(list);
	}
	ft_profile_free(profile);
	ft_rounds_fini(&rounds);
	ft_raw_free(raw);
	free(before);
}

/* A file whose times cannot be compared, and files that are damaged, leave stacks together. */
static void without_times_the_last_counts(void **state)
{
	struct ft_profile *profile;
	struct ft_raw *raw;
	struct dump d;
	u32 node;

	(void)state;
	two_places(&d);
	d.bytes[32] = 1; /* the processor's counter */
	raw = raw_with(&d);
	node = node_of(raw, 0x1010, 0x2010);
	came(raw, node, 150, 3);
	profile = resolve(raw, NULL);
	assert_int_equal(weight_at(profile, "b", "a"), 3);
	ft_profile_free(profile);
	ft_raw_free(raw);
	two_places(&d);
	for (size_t len = 0; len < d.len; len += 3) {
		struct dump cut = d;

		cut.len = len;
		raw = raw_with(&cut);
		node = node_of(raw, 0x1010, 0x2010);
		came(raw, node, 150, 3);
		profile = resolve(raw, NULL);
		assert_int_equal(ft_tree_total(profile->tree), 3);
		ft_profile_free(profile);
		ft_raw_free(raw);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stacks_are_told_apart),
		cmocka_unit_test(rounds_follow),
		cmocka_unit_test(without_times_the_last_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

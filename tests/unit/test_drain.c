/*
 * test_drain.c - from frames of a record in the store to places in files, and the count of what was
 * cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "records.h"
#include "sampler/drain.h"

#define UNUSED __attribute__((unused))
#define PID 0x7fff0001u /* no kernel gives it: nothing in /proc */

struct fixture {
	struct ft_drain drain;
	struct ft_wire_record record;
	char text[16384];
};

static void take(struct fixture *f, struct record r)
{
	struct ft_procs_losses losses = {0};

	assert_int_equal(ft_procs_record(f->drain.procs, &r.header, &losses), 0);
}

/*
 * Modules: 0 a file at 0x10000 (file offset 0x3000), 1 the vDSO at 0x20000, 2 JIT code at 0x30000;
 * all a page long.
 */
static struct fixture *setup(enum ft_procs_follow follow)
{
	static const struct record_map maps[] = {
		{.start = 0x10000,
		 .bytes = 0x1000,
		 .offset = 0x3000,
		 .inode = 5,
		 .path = "/no/such/file"},
		{.start = 0x20000, .bytes = 0x1000, .offset = 0x7000, .path = "[vdso]"},
		{.start = 0x30000, .bytes = 0x1000, .offset = 0x9000, .path = "//anon"},
	};
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->drain.raw = ft_raw_new();
	f->drain.procs = ft_procs_new(f->drain.raw, follow, NULL);
	f->drain.now_ns = 100;
	ft_procs_add(f->drain.procs, PID, 1);
	for (size_t i = 0; i < FT_ARRAY_LEN(maps); i++)
		take(f, record_mmap2(PID, &maps[i], 10));
	f->record = (struct ft_wire_record){.count = 1,
					    .first_ns = 50,
					    .tgid = PID,
					    .tid = PID + 5,
					    .process = "prog",
					    .thread = "worker"};
	return f;
}

static void teardown(struct fixture *f)
{
	ft_procs_free(f->drain.procs);
	ft_raw_free(f->drain.raw);
	free(f);
}

static void add_frames(struct fixture *f, const u64 *kernel, u32 kernels, const u64 *user,
		       u32 users)
{
	for (u32 i = 0; i < kernels; i++)
		f->record.frames[i] = kernel[i];
	for (u32 i = 0; i < users; i++)
		f->record.frames[kernels + i] = user[i];
	f->record.kernel_frames = (u8)kernels;
	f->record.user_frames = (u8)users;
	f->record.words = FT_WIRE_FIXED_WORDS + kernels + users;
	assert_int_equal(ft_drain_record(&f->drain, &f->record), 0);
}

#define NONE NULL, 0
#define FRAMES(...) (const u64[]){__VA_ARGS__}, sizeof((const u64[]){__VA_ARGS__}) / sizeof(u64)

static void print(struct fixture *f, u32 node)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(f->drain.raw->tree);
	const struct ft_location *l = &f->drain.raw->locations[nodes[node].key];
	size_t len;

	if (nodes[node].parent != FT_TREE_ROOT)
		print(f, nodes[node].parent);
	len = strlen(f->text);
	if (l->kind == FT_LOCATION_PROCESS || l->kind == FT_LOCATION_THREAD)
		snprintf(f->text + len, sizeof(f->text) - len, "%s%s(%d) ",
			 l->kind == FT_LOCATION_THREAD ? "T:" : "",
			 ft_strtab_str(f->drain.raw->strings, l->name), (int)(l->pid - PID));
	else if (l->kind == FT_LOCATION_USER)
		snprintf(f->text + len, sizeof(f->text) - len, "m%u+%llx ", l->module,
			 (unsigned long long)l->addr);
	else
		snprintf(f->text + len, sizeof(f->text) - len, "%s%llx ",
			 l->kind == FT_LOCATION_KERNEL ? "k" : "?", (unsigned long long)l->addr);
}

/* All stacks as text, in the order they were first seen, each with its weight. */
static void assert_stacks(struct fixture *f, const char *want)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(f->drain.raw->tree);

	f->text[0] = '\0';
	for (u32 i = 1; i < ft_tree_count(f->drain.raw->tree); i++) {
		if (!nodes[i].self)
			continue;
		print(f, i);
		snprintf(f->text + strlen(f->text), sizeof(f->text) - strlen(f->text), "= %llu\n",
			 (unsigned long long)nodes[i].self);
	}
	assert_string_equal(f->text, want);
}

static u64 ends(const struct fixture *f, enum ft_end end)
{
	return f->drain.raw->quality.ends[end];
}

static void test_places(void **state UNUSED)
{
	struct fixture *f = setup(FT_FOLLOW_NONE);

	/* User frames are addresses to look up: the walk has moved callers into their calls. */
	add_frames(f, NONE, FRAMES(0x10010, 0x1001f, 0x2002f, 0x3003f));
	assert_stacks(f, "prog(0) m2+3003f m1+2f m0+301f m0+3010 = 1\n");
	teardown(f);
}

static void test_edges_of_a_mapping(void **state UNUSED)
{
	struct fixture *f = setup(FT_FOLLOW_NONE);

	add_frames(f, NONE, FRAMES(0x10000, 0x10fff));
	assert_stacks(f, "prog(0) m0+3fff m0+3000 = 1\n");
	f->record.count = 10;
	add_frames(f, NONE, FRAMES(0x10000, 0x11000));
	f->record.count = 5;
	add_frames(f, NONE, FRAMES(0x10000, 0xffff));
	assert_stacks(f, "prog(0) m0+3fff m0+3000 = 1\nprog(0) m0+3000 = 15\n");
	assert_int_equal(ends(f, FT_END_BROKEN_FP), 15);
	teardown(f);
}

static void test_kernel_frames(void **state UNUSED)
{
	struct fixture *f = setup(FT_FOLLOW_NONE);

	add_frames(f, FRAMES(0xffffffff81000010, 0xffffffff81000020), FRAMES(0x10010, 0x1001f));
	add_frames(f, FRAMES(0xffffffff81000010), NONE);
	add_frames(f, NONE, NONE);
	assert_stacks(f, "prog(0) = 1\n"
			 "prog(0) m0+301f m0+3010 kffffffff8100001f kffffffff81000010 = 1\n"
			 "prog(0) kffffffff81000010 = 1\n");
	teardown(f);
}

static void test_weights(void **state UNUSED)
{
	struct fixture *f = setup(FT_FOLLOW_NONE);

	f->record.count = 1000000000000;
	add_frames(f, NONE, FRAMES(0x10010));
	f->record.count = 5;
	f->record.exec_id =
		3; /* tells stacks apart while addresses mean something, not in the profile */
	add_frames(f, NONE, FRAMES(0x10010));
	add_frames(f, NONE, FRAMES(0x10011));
	assert_stacks(f, "prog(0) m0+3010 = 1000000000005\nprog(0) m0+3011 = 5\n");
	teardown(f);
}

static void test_unknown_leaf(void **state UNUSED)
{
	struct fixture *f = setup(FT_FOLLOW_NONE);

	/* A jump into nowhere: the leaf is kept, and so are its callers. */
	add_frames(f, NONE, FRAMES(0x666000, 0x1001f, 0x1002f));
	assert_stacks(f, "prog(0) m0+302f m0+301f ?666000 = 1\n");
	assert_int_equal(ends(f, FT_END_BROKEN_FP), 0);
	teardown(f);
}

static void test_broken_chain(void **state UNUSED)
{
	struct fixture *f = setup(FT_FOLLOW_NONE);

	/* Whatever the walk thought of its end, the stack ended before it. */
	f->record.end = FT_END_ROOT;
	f->record.count = 7;
	add_frames(f, NONE, FRAMES(0x10010, 0x1001f, 0xdeadbeef, 0x1002f));
	f->record.count = 3;
	add_frames(f, NONE, FRAMES(0x10011, 0));
	assert_stacks(f, "prog(0) m0+301f m0+3010 = 7\nprog(0) m0+3011 = 3\n");
	assert_int_equal(ends(f, FT_END_BROKEN_FP), 10);
	assert_int_equal(ends(f, FT_END_ROOT), 0);
	assert_int_equal(f->drain.raw->modules[0].stacks_cut, 10);
	teardown(f);
}

/* The reasons for ends are counted by samples, and blamed on the file in which the stack ended. */
static void test_ends(void **state UNUSED)
{
	struct fixture *f = setup(FT_FOLLOW_NONE);
	u64 all = 0, cut = 0;

	for (u32 end = 0; end < FT_END_COUNT; end++) {
		bool whole = end == FT_END_ROOT || end == FT_END_DEPTH || end == FT_END_LEAF_ONLY;

		f->record.end = (u8)end;
		f->record.count = 1u << end;
		add_frames(f, NONE, FRAMES(0x10010, 0x30020));
		all += f->record.count;
		cut += whole ? 0 : f->record.count;
		for (u32 i = 0; i < FT_END_COUNT; i++)
			assert_int_equal(ends(f, i), i <= end ? 1u << i : 0);
	}
	assert_int_equal(f->drain.raw->modules[0].stacks_cut, 0);
	assert_int_equal(f->drain.raw->modules[2].stacks_cut, cut);
	/* Samples without a user stack have no end, and an end in unknown code is nobody's. */
	f->record.end = FT_END_FAULT;
	add_frames(f, FRAMES(0xffffffff81000010), NONE);
	assert_int_equal(ends(f, FT_END_FAULT), 1u << FT_END_FAULT);
	add_frames(f, NONE, FRAMES(0x666000));
	assert_int_equal(ends(f, FT_END_FAULT), (1u << FT_END_FAULT) + f->record.count);
	assert_int_equal(f->drain.raw->modules[2].stacks_cut, cut);
	/* A reason that does not exist is counted all the same, and in bounds. */
	f->record.end = 255;
	add_frames(f, NONE, FRAMES(0x10010));
	assert_int_equal(ends(f, FT_END_BAD_RULE), (1u << FT_END_BAD_RULE) + f->record.count);
	assert_int_equal(ft_tree_total(f->drain.raw->tree), all + 3 * f->record.count);
	teardown(f);
}

static void test_most_frames(void **state UNUSED)
{
	struct fixture *f = setup(FT_FOLLOW_NONE);
	u64 frames[FT_WIRE_MAX_FRAMES];

	for (u32 i = 0; i < FT_WIRE_MAX_FRAMES; i++)
		frames[i] = 0x10001 + i;
	f->record.end = FT_END_DEPTH;
	add_frames(f, frames, FT_WIRE_MAX_FRAMES, frames, FT_WIRE_MAX_FRAMES);
	assert_int_equal(ends(f, FT_END_DEPTH), 1);
	assert_int_equal(ft_tree_count(f->drain.raw->tree), 2 + 2 * FT_WIRE_MAX_FRAMES);
	/* Some of them are no code: the chain was broken before the limit. */
	frames[100] = 0xdeadbeef;
	f->record.count = 4;
	add_frames(f, NONE, frames, FT_WIRE_MAX_FRAMES);
	assert_int_equal(ends(f, FT_END_DEPTH), 1);
	assert_int_equal(ends(f, FT_END_BROKEN_FP), 4);
	teardown(f);
}

static void test_names(void **state UNUSED)
{
	struct fixture *f = setup(FT_FOLLOW_NONE);

	memcpy(f->record.process, "sixteen_letters!", FT_WIRE_COMM_BYTES); /* without an end */
	add_frames(f, NONE, FRAMES(0x10010));
	assert_stacks(f, "sixteen_letters!(0) m0+3010 = 1\n");
	memset(f->record.process, 0, sizeof(f->record.process));
	add_frames(f, NONE, FRAMES(0x10010));
	assert_stacks(f, "sixteen_letters!(0) m0+3010 = 1\n(0) m0+3010 = 1\n");
	teardown(f);
}

static void test_per_thread(void **state UNUSED)
{
	struct fixture *f = setup(FT_FOLLOW_NONE);

	add_frames(f, NONE, FRAMES(0x10010));
	f->drain.per_thread = true;
	add_frames(f, NONE, FRAMES(0x10010));
	memcpy(f->record.thread, "0123456789abcdef", FT_WIRE_COMM_BYTES);
	f->record.tid = PID + 6;
	add_frames(f, NONE, FRAMES(0x10010));
	assert_stacks(f, "prog(0) m0+3010 = 1\nprog(0) T:worker(5) m0+3010 = 1\n"
			 "prog(0) T:0123456789abcdef(6) m0+3010 = 1\n");
	teardown(f);
}

/*
 * Two processes one after the other with the same id, and one program after another in the same
 * process.
 */
static void test_by_time(void **state UNUSED)
{
	struct record_map map = {
		.start = 0x10000, .bytes = 0x1000, .inode = 6, .path = "/no/such/other"};
	struct fixture *f = setup(FT_FOLLOW_CHILDREN);

	take(f, record_exec(PID, 60));
	take(f, record_mmap2(PID, &map, 61));
	add_frames(f, NONE, FRAMES(0x10010));
	f->record.first_ns = 61;
	add_frames(f, NONE, FRAMES(0x10010));
	assert_stacks(f, "prog(0) m0+3010 = 1\nprog(0) m3+10 = 1\n");
	teardown(f);
}

static void test_unknown_process(void **state UNUSED)
{
	struct fixture *f = setup(FT_FOLLOW_ALL);

	f->record.tgid = PID + 9;
	add_frames(f, FRAMES(0xffffffff81000010), FRAMES(0x10010, 0x10020));
	assert_stacks(f, "prog(9) ?10010 kffffffff81000010 = 1\n");
	assert_int_equal(ends(f, FT_END_BROKEN_FP), 1);
	assert_null(ft_procs_find(f->drain.procs, PID + 9, 50));
	teardown(f);
}

/* This very process: not added, but found in /proc as soon as it shows up, if that is wanted. */
static void test_lazy(void **state UNUSED)
{
	struct fixture *f = setup(FT_FOLLOW_ALL);
	u64 addr = (u64)(uintptr_t)test_lazy;
	struct ft_proc *proc;

	f->record.tgid = (u32)getpid();
	add_frames(f, NONE, FRAMES(addr));
	assert_null(ft_procs_find(f->drain.procs, (u32)getpid(), 50));
	f->drain.lazy_procs = true;
	add_frames(f, FRAMES(0xffffffff81000010), NONE); /* kernel frames alone need no mappings */
	assert_null(ft_procs_find(f->drain.procs, (u32)getpid(), 50));
	add_frames(f, NONE, FRAMES(addr));
	proc = ft_procs_find(f->drain.procs, (u32)getpid(), 50);
	assert_non_null(proc);
	assert_int_equal(proc->refreshed_ns, 100);
	add_frames(f, NONE, FRAMES(addr, addr + 8));
	assert_int_equal(ends(f, FT_END_BROKEN_FP), 0);
	teardown(f);
}

/*
 * Mappings without an event are read from /proc: once a round, and also where there was another
 * mapping before.
 */
static void test_refresh(void **state UNUSED)
{
	struct fixture *f = setup(FT_FOLLOW_NONE);
	struct record_map map = {.bytes = 0x1000, .inode = 6, .path = "/no/such/other"};
	u32 self = (u32)getpid(), stacks = 0;
	u64 addr;
	void *code;

	assert_int_equal(ft_procs_add(f->drain.procs, self, 1), 0);
	code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(code != MAP_FAILED);
	addr = (u64)(uintptr_t)code;
	/* Once there was a file; the program that had it is no more. */
	map.start = addr;
	take(f, record_mmap2(self, &map, 10));
	take(f, record_exec(self, 20));
	f->record.tgid = self;
	f->record.first_ns = 15;
	add_frames(f, NONE, FRAMES(addr));
	assert_int_equal(ft_procs_find(f->drain.procs, self, 50)->refreshed_ns, 1);
	f->record.first_ns = 50;
	add_frames(f, NONE, FRAMES(addr));
	assert_int_equal(ft_procs_find(f->drain.procs, self, 50)->refreshed_ns, 100);
	munmap(code, 4096);
	for (u32 i = 1; i < ft_tree_count(f->drain.raw->tree); i++) {
		const struct ft_tree_node *node = &ft_tree_nodes(f->drain.raw->tree)[i];
		const struct ft_location *l = &f->drain.raw->locations[node->key];

		if (!node->self)
			continue;
		assert_int_equal(l->kind, FT_LOCATION_USER);
		assert_int_equal(f->drain.raw->modules[l->module].kind,
				 stacks++ ? FT_MODULE_ANON : FT_MODULE_FILE);
	}
	assert_int_equal(stacks, 2);
	teardown(f);
}

/* Stacks of allocations weigh nothing until it is known what is left of them. */
static void test_numbered(void **state UNUSED)
{
	struct fixture *f = setup(FT_FOLLOW_NONE);
	u64 *first, *second;

	f->record.state = FT_WIRE_STATE_NUMBERED;
	f->record.count = 7;
	f->record.weight = FT_WIRE_NUMBER_STORED | 1;
	add_frames(f, NONE, FRAMES(0x10010, 0x10020));
	f->record.weight = FT_WIRE_NUMBER_STORED | 2;
	add_frames(f, NONE, FRAMES(0x10030, 0x10020));
	assert_int_equal(ft_tree_total(f->drain.raw->tree), 0);
	assert_int_equal(f->drain.raw->quality.ends[FT_END_ROOT], 14);
	first = ft_map64_find(&f->drain.late, FT_WIRE_NUMBER_STORED | 1);
	second = ft_map64_find(&f->drain.late, FT_WIRE_NUMBER_STORED | 2);
	assert_non_null(first);
	assert_non_null(second);
	assert_int_not_equal(*first, *second);
	assert_int_equal(ft_tree_nodes(f->drain.raw->tree)[*first].parent,
			 ft_tree_nodes(f->drain.raw->tree)[*second].parent);
	ft_tree_add(f->drain.raw->tree, (u32)*second, 300);
	ft_tree_add(f->drain.raw->tree, ft_drain_unknown(&f->drain), 5);
	assert_int_equal(ft_drain_unknown(&f->drain), ft_drain_unknown(&f->drain));
	assert_int_equal(ft_tree_total(f->drain.raw->tree), 305);
	ft_drain_fini(&f->drain);
	teardown(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),	      cmocka_unit_test(test_edges_of_a_mapping),
		cmocka_unit_test(test_kernel_frames), cmocka_unit_test(test_weights),
		cmocka_unit_test(test_unknown_leaf),  cmocka_unit_test(test_broken_chain),
		cmocka_unit_test(test_most_frames),   cmocka_unit_test(test_ends),
		cmocka_unit_test(test_names),	      cmocka_unit_test(test_per_thread),
		cmocka_unit_test(test_by_time),	      cmocka_unit_test(test_unknown_process),
		cmocka_unit_test(test_numbered),      cmocka_unit_test(test_lazy),
		cmocka_unit_test(test_refresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_uprobe_attach.c - a program of a few instructions at places of this very program: by one
 * link and one by one. Skipped where BPF programs may not be loaded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/proc.h"
#include "sampler/uprobe.h"

#define UNUSED __attribute__((unused))
#define SELF "/proc/self/exe"
#define COUNTERS 4

int probed_one(int number);
int probed_two(int number);

__attribute__((noinline)) int probed_one(int number)
{
	return number * 7 + 3;
}

__attribute__((noinline)) int probed_two(int number)
{
	return number * 5 + 1;
}

/* Not the compiler's to judge: the kernel writes it. */
static volatile unsigned short semaphore __attribute__((section(".data"))) = 0;
static volatile unsigned short *const semaphore_seen = &semaphore;

/* prepared to be attached to many places at once, and not */
static int map_fd = -1, prepared_fd = -1, plain_fd = -1;

/* Adds 1 to the counter that the cookie names. */
static int load_program(u32 attach_type)
{
	struct bpf_prog_load_opts opts = {.sz = sizeof(opts), .expected_attach_type = attach_type};
	struct bpf_insn program[] = {
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_get_attach_cookie},
		{.code = BPF_STX | BPF_MEM | BPF_W, .dst_reg = 10, .src_reg = 0, .off = -4},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -4},
		{.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = 1, .src_reg = BPF_PSEUDO_MAP_FD},
		{0},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem},
		{.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 0, .off = 2},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .imm = 1},
		{.code = BPF_STX | BPF_ATOMIC | BPF_DW, .dst_reg = 0, .src_reg = 1, .imm = BPF_ADD},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};

	program[4].imm = map_fd;
	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "count", "GPL", program,
			     sizeof(program) / sizeof(*program), &opts);
}

static int load(void **state UNUSED)
{
	map_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "counters", 4, 8, COUNTERS, NULL);
	if (map_fd < 0)
		return 0;
	prepared_fd = load_program(48); /* as ft_uprobe_prepare does */
	plain_fd = load_program(0);
	return 0;
}

static int unload(void **state UNUSED)
{
	close(prepared_fd);
	close(plain_fd);
	close(map_fd);
	return 0;
}

/* Reads a counter and sets it back. */
static u64 take(u32 index)
{
	u64 value = 0, zero = 0;

	assert_int_equal(bpf_map_lookup_elem(map_fd, &index, &value), 0);
	assert_int_equal(bpf_map_update_elem(map_fd, &index, &zero, BPF_ANY), 0);
	return value;
}

struct place {
	u64 addr, offset;
};

static int find_offset(void *context, const struct ft_proc_map *map)
{
	struct place *place = context;

	if (place->addr >= map->start && place->addr < map->end)
		place->offset = place->addr - map->start + map->offset;
	return 0;
}

static u64 offset_of(const volatile void *addr)
{
	struct place place = {.addr = (u64)(uintptr_t)addr};

	assert_int_equal(ft_proc_maps((u32)getpid(), find_offset, &place), 0);
	assert_int_not_equal(place.offset, 0);
	return place.offset;
}

static void call(int times)
{
	for (int i = 0; i < times; i++) {
		assert_int_equal(probed_one(i), i * 7 + 3);
		if (i % 2)
			assert_int_equal(probed_two(i), i * 5 + 1);
	}
}

static void check_way(int prog_fd, u32 pid)
{
	const struct ft_uprobe_site sites[] = {
		{.offset = offset_of((void *)(uintptr_t)probed_one), .cookie = 1},
		{.offset = offset_of((void *)(uintptr_t)probed_two),
		 .semaphore = offset_of(&semaphore),
		 .cookie = 2},
	};
	struct ft_uprobe_opts opts = {.pid = pid};
	struct ft_uprobes probes = {0};
	struct ft_err err = {0};
	int code = ft_uprobe_attach(&probes, prog_fd, SELF, sites, 2, &opts, &err);

	if (code)
		fail_msg("%s", err.text);
	if (prog_fd == plain_fd)
		assert_int_equal(probes.count, 2);
	assert_int_equal(*semaphore_seen, 1);
	call(10);
	ft_uprobe_detach(&probes);
	assert_int_equal(*semaphore_seen, 0);
	assert_int_equal(take(1), 10);
	assert_int_equal(take(2), 5);
	call(4);
	assert_int_equal(take(1), 0);
	opts.at_return = true;
	code = ft_uprobe_attach(&probes, prog_fd, SELF, sites, 1, &opts, &err);
	if (code)
		fail_msg("%s", err.text);
	call(6);
	ft_uprobe_detach(&probes);
	assert_int_equal(take(1), 6);
	assert_int_equal(take(2), 0);
}

/* By whatever way this kernel has. */
static void test_all(void **state UNUSED)
{
	if (prepared_fd < 0)
		skip();
	check_way(prepared_fd, 0);
}

static void test_own_process(void **state UNUSED)
{
	if (prepared_fd < 0)
		skip();
	check_way(prepared_fd, (u32)getpid());
}

static void test_one_by_one(void **state UNUSED)
{
	if (plain_fd < 0 || access("/sys/bus/event_source/devices/uprobe/type", R_OK))
		skip();
	check_way(plain_fd, 0);
}

static void test_refused(void **state UNUSED)
{
	struct ft_uprobe_site site = {.offset = 0x10};
	struct ft_uprobe_opts opts = {0};
	struct ft_uprobes probes = {0};
	struct ft_err err = {0};

	if (prepared_fd < 0)
		skip();
	assert_true(ft_uprobe_attach(&probes, prepared_fd, "/no/such/file", &site, 1, &opts, &err) <
		    0);
	assert_int_equal(probes.count, 0);
	assert_non_null(strstr(err.text, "/no/such/file"));
	ft_uprobe_detach(&probes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_own_process),
		cmocka_unit_test(test_one_by_one),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, load, unload);
}

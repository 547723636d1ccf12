/*
 * test_procs.c - processes and their mappings, from records as the kernel would write them and from
 * /proc.
 *
 * The processes have ids that no kernel gives (above PID_MAX_LIMIT), so nothing is found about them
 * in /proc.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "records.h"
#include "sampler/procs.h"

#define UNUSED __attribute__((unused))
#define PARENT 0x7fff0001u
#define CHILD 0x7fff0002u
#define OTHER 0x7fff0003u

struct fixture {
	struct ft_raw *raw;
	struct ft_procs *procs;
	struct ft_procs_losses losses;
};

static void setup(struct fixture *f, enum ft_procs_follow follow)
{
	memset(f, 0, sizeof(*f));
	f->raw = ft_raw_new();
	f->procs = ft_procs_new(f->raw, follow, NULL);
	assert_non_null(f->procs);
}

static void teardown(struct fixture *f)
{
	ft_procs_free(f->procs);
	ft_procs_free(NULL);
	ft_raw_free(f->raw);
}

static void take(struct fixture *f, struct record r)
{
	assert_int_equal(ft_procs_record(f->procs, &r.header, &f->losses), 0);
}

/* A mapping of a page, named after its inode. */
static void take_map(struct fixture *f, u32 pid, u64 start, u64 inode, u64 when_ns)
{
	struct record_map map = {.start = start,
				 .bytes = 0x1000,
				 .offset = 0x40,
				 .inode = inode,
				 .path = "/no/such"};

	take(f, record_mmap2(pid, &map, when_ns));
}

/* Starts to follow a process that is not in /proc. */
static void add(struct fixture *f, u32 pid, u64 now_ns)
{
	assert_int_equal(ft_procs_add(f->procs, pid, now_ns), -ENOENT);
}

/*
 * The module at an address of a process at a time; -1: no such process; -2: nothing mapped there.
 */
static int module_at(struct fixture *f, u32 pid, u64 addr, u64 when_ns)
{
	struct ft_proc *proc = ft_procs_find(f->procs, pid, when_ns);
	const struct ft_mapping *m = proc ? ft_space_find(&proc->space, addr, when_ns) : NULL;

	assert_true(!proc || proc->pid == pid);
	return !proc ? -1 : m ? (int)m->module : -2;
}

static void test_event(void **state UNUSED)
{
	struct perf_event_attr attr;
	struct record r = record_fork(PARENT, CHILD, 1234567);

	ft_procs_attr(&attr);
	assert_int_equal(attr.type, PERF_TYPE_SOFTWARE);
	assert_int_equal(attr.config, PERF_COUNT_SW_DUMMY);
	assert_true(attr.mmap && attr.mmap2 && attr.comm && attr.comm_exec && attr.task);
	assert_false(attr.mmap_data);
	/* What records.h writes. */
	assert_true(attr.sample_id_all);
	assert_int_equal(attr.sample_type, PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU);
	assert_true(attr.use_clockid);
	assert_int_equal(attr.clockid, CLOCK_MONOTONIC);
	assert_int_equal(ft_procs_record_ns(&r.header), 1234567);
	r.header.size = 20;
	assert_int_equal(ft_procs_record_ns(&r.header), 0);
}

static void test_mappings(void **state UNUSED)
{
	struct record_map map = {.start = 0x1000,
				 .bytes = 0x2000,
				 .offset = 0x3000,
				 .inode = 5,
				 .path = "/no/such/lib"};
	const struct ft_mapping *m;
	struct fixture f;

	setup(&f, FT_FOLLOW_NONE);
	assert_int_equal(module_at(&f, PARENT, 0x1000, 10), -1);
	add(&f, PARENT, 1);
	take(&f, record_mmap2(PARENT, &map, 10));
	m = ft_space_find(&ft_procs_find(f.procs, PARENT, 10)->space, 0x2fff, 10);
	assert_non_null(m);
	assert_int_equal(m->start, 0x1000);
	assert_int_equal(m->end, 0x3000);
	assert_int_equal(m->offset, 0x3000);
	assert_int_equal(m->since_ns, 10);
	assert_int_equal(f.raw->modules[m->module].kind, FT_MODULE_FILE);
	assert_string_equal(f.raw->modules[m->module].path, "/no/such/lib");
	assert_int_equal(f.raw->modules[m->module].pid, PARENT);
	/* Data is of no interest. */
	map.start = 0x8000;
	map.prot = PROT_READ | PROT_WRITE;
	take(&f, record_mmap2(PARENT, &map, 11));
	map.prot = 0;
	map.misc = PERF_RECORD_MISC_MMAP_DATA;
	take(&f, record_mmap2(PARENT, &map, 12));
	assert_int_equal(module_at(&f, PARENT, 0x8000, 13), -2);
	/* Nor is what others map. */
	take_map(&f, OTHER, 0x1000, 6, 14);
	assert_int_equal(module_at(&f, OTHER, 0x1000, 15), -1);
	assert_int_equal(f.raw->module_count, 1);
	teardown(&f);
}

/* What /proc said at 100 includes what events from before say. */
static void test_older_than_the_snapshot(void **state UNUSED)
{
	struct fixture f;

	setup(&f, FT_FOLLOW_CHILDREN);
	add(&f, PARENT, 100);
	take_map(&f, PARENT, 0x1000, 1, 99);
	assert_int_equal(module_at(&f, PARENT, 0x1000, 200), -2);
	take_map(&f, PARENT, 0x1000, 1, 100);
	assert_int_equal(module_at(&f, PARENT, 0x1000, 200), 0);
	take(&f, record_exec(PARENT, 99));
	assert_int_equal(ft_procs_find(f.procs, PARENT, 200)->space.live_count, 1);
	/* The fork that made it is old as well: it is not another process. */
	add(&f, CHILD, 100);
	take_map(&f, CHILD, 0x5000, 2, 110);
	take(&f, record_fork(PARENT, CHILD, 90));
	assert_int_equal(module_at(&f, CHILD, 0x5000, 120), 1);
	assert_int_equal(module_at(&f, CHILD, 0x1000, 120), -2);
	assert_int_equal(ft_procs_find(f.procs, CHILD, 120)->begin_ns, 0);
	teardown(&f);
}

static void test_fork(void **state UNUSED)
{
	struct fixture f;

	setup(&f, FT_FOLLOW_CHILDREN);
	add(&f, PARENT, 1);
	take_map(&f, PARENT, 0x1000, 1, 10);
	take(&f, record_task(PERF_RECORD_FORK, PARENT, PARENT, PARENT + 100, PARENT,
			     15)); /* a thread */
	assert_int_equal(module_at(&f, PARENT, 0x1000, 16), 0);
	take(&f, record_fork(PARENT, CHILD, 20));
	assert_int_equal(ft_procs_find(f.procs, CHILD, 30)->begin_ns, 20);
	assert_int_equal(module_at(&f, CHILD, 0x1000, 20), 0);
	/* From here on the two differ. */
	take_map(&f, CHILD, 0x1000, 2, 30);
	take_map(&f, PARENT, 0x8000, 3, 31);
	assert_int_equal(module_at(&f, CHILD, 0x1000, 30), 1);
	assert_int_equal(module_at(&f, CHILD, 0x8000, 40), -2);
	assert_int_equal(module_at(&f, PARENT, 0x1000, 40), 0);
	/* The children of children, but not those of strangers. */
	take(&f, record_fork(CHILD, CHILD + 10, 50));
	assert_int_equal(module_at(&f, CHILD + 10, 0x1000, 50), 1);
	take(&f, record_fork(OTHER, OTHER + 10, 60));
	assert_int_equal(module_at(&f, OTHER + 10, 0x1000, 60), -1);
	teardown(&f);
}

static void test_follow_none(void **state UNUSED)
{
	struct fixture f;

	setup(&f, FT_FOLLOW_NONE);
	add(&f, PARENT, 1);
	take_map(&f, PARENT, 0x1000, 1, 10);
	take(&f, record_fork(PARENT, CHILD, 20));
	assert_int_equal(module_at(&f, CHILD, 0x1000, 30), -1);
	assert_int_equal(module_at(&f, PARENT, 0x1000, 30), 0);
	teardown(&f);
}

static void test_follow_all(void **state UNUSED)
{
	struct fixture f;

	setup(&f, FT_FOLLOW_ALL);
	take_map(&f, OTHER, 0x1000, 1, 10); /* never heard of: it begins here */
	assert_int_equal(module_at(&f, OTHER, 0x1000, 10), 0);
	assert_int_equal(ft_procs_find(f.procs, OTHER, 10)->begin_ns, 10);
	take(&f, record_fork(OTHER, CHILD, 20));
	assert_int_equal(module_at(&f, CHILD, 0x1000, 20), 0);
	take(&f, record_fork(PARENT, CHILD + 1, 30)); /* by a parent that nobody knows */
	assert_int_equal(module_at(&f, CHILD + 1, 0x1000, 30), -2);
	take_map(&f, CHILD + 1, 0x1000, 2, 31);
	assert_int_equal(module_at(&f, CHILD + 1, 0x1000, 31), 1);
	teardown(&f);
}

static void test_exec(void **state UNUSED)
{
	struct fixture f;

	setup(&f, FT_FOLLOW_CHILDREN);
	add(&f, PARENT, 1);
	take_map(&f, PARENT, 0x1000, 1, 10);
	take_map(&f, PARENT, 0x2000, 2, 10);
	take(&f, record_comm(PARENT, 0, 20)); /* only a new name */
	assert_int_equal(ft_procs_find(f.procs, PARENT, 20)->space.live_count, 2);
	take(&f, record_exec(PARENT, 30));
	assert_int_equal(ft_procs_find(f.procs, PARENT, 30)->space.live_count, 0);
	take_map(&f, PARENT, 0x1000, 3, 31);
	assert_int_equal(module_at(&f, PARENT, 0x1000, 29), 0);
	assert_int_equal(module_at(&f, PARENT, 0x2000, 29), 1);
	assert_int_equal(module_at(&f, PARENT, 0x1000, 31), 2);
	/* A child of the new program has the new program only. */
	take(&f, record_fork(PARENT, CHILD, 40));
	assert_int_equal(module_at(&f, CHILD, 0x1000, 40), 2);
	assert_int_equal(module_at(&f, CHILD, 0x2000, 40), -2);
	take(&f, record_exec(OTHER, 50));
	assert_int_equal(module_at(&f, OTHER, 0x1000, 50), -1);
	teardown(&f);
}

static void test_pid_reuse(void **state UNUSED)
{
	struct fixture f;

	setup(&f, FT_FOLLOW_CHILDREN);
	add(&f, PARENT, 1);
	take_map(&f, PARENT, 0x1000, 1, 10);
	take(&f, record_fork(PARENT, CHILD, 20));
	take_map(&f, CHILD, 0x1000, 2, 25);
	take(&f, record_task(PERF_RECORD_EXIT, CHILD, PARENT, CHILD, PARENT, 30));
	assert_int_equal(module_at(&f, CHILD, 0x1000, 31), 1); /* samples of it may still come */
	take(&f, record_fork(PARENT, CHILD, 40));
	take_map(&f, CHILD, 0x3000, 3, 45);
	/* The same id at different times: different processes. */
	assert_int_equal(module_at(&f, CHILD, 0x1000, 29), 1);
	assert_int_equal(module_at(&f, CHILD, 0x3000, 29), -2);
	assert_int_equal(module_at(&f, CHILD, 0x1000, 40), 0);
	assert_int_equal(module_at(&f, CHILD, 0x3000, 45), 2);
	assert_int_equal(ft_procs_find(f.procs, CHILD, 29)->end_ns, 40);
	assert_int_equal(ft_procs_find(f.procs, CHILD, 40)->begin_ns, 40);
	/* A sample from before its process began belongs to the oldest there is. */
	assert_int_equal(ft_procs_find(f.procs, CHILD, 1)->begin_ns, 20);
	teardown(&f);
}

/* An EXIT ends a thread. Its process may go on, even without its first thread. */
static void test_exit_of_a_thread(void **state UNUSED)
{
	struct fixture f;

	setup(&f, FT_FOLLOW_NONE);
	add(&f, PARENT, 1);
	take_map(&f, PARENT, 0x1000, 1, 10);
	take(&f, record_task(PERF_RECORD_EXIT, PARENT, 1, PARENT, 1, 20));
	take_map(&f, PARENT, 0x2000, 2, 30);
	assert_int_equal(module_at(&f, PARENT, 0x1000, 30), 0);
	assert_int_equal(module_at(&f, PARENT, 0x2000, 30), 1);
	teardown(&f);
}

/*
 * The fork is reported after a mapping of the child that is younger: the child stays as the younger
 * record has it.
 */
static void test_late_fork(void **state UNUSED)
{
	struct fixture f;

	setup(&f, FT_FOLLOW_ALL);
	take_map(&f, PARENT, 0x1000, 1, 5);
	take_map(&f, CHILD, 0x5000, 2, 20);
	take(&f, record_fork(PARENT, CHILD, 15));
	assert_int_equal(module_at(&f, CHILD, 0x5000, 20), 1);
	assert_int_equal(ft_procs_find(f.procs, CHILD, UINT64_MAX)->begin_ns, 20);
	assert_int_equal(ft_procs_find(f.procs, CHILD, UINT64_MAX)->end_ns, UINT64_MAX);
	/* Both at the same moment is the same. */
	take(&f, record_fork(PARENT, CHILD, 20));
	assert_int_equal(module_at(&f, CHILD, 0x5000, 20), 1);
	teardown(&f);
}

static void test_losses(void **state UNUSED)
{
	struct record lost = record_begin(PERF_RECORD_LOST, 0),
		      throttle = record_begin(PERF_RECORD_THROTTLE, 0);
	struct record other = record_begin(PERF_RECORD_MAX + 7, 0);
	struct fixture f;

	setup(&f, FT_FOLLOW_ALL);
	record_u64(&lost, 77);
	record_u64(&lost, 12);
	record_end(&lost, 0, 0, 10);
	record_u64(&throttle, 10);
	record_u64(&throttle, 1);
	record_u64(&throttle, 2);
	record_end(&throttle, 0, 0, 10);
	record_end(&other, 0, 0, 10);
	take(&f, lost);
	take(&f, lost);
	take(&f, throttle);
	take(&f, other);
	assert_int_equal(f.losses.records, 24);
	assert_int_equal(f.losses.throttled, 1);
	teardown(&f);
}

/* Records shorter than their kind: nothing beyond their end is read, nothing comes of them. */
static void test_short_records(void **state UNUSED)
{
	struct record_map map = {.start = 0x1000, .bytes = 0x1000, .inode = 1, .path = "/a"};
	struct record lost = record_begin(PERF_RECORD_LOST, 0);
	struct record whole[] = {record_mmap2(PARENT, &map, 10), record_fork(PARENT, CHILD, 10),
				 record_exec(PARENT, 10), lost, record_begin(PERF_RECORD_MMAP2, 0)};
	struct fixture f;

	record_u64(&whole[3], 1);
	record_u64(&whole[3], 1000);
	record_end(&whole[3], 0, 0, 10);
	setup(&f, FT_FOLLOW_ALL);
	for (size_t i = 0; i < FT_ARRAY_LEN(whole); i++) {
		/* The fixed parts of MMAP2, FORK, COMM and LOST; the identity has 24 bytes. */
		static const u16 fixed[] = {72, 32, 16, 24, 72};

		for (u16 size = 8; size < fixed[i] + 24 && size <= whole[i].header.size;
		     size = (u16)(size + 8)) {
			struct record *cut =
				malloc(size); /* of its exact size, for the sanitizer */

			memcpy(cut, &whole[i], size);
			cut->header.size = size;
			assert_int_equal(ft_procs_record(f.procs, &cut->header, &f.losses), 0);
			free(cut);
		}
	}
	assert_int_equal(module_at(&f, PARENT, 0x1000, 20), -1);
	assert_int_equal(module_at(&f, CHILD, 0x1000, 20), -1);
	assert_int_equal(f.losses.records, 0);
	/* A path without an end. */
	memset((char *)&whole[0] + 72, 'x', 8);
	take(&f, whole[0]);
	assert_int_equal(module_at(&f, PARENT, 0x1000, 20), -1);
	teardown(&f);
}

static void test_prune(void **state UNUSED)
{
	struct fixture f;
	u32 self = (u32)getpid();

	setup(&f, FT_FOLLOW_CHILDREN);
	assert_int_equal(ft_procs_add(f.procs, self, 1), 0);
	add(&f, PARENT, 1);
	take_map(&f, PARENT, 0x1000, 1, 10);
	take_map(&f, PARENT, 0x1000, 2, 20);
	/* It is gone, but samples from before this moment may be on their way. */
	ft_procs_prune(f.procs, 15);
	assert_int_equal(ft_procs_find(f.procs, PARENT, 30)->space.past_count, 1);
	assert_int_equal(ft_procs_find(f.procs, PARENT, 30)->end_ns, 15);
	ft_procs_prune(f.procs, 15);
	assert_non_null(ft_procs_find(f.procs, PARENT, 30));
	ft_procs_prune(f.procs, 40);
	assert_null(ft_procs_find(f.procs, PARENT, 30));
	/* Who lives, stays. */
	ft_procs_prune(f.procs, 50);
	assert_non_null(ft_procs_find(f.procs, self, 60));
	assert_int_equal(ft_procs_find(f.procs, self, 60)->end_ns, UINT64_MAX);
	assert_true(ft_procs_find(f.procs, self, 60)->space.live_count > 0);
	teardown(&f);
}

/*
 * A process id comes back after its first owner was found to be gone: the two are told apart by
 * time.
 */
static void test_added_again(void **state UNUSED)
{
	struct fixture f;

	setup(&f, FT_FOLLOW_ALL);
	add(&f, PARENT, 5);
	take_map(&f, PARENT, 0x1000, 1, 10);
	ft_procs_prune(f.procs, 20);
	add(&f, PARENT, 30);
	take_map(&f, PARENT, 0x1000, 2, 40);
	assert_int_equal(module_at(&f, PARENT, 0x1000, 15), 0);
	assert_int_equal(module_at(&f, PARENT, 0x1000, 45), 1);
	teardown(&f);
}

static void test_proc_file(void **state UNUSED)
{
	u64 addr = (u64)(uintptr_t)test_proc_file, late_addr;
	u32 self = (u32)getpid();
	struct ft_proc *proc;
	struct fixture f;
	void *late;
	int module;

	setup(&f, FT_FOLLOW_NONE);
	assert_int_equal(ft_procs_add(f.procs, self, 100), 0);
	module = module_at(&f, self, addr, 100);
	assert_true(module >= 0);
	assert_int_equal(f.raw->modules[module].kind, FT_MODULE_FILE);
	assert_non_null(strstr(f.raw->modules[module].path, "test_procs"));
	assert_true(f.raw->modules[module].fd >= 0);
	/* Only what can be executed. */
	assert_int_equal(module_at(&f, self, (u64)(uintptr_t)&f, 100), -2);
	proc = ft_procs_find(f.procs, self, 100);
	assert_int_equal(proc->begin_ns, 0);
	assert_int_equal(proc->refreshed_ns, 100);
	/* What is mapped later is found by reading again, which is done once a round. */
	late = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(late != MAP_FAILED);
	late_addr = (u64)(uintptr_t)late;
	assert_int_equal(ft_procs_refresh(f.procs, proc, 100), 0);
	assert_int_equal(module_at(&f, self, late_addr, 100), -2);
	assert_int_equal(ft_procs_refresh_all(f.procs, 200), 0);
	module = module_at(&f, self, late_addr, 200);
	assert_true(module >= 0);
	assert_int_equal(f.raw->modules[module].kind, FT_MODULE_ANON);
	assert_int_equal(f.raw->modules[module].pid, self);
	/* What was known before is still known since then. */
	assert_int_equal(ft_space_find(&proc->space, addr, 100)->since_ns, 100);
	munmap(late, 4096);
	assert_int_equal(ft_procs_add(f.procs, self, 300), 0);
	assert_ptr_equal(ft_procs_find(f.procs, self, 300), proc);
	teardown(&f);
}

static void test_add_all(void **state UNUSED)
{
	struct fixture f;
	u32 self = (u32)getpid();

	setup(&f, FT_FOLLOW_ALL);
	assert_int_equal(ft_procs_add_all(f.procs, 100), 0);
	assert_true(module_at(&f, self, (u64)(uintptr_t)test_add_all, 100) >= 0);
	assert_non_null(ft_procs_find(f.procs, (u32)getppid(), 100));
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event),
		cmocka_unit_test(test_mappings),
		cmocka_unit_test(test_older_than_the_snapshot),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_follow_none),
		cmocka_unit_test(test_follow_all),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_pid_reuse),
		cmocka_unit_test(test_exit_of_a_thread),
		cmocka_unit_test(test_late_fork),
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_short_records),
		cmocka_unit_test(test_prune),
		cmocka_unit_test(test_added_again),
		cmocka_unit_test(test_proc_file),
		cmocka_unit_test(test_add_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_symbolize_jit.c - names and lines from jitdump files, as they are and as they should not be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "symbolizer/source.h"
#include "tests/unit/jit_file.h"

#define WANTS_MAX 8

struct fixture {
	struct ft_sym sym;
	struct ft_module module;
	struct ft_want wants[WANTS_MAX];
	struct ft_group group;
};

static void run_at(struct fixture *f, const u64 *addrs, u32 count, u64 when_ns,
		   const struct dump *d)
{
	int fd = memfd_create("jit", MFD_CLOEXEC);

	memset(f, 0, sizeof(*f));
	f->sym.profile = ft_profile_new();
	assert_non_null(f->sym.profile);
	for (u32 i = 0; i < count; i++)
		f->wants[i] =
			(struct ft_want){.addr = addrs[i], .start = addrs[i], .when_ns = when_ns};
	f->group = (struct ft_group){.kind = FT_GROUP_ANON,
				     .module = &f->module,
				     .wants = f->wants,
				     .count = count,
				     .fd = -1};
	assert_int_equal(write(fd, d->bytes, d->len), d->len);
	assert_int_equal(ft_jitdump_resolve_fd(&f->sym, &f->group, fd), 0);
	close(fd);
}

static void run(struct fixture *f, const u64 *addrs, u32 count, const struct dump *d)
{
	run_at(f, addrs, count, 0, d);
}

static void expect(const struct fixture *f, u32 i, const char *name)
{
	const struct ft_want *want = &f->wants[i];

	assert_int_equal(want->named, name != NULL);
	if (!name)
		return;
	assert_string_equal(ft_strtab_str(f->sym.profile->strings, want->name), name);
	assert_int_equal(want->kind, FT_FRAME_JIT);
}

static void expect_line(const struct fixture *f, u32 i, const char *file, u32 number)
{
	assert_string_equal(ft_strtab_str(f->sym.profile->strings, f->wants[i].file), file);
	assert_int_equal(f->wants[i].line, number);
}

static void later_code_wins(void **state)
{
	const u64 addrs[] = {0xfff, 0x1000, 0x10ff, 0x1100};
	struct fixture f;
	struct dump d;

	(void)state;
	header(&d);
	load(&d, 0x1000, 0x200, 1, "old");
	load(&d, 0x1000, 0x100, 2, "new");
	load(&d, 0x9000, 0x100, 3, "far");
	run(&f, addrs, 4, &d);
	expect(&f, 0, NULL);
	expect(&f, 1, "new");
	expect(&f, 2, "new");
	expect(&f, 3, "old");
	ft_profile_free(f.sym.profile);
}

static void moved_code_keeps_its_name(void **state)
{
	const u64 addrs[] = {0x1010, 0x2010, 0x3010, 0x4010};
	struct fixture f;
	struct dump d;

	(void)state;
	header(&d);
	load(&d, 0x1000, 0x100, 7, "traveller");
	move(&d, 0x1000, 0x2000, 0x100, 7);
	move(&d, 0x2000, 0x3000, 0x100, 7);
	load(&d, 0x2000, 0x100, 8, "successor");
	move(&d, 0x5000, 0x4000, 0x100, 9); /* of what nobody loaded */
	run(&f, addrs, 4, &d);
	expect(&f, 0, "traveller");
	expect(&f, 1, "successor");
	expect(&f, 2, "traveller");
	expect(&f, 3, NULL);
	ft_profile_free(f.sym.profile);
}

static void lines_are_of_the_entry_before(void **state)
{
	const u64 addrs[] = {0x1000, 0x1015, 0x1020, 0x10ff};
	struct fixture f;
	struct dump d;

	(void)state;
	header(&d);
	begin(&d, DEBUG_INFO);
	put64(&d, 0x1000);
	put64(&d, 3);
	line(&d, 0x1000, 10, "a.js");
	line(&d, 0x1010, 11, "\xff");
	line(&d, 0x1020, 12, "b.js");
	end(&d);
	load(&d, 0x1000, 0x100, 1, "f");
	run(&f, addrs, 4, &d);
	expect_line(&f, 0, "a.js", 10);
	expect_line(&f, 1, "a.js", 11);
	expect_line(&f, 2, "b.js", 12);
	expect_line(&f, 3, "b.js", 12);
	ft_profile_free(f.sym.profile);
}

/* Of the addresses, in order: what they were at a time. */
static void at_a_time_it_is_what_was_there(void **state)
{
	static const u64 addrs[] = {0x1010, 0x2010};
	static const struct {
		u64 when;
		const char *first, *second;
	} cases[] = {
		{50, "early", "mover"},	 /* before all records: what came first */
		{150, "early", "mover"}, /* at the second it is not there yet, but what else? */
		{200, "mover", "mover"},  {299, "mover", "mover"}, {300, NULL, "mover"},
		{399, NULL, "mover"},	  {400, "late", "mover"},  {499, "late", "mover"},
		{500, "late", "settler"}, {0, "late", "settler"},
	};
	struct fixture f;
	struct dump d;

	(void)state;
	header(&d);
	d.now = 100;
	load(&d, 0x1000, 0x100, 1, "early");
	d.now = 200;
	load(&d, 0x1000, 0x100, 2, "mover");
	d.now = 300;
	move(&d, 0x1000, 0x2000, 0x100, 2);
	d.now = 400;
	load(&d, 0x1000, 0x100, 3, "late");
	d.now = 500;
	load(&d, 0x2000, 0x100, 4, "settler");
	for (size_t i = 0; i < FT_ARRAY_LEN(cases); i++) {
		run_at(&f, addrs, 2, cases[i].when, &d);
		expect(&f, 0, cases[i].first);
		expect(&f, 1, cases[i].second);
		ft_profile_free(f.sym.profile);
	}
	d.bytes[32] = 1; /* a counter of the processor's */
	run_at(&f, addrs, 2, 250, &d);
	expect(&f, 0, "late");
	expect(&f, 1, "settler");
	ft_profile_free(f.sym.profile);
}

static void damage_costs_only_what_follows(void **state)
{
	const u64 addrs[] = {0x1000, 0x2000, UINT64_MAX};
	struct fixture f;
	struct dump d;
	size_t whole;

	(void)state;
	header(&d);
	load(&d, 0x1000, 0x100, 1, "first");
	load(&d, UINT64_MAX - 4, UINT64_MAX, 2, "to the end");
	whole = d.len;
	load(&d, 0x2000, 0x100, 3, "second");
	d.bytes[whole + 4] = 3; /* shorter than a record's beginning */
	d.bytes[whole + 5] = d.bytes[whole + 6] = d.bytes[whole + 7] = 0;
	run(&f, addrs, 3, &d);
	expect(&f, 0, "first");
	expect(&f, 1, NULL);
	expect(&f, 2, "to the end");
	ft_profile_free(f.sym.profile);
	for (size_t len = 0; len < d.len; len++) {
		struct dump cut = d;

		cut.len = len;
		run(&f, addrs, 3, &cut);
		ft_profile_free(f.sym.profile);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_code_wins),
		cmocka_unit_test(moved_code_keeps_its_name),
		cmocka_unit_test(lines_are_of_the_entry_before),
		cmocka_unit_test(at_a_time_it_is_what_was_there),
		cmocka_unit_test(damage_costs_only_what_follows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

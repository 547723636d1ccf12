/*
 * test_late.c - captured stacks walked in user space: a file, its tables, mappings, registers and a
 * stack made by hand, and every reason for which a walk ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "profile/quality.h"
#include "sampler/late.h"
#include "tests/unit/cfi_asm.h"

#define UNUSED __attribute__((unused))
#define PROGRAM 0x10000000u /* run-time address of the first byte of code */
#define JIT 0x20000000u
#define SP 0x7ff000000000u
#define NOW 1000
/* Functions of the program. */
#define PLAIN (PROGRAM + 0x100)	   /* CFA = sp + 16 */
#define OUTER (PROGRAM + 0x200)	   /* has no caller */
#define HUGE_ONE (PROGRAM + 0x300) /* CFA = sp + 32768 */
#define FRAMED (PROGRAM + 0x400)   /* CFA = fp + 16, fp saved */
#define ODD (PROGRAM + 0x500)	   /* a CFA that no rule can say */
#define EPILOGUE (PROGRAM + 0x600) /* CFA = sp + 8, fp saved at CFA - 16 */
#define BARE (PROGRAM + 0x8000)	   /* nothing is said */

struct fixture {
	struct ft_raw *raw;
	struct ft_tables *tables;
	struct ft_pool pool;
	struct ft_space space;
	struct ft_wire_capture capture;
};

static int image_file(void)
{
	static struct cfi_asm a;
	struct cfi_image_opts opts = {0};
	struct cfi_image image;
	int fd = memfd_create("program", MFD_CLOEXEC);
	size_t cie;

	a.len = 0;
	cie = asm_cie(&a);
	asm_fde(&a, cie, 0x100, 0x100, "\x0e\x10", 2); /* def_cfa_offset 16 */
	asm_fde(&a, cie, 0x200, 0x100, "\x07\x10", 2); /* undefined ra */
	asm_fde(&a, cie, 0x300, 0x100, "\x0e\x80\x80\x02", 4);
	asm_fde(&a, cie, 0x400, 0x100, "\x0c\x06\x10\x86\x02",
		5);					       /* def_cfa 6, 16; offset 6, -16 */
	asm_fde(&a, cie, 0x500, 0x100, "\x0f\x02\x30\x97", 4); /* lit0, without a meaning here */
	asm_fde(&a, cie, 0x600, 0x100, "\x86\x02", 2);
	asm_u32(&a, 0);
	opts.eh = a.bytes;
	opts.eh_bytes = a.len;
	image = cfi_image_make(&opts);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, image.data, image.bytes), image.bytes);
	free(image.data);
	return fd;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct ft_module program = {
		.kind = FT_MODULE_FILE, .path = strdup("/program"), .fd = image_file()};
	struct ft_module jit = {.kind = FT_MODULE_ANON, .path = strdup("//anon"), .fd = -1};
	int fd = memfd_create("pool", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, (off_t)sizeof(struct ft_wire_pool_chunk)), 0);
	assert_int_equal(ft_pool_open(&f->pool, fd, 1, NULL, NULL), 0);
	close(fd);
	f->raw = ft_raw_new();
	assert_int_equal(ft_raw_module(f->raw, &program), 0);
	assert_int_equal(ft_raw_module(f->raw, &jit), 1);
	f->tables = ft_tables_new(f->raw, &f->pool, ft_table_maker_new(f->raw, NULL));
	ft_space_map(&f->space, PROGRAM, PROGRAM + CFI_TEXT, CFI_TEXT_AT, 0, 1);
	ft_space_map(&f->space, JIT, JIT + 0x1000, 0, 1, 1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ft_space_fini(&f->space);
	ft_tables_free(f->tables);
	ft_raw_free(f->raw);
	ft_pool_close(&f->pool);
	free(f);
	return 0;
}

/* A capture of so many bytes whose words are zero, with kernel frames before. */
static void begin(struct fixture *f, u64 pc, u64 bytes)
{
	struct ft_wire_capture *c = &f->capture;

	memset(c, 0, sizeof(*c));
	c->record.first_ns = NOW;
	c->record.kernel_frames = 2;
	c->record.frames[0] = c->record.frames[1] = 0xffffffff81000000;
	c->pc = pc;
	c->regs[FT_CFI_X86_SP] = SP;
	c->stack_bytes = bytes;
}

static void put(struct fixture *f, u64 offset, u64 word)
{
	memcpy(f->capture.stack + offset, &word, sizeof(word));
}

static void assert_walk(struct fixture *f, enum ft_wire_unwind how, enum ft_end end, u32 frames)
{
	struct ft_wire_record *r = &f->capture.record;

	ft_late_walk(&f->capture, &f->space, f->tables, how);
	assert_int_equal(r->end, end);
	assert_int_equal(r->user_frames, frames);
	assert_int_equal(r->kernel_frames, 2);
	assert_int_equal(r->words, FT_WIRE_FIXED_WORDS + 2 + frames);
	assert_int_equal(r->frames[1], 0xffffffff81000000);
	if (frames)
		assert_int_equal(r->frames[2], f->capture.pc);
}

static void test_to_the_root(void **state)
{
	struct fixture *f = *state;

	begin(f, PLAIN, 64);
	put(f, 8, PLAIN + 0x20);
	put(f, 24, OUTER + 5);
	assert_walk(f, FT_WIRE_UNWIND_AUTO, FT_END_ROOT, 3);
	/* Callers are moved back into the call. */
	assert_int_equal(f->capture.record.frames[3], PLAIN + 0x1f);
	assert_int_equal(f->capture.record.frames[4], OUTER + 4);
	/* A call at the very end of a function returns into the next one. */
	begin(f, PLAIN, 64);
	put(f, 8, OUTER + 0x100);
	assert_walk(f, FT_WIRE_UNWIND_TABLES, FT_END_ROOT, 2);
	begin(f, PLAIN, 64);
	assert_walk(f, FT_WIRE_UNWIND_AUTO, FT_END_ROOT, 1);
}

static void test_frame_pointer_by_rule(void **state)
{
	struct fixture *f = *state;

	begin(f, PLAIN, 256);
	f->capture.regs[FT_CFI_X86_FP] = SP + 64;
	put(f, 8, FRAMED + 8);
	put(f, 64, SP + 128);
	put(f, 72, FRAMED + 16);
	put(f, 128, 0);
	put(f, 136, OUTER + 1);
	assert_walk(f, FT_WIRE_UNWIND_AUTO, FT_END_ROOT, 4);
}

static void test_nothing_known(void **state)
{
	struct fixture *f = *state;

	begin(f, PLAIN, 64);
	ft_late_walk(&f->capture, NULL, f->tables, FT_WIRE_UNWIND_AUTO);
	assert_int_equal(f->capture.record.end, FT_END_NOT_READY);
	assert_int_equal(f->capture.record.user_frames, 1);
	begin(f, 0x666000, 64);
	assert_walk(f, FT_WIRE_UNWIND_AUTO, FT_END_NOT_READY, 1);
}

/* Memory that is missing because there is none, and because it was not sent. */
static void test_faults(void **state)
{
	struct fixture *f = *state;

	begin(f, PLAIN, 8);
	assert_walk(f, FT_WIRE_UNWIND_AUTO, FT_END_FAULT, 1);
	begin(f, PLAIN, 15); /* half a word */
	assert_walk(f, FT_WIRE_UNWIND_AUTO, FT_END_FAULT, 1);
	begin(f, PLAIN, 16);
	put(f, 8, OUTER + 1);
	assert_walk(f, FT_WIRE_UNWIND_AUTO, FT_END_ROOT, 2);
	begin(f, HUGE_ONE, FT_WIRE_CAPTURE_USUAL);
	f->capture.cut = 1;
	assert_walk(f, FT_WIRE_UNWIND_AUTO, FT_END_NOT_READY, 1);
	begin(f, HUGE_ONE, FT_WIRE_CAPTURE_USUAL);
	assert_walk(f, FT_WIRE_UNWIND_AUTO, FT_END_FAULT, 1);
	/* A piece that was not resident, and the one behind it. */
	begin(f, PLAIN, 2 * FT_WIRE_CAPTURE_PIECE);
	put(f, 8, OUTER + 1);
	f->capture.missing = 1;
	assert_walk(f, FT_WIRE_UNWIND_AUTO, FT_END_FAULT, 1);
	f->capture.missing = 2;
	assert_walk(f, FT_WIRE_UNWIND_AUTO, FT_END_ROOT, 2);
	/* Within execve there is no stack, and no user side to speak of. */
	begin(f, HUGE_ONE, 2048);
	f->capture.in_execve = 1;
	assert_walk(f, FT_WIRE_UNWIND_AUTO, FT_END_FAULT, 0);
}

/* What the programs have walked counts where they came to an end that what was sent cannot tell. */
static void test_second_opinion(void **state)
{
	struct fixture *f = *state;
	struct ft_wire_record *r = &f->capture.record;

	begin(f, HUGE_ONE, FT_WIRE_CAPTURE_USUAL);
	r->later = FT_WIRE_LATER_UNKNOWN;
	r->user_frames = 3;
	r->end = FT_END_ROOT;
	r->frames[2] = HUGE_ONE;
	r->frames[4] = 7;
	assert_walk(f, FT_WIRE_UNWIND_AUTO, FT_END_ROOT, 3);
	assert_int_equal(r->frames[4], 7);
	r->end = FT_END_BAD_RULE;
	assert_walk(f, FT_WIRE_UNWIND_AUTO, FT_END_FAULT, 1);
	begin(f, PLAIN, 16);
	put(f, 8, OUTER + 1);
	r->later = FT_WIRE_LATER_UNKNOWN;
	r->user_frames = 1;
	r->end = FT_END_ROOT;
	assert_walk(f, FT_WIRE_UNWIND_AUTO, FT_END_ROOT, 2);
}

static void test_bad_rules(void **state)
{
	struct fixture *f = *state;

	begin(f, PLAIN, 64);
	put(f, 8, 0x666000);
	assert_walk(f, FT_WIRE_UNWIND_AUTO, FT_END_BAD_RULE, 1);
	begin(f, ODD, 64);
	assert_walk(f, FT_WIRE_UNWIND_AUTO, FT_END_BAD_RULE, 1);
	/* The frame pointer leads downwards. */
	begin(f, PLAIN, 64);
	put(f, 8, FRAMED + 8);
	f->capture.regs[FT_CFI_X86_FP] = SP - 16;
	ft_late_walk(&f->capture, &f->space, f->tables, FT_WIRE_UNWIND_AUTO);
	assert_int_not_equal(f->capture.record.end, FT_END_ROOT);
	assert_int_equal(f->capture.record.user_frames, 2);
}

/* Code without tables: frame pointers, if they are allowed, and the reason if they lead nowhere. */
static void without_table(struct fixture *f, u64 pc, enum ft_end reason)
{
	begin(f, pc, 256);
	f->capture.regs[FT_CFI_X86_FP] = SP + 32;
	put(f, 32, SP + 64);
	put(f, 40, pc + 0x10);
	put(f, 64, 0);
	put(f, 72, OUTER + 1);
	assert_walk(f, FT_WIRE_UNWIND_TABLES, reason, 1);
	assert_walk(f, FT_WIRE_UNWIND_AUTO, FT_END_ROOT, 3);
	put(f, 72, 0x666000);
	assert_walk(f, FT_WIRE_UNWIND_AUTO, reason, 2);
	put(f, 32, SP + 12);
	assert_walk(f, FT_WIRE_UNWIND_AUTO, reason, 2);
	f->capture.regs[FT_CFI_X86_FP] = 0;
	assert_walk(f, FT_WIRE_UNWIND_AUTO, FT_END_ROOT, 1);
	f->capture.regs[FT_CFI_X86_FP] = SP + 4096;
	assert_walk(f, FT_WIRE_UNWIND_AUTO, reason, 1);
}

static void test_without_table(void **state)
{
	without_table(*state, BARE, FT_END_NO_TABLE);
	without_table(*state, JIT + 0x40, FT_END_JIT);
}

static void test_depth(void **state)
{
	struct fixture *f = *state;

	for (u32 frames = FT_WIRE_MAX_FRAMES - 1; frames <= FT_WIRE_MAX_FRAMES + 1; frames++) {
		bool cut = frames > FT_WIRE_MAX_FRAMES;

		begin(f, PLAIN, 4096);
		for (u32 i = 0; i + 1 < frames; i++)
			put(f, i * 16 + 8, (i + 2 < frames ? PLAIN : OUTER) + 1);
		assert_walk(f, FT_WIRE_UNWIND_AUTO, cut ? FT_END_DEPTH : FT_END_ROOT,
			    cut ? FT_WIRE_MAX_FRAMES : frames);
	}
}

/* The mappings of the time of the sample count, not those of now. */
static void test_time(void **state)
{
	struct fixture *f = *state;

	ft_space_map(&f->space, PROGRAM, PROGRAM + CFI_TEXT, 0, 1, NOW + 10);
	begin(f, PLAIN, 64);
	put(f, 8, OUTER + 1);
	assert_walk(f, FT_WIRE_UNWIND_TABLES, FT_END_ROOT, 2);
	f->capture.record.first_ns = NOW + 10;
	assert_walk(f, FT_WIRE_UNWIND_TABLES, FT_END_JIT, 1);
}

/* An epilogue that has restored rbp: its slot is below the stack pointer, and was not sent. */
static void test_slot_below_the_stack(void **state)
{
	struct fixture *f = *state;

	begin(f, EPILOGUE, 256);
	f->capture.regs[FT_CFI_X86_FP] = SP + 64;
	put(f, 0, FRAMED + 8);
	put(f, 72, OUTER + 1);
	assert_walk(f, FT_WIRE_UNWIND_AUTO, FT_END_ROOT, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_to_the_root, setup, teardown),
		cmocka_unit_test_setup_teardown(test_frame_pointer_by_rule, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_known, setup, teardown),
		cmocka_unit_test_setup_teardown(test_faults, setup, teardown),
		cmocka_unit_test_setup_teardown(test_second_opinion, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_table, setup, teardown),
		cmocka_unit_test_setup_teardown(test_depth, setup, teardown),
		cmocka_unit_test_setup_teardown(test_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slot_below_the_stack, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

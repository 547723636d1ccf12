/*
 * test_unwind.c - one step of the stack walk: each kind of rule over a small stack made by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "sampler/unwind_state.h"

#define UNUSED __attribute__((unused))
#define STACK 0x7000u
#define STACK_WORDS 64u
#define SP (STACK + 8 * 16)
#define CODE 0x401000u

/* Readable from STACK on; each word holds its own address plus CODE unless it is set. */
struct machine {
	struct ft_unwind u;
	u64 words[STACK_WORDS];
};

static bool unwind_read(struct ft_unwind *u, u64 addr, u64 *word)
{
	struct machine *m = (struct machine *)u;

	if (addr < STACK || addr > STACK + 8 * (STACK_WORDS - 1) || addr % 8)
		return false;
	*word = m->words[(addr - STACK) / 8];
	return true;
}

#include "sampler/unwind.h"

static struct machine machine(void)
{
	struct machine m = {.u = {.pc = CODE, .sp = SP, .fp = SP + 64, .bx = 0xb0b0}};

	for (u32 i = 0; i < STACK_WORDS; i++)
		m.words[i] = CODE + STACK + i * 8;
	for (u32 i = 0; i < 16; i++)
		m.u.leaf[i] = 0x1000 * (i + 1);
	m.u.leaf[FT_CFI_X86_SP] = m.u.sp;
	m.u.leaf[FT_CFI_X86_FP] = m.u.fp;
	m.u.leaf[FT_CFI_X86_BX] = m.u.bx;
	m.u.is_leaf = m.u.exact = 1;
	return m;
}

static void set(struct machine *m, u64 addr, u64 value)
{
	m->words[(addr - STACK) / 8] = value;
}

/* What a word holds that nobody has set. */
static u64 at(u64 addr)
{
	return CODE + addr;
}

/* CFA = sp + 16, return address below it. */
static struct ft_cfi_rule ordinary(void)
{
	return (struct ft_cfi_rule){.cfa_kind = FT_CFI_CFA_REG,
				    .cfa_reg = FT_CFI_X86_SP,
				    .cfa_offset = 16,
				    .ra_kind = FT_CFI_AT_CFA,
				    .ra_words = -1};
}

static void assert_step(struct machine *m, const struct ft_cfi_rule *r, u64 sp, u64 pc)
{
	assert_int_equal(unwind_rule(&m->u, r), FT_UNWIND_MORE);
	assert_int_equal(m->u.sp, sp);
	assert_int_equal(m->u.pc, pc);
	assert_false(m->u.is_leaf);
}

static void test_ordinary(void **state UNUSED)
{
	struct ft_cfi_rule r = ordinary();
	struct machine m = machine();

	assert_step(&m, &r, SP + 16, at(SP + 8));
	assert_int_equal(unwind_fp_now(&m.u), SP + 64);
	assert_int_equal(unwind_bx_now(&m.u), 0xb0b0);
	assert_false(m.u.exact);
	/* CFA from the frame pointer, which is saved there, as bx is. */
	m = machine();
	r.cfa_reg = FT_CFI_X86_FP;
	r.fp_kind = r.bx_kind = FT_CFI_AT_CFA;
	r.fp_words = -2;
	r.bx_words = -5;
	assert_step(&m, &r, SP + 80, at(SP + 72));
	assert_int_equal(unwind_fp_now(&m.u), at(SP + 64));
	assert_int_equal(unwind_bx_now(&m.u), at(SP + 40));
	/* CFA from bx, in a frame that is not the first; the return address above the CFA. */
	m = machine();
	m.u.is_leaf = 0;
	m.u.bx = SP + 8;
	r = ordinary();
	r.cfa_reg = FT_CFI_X86_BX;
	r.ra_words = 1;
	assert_step(&m, &r, SP + 24, at(SP + 32));
}

/* Registers other than sp, fp and bx are known in the first frame only. */
static void test_other_registers(void **state UNUSED)
{
	struct ft_cfi_rule r = ordinary();
	struct machine m = machine();

	r.cfa_reg = 10;
	m.u.leaf[10] = SP + 32;
	assert_step(&m, &r, SP + 48, at(SP + 40));
	m = machine();
	m.u.leaf[10] = SP + 32;
	m.u.is_leaf = 0;
	assert_int_equal(unwind_rule(&m.u, &r), FT_UNWIND_BAD);
}

static void test_deref_and_indexed(void **state UNUSED)
{
	struct ft_cfi_rule r = ordinary();
	struct machine m = machine();

	/* gcc's realigned frames: the CFA is in memory below the frame pointer. */
	r.cfa_kind = FT_CFI_CFA_DEREF;
	r.cfa_reg = FT_CFI_X86_FP;
	r.cfa_offset = -8;
	r.cfa_add = 8;
	set(&m, SP + 56, SP + 88);
	assert_step(&m, &r, SP + 96, at(SP + 88));
	m = machine();
	r.cfa_kind = FT_CFI_CFA_INDEXED;
	r.cfa_reg = FT_CFI_X86_SP;
	r.cfa_offset = 8;
	r.cfa_index = 9;
	m.u.leaf[9] = 4;
	set(&m, SP + 8 + 4 * 8, SP + 100 * 2);
	assert_step(&m, &r, SP + 208, at(SP + 200));
	m = machine();
	m.u.is_leaf = 0;
	assert_int_equal(unwind_rule(&m.u, &r), FT_UNWIND_BAD);
	/* Memory that cannot be read. */
	m = machine();
	m.u.leaf[9] = 1000;
	assert_int_equal(unwind_rule(&m.u, &r), FT_UNWIND_FAULT);
}

static void test_plt(void **state UNUSED)
{
	struct ft_cfi_rule r = ordinary();

	r.cfa_kind = FT_CFI_CFA_PLT;
	r.cfa_offset = 8;
	r.cfa_add = 11;
	for (u32 within = 0; within < 16; within++) {
		struct machine m = machine();
		u64 cfa = SP + (within >= 11 ? 16 : 8);

		m.u.pc = CODE + within;
		assert_step(&m, &r, cfa, at(cfa - 8));
	}
}

static void test_signal_frame(void **state UNUSED)
{
	struct ft_cfi_rule r = ordinary();
	struct machine m = machine();

	r.cfa_kind = FT_CFI_CFA_SIGFRAME;
	r.signal = 1;
	/* The interrupted stack may be anywhere, also below. */
	set(&m, SP + 160, 0x5550);
	assert_step(&m, &r, 0x5550, at(SP + 168));
	assert_int_equal(unwind_fp_now(&m.u), at(SP + 120));
	assert_int_equal(unwind_bx_now(&m.u), at(SP + 128));
	assert_true(m.u.exact);
	/* The end of the stack is within the signal frame. */
	m = machine();
	m.u.sp = STACK + 8 * STACK_WORDS - 168;
	assert_int_equal(unwind_rule(&m.u, &r), FT_UNWIND_FAULT);
	m = machine();
	set(&m, SP + 168, 0);
	assert_int_equal(unwind_rule(&m.u, &r), FT_UNWIND_ROOT);
	/* A rule with the mark and without the layout. */
	m = machine();
	r = ordinary();
	r.signal = 1;
	assert_step(&m, &r, SP + 16, at(SP + 8));
	assert_true(m.u.exact);
}

/* vfork takes its return address off the stack. */
static void test_return_address_in_a_register(void **state UNUSED)
{
	struct ft_cfi_rule r = ordinary();
	struct machine m = machine();

	r.cfa_offset = 0;
	r.ra_kind = FT_CFI_IN_REG;
	r.ra_reg = 5;
	assert_step(&m, &r, SP, 0x6000);
	m = machine();
	m.u.is_leaf = 0;
	assert_int_equal(unwind_rule(&m.u, &r), FT_UNWIND_BAD);
	/* In memory that a register points to. */
	m = machine();
	r.cfa_offset = 8;
	r.ra_kind = FT_CFI_AT_REG;
	r.ra_words = 2;
	m.u.leaf[5] = SP + 24;
	assert_step(&m, &r, SP + 8, at(SP + 40));
	m = machine();
	assert_int_equal(unwind_rule(&m.u, &r), FT_UNWIND_FAULT);
}

static void test_roots(void **state UNUSED)
{
	struct ft_cfi_rule r = ordinary();
	struct machine m = machine();

	r.ra_kind = FT_CFI_ROOT;
	r.cfa_reg = 20; /* nothing else of the rule matters */
	assert_int_equal(unwind_rule(&m.u, &r), FT_UNWIND_ROOT);
	r = ordinary();
	set(&m, SP + 8, 0);
	assert_int_equal(unwind_rule(&m.u, &r), FT_UNWIND_ROOT);
	set(&m, SP + 8, 4095);
	assert_int_equal(unwind_rule(&m.u, &r), FT_UNWIND_ROOT);
	set(&m, SP + 8, 4096);
	assert_step(&m, &r, SP + 16, 4096);
}

static void test_stack_must_grow(void **state UNUSED)
{
	struct ft_cfi_rule r = ordinary();
	struct machine m = machine();

	r.cfa_offset = 0;
	assert_int_equal(unwind_rule(&m.u, &r), FT_UNWIND_BAD);
	r.cfa_offset = -8;
	assert_int_equal(unwind_rule(&m.u, &r), FT_UNWIND_BAD);
	r.ra_kind = FT_CFI_IN_REG;
	assert_int_equal(unwind_rule(&m.u, &r), FT_UNWIND_BAD);
	/* Off the stack's end. */
	r = ordinary();
	r.cfa_offset = 8 * STACK_WORDS;
	assert_int_equal(unwind_rule(&m.u, &r), FT_UNWIND_FAULT);
}

/* A frame pointer that is lost does not end the walk. */
static void test_frame_pointer_rules(void **state UNUSED)
{
	static const struct {
		unsigned kind, reg;
		s16 words;
		u64 fp;
	} cases[] = {
		{FT_CFI_LOST, 0, 0, 0},
		{FT_CFI_IS_CFA, 0, -3, SP + 16 - 24},
		{FT_CFI_IN_REG, 8, 0, 0x9000},
		{FT_CFI_AT_REG, FT_CFI_X86_FP, 1, CODE + SP + 72},
		{FT_CFI_AT_REG, 8, 1, 0},
		{FT_CFI_AT_CFA, 0, 1000, 0},
		{FT_CFI_AT_CFA, 0, -3, CODE + SP - 8},
		/* Below what can be read: an epilogue, which has restored it. */
		{FT_CFI_AT_CFA, 0, -1000, SP + 64},
		{FT_CFI_ROOT, 0, 0, 0},
	};

	for (u32 i = 0; i < FT_ARRAY_LEN(cases); i++) {
		struct ft_cfi_rule r = ordinary();
		struct machine m = machine();

		r.fp_kind = cases[i].kind & 7;
		r.fp_reg = cases[i].reg & 31;
		r.fp_words = cases[i].words;
		assert_step(&m, &r, SP + 16, at(SP + 8));
		assert_int_equal(unwind_fp_now(&m.u), cases[i].fp);
	}
}

static void test_bx_rules(void **state UNUSED)
{
	struct ft_cfi_rule r = ordinary();
	struct machine m = machine();

	r.bx_kind = FT_CFI_LOST;
	assert_step(&m, &r, SP + 16, at(SP + 8));
	assert_int_equal(unwind_bx_now(&m.u), 0);
	/* Below this frame's fp, whatever the rule says of the caller's. */
	m = machine();
	r.bx_kind = FT_CFI_AT_REG;
	r.bx_words = -1;
	r.fp_kind = FT_CFI_LOST;
	assert_step(&m, &r, SP + 16, at(SP + 8));
	assert_int_equal(unwind_bx_now(&m.u), at(SP + 56));
	assert_int_equal(unwind_fp_now(&m.u), 0);
	m = machine();
	r.bx_kind = FT_CFI_AT_CFA;
	r.bx_words = 1000;
	assert_step(&m, &r, SP + 16, at(SP + 8));
	assert_int_equal(unwind_bx_now(&m.u), 0);
}

static void test_frame_pointer_steps(void **state UNUSED)
{
	struct machine m = machine();

	assert_int_equal(unwind_frame_pointer(&m.u), FT_UNWIND_MORE);
	assert_int_equal(m.u.sp, SP + 80);
	assert_int_equal(m.u.pc, at(SP + 72));
	assert_int_equal(unwind_fp_now(&m.u), at(SP + 64));
	assert_false(m.u.exact);
	assert_false(m.u.is_leaf);
	m.u.fp = 0;
	assert_int_equal(unwind_frame_pointer(&m.u), FT_UNWIND_ROOT);
	m.u.fp = SP + 81;
	assert_int_equal(unwind_frame_pointer(&m.u), FT_UNWIND_BAD);
	m.u.fp = SP + 72; /* below the stack pointer */
	assert_int_equal(unwind_frame_pointer(&m.u), FT_UNWIND_BAD);
	m.u.fp = STACK + 8 * STACK_WORDS;
	assert_int_equal(unwind_frame_pointer(&m.u), FT_UNWIND_FAULT);
	m.u.fp = SP + 80;
	set(&m, SP + 88, 0);
	assert_int_equal(unwind_frame_pointer(&m.u), FT_UNWIND_ROOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ordinary),
		cmocka_unit_test(test_other_registers),
		cmocka_unit_test(test_deref_and_indexed),
		cmocka_unit_test(test_plt),
		cmocka_unit_test(test_signal_frame),
		cmocka_unit_test(test_return_address_in_a_register),
		cmocka_unit_test(test_roots),
		cmocka_unit_test(test_stack_must_grow),
		cmocka_unit_test(test_frame_pointer_rules),
		cmocka_unit_test(test_bx_rules),
		cmocka_unit_test(test_frame_pointer_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_cfi.c - unwind tables from hand-made call frame information: sampler/cfi*.c but for expressions and hostile input. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <sys/auxv.h>
#include <zlib.h>
#include <zstd.h>

#include "sampler/cfi.h"
#include "tests/unit/cfi_asm.h"

static int build_image(const struct cfi_image_opts *opts, struct ft_cfi_table *table)
{
	struct cfi_image image = cfi_image_make(opts);
	struct ft_err err = {.code = 0};
	struct ft_elf *elf;
	int code;

	assert_int_equal(ft_elf_open_memory(image.data, image.bytes, &elf), 0);
	code = ft_cfi_build(elf, table, &err);
	assert_int_equal(code, err.code);
	if (code)
		assert_true(err.text[0]);
	ft_elf_close(elf);
	free(image.data);
	return code;
}

static int build(const struct cfi_asm *eh, struct ft_cfi_table *table)
{
	return build_image(&(struct cfi_image_opts){.eh = eh->bytes, .eh_bytes = eh->len}, table);
}

static struct cfi_asm *asm_new(bool is_debug)
{
	struct cfi_asm *a = calloc(1, sizeof(*a));

	assert_non_null(a);
	a->is_debug = is_debug;
	return a;
}

static const struct ft_cfi_rule *rule_at(const struct ft_cfi_table *table, u32 pc)
{
	return ft_cfi_find(table, CFI_CODE + pc);
}

static void assert_rule(const struct ft_cfi_rule *rule, struct ft_cfi_rule expected)
{
	assert_memory_equal(rule, &expected, sizeof(expected));
}

/* CFA = reg + offset, return address below it, fp and bx untouched. */
static struct ft_cfi_rule plain_rule(u8 reg, s32 offset)
{
	return (struct ft_cfi_rule){.cfa_kind = FT_CFI_CFA_REG, .cfa_reg = reg & 31u, .cfa_offset = offset,
				    .ra_kind = FT_CFI_AT_CFA, .ra_words = -1};
}

static struct ft_cfi_rule with_fp(struct ft_cfi_rule rule, u8 kind, s16 words)
{
	rule.fp_kind = kind & 7u;
	rule.fp_words = words;
	return rule;
}

static void test_function(void **state)
{
	/* push rbp; mov rbp, rsp; ...; leave; ret */
	static const u8 code[] = {0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x02, 100, 0x0c, 7, 8};
	struct cfi_asm *a = asm_new(false);
	struct ft_cfi_table t;

	(void)state;
	asm_fde(a, asm_cie(a), 0x10, 0x80, code, sizeof(code));
	assert_int_equal(build(a, &t), 0);
	assert_int_equal(t.base, CFI_CODE);
	assert_int_equal(t.span, 0x90);
	assert_int_equal(t.machine, EM_X86_64);
	assert_int_equal(t.row_count, 5);
	assert_int_equal(t.stats.fdes, 1);
	assert_int_equal(t.stats.source_rows, 4);
	assert_ptr_equal(rule_at(&t, 0), &t.rules[FT_CFI_RULE_NONE]);
	assert_ptr_equal(rule_at(&t, 0xf), &t.rules[FT_CFI_RULE_NONE]);
	assert_rule(rule_at(&t, 0x10), plain_rule(7, 8));
	assert_rule(rule_at(&t, 0x11), with_fp(plain_rule(7, 16), FT_CFI_AT_CFA, -2));
	assert_rule(rule_at(&t, 0x13), with_fp(plain_rule(7, 16), FT_CFI_AT_CFA, -2));
	assert_rule(rule_at(&t, 0x14), with_fp(plain_rule(6, 16), FT_CFI_AT_CFA, -2));
	assert_rule(rule_at(&t, 0x77), with_fp(plain_rule(6, 16), FT_CFI_AT_CFA, -2));
	assert_rule(rule_at(&t, 0x78), with_fp(plain_rule(7, 8), FT_CFI_AT_CFA, -2));
	assert_rule(rule_at(&t, 0x8f), with_fp(plain_rule(7, 8), FT_CFI_AT_CFA, -2));
	assert_ptr_equal(rule_at(&t, 0x90), &t.rules[FT_CFI_RULE_NONE]);
	assert_ptr_equal(ft_cfi_find(&t, CFI_CODE - 1), &t.rules[FT_CFI_RULE_NONE]);
	ft_cfi_fini(&t);
	ft_cfi_fini(&t);
	free(a);
}

/* Instructions of a function of 100 bytes, and the rule at its last byte. */
struct op_case {
	const char *name;
	u8 code[40];
	size_t len;
	struct ft_cfi_rule rule;
};

#define REG(R, O) .cfa_kind = FT_CFI_CFA_REG, .cfa_reg = (R), .cfa_offset = (O)
#define RA .ra_kind = FT_CFI_AT_CFA, .ra_words = -1
#define CASE(NAME, RULE, ...) {NAME, {__VA_ARGS__}, sizeof((u8[]){__VA_ARGS__}), RULE}
#define R(...) {__VA_ARGS__}

static const struct op_case x86_cases[] = {
	CASE("nop", R(REG(7, 8), RA), 0),
	CASE("def_cfa", R(REG(3, 300), RA), 0x0c, 3, 0xac, 2),
	CASE("def_cfa_sf", R(REG(6, -16), RA), 0x12, 6, 2),
	CASE("def_cfa_register", R(REG(12, 8), RA), 0x0d, 12),
	CASE("def_cfa_offset", R(REG(7, 24), RA), 0x0e, 24),
	CASE("def_cfa_offset_sf", R(REG(7, 40), RA), 0x13, 0x7b),
	CASE("leb of many bytes", R(REG(7, 24), RA), 0x0e, 0x98, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
	     0x80, 0x80, 0),
	CASE("largest offset", R(REG(7, INT32_MAX), RA), 0x0e, 0xff, 0xff, 0xff, 0xff, 7),
	CASE("offset too large", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0e, 0x80, 0x80, 0x80, 0x80, 8),
	CASE("offset too large, then not", R(REG(7, 16), RA), 0x0e, 0x80, 0x80, 0x80, 0x80, 8, 0x41, 0x0e, 16),
	CASE("CFA from rip", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0d, 16),
	CASE("CFA from an xmm", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0d, 39),
	CASE("offset rbp", R(REG(7, 8), RA, .fp_kind = FT_CFI_AT_CFA, .fp_words = -2), 0x86, 2),
	CASE("offset rbx", R(REG(7, 8), RA, .bx_kind = FT_CFI_AT_CFA, .bx_words = -3), 0x83, 3),
	CASE("offset r12 is of no interest", R(REG(7, 8), RA), 0x8c, 3),
	CASE("offset_extended", R(REG(7, 8), RA, .fp_kind = FT_CFI_AT_CFA, .fp_words = -200), 0x05, 6, 0xc8, 1),
	CASE("offset_extended_sf", R(REG(7, 8), RA, .fp_kind = FT_CFI_AT_CFA, .fp_words = 2), 0x11, 6, 0x7e),
	CASE("GNU_negative_offset_extended", R(REG(7, 8), RA, .fp_kind = FT_CFI_AT_CFA, .fp_words = 2), 0x2f, 6, 2),
	CASE("lowest place of fp", R(REG(7, 8), RA, .fp_kind = FT_CFI_AT_CFA, .fp_words = INT16_MIN), 0x86, 0x80,
	     0x80, 2),
	CASE("fp too far away", R(REG(7, 8), RA, .fp_kind = FT_CFI_LOST), 0x86, 0x81, 0x80, 2),
	CASE("bx too far away", R(REG(7, 8), RA, .bx_kind = FT_CFI_LOST), 0x83, 0x81, 0x80, 2),
	CASE("return address too far away", R(.cfa_kind = FT_CFI_CFA_BAD), 0x90, 0x81, 0x80, 2),
	CASE("factor overflows", R(REG(7, 8), RA, .fp_kind = FT_CFI_LOST), 0x86, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
	     0x80, 0x80, 0x80, 1),
	CASE("restore", R(REG(7, 8), RA), 0x86, 2, 0x83, 3, 0x41, 0xc6, 0xc3),
	CASE("restore_extended", R(REG(7, 8), RA), 0x90, 4, 0x86, 2, 0x41, 0x06, 6, 0x06, 16),
	CASE("undefined rbp", R(REG(7, 8), RA, .fp_kind = FT_CFI_LOST), 0x07, 6),
	CASE("undefined rip: the root", R(REG(7, 8), .ra_kind = FT_CFI_ROOT), 0x07, 16),
	CASE("undefined r12 is of no interest", R(REG(7, 8), RA), 0x07, 12, 0x07, 40),
	CASE("same_value rbp", R(REG(7, 8), RA), 0x86, 2, 0x41, 0x08, 6),
	CASE("same_value rip", R(.cfa_kind = FT_CFI_CFA_BAD), 0x08, 16),
	CASE("rip in rdi, as in vfork", R(REG(7, 8), .ra_kind = FT_CFI_IN_REG, .ra_reg = 5), 0x09, 16, 5),
	CASE("rip in rcx, as in eh_return", R(REG(2, 0), .ra_kind = FT_CFI_IN_REG, .ra_reg = 2), 0x0c, 2, 0, 0x09, 16,
	     2),
	CASE("rbp in r9", R(REG(7, 8), RA, .fp_kind = FT_CFI_IN_REG, .fp_reg = 9), 0x09, 6, 9),
	CASE("rbp in an xmm", R(REG(7, 8), RA, .fp_kind = FT_CFI_LOST), 0x09, 6, 17),
	CASE("rbx in r8", R(REG(7, 8), RA, .bx_kind = FT_CFI_LOST), 0x09, 3, 8),
	CASE("val_offset rbp", R(REG(7, 8), RA, .fp_kind = FT_CFI_IS_CFA, .fp_words = -4), 0x14, 6, 4),
	CASE("val_offset_sf rbp", R(REG(7, 8), RA, .fp_kind = FT_CFI_IS_CFA, .fp_words = 1), 0x15, 6, 0x7f),
	CASE("val_offset rip", R(.cfa_kind = FT_CFI_CFA_BAD), 0x14, 16, 1),
	CASE("val_offset rsp 0", R(REG(7, 8), RA), 0x14, 7, 0),
	CASE("val_offset rsp 8", R(.cfa_kind = FT_CFI_CFA_BAD), 0x14, 7, 1),
	CASE("remember and restore", R(REG(7, 8), RA), 0x0a, 0x0e, 16, 0x86, 2, 0x07, 16, 0x41, 0x0b),
	CASE("remember and restore, nested", R(REG(7, 16), RA), 0x0e, 16, 0x0a, 0x41, 0x0e, 24, 0x0a, 0x41, 0x0e, 32,
	     0x41, 0x0b, 0x41, 0x0b),
	CASE("restore without remember", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0b),
	CASE("GNU_args_size", R(REG(7, 8), RA), 0x2e, 0xa0, 1),
	CASE("advance_loc1", R(REG(7, 16), RA), 0x02, 99, 0x0e, 16),
	CASE("advance_loc1 to the end", R(REG(7, 8), RA), 0x02, 100, 0x0e, 16),
	CASE("advance_loc2", R(REG(7, 16), RA), 0x03, 99, 0, 0x0e, 16),
	CASE("advance_loc4", R(REG(7, 16), RA), 0x04, 99, 0, 0, 0, 0x0e, 16),
	CASE("advance_loc4, far beyond", R(REG(7, 8), RA), 0x04, 0xff, 0xff, 0xff, 0xff, 0x0e, 16),
	CASE("MIPS_advance_loc8", R(REG(7, 16), RA), 0x1d, 99, 0, 0, 0, 0, 0, 0, 0, 0x0e, 16),
	CASE("unknown instruction", R(.cfa_kind = FT_CFI_CFA_BAD), 0x3f),
	CASE("negate_ra_state is not for x86-64", R(.cfa_kind = FT_CFI_CFA_BAD), 0x2d),
	CASE("cut off", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0c, 7),
	CASE("leb without end", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0e, 0x80, 0x80, 0x80),
	CASE("longjmp", R(REG(8, 0), .fp_kind = FT_CFI_IN_REG, .fp_reg = 9, .ra_kind = FT_CFI_IN_REG, .ra_reg = 1,
			  .bx_kind = FT_CFI_LOST),
	     0x0c, 5, 0, 0x09, 7, 8, 0x09, 6, 9, 0x09, 16, 1, 0x11, 3, 0),
	CASE("setcontext", R(.cfa_kind = FT_CFI_CFA_DEREF, .cfa_reg = 1, .cfa_offset = 160, .fp_kind = FT_CFI_AT_REG,
			     .fp_reg = 1, .fp_words = 15, .ra_kind = FT_CFI_AT_REG, .ra_reg = 1, .ra_words = 21),
	     0x0c, 1, 0, 0x11, 6, 0x71, 0x11, 7, 0x6c, 0x11, 16, 0x6b),
};

static void check_cases(u16 machine, size_t cie_len, const u8 *cie_code, u8 ra, const char *augmentation,
			const struct op_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct cfi_asm *a = asm_new(false);
		struct ft_cfi_table t;
		size_t cie = asm_cie_aug(a, augmentation, "\x1b", 1, ra, cie_code, cie_len);

		asm_fde(a, cie, 0, 100, cases[i].code, cases[i].len);
		assert_int_equal(build_image(&(struct cfi_image_opts){.machine = machine, .eh = a->bytes,
								      .eh_bytes = a->len}, &t), 0);
		if (memcmp(rule_at(&t, 99), &cases[i].rule, sizeof(cases[i].rule)))
			print_error("case \"%s\"\n", cases[i].name);
		assert_rule(rule_at(&t, 99), cases[i].rule);
		assert_int_equal(t.stats.bad_rows, cases[i].rule.cfa_kind == FT_CFI_CFA_BAD ||
						   rule_at(&t, 0)->cfa_kind == FT_CFI_CFA_BAD);
		ft_cfi_fini(&t);
		free(a);
	}
}

static void test_x86_instructions(void **state)
{
	static const u8 cie[] = {0x0c, 7, 8, 0x90, 1};

	(void)state;
	check_cases(EM_X86_64, sizeof(cie), cie, 16, "zR", x86_cases, FT_ARRAY_LEN(x86_cases));
}

static const struct op_case arm_cases[] = {
	CASE("leaf: return address in lr", R(REG(31, 0), .ra_kind = FT_CFI_IN_REG, .ra_reg = 30), 0),
	CASE("stp x29, x30, [sp, -32]!", R(REG(31, 32), .fp_kind = FT_CFI_AT_CFA, .fp_words = -4,
					   .ra_kind = FT_CFI_AT_CFA, .ra_words = -3), 0x41, 0x0e, 32, 0x9d, 4, 0x9e, 3),
	CASE("CFA from x29", R(REG(29, 32), .fp_kind = FT_CFI_AT_CFA, .fp_words = -4, .ra_kind = FT_CFI_AT_CFA,
			       .ra_words = -3), 0x0e, 32, 0x9d, 4, 0x9e, 3, 0x41, 0x0d, 29),
	CASE("CFA from x16", R(REG(16, 8), .ra_kind = FT_CFI_IN_REG, .ra_reg = 30), 0x0c, 16, 8),
	CASE("signed return address", R(REG(31, 16), .ra_kind = FT_CFI_AT_CFA, .ra_words = -1, .ra_signed = 1), 0x2d,
	     0x41, 0x0e, 16, 0x9e, 1),
	CASE("signed and no longer", R(REG(31, 0), .ra_kind = FT_CFI_IN_REG, .ra_reg = 30), 0x2d, 0x41, 0x2d),
	CASE("remembered with the state", R(REG(31, 0), .ra_kind = FT_CFI_IN_REG, .ra_reg = 30, .ra_signed = 1), 0x2d,
	     0x0a, 0x41, 0x2d, 0x41, 0x0b),
	CASE("restore of lr", R(REG(31, 0), .ra_kind = FT_CFI_IN_REG, .ra_reg = 30), 0x9e, 1, 0x41, 0xde),
	CASE("undefined lr: the root", R(REG(31, 0), .ra_kind = FT_CFI_ROOT), 0x07, 30),
	CASE("x3 is not rbx", R(REG(31, 0), .ra_kind = FT_CFI_IN_REG, .ra_reg = 30), 0x83, 2),
};

static void test_aarch64_instructions(void **state)
{
	static const u8 cie[] = {0x0c, 31, 0};

	(void)state;
	check_cases(EM_AARCH64, sizeof(cie), cie, 30, "zR", arm_cases, FT_ARRAY_LEN(arm_cases));
	/* B: signed by the other key; nothing follows in the data. */
	check_cases(EM_AARCH64, sizeof(cie), cie, 30, "zRB", arm_cases, FT_ARRAY_LEN(arm_cases));
}

static const struct op_case expr_cases[] = {
	CASE("PLT", R(.cfa_kind = FT_CFI_CFA_PLT, .cfa_reg = 7, .cfa_offset = 8, .cfa_add = 11, RA), 0x0f, 11, 0x77, 8,
	     0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22),
	CASE("PLT with another stub", R(.cfa_kind = FT_CFI_CFA_PLT, .cfa_reg = 7, .cfa_offset = 8, .cfa_add = 5, RA),
	     0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x35, 0x2a, 0x33, 0x24, 0x22),
	CASE("like PLT but not", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a,
	     0x34, 0x24, 0x22),
	CASE("DRAP", R(.cfa_kind = FT_CFI_CFA_DEREF, .cfa_reg = 6, .cfa_offset = -24, .fp_kind = FT_CFI_AT_REG,
		       .fp_reg = 6, .bx_kind = FT_CFI_AT_REG, .bx_words = -5, RA),
	     0x0f, 3, 0x76, 0x68, 0x06, 0x10, 6, 2, 0x76, 0, 0x10, 3, 2, 0x76, 0x58),
	CASE("deref plus", R(.cfa_kind = FT_CFI_CFA_DEREF, .cfa_reg = 7, .cfa_offset = 88, .cfa_add = 8, RA), 0x0f, 6,
	     0x77, 0xd8, 0, 0x06, 0x23, 8),
	CASE("deref minus", R(.cfa_kind = FT_CFI_CFA_DEREF, .cfa_reg = 7, .cfa_offset = 16, .cfa_add = -8, RA), 0x0f, 5,
	     0x77, 16, 0x06, 0x38, 0x1c),
	CASE("indexed", R(.cfa_kind = FT_CFI_CFA_INDEXED, .cfa_reg = 7, .cfa_offset = 8, .cfa_index = 9, .cfa_add = 8,
			  RA),
	     0x0f, 10, 0x77, 8, 0x79, 0, 0x38, 0x1e, 0x22, 0x06, 0x23, 8),
	CASE("indexed by a shift, the other way round", R(.cfa_kind = FT_CFI_CFA_INDEXED, .cfa_reg = 7, .cfa_index = 9,
							  .cfa_add = 8, RA),
	     0x0f, 10, 0x79, 0, 0x33, 0x24, 0x77, 0, 0x22, 0x06, 0x23, 8),
	CASE("register by an expression", R(REG(10, -8), RA), 0x0f, 2, 0x7a, 0x78),
	CASE("register by bregx", R(REG(10, -8), RA), 0x0f, 3, 0x92, 10, 0x78),
	CASE("constants", R(REG(7, 300 - 2), RA), 0x0f, 8, 0x77, 0, 0x0a, 0x2c, 1, 0x22, 0x32, 0x1c),
	CASE("fp relative to the CFA by an expression", R(REG(7, 8), RA, .fp_kind = FT_CFI_AT_CFA, .fp_words = 3), 0x10,
	     6, 2, 0x23, 24),
	CASE("fp not at a word", R(REG(7, 8), RA, .fp_kind = FT_CFI_LOST), 0x10, 6, 2, 0x77, 4),
	CASE("fp in two steps", R(REG(7, 8), RA, .fp_kind = FT_CFI_LOST), 0x10, 6, 3, 0x77, 8, 0x06),
	CASE("bx relative to rsp", R(REG(7, 8), RA, .bx_kind = FT_CFI_LOST), 0x10, 3, 2, 0x77, 8),
	CASE("return address at a register", R(REG(7, 8), .ra_kind = FT_CFI_AT_REG, .ra_reg = 7, .ra_words = 2), 0x10,
	     16, 2, 0x77, 16),
	CASE("return address in two steps", R(.cfa_kind = FT_CFI_CFA_BAD), 0x10, 16, 3, 0x77, 16, 0x06),
	CASE("value of rsp, as GHC says it", R(REG(7, 16440), .ra_kind = FT_CFI_AT_REG, .ra_reg = 7), 0x16, 7, 4, 0x77,
	     0xb8, 0x80, 1, 0x16, 7, 4, 0x77, 0xb8, 0x80, 1),
	CASE("value of rbp", R(REG(7, 8), RA, .fp_kind = FT_CFI_LOST), 0x16, 6, 2, 0x77, 8),
	CASE("added constant too large", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0f, 7, 0x77, 0, 0x06, 0x23, 0x80, 0x80, 4),
	CASE("branch", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0f, 5, 0x77, 8, 0x2f, 0xfd, 0xff),
	CASE("empty expression", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0f, 0),
	CASE("stack overflow", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0f, 12, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30,
	     0x30, 0x30, 0x77, 0),
	CASE("stack underflow", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0f, 2, 0x22, 0x06),
	CASE("longer than its function", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0f, 30, 0x77, 8),
	CASE("register after an expression, as libgcrypt has it", R(REG(7, 8), RA), 0x0f, 3, 0x76, 0x68, 0x06, 0x41,
	     0x0d, 7),
	CASE("offset after an expression waits", R(.cfa_kind = FT_CFI_CFA_DEREF, .cfa_reg = 6, .cfa_offset = -24, RA),
	     0x0f, 3, 0x76, 0x68, 0x06, 0x41, 0x0e, 32),
	CASE("offset and register after an expression", R(REG(7, 32), RA), 0x0f, 3, 0x76, 0x68, 0x06, 0x41, 0x0e, 32,
	     0x0d, 7),
};

static void test_expressions(void **state)
{
	static const u8 cie[] = {0x0c, 7, 8, 0x90, 1};

	(void)state;
	check_cases(EM_X86_64, sizeof(cie), cie, 16, "zR", expr_cases, FT_ARRAY_LEN(expr_cases));
}

/* What glibc says of __restore_rt: everything is in the sigcontext. */
static void test_signal_frame(void **state)
{
	static const u8 code[] = {0x0f, 4, 0x77, 0xa0, 1, 0x06, 0x10, 6, 3, 0x77, 0xf8, 0, 0x10, 7, 3, 0x77,
				  0xa0, 1, 0x10, 16, 3, 0x77, 0xa8, 1};
	static const u8 plain[] = {0};
	struct cfi_asm *a = asm_new(false);
	struct ft_cfi_table t;
	size_t cie = asm_cie_aug(a, "zRS", "\x1b", 1, 16, "\x0c\x07\x08\x90\x01", 5);

	(void)state;
	asm_fde(a, cie, 0, 16, code, sizeof(code));
	asm_fde(a, cie, 16, 16, plain, sizeof(plain));
	assert_int_equal(build(a, &t), 0);
	assert_rule(rule_at(&t, 0), (struct ft_cfi_rule){
		.cfa_kind = FT_CFI_CFA_SIGFRAME, .cfa_reg = 7, .cfa_offset = 160, .fp_kind = FT_CFI_AT_REG, .fp_reg = 7,
		.fp_words = 15, .ra_kind = FT_CFI_AT_REG, .ra_reg = 7, .ra_words = 21, .signal = 1});
	/* Another signal frame, in a form of its own. */
	assert_rule(rule_at(&t, 16), (struct ft_cfi_rule){REG(7, 8), RA, .signal = 1});
	ft_cfi_fini(&t);
	free(a);
}

static void test_order_and_gaps(void **state)
{
	static const u8 deep[] = {0x0e, 32};
	struct cfi_asm *a = asm_new(false);
	struct ft_cfi_table t;
	size_t cie = asm_cie(a);

	(void)state;
	asm_fde(a, cie, 0x300, 0x20, NULL, 0);
	asm_fde(a, cie, 0x100, 0x20, NULL, 0);
	asm_fde(a, cie, 0x12f, 0x11, deep, sizeof(deep)); /* 15 bytes after: padding */
	asm_fde(a, cie, 0x150, 0x10, NULL, 0);		  /* 16 bytes after: nothing */
	assert_int_equal(build(a, &t), 0);
	assert_int_equal(t.base, CFI_CODE + 0x100);
	assert_rule(rule_at(&t, 0x100), plain_rule(7, 8));
	assert_rule(rule_at(&t, 0x12e), plain_rule(7, 8));
	assert_rule(rule_at(&t, 0x12f), plain_rule(7, 32));
	assert_rule(rule_at(&t, 0x13f), plain_rule(7, 32));
	assert_ptr_equal(rule_at(&t, 0x140), &t.rules[FT_CFI_RULE_NONE]);
	assert_ptr_equal(rule_at(&t, 0x14f), &t.rules[FT_CFI_RULE_NONE]);
	assert_rule(rule_at(&t, 0x150), plain_rule(7, 8));
	assert_ptr_equal(rule_at(&t, 0x2ff), &t.rules[FT_CFI_RULE_NONE]);
	assert_rule(rule_at(&t, 0x31f), plain_rule(7, 8));
	assert_int_equal(t.row_count, 6);
	ft_cfi_fini(&t);
	free(a);
}

/* Neighbours that say the same are one row, also across functions. */
static void test_merging(void **state)
{
	static const u8 same[] = {0x41, 0x0e, 8, 0x41, 0x8c, 2, 0x41, 0x0e, 8};
	struct cfi_asm *a = asm_new(false);
	struct ft_cfi_table t;
	size_t cie = asm_cie(a);

	(void)state;
	for (u32 i = 0; i < 100; i++)
		asm_fde(a, cie, i * 16, 16, same, sizeof(same));
	assert_int_equal(build(a, &t), 0);
	assert_int_equal(t.row_count, 1);
	assert_int_equal(t.rule_count, 3);
	assert_int_equal(t.stats.fdes, 100);
	assert_int_equal(t.stats.source_rows, 400);
	ft_cfi_fini(&t);
	free(a);
}

static void test_overlap(void **state)
{
	static const u8 ten[] = {0x0e, 10}, twenty[] = {0x0e, 20, 0x50, 0x0e, 21, 0x50, 0x0e, 22}, thirty[] = {0x0e, 30};
	struct cfi_asm *a = asm_new(false);
	struct ft_cfi_table t;
	size_t cie = asm_cie(a);

	(void)state;
	asm_fde(a, cie, 0x10, 0x30, twenty, sizeof(twenty)); /* of it remains what is from 0x28 on */
	asm_fde(a, cie, 0, 0x28, ten, sizeof(ten));
	asm_fde(a, cie, 0x18, 8, thirty, sizeof(thirty)); /* nothing remains */
	asm_fde(a, cie, 0, 0x40, thirty, sizeof(thirty)); /* starts with another, stands behind it */
	assert_int_equal(build(a, &t), 0);
	assert_int_equal(t.stats.fdes, 4);
	assert_int_equal(t.stats.fdes_overlapping, 3);
	assert_rule(rule_at(&t, 0), plain_rule(7, 10));
	assert_rule(rule_at(&t, 0x27), plain_rule(7, 10));
	assert_rule(rule_at(&t, 0x28), plain_rule(7, 30));
	assert_rule(rule_at(&t, 0x3f), plain_rule(7, 30));
	ft_cfi_fini(&t);
	a->len = 0;
	cie = asm_cie(a);
	asm_fde(a, cie, 0x10, 0x30, twenty, sizeof(twenty));
	asm_fde(a, cie, 0, 0x28, ten, sizeof(ten));
	assert_int_equal(build(a, &t), 0);
	assert_rule(rule_at(&t, 0x27), plain_rule(7, 10));
	assert_rule(rule_at(&t, 0x28), plain_rule(7, 21));
	assert_rule(rule_at(&t, 0x30), plain_rule(7, 22));
	ft_cfi_fini(&t);
	free(a);
}

/* One CIE and one FDE with addresses in an encoding. */
static int build_encoded(u8 encoding, const void *start, const void *bytes, size_t len, struct ft_cfi_table *t)
{
	struct cfi_asm *a = asm_new(false);
	size_t cie = asm_cie_aug(a, "zR", &encoding, 1, 16, "\x0c\x07\x08\x90\x01", 5), at = asm_fde_head(a, cie);
	int code;

	asm_put(a, start, len);
	asm_put(a, bytes, len);
	asm_uleb(a, 0);
	asm_end(a, at);
	code = build(a, t);
	free(a);
	return code;
}

static void test_encodings(void **state)
{
	u64 wide = CFI_CODE + 0x40, wide_bytes = 0x20;
	u32 word = CFI_CODE + 0x40, word_bytes = 0x20;
	u16 half = 0x1040, half_bytes = 0x20;
	struct ft_cfi_table t;
	static const struct {
		u8 encoding;
		int code;
	} wides[] = {{0x00, 0}, {0x04, 0}, {0x0c, 0}, {0x80, -EBADMSG}, {0x20, -EBADMSG}, {0x40, -EBADMSG},
		     {0x50, -EBADMSG}, {0x0f, -EBADMSG}, {0xff, -EBADMSG}};

	(void)state;
	for (size_t i = 0; i < FT_ARRAY_LEN(wides); i++) {
		assert_int_equal(build_encoded(wides[i].encoding, &wide, &wide_bytes, 8, &t), wides[i].code);
		if (!wides[i].code) {
			assert_rule(rule_at(&t, 0x40), plain_rule(7, 8));
			ft_cfi_fini(&t);
		}
	}
	assert_int_equal(build_encoded(0x03, &word, &word_bytes, 4, &t), 0);
	assert_rule(rule_at(&t, 0x5f), plain_rule(7, 8));
	ft_cfi_fini(&t);
	/* The code of these files is not where two bytes reach. */
	assert_int_equal(build_encoded(0x02, &half, &half_bytes, 2, &t), -ENODATA);
	assert_int_equal(build_encoded(0x01, "\xc0\xa0\x80\x02", "\x20\x20\x20\x20", 4, &t), 0);
	assert_rule(rule_at(&t, 0x40), plain_rule(7, 8));
	ft_cfi_fini(&t);
}

/* Personality, language data, signal and address encoding in one string, and strings that nobody knows. */
static void test_augmentations(void **state)
{
	static const struct {
		const char *text, *data;
		size_t len;
		int code;
	} cases[] = {
		{"zPLR", "\x9b\0\0\0\0\x1b\x1b", 7, 0},
		{"zRPL", "\x1b\x00\0\0\0\0\0\0\0\0\x1b", 11, 0},
		{"zRX", "\x1bmore", 5, 0},
		{"zRS", "\x1b", 1, 0},
		{"zR", "\x1bmore", 5, 0},
		{"zPR", "\x9b\0", 2, -EBADMSG},
		{"X", "", 0, -EBADMSG},
	};
	struct ft_cfi_table t;

	(void)state;
	for (size_t i = 0; i < FT_ARRAY_LEN(cases); i++) {
		struct cfi_asm *a = asm_new(false);
		size_t cie = asm_cie_aug(a, cases[i].text, cases[i].data, cases[i].len, 16, "\x0c\x07\x08\x90\x01", 5);

		asm_fde(a, cie, 0, 16, "", 1);
		assert_int_equal(build(a, &t), cases[i].code);
		if (!cases[i].code) {
			assert_int_equal(rule_at(&t, 0)->cfa_offset, 8);
			assert_int_equal(rule_at(&t, 0)->signal, i == 3);
			ft_cfi_fini(&t);
		}
		free(a);
	}
}

static void test_no_sections(void **state)
{
	struct cfi_asm *a = asm_new(false);
	struct ft_cfi_table t;
	size_t cie = asm_cie(a);

	(void)state;
	asm_fde(a, cie, 0x40, 0x20, NULL, 0);
	asm_u32(a, 0);
	asm_fde(a, cie, 0x80, 0x20, NULL, 0);
	assert_int_equal(build_image(&(struct cfi_image_opts){.eh = a->bytes, .eh_bytes = a->len, .no_sections = true},
				     &t), 0);
	assert_rule(rule_at(&t, 0x40), plain_rule(7, 8));
	assert_int_equal(t.stats.fdes, 1); /* the zero word ends it */
	ft_cfi_fini(&t);
	/* With a section header the end is known, and a zero word ends nothing. */
	assert_int_equal(build_image(&(struct cfi_image_opts){.eh = a->bytes, .eh_bytes = a->len,
							      .eh_type = SHT_X86_64_UNWIND}, &t), 0);
	assert_int_equal(t.stats.fdes, 2);
	ft_cfi_fini(&t);
	free(a);
}

static void test_debug_frame(void **state)
{
	static const u8 deep[] = {0x0e, 32};
	struct cfi_asm *eh = asm_new(false), *debug = asm_new(true);
	struct ft_cfi_table t;
	size_t cie = asm_cie(eh), at;

	(void)state;
	asm_fde(eh, cie, 0x100, 0x40, NULL, 0);
	/* The CIE may stand behind what names it. */
	at = asm_fde_head(debug, 28);
	asm_u64(debug, CFI_CODE + 0x180);
	asm_u64(debug, 0x10);
	asm_end(debug, at);
	assert_int_equal(debug->len, 24);
	asm_u32(debug, 0);
	assert_int_equal(asm_cie(debug), 28);
	asm_fde(debug, 28, 0x120, 0x40, deep, sizeof(deep)); /* touches one of .eh_frame */
	asm_fde(debug, 28, 0x140, 0x10, deep, sizeof(deep));
	asm_fde(debug, 28, (u32)-CFI_CODE, 0x10, deep, sizeof(deep)); /* what the linker dropped stands at 0 */
	assert_int_equal(build_image(&(struct cfi_image_opts){.eh = eh->bytes, .eh_bytes = eh->len,
							      .debug = debug->bytes, .debug_bytes = debug->len}, &t), 0);
	assert_rule(rule_at(&t, 0x100), plain_rule(7, 8));
	assert_rule(rule_at(&t, 0x13f), plain_rule(7, 8));
	assert_rule(rule_at(&t, 0x140), plain_rule(7, 32));
	assert_rule(rule_at(&t, 0x180), plain_rule(7, 8));
	assert_ptr_equal(rule_at(&t, 0x150), &t.rules[FT_CFI_RULE_NONE]);
	assert_int_equal(t.stats.fdes, 3);
	assert_int_equal(t.stats.fdes_debug_frame, 2);
	assert_true(t.stats.fdes_outside);
	ft_cfi_fini(&t);
	free(debug);
	free(eh);
}

/* A section as gABI compresses it: method, size, alignment, contents. */
static size_t compress_section(const struct cfi_asm *a, u32 method, u8 *out, size_t cap)
{
	Elf64_Chdr header = {.ch_type = method, .ch_size = a->len, .ch_addralign = 8};
	uLongf len = cap - sizeof(header);

	memcpy(out, &header, sizeof(header));
	if (method == ELFCOMPRESS_ZLIB)
		assert_int_equal(compress(out + sizeof(header), &len, a->bytes, a->len), Z_OK);
	else
		len = ZSTD_compress(out + sizeof(header), len, a->bytes, a->len, 1);
	return sizeof(header) + len;
}

static void test_compressed(void **state)
{
	struct cfi_asm *a = asm_new(true);
	struct cfi_image_opts opts = {.debug_flags = SHF_COMPRESSED};
	struct ft_cfi_table t;
	size_t cie = asm_cie(a), len;
	u8 out[4096];

	(void)state;
	for (u32 i = 0; i < 50; i++)
		asm_fde(a, cie, i * 0x40, 0x20, NULL, 0);
	opts.debug = out;
	for (u32 method = 1; method <= 2; method++) {
		opts.debug_bytes = compress_section(a, method, out, sizeof(out));
		assert_int_equal(build_image(&opts, &t), 0);
		assert_int_equal(t.stats.fdes_debug_frame, 50);
		assert_rule(rule_at(&t, 49 * 0x40), plain_rule(7, 8));
		ft_cfi_fini(&t);
		opts.debug_bytes -= 8; /* cut off */
		assert_int_equal(build_image(&opts, &t), -ENODATA);
	}
	opts.debug_bytes = compress_section(a, ELFCOMPRESS_ZLIB, out, sizeof(out));
	out[0] = 3; /* unknown method */
	assert_int_equal(build_image(&opts, &t), -ENODATA);
	out[0] = 1;
	memset(out + 8, 0xff, 8); /* claims to be huge */
	assert_int_equal(build_image(&opts, &t), -ENODATA);
	/* As old tools did it: "ZLIB" and the size in 8 bytes, the highest first. */
	len = compress_section(a, ELFCOMPRESS_ZLIB, out, sizeof(out)) - sizeof(Elf64_Chdr);
	memmove(out + 12, out + sizeof(Elf64_Chdr), len);
	memcpy(out, "ZLIB\0\0\0\0\0\0", 10);
	out[10] = (u8)(a->len >> 8);
	out[11] = (u8)a->len;
	opts = (struct cfi_image_opts){.debug = out, .debug_bytes = 12 + len, .debug_name = ".zdebug_frame"};
	assert_int_equal(build_image(&opts, &t), 0);
	assert_int_equal(t.stats.fdes_debug_frame, 50);
	ft_cfi_fini(&t);
	free(a);
}

/* Puts count functions with a rule of their own each; every hundredth has a twin with the last rule. */
static void many_rules(struct cfi_asm *a, u32 count)
{
	size_t cie = asm_cie(a);

	for (u32 i = 0; i < count; i++) {
		u8 code[] = {0x0e, (u8)(0x80 | (i & 0x7f)), (u8)(0x80 | (i >> 7 & 0x7f)), (u8)(i >> 14), 0x44, 0x0e,
			     (u8)(0x80 | (count & 0x7f)), (u8)(0x80 | (count >> 7 & 0x7f)), (u8)(count >> 14)};

		asm_fde(a, cie, i * 8, 8, code, i % 100 ? 4 : sizeof(code));
	}
}

static void check_packed(const struct ft_cfi_table *t, u32 first_row)
{
	u32 *index = calloc(ft_cfi_index_count(t), sizeof(*index));
	u16 *rows = calloc(first_row + t->packed_count, sizeof(*rows));

	assert_non_null(index);
	assert_non_null(rows);
	ft_cfi_pack(t, first_row, index, rows + first_row);
	assert_int_equal(index[ft_cfi_index_count(t) - 1], first_row + t->packed_count);
	for (u32 pc = 0; pc < t->span; pc++) {
		u32 rule = ft_cfi_packed_find(index, rows, pc);

		assert_ptr_equal(&t->rules[rule], ft_cfi_find(t, t->base + pc));
	}
	free(rows);
	free(index);
}

static void test_pack(void **state)
{
	struct cfi_asm *a = asm_new(false);
	struct ft_cfi_table t;

	(void)state;
	many_rules(a, 3000);
	asm_fde(a, 0, 0x9000, 8, NULL, 0); /* behind granules without rows */
	assert_int_equal(build(a, &t), 0);
	assert_int_equal(t.rule_count, 3000 + 3 + 1);
	/* The rule of thirty rows comes first; those of one row keep their order. */
	assert_int_equal(t.rules[2].cfa_offset, 3000);
	assert_int_equal(t.rules[3].cfa_offset, 8);
	assert_int_equal(t.rules[4].cfa_offset, 0);
	assert_true(t.packed_count > t.row_count + 2700);
	assert_true(t.packed_count < t.row_count + 2800);
	check_packed(&t, 0);
	check_packed(&t, 12345);
	ft_cfi_fini(&t);
	free(a);
}

static void test_too_many_rules(void **state)
{
	struct cfi_asm *a = asm_new(false);
	struct ft_cfi_table t;

	(void)state;
	many_rules(a, FT_CFI_RULES_MAX + 100);
	assert_int_equal(build(a, &t), 0);
	assert_int_equal(t.rule_count, FT_CFI_RULES_MAX);
	assert_true(t.stats.rules_full);
	assert_true(t.stats.bad_rows);
	assert_ptr_equal(rule_at(&t, (FT_CFI_RULES_MAX + 99) * 8), &t.rules[FT_CFI_RULE_BAD]);
	check_packed(&t, 0);
	ft_cfi_fini(&t);
	free(a);
}

static void test_errors(void **state)
{
	struct cfi_asm *a = asm_new(false);
	struct ft_cfi_table t = {.base = 42};

	(void)state;
	assert_int_equal(build(a, &t), -ENODATA);
	assert_int_equal(build_image(&(struct cfi_image_opts){.machine = EM_386}, &t), -ENOTSUP);
	asm_cie(a);
	assert_int_equal(build(a, &t), -ENODATA);
	asm_fde(a, 4, 0, 16, NULL, 0); /* names no CIE */
	assert_int_equal(build(a, &t), -EBADMSG);
	assert_int_equal(t.base, 42);
	free(a);
}

/* What is damaged costs the function, or from a damaged length on the rest. */
static void test_damage(void **state)
{
	struct cfi_asm *a = asm_new(false);
	struct ft_cfi_table t;
	size_t cie = asm_cie(a);

	(void)state;
	asm_fde(a, cie, 0, 0x20, "\x0e\x10\x48\x3f", 4); /* unknown instruction after 8 bytes */
	asm_fde(a, cie, 0x20, 0x20, NULL, 0);
	asm_fde(a, cie, CFI_TEXT - 8, 0x20, NULL, 0); /* ends behind the code */
	asm_fde(a, cie, 0x60, 0, NULL, 0);	      /* no bytes */
	asm_fde(a, cie + 2, 0x70, 0x20, NULL, 0);     /* no CIE there */
	asm_fde(a, cie, 0x40, 0x20, NULL, 0);
	asm_u32(a, 0x10000000);
	asm_fde(a, cie, 0x80, 0x20, NULL, 0);
	assert_int_equal(build(a, &t), 0);
	assert_int_equal(t.stats.fdes, 3);
	assert_int_equal(t.stats.fdes_outside, 2);
	assert_int_equal(t.stats.fdes_damaged, 2);
	assert_rule(rule_at(&t, 7), plain_rule(7, 16));
	assert_ptr_equal(rule_at(&t, 8), &t.rules[FT_CFI_RULE_BAD]);
	assert_ptr_equal(rule_at(&t, 0x1f), &t.rules[FT_CFI_RULE_BAD]);
	assert_rule(rule_at(&t, 0x20), plain_rule(7, 8));
	assert_rule(rule_at(&t, 0x5f), plain_rule(7, 8));
	assert_int_equal(t.span, 0x60);
	ft_cfi_fini(&t);
	free(a);
}

/* 64 states can be remembered; one more is damage. */
static void test_remember_limit(void **state)
{
	u8 code[70];
	struct ft_cfi_table t;

	(void)state;
	memset(code, 0x0a, sizeof(code));
	for (size_t count = 64; count <= 65; count++) {
		struct cfi_asm *a = asm_new(false);

		asm_fde(a, asm_cie(a), 0, 0x20, code, count);
		assert_int_equal(build(a, &t), 0);
		assert_int_equal(rule_at(&t, 0)->cfa_kind, count == 64 ? FT_CFI_CFA_REG : FT_CFI_CFA_BAD);
		ft_cfi_fini(&t);
		free(a);
	}
}

/* DW_CFA_set_loc takes an address in the CIE's encoding, and only goes forward. */
static void test_set_loc(void **state)
{
	struct ft_cfi_table t;

	(void)state;
	for (int back = 0; back < 2; back++) {
		struct cfi_asm *a = asm_new(false);
		size_t cie = asm_cie(a), at = asm_fde_head(a, cie);

		asm_u32(a, (u32)(CFI_CODE - (CFI_EH + a->len)));
		asm_u32(a, 0x40);
		asm_put(a, "\0\x48\x0e\x10\x01", 5);
		asm_u32(a, (u32)(CFI_CODE + (back ? 4 : 0x20) - (CFI_EH + a->len)));
		asm_put(a, "\x0e\x18", 2);
		asm_end(a, at);
		assert_int_equal(build(a, &t), 0);
		assert_int_equal(rule_at(&t, 7)->cfa_offset, 8);
		if (back) {
			assert_ptr_equal(rule_at(&t, 8), &t.rules[FT_CFI_RULE_BAD]);
		} else {
			assert_int_equal(rule_at(&t, 0x1f)->cfa_offset, 16);
			assert_int_equal(rule_at(&t, 0x20)->cfa_offset, 24);
		}
		ft_cfi_fini(&t);
		free(a);
	}
}

/* The vDSO of this very process: an ELF image that is only in memory. */
static void test_vdso(void **state)
{
	const u8 *image = (const u8 *)getauxval(AT_SYSINFO_EHDR);
	struct ft_cfi_table t;
	struct ft_elf *elf;

	(void)state;
	if (!image)
		skip();
	/* Two pages at least are mapped; what is beyond is not read. */
	assert_int_equal(ft_elf_open_memory(image, 8192, &elf), 0);
	assert_int_equal(ft_cfi_build(elf, &t, NULL), 0);
	assert_true(t.row_count > 10);
	assert_int_equal(t.stats.bad_rows, 0);
	check_packed(&t, 0);
	ft_cfi_fini(&t);
	ft_elf_close(elf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_function),      cmocka_unit_test(test_x86_instructions),
		cmocka_unit_test(test_aarch64_instructions), cmocka_unit_test(test_expressions),
		cmocka_unit_test(test_signal_frame),  cmocka_unit_test(test_order_and_gaps),
		cmocka_unit_test(test_merging),	      cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_encodings),     cmocka_unit_test(test_augmentations),
		cmocka_unit_test(test_no_sections),   cmocka_unit_test(test_debug_frame),
		cmocka_unit_test(test_compressed),    cmocka_unit_test(test_pack),
		cmocka_unit_test(test_too_many_rules), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_damage),	      cmocka_unit_test(test_remember_limit),
		cmocka_unit_test(test_set_loc),	      cmocka_unit_test(test_vdso),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

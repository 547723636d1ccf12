/*
 * test_cfi_ops.c - every instruction of call frame information, and the forms of expressions: what
 * rule they lead to.
 */
#include <stdio.h>

#include "tests/unit/cfi_build.h"

/* Instructions of a function of 100 bytes, and the rule at its last byte. */
struct op_case {
	const char *name;
	u8 code[40];
	size_t len;
	struct ft_cfi_rule rule;
};

#define CASE(NAME, RULE, ...)                                          \
	{                                                              \
		NAME, {__VA_ARGS__}, sizeof((u8[]){__VA_ARGS__}), RULE \
	}
#define R(...)              \
	{                   \
		__VA_ARGS__ \
	}

static const struct op_case x86_cases[] = {
	CASE("nop", R(REG(7, 8), RA), 0),
	CASE("def_cfa", R(REG(3, 300), RA), 0x0c, 3, 0xac, 2),
	CASE("def_cfa_sf", R(REG(6, -16), RA), 0x12, 6, 2),
	CASE("def_cfa_register", R(REG(12, 8), RA), 0x0d, 12),
	CASE("def_cfa_offset", R(REG(7, 24), RA), 0x0e, 24),
	CASE("def_cfa_offset_sf", R(REG(7, 40), RA), 0x13, 0x7b),
	CASE("leb of many bytes", R(REG(7, 24), RA), 0x0e, 0x98, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
	     0x80, 0x80, 0x80, 0x80, 0x80, 0),
	CASE("largest offset", R(REG(7, INT32_MAX), RA), 0x0e, 0xff, 0xff, 0xff, 0xff, 7),
	CASE("offset too large", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0e, 0x80, 0x80, 0x80, 0x80, 8),
	CASE("offset too large, then not", R(REG(7, 16), RA), 0x0e, 0x80, 0x80, 0x80, 0x80, 8, 0x41,
	     0x0e, 16),
	CASE("CFA from rip", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0d, 16),
	CASE("CFA from an xmm", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0d, 39),
	CASE("offset rbp", R(REG(7, 8), RA, .fp_kind = FT_CFI_AT_CFA, .fp_words = -2), 0x86, 2),
	CASE("offset rbx", R(REG(7, 8), RA, .bx_kind = FT_CFI_AT_CFA, .bx_words = -3), 0x83, 3),
	CASE("offset r12 is of no interest", R(REG(7, 8), RA), 0x8c, 3),
	CASE("offset_extended", R(REG(7, 8), RA, .fp_kind = FT_CFI_AT_CFA, .fp_words = -200), 0x05,
	     6, 0xc8, 1),
	CASE("offset_extended_sf", R(REG(7, 8), RA, .fp_kind = FT_CFI_AT_CFA, .fp_words = 2), 0x11,
	     6, 0x7e),
	CASE("GNU_negative_offset_extended",
	     R(REG(7, 8), RA, .fp_kind = FT_CFI_AT_CFA, .fp_words = 2), 0x2f, 6, 2),
	CASE("lowest place of fp",
	     R(REG(7, 8), RA, .fp_kind = FT_CFI_AT_CFA, .fp_words = INT16_MIN), 0x86, 0x80, 0x80,
	     2),
	CASE("fp too far away", R(REG(7, 8), RA, .fp_kind = FT_CFI_LOST), 0x86, 0x81, 0x80, 2),
	CASE("bx too far away", R(REG(7, 8), RA, .bx_kind = FT_CFI_LOST), 0x83, 0x81, 0x80, 2),
	CASE("return address too far away", R(.cfa_kind = FT_CFI_CFA_BAD), 0x90, 0x81, 0x80, 2),
	CASE("factor overflows", R(REG(7, 8), RA, .fp_kind = FT_CFI_LOST), 0x86, 0x80, 0x80, 0x80,
	     0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1),
	CASE("restore", R(REG(7, 8), RA), 0x86, 2, 0x83, 3, 0x41, 0xc6, 0xc3),
	CASE("restore_extended", R(REG(7, 8), RA), 0x90, 4, 0x86, 2, 0x41, 0x06, 6, 0x06, 16),
	CASE("undefined rbp", R(REG(7, 8), RA, .fp_kind = FT_CFI_LOST), 0x07, 6),
	CASE("undefined rip: the root", R(REG(7, 8), .ra_kind = FT_CFI_ROOT), 0x07, 16),
	CASE("undefined r12 is of no interest", R(REG(7, 8), RA), 0x07, 12, 0x07, 40),
	CASE("same_value rbp", R(REG(7, 8), RA), 0x86, 2, 0x41, 0x08, 6),
	CASE("same_value rip", R(.cfa_kind = FT_CFI_CFA_BAD), 0x08, 16),
	CASE("rip in rdi, as in vfork", R(REG(7, 8), .ra_kind = FT_CFI_IN_REG, .ra_reg = 5), 0x09,
	     16, 5),
	CASE("rip in rcx, as in eh_return", R(REG(2, 0), .ra_kind = FT_CFI_IN_REG, .ra_reg = 2),
	     0x0c, 2, 0, 0x09, 16, 2),
	CASE("rax saved, rbp taken back, as in eh_return", R(REG(2, 8), RA, .signal = 1), 0x86, 2,
	     0x81, 8, 0x80, 9, 0x41, 0xc6, 0x0c, 2, 8),
	CASE("the same, before", R(REG(7, 8), RA, .fp_kind = FT_CFI_AT_CFA, .fp_words = -2), 0x86,
	     2, 0x80, 9, 0x41, 0x0a, 0x41, 0xc6, 0x41, 0x0b),
	CASE("rbp taken back alone", R(REG(7, 8), RA), 0x86, 2, 0x81, 8, 0x41, 0xc6),
	CASE("rbp in r9", R(REG(7, 8), RA, .fp_kind = FT_CFI_IN_REG, .fp_reg = 9), 0x09, 6, 9),
	CASE("rbp in an xmm", R(REG(7, 8), RA, .fp_kind = FT_CFI_LOST), 0x09, 6, 17),
	CASE("rbx in r8", R(REG(7, 8), RA, .bx_kind = FT_CFI_LOST), 0x09, 3, 8),
	CASE("val_offset rbp", R(REG(7, 8), RA, .fp_kind = FT_CFI_IS_CFA, .fp_words = -4), 0x14, 6,
	     4),
	CASE("val_offset_sf rbp", R(REG(7, 8), RA, .fp_kind = FT_CFI_IS_CFA, .fp_words = 1), 0x15,
	     6, 0x7f),
	CASE("val_offset rip", R(.cfa_kind = FT_CFI_CFA_BAD), 0x14, 16, 1),
	CASE("val_offset rsp 0", R(REG(7, 8), RA), 0x14, 7, 0),
	CASE("val_offset rsp 8", R(.cfa_kind = FT_CFI_CFA_BAD), 0x14, 7, 1),
	CASE("remember and restore", R(REG(7, 8), RA), 0x0a, 0x0e, 16, 0x86, 2, 0x07, 16, 0x41,
	     0x0b),
	CASE("remember and restore, nested", R(REG(7, 16), RA), 0x0e, 16, 0x0a, 0x41, 0x0e, 24,
	     0x0a, 0x41, 0x0e, 32, 0x41, 0x0b, 0x41, 0x0b),
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
	CASE("longjmp",
	     R(REG(8, 0), .fp_kind = FT_CFI_IN_REG, .fp_reg = 9, .ra_kind = FT_CFI_IN_REG,
	       .ra_reg = 1, .bx_kind = FT_CFI_LOST),
	     0x0c, 5, 0, 0x09, 7, 8, 0x09, 6, 9, 0x09, 16, 1, 0x11, 3, 0),
	CASE("setcontext",
	     R(.cfa_kind = FT_CFI_CFA_DEREF, .cfa_reg = 1, .cfa_offset = 160,
	       .fp_kind = FT_CFI_AT_REG, .fp_reg = 1, .fp_words = 15, .ra_kind = FT_CFI_AT_REG,
	       .ra_reg = 1, .ra_words = 21),
	     0x0c, 1, 0, 0x11, 6, 0x71, 0x11, 7, 0x6c, 0x11, 16, 0x6b),
};

static void check_cases(u16 machine, size_t cie_len, const u8 *cie_code, u8 ra,
			const char *augmentation, const struct op_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct cfi_asm *a = asm_new(false);
		struct ft_cfi_table t;
		size_t cie = asm_cie_aug(a, augmentation, "\x1b", 1, ra, cie_code, cie_len);

		asm_fde(a, cie, 0, 100, cases[i].code, cases[i].len);
		assert_int_equal(build_image(&(struct cfi_image_opts){.machine = machine,
								      .eh = a->bytes,
								      .eh_bytes = a->len},
					     &t),
				 0);
		if (memcmp(rule_at(&t, 99), &cases[i].rule, sizeof(cases[i].rule)))
			print_error("case \"%s\"\n", cases[i].name);
		assert_rule(rule_at(&t, 99), cases[i].rule);
		assert_int_equal(t.stats.bad_rows,
				 cases[i].rule.cfa_kind == FT_CFI_CFA_BAD ||
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
	CASE("leaf: return address in lr", R(REG(31, 0), .ra_kind = FT_CFI_IN_REG, .ra_reg = 30),
	     0),
	CASE("stp x29, x30, [sp, -32]!",
	     R(REG(31, 32), .fp_kind = FT_CFI_AT_CFA, .fp_words = -4, .ra_kind = FT_CFI_AT_CFA,
	       .ra_words = -3),
	     0x41, 0x0e, 32, 0x9d, 4, 0x9e, 3),
	CASE("CFA from x29",
	     R(REG(29, 32), .fp_kind = FT_CFI_AT_CFA, .fp_words = -4, .ra_kind = FT_CFI_AT_CFA,
	       .ra_words = -3),
	     0x0e, 32, 0x9d, 4, 0x9e, 3, 0x41, 0x0d, 29),
	CASE("CFA from x16", R(REG(16, 8), .ra_kind = FT_CFI_IN_REG, .ra_reg = 30), 0x0c, 16, 8),
	CASE("signed return address",
	     R(REG(31, 16), .ra_kind = FT_CFI_AT_CFA, .ra_words = -1, .ra_signed = 1), 0x2d, 0x41,
	     0x0e, 16, 0x9e, 1),
	CASE("signed and no longer", R(REG(31, 0), .ra_kind = FT_CFI_IN_REG, .ra_reg = 30), 0x2d,
	     0x41, 0x2d),
	CASE("remembered with the state",
	     R(REG(31, 0), .ra_kind = FT_CFI_IN_REG, .ra_reg = 30, .ra_signed = 1), 0x2d, 0x0a,
	     0x41, 0x2d, 0x41, 0x0b),
	CASE("restore of lr", R(REG(31, 0), .ra_kind = FT_CFI_IN_REG, .ra_reg = 30), 0x9e, 1, 0x41,
	     0xde),
	CASE("undefined lr: the root", R(REG(31, 0), .ra_kind = FT_CFI_ROOT), 0x07, 30),
	CASE("x3 is not rbx", R(REG(31, 0), .ra_kind = FT_CFI_IN_REG, .ra_reg = 30), 0x83, 2),
};

static const struct op_case in_x15 =
	CASE("x15", R(REG(31, 0), .ra_kind = FT_CFI_IN_REG, .ra_reg = 15), 0);

static void test_aarch64_instructions(void **state)
{
	static const u8 cie[] = {0x0c, 31, 0};

	(void)state;
	check_cases(EM_AARCH64, sizeof(cie), cie, 30, "zR", arm_cases, FT_ARRAY_LEN(arm_cases));
	/* glibc's rawmemchr: the return address is in x15. */
	check_cases(EM_AARCH64, sizeof(cie), cie, 15, "zR", &in_x15, 1);
	/* B: signed by the other key; nothing follows in the data. */
	check_cases(EM_AARCH64, sizeof(cie), cie, 30, "zRB", arm_cases, FT_ARRAY_LEN(arm_cases));
}

static const struct op_case expr_cases[] = {
	CASE("PLT", R(.cfa_kind = FT_CFI_CFA_PLT, .cfa_reg = 7, .cfa_offset = 8, .cfa_add = 11, RA),
	     0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22),
	CASE("PLT with another stub",
	     R(.cfa_kind = FT_CFI_CFA_PLT, .cfa_reg = 7, .cfa_offset = 8, .cfa_add = 5, RA), 0x0f,
	     11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x35, 0x2a, 0x33, 0x24, 0x22),
	CASE("like PLT but not", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0f, 11, 0x77, 8, 0x80, 0, 0x3f,
	     0x1a, 0x3b, 0x2a, 0x34, 0x24, 0x22),
	CASE("DRAP",
	     R(.cfa_kind = FT_CFI_CFA_DEREF, .cfa_reg = 6, .cfa_offset = -24,
	       .fp_kind = FT_CFI_AT_REG, .fp_reg = 6, .bx_kind = FT_CFI_AT_REG, .bx_words = -5, RA),
	     0x0f, 3, 0x76, 0x68, 0x06, 0x10, 6, 2, 0x76, 0, 0x10, 3, 2, 0x76, 0x58),
	CASE("deref plus",
	     R(.cfa_kind = FT_CFI_CFA_DEREF, .cfa_reg = 7, .cfa_offset = 88, .cfa_add = 8, RA),
	     0x0f, 6, 0x77, 0xd8, 0, 0x06, 0x23, 8),
	CASE("deref minus",
	     R(.cfa_kind = FT_CFI_CFA_DEREF, .cfa_reg = 7, .cfa_offset = 16, .cfa_add = -8, RA),
	     0x0f, 5, 0x77, 16, 0x06, 0x38, 0x1c),
	CASE("indexed",
	     R(.cfa_kind = FT_CFI_CFA_INDEXED, .cfa_reg = 7, .cfa_offset = 8, .cfa_index = 9,
	       .cfa_add = 8, RA),
	     0x0f, 10, 0x77, 8, 0x79, 0, 0x38, 0x1e, 0x22, 0x06, 0x23, 8),
	CASE("indexed by a shift, the other way round",
	     R(.cfa_kind = FT_CFI_CFA_INDEXED, .cfa_reg = 7, .cfa_index = 9, .cfa_add = 8, RA),
	     0x0f, 10, 0x79, 0, 0x33, 0x24, 0x77, 0, 0x22, 0x06, 0x23, 8),
	CASE("register by an expression", R(REG(10, -8), RA), 0x0f, 2, 0x7a, 0x78),
	CASE("register by bregx", R(REG(10, -8), RA), 0x0f, 3, 0x92, 10, 0x78),
	CASE("constants", R(REG(7, 300 - 2), RA), 0x0f, 8, 0x77, 0, 0x0a, 0x2c, 1, 0x22, 0x32,
	     0x1c),
	CASE("fp relative to the CFA by an expression",
	     R(REG(7, 8), RA, .fp_kind = FT_CFI_AT_CFA, .fp_words = 3), 0x10, 6, 2, 0x23, 24),
	CASE("fp not at a word", R(REG(7, 8), RA, .fp_kind = FT_CFI_LOST), 0x10, 6, 2, 0x77, 4),
	CASE("fp in two steps", R(REG(7, 8), RA, .fp_kind = FT_CFI_LOST), 0x10, 6, 3, 0x77, 8,
	     0x06),
	CASE("bx relative to rsp", R(REG(7, 8), RA, .bx_kind = FT_CFI_LOST), 0x10, 3, 2, 0x77, 8),
	CASE("return address at a register",
	     R(REG(7, 8), .ra_kind = FT_CFI_AT_REG, .ra_reg = 7, .ra_words = 2), 0x10, 16, 2, 0x77,
	     16),
	CASE("return address in two steps", R(.cfa_kind = FT_CFI_CFA_BAD), 0x10, 16, 3, 0x77, 16,
	     0x06),
	CASE("value of rsp, as GHC says it",
	     R(REG(7, 16440), .ra_kind = FT_CFI_AT_REG, .ra_reg = 7), 0x16, 7, 4, 0x77, 0xb8, 0x80,
	     1, 0x16, 7, 4, 0x77, 0xb8, 0x80, 1),
	CASE("value of rbp", R(REG(7, 8), RA, .fp_kind = FT_CFI_LOST), 0x16, 6, 2, 0x77, 8),
	CASE("added constant too large", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0f, 7, 0x77, 0, 0x06,
	     0x23, 0x80, 0x80, 4),
	CASE("branch", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0f, 5, 0x77, 8, 0x2f, 0xfd, 0xff),
	CASE("empty expression", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0f, 0),
	CASE("stack overflow", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0f, 12, 0x30, 0x30, 0x30, 0x30,
	     0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x77, 0),
	CASE("stack underflow", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0f, 2, 0x22, 0x06),
	CASE("longer than its function", R(.cfa_kind = FT_CFI_CFA_BAD), 0x0f, 30, 0x77, 8),
	CASE("register after an expression, as libgcrypt has it", R(REG(7, 8), RA), 0x0f, 3, 0x76,
	     0x68, 0x06, 0x41, 0x0d, 7),
	CASE("offset after an expression waits",
	     R(.cfa_kind = FT_CFI_CFA_DEREF, .cfa_reg = 6, .cfa_offset = -24, RA), 0x0f, 3, 0x76,
	     0x68, 0x06, 0x41, 0x0e, 32),
	CASE("offset and register after an expression", R(REG(7, 32), RA), 0x0f, 3, 0x76, 0x68,
	     0x06, 0x41, 0x0e, 32, 0x0d, 7),
};

static void test_expressions(void **state)
{
	static const u8 cie[] = {0x0c, 7, 8, 0x90, 1};

	(void)state;
	check_cases(EM_X86_64, sizeof(cie), cie, 16, "zR", expr_cases, FT_ARRAY_LEN(expr_cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_x86_instructions),
		cmocka_unit_test(test_aarch64_instructions),
		cmocka_unit_test(test_expressions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * cfi_build.h - builds tables from hand-made files, and rules to expect; for cmocka tests.
 */
#ifndef FT_TESTS_CFI_BUILD_H
#define FT_TESTS_CFI_BUILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sampler/cfi.h"
#include "tests/unit/cfi_asm.h"

/* Parts of rules. */
#define REG(R, O) .cfa_kind = FT_CFI_CFA_REG, .cfa_reg = (R), .cfa_offset = (O)
#define RA .ra_kind = FT_CFI_AT_CFA, .ra_words = -1

static inline int build_image(const struct cfi_image_opts *opts, struct ft_cfi_table *table)
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

static inline int build(const struct cfi_asm *eh, struct ft_cfi_table *table)
{
	return build_image(&(struct cfi_image_opts){.eh = eh->bytes, .eh_bytes = eh->len}, table);
}

static inline struct cfi_asm *asm_new(bool is_debug)
{
	struct cfi_asm *a = calloc(1, sizeof(*a));

	assert_non_null(a);
	a->is_debug = is_debug;
	return a;
}

static inline const struct ft_cfi_rule *rule_at(const struct ft_cfi_table *table, u32 pc)
{
	return ft_cfi_find(table, CFI_CODE + pc);
}

static inline void assert_rule(const struct ft_cfi_rule *rule, struct ft_cfi_rule expected)
{
	assert_memory_equal(rule, &expected, sizeof(expected));
}

/* CFA = reg + offset, return address below it, fp and bx untouched. */
static inline struct ft_cfi_rule plain_rule(u8 reg, s32 offset)
{
	return (struct ft_cfi_rule){.cfa_kind = FT_CFI_CFA_REG,
				    .cfa_reg = reg & 31u,
				    .cfa_offset = offset,
				    .ra_kind = FT_CFI_AT_CFA,
				    .ra_words = -1};
}

static inline struct ft_cfi_rule with_fp(struct ft_cfi_rule rule, u8 kind, s16 words)
{
	rule.fp_kind = kind & 7u;
	rule.fp_words = words;
	return rule;
}

#endif

/*
 * test_cfi.c - unwind tables from hand-made call frame information: sections, functions, order,
 * packed form, damage. Single instructions: test_cfi_ops.c.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <zlib.h>
#include <zstd.h>

#include "tests/unit/cfi_build.h"

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

/* What glibc says of __restore_rt: everything is in the sigcontext. */
static void test_signal_frame(void **state)
{
	static const u8 code[] = {0x0f, 4, 0x77, 0xa0, 1,    0x06, 0x10, 6,  3, 0x77, 0xf8, 0,
				  0x10, 7, 3,	 0x77, 0xa0, 1,	   0x10, 16, 3, 0x77, 0xa8, 1};
	static const u8 plain[] = {0};
	struct cfi_asm *a = asm_new(false);
	struct ft_cfi_table t;
	size_t cie = asm_cie_aug(a, "zRS", "\x1b", 1, 16, "\x0c\x07\x08\x90\x01", 5);

	(void)state;
	asm_fde(a, cie, 0, 16, code, sizeof(code));
	asm_fde(a, cie, 16, 16, plain, sizeof(plain));
	assert_int_equal(build(a, &t), 0);
	assert_rule(rule_at(&t, 0), (struct ft_cfi_rule){.cfa_kind = FT_CFI_CFA_SIGFRAME,
							 .cfa_reg = 7,
							 .cfa_offset = 160,
							 .fp_kind = FT_CFI_AT_REG,
							 .fp_reg = 7,
							 .fp_words = 15,
							 .ra_kind = FT_CFI_AT_REG,
							 .ra_reg = 7,
							 .ra_words = 21,
							 .signal = 1});
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
	static const u8 ten[] = {0x0e, 10}, twenty[] = {0x0e, 20, 0x50, 0x0e, 21, 0x50, 0x0e, 22},
			thirty[] = {0x0e, 30};
	struct cfi_asm *a = asm_new(false);
	struct ft_cfi_table t;
	size_t cie = asm_cie(a);

	(void)state;
	asm_fde(a, cie, 0x10, 0x30, twenty,
		sizeof(twenty)); /* of it remains what is from 0x28 on */
	asm_fde(a, cie, 0, 0x28, ten, sizeof(ten));
	asm_fde(a, cie, 0x18, 8, thirty, sizeof(thirty)); /* nothing remains */
	asm_fde(a, cie, 0, 0x40, thirty,
		sizeof(thirty)); /* starts with another, stands behind it */
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
static int build_encoded(u8 encoding, const void *start, const void *bytes, size_t len,
			 struct ft_cfi_table *t)
{
	struct cfi_asm *a = asm_new(false);
	size_t cie = asm_cie_aug(a, "zR", &encoding, 1, 16, "\x0c\x07\x08\x90\x01", 5),
	       at = asm_fde_head(a, cie);
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
	} wides[] = {{0x00, 0},	       {0x04, 0},	 {0x0c, 0},
		     {0x80, -EBADMSG}, {0x20, -EBADMSG}, {0x40, -EBADMSG},
		     {0x50, -EBADMSG}, {0x0f, -EBADMSG}, {0xff, -EBADMSG}};

	(void)state;
	for (size_t i = 0; i < FT_ARRAY_LEN(wides); i++) {
		assert_int_equal(build_encoded(wides[i].encoding, &wide, &wide_bytes, 8, &t),
				 wides[i].code);
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
	assert_int_equal(build_encoded(0x01, "\xc0\xa0\x80\x02", "\xa0\x80\x80\x00", 4, &t), 0);
	assert_rule(rule_at(&t, 0x40), plain_rule(7, 8));
	ft_cfi_fini(&t);
}

/*
 * Personality, language data, signal and address encoding in one string, and strings that nobody
 * knows.
 */
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
		size_t cie = asm_cie_aug(a, cases[i].text, cases[i].data, cases[i].len, 16,
					 "\x0c\x07\x08\x90\x01", 5);

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
	assert_int_equal(build_image(&(struct cfi_image_opts){.eh = a->bytes,
							      .eh_bytes = a->len,
							      .no_sections = true},
				     &t),
			 0);
	assert_rule(rule_at(&t, 0x40), plain_rule(7, 8));
	assert_int_equal(t.stats.fdes, 1); /* the zero word ends it */
	ft_cfi_fini(&t);
	/* With a section header the end is known, and a zero word ends nothing. */
	assert_int_equal(build_image(&(struct cfi_image_opts){.eh = a->bytes,
							      .eh_bytes = a->len,
							      .eh_type = SHT_X86_64_UNWIND},
				     &t),
			 0);
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
	asm_fde(debug, 28, (u32)-CFI_CODE, 0x10, deep,
		sizeof(deep)); /* what the linker dropped stands at 0 */
	assert_int_equal(build_image(&(struct cfi_image_opts){.eh = eh->bytes,
							      .eh_bytes = eh->len,
							      .debug = debug->bytes,
							      .debug_bytes = debug->len},
				     &t),
			 0);
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
	opts = (struct cfi_image_opts){
		.debug = out, .debug_bytes = 12 + len, .debug_name = ".zdebug_frame"};
	assert_int_equal(build_image(&opts, &t), 0);
	assert_int_equal(t.stats.fdes_debug_frame, 50);
	ft_cfi_fini(&t);
	free(a);
}

/*
 * Puts count functions with a rule of their own each; every hundredth has a twin with the last
 * rule.
 */
static void many_rules(struct cfi_asm *a, u32 count)
{
	size_t cie = asm_cie(a);

	for (u32 i = 0; i < count; i++) {
		u8 code[] = {0x0e,
			     (u8)(0x80 | (i & 0x7f)),
			     (u8)(0x80 | (i >> 7 & 0x7f)),
			     (u8)(i >> 14),
			     0x44,
			     0x0e,
			     (u8)(0x80 | (count & 0x7f)),
			     (u8)(0x80 | (count >> 7 & 0x7f)),
			     (u8)(count >> 14)};

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
	assert_int_equal(t.rule_count, 3000 + 3);
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

static int build_init(const struct cfi_asm *eh, u16 machine, const void *init, size_t bytes,
		      struct ft_cfi_table *t)
{
	return build_image(&(struct cfi_image_opts){.machine = machine,
						    .eh = eh->bytes,
						    .eh_bytes = eh->len,
						    .init = init,
						    .init_bytes = bytes},
			   t);
}

/* _init has no unwind information of its own, and a form that is known. */
static void test_start_code(void **state)
{
	static const u8 cet[] = {0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x83, 0xec, 8, 0xe8,
				 1,    2,    3,	   4,	 0x48, 0x83, 0xc4, 8, 0xc3};
	static const u8 plain[] = {0x48, 0x83, 0xec, 8, 0x90, 0x48, 0x83, 0xc4, 8, 0xc3};
	static const u8 musl[] = {0x50, 0x58, 0xc3};
	static const u8 other[] = {0x55, 0x90, 0x48, 0x83, 0xc4, 8, 0xc3};
	static const u8 deep[] = {0x0e, 48};
	struct cfi_asm *a = asm_new(false), *none = asm_new(false);
	u32 at = CFI_INIT - CFI_CODE;
	struct ft_cfi_table t;
	u8 *large = calloc(1, 300);

	(void)state;
	asm_fde(a, asm_cie(a), 0x700, 16, deep, sizeof(deep));
	assert_int_equal(build_init(a, 0, cet, sizeof(cet), &t), 0);
	assert_int_equal(t.stats.fdes_crt, 1);
	assert_int_equal(t.stats.fdes, 2);
	assert_rule(rule_at(&t, 0x70f), plain_rule(7, 48));
	assert_ptr_equal(rule_at(&t, at - 1), &t.rules[FT_CFI_RULE_NONE]);
	assert_rule(rule_at(&t, at), plain_rule(7, 8));
	assert_rule(rule_at(&t, at + 7), plain_rule(7, 8));
	assert_rule(rule_at(&t, at + 8), plain_rule(7, 16));
	assert_rule(rule_at(&t, at + 16), plain_rule(7, 16));
	assert_rule(rule_at(&t, at + 17), plain_rule(7, 8));
	assert_int_equal(t.span, at + 18 - 0x700);
	ft_cfi_fini(&t);
	assert_int_equal(build_init(a, 0, plain, sizeof(plain), &t), 0);
	assert_rule(rule_at(&t, at + 3), plain_rule(7, 8));
	assert_rule(rule_at(&t, at + 8), plain_rule(7, 16));
	assert_rule(rule_at(&t, at + 9), plain_rule(7, 8));
	ft_cfi_fini(&t);
	assert_int_equal(build_init(a, 0, musl, sizeof(musl), &t), 0);
	assert_rule(rule_at(&t, at), plain_rule(7, 8));
	assert_rule(rule_at(&t, at + 1), plain_rule(7, 16));
	assert_rule(rule_at(&t, at + 2), plain_rule(7, 8));
	ft_cfi_fini(&t);

	/* Another form, too long, cut off, not x86-64: nothing is said. */
	memcpy(large, plain, 4);
	memcpy(large + 300 - 5, plain + 5, 5);
	assert_int_equal(build_init(a, 0, other, sizeof(other), &t), 0);
	assert_int_equal(t.stats.fdes_crt, 0);
	ft_cfi_fini(&t);
	assert_int_equal(build_init(a, 0, large, 300, &t), 0);
	assert_int_equal(t.stats.fdes_crt, 0);
	ft_cfi_fini(&t);
	assert_int_equal(build_init(a, 0, plain, sizeof(plain) - 1, &t), 0);
	assert_int_equal(t.stats.fdes_crt, 0);
	ft_cfi_fini(&t);
	assert_int_equal(build_init(a, EM_AARCH64, plain, sizeof(plain), &t), 0);
	assert_int_equal(t.stats.fdes_crt, 0);
	ft_cfi_fini(&t);
	assert_int_equal(build_init(none, 0, plain, sizeof(plain), &t), -ENODATA);

	/* The file's own word counts. */
	asm_fde(a, asm_cie(a), at + 2, 20, deep, sizeof(deep));
	assert_int_equal(build_init(a, 0, plain, sizeof(plain), &t), 0);
	assert_int_equal(t.stats.fdes_crt, 0);
	assert_ptr_equal(rule_at(&t, at), &t.rules[FT_CFI_RULE_NONE]);
	assert_rule(rule_at(&t, at + 3), plain_rule(7, 48));
	ft_cfi_fini(&t);
	free(large);
	free(none);
	free(a);
}

/* crtbegin.o as gcc 12 makes it for libraries, from deregister_tm_clones to frame_dummy. */
#define CRT_AUX 112

static void crtbegin_make(u8 code[256])
{
	static const u8 aux[] = {
		0xf3, 0x0f, 0x1e, 0xfa,			     /* endbr64 */
		0x80, 0x3d, 1,	  1,	0,    0,    0,	     /* cmpb $0,completed */
		0x75, 0x2b,				     /* jne to the last ret */
		0x55,					     /* push %rbp */
		0x48, 0x83, 0x3d, 1,	1,    0,    0,	  0, /* cmpq $0,__cxa_finalize */
		0x48, 0x89, 0xe5,			     /* mov %rsp,%rbp */
		0x74, 0x0c,				     /* je */
		0x48, 0x8b, 0x3d, 1,	1,    0,    0,	     /* mov __dso_handle,%rdi */
		0xe8, 1,    1,	  0,	0,		     /* call __cxa_finalize */
		0xe8, 0x64, 0xff, 0xff, 0xff,		     /* call deregister_tm_clones */
		0xc6, 0x05, 1,	  1,	0,    0,    1,	     /* movb $1,completed */
		0x5d, 0xc3,				     /* pop %rbp; ret */
		0x0f, 0x1f, 0,	  0xc3, 0x0f, 0x1f, 0x80,    /* padding; ret; padding */
		0,    0,    0,	  0,			     /* */
		0xf3, 0x0f, 0x1e, 0xfa,			     /* endbr64 */
		0xe9, 0x77, 0xff, 0xff, 0xff,		     /* jmp register_tm_clones */
	};

	memset(code, 0x90, 256);
	memcpy(code + CRT_AUX, aux, sizeof(aux));
}

static int build_crt(const struct cfi_asm *eh, const u8 *code, struct ft_cfi_table *t)
{
	return build_image(&(struct cfi_image_opts){.eh = eh->bytes,
						    .eh_bytes = eh->len,
						    .crt = code,
						    .crt_bytes = 256,
						    .crt_aux = CRT_AUX},
			   t);
}

/* The functions of crtbegin.o have no unwind information either. */
static void test_crtbegin(void **state)
{
	static const u8 deep[] = {0x0e, 48};
	struct ft_cfi_rule pushed = plain_rule(7, 16);
	struct cfi_asm *a = asm_new(false);
	u32 at = CFI_CRT - CFI_CODE, aux = at + CRT_AUX;
	struct ft_cfi_table t;
	u8 code[256];

	(void)state;
	pushed.fp_kind = FT_CFI_AT_CFA;
	pushed.fp_words = -2;
	asm_fde(a, asm_cie(a), 0x700, 16, deep, sizeof(deep));
	crtbegin_make(code);
	assert_int_equal(build_crt(a, code, &t), 0);
	assert_int_equal(t.stats.fdes_crt, 3);
	assert_ptr_equal(rule_at(&t, at - 1), &t.rules[FT_CFI_RULE_NONE]);
	assert_rule(rule_at(&t, at), plain_rule(7, 8));
	assert_rule(rule_at(&t, aux + 13), plain_rule(7, 8));
	assert_rule(rule_at(&t, aux + 14), pushed);
	assert_rule(rule_at(&t, aux + 51), pushed);
	assert_rule(rule_at(&t, aux + 52), plain_rule(7, 8));
	assert_rule(rule_at(&t, aux + 56), plain_rule(7, 8));
	assert_int_equal(t.span, aux + 64 + 9 - 0x700);
	ft_cfi_fini(&t);

	/* Other code: the jump leads elsewhere; nothing is called; what is called is behind. */
	code[CRT_AUX + 12]++;
	assert_int_equal(build_crt(a, code, &t), 0);
	assert_int_equal(t.stats.fdes_crt, 0);
	ft_cfi_fini(&t);
	crtbegin_make(code);
	code[CRT_AUX + 39] = 0x90;
	assert_int_equal(build_crt(a, code, &t), 0);
	assert_int_equal(t.stats.fdes_crt, 0);
	ft_cfi_fini(&t);
	crtbegin_make(code);
	memset(code + CRT_AUX + 40, 0, 4);
	assert_int_equal(build_crt(a, code, &t), 0);
	assert_int_equal(t.stats.fdes_crt, 2);
	assert_ptr_equal(rule_at(&t, at), &t.rules[FT_CFI_RULE_NONE]);
	assert_rule(rule_at(&t, aux + 14), pushed);
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
		assert_int_equal(rule_at(&t, 0)->cfa_kind,
				 count == 64 ? FT_CFI_CFA_REG : FT_CFI_CFA_BAD);
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
		cmocka_unit_test(test_function),       cmocka_unit_test(test_signal_frame),
		cmocka_unit_test(test_order_and_gaps), cmocka_unit_test(test_merging),
		cmocka_unit_test(test_overlap),	       cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_augmentations),  cmocka_unit_test(test_no_sections),
		cmocka_unit_test(test_debug_frame),    cmocka_unit_test(test_compressed),
		cmocka_unit_test(test_pack),	       cmocka_unit_test(test_too_many_rules),
		cmocka_unit_test(test_errors),	       cmocka_unit_test(test_damage),
		cmocka_unit_test(test_remember_limit), cmocka_unit_test(test_set_loc),
		cmocka_unit_test(test_vdso),	       cmocka_unit_test(test_start_code),
		cmocka_unit_test(test_crtbegin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

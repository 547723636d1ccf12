/*
 * fuzz_cfi.c - call frame information that nobody vouches for.
 *
 * The first byte says what the rest is: a whole ELF file, or .eh_frame, .debug_frame or both in a
 * well-made file, of x86-64 or aarch64, with section headers or without. Whatever comes out must be
 * in order and within the bounds that docs/unwind-tables.md states.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sampler/cfi.h"
#include "tests/unit/cfi_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	WHOLE_FILE = 0x80,
	ARM = 0x40,
	NO_SECTIONS = 0x20,
	COMPRESSED = 0x10,
	IN_DEBUG = 0x08,
	IN_BOTH = 0x04
};

#define CHECK(WHAT) check((WHAT), #WHAT)

static void check(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "not so: %s\n", what);
		abort();
	}
}

static void check_packed(const struct ft_cfi_table *t)
{
	size_t count = ft_cfi_index_count(t);
	u32 *index = malloc(count * sizeof(*index));
	u16 *rows = malloc(t->packed_count * sizeof(*rows));

	if (!index || !rows)
		abort();
	ft_cfi_pack(t, 0, index, rows);
	CHECK(index[0] == 0 && index[count - 1] == t->packed_count);
	for (u32 i = 0; i < t->row_count; i++) {
		u32 last = (i + 1 < t->row_count ? t->pcs[i + 1] : t->span) - 1;

		CHECK(ft_cfi_packed_find(index, rows, t->pcs[i]) == t->row_rules[i]);
		CHECK(ft_cfi_packed_find(index, rows, last) == t->row_rules[i]);
		CHECK(ft_cfi_find(t, t->base + last) == &t->rules[t->row_rules[i]]);
	}
	free(rows);
	free(index);
}

static void check_table(const struct ft_cfi_table *t, size_t file_bytes)
{
	CHECK(t->row_count && t->pcs[0] == 0 && t->span && t->base % FT_CFI_GRANULE == 0);
	CHECK(t->rule_count >= 2 && t->rule_count <= FT_CFI_RULES_MAX);
	/* Each row takes a byte of instructions, each function a few more. */
	CHECK(t->row_count <= 3 * t->stats.section_bytes + 4);
	CHECK(t->span <= file_bytes + (64 << 20));
	for (u32 i = 0; i < t->row_count; i++) {
		CHECK(t->row_rules[i] < t->rule_count && t->pcs[i] < t->span);
		CHECK(!i || (t->pcs[i - 1] < t->pcs[i] && t->row_rules[i - 1] != t->row_rules[i]));
	}
	for (u32 i = 2; i < t->rule_count; i++) {
		const struct ft_cfi_rule *r = &t->rules[i];

		CHECK(r->cfa_kind != FT_CFI_CFA_NONE && r->cfa_kind < FT_CFI_CFA_BAD);
		CHECK(r->ra_kind != FT_CFI_LOST && r->ra_kind != FT_CFI_SAME &&
		      r->ra_kind <= FT_CFI_ROOT);
		CHECK(r->fp_kind <= FT_CFI_IS_CFA);
		CHECK(t->machine == EM_AARCH64 ||
		      (r->cfa_reg < 16 && r->fp_reg < 16 && r->ra_reg < 16));
	}
	check_packed(t);
}

static void run(const void *file, size_t bytes)
{
	struct ft_cfi_table table;
	struct ft_err err = {.code = 0};
	struct ft_elf *elf;
	int code;

	if (ft_elf_open_memory(file, bytes, &elf))
		return;
	code = ft_cfi_build(elf, &table, &err);
	if (code) {
		CHECK(code == err.code && err.text[0]);
	} else {
		check_table(&table, bytes);
		ft_cfi_fini(&table);
	}
	ft_elf_close(elf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cfi_image_opts opts = {.machine = EM_X86_64};
	struct cfi_image image;
	size_t rest, half;

	if (!size)
		return 0;
	rest = size - 1;
	half = data[0] & IN_BOTH ? rest / 2 : rest;
	if (data[0] & WHOLE_FILE) {
		run(data + 1, rest);
		return 0;
	}
	if (data[0] & ARM)
		opts.machine = EM_AARCH64;
	opts.no_sections = data[0] & NO_SECTIONS;
	opts.debug_flags = data[0] & COMPRESSED ? SHF_COMPRESSED : 0;
	if (!(data[0] & IN_DEBUG)) {
		opts.eh = data + 1;
		opts.eh_bytes = half;
	}
	if (data[0] & (IN_DEBUG | IN_BOTH)) {
		opts.debug = data + 1 + (rest - half);
		opts.debug_bytes = half;
	}
	image = cfi_image_make(&opts);
	run(image.data, image.bytes);
	free(image.data);
	return 0;
}

/*
 * cfi.c - see cfi.h: from sections to a table.
 *
 * Functions are sorted before their instructions are run, so that rows come in order: there are ten
 * times more rows than functions. Where functions overlap, the one that starts first (then, the one
 * that stands first in the file) has the code up to its end; .debug_frame only fills what .eh_frame
 * leaves open, and cfi_crt.c what both do.
 */
#include "sampler/cfi.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "sampler/cfi_frames.h"

/* Text farther from the first function than this and the file's size is not text of this file. */
#define SPAN_SLACK (64u << 20)

static const struct cfi_machine machines[] = {
	{.elf_machine = EM_X86_64,
	 .fp = FT_CFI_X86_FP,
	 .bx = FT_CFI_X86_BX,
	 .sp = FT_CFI_X86_SP,
	 .eh_data = FT_CFI_X86_AX,
	 .reg_max = 15},
	{.elf_machine = EM_AARCH64,
	 .fp = FT_CFI_ARM_FP,
	 .bx = CFI_NO_REG,
	 .sp = FT_CFI_ARM_SP,
	 .eh_data = CFI_NO_REG,
	 .reg_max = 31,
	 .ra_in_reg = true,
	 .has_ra_state = true},
};

static const struct cfi_machine *machine_find(const struct ft_elf *elf)
{
	for (size_t i = 0; i < FT_ARRAY_LEN(machines); i++) {
		if (elf->is64 && machines[i].elf_machine == elf->machine)
			return &machines[i];
	}
	return NULL;
}

/*
 * Drops functions from index count on (sorted) that touch one of those before (sorted, too), and
 * puts the rest in order.
 */
static int merge(struct cfi_frames *frames, size_t count)
{
	struct cfi_fde *fdes = frames->fdes;
	size_t kept = count, old = 0;
	u64 old_end = 0;

	for (size_t i = count; i < frames->fde_count; i++) {
		u64 end = fdes[i].start + fdes[i].bytes;

		/* old_end: up to where old functions reach that start before this one ends. */
		for (; old < count && fdes[old].start < end; old++) {
			if (fdes[old].start + fdes[old].bytes > old_end)
				old_end = fdes[old].start + fdes[old].bytes;
		}
		if (old_end <= fdes[i].start)
			fdes[kept++] = fdes[i];
	}
	frames->fde_count = kept;
	return cfi_frames_sort(frames, 0);
}

/* Lists the functions of all sections by address. */
static int frames_load(struct cfi_frames *frames, struct ft_elf *elf)
{
	static int (*const load[CFI_SECTION_COUNT])(struct ft_elf *, struct cfi_section *) = {
		[CFI_SECTION_EH] = cfi_section_eh,
		[CFI_SECTION_DEBUG] = cfi_section_debug,
		[CFI_SECTION_CRT] = cfi_section_crt,
	};
	int code = 0;

	for (u32 i = 0; !code && i < CFI_SECTION_COUNT; i++) {
		size_t count = frames->fde_count;

		/* Start-up code alone is no unwind information, if the file has no place for it. */
		if (i == CFI_SECTION_CRT && !count && !frames->sections[CFI_SECTION_EH].data)
			return 0;
		code = load[i](elf, &frames->sections[i]);
		if (code || !frames->sections[i].data)
			continue;
		code = cfi_frames_read(frames, elf, i);
		if (!code)
			code = cfi_frames_sort(frames, count);
		if (!code && count)
			code = merge(frames, count);
	}
	return code;
}

/* Rows of one function, and of the gap before it. end: where the one before ended. */
static int fde_rows(const struct cfi_frames *frames, const struct cfi_fde *fde,
		    struct cfi_rows *rows, u32 *end)
{
	struct ft_cfi_stats *stats = &rows->table->stats;
	u32 start = (u32)(fde->start - rows->table->base), stop = start + fde->bytes;
	int code;

	stats->fdes++;
	stats->fdes_debug_frame += fde->section == CFI_SECTION_DEBUG;
	stats->fdes_crt += fde->section == CFI_SECTION_CRT;
	if (start < *end)
		stats->fdes_overlapping++;
	if (stop <= *end)
		return 0;
	/* Each byte of instructions can make one row; then the gap's, the first and the last. */
	code = cfi_rows_reserve(rows, (size_t)fde->code_bytes + 3);
	if (code == -ENOSPC) {
		stats->fdes_damaged++;
		return 0;
	}
	if (code)
		return code;
	if (start > *end && (start - *end > FT_CFI_PADDING || !*end))
		cfi_rows_add_fixed(rows, *end, FT_CFI_RULE_NONE);
	rows->from = *end;
	cfi_exec_fde(frames, fde, rows);
	*end = stop;
	return 0;
}

/* Runs all functions. */
static int table_fill(const struct cfi_frames *frames, u64 file_bytes, struct ft_cfi_table *table,
		      struct cfi_rows *rows)
{
	u64 first = frames->fdes[0].start & ~(u64)(FT_CFI_GRANULE - 1);
	u64 span_max = file_bytes < UINT32_MAX - SPAN_SLACK ? file_bytes + SPAN_SLACK : UINT32_MAX;
	u32 end = 0;

	table->base = first;
	for (size_t i = 0; i < frames->fde_count; i++) {
		const struct cfi_fde *fde = &frames->fdes[i];

		if (fde->start - first >= span_max || fde->bytes > span_max - (fde->start - first))
			table->stats.fdes_outside++;
		else if (fde_rows(frames, fde, rows, &end))
			return -ENOMEM;
	}
	table->span = end;
	/* Every function was left out. */
	return table->row_count ? 0 : -EBADMSG;
}

/* Gives back what the arrays have too much; where that fails they stay as they are. */
static void table_shrink(struct ft_cfi_table *table)
{
	size_t rows = table->row_count ? table->row_count : 1;
	size_t count = table->rule_count ? table->rule_count : 1;
	u32 *pcs = realloc(table->pcs, rows * sizeof(*pcs));
	u16 *row_rules = realloc(table->row_rules, rows * sizeof(*row_rules));
	struct ft_cfi_rule *rules = realloc(table->rules, count * sizeof(*rules));

	if (pcs)
		table->pcs = pcs;
	if (row_rules)
		table->row_rules = row_rules;
	if (rules)
		table->rules = rules;
}

static int compare_u64(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return (x > y) - (x < y);
}

/*
 * Gives the rules of most rows the numbers that need one row in packed form, where there are more
 * rules than those.
 */
static int rules_sort(struct ft_cfi_table *table)
{
	struct order {
		u64 keys[FT_CFI_RULES_MAX]; /* rows that do not have it, then its number */
		struct ft_cfi_rule rules[FT_CFI_RULES_MAX];
		u16 numbers[FT_CFI_RULES_MAX];
	} * order;
	u32 fixed = FT_CFI_RULE_BAD + 1;

	if (table->rule_count <= FT_CFI_CODE_WIDE)
		return 0;
	order = malloc(sizeof(*order));
	if (!order)
		return -ENOMEM;
	for (u32 i = 0; i < table->rule_count; i++)
		order->keys[i] = (u64)UINT32_MAX << 16 | i;
	for (u32 i = 0; i < table->row_count; i++)
		order->keys[table->row_rules[i]] -= 1 << 16;
	qsort(order->keys + fixed, table->rule_count - fixed, sizeof(*order->keys), compare_u64);
	memcpy(order->rules, table->rules, table->rule_count * sizeof(*table->rules));
	for (u32 i = 0; i < table->rule_count; i++) {
		order->numbers[order->keys[i] & UINT16_MAX] = (u16)i;
		table->rules[i] = order->rules[order->keys[i] & UINT16_MAX];
	}
	for (u32 i = 0; i < table->row_count; i++)
		table->row_rules[i] = order->numbers[table->row_rules[i]];
	free(order);
	return 0;
}

static void table_finish(struct ft_cfi_table *table)
{
	u32 wide = 0;

	for (u32 i = 0; i < table->row_count; i++) {
		table->stats.bad_rows += table->row_rules[i] == FT_CFI_RULE_BAD;
		wide += table->row_rules[i] >= FT_CFI_CODE_WIDE;
	}
	table->packed_count = table->row_count + wide;
	for (u32 i = 0; i < table->rule_count; i++)
		table->stats.fp_lost_rules += table->rules[i].fp_kind == FT_CFI_LOST &&
					      table->rules[i].ra_kind != FT_CFI_ROOT;
	table_shrink(table);
}

/* What an error means to whoever reads it. */
static int build_error(struct ft_err *err, int code)
{
	switch (code) {
	case -ENOMEM:
		return ft_err_set(err, code, "no memory left for its unwind information");
	case -ENODATA:
		return ft_err_set(
			err, code,
			"it has no unwind information (neither .eh_frame nor .debug_frame); "
			"build it with -fasynchronous-unwind-tables");
	case -EBADMSG:
		return ft_err_set(err, code, "its unwind information is damaged");
	default:
		return ft_err_set(err, code, "cannot read its unwind information: %s",
				  strerror(-code));
	}
}

int ft_cfi_build(struct ft_elf *elf, struct ft_cfi_table *table, struct ft_err *err)
{
	struct ft_cfi_table built = {.machine = elf->machine};
	struct cfi_frames frames = {.machine = machine_find(elf), .stats = &built.stats};
	struct cfi_rows rows = {.slots = NULL};
	int code;

	if (!frames.machine)
		return ft_err_set(
			err, -ENOTSUP,
			"unwind information is read of 64-bit x86-64 and aarch64 files only");
	code = frames_load(&frames, elf);
	if (!code && !frames.fde_count)
		code = built.stats.fdes_damaged ? -EBADMSG : -ENODATA;
	/* A row for each 6 bytes is about what compilers make. */
	if (!code)
		code = cfi_rows_init(&rows, &built, (size_t)built.stats.section_bytes / 6 + 16);
	if (!code)
		code = table_fill(&frames, elf->bytes, &built, &rows);
	if (!code)
		code = rules_sort(&built);
	cfi_rows_fini(&rows);
	cfi_frames_fini(&frames);
	if (code) {
		ft_cfi_fini(&built);
		return build_error(err, code);
	}
	table_finish(&built);
	*table = built;
	return 0;
}

void ft_cfi_fini(struct ft_cfi_table *table)
{
	free(table->pcs);
	free(table->row_rules);
	free(table->rules);
	*table = (struct ft_cfi_table){.base = 0};
}

const struct ft_cfi_rule *ft_cfi_find(const struct ft_cfi_table *table, u64 addr)
{
	u32 low = 0, high = table->row_count, pc = (u32)(addr - table->base);

	if (addr < table->base || addr - table->base >= table->span)
		return &table->rules[FT_CFI_RULE_NONE];
	while (high - low > 1) {
		u32 middle = low + (high - low) / 2;

		if (table->pcs[middle] <= pc)
			low = middle;
		else
			high = middle;
	}
	return &table->rules[table->row_rules[low]];
}

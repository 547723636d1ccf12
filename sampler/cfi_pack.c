/*
 * cfi_pack.c - the form of a table that the BPF unwinder searches: 2 bytes a row, and 4 bytes for
 * 256 bytes of text.
 *
 * The index leads to the rows of one granule, so that a search takes a bounded number of steps, and
 * a row needs to hold one byte of its pc. Layout: abi.h.
 */
#include "sampler/cfi.h"

size_t ft_cfi_index_count(const struct ft_cfi_table *table)
{
	return ((size_t)table->span + FT_CFI_GRANULE - 1) / FT_CFI_GRANULE + 1;
}

void ft_cfi_pack(const struct ft_cfi_table *table, u32 first_row, u32 *index, u16 *rows)
{
	size_t count = ft_cfi_index_count(table), granule = 0;
	u32 row = 0;

	for (u32 i = 0; i < table->row_count; i++) {
		u32 pc = table->pcs[i], code = table->row_rules[i];

		while (granule <= pc >> FT_CFI_GRANULE_SHIFT)
			index[granule++] = first_row + row;
		if (code >= FT_CFI_CODE_WIDE) {
			u32 above = code - FT_CFI_CODE_WIDE;

			rows[row++] = FT_CFI_ROW(pc, above);
			code = FT_CFI_CODE_WIDE + above / 256;
		}
		rows[row++] = FT_CFI_ROW(pc, code);
	}
	while (granule < count)
		index[granule++] = first_row + row;
}

u32 ft_cfi_packed_find(const u32 *index, const u16 *rows, u32 pc)
{
	u32 granule = pc >> FT_CFI_GRANULE_SHIFT, code;
	u32 low = index[granule], high = index[granule + 1];

	/* Finds the first row of the granule that is beyond pc; the one before it holds. */
	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (FT_CFI_ROW_PC(rows[middle]) <= (pc & (FT_CFI_GRANULE - 1)))
			low = middle + 1;
		else
			high = middle;
	}
	code = FT_CFI_ROW_CODE(rows[low - 1]);
	return code < FT_CFI_CODE_WIDE ? code
				       : FT_CFI_CODE_JOIN(code, FT_CFI_ROW_CODE(rows[low - 2]));
}

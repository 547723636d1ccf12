/*
 * table_look.h - looks up every pc of a packed table, and watches that it stays inside.
 */
#ifndef FT_TESTS_TABLE_LOOK_H
#define FT_TESTS_TABLE_LOOK_H

#include "sampler/table_image.h"

/* The code of the rule for a pc, as the kernel side finds it; -1: a look outside of the table. */
static inline s64 table_look_code(const struct ft_table_image *t, u32 pc)
{
	const struct ft_table_header *h = t->header;
	u32 granule = pc >> FT_CFI_GRANULE_SHIFT, at, end, code;

	if (granule + 1 >= h->index_count)
		return -1;
	at = t->index[granule];
	end = t->index[granule + 1];
	/* The kernel side searches in ten steps, whatever the distance. */
	if (at > end || end - at > 512 || end > h->row_count)
		return -1;
	while (at < end && FT_CFI_ROW_PC(t->rows[at]) <= (pc & (FT_CFI_GRANULE - 1)))
		at++;
	if (!at)
		return -1;
	code = FT_CFI_ROW_CODE(t->rows[at - 1]);
	if (code >= FT_CFI_CODE_WIDE) {
		if (at < 2)
			return -1;
		code = FT_CFI_CODE_JOIN(code, FT_CFI_ROW_CODE(t->rows[at - 2]));
	}
	return code < h->rule_count ? (s64)code : -1;
}

/* False: some look-up leads outside. Of a long table only the first max bytes are looked at. */
static inline bool table_look_all(const struct ft_table_image *t, u32 max)
{
	u32 span = t->header->span < max ? t->header->span : max;

	for (u32 pc = 0; pc < span; pc++)
		if (table_look_code(t, pc) < 0)
			return false;
	return true;
}

#endif

/*
 * cfi.h - call frame information of an ELF file as a table of (pc, rule): the input of the BPF
 * unwinder.
 *
 * Reads .eh_frame and .debug_frame of x86-64 and aarch64 files. The file is hostile input: whatever
 * it holds, time and memory are bounded by a small multiple of the sections' size, and the worst
 * result is a table that is useless for this file. Nothing is shared between calls: files may be
 * read by several threads at once.
 */
#ifndef FT_SAMPLER_CFI_H
#define FT_SAMPLER_CFI_H

#include "base/elf.h"
#include "base/err.h"
#include "sampler/abi.h"

/*
 * Code between two functions up to this many bytes is padding, and gets the rule of the code before
 * it.
 */
#define FT_CFI_PADDING 15

struct ft_cfi_stats {
	u64 section_bytes;    /* of .eh_frame, and of .debug_frame as it is after decompression */
	u32 fdes;	      /* functions read */
	u32 fdes_damaged;     /* left out: damaged, or of a form that is not supported */
	u32 fdes_outside;     /* left out: of no code in this file, or of no bytes */
	u32 fdes_overlapping; /* cut where the function before ends; all of it, maybe */
	u32 fdes_debug_frame; /* of fdes, those from .debug_frame */
	u32 fdes_crt;	      /* of fdes, those that no section describes (cfi_crt.c) */
	u32 source_rows;      /* rows before equal neighbours were merged */
	u32 bad_rows;	      /* rows of the table whose rule is BAD */
	u32 fp_lost_rules;    /* rules that cannot say where fp is kept, but all else */
	bool rules_full;      /* some rows are BAD: more rules than a table can hold */
};

/*
 * Rows are sorted by pc, start at pc 0, and neighbours differ in their rule. A row holds up to the
 * next row's pc, the last one up to span. Where the file says nothing the rule is FT_CFI_RULE_NONE.
 */
struct ft_cfi_table {
	u64 base;      /* address as linked of pc 0; a multiple of FT_CFI_GRANULE */
	u32 span;      /* bytes of text that rows cover; beyond, the rule is FT_CFI_RULE_NONE */
	u16 machine;   /* EM_x */
	u32 row_count; /* at least 1 */
	u32 *pcs;      /* bytes from base */
	u16 *row_rules;
	u32 packed_count; /* rows in packed form */
	u32 rule_count;	  /* up to FT_CFI_RULES_MAX */
	struct ft_cfi_rule *rules;
	struct ft_cfi_stats stats;
};

/*
 * Reads all unwind information of a file into *table, which ft_cfi_fini releases. The file may be
 * closed afterwards. -ENOTSUP: neither 64-bit x86-64 nor aarch64; -ENODATA: it has no unwind
 * information; -EBADMSG: it has, but none of it is usable; -EIO or another errno: it cannot be
 * read; -ENOMEM. *table is untouched on failure.
 */
int ft_cfi_build(struct ft_elf *elf, struct ft_cfi_table *table, struct ft_err *err);

/* Releases what the table holds. A zeroed table is accepted. */
void ft_cfi_fini(struct ft_cfi_table *table);

/* The rule for an address as linked. Borrowed from the table. */
const struct ft_cfi_rule *ft_cfi_find(const struct ft_cfi_table *table, u64 addr);

/*
 * Length of the packed form (abi.h) of a table: entries of the index; rows are table->packed_count.
 */
size_t ft_cfi_index_count(const struct ft_cfi_table *table);

/*
 * Writes the packed form: ft_cfi_index_count() entries to index, table->packed_count to rows.
 * first_row is added to the row numbers in the index, for rows that go into the middle of a larger
 * array.
 */
void ft_cfi_pack(const struct ft_cfi_table *table, u32 first_row, u32 *index, u16 *rows);

/*
 * The rule number for a pc (bytes from base, less than span) by an index and the rows that its
 * entries count in.
 */
u32 ft_cfi_packed_find(const u32 *index, const u16 *rows, u32 pc);

#endif

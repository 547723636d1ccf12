/*
 * elf.h - reads ELF files that nobody vouches for.
 *
 * Input is an open file or an image in memory; output are headers, tables and strings, converted to
 * one shape for 32-bit and 64-bit files of the machine's own byte order. Every size and offset in a
 * file is a claim: reads end at the file's end and counts are capped. Files are read by pread and
 * never mapped, because whoever owns a file may truncate it under a mapping, and that would end us
 * by SIGBUS.
 */
#ifndef FT_BASE_ELF_H
#define FT_BASE_ELF_H

#include "base/types.h"

#define FT_ELF_BUILD_ID_MAX 20
#define FT_ELF_NAME_MAX 4096 /* longest symbol name that is read, with its NUL */

struct ft_elf_segment {
	u32 type, flags;  /* PT_x, PF_x */
	u64 offset, addr; /* in the file; in memory as linked */
	u64 file_bytes, align, memory_bytes;
};

struct ft_elf_section {
	u32 name; /* offset into the section name table */
	u32 type, link, info;
	u64 flags, addr, offset, bytes, entry_bytes;
};

struct ft_elf {
	u16 type, machine; /* ET_x, EM_x */
	bool is64;
	u64 entry;
	u64 bytes; /* size of the file */
	struct ft_elf_segment *segments;
	u32 segment_count;
	struct ft_elf_section *sections; /* none when the table is damaged or absurdly long */
	u32 section_count;
	/* tables or sections lie beyond the end or on each other, or are absurdly many */
	bool is_damaged;

	/* Private to elf.c. */
	int fd; /* borrowed; -1: memory */
	const u8 *memory;
	u8 *head; /* the first bytes of the file */
	size_t head_len;
	u64 section_table, segment_table;
	u32 section_names;
	u8 *cache; /* blocks read lately, for strings and other small pieces */
	u64 *cache_tags;
};

/*
 * Opens an ELF file for reading. fd must be seekable, is borrowed, and its file position is neither
 * used nor changed. -ENOEXEC: not an ELF file of this machine's byte order, or its header is
 * damaged. Damaged tables are not an error: they are empty.
 */
int ft_elf_open(int fd, struct ft_elf **elf);

/* The same for bytes in memory, borrowed until ft_elf_close. */
int ft_elf_open_memory(const void *image, size_t bytes, struct ft_elf **elf);

/*
 * The vDSO of this process, which all 64-bit processes share. -ENODATA where there is none.
 */
int ft_elf_open_vdso(struct ft_elf **elf);

/* Frees; does not close the descriptor. Accepts NULL. */
void ft_elf_close(struct ft_elf *elf);

/*
 * The build-id of an ELF file: returns its length (cut to FT_ELF_BUILD_ID_MAX) or 0 if there is
 * none, or a negative errno (-ENOEXEC: not ELF). Cheap: most often a single pread of 4 KiB, no
 * heap.
 */
int ft_elf_build_id(int fd, u8 out[FT_ELF_BUILD_ID_MAX]);

/* The same for an opened file. */
int ft_elf_build_id_of(const struct ft_elf *elf, u8 out[FT_ELF_BUILD_ID_MAX]);

/* Reads exactly len bytes. 0, -EIO beyond the end, or the error of the read. */
int ft_elf_read(const struct ft_elf *elf, u64 offset, void *out, size_t len);

/* The same through a small cache: for scattered small pieces. */
int ft_elf_read_small(struct ft_elf *elf, u64 offset, void *out, size_t len);

/*
 * Copies the string at offset of a string table, cut to cap - 1 bytes, and ends it by NUL. Returns
 * its length; 0 for a place outside the table.
 */
size_t ft_elf_string(struct ft_elf *elf, const struct ft_elf_section *strings, u64 offset,
		     char *out, size_t cap);

/* The first section of that type (and name, unless NULL), or NULL. */
const struct ft_elf_section *ft_elf_section(struct ft_elf *elf, u32 type, const char *name);

/* The section that a section's link field names, if it has that type; else NULL. */
const struct ft_elf_section *ft_elf_linked(const struct ft_elf *elf,
					   const struct ft_elf_section *section, u32 type);

/* The executable section that holds an address as linked, or NULL. */
const struct ft_elf_section *ft_elf_code_section(const struct ft_elf *elf, u64 addr);

/* The first segment of that type, or NULL. */
const struct ft_elf_segment *ft_elf_segment(const struct ft_elf *elf, u32 type);

/*
 * From a file offset to an address as linked, and back, by the loadable segments. False: in none of
 * them.
 */
bool ft_elf_addr_of_offset(const struct ft_elf *elf, u64 offset, u64 *addr);
/*
 * The same for where a mapping of code begins: a page, which may begin before the segment, within
 * the one before it.
 */
bool ft_elf_addr_of_mapping(const struct ft_elf *elf, u64 offset, u64 *addr);
bool ft_elf_offset_of_addr(const struct ft_elf *elf, u64 addr, u64 *offset);

/* An executable segment: where its first page begins in the file; what to add, modulo 2^64. */
struct ft_elf_shift {
	u64 offset;
	u64 shift;
};

/*
 * From offsets in a file to addresses as linked: its first executable segments, of which there are
 * at most max. Reads the program headers alone. How many.
 */
u32 ft_elf_code_shifts(int fd, struct ft_elf_shift *shifts, u32 max);

/* Streams a table of equal entries through a buffer of its own. */
struct ft_elf_table {
	const struct ft_elf *elf;
	u64 next, end; /* file offsets: of what is to be read, and of the table's end */
	size_t entry_bytes, at, filled;
	u8 buffer[16 * 1024] __attribute__((aligned(16)));
};

/*
 * Starts at offset; bytes is cut to the end of the file and to count_max entries. entry_bytes must
 * not be 0 nor more than the buffer.
 */
void ft_elf_table_init(struct ft_elf_table *table, const struct ft_elf *elf, u64 offset, u64 bytes,
		       size_t entry_bytes, u64 count_max);

/* The next entry, or NULL at the end or when reading fails. Borrowed until the next call. */
const void *ft_elf_table_next(struct ft_elf_table *table);

#define FT_ELF_SYMBOLS_MAX (8u << 20) /* entries of a symbol table that are looked at */

struct ft_elf_symbol {
	u64 value, size;
	u32 name; /* offset into the table's strings */
	u16 section;
	u8 type, bind; /* STT_x, STB_x */
};

/* Bytes of an entry of a symbol table of this file. */
size_t ft_elf_symbol_bytes(const struct ft_elf *elf);

/* Converts an entry as delivered by ft_elf_table_next. */
void ft_elf_symbol_decode(const struct ft_elf *elf, const void *entry,
			  struct ft_elf_symbol *symbol);

#endif

/*
 * dwarf_lines.h - from addresses to source lines, by the line program of a unit. Private to
 * dwarf.c.
 *
 * libdw's rows take 80 bytes each, and all of a unit stay. Here a unit keeps where its sequences
 * are (with -ffunction-sections one for each function), and the rows of those that were asked about
 * in 16 bytes. Format: DWARF 5, section 6.2; versions 2 to 5.
 */
#ifndef FT_SYMBOLIZER_DWARF_LINES_H
#define FT_SYMBOLIZER_DWARF_LINES_H

#include <elfutils/libdw.h>

#include "base/types.h"

/* Bytes of a section, borrowed from libelf. */
struct dwarf_bytes {
	const u8 *at;
	u64 bytes;
};

/* The sections that line programs need. */
struct dwarf_line_data {
	struct dwarf_bytes line, line_str, str;
};

struct dwarf_lines;

/* Finds the sections, which libdw has unpacked if they were compressed. */
void dwarf_line_data_find(Dwarf *dwarf, struct dwarf_line_data *data);

/*
 * Reads where the sequences of a unit's line program are; code outside [text_low, text_high) was
 * discarded by the linker. *lines is NULL where there is none, or it is damaged. data is borrowed
 * until dwarf_lines_free. 0 or -ENOMEM.
 */
int dwarf_lines_open(const struct dwarf_line_data *data, Dwarf_Die *unit, u64 text_low,
		     u64 text_high, struct dwarf_lines **lines);
void dwarf_lines_free(struct dwarf_lines *lines); /* accepts NULL */

struct dwarf_line {
	const char *file; /* NULL where unknown; borrowed until dwarf_lines_free */
	u32 line, column; /* 0 where unknown */
};

/* The line of an address. False: there is none. lines may be NULL. */
bool dwarf_lines_find(struct dwarf_lines *lines, u64 addr, struct dwarf_line *line);

/* The name of a file by its number, with its folder. NULL: there is none. lines may be NULL. */
const char *dwarf_lines_file(struct dwarf_lines *lines, u32 file);

#endif

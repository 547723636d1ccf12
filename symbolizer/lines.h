/*
 * lines.h - reads text tables (/proc/kallsyms, perf maps) line by line in constant memory. Private
 * to this folder.
 */
#ifndef FT_SYMBOLIZER_LINES_H
#define FT_SYMBOLIZER_LINES_H

#include "base/types.h"

/*
 * Takes the line [text, end), without its newline. Returns 0, 1 to stop reading, or a negative
 * errno.
 */
typedef int (*ft_line_fn)(void *arg, const char *text, const char *end);

/*
 * Calls fn for every line that ends in a newline and is shorter than 64 KiB; others are skipped.
 * Stops after bytes_max bytes, or when reading fails: what was read counts. Returns 0, -ENOMEM, or
 * the error of fn.
 */
int ft_lines_read(int fd, u64 bytes_max, ft_line_fn fn, void *arg);

/*
 * Reads a hexadecimal number of at most 16 digits, "0x" in front allowed, and the space behind it.
 * Returns what comes next, or NULL if there is no such thing.
 */
const char *ft_lines_hex(const char *text, const char *end, u64 *number);

#endif

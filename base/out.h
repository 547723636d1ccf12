/*
 * out.h - buffered output to a file that appears whole or not at all.
 *
 * A regular file is written without a name (O_TMPFILE, or under a hidden temporary name where the
 * file system lacks that) and gets its name when it is committed: a reader never sees half a file,
 * and a killed program leaves none behind. Pipes, terminals and devices are written directly.
 * Errors are sticky: write freely, and look at the result of ft_out_commit.
 */
#ifndef FT_BASE_OUT_H
#define FT_BASE_OUT_H

#include "base/err.h"
#include "base/types.h"

struct ft_out;

/*
 * Opens path for writing; "-" is standard output. Fails at once when the folder is missing or may
 * not be written.
 */
int ft_out_open(const char *path, struct ft_out **result, struct ft_err *err);

/* Collects into memory (for tests and nested formats). Never fails. */
struct ft_out *ft_out_new_memory(void);

/* The bytes collected so far by a memory output. Borrowed until the next write or ft_out_close. */
const char *ft_out_memory(const struct ft_out *out, size_t *len);

/* Forgets what a memory output holds; its memory is kept. */
void ft_out_clear(struct ft_out *out);

void ft_out_bytes(struct ft_out *out, const void *data, size_t len);
void ft_out_text(struct ft_out *out, const char *text);
void ft_out_char(struct ft_out *out, char c);
void ft_out_u64(struct ft_out *out, u64 number); /* decimal */
void ft_out_s64(struct ft_out *out, s64 number);
void ft_out_hex(struct ft_out *out, u64 number); /* 0x1f */
void ft_out_printf(struct ft_out *out, const char *fmt, ...) FT_PRINTF(2, 3);

/*
 * Writes what is buffered, gives the file its name (replacing an older file of that name). Returns
 * 0 or the first error since the opening, named with its remedy in err (a full disk, a lost
 * permission). A reader that went away (EPIPE) is an error too. The output still has to be closed.
 */
int ft_out_commit(struct ft_out *out, struct ft_err *err);

/* Closes and frees; what was not committed is gone. Accepts NULL. */
void ft_out_close(struct ft_out *out);

#endif

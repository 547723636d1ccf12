/*
 * file.h - reading small files, and raising the limit on open ones.
 */
#ifndef FT_BASE_FILE_H
#define FT_BASE_FILE_H

#include "base/err.h"
#include "base/types.h"

/*
 * Reads a whole file (procfs and sysfs files too, whose size is not known before) of at most
 * max_bytes into *data, NUL-terminated, for the caller to free. Returns 0 or a negative errno;
 * -EFBIG beyond max_bytes.
 */
int ft_file_read(const char *path, size_t max_bytes, char **data, size_t *len);

/* The first integer in a file such as those in /proc/sys. Returns 0 or a negative errno. */
int ft_file_read_s64(const char *path, s64 *number);

/*
 * Raises the soft limit on open files to the hard one: a profile keeps an open descriptor for each
 * mapped file.
 */
void ft_file_raise_limit(void);

#endif

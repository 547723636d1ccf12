/*
 * strtab.h - a set of strings, each stored once and named by a small number.
 *
 * Ids are dense, count from 0, and id 0 is always "". Strings may hold any bytes but NUL is kept as
 * data only through the length; each is also NUL-terminated. Ids stay valid until the table is
 * freed.
 */
#ifndef FT_BASE_STRTAB_H
#define FT_BASE_STRTAB_H

#include "base/types.h"

struct ft_strtab;

#define FT_STR_NONE UINT32_MAX

/* An empty table (holding only ""). NULL when memory is exhausted. */
struct ft_strtab *ft_strtab_new(void);
void ft_strtab_free(struct ft_strtab *tab);

/* The id of the string of len bytes, added if it is new. FT_STR_NONE when memory is exhausted. */
u32 ft_strtab_add(struct ft_strtab *tab, const char *text, size_t len);

/* The same for a caller that knows ft_hash_bytes(text, len) already. */
u32 ft_strtab_add_hashed(struct ft_strtab *tab, const char *text, size_t len, u64 hash);

/* The string. Borrowed until the next ft_strtab_add. */
const char *ft_strtab_str(const struct ft_strtab *tab, u32 id);
size_t ft_strtab_len(const struct ft_strtab *tab, u32 id);

/* How many strings there are, "" included. */
u32 ft_strtab_count(const struct ft_strtab *tab);

#endif

/*
 * table_cache.h - packed unwind tables on disk, so that the next run need not build them.
 *
 * One file for each build-id, named after it in hexadecimal, with the owner's user id behind it
 * where the profiled file is neither root's nor ours: nobody can plant a table for the file of
 * somebody else. The cache is an optimisation: whatever goes wrong with it, the table is built, and
 * nobody is told. A file counts only if it and its folder belong to us, are not writable by others
 * and are no links, if it was made for this very file by this very program, and if every byte of it
 * passes the checks of table_image.h; any other file of that name is removed.
 *
 * Where: $FLAMETAP_CACHE if that is an absolute path (any other value, such as "off": no cache),
 * else $XDG_CACHE_HOME/flametap, else .cache/flametap in the home folder. It grows up to 256 MiB.
 */
#ifndef FT_SAMPLER_TABLE_CACHE_H
#define FT_SAMPLER_TABLE_CACHE_H

#include "profile/raw.h"
#include "sampler/table_image.h"

struct ft_table_cache;

/* Opens the user's cache, as said above. NULL: there is none. */
struct ft_table_cache *ft_table_cache_open_home(void);

/* Opens a folder, made if need be, as a cache of up to bytes_max. NULL: it is not fit. */
struct ft_table_cache *ft_table_cache_open(const char *folder, u64 bytes_max);

/* Removes the oldest files if something was stored and the cache is too big. Accepts NULL. */
void ft_table_cache_close(struct ft_table_cache *cache);

/*
 * Finds the table of a module whose file is open. 0, or a negative errno: it is not there. cache
 * may be NULL.
 */
int ft_table_cache_load(struct ft_table_cache *cache, const struct ft_module *module,
			struct ft_table_image *image);

/* Stores a table, and seals it. cache may be NULL. */
void ft_table_cache_store(struct ft_table_cache *cache, const struct ft_module *module,
			  struct ft_table_image *image);

#endif

/*
 * table_maker.h - makes the unwind tables of files: from the cache, or from the files themselves;
 * in a thread of its own for the files that are known at the start, so that it happens while the
 * kernel looks at the programs.
 */
#ifndef FT_SAMPLER_TABLE_MAKER_H
#define FT_SAMPLER_TABLE_MAKER_H

#include "profile/raw.h"
#include "sampler/table_cache.h"
#include "sampler/table_image.h"

struct ft_table_maker;

/* raw holds the modules; cache may be NULL. Both are borrowed. NULL when memory is exhausted. */
struct ft_table_maker *ft_table_maker_new(const struct ft_raw *raw, struct ft_table_cache *cache);

/* Ends the thread. Accepts NULL. */
void ft_table_maker_free(struct ft_table_maker *maker);

/*
 * Makes the tables of all modules that there are now, in a thread. Once at most. Where no thread
 * can be started they are made when they are asked for.
 */
void ft_table_maker_start(struct ft_table_maker *maker);

/* Bytes of unwind information in the files of ft_table_maker_start. */
u64 ft_table_maker_frame_bytes(const struct ft_table_maker *maker);

/* Waits until the thread is done, but not beyond a time of CLOCK_MONOTONIC. */
void ft_table_maker_wait(struct ft_table_maker *maker, u64 until_ns);

/* Whether the thread has made the table of a module, or found none, and nobody has taken it. */
bool ft_table_maker_has(struct ft_table_maker *maker, u32 module);

/*
 * The table of a module: what the thread has made (waits for it), or made now. 0 and an image, the
 * caller's to release; or a negative errno: the module has none.
 */
int ft_table_maker_get(struct ft_table_maker *maker, u32 module, struct ft_table_image *image);

#endif

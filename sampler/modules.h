/*
 * modules.h - the files that are mapped in profiled processes, each known once by device and inode.
 *
 * A file is opened when its first mapping is seen, while the process that mapped it still lives: so
 * a file that is deleted, replaced, or in another mount namespace keeps its symbols.
 */
#ifndef FT_SAMPLER_MODULES_H
#define FT_SAMPLER_MODULES_H

#include "base/types.h"
#include "profile/raw.h"

struct ft_modules;

/* Modules are added to raw, which must outlive the table. NULL when memory is exhausted. */
struct ft_modules *ft_modules_new(struct ft_raw *raw);
void ft_modules_free(struct ft_modules *modules);

/* A mapping as the kernel describes it. */
struct ft_mapped_file {
	u32 pid;
	u64 start, end; /* of the mapping, to find it below /proc/PID/map_files */
	u64 dev;	/* major << 32 | minor */
	u64 inode;	/* 0: not a file */
	const char *path;
};

/*
 * The module's index in raw, added (and its file opened) if it is new. UINT32_MAX when memory is
 * exhausted.
 */
u32 ft_modules_get(struct ft_modules *modules, const struct ft_mapped_file *file);

/*
 * Opens a path for reading if it is a regular file; a device or FIFO is not touched. A descriptor,
 * or -1.
 */
int ft_modules_open_regular(const char *path);

#endif

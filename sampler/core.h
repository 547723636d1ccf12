/*
 * core.h - what a core file holds: threads' registers, mappings, memory.
 *
 * Formats: core(5), elf(5); the notes are those of the kernel's fs/binfmt_elf.c.
 */
#ifndef FT_SAMPLER_CORE_H
#define FT_SAMPLER_CORE_H

#include "sampler/sampler.h"

struct ft_core;

/*
 * Opens a core file and fills in a zeroed backtrace: its process, and of each thread the id and the
 * first frame. root as in ft_backtrace_core. On failure the caller frees what there is.
 */
int ft_core_open(const char *path, const char *root, struct ft_backtrace *backtrace,
		 struct ft_err *err);
void ft_core_close(struct ft_core *core); /* accepts NULL */

/*
 * Reads memory: from the core, or from the file that was mapped there, since what is in files is
 * most often left out. False: not there.
 */
bool ft_core_read(const struct ft_core *core, u64 addr, void *out, size_t bytes);

#endif

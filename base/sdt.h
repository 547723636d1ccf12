/*
 * sdt.h - statically defined probes (USDT): places that a program's author marked by the macros of
 * <sys/sdt.h>. Each is a note in the file: provider, name, address, arguments, and perhaps a
 * semaphore, a counter that tells the program that somebody listens.
 */
#ifndef FT_BASE_SDT_H
#define FT_BASE_SDT_H

#include "base/elf.h"

#define FT_SDT_NAME_MAX 256	 /* bytes of a provider or name, with the NUL */
#define FT_SDT_ARGUMENTS_MAX 512 /* likewise */
#define FT_SDT_PROBES_MAX 65536	 /* notes of one file that are looked at */

/* One location; a probe of one name may have many. */
struct ft_sdt_probe {
	char provider[FT_SDT_NAME_MAX], name[FT_SDT_NAME_MAX];
	char arguments[FT_SDT_ARGUMENTS_MAX]; /* as the assembler saw them: "4@%edi -8@$1" */
	u64 addr, semaphore_addr;	      /* as linked; no semaphore: 0 */
	u64 offset, semaphore_offset;	      /* in the file; no semaphore: 0 */
};

/* Called for each location; probe is borrowed. Anything but 0 ends the walk and is its result. */
typedef int (*ft_sdt_fn)(void *context, const struct ft_sdt_probe *probe);

/*
 * Walks the probes of a file in the order of their notes. Damaged notes, and those of places that
 * are not in the file, are left out; what follows a note of impossible length, too. 0, or what fn
 * returned.
 */
int ft_sdt_walk(struct ft_elf *elf, ft_sdt_fn fn, void *context);

#endif

/*
 * kernel_names.h - names of the kernel's functions, by address: each is looked up once.
 */
#ifndef FT_SCRIPTLANG_KERNEL_NAMES_H
#define FT_SCRIPTLANG_KERNEL_NAMES_H

#include <stddef.h>

#include "base/types.h"

struct ft_kernel_names;

struct ft_kernel_name {
	char *name; /* owned; NULL: not known */
	u64 start;  /* address of the function */
	u64 size;   /* up to the next symbol; 0: not known */
};

/* NULL without memory. To be closed. */
struct ft_kernel_names *ft_kernel_names_new(void);
void ft_kernel_names_close(struct ft_kernel_names *names);

/* Looks up addresses that are new, all at once: the kernel's table is one long text. */
void ft_kernel_names_add(struct ft_kernel_names *names, const u64 *addrs, size_t count);

/* An address's function; looked up if it is new. NULL: not known. Valid until the next look-up. */
const struct ft_kernel_name *ft_kernel_names_find(struct ft_kernel_names *names, u64 addr);

#endif

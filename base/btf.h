/*
 * btf.h - offsets of fields in the running kernel's structures.
 *
 * A lazy reader: it goes through /sys/kernel/btf/vmlinux as far as the few structures that are
 * asked for, where a full parse takes 20 ms. Format: Documentation/bpf/btf.rst of the Linux kernel.
 */
#ifndef FT_BASE_BTF_H
#define FT_BASE_BTF_H

#include "base/err.h"

struct ft_btf_field {
	const char *type; /* structure */
	const char *
		/* member, also inside anonymous members; NULL: ask for the structure's size */
		field;
	u32 *offset; /* out, bytes */
	u32 *bit;    /* out, of a bit field within those bytes; NULL: not asked for */
};

/*
 * Finds all fields. Fails when the kernel has no BTF, it is damaged, or a field is missing (named
 * in err).
 */
int ft_btf_find(const char *path, const struct ft_btf_field *fields, u32 count, struct ft_err *err);

/* Ids of typedefs, by name. Fails as ft_btf_find() does. */
int ft_btf_typedefs(const char *path, const char *const *names, u32 *ids, u32 count,
		    struct ft_err *err);

#define FT_BTF_KERNEL "/sys/kernel/btf/vmlinux"

#endif

/*
 * kernel_dwarf.h - points on functions and lines of the kernel that take its debug information:
 * kernel.function("f@file:line"), .inline, kernel.statement("f@file:line"). They are found as those
 * in programs are (user_point.h), and become kprobes.
 */
#ifndef FT_SCRIPTLANG_KERNEL_DWARF_H
#define FT_SCRIPTLANG_KERNEL_DWARF_H

#include "base/err.h"
#include "scriptlang/user/user_point.h"

/* Whether a point names what only debug information tells. */
bool ft_kernel_dwarf_wants(const struct ft_point *point);

/* Whether it could be a function that the kernel's types do not know: kernel.function("f"). */
bool ft_kernel_dwarf_may_know(const struct ft_point *point);

/* Whether a point is a place in the kernel that was found so. */
bool ft_kernel_dwarf_is_place(const struct ft_point *point);

/*
 * The kernel, or a module of it (NULL: none), as a file, opened once; fetch: its debug information
 * may be asked of servers. NULL: there is none, or it does not tell where it runs, which why says.
 */
struct ft_user_file *ft_kernel_dwarf_file(struct ft_compile *compile, const char *module,
					  bool fetch, char why[300]);

/*
 * As ft_user_points_find; each place is a point of its own. *has_file: there is debug information.
 */
int ft_kernel_dwarf_find(struct ft_compile *compile, const struct ft_point *point, bool *has_file,
			 ft_user_point_fn found, void *context, char why[300]);

/* Whether nothing can be probed at an address as linked: code of the start, or kept from probes. */
bool ft_kernel_dwarf_is_kept(struct ft_user_file *file, u64 addr);

/* Attaches a program to a place: a descriptor, or what err says. */
int ft_kernel_dwarf_attach(const struct ft_point *point, int program, struct ft_err *err);

#endif

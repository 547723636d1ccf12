/*
 * kernel_function.h - points on functions of the kernel that cannot be had: what is said of them,
 * and which tracepoints may do instead. Those that can be had: functions.h.
 */
#ifndef FT_SCRIPTLANG_KERNEL_FUNCTION_H
#define FT_SCRIPTLANG_KERNEL_FUNCTION_H

#include "scriptlang/sema/compile.h"
#include "scriptlang/syntax/ast.h"

#define FT_KERNEL_FUNCTION_WHY 700

/* "; nearest: " and points that are most like a function; "" if none is. Bytes of it. */
size_t ft_kernel_function_near(const struct ft_point *point, char *text, size_t size);

/*
 * Whether a point is one on a function or statement of the kernel: then why says what is in the way
 * and names the nearest points that there are. dwarf_why: why the kernel's debug information does
 * not help; "" where it was not asked.
 */
bool ft_kernel_function_why(const struct ft_point *point, const char *dwarf_why,
			    char why[FT_KERNEL_FUNCTION_WHY]);

#endif

/*
 * kernel_module.h - modules of the kernel that are loaded: their files with debug information, and
 * where they are.
 */
#ifndef FT_SCRIPTLANG_KERNEL_MODULE_H
#define FT_SCRIPTLANG_KERNEL_MODULE_H

#include <elfutils/libdwfl.h>

#include "base/err.h"
#include "base/types.h"

/* Where the code of a module is. False: it is not loaded, or the kernel hides that. */
bool ft_kernel_module_range(const char *module, u64 *start, u64 *bytes);

/*
 * The path of the file with the debug information of a module, told by its build-id: among those of
 * packages, or the module itself. 0, or what err says.
 */
int ft_kernel_module_path(const char *module, char *path, size_t size, struct ft_err *err);

/*
 * Opens that file for libdw, with all addresses as they are in the kernel that runs. NULL: it
 * cannot be read. path and module are borrowed until dwfl_end.
 */
Dwfl *ft_kernel_module_open(const char *module, const char *path, u64 start, u64 bytes,
			    Dwfl_Module **found);

#endif

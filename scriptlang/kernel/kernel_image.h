/*
 * kernel_image.h - the file of the kernel that runs, with its debug information, and where it runs.
 */
#ifndef FT_SCRIPTLANG_KERNEL_IMAGE_H
#define FT_SCRIPTLANG_KERNEL_IMAGE_H

#include "base/err.h"
#include "base/types.h"

/*
 * Its path; fetch: or ask servers for it. 0, or what err says: that there is none, and where it can
 * be had.
 */
int ft_kernel_image_path(bool fetch, char *path, size_t size, struct ft_err *err);

/* Where a symbol of the kernel is, as it runs. False: it has none, or hides addresses. */
bool ft_kernel_image_address(const char *name, u64 *addr);

#endif

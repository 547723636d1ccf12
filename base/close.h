/*
 * close.h - closing many descriptors that the kernel takes its time for.
 */
#ifndef FT_BASE_CLOSE_H
#define FT_BASE_CLOSE_H

#include "base/types.h"

/*
 * Closes descriptors (-1: none) of probes: each waits until no program runs any more that began
 * before, 10 to 100 ms, which is no longer for all of them at the same time.
 */
void ft_close_all(const int *fds, size_t count);

#endif

/* cpus.h - which CPUs are online now. */
#ifndef FT_SAMPLER_CPUS_H
#define FT_SAMPLER_CPUS_H

#include "base/types.h"

/*
 * Parses a list such as "0-3,8" (the format of /sys/devices/system/cpu/online) into an array of CPU
 * numbers, ascending, for the caller to free. Returns their number, -EINVAL, or -ENOMEM.
 */
int ft_cpus_parse(const char *text, u32 **cpus);

/* The CPUs online now; same result as ft_cpus_parse, or the error of reading the file. */
int ft_cpus_online(u32 **cpus);

#endif

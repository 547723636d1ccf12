/* by_cpu.h - stacks that begin with the CPU they were seen on. */
#ifndef FT_PROFILE_BY_CPU_H
#define FT_PROFILE_BY_CPU_H

#include "base/err.h"
#include "profile/profile.h"
#include "profile/raw.h"

/*
 * Both make the tree one whose stacks begin with a process named "[CPU 3]", or "[CPU unknown]"; the
 * rounds, which say which weight came where, are then of the new tree. 0, -ENOMEM, or -EINVAL where
 * no CPU is known.
 */
int ft_by_cpu_raw(struct ft_raw *raw, struct ft_rounds *rounds, struct ft_err *err);

/* Whose process a weight was is forgotten: CPUs divide it. */
int ft_by_cpu_profile(struct ft_profile *profile, struct ft_err *err);

/* The name of a CPU, given its number plus one, or 0. */
#define FT_BY_CPU_NAME 32
void ft_by_cpu_name(u32 cpu, char name[FT_BY_CPU_NAME]);

#endif

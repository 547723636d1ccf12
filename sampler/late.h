/*
 * late.h - walks stacks in user space that the kernel side captured because it did not know enough
 * yet.
 */
#ifndef FT_SAMPLER_LATE_H
#define FT_SAMPLER_LATE_H

#include "profile/space.h"
#include "sampler/tables.h"
#include "sampler/wire.h"

/*
 * Walks the captured stack by the mappings of its process at the time of the sample, and completes
 * capture's record: frames, user_frames, end, words. Tables that are needed are built. space may be
 * NULL: nothing is known.
 */
void ft_late_walk(struct ft_wire_capture *capture, const struct ft_space *space,
		  struct ft_tables *tables, enum ft_wire_unwind how);

#endif

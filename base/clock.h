/* clock.h - the time of a clock as one number. */
#ifndef FT_BASE_CLOCK_H
#define FT_BASE_CLOCK_H

#include <time.h>

#include "base/types.h"

/* Nanoseconds of a clock that always exists: CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID. */
static inline u64 ft_clock_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}

#endif

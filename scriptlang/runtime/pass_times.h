/*
 * pass_times.h - "Pass N: ... in Uusr/Ssys/Rreal ms.": what SystemTap tells with -v, and tools that
 * run it read.
 */
#ifndef FT_SCRIPTLANG_PASS_TIMES_H
#define FT_SCRIPTLANG_PASS_TIMES_H

#include "base/types.h"
#include "scriptlang/scriptlang.h"

/* Of a process so far. */
struct ft_pass_times {
	u64 user_us, system_us, real_us;
};

struct ft_pass_times ft_pass_times_now(void);

/* With -v: says what was done since a moment, and takes that moment to now. */
void ft_pass_times_say(const struct ft_script_run *opts, struct ft_pass_times *since,
		       const char *fmt, ...) FT_PRINTF(3, 4);

#endif

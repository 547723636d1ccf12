/*
 * perfscript.h - reads what "perf script" prints: samples with their stacks, innermost frame first.
 *
 * A sample is a line "command pid/tid [cpu] seconds: period event:" (most of it may be missing),
 * lines "address function+0xoffset (file)", and an empty line. Each counts once.
 */
#ifndef FT_PROFILE_PERFSCRIPT_H
#define FT_PROFILE_PERFSCRIPT_H

#include "profile/profile.h"
#include "profile/select.h"

/* Whether text looks like it, and not like folded text. */
bool ft_perfscript_is(const char *text, size_t len);

struct ft_perfscript_stats {
	u64 samples;   /* with a stack, before selection */
	u64 bad_lines; /* neither a sample nor a frame of one */
};

/*
 * Adds all samples that are selected to profile. Errors: -EINVAL when it holds none, or lacks what
 * the selection asks for; -ENOMEM.
 */
int ft_perfscript_read(const char *text, size_t len, const char *name,
		       const struct ft_select *select, struct ft_profile *profile,
		       struct ft_perfscript_stats *stats, struct ft_err *err);

#endif

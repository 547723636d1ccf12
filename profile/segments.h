/*
 * segments.h - the executable parts of files, as processes mapped them: from a recording to the
 * modules of a resolved profile.
 */
#ifndef FT_PROFILE_SEGMENTS_H
#define FT_PROFILE_SEGMENTS_H

#include "profile/profile.h"
#include "profile/raw.h"

/*
 * Tells the files that profile, resolved from raw, has frames of which parts were mapped, and what
 * their addresses are as linked: the same in every process. 0 or -ENOMEM.
 */
int ft_segments_note(struct ft_profile *profile, const struct ft_raw *raw);

/* Whether an offset lies in this part of its file. */
static inline bool ft_segment_has(const struct ft_profile_module *module, u64 offset)
{
	return offset >= module->offset && offset - module->offset < module->limit - module->start;
}

#endif

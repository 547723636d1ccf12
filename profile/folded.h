/*
 * folded.h - reads folded stacks: one stack a line, root first, "frame;frame;...;frame weight".
 *
 * The format of Brendan Gregg's stackcollapse scripts. Annotation suffixes "_[k]" (kernel), "_[i]"
 * (inlined) and "_[j]" (JIT) become the frame's kind and leave its name. A frame may hold spaces;
 * the weight is what follows the last one and may have a fraction, which is rounded down. Empty
 * lines and lines that start with '#' are skipped. CR LF ends a line too.
 */
#ifndef FT_PROFILE_FOLDED_H
#define FT_PROFILE_FOLDED_H

#include "profile/profile.h"

struct ft_folded_stats {
	u64 lines;	    /* read, blank ones and comments not counted */
	u64 bad_lines;	    /* left out: no weight, no frame */
	u64 first_bad_line; /* its number from 1, or 0 */
};

/*
 * Reads everything from fd (a file, pipe or terminal) in bounded memory and adds it to profile.
 * name is for messages. Fails when reading fails, memory is exhausted, or not one line could be
 * used (-EINVAL: not folded text, or empty); single bad lines are counted in stats.
 */
int ft_folded_read(int fd, const char *name, struct ft_profile *profile,
		   struct ft_folded_stats *stats, struct ft_err *err);

#endif

/* folded_private.h - the reader of folded text with its limits as parameters, for tests. */
#ifndef FT_PROFILE_FOLDED_PRIVATE_H
#define FT_PROFILE_FOLDED_PRIVATE_H

#include "profile/folded.h"

/*
 * ft_folded_read with a first buffer of buffer_bytes (at least 1) and lines of up to
 * line_bytes_max; longer ones are bad lines. Neither may change what is read otherwise.
 */
int ft_folded_read_sized(int fd, const char *name, size_t buffer_bytes, size_t line_bytes_max,
			 struct ft_profile *profile, struct ft_folded_stats *stats,
			 struct ft_err *err);

#endif

/*
 * pprof.h - reads profiles of the pprof tool: profile.proto, compressed by gzip or not.
 *
 * The format: github.com/google/pprof, proto/profile.proto. Of several values per sample the
 * default one counts, else the last, as pprof itself does.
 */
#ifndef FT_PROFILE_PPROF_H
#define FT_PROFILE_PPROF_H

#include "profile/profile.h"

/*
 * Adds all samples to profile. Errors: -EINVAL when it is not such a file or holds no samples;
 * -ENOMEM.
 */
int ft_pprof_read(const void *data, size_t len, const char *name, struct ft_profile *profile,
		  struct ft_err *err);

#endif

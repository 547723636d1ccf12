/* sha256.h - the digest by which a page's policy names its own script and style. */
#ifndef FT_OUTPUT_SHA256_H
#define FT_OUTPUT_SHA256_H

#include "base/types.h"

#define FT_SHA256_BYTES 32

/* FIPS 180-4. Fit for naming what we write ourselves; not hardened against anybody. */
void ft_sha256(const void *data, size_t len, u8 digest[FT_SHA256_BYTES]);

#endif

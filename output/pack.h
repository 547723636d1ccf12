/*
 * pack.h - bytes compressed (raw deflate) and written as base64: how data travels inside a picture.
 *
 * Streams: memory does not grow with what goes through. Base64 is safe in XML and HTML text.
 */
#ifndef FT_OUTPUT_PACK_H
#define FT_OUTPUT_PACK_H

#include "base/out.h"

struct ft_pack;

/*
 * Begins to write to out, which stays the caller's. between is written after every MiB of base64
 * (a parser may limit how long one text is); NULL for nothing. NULL when memory is exhausted.
 */
struct ft_pack *ft_pack_new(struct ft_out *out, const char *between);

/*
 * Bytes of one kind. A long run is tried in three ways first, on a part from its middle: repeated
 * strings, repeated bytes, or frequent bytes alone, which is fifteen times as fast and, for numbers
 * without much repetition, smaller.
 */
void ft_pack_column(struct ft_pack *pack, const void *data, size_t len);

void ft_pack_bytes(struct ft_pack *pack, const void *data, size_t len);

/* Writes what is left, and frees. Returns 0, or -ENOMEM if compressing failed at any time. */
int ft_pack_finish(struct ft_pack *pack);

/* Bytes as base64, padded; text has room for 4 letters for 3 bytes begun. Returns the length. */
size_t ft_pack_base64(const u8 *bytes, size_t len, char *text);

#endif

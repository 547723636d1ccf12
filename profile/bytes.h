/*
 * bytes.h - numbers and texts as bytes in a buffer, and back.
 *
 * Numbers are LEB128 (seven bits a byte, low ones first). Both sides remember the first failure, so
 * that a caller asks once at the end.
 */
#ifndef FT_PROFILE_BYTES_H
#define FT_PROFILE_BYTES_H

#include "base/types.h"

/* A zeroed struct is an empty buffer. */
struct ft_bytes {
	u8 *data;
	size_t len, cap;
	bool failed; /* memory was exhausted; what is put after that is lost */
};

void ft_bytes_fini(struct ft_bytes *bytes);

/* Makes room for len more bytes and returns where they go, or NULL. Counts them as put. */
u8 *ft_bytes_room(struct ft_bytes *bytes, size_t len);
void ft_bytes_put(struct ft_bytes *bytes, const void *data, size_t len);
void ft_bytes_number(struct ft_bytes *bytes, u64 number);
/* Its length, then the text. */
void ft_bytes_text(struct ft_bytes *bytes, const char *text, size_t len);

/* A reader's place in bytes that come from outside. */
struct ft_cursor {
	const u8 *at, *end;
	bool bad; /* something was asked for that is not there; all that follows reads as 0 */
};

u64 ft_cursor_number_slow(struct ft_cursor *c);

/* A number; 0 when there is none. */
static inline u64 ft_cursor_number(struct ft_cursor *c)
{
	if (c->at < c->end && *c->at < 0x80)
		return *c->at++;
	return ft_cursor_number_slow(c);
}

/* A number of at most max, which becomes bad and 0 beyond it. */
u64 ft_cursor_below(struct ft_cursor *c, u64 max);

/* Borrowed bytes of that length, or NULL. */
const u8 *ft_cursor_take(struct ft_cursor *c, size_t len);

/* A text; borrowed, not NUL-terminated. "" when there is none. */
const char *ft_cursor_text(struct ft_cursor *c, size_t *len);

/* Small numbers for small differences of either sign. */
static inline u64 ft_zigzag(u64 difference)
{
	return difference << 1 ^ (0 - (difference >> 63));
}

static inline u64 ft_unzigzag(u64 number)
{
	return number >> 1 ^ (0 - (number & 1));
}

#endif

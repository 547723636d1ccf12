/* bytes.c - see bytes.h. */
#include "profile/bytes.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void ft_bytes_fini(struct ft_bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct ft_bytes){0};
}

u8 *ft_bytes_room(struct ft_bytes *bytes, size_t len)
{
	if (bytes->failed || len > SIZE_MAX - bytes->len ||
	    FT_GROW_RAW(&bytes->data, &bytes->cap, bytes->len + len)) {
		bytes->failed = true;
		return NULL;
	}
	bytes->len += len;
	return bytes->data + bytes->len - len;
}

void ft_bytes_put(struct ft_bytes *bytes, const void *data, size_t len)
{
	u8 *to = len ? ft_bytes_room(bytes, len) : NULL;

	if (to)
		memcpy(to, data, len);
}

void ft_bytes_number(struct ft_bytes *bytes, u64 number)
{
	u8 text[10];
	size_t len = 0;

	for (; number >= 0x80; number >>= 7)
		text[len++] = (u8)(number | 0x80);
	text[len++] = (u8)number;
	ft_bytes_put(bytes, text, len);
}

void ft_bytes_text(struct ft_bytes *bytes, const char *text, size_t len)
{
	ft_bytes_number(bytes, len);
	ft_bytes_put(bytes, text, len);
}

u64 ft_cursor_number_slow(struct ft_cursor *c)
{
	u64 number = 0;

	for (u32 shift = 0; c->at < c->end && shift < 64; shift += 7) {
		u8 byte = *c->at++;

		if (shift == 63 && byte > 1)
			break;
		number |= (u64)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return number;
	}
	c->bad = true;
	c->at = c->end;
	return 0;
}

u64 ft_cursor_below(struct ft_cursor *c, u64 max)
{
	u64 number = ft_cursor_number(c);

	if (number <= max)
		return number;
	c->bad = true;
	c->at = c->end;
	return 0;
}

const u8 *ft_cursor_take(struct ft_cursor *c, size_t len)
{
	const u8 *at = c->at;

	if (len > (size_t)(c->end - c->at)) {
		c->bad = true;
		c->at = c->end;
		return NULL;
	}
	c->at += len;
	return at;
}

const char *ft_cursor_text(struct ft_cursor *c, size_t *len)
{
	u64 want = ft_cursor_number(c);
	const u8 *at = want <= (u64)(c->end - c->at) ? ft_cursor_take(c, (size_t)want) : NULL;

	*len = at ? (size_t)want : 0;
	if (!at) {
		c->bad = true;
		c->at = c->end;
	}
	return at ? (const char *)at : "";
}

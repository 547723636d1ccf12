/* column.c - bytes, numbers and lines of text added to a column. See columns_private.h. */
#include <string.h>

#include "base/alloc.h"
#include "output/columns_private.h"
#include "output/escape.h"

void ft_column_bytes(struct ft_column *column, const void *data, size_t len)
{
	if (column->failed || FT_GROW_RAW(&column->data, &column->cap, column->len + len)) {
		column->failed = true;
		return;
	}
	if (len)
		memcpy(column->data + column->len, data, len);
	column->len += len;
}

void ft_column_number_slow(struct ft_column *column, u64 number)
{
	u8 bytes[10];
	size_t n = 0;

	for (; number >= 0x80; number >>= 7)
		bytes[n++] = (u8)(number | 0x80);
	bytes[n++] = (u8)number;
	ft_column_bytes(column, bytes, n);
}

void ft_column_line(struct ft_column *column, const char *text, size_t len)
{
	size_t end = len < FT_COLUMN_LINE_MAX ? len : FT_COLUMN_LINE_MAX, at = 0, bytes;
	char utf8[4];

	while (at < end) {
		u32 c = ft_escape_decode(text + at, end - at, &bytes);

		ft_column_bytes(column, utf8, ft_escape_utf8(c, utf8));
		at += bytes;
	}
	ft_column_bytes(column, end < len ? "\xE2\x80\xA6\n" : "\n", end < len ? 4 : 1);
}

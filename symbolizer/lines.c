/* lines.c - see lines.h. */
#include "symbolizer/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

#define BUFFER_BYTES (64 * 1024)

int ft_lines_read(int fd, u64 bytes_max, ft_line_fn fn, void *arg)
{
	char *buffer = ft_try_alloc(1, BUFFER_BYTES);
	size_t have = 0;
	u64 total = 0;
	int code = buffer ? 0 : -ENOMEM;
	bool too_long = false;

	while (!code && total < bytes_max) {
		ssize_t n = read(fd, buffer + have, BUFFER_BYTES - have);
		char *p = buffer, *end, *newline;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		total += (u64)n;
		end = buffer + have + n;
		while (!code && (newline = memchr(p, '\n', (size_t)(end - p)))) {
			if (!too_long)
				code = fn(arg, p, newline);
			too_long = false;
			p = newline + 1;
		}
		have = (size_t)(end - p);
		if (have == BUFFER_BYTES) {
			too_long = true;
			have = 0;
		}
		memmove(buffer, p, have);
	}
	free(buffer);
	return code < 0 ? code : 0;
}

const char *ft_lines_hex(const char *text, const char *end, u64 *number)
{
	const char *start, *p = text;
	u64 value = 0;

	if (end - p > 2 && p[0] == '0' && (p[1] | 0x20) == 'x')
		p += 2;
	for (start = p; p < end && p - start < 16; p++) {
		unsigned int c = (u8)*p, digit;

		if (c - '0' < 10)
			digit = c - '0';
		else if ((c | 0x20) - 'a' < 6)
			digit = (c | 0x20) - 'a' + 10;
		else
			break;
		value = value << 4 | digit;
	}
	if (p == start || p == end || *p != ' ')
		return NULL;
	*number = value;
	return p + 1;
}

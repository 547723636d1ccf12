/* file.c - see file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"

int ft_file_read(const char *path, size_t max_bytes, char **data, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), code = 0;
	char *text = NULL;
	size_t have = 0, cap = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n;

		if (have > max_bytes) {
			code = -EFBIG;
			break;
		}
		code = FT_GROW(&text, &cap, have + 4096);
		if (code)
			break;
		n = read(fd, text + have, cap - have - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			code = -errno;
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	close(fd);
	if (code) {
		free(text);
		return code;
	}
	text[have] = '\0';
	*data = text;
	*len = have;
	return 0;
}

int ft_file_read_s64(const char *path, s64 *number)
{
	char *text = NULL, *end;
	size_t len;
	long long value;
	int code = ft_file_read(path, 4096, &text, &len);

	if (!text)
		return code;
	errno = 0;
	value = strtoll(text, &end, 10);
	code = end == text ? -EINVAL : -errno;
	free(text);
	if (!code)
		*number = value;
	return code;
}

void ft_file_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

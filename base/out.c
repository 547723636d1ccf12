/* out.c - see out.h. */
#include "base/out.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

#define OUT_BUFFER_BYTES (64 * 1024)
#define OUT_MEMORY_BYTES 1024 /* to begin with */

struct ft_out {
	int fd;		/* -1: memory */
	int error;	/* first errno seen, positive */
	bool owns_fd;	/* false for standard output */
	bool unnamed;	/* opened by O_TMPFILE, still without a name */
	char *path;	/* final name; NULL where there is nothing to rename */
	char *path_tmp; /* temporary name that exists on disk now, or NULL */
	char *data;
	size_t len, cap;
};

static struct ft_out *out_new(size_t bytes)
{
	struct ft_out *out = ft_alloc(sizeof(*out));

	out->fd = -1;
	out->cap = bytes;
	out->data = ft_alloc(out->cap);
	return out;
}

/* "dir/.name.PID.tmp" for "dir/name". */
static char *temporary_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	int dir_len = slash ? (int)(slash - path) + 1 : 0;
	size_t size = strlen(path) + 32;
	char *name = ft_alloc(size);

	snprintf(name, size, "%.*s.%.200s.%d.tmp", dir_len, path, path + dir_len, (int)getpid());
	return name;
}

static int open_regular(struct ft_out *out, const char *path)
{
	char *copy = ft_strdup(path);
	int flags = O_WRONLY | O_CLOEXEC;

	out->path = ft_strdup(path);
	out->fd = open(dirname(copy), flags | O_TMPFILE, 0666);
	free(copy);
	if (out->fd >= 0) {
		out->unnamed = true;
		return 0;
	}
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		return -errno;
	out->path_tmp = temporary_name(path);
	out->fd = open(out->path_tmp, flags | O_CREAT | O_TRUNC, 0666);
	if (out->fd >= 0)
		return 0;
	free(out->path_tmp);
	out->path_tmp = NULL;
	return -errno;
}

int ft_out_open(const char *path, struct ft_out **result, struct ft_err *err)
{
	struct ft_out *out = out_new(OUT_BUFFER_BYTES);
	struct stat st;
	int code = 0;

	if (!strcmp(path, "-")) {
		out->fd = STDOUT_FILENO;
		*result = out;
		return 0;
	}
	out->owns_fd = true;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		code = -EISDIR;
	} else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		out->fd = open(path, O_WRONLY | O_CLOEXEC);
		code = out->fd < 0 ? -errno : 0;
	} else if (!access(path, F_OK) && access(path, W_OK)) {
		code = -errno;
	} else {
		code = open_regular(out, path);
	}
	if (code) {
		ft_out_close(out);
		return ft_err_set(err, code, "cannot write %s: %s; choose another place with -o",
				  path, strerror(-code));
	}
	*result = out;
	return 0;
}

struct ft_out *ft_out_new_memory(void)
{
	return out_new(OUT_MEMORY_BYTES);
}

const char *ft_out_memory(const struct ft_out *out, size_t *len)
{
	*len = out->len;
	return out->data;
}

void ft_out_clear(struct ft_out *out)
{
	out->len = 0;
}

static void out_flush(struct ft_out *out)
{
	size_t done = 0;

	while (done < out->len && !out->error) {
		ssize_t n = write(out->fd, out->data + done, out->len - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			out->error = errno;
	}
	out->len = 0;
}

/*
 * Room for need more bytes; false when they cannot fit (the caller then writes in pieces, or gives
 * up).
 */
static bool out_reserve(struct ft_out *out, size_t need)
{
	if (out->cap - out->len >= need)
		return true;
	if (out->fd >= 0) {
		out_flush(out);
		return out->cap >= need;
	}
	if (FT_GROW(&out->data, &out->cap, out->len + need)) {
		out->error = ENOMEM;
		return false;
	}
	return true;
}

void ft_out_bytes(struct ft_out *out, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		size_t part = out->fd >= 0 && len > out->cap ? out->cap : len;

		if (!out_reserve(out, part))
			return;
		memcpy(out->data + out->len, p, part);
		out->len += part;
		p += part;
		len -= part;
	}
}

void ft_out_text(struct ft_out *out, const char *text)
{
	ft_out_bytes(out, text, strlen(text));
}

void ft_out_char(struct ft_out *out, char c)
{
	if (out_reserve(out, 1))
		out->data[out->len++] = c;
}

void ft_out_u64(struct ft_out *out, u64 number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	ft_out_bytes(out, digits + at, sizeof(digits) - at);
}

void ft_out_s64(struct ft_out *out, s64 number)
{
	if (number < 0)
		ft_out_char(out, '-');
	ft_out_u64(out, number < 0 ? -(u64)number : (u64)number);
}

void ft_out_hex(struct ft_out *out, u64 number)
{
	char digits[18];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[number % 16];
		number /= 16;
	} while (number);
	digits[--at] = 'x';
	digits[--at] = '0';
	ft_out_bytes(out, digits + at, sizeof(digits) - at);
}

void ft_out_printf(struct ft_out *out, const char *fmt, ...)
{
	char text[1024], *big = NULL;
	va_list args, again;
	int n;

	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(text, sizeof(text), fmt, args);
	if (n >= (int)sizeof(text)) {
		if (vasprintf(&big, fmt, again) < 0)
			out->error = ENOMEM;
		else
			ft_out_bytes(out, big, (size_t)n);
		free(big);
	} else if (n > 0) {
		ft_out_bytes(out, text, (size_t)n);
	}
	va_end(again);
	va_end(args);
}

/*
 * Gives an O_TMPFILE file a name: its own if that is free, else a temporary one to be renamed over
 * the old file.
 */
static int out_name(struct ft_out *out)
{
	char self[32];

	if (!out->path)
		return EINVAL;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", out->fd);
	if (linkat(AT_FDCWD, self, AT_FDCWD, out->path, AT_SYMLINK_FOLLOW) == 0) {
		out->unnamed = false;
		return 0;
	}
	if (errno != EEXIST)
		return errno;
	out->path_tmp = temporary_name(out->path);
	unlink(out->path_tmp);
	if (linkat(AT_FDCWD, self, AT_FDCWD, out->path_tmp, AT_SYMLINK_FOLLOW)) {
		free(out->path_tmp);
		out->path_tmp = NULL;
		return errno;
	}
	out->unnamed = false;
	return 0;
}

int ft_out_commit(struct ft_out *out, struct ft_err *err)
{
	const char *name = out->path ? out->path : "the output";

	if (out->fd < 0)
		return out->error ? ft_err_set(err, -out->error, "out of memory") : 0;
	out_flush(out);
	if (!out->error && out->unnamed)
		out->error = out_name(out);
	if (!out->error && out->path_tmp) {
		if (rename(out->path_tmp, out->path)) {
			out->error = errno;
		} else {
			free(out->path_tmp);
			out->path_tmp = NULL;
		}
	}
	if (out->error == ENOSPC || out->error == EDQUOT)
		return ft_err_set(err, -out->error,
				  "cannot write %s: %s; nothing was left there, free some space or "
				  "choose another place with -o",
				  name, strerror(out->error));
	if (out->error)
		return ft_err_set(err, -out->error, "cannot write %s: %s", name,
				  strerror(out->error));
	return 0;
}

void ft_out_close(struct ft_out *out)
{
	if (!out)
		return;
	if (out->path_tmp)
		unlink(out->path_tmp);
	if (out->owns_fd && out->fd >= 0)
		close(out->fd);
	free(out->path);
	free(out->path_tmp);
	free(out->data);
	free(out);
}

/* proc.c - see proc.h. */
#include "base/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define MAPS_MAX_BYTES (256 * 1024 * 1024)

/* A hexadecimal number that must be followed by the character stop, which is skipped. */
static bool take_hex(char **text, char stop, u64 *number)
{
	char *end;

	if (!isxdigit((unsigned char)**text))
		return false; /* strtoull would take a sign */
	*number = strtoull(*text, &end, 16);
	if (*end != stop)
		return false;
	*text = end + 1;
	return true;
}

int ft_proc_map_parse(char *line, struct ft_proc_map *map)
{
	u64 major, minor;
	char *end;

	if (!take_hex(&line, '-', &map->start) || !take_hex(&line, ' ', &map->end) ||
	    strlen(line) < 5)
		return -EINVAL;
	map->executable = line[2] == 'x';
	line += 5; /* "r-xp " */
	if (!take_hex(&line, ' ', &map->offset) || !take_hex(&line, ':', &major) ||
	    !take_hex(&line, ' ', &minor))
		return -EINVAL;
	map->dev_major = (u32)major;
	map->dev_minor = (u32)minor;
	map->inode = strtoull(line, &end, 10);
	if (end == line)
		return -EINVAL;
	while (*end == ' ')
		end++;
	map->path = end;
	return 0;
}

int ft_proc_maps(u32 pid, ft_proc_map_fn fn, void *context)
{
	char path[32], *text, *line, *next;
	size_t len;
	int code;

	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	code = ft_file_read(path, MAPS_MAX_BYTES, &text, &len);
	if (code)
		return code;
	for (line = text; *line && !code; line = next) {
		struct ft_proc_map map;

		next = strchrnul(line, '\n');
		if (*next)
			*next++ = '\0';
		if (ft_proc_map_parse(line, &map) == 0)
			code = fn(context, &map);
	}
	free(text);
	return code;
}

int ft_proc_tgid(u32 tid, u32 *tgid)
{
	char path[32], *text, *at;
	size_t len;
	int code;

	snprintf(path, sizeof(path), "/proc/%u/status", tid);
	code = ft_file_read(path, 65536, &text, &len);
	if (code)
		return code;
	at = strstr(text, "\nTgid:");
	if (at)
		*tgid = (u32)strtoul(at + 6, NULL, 10);
	free(text);
	return at ? 0 : -EINVAL;
}

u32 ft_proc_pid_inside(u32 pid)
{
	char path[32], *text, *line, *last;
	u32 inside = pid;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	if (ft_file_read(path, 65536, &text, &len))
		return pid;
	line = strstr(text, "\nNSpid:");
	if (line) {
		line++;
		line[strcspn(line, "\n")] = '\0';
		last = strrchr(line, '\t');
		if (last)
			inside = (u32)strtoul(last + 1, NULL, 10);
	}
	free(text);
	return inside;
}

int ft_proc_pids(ft_proc_pid_fn fn, void *context)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int code = 0;

	if (!dir)
		return -errno;
	while (!code && (entry = readdir(dir))) {
		char *end;
		unsigned long pid = strtoul(entry->d_name, &end, 10);

		if (pid && !*end)
			code = fn(context, (u32)pid);
	}
	closedir(dir);
	return code;
}

/* The number behind a text in a file. */
static u64 number_behind(const char *path, const char *before)
{
	char *text, *at;
	u64 number = 0;
	size_t len;

	if (ft_file_read(path, 16 << 20, &text, &len))
		return 0;
	at = strstr(text, before);
	if (at)
		number = strtoull(at + strlen(before), NULL, 10);
	free(text);
	return number;
}

u32 ft_proc_threads(u32 pid)
{
	char path[40];

	/* "0.20 0.18 0.12 1/80 11206": of 80 threads one runs. */
	if (!pid)
		return (u32)number_behind("/proc/loadavg", "/");
	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	return (u32)number_behind(path, "\nThreads:");
}

u64 ft_proc_switches(void)
{
	return number_behind("/proc/stat", "\nctxt ");
}

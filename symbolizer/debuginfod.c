/*
 * debuginfod.c - debug files from servers, by build-id.
 *
 * Only where the user has named servers (DEBUGINFOD_URLS), and only then is libdebuginfod loaded:
 * it brings a stack of network libraries that nobody else should pay for. It keeps what it fetched
 * in its cache, and takes its other settings from the environment: debuginfod-find(1).
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "symbolizer/source.h"

/* As declared by elfutils/debuginfod.h. */
typedef void *begin_fn(void);
typedef int find_fn(void *client, const unsigned char *build_id, int bytes, char **path);
typedef void end_fn(void *client);

int ft_debuginfod_find(struct ft_sym *sym, const u8 *build_id, int bytes)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	find_fn *find;
	begin_fn *begin;
	end_fn *end;
	void *library, *client;
	int fd = -ENOENT;

	if (!urls || !*urls || bytes < 2)
		return -ENOENT;
	library = dlopen("libdebuginfod.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		if (sym->notes)
			sym->notes->no_debuginfod = true;
		return -ENOENT;
	}
	/* The library stays: what it started (curl, TLS) does not survive being unloaded. */
	*(void **)&begin = dlsym(library, "debuginfod_begin");
	*(void **)&find = dlsym(library, "debuginfod_find_debuginfo");
	*(void **)&end = dlsym(library, "debuginfod_end");
	client = begin && find && end ? begin() : NULL;
	if (!client)
		return -ENOENT;
	fd = find(client, build_id, bytes, NULL);
	end(client);
	return fd >= 0 ? fd : -ENOENT;
}

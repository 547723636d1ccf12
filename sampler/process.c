/*
 * process.c - the executable mappings of a living process, with their files (sampler.h).
 *
 * Files are opened through the mapping's own link where that is permitted (modules.c), so one that
 * was deleted or replaced since is still the one that runs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/proc.h"
#include "sampler/modules.h"
#include "sampler/sampler.h"

static int map_add(void *context, const struct ft_proc_map *map)
{
	struct ft_process *p = context;
	struct ft_mapped_file file = {
		.pid = p->pid,
		.start = map->start,
		.end = map->end,
		.dev = (u64)map->dev_major << 32 | map->dev_minor,
		.inode = map->inode,
		.path = map->path,
	};
	struct ft_process_map *m;

	if (!map->executable || !strcmp(map->path, "[vsyscall]"))
		return 0;
	if (FT_GROW(&p->maps, &p->map_cap, (size_t)p->map_count + 1))
		return -ENOMEM;
	m = &p->maps[p->map_count];
	m->start = map->start;
	m->end = map->end;
	m->offset = map->offset;
	m->module = ft_modules_get(p->modules, &file);
	if (m->module == UINT32_MAX)
		return -ENOMEM;
	if (p->raw->modules[m->module].kind == FT_MODULE_VDSO)
		m->offset = 0;
	p->map_count++;
	return 0;
}

int ft_process_refresh(struct ft_process *process, struct ft_err *err)
{
	struct ft_process before = *process;
	int code;

	process->maps = NULL;
	process->map_cap = 0;
	process->map_count = 0;
	code = ft_proc_maps(process->pid, map_add, process);
	if (!code) {
		free(before.maps);
		return 0;
	}
	free(process->maps);
	process->maps = before.maps;
	process->map_cap = before.map_cap;
	process->map_count = before.map_count;
	if (code == -ENOENT || code == -ESRCH)
		return ft_err_set(err, -ESRCH, "there is no process %u", process->pid);
	if (code == -EACCES || code == -EPERM)
		return ft_err_set(
			err, code,
			"not permitted to look at process %u: run as its user, or as root",
			process->pid);
	return ft_err_set(err, code, "cannot read the mappings of process %u: %s", process->pid,
			  strerror(-code));
}

int ft_process_open(u32 pid, struct ft_process *process, struct ft_err *err)
{
	struct ft_process p = {.pid = pid};
	int code;

	p.raw = ft_raw_new();
	if (!p.raw)
		return ft_err_set(err, -ENOMEM, "out of memory");
	p.modules = ft_modules_new(p.raw);
	code = p.modules ? ft_process_refresh(&p, err) : ft_err_set(err, -ENOMEM, "out of memory");
	if (code)
		ft_process_close(&p);
	else
		*process = p;
	return code;
}

void ft_process_close(struct ft_process *process)
{
	ft_modules_free(process->modules);
	if (process->raw)
		ft_raw_free(process->raw);
	free(process->maps);
	*process = (struct ft_process){0};
}

const struct ft_process_map *ft_process_find(const struct ft_process *process, u64 addr)
{
	u32 low = 0, high = process->map_count;

	while (low < high) {
		u32 middle = low + (high - low) / 2;
		const struct ft_process_map *m = &process->maps[middle];

		if (addr < m->start)
			high = middle;
		else if (addr >= m->end)
			low = middle + 1;
		else
			return m;
	}
	return NULL;
}

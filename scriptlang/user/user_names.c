/*
 * user_names.c - see user_names.h. A process stays open from its first address on, so that its
 * names are known when it has ended; of many, the one that came first makes room.
 */
#include "scriptlang/user/user_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "sampler/sampler.h"
#include "symbolizer/symbolizer.h"

#define PROCESSES_MAX 64

struct known {
	struct ft_process process;
	struct ft_symbols **symbols; /* by module; NULL: not open */
	size_t symbols_cap;
	bool *tried;
	size_t tried_cap;
	bool is_open;
};

struct ft_user_names {
	struct known items[PROCESSES_MAX];
	u32 next; /* the place of the next one */
};

struct ft_user_names *ft_user_names_new(void)
{
	return ft_try_alloc(1, sizeof(struct ft_user_names));
}

static void forget(struct known *k)
{
	if (!k->is_open)
		return;
	for (size_t i = 0; i < k->symbols_cap; i++)
		ft_symbols_close(k->symbols[i]);
	free(k->symbols);
	free(k->tried);
	ft_process_close(&k->process);
	memset(k, 0, sizeof(*k));
}

void ft_user_names_close(struct ft_user_names *names)
{
	for (u32 i = 0; names && i < PROCESSES_MAX; i++)
		forget(&names->items[i]);
	free(names);
}

static struct known *known_of(struct ft_user_names *names, u32 pid)
{
	struct known *k;

	for (u32 i = 0; i < PROCESSES_MAX; i++)
		if (names->items[i].is_open && names->items[i].process.pid == pid)
			return &names->items[i];
	k = &names->items[names->next];
	forget(k);
	if (ft_process_open(pid, &k->process, NULL))
		return NULL;
	k->is_open = true;
	names->next = (names->next + 1) % PROCESSES_MAX;
	return k;
}

static struct ft_symbols *symbols_of(struct known *k, u32 module)
{
	if (ft_grow(&k->symbols, &k->symbols_cap, (size_t)module + 1,
		    sizeof(struct ft_symbols *)) ||
	    FT_GROW(&k->tried, &k->tried_cap, (size_t)module + 1))
		return NULL;
	if (!k->tried[module] &&
	    ft_symbols_open(&k->process.raw->modules[module], NULL, &k->symbols[module], NULL))
		k->symbols[module] = NULL;
	k->tried[module] = true;
	return k->symbols[module];
}

void ft_user_name_in(struct ft_symbols *symbols, struct ft_user_name *found)
{
	struct ft_symbols_frame frame;
	u64 addr, start, end;
	u32 depth = 0;

	if (!symbols || !ft_symbols_link(symbols, found->offset, &addr) ||
	    ft_symbols_find(symbols, &addr, 1))
		return;
	if (ft_symbols_frame(symbols, 0, 0, &frame)) {
		found->file = frame.file;
		found->line = frame.line;
	}
	/* Calls that were inlined belong to the function that they are in. */
	while (ft_symbols_frame(symbols, 0, depth, &frame))
		depth++;
	if (!depth || !ft_symbols_frame(symbols, 0, depth - 1, &frame) || !frame.function)
		return;
	found->name = frame.function;
	found->offset = 0;
	if (ft_symbols_function(symbols, addr, &start, &end)) {
		found->offset = addr - start;
		found->size = end - start;
	}
}

struct ft_user_name ft_user_names_find(struct ft_user_names *names, u32 pid, u64 addr)
{
	struct known *k = known_of(names, pid);
	const struct ft_process_map *map = k ? ft_process_find(&k->process, addr) : NULL;
	struct ft_user_name found = {.offset = addr};

	if (k && !map && !ft_process_refresh(&k->process, NULL))
		map = ft_process_find(&k->process, addr);
	if (!map)
		return found;
	found.module = k->process.raw->modules[map->module].path;
	found.offset = addr - map->start + map->offset;
	ft_user_name_in(symbols_of(k, map->module), &found);
	return found;
}

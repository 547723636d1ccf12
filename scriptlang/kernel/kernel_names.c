/* kernel_names.c - see kernel_names.h. */
#include "scriptlang/kernel/kernel_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map64.h"
#include "symbolizer/symbolizer.h"

/* Looked up one by one, more than these: then all functions of the kernel are read at once. */
#define SINGLES_MAX 3

struct ft_kernel_names {
	struct ft_symbols *symbols;
	struct ft_kernel_table *table; /* NULL: not yet */
	u32 singles;
	struct ft_map64 by_addr; /* address to its place in items + 1 */
	struct ft_kernel_name *items;
	size_t count, cap;
};

struct ft_kernel_names *ft_kernel_names_new(void)
{
	return ft_try_alloc(1, sizeof(struct ft_kernel_names));
}

void ft_kernel_names_close(struct ft_kernel_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i].name);
	free(names->items);
	ft_map64_fini(&names->by_addr);
	ft_symbols_close(names->symbols);
	ft_kernel_table_free(names->table);
	free(names);
}

/* Enters those that are new; *fresh gets them, *count how many they are. */
static bool enter(struct ft_kernel_names *names, const u64 *addrs, size_t *count, u64 *fresh)
{
	size_t given = *count;

	*count = 0;
	for (size_t i = 0; i < given; i++) {
		u64 *place = ft_map64_at(&names->by_addr, addrs[i]);

		if (!place || FT_GROW(&names->items, &names->cap, names->count + 1))
			return false;
		if (*place)
			continue;
		names->items[names->count] = (struct ft_kernel_name){0};
		*place = ++names->count;
		fresh[(*count)++] = addrs[i];
	}
	return true;
}

void ft_kernel_names_add(struct ft_kernel_names *names, const u64 *addrs, size_t count)
{
	u64 *fresh = ft_try_alloc(count + 1, sizeof(*fresh));
	size_t first = names->count;
	struct ft_symbols_frame found;

	if (!fresh || !enter(names, addrs, &count, fresh)) {
		free(fresh);
		return;
	}
	if (count && !names->symbols && ft_symbols_open_kernel(&names->symbols, NULL))
		names->symbols = NULL;
	if (count && names->symbols && !ft_symbols_find(names->symbols, fresh, (u32)count))
		for (size_t i = 0; i < count; i++) {
			struct ft_kernel_name *k = &names->items[first + i];
			u64 start, end;
			u32 depth = 0;

			/* Calls that were inlined belong to the function that they are in. */
			while (ft_symbols_frame(names->symbols, (u32)i, depth, &found))
				depth++;
			if (!depth || !found.function)
				continue;
			k->name = strdup(found.function);
			k->start = found.start;
			if (ft_symbols_function(names->symbols, fresh[i], &start, &end))
				k->size = end - start;
		}
	free(fresh);
}

/* Enters an address by the table. False: without memory. */
static bool find_in_table(struct ft_kernel_names *names, u64 addr)
{
	struct ft_kernel_name *k;
	const char *name;
	size_t count = 1;
	u64 fresh, end;

	if (!enter(names, &addr, &count, &fresh))
		return false;
	k = &names->items[names->count - 1];
	name = ft_kernel_table_find(names->table, addr, &k->start, &end);
	if (name) {
		k->name = strdup(name);
		k->size = end ? end - k->start : 0;
	}
	return true;
}

const struct ft_kernel_name *ft_kernel_names_find(struct ft_kernel_names *names, u64 addr)
{
	const u64 *place = ft_map64_find(&names->by_addr, addr);

	if (!place || !*place) {
		if (names->singles++ == SINGLES_MAX)
			names->table = ft_kernel_table_load();
		if (!names->table || !find_in_table(names, addr))
			ft_kernel_names_add(names, &addr, 1);
		place = ft_map64_find(&names->by_addr, addr);
	}
	return place && *place && names->items[*place - 1].name ? &names->items[*place - 1] : NULL;
}

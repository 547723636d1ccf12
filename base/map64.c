/* map64.c - see map64.h. */
#include "base/map64.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

#define SLOTS_MIN 64

/* Where key is, or the free entry where it belongs. */
static struct ft_map64_entry *entry_of(const struct ft_map64 *map, u64 key)
{
	u32 at = (u32)ft_hash_mix(key, 0) & (map->slots - 1);

	while (map->entries[at].key && map->entries[at].key != key)
		at = (at + 1) & (map->slots - 1);
	return &map->entries[at];
}

static bool grow(struct ft_map64 *map)
{
	struct ft_map64 larger = {.slots = map->slots ? map->slots * 2 : SLOTS_MIN};

	if (!larger.slots)
		return false;
	larger.entries = ft_try_alloc(larger.slots, sizeof(*larger.entries));
	if (!larger.entries)
		return false;
	for (u32 i = 0; i < map->slots; i++)
		if (map->entries[i].key)
			*entry_of(&larger, map->entries[i].key) = map->entries[i];
	larger.count = map->count;
	free(map->entries);
	*map = larger;
	return true;
}

u64 *ft_map64_at(struct ft_map64 *map, u64 key)
{
	struct ft_map64_entry *entry;

	if (map->count >= map->slots / 2 && !grow(map))
		return NULL;
	entry = entry_of(map, key);
	map->count += !entry->key;
	entry->key = key;
	return &entry->value;
}

u64 *ft_map64_find(const struct ft_map64 *map, u64 key)
{
	struct ft_map64_entry *entry = map->slots ? entry_of(map, key) : NULL;

	return entry && entry->key ? &entry->value : NULL;
}

void ft_map64_fini(struct ft_map64 *map)
{
	free(map->entries);
	memset(map, 0, sizeof(*map));
}

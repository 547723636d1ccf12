/*
 * raw.c - see raw.h.
 *
 * The index over locations is an open-addressing table of location ids, at most 3/4 full; id 0 (the
 * root's, never looked up) marks a free slot. Modules are not looked up here: who maps a file twice
 * knows it by device and inode.
 */
#include "profile/raw.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hash.h"

#define LOCATION_SLOTS_MIN 256

static inline u32 location_hash(const struct ft_location *loc)
{
	u64 hash = ft_hash_mix(loc->addr, (u64)loc->module << 32 | (u64)loc->kind);

	return (u32)ft_hash_mix(hash, (u64)loc->name << 32 | loc->pid);
}

static inline bool location_equal(const struct ft_location *a, const struct ft_location *b)
{
	return a->addr == b->addr && a->module == b->module && a->kind == b->kind &&
	       a->name == b->name && a->pid == b->pid;
}

static int locations_rehash(struct ft_raw *raw, u32 slots)
{
	u32 *fresh = ft_try_alloc(slots, sizeof(*fresh));

	if (!fresh)
		return -1;
	for (u32 id = 1; id < raw->location_count; id++) {
		u32 at = location_hash(&raw->locations[id]) & (slots - 1);

		while (fresh[at])
			at = (at + 1) & (slots - 1);
		fresh[at] = id;
	}
	free(raw->location_slots);
	raw->location_slots = fresh;
	raw->location_mask = slots - 1;
	return 0;
}

struct ft_raw *ft_raw_new(void)
{
	struct ft_raw *raw = ft_try_alloc(1, sizeof(*raw));

	if (!raw)
		return NULL;
	raw->strings = ft_strtab_new();
	raw->tree = ft_tree_new();
	if (!raw->strings || !raw->tree || locations_rehash(raw, LOCATION_SLOTS_MIN) ||
	    FT_GROW(&raw->locations, &raw->location_cap, 64)) {
		ft_raw_free(raw);
		return NULL;
	}
	raw->location_count = 1; /* the root's */
	return raw;
}

void ft_raw_free(struct ft_raw *raw)
{
	if (!raw)
		return;
	for (u32 i = 0; i < raw->module_count; i++) {
		free(raw->modules[i].path);
		if (raw->modules[i].fd >= 0)
			close(raw->modules[i].fd);
	}
	free(raw->modules);
	ft_strtab_free(raw->strings);
	ft_tree_free(raw->tree);
	free(raw->locations);
	free(raw->location_slots);
	free(raw->mapped);
	free(raw->on_cpus);
	free(raw->dated);
	ft_kept_free(raw->kept);
	free(raw);
}

u32 ft_raw_location(struct ft_raw *raw, const struct ft_location *location)
{
	u32 hash = location_hash(location), at = hash & raw->location_mask;

	for (; raw->location_slots[at]; at = (at + 1) & raw->location_mask) {
		if (location_equal(&raw->locations[raw->location_slots[at]], location))
			return raw->location_slots[at];
	}
	if (raw->location_count >= UINT32_MAX / 2 ||
	    FT_GROW(&raw->locations, &raw->location_cap, (size_t)raw->location_count + 1))
		return UINT32_MAX;
	if ((u64)(raw->location_count + 1) * 4 > ((u64)raw->location_mask + 1) * 3) {
		if (locations_rehash(raw, (raw->location_mask + 1) * 2))
			return UINT32_MAX;
		at = hash & raw->location_mask;
		while (raw->location_slots[at])
			at = (at + 1) & raw->location_mask;
	}
	raw->locations[raw->location_count] = *location;
	raw->location_slots[at] = raw->location_count;
	return raw->location_count++;
}

u32 ft_raw_module(struct ft_raw *raw, const struct ft_module *module)
{
	if (raw->module_count == UINT32_MAX ||
	    FT_GROW(&raw->modules, &raw->module_cap, (size_t)raw->module_count + 1))
		return UINT32_MAX;
	raw->modules[raw->module_count] = *module;
	return raw->module_count++;
}

int ft_raw_on_cpu(struct ft_raw *raw, u32 node, u32 cpu, u64 weight)
{
	if (!cpu)
		return 0;
	if (raw->on_cpu_count == UINT32_MAX ||
	    FT_GROW_RAW(&raw->on_cpus, &raw->on_cpu_cap, (size_t)raw->on_cpu_count + 1))
		return -ENOMEM;
	raw->on_cpus[raw->on_cpu_count++] = (struct ft_round_weight){node, cpu, weight};
	return 0;
}

void ft_raw_seen(struct ft_raw *raw)
{
	raw->on_cpu_count = 0;
	raw->rounds_seen++;
}

int ft_raw_dated(struct ft_raw *raw, const struct ft_dated *dated)
{
	if (raw->dated_count == FT_DATED_MAX)
		return 0;
	if (FT_GROW_RAW(&raw->dated, &raw->dated_cap, (size_t)raw->dated_count + 1))
		return -ENOMEM;
	raw->dated[raw->dated_count] = *dated;
	raw->dated[raw->dated_count++].round = raw->rounds_seen;
	return 0;
}

bool ft_module_is_jitdump(const struct ft_module *module)
{
	const char *slash = module->path ? strrchr(module->path, '/') : NULL, *at;
	size_t digits;

	if (module->kind != FT_MODULE_FILE || !slash || strncmp(slash, "/jit-", 5))
		return false;
	digits = strspn(slash + 5, "0123456789");
	at = slash + 5 + digits;
	return digits && (!strcmp(at, ".dump") || !strcmp(at, ".dump (deleted)"));
}

int ft_raw_mapped(struct ft_raw *raw, const struct ft_mapped *mapped)
{
	if (raw->mapped_count == FT_MAPPED_MAX) {
		raw->mapped_more++;
		return 0;
	}
	if (FT_GROW_RAW(&raw->mapped, &raw->mapped_cap, (size_t)raw->mapped_count + 1))
		return -ENOMEM;
	raw->mapped[raw->mapped_count++] = *mapped;
	return 0;
}

/*
 * strtab.c - see strtab.h.
 *
 * All text lies in one block; a string is an offset into it (its length is the distance to the next
 * string's offset). The hash table holds ids only, at most 3/4 full, and is probed linearly; 32
 * bits of each hash are kept beside the offset so that a probe rarely touches the text.
 */
#include "base/strtab.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

struct entry {
	u32 offset;
	u32 hash;
};

struct ft_strtab {
	char *text;
	size_t text_len, text_cap;
	struct entry *entries; /* count + 1 of them: the last one is the end of the text */
	size_t entries_cap;
	u32 count;
	u32 *slots; /* id + 1, or 0 for free */
	u32 slots_mask;
};

static int strtab_rehash(struct ft_strtab *tab, u32 slots)
{
	u32 *fresh = ft_try_alloc(slots, sizeof(*fresh));

	if (!fresh)
		return -1;
	for (u32 id = 0; id < tab->count; id++) {
		u32 at = tab->entries[id].hash & (slots - 1);

		while (fresh[at])
			at = (at + 1) & (slots - 1);
		fresh[at] = id + 1;
	}
	free(tab->slots);
	tab->slots = fresh;
	tab->slots_mask = slots - 1;
	return 0;
}

struct ft_strtab *ft_strtab_new(void)
{
	struct ft_strtab *tab = ft_try_alloc(1, sizeof(*tab));

	if (!tab)
		return NULL;
	if (strtab_rehash(tab, 64) || ft_strtab_add(tab, "", 0) != 0) {
		ft_strtab_free(tab);
		return NULL;
	}
	return tab;
}

void ft_strtab_free(struct ft_strtab *tab)
{
	if (!tab)
		return;
	free(tab->text);
	free(tab->entries);
	free(tab->slots);
	free(tab);
}

/* Appends the string; the caller knows that it is new. */
static u32 strtab_append(struct ft_strtab *tab, const char *text, size_t len, u32 hash)
{
	struct entry *e;
	u32 at;

	if (len >= UINT32_MAX - tab->text_len - 1 || tab->count >= UINT32_MAX / 2)
		return FT_STR_NONE;
	if (FT_GROW_RAW(&tab->text, &tab->text_cap, tab->text_len + len + 1) ||
	    FT_GROW_RAW(&tab->entries, &tab->entries_cap, (size_t)tab->count + 2))
		return FT_STR_NONE;
	if ((u64)(tab->count + 1) * 4 > (u64)(tab->slots_mask + 1) * 3 &&
	    strtab_rehash(tab, (tab->slots_mask + 1) * 2))
		return FT_STR_NONE;
	at = hash & tab->slots_mask;
	while (tab->slots[at])
		at = (at + 1) & tab->slots_mask;
	e = &tab->entries[tab->count];
	e->offset = (u32)tab->text_len;
	e->hash = hash;
	memcpy(tab->text + tab->text_len, text, len);
	tab->text[tab->text_len + len] = '\0';
	tab->text_len += len + 1;
	e[1].offset = (u32)tab->text_len;
	tab->slots[at] = ++tab->count;
	return tab->count - 1;
}

u32 ft_strtab_add_hashed(struct ft_strtab *tab, const char *text, size_t len, u64 full_hash)
{
	u32 hash = (u32)full_hash, at = hash & tab->slots_mask;

	for (; tab->slots[at]; at = (at + 1) & tab->slots_mask) {
		u32 id = tab->slots[at] - 1;
		const struct entry *e = &tab->entries[id];

		if (e->hash == hash && e[1].offset - e->offset == len + 1 &&
		    !memcmp(tab->text + e->offset, text, len))
			return id;
	}
	return strtab_append(tab, text, len, hash);
}

u32 ft_strtab_add(struct ft_strtab *tab, const char *text, size_t len)
{
	return ft_strtab_add_hashed(tab, text, len, ft_hash_bytes(text, len));
}

const char *ft_strtab_str(const struct ft_strtab *tab, u32 id)
{
	return tab->text + tab->entries[id].offset;
}

size_t ft_strtab_len(const struct ft_strtab *tab, u32 id)
{
	return tab->entries[id + 1].offset - tab->entries[id].offset - 1;
}

u32 ft_strtab_count(const struct ft_strtab *tab)
{
	return tab->count;
}

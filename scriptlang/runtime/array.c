/* array.c - see array.h. */
#include "scriptlang/runtime/array.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

#define SLOTS_FIRST 16

void ft_array_init(struct ft_array *array, u32 key_count, u32 limit, bool wrap)
{
	*array = (struct ft_array){.key_count = key_count, .limit = limit, .wrap = wrap};
}

static void free_text(struct ft_value *value)
{
	free((char *)(uintptr_t)value->text);
	value->text = NULL;
}

static void free_element(struct ft_element *e, u32 key_count)
{
	if (!e)
		return;
	for (u32 i = 0; i < key_count; i++)
		free_text(&e->keys[i]);
	free_text(&e->value);
	ft_stats_fini(&e->stats);
	free(e);
}

void ft_array_fini(struct ft_array *array)
{
	for (size_t i = 0; i < array->count; i++)
		free_element(array->items[i], array->key_count);
	free(array->items);
	free(array->slots);
	memset(array, 0, sizeof(*array));
}

u32 ft_array_size(const struct ft_array *array)
{
	return (u32)(array->count - array->dead);
}

static u64 hash_keys(const struct ft_value *keys, u32 count)
{
	u64 hash = 0;

	for (u32 i = 0; i < count; i++)
		hash = ft_hash_mix(hash, keys[i].text ? ft_hash_bytes(keys[i].text, keys[i].len)
						      : ft_hash_word((u64)keys[i].number));
	return hash;
}

static bool same_value(const struct ft_value *a, const struct ft_value *b)
{
	if (!a->text || !b->text)
		return a->text == b->text && a->number == b->number;
	return a->len == b->len && !memcmp(a->text, b->text, a->len);
}

static bool has_keys(const struct ft_array *array, const struct ft_element *e, u64 hash,
		     const struct ft_value *keys)
{
	if (e->is_dead || e->hash != hash)
		return false;
	for (u32 i = 0; i < array->key_count; i++)
		if (!same_value(&e->keys[i], &keys[i]))
			return false;
	return true;
}

static struct ft_element *find_hashed(const struct ft_array *array, const struct ft_value *keys,
				      u64 hash)
{
	size_t mask = array->slot_count - 1;

	for (size_t at = hash & mask; array->slot_count && array->slots[at]; at = (at + 1) & mask) {
		struct ft_element *e = array->items[array->slots[at] - 1];

		if (has_keys(array, e, hash, keys))
			return e;
	}
	return NULL;
}

struct ft_element *ft_array_find(const struct ft_array *array, const struct ft_value *keys)
{
	return find_hashed(array, keys, hash_keys(keys, array->key_count));
}

static void enter_slot(struct ft_array *array, size_t item)
{
	size_t mask = array->slot_count - 1, at = array->items[item]->hash & mask;

	while (array->slots[at])
		at = (at + 1) & mask;
	array->slots[at] = (u32)item + 1;
}

/* A hash table for that many items, no fuller than half, made anew. */
static bool rehash(struct ft_array *array, size_t items)
{
	size_t slots = array->slot_count ? array->slot_count : SLOTS_FIRST;
	u32 *fresh;

	while (slots < 2 * items)
		slots *= 2;
	fresh = ft_try_alloc(slots, sizeof(*fresh));
	if (!fresh)
		return false;
	free(array->slots);
	array->slots = fresh;
	array->slot_count = slots;
	for (size_t i = 0; i < array->count; i++)
		enter_slot(array, i);
	return true;
}

static bool copy_value(struct ft_value *to, const struct ft_value *from)
{
	char *text = NULL;

	if (from->text) {
		text = malloc((size_t)from->len + 1);
		if (!text)
			return false;
		memcpy(text, from->text, from->len);
		text[from->len] = '\0';
	}
	*to = (struct ft_value){.number = from->number, .text = text, .len = from->len};
	return true;
}

bool ft_element_set(struct ft_element *element, const struct ft_value *value)
{
	struct ft_value copy;

	if (!copy_value(&copy, value))
		return false;
	free_text(&element->value);
	element->value = copy;
	return true;
}

static struct ft_element *new_element(const struct ft_array *array, const struct ft_value *keys,
				      u64 hash)
{
	struct ft_element *e =
		ft_try_alloc(1, sizeof(*e) + array->key_count * sizeof(struct ft_value));

	if (!e)
		return NULL;
	e->hash = hash;
	for (u32 i = 0; i < array->key_count; i++) {
		if (copy_value(&e->keys[i], &keys[i]))
			continue;
		free_element(e, i);
		return NULL;
	}
	return e;
}

bool ft_array_reserve(struct ft_array *array, size_t more)
{
	size_t count = array->count + more;

	return !ft_grow(&array->items, &array->cap, count, sizeof(struct ft_element *)) &&
	       (2 * count <= array->slot_count || rehash(array, count));
}

static enum ft_array_result append(struct ft_array *array, const struct ft_value *keys, u64 hash,
				   struct ft_element **element)
{
	if (!ft_array_reserve(array, 1))
		return FT_ARRAY_NO_MEMORY;
	*element = new_element(array, keys, hash);
	if (!*element)
		return FT_ARRAY_NO_MEMORY;
	array->items[array->count++] = *element;
	enter_slot(array, array->count - 1);
	return FT_ARRAY_OK;
}

enum ft_array_result ft_array_append(struct ft_array *array, const struct ft_value *keys,
				     struct ft_element **element)
{
	return append(array, keys, hash_keys(keys, array->key_count), element);
}

enum ft_array_result ft_array_at(struct ft_array *array, const struct ft_value *keys,
				 struct ft_element **element)
{
	u64 hash = hash_keys(keys, array->key_count);

	*element = find_hashed(array, keys, hash);
	if (*element)
		return FT_ARRAY_OK;
	if (ft_array_size(array) >= array->limit) {
		size_t oldest = 0;

		while (oldest < array->count && array->items[oldest]->is_dead)
			oldest++;
		if (!array->wrap || oldest == array->count)
			return FT_ARRAY_FULL;
		ft_array_delete(array, array->items[oldest]);
	}
	return append(array, keys, hash, element);
}

void ft_array_delete(struct ft_array *array, struct ft_element *element)
{
	if (element->is_dead)
		return;
	element->is_dead = true;
	array->dead++;
}

void ft_array_clear(struct ft_array *array)
{
	for (size_t i = 0; i < array->count; i++)
		ft_array_delete(array, array->items[i]);
}

/* The table's slots of what is gone point to other items now: it is made anew. */
static void reindex(struct ft_array *array)
{
	if (!array->slot_count)
		return;
	memset(array->slots, 0, array->slot_count * sizeof(*array->slots));
	for (size_t i = 0; i < array->count; i++)
		enter_slot(array, i);
}

void ft_array_sweep(struct ft_array *array)
{
	size_t kept = 0;

	if (!array->dead)
		return;
	for (size_t i = 0; i < array->count; i++) {
		if (array->items[i]->is_dead)
			free_element(array->items[i], array->key_count);
		else
			array->items[kept++] = array->items[i];
	}
	array->count = kept;
	array->dead = 0;
	reindex(array);
}

/* Merges two sorted runs; of equal elements the first run's come first. */
static void merge(struct ft_element **from, size_t low, size_t middle, size_t high,
		  struct ft_element **to, ft_array_compare *compare, void *context)
{
	size_t a = low, b = middle;

	for (size_t i = low; i < high; i++) {
		if (a < middle && (b == high || compare(from[a], from[b], context) <= 0))
			to[i] = from[a++];
		else
			to[i] = from[b++];
	}
}

bool ft_array_sort(struct ft_array *array, ft_array_compare *compare, void *context)
{
	struct ft_element **other = ft_try_alloc(array->count, sizeof(struct ft_element *));
	struct ft_element **from = array->items, **to = other;
	size_t count = array->count;

	if (!other)
		return false;
	for (size_t width = 1; width < count; width *= 2) {
		struct ft_element **swapped = from;

		for (size_t low = 0; low < count; low += 2 * width) {
			size_t middle = low + width < count ? low + width : count;
			size_t high = low + 2 * width < count ? low + 2 * width : count;

			merge(from, low, middle, high, to, compare, context);
		}
		from = to;
		to = swapped;
	}
	if (from != array->items)
		memcpy(array->items, from, count * sizeof(struct ft_element *));
	free(other);
	reindex(array);
	return true;
}

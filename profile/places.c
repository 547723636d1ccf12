/* places.c - see places.h. */
#include "profile/places.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"

void ft_places_fini(struct ft_places *places)
{
	free(places->list);
	*places = (struct ft_places){0};
}

int ft_places_add(struct ft_places *places, u32 node, u32 file, u32 line, u64 weight)
{
	if (!file || !line)
		return 0;
	if (places->count == UINT32_MAX ||
	    FT_GROW_RAW(&places->list, &places->cap, (size_t)places->count + 1))
		return -ENOMEM;
	places->list[places->count++] = (struct ft_place){weight, node, file, line};
	return 0;
}

static int place_compare(const void *a, const void *b)
{
	const struct ft_place *x = a, *y = b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->file < y->file ? -1 : x->file > y->file;
}

/* By node, in linear time: nodes are many, places of each are few. False without memory. */
static bool group(struct ft_places *places)
{
	struct ft_place *grouped = ft_try_alloc(places->count, sizeof(*grouped));
	u32 last = 0, sum = 0, *next;

	for (u32 i = 0; i < places->count; i++)
		last = places->list[i].node > last ? places->list[i].node : last;
	next = grouped && last < UINT32_MAX ? ft_try_alloc((size_t)last + 1, sizeof(*next)) : NULL;
	if (!next) {
		free(grouped);
		return false;
	}
	for (u32 i = 0; i < places->count; i++)
		next[places->list[i].node]++;
	for (u32 node = 0; node <= last; node++) {
		u32 count = next[node];

		next[node] = sum;
		sum += count;
	}
	for (u32 i = 0; i < places->count; i++)
		grouped[next[places->list[i].node]++] = places->list[i];
	free(places->list);
	free(next);
	places->list = grouped;
	places->cap = places->count;
	return true;
}

static void sort(struct ft_places *places)
{
	u32 count = places->count, end;

	if (!count)
		return;
	if (!group(places)) {
		qsort(places->list, count, sizeof(*places->list), place_compare);
		return;
	}
	for (u32 i = 0; i < count; i = end) {
		for (end = i + 1; end < count && places->list[end].node == places->list[i].node;)
			end++;
		if (end - i > 1)
			qsort(places->list + i, end - i, sizeof(*places->list), place_compare);
	}
}

void ft_places_finish(struct ft_places *places)
{
	struct ft_place *list;
	u32 kept = 0;

	sort(places);
	list = places->list;
	for (u32 i = 0; i < places->count;) {
		struct ft_place sum = list[i++];

		while (i < places->count && !place_compare(&sum, &list[i])) {
			if (__builtin_add_overflow(sum.weight, list[i].weight, &sum.weight))
				sum.weight = UINT64_MAX;
			i++;
		}
		if (!kept || list[kept - 1].node != sum.node)
			list[kept++] = sum;
		else if (sum.weight > list[kept - 1].weight)
			list[kept - 1] = sum;
	}
	places->count = kept;
}

const struct ft_place *ft_places_find(const struct ft_places *places, u32 node)
{
	u32 low = 0, high = places->count;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (places->list[middle].node == node)
			return &places->list[middle];
		if (places->list[middle].node < node)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

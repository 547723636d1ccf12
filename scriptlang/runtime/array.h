/*
 * array.h - the variables of a script that live in memory: arrays in order of insertion, and
 * scalars, which are arrays of one element without a key.
 */
#ifndef FT_SCRIPTLANG_ARRAY_H
#define FT_SCRIPTLANG_ARRAY_H

#include "scriptlang/runtime/stats.h"
#include "scriptlang/runtime/value.h"

struct ft_element {
	struct ft_value value; /* its text is owned */
	struct ft_stats stats;
	u64 hash;
	bool is_dead; /* deleted while somebody walks; gone with the next ft_array_sweep */
	struct ft_value keys[]; /* their texts are owned */
};

struct ft_array {
	u32 key_count;
	u32 limit;		   /* elements */
	bool wrap;		   /* the oldest makes room */
	struct ft_element **items; /* in order; owned */
	size_t count, cap;
	size_t dead;
	u32 walks;  /* loops over it under way: it is neither sorted nor swept meanwhile */
	u32 *slots; /* hash table of item numbers + 1 */
	size_t slot_count;
};

enum ft_array_result {
	FT_ARRAY_OK,
	FT_ARRAY_FULL,
	FT_ARRAY_NO_MEMORY,
};

void ft_array_init(struct ft_array *array, u32 key_count, u32 limit, bool wrap);
void ft_array_fini(struct ft_array *array);

/* How many elements there are. */
u32 ft_array_size(const struct ft_array *array);

/* The element of a key, or NULL. */
struct ft_element *ft_array_find(const struct ft_array *array, const struct ft_value *keys);

/* The same; made if there is none. */
enum ft_array_result ft_array_at(struct ft_array *array, const struct ft_value *keys,
				 struct ft_element **element);

/*
 * The same for a key that is known to be new, where there is room (ft_array_reserve for that many
 * more).
 */
enum ft_array_result ft_array_append(struct ft_array *array, const struct ft_value *keys,
				     struct ft_element **element);
bool ft_array_reserve(struct ft_array *array, size_t more);

/* Sets an element's value. False when memory is exhausted. */
bool ft_element_set(struct ft_element *element, const struct ft_value *value);

void ft_array_delete(struct ft_array *array, struct ft_element *element);
void ft_array_clear(struct ft_array *array);

/* Takes deleted elements out. Nobody must be walking. */
void ft_array_sweep(struct ft_array *array);

/*
 * Puts the elements in order for good; equal ones keep theirs. compare is as for qsort, of
 * elements.
 */
typedef int ft_array_compare(const struct ft_element *a, const struct ft_element *b, void *context);
bool ft_array_sort(struct ft_array *array, ft_array_compare *compare, void *context);

#endif

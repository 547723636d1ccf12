/*
 * alloc.h - memory from the heap.
 *
 * Two kinds: ft_alloc for sizes known to be small (aborts when memory is exhausted, so callers need
 * no error path), and ft_try_alloc / ft_grow for sizes that come from input (overflow-checked, NULL
 * or -ENOMEM on failure). Everything is released with free().
 */
#ifndef FT_BASE_ALLOC_H
#define FT_BASE_ALLOC_H

#include "base/types.h"

/* Zeroed memory of a size known to be small. Never returns NULL. */
void *ft_alloc(size_t bytes);

/* A copy of a string of known small length. Never returns NULL. */
char *ft_strdup(const char *text);

/* Zeroed memory for count elements, or NULL: no memory, or count * elem_bytes overflows. */
void *ft_try_alloc(size_t count, size_t elem_bytes);

/*
 * Memory, not set to anything, of which all will soon be written to; or NULL. A large block lies in
 * huge pages where the kernel has them: thousands of page faults cost more than what is done with
 * the memory, most of all on a virtual machine.
 */
void *ft_try_alloc_large(size_t bytes);

/*
 * Makes room for at least need elements in *array (an array of *cap elements), growing by half
 * again. New elements are zeroed. Returns 0 or -ENOMEM; on failure the array is as it was. Called
 * through FT_GROW, which supplies the element size: FT_GROW(&items, &items_cap, items_len + 1).
 */
int ft_grow(void *array_ptr, size_t *cap, size_t need, size_t elem_bytes);
#define FT_GROW(ARRAY_PTR, CAP_PTR, NEED) \
	ft_grow((ARRAY_PTR), (CAP_PTR), (NEED), sizeof(**(ARRAY_PTR)))

/*
 * The same, with new elements left unset: the unused end of a big array then costs address space
 * and no memory.
 */
int ft_grow_raw(void *array_ptr, size_t *cap, size_t need, size_t elem_bytes);
#define FT_GROW_RAW(ARRAY_PTR, CAP_PTR, NEED) \
	ft_grow_raw((ARRAY_PTR), (CAP_PTR), (NEED), sizeof(**(ARRAY_PTR)))

#endif

/*
 * arena.h - memory for what dies together: everything that one compilation makes.
 *
 * Pieces are zeroed and 16-byte aligned, and are never freed one by one. Sizes come from input (a
 * script of any length), so the whole has a limit that the owner chooses; beyond it, and when the
 * machine has no memory left, an allocation gives NULL and the arena remembers it: a pass may carry
 * on to its end with small checks and its caller asks once, ft_arena_failed.
 */
#ifndef FT_BASE_ARENA_H
#define FT_BASE_ARENA_H

#include "base/types.h"

struct ft_arena;

/* An arena of at most limit_bytes. Never returns NULL. */
struct ft_arena *ft_arena_new(size_t limit_bytes);
/* Frees it and all its pieces. Accepts NULL. */
void ft_arena_free(struct ft_arena *arena);

/* Zeroed memory for count elements; NULL beyond the limit or on overflow. */
void *ft_arena_alloc(struct ft_arena *arena, size_t count, size_t elem_bytes);
#define FT_ARENA_NEW(ARENA, TYPE) ((TYPE *)ft_arena_alloc((ARENA), 1, sizeof(TYPE)))

/* A NUL-terminated copy of len bytes, or NULL. */
char *ft_arena_copy(struct ft_arena *arena, const void *text, size_t len);

/* A formatted string, or NULL. */
char *ft_arena_printf(struct ft_arena *arena, const char *fmt, ...) FT_PRINTF(2, 3);

/*
 * Makes room for one more element at the end of *array of count elements, and returns it, zeroed;
 * NULL on failure, with the array as it was. Capacity is the next power of two; old arrays are
 * left behind, which costs at most as much again.
 */
void *ft_arena_push(struct ft_arena *arena, void *array_ptr, u32 *count, size_t elem_bytes);
#define FT_ARENA_PUSH(ARENA, ARRAY_PTR, COUNT_PTR)                                  \
	((__typeof__(*(ARRAY_PTR)))ft_arena_push((ARENA), (ARRAY_PTR), (COUNT_PTR), \
						 sizeof(__typeof__(**(ARRAY_PTR)))))

/* Whether any allocation has failed so far. */
bool ft_arena_failed(const struct ft_arena *arena);

#endif

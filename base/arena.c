/* arena.c - see arena.h. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define BLOCK_BYTES (32u * 1024)
#define ALIGN 16u

struct block {
	struct block *next;
	size_t used, bytes;
	_Alignas(ALIGN) u8 data[];
};

struct ft_arena {
	struct block *blocks; /* the first is the one in use */
	size_t left;
	bool failed;
};

struct ft_arena *ft_arena_new(size_t limit_bytes)
{
	struct ft_arena *arena = ft_alloc(sizeof(*arena));

	arena->left = limit_bytes;
	return arena;
}

void ft_arena_free(struct ft_arena *arena)
{
	if (!arena)
		return;
	for (struct block *b = arena->blocks, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	free(arena);
}

bool ft_arena_failed(const struct ft_arena *arena)
{
	return arena->failed;
}

static void *fail(struct ft_arena *arena)
{
	arena->failed = true;
	return NULL;
}

/* A piece that is large by itself gets a block of its own, behind the one in use. */
static void *alloc_block(struct ft_arena *arena, size_t bytes)
{
	size_t room = bytes > BLOCK_BYTES / 4 ? bytes : BLOCK_BYTES;
	struct block *b = ft_try_alloc(1, sizeof(*b) + room);

	if (!b)
		return fail(arena);
	b->bytes = room;
	b->used = bytes;
	if (arena->blocks && room == bytes) {
		b->next = arena->blocks->next;
		arena->blocks->next = b;
	} else {
		b->next = arena->blocks;
		arena->blocks = b;
	}
	return b->data;
}

void *ft_arena_alloc(struct ft_arena *arena, size_t count, size_t elem_bytes)
{
	struct block *b = arena->blocks;
	size_t bytes;
	void *piece;

	if (__builtin_mul_overflow(count, elem_bytes, &bytes) || bytes > arena->left ||
	    arena->left - bytes < ALIGN)
		return fail(arena);
	bytes = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	arena->left -= bytes;
	if (!b || b->bytes - b->used < bytes)
		return alloc_block(arena, bytes);
	piece = b->data + b->used;
	b->used += bytes;
	return piece;
}

char *ft_arena_copy(struct ft_arena *arena, const void *text, size_t len)
{
	char *copy = len < SIZE_MAX ? ft_arena_alloc(arena, len + 1, 1) : fail(arena);

	if (copy && len)
		memcpy(copy, text, len);
	return copy;
}

char *ft_arena_printf(struct ft_arena *arena, const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	text = len < 0 ? fail(arena) : ft_arena_alloc(arena, (size_t)len + 1, 1);
	if (!text)
		return NULL;
	va_start(args, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, args);
	va_end(args);
	return text;
}

void *ft_arena_push(struct ft_arena *arena, void *array_ptr, u32 *count, size_t elem_bytes)
{
	u32 have = *count;
	void *old;

	memcpy(&old, array_ptr, sizeof(old));
	if ((have & (have - 1)) == 0) { /* 0, or a power of two: full */
		size_t cap = have ? (size_t)have * 2 : 1;
		void *new = have < UINT32_MAX / 2 ? ft_arena_alloc(arena, cap, elem_bytes)
						  : fail(arena);

		if (!new)
			return NULL;
		if (have)
			memcpy(new, old, have * elem_bytes);
		memcpy(array_ptr, &new, sizeof(new));
		old = new;
	}
	*count = have + 1;
	return (u8 *)old + have * elem_bytes;
}

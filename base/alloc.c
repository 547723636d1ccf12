/* alloc.c - see alloc.h. */
#include "base/alloc.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE_BYTES (2u << 20) /* elsewhere than on x86-64 they may be larger */
#define LARGE_BYTES (512u << 10)   /* as many page faults as clearing a huge page takes time */

void *ft_alloc(size_t bytes)
{
	void *mem = calloc(1, bytes ? bytes : 1);

	if (!mem)
		abort();
	return mem;
}

char *ft_strdup(const char *text)
{
	size_t bytes = strlen(text) + 1;

	return memcpy(ft_alloc(bytes), text, bytes);
}

void *ft_try_alloc(size_t count, size_t elem_bytes)
{
	return calloc(count ? count : 1, elem_bytes ? elem_bytes : 1);
}

void *ft_try_alloc_large(size_t bytes)
{
	size_t whole;
	void *mem;

	if (bytes < LARGE_BYTES)
		return malloc(bytes ? bytes : 1);
	if (bytes > PTRDIFF_MAX - HUGE_PAGE_BYTES)
		return NULL;
	whole = (bytes + HUGE_PAGE_BYTES - 1) & ~(size_t)(HUGE_PAGE_BYTES - 1);
	mem = aligned_alloc(HUGE_PAGE_BYTES, whole);
	if (mem)
		(void)madvise(mem, whole, MADV_HUGEPAGE); /* ordinary pages do as well */
	return mem;
}

int ft_grow_raw(void *array_ptr, size_t *cap, size_t need, size_t elem_bytes)
{
	void *old, *grown;
	size_t want, bytes;

	if (need <= *cap)
		return 0;
	want = *cap + *cap / 2;
	if (want < need)
		want = need;
	if (want < 16)
		want = 16;
	if (__builtin_mul_overflow(want, elem_bytes, &bytes))
		return -ENOMEM;
	memcpy(&old, array_ptr, sizeof(old));
	grown = realloc(old, bytes);
	if (!grown)
		return -ENOMEM;
	memcpy(array_ptr, &grown, sizeof(grown));
	*cap = want;
	return 0;
}

int ft_grow(void *array_ptr, size_t *cap, size_t need, size_t elem_bytes)
{
	size_t had = *cap;
	char *array;

	if (ft_grow_raw(array_ptr, cap, need, elem_bytes))
		return -ENOMEM;
	memcpy(&array, array_ptr, sizeof(array));
	if (*cap > had)
		memset(array + had * elem_bytes, 0, (*cap - had) * elem_bytes);
	return 0;
}

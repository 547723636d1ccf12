/* origins.c - see origins.h. */
#include "profile/origins.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"

void ft_origins_fini(struct ft_origins *origins)
{
	free(origins->owners);
	free(origins->addresses);
	*origins = (struct ft_origins){0};
}

int ft_origins_owner(struct ft_origins *origins, u32 node, u32 pid, u64 weight)
{
	if (!pid || !weight)
		return 0;
	if (origins->count == UINT32_MAX ||
	    FT_GROW_RAW(&origins->owners, &origins->owner_cap, (size_t)origins->count + 1))
		return -ENOMEM;
	origins->owners[origins->count++] = (struct ft_owner){weight, node, pid};
	return 0;
}

static int owner_compare(const void *a, const void *b)
{
	const struct ft_owner *x = a, *y = b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

void ft_origins_finish(struct ft_origins *origins)
{
	struct ft_owner *list = origins->owners;
	u32 kept = 0;

	if (origins->count)
		qsort(list, origins->count, sizeof(*list), owner_compare);
	for (u32 i = 0; i < origins->count; i++) {
		if (!kept || owner_compare(&list[kept - 1], &list[i]))
			list[kept++] = list[i];
		else if (__builtin_add_overflow(list[kept - 1].weight, list[i].weight,
						&list[kept - 1].weight))
			list[kept - 1].weight = UINT64_MAX;
	}
	origins->count = kept;
}

int ft_origins_address(struct ft_origins *origins, u32 node, u64 address)
{
	if (!address)
		return 0;
	if (FT_GROW(&origins->addresses, &origins->address_count, (size_t)node + 1))
		return -ENOMEM;
	if (!origins->addresses[node])
		origins->addresses[node] = address;
	return 0;
}

u64 ft_origins_find(const struct ft_origins *origins, u32 node)
{
	return node < origins->address_count ? origins->addresses[node] : 0;
}

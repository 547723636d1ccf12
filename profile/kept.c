/* kept.c - see kept.h. */
#include "profile/kept.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"

struct ft_kept *ft_kept_new(void)
{
	struct ft_kept *kept = ft_try_alloc(1, sizeof(*kept));

	if (!kept)
		return NULL;
	kept->strings = ft_strtab_new();
	if (!kept->strings) {
		ft_kept_free(kept);
		return NULL;
	}
	return kept;
}

void ft_kept_free(struct ft_kept *kept)
{
	if (!kept)
		return;
	ft_strtab_free(kept->strings);
	free(kept->places);
	free(kept->calls);
	free(kept);
}

int ft_kept_reserve(struct ft_kept *kept, u32 count)
{
	if (FT_GROW(&kept->places, &kept->cap, count))
		return -ENOMEM;
	if (count > kept->count)
		kept->count = count;
	return 0;
}

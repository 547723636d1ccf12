/* fuzz_perfscript.c - arbitrary bytes as the text of perf script. */
#include <stdint.h>
#include <stdlib.h>

#include "profile/perfscript.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (u32 by = FT_BY_RECORDED; by <= FT_BY_CPU; by++) {
		struct ft_select select = {.by = (enum ft_by)by};
		struct ft_profile *profile = ft_profile_new();
		struct ft_perfscript_stats stats;
		struct ft_err err = {.code = 0};
		int code = ft_perfscript_read((const char *)data, size, "input", &select, profile,
					      &stats, &err);

		if (code ? !err.text[0] : ft_tree_total(profile->tree) != stats.samples)
			abort();
		ft_profile_free(profile);
	}
	ft_perfscript_is((const char *)data, size);
	return 0;
}

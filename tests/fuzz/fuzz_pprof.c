/* fuzz_pprof.c - arbitrary bytes as a pprof profile. */
#include <stdint.h>
#include <stdlib.h>

#include "profile/pprof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ft_profile *profile = ft_profile_new();
	struct ft_err err = {.code = 0};

	if (ft_pprof_read(data, size, "input", profile, &err) && !err.text[0])
		abort();
	ft_profile_free(profile);
	return 0;
}

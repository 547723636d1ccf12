/*
 * fuzz_perfmap.c - arbitrary bytes as perf maps (symbolizer/perfmap.c).
 *
 * Beyond not crashing: the answers are within bounds, and the same a second time.
 */
#include "tests/fuzz/tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const u64 addrs[] = {0,	    0x1000,	0x1015,		0x2010,
				    0x3010, 0x10000000, 0x7f0000000000, UINT64_MAX};

	tables_run(data, size, ft_perfmap_resolve_fd, FT_GROUP_ANON, addrs, FT_ARRAY_LEN(addrs));
	return 0;
}

/*
 * fuzz_kallsyms.c - arbitrary bytes as the kernel's table of symbols (symbolizer/kernel.c).
 *
 * Beyond not crashing: the answers are within bounds, and the same a second time.
 */
#include "tests/fuzz/tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const u64 addrs[] = {0,
				    0x1000,
				    0xffffffff81000000,
				    0xffffffff81000150,
				    0xffffffff81000250,
				    0xffffffffc0000010,
				    UINT64_MAX};

	tables_run(data, size, ft_kernel_resolve_fd, FT_GROUP_KERNEL, addrs, FT_ARRAY_LEN(addrs));
	return 0;
}

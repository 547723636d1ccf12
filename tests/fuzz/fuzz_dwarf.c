/*
 * fuzz_dwarf.c - arbitrary bytes as an ELF file whose symbols, unwind tables and debug information
 * are asked about all of its code.
 *
 * Beyond not crashing: frames are within bounds, and every address gets an answer.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbolizer/symbolizer.h"

#define INPUT_MAX (256 * 1024)
#define ADDRS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(struct ft_symbols *symbols)
{
	u64 addrs[ADDRS];
	struct ft_symbols_frame frame;

	/* Small programs are linked low, or at 4 MiB. */
	for (u32 i = 0; i < ADDRS; i++)
		addrs[i] = (i & 1 ? 0x401000 : 0x1000) + i * 13;
	if (ft_symbols_find(symbols, addrs, ADDRS))
		abort();
	for (u32 i = 0; i < ADDRS; i++) {
		u32 depth = 0;

		while (ft_symbols_frame(symbols, i, depth, &frame)) {
			if (frame.function && strnlen(frame.function, 8192) == 8192)
				abort();
			depth++;
		}
		if (depth < 1 || depth > 200)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = size <= INPUT_MAX ? memfd_create("input", MFD_CLOEXEC) : -1;
	char path[] = "input";
	struct ft_module module = {.kind = FT_MODULE_FILE, .path = path, .fd = fd};
	struct ft_symbols *symbols;

	if (fd < 0)
		return 0;
	if (write(fd, data, size) != (ssize_t)size)
		abort();
	if (ft_symbols_open(&module, NULL, &symbols, NULL) == 0) {
		look(symbols);
		look(symbols);
		ft_symbols_close(symbols);
	}
	close(fd);
	return 0;
}

/*
 * fuzz_dwarf.c - arbitrary bytes as an ELF file whose symbols, unwind tables and debug information
 * are asked about all of its code, and about the variables there.
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

/* Memory in which everything leads somewhere, and some of it nowhere. */
static bool memory_read(void *context, u64 addr, void *out, size_t bytes)
{
	(void)context;
	if (addr & 0x100)
		return false;
	memset(out, (int)(addr >> 4 & 0x7F), bytes);
	return true;
}

static void variable(void *context, const char *name, const char *value, bool is_parameter)
{
	(void)is_parameter;
	if (!*name || strlen(value) > 20000)
		abort();
	++*(u32 *)context;
}

static void look_variables(struct ft_symbols *symbols, u64 addr)
{
	u64 regs[FT_MACHINE_REGS];
	struct ft_machine machine = {.regs = regs,
				     .known = 0xFFFF0F,
				     .cfa = 0x7000,
				     .has_cfa = true,
				     .bias = 0x10000,
				     .read = memory_read};
	u32 count = 0;

	for (u32 i = 0; i < FT_MACHINE_REGS; i++)
		regs[i] = 0x5000 + i * 0x88;
	for (u32 depth = 0; depth < 3; depth++)
		ft_symbols_variables(symbols, addr, depth, &machine, variable, &count);
}

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
		if (i % 8 < 2)
			look_variables(symbols, addrs[i]);
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

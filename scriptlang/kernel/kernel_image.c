/* kernel_image.c - see kernel_image.h. */
#include "scriptlang/kernel/kernel_image.h"

#include <stdio.h>
#include <string.h>

#include "symbolizer/symbolizer.h"

int ft_kernel_image_path(bool fetch, char *path, size_t size, struct ft_err *err)
{
	return ft_symbols_vmlinux(fetch, path, size, err);
}

bool ft_kernel_image_address(const char *name, u64 *addr)
{
	FILE *from = fopen("/proc/kallsyms", "re");
	char line[512], own[400];
	unsigned long long at;
	bool found = false;

	while (from && !found && fgets(line, sizeof(line), from))
		found = sscanf(line, "%llx %*c %399s", &at, own) == 2 && at && !strcmp(own, name);
	if (from)
		fclose(from);
	if (found)
		*addr = at;
	return found;
}

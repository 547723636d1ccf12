/*
 * fuzz_package.c - arbitrary bytes as a package of split units (.dwp), or as one in a file of its
 * own (.dwo), and the file that they are of.
 *
 * Input: 4 bytes that say how long the package is, the package, the file. Beyond not crashing:
 * frames are within bounds.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/elf.h"
#include "symbolizer/dwarf.h"

#define INPUT_MAX (256 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const void *bytes, size_t count)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd < 0 || write(fd, bytes, count) != (ssize_t)count)
		abort();
	return fd;
}

static int open_unit(void *context, const char *path)
{
	(void)path;
	return dup(*(const int *)context);
}

static void look(struct ft_dwarf *dwarf)
{
	static struct ft_dwarf_frame frames[FT_DWARF_FRAMES_MAX];

	for (u64 addr = 0x401000; addr < 0x401100; addr += 5) {
		int count = ft_dwarf_find(dwarf, addr, frames);

		if (count > FT_DWARF_FRAMES_MAX)
			abort();
		for (int i = 0; i < count; i++)
			if (frames[i].symbol && strnlen(frames[i].symbol, INPUT_MAX) == INPUT_MAX)
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ft_dwarf_files files = {.alt_fd = -1};
	struct ft_dwarf *dwarf;
	u32 package;

	if (size < sizeof(package) || size > INPUT_MAX)
		return 0;
	memcpy(&package, data, sizeof(package));
	data += sizeof(package);
	size -= sizeof(package);
	if (package > size)
		return 0;
	files.package_fd = file_of(data, package);
	files.open_unit = open_unit;
	files.context = &files.package_fd;
	files.fd = file_of(data + package, size - package);
	if (ft_elf_open(files.fd, &files.elf) == 0) {
		if (ft_dwarf_open(&files, files.elf, &dwarf) == 0) {
			look(dwarf);
			ft_dwarf_close(dwarf);
		}
		ft_elf_close(files.elf);
	}
	close(files.fd);
	close(files.package_fd);
	return 0;
}

/*
 * fuzz_sdt.c - arbitrary bytes as the notes of probes, in an otherwise sound file; an input that
 * begins with the ELF magic is a whole file.
 *
 * Beyond not crashing: what is found must lie in the file, and a second walk must find the same.
 */
#include <stdlib.h>

#include "base/sdt.h"
#include "tests/unit/sdt_image.h"

#define INPUT_MAX (64 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	const struct ft_elf *elf;
	u64 count, sum;
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static int see(void *context, const struct ft_sdt_probe *probe)
{
	struct seen *seen = context;

	check(strnlen(probe->provider, FT_SDT_NAME_MAX) < FT_SDT_NAME_MAX && *probe->provider);
	check(strnlen(probe->name, FT_SDT_NAME_MAX) < FT_SDT_NAME_MAX && *probe->name);
	check(strnlen(probe->arguments, FT_SDT_ARGUMENTS_MAX) < FT_SDT_ARGUMENTS_MAX);
	seen->count++;
	seen->sum = seen->sum * 31 + probe->offset + 7 * probe->semaphore_offset;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool whole = size >= SELFMAG && !memcmp(data, ELFMAG, SELFMAG);
	size_t bytes = whole ? size : SDT_IMAGE_BYTES;
	struct seen first, second;
	struct ft_elf *elf;
	u8 *image;

	if (size > (whole ? INPUT_MAX : SDT_IMAGE_NOTES_MAX))
		return 0;
	image = malloc(bytes); /* of the exact size, so that a sanitizer sees a read past the end */
	check(image != NULL);
	if (whole)
		memcpy(image, data, size);
	else
		sdt_image_build(image, data, size);
	if (!ft_elf_open_memory(image, bytes, &elf)) {
		first = second = (struct seen){.elf = elf};
		check(!ft_sdt_walk(elf, see, &first) && !ft_sdt_walk(elf, see, &second));
		check(first.count == second.count && first.sum == second.sum);
		check(first.count <= size / 44);
		ft_elf_close(elf);
	}
	free(image);
	return 0;
}

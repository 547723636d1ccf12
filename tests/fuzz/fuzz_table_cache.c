/*
 * fuzz_table_cache.c - stored unwind tables that nobody vouches for.
 *
 * An input is a stored table. It is taken as it is; then once more with what a hostile writer would
 * get right: magic, version, key, length and checksum. In whatever is accepted, no look-up may lead
 * outside. The first 2^20 places are looked up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/table_look.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(const uint8_t *data, size_t size, bool mend)
{
	struct ft_table_key key = {.file_bytes = 1};
	struct ft_table_header *h;
	struct ft_table_image image;
	void *block = malloc(size ? size : 1);

	if (!block)
		abort();
	memcpy(block, data, size);
	if (mend) {
		h = block;
		h->magic = FT_TABLE_IMAGE_MAGIC;
		h->version = FT_TABLE_IMAGE_VERSION;
		h->key = key;
		h->bytes = size;
		h->checksum = ft_table_image_checksum(block, size);
	}
	if (ft_table_image_take(block, size, &key, &image)) {
		free(block);
		return;
	}
	if (!table_look_all(&image, 1u << 20)) {
		fprintf(stderr, "a look-up leads outside of the table\n");
		abort();
	}
	for (u32 i = 0; i < image.header->segment_count; i++) {
		volatile u64 end = image.segments[i].offset; /* all of them can be read */

		(void)end;
	}
	ft_table_image_fini(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	run(data, size, false);
	if (size >= sizeof(struct ft_table_header))
		run(data, size, true);
	return 0;
}

/*
 * fuzz_archive.c - arbitrary bytes as an archive.
 *
 * Checksums would keep the fuzzer out of the sections: input is taken as an archive, and once more
 * as the contents of its sections with right checksums: a byte of type, two of length, content.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/out.h"
#include "profile/archive_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* What could be read must be whole enough to be written and read again. */
static void read_and_write(const void *data, size_t len)
{
	struct ft_archive a, again;
	struct ft_err err = {.code = 0};

	if (ft_archive_read(data, len, "input", &a, &err) == 0) {
		struct ft_archive_content content = {
			.facts = &a.facts, .raw = a.raw, .profile = a.profile};
		struct ft_out *out = ft_out_new_memory();
		const char *bytes;
		size_t n;

		content.kept = a.raw ? a.raw->kept : NULL;
		check(ft_archive_write(&content, out) == 0);
		bytes = ft_out_memory(out, &n);
		check(ft_archive_read(bytes, n, "again", &again, &err) == 0 && again.whole);
		ft_archive_fini(&again);
		ft_out_close(out);
	} else {
		check(err.text[0] != '\0');
	}
	ft_archive_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	u32 version[2] = {FT_ARCHIVE_VERSION, 0};
	struct ft_bytes file = {0};

	read_and_write(data, size);
	ft_bytes_put(&file, FT_ARCHIVE_MAGIC, FT_ARCHIVE_MAGIC_BYTES);
	ft_bytes_put(&file, version, sizeof(version));
	for (size_t at = 0; at + 3 <= size;) {
		struct ft_section_head head = {.magic = FT_SECTION_MAGIC, .type = data[at]};
		size_t len = (size_t)data[at + 1] << 8 | data[at + 2];

		at += 3;
		len = len < size - at ? len : size - at;
		head.stored_bytes = head.bytes = (u32)len;
		head.crc = (u32)crc32(0, data + at, (uInt)len);
		head.head_crc = (u32)crc32(0, (const Bytef *)&head, 20);
		ft_bytes_put(&file, &head, sizeof(head));
		ft_bytes_put(&file, data + at, len);
		at += len;
	}
	read_and_write(file.data, file.len);
	ft_bytes_fini(&file);
	return 0;
}

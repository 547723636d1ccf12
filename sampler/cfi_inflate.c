/* cfi_inflate.c - the compressions that a section of an ELF file may have (gABI, ELFCOMPRESS_x). */
#include <elf.h>
#include <errno.h>
#include <zlib.h>
#include <zstd.h>

#include "sampler/cfi_frames.h"

#ifndef ELFCOMPRESS_ZSTD
#define ELFCOMPRESS_ZSTD 2 /* gABI of 2022; newer than glibc 2.36 */
#endif

static int inflate_zlib(const u8 *data, size_t bytes, u8 *out, size_t size)
{
	uLongf written = size;
	int code = uncompress(out, &written, data, bytes);

	if (code == Z_MEM_ERROR)
		return -ENOMEM;
	return code == Z_OK && written == size ? 0 : -EBADMSG;
}

static int inflate_zstd(const u8 *data, size_t bytes, u8 *out, size_t size)
{
	size_t written = ZSTD_decompress(out, size, data, bytes);

	return !ZSTD_isError(written) && written == size ? 0 : -EBADMSG;
}

int cfi_inflate_bytes(u32 method, const u8 *data, size_t bytes, u8 *out, size_t size)
{
	switch (method) {
	case ELFCOMPRESS_ZLIB:
		return inflate_zlib(data, bytes, out, size);
	case ELFCOMPRESS_ZSTD:
		return inflate_zstd(data, bytes, out, size);
	default:
		return -EBADMSG;
	}
}

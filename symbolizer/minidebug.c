/*
 * minidebug.c - the symbols that a stripped file carries itself: .gnu_debugdata, an ELF file with a
 * symbol table, compressed by xz ("MiniDebugInfo" of Fedora and others; format: the GDB manual,
 * section of that name).
 *
 * The section says not how large its content is: memory is bounded, and a file that would need more
 * has no such symbols.
 */
#include <elf.h>
#include <errno.h>
#include <lzma.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "symbolizer/source.h"

#define PACKED_BYTES_MAX (64u << 20)
#define PLAIN_BYTES_MAX (256u << 20)
#define RATIO_MAX 100		    /* symbol tables come to a quarter of their size */
#define RATIO_FREE_BYTES (1u << 20) /* that does not count for small ones */
#define DECODER_BYTES_MAX (128u << 20)

/* Unpacks into a block that grows. 0, -ENODATA (damaged, or too large) or -ENOMEM. */
static int unpack(const u8 *packed, size_t packed_bytes, u8 **plain, size_t *plain_bytes)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_ret result = lzma_stream_decoder(&stream, DECODER_BYTES_MAX, 0);
	u8 *block = NULL;
	size_t cap = 0;

	stream.next_in = packed;
	stream.avail_in = packed_bytes;
	while (result == LZMA_OK) {
		size_t filled = stream.total_out;

		if (filled >= PLAIN_BYTES_MAX ||
		    filled > RATIO_FREE_BYTES + packed_bytes * RATIO_MAX) {
			result = LZMA_MEMLIMIT_ERROR;
			break;
		}
		if (FT_GROW_RAW(&block, &cap, filled + (256u << 10))) {
			result = LZMA_MEM_ERROR;
			break;
		}
		stream.next_out = block + filled;
		stream.avail_out = cap - filled;
		result = lzma_code(&stream, LZMA_FINISH);
	}
	*plain_bytes = stream.total_out;
	lzma_end(&stream);
	if (result == LZMA_STREAM_END) {
		*plain = block;
		return 0;
	}
	free(block);
	return result == LZMA_MEM_ERROR ? -ENOMEM : -ENODATA;
}

int ft_minidebug_open(struct ft_group *group)
{
	const struct ft_elf_section *section =
		ft_elf_section(group->elf, SHT_PROGBITS, ".gnu_debugdata");
	u8 *packed, *plain = NULL;
	size_t bytes;
	int code;

	if (!section || !section->bytes || section->bytes > PACKED_BYTES_MAX)
		return -ENOENT;
	packed = ft_try_alloc(1, section->bytes);
	if (!packed)
		return -ENOMEM;
	code = ft_elf_read(group->elf, section->offset, packed, section->bytes);
	if (!code)
		code = unpack(packed, section->bytes, &plain, &bytes);
	free(packed);
	if (!code)
		code = ft_elf_open_memory(plain, bytes, &group->debug_elf);
	if (code) {
		free(plain);
		return code == -ENOMEM ? code : -ENODATA;
	}
	group->debug_memory = plain;
	return 0;
}

/*
 * cfi_section.c - finds the sections with call frame information in a file, and reads them.
 *
 * .eh_frame is found by its section header, or when section headers were stripped through the
 * program header PT_GNU_EH_FRAME: its .eh_frame_hdr says where .eh_frame starts, and a zero word
 * ends it. .debug_frame has section headers only, and may be compressed. Files of debug symbols
 * alone have headers of sections that they do not hold (SHT_NOBITS).
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "sampler/cfi_frames.h"

#define INFLATE_RATIO_MAX 200 /* .debug_frame shrinks to a third or a tenth */

/* Reads bytes of the file, as far as it and CFI_SECTION_MAX reach. */
static int section_load(const struct ft_elf *elf, u64 offset, u64 bytes,
			struct cfi_section *section)
{
	int code;

	if (offset >= elf->bytes)
		return 0;
	if (bytes > elf->bytes - offset)
		bytes = elf->bytes - offset;
	if (bytes > CFI_SECTION_MAX)
		bytes = CFI_SECTION_MAX;
	if (!bytes)
		return 0;
	section->data = ft_try_alloc_large(bytes);
	if (!section->data)
		return -ENOMEM;
	section->bytes = (u32)bytes;
	code = ft_elf_read(elf, offset, section->data, bytes);
	if (code) {
		free(section->data);
		section->data = NULL;
	}
	return code;
}

/* By the address where it is loaded; its end is that of the segment. */
static int section_load_addr(const struct ft_elf *elf, u64 addr, struct cfi_section *section)
{
	for (u32 i = 0; i < elf->segment_count; i++) {
		const struct ft_elf_segment *s = &elf->segments[i];

		if (s->type != PT_LOAD || addr < s->addr || addr - s->addr >= s->file_bytes)
			continue;
		section->addr = addr;
		section->is_eh = section->is_cut = true;
		return section_load(elf, s->offset + (addr - s->addr),
				    s->file_bytes - (addr - s->addr), section);
	}
	return 0;
}

/*
 * LSB, "Exception Frame Header": version, encodings of pointer, count and table, then the pointer
 * to .eh_frame.
 */
static int section_eh_by_header(const struct ft_elf *elf, struct cfi_section *section)
{
	const struct ft_elf_segment *segment = ft_elf_segment(elf, PT_GNU_EH_FRAME);
	u8 raw[4 + 16];
	struct cfi_bytes b = {.at = raw + 4, .end = raw + sizeof(raw)};
	u64 addr;

	if (!segment || segment->file_bytes < 8)
		return 0;
	if (segment->file_bytes < sizeof(raw))
		b.end = raw + segment->file_bytes;
	if (ft_elf_read(elf, segment->offset, raw, (size_t)(b.end - raw)) || raw[0] != 1)
		return 0;
	addr = cfi_pointer(&b, raw[1], segment->addr + 4, segment->addr);
	return b.bad ? 0 : section_load_addr(elf, addr, section);
}

int cfi_section_eh(struct ft_elf *elf, struct cfi_section *section)
{
	const struct ft_elf_section *header = ft_elf_section(elf, SHT_PROGBITS, ".eh_frame");

	if (!header)
		header = ft_elf_section(elf, SHT_X86_64_UNWIND, ".eh_frame");
	if (header) {
		section->addr = header->addr;
		section->is_eh = true;
		return section_load(elf, header->offset, header->bytes, section);
	}
	/* Debug symbols alone: the program headers describe the other file. */
	if (ft_elf_section(elf, SHT_NOBITS, ".eh_frame"))
		return 0;
	return section_eh_by_header(elf, section);
}

/*
 * gABI: a compressed section starts with its method and size. Old tools: "ZLIB" and the size,
 * big-endian.
 */
static u64 inflated_bytes(const u8 *data, size_t bytes, bool is_old, u32 *method,
			  size_t *header_bytes)
{
	Elf64_Chdr header;
	u64 size = 0;

	if (is_old) {
		*header_bytes = 12;
		*method = ELFCOMPRESS_ZLIB;
		if (bytes < 12 || memcmp(data, "ZLIB", 4))
			return 0;
		for (unsigned int i = 4; i < 12; i++)
			size = size << 8 | data[i];
		return size;
	}
	*header_bytes = sizeof(header);
	if (bytes < sizeof(header))
		return 0;
	memcpy(&header, data, sizeof(header));
	*method = header.ch_type;
	return header.ch_size;
}

int cfi_inflate(const u8 *data, size_t bytes, bool is_old, struct cfi_section *out)
{
	size_t header_bytes;
	u32 method;
	u64 size = inflated_bytes(data, bytes, is_old, &method, &header_bytes);
	int code;

	out->data = NULL;
	if (!size || size > CFI_SECTION_MAX || size / INFLATE_RATIO_MAX > bytes)
		return 0;
	out->data = ft_try_alloc_large(size);
	if (!out->data)
		return -ENOMEM;
	out->bytes = (u32)size;
	code = cfi_inflate_bytes(method, data + header_bytes, bytes - header_bytes, out->data,
				 size);
	if (code) {
		free(out->data);
		out->data = NULL;
	}
	return code == -ENOMEM ? code : 0;
}

int cfi_section_debug(struct ft_elf *elf, struct cfi_section *section)
{
	const struct ft_elf_section *header = ft_elf_section(elf, SHT_PROGBITS, ".debug_frame");
	bool is_old = !header;
	struct cfi_section raw = {.data = NULL};
	int code;

	if (!header)
		header = ft_elf_section(elf, SHT_PROGBITS, ".zdebug_frame");
	if (!header)
		return 0;
	if (!is_old && !(header->flags & SHF_COMPRESSED))
		return section_load(elf, header->offset, header->bytes, section);
	code = section_load(elf, header->offset, header->bytes, &raw);
	if (!code && raw.data)
		code = cfi_inflate(raw.data, raw.bytes, is_old, section);
	free(raw.data);
	return code;
}

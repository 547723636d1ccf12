/*
 * dwarf_unpack.c - a copy of a package of split units in which no section is compressed.
 *
 * What reads packages (dwarf_package.c) takes parts out of sections; compressed ones have none. The
 * copy is a file in memory: the original's bytes, with unpacked sections behind them and a section
 * table that says so. Formats: System V ABI (gABI), "Section Compression"; zlib and zstd.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include "symbolizer/dwarf_package.h"

#ifndef ELFCOMPRESS_ZSTD
#define ELFCOMPRESS_ZSTD 2 /* gABI of 2022; newer than glibc 2.36 */
#endif

#define BYTES_MAX (8ull << 30)
#define RATIO_MAX 1100 /* zlib cannot do better; debug information is far from it */

/* The size of a compressed section, through *type how. 0: it is none, or cannot be right. */
static u64 plain_bytes(const struct ft_elf *elf, const struct ft_elf_section *s, u32 *type)
{
	Elf64_Chdr header;

	if (!(s->flags & SHF_COMPRESSED) || s->type == SHT_NOBITS || s->bytes < sizeof(header) ||
	    s->offset > elf->bytes || s->bytes > elf->bytes - s->offset ||
	    ft_elf_read(elf, s->offset, &header, sizeof(header)) ||
	    header.ch_size / RATIO_MAX > s->bytes)
		return 0;
	*type = header.ch_type;
	return header.ch_size;
}

static bool unpack(const u8 *packed, u64 packed_bytes, u32 type, u8 *plain, u64 bytes)
{
	uLongf written = bytes;

	if (type == ELFCOMPRESS_ZLIB)
		return uncompress(plain, &written, packed, packed_bytes) == Z_OK &&
		       written == bytes;
	return type == ELFCOMPRESS_ZSTD &&
	       ZSTD_decompress(plain, bytes, packed, packed_bytes) == bytes;
}

/* Fills in the copy. False: something in it is damaged. */
static bool fill(const struct ft_elf *elf, u8 *copy)
{
	u64 at = (elf->bytes + 15) & ~(u64)15, table;
	Elf64_Ehdr header;

	if (ft_elf_read(elf, 0, copy, elf->bytes))
		return false;
	memcpy(&header, copy, sizeof(header));
	table = header.e_shoff;
	for (u32 i = 0; i < elf->section_count; i++) {
		const struct ft_elf_section *s = &elf->sections[i];
		u32 type = 0;
		u64 bytes = plain_bytes(elf, s, &type), place = table + i * sizeof(Elf64_Shdr);
		Elf64_Shdr row;

		if (!bytes || place > elf->bytes || sizeof(row) > elf->bytes - place)
			continue;
		if (!unpack(copy + s->offset + sizeof(Elf64_Chdr), s->bytes - sizeof(Elf64_Chdr),
			    type, copy + at, bytes))
			return false;
		memcpy(&row, copy + place, sizeof(row));
		row.sh_offset = at;
		row.sh_size = bytes;
		row.sh_flags &= ~(u64)SHF_COMPRESSED;
		memcpy(copy + place, &row, sizeof(row));
		at += (bytes + 15) & ~(u64)15;
	}
	return true;
}

int dwarf_unpack(const struct ft_elf *elf, int *fd)
{
	u64 room = 0, total;
	int copy_fd, code = -ENODATA;
	u8 *copy;
	u32 type;

	for (u32 i = 0; i < elf->section_count && room <= BYTES_MAX; i++)
		room += (plain_bytes(elf, &elf->sections[i], &type) + 15) & ~(u64)15;
	if (!room)
		return -ENOENT;
	total = elf->bytes + 16 + room;
	if (!elf->is64 || room > BYTES_MAX || elf->bytes > BYTES_MAX)
		return -ENODATA;
	copy_fd = memfd_create("debug information", MFD_CLOEXEC);
	if (copy_fd < 0)
		return -ENODATA;
	copy = ftruncate(copy_fd, (off_t)total)
		       ? MAP_FAILED
		       : mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_SHARED, copy_fd, 0);
	if (copy != MAP_FAILED) {
		if (fill(elf, copy))
			code = 0;
		munmap(copy, total);
	}
	if (code) {
		close(copy_fd);
		return code;
	}
	*fd = copy_fd;
	return 0;
}

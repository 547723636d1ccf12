/*
 * dwarf_image.c - see dwarf_image.h.
 *
 * The file is mapped privately and may be written to: its header gets the place of our section
 * table. Formats: System V ABI (gABI), chapter 4, and "Section Compression" there.
 */
#include "symbolizer/dwarf_image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zstd.h>

#include "base/alloc.h"

#ifndef ELFCOMPRESS_ZSTD
#define ELFCOMPRESS_ZSTD 2 /* gABI of 2022; newer than glibc 2.36 */
#endif

#define PAGE 65536u /* no machine has larger ones */
#define NAME_MAX_BYTES 32
#define TABLE_BYTES (DWARF_IMAGE_SECTIONS_MAX * (sizeof(Elf64_Shdr) + NAME_MAX_BYTES) + PAGE)

/* What an image may take of memory, and how well debug information can be compressed at most. */
#define UNPACKED_BYTES_MAX (8ull << 30)
#define RATIO_MAX 1000

static u64 round_up(u64 bytes)
{
	return (bytes + PAGE - 1) & ~(u64)(PAGE - 1);
}

int dwarf_image_init(struct dwarf_image *image, int fd, const struct ft_elf *file, u64 room)
{
	u64 file_bytes = round_up(file->bytes);
	u8 *base;

	*image = (struct dwarf_image){0};
	if (!file->is64 || file->bytes > INT64_MAX / 4 || room > INT64_MAX / 4)
		return -ENODATA;
	image->bytes = file_bytes + round_up(room + TABLE_BYTES);
	base = mmap(NULL, image->bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -ENODATA;
	image->base = base;
	image->at = file_bytes;
	image->sections = ft_try_alloc(DWARF_IMAGE_SECTIONS_MAX, sizeof(*image->sections));
	image->names = ft_try_alloc(DWARF_IMAGE_SECTIONS_MAX, NAME_MAX_BYTES);
	if (!image->sections || !image->names) {
		dwarf_image_fini(image);
		return -ENOMEM;
	}
	if (mmap(base, file->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED,
		 fd, 0) == MAP_FAILED) {
		dwarf_image_fini(image);
		return -ENODATA;
	}
	/* The section 0, which is none, and the empty name. */
	image->sections[image->count++] = (Elf64_Shdr){0};
	image->names[image->names_at++] = '\0';
	return 0;
}

void dwarf_image_fini(struct dwarf_image *image)
{
	dwarf_end(image->dwarf);
	elf_end(image->elf);
	if (image->base)
		munmap(image->base, image->bytes);
	free(image->sections);
	free(image->names);
	*image = (struct dwarf_image){0};
}

void *dwarf_image_take(struct dwarf_image *image, u64 bytes)
{
	u64 at = (image->at + 15) & ~(u64)15;

	if (at > image->bytes || bytes > image->bytes - at)
		return NULL;
	image->at = at + bytes;
	return image->base + at;
}

int dwarf_image_section(struct dwarf_image *image, const char *name, u64 flags, const void *place,
			u64 bytes)
{
	size_t len = strlen(name);

	if (image->count == DWARF_IMAGE_SECTIONS_MAX - 1 || len >= NAME_MAX_BYTES)
		return -ENODATA;
	image->sections[image->count++] = (Elf64_Shdr){
		.sh_name = image->names_at,
		.sh_type = SHT_PROGBITS,
		.sh_flags = flags,
		.sh_offset = (u64)((const u8 *)place - image->base),
		.sh_size = bytes,
		.sh_addralign = 1,
	};
	memcpy(image->names + image->names_at, name, len + 1);
	image->names_at += (u32)len + 1;
	return 0;
}

int dwarf_image_open(struct dwarf_image *image)
{
	static const char own[] = ".shstrtab";
	Elf64_Ehdr *header = (Elf64_Ehdr *)image->base;
	Elf64_Shdr *table;
	char *names;

	names = dwarf_image_take(image, image->names_at + sizeof(own));
	table = dwarf_image_take(image, (image->count + 1) * sizeof(*table));
	if (!names || !table)
		return -ENODATA;
	memcpy(names, image->names, image->names_at);
	memcpy(names + image->names_at, own, sizeof(own));
	memcpy(table, image->sections, image->count * sizeof(*table));
	table[image->count] = (Elf64_Shdr){
		.sh_name = image->names_at,
		.sh_type = SHT_STRTAB,
		.sh_offset = (u64)((u8 *)names - image->base),
		.sh_size = image->names_at + sizeof(own),
		.sh_addralign = 1,
	};
	header->e_shoff = (u64)((u8 *)table - image->base);
	header->e_shentsize = sizeof(*table);
	header->e_shnum = (u16)(image->count + 1);
	header->e_shstrndx = (u16)image->count;
	header->e_phnum = 0;
	elf_version(EV_CURRENT);
	image->elf = elf_memory((char *)image->base, image->at);
	image->dwarf = image->elf ? dwarf_begin_elf(image->elf, DWARF_C_READ, NULL) : NULL;
	return image->dwarf ? 0 : -ENODATA;
}

/* ---- zstd ---- */

/* Whether libdw looks at a section of that name. */
static bool is_debug(const char *name)
{
	return !strncmp(name, ".debug_", 7) || !strncmp(name, ".zdebug_", 8) ||
	       !strcmp(name, ".gnu_debugaltlink");
}

static bool is_in_file(const struct ft_elf *file, const struct ft_elf_section *section)
{
	return section->type != SHT_NOBITS && section->offset <= file->bytes &&
	       section->bytes <= file->bytes - section->offset;
}

/* How large a section is once unpacked; 0: it is not compressed by zstd, or cannot be right. */
static u64 unpacked_bytes(const struct ft_elf *file, const struct ft_elf_section *section)
{
	Elf64_Chdr header;

	if (!(section->flags & SHF_COMPRESSED) || section->bytes < sizeof(header) ||
	    ft_elf_read(file, section->offset, &header, sizeof(header)) ||
	    header.ch_type != ELFCOMPRESS_ZSTD)
		return 0;
	return header.ch_size / RATIO_MAX <= section->bytes ? header.ch_size : 0;
}

static void name_of(struct ft_elf *file, const struct ft_elf_section *section, char *name)
{
	name[0] = '\0';
	if (file->section_names < file->section_count)
		ft_elf_string(file, &file->sections[file->section_names], section->name, name,
			      NAME_MAX_BYTES);
}

/* One section into the image, unpacked if it has to be. Damage costs the section. */
static int section_add(struct dwarf_image *image, struct ft_elf *file,
		       const struct ft_elf_section *section)
{
	u64 bytes = unpacked_bytes(file, section);
	const u8 *packed = image->base + section->offset;
	char name[NAME_MAX_BYTES];
	void *plain;
	size_t written;

	name_of(file, section, name);
	if (!is_debug(name) || !is_in_file(file, section))
		return 0;
	if (!bytes)
		return dwarf_image_section(image, name, section->flags & SHF_COMPRESSED, packed,
					   section->bytes);
	plain = dwarf_image_take(image, bytes);
	if (!plain)
		return -ENODATA;
	written = ZSTD_decompress(plain, bytes, packed + sizeof(Elf64_Chdr),
				  section->bytes - sizeof(Elf64_Chdr));
	if (ZSTD_isError(written) || written != bytes)
		return 0;
	return dwarf_image_section(image, name, 0, plain, bytes);
}

int dwarf_image_unpack(struct dwarf_image *image, int fd, struct ft_elf *file)
{
	u64 room = 0;
	int code;

	for (u32 i = 0; i < file->section_count; i++) {
		const struct ft_elf_section *section = &file->sections[i];
		char name[NAME_MAX_BYTES];

		name_of(file, section, name);
		if (is_debug(name) && is_in_file(file, section))
			room += unpacked_bytes(file, section);
		if (room > UNPACKED_BYTES_MAX)
			return -ENODATA;
	}
	if (!room)
		return -ENOENT;
	code = dwarf_image_init(image, fd, file, room + 16ull * file->section_count);
	for (u32 i = 0; !code && i < file->section_count; i++)
		code = section_add(image, file, &file->sections[i]);
	if (!code)
		code = dwarf_image_open(image);
	if (code)
		dwarf_image_fini(image);
	return code;
}

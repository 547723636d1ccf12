/*
 * dwarf_image.h - an ELF file for libdw that is made of pieces of another. Private to dwarf.c.
 *
 * libdw takes an ELF file as it is; elfutils 0.188 knows neither sections compressed by zstd nor
 * packages of split units. An image is the file, mapped, with room behind it: for what is not in
 * the file, and for a section table of ours that names pieces of both. Nothing is copied.
 */
#ifndef FT_SYMBOLIZER_DWARF_IMAGE_H
#define FT_SYMBOLIZER_DWARF_IMAGE_H

#include <elfutils/libdw.h>

#include "base/elf.h"

#define DWARF_IMAGE_SECTIONS_MAX 64

struct dwarf_image {
	u8 *base;	/* what the file holds begins here */
	u64 bytes, at;	/* of all; up to where the room is in use */
	bool has_table; /* and no more sections can be added */
	Elf64_Shdr *sections;
	char *names;
	u32 count, names_at;
	Elf *elf;
	Dwarf *dwarf;
};

/*
 * Maps a 64-bit file with room for so many bytes more. 0, -ENODATA (cannot be mapped) or -ENOMEM.
 * On success dwarf_image_fini frees.
 */
int dwarf_image_init(struct dwarf_image *image, int fd, const struct ft_elf *file, u64 room);

/* Takes bytes of the room, 16-aligned and zero, borrowed until dwarf_image_fini. NULL: no room. */
void *dwarf_image_take(struct dwarf_image *image, u64 bytes);

/* Adds a section: what lies at place (in the image). 0 or -ENODATA: too many. */
int dwarf_image_section(struct dwarf_image *image, const char *name, u64 flags, const void *place,
			u64 bytes);

/* After the last section: has libdw open it. 0 or -ENODATA. */
int dwarf_image_open(struct dwarf_image *image);

void dwarf_image_fini(struct dwarf_image *image); /* a zeroed one, too */

/*
 * An image of a file that has debug sections compressed by zstd, with those unpacked. 0, -ENOENT
 * (it has none), -ENODATA or -ENOMEM.
 */
int dwarf_image_unpack(struct dwarf_image *image, int fd, struct ft_elf *file);

#endif

/* archive_private.h - the numbers of the .ftap format, for its writer and its reader. */
#ifndef FT_PROFILE_ARCHIVE_PRIVATE_H
#define FT_PROFILE_ARCHIVE_PRIVATE_H

#include "profile/archive.h"
#include "profile/bytes.h"

#define FT_ARCHIVE_MAGIC "FTAP\r\n\x1a\n"
#define FT_ARCHIVE_MAGIC_BYTES 8
#define FT_ARCHIVE_VERSION 1
#define FT_ARCHIVE_HEAD_BYTES 16
#define FT_SECTION_MAGIC 0x63655346 /* "FSec" */
#define FT_SECTION_BYTES_MAX (256u << 20)
#define FT_SECTION_ITEMS (1u << 20) /* strings, locations, nodes, weights in one section */

enum ft_section {
	FT_SECTION_FACTS = 1,
	FT_SECTION_HEAD = 2,
	FT_SECTION_STRINGS = 3,
	FT_SECTION_MODULES = 4,
	FT_SECTION_LOCATIONS = 5,
	FT_SECTION_NODES = 6,
	FT_SECTION_WEIGHTS = 7,
	FT_SECTION_MAPPED = 8,
	FT_SECTION_COUNTERS = 9,
	FT_SECTION_SYMBOLS = 10,
	FT_SECTION_FRAMES = 11,
	FT_SECTION_PLACES = 12,
	FT_SECTION_CPUS = 13,
	FT_SECTION_SHIFTS = 14,
	FT_SECTION_FILES = 15,
	FT_SECTION_OWNERS = 16,
	FT_SECTION_ADDRESSES = 17,
	FT_SECTION_TWINS = 18,
	FT_SECTION_END = 255,
};

enum { FT_SECTION_ZSTD = 1 }; /* flags */

/* Before every section. Little-endian. */
struct ft_section_head {
	u32 magic;
	u16 type;
	u16 flags;
	u32 stored_bytes;
	u32 bytes;    /* after decompression */
	u32 crc;      /* of the stored bytes, as zlib's crc32 */
	u32 head_crc; /* of the fields before */
};

_Static_assert(sizeof(struct ft_section_head) == 24, "no holes");

enum { FT_HEAD_RAW, FT_HEAD_RESOLVED };

/* Bits of the head's flags. */
#define FT_HEAD_AT_TRACEPOINT 1u
#define FT_HEAD_AT_SWITCH 2u
#define FT_HEAD_QUALITY 4u

/* How much of a profile was written. */
struct ft_archive_marks {
	u32 strings, modules, locations, nodes, mapped, rounds, sections;
	u64 last_addr;
	struct ft_out
		*out; /* takes each section when it is complete; or NULL: they are collected */
};

/* Appends sections to file. Failures are sticky in it. */
void ft_archive_put_start(struct ft_bytes *file, const struct ft_facts *facts,
			  struct ft_archive_marks *marks);
void ft_archive_put_raw(struct ft_bytes *file, const struct ft_raw *raw,
			const struct ft_quality *quality, const struct ft_rounds *rounds,
			struct ft_archive_marks *marks);

/*
 * The counter number index of a quality and its name in files; NULL where there are no more.
 */
u64 *ft_archive_counter(struct ft_quality *q, u32 index, const char **name);

#endif

/*
 * table_image.h - the unwind table of one file in packed form, as one block of bytes: what goes
 * into the pool, and what is kept on disk between runs.
 *
 * The block is a header, then the loaded parts of the file, the rules, the index and the rows
 * (abi.h), each at a multiple of its element's size; row numbers in the index count from 0. A block
 * from disk is checked as a whole before anything of it is used: afterwards no look-up leads out
 * of the table, whatever the block held.
 */
#ifndef FT_SAMPLER_TABLE_IMAGE_H
#define FT_SAMPLER_TABLE_IMAGE_H

#include "base/types.h"
#include "profile/raw.h"
#include "sampler/abi.h"
#include "sampler/cfi.h"

/* To be raised whenever the layout changes. */
#define FT_TABLE_IMAGE_VERSION 2u
#define FT_TABLE_IMAGE_MAGIC UINT64_C(0x656c626174746600) /* also says the order of bytes */
#define FT_TABLE_IMAGE_BYTES_MAX (128u << 20)
#define FT_TABLE_MAKER_BYTES 20

/* A loaded part of a file: which addresses its bytes get. */
struct ft_table_segment {
	u64 offset, bytes, addr;
};

/* Whose table it is. Compared as bytes: unused ones are 0. */
struct ft_table_key {
	u64 file_bytes; /* size of the file */
	u32 file_head;	/* checksum of its first bytes: ELF headers, and mostly the build-id */
	u32 build_id_len;
	u8 build_id[FT_BUILD_ID_MAX];
	/* the program that made the table: another version may make better ones */
	u8 maker[FT_TABLE_MAKER_BYTES];
};
_Static_assert(sizeof(struct ft_table_key) == 56, "key has holes");

struct ft_table_header {
	u64 magic;
	u32 version;
	u32 checksum; /* ft_table_image_checksum */
	u64 bytes;    /* of the block */
	struct ft_table_key key;
	u64 base; /* address as linked of pc 0 */
	u32 span;
	u32 machine; /* EM_x */
	u32 segment_count, rule_count;
	u32 index_count, row_count;
};
_Static_assert(sizeof(struct ft_table_header) == 112, "header has holes");

struct ft_table_image {
	struct ft_table_header *header; /* the block; owned */
	struct ft_table_segment *segments;
	struct ft_cfi_rule *rules;
	u32 *index;
	u16 *rows;
};

/*
 * Packs a table. Key and checksum stay zeros until ft_table_image_seal. 0 or -ENOMEM; -E2BIG when
 * it is beyond FT_TABLE_IMAGE_BYTES_MAX.
 */
int ft_table_image_make(const struct ft_cfi_table *cfi, const struct ft_table_segment *segments,
			u32 segment_count, struct ft_table_image *image);

/* Copies a block. 0 or -ENOMEM. */
int ft_table_image_copy(const struct ft_table_image *image, struct ft_table_image *copy);

/* Enters the key and the checksum: the block can be stored now. */
void ft_table_image_seal(struct ft_table_image *image, const struct ft_table_key *key);

/*
 * Takes a block that was read, from malloc, and aligned so. -ESTALE: not of this version or key;
 * -EBADMSG: damaged. The block stays the caller's on failure, and is the image's from then on
 * otherwise.
 */
int ft_table_image_take(void *block, size_t bytes, const struct ft_table_key *key,
			struct ft_table_image *result);

/*
 * The checksum of a block as its header should have it: against damage, not against forgers, and
 * as fast as memory is read. The block holds a header, whose own field counts as 0.
 */
u32 ft_table_image_checksum(const void *block, size_t bytes);

/* A zeroed image is accepted. */
void ft_table_image_fini(struct ft_table_image *image);

#endif

/* table_image.c - see table_image.h. */
#include "sampler/table_image.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

#define SEGMENTS_MAX 65536u
#define X86_REGISTERS 16
#define GRANULE_ROWS_MAX 512u

/* Bytes of a block with such counts, which are within their bounds. */
static u64 block_bytes(const struct ft_table_header *h)
{
	return sizeof(*h) + (u64)h->segment_count * sizeof(struct ft_table_segment) +
	       (u64)h->rule_count * sizeof(struct ft_cfi_rule) + (u64)h->index_count * sizeof(u32) +
	       (u64)h->row_count * sizeof(u16);
}

static void point(struct ft_table_image *image, struct ft_table_header *header)
{
	image->header = header;
	image->segments = (struct ft_table_segment *)(header + 1);
	image->rules = (struct ft_cfi_rule *)(image->segments + header->segment_count);
	image->index = (u32 *)(image->rules + header->rule_count);
	image->rows = (u16 *)(image->index + header->index_count);
}

int ft_table_image_make(const struct ft_cfi_table *cfi, const struct ft_table_segment *segments,
			u32 segment_count, struct ft_table_image *image)
{
	struct ft_table_header h = {
		.magic = FT_TABLE_IMAGE_MAGIC,
		.version = FT_TABLE_IMAGE_VERSION,
		.base = cfi->base,
		.span = cfi->span,
		.machine = cfi->machine,
		.segment_count = segment_count,
		.rule_count = cfi->rule_count,
		.index_count = (u32)ft_cfi_index_count(cfi),
		.row_count = cfi->packed_count,
	};
	struct ft_table_header *block;

	h.bytes = block_bytes(&h);
	if (h.bytes > FT_TABLE_IMAGE_BYTES_MAX || segment_count > SEGMENTS_MAX)
		return -E2BIG;
	block = ft_try_alloc_large(h.bytes);
	if (!block)
		return -ENOMEM;
	*block = h;
	point(image, block);
	if (segment_count)
		memcpy(image->segments, segments, segment_count * sizeof(*segments));
	memcpy(image->rules, cfi->rules, cfi->rule_count * sizeof(*cfi->rules));
	ft_cfi_pack(cfi, 0, image->index, image->rows);
	return 0;
}

int ft_table_image_copy(const struct ft_table_image *image, struct ft_table_image *copy)
{
	struct ft_table_header *block = ft_try_alloc_large(image->header->bytes);

	if (!block)
		return -ENOMEM;
	memcpy(block, image->header, image->header->bytes);
	point(copy, block);
	return 0;
}

/* Adds 32 bytes to each of four running sums: the processor works on all of them at once. */
static void sum_piece(u64 lanes[4], const void *piece)
{
	u64 words[4];

	memcpy(words, piece, sizeof(words));
	for (u32 i = 0; i < 4; i++) {
		lanes[i] = (lanes[i] ^ words[i]) * FT_HASH_MUL;
		lanes[i] ^= lanes[i] >> 32;
	}
}

/*
 * The field itself is in the header's whole pieces. Only the version that made a table reads it,
 * so ft_hash_mix may change.
 */
u32 ft_table_image_checksum(const void *block, size_t bytes)
{
	u64 lanes[4] = {1, 2, 3, 4}, sum = bytes;
	const u8 *at = block, *end = at + bytes;
	struct ft_table_header h;
	u8 rest[32] = {0};

	memcpy(&h, block, sizeof(h));
	h.checksum = 0;
	for (size_t i = 0; i < sizeof(h) / 32; i++)
		sum_piece(lanes, (const u8 *)&h + i * 32);
	for (at += sizeof(h) / 32 * 32; (size_t)(end - at) >= sizeof(rest); at += sizeof(rest))
		sum_piece(lanes, at);
	memcpy(rest, at, (size_t)(end - at));
	sum_piece(lanes, rest);
	for (u32 i = 0; i < 4; i++)
		sum = ft_hash_mix(sum, lanes[i]);
	return (u32)(sum ^ sum >> 32);
}

void ft_table_image_seal(struct ft_table_image *image, const struct ft_table_key *key)
{
	image->header->key = *key;
	image->header->checksum = ft_table_image_checksum(image->header, image->header->bytes);
}

/* Whether the sizes agree with each other and with the block's. */
static bool check_header(const struct ft_table_header *h, size_t bytes)
{
	return h->bytes == bytes && (h->machine == EM_X86_64 || h->machine == EM_AARCH64) &&
	       h->base % FT_CFI_GRANULE == 0 && h->span > 0 && h->segment_count <= SEGMENTS_MAX &&
	       h->rule_count > FT_CFI_RULE_BAD && h->rule_count <= FT_CFI_RULES_MAX &&
	       h->index_count == ((u64)h->span + FT_CFI_GRANULE - 1) / FT_CFI_GRANULE + 1 &&
	       block_bytes(h) == bytes;
}

/* The BPF side takes these for granted: the worst that could come of it is a wrong stack. */
static bool check_rules(const struct ft_table_header *h, const struct ft_cfi_rule *rules)
{
	const struct ft_cfi_rule none = {.cfa_kind = FT_CFI_CFA_NONE};
	const struct ft_cfi_rule bad = {.cfa_kind = FT_CFI_CFA_BAD};

	if (memcmp(&rules[FT_CFI_RULE_NONE], &none, sizeof(none)) ||
	    memcmp(&rules[FT_CFI_RULE_BAD], &bad, sizeof(bad)))
		return false;
	for (u32 i = FT_CFI_RULE_BAD + 1; i < h->rule_count; i++) {
		const struct ft_cfi_rule *r = &rules[i];

		if (r->cfa_kind == FT_CFI_CFA_NONE || r->cfa_kind >= FT_CFI_CFA_BAD ||
		    r->ra_kind == FT_CFI_SAME || r->ra_kind == FT_CFI_LOST ||
		    r->ra_kind > FT_CFI_ROOT || r->fp_kind > FT_CFI_IS_CFA)
			return false;
		if (h->machine == EM_X86_64 &&
		    (r->cfa_reg >= X86_REGISTERS || r->fp_reg >= X86_REGISTERS ||
		     r->ra_reg >= X86_REGISTERS))
			return false;
	}
	return true;
}

/*
 * Rows [from, to) of one granule: pcs rise, but for the two rows of a wide code, and each row that
 * a search can end at names a rule.
 */
static bool check_granule(const u16 *rows, u32 from, u32 to, u32 rule_count)
{
	for (u32 i = from; i < to; i++) {
		u32 pc = FT_CFI_ROW_PC(rows[i]), code = FT_CFI_ROW_CODE(rows[i]);

		if (i + 1 < to && FT_CFI_ROW_PC(rows[i + 1]) == pc) {
			u32 upper = FT_CFI_ROW_CODE(rows[++i]);

			if (upper < FT_CFI_CODE_WIDE)
				return false;
			code = FT_CFI_CODE_JOIN(upper, code);
		} else if (code >= FT_CFI_CODE_WIDE) {
			return false;
		}
		if (code >= rule_count || (i + 1 < to && FT_CFI_ROW_PC(rows[i + 1]) <= pc))
			return false;
	}
	return true;
}

/*
 * The same for rows without wide codes, which most granules have none but: without branches, for
 * large tables are read while somebody waits. False: look closer.
 */
static bool is_plain_granule(const u16 *rows, u32 from, u32 to, u32 rule_count)
{
	u32 limit = rule_count < FT_CFI_CODE_WIDE ? rule_count : FT_CFI_CODE_WIDE, odd = 0;
	s32 before = -1;

	for (u32 i = from; i < to; i++) {
		s32 pc = (s32)FT_CFI_ROW_PC(rows[i]);

		odd |= (u32)(FT_CFI_ROW_CODE(rows[i]) >= limit) | (u32)(pc <= before);
		before = pc;
	}
	return !odd;
}

static bool check_rows(const struct ft_table_image *image)
{
	const struct ft_table_header *h = image->header;
	const u32 *index = image->index;

	/* A first row at pc 0 always exists, or a search would end before the table. */
	if (index[0] != 0 || !index[1] || !h->row_count || FT_CFI_ROW_PC(image->rows[0]) != 0 ||
	    index[h->index_count - 1] != h->row_count)
		return false;
	for (u32 g = 0; g + 1 < h->index_count; g++) {
		u32 from = index[g], to = index[g + 1];

		if (to < from || to - from > GRANULE_ROWS_MAX || to > h->row_count)
			return false;
		if (!is_plain_granule(image->rows, from, to, h->rule_count) &&
		    !check_granule(image->rows, from, to, h->rule_count))
			return false;
	}
	return true;
}

int ft_table_image_take(void *block, size_t bytes, const struct ft_table_key *key,
			struct ft_table_image *result)
{
	struct ft_table_header *h = block;
	struct ft_table_image image;

	if (bytes < sizeof(*h))
		return -EBADMSG;
	if (h->magic != FT_TABLE_IMAGE_MAGIC || h->version != FT_TABLE_IMAGE_VERSION ||
	    memcmp(&h->key, key, sizeof(*key)))
		return -ESTALE;
	if (!check_header(h, bytes) || ft_table_image_checksum(block, bytes) != h->checksum)
		return -EBADMSG;
	point(&image, h);
	if (!check_rules(h, image.rules) || !check_rows(&image))
		return -EBADMSG;
	*result = image;
	return 0;
}

void ft_table_image_fini(struct ft_table_image *image)
{
	free(image->header);
	memset(image, 0, sizeof(*image));
}

/*
 * fde.c - where functions without a symbol begin, from .eh_frame.
 *
 * A stripped function still has unwind information, and .eh_frame_hdr is a sorted table of the
 * starts. With the start as the offset in "[libfoo.so+0x1230]" all addresses of the function fold
 * into one frame, which is what a flame graph needs. The table gives only starts; the range is read
 * from the FDE itself, so that code without unwind information is not counted to the function
 * before it. The function at the entry point of a program is _start by definition.
 *
 * Formats: Linux Standard Base core specification, 10.6 (.eh_frame, .eh_frame_hdr).
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "symbolizer/source.h"

#define ENC_UDATA2 0x02
#define ENC_UDATA4 0x03
#define ENC_UDATA8 0x04
#define ENC_FORMAT 0x0f
#define ENC_SIGNED 0x08
#define ENC_PCREL 0x10
#define ENC_DATAREL 0x30
#define ENC_APPLY 0x70
#define ENC_SEARCH_TABLE (ENC_DATAREL | ENC_SIGNED | ENC_UDATA4)
#define CIE_BYTES_MAX 64 /* read of a CIE: its augmentation is at the front */

struct entry {
	s32 start, fde; /* relative to the address of .eh_frame_hdr */
};

/* Bytes of an encoded pointer, or 0 for those we do not read. */
static size_t pointer_bytes(const struct ft_elf *elf, u8 enc)
{
	switch (enc & ENC_FORMAT & ~ENC_SIGNED) {
	case 0:
		return elf->is64 ? 8 : 4;
	case ENC_UDATA2:
		return 2;
	case ENC_UDATA4:
		return 4;
	case ENC_UDATA8:
		return 8;
	default:
		return 0;
	}
}

static u64 pointer_value(const u8 *raw, size_t bytes, bool is_signed)
{
	u16 v16;
	u32 v32;
	u64 v64;

	if (bytes == 2) {
		memcpy(&v16, raw, sizeof(v16));
		return is_signed ? (u64)(s64)(int16_t)v16 : v16;
	}
	if (bytes == 4) {
		memcpy(&v32, raw, sizeof(v32));
		return is_signed ? (u64)(s64)(s32)v32 : v32;
	}
	memcpy(&v64, raw, sizeof(v64));
	return v64;
}

/* Skips a LEB128 number. NULL: it does not end. */
static const u8 *skip_leb(const u8 *p, const u8 *end)
{
	while (p < end && (*p & 0x80))
		p++;
	return p < end ? p + 1 : NULL;
}

/* The encoding of addresses in the FDEs of a CIE. False: none that we read. */
static bool cie_encoding(struct ft_elf *elf, u64 offset, u8 *enc)
{
	u8 raw[CIE_BYTES_MAX];
	const u8 *p = raw + 8, *end, *aug, *aug_end;
	u64 left = offset < elf->bytes ? elf->bytes - offset : 0;

	end = raw + (left < sizeof(raw) ? left : sizeof(raw));
	if (end - raw < 16 || ft_elf_read_small(elf, offset, raw, (size_t)(end - raw)))
		return false;
	if (*p != 1 && *p != 3)
		return false;
	aug = p + 1;
	aug_end = memchr(aug, '\0', (size_t)(end - aug));
	if (!aug_end)
		return false;
	*enc = 0; /* absolute, unless the augmentation says otherwise */
	if (*aug != 'z')
		return *aug == '\0';
	p = skip_leb(aug_end + 1, end);	 /* code alignment */
	p = p ? skip_leb(p, end) : NULL; /* data alignment */
	p = p ? skip_leb(p, end)
	      : NULL; /* return address register: a byte below 0x80 in version 1 */
	p = p ? skip_leb(p, end) : NULL; /* length of the augmentation data */
	for (aug++; p && p < end && aug < aug_end; aug++) {
		if (*aug == 'R') {
			*enc = *p;
			return true;
		}
		if (*aug == 'L')
			p++;
		else if (*aug == 'P' && pointer_bytes(elf, *p))
			p += 1 + pointer_bytes(elf, *p);
		else if (*aug != 'S' && *aug != 'B')
			return false;
	}
	return p != NULL;
}

/* The range of the FDE at an address as linked. */
static bool fde_range(struct ft_elf *elf, u64 addr, u64 *start, u64 *end)
{
	u64 offset, cie, value;
	u32 head[2]; /* length, distance to the CIE */
	size_t bytes;
	u8 enc, raw[16];

	if (!ft_elf_offset_of_addr(elf, addr, &offset) ||
	    ft_elf_read_small(elf, offset, head, sizeof(head)) || head[0] == UINT32_MAX || !head[1])
		return false;
	if (__builtin_sub_overflow(offset + 4, head[1], &cie) || !cie_encoding(elf, cie, &enc))
		return false;
	bytes = pointer_bytes(elf, enc);
	if (!bytes || ft_elf_read_small(elf, offset + 8, raw, 2 * bytes))
		return false;
	value = pointer_value(raw, bytes, enc & ENC_SIGNED);
	if ((enc & ENC_APPLY) == ENC_PCREL)
		value += addr + 8;
	else if (enc & ENC_APPLY)
		return false;
	*start = value;
	return !__builtin_add_overflow(value, pointer_value(raw + bytes, bytes, false), end);
}

/* The search table: where its entries are in the file, and how many. */
static bool table_find(struct ft_elf *elf, const struct ft_elf_segment *hdr, u64 *entries,
		       u64 *count)
{
	size_t skip, bytes;
	u8 head[4], raw[8] = {0};

	if (hdr->file_bytes < sizeof(head) ||
	    ft_elf_read_small(elf, hdr->offset, head, sizeof(head)))
		return false;
	skip = pointer_bytes(elf, head[1]);
	bytes = pointer_bytes(elf, head[2]);
	if (head[0] != 1 || head[3] != ENC_SEARCH_TABLE || !skip || bytes < 4)
		return false;
	if (ft_elf_read_small(elf, hdr->offset + 4 + skip, raw, bytes))
		return false;
	*entries = hdr->offset + 4 + skip + bytes;
	*count = pointer_value(raw, bytes, false);
	if (*count > hdr->file_bytes / sizeof(struct entry))
		*count = hdr->file_bytes / sizeof(struct entry);
	return true;
}

bool ft_fde_find(struct ft_elf *elf, u64 addr, u64 *start, u64 *end)
{
	const struct ft_elf_segment *hdr = ft_elf_segment(elf, PT_GNU_EH_FRAME);
	u64 entries, count, low = 0;
	struct entry entry;

	if (!hdr || !table_find(elf, hdr, &entries, &count))
		return false;
	while (count) {
		u64 half = count / 2;

		if (ft_elf_read_small(elf, entries + (low + half) * sizeof(entry), &entry,
				      sizeof(entry)))
			return false;
		if (hdr->addr + (u64)(s64)entry.start <= addr) {
			low += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	if (!low ||
	    ft_elf_read_small(elf, entries + (low - 1) * sizeof(entry), &entry, sizeof(entry)))
		return false;
	return fde_range(elf, hdr->addr + (u64)(s64)entry.fde, start, end) && *start <= addr &&
	       addr < *end;
}

/* Whether the file is a program and not a library: its entry point is then crt1's _start. */
static bool is_program(struct ft_elf *elf)
{
	const struct ft_elf_segment *dynamic = ft_elf_segment(elf, PT_DYNAMIC);
	Elf64_Dyn entry;

	if (elf->type == ET_EXEC)
		return true;
	/*
	 * A position-independent program looks like a library, but for a flag. Libraries have entry
	 * points, too.
	 */
	for (u64 at = 0; dynamic && elf->is64 && at < dynamic->file_bytes && at < 4096;
	     at += sizeof(entry)) {
		if (ft_elf_read_small(elf, dynamic->offset + at, &entry, sizeof(entry)) ||
		    entry.d_tag == DT_NULL)
			break;
		if (entry.d_tag == DT_FLAGS_1)
			return entry.d_un.d_val & DF_1_PIE;
	}
	return false;
}

static int fde_resolve(struct ft_sym *sym, struct ft_group *group)
{
	u64 start = 0, end = 0, entry = 0;

	if (!group->elf)
		return 0;
	if (is_program(group->elf))
		entry = group->elf->entry;
	for (u32 i = 0; i < group->count; i++) {
		struct ft_want *want = &group->wants[i];
		int code = 0;

		if (want->named || !want->mapped)
			continue;
		if ((want->addr < start || want->addr >= end) &&
		    !ft_fde_find(group->elf, want->addr, &start, &end)) {
			start = end = 0;
			continue;
		}
		want->start = start;
		if (entry && entry >= start && entry < end)
			code = ft_want_name(sym, want, "_start", strlen("_start"), NULL);
		if (code)
			return code;
	}
	return 0;
}

const struct ft_source ft_source_fde = {
	.name = "fde",
	.kinds = 1 << FT_GROUP_FILE | 1 << FT_GROUP_VDSO,
	.resolve = fde_resolve,
};

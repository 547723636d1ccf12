/*
 * cfi_frames.c - lists the functions (FDEs) of a section, and parses what they have in common
 * (CIEs).
 *
 * A section is a run of entries, each with its length; an FDE names its CIE by an offset. CIEs are
 * few. A damaged entry is counted and left out; a damaged length ends the section, since nothing
 * says where the next entry is. Formats: LSB "DWARF Extensions", DWARF 5 section 6.4.1, and for
 * aarch64 "DWARF for the Arm 64-bit Architecture".
 */
#include "sampler/cfi_frames.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"

#define LENGTH_64 0xffffffffu /* an 8-byte length follows */

/* One entry of a section: its head parsed, the cursor on what follows. */
struct entry {
	struct cfi_bytes body;
	bool is_cie;
	u64 cie_at; /* of an FDE: offset of its CIE; wherever a damaged file says */
};

static u32 offset_of(const struct cfi_section *section, const u8 *at)
{
	return (u32)(at - section->data);
}

/*
 * Reads the head of the entry at the cursor and moves the cursor behind the entry. False: the
 * section ends here.
 */
static bool entry_next(const struct cfi_section *section, struct cfi_bytes *b, struct entry *entry)
{
	u64 length = cfi_u32(b), id, id_none = UINT32_MAX;
	bool is_wide = length == LENGTH_64;
	const u8 *id_at;

	if (is_wide)
		length = cfi_u64(b);
	entry->body = (struct cfi_bytes){.at = b->at,
					 .end = b->at + (length <= cfi_left(b) ? length : 0)};
	cfi_skip(b, length);
	if (b->bad)
		return false;
	id_at = entry->body.at;
	if (is_wide) {
		id = cfi_u64(&entry->body);
		id_none = UINT64_MAX;
	} else {
		id = cfi_u32(&entry->body);
	}
	entry->is_cie = id == (section->is_eh ? 0 : id_none);
	entry->cie_at = section->is_eh ? offset_of(section, id_at) - id : id;
	return true;
}

/* ---- CIEs ---- */

/* Data behind an augmentation string that starts with 'z'. False: damaged. */
static bool augmentation_read(struct cfi_cie *cie, const char *text, struct cfi_bytes data)
{
	for (; *text && !data.bad; text++) {
		u8 encoding;

		switch (*text) {
		case 'R':
			cie->fde_encoding = cfi_u8(&data);
			break;
		case 'P': /* personality routine: only its length is of interest */
			encoding = cfi_u8(&data);
			cfi_pointer(&data, encoding & CFI_PE_FORMAT, 0, 0);
			break;
		case 'L':
			cfi_u8(&data);
			break;
		case 'S':
			cie->is_signal = true;
			break;
		case 'B': /* aarch64: return addresses are signed by the other key */
		case 'G': /* aarch64: the stack frame is tagged */
			break;
		default:
			/*
			 * Unknown, and nobody can say how long: what follows is lost, but its
			 * length is known.
			 */
			return true;
		}
	}
	return !data.bad;
}

/* All before the initial instructions. */
static bool cie_head(const struct cfi_machine *machine, struct cfi_cie *cie, struct cfi_bytes *b)
{
	u8 version = cfi_u8(b);
	const char *text = (const char *)b->at;
	size_t len = strnlen(text, cfi_left(b));
	u64 ra;

	cfi_skip(b, len + 1);
	if (b->bad || (version != 1 && version != 3 && version != 4))
		return false;
	if (version == 4 &&
	    (cfi_u8(b) != 8 || cfi_u8(b) != 0)) /* bytes of an address; of a segment number */
		return false;
	if (!strcmp(text, "eh")) /* gcc 2: a pointer, of no use here */
		cfi_skip(b, 8);
	else if (*text && *text != 'z')
		return false;
	cie->code_align = cfi_uleb(b);
	cie->data_align = cfi_sleb(b);
	ra = version == 1 ? cfi_u8(b) : cfi_uleb(b);
	if (ra >= 32 || ra == machine->fp || ra == machine->bx || ra == machine->sp)
		return false;
	cie->ra = (u8)ra;
	cie->tracked = UINT32_C(1) << ra | UINT32_C(1) << machine->fp | UINT32_C(1) << machine->sp;
	if (machine->bx != CFI_NO_REG)
		cie->tracked |= UINT32_C(1) << machine->bx;
	if (*text == 'z') {
		u64 bytes = cfi_uleb(b);
		struct cfi_bytes data = {.at = b->at,
					 .end = b->at + (bytes <= cfi_left(b) ? bytes : 0)};

		cie->has_z = true;
		cfi_skip(b, bytes);
		if (b->bad || !augmentation_read(cie, text + 1, data))
			return false;
	}
	return !b->bad;
}

static bool cie_parse(const struct cfi_machine *machine, const struct cfi_section *section,
		      struct cfi_cie *cie)
{
	struct cfi_bytes b = {.at = section->data + cie->at, .end = section->data + section->bytes};
	struct entry entry;

	return entry_next(section, &b, &entry) && !entry.body.bad && entry.is_cie &&
	       cie_head(machine, cie, &entry.body) && cfi_exec_cie(machine, cie, &entry.body);
}

/* Notes the CIE at an offset; offsets come in rising order. 0 or -ENOMEM. */
static int cie_add(struct cfi_frames *frames, u32 index, u32 at)
{
	struct cfi_cie *cie;

	if (frames->cie_count == CFI_CIES_MAX)
		return 0;
	if (FT_GROW(&frames->cies, &frames->cie_cap, frames->cie_count + 1))
		return -ENOMEM;
	cie = &frames->cies[frames->cie_count++];
	*cie = (struct cfi_cie){.at = at};
	cie->bad = !cie_parse(frames->machine, &frames->sections[index], cie);
	return 0;
}

/*
 * The CIE at an offset, among those from first on. guess: index of that of the function before.
 * NULL: none, or damaged.
 */
static const struct cfi_cie *cie_find(const struct cfi_frames *frames, size_t first, u64 at,
				      size_t *guess)
{
	size_t low = first, high = frames->cie_count;

	if (*guess >= high || frames->cies[*guess].at != at) {
		while (low < high) {
			size_t middle = low + (high - low) / 2;

			if (frames->cies[middle].at < at)
				low = middle + 1;
			else
				high = middle;
		}
		if (low == frames->cie_count || frames->cies[low].at != at)
			return NULL;
		*guess = low;
	}
	return frames->cies[*guess].bad ? NULL : &frames->cies[*guess];
}

/* ---- FDEs ---- */

/*
 * Where code may be: all executable segments, and none of them when the file does not hold them
 * (debug symbols).
 */
static bool is_code(const struct ft_elf *elf, u64 start, u64 bytes)
{
	bool any = false;

	for (u32 i = 0; i < elf->segment_count; i++) {
		const struct ft_elf_segment *s = &elf->segments[i];

		if (s->type != PT_LOAD || !(s->flags & PF_X) || !s->file_bytes)
			continue;
		any = true;
		if (start >= s->addr && start - s->addr < s->file_bytes &&
		    bytes <= s->file_bytes - (start - s->addr))
			return true;
	}
	/* Functions that the linker dropped stand at 0 in .debug_frame. */
	return !any && start && bytes <= INT64_MAX && start <= INT64_MAX;
}

/* Appends a function, or counts why not. 0 or -ENOMEM. */
static int fde_add(struct cfi_frames *frames, const struct ft_elf *elf, u32 index,
		   const struct cfi_cie *cie, struct cfi_bytes *b)
{
	const struct cfi_section *section = &frames->sections[index];
	struct cfi_fde *fde;
	u64 start, bytes;

	start = cfi_pointer(b, cie->fde_encoding, section->addr + offset_of(section, b->at), 0);
	bytes = cfi_pointer(b, cie->fde_encoding & CFI_PE_FORMAT, 0, 0);
	if (cie->has_z)
		cfi_skip(b, cfi_uleb(b));
	if (b->bad || frames->fde_count == CFI_FDES_MAX) {
		frames->stats->fdes_damaged++;
		return 0;
	}
	if (!bytes || bytes > UINT32_MAX || !is_code(elf, start, bytes)) {
		frames->stats->fdes_outside++;
		return 0;
	}
	if (FT_GROW_RAW(&frames->fdes, &frames->fde_cap, frames->fde_count + 1))
		return -ENOMEM;
	fde = &frames->fdes[frames->fde_count++];
	*fde = (struct cfi_fde){.start = start,
				.bytes = (u32)bytes,
				.code_at = offset_of(section, b->at),
				.code_bytes = (u32)cfi_left(b)};
	fde->cie = (u32)(cie - frames->cies) & (UINT32_MAX >> 2);
	fde->section = index & 3;
	return 0;
}

/* Entries of which kind are to be taken in a walk over a section. */
enum { WANT_CIES = 1, WANT_FDES = 2 };

static int section_walk(struct cfi_frames *frames, const struct ft_elf *elf, u32 index,
			unsigned int want, size_t first_cie)
{
	const struct cfi_section *section = &frames->sections[index];
	struct cfi_bytes b = {.at = section->data, .end = section->data + section->bytes};
	size_t guess = SIZE_MAX;
	int code = 0;

	while (!code && cfi_left(&b) >= 4) {
		const struct cfi_cie *cie;
		const u8 *at = b.at;
		struct entry entry;
		u32 length;

		memcpy(&length, at, sizeof(length));
		if (!length) {
			/*
			 * An end in the middle: some linkers keep crtend's and put more behind it.
			 */
			if (section->is_cut)
				break;
			b.at += sizeof(length);
		} else if (!entry_next(section, &b, &entry)) {
			frames->stats->fdes_damaged += want & WANT_FDES ? 1 : 0;
			break;
		} else if (entry.is_cie) {
			code = want & WANT_CIES ? cie_add(frames, index, offset_of(section, at))
						: 0;
		} else if (want & WANT_FDES) {
			cie = cie_find(frames, first_cie, entry.cie_at, &guess);
			if (cie)
				code = fde_add(frames, elf, index, cie, &entry.body);
			else
				frames->stats->fdes_damaged++;
		}
	}
	if (want & WANT_FDES && index != CFI_SECTION_CRT)
		frames->stats->section_bytes += (u64)(b.at - section->data);
	return code;
}

int cfi_frames_read(struct cfi_frames *frames, const struct ft_elf *elf, u32 index)
{
	size_t first_cie = frames->cie_count;
	int code;

	/* In .eh_frame CIEs come before what names them; in .debug_frame anywhere. */
	if (frames->sections[index].is_eh)
		return section_walk(frames, elf, index, WANT_CIES | WANT_FDES, first_cie);
	code = section_walk(frames, elf, index, WANT_CIES, first_cie);
	return code ? code : section_walk(frames, elf, index, WANT_FDES, first_cie);
}

/* ---- order ---- */

#define RADIX_BITS 11
#define RADIX (1u << RADIX_BITS)

/* One stable pass of a radix sort by the bits of start from shift on. */
static void radix_pass(const struct cfi_fde *from, struct cfi_fde *to, size_t count, u64 base,
		       unsigned int shift)
{
	size_t places[RADIX] = {0}, sum = 0;

	for (size_t i = 0; i < count; i++)
		places[(from[i].start - base) >> shift & (RADIX - 1)]++;
	for (size_t i = 0; i < RADIX; i++) {
		size_t here = places[i];

		places[i] = sum;
		sum += here;
	}
	for (size_t i = 0; i < count; i++)
		to[places[(from[i].start - base) >> shift & (RADIX - 1)]++] = from[i];
}

int cfi_frames_sort(struct cfi_frames *frames, size_t first)
{
	struct cfi_fde *fdes, *spare;
	size_t count = frames->fde_count - first;
	u64 base = UINT64_MAX, range = 0;
	bool is_sorted = true;

	if (count < 2)
		return 0;
	fdes = frames->fdes + first;
	for (size_t i = 0; i < count; i++) {
		is_sorted &= !i || fdes[i - 1].start <= fdes[i].start;
		base = fdes[i].start < base ? fdes[i].start : base;
		range = fdes[i].start > range ? fdes[i].start : range;
	}
	if (is_sorted)
		return 0;
	range -= base;
	spare = ft_try_alloc_large(count * sizeof(*spare)); /* no more than there are already */
	if (!spare)
		return -ENOMEM;
	for (unsigned int shift = 0; shift < 64 && range >> shift; shift += 2 * RADIX_BITS) {
		radix_pass(fdes, spare, count, base, shift);
		if (shift + RADIX_BITS < 64)
			radix_pass(spare, fdes, count, base, shift + RADIX_BITS);
		else
			memcpy(fdes, spare, count * sizeof(*fdes));
	}
	free(spare);
	return 0;
}

void cfi_frames_fini(struct cfi_frames *frames)
{
	for (size_t i = 0; i < CFI_SECTION_COUNT; i++)
		free(frames->sections[i].data);
	free(frames->cies);
	free(frames->fdes);
}

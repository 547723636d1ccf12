/*
 * sdt.c - see sdt.h.
 *
 * The notes are in the section .note.stapsdt: address of the probe, address that the section
 * .stapsdt.base had when the file was linked, address of the semaphore, then three strings. A file
 * may have been moved since (prelink adjusts sections, but not what is in notes): the difference
 * between the base that the note tells and the section's address is added to the others.
 *
 * Format: SystemTap wiki, UserSpaceProbeImplementation; includes/sys/sdt.h of SystemTap.
 */
#include "base/sdt.h"

#include <elf.h>
#include <string.h>

#define NOTE_NAME "stapsdt"
#define NOTE_TYPE 3
#define DESC_BYTES_MAX (3 * 8 + 2 * FT_SDT_NAME_MAX + FT_SDT_ARGUMENTS_MAX)

/* Takes the next string of a note; false when it does not end, or not in time. */
static bool take_string(const u8 **at, const u8 *end, char *out, size_t size)
{
	size_t len = strnlen((const char *)*at, (size_t)(end - *at));

	if (len == (size_t)(end - *at) || len >= size)
		return false;
	memcpy(out, *at, len + 1);
	*at += len + 1;
	return true;
}

static u64 take_addr(const struct ft_elf *elf, const u8 **at)
{
	u64 addr = 0;
	u32 narrow;

	if (elf->is64) {
		memcpy(&addr, *at, sizeof(addr));
		*at += sizeof(addr);
	} else {
		memcpy(&narrow, *at, sizeof(narrow));
		*at += sizeof(narrow);
		addr = narrow;
	}
	return addr;
}

/* Whether the descriptor of a note makes sense, and what it says. */
static bool decode(struct ft_elf *elf, const struct ft_elf_section *base, const u8 *desc,
		   size_t bytes, struct ft_sdt_probe *probe)
{
	const u8 *at = desc, *end = desc + bytes;
	u64 base_then, moved;

	if (bytes < (elf->is64 ? 24 : 12))
		return false;
	probe->addr = take_addr(elf, &at);
	base_then = take_addr(elf, &at);
	probe->semaphore_addr = take_addr(elf, &at);
	if (!take_string(&at, end, probe->provider, sizeof(probe->provider)) ||
	    !take_string(&at, end, probe->name, sizeof(probe->name)) ||
	    !take_string(&at, end, probe->arguments, sizeof(probe->arguments)))
		return false;
	moved = base && base_then ? base->addr - base_then : 0;
	probe->addr += moved;
	if (probe->semaphore_addr)
		probe->semaphore_addr += moved;
	if (!elf->is64) {
		probe->addr = (u32)probe->addr;
		probe->semaphore_addr = (u32)probe->semaphore_addr;
	}
	probe->semaphore_offset = 0;
	return probe->provider[0] && probe->name[0] &&
	       ft_elf_offset_of_addr(elf, probe->addr, &probe->offset) &&
	       (!probe->semaphore_addr ||
		ft_elf_offset_of_addr(elf, probe->semaphore_addr, &probe->semaphore_offset));
}

/* One note; *at goes to the next. False when there is none. */
static bool next_note(struct ft_elf *elf, u64 *at, u64 end, Elf64_Nhdr *note, u64 *desc)
{
	u64 bytes;

	if (*at > end || end - *at < sizeof(*note) ||
	    ft_elf_read_small(elf, *at, note, sizeof(*note)))
		return false;
	/* Both parts are padded to words, whatever the class of the file; the last need not be. */
	bytes = sizeof(*note) + (((u64)note->n_namesz + 3) & ~UINT64_C(3));
	*desc = *at + bytes;
	bytes += note->n_descsz;
	if (bytes > end - *at)
		return false;
	*at += (bytes + 3) & ~UINT64_C(3);
	return true;
}

int ft_sdt_walk(struct ft_elf *elf, ft_sdt_fn fn, void *context)
{
	const struct ft_elf_section *notes = ft_elf_section(elf, SHT_NOTE, ".note.stapsdt");
	const struct ft_elf_section *base = ft_elf_section(elf, SHT_PROGBITS, ".stapsdt.base");
	u8 desc[DESC_BYTES_MAX];
	struct ft_sdt_probe probe;
	Elf64_Nhdr note; /* the same for both classes */
	u64 at, end, desc_at;
	int code = 0;

	if (!notes || notes->offset > elf->bytes)
		return 0;
	at = notes->offset;
	end = notes->bytes < elf->bytes - at ? at + notes->bytes : elf->bytes;
	for (u32 i = 0; !code && i < FT_SDT_PROBES_MAX; i++) {
		char name[sizeof(NOTE_NAME)];

		if (!next_note(elf, &at, end, &note, &desc_at))
			return 0;
		if (note.n_type != NOTE_TYPE || note.n_namesz != sizeof(name) ||
		    note.n_descsz > sizeof(desc) ||
		    ft_elf_read_small(elf, desc_at - sizeof(name), name, sizeof(name)) ||
		    memcmp(name, NOTE_NAME, sizeof(name)) ||
		    ft_elf_read_small(elf, desc_at, desc, note.n_descsz))
			continue;
		if (decode(elf, base, desc, note.n_descsz, &probe))
			code = fn(context, &probe);
	}
	return code;
}

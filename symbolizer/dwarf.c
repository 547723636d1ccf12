/*
 * dwarf.c - see dwarf.h.
 *
 * On opening only the units' own ranges are read. They say which unit holds an address; the unit is
 * read when it is hit (dwarf_unit.c).
 *
 * libdw maps the file, so that memory grows with what is looked at. Whoever owns the file may
 * truncate it: base/fault.h. What was read then is not believed, and nothing more is read.
 */
#include "symbolizer/dwarf.h"

#include <dwarf.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "symbolizer/dwarf_unit.h"

#define UNITS_MAX (4u << 20)
#define RANGES_MAX (64u << 20)
#define TOUCHED_MAX (32u << 20)

struct ft_dwarf {
	struct dwarf_image image; /* of a file that libdw cannot read as it is */
	Elf *elf;
	Dwarf *dwarf;
	Elf *alt_elf; /* dwz's supplementary file, if it was given; or NULL */
	Dwarf *alt;
	struct dwarf_common common;
	bool damaged;
	u64 touched; /* bytes of units that were read since their pages were last let go of */
	struct dwarf_unit *units;
	size_t unit_cap;
	u32 unit_count;
	struct ft_segment *segments; /* owners are indices of units */
	u32 segment_count;
};

struct pieces {
	struct ft_piece *list;
	size_t cap;
	u32 count;
};

static int pieces_add(struct pieces *pieces, const struct ft_dwarf *dw, u64 low, u64 high, u32 unit)
{
	if (low >= high || low < dw->common.text_low || high > dw->common.text_high ||
	    pieces->count == RANGES_MAX)
		return 0;
	if (FT_GROW_RAW(&pieces->list, &pieces->cap, (size_t)pieces->count + 1))
		return -ENOMEM;
	pieces->list[pieces->count++] = (struct ft_piece){low, high, 0, unit};
	return 0;
}

static void find_text(struct ft_dwarf *dw, const struct ft_elf *code)
{
	dw->common.text_low = UINT64_MAX;
	for (u32 i = 0; i < code->segment_count; i++) {
		const struct ft_elf_segment *s = &code->segments[i];
		u64 end;

		if (s->type != PT_LOAD || !(s->flags & PF_X) ||
		    __builtin_add_overflow(s->addr, s->file_bytes, &end))
			continue;
		if (s->addr < dw->common.text_low)
			dw->common.text_low = s->addr;
		if (end > dw->common.text_high)
			dw->common.text_high = end;
	}
}

/* Adds the units with their ranges. *bare: some unit does not say where its code is. */
static int units_collect(struct ft_dwarf *dw, struct pieces *pieces, bool *bare)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die die;
	int code = 0, more = 0;

	while (!code && dw->unit_count < UNITS_MAX &&
	       !(more = dwarf_get_units(dw->dwarf, cu, &cu, NULL, NULL, &die, NULL))) {
		Dwarf_Addr base = 0, low, high;
		ptrdiff_t at = 0;
		u32 unit = dw->unit_count, before = pieces->count;

		if (FT_GROW(&dw->units, &dw->unit_cap, (size_t)unit + 1))
			return -ENOMEM;
		dw->units[dw->unit_count++].die = die;
		dw->common.senseless |= dwarf_tag(&die) == DW_TAG_invalid;
		while (!code && (at = dwarf_ranges(&die, at, &base, &low, &high)) > 0 &&
		       pieces->count < RANGES_MAX)
			code = pieces_add(pieces, dw, low, high, unit);
		*bare |= at <= 0 && pieces->count == before;
	}
	dw->common.senseless |= more < 0;
	return code;
}

static int unit_compare(const void *key, const void *element)
{
	const Dwarf_Off *offset = key;
	struct dwarf_unit *unit = (struct dwarf_unit *)element;
	Dwarf_Off own = dwarf_dieoffset(&unit->die);

	return *offset < own ? -1 : *offset > own;
}

/* For units that do not say where their code is: .debug_aranges may. */
static int aranges_collect(struct ft_dwarf *dw, struct pieces *pieces)
{
	Dwarf_Aranges *aranges;
	size_t count;
	int code = 0;

	if (dwarf_getaranges(dw->dwarf, &aranges, &count))
		return 0;
	for (size_t i = 0; !code && i < count; i++) {
		const struct dwarf_unit *unit;
		Dwarf_Addr start;
		Dwarf_Word bytes;
		Dwarf_Off offset;

		if (dwarf_getarangeinfo(dwarf_onearange(aranges, i), &start, &bytes, &offset))
			continue;
		unit = bsearch(&offset, dw->units, dw->unit_count, sizeof(*dw->units),
			       unit_compare);
		if (unit && bytes <= UINT64_MAX - start)
			code = pieces_add(pieces, dw, start, start + bytes,
					  (u32)(unit - dw->units));
	}
	return code;
}

static int index_units(struct ft_dwarf *dw)
{
	struct pieces pieces = {.list = NULL};
	bool bare = false;
	int code = units_collect(dw, &pieces, &bare);

	if (!code && bare)
		code = aranges_collect(dw, &pieces);
	if (!code)
		code = ft_pieces_flatten(pieces.list, pieces.count, &dw->segments,
					 &dw->segment_count);
	free(pieces.list);
	if (!code && !dw->segment_count)
		code = dw->unit_count && !dw->common.senseless ? -ENODATA : -ENOEXEC;
	return code;
}

/* As it is, or as an image. 0, -ENODATA, -ENOEXEC or -ENOMEM. */
static int open_file(struct ft_dwarf *dw, const struct ft_dwarf_files *files)
{
	int code = dwarf_image_unpack(&dw->image, files->fd, files->elf);

	if (!code) {
		dw->dwarf = dw->image.dwarf;
		return 0;
	}
	if (code != -ENOENT)
		return code;
	elf_version(EV_CURRENT);
	dw->elf = elf_begin(files->fd, ELF_C_READ_MMAP, NULL);
	dw->dwarf = dw->elf ? dwarf_begin_elf(dw->elf, DWARF_C_READ, NULL) : NULL;
	return dw->dwarf ? 0 : -ENOEXEC;
}

/* Gives libdw the supplementary file. One that it cannot read is left out. */
static void open_alt(struct ft_dwarf *dw, int fd)
{
	if (fd < 0)
		return;
	dw->alt_elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	dw->alt = dw->alt_elf ? dwarf_begin_elf(dw->alt_elf, DWARF_C_READ, NULL) : NULL;
	if (dw->alt)
		dwarf_setalt(dw->dwarf, dw->alt);
}

int ft_dwarf_open(const struct ft_dwarf_files *files, const struct ft_elf *code,
		  struct ft_dwarf **dwarf)
{
	struct ft_dwarf *dw = ft_try_alloc(1, sizeof(*dw));
	int result;

	if (!dw)
		return -ENOMEM;
	find_text(dw, code);
	dw->common.elsewhere.open_unit = files->open_unit;
	dw->common.elsewhere.context = files->context;
	ft_fault_enter();
	result = open_file(dw, files);
	if (!result) {
		open_alt(dw, files->alt_fd);
		dwarf_line_data_find(dw->dwarf, &dw->common.lines);
	}
	if (!result && files->package_fd >= 0 &&
	    dwarf_package_open(files->package_fd, &dw->common.elsewhere.package) == -ENOMEM)
		result = -ENOMEM;
	if (!result)
		result = index_units(dw);
	dw->damaged = ft_fault_leave();
	if (result == -ENOMEM || (result && !dw->damaged)) {
		ft_dwarf_close(dw);
		return result;
	}
	*dwarf = dw;
	return 0;
}

bool ft_dwarf_damaged(const struct ft_dwarf *dwarf)
{
	return dwarf->damaged;
}

bool ft_dwarf_senseless(const struct ft_dwarf *dwarf)
{
	return dwarf->common.senseless;
}

void ft_dwarf_close(struct ft_dwarf *dwarf)
{
	if (!dwarf)
		return;
	for (u32 i = 0; i < dwarf->unit_count; i++)
		dwarf_unit_fini(&dwarf->units[i]);
	free(dwarf->units);
	free(dwarf->segments);
	if (dwarf->dwarf != dwarf->image.dwarf)
		dwarf_end(dwarf->dwarf);
	elf_end(dwarf->elf);
	dwarf_end(dwarf->alt);
	elf_end(dwarf->alt_elf);
	dwarf_image_fini(&dwarf->image);
	dwarf_package_close(dwarf->common.elsewhere.package);
	free(dwarf);
}

/*
 * Lets go of the file's pages after every so many bytes of units: what is read of a unit stays in
 * our tables, the rest comes back from the page cache. libelf maps files; memory that it might have
 * read a file into instead, of that size, would not begin with a page (glibc's malloc).
 */
static void pages_drop(struct ft_dwarf *dw, u32 unit)
{
	u64 begin = dwarf_dieoffset(&dw->units[unit].die), end = begin;
	size_t bytes;
	char *map;

	if (unit + 1 < dw->unit_count)
		end = dwarf_dieoffset(&dw->units[unit + 1].die);
	dw->touched += end > begin ? end - begin : 0;
	if (dw->touched < TOUCHED_MAX || !dw->elf)
		return;
	dw->touched = 0;
	map = elf_rawfile(dw->elf, &bytes);
	if (map && bytes >= TOUCHED_MAX && !((uintptr_t)map & 4095))
		madvise(map, bytes, MADV_DONTNEED);
}

/* The unit of an address, read. NULL: there is none, or memory is exhausted (*code). */
static struct dwarf_unit *unit_at(struct ft_dwarf *dw, u64 addr, int *code)
{
	u32 id = ft_segments_find(dw->segments, dw->segment_count, addr);
	bool fresh;

	*code = 0;
	if (id == FT_PIECE_NONE)
		return NULL;
	fresh = !dw->units[id].is_read;
	*code = dwarf_unit_read(&dw->units[id], &dw->common);
	if (fresh)
		pages_drop(dw, id);
	return *code ? NULL : &dw->units[id];
}

int ft_dwarf_find(struct ft_dwarf *dwarf, u64 addr,
		  struct ft_dwarf_frame frames[FT_DWARF_FRAMES_MAX])
{
	struct dwarf_unit *unit;
	int result;

	if (dwarf->damaged)
		return 0;
	ft_fault_enter();
	unit = unit_at(dwarf, addr, &result);
	if (unit)
		result = (int)dwarf_unit_find(unit, addr, frames);
	dwarf->damaged = ft_fault_leave();
	return dwarf->damaged && result > 0 ? 0 : result;
}

bool ft_dwarf_variables(struct ft_dwarf *dwarf, u64 addr, u32 depth,
			const struct ft_machine *machine, ft_variable_fn fn, void *context)
{
	struct dwarf_unit *unit;
	bool found;
	int code;

	if (dwarf->damaged)
		return false;
	ft_fault_enter();
	unit = unit_at(dwarf, addr, &code);
	found = unit && dwarf_unit_variables(unit, addr, depth, machine, fn, context);
	dwarf->damaged = ft_fault_leave();
	return found;
}

bool ft_dwarf_call_value(struct ft_dwarf *dwarf, u64 addr, u32 reg,
			 const struct ft_machine *machine, const char **callee, u64 *value)
{
	struct dwarf_unit *unit;
	bool found;
	int code;

	if (dwarf->damaged)
		return false;
	ft_fault_enter();
	unit = unit_at(dwarf, addr, &code);
	found = unit && dwarf_unit_call_value(unit, addr, reg, machine, callee, value);
	dwarf->damaged = ft_fault_leave();
	return found;
}

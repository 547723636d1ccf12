/*
 * dwarf_package.c - see dwarf_package.h.
 *
 * The index of a package leads from a unit's id to its part of every section. libdw (elfutils
 * 0.188) knows only split units in files of their own, which it opens itself. So a unit becomes an
 * image (dwarf_image.h) in which it is not split: the parts, under the names that sections have
 * there, and the addresses of its skeleton. The unit's first DIE must then have the skeleton's
 * DW_AT_low_pc, and no DIE may move, since others refer to it by its offset. The place for it is
 * the unit's id: eight bytes in the header (DWARF 5), or an attribute (DWARF 4).
 *
 * A second unit, which is split, lets libdw find the table of files: without its skeleton it looks
 * at the beginning of .debug_line.
 */
#include "symbolizer/dwarf_package.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

#define UNITS_MAX (4u << 20)
#define COLUMNS_MAX 16
#define INFO_BYTES_MAX (1u << 30)
#define COPY_BYTES_MAX (1u << 20) /* of what has no end of its own: DWARF 4 */
#define FILES_CODE 0x3FFFFFu	  /* abbreviation of the second unit: no compiler counts so far */
#define SPLIT_HEADER_BYTES 20u	  /* of a DWARF 5 unit with an id */
#define PLAIN_HEADER_BYTES 12u	  /* of one without */
#define OLD_HEADER_BYTES 11u	  /* DWARF 4 */

/* What a column of the index is about. */
enum part { INFO, ABBREV, LINE, STR_OFFSETS, LOCS, RANGES, PART_COUNT };

struct extent {
	u64 offset, bytes;
};

struct dwarf_package {
	int fd;	     /* borrowed, or copy_fd */
	int copy_fd; /* of one without compressed sections; -1: there are none; owned */
	struct ft_elf *elf;
	const struct ft_elf_section *index;
	const struct ft_elf_section *sections[PART_COUNT], *strings;
	u32 version, columns, units, slots;
	u8 parts[COLUMNS_MAX]; /* enum part, or PART_COUNT */
};

/* ---- index ---- */

static enum part part_of(u32 version, u32 id)
{
	switch (id) {
	case 1:
		return INFO;
	case 3:
		return ABBREV;
	case 4:
		return LINE;
	case 5:
		return LOCS;
	case 6:
		return STR_OFFSETS;
	case 8: /* DW_SECT_RNGLISTS; in version 2 DW_SECT_MACRO */
		return version == 5 ? RANGES : PART_COUNT;
	default:
		return PART_COUNT;
	}
}

static bool read_word(struct dwarf_package *p, u64 at, void *word, size_t bytes)
{
	return at <= p->index->bytes && bytes <= p->index->bytes - at &&
	       !ft_elf_read_small(p->elf, p->index->offset + at, word, bytes);
}

/* Where the tables of the index begin: ids, numbers of rows, columns' names, offsets, sizes. */
static u64 slots_at(void)
{
	return 16;
}

static u64 rows_at(const struct dwarf_package *p)
{
	return slots_at() + 8ull * p->slots;
}

static u64 columns_at(const struct dwarf_package *p)
{
	return rows_at(p) + 4ull * p->slots;
}

static u64 cell_at(const struct dwarf_package *p, u32 table, u32 row, u32 column)
{
	return columns_at(p) + 4ull * p->columns * (1 + (u64)table * p->units + row) +
	       4ull * column;
}

static int index_open(struct dwarf_package *p)
{
	u32 head[4];

	if (!p->index || !read_word(p, 0, head, sizeof(head)))
		return -ENODATA;
	/* Version 5 has 16 bits and padding. */
	p->version = head[0] & 0xFFFF;
	p->columns = head[1];
	p->units = head[2];
	p->slots = head[3];
	if ((p->version != 2 && p->version != 5) || !p->columns || p->columns > COLUMNS_MAX ||
	    p->units > UNITS_MAX || !p->slots || p->slots > 4 * UNITS_MAX ||
	    (p->slots & (p->slots - 1)))
		return -ENODATA;
	for (u32 i = 0; i < p->columns; i++) {
		u32 id;

		if (!read_word(p, columns_at(p) + 4ull * i, &id, sizeof(id)))
			return -ENODATA;
		p->parts[i] = (u8)part_of(p->version, id);
	}
	return 0;
}

/* The row of a unit, counted from 0. False: it is not there. */
static bool index_find(struct dwarf_package *p, u64 id, u32 *row)
{
	u32 mask = p->slots - 1, slot = (u32)id & mask, step = ((u32)(id >> 32) & mask) | 1;

	for (u32 tries = 0; tries <= mask; tries++, slot = (slot + step) & mask) {
		u64 found;
		u32 number;

		if (!read_word(p, slots_at() + 8ull * slot, &found, sizeof(found)) ||
		    !read_word(p, rows_at(p) + 4ull * slot, &number, sizeof(number)) || !number)
			return false;
		if (found == id) {
			*row = number - 1;
			return *row < p->units;
		}
	}
	return false;
}

/* A unit's parts as extents in the file. False: damaged. */
static bool row_read(struct dwarf_package *p, u32 row, struct extent parts[PART_COUNT])
{
	for (u32 i = 0; i < p->columns; i++) {
		const struct ft_elf_section *section;
		u32 offset, bytes;

		if (p->parts[i] == PART_COUNT)
			continue;
		section = p->sections[p->parts[i]];
		if (!read_word(p, cell_at(p, 0, row, i), &offset, sizeof(offset)) ||
		    !read_word(p, cell_at(p, 1, row, i), &bytes, sizeof(bytes)))
			return false;
		if (!section)
			continue;
		if (offset > section->bytes || bytes > section->bytes - offset ||
		    section->offset > p->elf->bytes ||
		    section->bytes > p->elf->bytes - section->offset)
			return false;
		parts[p->parts[i]] = (struct extent){section->offset + offset, bytes};
	}
	return parts[INFO].bytes && parts[INFO].bytes < INFO_BYTES_MAX && parts[ABBREV].bytes &&
	       parts[ABBREV].bytes < INFO_BYTES_MAX;
}

static void sections_find(struct dwarf_package *p)
{
	static const char *const names[PART_COUNT][2] = {
		[INFO] = {".debug_info.dwo"},
		[ABBREV] = {".debug_abbrev.dwo"},
		[LINE] = {".debug_line.dwo"},
		[STR_OFFSETS] = {".debug_str_offsets.dwo"},
		[LOCS] = {".debug_loclists.dwo", ".debug_loc.dwo"},
		[RANGES] = {".debug_rnglists.dwo"},
	};
	p->index = ft_elf_section(p->elf, SHT_PROGBITS, ".debug_cu_index");
	p->strings = ft_elf_section(p->elf, SHT_PROGBITS, ".debug_str.dwo");
	for (int i = 0; i < PART_COUNT; i++)
		for (int j = 0; j < 2 && names[i][j] && !p->sections[i]; j++)
			p->sections[i] = ft_elf_section(p->elf, SHT_PROGBITS, names[i][j]);
}

static void file_close(struct dwarf_package *p)
{
	ft_elf_close(p->elf);
	if (p->copy_fd >= 0)
		close(p->copy_fd);
}

/* Opens a file, or a copy if it has compressed sections. */
static int file_open(struct dwarf_package *p, int fd)
{
	int code = ft_elf_open(fd, &p->elf);

	p->fd = fd;
	p->copy_fd = -1;
	if (code)
		return code;
	code = dwarf_unpack(p->elf, &p->copy_fd);
	if (code == -ENOENT)
		return 0;
	ft_elf_close(p->elf);
	p->elf = NULL;
	if (code)
		return code;
	p->fd = p->copy_fd;
	return ft_elf_open(p->fd, &p->elf);
}

int dwarf_package_open(int fd, struct dwarf_package **package)
{
	struct dwarf_package *p = ft_try_alloc(1, sizeof(*p));
	int code = p ? file_open(p, fd) : -ENOMEM;

	if (!code) {
		sections_find(p);
		code = index_open(p);
	}
	if (code) {
		dwarf_package_close(p);
		return code == -ENOMEM ? code : -ENODATA;
	}
	*package = p;
	return 0;
}

void dwarf_package_close(struct dwarf_package *package)
{
	if (package)
		file_close(package);
	free(package);
}

/* ---- rewriting the first DIE ---- */

struct bytes {
	const u8 *at, *end;
	bool bad;
};

static u64 uleb(struct bytes *b)
{
	u64 value = 0;

	for (u32 shift = 0; b->at < b->end; shift += 7) {
		u8 byte = *b->at++;

		if (shift < 64)
			value |= (u64)(byte & 0x7F) << shift;
		if (!(byte & 0x80))
			return value;
	}
	b->bad = true;
	return 0;
}

static void skip(struct bytes *b, u64 bytes)
{
	if (bytes > (u64)(b->end - b->at))
		b->bad = true;
	else
		b->at += bytes;
}

static u8 *put_uleb(u8 *at, u64 value)
{
	do {
		*at++ = (u8)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
		value >>= 7;
	} while (value);
	return at;
}

/* Steps over an attribute's value, of the forms that a split unit's first DIE has. */
static void skip_form(struct bytes *b, u64 form)
{
	switch (form) {
	case DW_FORM_data1:
	case DW_FORM_flag:
	case DW_FORM_strx1:
	case DW_FORM_addrx1:
		skip(b, 1);
		return;
	case DW_FORM_data2:
	case DW_FORM_strx2:
	case DW_FORM_addrx2:
		skip(b, 2);
		return;
	case DW_FORM_data4:
	case DW_FORM_strx4:
	case DW_FORM_addrx4:
	case DW_FORM_sec_offset:
	case DW_FORM_strp:
	case DW_FORM_line_strp:
		skip(b, 4);
		return;
	case DW_FORM_data8:
	case DW_FORM_addr:
		skip(b, 8);
		return;
	case DW_FORM_udata:
	case DW_FORM_sdata:
	case DW_FORM_strx:
	case DW_FORM_addrx:
	case DW_FORM_GNU_str_index:
	case DW_FORM_GNU_addr_index:
		uleb(b);
		return;
	case DW_FORM_string:
		while (b->at < b->end && *b->at)
			b->at++;
		skip(b, 1);
		return;
	case DW_FORM_flag_present:
	case DW_FORM_implicit_const:
		return;
	default:
		b->bad = true;
	}
}

/* An abbreviation: [start, end) with its code, its specifications from specs on. */
struct abbrev {
	const u8 *start, *specs, *end;
	u64 tag;
	u8 children;
};

static bool abbrev_find(const u8 *table, u64 bytes, u64 wanted, struct abbrev *found)
{
	struct bytes b = {.at = table, .end = table + bytes};

	while (!b.bad) {
		const u8 *start = b.at;
		u64 code = uleb(&b), name, form;

		if (!code)
			return false;
		*found = (struct abbrev){.start = start, .tag = uleb(&b)};
		found->children = b.at < b.end ? *b.at : 0;
		skip(&b, 1);
		found->specs = b.at;
		do {
			name = uleb(&b);
			form = uleb(&b);
			if (form == DW_FORM_implicit_const)
				uleb(&b);
		} while (!b.bad && (name || form));
		found->end = b.at;
		if (code == wanted)
			return !b.bad;
	}
	return false;
}

/* A unit that is made anew. */
struct rewrite {
	const u8 *info, *abbrevs; /* as they are in the package */
	u64 info_bytes, abbrev_bytes;
	u64 low_pc, id;
	u16 version;
	u8 *out, *abbrevs_out;
	u64 out_bytes, abbrevs_out_bytes;
};

/*
 * DWARF 4: the value of DW_AT_GNU_dwo_id becomes that of DW_AT_low_pc. DWARF 5: low_pc comes first.
 * Writes the abbreviation and, into the copied unit, the value. False: damaged.
 */
static bool rewrite_specs(struct rewrite *r, const struct abbrev *abbrev, u8 *value, u8 **to)
{
	struct bytes specs = {.at = abbrev->specs, .end = abbrev->end};
	struct bytes die = {.at = value, .end = r->out + r->info_bytes};
	bool done = r->version >= 5;

	if (done) {
		*to = put_uleb(*to, DW_AT_low_pc);
		*to = put_uleb(*to, DW_FORM_addr);
	}
	while (!specs.bad && !die.bad) {
		u64 name = uleb(&specs), form = uleb(&specs);

		if (name == DW_AT_GNU_dwo_id && form == DW_FORM_data8 && !done &&
		    die.end - die.at >= 8 && !memcmp(die.at, &r->id, sizeof(r->id))) {
			memcpy(r->out + (die.at - r->out), &r->low_pc, sizeof(r->low_pc));
			name = DW_AT_low_pc;
			form = DW_FORM_addr;
			done = true;
		}
		*to = put_uleb(*to, name);
		*to = put_uleb(*to, form);
		if (!name && !form)
			return done;
		if (form == DW_FORM_implicit_const) {
			const u8 *constant = specs.at;

			uleb(&specs);
			memcpy(*to, constant, (size_t)(specs.at - constant));
			*to += specs.at - constant;
		} else if (r->version < 5) {
			skip_form(&die, form);
		}
	}
	return false;
}

/* The second unit, behind the first: a header and a first DIE that say which unit this is of. */
static void write_files_unit(struct rewrite *r)
{
	u8 *start = r->out + r->info_bytes, *at = start + 4;
	const u16 version = r->version;

	memcpy(at, &version, sizeof(version));
	at += 2;
	if (version >= 5) {
		*at++ = DW_UT_split_compile;
		*at++ = 8;
		at += 4; /* abbreviations from 0 */
		memcpy(at, &r->id, sizeof(r->id));
		at = put_uleb(at + 8, FILES_CODE);
	} else {
		at += 4;
		*at++ = 8;
		at = put_uleb(at, FILES_CODE);
		memcpy(at, &r->id, sizeof(r->id));
		at += 8;
	}
	r->out_bytes = (u64)(at - r->out);
	memcpy(start, &(u32){(u32)(at - start - 4)}, 4);
}

static u8 *write_files_abbrev(const struct rewrite *r, u8 *to)
{
	to = put_uleb(to, FILES_CODE);
	to = put_uleb(to, DW_TAG_compile_unit);
	*to++ = 0;
	if (r->version < 5) {
		to = put_uleb(to, DW_AT_GNU_dwo_id);
		to = put_uleb(to, DW_FORM_data8);
	}
	*to++ = 0;
	*to++ = 0;
	return to;
}

#define REWRITE_ROOM 64 /* bytes more than there were, of either section */

/* Fills in out and abbrevs_out, which have room. False: damaged, or not as compilers write it. */
static bool rewrite(struct rewrite *r)
{
	u32 header = r->version >= 5 ? SPLIT_HEADER_BYTES : OLD_HEADER_BYTES;
	struct bytes die = {.at = r->info + header, .end = r->info + r->info_bytes};
	struct abbrev abbrev;
	u8 *to = r->abbrevs_out, *value;
	u32 length;
	u64 code;

	memcpy(&length, r->info, sizeof(length));
	code = uleb(&die);
	if (length != r->info_bytes - 4 || die.bad || !code || code == FILES_CODE ||
	    !abbrev_find(r->abbrevs, r->abbrev_bytes, code, &abbrev))
		return false;
	memcpy(r->out, r->info, r->info_bytes);
	value = r->out + (die.at - r->info);
	if (r->version >= 5) {
		r->out[6] = DW_UT_compile;
		memset(r->out + 8, 0, 4);
		memcpy(put_uleb(r->out + PLAIN_HEADER_BYTES, code), &r->low_pc, 8);
	} else {
		memset(r->out + 6, 0, 4);
	}
	to = put_uleb(to, code);
	to = put_uleb(to, abbrev.tag);
	*to++ = abbrev.children;
	if (!rewrite_specs(r, &abbrev, value, &to))
		return false;
	to = write_files_abbrev(r, to);
	/* All others, in their order. */
	memcpy(to, r->abbrevs, (size_t)(abbrev.start - r->abbrevs));
	to += abbrev.start - r->abbrevs;
	memcpy(to, abbrev.end, (size_t)(r->abbrevs + r->abbrev_bytes - abbrev.end));
	to += r->abbrevs + r->abbrev_bytes - abbrev.end;
	r->abbrevs_out_bytes = (u64)(to - r->abbrevs_out);
	write_files_unit(r);
	return true;
}

/* ---- a unit ---- */

/* A section of the skeleton's file, as libdw has it: unpacked. */
static const Elf_Data *skeleton_section(Dwarf_Die *skeleton, const char *name)
{
	Elf *elf = dwarf_getelf(dwarf_cu_getdwarf(skeleton->cu));
	Elf_Scn *section = NULL;
	size_t names;

	if (!elf || elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		Elf64_Shdr *header = elf64_getshdr(section);
		const char *own = header ? elf_strptr(elf, names, header->sh_name) : NULL;

		if (own && !strcmp(own, name))
			return elf_getdata(section, NULL);
	}
	return NULL;
}

static u64 skeleton_number(Dwarf_Die *skeleton, unsigned int name, unsigned int other)
{
	Dwarf_Attribute attr;
	Dwarf_Word value;

	if ((!dwarf_attr(skeleton, name, &attr) && !dwarf_attr(skeleton, other, &attr)) ||
	    dwarf_formudata(&attr, &value))
		return 0;
	return value;
}

/* A copy of what belongs to the skeleton's unit of one of its file's sections, from base on. */
static int add_skeleton_part(struct dwarf_image *image, Dwarf_Die *skeleton, const char *name,
			     u64 base, bool has_header)
{
	const Elf_Data *data = skeleton_section(skeleton, name);
	u64 bytes;
	u8 *copy;

	if (!data || !data->d_buf || base >= data->d_size)
		return 0;
	bytes = data->d_size - base < COPY_BYTES_MAX ? data->d_size - base : COPY_BYTES_MAX;
	if (has_header && base >= 8) {
		u32 length; /* counts from behind itself, four bytes before base */

		memcpy(&length, (const u8 *)data->d_buf + base - 8, sizeof(length));
		if (length >= 4 && length - 4 < bytes)
			bytes = length - 4;
	}
	copy = dwarf_image_take(image, bytes);
	if (!copy)
		return -ENODATA;
	memcpy(copy, (const u8 *)data->d_buf + base, bytes);
	return dwarf_image_section(image, name, 0, copy, bytes);
}

static int add_part(struct dwarf_image *image, const char *name, const struct extent *part)
{
	return part->bytes ? dwarf_image_section(image, name, 0, image->base + part->offset,
						 part->bytes)
			   : 0;
}

static int add_unit(struct dwarf_image *image, Dwarf_Die *skeleton, u64 id,
		    const struct extent parts[PART_COUNT])
{
	struct rewrite r = {
		.info = image->base + parts[INFO].offset,
		.info_bytes = parts[INFO].bytes,
		.abbrevs = image->base + parts[ABBREV].offset,
		.abbrev_bytes = parts[ABBREV].bytes,
		.id = id,
		.out = dwarf_image_take(image, parts[INFO].bytes + REWRITE_ROOM),
		.abbrevs_out = dwarf_image_take(image, parts[ABBREV].bytes + REWRITE_ROOM),
	};
	Dwarf_Addr low;
	int code;

	if (!r.out || !r.abbrevs_out || r.info_bytes < SPLIT_HEADER_BYTES + 1)
		return -ENODATA;
	memcpy(&r.version, r.info + 4, sizeof(r.version));
	if (!dwarf_lowpc(skeleton, &low))
		r.low_pc = low;
	if (r.version < 4 || r.version > 5 || r.info[r.version == 5 ? 7 : 10] != 8 || !rewrite(&r))
		return -ENODATA;
	code = dwarf_image_section(image, ".debug_info", 0, r.out, r.out_bytes);
	if (!code)
		code = dwarf_image_section(image, ".debug_abbrev", 0, r.abbrevs_out,
					   r.abbrevs_out_bytes);
	if (!code)
		code = add_skeleton_part(
			image, skeleton, ".debug_addr",
			skeleton_number(skeleton, DW_AT_addr_base, DW_AT_GNU_addr_base),
			r.version >= 5);
	if (!code && r.version < 5)
		code = add_skeleton_part(
			image, skeleton, ".debug_ranges",
			skeleton_number(skeleton, DW_AT_GNU_ranges_base, DW_AT_GNU_ranges_base),
			false);
	if (!code && r.version >= 5) {
		code = add_part(image, ".debug_rnglists", &parts[RANGES]);
		code = code ? code : add_part(image, ".debug_loclists", &parts[LOCS]);
	}
	code = code ? code : add_part(image, ".debug_line", &parts[LINE]);
	return code ? code : add_part(image, ".debug_str_offsets", &parts[STR_OFFSETS]);
}

/* The same of a file of its own: all there is, and the one unit of .debug_info. False: none. */
static bool file_parts(struct dwarf_package *p, u64 id, struct extent parts[PART_COUNT])
{
	const struct ft_elf_section *info = p->sections[INFO];
	u64 at = 0, unit_id;
	u32 length, abbrevs;
	u16 version;
	u8 type;

	for (int i = 0; i < PART_COUNT; i++) {
		const struct ft_elf_section *s = p->sections[i];

		if (s && s->offset <= p->elf->bytes && s->bytes <= p->elf->bytes - s->offset &&
		    !(s->flags & SHF_COMPRESSED))
			parts[i] = (struct extent){s->offset, s->bytes};
	}
	while (at + SPLIT_HEADER_BYTES < parts[INFO].bytes) {
		if (ft_elf_read_small(p->elf, info->offset + at, &length, 4) ||
		    ft_elf_read_small(p->elf, info->offset + at + 4, &version, 2) ||
		    ft_elf_read_small(p->elf, info->offset + at + 6, &type, 1) ||
		    ft_elf_read_small(p->elf, info->offset + at + (version >= 5 ? 8 : 6), &abbrevs,
				      4) ||
		    ft_elf_read_small(p->elf, info->offset + at + 12, &unit_id, 8) ||
		    length > parts[INFO].bytes - at - 4)
			return false;
		/* DWARF 4 has the id in the unit's first DIE, and one unit in a file. */
		if (version == 4 || (type == DW_UT_split_compile && unit_id == id))
			break;
		at += 4 + (u64)length;
	}
	if (at + SPLIT_HEADER_BYTES >= parts[INFO].bytes || abbrevs >= parts[ABBREV].bytes)
		return false;
	parts[INFO] = (struct extent){info->offset + at, 4 + (u64)length};
	parts[ABBREV].offset += abbrevs;
	parts[ABBREV].bytes -= abbrevs;
	return parts[INFO].bytes < INFO_BYTES_MAX && parts[ABBREV].bytes < INFO_BYTES_MAX;
}

static bool parts_find(struct dwarf_package *p, u64 id, struct extent parts[PART_COUNT])
{
	u32 row;

	if (!p->index)
		return file_parts(p, id, parts);
	return index_find(p, id, &row) && row_read(p, row, parts);
}

static int split_open(struct dwarf_package *p, Dwarf_Die *skeleton, u64 id,
		      struct dwarf_split *split)
{
	struct extent parts[PART_COUNT] = {{0}}, strings = {0};
	struct dwarf_image *image = &split->image;
	Dwarf_CU *cu = NULL;
	int code;

	if (!parts_find(p, id, parts))
		return -ENODATA;
	if (p->strings && p->strings->offset <= p->elf->bytes &&
	    p->strings->bytes <= p->elf->bytes - p->strings->offset)
		strings = (struct extent){p->strings->offset, p->strings->bytes};
	code = dwarf_image_init(image, p->fd, p->elf,
				parts[INFO].bytes + parts[ABBREV].bytes +
					2 * (COPY_BYTES_MAX + 16 + REWRITE_ROOM));
	if (!code)
		code = add_unit(image, skeleton, id, parts);
	if (!code)
		code = add_part(image, ".debug_str", &strings);
	if (!code)
		code = dwarf_image_open(image);
	if (code)
		return code;
	if (dwarf_get_units(image->dwarf, NULL, &cu, NULL, NULL, &split->unit, NULL) ||
	    dwarf_get_units(image->dwarf, cu, &cu, NULL, NULL, &split->files, NULL))
		return -ENODATA;
	split->has_files = parts[LINE].bytes;
	return 0;
}

int dwarf_package_unit(struct dwarf_package *package, Dwarf_Die *skeleton,
		       struct dwarf_split **split)
{
	struct dwarf_split *new;
	uint64_t id;
	int code;

	if (dwarf_cu_info(skeleton->cu, NULL, NULL, NULL, NULL, &id, NULL, NULL))
		return -ENODATA;
	new = ft_try_alloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	code = split_open(package, skeleton, id, new);
	if (code) {
		dwarf_image_fini(&new->image);
		free(new);
		return code;
	}
	*split = new;
	return 0;
}

int dwarf_package_file(int fd, Dwarf_Die *skeleton, struct dwarf_split **split)
{
	struct dwarf_package package = {.fd = -1};
	int code = file_open(&package, fd);

	if (!code) {
		sections_find(&package);
		code = package.index ? -ENODATA : dwarf_package_unit(&package, skeleton, split);
	}
	file_close(&package);
	return !code || code == -ENOMEM ? code : -ENODATA;
}

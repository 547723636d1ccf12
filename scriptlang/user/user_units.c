/*
 * user_units.c - see user_units.h.
 *
 * A unit can know a name if it mentions it (user_mentions.h), or if what it says is said elsewhere:
 * in another unit, by which link-time optimization and dwz save room, or in another file. Its
 * abbreviations tell whether it has such references.
 */
#include "scriptlang/user/user_units.h"

#include <dwarf.h>
#include <fnmatch.h>
#include <string.h>

#include "scriptlang/user/user_mentions.h"

#define FORM_FAR 1u	/* refers to other units or files */
#define FORM_INDEXED 2u /* has strings by number */

/* ---- bytes ---- */

/* What is left of a section; NULL when it has ended early. */
struct reader {
	const u8 *at, *end;
};

static u64 take_uleb(struct reader *r)
{
	u64 value = 0;

	for (u32 shift = 0; r->at && r->at < r->end; shift += 7) {
		u8 byte = *r->at++;

		if (shift < 64)
			value |= (u64)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	r->at = NULL;
	return 0;
}

static const u8 *take(struct reader *r, u64 bytes)
{
	const u8 *at = r->at;

	if (!at || bytes > (u64)(r->end - at)) {
		r->at = NULL;
		return NULL;
	}
	r->at += bytes;
	return at;
}

static u64 take_number(struct reader *r, u32 bytes)
{
	const u8 *at = take(r, bytes);
	u64 value = 0;

	if (at)
		memcpy(&value, at, bytes);
	return value;
}

static const char *take_text(struct reader *r)
{
	const u8 *at = r->at, *nul = at ? memchr(at, 0, (size_t)(r->end - at)) : NULL;

	r->at = nul ? nul + 1 : NULL;
	return nul ? (const char *)at : NULL;
}

/* A section of debug information. */
static struct reader section_reader(Dwarf *dwarf, const char *name)
{
	struct reader r;
	size_t bytes;

	r.at = ft_user_section(dwarf, name, &bytes);
	r.end = r.at ? r.at + bytes : NULL;
	return r;
}

/* ---- which units ---- */

static u32 form_of(u64 form)
{
	switch (form) {
	case DW_FORM_ref_addr:
	case DW_FORM_ref_sig8:
	case DW_FORM_ref_sup4:
	case DW_FORM_ref_sup8:
	case DW_FORM_GNU_ref_alt:
	case DW_FORM_indirect:
		return FORM_FAR;
	case DW_FORM_strx:
	case DW_FORM_strx1:
	case DW_FORM_strx2:
	case DW_FORM_strx3:
	case DW_FORM_strx4:
	case DW_FORM_GNU_str_index:
		return FORM_INDEXED;
	default:
		return 0;
	}
}

/* The forms in a table of abbreviations (DWARF 5, 7.5.3). */
static u32 forms_at(Dwarf *dwarf, Dwarf_Off offset)
{
	struct reader r = section_reader(dwarf, ".debug_abbrev");
	u32 forms = 0;

	take(&r, offset);
	while (r.at && take_uleb(&r)) {
		u64 name, form;

		take_uleb(&r); /* the tag, and whether there are children */
		take(&r, 1);
		do {
			name = take_uleb(&r);
			form = take_uleb(&r);
			forms |= form_of(form);
			if (form == DW_FORM_implicit_const)
				take_uleb(&r);
		} while (r.at && (name || form));
	}
	return r.at ? forms : FORM_FAR;
}

static u32 forms_of(struct ft_user_units *u, Dwarf_Off table)
{
	if (u->abbreviations != table) {
		u->forms = forms_at(u->dwarf, table);
		u->abbreviations = table;
	}
	return u->forms;
}

/* The strings by number of a unit, in their section: [*begin, *end). */
static void find_index(Dwarf_Die *unit, u64 *begin, u64 *end)
{
	Dwarf_Attribute attr;
	Dwarf_Word base;
	size_t bytes;
	const u8 *data = ft_user_section(dwarf_cu_getdwarf(unit->cu), ".debug_str_offsets", &bytes);
	struct reader r = {0};

	*begin = 0;
	*end = data ? bytes : 0;
	if (!data || dwarf_formudata(dwarf_attr(unit, DW_AT_str_offsets_base, &attr), &base) ||
	    base < 8 || base > bytes)
		return;
	/* In front of it, the length, a version and padding: 4 bytes of that (7.26). */
	r = (struct reader){.at = data + base - 8, .end = data + bytes};
	*end = take_number(&r, 4) + base - 4;
	*begin = base;
	if (*end > bytes || *end < base)
		*end = bytes;
}

static bool is_known(struct ft_user_units *u, Dwarf_Die *unit, u64 begin, u64 end, Dwarf_Off table)
{
	u64 index_begin = 0, index_end = 0;

	for (u32 i = 0; i < u->count; i++) {
		if (ft_user_mentions_info(u->names[i], begin, end))
			continue;
		if (!ft_user_mentions_any(u->names[i]))
			return false;
		if (forms_of(u, table) & FORM_FAR)
			continue;
		if (!(forms_of(u, table) & FORM_INDEXED))
			return false;
		find_index(unit, &index_begin, &index_end);
		if (!ft_user_mentions_index(u->names[i], index_begin, index_end))
			return false;
	}
	return true;
}

/* Adds a part of a name; of a pattern, what it begins with. */
static void add_name(struct ft_user_units *units, struct ft_user_file *file, const char *name,
		     size_t len)
{
	size_t plain = strcspn(name, "*?[\\");
	bool begins = plain < len;
	char *part;

	if (units->count == FT_USER_UNITS_NAMES)
		return;
	part = ft_arena_copy(file->arena, name, begins ? plain : len);
	units->names[units->count] = part ? ft_user_mentions(file, part, begins) : NULL;
	if (units->names[units->count])
		units->count++;
}

void ft_user_units_begin(struct ft_user_units *units, struct ft_user_file *file, const char *name,
			 const char *path)
{
	bool in_template = false;

	*units = (struct ft_user_units){
		.dwarf = ft_user_file_dwarf(file), .path = path, .abbreviations = (Dwarf_Off)-1};
	if (!units->dwarf || !name)
		return;
	while (*name) {
		const char *end = strstr(name, "::");
		size_t len = end ? (size_t)(end - name) : strlen(name);

		/* Behind "<" it may be within a template's arguments; the last part is one. */
		in_template |= memchr(name, '<', len) != NULL;
		if (!in_template || !end)
			add_name(units, file, name, len);
		name += len + (end ? 2 : 0);
	}
}

/* ---- files ---- */

/* What is looked for in a table of files, and the sections with its strings. */
struct files {
	const char *base;
	u32 offset_bytes;
	struct reader line_strings, strings;
};

/* Passes over a value of such a table; text: where it is a string. False: not known. */
static bool take_form(struct reader *r, const struct files *files, u64 form, const char **text)
{
	struct reader strings;
	u64 offset;

	switch (form) {
	case DW_FORM_string:
		*text = take_text(r);
		return r->at;
	case DW_FORM_line_strp:
	case DW_FORM_strp:
		offset = take_number(r, files->offset_bytes);
		strings = form == DW_FORM_strp ? files->strings : files->line_strings;
		if (!r->at || !take(&strings, offset))
			return false;
		*text = take_text(&strings);
		return *text;
	case DW_FORM_udata:
		take_uleb(r);
		return r->at;
	case DW_FORM_data1:
		return take(r, 1);
	case DW_FORM_data2:
		return take(r, 2);
	case DW_FORM_data4:
		return take(r, 4);
	case DW_FORM_data8:
		return take(r, 8);
	case DW_FORM_data16:
		return take(r, 16);
	case DW_FORM_block:
		return take(r, take_uleb(r));
	default:
		return false;
	}
}

static bool is_base(const char *path, const char *base)
{
	const char *slash = strrchr(path, '/');

	return !strcmp(slash ? slash + 1 : path, base);
}

/* Folders or files of DWARF 5 (6.2.4.1): -1: not known; 1: a path ends in a name; else 0. */
static int see_entries(struct reader *r, const struct files *files)
{
	u64 formats[2 * 16] = {0}, count, entries;
	const u8 *kinds = take(r, 1);
	int found = 0;

	count = kinds ? *kinds : 0;
	if (!kinds || count > FT_ARRAY_LEN(formats) / 2)
		return -1;
	for (u64 i = 0; i < 2 * count; i++)
		formats[i] = take_uleb(r);
	entries = take_uleb(r);
	for (u64 i = 0; i < entries && count; i++)
		for (u64 k = 0; k < count; k++) {
			const char *text = NULL;

			if (!take_form(r, files, formats[2 * k + 1], &text))
				return -1;
			if (formats[2 * k] == DW_LNCT_path && text && is_base(text, files->base))
				found = 1;
		}
	return r->at ? found : -1;
}

/* Before DWARF 5. */
static int see_old_entries(struct reader *r, const char *base)
{
	const char *text;
	int found = 0;

	while ((text = take_text(r)) && *text) /* folders */
		;
	while (r->at && (text = take_text(r)) && *text) {
		found |= is_base(text, base);
		take_uleb(r); /* folder, time, bytes */
		take_uleb(r);
		take_uleb(r);
	}
	return r->at ? found : -1;
}

/* The table of files of a unit's lines (DWARF 5, 6.2.4). */
static int see_files(Dwarf_Die *unit, const char *base)
{
	Dwarf *dwarf = dwarf_cu_getdwarf(unit->cu);
	struct files files = {.base = base,
			      .offset_bytes = 4,
			      .line_strings = section_reader(dwarf, ".debug_line_str"),
			      .strings = section_reader(dwarf, ".debug_str")};
	struct reader r = section_reader(dwarf, ".debug_line");
	const u8 *number;
	Dwarf_Attribute attr;
	Dwarf_Word offset;
	u64 version;
	u32 opcodes;

	if (dwarf_formudata(dwarf_attr(unit, DW_AT_stmt_list, &attr), &offset) || !take(&r, offset))
		return -1;
	if (take_number(&r, 4) == 0xffffffff) {
		files.offset_bytes = 8;
		take(&r, 8);
	}
	version = take_number(&r, 2);
	/* Bytes of addresses and segments; of the header; of instructions; of lines. */
	take(&r, (version >= 5 ? 2 : 0) + files.offset_bytes + 1 + (version >= 4 ? 1 : 0) + 3);
	number = take(&r, 1);
	opcodes = number ? *number : 0;
	take(&r, opcodes ? opcodes - 1 : 0);
	if (version < 2 || version > 5)
		return -1;
	if (version < 5)
		return see_old_entries(&r, base);
	/* Folders first, among which none is looked for. */
	files.base = "/";
	if (see_entries(&r, &files) < 0)
		return -1;
	files.base = base;
	return see_entries(&r, &files);
}

/* Whether a unit can know a source file, by the last part of its path. */
static bool has_file(struct ft_user_units *u, Dwarf_Die *unit, Dwarf_Off table)
{
	const char *slash = strrchr(u->path, '/'), *base = slash ? slash + 1 : u->path;

	return strpbrk(base, "*?[\\") || see_files(unit, base) != 0 ||
	       forms_of(u, table) & FORM_FAR;
}

bool ft_user_units_next(struct ft_user_units *units, Dwarf_Die *unit)
{
	Dwarf_Half version;
	uint8_t type, address_bytes, offset_bytes;

	while (units->dwarf &&
	       !dwarf_get_units(units->dwarf, units->cu, &units->cu, &version, &type, unit, NULL)) {
		Dwarf_Off begin = dwarf_dieoffset(unit) - dwarf_cuoffset(unit), end;
		size_t head;

		/* Types in a section of their own (DWARF 4), and skeletons, are not searched. */
		units->table = (Dwarf_Off)-1;
		if ((version < 5 && type == DW_UT_type) || type == DW_UT_skeleton ||
		    dwarf_nextcu(units->dwarf, begin, &end, &head, &units->table, &address_bytes,
				 &offset_bytes) ||
		    (is_known(units, unit, begin, end, units->table) &&
		     (!units->path || has_file(units, unit, units->table))))
			return true;
	}
	return false;
}

bool ft_user_units_refers(struct ft_user_units *units)
{
	return units->table != (Dwarf_Off)-1 && forms_of(units, units->table) & FORM_FAR;
}

bool ft_user_is_like(const char *pattern, const char *name)
{
	size_t plain = strcspn(pattern, "*?[\\");

	if (!pattern[plain])
		return !strcmp(pattern, name);
	return !strncmp(pattern, name, plain) &&
	       (!strcmp(pattern + plain, "*") || !fnmatch(pattern, name, 0));
}

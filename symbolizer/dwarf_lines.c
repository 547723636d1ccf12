/*
 * dwarf_lines.c - see dwarf_lines.h.
 *
 * A line program is run twice: once as a whole for its sequences, then from the beginning of each
 * that is asked about. Whatever does not fit ends the program there. Names of files are as libdw
 * makes them.
 */
#include "symbolizer/dwarf_lines.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define FILES_MAX (1u << 20)
#define FORMATS_MAX 32
#define SEQUENCES_MAX (16u << 20)
#define ROWS_MAX (64u << 20) /* of a sequence */

/* Reads forwards; beyond the end everything is 0, and bad is set. */
struct cursor {
	const u8 *at, *end;
	bool bad;
};

struct row {
	u32 at; /* from the sequence's beginning */
	u32 line, file, column;
};

/* Addresses that one run of the program covers. */
struct sequence {
	u64 low, high;
	u64 begin; /* in the section */
	struct row *rows;
	u32 row_count;
	bool is_read;
};

struct source {
	const char *name; /* in a section */
	u32 folder;
	char *path; /* made when first asked for; owned */
};

struct dwarf_lines {
	const struct dwarf_line_data *data;
	u64 program, end; /* in .debug_line */
	u16 version;
	u8 min_bytes, max_ops, line_range, opcode_base;
	s8 line_base;
	const u8 *operands; /* how many each of the standard opcodes has */
	struct sequence *sequences;
	u32 sequence_count;
	struct source *files;
	u32 file_count;
	const char **folders;
	u32 folder_count;
};

/* The registers of a line program. */
struct state {
	u64 addr;
	u32 op_index, file, line, column;
};

static u64 read_number(struct cursor *c, u32 bytes)
{
	u64 number = 0;

	if ((u64)(c->end - c->at) < bytes) {
		c->bad = true;
		c->at = c->end;
		return 0;
	}
	memcpy(&number, c->at, bytes); /* of our own byte order: others are not opened */
	c->at += bytes;
	return number;
}

static u64 read_leb(struct cursor *c, bool is_signed)
{
	u64 number = 0;
	u32 shift = 0;
	u8 byte = 0x80;

	while (byte & 0x80 && c->at < c->end) {
		byte = *c->at++;
		if (shift < 64)
			number |= (u64)(byte & 0x7f) << shift;
		shift += 7;
	}
	c->bad |= (byte & 0x80) != 0;
	if (is_signed && byte & 0x40 && shift < 64)
		number |= ~(u64)0 << shift;
	return number;
}

static const char *read_string(struct cursor *c)
{
	const u8 *text = c->at, *nul = memchr(c->at, '\0', (size_t)(c->end - c->at));

	if (!nul) {
		c->bad = true;
		c->at = c->end;
		return "";
	}
	c->at = nul + 1;
	return (const char *)text;
}

static const char *string_at(const struct dwarf_bytes *section, u64 at)
{
	return at < section->bytes && memchr(section->at + at, '\0', section->bytes - at)
		       ? (const char *)section->at + at
		       : NULL;
}

void dwarf_line_data_find(Dwarf *dwarf, struct dwarf_line_data *data)
{
	Elf *elf = dwarf_getelf(dwarf);
	Elf_Scn *scn = NULL;
	size_t names;

	*data = (struct dwarf_line_data){{NULL, 0}, {NULL, 0}, {NULL, 0}};
	if (!elf || elf_getshdrstrndx(elf, &names))
		return;
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr header;
		const char *name =
			gelf_getshdr(scn, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
		struct dwarf_bytes *place;
		const Elf_Data *bytes;

		if (!name || header.sh_type == SHT_NOBITS ||
		    (strncmp(name, ".debug_", 7) && strncmp(name, ".zdebug_", 8)))
			continue;
		name = strchr(name, '_');
		place = !strcmp(name, "_line")	     ? &data->line
			: !strcmp(name, "_line_str") ? &data->line_str
			: !strcmp(name, "_str")	     ? &data->str
						     : NULL;
		bytes = place && !place->at ? elf_getdata(scn, NULL) : NULL;
		if (bytes && bytes->d_buf)
			*place = (struct dwarf_bytes){bytes->d_buf, bytes->d_size};
	}
}

/* ---- the head: files and folders ---- */

static int file_add(struct dwarf_lines *l, size_t *cap, const char *name, u64 folder)
{
	if (l->file_count == FILES_MAX)
		return 0;
	if (FT_GROW(&l->files, cap, (size_t)l->file_count + 1))
		return -ENOMEM;
	l->files[l->file_count++] =
		(struct source){name, folder < UINT32_MAX ? (u32)folder : UINT32_MAX, NULL};
	return 0;
}

static int folder_add(struct dwarf_lines *l, size_t *cap, const char *name)
{
	if (l->folder_count == FILES_MAX)
		return 0;
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
	if (ft_grow(&l->folders, cap, (size_t)l->folder_count + 1, sizeof(*l->folders)))
		return -ENOMEM;
	l->folders[l->folder_count++] = name;
	return 0;
}

/* Versions 2 to 4: numbered from 1; the folder 0 is the compiler's, the file 0 none. */
static int names_read_old(struct dwarf_lines *l, struct cursor *c, const char *folder)
{
	size_t file_cap = 0, folder_cap = 0;
	int code = folder_add(l, &folder_cap, folder);
	const char *name;

	if (!code)
		code = file_add(l, &file_cap, "???", UINT32_MAX);
	while (!code && *(name = read_string(c)))
		code = folder_add(l, &folder_cap, name);
	while (!code && *(name = read_string(c))) {
		code = file_add(l, &file_cap, name, read_leb(c, false));
		read_leb(c, false); /* time */
		read_leb(c, false); /* bytes */
	}
	return code;
}

/* A field of an entry: a name through *name, a number through *number. */
static void field_read(const struct dwarf_lines *l, struct cursor *c, u64 form, u32 offset_bytes,
		       const char **name, u64 *number)
{
	u64 skip = 0;

	switch (form) {
	case DW_FORM_string:
		*name = read_string(c);
		break;
	case DW_FORM_line_strp:
		*name = string_at(&l->data->line_str, read_number(c, offset_bytes));
		break;
	case DW_FORM_strp:
		*name = string_at(&l->data->str, read_number(c, offset_bytes));
		break;
	case DW_FORM_udata:
		*number = read_leb(c, false);
		break;
	case DW_FORM_data1:
		*number = read_number(c, 1);
		break;
	case DW_FORM_data2:
		*number = read_number(c, 2);
		break;
	case DW_FORM_data4:
		*number = read_number(c, 4);
		break;
	case DW_FORM_data8:
		*number = read_number(c, 8);
		break;
	case DW_FORM_data16:
		skip = 16;
		break;
	case DW_FORM_block:
		skip = read_leb(c, false);
		break;
	default:
		c->bad = true;
	}
	if (skip > (u64)(c->end - c->at)) {
		c->bad = true;
		skip = 0;
	}
	c->at += skip;
}

/* Version 5: a table whose columns are described. Of folders or of files. */
static int table_read(struct dwarf_lines *l, struct cursor *c, u32 offset_bytes, bool files)
{
	struct {
		u64 content, form;
	} formats[FORMATS_MAX];
	u32 columns = (u32)read_number(c, 1);
	size_t cap = 0;
	int code = 0;
	u64 count;

	if (columns > FORMATS_MAX) {
		c->bad = true;
		return 0;
	}
	for (u32 i = 0; i < columns; i++) {
		formats[i].content = read_leb(c, false);
		formats[i].form = read_leb(c, false);
	}
	count = read_leb(c, false);
	for (u64 n = 0; n < count && columns && !code && !c->bad && n < FILES_MAX; n++) {
		const char *name = NULL;
		u64 folder = 0;

		for (u32 i = 0; i < columns && !c->bad; i++) {
			const char *text = NULL;
			u64 number = 0;

			field_read(l, c, formats[i].form, offset_bytes, &text, &number);
			if (formats[i].content == DW_LNCT_path)
				name = text;
			else if (formats[i].content == DW_LNCT_directory_index)
				folder = number;
		}
		code = files ? file_add(l, &cap, name, folder) : folder_add(l, &cap, name);
	}
	return code;
}

/* 0: *l says where the program is; -ENODATA: it makes no sense; or -ENOMEM. */
static int head_read(struct dwarf_lines *l, u64 offset, const char *folder)
{
	const struct dwarf_bytes *section = &l->data->line;
	struct cursor c = {section->at + offset, section->at + section->bytes, false};
	u32 offset_bytes = 4;
	u64 bytes = read_number(&c, 4);
	int code = 0;

	if (bytes == 0xffffffff) {
		offset_bytes = 8;
		bytes = read_number(&c, 8);
	}
	if (bytes > (u64)(c.end - c.at))
		return -ENODATA;
	c.end = c.at + bytes;
	l->end = (u64)(c.end - section->at);
	l->version = (u16)read_number(&c, 2);
	if (l->version < 2 || l->version > 5)
		return -ENODATA;
	if (l->version == 5)
		read_number(&c, 2); /* of addresses; of segments */
	bytes = read_number(&c, offset_bytes);
	if (bytes > (u64)(c.end - c.at))
		return -ENODATA;
	l->program = (u64)(c.at - section->at) + bytes;
	l->min_bytes = (u8)read_number(&c, 1);
	l->max_ops = l->version >= 4 ? (u8)read_number(&c, 1) : 1;
	read_number(&c, 1); /* whether rows begin statements */
	l->line_base = (s8)read_number(&c, 1);
	l->line_range = (u8)read_number(&c, 1);
	l->opcode_base = (u8)read_number(&c, 1);
	l->operands = c.at - 1; /* of opcode 1 comes first */
	if (!l->line_range || !l->max_ops || !l->opcode_base || l->opcode_base - 1 > c.end - c.at)
		return -ENODATA;
	c.at += l->opcode_base - 1;
	if (l->version < 5)
		return names_read_old(l, &c, folder);
	code = table_read(l, &c, offset_bytes, false);
	return code || c.bad ? code : table_read(l, &c, offset_bytes, true);
}

/* ---- the program ---- */

static void advance(const struct dwarf_lines *l, struct state *s, u64 operations)
{
	u64 ops = s->op_index + operations;

	s->addr += l->min_bytes * (ops / l->max_ops);
	s->op_index = (u32)(ops % l->max_ops);
}

enum event { NOTHING, ROW, SEQUENCE_END };

static enum event extended(struct cursor *c, struct state *s)
{
	u64 bytes = read_leb(c, false);
	u8 opcode = (u8)read_number(c, 1);
	const u8 *end;

	if (!bytes || c->bad || bytes - 1 > (u64)(c->end - c->at)) {
		c->bad = true;
		return NOTHING;
	}
	end = c->at + bytes - 1;
	if (opcode == DW_LNE_set_address && bytes - 1 <= 8) {
		s->addr = read_number(c, (u32)bytes - 1);
		s->op_index = 0;
	}
	c->at = end;
	return opcode == DW_LNE_end_sequence ? SEQUENCE_END : NOTHING;
}

/* One operation of the program. */
static enum event step(const struct dwarf_lines *l, struct cursor *c, struct state *s)
{
	u8 opcode = (u8)read_number(c, 1);

	if (opcode >= l->opcode_base) {
		u32 number = opcode - l->opcode_base;

		advance(l, s, number / l->line_range);
		s->line += (u32)(l->line_base + (s32)(number % l->line_range));
		return ROW;
	}
	switch (opcode) {
	case 0:
		return extended(c, s);
	case DW_LNS_copy:
		return ROW;
	case DW_LNS_advance_pc:
		advance(l, s, read_leb(c, false));
		return NOTHING;
	case DW_LNS_advance_line:
		s->line += (u32)read_leb(c, true);
		return NOTHING;
	case DW_LNS_set_file:
		s->file = (u32)read_leb(c, false);
		return NOTHING;
	case DW_LNS_set_column:
		s->column = (u32)read_leb(c, false);
		return NOTHING;
	case DW_LNS_const_add_pc:
		advance(l, s, (255u - l->opcode_base) / l->line_range);
		return NOTHING;
	case DW_LNS_fixed_advance_pc:
		s->addr += read_number(c, 2);
		s->op_index = 0;
		return NOTHING;
	default:
		for (u32 i = l->operands[opcode]; i; i--)
			read_leb(c, false);
		return NOTHING;
	}
}

static int sequence_compare(const void *a, const void *b)
{
	const struct sequence *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

static int sequences_find(struct dwarf_lines *l, u64 text_low, u64 text_high)
{
	const u8 *section = l->data->line.at;
	struct cursor c = {section + l->program, section + l->end, false};
	struct sequence now = {.low = UINT64_MAX, .begin = l->program};
	struct state s = {.file = 1, .line = 1};
	size_t cap = 0;

	while (c.at < c.end && !c.bad && l->sequence_count < SEQUENCES_MAX) {
		enum event event = step(l, &c, &s);

		if (event != NOTHING && s.addr < now.low)
			now.low = s.addr;
		if (event != SEQUENCE_END)
			continue;
		now.high = s.addr;
		if (now.low < now.high && now.low >= text_low && now.high <= text_high) {
			if (FT_GROW(&l->sequences, &cap, (size_t)l->sequence_count + 1))
				return -ENOMEM;
			l->sequences[l->sequence_count++] = now;
		}
		now = (struct sequence){.low = UINT64_MAX, .begin = (u64)(c.at - section)};
		s = (struct state){.file = 1, .line = 1};
	}
	if (l->sequence_count)
		qsort(l->sequences, l->sequence_count, sizeof(*l->sequences), sequence_compare);
	return 0;
}

int dwarf_lines_open(const struct dwarf_line_data *data, Dwarf_Die *unit, u64 text_low,
		     u64 text_high, struct dwarf_lines **lines)
{
	Dwarf_Attribute attr;
	Dwarf_Word offset;
	const char *folder = NULL;
	struct dwarf_lines *l;
	int code;

	*lines = NULL;
	if (!dwarf_attr(unit, DW_AT_stmt_list, &attr) || dwarf_formudata(&attr, &offset) ||
	    offset >= data->line.bytes)
		return 0;
	l = ft_try_alloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->data = data;
	if (dwarf_attr(unit, DW_AT_comp_dir, &attr))
		folder = dwarf_formstring(&attr);
	code = head_read(l, offset, folder);
	if (!code)
		code = sequences_find(l, text_low, text_high);
	if (code) {
		dwarf_lines_free(l);
		return code == -ENOMEM ? code : 0;
	}
	*lines = l;
	return 0;
}

void dwarf_lines_free(struct dwarf_lines *lines)
{
	if (!lines)
		return;
	for (u32 i = 0; i < lines->sequence_count; i++)
		free(lines->sequences[i].rows);
	for (u32 i = 0; i < lines->file_count; i++)
		free(lines->files[i].path);
	free(lines->sequences);
	free(lines->files);
	free(lines->folders);
	free(lines);
}

/* ---- look-ups ---- */

/* Adds a row; one that says nothing new is left out, of several at one place the last counts. */
static int row_add(struct sequence *q, size_t *cap, const struct state *s)
{
	struct row *last = q->row_count ? &q->rows[q->row_count - 1] : NULL;
	u64 at = s->addr - q->low;
	const struct row row = {(u32)at, s->line, s->file, s->column};

	/* Addresses do not go back: that is damage. */
	if (at > UINT32_MAX || (last && at < last->at) || q->row_count == ROWS_MAX)
		return 0;
	if (last && last->at == row.at) {
		*last = row;
		return 0;
	}
	if (last && last->line == row.line && last->file == row.file && last->column == row.column)
		return 0;
	if (FT_GROW_RAW(&q->rows, cap, (size_t)q->row_count + 1))
		return -ENOMEM;
	q->rows[q->row_count++] = row;
	return 0;
}

/* Runs the program once more over a sequence. Without memory it has no lines. */
static void sequence_read(const struct dwarf_lines *l, struct sequence *q)
{
	struct cursor c = {l->data->line.at + q->begin, l->data->line.at + l->end, false};
	struct state s = {.file = 1, .line = 1};
	struct row *fit;
	size_t cap = 0;

	q->is_read = true;
	while (c.at < c.end && !c.bad) {
		enum event event = step(l, &c, &s);

		if (event == SEQUENCE_END || (event == ROW && row_add(q, &cap, &s)))
			break;
	}
	fit = q->row_count ? realloc(q->rows, q->row_count * sizeof(*q->rows)) : NULL;
	if (fit)
		q->rows = fit;
}

bool dwarf_lines_find(struct dwarf_lines *lines, u64 addr, struct dwarf_line *line)
{
	u32 low = 0, high = lines ? lines->sequence_count : 0;
	const struct row *row;
	struct sequence *q;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (lines->sequences[mid].low <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || addr >= lines->sequences[low - 1].high)
		return false;
	q = &lines->sequences[low - 1];
	if (!q->is_read)
		sequence_read(lines, q);
	for (low = 0, high = q->row_count; low < high;) {
		u32 mid = low + (high - low) / 2;

		if (q->rows[mid].at <= addr - q->low)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return false;
	row = &q->rows[low - 1];
	*line = (struct dwarf_line){dwarf_lines_file(lines, row->file),
				    row->line <= INT32_MAX ? row->line : 0, row->column};
	return true;
}

const char *dwarf_lines_file(struct dwarf_lines *lines, u32 file)
{
	const char *folder;
	struct source *f;
	size_t len;

	if (!lines || file >= lines->file_count)
		return NULL;
	f = &lines->files[file];
	if (!f->name || f->path)
		return f->path;
	folder = f->folder < lines->folder_count ? lines->folders[f->folder] : NULL;
	len = folder && *f->name != '/' ? strlen(folder) : 0;
	f->path = ft_try_alloc(len + strlen(f->name) + 2, 1);
	if (f->path && len) {
		memcpy(f->path, folder, len);
		f->path[len++] = '/';
	}
	if (f->path)
		memcpy(f->path + len, f->name, strlen(f->name) + 1);
	return f->path;
}

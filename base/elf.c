/*
 * elf.c - see elf.h.
 *
 * The first 4 KiB are read once: they hold the ELF header, the program headers and most often the
 * notes. Everything else goes through ft_elf_read, the only place that touches the file, or through
 * a direct-mapped cache of blocks. Formats: System V ABI (gABI) chapters 4 and 5, elf(5).
 */
#include "base/elf.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

#define HEAD_BYTES 4096
#define SEGMENTS_MAX 512
#define SECTIONS_MAX 16384
#define NOTES_MAX 256 /* notes that are looked at in one file */
#define CACHE_BLOCK 4096
#define CACHE_BLOCKS 64 /* a power of two */
#define CACHE_FREE UINT64_MAX

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ELF_DATA_HERE ELFDATA2LSB
#else
#define ELF_DATA_HERE ELFDATA2MSB
#endif

static int read_fd(int fd, u64 offset, void *out, size_t len)
{
	u8 *p = out;

	if (offset > INT64_MAX - len)
		return -EIO;
	while (len) {
		ssize_t n = pread(fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		p += n;
		offset += (u64)n;
		len -= (size_t)n;
	}
	return 0;
}

int ft_elf_read(const struct ft_elf *elf, u64 offset, void *out, size_t len)
{
	if (!len)
		return 0;
	if (offset > elf->bytes || len > elf->bytes - offset)
		return -EIO;
	if (elf->memory) {
		memcpy(out, elf->memory + offset, len);
		return 0;
	}
	if (offset < elf->head_len && len <= elf->head_len - offset) {
		memcpy(out, elf->head + offset, len);
		return 0;
	}
	return read_fd(elf->fd, offset, out, len);
}

/*
 * The cached block that holds offset, with how many of its bytes are in the file; NULL when it
 * cannot be read.
 */
static const u8 *cache_block(struct ft_elf *elf, u64 offset, size_t *len)
{
	u64 number = offset / CACHE_BLOCK, start = number * CACHE_BLOCK;
	size_t slot = number & (CACHE_BLOCKS - 1);
	u8 *block;

	if (!elf->cache) {
		elf->cache = ft_try_alloc(CACHE_BLOCKS, CACHE_BLOCK + sizeof(u64));
		if (!elf->cache)
			return NULL;
		elf->cache_tags = (void *)(elf->cache + (size_t)CACHE_BLOCKS * CACHE_BLOCK);
		for (size_t i = 0; i < CACHE_BLOCKS; i++)
			elf->cache_tags[i] = CACHE_FREE;
	}
	block = elf->cache + slot * CACHE_BLOCK;
	*len = elf->bytes - start < CACHE_BLOCK ? (size_t)(elf->bytes - start) : CACHE_BLOCK;
	if (elf->cache_tags[slot] != number) {
		elf->cache_tags[slot] = CACHE_FREE;
		if (ft_elf_read(elf, start, block, *len))
			return NULL;
		elf->cache_tags[slot] = number;
	}
	return block;
}

int ft_elf_read_small(struct ft_elf *elf, u64 offset, void *out, size_t len)
{
	u8 *p = out;

	if (elf->memory)
		return ft_elf_read(elf, offset, out, len);
	if (offset > elf->bytes || len > elf->bytes - offset)
		return -EIO;
	while (len) {
		size_t have, skip = offset % CACHE_BLOCK, part;
		const u8 *block = cache_block(elf, offset, &have);

		if (!block)
			return -EIO;
		part = have - skip < len ? have - skip : len;
		memcpy(p, block + skip, part);
		p += part;
		offset += part;
		len -= part;
	}
	return 0;
}

size_t ft_elf_string(struct ft_elf *elf, const struct ft_elf_section *strings, u64 offset,
		     char *out, size_t cap)
{
	u64 left = offset < strings->bytes ? strings->bytes - offset : 0;
	u64 from = strings->offset + offset;
	size_t done = 0;

	if (from < offset || from >= elf->bytes)
		left = 0;
	else if (left > elf->bytes - from)
		left = elf->bytes - from;
	if (left > cap - 1)
		left = cap - 1;
	while (done < left) {
		/* By blocks of the cache: most names lie in one. */
		size_t part = CACHE_BLOCK - (from + done) % CACHE_BLOCK;
		const char *end;

		if (part > left - done)
			part = (size_t)(left - done);
		if (ft_elf_read_small(elf, from + done, out + done, part))
			break;
		end = memchr(out + done, '\0', part);
		if (end) {
			done = (size_t)(end - out);
			break;
		}
		done += part;
	}
	out[done] = '\0';
	return done;
}

/* ---- headers ---- */

static void segment_decode(bool is64, const void *raw, struct ft_elf_segment *segment)
{
	Elf64_Phdr p64;
	Elf32_Phdr p32;

	if (is64) {
		memcpy(&p64, raw, sizeof(p64));
		*segment = (struct ft_elf_segment){p64.p_type,	p64.p_flags,  p64.p_offset,
						   p64.p_vaddr, p64.p_filesz, p64.p_align,
						   p64.p_memsz};
	} else {
		memcpy(&p32, raw, sizeof(p32));
		*segment = (struct ft_elf_segment){p32.p_type,	p32.p_flags,  p32.p_offset,
						   p32.p_vaddr, p32.p_filesz, p32.p_align,
						   p32.p_memsz};
	}
}

static void section_decode(bool is64, const void *raw, struct ft_elf_section *section)
{
	Elf64_Shdr big;
	Elf32_Shdr small;

	if (is64) {
		memcpy(&big, raw, sizeof(big));
		*section = (struct ft_elf_section){big.sh_name,	  big.sh_type,	big.sh_link,
						   big.sh_info,	  big.sh_flags, big.sh_addr,
						   big.sh_offset, big.sh_size,	big.sh_entsize};
	} else {
		memcpy(&small, raw, sizeof(small));
		*section =
			(struct ft_elf_section){small.sh_name,	 small.sh_type,	 small.sh_link,
						small.sh_info,	 small.sh_flags, small.sh_addr,
						small.sh_offset, small.sh_size,	 small.sh_entsize};
	}
}

/* Takes what the ELF header says. The counts are still claims. */
static int header_decode(struct ft_elf *elf)
{
	u8 raw[sizeof(Elf64_Ehdr)];
	Elf64_Ehdr e64;
	Elf32_Ehdr e32;

	if (ft_elf_read(elf, 0, raw, sizeof(e32)) || memcmp(raw, ELFMAG, SELFMAG) ||
	    raw[EI_DATA] != ELF_DATA_HERE)
		return -ENOEXEC;
	elf->is64 = raw[EI_CLASS] == ELFCLASS64;
	if (elf->is64 && !ft_elf_read(elf, 0, &e64, sizeof(e64))) {
		elf->type = e64.e_type;
		elf->machine = e64.e_machine;
		elf->entry = e64.e_entry;
		elf->segment_table = e64.e_phoff;
		elf->section_table = e64.e_shoff;
		elf->segment_count = e64.e_phentsize == sizeof(Elf64_Phdr) ? e64.e_phnum : 0;
		elf->section_count = e64.e_shentsize == sizeof(Elf64_Shdr) ? e64.e_shnum : 0;
		elf->section_names = e64.e_shstrndx;
		return 0;
	}
	if (raw[EI_CLASS] != ELFCLASS32)
		return -ENOEXEC;
	memcpy(&e32, raw, sizeof(e32));
	elf->type = e32.e_type;
	elf->machine = e32.e_machine;
	elf->entry = e32.e_entry;
	elf->segment_table = e32.e_phoff;
	elf->section_table = e32.e_shoff;
	elf->segment_count = e32.e_phentsize == sizeof(Elf32_Phdr) ? e32.e_phnum : 0;
	elf->section_count = e32.e_shentsize == sizeof(Elf32_Shdr) ? e32.e_shnum : 0;
	elf->section_names = e32.e_shstrndx;
	return 0;
}

static size_t segment_bytes(const struct ft_elf *elf)
{
	return elf->is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
}

static size_t section_bytes(const struct ft_elf *elf)
{
	return elf->is64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
}

static int segments_load(struct ft_elf *elf)
{
	u8 raw[sizeof(Elf64_Phdr)];
	size_t each = segment_bytes(elf);
	u32 count = elf->segment_count < SEGMENTS_MAX ? elf->segment_count : SEGMENTS_MAX;

	elf->segment_count = 0;
	elf->segments = ft_try_alloc(count, sizeof(*elf->segments));
	if (!elf->segments)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		if (ft_elf_read(elf, elf->segment_table + i * each, raw, each))
			break;
		segment_decode(elf->is64, raw, &elf->segments[i]);
		elf->segment_count++;
	}
	elf->is_damaged |= elf->segment_count < count;
	return 0;
}

static int section_compare(const void *a, const void *b)
{
	const struct ft_elf_section *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Whether what sections hold lies in the file, and no two share bytes of it. */
static bool sections_fit(const struct ft_elf *elf)
{
	struct ft_elf_section *list = ft_try_alloc(elf->section_count, sizeof(*list));
	u32 count = 0;
	u64 end = 0;
	bool fit = true;

	for (u32 i = 0; list && i < elf->section_count; i++)
		if (elf->sections[i].type != SHT_NOBITS && elf->sections[i].type != SHT_NULL &&
		    elf->sections[i].bytes)
			list[count++] = elf->sections[i];
	if (count)
		qsort(list, count, sizeof(*list), section_compare);
	for (u32 i = 0; i < count && fit; i++) {
		fit = list[i].offset >= end && list[i].offset <= elf->bytes &&
		      list[i].bytes <= elf->bytes - list[i].offset;
		end = list[i].offset + list[i].bytes;
	}
	free(list);
	return fit;
}

static int sections_load(struct ft_elf *elf)
{
	u32 claimed = elf->section_count;
	struct ft_elf_table *table;
	const void *raw;

	elf->section_count = 0;
	elf->is_damaged |= claimed > SECTIONS_MAX;
	if (!elf->section_table || claimed > SECTIONS_MAX)
		return 0;
	table = ft_try_alloc(1, sizeof(*table));
	elf->sections = ft_try_alloc(claimed, sizeof(*elf->sections));
	if (!table || !elf->sections) {
		free(table);
		return -ENOMEM;
	}
	ft_elf_table_init(table, elf, elf->section_table, UINT64_MAX, section_bytes(elf), claimed);
	while (elf->section_count < claimed && (raw = ft_elf_table_next(table)))
		section_decode(elf->is64, raw, &elf->sections[elf->section_count++]);
	free(table);
	elf->is_damaged |= elf->section_count < claimed || !sections_fit(elf);
	/* gABI: an index that does not fit into the header stands in section 0. */
	if (elf->section_count && elf->section_names == SHN_XINDEX)
		elf->section_names = elf->sections[0].link;
	return 0;
}

static int elf_load(struct ft_elf *elf)
{
	int code = header_decode(elf);

	if (!code)
		code = segments_load(elf);
	if (!code)
		code = sections_load(elf);
	return code;
}

int ft_elf_open(int fd, struct ft_elf **elf)
{
	struct ft_elf *opened;
	struct stat st;
	int code;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size <= 0)
		return -ENOEXEC;
	opened = ft_try_alloc(1, sizeof(*opened));
	if (!opened)
		return -ENOMEM;
	opened->fd = fd;
	opened->bytes = (u64)st.st_size;
	opened->head_len = opened->bytes < HEAD_BYTES ? (size_t)opened->bytes : HEAD_BYTES;
	opened->head = ft_try_alloc(1, opened->head_len);
	code = opened->head ? read_fd(fd, 0, opened->head, opened->head_len) : -ENOMEM;
	if (!code)
		code = elf_load(opened);
	if (code) {
		ft_elf_close(opened);
		return code;
	}
	*elf = opened;
	return 0;
}

int ft_elf_open_memory(const void *image, size_t bytes, struct ft_elf **elf)
{
	struct ft_elf *opened = ft_try_alloc(1, sizeof(*opened));
	int code;

	if (!opened)
		return -ENOMEM;
	opened->fd = -1;
	opened->memory = image;
	opened->bytes = bytes;
	code = elf_load(opened);
	if (code) {
		ft_elf_close(opened);
		return code;
	}
	*elf = opened;
	return 0;
}

int ft_elf_open_vdso(struct ft_elf **elf)
{
	const u8 *image = (const u8 *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
	Elf64_Ehdr header;

	if (!image)
		return -ENODATA;
	memcpy(&header, image, sizeof(header));
	if (header.e_ident[EI_CLASS] != ELFCLASS64)
		return -ENODATA;
	/* The kernel made it: the section headers are the last thing in it. */
	return ft_elf_open_memory(
		image, header.e_shoff + (size_t)header.e_shnum * sizeof(Elf64_Shdr), elf);
}

void ft_elf_close(struct ft_elf *elf)
{
	if (!elf)
		return;
	free(elf->segments);
	free(elf->sections);
	free(elf->head);
	free(elf->cache);
	free(elf);
}

/* ---- build-id ---- */

/* Walks at most *left notes of one segment. Returns the length of the build-id, or 0. */
static int notes_build_id(const struct ft_elf *elf, const struct ft_elf_segment *segment, u32 *left,
			  u8 out[FT_ELF_BUILD_ID_MAX])
{
	/*
	 * GNU property notes are padded to 8 bytes in 64-bit files (Linux gABI extension), all
	 * others to 4.
	 */
	u64 align = segment->align == 8 ? 8 : 4;
	u64 at = segment->offset, end, desc;
	Elf64_Nhdr note; /* the same for both classes */
	char name[4];

	if (__builtin_add_overflow(at, segment->file_bytes, &end))
		return 0;
	for (; at < end && end - at >= sizeof(note) && *left; --*left) {
		if (ft_elf_read(elf, at, &note, sizeof(note)))
			return 0;
		desc = (at + sizeof(note) + note.n_namesz + align - 1) & ~(align - 1);
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof(name) &&
		    note.n_descsz && !ft_elf_read(elf, at + sizeof(note), name, sizeof(name)) &&
		    !memcmp(name, ELF_NOTE_GNU, sizeof(name))) {
			u32 len = note.n_descsz < FT_ELF_BUILD_ID_MAX ? note.n_descsz
								      : FT_ELF_BUILD_ID_MAX;

			return ft_elf_read(elf, desc, out, len) ? 0 : (int)len;
		}
		at = (desc + note.n_descsz + align - 1) & ~(align - 1);
	}
	return 0;
}

int ft_elf_build_id_of(const struct ft_elf *elf, u8 out[FT_ELF_BUILD_ID_MAX])
{
	u32 left = NOTES_MAX;

	for (u32 i = 0; i < elf->segment_count; i++) {
		int len = 0;

		if (elf->segments[i].type == PT_NOTE)
			len = notes_build_id(elf, &elf->segments[i], &left, out);
		if (len)
			return len;
	}
	/* A file that is never loaded has no segments: dwz's supplementary ones. */
	for (u32 i = 0; !elf->segment_count && i < elf->section_count; i++) {
		const struct ft_elf_section *section = &elf->sections[i];
		struct ft_elf_segment notes = {.type = PT_NOTE,
					       .offset = section->offset,
					       .file_bytes = section->bytes,
					       .align = 4};
		int len = 0;

		if (section->type == SHT_NOTE)
			len = notes_build_id(elf, &notes, &left, out);
		if (len)
			return len;
	}
	return 0;
}

/* Reads the header of a file of which no more is looked at than a few segments. 0 or an error. */
static int head_read(int fd, u8 head[HEAD_BYTES], struct ft_elf *elf)
{
	ssize_t n;

	*elf = (struct ft_elf){.fd = fd, .bytes = INT64_MAX, .head = head};
	do
		n = pread(fd, head, HEAD_BYTES, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	elf->head_len = (size_t)n;
	if (n < HEAD_BYTES)
		elf->bytes = (u64)n;
	return header_decode(elf);
}

static bool segment_read(struct ft_elf *elf, u32 index, struct ft_elf_segment *segment)
{
	u8 raw[sizeof(Elf64_Phdr)];

	if (ft_elf_read(elf, elf->segment_table + index * segment_bytes(elf), raw,
			segment_bytes(elf)))
		return false;
	segment_decode(elf->is64, raw, segment);
	return true;
}

int ft_elf_build_id(int fd, u8 out[FT_ELF_BUILD_ID_MAX])
{
	u8 head[HEAD_BYTES];
	struct ft_elf elf;
	struct ft_elf_segment segment;
	u32 left = NOTES_MAX;
	int len = head_read(fd, head, &elf);

	if (len)
		return len;
	for (u32 i = 0; i < elf.segment_count && i < SEGMENTS_MAX; i++) {
		if (!segment_read(&elf, i, &segment))
			break;
		len = segment.type == PT_NOTE ? notes_build_id(&elf, &segment, &left, out) : 0;
		if (len)
			return len;
	}
	return 0;
}

/* ---- finding things ---- */

const struct ft_elf_section *ft_elf_section(struct ft_elf *elf, u32 type, const char *name)
{
	char text[64];

	if (name && elf->section_names >= elf->section_count)
		return NULL;
	for (u32 i = 0; i < elf->section_count; i++) {
		if (elf->sections[i].type != type)
			continue;
		if (!name)
			return &elf->sections[i];
		ft_elf_string(elf, &elf->sections[elf->section_names], elf->sections[i].name, text,
			      sizeof(text));
		if (!strcmp(text, name))
			return &elf->sections[i];
	}
	return NULL;
}

const struct ft_elf_section *ft_elf_linked(const struct ft_elf *elf,
					   const struct ft_elf_section *section, u32 type)
{
	if (section->link >= elf->section_count || elf->sections[section->link].type != type)
		return NULL;
	return &elf->sections[section->link];
}

const struct ft_elf_section *ft_elf_code_section(const struct ft_elf *elf, u64 addr)
{
	for (u32 i = 0; i < elf->section_count; i++) {
		const struct ft_elf_section *s = &elf->sections[i];

		if ((s->flags & SHF_EXECINSTR) && addr >= s->addr && addr - s->addr < s->bytes)
			return s;
	}
	return NULL;
}

u32 ft_elf_code_shifts(int fd, struct ft_elf_shift *shifts, u32 max)
{
	struct ft_elf_segment segment;
	u8 head[HEAD_BYTES];
	struct ft_elf elf;
	u32 count = 0;

	if (head_read(fd, head, &elf))
		return 0;
	for (u32 i = 0; i < elf.segment_count && i < SEGMENTS_MAX && count < max; i++) {
		if (!segment_read(&elf, i, &segment))
			break;
		if (segment.type == PT_LOAD && (segment.flags & PF_X))
			shifts[count++] = (struct ft_elf_shift){segment.offset & ~4095ull,
								segment.addr - segment.offset};
	}
	return count;
}

const struct ft_elf_segment *ft_elf_segment(const struct ft_elf *elf, u32 type)
{
	for (u32 i = 0; i < elf->segment_count; i++) {
		if (elf->segments[i].type == type)
			return &elf->segments[i];
	}
	return NULL;
}

bool ft_elf_addr_of_offset(const struct ft_elf *elf, u64 offset, u64 *addr)
{
	const struct ft_elf_segment *best = NULL;

	/* A page of the file may be mapped twice, as code and as data: it was code that ran. */
	for (u32 i = 0; i < elf->segment_count; i++) {
		const struct ft_elf_segment *s = &elf->segments[i];

		if (s->type != PT_LOAD || offset < s->offset || offset - s->offset >= s->file_bytes)
			continue;
		if (!best || ((s->flags & PF_X) && !(best->flags & PF_X)))
			best = s;
	}
	if (!best)
		return false;
	*addr = offset - best->offset + best->addr;
	return true;
}

bool ft_elf_addr_of_mapping(const struct ft_elf *elf, u64 offset, u64 *addr)
{
	const struct ft_elf_segment *best = NULL;

	for (u32 i = 0; i < elf->segment_count; i++) {
		const struct ft_elf_segment *s = &elf->segments[i];

		if (s->type != PT_LOAD || !(s->flags & PF_X) || offset < (s->offset & ~4095ull) ||
		    offset >= s->offset + s->file_bytes)
			continue;
		if (!best || s->offset > best->offset)
			best = s;
	}
	if (!best)
		return ft_elf_addr_of_offset(elf, offset, addr);
	*addr = offset - best->offset + best->addr;
	return true;
}

bool ft_elf_offset_of_addr(const struct ft_elf *elf, u64 addr, u64 *offset)
{
	for (u32 i = 0; i < elf->segment_count; i++) {
		const struct ft_elf_segment *s = &elf->segments[i];

		if (s->type != PT_LOAD || addr < s->addr || addr - s->addr >= s->file_bytes)
			continue;
		*offset = addr - s->addr + s->offset;
		return true;
	}
	return false;
}

/* ---- tables ---- */

void ft_elf_table_init(struct ft_elf_table *table, const struct ft_elf *elf, u64 offset, u64 bytes,
		       size_t entry_bytes, u64 count_max)
{
	u64 count = bytes / entry_bytes;

	table->elf = elf;
	table->entry_bytes = entry_bytes;
	table->at = table->filled = 0;
	if (offset > elf->bytes)
		offset = elf->bytes;
	if (count > (elf->bytes - offset) / entry_bytes)
		count = (elf->bytes - offset) / entry_bytes;
	if (count > count_max)
		count = count_max;
	table->next = offset;
	table->end = offset + count * entry_bytes;
}

const void *ft_elf_table_next(struct ft_elf_table *table)
{
	const void *entry;

	if (table->at == table->filled) {
		size_t room = sizeof(table->buffer) / table->entry_bytes * table->entry_bytes;

		if (room > table->end - table->next)
			room = (size_t)(table->end - table->next);
		if (!room || ft_elf_read(table->elf, table->next, table->buffer, room)) {
			table->next = table->end;
			return NULL;
		}
		table->next += room;
		table->filled = room;
		table->at = 0;
	}
	entry = table->buffer + table->at;
	table->at += table->entry_bytes;
	return entry;
}

size_t ft_elf_symbol_bytes(const struct ft_elf *elf)
{
	return elf->is64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
}

void ft_elf_symbol_decode(const struct ft_elf *elf, const void *entry, struct ft_elf_symbol *symbol)
{
	if (elf->is64) {
		Elf64_Sym s;

		memcpy(&s, entry, sizeof(s));
		*symbol = (struct ft_elf_symbol){.value = s.st_value,
						 .size = s.st_size,
						 .name = s.st_name,
						 .section = s.st_shndx,
						 .type = ELF64_ST_TYPE(s.st_info),
						 .bind = ELF64_ST_BIND(s.st_info)};
	} else {
		Elf32_Sym s;

		memcpy(&s, entry, sizeof(s));
		*symbol = (struct ft_elf_symbol){.value = s.st_value,
						 .size = s.st_size,
						 .name = s.st_name,
						 .section = s.st_shndx,
						 .type = ELF32_ST_TYPE(s.st_info),
						 .bind = ELF32_ST_BIND(s.st_info)};
	}
}

/*
 * user_mentions.c - see user_mentions.h.
 *
 * Two bytes of what is searched, the rarest of this file, are compared at 64 places at once, which
 * takes hardly longer than reading does. Files are read piece by piece rather than where libdw has
 * mapped them, so that hundreds of megabytes need not be in memory for one name.
 */
#include "scriptlang/user/user_mentions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

#define WINDOW (1u << 18)   /* bytes that are read at once; they stay in the processor's cache */
#define BLOCK 256	    /* bytes that one bit stands for */
#define SINGLY_MAX 6	    /* offsets that are searched for one by one; more: all at once */
#define OFFSETS_MAX 65536   /* of strings that are a name, or end or begin so */
#define NAME_BYTES_MAX 1024 /* of a name that is searched for */

struct bits {
	u64 *words;
	u64 count; /* of blocks */
	bool any;
};

struct ft_user_mentions {
	const struct ft_user_mentions *next; /* of the file */
	const char *name;
	size_t len; /* its bytes, with NUL unless names only begin so */
	struct bits info, index;
	bool elsewhere; /* in the file that is shared with others */
};

/* A section: in memory, or in a file. */
struct section {
	const u8 *data;
	size_t bytes;
	int fd; /* -1: in memory */
	u64 offset;
};

/* What is searched, and where two bytes of it are by which it is told. */
struct needle {
	const u8 *bytes;
	size_t len, first, second;
};

typedef int (*found_fn)(void *context, u64 at);

/* ---- sections ---- */

static Elf_Data *data_of(Elf *elf, const char *name)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (!elf || elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;
		const char *own;

		if (!gelf_getshdr(section, &header) || header.sh_type == SHT_NOBITS)
			continue;
		own = elf_strptr(elf, names, header.sh_name);
		if (own && (!strcmp(own, name) || (!strncmp(own, ".z", 2) && own[2] == name[1] &&
						   !strcmp(own + 2, name + 1))))
			return elf_getdata(section, NULL);
	}
	return NULL;
}

const u8 *ft_user_section(Dwarf *dwarf, const char *name, size_t *bytes)
{
	const Elf_Data *data = data_of(dwarf_getelf(dwarf), name);

	*bytes = data && data->d_buf ? data->d_size : 0;
	return *bytes ? data->d_buf : NULL;
}

/*
 * The file that libdw has mapped; -1: none that is known, or what libdw has is not what is there
 * (sections of a module are relocated).
 */
static int open_file(const struct ft_user_file *file, const u8 **image, size_t *bytes)
{
	Elf *elf = dwarf_getelf(file->dwarf);
	const char *main_file = NULL, *debug_file = NULL, *path;
	GElf_Ehdr header;
	struct stat st;
	int fd;

	dwfl_module_info(file->module, NULL, NULL, NULL, NULL, NULL, &main_file, &debug_file);
	path = debug_file ? debug_file : main_file;
	if (!path || !gelf_getehdr(elf, &header) || header.e_type == ET_REL)
		return -1;
	*image = (const u8 *)elf_rawfile(elf, bytes);
	fd = *image ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode) || (u64)st.st_size != *bytes)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* ---- searching ---- */

typedef u8 vector __attribute__((vector_size(16)));

static vector load(const u8 *at)
{
	vector v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static bool is_zero(vector v)
{
	u64 halves[2];

	memcpy(halves, &v, sizeof(v));
	return !(halves[0] | halves[1]);
}

static int see_places(const u8 *data, size_t from, size_t end, const struct needle *needle, u64 at,
		      found_fn found, void *context)
{
	u8 first = needle->bytes[needle->first];
	int code = 0;

	for (size_t i = from; i < end && !code; i++)
		if (data[i + needle->first] == first &&
		    !memcmp(data + i, needle->bytes, needle->len))
			code = found(context, at + i);
	return code;
}

/* Calls found for each place in [data, data + len) that has a needle; at: the offset of data. */
static int search(const u8 *data, size_t len, const struct needle *needle, u64 at, found_fn found,
		  void *context)
{
	const vector zero = {0};
	const vector first = zero + needle->bytes[needle->first];
	const vector second = zero + needle->bytes[needle->second];
	size_t places = len >= needle->len ? len - needle->len + 1 : 0, i = 0;
	int code = 0;

	/* What is loaded ends within the bytes: no byte of a needle is behind its end. */
	for (; i + 64 <= places && !code; i += 64) {
		const u8 *a = data + i + needle->first, *b = data + i + needle->second;
		vector hits = zero;

		for (size_t part = 0; part < 64; part += sizeof(vector))
			hits |= (vector)(load(a + part) == first) &
				(vector)(load(b + part) == second);
		if (!is_zero(hits))
			code = see_places(data, i, i + 64, needle, at, found, context);
	}
	return code ? code : see_places(data, i, places, needle, at, found, context);
}

/* Picks the two bytes of a needle that are rarest in a sample. */
static struct needle needle_of(const u8 *bytes, size_t len, const u32 counts[256])
{
	struct needle n = {.bytes = bytes, .len = len};

	for (size_t i = 1; i < len; i++)
		if (counts[bytes[i]] < counts[bytes[n.first]])
			n.first = i;
	n.second = !n.first && len > 1 ? 1 : 0;
	for (size_t i = 0; i < len; i++)
		if (i != n.first && counts[bytes[i]] < counts[bytes[n.second]])
			n.second = i;
	return n;
}

typedef int (*window_fn)(void *context, const u8 *data, size_t len, u64 at);

/* Calls fn for windows of a section, which have some bytes in common with the one before. */
static int each_window(const struct section *section, size_t common, window_fn fn, void *context)
{
	u8 *buffer = section->fd >= 0 ? malloc(WINDOW) : NULL;
	int code = 0;

	if (section->fd >= 0 && !buffer)
		return -ENOMEM;
	for (u64 at = 0; at < section->bytes && !code; at += WINDOW - common) {
		size_t len = section->bytes - at < WINDOW ? section->bytes - at : WINDOW;
		const u8 *data = section->data + at;

		if (buffer &&
		    pread(section->fd, buffer, len, (off_t)(section->offset + at)) != (ssize_t)len)
			code = -EIO;
		else
			code = fn(context, buffer ? buffer : data, len, at);
	}
	free(buffer);
	return code;
}

static void count_bytes(const u8 *data, size_t len, u32 counts[256])
{
	memset(counts, 0, 256 * sizeof(*counts));
	for (size_t i = 0; i < len && i < 1u << 14; i++)
		counts[data[i]]++;
}

/* ---- strings that are a name ---- */

struct strings {
	const char *name;
	size_t len;   /* of what is searched for */
	u32 *offsets; /* owned */
	size_t count, cap;
};

static int take_string(void *context, u64 at)
{
	struct strings *s = context;

	if (s->count == OFFSETS_MAX)
		return -E2BIG;
	if (FT_GROW_RAW(&s->offsets, &s->cap, s->count + 1))
		return -ENOMEM;
	s->offsets[s->count++] = (u32)at;
	return 0;
}

static int search_strings(void *context, const u8 *data, size_t len, u64 at)
{
	struct strings *s = context;
	u32 counts[256];
	struct needle needle;

	count_bytes(data, len, counts);
	needle = needle_of((const u8 *)s->name, s->len, counts);
	return search(data, len, &needle, at, take_string, s);
}

/* ---- where they are mentioned ---- */

struct search {
	const struct strings *strings;
	struct bits *bits;
	u64 low[65536 / 64]; /* bit n: some offset ends in these two bytes */
};

static int set_bit(void *context, u64 at)
{
	struct bits *bits = context;

	bits->words[at / BLOCK / 64] |= 1ull << at / BLOCK % 64;
	bits->any = true;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const u32 *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* All offsets at once: by their low halves, and then by themselves. */
static void search_all(const struct search *s, const u8 *data, size_t len, u64 at)
{
	for (size_t i = 0; i + sizeof(u32) <= len; i++) {
		u16 low;
		u32 whole;

		memcpy(&low, data + i, sizeof(low));
		if (!(s->low[low / 64] >> low % 64 & 1))
			continue;
		memcpy(&whole, data + i, sizeof(whole));
		if (bsearch(&whole, s->strings->offsets, s->strings->count, sizeof(whole),
			    by_number))
			set_bit(s->bits, at + i);
	}
}

static int search_window(void *context, const u8 *data, size_t len, u64 at)
{
	const struct search *s = context;
	const struct strings *strings = s->strings;
	struct needle needle;
	u32 counts[256];

	count_bytes(data, len, counts);
	needle = needle_of((const u8 *)strings->name, strings->len, counts);
	search(data, len, &needle, at, set_bit, s->bits);
	for (size_t i = 0; strings->count <= SINGLY_MAX && i < strings->count; i++) {
		needle = needle_of((const u8 *)&strings->offsets[i], sizeof(u32), counts);
		search(data, len, &needle, at, set_bit, s->bits);
	}
	if (strings->count > SINGLY_MAX)
		search_all(s, data, len, at);
	return 0;
}

static int find_bits(const struct section *section, const struct strings *strings,
		     struct bits *bits, struct ft_arena *arena)
{
	size_t words = section->bytes / BLOCK / 64 + 1, common = strings->len - 1;
	struct search *s = calloc(1, sizeof(*s));
	int code;

	bits->count = section->bytes / BLOCK + 1;
	bits->words = ft_arena_alloc(arena, words, sizeof(*bits->words));
	if (!s || !bits->words) {
		free(s);
		return -ENOMEM;
	}
	memset(bits->words, 0, words * sizeof(*bits->words));
	s->strings = strings;
	s->bits = bits;
	for (size_t i = 0; i < strings->count; i++)
		s->low[(strings->offsets[i] & 0xffff) / 64] |= 1ull << strings->offsets[i] % 64;
	if (common < sizeof(u32) - 1)
		common = sizeof(u32) - 1;
	code = each_window(section, common, search_window, s);
	free(s);
	return code;
}

/* ---- a name ---- */

struct file_at {
	const struct ft_user_file *file;
	int fd;
	const u8 *image;
	size_t bytes;
};

static struct section section_at(const struct file_at *at, const char *name)
{
	struct section s = {.fd = -1};

	s.data = ft_user_section(at->file->dwarf, name, &s.bytes);
	if (s.data && at->fd >= 0 && s.data >= at->image && s.data <= at->image + at->bytes &&
	    s.bytes <= (size_t)(at->image + at->bytes - s.data)) {
		s.fd = at->fd;
		s.offset = (u64)(s.data - at->image);
	}
	return s;
}

static int find_strings(const struct file_at *at, Dwarf *alt, struct strings *own,
			struct strings *shared)
{
	const struct section strings = section_at(at, ".debug_str");
	struct section more = {.fd = -1};
	size_t common = own->len - 1;
	int code = each_window(&strings, common, search_strings, own);

	if (code || !alt)
		return code;
	more.data = ft_user_section(alt, ".debug_str", &more.bytes);
	code = each_window(&more, common, search_strings, shared);
	/* What refers to the shared strings. */
	for (size_t i = 0; i < shared->count && !code; i++)
		code = take_string(own, shared->offsets[i]);
	return code;
}

static int find_mentions(const struct file_at *at, struct ft_user_mentions *m,
			 struct ft_arena *arena)
{
	struct strings own = {.name = m->name, .len = m->len}, shared = own;
	Dwarf *alt = dwarf_getalt(at->file->dwarf);
	const struct section info = section_at(at, ".debug_info"),
			     index = section_at(at, ".debug_str_offsets");
	struct section alt_info = {.fd = -1};
	struct bits alt_bits = {0};
	int code = find_strings(at, alt, &own, &shared);

	if (own.count)
		qsort(own.offsets, own.count, sizeof(*own.offsets), by_number);
	if (!code)
		code = find_bits(&info, &own, &m->info, arena);
	if (!code)
		code = find_bits(&index, &own, &m->index, arena);
	if (!code && alt) {
		if (shared.count)
			qsort(shared.offsets, shared.count, sizeof(*shared.offsets), by_number);
		alt_info.data = ft_user_section(alt, ".debug_info", &alt_info.bytes);
		code = find_bits(&alt_info, &shared, &alt_bits, arena);
		m->elsewhere = alt_bits.any;
	}
	free(own.offsets);
	free(shared.offsets);
	return code;
}

const struct ft_user_mentions *ft_user_mentions(struct ft_user_file *file, const char *name,
						bool begins)
{
	size_t len = strlen(name) + !begins;
	struct file_at at = {.file = file, .fd = -1};
	struct ft_user_mentions *m;
	int code;

	if (!*name || len < 2 || len > NAME_BYTES_MAX || !ft_user_file_dwarf(file))
		return NULL;
	for (const struct ft_user_mentions *known = file->mentions; known; known = known->next)
		if (known->len == len && !strcmp(known->name, name))
			return known;
	m = FT_ARENA_NEW(file->arena, struct ft_user_mentions);
	if (!m)
		return NULL;
	m->name = ft_arena_copy(file->arena, name, strlen(name));
	if (!m->name)
		return NULL;
	m->len = len;
	at.fd = open_file(file, &at.image, &at.bytes);
	code = find_mentions(&at, m, file->arena);
	if (at.fd >= 0)
		close(at.fd);
	if (code)
		return NULL;
	m->next = file->mentions;
	file->mentions = m;
	return m;
}

static bool has_bit(const struct bits *bits, u64 begin, u64 end)
{
	if (begin >= end || !bits->any)
		return false;
	for (u64 at = begin / BLOCK; at <= (end - 1) / BLOCK && at < bits->count; at++)
		if (bits->words[at / 64] >> at % 64 & 1)
			return true;
	return false;
}

bool ft_user_mentions_info(const struct ft_user_mentions *mentions, u64 begin, u64 end)
{
	return has_bit(&mentions->info, begin, end);
}

bool ft_user_mentions_index(const struct ft_user_mentions *mentions, u64 begin, u64 end)
{
	return has_bit(&mentions->index, begin, end);
}

bool ft_user_mentions_any(const struct ft_user_mentions *mentions)
{
	return mentions->info.any || mentions->index.any || mentions->elsewhere;
}

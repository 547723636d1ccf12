/* uprobe.c - see uprobe.h. */
#include "sampler/uprobe.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/elf.h"
#include "base/nearest.h"
#include "base/sdt.h"

#define ALIKE_MAX 5    /* names that an error lists */
#define ALIKE_PREFIX 4 /* characters that make a name alike */
#define NAME_BYTES 1024

struct search {
	struct ft_elf *elf;
	const struct ft_elf_section *strings; /* of the table */
	struct ft_elf_table table;
	const char *name;
	bool found;
	u64 addr;
	char alike[300];
	u32 alike_count;
};

struct function {
	char name[NAME_BYTES]; /* without a version */
	u64 addr;	       /* as linked */
	bool local;
};

/* Begins to read a symbol table of the file. False: it has none. */
static bool begin_table(struct search *s, u32 type)
{
	const struct ft_elf_section *section = ft_elf_section(s->elf, type, NULL);

	s->strings = section ? ft_elf_linked(s->elf, section, SHT_STRTAB) : NULL;
	if (!s->strings)
		return false;
	ft_elf_table_init(&s->table, s->elf, section->offset, section->bytes,
			  ft_elf_symbol_bytes(s->elf), FT_ELF_SYMBOLS_MAX);
	return true;
}

/* The next function that is in the file. */
static bool next_function(struct search *s, struct function *f)
{
	const void *entry;

	while ((entry = ft_elf_table_next(&s->table))) {
		struct ft_elf_symbol symbol;

		ft_elf_symbol_decode(s->elf, entry, &symbol);
		if (symbol.type != STT_FUNC || symbol.section == SHN_UNDEF || !symbol.value)
			continue;
		ft_elf_string(s->elf, s->strings, symbol.name, f->name, sizeof(f->name));
		f->name[strcspn(f->name, "@")] = '\0'; /* "read@@GLIBC_2.2.5" */
		f->addr = symbol.value;
		f->local = symbol.bind == STB_LOCAL;
		return true;
	}
	return false;
}

static void note_alike(struct search *s, const char *name)
{
	size_t len = strlen(s->alike);

	if (strncmp(name, s->name, ALIKE_PREFIX) || s->alike_count >= ALIKE_MAX)
		return;
	s->alike_count++;
	snprintf(s->alike + len, sizeof(s->alike) - len, "%s%s", len ? ", " : "", name);
}

/* Looks through one symbol table. A local function of that name does if there is no other. */
static void search_table(struct search *s, u32 type)
{
	struct function f;

	if (s->found || !begin_table(s, type))
		return;
	while (next_function(s, &f)) {
		if (strcmp(f.name, s->name)) {
			note_alike(s, f.name);
			continue;
		}
		s->addr = f.addr;
		s->found = true;
		if (!f.local)
			return;
	}
}

/* Looks for the functions that have no offset yet in one symbol table. */
static void find_named(struct ft_elf *elf, u32 type, const char *const *names, u32 count,
		       u64 *offsets)
{
	struct search s = {.elf = elf};
	struct function f;

	if (!begin_table(&s, type))
		return;
	while (next_function(&s, &f))
		for (u32 i = 0; i < count; i++)
			if (!offsets[i] && !strcmp(f.name, names[i]))
				ft_elf_offset_of_addr(elf, f.addr, &offsets[i]);
}

/* Splits "function+0xOFFSET"; false when what follows the + is no number. */
static bool split_place(const char *place, char *name, size_t size, u64 *add)
{
	const char *plus = strrchr(place, '+');
	size_t len = plus ? (size_t)(plus - place) : strlen(place);
	char *end = NULL;

	*add = 0;
	if (plus) {
		errno = 0;
		*add = strtoull(plus + 1, &end, 0);
		if (errno || end == plus + 1 || *end)
			return false;
	}
	if (!len || len >= size)
		return false;
	memcpy(name, place, len);
	name[len] = '\0';
	return true;
}

static int find_in(struct ft_elf *elf, const char *path, const char *place, u64 *offset,
		   struct ft_err *err)
{
	char name[NAME_BYTES];
	struct search s = {.elf = elf, .name = name};
	u64 add, at;

	if (!split_place(place, name, sizeof(name), &add))
		return ft_err_set(
			err, -EINVAL,
			"'%s' is no place: a function's name, NAME+OFFSET, or 0xOFFSET of "
			"the file",
			place);
	search_table(&s, SHT_SYMTAB);
	search_table(&s, SHT_DYNSYM);
	if (!s.found)
		return ft_err_set(err, -ENOENT, "%s has no function '%s'%s%s%s", path, name,
				  *s.alike ? "; it has " : "", s.alike,
				  s.alike_count >= ALIKE_MAX ? " and more" : "");
	if (!ft_elf_offset_of_addr(elf, s.addr + add, &at))
		return ft_err_set(err, -ENOENT, "'%s' is not in the code of %s", place, path);
	*offset = at;
	return 0;
}

void ft_uprobe_find_all(struct ft_elf *elf, bool exported, const char *const *names, u32 count,
			u64 *offsets)
{
	memset(offsets, 0, count * sizeof(*offsets));
	find_named(elf, SHT_DYNSYM, names, count, offsets);
	if (!exported)
		find_named(elf, SHT_SYMTAB, names, count, offsets);
}

/* Opens a file for ft_elf_close and close. */
static int open_elf(const char *path, int *fd, struct ft_elf **elf, struct ft_err *err)
{
	int code;

	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		return ft_err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	code = ft_elf_open(*fd, elf);
	if (!code)
		return 0;
	close(*fd);
	return ft_err_set(err, code, "%s is not an ELF file of this machine", path);
}

int ft_uprobe_find(const char *path, const char *place, u64 *offset, struct ft_err *err)
{
	struct ft_elf *elf = NULL;
	char *end;
	int fd, code = open_elf(path, &fd, &elf, err);
	u64 at;

	if (!elf)
		return code;
	if (!strncmp(place, "0x", 2)) {
		errno = 0;
		at = strtoull(place, &end, 16);
		if (errno || *end || end == place + 2 || at >= elf->bytes)
			code = ft_err_set(err, -EINVAL, "'%s' is no offset in %s", place, path);
		else
			*offset = at;
	} else {
		code = find_in(elf, path, place, offset, err);
	}
	ft_elf_close(elf);
	close(fd);
	return code;
}

struct sdt_search {
	const char *provider, *name;
	struct ft_uprobe_site *sites;
	size_t cap;
	u32 count;
	struct ft_nearest nearest;
};

static int see_probe(void *context, const struct ft_sdt_probe *probe)
{
	struct sdt_search *s = context;
	char both[2 * FT_SDT_NAME_MAX + 1];

	if (strcmp(probe->provider, s->provider) || strcmp(probe->name, s->name)) {
		snprintf(both, sizeof(both), "%s:%s", probe->provider, probe->name);
		ft_nearest_offer(&s->nearest, both);
		return 0;
	}
	if (FT_GROW(&s->sites, &s->cap, s->count + 1))
		return -ENOMEM;
	s->sites[s->count++] = (struct ft_uprobe_site){
		.offset = probe->offset,
		.semaphore = probe->semaphore_offset,
	};
	return 0;
}

int ft_uprobe_find_sdt(const char *path, const char *provider, const char *name,
		       struct ft_uprobe_site **sites, u32 *count, struct ft_err *err)
{
	struct sdt_search s = {.provider = provider, .name = name};
	char wanted[2 * FT_SDT_NAME_MAX + 1], nearest[FT_NEAREST_MAX * (FT_NEAREST_BYTES + 2)];
	struct ft_elf *elf = NULL;
	int fd, code = open_elf(path, &fd, &elf, err);

	if (!elf)
		return code;
	snprintf(wanted, sizeof(wanted), "%s:%s", provider, name);
	s.nearest.wanted = wanted;
	code = ft_sdt_walk(elf, see_probe, &s);
	ft_elf_close(elf);
	close(fd);
	if (code) {
		free(s.sites);
		return ft_err_set(err, code, "out of memory");
	}
	ft_nearest_text(&s.nearest, nearest, sizeof(nearest));
	if (!s.count)
		return ft_err_set(err, -ENOENT, "%s has no probe '%s'%s%s", path, wanted,
				  *nearest ? "; it has " : " (it has none at all)", nearest);
	*sites = s.sites;
	*count = s.count;
	return 0;
}

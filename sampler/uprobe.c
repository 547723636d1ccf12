/* uprobe.c - see uprobe.h. */
#include "sampler/uprobe.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/elf.h"
#include "base/file.h"
#include "sampler/event.h"

#define ALIKE_MAX 5    /* names that an error lists */
#define ALIKE_PREFIX 4 /* characters that make a name alike */
#define NAME_BYTES 1024

struct search {
	struct ft_elf *elf;
	const char *name;
	size_t name_len;
	bool found;
	u64 addr;
	char alike[300];
	u32 alike_count;
};

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
	const struct ft_elf_section *section = ft_elf_section(s->elf, type, NULL), *strings;
	struct ft_elf_table table;
	const void *entry;

	if (!section || s->found)
		return;
	strings = ft_elf_linked(s->elf, section, SHT_STRTAB);
	if (!strings)
		return;
	ft_elf_table_init(&table, s->elf, section->offset, section->bytes,
			  ft_elf_symbol_bytes(s->elf), FT_ELF_SYMBOLS_MAX);
	while ((entry = ft_elf_table_next(&table))) {
		struct ft_elf_symbol symbol;
		char name[NAME_BYTES];
		size_t len;

		ft_elf_symbol_decode(s->elf, entry, &symbol);
		if (symbol.type != STT_FUNC || symbol.section == SHN_UNDEF || !symbol.value)
			continue;
		len = ft_elf_string(s->elf, strings, symbol.name, name, sizeof(name));
		/* "read@@GLIBC_2.2.5" */
		if (strchr(name, '@')) {
			len = strcspn(name, "@");
			name[len] = '\0';
		}
		if (len != s->name_len || memcmp(name, s->name, len)) {
			note_alike(s, name);
			continue;
		}
		s->addr = symbol.value;
		s->found = true;
		if (symbol.bind != STB_LOCAL)
			return;
	}
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
	s.name_len = strlen(name);
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

int ft_uprobe_find(const char *path, const char *place, u64 *offset, struct ft_err *err)
{
	struct ft_elf *elf;
	char *end;
	int fd = open(path, O_RDONLY | O_CLOEXEC), code;
	u64 at;

	if (fd < 0)
		return ft_err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	code = ft_elf_open(fd, &elf);
	if (code) {
		close(fd);
		return ft_err_set(err, code, "%s is not an ELF file of this machine", path);
	}
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

int ft_uprobe_open(const char *path, u64 offset, struct ft_err *err)
{
	struct perf_event_attr attr = {
		.sample_period = 1,
		.uprobe_path = (u64)(uintptr_t)path,
		.probe_offset = offset,
	};
	s64 type;
	int fd;

	if (ft_file_read_s64("/sys/bus/event_source/devices/uprobe/type", &type))
		return ft_err_set(err, -ENOENT,
				  "this kernel has no probes on user functions "
				  "(CONFIG_UPROBE_EVENTS)");
	attr.type = (u32)type;
	fd = ft_event_syscall(&attr, -1, 0, -1, 0);
	if (fd == -EACCES || fd == -EPERM)
		return ft_event_explain("a probe on a user function", fd, err);
	if (fd < 0)
		return ft_err_set(err, fd, "cannot probe %s at offset 0x%llx: %s", path,
				  (unsigned long long)offset, strerror(-fd));
	return fd;
}

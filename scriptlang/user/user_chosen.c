/*
 * user_chosen.c - functions that are chosen when a program starts (STT_GNU_IFUNC): strlen, memcpy.
 * See user_places.h.
 *
 * Their symbol is that of a function which looks at the CPU and gives the address of one of several
 * variants. The kernel's programs cannot ask it. But where this process has mapped the same file,
 * its own loader has asked, on the same CPU; so it is looked up there as any library does it.
 */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "scriptlang/user/user_places.h"

#define TYPE_CHOSEN 10 /* STT_GNU_IFUNC */

static bool is_chosen(const struct ft_user_file *file, const char *name)
{
	const struct ft_elf_section *section = ft_elf_section(file->elf, SHT_DYNSYM, NULL);
	const struct ft_elf_section *strings =
		section ? ft_elf_linked(file->elf, section, SHT_STRTAB) : NULL;
	struct ft_elf_table *table = strings ? malloc(sizeof(*table)) : NULL;
	char text[512];
	const void *entry;
	bool found = false;

	if (table)
		ft_elf_table_init(table, file->elf, section->offset, section->bytes,
				  ft_elf_symbol_bytes(file->elf), FT_ELF_SYMBOLS_MAX);
	while (table && !found && (entry = ft_elf_table_next(table))) {
		struct ft_elf_symbol symbol;

		ft_elf_symbol_decode(file->elf, entry, &symbol);
		if (symbol.type != TYPE_CHOSEN || symbol.section == SHN_UNDEF)
			continue;
		ft_elf_string(file->elf, strings, symbol.name, text, sizeof(text));
		text[strcspn(text, "@")] = '\0';
		found = !strcmp(text, name);
	}
	free(table);
	return found;
}

struct own {
	struct stat wanted;
	char *path;
};

/* A file that this process has mapped. */
static int see_own(struct dl_phdr_info *info, size_t size, void *context)
{
	struct own *own = context;
	struct stat mapped;

	(void)size;
	if (!*info->dlpi_name || stat(info->dlpi_name, &mapped) ||
	    mapped.st_ino != own->wanted.st_ino || mapped.st_dev != own->wanted.st_dev)
		return 0;
	own->path = strdup(info->dlpi_name);
	return 1;
}

int ft_user_chosen_find(const struct ft_user_file *file, const char *name, u64 *addr)
{
	struct own own = {.path = NULL};
	struct link_map *map = NULL;
	void *handle, *function;

	if (!is_chosen(file, name))
		return -ENOENT;
	if (!stat(file->path, &own.wanted))
		dl_iterate_phdr(see_own, &own);
	handle = own.path ? dlopen(own.path, RTLD_LAZY | RTLD_NOLOAD) : NULL;
	free(own.path);
	function = handle ? dlsym(handle, name) : NULL;
	if (!function || dlinfo(handle, RTLD_DI_LINKMAP, &map)) {
		if (handle)
			dlclose(handle);
		return -ENOTSUP;
	}
	*addr = (u64)(uintptr_t)function - map->l_addr;
	dlclose(handle);
	return ft_elf_code_section(file->elf, *addr) ? 0 : -ENOTSUP;
}

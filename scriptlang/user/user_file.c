/* user_file.c - see user_file.h. */
#include "scriptlang/user/user_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scriptlang/kernel/kernel_module.h"
#include "scriptlang/user/user_units.h"

static struct ft_user_file *known(const struct ft_compile *compile, const char *path)
{
	for (u32 i = 0; i < compile->user_files.count; i++)
		if (!strcmp(compile->user_files.items[i]->path, path))
			return compile->user_files.items[i];
	return NULL;
}

struct ft_user_file *ft_user_file_open(struct ft_compile *compile, const char *path,
				       const char *shown, char why[200])
{
	struct ft_user_file *file = known(compile, path), **slot;
	struct stat st;
	int code;

	if (file)
		return file;
	file = FT_ARENA_NEW(compile->arena, struct ft_user_file);
	if (!file)
		return NULL;
	file->path = ft_arena_copy(compile->arena, path, strlen(path));
	file->shown = shown ? ft_arena_copy(compile->arena, shown, strlen(shown)) : file->path;
	file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file->fd < 0 || fstat(file->fd, &st)) {
		snprintf(why, 200, "cannot open %.120s: %s", path, strerror(errno));
		if (file->fd >= 0)
			close(file->fd);
		return NULL;
	}
	code = S_ISREG(st.st_mode) ? ft_elf_open(file->fd, &file->elf) : -ENOEXEC;
	slot = code ? NULL
		    : FT_ARENA_PUSH(compile->arena, &compile->user_files.items,
				    &compile->user_files.count);
	if (!slot || !file->path || !file->shown) {
		snprintf(why, 200, "%.140s is not an ELF file of this machine", path);
		if (!code)
			ft_elf_close(file->elf);
		close(file->fd);
		return NULL;
	}
	file->inode = st.st_ino;
	file->arena = compile->arena;
	*slot = file;
	return file;
}

/* ---- debug information ---- */

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.section_address = dwfl_offline_section_address,
};

static void open_dwfl(struct ft_user_file *file)
{
	GElf_Addr bias;

	if (file->dwfl)
		return;
	if (file->kernel_module) {
		file->dwfl =
			ft_kernel_module_open(file->kernel_module, file->path, file->module_start,
					      file->module_bytes, &file->module);
	} else {
		file->dwfl = dwfl_begin(&callbacks);
		if (!file->dwfl)
			return;
		dwfl_report_begin(file->dwfl);
		file->module = dwfl_report_offline(file->dwfl, file->path, file->path, -1);
		dwfl_report_end(file->dwfl, NULL, NULL);
	}
	if (file->module && dwfl_module_getelf(file->module, &bias))
		file->elf_bias = bias;
	else
		file->module = NULL;
}

Dwarf *ft_user_file_dwarf(struct ft_user_file *file)
{
	if (file->dwarf_read)
		return file->dwarf;
	file->dwarf_read = true;
	open_dwfl(file);
	if (file->module)
		file->dwarf = dwfl_module_getdwarf(file->module, &file->bias);
	return file->dwarf;
}

/* ---- symbols ---- */

static int by_addr(const void *left, const void *right)
{
	const struct ft_user_symbol *a = left, *b = right;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	if (a->is_local != b->is_local)
		return a->is_local ? 1 : -1;
	return strcmp(a->name, b->name);
}

struct search {
	struct ft_compile *compile;
	struct ft_user_file *file;
	const struct ft_user_wanted *wanted;
	bool is_pattern;
	struct ft_user_symbol *found;
	u32 count;
};

static bool is_wanted(const struct search *s, const char *name, u64 addr)
{
	const char *pattern = s->wanted->pattern;
	size_t len;

	if (s->wanted->addr && s->wanted->addr != addr)
		return false;
	if (!pattern)
		return true;
	if (s->is_pattern)
		return ft_user_is_like(pattern, name);
	/* Also "f.constprop.0", which a compiler has made of f; not parts of it. */
	len = strlen(pattern);
	if (strncmp(pattern, name, len) != 0)
		return false;
	name += len;
	return !*name || !strncmp(name, ".constprop.", 11) || !strncmp(name, ".isra.", 6) ||
	       !strncmp(name, ".lto_priv.", 10) || !strncmp(name, ".llvm.", 6);
}

/* A name that a file claims to have: nothing in it that is not to be printed. */
static const char *tame(struct ft_compile *compile, const char *name)
{
	char *copy = ft_arena_copy(compile->arena, name, strlen(name));

	for (char *at = copy; at && *at; at++)
		if ((u8)*at < ' ' || *at == 0x7f)
			*at = '?';
	return copy;
}

static void take_symbol(struct search *s, const char *name, const struct ft_user_symbol *symbol)
{
	struct ft_user_symbol *slot;
	u64 offset;

	if (!*name || !is_wanted(s, name, symbol->addr) ||
	    (!s->file->kernel_module &&
	     !ft_elf_offset_of_addr(s->file->elf, symbol->addr, &offset)))
		return;
	slot = FT_ARENA_PUSH(s->compile->arena, &s->found, &s->count);
	if (!slot)
		return;
	*slot = *symbol;
	slot->name = tame(s->compile, name);
	if (!slot->name)
		s->count--;
}

/* Functions of one table of the file itself. */
static void search_table(struct search *s, u32 type)
{
	struct ft_elf *elf = s->file->elf;
	const struct ft_elf_section *section = ft_elf_section(elf, type, NULL);
	const struct ft_elf_section *strings =
		section ? ft_elf_linked(elf, section, SHT_STRTAB) : NULL;
	struct ft_elf_table *table = strings ? malloc(sizeof(*table)) : NULL;
	char *name = strings ? malloc(FT_ELF_NAME_MAX) : NULL;
	const void *entry;

	if (table && name)
		ft_elf_table_init(table, elf, section->offset, section->bytes,
				  ft_elf_symbol_bytes(elf), FT_ELF_SYMBOLS_MAX);
	while (table && name && (entry = ft_elf_table_next(table))) {
		struct ft_elf_symbol symbol;
		struct ft_user_symbol one;

		ft_elf_symbol_decode(elf, entry, &symbol);
		if (symbol.type != STT_FUNC || symbol.section == SHN_UNDEF || !symbol.value ||
		    (s->wanted->addr && symbol.value != s->wanted->addr))
			continue;
		one = (struct ft_user_symbol){.addr = symbol.value,
					      .size = symbol.size,
					      .exported = type == SHT_DYNSYM,
					      .is_local = symbol.bind == STB_LOCAL};
		ft_elf_string(elf, strings, symbol.name, name, FT_ELF_NAME_MAX);
		name[strcspn(name, "@")] = '\0';
		take_symbol(s, name, &one);
	}
	free(table);
	free(name);
}

/* Those of a debug file, where the file itself was stripped. */
static void search_debug_file(struct search *s)
{
	struct ft_user_file *file = s->file;
	int count;

	ft_user_file_dwarf(file);
	count = file->module ? dwfl_module_getsymtab(file->module) : 0;
	for (int i = 1; i < count; i++) {
		struct ft_user_symbol one;
		GElf_Sym symbol;
		GElf_Addr addr;
		const char *name =
			dwfl_module_getsym_info(file->module, i, &symbol, &addr, NULL, NULL, NULL);

		if (!name || GELF_ST_TYPE(symbol.st_info) != STT_FUNC ||
		    symbol.st_shndx == SHN_UNDEF)
			continue;
		one = (struct ft_user_symbol){.addr = addr - file->elf_bias,
					      .size = symbol.st_size,
					      .is_local =
						      GELF_ST_BIND(symbol.st_info) == STB_LOCAL};
		take_symbol(s, name, &one);
	}
}

/* Names that several tables have are kept once. */
static void drop_twins(struct search *s)
{
	u32 kept = 0;

	for (u32 i = 0; i < s->count; i++) {
		struct ft_user_symbol *one = &s->found[i],
				      *last = kept ? &s->found[kept - 1] : NULL;

		if (last && last->addr == one->addr && !strcmp(last->name, one->name)) {
			last->exported |= one->exported;
			continue;
		}
		s->found[kept++] = *one;
	}
	s->count = kept;
}

int ft_user_file_symbols(struct ft_compile *compile, struct ft_user_file *file,
			 const struct ft_user_wanted *wanted, struct ft_user_symbol **symbols,
			 u32 *count)
{
	struct search s = {.compile = compile, .file = file, .wanted = wanted};

	s.is_pattern = wanted->pattern && strpbrk(wanted->pattern, "*?[\\");
	search_table(&s, SHT_DYNSYM);
	/* Those of a module are at no address before it is loaded. */
	if (!file->kernel_module && !wanted->exported &&
	    ft_elf_section(file->elf, SHT_SYMTAB, NULL))
		search_table(&s, SHT_SYMTAB);
	else if (!wanted->exported)
		search_debug_file(&s);
	if (s.count)
		qsort(s.found, s.count, sizeof(*s.found), by_addr);
	drop_twins(&s);
	*symbols = s.found;
	*count = s.count;
	return ft_arena_failed(compile->arena) ? -ENOMEM : 0;
}

bool ft_user_file_variable(struct ft_user_file *file, const char *name, u64 *addr)
{
	static const u32 types[] = {SHT_SYMTAB, SHT_DYNSYM};
	struct ft_elf_table *table = malloc(sizeof(*table));
	char text[512];
	bool found = false;

	for (size_t i = 0; table && i < FT_ARRAY_LEN(types) && !found; i++) {
		const struct ft_elf_section *section = ft_elf_section(file->elf, types[i], NULL);
		const struct ft_elf_section *strings =
			section ? ft_elf_linked(file->elf, section, SHT_STRTAB) : NULL;
		const void *entry;

		if (!strings)
			continue;
		ft_elf_table_init(table, file->elf, section->offset, section->bytes,
				  ft_elf_symbol_bytes(file->elf), FT_ELF_SYMBOLS_MAX);
		while (!found && (entry = ft_elf_table_next(table))) {
			struct ft_elf_symbol symbol;

			ft_elf_symbol_decode(file->elf, entry, &symbol);
			if (symbol.section == SHN_UNDEF || !symbol.value)
				continue;
			ft_elf_string(file->elf, strings, symbol.name, text, sizeof(text));
			if (!strcmp(text, name)) {
				*addr = symbol.value;
				found = true;
			}
		}
	}
	free(table);
	return found;
}

void ft_user_files_close(struct ft_compile *compile)
{
	for (u32 i = 0; i < compile->user_files.count; i++) {
		struct ft_user_file *file = compile->user_files.items[i];

		if (file->dwfl)
			dwfl_end(file->dwfl);
		ft_elf_close(file->elf);
		close(file->fd);
	}
	compile->user_files.count = 0;
}

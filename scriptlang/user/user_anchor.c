/*
 * user_anchor.c - see user_anchor.h.
 *
 * Words of functions that are called through a pointer (R_X86_64_GLOB_DAT) are written before the
 * program begins; those of stubs (JUMP_SLOT) when they are first called, unless the file asks for
 * all at once (DF_BIND_NOW). Every program has the former of __libc_start_main.
 */
#include "scriptlang/user/user_anchor.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define DYNAMIC_MAX 4096 /* entries that are looked at */
#define TRIES_MAX 64	 /* functions that are looked for in the library */
#define NOTE_HEAD 16	 /* bytes of a build-id's note before the build-id */

/* The value of an entry of the dynamic section; 0: there is none. */
static u64 dynamic_value(const struct ft_user_file *file, s64 tag)
{
	const struct ft_elf_section *dynamic = ft_elf_section(file->elf, SHT_DYNAMIC, NULL);
	Elf64_Dyn entry;

	for (u64 i = 0; dynamic && i < dynamic->bytes / sizeof(entry) && i < DYNAMIC_MAX; i++) {
		if (ft_elf_read_small(file->elf, dynamic->offset + i * sizeof(entry), &entry,
				      sizeof(entry)) ||
		    entry.d_tag == DT_NULL)
			break;
		if (entry.d_tag == tag)
			return entry.d_un.d_val;
	}
	return 0;
}

bool ft_user_is_program(const struct ft_user_file *file)
{
	return file->elf->type == ET_EXEC || dynamic_value(file, DT_FLAGS_1) & DF_1_PIE;
}

bool ft_user_needed_name(struct ft_elf *elf, u32 number, char name[FT_ELF_NAME_MAX])
{
	const struct ft_elf_section *symbols = ft_elf_section(elf, SHT_DYNSYM, NULL), *strings;
	size_t each = ft_elf_symbol_bytes(elf);
	struct ft_elf_symbol symbol;
	char raw[sizeof(Elf64_Sym)];

	strings = symbols ? ft_elf_linked(elf, symbols, SHT_STRTAB) : NULL;
	if (!strings || each > sizeof(raw) || (u64)number * each >= symbols->bytes ||
	    ft_elf_read_small(elf, symbols->offset + (u64)number * each, raw, each))
		return false;
	ft_elf_symbol_decode(elf, raw, &symbol);
	return symbol.section == SHN_UNDEF &&
	       ft_elf_string(elf, strings, symbol.name, name, FT_ELF_NAME_MAX) > 0;
}

/* Where a function of that name is in the library, which exports it; 0: nowhere. */
static u64 function_of(struct ft_elf *elf, const char *wanted)
{
	const struct ft_elf_section *symbols = ft_elf_section(elf, SHT_DYNSYM, NULL), *strings;
	struct ft_elf_table *table = malloc(sizeof(*table));
	char *name = malloc(FT_ELF_NAME_MAX);
	const void *entry;
	u64 found = 0;

	strings = symbols ? ft_elf_linked(elf, symbols, SHT_STRTAB) : NULL;
	if (table && name && strings)
		ft_elf_table_init(table, elf, symbols->offset, symbols->bytes,
				  ft_elf_symbol_bytes(elf), FT_ELF_SYMBOLS_MAX);
	while (table && name && strings && !found && (entry = ft_elf_table_next(table))) {
		struct ft_elf_symbol symbol;

		ft_elf_symbol_decode(elf, entry, &symbol);
		/* What chooses a variant (IFUNC) is not what is called. */
		if (symbol.type == STT_FUNC && symbol.section != SHN_UNDEF &&
		    ft_elf_string(elf, strings, symbol.name, name, FT_ELF_NAME_MAX) &&
		    !strcmp(name, wanted))
			found = symbol.value;
	}
	free(name);
	free(table);
	return found;
}

static bool search(const struct ft_user_file *from, const struct ft_elf_section *section,
		   struct ft_elf *library, bool binds_now, struct ft_user_anchor *anchor)
{
	struct ft_elf_table *table = malloc(sizeof(*table));
	char *name = malloc(FT_ELF_NAME_MAX);
	const void *entry;
	bool found = false;

	if (table)
		ft_elf_table_init(table, from->elf, section->offset, section->bytes,
				  sizeof(Elf64_Rela), FT_ELF_SYMBOLS_MAX);
	for (u32 tries = 0; table && name && !found && tries < TRIES_MAX;) {
		Elf64_Rela rela;

		entry = ft_elf_table_next(table);
		if (!entry)
			break;
		memcpy(&rela, entry, sizeof(rela));
		if (ELF64_R_TYPE(rela.r_info) != R_X86_64_GLOB_DAT &&
		    (ELF64_R_TYPE(rela.r_info) != R_X86_64_JUMP_SLOT || !binds_now))
			continue;
		if (!ft_user_needed_name(from->elf, (u32)ELF64_R_SYM(rela.r_info), name))
			continue;
		tries++;
		anchor->slot = rela.r_offset;
		anchor->function = function_of(library, name);
		found = anchor->function != 0;
	}
	free(name);
	free(table);
	return found;
}

bool ft_user_anchor_find(const struct ft_user_file *from, const struct ft_user_file *library,
			 struct ft_user_anchor *anchor)
{
	const struct ft_elf_section *note =
		ft_elf_section(library->elf, SHT_NOTE, ".note.gnu.build-id");
	bool binds_now = dynamic_value(from, DT_FLAGS) & DF_BIND_NOW ||
			 dynamic_value(from, DT_FLAGS_1) & DF_1_NOW;

	if (from->elf->machine != EM_X86_64 || !from->elf->is64 || !library->elf->is64 || !note ||
	    note->bytes < NOTE_HEAD + 8 || !note->addr ||
	    ft_elf_read_small(library->elf, note->offset + NOTE_HEAD, &anchor->expected, 8))
		return false;
	anchor->check = note->addr + NOTE_HEAD;
	for (u32 i = 0; i < from->elf->section_count; i++)
		if (from->elf->sections[i].type == SHT_RELA &&
		    search(from, &from->elf->sections[i], library->elf, binds_now, anchor))
			return true;
	return false;
}

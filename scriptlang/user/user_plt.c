/*
 * user_plt.c - process("p").plt("f"): the stubs through which a program calls functions of
 * libraries. See user_places.h.
 *
 * A stub jumps by a word of the GOT (base/stub.h); the relocation of that word has the name. So all
 * kinds of stubs are understood alike: .plt, .plt.sec, .plt.got; those of x86-64 and aarch64.
 */
#include <elf.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/stub.h"
#include "scriptlang/user/user_places.h"

#define STUBS_BYTES_MAX (16u << 20)
#define STEP 8 /* stubs begin at multiples of it */

struct word {
	u64 addr;
	u32 symbol;
};

struct plt {
	struct ft_compile *compile;
	struct ft_user_file *file;
	const struct ft_elf_section *symbols, *strings;
	struct word *words; /* of the GOT, by address */
	u32 count;
};

static int by_addr(const void *left, const void *right)
{
	const struct word *a = left, *b = right;

	return a->addr < b->addr ? -1 : a->addr > b->addr;
}

static bool is_of_stub(u16 machine, u32 type)
{
	return machine == EM_AARCH64 ? type == R_AARCH64_JUMP_SLOT || type == R_AARCH64_GLOB_DAT
				     : type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT;
}

static void read_relocations(struct plt *p, const struct ft_elf_section *section)
{
	struct ft_elf_table *table = malloc(sizeof(*table));
	const void *entry;

	if (!table)
		return;
	ft_elf_table_init(table, p->file->elf, section->offset, section->bytes, sizeof(Elf64_Rela),
			  FT_ELF_SYMBOLS_MAX);
	while ((entry = ft_elf_table_next(table))) {
		Elf64_Rela rela;
		struct word *word;

		memcpy(&rela, entry, sizeof(rela));
		if (!is_of_stub(p->file->elf->machine, (u32)ELF64_R_TYPE(rela.r_info)))
			continue;
		word = FT_ARENA_PUSH(p->compile->arena, &p->words, &p->count);
		if (word)
			*word = (struct word){.addr = rela.r_offset,
					      .symbol = (u32)ELF64_R_SYM(rela.r_info)};
	}
	free(table);
}

static const struct word *find_word(const struct plt *p, u64 addr)
{
	const struct word key = {.addr = addr};

	return p->count ? bsearch(&key, p->words, p->count, sizeof(key), by_addr) : NULL;
}

static const char *name_of(struct plt *p, u32 number)
{
	size_t each = ft_elf_symbol_bytes(p->file->elf);
	struct ft_elf_symbol symbol;
	char raw[sizeof(Elf64_Sym)], *name = malloc(FT_ELF_NAME_MAX);
	const char *copy = NULL;

	if (name && each <= sizeof(raw) &&
	    !ft_elf_read_small(p->file->elf, p->symbols->offset + (u64)number * each, raw, each)) {
		ft_elf_symbol_decode(p->file->elf, raw, &symbol);
		ft_elf_string(p->file->elf, p->strings, symbol.name, name, FT_ELF_NAME_MAX);
		for (char *at = name; *at; at++)
			if ((u8)*at < ' ' || *at == 0x7f)
				*at = '?';
		copy = ft_arena_copy(p->compile->arena, name, strlen(name));
	}
	free(name);
	return copy ? copy : "";
}

static int find_stubs(struct plt *p, const struct ft_elf_section *section, const char *pattern,
		      struct ft_user_site **sites, u32 *count)
{
	u64 (*slot)(const u8 *, size_t, u64) =
		p->file->elf->machine == EM_AARCH64 ? ft_stub_slot_aarch64 : ft_stub_slot_x86_64;
	u8 *code = section->bytes <= STUBS_BYTES_MAX ? malloc(section->bytes + 1) : NULL;
	int code_of = 0;

	if (!code || ft_elf_read(p->file->elf, section->offset, code, section->bytes)) {
		free(code);
		return 0;
	}
	for (u64 at = 0; at < section->bytes && code_of >= 0; at += STEP) {
		const struct word *word =
			find_word(p, slot(code + at, section->bytes - at, section->addr + at));
		const char *name = word ? name_of(p, word->symbol) : "";

		if (!*name || fnmatch(pattern, name, 0) != 0)
			continue;
		code_of = ft_user_site_add(p->compile, p->file, section->addr + at, sites, count);
		if (code_of > 0) {
			(*sites)[*count - 1].function = section->addr + at;
			(*sites)[*count - 1].name = (*sites)[*count - 1].text = name;
		}
	}
	free(code);
	return code_of < 0 ? code_of : 0;
}

int ft_user_plt_find(struct ft_compile *compile, struct ft_user_file *file, const char *pattern,
		     struct ft_user_site **sites, u32 *count)
{
	static const char *const names[] = {".plt", ".plt.sec", ".plt.got"};
	struct plt p = {.compile = compile, .file = file};
	struct ft_elf *elf = file->elf;
	int code = 0;

	if ((elf->machine != EM_X86_64 && elf->machine != EM_AARCH64) || !elf->is64)
		return -ENOTSUP;
	p.symbols = ft_elf_section(elf, SHT_DYNSYM, NULL);
	p.strings = p.symbols ? ft_elf_linked(elf, p.symbols, SHT_STRTAB) : NULL;
	if (!p.strings)
		return 0;
	for (u32 i = 0; i < elf->section_count; i++)
		if (elf->sections[i].type == SHT_RELA &&
		    ft_elf_linked(elf, &elf->sections[i], SHT_DYNSYM))
			read_relocations(&p, &elf->sections[i]);
	if (p.count)
		qsort(p.words, p.count, sizeof(*p.words), by_addr);
	for (size_t i = 0; i < FT_ARRAY_LEN(names) && !code; i++) {
		const struct ft_elf_section *section = ft_elf_section(elf, SHT_PROGBITS, names[i]);

		if (section)
			code = find_stubs(&p, section, pattern, sites, count);
	}
	return code;
}

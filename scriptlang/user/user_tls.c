/*
 * user_tls.c - where the variables of threads are (__thread); see user_tls.h.
 *
 * Ulrich Drepper, ELF Handling for Thread-Local Storage, 3.4.6 and 4.4; x86-64, whose blocks lie
 * below the thread pointer, which is the base of segment fs. A program's block is the first one
 * there. Where that of a library is, its loader has written into words of the library: the distance
 * from the thread pointer (R_X86_64_TPOFF64), or the module's number (R_X86_64_DTPMOD64), by which
 * the thread's table of blocks (DTV) tells it. The DTV is that of glibc: the second word behind the
 * thread pointer, entries of two words. A descriptor (R_X86_64_TLSDESC, -mtls-dialect=gnu2) is a
 * function and a word for it, which is the variable's distance from the thread pointer, if the
 * block lies at a known place, else the address of module number and offset (dl-tlsdesc.h of
 * glibc).
 */
#include "scriptlang/user/user_tls.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scriptlang/user/user_anchor.h"

/* Begins at that distance below the thread pointer (_dl_determine_tlsoffset() of glibc). */
static u64 block_offset(const struct ft_elf_segment *tls)
{
	u64 align = tls->align ? tls->align : 1, first = (0 - tls->addr) & (align - 1);

	return (tls->memory_bytes - first + align - 1) / align * align + first;
}

/* The value of a symbol of the dynamic table. */
static bool symbol_value(const struct ft_user_file *file, u32 number, u64 *value)
{
	const struct ft_elf_section *symbols = ft_elf_section(file->elf, SHT_DYNSYM, NULL);
	size_t each = ft_elf_symbol_bytes(file->elf);
	struct ft_elf_symbol symbol;
	char raw[sizeof(Elf64_Sym)];

	*value = 0;
	if (!number)
		return true;
	if (!symbols || each > sizeof(raw) || (u64)number * each >= symbols->bytes ||
	    ft_elf_read_small(file->elf, symbols->offset + (u64)number * each, raw, each))
		return false;
	ft_elf_symbol_decode(file->elf, raw, &symbol);
	*value = symbol.value;
	return symbol.section != SHN_UNDEF;
}

/* A word that the loader has written something about the library's own block into. */
static bool take(const struct ft_user_file *file, const Elf64_Rela *rela, struct ft_user_tls *tls)
{
	u64 value;

	if ((ELF64_R_TYPE(rela->r_info) != R_X86_64_TPOFF64 &&
	     ELF64_R_TYPE(rela->r_info) != R_X86_64_TLSDESC &&
	     ELF64_R_TYPE(rela->r_info) != R_X86_64_DTPMOD64) ||
	    !symbol_value(file, (u32)ELF64_R_SYM(rela->r_info), &value))
		return false;
	*tls = (struct ft_user_tls){.kind = FT_USER_TLS_MODULE, .slot = rela->r_offset};
	if (ELF64_R_TYPE(rela->r_info) == R_X86_64_DTPMOD64)
		return true;
	tls->kind = FT_USER_TLS_OFFSET;
	tls->add = (s64)(0 - value - (u64)rela->r_addend);
	if (ELF64_R_TYPE(rela->r_info) == R_X86_64_TLSDESC) {
		tls->kind = FT_USER_TLS_DESCRIPTOR;
		tls->slot += 8; /* the word behind the function */
	}
	return true;
}

/* A word about a variable of that name that another file has. */
static bool take_needed(const struct ft_user_file *from, const Elf64_Rela *rela, const char *wanted,
			struct ft_user_tls *tls)
{
	u32 type = (u32)ELF64_R_TYPE(rela->r_info);
	char *name = malloc(FT_ELF_NAME_MAX);
	bool found = name &&
		     (type == R_X86_64_TPOFF64 || type == R_X86_64_TLSDESC ||
		      type == R_X86_64_DTPMOD64) &&
		     ft_user_needed_name(from->elf, (u32)ELF64_R_SYM(rela->r_info), name) &&
		     !strcmp(name, wanted);

	free(name);
	if (!found)
		return false;
	*tls = (struct ft_user_tls){.kind = type == R_X86_64_DTPMOD64  ? FT_USER_TLS_MODULE
					    : type == R_X86_64_TLSDESC ? FT_USER_TLS_DESCRIPTOR
								       : FT_USER_TLS_OFFSET,
				    .slot = rela->r_offset};
	tls->slot += type == R_X86_64_TLSDESC ? 8 : 0;
	return true;
}

/* wanted: NULL for the library's own block. */
static bool search(const struct ft_user_file *file, const struct ft_elf_section *section,
		   const char *wanted, struct ft_user_tls *tls)
{
	struct ft_elf_table *table = malloc(sizeof(*table));
	const void *entry;
	bool found = false;

	if (table)
		ft_elf_table_init(table, file->elf, section->offset, section->bytes,
				  sizeof(Elf64_Rela), FT_ELF_SYMBOLS_MAX);
	while (table && !found && (entry = ft_elf_table_next(table))) {
		Elf64_Rela rela;

		memcpy(&rela, entry, sizeof(rela));
		found = wanted ? take_needed(file, &rela, wanted, tls) : take(file, &rela, tls);
	}
	free(table);
	return found;
}

int ft_user_tls_find(const struct ft_user_file *file, struct ft_user_tls *tls)
{
	const struct ft_elf *elf = file->elf;
	const struct ft_elf_segment *segment = ft_elf_segment(elf, PT_TLS);

	if (elf->machine != EM_X86_64 || !elf->is64)
		return -ENOTSUP;
	if (!segment)
		return -ENOENT;
	if (ft_user_is_program(file)) { /* whose block is the first */
		*tls = (struct ft_user_tls){.kind = FT_USER_TLS_PROGRAM,
					    .add = (s64)(0 - block_offset(segment))};
		return 0;
	}
	for (u32 i = 0; i < elf->section_count; i++)
		if (elf->sections[i].type == SHT_RELA && search(file, &elf->sections[i], NULL, tls))
			return 0;
	return -ENOENT;
}

bool ft_user_tls_needed(const struct ft_user_file *from, const char *name, struct ft_user_tls *tls)
{
	const struct ft_elf *elf = from->elf;

	for (u32 i = 0; elf->machine == EM_X86_64 && elf->is64 && i < elf->section_count; i++)
		if (elf->sections[i].type == SHT_RELA && search(from, &elf->sections[i], name, tls))
			return true;
	return false;
}

/*
 * plt.c - names for the linker's stubs: "puts@plt".
 *
 * A stub in .plt, .plt.sec or .plt.got jumps through a slot of the global offset table, and a
 * relocation says for which symbol the slot is. So: read the stub's instructions, compute the slot,
 * find the slot among the relocations. Only the wanted stubs are decoded, and the relocations are
 * read once from front to back.
 *
 * x86-64 with -z ibtplt has two stubs a function: the lazy one in .plt only pushes the relocation's
 * number, the one in .plt.sec jumps. aarch64 stubs are 16 or 24 bytes: [bti c]; adrp x16; ldr x17,
 * [x16, #]; add x16; br x17; [nop]. Formats: the x86-64 psABI 5.2 and B.2, "ELF for the Arm 64-bit
 * Architecture" 5.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/stub.h"
#include "symbolizer/source.h"

#define RELOCATIONS_MAX (4u << 20)
#define SECTIONS_MAX 8
#define STUB_BYTES 16
#define STUB_BYTES_GOT 8 /* in .plt.got without IBT: a jump and padding */

/* A wanted stub, and what it jumps through. */
struct stub {
	u64 slot;   /* address in the global offset table; by_number: the relocation's number */
	u32 want;   /* index in the group */
	u32 symbol; /* number in the dynamic symbol table */
	u64 addend; /* resolver of an indirect function that has no symbol, or 0 */
	bool by_number, found;
};

struct plt {
	struct ft_elf *elf;
	const struct ft_elf_section *sections[SECTIONS_MAX];
	u32 section_count;
	struct stub *stubs; /* sorted by by_number, slot */
	u32 count;
};

static void find_sections(struct plt *plt)
{
	static const char *const names[] = {".plt", ".plt.sec", ".plt.got", ".iplt", ".plt.bnd"};

	for (size_t i = 0; i < FT_ARRAY_LEN(names); i++) {
		const struct ft_elf_section *s = ft_elf_section(plt->elf, SHT_PROGBITS, names[i]);

		if (s && (s->flags & SHF_EXECINSTR))
			plt->sections[plt->section_count++] = s;
	}
}

/* ---- x86-64 ---- */

static s32 displacement(const u8 *code)
{
	s32 value;

	memcpy(&value, code, sizeof(value));
	return value;
}

/* Decodes a stub of len bytes at an address. False: none that we know. */
static bool stub_decode_x86_64(const u8 *code, size_t len, u64 addr, struct stub *stub)
{
	static const u8 endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	size_t at = 0;

	if (len >= sizeof(endbr64) && !memcmp(code, endbr64, sizeof(endbr64)))
		at = sizeof(endbr64);
	if (at + 5 <= len &&
	    code[at] == 0x68) { /* push $number; the jump to the first stub follows */
		stub->by_number = true;
		stub->slot = (u32)displacement(code + at + 1);
		return true;
	}
	if (at < len && code[at] == 0xf2) /* bnd */
		at++;
	if (at + 6 > len || code[at] != 0xff || code[at + 1] != 0x25) /* jmp *displacement(%rip) */
		return false;
	stub->slot = addr + at + 6 + (u64)(s64)displacement(code + at + 2);
	return true;
}

/* The stub around addr: stubs have one size in a section, and the section begins with one. */
static bool stub_read_x86_64(struct ft_elf *elf, const struct ft_elf_section *section, u64 addr,
			     struct stub *stub)
{
	u64 size = STUB_BYTES, start, into;
	u8 code[STUB_BYTES];

	if (section->entry_bytes == STUB_BYTES_GOT)
		size = STUB_BYTES_GOT;
	into = (addr - section->addr) / size * size;
	start = section->offset + into;
	if (into + size > section->bytes || ft_elf_read_small(elf, start, code, (size_t)size))
		return false;
	return stub_decode_x86_64(code, (size_t)size, section->addr + into, stub);
}

/* ---- aarch64 ---- */

#define A64_BR_X17 0xd61f0220u
#define A64_NOP 0xd503201fu
#define A64_INSTRUCTIONS_BACK 3 /* from br to adrp */

static bool stub_read_aarch64(struct ft_elf *elf, const struct ft_elf_section *section, u64 addr,
			      struct stub *stub)
{
	u64 into = (addr - section->addr) & ~UINT64_C(3);
	u8 code[4 * (A64_INSTRUCTIONS_BACK + 1)];
	u32 op = 0;

	/* On to the branch that ends the stub: at most bti, adrp, ldr, add before it. */
	for (int i = 0; i <= 4; i++, into += 4) {
		if (into + 4 > section->bytes ||
		    ft_elf_read_small(elf, section->offset + into, &op, 4))
			return false;
		if (op == A64_BR_X17 || op == A64_NOP) /* padding is behind the stub */
			break;
	}
	if (op != A64_BR_X17 || into < 4 * A64_INSTRUCTIONS_BACK)
		return false;
	into -= 4 * A64_INSTRUCTIONS_BACK;
	if (ft_elf_read_small(elf, section->offset + into, code, sizeof(code)))
		return false;
	stub->slot = ft_stub_slot_aarch64(code, sizeof(code), section->addr + into);
	return stub->slot != 0;
}

/* ---- relocations ---- */

static bool is_slot_type(const struct ft_elf *elf, u32 type, bool *indirect)
{
	*indirect = false;
	if (elf->machine == EM_X86_64) {
		*indirect = type == R_X86_64_IRELATIVE;
		return *indirect || type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT;
	}
	*indirect = type == R_AARCH64_IRELATIVE;
	return *indirect || type == R_AARCH64_JUMP_SLOT || type == R_AARCH64_GLOB_DAT;
}

static int stub_compare(const void *a, const void *b)
{
	const struct stub *x = a, *y = b;

	if (x->by_number != y->by_number)
		return x->by_number ? 1 : -1;
	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

/* The stubs that jump through a slot (or bear a number) get the relocation's symbol. */
static void stubs_match(struct plt *plt, u64 slot, bool by_number, u32 symbol, u64 addend)
{
	struct stub key = {.slot = slot, .by_number = by_number};
	u32 low = 0, count = plt->count;

	while (count) {
		u32 half = count / 2;

		if (stub_compare(&plt->stubs[low + half], &key) < 0) {
			low += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	for (; low < plt->count && !stub_compare(&plt->stubs[low], &key); low++) {
		/*
		 * The first relocation of a slot is the only one in a sane file; stopping there
		 * bounds the work.
		 */
		if (plt->stubs[low].found)
			return;
		plt->stubs[low].found = true;
		plt->stubs[low].symbol = symbol;
		plt->stubs[low].addend = addend;
	}
}

/* Reads one table of relocations; numbered: it is the one that lazy stubs count in. */
static int relocations_stream(struct plt *plt, const struct ft_elf_section *section, bool numbered)
{
	struct ft_elf_table *t = ft_try_alloc(1, sizeof(*t));
	const void *raw;
	u64 number = 0;

	if (!t)
		return -ENOMEM;
	ft_elf_table_init(t, plt->elf, section->offset, section->bytes, sizeof(Elf64_Rela),
			  RELOCATIONS_MAX);
	for (; (raw = ft_elf_table_next(t)); number++) {
		bool indirect;
		Elf64_Rela rela;
		u32 symbol;

		memcpy(&rela, raw, sizeof(rela));
		if (!is_slot_type(plt->elf, (u32)ELF64_R_TYPE(rela.r_info), &indirect))
			continue;
		symbol = indirect ? 0 : (u32)ELF64_R_SYM(rela.r_info);
		stubs_match(plt, rela.r_offset, false, symbol, indirect ? (u64)rela.r_addend : 0);
		if (numbered)
			stubs_match(plt, number, true, symbol, indirect ? (u64)rela.r_addend : 0);
	}
	free(t);
	return 0;
}

static bool all_found(const struct plt *plt)
{
	for (u32 i = 0; i < plt->count; i++) {
		if (!plt->stubs[i].found)
			return false;
	}
	return true;
}

/* ---- names ---- */

static int want_compare_addr(const void *a, const void *b)
{
	const struct ft_want *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/*
 * Stubs of indirect functions without a symbol, as static programs and libc itself have them, are
 * called after the function that chooses among the implementations. Names all of them.
 */
static int name_indirect(struct ft_sym *sym, struct plt *plt, struct ft_want *wants)
{
	struct ft_want *resolvers = ft_try_alloc(plt->count, sizeof(*resolvers));
	struct ft_group group = {
		.kind = FT_GROUP_FILE,
		.wants = resolvers,
		.elf = plt->elf,
		.fd = -1,
		.debug_fd = -1,
		.package_fd = -1,
		.alt_fd = -1,
		.debug_sought = true, /* there is no module to seek it for */
	};
	struct ft_symbolize_opts opts = {.no_demangle = true};
	const struct ft_strtab *strings = sym->profile->strings;
	struct ft_sym inside = *sym;
	int code = resolvers ? 0 : -ENOMEM;

	inside.opts = &opts;
	for (u32 i = 0; !code && i < plt->count; i++) {
		/* location is free for our use: these wants never leave this function. */
		if (plt->stubs[i].addend)
			resolvers[group.count++] = (struct ft_want){.addr = plt->stubs[i].addend,
								    .location = plt->stubs[i].want,
								    .mapped = true};
	}
	if (!code && group.count) {
		qsort(resolvers, group.count, sizeof(*resolvers), want_compare_addr);
		code = ft_source_elfsym.resolve(&inside, &group);
	}
	for (u32 i = 0; !code && i < group.count; i++) {
		char text[FT_ELF_NAME_MAX];
		size_t len;

		if (!resolvers[i].named)
			continue;
		/* Copied: the string table may move while it takes in the new name. */
		len = ft_strtab_len(strings, resolvers[i].name);
		memcpy(text, ft_strtab_str(strings, resolvers[i].name), len);
		code = ft_want_name(sym, &wants[resolvers[i].location], text, len, "@plt");
	}
	free(resolvers);
	return code;
}

static int name_stub(struct ft_sym *sym, struct plt *plt, struct ft_want *want,
		     const struct stub *stub)
{
	const struct ft_elf_section *dynsym = ft_elf_section(plt->elf, SHT_DYNSYM, NULL), *strings;
	struct ft_elf_symbol symbol;
	char text[FT_ELF_NAME_MAX];
	Elf64_Sym raw;
	size_t len;

	strings = dynsym ? ft_elf_linked(plt->elf, dynsym, SHT_STRTAB) : NULL;
	if (!strings || !stub->symbol || stub->symbol >= dynsym->bytes / sizeof(raw))
		return 0;
	if (ft_elf_read_small(plt->elf, dynsym->offset + (u64)stub->symbol * sizeof(raw), &raw,
			      sizeof(raw)))
		return 0;
	ft_elf_symbol_decode(plt->elf, &raw, &symbol);
	len = ft_elf_string(plt->elf, strings, symbol.name, text, sizeof(text));
	return len ? ft_want_name(sym, want, text, len, "@plt") : 0;
}

static void stubs_collect(struct plt *plt, const struct ft_group *group)
{
	for (u32 i = 0; i < group->count; i++) {
		const struct ft_want *want = &group->wants[i];
		struct stub stub = {.want = i};
		bool known = false;

		if (want->named || !want->mapped)
			continue;
		for (u32 k = 0; k < plt->section_count && !known; k++) {
			const struct ft_elf_section *s = plt->sections[k];

			if (want->addr < s->addr || want->addr - s->addr >= s->bytes)
				continue;
			if (plt->elf->machine == EM_X86_64)
				known = stub_read_x86_64(plt->elf, s, want->addr, &stub);
			else
				known = stub_read_aarch64(plt->elf, s, want->addr, &stub);
		}
		if (known)
			plt->stubs[plt->count++] = stub;
	}
	if (plt->count)
		qsort(plt->stubs, plt->count, sizeof(*plt->stubs), stub_compare);
}

/* Whether any unnamed want lies in a section of stubs. */
static bool any_wanted(const struct plt *plt, const struct ft_group *group)
{
	for (u32 k = 0; k < plt->section_count; k++) {
		const struct ft_elf_section *s = plt->sections[k];
		u32 i = ft_want_lower(group->wants, group->count, s->addr);

		if (i < group->count && group->wants[i].addr - s->addr < s->bytes)
			return true;
	}
	return false;
}

static int plt_resolve(struct ft_sym *sym, struct ft_group *group)
{
	const struct ft_elf_section *jumps, *others;
	struct plt plt = {.elf = group->elf};
	int code = 0;

	if (!plt.elf || !plt.elf->is64 ||
	    (plt.elf->machine != EM_X86_64 && plt.elf->machine != EM_AARCH64))
		return 0;
	find_sections(&plt);
	if (!any_wanted(&plt, group))
		return 0;
	plt.stubs = ft_try_alloc(group->count, sizeof(*plt.stubs));
	if (!plt.stubs)
		return -ENOMEM;
	stubs_collect(&plt, group);
	jumps = ft_elf_section(plt.elf, SHT_RELA, ".rela.plt");
	if (!jumps)
		jumps = ft_elf_section(plt.elf, SHT_RELA, ".rela.iplt");
	others = ft_elf_section(plt.elf, SHT_RELA, ".rela.dyn");
	if (plt.count && jumps)
		code = relocations_stream(&plt, jumps, true);
	if (!code && others && !all_found(&plt))
		code = relocations_stream(&plt, others, false);
	if (!code)
		code = name_indirect(sym, &plt, group->wants);
	for (u32 i = 0; !code && i < plt.count; i++) {
		if (plt.stubs[i].found && !plt.stubs[i].addend)
			code = name_stub(sym, &plt, &group->wants[plt.stubs[i].want],
					 &plt.stubs[i]);
	}
	free(plt.stubs);
	return code;
}

const struct ft_source ft_source_plt = {
	.name = "plt",
	.kinds = 1 << FT_GROUP_FILE,
	.resolve = plt_resolve,
};

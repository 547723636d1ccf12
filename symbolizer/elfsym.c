/*
 * elfsym.c - names from the ELF symbol tables .symtab and .dynsym.
 *
 * The wanted addresses are sorted, so the tables need not be: each is read once from front to back,
 * and every symbol is offered to the wants it covers. Memory is bounded by what is wanted, never by
 * what a file holds.
 *
 * A symbol with a size covers its range; of several, the one that begins last is the innermost,
 * then the shorter one, then the better alias. A symbol without a size (a label in assembler code)
 * reaches up to the next symbol, to the end of its section, or to the end of the function that it
 * lies in. For that we need, per want, facts about all symbols before it ("where does the last one
 * begin?"). They are noted only at the first want behind each symbol and carried on to the others
 * in one pass at the end.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "symbolizer/source.h"

/*
 * Work that a file may cause beyond one step a symbol: nested ranges and aliases of a real file
 * stay far below.
 */
#define STEPS_BASE (1u << 20)
#define STEPS_PER_WANT 256
#define STEPS_PER_COMPARISON 16
#define ALIAS_BYTES 256 /* of two names are compared */

enum { SYMTAB, DYNSYM, TABLES };

struct candidate {
	u64 value, size;
	u32 name;  /* offset into the table's strings */
	u16 table; /* SYMTAB or DYNSYM */
	u8 bind;
	bool set;
};
_Static_assert(sizeof(struct candidate) == 24, "compared by memcmp: no holes");

struct slot {
	struct candidate sized;	  /* the best symbol whose range covers the want */
	struct candidate unsized; /* the last label at or before the want */
	u64 nearest;		  /* where the last symbol of any kind before the want begins */
	u64 end; /* the farthest end of a sized symbol that begins before the want */
};

struct lookup {
	struct ft_elf *elf;
	struct ft_elf *files[TABLES]; /* elf, or the debug file */
	const struct ft_elf_section *strings[TABLES];
	const struct ft_want *wants;
	struct slot *slots; /* one a want */
	u32 count;
	u64 steps;			   /* left of the budget */
	struct ft_map64 *memo;		   /* the group's */
	const struct ft_elf_section *code; /* where the last symbol lay */
};

static unsigned int underscores(const char *name)
{
	unsigned int n = 0;

	/*
	 * Mangled names begin with one by rule; the vDSO's own names tell its functions from
	 * libc's.
	 */
	if (!strncmp(name, "_Z", 2) || !strncmp(name, "_R", 2) || !strncmp(name, "__vdso_", 7))
		return 0;
	while (name[n] == '_')
		n++;
	/* glibc's names for calls inside the library. */
	return strncmp(name, "__GI_", 5) ? n : n + 100;
}

static int bind_rank(u8 bind)
{
	switch (bind) {
	case STB_GLOBAL:
	case STB_GNU_UNIQUE:
		return 0;
	case STB_LOCAL:
		return 1;
	default:
		return 2;
	}
}

bool ft_alias_better(const char *a, u8 bind_a, const char *b, u8 bind_b)
{
	unsigned int under_a = underscores(a), under_b = underscores(b);
	size_t len_a, len_b;

	/* Before the binding: the names that programs call are often weak aliases in glibc. */
	if (under_a != under_b)
		return under_a < under_b;
	if (bind_rank(bind_a) != bind_rank(bind_b))
		return bind_rank(bind_a) < bind_rank(bind_b);
	len_a = strlen(a);
	len_b = strlen(b);
	if (len_a != len_b)
		return len_a < len_b;
	return strcmp(a, b) < 0;
}

/* Aliases: same range, two names. */
static bool candidate_alias_better(struct lookup *lk, const struct candidate *new,
				   const struct candidate *old)
{
	char a[ALIAS_BYTES], b[ALIAS_BYTES];

	/*
	 * .symtab has all that .dynsym has: do not fetch the same name from two places for each of
	 * them.
	 */
	if (new->table != old->table)
		return false;
	lk->steps -= lk->steps < STEPS_PER_COMPARISON ? lk->steps : STEPS_PER_COMPARISON;
	ft_elf_string(lk->files[new->table], lk->strings[new->table], new->name, a, sizeof(a));
	ft_elf_string(lk->files[old->table], lk->strings[old->table], old->name, b, sizeof(b));
	if (!*a || !*b)
		return *a != '\0';
	return ft_alias_better(a, new->bind, b, old->bind);
}

/* Whether a symbol names a place better than the old one, when both cover it. */
static bool sized_better(struct lookup *lk, const struct candidate *new,
			 const struct candidate *old)
{
	if (!old->set)
		return true;
	if (new->value != old->value)
		return new->value > old->value;
	if (new->size != old->size)
		return new->size < old->size;
	return candidate_alias_better(lk, new, old);
}

static void offer_sized(struct lookup *lk, const struct candidate *new, u32 first)
{
	u64 last = new->value + new->size - 1;
	struct candidate met = {0}; /* the rival at the want before: most often the same again */
	bool better = false;

	for (u32 i = first; i < lk->count && lk->wants[i].addr <= last && lk->steps; i++) {
		struct candidate *old = &lk->slots[i].sized;

		lk->steps--;
		if (i == first || memcmp(&met, old, sizeof(met))) {
			met = *old;
			better = sized_better(lk, new, old);
		}
		if (better)
			*old = *new;
	}
}

static void offer_unsized(struct lookup *lk, const struct candidate *new, u32 first)
{
	struct candidate *old = &lk->slots[first].unsized;

	if (old->set && (new->value < old->value ||
			 (new->value == old->value && !candidate_alias_better(lk, new, old))))
		return;
	*old = *new;
}

/*
 * Assembler bookkeeping that is no name: "$x" and "$d" of ARM and RISC-V, annobin's markers, local
 * labels.
 */
static bool is_marker(struct lookup *lk, const struct candidate *c)
{
	char name[16];

	ft_elf_string(lk->files[c->table], lk->strings[c->table], c->name, name, sizeof(name));
	return !*name || *name == '$' || !strncmp(name, ".annobin", 8) || !strncmp(name, ".L", 2);
}

/* Whether a symbol stands for code, and lies in an executable section. */
static bool is_code(struct lookup *lk, const struct ft_elf_symbol *s)
{
	if (s->type != STT_FUNC && s->type != STT_GNU_IFUNC && s->type != STT_NOTYPE)
		return false;
	if (s->section == SHN_UNDEF || !s->name)
		return false;
	if (s->type == STT_NOTYPE && (s->section >= lk->elf->section_count ||
				      !(lk->elf->sections[s->section].flags & SHF_EXECINSTR)))
		return false;
	if (!lk->code || s->value < lk->code->addr || s->value - lk->code->addr >= lk->code->bytes)
		lk->code = ft_elf_code_section(lk->elf, s->value);
	return lk->code != NULL;
}

static void offer(struct lookup *lk, const struct ft_elf_symbol *s, u16 table)
{
	struct candidate c = {s->value, s->size, s->name, table, s->bind, true};
	struct slot *slot;
	u32 first;
	u64 end;

	if (s->value > lk->wants[lk->count - 1].addr || !is_code(lk, s))
		return;
	if (__builtin_add_overflow(s->value, s->size, &end))
		return;
	if (!s->size && is_marker(lk, &c))
		return;
	first = ft_want_lower(lk->wants, lk->count, s->value);
	slot = &lk->slots[first];
	if (s->value > slot->nearest)
		slot->nearest = s->value;
	if (end > slot->end && s->size)
		slot->end = end;
	if (s->size)
		offer_sized(lk, &c, first);
	else
		offer_unsized(lk, &c, first);
}

static int stream(struct lookup *lk, struct ft_elf *elf, u32 type, u16 table)
{
	const struct ft_elf_section *symbols = ft_elf_section(elf, type, NULL);
	const struct ft_elf_section *strings;
	struct ft_elf_symbol symbol;
	struct ft_elf_table *t;
	const void *entry;

	strings = symbols ? ft_elf_linked(elf, symbols, SHT_STRTAB) : NULL;
	if (!strings)
		return 0;
	t = ft_try_alloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	lk->strings[table] = strings;
	lk->files[table] = elf;
	ft_elf_table_init(t, elf, symbols->offset, symbols->bytes, ft_elf_symbol_bytes(elf),
			  FT_ELF_SYMBOLS_MAX);
	while (lk->steps && (entry = ft_elf_table_next(t))) {
		ft_elf_symbol_decode(elf, entry, &symbol);
		offer(lk, &symbol, table);
	}
	free(t);
	return 0;
}

/* Carries on to each want what was noted at the wants before it. */
static void carry(struct lookup *lk)
{
	for (u32 i = 1; i < lk->count; i++) {
		struct slot *slot = &lk->slots[i];
		const struct slot *before = &lk->slots[i - 1];

		if (before->nearest > slot->nearest)
			slot->nearest = before->nearest;
		if (before->end > slot->end)
			slot->end = before->end;
		if (before->unsized.set && !slot->unsized.set)
			slot->unsized = before->unsized;
	}
}

/* Whether the last label before addr reaches it. */
static bool label_reaches(struct lookup *lk, const struct slot *slot, u64 addr)
{
	const struct ft_elf_section *code;
	u64 value = slot->unsized.value, start, end;

	if (!slot->unsized.set || value != slot->nearest ||
	    (slot->end > value && slot->end <= addr))
		return false;
	code = ft_elf_code_section(lk->elf, value);
	if (!code || addr - code->addr >= code->bytes)
		return false;
	/*
	 * Where local symbols were stripped "the next symbol" may be far: another function may
	 * begin between.
	 */
	if (!lk->strings[SYMTAB] && ft_fde_find(lk->elf, addr, &start, &end) && start > value)
		return false;
	return true;
}

static bool is_mangled(const char *name)
{
	return *name == '_' && (name[1] == 'Z' || name[1] == 'R' || name[1] == 'D');
}

/*
 * Names a want by a symbol. A module that is held open is asked in many batches: the readable name
 * of a symbol (by table and place of its name) is made once. A memo is string id and kind.
 */
static int name_want(struct lookup *lk, struct ft_sym *sym, struct ft_want *want,
		     const struct candidate *c)
{
	u64 key = ((u64)c->table + 1) << 32 | c->name;
	const u64 *memo = ft_map64_find(lk->memo, key);
	char text[FT_ELF_NAME_MAX];
	size_t len;
	u64 *fresh;
	int code;

	if (memo && !want->plain) {
		want->name = (u32)(*memo >> 8);
		want->kind = (u8)*memo;
		want->named = true;
		return 0;
	}
	len = ft_elf_string(lk->files[c->table], lk->strings[c->table], c->name, text,
			    sizeof(text));
	if (!len || (want->plain && !is_mangled(text)))
		return 0;
	code = ft_want_name(sym, want, text, len, NULL);
	fresh = code ? NULL : ft_map64_at(lk->memo, key);
	if (!fresh)
		return -ENOMEM;
	*fresh = (u64)want->name << 8 | want->kind;
	return 0;
}

static int name_wants(struct lookup *lk, struct ft_sym *sym, struct ft_want *wants)
{
	const struct candidate *last = NULL;
	struct ft_want *last_want = NULL;

	for (u32 i = 0; i < lk->count; i++) {
		const struct slot *slot = &lk->slots[i];
		const struct candidate *c = slot->sized.set ? &slot->sized : &slot->unsized;
		int code;

		if ((wants[i].named && !wants[i].plain) || !wants[i].mapped)
			continue;
		if (!slot->sized.set && !label_reaches(lk, slot, wants[i].addr))
			continue;
		if (last && last->name == c->name && last->table == c->table) {
			ft_want_copy(&wants[i], last_want);
			continue;
		}
		code = name_want(lk, sym, &wants[i], c);
		if (code)
			return code;
		if (!wants[i].named || wants[i].plain)
			continue;
		last = c;
		last_want = &wants[i];
	}
	return 0;
}

static bool all_named(const struct ft_group *group)
{
	for (u32 i = 0; i < group->count; i++) {
		if (!group->wants[i].named || group->wants[i].plain)
			return false;
	}
	return true;
}

static int elfsym_resolve(struct ft_sym *sym, struct ft_group *group)
{
	struct lookup lk = {.elf = group->elf,
			    .wants = group->wants,
			    .count = group->count,
			    .memo = &group->symbols};
	struct ft_elf *symtab = group->elf;
	int code;

	if (!group->elf || all_named(group))
		return 0;
	code = ft_debugfile_seek(sym, group);
	if (code)
		return code;
	if (group->debug_elf && !ft_elf_section(symtab, SHT_SYMTAB, NULL))
		symtab = group->debug_elf;
	lk.steps = STEPS_BASE + (u64)STEPS_PER_WANT * group->count;
	lk.slots = ft_try_alloc(group->count, sizeof(*lk.slots));
	if (!lk.slots)
		return -ENOMEM;
	code = stream(&lk, symtab, SHT_SYMTAB, SYMTAB);
	if (!code)
		code = stream(&lk, group->elf, SHT_DYNSYM, DYNSYM);
	if (!code) {
		carry(&lk);
		code = name_wants(&lk, sym, group->wants);
	}
	free(lk.slots);
	return code;
}

const struct ft_source ft_source_elfsym = {
	.name = "elfsym",
	.kinds = 1 << FT_GROUP_FILE | 1 << FT_GROUP_VDSO,
	.resolve = elfsym_resolve,
};

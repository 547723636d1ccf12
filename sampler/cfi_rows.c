/*
 * cfi_rows.c - numbers rules and collects rows.
 *
 * A file of 400,000 rows has some hundred different rules: each is kept once and found by a hash
 * table. Rows come in rising order; one that says the same as its neighbour is not kept.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "sampler/cfi_frames.h"

#define PROBES_MAX 64 /* a file made to collide gets BAD rules rather than our time */
#define SLOTS_FIRST 1024

/* A rule as two numbers. */
struct rule_words {
	u64 first, second;
};

/*
 * The CFA's offset is read by itself, as it is written: it has most often just changed, and the
 * processor would make a wider read wait for that.
 */
static struct rule_words rule_words(const struct ft_cfi_rule *rule)
{
	u32 offset = (u32)rule->cfa_offset, rest;
	u64 second;

	__asm__("" : "+r"(offset)); /* lest the compiler make it one read of 8 bytes */
	memcpy(&rest, (const u8 *)rule + sizeof(offset), sizeof(rest));
	memcpy(&second, (const u8 *)rule + 8, sizeof(second));
	return (struct rule_words){offset | (u64)rest << 32, second};
}

/* The slot of a rule: it is there, or the slot is free. NULL: neither within the bound. */
static u16 *slot_find(struct cfi_rows *rows, const struct ft_cfi_rule *rule)
{
	struct rule_words words = rule_words(rule), there;
	size_t mask = rows->slot_count - 1;
	size_t slot = ft_hash_mix(words.first, words.second) & mask;

	for (unsigned int i = 0; i < PROBES_MAX; i++, slot = (slot + 1) & mask) {
		u16 id = rows->slots[slot];

		if (!id)
			return &rows->slots[slot];
		memcpy(&there, &rows->table->rules[id], sizeof(there));
		if (there.first == words.first && there.second == words.second)
			return &rows->slots[slot];
	}
	return NULL;
}

/* Keeps the hash table half empty. 0 or -ENOMEM. */
static int slots_reserve(struct cfi_rows *rows, size_t rules)
{
	size_t count = rows->slot_count;
	u16 *slots;

	if (rules > FT_CFI_RULES_MAX)
		rules = FT_CFI_RULES_MAX;
	while (count < 2 * rules)
		count *= 2;
	if (rows->slots && count == rows->slot_count)
		return 0;
	slots = ft_try_alloc(count, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(rows->slots);
	rows->slots = slots;
	rows->slot_count = count;
	for (u32 id = 1; id < rows->table->rule_count; id++) {
		u16 *slot = slot_find(rows, &rows->table->rules[id]);

		/* One that finds no place is merely added again when it is wanted again. */
		if (slot)
			*slot = (u16)id;
	}
	return 0;
}

int cfi_rows_init(struct cfi_rows *rows, struct ft_cfi_table *table, size_t row_guess)
{
	*rows = (struct cfi_rows){.table = table, .slot_count = SLOTS_FIRST};
	if (FT_GROW(&table->rules, &rows->rule_cap, 64))
		return -ENOMEM;
	table->rules[FT_CFI_RULE_BAD].cfa_kind = FT_CFI_CFA_BAD;
	table->rule_count = 2;
	if (row_guess > CFI_ROWS_MAX)
		row_guess = CFI_ROWS_MAX;
	table->pcs = ft_try_alloc_large(row_guess * sizeof(*table->pcs));
	table->row_rules = ft_try_alloc_large(row_guess * sizeof(*table->row_rules));
	rows->row_cap = row_guess;
	return table->pcs && table->row_rules ? slots_reserve(rows, 2) : -ENOMEM;
}

void cfi_rows_fini(struct cfi_rows *rows)
{
	free(rows->slots);
}

int cfi_rows_reserve(struct cfi_rows *rows, size_t count)
{
	struct ft_cfi_table *table = rows->table;
	size_t need = table->row_count + count, cap = rows->row_cap;

	if (need > CFI_ROWS_MAX)
		return -ENOSPC;
	if (need <= cap)
		return 0;
	if (FT_GROW_RAW(&table->row_rules, &cap, need))
		return -ENOMEM;
	cap = rows->row_cap;
	if (FT_GROW_RAW(&table->pcs, &cap, need))
		return -ENOMEM;
	rows->row_cap = cap;
	return 0;
}

/* The number of a rule, which is added if it is new. */
static u16 rule_id(struct cfi_rows *rows, const struct ft_cfi_rule *rule)
{
	struct ft_cfi_table *table = rows->table;
	u16 *slot, id;

	if (rule->cfa_kind == FT_CFI_CFA_BAD || rule->ra_kind == FT_CFI_LOST)
		return FT_CFI_RULE_BAD;
	slot = slot_find(rows, rule);
	id = slot ? *slot : 0;
	if (id)
		return id;
	if (!slot || table->rule_count == FT_CFI_RULES_MAX ||
	    FT_GROW(&table->rules, &rows->rule_cap, table->rule_count + 1)) {
		table->stats.rules_full = true;
		return FT_CFI_RULE_BAD;
	}
	table->rules[table->rule_count] = *rule;
	*slot = (u16)table->rule_count++;
	/* Without memory for a larger table the probes get longer, up to their bound. */
	(void)slots_reserve(rows, table->rule_count);
	return (u16)(table->rule_count - 1);
}

/*
 * Turns "at CFA + 8 * words" into "at register + 8 * words" for a CFA that is a register plus an
 * offset.
 */
static bool rule_unbase(struct ft_cfi_rule *rule)
{
	s32 fp = rule->fp_words + rule->cfa_offset / 8, ra = rule->ra_words + rule->cfa_offset / 8;

	if (rule->cfa_kind != FT_CFI_CFA_REG || rule->cfa_offset % 8)
		return false;
	if (rule->ra_kind == FT_CFI_AT_CFA) {
		rule->ra_kind = FT_CFI_AT_REG;
		rule->ra_reg = rule->cfa_reg;
		rule->ra_words = (cfi_words)ra;
	}
	if (rule->fp_kind == FT_CFI_AT_CFA) {
		rule->fp_kind = FT_CFI_AT_REG;
		rule->fp_reg = rule->cfa_reg;
		rule->fp_words = (cfi_words)fp;
	}
	if (rule->bx_kind == FT_CFI_AT_CFA) {
		rule->bx_kind = FT_CFI_LOST;
		rule->bx_words = 0;
	}
	return fp == (cfi_words)fp && ra == (cfi_words)ra && rule->fp_kind != FT_CFI_IS_CFA;
}

/*
 * The caller's sp is not the CFA: longjmp and setcontext, in which "the caller" is the context they
 * go to and the CFA is a buffer that holds its registers. To whoever walks the stack the CFA is the
 * caller's sp, so that becomes it.
 */
static void rule_apply_sp(struct ft_cfi_rule *rule, const struct cfi_state *state)
{
	s64 at_cfa = (s64)rule->cfa_offset + state->sp_words * 8;
	u8 kind = state->sp_kind;

	if (kind == FT_CFI_IS_CFA && !state->sp_words)
		return;
	/* Signal frames say it twice: as CFA, and as the place where sp is saved. */
	if (kind == FT_CFI_AT_REG && rule->cfa_kind == FT_CFI_CFA_DEREF && !rule->cfa_add &&
	    rule->cfa_reg == state->sp_reg && rule->cfa_offset == state->sp_words * 8)
		return;
	if (!rule_unbase(rule))
		kind = 0;
	if (kind == FT_CFI_IN_REG || kind == CFI_IS_REG) {
		rule->cfa_reg = state->sp_reg & 31u;
		rule->cfa_offset = state->sp_words * 8;
	} else if (kind == FT_CFI_AT_REG) {
		rule->cfa_kind = FT_CFI_CFA_DEREF;
		rule->cfa_reg = state->sp_reg & 31u;
		rule->cfa_offset = state->sp_words * 8;
	} else if (kind == FT_CFI_AT_CFA && at_cfa == (s32)at_cfa) {
		rule->cfa_kind = FT_CFI_CFA_DEREF;
		rule->cfa_offset = (s32)at_cfa;
	} else {
		rule->cfa_kind = FT_CFI_CFA_BAD;
	}
}

/*
 * The frame that the x86-64 kernel makes for a signal: a struct ucontext at sp, its sigcontext 40
 * bytes further.
 */
static bool is_sigframe(const struct ft_cfi_rule *r)
{
	return r->cfa_kind == FT_CFI_CFA_DEREF && r->cfa_reg == FT_CFI_X86_SP &&
	       r->cfa_offset == 160 && !r->cfa_add && r->fp_kind == FT_CFI_AT_REG &&
	       r->fp_reg == FT_CFI_X86_SP && r->fp_words * 8 == 120 &&
	       r->ra_kind == FT_CFI_AT_REG && r->ra_reg == FT_CFI_X86_SP && r->ra_words * 8 == 168;
}

void cfi_rows_add_fixed(struct cfi_rows *rows, u32 pc, u16 rule)
{
	struct ft_cfi_table *table = rows->table;
	u32 n = table->row_count;

	if (n && table->pcs[n - 1] == pc)
		n--;
	if (!n || table->row_rules[n - 1] != rule) {
		table->pcs[n] = pc;
		table->row_rules[n] = rule;
		n++;
	}
	table->row_count = n;
}

void cfi_rows_add(struct cfi_rows *rows, u32 pc, const struct cfi_state *state)
{
	u16 id;

	if (state->sp_kind == FT_CFI_SAME && !state->rule.signal) {
		id = rule_id(rows, &state->rule);
	} else {
		struct ft_cfi_rule rule = state->rule;

		if (state->sp_kind != FT_CFI_SAME)
			rule_apply_sp(&rule, state);
		if (rows->table->machine == EM_X86_64 && rule.signal && is_sigframe(&rule))
			rule.cfa_kind = FT_CFI_CFA_SIGFRAME;
		id = rule_id(rows, &rule);
	}
	cfi_rows_add_fixed(rows, pc < rows->from ? rows->from : pc, id);
}

/* tables.c - see tables.h. */
#include "sampler/tables.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/elf.h"
#include "sampler/cfi.h"

#define PAGE_MASK 4095ull

/* A loaded part of a file: which addresses its bytes get. */
struct segment {
	u64 offset, bytes, addr;
};

struct table {
	enum ft_wire_table state;
	u32 index, rows, rules; /* places in the pool */
	u64 base;		/* address as linked of pc 0 */
	u32 span;
	struct segment *segments;
	u32 segment_count;
};

struct ft_tables {
	const struct ft_raw *raw;
	struct ft_pool *pool;
	struct table *list; /* by module */
	size_t cap;
	u32 refused, version;
};

/* For places that no table speaks of. */
static const struct ft_cfi_rule no_rule = {.cfa_kind = FT_CFI_CFA_NONE};

struct ft_tables *ft_tables_new(const struct ft_raw *raw, struct ft_pool *pool)
{
	struct ft_tables *tables = ft_alloc(sizeof(*tables));

	tables->raw = raw;
	tables->pool = pool;
	return tables;
}

void ft_tables_free(struct ft_tables *tables)
{
	if (!tables)
		return;
	for (size_t i = 0; i < tables->cap; i++)
		free(tables->list[i].segments);
	free(tables->list);
	free(tables);
}

/* Puts a table into the pool: index, rows, and rules. */
static int place_table(struct ft_tables *tables, const struct ft_cfi_table *cfi, struct table *t)
{
	u32 index_words = (u32)ft_cfi_index_count(cfi), row_words = (cfi->packed_count + 1) / 2;
	u32 rule_words = cfi->rule_count * FT_WIRE_RULE_WORDS;
	u32 *packed = ft_try_alloc((size_t)index_words + row_words, sizeof(*packed));

	if (!packed)
		return -ENOMEM;
	t->index = ft_pool_alloc(tables->pool, index_words, false);
	t->rows = ft_pool_alloc(tables->pool, row_words, false);
	t->rules = ft_pool_alloc(tables->pool, rule_words, true);
	if (!t->index || !t->rows || !t->rules) {
		ft_pool_free(tables->pool, t->index, index_words);
		ft_pool_free(tables->pool, t->rows, row_words);
		ft_pool_free(tables->pool, t->rules, rule_words);
		free(packed);
		tables->refused++;
		return -ENOSPC;
	}
	ft_cfi_pack(cfi, t->rows * 2, packed, (u16 *)(packed + index_words));
	ft_pool_write(tables->pool, t->index, packed, index_words);
	ft_pool_write(tables->pool, t->rows, packed + index_words, row_words);
	ft_pool_write(tables->pool, t->rules, cfi->rules, rule_words);
	t->base = cfi->base;
	t->span = cfi->span;
	free(packed);
	return 0;
}

static int copy_segments(const struct ft_elf *elf, struct table *t)
{
	t->segments = ft_try_alloc(elf->segment_count, sizeof(*t->segments));
	if (!t->segments)
		return -ENOMEM;
	for (u32 i = 0; i < elf->segment_count; i++) {
		const struct ft_elf_segment *s = &elf->segments[i];

		if (s->type == PT_LOAD)
			t->segments[t->segment_count++] =
				(struct segment){s->offset, s->file_bytes, s->addr};
	}
	return 0;
}

static int open_elf(const struct ft_module *module, struct ft_elf **elf)
{
	if (module->kind == FT_MODULE_VDSO)
		return ft_elf_open_vdso(elf);
	return module->fd >= 0 ? ft_elf_open(module->fd, elf) : -ENODATA;
}

enum ft_wire_table ft_tables_build(struct ft_tables *tables, u32 module)
{
	const struct ft_module *m = &tables->raw->modules[module];
	struct ft_cfi_table cfi;
	struct ft_elf *elf;
	struct table *t;
	int code;

	if (m->kind == FT_MODULE_ANON)
		return FT_WIRE_TABLE_JIT;
	if (module >= tables->cap) {
		size_t old = tables->cap;

		if (FT_GROW(&tables->list, &tables->cap, (size_t)module + 1))
			return FT_WIRE_TABLE_NONE;
		for (size_t i = old; i < tables->cap; i++)
			tables->list[i].state = FT_WIRE_TABLE_PENDING;
	}
	t = &tables->list[module];
	if (t->state != FT_WIRE_TABLE_PENDING)
		return t->state;
	t->state = FT_WIRE_TABLE_NONE;
	tables->version++;
	if (open_elf(m, &elf))
		return t->state;
	code = copy_segments(elf, t);
	if (!code)
		code = ft_cfi_build(elf, &cfi, NULL);
	ft_elf_close(elf);
	if (code)
		return t->state;
	if (place_table(tables, &cfi, t) == 0)
		t->state = FT_WIRE_TABLE_READY;
	ft_cfi_fini(&cfi);
	return t->state;
}

/* Address as linked of a file offset; false when no loaded part holds it. */
static bool linked_address(const struct table *t, u64 offset, u64 *addr)
{
	for (u32 i = 0; i < t->segment_count; i++) {
		const struct segment *s = &t->segments[i];

		/* Mappings begin on pages, also before the part's first byte. */
		if (offset < (s->offset & ~PAGE_MASK) || offset >= s->offset + s->bytes)
			continue;
		*addr = offset - s->offset + s->addr;
		return true;
	}
	return false;
}

void ft_tables_describe(struct ft_tables *tables, const struct ft_mapping *mapping,
			struct ft_wire_mapping *wire)
{
	const struct ft_module *m = &tables->raw->modules[mapping->module];
	const struct table *t;
	u64 linked;

	*wire = (struct ft_wire_mapping){
		.start = mapping->start,
		.pages = (u32)((mapping->end - mapping->start) / 4096),
	};
	wire->table = FT_WIRE_TABLE_PENDING;
	if (m->kind == FT_MODULE_ANON)
		wire->table = FT_WIRE_TABLE_JIT;
	if (m->kind == FT_MODULE_ANON || mapping->module >= tables->cap)
		return;
	t = &tables->list[mapping->module];
	wire->table = t->state & 3;
	if (t->state != FT_WIRE_TABLE_READY)
		return;
	if (m->kind == FT_MODULE_VDSO)
		linked = t->segment_count ? t->segments[0].addr : 0;
	else if (!linked_address(t, mapping->offset, &linked)) {
		wire->table = FT_WIRE_TABLE_NONE;
		return;
	}
	wire->base = mapping->start - linked + t->base;
	wire->index = t->index;
	wire->rules = t->rules;
	wire->span = t->span & ((1u << 30) - 1);
}

const struct ft_cfi_rule *ft_tables_find(const struct ft_tables *tables,
					 const struct ft_wire_mapping *wire, u64 addr)
{
	u64 offset = addr - wire->base;
	u32 place = wire->index + (u32)(offset >> FT_CFI_GRANULE_SHIFT), low, high, code;

	if (offset >= wire->span)
		return &no_rule;
	low = ft_pool_word(tables->pool, place);
	high = ft_pool_word(tables->pool, place + 1);
	/*
	 * Finds the first row of the granule that is beyond the address; the one before it holds.
	 */
	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (FT_CFI_ROW_PC(ft_pool_half(tables->pool, middle)) <=
		    (offset & (FT_CFI_GRANULE - 1)))
			low = middle + 1;
		else
			high = middle;
	}
	code = FT_CFI_ROW_CODE(ft_pool_half(tables->pool, low - 1));
	if (code >= FT_CFI_CODE_WIDE)
		code = FT_CFI_CODE_JOIN(code, FT_CFI_ROW_CODE(ft_pool_half(tables->pool, low - 2)));
	return ft_pool_at(tables->pool, wire->rules + code * FT_WIRE_RULE_WORDS);
}

u32 ft_tables_version(const struct ft_tables *tables)
{
	return tables->version;
}

u32 ft_tables_refused(const struct ft_tables *tables)
{
	return tables->refused;
}

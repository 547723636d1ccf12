/*
 * symbols.c - one file held open for look-ups (symbolizer.h).
 *
 * The same sources as for a profile, asked about one group again and again: what they have read of
 * the debug information stays.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "symbolizer/source.h"

/* An address and its place among the caller's. */
struct key {
	u64 addr;
	u32 index;
};

/* What is asked about a want afterwards: half a cache line. */
struct answer {
	u64 start;
	u32 name, file, line, column;
	u32 first; /* call */
	u16 inlined;
};
_Static_assert(sizeof(struct answer) == 32, "half a cache line");

struct ft_symbols {
	struct ft_sym sym;
	struct ft_symbolize_notes notes;
	struct ft_group group;
	struct key *keys; /* twice as many, for sorting */
	size_t key_cap;
	struct ft_want *wants; /* sorted by address */
	size_t want_cap;
	/*
	 * By the caller's index. Asked about in that order, which in the wants would miss the
	 * caches at every step.
	 */
	struct answer *answers;
	size_t answer_cap;
};

static int open_error(const struct ft_symbols *symbols, struct ft_err *err)
{
	const char *path = symbols->group.module->path;

	if (symbols->notes.files_replaced)
		return ft_err_set(err, -ESTALE,
				  "%s is not the file that ran: it has another build-id", path);
	if (symbols->notes.files_missing)
		return ft_err_set(err, -ENOENT, "cannot read %s", path);
	return ft_err_set(err, -ENOEXEC, "%s is no ELF file of this machine", path);
}

int ft_symbols_open(const struct ft_module *module, const struct ft_symbolize_opts *opts,
		    struct ft_symbols **symbols, struct ft_err *err)
{
	struct ft_symbols *s = ft_alloc(sizeof(*s));
	int code = 0;

	s->sym.opts = opts;
	s->sym.notes = &s->notes;
	s->sym.profile = ft_profile_new();
	s->group = (struct ft_group){.kind = ft_group_kind_of(module),
				     .module = module,
				     .fd = -1,
				     .debug_fd = -1,
				     .package_fd = -1,
				     .alt_fd = -1};
	if (!s->sym.profile || ft_group_open(&s->sym, &s->group))
		code = ft_err_set(err, -ENOMEM, "out of memory");
	else if (!s->group.elf && s->group.kind != FT_GROUP_ANON)
		code = open_error(s, err);
	if (code)
		ft_symbols_close(s);
	else
		*symbols = s;
	return code;
}

int ft_symbols_open_kernel(struct ft_symbols **symbols, struct ft_err *err)
{
	struct ft_symbols *s = ft_alloc(sizeof(*s));

	s->sym.notes = &s->notes;
	s->sym.profile = ft_profile_new();
	s->group = (struct ft_group){
		.kind = FT_GROUP_KERNEL, .fd = -1, .debug_fd = -1, .package_fd = -1, .alt_fd = -1};
	if (!s->sym.profile) {
		ft_symbols_close(s);
		return ft_err_set(err, -ENOMEM, "out of memory");
	}
	*symbols = s;
	return 0;
}

void ft_symbols_close(struct ft_symbols *symbols)
{
	if (!symbols)
		return;
	ft_group_close(&symbols->group);
	ft_profile_free(symbols->sym.profile);
	free(symbols->sym.calls);
	free(symbols->keys);
	free(symbols->wants);
	free(symbols->answers);
	free(symbols);
}

const struct ft_symbolize_notes *ft_symbols_notes(const struct ft_symbols *symbols)
{
	return &symbols->notes;
}

bool ft_symbols_link(const struct ft_symbols *symbols, u64 offset, u64 *addr)
{
	if (symbols->group.elf)
		return ft_elf_addr_of_offset(symbols->group.elf, offset, addr);
	*addr = offset;
	return true;
}

bool ft_symbols_function(const struct ft_symbols *symbols, u64 addr, u64 *start, u64 *end)
{
	const struct ft_want *want;
	u32 i;

	if (symbols->group.kind != FT_GROUP_KERNEL)
		return symbols->group.elf && ft_fde_find(symbols->group.elf, addr, start, end);
	i = ft_want_lower(symbols->group.wants, symbols->group.count, addr);
	want = &symbols->group.wants[i];
	if (i == symbols->group.count || want->addr != addr || !want->named || !want->end)
		return false;
	*start = want->start;
	*end = want->end;
	return true;
}

/* Sorts keys by address, a byte at a time from the lowest; spare is as large. Returns either. */
static struct key *keys_sort(struct key *keys, struct key *spare, u32 count)
{
	u64 differ = 0;

	for (u32 i = 1; i < count; i++)
		differ |= keys[i].addr ^ keys[0].addr;
	for (u32 shift = 0; shift < 64; shift += 8) {
		u32 places[256] = {0}, place = 0;
		struct key *sorted = spare;

		if (!(differ >> shift & 0xFF))
			continue;
		for (u32 i = 0; i < count; i++)
			places[keys[i].addr >> shift & 0xFF]++;
		for (u32 digit = 0; digit < 256; digit++) {
			u32 n = places[digit];

			places[digit] = place;
			place += n;
		}
		for (u32 i = 0; i < count; i++)
			sorted[places[keys[i].addr >> shift & 0xFF]++] = keys[i];
		spare = keys;
		keys = sorted;
	}
	return keys;
}

int ft_symbols_find(struct ft_symbols *symbols, const u64 *addrs, u32 count)
{
	struct ft_sym *sym = &symbols->sym;
	const struct key *sorted;
	int code;

	if (!count)
		return 0;
	if (count > UINT32_MAX / 2 ||
	    FT_GROW_RAW(&symbols->keys, &symbols->key_cap, (size_t)count * 2) ||
	    FT_GROW_RAW(&symbols->wants, &symbols->want_cap, count) ||
	    FT_GROW_RAW(&symbols->answers, &symbols->answer_cap, count))
		return -ENOMEM;
	for (u32 i = 0; i < count; i++)
		symbols->keys[i] = (struct key){addrs[i], i};
	sorted = keys_sort(symbols->keys, symbols->keys + count, count);
	for (u32 i = 0; i < count; i++) {
		symbols->wants[i] = (struct ft_want){
			.addr = sorted[i].addr, .start = sorted[i].addr, .mapped = true};
	}
	sym->call_count = 0;
	symbols->group.wants = symbols->wants;
	symbols->group.count = count;
	code = ft_group_ask(sym, &symbols->group);
	for (u32 i = 0; !code && i < count; i++) {
		const struct ft_want *want = &symbols->wants[i];

		symbols->answers[sorted[i].index] = (struct answer){.start = want->start,
								    .name = want->name,
								    .file = want->file,
								    .line = want->line,
								    .column = want->column,
								    .first = want->first,
								    .inlined = want->inlined};
	}
	return code;
}

static const char *text_of(const struct ft_symbols *symbols, u32 id)
{
	return id ? ft_strtab_str(symbols->sym.profile->strings, id) : NULL;
}

bool ft_symbols_frame(const struct ft_symbols *symbols, u32 index, u32 depth,
		      struct ft_symbols_frame *frame)
{
	const struct answer *want = &symbols->answers[index];

	if (depth > want->inlined)
		return false;
	if (depth == want->inlined) {
		*frame = (struct ft_symbols_frame){.function = text_of(symbols, want->name),
						   .file = text_of(symbols, want->file),
						   .line = want->line,
						   .column = want->column,
						   .start = want->start};
	} else {
		const struct ft_call *call =
			&symbols->sym.calls[want->first + want->inlined - 1 - depth];

		*frame = (struct ft_symbols_frame){.function = text_of(symbols, call->name),
						   .file = text_of(symbols, call->file),
						   .line = call->line,
						   .column = call->column,
						   .inlined = true};
	}
	return true;
}

bool ft_symbols_variables(struct ft_symbols *symbols, u64 addr, u32 depth,
			  const struct ft_machine *machine, ft_variable_fn fn, void *context)
{
	return symbols->group.dwarf &&
	       ft_dwarf_variables(symbols->group.dwarf, addr, depth, machine, fn, context);
}

bool ft_symbols_call_value(struct ft_symbols *symbols, u64 addr, u32 reg, const char *callee,
			   const struct ft_machine *machine, u64 *value)
{
	const char *symbol = NULL;
	struct ft_name name;

	if (!callee || !symbols->group.dwarf ||
	    !ft_dwarf_call_value(symbols->group.dwarf, addr, reg, machine, &symbol, value))
		return false;
	ft_name_make(&name, symbol, strnlen(symbol, FT_ELF_NAME_MAX), NULL,
		     ft_sym_style(&symbols->sym));
	return name.len == strlen(callee) && !memcmp(name.text, callee, name.len);
}

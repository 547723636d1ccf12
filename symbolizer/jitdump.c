/*
 * jitdump.c - names and lines of code made at run time, from the jitdump file that its compiler
 * writes (node --perf-prof, LuaJIT, LLVM and others).
 *
 * Records come in the order of time. A want that has a time gets what was at its address then (or,
 * if nothing was yet, what came first: it did run). Of one without, the last counts, and a function
 * that was moved is known at both places. Which wants have times: jitdates.c.
 *
 * The file is read twice: for the functions whose moves matter, then for names. Memory is bounded
 * by what is wanted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "symbolizer/jitdump_file.h"
#include "symbolizer/name.h"
#include "symbolizer/source.h"

#define LINES_MAX (1u << 20) /* of one function */
#define STEPS_BASE (1u << 22)
#define STEPS_PER_WANT 64

struct debug_entry {
	u64 addr;
	u32 line, discriminator;
};

struct reader {
	struct ft_sym *sym;
	struct ft_group *group;
	u64 steps;
	/* index + 1 of functions that moved to wants: string id + 1, once known */
	struct ft_map64 moved;
	struct ft_jit_record lines; /* the last debug information; bytes 0: none */
	bool naming;		    /* the second time */
};

/* Whether code that came at when_ns is what a want is of, as far as the file has been read. */
static bool is_of(const struct ft_want *want, const struct ft_jitdump *dump, u64 when_ns)
{
	return !want->when_ns || !dump->dated || when_ns <= want->when_ns ||
	       (!want->named && !want->moved);
}

/* Names the wants in a range. *name is made when it is first needed: 0 until then. */
static int name_range(struct reader *r, const struct ft_jitdump *dump,
		      const struct ft_jit_record *record, const char *text, size_t len, u32 *name)
{
	const struct ft_group *g = r->group;
	u32 i = ft_want_lower(g->wants, g->count, record->addr);

	for (; i < g->count && g->wants[i].addr - record->addr < record->bytes && r->steps;
	     i++, r->steps--) {
		struct ft_want *want = &g->wants[i];

		if (!is_of(want, dump, record->when_ns))
			continue;
		if (!*name) {
			struct ft_name made;

			ft_name_plain(&made, text, len);
			*name = ft_strtab_add(r->sym->profile->strings, made.text, made.len);
			if (*name == FT_STR_NONE)
				return -ENOMEM;
		}
		want->name = *name;
		want->kind = FT_FRAME_JIT;
		want->named = true;
		want->moved = false;
		want->file = want->line = want->column = 0;
	}
	return 0;
}

static bool range_wanted(const struct reader *r, u64 addr, u64 bytes)
{
	const struct ft_group *g = r->group;
	u32 i = ft_want_lower(g->wants, g->count, addr);

	return i < g->count && g->wants[i].addr - addr < bytes;
}

/* The line of each want of a function that was just named: the last entry at or before it. */
static int lines_take(struct reader *r, const struct ft_jitdump *dump,
		      const struct ft_jit_record *load, u32 name)
{
	const struct ft_group *g = r->group;
	u32 first = ft_want_lower(g->wants, g->count, load->addr);
	u64 at = r->lines.at, best = 0;
	char text[FT_JIT_TEXT_MAX + 1];
	u32 file = 0, last = 0;

	for (u64 n = 0; n < r->lines.bytes && n < LINES_MAX && at < r->lines.end; n++) {
		struct debug_entry entry;
		size_t len;

		if (!ft_jitdump_bytes(dump, at, &entry, sizeof(entry)))
			return 0;
		len = ft_jitdump_text(dump, at + sizeof(entry), r->lines.end, text, &at);
		/* A name of the byte 0xff stands for the name of the entry before. */
		if (len != 1 || text[0] != '\xff')
			last = ft_strtab_add(r->sym->profile->strings, text, len);
		file = last;
		if (file == FT_STR_NONE)
			return -ENOMEM;
		if (entry.addr < best || entry.addr < load->addr)
			continue; /* not in order: no compiler does so */
		best = entry.addr;
		if (!range_wanted(r, entry.addr, load->addr + load->bytes - entry.addr))
			continue;
		for (u32 i = first;
		     i < g->count && g->wants[i].addr - load->addr < load->bytes && r->steps;
		     i++, r->steps--) {
			struct ft_want *want = &g->wants[i];

			if (want->addr < entry.addr || want->name != name ||
			    (want->when_ns && dump->dated && want->when_ns < load->when_ns))
				continue;
			want->file = file;
			want->line = entry.line;
		}
	}
	return 0;
}

static int take_load(struct reader *r, const struct ft_jitdump *dump,
		     const struct ft_jit_record *load)
{
	char text[FT_JIT_TEXT_MAX + 1];
	u32 name = 0;
	u64 *moved, next;
	size_t len;
	int code;

	moved = ft_map64_find(&r->moved, load->index + 1);
	if (!moved && !range_wanted(r, load->addr, load->bytes))
		return 0;
	len = ft_jitdump_text(dump, load->at, load->end, text, &next);
	code = name_range(r, dump, load, text, len, &name);
	/*
	 * V8 has file and line in the names. Its debug information counts from 64 bytes on, and the
	 * files in it are bytes of something else (node 20).
	 */
	if (!code && name && r->lines.bytes && r->lines.addr == load->addr &&
	    strncmp(text, "JS:", 3) != 0)
		code = lines_take(r, dump, load, name);
	r->lines.bytes = 0;
	if (code || !moved)
		return code;
	if (!name) {
		struct ft_name made;

		ft_name_plain(&made, text, len);
		name = ft_strtab_add(r->sym->profile->strings, made.text, made.len);
	}
	*moved = (u64)name + 1;
	return name == FT_STR_NONE ? -ENOMEM : 0;
}

/* From then on the code is not where it was. */
static void leave_range(struct reader *r, const struct ft_jitdump *dump,
			const struct ft_jit_record *move)
{
	const struct ft_group *g = r->group;
	u32 i = ft_want_lower(g->wants, g->count, move->from);

	for (; i < g->count && g->wants[i].addr - move->from < move->bytes && r->steps;
	     i++, r->steps--) {
		struct ft_want *want = &g->wants[i];

		if (!want->named || !want->when_ns || !dump->dated || want->when_ns < move->when_ns)
			continue;
		want->named = false;
		want->moved = true;
		want->file = want->line = want->column = 0;
	}
}

static int take_move(struct reader *r, const struct ft_jitdump *dump,
		     const struct ft_jit_record *move)
{
	const u64 *known;
	u32 name;

	if (r->naming)
		leave_range(r, dump, move);
	if (move->index == UINT64_MAX || !range_wanted(r, move->addr, move->bytes))
		return 0;
	if (!r->naming)
		return ft_map64_at(&r->moved, move->index + 1) ? 0 : -ENOMEM;
	known = ft_map64_find(&r->moved, move->index + 1);
	if (!known || !*known)
		return 0;
	name = (u32)(*known - 1);
	return name_range(r, dump, move, "", 0, &name);
}

static int take(void *context, const struct ft_jitdump *dump, const struct ft_jit_record *record)
{
	struct reader *r = context;

	if (record->kind == FT_JIT_MOVE)
		return take_move(r, dump, record);
	if (!r->naming)
		return 0;
	if (record->kind == FT_JIT_LOAD)
		return take_load(r, dump, record);
	r->lines = *record;
	return 0;
}

int ft_jitdump_resolve_fd(struct ft_sym *sym, struct ft_group *group, int fd)
{
	struct reader r = {.sym = sym, .group = group};
	struct ft_jitdump dump;
	int code;

	if (!ft_jitdump_begin(&dump, fd))
		return 0;
	r.steps = STEPS_BASE + (u64)STEPS_PER_WANT * group->count;
	code = ft_jitdump_each(&dump, take, &r);
	r.naming = true;
	if (!code)
		code = ft_jitdump_each(&dump, take, &r);
	ft_map64_fini(&r.moved);
	return code;
}

static int jitdump_resolve(struct ft_sym *sym, struct ft_group *group)
{
	const struct ft_raw *raw = sym->raw ? sym->raw : sym->opts ? sym->opts->beside : NULL;
	int code = 0;

	for (u32 i = 0; raw && !code && i < raw->module_count; i++) {
		const struct ft_module *module = &raw->modules[i];
		bool owned;
		int fd;

		if (module->pid != group->module->pid || !ft_module_is_jitdump(module))
			continue;
		fd = ft_jitdump_open(module, &owned);
		if (fd >= 0)
			code = ft_jitdump_resolve_fd(sym, group, fd);
		if (fd >= 0 && owned)
			close(fd);
	}
	return code;
}

const struct ft_source ft_source_jitdump = {
	.name = "jitdump",
	.kinds = 1 << FT_GROUP_ANON,
	.resolve = jitdump_resolve,
};

/*
 * jitdump.c - names and lines of code made at run time, from the jitdump file that its compiler
 * writes (node --perf-prof, LuaJIT, LLVM and others).
 *
 * A compiler maps its jit-PID.dump executable once, as a mark: so the file is among the modules of
 * its process. Records come in the order of time. A profile's stacks are added up and bear no
 * times, so of several functions at one address the last one counts; a function that was moved is
 * known at both places. Format: tools/perf/Documentation/jitdump-specification.txt of Linux.
 *
 * The file is read twice: for the functions whose moves matter, then for names. Memory is bounded
 * by what is wanted.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "symbolizer/name.h"
#include "symbolizer/source.h"

#define MAGIC 0x4A695444u
#define FILE_BYTES_MAX (16ull << 30)
#define RECORDS_MAX (16u << 20)
#define LINES_MAX (1u << 20) /* of one function */
#define TEXT_MAX 1024	     /* of a name, in bytes */
#define STEPS_BASE (1u << 22)
#define STEPS_PER_WANT 64

enum { CODE_LOAD, CODE_MOVE, CODE_DEBUG_INFO };

struct header {
	u32 magic, version, bytes, machine, padding, pid;
	u64 time, flags;
};
_Static_assert(sizeof(struct header) == 40, "as in the file");

struct prefix {
	u32 id, bytes; /* with this prefix */
	u64 time;
};

struct load {
	u32 pid, tid;
	u64 vma, addr, bytes, index;
};
_Static_assert(sizeof(struct load) == 40, "as in the file; then the name, then the code");

struct move {
	u32 pid, tid;
	u64 vma, from, to, bytes, index;
};
_Static_assert(sizeof(struct move) == 48, "as in the file");

struct debug_info {
	u64 addr, count;
};

struct debug_entry {
	u64 addr;
	u32 line, discriminator;
};

struct reader {
	struct ft_sym *sym;
	struct ft_group *group;
	int fd;
	u64 at, steps;
	struct ft_map64
		moved; /* index + 1 of functions that moved to wants: string id + 1, once known */
	u64 lines_at, lines_end; /* the last debug information: entries in the file */
	u64 lines_of, lines_count;
	bool naming; /* the second time */
};

static bool read_at(const struct reader *r, u64 at, void *out, size_t bytes)
{
	return pread(r->fd, out, bytes, (off_t)at) == (ssize_t)bytes;
}

/* The string at a place, cut to TEXT_MAX; where it ends, with its NUL, through *next. */
static size_t text_at(const struct reader *r, u64 at, u64 end, char text[TEXT_MAX + 1], u64 *next)
{
	size_t room = end - at < TEXT_MAX ? end - at : TEXT_MAX, len;
	ssize_t n = pread(r->fd, text, room, (off_t)at);

	len = n > 0 ? strnlen(text, (size_t)n) : 0;
	text[len] = '\0';
	*next = at + len + 1;
	return len;
}

/* Names the wants in a range. *name is made when it is first needed: 0 until then. */
static int name_range(struct reader *r, u64 addr, u64 bytes, const char *text, size_t len,
		      u32 *name)
{
	const struct ft_group *g = r->group;
	u32 i = ft_want_lower(g->wants, g->count, addr);

	for (; i < g->count && g->wants[i].addr - addr < bytes && r->steps; i++, r->steps--) {
		struct ft_want *want = &g->wants[i];

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

/* The line of each want of a function: that of the last entry at or before it. */
static int lines_take(struct reader *r, const struct load *load)
{
	const struct ft_group *g = r->group;
	u32 first = ft_want_lower(g->wants, g->count, load->addr);
	u64 at = r->lines_at, best = 0;
	char text[TEXT_MAX + 1];
	u32 file = 0, last = 0;

	for (u64 n = 0; n < r->lines_count && n < LINES_MAX && at < r->lines_end; n++) {
		struct debug_entry entry;
		size_t len;

		if (!read_at(r, at, &entry, sizeof(entry)))
			return 0;
		len = text_at(r, at + sizeof(entry), r->lines_end, text, &at);
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
			if (g->wants[i].addr < entry.addr)
				continue;
			g->wants[i].file = file;
			g->wants[i].line = entry.line;
		}
	}
	return 0;
}

static int take_load(struct reader *r, u64 at, u64 end)
{
	struct load load;
	char text[TEXT_MAX + 1];
	u32 name = 0;
	u64 *moved, next;
	size_t len;
	int code;

	if (!r->naming || end - at < sizeof(load) || !read_at(r, at, &load, sizeof(load)))
		return 0;
	moved = ft_map64_find(&r->moved, load.index + 1);
	if (!moved && !range_wanted(r, load.addr, load.bytes))
		return 0;
	len = text_at(r, at + sizeof(load), end, text, &next);
	code = name_range(r, load.addr, load.bytes, text, len, &name);
	/*
	 * V8 has file and line in the names. Its debug information counts from 64 bytes on, and the
	 * files in it are bytes of something else (node 20).
	 */
	if (!code && r->lines_of == load.addr && r->lines_count && strncmp(text, "JS:", 3) != 0)
		code = lines_take(r, &load);
	r->lines_count = 0;
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

static int take_move(struct reader *r, u64 at, u64 end)
{
	struct move move;
	const u64 *known;
	u32 name;

	if (end - at < sizeof(move) || !read_at(r, at, &move, sizeof(move)) ||
	    move.index == UINT64_MAX || !range_wanted(r, move.to, move.bytes))
		return 0;
	if (!r->naming)
		return ft_map64_at(&r->moved, move.index + 1) ? 0 : -ENOMEM;
	known = ft_map64_find(&r->moved, move.index + 1);
	if (!known || !*known)
		return 0;
	name = (u32)(*known - 1);
	return name_range(r, move.to, move.bytes, "", 0, &name);
}

static void take_lines(struct reader *r, u64 at, u64 end)
{
	struct debug_info info;

	if (end - at < sizeof(info) || !read_at(r, at, &info, sizeof(info)))
		return;
	r->lines_of = info.addr;
	r->lines_count = info.count;
	r->lines_at = at + sizeof(info);
	r->lines_end = end;
}

static int records_read(struct reader *r, u64 begin)
{
	struct prefix prefix;
	int code = 0;

	r->at = begin;
	for (u32 n = 0; !code && n < RECORDS_MAX && r->at < FILE_BYTES_MAX; n++) {
		u64 at = r->at + sizeof(prefix), end;

		if (!read_at(r, r->at, &prefix, sizeof(prefix)) || prefix.bytes < sizeof(prefix))
			return 0;
		end = r->at + prefix.bytes;
		if (prefix.id == CODE_LOAD)
			code = take_load(r, at, end);
		else if (prefix.id == CODE_MOVE)
			code = take_move(r, at, end);
		else if (prefix.id == CODE_DEBUG_INFO)
			take_lines(r, at, end);
		r->at = end;
	}
	return code;
}

int ft_jitdump_resolve_fd(struct ft_sym *sym, struct ft_group *group, int fd)
{
	struct reader r = {.sym = sym, .group = group, .fd = fd};
	struct header header;
	int code;

	if (!read_at(&r, 0, &header, sizeof(header)) || header.magic != MAGIC ||
	    header.bytes < sizeof(header))
		return 0;
	r.steps = STEPS_BASE + (u64)STEPS_PER_WANT * group->count;
	code = records_read(&r, header.bytes);
	r.naming = true;
	r.lines_count = 0;
	if (!code)
		code = records_read(&r, header.bytes);
	ft_map64_fini(&r.moved);
	return code;
}

/* "jit-NUMBER.dump" */
static bool is_jitdump(const struct ft_module *module)
{
	size_t len, digits;
	const char *base = ft_module_base(module, &len);

	if (module->kind != FT_MODULE_FILE || len < 10 || strncmp(base, "jit-", 4))
		return false;
	digits = strspn(base + 4, "0123456789");
	return digits && len == digits + 9 && !strncmp(base + 4 + digits, ".dump", 5);
}

static int jitdump_resolve(struct ft_sym *sym, struct ft_group *group)
{
	const struct ft_raw *raw = sym->raw ? sym->raw : sym->opts ? sym->opts->beside : NULL;
	int code = 0;

	for (u32 i = 0; raw && !code && i < raw->module_count; i++) {
		const struct ft_module *module = &raw->modules[i];
		char root[40];
		int fd = module->fd;

		if (module->pid != group->module->pid || !is_jitdump(module))
			continue;
		if (fd < 0) {
			snprintf(root, sizeof(root), "/proc/%u/root", module->pid);
			fd = ft_file_open(root, module->path, false);
		}
		if (fd >= 0)
			code = ft_jitdump_resolve_fd(sym, group, fd);
		if (fd >= 0 && fd != module->fd)
			close(fd);
	}
	return code;
}

const struct ft_source ft_source_jitdump = {
	.name = "jitdump",
	.kinds = 1 << FT_GROUP_ANON,
	.resolve = jitdump_resolve,
};

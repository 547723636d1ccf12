/* jitdump_file.c - see jitdump_file.h. */
#include "symbolizer/jitdump_file.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "symbolizer/source.h"

#define MAGIC 0x4A695444u
#define FILE_BYTES_MAX (16ull << 30)
#define RECORDS_MAX (16u << 20)
#define FLAG_ARCH_TIMESTAMP 1 /* times are a counter of the processor's */

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

bool ft_jitdump_bytes(const struct ft_jitdump *dump, u64 at, void *out, size_t bytes)
{
	return pread(dump->fd, out, bytes, (off_t)at) == (ssize_t)bytes;
}

size_t ft_jitdump_text(const struct ft_jitdump *dump, u64 at, u64 end,
		       char text[FT_JIT_TEXT_MAX + 1], u64 *next)
{
	size_t room = end - at < FT_JIT_TEXT_MAX ? end - at : FT_JIT_TEXT_MAX, len;
	ssize_t n = pread(dump->fd, text, room, (off_t)at);

	len = n > 0 ? strnlen(text, (size_t)n) : 0;
	text[len] = '\0';
	*next = at + len + 1;
	return len;
}

bool ft_jitdump_begin(struct ft_jitdump *dump, int fd)
{
	struct header header;

	*dump = (struct ft_jitdump){.fd = fd};
	if (!ft_jitdump_bytes(dump, 0, &header, sizeof(header)) || header.magic != MAGIC ||
	    header.bytes < sizeof(header))
		return false;
	dump->begin = header.bytes;
	/* Other clocks are far ahead of this one: they count from 1970, or cycles. */
	dump->dated = !(header.flags & FLAG_ARCH_TIMESTAMP) &&
		      header.time <= ft_clock_ns(CLOCK_MONOTONIC);
	return true;
}

/* The fields of a record whose bytes are [at, end). False: it is of another kind, or too short. */
static bool record_read(const struct ft_jitdump *dump, u32 id, u64 at, u64 end,
			struct ft_jit_record *record)
{
	union {
		struct load load;
		struct move move;
		struct debug_info info;
	} u;
	size_t bytes = id == CODE_LOAD	       ? sizeof(u.load)
		       : id == CODE_MOVE       ? sizeof(u.move)
		       : id == CODE_DEBUG_INFO ? sizeof(u.info)
					       : 0;

	if (!bytes || end - at < bytes || !ft_jitdump_bytes(dump, at, &u, bytes))
		return false;
	record->at = at + bytes;
	record->end = end;
	if (id == CODE_LOAD) {
		record->kind = FT_JIT_LOAD;
		record->addr = u.load.addr;
		record->bytes = u.load.bytes;
		record->index = u.load.index;
	} else if (id == CODE_MOVE) {
		record->kind = FT_JIT_MOVE;
		record->addr = u.move.to;
		record->from = u.move.from;
		record->bytes = u.move.bytes;
		record->index = u.move.index;
	} else {
		record->kind = FT_JIT_LINES;
		record->addr = u.info.addr;
		record->bytes = u.info.count;
	}
	return true;
}

int ft_jitdump_each(const struct ft_jitdump *dump, ft_jit_fn fn, void *context)
{
	u64 at = dump->begin;
	struct prefix prefix;
	int code = 0;

	for (u32 n = 0; !code && n < RECORDS_MAX && at < FILE_BYTES_MAX; n++) {
		struct ft_jit_record record = {0};

		if (!ft_jitdump_bytes(dump, at, &prefix, sizeof(prefix)) ||
		    prefix.bytes < sizeof(prefix))
			return 0;
		record.when_ns = prefix.time;
		if (record_read(dump, prefix.id, at + sizeof(prefix), at + prefix.bytes, &record))
			code = fn(context, dump, &record);
		at += prefix.bytes;
	}
	return code;
}

int ft_jitdump_open(const struct ft_module *module, bool *owned)
{
	char root[40];

	*owned = module->fd < 0;
	if (module->fd >= 0)
		return module->fd;
	snprintf(root, sizeof(root), "/proc/%u/root", module->pid);
	return ft_file_open(root, module->path, false);
}

/* jit_file.h - jitdump files for tests, made record by record. */
#ifndef FT_TESTS_UNIT_JIT_FILE_H
#define FT_TESTS_UNIT_JIT_FILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/types.h"

enum { LOAD, MOVE, DEBUG_INFO };

/* A jitdump file under construction. */
struct dump {
	u8 bytes[4096];
	size_t len, record;
	u64 now; /* of the next record */
};

static inline void put(struct dump *d, const void *bytes, size_t len)
{
	assert_true(len <= sizeof(d->bytes) - d->len);
	memcpy(d->bytes + d->len, bytes, len);
	d->len += len;
}

static inline void put32(struct dump *d, u32 number)
{
	put(d, &number, sizeof(number));
}

static inline void put64(struct dump *d, u64 number)
{
	put(d, &number, sizeof(number));
}

static inline void begin(struct dump *d, u32 id)
{
	d->record = d->len;
	put32(d, id);
	put32(d, 0);
	put64(d, d->now);
}

static inline void end(struct dump *d)
{
	u32 bytes = (u32)(d->len - d->record);

	memcpy(d->bytes + d->record + 4, &bytes, sizeof(bytes));
}

static inline void header(struct dump *d)
{
	*d = (struct dump){.now = 1};
	put32(d, 0x4A695444);
	put32(d, 1);
	put32(d, 40);
	put32(d, 62);
	put32(d, 0);
	put32(d, 1);
	put64(d, 0);
	put64(d, 0);
}

static inline void load(struct dump *d, u64 addr, u64 bytes, u64 index, const char *name)
{
	begin(d, LOAD);
	put32(d, 1);
	put32(d, 1);
	put64(d, addr);
	put64(d, addr);
	put64(d, bytes);
	put64(d, index);
	put(d, name, strlen(name) + 1);
	put(d, "code", 4);
	end(d);
}

static inline void move(struct dump *d, u64 from, u64 to, u64 bytes, u64 index)
{
	begin(d, MOVE);
	put32(d, 1);
	put32(d, 1);
	put64(d, to);
	put64(d, from);
	put64(d, to);
	put64(d, bytes);
	put64(d, index);
	end(d);
}

static inline void line(struct dump *d, u64 addr, u32 number, const char *file)
{
	put64(d, addr);
	put32(d, number);
	put32(d, 0);
	put(d, file, strlen(file) + 1);
}

#endif

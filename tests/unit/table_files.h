/*
 * table_files.h - modules whose files have unwind information made to measure, and a pool for their
 * tables in plain memory: for tests of what needs no BPF.
 */
#ifndef FT_TESTS_TABLE_FILES_H
#define FT_TESTS_TABLE_FILES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "sampler/tables.h"
#include "tests/unit/cfi_asm.h"

#define FILES_POOL_WORDS FT_WIRE_POOL_CHUNK_WORDS
#define FILES_TEXT 0x40000u /* code that a table covers */

struct table_files {
	struct ft_raw *raw;
	struct ft_pool pool;
	struct ft_tables *tables;
	int memory;
};

/* A pool of one chunk, no modules. */
static inline void table_files_init(struct table_files *f)
{
	memset(f, 0, sizeof(*f));
	f->memory = memfd_create("pool", MFD_CLOEXEC);
	if (f->memory < 0 || ftruncate(f->memory, sizeof(struct ft_wire_pool_chunk)) ||
	    ft_pool_open(&f->pool, f->memory, 1, NULL, NULL))
		abort();
	f->raw = ft_raw_new();
	f->tables = ft_tables_new(f->raw, &f->pool, ft_table_maker_new(f->raw, NULL));
	if (!f->raw || !f->tables)
		abort();
}

static inline void table_files_fini(struct table_files *f)
{
	ft_tables_free(f->tables);
	ft_raw_free(f->raw);
	ft_pool_close(&f->pool);
	close(f->memory);
}

/*
 * Adds a file of FILES_TEXT bytes of code in one function, whose CFA is always sp + depth. The
 * module's number.
 */
static inline u32 table_files_add(struct table_files *f, u8 depth)
{
	struct cfi_asm *a = calloc(1, sizeof(*a));
	const u8 code[] = {0x0e, depth};
	struct ft_module module = {.kind = FT_MODULE_FILE, .path = ft_strdup("/made/to/measure")};
	struct cfi_image_opts opts = {.machine = EM_X86_64};
	struct cfi_image image;
	u32 index;

	if (!a)
		abort();
	asm_fde(a, asm_cie(a), 0, FILES_TEXT, code, sizeof(code));
	opts.eh = a->bytes;
	opts.eh_bytes = a->len;
	image = cfi_image_make(&opts);
	module.fd = memfd_create("file", MFD_CLOEXEC);
	if (module.fd < 0 || write(module.fd, image.data, image.bytes) != (ssize_t)image.bytes)
		abort();
	index = ft_raw_module(f->raw, &module);
	free(image.data);
	free(a);
	return index;
}

/* A mapping of all of a file's code. */
static inline struct ft_mapping table_files_map(u32 module, u64 start)
{
	return (struct ft_mapping){.start = start,
				   .end = start + FILES_TEXT,
				   .offset = CFI_TEXT_AT,
				   .until_ns = UINT64_MAX,
				   .module = module};
}

static inline u32 table_files_free_words(const struct table_files *f)
{
	return FILES_POOL_WORDS - f->pool.used_words;
}

/* Occupies the pool but for that many words or a few more. The place and length of what it took. */
static inline u32 table_files_fill(struct table_files *f, u32 leave, u32 *words)
{
	*words = (table_files_free_words(f) - leave - 16) & ~7u;
	return ft_pool_alloc(&f->pool, *words, false);
}

#endif

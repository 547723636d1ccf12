/*
 * tables.h - what the fuzz targets of text tables and jitdump files share: input as a file, some
 * addresses that want names, and what must hold of the answers.
 */
#ifndef FT_TESTS_FUZZ_TABLES_H
#define FT_TESTS_FUZZ_TABLES_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbolizer/source.h"

#define TABLES_INPUT_MAX (256 * 1024)

typedef int (*tables_resolver)(struct ft_sym *sym, struct ft_group *group, int fd);

static inline void tables_check(bool holds)
{
	if (!holds)
		abort();
}

/* Resolves the addresses (sorted) by the input, twice: the answers must be the same. */
static inline void tables_run(const uint8_t *data, size_t size, tables_resolver resolve,
			      enum ft_group_kind kind, const u64 *addrs, u32 count)
{
	int fd = size <= TABLES_INPUT_MAX ? memfd_create("input", MFD_CLOEXEC) : -1;
	struct ft_want wants[2][16];

	if (fd < 0)
		return;
	tables_check(count <= 16 && write(fd, data, size) == (ssize_t)size);
	for (int round = 0; round < 2; round++) {
		struct ft_symbolize_notes notes = {0};
		struct ft_sym sym = {.notes = &notes, .profile = ft_profile_new()};
		struct ft_module module = {.kind = FT_MODULE_ANON, .fd = -1};
		struct ft_group group = {.kind = kind,
					 .module = &module,
					 .wants = wants[round],
					 .count = count,
					 .fd = -1,
					 .debug_fd = -1,
					 .package_fd = -1,
					 .alt_fd = -1};

		tables_check(sym.profile != NULL && lseek(fd, 0, SEEK_SET) == 0);
		memset(wants[round], 0, sizeof(wants[round]));
		for (u32 i = 0; i < count; i++)
			wants[round][i] = (struct ft_want){.addr = addrs[i],
							   .start = addrs[i],
							   .when_ns = i % 3 ? (u64)i << 8 : 0,
							   .mapped = true};
		tables_check(resolve(&sym, &group, fd) == 0);
		for (u32 i = 0; i < count; i++) {
			const struct ft_want *want = &wants[round][i];
			u32 strings = ft_strtab_count(sym.profile->strings);

			tables_check(want->addr == addrs[i]);
			tables_check(want->name < strings && want->file < strings);
			tables_check(!want->named || want->kind < FT_FRAME_KIND_COUNT);
		}
		ft_profile_free(sym.profile);
	}
	tables_check(!memcmp(wants[0], wants[1], sizeof(wants[0])));
	close(fd);
}

#endif

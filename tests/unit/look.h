/*
 * look.h - looks single addresses up through ft_symbolize, for the symbolizer's tests.
 *
 * Each address becomes a stack of its own below a process with the address's number for a name: so
 * its frame can be found again in the resolved tree.
 */
#ifndef FT_TESTS_LOOK_H
#define FT_TESTS_LOOK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "symbolizer/symbolizer.h"

struct look {
	struct ft_raw *raw;
	struct ft_profile *profile;
	struct ft_symbolize_notes notes;
	u32 count;
};

#define LOOK_FOLDER_BYTES 32

/* Makes an empty folder with a name of its own. */
static inline void look_folder(char folder[LOOK_FOLDER_BYTES])
{
	strcpy(folder, "/tmp/test-symbolize-");
	memset(folder + strlen(folder), 'X', 7);
	folder[strlen("/tmp/test-symbolize-") + 6] = '\0';
	if (!mkdtemp(folder)) {
		perror(folder);
		exit(1);
	}
}

static inline void look_init(struct look *look)
{
	memset(look, 0, sizeof(*look));
	look->raw = ft_raw_new();
	assert_non_null(look->raw);
}

static inline void look_fini(struct look *look)
{
	ft_raw_free(look->raw);
	ft_profile_free(look->profile);
}

static inline u32 look_module(struct look *look, enum ft_module_kind kind, const char *path, int fd,
			      u32 pid)
{
	struct ft_module module = {.kind = kind, .path = strdup(path), .fd = fd, .pid = pid};

	return ft_raw_module(look->raw, &module);
}

/* A module whose file is an image in memory. */
static inline u32 look_image(struct look *look, const char *path, const void *image, size_t len)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, image, len), len);
	return look_module(look, FT_MODULE_FILE, path, fd, 0);
}

/* Returns the number of the look-up. */
static inline u32 look_add(struct look *look, enum ft_location_kind kind, u32 module, u64 addr)
{
	struct ft_location process = {.kind = FT_LOCATION_PROCESS},
			   place = {.kind = kind, .module = module, .addr = addr};
	char number[16];
	u32 node;

	snprintf(number, sizeof(number), "%u", look->count);
	process.name = ft_strtab_add(look->raw->strings, number, strlen(number));
	node = ft_tree_child(look->raw->tree, FT_TREE_ROOT, ft_raw_location(look->raw, &process));
	node = ft_tree_child(look->raw->tree, node, ft_raw_location(look->raw, &place));
	ft_tree_add(look->raw->tree, node, 1);
	return look->count++;
}

static inline void look_run(struct look *look, bool no_demangle)
{
	struct ft_symbolize_opts opts = {.no_demangle = no_demangle};
	struct ft_err err;

	assert_int_equal(ft_symbolize(look->raw, &opts, &look->notes, &look->profile, &err), 0);
}

static inline const struct ft_frame *look_frame(const struct look *look, u32 number)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(look->profile->tree);

	for (u32 i = 1; i < ft_tree_count(look->profile->tree); i++) {
		const struct ft_frame *process = &look->profile->frames[nodes[nodes[i].parent].key];

		if (nodes[i].parent != FT_TREE_ROOT &&
		    (u32)atoi(ft_strtab_str(look->profile->strings, process->name)) == number)
			return &look->profile->frames[nodes[i].key];
	}
	fail_msg("look-up %u has no frame", number);
	return NULL;
}

static inline const char *look_name(const struct look *look, u32 number)
{
	return ft_strtab_str(look->profile->strings, look_frame(look, number)->name);
}

static inline const char *look_module_name(const struct look *look, u32 number)
{
	return ft_strtab_str(look->profile->strings, look_frame(look, number)->module);
}

#endif

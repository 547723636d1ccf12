/*
 * allocs.c - see allocs.h.
 *
 * Which allocator a process uses is decided by its dynamic linker; a function of libc that is
 * replaced by another library's is just never called. So every mapped file that has malloc and free
 * is probed, also if it is mapped later. It is open as a module of the profile, whatever has become
 * of its name.
 */
#include "sampler/allocs.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/elf.h"
#include "profile/wait.h"
#include "sampler/wire.h"

static const struct {
	const char *name;
	enum ft_wire_alloc_call call;
} functions[] = {
	{"malloc", FT_WIRE_ALLOC_MALLOC},	  {"free", FT_WIRE_ALLOC_FREE},
	{"calloc", FT_WIRE_ALLOC_CALLOC},	  {"realloc", FT_WIRE_ALLOC_REALLOC},
	{"aligned_alloc", FT_WIRE_ALLOC_ALIGNED}, {"memalign", FT_WIRE_ALLOC_ALIGNED},
	{"posix_memalign", FT_WIRE_ALLOC_POSIX},  {"valloc", FT_WIRE_ALLOC_MALLOC},
	{"pvalloc", FT_WIRE_ALLOC_MALLOC},	  {"mmap", FT_WIRE_ALLOC_MMAP},
	{"mmap64", FT_WIRE_ALLOC_MMAP},		  {"mremap", FT_WIRE_ALLOC_MREMAP},
	{"munmap", FT_WIRE_ALLOC_MUNMAP},
};

#define FUNCTIONS FT_ARRAY_LEN(functions)
#define MALLOC_AT 0 /* in functions */
#define FREE_AT 1

/* The offsets of the functions that are to be probed by one of the programs. */
static u32 choose_sites(const u64 *offsets, bool release, struct ft_uprobe_site *sites)
{
	u32 count = 0;

	for (u32 i = 0; i < FUNCTIONS; i++) {
		enum ft_wire_alloc_call call = functions[i].call;
		bool known = !offsets[i];

		for (u32 k = 0; k < count; k++) /* names of the same function */
			known |= sites[k].offset == offsets[i];
		if (!known && (call >= FT_WIRE_ALLOC_FREE) == release)
			sites[count++] =
				(struct ft_uprobe_site){.offset = offsets[i], .cookie = call};
	}
	return count;
}

/* What is released first, or memory would seem to stay that does not. */
static int probe_file(struct ft_allocs *a, const char *path, const u64 *offsets, struct ft_err *err)
{
	struct ft_uprobe_opts at_entry = {.pid = a->only},
			      at_return = {.pid = a->only, .at_return = true};
	struct ft_uprobe_site sites[FUNCTIONS];
	const struct ft_programs *p = a->programs;
	u32 count = choose_sites(offsets, true, sites);
	int code = ft_uprobe_attach(&a->release, p->allocs.release, path, sites, count, &at_entry,
				    err);

	count = choose_sites(offsets, false, sites);
	if (!code)
		code = ft_uprobe_attach(&a->leave, p->allocs.leave, path, sites, count, &at_return,
					err);
	if (!code)
		code = ft_uprobe_attach(&a->enter, p->allocs.enter, path, sites, count, &at_entry,
					err);
	return code;
}

/* Probes the file if it has an allocator. */
static int look_at(struct ft_allocs *a, const struct ft_module *module, struct ft_err *err)
{
	const char *names[FUNCTIONS];
	u64 offsets[FUNCTIONS];
	struct ft_elf *elf;
	char path[40];

	if (module->kind != FT_MODULE_FILE || module->fd < 0 || ft_elf_open(module->fd, &elf))
		return 0;
	for (u32 i = 0; i < FUNCTIONS; i++)
		names[i] = functions[i].name;
	/* An executable that has a dynamic linker exports what is to be used of it. */
	ft_uprobe_find_all(elf, ft_elf_segment(elf, PT_INTERP) != NULL, names, FUNCTIONS, offsets);
	ft_elf_close(elf);
	if (!offsets[MALLOC_AT] || !offsets[FREE_AT])
		return 0;
	a->files++;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", module->fd);
	return probe_file(a, path, offsets, err);
}

int ft_allocs_follow(struct ft_allocs *a, struct ft_err *err)
{
	const struct ft_raw *raw = a->drain->raw;
	int code = 0;

	while (!code && a->modules_seen < raw->module_count)
		code = look_at(a, &raw->modules[a->modules_seen++], err);
	return code;
}

int ft_allocs_begin(struct ft_allocs *a, const struct ft_programs *programs,
		    const struct ft_record_opts *opts, struct ft_drain *drain, struct ft_err *err)
{
	int code;

	*a = (struct ft_allocs){
		.programs = programs,
		.drain = drain,
		.only = ft_programs_only_process(programs, opts),
	};
	code = bpf_raw_tracepoint_open("sched_process_exit", programs->allocs.thread_ends);
	if (code < 0)
		return ft_err_set(err, code, "cannot follow the ends of threads: %s",
				  strerror(-code));
	a->thread_ends_fd = code;
	code = ft_allocs_follow(a, err);
	if (code || a->files)
		return code;
	return ft_err_set(err, -ENOENT,
			  "no file that the target maps has the functions malloc and free in its "
			  "symbol table: it may have an allocator of its own (Go), or be linked "
			  "statically and stripped; flametap cpu -e page-faults shows what makes "
			  "its memory grow");
}

void ft_allocs_detach(struct ft_allocs *a)
{
	ft_uprobe_detach(&a->enter);
	ft_uprobe_detach(&a->leave);
	ft_uprobe_detach(&a->release);
	if (a->thread_ends_fd)
		close(a->thread_ends_fd);
	a->thread_ends_fd = 0;
}

/* Counts an allocation where it is in the tree; a stack that was lost is said to be unknown. */
static int count_one(struct ft_allocs *a, const struct ft_wire_alloc *alloc, u64 now_ns)
{
	const u64 *value = alloc->number ? ft_map64_find(&a->drain->late, alloc->number) : NULL;
	struct ft_dated dated = {
		.node = value ? ft_numbered_node(*value) : ft_drain_unknown(a->drain),
		.when_ns = value ? ft_numbered_when(*value, now_ns) : 0,
		.weight = alloc->weight,
	};

	if (dated.node == FT_TREE_NONE)
		return -ENOMEM;
	ft_tree_add(a->drain->raw->tree, dated.node, alloc->weight);
	return dated.when_ns ? ft_raw_dated(a->drain->raw, &dated) : 0;
}

#define BATCH 4096

int ft_allocs_end(struct ft_allocs *a)
{
	struct ft_wire_alloc_key *keys = ft_try_alloc(BATCH, sizeof(*keys));
	struct ft_wire_alloc *values = ft_try_alloc(BATCH, sizeof(*values));
	int code = keys && values ? 0 : -ENOMEM, end = 0;
	u64 now_ns = ft_clock_ns(CLOCK_MONOTONIC);
	u32 at = 0, count = 0;
	bool more = false;

	while (!code && !end) {
		count = BATCH;
		end = bpf_map_lookup_batch(a->programs->allocs.map, more ? &at : NULL, &at, keys,
					   values, &count, NULL);
		if (end && end != -ENOENT) {
			code = end;
			break;
		}
		more = true;
		for (u32 i = 0; i < count && !code; i++)
			code = count_one(a, &values[i], now_ns);
	}
	free(keys);
	free(values);
	return code;
}

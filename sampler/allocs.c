/*
 * allocs.c - see allocs.h.
 *
 * Which allocator a process uses is decided by its dynamic linker; a function of libc that is
 * replaced by another library's is just never called. So every mapped file that has malloc and free
 * is probed. It is opened by way of the process that maps it, which works across mount namespaces
 * and for files that were replaced since.
 */
#include "sampler/allocs.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/alloc.h"
#include "base/elf.h"
#include "base/proc.h"
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

struct file {
	u32 dev_major, dev_minor;
	u64 inode;
};

struct search {
	struct ft_allocs *allocs;
	const struct ft_programs *programs;
	struct ft_err *err;
	u32 pid;  /* whose mappings are looked at */
	u32 only; /* the one process to probe in, 0: all */
	struct file *seen;
	size_t cap;
	u32 seen_count;
	u32 found; /* files with an allocator */
};

static bool has_seen(const struct search *s, const struct ft_proc_map *map)
{
	for (u32 i = 0; i < s->seen_count; i++)
		if (s->seen[i].inode == map->inode && s->seen[i].dev_major == map->dev_major &&
		    s->seen[i].dev_minor == map->dev_minor)
			return true;
	return false;
}

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
static int probe_file(struct search *s, const char *path, const u64 *offsets)
{
	struct ft_uprobe_opts at_entry = {.pid = s->only},
			      at_return = {.pid = s->only, .at_return = true};
	struct ft_uprobe_site sites[FUNCTIONS];
	const struct ft_programs *p = s->programs;
	struct ft_allocs *a = s->allocs;
	u32 count = choose_sites(offsets, true, sites);
	int code = ft_uprobe_attach(&a->release, p->allocs.release, path, sites, count, &at_entry,
				    s->err);

	count = choose_sites(offsets, false, sites);
	if (!code)
		code = ft_uprobe_attach(&a->leave, p->allocs.leave, path, sites, count, &at_return,
					s->err);
	if (!code)
		code = ft_uprobe_attach(&a->enter, p->allocs.enter, path, sites, count, &at_entry,
					s->err);
	return code;
}

/* Opens a mapped file; its path for the kernel goes to path. */
static int open_mapped(u32 pid, const struct ft_proc_map *map, char *path, size_t size)
{
	int fd;

	snprintf(path, size, "/proc/%u/map_files/%" PRIx64 "-%" PRIx64, pid, map->start, map->end);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	snprintf(path, size, "/proc/%u/root%s", pid, map->path);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int look_at(void *context, const struct ft_proc_map *map)
{
	struct search *s = context;
	const char *names[FUNCTIONS];
	u64 offsets[FUNCTIONS];
	struct ft_elf *elf;
	char path[PATH_MAX + 64];
	int fd, code = 0;

	if (!map->executable || !map->inode || has_seen(s, map))
		return 0;
	if (FT_GROW(&s->seen, &s->cap, s->seen_count + 1))
		return ft_err_set(s->err, -ENOMEM, "out of memory");
	s->seen[s->seen_count++] = (struct file){map->dev_major, map->dev_minor, map->inode};
	fd = open_mapped(s->pid, map, path, sizeof(path));
	if (fd < 0)
		return 0;
	if (!ft_elf_open(fd, &elf)) {
		for (u32 i = 0; i < FUNCTIONS; i++)
			names[i] = functions[i].name;
		/* An executable that has a dynamic linker exports what is to be used of it. */
		ft_uprobe_find_all(elf, ft_elf_segment(elf, PT_INTERP) != NULL, names, FUNCTIONS,
				   offsets);
		ft_elf_close(elf);
		if (offsets[MALLOC_AT] && offsets[FREE_AT]) {
			code = probe_file(s, path, offsets);
			s->found++;
		}
	}
	close(fd);
	return code;
}

static int look_at_process(void *context, u32 pid)
{
	struct search *s = context;
	int code;

	s->pid = pid;
	code = ft_proc_maps(pid, look_at, s);
	if (code == -ENOENT || code == -ESRCH)
		return 0; /* it has ended */
	/* Of all processes some may be closed even to root; what they map, others do. */
	return (code == -EACCES || code == -EPERM) && !s->programs->tgids ? 0 : code;
}

static int probe_all(struct search *s, const struct ft_record_opts *opts)
{
	int code = 0;

	if (!s->programs->tgids)
		code = ft_proc_pids(look_at_process, s);
	for (u32 i = 0; s->programs->tgids && i < opts->id_count && !code; i++)
		code = look_at_process(s, s->programs->tgids[i]);
	if (code && !s->err->code)
		return ft_err_set(s->err, code, "cannot read the mappings of process %u: %s",
				  s->pid, strerror(-code));
	return code;
}

int ft_allocs_begin(struct ft_allocs *a, const struct ft_programs *programs,
		    const struct ft_record_opts *opts, struct ft_drain *drain, struct ft_err *err)
{
	struct search s = {
		.allocs = a,
		.programs = programs,
		.err = err,
		.only = ft_programs_only_process(programs, opts),
	};
	int code;

	a->map_fd = programs->allocs.map;
	a->drain = drain;
	a->thread_ends_fd =
		bpf_raw_tracepoint_open("sched_process_exit", programs->allocs.thread_ends);
	if (a->thread_ends_fd < 0) {
		code = ft_err_set(err, a->thread_ends_fd, "cannot follow the ends of threads: %s",
				  strerror(-a->thread_ends_fd));
		a->thread_ends_fd = 0;
		return code;
	}
	code = probe_all(&s, opts);
	free(s.seen);
	if (!code && !s.found)
		code = ft_err_set(err, -ENOENT,
				  "no file that the target maps has the functions malloc and free "
				  "in its symbol table: it may have an allocator of its own (Go), "
				  "or be linked statically and stripped; flametap cpu -e "
				  "page-faults shows what makes its memory grow");
	return code;
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

/* Where an allocation is in the tree; a stack that was lost is said to be unknown. */
static u32 node_of(struct ft_allocs *a, const struct ft_wire_alloc *alloc)
{
	const u64 *node = alloc->number ? ft_map64_find(&a->drain->late, alloc->number) : NULL;

	return node ? (u32)*node : ft_drain_unknown(a->drain);
}

#define BATCH 4096

int ft_allocs_end(struct ft_allocs *a)
{
	struct ft_wire_alloc_key *keys = ft_try_alloc(BATCH, sizeof(*keys));
	struct ft_wire_alloc *values = ft_try_alloc(BATCH, sizeof(*values));
	int code = keys && values ? 0 : -ENOMEM, end = 0;
	u32 at = 0, count = 0;
	bool more = false;

	while (!code && !end) {
		count = BATCH;
		end = bpf_map_lookup_batch(a->map_fd, more ? &at : NULL, &at, keys, values, &count,
					   NULL);
		if (end && end != -ENOENT) {
			code = end;
			break;
		}
		more = true;
		for (u32 i = 0; i < count && !code; i++) {
			u32 node = node_of(a, &values[i]);

			if (node == FT_TREE_NONE)
				code = -ENOMEM;
			else
				ft_tree_add(a->drain->raw->tree, node, values[i].weight);
		}
	}
	free(keys);
	free(values);
	return code;
}

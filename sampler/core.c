/*
 * core.c - see core.h.
 *
 * Program headers say where in the core memory is; the kernel writes one for each mapping, with no
 * bytes in the file where it left the content out. NT_FILE says which files were mapped. Their
 * build-ids are read from the core: the first page of an ELF file is in it unless the process
 * asked otherwise (coredump_filter, proc(5)). Everything in a core is a claim.
 */
#include "sampler/core.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/elf.h"
#include "profile/raw.h"
#include "sampler/modules.h"
#include "sampler/stop.h"

#define SEGMENTS_MAX (1u << 20)
#define NOTES_BYTES_MAX (64u << 20)
#define HEADER_BYTES 4096 /* of a mapped file, where its build-id is looked for */
#define VDSO_BYTES_MAX (1u << 20)

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#else
#define MACHINE EM_AARCH64
#endif

/* A range of memory that is in the core. */
struct region {
	u64 start, memory_bytes, file_bytes, offset;
	bool executable;
};

/* A mapped file. */
struct mapped {
	u64 start, end, offset;
	u32 module;
};

struct ft_core {
	int fd;
	u64 bytes;
	struct region *regions; /* sorted by start */
	size_t region_cap;
	u32 region_count;
	struct mapped *files; /* sorted by start */
	size_t file_cap;
	u32 file_count;
	struct ft_raw *raw; /* the backtrace's */
	u64 vdso;	    /* where it was; 0: not known */
};

/* What opening needs beside. */
struct opening {
	struct ft_core *core;
	struct ft_backtrace *backtrace;
	const char *root;
};

static bool read_at(int fd, u64 offset, void *out, size_t bytes)
{
	u8 *to = out;

	while (bytes) {
		ssize_t n = offset > INT64_MAX ? 0 : pread(fd, to, bytes, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		to += n;
		offset += (u64)n;
		bytes -= (size_t)n;
	}
	return true;
}

/* ---- memory ---- */

static const struct region *region_of(const struct ft_core *core, u64 addr)
{
	u32 low = 0, high = core->region_count;

	while (low < high) {
		u32 middle = low + (high - low) / 2;
		const struct region *r = &core->regions[middle];

		if (addr < r->start)
			high = middle;
		else if (addr - r->start >= r->memory_bytes)
			low = middle + 1;
		else
			return r;
	}
	return NULL;
}

static const struct mapped *file_of(const struct ft_core *core, u64 addr)
{
	for (u32 i = 0; i < core->file_count; i++)
		if (addr >= core->files[i].start && addr < core->files[i].end)
			return &core->files[i];
	return NULL;
}

/* Reads what lies in one region; *done bytes. False: nothing there. */
static bool read_some(const struct ft_core *core, u64 addr, void *out, size_t bytes, size_t *done)
{
	const struct region *region = region_of(core, addr);
	const struct mapped *file;
	u64 left;

	if (region && addr - region->start < region->file_bytes) {
		left = region->file_bytes - (addr - region->start);
		*done = left < bytes ? left : bytes;
		return read_at(core->fd, region->offset + (addr - region->start), out, *done);
	}
	file = file_of(core, addr);
	if (!file || core->raw->modules[file->module].fd < 0 ||
	    core->raw->modules[file->module].kind != FT_MODULE_FILE)
		return false;
	left = file->end - addr;
	*done = left < bytes ? left : bytes;
	return read_at(core->raw->modules[file->module].fd, file->offset + (addr - file->start),
		       out, *done);
}

bool ft_core_read(const struct ft_core *core, u64 addr, void *out, size_t bytes)
{
	u8 *to = out;

	while (bytes) {
		size_t done;

		if (!read_some(core, addr, to, bytes, &done) || !done)
			return false;
		addr += done;
		to += done;
		bytes -= done;
	}
	return true;
}

/* ---- headers ---- */

static int region_compare(const void *a, const void *b)
{
	const struct region *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int headers_read(struct ft_core *core, const Elf64_Ehdr *header, Elf64_Phdr **notes,
			u32 *note_count)
{
	u64 count = header->e_phnum;
	size_t note_cap = 0;
	Elf64_Shdr first;

	if (count == PN_XNUM && read_at(core->fd, header->e_shoff, &first, sizeof(first)))
		count = first.sh_info;
	if (header->e_phentsize != sizeof(Elf64_Phdr) || count > SEGMENTS_MAX)
		return -EINVAL;
	for (u64 i = 0; i < count; i++) {
		Elf64_Phdr p;

		if (!read_at(core->fd, header->e_phoff + i * sizeof(p), &p, sizeof(p)))
			break;
		if (p.p_type == PT_NOTE) {
			if (FT_GROW(notes, &note_cap, (size_t)*note_count + 1))
				return -ENOMEM;
			(*notes)[(*note_count)++] = p;
		}
		if (p.p_type != PT_LOAD || p.p_memsz > UINT64_MAX - p.p_vaddr)
			continue;
		if (FT_GROW(&core->regions, &core->region_cap, (size_t)core->region_count + 1))
			return -ENOMEM;
		core->regions[core->region_count++] = (struct region){
			.start = p.p_vaddr,
			.memory_bytes = p.p_memsz,
			.file_bytes = p.p_filesz < p.p_memsz ? p.p_filesz : p.p_memsz,
			.offset = p.p_offset,
			.executable = p.p_flags & PF_X,
		};
	}
	if (core->region_count)
		qsort(core->regions, core->region_count, sizeof(*core->regions), region_compare);
	return 0;
}

/* ---- mapped files ---- */

/* The build-id of the file whose beginning lies at start, as the process had it in memory. */
static u8 build_id_read(const struct ft_core *core, u64 start, u8 out[FT_BUILD_ID_MAX])
{
	u8 page[HEADER_BYTES];
	size_t bytes = 0;
	struct ft_elf *elf;
	const struct region *region = region_of(core, start);
	int n;

	/* From the core alone: the file is what is to be checked. */
	if (region && start - region->start < region->file_bytes)
		bytes = region->file_bytes - (start - region->start) < sizeof(page)
				? region->file_bytes - (start - region->start)
				: sizeof(page);
	if (!bytes || !read_at(core->fd, region->offset + (start - region->start), page, bytes) ||
	    ft_elf_open_memory(page, bytes, &elf))
		return 0;
	n = ft_elf_build_id_of(elf, out);
	ft_elf_close(elf);
	return n > 0 ? (u8)n : 0;
}

/* The file again, if it is the one that was mapped. */
static int file_open(const struct opening *o, const char *path, const struct ft_module *module)
{
	char *inside = NULL;
	int fd = -1;

	for (int round = o->root ? 0 : 1; fd < 0 && round < 2; round++) {
		u8 build_id[FT_BUILD_ID_MAX];

		if (!round && asprintf(&inside, "%s/%s", o->root, path) < 0)
			return -1;
		fd = ft_modules_open_regular(round ? path : inside);
		if (fd < 0)
			continue;
		if (!module->build_id_len ||
		    (ft_elf_build_id(fd, build_id) == module->build_id_len &&
		     !memcmp(build_id, module->build_id, module->build_id_len)))
			break;
		close(fd);
		fd = -1;
	}
	free(inside);
	return fd;
}

/* The module of a path; its index or UINT32_MAX. start: where its first mapping is. */
static u32 module_get(struct opening *o, const char *path, u64 start, u64 offset)
{
	struct ft_raw *raw = o->backtrace->process.raw;
	struct ft_module module = {.kind = FT_MODULE_FILE, .fd = -1};
	u32 index;

	for (u32 i = 0; i < raw->module_count; i++)
		if (raw->modules[i].kind == FT_MODULE_FILE && !strcmp(raw->modules[i].path, path))
			return i;
	if (!offset)
		module.build_id_len = build_id_read(o->core, start, module.build_id);
	module.path = ft_strdup(path);
	module.fd = file_open(o, path, &module);
	index = ft_raw_module(raw, &module);
	if (index == UINT32_MAX) {
		free(module.path);
		if (module.fd >= 0)
			close(module.fd);
	}
	return index;
}

/* Of the kind, without a file. */
static u32 module_plain(struct ft_raw *raw, enum ft_module_kind kind, const char *path)
{
	struct ft_module module = {.kind = kind, .fd = -1};

	for (u32 i = 0; i < raw->module_count; i++)
		if (raw->modules[i].kind == kind)
			return i;
	module.path = ft_strdup(path);
	return ft_raw_module(raw, &module);
}

static int mapped_compare(const void *a, const void *b)
{
	const struct mapped *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* NT_FILE: count, page size, then (start, end, offset in pages) each, then the paths. */
static int files_read(struct opening *o, const u8 *note, size_t bytes)
{
	struct ft_core *core = o->core;
	u64 head[2];
	const char *path;

	if (bytes < sizeof(head))
		return 0;
	memcpy(head, note, sizeof(head));
	if (head[0] > (bytes - sizeof(head)) / 24 || head[1] > 1u << 30)
		return 0;
	path = (const char *)note + sizeof(head) + head[0] * 24;
	for (u64 i = 0; i < head[0]; i++) {
		u64 entry[3];
		size_t left = (size_t)((const char *)note + bytes - path);
		const char *end = memchr(path, '\0', left);

		if (!end)
			break;
		memcpy(entry, note + sizeof(head) + i * 24, sizeof(entry));
		if (FT_GROW(&core->files, &core->file_cap, (size_t)core->file_count + 1))
			return -ENOMEM;
		core->files[core->file_count] = (struct mapped){
			.start = entry[0],
			.end = entry[1],
			.offset = entry[2] * head[1],
			.module = module_get(o, path, entry[0], entry[2]),
		};
		if (core->files[core->file_count].module == UINT32_MAX)
			return -ENOMEM;
		core->file_count++;
		path = end + 1;
	}
	if (core->file_count)
		qsort(core->files, core->file_count, sizeof(*core->files), mapped_compare);
	return 0;
}

static int map_compare(const void *a, const void *b)
{
	const struct ft_process_map *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int map_add(struct ft_process *p, u64 start, u64 end, u64 offset, u32 module)
{
	if (module == UINT32_MAX || FT_GROW(&p->maps, &p->map_cap, (size_t)p->map_count + 1))
		return -ENOMEM;
	p->maps[p->map_count++] = (struct ft_process_map){start, end, offset, module};
	return 0;
}

/* Code that is of no file: the vDSO, or made at run time. */
static int map_add_plain(struct opening *o, const struct region *r)
{
	struct ft_process *p = &o->backtrace->process;
	u64 end = r->start + r->memory_bytes;
	struct ft_module *vdso;
	u32 module;

	if (r->start != o->core->vdso || r->memory_bytes > VDSO_BYTES_MAX)
		return map_add(p, r->start, end, 0, module_plain(p->raw, FT_MODULE_ANON, "//anon"));
	module = module_plain(p->raw, FT_MODULE_VDSO, "[vdso]");
	if (module == UINT32_MAX)
		return -ENOMEM;
	vdso = &p->raw->modules[module];
	vdso->build_id_len = build_id_read(o->core, r->start, vdso->build_id);
	return map_add(p, r->start, end, 0, module);
}

/*
 * The executable mappings, as a living process has them. A mapping that the core leaves out
 * altogether (gdb's do) is of a file, was never written to, and may be code.
 */
static int maps_make(struct opening *o)
{
	struct ft_process *p = &o->backtrace->process;
	int code = 0;

	for (u32 i = 0; !code && i < o->core->region_count; i++) {
		const struct region *r = &o->core->regions[i];

		if (r->executable && r->memory_bytes && !file_of(o->core, r->start))
			code = map_add_plain(o, r);
	}
	for (u32 i = 0; !code && i < o->core->file_count; i++) {
		const struct mapped *file = &o->core->files[i];
		const struct region *r = region_of(o->core, file->start);

		if (file->start < file->end && (!r || r->executable))
			code = map_add(p, file->start, file->end, file->offset, file->module);
	}
	if (p->map_count)
		qsort(p->maps, p->map_count, sizeof(*p->maps), map_compare);
	return code;
}

/* ---- notes ---- */

static int thread_read(struct opening *o, const u8 *note, size_t bytes)
{
	struct ft_backtrace *bt = o->backtrace;
	struct user_regs_struct regs;
	struct elf_prstatus status;
	struct ft_backtrace_thread *t;

	if (bytes < sizeof(status))
		return 0;
	memcpy(&status, note, sizeof(status));
	memcpy(&regs, &status.pr_reg,
	       sizeof(regs) < sizeof(status.pr_reg) ? sizeof(regs) : sizeof(status.pr_reg));
	if (FT_GROW(&bt->threads, &bt->thread_cap, (size_t)bt->thread_count + 1))
		return -ENOMEM;
	t = &bt->threads[bt->thread_count++];
	t->tid = (u32)status.pr_pid;
	if (FT_GROW(&t->frames, &t->frame_cap, 1))
		return -ENOMEM;
	t->frames[0] = (struct ft_backtrace_frame){0};
	ft_stop_regs(&regs, &t->frames[0]);
	t->frame_count = 1;
	if (bt->thread_count == 1)
		bt->signal = (u32)status.pr_cursig;
	return 0;
}

static void process_read(struct ft_backtrace *bt, const u8 *note, size_t bytes)
{
	struct elf_prpsinfo info;

	if (bytes < sizeof(info))
		return;
	memcpy(&info, note, sizeof(info));
	bt->process.pid = (u32)info.pr_pid;
	snprintf(bt->command, sizeof(bt->command), "%.*s", (int)sizeof(info.pr_fname),
		 info.pr_fname);
}

static void auxv_read(struct ft_core *core, const u8 *note, size_t bytes)
{
	for (size_t at = 0; at + 16 <= bytes; at += 16) {
		u64 pair[2];

		memcpy(pair, note + at, sizeof(pair));
		if (pair[0] == AT_SYSINFO_EHDR)
			core->vdso = pair[1];
	}
}

static int note_read(struct opening *o, u32 type, const u8 *note, size_t bytes)
{
	struct ft_backtrace *bt = o->backtrace;

	switch (type) {
	case NT_PRSTATUS:
		return thread_read(o, note, bytes);
	case NT_PRFPREG: /* of the thread before */
		if (bt->thread_count)
			ft_stop_vectors(note, bytes, &bt->threads[bt->thread_count - 1]);
		return 0;
	case NT_FILE:
		return o->core->file_count ? 0 : files_read(o, note, bytes);
	case NT_PRPSINFO:
		process_read(bt, note, bytes);
		return 0;
	case NT_AUXV:
		auxv_read(o->core, note, bytes);
		return 0;
	default:
		return 0;
	}
}

static int notes_read(struct opening *o, const Elf64_Phdr *segment)
{
	size_t bytes = segment->p_filesz, at = 0;
	int code = 0;
	u8 *notes;

	if (bytes > NOTES_BYTES_MAX || bytes > o->core->bytes)
		return 0;
	notes = ft_try_alloc(1, bytes + 1);
	if (!notes)
		return -ENOMEM;
	if (!read_at(o->core->fd, segment->p_offset, notes, bytes))
		bytes = 0;
	while (!code && bytes - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr header;
		u64 name, content;

		memcpy(&header, notes + at, sizeof(header));
		name = ((u64)header.n_namesz + 3) & ~3ull;
		content = ((u64)header.n_descsz + 3) & ~3ull;
		at += sizeof(header);
		if (name > bytes - at || header.n_descsz > bytes - at - name)
			break;
		if (header.n_namesz == 5 && !memcmp(notes + at, "CORE", 5))
			code = note_read(o, header.n_type, notes + at + name, header.n_descsz);
		at += name + (content < bytes - at - name ? content : bytes - at - name);
	}
	free(notes);
	return code;
}

/* ---- opening ---- */

static int core_fill(struct opening *o, const Elf64_Ehdr *header)
{
	Elf64_Phdr *notes = NULL;
	u32 note_count = 0;
	int code = headers_read(o->core, header, &notes, &note_count);

	for (u32 i = 0; !code && i < note_count; i++)
		code = notes_read(o, &notes[i]);
	free(notes);
	return code ? code : maps_make(o);
}

static int refuse(const char *path, int code, struct ft_err *err)
{
	if (code == -ENOMEM)
		return ft_err_set(err, code, "out of memory");
	return ft_err_set(err, code, "%s is no core file of a 64-bit process of this machine",
			  path);
}

int ft_core_open(const char *path, const char *root, struct ft_backtrace *backtrace,
		 struct ft_err *err)
{
	struct opening o = {.backtrace = backtrace, .root = root};
	Elf64_Ehdr header;
	struct stat st;
	int code;

	o.core = ft_try_alloc(1, sizeof(*o.core));
	backtrace->core = o.core;
	backtrace->process.raw = ft_raw_new();
	if (!o.core || !backtrace->process.raw)
		return refuse(path, -ENOMEM, err);
	o.core->raw = backtrace->process.raw;
	o.core->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (o.core->fd < 0 || fstat(o.core->fd, &st))
		return ft_err_set(err, -errno, "cannot read %s: %s", path, strerror(errno));
	o.core->bytes = st.st_size > 0 ? (u64)st.st_size : 0;
	if (!read_at(o.core->fd, 0, &header, sizeof(header)) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) || header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_type != ET_CORE || header.e_machine != MACHINE)
		return refuse(path, -ENOEXEC, err);
	code = core_fill(&o, &header);
	if (code)
		return refuse(path, code, err);
	if (!backtrace->thread_count)
		return ft_err_set(err, -ENODATA, "%s holds no threads: is it whole?", path);
	return 0;
}

void ft_core_close(struct ft_core *core)
{
	if (!core)
		return;
	if (core->fd >= 0)
		close(core->fd);
	free(core->regions);
	free(core->files);
	free(core);
}

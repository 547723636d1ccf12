/*
 * dwfl.c - see dwfl.h.
 *
 * libdwfl is given files that we opened, read by pread and not mapped (their owner may truncate
 * them), and the memory that was copied. It walks by .eh_frame, else by .debug_frame, else by frame
 * pointers; a caller's address that is in no code ends the walk.
 */
#include "sampler/dwfl.h"

#include <elf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/elf.h"

/* One ELF image in the process: a file at one place, or the vDSO. */
struct image {
	u32 module;
	u64 bias;   /* run-time address minus address as linked */
	u8 *memory; /* of the vDSO; owned */
	size_t bytes;
};

struct walk {
	struct ft_backtrace *backtrace;
	Dwfl *dwfl;
	struct image *images;
	size_t image_cap;
	u32 image_count;
	u32 next; /* thread that libdwfl asks for next */
	struct ft_backtrace_thread *thread;
	bool no_memory;
};

#if defined(__x86_64__)
#define REG_SP 7
#else
#define REG_SP 31
#endif

/* ---- images ---- */

static Elf *image_elf(const struct walk *walk, const struct image *image)
{
	if (image->memory)
		return elf_memory((char *)image->memory, image->bytes);
	return elf_begin(walk->backtrace->process.raw->modules[image->module].fd, ELF_C_READ, NULL);
}

/* Modules bear the number of their image as name. */
static int find_elf(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
		    char **file, Elf **elf)
{
	const struct walk *const *walk = (const struct walk *const *)userdata;
	u32 number = (u32)strtoul(name, NULL, 10);

	(void)mod, (void)base, (void)file;
	if (*walk && number < (*walk)->image_count)
		*elf = image_elf(*walk, &(*walk)->images[number]);
	return -1;
}

/* Debug information would add .debug_frame of other files; what runs has .eh_frame. */
static int find_debuginfo(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
			  const char *file, const char *link, GElf_Word crc, char **debug_file)
{
	(void)mod, (void)userdata, (void)name, (void)base, (void)file, (void)link, (void)crc;
	(void)debug_file;
	return -1;
}

static const Dwfl_Callbacks callbacks = {.find_elf = find_elf, .find_debuginfo = find_debuginfo};

static int vdso_read(struct walk *walk, const struct ft_process_map *map, struct image *image)
{
	size_t bytes = map->end - map->start;

	if (bytes > 1 << 20)
		return -ENODATA;
	image->memory = ft_try_alloc(1, bytes);
	if (!image->memory)
		return -ENOMEM;
	if (!ft_backtrace_read(walk->backtrace, NULL, map->start, image->memory, bytes)) {
		free(image->memory);
		image->memory = NULL;
		return -ENODATA;
	}
	image->bytes = bytes;
	return 0;
}

/* Where the image lies: [*low, *high), and its bias. False: no ELF file. */
static bool image_place(const struct ft_elf *elf, const struct ft_process_map *map, u64 *low,
			u64 *high, u64 *bias)
{
	u64 linked;

	if (!ft_elf_addr_of_mapping(elf, map->offset, &linked))
		return false;
	*bias = map->start - linked;
	*low = UINT64_MAX;
	*high = 0;
	for (u32 i = 0; i < elf->segment_count; i++) {
		const struct ft_elf_segment *s = &elf->segments[i];

		if (s->type != PT_LOAD)
			continue;
		if (s->addr + *bias < *low)
			*low = s->addr + *bias;
		if (s->addr + *bias + s->file_bytes > *high)
			*high = s->addr + *bias + s->file_bytes;
	}
	*low &= ~(u64)4095;
	*high = (*high + 4095) & ~(u64)4095;
	return *low < *high;
}

static bool image_known(const struct walk *walk, u32 module, u64 bias)
{
	for (u32 i = 0; i < walk->image_count; i++)
		if (walk->images[i].module == module && walk->images[i].bias == bias)
			return true;
	return false;
}

static int image_report(struct walk *walk, const struct ft_process_map *map, struct ft_elf *elf,
			struct image *image)
{
	char name[16];
	void **userdata;
	u64 low, high;
	Dwfl_Module *mod;

	if (!image_place(elf, map, &low, &high, &image->bias) ||
	    image_known(walk, map->module, image->bias))
		return -ENODATA;
	snprintf(name, sizeof(name), "%u", walk->image_count);
	mod = dwfl_report_module(walk->dwfl, name, low, high);
	if (!mod || !dwfl_module_info(mod, &userdata, NULL, NULL, NULL, NULL, NULL, NULL))
		return -ENODATA;
	*userdata = walk;
	return 0;
}

static int image_add(struct walk *walk, const struct ft_process_map *map)
{
	const struct ft_module *module = &walk->backtrace->process.raw->modules[map->module];
	struct image image = {.module = map->module};
	struct ft_elf *elf = NULL;
	int code = -ENODATA;

	if (FT_GROW(&walk->images, &walk->image_cap, (size_t)walk->image_count + 1))
		return -ENOMEM;
	if (module->kind == FT_MODULE_VDSO)
		code = vdso_read(walk, map, &image);
	else if (module->kind == FT_MODULE_FILE && module->fd >= 0)
		code = 0;
	if (!code)
		code = image.memory ? ft_elf_open_memory(image.memory, image.bytes, &elf)
				    : ft_elf_open(module->fd, &elf);
	if (!code)
		code = image_report(walk, map, elf, &image);
	ft_elf_close(elf);
	if (code) {
		free(image.memory);
		return code == -ENOMEM ? code : 0;
	}
	walk->images[walk->image_count++] = image;
	return 0;
}

static int images_report(struct walk *walk)
{
	const struct ft_process *process = &walk->backtrace->process;
	int code = 0;

	dwfl_report_begin(walk->dwfl);
	for (u32 i = 0; !code && i < process->map_count; i++)
		code = image_add(walk, &process->maps[i]);
	dwfl_report_end(walk->dwfl, NULL, NULL);
	return code;
}

/* ---- what libdwfl asks for ---- */

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
	struct walk *walk = arg;
	struct ft_backtrace *bt = walk->backtrace;

	(void)dwfl;
	while (walk->next < bt->thread_count && !bt->threads[walk->next].frame_count)
		walk->next++;
	if (walk->next == bt->thread_count)
		return 0;
	*thread_arg = &bt->threads[walk->next];
	return (pid_t)bt->threads[walk->next++].tid;
}

static bool memory_read(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *result, void *arg)
{
	const struct walk *walk = arg;
	u64 word;

	(void)dwfl;
	if (!ft_backtrace_read(walk->backtrace, walk->thread, addr, &word, sizeof(word)))
		return false;
	*result = word;
	return true;
}

static bool set_initial_registers(Dwfl_Thread *thread, void *arg)
{
	const struct ft_backtrace_frame *frame = &((struct ft_backtrace_thread *)arg)->frames[0];

	for (int i = 0; i < FT_BACKTRACE_REGS; i++) {
		Dwarf_Word value = frame->regs[i];

		if (frame->known >> i & 1)
			dwfl_thread_state_registers(thread, i, 1, &value);
	}
	dwfl_thread_state_register_pc(thread, frame->pc);
	return true;
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.memory_read = memory_read,
	.set_initial_registers = set_initial_registers,
};

static int take_frame(Dwfl_Frame *state, void *arg)
{
	struct walk *walk = arg;
	struct ft_backtrace_thread *t = walk->thread;
	struct ft_backtrace_frame frame = {0};
	Dwarf_Addr pc;
	bool exact;

	if (!dwfl_frame_pc(state, &pc, &exact))
		return DWARF_CB_ABORT;
	frame.pc = pc;
	frame.addr = exact || !pc ? pc : pc - 1;
	if (t->frame_count && !ft_process_find(&walk->backtrace->process, frame.addr)) {
		if (pc >= 4096)
			snprintf(t->cut, sizeof(t->cut), "0x%llx, where it would go on, is no code",
				 (unsigned long long)pc);
		return DWARF_CB_ABORT;
	}
	if (t->frame_count == FT_DWFL_FRAMES_MAX) {
		snprintf(t->cut, sizeof(t->cut), "only the innermost %d functions are shown",
			 FT_DWFL_FRAMES_MAX);
		return DWARF_CB_ABORT;
	}
	for (u32 i = 0; i < FT_BACKTRACE_REGS; i++) {
		Dwarf_Word value;

		if (dwfl_frame_reg(state, i, &value))
			continue;
		frame.regs[i] = value;
		frame.known |= 1ull << i;
	}
	if (FT_GROW_RAW(&t->frames, &t->frame_cap, (size_t)t->frame_count + 1)) {
		walk->no_memory = true;
		return DWARF_CB_ABORT;
	}
	t->frames[t->frame_count++] = frame;
	return DWARF_CB_OK;
}

/* Why the walk ended with an error, as far as one can tell. */
static void explain(const struct walk *walk, struct ft_backtrace_thread *t, const char *error)
{
	const struct ft_backtrace_frame *last = &t->frames[t->frame_count - 1];
	const struct ft_process_map *map = ft_process_find(&walk->backtrace->process, last->addr);
	const struct ft_module *module =
		map ? &walk->backtrace->process.raw->modules[map->module] : NULL;

	if (t->untouched)
		snprintf(t->cut, sizeof(t->cut),
			 "of this thread only the pc and the stack pointer are known");
	else if (!map)
		snprintf(t->cut, sizeof(t->cut), "0x%llx is no code", (unsigned long long)last->pc);
	else if (module->kind == FT_MODULE_ANON)
		snprintf(t->cut, sizeof(t->cut), "code made at run time without frame pointers");
	else
		snprintf(t->cut, sizeof(t->cut), "%s", error ? error : "unknown");
}

static int walk_thread(Dwfl_Thread *thread, void *arg)
{
	struct walk *walk = arg;
	struct ft_backtrace *bt = walk->backtrace;
	struct ft_backtrace_thread *t = NULL;
	struct ft_backtrace_frame first;
	int code;

	for (u32 i = 0; i < bt->thread_count && !t; i++)
		if ((pid_t)bt->threads[i].tid == dwfl_thread_tid(thread) &&
		    bt->threads[i].frame_count)
			t = &bt->threads[i];
	if (!t)
		return DWARF_CB_OK;
	walk->thread = t;
	first = t->frames[0];
	t->frame_count = 0;
	code = dwfl_thread_getframes(thread, take_frame, walk);
	if (!t->frame_count)
		t->frames[t->frame_count++] = first;
	/* The canonical frame address is what the stack pointer is in the caller. */
	for (u32 i = 0; i + 1 < t->frame_count; i++)
		if (t->frames[i + 1].known >> REG_SP & 1)
			t->frames[i].cfa = t->frames[i + 1].regs[REG_SP];
	if (code < 0 && !t->cut[0])
		explain(walk, t, dwfl_errmsg(-1));
	return walk->no_memory ? DWARF_CB_ABORT : DWARF_CB_OK;
}

int ft_dwfl_walk(struct ft_backtrace *backtrace, struct ft_err *err)
{
	struct walk walk = {.backtrace = backtrace};
	int code = 0;

	elf_version(EV_CURRENT);
	walk.dwfl = dwfl_begin(&callbacks);
	if (!walk.dwfl || images_report(&walk))
		code = ft_err_set(err, -ENOMEM, "out of memory");
	else if (!dwfl_attach_state(walk.dwfl, NULL, (pid_t)backtrace->process.pid,
				    &thread_callbacks, &walk))
		code = ft_err_set(err, -ENOTSUP, "cannot walk the stacks of process %u: %s",
				  backtrace->process.pid, dwfl_errmsg(-1));
	else
		dwfl_getthreads(walk.dwfl, walk_thread, &walk);
	if (walk.no_memory)
		code = ft_err_set(err, -ENOMEM, "out of memory");
	dwfl_end(walk.dwfl);
	for (u32 i = 0; i < walk.image_count; i++)
		free(walk.images[i].memory);
	free(walk.images);
	return code;
}

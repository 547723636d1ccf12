/*
 * kernel_user.c - programs are attached to places in user space, and get tables of what pp() and
 * ppfunc() are there; see kernel_parts.h.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "scriptlang/kernel/kernel_parts.h"

/* The places of one file, which are next to each other. */
static u32 end_of_file(const struct ft_user_probe *probe, u32 from)
{
	u32 end = from + 1;

	while (end < probe->site_count && probe->sites[end].file == probe->sites[from].file)
		end++;
	return end;
}

/* The place's number; above it, how far it is behind the function's beginning. */
static u64 cookie_of(const struct ft_user_probe *probe, u32 at)
{
	const struct ft_user_site *site = &probe->sites[at];
	u64 shift = site->as_at_beginning ? site->addr - site->function : 0;

	return shift << 32 | (probe->first + at);
}

int ft_kernel_attach_user(struct ft_kernel *k, const struct ft_user_probe *probe, int program,
			  struct ft_err *err)
{
	const struct ft_uprobe_opts opts = {.at_return = probe->at_return,
					    .pid = probe->pid,
					    .going = k->opts.attaching,
					    .context = k->opts.context};
	struct ft_uprobe_site *sites = ft_try_alloc((size_t)probe->site_count + 1, sizeof(*sites));
	int code = 0;
	u32 end;

	if (!sites)
		return ft_err_set(err, -ENOMEM, "out of memory");
	for (u32 i = 0; i < probe->site_count; i++)
		sites[i] = (struct ft_uprobe_site){.offset = probe->sites[i].offset,
						   .semaphore = probe->sites[i].semaphore,
						   .cookie = cookie_of(probe, i)};
	for (u32 i = 0; i < probe->site_count && !code; i = end) {
		end = end_of_file(probe, i);
		code = ft_uprobe_attach(&k->uprobes, program, probe->sites[i].file->path, sites + i,
					end - i, &opts, err);
	}
	free(sites);
	return code;
}

/* ---- texts of places ---- */

/* Bytes of the longest text that programs look up. */
static u32 text_bytes(const struct ft_kernel *k, enum ft_user_text which)
{
	const struct ft_program *program = k->program->program;
	u32 most = 0;

	for (u32 i = 0; i < program->handler_count; i++) {
		const struct ft_point *point = program->handlers[i]->point;
		u32 bytes = point->user && point->user->site_count > 1
				    ? ft_user_text_bytes(k->compile, point, which)
				    : 0;

		if (bytes > most)
			most = bytes;
	}
	if (most > k->opts.limits.string_bytes)
		most = k->opts.limits.string_bytes;
	return (most + 7) & ~7u;
}

/* Whether a program looks such texts up. */
static bool is_used(const struct ft_ir_program *program, enum ft_user_text which)
{
	for (u32 i = 0; i < program->program->handler_count; i++) {
		const struct ft_ir *ir = program->handlers[i];

		for (u32 b = 0; b < ir->block_count; b++)
			for (u32 at = 0; at < ir->blocks[b].count; at++) {
				const struct ft_ir_op *op = &ir->blocks[b].ops[at];
				enum ft_user_text other;

				if (op->kind == FT_IR_BUILTIN && op->builtin->kernel &&
				    ft_user_text_of(op->builtin->name, &other) && other == which)
					return true;
			}
	}
	return false;
}

static int fill(const struct ft_kernel *k, enum ft_user_text which)
{
	const struct ft_program *program = k->program->program;
	u32 each = k->maps.place_bytes[which];
	size_t page = (size_t)sysconf(_SC_PAGESIZE),
	       bytes = ((size_t)each * k->compile->user_places + page - 1) / page * page;
	char *texts =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, k->maps.places[which], 0);

	if (texts == MAP_FAILED)
		return -errno;
	for (u32 i = 0; i < program->handler_count; i++) {
		const struct ft_point *point = program->handlers[i]->point;

		for (u32 s = 0;
		     point->user && point->user->site_count > 1 && s < point->user->site_count; s++)
			strncpy(texts + (size_t)(point->user->first + s) * each,
				ft_user_text(k->compile, point, &point->user->sites[s], which),
				each - 1);
	}
	munmap(texts, bytes);
	return 0;
}

int ft_kernel_places_open(struct ft_kernel *k, struct ft_err *err)
{
	const struct bpf_map_create_opts mapped = {.sz = sizeof(mapped),
						   .map_flags = BPF_F_MMAPABLE};

	for (u32 i = 0; i < FT_USER_TEXTS; i++) {
		int code;

		if (!k->compile->user_places || !is_used(k->program, i))
			continue;
		k->maps.place_bytes[i] = text_bytes(k, i);
		k->maps.places[i] =
			bpf_map_create(BPF_MAP_TYPE_ARRAY, "ft_places", 4, k->maps.place_bytes[i],
				       k->compile->user_places, &mapped);
		code = k->maps.places[i] < 0 ? -errno : fill(k, i);
		if (code)
			return ft_err_set(err, code, "cannot make the map of probe points: %s",
					  strerror(-code));
	}
	return 0;
}

/* drain.c - see drain.h. */
#include "sampler/drain.h"

#include <errno.h>
#include <string.h>

struct walk {
	struct ft_drain *drain;
	const struct ft_wire_record *record;
	struct ft_proc *proc;
	u32 node; /* the stack so far */
};

static int push(struct walk *w, const struct ft_location *location)
{
	u32 key = ft_raw_location(w->drain->raw, location);

	if (key == UINT32_MAX)
		return -ENOMEM;
	w->node = ft_tree_child(w->drain->raw->tree, w->node, key);
	return w->node == FT_TREE_NONE ? -ENOMEM : 0;
}

static int push_name(struct walk *w, enum ft_location_kind kind, const char *comm, u32 id)
{
	u32 name = ft_strtab_add(w->drain->raw->strings, comm, strnlen(comm, FT_WIRE_COMM_BYTES));
	struct ft_location location = {.kind = kind, .name = name, .pid = id};

	return name == FT_STR_NONE ? -ENOMEM : push(w, &location);
}

/* The mapping of an address; mappings that no event told us about are read once a round. */
static const struct ft_mapping *find_mapping(struct walk *w, u64 addr)
{
	const struct ft_mapping *m;

	if (!w->proc)
		return NULL;
	m = ft_space_find(&w->proc->space, addr, w->record->first_ns);
	if (m && m->until_ns > w->record->first_ns)
		return m;
	ft_procs_refresh(w->drain->procs, w->proc, w->drain->now_ns);
	return ft_space_find(&w->proc->space, addr, w->record->first_ns);
}

static int push_user(struct walk *w, u64 addr)
{
	struct ft_location location = {.kind = FT_LOCATION_UNKNOWN, .addr = addr};
	const struct ft_mapping *m = find_mapping(w, addr);

	if (m) {
		location.kind = FT_LOCATION_USER;
		location.module = m->module;
		if (w->drain->raw->modules[m->module].kind == FT_MODULE_FILE)
			location.addr = addr - m->start + m->offset;
		else if (w->drain->raw->modules[m->module].kind == FT_MODULE_VDSO)
			location.addr = addr - m->start;
	}
	return push(w, &location);
}

/* How many of the user frames are code: frame pointers lead astray where code keeps none. */
static u32 sound_frames(struct walk *w, const u64 *frames, u32 count)
{
	for (u32 i = 1; i < count; i++)
		if (!find_mapping(w, frames[i]))
			return i;
	return count;
}

/* Notes in which file a stack ended that should have gone on. */
static void blame(struct walk *w, u64 outermost, u32 end)
{
	const struct ft_mapping *m;

	if (end == FT_END_ROOT || end == FT_END_DEPTH || end == FT_END_LEAF_ONLY)
		return;
	m = find_mapping(w, outermost);
	if (m)
		w->drain->raw->modules[m->module].stacks_cut += w->record->count;
}

static int push_frames(struct walk *w)
{
	const struct ft_wire_record *r = w->record;
	const u64 *user = r->frames + r->kernel_frames;
	u32 count = sound_frames(w, user, r->user_frames);
	u64 *ends = w->drain->raw->quality.ends;
	u32 end = r->end;
	int code = 0;

	if (count < r->user_frames)
		end = FT_END_BROKEN_FP;
	if (count) {
		ends[end < FT_END_COUNT ? end : FT_END_BAD_RULE] += r->count;
		blame(w, user[count - 1], end);
	}
	for (u32 i = count; i-- > 0 && !code;)
		code = push_user(w, user[i]);
	for (u32 i = r->kernel_frames; i-- > 0 && !code;) {
		struct ft_location location = {
			.kind = FT_LOCATION_KERNEL,
			/* Callers are return addresses: one byte back is inside the call. */
			.addr = i ? r->frames[i] - 1 : r->frames[i],
		};

		code = push(w, &location);
	}
	return code;
}

struct ft_proc *ft_drain_proc(struct ft_drain *drain, const struct ft_wire_record *record)
{
	struct ft_proc *proc = ft_procs_find(drain->procs, record->tgid, record->first_ns);

	if (!proc && drain->lazy_procs &&
	    ft_procs_add(drain->procs, record->tgid, drain->now_ns) == 0)
		proc = ft_procs_find(drain->procs, record->tgid, record->first_ns);
	return proc;
}

int ft_drain_record(void *context, const struct ft_wire_record *record)
{
	struct ft_drain *drain = context;
	struct walk w = {.drain = drain, .record = record, .node = FT_TREE_ROOT};
	int code;

	w.proc = record->user_frames ? ft_drain_proc(drain, record) : NULL;
	code = push_name(&w, FT_LOCATION_PROCESS, record->process, record->tgid);
	if (!code && drain->per_thread)
		code = push_name(&w, FT_LOCATION_THREAD, record->thread, record->tid);
	if (!code)
		code = push_frames(&w);
	if (!code)
		ft_tree_add(drain->raw->tree, w.node, record->count);
	return code;
}

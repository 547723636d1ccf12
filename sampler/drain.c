/* drain.c - see drain.h. */
#include "sampler/drain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "profile/wait.h"

struct walk {
	struct ft_drain *drain;
	const struct ft_wire_record *record;
	struct ft_proc *proc;
	u32 node; /* the stack so far */
	bool dated;  /* it has code made at run time, and a file says what was there when */
	u64 when_ns; /* of a stack that was walked before; 0: as the record says */
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
		else
			w->dated |= w->proc->space.dated;
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

static int push_kernel(struct walk *w, u64 addr, bool innermost)
{
	struct ft_location location = {
		.kind = FT_LOCATION_KERNEL,
		/* Callers are return addresses: one byte back is inside the call. */
		.addr = innermost ? addr : addr - 1,
	};

	return push(w, &location);
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
	for (u32 i = r->kernel_frames; i-- > 0 && !code;)
		code = push_kernel(w, r->frames[i], i == 0);
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

static int push_note(struct walk *w, const char *text)
{
	struct ft_location location = {
		.kind = FT_LOCATION_NOTE,
		.name = ft_strtab_add(w->drain->raw->strings, text, strlen(text)),
	};

	return location.name == FT_STR_NONE ? -ENOMEM : push(w, &location);
}

static int push_who(struct walk *w)
{
	const struct ft_wire_record *r = w->record;
	int code = push_name(w, FT_LOCATION_PROCESS, r->process, r->tgid);

	if (!code && w->drain->per_thread)
		code = push_name(w, FT_LOCATION_THREAD, r->thread, r->tid);
	return code;
}

/* What is to be said of a wait beside its stack. */
static int push_notes(struct walk *w)
{
	static const u8 by_state[FT_WIRE_STATE_COUNT] = {
		[FT_WIRE_STATE_RUNNABLE] = FT_NOTE_RUNNABLE,
		[FT_WIRE_STATE_SLEEP] = FT_NOTE_SLEEP,
		[FT_WIRE_STATE_DISK] = FT_NOTE_DISK,
		[FT_WIRE_STATE_IDLE] = FT_NOTE_IDLE,
		[FT_WIRE_STATE_STOPPED] = FT_NOTE_STOPPED,
		[FT_WIRE_STATE_TRACED] = FT_NOTE_TRACED,
		[FT_WIRE_STATE_PARKED] = FT_NOTE_PARKED,
		[FT_WIRE_STATE_USER_LOCK] = FT_NOTE_USER_LOCK,
		[FT_WIRE_STATE_KERNEL_LOCK] = FT_NOTE_KERNEL_LOCK,
	};
	const struct ft_wire_record *r = w->record;
	char duration[40];
	int code = 0;

	if (w->drain->states && r->state < FT_WIRE_STATE_COUNT)
		code = push_note(w, ft_wait_note_name(by_state[r->state]));
	if (!code && r->wait & FT_WIRE_WAIT_BEFORE)
		code = push_note(w, ft_wait_note_name(FT_NOTE_BEFORE));
	if (!code && r->wait & FT_WIRE_WAIT_AFTER)
		code = push_note(w, ft_wait_note_name(FT_NOTE_AFTER));
	if (!code && w->drain->histogram) {
		ft_wait_bucket_name(r->bucket, duration);
		code = push_note(w, duration);
	}
	return code;
}

/* The stack of a wait that was captured at its beginning. */
static int push_late(struct walk *w)
{
	u64 *node = ft_map64_find(&w->drain->late, w->record->frames[0]);

	if (!node)
		return push_note(w, ft_wait_note_name(FT_NOTE_UNKNOWN));
	w->node = ft_numbered_node(*node);
	w->when_ns = ft_numbered_when(*node, w->record->first_ns);
	w->dated |= w->when_ns != 0;
	return 0;
}

/* The stack of a captured waker: from its innermost frame to its process. */
static int push_late_waker(struct walk *w, u64 number)
{
	const u64 *found = ft_map64_find(&w->drain->late, number);
	u32 at = found ? ft_numbered_node(*found) : FT_TREE_ROOT;
	int code = found ? 0 : push_note(w, ft_wait_note_name(FT_NOTE_UNKNOWN));

	while (at != FT_TREE_ROOT && !code) {
		const struct ft_tree_node n = ft_tree_nodes(w->drain->raw->tree)[at];

		/* Threads of wakers are not told apart. */
		if (w->drain->raw->locations[n.key].kind != FT_LOCATION_THREAD) {
			w->node = ft_tree_child(w->drain->raw->tree, w->node, n.key);
			code = w->node == FT_TREE_NONE ? -ENOMEM : 0;
		}
		at = n.parent;
	}
	return code;
}

/* Who ended the wait, upside down on top of it. */
static int push_waker(struct walk *w, const struct ft_wire_waker *waker, const u64 *frames)
{
	struct ft_wire_record of_waker = {.first_ns = w->record->first_ns, .tgid = waker->tgid};
	int code = push_note(w, ft_wait_note_name(FT_NOTE_WAKER));

	if (code)
		return code;
	if (waker->late)
		return push_late_waker(w, frames[0]);
	w->proc = waker->user_frames ? ft_drain_proc(w->drain, &of_waker) : NULL;
	if (waker->user_frames && waker->end < FT_END_COUNT) {
		w->drain->raw->quality.ends[waker->end] += w->record->count;
		w->drain->user_stacks += w->record->count;
	}
	for (u32 i = 0; i < waker->kernel_frames && !code; i++)
		code = push_kernel(w, frames[i], i == 0);
	for (u32 i = 0; i < waker->user_frames && !code; i++)
		code = push_user(w, frames[waker->kernel_frames + i]);
	return code ? code : push_name(w, FT_LOCATION_PROCESS, waker->process, waker->tgid);
}

/* The sections behind the wait's own frames: who ended it, who woke that one, and so on. */
static int push_wakers(struct walk *w)
{
	const struct ft_wire_record *r = w->record;
	u32 at = r->wait & FT_WIRE_WAIT_LATE ? 1 : (u32)r->kernel_frames + r->user_frames;
	u32 end = r->words - FT_WIRE_FIXED_WORDS;
	struct ft_wire_waker waker;
	int code = 0;

	if (r->words < FT_WIRE_FIXED_WORDS || end > FT_WIRE_FRAMES)
		return 0;
	while (!code && at + FT_WIRE_WAKER_WORDS <= end) {
		const u64 *frames = r->frames + at + FT_WIRE_WAKER_WORDS;

		memcpy(&waker, r->frames + at, sizeof(waker));
		at += FT_WIRE_WAKER_WORDS + waker.kernel_frames + waker.user_frames;
		if (at > end)
			break;
		code = push_waker(w, &waker, frames);
	}
	return code;
}

static int push_wait(struct walk *w)
{
	const struct ft_wire_record *r = w->record;
	int code;

	if (r->wait & FT_WIRE_WAIT_LATE)
		code = push_late(w);
	else if (r->wait & FT_WIRE_WAIT_BEFORE && !r->user_frames && !r->kernel_frames)
		code = push_note(w, ft_wait_note_name(FT_NOTE_UNKNOWN));
	else
		code = push_frames(w);
	if (!code)
		code = push_notes(w);
	if (!code && r->wait & FT_WIRE_WAIT_WAKER)
		code = push_wakers(w);
	return code;
}

static u64 weight_of(const struct ft_drain *drain, const struct ft_wire_record *record)
{
	if (!drain->weighted)
		return record->count;
	return record->state == FT_WIRE_STATE_SAMPLE && drain->sample_ns
		       ? record->count * drain->sample_ns
		       : record->weight;
}

/* When a stack was walked: the record tells when it was counted, which may be later. */
static u64 when_of(const struct walk *w)
{
	u64 first_ns = w->record->first_ns;
	u32 moment = w->record->moment;

	if (w->when_ns)
		return w->when_ns;
	if (!moment || moment == (u32)(first_ns >> FT_WIRE_MOMENT_SHIFT))
		return first_ns;
	return ft_numbered_when((u64)moment << 32, first_ns);
}

/* Counts the stack, with its time if it matters. */
static int weigh(struct walk *w)
{
	struct ft_raw *raw = w->drain->raw;
	u64 weight = weight_of(w->drain, w->record);
	const struct ft_dated dated = {
		.when_ns = when_of(w), .weight = weight, .node = w->node, .cpu = w->record->cpu};

	ft_tree_add(raw->tree, w->node, weight);
	if (w->dated && ft_raw_dated(raw, &dated))
		return -ENOMEM;
	return ft_raw_on_cpu(raw, w->node, w->record->cpu, weight);
}

u64 ft_numbered_when(u64 value, u64 before_ns)
{
	u64 moment = before_ns >> FT_WIRE_MOMENT_SHIFT;

	if (!(value >> 32))
		return 0;
	/* The last one with these bits. */
	moment -= (u32)((u32)moment - (u32)(value >> 32));
	return moment << FT_WIRE_MOMENT_SHIFT | ((1u << FT_WIRE_MOMENT_SHIFT) - 1);
}

static bool is_wait(const struct ft_wire_record *record)
{
	return record->state != FT_WIRE_STATE_SAMPLE && record->state != FT_WIRE_STATE_NUMBERED;
}

/* Notes where the stack of that number is in the tree, and when it was taken; hands it on. */
static int keep_node(const struct walk *w, u64 number)
{
	struct ft_drain *drain = w->drain;
	const struct ft_wire_record *record = w->record;
	u64 *value = ft_map64_at(&drain->late, number);
	const struct ft_numbered_stack stack = {
		.number = number,
		.pid = record->tgid,
		.kernel_frames = record->kernel_frames,
		.user_frames = record->user_frames,
		.frames = record->frames,
		.node = w->node,
	};

	if (!value)
		return -ENOMEM;
	*value = w->node;
	if (w->dated)
		*value |= when_of(w) >> FT_WIRE_MOMENT_SHIFT << 32;
	return drain->on_stack ? drain->on_stack(drain->on_stack_context, &stack) : 0;
}

int ft_drain_record(void *context, const struct ft_wire_record *record)
{
	struct ft_drain *drain = context;
	struct walk w = {.drain = drain, .record = record, .node = FT_TREE_ROOT};
	u64 *on_ns;
	int code;

	w.proc = record->user_frames ? ft_drain_proc(drain, record) : NULL;
	code = push_who(&w);
	if (code)
		return code;
	if (record->state == FT_WIRE_STATE_ON_CPU) {
		on_ns = ft_map64_at(&drain->on_cpu, w.node);
		if (!on_ns)
			return -ENOMEM;
		*on_ns += record->weight;
		return 0;
	}
	code = is_wait(record) ? push_wait(&w) : push_frames(&w);
	if (code)
		return code;
	if (record->state == FT_WIRE_STATE_NUMBERED)
		return keep_node(&w, record->weight);
	return weigh(&w);
}

int ft_drain_late(struct ft_drain *drain, const struct ft_wire_record *record, u64 number)
{
	struct walk w = {.drain = drain, .record = record, .node = FT_TREE_ROOT};
	int code;

	w.proc = record->user_frames ? ft_drain_proc(drain, record) : NULL;
	code = push_who(&w);
	if (!code)
		code = push_frames(&w);
	if (!code)
		code = keep_node(&w, number);
	if (!code)
		drain->user_stacks += record->user_frames > 0;
	return code;
}

u32 ft_drain_unknown(struct ft_drain *drain)
{
	struct walk w = {.drain = drain, .node = FT_TREE_ROOT};

	return push_note(&w, ft_wait_note_name(FT_NOTE_UNKNOWN)) ? FT_TREE_NONE : w.node;
}

/* The process (or thread) that a node belongs to. */
static u32 owner_of(const struct ft_drain *drain, const u32 *owners, u32 node)
{
	const struct ft_tree_node *n = &ft_tree_nodes(drain->raw->tree)[node];
	enum ft_location_kind kind = drain->raw->locations[n->key].kind;

	return kind == FT_LOCATION_PROCESS || kind == FT_LOCATION_THREAD ? node : owners[n->parent];
}

static bool is_sample(const struct ft_drain *drain, u32 node)
{
	const struct ft_tree_node *n = &ft_tree_nodes(drain->raw->tree)[node];

	return n->self && drain->raw->locations[n->key].kind != FT_LOCATION_NOTE;
}

/* Gives those that were on a CPU without a sample their time. */
static int add_brief(struct ft_drain *drain, const u64 *sampled, u32 count)
{
	for (u32 node = 1; node < count; node++) {
		const u64 *on_ns = ft_map64_find(&drain->on_cpu, node);
		struct walk w = {.drain = drain, .node = node};

		if (!on_ns || !*on_ns || sampled[node])
			continue;
		if (push_note(&w, ft_wait_note_name(FT_NOTE_BRIEF)))
			return -ENOMEM;
		ft_tree_add(drain->raw->tree, w.node, *on_ns);
	}
	return 0;
}

/* ns of samples become those of a CPU, of which sampled were seen. */
static u64 scaled(u64 ns, u64 sampled, u64 on_ns)
{
	return (u64)((long double)ns / (long double)sampled * (long double)on_ns);
}

static void scale_dated(struct ft_drain *drain, const u32 *owners, const u64 *sampled)
{
	struct ft_raw *raw = drain->raw;

	for (u32 i = 0; i < raw->dated_count; i++) {
		struct ft_dated *dated = &raw->dated[i];
		u32 owner = owners[dated->node];
		const u64 *on_ns = ft_map64_find(&drain->on_cpu, owner);

		if (is_sample(drain, dated->node) && on_ns && *on_ns)
			dated->weight = scaled(dated->weight, sampled[owner], *on_ns);
	}
}

int ft_drain_scale(struct ft_drain *drain)
{
	struct ft_tree *tree = drain->raw->tree;
	u32 count = ft_tree_count(tree), *owners = ft_try_alloc(count, sizeof(*owners));
	u64 *sampled = ft_try_alloc(count, sizeof(*sampled)); /* ns, by owner */
	int code = owners && sampled ? 0 : -ENOMEM;

	for (u32 i = 1; !code && i < count; i++) {
		owners[i] = owner_of(drain, owners, i);
		if (is_sample(drain, i))
			sampled[owners[i]] += ft_tree_nodes(tree)[i].self;
	}
	for (u32 i = 1; !code && i < count; i++) {
		const u64 *on_ns = ft_map64_find(&drain->on_cpu, owners[i]);

		if (is_sample(drain, i) && on_ns && *on_ns)
			ft_tree_set(
				tree, i,
				scaled(ft_tree_nodes(tree)[i].self, sampled[owners[i]], *on_ns));
	}
	if (!code)
		scale_dated(drain, owners, sampled);
	if (!code)
		code = add_brief(drain, sampled, count);
	free(owners);
	free(sampled);
	return code;
}

void ft_drain_fini(struct ft_drain *drain)
{
	ft_map64_fini(&drain->late);
	ft_map64_fini(&drain->on_cpu);
}

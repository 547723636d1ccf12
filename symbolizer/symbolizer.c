/*
 * symbolizer.c - see symbolizer.h.
 *
 * Every location that needs a name becomes a want. Wants are grouped by module and sorted by
 * address; each group goes through the sources in the order of their list, and what is left gets a
 * name that says where it is. Then every location has its frame, and the tree is built anew with
 * frames in place of locations, where stacks that read alike fall together.
 */
#include "symbolizer/symbolizer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "profile/wait.h"
#include "symbolizer/name.h"
#include "symbolizer/source.h"

/* In the order they are asked. */
static const struct ft_source *const sources[] = {
	&ft_source_file,    &ft_source_vdso,	&ft_source_dwarf,  &ft_source_elfsym,
	&ft_source_plt,	    &ft_source_fde,	&ft_source_kernel, &ft_source_vmlinux,
	&ft_source_jitdump, &ft_source_perfmap,
};

/* Where user code begins: a stack whose outermost user frame is one of these is whole. */
static const char *const root_functions[] = {
	"_start",
	"_start_c", /* musl */
	"clone",
	"__clone",
	"clone3",
	"__clone3",
	"thread_start", /* aarch64's clone */
	"_dl_start_user",
	"_dl_start",
	"runtime.goexit",
	"runtime.goexit.abi0", /* Go */
	"runtime.rt0_go",
	"runtime.rt0_go.abi0",
	"runtime.mstart",
	"runtime.mstart.abi0",
	"_rt0_amd64_linux",
	"_rt0_arm64_linux",
};

/* What a stack's outermost user frame is. */
enum outermost { NO_USER_FRAME, ROOT_FUNCTION, NO_ROOT };

struct resolve {
	struct ft_sym sym;
	struct ft_want *wants; /* sorted by group */
	u32 count;
	u32 *frames;			/* by location: frame id */
	bool *named;			/* by location */
	const struct ft_want **want_of; /* by location: its want, or NULL */
	u32 *call_frames;		/* by call: frame id */
	size_t call_frame_cap;
	u32 call_frame_count;
};

int ft_want_name(struct ft_sym *sym, struct ft_want *want, const char *symbol, size_t len,
		 const char *suffix)
{
	struct ft_name name;

	ft_name_make(&name, symbol, len, suffix, ft_sym_style(sym));
	want->name = ft_strtab_add(sym->profile->strings, name.text, name.len);
	if (want->name == FT_STR_NONE)
		return -ENOMEM;
	want->kind = name.kind;
	want->named = true;
	return 0;
}

void ft_want_copy(struct ft_want *want, const struct ft_want *named)
{
	want->name = named->name;
	want->module = named->module;
	want->kind = named->kind;
	want->image = named->image;
	want->named = named->named;
}

/* ---- groups ---- */

/* The module whose group a location belongs to: code of a process at any time is one group. */
static u32 module_of(const struct ft_raw *raw, const struct ft_location *loc)
{
	u32 twin = raw->modules[loc->module].twin;

	return twin && twin <= loc->module ? twin - 1 : loc->module;
}

/* Orders by group: kernel first, then by module; in a group by address. */
static int want_compare(const struct ft_raw *raw, const struct ft_want *a, const struct ft_want *b)
{
	const struct ft_location *x = &raw->locations[a->location],
				 *y = &raw->locations[b->location];

	if (x->kind != y->kind)
		return x->kind == FT_LOCATION_KERNEL ? -1 : 1;
	if (x->kind == FT_LOCATION_USER && module_of(raw, x) != module_of(raw, y))
		return module_of(raw, x) < module_of(raw, y) ? -1 : 1;
	return a->addr < b->addr ? -1 : a->addr > b->addr;
}

static int want_compare_qsort(const void *a, const void *b, void *raw)
{
	return want_compare(raw, a, b);
}

static int want_compare_addr(const void *a, const void *b)
{
	const struct ft_want *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static bool wants_collect(struct resolve *rs)
{
	const struct ft_raw *raw = rs->sym.raw;

	rs->wants = ft_try_alloc(raw->location_count, sizeof(*rs->wants));
	if (!rs->wants)
		return false;
	for (u32 i = 1; i < raw->location_count; i++) {
		const struct ft_location *loc = &raw->locations[i];

		bool user = loc->kind == FT_LOCATION_USER && loc->module < raw->module_count;

		if (loc->kind == FT_LOCATION_KERNEL || user)
			rs->wants[rs->count++] = (struct ft_want){
				.addr = loc->addr,
				.start = loc->addr,
				.when_ns = user ? raw->modules[loc->module].when_ns : 0,
				.location = i,
				.mapped = true,
			};
	}
	qsort_r(rs->wants, rs->count, sizeof(*rs->wants), want_compare_qsort, (void *)raw);
	return true;
}

/* The run of wants from first that belong together. */
static struct ft_group group_at(const struct resolve *rs, u32 first)
{
	const struct ft_raw *raw = rs->sym.raw;
	const struct ft_location *loc = &raw->locations[rs->wants[first].location];
	struct ft_group group = {.wants = rs->wants + first,
				 .fd = -1,
				 .debug_fd = -1,
				 .package_fd = -1,
				 .alt_fd = -1};

	while (first + group.count < rs->count) {
		const struct ft_location *next =
			&raw->locations[rs->wants[first + group.count].location];

		if (next->kind != loc->kind ||
		    (loc->kind == FT_LOCATION_USER && module_of(raw, next) != module_of(raw, loc)))
			break;
		group.count++;
	}
	if (loc->kind == FT_LOCATION_KERNEL) {
		group.kind = FT_GROUP_KERNEL;
		return group;
	}
	group.module = &raw->modules[module_of(raw, loc)];
	group.kind = ft_group_kind_of(group.module);
	return group;
}

/* From file offsets to addresses as linked, now that there is an image. */
static void group_link(struct ft_group *group)
{
	bool sorted = true;

	for (u32 i = 0; i < group->count; i++) {
		struct ft_want *want = &group->wants[i];

		want->mapped = ft_elf_addr_of_offset(group->elf, want->addr, &want->addr);
		want->start = want->addr;
		if (i && want->addr < want[-1].addr)
			sorted = false;
	}
	if (!sorted)
		qsort(group->wants, group->count, sizeof(*group->wants), want_compare_addr);
}

/* Names what no source knew, by where it is. */
int ft_want_fallback(struct ft_sym *sym, const struct ft_group *group, struct ft_want *want)
{
	char place[32];
	struct ft_name name;
	const char *base = "kernel";
	size_t len = strlen(base);

	if (group->kind == FT_GROUP_ANON) {
		want->kind = FT_FRAME_JIT;
		want->name = want->module;
		return 0;
	}
	if (group->kind == FT_GROUP_VDSO) {
		base = "vdso";
		len = strlen(base);
	} else if (group->kind == FT_GROUP_FILE) {
		base = ft_module_base(group->module, &len);
	}
	ft_name_plain(&name, base, len);
	memmove(name.text + 1, name.text, name.len);
	name.text[0] = '[';
	snprintf(place, sizeof(place), "+0x%" PRIx64 "]", want->start);
	memcpy(name.text + 1 + name.len, place, strlen(place));
	want->name = ft_strtab_add(sym->profile->strings, name.text, 1 + name.len + strlen(place));
	/*
	 * A kernel frame stays one without a name: its place in the picture and its "_[k]" do not
	 * depend on that.
	 */
	want->kind = group->kind == FT_GROUP_KERNEL ? FT_FRAME_KERNEL : FT_FRAME_UNKNOWN;
	return want->name == FT_STR_NONE ? -ENOMEM : 0;
}

static u32 group_module(struct ft_sym *sym, const struct ft_group *group)
{
	static const char *const names[] = {[FT_GROUP_VDSO] = "[vdso]",
					    [FT_GROUP_ANON] = "[anon]",
					    [FT_GROUP_KERNEL] = "[kernel]"};
	const char *text = names[group->kind == FT_GROUP_FILE ? FT_GROUP_KERNEL : group->kind];
	size_t len = strlen(text);

	if (group->kind == FT_GROUP_FILE)
		text = ft_module_base(group->module, &len);
	return ft_strtab_add(sym->profile->strings, text, len);
}

int ft_group_open(struct ft_sym *sym, struct ft_group *group)
{
	int code = 0;

	for (size_t i = 0; !code && !group->elf && i < FT_ARRAY_LEN(sources); i++) {
		if (!(sources[i]->kinds & 1u << group->kind) || !sources[i]->open)
			continue;
		code = sources[i]->open(sym, group);
		if (!code && group->elf)
			group_link(group);
		if (!code && group->elf && group->elf->is_damaged && group->kind == FT_GROUP_FILE)
			ft_note_damaged(sym, group->module->path ? group->module->path : "");
	}
	return code;
}

void ft_group_close(struct ft_group *group)
{
	ft_map64_fini(&group->symbols);
	ft_dwarf_close(group->dwarf);
	ft_elf_close(group->debug_elf);
	free(group->debug_memory);
	free(group->debug_path);
	if (group->debug_fd >= 0)
		close(group->debug_fd);
	if (group->package_fd >= 0)
		close(group->package_fd);
	if (group->alt_fd >= 0)
		close(group->alt_fd);
	ft_elf_close(group->elf);
	if (group->fd >= 0)
		close(group->fd);
}

int ft_group_ask(struct ft_sym *sym, struct ft_group *group)
{
	int code = 0;

	for (size_t i = 0; !code && i < FT_ARRAY_LEN(sources); i++) {
		if (sources[i]->kinds & 1u << group->kind && sources[i]->resolve)
			code = sources[i]->resolve(sym, group);
	}
	return code;
}

/* The frames of the calls that sources found since the last time. */
static int call_frames_add(struct resolve *rs, u32 module)
{
	struct ft_sym *sym = &rs->sym;

	if (FT_GROW_RAW(&rs->call_frames, &rs->call_frame_cap, sym->call_count))
		return -ENOMEM;
	for (; rs->call_frame_count < sym->call_count; rs->call_frame_count++) {
		const struct ft_call *call = &sym->calls[rs->call_frame_count];
		struct ft_frame frame = {
			.name = call->name, .module = module, .kind = call->kind, .inlined = true};
		u32 id = ft_profile_frame(sym->profile, &frame);

		if (id == UINT32_MAX)
			return -ENOMEM;
		rs->call_frames[rs->call_frame_count] = id;
	}
	return 0;
}

/* Tells the profile of the file that a group's frames are of. */
static int note_module(struct ft_sym *sym, const struct ft_group *group, u32 name)
{
	struct ft_profile_module module = {.name = name};

	if (group->kind != FT_GROUP_FILE)
		return 0;
	module.path = ft_strtab_add(sym->profile->strings, group->module->path,
				    strlen(group->module->path));
	memcpy(module.build_id, group->module->build_id, sizeof(module.build_id));
	module.build_id_len = group->module->build_id_len;
	return module.path == FT_STR_NONE ? -ENOMEM : ft_profile_module(sym->profile, &module);
}

static int group_find(struct ft_sym *sym, struct ft_group *group)
{
	int code = ft_group_open(sym, group);

	return code ? code : ft_group_ask(sym, group);
}

static int group_resolve(struct resolve *rs, struct ft_group *group)
{
	struct ft_sym *sym = &rs->sym;
	u32 module = group_module(sym, group);
	int code = module == FT_STR_NONE ? -ENOMEM : 0;
	bool kept = false;

	for (u32 i = 0; i < group->count; i++)
		group->wants[i].module = module;
	if (!code)
		code = note_module(sym, group, module);
	if (!code)
		code = ft_kept_take(sym, group, &kept);
	if (!code && !kept && !(sym->raw->elsewhere && group->kind == FT_GROUP_KERNEL))
		code = group_find(sym, group);
	if (!code)
		code = call_frames_add(rs, module);
	for (u32 i = 0; !code && i < group->count; i++) {
		struct ft_want *want = &group->wants[i];
		struct ft_frame frame = {0};

		if (!want->named && !kept)
			code = ft_want_fallback(sym, group, want);
		if (!code && sym->opts && sym->opts->keep)
			code = ft_kept_note(sym, want, sym->opts->keep);
		frame.name = want->name;
		frame.module = want->module;
		frame.kind = want->kind;
		rs->named[want->location] = want->named;
		rs->want_of[want->location] = want;
		rs->frames[want->location] =
			code ? UINT32_MAX : ft_profile_frame(sym->profile, &frame);
		if (rs->frames[want->location] == UINT32_MAX)
			code = -ENOMEM;
	}
	ft_group_close(group);
	return code;
}

/* ---- locations that are no addresses in a module ---- */

static int frame_plain(struct resolve *rs, u32 location)
{
	const struct ft_location *loc = &rs->sym.raw->locations[location];
	struct ft_strtab *strings = rs->sym.profile->strings;
	struct ft_frame frame = {.kind = FT_FRAME_UNKNOWN};
	struct ft_name name;
	const char *text = "[unknown]";
	size_t len = strlen(text);
	char tid[16] = "";

	if (loc->kind == FT_LOCATION_PROCESS || loc->kind == FT_LOCATION_THREAD ||
	    loc->kind == FT_LOCATION_NOTE) {
		frame.kind = loc->kind == FT_LOCATION_PROCESS  ? FT_FRAME_PROCESS
			     : loc->kind == FT_LOCATION_THREAD ? FT_FRAME_THREAD
							       : FT_FRAME_NOTE;
		text = ft_strtab_str(rs->sym.raw->strings, loc->name);
		len = ft_strtab_len(rs->sym.raw->strings, loc->name);
	}
	if (loc->kind == FT_LOCATION_THREAD)
		snprintf(tid, sizeof(tid), "/%u", loc->pid);
	ft_name_plain(&name, text, len);
	memcpy(name.text + name.len, tid, strlen(tid));
	frame.name = ft_strtab_add(strings, name.text, name.len + strlen(tid));
	if (frame.name == FT_STR_NONE)
		return -ENOMEM;
	rs->frames[location] = ft_profile_frame(rs->sym.profile, &frame);
	return rs->frames[location] == UINT32_MAX ? -ENOMEM : 0;
}

static int frames_resolve(struct resolve *rs)
{
	const struct ft_raw *raw = rs->sym.raw;
	int code = 0;

	rs->frames = ft_try_alloc(raw->location_count, sizeof(*rs->frames));
	rs->named = ft_try_alloc(raw->location_count, sizeof(*rs->named));
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
	rs->want_of = ft_try_alloc(raw->location_count, sizeof(*rs->want_of));
	if (!rs->frames || !rs->named || !rs->want_of || !wants_collect(rs))
		return -ENOMEM;
	for (u32 first = 0; !code && first < rs->count;) {
		struct ft_group group = group_at(rs, first);

		first += group.count;
		code = group_resolve(rs, &group);
	}
	/* Frame 0 is the root's: no location has got it. */
	for (u32 i = 1; !code && i < raw->location_count; i++) {
		if (!rs->frames[i])
			code = frame_plain(rs, i);
	}
	return code;
}

/* ---- the tree ---- */

/* What is carried from a node of the raw tree to its children. */
/* Of a node in the upside-down stack of who ended a wait, and of all above it. */
enum waker {
	NO_WAKER,
	WAKER_BEGIN, /* what follows may be the tracing machinery */
	WAKER,
	WAKER_INTERRUPT, /* what was interrupted had no part in it */
};

struct carry {
	u32 node; /* in the resolved tree */
	u32 pid;  /* of the process, 0: not known */
	u16 frames, named;
	u8 outermost;	/* enum outermost */
	u8 waker;	/* enum waker */
	bool machinery; /* this node and all above it are left out */
};

/*
 * What lies between a tracepoint and the program that took the stack: the tracepoint's own
 * functions, the perf event's, and the program, which has a name only where its symbols are
 * exported.
 */
static const char *const machinery[] = {
	"__traceiter_", "__bpf_trace_",	 "bpf_trace_run", "trace_call_bpf",
	"perf_trace_",	"perf_syscall_", "trace_event_",  "bpf_prog_",
};

/* The way off a CPU, the same at the end of every wait. */
static const char *const leaving[] = {"schedule", "__schedule"};

bool ft_symbols_is_machinery(const char *name)
{
	for (size_t i = 0; i < FT_ARRAY_LEN(machinery); i++)
		if (!strncmp(name, machinery[i], strlen(machinery[i])))
			return true;
	return false;
}

static bool is_machinery(const struct resolve *rs, u32 location)
{
	const struct ft_profile *profile = rs->sym.profile;
	const char *name =
		ft_strtab_str(profile->strings, profile->frames[rs->frames[location]].name);

	if (!rs->sym.raw->at_tracepoint ||
	    rs->sym.raw->locations[location].kind != FT_LOCATION_KERNEL)
		return false;
	if (ft_symbols_is_machinery(name))
		return true;
	for (size_t i = 0; i < FT_ARRAY_LEN(leaving); i++) {
		if (rs->sym.raw->at_switch && !strcmp(name, leaving[i]))
			return true;
	}
	return false;
}

static bool is_root_function(const struct resolve *rs, u32 location)
{
	const struct ft_profile *profile = rs->sym.profile;
	const char *name;

	if (!rs->named[location])
		return false;
	name = ft_strtab_str(profile->strings, profile->frames[rs->frames[location]].name);
	for (size_t i = 0; i < FT_ARRAY_LEN(root_functions); i++) {
		if (!strcmp(name, root_functions[i]))
			return true;
	}
	return false;
}

/* Adds one frame below a node, which becomes the frame's. 0 or -ENOMEM. */
static int frame_add(const struct resolve *rs, u32 frame, u32 file, u32 line, u64 address,
		     u64 weight, u32 *node)
{
	struct ft_profile *profile = rs->sym.profile;

	*node = ft_tree_child(profile->tree, *node, frame);
	if (*node == FT_TREE_NONE)
		return -ENOMEM;
	if (ft_origins_address(&profile->origins, *node, address))
		return -ENOMEM;
	return ft_places_add(&profile->places, *node, file, line, weight);
}

/*
 * Adds the frames of a location below a node, which becomes that of the last: the function and what
 * was inlined in it, outermost first, or innermost first in a waker's stack. 0 or -ENOMEM.
 */
static int frames_add(const struct resolve *rs, u32 location, u64 weight, bool is_waker, u32 *node)
{
	const struct ft_want *want = rs->want_of[location];
	u32 count = want && rs->call_frames ? want->inlined : 0;
	u64 address = rs->sym.raw->locations[location].addr;
	int code = 0;

	for (u32 i = 0; !code && i <= count; i++) {
		u32 depth = is_waker ? count - i : i; /* 0 is the function */

		if (depth == 0) {
			code = frame_add(rs, rs->frames[location], want ? want->file : 0,
					 want ? want->line : 0, address, weight, node);
		} else {
			const struct ft_call *call = &rs->sym.calls[want->first + depth - 1];

			code = frame_add(rs, rs->call_frames[want->first + depth - 1], call->file,
					 call->line, address, weight, node);
		}
	}
	return code;
}

static const char *location_name(const struct resolve *rs, u32 location)
{
	const struct ft_profile *profile = rs->sym.profile;

	return ft_strtab_str(profile->strings, profile->frames[rs->frames[location]].name);
}

/* Whether a kernel function is where interrupts enter: all farther out was interrupted. */
static bool is_interrupt(const struct resolve *rs, u32 location)
{
	static const char *const entries[] = {"asm_sysvec_", "asm_common_interrupt", "asm_exc_nmi",
					      "el1h_64_irq", "el0t_64_irq"};

	if (rs->sym.raw->locations[location].kind != FT_LOCATION_KERNEL)
		return false;
	for (size_t i = 0; i < FT_ARRAY_LEN(entries); i++)
		if (!strncmp(location_name(rs, location), entries[i], strlen(entries[i])))
			return true;
	return false;
}

static int carry_interrupt(const struct resolve *rs, struct carry *child)
{
	const char *name = ft_wait_note_name(FT_NOTE_INTERRUPT);
	struct ft_frame frame = {
		.kind = FT_FRAME_NOTE,
		.name = ft_strtab_add(rs->sym.profile->strings, name, strlen(name)),
	};
	u32 key =
		frame.name == FT_STR_NONE ? UINT32_MAX : ft_profile_frame(rs->sym.profile, &frame);

	child->waker = WAKER_INTERRUPT;
	child->node = key == UINT32_MAX ? FT_TREE_NONE
					: ft_tree_child(rs->sym.profile->tree, child->node, key);
	return child->node == FT_TREE_NONE ? -ENOMEM : 0;
}

static bool is_waker_note(const struct resolve *rs, u32 location)
{
	return rs->sym.raw->locations[location].kind == FT_LOCATION_NOTE &&
	       !strcmp(location_name(rs, location), ft_wait_note_name(FT_NOTE_WAKER));
}

/*
 * A node of a waker: the tracing machinery comes first, and is skipped. Its innermost function, the
 * program, has no name.
 */
static int carry_waker(const struct resolve *rs, u32 location, u64 weight, struct carry *child)
{
	bool kernel = rs->sym.raw->locations[location].kind == FT_LOCATION_KERNEL;

	if (child->waker == WAKER_INTERRUPT)
		return 0;
	if (is_waker_note(rs, location)) { /* who woke this one */
		child->waker = WAKER_BEGIN;
		return frames_add(rs, location, weight, true, &child->node);
	}
	if (child->waker == WAKER_BEGIN && kernel &&
	    (!rs->named[location] || is_machinery(rs, location)))
		return 0;
	child->waker = WAKER;
	if (frames_add(rs, location, weight, true, &child->node))
		return -ENOMEM;
	return is_interrupt(rs, location) ? carry_interrupt(rs, child) : 0;
}

static int carry_child(const struct resolve *rs, const struct carry *parent, u32 location,
		       u64 weight, struct carry *child)
{
	const struct ft_location *loc = &rs->sym.raw->locations[location];
	u16 calls;

	*child = *parent;
	if (loc->kind == FT_LOCATION_PROCESS)
		child->pid = loc->pid;
	if (child->waker)
		return carry_waker(rs, location, weight, child);
	child->machinery =
		(parent->machinery && loc->kind != FT_LOCATION_NOTE) || is_machinery(rs, location);
	if (child->machinery)
		return 0;
	if (frames_add(rs, location, weight, false, &child->node))
		return -ENOMEM;
	if (is_waker_note(rs, location))
		child->waker = WAKER_BEGIN;
	if (loc->kind == FT_LOCATION_PROCESS || loc->kind == FT_LOCATION_THREAD ||
	    loc->kind == FT_LOCATION_NOTE)
		return 0;
	calls = rs->want_of[location] ? rs->want_of[location]->inlined : 0;
	if (child->frames < UINT16_MAX - 1 - calls) {
		child->frames = (u16)(child->frames + 1 + calls);
		child->named = (u16)(child->named + rs->named[location] + calls);
	}
	if (loc->kind != FT_LOCATION_KERNEL && child->outermost == NO_USER_FRAME)
		child->outermost = is_root_function(rs, location) ? ROOT_FUNCTION : NO_ROOT;
	return 0;
}

static void add_product(u64 *sum, u64 weight, u64 count)
{
	u64 product;

	if (__builtin_mul_overflow(weight, count, &product) ||
	    __builtin_add_overflow(*sum, product, sum))
		*sum = UINT64_MAX;
}

/*
 * Completes ends[]: the user stacks that the sampler did not judge are whole if they begin in a
 * root function. root and user are the weights of such stacks and of all with user frames; only in
 * samples are weights numbers of stacks.
 */
static void judge_ends(struct ft_quality *q, enum ft_unit unit, u64 root, u64 user)
{
	u64 judged = 0, left;

	for (int i = 0; i < FT_END_COUNT; i++)
		judged += q->ends[i];
	left = q->user_stacks > judged ? q->user_stacks - judged : 0;
	if (unit != FT_UNIT_SAMPLES)
		root = user ? (u64)((long double)root / (long double)user *
				    (long double)q->user_stacks)
			    : 0;
	if (root > left)
		root = left;
	q->ends[FT_END_ROOT] += root;
	q->ends[FT_END_BROKEN_FP] += left - root;
}

/* The rounds of raw's nodes as those of the resolved tree's. */
static int rounds_rebuild(struct resolve *rs, const struct carry *carried)
{
	const struct ft_rounds *from = rs->sym.opts ? rs->sym.opts->rounds : NULL;
	struct ft_rounds *to = &rs->sym.profile->rounds;

	if (!from || !from->count)
		return 0;
	if (FT_GROW_RAW(&to->list, &to->cap, from->count) ||
	    FT_GROW_RAW(&to->weights, &to->weight_cap, from->weight_count))
		return -ENOMEM;
	memcpy(to->list, from->list, from->count * sizeof(*to->list));
	for (u32 i = 0; i < from->weight_count; i++) {
		to->weights[i] = from->weights[i];
		to->weights[i].node = carried[from->weights[i].node].node;
	}
	to->count = from->count;
	to->weight_count = from->weight_count;
	return 0;
}

static int tree_rebuild(struct resolve *rs)
{
	const struct ft_raw *raw = rs->sym.raw;
	const struct ft_tree_node *nodes = ft_tree_nodes(raw->tree);
	struct ft_quality *q = &rs->sym.profile->quality;
	u32 count = ft_tree_count(raw->tree);
	struct carry *carried = ft_try_alloc(count, sizeof(*carried));
	u64 *totals = ft_tree_totals(raw->tree);
	u64 root = 0, user = 0;
	int code = carried && totals ? 0 : -ENOMEM;

	if (!code)
		carried[0] = (struct carry){.node = FT_TREE_ROOT};
	for (u32 i = 1; !code && i < count; i++) {
		struct carry *c = &carried[i];

		code = carry_child(rs, &carried[nodes[i].parent], nodes[i].key, totals[i], c);
		if (code || !nodes[i].self)
			continue;
		ft_tree_add(rs->sym.profile->tree, c->node, nodes[i].self);
		code = ft_origins_owner(&rs->sym.profile->origins, c->node, c->pid, nodes[i].self);
		add_product(&q->frames, nodes[i].self, c->frames);
		add_product(&q->frames_named, nodes[i].self, c->named);
		add_product(&root, nodes[i].self, c->outermost == ROOT_FUNCTION);
		add_product(&user, nodes[i].self, c->outermost != NO_USER_FRAME);
	}
	if (!code)
		code = rounds_rebuild(rs, carried);
	free(carried);
	free(totals);
	ft_places_finish(&rs->sym.profile->places);
	ft_origins_finish(&rs->sym.profile->origins);
	if (!code)
		judge_ends(q, raw->unit, root, user);
	return code;
}

int ft_symbolize(const struct ft_raw *raw, const struct ft_symbolize_opts *opts,
		 struct ft_symbolize_notes *notes, struct ft_profile **profile, struct ft_err *err)
{
	struct ft_symbolize_notes own = {0};
	struct resolve rs = {.sym = {.raw = raw, .opts = opts, .notes = &own}};
	int code = -ENOMEM;

	rs.sym.profile = ft_profile_new();
	if (!rs.sym.profile)
		goto out;
	rs.sym.profile->unit = raw->unit;
	rs.sym.profile->has_quality = true;
	rs.sym.profile->quality = raw->quality;
	rs.sym.profile->quality.frames = 0;
	rs.sym.profile->quality.frames_named = 0;
	code = frames_resolve(&rs);
	if (!code)
		code = tree_rebuild(&rs);
	if (code)
		goto out;
	if (notes)
		*notes = own;
	*profile = rs.sym.profile;
	rs.sym.profile = NULL;
out:
	ft_profile_free(rs.sym.profile);
	free(rs.wants);
	free(rs.frames);
	free(rs.named);
	free(rs.want_of);
	free(rs.call_frames);
	free(rs.sym.calls);
	if (code)
		ft_err_set(err, code,
			   "not enough memory to name %u addresses; record for a shorter time",
			   raw->location_count);
	return code;
}

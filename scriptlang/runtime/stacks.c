/* stacks.c - see stacks.h. */
#include "scriptlang/runtime/stacks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/map64.h"
#include "base/strtab.h"
#include "profile/tree.h"
#include "scriptlang/kernel/kernel_names.h"
#include "scriptlang/user/user_names.h"
#include "symbolizer/symbolizer.h"

#define FRAME_TEXT_BYTES 20 /* "0x", 16 digits, blank */

struct stack {
	u64 number;
	u32 node;
	u32 frame_count, kernel_frames;
	u64 *frames; /* as they are printed; owned */
	char *text;  /* owned */
	u32 len;
};

struct ft_stacks {
	struct ft_recording *recording;
	struct stack *items;
	size_t count, cap;
	struct ft_map64 by_number;   /* number to its place + 1 */
	struct ft_map64 by_text;     /* hash of the text to the place + 1 of the first of it */
	struct ft_symbols **symbols; /* by module of the profile; NULL: not open */
	size_t symbols_cap;
	bool *symbols_tried;
	size_t tried_cap;
	struct ft_kernel_names *kernel;
	size_t named; /* stacks whose kernel frames have names */
	bool stopped;
};

/* Text of a stack: what the tools that read these expect, a blank behind each address. */
static bool make_text(struct stack *s)
{
	char *at;

	s->text = malloc((size_t)s->frame_count * FRAME_TEXT_BYTES + 1);
	if (!s->text)
		return false;
	at = s->text;
	for (u32 i = 0; i < s->frame_count; i++)
		at += sprintf(at, "0x%llx ", (unsigned long long)s->frames[i]);
	*at = '\0';
	s->len = (u32)(at - s->text);
	return true;
}

/* Hashes of 64 bits: other texts of the same one would only lose their names. */
static u64 text_key(const char *text, u32 len)
{
	return ft_hash_bytes(text, len) | 1;
}

static int enter_text(struct ft_stacks *stacks, const struct stack *s, size_t place)
{
	u64 *first = ft_map64_at(&stacks->by_text, text_key(s->text, s->len));

	if (!first)
		return -ENOMEM;
	if (!*first)
		*first = place + 1;
	return 0;
}

static int take(void *context, const struct ft_numbered_stack *from)
{
	struct ft_stacks *stacks = context;
	struct stack *s;
	u64 *place = ft_map64_at(&stacks->by_number, from->number);

	if (!place || FT_GROW(&stacks->items, &stacks->cap, stacks->count + 1))
		return -ENOMEM;
	if (*place)
		return 0;
	s = &stacks->items[stacks->count];
	*s = (struct stack){.number = from->number,
			    .node = from->node,
			    .kernel_frames = from->kernel_frames,
			    .frame_count = from->kernel_frames + from->user_frames};
	s->frames = ft_try_alloc((size_t)s->frame_count + 1, sizeof(*s->frames));
	if (!s->frames)
		return -ENOMEM;
	/* User frames have been moved back into the call, all but the innermost one. */
	for (u32 i = 0; i < s->frame_count; i++)
		s->frames[i] = from->frames[i] + (i > s->kernel_frames);
	if (!make_text(s)) {
		free(s->frames);
		return -ENOMEM;
	}
	*place = ++stacks->count;
	return enter_text(stacks, s, stacks->count - 1);
}

int ft_stacks_open(u32 pid, bool in_user, bool at_functions, struct ft_stacks **stacks,
		   struct ft_err *err)
{
	struct ft_stacks *s = ft_alloc(sizeof(*s));
	const struct ft_record_opts opts = {
		.mode = FT_RECORD_CALLS,
		.uprobe_calls = in_user,
		.kprobe_calls = at_functions,
		.target = pid ? FT_TARGET_PIDS : FT_TARGET_ALL,
		.ids = &pid,
		.id_count = pid ? 1 : 0,
		.children = pid != 0,
		.on_stack = take,
		.on_stack_context = s,
	};
	int code;

	code = ft_recording_open(&opts, &s->recording, err);
	if (!code)
		code = ft_recording_arm(s->recording, err);
	if (code) {
		ft_stacks_close(s);
		return code;
	}
	*stacks = s;
	return 0;
}

void ft_stacks_close(struct ft_stacks *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->symbols_cap; i++)
		ft_symbols_close(s->symbols[i]);
	free(s->symbols);
	free(s->symbols_tried);
	for (size_t i = 0; i < s->count; i++) {
		free(s->items[i].frames);
		free(s->items[i].text);
	}
	free(s->items);
	ft_kernel_names_close(s->kernel);
	ft_map64_fini(&s->by_number);
	ft_map64_fini(&s->by_text);
	ft_recording_close(s->recording);
	free(s);
}

void ft_stacks_calls(const struct ft_stacks *stacks, struct ft_recording_calls *calls)
{
	ft_recording_calls(stacks->recording, calls);
}

int ft_stacks_service(struct ft_stacks *stacks, struct ft_err *err)
{
	return ft_recording_service(stacks->recording, err);
}

int ft_stacks_stop(struct ft_stacks *stacks, struct ft_err *err)
{
	stacks->stopped = true;
	return ft_recording_stop(stacks->recording, err);
}

static const struct stack *find(struct ft_stacks *stacks, u64 number)
{
	const u64 *place = ft_map64_find(&stacks->by_number, number);

	/* It is on its way: programs leave it in the store before anybody hears of its number. */
	if (!place && number && !stacks->stopped) {
		ft_recording_flush(stacks->recording, NULL);
		place = ft_map64_find(&stacks->by_number, number);
	}
	return place && *place ? &stacks->items[*place - 1] : NULL;
}

const char *ft_stacks_text(struct ft_stacks *stacks, u64 number, u32 *len)
{
	const struct stack *s = find(stacks, number);

	*len = s ? s->len : 0;
	return s ? s->text : "";
}

static const struct stack *find_text(const struct ft_stacks *stacks, const char *text, u32 len)
{
	const u64 *place = ft_map64_find(&stacks->by_text, text_key(text, len));
	const struct stack *s = place && *place ? &stacks->items[*place - 1] : NULL;

	return s && s->len == len && !memcmp(s->text, text, len) ? s : NULL;
}

u64 ft_stacks_number(const struct ft_stacks *stacks, const char *text, u32 len, u8 *kinds)
{
	const struct stack *s = find_text(stacks, text, len);

	if (s)
		*kinds = s->kernel_frames ? FT_STACK_KERNEL : FT_STACK_USER;

	return s ? s->number : 0;
}

/* ---- names ---- */

static struct ft_symbols *symbols_of(struct ft_stacks *stacks, u32 module)
{
	const struct ft_raw *raw = ft_recording_raw(stacks->recording);

	if (ft_grow(&stacks->symbols, &stacks->symbols_cap, (size_t)module + 1,
		    sizeof(struct ft_symbols *)) ||
	    FT_GROW(&stacks->symbols_tried, &stacks->tried_cap, (size_t)module + 1))
		return NULL;
	if (!stacks->symbols_tried[module] && raw->modules[module].kind == FT_MODULE_FILE) {
		struct ft_err ignored = {0}; /* its frames have no names then */

		stacks->symbols_tried[module] = true;
		if (ft_symbols_open(&raw->modules[module], NULL, &stacks->symbols[module],
				    &ignored))
			stacks->symbols[module] = NULL;
	}
	return stacks->symbols[module];
}

/* Those of all stacks that came since the last time. */
static void name_kernel(struct ft_stacks *stacks)
{
	u64 *addrs = NULL;
	size_t count = 0, cap = 0;

	for (; stacks->named < stacks->count; stacks->named++) {
		const struct stack *s = &stacks->items[stacks->named];

		for (u32 i = 0; i < s->kernel_frames; i++)
			if (!FT_GROW(&addrs, &cap, count + 1))
				addrs[count++] = s->frames[i];
	}
	if (count)
		ft_kernel_names_add(stacks->kernel, addrs, count);
	free(addrs);
}

static void name_kernel_frame(struct ft_stacks *stacks, u64 addr, struct ft_user_name *f)
{
	const struct ft_kernel_name *name;

	f->module = "kernel";
	if (!stacks->kernel)
		stacks->kernel = ft_kernel_names_new();
	if (!stacks->kernel)
		return;
	name_kernel(stacks);
	name = ft_kernel_names_find(stacks->kernel, addr);
	if (!name)
		return;
	f->name = name->name;
	f->offset = addr - name->start;
	f->size = name->size;
}

static void name_location(struct ft_stacks *stacks, const struct ft_location *l,
			  struct ft_user_name *f)
{
	const struct ft_raw *raw = ft_recording_raw(stacks->recording);

	*f = (struct ft_user_name){0};
	if (l->kind != FT_LOCATION_USER)
		return;
	f->module = raw->modules[l->module].path;
	f->offset = l->addr;
	ft_user_name_in(symbols_of(stacks, l->module), f);
}

bool ft_stacks_name(struct ft_stacks *stacks, u32 pid, u64 addr, struct ft_user_name *found)
{
	struct ft_location location;

	if (stacks->stopped || !ft_recording_find(stacks->recording, pid, addr, &location))
		return false;
	name_location(stacks, &location, found);
	return true;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void print_frame(const struct ft_user_name *f, u64 addr, bool is_caller,
			enum ft_stack_form form, struct ft_out *out)
{
	unsigned long long at = addr, offset = f->offset + is_caller, size = f->size;
	bool paths = form == FT_STACK_PATHS || form == FT_STACK_SOURCE;
	bool lines = form == FT_STACK_LINES || paths;

	if (lines)
		ft_out_printf(out, " 0x%llx : ", at);
	if (!f->name) {
		ft_out_printf(out, "0x%llx", at);
		if (f->module && lines)
			ft_out_printf(out, " [%s+0x%llx/0x%llx]",
				      paths ? f->module : base_of(f->module), offset, size);
	} else {
		ft_out_printf(out, "%s+0x%llx", f->name, offset);
		if (lines)
			ft_out_printf(out, "/0x%llx", size);
		if (form == FT_STACK_SOURCE && f->file)
			ft_out_printf(out, " at %s:%u", f->file, f->line);
		if (form != FT_STACK_BRIEF && f->module)
			ft_out_printf(out, " [%s]", paths ? f->module : base_of(f->module));
	}
	ft_out_char(out, '\n');
}

/* Addresses as they are: a text that is no stack of ours. */
static void print_addresses(const char *text, enum ft_stack_form form, struct ft_out *out)
{
	static const struct ft_user_name unknown;
	char *end;

	for (;;) {
		u64 addr = strtoull(text, &end, 16);

		if (end == text)
			return;
		print_frame(&unknown, addr, false, form, out);
		text = end;
	}
}

#define MACHINERY_MAX 12 /* frames of programs and of the tracepoint that called them */

/* How many frames there are before the tracepoint that took the stack. */
static u32 machinery_of(struct ft_stacks *stacks, const struct stack *s)
{
	u32 frames = 0;

	for (u32 i = 0; i < s->kernel_frames && i < MACHINERY_MAX; i++) {
		struct ft_user_name f = {0};

		name_kernel_frame(stacks, s->frames[i], &f);
		if (f.name && ft_symbols_is_machinery(f.name))
			frames = i + 1;
	}
	return frames;
}

const char *ft_stacks_event(struct ft_stacks *stacks, const char *text, u32 len)
{
	const struct stack *s = stacks ? find_text(stacks, text, len) : NULL;
	const char *end = text + len;

	for (u32 hidden = s ? machinery_of(stacks, s) : 0; hidden; hidden--) {
		const char *blank = memchr(text, ' ', (size_t)(end - text));

		text = blank ? blank + 1 : end;
	}
	return text;
}

void ft_stacks_print(struct ft_stacks *stacks, const char *text, u32 len, enum ft_stack_form form,
		     struct ft_out *out)
{
	const struct stack *s = stacks ? find_text(stacks, text, len) : NULL;
	const struct ft_raw *raw = s ? ft_recording_raw(stacks->recording) : NULL;
	u32 node = s ? s->node : 0, hidden;
	struct ft_user_name f;

	if (!s) {
		print_addresses(text, form, out);
		return;
	}
	hidden = machinery_of(stacks, s);
	for (u32 i = 0; i < s->frame_count && node != FT_TREE_ROOT; i++) {
		const struct ft_tree_node *n = &ft_tree_nodes(raw->tree)[node];
		const struct ft_location *l = &raw->locations[n->key];

		if (l->kind == FT_LOCATION_PROCESS || l->kind == FT_LOCATION_THREAD)
			break;
		name_location(stacks, l, &f);
		if (i < s->kernel_frames)
			name_kernel_frame(stacks, s->frames[i], &f);
		if (i >= hidden)
			print_frame(&f, s->frames[i], i > s->kernel_frames, form, out);
		node = n->parent;
	}
}

/* ---- a profile ---- */

static u32 push_root(struct ft_raw *raw, u32 node, const char *name)
{
	struct ft_location location = {
		.kind = FT_LOCATION_PROCESS,
		.name = ft_strtab_add(raw->strings, name, strlen(name)),
	};
	u32 key = location.name == FT_STR_NONE ? UINT32_MAX : ft_raw_location(raw, &location);

	return key == UINT32_MAX ? FT_TREE_NONE : ft_tree_child(raw->tree, node, key);
}

/* The frames of a node once more, above another one. */
static u32 push_path(struct ft_raw *raw, u32 node, u32 below, u32 depth)
{
	const struct ft_tree_node n = ft_tree_nodes(raw->tree)[node];

	if (node == FT_TREE_ROOT || !depth)
		return below;
	below = push_path(raw, n.parent, below, depth - 1);
	return below == FT_TREE_NONE ? below : ft_tree_child(raw->tree, below, n.key);
}

#define PATH_MAX_NODES 1000 /* more than a stack has */

int ft_stacks_weigh(struct ft_stacks *stacks, const char *text, u32 len, const char *const *roots,
		    u32 root_count, u64 weight)
{
	const struct stack *s = find_text(stacks, text, len);
	u32 node = s ? s->node : FT_TREE_ROOT, below = FT_TREE_ROOT;
	struct ft_raw *raw;

	if (!s)
		return -ENOENT;
	raw = ft_recording_raw(stacks->recording);
	for (u32 i = 0; i < root_count && below != FT_TREE_NONE; i++)
		below = push_root(raw, below, roots[i]);
	if (root_count && below != FT_TREE_NONE)
		node = push_path(raw, node, below, PATH_MAX_NODES);
	if (below == FT_TREE_NONE || node == FT_TREE_NONE)
		return -ENOMEM;
	ft_tree_add(raw->tree, node, weight);
	return 0;
}

int ft_stacks_profile(struct ft_stacks *stacks, struct ft_profile **profile, struct ft_err *err)
{
	return ft_symbolize(ft_recording_raw(stacks->recording), NULL, NULL, profile, err);
}

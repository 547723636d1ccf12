/*
 * stack.c - flametap stack: one backtrace of every thread of a process, as it is now.
 *
 * The sampler takes the stacks and walks them; here addresses get their names, one batch a file,
 * and become text that reads like a debugger's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/out.h"
#include "cli/cli.h"
#include "symbolizer/symbolizer.h"

enum { KEY_NO_DEMANGLE = 0x400, KEY_NO_INLINE, KEY_SYMFS, KEY_DEBUG_DIR, KEY_LOCALS, KEY_CORE };

/* An address of a frame, and its place in the batch of its module. */
struct place {
	u64 linked;
	u32 module; /* UINT32_MAX: none could be opened, or no segment holds it */
	u32 index;  /* in the batch */
};

/* The addresses of one module. */
struct batch {
	struct ft_symbols *symbols;
	bool tried;
	u64 *addrs;
	size_t cap;
	u32 count;
};

struct stack {
	struct ft_symbolize_opts opts;
	u32 pid;
	const char *core; /* path of a core file, or NULL */
	bool locals;
	struct ft_backtrace backtrace;
	struct batch *batches; /* by module */
	struct place *places;  /* of all frames, thread after thread */
	u32 place_count;
};

static const struct argp_option options[] = {
	{"locals", KEY_LOCALS, NULL, 0,
	 "Show parameters and local variables, where debug information knows them", 0},
	{"core", KEY_CORE, "FILE", 0, "Show the threads in a core file instead of a process", 0},
	{"no-demangle", KEY_NO_DEMANGLE, NULL, 0,
	 "Keep C++, Rust and D names as the linker sees them", 0},
	{"symfs", KEY_SYMFS, "DIR", 0, "Look for files in DIR first, as if it were /", 0},
	{"debug-dir", KEY_DEBUG_DIR, "DIR", 0,
	 "Look for debug files in DIR, then in /usr/lib/debug", 0},
	{"no-inline", KEY_NO_INLINE, NULL, 0, "Leave calls out that the compiler inlined", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct stack *s = state->input;
	char *end;

	switch (key) {
	case KEY_NO_DEMANGLE:
		s->opts.no_demangle = true;
		return 0;
	case KEY_LOCALS:
		s->locals = true;
		return 0;
	case KEY_CORE:
		s->core = arg;
		return 0;
	case KEY_NO_INLINE:
		s->opts.no_inline = true;
		return 0;
	case KEY_SYMFS:
		s->opts.symfs = arg;
		return 0;
	case KEY_DEBUG_DIR:
		s->opts.debug_dir = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (s->pid)
			argp_error(state, "one process at a time: what is '%s'?", arg);
		s->pid = (u32)strtoul(arg, &end, 10);
		if (*end || !s->pid)
			argp_error(state, "'%s' is not the number of a process", arg);
		return 0;
	case ARGP_KEY_END:
		if (!s->pid && !s->core)
			argp_error(state, "of which process? Say its number");
		if (s->pid && s->core)
			argp_error(state, "either a process or --core, not both");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "PID\n--core=FILE",
	.doc = "Prints one backtrace of every thread of a process, calls included that the "
	       "compiler inlined.\v"
	       "Each thread is stopped for as long as its registers and its stack are copied, well "
	       "below a millisecond; what is stopped stays stopped, and a thread that is blocked "
	       "in "
	       "the kernel is shown without waiting for it. Needs the right to trace the process. "
	       "Variables on the stack have the values of that moment, others those of a moment "
	       "later.",
};

/* ---- names ---- */

static struct batch *batch_of(struct stack *s, u32 module)
{
	const struct ft_module *m = &s->backtrace.process.raw->modules[module];
	struct batch *batch = &s->batches[module];
	struct ft_err err = {0};

	if (!batch->tried && ft_symbols_open(m, &s->opts, &batch->symbols, &err) &&
	    err.code != -ENOEXEC)
		ft_cli_fail(FT_EXIT_FAILED, &err);
	batch->tried = true;
	return batch->symbols ? batch : NULL;
}

static int place_add(struct stack *s, const struct ft_backtrace_frame *frame)
{
	const struct ft_process *process = &s->backtrace.process;
	const struct ft_process_map *map = ft_process_find(process, frame->addr);
	struct place *place = &s->places[s->place_count++];
	struct batch *batch = map ? batch_of(s, map->module) : NULL;
	u64 offset = frame->addr;

	*place = (struct place){.linked = frame->addr, .module = UINT32_MAX};
	if (!batch)
		return 0;
	if (process->raw->modules[map->module].kind != FT_MODULE_ANON)
		offset = frame->addr - map->start + map->offset;
	if (!ft_symbols_link(batch->symbols, offset, &place->linked))
		return 0;
	if (FT_GROW_RAW(&batch->addrs, &batch->cap, (size_t)batch->count + 1))
		return -ENOMEM;
	place->module = map->module;
	place->index = batch->count;
	batch->addrs[batch->count++] = place->linked;
	return 0;
}

static int find_names(struct stack *s)
{
	const struct ft_backtrace *bt = &s->backtrace;
	u32 modules = bt->process.raw->module_count;
	size_t frames = 0;
	int code = 0;

	for (u32 i = 0; i < bt->thread_count; i++)
		frames += bt->threads[i].frame_count;
	s->places = ft_try_alloc(frames + 1, sizeof(*s->places));
	s->batches = ft_try_alloc((size_t)modules + 1, sizeof(*s->batches));
	if (!s->places || !s->batches)
		return -ENOMEM;
	for (u32 i = 0; i < bt->thread_count; i++)
		for (u32 j = 0; !code && j < bt->threads[i].frame_count; j++)
			code = place_add(s, &bt->threads[i].frames[j]);
	for (u32 i = 0; !code && i < modules; i++) {
		struct batch *batch = &s->batches[i];

		if (batch->symbols)
			code = ft_symbols_find(batch->symbols, batch->addrs, batch->count);
	}
	return code;
}

/* ---- text ---- */

/* Text of the profiled machine: without control characters. */
static void put_clean(const char *text)
{
	for (const char *c = text; *c; c++)
		putchar_unlocked((unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c);
}

static const char *module_path(const struct stack *s, u64 addr)
{
	const struct ft_process *process = &s->backtrace.process;
	const struct ft_process_map *map = ft_process_find(process, addr);

	if (!map)
		return NULL;
	if (process->raw->modules[map->module].kind == FT_MODULE_ANON)
		return "code made at run time";
	return process->raw->modules[map->module].path;
}

static void put_place(const struct stack *s, const struct ft_symbols_frame *f, u64 addr)
{
	const char *path;

	if (f->file) {
		printf(" at ");
		put_clean(f->file);
		printf(":%u", f->line);
		return;
	}
	path = module_path(s, addr);
	if (path) {
		printf(" from ");
		put_clean(path);
	}
}

/* A frame of a thread, as its variables are read. */
struct view {
	const struct stack *s;
	const struct ft_backtrace_thread *thread;
	const struct place *places; /* of the thread */
	u32 frame;
	u32 asked; /* how many callers were asked to come here */
};

#define ASKED_MAX 16

static bool view_read(void *context, u64 addr, void *out, size_t bytes)
{
	const struct view *view = context;

	return ft_backtrace_read(&view->s->backtrace, view->thread, addr, out, bytes);
}

static bool view_entry(void *context, u32 reg, u64 *value);

static struct ft_machine machine_of(struct view *view)
{
	const struct ft_backtrace_frame *frame = &view->thread->frames[view->frame];

	return (struct ft_machine){
		.regs = frame->regs,
		.known = frame->known,
		.vectors = !view->frame && view->thread->has_vectors ? view->thread->vectors : NULL,
		.cfa = frame->cfa,
		.has_cfa = frame->cfa,
		.bias = frame->addr - view->places[view->frame].linked,
		.read = view_read,
		.entry = view_entry,
		.context = view,
		.is_caller = frame->addr != frame->pc,
	};
}

static const char *outermost(const struct stack *s, const struct place *place);

/* What the caller passed in a register. It may have to ask its own caller. */
static bool view_entry(void *context, u32 reg, u64 *value)
{
	const struct view *view = context;
	struct view caller = *view;
	const struct place *place;
	struct ft_machine machine;

	caller.frame++;
	caller.asked++;
	if (caller.frame >= view->thread->frame_count || caller.asked > ASKED_MAX)
		return false;
	place = &view->places[caller.frame];
	if (place->module == UINT32_MAX)
		return false;
	machine = machine_of(&caller);
	return machine.is_caller &&
	       ft_symbols_call_value(view->s->batches[place->module].symbols, place->linked, reg,
				     outermost(view->s, &view->places[view->frame]), &machine,
				     value);
}

/* The variables of one function: parameters are printed at once, others kept for later. */
struct variables {
	u32 parameters;
	struct ft_out *locals;
};

static void put_variable(void *context, const char *name, const char *value, bool is_parameter)
{
	struct variables *variables = context;

	if (is_parameter) {
		printf("%s", variables->parameters++ ? ", " : "");
		put_clean(name);
		putchar_unlocked('=');
		put_clean(value);
	} else {
		ft_out_text(variables->locals, "        ");
		ft_out_text(variables->locals, name);
		ft_out_text(variables->locals, " = ");
		ft_out_text(variables->locals, value);
		ft_out_char(variables->locals, '\n');
	}
}

static void put_variables(struct view *view, u32 depth, struct variables *variables)
{
	const struct place *place = &view->places[view->frame];
	struct ft_machine machine = machine_of(view);

	if (view->s->locals && place->module != UINT32_MAX)
		ft_symbols_variables(view->s->batches[place->module].symbols, place->linked, depth,
				     &machine, put_variable, variables);
}

/* Names and values are the target's: line by line, so that none makes lines of its own. */
static void put_locals(const struct ft_out *out)
{
	size_t len;
	const char *text = ft_out_memory(out, &len), *end = text + len;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));

		for (; text < newline; text++)
			putchar_unlocked((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
		putchar_unlocked('\n');
		text++;
	}
}

static void put_frame(const struct stack *s, const struct ft_backtrace_thread *t, u32 index,
		      const struct place *places, u32 *number)
{
	struct view view = {.s = s, .thread = t, .places = places, .frame = index};
	const struct ft_backtrace_frame *frame = &t->frames[index];
	const struct place *place = &places[index];
	const struct ft_symbols *symbols =
		place->module == UINT32_MAX ? NULL : s->batches[place->module].symbols;
	struct ft_symbols_frame f = {0};
	u32 depth = 0;

	while ((symbols && ft_symbols_frame(symbols, place->index, depth, &f)) || !depth) {
		struct variables variables = {.locals = ft_out_new_memory()};

		if (f.inlined)
			printf("#%-3u ", (*number)++);
		else
			printf("#%-3u 0x%016llx in ", (*number)++, (unsigned long long)frame->pc);
		put_clean(f.function ? f.function : "??");
		printf(" (");
		put_variables(&view, depth, &variables);
		putchar_unlocked(')');
		put_place(s, &f, frame->addr);
		printf(f.inlined ? " (inlined)\n" : "\n");
		put_locals(variables.locals);
		ft_out_close(variables.locals);
		depth++;
	}
}

/* What the kernel does for it, above the functions of the program. */
static void put_kernel(const char *functions, u32 *number)
{
	for (const char *at = functions, *end; *at; at = end + 1) {
		end = strchrnul(at, '\n');
		printf("#%-3u <kernel> in %.*s ()\n", (*number)++, (int)(end - at), at);
		if (!*end)
			break;
	}
}

static const char *state_text(char state)
{
	switch (state) {
	case 'R':
		return "running";
	case 'S':
		return "sleeping";
	case 'D':
		return "in uninterruptible sleep";
	case 'T':
		return "stopped";
	case 't':
		return "traced by another program";
	case 'Z':
	case 'X':
		return "ended";
	case 'I':
		return "idle";
	default:
		return "in an unknown state";
	}
}

static const char *outermost(const struct stack *s, const struct place *place)
{
	struct ft_symbols_frame f = {0};

	for (u32 depth = 0;
	     place->module != UINT32_MAX &&
	     ft_symbols_frame(s->batches[place->module].symbols, place->index, depth, &f);
	     depth++)
		;
	return f.function ? f.function : "";
}

/* Why the stack ends here, or "". */
static const char *why_cut(const struct stack *s, const struct ft_backtrace_thread *t,
			   const struct place *places)
{
	static const char *const roots[] = {"_start", "clone", "clone3", "__clone", "__clone3"};

	if (t->cut[0] || !t->untouched || !t->frame_count)
		return t->cut;
	/* A return address in a register that is not known looks like the end of a stack. */
	for (u32 i = 0; i < FT_ARRAY_LEN(roots); i++)
		if (!strcmp(outermost(s, &places[t->frame_count - 1]), roots[i]))
			return "";
	return "of this thread only the pc and the stack pointer are known";
}

static void put_thread(const struct stack *s, u32 index, const struct place *places)
{
	const struct ft_backtrace_thread *t = &s->backtrace.threads[index];
	const char *cut = why_cut(s, t, places);
	u32 number = 0;

	printf("%sThread %u (LWP %u)", index ? "\n" : "", index + 1, t->tid);
	if (t->state) {
		printf(" \"");
		put_clean(t->name);
		printf("\", %s", state_text(t->state));
	}
	printf(":\n");
	if (t->kernel && t->state != 'T')
		put_kernel(t->kernel, &number);
	for (u32 i = 0; i < t->frame_count; i++)
		put_frame(s, t, i, places, &number);
	if (!t->frame_count && !number)
		printf("(no stack%s)\n", t->state == 'R' ? ": it did not stop" : "");
	if (*cut)
		printf("(cut here: %s)\n", cut);
}

static void put_all(const struct stack *s)
{
	const struct place *places = s->places;

	for (u32 i = 0; i < s->backtrace.thread_count; i++) {
		put_thread(s, i, places);
		places += s->backtrace.threads[i].frame_count;
	}
}

static void say_stops(const struct ft_backtrace *bt)
{
	u64 longest = 0;
	u32 untouched = 0;

	for (u32 i = 0; i < bt->thread_count; i++) {
		if (bt->threads[i].stopped_ns > longest)
			longest = bt->threads[i].stopped_ns;
		untouched += bt->threads[i].untouched;
	}
	ft_cli_say("%u thread%s of %u (%s); the longest stop took %.3f ms", bt->thread_count,
		   bt->thread_count == 1 ? "" : "s", bt->process.pid, bt->command,
		   (double)longest / 1e6);
	if (untouched)
		ft_cli_say("%u of them could not be stopped: their callers may be incomplete",
			   untouched);
}

static void say_core(const struct ft_backtrace *bt, const char *path)
{
	ft_cli_say("%s: %u thread%s of %u (%s)%s%s", path, bt->thread_count,
		   bt->thread_count == 1 ? "" : "s", bt->process.pid, bt->command,
		   bt->signal ? ", ended by a signal: " : "",
		   bt->signal ? strsignal((int)bt->signal) : "");
}

static void stack_fini(struct stack *s)
{
	u32 modules = s->backtrace.process.raw ? s->backtrace.process.raw->module_count : 0;

	for (u32 i = 0; s->batches && i < modules; i++) {
		ft_symbols_close(s->batches[i].symbols);
		free(s->batches[i].addrs);
	}
	free(s->batches);
	free(s->places);
	ft_backtrace_free(&s->backtrace);
}

static int run(int argc, char **argv)
{
	struct stack s = {0};
	struct ft_err err = {0};
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, &s);
	code = s.core ? ft_backtrace_core(s.core, s.opts.symfs, &s.backtrace, &err)
		      : ft_backtrace_take(s.pid, &s.backtrace, &err);
	if (!code) {
		s.opts.beside = s.backtrace.process.raw;
		if (s.core)
			say_core(&s.backtrace, s.core);
		else
			say_stops(&s.backtrace);
		code = find_names(&s);
		if (code)
			ft_err_set(&err, code, "out of memory");
	}
	if (!code) {
		put_all(&s);
		if (fflush(stdout) || ferror(stdout))
			code = ft_err_set(&err, -EIO, "cannot write the stacks: %s",
					  strerror(errno));
	}
	stack_fini(&s);
	return code ? ft_cli_fail(FT_EXIT_FAILED, &err) : FT_EXIT_OK;
}

const struct ft_mode ft_mode_stack = {"stack", "the stack of every thread, now", run};

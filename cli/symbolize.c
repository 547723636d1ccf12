/*
 * symbolize.c - flametap symbolize: names, inlined calls and lines of addresses, for scripts.
 *
 * Addresses come as arguments or, one a line, on standard input. They are looked up in batches of
 * what has arrived, and every batch is answered before more is read: so it can be talked to through
 * a pair of pipes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/cli.h"
#include "sampler/sampler.h"
#include "symbolizer/symbolizer.h"

#define INPUT_BYTES (1u << 20)

enum { KEY_ADDR2LINE = 0x300, KEY_NO_DEMANGLE, KEY_NO_INLINE, KEY_SYMFS, KEY_DEBUG_DIR };

/* A file, or other code, that addresses belong to. */
struct image {
	struct ft_module module; /* a copy: what it points to belongs to the process */
	struct ft_symbols *symbols;
	bool tried; /* to open it: where that failed it was said */
};

/* Symbols borrow the module: an image stays where it is. */
struct image_at {
	struct image *image;
};

struct query {
	u64 addr;
	u32 image; /* UINT32_MAX: none */
};

struct symbolize {
	struct ft_symbolize_opts opts;
	const char *file;
	u32 pid;
	bool addr2line;
	char **args;
	u32 arg_count;

	char *path;		   /* of the file; owned */
	struct ft_process process; /* or its mappings */
	u64 refreshed_batch;	   /* when they were read anew last */
	struct image_at *images;   /* by module of the process; the file is the only one */
	size_t image_cap;
	u32 image_count;
	u64 batches;
	struct query *queries;
	size_t query_cap;
	u32 query_count;
	u64 *batch;
	size_t batch_cap;
	bool bad; /* something was no address, or a file could not be used */
};

static const struct argp_option options[] = {
	{"exe", 'e', "FILE", 0, "Addresses are of this file, as linked", 0},
	{"pid", 'p', "PID", 0, "Addresses are of this process, as it runs", 0},
	{"addr2line", KEY_ADDR2LINE, NULL, 0, "Write what eu-addr2line -fi -C writes", 0},
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
	struct symbolize *s = state->input;
	char *end;

	switch (key) {
	case 'e':
		s->file = arg;
		return 0;
	case 'p':
		s->pid = (u32)strtoul(arg, &end, 10);
		if (*end || !s->pid)
			argp_error(state, "-p wants the number of a process, not '%s'", arg);
		return 0;
	case KEY_ADDR2LINE:
		s->addr2line = s->opts.as_addr2line = true;
		return 0;
	case KEY_NO_DEMANGLE:
		s->opts.no_demangle = true;
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
	case ARGP_KEY_ARGS:
		s->args = state->argv + state->next;
		s->arg_count = (u32)(state->argc - state->next);
		return 0;
	case ARGP_KEY_END:
		if (!s->file == !s->pid)
			argp_error(state, "say where the addresses belong: -e FILE or -p PID");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[ADDRESS...]",
	.doc = "Prints the functions, inlined calls and lines of hexadecimal addresses, given as "
	       "arguments or one a line on standard input. A line for each function, innermost "
	       "first: the address, the function, FILE:LINE:COLUMN, and \"inlined\" or nothing, "
	       "separated by tabs; ?? stands for what is not known.",
};

/* ---- where addresses belong ---- */

/* The image of a module, opened when it is first asked for; UINT32_MAX if it cannot be. */
static u32 image_of_module(struct symbolize *s, u32 module)
{
	struct ft_err err = {0};
	struct image *image;

	if (FT_GROW(&s->images, &s->image_cap, (size_t)module + 1))
		return UINT32_MAX;
	while (s->image_count <= module)
		s->images[s->image_count++].image = ft_alloc(sizeof(struct image));
	image = s->images[module].image;
	if (!image->tried) {
		image->tried = true;
		image->module = s->process.raw->modules[module];
		if (ft_symbols_open(&image->module, &s->opts, &image->symbols, &err)) {
			ft_cli_fail(FT_EXIT_FAILED, &err);
			s->bad = true;
		}
	}
	return image->symbols ? module : UINT32_MAX;
}

static int file_open(struct symbolize *s, struct ft_err *err)
{
	struct image *image;

	s->path = realpath(s->file, NULL);
	if (!s->path)
		return ft_err_set(err, -errno, "cannot read %s: %s", s->file, strerror(errno));
	if (FT_GROW(&s->images, &s->image_cap, 1))
		return ft_err_set(err, -ENOMEM, "out of memory");
	image = s->images[s->image_count++].image = ft_alloc(sizeof(*image));
	image->tried = true;
	image->module = (struct ft_module){.kind = FT_MODULE_FILE, .path = s->path, .fd = -1};
	return ft_symbols_open(&image->module, &s->opts, &image->symbols, err);
}

static int images_find(struct symbolize *s, struct ft_err *err)
{
	int code;

	if (!s->pid)
		return file_open(s, err);
	code = ft_process_open(s->pid, &s->process, err);
	s->opts.beside = s->process.raw;
	return code;
}

/* The mapping that holds an address. Mappings are read anew, once a batch, if there is none. */
static const struct ft_process_map *map_of(struct symbolize *s, u64 addr)
{
	const struct ft_process_map *map = ft_process_find(&s->process, addr);

	if (map || s->refreshed_batch == s->batches)
		return map;
	s->refreshed_batch = s->batches;
	return ft_process_refresh(&s->process, NULL) ? NULL : ft_process_find(&s->process, addr);
}

/* The image that holds a run-time address, opened; UINT32_MAX if there is none. */
static u32 image_of(struct symbolize *s, u64 addr, u64 *linked)
{
	const struct ft_process_map *map = map_of(s, addr);
	u32 image = map ? image_of_module(s, map->module) : UINT32_MAX;

	if (image == UINT32_MAX)
		return image;
	if (s->process.raw->modules[map->module].kind != FT_MODULE_ANON)
		addr = addr - map->start + map->offset;
	return ft_symbols_link(s->images[image].image->symbols, addr, linked) ? image : UINT32_MAX;
}

static bool address_parse(const char *text, size_t len, u64 *addr)
{
	if (len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		text += 2;
		len -= 2;
	}
	*addr = 0;
	for (size_t i = 0; i < len; i++) {
		u32 digit = (u8)text[i] - (u32)'0';

		if (digit > 9) {
			digit = ((u8)text[i] | 0x20u) - (u32)'a';
			if (digit > 5)
				return false;
			digit += 10;
		}
		if (*addr >> 60)
			return false;
		*addr = *addr << 4 | digit;
	}
	return len != 0;
}

static int query_add(struct symbolize *s, const char *text, size_t len)
{
	struct query query;
	u64 linked;

	while (len && (text[len - 1] == ' ' || text[len - 1] == '\r'))
		len--;
	if (!len)
		return 0;
	if (!address_parse(text, len, &query.addr)) {
		ft_cli_say("'%.*s' is no hexadecimal address", (int)(len < 60 ? len : 60), text);
		s->bad = true;
		return 0;
	}
	linked = query.addr;
	query.image = s->pid ? image_of(s, query.addr, &linked) : 0;
	if (FT_GROW_RAW(&s->queries, &s->query_cap, (size_t)s->query_count + 1) ||
	    FT_GROW_RAW(&s->batch, &s->batch_cap, (size_t)s->query_count + 1))
		return -ENOMEM;
	s->batch[s->query_count] = linked;
	s->queries[s->query_count++] = query;
	return 0;
}

/* ---- answers ---- */

/*
 * Standard output is ours alone, and most of the work is to write: through a buffer of our own it
 * takes half the time. What cannot be written is noticed at the flush.
 */
static struct {
	char bytes[1 << 16];
	size_t used;
	int error;
} output;

static int output_flush(void)
{
	for (size_t at = 0; at < output.used && !output.error;) {
		ssize_t n = write(STDOUT_FILENO, output.bytes + at, output.used - at);

		if (n > 0)
			at += (size_t)n;
		else if (n < 0 && errno != EINTR)
			output.error = -errno;
	}
	output.used = 0;
	return output.error;
}

static void put_bytes(const char *text, size_t len)
{
	while (len > sizeof(output.bytes) - output.used) {
		size_t part = sizeof(output.bytes) - output.used;

		memcpy(output.bytes + output.used, text, part);
		output.used += part;
		text += part;
		len -= part;
		output_flush();
	}
	memcpy(output.bytes + output.used, text, len);
	output.used += len;
}

static inline void put(const char *text)
{
	put_bytes(text, strlen(text));
}

static void put_number(u64 number, u32 base)
{
	char digits[24];
	u32 at = sizeof(digits) - 1;

	do {
		digits[--at] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number);
	put_bytes(digits + at, sizeof(digits) - 1 - at);
}

static void print_place(const struct ft_symbols_frame *frame)
{
	if (!frame->file) {
		put("??:0");
		return;
	}
	put(frame->file);
	put(":");
	put_number(frame->line, 10);
	if (frame->column) {
		put(":");
		put_number(frame->column, 10);
	}
}

static const char *function_of(const struct ft_symbols_frame *frame)
{
	return frame->function ? frame->function : "??";
}

/* The first line of a chain also says where it was inlined, and the function around it all. */
static void print_addr2line(const struct ft_symbols *symbols, u32 index)
{
	struct ft_symbols_frame frame = {0}, outer = {0};
	u32 depth = 0;

	if (!symbols || !ft_symbols_frame(symbols, index, 0, &frame)) {
		put("??\n??:0\n");
		return;
	}
	put(function_of(&frame));
	if (ft_symbols_frame(symbols, index, 1, &outer)) {
		put(" inlined at ");
		print_place(&outer);
		while (ft_symbols_frame(symbols, index, depth + 1, &outer))
			depth++;
		put(" in ");
		put(function_of(&outer));
	}
	put("\n");
	print_place(&frame);
	put("\n");
	for (depth = 1; ft_symbols_frame(symbols, index, depth, &frame); depth++) {
		put(function_of(&frame));
		put("\n");
		print_place(&frame);
		put("\n");
	}
}

static void print_table(const struct ft_symbols *symbols, u64 addr, u32 index)
{
	struct ft_symbols_frame frame = {0};
	u32 depth = 0;

	while ((symbols && ft_symbols_frame(symbols, index, depth, &frame)) || !depth) {
		put("0x");
		put_number(addr, 16);
		put("\t");
		put(function_of(&frame));
		put("\t");
		print_place(&frame);
		put(frame.inlined ? "\tinlined\n" : "\t\n");
		depth++;
	}
}

/* Looks up the queries from first on that belong to one image: a run is one batch. */
static int answer(struct symbolize *s)
{
	for (u32 first = 0, next; first < s->query_count; first = next) {
		u32 image = s->queries[first].image;
		struct ft_symbols *symbols = NULL;

		if (image != UINT32_MAX)
			symbols = s->images[image].image->symbols;
		for (next = first; next < s->query_count && s->queries[next].image == image; next++)
			;
		if (symbols && ft_symbols_find(symbols, s->batch + first, next - first))
			return -ENOMEM;
		for (u32 i = first; i < next; i++) {
			if (s->addr2line)
				print_addr2line(symbols, i - first);
			else
				print_table(symbols, s->queries[i].addr, i - first);
		}
	}
	s->query_count = 0;
	s->batches++;
	return output_flush();
}

static int answer_input(struct symbolize *s)
{
	char *buffer = ft_try_alloc(1, INPUT_BYTES + 1);
	size_t have = 0;
	ssize_t n = 1;
	int code = buffer ? 0 : -ENOMEM;

	while (!code && n > 0) {
		char *at = buffer, *end;

		n = read(STDIN_FILENO, buffer + have, INPUT_BYTES - have);
		if (n < 0)
			code = -errno;
		have += n > 0 ? (size_t)n : 0;
		if (n == 0 && have && have < INPUT_BYTES)
			buffer[have++] = '\n';
		while (!code && (end = memchr(at, '\n', have - (size_t)(at - buffer)))) {
			code = query_add(s, at, (size_t)(end - at));
			at = end + 1;
		}
		have -= (size_t)(at - buffer);
		memmove(buffer, at, have);
		if (have == INPUT_BYTES) /* a line of this length is no address */
			have = 0;
		if (!code)
			code = answer(s);
	}
	free(buffer);
	return code;
}

static void say_refused(const struct ft_symbols *symbols)
{
	const struct ft_symbolize_notes *notes = symbols ? ft_symbols_notes(symbols) : NULL;

	if (notes && notes->no_debuginfod)
		ft_cli_say("DEBUGINFOD_URLS is set, but libdebuginfod.so.1 cannot be loaded "
			   "(Debian: apt-get install libdebuginfod1)");
	if (notes && notes->debug_refused)
		ft_cli_say("%s belongs to another file (build-id or checksum) and was not used",
			   notes->first_refused);
	if (notes && notes->files_damaged)
		ft_cli_say("%s is damaged (cut off, or its contents make no sense): what was lost "
			   "has no names",
			   notes->first_senseless);
	if (notes && notes->debug_damaged)
		ft_cli_say("%s became shorter while it was read: its debug information was not "
			   "used further",
			   notes->first_damaged);
}

static int run(int argc, char **argv)
{
	struct symbolize s = {.refreshed_batch = UINT64_MAX};
	struct ft_err err = {0};
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, &s);
	code = images_find(&s, &err);
	for (u32 i = 0; !code && i < s.arg_count; i++)
		code = query_add(&s, s.args[i], strlen(s.args[i]));
	if (!code)
		code = s.arg_count ? answer(&s) : answer_input(&s);
	for (u32 i = 0; i < s.image_count; i++) {
		say_refused(s.images[i].image->symbols);
		ft_symbols_close(s.images[i].image->symbols);
		free(s.images[i].image);
	}
	ft_process_close(&s.process);
	free(s.path);
	free(s.images);
	free(s.queries);
	free(s.batch);
	if (code && !err.code)
		ft_err_set(&err, code, "cannot answer: %s", strerror(-code));
	if (code)
		return ft_cli_fail(FT_EXIT_FAILED, &err);
	return s.bad ? FT_EXIT_FAILED : FT_EXIT_OK;
}

const struct ft_mode ft_mode_symbolize = {"symbolize", "names and lines of addresses", run};

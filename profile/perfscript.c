/* perfscript.c - see perfscript.h. */
#include "profile/perfscript.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "profile/by_cpu.h"

#define LOOK_BYTES 65536

#define ROUND_NS 100000000 /* of the timeline, as --timeline has it */

/* A piece of a line. */
struct piece {
	const char *text;
	size_t len;
};

struct sample {
	struct piece comm;
	u32 pid, tid, cpu;
	u64 time_ns;
	bool has_pid, has_cpu, has_time;
};

struct reader {
	struct ft_profile *profile;
	const struct ft_select *select;
	struct ft_perfscript_stats *stats;
	struct sample sample;
	bool open; /* a sample has begun */
	u64 first_ns;
	bool has_first;
	bool timeless; /* a sample had no time */
	u32 *frames; /* of the sample at hand, innermost first */
	size_t frame_count, frame_cap;
	const char *lacks; /* what the selection asks for and a sample does not have */
};

static bool starts_frame(const char *line, size_t len)
{
	size_t at = 0, digits;

	while (at < len && (line[at] == ' ' || line[at] == '\t'))
		at++;
	digits = at;
	while (digits < len && isxdigit((u8)line[digits]))
		digits++;
	return at && digits > at && digits < len && line[digits] == ' ';
}

bool ft_perfscript_is(const char *text, size_t len)
{
	const char *end = text + (len < LOOK_BYTES ? len : LOOK_BYTES);

	for (const char *line = text; line < end;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t line_len = (size_t)((newline ? newline : end) - line);

		if (line_len && (*line == '\t' || *line == ' ') && starts_frame(line, line_len))
			return true;
		line += line_len + 1;
	}
	return false;
}

/* A decimal number at the start of text. False: there is none. */
static bool number_at(const char *text, size_t len, size_t *digits, u64 *number)
{
	*number = 0;
	for (*digits = 0; *digits < len && isdigit((u8)text[*digits]); ++*digits)
		if (__builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, (u64)(text[*digits] - '0'), number))
			return false;
	return *digits > 0;
}

/* "seconds.fraction:" as nanoseconds. */
static bool parse_time(struct piece word, u64 *time_ns)
{
	u64 seconds, fraction, scale = 1000000000;
	size_t digits, more;

	if (!number_at(word.text, word.len, &digits, &seconds) || digits >= word.len ||
	    word.text[digits] != '.')
		return false;
	word.text += digits + 1;
	word.len -= digits + 1;
	if (!number_at(word.text, word.len, &more, &fraction) || more > 9 || more + 1 != word.len ||
	    word.text[more] != ':')
		return false;
	for (size_t i = 0; i < more; i++)
		scale /= 10;
	*time_ns = seconds * 1000000000 + fraction * scale;
	return true;
}

/* "[003]" */
static bool parse_cpu(struct piece word, u32 *cpu)
{
	size_t digits;
	u64 number;

	if (word.len < 3 || word.text[0] != '[' || word.text[word.len - 1] != ']' ||
	    !number_at(word.text + 1, word.len - 2, &digits, &number) || digits != word.len - 2 ||
	    number > UINT32_MAX)
		return false;
	*cpu = (u32)number;
	return true;
}

/* "tid" or "pid/tid" */
static bool parse_ids(struct piece word, struct sample *s)
{
	size_t digits, more;
	u64 pid, tid;

	if (!number_at(word.text, word.len, &digits, &pid) || pid > UINT32_MAX)
		return false;
	s->pid = s->tid = (u32)pid;
	if (digits == word.len)
		return true;
	if (word.text[digits] != '/' ||
	    !number_at(word.text + digits + 1, word.len - digits - 1, &more, &tid) ||
	    digits + 1 + more != word.len || tid > UINT32_MAX)
		return false;
	s->tid = (u32)tid;
	s->has_pid = true;
	return true;
}

/* The next word of a line from *at on. */
static struct piece next_word(const char *line, size_t len, size_t *at)
{
	struct piece word;

	while (*at < len && (line[*at] == ' ' || line[*at] == '\t'))
		++*at;
	word.text = line + *at;
	while (*at < len && line[*at] != ' ' && line[*at] != '\t')
		++*at;
	word.len = (size_t)(line + *at - word.text);
	return word;
}

/*
 * The head of a sample. Names of commands may hold blanks and numbers: the ids are the last word of
 * digits that is followed by a CPU, a time, or nothing else that looks like ids.
 */
static bool parse_head(const char *line, size_t len, struct sample *s)
{
	size_t at = 0, before = 0;
	bool found = false;

	*s = (struct sample){0};
	for (;;) {
		struct piece word = next_word(line, len, &at);
		struct sample ids = {0};

		if (!word.len)
			return found;
		if (found && parse_cpu(word, &s->cpu)) {
			s->has_cpu = true;
		} else if (found && parse_time(word, &s->time_ns)) {
			s->has_time = true;
			return true;
		} else if (before && !s->has_cpu && parse_ids(word, &ids)) {
			ids.comm = (struct piece){line, before};
			*s = ids;
			found = true;
		} else if (found && word.text[word.len - 1] == ':') {
			return true;
		}
		before = (size_t)(word.text + word.len - line);
		while (s->comm.len && (*s->comm.text == ' ' || *s->comm.text == '\t')) {
			s->comm.text++;
			s->comm.len--;
		}
	}
}

/* ---- frames ---- */

static u32 add_frame(struct reader *r, struct piece name, struct piece module, u8 kind,
		     bool inlined)
{
	struct ft_strtab *strings = r->profile->strings;
	struct ft_frame frame = {
		.name = ft_strtab_add(strings, name.text, name.len),
		.module = ft_strtab_add(strings, module.text, module.len),
		.kind = kind,
		.inlined = inlined,
	};

	if (frame.name == FT_STR_NONE || frame.module == FT_STR_NONE)
		return UINT32_MAX;
	return ft_profile_frame(r->profile, &frame);
}

static bool piece_is(struct piece piece, const char *text)
{
	return piece.len == strlen(text) && !memcmp(piece.text, text, piece.len);
}

/* From "(file)" at the end of a frame to the file's base name; the rest of the line stays. */
static struct piece split_module(struct piece *line)
{
	struct piece module = {"", 0};
	size_t open, depth = 0;

	while (line->len && (line->text[line->len - 1] == ' ' || line->text[line->len - 1] == '\r'))
		line->len--;
	if (!line->len || line->text[line->len - 1] != ')')
		return module;
	for (open = line->len; open-- > 0;) {
		depth += line->text[open] == ')';
		depth -= line->text[open] == '(';
		if (!depth)
			break;
	}
	if (depth || !open || line->text[open - 1] != ' ')
		return module;
	module = (struct piece){line->text + open + 1, line->len - open - 2};
	line->len = open - 1;
	return module;
}

static struct piece base_name(struct piece path)
{
	const char *slash = path.len ? memrchr(path.text, '/', path.len) : NULL;

	if (!slash || path.text[0] == '[')
		return path;
	return (struct piece){slash + 1, (size_t)(path.text + path.len - slash - 1)};
}

static bool ends_in(struct piece piece, const char *end)
{
	size_t len = strlen(end);

	return piece.len > len && !memcmp(piece.text + piece.len - len, end, len);
}

static bool is_kernel(struct piece file, u64 addr)
{
	return piece_is(file, "[kernel.kallsyms]") || piece_is(file, "[guest.kernel.kallsyms]") ||
	       ends_in(file, ".ko") || ends_in(file, ".ko.xz") || ends_in(file, ".ko.zst") ||
	       memmem(file.text, file.len, "vmlinux", 7) ||
	       (file.len > 1 && file.text[0] == '[' && addr >> 63);
}

/* Without "+0xoffset". */
static struct piece strip_offset(struct piece name)
{
	for (size_t i = name.len; i-- > 1;) {
		if (!isxdigit((u8)name.text[i]) && name.text[i] != 'x')
			return name.text[i] == '+' && i + 2 < name.len && name.text[i + 1] == '0' &&
					       name.text[i + 2] == 'x'
				       ? (struct piece){name.text, i}
				       : name;
	}
	return name;
}

static u8 kind_of(struct piece name, struct piece file, u64 addr)
{
	if (is_kernel(file, addr))
		return FT_FRAME_KERNEL;
	if (piece_is(name, "[unknown]"))
		return FT_FRAME_UNKNOWN;
	if (memmem(file.text, file.len, "/perf-", 6) || piece_is(file, "//anon") ||
	    ends_in(file, ".jit"))
		return FT_FRAME_JIT;
	return memmem(name.text, name.len, "::", 2) ? FT_FRAME_CXX : FT_FRAME_USER;
}

/* A line "address function+0xoffset (file)". 0 or -ENOMEM. */
static int read_frame(struct reader *r, const char *line, size_t len)
{
	struct piece rest, file, module, name;
	char text[300];
	size_t at = 0;
	struct piece addr_word = next_word(line, len, &at);
	bool inlined = false;
	u64 addr = 0;
	u8 kind;

	for (size_t i = 0; i < addr_word.len && isxdigit((u8)addr_word.text[i]); i++) {
		u8 c = (u8)(addr_word.text[i] | 0x20);

		addr = addr << 4 | ((c & 15u) + (isdigit(c) ? 0 : 9));
	}
	rest = (struct piece){line + at, len - at};
	while (rest.len && *rest.text == ' ') {
		rest.text++;
		rest.len--;
	}
	file = split_module(&rest);
	if (piece_is(file, "inlined")) {
		inlined = true;
		file = (struct piece){"", 0};
	}
	name = strip_offset(rest);
	module = base_name(file);
	kind = kind_of(name, file, addr);
	if (kind == FT_FRAME_KERNEL && piece_is(file, "[kernel.kallsyms]"))
		module = (struct piece){"[kernel]", 8};
	if (!name.len || (kind == FT_FRAME_UNKNOWN && module.len && module.text[0] != '[')) {
		int n = snprintf(text, sizeof(text), "[%.*s]",
				 (int)(module.len < 250 ? module.len : 250), module.text);

		name = module.len ? (struct piece){text, (size_t)n}
				  : (struct piece){"[unknown]", 9};
		kind = kind == FT_FRAME_KERNEL ? kind : FT_FRAME_UNKNOWN;
	}
	if (FT_GROW_RAW(&r->frames, &r->frame_cap, r->frame_count + 1))
		return -ENOMEM;
	r->frames[r->frame_count] = add_frame(r, name, module, kind, inlined);
	return r->frames[r->frame_count++] == UINT32_MAX ? -ENOMEM : 0;
}

/* ---- samples ---- */

static bool is_selected(struct reader *r)
{
	const struct ft_select *select = r->select;
	const struct sample *s = &r->sample;
	u64 since;

	if (s->has_time && !r->has_first) {
		r->first_ns = s->time_ns;
		r->has_first = true;
	}
	since = s->time_ns - r->first_ns;
	if ((select->from_ns || select->to_ns) && !s->has_time)
		r->lacks = "times";
	if (select->pid && !s->has_pid)
		r->lacks = "process ids (perf script -F +pid)";
	if (select->by == FT_BY_CPU && !s->has_cpu)
		r->lacks = "CPUs (perf script -F +cpu)";
	if (r->lacks)
		return false;
	if (select->from_ns && (s->time_ns < r->first_ns || since < select->from_ns))
		return false;
	if (select->to_ns && s->time_ns >= r->first_ns && since >= select->to_ns)
		return false;
	return (!select->pid || select->pid == s->pid) && (!select->tid || select->tid == s->tid);
}

/* Adds a frame that is no code below a node. FT_TREE_NONE without memory. */
static u32 add_owner(struct reader *r, u32 node, u8 kind, const char *text)
{
	struct piece name = {text, strlen(text)};
	u32 frame = node == FT_TREE_NONE ? UINT32_MAX
					 : add_frame(r, name, (struct piece){"", 0}, kind, false);

	return frame == UINT32_MAX ? FT_TREE_NONE : ft_tree_child(r->profile->tree, node, frame);
}

static int end_sample(struct reader *r)
{
	const struct sample *s = &r->sample;
	int comm_len = (int)(s->comm.len < 200 ? s->comm.len : 200);
	struct ft_round_weight weight;
	u32 node = FT_TREE_ROOT;
	char text[300];
	u64 since;

	if (!r->open)
		return 0;
	r->open = false;
	if (!r->frame_count)
		return 0;
	r->stats->samples++;
	if (!is_selected(r))
		return 0;
	if (r->select->by == FT_BY_CPU) {
		ft_by_cpu_name(s->cpu + 1, text);
		node = add_owner(r, node, FT_FRAME_PROCESS, text);
	}
	snprintf(text, sizeof(text), "%.*s", comm_len, s->comm.text);
	if (r->select->by == FT_BY_PROCESS || r->select->by == FT_BY_THREAD)
		snprintf(text, sizeof(text), "%.*s/%u", comm_len, s->comm.text, s->pid);
	node = add_owner(r, node, FT_FRAME_PROCESS, text);
	if (r->select->by == FT_BY_THREAD) {
		snprintf(text, sizeof(text), "%.*s/%u", comm_len, s->comm.text, s->tid);
		node = add_owner(r, node, FT_FRAME_THREAD, text);
	}
	for (size_t i = r->frame_count; i-- > 0 && node != FT_TREE_NONE;)
		node = ft_tree_child(r->profile->tree, node, r->frames[i]);
	if (node == FT_TREE_NONE)
		return -ENOMEM;
	ft_tree_add(r->profile->tree, node, 1);
	r->timeless |= !s->has_time;
	since = s->time_ns > r->first_ns ? s->time_ns - r->first_ns : 0;
	weight = (struct ft_round_weight){node, s->has_cpu ? s->cpu + 1 : 0, 1};
	return r->timeless ? 0 : ft_rounds_note(&r->profile->rounds, since, ROUND_NS, &weight);
}

static int read_line(struct reader *r, const char *line, size_t len)
{
	while (len && line[len - 1] == '\r')
		len--;
	if (!len)
		return end_sample(r);
	if (*line == '#')
		return 0;
	if (r->open && starts_frame(line, len))
		return read_frame(r, line, len);
	if (end_sample(r))
		return -ENOMEM;
	r->frame_count = 0;
	r->open = parse_head(line, len, &r->sample);
	r->stats->bad_lines += !r->open;
	return 0;
}

int ft_perfscript_read(const char *text, size_t len, const char *name,
		       const struct ft_select *select, struct ft_profile *profile,
		       struct ft_perfscript_stats *stats, struct ft_err *err)
{
	struct reader r = {.profile = profile, .select = select, .stats = stats};
	const char *end = text + len;
	int code = 0;

	*stats = (struct ft_perfscript_stats){0};
	for (const char *line = text; !code && line < end;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t line_len = (size_t)((newline ? newline : end) - line);

		code = read_line(&r, line, line_len);
		line += line_len + 1;
	}
	if (!code)
		code = end_sample(&r);
	if (r.timeless) /* a timeline has all or nothing */
		ft_rounds_fini(&profile->rounds);
	free(r.frames);
	if (code)
		return ft_err_set(err, code, "not enough memory to read %s", name);
	if (r.lacks)
		return ft_err_set(err, -EINVAL, "the samples of %s do not have %s", name, r.lacks);
	if (!stats->samples)
		return ft_err_set(err, -EINVAL,
				  "%s holds no samples with stacks; record with perf record -g",
				  name);
	return 0;
}

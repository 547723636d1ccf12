/*
 * folded.c - see folded.h.
 *
 * The text is read in chunks and never held whole: the buffer contains the line at hand, the stack
 * before it, and what read() brought beyond. Neighbouring stacks usually share most of their outer
 * frames, so a line is first compared with the one before it, byte by byte, and the walk down the
 * tree starts at the deepest frame both have. Only the frames after that are looked up: text to
 * string id (hashed while looking for the ';'), string id to frame id (an array), frame to child
 * node.
 *
 * Kinds come from the text alone, so that equal text at the same place is always one frame. The
 * outermost frame is a process, whether anything follows it or not, unless its text shows that it
 * is code: a suffix, "::", an unknown address, or one of the functions that start every program.
 * Elsewhere a name in brackets ("[unknown]", "[libc.so.6]", "[libc.so.6+0x1234]") or a bare
 * hexadecimal address is code without a symbol. Frames without text ("a;;b") are skipped.
 */
#include "profile/folded.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "profile/folded_private.h"
#include "profile/wait.h"

#define BUFFER_BYTES (256 * 1024)
#define LINE_BYTES_MAX (64 * 1024 * 1024)
#define BUFFER_PAD 8 /* the text is looked at in words, which may reach past its end */

/* What a frame's place and suffix say about it; with the string id it decides the frame. */
enum token_class {
	TOKEN_FIRST,
	TOKEN_PLAIN,
	TOKEN_KERNEL,
	TOKEN_INLINED,
	TOKEN_JIT,
	TOKEN_CLASSES
};

/* One frame of the line at hand: its node, and where its text ends, from the start of the line. */
struct step {
	u32 end;
	u32 node;
};

struct reader {
	struct ft_profile *profile;
	struct ft_folded_stats stats;
	u64 line_number;

	int fd;
	bool eof;
	bool overlong; /* the text up to the next newline belongs to a line that is too long */
	size_t line_max;
	char *buf;
	size_t cap, len;
	size_t at;	 /* start of the next line */
	size_t searched; /* no newline between at and here */
	size_t prev;	 /* start of the stack that path describes, ended by ';' */
	size_t prev_len; /* its length with the ';'; 0: there is none */

	struct step *path;
	size_t path_len, path_cap;
	u32 *frame_of[TOKEN_CLASSES]; /* by string id; 0: not made yet */
	size_t frame_of_cap[TOKEN_CLASSES];
};

/* Forgets the stack before, when its text is no longer at hand or of no use. */
static void reader_forget(struct reader *r)
{
	r->prev_len = 0;
	r->path_len = 0;
}

/* ---- kinds ---- */

static bool text_equal(const char *text, size_t len, const char *literal)
{
	return len == strlen(literal) && !memcmp(text, literal, len);
}

static bool is_hex(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
			return false;
	}
	return len > 0;
}

static bool is_unknown(const char *text, size_t len, bool first)
{
	if (len > 2 && text[0] == '0' && text[1] == 'x')
		return is_hex(text + 2, len - 2);
	if (len < 2 || text[0] != '[' || text[len - 1] != ']')
		return false;
	/* Kernel threads are shown in brackets as well, but not with an offset. */
	return !first || text_equal(text, len, "[unknown]") || memmem(text, len, "+0x", 3);
}

/* Functions under which a stack without a process name may start. */
static bool is_program_start(const char *text, size_t len)
{
	static const char *const names[] = {"_start",
					    "__libc_start_main",
					    "__libc_start_call_main",
					    "main",
					    "start_thread",
					    "clone",
					    "__clone",
					    "clone3",
					    "__clone3",
					    "thread_start"};

	for (size_t i = 0; i < FT_ARRAY_LEN(names); i++) {
		if (text_equal(text, len, names[i]))
			return true;
	}
	return false;
}

/* What only Rust names have: "<T as Trait>::f", closures, and the hash that ends a legacy name. */
static bool is_rust(const char *text, size_t len)
{
	if (text[0] == '<' && memmem(text, len, " as ", 4))
		return true;
	if (memmem(text, len, "::{{closure}}", 13) || memmem(text, len, "::{closure#", 11))
		return true;
	return len > 19 && !memcmp(text + len - 19, "::h", 3) && is_hex(text + len - 16, 16);
}

static enum ft_frame_kind text_kind(const char *text, size_t len, enum token_class class)
{
	if (class == TOKEN_KERNEL)
		return FT_FRAME_KERNEL;
	if (class == TOKEN_JIT)
		return FT_FRAME_JIT;
	if ((text[0] == '[' || text[0] == '-') && ft_wait_is_note(text, len))
		return FT_FRAME_NOTE;
	if (is_unknown(text, len, class == TOKEN_FIRST))
		return FT_FRAME_UNKNOWN;
	if (memmem(text, len, "::", 2))
		return is_rust(text, len) ? FT_FRAME_RUST : FT_FRAME_CXX;
	if (class == TOKEN_FIRST && !is_program_start(text, len))
		return FT_FRAME_PROCESS;
	return FT_FRAME_USER;
}

/* ---- frames ---- */

static u32 frame_make(struct reader *r, u32 name, enum token_class class)
{
	const char *text = ft_strtab_str(r->profile->strings, name);
	size_t len = ft_strtab_len(r->profile->strings, name);
	struct ft_frame frame = {
		.name = name,
		.kind = (u8)text_kind(text, len, class),
		.inlined = class == TOKEN_INLINED,
	};
	u32 id = ft_profile_frame(r->profile, &frame);

	if (id == UINT32_MAX ||
	    FT_GROW(&r->frame_of[class], &r->frame_of_cap[class], (size_t)name + 1))
		return UINT32_MAX;
	r->frame_of[class][name] = id;
	return id;
}

/* The class of a frame that has a suffix, which then does not belong to its name; else fallback. */
static inline enum token_class suffix_class(const char *text, size_t len, enum token_class fallback)
{
	const char *end = text + len;

	if (len < 5 || end[-1] != ']' || end[-3] != '[' || end[-4] != '_')
		return fallback;
	switch (end[-2]) {
	case 'k':
		return TOKEN_KERNEL;
	case 'i':
		return TOKEN_INLINED;
	case 'j':
		return TOKEN_JIT;
	default:
		return fallback;
	}
}

/* The id of the frame, or UINT32_MAX. hash is that of the whole text, suffix included. */
static inline u32 frame_find(struct reader *r, const char *text, size_t len, u64 hash, bool first)
{
	enum token_class class = suffix_class(text, len, first ? TOKEN_FIRST : TOKEN_PLAIN);
	u32 name;

	if (class > TOKEN_PLAIN) {
		len -= 4;
		hash = ft_hash_bytes(text, len);
	}
	name = ft_strtab_add_hashed(r->profile->strings, text, len, hash);
	if (name == FT_STR_NONE)
		return UINT32_MAX;
	if (name < r->frame_of_cap[class] && r->frame_of[class][name])
		return r->frame_of[class][name];
	return frame_make(r, name, class);
}

/* ---- words of text ---- */

static inline u64 word_at(const char *text)
{
	u64 word;

	memcpy(&word, text, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

/* The length of the text before the next ';', which is there; *hash as by ft_hash_bytes. */
static inline size_t token_len(const char *text, u64 *hash)
{
	const u64 ones = UINT64_C(0x0101010101010101);
	u64 running = 0, word, differs, found;
	size_t len = 0;

	for (;; len += 8) {
		word = word_at(text + len);
		differs = word ^ ones * ';';
		found = (differs - ones) & ~differs & ones << 7; /* its lowest bit is exact */
		if (found)
			break;
		running = ft_hash_mix(running, word);
	}
	found = found & -found; /* bit 7 of the ';' */
	word &= (found >> 7) - 1;
	len += (size_t)__builtin_ctzll(found) / 8;
	*hash = ft_hash_end(running, word, len);
	return len;
}

/* How many bytes are the same at the start of both. */
static inline size_t common_len(const char *a, const char *b, size_t max)
{
	size_t len = 0;

	for (; len < max; len += 8) {
		u64 differs = word_at(a + len) ^ word_at(b + len);

		if (differs) {
			len += (size_t)__builtin_ctzll(differs) / 8;
			break;
		}
	}
	return len < max ? len : max;
}

/* ---- lines ---- */

/*
 * Finds the weight: the number after the last blank. *stack_len becomes the length of the text
 * before that blank. Blanks and a carriage return at the end are skipped. False when there is no
 * number.
 */
static inline bool weight_split(const char *line, size_t len, size_t *stack_len, u64 *weight)
{
	size_t at = len;
	u64 number = 0;

	while (at > 0 && ((line[at - 1] >= '0' && line[at - 1] <= '9') || line[at - 1] == '.'))
		at--;
	if (at == 0 || at == len || (line[at - 1] != ' ' && line[at - 1] != '\t') ||
	    line[at] == '.')
		return false;
	*stack_len = at - 1;
	for (; at < len && line[at] != '.'; at++) {
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (u64)(line[at] - '0'), &number)) {
			number = UINT64_MAX;
			while (at + 1 < len && line[at + 1] != '.')
				at++;
		}
	}
	if (at < len && memchr(line + at + 1, '.', len - at - 1))
		return false;
	*weight = number;
	return true;
}

/*
 * Brings path to the stack at the given place of the buffer, len bytes and a ';' after them.
 * Returns 0 or -ENOMEM; path is empty when the stack has no frame.
 */
static int stack_walk(struct reader *r, size_t start, size_t len)
{
	const char *text = r->buf + start;
	size_t max = r->prev_len < len + 1 ? r->prev_len : len + 1;
	size_t common = common_len(r->buf + r->prev, text, max), at;
	u32 node, frame;

	/* A frame is the same in both when the ';' after it still is. */
	while (r->path_len && r->path[r->path_len - 1].end >= common)
		r->path_len--;
	at = r->path_len ? r->path[r->path_len - 1].end + 1 : 0;
	node = r->path_len ? r->path[r->path_len - 1].node : FT_TREE_ROOT;
	while (at < len) {
		u64 hash;
		size_t name_len = token_len(text + at, &hash);

		if (name_len) {
			frame = frame_find(r, text + at, name_len, hash, r->path_len == 0);
			if (frame == UINT32_MAX)
				return -ENOMEM;
			node = ft_tree_child(r->profile->tree, node, frame);
			if (node == FT_TREE_NONE ||
			    FT_GROW_RAW(&r->path, &r->path_cap, r->path_len + 1))
				return -ENOMEM;
			r->path[r->path_len].end = (u32)(at + name_len);
			r->path[r->path_len++].node = node;
		}
		at += name_len + 1;
	}
	r->prev = start;
	r->prev_len = len + 1;
	return 0;
}

static void line_bad(struct reader *r)
{
	r->stats.lines++;
	if (!r->stats.bad_lines++)
		r->stats.first_bad_line = r->line_number;
}

static int line_read(struct reader *r, size_t start, size_t len)
{
	char *line = r->buf + start;
	size_t stack_len;
	u64 weight;

	r->line_number++;
	while (len && (line[len - 1] == '\r' || line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	if (!len || line[0] == '#')
		return 0;
	if (!weight_split(line, len, &stack_len, &weight)) {
		line_bad(r);
		return 0;
	}
	line[stack_len] = ';';
	if (stack_walk(r, start, stack_len))
		return -ENOMEM;
	if (!r->path_len) {
		reader_forget(r);
		line_bad(r);
		return 0;
	}
	r->stats.lines++;
	ft_tree_add(r->profile->tree, r->path[r->path_len - 1].node, weight);
	return 0;
}

/* ---- the buffer ---- */

/* Moves what is still needed to the front. */
static void buffer_compact(struct reader *r)
{
	size_t keep;

	if (r->at - r->prev > r->cap / 2)
		reader_forget(r);
	keep = r->prev_len ? r->prev : r->at;
	memmove(r->buf, r->buf + keep, r->len - keep);
	r->len -= keep;
	r->at -= keep;
	r->searched -= keep;
	r->prev = 0;
}

/* Makes room for more text. */
static int buffer_room(struct reader *r)
{
	size_t want;
	char *grown;

	buffer_compact(r);
	if (r->len < r->cap)
		return 0;
	if (r->len - r->at > r->line_max) {
		r->overlong = true;
		r->len = r->at = r->searched = 0;
		reader_forget(r);
		return 0;
	}
	want = r->cap * 2;
	grown = realloc(r->buf, want + BUFFER_PAD);
	if (!grown)
		return -ENOMEM;
	r->buf = grown;
	r->cap = want;
	return 0;
}

/* Waits for text or the end of it. Returns 0 or a negative errno. */
static int buffer_fill(struct reader *r)
{
	struct pollfd ready = {.fd = r->fd, .events = POLLIN};
	ssize_t got;
	int code = buffer_room(r);

	if (code)
		return code;
	while ((got = read(r->fd, r->buf + r->len, r->cap - r->len)) < 0) {
		if (errno == EAGAIN)
			poll(&ready, 1, -1);
		else if (errno != EINTR)
			return -errno;
	}
	r->eof = got == 0;
	r->len += (size_t)got;
	memset(r->buf + r->len, 0,
	       BUFFER_PAD); /* so that words past the end are the same each run */
	return 0;
}

/* Reads the lines that are complete; at the end of the text, also the one without a newline. */
static int buffer_lines(struct reader *r)
{
	int code;

	while (r->at < r->len) {
		char *newline = memchr(r->buf + r->searched, '\n', r->len - r->searched);
		size_t start = r->at, end = newline ? (size_t)(newline - r->buf) : r->len;

		if (!newline && !r->eof) {
			r->searched = r->len;
			break;
		}
		r->at = r->searched = newline ? end + 1 : end;
		if (r->overlong || end - start > r->line_max) {
			r->overlong = false;
			r->line_number++;
			line_bad(r);
			continue;
		}
		code = line_read(r, start, end - start);
		if (code)
			return code;
	}
	return 0;
}

static int reader_run(struct reader *r, const char *name, struct ft_err *err)
{
	int code;

	do {
		code = buffer_fill(r);
		if (!code)
			code = buffer_lines(r);
	} while (!code && !r->eof);
	if (code == -ENOMEM)
		return ft_err_set(err, code, "not enough memory to read %s", name);
	if (code)
		return ft_err_set(err, code, "cannot read %s: %s", name, strerror(-code));
	if (r->overlong) { /* the text ended within it */
		r->line_number++;
		line_bad(r);
	}
	if (!r->stats.lines)
		return ft_err_set(err, -EINVAL, "%s holds no stacks: it is empty", name);
	if (r->stats.lines == r->stats.bad_lines)
		return ft_err_set(err, -EINVAL,
				  "%s is not folded text: it has no line of the form "
				  "\"frame;frame;frame weight\"",
				  name);
	return 0;
}

int ft_folded_read_sized(int fd, const char *name, size_t buffer_bytes, size_t line_bytes_max,
			 struct ft_profile *profile, struct ft_folded_stats *stats,
			 struct ft_err *err)
{
	struct reader r = {.profile = profile, .fd = fd, .cap = buffer_bytes};
	int code;

	r.line_max = line_bytes_max;
	r.buf = ft_try_alloc(r.cap + BUFFER_PAD, 1);
	if (r.buf)
		code = reader_run(&r, name, err);
	else
		code = ft_err_set(err, -ENOMEM, "not enough memory to read %s", name);
	if (!code)
		*stats = r.stats;
	for (int class = 0; class < TOKEN_CLASSES; class ++)
		free(r.frame_of[class]);
	free(r.path);
	free(r.buf);
	return code;
}

int ft_folded_read(int fd, const char *name, struct ft_profile *profile,
		   struct ft_folded_stats *stats, struct ft_err *err)
{
	return ft_folded_read_sized(fd, name, BUFFER_BYTES, LINE_BYTES_MAX, profile, stats, err);
}

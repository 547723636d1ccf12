/*
 * name.c - see name.h.
 *
 * A mangled name of 400 bytes can stand for gigabytes: each back reference may double what came
 * before. libiberty limits how deep it recurses but not how much it writes, and its callbacks
 * cannot stop it. So the text is collected piecemeal into a small buffer, and after PIECES_MAX
 * pieces we jump out of the demangler. The C++ and Rust demanglers keep their state on the stack in
 * callback mode (Rust's may hold one small block for a Punycode identifier, which is then lost).
 * The D demangler has no callbacks; names with many back references are not given to it.
 */
#include "symbolizer/name.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <libiberty/demangle.h>

#include "base/elf.h"
#include "profile/profile.h"

#define PIECES_MAX 20000
#define DLANG_BYTES_MAX 1024
#define DLANG_BACK_REFERENCES_MAX 24

struct collector {
	struct ft_name *name;
	bool cut;
	u32 pieces;
	jmp_buf enough;
};

/* A character's start at or before at, so that no UTF-8 sequence is cut. */
static size_t utf8_floor(const char *text, size_t at)
{
	size_t start = at;

	while (start && at - start < 4 && ((u8)text[start] & 0xC0) == 0x80)
		start--;
	return ((u8)text[start] & 0xC0) == 0x80 ? at : start;
}

/* Adds bytes up to FT_NAME_MAX + 1, one more than allowed: so it shows that there were more. */
static void name_add(struct ft_name *name, const char *text, size_t len)
{
	size_t room = FT_NAME_MAX + 1 - name->len;

	if (len > room)
		len = room;
	memcpy(name->text + name->len, text, len);
	name->len += len;
}

static void name_finish(struct ft_name *name, const char *suffix)
{
	if (name->len > FT_NAME_MAX) {
		name->len = utf8_floor(name->text, FT_NAME_MAX);
		memcpy(name->text + name->len, "...", 3);
		name->len += 3;
	}
	name->text[name->len] = '\0';
	if (name->kind == FT_FRAME_USER && strstr(name->text, "::"))
		name->kind = FT_FRAME_CXX;
	if (suffix) {
		size_t len = strnlen(suffix, 20);

		memcpy(name->text + name->len, suffix, len);
		name->len += len;
		name->text[name->len] = '\0';
	}
}

static void collect(const char *text, size_t len, void *opaque)
{
	struct collector *c = opaque;

	name_add(c->name, text, len);
	if (++c->pieces > PIECES_MAX)
		longjmp(c->enough, 1);
}

typedef int (*demangler)(const char *mangled, int options, demangle_callbackref callback,
			 void *opaque);

/* True when the demangler understood the symbol: its text is in name. */
static bool demangle_by(demangler demangle, const char *symbol, int options, struct ft_name *name)
{
	struct collector c = {.name = name};

	name->len = 0;
	if (setjmp(c.enough))
		return true;
	if (demangle(symbol, options, collect, &c) && name->len)
		return true;
	name->len = 0;
	return false;
}

static bool is_lower(char c)
{
	return (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Adds " [clone .part.0] [clone .cold]" for the tail ".part.0.cold" of a mangled C++ symbol. */
static void add_clones(struct ft_name *name, const char *tail)
{
	while (*tail == '.') {
		const char *end = tail + 1;

		while (is_lower(*end))
			end++;
		while (*end == '.' && is_digit(end[1])) {
			end += 2;
			while (is_digit(*end))
				end++;
		}
		if (end == tail + 1)
			return;
		name_add(name, " [clone ", 8);
		name_add(name, tail, (size_t)(end - tail));
		name_add(name, "]", 1);
		tail = end;
	}
}

static bool demangle_dlang(const char *symbol, size_t len, struct ft_name *name)
{
	u32 references = 0;
	char *text;

	if (len > DLANG_BYTES_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		references += symbol[i] == 'Q';
	if (references > DLANG_BACK_REFERENCES_MAX)
		return false;
	text = dlang_demangle(symbol, DMGL_NO_OPTS);
	if (!text)
		return false;
	name_add(name, text, strlen(text));
	free(text);
	return true;
}

/* True when symbol was mangled and name is set. */
static bool demangle(const char *symbol, size_t len, enum ft_name_style style, struct ft_name *name)
{
	int options = style == FT_NAME_FULL ? DMGL_PARAMS | DMGL_ANSI : DMGL_NO_OPTS;
	bool itanium = !strncmp(symbol, "_Z", 2);

	if ((itanium || !strncmp(symbol, "_R", 2)) &&
	    demangle_by(rust_demangle_callback, symbol, DMGL_NO_OPTS, name)) {
		name->kind = FT_FRAME_RUST;
		return true;
	}
	if (itanium && demangle_by(cplus_demangle_v3_callback, symbol, options, name)) {
		const char *tail = strchr(symbol, '.');

		name->kind = FT_FRAME_CXX;
		/* With parameters libiberty writes them itself. */
		if (tail && style == FT_NAME_SHORT)
			add_clones(name, tail);
		return true;
	}
	return !strncmp(symbol, "_D", 2) && demangle_dlang(symbol, len, name);
}

void ft_name_make(struct ft_name *name, const char *symbol, size_t len, const char *suffix,
		  enum ft_name_style style)
{
	char copy[FT_ELF_NAME_MAX];
	const char *version;

	if (len > sizeof(copy) - 1)
		len = sizeof(copy) - 1;
	version = memchr(symbol, '@', len);
	if (version && version != symbol &&
	    (len - (size_t)(version - symbol) != 4 || memcmp(version, "@plt", 4)))
		len = (size_t)(version - symbol);
	memcpy(copy, symbol, len);
	copy[len] = '\0';
	name->len = 0;
	name->kind = FT_FRAME_USER;
	if (style == FT_NAME_LINKED || !demangle(copy, len, style, name)) {
		name_add(name, copy, len);
		if (!strncmp(copy, "_Z", 2))
			name->kind = FT_FRAME_CXX;
	}
	name_finish(name, suffix);
}

void ft_name_plain(struct ft_name *name, const char *text, size_t len)
{
	name->len = 0;
	name->kind = FT_FRAME_USER;
	name_add(name, text, len);
	name_finish(name, NULL);
}

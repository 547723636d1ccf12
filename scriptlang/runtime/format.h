/*
 * format.h - values as text, by the directives of a format.
 */
#ifndef FT_SCRIPTLANG_FORMAT_H
#define FT_SCRIPTLANG_FORMAT_H

#include "scriptlang/runtime/value.h"
#include "scriptlang/syntax/ast.h"

/* A character as C writes it between quotes of that kind; bytes of the text, which has a NUL. */
u32 ft_format_escape(char c, char quote, char text[5]);

/*
 * The same for the first character of a text (at least a byte long) that is UTF-8 (RFC 3629) as far
 * as it is valid: "\u20ac", "\U0001f600" with capital digits. *used: its bytes.
 */
#define FT_ESCAPED_BYTES 12
u32 ft_format_escape_utf8(const char *from, size_t len, char quote, char text[FT_ESCAPED_BYTES],
			  u32 *used);

/* The bytes of a character in UTF-8, which are no text yet. code: up to 0x10ffff. */
u32 ft_format_utf8(u32 code, char text[4]);

/*
 * Writes a value as a directive says, whose width and precision are numbers by now. Strings are
 * written with a precision as a length.
 */
void ft_format_value(struct ft_out *out, const struct ft_directive *directive,
		     const struct ft_value *value);

#endif

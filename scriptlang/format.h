/*
 * format.h - values as text, by the directives of a format.
 */
#ifndef FT_SCRIPTLANG_FORMAT_H
#define FT_SCRIPTLANG_FORMAT_H

#include "scriptlang/ast.h"
#include "scriptlang/value.h"

/* A character as C writes it between quotes of that kind; bytes of the text, which has a NUL. */
u32 ft_format_escape(char c, char quote, char text[5]);

/*
 * Writes a value as a directive says, whose width and precision are numbers by now. Strings are
 * written with a precision as a length.
 */
void ft_format_value(struct ft_out *out, const struct ft_directive *directive,
		     const struct ft_value *value);

#endif

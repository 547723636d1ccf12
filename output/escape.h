/*
 * escape.h - names from the profiled machine as XML.
 *
 * A name is any bytes. What leaves here is always well-formed UTF-8 that XML 1.0 allows, with the
 * five markup characters as references, so it may stand in text and in quoted attributes alike.
 * What cannot be shown becomes visible: C0 control bytes and DEL their control pictures
 * (U+2400...), everything else that is invalid or would disturb other text (C1 controls,
 * bidirectional overrides, noncharacters, surrogates) U+FFFD.
 */
#ifndef FT_OUTPUT_ESCAPE_H
#define FT_OUTPUT_ESCAPE_H

#include "base/out.h"

/*
 * The first character of text (len > 0) as it will be shown, after replacement. *bytes: how many it
 * takes in text.
 */
u32 ft_escape_decode(const char *text, size_t len, size_t *bytes);

/* One character as UTF-8; returns how many bytes that takes. */
size_t ft_escape_utf8(u32 c, char bytes[4]);

/* Writes text as XML character data or the inside of a quoted attribute. */
void ft_escape_xml(struct ft_out *out, const char *text, size_t len);

/*
 * How many bytes of text fit into a number of monospace columns, never cutting a character.
 * Characters that fonts may draw wider than one column count two; *odd becomes true if there was
 * one, since its width is then a guess.
 */
size_t ft_escape_fit(const char *text, size_t len, u32 columns, bool *odd);

#endif

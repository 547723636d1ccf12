/*
 * escape.c - see escape.h.
 *
 * Runs of plain ASCII are copied whole; only the rest is decoded. Decoding follows Unicode's table
 * 3-7 (well-formed UTF-8), and one U+FFFD stands for each maximal part of a broken sequence, as
 * browsers do it.
 */
#include "output/escape.h"

#define REPLACEMENT 0xFFFD
#define CONTROL_PICTURES 0x2400
#define DELETE_PICTURE 0x2421

/*
 * Right-to-left and other embeddings, overrides and isolates: they would reorder the text that
 * follows the name.
 */
static bool is_bidi_control(u32 c)
{
	return c == 0x200E || c == 0x200F || c == 0x061C || (c >= 0x202A && c <= 0x202E) ||
	       (c >= 0x2066 && c <= 0x2069);
}

static u32 shown(u32 c)
{
	if (c < 0x20)
		return CONTROL_PICTURES + c;
	if (c == 0x7F)
		return DELETE_PICTURE;
	if (c < 0x7F)
		return c;
	if (c < 0xA0 || (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF) ||
	    is_bidi_control(c))
		return REPLACEMENT;
	return c;
}

u32 ft_escape_decode(const char *text, size_t len, size_t *bytes)
{
	const u8 *p = (const u8 *)text;
	u8 low = 0x80, high = 0xBF; /* bounds of the second byte */
	size_t need, i;
	u32 c = p[0];

	*bytes = 1;
	if (c < 0x80)
		return shown(c);
	if (c < 0xC2 || c > 0xF4)
		return REPLACEMENT;
	need = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
	if (c == 0xE0)
		low = 0xA0; /* shorter form exists */
	else if (c == 0xED)
		high = 0x9F; /* surrogates */
	else if (c == 0xF0)
		low = 0x90;
	else if (c == 0xF4)
		high = 0x8F; /* beyond U+10FFFF */
	c &= 0x7Fu >> need;
	for (i = 1; i < need; i++) {
		if (i >= len || p[i] < low || p[i] > high) {
			*bytes = i;
			return REPLACEMENT;
		}
		c = c << 6 | (p[i] & 0x3Fu);
		low = 0x80;
		high = 0xBF;
	}
	*bytes = need;
	return shown(c);
}

static bool is_plain(u8 c)
{
	return c >= 0x20 && c < 0x7F && c != '&' && c != '<' && c != '>' && c != '"' && c != '\'';
}

size_t ft_escape_utf8(u32 c, char bytes[4])
{
	size_t n = 0;

	if (c < 0x80) {
		bytes[n++] = (char)c;
	} else if (c < 0x800) {
		bytes[n++] = (char)(0xC0 | c >> 6);
	} else if (c < 0x10000) {
		bytes[n++] = (char)(0xE0 | c >> 12);
		bytes[n++] = (char)(0x80 | (c >> 6 & 0x3F));
	} else {
		bytes[n++] = (char)(0xF0 | c >> 18);
		bytes[n++] = (char)(0x80 | (c >> 12 & 0x3F));
		bytes[n++] = (char)(0x80 | (c >> 6 & 0x3F));
	}
	if (c >= 0x80)
		bytes[n++] = (char)(0x80 | (c & 0x3F));
	return n;
}

static void put_char(struct ft_out *out, u32 c)
{
	char bytes[4];

	switch (c) {
	case '&':
		ft_out_text(out, "&amp;");
		break;
	case '<':
		ft_out_text(out, "&lt;");
		break;
	case '>':
		ft_out_text(out, "&gt;");
		break;
	case '"':
		ft_out_text(out, "&quot;");
		break;
	case '\'':
		ft_out_text(out, "&#39;");
		break;
	default:
		ft_out_bytes(out, bytes, ft_escape_utf8(c, bytes));
	}
}

void ft_escape_xml(struct ft_out *out, const char *text, size_t len)
{
	size_t at = 0;

	while (at < len) {
		size_t run = at, bytes;

		while (run < len && is_plain((u8)text[run]))
			run++;
		ft_out_bytes(out, text + at, run - at);
		at = run;
		if (at < len) {
			put_char(out, ft_escape_decode(text + at, len - at, &bytes));
			at += bytes;
		}
	}
}

/* Latin, Greek, Cyrillic, Armenian; punctuation, arrows, box drawing; what we put in ourselves. */
static bool is_one_column(u32 c)
{
	return c < 0x300 || (c >= 0x370 && c < 0x483) || (c >= 0x48A && c < 0x590) ||
	       (c >= 0x2010 && c < 0x2028) || (c >= 0x2030 && c < 0x205F) ||
	       (c >= 0x2190 && c < 0x2200) || (c >= 0x2500 && c < 0x2600) ||
	       (c >= CONTROL_PICTURES && c <= DELETE_PICTURE) || c == REPLACEMENT;
}

size_t ft_escape_fit(const char *text, size_t len, u32 columns, bool *odd)
{
	size_t at = 0, bytes;
	u32 used = 0;

	while (at < len) {
		u32 c = ft_escape_decode(text + at, len - at, &bytes);
		bool narrow = is_one_column(c);

		used += narrow ? 1 : 2;
		if (used > columns)
			break;
		if (!narrow)
			*odd = true;
		at += bytes;
	}
	return at;
}

/* format.c - see format.h. */
#include "scriptlang/runtime/format.h"

#include <stdio.h>
#include <string.h>

/* A directive for printf of libc, with one length modifier. */
static void make_spec(char spec[64], const struct ft_directive *d, const char *modifier, char conv)
{
	int at = snprintf(spec, 64, "%%%s%s%s%s%s", d->left ? "-" : "", d->plus ? "+" : "",
			  d->space ? " " : "", d->zero ? "0" : "", d->alternate ? "#" : "");

	if (d->width >= 0)
		at += snprintf(spec + at, 64 - (size_t)at, "%d", d->width);
	if (d->precision >= 0)
		at += snprintf(spec + at, 64 - (size_t)at, ".%d", d->precision);
	snprintf(spec + at, 64 - (size_t)at, "%s%c", modifier, conv);
}

/* Text with a width. */
static void put_padded(struct ft_out *out, const struct ft_directive *d, const char *text,
		       size_t len)
{
	size_t width = d->width > 0 ? (size_t)d->width : 0;
	size_t padding = width > len ? width - len : 0;

	for (size_t i = 0; !d->left && i < padding; i++)
		ft_out_char(out, d->zero ? '0' : ' ');
	ft_out_bytes(out, text, len);
	for (size_t i = 0; d->left && i < padding; i++)
		ft_out_char(out, ' ');
}

/* %d, maybe with a width: most numbers. */
static void put_decimal(struct ft_out *out, const struct ft_directive *d, s64 number)
{
	u64 rest = number < 0 ? -(u64)number : (u64)number;
	struct ft_directive room = *d;
	char digits[21];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (number < 0 && d->zero && !d->left) {
		ft_out_char(out, '-'); /* zeros are between it and the digits */
		room.width--;
	} else if (number < 0) {
		digits[--at] = '-';
	}
	put_padded(out, &room, digits + at, sizeof(digits) - at);
}

static void put_number(struct ft_out *out, const struct ft_directive *d, s64 number)
{
	char spec[64], text[256];
	struct ft_directive bounded = *d;
	/* SystemTap's 0 has the prefix, too, where libc's has none. */
	bool is_prefixed_zero = !number && d->alternate && (d->conv == 'x' || d->conv == 'X');
	char *digit;
	int n;

	if ((d->conv == 'd' || d->conv == 'i') && d->precision < 0 && !d->plus && !d->space) {
		put_decimal(out, d, number);
		return;
	}
	/* What libc pads is bounded by our buffer; the rest is padded here. */
	bounded.width = bounded.width > 200 ? 200 : bounded.width;
	bounded.precision = bounded.precision > 200 ? 200 : bounded.precision;
	make_spec(spec, &bounded, "ll", d->conv);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	n = snprintf(text, sizeof(text), spec, is_prefixed_zero ? 1ll : (long long)number);
#pragma GCC diagnostic pop
	digit = is_prefixed_zero ? strrchr(text, '1') : NULL;
	if (digit)
		*digit = '0';
	put_padded(out, d, text, (size_t)n);
}

/* Numbers in binary form: as many bytes as the precision says, or else the width; 0 before them. */
static void put_binary(struct ft_out *out, const struct ft_directive *d, s64 number)
{
	s32 width = d->precision >= 0 ? d->precision : d->width;
	size_t bytes = width == 1 || width == 2 || width == 4 ? (size_t)width : 8;

	for (s64 i = (s64)bytes; d->precision >= 0 && i < d->width; i++)
		ft_out_char(out, '\0');
	ft_out_bytes(out, &number, bytes); /* little-endian, as the machines we run on are */
}

#define POINTER_DIGITS_MAX 255

static void put_pointer(struct ft_out *out, const struct ft_directive *d, s64 number)
{
	char text[POINTER_DIGITS_MAX + 3];
	int digits = d->precision > POINTER_DIGITS_MAX ? POINTER_DIGITS_MAX : d->precision;
	int n = snprintf(text, sizeof(text), "0x%.*llx", digits > 1 ? digits : 1,
			 (unsigned long long)number);

	put_padded(out, d, text, (size_t)n);
}

u32 ft_format_escape(char c, char quote, char text[5])
{
	static const char letters[] = "\a\b\f\n\r\t\v\\", names[] = "abfnrtv\\";
	const char *hit = c ? strchr(letters, c) : NULL;

	if (hit || c == quote)
		return (u32)snprintf(text, 5, "\\%c", hit ? names[hit - letters] : quote);
	if ((u8)c < ' ' || (u8)c >= 0x7f) {
		text[0] = '\\';
		for (u32 i = 1; i < 4; i++)
			text[i] = (char)('0' + ((u8)c >> (9 - 3 * i) & 7));
		text[4] = '\0';
		return 4;
	}
	text[0] = c;
	text[1] = '\0';
	return 1;
}

/* The bytes of a character beyond ASCII, in its shortest form; 0: it is none. */
static u32 decode(const char *text, size_t len, u32 *code)
{
	u8 first = (u8)text[0];
	u32 bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	static const u32 least[] = {0, 0, 0x80, 0x800, 0x10000};

	if (first < 0xc0 || first >= 0xf8 || bytes > len)
		return 0;
	*code = first & (0x7fu >> bytes);
	for (u32 i = 1; i < bytes; i++) {
		if (((u8)text[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | ((u8)text[i] & 0x3f);
	}
	if (*code < least[bytes] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return bytes;
}

u32 ft_format_escape_utf8(const char *from, size_t len, char quote, char text[FT_ESCAPED_BYTES],
			  u32 *used)
{
	u32 code = 0;

	*used = decode(from, len, &code);
	if (*used)
		return (u32)snprintf(text, FT_ESCAPED_BYTES, *used < 4 ? "\\u%04X" : "\\U%08X",
				     code);
	*used = 1;
	return ft_format_escape(*from, quote, text);
}

u32 ft_format_utf8(u32 code, char text[4])
{
	u32 bytes = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	if (bytes == 1) {
		text[0] = (char)code;
		return 1;
	}
	for (u32 i = bytes - 1; i; i--) {
		text[i] = (char)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	text[0] = (char)((0xf00u >> bytes & 0xff) | code);
	return bytes;
}

void ft_format_value(struct ft_out *out, const struct ft_directive *d, const struct ft_value *value)
{
	size_t len = value->len;
	char text[5];

	switch (d->conv) {
	case 's':
		if (d->precision >= 0 && (size_t)d->precision < len)
			len = (size_t)d->precision;
		put_padded(out, d, value->text ? value->text : "", value->text ? len : 0);
		break;
	case 'c':
		if (d->alternate)
			put_padded(out, d, text, ft_format_escape((char)value->number, '\'', text));
		else
			put_padded(out, d, &(char){(char)value->number}, 1);
		break;
	case 'b':
		put_binary(out, d, value->number);
		break;
	case 'p':
		put_pointer(out, d, value->number);
		break;
	default:
		put_number(out, d, value->number);
	}
}

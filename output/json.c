/* json.c - see json.h. */
#include "output/json.h"

#include "output/escape.h"

static bool is_plain(u8 c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void put_char(struct ft_out *out, u32 c)
{
	if (c == '"' || c == '\\') {
		ft_out_char(out, '\\');
		ft_out_char(out, (char)c);
	} else if (c < 0x10000) {
		ft_out_printf(out, "\\u%04x", c);
	} else {
		ft_out_printf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
			      0xdc00 + ((c - 0x10000) & 0x3ff));
	}
}

void ft_json_text(struct ft_out *out, const char *text, size_t len)
{
	ft_out_char(out, '"');
	while (len) {
		size_t plain = 0, bytes;

		while (plain < len && is_plain((u8)text[plain]))
			plain++;
		ft_out_bytes(out, text, plain);
		text += plain;
		len -= plain;
		if (!len)
			break;
		put_char(out, ft_escape_decode(text, len, &bytes));
		text += bytes;
		len -= bytes;
	}
	ft_out_char(out, '"');
}

void ft_json_string(struct ft_out *out, const struct ft_profile *profile, u32 id)
{
	ft_json_text(out, ft_strtab_str(profile->strings, id), ft_strtab_len(profile->strings, id));
}

/* color.c - see color.h. */
#include "output/color.h"

#define SHADE_STEP 4 /* of 255, on each channel */
#define SHADE_BASE 4 /* the shade that has the base colour; most are a little darker */

struct swatch {
	const char *word;
	char letter;
	u32 light, dark; /* base fills */
};

static const struct swatch swatches[FT_COLOR_COUNT] = {
	[FT_COLOR_ROOT] = {"all", 'a', 0xD9DFE6, 0x363D47},
	[FT_COLOR_PROCESS] = {"process", 'p', 0x97ADC7, 0x566170},
	[FT_COLOR_THREAD] = {"thread", 't', 0xDCE4EE, 0x252C36},
	[FT_COLOR_USER] = {"user", 'u', 0xEFB664, 0x925C00},
	[FT_COLOR_CXX] = {"C++", 'c', 0xF1EAA2, 0x706932},
	[FT_COLOR_RUST] = {"Rust", 'r', 0xE7907A, 0x862806},
	[FT_COLOR_KERNEL] = {"kernel", 'k', 0x6BA2E0, 0x1C4B95},
	[FT_COLOR_JIT] = {"JIT", 'j', 0x86E2AE, 0x2D7551},
	[FT_COLOR_INLINED] = {"inlined", 'i', 0xF0C0FA, 0x6F1A69},
	[FT_COLOR_UNKNOWN] = {"no symbol", 'n', 0xB3B0AE, 0x4A443E},
	[FT_COLOR_NOTE] = {"waiting", 'w', 0xA989FC, 0x6044BC},
};

enum ft_color_class ft_color_class(const struct ft_frame *frame)
{
	static const u8 by_kind[FT_FRAME_KIND_COUNT] = {
		[FT_FRAME_PROCESS] = FT_COLOR_PROCESS, [FT_FRAME_THREAD] = FT_COLOR_THREAD,
		[FT_FRAME_USER] = FT_COLOR_USER,       [FT_FRAME_CXX] = FT_COLOR_CXX,
		[FT_FRAME_RUST] = FT_COLOR_RUST,       [FT_FRAME_KERNEL] = FT_COLOR_KERNEL,
		[FT_FRAME_JIT] = FT_COLOR_JIT,	       [FT_FRAME_UNKNOWN] = FT_COLOR_UNKNOWN,
		[FT_FRAME_NOTE] = FT_COLOR_NOTE,
	};

	if (frame->inlined)
		return FT_COLOR_INLINED;
	return frame->kind < FT_FRAME_KIND_COUNT ? by_kind[frame->kind] : FT_COLOR_UNKNOWN;
}

u32 ft_color_shade(const char *name, size_t len)
{
	u32 hash = 2166136261u; /* FNV-1a: pictures must not change with base/hash.h */

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (u8)name[i]) * 16777619u;
	return (hash ^ hash >> 16) % FT_COLOR_SHADES;
}

u32 ft_color_fill(enum ft_color_class cls, u32 shade, bool dark)
{
	u32 base = dark ? swatches[cls].dark : swatches[cls].light, color = 0;

	for (int shift = 16; shift >= 0; shift -= 8) {
		int channel = (int)(base >> shift & 0xFF) + ((int)shade - SHADE_BASE) * SHADE_STEP;

		channel = channel < 0 ? 0 : channel > 255 ? 255 : channel;
		color |= (u32)channel << shift;
	}
	return color;
}

u32 ft_color_label(bool dark)
{
	return dark ? 0xF4F6F8 : 0x1B1F24;
}

const char *ft_color_word(enum ft_color_class cls)
{
	return swatches[cls].word;
}

char ft_color_letter(enum ft_color_class cls)
{
	return swatches[cls].letter;
}

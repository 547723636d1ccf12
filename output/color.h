/*
 * color.h - the palette of pictures: what a frame is decides its colour, its name only the shade.
 *
 * The base colours were chosen by numerical search so that any two kinds stay apart (CIE76 distance
 * above 12) for normal vision, protanopia, deuteranopia and tritanopia, and labels keep a contrast
 * above 4.5:1 on every shade.
 */
#ifndef FT_OUTPUT_COLOR_H
#define FT_OUTPUT_COLOR_H

#include "profile/profile.h"

enum ft_color_class {
	FT_COLOR_ROOT, /* the box that holds everything */
	FT_COLOR_PROCESS,
	FT_COLOR_THREAD,
	FT_COLOR_USER,
	FT_COLOR_CXX,
	FT_COLOR_RUST,
	FT_COLOR_KERNEL,
	FT_COLOR_JIT,
	FT_COLOR_INLINED,
	FT_COLOR_UNKNOWN,
	FT_COLOR_NOTE,
	FT_COLOR_COUNT
};

#define FT_COLOR_SHADES 6

enum ft_color_class ft_color_class(const struct ft_frame *frame);

/*
 * A shade below FT_COLOR_SHADES; the same for the same name on every machine and in every version.
 */
u32 ft_color_shade(const char *name, size_t len);

/* 0xRRGGBB */
u32 ft_color_fill(enum ft_color_class cls, u32 shade, bool dark);
u32 ft_color_label(bool dark);

/* A short word for legends, and the letter used in class names of style sheets. Static. */
const char *ft_color_word(enum ft_color_class cls);
char ft_color_letter(enum ft_color_class cls);

#endif

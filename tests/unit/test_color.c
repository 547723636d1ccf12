/*
 * test_color.c - labels can be read on every shade, and kinds can be told apart by people with
 * colour-vision deficiency.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "output/color.h"

#define SHADE_BASE 4 /* the shade that has the base colour */

static double linear(u32 channel)
{
	double c = channel / 255.0;

	return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double luminance(u32 rgb)
{
	return 0.2126 * linear(rgb >> 16 & 255) + 0.7152 * linear(rgb >> 8 & 255) +
	       0.0722 * linear(rgb & 255);
}

/* Contrast ratio of WCAG 2. */
static double contrast(u32 a, u32 b)
{
	double la = luminance(a), lb = luminance(b);

	return la > lb ? (la + 0.05) / (lb + 0.05) : (lb + 0.05) / (la + 0.05);
}

static void test_labels_are_readable(void **state)
{
	(void)state;
	for (int dark = 0; dark < 2; dark++)
		for (u32 cls = 0; cls < FT_COLOR_COUNT; cls++)
			for (u32 shade = 0; shade < FT_COLOR_SHADES; shade++)
				assert_true(contrast(ft_color_label(dark),
						     ft_color_fill((enum ft_color_class)cls, shade,
								   dark)) >= 4.5);
}

/*
 * Normal sight, then Machado, Oliveira and Fernandes (2009), severity 1: protan, deutan, tritan; on
 * linear RGB.
 */
static const double visions[4][3][3] = {
	{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	{{0.152286, 1.052583, -0.204868},
	 {0.114503, 0.786281, 0.099216},
	 {-0.003882, -0.048116, 1.051998}},
	{{0.367322, 0.860646, -0.227968},
	 {0.280085, 0.672501, 0.047413},
	 {-0.011820, 0.042940, 0.968881}},
	{{1.255528, -0.076749, -0.178779},
	 {-0.078411, 0.930809, 0.147602},
	 {0.004733, 0.691367, 0.303900}},
};

static double lab_curve(double t)
{
	return t > 0.008856 ? cbrt(t) : 7.787 * t + 16.0 / 116.0;
}

static void seen_lab(u32 rgb, const double vision[3][3], double lab[3])
{
	double in[3] = {linear(rgb >> 16 & 255), linear(rgb >> 8 & 255), linear(rgb & 255)}, c[3];
	double x, y, z;

	for (int i = 0; i < 3; i++) {
		c[i] = vision[i][0] * in[0] + vision[i][1] * in[1] + vision[i][2] * in[2];
		c[i] = c[i] < 0 ? 0 : c[i] > 1 ? 1 : c[i];
	}
	x = lab_curve((0.4124 * c[0] + 0.3576 * c[1] + 0.1805 * c[2]) / 0.95047);
	y = lab_curve(0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]);
	z = lab_curve((0.0193 * c[0] + 0.1192 * c[1] + 0.9505 * c[2]) / 1.08883);
	lab[0] = 116 * y - 16;
	lab[1] = 500 * (x - y);
	lab[2] = 200 * (y - z);
}

static void test_kinds_can_be_told_apart(void **state)
{
	(void)state;
	for (int n = 0; n < 2 * 4 * FT_COLOR_COUNT * FT_COLOR_COUNT; n++) {
		enum ft_color_class a = n % FT_COLOR_COUNT, b = n / FT_COLOR_COUNT % FT_COLOR_COUNT;
		int vision = n / FT_COLOR_COUNT / FT_COLOR_COUNT % 4;
		bool dark = n / FT_COLOR_COUNT / FT_COLOR_COUNT / 4;
		double la[3], lb[3];

		if (a >= b || a == FT_COLOR_ROOT)
			continue;
		seen_lab(ft_color_fill(a, SHADE_BASE, dark), visions[vision], la);
		seen_lab(ft_color_fill(b, SHADE_BASE, dark), visions[vision], lb);
		assert_true(sqrt(pow(la[0] - lb[0], 2) + pow(la[1] - lb[1], 2) +
				 pow(la[2] - lb[2], 2)) > 12);
	}
}

/* Pictures must not change from version to version: these values are for good. */
static void test_shades_are_fixed(void **state)
{
	bool seen[FT_COLOR_SHADES] = {false};
	char name[2] = "a";

	(void)state;
	assert_int_equal(ft_color_shade("main", 4), ft_color_shade("main", 4));
	assert_int_equal(ft_color_shade("", 0),
			 (2166136261u ^ 2166136261u >> 16) % FT_COLOR_SHADES);
	for (; name[0] <= 'z'; name[0]++)
		seen[ft_color_shade(name, 1)] = true;
	for (u32 s = 0; s < FT_COLOR_SHADES; s++)
		assert_true(seen[s]);
}

static void test_classes(void **state)
{
	struct ft_frame frame = {.kind = FT_FRAME_KERNEL};

	(void)state;
	assert_int_equal(ft_color_class(&frame), FT_COLOR_KERNEL);
	frame.kind = FT_FRAME_CXX;
	assert_int_equal(ft_color_class(&frame), FT_COLOR_CXX);
	frame.inlined = true;
	assert_int_equal(ft_color_class(&frame), FT_COLOR_INLINED);
	frame = (struct ft_frame){.kind = FT_FRAME_KIND_COUNT};
	assert_int_equal(ft_color_class(&frame), FT_COLOR_UNKNOWN);
	for (u32 a = 0; a < FT_COLOR_COUNT; a++)
		for (u32 b = 0; b < a; b++)
			assert_int_not_equal(ft_color_letter((enum ft_color_class)a),
					     ft_color_letter((enum ft_color_class)b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels_are_readable),
		cmocka_unit_test(test_kinds_can_be_told_apart),
		cmocka_unit_test(test_shades_are_fixed),
		cmocka_unit_test(test_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

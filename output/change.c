/* change.c - see change.h. */
#include "output/change.h"

#include <math.h>

#include "output/figures.h"

#define LEVELS 6

static const struct ramp {
	char letter;
	u32 light[2], dark[2]; /* from the weakest change to the strongest; labels stay legible */
} ramps[] = {
	{'l', {0xE3ECFB, 0x6B9DEB}, {0x232F42, 0x1F4F9E}},
	{'m', {0xFBE6E2, 0xEC7464}, {0x432A28, 0xA3332A}},
};

#define NOISE_LIGHT 0xDCDFE3
#define NOISE_DARK 0x363B42

struct ft_change_class ft_change_class(const struct ft_diff *diff, u32 node)
{
	double before = diff->before.shares[node], after = diff->after.shares[node];
	double strength;

	if (ft_diff_is_noise(diff, before, after))
		return (struct ft_change_class){'z', '0'};
	strength = fmin(1, 0.15 + 1.5 * fabs(after - before) / fmax(before, after));
	return (struct ft_change_class){
		after > before ? 'm' : 'l',
		(char)('0' + (int)fmin(LEVELS - 1, floor(strength * LEVELS)))};
}

static u32 between(const u32 ends[2], u32 level)
{
	u32 color = 0;

	for (int shift = 16; shift >= 0; shift -= 8) {
		u32 from = ends[0] >> shift & 0xFF, to = ends[1] >> shift & 0xFF;

		color |= (from * (LEVELS - 1 - level) + to * level) / (LEVELS - 1) << shift;
	}
	return color;
}

void ft_change_style(struct ft_out *out, bool dark)
{
	for (u32 i = 0; i < FT_ARRAY_LEN(ramps); i++)
		for (u32 level = 0; level < LEVELS; level++)
			ft_out_printf(out, ".ft .%c%u{fill:#%06x}\n", ramps[i].letter, level,
				      between(dark ? ramps[i].dark : ramps[i].light, level));
	ft_out_printf(out, ".ft .z0{fill:#%06x}\n", dark ? NOISE_DARK : NOISE_LIGHT);
}

void ft_change_details(struct ft_out *out, const struct ft_diff *diff, u32 node)
{
	double before = diff->before.shares[node], after = diff->after.shares[node];

	ft_out_printf(out, "before %.2f %%, after %.2f %%: %+.2f", before * 100, after * 100,
		      (after - before) * 100);
	if (ft_diff_is_noise(diff, before, after))
		ft_out_text(out, " (within sampling noise)");
	else if (after == 0)
		ft_out_text(out, " (vanished)");
	else if (before == 0)
		ft_out_text(out, " (new)");
}

void ft_change_totals(struct ft_out *out, const struct ft_diff *diff)
{
	ft_figures_weight(out, diff->unit, diff->before.total);
	ft_out_text(out, " before, ");
	ft_figures_weight(out, diff->unit, diff->after.total);
	ft_out_text(out, " after");
}

const struct ft_change_key *ft_change_keys(void)
{
	static const struct ft_change_key keys[FT_CHANGE_KEYS] = {
		{"l5", "less after, or vanished"},
		{"m5", "more after, or new"},
		{"z0", "within sampling noise (95 % confidence)"},
	};

	return keys;
}

/* figures.c - see figures.h. */
#include "output/figures.h"

#define DOT " \xC2\xB7 "

u64 ft_figures_share(u64 part, u64 whole, u64 scale)
{
	return (u64)((__uint128_t)part * scale / whole);
}

void ft_figures_percent(struct ft_out *out, u64 part, u64 whole)
{
	u64 n = ft_figures_share(part, whole, 10000);

	if (n == 0 && part) {
		ft_out_text(out, "&lt;0.01 %");
		return;
	}
	ft_out_u64(out, n / 100);
	ft_out_char(out, '.');
	ft_out_char(out, (char)('0' + n / 10 % 10));
	ft_out_char(out, (char)('0' + n % 10));
	ft_out_text(out, " %");
}

void ft_figures_grouped(struct ft_out *out, u64 n)
{
	char text[27];
	size_t at = sizeof(text);
	u32 digits = 0;

	do {
		if (digits && digits % 3 == 0)
			text[--at] = ',';
		text[--at] = (char)('0' + n % 10);
		n /= 10;
		digits++;
	} while (n);
	ft_out_bytes(out, text + at, sizeof(text) - at);
}

/*
 * n of the small unit as a number of the largest of the units that it fills, with 3 decimals:
 * 12.345 ms.
 */
static void put_scaled(struct ft_out *out, u64 n, u64 step, const char *const *units, u32 count)
{
	u64 divisor = 1;
	u32 u = 0;

	while (u + 1 < count && n / divisor >= step) {
		divisor *= step;
		u++;
	}
	ft_figures_grouped(out, n / divisor);
	if (u > 0) {
		u64 rest = ft_figures_share(n % divisor, divisor, 1000);

		ft_out_char(out, '.');
		ft_out_char(out, (char)('0' + rest / 100));
		ft_out_char(out, (char)('0' + rest / 10 % 10));
		ft_out_char(out, (char)('0' + rest % 10));
	}
	ft_out_char(out, ' ');
	ft_out_text(out, units[u]);
}

void ft_figures_weight(struct ft_out *out, enum ft_unit unit, u64 n)
{
	static const char *const times[] = {"ns", "\xC2\xB5s", "ms", "s"};
	static const char *const sizes[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};

	switch (unit) {
	case FT_UNIT_NANOSECONDS:
		put_scaled(out, n, 1000, times, 4);
		break;
	case FT_UNIT_MICROSECONDS:
		put_scaled(out, n, 1000, times + 1, 3);
		break;
	case FT_UNIT_BYTES:
		put_scaled(out, n, 1024, sizes, 5);
		break;
	case FT_UNIT_SAMPLES:
	case FT_UNIT_EVENTS:
	default:
		ft_figures_grouped(out, n);
		ft_out_char(out, ' ');
		ft_out_text(out, ft_unit_name(unit, n));
	}
}

void ft_figures_quality(struct ft_out *out, const struct ft_quality *q)
{
	u64 lost = ft_quality_lost(q);

	if (q->ends[FT_END_LEAF_ONLY]) {
		ft_out_text(out, "user stacks not walked, as asked" DOT);
	} else if (q->user_stacks) {
		ft_figures_percent(out, q->ends[FT_END_ROOT], q->user_stacks);
		ft_out_text(out, " of ");
		ft_figures_grouped(out, q->user_stacks);
		ft_out_text(out, " user stacks reached a root" DOT);
	}
	if (q->frames) {
		u64 named = q->frames_named < q->frames ? q->frames_named : q->frames;

		ft_figures_percent(out, q->frames - named, q->frames);
		ft_out_text(out, " of frames have no symbol" DOT);
	}
	ft_figures_grouped(out, lost);
	ft_out_text(out, lost == 1 ? " sample or event lost" : " samples or events lost");
}

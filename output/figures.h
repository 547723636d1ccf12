/*
 * figures.h - weights and shares as people read them; the same words in every picture.
 *
 * What is written may stand in XML text and in quoted attributes. Shares are rounded down: what is
 * not all never reads as 100 %.
 */
#ifndef FT_OUTPUT_FIGURES_H
#define FT_OUTPUT_FIGURES_H

#include "base/out.h"
#include "profile/profile.h"

/* part * scale / whole, rounded down. */
u64 ft_figures_share(u64 part, u64 whole, u64 scale);

/* 1,234,567 */
void ft_figures_grouped(struct ft_out *out, u64 n);

/* "12.34 %", or "<0.01 %" for what is more than nothing. */
void ft_figures_percent(struct ft_out *out, u64 part, u64 whole);

/* A weight with its unit, times and sizes in the largest unit that they fill: "12.345 ms". */
void ft_figures_weight(struct ft_out *out, enum ft_unit unit, u64 n);

/* The quality line: how many stacks are whole, frames named, samples lost. */
void ft_figures_quality(struct ft_out *out, const struct ft_quality *quality);

#endif

/*
 * dwfl.h - walks a copied stack from all registers, by libdwfl (elfutils).
 *
 * Where samples are walked by tables made for speed (unwind.h), which follow three registers, a
 * backtrace is walked once and wants all of them: variables live there.
 */
#ifndef FT_SAMPLER_DWFL_H
#define FT_SAMPLER_DWFL_H

#include "sampler/sampler.h"

#define FT_DWFL_FRAMES_MAX 10000

/*
 * Walks all threads of a backtrace, whose first frames are known, to their roots; fills in frames
 * and cut. 0 or -ENOMEM.
 */
int ft_dwfl_walk(struct ft_backtrace *backtrace, struct ft_err *err);

#endif

/*
 * window.bpf.h - reading the user stack: in windows of up to 1 KiB rather than word by word, since
 * a read of user memory costs as much as some ten frames of the rest. At first no more is read than
 * the walk before needed; should that not do, the next window is a whole one.
 */
#ifndef FT_SAMPLER_WINDOW_BPF_H
#define FT_SAMPLER_WINDOW_BPF_H

#include "sampler/bpf/scratch.bpf.h"

/* Reads the window that addr is in, and its word into walk->value. 1 on success. */
__noinline int ft_walk_read(struct walk *walk, u64 addr)
{
	/*
	 * A saved frame pointer is read after the return address above it: begin a little below.
	 */
	u64 at = addr - 16, bytes;

	if (!walk)
		return 0;
	bytes = (walk->leaf_sp + walk->reach - at + WALK_WINDOW_STEP) & ~(WALK_WINDOW_STEP - 1ull);
	if (bytes - 1 >= WALK_WINDOW_BYTES)
		bytes = WALK_WINDOW_BYTES;
	OPAQUE(bytes); /* the check must be of the register that is passed */
	if (bytes > WALK_WINDOW_BYTES || addr & 7 ||
	    bpf_probe_read_user(walk->window, (u32)bytes, (const void *)at)) {
		walk->window_at = ~0ull;
		return bpf_probe_read_user(&walk->value, 8, (const void *)addr) == 0;
	}
	walk->window_at = at;
	walk->window_last = bytes - 8;
	walk->value = walk->window[2];
	return 1;
}

/* A word of the user stack, from the window as a rule. */
static __always_inline bool window_word(struct walk *walk, u64 addr, u64 *word)
{
	u64 within = addr - walk->window_at;

	if (within <= walk->window_last && !(addr & 7)) {
		*word = walk->window[within / 8 & (WALK_WINDOW_BYTES / 8 - 1)];
		return true;
	}
	if (!ft_walk_read(walk, addr))
		return false;
	*word = walk->value;
	return true;
}

/* The same into walk->value, as a function: a copy for each use takes the verifier long. */
__noinline int ft_walk_word(struct walk *walk, u64 addr)
{
	u64 word;

	if (!walk || !window_word(walk, addr, &word))
		return 0;
	walk->value = word;
	return 1;
}

/* What the steps of unwind.h read by. */
static __always_inline bool unwind_read(struct ft_unwind *u, u64 addr, u64 *word)
{
	struct walk *walk = (struct walk *)u;

	if (!ft_walk_word(walk, addr))
		return false;
	*word = walk->value;
	return true;
}

#include "sampler/unwind.h"

#endif

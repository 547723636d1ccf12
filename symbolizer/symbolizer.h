/*
 * symbolizer.h - from places in files to names.
 *
 * Input is a raw profile, output a resolved one. A damaged or missing file costs its own names
 * only; its frames read "[file+0xoffset]". No subprocess is started.
 */
#ifndef FT_SYMBOLIZER_SYMBOLIZER_H
#define FT_SYMBOLIZER_SYMBOLIZER_H

#include "profile/profile.h"
#include "profile/raw.h"

struct ft_symbolize_opts {
	bool no_demangle; /* keep C++, Rust and D names as the linker sees them */
};

/* What could not be named, and why, for the caller to say. */
struct ft_symbolize_notes {
	bool kernel_hidden; /* there were kernel addresses, and kptr_restrict hides the symbols */
	u32 files_missing;  /* files with samples that could not be opened or read */
	u32 files_replaced; /* files with samples that are no longer those mapped (build-id) */
	/* The path of the first of each, cut to fit; "" if none. */
	char first_missing[200], first_replaced[200];
};

/*
 * Names every location of raw. The result belongs to the caller (ft_profile_free); raw is only
 * read. Quality is copied and completed: frames, frames_named, and (for stacks whose end the
 * sampler did not judge) ends[]. notes may be NULL. Errors: -ENOMEM only.
 */
int ft_symbolize(const struct ft_raw *raw, const struct ft_symbolize_opts *opts,
		 struct ft_symbolize_notes *notes, struct ft_profile **profile, struct ft_err *err);

#endif

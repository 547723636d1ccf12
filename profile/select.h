/*
 * select.h - which samples of a recording count, where the recording knows whose they are and when
 * they were taken.
 */
#ifndef FT_PROFILE_SELECT_H
#define FT_PROFILE_SELECT_H

#include "profile/archive.h"

/* How stacks begin. */
enum ft_by {
	FT_BY_RECORDED, /* as the profile has it: by the name of the process */
	FT_BY_PROCESS,	/* name and id of the process */
	FT_BY_THREAD,	/* the same, and name and id of the thread below it */
	FT_BY_CPU,	/* the number of the CPU, then the name of the process */
};

/* Zeroed: everything counts. */
struct ft_select {
	u32 pid, tid; /* 0: all */
	u64 from_ns;  /* since the recording began */
	u64 to_ns;    /* 0: to the end */
	enum ft_by by;
};

static inline bool ft_select_is_empty(const struct ft_select *select)
{
	return !select->pid && !select->tid && !select->from_ns && !select->to_ns &&
	       select->by == FT_BY_RECORDED;
}

/*
 * Keeps of an archive's raw profile what is selected: other nodes lose their weight, in rounds,
 * too. Errors (-EINVAL): the recording does not tell threads, CPUs or times apart.
 */
int ft_select_raw(struct ft_archive *archive, const struct ft_select *select, struct ft_err *err);

/* The same of a resolved profile, by times and CPUs, which its rounds know. */
int ft_select_profile(struct ft_profile *profile, const struct ft_select *select,
		      struct ft_err *err);

#endif

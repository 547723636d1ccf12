/*
 * value.h - values at run time: a number, or a string that somebody else keeps.
 */
#ifndef FT_SCRIPTLANG_VALUE_H
#define FT_SCRIPTLANG_VALUE_H

#include "base/types.h"

struct ft_value {
	s64 number;
	const char *text; /* NULL: a number. NUL-terminated, borrowed */
	u32 len;
};

/* Limits of the language, each set by -D NAME=VALUE. */
struct ft_limits {
	u32 string_bytes; /* MAXSTRINGLEN, with NUL */
	u32 map_entries;  /* MAXMAPENTRIES */
	u32 actions;	  /* MAXACTION: statements of a timer's handler; of begin 10 times that */
	u32 nesting;	  /* MAXNESTING: calls within each other */
	u32 errors;	  /* MAXERRORS that are survived */
	s32 hist_elision; /* HIST_ELISION: stats.h */
};

#define FT_LIMITS_DEFAULT                                                                 \
	{                                                                                 \
		.string_bytes = 512, .map_entries = 2048, .actions = 1000, .nesting = 10, \
		.errors = 0, .hist_elision = 2                                            \
	}

#endif

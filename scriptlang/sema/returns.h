/*
 * returns.h - functions that must have no return probe, since it would end the program or make it
 * go round in circles.
 */
#ifndef FT_SCRIPTLANG_RETURNS_H
#define FT_SCRIPTLANG_RETURNS_H

#include "scriptlang/user/user_point.h"

/* Of all places of what a script names. */
struct ft_returns {
	const struct ft_user_file *seen; /* the last file that was looked at */
	const char *spared;		 /* a function that was left out; NULL: none was */
	bool any_left;
};

/*
 * Takes such functions out of the places of a point, if it is one of returns, and warns of a file
 * whose functions may be left by C++ exceptions (at: what the warning is about). False: no place is
 * left.
 */
bool ft_returns_spare(struct ft_returns *returns, struct ft_compile *compile,
		      struct ft_point *point, struct ft_span at);

#endif

/*
 * err.h - what went wrong, in one sentence a user can act on.
 *
 * The deepest function that knows the cause writes the text and the remedy; callers may put context
 * in front. Nothing is printed here: only cli/ prints.
 */
#ifndef FT_BASE_ERR_H
#define FT_BASE_ERR_H

#include "base/types.h"

struct ft_err {
	int code;	 /* negative errno, or 0 while unset */
	char text[1000]; /* UTF-8, no trailing newline */
};

/*
 * Sets code and text. Returns code, so that "return ft_err_set(err, -EINVAL, ...)" reads well. err
 * may be NULL.
 */
int ft_err_set(struct ft_err *err, int code, const char *fmt, ...) FT_PRINTF(3, 4);

/* Puts "context: " in front of the text. Returns the code. err may be NULL: returns -EIO then. */
int ft_err_wrap(struct ft_err *err, const char *fmt, ...) FT_PRINTF(2, 3);

#endif

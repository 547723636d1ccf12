/* err.c - see err.h. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int ft_err_set(struct ft_err *err, int code, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return code;
	err->code = code;
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return code;
}

int ft_err_wrap(struct ft_err *err, const char *fmt, ...)
{
	char context[400];
	struct ft_err inner;
	va_list args;

	if (!err)
		return -EIO;
	va_start(args, fmt);
	vsnprintf(context, sizeof(context), fmt, args);
	va_end(args);
	inner = *err;
	snprintf(err->text, sizeof(err->text), "%s: %.*s", context, (int)sizeof(inner.text) - 402,
		 inner.text);
	return err->code;
}

/* pass_times.c - see pass_times.h. */
#include "scriptlang/runtime/pass_times.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/clock.h"

static u64 us_of(struct timeval t)
{
	return (u64)t.tv_sec * 1000000 + (u64)t.tv_usec;
}

struct ft_pass_times ft_pass_times_now(void)
{
	struct rusage usage = {.ru_utime = {0}};

	getrusage(RUSAGE_SELF, &usage);
	return (struct ft_pass_times){.user_us = us_of(usage.ru_utime),
				      .system_us = us_of(usage.ru_stime),
				      .real_us = ft_clock_ns(CLOCK_MONOTONIC) / 1000};
}

void ft_pass_times_say(const struct ft_script_run *opts, struct ft_pass_times *since,
		       const char *fmt, ...)
{
	struct ft_pass_times now = ft_pass_times_now();
	char what[200], text[300];
	va_list args;
	int len;

	if (!opts->verbose)
		return;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	len = snprintf(text, sizeof(text), "%s in %lluusr/%llusys/%llureal ms.\n", what,
		       (unsigned long long)(now.user_us - since->user_us) / 1000,
		       (unsigned long long)(now.system_us - since->system_us) / 1000,
		       (unsigned long long)(now.real_us - since->real_us) / 1000);
	opts->write(opts->context, text, (size_t)len, true);
	*since = now;
}

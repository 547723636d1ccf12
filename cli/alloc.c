/* alloc.c - flametap alloc: who allocates memory that stays. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

enum { KEY_SAMPLE = 0x380 };

static const struct argp_option options[] = {{NULL, 0, NULL, 0, "Allocations:", 15},
					     {"sample", KEY_SAMPLE, "BYTES", 0,
					      "Record, of allocations smaller than this, one in so "
					      "many bytes, and let it stand for them "
					      "(suffixes k, M)",
					      15},
					     {0}};

static u32 parse_bytes(struct argp_state *state, const char *arg)
{
	unsigned long long bytes;
	char *end;

	errno = 0;
	bytes = strtoull(arg, &end, 10);
	if (!errno && end != arg && (*end == 'k' || *end == 'M') && bytes <= UINT32_MAX)
		bytes <<= *end++ == 'k' ? 10 : 20;
	if (errno || end == arg || *end || strchr(arg, '-') || !bytes || bytes > UINT32_MAX)
		argp_error(state, "--sample is a number of bytes from 1 to %u, not '%s'",
			   UINT32_MAX, arg);
	return (u32)bytes;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct ft_recorder *r = state->input;

	if (key == KEY_SAMPLE) {
		r->target.record.alloc_sample = parse_bytes(state, arg);
		return 0;
	}
	return ft_recorder_parse(key, arg, state);
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[-- COMMAND [ARG...]]",
	.doc = "Records memory that is allocated and not released by the end of the recording, in "
	       "bytes, by the stack that allocated it, and writes a flame graph.\v"
	       "Without -o the picture goes to flametap-alloc.svg. Exit status: 0 ok; 1 failed; 2 "
	       "usage; 3 written, but data was lost.",
	.children = ft_recorder_children,
};

/* Options of the sampling that mean nothing here. */
static int check(const struct ft_recorder *recorder, struct ft_err *err)
{
	const struct ft_record_opts *r = &recorder->target.record;

	if (r->event || r->freq_hz || r->period)
		return ft_err_set(err, -EINVAL,
				  "allocations are recorded one by one: thin them out by --sample; "
				  "-e, -F and -c are for the modes that sample");
	if (r->kernel_only)
		return ft_err_set(err, -EINVAL,
				  "memory is allocated in user code: --kernel-only is for flametap "
				  "cpu");
	return 0;
}

static int run(int argc, char **argv)
{
	struct ft_recorder recorder = {.target.record.mode = FT_RECORD_ALLOC};

	return ft_recorder_run(&recorder, argc, argv, &argp, check, "flametap-alloc.svg",
			       "Memory not released");
}

const struct ft_mode ft_mode_alloc = {"alloc", "who allocates memory that stays", run};

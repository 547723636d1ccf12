/*
 * fuzz_folded.c - arbitrary bytes as folded text.
 *
 * Beyond not crashing: the size of the reader's buffer must not show (a small one makes every
 * refill happen), and what the writer makes of the profile must come back from the reader as the
 * same text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "output/output.h"
#include "profile/folded.h"
#include "profile/folded_private.h"

#define LINE_MAX_FUZZ 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static struct ft_profile *profile_read(const char *text, size_t len, size_t buffer, size_t line_max,
				       struct ft_folded_stats *stats)
{
	struct ft_profile *profile = ft_profile_new();
	int fd = memfd_create("folded", MFD_CLOEXEC), code;
	struct ft_err err = {.code = 0};

	check(fd >= 0 && write(fd, text, len) == (ssize_t)len && lseek(fd, 0, SEEK_SET) == 0);
	code = ft_folded_read_sized(fd, "input", buffer, line_max, profile, stats, &err);
	close(fd);
	if (!code)
		return profile;
	check(code == err.code && err.text[0]);
	ft_profile_free(profile);
	return NULL;
}

static struct ft_out *profile_write(const struct ft_profile *profile, const char *format)
{
	struct ft_out *out = ft_out_new_memory();
	struct ft_write_opts opts = {.annotate = true};
	const struct ft_writer *writer;

	check(ft_writer_find("-", format, &writer, NULL) == 0);
	check(writer->write(profile, &opts, out) == 0);
	return out;
}

static void check_same(const struct ft_out *a, const struct ft_out *b)
{
	size_t a_len, b_len;
	const char *a_text = ft_out_memory(a, &a_len), *b_text = ft_out_memory(b, &b_len);

	check(a_len == b_len && !memcmp(a_text, b_text, a_len));
}

/* Reads what was written; it may be nothing when all weights are 0. */
static void check_round_trip(const struct ft_out *out)
{
	struct ft_folded_stats stats;
	struct ft_profile *profile;
	struct ft_out *again;
	size_t len;
	const char *text = ft_out_memory(out, &len);

	if (!len)
		return;
	profile = profile_read(text, len, 4096, 1 << 20, &stats);
	check(profile && !stats.bad_lines);
	again = profile_write(profile, "folded");
	check_same(out, again);
	ft_out_close(again);
	ft_profile_free(profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ft_folded_stats stats, stats_small;
	struct ft_profile *profile, *small;
	struct ft_out *out, *out_small;

	profile = profile_read((const char *)data, size, 1 << 16, LINE_MAX_FUZZ, &stats);
	small = profile_read((const char *)data, size, 1 + size % 13, LINE_MAX_FUZZ, &stats_small);
	check(!profile == !small);
	if (!profile)
		return 0;
	check(!memcmp(&stats, &stats_small, sizeof(stats)));
	out = profile_write(profile, "folded");
	out_small = profile_write(small, "folded");
	check_same(out, out_small);
	check_round_trip(out);
	ft_out_close(out_small);
	ft_out_close(out);
	ft_out_close(profile_write(profile, "txt"));
	ft_profile_free(small);
	ft_profile_free(profile);
	return 0;
}

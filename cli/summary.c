/*
 * summary.c - the text at the end of every recording: the hottest functions, and the quality line.
 * See cli.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/cli.h"

#define TOP_COUNT 10

static double percent(u64 part, u64 whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_top(const struct ft_profile *profile)
{
	u64 all = ft_tree_total(profile->tree);
	struct ft_top_row *rows;
	int count = ft_top_functions(profile, TOP_COUNT, &rows);

	if (count < 0)
		return;
	fprintf(stderr, "    self   total  function (");
	if (profile->unit == FT_UNIT_NANOSECONDS)
		fprintf(stderr, "%.3f s in all)\n", (double)all / 1e9);
	else
		fprintf(stderr, "%" PRIu64 " %s in all)\n", all, ft_unit_name(profile->unit, all));
	for (int i = 0; i < count; i++) {
		char *name = ft_strdup(ft_strtab_str(profile->strings, rows[i].name));
		char *module = ft_strdup(ft_strtab_str(profile->strings, rows[i].module));

		fprintf(stderr, "  %5.1f %%  %5.1f %%  %.100s  (%.60s)\n",
			percent(rows[i].self, all), percent(rows[i].total, all),
			ft_cli_printable(name), ft_cli_printable(module));
		free(name);
		free(module);
	}
	free(rows);
}

static void print_loss(u64 number, const char *what)
{
	if (number)
		fprintf(stderr, "; %" PRIu64 " %s", number, what);
}

static void print_losses(const struct ft_quality *q)
{
	fprintf(stderr, "lost: ");
	if (!ft_quality_lost(q)) {
		fprintf(stderr, "nothing");
	} else {
		fprintf(stderr, "%" PRIu64, ft_quality_lost(q));
		print_loss(q->lost_table_full + q->lost_store_full,
			   "samples by a full stack store (lower -F, or narrow the target)");
		print_loss(q->lost_scratch, "samples because all scratch buffers were in use");
		print_loss(q->lost_kernel, "kernel stacks that could not be read");
		print_loss(q->lost_user, "user stacks that could not be read");
		print_loss(q->lost_targets,
			   "child processes beyond the target table (use -a or --cgroup)");
		print_loss(q->lost_waits, "waits of threads beyond the table of threads (narrow "
					  "the target)");
		print_loss(q->lost_chains, "wakers of wakers beyond the table of threads");
		print_loss(q->lost_allocs,
			   "allocations beyond the table of outstanding ones (use --sample)");
		print_loss(q->lost_events, "mapping events (some code may be unnamed)");
		print_loss(q->throttled, "times the kernel paused the sampling (lower -F)");
	}
}

/* A share in percent that never looks like all or nothing when it is not. */
static void print_share(u64 part, u64 whole)
{
	double share = percent(part, whole);

	if (!part || part == whole || (share >= 0.05 && share < 99.95))
		fprintf(stderr, "%.1f", share);
	else
		fprintf(stderr, "%.2f",
			share < 0.01 && part ? 0.01
			: share > 99.99	     ? 99.99
					     : share);
}

/* Why user stacks ended, in the order of enum ft_end. */
static void print_ends(const struct ft_quality *q)
{
	static const char *const reasons[FT_END_COUNT] = {
		[FT_END_ROOT] = "reached their root",
		[FT_END_DEPTH] = "cut at the depth limit",
		[FT_END_NO_TABLE] = "cut: no unwind information",
		[FT_END_BAD_RULE] = "cut: unusable unwind information",
		[FT_END_FAULT] = "cut: stack memory not resident",
		[FT_END_JIT] = "cut: JIT code without frame pointers",
		[FT_END_NO_ROOM] = "cut: no room for unwind tables",
		[FT_END_NOT_READY] = "cut: mappings not known in time",
		[FT_END_BROKEN_FP] = "cut: no frame pointer",
		[FT_END_LEAF_ONLY] = "not walked, as asked",
	};

	fprintf(stderr, "user stacks %" PRIu64 ":", q->user_stacks);
	for (int i = 0; i < FT_END_COUNT; i++)
		if (q->ends[i] || i == FT_END_ROOT) {
			fprintf(stderr, "%s ", i ? "," : "");
			print_share(q->ends[i], q->user_stacks);
			fprintf(stderr, " %% %s", reasons[i]);
		}
	for (int i = 0; i < FT_QUALITY_BLAMED && q->blamed[i].stacks; i++) {
		char module[sizeof(q->blamed[i].module)];

		memcpy(module, q->blamed[i].module, sizeof(module));
		fprintf(stderr, "%s %s (%" PRIu64 ")", i ? "," : ", in", ft_cli_printable(module),
			q->blamed[i].stacks);
	}
	fprintf(stderr, "; ");
}

void ft_summary_quality(const struct ft_profile *profile)
{
	const struct ft_quality *q = &profile->quality;

	fprintf(stderr, "quality: %" PRIu64 " %s; ", q->samples,
		profile->unit == FT_UNIT_SAMPLES ? "samples" : "stacks");
	if (q->user_stacks)
		print_ends(q);
	fprintf(stderr, "%.1f %% of frames without a symbol; ",
		percent(q->frames - q->frames_named, q->frames));
	print_losses(q);
	fprintf(stderr, "; cost: %.2f %% of a CPU in the kernel, %.2f %% beside it",
		percent(q->bpf_ns, q->duration_ns), percent(q->user_ns, q->duration_ns));
	if (q->probe_hits)
		fprintf(stderr, "; and the way into the kernel of %" PRIu64 " hits of probes",
			q->probe_hits);
	fputc('\n', stderr);
}

void ft_summary_print(const struct ft_profile *profile)
{
	if (profile->has_quality)
		fprintf(stderr, "%.1f s\n", (double)profile->quality.duration_ns / 1e9);
	print_top(profile);
	if (profile->has_quality)
		ft_summary_quality(profile);
}

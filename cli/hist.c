/*
 * hist.c - histograms of the durations of waits, by powers of two. See cli.h.
 *
 * A recording with histograms has the duration of each wait as its innermost frame, and why it
 * waited before that (profile/wait.h); weights are numbers of waits.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/cli.h"
#include "profile/wait.h"
#include "symbolizer/symbolizer.h"

#define BAR_COLUMNS 50

struct group {
	u32 name; /* string id */
	u64 waits[FT_WAIT_BUCKETS], all;
};

struct hist {
	const struct ft_profile *profile;
	u32 bucket_names[FT_WAIT_BUCKETS]; /* string ids */
	struct group *groups;
	size_t count, cap;
};

static const struct ft_frame *frame_of(const struct hist *h, u32 node)
{
	return &h->profile->frames[ft_tree_nodes(h->profile->tree)[node].key];
}

static int bucket_of(const struct hist *h, u32 name)
{
	for (int i = 0; i < FT_WAIT_BUCKETS; i++)
		if (h->bucket_names[i] == name)
			return i;
	return -1;
}

/* The name of the group that a stack belongs to; node is its duration's. */
static u32 group_name(const struct hist *h, u32 node, const char *by)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(h->profile->tree);
	u32 at = nodes[node].parent, state = FT_STR_NONE;

	for (; nodes[at].parent != FT_TREE_ROOT; at = nodes[at].parent) {
		const struct ft_frame *frame = frame_of(h, at);

		if (!strcmp(by, "frame") && frame->kind != FT_FRAME_NOTE)
			break;
		/* Notes on the wait itself stand between its state and its duration. */
		if (frame->kind == FT_FRAME_NOTE)
			state = frame->name;
		else if (!strcmp(by, "state"))
			break;
	}
	return !strcmp(by, "state") ? state : frame_of(h, at)->name;
}

static struct group *group_at(struct hist *h, u32 name)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->groups[i].name == name)
			return &h->groups[i];
	if (FT_GROW(&h->groups, &h->cap, h->count + 1))
		return NULL;
	h->groups[h->count].name = name;
	return &h->groups[h->count++];
}

static int collect(struct hist *h, const char *by)
{
	const struct ft_tree_node *nodes = ft_tree_nodes(h->profile->tree);

	for (u32 i = 1; i < ft_tree_count(h->profile->tree); i++) {
		int bucket = nodes[i].self ? bucket_of(h, frame_of(h, i)->name) : -1;
		struct group *group;

		if (bucket < 0)
			continue;
		group = group_at(h, group_name(h, i, by));
		if (!group)
			return -ENOMEM;
		group->waits[bucket] += nodes[i].self;
		group->all += nodes[i].self;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return x->all > y->all ? -1 : x->all < y->all;
}

/* "16 us": a power of two nanoseconds, in the largest unit that leaves a number above 0. */
static void print_bound(int bucket)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	u64 ns = bucket > 1 ? UINT64_C(1) << (bucket - 1) : (u64)bucket;
	u32 unit = 0;

	while (ns >= 1024 && unit < 3) {
		ns /= 1000;
		unit++;
	}
	printf("%8" PRIu64 " %-2s", ns, units[unit]);
}

static void print_group(const struct hist *h, const struct group *group)
{
	char *name = ft_strdup(ft_strtab_str(h->profile->strings, group->name));
	int first = FT_WAIT_BUCKETS, last = -1;
	u64 most = 1;

	for (int i = 0; i < FT_WAIT_BUCKETS; i++) {
		if (!group->waits[i])
			continue;
		first = i < first ? i : first;
		last = i;
		most = group->waits[i] > most ? group->waits[i] : most;
	}
	printf("%s: %" PRIu64 " waits\n   at least |%-*s count\n", ft_cli_printable(name),
	       group->all, BAR_COLUMNS, "--------------------------------------------------");
	for (int i = first; i <= last; i++) {
		int bar = (int)(group->waits[i] * BAR_COLUMNS / most);

		print_bound(i);
		printf(" |%.*s%*s %" PRIu64 "\n", bar,
		       "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@", BAR_COLUMNS - bar, "",
		       group->waits[i]);
	}
	printf("\n");
	free(name);
}

static void find_bucket_names(struct hist *h)
{
	for (u32 i = 0; i < FT_WAIT_BUCKETS; i++) {
		char name[40];

		ft_wait_bucket_name(i, name);
		h->bucket_names[i] = ft_strtab_add(h->profile->strings, name, strlen(name));
	}
}

int ft_finish_histogram(const struct ft_target *target, const char *by,
			struct ft_recording *recording)
{
	const struct ft_raw *raw = ft_recording_raw(recording);
	struct ft_symbolize_opts opts = {0};
	struct ft_profile *profile;
	struct ft_err err = {0};
	struct hist h = {0};
	int status = FT_EXIT_OK, code;

	if (!raw->quality.samples)
		return ft_finish_empty(target->record.mode, raw);
	code = ft_symbolize(raw, &opts, NULL, &profile, &err);
	if (code)
		return ft_cli_fail(FT_EXIT_FAILED, &err);
	h.profile = profile;
	find_bucket_names(&h);
	if (collect(&h, by)) {
		ft_err_set(&err, -ENOMEM, "out of memory");
		status = ft_cli_fail(FT_EXIT_FAILED, &err);
	} else {
		qsort(h.groups, h.count, sizeof(*h.groups), compare);
		for (size_t i = 0; i < h.count; i++)
			print_group(&h, &h.groups[i]);
		if (ft_quality_lost(&profile->quality))
			status = FT_EXIT_PARTIAL;
		ft_summary_quality(profile);
	}
	free(h.groups);
	ft_profile_free(profile);
	return status;
}

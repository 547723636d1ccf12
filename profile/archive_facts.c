/* archive_facts.c - what an archive holds beside stacks: facts and counters. See archive.h. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "profile/archive_private.h"

void ft_facts_fini(struct ft_facts *facts)
{
	for (u32 i = 0; i < facts->count; i++) {
		free(facts->list[i].name);
		free(facts->list[i].text);
	}
	facts->count = 0;
}

void ft_facts_set(struct ft_facts *facts, const char *name, const char *text)
{
	u32 i = 0;

	if (!text)
		return;
	while (i < facts->count && strcmp(facts->list[i].name, name))
		i++;
	if (i == FT_FACTS_MAX)
		return;
	if (i == facts->count) {
		facts->list[i].name = ft_strdup(name);
		facts->count++;
	} else {
		free(facts->list[i].text);
	}
	facts->list[i].text = ft_strdup(text);
}

const char *ft_facts_get(const struct ft_facts *facts, const char *name)
{
	for (u32 i = 0; i < facts->count; i++)
		if (!strcmp(facts->list[i].name, name))
			return facts->list[i].text;
	return NULL;
}

/* ---- counters ---- */

#define COUNTER(NAME, FIELD)                             \
	{                                                \
		NAME, offsetof(struct ft_quality, FIELD) \
	}

u64 *ft_archive_counter(struct ft_quality *q, u32 index, const char **name)
{
	static const struct {
		const char *name;
		size_t at;
	} counters[] = {
		COUNTER("samples", samples),
		COUNTER("user-stacks", user_stacks),
		COUNTER("end-root", ends[FT_END_ROOT]),
		COUNTER("end-depth", ends[FT_END_DEPTH]),
		COUNTER("end-no-table", ends[FT_END_NO_TABLE]),
		COUNTER("end-bad-rule", ends[FT_END_BAD_RULE]),
		COUNTER("end-fault", ends[FT_END_FAULT]),
		COUNTER("end-jit", ends[FT_END_JIT]),
		COUNTER("end-no-room", ends[FT_END_NO_ROOM]),
		COUNTER("end-not-ready", ends[FT_END_NOT_READY]),
		COUNTER("end-broken-fp", ends[FT_END_BROKEN_FP]),
		COUNTER("end-leaf-only", ends[FT_END_LEAF_ONLY]),
		COUNTER("frames", frames),
		COUNTER("frames-named", frames_named),
		COUNTER("lost-table-full", lost_table_full),
		COUNTER("lost-store-full", lost_store_full),
		COUNTER("lost-scratch", lost_scratch),
		COUNTER("lost-kernel", lost_kernel),
		COUNTER("lost-user", lost_user),
		COUNTER("lost-targets", lost_targets),
		COUNTER("lost-waits", lost_waits),
		COUNTER("lost-chains", lost_chains),
		COUNTER("lost-allocs", lost_allocs),
		COUNTER("lost-events", lost_events),
		COUNTER("throttled", throttled),
		COUNTER("switches", switches),
		COUNTER("probe-hits", probe_hits),
		COUNTER("bpf-ns", bpf_ns),
		COUNTER("user-ns", user_ns),
		COUNTER("duration-ns", duration_ns),
	};

	if (index >= FT_ARRAY_LEN(counters))
		return NULL;
	*name = counters[index].name;
	return (u64 *)(void *)((char *)q + counters[index].at);
}

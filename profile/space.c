/* space.c - see space.h. */
#include "profile/space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void ft_space_fini(struct ft_space *space)
{
	free(space->live);
	free(space->past);
	memset(space, 0, sizeof(*space));
}

/* Index of the first live mapping that ends above addr. */
static size_t first_above(const struct ft_space *space, u64 addr)
{
	size_t low = 0, high = space->live_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (space->live[mid].end > addr)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static int remember(struct ft_space *space, const struct ft_mapping *m, u64 start, u64 end,
		    u64 now_ns)
{
	struct ft_mapping *past;

	if (FT_GROW(&space->past, &space->past_cap, space->past_count + 1))
		return -ENOMEM;
	past = &space->past[space->past_count++];
	*past = *m;
	past->offset += start - m->start;
	past->start = start;
	past->end = end;
	past->until_ns = now_ns;
	return 0;
}

/*
 * Ends whatever lies in [start, end); leaves a gap for it at the returned index, or a negative
 * errno.
 */
static s64 carve(struct ft_space *space, u64 start, u64 end, u64 now_ns)
{
	size_t at = first_above(space, start), from = at;
	struct ft_mapping *live;

	if (FT_GROW(&space->live, &space->live_cap, space->live_count + 2))
		return -ENOMEM;
	live = space->live;
	for (; at < space->live_count && live[at].start < end; at++) {
		u64 cut_start = live[at].start > start ? live[at].start : start;
		u64 cut_end = live[at].end < end ? live[at].end : end;

		if (remember(space, &live[at], cut_start, cut_end, now_ns))
			return -ENOMEM;
	}
	if (at == from)
		return (s64)from;
	if (live[from].start < start && live[at - 1].end > end && at == from + 1) {
		/* The new one lies inside a single old one: split it. */
		memmove(&live[from + 1], &live[from], (space->live_count - from) * sizeof(*live));
		space->live_count++;
		at++;
	}
	if (live[at - 1].end > end) {
		at--;
		live[at].offset += end - live[at].start;
		live[at].start = end;
	}
	if (live[from].start < start && from < at) {
		live[from].end = start;
		from++;
	}
	memmove(&live[from], &live[at], (space->live_count - at) * sizeof(*live));
	space->live_count -= at - from;
	return (s64)from;
}

int ft_space_map(struct ft_space *space, u64 start, u64 end, u64 offset, u32 module, u64 now_ns)
{
	struct ft_mapping *m;
	s64 at;

	if (start >= end)
		return 0;
	m = (struct ft_mapping *)ft_space_find(space, start, now_ns);
	if (m && m->start == start && m->end == end && m->offset == offset && m->module == module &&
	    m->until_ns == UINT64_MAX)
		return 0; /* said twice: by /proc and by an event */
	at = carve(space, start, end, now_ns);
	if (at < 0)
		return (int)at;
	m = &space->live[at];
	memmove(m + 1, m, (space->live_count - (size_t)at) * sizeof(*m));
	*m = (struct ft_mapping){start, end, offset, now_ns, UINT64_MAX, module};
	space->version++;
	space->live_count++;
	return 0;
}

int ft_space_clear(struct ft_space *space, u64 now_ns)
{
	for (size_t i = 0; i < space->live_count; i++)
		if (remember(space, &space->live[i], space->live[i].start, space->live[i].end,
			     now_ns))
			return -ENOMEM;
	space->live_count = 0;
	space->dated = false;
	space->version++;
	return 0;
}

int ft_space_copy(struct ft_space *space, const struct ft_space *parent, u64 now_ns)
{
	if (FT_GROW(&space->live, &space->live_cap, parent->live_count))
		return -ENOMEM;
	space->live_count = parent->live_count;
	space->dated = parent->dated;
	space->version++;
	for (size_t i = 0; i < parent->live_count; i++) {
		space->live[i] = parent->live[i];
		space->live[i].since_ns = now_ns;
	}
	return 0;
}

const struct ft_mapping *ft_space_find(const struct ft_space *space, u64 addr, u64 when_ns)
{
	size_t at = first_above(space, addr);
	const struct ft_mapping *live = NULL, *other = NULL;

	if (at < space->live_count && space->live[at].start <= addr)
		live = &space->live[at];
	if (live && live->since_ns <= when_ns)
		return live;
	for (size_t i = space->past_count; i-- > 0;) {
		const struct ft_mapping *m = &space->past[i];

		if (addr < m->start || addr >= m->end)
			continue;
		if (m->since_ns <= when_ns && when_ns < m->until_ns)
			return m;
		if (!other)
			other = m;
	}
	return live ? live : other;
}

void ft_space_prune(struct ft_space *space, u64 when_ns)
{
	size_t gone = 0;

	while (gone < space->past_count && space->past[gone].until_ns < when_ns)
		gone++;
	if (!gone)
		return;
	memmove(space->past, space->past + gone, (space->past_count - gone) * sizeof(*space->past));
	space->past_count -= gone;
}

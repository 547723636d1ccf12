/*
 * profile.c - see profile.h.
 *
 * The index over frames is an open-addressing table of frame ids, at most 3/4 full; id 0 (the
 * root's, never looked up) marks a free slot.
 */
#include "profile/profile.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"

#define FRAME_SLOTS_MIN 256

static inline u32 frame_hash(const struct ft_frame *frame)
{
	u64 rest = (u64)frame->module << 16 | (u64)frame->kind << 1 | frame->inlined;

	return (u32)ft_hash_mix(frame->name, rest);
}

static inline bool frame_equal(const struct ft_frame *a, const struct ft_frame *b)
{
	return a->name == b->name && a->module == b->module && a->kind == b->kind &&
	       a->inlined == b->inlined;
}

static int frames_rehash(struct ft_profile *profile, u32 slots)
{
	u32 *fresh = ft_try_alloc(slots, sizeof(*fresh));

	if (!fresh)
		return -1;
	for (u32 id = 1; id < profile->frame_count; id++) {
		u32 at = frame_hash(&profile->frames[id]) & (slots - 1);

		while (fresh[at])
			at = (at + 1) & (slots - 1);
		fresh[at] = id;
	}
	free(profile->frame_slots);
	profile->frame_slots = fresh;
	profile->frame_mask = slots - 1;
	return 0;
}

struct ft_profile *ft_profile_new(void)
{
	struct ft_profile *profile = ft_try_alloc(1, sizeof(*profile));

	if (!profile)
		return NULL;
	profile->strings = ft_strtab_new();
	profile->tree = ft_tree_new();
	if (!profile->strings || !profile->tree || frames_rehash(profile, FRAME_SLOTS_MIN) ||
	    FT_GROW(&profile->frames, &profile->frame_cap, 64)) {
		ft_profile_free(profile);
		return NULL;
	}
	profile->frame_count = 1; /* the root's */
	return profile;
}

void ft_profile_free(struct ft_profile *profile)
{
	if (!profile)
		return;
	ft_strtab_free(profile->strings);
	ft_tree_free(profile->tree);
	ft_places_fini(&profile->places);
	ft_origins_fini(&profile->origins);
	ft_rounds_fini(&profile->rounds);
	free(profile->modules);
	free(profile->frames);
	free(profile->frame_slots);
	free(profile->title);
	free(profile);
}

u32 ft_profile_frame(struct ft_profile *profile, const struct ft_frame *frame)
{
	u32 hash = frame_hash(frame), at = hash & profile->frame_mask;

	for (; profile->frame_slots[at]; at = (at + 1) & profile->frame_mask) {
		if (frame_equal(&profile->frames[profile->frame_slots[at]], frame))
			return profile->frame_slots[at];
	}
	if (profile->frame_count >= UINT32_MAX / 2 ||
	    FT_GROW(&profile->frames, &profile->frame_cap, (size_t)profile->frame_count + 1))
		return UINT32_MAX;
	if ((u64)(profile->frame_count + 1) * 4 > ((u64)profile->frame_mask + 1) * 3) {
		if (frames_rehash(profile, (profile->frame_mask + 1) * 2))
			return UINT32_MAX;
		at = hash & profile->frame_mask;
		while (profile->frame_slots[at])
			at = (at + 1) & profile->frame_mask;
	}
	profile->frames[profile->frame_count] = *frame;
	profile->frame_slots[at] = profile->frame_count;
	return profile->frame_count++;
}

int ft_profile_module(struct ft_profile *profile, const struct ft_profile_module *module)
{
	if (FT_GROW_RAW(&profile->modules, &profile->module_cap, (size_t)profile->module_count + 1))
		return -ENOMEM;
	profile->modules[profile->module_count++] = *module;
	return 0;
}

const char *ft_unit_name(enum ft_unit unit, u64 count)
{
	switch (unit) {
	case FT_UNIT_SAMPLES:
		return count == 1 ? "sample" : "samples";
	case FT_UNIT_EVENTS:
		return count == 1 ? "event" : "events";
	case FT_UNIT_MICROSECONDS:
		return "us";
	case FT_UNIT_NANOSECONDS:
		return "ns";
	case FT_UNIT_BYTES:
		return count == 1 ? "byte" : "bytes";
	case FT_UNIT_UNITS:
		return count == 1 ? "unit" : "units";
	}
	return "";
}

/*
 * kept.h - the names of a raw profile's locations, as they were found where it was recorded.
 *
 * The symbolizer fills it once; an archive keeps it; whoever reads the archive needs neither the
 * files nor the kernel that ran.
 */
#ifndef FT_PROFILE_KEPT_H
#define FT_PROFILE_KEPT_H

#include "base/strtab.h"
#include "base/types.h"

/* A function at a location: the one that was called, or one that was inlined in it. */
struct ft_kept_frame {
	u32 name; /* string id */
	u32 file; /* string id; 0 where unknown */
	u32 line;
	u8 kind; /* enum ft_frame_kind */
};

struct ft_kept_place {
	struct ft_kept_frame function;
	u32 module; /* string id */
	u32 first;  /* index into calls: what was inlined here, outermost first */
	u16 calls;  /* how many they are */
	bool known; /* false: this location needs no name, or has none yet */
	bool named; /* by a symbol; false: name says where the code is */
};

struct ft_kept {
	struct ft_strtab *strings;
	struct ft_kept_place *places; /* by location */
	u32 count;
	size_t cap;
	struct ft_kept_frame *calls;
	u32 call_count;
	size_t call_cap;
};

struct ft_kept *ft_kept_new(void); /* NULL when memory is exhausted */
void ft_kept_free(struct ft_kept *kept);

/* Room for the places of that many locations, unknown at first. 0 or -ENOMEM. */
int ft_kept_reserve(struct ft_kept *kept, u32 count);

#endif

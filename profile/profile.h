/*
 * profile.h - the resolved profile: stacks of named frames with weights. What writers read, and
 * what readers of foreign formats and the symbolizer make.
 */
#ifndef FT_PROFILE_PROFILE_H
#define FT_PROFILE_PROFILE_H

#include "base/err.h"
#include "base/strtab.h"
#include "profile/origins.h"
#include "profile/places.h"
#include "profile/quality.h"
#include "profile/rounds.h"
#include "profile/tree.h"

enum ft_frame_kind {
	FT_FRAME_PROCESS, /* a process name, outermost */
	FT_FRAME_THREAD,  /* a thread name, below the process with --per-thread */
	FT_FRAME_USER,	  /* compiled code, C or unknown language */
	FT_FRAME_CXX,	  /* C++ (mangled name, or "::" in it) */
	FT_FRAME_RUST,
	FT_FRAME_KERNEL,
	FT_FRAME_JIT,	  /* code generated at run time */
	FT_FRAME_UNKNOWN, /* no symbol: "[module+0xoffset]", "[unknown]" */
	FT_FRAME_NOTE,	  /* no code: what a profile of waits says beside a stack (wait.h) */
	FT_FRAME_KIND_COUNT
};

struct ft_frame {
	u32 name;     /* string id; without annotation suffixes */
	u32 module;   /* string id of the file's base name or "[kernel]"; 0 where unknown */
	u8 kind;      /* enum ft_frame_kind */
	bool inlined; /* was expanded into its caller by the compiler */
};

#define FT_BUILD_ID_MAX 20

/*
 * A file that frames are of, and one of its executable parts: addresses from start to limit are the
 * file from offset on. As linked, or what a foreign format says. limit is 0 where that is not
 * known. A file with several such parts is there several times.
 */
struct ft_profile_module {
	u32 name; /* string id, as in frames */
	u32 path; /* string id */
	u8 build_id[FT_BUILD_ID_MAX];
	u8 build_id_len; /* 0: none */
	u64 start, limit, offset;
};

enum ft_unit {
	FT_UNIT_SAMPLES,
	FT_UNIT_EVENTS, /* each weight is one occurrence of an event */
	FT_UNIT_MICROSECONDS,
	FT_UNIT_NANOSECONDS,
	FT_UNIT_BYTES,
	FT_UNIT_UNITS, /* of whatever a tracepoint's field counts */
};

struct ft_profile {
	struct ft_strtab *strings;
	struct ft_frame
		*frames; /* a tree key is an index into this; index 0 is the root's, unused */
	u32 frame_count;
	size_t frame_cap;
	struct ft_tree *tree;
	struct ft_places places; /* in source files, of the tree's nodes */
	struct ft_origins origins; /* addresses and process ids of the same, where known */
	enum ft_unit unit;
	char *title;	  /* one line of UTF-8 for the head of a picture, or NULL; heap, owned */
	bool has_quality; /* false for a profile that was read from a foreign format */
	struct ft_quality quality;
	struct ft_profile_module
		*modules; /* what is known of files; the first of a name counts, but for
					     its parts */
	u32 module_count;
	size_t module_cap;
	struct ft_rounds rounds; /* empty, or when the weights came (of a recorded timeline) */

	/* Index over frames for ft_profile_frame. Private to profile.c. */
	u32 *frame_slots;
	u32 frame_mask;
};

struct ft_profile *ft_profile_new(void); /* NULL when memory is exhausted */
void ft_profile_free(struct ft_profile *profile);

/* The id of an equal frame, added if it is new. UINT32_MAX when memory is exhausted. */
u32 ft_profile_frame(struct ft_profile *profile, const struct ft_frame *frame);

/* Notes what is known of a file. 0 or -ENOMEM. */
int ft_profile_module(struct ft_profile *profile, const struct ft_profile_module *module);

/* The word for one or many of the unit: "sample"/"samples", "us", "bytes". */
const char *ft_unit_name(enum ft_unit unit, u64 count);

#endif

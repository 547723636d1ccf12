/*
 * dwarf_place.h - where a variable is: in memory, in a register, nowhere. Private to this folder.
 *
 * From a location in debug information and the state of a stopped thread. DWARF 5, sections 2.5 and
 * 2.6. Expressions come from files that nobody vouches for: steps and depths are bounded.
 */
#ifndef FT_SYMBOLIZER_DWARF_PLACE_H
#define FT_SYMBOLIZER_DWARF_PLACE_H

#include <elfutils/libdw.h>

#include "symbolizer/symbolizer.h"

enum dwarf_place_kind {
	DWARF_PLACE_NOWHERE,  /* the compiler has optimized it out */
	DWARF_PLACE_UNKNOWN,  /* an expression that is not understood */
	DWARF_PLACE_UNSAVED,  /* in a register that is not known in this frame */
	DWARF_PLACE_MEMORY,   /* number: its address */
	DWARF_PLACE_REGISTER, /* number: its DWARF number */
	DWARF_PLACE_VALUE,    /* number: the value itself */
	DWARF_PLACE_BYTES,    /* bytes: the value itself; borrowed from debug information */
};

struct dwarf_part {
	enum dwarf_place_kind kind;
	u64 number;
	const u8 *bytes;
	u64 size; /* of this part of the variable; UINT64_MAX: all of it */
};

#define DWARF_PARTS_MAX 16

struct dwarf_place {
	struct dwarf_part parts[DWARF_PARTS_MAX];
	u32 count;
};

/* A function in a frame. */
struct dwarf_frame {
	const struct ft_machine *machine;
	Dwarf_Die function; /* not inlined: has the frame base */
	u64 addr;	    /* as linked */
	bool in_frame_base; /* which is being computed, and must not ask for itself */
};

/* Where an attribute DW_AT_location, or one like it, says that something is. */
void dwarf_place_find(struct dwarf_frame *frame, Dwarf_Attribute *attr, struct dwarf_place *place);

/*
 * Reads bytes of a variable from an offset on. Returns DWARF_PLACE_MEMORY when they were read, else
 * what stands in the way; *bad is then the address that cannot be read, or 0.
 */
enum dwarf_place_kind dwarf_place_read(const struct dwarf_place *place,
				       const struct ft_machine *machine, u64 offset, void *out,
				       size_t bytes, u64 *bad);

#endif

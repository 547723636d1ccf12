/* unwind_state.h - the registers of a stack walk; see unwind.h. */
#ifndef FT_SAMPLER_UNWIND_STATE_H
#define FT_SAMPLER_UNWIND_STATE_H

#include "sampler/abi.h"

/* The walk so far. */
struct ft_unwind {
	u64 pc, sp, fp, bx;
	u64 leaf[16]; /* all registers of the first frame */
	u8 is_leaf;   /* this is the first frame: leaf holds */
	u8 exact;     /* pc is the instruction itself, not a return address */
};

#endif

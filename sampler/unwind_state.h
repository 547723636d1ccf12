/* unwind_state.h - the registers of a stack walk; see unwind.h. */
#ifndef FT_SAMPLER_UNWIND_STATE_H
#define FT_SAMPLER_UNWIND_STATE_H

#include "sampler/abi.h"

/*
 * The walk so far. Most frames' fp and bx are never asked for, so the walk notes where they were
 * saved and reads them when a rule wants them (unwind_fp_now, unwind_bx_now).
 */
struct ft_unwind {
	u64 pc, sp;
	u64 fp, bx;	  /* valid while fp_at, bx_at is 0 */
	u64 fp_at, bx_at; /* address of the saved register, not read yet */
	u8 is_leaf;	  /* this is the first frame: leaf holds */
	u8 exact;	  /* pc is the instruction itself, not a return address */
	u64 leaf[16];	  /* all registers of the first frame */
};

#endif

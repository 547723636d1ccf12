/*
 * stack_call.h - how a program that is made at run time asks the sampler's programs for a stack:
 * the map "requests" (sampler/bpf/script.bpf.h). Compiled on both sides.
 */
#ifndef FT_PROFILE_STACK_CALL_H
#define FT_PROFILE_STACK_CALL_H

#include "base/types.h"

#define FT_STACK_CALL_LEVELS 4 /* programs that interrupt each other */
#define FT_STACK_CALLS_MAX 256 /* programs to go on at, with the sampler's own as number 0 */

/* Which frames. */
#define FT_STACK_KERNEL 1
#define FT_STACK_USER 2

struct ft_stack_call {
	u64 kinds;
	u64 next;   /* program to go on at */
	u64 number; /* the answer; 0: there is no such stack, or it was lost */
	u64 owner;  /* at places in user space: the thread that asks; 0: nobody */
};

/* Of one CPU. */
struct ft_stack_calls {
	u64 current; /* level; whoever interrupts puts it back */
	struct ft_stack_call levels[FT_STACK_CALL_LEVELS];
};

#endif

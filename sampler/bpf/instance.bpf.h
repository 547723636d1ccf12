/*
 * instance.bpf.h - return probes that are under way.
 *
 * Where a function has one, the kernel has put an address of its own in the place of the return
 * address, and keeps the real one in a list at the task (struct return_instance): innermost call
 * first, each with the address of the place on the stack. Several of one place are calls that end
 * in a jump to another probed function; the last of them has the real address.
 */
#ifndef FT_SAMPLER_INSTANCE_BPF_H
#define FT_SAMPLER_INSTANCE_BPF_H

#include "sampler/bpf/kernel.bpf.h"

#define INSTANCES_MAX 64 /* of a thread; as many as the kernel keeps */

static __always_inline u64 first_instance(void)
{
	u64 utask = FT_KREAD(u64, bpf_get_current_task(), config.task_utask);

	return utask ? FT_KREAD(u64, utask, config.utask_instances) : 0;
}

struct instance_loop {
	u64 at;	   /* the instance at hand */
	u64 place; /* on the stack */
	u64 found; /* the return address that was there; 0: none */
};

static long instance_find(u32 i __attribute__((unused)), struct instance_loop *loop)
{
	if (!loop->at)
		return 1;
	if (FT_KREAD(u64, loop->at, config.instance_stack) == loop->place)
		loop->found = FT_KREAD(u64, loop->at, config.instance_return);
	else if (loop->found)
		return 1;
	loop->at = FT_KREAD(u64, loop->at, config.instance_next);
	return 0;
}

/* The return address that belongs to a place on the stack, or 0. */
static __always_inline u64 instance_return(u64 place)
{
	struct instance_loop loop = {.place = place};

	if (!config.task_utask)
		return 0;
	loop.at = first_instance();
	if (loop.at)
		bpf_loop(INSTANCES_MAX, instance_find, &loop, 0);
	return loop.found;
}

#endif

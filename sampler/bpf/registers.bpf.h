/*
 * registers.bpf.h - the user registers of the current task, as they were at the entry to the
 * kernel.
 */
#ifndef FT_SAMPLER_REGISTERS_BPF_H
#define FT_SAMPLER_REGISTERS_BPF_H

#include "sampler/bpf/kernel.bpf.h"
#include "sampler/bpf/scratch.bpf.h"

#ifdef __TARGET_ARCH_x86
/*
 * Words of struct pt_regs: r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig rip cs
 * flags rsp ss
 */
static __always_inline bool take_registers(struct walk *walk, struct task_struct *task)
{
	const volatile u64 *regs = (const volatile u64 *)bpf_task_pt_regs(task);

	walk->u.pc = regs[16];
	walk->u.sp = regs[19];
	walk->u.fp = regs[4];
	walk->u.bx = regs[5];
	return walk->u.sp != 0;
}

/* All registers of the first frame; few walks need them. */
__noinline int ft_take_leaf(struct walk *walk)
{
	static const u8 by_dwarf_number[16] = {10, 12, 11, 5, 13, 14, 4, 19,
					       9,  8,  7,  6, 3,  2,  1, 0};
	const volatile u64 *regs =
		(const volatile u64 *)bpf_task_pt_regs(bpf_get_current_task_btf());

	if (!walk)
		return 0;
#pragma unroll
	for (u32 i = 0; i < 16; i++)
		walk->u.leaf[i] = regs[by_dwarf_number[i]];
	return 0;
}
#else
#define PT_REGS_WORDS 33 /* aarch64: x0..x30 sp pc */

/* Walked by frame records alone (programs.c sees to that), which look like x86-64's frames. */
static __always_inline bool take_registers(struct walk *walk, struct task_struct *task)
{
	u64 regs[PT_REGS_WORDS];

	if (bpf_probe_read_kernel(regs, sizeof(regs), (const void *)bpf_task_pt_regs(task)))
		return false;
	walk->u.fp = regs[29];
	walk->u.sp = regs[31];
	walk->u.pc = regs[32];
	walk->u.bx = 0;
	return true;
}

/* Frame records need no other registers. */
static __always_inline int ft_take_leaf(struct walk *walk)
{
	return !walk;
}
#endif

/* Registers at the entry to the kernel. False: the task has no user side. */
static __always_inline bool read_registers(struct walk *walk)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (!FT_KREAD(u64, task, config.task_mm) ||
	    FT_TASK(u32, task, config.task_flags) & TASK_NO_USER_SIDE)
		return false;
	if (!take_registers(walk, task)) {
		count(&counters.lost_user);
		return false;
	}
	walk->leaf_pc = walk->u.pc;
	walk->leaf_sp = walk->u.sp;
	walk->u.fp_at = 0;
	walk->u.bx_at = 0;
	walk->u.is_leaf = 1;
	walk->u.exact = 1;
	return true;
}

#endif

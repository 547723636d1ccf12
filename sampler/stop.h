/*
 * stop.h - the registers and the stack of a thread, at the price of a short stop.
 */
#ifndef FT_SAMPLER_STOP_H
#define FT_SAMPLER_STOP_H

#include "sampler/sampler.h"

#define FT_STOP_STACK_BYTES (512u * 1024) /* what is copied of a stack at most */

struct ft_stop; /* holds the buffer that stacks are copied to while a thread is stopped */

struct ft_stop *ft_stop_new(u32 pid); /* NULL when memory is exhausted */
void ft_stop_free(struct ft_stop *stop);

/*
 * Fills in a thread of a process: its first frame (pc and registers, none if the thread runs and
 * does not stop), the copy of its stack, stopped_ns, kernel, untouched. tid and state are set. To
 * be called by a thread of its own that ends when all is done (a thread that was asked to stop and
 * did not is let go then), with SIGCHLD blocked in all threads of ours. Errors: -ESRCH (it has
 * ended), -EPERM (not permitted), -ENOTSUP (a 32-bit one), -ENOMEM.
 */
int ft_stop_copy(struct ft_stop *stop, u32 pid, struct ft_backtrace_thread *thread);

/* The registers in a struct user_regs_struct, as the first frame of a stack. */
struct user_regs_struct;
/* Vector registers in what NT_PRFPREG is, of so many bytes: of ptrace, or in a core file. */
void ft_stop_vectors(const void *regs, size_t bytes, struct ft_backtrace_thread *thread);

void ft_stop_regs(const struct user_regs_struct *regs, struct ft_backtrace_frame *frame);

#endif

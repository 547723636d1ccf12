/*
 * kernel.h - the part of a running script that is in the kernel: maps, programs, what they are
 * attached to, and the records that they send.
 */
#ifndef FT_SCRIPTLANG_KERNEL_H
#define FT_SCRIPTLANG_KERNEL_H

#include "base/err.h"
#include "scriptlang/kernel/abi.h"
#include "scriptlang/runtime/interp.h"
#include "scriptlang/runtime/stacks.h"

struct ft_kernel;

struct ft_kernel_opts {
	u32 target_pid;
	struct ft_limits limits;
	struct ft_out *log;	 /* what the verifier says goes here; NULL: nowhere */
	struct ft_out *messages; /* what there is to warn of; borrowed */
	/* Called while probes in programs are attached one by one; false: no more. May be NULL. */
	bool (*attaching)(void *context, u32 done, u32 count);
	void *context;
};

/*
 * Makes maps and programs of the handlers that fire in the kernel, loads and attaches them; they do
 * nothing before ft_kernel_start. Variables of x that they use are kept in maps from then on. NULL
 * if there are no such handlers. 0, -EINVAL when diagnostics were added, or what err says.
 */
int ft_kernel_open(struct ft_compile *compile, const struct ft_ir_program *program,
		   struct ft_interp *x, const struct ft_kernel_opts *opts,
		   struct ft_kernel **kernel, struct ft_err *err);

/* Lets handlers run, or not any more; and what they say themselves. */
void ft_kernel_set_phase(struct ft_kernel *kernel, enum ft_session_phase phase);
enum ft_session_phase ft_kernel_phase(const struct ft_kernel *kernel);

/* Runs a handler that user space fires. 0 or a negative errno. */
int ft_kernel_fire(struct ft_kernel *kernel, const struct ft_ir *ir);

/* Readable when the kernel wants to be heard at once. */
int ft_kernel_fd(const struct ft_kernel *kernel);

/* A record: values of registers by number, and of what was found out beforehand. Borrowed. */
struct ft_record {
	const struct ft_ir_site *site;
	struct ft_value *regs; /* of site->ir; for an operation of output: its arguments alone */
	const struct ft_value *hoisted; /* by number */
	u32 failed;			/* number of the operation that had failed */
};

/*
 * Takes the records there are, for budget_ns at most (0: all of them): where more come than can be
 * taken, somebody has to look at the time. 0 or -ENOMEM.
 */
int ft_kernel_consume(struct ft_kernel *kernel, u64 budget_ns,
		      void (*take)(void *context, const struct ft_record *record), void *context);

/* Detaches everything; variables stay. */
void ft_kernel_detach(struct ft_kernel *kernel);

/* The stacks of the script; NULL: it asks for none. */
struct ft_stacks *ft_kernel_stacks(const struct ft_kernel *kernel);

/* Runs that were skipped, and records that were lost, so far. */
u64 ft_kernel_skipped(const struct ft_kernel *kernel);
u64 ft_kernel_lost(const struct ft_kernel *kernel);

/* Accepts NULL. The variables of x must not be used any more. */
void ft_kernel_close(struct ft_kernel *kernel);

#endif

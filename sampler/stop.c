/*
 * stop.c - see stop.h.
 *
 * PTRACE_SEIZE and PTRACE_INTERRUPT stop a thread without a signal: a stopped process stays
 * stopped, and a signal on its way is handed on. Of a thread in uninterruptible sleep, or one that
 * another debugger holds, /proc/TID/syscall tells the stack pointer and the pc without touching it.
 * ptrace(2), proc(5).
 */
#include "sampler/stop.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"

#define RED_ZONE 128			   /* bytes below the stack pointer that a leaf may use */
#define STACK_BYTES_UNKNOWN 65536	   /* is copied of a stack whose mapping is new */
#define PATIENCE_NS 1000000000		   /* waits for a stop: a busy machine */
#define KERNEL_STACK_BYTES_MAX (16u << 10) /* of /proc/TID/stack */

#if defined(__x86_64__)
#define REG_SP 7
#elif defined(__aarch64__)
#define REG_SP 31
#else
#error "which registers does a thread have on this machine?"
#endif

/* A mapping, of any kind. */
struct region {
	u64 start, end;
};

struct ft_stop {
	u8 buffer[FT_STOP_STACK_BYTES];
	size_t filled;
	struct region *regions; /* sorted */
	size_t region_cap, region_count;
};

static int region_add(void *context, const struct ft_proc_map *map)
{
	struct ft_stop *stop = context;

	if (FT_GROW_RAW(&stop->regions, &stop->region_cap, stop->region_count + 1))
		return -ENOMEM;
	stop->regions[stop->region_count++] = (struct region){map->start, map->end};
	return 0;
}

struct ft_stop *ft_stop_new(u32 pid)
{
	struct ft_stop *stop = ft_try_alloc(1, sizeof(*stop));

	if (!stop)
		return NULL;
	memset(stop->buffer, 1, sizeof(stop->buffer)); /* faults happen now */
	if (ft_proc_maps(pid, region_add, stop) == -ENOMEM) {
		ft_stop_free(stop);
		return NULL;
	}
	return stop;
}

void ft_stop_free(struct ft_stop *stop)
{
	if (stop)
		free(stop->regions);
	free(stop);
}

/* How much of the stack there is from an address on. */
static size_t stack_bytes(const struct ft_stop *stop, u64 from, u64 sp)
{
	size_t low = 0, high = stop->region_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (sp >= stop->regions[middle].end)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == stop->region_count || sp < stop->regions[low].start)
		return STACK_BYTES_UNKNOWN;
	return stop->regions[low].end - from < sizeof(stop->buffer) ? stop->regions[low].end - from
								    : sizeof(stop->buffer);
}

static void set_reg(struct ft_backtrace_frame *frame, u32 reg, u64 value)
{
	frame->regs[reg] = value;
	frame->known |= 1ull << reg;
}

#if defined(__x86_64__)
void ft_stop_regs(const struct user_regs_struct *r, struct ft_backtrace_frame *frame)
{
	/* System V ABI, AMD64 supplement, figure 3.36. */
	const u64 by_number[] = {r->rax, r->rdx, r->rcx, r->rbx, r->rsi, r->rdi,
				 r->rbp, r->rsp, r->r8,	 r->r9,	 r->r10, r->r11,
				 r->r12, r->r13, r->r14, r->r15, r->rip};

	for (u32 i = 0; i < FT_ARRAY_LEN(by_number); i++)
		set_reg(frame, i, by_number[i]);
	frame->pc = frame->addr = r->rip;
}

void ft_stop_vectors(const void *regs, size_t bytes, struct ft_backtrace_thread *thread)
{
	size_t at = offsetof(struct user_fpregs_struct, xmm_space);

	_Static_assert(sizeof(((struct user_fpregs_struct *)NULL)->xmm_space) ==
			       sizeof(thread->vectors),
		       "as in the structure");
	if (bytes < at + sizeof(thread->vectors))
		return;
	memcpy(thread->vectors, (const u8 *)regs + at, sizeof(thread->vectors));
	thread->has_vectors = true;
}
#else
void ft_stop_vectors(const void *regs, size_t bytes, struct ft_backtrace_thread *thread)
{
	(void)regs;
	(void)bytes;
	(void)thread;
}

void ft_stop_regs(const struct user_regs_struct *r, struct ft_backtrace_frame *frame)
{
	for (u32 i = 0; i < 31; i++)
		set_reg(frame, i, r->regs[i]);
	set_reg(frame, 31, r->sp);
	set_reg(frame, 32, r->pc);
	frame->pc = frame->addr = r->pc;
}
#endif

static void copy_stack(struct ft_stop *stop, u32 tid, u64 sp)
{
	u64 from = sp > RED_ZONE ? sp - RED_ZONE : 0;
	size_t bytes = stack_bytes(stop, from, sp);
	struct iovec here = {stop->buffer, bytes};
	struct iovec there = {(void *)(uintptr_t)from, bytes};
	ssize_t n = process_vm_readv((pid_t)tid, &here, 1, &there, 1, 0);

	stop->filled = n > 0 ? (size_t)n : 0;
}

/* Waits until the thread has stopped. 0, -ESRCH (it has ended), -ETIME; *status as of waitpid. */
static int wait_stop(u32 tid, u64 since_ns, int *status)
{
	const struct timespec nap = {.tv_nsec = 10000000};
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	for (;;) {
		pid_t got = waitpid((pid_t)tid, status, __WALL | WNOHANG);

		if (got < 0 || (got > 0 && !WIFSTOPPED(*status)))
			return -ESRCH;
		if (got > 0)
			return 0;
		if (ft_clock_ns(CLOCK_MONOTONIC) - since_ns > PATIENCE_NS)
			return -ETIME;
		sigtimedwait(&child, NULL, &nap);
	}
}

/* Between the stop and letting go nothing happens but these copies. */
static int copy_stopped(struct ft_stop *stop, u32 tid, struct ft_backtrace_frame *frame,
			struct ft_backtrace_thread *thread)
{
	struct user_regs_struct regs;
	u8 vectors[1024];
	struct iovec io = {&regs, sizeof(regs)}, other = {vectors, sizeof(vectors)};

	if (ptrace(PTRACE_GETREGSET, (pid_t)tid, NT_PRSTATUS, &io))
		return -errno;
	if (io.iov_len != sizeof(regs))
		return -ENOTSUP;
	ft_stop_regs(&regs, frame);
	copy_stack(stop, tid, frame->regs[REG_SP]);
	if (!ptrace(PTRACE_GETREGSET, (pid_t)tid, NT_PRFPREG, &other))
		ft_stop_vectors(vectors, other.iov_len, thread);
	return 0;
}

static int by_ptrace(struct ft_stop *stop, struct ft_backtrace_thread *thread,
		     struct ft_backtrace_frame *frame)
{
	u32 tid = thread->tid;
	int code, status = 0, signal;
	u64 since;

	if (ptrace(PTRACE_SEIZE, (pid_t)tid, NULL, NULL))
		return -errno;
	since = ft_clock_ns(CLOCK_MONOTONIC);
	if (ptrace(PTRACE_INTERRUPT, (pid_t)tid, NULL, NULL))
		return -errno;
	code = wait_stop(tid, since, &status);
	if (code)
		return code;
	since = ft_clock_ns(CLOCK_MONOTONIC);
	code = copy_stopped(stop, tid, frame, thread);
	/* Not our stop but a signal that came first: it is delivered. */
	signal = status >> 16 ? 0 : WSTOPSIG(status);
	ptrace(PTRACE_DETACH, (pid_t)tid, NULL, (void *)(intptr_t)signal);
	thread->stopped_ns = ft_clock_ns(CLOCK_MONOTONIC) - since;
	return code;
}

/* "NR ARG*6 SP PC", "-1 SP PC" where blocked outside a call, "running". */
static int by_procfs(struct ft_stop *stop, u32 pid, u32 tid, struct ft_backtrace_frame *frame)
{
	char path[64], *text, *words[9], *rest;
	u32 count = 0;
	size_t len;
	u64 sp, pc;
	int code;

	snprintf(path, sizeof(path), "/proc/%u/task/%u/syscall", pid, tid);
	code = ft_file_read(path, 4096, &text, &len);
	if (code)
		return code == -ENOENT ? -ESRCH : code;
	for (char *word = strtok_r(text, " \n", &rest); word && count < FT_ARRAY_LEN(words);
	     word = strtok_r(NULL, " \n", &rest))
		words[count++] = word;
	if (count < 3) {
		free(text);
		return -EAGAIN; /* it runs */
	}
	sp = strtoull(words[count - 2], NULL, 16);
	pc = strtoull(words[count - 1], NULL, 16);
	free(text);
	if (!pc)
		return -ENODATA; /* a thread of the kernel, or one that ends */
	copy_stack(stop, tid, sp);
	frame->pc = frame->addr = pc;
	set_reg(frame, REG_SP, sp);
	set_reg(frame, REG_SP == 7 ? 16 : 32, pc);
	return 0;
}

/* "[<0>] do_nanosleep+0x72/0x130": the functions, one a line. Needs root; else there is none. */
static char *kernel_stack(u32 pid, u32 tid)
{
	char path[64], *text, *to;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%u/task/%u/stack", pid, tid);
	if (ft_file_read(path, KERNEL_STACK_BYTES_MAX, &text, &len))
		return NULL;
	to = text;
	for (char *at = text, *end; *at; at = end) {
		char *name = strchr(at, ' ');
		size_t bytes;

		end = strchrnul(at, '\n');
		end += *end == '\n';
		if (!name || name > end)
			continue;
		bytes = strcspn(++name, "+\n");
		memmove(to, name, bytes);
		to += bytes;
		*to++ = '\n';
	}
	*to = '\0';
	if (to != text)
		return text;
	free(text);
	return NULL;
}

int ft_stop_copy(struct ft_stop *stop, u32 pid, struct ft_backtrace_thread *thread)
{
	struct ft_backtrace_frame frame = {0};
	bool reach = thread->state != 'D' && thread->state != 't' && thread->state != 'Z';
	int code = -EPERM;

	stop->filled = 0;
	if (thread->state == 'Z')
		return 0;
	if (thread->state != 'R')
		thread->kernel = kernel_stack(pid, thread->tid);
	if (reach)
		code = by_ptrace(stop, thread, &frame);
	if (code == -ETIME || code == -EPERM) {
		int first = code;

		thread->untouched = true;
		code = by_procfs(stop, pid, thread->tid, &frame);
		if (code == -EAGAIN)
			code = first == -ETIME ? 0 : first;
	}
	if (code == -ENODATA)
		return 0;
	if (code || !frame.known)
		return code;
	if (FT_GROW(&thread->frames, &thread->frame_cap, 1))
		return -ENOMEM;
	thread->frames[0] = frame;
	thread->frame_count = 1;
	thread->stack = ft_try_alloc(1, stop->filled + 1);
	if (!thread->stack)
		return -ENOMEM;
	memcpy(thread->stack, stop->buffer, stop->filled);
	thread->stack_bytes = stop->filled;
	thread->stack_at = frame.regs[REG_SP] > RED_ZONE ? frame.regs[REG_SP] - RED_ZONE : 0;
	return 0;
}

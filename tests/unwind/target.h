/*
 * target.h - a program that a test starts, lets run, and stops where it wants to look (ptrace(2)).
 *
 * One thread is stopped at a time; the others run on. The program has a process group of its own
 * and ends with the test.
 */
#ifndef FT_TESTS_UNWIND_TARGET_H
#define FT_TESTS_UNWIND_TARGET_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sampler/abi.h"
#include "sampler/wire.h"

#define TARGET_THREADS_MAX 64

struct target {
	pid_t pid;
	pid_t threads[TARGET_THREADS_MAX];
	u32 thread_count;
	u64 thread_entry; /* where the last thread that was born continued: in clone, or clone3 */
	bool ended;
};

static inline u64 target_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}

static inline void target_forget(struct target *t, pid_t tid)
{
	for (u32 i = 0; i < t->thread_count; i++)
		if (t->threads[i] == tid)
			t->threads[i] = t->threads[--t->thread_count];
	if (tid == t->pid)
		t->ended = true;
}

/* A thread reports for the first time before its first instruction in user space. */
static inline void target_note(struct target *t, pid_t tid)
{
	struct user_regs_struct r;

	for (u32 i = 0; i < t->thread_count; i++)
		if (t->threads[i] == tid)
			return;
	if (ptrace(PTRACE_GETREGS, tid, 0, &r) == 0)
		t->thread_entry = r.rip;
	if (t->thread_count < TARGET_THREADS_MAX)
		t->threads[t->thread_count++] = tid;
}

/*
 * Takes one report of waitpid. True when the thread stands still because it was interrupted; all
 * other stops are ended here.
 */
static inline bool target_event(struct target *t, pid_t tid, int status)
{
	int event, signal;

	if (!WIFSTOPPED(status)) {
		target_forget(t, tid);
		return false;
	}
	event = status >> 16;
	signal = WSTOPSIG(status);
	target_note(t, tid);
	if (event == PTRACE_EVENT_STOP && signal == SIGTRAP)
		return true;
	ptrace(PTRACE_CONT, tid, 0, event ? 0 : signal);
	return false;
}

static inline void target_resume(pid_t tid)
{
	ptrace(PTRACE_CONT, tid, 0, 0);
}

/* Lets all threads run. False when the program has ended. */
static inline bool target_run(struct target *t, u64 microseconds)
{
	u64 until_ns = target_now_ns() + microseconds * 1000;
	int status;

	do {
		pid_t tid = waitpid(-1, &status, __WALL | WNOHANG);

		if (tid > 0 && target_event(t, tid, status))
			target_resume(tid); /* a new thread */
		if (tid == 0)
			usleep(50);
		if (tid < 0)
			t->ended = true;
	} while (!t->ended && target_now_ns() < until_ns);
	return !t->ended;
}

/* Stops one thread. False when it has ended. */
static inline bool target_stop(struct target *t, pid_t tid)
{
	int status;

	if (ptrace(PTRACE_INTERRUPT, tid, 0, 0)) {
		target_forget(t, tid);
		return false;
	}
	while (!t->ended) {
		pid_t which = waitpid(-1, &status, __WALL);
		bool interrupted;

		if (which < 0)
			t->ended = true;
		interrupted = which > 0 && target_event(t, which, status);
		if (which == tid && interrupted)
			return true;
		if (interrupted)
			target_resume(which);
		if (which == tid && !WIFSTOPPED(status))
			return false;
		/* A stop for another reason at the same time takes the interruption's place. */
		if (which == tid)
			ptrace(PTRACE_INTERRUPT, tid, 0, 0);
	}
	return false;
}

/* Lets a stopped thread execute one instruction. False when it ended. */
static inline bool target_step(struct target *t, pid_t tid)
{
	int status, signal = 0;

	do {
		if (ptrace(PTRACE_SINGLESTEP, tid, 0, signal) || waitpid(tid, &status, __WALL) < 0)
			return false;
		if (!WIFSTOPPED(status)) {
			target_forget(t, tid);
			return false;
		}
		signal = status >> 16 ? 0 : WSTOPSIG(status);
	} while (signal != SIGTRAP && status >> 16 == 0);
	return true;
}

/* In the child: waits until it is traced, and becomes the program. */
static inline void __attribute__((noreturn)) target_exec(int go, char **argv)
{
	int null = open("/dev/null", O_RDWR);
	char byte;

	setpgid(0, 0);
	if (read(go, &byte, 1) != 1)
		_exit(126);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execvp(argv[0], argv);
	_exit(127);
}

/* Starts a program, and stops it before its first instruction. */
static inline bool target_start(struct target *t, char **argv)
{
	int go[2], status;

	memset(t, 0, sizeof(*t));
	if (pipe2(go, O_CLOEXEC))
		return false;
	t->pid = fork();
	if (t->pid == 0)
		target_exec(go[0], argv);
	close(go[0]);
	if (t->pid < 0 || ptrace(PTRACE_SEIZE, t->pid, 0,
				 PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)) {
		close(go[1]);
		return false;
	}
	t->threads[t->thread_count++] = t->pid;
	if (write(go[1], "", 1) != 1)
		abort();
	close(go[1]);
	while (waitpid(t->pid, &status, __WALL) == t->pid && WIFSTOPPED(status)) {
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8))
			return true;
		ptrace(PTRACE_CONT, t->pid, 0, status >> 16 ? 0 : WSTOPSIG(status));
	}
	return false;
}

static inline void target_end(struct target *t)
{
	if (t->pid <= 0)
		return;
	kill(-t->pid, SIGKILL);
	kill(t->pid, SIGKILL);
	while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR)
		;
	t->ended = true;
}

static inline bool target_read(pid_t pid, u64 addr, void *data, size_t bytes)
{
	struct iovec to = {data, bytes}, from = {(void *)addr, bytes};

	return process_vm_readv(pid, &to, 1, &from, 1, 0) == (ssize_t)bytes;
}

/* Registers of a stopped thread, by DWARF number. */
static inline bool target_registers(pid_t tid, u64 regs[16], u64 *pc)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, tid, 0, &r))
		return false;
	memcpy(regs,
	       (u64[]){r.rax, r.rdx, r.rcx, r.rbx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8, r.r9, r.r10,
		       r.r11, r.r12, r.r13, r.r14, r.r15},
	       16 * sizeof(u64));
	*pc = r.rip;
	return true;
}

/* What the kernel side would send to user space of a stopped thread, its identity aside. */
static inline bool target_capture(pid_t tid, struct ft_wire_capture *capture)
{
	u64 from;

	memset(capture, 0, sizeof(*capture));
	if (!target_registers(tid, capture->regs, &capture->pc))
		return false;
	from = FT_WIRE_CAPTURE_FROM(capture->regs[FT_CFI_X86_SP]);
	capture->record.first_ns = target_now_ns();
	while (capture->stack_bytes < FT_WIRE_CAPTURE_BYTES &&
	       target_read(tid, from + capture->stack_bytes, capture->stack + capture->stack_bytes,
			   FT_WIRE_CAPTURE_PIECE))
		capture->stack_bytes += FT_WIRE_CAPTURE_PIECE;
	capture->cut = capture->stack_bytes == FT_WIRE_CAPTURE_BYTES;
	return true;
}

#endif

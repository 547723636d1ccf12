/*
 * backtrace.c - one backtrace of every thread of a process (sampler.h).
 *
 * Threads are listed until no new ones appear. All are copied first, one after the other, by a
 * thread of ours that ends then: whatever was not let go (a thread that fell into uninterruptible
 * sleep just when it was asked to stop) is let go by its end. Then they are walked.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/proc.h"
#include "sampler/core.h"
#include "sampler/dwfl.h"
#include "sampler/sampler.h"
#include "sampler/stop.h"

#define THREADS_MAX (1u << 20)
#define ROUNDS_MAX 10 /* of listing threads */

struct taker {
	struct ft_backtrace *backtrace;
	struct ft_err *err;
	int code;
};

/* "TID (NAME) STATE ...": the name may hold anything, also parentheses. */
static int stat_read(u32 pid, struct ft_backtrace_thread *thread)
{
	char path[64], *text, *name, *end;
	size_t len;
	int code;

	snprintf(path, sizeof(path), "/proc/%u/task/%u/stat", pid, thread->tid);
	code = ft_file_read(path, 4096, &text, &len);
	if (code)
		return code;
	name = strchr(text, '(');
	end = strrchr(text, ')');
	if (name && end && end > name && end[1] == ' ' && end[2]) {
		snprintf(thread->name, sizeof(thread->name), "%.*s", (int)(end - name - 1),
			 name + 1);
		thread->state = end[2];
	} else {
		code = -EINVAL;
	}
	free(text);
	return code;
}

static bool has_thread(const struct ft_backtrace *bt, u32 tid)
{
	for (u32 i = 0; i < bt->thread_count; i++)
		if (bt->threads[i].tid == tid)
			return true;
	return false;
}

/* Adds the threads that are not there yet; *added says how many. */
static int list_threads(struct ft_backtrace *bt, u32 *added)
{
	char path[40];
	struct dirent *entry;
	DIR *dir;
	int code = 0;

	snprintf(path, sizeof(path), "/proc/%u/task", bt->process.pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	*added = 0;
	while (!code && (entry = readdir(dir)) && bt->thread_count < THREADS_MAX) {
		u32 tid = (u32)strtoul(entry->d_name, NULL, 10);

		if (!tid || has_thread(bt, tid))
			continue;
		if (FT_GROW(&bt->threads, &bt->thread_cap, (size_t)bt->thread_count + 1))
			code = -ENOMEM;
		else {
			bt->threads[bt->thread_count++].tid = tid;
			++*added;
		}
	}
	closedir(dir);
	return code;
}

static void thread_drop(struct ft_backtrace *bt, u32 index)
{
	struct ft_backtrace_thread *t = &bt->threads[index];

	free(t->kernel);
	free(t->frames);
	free(t->stack);
	memmove(t, t + 1, (bt->thread_count - index - 1) * sizeof(*t));
	bt->thread_count--;
	bt->threads[bt->thread_count] = (struct ft_backtrace_thread){0};
}

static int copy_from(struct ft_backtrace *bt, struct ft_stop *stop, u32 first)
{
	for (u32 i = first; i < bt->thread_count;) {
		struct ft_backtrace_thread *t = &bt->threads[i];
		int code = stat_read(bt->process.pid, t);

		if (!code)
			code = ft_stop_copy(stop, bt->process.pid, t);
		if (code == -ESRCH || code == -ENOENT) {
			thread_drop(bt, i); /* it has ended meanwhile */
			continue;
		}
		if (code)
			return code;
		i++;
	}
	return 0;
}

static int take(struct ft_backtrace *bt, struct ft_stop *stop)
{
	u32 added = 1;
	int code = 0;

	for (u32 round = 0; !code && added && round < ROUNDS_MAX; round++) {
		u32 first = bt->thread_count;

		code = list_threads(bt, &added);
		if (!code)
			code = copy_from(bt, stop, first);
	}
	return code;
}

static void *taker_run(void *arg)
{
	struct taker *taker = arg;
	u32 pid = taker->backtrace->process.pid;
	struct ft_stop *stop = ft_stop_new(pid);
	struct sched_param priority = {.sched_priority = 1};

	/* A thread that has stopped waits for us: ahead of everybody, where that is permitted. */
	pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority);
	taker->code = stop ? take(taker->backtrace, stop) : -ENOMEM;
	ft_stop_free(stop);
	if (taker->code == -EPERM || taker->code == -EACCES)
		ft_err_set(taker->err, taker->code,
			   "not permitted to stop process %u: run as root (or as its user, where "
			   "/proc/sys/kernel/yama/ptrace_scope is 0)",
			   pid);
	else if (taker->code == -ENOTSUP)
		ft_err_set(taker->err, taker->code,
			   "process %u runs code for another kind of machine than flametap", pid);
	else if (taker->code)
		ft_err_set(taker->err, taker->code, "cannot list the threads of process %u: %s",
			   pid, strerror(-taker->code));
	return NULL;
}

/*
 * Stops are waited for by SIGCHLD, which sleeps and has a time limit: waitpid alone has none, and
 * to ask it again and again would take the CPU from the thread that is to stop.
 */
static int taker_start(struct taker *taker)
{
	sigset_t child, before;
	pthread_t thread;
	int code;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &child, &before);
	code = pthread_create(&thread, NULL, taker_run, taker);
	if (code)
		code = ft_err_set(taker->err, -code, "cannot start a thread: %s", strerror(code));
	else
		pthread_join(thread, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return code ? code : taker->code;
}

static void command_read(struct ft_backtrace *bt)
{
	char path[40], *text;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%u/comm", bt->process.pid);
	if (ft_file_read(path, 4096, &text, &len))
		return;
	snprintf(bt->command, sizeof(bt->command), "%.*s", (int)strcspn(text, "\n"), text);
	free(text);
}

int ft_backtrace_take(u32 pid, struct ft_backtrace *backtrace, struct ft_err *err)
{
	struct ft_backtrace bt = {0};
	struct taker taker = {.backtrace = &bt, .err = err};
	int code = ft_process_open(pid, &bt.process, err);

	if (code)
		return code;
	command_read(&bt);
	code = taker_start(&taker);
	if (!code && !bt.thread_count)
		code = ft_err_set(err, -ESRCH, "process %u has ended", pid);
	/* What was mapped when the threads stopped, rather than before; unless it has ended. */
	if (!code)
		ft_process_refresh(&bt.process, NULL);
	if (!code && bt.process.map_count)
		code = ft_dwfl_walk(&bt, err);
	if (code)
		ft_backtrace_free(&bt);
	else
		*backtrace = bt;
	return code;
}

int ft_backtrace_core(const char *path, const char *root, struct ft_backtrace *backtrace,
		      struct ft_err *err)
{
	struct ft_backtrace bt = {0};
	int code = ft_core_open(path, root, &bt, err);

	if (!code && bt.process.map_count)
		code = ft_dwfl_walk(&bt, err);
	if (code)
		ft_backtrace_free(&bt);
	else
		*backtrace = bt;
	return code;
}

bool ft_backtrace_read(const struct ft_backtrace *backtrace,
		       const struct ft_backtrace_thread *thread, u64 addr, void *out, size_t bytes)
{
	struct iovec here = {out, bytes}, there = {(void *)(uintptr_t)addr, bytes};

	if (thread && addr >= thread->stack_at && bytes <= thread->stack_bytes &&
	    addr - thread->stack_at <= thread->stack_bytes - bytes) {
		memcpy(out, thread->stack + (addr - thread->stack_at), bytes);
		return true;
	}
	if (backtrace->core)
		return ft_core_read(backtrace->core, addr, out, bytes);
	return process_vm_readv((pid_t)backtrace->process.pid, &here, 1, &there, 1, 0) ==
	       (ssize_t)bytes;
}

void ft_backtrace_free(struct ft_backtrace *backtrace)
{
	while (backtrace->thread_count)
		thread_drop(backtrace, backtrace->thread_count - 1);
	free(backtrace->threads);
	ft_core_close(backtrace->core);
	ft_process_close(&backtrace->process);
	*backtrace = (struct ft_backtrace){0};
}

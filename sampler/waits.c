/*
 * waits.c - see waits.h.
 *
 * From outside, the kernel tells of a thread that waits its user stack pointer and pc
 * (/proc/TID/syscall, proc(5)) and lets us read its stack: enough to walk by unwind tables, for
 * blocked threads stand in a system call's wrapper, whose frame is the stack pointer's. Registers
 * that are not known are 0. Kernel frames are not to be had as addresses.
 */
#include "sampler/waits.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "sampler/late.h"

#define PAGE_BYTES 4096
#define CGROUP_DEPTH_MAX 64
#define STACKS_NS 300000000 /* time for taking stacks; threads beyond it go without */

struct begin {
	struct ft_waits *waits;
	struct ft_wire_wait *wait;
	struct ft_wire_capture *capture;
	u32 tgid;
	char process[FT_WIRE_COMM_BYTES];
};

/* Reads a small file below /proc/PID/task/TID as text. */
static bool read_text(u32 tgid, u32 tid, const char *name, char *text, size_t size)
{
	char path[64], *content;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%u/task/%u/%s", tgid, tid, name);
	if (ft_file_read(path, size, &content, &len))
		return false;
	snprintf(text, size, "%s", content);
	free(content);
	text[strcspn(text, "\n")] = '\0';
	return true;
}

static void read_comm(u32 tgid, u32 tid, char comm[FT_WIRE_COMM_BYTES])
{
	char text[64] = "";

	read_text(tgid, tid, "comm", text, sizeof(text));
	memset(comm, 0, FT_WIRE_COMM_BYTES);
	memcpy(comm, text, strnlen(text, FT_WIRE_COMM_BYTES - 1));
}

/* Why the thread waits, by the letter in its stat file; SAMPLE: it has ended. */
static enum ft_wire_state state_now(u32 tgid, u32 tid)
{
	static const struct {
		char letter;
		u8 state;
	} table[] = {
		{'R', FT_WIRE_STATE_RUNNABLE}, {'S', FT_WIRE_STATE_SLEEP},
		{'D', FT_WIRE_STATE_DISK},     {'I', FT_WIRE_STATE_IDLE},
		{'T', FT_WIRE_STATE_STOPPED},  {'t', FT_WIRE_STATE_TRACED},
		{'P', FT_WIRE_STATE_PARKED},
	};
	char text[600] = "", *end;

	/* "TID (name) LETTER": the name may hold anything. */
	if (!read_text(tgid, tid, "stat", text, sizeof(text)) || !(end = strrchr(text, ')')) ||
	    end[1] != ' ')
		return FT_WIRE_STATE_SAMPLE;
	for (size_t i = 0; i < FT_ARRAY_LEN(table); i++)
		if (table[i].letter == end[2])
			return table[i].state;
	return FT_WIRE_STATE_SAMPLE;
}

/* Copies the thread's stack, as far as it goes. */
static void read_stack(u32 tid, u64 from, struct ft_wire_capture *capture)
{
	struct iovec here = {capture->stack, sizeof(capture->stack)};
	struct iovec there[sizeof(capture->stack) / PAGE_BYTES + 2];
	unsigned long pages = 0;
	u64 at = from, left = sizeof(capture->stack);
	ssize_t got;

	/* In pieces of a page: what is read ends where the mapping does. */
	while (left && pages < FT_ARRAY_LEN(there)) {
		u64 bytes = PAGE_BYTES - at % PAGE_BYTES;

		bytes = bytes < left ? bytes : left;
		there[pages++] = (struct iovec){(void *)(uintptr_t)at, bytes};
		at += bytes;
		left -= bytes;
	}
	got = process_vm_readv((pid_t)tid, &here, 1, there, pages, 0);
	capture->stack_bytes = got > 0 ? (u64)got : 0;
	capture->cut = capture->stack_bytes == sizeof(capture->stack);
}

/* Where a thread that waits entered the kernel. */
struct entry {
	bool in_call;
	u64 number, op; /* of the system call, and its second argument */
	u64 sp, pc;
};

/* False: it runs, or cannot be looked at. */
static bool read_entry(u32 tgid, u32 tid, struct entry *e)
{
	char text[300] = "", *words[12], *rest = text, *word;
	u32 count = 0;

	/* "NUMBER ARGUMENTS SP PC", "-1 SP PC" outside of a system call, or "running". */
	if (!read_text(tgid, tid, "syscall", text, sizeof(text)))
		return false;
	while ((word = strsep(&rest, " ")) && count < FT_ARRAY_LEN(words))
		words[count++] = word;
	if (count < 3)
		return false;
	e->in_call = count == 9;
	e->number = strtoull(words[0], NULL, 10);
	e->op = strtoull(words[2], NULL, 16);
	e->sp = strtoull(words[count - 2], NULL, 16);
	e->pc = strtoull(words[count - 1], NULL, 16);
	return e->sp && e->pc;
}

static bool is_futex_wait(const struct entry *e)
{
	u64 op = e->op & FUTEX_CMD_MASK;

	if (!e->in_call || e->number != SYS_futex)
		return false;
	return op == FUTEX_WAIT || op == FUTEX_WAIT_BITSET || op == FUTEX_LOCK_PI ||
	       op == FUTEX_LOCK_PI2 || op == FUTEX_WAIT_REQUEUE_PI;
}

/* The user stack that the thread waits at, into its record. */
static void take_stack(struct begin *b, u32 tid, const struct entry *e)
{
	struct ft_wire_capture *c = b->capture;
	struct ft_wire_record *record = &b->wait->record;
	struct ft_proc *proc;

	memset(c, 0, offsetof(struct ft_wire_capture, stack));
	c->record = *record;
	c->record.first_ns = ft_clock_ns(CLOCK_MONOTONIC);
	c->regs[FT_CFI_X86_SP] = e->sp;
	c->pc = e->pc;
	read_stack(tid, FT_WIRE_CAPTURE_FROM(e->sp), c);
	b->waits->drain->now_ns = c->record.first_ns;
	proc = ft_drain_proc(b->waits->drain, &c->record);
	if (!proc || !c->stack_bytes)
		return;
	ft_late_walk(c, &proc->space, b->waits->tables, b->waits->how);
	if (c->record.words <= FT_WIRE_RECORD_WORDS)
		*record = c->record;
}

static int begin_thread(struct begin *b, u32 tid)
{
	struct ft_waits *w = b->waits;
	enum ft_wire_state state = state_now(b->tgid, tid);
	struct ft_wire_record *record = &b->wait->record;
	struct entry e = {0};
	bool entered = state != FT_WIRE_STATE_SAMPLE && state != FT_WIRE_STATE_RUNNABLE &&
		       read_entry(b->tgid, tid, &e);

	if (w->locks && !(entered && is_futex_wait(&e)))
		return 0;
	if (w->locks)
		state = FT_WIRE_STATE_USER_LOCK;
	if (state == FT_WIRE_STATE_SAMPLE || !(w->states >> state & 1))
		return 0;
	memset(b->wait, 0, sizeof(*b->wait));
	b->wait->start_ns = w->armed_ns;
	*record = (struct ft_wire_record){
		.first_ns = w->armed_ns,
		.words = FT_WIRE_FIXED_WORDS,
		.tgid = b->tgid,
		.state = (u8)state,
		.wait = FT_WIRE_WAIT_BEFORE,
	};
	memcpy(record->process, b->process, sizeof(record->process));
	if (w->drain->per_thread) {
		record->tid = tid;
		read_comm(b->tgid, tid, record->thread);
	}
	if (w->user_frames && entered && ft_clock_ns(CLOCK_MONOTONIC) - w->armed_ns < STACKS_NS)
		take_stack(b, tid, &e);
	record->wait = FT_WIRE_WAIT_BEFORE;
	record->state = (u8)state;
	/* A thread that has come and gone since has told of itself. */
	if (bpf_map_update_elem(w->map_fd, &tid, b->wait, BPF_NOEXIST) && errno != EEXIST)
		return errno == E2BIG ? -ENOSPC : -errno;
	return 0;
}

static int begin_process(void *context, u32 tgid)
{
	struct begin *b = context;
	char path[32];
	struct dirent *entry;
	int code = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%u/task", tgid);
	dir = opendir(path);
	if (!dir)
		return 0; /* it has ended */
	b->tgid = tgid;
	read_comm(tgid, tgid, b->process);
	while (!code && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			code = begin_thread(b, (u32)strtoul(entry->d_name, NULL, 10));
	closedir(dir);
	return code == -ENOSPC ? 0 : code; /* what does not fit is counted when it leaves a CPU */
}

static int begin_one(struct begin *b, u32 tid)
{
	u32 tgid;

	if (ft_proc_tgid(tid, &tgid))
		return 0;
	b->tgid = tgid;
	read_comm(tgid, tgid, b->process);
	return begin_thread(b, tid);
}

/* The processes that a file cgroup.procs lists. */
static int begin_listed(struct begin *b, int folder_fd)
{
	int fd = openat(folder_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC), code = 0;
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	u32 tgid;

	if (!file) {
		if (fd >= 0)
			close(fd);
		return 0; /* the cgroup has gone */
	}
	while (!code && fscanf(file, "%" SCNu32, &tgid) == 1)
		code = begin_process(b, tgid);
	fclose(file);
	return code;
}

/* All processes in a cgroup and below it. Takes over folder_fd. */
static int begin_cgroup(struct begin *b, int folder_fd, u32 depth)
{
	DIR *dir = folder_fd < 0 ? NULL : fdopendir(folder_fd);
	struct dirent *entry;
	int code;

	if (!dir)
		return 0;
	code = begin_listed(b, dirfd(dir));
	while (!code && depth < CGROUP_DEPTH_MAX && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			code = begin_cgroup(b,
					    openat(dirfd(dir), entry->d_name,
						   O_RDONLY | O_DIRECTORY | O_CLOEXEC),
					    depth + 1);
	closedir(dir);
	return code;
}

int ft_waits_begin(struct ft_waits *waits, const struct ft_record_opts *target, int cgroup_fd)
{
	struct begin b = {
		.waits = waits,
		.wait = ft_alloc(sizeof(*b.wait)),
		.capture = ft_alloc(sizeof(*b.capture)),
	};
	int code = 0;

	if (target->target == FT_TARGET_ALL)
		code = ft_proc_pids(begin_process, &b);
	else if (target->target == FT_TARGET_CGROUP)
		code = begin_cgroup(&b, openat(cgroup_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
				    0);
	for (u32 i = 0; target->ids && i < target->id_count && !code; i++)
		code = target->target == FT_TARGET_TIDS ? begin_one(&b, target->ids[i])
							: begin_process(&b, target->ids[i]);
	free(b.wait);
	free(b.capture);
	return code;
}

static int end_wait(struct ft_waits *w, struct ft_wire_wait *wait, u64 end_ns)
{
	struct ft_wire_record *record = &wait->record;
	u64 from_ns = wait->start_ns, ns;

	/* It was entered at the start as waiting for a CPU, but had one all the time. */
	if (record->wait & FT_WIRE_WAIT_BEFORE && record->state == FT_WIRE_STATE_RUNNABLE)
		return 0;
	if (w->runqueue && record->state != FT_WIRE_STATE_RUNNABLE)
		from_ns = wait->woken_ns;
	ns = end_ns > from_ns ? end_ns - from_ns : 0;
	if (!from_ns || ns < w->min_ns || ns > w->max_ns)
		return 0;
	record->wait |= FT_WIRE_WAIT_AFTER;
	record->weight = ns;
	record->count = 1;
	record->bucket = (u8)(ns ? 64 - __builtin_clzll(ns) : 0);
	w->samples++;
	w->user_stacks += record->user_frames > 0;
	return ft_drain_record(w->drain, record);
}

/* Time on CPUs that nobody has told of yet. */
static int end_on_cpu(struct ft_waits *w, const struct ft_wire_wait *wait, u64 end_ns)
{
	struct ft_wire_record record = wait->record;
	u64 since_ns = wait->on_since_ns;

	if (!since_ns && wait->record.wait & FT_WIRE_WAIT_BEFORE &&
	    wait->record.state == FT_WIRE_STATE_RUNNABLE)
		since_ns = wait->start_ns;
	record.state = FT_WIRE_STATE_ON_CPU;
	record.user_frames = record.kernel_frames = 0;
	record.weight = wait->on_ns + (since_ns && end_ns > since_ns ? end_ns - since_ns : 0);
	return record.weight && record.tgid ? ft_drain_record(w->drain, &record) : 0;
}

int ft_waits_end(struct ft_waits *w, u64 end_ns)
{
	struct ft_wire_wait *wait = ft_alloc(sizeof(*wait));
	u32 tid, *before = NULL, key;
	int code = 0;

	while (!code && !bpf_map_get_next_key(w->map_fd, before, &tid)) {
		key = tid;
		before = &key;
		if (bpf_map_lookup_elem(w->map_fd, &tid, wait))
			continue;
		if (wait->start_ns && w->states >> wait->record.state & 1)
			code = end_wait(w, wait, end_ns);
		if (!code && w->on_cpu)
			code = end_on_cpu(w, wait, end_ns);
	}
	free(wait);
	return code;
}

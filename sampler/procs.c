/* procs.c - see procs.h. Record layouts: perf_event_open(2). */
#include "sampler/procs.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/proc.h"
#include "sampler/modules.h"

#define BUCKETS 4096 /* power of two */

struct ft_procs {
	struct ft_raw *raw;
	struct ft_modules *modules;
	enum ft_procs_follow follow;
	struct ft_spaces *spaces;
	u32 *changed; /* ids of processes whose mappings changed since the last ft_procs_publish */
	size_t changed_count, changed_cap;
	struct ft_proc *buckets[BUCKETS];
};

/* Ends every record: sample_id for the sample_type below. */
struct sample_id {
	u32 pid, tid;
	u64 time_ns;
	u32 cpu, reserved;
};

struct mmap2_record {
	struct perf_event_header header;
	u32 pid, tid;
	u64 addr, len, pgoff;
	u32 maj, min;
	u64 ino, ino_generation;
	u32 prot, flags;
	char filename[];
};

struct comm_record {
	struct perf_event_header header;
	u32 pid, tid;
};

struct task_record { /* FORK and EXIT */
	struct perf_event_header header;
	u32 pid, ppid;
	u32 tid, ptid;
	u64 time;
};

struct lost_record {
	struct perf_event_header header;
	u64 id, lost;
};

void ft_procs_identify(struct perf_event_attr *attr)
{
	attr->sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU;
	attr->sample_id_all = 1;
	attr->use_clockid = 1;
	attr->clockid = CLOCK_MONOTONIC;
}

void ft_procs_attr(struct perf_event_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	attr->type = PERF_TYPE_SOFTWARE;
	attr->config = PERF_COUNT_SW_DUMMY;
	attr->mmap = 1;
	attr->mmap2 = 1;
	attr->comm = 1;
	attr->comm_exec = 1;
	attr->task = 1;
	ft_procs_identify(attr);
}

static const struct sample_id *record_id(const struct perf_event_header *record)
{
	return (const void *)((const char *)record + record->size - sizeof(struct sample_id));
}

/* Whether a record is as long as its fixed part and its identity. */
static bool holds(const struct perf_event_header *record, size_t fixed_bytes)
{
	return record->size >= fixed_bytes + sizeof(struct sample_id);
}

u64 ft_procs_record_ns(const struct perf_event_header *record)
{
	return holds(record, sizeof(*record)) ? record_id(record)->time_ns : 0;
}

struct ft_procs *ft_procs_new(struct ft_raw *raw, enum ft_procs_follow follow,
			      struct ft_spaces *spaces)
{
	struct ft_procs *procs = ft_alloc(sizeof(*procs));

	procs->raw = raw;
	procs->follow = follow;
	procs->spaces = spaces;
	procs->modules = ft_modules_new(raw);
	return procs;
}

static void proc_free(struct ft_procs *procs, struct ft_proc *proc)
{
	/* An id that is in use again belongs to the younger process. */
	bool reused = ft_procs_find(procs, proc->pid, UINT64_MAX) != NULL;

	if (procs->spaces)
		ft_spaces_forget(procs->spaces, proc->pid, reused, &proc->published);
	ft_space_fini(&proc->space);
	free(proc);
}

void ft_procs_free(struct ft_procs *procs)
{
	if (!procs)
		return;
	for (u32 i = 0; i < BUCKETS; i++) {
		while (procs->buckets[i]) {
			struct ft_proc *gone = procs->buckets[i];

			procs->buckets[i] = gone->next;
			proc_free(procs, gone);
		}
	}
	ft_modules_free(procs->modules);
	free(procs->changed);
	free(procs);
}

static struct ft_proc **bucket_of(struct ft_procs *procs, u32 pid)
{
	return &procs->buckets[ft_hash_word(pid) & (BUCKETS - 1)];
}

struct ft_proc *ft_procs_find(struct ft_procs *procs, u32 pid, u64 when_ns)
{
	struct ft_proc *nearest = NULL;

	for (struct ft_proc *p = *bucket_of(procs, pid); p; p = p->next) {
		if (p->pid != pid)
			continue;
		nearest = p;
		if (p->begin_ns <= when_ns)
			return p;
	}
	return nearest;
}

/* The process that has the id now. */
static struct ft_proc *current_proc(struct ft_procs *procs, u32 pid)
{
	struct ft_proc *proc = ft_procs_find(procs, pid, UINT64_MAX);

	return proc && proc->end_ns == UINT64_MAX ? proc : NULL;
}

static struct ft_proc *proc_begin(struct ft_procs *procs, u32 pid, u64 begin_ns)
{
	struct ft_proc **bucket = bucket_of(procs, pid);
	struct ft_proc *proc = ft_alloc(sizeof(*proc));

	proc->pid = pid;
	proc->begin_ns = begin_ns;
	proc->end_ns = UINT64_MAX;
	proc->next = *bucket;
	*bucket = proc;
	return proc;
}

/* Remembers to publish a process. Without memory for that its stacks are walked in user space. */
static void note_change(struct ft_procs *procs, u32 pid)
{
	size_t count = procs->changed_count;

	if (!procs->spaces || (count && procs->changed[count - 1] == pid) ||
	    FT_GROW(&procs->changed, &procs->changed_cap, count + 1))
		return;
	procs->changed[procs->changed_count++] = pid;
}

void ft_procs_publish(struct ft_procs *procs, u64 now_ns)
{
	for (size_t i = 0; i < procs->changed_count; i++) {
		struct ft_proc *proc = current_proc(procs, procs->changed[i]);

		/*
		 * The exec id may be new, and only the kernel knows it: the next sample shows it.
		 */
		if (proc && proc->published.space_version != proc->space.version)
			ft_spaces_publish(procs->spaces, proc->pid, &proc->space, FT_WIRE_EXEC_ANY,
					  now_ns, &proc->published);
	}
	procs->changed_count = 0;
}

/* Tells the programs about a process that they know, after tables were evicted. */
static void publish_again(struct ft_procs *procs, struct ft_proc *proc, u64 now_ns)
{
	struct ft_published *p = &proc->published;

	if (!p->words)
		return;
	/* What cannot be told (the pool may have no room for it either) must not be wrong. */
	if (proc->end_ns != UINT64_MAX)
		ft_spaces_forget(procs->spaces, proc->pid, current_proc(procs, proc->pid) != NULL,
				 p);
	else if (ft_spaces_publish(procs->spaces, proc->pid, &proc->space, p->exec_id, now_ns, p))
		ft_spaces_drop(procs->spaces, proc->pid, p);
}

void ft_procs_make_room(struct ft_procs *procs, u64 now_ns)
{
	u8 *mapped;

	if (!procs->spaces || !ft_tables_short(procs->spaces->tables))
		return;
	mapped = ft_try_alloc(procs->raw->module_count, sizeof(*mapped));
	for (u32 i = 0; mapped && i < BUCKETS; i++) {
		for (const struct ft_proc *p = procs->buckets[i]; p; p = p->next) {
			for (size_t m = 0; p->end_ns == UINT64_MAX && m < p->space.live_count; m++)
				mapped[p->space.live[m].module] = 1;
		}
	}
	if (mapped && ft_spaces_evict(procs->spaces, mapped, now_ns)) {
		for (u32 i = 0; i < BUCKETS; i++)
			for (struct ft_proc *p = procs->buckets[i]; p; p = p->next)
				publish_again(procs, p, now_ns);
	}
	free(mapped);
}

/* Adds a mapping to a process, and to the profile's list of changes if it is one. */
static int map_file(struct ft_procs *procs, struct ft_proc *proc, const struct ft_mapped *mapped)
{
	u64 version = proc->space.version;
	int code = ft_space_map(&proc->space, mapped->start, mapped->end, mapped->offset,
				mapped->module, mapped->when_ns);

	if (!code && ft_module_is_jitdump(&procs->raw->modules[mapped->module]))
		proc->space.dated = true;
	if (code || version == proc->space.version)
		return code;
	return ft_raw_mapped(procs->raw, mapped);
}

struct snapshot {
	struct ft_procs *procs;
	struct ft_proc *proc;
	u64 now_ns;
};

static int snapshot_map(void *context, const struct ft_proc_map *map)
{
	struct snapshot *s = context;
	struct ft_mapped_file file = {
		.pid = s->proc->pid,
		.start = map->start,
		.end = map->end,
		.dev = (u64)map->dev_major << 32 | map->dev_minor,
		.inode = map->inode,
		.path = map->path,
	};
	u32 module;

	/* [vsyscall] lies in the kernel's half, and its system calls are the kernel's own. */
	if (!map->executable || map->start >> 63)
		return 0;
	module = ft_modules_get(s->procs->modules, &file);
	if (module == UINT32_MAX)
		return -ENOMEM;
	return map_file(s->procs, s->proc,
			&(struct ft_mapped){FT_MAPPED_FILE, s->proc->pid, module, map->start,
					    map->end, map->offset, s->now_ns});
}

int ft_procs_refresh(struct ft_procs *procs, struct ft_proc *proc, u64 now_ns)
{
	struct snapshot s = {procs, proc, now_ns};

	if (proc->end_ns != UINT64_MAX || proc->refreshed_ns == now_ns)
		return 0;
	proc->refreshed_ns = now_ns;
	note_change(procs, proc->pid);
	return ft_proc_maps(proc->pid, snapshot_map, &s);
}

int ft_procs_refresh_all(struct ft_procs *procs, u64 now_ns)
{
	int code = 0;

	for (u32 i = 0; i < BUCKETS && code != -ENOMEM; i++)
		for (struct ft_proc *p = procs->buckets[i]; p && code != -ENOMEM; p = p->next)
			code = ft_procs_refresh(procs, p, now_ns);
	return code == -ENOMEM ? code : 0;
}

int ft_procs_add(struct ft_procs *procs, u32 pid, u64 now_ns)
{
	struct ft_proc *proc = current_proc(procs, pid);
	const struct ft_proc *before = proc ? NULL : ft_procs_find(procs, pid, UINT64_MAX);

	if (!proc)
		proc = proc_begin(procs, pid, before ? before->end_ns : 0);
	return ft_procs_refresh(procs, proc, now_ns);
}

static int add_one(void *context, u32 pid)
{
	struct snapshot *s = context;
	int code = ft_procs_add(s->procs, pid, s->now_ns);

	return code == -ENOMEM ? code : 0;
}

int ft_procs_add_all(struct ft_procs *procs, u64 now_ns)
{
	struct snapshot s = {.procs = procs, .now_ns = now_ns};

	return ft_proc_pids(add_one, &s);
}

static int take_mmap(struct ft_procs *procs, const struct mmap2_record *r, u64 when_ns)
{
	struct ft_proc *proc = current_proc(procs, r->pid);
	struct ft_mapped_file file = {
		.pid = r->pid,
		.start = r->addr,
		.end = r->addr + r->len,
		.dev = (u64)r->maj << 32 | r->min,
		.inode = r->ino,
		.path = r->filename,
	};
	u32 module;

	if (r->header.misc & PERF_RECORD_MISC_MMAP_DATA || !(r->prot & PROT_EXEC) ||
	    !memchr(r->filename, '\0', r->header.size - sizeof(*r) - sizeof(struct sample_id)))
		return 0;
	if (!proc && procs->follow == FT_FOLLOW_ALL)
		proc = proc_begin(procs, r->pid, when_ns);
	if (!proc || when_ns < proc->refreshed_ns)
		return 0;
	module = ft_modules_get(procs->modules, &file);
	if (module == UINT32_MAX)
		return -ENOMEM;
	note_change(procs, proc->pid);
	return map_file(procs, proc,
			&(struct ft_mapped){FT_MAPPED_FILE, proc->pid, module, file.start, file.end,
					    r->pgoff, when_ns});
}

static int take_fork(struct ft_procs *procs, const struct task_record *r, u64 when_ns)
{
	struct ft_proc *parent, *child;
	int code;

	if (!holds(&r->header, sizeof(*r)) || r->pid == r->ppid)
		return 0; /* a thread */
	parent = ft_procs_find(procs, r->ppid, when_ns);
	if (procs->follow == FT_FOLLOW_NONE || (!parent && procs->follow == FT_FOLLOW_CHILDREN))
		return 0;
	child = current_proc(procs, r->pid);
	if (child && (child->begin_ns >= when_ns || child->refreshed_ns >= when_ns))
		return 0; /* known already from a later record or from /proc */
	if (child)
		child->end_ns = when_ns;
	child = proc_begin(procs, r->pid, when_ns);
	if (!parent)
		return 0;
	code = ft_space_copy(&child->space, &parent->space, when_ns);
	if (!code)
		code = ft_raw_mapped(procs->raw, &(struct ft_mapped){.kind = FT_MAPPED_FORK,
								     .pid = child->pid,
								     .module = parent->pid,
								     .when_ns = when_ns});
	/*
	 * The kernel side has copied what it knew of the parent; the child gets a part of the pool
	 * of its own.
	 */
	if (code || !procs->spaces)
		return code;
	if (!parent->published.words ||
	    ft_spaces_publish(procs->spaces, child->pid, &child->space, parent->published.exec_id,
			      when_ns, &child->published))
		/* What it has inherited may be given up together with its parent's. */
		ft_spaces_drop(procs->spaces, child->pid, &child->published);
	return 0;
}

static int take_exec(struct ft_procs *procs, const struct comm_record *r, u64 when_ns)
{
	struct ft_proc *proc = current_proc(procs, r->pid);
	int code;

	if (!proc || when_ns < proc->refreshed_ns)
		return 0;
	code = ft_space_clear(&proc->space, when_ns);
	return code ? code
		    : ft_raw_mapped(procs->raw, &(struct ft_mapped){.kind = FT_MAPPED_EXEC,
								    .pid = proc->pid,
								    .when_ns = when_ns});
}

int ft_procs_record(struct ft_procs *procs, const struct perf_event_header *record,
		    struct ft_procs_losses *losses)
{
	u64 when_ns = ft_procs_record_ns(record);

	switch (record->type) {
	case PERF_RECORD_MMAP2:
		if (!holds(record, sizeof(struct mmap2_record) + 1))
			return 0;
		return take_mmap(procs, (const void *)record, when_ns);
	case PERF_RECORD_FORK:
		return take_fork(procs, (const void *)record, when_ns);
	case PERF_RECORD_COMM:
		if (!(record->misc & PERF_RECORD_MISC_COMM_EXEC) ||
		    !holds(record, sizeof(struct comm_record)))
			return 0;
		return take_exec(procs, (const void *)record, when_ns);
	case PERF_RECORD_LOST:
		if (holds(record, sizeof(struct lost_record)))
			losses->records += ((const struct lost_record *)record)->lost;
		return 0;
	case PERF_RECORD_THROTTLE:
		losses->throttled++;
		return 0;
	default:
		return 0; /* an EXIT ends one thread; the process may go on without its first one */
	}
}

/* Whether no living process has the id of this entry any more. */
static bool is_gone(const struct ft_proc *proc)
{
	return proc->end_ns != UINT64_MAX || (kill((pid_t)proc->pid, 0) && errno == ESRCH);
}

void ft_procs_prune(struct ft_procs *procs, u64 when_ns)
{
	for (u32 i = 0; i < BUCKETS; i++) {
		struct ft_proc **link = &procs->buckets[i];

		while (*link) {
			struct ft_proc *proc = *link;

			ft_space_prune(&proc->space, when_ns);
			if (proc->end_ns < when_ns) {
				*link = proc->next;
				proc_free(procs, proc);
				continue;
			}
			/*
			 * Its last samples may still be on their way: it goes with the next round.
			 */
			if (is_gone(proc) && proc->end_ns == UINT64_MAX)
				proc->end_ns = when_ns;
			link = &proc->next;
		}
	}
}
